#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-or-later
#
# Promise: a good config applies at one stroke and no flow notices; a bad one
# is refused with its line, its key and the remedy, and nothing changes.

bats_require_minimum_version 1.5.0

load all.sh

setup_file() {
  solo_lab reload be1 be2
  load_start 200 4000
}

setup() {
  config_solo lb1 be1 be2 | config_write lb1
  ctl lb1 reload >/dev/null
  wait_for 5 "healthy backends" backends_healthy lb1
  talk_mark load "before-$BATS_TEST_NUMBER" >/dev/null
}

teardown() {
  [[ $BATS_TEST_COMPLETED ]] || lab_autopsy 15
}

# What the packet path goes by: everything but counters and times.
state() {
  ctl_json lb1 '[.generation.running, .services, .commits, .reloads]' status
  ctl_json lb1 '[.services[] | [.name, .vip, .port, .forward, .state, .backends, .up]]' services
  ctl_json lb1 '[.backends[] | [.service, .name, .address, .state, .weight]]' backends
}

# spoilt SED KEY LINE_PATTERN REMEDY: the config with one fault (SED sees it as one line) is
# refused by check and by reload alike. The message names the line that SED spoilt, the key and what to do.
spoilt() {
  local before line output
  before=$(state)
  cp "$LAB/lb1.yaml" "$LAB/good.yaml"
  sed -Ezi "$1" "$LAB/lb1.yaml"
  line=$(grep -n -m1 -- "$3" "$LAB/lb1.yaml" | cut -d: -f1)
  for command in "check $LAB/lb1.yaml" reload; do
    # shellcheck disable=SC2086 # words of a command
    if output=$(ctl lb1 $command 2>&1); then
      echo "accepted by $command: $1"
      return 1
    fi
    echo "$output"
    [[ $output == *"lb1.yaml:$line:"* ]]
    [[ $output == *"$2"* ]]
    grep -qiE "$4" <<<"$output"
  done
  mv "$LAB/good.yaml" "$LAB/lb1.yaml"
  diff <(echo "$before") <(state)
  load_unharmed "spoilt-$BATS_TEST_NUMBER"
}

@test "an unknown key is refused, naming the nearest known one" {
  spoilt 's/forward:/foward:/' foward 'foward:' 'forward'
}

@test "an unknown section is refused" {
  spoilt 's/limits:/limit:/' limit '^limit:' 'limits'
}

@test "a word where a number belongs is refused" {
  spoilt 's/port: 80/port: http/' port 'port: http' 'number|1.*65535|any'
}

@test "a number out of its range is refused, naming the range" {
  spoilt 's/port: 80/port: 70000/' port 'port: 70000' '65535'
}

@test "an address that is none is refused" {
  spoilt 's/address: 192.0.2.21/address: 192.0.2.321/' address '192.0.2.321' 'address'
}

@test "a forwarding mode that doesn't exist is refused, naming those that do" {
  spoilt 's/forward: dsr/forward: masq/' forward 'forward: masq' 'dsr.*ipip.*nat'
}

@test "a service without backends is refused" {
  spoilt 's/backends:\n(      - name[^\n]*\n        address[^\n]*\n)*/backends: []\n/' backends \
    'backends: \[\]' 'at least|backend'
}

@test "dsr to a backend of the other family is refused" {
  spoilt 's/address: 192.0.2.21/address: 2001:db8::21/' address '2001:db8::21' 'ipip|dsr'
}

@test "the same service twice is refused" {
  spoilt 's/vip: 192.0.2.101/vip: 192.0.2.100 # twice/' vip '# twice' 'web-dsr4|already|twice'
}

@test "broken YAML is refused" {
  spoilt 's/\[eth0\]/[eth0/' '' 'mode: native' "YAML|expected|','"
}

@test "a backend that a reload adds gets new connections, and old ones stay" {
  config_solo lb1 be1 be2 be3 | config_write lb1
  ctl lb1 reload
  wait_for 5 "healthy backends" backends_healthy lb1
  load_unharmed "added-$BATS_TEST_NUMBER"
  fresh be3
}

# fresh SERVER: new connections reach it. One process makes all sixty.
fresh() {
  local i
  for ((i = 0; i < 60; i++)); do
    echo "url = http://$VIP4_DSR/"
  done | http_get --header 'Connection: close' --config - | sort | uniq -c >"$LAB/fresh"
  cat "$LAB/fresh"
  [[ $(awk '{ all += $1 } END { print all }' "$LAB/fresh") == 60 ]]
  grep -q "backend $1" "$LAB/fresh"
}

@test "SIGHUP reloads" {
  reloads=$(ctl_json lb1 .reloads status)
  config_solo lb1 be1 be2 be3 | config_write lb1
  kill -HUP "$(lab_pid lbd-lb1)"
  wait_for 3 "the reload" ctl_says lb1 ".reloads == $reloads + 1" status
  wait_for 5 "healthy backends" backends_healthy lb1
  load_unharmed "hup-$BATS_TEST_NUMBER"
  fresh be3
}

@test "SIGHUP with a bad file changes nothing, and the log says why" {
  before=$(state)
  echo "nonsense: 1" >>"$LAB/lb1.yaml"
  kill -HUP "$(lab_pid lbd-lb1)"
  wait_for 3 "the refusal" grep -q 'refused.*lb1.yaml:[0-9]*:.*nonsense' "$LAB/logs/lbd-lb1.log"
  diff <(echo "$before") <(state)
  load_unharmed "hup-$BATS_TEST_NUMBER"
}

