#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-or-later
#
# Promise: the standby knows every confirmed connection, all the time, and
# learns all of them again after whatever happened to it.

load all.sh

setup_file() {
  pair_lab sync be1 be2 be3
}

teardown() {
  load_over 25
}

# Every connection to talk as "client service backend", sorted.
table() {
  local service
  for service in dsr4 ipip4 dsr6 ipip6; do
    ctl_json "$1" '.connections[] | "\(.client) \(.service) \(.backend)"' connections \
      --service "talk-$service" --state established --limit 10000
  done | sort
}

same_tables() {
  diff <(table lb1) <(table lb2)
}

@test "connections appear at the standby within a second, with their backends" {
  load_start 400 1000
  wait_for 1 "equal tables" same_tables
  count=$(table lb2 | wc -l)
  echo "$count connections at lb2"
  ((count == 400))
}

@test "what the standby learned is marked as remote" {
  load_start 100 1000
  wait_for 1 "equal tables" same_tables
  ctl_says lb2 '.count >= 100' connections --state remote
  ctl_says lb1 '.count == 0' connections --state remote
}

@test "a restarted standby without any table gets all of it" {
  load_start 400 1000
  node_kill lb2
  node_boot lb2
  wait_for 10 "lb2 in sync" node_in_sync lb2
  same_tables
  (($(table lb2 | wc -l) == 400))
}

@test "a killed lbd at the standby misses nothing of what happened meanwhile" {
  murder lbd-lb2
  load_start 200 1000
  lbd_start lb2
  wait_for 10 "lb2 in sync" node_in_sync lb2
  same_tables
}

@test "connections made while the link was cut come after it" {
  lab_cut lb2
  load_start 200 1000
  wait_for 10 "a stale peer" ctl_says lb1 '.peers[0].state != "live"' peers
  lab_mend lb2
  wait_for 10 "lb2 in sync" node_in_sync lb2
  wait_for 2 "equal tables" same_tables
  wait_for 10 "lb2 backup" node_has_role lb2 backup
}

@test "idle connections are sent in full as well, by a daemon that was restarted" {
  load_start 200 100 --interval-ms 60000
  wait_for 2 "equal tables" same_tables
  sleep 3
  murder lbd-lb1
  lbd_start lb1
  node_kill lb2
  node_boot lb2
  wait_for 10 "lb2 in sync" node_in_sync lb2
  same_tables
  (($(table lb2 | wc -l) == 200))
}

# proven NODE SIDE: every region agreed less than 2.5 s ago.
proven() {
  ctl_says "$1" ".peers[0].$2 | .agreed_ms_ago >= 0 and .agreed_ms_ago < 2500 and
    .differing == 0 and .unsettled == 0" peers
}

# repairs NODE SIDE: how many divergences were found, and repaired.
repairs() {
  ctl_json "$1" ".peers[0].$2 | \"\(.divergences) \(.repairs)\"" peers
}

repaired() {
  local divergences repairs
  read -r divergences repairs < <(repairs "$1" "$2")
  ((divergences > 0 && divergences == repairs))
}

# lose NODE: every 20th connection, behind the back of everybody. They may be back at once.
lose() {
  (($("$LAB_TESTS/tools/dump" "/sys/fs/bpf/lbd/$1" lose 20) > 0))
}

@test "digests prove both tables equal, and find no difference under load" {
  load_start 400 1000
  wait_for 5 "proof at lb2" proven lb2 holds
  wait_for 5 "proof at lb1" proven lb1 held
  sleep 5
  proven lb2 holds
  proven lb1 held
  [[ $(repairs lb2 holds) == "0 0" ]]
  [[ $(repairs lb1 held) == "0 0" ]]
}

@test "what the standby lost unnoticed comes back within five seconds, counted and dated" {
  load_start 400 1000
  wait_for 2 "equal tables" same_tables
  lose lb2
  wait_for 5 "equal tables again" same_tables
  wait_for 5 "repairs counted at lb2" repaired lb2 holds
  wait_for 5 "repairs counted at lb1" repaired lb1 held
  ctl_says lb2 '.peers[0].holds | .diverged_ms_ago > 0 and .repaired_ms_ago > 0' peers
  wait_for 5 "proof at lb2" proven lb2 holds
}

@test "what the active node lost unnoticed comes back from the standby" {
  load_start 400 1000 --interval-ms 60000
  wait_for 2 "equal tables" same_tables
  lose lb1
  wait_for 5 "equal tables again" same_tables
  wait_for 5 "proof at lb2" proven lb2 holds
}

# The config of lb2 before the service at VIP4_DSR was thought of. Its table can't be proven equal
# to lb1's then, which it needn't wait for as long as it would by itself.
config_without() {
  config_head lb2
  config_cluster lb2 | sed 's/^cluster:/&\n  patience: 2s/'
  echo "services:"
  config_vip ipip4 "$VIP4_IPIP" ipip host4 be1 be2 be3
  config_vip dsr6 "$VIP6_DSR" dsr host6 be1 be2 be3
  config_vip ipip6 "$VIP6_IPIP" ipip host6 be1 be2 be3
}

@test "connections of a service that the standby gets after the other lbd died are all there" {
  node_kill lb2
  config_without | config_write lb2
  node_boot lb2
  wait_for 10 "lb2 in sync" node_in_sync lb2
  load_start 400 1000
  wait_for 2 "100 kept aside" ctl_says lb2 '.kept.held >= 100' peers
  table lb1 >"$LAB/table-lb1"
  murder lbd-lb1
  config_pair lb2 be1 be2 be3 | config_write lb2
  ctl lb2 reload
  wait_for 2 "none kept aside" ctl_says lb2 '.kept | .held == 0 and .entered >= 100' peers
  diff "$LAB/table-lb1" <(table lb2)
  lbd_start lb1
  wait_for 10 "lb2 in sync" node_in_sync lb2
  wait_for 2 "equal tables" same_tables
}

@test "both nodes say that they are live, and refused nothing but news for a dead daemon and of one" {
  for node in lb1 lb2; do
    wait_for 10 "$node in sync" node_in_sync "$node"
    ctl_says "$node" '[.refusals[] | select(.name | IN("no_conversation", "handshake") | not) | .count] |
      add == 0' peers
    ctl_says "$node" '.peers | length == 1 and .[0].heard_ms_ago < 2000' peers
  done
}
