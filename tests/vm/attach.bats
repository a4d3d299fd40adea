#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-or-later
#
# Promise: lbd attaches, upgrades, outlives its daemon and leaves, on the kernel
# that this runs under: in libxdp's chain where that kernel lets it, else alone.

# An emulated machine may take a second for an answer: that is no sick backend,
# and a sick one's datagrams would go to another, as they should.
config_solo_patient() {
  config_solo "$@" | sed -e 's/interval: 500ms/interval: 8s/' -e 's/timeout: 400ms/timeout: 6s/'
}

setup_file() {
  local vip
  load ../cluster/all.sh
  lab_up attach
  backends_up
  for vip in "${LAB_VIPS[@]}"; do
    on lb1 ip address add "$vip" dev eth0 preferred_lft 0
  done
  config_solo_patient lb1 be1 be2 | config_write lb1
  lbd_start lb1
  wait_for 30 "healthy backends" backends_healthy lb1
}

setup() {
  load ../cluster/all.sh
}

teardown() {
  talk_stop load
  [[ $BATS_TEST_COMPLETED ]] || lab_autopsy 15
}

serves() {
  local vip
  for vip in "${LAB_VIPS[@]}"; do
    http_get "http://$(at_vip "$vip" 80)/" | grep -x 'backend be[12]'
  done
}

# unharmed MARK COMMAND...: no packet and no connection suffers from it. An answer may be late:
# the guest's one CPU has the verifier to run, and a host that has other things to do.
unharmed() {
  local mark=$1
  shift
  load_start 40 400 --settle-ms 3000
  "$@"
  sleep 1
  load_unharmed "$mark"
}

# Programs on lb1's interface, the dispatcher aside.
programs() {
  on lb1 xdp-loader status eth0 | grep -oE 'lbd_root|xdpfilt_[a-z_]*'
}

# Their ids in the kernel, lbd's and the dispatcher aside: they change if somebody touches them.
filter_status() {
  on lb1 xdp-loader status eth0 | grep xdpfilt_
}

in_chain() {
  ctl_says lb1 '.xdp[0].dispatcher' status
}

xdp_filter() {
  on lb1 xdp-filter load eth0 --policy allow --features tcp
}

restart() {
  murder lbd-lb1
  lbd_start lb1
}

up_and_back() {
  ctl lb1 upgrade && ctl lb1 rollback
}

# Half of the flows go through a new generation, then all.
canary() {
  ctl lb1 upgrade --canary 50%
  sleep 2
  ctl_says lb1 '.generation.trial.kind == "canary"' status
  ctl lb1 upgrade --promote
  ctl_says lb1 '.generation.trial == null' status
}

resize() {
  ctl lb1 resize connections-ipv4 8K
  ctl_says lb1 '.connections.ipv4.slots == 8192' status
}

reload() {
  ctl lb1 reload
}

@test "it attaches in the driver" {
  ctl_says lb1 '.xdp[0].mode == "native" and (.adopted | not)' status
  [[ $(programs) == lbd_root ]]
}

@test "on Linux 6.1 it stands in libxdp's chain" {
  ctl lb1 status
  [[ $(uname -r) != 6.1.* ]] || in_chain
}

@test "both ways of forwarding carry both families" {
  serves
}

@test "an upgrade and a rollback lose nothing" {
  unharmed upgrade up_and_back
}

@test "kill -9 and a new start lose nothing, and adopt" {
  unharmed restart restart
  ctl_says lb1 '.adopted and .xdp[0].adopted' status
}

@test "a reload loses nothing" {
  unharmed reload reload
}

@test "a canary and its promotion lose nothing" {
  unharmed canary canary
}

@test "new maps for the connection table lose nothing" {
  unharmed resize resize
}

@test "another program joins the chain, or is refused where lbd stands alone" {
  if in_chain; then
    xdp_filter
    [[ $(programs) == *xdpfilt*lbd_root ]]
  else
    fails xdp_filter
    [[ $(programs) == lbd_root ]]
  fi
  serves
  restart
  ctl_says lb1 '.xdp[0].adopted' status
  serves
}

# Where it stands alone there is no other, before or after.
@test "beside another program an upgrade loses nothing, and touches only ours" {
  before=$(filter_status || true)
  unharmed upgrade-in-chain up_and_back
  [[ $(filter_status || true) == "$before" ]]
  if in_chain; then
    [[ -n $before ]]
    ctl_says lb1 '.xdp[0].programs | length == 2' status
  else
    [[ $(programs) == lbd_root ]]
  fi
  serves
}

@test "detach removes lbd's program and no other" {
  others=$(programs | grep -v lbd_root || true)
  murder lbd-lb1
  lbd_detach lb1
  [[ $(programs || true) == "$others" && ! -e /sys/fs/bpf/lbd/lb1 ]]
}
