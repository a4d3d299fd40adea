# SPDX-License-Identifier: GPL-2.0-or-later
"""QUIC: connection ids that name the backend, draft-ietf-quic-load-balancers-21 in plaintext."""
from scapy.all import IP, UDP, Dot1Q, IPOption_NOP, IPv6, IPv6ExtHdrHopByHop

from casebook import (CLIENT, CLIENT6, ONE, PORT, TWO, VIP, VIP6, case, drops, frame, tcp, through,
                      to, udp)

SID_ONE, SID_TWO, SID_NOBODY = "c4605e", "0a0b0c", "ffeedd"
NEW_ONE, NEW_TWO = "350d28b420", "1122334455"
LONG_ONE = "0102030405060708090a0b0c0d0e0f"
REST = bytes(range(0x80, 0xa8))  # packet number and payload, protected


def cid(config, server, nonce="4504cc4f"):
    """Section 5.2: three bits of config id, the length of what follows, server id, nonce."""
    body = bytes.fromhex(server + nonce)
    return bytes([config << 5 | len(body)]) + body


# Appendix B.1. The draft's second line lacks a digit of the nonce and the length it encodes.
assert cid(0, "c4605e", "4504cc4f").hex() == "07c4605e4504cc4f"
assert cid(1, "350d28b420", "3487d9700b").hex() == "2a350d28b4203487d9700b"


def old(server):
    return cid(0, server)


def new(server):
    return cid(1, server, "3487d9700b")


def short(dcid, rest=REST):
    """RFC 8999, 5.2."""
    return b"\x41" + dcid + rest


def long(dcid, version=1, first=0xc0, rest=REST, length=None):
    """RFC 8999, 5.1; the source connection id is empty."""
    length = len(dcid) if length is None else length
    return bytes([first]) + version.to_bytes(4, "big") + bytes([length]) + dcid + b"\0" + rest


def q4(load, sport=PORT, src=CLIENT, **ip):
    return IP(src=src, dst=VIP, id=7, **ip) / UDP(sport=sport, dport=443) / load


def q6(load, sport=PORT, src=CLIENT6, **ip):
    return IPv6(src=src, dst=VIP6, **ip) / UDP(sport=sport, dport=443) / load


def routable():
    for v, q, elsewhere in (("4", q4, "203.0.113.200"), ("6", q6, "2001:db8:c::200")):
        for kind, make in (("short", short), ("long", long)):
            case(f"quic-{kind}-{v}", f"IPv{v}, a {kind} header goes to the backend that its "
                 "connection id names, whatever Maglev would pick", "quic",
                 *[to(q(make(old(sid)), sport=PORT + i), "forward_quic", dmac=mac)
                   for i in range(4) for sid, mac in ((SID_ONE, ONE), (SID_TWO, TWO))])
            case(f"quic-{kind}-entry-{v}", f"IPv{v}, a {kind} header enters its flow in the table "
                 "like any datagram", "quic",
                 to(q(make(old(SID_TWO))), "forward_quic", dmac=TWO, entry="unconfirmed",
                    news="no"),
                 to(q(make(old(SID_TWO))), "forward_quic", dmac=TWO, entry="confirmed",
                    news="yes"),
                 to(q(make(old(SID_TWO))), "forward_quic", dmac=TWO, entry="confirmed", news="no"))
        case(f"quic-migration-{v}", f"IPv{v}, a connection keeps its backend when the client's port "
             "and then its address change", "quic",
             to(q(short(old(SID_TWO))), "forward_quic", dmac=TWO),
             *[to(q(short(old(SID_TWO)), sport=PORT + i), "forward_quic", dmac=TWO)
               for i in range(1, 9)],
             to(q(short(old(SID_TWO)), src=elsewhere), "forward_quic", dmac=TWO),
             to(q(short(old(SID_TWO)), src=elsewhere, sport=1), "forward_quic", dmac=TWO))
        two = "two" if v == "4" else "two6"
        one = "one" if v == "4" else "one6"
        case(f"quic-follows-{v}", f"IPv{v}, after a migration packets that name nobody follow those "
             "that do", "quic",
             to(q(long(old(SID_NOBODY))), "forward_new", changes=[(two, "down")]),
             to(q(short(old(SID_TWO)), sport=1), "forward_quic", dmac=TWO,
                changes=[(two, "up"), (one, "draining")]),
             to(q(short(cid(7, SID_ONE)), sport=1), "forward_known", dmac=TWO, entry="several"))
        case(f"quic-over-table-{v}", f"IPv{v}, the connection id wins over the table, and the table "
             "learns from it", "quic",
             to(q(long(old(SID_NOBODY))), "forward_new", changes=[(two, "down")]),
             to(q(long(old(SID_NOBODY))), "forward_known", entry="confirmed"),
             to(q(short(old(SID_TWO))), "forward_quic", dmac=TWO, changes=[(two, "up")],
                entry="confirmed", news="yes"),
             to(q(long(old(SID_NOBODY))), "forward_known", dmac=TWO, entry="confirmed"))


