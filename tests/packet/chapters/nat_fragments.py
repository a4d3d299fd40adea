# SPDX-License-Identifier: GPL-2.0-or-later
"""Later fragments of what is translated. Golden: the whole datagram translated, then cut."""
from scapy.all import (IP, TCP, UDP, Dot1AD, Dot1Q, Ether, IPOption_NOP, IPv6, IPv6ExtHdrFragment,
                       IPv6ExtHdrHopByHop)

from casebook import (CLIENT, CLIENT6, FAR, FAR4, IN_MAC, ONE, ONE4, ONE6, OUT_MAC, PORT,
                      ROUTER_MAC, VIP, VIP6, case, drops, frame, passes, step, tcp, tcp6, udp, udp6)
from chapters.fragments import DATA, pieces4, pieces6
from chapters.nat import BEHIND, BEHIND_MAC, NAT, NAT6, NAT_PORT, answer

TWO4, TWO_MAC = "203.0.113.12", "02:00:00:00:bb:12"


def translated(whole, **ends):
    """The datagram @whole with other ends; scapy makes the checksum that all of it has then."""
    made = whole.copy()
    l4 = made[UDP] if UDP in made else made[TCP]
    made.src, made.dst, l4.sport, l4.dport = (ends[key] for key in ("src", "dst", "sport", "dport"))
    return made


def life(packet):
    packet = packet.copy()
    if IPv6 in packet:
        packet[IPv6].hlim -= 1
    else:
        packet[IP].ttl -= 1
    return packet


def carried(packet, made, outcome, dmac, smac=IN_MAC, verdict="TX", tagged=lambda packet: packet,
            **more):
    raw = frame(tagged(packet))
    out = bytes(Ether(dst=dmac, src=smac) / tagged(life(made))).ljust(len(raw), b"\0")
    return step(raw, verdict, outcome, out.hex(), **more)


def cut(whole, pieces, ends, **how):
    return list(zip(pieces(whole, **how), pieces(translated(whole, **ends), **how)))


def out(whole, pieces, dport, dst=None, **how):
    """Pieces of a client's datagram, each with what it becomes."""
    v6 = IPv6 in whole
    return cut(whole, pieces, dict(src=NAT6 if v6 else NAT, dst=dst or (ONE6 if v6 else ONE4),
                                   sport=NAT_PORT, dport=dport), **how)


def back(whole, pieces, sport, dst=None, **how):
    """Pieces of a backend's datagram."""
    v6 = IPv6 in whole
    return cut(whole, pieces, dict(src=VIP6 if v6 else VIP, dst=dst or (CLIENT6 if v6 else CLIENT),
                                   sport=sport, dport=PORT), **how)


def reply(v6=False, sport=53, src=None):
    return answer(UDP(sport=sport, dport=NAT_PORT), v6=v6, load=DATA, src=src)


def families():
    return (("4", udp, pieces4, False), ("6", udp6, pieces6, True))


def there(couples, outcome="forward_fragment", **more):
    return [carried(*couple, outcome, ONE, **more) for couple in couples]


def here(couples, **more):
    return [carried(*couple, "forward_return", ROUTER_MAC, **more) for couple in couples]


def follow():
    for name, u, pieces, v6 in families():
        first, *rest = out(u(load=DATA), pieces, 53)
        answered, *others = back(reply(v6), pieces, 53)
        case(f"nat-fragments-{name}", f"IPv{name}, later fragments are translated as their first, "
             "in any order, both ways, and the first has the checksum of the whole", "nat",
             *there([first], "forward_new", entry="unconfirmed"),
             *there(rest, entry="unconfirmed", news="no"),
             *there(rest[::-1]),
             *here([answered], entry="unconfirmed"),
             *here(others, entry="unconfirmed", news="no"),
             *here(others[::-1]),
             *there([first], "forward_known", entry="confirmed", news="yes"),
             *there(rest[:1]))
        hidden = out(u(load=DATA), pieces, 53)
        case(f"nat-fragments-unknown-{name}", f"IPv{name}, a later fragment whose first was not seen "
             "is dropped if nobody holds it, either way", "nat",
             drops(hidden[1][0], "drop_fragment", entry="none"),
             drops(others[0][0], "drop_fragment"),
             *there(hidden[:1], "forward_new"),
             *there(hidden[1:2]),
             drops(others[0][0], "drop_fragment", note="not of this datagram"))
    first, second, *_ = out(tcp("A", load=DATA), pieces4, 80)
    case("nat-fragments-tcp", "TCP in fragments is translated too", "nat",
         *there([first], "forward_new"),
         *there([second]))
    first, second, *_ = out(tcp6("A", 8080, load=DATA), pieces6, 18080)
    case("nat-fragments-port", "A backend's own port is in the first fragment only", "nat",
         *there([first], "forward_new"),
         *there([second]))


