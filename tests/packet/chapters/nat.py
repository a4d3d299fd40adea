# SPDX-License-Identifier: GPL-2.0-or-later
"""NAT: to the backend from a NAT address, and back to the client from the VIP."""
from scapy.all import (IP, TCP, UDP, Dot1Q, Ether, IPOption_NOP, IPv6, IPv6ExtHdrDestOpt,
                       PadN)

from casebook import (CLIENT, CLIENT6, FAR, FAR4, IN_MAC, ONE, ONE4, ONE6, OUT_MAC, PORT,
                      ROUTER_MAC, VIP, VIP6, case, drops, frame, passes, step, tcp, tcp6, udp, udp6)

NAT, NAT6 = "192.0.2.100", "2001:db8:1::100"
NAT_PORT = 2000  # setups have one address and one port: there is no choice to foresee
BEHIND, BEHIND6 = "198.51.101.7", "2001:db8:d::7"
BEHIND_MAC = "02:00:00:00:cc:02"


def remade(raw, dmac, smac, pad=True, **ends):
    """The frame with other ends and a lower TTL; scapy makes its checksums anew."""
    ether = Ether(raw[:len(raw)])
    ether.dst, ether.src = dmac, smac
    ip = ether[IPv6] if IPv6 in ether else ether[IP]
    l4 = ip[UDP] if UDP in ip else ip[TCP]
    no_check = UDP in ip and ip[UDP].chksum == 0
    ip.src, ip.dst = ends["src"], ends["dst"]
    l4.sport, l4.dport = ends["sport"], ends["dport"]
    if IPv6 in ether:
        ip.hlim -= 1
    else:
        ip.ttl -= 1
        del ip.chksum
    if no_check:
        l4.chksum = 0
    else:
        del l4.chksum
    return bytes(ether).hex()


def out(packet, outcome, dport, dst=None, dmac=ONE, smac=IN_MAC, verdict="TX", sport=NAT_PORT,
        **more):
    """Towards the backend."""
    raw = packet if isinstance(packet, bytes) else frame(packet)
    v6 = IPv6 in Ether(raw)
    made = remade(raw, dmac, smac, src=NAT6 if v6 else NAT, dst=dst or (ONE6 if v6 else ONE4),
                  sport=sport, dport=dport)
    return step(raw, verdict, outcome, made, **more)


def answer(l4, dport=NAT_PORT, src=None, v6=False, load=b"", **ip):
    """As a backend sends it."""
    if v6:
        return IPv6(src=src or ONE6, dst=NAT6, **ip) / l4 / load
    return IP(src=src or ONE4, dst=NAT, id=9, **ip) / l4 / load


def back(packet, sport, dst=None, dport=PORT, dmac=ROUTER_MAC, smac=IN_MAC, verdict="TX", **more):
    """Towards the client."""
    raw = packet if isinstance(packet, bytes) else frame(packet)
    v6 = IPv6 in Ether(raw)
    made = remade(raw, dmac, smac, src=VIP6 if v6 else VIP,
                  dst=dst or (CLIENT6 if v6 else CLIENT), sport=sport, dport=dport)
    return step(raw, verdict, "forward_return", made, **more)


def ways():
    """Both directions of a TCP connection and of a UDP flow."""
    for name, t, u, v6 in (("4", tcp, udp, False), ("6", tcp6, udp6, True)):
        def reply(bits, sport=80, v6=v6, **more):
            return answer(TCP(sport=sport, dport=NAT_PORT, flags=bits), v6=v6, **more)

        case(f"nat-tcp-{name}", f"IPv{name}, a TCP connection by NAT, both ways; the SYN makes an "
             "entry, the client's next packet confirms it", "nat",
             out(t("S"), "forward_new", 80, entry="unconfirmed", news="no"),
             back(reply("SA"), 80, entry="unconfirmed", news="no"),
             out(t("A"), "forward_known", 80, entry="confirmed", news="yes"),
             out(t("PA", load=b"GET / HTTP/1.0\r\n\r\n"), "forward_known", 80),
             back(reply("PA", load=b"HTTP/1.0 200 OK\r\n\r\n"), 80, entry="confirmed"))
        case(f"nat-udp-{name}", f"IPv{name}, a UDP flow by NAT, both ways", "nat",
             out(u(), "forward_new", 53, entry="unconfirmed", news="no"),
             back(answer(UDP(sport=53, dport=NAT_PORT), v6=v6, load=b"answer"), 53,
                  entry="unconfirmed"),
             out(u(load=b"odd"), "forward_known", 53, entry="confirmed", news="yes"),
             back(answer(UDP(sport=53, dport=NAT_PORT), v6=v6, load=b"yes"), 53))
        case(f"nat-port-{name}", f"IPv{name}, a backend that listens on a port of its own", "nat",
             out(t("S", 8080), "forward_new", 18080),
             back(reply("SA", 18080), 8080),
             out(t("A", 8080), "forward_known", 18080))


