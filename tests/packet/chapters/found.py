# SPDX-License-Identifier: GPL-2.0-or-later
"""What random packets against the reference (tests/model) brought to light."""
from scapy.all import (ICMP, IP, TCP, ICMPv6EchoRequest, IPv6, IPv6ExtHdrDestOpt, IPv6ExtHdrFragment,
                       IPv6ExtHdrHopByHop)

from casebook import (CLIENT, CLIENT6, PORT, TWO, VIP, VIP6, case, drops, frame, passes, tcp, tcp6,
                      to)

OTHER_MAC = "02:00:00:00:aa:77"


def chapter():
    case("other-host-malformed", "In frames for another host's MAC address, what can't be right, or "
         "shows no ports, is left to the kernel", "dsr",
         passes(frame(tcp("A", ihl=4), dmac=OTHER_MAC), "pass_other_host"),
         passes(frame(tcp("SF"), dmac=OTHER_MAC), "pass_other_host"),
         passes(frame(tcp6("A", plen=19), dmac=OTHER_MAC), "pass_other_host"),
         passes(frame(IP(src="127.0.0.1", dst=VIP) / TCP(dport=80), dmac=OTHER_MAC),
                "pass_other_host"),
         passes(frame(IP(src=CLIENT, dst=VIP, frag=10, proto=17) / (b"x" * 64), dmac=OTHER_MAC),
                "pass_other_host"))
    six = IPv6(src=CLIENT6, dst=VIP6)
    fragment = IPv6ExtHdrFragment
    case("fragment-ipv6-other", "A later IPv6 fragment of anything but TCP and UDP is left to the "
         "kernel, as its first is", "dsr",
         passes(six / fragment(nh=58, m=1, id=7) / ICMPv6EchoRequest(data=b"x" * 64),
                "pass_not_l4"),
         passes(six / fragment(nh=58, offset=9, id=7) / (b"x" * 64), "pass_not_l4"),
         drops(six / IPv6ExtHdrHopByHop() / IPv6ExtHdrDestOpt() / IPv6ExtHdrDestOpt() /
               IPv6ExtHdrDestOpt() / IPv6ExtHdrDestOpt() / fragment(nh=17, offset=9, id=7) /
               (b"x" * 64), "drop_fragment", note="the sixth header ends the walk"))
    case("icmp-version", "A ping in a packet of another IP version is left to the kernel", "dsr",
         passes(IP(src=CLIENT, dst=VIP, version=5) / ICMP() / (b"x" * 40), "pass_not_l4"),
         passes(IP(src=CLIENT, dst=VIP, version=6) / ICMP(type=3, code=4) /
                (IP(src=VIP, dst=CLIENT) / TCP(sport=80, dport=PORT)), "pass_not_l4"))
    case("extensions-past-end", "An extension header that runs past the end is dropped, whatever "
         "it says comes next", "dsr",
         drops(frame(six / IPv6ExtHdrDestOpt(len=9, nh=58) / ICMPv6EchoRequest()),
               "drop_bad_length"),
         drops(frame(six / IPv6ExtHdrDestOpt(len=9, nh=59)), "drop_bad_length"))
    for name, t, one, two in (("4", tcp, "one", "two"), ("6", tcp6, "one6", "two6")):
        case(f"gone-closing-{name}", f"IPv{name}, a connection that closes goes on closing when its "
             "backend was removed", "pair",
             to(t("A"), "forward_new", changes=[(two, "down")]),
             to(t("A"), "forward_known", entry="confirmed"),
             to(t("FA"), "forward_repicked", dmac=TWO, changes=[(one, "gone"), (two, "up")],
                entry="closing", news="yes"),
             to(t("A"), "forward_known", dmac=TWO, entry="closing"))
        case(f"closing-gone-{name}", f"IPv{name}, a closing connection stays so when its backend is "
             "removed", "pair",
             to(t("A"), "forward_new", changes=[(two, "down")]),
             to(t("FA"), "forward_known", entry="closing"),
             to(t("A"), "forward_repicked", dmac=TWO, changes=[(one, "gone"), (two, "up")],
                entry="closing", news="yes"),
             to(t("S"), "forward_first", dmac=TWO, entry="unconfirmed"))
