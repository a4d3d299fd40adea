# SPDX-License-Identifier: GPL-2.0-or-later
"""ICMP and ICMPv6 to a VIP: pings are answered, errors go to the backend concerned."""
from scapy.all import (ICMP, IP, TCP, UDP, Dot1AD, Dot1Q, Ether, ICMPv6DestUnreach, ICMPv6EchoReply,
                       ICMPv6EchoRequest, ICMPv6PacketTooBig, ICMPv6ParamProblem,
                       ICMPv6TimeExceeded, IPOption_NOP, IPv6, IPv6ExtHdrDestOpt,
                       IPv6ExtHdrFragment, IPv6ExtHdrHopByHop, Raw)

from casebook import (CLIENT, CLIENT6, FAR, FAR4, FAR6, IN_MAC, MINIMUM, ONE, OUT_MAC, PORT,
                      ROUTER_MAC, TWO, VIP, VIP6, case, drops, frame, passes, readdress, step, tcp,
                      tcp6, through, to, tunnel4, tunnel6, udp, udp6)

ROUTER, ROUTER6 = "198.51.100.254", "2001:db8:c::fe"


def ping(load=b"", **ip):
    return IP(src=CLIENT, dst=VIP, id=7, **ip) / ICMP(id=9, seq=3) / load


def pong(load=b"", **ip):
    return IP(src=VIP, dst=CLIENT, id=7, ttl=64, **ip) / ICMP(type=0, id=9, seq=3) / load


def ping6(load=b"", **ip):
    return IPv6(src=CLIENT6, dst=VIP6, **ip) / ICMPv6EchoRequest(id=9, seq=3, data=load)


def pong6(load=b"", **ip):
    return IPv6(src=VIP6, dst=CLIENT6, hlim=64, **ip) / ICMPv6EchoReply(id=9, seq=3, data=load)


def answered(request, reply, outcome="answer_echo", pad=True):
    raw = bytes(Ether(dst=ROUTER_MAC, src=IN_MAC) / reply)
    return step(frame(request, pad), "TX", outcome,
                (raw.ljust(MINIMUM, b"\0") if pad else raw).hex())


def echo():
    for name, ask, answer, ttl in (("4", ping, pong, dict(ttl=3, tos=0xb8, flags="DF")),
                                   ("6", ping6, pong6, dict(hlim=3, tc=0xb8, fl=0xabcde))):
        same = {k: v for k, v in ttl.items() if k not in ("ttl", "hlim")}
        case(f"echo-{name}", f"IPv{name}, a ping of a VIP is answered, whatever its size", "dsr",
             *[answered(ask(b"p" * size), answer(b"p" * size)) for size in (0, 1, 56, 57, 1400)],
             answered(ask(b"p" * 56), answer(b"p" * 56), pad=False),
             answered(ask(b"\xff" * 64), answer(b"\xff" * 64)),
             answered(ask(bytes(64)), answer(bytes(64)), pad=False))
        case(f"echo-header-{name}", f"IPv{name}, the answer has a TTL of its own, and DSCP, DF and "
             "flow label of the ping", "dsr",
             answered(ask(b"p" * 56, **ttl), answer(b"p" * 56, **same)))
        case(f"echo-off-{name}", f"IPv{name}, with echo off a ping is left to the kernel",
             "echo-off",
             passes(ask(b"p" * 56), "pass_not_l4"))
    wrong = frame(ping(b"p" * 56))
    wrong = wrong[:36] + bytes([wrong[36] ^ 0x55]) + wrong[37:]
    case("echo-wrong-checksum", "A ping with a wrong checksum gets an answer with a wrong one",
         "dsr", step(wrong, "TX", "answer_echo", wrong_answer(wrong)))
    case("echo-left", "What is no whole, plain ping of a VIP is left to the kernel", "dsr",
         passes(ping(options=[IPOption_NOP()] * 4), "pass_not_l4", note="IP options"),
         passes(ping(b"p" * 56, flags="MF"), "pass_not_l4", note="a first fragment"),
         passes(IP(src=CLIENT, dst=VIP, frag=8, proto=1) / (b"p" * 64), "pass_not_l4",
                note="a later one"),
         passes(IP(src=CLIENT, dst="192.0.2.2") / ICMP(), "pass_not_l4", note="no VIP"),
         passes(IPv6(src=CLIENT6, dst="2001:db8:1::2") / ICMPv6EchoRequest(), "pass_not_l4"),
         passes(IPv6(src=CLIENT6, dst="::ffff:" + VIP) / ICMPv6EchoRequest(), "pass_no_service",
                note="an IPv4 VIP in IPv6"),
         passes(frame(ping(), dmac="02:00:00:00:aa:77"), "pass_other_host"),
         passes(frame(ping(), dmac="ff:ff:ff:ff:ff:ff"), "pass_other_host"),
         passes(frame(ping(b"p" * 56))[:90], "pass_not_l4", note="cut short"),
         *[passes(IP(src=CLIENT, dst=VIP) / ICMP(type=kind) / (b"x" * 12) if kind != 13 else
                  IP(src=CLIENT, dst=VIP) / ICMP(type=13, ts_ori=1, ts_rx=0, ts_tx=0), "pass_not_l4", note=f"type {kind}")
           for kind in (0, 5, 9, 10, 13, 17)],
         *[passes(IPv6(src=CLIENT6, dst=VIP6) / ICMPv6EchoReply(type=kind), "pass_not_l4",
                  note=f"ICMPv6 type {kind}")
           for kind in (5, 33, 127, 129, 133, 136)])


