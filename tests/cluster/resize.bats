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

FLOWS=${RESIZE_FLOWS:-1000000}
SMALL=1048576 LARGE=4194304

mill_config() {
  cat <<EOC
instance: mill
node: mill
xdp: {interfaces: [eth0], mode: native}
limits: {connections-ipv4: $SMALL, connections-ipv6: 1024, nat-ipv4: 1024, nat-ipv6: 1024}
timeouts: {udp: 300s}
services:
  - name: mill
    vip: 192.0.2.100
    port: 7000
    protocol: udp
    health: {check: none}
    backends:
      - {name: b1, address: 192.0.2.21}
      - {name: b2, address: 192.0.2.22}
      - {name: b3, address: 192.0.2.23}
      - {name: b4, address: 192.0.2.24}
EOC
}

setup_file() {
  lab_require_enter
  lab_open_logs "$LAB_BUILD/lab/resize"
  local host i
  for host in gen mill; do
    ip netns add "$host"
    on "$host" ip link set lo up
  done
  ip -n gen link add eth0 address 02:00:00:00:00:fd type veth \
    peer name eth0 address 02:00:00:00:00:0b netns mill
  on gen ip link set eth0 up
  on mill ip link set eth0 up
  on mill ip address add 192.0.2.11/24 dev eth0
  for i in 21 22 23 24; do
    on mill ip neigh add "192.0.2.$i" lladdr "02:00:00:00:00:$i" dev eth0 nud permanent
  done
  mill_config >"$LAB/mill.yaml"
  lbd_start mill
  mkfifo "$LAB/stream.ctl"
  : >"$LAB/stream.json"
  (
    exec 3>&- 4>&- <>"$LAB/stream.ctl" >>"$LAB/stream.json" 2>>"$LAB/logs/stream.log"
    exec setsid nsenter --net=/run/netns/gen -- "$LAB_TESTS/tools/stream" \
      "$LAB_TESTS/cluster/stream.bpf.o" eth0 02:00:00:00:00:0b 192.0.2.100 7000 198.18.0.0
  ) &
  echo $! >"$LAB/stream.pid"
  disown
}

teardown_file() {
  murder stream
}

# Where packets may have gone: by lbd, or at a queue of the link.
losses() {
  ctl mill counters
  for host in gen mill; do
    on "$host" ethtool -S eth0 | grep -v ': 0$'
    on "$host" ip -s link show eth0
  done
}

teardown() {
  [[ $BATS_TEST_COMPLETED ]] || losses
  [[ $BATS_TEST_COMPLETED ]] || lab_autopsy 25
}

stream_says() {
  echo "$*" >"$LAB/stream.ctl"
}

marks() {
  wc -l <"$LAB/stream.json"
}

marked() {
  (($(marks) > $1))
}

# mark: print the figures since the last one.
mark() {
  local before
  before=$(marks)
  stream_says mark
  wait_for 10 "figures of the stream" marked "$before"
  tail -n 1 "$LAB/stream.json"
}

# unharmed WHAT: since the last mark nothing was lost, doubled or misrouted.
unharmed() {
  local figures
  figures=$(mark)
  echo "$1: $figures" | tee -a "$LAB/logs/figures.log"
  jq -e '.sent > 1000 and .lost == 0 and .duplicated == 0 and
    .misrouted == 0' <<<"$figures"
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

@test "a table grows fourfold under load, and then holds a million connections" {
  flows_stand 250000
  ctl mill backend drain mill b1
  ctl mill backend drain mill b2
  mark >/dev/null
  ctl mill resize connections-ipv4 4M
  [[ $(slots) == "$LARGE" && $(entries) == 250000 ]]
  unharmed "1M to 4M with 250000 connections"
  ctl mill backend undrain mill b1
  ctl mill backend undrain mill b2
  flows_stand "$FLOWS"
  ctl mill backend drain mill b1
  ctl mill backend drain mill b2
  [[ $(entries) == "$FLOWS" ]]
  unharmed "$FLOWS connections"
}

@test "it shrinks to what they just fit in, and grows again" {
  before=$(entries)
  ctl mill resize connections-ipv4 1M --check
  unharmed check
  ctl mill resize connections-ipv4 1M
  [[ $(slots) == "$SMALL" && $(entries) == "$before" ]]
  unharmed "4M to 1M with $before connections"
  ctl mill resize connections-ipv4 4M
  [[ $(slots) == "$LARGE" && $(entries) == "$before" ]]
  unharmed "1M to 4M with $before connections"
  ctl mill status | grep '^moved'
}

@test "too small a table is refused, and nothing has changed" {
  before=$(entries)
  run ctl mill resize connections-ipv4 512K
  echo "$output"
  [[ $status == 1 && $output == *"live connections"*"--evict"* ]]
  [[ $(slots) == "$LARGE" && $(entries) == "$before" ]]
  unharmed refused
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
