# shellcheck shell=bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# The pair: lb1 (preferred) and lb2, each with lbd and keepalived. All labs'
# nodes share one machine, so each node's instance is called like the node.

# Tests run what the sanitizers watch, the demo what is shipped.
LAB_USER_SPACE=$LAB_BUILD${BATS_TEST_FILENAME:+/asan}
LAB_LBD=${LAB_LBD:-$LAB_USER_SPACE/lbd}
LAB_LBCTL=${LAB_LBCTL:-$LAB_USER_SPACE/lbctl}
LAB_OBJECTS=${LAB_OBJECTS:-$LAB_BUILD/bpf}

# node_install NODE [FOLDER]: from its next start on the node's release is what was built there,
# instead of this one.
node_install() {
  rm -f "$LAB/$1.release"
  [[ -z ${2:-} ]] || echo "$2" >"$LAB/$1.release"
}

# node_part NODE PART DEFAULT: where the part of its release is.
node_part() {
  if [[ -f $LAB/$1.release ]]; then
    echo "$(<"$LAB/$1.release")/$2"
  else
    echo "$3"
  fi
}

node_lbd() {
  node_part "$1" lbd "$LAB_LBD"
}

node_lbctl() {
  node_part "$1" lbctl "$LAB_LBCTL"
}

node_objects() {
  node_part "$1" bpf "$LAB_OBJECTS"
}

declare -gAr NODE_PEER=([lb1]=lb2 [lb2]=lb1)
declare -gAr NODE_PRIORITY=([lb1]=110 [lb2]=100)

# --- configuration

config_head() {
  cat <<EOC
instance: $1
node: $1
xdp:
  interfaces: [eth0]
  mode: native
limits:
  connections-ipv4: 65536
  connections-ipv6: 65536
EOC
}

# config_key NAME [.new]: the public key of NAME, whose pair is made when first asked for.
config_key() {
  local file=$LAB/$1.key${2:-}
  [[ -f $file ]] || "$LAB_LBCTL" keygen "$file" >/dev/null
  "$LAB_LBCTL" keygen --public "$file"
}

# config_keys NAME: as a peer's config has them; two while NAME.key.new waits to be taken.
config_keys() {
  printf '"%s"' "$(config_key "$1")"
  [[ ! -f $LAB/$1.key.new ]] || printf ', "%s"' "$(config_key "$1" .new)"
}

config_cluster() {
  local node=$1 peer=${NODE_PEER[$1]}
  config_key "$node" >/dev/null
  cat <<EOC
cluster:
  secret-file: $LAB/secret
  key-file: $LAB/$node.key
  listen: $(host4 "$node"):7400
  peers:
    - name: $peer
      address: $(host4 "$peer"):7400
      keys: [$(config_keys "$peer")]
vrrp:
  interface: eth0
  router-id: 51
  priority: ${NODE_PRIORITY[$node]}
  source: $(host4 "$node")
  peers: [$(host4 "$peer")]
EOC
}

# The VNI that the backends' ends of the tunnel have (decap.bpf.c).
config_vni() {
  case $1 in
  vxlan | geneve) echo "    vni: 7" ;;
  esac
}

# config_service NAME VIP PORT PROTOCOL FORWARD host4|host6 BACKEND...
config_service() {
  local family=$6 backend
  cat <<EOC
  - name: $1
    vip: $2
    port: $3
    protocol: $4
    forward: $5
$(config_vni "$5")
    health:
      port: ${3/any/80}
      interval: 500ms
      timeout: 400ms
      rise: 1
      fall: 2
    backends:
EOC
  shift 6
  for backend; do
    printf '      - name: %s\n        address: %s\n' "$backend" "$("$family" "$backend")"
  done
}

# config_vip NAME VIP FORWARD host4|host6 BACKEND...: HTTP, and talk over TCP and UDP.
config_vip() {
  local name=$1 vip=$2
  shift 2
  config_service "web-$name" "$vip" 80 tcp "$@"
  config_service "talk-$name" "$vip" 7000 tcp "$@"
  config_service "probe-$name" "$vip" 7000 udp "$@"
}

# config_services BACKEND...: the standard ones, on LAB_VIPS.
config_services() {
  echo "services:"
  config_vip dsr4 "$VIP4_DSR" dsr host4 "$@"
  config_vip ipip4 "$VIP4_IPIP" ipip host4 "$@"
  config_vip dsr6 "$VIP6_DSR" dsr host6 "$@"
  config_vip ipip6 "$VIP6_IPIP" ipip host6 "$@"
}

# config_pair NODE BACKEND...: a node of the pair with the standard services.
config_pair() {
  config_head "$1"
  config_cluster "$1"
  shift
  config_services "$@"
}

# config_solo NODE BACKEND...: a node without a peer.
config_solo() {
  config_head "$1"
  shift
  config_services "$@"
}

# config_write NODE: the file is what standard input says, at one stroke.
config_write() {
  cat >"$LAB/$1.yaml.new"
  mv "$LAB/$1.yaml.new" "$LAB/$1.yaml"
}

config_secret() {
  [[ -f $LAB/secret ]] || (umask 077 && openssl rand -hex 16 >"$LAB/secret")
}

# --- lbd

ctl() {
  local node=$1
  shift
  on "$node" "$(node_lbctl "$node")" --instance "$node" "$@"
}

# ctl_json NODE FILTER COMMAND...: what jq makes of the answer.
ctl_json() {
  local node=$1 filter=$2
  shift 2
  ctl "$node" --json "$@" | jq -r "$filter"
}

