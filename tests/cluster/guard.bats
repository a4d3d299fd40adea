#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-or-later
#
# Promise: what the guard refuses costs nobody else anything. A list takes
# effect whole, under traffic; a flood of spoofed SYNs breaks no connection.

load all.sh

setup_file() {
  solo_lab guard be1 be2
  load_start 1000 1000
  # What the client's own XDP redirect sends is taken at the switch only by a program.
  ip link set dev sw-client xdpdrv obj "$LAB_TESTS/cluster/pass.bpf.o" sec xdp
}

setup() {
  talk_mark load "before-$BATS_TEST_NUMBER" >/dev/null
}

teardown() {
  [[ $BATS_TEST_COMPLETED ]] || lab_autopsy 15
}

# flood SOURCE/LENGTH SECONDS: SYNs to the dsr VIP, as fast as they can be made.
flood() {
  on client "$LAB_TESTS/tools/flood" "$LAB_TESTS/cluster/flood.bpf.o" eth0 "$(node_mac lb1)" \
    "$VIP4_DSR" 7000 "$1" "$2"
}

# figures WHAT VALUE: shown even when the test passes.
figures() {
  echo "# $1: $2" >&3
}

outcome() {
  ctl_json lb1 ".outcomes[] | select(.name == \"$1\") | .packets" counters
}

established() {
  ctl_json lb1 .count connections --state established --service talk-dsr4
}

# list_of FIRST: 50,000 prefixes, in the same places of the file 203.0.113.7 and 2001:db8:bad::/48.
list_of() {
  awk -v first="$1" 'BEGIN {
    for (i = 0; i < 25000; i++) {
      printf "%d.%d.%d.0/24\n", first + i / 65536, i / 256 % 256, i % 256
      printf "2001:db8:%x:%x::/64 # %d\n", 4096 + first, i, i
      if (i == 12500)
        print "203.0.113.7\n2001:db8:bad::/48"
    }
  }'
}

config_guarded() {
  config_solo lb1 be1 be2
  printf 'lists:\n  - {name: bad, file: %s}\nguard: {deny: [bad], sample: 1000}\n' "$LAB/bad.list"
}

@test "a faulty list is refused, naming its file and line, and nothing changes" {
  printf '192.0.2.77\n# fine so far\n10.0.0.1/8\n' >"$LAB/bad.list"
  config_guarded | config_write lb1
  fails ctl lb1 reload 2>"$LAB/refusal"
  fails "$LAB_LBCTL" check "$LAB/lb1.yaml" 2>>"$LAB/refusal"
  cat "$LAB/refusal"
  [[ $(grep -c "$LAB/bad.list:3: .*10.0.0.1/8" "$LAB/refusal") == 2 ]]
  ctl_says lb1 '.lists | length == 0' guard
  load_unharmed faulty
}

# slowest_answer FILE: ask the API until FILE is there; the slowest answer, in ms.
slowest_answer() {
  python3 - /run/lbd/lb1/api.sock "$1" <<'END'
import os, socket, sys, time
slowest = 0
while not os.path.exists(sys.argv[2]):
    begun = time.monotonic()
    with socket.socket(socket.AF_UNIX) as api:
        api.connect(sys.argv[1])
        api.sendall(b"GET /v1/version HTTP/1.1\r\nHost: lbd\r\nConnection: close\r\n\r\n")
        while api.recv(65536):
            pass
    slowest = max(slowest, time.monotonic() - begun)
    time.sleep(0.001)
print(int(slowest * 1000))
END
}

# A daemon that built by itself would be at least as slow in every round.
@test "while 50,000 prefixes are read and built, the daemon answers" {
  list_of 11 >"$LAB/bad.list"
  config_guarded | config_write lb1
  ctl lb1 reload >/dev/null # which also loads a packet path that knows lists
  local round slowest built quicker=no
  for round in {1..10}; do
    rm -f "$LAB/reloaded"
    slowest_answer "$LAB/reloaded" >"$LAB/slowest" &
    ctl lb1 reload >/dev/null
    touch "$LAB/reloaded"
    wait %1
    slowest=$(cat "$LAB/slowest")
    built=$(ctl_json lb1 .load_ms guard)
    figures "round $round: slowest answer during a reload, and what building took, ms" "$slowest, $built"
    ((slowest >= built)) || quicker=yes
    [[ $quicker == no ]] || break
  done
  [[ $quicker == yes ]]
}

