#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-or-later
#
# Promise: every way of forwarding carries real traffic of both families, and
# what isn't a service's reaches the node as if lbd weren't there.

load all.sh

config_forward() {
  config_pair "$1" be1 be2 be3
  config_vip cross4 "$VIP4_CROSS" ipip host6 be1 be2 be3
  config_vip cross6 "$VIP6_CROSS" ipip host4 be1 be2 be3
  config_service any4 "$VIP4_ANY" any tcp dsr host4 be1 be2
}

setup_file() {
  lab_up forward
  backends_up
  pair_with config_forward
  spawn lb1 talk-lb1 "$LAB_TESTS/tools/talk" server --name lb1 --port 2222
}

teardown() {
  load_over 15
}

# Every backend answers pages, a large answer arrives whole, large questions go through.
carries() {
  local vip=$1 i figures
  for ((i = 0; i < 40; i++)); do
    http_get "http://$(at_vip "$vip" 80)/"
  done | sort -u >"$LAB/answers"
  diff "$LAB/answers" <(printf 'backend be%d\n' 1 2 3)
  http_get "http://$(at_vip "$vip" 80)/big" | cmp - "$LAB/www/big"
  talk_start load --tcp "$(at_vip "$vip" 7000)" --udp "$(at_vip "$vip" 7000)" \
    --connections 50 --interval-ms 50 --size 1200 --rate 1000
  sleep 0.5
  talk_mark load open
  sleep 1
  figures=$(talk_mark load "$vip")
  echo "$figures"
  jq -e '.tcp.before == 50 and .tcp.broken == 0 and .tcp.retransmits == 0 and
    .udp.lost + .udp.duplicated + .udp.misrouted == 0 and .udp.received > 900 and
    (.servers | keys) == ["be1", "be2", "be3"]' <<<"$figures"
}

# counted NAME: packets of this outcome on lb1.
counted() {
  ctl_json "${2:-lb1}" ".outcomes[] | select(.name == \"$1\") | .packets" counters
}

# counts_more NAME COMMAND...: the command adds packets to this outcome.
counts_more() {
  local name=$1 before
  before=$(counted "$name")
  shift
  "$@"
  (($(counted "$name") > before))
}

@test "dsr carries IPv4" {
  carries "$VIP4_DSR"
}

@test "dsr carries IPv6" {
  carries "$VIP6_DSR"
}

@test "ipip carries IPv4 in IPv4" {
  carries "$VIP4_IPIP"
}

@test "ipip carries IPv6 in IPv6" {
  carries "$VIP6_IPIP"
}

@test "ipip carries IPv4 in IPv6" {
  carries "$VIP4_CROSS"
}

@test "ipip carries IPv6 in IPv4" {
  carries "$VIP6_CROSS"
}

@test "the outer source of a tunnel varies from flow to flow" {
  local i
  # At the switch: at the backend the tunnel ends before tcpdump could look.
  spawn switch tcpdump tcpdump -nn -l -i sw-be1 'ip proto 4'
  wait_for 5 "tcpdump" grep -q listening "$LAB/logs/tcpdump.log"
  for ((i = 0; i < 40; i++)); do
    http_get "http://$VIP4_IPIP/" >/dev/null
  done
  murder tcpdump
  sources=$(grep -o 'IP 198\.18\.[0-9.]* > 192.0.2.21' "$LAB/logs/tcpdump.log" | sort -u | wc -l)
  echo "$sources outer sources"
  ((sources >= 5))
}

@test "the program runs in the driver, and says so" {
  ctl_says lb1 '.xdp | length == 1 and .[0].interface == "eth0" and .[0].mode == "native"' status
}

@test "a service of every port serves every port" {
  http_get "http://$VIP4_ANY/" | grep -x 'backend be[12]'
  talk_start load --tcp "$VIP4_ANY:7000" --connections 20 --interval-ms 50
  sleep 0.5
  talk_mark load any | jq -e '.tcp.open == 20 and (.servers | keys) == ["be1", "be2"]'
}

@test "every packet to a service is counted at the service and at a backend" {
  before=$(ctl_json lb1 '.services[] | select(.name == "web-dsr4") | .packets' services)
  http_get "http://$VIP4_DSR/big" >/dev/null
  after=$(ctl_json lb1 '.services[] | select(.name == "web-dsr4") | .packets' services)
  members=$(ctl_json lb1 '[.backends[] | .packets] | add' backends web-dsr4)
  echo "before $before after $after members $members"
  ((after > before && members == after))
}

@test "ping reaches the node at its own addresses, and is answered at its VIPs" {
  for address in "$(host4 lb1)" "$(host6 lb1)"; do
    counts_more pass_not_l4 on client ping -q -c2 -i0.1 -W1 "$address"
  done
  for address in "$VIP4_DSR" "$VIP6_IPIP"; do
    counts_more answer_echo on client ping -q -c2 -i0.1 -W1 "$address"
    counts_more answer_echo on client ping -q -c2 -i0.1 -W1 -s 1300 "$address"
  done
}

@test "TCP to the node itself and to a VIP's other ports reaches the node" {
  for address in "$(host4 lb1)" "$(host6 lb1)" "$VIP4_DSR" "$VIP6_DSR"; do
    talk_start load --tcp "$(at_vip "$address" 2222)" --udp "$(at_vip "$address" 2222)" \
      --connections 10 --interval-ms 50
    sleep 0.3
    talk_mark load ours | jq -e '.tcp.open == 10 and .servers.lb1 == 10 and .udp.lost == 0'
    talk_stop load
  done
}

@test "ARP and neighbour discovery find the VIPs" {
  on client ip neigh flush dev eth0
  counts_more pass_not_ip http_get "http://$VIP4_DSR/"
  counts_more pass_not_l4 http_get "http://[$VIP6_DSR]/"
  on client ip neigh show to "$VIP4_DSR" | grep "lladdr $(node_mac lb1)"
  on client ip neigh show to "$VIP6_DSR" | grep "lladdr $(node_mac lb1)"
}

@test "VRRP reaches keepalived: the standby hears the master and stays" {
  before=$(counted pass_not_l4 lb2)
  sleep 1.5
  node_has_role lb2 backup
  (($(counted pass_not_l4 lb2) >= before + 10))
}

@test "nothing was dropped all the while" {
  ctl_json lb1 '[.outcomes[] | select(.kind == "drop" and .packets > 0)]' counters
  ctl_says lb1 '[.outcomes[] | select(.kind == "drop") | .packets] | add == 0' counters
}

@test "status says how XDP stands on the interface, by whom and why" {
  ctl_says lb1 '.xdp[0] | .interface == "eth0" and .mode == "native" and .programs == ["lbd_root"] and
    .queues == {rx: 3, tx: 3} and (.reason | length) > 10' status
  ctl lb1 status | grep -E '^xdp +eth0 native, (alone|in libxdp.s chain: lbd_root), 3 rx and 3 tx queues: '
}
