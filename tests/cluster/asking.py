#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
#
# asking.py SOCKET [RESOURCE]: ask for the version over and over, a connection each time.
# At SIGINT: how many answers were missed, how long the slowest took, and the longest time
# between two answers. Of status: how many answers came in each phase of a move of the tables.
import json
import signal
import socket
import sys
import time

going = True


def stop(*_):
    global going
    going = False


def ask(path, resource):
    client = socket.socket(socket.AF_UNIX)
    client.settimeout(5)
    try:
        client.connect(path)
        client.sendall(
            b"GET /v1/%s HTTP/1.1\r\nHost: lbd\r\nConnection: close\r\n\r\n" % resource.encode()
        )
        answer = b""
        while part := client.recv(65536):
            answer += part
    finally:
        client.close()
    return json.loads(answer.split(b"\r\n\r\n", 1)[1])


def phase_of(answer):
    moving = answer.get("migration", {}).get("under_way")
    return moving["phase"] if moving else "none"


signal.signal(signal.SIGINT, stop)
figures = {"asked": 0, "failed": 0, "slowest_ms": 0.0, "gap_ms": 0.0}
pids = set()
phases = {}
answered = 0.0
while going:
    began = time.monotonic()
    try:
        answer = ask(sys.argv[1], sys.argv[2] if len(sys.argv) > 2 else "version")
        pids.add(answer.get("pid"))
        phases[phase_of(answer)] = phases.get(phase_of(answer), 0) + 1
        now = time.monotonic()
        if answered:
            figures["gap_ms"] = max(figures["gap_ms"], round((now - answered) * 1000, 1))
        answered = now
    except (OSError, IndexError, ValueError) as error:
        figures["failed"] += 1
        print(f"# {error!r}", flush=True)
    figures["slowest_ms"] = max(figures["slowest_ms"], round((time.monotonic() - began) * 1000, 1))
    if not figures["asked"]:
        print("# first", flush=True)
    figures["asked"] += 1
    time.sleep(0.001)
print(json.dumps(figures | {"pids": len(pids), "phases": phases}), flush=True)
