# SPDX-License-Identifier: GPL-2.0-or-later
"""Packets that do not fit the way to the backend or to the client, by NAT."""
from scapy.all import IP, TCP, UDP, Dot1Q, IPv6, IPv6ExtHdrFragment

from casebook import (CLIENT, CLIENT6, ONE, ONE4, PORT, ROUTER_MAC, VIP, VIP6, case, drops,
                      frame, tcp, tcp6, too_big, udp, udp6)
from chapters.fragments import DATA, pieces4, pieces6
from chapters.nat import NAT, NAT_PORT, answer, back, out
from chapters.nat_fragments import back as pieces_back, carried, out as pieces_out
from chapters.nat_fragments import reply as reply_pieces

NARROW4, NARROW6 = "203.0.113.14", "2001:db8:2::14"
BEYOND4, BEYOND6 = "198.51.103.7", "2001:db8:e::7"  # clients whose way has 1300 bytes
MTU = 1300


def sized(make, size, *how, **more):
    """A packet of @size bytes."""
    empty = len(bytes(make(*how, load=b"", **more)))
    return make(*how, load=b"x" * (size - empty), **more)


def whole(packet):
    return frame(packet, pad=False)


def outwards():
    for name, t, u, narrow in (("4", tcp, udp, NARROW4), ("6", tcp6, udp6, NARROW6)):
        fits, longer = sized(t, MTU, "A"), sized(t, MTU + 1, "A")
        case(f"nat-too-big-{name}", f"IPv{name}, a packet that fits the way to the backend exactly "
             "is translated, of one byte more the VIP tells the client the MTU", "nat-narrow",
             out(whole(fits), "forward_new", 80, dst=narrow),
             too_big(longer, MTU, entry="confirmed"),
             out(whole(fits), "forward_known", 80, dst=narrow),
             too_big(sized(u, MTU + 9), MTU, note="and so of a datagram"))
    case("nat-too-big-1280", "Who sends IPv6 is never told less than 1280", "nat-narrow",
         too_big(sized(tcp6, 1500, "A"), MTU))
    long4 = IP(src=CLIENT, dst=VIP, id=7, proto=17, frag=8, flags="MF") / (b"x" * 1288)
    long6 = (IPv6(src=CLIENT6, dst=VIP6) / IPv6ExtHdrFragment(nh=17, id=7, offset=8, m=1) /
             (b"x" * 1264))
    case("nat-too-big-fragments", "About a later fragment that does not fit nobody is told over "
         "IPv4 (RFC 1122), over IPv6 its sender is", "nat-narrow",
         carried(*pieces_out(udp(load=DATA), pieces4, 53, dst=NARROW4)[0], "forward_new", ONE),
         drops(long4, "drop_too_big"),
         carried(*pieces_out(udp6(load=DATA), pieces6, 53, dst=NARROW6)[0], "forward_new", ONE),
         too_big(long6, MTU))


def inwards():
    for name, v6, client, vip in (("4", False, BEYOND4, VIP),
                                  ("6", True, BEYOND6, VIP6)):
        ip = (IPv6 if v6 else IP)(src=client, dst=vip)
        opens = ip / TCP(sport=PORT, dport=80, flags="S")

        def reply(size, v6=v6):
            return sized(lambda load: answer(TCP(sport=80, dport=NAT_PORT, flags="A"), v6=v6,
                                             load=load), size)

        case(f"nat-answer-too-big-{name}", f"IPv{name}, an answer that fits the way to the client "
             "exactly is translated, of one byte more the NAT address tells the backend the MTU",
             "nat",
             out(opens, "forward_new", 80),
             back(whole(reply(MTU)), 80, dst=client),
             too_big(reply(MTU + 1), MTU),
             too_big(Dot1Q(vlan=7) / reply(MTU + 1), MTU, note="with a tag"))
    asks = IP(src=BEYOND4, dst=VIP, id=7) / UDP(sport=PORT, dport=53) / b"question"
    first = pieces_back(reply_pieces(), pieces4, 53, dst=BEYOND4)[0]
    long = IP(src=ONE4, dst=NAT, id=7, proto=17, frag=8) / (b"x" * 1281)
    case("nat-answer-too-big-fragment", "Over IPv4 nobody is told of a later fragment", "nat",
         out(asks, "forward_new", 53),
         carried(*first, "forward_return", ROUTER_MAC),
         drops(long, "drop_too_big"))


def chapter():
    outwards()
    inwards()
