# SPDX-License-Identifier: GPL-2.0-or-later
"""Which backend a new connection gets, and what becomes of it when that one can't go on."""
from scapy.all import (ICMP, IP, TCP, UDP, Dot1Q, ICMPv6DestUnreach, IPOption_NOP, IPv6,
                       IPv6ExtHdrDestOpt, Raw)

from casebook import (CLIENT, CLIENT6, ONE, PORT, TWO, VIP, VIP6, case, drops, frame, link_of, step,
                      tcp, tcp6, to, udp, udp6)

FAMILIES = (("4", "", tcp, udp, IP, CLIENT, VIP), ("6", "6", tcp6, udp6, IPv6, CLIENT6, VIP6))


def opened(ip, source, vip, bits, dport, sport=PORT):
    return ip(src=source, dst=vip) / TCP(sport=sport, dport=dport, flags=bits)


def asked(ip, source, vip, dport, sport=PORT):
    return ip(src=source, dst=vip) / UDP(sport=sport, dport=dport) / b"question"


def hashes():
    """Which of the two gets a hash is Maglev's business: what matters is who goes along."""
    for name, _, t, _, ip, client, vip in FAMILIES:
        picked, far_picked, port_picked = HASHED[name]
        near, same_net, far = NEIGHBOURS[name]
        case(f"hash-source-{name}", f"IPv{name}, hash: source, a client's connections go to one "
             "backend", "hashes",
             *[to(t("S", 81, sport=PORT + n), "forward_first", dmac=picked) for n in range(8)],
             to(opened(ip, near, vip, "S", 81), "forward_first", dmac=other(picked),
                note="its neighbour has another"),
             to(t("A", 81), "forward_new", dmac=picked))
        case(f"hash-prefix-{name}", f"IPv{name}, hash: source-prefix, a network's clients go to one "
             "backend", "hashes",
             *[to(opened(ip, source, vip, "S", 82, PORT + n), "forward_first", dmac=far_picked)
               for n, source in enumerate([client, near, *same_net])],
             to(opened(ip, far, vip, "S", 82), "forward_first", dmac=other(far_picked)))
        case(f"hash-port-{name}", f"IPv{name}, hash: destination-port, all clients go the port's "
             "way", "hashes",
             *[to(asked(ip, source, vip, 1000, PORT + n), "forward_new", dmac=port_picked)
               for n, source in enumerate([client, near, *same_net, far])],
             *[to(asked(ip, source, vip, OTHER_PORT[name]), "forward_new", dmac=other(port_picked))
               for source in (client, far)])


def other(mac):
    return TWO if mac == ONE else ONE


# By the public secret, found by trial: by client, by its network, by port 1000.
HASHED = {"4": (TWO, TWO, TWO), "6": (TWO, TWO, TWO)}
OTHER_PORT = {"4": 1001, "6": 1003}
NEIGHBOURS = {"4": ("198.51.100.11", ["198.51.100.200", "198.51.100.1"], "198.51.101.7"),
              "6": ("2001:db8:c::a", ["2001:db8:c::1:1", "2001:db8:c:0:ffff::1"],
                    "2001:db8:c:1::7")}


