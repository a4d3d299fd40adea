# SPDX-License-Identifier: GPL-2.0-or-later
"""Forwarding, connections, services, headers, sizes, backends."""
from scapy.all import (ARP, ICMP, ICMPv6EchoRequest, ICMPv6ND_NS, IP, IPOption_NOP, IPv6,
                       Raw, TCP, UDP)
from scapy.contrib.mpls import MPLS
from scapy.layers.vrrp import VRRPv3

from casebook import (CLIENT, CLIENT6, FAR, FAR4, FAR6, ONE, OUT_MAC, PORT, TWO, VIP, VIP6, case,
                      drops, frame, passes, readdress, step, tcp, tcp6, through, to, tunnel4,
                      tunnel6, udp, udp6)


def forwarding():
    """Each way of forwarding: the life of a TCP connection, and of a UDP flow."""
    ways = [
        ("dsr4", "dsr", tcp, udp, 80, 53, to),
        ("dsr6", "dsr", tcp6, udp6, 80, 53, to),
        ("4in4", "ipip", tcp, udp, 8044, 8044, through),
        ("4in6", "ipip", tcp, udp, 8046, 8046,
         lambda *a, **k: through(*a, wrap=tunnel6, **k)),
        ("6in4", "ipip", tcp6, udp6, 8064, 8064, through),
        ("6in6", "ipip", tcp6, udp6, 8066, 8066,
         lambda *a, **k: through(*a, wrap=tunnel6, **k)),
    ]
    for name, setup, t, u, tport, uport, send in ways:
        case(f"{name}-tcp", f"{name}, a SYN makes no entry, the next packet makes one, a third "
             "confirms it for the peers", setup,
             send(t("S", tport), "forward_first", entry="none", news="no"),
             send(t("A", tport), "forward_new", entry="unconfirmed", news="no"),
             send(t("PA", tport, load=b"GET / HTTP/1.0\r\n\r\n"), "forward_known",
                  entry="confirmed", news="yes"),
             send(t("A", tport), "forward_known", entry="confirmed", news="no"))
        case(f"{name}-udp", f"{name}, the first datagram makes an entry, the second confirms it",
             setup,
             send(u(uport), "forward_new", entry="unconfirmed", news="no"),
             send(u(uport), "forward_known", entry="confirmed", news="yes"))


def connections():
    for name, t in (("4", tcp), ("6", tcp6)):
        case(f"fin-{name}", f"IPv{name}, a FIN of a known connection marks it as closing", "dsr",
             to(t("A"), "forward_new"),
             to(t("A"), "forward_known", entry="confirmed"),
             to(t("FA"), "forward_known", entry="closing", news="yes"),
             to(t("A"), "forward_known", entry="closing", news="no"))
        case(f"rst-{name}", f"IPv{name}, an RST of a known connection ends it, and a packet behind it, "
             "if it wasn't the client's, brings it back", "dsr",
             to(t("A"), "forward_new"),
             to(t("A"), "forward_known", entry="confirmed"),
             to(t("R"), "forward_known", entry="reset", news="yes"),
             to(t("A"), "forward_known", entry="closing", news="yes"))
        case(f"half-closed-{name}", f"IPv{name}, after its FIN a client may go on reading for as "
             "long as it sends ACKs", "dsr",
             to(t("A"), "forward_new"),
             to(t("FA"), "forward_known", entry="closing"),
             *[to(t("A"), "forward_known", idle=25, entry="closing") for _ in range(4)],
             to(t("S", sport=PORT + 1), "forward_first", idle=32, entry="expired"))
        case(f"fin-unknown-{name}", f"IPv{name}, a FIN or RST that no entry knows makes none",
             "dsr",
             to(t("FA"), "forward_untracked", entry="none"),
             to(t("R"), "forward_untracked", entry="none"))
    case("syn-retransmitted", "A SYN of a live connection is forwarded and leaves its entry alone",
         "dsr",
         to(tcp("A"), "forward_new"),
         to(tcp("A"), "forward_known", entry="confirmed"),
         to(tcp("S"), "forward_first", entry="confirmed", news="no"))
    case("syn-reopens", "A SYN on a closing entry starts a new connection, unconfirmed", "dsr",
         to(tcp("A"), "forward_new"),
         to(tcp("FA"), "forward_known", entry="closing"),
         to(tcp("S"), "forward_first", entry="unconfirmed"),
         to(tcp("A"), "forward_known", entry="confirmed", news="yes"))
    case("syn-on-expired", "A SYN on an expired entry starts a new connection", "dsr",
         to(tcp("A"), "forward_new"),
         to(tcp("A"), "forward_known", entry="confirmed"),
         to(tcp("S"), "forward_first", idle=3600, entry="unconfirmed"))
    case("expired-goes-on", "A packet after the timeout still finds its entry while nobody took it",
         "dsr",
         to(tcp("A"), "forward_new"),
         to(tcp("A"), "forward_known", entry="confirmed"),
         to(tcp("A"), "forward_known", idle=3600, entry="confirmed"))
    case("refresh", "A live connection is told to the peers again after a while", "dsr",
         to(tcp("A"), "forward_new"),
         to(tcp("A"), "forward_known", news="yes"),
         to(tcp("A"), "forward_known", news="no"),
         to(tcp("A"), "forward_known", idle=120, news="yes"))
    case("two-ports-two-flows", "Another client port is another connection", "dsr",
         to(tcp("A"), "forward_new", entry="unconfirmed"),
         to(tcp("A", sport=PORT + 1), "forward_new", entry="several"))
    case("tcp-and-udp-apart", "The same ports over TCP and UDP are two connections", "ipip",
         through(tcp("A", 8044), "forward_new", entry="unconfirmed"),
         through(udp(8044), "forward_new", entry="several"))


