#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-or-later
#
# Promise: a QUIC connection keeps its backend when the client's port or
# address changes, by what its connection id says and nothing else.

load all.sh

quic_vips=("$VIP4_DSR" "$VIP6_DSR" "$VIP4_IPIP")

# A backend's server id in config 0 and in config 1.
server_id() {
  echo "c460${LAB_HOSTS[$1]}"
}

new_server_id() {
  echo "350d28b4${LAB_HOSTS[$1]}"
}

# quic_service NAME VIP FORWARD host4|host6 CONFIGS; the server ids are in the caller's `ids`.
quic_service() {
  local host
  cat <<EOC
  - name: $1
    vip: $2
    port: 443
    protocol: udp
    forward: $3
    health: {check: tcp, port: 80, interval: 200ms, timeout: 150ms, rise: 1, fall: 2}
    quic: {configs: [$5]}
    backends:
EOC
  for host in be1 be2 be3; do
    echo "      - {name: $host, address: \"$("$4" "$host")\", server-ids: [${ids[$host]}]}"
  done
}

quic_old='{id: 0, server-id-length: 3, nonce-length: 5}'
quic_new='{id: 1, server-id-length: 5, nonce-length: 5}'

# quic_config CONFIGS ID_FUNCTION...
quic_config() {
  local configs=$1 host make
  declare -A ids
  shift
  for host in be1 be2 be3; do
    for make; do
      ids[$host]+="${ids[$host]:+, }\"$("$make" "$host")\""
    done
  done
  config_head lb1
  echo "services:"
  quic_service h3 "$VIP4_DSR" dsr host4 "$configs"
  quic_service h3-6 "$VIP6_DSR" dsr host6 "$configs"
  quic_service h3-far "$VIP4_IPIP" ipip host4 "$configs"
}

quic_server() {
  spawn "$1" "quic-$1" "$LAB_ROOT/tests/cluster/quic.py" server "$1" "$2" "$3" "${quic_vips[@]}"
  wait_for 5 "QUIC at $1" quic_listens "$1"
}

quic_listens() {
  [[ $(on "$1" ss -Hlun 'sport = 443' | wc -l) == "${#quic_vips[@]}" ]]
}

quic_servers() {
  local host
  for host in be1 be2 be3; do
    murder "quic-$host"
    if [[ $1 == 0 ]]; then
      quic_server "$host" 0 "$(server_id "$host")"
    else
      quic_server "$host" 1 "$(new_server_id "$host")"
    fi
  done
}

quic_client() {
  on client "$LAB_ROOT/tests/cluster/quic.py" client "$@"
}

# stays FIGURES [BACKEND]: every packet was answered, by one backend.
stays() {
  echo "$1"
  jq -e --arg one "${2:-}" '.lost == 0 and (.met | length) == 1 and ($one == "" or .met == [$one])' \
    <<<"$1"
}

counted() {
  ctl_json lb1 ".outcomes[] | select(.name == \"$1\") | .packets" counters
}

reload_with() {
  quic_config "$@" | config_write lb1
  ctl lb1 reload
}

setup_file() {
  solo_lab quic be1 be2 be3
  quic_config "$quic_old" server_id | config_write lb1
  ctl lb1 reload
  wait_for 5 "healthy backends" backends_healthy lb1
  quic_servers 0
}

teardown() {
  [[ $BATS_TEST_COMPLETED ]] || lab_autopsy 15
}

@test "a connection keeps its backend through forty changes of its port" {
  local vip before
  for vip in "${quic_vips[@]}"; do
    for _ in 1 2 3; do
      before=$(counted forward_quic)
      stays "$(quic_client "$vip")"
      (($(counted forward_quic) - before == 40))
    done
  done
}

@test "flows without such a connection id go elsewhere when their port changes" {
  local vip
  for vip in "${quic_vips[@]}"; do
    quic_client "$vip" --unroutable | jq -e '.lost == 0 and (.met | length) > 1'
  done
}

