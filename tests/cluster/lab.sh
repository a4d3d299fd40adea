# shellcheck shell=bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# The lab: hosts as network namespaces, each with one link into a switch, which
# is the namespace that `enter` made (as a host: "switch").
#
#       client      lb1       lb2      be1      be2      be3      eth0 in each
#         |          |         |        |        |        |
#    -----+----------+---------+--------+--------+--------+-----  br0
#     .1         .11       .12      .21      .22      .23         192.0.2.0/24
#     ::1        ::11      ::12     ::21     ::22     ::23        2001:db8::/64
#
# And lb3 (.13, ::13), for three.bats.
# Names that a host's namespace has: LAB_HOSTS. `on HOST COMMAND` runs there.
# Everything a lab writes is below $LAB (private to it), but for its logs.

LAB_ROOT=$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd)
LAB_BUILD=$(realpath -m "$LAB_ROOT/${BUILD:-build}")
LAB_TESTS=$LAB_BUILD/tests

declare -gAr LAB_HOSTS=([client]=1 [lb1]=11 [lb2]=12 [lb3]=13 [be1]=21 [be2]=22 [be3]=23)
# shellcheck disable=SC2034 # used by whoever sources this
readonly LAB_BACKENDS=(be1 be2 be3)

# The VIPs: per family one for each way of forwarding, one for tunnels through
# the other family, and one for a service of every port.
# shellcheck disable=SC2034 # used by whoever sources this
readonly VIP4_DSR=192.0.2.100 VIP4_IPIP=192.0.2.101 VIP4_CROSS=192.0.2.102 VIP4_ANY=192.0.2.103 \
  VIP6_DSR=2001:db8::100 VIP6_IPIP=2001:db8::101 VIP6_CROSS=2001:db8::102
# shellcheck disable=SC2034
LAB_VIPS=("$VIP4_DSR" "$VIP4_IPIP" "$VIP6_DSR" "$VIP6_IPIP")
# shellcheck disable=SC2034
readonly LAB_EXTRA_VIPS=("$VIP4_CROSS" "$VIP4_ANY" "$VIP6_CROSS")

lab_fail() {
  echo "lab: $*" >&2
  return 1
}

# fails COMMAND...: true if it does. (A bare "!" doesn't fail a test.)
fails() {
  ! "$@"
}

# Sourced outside of `enter` this would turn the machine's own network over.
lab_require_enter() {
  if [[ -z ${LAB:-} || $(stat -f -c %T /run) != tmpfs || ! -d $LAB ]]; then
    lab_fail "run this by tests/cluster/enter, or: tests/check cluster"
  fi
}

on() {
  local host=$1
  shift
  nsenter --net="/run/netns/$host" -- "$@"
}

host4() {
  echo "192.0.2.${LAB_HOSTS[$1]}"
}

host6() {
  echo "2001:db8::${LAB_HOSTS[$1]}"
}

# wait_for SECONDS WHAT COMMAND...: poll until the command succeeds.
# LAB_PATIENCE times the seconds, on a machine that is slow throughout.
wait_for() {
  local deadline=$((${EPOCHREALTIME/./} + $1 * ${LAB_PATIENCE:-1} * 1000000)) what=$2
  shift 2
  until "$@" >/dev/null 2>&1; do
    if ((${EPOCHREALTIME/./} > deadline)); then
      lab_fail "waited in vain for: $what"
      return 1
    fi
    sleep 0.05
  done
}

# --- the network

# Checksums are made in full and segments cut before the link: what a packet
# passes by XDP has no sk_buff that could say "still to be done".
lab_plain_link() {
  ethtool -K "$1" tx off tso off gso off gro off >/dev/null 2>&1
}

lab_configure_host() {
  local host=$1
  on "$host" sysctl -qw net.ipv4.conf.all.rp_filter=0 net.ipv4.conf.default.rp_filter=0 \
    net.ipv6.conf.default.accept_dad=0 net.ipv6.conf.default.dad_transmits=0 \
    net.ipv6.conf.default.accept_ra=0
  on "$host" ip link set lo up
}

