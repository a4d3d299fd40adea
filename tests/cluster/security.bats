#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-or-later
#
# Promise: nobody but a peer gets in; whatever others or a peer gone mad do at the
# sync port is refused and counted, and neither packets, nor the conversation of
# the real peers, nor memory, nor the API suffer. Keys change without a gap.

load all.sh

# What is shipped: under sanitizers memory says nothing.
export LAB_LBD=$LAB_BUILD/lbd
export LAB_LBCTL=$LAB_BUILD/lbctl

setup_file() {
  pair_lab security be1 be2 be3
}

setup() {
  load_start 200 1000
}

teardown() {
  murder churn
  load_over 15
}

# mad HOST WAY SECONDS [ARGUMENT...]: at lb1's port, in the background. mad_end: what it says.
mad() {
  mad_as "$1" "$@"
}

# mad_as OTHER HOST ...: in the name of another host.
mad_as() {
  local name=$1 host=$2 way=$3 seconds=$4
  shift 4
  on "$host" "$LAB_TESTS/tools/mad" "$way" "$(host4 "$name")" "$(host4 lb1):7400" "$seconds" "$@" \
    >"$LAB/mad.json" &
}

mad_end() {
  wait %%
  jq -r '"# \(.connections) connections, \(.messages) messages, " +
    "\(.bytes / .ms / 1000 | floor) MB/s"' "$LAB/mad.json" >&3
}

rss_kb() {
  awk '/^VmRSS/ { print $2 }' "/proc/$(lab_pid "lbd-$1")/status"
}

descriptors() {
  find "/proc/$(lab_pid "lbd-$1")/fd" -mindepth 1 | wc -l
}

refused() {
  ctl_json "$1" ".refusals[] | select(.name == \"$2\") | .count" peers
}

has_refused() {
  (($(refused "$1" "$2") > 0))
}

reconnects() {
  ctl_json "$1" '.peers[0].reconnects' peers
}

# answers NODE: within a second.
answers() {
  timeout 1 nsenter --net="/run/netns/$1" -- "$LAB_LBCTL" --instance "$1" status --json >/dev/null
}

# all_answer NODE SECONDS: asked ten times a second.
all_answer() {
  local i
  for ((i = 0; i < 10 * $2; i++)); do
    answers "$1" || lab_fail "no answer within 1 s" || return 1
    sleep 0.1
  done
}

# bears HOST WAY COUNTER [OTHER]: lb1 under that for five seconds, while connections come and go.
# Without a COUNTER it is the kernel that refuses.
bears() {
  local rss descriptors made reconnects
  spawn client churn "$LAB_TESTS/tools/churn" "$VIP4_DSR" 7000 2000 500 1000
  wait_for 5 "a crowd" grep -q filled "$LAB/logs/churn.log"
  rss=$(rss_kb lb1)
  descriptors=$(descriptors lb1)
  made=$(refused lb1 "${3:-address}")
  reconnects="$(reconnects lb1) $(reconnects lb2)"
  mad_as "${4:-$1}" "$1" "$2" 5
  all_answer lb1 4
  (($(descriptors lb1) < descriptors + 100)) || lab_fail "$(descriptors lb1) descriptors"
  mad_end
  echo "# memory: $rss KiB, then $(rss_kb lb1); $3: $made, then $(refused lb1 "${3:-address}")" >&3
  (($(rss_kb lb1) < rss + 16384))
  [[ -z $3 ]] || (($(refused lb1 "$3") > made))
  [[ "$(reconnects lb1) $(reconnects lb2)" == "$reconnects" ]]
  node_in_sync lb1 && node_in_sync lb2
  ctl_json lb1 '.peers[0] | "# lag: p50 \(.lag_p50_us) us, p99 \(.lag_p99_us) us"' peers >&3
  ctl_says lb1 '.peers[0].lag_p99_us < 500000' peers
  murder churn
  wait_for 5 "equal tables" nodes_equal lb1 lb2
  load_unharmed "under-$2"
}

@test "segments and SYNs from a host that is no peer, 100 MB/s, are dropped where they come in" {
  bears be1 segments address
}

@test "segments and SYNs in the name of the peer, 100 MB/s, don't end its conversation" {
  bears be1 segments "" lb2
}

@test "nor keep it from coming back" {
  mad_as lb2 be1 segments 6
  murder lbd-lb2
  lbd_start lb2
  wait_for 10 "lb2 in sync" node_in_sync lb2
  wait_for 10 "lb1 in sync" node_in_sync lb1
  mad_end
  load_unharmed back
}

@test "connections from a host that is no peer aren't made, however many it tries" {
  bears client crowd address
}

@test "random bytes over connections from a peer's address, without a key" {
  bears lb2 garbage crowd
  (($(refused lb1 handshake) + $(refused lb1 mechanism) > 0))
}

@test "thousands of connections that say nothing, from a peer's address" {
  bears lb2 crowd crowd
}

# config_lb2 FILTER: lb2's config, changed by sed.
config_lb2() {
  config_pair lb2 be1 be2 be3 | sed "$1" | config_write lb2
  ctl lb2 reload
}