@test "a connection keeps its backend when the client's address changes" {
  local figures cid backend
  on client ip address add 192.0.2.7/24 dev eth0
  figures=$(quic_client "$VIP4_DSR")
  cid=$(jq -r .cid <<<"$figures") backend=$(jq -r '.met[0]' <<<"$figures")
  stays "$(quic_client "$VIP4_DSR" --cid "$cid" --from 192.0.2.7)" "$backend"
}

@test "lbctl shows server ids, and the feature only while it is used" {
  ctl_says lb1 '[.backends[] | select(.service == "h3" and .name == "be1") | .server_ids] == [["c46021"]]' \
    backends
  ctl lb1 backends | grep -q c46021
  ctl_says lb1 '.generation.running.features | index("quic") != null' status
  config_solo lb1 be1 be2 be3 | config_write lb1
  ctl lb1 reload
  ctl_says lb1 '.generation.running.features | index("quic") == null' status
  reload_with "$quic_old" server_id
  wait_for 5 "healthy backends" backends_healthy lb1
}

@test "the daemon's death and return change nothing" {
  local figures cid backend
  figures=$(quic_client "$VIP4_DSR" --moves 1)
  cid=$(jq -r .cid <<<"$figures") backend=$(jq -r '.met[0]' <<<"$figures")
  quic_client "$VIP4_DSR" --cid "$cid" --moves 60 --every 0.05 >"$LAB/moves" &
  sleep 0.5
  murder lbd-lb1
  stays "$(quic_client "$VIP4_DSR" --cid "$cid" --moves 10)" "$backend"
  lbd_start lb1
  wait
  stays "$(cat "$LAB/moves")" "$backend"
  ctl_says lb1 .adopted status
  wait_for 5 "healthy backends" backends_healthy lb1
}

@test "a node with an empty table, as one that takes over, sends connections on all the same" {
  local figures cid backend
  figures=$(quic_client "$VIP4_DSR" --moves 1)
  cid=$(jq -r .cid <<<"$figures") backend=$(jq -r '.met[0]' <<<"$figures")
  murder lbd-lb1
  lbd_detach lb1
  lbd_start lb1
  ctl_says lb1 '.adopted == false' status
  wait_for 5 "healthy backends" backends_healthy lb1
  stays "$(quic_client "$VIP4_DSR" --cid "$cid")" "$backend"
}

@test "configs rotate under a connection of the old one" {
  local figures cid backend new
  figures=$(quic_client "$VIP4_DSR" --moves 1)
  cid=$(jq -r .cid <<<"$figures") backend=$(jq -r '.met[0]' <<<"$figures")
  quic_client "$VIP4_DSR" --cid "$cid" --moves 80 --every 0.05 >"$LAB/moves" &
  reload_with "$quic_old, $quic_new" server_id new_server_id
  quic_servers 1
  wait
  jq -e --arg one "$backend" '.met == [$one]' "$LAB/moves"
  figures=$(quic_client "$VIP4_DSR")
  stays "$figures"
  new=$(jq -r .cid <<<"$figures")
  [[ $((16#${new:0:2} >> 5)) == 1 ]]
  stays "$(quic_client "$VIP4_DSR" --cid "$cid")" "$backend"
  reload_with "$quic_new" new_server_id
  stays "$(quic_client "$VIP4_DSR" --cid "$new")"
  quic_client "$VIP4_DSR" --cid "$cid" | jq -e '(.met | length) > 1'
  reload_with "$quic_old, $quic_new" server_id new_server_id
}

@test "a draining backend keeps its connections, one that is down gives them up" {
  local cid
  cid=$(printf '%02x%s0102030405' $((0 << 5 | 8)) "$(server_id be1)")
  ctl lb1 backend drain h3 be1
  stays "$(quic_client "$VIP4_DSR" --cid "$cid")" be1
  murder nginx-be1
  wait_for 5 "be1 down" ctl_says lb1 \
    '[.backends[] | select(.service == "h3" and .name == "be1") | .state == "down"] | all' backends
  quic_client "$VIP4_DSR" --cid "$cid" | jq -e '.lost == 0 and (.met | index("be1") == null)'
}
