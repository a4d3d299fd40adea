# SPDX-License-Identifier: GPL-2.0-or-later
"""Tunnels: every mode, IPv4 and IPv6 in either; ipip's common cases are in basic.py."""
from functools import partial

from scapy.all import Dot1AD, Dot1Q

from casebook import (FAR4, FAR6, FAR, OUT_MAC, PORT, TUNNEL_MAC, case, families, frame, step, tcp,
                      tcp6, through, to, tunnel4, tunnel6, udp)

MODES = ("gue", "gre", "vxlan", "geneve")


def connections(mode):
    for kind, port, t, u, wrap in families(mode):
        send = partial(through, wrap=wrap)
        name = f"{mode}-{kind}"
        case(f"{name}-tcp", f"{name}, a SYN makes no entry, the next packet makes one, a third "
             "confirms it for the peers", mode,
             send(t("S", port), "forward_first", entry="none", news="no"),
             send(t("A", port), "forward_new", entry="unconfirmed", news="no"),
             send(t("PA", port, load=b"GET / HTTP/1.0\r\n\r\n"), "forward_known",
                  entry="confirmed", news="yes"),
             send(t("A", port), "forward_known", entry="confirmed", news="no"))
        case(f"{name}-udp", f"{name}, the first datagram makes an entry, the second confirms it",
             mode,
             send(u(port), "forward_new", entry="unconfirmed", news="no"),
             send(u(port), "forward_known", entry="confirmed", news="yes"))


def headers(mode):
    v44, v46, v64, v66 = (partial(through, wrap=way[4]) for way in families(mode))
    case(f"traffic-class-{mode}", f"{mode}, DSCP and ECN are copied to the outer header", mode,
         v44(tcp("A", 8044, tos=0xb9), "forward_new"),
         v46(tcp("A", 8046, tos=0x02), "forward_new"),
         v64(tcp6("A", 8064, tc=0xb9), "forward_new"),
         v66(tcp6("A", 8066, tc=0x03, fl=0xabcde), "forward_new"))
    case(f"dont-fragment-{mode}", f"{mode}, the outer header says don't fragment, whatever the "
         "packet says", mode,
         v44(tcp("A", 8044, flags="DF"), "forward_new"),
         v44(tcp("A", 8044, flags=0), "forward_known"))
    case(f"ttl-{mode}", f"{mode}, the inner TTL arrives as the client sent it", mode,
         v44(tcp("A", 8044, ttl=1), "forward_new"),
         v66(tcp6("A", 8066, hlim=1), "forward_new"))
    case(f"padding-{mode}", f"{mode}, padding of a short frame stays behind the packet and is not "
         "counted", mode,
         v44(frame(tcp("A", 8044)), "forward_new", note="60 bytes, 6 of them padding"),
         v44(frame(tcp("A", 8044), pad=False), "forward_known", note="54 bytes"),
         v44(frame(udp(8044, load=b"")), "forward_new", note="18 bytes of padding"))


def tags(mode):
    for name, tagged in (("one", lambda packet: Dot1Q(vlan=7, prio=5) / packet),
                         ("qinq", lambda packet: Dot1AD(vlan=100) / Dot1Q(vlan=7) / packet)):
        case(f"tags-{mode}-{name}", f"{mode}, a frame with tags ({name}) keeps them", mode,
             *[through(tagged(t("A", port)), "forward_new", wrap=wrap)
               for _, port, t, _, wrap in families(mode)])


def spreading():
    for name, kind in (("4", 0), ("6", 3)):
        _, port, t, _, wrap = families("gue")[kind]
        case(f"outer-port-{name}", f"gue over IPv{name}, two flows have two UDP source ports even "
             "from one source address, one flow keeps its own", "one-source",
             through(t("S", port), "forward_first", wrap=wrap),
             through(t("A", port), "forward_new", wrap=wrap, source="same"),
             through(t("A", port), "forward_known", wrap=wrap, source="same"),
             through(t("A", port, sport=PORT + 1), "forward_new", wrap=wrap, source="other"))


def renumbered(mode, number):
    """As tunnel4 with the ports, VNI and MAC address of setups/other-ports.yaml."""
    def wrap(raw):
        text = tunnel4(raw, mode=mode)
        port, vni = 2 * 36, 2 * (34 + 8 + 4)
        text = text[:port] + f"{number:04x}" + text[port + 4:]
        if mode == "gue":
            return text
        text = text[:vni] + "000001" + text[vni + 6:]
        return text.replace(TUNNEL_MAC.replace(":", ""), "02ffffffffff", 1)
    return wrap


def services():
    case("tunnel-modes", "Services of different modes stand side by side, one backend for all",
         "modes",
         to(tcp("A", 80), "forward_new"),
         *[through(tcp("A", port), "forward_new", wrap=partial(tunnel4, mode=mode))
           for port, mode in ((81, "ipip"), (82, "gue"), (83, "gre"), (84, "vxlan"),
                              (85, "geneve"))],
         to(tcp("A", 80), "forward_known"))
    case("tunnel-ports", "Ports, MAC address and VNI of tunnels are those of the config",
         "other-ports",
         *[through(tcp("A", port), "forward_new", wrap=renumbered(mode, number))
           for port, mode, number in ((82, "gue", 1), (84, "vxlan", 2), (85, "geneve", 65535))])
    raw4, raw6 = frame(tcp("A", 8044)), frame(tcp6("A", 8066))
    case("redirect-vxlan", "A backend behind vxlan and another interface gets its packets there",
         "beyond-vxlan",
         step(raw4, "REDIRECT", "forward_new", tunnel4(raw4, FAR4, FAR, OUT_MAC, "vxlan")),
         step(raw6, "REDIRECT", "forward_new", tunnel6(raw6, FAR6, FAR, OUT_MAC, "vxlan")))


def chapter():
    for mode in MODES:
        connections(mode)
        headers(mode)
        tags(mode)
    spreading()
    services()
