#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""Write the packet cases. Golden frames are made by scapy, which knows nothing of lbd.

    tests/packet/make_cases.py [--check]

Each call of case() is one file in cases/; --check only says whether the files
are up to date. A case may also be written by hand: see README.md.
"""
import pathlib
import sys
from functools import partial

from scapy.all import (ARP, Dot1Q, Ether, ICMP, ICMPv6EchoRequest, ICMPv6ND_NS, ICMPv6PacketTooBig, IP, IPOption_NOP,
                       IPv6, IPv6ExtHdrFragment, IPv6ExtHdrHopByHop, Raw, TCP, UDP)
from scapy.contrib.geneve import GENEVE
from scapy.contrib.mpls import MPLS
from scapy.layers.l2 import GRE
from scapy.layers.vrrp import VRRPv3
from scapy.layers.vxlan import VXLAN

CASES = pathlib.Path(__file__).parent / "cases"
CLIENT, CLIENT6 = "198.51.100.7", "2001:db8:c::7"
VIP, VIP6 = "192.0.2.1", "2001:db8:1::1"
ROUTER_MAC = "02:00:00:00:cc:01"
IN_MAC, OUT_MAC = "02:00:00:00:aa:01", "02:00:00:00:aa:02"
ONE, TWO, FAR = "02:00:00:00:bb:11", "02:00:00:00:bb:12", "02:00:00:00:bb:21"
ONE4, ONE6 = "203.0.113.11", "2001:db8:2::11"
FAR4, FAR6 = "203.0.113.21", "2001:db8:2::21"
TUNNEL4, TUNNEL6 = "198.18.0.0", "100::"
TUNNEL_MAC, TUNNEL_SOURCE_MAC, VNI = "02:4c:42:44:00:01", "02:4c:42:44:00:02", 0x123456
TUNNELS = {"ipip": 0, "gue": 8, "gre": 4, "vxlan": 30, "geneve": 30}  # bytes behind the outer IP
PORT = 40000
MINIMUM = 60  # of an Ethernet frame, without its checksum

made = {}


# --- frames

def frame(packet, pad=True, dmac=IN_MAC):
    raw = bytes(Ether(dst=dmac, src=ROUTER_MAC) / packet)
    return raw.ljust(MINIMUM, b"\0") if pad else raw


def tcp(bits, dport=80, sport=PORT, load=b"", **ip):
    return IP(src=CLIENT, dst=VIP, id=7, **ip) / TCP(sport=sport, dport=dport, flags=bits) / load


def udp(dport=53, sport=PORT, load=b"question", **ip):
    return IP(src=CLIENT, dst=VIP, id=7, **ip) / UDP(sport=sport, dport=dport) / load


def tcp6(bits, dport=80, sport=PORT, load=b"", **ip):
    return IPv6(src=CLIENT6, dst=VIP6, **ip) / TCP(sport=sport, dport=dport, flags=bits) / load


def udp6(dport=53, sport=PORT, load=b"question", **ip):
    return IPv6(src=CLIENT6, dst=VIP6, **ip) / UDP(sport=sport, dport=dport) / load


def readdress(raw, dmac, smac=IN_MAC):
    """What dsr does to a frame, in hex: other MAC addresses, nothing else."""
    mac = bytes.fromhex((dmac + smac).replace(":", ""))
    return (mac + raw[12:]).hex()


def mask(text, first, digits):
    return text[:first] + "." * digits + text[first + digits:]


def inner_of(raw):
    """The packet behind the link header (with what pads it), its length, traffic class, family."""
    inner = raw[14:]
    v6 = inner[0] >> 4 == 6
    if v6:
        return inner, IPv6(inner).plen + 40, IPv6(inner).tc, True
    return inner, IP(inner).len, IP(inner).tos, False


def between(mode, inner, length, v6):
    """What a mode puts between the outer IP header, of which this is the protocol, and the packet.
    The UDP source port is lbd's choice: 49152 is in its place."""
    kind = 0x86dd if v6 else 0x0800
    ether = Ether(dst=TUNNEL_MAC, src=TUNNEL_SOURCE_MAC, type=kind)
    overlay = {"vxlan": (4789, VXLAN(vni=VNI, flags=8)),
               "geneve": (6081, GENEVE(vni=VNI, proto=0x6558))}
    if mode == "ipip":
        return (41 if v6 else 4), b""
    if mode == "gre":
        return 47, bytes(GRE(proto=kind))
    port, header = (6080, b"") if mode == "gue" else overlay[mode]
    header = b"" if mode == "gue" else bytes(header / ether)
    udp_header = UDP(sport=49152, dport=port, len=8 + len(header) + length, chksum=0)
    return 17, bytes(udp_header) + header


