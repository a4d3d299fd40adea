#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-or-later
#
# Promise: a pair is upgraded and downgraded node by node under load, stays
# mixed for as long as wanted, fails over either way meanwhile, and breaks no
# connection. The older release is made by tests/variant/build.
#
# One load is open through all tests, which go on from each other; MIXED_CONNECTIONS
# makes it larger.

load all.sh

readonly crowd=${MIXED_CONNECTIONS:-5000} older=$LAB_BUILD/older/build

setup_file() {
  lab_up mixed
  backends_up
  node_install lb1 "$older"
  node_install lb2 "$older"
  pair_up be1 be2 be3
  load_start "$crowd" 500 --interval-ms 1000 --timeout-ms 10000
}

teardown() {
  [[ $BATS_TEST_COMPLETED ]] || lab_autopsy 20
}

teardown_file() {
  talk_stop load
}

# What systemd does when the package manager has put another release in place.
node_restart() {
  kill -TERM "$(lab_pid "lbd-$1")"
  wait_for 10 "the end of lbd on $1" dead "lbd-$1"
  lbd_start "$1"
}

# unbroken MARK: all of them live.
unbroken() {
  local figures
  figures=$(talk_mark load "$1")
  echo "$figures"
  jq -e ".tcp.before == $crowd and .tcp.broken == 0 and
    .tcp.open == .tcp.before" <<<"$figures"
}

# stands_at NODE STEP WHERE [OPTION...]: the procedure, as that node sees it.
stands_at() {
  local node=$1 step=$2 where=$3 said
  shift 3
  said=$(ctl "$node" --json cluster upgrade --check "$@") || true
  echo "$said"
  jq -e ".step == \"$step\" and .node == \"$where\"" <<<"$said"
}

# change NODE FOLDER [OPTION...]: a standby's part of the procedure; no FOLDER: this release.
change() {
  local node=$1
  node_install "$node" "$2"
  shift 2
  stands_at "$node" daemon "$node" "$@"
  node_restart "$node"
  ctl "$node" cluster upgrade "$@"
}

runs() {
  ctl_says "$1" ".version == \"$2\" and .generation.running.version == \"$2\"" status
}

active_dies() {
  local node=$1 peer=${NODE_PEER[$1]}
  node_kill "$node"
  wait_for 3 "$peer active" node_is_active "$peer"
  sleep 1
  unbroken "death-of-$node"
  node_boot "$node"
  wait_for 20 "$node in sync" node_in_sync "$node"
}

hand_over() {
  local node=$1 peer=${NODE_PEER[$1]}
  ctl "$node" failover
  node_is_active "$peer"
  wait_for 5 "$node backup" node_has_role "$node" backup
  wait_for 10 "$node in sync" node_in_sync "$node"
}

this_release() {
  "$LAB_LBCTL" --version | sed 's/lbctl //'
}

@test "a pair of the older release carries the load" {
  runs lb1 0.0.9
  runs lb2 0.0.9
  unbroken older
}

@test "a step that would hurt is refused, with the reason" {
  node_install lb2
  kill -STOP "$(lab_pid lbd-lb1)"
  wait_for 3 "a stale peer" ctl_says lb2 '.peers[0].state == "stale"' peers
  run ctl lb2 cluster upgrade --timeout 0
  kill -CONT "$(lab_pid lbd-lb1)"
  echo "$output"
  [[ $status == 1 && $output == *"NOT OK lb1 isn't in sync"* && $output == *Stop:* ]]
  wait_for 10 "both in sync" node_in_sync lb2
  runs lb2 0.0.9
}

@test "the standby is upgraded first, told step by step, and nothing is lost" {
  stands_at lb1 elsewhere lb2 --to "$(this_release)"
  change lb2 ""
  runs lb2 "$(this_release)"
  stands_at lb2 elsewhere lb1
  load_unharmed standby-upgraded
}

@test "mixed, each holds what the other has, and is at peace with it" {
  wait_for 10 "both in sync" node_in_sync lb1
  node_in_sync lb2
  ctl_says lb2 '.peers[0] | .version == 1 and .lbd == "0.0.9"' peers
  [[ $(ctl_json lb2 .count connections) -ge $crowd ]]
  wait_for 5 "no risk" ctl_says lb1 '.breaking == 0 and .connections > 0' risk
  ctl lb2 status | grep 'mixed versions'
  ctl_says lb1 .ok status
  ctl_says lb2 .ok status
}

@test "mixed, a planned failover goes both ways" {
  hand_over lb1
  unbroken to-the-newer
  hand_over lb2
  unbroken to-the-older
}

@test "mixed, the death of the older and of the newer breaks nothing" {
  active_dies lb1
  wait_for 10 "lb1 active again" node_is_active lb1
  hand_over lb1
  active_dies lb2
  unbroken deaths
}

@test "the active node hands over, is upgraded, and all is done" {
  wait_for 5 "lb1 active" node_is_active lb1
  stands_at lb1 failover lb1
  ctl lb1 cluster upgrade
  node_is_active lb2
  change lb1 ""
  runs lb1 "$(this_release)"
  stands_at lb1 "done" lb1
  stands_at lb2 "done" lb2
  ctl_says lb2 '.peers[0].version == 2' peers
  unbroken upgraded
}

@test "the way back is the same: both nodes are downgraded" {
  change lb1 "$older" --to 0.0.9
  ctl lb2 cluster upgrade --to 0.0.9
  node_is_active lb1
  change lb2 "$older" --to 0.0.9
  stands_at lb1 "done" lb1 --to 0.0.9
  runs lb1 0.0.9
  runs lb2 0.0.9
  unbroken downgraded
}