def checksums():
    """RFC 1624 has two zeros; UDP has none that is sent."""
    no = frame(udp())
    no = no[:40] + b"\0\0" + no[42:]
    case("nat-udp-no-checksum", "UDP over IPv4 without a checksum gets none", "nat",
         out(no, "forward_new", 53),
         back(frame_without(answer(UDP(sport=53, dport=NAT_PORT), load=b"answer")), 53))
    for name, u, v6 in (("4", udp, False), ("6", udp6, True)):
        zero = find_zero(u, v6)
        case(f"nat-udp-zero-{name}", f"IPv{name}, a UDP checksum that comes out as 0 is sent as "
             "0xffff, and is right the other way", "nat",
             out(zero, "forward_new", 53),
             out(zero, "forward_known", 53))
    case("nat-odd", "A payload of an odd length changes nothing for the checksum", "nat",
         out(tcp("A", load=b"odd"), "forward_new", 80),
         out(frame(tcp("PA", load=b"o" * 1459), pad=False), "forward_known", 80))


def frame_without(packet):
    """UDP over IPv4, its checksum left out."""
    raw = frame(packet)
    return raw[:40] + b"\0\0" + raw[42:]


def find_zero(u, v6):
    """A datagram whose sum is 0xffff, and so its checksum 0, once it is translated."""
    at = 14 + (40 if v6 else 20) + 6
    load = b"\0\0"
    for _ in range(2):
        raw = frame(u(load=load))
        sent = bytes.fromhex(remade(raw, ONE, IN_MAC, src=NAT6 if v6 else NAT,
                                    dst=ONE6 if v6 else ONE4, sport=NAT_PORT, dport=53))
        load = sent[at:at + 2]
    assert load == b"\xff\xff", load
    return raw


def headers():
    nops = [IPOption_NOP()] * 3
    case("nat-options", "IP options stay, and the ports are found behind them", "nat",
         out(tcp("A", options=nops), "forward_new", 80),
         back(answer(TCP(sport=80, dport=NAT_PORT, flags="A"), options=nops), 80))
    case("nat-extensions", "IPv6 extension headers stay, and the ports are found behind them", "nat",
         out(IPv6(src=CLIENT6, dst=VIP6) / IPv6ExtHdrDestOpt() /
             TCP(sport=PORT, dport=80, flags="A"), "forward_new", 80),
         out(tcp6("A"), "forward_known", 80))
    long = [IPv6ExtHdrDestOpt(options=[PadN(optdata=b"\0" * 204)])] * 2
    case("nat-extensions-long", "However long the extension headers are", "nat",
         out(IPv6(src=CLIENT6, dst=VIP6) / long[0] / TCP(sport=PORT, dport=80, flags="A"),
             "forward_new", 80),
         out(IPv6(src=CLIENT6, dst=VIP6) / long[0] / long[1] / TCP(sport=PORT, dport=80, flags="A"),
             "forward_known", 80),
         back(answer(long[0] / TCP(sport=80, dport=NAT_PORT, flags="A"), v6=True), 80))
    for tags, name in (((7,), "one tag"), ((5, 7), "two tags")):
        def tagged(packet, tags=tags):
            for vlan in reversed(tags):
                packet = Dot1Q(vlan=vlan) / packet
            return frame(packet)

        count = len(tags)
        case(f"nat-tags-{count}", f"A frame with {name} is translated both ways and keeps them",
             "nat",
             out(tagged(tcp("S")), "forward_new", 80),
             back(tagged(answer(TCP(sport=80, dport=NAT_PORT, flags="SA"))), 80),
             out(tagged(tcp("A")), "forward_known", 80))
    case("nat-ttl", "NAT is a router, a TTL or hop limit of 1 ends here, one of 2 goes on", "nat",
         drops(tcp("A", ttl=1), "drop_ttl", entry="unconfirmed"),
         out(tcp("A", ttl=2), "forward_known", 80),
         drops(answer(TCP(sport=80, dport=NAT_PORT, flags="A"), ttl=1), "drop_ttl"),
         drops(tcp6("A", hlim=1), "drop_ttl"),
         drops(tcp6("A", hlim=0), "drop_ttl"),
         out(tcp6("A", hlim=2), "forward_known", 80),
         drops(answer(TCP(sport=80, dport=NAT_PORT, flags="A"), v6=True, hlim=1), "drop_ttl"))


