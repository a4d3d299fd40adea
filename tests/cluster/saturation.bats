#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-or-later
#
# Promise: however busy a node is with new connections, neither takes its peer
# for dead while it lives, and both notice at once when it does die.
#
# Each core makes packets as fast as it can, SATURATION_SECONDS long (4; 'make soak' 600), and
# works them off: one SYNs from everywhere, the other pairs of segments, each pair a connection
# that is confirmed, and told to the peer.

load all.sh

# What is shipped: sanitizers slow down lbd, and not what it has to bear.
export LAB_LBD=$LAB_BUILD/lbd
export LAB_LBCTL=$LAB_BUILD/lbctl

# Without keepalived, whose adverts have other limits: lb1 has the VIPs, and is told so.
setup_file() {
  local node vip
  lab_up saturation
  backends_up
  # What the client's own XDP redirect sends is taken at the switch only by a program.
  ip link set dev sw-client xdpdrv obj "$LAB_TESTS/cluster/pass.bpf.o" sec xdp
  for vip in "${LAB_VIPS[@]}"; do
    on lb1 ip address add "$vip" dev eth0 preferred_lft 0
  done
  for node in lb1 lb2; do
    config_pair "$node" be1 be2 be3 | sed 's/connections-ipv4: .*/connections-ipv4: 1048576/' |
      config_write "$node"
    node_up "$node" || return 1
  done
  ctl lb1 role master
  ctl lb2 role backup
  for node in lb1 lb2; do
    wait_for 15 "$node in sync" node_in_sync "$node" || return 1
  done
}

teardown() {
  murder flood-0
  murder flood-1
  [[ $BATS_TEST_COMPLETED ]] || lab_autopsy 25
}

# flood CORE SECONDS [pairs]
flood() {
  : >"$LAB/logs/flood-$1.log"
  spawn client "flood-$1" taskset -c "$1" "$LAB_TESTS/tools/flood" \
    "$LAB_TESTS/cluster/flood.bpf.o" eth0 "$(node_mac lb1)" "$VIP4_DSR" 7000 "$((10 + $1)).0.0.0/8" \
    "$2" "${@:3}"
}

# floods SECONDS: on two cores, or one twice.
floods() {
  flood 0 "$1"
  flood $(($(nproc) > 1)) "$1" pairs
}

figures() {
  echo "# $1: $2" >&3
}

# silences NODE: how often it took its peer for dead.
silences() {
  ctl_json "$1" '.peers[0] | "\(.silences) \(.reconnects)"' peers
}

now_ms() {
  echo "$((${EPOCHREALTIME/./} / 1000))"
}

# noticed NODE: the wall clock, in ms, when its log says that the peer is stale.
noticed() {
  local said
  said=$(grep -o '^[0-9:.]* lbd: sync: lb[12] is stale' "$LAB/logs/lbd-$1.log" | tail -n 1)
  [[ -n $said ]] && date -u -d "${said%% *}" +%s%3N
}

# death WHAT COMMAND...: what kills lb2; lb1 must notice.
death() {
  local died
  : >"$LAB/logs/lbd-lb1.log"
  died=$(now_ms)
  "${@:2}"
  wait_for 10 "a dead peer" noticed lb1
  figures "$1 noticed after" "$(($(noticed lb1) - died)) ms"
  (($(noticed lb1) - died < 1000))
}

@test "saturated by new connections on all cores, no node takes the other for dead" {
  seconds=${SATURATION_SECONDS:-4}
  before="$(silences lb1), $(silences lb2)"
  floods "$seconds"
  sleep "$seconds"
  wait_for 30 "the end of one" dead flood-0
  wait_for 30 "the end of the other" dead flood-1
  figures SYNs "$(tail -n 1 "$LAB/logs/flood-0.log")"
  figures connections "$(tail -n 1 "$LAB/logs/flood-1.log")"
  figures "connections told" "$(ctl_json lb1 '.peers[0].sent_records' peers)"
  figures "times taken for dead, and conversations after the first" "$(silences lb1), $(silences lb2)"
  [[ "$(silences lb1), $(silences lb2)" == "$before" ]]
  ctl_says lb2 .gate.open role
}

@test "a node that didn't get to run doesn't take the other for dead when it does" {
  local before
  before=$(ctl_json lb2 '.peers[0].silences' peers)
  for _ in 1 2 3; do
    kill -STOP -- "-$(lab_pid lbd-lb2)"
    sleep 0.5
    kill -CONT -- "-$(lab_pid lbd-lb2)"
    sleep 0.3
  done
  figures "taken for dead by the one that was stopped three times" \
    $(($(ctl_json lb2 '.peers[0].silences' peers) - before))
  ctl_says lb1 '.peers[0].silences > 0' peers
  # A busy machine may keep it from running once more.
  ctl_says lb2 ".peers[0].silences < $before + 2" peers
}

@test "a peer that dies meanwhile is noticed at once" {
  floods 60
  sleep 1
  death "a kill -9 under load" murder lbd-lb2
}

@test "a peer that dies, and one whose link is cut, are noticed in 0.4 s" {
  lbd_start lb2
  wait_for 15 "lb1 in sync" node_in_sync lb1
  wait_for 15 "lb2 in sync" node_in_sync lb2
  death "a kill -9" murder lbd-lb2
  lbd_start lb2
  wait_for 15 "lb1 in sync" node_in_sync lb1
  wait_for 15 "lb2 in sync" node_in_sync lb2
  death "a cut" lab_cut lb2
}
