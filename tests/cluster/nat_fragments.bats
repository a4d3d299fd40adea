#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-or-later
#
# Promise: large datagrams go whole through forward: nat, to backends and back,
# in whatever order their fragments come, to clients on either side.

load all.sh
load datagrams.sh
load nat.sh

readonly PORT=7001

config_large() {
  config_head lb1 | sed 's/\[eth0\]/[eth0, eth1]/'
  printf 'nat:\n  addresses: [%s, "%s"]\nservices:\n' "$NAT4" "$NAT6"
  config_service near4 "$VIP4_DSR" $PORT udp nat host4 be1
  config_service near6 "$VIP6_DSR" $PORT udp nat host6 be1
  config_service far4 "$FAR_VIP4" $PORT udp nat host4 be1
  config_service far6 "$FAR_VIP6" $PORT udp nat host6 be1
}

setup_file() {
  lab_up nat-fragments
  # Nothing makes packets longer, and fragments fill the link.
  on client ip link set eth0 mtu 1500
  nat_far_up
  on be1 ip link set dev eth0 xdpdrv obj "$LAB_TESTS/cluster/pass.bpf.o" sec xdp
  spawn be1 datagrams "$LAB_ROOT/tests/cluster/datagram" serve $PORT "$(node_mac lb1)"
  nat_forwarding lb1 eth0
  nat_far_addresses
  on lb1 ip address add "$VIP4_DSR/32" dev eth0
  on lb1 ip address add "$VIP6_DSR/128" dev eth0 nodad preferred_lft 0
  config_large | config_write lb1
  node_up lb1
}

teardown() {
  [[ $BATS_TEST_COMPLETED ]] || lab_autopsy 15
}

# both_ways HOST VIP
both_ways() {
  same "$1" send "$2" $PORT 8000 20
  same "$1" send "$2" $PORT 60000 2
  same "$1" ask "$2" $PORT 8000 20 socket
  same "$1" ask "$2" $PORT 60000 2 socket
}

@test "datagrams of 8 and 60 kB arrive whole, both ways, one-armed" {
  both_ways client "$VIP4_DSR"
  both_ways client "$VIP6_DSR"
}

@test "and two-armed" {
  both_ways far "$FAR_VIP4"
  both_ways far "$FAR_VIP6"
}

@test "none of them had to be held, none was dropped" {
  figure_is held eq 0
  ctl_says lb1 '[.outcomes[] | select(.kind == "drop") | .packets] | add == 0' counters
}

@test "a client's fragments in reverse order are held, and arrive whole" {
  local vip before
  for vip in "$VIP4_DSR" "$VIP6_DSR"; do
    before=$(figure sent)
    same client raw "$vip" $PORT 8000 5 "$(node_mac lb1)" reverse
    wait_for 2 "figures of $vip" figure_is sent eq $((before + 30))
  done
  figure_is failed eq 0
}

@test "and so are a backend's, to clients on either side" {
  local before
  before=$(figure sent)
  same client ask "$VIP4_DSR" $PORT 8000 5 reverse
  same client ask "$VIP6_DSR" $PORT 8000 5 reverse
  same far ask "$FAR_VIP4" $PORT 8000 5 reverse
  same far ask "$FAR_VIP6" $PORT 8000 5 reverse
  wait_for 2 "figures" figure_is sent eq $((before + 4 * 30))
  figure_is failed eq 0
  wait_for 2 "an empty hold" figure_is bytes eq 0
}