def services():
    case("any-port-4", "A service of any port takes every port that no other service has",
         "any-port",
         to(tcp("S", 22), "forward_first"),
         to(tcp("A", 65535), "forward_new"),
         to(tcp("A", 65535), "forward_known"),
         to(tcp("S", 80), "forward_first", dmac=TWO, note="port 80 has its own service"))
    case("any-port-flows", "The same client port to two ports of a service is two connections",
         "any-port",
         to(tcp("A", 1000), "forward_new", entry="unconfirmed"),
         to(tcp("A", 1001), "forward_new", entry="several"))
    case("any-port-6", "A service of any port is of its protocol only", "any-port",
         to(udp6(1), "forward_new"),
         passes(tcp6("S", 1), "pass_no_service"),
         passes(udp(1), "pass_no_service"))
    case("pass-other-port", "ssh and other ports of the VIP are left to the kernel", "dsr",
         passes(tcp("S", 22), "pass_no_service"),
         passes(tcp6("S", 22), "pass_no_service"),
         passes(udp(80), "pass_no_service"),
         passes(tcp("S", 53), "pass_no_service"))
    case("pass-other-address", "Traffic to other addresses is left to the kernel", "dsr",
         passes(IP(src=CLIENT, dst="192.0.2.2") / TCP(dport=80), "pass_no_service"),
         passes(IPv6(src=CLIENT6, dst="2001:db8:1::2") / TCP(dport=80), "pass_no_service"))
    case("pass-other-host", "Frames for another host's MAC address are left to the kernel", "dsr",
         passes(frame(tcp("S"), dmac="02:00:00:00:aa:77"), "pass_other_host"),
         passes(frame(tcp6("S"), dmac="02:00:00:00:ab:01"), "pass_other_host"),
         passes(frame(udp(), dmac="ff:ff:ff:ff:ff:ff"), "pass_other_host"),
         passes(frame(tcp("S"), dmac="01:00:5e:00:00:12"), "pass_other_host"))
    case("virtual-mac", "Frames for VRRP's virtual MAC address are ours", "dsr",
         to(frame(tcp("S"), dmac="00:00:5e:00:01:33"), "forward_first"),
         to(frame(tcp6("S"), dmac="00:00:5e:00:02:33"), "forward_first"))
    case("pass-reply-direction", "Packets from a VIP are not for it", "dsr",
         passes(IP(src=VIP, dst=CLIENT) / TCP(sport=80, dport=PORT, flags="SA"),
                "pass_no_service"))
    mapped = "::ffff:" + VIP
    case("pass-mapped", "An IPv4-mapped destination in IPv6 is not the IPv4 service", "dsr",
         passes(IPv6(src="2001:db8::1", dst=mapped) / TCP(sport=PORT, dport=80, flags="A"),
                "pass_no_service"))