def life():
    def reply(bits, **more):
        return answer(TCP(sport=80, dport=NAT_PORT, flags=bits), **more)

    case("nat-backend-closes", "A FIN of the backend marks the connection as closing", "nat",
         out(tcp("S"), "forward_new", 80),
         out(tcp("A"), "forward_known", 80, entry="confirmed"),
         back(reply("FA"), 80, entry="closing", news="yes"))
    case("nat-backend-resets", "An RST of the backend ends it", "nat",
         out(tcp6("S"), "forward_new", 80),
         out(tcp6("A"), "forward_known", 80, entry="confirmed"),
         back(reply("R", v6=True), 80, entry="reset", news="yes"))
    case("nat-answers-keep-alive", "A backend's answers keep the connection young", "nat",
         out(tcp("S"), "forward_new", 80),
         out(tcp("A"), "forward_known", 80),
         back(reply("A"), 80, idle=800),
         out(tcp("S"), "forward_first", 80, idle=800, entry="confirmed",
             note="900 s are the timeout"))
    case("nat-syn-again", "A SYN that is sent again goes out from the same port", "nat",
         out(tcp("S"), "forward_new", 80, entry="unconfirmed"),
         out(tcp("S"), "forward_first", 80, entry="unconfirmed"),
         back(reply("SA"), 80))
    case("nat-fin-first", "A FIN or RST of an unknown connection goes out as any packet, for its "
         "answer must find back", "nat",
         out(tcp("FA"), "forward_new", 80, entry="unconfirmed"),
         back(reply("R"), 80))
    case("nat-unknown-port", "What comes to a NAT port that no connection has is dropped", "nat",
         drops(reply("A"), "drop_nat_unknown"),
         drops(reply("A", v6=True), "drop_nat_unknown"),
         drops(answer(UDP(sport=53, dport=NAT_PORT), load=b"answer"), "drop_nat_unknown"),
         out(tcp("S"), "forward_new", 80),
         drops(answer(TCP(sport=80, dport=NAT_PORT, flags="A"), src="203.0.113.12"),
               "drop_nat_unknown", note="from another backend"),
         drops(answer(TCP(sport=81, dport=NAT_PORT, flags="A")), "drop_nat_unknown",
               note="from another port"),
         drops(answer(UDP(sport=80, dport=NAT_PORT), load=b"answer"), "drop_nat_unknown",
               note="over another protocol"))
    case("nat-other-ports", "Ports of a NAT address beyond its range are the node's own", "nat",
         passes(answer(TCP(sport=80, dport=22, flags="S")), "pass_no_service"),
         passes(answer(TCP(sport=80, dport=2001, flags="A"), v6=True), "pass_no_service"))
    case("nat-forged-source", "Nobody sends from a NAT address", "nat",
         drops(IP(src=NAT, dst=VIP) / TCP(sport=PORT, dport=80, flags="S"), "drop_vip_source"))