def sticky():
    for name, n, t, u, ip, client, vip in FAMILIES:
        # Maglev sends this client to @usual; while that is away, it learns to go to @had.
        usual, had = STICKY[name]
        names = {ONE: f"web{n}-one", TWO: f"web{n}-two"}
        learn = [to(t("A"), "forward_new", dmac=had, changes=[(names[usual], "down")])]
        back = [(names[usual], "up")]
        case(f"sticky-{name}", f"IPv{name}, sticky, a new connection goes where the client's last "
             "one went", "sticky",
             to(t("S"), "forward_first", dmac=usual, note="nothing is known"), *learn,
             to(t("S", sport=PORT + 1), "forward_sticky", dmac=had, changes=back),
             to(t("A", sport=PORT + 1), "forward_new", dmac=had),
             to(t("A", sport=PORT + 1), "forward_known", dmac=had))
        case(f"sticky-late-{name}", f"IPv{name}, sticky, after its time a client is picked anew",
             "sticky", *learn,
             to(t("S", sport=PORT + 1), "forward_sticky", dmac=had, changes=back, idle=50),
             to(t("S", sport=PORT + 2), "forward_sticky", dmac=had, idle=50,
                note="a new connection begins the time anew"),
             to(t("S", sport=PORT + 3), "forward_first", dmac=usual, idle=70),
             to(t("A", sport=PORT + 3), "forward_new", dmac=usual),
             to(t("S", sport=PORT + 4), "forward_sticky", dmac=usual))
        for state in ("down", "draining", "gone", "unresolved"):
            case(f"sticky-{state}-{name}", f"IPv{name}, sticky, a backend that is {state} is left "
                 "for another, for good", "sticky", *learn,
                 to(t("S", sport=PORT + 1), "forward_first", dmac=usual,
                    changes=[*back, (names[had], state)]),
                 to(t("A", sport=PORT + 1), "forward_new", dmac=usual),
                 to(t("S", sport=PORT + 2), "forward_sticky", dmac=usual))
        case(f"sticky-syn-{name}", f"IPv{name}, sticky, a SYN alone makes nobody known", "sticky",
             to(t("S"), "forward_first", dmac=had, changes=[(names[usual], "down")]),
             to(t("S", sport=PORT + 1), "forward_first", dmac=usual, changes=back))
        case(f"sticky-udp-{name}", f"IPv{name}, sticky, UDP flows from other ports follow the first",
             "sticky",
             to(u(), "forward_new", dmac=had, changes=[(f"dns{n}-{word(usual)}", "down")]),
             to(u(sport=PORT + 1), "forward_sticky", dmac=had,
                changes=[(f"dns{n}-{word(usual)}", "up")], entry="several"))
        case(f"sticky-services-{name}", f"IPv{name}, sticky, each service remembers for itself",
             "sticky", *learn,
             to(t("S", 81, sport=PORT + 1), "forward_first", dmac=ONE, changes=back))
        case(f"sticky-fallback-{name}", f"IPv{name}, sticky, nobody sticks to a fallback once the "
             "others are back", "sticky",
             to(t("A", 81), "forward_new", dmac=TWO, changes=[(f"spare{n}-one", "down")]),
             to(t("S", 81, sport=PORT + 1), "forward_sticky", dmac=TWO),
             to(t("S", 81, sport=PORT + 2), "forward_first", dmac=ONE,
                changes=[(f"spare{n}-one", "up")]))


def word(mac):
    return "one" if mac == ONE else "two"


STICKY = {"4": (TWO, ONE), "6": (TWO, ONE)}  # by the public secret, found by trial


def fallback():
    for name, n, t, *_ in FAMILIES:
        for state in ("down", "draining", "unresolved"):
            case(f"fallback-{state}-{name}", f"IPv{name}, those for fallback get new connections "
                 f"while every other backend is {state}, and keep them", "fallback",
                 to(t("S"), "forward_first"),
                 to(t("S"), "forward_first", dmac=TWO, changes=[(f"web{n}-one", state)]),
                 to(t("A"), "forward_new", dmac=TWO),
                 *([] if state == "unresolved" else [
                     to(t("A"), "forward_known", dmac=TWO, changes=[(f"web{n}-one", "up")]),
                     to(t("S", sport=PORT + 1), "forward_first")]))
        case(f"fallback-none-{name}", f"IPv{name}, with those for fallback down too nobody is left",
             "fallback",
             drops(t("S"), "drop_no_backend",
                   changes=[(f"web{n}-one", "down"), (f"web{n}-two", "down")]))


def resets(raw, bits, seq, ack):
    """What a host without the connection answers (RFC 9293, 3.10.7.1)."""
    at = link_of(raw)
    link = raw[6:12] + raw[:6] + raw[12:at]
    v6 = raw[at] >> 4 == 6
    ip = IPv6(raw[at:]) if v6 else IP(raw[at:])
    back = IPv6(src=ip.dst, dst=ip.src, hlim=64) if v6 else \
        IP(src=ip.dst, dst=ip.src, id=0, flags="DF", ttl=64)
    answer = TCP(sport=ip[TCP].dport, dport=ip[TCP].sport, flags=bits, seq=seq, ack=ack, window=0)
    return (link + bytes(back / answer)).hex()


def reset(packet, seq, ack=None, **more):
    raw = packet if isinstance(packet, bytes) else frame(packet)
    bits = "R" if ack is None else "RA"
    return step(raw, "TX", "answer_reset", resets(raw, bits, seq, ack or 0), **more)


def unreachable(packet, **more):
    raw = frame(packet)
    ip = raw[14:]
    link = raw[6:12] + raw[:6] + raw[12:14]
    if ip[0] >> 4 == 6:
        asked, quote = IPv6(ip), ip[:min(40 + IPv6(ip).plen, 1280 - 48)]
        answer = IPv6(src=asked.dst, dst=asked.src, hlim=64) / ICMPv6DestUnreach(code=4) / Raw(quote)
    else:
        asked, quote = IP(ip), ip[:min(IP(ip).len, 576 - 28)]
        answer = IP(src=asked.dst, dst=asked.src, tos=0xc0, id=0, flags="DF", ttl=64) / \
            ICMP(type=3, code=3) / quote
    return step(raw, "TX", "answer_unreachable", (link + bytes(answer)).hex(), **more)


def sized(t, bits, seq, ack, load=b"", port=80, sport=PORT):
    packet = t(bits, port, sport=sport, load=load)
    packet[TCP].seq, packet[TCP].ack = seq, ack
    return packet


