#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-or-later
#
# Promise: a new daemon takes over from the running one under load: nothing
# breaks, nobody is refused, nothing is forgotten, and whichever of the two
# dies on the way, one goes on.

load all.sh

setup_file() {
  pair_lab takeover be1 be2 be3
}

setup() {
  load_start 200 4000
}

teardown() {
  alive nginx-be2 || backend_start be2
  asking_stop
  load_over 15
}

pid_of() {
  ctl_json "$1" .daemon.pid version
}

# asking_start: ask for the version in a loop, a connection each, until asking_stop.
asking_start() {
  : >"$LAB/logs/asking.log"
  spawn lb1 asking python3 "$LAB_ROOT/tests/cluster/asking.py" /run/lbd/lb1/api.sock
  wait_for 5 "answers" test -s "$LAB/logs/asking.log"
}

# Prints {"asked", "failed", "slowest_ms", "pids"}.
asking_stop() {
  [[ -f $LAB/asking.pid ]] || return 0
  kill -INT -- "-$(lab_pid asking)"
  wait_for 10 "the last answer" dead asking
  rm "$LAB/asking.pid"
  tail -n 1 "$LAB/logs/asking.log"
}

gone() {
  [[ $(ps -o stat= -p "$1") != [^Z]* ]]
}

# upgraded NODE: as its package does it.
upgraded() {
  local before after
  before=$(pid_of "$1")
  ctl "$1" upgrade --daemon
  after=$(pid_of "$1")
  [[ $after != "$before" ]]
  wait_for 3 "the end of the old daemon" gone "$before"
}

resyncs() {
  ctl_json "$1" '[.peers[].resyncs] | add' peers
}

be2_health() {
  ctl_json lb1 '[.backends[] | select(.name == "be2") | [.state, .health.streak > 3, .health.reason]]' backends
}

is_down() {
  ctl_says lb1 '[.backends[] | select(.name == "be2") | .state] | all(. == "down")' backends
}

@test "three takeovers under load break nothing, refuse nobody and need no resync" {
  before=$(resyncs lb2)
  reloads=$(ctl_json lb1 .reloads status)
  ctl lb1 reload
  asking_start
  for ((i = 0; i < 3; i++)); do
    upgraded lb1
    sleep 0.2
  done
  figures=$(asking_stop)
  echo "# API while three daemons took over: $figures" >&3
  grep -ho 'the API waited.*' "$LAB/logs/lbd-lb1.log" | sed 's/^/# /' >&3
  jq -e '.failed == 0 and .slowest_ms < 500 and .pids == 4' <<<"$figures"
  load_unharmed takeovers
  node_is_active lb1
  wait_for 5 "lb1 in sync" node_in_sync lb1
  [[ $(resyncs lb1) == 0 && $(resyncs lb2) == "$before" ]]
  [[ $(ctl_json lb1 .reloads status) == $((reloads + 1)) ]]
}

@test "a backend that is down stays down, with its reason and its streak" {
  backend_stop be2
  wait_for 4 "be2 down" is_down
  sleep 1.5
  before=$(be2_health)
  : >"$LAB/logs/lbd-lb1.log"
  upgraded lb1
  after=$(be2_health)
  echo "before $before, after $after"
  [[ $before == "$after" && $after == *refused* ]]
  sleep 0.5
  fails grep -E 'is (up|down)' "$LAB/logs/lbd-lb1.log"
  backend_start be2
  wait_for 4 "healthy backends" backends_healthy lb1
}

@test "the standby's gate stays open while its daemon is replaced" {
  : >"$LAB/logs/lbd-lb2.log"
  upgraded lb2
  fails grep -E 'gate closed' "$LAB/logs/lbd-lb2.log"
  ctl_says lb2 .gate.open role
  node_has_role lb2 backup
  load_unharmed standby
}

daemons() {
  pgrep -f "^$LAB_LBD .*lb1.yaml"
}

