# SPDX-License-Identifier: GPL-2.0-or-later
"""ICMP errors about flows that are translated: what they quote is translated as well."""
from scapy.all import (ICMP, IP, TCP, UDP, Dot1Q, Ether, ICMPv6DestUnreach, ICMPv6EchoReply,
                       ICMPv6PacketTooBig, IPOption_NOP, IPv6, IPv6ExtHdrDestOpt, Raw)

from casebook import (CLIENT, CLIENT6, FAR, FAR4, IN_MAC, MINIMUM, ONE, ONE4, ONE6, OUT_MAC, PORT,
                      ROUTER_MAC, VIP, VIP6, case, drops, frame, passes, step, tcp, tcp6, udp, udp6)
from chapters.nat import BEHIND, BEHIND_MAC, NAT, NAT6, NAT_PORT, out

INSIDE, INSIDE6 = "203.0.113.254", "2001:db8:2::fe"  # a router between here and the backends
OUTSIDE, OUTSIDE6 = "198.51.100.254", "2001:db8:c::fe"  # one between here and the clients
ALL = 2000
EIGHT = 8  # bytes behind the quoted IP header: as much as RFC 792 promises


class Family:
    def __init__(self, v6):
        self.v6 = v6
        self.name = "6" if v6 else "4"
        self.client, self.vip, self.nat, self.backend, self.inside, self.outside = (
            (CLIENT6, VIP6, NAT6, ONE6, INSIDE6, OUTSIDE6) if v6 else
            (CLIENT, VIP, NAT, ONE4, INSIDE, OUTSIDE))
        self.tcp, self.udp = (tcp6, udp6) if v6 else (tcp, udp)

    def ip(self, src, dst, ttl, **more):
        if self.v6:
            return IPv6(src=src, dst=dst, hlim=ttl, **more)
        return IP(src=src, dst=dst, ttl=ttl, id=7, **more)

    def quoted(self, ends, l4=TCP, load=b"payload" * 20, between=None, **more):
        """A packet as a router saw it. Ends are source, its port, destination, its port."""
        src, sport, dst, dport = ends
        packet = self.ip(src, dst, 61, **more)
        if between:
            packet = packet / between
        return bytes(packet / l4(sport=sport, dport=dport) / load)

    def error(self, src, dst, quote, size=EIGHT, ttl=64, header=0, **more):
        """@size: bytes of the quote behind its IP header, which has @header bytes of options."""
        quote = Raw(quote[:(40 if self.v6 else 20) + header + size])
        icmp = ICMPv6PacketTooBig(mtu=1400) if self.v6 else ICMP(type=3, code=4, nexthopmtu=1400)
        return self.ip(src, dst, ttl, **more) / icmp / quote

    # Ends of the two packets of a flow, on either side of the NAT.
    def request_inside(self, port=80, backend=None, nat_port=NAT_PORT):
        return self.nat, nat_port, backend or self.backend, port

    def request_outside(self, port=80, client=None):
        return client or self.client, PORT, self.vip, port

    def reply_outside(self, port=80, client=None):
        return self.vip, port, client or self.client, PORT

    def reply_inside(self, port=80, backend=None):
        return backend or self.backend, port, self.nat, NAT_PORT


FOUR, SIX = FAMILIES = Family(False), Family(True)


def sent(packet, dmac, smac=IN_MAC):
    return bytes(Ether(dst=dmac, src=smac) / packet).ljust(MINIMUM, b"\0").hex()


def back(f, port=80, outside_port=None, source=None, size=EIGHT, dmac=ROUTER_MAC, smac=IN_MAC,
         client=None, backend=None, verdict="TX", tag=None, outer=None, note=None, header=0,
         **more):
    """An error from behind the NAT, on to the client. @more is of the quoted packet or a step."""
    steps = {k: more.pop(k) for k in ("entry", "news", "idle", "from") if k in more}
    outer = outer or {}
    tags = tag if tag else (lambda packet: packet)
    if note:
        steps["note"] = note
    before = f.error(source or f.inside, f.nat,
                     f.quoted(f.request_inside(port, backend), **more), size, header=header,
                     **outer)
    # From the flow's backend: from the VIP, as the client sees it.
    own = source == (backend or f.backend)
    after = f.error(f.vip if own else source or f.inside, client or f.client,
                    f.quoted(f.request_outside(outside_port or port, client), **more), size, 63,
                    header=header, **outer)
    return step(frame(tags(before)), verdict, "forward_return", sent(tags(after), dmac, smac),
                **steps)


