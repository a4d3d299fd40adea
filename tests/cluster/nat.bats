#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-or-later
#
# Promise: forward: nat carries real traffic of both families, both ways, to
# backends that know nothing of a VIP; and a takeover breaks no connection.

load all.sh
load nat.sh

# The VIPs of this lab. The NAT addresses move with them.
# shellcheck disable=SC2034 # used by nodes.sh and load.sh
LAB_VIPS=("$VIP4_DSR" "$VIP6_DSR")

# config_nat NODE BACKEND...: port 8080 is served on port 80.
config_nat() {
  config_head "$1"
  config_cluster "$1"
  shift
  printf 'nat:\n  addresses: [%s, "%s"]\nservices:\n' "$NAT4" "$NAT6"
  config_vip nat4 "$VIP4_DSR" nat host4 "$@"
  config_vip nat6 "$VIP6_DSR" nat host6 "$@"
  config_service web8080 "$VIP4_DSR" 8080 tcp nat host4 "$@" |
    sed -e 's/port: 8080$/&/' -e '/^      port: 8080/d' -e '/ address:/a\        port: 80'
}

setup_file() {
  lab_up nat
  nat_backends_up
  nat_forwarding lb1 eth0
  nat_forwarding lb2 eth0
  pair_with config_nat be1 be2 be3
}

teardown() {
  load_over 15
}

# Every backend answers pages; a big file comes and goes intact; UDP is echoed.
carries() {
  local vip=$1 i figures
  for ((i = 0; i < 40; i++)); do
    http_get "http://$(at_vip "$vip" 80)/"
  done | sort -u >"$LAB/answers"
  diff "$LAB/answers" <(printf 'backend be%d\n' 1 2 3)
  nat_get client "http://$(at_vip "$vip" 80)/big"
  nat_put client "http://$(at_vip "$vip" 80)" carries
  talk_start load --tcp "$(at_vip "$vip" 7000)" --udp "$(at_vip "$vip" 7000)" \
    --connections 50 --interval-ms 50 --size 1200 --rate 1000
  sleep 0.5
  talk_mark load open
  sleep 1
  figures=$(talk_mark load "$vip")
  echo "$figures"
  jq -e '.tcp.before == 50 and .tcp.broken == 0 and .udp.lost + .udp.duplicated +
    .udp.misrouted == 0 and .udp.received > 900 and
    (.servers | keys) == ["be1", "be2", "be3"]' <<<"$figures"
}

@test "nat carries IPv4, one-armed" {
  carries "$VIP4_DSR"
}

@test "nat carries IPv6, one-armed" {
  carries "$VIP6_DSR"
}

@test "backends see the NAT address, not the client's" {
  talk_start load --tcp "$(at_vip "$VIP4_DSR" 7000)" --connections 30 --interval-ms 50
  sleep 0.5
  on be1 ss -Htn state established 'sport = 7000' | awk '{print $4}' >"$LAB/seen"
  cat "$LAB/seen"
  grep -q "$NAT4" "$LAB/seen"
  fails grep -q "$(host4 client):" "$LAB/seen"
}

@test "a backend may listen on another port than the service" {
  http_get "http://$VIP4_DSR:8080/" | grep -x 'backend be[123]'
}

@test "a backend that lbctl adds gets packets at its port" {
  local i
  ctl lb1 backend remove web8080 be2
  ctl lb1 backend remove web8080 be3
  ctl lb1 backend add web8080 late "$(host4 be2)" --port 7080
  nat_nginx_conf late | sed 's/\(listen .*\)80 /\17080 /' >"$LAB/nginx-late.conf"
  spawn be2 nginx-late nginx -c "$LAB/nginx-late.conf"
  wait_for 5 "health of late" ctl_says lb1 \
    '.backends[] | select(.name == "late") | .port == 7080 and .state == "up"' backends web8080
  for ((i = 0; i < 20; i++)); do
    http_get "http://$VIP4_DSR:8080/"
  done | sort -u >"$LAB/answers"
  diff "$LAB/answers" <(printf 'backend %s\n' be1 late)
  ctl lb1 reload
}

@test "a backend reaches the service too, itself included" {
  local i vip
  for vip in "${LAB_VIPS[@]}"; do
    for ((i = 0; i < 40; i++)); do
      on be1 curl --silent --fail --globoff --max-time 5 "http://$(at_vip "$vip" 80)/"
    done | sort -u >"$LAB/answers"
    diff "$LAB/answers" <(printf 'backend be%d\n' 1 2 3)
  done
}

@test "a client whose MAC address the node has forgotten gets its answers" {
  on lb1 ip neigh del "$(host4 client)" dev eth0 || true # it may never have known it
  http_get "http://$VIP4_DSR/"
  on lb1 ip neigh del "$(host6 client)" dev eth0 || true # it may never have known it
  http_get "http://[$VIP6_DSR]/"
}

@test "keepalived moves the NAT addresses with the VIPs" {
  grep -F "$NAT4/32" "$LAB/keepalived-lb1.conf"
  grep -F "$NAT6/128" "$LAB/keepalived-lb1.conf"
  [[ -n $(on lb1 ip -o address show to "$NAT4" dev eth0) ]]
}

@test "kill -9 of lbd stops no transfer" {
  nat_get client "http://$VIP4_DSR/big" --limit-rate 15M &
  download=$!
  sleep 1
  murder lbd-lb1
  sleep 1
  lbd_start lb1
  wait "$download"
}

@test "downloads and uploads of both families survive the death of the active node" {
  local jobs=() job
  wait_for 20 "lb2 in sync" node_in_sync lb2
  wait_for 20 "lb1 active" node_is_active lb1
  nat_get client "http://$VIP4_DSR/big" --limit-rate 8M & jobs+=($!)
  nat_get client "http://[$VIP6_DSR]/big" --limit-rate 8M & jobs+=($!)
  nat_put client "http://$VIP4_DSR" four --limit-rate 8M & jobs+=($!)
  nat_put client "http://[$VIP6_DSR]" six --limit-rate 8M & jobs+=($!)
  sleep 2
  node_kill lb1
  wait_for 3 "lb2 active" node_is_active lb2
  for job in "${jobs[@]}"; do
    wait "$job"
  done
}

@test "and so do 200 connections, when the node has come back and takes over again" {
  load_start 200 500
  node_boot lb1
  nat_forwarding lb1 eth0
  wait_for 20 "lb1 in sync" node_in_sync lb1
  wait_for 20 "lb1 active" node_is_active lb1
  sleep 2
  load_unbroken back
}
