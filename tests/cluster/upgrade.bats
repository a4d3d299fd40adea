#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-or-later
#
# Promise: replacing the BPF program under load loses, doubles and misroutes
# nothing, and a bad new program never takes the traffic.

load all.sh

setup_file() {
  solo_lab upgrade be1 be2 be3
}

setup() {
  load_start 300 8000
}

teardown() {
  load_over 15
}

running() {
  ctl_json lb1 .generation.running.prog_id status
}

previous() {
  ctl_json lb1 .generation.previous.prog_id status
}

# refused OBJECT REASON: neither the upgrade nor the traffic takes it.
refused() {
  local before output
  before=$(ctl_json lb1 .generation status)
  if output=$(ctl lb1 upgrade "$1" 2>&1); then
    echo "taken: $1"
    return 1
  fi
  echo "$output"
  grep -qiE "$2" <<<"$output"
  [[ $(ctl_json lb1 .generation status) == "$before" ]]
}

# What runs stays, so that the next upgrade follows it: one that is in doubt would go back first.
settle() {
  ctl lb1 upgrade --promote >/dev/null 2>&1 || true
}

@test "there is nothing to roll back to before the first upgrade" {
  run ctl lb1 rollback
  echo "$output"
  [[ $status != 0 && $output == *previous* ]]
  load_unharmed rollback
}

@test "twenty swaps under load lose, double and misroute nothing" {
  for ((i = 0; i < 20; i++)); do
    ctl lb1 upgrade >/dev/null
  done
  load_unharmed swaps
}

@test "an upgrade makes a new program run and keeps the previous one" {
  settle
  before=$(running)
  ctl lb1 upgrade
  [[ $(running) != "$before" && $(previous) == "$before" ]]
  load_unharmed upgrade
}

@test "a rollback returns to the previous program, and back" {
  settle
  ctl lb1 upgrade
  settle
  new=$(running) old=$(previous)
  ctl lb1 rollback
  [[ $(running) == "$old" && $(previous) == "$new" ]]
  ctl lb1 rollback
  [[ $(running) == "$new" && $(previous) == "$old" ]]
  load_unharmed rollback
}

@test "an object that isn't there is refused" {
  refused "$LAB/nowhere.bpf.o" 'nowhere.bpf.o.*no such file'
  load_unharmed missing
}

@test "a truncated object is refused" {
  head -c 2000 "$LAB_OBJECTS/lb.bpf.o" >"$LAB/short.bpf.o"
  refused "$LAB/short.bpf.o" 'short.bpf.o'
  load_unharmed truncated
}

@test "an object of something else is refused" {
  refused "$LAB_TESTS/cluster/pass.bpf.o" 'pass.bpf.o'
  load_unharmed stranger
}

@test "a program that loads but sends packets nowhere fails the golden packets" {
  refused "$LAB_TESTS/cluster/blackhole.bpf.o" 'golden'
  load_unharmed blackhole
}

@test "a program of another table layout is refused" {
  refused "$LAB_TESTS/cluster/foreign.bpf.o" 'ABI'
  load_unharmed foreign
}
