# shellcheck shell=bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# Backends behind NAT: plain hosts that have never heard of a VIP. Files can be
# put to and got from them.

# shellcheck disable=SC2034 # used by whoever sources this
readonly NAT4=192.0.2.110 NAT6=2001:db8::110
readonly NAT_BIG_MB=50

nat_nginx_conf() {
  backend_nginx_conf "$1" |
    sed 's|location = / {|client_max_body_size 0; location /up { dav_methods PUT; }\n    &|'
}

nat_backends_up() {
  local host
  mkdir -p "$LAB/www/up"
  chmod 777 "$LAB/www/up"
  head -c "${NAT_BIG_MB}M" /dev/urandom >"$LAB/www/big"
  for host in "${LAB_BACKENDS[@]}"; do
    # What comes back by XDP needs a program at this end.
    on "$host" ip link set dev eth0 xdpdrv obj "$LAB_TESTS/cluster/pass.bpf.o" sec xdp
    nat_nginx_conf "$host" >"$LAB/nginx-$host.conf"
    spawn "$host" "nginx-$host" nginx -c "$LAB/nginx-$host.conf"
    spawn "$host" "talk-$host" "$LAB_TESTS/tools/talk" server --name "$host" --port 7000
  done
  for host in "${LAB_BACKENDS[@]}"; do
    wait_for 5 "listeners of $host" backend_listens "$host" || return 1
  done
}

# Answers leave where the kernel's routes say, which it tells of forwarding interfaces only.
nat_forwarding() {
  on "$1" sysctl -qw "net.ipv4.conf.$2.forwarding=1" "net.ipv6.conf.$2.forwarding=1"
}

# A client on a network that the backends are not on:
#
#   far -- eth1 lb1 eth0 -- switch -- be1, be2, be3
#   .7     .1                                         198.51.100.0/24
#   ::7    ::1                                        2001:db8:f::/64
# shellcheck disable=SC2034
readonly FAR_VIP4=198.51.100.100 FAR_VIP6=2001:db8:f::100

nat_far_up() {
  ip netns add far
  on far ip link set lo up
  ip link add far-lb1 type veth peer name far-far
  ip link set far-lb1 netns lb1 name eth1
  ip link set far-far netns far name eth0
  on lb1 ip address add 198.51.100.1/24 dev eth1
  on lb1 ip address add 2001:db8:f::1/64 dev eth1 nodad
  on far ip address add 198.51.100.7/24 dev eth0
  on far ip address add 2001:db8:f::7/64 dev eth0 nodad
  on lb1 ethtool -K eth1 tx off tso off gso off gro off >/dev/null 2>&1
  on far ethtool -K eth0 tx off tso off gso off gro off >/dev/null 2>&1
  on lb1 ip link set eth1 up
  on far ip link set eth0 xdpdrv obj "$LAB_TESTS/cluster/pass.bpf.o" sec xdp
  on far ip link set eth0 up
}

# What lb1 has where no keepalived gives it to it.
nat_far_addresses() {
  on lb1 ip address add "$FAR_VIP4/32" dev eth1
  on lb1 ip address add "$FAR_VIP6/128" dev eth1 nodad
  on lb1 ip address add "$NAT4/32" dev eth0
  on lb1 ip address add "$NAT6/128" dev eth0 nodad preferred_lft 0
}

# nat_get HOST URL [OPTION...]: a big file, intact.
nat_get() {
  local host=$1
  shift
  on "$host" curl --silent --show-error --fail --globoff --max-time 60 "$@" | cmp - "$LAB/www/big"
}

# nat_put HOST URL NAME [OPTION...]: the same, the other way.
nat_put() {
  local host=$1 url=$2 name=$3
  shift 3
  rm -f "$LAB/www/up/$name"
  on "$host" curl --silent --show-error --fail --globoff --max-time 60 --upload-file \
    "$LAB/www/big" "$@" "$url/up/$name" && cmp "$LAB/www/up/$name" "$LAB/www/big"
}
