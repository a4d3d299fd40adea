#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""Write the captures of tests/trace, with scapy: a packet of each kind, and broken files."""
import pathlib
import struct

from scapy.all import (ARP, ICMP, IP, TCP, UDP, CookedLinux, Dot1Q, Ether, ICMPv6EchoRequest, IPv6,
                       IPv6ExtHdrDestOpt, Raw, fragment, wrpcap, wrpcapng)

HERE = pathlib.Path(__file__).parent
START = 1700000000
LINK = Ether(src="00:00:5e:00:53:aa", dst="00:00:5e:00:53:01")
CLIENT, CLIENT6 = "203.0.113.5", "2001:db8:9::5"
SHOP, NAT, SHOP_BACKEND = "192.0.2.13", "192.0.2.100", "198.51.100.5"
WEB, TUN, SPARE, DNS6 = "192.0.2.10", "192.0.2.11", "192.0.2.12", "2001:db8::10"


def tcp(vip, flags, port=80, sport=40000, **ip):
    return IP(src=ip.pop("src", CLIENT), dst=vip, **ip) / TCP(sport=sport, dport=port, flags=flags)


def answer(flags, sport=8080):
    return IP(src=SHOP_BACKEND, dst=NAT) / TCP(sport=sport, dport=2000, flags=flags)


def translated():
    """A connection by NAT, both ways; an answer of nobody; an error; fragments, both ways."""
    ask = IP(src=CLIENT, dst=SHOP, id=1) / UDP(sport=40000, dport=53) / Raw(bytes(2000))
    told = IP(src=SHOP_BACKEND, dst=NAT, id=2) / UDP(sport=53, dport=2000) / Raw(bytes(2000))
    sent = IP(src=NAT, dst=SHOP_BACKEND, ttl=63) / TCP(sport=2000, dport=8080, flags="A")
    return (tcp(SHOP, "S"), answer("SA"), tcp(SHOP, "A"), answer("A", 8081),
            IP(src="198.51.100.1", dst=NAT) / ICMP(type=3, code=4, nexthopmtu=1400) / sent,
            *fragment(ask, 1480), *fragment(told, 1480))


def kinds():
    """Of each kind one, and a connection from its first packet to its last."""
    large = IP(src=CLIENT, dst=WEB) / UDP(sport=1, dport=80) / Raw(bytes(2000))
    return [LINK / packet for packet in (
        tcp(WEB, "S"), tcp(WEB, "A"), tcp(WEB, "PA") / Raw(b"GET /"), tcp(WEB, "FA"),
        tcp(TUN, "S", 443), tcp(TUN, "A", 443, sport=40001),
        IPv6(src=CLIENT6, dst=DNS6) / UDP(sport=40000, dport=53) / Raw(b"q"),
        IPv6(src=CLIENT6, dst=DNS6) / UDP(sport=40000, dport=53) / Raw(b"q"),
        IPv6(src=CLIENT6, dst=DNS6) / IPv6ExtHdrDestOpt() / UDP(sport=40000, dport=53),
        Dot1Q(vlan=7) / tcp(WEB, "S", sport=40002),
        ARP(psrc=CLIENT, pdst=WEB),
        IP(src=CLIENT, dst=WEB) / ICMP(), IPv6(src=CLIENT6, dst=DNS6) / ICMPv6EchoRequest(),
        tcp(WEB, "S", 22), tcp("192.0.2.99", "S"),
        tcp(SPARE, "S"),
        tcp(WEB, "SF"), tcp(WEB, "A", src="127.0.0.1"), tcp(WEB, "A", src=WEB),
        *fragment(large, 1480)[1:],
        tcp(TUN, "A", 443) / Raw(bytes(1460)),
        *translated(),
    )]


def record(data, length=None, seconds=START):
    return struct.pack("<IIII", seconds, 0, len(data), len(data) if length is None else length) + data


def pcap(*records):
    return struct.pack("<IHHiIII", 0xA1B2C3D4, 2, 4, 0, 0, 262144, 1) + b"".join(records)


def write(name, data):
    (HERE / name).write_bytes(data)


def main():
    packets = kinds()
    for i, packet in enumerate(packets):
        packet.time = START + i / 8  # such as a float can say exactly
    wrpcap(str(HERE / "kinds.pcap"), packets)
    wrpcapng(str(HERE / "kinds.pcapng"), packets)
    wrpcap(str(HERE / "cooked.pcap"), [CookedLinux() / tcp(WEB, "S")])
    whole = bytes(LINK / tcp(WEB, "A") / Raw(bytes(400)))
    write("cut.pcap", pcap(record(whole[:60], len(whole)), record(whole[:20], len(whole)),
                           record(bytes(10)), record(b""), record(whole + bytes(4000)),
                           record(whole[:60], 0xFFFFFFFF), record(whole, 60)))
    write("back.pcap", pcap(record(whole), record(whole, seconds=START - 5000),
                            record(whole, seconds=0xFFFFFFFF), record(whole, seconds=0)))
    write("huge.pcap", pcap(record(whole), struct.pack("<IIII", START, 0, 0x7FFFFFFF, 0x7FFFFFFF)))
    write("broken.pcap", pcap(record(whole), record(whole)[:-100]))
    section = struct.pack("<IIIHHqI", 0x0A0D0D0A, 28, 0x1A2B3C4D, 1, 0, -1, 28)
    interface = struct.pack("<IIHHII", 1, 20, 1, 0, 262144, 20)
    write("huge.pcapng", section + interface + struct.pack("<II", 6, 0xFFFFFFF0))
    write("empty.pcap", pcap())


if __name__ == "__main__":
    main()