def wrong_answer(raw):
    """The reply to a ping with one wrong bit: its checksum is as wrong."""
    packet = IP(raw[14:])
    change = packet[ICMP].chksum
    packet.src, packet.dst, packet.ttl, packet[ICMP].type = VIP, CLIENT, 64, 0
    del packet.chksum
    packet[ICMP].chksum = ~ones_sum(~change & 0xffff, ~0x0800 & 0xffff) & 0xffff
    return bytes(Ether(dst=ROUTER_MAC, src=IN_MAC) / packet).ljust(MINIMUM, b"\0").hex()


def ones_sum(a, b):
    return (a + b & 0xffff) + (a + b >> 16)


def answer4(sport=80, dport=PORT, proto=TCP, **ip):
    """What a backend sent to the client, as a router on the way saw it."""
    return IP(**{**dict(src=VIP, dst=CLIENT, ttl=9), **ip}) / proto(sport=sport, dport=dport) / (
        b"answer" * 20)


def answer6(sport=80, dport=PORT, proto=TCP, **ip):
    return IPv6(**{**dict(src=VIP6, dst=CLIENT6, hlim=9), **ip}) / proto(
        sport=sport, dport=dport) / (b"answer" * 20)


def notice4(quote, size=20 + 8, kind=3, code=4, **ip):
    return IP(src=ROUTER, dst=VIP, id=7, **ip) / ICMP(type=kind, code=code, nexthopmtu=1400) / Raw(
        bytes(quote)[:size])


def notice6(quote, size=40 + 8, kind=ICMPv6PacketTooBig, **ip):
    return IPv6(src=ROUTER6, dst=VIP6, **ip) / kind() / Raw(bytes(quote)[:size])