def life():
    case("quic-life", "A connection from its first packet on, with a connection id of the client, then of "
         "the server, then from a new address", "quic",
         to(q4(long(bytes.fromhex("0911223344556677"))), "forward_new", changes=[("two", "down")],
            note="Initial"),
         to(q4(long(bytes.fromhex("0911223344556677"), first=0xd0)), "forward_known",
            changes=[("two", "up")], note="0-RTT"),
         to(q4(long(old(SID_ONE), first=0xe0)), "forward_quic", note="Handshake"),
         to(q4(short(old(SID_ONE))), "forward_quic"),
         to(q4(short(cid(0, SID_ONE, "99887766")), sport=999), "forward_quic",
            note="migrated, under another connection id of the same server"))
    case("quic-rotation", "Two configs hold at once, each with its own length of server ids", "quic",
         to(q4(short(old(SID_ONE))), "forward_quic"),
         to(q4(short(new(NEW_ONE))), "forward_quic"),
         to(q4(long(new(NEW_TWO)), sport=1), "forward_quic", dmac=TWO),
         to(q4(long(old(SID_TWO)), sport=1), "forward_quic", dmac=TWO),
         to(q6(short(new(NEW_TWO))), "forward_quic", dmac=TWO),
         to(q4(short(cid(6, LONG_ONE)), sport=2), "forward_quic", note="15 octets"),
         to(q4(long(cid(6, LONG_ONE)), sport=3), "forward_quic"))
    case("quic-versions", "Only what is the same in all versions of QUIC is looked at", "quic",
         *[to(q4(long(old(SID_TWO), version=version, first=first), sport=PORT + i), "forward_quic",
              dmac=TWO)
           for i, (version, first) in enumerate(((0, 0x80), (1, 0xff), (0x6b3343cf, 0xc0),
                                                 (0xfaceb00c, 0x80), (0xffffffff, 0xbf)))],
         *[to(q4(bytes([first]) + old(SID_TWO) + REST, sport=first), "forward_quic", dmac=TWO)
           for first in (0x00, 0x40, 0x7f)])


def unroutable():
    only_one = dict(changes=[("two", "down")])

    def falls_back(name, sentence, *loads):
        first, *more = loads
        case(name, sentence, "quic",
             to(q4(first[1], sport=PORT), "forward_new", note=first[0], entry="unconfirmed",
                **only_one),
             to(q4(first[1], sport=PORT), "forward_known", entry="confirmed"),
             *[to(q4(load, sport=PORT + i), "forward_new", note=note)
               for i, (note, load) in enumerate(more, 1)])

    falls_back("quic-unknown", "A connection id of no config, of the reserved one, or of no server "
               "goes by table and Maglev",
               ("config 2, which there isn't", short(cid(2, SID_TWO))),
               ("the same in a long header", long(cid(2, SID_TWO))),
               ("0b111, which can't be routed", short(cid(7, SID_TWO))),
               ("0b111 in a long header", long(cid(7, SID_TWO))),
               ("no server of this id", short(old(SID_NOBODY))),
               ("no server of this id, long header", long(old(SID_NOBODY))),
               ("a server id of the other config", short(cid(1, SID_TWO + "0000", "3487d9700b"))),
               ("a server that has none in this config", short(cid(6, LONG_ONE[:-2] + "00"))))
    whole = old(SID_TWO)
    falls_back("quic-cut-short", "A connection id that is cut short goes by table and Maglev",
               ("nothing", b""),
               ("one octet", b"\x40"),
               ("a long header alone", b"\xc0\0\0\0\1"),
               *[(f"a short header and {size} octets of 8", short(whole[:size], rest=b""))
                 for size in range(1, 8)],
               *[(f"a long header that says {size} octets", long(whole[:size]))
                 for size in (0, 1, 4, 7)],
               ("a long header that says more than there is",
                b"\xc0\0\0\0\1" + bytes([len(whole)]) + whole[:-1]),
               ("a long header that says 255", long(whole, length=255)),
               ("19 octets of 20", short(cid(6, LONG_ONE)[:19], rest=b"")))
    case("quic-just-long-enough", "A connection id that ends with its packet is read", "quic",
         to(frame(q4(short(whole, rest=b"")), pad=False), "forward_quic", dmac=TWO),
         to(frame(q4(b"\xc0\0\0\0\1\x08" + whole), pad=False), "forward_quic", dmac=TWO),
         to(frame(q4(short(cid(6, LONG_ONE), rest=b""), sport=1), pad=False), "forward_quic"))
    case("quic-padding", "Padding of the frame is no connection id", "quic",
         to(frame(q4(b"\x40"), pad=False) + whole + b"\0" * 16, "forward_new", **only_one),
         to(frame(q4(b"\xc0\0\0\0\1\x08"), pad=False) + whole + b"\0" * 16, "forward_known"))
    case("quic-more-octets", "A server may append octets to its connection ids, also beyond the 20 "
         "of version 1", "quic",
         *[to(q4(long(whole + b"\x55" * more), sport=PORT + more), "forward_quic", dmac=TWO)
           for more in (1, 12, 13, 100)])
    case("quic-others", "What isn't a QUIC service is not looked at", "quic",
         to(udp(load=short(whole)), "forward_new", note="UDP without quic"),
         to(tcp("A", 443, load=short(whole)), "forward_new", note="TCP"))


