#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""As much of QUIC as a balancer sees, over real sockets: headers and connection ids.

    quic.py server NAME CONFIG SERVER_ID ADDRESS...
    quic.py client ADDRESS [--cid HEX | --unroutable] [--moves N] [--every SECONDS] [--from ADDRESS]

The server answers on port 443 of each address with its name. Its connection ids
are those of draft-ietf-quic-load-balancers-21, in plaintext. The client opens a
connection (or goes on with the one that --cid names), then sends a packet from
each of N new ports, and prints what it met as JSON: the backends in order, the
connection id, and how many packets had no answer. --unroutable: the server's
answers are ignored, and all packets say 0b111.
"""
import argparse
import json
import os
import select
import socket
import time

PORT = 443
VERSION = (1).to_bytes(4, "big")
TIMEOUT = 1.0


def family(address):
    return socket.AF_INET6 if ":" in address else socket.AF_INET


def routable(config, server_id):
    body = server_id + os.urandom(5)
    return bytes([config << 5 | len(body)]) + body


def long_header(dcid, scid, load):
    return (b"\xc0" + VERSION + bytes([len(dcid)]) + dcid + bytes([len(scid)]) + scid + load)


def short_header(dcid, load):
    return b"\x40" + dcid + load


def source_of(packet):
    """The source connection id of a long header."""
    at = 6 + packet[5]
    return packet[at + 1:at + 1 + packet[at]]


def serve(options):
    name, server_id = options.name.encode(), bytes.fromhex(options.server_id)
    sockets = []
    for address in options.address:
        sock = socket.socket(family(address), socket.SOCK_DGRAM)
        sock.bind((address, PORT))
        sockets.append(sock)
    while True:
        for sock in select.select(sockets, [], [])[0]:
            packet, client = sock.recvfrom(2048)
            if packet and packet[0] & 0x80:
                answer = long_header(b"", routable(options.config, server_id), name)
            else:
                answer = short_header(b"", name)
            sock.sendto(answer, client)


def ask(options, packet):
    """From a port of its own. Returns the answer, or None."""
    with socket.socket(family(options.address), socket.SOCK_DGRAM) as sock:
        sock.settimeout(TIMEOUT)
        if options.source:
            sock.bind((options.source, 0))
        sock.connect((options.address, PORT))
        sock.send(packet)
        try:
            return sock.recv(2048)
        except socket.timeout:
            return None


def name_in(answer):
    if answer[0] & 0x80:
        scid = source_of(answer)
        return answer[7 + answer[5] + len(scid):].decode()
    return answer[1:].decode()


def converse(options):
    dcid = bytes.fromhex(options.cid) if options.cid else None
    met, lost = [], 0
    if options.unroutable:
        dcid = b"\xe8" + os.urandom(8)
    if not dcid:
        answer = ask(options, long_header(b"\xff" + os.urandom(7), b"", bytes(1200)))
        if answer is None:
            raise SystemExit("no answer to the first packet")
        dcid = source_of(answer)
        met.append(name_in(answer))
    for _ in range(options.moves):
        answer = ask(options, short_header(dcid, os.urandom(40)))
        if answer is None:
            lost += 1
        else:
            met.append(name_in(answer))
        time.sleep(options.every)
    print(json.dumps({"backends": met, "met": sorted(set(met)), "lost": lost, "cid": dcid.hex()}))


def main():
    parser = argparse.ArgumentParser()
    roles = parser.add_subparsers(dest="role", required=True)
    server = roles.add_parser("server")
    server.add_argument("name")
    server.add_argument("config", type=int)
    server.add_argument("server_id")
    server.add_argument("address", nargs="+")
    client = roles.add_parser("client")
    client.add_argument("address")
    client.add_argument("--cid")
    client.add_argument("--unroutable", action="store_true")
    client.add_argument("--moves", type=int, default=40)
    client.add_argument("--every", type=float, default=0)
    client.add_argument("--from", dest="source")
    options = parser.parse_args()
    if options.role == "server":
        serve(options)
    else:
        converse(options)


if __name__ == "__main__":
    main()
