# shellcheck shell=bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# Services of every way of forwarding: per mode a VIP of each family for
# backends of that family, and one for backends of the other.

readonly MODES=(dsr ipip gue gre vxlan geneve)

# vip4 MODE [10]: the VIP for backends of its own family, or of the other.
vip4() {
  local i
  for i in "${!MODES[@]}"; do
    [[ ${MODES[i]} != "$1" ]] || echo "192.0.2.$((110 + i + ${2:-0}))"
  done
}

vip6() {
  local i
  for i in "${!MODES[@]}"; do
    [[ ${MODES[i]} != "$1" ]] || echo "2001:db8::$((110 + i + ${2:-0}))"
  done
}

# config_tunnels NODE BACKEND...
config_tunnels() {
  local mode
  config_head "$1"
  echo "services:"
  for mode in "${MODES[@]}"; do
    config_service "$mode-4" "$(vip4 "$mode")" 80 tcp "$mode" host4 "${@:2}"
    config_service "$mode-6" "$(vip6 "$mode")" 80 tcp "$mode" host6 "${@:2}"
    [[ $mode != dsr ]] || continue
    config_service "$mode-4in6" "$(vip4 "$mode" 10)" 80 tcp "$mode" host6 "${@:2}"
    config_service "$mode-6in4" "$(vip6 "$mode" 10)" 80 tcp "$mode" host4 "${@:2}"
  done
}

vips() {
  local mode
  for mode in "${MODES[@]}"; do
    vip4 "$mode"
    vip6 "$mode"
    [[ $mode != dsr ]] || continue
    vip4 "$mode" 10
    vip6 "$mode" 10
  done
}

# tunnel_vips BACKEND...: on lb1, and on the backends.
tunnel_vips() {
  local host vip
  for vip in $(vips); do
    on lb1 ip address add "$vip" dev eth0 preferred_lft 0
  done
  for host; do
    # shellcheck disable=SC2046 # words
    backend_own "$host" $(vips)
  done
}

# vxlan_devices HOST: as the README tells the operator of a backend.
vxlan_devices() {
  on "$1" ip link add vxlan4 address 02:4c:42:44:00:01 type vxlan id 7 dstport 4789 nolearning
  on "$1" ip link add vxlan6 address 02:4c:42:44:00:01 type vxlan id 7 dstport 4789 nolearning \
    local "$(host6 "$1")" udp6zerocsumrx
  on "$1" ip link set vxlan4 up
  on "$1" ip link set vxlan6 up
}
