#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-or-later
#
# Promise: a node of a pair gives its tables other sizes, and its peer isn't told
# the whole table again, and has all that it needs to take over.

load all.sh

setup_file() {
  pair_lab resize_pair be1 be2 be3
}

teardown() {
  load_over 25
}

# What each has told the other as a whole.
resyncs() {
  ctl_json lb2 '.peers[0].resyncs' peers
}

resize() {
  local before
  before=$(resyncs)
  ctl lb1 resize "$@"
  wait_for 10 "lb1 in sync" node_in_sync lb1
  wait_for 10 "lb2 in sync" node_in_sync lb2
  [[ $(resyncs) == "$before" && $(ctl_json lb1 '.peers[0].resyncs' peers) == 0 ]]
  node_is_active lb1
}

@test "both families' tables grow and shrink, and the peer goes on" {
  load_start 300 4000
  resize connections 256K
  load_unharmed grown
  resize connections 64K
  load_unharmed shrunk
}

# Nobody could tell it of its peer.
cut_off_gate() {
  ctl lb2 role
  ctl_says lb2 ".gate.open == false and (.gate.reason | startswith(\"$1\"))" role
}

@test "a closed gate stays closed while tables move, and if sync can't start behind that" {
  node_kill lb2
  lbd_detach lb2
  rm -rf /run/lbd/lb2
  : >"$LAB/logs/lbd-lb2.log"
  lbd_start lb2
  ctl lb2 resize connections 128K
  cut_off_gate "no peer has answered"
  on lb2 ip address del "$(host4 lb2)/24" dev eth0
  ctl lb2 resize connections 64K
  sleep 0.2
  cut_off_gate "sync isn't running"
  ctl lb2 peers | grep "sync isn't running"
  ctl_says lb2 '[.problems[] | .what | startswith("sync isn")] | any' status
  grep -F 'mend it, then: lbctl reload' "$LAB/logs/lbd-lb2.log"
  on lb2 ip address add "$(host4 lb2)/24" dev eth0
  ctl lb2 reload
  cut_off_gate "no peer has answered"
  fails grep "gate open" "$LAB/logs/lbd-lb2.log"
  lab_mend lb2
  keepalived_start lb2
  wait_for 15 "lb2 in sync" node_in_sync lb2
  wait_for 5 "lb2 backup" node_has_role lb2 backup
}

@test "the peer then takes every connection over" {
  load_start 300 4000
  resize connections 128K
  sleep 0.3
  node_kill lb1
  wait_for 5 "lb2 active" node_is_active lb2
  sleep 1
  load_unbroken failover
}
