#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-or-later
#
# Promise: large datagrams arrive whole, in whatever order their fragments come;
# what never becomes whole costs a bounded amount of memory for a bounded time.

load all.sh
load datagrams.sh

readonly PORT=7001

config_large() {
  config_solo lb1 be1
  config_service large-dsr4 "$VIP4_DSR" $PORT udp dsr host4 be1
  config_service large-ipip4 "$VIP4_IPIP" $PORT udp ipip host4 be1
  config_service large-dsr6 "$VIP6_DSR" $PORT udp dsr host6 be1
  config_service large-ipip6 "$VIP6_IPIP" $PORT udp ipip host6 be1
}

setup_file() {
  lab_up fragments
  backends_up
  spawn be1 datagrams "$LAB_ROOT/tests/cluster/datagram" serve $PORT
  local vip
  for vip in "${LAB_VIPS[@]}"; do
    on lb1 ip address add "$vip" dev eth0 preferred_lft 0
  done
  config_large | config_write lb1
  node_up lb1
}

teardown() {
  [[ $BATS_TEST_COMPLETED ]] || lab_autopsy 15
}

# arrive COMMAND...: what the client says it sent, the server says it got.
arrive() {
  same client "$@"
}

@test "datagrams that a socket sends arrive whole, in each way and family" {
  local vip
  for vip in "${LAB_VIPS[@]}"; do
    arrive send "$vip" $PORT 8000 20
    arrive send "$vip" $PORT 60000 2
  done
}

@test "fragments in reverse order are held, and arrive whole" {
  local vip before
  for vip in "${LAB_VIPS[@]}"; do
    before=$(figure sent)
    arrive raw "$vip" $PORT 8000 5 "$(node_mac lb1)" reverse
    wait_for 2 "figures of $vip" figure_is sent eq $((before + 30))
  done
  figure_is failed eq 0
  wait_for 2 "an empty hold" figure_is bytes eq 0
}

@test "fragments whose first never comes are forgotten in time" {
  before=$(figure timed_out)
  on client "$LAB_ROOT/tests/cluster/datagram" raw "$VIP4_DSR" $PORT 8000 3 "$(node_mac lb1)" \
    headless >/dev/null
  wait_for 1 "held fragments" figure_is bytes gt 0
  wait_for 5 "the timeout" figure_is timed_out eq $((before + 18))
  figure_is bytes eq 0
}

@test "a flood of them stays within its memory, and does not last" {
  on client "$LAB_ROOT/tests/cluster/datagram" raw "$VIP4_DSR" $PORT 60000 400 \
    "$(node_mac lb1)" headless >/dev/null
  figure_is bytes le $((1024 * 1024))
  figure_is refused gt 0
  wait_for 6 "an empty hold" figure_is bytes eq 0
  arrive raw "$VIP4_DSR" $PORT 8000 5 "$(node_mac lb1)" reverse
}

@test "killed while it holds some, lbd leaves nothing behind and starts again" {
  on client "$LAB_ROOT/tests/cluster/datagram" raw "$VIP4_DSR" $PORT 8000 3 "$(node_mac lb1)" \
    headless >/dev/null
  murder lbd-lb1
  # Nobody listens: in order they still arrive, what comes too early is dropped.
  arrive send "$VIP4_DSR" $PORT 8000 5
  on client "$LAB_ROOT/tests/cluster/datagram" raw "$VIP4_DSR" $PORT 8000 3 "$(node_mac lb1)" \
    headless >/dev/null
  node_up lb1
  ctl_says lb1 '.outcomes[] | select(.name == "drop_fragment") | .packets >= 18' counters
  arrive raw "$VIP6_IPIP" $PORT 8000 5 "$(node_mac lb1)" reverse
}

@test "with no memory none is held" {
  {
    echo 'fragments: {memory: 0}'
    config_large
  } | config_write lb1
  ctl lb1 reload
  ctl_says lb1 '.fragments.listening == false' status
  arrive send "$VIP4_IPIP" $PORT 8000 5
  config_large | config_write lb1
  ctl lb1 reload
  arrive raw "$VIP4_IPIP" $PORT 8000 5 "$(node_mac lb1)" reverse
}