@test "another key than the peer's is refused, and both nodes say that the keys don't fit" {
  config_key eve
  config_lb2 "s|lb2.key|eve.key|"
  murder lbd-lb2
  lbd_start lb2
  wait_for 5 "refusal at lb1" has_refused lb1 unknown_key
  wait_for 5 "refusal at lb2" has_refused lb2 other_server
  wait_for 5 "a problem" ctl_says lb2 '[.problems[].what | select(test("handshakes failed"))] |
    length == 1' status
  descriptors=$(descriptors lb2)
  rss=$(rss_kb lb2)
  sleep 4
  echo "after some tries: $descriptors descriptors, then $(descriptors lb2); $rss KiB, then $(rss_kb lb2)"
  (($(descriptors lb2) < descriptors + 10 && $(rss_kb lb2) < rss + 4096))
  config_lb2 ""
  wait_for 10 "lb2 in sync" node_in_sync lb2
  wait_for 10 "lb1 in sync" node_in_sync lb1
  load_unharmed wrong-key
}

@test "a peer without encryption is refused; both without it talk, and say so" {
  config_lb2 "s|key-file: .*|security: plaintext|"
  wait_for 5 "refusal" has_refused lb1 mechanism
  ctl_says lb2 '[.problems[].what | select(test("plaintext"))] | length == 1' status
  ctl lb2 peers | grep "not encrypted"
  config_pair lb1 be1 be2 be3 | sed "s|key-file: .*|security: plaintext|" | config_write lb1
  ctl lb1 reload
  wait_for 10 "lb2 in sync" node_in_sync lb2
  murder lbd-lb2
  lbd_start lb2
  grep "warning: cluster.security is plaintext" "$LAB/logs/lbd-lb2.log"
  wait_for 10 "lb2 in sync" node_in_sync lb2
  config_pair lb1 be1 be2 be3 | config_write lb1
  ctl lb1 reload
  config_lb2 ""
  wait_for 10 "lb2 in sync" node_in_sync lb2
  wait_for 10 "lb1 in sync" node_in_sync lb1
  load_unharmed plaintext
}

# rotate NODE PEER: as lbd.yaml(5) says.
rotate() {
  local node=$1 peer=$2
  config_key "$node" .new
  config_pair "$peer" be1 be2 be3 | config_write "$peer"
  ctl "$peer" reload
  mv "$LAB/$node.key.new" "$LAB/$node.key"
  ctl "$node" reload
  sleep 1
  reconnects=$(reconnects "$peer")
  config_pair "$peer" be1 be2 be3 | config_write "$peer"
  ctl "$peer" reload
  wait_for 2 "$peer talks to $node again" ctl_says "$peer" \
    ".peers[0] | .reconnects > $reconnects and .state == \"live\"" peers
  wait_for 2 "$node in sync" node_in_sync "$node"
}

# How long each node hasn't heard the other, all the time.
watch_silence() {
  local node
  while :; do
    for node in lb1 lb2; do
      ctl_json "$node" '.peers[0].heard_ms_ago' peers
    done
  done >"$LAB/silence"
}

@test "both nodes change their keys while connections are replicated: no gap, nothing lost" {
  watch_silence &
  watcher=$!
  rotate lb1 lb2
  rotate lb2 lb1
  kill "$watcher"
  longest=$(sort -n "$LAB/silence" | tail -1)
  echo "longest silence: $longest ms of $(wc -l <"$LAB/silence") looks"
  ((longest < 2000))
  wait_for 10 "lb1 in sync" node_in_sync lb1
  wait_for 10 "lb2 in sync" node_in_sync lb2
  wait_for 5 "equal tables" ctl_says lb2 \
    ".count == $(ctl_json lb1 .count connections --service talk-dsr4 --state established)" \
    connections --service talk-dsr4 --state established
  load_unharmed rotation
}

@test "a key that was changed is refused when it comes back" {
  cp -p "$LAB/lb2.key" "$LAB/old.key"
  rotate lb2 lb1
  before=$(refused lb1 unknown_key)
  mad lb2 peer 2 lb2 "$LAB/old.key" "$(config_key lb1)"
  mad_end
  (($(refused lb1 unknown_key) > before))
  node_in_sync lb1 && node_in_sync lb2
  load_unharmed old-key
}

@test "a peer gone mad is refused in all its ways, and the packet path doesn't notice" {
  murder lbd-lb2
  rss=$(rss_kb lb1)
  mad lb2 peer 10 lb2 "$LAB/lb2.key" "$(config_key lb1)"
  all_answer lb1 9
  mad_end
  echo "# memory: $rss KiB, then $(rss_kb lb1)"
  ctl lb1 peers
  for name in bad_identity bad_record out_of_order impostor frames not_lbd too_long broken; do
    has_refused lb1 "$name" || lab_fail "none counted: $name" || return 1
  done
  (($(rss_kb lb1) < rss + 65536))
  load_unharmed mad-peer
  lbd_start lb2
  wait_for 15 "lb2 in sync" node_in_sync lb2
  wait_for 15 "lb1 in sync" node_in_sync lb1
}