def checksums():
    no = udp(load=DATA)
    no[UDP].chksum = 0
    first, second, *_ = out(no, pieces4, 53)
    case("nat-fragments-no-checksum", "A datagram in fragments without a checksum gets none", "nat",
         *there([first], "forward_new"),
         *there([second]))
    nops = [IPOption_NOP()] * 3
    given, made = out(udp(load=DATA), pieces4, 53)[1]
    for ip in (given, made):
        ip.options = nops
    case("nat-fragments-options", "IP options of a later fragment stay", "nat",
         *there(out(udp(load=DATA), pieces4, 53)[:1], "forward_new"),
         *there([(given, made)]))
    hop = IPv6ExtHdrHopByHop()
    first, second, *_ = out(udp6(load=DATA), pieces6, 53, before=hop)
    case("nat-fragments-extensions", "So do the extension headers of IPv6", "nat",
         *there([first], "forward_new"),
         *there([second]))
    for name, tagged in (("one", lambda packet: Dot1Q(vlan=7) / packet),
                         ("qinq", lambda packet: Dot1AD(vlan=100) / Dot1Q(vlan=7) / packet)):
        steps = []
        for _, u, pieces, v6 in families():
            first, second, *_ = out(u(load=DATA), pieces, 53)
            answered, other, *_ = back(reply(v6), pieces, 53)
            steps += there([first], "forward_new", tagged=tagged)
            steps += there([second], tagged=tagged)
            steps += here([answered], tagged=tagged)
            steps += here([other], tagged=tagged)
        case(f"nat-fragments-tags-{name}", f"Fragments keep their tags, both ways ({name})", "nat",
             *steps)


def refused():
    over = IP(src=CLIENT, dst=VIP, id=7, proto=17, flags="MF", frag=1) / (b"x" * 64)
    first, second, *_ = out(udp(load=DATA), pieces4, 53)
    answered, other, *_ = back(reply(), pieces4, 53)
    case("nat-fragments-overlap", "A fragment over the first's data is dropped, either way", "nat",
         *there([first], "forward_new"),
         drops(over, "drop_fragment"),
         *here([answered]),
         drops(IP(src=ONE4, dst=NAT, id=7, proto=17, frag=7) / (b"x" * 8), "drop_fragment"),
         *here([other]))

    def dying(packet, left):
        worn = packet.copy()
        if IPv6 in worn:
            worn.hlim = left
        else:
            worn.ttl = left
        return worn

    steps = []
    for _, u, pieces, v6 in families():
        first, second, *_ = out(u(load=DATA), pieces, 53)
        answered, other, *_ = back(reply(v6), pieces, 53)
        steps += there([first], "forward_new")
        steps += [drops(dying(second[0], 1), "drop_ttl"), drops(dying(second[0], 0), "drop_ttl")]
        steps += there([(dying(second[0], 2), dying(second[1], 2))])
        steps += here([answered])
        steps += [drops(dying(other[0], 1), "drop_ttl")]
        steps += here([(dying(other[0], 2), dying(other[1], 2))])
    case("nat-fragments-ttl", "A later fragment with a TTL or hop limit of 1 ends here, either way",
         "nat", *steps)
    case("nat-fragments-other-flow", "An answer's later fragment goes to whom its NAT port is by "
         "then", "nat",
         *there(out(udp(load=DATA), pieces4, 53)[:1], "forward_new"),
         *here(back(reply(), pieces4, 53)[:1]),
         *there(cut(udp(load=DATA, sport=PORT + 1), pieces4,
                    dict(src=NAT, dst=ONE4, sport=NAT_PORT, dport=53), ident=8)[:1], "forward_new",
                note="takes the only port, as the first flow is unconfirmed"),
         carried(*cut(reply(), pieces4, dict(src=VIP, dst=CLIENT, sport=53, dport=PORT + 1))[1],
                 "forward_return", ROUTER_MAC))
    alien = answer(UDP(sport=53, dport=22), load=DATA)
    parts = list(pieces4(alien))
    case("nat-fragments-other-ports", "Of what comes to other ports of a NAT address only the first "
         "fragment gets to the kernel", "nat",
         passes(parts[0], "pass_no_service"),
         drops(parts[1], "drop_fragment"))


