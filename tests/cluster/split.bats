#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-or-later
#
# Promise: nodes that don't hear each other both forward; when they do again,
# no connection breaks, and whoever kept the traffic has the higher term.

load all.sh
load faults.sh

setup_file() {
  pair_lab split be1 be2 be3
}

teardown() {
  load_over 25
}

both_active() {
  node_is_active lb1 && node_is_active lb2
}

one_active() {
  node_is_active lb1 && node_has_role lb2 backup && node_in_sync lb1 && node_in_sync lb2
}

term_of() {
  ctl_json "$1" .term.own role
}

dump() {
  "$LAB_TESTS/tools/dump" "/sys/fs/bpf/lbd/$1" | sort
}

same_dumps() {
  diff <(dump lb1) <(dump lb2)
}

@test "a split in which both were active breaks none of 400 connections, and is settled by terms" {
  load_start 400 1000
  wait_for 2 "equal tables" same_dumps
  term=$(term_of lb1)
  fault_split_begin
  wait_for 5 "two active nodes" both_active
  (($(term_of lb2) == term + 1))
  sleep 2
  load_unbroken split
  fault_split_heal
  wait_for 15 "one active node" one_active
  sleep 2
  load_unbroken settled
  # lb1 has kept the traffic: it hears of a higher term, of a node that is standby.
  wait_for 2 "the higher term at lb1" ctl_says lb1 ".term.own == $((term + 2))" role
  ctl_says lb2 ".peers[0] | .role == \"active\" and .term == $((term + 2))" peers
}

@test "afterwards the tables are equal, and stay so while connections come and go" {
  load_start 200 1000
  wait_for 5 "equal tables" same_dumps
  wait_for 5 "proof at the standby" ctl_says lb2 '.peers[0].holds |
    .agreed_ms_ago >= 0 and .differing == 0' peers
}

@test "a daemon that starts again goes on with its term, a node that does hears of it" {
  term=$(term_of lb1)
  murder lbd-lb1
  lbd_start lb1
  wait_for 10 "lb1 in sync" node_in_sync lb1
  [[ $(term_of lb1) == "$term" ]]
  node_kill lb2
  node_boot lb2
  wait_for 10 "lb2 in sync" node_in_sync lb2
  ctl_says lb2 ".term | .own == 0 and .known == $term" role
}