# ctl_says NODE FILTER COMMAND...: true if the filter says so.
ctl_says() {
  local node=$1 filter=$2
  shift 2
  ctl "$node" --json "$@" | jq -e "$filter"
}

lbd_spawn() {
  local node=$1
  shift
  config_secret
  spawn "$node" "lbd-$node" "$(node_lbd "$node")" --config "$LAB/$node.yaml" \
    --objects "$(node_objects "$node")" "$@"
}

# lbd_start NODE: returns when it answers.
lbd_start() {
  lbd_spawn "$@"
  wait_for 10 "an answer of lbd on $1" ctl "$1" status --json
}

lbd_detach() {
  on "$1" "$(node_lbd "$1")" --config "$LAB/$1.yaml" --detach >>"$LAB/logs/lbd-$1.log" 2>&1
}

backends_healthy() {
  ctl_says "$1" '[.backends[] | .state | select(. != "gone")] | length > 0 and all(. == "up")' \
    backends
}

# node_up NODE: lbd answers and all its backends take connections.
node_up() {
  lbd_start "$1" && wait_for 5 "healthy backends at $1" backends_healthy "$1"
}

# --- keepalived

# The config is the one that lbctl prints; the notify script and lbctl are those of this tree.
# keepalived refuses scripts in places where others than root may write. Process tracking is
# taken out: the kernel tells of processes in its first namespaces only, and without that
# keepalived takes every process for dead.
keepalived_conf() {
  install -m 755 "$LAB_ROOT/packaging/keepalived/lbd-notify" "$LAB/lbd-notify"
  ln -sf "$LAB_LBCTL" "$LAB/lbctl"
  "$LAB_LBCTL" keepalived "$LAB/$1.yaml" |
    sed -e "s|[^ \"]*/lbd-notify|$LAB/lbd-notify|" \
      -e '/track_process.*{/,/}/d' >"$LAB/keepalived-$1.conf"
  [[ ${PIPESTATUS[0]} == 0 ]]
}

keepalived_start() {
  local node=$1
  keepalived_conf "$node" || return 1
  PATH=$LAB:$PATH spawn "$node" "keepalived-$node" keepalived --dont-fork --log-console \
    --log-detail --use-file "$LAB/keepalived-$node.conf" \
    --pid "$LAB/keepalived-$node-parent.pid" --vrrp_pid "$LAB/keepalived-$node-vrrp.pid"
}

node_mac() {
  echo "02:00:00:00:00:${LAB_HOSTS[$1]}"
}

node_has_role() {
  ctl_says "$1" ".role == \"$2\"" role
}

node_in_sync() {
  ctl_says "$1" '[.peers[] | .state == "live" and .received_all] | length > 0 and all' peers &&
    ctl_says "$1" .gate.open role
}

node_has_vips() {
  local vip
  for vip in "${LAB_VIPS[@]}"; do
    [[ -n $(on "$1" ip -o address show to "$vip" dev eth0) ]] || return 1
  done
}

node_is_active() {
  node_has_vips "$1" && node_has_role "$1" master
}

# Every established connection, read from the pinned maps, past the daemon.
node_dump() {
  "$LAB_TESTS/tools/dump" "/sys/fs/bpf/lbd/$1" | sort
}

# nodes_equal NODE OTHER: by their dumps.
nodes_equal() {
  cmp -s <(node_dump "$1") <(node_dump "$2")
}

# Power loss: no more packets either way, and both daemons dead without a word.
node_kill() {
  lab_cut "$1"
  murder "lbd-$1"
  murder "keepalived-$1"
}

# What a reboot leaves of a node: its disk. No program, no pins, no VIPs.
node_boot() {
  local node=$1 vip
  lbd_detach "$node" || return 1
  rm -rf "/run/lbd/$node"
  for vip in "${LAB_VIPS[@]}"; do
    on "$node" ip address del "$vip" dev eth0 2>/dev/null || true
  done
  lab_mend "$node"
  lbd_start "$node" && keepalived_start "$node"
}

# pair_with CONFIG [BACKEND...]: both nodes, lb1 active, in sync. CONFIG NODE [BACKEND...] prints
# the config of a node.
pair_with() {
  local node config=$1
  shift
  for node in lb1 lb2; do
    "$config" "$node" "$@" | config_write "$node"
    node_up "$node" || return 1
  done
  for node in lb1 lb2; do
    wait_for 15 "$node in sync" node_in_sync "$node" || return 1
    keepalived_start "$node" || return 1
  done
  wait_for 10 "lb1 active" node_is_active lb1 && wait_for 5 "lb2 backup" node_has_role lb2 backup
}

pair_up() {
  pair_with config_pair "$@"
}

# solo_up BACKEND...: lb1 alone, which has the VIPs without keepalived. Deprecated, as keepalived
# has them too: no connection of the node's own, like a health check, may leave from a VIP.
solo_up() {
  local vip
  for vip in "${LAB_VIPS[@]}"; do
    on lb1 ip address add "$vip" dev eth0 preferred_lft 0
  done
  config_solo lb1 "$@" | config_write lb1
  node_up lb1
}

# --- whole labs, logging below NAME: pair_lab NAME BACKEND..., solo_lab NAME BACKEND...

pair_lab() {
  lab_up "$1"
  backends_up
  pair_up "${@:2}"
}

solo_lab() {
  lab_up "$1"
  backends_up
  solo_up "${@:2}"
}
