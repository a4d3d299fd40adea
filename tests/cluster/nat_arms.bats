#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-or-later
#
# Promise: forward: nat works with two arms, the clients on a network that the
# backends are not on; and what it does to checksums that aren't finished yet.

load all.sh
load nat.sh

config_arms() {
  config_head lb1 | sed 's/\[eth0\]/[eth0, eth1]/'
  printf 'nat:\n  addresses: [%s, "%s"]\nservices:\n' "$NAT4" "$NAT6"
  config_vip far4 "$FAR_VIP4" nat host4 be1 be2 be3
  config_vip far6 "$FAR_VIP6" nat host6 be1 be2 be3
  cat <<EOC
  - name: bridged
    vip: $FAR_VIP4
    port: 9
    protocol: udp
    forward: dsr
    backends:
      - name: behind
        address: 203.0.113.2
EOC
}

# A network that lb1 reaches by a device which native XDP can't send through.
bridge_up() {
  on lb1 ip link add br9 type bridge
  on lb1 ip address add 203.0.113.1/24 dev br9
  on lb1 ip link add port9 type veth peer name cable9
  on lb1 ip link set port9 master br9
  on lb1 ip link set port9 up
  on lb1 ip link set cable9 up
  on lb1 ip link set br9 up
  on lb1 ip neighbour add 203.0.113.2 lladdr 02:00:00:00:09:02 dev br9 nud permanent
}

setup_file() {
  lab_up nat-arms
  nat_far_up
  nat_backends_up
  nat_forwarding lb1 eth0
  nat_far_addresses
  bridge_up
  config_arms | config_write lb1
  node_up lb1
}

teardown() {
  [[ $BATS_TEST_COMPLETED ]] || lab_autopsy 15
}

@test "nat carries IPv4, two-armed" {
  nat_get far "http://$FAR_VIP4/big"
  nat_put far "http://$FAR_VIP4" four
}

@test "nat carries IPv6, two-armed" {
  nat_get far "http://[$FAR_VIP6]/big"
  nat_put far "http://[$FAR_VIP6]" six
}

@test "an upgrade is tried on translations first, and a packet path that gets one wrong refused" {
  ctl lb1 upgrade
  fails ctl lb1 upgrade "$LAB_TESTS/unit/bad_nat_checksum.bpf.o" 2>"$LAB/refused"
  cat "$LAB/refused"
  grep -q 'golden packet of service nat4: expected .* checksums' "$LAB/refused"
  on far curl --silent --fail --max-time 5 "http://$FAR_VIP4/"
}

@test "without forwarding at the backends' interface answers are dropped, and counted" {
  on lb1 sysctl -qw net.ipv4.conf.eth0.forwarding=0
  fails on far curl --silent --max-time 2 "http://$FAR_VIP4/"
  nat_forwarding lb1 eth0
  ctl_says lb1 '.outcomes[] | select(.name == "drop_no_route") | .packets > 0' counters
  on far curl --silent --max-time 5 "http://$FAR_VIP4/"
}

@test "backends behind a bridge get nothing by native XDP, which is counted and said" {
  local dropped='.outcomes[] | select(.name == "drop_no_backend") | .packets' before
  ctl_says lb1 '.backends[] | select(.name == "behind") | .nexthop.resolved | not' backends
  ctl lb1 backends | grep 'backend behind gets no packets: its address is behind a bridge'
  ctl_says lb1 '[.problems[].what] | any(test("behind a bridge"))' status
  before=$(ctl_json lb1 "$dropped" counters)
  on far bash -c "echo >/dev/udp/$FAR_VIP4/9"
  (($(ctl_json lb1 "$dropped" counters) == before + 1))
}

# A frame that a socket leaves the checksum of to its (virtual) card carries half of one. Native
# XDP sees the frame and not the note about it, so nobody can finish it behind lbd.
@test "native XDP can't carry frames with unfinished checksums: their senders must finish them" {
  on far ethtool -K eth0 tx on >/dev/null
  fails on far curl --silent --max-time 3 "http://$FAR_VIP4/"
  on far ethtool -K eth0 tx off >/dev/null
  on far curl --silent --max-time 5 "http://$FAR_VIP4/"
}
