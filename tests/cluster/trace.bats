#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-or-later
#
# Promise: `lbctl trace` says what the running lbd would do with packets, and
# leaves no mark in its tables.

load all.sh

setup_file() {
  solo_lab trace be1 be2
  record "$LAB/http.pcap" http_get "http://$VIP4_IPIP/"
  record "$LAB/http6.pcap" http_get "http://[$VIP6_DSR]/"
}

teardown() {
  [[ $BATS_TEST_COMPLETED ]] || lab_autopsy 15
}

recording() {
  [[ -s $1 ]] && alive tcpdump
}

# record FILE COMMAND...: what the client sends to port 80 meanwhile.
record() {
  local file=$1
  shift
  spawn client tcpdump tcpdump --immediate-mode -U -i eth0 -Q out -w "$file" 'tcp dst port 80'
  wait_for 5 "tcpdump" recording "$file" || return 1
  "$@" >/dev/null || return 1
  sleep 0.3
  kill -INT "$(lab_pid tcpdump)"
  wait_for 5 "the end of tcpdump" dead tcpdump
}

# trace FILE FILTER...: what jq makes of the answer about a capture.
trace() {
  local file=$1
  shift
  ctl lb1 --json trace --pcap "$file" | jq -r "$@"
}

# Everything that packets leave behind, but for ages and what the kernel was passed: the
# node's own health checks are among that.
marks() {
  ctl_json lb1 '[.connections[] | del(.age_ms)]' connections --limit 1000
  ctl_json lb1 '[.outcomes[] | select(.kind != "pass") | [.name, .packets]]' counters
  ctl_json lb1 '[.services[] | [.name, .packets, .bytes]]' services
  ctl_json lb1 '[.backends[] | [.service, .name, .packets, .bytes]]' backends
}

youngest() {
  ctl_json lb1 '[.connections[].age_ms] | min' connections --limit 1000
}

@test "every packet of a connection goes to the backend that has it" {
  backend=$(ctl_json lb1 '.connections[0].backend' connections --service web-ipip4)
  run trace "$LAB/http.pcap" '[.packets[] | select(.outcome == "forward_known") | .backend] |
    unique | join(" ")'
  [[ $output == "$backend" ]]
  [[ $(trace "$LAB/http.pcap" '.packets | length') -ge 4 ]]
  [[ $(trace "$LAB/http.pcap" '[.packets[].service] | unique | join(" ")') == web-ipip4 ]]
}

@test "what is sent is what the backend gets: the packet in a tunnel, from this node" {
  ctl lb1 trace --pcap "$LAB/http.pcap" --write "$LAB/out.pcap"
  run tcpdump -env -r "$LAB/out.pcap"
  echo "$output"
  [[ $output == *"$(node_mac lb1) >"* && $output == *"$(host4 client)"*"> $VIP4_IPIP.80"* ]]
}

@test "tracing leaves no mark: no entry, no age, no counter" {
  before=$(marks) age=$(youngest)
  for ((i = 0; i < 5; i++)); do
    ctl lb1 trace --pcap "$LAB/http.pcap"
    ctl lb1 trace --pcap "$LAB/http6.pcap"
  done
  diff <(echo "$before") <(marks)
  (($(youngest) >= age))
}

@test "a flow that is not in the table would be entered, and is not" {
  count=$(ctl_json lb1 .count connections)
  # The same connection from another port: bytes 34 and 35 of the frame.
  /usr/bin/python3 - "$LAB/http.pcap" "$LAB/other.pcap" <<'EOP'
import sys
from scapy.all import rdpcap, wrpcap, TCP
packets = rdpcap(sys.argv[1])
for packet in packets:
    packet[TCP].sport = 1025
wrpcap(sys.argv[2], packets)
EOP
  run trace "$LAB/other.pcap" '.packets[1].outcome, .packets[2].outcome'
  [[ $output == $'forward_new\nforward_new' ]]
  [[ $(ctl_json lb1 .count connections) == "$count" ]]
}

@test "a tagged packet, which another program of the packet path takes, is told of alike" {
  /usr/bin/python3 - "$LAB/http.pcap" "$LAB/tagged.pcap" <<'EOP'
import sys
from scapy.all import Dot1Q, Ether, rdpcap, wrpcap
wrpcap(sys.argv[2], [Ether(src=p.src, dst=p.dst) / Dot1Q(vlan=7) / p.payload
                     for p in rdpcap(sys.argv[1])])
EOP
  diff <(trace "$LAB/http.pcap" '.packets[] | [.outcome, .service, .backend] | tostring') \
    <(trace "$LAB/tagged.pcap" '.packets[] | [.outcome, .service, .backend] | tostring')
}

@test "a capture of many packets is asked for piece by piece" {
  /usr/bin/python3 - "$LAB/http.pcap" "$LAB/many.pcap" <<'EOP'
import sys
from scapy.all import rdpcap, wrpcap
wrpcap(sys.argv[2], (list(rdpcap(sys.argv[1])) * 1000)[:2000])
EOP
  run trace "$LAB/many.pcap" '.summary.packets, .summary.run, .complete, .packets[-1].number'
  [[ $output == $'2000\n2000\ntrue\n2000' ]]
}

@test "packets that can't be run are said to be so, and the daemon isn't asked" {
  /usr/bin/python3 - "$LAB/large.pcap" <<'EOP'
import sys
from scapy.all import Ether, Raw, wrpcap
wrpcap(sys.argv[1], [Ether() / Raw(bytes(5000))] * 2)
EOP
  run trace "$LAB/large.pcap" '.summary.packets, .summary.run, .packets[1].note'
  [[ $output == $'2\n0\nnot run: 5014 bytes'* ]]
}

@test "a drained backend gets no new flows, at once" {
  first=$(trace "$LAB/http.pcap" '.packets[0].backend')
  ctl lb1 backend drain web-ipip4 "$first"
  [[ $(trace "$LAB/http.pcap" '.packets[0].backend') != "$first" ]]
  ctl lb1 backend undrain web-ipip4 "$first"
  [[ $(trace "$LAB/http.pcap" '.packets[0].backend') == "$first" ]]
}

# Without what counts down while an upgrade is watched.
generations() {
  ctl_json lb1 '.generation | {running, previous}' status
}

@test "the generations stay what they were, and an upgrade is followed" {
  before=$(generations)
  ctl lb1 trace --pcap "$LAB/http.pcap"
  [[ $(generations) == "$before" ]]
  ctl lb1 upgrade
  after=$(generations)
  ctl lb1 trace --pcap "$LAB/http.pcap"
  [[ $(generations) == "$after" ]]
  http_get "http://$VIP4_IPIP/"
}

programs_held() {
  find "/proc/$(lab_pid lbd-lb1)/fd" -lname '*bpf-prog*' 2>/dev/null | wc -l
}

holds() {
  (($(programs_held) == $1))
}

@test "the copy that is asked goes when nobody asks" {
  ctl lb1 trace --pcap "$LAB/http.pcap"
  held=$(programs_held)
  wait_for 15 "the copy to go" holds $((held - 1))
}

@test "an interface that isn't lbd's is refused" {
  run ctl lb1 trace --pcap "$LAB/http.pcap" --interface lo
  [[ $status == 1 && $output == *"lo is none of xdp.interfaces"* ]]
}

@test "without a daemon the exit status says so" {
  run on lb1 "$LAB_LBCTL" --socket "$LAB/nowhere.sock" trace --pcap "$LAB/http.pcap"
  [[ $status == 3 && $output == *"isn't running"* ]]
}
