#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-or-later
#
# Promise: when the active node dies the standby carries every established
# connection on; a node that comes back waits until its table is complete.

load all.sh

setup_file() {
  pair_lab failover be1 be2 be3
}

teardown() {
  load_over 25
}

# Both nodes up and lb1 active, whatever the last test left.
restore() {
  alive lbd-lb1 || node_boot lb1
  wait_for 20 "lb1 in sync" node_in_sync lb1
  wait_for 10 "lb1 active" node_is_active lb1
  wait_for 5 "lb2 backup" node_has_role lb2 backup
}

@test "power loss of the active node breaks none of 500 connections" {
  load_start 500 2000
  sleep 1
  node_kill lb1
  wait_for 3 "lb2 active" node_is_active lb2
  # What it sees from now on has a higher term than anything that lb1 may say.
  wait_for 2 "a new term" ctl_says lb2 '.term | .own == .known and .own > 1' role
  sleep 2
  load_unbroken powerless
  sleep 1
  load_unharmed afterwards
}

@test "a node that comes back does not take the VIPs before its table is complete" {
  [[ -f $LAB/lbd-lb1.pid ]] && node_kill lb1
  load_start 300 1000
  # Cut off it can't know what its peer knows.
  lbd_detach lb1
  rm -rf /run/lbd/lb1
  lbd_start lb1
  keepalived_start lb1
  wait_for 3 "fault" node_has_role lb1 fault
  ctl_says lb1 '.gate.open == false' role
  [[ $(<"/run/lbd/lb1/gate") == -254 ]]
  lab_mend lb1
  wait_for 8 "lb1 in sync" node_in_sync lb1
  entries=$(ctl_json lb1 .count connections)
  wait_for 10 "lb1 active" node_is_active lb1
  echo "$entries connections at the time it might take over"
  ((entries >= 300))
  sleep 2
  load_unbroken returned
}

@test "a planned stop of keepalived moves the VIPs and breaks nothing" {
  restore
  load_start 500 2000
  sleep 1
  kill -TERM "$(lab_pid keepalived-lb1)"
  wait_for 3 "lb2 active" node_is_active lb2
  sleep 1.5
  load_unbroken planned
  keepalived_start lb1
  wait_for 10 "lb1 active" node_is_active lb1
  sleep 1.5
  load_unbroken back
}

@test "connections that were idle when the active node died go on as well" {
  restore
  load_start 300 100 --interval-ms 6000 --timeout-ms 12000
  sleep 2
  node_kill lb1
  wait_for 3 "lb2 active" node_is_active lb2
  sleep 7
  figures=$(talk_mark load idle)
  echo "$figures"
  jq -e '.tcp.before == 300 and .tcp.broken == 0 and .tcp.echoes >= 300' <<<"$figures"
}

@test "death of lbd alone moves nothing and breaks nothing" {
  restore
  load_start 300 2000
  term=$(ctl_json lb1 .term.own role)
  murder lbd-lb1
  sleep 1.5
  node_has_vips lb1
  load_unharmed alone
  lbd_start lb1
  node_has_role lb1 master
  ctl_says lb1 .gate.open role
  [[ $(ctl_json lb1 .term.own role) == "$term" ]]
}

@test "death of the standby is nobody's business" {
  restore
  load_start 300 2000
  node_kill lb2
  sleep 1
  load_unharmed standby
  node_boot lb2
  wait_for 20 "lb2 in sync" node_in_sync lb2
  wait_for 5 "lb2 backup" node_has_role lb2 backup
  load_unharmed returned
}

@test "lbctl failover there and back breaks none of 1,200 connections" {
  restore
  load_start 1200 2000
  sleep 1
  ctl lb1 failover
  node_is_active lb2
  wait_for 3 "lb1 backup" node_has_role lb1 backup
  sleep 3
  node_is_active lb2
  load_unbroken there
  ctl lb2 failover --timeout 20s
  node_is_active lb1
  wait_for 3 "lb2 backup" node_has_role lb2 backup
  [[ $(<"/run/lbd/lb1/gate") == 0 ]]
  sleep 1
  load_unbroken back
}

@test "lbctl failover without proof is refused and changes nothing" {
  restore
  load_start 100 500
  on lb1 nft add table inet cut
  on lb1 nft add chain inet cut out '{ type filter hook output priority 0; }'
  on lb1 nft add rule inet cut out tcp dport 7400 drop
  on lb1 nft add rule inet cut out tcp sport 7400 drop
  wait_for 5 "a stale peer" ctl_says lb1 '.peers[0].state != "live"' peers
  fails ctl lb1 failover --timeout 1s
  [[ $(<"/run/lbd/lb1/gate") == 0 ]]
  node_is_active lb1
  on lb1 nft delete table inet cut
  load_unharmed refused
  fails ctl lb2 failover
}