def tunnel4(raw, outer_dst=ONE4, dmac=ONE, smac=IN_MAC, mode="ipip"):
    """IPv4 before the packet. Host bits of the source and the checksum may be anything:
    the source is lbd's choice, and the runner verifies every checksum that leaves."""
    inner, length, tos, v6 = inner_of(raw)
    proto, middle = between(mode, inner, length, v6)
    outer = IP(src=TUNNEL4, dst=outer_dst, tos=tos, id=0, flags="DF", ttl=64,
               len=20 + len(middle) + length, proto=proto)
    text = (bytes(Ether(dst=dmac, src=smac, type=0x0800) / outer) + middle).hex()
    text = mask(text, 2 * (14 + 10), 4)
    text = mask(text, 2 * (14 + 14), 4)
    return (mask(text, 2 * 34, 4) if proto == 17 else text) + inner.hex()


def tunnel6(raw, outer_dst=ONE6, dmac=ONE, smac=IN_MAC, mode="ipip"):
    """IPv6 before the packet. Flow label and the lower half of the source are lbd's choice."""
    inner, length, tos, v6 = inner_of(raw)
    proto, middle = between(mode, inner, length, v6)
    outer = IPv6(src=TUNNEL6, dst=outer_dst, tc=tos, hlim=64, plen=len(middle) + length, nh=proto)
    text = (bytes(Ether(dst=dmac, src=smac, type=0x86dd) / outer) + middle).hex()
    text = mask(text, 2 * 14 + 3, 5)
    text = mask(text, 2 * (14 + 16), 16)
    return (mask(text, 2 * 54, 4) if proto == 17 else text) + inner.hex()


def turn(raw):
    """The link header of an answer, with its tags."""
    at = 12
    while raw[at:at + 2] in (b"\x81\x00", b"\x88\xa8"):
        at += 4
    return raw[6:12] + raw[:6] + raw[12:at + 2], raw[at + 2:]


def error4(raw, type, code, **rest):
    """The ICMP error about a frame, quoting as much as 576 bytes hold."""
    link, packet = turn(raw)
    ip = IP(packet)
    answer = IP(src=ip.dst, dst=ip.src, tos=0xc0, id=0, flags="DF", ttl=64)
    quote = packet[:min(ip.len, 576 - 28)]
    return (link + bytes(answer / ICMP(type=type, code=code, **rest) / quote)).hex()


def error6(raw, make):
    """The ICMPv6 error about a frame, quoting as much as 1280 bytes hold."""
    link, packet = turn(raw)
    ip = IPv6(packet)
    answer = IPv6(src=ip.dst, dst=ip.src, hlim=64)
    quote = packet[:min(40 + ip.plen, 1280 - 48)]
    return (link + bytes(answer / make / Raw(quote))).hex()


# --- steps

def step(raw, verdict, outcome, out=None, **more):
    return dict(more, raw=raw, verdict=verdict, outcome=outcome, out=out)


def passes(packet, outcome, **more):
    raw = packet if isinstance(packet, bytes) else frame(packet)
    return step(raw, "PASS", outcome, **more)


def drops(packet, outcome, **more):
    raw = packet if isinstance(packet, bytes) else frame(packet)
    return step(raw, "DROP", outcome, **more)


def to(packet, outcome, dmac=ONE, **more):
    raw = packet if isinstance(packet, bytes) else frame(packet)
    return step(raw, "TX", outcome, readdress(raw, dmac), **more)


def through(packet, outcome, wrap=tunnel4, **more):
    raw = packet if isinstance(packet, bytes) else frame(packet)
    return step(raw, "TX", outcome, wrap(raw), **more)


def too_big(packet, mtu, **more):
    """Answered: what does not fit is told to its sender."""
    raw = packet if isinstance(packet, bytes) else frame(packet)
    v6 = turn(raw)[1][0] >> 4 == 6
    answer = (error6(raw, ICMPv6PacketTooBig(mtu=mtu)) if v6 else
              error4(raw, 3, 4, nexthopmtu=mtu))
    return step(raw, "TX", "answer_too_big", answer, **more)


# --- files

def lines_of(text):
    """Ethernet header, then 16 bytes a line."""
    yield text[:28]
    for at in range(28, len(text), 32):
        yield text[at:at + 32]


def field(name, text):
    body = "\n".join("      " + line for line in lines_of(text))
    return f"    {name}: |\n{body}\n"


def describe(raw):
    return Ether(raw).summary().replace("Ether / ", "")[:84]