def others():
    case("pass-arp", "ARP is left to the kernel", "dsr",
         passes(ARP(op="who-has", psrc=CLIENT, pdst=VIP), "pass_not_ip"))
    case("pass-other-ethertypes", "MPLS and unknown ethertypes are left to the kernel", "dsr",
         passes(MPLS(label=7) / tcp("S"), "pass_not_ip"),
         passes(frame(Raw(bytes(46)))[:12] + b"\x88\xcc" + bytes(46), "pass_not_ip"))
    case("pass-nd", "Neighbour discovery for the VIP is left to the kernel", "dsr",
         passes(IPv6(src=CLIENT6, dst="ff02::1:ff00:1", hlim=255) / ICMPv6ND_NS(tgt=VIP6),
                "pass_not_l4"))
    case("pass-vrrp", "VRRP is left to the kernel", "dsr",
         passes(IP(src="192.0.2.250", dst="224.0.0.18", ttl=255) /
                VRRPv3(vrid=7, priority=100, addrlist=[VIP]), "pass_not_l4"))
    case("pass-tunnelled", "A packet that arrives in a tunnel is left to the kernel", "ipip",
         passes(IP(src=CLIENT, dst=VIP, proto=4) / tcp("S", 8044), "pass_not_l4"))


def headers():
    nops = [IPOption_NOP()] * 3
    for length, options in ((24, nops), (60, [IPOption_NOP()] * 40)):
        case(f"options-dsr-{length}", f"IP options, a header of {length} bytes, do not hide the "
             "ports", "dsr",
             to(tcp("S", options=options), "forward_first"),
             to(tcp("A", options=options), "forward_new"),
             to(tcp("A"), "forward_known", note="the same flow without options"))
    case("options-ipip", "A packet with IP options is tunnelled whole", "ipip",
         through(tcp("A", 8044, options=nops), "forward_new"))
    case("traffic-class", "DSCP and ECN are copied to the outer header", "ipip",
         through(tcp("A", 8044, tos=0xb9), "forward_new"),
         through(tcp("A", 8046, tos=0x02), "forward_new", wrap=tunnel6),
         through(tcp6("A", 8064, tc=0xb9), "forward_new"),
         through(tcp6("A", 8066, tc=0x03, fl=0xabcde), "forward_new", wrap=tunnel6))
    case("dont-fragment", "The outer header says don't fragment, whatever the packet says", "ipip",
         through(tcp("A", 8044, flags="DF"), "forward_new"),
         through(tcp("A", 8044, flags=0), "forward_known"))
    case("ttl", "The inner TTL arrives as the client sent it", "ipip",
         through(tcp("A", 8044, ttl=1), "forward_new"),
         through(tcp6("A", 8064, hlim=1), "forward_new"))
    case("padding", "Padding of a short frame stays behind the packet and is not counted", "ipip",
         through(frame(tcp("A", 8044)), "forward_new", note="60 bytes, 6 of them padding"),
         through(frame(tcp("A", 8044), pad=False), "forward_known", note="54 bytes"),
         through(frame(udp(8044, load=b"")), "forward_new", note="18 bytes of padding"))
    case("padding-dsr", "Padding of a short frame is left as it is", "dsr",
         to(frame(tcp("A")), "forward_new"),
         to(frame(tcp("A"), pad=False), "forward_known"),
         to(frame(udp(load=b""), pad=False), "forward_new"))



def sizes():
    case("dsr-full-size", "Without a tunnel a full-sized packet fits", "dsr",
         to(tcp("A", load=b"x" * 1460), "forward_new"),
         to(tcp6("A", load=b"x" * 1440), "forward_new"))


