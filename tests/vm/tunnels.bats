#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-or-later
#
# Promise: the kernel's own tunnel devices, made as the README says, take every
# mode's headers off, of both families and each in the other.

setup_file() {
  load ../cluster/all.sh
  load ../cluster/tunnels.sh
  lab_up vm-tunnels
  backend_own_vips be1
  backend_start be1
  tunnel_vips be1
  devices be1
  # An emulated machine may take a second for an answer: that is no sick backend; and many for
  # the verifier's walk through all modes.
  config_tunnels lb1 be1 |
    sed -e 's/interval: 500ms/interval: 8s/' -e 's/timeout: 400ms/timeout: 6s/' |
    config_write lb1
  lbd_spawn lb1
  wait_for 120 "an answer of lbd" ctl lb1 status --json
  wait_for 60 "healthy backends" backends_healthy lb1
}

setup() {
  load ../cluster/all.sh
  load ../cluster/tunnels.sh
}

teardown() {
  [[ $BATS_TEST_COMPLETED ]] || lab_autopsy 15
}

# devices HOST: the README's table; `suite` has loaded the modules.
devices() {
  local name
  for name in tunl0 sit0 ip6tnl0 gre0 ip6gre0; do
    on "$1" ip link set "$name" up
  done
  on "$1" ip -6 tunnel change ip6tnl0 mode any
  on "$1" ip fou add port 6080 gue
  on "$1" ip -6 fou add port 6080 gue
  on "$1" ip link add geneve0 address 02:4c:42:44:00:01 type geneve external udp6zerocsumrx
  on "$1" ip link set geneve0 up
  vxlan_devices "$1"
}

# carries MODE: a page, and a file to the backend, through each of its VIPs.
carries() {
  local vip
  for vip in "$(vip4 "$1")" "$(vip6 "$1")" "$(vip4 "$1" 10)" "$(vip6 "$1" 10)"; do
    echo "$1 $vip"
    on client curl -sSf -m 30 "http://$(at_vip "$vip" 80)/" | grep -x 'backend be1'
    on client curl -sSf -m 60 -T "$LAB/www/big" "http://$(at_vip "$vip" 80)/put/$1"
    cmp "$LAB/put-be1/put/$1" "$LAB/www/big"
    rm "$LAB/put-be1/put/$1"
  done
}

@test "ipip: tunl0, sit0 and ip6tnl0" {
  carries ipip
}

@test "gue: fou with the same devices" {
  carries gue
}

@test "gre: gre0 and ip6gre0" {
  carries gre
}

@test "vxlan: a device for each outer family" {
  carries vxlan
}

@test "geneve: one device" {
  carries geneve
}
