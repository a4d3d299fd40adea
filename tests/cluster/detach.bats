#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-or-later
#
# Promise: `lbd --detach` removes the program and every pin; nothing else does.

load all.sh

setup_file() {
  solo_lab detach be1 be2
}

setup() {
  alive lbd-lb1 || node_up lb1
}

teardown() {
  [[ $BATS_TEST_COMPLETED ]] || lab_autopsy 15
}

program() {
  on lb1 ip -d -j link show dev eth0 | jq -r '.[0].xdp.prog.id // "none"'
}

pins() {
  find /sys/fs/bpf/lbd/lb1 | sort
}

serves() {
  http_get "http://$VIP4_DSR/" && http_get "http://[$VIP6_IPIP]/"
}

# stays COMMAND...: it leaves program, pins and traffic alone.
stays() {
  local program_before pins_before
  program_before=$(program) pins_before=$(pins)
  [[ $program_before != none ]]
  "$@"
  wait_for 5 "the end of lbd" dead lbd-lb1
  [[ $(program) == "$program_before" ]]
  diff <(echo "$pins_before") <(pins)
  serves
}

@test "SIGTERM stops the daemon, not the program" {
  stays kill -TERM "$(lab_pid lbd-lb1)"
}

@test "SIGINT stops the daemon, not the program" {
  stays kill -INT "$(lab_pid lbd-lb1)"
}

@test "kill -9 stops the daemon, not the program" {
  stays kill -9 "$(lab_pid lbd-lb1)"
}

@test "detach is refused while lbd runs" {
  run lbd_detach lb1
  [[ $status == 1 && $(program) != none ]]
  serves
}

@test "detach removes the program and every pin" {
  murder lbd-lb1
  lbd_detach lb1
  [[ $(program) == none && ! -e /sys/fs/bpf/lbd/lb1 ]]
  fails serves
}

@test "detach where nothing is attached says so and succeeds" {
  murder lbd-lb1
  lbd_detach lb1
  run on lb1 "$LAB_LBD" --config "$LAB/lb1.yaml" --detach
  echo "$output"
  [[ $status == 0 && $output == *nothing* ]]
}

@test "after a detach lbd starts from nothing" {
  murder lbd-lb1
  lbd_detach lb1
  node_up lb1
  ctl_says lb1 '.adopted == false' status
  serves
}

@test "in generic mode it serves as well, and warns of what that costs" {
  murder lbd-lb1
  lbd_detach lb1
  cp "$LAB/lb1.yaml" "$LAB/native.yaml"
  sed -i 's/mode: native/mode: generic/' "$LAB/lb1.yaml"
  node_up lb1
  serves
  ctl_says lb1 '.xdp[0].mode == "generic"' status
  grep -i 'warning.*eth0.*generic' "$LAB/logs/lbd-lb1.log"
  murder lbd-lb1
  lbd_detach lb1
  [[ $(program) == none ]]
  mv "$LAB/native.yaml" "$LAB/lb1.yaml"
}
