#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
#
# asking.py SOCKET: ask for the version over and over, a connection each time.
# At SIGINT: how many answers were missed, and how long the slowest took.
import json
import signal
import socket
import sys
import time

going = True


def stop(*_):
    global going
    going = False


def ask(path):
    client = socket.socket(socket.AF_UNIX)
    client.settimeout(5)
    try:
        client.connect(path)
        client.sendall(b"GET /v1/version HTTP/1.1\r\nHost: lbd\r\nConnection: close\r\n\r\n")
        answer = b""
        while part := client.recv(65536):
            answer += part
    finally:
        client.close()
    return json.loads(answer.split(b"\r\n\r\n", 1)[1])["pid"]


signal.signal(signal.SIGINT, stop)
figures = {"asked": 0, "failed": 0, "slowest_ms": 0.0}
pids = set()
while going:
    began = time.monotonic()
    try:
        pids.add(ask(sys.argv[1]))
    except (OSError, IndexError, ValueError) as error:
        figures["failed"] += 1
        print(f"# {error!r}", flush=True)
    figures["slowest_ms"] = max(figures["slowest_ms"], round((time.monotonic() - began) * 1000, 1))
    if not figures["asked"]:
        print("# first", flush=True)
    figures["asked"] += 1
    time.sleep(0.001)
print(json.dumps(figures | {"pids": len(pids)}), flush=True)
