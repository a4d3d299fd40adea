# SPDX-License-Identifier: GPL-2.0-or-later
"""What a packet case is made of: frames, what lbd does to them, steps, files."""
from functools import partial

from scapy.all import ICMP, IP, TCP, UDP, Ether, ICMPv6PacketTooBig, IPv6, Raw
from scapy.contrib.geneve import GENEVE
from scapy.layers.l2 import GRE
from scapy.layers.vxlan import VXLAN

CLIENT, CLIENT6 = "198.51.100.7", "2001:db8:c::7"
VIP, VIP6 = "192.0.2.1", "2001:db8:1::1"
ROUTER_MAC = "02:00:00:00:cc:01"
IN_MAC, OUT_MAC = "02:00:00:00:aa:01", "02:00:00:00:aa:02"
ONE, TWO, FAR = "02:00:00:00:bb:11", "02:00:00:00:bb:12", "02:00:00:00:bb:21"
ONE4, ONE6 = "203.0.113.11", "2001:db8:2::11"
FAR4, FAR6 = "203.0.113.21", "2001:db8:2::21"
TUNNEL4, TUNNEL6 = "198.18.0.0", "100::"
TUNNEL_MAC, TUNNEL_SOURCE_MAC, VNI = "02:4c:42:44:00:01", "02:4c:42:44:00:02", 0x123456
TUNNELS = {"ipip": 0, "gue": 8, "gre": 4, "vxlan": 30, "geneve": 30}  # bytes behind the outer IP
PORT = 40000
MINIMUM = 60  # of an Ethernet frame, without its checksum

made = {}


# --- frames

def frame(packet, pad=True, dmac=IN_MAC):
    raw = bytes(Ether(dst=dmac, src=ROUTER_MAC) / packet)
    return raw.ljust(MINIMUM, b"\0") if pad else raw


def tcp(bits, dport=80, sport=PORT, load=b"", **ip):
    return IP(src=CLIENT, dst=VIP, id=7, **ip) / TCP(sport=sport, dport=dport, flags=bits) / load


def udp(dport=53, sport=PORT, load=b"question", **ip):
    return IP(src=CLIENT, dst=VIP, id=7, **ip) / UDP(sport=sport, dport=dport) / load


def tcp6(bits, dport=80, sport=PORT, load=b"", **ip):
    return IPv6(src=CLIENT6, dst=VIP6, **ip) / TCP(sport=sport, dport=dport, flags=bits) / load


def udp6(dport=53, sport=PORT, load=b"question", **ip):
    return IPv6(src=CLIENT6, dst=VIP6, **ip) / UDP(sport=sport, dport=dport) / load


def link_of(raw):
    """Bytes before the IP header: the Ethernet header with its tags, if any."""
    size = 14
    while raw[size - 2:size] in (b"\x81\x00", b"\x88\xa8"):
        size += 4
    return size


def readdress(raw, dmac, smac=IN_MAC):
    """What dsr does to a frame, in hex: other MAC addresses, nothing else."""
    mac = bytes.fromhex((dmac + smac).replace(":", ""))
    return (mac + raw[12:]).hex()


def mask(text, first, digits):
    return text[:first] + "." * digits + text[first + digits:]


def inner_of(raw):
    """The packet behind the link header, with what pads it; its length, traffic class, family."""
    inner = raw[link_of(raw):]
    v6 = inner[0] >> 4 == 6
    tos = (inner[0] << 4 | inner[1] >> 4) & 0xff if v6 else inner[1]
    length = 40 + int.from_bytes(inner[4:6], "big") if v6 else int.from_bytes(inner[2:4], "big")
    return inner, length, tos, v6


def between(mode, length, v6):
    """Protocol of the outer IP header, and what a mode puts between that and the packet. The UDP
    source port is lbd's choice: 49152 is in its place."""
    kind = 0x86dd if v6 else 0x0800
    overlay = {"gue": (6080, None),
               "vxlan": (4789, VXLAN(vni=VNI, flags=8)),
               "geneve": (6081, GENEVE(vni=VNI, proto=0x6558))}
    if mode == "ipip":
        return (41 if v6 else 4), b""
    if mode == "gre":
        return 47, bytes(GRE(proto=kind))
    port, header = overlay[mode]
    if header:
        header = bytes(header / Ether(dst=TUNNEL_MAC, src=TUNNEL_SOURCE_MAC, type=kind))
    header = header or b""
    return 17, bytes(UDP(sport=49152, dport=port, len=8 + len(header) + length, chksum=0)) + header


def tunnel4(raw, outer_dst=ONE4, dmac=ONE, smac=IN_MAC, mode="ipip"):
    """IPv4 before the packet. Host bits of the source and the checksum may be anything:
    the source is lbd's choice, and the runner verifies every checksum that leaves."""
    link = link_of(raw)
    inner, length, tos, v6 = inner_of(raw)
    proto, middle = between(mode, length, v6)
    outer = IP(src=TUNNEL4, dst=outer_dst, tos=tos, id=0, flags="DF", ttl=64,
               len=20 + len(middle) + length, proto=proto)
    text = (bytes(Ether(dst=dmac, src=smac))[:12] + raw[12:link - 2] + b"\x08\x00" +
            bytes(outer) + middle).hex()
    text = mask(text, 2 * (link + 10), 4)
    text = mask(text, 2 * (link + 14), 4)
    return (mask(text, 2 * (link + 20), 4) if proto == 17 else text) + inner.hex()


