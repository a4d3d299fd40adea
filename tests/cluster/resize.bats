#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-or-later
#
# Promise: the tables get other sizes under load, and not one packet or
# connection notices; nor does a lbd that dies in the middle harm any.
#
# A million flows of numbered datagrams, sent and taken back at one end of a link,
# at whose other end lbd stands. Once they stand, half of the backends take no new connections: a flow
# whose entry was lost would go elsewhere, and be seen to.

# A copy of a million entries under the sanitizers takes longer than all the rest.
LAB_LBD=${LAB_LBD:-$(realpath -m "${BUILD:-build}")/lbd}
LAB_LBCTL=${LAB_LBCTL:-$(realpath -m "${BUILD:-build}")/lbctl}

load all.sh
load mill.sh

FLOWS=${RESIZE_FLOWS:-1000000}
SMALL=1048576 LARGE=4194304

setup_file() {
  mill_up resize
}

teardown_file() {
  murder stream
}

teardown() {
  [[ $BATS_TEST_COMPLETED ]] || losses
  [[ $BATS_TEST_COMPLETED ]] || lab_autopsy 25
}

entries() {
  ctl_json mill .connections.ipv4.entries status
}

has_entries() {
  (($(entries) >= $1))
}

slots() {
  ctl_json mill .connections.ipv4.slots status
}

# flows_stand FLOWS: all are known, and each has shown enough for its entry to be a confirmed one.
flows_stand() {
  local sent=0
  stream_says "flows $1"
  wait_for 20 "$1 entries" has_entries "$1"
  mark >/dev/null
  while ((sent < 2 * $1)); do
    sleep 0.1
    sent=$((sent + $(mark | jq .sent)))
  done
}

# From now on a flow of b1 or b2 that has no entry goes elsewhere.
only_half() {
  ctl mill backend drain mill b1 >/dev/null
  ctl mill backend drain mill b2 >/dev/null
}

@test "a table grows fourfold under load" {
  flows_stand 250000
  only_half
  sleep 0.5
  unharmed "nothing but the stream"
  ctl mill resize connections-ipv4 4M
  [[ $(slots) == "$LARGE" && $(entries) == 250000 ]]
  unharmed "1M to 4M with 250000 connections"
}

# asking_start: ask for the status in a loop, until asking_stop, which tells how that went.
asking_start() {
  : >"$LAB/logs/asking.log"
  spawn mill asking python3 "$LAB_ROOT/tests/cluster/asking.py" /run/lbd/mill/api.sock status
  wait_for 5 "answers" test -s "$LAB/logs/asking.log"
}

asking_stop() {
  kill -INT -- "-$(lab_pid asking)"
  wait_for 10 "the last answer" dead asking
  tail -n 1 "$LAB/logs/asking.log"
}

# Whatever takes as long as the table is large is a thread's.
@test "the API answers in each phase of a move" {
  asking_start
  ctl mill resize connections-ipv4 1M
  ctl mill resize connections-ipv4 4M
  figures=$(asking_stop)
  echo "# API while 250000 connections move: $figures" >&3
  ctl mill status | grep '^moved' >&3
  jq -e '.failed == 0 and .phases.copying > 1 and .phases.loading > 1 and .phases.proving > 1' \
    <<<"$figures"
  unharmed "asked all the time"
}

@test "too small a table is refused, and nothing has changed" {
  before=$(entries)
  run ctl mill resize connections-ipv4 128K
  echo "$output"
  [[ $status == 1 && $output == *"live connections"*"--evict"* ]]
  [[ $(slots) == "$LARGE" && $(entries) == "$before" ]]
  unharmed refused
}

@test "with a million connections it shrinks to what they just fit in, and grows again" {
  ctl mill backend undrain mill b1
  ctl mill backend undrain mill b2
  flows_stand "$FLOWS"
  only_half
  mark >/dev/null
  ctl mill resize connections-ipv4 1M --check
  unharmed "check with $FLOWS connections"
  ctl mill resize connections-ipv4 1M
  [[ $(slots) == "$SMALL" && $(entries) == "$FLOWS" ]]
  unharmed "4M to 1M with $FLOWS connections"
  ctl mill resize connections-ipv4 4M
  [[ $(slots) == "$LARGE" && $(entries) == "$FLOWS" ]]
  unharmed "1M to 4M with $FLOWS connections"
  ctl mill status | grep '^moved'
}

@test "lbd killed in the middle of a move, eight times, leaves the traffic alone" {
  before=$(entries)
  for ((i = 0; i < 8; i++)); do
    to=$((i % 2 ? 4 : 1))M
    ctl mill resize connections-ipv4 "$to" >/dev/null 2>&1 &
    sleep "0.0$((RANDOM % 10))$((RANDOM % 10))"
    ((i % 4 < 2)) || sleep "0.$((RANDOM % 3))"
    murder lbd-mill
    wait $! || true
    lbd_start mill
    [[ $(entries) == "$before" ]]
    [[ ! -e /sys/fs/bpf/lbd/mill/next && ! -e /sys/fs/bpf/lbd/mill/done ]]
  done
  unharmed "eight kills"
}

@test "the stream sees a flow that lost its entry" {
  on mill "$LAB_TESTS/tools/dump" /sys/fs/bpf/lbd/mill lose 1000
  sleep 4
  figures=$(mark)
  echo "$figures"
  jq -e '.misrouted > 0 and .lost == 0' <<<"$figures"
}
