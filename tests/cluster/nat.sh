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