successor_of() {
  daemons | grep -vx "$1" >"$LAB/successor"
}

# One runs, and answers; or none does.
settled() {
  case $(daemons | wc -l) in
  0) true ;;
  1) ctl lb1 status ;;
  *) false ;;
  esac
}

# The moments cover all of a takeover. The new one alone is left to go on if the old one dies,
# the old one if the new one does; but when that has said goodbye it is the next start's turn.
@test "whichever of the two is killed on the way, one daemon goes on" {
  for ((i = 0; i < 8; i++)); do
    old=$(pid_of lb1)
    ctl lb1 upgrade --daemon >"$LAB/upgrade.log" 2>&1 3>&- 4>&- &
    wait_for 2 "a successor" successor_of "$old"
    new=$(cat "$LAB/successor")
    sleep "0.$(printf %02d $(((i - i % 2) * 3)))"
    killed=$([[ $((i % 2)) == 0 ]] && echo "$new" || echo "$old")
    kill -9 "$killed" || true
    wait_for 10 "the end of one" gone "$killed"
    sleep 0.1
    wait_for 10 "one daemon, or none" settled
    left=$(daemons) || true
    echo "round $i: $old, $new; $killed was killed, ${left:-none} runs"
    if [[ -z $left ]]; then
      [[ $killed == "$new" ]]
      lbd_start lb1
    fi
  done
  wait
  load_unharmed killed
  wait_for 5 "healthy backends" backends_healthy lb1
}

@test "a takeover that can't succeed is refused, with its reason, and nothing changes" {
  before=$(pid_of lb1)
  cp "$LAB/lb1.yaml" "$LAB/kept.yaml"
  sed -i 's/interfaces: \[eth0\]/interfaces: [nowhere0]/' "$LAB/lb1.yaml"
  run ctl lb1 upgrade --daemon
  mv "$LAB/kept.yaml" "$LAB/lb1.yaml"
  echo "$output"
  [[ $status == 1 && $output == *nowhere0* ]]
  [[ $(pid_of lb1) == "$before" ]]
  load_unharmed refused
}

@test "without a running lbd, --takeover starts one" {
  old=$(pid_of lb1)
  kill -9 "$old"
  wait_for 5 "its end" gone "$old"
  lbd_spawn lb1 --takeover
  wait_for 10 "an answer" ctl lb1 status --json
  load_unharmed started
}

told() {
  grep -q "$1" "$LAB/logs/notified.log"
}

@test "systemd is told of its new main process by the old one, and the watchdog is fed on" {
  old=$(pid_of lb1)
  kill -9 "$old"
  wait_for 5 "its end" gone "$old"
  spawn lb1 notified python3 "$LAB_ROOT/tests/cluster/notified.py" "$LAB/notify"
  wait_for 5 "the socket" test -S "$LAB/notify"
  # shellcheck disable=SC2016 # expanded by the shell that lbd follows
  NOTIFY_SOCKET=$LAB/notify WATCHDOG_USEC=600000 spawn lb1 lbd-lb1 sh -c \
    'WATCHDOG_PID=$$ exec "$@"' sh "$LAB_LBD" --config "$LAB/lb1.yaml" --objects "$LAB_OBJECTS"
  wait_for 10 "an answer" ctl lb1 status
  old=$(lab_pid lbd-lb1)
  wait_for 5 "a fed watchdog" told "^$old WATCHDOG=1"
  upgraded lb1
  new=$(pid_of lb1)
  wait_for 5 "a fed watchdog" told "^$new WATCHDOG=1"
  cat "$LAB/logs/notified.log"
  told "^$old MAINPID=$new"
  told "^$new READY=1"
  fails told STOPPING
  # Nothing counts that came from the new one before.
  [[ $(grep -n "^$new " "$LAB/logs/notified.log" | head -n 1 | cut -d: -f1) -gt \
    $(grep -n MAINPID= "$LAB/logs/notified.log" | cut -d: -f1) ]]
  load_unharmed told
}
