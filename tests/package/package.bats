#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-or-later
#
# The packages as an operator meets them. The deb is installed, upgraded and
# removed by dpkg in an overlay over this machine's root, which goes away with
# the test. What the packages' scripts ask of lbd and systemctl is recorded.
# shellcheck disable=SC2016 # those scripts are expanded in the overlay

bats_require_minimum_version 1.5.0

setup_file() {
  cd "$BATS_TEST_DIRNAME/../.." || return
  export packages=$PWD/${BUILD:-build}/packages
  rm -f "$packages"/lbd*
  make -s deb rpm >/dev/null
  export next=$BATS_FILE_TMPDIR/lbd_9.9.9.deb
  repack_as 9.9.9 "$packages"/lbd_*.deb "$next"
}

# The same package under a later version.
repack_as() {
  local tree=$BATS_FILE_TMPDIR/repack
  dpkg-deb -R "$2" "$tree"
  sed -i "s/^Version: .*/Version: $1/" "$tree/DEBIAN/control"
  dpkg-deb -b "$tree" "$3" >/dev/null
}

setup() {
  deb=("$packages"/lbd_*.deb)
  rpm=("$packages"/lbd-*.rpm)
}

# Run a script in the overlay: $calls records what lbd, lbctl and systemctl are asked.
# lbctl fails, as if the running lbd were too old, unless there is /calls/takes-over.
in_root() {
  unshare -mpf --kill-child bash -euc '
    scratch=$1 deb=$2 next=$3 script=$4
    mount -t tmpfs tmpfs "$scratch"
    mkdir "$scratch"/{upper,work,root}
    mount -t overlay overlay -o "lowerdir=/,upperdir=$scratch/upper,workdir=$scratch/work" \
      "$scratch/root"
    mount -t proc proc "$scratch/root/proc"
    mount -t tmpfs tmpfs "$scratch/root/run"
    mkdir -p "$scratch/root/packages" "$scratch/root/run/systemd/system" "$scratch/root/calls"
    cp "$deb" "$scratch/root/packages/lbd.deb"
    cp "$next" "$scratch/root/packages/next.deb"
    for name in lbd systemctl deb-systemd-invoke; do
      printf "#!/bin/sh\necho \"$name \$*\" >>/calls/log\n" >"$scratch/root/calls/$name"
      chmod 755 "$scratch/root/calls/$name"
    done
    printf "#!/bin/sh\necho \"lbctl \$*\" >>/calls/log\ntest -e /calls/takes-over\n" \
      >"$scratch/root/calls/lbctl"
    chmod 755 "$scratch/root/calls/lbctl"
    # Nothing to keep, nobody to wait for.
    printf "force-unsafe-io\nno-triggers\n" >"$scratch/root/etc/dpkg/dpkg.cfg.d/test"
    exec chroot "$scratch/root" bash -euc "$script"' \
    - "$BATS_TEST_TMPDIR" "${deb[0]}" "$next" "
      real=\$PATH
      export calls=/calls/log PATH=/calls:\$PATH
      touch \$calls
      rm -f /usr/sbin/policy-rc.d
      $1" 3>&-
}

@test "the deb installs, and its commands and manual pages work" {
  run -0 in_root '
    dpkg -i /packages/lbd.deb >/dev/null
    PATH=$real
    lbd --version
    lbctl --help >/dev/null
    for page in "8 lbd" "1 lbctl" "5 lbd.yaml"; do
      man $page | col -b | grep -q "NAME"
    done
    getent group lbd'
  [[ ${lines[0]} == *[0-9].[0-9]* ]]
}

@test "the first installation starts nothing and enables nothing" {
  run -0 in_root 'dpkg -i /packages/lbd.deb >/dev/null; cat $calls'
  [ "$output" = "systemctl daemon-reload" ]
}

