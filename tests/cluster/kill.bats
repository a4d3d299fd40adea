#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-or-later
#
# Promise: kill -9 of lbd at any moment, whatever it was told to do, loses no
# packet and no flow; the next start finds one whole state, and leaves nothing
# pinned that isn't in use.
#
# KILLS of them (12, each amid another operation), by KILL_SEED. 'make torture' has 200, and 60
# beside a peer (KILL_PEER).

load all.sh
load kills.sh

# Fifteen commands a kill: not under sanitizers.
# shellcheck disable=SC2034 # for nodes.sh
LAB_LBCTL=$LAB_BUILD/lbctl

setup_file() {
  lab_up "kill${KILL_PEER:+-peer}"
  backends_up
  solo_up be1 be2
}

teardown() {
  load_over 25
}

@test "kill -9 at random moments: whole states, no packet lost, nothing pinned for nothing" {
  echo 65536 >"$LAB/slots"
  kill_write narrow
  [[ -z ${KILL_PEER:-} ]] || kill_peer_up
  ctl lb1 upgrade
  load_start 300 8000
  kills_happen "${KILLS:-12}"
  # What came of it all is as good as new.
  ctl lb1 upgrade
  ctl lb1 rollback
  load_unharmed over
}
