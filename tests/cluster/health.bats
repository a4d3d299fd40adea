#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-or-later
#
# Promise: a backend that doesn't answer gets no new connections, one that
# answers again does, and the others' connections never notice.

load all.sh

setup_file() {
  solo_lab health be1 be2 be3
}

teardown() {
  lab_mend be2
  alive nginx-be2 || backend_start be2
  load_over 15
}

# all_of BACKEND STATE: in every service.
all_of() {
  ctl_says lb1 "[.backends[] | select(.name == \"$1\") | .state] | all(. == \"$2\")" backends
}

# answers VIP: which backends answer 40 new connections.
answers() {
  local i
  for ((i = 0; i < 40; i++)); do
    http_get "http://$(at_vip "$1" 80)/"
  done | sort -u | tr '\n' ' '
}

@test "a stopped backend goes down, is named with its reason, and comes back" {
  backend_stop be2
  wait_for 3 "be2 down" all_of be2 down
  ctl_says lb1 '.backends[] | select(.name == "be2") | .health.reason | test("refused")' backends
  for vip in "${LAB_VIPS[@]}"; do
    [[ $(answers "$vip") == 'backend be1 backend be3 ' ]]
  done
  backend_start be2
  wait_for 3 "be2 up" all_of be2 up
  for vip in "${LAB_VIPS[@]}"; do
    [[ $(answers "$vip") == 'backend be1 backend be2 backend be3 ' ]]
  done
}

@test "a silent backend goes down by its timeout" {
  lab_cut be2
  wait_for 4 "be2 down" all_of be2 down
  [[ $(answers "$VIP4_DSR") == 'backend be1 backend be3 ' ]]
  lab_mend be2
  wait_for 5 "be2 up" all_of be2 up
}

@test "when one backend dies only its own connections break" {
  load_start 300 2000
  before=$(jq -c .servers <<<"$(talk_mark load before)")
  backend_stop be2
  wait_for 3 "be2 down" all_of be2 down
  sleep 1
  figures=$(talk_mark load died)
  echo "$before, then $figures"
  jq -e --argjson before "$before" '.tcp.broken == $before.be2 and
    .servers.be1 == $before.be1 and .servers.be3 == $before.be3' <<<"$figures"
}

@test "the health of each backend survives a restart of lbd" {
  backend_stop be2
  wait_for 3 "be2 down" all_of be2 down
  # lbctl says so at once; the tables, which outlive the daemon, follow some moments later.
  sleep 0.5
  murder lbd-lb1
  lbd_start lb1
  all_of be2 down
  all_of be1 up
  all_of be3 up
}

@test "a service without any healthy backend drops, counts and complains" {
  for host in "${LAB_BACKENDS[@]}"; do
    backend_stop "$host"
  done
  wait_for 3 "all down" all_of be1 down
  wait_for 3 "all down" all_of be3 down
  run http_get --max-time 1 "http://$VIP4_DSR/"
  [[ $status != 0 ]]
  ctl_says lb1 '.outcomes[] | select(.name == "drop_no_backend") | .packets > 0' counters
  ctl_says lb1 '.ok == false and any(.problems[]; .what | test("web-dsr4"))' status
  for host in "${LAB_BACKENDS[@]}"; do
    backend_start "$host"
  done
  wait_for 3 "be1 up" all_of be1 up
  wait_for 3 "be3 up" all_of be3 up
  http_get "http://$VIP4_DSR/"
}