def places():
    def behind(load=DATA):
        return IP(src=BEHIND, dst=VIP, id=7) / UDP(sport=PORT, dport=53) / load

    how = dict(dmac=BEHIND_MAC, smac=OUT_MAC, verdict="REDIRECT")
    returned = back(reply(), pieces4, 53, dst=BEHIND)
    case("nat-fragments-client-beyond", "A client behind another interface gets all fragments of "
         "its answer there", "nat",
         *there(out(behind(), pieces4, 53)[:1], "forward_new"),
         carried(*returned[0], "forward_return", **how),
         carried(*returned[1], "forward_return", **how))
    far = dict(dmac=FAR, smac=OUT_MAC, verdict="REDIRECT")
    sent = out(tcp("A", 8081, load=DATA), pieces4, 8081, dst=FAR4)
    case("nat-fragments-two-armed", "So does a backend behind another interface, and answers from "
         "there go back whole", "nat",
         carried(*sent[0], "forward_new", **far),
         carried(*sent[1], "forward_fragment", **far),
         *here(back(answer(TCP(sport=8081, dport=NAT_PORT, flags="A"), src=FAR4, load=DATA),
                    pieces4, 8081), verdict="REDIRECT", **{"from": "out0"}))
    hairpin = IP(src=ONE4, dst=VIP, id=7) / UDP(sport=PORT, dport=53) / DATA
    case("nat-fragments-hairpin", "A backend that is its own client gets all fragments of its "
         "answer", "nat",
         *there(out(hairpin, pieces4, 53)[:1], "forward_new"),
         *there(out(hairpin, pieces4, 53)[1:2]),
         carried(*back(reply(), pieces4, 53, dst=ONE4)[0], "forward_return", ONE),
         carried(*back(reply(), pieces4, 53, dst=ONE4)[1], "forward_return", ONE))


def backends():
    one, two = out(udp(load=DATA), pieces4, 53), out(udp(load=DATA), pieces4, 53, dst=TWO4)
    other = list(zip(pieces4(udp(load=DATA), ident=8),
                     pieces4(translated(udp(load=DATA), src=NAT, dst=TWO4, sport=NAT_PORT,
                                        dport=53), ident=8)))
    case("nat-fragments-repicked", "When its flow has moved, a datagram's later fragments still go "
         "to the backend of their first", "nat-pair",
         carried(*one[0], "forward_new", ONE, changes=[("dns-two", "down")]),
         carried(*other[0], "forward_repicked", TWO_MAC,
                 changes=[("dns-two", "up"), ("dns-one", "down")]),
         carried(*one[1], "forward_fragment", ONE),
         carried(*other[1], "forward_fragment", TWO_MAC),
         carried(*two[0], "forward_known", TWO_MAC, note="the first's id is used again"),
         carried(*two[1], "forward_fragment", TWO_MAC))
    case("nat-fragments-backend-gone", "A fragment whose first's backend was removed is dropped",
         "nat-pair",
         carried(*one[0], "forward_new", ONE, changes=[("dns-two", "down")]),
         carried(*one[1], "forward_fragment", ONE, changes=[("dns-one", "down")]),
         drops(one[2][0], "drop_fragment", changes=[("dns-one", "gone")]))


def guarded():
    for name, u, pieces, v6 in families():
        sent, returned = out(u(load=DATA), pieces, 53), back(reply(v6), pieces, 53)
        denied = (IPv6(src=ONE6, dst=VIP6) if v6 else IP(src=ONE4, dst=VIP)) / UDP(
            sport=PORT, dport=53) / b"question"
        case(f"nat-fragments-guard-{name}", f"IPv{name}, the guard asks a client's later fragments as "
             "any of its packets, and a backend's answer nothing, whole or not", "nat-guard",
             drops(denied, "drop_denied", note="as a client it may not"),
             drops(returned[1][0], "drop_fragment", note="not for being denied"),
             *there(sent[:1], "forward_new"),
             *here(returned),
             *here(returned),
             *there(sent[1:4]),
             drops(sent[4][0], "drop_source_packets"))


def chapter():
    for part in (follow, checksums, refused, places, backends, guarded):
        part()
