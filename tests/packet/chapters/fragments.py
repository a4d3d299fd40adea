# SPDX-License-Identifier: GPL-2.0-or-later
"""Fragments: the first shows the ports, the others follow it, in every way of forwarding."""
from scapy.all import (ICMP, IP, UDP, Dot1AD, Dot1Q, ICMPv6EchoRequest, IPv6,
                       IPv6ExtHdrDestOpt, IPv6ExtHdrFragment, IPv6ExtHdrHopByHop)

from casebook import (CLIENT, CLIENT6, FAR, OUT_MAC, PORT, TWO, VIP, VIP6, case, drops, frame,
                      passes, readdress, step, tcp, tcp6, through, to, tunnel6, udp, udp6)

SIZE = 64  # of a fragment's data
DATA = b"0123456789abcdef" * 20


def pieces4(whole, ident=7):
    """The IPv4 packet @whole in fragments of SIZE bytes, made by hand: the first, ..., the last."""
    data = bytes(whole.payload)
    for at in range(0, len(data), SIZE):
        more = "MF" if at + SIZE < len(data) else 0
        yield IP(src=whole.src, dst=whole.dst, id=ident, proto=whole.payload.overload_fields[IP]["proto"],
                 flags=more, frag=at // 8) / data[at:at + SIZE]


def pieces6(whole, ident=7, before=None):
    data, following = bytes(whole.payload), whole.payload.overload_fields[IPv6]["nh"]
    for at in range(0, len(data), SIZE):
        head = IPv6(src=whole.src, dst=whole.dst)
        if before is not None:
            head = head / before
        yield head / IPv6ExtHdrFragment(nh=following, id=ident, offset=at // 8,
                                        m=at + SIZE < len(data)) / data[at:at + SIZE]


def ways():
    six = dict(wrap=tunnel6)
    return [("dsr4", "dsr", udp, pieces4, 53, to, {}), ("dsr6", "dsr", udp6, pieces6, 53, to, {}),
            ("4in4", "ipip", udp, pieces4, 8044, through, {}),
            ("4in6", "ipip", udp, pieces4, 8046, through, six),
            ("6in4", "ipip", udp6, pieces6, 8064, through, {}),
            ("6in6", "ipip", udp6, pieces6, 8066, through, six)]


def follow():
    for name, setup, make, pieces, port, send, how in ways():
        first, *rest = pieces(make(port, load=DATA))
        case(f"fragments-{name}", f"{name}, later fragments follow the first, in any order, and "
             "enter no connection", setup,
             send(first, "forward_new", entry="unconfirmed", **how),
             *[send(later, "forward_fragment", entry="unconfirmed", news="no", **how)
               for later in rest],
             *[send(later, "forward_fragment", entry="unconfirmed", **how)
               for later in reversed(rest)])
        if setup == "ipip":
            case(f"fragments-source-{name}", f"{name}, all fragments of a datagram have the same "
                 "outer source", setup,
                 send(first, "forward_new", **how),
                 *[send(later, "forward_fragment", source="same", **how) for later in rest])
    first, second, *_ = pieces4(tcp("A", load=DATA))
    case("fragments-tcp", "TCP in fragments is forwarded too", "dsr",
         to(first, "forward_new"),
         to(second, "forward_fragment"))


def known():
    one, two = list(pieces4(udp(load=DATA))), list(pieces4(udp(load=DATA), ident=8))
    case("fragments-unknown-4", "A fragment whose first was not seen is dropped if nobody holds it",
         "dsr",
         drops(one[1], "drop_fragment", entry="none"),
         to(one[0], "forward_new"),
         to(one[1], "forward_fragment"),
         drops(two[1], "drop_fragment", note="another id"))
    stranger = IP(src="198.51.100.8", dst=VIP) / UDP(sport=PORT, dport=53) / DATA
    case("fragments-of-others", "A fragment of another client, protocol or VIP is another "
         "datagram's", "dsr",
         to(one[0], "forward_new"),
         drops(list(pieces4(stranger))[1], "drop_fragment"),
         drops(list(pieces4(tcp("A", load=DATA)))[1], "drop_fragment"),
         to(one[1], "forward_fragment"))
    six, seven = list(pieces6(udp6(load=DATA))), list(pieces6(udp6(load=DATA), ident=8))
    case("fragments-unknown-6", "So is one of IPv6; its identification has 32 bits", "dsr",
         drops(six[1], "drop_fragment", entry="none"),
         to(six[0], "forward_new"),
         to(six[1], "forward_fragment"),
         drops(seven[1], "drop_fragment"),
         drops(list(pieces6(udp6(load=DATA), ident=7 + (1 << 16)))[1], "drop_fragment"))
    odd = IPv6(src=CLIENT6, dst=VIP6) / IPv6ExtHdrFragment(nh=59, id=7, offset=16) / (b"x" * 64)
    case("fragments-next-header", "The next header of a later IPv6 fragment does not count", "dsr",
         to(six[0], "forward_new"),
         to(odd, "forward_fragment"))
    case("fragments-id-reused", "An id that is used again follows its new first fragment", "pair",
         to(one[0], "forward_new", changes=[("dns-two", "down")]),
         to(one[1], "forward_fragment"),
         to(next(pieces4(udp(load=DATA, sport=PORT + 9))), "forward_new", dmac=TWO,
            changes=[("dns-one", "down"), ("dns-two", "up")]),
         to(one[1], "forward_fragment", dmac=TWO))
    case("fragments-backend-gone", "A fragment whose first's backend was removed is dropped",
         "pair",
         to(one[0], "forward_new", changes=[("dns-two", "down")]),
         to(one[1], "forward_fragment", changes=[("dns-one", "down")], note="down, it keeps them"),
         drops(one[2], "drop_fragment", changes=[("dns-one", "gone")]))
    raw = frame(next(pieces4(tcp("A", load=DATA))))
    later = frame(list(pieces4(tcp("A", load=DATA)))[1])
    case("fragments-redirect", "Fragments go out of another interface as their first did", "beyond",
         step(raw, "REDIRECT", "forward_new", readdress(raw, FAR, OUT_MAC)),
         step(later, "REDIRECT", "forward_fragment", readdress(later, FAR, OUT_MAC)))


def bad():
    first, second, *_ = pieces4(udp(load=DATA))
    over = IP(src=CLIENT, dst=VIP, id=7, proto=17, flags="MF", frag=1) / (b"x" * 64)
    case("fragments-overlap-4", "A fragment over the first's data is dropped", "dsr",
         to(first, "forward_new"),
         drops(over, "drop_fragment"),
         drops(IP(src=CLIENT, dst=VIP, id=7, proto=17, frag=7) / (b"x" * 8), "drop_fragment"),
         to(IP(src=CLIENT, dst=VIP, id=7, proto=17, frag=8) / (b"x" * 8), "forward_fragment",
            note="right behind it"),
         to(first, "forward_known", note="the first again"))
    six = list(pieces6(udp6(load=DATA)))
    case("fragments-overlap-6", "So is one of IPv6", "dsr",
         to(six[0], "forward_new"),
         drops(IPv6(src=CLIENT6, dst=VIP6) / IPv6ExtHdrFragment(nh=17, id=7, offset=7) /
               (b"x" * 64), "drop_fragment"),
         to(six[1], "forward_fragment"))
    case("fragments-tiny", "A first fragment too short for its ports and flags is dropped", "dsr",
         drops(IP(src=CLIENT, dst=VIP, id=7, proto=6, flags="MF") / bytes(tcp("A").payload)[:8],
               "drop_bad_length"),
         drops(IP(src=CLIENT, dst=VIP, id=7, proto=6, flags="MF") / bytes(tcp("A").payload)[:16],
               "drop_bad_length"),
         drops(IP(src=CLIENT, dst=VIP, id=7, proto=6, frag=1) / (b"x" * 40), "drop_fragment",
               note="and what would overwrite its flags (RFC 1858)"),
         drops(IPv6(src=CLIENT6, dst=VIP6) / IPv6ExtHdrFragment(nh=6, id=7, m=1) /
               bytes(tcp6("A").payload)[:8], "drop_bad_length"))
    case("fragments-empty", "A later fragment without data is dropped", "dsr",
         to(first, "forward_new"),
         drops(IP(src=CLIENT, dst=VIP, id=7, proto=17, frag=20, len=20), "drop_bad_length"),
         drops(frame(IPv6(src=CLIENT6, dst=VIP6) / IPv6ExtHdrFragment(nh=17, id=7, offset=9)),
               "drop_bad_length"))


def others():
    hop, dest = IPv6ExtHdrHopByHop(), IPv6ExtHdrDestOpt()
    for name, before in (("hop-by-hop", hop), ("both", hop / dest)):
        first, second, *_ = pieces6(udp6(load=DATA), before=before)
        case(f"fragments-behind-{name}", f"Fragments are found behind extension headers ({name})",
             "dsr",
             to(first, "forward_new"),
             to(second, "forward_fragment"))
    datagram = bytes(udp6(load=DATA).payload)
    case("fragments-options-inside", "A first fragment is one whatever headers it has inside",
         "dsr",
         to(IPv6(src=CLIENT6, dst=VIP6) / IPv6ExtHdrFragment(nh=60, id=7, m=1) /
            IPv6ExtHdrDestOpt(nh=17) / datagram[:64], "forward_new"),
         to(IPv6(src=CLIENT6, dst=VIP6) / IPv6ExtHdrFragment(nh=60, id=7, offset=9) /
            datagram[64:], "forward_fragment"))
    whole = IPv6(src=CLIENT6, dst=VIP6) / IPv6ExtHdrFragment(nh=17, id=7) / UDP(
        sport=PORT, dport=53) / b"question"
    case("fragments-atomic", "An IPv6 packet with a fragment header that is whole is no fragment",
         "dsr",
         to(whole, "forward_new"),
         drops(list(pieces6(udp6(load=DATA)))[1], "drop_fragment"))
    case("fragments-ping", "Fragments of pings are left to the kernel", "dsr",
         passes(IP(src=CLIENT, dst=VIP, id=7, flags="MF") / ICMP() / DATA[:56], "pass_not_l4"),
         passes(IP(src=CLIENT, dst=VIP, id=7, frag=8, proto=1) / DATA[:56], "pass_not_l4"),
         passes(IPv6(src=CLIENT6, dst=VIP6) / IPv6ExtHdrFragment(nh=58, id=7, m=1) /
                bytes(ICMPv6EchoRequest(data=DATA[:56])), "pass_not_l4"),
         passes(IPv6(src=CLIENT6, dst=VIP6) / IPv6ExtHdrFragment(nh=58, id=7, offset=8) /
                DATA[:64], "pass_not_l4"))
    case("fragments-elsewhere", "Fragments to others, and for others, are left to the kernel", "dsr",
         passes(IP(src=CLIENT, dst="192.0.2.2", frag=20, proto=17) / DATA[:64],
                "pass_no_service"),
         passes(IPv6(src=CLIENT6, dst="2001:db8:1::2") / IPv6ExtHdrFragment(nh=17, id=7, offset=10) /
                DATA[:64], "pass_no_service"),
         passes(frame(IP(src=CLIENT, dst=VIP, frag=20, proto=17) / DATA[:64],
                      dmac="02:00:00:00:aa:77"), "pass_other_host"))
    for name, tagged in (("one", lambda packet: Dot1Q(vlan=7) / packet),
                         ("qinq", lambda packet: Dot1AD(vlan=100) / Dot1Q(vlan=7) / packet)):
        four, six = list(pieces4(udp(8044, load=DATA))), list(pieces6(udp6(8066, load=DATA)))
        case(f"fragments-tags-{name}", f"Fragments keep their tags ({name})", "ipip",
             through(tagged(four[0]), "forward_new"),
             through(tagged(four[1]), "forward_fragment"),
             through(tagged(six[0]), "forward_new", wrap=tunnel6),
             through(tagged(six[1]), "forward_fragment", wrap=tunnel6))


def chapter():
    for part in (follow, known, bad, others):
        part()
