#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-or-later
#
# Promise: lbd knows at any moment what a failover would break. The gate opens by
# proof, and of what lbctl risk names exactly that breaks, entry by entry.

load all.sh

# What a takeover without a peer may take: short, or the client gives up first.
config_patient() {
  config_pair "$@" | sed 's/^cluster:/&\n  patience: 2s/'
}

setup_file() {
  lab_up risk
  backends_up
  pair_with config_patient be1 be2 be3
}

teardown() {
  on lb1 nft delete table inet cut 2>/dev/null || true
  load_over 25
}

restore() {
  local node
  for node in lb1 lb2; do
    alive "lbd-$node" || node_boot "$node"
  done
  wait_for 20 "lb1 in sync" node_in_sync lb1
  wait_for 20 "lb2 in sync" node_in_sync lb2
  wait_for 10 "lb1 active" node_is_active lb1
  wait_for 5 "lb2 backup" node_has_role lb2 backup
}

# New connections no longer go to be1, those it has stay: where Maglev would send them has changed.
drain_be1() {
  local node service
  for node in lb1 lb2; do
    for service in dsr4 ipip4 dsr6 ipip6; do
      ctl "$node" backend "$1" "talk-$service" be1 >/dev/null
    done
  done
}

# What lb1 sends to its peer gets lost after so many bytes; what the peer says still comes.
cut_after() {
  on lb1 nft add table inet cut
  on lb1 nft add chain inet cut out '{ type filter hook output priority 0; }'
  on lb1 nft add rule inet cut out ip daddr "$(host4 lb2)" tcp dport 7400 quota over "$1" drop
}

# Connections over TCP that lb1 names, as "client-port vip:port", sorted.
named() {
  ctl_json lb1 '.list[] | select(.protocol == "tcp") | "\(.client) \(.vip)"' risk --list 10000 |
    sed 's/^.*:\([0-9]* \)/\1/' | sort
}

# Those that the client found broken since the test began, in the same form.
broken() {
  sed -n 's/^talk: connection [0-9]* (port \([0-9]*\) to \([^,]*\), .*) broke.*/\1 \2/p' \
    "$LAB/logs/load.log" | sort
}

@test "in sync nothing would break, and lag is below some milliseconds" {
  restore
  load_start 400 1000
  wait_for 5 "nothing at risk" ctl_says lb1 '.connections >= 400 and .breaking == 0' risk
  ctl lb1 risk
  ctl lb1 peers
  ctl_says lb1 '.peers[0] | .lag_p50_us > 0 and .lag_p50_us < 50000' peers
  wait_for 5 "proof" ctl_says lb1 '.peer.agreed_ms_ago >= 0' risk
  ctl_says lb2 '.active == false' risk
}

@test "a standby rebooted under load waits for proof, and failover and failback break 0 of 10,000" {
  restore
  load_start 10000 500 --interval-ms 2000 --timeout-ms 20000
  node_kill lb2
  node_boot lb2
  wait_for 20 "an open gate" ctl_says lb2 .gate.open role
  ctl_json lb2 .gate.reason role
  ctl_says lb2 '.gate.reason | startswith("the connection table is proven equal to lb1")' role
  grep -q "gate closed" "$LAB/logs/lbd-lb2.log"
  wait_for 5 "lb2 backup" node_has_role lb2 backup
  wait_for 5 "nothing at risk" ctl_says lb1 '.breaking == 0' risk
  load_unbroken proven
  node_kill lb1
  wait_for 3 "lb2 active" node_is_active lb2
  sleep 4
  load_unbroken over
  node_boot lb1
  wait_for 20 "lb1 active" node_is_active lb1
  sleep 4
  load_unbroken failback
}

@test "a drill finds that the standby would carry on what it holds, and what it does not" {
  restore
  load_start 600 1000
  wait_for 5 "nothing at risk" ctl_says lb1 '.unsynced == 0' risk || {
    ctl lb1 risk
    ctl lb1 peers --json
    false
  }
  ctl lb2 drill --count 500
  sleep 0.6
  ctl_says lb2 '.tried > 50 and .agree == .tried' drill --count 1024 talk-dsr4
  fails ctl lb1 drill
  # A node whose config lacks a backend.
  config_patient lb2 be2 be3 | config_write lb2
  ctl lb2 reload
  sleep 0.6
  fails ctl lb2 drill --json >"$LAB/drill"
  jq -e '.unknown + (.list | length) > 20' "$LAB/drill"
  config_patient lb2 be1 be2 be3 | config_write lb2
  ctl lb2 reload
  wait_for 10 "lb2 in sync" node_in_sync lb2
}

@test "the active node dies during the standby's resync: exactly those that risk named break" {
  restore
  : >"$LAB/logs/load.log"
  load_start 4000 100 --interval-ms 1000 --timeout-ms 30000
  sleep 1.5
  drain_be1 drain
  node_kill lb2
  cut_after "70 kbytes"
  node_boot lb2
  drain_be1 drain
  wait_for 10 "a resync that got stuck" ctl_says lb1 '.peers[0].state != "live" and
    .peers[0].sent_records > 500' peers
  wait_for 5 "silence" ctl_says lb1 '.peer.connected == false' risk
  named >"$LAB/named"
  ctl lb1 risk
  echo "$(wc -l <"$LAB/named") named"
  # Some of be1's connections got through, some did not.
  (($(wc -l <"$LAB/named") > 200))
  ctl_says lb1 '.unsynced > .breaking and .unsynced < .connections' risk
  node_kill lb1
  wait_for 10 "lb2 active" node_is_active lb2
  sleep 9
  talk_mark load double
  broken >"$LAB/broken"
  echo "$(wc -l <"$LAB/broken") broke"
  diff "$LAB/named" "$LAB/broken"
}