def write_step(s):
    text = f"  # {describe(s['raw'])}\n  - "
    if "note" in s:
        text += f"note: {s['note']}\n    "
    if "changes" in s:
        text += "changes:\n"
        for backend, state in s["changes"]:
            text += f"    - {{backend: {backend}, becomes: {state}}}\n"
        text += "    "
    for key in ("idle", "from"):
        if key in s:
            text += f"{key}: {s[key]}\n    "
    text += field("in", s["raw"].hex()).lstrip()
    text += f"    verdict: {s['verdict']}\n    outcome: {s['outcome']}\n"
    if s["out"]:
        text += field("out", s["out"])
    for key in ("entry", "news", "source"):
        if key in s:
            text += f"    {key}: {s[key]}\n"
    return text


def case(name, sentence, setup, *steps):
    assert name not in made, name
    made[name] = (f"sentence: {sentence}\nsetup: {setup}\nsteps:\n" +
                  "".join(write_step(s) for s in steps))


# --- the packet path's specification

def families(mode):
    """The four ways to tunnel: name, the port that asks for it, packets, and what comes out."""
    return [("4in4", 8044, tcp, udp, partial(tunnel4, mode=mode)),
            ("4in6", 8046, tcp, udp, partial(tunnel6, mode=mode)),
            ("6in4", 8064, tcp6, udp6, partial(tunnel4, mode=mode)),
            ("6in6", 8066, tcp6, udp6, partial(tunnel6, mode=mode))]


def forwarding():
    """Each way of forwarding: the life of a TCP connection, and of a UDP flow."""
    ways = [("dsr4", "dsr", tcp, udp, 80, 53, to), ("dsr6", "dsr", tcp6, udp6, 80, 53, to)]
    for mode in TUNNELS:
        for kind, port, t, u, wrap in families(mode):
            name = kind if mode == "ipip" else f"{mode}-{kind}"
            ways.append((name, mode, t, u, port, port, partial(through, wrap=wrap)))
    for name, setup, t, u, tport, uport, send in ways:
        case(f"{name}-tcp", f"{name}, a SYN makes no entry, the next packet makes one, a third "
             "confirms it for the peers", setup,
             send(t("S", tport), "forward_first", entry="none", news="no"),
             send(t("A", tport), "forward_new", entry="unconfirmed", news="no"),
             send(t("PA", tport, load=b"GET / HTTP/1.0\r\n\r\n"), "forward_known",
                  entry="confirmed", news="yes"),
             send(t("A", tport), "forward_known", entry="confirmed", news="no"))
        case(f"{name}-udp", f"{name}, the first datagram makes an entry, the second confirms it",
             setup,
             send(u(uport), "forward_new", entry="unconfirmed", news="no"),
             send(u(uport), "forward_known", entry="confirmed", news="yes"))


def connections():
    for name, t in (("4", tcp), ("6", tcp6)):
        case(f"fin-{name}", f"IPv{name}, a FIN of a known connection marks it as closing", "dsr",
             to(t("A"), "forward_new"),
             to(t("A"), "forward_known", entry="confirmed"),
             to(t("FA"), "forward_known", entry="closing", news="yes"),
             to(t("A"), "forward_known", entry="closing", news="no"))
        case(f"rst-{name}", f"IPv{name}, an RST of a known connection marks it as closing", "dsr",
             to(t("A"), "forward_new"),
             to(t("R"), "forward_known", entry="closing", news="yes"))
        case(f"fin-unknown-{name}", f"IPv{name}, a FIN or RST that no entry knows makes none",
             "dsr",
             to(t("FA"), "forward_untracked", entry="none"),
             to(t("R"), "forward_untracked", entry="none"))
    case("syn-retransmitted", "A SYN of a live connection is forwarded and leaves its entry alone",
         "dsr",
         to(tcp("A"), "forward_new"),
         to(tcp("A"), "forward_known", entry="confirmed"),
         to(tcp("S"), "forward_first", entry="confirmed", news="no"))
    case("syn-reopens", "A SYN on a closing entry starts a new connection, unconfirmed", "dsr",
         to(tcp("A"), "forward_new"),
         to(tcp("FA"), "forward_known", entry="closing"),
         to(tcp("S"), "forward_first", entry="unconfirmed"),
         to(tcp("A"), "forward_known", entry="confirmed", news="yes"))
    case("syn-on-expired", "A SYN on an expired entry starts a new connection", "dsr",
         to(tcp("A"), "forward_new"),
         to(tcp("A"), "forward_known", entry="confirmed"),
         to(tcp("S"), "forward_first", idle=3600, entry="unconfirmed"))
    case("expired-goes-on", "A packet after the timeout still finds its entry while nobody took it",
         "dsr",
         to(tcp("A"), "forward_new"),
         to(tcp("A"), "forward_known", entry="confirmed"),
         to(tcp("A"), "forward_known", idle=3600, entry="confirmed"))
    case("refresh", "A live connection is told to the peers again after a while", "dsr",
         to(tcp("A"), "forward_new"),
         to(tcp("A"), "forward_known", news="yes"),
         to(tcp("A"), "forward_known", news="no"),
         to(tcp("A"), "forward_known", idle=120, news="yes"))
    case("two-ports-two-flows", "Another client port is another connection", "dsr",
         to(tcp("A"), "forward_new", entry="unconfirmed"),
         to(tcp("A", sport=PORT + 1), "forward_new", entry="several"))
    case("tcp-and-udp-apart", "The same ports over TCP and UDP are two connections", "ipip",
         through(tcp("A", 8044), "forward_new", entry="unconfirmed"),
         through(udp(8044), "forward_new", entry="several"))


