#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-or-later
#
# What the documents show must work as shown.
# shellcheck disable=SC2013,SC2016 # words of a grep, and backquotes that are Markdown's

bats_require_minimum_version 1.5.0

setup() {
  cd "$BATS_TEST_DIRNAME/../.." || return
  lbctl=$PWD/${BUILD:-build}/lbctl
}

# The README's first YAML block, without the indent of its list item.
readme_config() {
  sed -n '/^   ```yaml/,/^   ```$/p' README.md | sed '1d;$d;s/^   //'
}

@test "the README's configuration passes lbctl check" {
  readme_config >"$BATS_TEST_TMPDIR/lbd.yaml"
  [ -s "$BATS_TEST_TMPDIR/lbd.yaml" ]
  "$lbctl" check "$BATS_TEST_TMPDIR/lbd.yaml"
}

@test "lbctl makes a keepalived.conf with the VIP from the README's configuration" {
  readme_config >"$BATS_TEST_TMPDIR/lbd.yaml"
  "$lbctl" keepalived "$BATS_TEST_TMPDIR/lbd.yaml" >"$BATS_TEST_TMPDIR/keepalived.conf"
  grep -q 192.0.2.100 "$BATS_TEST_TMPDIR/keepalived.conf"
}

@test "every command that the README names is one of lbctl's" {
  for command in $(grep -o '`lbctl [a-z]*' README.md | cut -d' ' -f2 | sort -u); do
    "$lbctl" "$command" --help >/dev/null || {
      echo "README.md names lbctl $command"
      return 1
    }
  done
}

@test "every make target that README and CONTRIBUTING name exists" {
  for target in $(grep -ohE '(^|`)make [a-z]+' README.md CONTRIBUTING.md | awk '{ print $2 }' |
    sort -u); do
    make -n "$target" >/dev/null || {
      echo "there is no 'make $target'"
      return 1
    }
  done
}
