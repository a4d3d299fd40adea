#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-or-later
#
# lbctl trace --config: on a packet path of its own, whatever the capture. What
# it says of a running lbd is tests/cluster/trace.bats.

bats_require_minimum_version 1.5.0

setup() {
  cd "$BATS_TEST_DIRNAME/../.." || return
  build=${BUILD:-build}
  lbctl=$PWD/$build/asan/lbctl
  here=tests/trace
  out=$BATS_TEST_TMPDIR
}

# trace FILE [OPTION...]
trace() {
  local file=$1
  shift
  "$lbctl" trace --config "$here/setup.yaml" --object "$build/bpf/lb.bpf.o" --pcap "$file" "$@"
}

# trace_within KILOBYTES FILE: in so much memory, by the lbctl that is shipped.
trace_within() (
  ulimit -v "$1"
  "$build/lbctl" trace --config "$here/setup.yaml" --object "$build/bpf/lb.bpf.o" --pcap "$2"
)

# json FILE FILTER: what jq makes of the answer.
json() {
  trace "$1" --json | jq -r "$2"
}

# fails STATUS TEXT COMMAND...: with this exit status, saying so.
fails() {
  local expected=$1 text=$2
  shift 2
  run "$@"
  echo "status $status: $output"
  [[ $status == "$expected" && $output == *"$text"* ]]
}

@test "a packet of each kind: what becomes of it, as expected to the byte" {
  diff <(jq . "$here/kinds.json") <(trace "$here/kinds.pcap" --json | jq .)
}

@test "a line for each packet, and a summary" {
  run trace "$here/kinds.pcap"
  [[ $status == 0 ]]
  [[ ${lines[1]} =~ ^\ +1\ +0.000000\ +54\ +tx\ +web\ +web[12]\ +54\ +forward_first:\ .*SYN ]]
  [[ $(grep -cE '^ +[0-9]+ +[0-9.]+ ' <<<"$output") == $(jq '.packets | length' "$here/kinds.json") ]]
  [[ $output == *" packets, "*" tx, "*" pass, "*" drop"* ]]
  grep -qE '^ +1  drop_no_backend +dropped, ' <<<"$output"
}

@test "pcapng says the same as pcap" {
  diff <(trace "$here/kinds.pcap") <(trace "$here/kinds.pcapng")
}

@test "a capture may come by standard input" {
  diff <(trace "$here/kinds.pcap") <(trace - <"$here/kinds.pcap")
}

@test "the packets out can be read back: those that are sent, byte for byte" {
  trace "$here/kinds.pcap" --write "$out/out.pcap"
  /usr/bin/python3 -c '
import sys
from scapy.all import rdpcap
for packet in rdpcap(sys.argv[1]):
    print(bytes(packet).hex())' "$out/out.pcap" >"$out/read"
  diff "$out/read" <(jq -r '.packets[].out // empty' "$here/kinds.json")
}

@test "next hops are the config's, else the placeholder; checksums are right" {
  trace "$here/kinds.pcap" --write "$out/out.pcap"
  run tcpdump -envv -r "$out/out.pcap"
  [[ $output == *"00:00:5e:00:53:01 > 00:00:5e:00:53:12"* ]]
  [[ $output == *"00:00:5e:00:53:01 > 00:00:5e:00:53:02"* ]]
  [[ $output != *"bad cksum"* ]]
}

@test "a packet that was cut short is filled up, what can't be run is said, both with a note" {
  [[ $(json "$here/cut.pcap" '[.packets[].note != null] | tostring') == \
    '[true,true,true,true,true,true,false]' ]]
  [[ $(json "$here/cut.pcap" '.packets[0].note') == *"only 60 of 454 bytes"* ]]
  [[ $(json "$here/cut.pcap" '.packets[0].action, .packets[5].action, .packets[5].length') == \
    $'tx\nnull\n4294967295' ]]
  [[ $(json "$here/cut.pcap" '.summary.packets, .summary.run, .complete') == $'7\n3\ntrue' ]]
}

@test "time that goes backwards or leaps changes nothing but ages" {
  [[ $(json "$here/back.pcap" '.packets | length') == 4 ]]
}

@test "an empty capture has no packets" {
  [[ $(json "$here/empty.pcap" '.summary.packets, .complete, (.packets | length)') == $'0\ntrue\n0' ]]
}