def services():
    case("any-port-4", "A service of any port takes every port that no other service has",
         "any-port",
         to(tcp("S", 22), "forward_first"),
         to(tcp("A", 65535), "forward_new"),
         to(tcp("A", 65535), "forward_known"),
         to(tcp("S", 80), "forward_first", dmac=TWO, note="port 80 has its own service"))
    case("any-port-flows", "The same client port to two ports of a service is two connections",
         "any-port",
         to(tcp("A", 1000), "forward_new", entry="unconfirmed"),
         to(tcp("A", 1001), "forward_new", entry="several"))
    case("any-port-6", "A service of any port is of its protocol only", "any-port",
         to(udp6(1), "forward_new"),
         passes(tcp6("S", 1), "pass_no_service"),
         passes(udp(1), "pass_no_service"))
    case("pass-other-port", "ssh and other ports of the VIP are left to the kernel", "dsr",
         passes(tcp("S", 22), "pass_no_service"),
         passes(tcp6("S", 22), "pass_no_service"),
         passes(udp(80), "pass_no_service"),
         passes(tcp("S", 53), "pass_no_service"))
    case("pass-other-address", "Traffic to other addresses is left to the kernel", "dsr",
         passes(IP(src=CLIENT, dst="192.0.2.2") / TCP(dport=80), "pass_no_service"),
         passes(IPv6(src=CLIENT6, dst="2001:db8:1::2") / TCP(dport=80), "pass_no_service"))
    case("pass-other-host", "Frames for another host's MAC address are left to the kernel", "dsr",
         passes(frame(tcp("S"), dmac="02:00:00:00:aa:77"), "pass_other_host"),
         passes(frame(tcp6("S"), dmac="02:00:00:00:ab:01"), "pass_other_host"),
         passes(frame(udp(), dmac="ff:ff:ff:ff:ff:ff"), "pass_other_host"),
         passes(frame(tcp("S"), dmac="01:00:5e:00:00:12"), "pass_other_host"))
    case("virtual-mac", "Frames for VRRP's virtual MAC address are ours", "dsr",
         to(frame(tcp("S"), dmac="00:00:5e:00:01:33"), "forward_first"),
         to(frame(tcp6("S"), dmac="00:00:5e:00:02:33"), "forward_first"))
    case("pass-reply-direction", "Packets from a VIP are not for it", "dsr",
         passes(IP(src=VIP, dst=CLIENT) / TCP(sport=80, dport=PORT, flags="SA"),
                "pass_no_service"))
    mapped = "::ffff:" + VIP
    case("pass-mapped", "An IPv4-mapped destination in IPv6 is not the IPv4 service", "dsr",
         passes(IPv6(src="2001:db8::1", dst=mapped) / TCP(sport=PORT, dport=80, flags="A"),
                "pass_no_service"))


def others():
    case("pass-arp", "ARP is left to the kernel", "dsr",
         passes(ARP(op="who-has", psrc=CLIENT, pdst=VIP), "pass_not_ip"))
    case("pass-other-ethertypes", "VLAN, MPLS and unknown ethertypes are left to the kernel", "dsr",
         passes(Dot1Q(vlan=7) / tcp("S"), "pass_not_ip"),
         passes(MPLS(label=7) / tcp("S"), "pass_not_ip"),
         passes(frame(Raw(bytes(46)))[:12] + b"\x88\xcc" + bytes(46), "pass_not_ip"))
    case("pass-icmp", "Ping of the VIP is left to the kernel", "dsr",
         passes(IP(src=CLIENT, dst=VIP) / ICMP(), "pass_not_l4"),
         passes(IPv6(src=CLIENT6, dst=VIP6) / ICMPv6EchoRequest(), "pass_not_l4"))
    case("pass-nd", "Neighbour discovery for the VIP is left to the kernel", "dsr",
         passes(IPv6(src=CLIENT6, dst="ff02::1:ff00:1", hlim=255) / ICMPv6ND_NS(tgt=VIP6),
                "pass_not_l4"))
    case("pass-vrrp", "VRRP is left to the kernel", "dsr",
         passes(IP(src="192.0.2.250", dst="224.0.0.18", ttl=255) /
                VRRPv3(vrid=7, priority=100, addrlist=[VIP]), "pass_not_l4"))
    case("pass-tunnelled", "A packet that arrives in a tunnel is left to the kernel", "ipip",
         passes(IP(src=CLIENT, dst=VIP, proto=4) / tcp("S", 8044), "pass_not_l4"))