def ports():
    """The setup has one port, so a second flow to the same backend finds none."""
    second = tcp("S", sport=PORT + 1)
    case("nat-exhausted", "When a backend's every port is taken by confirmed connections a new one "
         "is dropped", "nat",
         out(tcp("S"), "forward_new", 80),
         out(tcp("A"), "forward_known", 80, entry="confirmed"),
         drops(second, "drop_nat_ports"),
         out(tcp("A"), "forward_known", 80),
         out(tcp("S", 8080), "forward_new", 18080, note="another port of it is another way back"))
    case("nat-exhausted-6", "IPv6, the same", "nat",
         out(udp6(), "forward_new", 53),
         out(udp6(), "forward_known", 53),
         drops(udp6(sport=PORT + 1), "drop_nat_ports"))
    case("nat-port-taken-over", "A port of a flow with a single packet goes to one that wants it, and "
         "comes back", "nat",
         out(tcp("S"), "forward_new", 80),
         out(second, "forward_new", 80),
         back(answer(TCP(sport=80, dport=NAT_PORT, flags="SA")), 80, dport=PORT + 1),
         out(tcp("S"), "forward_first", 80),
         back(answer(TCP(sport=80, dport=NAT_PORT, flags="SA")), 80))
    case("nat-port-of-expired", "A port of an expired connection is free", "nat",
         out(tcp("S"), "forward_new", 80),
         out(tcp("A"), "forward_known", 80),
         out(second, "forward_new", 80, idle=3600))


def places():
    case("nat-hairpin", "A backend may be a client, of itself even", "nat",
         out(IP(src=ONE4, dst=VIP) / TCP(sport=PORT, dport=80, flags="S"), "forward_new", 80),
         back(answer(TCP(sport=80, dport=NAT_PORT, flags="SA")), 80, dst=ONE4, dmac=ONE),
         out(IPv6(src=ONE6, dst=VIP6) / TCP(sport=PORT, dport=80, flags="S"), "forward_new", 80),
         back(answer(TCP(sport=80, dport=NAT_PORT, flags="SA"), v6=True), 80, dst=ONE6, dmac=ONE))
    case("nat-two-armed", "A backend behind another interface, and answers from there", "nat",
         out(tcp("S", 8081), "forward_new", 8081, dst=FAR4, dmac=FAR, smac=OUT_MAC,
             verdict="REDIRECT"),
         back(answer(TCP(sport=8081, dport=NAT_PORT, flags="SA"), src=FAR4), 8081,
              verdict="REDIRECT", **{"from": "out0"}))
    case("nat-client-beyond", "A client behind another interface gets its answers there", "nat",
         out(IP(src=BEHIND, dst=VIP) / TCP(sport=PORT, dport=80, flags="S"), "forward_new", 80),
         back(answer(TCP(sport=80, dport=NAT_PORT, flags="SA")), 80, dst=BEHIND, dmac=BEHIND_MAC,
              smac=OUT_MAC, verdict="REDIRECT"))
    case("nat-no-route", "A client that the kernel has no route or no neighbour for gets no answer",
         "nat",
         out(IP(src="198.51.102.7", dst=VIP) / TCP(sport=PORT, dport=80, flags="S"),
             "forward_new", 80),
         drops(answer(TCP(sport=80, dport=NAT_PORT, flags="SA")), "drop_no_route"),
         out(IP(src="198.51.100.8", dst=VIP) / TCP(sport=PORT, dport=80, flags="S"),
             "forward_new", 80),
         drops(answer(TCP(sport=80, dport=NAT_PORT, flags="SA")), "drop_unresolved"))


def backends():
    case("nat-backend-gone", "A UDP flow whose backend is down moves to another, with a way back from "
         "there", "nat-pair",
         out(udp(), "forward_new", 53, changes=[("dns-two", "down")]),
         out(udp(), "forward_known", 53, news="yes"),
         out(udp(), "forward_repicked", 53, dst="203.0.113.12", dmac="02:00:00:00:bb:12",
             changes=[("dns-two", "up"), ("dns-one", "down")], news="yes"),
         back(answer(UDP(sport=53, dport=NAT_PORT), src="203.0.113.12", load=b"answer"), 53),
         drops(answer(UDP(sport=53, dport=NAT_PORT), load=b"late"), "drop_nat_unknown"))


def chapter():
    ways()
    checksums()
    headers()
    life()
    ports()
    places()
    backends()
