# shellcheck shell=bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# Large datagrams between hosts and the server of tests/cluster/datagram, which
# logs to datagrams.log, and the figures of fragments that lb1 held.

# figure NAME
figure() {
  ctl_json lb1 ".fragments.$1" status
}

# figure_is NAME OPERATOR VALUE
figure_is() {
  test "$(figure "$1")" "-$2" "$3"
}

datagrams_logged() {
  local line
  while read -r line; do
    grep -qx "$line" "$LAB/logs/datagrams.log" || return 1
  done <"$LAB/said"
}

# same HOST COMMAND...: what the host says it sent or got, the server says it got or sent.
same() {
  on "$1" "$LAB_ROOT/tests/cluster/datagram" "${@:2}" >"$LAB/said"
  wait_for 5 "$(wc -l <"$LAB/said") datagrams" datagrams_logged
}
