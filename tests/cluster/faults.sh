# shellcheck shell=bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# What happens to a pair: each fault is begun and, when it has lasted, healed.
# Chance picks them; FAULT_SEED repeats a run, FAULTS_OF names those to pick from ("cut kill").

# What the nodes say to each other: sync is TCP to port 7400, VRRP is protocol 112.
readonly FAULT_SYNC='tcp dport 7400' FAULT_SYNC_BACK='tcp sport 7400'

# fault_filter RULE...: drop at lb2, in both directions, what matches a rule.
fault_filter() {
  local rule
  on lb2 nft add table inet faults
  on lb2 nft add chain inet faults in '{ type filter hook input priority 0; }'
  on lb2 nft add chain inet faults out '{ type filter hook output priority 0; }'
  for rule; do
    on lb2 nft add rule inet faults in "$rule" drop
    on lb2 nft add rule inet faults out "$rule" drop
  done
}

fault_unfilter() {
  on lb2 nft delete table inet faults
}

# The nodes don't hear each other's tables, but VRRP goes on.
fault_partition_begin() { fault_filter "$FAULT_SYNC" "$FAULT_SYNC_BACK"; }
fault_partition_heal() { fault_unfilter; }

# Neither hears the other at all: both are active.
fault_split_begin() {
  fault_filter "$FAULT_SYNC" "$FAULT_SYNC_BACK" 'ip protocol 112' 'ip6 nexthdr 112'
}
fault_split_heal() { fault_unfilter; }

# A third of the segments between them is lost.
fault_loss_begin() {
  fault_filter "$FAULT_SYNC numgen random mod 3 == 0" "$FAULT_SYNC_BACK numgen random mod 3 == 0"
}
fault_loss_heal() { fault_unfilter; }

# Every fourth packet from one to the other takes the slow lane, and comes after those behind it.
fault_reorder_begin() {
  local node
  for node in lb1 lb2; do
    on "$node" tc qdisc add dev eth0 root handle 1: htb default 1
    on "$node" tc class add dev eth0 parent 1: classid 1:1 htb rate 10gbit quantum 60000
    on "$node" tc class add dev eth0 parent 1: classid 1:2 htb rate 500kbit burst 1600 cburst 1600
    on "$node" tc qdisc add dev eth0 parent 1:2 pfifo limit 24
    on "$node" nft add table inet lanes
    on "$node" nft add chain inet lanes out '{ type filter hook output priority 0; }'
    on "$node" nft add rule inet lanes out ip daddr "$(host4 "${NODE_PEER[$node]}")" \
      numgen random mod 4 == 0 counter meta priority set 1:2
  done
}
fault_reorder_heal() {
  local node
  for node in lb1 lb2; do
    on "$node" nft delete table inet lanes
    on "$node" tc qdisc delete dev eth0 root
  done
}

# A link without a carrier.
fault_cut_begin() { lab_cut "$FAULT_NODE"; }
fault_cut_heal() { lab_mend "$FAULT_NODE"; }

fault_kill_begin() { murder "lbd-$FAULT_NODE"; }
fault_kill_heal() { lbd_start "$FAULT_NODE"; }

# Power loss; what comes back has no tables, and another boot identity.
fault_reboot_begin() { node_kill "$FAULT_NODE"; }
fault_reboot_heal() { node_boot "$FAULT_NODE"; }

# A daemon that doesn't get to run: its clock jumps when it does.
fault_freeze_begin() { kill -STOP -- "-$(lab_pid "lbd-$FAULT_NODE")"; }
fault_freeze_heal() { kill -CONT -- "-$(lab_pid "lbd-$FAULT_NODE")"; }

# The wall clock jumps by up to an hour, forth or back.
fault_clock_begin() { walltime_set "$FAULT_NODE" $((RANDOM % 7200 - 3600)); }
fault_clock_heal() { :; }

# A table moves to twice its size, and back. Large ones take their time under sanitizers.
fault_resize() {
  local slots=$(($1 * (FAULT_FAMILY == 4 ? CHAOS_SLOTS : CHAOS_SLOTS / 2)))
  wait_for 10 "$slots slots at $FAULT_NODE" ctl "$FAULT_NODE" \
    --timeout 120 resize "connections-ipv$FAULT_FAMILY" "$slots"
}
fault_resize_begin() {
  FAULT_FAMILY=$((RANDOM % 2 ? 4 : 6))
  fault_resize 2
}
fault_resize_heal() { fault_resize 1; }

# Another daemon takes over.
fault_takeover_begin() { ctl "$FAULT_NODE" upgrade --daemon >/dev/null; }
fault_takeover_heal() { :; }

read -ra FAULTS <<<"${FAULTS_OF:-partition split loss reorder cut kill reboot freeze clock resize takeover}"
readonly FAULTS

# walltime_set NODE SECONDS: how far the wall clock of that node's lbd is off (walltime.c).
walltime_set() {
  perl -e 'print pack("q", shift)' -- "$2" >"$LAB/walltime-$1.new"
  cat "$LAB/walltime-$1.new" 1<>"$LAB/walltime-$1"
}

# fault_happen NAME NODE SECONDS
fault_happen() {
  FAULT_NODE=$2
  echo "fault: $1 at $2 for $3 s" >&3
  "fault_$1_begin" && sleep "$3" && "fault_$1_heal"
}

# faults_happen SECONDS: one after the other, with a little peace between.
faults_happen() {
  local until=$((SECONDS + $1)) nodes=(lb1 lb2)
  RANDOM=${FAULT_SEED:-$((SRANDOM % 32768))}
  echo "faults: FAULT_SEED=$RANDOM is the first number" >&3
  while ((SECONDS < until)); do
    fault_happen "${FAULTS[RANDOM % ${#FAULTS[@]}]}" "${nodes[RANDOM % 2]}" \
      "$((RANDOM % 3)).$((RANDOM % 10))" || return 1
    sleep "0.$((RANDOM % 10))"
  done
}
