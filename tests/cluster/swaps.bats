#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-or-later
#
# Promise: swap after swap, upgrades and rollbacks, watched or not, under as
# many numbered datagrams as a core makes: none is lost, doubled or misrouted.
#
# SWAPS of them (60); 'make torture' has a thousand.

# Not under sanitizers: what is to be hurried is the packet path.
LAB_LBD=${LAB_LBD:-$(realpath -m "${BUILD:-build}")/lbd}
LAB_LBCTL=${LAB_LBCTL:-$(realpath -m "${BUILD:-build}")/lbctl}

load all.sh
load mill.sh

FLOWS=20000

setup_file() {
  mill_up swaps
  stream_says "flows $FLOWS"
  sleep 0.5
}

teardown_file() {
  murder stream
}

teardown() {
  [[ $BATS_TEST_COMPLETED ]] || losses
  [[ $BATS_TEST_COMPLETED ]] || lab_autopsy 25
}

# watch_for TIME: how long a swap is watched from now on.
watch_for() {
  {
    mill_config
    echo "upgrade: {watch: $1}"
  } | config_write mill
  ctl mill reload >/dev/null
}

# swap_often TIMES: an upgrade, and now and then a rollback or two.
swap_often() {
  for ((i = 0; i < $1; i++)); do
    if ((i % 5 == 3 || i % 7 == 5)); then
      ctl mill rollback >/dev/null
    else
      ctl mill upgrade >/dev/null
    fi
  done
}

# swaps_harmless NAME TIMES: with figures, shown even when the test passes.
swaps_harmless() {
  mark >/dev/null
  swap_often "$2"
  unharmed "$1"
  echo "# $1, $2 swaps: $(tail -n 1 "$LAB/stream.json")" >&3
}

@test "swaps that aren't watched harm nothing" {
  watch_for 0s
  swaps_harmless unwatched $((${SWAPS:-60} / 2))
}

@test "swaps that are watched harm nothing" {
  watch_for 30s
  swaps_harmless watched $((${SWAPS:-60} / 2))
}

@test "lbctl tells what came of them" {
  ctl_says mill '.upgrades | length >= 8 and
    all(.result == "runs" or .result == "kept" or .result == "back") and
    all(.harmed == 0)' upgrade --history
}
