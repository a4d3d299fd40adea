# SPDX-License-Identifier: GPL-2.0-or-later
"""Packets to a VIP that can't be right are dropped by reason; to others they are the kernel's."""
from scapy.all import (IP, ICMPv6EchoRequest, IPv6, IPv6ExtHdrDestOpt, IPv6ExtHdrHopByHop, IPv6ExtHdrRouting, TCP,
                       UDP)

from casebook import (CLIENT, CLIENT6, PORT, VIP, VIP6, case, drops, frame, passes, tcp, tcp6, to,
                      udp, udp6)


def truncated():
    whole = frame(tcp("A"), pad=False)
    whole6 = frame(tcp6("A"), pad=False)
    case("truncated-ipv4", "IPv4 and TCP headers cut short anywhere are dropped", "dsr",
         *[passes(whole[:size], "pass_truncated", note=f"{size} bytes: to nobody knows where")
           for size in (14, 15, 33)],
         *[drops(whole[:size], "drop_bad_length", note=f"{size} bytes", entry="none")
           for size in (34, 37, 38, 41, 42, 47, 53)],
         to(whole, "forward_new", note="54 bytes are whole"))
    case("truncated-ipv6", "IPv6 and TCP headers cut short anywhere are dropped", "dsr",
         *[passes(whole6[:size], "pass_truncated", note=f"{size} bytes: to nobody knows where")
           for size in (14, 15, 53)],
         *[drops(whole6[:size], "drop_bad_length", note=f"{size} bytes", entry="none")
           for size in (54, 57, 61, 62, 73)],
         to(whole6, "forward_new", note="74 bytes are whole"))
    whole, whole6 = frame(udp(load=b""), pad=False), frame(udp6(load=b""), pad=False)
    case("truncated-udp", "UDP headers cut short are dropped", "dsr",
         drops(whole[:41], "drop_bad_length"),
         to(whole, "forward_new"),
         drops(whole6[:61], "drop_bad_length"),
         to(whole6, "forward_new"))
    case("truncated-payload", "A packet that is longer than its frame is dropped", "dsr",
         drops(frame(tcp("A", load=b"x" * 100))[:-1], "drop_bad_length"),
         drops(frame(tcp6("A", load=b"x" * 100))[:-1], "drop_bad_length"),
         drops(frame(tcp("A", len=65535)), "drop_bad_length"),
         drops(frame(tcp6("A", plen=65535)), "drop_bad_length"))
    case("malformed-ihl", "An IPv4 header that claims less than 20 bytes is dropped",
         "dsr",
         *[drops(frame(tcp("A", ihl=ihl)), "drop_bad_header") for ihl in range(5)],
         drops(frame(tcp("A", ihl=15))[:60], "drop_bad_length", note="and one past the end"))
    case("malformed-length", "An IP length too short for its headers is dropped", "dsr",
         *[drops(frame(tcp("A", len=size)), "drop_bad_length", note=f"length {size}")
           for size in (0, 19, 20, 28, 39)],
         drops(frame(udp(len=27)), "drop_bad_length"),
         drops(frame(tcp6("A", plen=0)), "drop_bad_length"),
         drops(frame(tcp6("A", plen=19)), "drop_bad_length"),
         drops(frame(udp6(plen=7)), "drop_bad_length"))
    case("malformed-elsewhere", "Packets that can't be right are the kernel's if they are not for a "
         "VIP", "dsr",
         passes(IP(src=CLIENT, dst="192.0.2.2", ihl=4) / TCP(dport=80), "pass_no_service"),
         passes(IP(src="127.0.0.1", dst="192.0.2.2") / TCP(dport=80), "pass_no_service"),
         passes(IPv6(src="::1", dst="2001:db8:1::2") / TCP(dport=80), "pass_no_service"))
    case("malformed-version", "An IP version that the frame's type contradicts is dropped", "dsr",
         *[drops(tcp("A", version=version), "drop_bad_header") for version in (0, 5, 6, 15)],
         *[drops(tcp6("A", version=version), "drop_bad_header") for version in (0, 4, 5, 15)])
    case("malformed-tcp-offset", "A TCP header that claims too little or too much is dropped", "dsr",
         *[drops(IP(src=CLIENT, dst=VIP) / TCP(sport=PORT, dport=80, flags="A", dataofs=words),
                 "drop_bad_length") for words in (0, 1, 4, 6, 15)],
         to(IP(src=CLIENT, dst=VIP) / TCP(sport=PORT, dport=80, flags="A", dataofs=6) / b"1234",
            "forward_new", note="options are not looked at"))
    case("malformed-udp-length", "A UDP length that can't be is dropped", "dsr",
         *[drops(IP(src=CLIENT, dst=VIP) / UDP(sport=PORT, dport=53, len=size) / b"12345678",
                 "drop_bad_length") for size in (0, 7, 17, 65535)],
         *[drops(IPv6(src=CLIENT6, dst=VIP6) / UDP(sport=PORT, dport=53, len=size) / b"12345678",
                 "drop_bad_length") for size in (0, 7, 17, 65535)],
         to(IP(src=CLIENT, dst=VIP) / UDP(sport=PORT, dport=53, len=12) / b"12345678",
            "forward_new", note="less than there is: the rest is the IP packet's"))


