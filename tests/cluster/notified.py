#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
#
# notified.py SOCKET: what systemd would hear of a service. Prints "PID MESSAGE" for each,
# "gone MESSAGE" if its sender lives no more, for systemd ignores that.
import array
import os
import socket
import struct
import sys

listener = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
listener.bind(sys.argv[1])
listener.setsockopt(socket.SOL_SOCKET, socket.SO_PASSCRED, 1)
while True:
    message, control, _, _ = listener.recvmsg(4096, 4096)
    pid = 0
    for _, kind, data in control:
        if kind == socket.SCM_CREDENTIALS:
            pid = struct.unpack("3i", data)[0]
        elif kind == socket.SCM_RIGHTS:
            for fd in array.array("i", data):
                os.close(fd)
    sender = pid if os.path.exists(f"/proc/{pid}") else "gone"
    for line in message.decode().splitlines():
        print(sender, line, flush=True)
