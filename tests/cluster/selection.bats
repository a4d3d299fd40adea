#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-or-later
#
# Promise: clients stay with their backend, a fallback serves while no other
# backend does, and who hangs on a dead backend is told at once, if asked for.

load all.sh

setup_file() {
  solo_lab selection be1 be2 be3
}

teardown() {
  lab_mend be2
  for host in "${LAB_BACKENDS[@]}"; do
    alive "nginx-$host" || backend_start "$host"
  done
  load_over 15
}

# serve KEY BACKEND...: every service with one more key.
serve() {
  local key=$1
  shift
  config_solo lb1 "$@" | sed "s/^    forward: .*/&\n    $key/" | config_write lb1
  ctl lb1 reload
  wait_for 5 "healthy backends" backends_healthy lb1
}

# answers VIP: which backends answer 20 new connections.
answers() {
  local i
  for ((i = 0; i < 20; i++)); do
    http_get "http://$(at_vip "$1" 80)/"
  done | sort -u | tr '\n' ' '
}

# is BACKEND STATE: in every service.
is() {
  ctl_says lb1 "[.backends[] | select(.name == \"$1\") | .state] | all(. == \"$2\")" backends
}

# hang VIP NAME: a request that never ends; its words go to a file, the last when it broke.
hang() {
  # shellcheck disable=SC2016 # expanded by the client's shell
  on client timeout 20 bash -c '
    exec 3<>"/dev/tcp/$1/80"
    printf "GET / HTTP/1.1\r\nHost: lab\r\nX-Long: " >&3
    while printf x >&3; do sleep 0.1; done' hang "$1" >"$LAB/$2" 2>&1 3>&- 4>&- &
}

# held BACKEND: connections to port 80 that it has.
held() {
  ctl_json lb1 "[.connections[] | select(.backend == \"$1\" and .state == \"established\" and
    (.service | startswith(\"web\")))] | length" connections --limit 10000
}

@test "sticky: a client goes on with the backend it changed to, though its first one is back" {
  serve 'sticky: 60s' be1 be2 be3
  for vip in "$VIP4_DSR" "$VIP6_IPIP"; do
    first=$(http_get "http://$(at_vip "$vip" 80)/")
    [[ $(answers "$vip") == "$first " ]]
    backend_stop "${first#backend }"
    wait_for 3 "${first} down" is "${first#backend }" down
    second=$(http_get "http://$(at_vip "$vip" 80)/")
    [[ $second != "$first" && $(answers "$vip") == "$second " ]]
    backend_start "${first#backend }"
    wait_for 3 "${first} up" is "${first#backend }" up
    [[ $(answers "$vip") == "$second " ]]
  done
  ctl_says lb1 '.outcomes[] | select(.name == "forward_sticky") | .packets > 50' counters
}

@test "fallback: it serves while the others are down, and no longer" {
  config_solo lb1 be1 | sed -E 's/^    backends:/    fallback:\n      - {name: spare, address: HOST}\n&/' |
    sed -E "/name: (web|talk|probe)-[a-z]+4/,/HOST/s/HOST/$(host4 be2)/;s/HOST/\"$(host6 be2)\"/" |
    config_write lb1
  ctl lb1 reload
  wait_for 5 "healthy backends" backends_healthy lb1
  for vip in "${LAB_VIPS[@]}"; do
    [[ $(answers "$vip") == 'backend be1 ' ]]
  done
  backend_stop be1
  wait_for 3 "be1 down" is be1 down
  for vip in "${LAB_VIPS[@]}"; do
    [[ $(answers "$vip") == 'backend be2 ' ]]
  done
  ctl_says lb1 '[.services[] | .state] | all(. == "fallback")' services
  ctl_says lb1 'any(.problems[]; .what | test("fallback serves"))' status
  ctl lb1 backends | grep -E 'spare .* fallback +up'
  ctl lb1 backend drain web-dsr4 spare
  fails http_get --max-time 1 "http://$VIP4_DSR/"
  ctl lb1 backend undrain web-dsr4 spare
  [[ $(answers "$VIP4_DSR") == 'backend be2 ' ]]
  backend_start be1
  wait_for 3 "be1 up" is be1 up
  [[ $(answers "$VIP4_DSR") == 'backend be1 ' ]]
}

@test "down: reset: who hangs on a dead backend hears of it in a second, the others nothing" {
  serve 'down: reset' be1 be2
  for ((i = 0; i < 10; i++)); do
    for vip in "${LAB_VIPS[@]}"; do
      hang "$vip" "hang-$i-$vip"
    done
  done
  sleep 1.5
  doomed=$(held be2)
  spared=$(held be1)
  echo "on be2: $doomed, on be1: $spared"
  ((doomed >= 5 && spared >= 5 && doomed + spared == 40))
  lab_cut be2
  wait_for 4 "be2 down" is be2 down
  sleep 1
  broken=$(grep -l 'Connection reset by peer' "$LAB"/hang-* | wc -l)
  echo "reset: $broken"
  ((broken == doomed))
  (($(held be1) == spared))
  [[ $(answers "$VIP4_IPIP") == 'backend be1 ' ]]
  ctl_says lb1 '.outcomes[] | select(.name == "answer_reset") | .packets > 0' counters
}

@test "down: reset: without any backend a client is refused, not left waiting" {
  serve 'down: reset' be1
  backend_stop be1
  wait_for 3 "be1 down" is be1 down
  for vip in "${LAB_VIPS[@]}"; do
    run http_get "http://$(at_vip "$vip" 80)/"
    echo "$output"
    [[ $status == 7 && $output == *[Rr]efused* ]] || [[ $output == *"connect to"* ]]
  done
}

@test "a drain under load breaks nothing, whatever a dead backend means" {
  serve 'down: reset' be1 be2
  load_start 200 2000
  for service in $(ctl_json lb1 '.services[].name' services); do
    ctl lb1 backend drain "$service" be2
  done
  is be2 draining
  sleep 2
  load_unharmed drained
  [[ $(answers "$VIP4_DSR") == 'backend be1 ' ]]
}