def onward(f, port=80, inside_port=None, source=None, size=EIGHT, dmac=ONE, smac=IN_MAC,
           backend=None, verdict="TX", tag=None, outer=None, note=None, header=0, **more):
    """An error from the client's side, on to the backend."""
    steps = {k: more.pop(k) for k in ("entry", "news", "idle", "changes") if k in more}
    outer = outer or {}
    tags = tag if tag else (lambda packet: packet)
    if note:
        steps["note"] = note
    before = f.error(source or f.outside, f.vip, f.quoted(f.reply_outside(port), **more), size,
                     header=header, **outer)
    own = source == f.client
    after = f.error(f.nat if own else source or f.outside, backend or f.backend,
                    f.quoted(f.reply_inside(inside_port or port, backend), **more), size, 63,
                    header=header, **outer)
    return step(frame(tags(before)), verdict, "forward_icmp", sent(tags(after), dmac, smac),
                **steps)


def both():
    """The two directions, whatever is quoted."""
    for f in FAMILIES:
        same = dict(entry="unconfirmed", news="no")
        case(f"nat-icmp-back-{f.name}", f"IPv{f.name}, an error about a packet that went to a "
             "backend goes to the client and quotes what that sent; the entry stays as it was",
             "nat", out(f.tcp("S"), "forward_new", 80),
             back(f, **same),
             back(f, size=ALL, note="all of it quoted", **same),
             back(f, source=f.backend, note="from the backend itself: from the VIP", **same),
             back(f, source=f.backend, size=ALL, **same),
             out(f.tcp("A"), "forward_known", 80, entry="confirmed"),
             back(f, entry="confirmed", news="no"))
        case(f"nat-icmp-out-{f.name}", f"IPv{f.name}, an error about a packet that went to a "
             "client goes to the backend and quotes what that sent; the entry stays as it was",
             "nat", out(f.tcp("S"), "forward_new", 80),
             onward(f, **same),
             onward(f, size=ALL, note="all of it quoted", **same),
             onward(f, source=f.client, note="from the client itself: from the NAT address", **same),
             onward(f, source=f.client, size=ALL, **same),
             out(f.tcp("A"), "forward_known", 80, entry="confirmed"),
             onward(f, entry="confirmed", news="no"))
        case(f"nat-icmp-udp-{f.name}", f"IPv{f.name}, errors about a UDP flow: the quoted checksum "
             "is translated, for eight bytes have it", "nat",
             out(f.udp(), "forward_new", 53),
             back(f, 53, l4=UDP), back(f, 53, l4=UDP, size=ALL),
             onward(f, 53, l4=UDP), onward(f, 53, l4=UDP, size=ALL))
        case(f"nat-icmp-port-{f.name}", f"IPv{f.name}, errors about the flow of a backend that "
             "listens on a port of its own", "nat",
             out(f.tcp("S", 8080), "forward_new", 18080),
             back(f, 18080, outside_port=8080, size=ALL),
             onward(f, 8080, inside_port=18080, size=ALL))
        case(f"nat-icmp-age-{f.name}", f"IPv{f.name}, errors do not keep a connection alive", "nat",
             out(f.tcp("S"), "forward_new", 80),
             out(f.tcp("A"), "forward_known", 80, entry="confirmed"),
             back(f, idle=800, entry="confirmed"), onward(f, entry="confirmed"),
             out(f.tcp("S"), "forward_first", 80, idle=800, entry="unconfirmed",
                 note="900 s are the timeout"))


def sizes():
    """How much is quoted decides which checksums are there to be translated."""
    for f in FAMILIES:
        case(f"nat-icmp-quote-sizes-{f.name}", f"IPv{f.name}, quotes of any length, odd ones too",
             "nat", out(f.tcp("S"), "forward_new", 80),
             *[s for size in (4, 5, 16, 18, 19, 20, 33) for s in (
                 back(f, size=size, note=f"{size} bytes"), onward(f, size=size))],
             *[cut(f, direction) for direction in ("back", "onward")])
        at = 14 + (40 if f.v6 else 20) + 8 + (40 if f.v6 else 20) + EIGHT
        case(f"nat-icmp-quote-padding-{f.name}", f"IPv{f.name}, padding of the frame is no part of "
             "a quote", "nat", out(f.tcp("S"), "forward_new", 80),
             padded(back(f), at), padded(onward(f), at))
        case(f"nat-icmp-quote-cut-{f.name}", f"IPv{f.name}, a quote that is cut short of the ports "
             "is dropped", "nat", out(f.tcp("S"), "forward_new", 80),
             drops(f.error(f.inside, f.nat, f.quoted(f.request_inside()), 3), "drop_icmp_bad"),
             drops(f.error(f.outside, f.vip, f.quoted(f.reply_outside()), 3), "drop_icmp_bad"))