def headers():
    nops = [IPOption_NOP()] * 3
    for length, options in ((24, nops), (60, [IPOption_NOP()] * 40)):
        case(f"options-dsr-{length}", f"IP options, a header of {length} bytes, do not hide the "
             "ports", "dsr",
             to(tcp("S", options=options), "forward_first"),
             to(tcp("A", options=options), "forward_new"),
             to(tcp("A"), "forward_known", note="the same flow without options"))
    case("options-ipip", "A packet with IP options is tunnelled whole", "ipip",
         through(tcp("A", 8044, options=nops), "forward_new"))
    case("extension-headers", "TCP behind an IPv6 extension header is left to the kernel", "dsr",
         passes(IPv6(src=CLIENT6, dst=VIP6) / IPv6ExtHdrHopByHop() /
                TCP(sport=PORT, dport=80, flags="S"), "pass_not_l4"))
    for mode in TUNNELS:
        suffix = "" if mode == "ipip" else f"-{mode}"
        ways = families(mode)
        case(f"traffic-class{suffix}", f"{mode}, DSCP and ECN are copied to the outer header", mode,
             through(tcp("A", 8044, tos=0xb9), "forward_new", wrap=ways[0][4]),
             through(tcp("A", 8046, tos=0x02), "forward_new", wrap=ways[1][4]),
             through(tcp6("A", 8064, tc=0xb9), "forward_new", wrap=ways[2][4]),
             through(tcp6("A", 8066, tc=0x03, fl=0xabcde), "forward_new", wrap=ways[3][4]))
        case(f"dont-fragment{suffix}", f"{mode}, the outer header says don't fragment, whatever "
             "the packet says", mode,
             through(tcp("A", 8044, flags="DF"), "forward_new", wrap=ways[0][4]),
             through(tcp("A", 8044, flags=0), "forward_known", wrap=ways[0][4]))
        case(f"ttl{suffix}", f"{mode}, the inner TTL arrives as the client sent it", mode,
             through(tcp("A", 8044, ttl=1), "forward_new", wrap=ways[0][4]),
             through(tcp6("A", 8066, hlim=1), "forward_new", wrap=ways[3][4]))
        case(f"padding{suffix}", f"{mode}, padding of a short frame stays behind the packet and "
             "is not counted", mode,
             through(frame(tcp("A", 8044)), "forward_new", wrap=ways[0][4],
                     note="60 bytes, 6 of them padding"),
             through(frame(tcp("A", 8044), pad=False), "forward_known", wrap=ways[0][4],
                     note="54 bytes"),
             through(frame(udp(8044, load=b"")), "forward_new", wrap=ways[0][4],
                     note="18 bytes of padding"))
    case("padding-dsr", "Padding of a short frame is left as it is", "dsr",
         to(frame(tcp("A")), "forward_new"),
         to(frame(tcp("A"), pad=False), "forward_known"),
         to(frame(udp(load=b""), pad=False), "forward_new"))


