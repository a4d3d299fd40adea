#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-or-later
#
# Promise: the daemon may die at any moment. Packets flow on, and the next
# start takes over what is pinned without touching a flow.

load all.sh

setup_file() {
  solo_lab restart be1 be2 be3
}

teardown() {
  load_over 15
}

@test "ten times kill -9 of lbd under traffic loses no packet and no connection" {
  load_start 300 8000
  program=$(ctl_json lb1 .generation.running.prog_id status)
  for ((i = 0; i < 10; i++)); do
    sleep "0.0$((RANDOM % 10))"
    murder lbd-lb1
    lbd_start lb1
  done
  load_unharmed killed
  ctl_says lb1 .adopted status
  [[ $(ctl_json lb1 .generation.running.prog_id status) == "$program" ]]
}

@test "lbd killed while it starts, ten times, leaves the traffic alone" {
  load_start 300 8000
  for ((i = 0; i < 10; i++)); do
    murder lbd-lb1
    lbd_spawn lb1
    sleep "0.$((RANDOM % 3))$((RANDOM % 10))"
  done
  murder lbd-lb1
  lbd_start lb1
  load_unharmed starting
}

@test "packets flow on while no daemon runs" {
  load_start 300 8000
  murder lbd-lb1
  sleep 2
  load_unharmed headless
  http_get "http://$VIP4_IPIP/" | grep -x 'backend be[123]'
  lbd_start lb1
}

@test "the connection table is the same after a restart" {
  load_start 300 1000
  before=$(ctl_json lb1 .count connections --service talk-dsr4)
  murder lbd-lb1
  lbd_start lb1
  after=$(ctl_json lb1 .count connections --service talk-dsr4)
  echo "before $before, after $after"
  ((before >= 75 && after == before))
}

@test "a drained backend stays drained after kill -9" {
  ctl lb1 backend drain web-dsr4 be1
  murder lbd-lb1
  lbd_start lb1
  state=$(ctl_json lb1 '.backends[] | select(.name == "be1") | .state' backends web-dsr4)
  ctl lb1 backend undrain web-dsr4 be1
  [[ $state == draining ]]
}

@test "a second daemon of the same instance is refused" {
  run on lb1 "$LAB_LBD" --config "$LAB/lb1.yaml" --objects "$LAB_OBJECTS"
  echo "$output"
  [[ $status == 1 && $output == *"another lbd runs this instance"* ]]
}

@test "a start with other table sizes moves the tables, and loses nothing" {
  load_start 100 1000
  before=$(ctl_json lb1 .count connections --service talk-dsr4)
  murder lbd-lb1
  config_solo lb1 be1 be2 be3 | sed 's/connections-ipv4: .*/connections-ipv4: 131072/' |
    config_write lb1
  lbd_start lb1
  after=$(ctl_json lb1 .count connections --service talk-dsr4)
  echo "before $before, after $after"
  ((before >= 25 && after == before))
  ctl_says lb1 '.connections.ipv4.slots == 131072 and .pins.not_in_use == 0' status
  load_unharmed sized
}

@test "pins that a killed first start left half made are made again" {
  murder lbd-lb1
  lbd_detach lb1
  for ((i = 1; i <= 10; i++)); do
    lbd_spawn lb1
    sleep "0.0$i"
    murder lbd-lb1
  done
  lbd_start lb1
  wait_for 5 "healthy backends" backends_healthy lb1
  http_get "http://$VIP4_DSR/" | grep -x 'backend be[123]'
}

@test "pins of an older lbd, that lack a map which came later, are adopted and completed" {
  load_start 100 1000
  murder lbd-lb1
  rm /sys/fs/bpf/lbd/lb1/lbd_xsk_slots
  lbd_start lb1
  [[ -e /sys/fs/bpf/lbd/lb1/lbd_xsk_slots ]]
  load_unharmed completed
}

@test "bpffs is mounted if it is missing" {
  murder lbd-lb1
  lbd_detach lb1
  umount /sys/fs/bpf
  lbd_start lb1
  [[ $(stat -f -c %T /sys/fs/bpf) == bpf_fs && -d /sys/fs/bpf/lbd/lb1 ]]
}