def cut(f, direction):
    """Half a checksum is quoted: it stays as it was, for nobody can tell its carry."""
    if direction == "back":
        src, dst, verdict, mac = f.inside, (f.nat, f.client), "forward_return", ROUTER_MAC
        ends = f.request_inside(), f.request_outside()
    else:
        src, dst, verdict, mac = f.outside, (f.vip, f.backend), "forward_icmp", ONE
        ends = f.reply_outside(), f.reply_inside()
    was, becomes = (f.quoted(e)[:(40 if f.v6 else 20) + 17] for e in ends)
    becomes = becomes[:-1] + was[-1:]
    return step(frame(f.error(src, dst[0], was, ALL)), "TX", verdict,
                sent(f.error(src, dst[1], becomes, ALL, 63), mac), note="half a checksum")


def padded(s, at):
    """The step, with bytes behind its packet that are none of it."""
    tail = bytes(range(1, 41))
    return dict(s, raw=s["raw"][:at] + tail, out=s["out"][:2 * at] + tail.hex())


def checksums():
    f = FOUR
    was = no_check(f.quoted(f.request_inside(53), l4=UDP))
    becomes = no_check(f.quoted(f.request_outside(53), l4=UDP))
    case("nat-icmp-udp-no-checksum", "A quoted datagram without a checksum gets none", "nat",
         out(udp(), "forward_new", 53),
         step(frame(f.error(f.inside, NAT, was)), "TX", "forward_return",
              sent(f.error(f.inside, CLIENT, becomes, ttl=63), ROUTER_MAC)))
    for f in FAMILIES:
        wrong = bytearray(frame(f.error(f.inside, f.nat, f.quoted(f.request_inside()))))
        right = bytearray.fromhex(sent(f.error(f.inside, f.client, f.quoted(f.request_outside()),
                                               ttl=63), ROUTER_MAC))
        at = 14 + (40 if f.v6 else 20) + 7  # of the MTU: the checksum says otherwise
        wrong[at] ^= 0x55
        right[at] ^= 0x55
        case(f"nat-icmp-wrong-checksum-{f.name}", f"IPv{f.name}, an error with a wrong checksum "
             "stays wrong", "nat", out(f.tcp("S"), "forward_new", 80),
             step(bytes(wrong), "TX", "forward_return", bytes(right).hex()))


def no_check(quote):
    return quote[:26] + b"\0\0" + quote[28:]


def headers():
    nops = [IPOption_NOP()] * 4
    opened = out(tcp("S"), "forward_new", 80)
    opened6 = out(tcp6("S"), "forward_new", 80)
    case("nat-icmp-options", "IP options, of the error and of what it quotes, stay", "nat", opened,
         *[way(FOUR, **how) for way in (back, onward) for how in (
             dict(options=nops, header=4), dict(outer=dict(options=nops)))])
    case("nat-icmp-extensions", "Extension headers of the quoted packet stay", "nat", opened6,
         *[way(SIX, between=IPv6ExtHdrDestOpt(), size=size)
           for way in (back, onward) for size in (16, ALL)])
    for f, first in ((FOUR, opened), (SIX, opened6)):
        case(f"nat-icmp-tags-{f.name}", f"IPv{f.name}, a tagged error keeps its tags", "nat", first,
             *[way(f, tag=tag) for way in (back, onward) for tag in (
                 lambda packet: Dot1Q(vlan=7) / packet,
                 lambda packet: Dot1Q(vlan=5) / Dot1Q(vlan=7) / packet)])
        case(f"nat-icmp-ttl-{f.name}", f"IPv{f.name}, an error whose TTL is used up ends here",
             "nat", first,
             drops(f.error(f.inside, f.nat, f.quoted(f.request_inside()), ttl=1), "drop_ttl"),
             drops(f.error(f.outside, f.vip, f.quoted(f.reply_outside()), ttl=1), "drop_ttl"))


