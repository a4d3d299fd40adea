#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-or-later
#
# Promise: each peer has its own pace. Of three nodes one that is slow takes
# what it can, and the other hears everything as fast as if it were alone.

load all.sh

readonly NODES=(lb1 lb2 lb3)

# three_peers NODE: all but itself.
three_peers() {
  local peer
  for peer in "${NODES[@]}"; do
    [[ $peer != "$1" ]] || continue
    cat <<EOC
    - name: $peer
      address: $(host4 "$peer"):7400
      keys: [$(config_keys "$peer")]
EOC
  done
}

# Four slots for each connection of all tests: in a fuller table one of thousands finds no room,
# and which one is another at each node.
three_config() {
  config_head "$1" | sed 's/connections-ipv4: .*/connections-ipv4: 262144/'
  config_key "$1" >/dev/null
  cat <<EOC
cluster:
  secret-file: $LAB/secret
  key-file: $LAB/$1.key
  listen: $(host4 "$1"):7400
  patience: 1s
  peers:
$(three_peers "$1")
EOC
  config_services be1 be2 be3
}

# Without keepalived: lb1 has the VIPs, and is told so.
setup_file() {
  local node vip
  lab_up three
  lab_forwarder lb3
  backends_up
  for vip in "${LAB_VIPS[@]}"; do
    on lb1 ip address add "$vip" dev eth0 preferred_lft 0
  done
  for node in "${NODES[@]}"; do
    three_config "$node" | config_write "$node"
  done
  for node in "${NODES[@]}"; do
    node_up "$node" || return 1
  done
  ctl lb1 role master
  ctl lb2 role backup
  ctl lb3 role backup
  wait_for 15 "three nodes in sync" all_in_sync
}

teardown() {
  [[ ! -s $LAB/slow.pid ]] || slow_over
  murder churn
  [[ $BATS_TEST_COMPLETED ]] || lab_autopsy 25
}

all_in_sync() {
  local node
  for node in "${NODES[@]}"; do
    ctl_says "$node" '[.peers[] | .state == "live" and .received_all] | length == 2 and all' peers ||
      return 1
  done
}

# The daemon of lb3 runs for one of ten moments, so it grants credit as rarely.
slow_begin() {
  (
    exec 3>&- 4>&- </dev/null >/dev/null 2>&1
    while :; do
      kill -STOP -- "-$(lab_pid lbd-lb3)"
      sleep 0.27
      kill -CONT -- "-$(lab_pid lbd-lb3)"
      sleep 0.03
    done
  ) &
  echo $! >"$LAB/slow.pid"
  disown
}

slow_over() {
  kill "$(lab_pid slow)" 2>/dev/null
  rm -f "$LAB/slow.pid"
  sleep 0.1
  kill -CONT -- "-$(lab_pid lbd-lb3)"
}

churn_start() {
  spawn client churn "$LAB_TESTS/tools/churn" "$VIP4_DSR" 7000 "$@"
  wait_for 30 "a crowd" grep -q filled "$LAB/logs/churn.log"
}

# how_old PEER: for how long changes at lb1 had waited for it, in ms, the median of some looks.
how_old() {
  local n
  for ((n = 0; n < 15; n++)); do
    ctl_json lb1 ".peers[] | select(.name == \"$1\") | .unsynced_ms" peers
    sleep 0.1
  done | sort -n | sed -n 8p
}

@test "a slow peer lags alone" {
  churn_start 5000 2000 2000
  slow_begin
  sleep 2
  fast=$(how_old lb2)
  slow=$(how_old lb3)
  echo "unsynced for $fast ms at lb2, $slow ms at lb3"
  ((slow > 20 && fast * 3 < slow))
  ctl_says lb1 '.peers[] | select(.name == "lb2") | .reconnects == 0 and .state == "live"' peers
}

@test "what it missed meanwhile it gets, and all three are equal" {
  churn_start 5000 2000 2000
  slow_begin
  sleep 3
  slow_over
  murder churn
  wait_for 5 "equal tables at lb2" nodes_equal lb1 lb2
  wait_for 5 "equal tables at lb3" nodes_equal lb1 lb3
  for node in lb2 lb3; do
    wait_for 5 "proof at $node" ctl_says "$node" '.peers[] | select(.name == "lb1") | .holds |
      .agreed_ms_ago >= 0 and .differing == 0' peers
  done
}

# lb3_boots: nothing of it is left, and it is patient from now on.
lb3_boots() {
  murder lbd-lb3
  lbd_detach lb3
  rm -rf /run/lbd/lb3
  sed -i 's/patience: .*/patience: 20s/' "$LAB/lb3.yaml"
  lbd_start lb3
}

lb3_gate() {
  ctl_says lb3 ".gate.open == $1 and (.gate.reason | startswith(\"$2\"))" role
}

@test "a node that starts waits for the active one, whatever a standby says" {
  lab_cut lb1
  lb3_boots
  wait_for 5 "lb2's table at lb3" ctl_says lb3 '.peers[] | select(.name == "lb2") | .received_all' \
    peers
  sleep 0.2
  lb3_gate false "lb1 hasn't answered yet"
  lab_mend lb1
  wait_for 10 "proof at lb3" lb3_gate true "the connection table is proven equal to lb1's"
}

@test "a node that starts doesn't wait for a standby that is away" {
  lab_cut lb2
  lb3_boots
  wait_for 10 "proof at lb3" lb3_gate true "the connection table is proven equal to lb1's"
  ctl_says lb3 '.peers[] | select(.name == "lb2") | .heard_ms_ago == -1' peers
  lab_mend lb2
  wait_for 10 "three nodes in sync" all_in_sync
}

@test "a peer that is gone for long costs the others nothing, and gets all when it is back" {
  churn_start 5000 2000 2000
  murder lbd-lb3
  sleep 3
  ctl_says lb1 '.peers[] | select(.name == "lb2") | .state == "live" and .unsynced_ms < 1000' peers
  lbd_start lb3
  wait_for 10 "three nodes in sync" all_in_sync
  murder churn
  wait_for 5 "equal tables at lb3" nodes_equal lb1 lb3
}