@test "a backend added by lbctl gets new connections until the next reload" {
  ctl lb1 backend add web-dsr4 be3 "$(host4 be3)"
  wait_for 5 "healthy backends" backends_healthy lb1
  fresh be3
  ctl_says lb1 .runtime_changes status
  load_unharmed "added-$BATS_TEST_NUMBER"
  ctl lb1 reload
  fails fresh be3
  ctl_says lb1 '.runtime_changes == false' status
}

@test "a drained backend keeps its connections and gets no new ones" {
  for service in web talk probe; do
    ctl lb1 backend drain "$service-dsr4" be1
  done
  fails fresh be1
  sleep 0.5
  load_unharmed "drained-$BATS_TEST_NUMBER"
  jq -e '.servers.be1 > 50' <<<"$(talk_mark load "still-$BATS_TEST_NUMBER")"
  for service in web talk probe; do
    ctl lb1 backend undrain "$service-dsr4" be1
  done
  fresh be1
}

@test "weights share new connections out" {
  ctl lb1 backend weight web-dsr4 be1 300
  fresh be1
  heavy=$(awk '/backend be1/ { print $1 }' "$LAB/fresh")
  echo "$heavy of 60 where 45 are due"
  ((heavy > 33 && heavy < 57))
  load_unharmed "weights-$BATS_TEST_NUMBER"
}

@test "a removed service's VIP is the kernel's again, the others don't notice" {
  config_solo lb1 be1 be2 | sed '/name: web-ipip6/,/name: talk-ipip6/{/name: talk-ipip6/!d}' |
    config_write lb1
  ctl lb1 reload
  fails http_get "http://[$VIP6_IPIP]/"
  http_get "http://[$VIP6_DSR]/"
  load_unharmed "removed-$BATS_TEST_NUMBER"
}

# --- lbctl diff, reload --confirm, history

# One backend less, which the packet path and every flow on it would notice.
without_be1() {
  config_solo lb1 be2 | config_write lb1
}

# ran_before: as the setup of each test left it.
ran_before() {
  ctl_says lb1 '[.backends[] | select(.name == "be1" and .state == "up")] | length > 0' backends
}

@test "diff names what a reload would change, and changes nothing" {
  before=$(state)
  run -0 ctl lb1 diff
  [[ $output == "No difference"* ]]
  without_be1
  run -5 ctl lb1 diff
  echo "$output"
  [[ $output == *"- services[web-dsr4].backends[be1]: address: 192.0.2.21"* ]]
  diff <(echo "$before") <(state)
  sed -i 's/eth0/eth7/' "$LAB/lb1.yaml"
  run -5 ctl lb1 diff
  [[ $output == *"refused: xdp.interfaces: there is no interface eth7"* ]]
}

@test "a reload on trial goes back in time, and no flow that it left alone notices" {
  config_solo lb1 be1 be2 be3 | config_write lb1
  ctl lb1 reload --confirm 2s
  ctl_says lb1 '.trial.left_ms > 0' status
  wait_for 4 "the way back" ctl_says lb1 '.trial == null and .config_origin == "reverted"' status
  fails fresh be3
  load_unharmed "trial-$BATS_TEST_NUMBER"
}

@test "kill -9 during a trial: the next start goes back, and stays there" {
  config_solo lb1 be1 be2 be3 | config_write lb1
  ctl lb1 reload --confirm 1h
  for ((i = 0; i < 2; i++)); do
    murder lbd-lb1
    lbd_start lb1
    ctl_says lb1 '.config_origin == "reverted" and (.problems | length > 0)' status
    ran_before
    fails fresh be3
  done
  ctl lb1 reload --confirm 1h
  ctl lb1 confirm
  murder lbd-lb1
  lbd_start lb1
  ctl_says lb1 '.config_origin == "file"' status
  wait_for 5 "healthy backends" backends_healthy lb1
  fresh be3
  load_unharmed "killed-$BATS_TEST_NUMBER"
}

@test "a broken file at start: the last good config serves, and status says so" {
  cp "$LAB/lb1.yaml" "$LAB/good.yaml"
  echo "nonsense: 1" >>"$LAB/lb1.yaml"
  murder lbd-lb1
  run -1 on lb1 "$LAB_LBD" --config "$LAB/lb1.yaml" --objects "$LAB_OBJECTS" --strict
  lbd_start lb1
  ctl_says lb1 '.config_origin == "last_good" and (.problems[0].what | test("nonsense"))' status
  ran_before
  load_unharmed "broken-$BATS_TEST_NUMBER"
  mv "$LAB/good.yaml" "$LAB/lb1.yaml"
  ctl lb1 reload
  ctl_says lb1 '.config_origin == "file"' status
}

@test "history lists what ran, and returns to it" {
  number=$(ctl_json lb1 .config_number status)
  config_solo lb1 be1 be2 be3 | config_write lb1
  ctl lb1 reload
  ctl_says lb1 '.configs[0] | .runs and .trigger == "reload" and .changes > 0' history
  ctl lb1 reload --from-history "$number"
  fails fresh be3
  ctl_says lb1 '.config_origin == "history"' status
  ctl lb1 reload
  load_unharmed "history-$BATS_TEST_NUMBER"
}
