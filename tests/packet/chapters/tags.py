# SPDX-License-Identifier: GPL-2.0-or-later
"""VLAN tags: a packet leaves with those it came with, in every way of forwarding."""
from scapy.all import ARP, IP, TCP, Dot1AD, Dot1Q

from casebook import (CLIENT, case, frame, passes, tcp, tcp6, through, to, tunnel6, udp, udp6)


def chapter():
    one = lambda packet: Dot1Q(vlan=7, prio=5) / packet
    two = lambda packet: Dot1AD(vlan=100) / Dot1Q(vlan=7) / packet
    both = lambda packet: Dot1Q(vlan=100) / Dot1Q(vlan=7) / packet
    for name, tagged in (("one", one), ("qinq", two), ("two-8100", both)):
        case(f"tags-dsr-{name}", f"dsr, a frame with tags ({name}) keeps them", "dsr",
             to(tagged(tcp("S")), "forward_first"),
             to(tagged(tcp("A")), "forward_new", entry="unconfirmed"),
             to(tagged(tcp("A")), "forward_known", entry="confirmed"),
             to(tagged(udp6()), "forward_new"),
             to(tagged(udp6()), "forward_known"))
        case(f"tags-ipip-{name}", f"ipip, a frame with tags ({name}) keeps them", "ipip",
             through(tagged(tcp("A", 8044)), "forward_new"),
             through(tagged(tcp("A", 8044)), "forward_known"),
             through(tagged(tcp("A", 8046)), "forward_new", wrap=tunnel6),
             through(tagged(tcp6("A", 8064)), "forward_new"),
             through(tagged(tcp6("A", 8066, load=b"x" * 200)), "forward_new", wrap=tunnel6))
    case("tags-same-flow", "The same addresses and ports are one connection, tagged or not", "dsr",
         to(tcp("A"), "forward_new"),
         to(one(tcp("A")), "forward_known"))
    case("tags-others", "What isn't ours is left alone with tags too", "dsr",
         passes(one(ARP()), "pass_not_ip"),
         passes(one(IP(src=CLIENT, dst="192.0.2.2") / TCP(dport=80)), "pass_no_service"),
         passes(one(two(tcp("S"))), "pass_not_ip", note="three tags"),
         passes(frame(tcp("S"))[:12] + b"\x81\x00\x00\x07\x08\x00", "pass_truncated"),
         passes(frame(tcp("S"))[:12] + b"\x81\x00", "pass_truncated"))