def dead_backends():
    for name, n, t, u, ip, client, vip in FAMILIES:
        one, two = f"reset{n}-one", f"reset{n}-two"
        alone = [(two, "down")]
        dies = [(one, "down"), (two, "up")]
        case(f"down-reset-{name}", f"IPv{name}, down: reset, a known connection is reset as its "
             "backend's host would, and the next is picked anew", "down",
             to(t("A"), "forward_new", changes=alone),
             to(t("A"), "forward_known", entry="confirmed"),
             reset(sized(t, "PA", 1000, 7777, b"x" * 300), 7777, changes=dies, entry="reset",
                   news="yes"),
             reset(sized(t, "A", 1300, 0xffffffff), 0xffffffff, entry="reset",
                   note="the client may have missed it"),
             reset(sized(t, "FA", 1300, 0), 0, entry="reset"),
             to(t("S"), "forward_first", dmac=TWO, entry="unconfirmed"),
             to(t("A"), "forward_known", dmac=TWO, entry="confirmed"))
        case(f"down-reset-rst-{name}", f"IPv{name}, down: reset, an RST is never answered", "down",
             to(t("A"), "forward_new", changes=alone),
             to(t("R"), "forward_known", changes=dies, entry="reset"))
        case(f"down-reset-nobody-{name}", f"IPv{name}, down: reset, without any backend a client "
             "hears at once", "down",
             reset(sized(t, "S", 0xffffffff, 0), 0, 0, changes=[(one, "down"), (two, "down")],
                   entry="none"),
             reset(sized(t, "S", 41, 0, b"early data"), 0, 41 + 10 + 1),
             reset(sized(t, "A", 5, 99), 99, entry="none"),
             drops(t("R"), "drop_no_backend"),
             drops(t("S", 81), "drop_no_backend", note="the service with down: rehash says nothing",
                   changes=[(f"rehash{n}-one", "down"), (f"rehash{n}-two", "down")]))
        case(f"down-reset-tags-{name}", f"IPv{name}, down: reset, the answer keeps its tags", "down",
             reset(frame(Dot1Q(vlan=7, prio=5) / Dot1Q(vlan=8) / sized(t, "A", 1, 2)), 2,
                   changes=[(one, "down"), (two, "down")]),
             reset(frame(Dot1Q(vlan=7) / sized(t, "A", 1, 2)), 2))
        case(f"down-rehash-{name}", f"IPv{name}, down: rehash, a TCP connection is sent to another "
             "backend", "down",
             to(t("A", 81), "forward_new", changes=[(f"rehash{n}-two", "down")]),
             to(t("A", 81), "forward_repicked", dmac=TWO, entry="unconfirmed",
                changes=[(f"rehash{n}-one", "down"), (f"rehash{n}-two", "up")]),
             to(t("A", 81), "forward_known", dmac=TWO, news="yes"))
        case(f"down-rehash-syn-{name}", f"IPv{name}, down: rehash, so is a SYN from its port", "down",
             to(t("A", 81), "forward_new", changes=[(f"rehash{n}-two", "down")]),
             to(t("A", 81), "forward_known"),
             to(t("S", 81), "forward_first", dmac=TWO, entry="unconfirmed",
                changes=[(f"rehash{n}-one", "down"), (f"rehash{n}-two", "up")]))
        case(f"down-unreachable-{name}", f"IPv{name}, down: reset, a UDP client is told once and "
             "goes on with another backend", "down",
             to(u(), "forward_new", changes=[(f"told{n}-two", "down")]),
             to(u(), "forward_known"),
             unreachable(u(load=b"x" * 33), changes=[(f"told{n}-one", "down"), (f"told{n}-two", "up")],
                         news="yes"),
             to(u(), "forward_known", dmac=TWO),
             unreachable(u(load=b"x" * 1400), changes=[(f"told{n}-two", "down")],
                         note="and with nobody left, each time"),
             unreachable(u(sport=PORT + 1)))
        case(f"down-udp-rehash-{name}", f"IPv{name}, down: rehash, a UDP flow is sent to another "
             "backend", "down",
             to(u(54), "forward_new", changes=[(f"moved{n}-two", "down")]),
             to(u(54), "forward_repicked", dmac=TWO,
                changes=[(f"moved{n}-one", "down"), (f"moved{n}-two", "up")]))
        case(f"gone-udp-{name}", f"IPv{name}, a UDP flow whose backend was removed is picked again",
             "down",
             to(u(), "forward_new", changes=[(f"told{n}-two", "down")]),
             to(u(), "forward_known"),
             to(u(), "forward_repicked", dmac=TWO, entry="confirmed", news="yes",
                changes=[(f"told{n}-one", "gone"), (f"told{n}-two", "up")]))
    options = IP(src=CLIENT, dst=VIP, id=7, options=[IPOption_NOP()] * 4) / \
        TCP(sport=PORT, dport=80, flags="PA", seq=1, ack=2, options=[("NOP", None)] * 4) / b"x"
    extended = IPv6(src=CLIENT6, dst=VIP6) / IPv6ExtHdrDestOpt() / \
        TCP(sport=PORT, dport=80, flags="S", seq=9, options=[("MSS", 1440)])
    case("down-reset-options", "down: reset, options and extension headers are not answered with "
         "such", "down",
         reset(options, 2, changes=[("reset-one", "down"), ("reset-two", "down"),
                                    ("reset6-one", "down"), ("reset6-two", "down")]),
         reset(extended, 0, 10))
    gone = [("reset-one", "down"), ("reset-two", "down")]
    case("down-rate", "down: reset, so many answers a second are given and no more", "down-rate",
         reset(sized(tcp, "A", 1, 2), 2, changes=gone),
         reset(sized(tcp, "A", 1, 2), 2),
         drops(sized(tcp, "A", 1, 2), "drop_answer_limit"))