def flags():
    for name, t in (("4", tcp), ("6", tcp6)):
        case(f"bad-flags-{name}", f"IPv{name}, TCP flags that never belong together are dropped",
             "dsr", *[drops(t(bits), "drop_bad_flags", entry="none")
                      for bits in ("SF", "SR", "SRF", "FR", "F", "FPU", "P", "U", "SFRPAU", "", "SFA",
                                   "SRA")])
        case(f"good-flags-{name}", f"IPv{name}, PSH, URG, ECE and CWR go with any flags", "dsr",
             to(t("SEC"), "forward_first"), to(t("SPU"), "forward_first"),
             to(t("AEU"), "forward_new"), to(t("PAU"), "forward_known"),
             to(t("RPA"), "forward_known"))


def sources():
    case("martians-4", "IPv4 sources that no client has are dropped", "dsr",
         *[drops(IP(src=source, dst=VIP) / TCP(sport=PORT, dport=80, flags="A"), "drop_martian",
                 entry="none")
           for source in ("0.0.0.0", "0.1.2.3", "127.0.0.1", "127.255.255.255", "224.0.0.1",
                          "239.1.1.1", "240.0.0.1", "255.255.255.255")],
         to(IP(src="223.255.255.254", dst=VIP) / TCP(sport=PORT, dport=80, flags="A"),
            "forward_new"),
         to(IP(src="126.0.0.1", dst=VIP) / TCP(sport=PORT, dport=80, flags="A"), "forward_new"))
    case("martians-6", "IPv6 sources that no client has are dropped", "dsr",
         *[drops(IPv6(src=source, dst=VIP6) / TCP(sport=PORT, dport=80, flags="A"),
                 "drop_martian", entry="none")
           for source in ("::", "::1", "ff02::1", "ff0e::7", "::ffff:198.51.100.7")],
         to(IPv6(src="fe80::1", dst=VIP6) / TCP(sport=PORT, dport=80, flags="A"), "forward_new"))
    case("vip-source", "A packet that claims to come from a VIP is dropped", "dsr",
         drops(IP(src=VIP, dst=VIP) / TCP(sport=80, dport=80, flags="S"), "drop_vip_source"),
         drops(IP(src=VIP, dst=VIP) / TCP(sport=PORT, dport=80, flags="A"), "drop_vip_source",
               entry="none"),
         drops(IP(src=VIP, dst=VIP) / UDP(sport=PORT, dport=53), "drop_vip_source"),
         drops(IPv6(src=VIP6, dst=VIP6) / TCP(sport=80, dport=80, flags="S"), "drop_vip_source"))


def extensions():
    def six(*headers, plen=None):
        packet = IPv6(src=CLIENT6, dst=VIP6, plen=plen)
        for header in headers:
            packet /= header
        return packet

    syn = TCP(sport=PORT, dport=80, flags="S")
    hop, dest = IPv6ExtHdrHopByHop, IPv6ExtHdrDestOpt
    case("extensions", "IPv6 extension headers do not hide the ports", "dsr",
         to(six(hop(), syn), "forward_first"),
         to(six(dest(), syn), "forward_first"),
         to(six(hop(), dest(), IPv6ExtHdrRouting(type=4, segleft=0), dest(), syn),
            "forward_first"),
         to(six(hop(), dest(), dest(), dest(), dest(), dest(), UDP(sport=PORT, dport=53)),
            "forward_new", note="six of them"))
    case("extensions-flow", "With and without extension headers it is the same connection", "dsr",
         to(tcp6("A"), "forward_new"),
         to(six(hop(), TCP(sport=PORT, dport=80, flags="A")), "forward_known", entry="confirmed"))
    case("extensions-bad", "Too many extension headers, or one that runs past the end, are dropped",
         "dsr",
         drops(six(hop(), *[dest()] * 6, syn), "drop_bad_header", note="seven of them"),
         drops(six(IPv6ExtHdrRouting(type=0, segleft=1, addresses=["2001:db8::1"]), syn),
               "drop_bad_header", note="RFC 5095"),
         drops(frame(six(dest(len=255), syn)), "drop_bad_length", note="2048 bytes it says"),
         drops(frame(six(hop(), dest(), syn, plen=8)), "drop_bad_length"),
         drops(frame(six(hop(), syn, plen=16)), "drop_bad_length"))
    case("extensions-other", "Behind extension headers, too, only TCP and UDP are balanced", "dsr",
         passes(six(hop(), ICMPv6EchoRequest()), "pass_not_l4"),
         passes(six(dest(nh=59)), "pass_not_l4", note="no next header"))


def chapter():
    for part in (truncated, flags, sources, extensions):
        part()
