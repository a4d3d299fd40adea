#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-or-later
#
# Promise: large files go whole through every way of forwarding, to clients and
# from them, and a client whose segments are too long for a tunnel hears of it
# from the VIP and sends shorter ones.

load all.sh
load tunnels.sh

readonly FILE_BYTES=50000000

setup_file() {
  local host
  lab_up tunnels
  backends_up
  tunnel_vips "${LAB_BACKENDS[@]}"
  for host in "${LAB_BACKENDS[@]}"; do
    vxlan_devices "$host"
  done
  config_tunnels lb1 "${LAB_BACKENDS[@]}" | config_write lb1
  node_up lb1
  head -c "$FILE_BYTES" /dev/urandom >"$LAB/www/file"
}

setup() {
  on client ip link set eth0 mtu 1400
}

teardown() {
  [[ $BATS_TEST_COMPLETED ]] || lab_autopsy 15
}

url() {
  echo "http://$(at_vip "$1" 80)/$2"
}

download() {
  on client curl -sSf -m 60 "$(url "$1" file)" | cmp - "$LAB/www/file"
}

# upload VIP NAME: a backend must have it whole.
upload() {
  on client curl -sSf -m 60 -T "$LAB/www/file" "$(url "$1" "put/$2")"
  cat "$LAB"/put-be?/put/"$2" | cmp - "$LAB/www/file"
  rm "$LAB"/put-be?/put/"$2"
}

# carries MODE: both families within themselves, 50 MB each way.
carries() {
  local vip
  for vip in "$(vip4 "$1")" "$(vip6 "$1")"; do
    download "$vip"
    upload "$vip" "$1"
  done
}

# crosses MODE: IPv4 in IPv6 and IPv6 in IPv4.
crosses() {
  local vip
  for vip in "$(vip4 "$1" 10)" "$(vip6 "$1" 10)"; do
    download "$vip"
    upload "$vip" "$1-crossed"
  done
}

counted() {
  ctl_json lb1 ".outcomes[] | select(.name == \"$1\") | .packets" counters
}

# learned VIP: the MTU that the client has of the way to the VIP, if it learned one.
learned() {
  on client ip route get "$1" | grep -o 'mtu [0-9]*' | cut -d' ' -f2
}

# shrinks VIP MTU: with the link's whole MTU, an upload gets the client told, once, and arrives.
shrinks() {
  local vip=$1 mtu=$2 before
  on client ip link set eth0 mtu 1500
  on client ip route flush cache
  on client ip -6 route flush cache
  before=$(counted answer_too_big)
  upload "$vip" shrinks
  echo "learned $(learned "$vip"), told $(($(counted answer_too_big) - before)) times"
  [[ $(learned "$vip") == "$mtu" ]]
  (($(counted answer_too_big) > before))
  before=$(counted answer_too_big)
  upload "$vip" again
  (($(counted answer_too_big) == before))
}

@test "dsr carries large files, both families, both ways" {
  carries dsr
}

@test "ipip carries large files, both families, both ways" {
  carries ipip
}

@test "gue carries large files, both families, both ways" {
  carries gue
}

@test "gre carries large files, both families, both ways" {
  carries gre
}

@test "vxlan carries large files to a device of the kernel, both families, both ways" {
  carries vxlan
}

@test "geneve carries large files, both families, both ways" {
  carries geneve
}

@test "each tunnel carries large files of one family in the other" {
  local mode
  for mode in ipip gue gre vxlan geneve; do
    crosses "$mode"
  done
}

@test "an upload through ipip shrinks the client's segments to 1480, IPv6 to 1460" {
  shrinks "$(vip4 ipip)" 1480
  shrinks "$(vip6 ipip)" 1460
}

@test "an upload through gue shrinks them to 1472, IPv6 to 1452" {
  shrinks "$(vip4 gue)" 1472
  shrinks "$(vip6 gue)" 1452
}

@test "an upload through vxlan shrinks them to 1450, IPv6 to 1430" {
  shrinks "$(vip4 vxlan)" 1450
  shrinks "$(vip6 vxlan)" 1430
}

@test "nothing was dropped all the while" {
  ctl_json lb1 '[.outcomes[] | select(.kind == "drop" and .packets > 0)]' counters
  ctl_says lb1 '[.outcomes[] | select(.kind == "drop") | .packets] | add == 0' counters
}
