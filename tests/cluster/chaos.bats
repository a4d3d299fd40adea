#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-or-later
#
# Promise: whatever happens to the two nodes and to what is between them, their
# tables are equal again within five seconds after it is over, by the digests
# and by a dump of both compared entry by entry.
#
# CHAOS_SECONDS of faults (30), CHAOS_CONNECTIONS over IPv4 that come and go meanwhile,
# CHAOS_NEW a second (1000), and half as many over IPv6. A table of which more than some tenths are
# live displaces entries, and each node others: there is no proof while that goes on. So CHAOS_SLOTS
# should be eight times what is made; IPv6 has half of them.

load all.sh
load faults.sh

: "${CHAOS_SLOTS:=524288}" "${CHAOS_CONNECTIONS:=100000}" "${CHAOS_NEW:=1000}"
# Sanitized as well: the sanitizer wants to be first in line, and need not be.
export WALLTIME_LBD=${WALLTIME_LBD:-$LAB_LBD} WALLTIME_LIBRARY=$LAB_TESTS/cluster/walltime.so
export ASAN_OPTIONS=${ASAN_OPTIONS:+$ASAN_OPTIONS:}verify_asan_link_order=0
LAB_LBD=$LAB_ROOT/tests/cluster/with-walltime

chaos_config() {
  config_pair "$@" | sed -e "s/connections-ipv4: .*/connections-ipv4: $CHAOS_SLOTS/" \
    -e "s/connections-ipv6: .*/connections-ipv6: $((CHAOS_SLOTS / 2))/"
}

setup_file() {
  local node
  lab_up chaos
  backends_up
  for node in lb1 lb2; do
    walltime_set "$node" 0
  done
  pair_with chaos_config be1 be2 be3
}

teardown() {
  murder churn4
  murder churn6
  [[ $BATS_TEST_COMPLETED ]] || lab_autopsy 25
}

# churn_start FAMILY VIP SHARE: one of so many parts.
churn_start() {
  spawn client "churn$1" "$LAB_TESTS/tools/churn" "$2" 7000 $((CHAOS_CONNECTIONS / $3)) \
    $((CHAOS_NEW / $3)) $((10000 / $3))
}

churn_filled() {
  wait_for 60 "a filled table" grep -q filled "$LAB/logs/churn$1.log"
}

churn_stop() {
  kill -TERM -- "-$(lab_pid "churn$1")"
  wait_for 30 "figures of churn" grep -q '"made"' "$LAB/logs/churn$1.log"
  tail -n 1 "$LAB/logs/churn$1.log" >&3
}

proven() {
  ctl_says "$1" '.peers[0].holds | .agreed_ms_ago >= 0 and .agreed_ms_ago < 2500 and
    .differing == 0' peers
}

# Fails, and shows what both say of each other, and what one has and the other hasn't.
differ() {
  local node client
  while read -r client; do
    for node in lb1 lb2; do
      echo "$node: $("$LAB_TESTS/tools/dump" "/sys/fs/bpf/lbd/$node" all | grep -F "$client ")"
    done
  done < <(comm -3 "$LAB/dump-lb1" "$LAB/dump-lb2" | awk '{ print $1 }' | head -n 8)
  for node in lb1 lb2; do
    ctl "$node" peers --json
  done
  return 1
}

back_in_sync() {
  node_in_sync lb1 && node_in_sync lb2 && node_is_active lb1
}

@test "after any row of faults both tables are equal, by digest and by dump" {
  churn_start 4 "$VIP4_DSR" 1
  churn_start 6 "$VIP6_DSR" 2
  churn_filled 4
  churn_filled 6
  faults_happen "${CHAOS_SECONDS:-30}"
  wait_for 20 "both in sync, lb1 active" back_in_sync
  local proof=yes
  wait_for 5 "proof at the standby" proven lb2 || proof=no
  churn_stop 4
  churn_stop 6
  sleep 5
  node_dump lb1 >"$LAB/dump-lb1"
  node_dump lb2 >"$LAB/dump-lb2"
  wc -l "$LAB/dump-lb1" "$LAB/dump-lb2" >&3
  (($(grep -c '^\[' "$LAB/dump-lb1") > CHAOS_CONNECTIONS / 4))
  cmp "$LAB/dump-lb1" "$LAB/dump-lb2" || differ
  [[ $proof == yes ]] || differ
}
