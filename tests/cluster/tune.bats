#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-or-later
#
# Promise: `lbctl tune` tells what stands in XDP's way on an interface, and
# --apply really changes it, once.

lbctl=${BUILD:-build}/lbctl

setup_file() {
  mount -t sysfs sysfs /sys # of this network namespace; it hides bpffs
  mount -t bpf bpf /sys/fs/bpf
}

setup() {
  ip link add tune0 numrxqueues 4 numtxqueues 4 type veth peer name tune1 \
    numrxqueues 4 numtxqueues 4
  ip link set tune0 up
  ip link set tune1 up
  ethtool -L tune0 rx 1 tx 1
  echo 1 >/sys/class/net/tune0/queues/rx-0/rps_cpus
}

teardown() {
  ip link del tune0
}

# line WHAT KEY: of the JSON answer in $output.
line() {
  jq -r --arg what "$1" --arg key "$2" \
    '.interfaces[0].lines[] | select(.what == $what)[$key]' <<<"$output"
}

# offload NAME: on or off, as ethtool sees it.
offload() {
  ethtool -k tune0 | awk -v name="$1:" '$1 == name { print $2 }'
}

wanted_queues() {
  local cpus
  cpus=$(nproc --all)
  echo $((cpus < 4 ? cpus : 4))
}

@test "what is to change is told, and nothing is touched" {
  local before
  before=$(ethtool -k tune0)
  run "$lbctl" tune tune0 --json
  [[ $status == 1 && $(jq .ok <<<"$output") == false ]]
  [[ $(line tx-checksum verdict) == change && $(line tx-checksum wanted) == off ]]
  [[ $(line tso verdict) == change && $(line gso verdict) == change ]]
  [[ $(line rps verdict) == change && $(line mtu verdict) == ok ]]
  [[ $(line queues now) == "rx 1 of 4, tx 1 of 4" ]]
  [[ $(ethtool -k tune0) == "$before" ]]
}

@test "--apply sets it, and has nothing to do the second time" {
  run "$lbctl" tune tune0 --apply --json
  [[ $status == 0 && $(jq .ok <<<"$output") == true ]]
  [[ $(line tx-checksum verdict) == "done" && $(line rps verdict) == "done" ]]
  [[ $(offload tx-checksum-ip-generic) == off && $(offload tx-tcp-segmentation) == off ]]
  [[ $(offload tx-generic-segmentation) == off || $(offload generic-segmentation-offload) == off ]]
  [[ $(ethtool -l tune0 | awk '/^RX:/ { rx = $2 } END { print rx }') == $(wanted_queues) ]]
  [[ $(cat /sys/class/net/tune0/queues/rx-0/rps_cpus) =~ ^[0,]*$ ]]
  run "$lbctl" tune tune0 --apply --json
  [[ $status == 0 && $(jq '[.interfaces[0].lines[].verdict] | unique' -c <<<"$output") == '["ok"]' ]]
}

@test "what the driver refuses is told with its reason" {
  (($(wanted_queues) > 1)) || skip "there is only one CPU"
  ethtool -L tune1 rx 1 tx 1
  ip link set tune1 xdp object "${BUILD:-build}/tests/cluster/pass.bpf.o" section xdp
  run "$lbctl" tune tune0 --apply --json
  [[ $status == 1 && $(line queues verdict) == refused ]]
  [[ $(line queues refusal) == "the driver said: "* ]]
  [[ $(line rps verdict) == "done" ]]
}

@test "without an interface the config names them" {
  cat >"$BATS_TEST_TMPDIR/lbd.yaml" <<YAML
xdp: {interfaces: [tune0, tune1]}
services:
  - {name: web, vip: 192.0.2.1, port: 80, backends: [{address: 198.51.100.1}]}
YAML
  run "$lbctl" tune --config "$BATS_TEST_TMPDIR/lbd.yaml" --json
  [[ $status == 1 ]]
  [[ $(jq -c '[.interfaces[].interface]' <<<"$output") == '["tune0","tune1"]' ]]
  run "$lbctl" tune --config /no/such/file
  [[ $status == 4 ]]
}

@test "an interface that isn't there is told" {
  run "$lbctl" tune no-such-if
  [[ $status == 1 && $output == *"no-such-if: No such device"* ]]
}
