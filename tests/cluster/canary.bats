#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-or-later
#
# Promise: a new packet path gets no more than the share it is given, gives it
# back when it is worse, and when nobody watches it any more.

load all.sh

setup_file() {
  solo_lab canary be1 be2 be3
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

on_trial() {
  ctl_json lb1 '.generation.trial.kind // "none"' status
}

@test "a canary is promoted under load, and nothing is harmed" {
  before=$(running)
  ctl lb1 upgrade --canary 20%
  ctl lb1 status
  [[ $(running) == "$before" && $(on_trial) == canary ]]
  fails ctl lb1 upgrade
  fails ctl lb1 rollback
  sleep 0.5
  ctl lb1 upgrade --promote
  [[ $(running) != "$before" && $(on_trial) == none ]]
  load_unharmed promoted
}

@test "a canary of one service is aborted under load, and nothing is harmed" {
  before=$(running)
  ctl lb1 upgrade --canary 50% --service talk-dsr4
  [[ $(on_trial) == canary ]]
  sleep 0.5
  ctl lb1 upgrade --abort
  [[ $(running) == "$before" && $(on_trial) == none ]]
  fails ctl lb1 upgrade --canary 5% --service nix
  load_unharmed aborted
}

# candidates: packets that the splitter handed to what is on trial, past the daemon.
candidates() {
  "$LAB_TESTS/tools/dump" /sys/fs/bpf/lbd/lb1 split | cut -d ' ' -f 2
}

@test "kill -9 during a canary: the old one takes all by itself, and the next lbd finds it so" {
  before=$(running)
  ctl lb1 upgrade --canary 50%
  murder lbd-lb1
  handed=$(candidates)
  sleep 5.5
  late=$(candidates)
  ((late > handed))
  sleep 0.5
  [[ $(candidates) == "$late" ]]
  lbd_start lb1
  grep 'lbd died while a new packet path was on trial' "$LAB/logs/lbd-lb1.log"
  [[ $(running) == "$before" && $(on_trial) == none ]]
  [[ ! -e /run/lbd/lb1/candidate.bpf.o ]]
  load_unharmed killed
}

# taken_back NAME WHAT [--force]: swapped in, it goes back by itself; what it did is told.
taken_back() {
  local before object="$LAB_TESTS/unit/bad_live_$1.bpf.o"
  before=$(running)
  ctl lb1 upgrade "${@:3}" "$object" >/dev/null
  wait_for 20 "the end of $1" went_back "$before"
  ctl_says lb1 ".upgrades[0] | .kind == \"upgrade\" and .result == \"back\" and
    (.object | endswith(\"bad_live_$1.bpf.o\")) and .why == \"it is worse\" and
    (.evidence | contains(\"$2\")) and .harmed > 20 and .harmed < .packets" upgrade --history
  echo "# $1: $(ctl_json lb1 '.upgrades[0] |
    "\(.packets) packets until it went back, \(.harmed) harmed; \(.evidence)"' \
    upgrade --history)" >&3
}

went_back() {
  [[ $(running) == "$1" && $(on_trial) == none ]]
}

@test "a swap that drops a tenth of a service is taken back by itself" {
  taken_back mute 'without an outcome' --force
  load_unbroken mute
}

@test "a swap that only preflight finds good is taken back by itself" {
  taken_back liar 'not found in the table'
  load_unharmed liar
}

@test "a swap that harms one small service beside a heavy one is taken back, by the service's name" {
  wrk_start small "http://$(at_vip "$VIP4_IPIP" 80)/"
  sleep 1
  taken_back small 'service web-ipip4: ' --force
  wrk_stop small
  grep 'in doubt: service web-ipip4: .* not given to its backends' "$LAB/logs/lbd-lb1.log"
  load_unharmed small
}

@test "a canary that is worse ends by itself, and its share is all that was harmed" {
  before=$(running)
  fails ctl lb1 upgrade --canary 20% "$LAB_TESTS/unit/bad_live_mute.bpf.o"
  ctl_says lb1 '.upgrades[0] | .kind == "canary" and .result == "refused"' upgrade --history
  ctl lb1 upgrade --force --canary 20% "$LAB_TESTS/unit/bad_live_mute.bpf.o" >/dev/null
  wait_for 8 'the end of the canary' went_back "$before"
  ctl_says lb1 '.upgrades[0] | .kind == "canary" and .result == "back" and .why == "it is worse"' \
    upgrade --history
  ctl lb1 upgrade --history
  load_unbroken canary
}