@test "a capture that breaks off: what came before, then file and packet" {
  fails 1 'broken.pcap: packet 2: ' trace "$here/broken.pcap"
  run --separate-stderr trace "$here/broken.pcap" --json
  [[ $status == 1 && $(jq -r '.complete, .summary.packets' <<<"$output") == $'false\n1' ]]
  # shellcheck disable=SC2154 # by run
  [[ $stderr == *"broken.pcap: packet 2: "* ]]
}

@test "lengths that can't be are refused, without taking the memory they claim" {
  fails 1 'huge.pcap: packet 2: ' trace_within 1000000 "$here/huge.pcap"
  fails 1 'huge.pcapng: packet 1: ' trace_within 1000000 "$here/huge.pcapng"
}

@test "what is no capture of Ethernet is refused, with what it is" {
  fails 1 'link type LINUX_SLL (113), expected Ethernet' trace "$here/cooked.pcap"
  fails 1 'not a pcap or pcapng capture' trace "$here/setup.yaml"
  fails 1 'No such file' trace "$out/nowhere.pcap"
  fails 1 'a directory' trace "$here"
  fails 1 'not a pcap or pcapng capture' trace /dev/null
  run trace "$here/cooked.pcap" --json
  [[ $(jq -r .error.code <<<"$output") == EPROTO ]]
}

@test "a config, an object or a target that won't do is refused" {
  fails 4 'nowhere.yaml' "$lbctl" trace --config "$out/nowhere.yaml" --pcap "$here/kinds.pcap"
  echo 'services: 7' >"$out/bad.yaml"
  fails 4 'bad.yaml:1: services' "$lbctl" trace --config "$out/bad.yaml" --pcap "$here/kinds.pcap"
  fails 1 'root.bpf.o' trace "$here/kinds.pcap" --object "$build/bpf/root.bpf.o"
  cp "$here/kinds.pcap" "$out/same.pcap"
  fails 1 'is the capture that is read' trace "$out/same.pcap" --write "$out/same.pcap"
  cmp "$here/kinds.pcap" "$out/same.pcap"
  fails 1 'No such file' trace "$here/kinds.pcap" --write "$out/nowhere/out.pcap"
  fails 1 'No space left' trace "$here/kinds.pcap" --write /dev/full
}

@test "wrong usage is refused" {
  fails 2 '--pcap FILE is missing' "$lbctl" trace --config "$here/setup.yaml"
  fails 2 '--interface' trace "$here/kinds.pcap" --interface eth0
  fails 2 '--object needs --config' "$lbctl" trace --pcap "$here/kinds.pcap" --object x
}

@test "a secret that can't be read is noted, as backends may then be others" {
  sed '/^xdp/a cluster: {secret-file: /nowhere/secret}' "$here/setup.yaml" >"$out/secret.yaml"
  run --separate-stderr "$lbctl" trace --config "$out/secret.yaml" --object "$build/bpf/lb.bpf.o" \
    --pcap "$here/kinds.pcap"
  [[ $status == 0 && $stderr == *"note: /nowhere/secret"* ]]
}

@test "nothing is left behind: no pin, no program" {
  before=$(find /sys/fs/bpf 2>/dev/null | sort)
  trace "$here/kinds.pcap"
  diff <(echo "$before") <(find /sys/fs/bpf 2>/dev/null | sort)
}

# Bytes changed at random: it never hangs, never crashes, and says something.
@test "damaged captures are run or refused" {
  for seed in $(seq 20); do
    /usr/bin/python3 - "$here/kinds.pcap" "$out/damaged.pcap" "$seed" <<'EOP'
import random
import sys
random.seed(int(sys.argv[3]))
data = bytearray(open(sys.argv[1], "rb").read())
for _ in range(random.choice((1, 10, 100))):
    data[random.randrange(24, len(data))] = random.randrange(256)
open(sys.argv[2], "wb").write(data[:random.randrange(24, len(data))])
EOP
    run timeout 60 "$lbctl" trace --config "$here/setup.yaml" --object "$build/bpf/lb.bpf.o" \
      --pcap "$out/damaged.pcap" --json
    ((status < 2)) || {
      echo "seed $seed: status $status: $output"
      return 1
    }
  done
}