def errors_forwarded():
    """An ICMP error reaches the backend in each way of forwarding."""
    six = dict(wrap=tunnel6)
    ways = [
        ("dsr4", "dsr", tcp, udp, notice4, answer4, 80, 53, to, {}),
        ("dsr6", "dsr", tcp6, udp6, notice6, answer6, 80, 53, to, {}),
        ("4in4", "ipip", tcp, udp, notice4, answer4, 8044, 8044, through, {}),
        ("4in6", "ipip", tcp, udp, notice4, answer4, 8046, 8046, through, six),
        ("6in4", "ipip", tcp6, udp6, notice6, answer6, 8064, 8064, through, {}),
        ("6in6", "ipip", tcp6, udp6, notice6, answer6, 8066, 8066, through, six),
    ]
    for name, setup, t, u, error, back, tport, uport, send, how in ways:
        case(f"icmp-error-{name}", f"{name}, an error that quotes no more than the ports goes to "
             "the backend and leaves the entry as it was", setup,
             send(t("A", tport), "forward_new", entry="unconfirmed", **how),
             send(error(back(tport)), "forward_icmp", entry="unconfirmed", news="no", **how),
             send(error(back(tport), size=2000), "forward_icmp", note="all of it quoted",
                  entry="unconfirmed", news="no", **how),
             send(t("A", tport), "forward_known", entry="confirmed", **how),
             send(error(back(tport)), "forward_icmp", idle=120, entry="confirmed", news="no",
                  **how),
             send(error(back(uport, proto=UDP)), "forward_icmp", note="a flow without an entry",
                  entry="confirmed", news="no", **how))
        case(f"icmp-error-no-entry-{name}", f"{name}, an error about a flow without an entry makes "
             "none", setup,
             send(error(back(tport)), "forward_icmp", entry="none", **how),
             send(error(back(uport, proto=UDP)), "forward_icmp", entry="none", **how))
    raw, raw6 = frame(notice4(answer4())), frame(notice6(answer6()))
    case("icmp-error-redirect", "A backend behind another interface gets its errors there",
         "beyond",
         step(raw, "REDIRECT", "forward_icmp", readdress(raw, FAR, OUT_MAC)))
    raw, raw6 = frame(notice4(answer4(8044))), frame(notice6(answer6(8066)))
    case("icmp-error-redirect-ipip", "So does one behind a tunnel and another interface", "beyond",
         step(raw, "REDIRECT", "forward_icmp", tunnel4(raw, FAR4, FAR, OUT_MAC)),
         step(raw6, "REDIRECT", "forward_icmp", tunnel6(raw6, FAR6, FAR, OUT_MAC)))
    case("icmp-error-any-port", "A service of any port gets the errors of its flows", "any-port",
         to(notice4(answer4(22)), "forward_icmp"),
         to(notice4(answer4(80)), "forward_icmp", dmac=TWO, note="port 80 has its own service"))


def errors_owner():
    """Whose flow it is, the table says, and else Maglev."""
    only_one = [("two", "down"), ("dns-two", "down"), ("two6", "down")]
    for name, t, error, back, one, two in (("4", tcp, notice4, answer4, "one", "two"),
                                           ("6", tcp6, notice6, answer6, "one6", "two6")):
        case(f"icmp-error-owner-{name}", f"IPv{name}, the backend that has the flow gets the error, "
             "though it takes no new flows", "pair",
             to(t("A"), "forward_new", changes=only_one),
             to(t("A"), "forward_known", changes=[(one, "draining"), (two, "up")]),
             to(error(back()), "forward_icmp"),
             to(error(back()), "forward_icmp", changes=[(one, "down")], note="TCP stays"),
             to(error(back()), "forward_icmp", dmac=TWO, changes=[(one, "gone")]),
             to(error(back(dport=PORT + 1)), "forward_icmp", dmac=TWO, note="another flow"))
    picked = {PORT: ONE, PORT + 1: TWO}
    case("icmp-error-pick", "An error about a flow without an entry goes where its SYN goes", "pair",
         *[s for port, mac in picked.items() for s in (
             to(tcp("S", sport=port), "forward_first", dmac=mac),
             to(notice4(answer4(dport=port)), "forward_icmp", dmac=mac, entry="none"))])
    # Maglev sends this client to TWO; while that was away, it learned to go to ONE.
    for n, t, error, back in (("", tcp, notice4, answer4), ("6", tcp6, notice6, answer6)):
        learn = [to(t("A"), "forward_new", changes=[(f"web{n}-two", "down")]),
                 to(error(back(dport=PORT + 1)), "forward_icmp", changes=[(f"web{n}-two", "up")],
                    note="a new flow of the client would go there")]
        case(f"icmp-error-sticky-{n or '4'}", f"IPv{n or '4'}, sticky, an error does not begin the "
             "client's time anew", "sticky", *learn,
             to(error(back(dport=PORT + 1)), "forward_icmp", idle=50),
             to(t("S", sport=PORT + 2), "forward_first", dmac=TWO, idle=50))
        case(f"icmp-error-sticky-stays-{n or '4'}", f"IPv{n or '4'}, sticky, an error does not move "
             "the client to another backend", "sticky", *learn,
             to(error(back(dport=PORT + 1)), "forward_icmp", dmac=TWO,
                changes=[(f"web{n}-one", "draining")]),
             to(t("S", sport=PORT + 2), "forward_sticky", changes=[(f"web{n}-one", "up")]))
    case("icmp-error-too-big", "No error is sent about an error that does not fit the tunnel", "ipip",
         drops(notice4(answer4(8044) / (b"x" * 1500), size=1472), "drop_too_big"),
         drops(notice6(answer6(8066) / (b"x" * 1500), size=1452), "drop_too_big"))
    case("icmp-martian", "A ping from what can be no host, or from a VIP, is dropped", "dsr",
         *[drops(IP(src=source, dst=VIP) / ICMP(), "drop_martian")
           for source in ("0.0.0.0", "127.0.0.1", "224.0.0.1", "255.255.255.255")],
         drops(IP(src=VIP, dst=VIP) / ICMP(), "drop_vip_source"),
         *[drops(IPv6(src=source, dst=VIP6) / ICMPv6EchoRequest(), "drop_martian")
           for source in ("::1", "ff02::1")],
         drops(IPv6(src=VIP6, dst=VIP6) / ICMPv6EchoRequest(), "drop_vip_source"))
    case("icmp-error-no-backend", "With every backend down an error is dropped", "dsr",
         drops(notice4(answer4()), "drop_no_backend", changes=[("one", "down")], entry="none"))