def truncated():
    whole = frame(tcp("A"), pad=False)
    whole6 = frame(tcp6("A"), pad=False)
    case("truncated-ipv4", "IPv4 and TCP headers cut short anywhere are left to the kernel", "dsr",
         *[passes(whole[:size], "pass_truncated", note=f"{size} bytes", entry="none")
           for size in (14, 15, 33, 34, 37, 38, 41, 42, 47, 53)],
         to(whole, "forward_new", note="54 bytes are whole"))
    case("truncated-ipv6", "IPv6 and TCP headers cut short anywhere are left to the kernel", "dsr",
         *[passes(whole6[:size], "pass_truncated", note=f"{size} bytes", entry="none")
           for size in (14, 15, 53, 54, 57, 61, 62, 73)],
         to(whole6, "forward_new", note="74 bytes are whole"))
    whole, whole6 = frame(udp(load=b""), pad=False), frame(udp6(load=b""), pad=False)
    case("truncated-udp", "UDP headers cut short are left to the kernel", "dsr",
         passes(whole[:41], "pass_truncated"),
         to(whole, "forward_new"),
         passes(whole6[:61], "pass_truncated"),
         to(whole6, "forward_new"))
    case("truncated-payload", "A packet that is longer than its frame is left to the kernel", "dsr",
         passes(frame(tcp("A", load=b"x" * 100))[:-1], "pass_truncated"),
         passes(frame(tcp6("A", load=b"x" * 100))[:-1], "pass_truncated"),
         passes(frame(tcp("A", len=65535)), "pass_truncated"),
         passes(frame(tcp6("A", plen=65535)), "pass_truncated"))
    case("malformed-ihl", "An IPv4 header that claims less than 20 bytes is left to the kernel",
         "dsr",
         *[passes(frame(tcp("A", ihl=ihl)), "pass_truncated") for ihl in range(5)],
         passes(frame(tcp("A", ihl=15))[:60], "pass_truncated", note="and one past the end"))
    case("malformed-length", "An IP length too short for its headers is left to the kernel", "dsr",
         *[passes(frame(tcp("A", len=size)), "pass_truncated", note=f"length {size}")
           for size in (0, 19, 20, 28, 39)],
         passes(frame(udp(len=27)), "pass_truncated"),
         passes(frame(tcp6("A", plen=0)), "pass_truncated"),
         passes(frame(tcp6("A", plen=19)), "pass_truncated"),
         passes(frame(udp6(plen=7)), "pass_truncated"))


def fragments():
    load = b"x" * 64
    case("fragment-first", "The first fragment shows ports and is forwarded", "dsr",
         to(udp(flags="MF", load=load), "forward_new"),
         to(udp(load=load), "forward_known"))
    case("fragment-later", "A later fragment to a VIP is dropped, to others left to the kernel",
         "dsr",
         drops(IP(src=CLIENT, dst=VIP, frag=10, flags="MF", proto=17) / load, "drop_fragment"),
         drops(IP(src=CLIENT, dst=VIP, frag=20, proto=6) / load, "drop_fragment"),
         passes(IP(src=CLIENT, dst="192.0.2.2", frag=20, proto=17) / load, "pass_no_service"),
         passes(IP(src=CLIENT, dst=VIP, frag=20, proto=1) / load, "pass_not_l4"))
    fragment = IPv6ExtHdrFragment
    case("fragment-ipv6", "An IPv6 fragment to a VIP is dropped, to others left to the kernel",
         "dsr",
         drops(IPv6(src=CLIENT6, dst=VIP6) / fragment(nh=17, offset=10, id=7) / load,
               "drop_fragment"),
         drops(IPv6(src=CLIENT6, dst=VIP6) / fragment(nh=17, m=1, id=7) /
               UDP(sport=PORT, dport=53) / load, "drop_fragment"),
         passes(IPv6(src=CLIENT6, dst="2001:db8:1::2") / fragment(nh=17, offset=10, id=7) / load,
                "pass_no_service"))


def sizes():
    for mode, more in TUNNELS.items():
        for kind, port, make, _, wrap in families(mode):
            headers_of = 60 if make is tcp6 else 40
            fits = 1500 - more - (40 if kind.endswith("in6") else 20)
            name = kind if mode == "ipip" else f"{mode}-{kind}"
            load = b"x" * (fits - headers_of)
            case(f"too-big-{name}", f"{name}, a packet that fits the link exactly is sent, one "
                 "byte more is answered with the MTU", mode,
                 through(make("A", port, load=load), "forward_new", wrap=wrap),
                 too_big(make("A", port, load=load + b"x"), fits))
    answers()


