# shellcheck shell=bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# Load from the client: talk, controlled through a pipe, and wrk.

# Connections a second, as they are opened.
readonly LOAD_PACE=2500

# talk_start NAME OPTION...
talk_start() {
  local name=$1
  shift
  mkfifo "$LAB/$name.ctl"
  : >"$LAB/$name.json"
  (
    # Opened for writing as well: it doesn't end when a writer goes.
    exec 3>&- 4>&- <>"$LAB/$name.ctl" >>"$LAB/$name.json" 2>>"$LAB/logs/$name.log"
    exec setsid nsenter --net=/run/netns/client -- "$LAB_TESTS/tools/talk" client "$@"
  ) &
  echo $! >"$LAB/$name.pid"
  disown
}

talk_find_mark() {
  grep -m1 "^{\"mark\":\"$2\"," "$LAB/$1.json"
}

# talk_mark NAME MARK: print the figures since the last mark, as one line of JSON.
talk_mark() {
  local name=$1 mark=$2
  echo "mark $mark" >"$LAB/$name.ctl"
  wait_for 10 "figures of $name at $mark" talk_find_mark "$name" "$mark" &&
    talk_find_mark "$name" "$mark"
}

talk_stop() {
  murder "$1"
  rm -f "$LAB/$1.ctl"
}

# at_vip VIP PORT: an endpoint as talk and URLs have it.
at_vip() {
  if [[ $1 == *:* ]]; then
    echo "[$1]:$2"
  else
    echo "$1:$2"
  fi
}

# wrk_start NAME URL: until wrk_stop, some hundred requests per second.
wrk_start() {
  spawn client "$1" wrk -t1 -c10 -d600 --timeout 10s -s "$LAB_ROOT/tests/cluster/paced.lua" "$2"
}

# wrk_stop NAME: print {"requests", "broken", "refused", "slow", "status"}.
wrk_stop() {
  kill -INT -- "-$(lab_pid "$1")"
  wait_for 15 "figures of $1" dead "$1"
  grep '^{"requests"' "$LAB/logs/$1.log"
}

http_get() {
  on client curl --silent --show-error --fail --globoff --max-time 5 "$@"
}

# load_start CONNECTIONS RATE [OPTION...]: to all VIPs, all opened when it returns.
load_start() {
  local vip connections=$1 rate=$2 targets=() ms=$(($1 * 1000 / LOAD_PACE + 150))
  shift 2
  for vip in "${LAB_VIPS[@]}"; do
    targets+=(--tcp "$(at_vip "$vip" 7000)" --udp "$(at_vip "$vip" 7000)")
  done
  talk_start load "${targets[@]}" --connections "$connections" --pace "$LOAD_PACE" --interval-ms 100 \
    --timeout-ms 8000 --flows 25 --rate "$rate" "$@"
  sleep "$((ms / 1000)).$(printf %03d $((ms % 1000)))"
  wait_for $((5 + connections / 500)) "$connections open connections" load_opened "$connections"
}

# load_opened CONNECTIONS: are they? Each look is a mark, so that figures begin with the last one.
load_opened() {
  load_looks=$((${load_looks:-0} + 1))
  talk_mark load "opened-$load_looks" | jq -e ".tcp.open == $1"
}

# load_unharmed MARK: since the last mark nothing broke, and no packet was lost, doubled or misrouted.
load_unharmed() {
  local figures
  figures=$(talk_mark load "$1")
  echo "$figures"
  jq -e '.tcp.before > 0 and .tcp.broken == 0 and .udp.received > 100 and .udp.lost == 0 and
    .udp.duplicated == 0 and .udp.misrouted == 0' <<<"$figures"
}

# load_unbroken MARK: packets may have been lost, but every connection lives.
load_unbroken() {
  local figures
  figures=$(talk_mark load "$1")
  echo "$figures"
  jq -e '.tcp.before > 0 and .tcp.broken == 0 and .tcp.open == .tcp.before' <<<"$figures"
}

# load_over LINES: the end of a test with load; if it failed, with as many last words of each daemon.
load_over() {
  talk_stop load
  [[ $BATS_TEST_COMPLETED ]] || lab_autopsy "$1"
}
