#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-or-later
#
# The instrument itself: it must see what goes wrong, or its zeros mean nothing.
# No balancer takes part; rules in the client's namespace do the damage.

load all.sh

setup_file() {
  lab_up talk
  backends_up
}

setup() {
  on client nft add table inet damage
  on client nft add chain inet damage input '{ type filter hook input priority 0; }'
  on client nft add counter inet damage hits
}

teardown() {
  on client nft delete table inet damage
  nft delete table netdev damage 2>/dev/null || true
  talk_stop probe
  [[ $BATS_TEST_COMPLETED ]] || lab_autopsy 15
}

damage() {
  # shellcheck disable=SC2086 # words of a rule
  on client nft add rule inet damage input $1 counter name hits $2
}

hits() {
  on client nft -j list counter inet damage hits | jq '.nftables[1].counter.packets'
}

udp_probe() {
  talk_start probe --udp "$(at_vip "$(host4 be1)" 7000)" --udp "$(at_vip "$(host6 be2)" 7000)" \
    --rate 2000
  sleep 0.2
  talk_mark probe warm >/dev/null
}

# tcp_probe OPTION...: 40 connections, all confirmed when it returns.
tcp_probe() {
  talk_start probe --tcp "$(at_vip "$(host4 be1)" 7000)" \
    --tcp "$(at_vip "$(host6 be2)" 7000)" --connections 40 --interval-ms 50 "$@"
  sleep 0.4
  [[ $(talk_mark probe warm | jq .tcp.open) == 40 ]]
}

@test "an undisturbed probe loses, doubles and misroutes nothing" {
  udp_probe
  sleep 1
  figures=$(talk_mark probe quiet)
  echo "$figures"
  jq -e '.udp | .sent > 1500 and .sent == .received and .lost == 0 and .duplicated == 0 and
    .reordered == 0 and .misrouted == 0' <<<"$figures"
}

@test "the count of lost packets equals the dropping rule's counter" {
  udp_probe
  damage 'udp sport 7000 numgen random mod 100 == 7' drop
  sleep 1
  on client nft flush chain inet damage input
  lost=$(talk_mark probe dropped | jq .udp.lost)
  echo "lost $lost, dropped $(hits)"
  ((lost > 0 && lost == $(hits)))
}

@test "packets that come twice are counted as duplicated" {
  udp_probe
  nft add table netdev damage
  nft add chain netdev damage twice '{ type filter hook ingress device sw-be1 priority 0; }'
  nft add rule netdev damage twice udp sport 7000 numgen inc mod 10 == 0 dup to sw-client
  sleep 1
  nft delete table netdev damage
  figures=$(talk_mark probe twice)
  echo "$figures"
  jq -e '.udp.duplicated > 50 and .udp.lost == 0' <<<"$figures"
}

@test "an answer of another server is counted as misrouted" {
  udp_probe
  murder talk-be1
  spawn be1 talk-be1 "$LAB_TESTS/tools/talk" server --name stranger --port 7000
  wait_for 5 "the stranger" backend_listens be1
  talk_mark probe swapped >/dev/null
  sleep 0.5
  figures=$(talk_mark probe stranger)
  murder talk-be1
  spawn be1 talk-be1 "$LAB_TESTS/tools/talk" server --name be1 --port 7000
  wait_for 5 "be1" backend_listens be1
  echo "$figures"
  jq -e '.udp.misrouted > 300 and .udp.lost == 0' <<<"$figures"
}

@test "a connection that is reset is broken by reset" {
  tcp_probe
  # The server is told that the connection is gone, and tells the client when it asks.
  damage 'tcp sport 7000 ip saddr 192.0.2.21' 'reject with tcp reset'
  sleep 0.3
  on client nft flush chain inet damage input
  sleep 1
  figures=$(talk_mark probe reset)
  echo "$figures"
  jq -e '.tcp.before == 40 and .tcp.broken == 20 and .tcp.causes.reset == 20 and
    .tcp.open == 20' <<<"$figures"
}

@test "a connection whose server goes away is broken by close" {
  tcp_probe
  murder talk-be2
  sleep 0.5
  figures=$(talk_mark probe closed)
  spawn be2 talk-be2 "$LAB_TESTS/tools/talk" server --name be2 --port 7000
  wait_for 5 "be2" backend_listens be2
  echo "$figures"
  jq -e '.tcp.broken == 20 and .tcp.causes.closed + .tcp.causes.reset == 20' <<<"$figures"
}

@test "a connection without an echo for the timeout is broken by timeout" {
  tcp_probe --timeout-ms 1000
  damage 'ip6 saddr 2001:db8::22 tcp sport 7000' drop
  sleep 1.5
  figures=$(talk_mark probe silent)
  echo "$figures"
  jq -e '.tcp.broken == 20 and .tcp.causes.timeout == 20' <<<"$figures"
}

@test "an outage that TCP heals breaks nothing and shows as its gap" {
  tcp_probe
  damage 'tcp sport 7000' drop
  sleep 0.5
  on client nft flush chain inet damage input
  sleep 1.5
  figures=$(talk_mark probe outage)
  echo "$figures"
  jq -e '.tcp.broken == 0 and .tcp.gap_ms.max >= 400 and .tcp.gap_ms.max < 1500 and
    .tcp.retransmits > 0' <<<"$figures"
}