@test "an upgrade has the new lbd take over, else restarts it, and never detaches" {
  local taken="systemctl show --property NeedDaemonReload --value lbd.service
systemctl daemon-reload
systemctl --quiet is-active lbd.service
lbctl --instance lbd upgrade --daemon"
  run -0 in_root '
    dpkg -i /packages/lbd.deb >/dev/null
    mkdir -p /sys/fs/bpf/lbd/lbd
    touch /calls/takes-over
    : >$calls
    dpkg -i /packages/next.deb >/dev/null
    cat $calls
    rm /calls/takes-over
    : >$calls
    dpkg -i /packages/next.deb >/dev/null
    cat $calls'
  [ "$output" = "$taken
$taken
deb-systemd-invoke try-restart lbd.service" ]
}

@test "no new lbd takes over if policy-rc.d forbids a restart" {
  run -0 in_root '
    dpkg -i /packages/lbd.deb >/dev/null
    printf "#!/bin/sh\nexit 101\n" >/usr/sbin/policy-rc.d
    chmod 755 /usr/sbin/policy-rc.d
    : >$calls
    dpkg -i /packages/next.deb >/dev/null
    rm /usr/sbin/policy-rc.d
    cat $calls'
  [[ $output != *is-active* && $output != *lbctl* ]]
}

@test "removal stops lbd, then detaches each instance that is pinned" {
  run -0 in_root '
    dpkg -i /packages/lbd.deb >/dev/null
    mkdir -p /sys/fs/bpf/lbd/left /sys/fs/bpf/lbd/right
    : >$calls
    dpkg -r lbd >/dev/null 2>/calls/errors
    grep -q "ip link set dev DEVICE xdp off" /calls/errors # the stand-in removed nothing
    cat $calls'
  [ "$output" = "deb-systemd-invoke stop lbd.service
systemctl --quiet disable lbd.service
lbd --detach --instance left
lbd --detach --instance right
systemctl daemon-reload" ]
}

@test "an edited configuration survives upgrade and removal, and a purge takes it" {
  run -0 in_root '
    dpkg -i /packages/lbd.deb >/dev/null
    echo "# edited" >>/etc/lbd/lbd.yaml
    dpkg -i /packages/next.deb >/dev/null
    tail -n 1 /etc/lbd/lbd.yaml
    dpkg -r lbd >/dev/null
    tail -n 1 /etc/lbd/lbd.yaml
    dpkg -P lbd >/dev/null
    test ! -e /etc/lbd'
  [ "$output" = "# edited
# edited" ]
}

@test "the deb depends on what its binaries are linked with" {
  run -0 dpkg-deb -f "${deb[0]}" Depends
  for library in libbpf1 libxdp1 libzmq5 libcyaml1 libevent libjansson4 libmnl0 libsystemd0; do
    [[ $output == *"$library"* ]] || {
      echo "no $library in: $output"
      return 1
    }
  done
}

@test "the keepalived.conf that lbctl prints names the notify script of the package" {
  run -0 in_root '
    dpkg -i /packages/lbd.deb >/dev/null
    PATH=$real
    script=$(lbctl keepalived /usr/share/doc/lbd/examples/pair.yaml | grep -om1 "/usr/lib/lbd/[a-z-]*")
    test -x "$script"'
}

@test "the configuration and the examples of the package are right" {
  run -0 in_root '
    dpkg -i /packages/lbd.deb >/dev/null
    PATH=$real
    for file in /etc/lbd/lbd.yaml /usr/share/doc/lbd/examples/*.yaml; do
      lbctl check "$file"
    done'
}

# What both packages hold, each distribution's own papers left out.
contents() {
  sed -E 's#^\./#/#; /\/$/d; s/\.gz$//' |
    grep -vE '^/usr/(lib/\.build-id|share/licenses)|/doc/lbd/(copyright|changelog.*|CHANGELOG.*)$' |
    sort
}

@test "deb and rpm hold the same files" {
  dpkg-deb --fsys-tarfile "${deb[0]}" | tar -t | contents >"$BATS_TEST_TMPDIR/deb"
  rpm -qp --qf '[%{FILEMODES:perms} %{FILENAMES}\n]' "${rpm[0]}" >"$BATS_TEST_TMPDIR/all"
  awk '!/^d/ { print $2 }' "$BATS_TEST_TMPDIR/all" | contents >"$BATS_TEST_TMPDIR/rpm"
  diff "$BATS_TEST_TMPDIR/deb" "$BATS_TEST_TMPDIR/rpm"
  for file in /usr/sbin/lbd /usr/bin/lbctl /usr/lib/lbd/root.bpf.o /usr/lib/lbd/lb.bpf.o \
    /usr/lib/lbd/lbd-notify /usr/lib/systemd/system/lbd.service /etc/lbd/lbd.yaml; do
    grep -qx "$file" "$BATS_TEST_TMPDIR/deb"
  done
}

@test "the rpm keeps an edited configuration" {
  run -0 rpm -qp --qf '[%{FILEFLAGS:fflags} %{FILENAMES}\n]' "${rpm[0]}"
  [[ $output == *"cn /etc/lbd/lbd.yaml"* ]]
}

# A scriptlet of the rpm, run as rpm would, with package-hook recording its argument.
scriptlet() {
  local script=$BATS_TEST_TMPDIR/scriptlet
  rpm -qp --qf "%{$1}\n" "${rpm[0]}" | sed 's#/usr/lib/lbd/package-hook#echo#' >"$script"
  sh -e "$script" "$2"
}

@test "the rpm's scripts tell installation, upgrade and removal apart" {
  [ "$(scriptlet POSTIN 1)" = installed ]
  [ "$(scriptlet POSTIN 2)" = upgraded ]
  [ "$(scriptlet PREUN 1)" = "" ]
  [ "$(scriptlet PREUN 0)" = removing ]
}