def tunnel6(raw, outer_dst=ONE6, dmac=ONE, smac=IN_MAC, mode="ipip"):
    """IPv6 before the packet. Flow label and the lower half of the source are lbd's choice."""
    link = link_of(raw)
    inner, length, tos, v6 = inner_of(raw)
    proto, middle = between(mode, length, v6)
    outer = IPv6(src=TUNNEL6, dst=outer_dst, tc=tos, hlim=64, plen=len(middle) + length, nh=proto)
    text = (bytes(Ether(dst=dmac, src=smac))[:12] + raw[12:link - 2] + b"\x86\xdd" +
            bytes(outer) + middle).hex()
    text = mask(text, 2 * link + 3, 5)
    text = mask(text, 2 * (link + 16), 16)
    return (mask(text, 2 * (link + 40), 4) if proto == 17 else text) + inner.hex()


def families(mode):
    """The four ways to tunnel: name, the port that asks for it, packets, and what comes out."""
    return [("4in4", 8044, tcp, udp, partial(tunnel4, mode=mode)),
            ("4in6", 8046, tcp, udp, partial(tunnel6, mode=mode)),
            ("6in4", 8064, tcp6, udp6, partial(tunnel4, mode=mode)),
            ("6in6", 8066, tcp6, udp6, partial(tunnel6, mode=mode))]


def turn(raw):
    """The link header of an answer, with its tags; and the packet that is answered."""
    link = link_of(raw)
    return raw[6:12] + raw[:6] + raw[12:link], raw[link:]


def error4(raw, kind, code, **rest):
    """The ICMP error about a frame, quoting as much as 576 bytes hold."""
    link, packet = turn(raw)
    ip = IP(packet)
    answer = IP(src=ip.dst, dst=ip.src, tos=0xc0, id=0, flags="DF", ttl=64)
    quote = packet[:min(ip.len, 576 - 28)]
    return (link + bytes(answer / ICMP(type=kind, code=code, **rest) / quote)).hex()


def error6(raw, error):
    """The ICMPv6 error about a frame, quoting as much as 1280 bytes hold."""
    link, packet = turn(raw)
    ip = IPv6(packet)
    answer = IPv6(src=ip.dst, dst=ip.src, hlim=64)
    quote = packet[:min(40 + ip.plen, 1280 - 48)]
    return (link + bytes(answer / error / Raw(quote))).hex()


# --- steps

def step(raw, verdict, outcome, out=None, **more):
    return dict(more, raw=raw, verdict=verdict, outcome=outcome, out=out)


def passes(packet, outcome, **more):
    raw = packet if isinstance(packet, bytes) else frame(packet)
    return step(raw, "PASS", outcome, **more)


def drops(packet, outcome, **more):
    raw = packet if isinstance(packet, bytes) else frame(packet)
    return step(raw, "DROP", outcome, **more)


def to(packet, outcome, dmac=ONE, **more):
    raw = packet if isinstance(packet, bytes) else frame(packet)
    return step(raw, "TX", outcome, readdress(raw, dmac), **more)


def through(packet, outcome, wrap=tunnel4, **more):
    raw = packet if isinstance(packet, bytes) else frame(packet)
    return step(raw, "TX", outcome, wrap(raw), **more)


def too_big(packet, mtu, **more):
    """Answered: what does not fit is told to its sender."""
    raw = packet if isinstance(packet, bytes) else frame(packet)
    v6 = turn(raw)[1][0] >> 4 == 6
    answer = (error6(raw, ICMPv6PacketTooBig(mtu=mtu)) if v6 else
              error4(raw, 3, 4, nexthopmtu=mtu))
    return step(raw, "TX", "answer_too_big", answer, **more)


# --- files

def lines_of(text):
    """Ethernet header, then 16 bytes a line."""
    yield text[:28]
    for at in range(28, len(text), 32):
        yield text[at:at + 32]


def field(name, text):
    body = "\n".join("      " + line for line in lines_of(text))
    return f"    {name}: |\n{body}\n"


def describe(raw):
    return Ether(raw).summary().replace("Ether / ", "")[:84]


def write_step(s):
    text = f"  # {describe(s['raw'])}\n  - "
    if "note" in s:
        text += f"note: \"{s['note']}\"\n    "
    if "changes" in s:
        text += "changes:\n"
        for backend, state in s["changes"]:
            text += f"    - {{backend: {backend}, becomes: {state}}}\n"
        text += "    "
    for key in ("idle", "from"):
        if key in s:
            text += f"{key}: {s[key]}\n    "
    text += field("in", s["raw"].hex()).lstrip()
    text += f"    verdict: {s['verdict']}\n    outcome: {s['outcome']}\n"
    if s["out"]:
        text += field("out", s["out"])
    for key in ("entry", "news", "source"):
        if key in s:
            text += f"    {key}: {s[key]}\n"
    return text


def case(name, sentence, setup, *steps):
    assert name not in made, name
    if ": " in sentence:
        sentence = f'"{sentence}"'
    made[name] = (f"sentence: {sentence}\nsetup: {setup}\nsteps:\n" +
                  "".join(write_step(s) for s in steps))