def backends():
    case("quic-draining", "A draining backend keeps the connections that name it, also when they "
         "migrate", "quic",
         to(q4(short(old(SID_TWO))), "forward_quic", dmac=TWO, changes=[("two", "draining")]),
         to(q4(short(old(SID_TWO)), sport=1), "forward_quic", dmac=TWO),
         to(q4(long(old(SID_NOBODY)), sport=2), "forward_new", note="a new one goes elsewhere"))
    case("quic-down", "A connection that names a backend that is down goes by table and Maglev",
         "quic",
         to(q4(short(old(SID_TWO))), "forward_quic", dmac=TWO),
         to(q4(short(old(SID_TWO))), "forward_repicked", changes=[("two", "down")]),
         to(q4(short(old(SID_TWO)), sport=1), "forward_new"),
         to(q4(short(old(SID_TWO))), "forward_quic", dmac=TWO, changes=[("two", "up")],
            note="it goes back"))
    case("quic-gone", "A server id of a removed backend names nobody", "quic",
         to(q4(short(old(SID_TWO))), "forward_quic", dmac=TWO),
         to(q4(short(old(SID_TWO))), "forward_repicked", changes=[("two", "gone")]),
         to(q4(short(old(SID_TWO)), sport=1), "forward_new"))
    case("quic-none-up", "With no backend that takes new connections, those of a draining one go on",
         "quic",
         to(q4(short(old(SID_ONE))), "forward_quic",
            changes=[("one", "draining"), ("two", "down")]),
         drops(q4(short(old(SID_NOBODY)), sport=1), "drop_no_backend"))
    case("quic-unresolved", "A backend without a MAC address gets nothing, and nobody else gets its "
         "connections", "quic",
         drops(q4(short(old(SID_TWO))), "drop_unresolved", changes=[("two", "unresolved")]))
    case("quic-vip-source", "A connection id opens no way for packets that claim to come from a VIP",
         "quic",
         drops(q4(short(old(SID_TWO)), src=VIP), "drop_vip_source", entry="none"))


def offsets():
    case("quic-offsets", "The connection id is found behind tags, options and extension headers",
         "quic",
         to(Dot1Q(vlan=7) / q4(short(old(SID_TWO))), "forward_quic", dmac=TWO),
         to(Dot1Q(vlan=7) / q6(long(old(SID_TWO))), "forward_quic", dmac=TWO),
         to(q4(short(old(SID_TWO)), options=[IPOption_NOP()] * 40), "forward_quic", dmac=TWO),
         to(IPv6(src=CLIENT6, dst=VIP6) / IPv6ExtHdrHopByHop() /
            UDP(sport=PORT, dport=443) / short(old(SID_TWO)), "forward_quic", dmac=TWO))
    case("quic-tunnel", "A packet that names its backend is tunnelled to it", "quic",
         through(udp(8044, load=short(old(SID_ONE))), "forward_quic"),
         through(udp(8044, sport=1, load=long(old(SID_ONE))), "forward_quic"))


def chapter():
    routable()
    life()
    unroutable()
    backends()
    offsets()
