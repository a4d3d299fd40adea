# SPDX-License-Identifier: GPL-2.0-or-later
"""NAT: to the backend from a NAT address, and back to the client from the VIP."""
from scapy.all import (IP, TCP, UDP, Dot1Q, Ether, ICMP, IPOption_NOP, IPv6, IPv6ExtHdrDestOpt)

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


def chapter():
    ways()