def errors_read():
    """What counts as an error, and what of a quote can be read."""
    case("icmp-error-types-4", "Unreachable, source quench, time exceeded and parameter problem go "
         "to the backend", "dsr",
         *[to(notice4(answer4(), kind=kind, code=code), "forward_icmp", note=f"type {kind}")
           for kind, code in ((3, 0), (3, 1), (3, 3), (3, 4), (3, 13), (4, 0), (11, 0), (11, 1),
                              (12, 0))],
         passes(notice4(answer4(), kind=5), "pass_not_l4", note="a redirect is no error"))
    case("icmp-error-types-6", "Each of ICMPv6's four errors goes to the backend", "dsr",
         *[to(notice6(answer6(), kind=kind), "forward_icmp")
           for kind in (ICMPv6DestUnreach, ICMPv6PacketTooBig, ICMPv6TimeExceeded,
                        ICMPv6ParamProblem)])
    nops = [IPOption_NOP()] * 40
    case("icmp-quote-options", "IP options of the quoted packet do not hide its ports", "dsr",
         to(notice4(answer4(options=nops[:3]), size=24 + 8), "forward_icmp"),
         to(notice4(answer4(options=nops), size=60 + 4), "forward_icmp"),
         drops(notice4(answer4(options=nops), size=60 + 3), "drop_icmp_bad"))
    case("icmp-error-options", "IP options of the error itself do not hide the quote", "ipip",
         through(notice4(answer4(8044), options=nops[:3]), "forward_icmp"),
         through(notice4(answer4(8044), options=nops), "forward_icmp"))
    hop, dest, fragment = IPv6ExtHdrHopByHop(), IPv6ExtHdrDestOpt(), IPv6ExtHdrFragment
    behind = [("hop-by-hop", hop), ("destination options", dest), ("both", hop / dest),
              ("fragment", fragment(id=7, m=1)), ("three", hop / dest / fragment(id=7))]
    case("icmp-quote-extensions", "Extension headers of the quoted packet do not hide its ports",
         "dsr",
         *[to(notice6(IPv6(src=VIP6, dst=CLIENT6) / headers / TCP(sport=80, dport=PORT) / b"answer",
                     size=2000), "forward_icmp", note=note)
           for note, headers in behind],
         drops(notice6(IPv6(src=VIP6, dst=CLIENT6) / (dest / dest / dest / dest / dest / dest / dest) /
                      TCP(sport=80, dport=PORT), size=2000), "drop_icmp_bad", note="seven"),
         drops(notice6(IPv6(src=VIP6, dst=CLIENT6) / hop / TCP(sport=80, dport=PORT), size=48 + 3),
               "drop_icmp_bad"),
         drops(notice6(IPv6(src=VIP6, dst=CLIENT6) / fragment(id=7, offset=9, nh=6) / (b"x" * 40),
                      size=2000), "drop_icmp_bad", note="a later fragment"))
    case("icmp-quote-cut", "A quote that is cut short of the ports is dropped", "dsr",
         *[drops(notice4(answer4(), size=size), "drop_icmp_bad", note=f"{size} bytes")
           for size in (0, 1, 19, 20, 22, 23)],
         to(notice4(answer4(), size=24), "forward_icmp", note="24 bytes have the ports"),
         *[drops(notice6(answer6(), size=size), "drop_icmp_bad", note=f"{size} bytes")
           for size in (0, 39, 40, 43)],
         to(notice6(answer6(), size=44), "forward_icmp"))
    case("icmp-quote-padding", "Padding of the frame is no part of a quote", "dsr",
         drops(frame(notice4(answer4(), size=23)) + bytes(40), "drop_icmp_bad"),
         drops(frame(notice6(answer6(), size=43)) + bytes(40), "drop_icmp_bad"))
    case("icmp-quote-bad", "A quote that is no packet of the VIP is dropped", "dsr",
         drops(notice4(answer4(src="192.0.2.2")), "drop_icmp_bad", note="of another address"),
         drops(notice4(tcp("A")), "drop_icmp_bad", note="of the client"),
         drops(notice4(answer4(ihl=4)), "drop_icmp_bad"),
         drops(notice4(answer4(version=6)), "drop_icmp_bad"),
         drops(notice4(answer4(frag=9)), "drop_icmp_bad", note="a later fragment"),
         drops(notice6(answer6(src="2001:db8:1::2")), "drop_icmp_bad"),
         drops(notice6(answer6(version=4)), "drop_icmp_bad"))
    case("icmp-error-left", "An error that is about no service's flow is left to the kernel", "dsr",
         passes(notice4(answer4(22)), "pass_no_service", note="ssh of the node"),
         passes(notice4(answer4(80, proto=UDP)), "pass_no_service"),
         passes(notice6(answer6(22)), "pass_no_service"),
         passes(notice4(IP(src=VIP, dst=CLIENT) / ICMP(type=0)), "pass_not_l4", note="an answer"),
         passes(notice4(IP(src=VIP, dst=CLIENT, proto=132) / (b"x" * 20)), "pass_not_l4"),
         passes(notice6(IPv6(src=VIP6, dst=CLIENT6) / ICMPv6EchoReply()), "pass_not_l4"),
         passes(IP(src=ROUTER, dst="192.0.2.2") / ICMP(type=3) / Raw(bytes(answer4())),
                "pass_not_l4", note="to no VIP"),
         passes(frame(notice4(answer4()), dmac="02:00:00:00:aa:77"), "pass_other_host"),
         passes(notice4(answer4(), flags="MF"), "pass_not_l4", note="a fragment"))


def tags():
    for name, tagged in (("one", lambda packet: Dot1Q(vlan=7, prio=5) / packet),
                         ("qinq", lambda packet: Dot1AD(vlan=100) / Dot1Q(vlan=7) / packet)):
        case(f"icmp-tags-{name}", f"Tags ({name}) are kept by answers and by errors", "ipip",
             answered(tagged(ping(b"p" * 56)), tagged(pong(b"p" * 56))),
             answered(tagged(ping6(b"p" * 56)), tagged(pong6(b"p" * 56))),
             through(tagged(notice4(answer4(8044))), "forward_icmp"),
             through(tagged(notice6(answer6(8066))), "forward_icmp", wrap=tunnel6))


def chapter():
    for part in (echo, errors_forwarded, errors_owner, errors_read, tags):
        part()
