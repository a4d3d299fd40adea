# SPDX-License-Identifier: GPL-2.0-or-later
"""The guard asks everybody: pings, ICMP errors and fragments too."""
from scapy.all import (ICMP, IP, UDP, Dot1Q, ICMPv6EchoRequest, ICMPv6PacketTooBig, IPv6,
                       IPv6ExtHdrFragment, Raw)

from casebook import PORT, VIP, VIP6, case, drops, passes, to
from chapters.fragments import pieces4, pieces6
from chapters.icmp import answer4, answer6, answered

DATA = b"0123456789abcdef" * 20


def ping4(source, load=b"", dest=VIP):
    return IP(src=source, dst=dest, id=7) / ICMP(id=9, seq=3) / load


def ping6(source, load=b"", dest=VIP6):
    return IPv6(src=source, dst=dest) / ICMPv6EchoRequest(id=9, seq=3, data=load)


def pinged4(source):
    return answered(ping4(source), IP(src=VIP, dst=source, id=7, ttl=64) /
                    ICMP(type=0, id=9, seq=3))


def pinged6(source):
    reply = ICMPv6EchoRequest(type=129, id=9, seq=3)
    return answered(ping6(source), IPv6(src=VIP6, dst=source, hlim=64) / reply)


def error4(source, sport=80, proto=None, dport=PORT):
    quote = answer4(sport, dport, **({"proto": proto} if proto else {}))
    return IP(src=source, dst=VIP, id=7) / ICMP(type=3, code=4, nexthopmtu=1400) / Raw(
        bytes(quote)[:28])


def error6(source, sport=80, proto=None, dport=PORT):
    quote = answer6(sport, dport, **({"proto": proto} if proto else {}))
    return IPv6(src=source, dst=VIP6) / ICMPv6PacketTooBig() / Raw(bytes(quote)[:48])


def later4(source, ident=7, proto=17):
    return IP(src=source, dst=VIP, id=ident, proto=proto, frag=8) / (b"x" * 64)


def later6(source, ident=7, proto=17):
    return IPv6(src=source, dst=VIP6) / IPv6ExtHdrFragment(nh=proto, offset=8, id=ident) / (
        b"x" * 64)


FAMILIES = (
    dict(name="4", ping=ping4, pinged=pinged4, error=error4, later=later4, pieces=pieces4,
         good="198.51.100.7", other="198.51.101.7", bad="198.51.100.64", scraper="198.51.100.128",
         martian="127.0.0.1", vip=VIP,
         whole=lambda source: IP(src=source, dst=VIP, id=7) / UDP(sport=PORT, dport=53) / DATA),
    dict(name="6", ping=ping6, pinged=pinged6, error=error6, later=later6, pieces=pieces6,
         good="2001:db8:f1c::7", other="2001:db8:f1c::8", bad="2001:db8:bad::1",
         scraper="2001:db8:5c::1", martian="::1", vip=VIP6,
         whole=lambda source: IPv6(src=source, dst=VIP6) / UDP(sport=PORT, dport=53) / DATA))


def lists(f):
    name, ping, error, later = f["name"], f["ping"], f["error"], f["later"]
    case(f"guard-ping-{name}", f"IPv{name}, who is on a deny list for all services gets no answer "
         "to a ping; lists of one service don't count", "guard-lists",
         drops(ping(f["bad"]), "drop_denied"),
         drops(Dot1Q(vlan=7) / ping(f["bad"]), "drop_denied"),
         f["pinged"](f["good"]), f["pinged"](f["scraper"]), f["pinged"](f["other"]))
    case(f"guard-error-{name}", f"IPv{name}, an ICMP error of a denied source reaches no backend, "
         "whoever it is about", "guard-lists",
         drops(error(f["bad"]), "drop_denied"),
         drops(error(f["scraper"]), "drop_denied", note="of web's own list"),
         to(error(f["scraper"], 53, UDP), "forward_icmp", note="which isn't dns's"),
         to(error(f["other"], 53, UDP), "forward_icmp",
            note="dns allows others only, but this is no client of it"),
         to(error(f["good"]), "forward_icmp"),
         passes(error(f["bad"], 22), "pass_no_service"))
    case(f"error-source-{name}", f"IPv{name}, an ICMP error comes from no martian, and not from a "
         "VIP", "dsr",
         drops(error(f["martian"]), "drop_martian"),
         drops(error(f["vip"]), "drop_vip_source"),
         to(error(f["good"]), "forward_icmp"))
    case(f"fragment-source-{name}", f"IPv{name}, nobody waits for the first fragment of a martian, "
         "or of a VIP", "dsr",
         drops(later(f["martian"]), "drop_martian"),
         drops(later(f["vip"]), "drop_vip_source"),
         drops(later(f["good"]), "drop_fragment"),
         passes(later(f["martian"], proto=58 if name == "6" else 1), "pass_not_l4",
                note="nor does lbd look at those that are the kernel's"))
    first, second, *_ = f["pieces"](f["whole"](f["good"]))
    denied, denied_later, *_ = f["pieces"](f["whole"](f["bad"]))
    case(f"guard-fragment-{name}", f"IPv{name}, nor of who is on a deny list for all services",
         "guard-lists",
         drops(denied, "drop_denied"),
         drops(denied_later, "drop_denied"),
         drops(later(f["scraper"]), "drop_fragment", note="its service isn't known"),
         to(first, "forward_new"),
         to(second, "forward_fragment"))


def limits(f):
    name, error, one = f["name"], f["error"], f["good"]
    two = "198.51.100.9" if name == "4" else "2001:db8:9::9"
    case(f"guard-ping-limit-{name}", f"IPv{name}, pings are packets of their source", "guard-source",
         *[f["pinged"](one) for _ in range(4)],
         drops(f["ping"](one), "drop_source_packets"),
         drops(error(one), "drop_source_packets"),
         f["pinged"](two))
    case(f"guard-error-limit-{name}", f"IPv{name}, ICMP errors are packets of their source",
         "guard-service-source",
         *[to(error(one, dport=PORT + i), "forward_icmp") for i in range(4)],
         drops(error(one), "drop_source_packets"),
         to(error(one, 53, UDP), "forward_icmp", note="at another service it has another limit"),
         to(error(two), "forward_icmp"))
    case(f"guard-error-service-{name}", f"IPv{name}, and of the service whose packet they quote",
         "guard-service",
         *[to(error(one), "forward_icmp") for _ in range(2)],
         *[to(error(two), "forward_icmp") for _ in range(2)],
         drops(error(one), "drop_service_packets"),
         to(error(one, 53, UDP), "forward_icmp"))
    first, second, *_ = f["pieces"](f["whole"](one))
    case(f"guard-fragment-limit-{name}", f"IPv{name}, every fragment is a packet", "guard-source",
         to(first, "forward_new"),
         *[to(second, "forward_fragment") for _ in range(3)],
         drops(second, "drop_source_packets"))
    case(f"guard-fragment-service-{name}", f"IPv{name}, also of its service", "guard-service",
         to(first, "forward_new"),
         *[to(second, "forward_fragment") for _ in range(3)],
         drops(second, "drop_service_packets"),
         drops(f["later"](one, 8), "drop_fragment", note="of no known service"))


def chapter():
    for family in FAMILIES:
        lists(family)
        limits(family)