def answers():
    big = b"x" * 1441
    case("too-big-df", "Who allows fragments is told the MTU as well, as none are made here", "ipip",
         too_big(tcp("A", 8044, load=big, flags="DF"), 1480),
         too_big(tcp("A", 8044, load=big), 1480))
    case("too-big-udp", "A datagram that does not fit is answered, with an odd length too", "ipip",
         too_big(udp(8044, load=b"x" * 1453), 1480),
         too_big(udp(8044, load=b"x" * 1454), 1480),
         too_big(udp6(8066, load=b"x" * 1420), 1460))
    case("too-big-options", "An answer quotes the options of the packet", "ipip",
         too_big(tcp("A", 8044, load=big, options=[IPOption_NOP()] * 3), 1480))
    case("too-big-no-answer", "No error is sent to what can be no host", "ipip",
         *[drops(IP(src=source, dst=VIP) / TCP(sport=PORT, dport=8044, flags="A") / big,
                 "drop_too_big") for source in ("0.0.0.1", "127.0.0.1", "224.0.0.1",
                                                "255.255.255.255")],
         *[drops(IPv6(src=source, dst=VIP6) / TCP(sport=PORT, dport=8066, flags="A") / big,
                 "drop_too_big") for source in ("::", "::1", "ff02::1")])
    case("too-big-rate", "Answers are given up to the rate of icmp.rate", "answer-rate",
         too_big(tcp("A", 8044, load=big), 1480),
         too_big(tcp6("A", 8066, load=big), 1460),
         drops(tcp("A", 8044, load=big), "drop_answer_limit"),
         drops(tcp6("A", 8066, load=big), "drop_answer_limit"),
         through(tcp("A", 8044), "forward_known", note="what fits is forwarded as ever"))
    case("dsr-full-size", "Without a tunnel a full-sized packet fits", "dsr",
         to(tcp("A", load=b"x" * 1460), "forward_new"),
         to(tcp6("A", load=b"x" * 1440), "forward_new"))


def backends():
    only_one = [("two", "down"), ("dns-two", "down"), ("two6", "down")]
    case("no-backend", "With every backend down new connections are dropped", "dsr",
         drops(tcp("S"), "drop_no_backend", changes=[("one", "down")], entry="none"),
         drops(tcp("A"), "drop_no_backend", entry="none"),
         to(tcp("S"), "forward_first", changes=[("one", "up")]))
    case("unresolved", "A backend whose MAC address is not known gets nothing", "dsr",
         to(tcp("A"), "forward_new"),
         drops(tcp("A"), "drop_unresolved", changes=[("one", "unresolved")]),
         drops(tcp("S", sport=PORT + 1), "drop_no_backend", note="new ones are not sent to it"))
    case("unresolved-other", "New connections go to a backend whose MAC address is known", "pair",
         to(tcp("S"), "forward_first", dmac=TWO, changes=[("one", "unresolved")]),
         to(tcp6("S"), "forward_first", dmac=TWO, changes=[("one6", "unresolved")]))
    for name, t, one, two in (("4", tcp, "one", "two"), ("6", tcp6, "one6", "two6")):
        first = dict(changes=only_one)
        case(f"gone-{name}", f"IPv{name}, a connection whose backend was removed is picked again "
             "and told to the peers", "pair",
             to(t("A"), "forward_new", **first),
             to(t("A"), "forward_known", entry="confirmed"),
             to(t("A"), "forward_repicked", dmac=TWO, changes=[(one, "gone"), (two, "up")],
                entry="confirmed", news="yes"),
             to(t("A"), "forward_known", dmac=TWO))
        case(f"draining-{name}", f"IPv{name}, a draining backend keeps its connections and gets no "
             "new ones", "pair",
             to(t("A"), "forward_new", **first),
             to(t("A"), "forward_known", changes=[(one, "draining"), (two, "up")]),
             to(t("S", sport=PORT + 1), "forward_first", dmac=TWO),
             to(t("A", sport=PORT + 1), "forward_new", dmac=TWO),
             to(t("A"), "forward_known", entry="several"))
        case(f"down-tcp-{name}", f"IPv{name}, a TCP connection stays with a backend that is called "
             "down, new ones do not go there", "pair",
             to(t("A"), "forward_new", **first),
             to(t("A"), "forward_known", changes=[(one, "down"), (two, "up")]),
             to(t("S", sport=PORT + 1), "forward_first", dmac=TWO))
    case("down-udp", "A UDP flow leaves a backend that is called down", "pair",
         to(udp(), "forward_new", changes=only_one),
         to(udp(), "forward_known"),
         to(udp(), "forward_repicked", dmac=TWO, changes=[("dns-one", "down"), ("dns-two", "up")],
            news="yes"),
         to(udp(), "forward_known", dmac=TWO))
    case("draining-udp", "A UDP flow stays with a draining backend", "pair",
         to(udp(), "forward_new", changes=only_one),
         to(udp(), "forward_known", changes=[("dns-one", "draining"), ("dns-two", "up")]))
    case("syn-draining", "A SYN from a port that a draining backend knows goes to another", "pair",
         to(tcp("A"), "forward_new", changes=only_one),
         to(tcp("A"), "forward_known"),
         to(tcp("S"), "forward_first", dmac=TWO, changes=[("one", "draining"), ("two", "up")],
            entry="unconfirmed"),
         to(tcp("A"), "forward_known", dmac=TWO, entry="confirmed"))
    case("gone-no-other", "A connection whose backend was removed is dropped if there is no other",
         "dsr",
         to(tcp("A"), "forward_new"),
         drops(tcp("A"), "drop_no_backend", changes=[("one", "gone")]))


