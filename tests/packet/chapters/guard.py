# SPDX-License-Identifier: GPL-2.0-or-later
"""The guard: allow and deny lists, and limits of sources and services."""
from scapy.all import IP, TCP, UDP, Dot1Q, IPv6

from casebook import (PORT, VIP, VIP6, case, drops, passes, tcp, tcp6, to, udp,
                      udp6)


def from4(source, bits="A", dport=80, sport=PORT):
    return IP(src=source, dst=VIP, id=7) / TCP(sport=sport, dport=dport, flags=bits)


def from6(source, bits="A", dport=80, sport=PORT):
    return IPv6(src=source, dst=VIP6) / TCP(sport=sport, dport=dport, flags=bits)


def dns4(source):
    return IP(src=source, dst=VIP, id=7) / UDP(sport=PORT, dport=53) / b"question"


def dns6(source):
    return IPv6(src=source, dst=VIP6) / UDP(sport=PORT, dport=53) / b"question"


def lists():
    case("guard-denied-4", "IPv4, who is on a deny list for all services reaches none of them",
         "guard-lists",
         drops(from4("198.51.100.64"), "drop_denied", entry="none", note="first of the prefix"),
         drops(from4("198.51.100.79", "S"), "drop_denied", note="last of the prefix"),
         to(from4("198.51.100.63"), "forward_new", note="one before"),
         to(from4("198.51.100.80"), "forward_new", note="one behind"),
         drops(dns4("198.51.100.70"), "drop_denied", note="denied wins over allowed"))
    case("guard-denied-6", "IPv6, who is on a deny list for all services reaches none of them",
         "guard-lists",
         drops(from6("2001:db8:bad::"), "drop_denied", entry="none"),
         drops(from6("2001:db8:bad:ffff:ffff:ffff:ffff:ffff", "S"), "drop_denied"),
         to(from6("2001:db8:bac:ffff:ffff:ffff:ffff:ffff"), "forward_new"),
         to(from6("2001:db8:bae::"), "forward_new"),
         drops(dns6("2001:db8:bad::1"), "drop_denied"))
    case("guard-denied-service", "A service's deny list holds at that service only", "guard-lists",
         drops(from4("198.51.100.128"), "drop_denied"),
         to(dns4("198.51.100.128"), "forward_new"),
         drops(from6("2001:db8:5c::1"), "drop_denied"),
         to(from6("2001:db8:5c:1::1"), "forward_new"))
    case("guard-not-allowed-4", "IPv4, a service with an allow list takes nobody else",
         "guard-lists",
         to(dns4("198.51.100.7"), "forward_new"),
         drops(dns4("198.51.101.7"), "drop_not_allowed"),
         to(from4("198.51.101.7"), "forward_new", note="the other service has no such list"))
    case("guard-not-allowed-6", "IPv6, a service with an allow list takes nobody else, to the bit",
         "guard-lists",
         to(dns6("2001:db8:f1c::7"), "forward_new"),
         drops(dns6("2001:db8:f1c::6"), "drop_not_allowed"),
         drops(dns6("2001:db8:f1c::8"), "drop_not_allowed"),
         to(from6("2001:db8:f1c::8"), "forward_new"))
    case("guard-others",
         "What is to no service is left to the kernel, whatever list its source is on",
         "guard-lists",
         passes(from4("198.51.100.64", "S", 22), "pass_no_service"),
         passes(from6("2001:db8:bad::1", "S", 22), "pass_no_service"),
         drops(Dot1Q(vlan=7) / from4("198.51.100.64"), "drop_denied", note="a tag hides nobody"))


def sources(setup, name, sentence):
    for family, t in (("4", from4), ("6", from6)):
        one, two = (("198.51.100.7", "198.51.100.8") if family == "4" else
                    ("2001:db8:c::7", "2001:db8:c:1::7"))
        case(f"{name}-packets-{family}", f"IPv{family}, {sentence} sends no more packets than it "
             "may, in the table or not", setup,
             to(t(one), "forward_new"),
             to(t(one), "forward_known"),
             to(t(one), "forward_known"),
             to(t(one), "forward_known"),
             drops(t(one), "drop_source_packets", entry="confirmed"),
             to(t(two, sport=PORT + 1), "forward_new", note="another source has its own limit"))
        case(f"{name}-new-{family}", f"IPv{family}, {sentence} opens no more connections than it "
             "may", setup,
             to(t(one, "S"), "forward_first"),
             to(t(one, "S", sport=PORT + 1), "forward_first"),
             drops(t(one, "S", sport=PORT + 2), "drop_source_new"),
             to(t(one), "forward_new", note="entries are counted apart from SYNs"),
             to(t(two, "S"), "forward_first"))


def services():
    case("guard-service-packets", "A service gets no more packets than it may, whoever sends them",
         "guard-service",
         to(from4("198.51.100.7"), "forward_new"),
         to(from4("198.51.100.8", sport=PORT + 1), "forward_new"),
         to(from4("198.51.100.7"), "forward_known"),
         to(from4("198.51.100.7"), "forward_known"),
         drops(from4("198.51.100.9"), "drop_service_packets"),
         drops(from4("198.51.100.7"), "drop_service_packets"),
         to(udp(), "forward_new", note="the other service has its own limit"),
         to(tcp6("A"), "forward_new"))
    case("guard-service-new", "Known connections go on when a service takes no new ones",
         "guard-new",
         to(tcp("A"), "forward_new"),
         to(tcp("A", sport=PORT + 1), "forward_new"),
         drops(tcp("A", sport=PORT + 2), "drop_service_new", entry="several"),
         to(tcp("A"), "forward_known"),
         to(tcp("A", sport=PORT + 1), "forward_known"),
         to(tcp("S", sport=PORT + 3), "forward_first", note="SYNs are counted apart"),
         to(tcp("S", sport=PORT + 4), "forward_first"),
         drops(tcp("S", sport=PORT + 5), "drop_service_new"),
         to(tcp("A"), "forward_known"),
         to(tcp("FA", sport=PORT + 6), "forward_untracked", note="what makes no entry is not new"))
    case("guard-service-new-udp", "A new UDP flow is its first datagram", "guard-new",
         to(udp6(), "forward_new"),
         to(udp6(sport=PORT + 1), "forward_new"),
         drops(udp6(sport=PORT + 2), "drop_service_new"),
         to(udp6(), "forward_known"))


def chapter():
    lists()
    sources("guard-source", "guard-source", "a source")
    sources("guard-service-source", "guard-at-service", "a source at a service")
    services()
    case("guard-source-prefix", "A source is as many bits of its address as the config says",
         "guard-source-prefix",
         to(from4("198.51.100.7"), "forward_new"),
         to(from4("198.51.100.8", sport=PORT + 1), "forward_new"),
         drops(from4("198.51.100.9"), "drop_source_packets"),
         to(from4("198.51.101.9"), "forward_new"),
         to(from6("2001:db8:c::7"), "forward_new"),
         to(from6("2001:db8:c:1::8"), "forward_new"),
         drops(from6("2001:db8:c:ffff::9"), "drop_source_packets"),
         to(from6("2001:db8:d::9"), "forward_new"))