def syns():
    for name, n, t, *_ in FAMILIES:
        first = dict(changes=[(f"two{n}", "down")])
        for state in ("draining", "down"):
            away = [(f"one{n}", state), (f"two{n}", "up")]
            case(f"syn-{state}-{name}", f"IPv{name}, a SYN does not move a connection that lives, "
                 f"though its backend is {state}", "pair",
                 to(t("A"), "forward_new", **first),
                 to(t("A"), "forward_known"),
                 to(t("S"), "forward_first", changes=away, entry="confirmed", news="no"),
                 to(t("A"), "forward_known", entry="confirmed"),
                 to(t("S", sport=PORT + 1), "forward_first", dmac=TWO))
            case(f"syn-{state}-closing-{name}", f"IPv{name}, a SYN from the port of a connection "
                 f"that closed on a {state} backend goes to another", "pair",
                 to(t("A"), "forward_new", **first),
                 to(t("FA"), "forward_known", entry="closing"),
                 to(t("S"), "forward_first", dmac=TWO, changes=away, entry="unconfirmed"),
                 to(t("A"), "forward_known", dmac=TWO, entry="confirmed"))
            case(f"syn-{state}-expired-{name}", f"IPv{name}, so does one from a connection that is "
                 f"long forgotten ({state})", "pair",
                 to(t("A"), "forward_new", **first),
                 to(t("A"), "forward_known", entry="confirmed"),
                 to(t("S"), "forward_first", dmac=TWO, changes=away, idle=3600,
                    entry="unconfirmed"))
            case(f"syn-{state}-unconfirmed-{name}", f"IPv{name}, and one from a connection of a "
                 f"single packet ({state})", "pair",
                 to(t("A"), "forward_new", entry="unconfirmed", **first),
                 to(t("S"), "forward_first", dmac=TWO, changes=away, entry="unconfirmed"))


def timeouts():
    for name, _, t, *_ in FAMILIES:
        case(f"timeouts-{name}", f"IPv{name}, a service's own timeouts say when a connection is "
             "forgotten", "timeouts",
             to(t("A", 80), "forward_new", dmac=TIMED[name][0]),
             to(t("A", 80), "forward_known", dmac=TIMED[name][0], entry="confirmed"),
             to(t("S", 80), "forward_first", dmac=TIMED[name][0], idle=70, entry="unconfirmed",
                note="the node's 60 s"))
        case(f"timeouts-long-{name}", f"IPv{name}, one with two hours outlives the node's minute",
             "timeouts",
             to(t("A", 81), "forward_new", dmac=TIMED[name][1]),
             to(t("A", 81), "forward_known", dmac=TIMED[name][1], entry="confirmed"),
             to(t("S", 81), "forward_first", dmac=TIMED[name][1], idle=7000, entry="confirmed"),
             to(t("S", 81), "forward_first", dmac=TIMED[name][1], idle=300, entry="unconfirmed"))
    case("timeouts-short", "Closing and unconfirmed ones have their own, too", "timeouts",
         to(tcp("A", 82), "forward_new", dmac=TIMED["4"][2], entry="unconfirmed"),
         to(tcp("S", 80, sport=PORT + 9), "forward_first", dmac=TIMED["4"][3], idle=5,
            entry="expired"),
         to(tcp("FA", 82), "forward_known", dmac=TIMED["4"][2], entry="closing"),
         to(tcp("S", 80, sport=PORT + 9), "forward_first", dmac=TIMED["4"][3], idle=7,
            entry="expired"))


TIMED = {"4": (ONE, ONE, ONE, ONE), "6": (ONE, ONE)}


def chapter():
    hashes()
    sticky()
    fallback()
    dead_backends()
    syns()
    timeouts()