def ways_out():
    def redirected(packet, outcome, wrap):
        raw = frame(packet)
        return step(raw, "REDIRECT", outcome, wrap(raw))

    case("redirect-dsr", "A backend behind another interface gets its packets there", "beyond",
         redirected(tcp("S"), "forward_first", lambda raw: readdress(raw, FAR, OUT_MAC)),
         redirected(tcp("A"), "forward_new", lambda raw: readdress(raw, FAR, OUT_MAC)))
    case("redirect-ipip", "So does one behind a tunnel and another interface", "beyond",
         redirected(tcp("S", 8044), "forward_first",
                    lambda raw: tunnel4(raw, FAR4, FAR, OUT_MAC)),
         redirected(tcp6("S", 8066), "forward_first",
                    lambda raw: tunnel6(raw, FAR6, FAR, OUT_MAC)))
    raw = frame(tcp("S"))
    case("tx-same-interface", "A packet that came from the backend's own interface goes back there",
         "beyond",
         dict(step(raw, "TX", "forward_first", readdress(raw, FAR, OUT_MAC)), **{"from": "out0"}))


def spreading():
    case("outer-source-4", "4in4, two flows have two outer sources, one flow keeps its own", "ipip",
         through(tcp("S", 8044), "forward_first"),
         through(tcp("A", 8044), "forward_new", source="same"),
         through(tcp("A", 8044), "forward_known", source="same"),
         through(tcp("A", 8044, sport=PORT + 1), "forward_new", source="other"))
    case("outer-source-6", "6in6, two flows have two outer sources, one flow keeps its own", "ipip",
         through(tcp6("S", 8066), "forward_first", wrap=tunnel6),
         through(tcp6("A", 8066), "forward_new", wrap=tunnel6, source="same"),
         through(tcp6("A", 8066, sport=PORT + 1), "forward_new", wrap=tunnel6, source="other"))


    for name, kind in (("4", 0), ("6", 3)):
        _, port, t, _, wrap = families("gue")[kind]
        case(f"outer-port-{name}", f"gue over IPv{name}, two flows have two UDP source ports even "
             "from one source address, one flow keeps its own", "one-source",
             through(t("S", port), "forward_first", wrap=wrap),
             through(t("A", port), "forward_new", wrap=wrap, source="same"),
             through(t("A", port), "forward_known", wrap=wrap, source="same"),
             through(t("A", port, sport=PORT + 1), "forward_new", wrap=wrap, source="other"))


def several():
    """Several modes at once: each service has its own."""
    case("tunnel-modes", "Services of different modes stand side by side, one backend for all",
         "modes",
         to(tcp("A", 80), "forward_new"),
         *[through(tcp("A", port), "forward_new", wrap=partial(tunnel4, mode=mode))
           for port, mode in ((81, "ipip"), (82, "gue"), (83, "gre"), (84, "vxlan"),
                              (85, "geneve"))],
         to(tcp("A", 80), "forward_known"))
    case("tunnel-ports", "Ports, MAC address and VNI of tunnels are those of the config",
         "other-ports",
         *[through(tcp("A", port), "forward_new", wrap=renumbered(mode, number))
           for port, mode, number in ((82, "gue", 1), (84, "vxlan", 2), (85, "geneve", 65535))])


def renumbered(mode, number):
    """As tunnel4 with the ports, VNI and MAC address of setups/other-ports.yaml."""
    def wrap(raw):
        text = tunnel4(raw, mode=mode)
        port = 2 * 36
        text = text[:port] + f"{number:04x}" + text[port + 4:]
        if mode == "gue":
            return text
        vni, mac = 2 * (34 + 8 + 4), TUNNEL_MAC.replace(":", "")
        text = text[:vni] + "000001" + text[vni + 6:]
        return text.replace(mac, "02ffffffffff", 1)
    return wrap


def main():
    for chapter in (forwarding, connections, services, others, headers, truncated, fragments,
                    sizes, backends, ways_out, spreading, several):
        chapter()
    stale = [n for n, text in made.items()
             if not (CASES / f"{n}.yaml").exists() or (CASES / f"{n}.yaml").read_text() != text]
    if "--check" in sys.argv:
        sys.exit("out of date: " + ", ".join(stale) if stale else 0)
    CASES.mkdir(exist_ok=True)
    for name, text in made.items():
        (CASES / f"{name}.yaml").write_text(text)
    print(f"{len(made)} cases, {len(stale)} changed")


if __name__ == "__main__":
    main()