# A queue of a veth holds 256 packets, less than what comes while a busy CPU is away for some
# milliseconds. Three hold more; with four, one poll of all (64 packets each) would overflow the
# single queue at the other end that XDP sends to.
lab_add_host() {
  local host=$1
  ip netns add "$host"
  lab_configure_host "$host"
  ip link add "sw-$host" numtxqueues 3 numrxqueues 3 type veth peer name eth0 \
    address "02:00:00:00:00:${LAB_HOSTS[$host]}" numtxqueues 3 numrxqueues 3 netns "$host"
  lab_plain_link "sw-$host"
  on "$host" ethtool -K eth0 tx off tso off gso off gro off >/dev/null 2>&1
  ip link set "sw-$host" master br0 up
  on "$host" ip address add "$(host4 "$host")/24" dev eth0
  on "$host" ip address add "$(host6 "$host")/64" dev eth0 nodad
  on "$host" ip link set eth0 up
}

# A host whose XDP program forwards. What it sends back needs a program at the switch's end. And
# XDP on a veth sees every frame, a network card shows it those for its own address only: no
# flooding to here, or the standby would carry what is meant for a node that is cut off.
lab_forwarder() {
  ip link set dev "sw-$1" xdpdrv obj "$LAB_TESTS/cluster/pass.bpf.o" sec xdp
  ip link set dev "sw-$1" type bridge_slave flood off
}

lab_open_logs() {
  rm -rf "$1"
  mkdir -p "$1"
  ln -sfn "$1" "$LAB/logs"
}

# lab_up NAME: the hosts and the switch; logs go below build/lab/NAME.
lab_up() {
  lab_require_enter || return 1
  lab_open_logs "$LAB_BUILD/lab/$1"
  # Without the bridge filter in the kernel there are no such keys, and nothing to switch off.
  sysctl -qew net.bridge.bridge-nf-call-iptables=0 net.bridge.bridge-nf-call-ip6tables=0 \
    net.bridge.bridge-nf-call-arptables=0
  ip netns attach switch $$
  ip link add br0 type bridge mcast_snooping 0
  ip link set lo up
  ip link set br0 up
  local host
  for host in "${!LAB_HOSTS[@]}"; do
    lab_add_host "$host" || return 1
  done
  # A tunnel header must still fit between balancer and backend.
  on client ip link set eth0 mtu 1400
  lab_forwarder lb1
  lab_forwarder lb2
}

# Where packets were dropped on links and at sockets: what the machine was too busy for.
lab_losses() {
  local host
  for host in switch "${!LAB_HOSTS[@]}"; do
    on "$host" ip -json -stats link show | jq -r --arg host "$host" '.[] |
      select(.stats64.rx.dropped + .stats64.tx.dropped > 0) |
      "\($host) \(.ifname): dropped \(.stats64.rx.dropped) in, \(.stats64.tx.dropped) out"'
    on "$host" ethtool -S eth0 2>/dev/null | grep -E '(drops|errors): [1-9]' | sed "s/^/$host/"
    on "$host" nstat -asz 2>/dev/null | grep -E '^Udp6?(RcvbufErrors|InErrors) +[1-9]' |
      sed "s/^/$host /"
  done
  true
}

lab_cut() {
  ip link set "sw-$1" down
}

lab_mend() {
  ip link set "sw-$1" up
}

# --- processes

# spawn HOST NAME COMMAND...: a daemon, in a session of its own, logging to NAME.log.
spawn() {
  local host=$1 name=$2
  shift 2
  (
    exec 3>&- 4>&- </dev/null >>"$LAB/logs/$name.log" 2>&1
    exec setsid nsenter --net="/run/netns/$host" -- "$@"
  ) &
  echo $! >"$LAB/$name.pid"
  disown
}

lab_pid() {
  cat "$LAB/$1.pid" 2>/dev/null
}

# A daemon is a session: its first process may be gone when another took over from it.
lab_pids() {
  local session
  session=$(lab_pid "$1") && ps -o pid=,stat= -s "$session" | awk '$2 !~ /^Z/ { print $1 }'
}

alive() {
  [[ -n $(lab_pids "$1") ]]
}

dead() {
  ! alive "$1"
}

# Kill a daemon and all that it started, at once and without a word.
murder() {
  local pid
  pid=$(lab_pid "$1") || return 0
  kill -9 -- "-$pid" 2>/dev/null || true
  wait_for 5 "death of $1" dead "$1"
  rm -f "$LAB/$1.pid"
}

# lab_autopsy [LINES]: the last words of every daemon, for a test that failed.
lab_autopsy() {
  local log lines=${1:-15}
  for log in "$LAB"/logs/*.log; do
    [[ -s $log ]] || continue
    echo "--- ${log##*/}"
    tail -n "$lines" "$log"
  done
}
