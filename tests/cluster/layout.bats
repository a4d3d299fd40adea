#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-or-later
#
# Promise: an lbd whose maps have another layout takes over from one whose maps
# have not, in either direction, under load; and what would lose something is
# refused while packets go on. The other release is made by tests/variant/build.
#
# LAYOUT_ROUNDS of there and back, with LAYOUT_CONNECTIONS open.

load all.sh

setup_file() {
  solo_lab layout be1 be2 be3
}

setup() {
  readonly other=$LAB_BUILD/older/build less=$LAB_BUILD/less/build
  readonly pins=/sys/fs/bpf/lbd/lb1
  readonly rounds=${LAYOUT_ROUNDS:-2} open=${LAYOUT_CONNECTIONS:-300}
}

teardown() {
  load_over 25
}

# lb1_becomes LBD OBJECTS: the daemon is replaced, as a package manager does.
lb1_becomes() {
  kill -TERM "$(lab_pid lbd-lb1)"
  wait_for 10 "the end of lbd" dead lbd-lb1
  LAB_LBD=$1 LAB_OBJECTS=$2 lbd_start lb1
}

layout_of() {
  bpftool -j map show pinned "$pins/$1" | jq .bytes_value
}

entries() {
  ctl_json lb1 .count connections --service talk-dsr4
}

@test "there and back between two layouts under load harms no packet and loses no entry" {
  load_start "$open" 8000
  before=$(entries)
  for ((i = 0; i < rounds; i++)); do
    lb1_becomes "$other/lbd" "$other/bpf"
    [[ $(layout_of lbd_backends) == 72 && $(ctl_json lb1 .version status) == 0.0.9 ]]
    lb1_becomes "$LAB_LBD" "$LAB_OBJECTS"
    [[ $(layout_of lbd_backends) == 64 ]]
  done
  load_unharmed moved
  after=$(entries)
  echo "entries: $before before, $after after"
  ((before > 0 && after == before))
  [[ ! -e $pins/next && ! -e $pins/done ]]
}

@test "killed at any moment of the move, the next start goes on or begins again" {
  load_start "$open" 8000
  before=$(entries)
  for ((i = 0; i < rounds; i += 2)); do
    murder lbd-lb1
    LAB_LBD=$other/lbd LAB_OBJECTS=$other/bpf lbd_spawn lb1
    sleep "0.$((RANDOM % 5))$((RANDOM % 10))"
    murder lbd-lb1
    LAB_LBD=$other/lbd LAB_OBJECTS=$other/bpf lbd_start lb1
    lb1_becomes "$LAB_LBD" "$LAB_OBJECTS"
  done
  load_unharmed killed
  (($(entries) == before))
}

@test "a release that lacks a field that was never written takes over, and back" {
  load_start 100 8000
  lb1_becomes "$less/lbd" "$less/bpf"
  ctl_says lb1 '.version == "0.0.8"' status
  lb1_becomes "$LAB_LBD" "$LAB_OBJECTS"
  load_unharmed lacking
}

@test "one that lacks a field in use is refused by name and place, and packets go on" {
  load_start 100 8000
  sed -i '/name: talk-dsr4$/a\    sticky: 10m' "$LAB/lb1.yaml"
  ctl lb1 reload
  murder lbd-lb1
  run on lb1 timeout 20 "$less/lbd" --config "$LAB/lb1.yaml" --objects "$less/bpf"
  echo "$output"
  [[ $status == 1 && $output == *"lbd_services: sticky is in use; the new layout has no such field (entry "* ]]
  load_unharmed refused
  lbd_start lb1
  run ctl lb1 upgrade "$less/bpf/lb.bpf.o"
  echo "$output"
  [[ $status != 0 && $output == *"map lbd_services: another layout, without sticky: "* ]]
  run ctl lb1 upgrade "$other/bpf/lb.bpf.o"
  echo "$output"
  [[ $status != 0 && $output == *"map lbd_backends: "* ]]
  load_unharmed object
}
