# shellcheck shell=bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# The mill: numbered datagrams over very many flows, sent and taken back at one
# end of a link (host gen), at whose other end (host mill) lbd stands.

mill_config() {
  cat <<EOC
instance: mill
node: mill
xdp: {interfaces: [eth0], mode: native}
limits: {connections-ipv4: 1048576, connections-ipv6: 1024, nat-ipv4: 1024, nat-ipv6: 1024}
timeouts: {udp: 300s}
services:
  - name: mill
    vip: 192.0.2.100
    port: 7000
    protocol: udp
    health: {check: none}
    backends:
      - {name: b1, address: 192.0.2.21}
      - {name: b2, address: 192.0.2.22}
      - {name: b3, address: 192.0.2.23}
      - {name: b4, address: 192.0.2.24}
EOC
}

# mill_up NAME: the two ends of the link, lbd at one and the stream at the other.
mill_up() {
  lab_require_enter
  lab_open_logs "$LAB_BUILD/lab/$1"
  local host i
  for host in gen mill; do
    ip netns add "$host"
    on "$host" ip link set lo up
  done
  ip -n gen link add eth0 address 02:00:00:00:00:fd type veth \
    peer name eth0 address 02:00:00:00:00:0b netns mill
  on gen ip link set eth0 up
  on mill ip link set eth0 up
  on mill ip address add 192.0.2.11/24 dev eth0
  for i in 21 22 23 24; do
    on mill ip neigh add "192.0.2.$i" lladdr "02:00:00:00:00:$i" dev eth0 nud permanent
  done
  mill_config >"$LAB/mill.yaml"
  lbd_start mill
  mkfifo "$LAB/stream.ctl"
  : >"$LAB/stream.json"
  (
    exec 3>&- 4>&- <>"$LAB/stream.ctl" >>"$LAB/stream.json" 2>>"$LAB/logs/stream.log"
    exec setsid nsenter --net=/run/netns/gen -- "$LAB_TESTS/tools/stream" \
      "$LAB_TESTS/cluster/stream.bpf.o" eth0 02:00:00:00:00:0b 192.0.2.100 7000 198.18.0.0
  ) &
  echo $! >"$LAB/stream.pid"
  disown
}

# Where packets may have gone: by lbd, or at a queue of the link.
losses() {
  ctl mill counters
  for host in gen mill; do
    on "$host" ethtool -S eth0 | grep -v ': 0$'
    on "$host" ip -s link show eth0
  done
}

stream_says() {
  echo "$*" >"$LAB/stream.ctl"
}

marks() {
  wc -l <"$LAB/stream.json"
}

marked() {
  (($(marks) > $1))
}

# mark: print the figures since the last one.
mark() {
  local before
  before=$(marks)
  stream_says mark
  wait_for 10 "figures of the stream" marked "$before"
  tail -n 1 "$LAB/stream.json"
}

# unharmed WHAT: since the last mark nothing was lost, doubled or misrouted.
unharmed() {
  local figures
  figures=$(mark)
  echo "$1: $figures" | tee -a "$LAB/logs/figures.log"
  jq -e '.sent > 1000 and .lost == 0 and .duplicated == 0 and
    .misrouted == 0' <<<"$figures"
}
