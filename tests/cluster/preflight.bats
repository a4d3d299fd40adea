#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-or-later
#
# Promise: a packet path that golden packets find no fault with, and that would
# hurt the traffic that is here, is refused before it gets a packet of it.

load all.sh

setup_file() {
  solo_lab preflight be1 be2 be3
}

setup() {
  load_start 300 4000
}

teardown() {
  load_over 15
}

# refused NAME PATTERN: by the replay, named by a packet; the traffic doesn't notice.
refused() {
  local before output object="$LAB_TESTS/unit/bad_live_$1.bpf.o"
  before=$(ctl_json lb1 .generation status)
  if output=$(ctl lb1 upgrade "$object" 2>&1); then
    echo "taken: $1"
    return 1
  fi
  echo "$output"
  grep -qE "replay: [0-9]+ of [0-9]+ packets fare otherwise.*:7000" <<<"$output"
  grep -qE "$2" <<<"$output"
  [[ $(ctl_json lb1 .generation status) == "$before" ]]
}

@test "each that hurts what is here is refused, and named by a packet" {
  refused drop 'came dropped'
  refused elsewhere 'expected as now, sent to be[1-3] .*came sent to be[1-3]'
  refused misses 'came sent to be[1-3]'
  load_unharmed refusals
}

@test "a check says the same, with the packets, and swaps nothing" {
  before=$(ctl_json lb1 .generation status)
  run ctl lb1 upgrade --check "$LAB_TESTS/unit/bad_live_misses.bpf.o"
  echo "$output"
  [[ $status == 1 && $output == *"a connection of be"* && $output == *"would refuse it"* ]]
  run ctl lb1 upgrade --check
  echo "$output"
  [[ $status == 0 && $output == *" 0 fare otherwise"* ]]
  [[ $(ctl_json lb1 .generation status) == "$before" ]]
  load_unharmed check
}