def unknown():
    for f in FAMILIES:
        def behind(*ends, f=f, **more):
            return f.error(f.inside, f.nat, f.quoted(ends, **more))

        def before(port, f=f, **more):
            return f.error(f.outside, f.vip, f.quoted(f.reply_outside(port), **more))

        case(f"nat-icmp-unknown-{f.name}", f"IPv{f.name}, an error about a flow that is not in the "
             "table is dropped, and makes no entry", "nat",
             drops(behind(*f.request_inside()), "drop_icmp_unknown", entry="none"),
             drops(before(80), "drop_icmp_unknown", entry="none"),
             out(f.tcp("S"), "forward_new", 80),
             drops(behind(*f.request_inside(81)), "drop_icmp_unknown", note="of another port"),
             drops(behind(*f.request_inside(), l4=UDP), "drop_icmp_unknown",
                   note="of another protocol"),
             drops(behind(*f.request_inside(backend=f.inside)), "drop_icmp_unknown",
                   note="of another backend"),
             drops(before(53, l4=UDP), "drop_icmp_unknown", note="of another service"))
        case(f"nat-icmp-left-{f.name}", f"IPv{f.name}, an error about no flow of a service is left "
             "to the kernel", "nat", out(f.tcp("S"), "forward_new", 80),
             passes(behind(*f.request_inside(nat_port=22)), "pass_no_service",
                    note="a port of the NAT address that is the node's own"),
             passes(before(22), "pass_no_service"))
        case(f"nat-icmp-bad-{f.name}", f"IPv{f.name}, an error that quotes another address's "
             "packet is dropped", "nat", out(f.tcp("S"), "forward_new", 80),
             drops(behind(*f.request_outside()), "drop_icmp_bad"),
             drops(behind(*f.reply_inside()), "drop_icmp_bad"))
    case("nat-icmp-other", "What is no error about TCP or UDP is left to the kernel", "nat",
         passes(IP(src=INSIDE, dst=NAT) / ICMP(type=0), "pass_not_l4"),
         passes(IPv6(src=INSIDE6, dst=NAT6) / ICMPv6EchoReply(), "pass_not_l4"),
         passes(IP(src=INSIDE, dst=NAT) / ICMP(type=3) /
                Raw(bytes(IP(src=NAT, dst=ONE4) / ICMP())), "pass_not_l4"),
         passes(IPv6(src=INSIDE6, dst=NAT6) / ICMPv6DestUnreach() /
                Raw(bytes(IPv6(src=NAT6, dst=ONE6, nh=58) / (b"x" * 8))), "pass_not_l4"))


def places():
    case("nat-icmp-two-armed", "A backend behind another interface, errors from there and to it",
         "nat",
         out(tcp("S", 8081), "forward_new", 8081, dst=FAR4, dmac=FAR, smac=OUT_MAC,
             verdict="REDIRECT"),
         back(FOUR, 8081, backend=FAR4, verdict="REDIRECT", **{"from": "out0"}),
         onward(FOUR, 8081, backend=FAR4, dmac=FAR, smac=OUT_MAC, verdict="REDIRECT"))
    case("nat-icmp-client-beyond", "A client behind another interface gets the error there", "nat",
         out(IP(src=BEHIND, dst=VIP) / TCP(sport=PORT, dport=80, flags="S"), "forward_new", 80),
         back(FOUR, client=BEHIND, dmac=BEHIND_MAC, smac=OUT_MAC, verdict="REDIRECT"))
    behind = FOUR.error(INSIDE, NAT, FOUR.quoted(FOUR.request_inside()))
    case("nat-icmp-no-route", "A client that the kernel has no route or no neighbour for gets no "
         "error", "nat",
         out(IP(src="198.51.102.7", dst=VIP) / TCP(sport=PORT, dport=80, flags="S"),
             "forward_new", 80),
         drops(behind, "drop_no_route"),
         out(IP(src="198.51.100.8", dst=VIP) / TCP(sport=PORT, dport=80, flags="S"),
             "forward_new", 80),
         drops(behind, "drop_unresolved"))
    case("nat-icmp-too-big", "No error is sent about an error that does not fit the link", "nat",
         *[s for f in FAMILIES for s in (
             out(f.tcp("S"), "forward_new", 80),
             drops(f.error(f.inside, f.nat, f.quoted(f.request_inside(), load=b"x" * 1500), ALL),
                   "drop_too_big"),
             drops(f.error(f.outside, f.vip, f.quoted(f.reply_outside(), load=b"x" * 1500), ALL),
                   "drop_too_big"))])
    case("nat-icmp-backend-down", "A UDP flow whose backend is down gets no errors to it", "nat",
         out(udp(), "forward_new", 53),
         onward(FOUR, 53, l4=UDP, changes=[("dns-one", "draining")]),
         drops(FOUR.error(OUTSIDE, VIP, FOUR.quoted(FOUR.reply_outside(53), l4=UDP)),
               "drop_icmp_unknown", changes=[("dns-one", "down")]))


def chapter():
    for part in (both, sizes, checksums, headers, unknown, places):
        part()
