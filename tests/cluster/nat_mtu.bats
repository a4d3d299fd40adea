#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-or-later
#
# Promise: path MTU discovery works through forward: nat. Whoever sends packets
# too long for a link on the way, before the node or behind it, hears of it, sends
# shorter ones, and large files arrive. All links have 1500 bytes; routes say less.
#
#   home -- eth1 far eth0 -- eth1 lb1 eth0 -- switch -- be1, be3 eth1 -- deep
#   .7      .1   .7          .1                              .1          .7
#   198.51.102.0/24          198.51.100.0/24                 198.51.101.0/24
#   2001:db8:a::/64          2001:db8:f::/64                 2001:db8:d::/64

load all.sh
load nat.sh

readonly MTU=1300

# config_deep FAMILY VIP ADDRESS: port 81 is served by port 80 of the host behind be3.
config_deep() {
  config_service "deep$1" "$2" 81 tcp nat host4 deep |
    sed -e '/^      port: 81/d' -e "s/address: .*/address: $3\n        port: 80/"
}

config_mtu() {
  config_head lb1 | sed 's/\[eth0\]/[eth0, eth1]/'
  printf 'nat:\n  addresses: [%s, "%s"]\nservices:\n' "$NAT4" "$NAT6"
  config_service web4 "$FAR_VIP4" 80 tcp nat host4 be1
  config_service web6 "$FAR_VIP6" 80 tcp nat host6 be1
  config_deep 4 "$FAR_VIP4" 198.51.101.7
  config_deep 6 "$FAR_VIP6" 2001:db8:d::7
}

# behind ROUTER HOST NET4 NET6: a host, by a link to the router's eth1.
behind() {
  local router=$1 host=$2 net4=$3 net6=$4
  ip netns add "$host"
  on "$host" ip link set lo up
  ip link add "$host-up" type veth peer name "$host-down"
  ip link set "$host-up" netns "$host" name eth0
  ip link set "$host-down" netns "$router" name eth1
  on "$router" ethtool -K eth1 tx off tso off gso off gro off >/dev/null 2>&1
  on "$host" ethtool -K eth0 tx off tso off gso off gro off >/dev/null 2>&1
  on "$router" sysctl -qw net.ipv4.ip_forward=1 net.ipv6.conf.all.forwarding=1
  on "$router" ip address add "$net4.1/24" dev eth1
  on "$router" ip address add "$net6::1/64" dev eth1 nodad
  on "$host" ip address add "$net4.7/24" dev eth0
  on "$host" ip address add "$net6::7/64" dev eth0 nodad
  on "$router" ip link set eth1 up
  on "$host" ip link set eth0 up
  on "$host" ip route add default via "$net4.1"
  on "$host" ip route add default via "$net6::1"
}

routes() {
  on lb1 ip route add 198.51.101.0/24 via "$(host4 be3)"
  on lb1 ip route add 2001:db8:d::/64 via "$(host6 be3)"
  on lb1 ip route add 198.51.102.0/24 via 198.51.100.7
  on lb1 ip route add 2001:db8:a::/64 via 2001:db8:f::7
  on far ip route add default via 198.51.100.1
  on far ip route add default via 2001:db8:f::1
}

serve_deep() {
  nat_nginx_conf deep >"$LAB/nginx-deep.conf"
  spawn deep nginx-deep nginx -c "$LAB/nginx-deep.conf"
}

setup_file() {
  lab_up nat-mtu
  nat_far_up
  behind be3 deep 198.51.101 2001:db8:d
  behind far home 198.51.102 2001:db8:a
  routes
  nat_backends_up
  serve_deep
  nat_forwarding lb1 eth0
  nat_forwarding lb1 eth1
  nat_far_addresses
  config_mtu | config_write lb1
  node_up lb1
}

teardown() {
  [[ $BATS_TEST_COMPLETED ]] || lab_autopsy 15
}

# learned HOST ADDRESS: the MTU that the host has of the way there, if it learned one.
learned() {
  on "$1" ip route get "$2" | grep -o 'mtu [0-9]*' | cut -d' ' -f2
}

counted() {
  ctl_json lb1 ".outcomes[] | select(.name == \"$1\") | .packets" counters
}

# narrow HOST DEVICE ADDRESS...: its ways to these hosts have less room from now on.
narrow() {
  local address
  for address in "${@:3}"; do
    on "$1" ip route add "$address" dev "$2" mtu lock $MTU
  done
}

wide() {
  local address
  for address in "${@:3}"; do
    on "$1" ip route del "$address" dev "$2"
  done
}

# hears HOST ADDRESS COUNTER COMMAND...: the transfer succeeds, and so the host learned the MTU.
hears() {
  local host=$1 address=$2 counter=$3 before
  before=$(counted "$counter")
  [[ -z $(learned "$host" "$address") ]]
  "${@:4}"
  echo "learned $(learned "$host" "$address"), $counter $(($(counted "$counter") - before)) times"
  [[ $(learned "$host" "$address") == "$MTU" ]]
  (($(counted "$counter") > before))
}

forget() {
  on "$1" ip route flush cache
  on "$1" ip -6 route flush cache
}

@test "a client hears from the VIP when the node's way to the backends is narrower" {
  narrow lb1 eth0 "$(host4 be1)" "$(host6 be1)"
  sleep 0.5
  hears far "$FAR_VIP4" answer_too_big nat_put far "http://$FAR_VIP4" four
  hears far "$FAR_VIP6" answer_too_big nat_put far "http://[$FAR_VIP6]" six
  wide lb1 eth0 "$(host4 be1)" "$(host6 be1)"
  forget far
}

@test "a client hears of a router that has less room on its way to the backend" {
  narrow be3 eth1 198.51.101.7 2001:db8:d::7
  hears far "$FAR_VIP4" forward_return nat_put far "http://$FAR_VIP4:81" four
  hears far "$FAR_VIP6" forward_return nat_put far "http://[$FAR_VIP6]:81" six
  wide be3 eth1 198.51.101.7 2001:db8:d::7
  forget far
}

@test "a backend hears from the NAT address when the node's way to the clients is narrower" {
  narrow lb1 eth1 198.51.100.7 2001:db8:f::7
  hears be1 "$NAT4" answer_too_big nat_get far "http://$FAR_VIP4/big"
  hears be1 "$NAT6" answer_too_big nat_get far "http://[$FAR_VIP6]/big"
  wide lb1 eth1 198.51.100.7 2001:db8:f::7
  forget be1
}

@test "a backend hears of a router that has less room on its way to the client" {
  narrow far eth1 198.51.102.7 2001:db8:a::7
  hears be1 "$NAT4" forward_icmp nat_get home "http://$FAR_VIP4/big"
  hears be1 "$NAT6" forward_icmp nat_get home "http://[$FAR_VIP6]/big"
  wide far eth1 198.51.102.7 2001:db8:a::7
}
