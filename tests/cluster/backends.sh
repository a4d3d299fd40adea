# shellcheck shell=bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# Backends: nginx on port 80 and talk on port 7000, on every address. They own
# all VIPs silently (never answering ARP or ND for them), and take tunnel
# headers off. What is PUT below /put/ arrives in $LAB/put-HOST.

readonly BACKEND_BIG_BYTES=300000

backend_nginx_conf() {
  cat <<EOC
daemon off;
pid $LAB/nginx-$1.pid;
error_log stderr error;
events { worker_connections 8192; }
http {
  access_log off;
  keepalive_timeout 600;
  keepalive_requests 100000000;
  client_body_temp_path $LAB/nginx-$1;
  client_max_body_size 100m;
  server {
    listen 80 backlog=4096;
    listen [::]:80 backlog=4096;
    root $LAB/www;
    location /put/ { dav_methods PUT; root $LAB/put-$1; }
    location = / { default_type text/plain; return 200 "backend $1\n"; }
  }
}
EOC
}

# backend_own HOST VIP...
backend_own() {
  local host=$1 vip
  shift
  for vip; do
    on "$host" ip address add "$vip" dev lo
  done
}

backend_own_vips() {
  local host=$1
  on "$host" sysctl -qw net.ipv4.conf.all.arp_ignore=1 net.ipv4.conf.all.arp_announce=2
  backend_own "$host" "${LAB_VIPS[@]}" "${LAB_EXTRA_VIPS[@]}"
}

backend_start() {
  local host=$1
  mkdir -p "$LAB/www" "$LAB/put-$host/put"
  chmod -R 777 "$LAB/put-$host"
  [[ -f $LAB/www/big ]] || head -c "$BACKEND_BIG_BYTES" /dev/urandom >"$LAB/www/big"
  backend_nginx_conf "$host" >"$LAB/nginx-$host.conf"
  spawn "$host" "nginx-$host" nginx -c "$LAB/nginx-$host.conf"
  spawn "$host" "talk-$host" "$LAB_TESTS/tools/talk" server --name "$host" --port 7000
}

backend_stop() {
  murder "nginx-$1"
  murder "talk-$1"
}

backend_listens() {
  [[ $(on "$1" ss -Hltn 'sport = 80 or sport = 7000' | wc -l) -ge 3 ]]
}

backends_up() {
  local host
  for host in "${LAB_BACKENDS[@]}"; do
    on "$host" ip link set dev eth0 xdpdrv obj "$LAB_TESTS/cluster/decap.bpf.o" sec xdp
    backend_own_vips "$host"
    backend_start "$host"
  done
  for host in "${LAB_BACKENDS[@]}"; do
    wait_for 5 "listeners of $host" backend_listens "$host" || return 1
  done
}