@test "a list of 50,000 prefixes is replaced under traffic, and no packet meets half of one" {
  local sent denied first number
  list_of 11 >"$LAB/bad.list"
  ctl lb1 reload
  ctl lb1 guard
  ctl_says lb1 '.lists[0] | .ipv4 == 25001 and .ipv6 == 25001' guard
  denied=$(outcome drop_denied)
  first=$(outcome forward_first)
  flood 203.0.113.7/32 6 >"$LAB/flood.json" &
  for number in 12 13 14 15 16 17; do
    sleep 0.5
    list_of "$number" >"$LAB/bad.list"
    ctl lb1 reload >/dev/null
  done
  wait %1
  sent=$(jq .sent "$LAB/flood.json")
  denied=$(($(outcome drop_denied) - denied))
  figures "SYNs of a denied source sent, denied" "$sent, $denied"
  figures "50,002 prefixes read and built, ms" "$(ctl_json lb1 .load_ms guard)"
  # What a full queue loses on the way counts nowhere; all that arrived was denied.
  ((denied > 100000))
  (($(outcome forward_first) == first))
  ctl_says lb1 '.drops | length > 0 and all(.source | startswith("203.0.113.7:"))' drops
  ctl lb1 drops | head -n 3
  load_unbroken replaced
}

@test "a flood of spoofed SYNs breaks no connection, without a limit" {
  local before first
  before=$(established)
  first=$(outcome forward_first)
  figures "flood" "$(flood 198.18.0.0/15 6)"
  figures "SYNs forwarded" "$(($(outcome forward_first) - first))"
  figures "connections in the table, before and after" "$before, $(established)"
  load_unbroken flooded >"$LAB/talk.figures"
  figures "talk" "$(head -n 1 "$LAB/talk.figures")"
  (($(established) >= before))
}

@test "a flood of spoofed SYNs breaks no connection, and a limit spares the backends most of it" {
  local before first dropped
  config_guarded | sed 's/^    health:/    limits: {new: 2000}\n&/' | config_write lb1
  ctl lb1 reload
  before=$(established)
  first=$(outcome forward_first)
  dropped=$(outcome drop_service_new)
  figures "flood" "$(flood 198.18.0.0/15 6)"
  first=$(($(outcome forward_first) - first))
  dropped=$(($(outcome drop_service_new) - dropped))
  figures "SYNs forwarded, dropped" "$first, $dropped"
  figures "connections in the table, before and after" "$before, $(established)"
  ((first <= 2000 * 9 && dropped > first))
  load_unbroken limited >"$LAB/talk.figures"
  figures "talk" "$(head -n 1 "$LAB/talk.figures")"
  (($(established) >= before))
  ctl lb1 guard
}

@test "a limit that is raised holds at once, however much was used up under the old one" {
  local first
  config_solo lb1 be1 be2 | sed 's/^    health:/    limits: {new: 1, burst: 1h}\n&/' | config_write lb1
  ctl lb1 reload
  flood 198.18.0.0/15 1
  config_solo lb1 be1 be2 | sed 's/^    health:/    limits: {new: 10000}\n&/' | config_write lb1
  ctl lb1 reload
  first=$(outcome forward_first)
  flood 198.18.0.0/15 1
  (($(outcome forward_first) - first > 5000))
}

@test "a backend is drained while a list file is broken" {
  list_of 11 >"$LAB/bad.list"
  config_guarded | config_write lb1
  ctl lb1 reload
  echo broken >"$LAB/bad.list"
  ctl lb1 backend drain talk-dsr4 be1
  ctl_says lb1 '.lists[0].ipv4 == 25001' guard
  fails ctl lb1 reload
  ctl lb1 backend undrain talk-dsr4 be1
  load_unbroken drained
}

@test "the load was unbroken all along" {
  load_over 30
}
