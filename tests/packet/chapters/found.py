# SPDX-License-Identifier: GPL-2.0-or-later
"""What random packets against the reference (tests/model) brought to light."""
from scapy.all import (ICMP, IP, TCP, UDP, ICMPv6EchoRequest, IPv6, IPv6ExtHdrDestOpt,
                       IPv6ExtHdrFragment, IPv6ExtHdrHopByHop)

from casebook import (CLIENT, CLIENT6, ONE6, PORT, TWO, VIP, VIP6, case, drops, error4, frame, passes,
                      step, tcp, tcp6, to, too_big, udp, udp6)
from chapters.fragments import DATA, pieces6
from chapters.nat import NAT6, NAT_PORT, answer, back, out
from chapters.nat_fragments import back as back6, here, out as out6, reply, there

OPTION = IPv6ExtHdrDestOpt()


def behind_fragment(whole):
    """Pieces of an IPv6 datagram with options for its receiver, behind the fragment header."""
    data = bytes(OPTION) + bytes(whole)[40:]
    data = b"\x11" + data[1:]
    for at in range(0, len(data), 64):
        yield IPv6(src=whole.src, dst=whole.dst) / IPv6ExtHdrFragment(
            nh=60, id=7, offset=at // 8, m=at + 64 < len(data)) / data[at:at + 64]


def nat():
    """The reference asked for nat."""
    case("nat-fragments-options-behind-6", "IPv6 by NAT, options behind the fragment header hide the "
         "flow's protocol from nobody", "nat",
         *there(out6(udp6(load=DATA), behind_fragment, 53)[:1], "forward_new"),
         *there(out6(udp6(load=DATA), behind_fragment, 53)[1:]),
         *here(back6(reply(True), behind_fragment, 53)))
    for name, t in (("4", tcp), ("6", tcp6)):
        case(f"nat-syn-again-news-{name}", f"IPv{name} by NAT, a SYN on a confirmed connection is no "
             "news for the peers", "nat",
             out(t("S"), "forward_new", 80),
             out(t("A"), "forward_known", 80, entry="confirmed", news="yes"),
             out(t("S"), "forward_first", 80, entry="confirmed", news="no"))


    first = here(back6(reply(True), pieces6, 53)[:1])
    large = IPv6(src=ONE6, dst=NAT6) / IPv6ExtHdrFragment(nh=17, id=7, offset=8) / (b"x" * 1600)
    case("nat-fragments-too-big-back-6", "IPv6 by NAT, a backend whose later fragment doesn't fit the "
         "way to the client is told", "nat",
         out(udp6(), "forward_new", 53), *first, too_big(large, 1500))
    told = step(frame(udp()), "TX", "answer_unreachable", error4(frame(udp()), 3, 3))
    late = answer(UDP(sport=53, dport=NAT_PORT), load=b"late")
    case("nat-no-attempt", "By NAT, a flow that has no port any more gets no answers from the one it "
         "had", "nat-reset",
         out(udp(), "forward_new", 53, changes=[("dns-two", "down")]),
         dict(told, changes=[("dns-two", "up"), ("dns-one", "down")]),
         out(udp(), "forward_known", 53, dst="203.0.113.12", dmac=TWO),
         dict(told, changes=[("dns-one", "up"), ("dns-two", "down")]),
         drops(late, "drop_nat_unknown"),
         out(udp(), "forward_known", 53),
         back(answer(UDP(sport=53, dport=NAT_PORT), load=b"answer"), 53))


OTHER_MAC = "02:00:00:00:aa:77"


def chapter():
    nat()
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
