# SPDX-License-Identifier: GPL-2.0-or-later
"""Packets that do not fit the way to the backend with their tunnel's headers."""
from functools import partial

from scapy.all import Dot1AD, Dot1Q, IPOption_NOP

from casebook import (FAR, OUT_MAC, TUNNELS, case, drops, families, frame, readdress, step, tcp,
                      tcp6, through, to, too_big, tunnel6, udp, udp6)

BIG = b"x" * 1441  # of TCP over IPv4, one byte more than ipip has room for


def boundaries():
    for mode, more in TUNNELS.items():
        for kind, port, t, _, wrap in families(mode):
            name = kind if mode == "ipip" else f"{mode}-{kind}"
            fits = 1500 - more - (40 if kind.endswith("in6") else 20)
            load = b"x" * (fits - (60 if t is tcp6 else 40))
            case(f"too-big-{name}", f"{name}, a packet that fits the link exactly is sent, one "
                 "byte more is answered with the MTU", mode,
                 through(t("A", port, load=load), "forward_new", wrap=wrap),
                 too_big(t("A", port, load=load + b"x"), fits))


def answers():
    case("too-big-df", "Who allows fragments is told the MTU as well, as none are made here",
         "ipip",
         too_big(tcp("A", 8044, load=BIG, flags="DF"), 1480),
         too_big(tcp("A", 8044, load=BIG), 1480))
    case("too-big-udp", "A datagram that does not fit is answered, with an odd length too", "ipip",
         too_big(udp(8044, load=b"x" * 1453), 1480),
         too_big(udp(8044, load=b"x" * 1454), 1480),
         too_big(udp6(8066, load=b"x" * 1420), 1460))
    case("too-big-options", "An answer quotes the options of the packet", "ipip",
         too_big(tcp("A", 8044, load=BIG, options=[IPOption_NOP()] * 3), 1480))
    for name, tagged in (("one", lambda packet: Dot1Q(vlan=7, prio=5) / packet),
                         ("qinq", lambda packet: Dot1AD(vlan=100) / Dot1Q(vlan=7) / packet)):
        case(f"too-big-tags-{name}", f"An answer has the tags of the packet ({name})", "ipip",
             too_big(tagged(tcp("A", 8044, load=BIG)), 1480),
             too_big(tagged(tcp6("A", 8066, load=BIG)), 1460))


def no_answers():
    def sized(size):
        return tcp6("A", 8066, load=b"x" * (size - 60))
    case("too-big-1280", "Who sends IPv6 is never told less than 1280, and what is not longer is "
         "dropped", "narrow",
         through(sized(1260), "forward_new", wrap=partial(tunnel6, outer_dst="2001:db8:2::14")),
         drops(sized(1261), "drop_too_big"),
         drops(sized(1280), "drop_too_big"),
         too_big(sized(1281), 1280),
         too_big(tcp("A", 8044, load=b"x" * 1241), 1280))
    case("too-big-rate", "Answers are given up to the rate of icmp.rate", "answer-rate",
         too_big(tcp("A", 8044, load=BIG), 1480),
         drops(tcp("A", 8044, load=BIG), "drop_answer_limit"),
         drops(tcp6("A", 8066, load=BIG), "drop_answer_limit"),
         through(tcp("A", 8044), "forward_known", note="what fits is forwarded as ever"))


def as_it_came():
    """No tunnel, but an interface that is narrower than the one it came in by."""
    def redirected(packet, outcome, **more):
        raw = frame(packet, pad=False)
        return step(raw, "REDIRECT", outcome, readdress(raw, FAR, OUT_MAC), **more)

    for name, t, over in (("4", tcp, 40), ("6", tcp6, 60)):
        case(f"too-big-dsr-{name}", f"IPv{name} by dsr, what fits another interface exactly goes out "
             "there, of one byte more the VIP tells the client that interface's MTU",
             "beyond-narrow",
             redirected(t("A", load=b"x" * (1300 - over)), "forward_new"),
             too_big(t("A", load=b"x" * (1301 - over)), 1300, entry="confirmed"),
             redirected(t("A", load=b"x" * (1300 - over)), "forward_known"),
             too_big(Dot1Q(vlan=7) / t("A", load=b"x" * (1301 - over)), 1300, note="with a tag"))
    case("too-big-dsr-back", "What goes back out of the interface it came in by fits as it came",
         "dsr",
         to(tcp("A", load=b"x" * 1460), "forward_new"),
         to(tcp("A", load=b"x" * 1461), "forward_known"))


def chapter():
    as_it_came()
    boundaries()
    answers()
    no_answers()
