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

@test "the peer then takes every connection over" {
  load_start 300 4000
  resize connections 128K
  sleep 0.3
  node_kill lb1
  wait_for 5 "lb2 active" node_is_active lb2
  sleep 1
  load_unbroken failover
}