def backends():
    only_one = [("two", "down"), ("dns-two", "down"), ("two6", "down")]
    case("no-backend", "With every backend down new connections are dropped", "dsr",
         drops(tcp("S"), "drop_no_backend", changes=[("one", "down")], entry="none"),
         drops(tcp("A"), "drop_no_backend", entry="none"),
         to(tcp("S"), "forward_first", changes=[("one", "up")]))
    case("unresolved", "A backend whose MAC address is not known gets nothing", "dsr",
         to(tcp("A"), "forward_new"),
         drops(tcp("A"), "drop_unresolved", changes=[("one", "unresolved")]),
         drops(tcp("S", sport=PORT + 1), "drop_no_backend", note="new ones are not sent to it"))
    case("unresolved-other", "New connections go to a backend whose MAC address is known", "pair",
         to(tcp("S"), "forward_first", dmac=TWO, changes=[("one", "unresolved")]),
         to(tcp6("S"), "forward_first", dmac=TWO, changes=[("one6", "unresolved")]))
    for name, t, one, two in (("4", tcp, "one", "two"), ("6", tcp6, "one6", "two6")):
        first = dict(changes=only_one)
        case(f"gone-{name}", f"IPv{name}, a connection whose backend was removed is picked again "
             "and told to the peers", "pair",
             to(t("A"), "forward_new", **first),
             to(t("A"), "forward_known", entry="confirmed"),
             to(t("A"), "forward_repicked", dmac=TWO, changes=[(one, "gone"), (two, "up")],
                entry="confirmed", news="yes"),
             to(t("A"), "forward_known", dmac=TWO))
        case(f"draining-{name}", f"IPv{name}, a draining backend keeps its connections and gets no "
             "new ones", "pair",
             to(t("A"), "forward_new", **first),
             to(t("A"), "forward_known", changes=[(one, "draining"), (two, "up")]),
             to(t("S", sport=PORT + 1), "forward_first", dmac=TWO),
             to(t("A", sport=PORT + 1), "forward_new", dmac=TWO),
             to(t("A"), "forward_known", entry="several"))
        case(f"down-tcp-{name}", f"IPv{name}, a TCP connection stays with a backend that is called "
             "down, new ones do not go there", "pair",
             to(t("A"), "forward_new", **first),
             to(t("A"), "forward_known", changes=[(one, "down"), (two, "up")]),
             to(t("S", sport=PORT + 1), "forward_first", dmac=TWO))
    case("down-udp", "A UDP flow leaves a backend that is called down", "pair",
         to(udp(), "forward_new", changes=only_one),
         to(udp(), "forward_known"),
         to(udp(), "forward_repicked", dmac=TWO, changes=[("dns-one", "down"), ("dns-two", "up")],
            news="yes"),
         to(udp(), "forward_known", dmac=TWO))
    case("draining-udp", "A UDP flow stays with a draining backend", "pair",
         to(udp(), "forward_new", changes=only_one),
         to(udp(), "forward_known", changes=[("dns-one", "draining"), ("dns-two", "up")]))
    case("gone-no-other", "A connection whose backend was removed is dropped if there is no other",
         "dsr",
         to(tcp("A"), "forward_new"),
         drops(tcp("A"), "drop_no_backend", changes=[("one", "gone")]))


def ways_out():
    def redirected(packet, outcome, wrap):
        raw = frame(packet)
        return step(raw, "REDIRECT", outcome, wrap(raw))

    case("redirect-dsr", "A backend behind another interface gets its packets there", "beyond",
         redirected(tcp("S"), "forward_first", lambda raw: readdress(raw, FAR, OUT_MAC)),
         redirected(tcp("A"), "forward_new", lambda raw: readdress(raw, FAR, OUT_MAC)))
    case("redirect-ipip", "So does one behind a tunnel and another interface", "beyond",
         redirected(tcp("S", 8044), "forward_first",
                    lambda raw: tunnel4(raw, FAR4, FAR, OUT_MAC)),
         redirected(tcp6("S", 8066), "forward_first",
                    lambda raw: tunnel6(raw, FAR6, FAR, OUT_MAC)))
    raw = frame(tcp("S"))
    case("tx-same-interface", "A packet that came from the backend's own interface goes back there",
         "beyond",
         dict(step(raw, "TX", "forward_first", readdress(raw, FAR, OUT_MAC)), **{"from": "out0"}))


def spreading():
    case("outer-source-4", "4in4, two flows have two outer sources, one flow keeps its own", "ipip",
         through(tcp("S", 8044), "forward_first"),
         through(tcp("A", 8044), "forward_new", source="same"),
         through(tcp("A", 8044), "forward_known", source="same"),
         through(tcp("A", 8044, sport=PORT + 1), "forward_new", source="other"))
    case("outer-source-6", "6in6, two flows have two outer sources, one flow keeps its own", "ipip",
         through(tcp6("S", 8066), "forward_first", wrap=tunnel6),
         through(tcp6("A", 8066), "forward_new", wrap=tunnel6, source="same"),
         through(tcp6("A", 8066, sport=PORT + 1), "forward_new", wrap=tunnel6, source="other"))


def chapter():
    for part in (forwarding, connections, services, others, headers, sizes, backends,
                 ways_out, spreading):
        part()
