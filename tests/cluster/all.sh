# shellcheck shell=bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# Everything a demo or a test of the cluster needs, in order of dependence.

all_here=$(dirname "$(readlink -f "${BASH_SOURCE[0]}")")
# shellcheck source=tests/cluster/lab.sh
. "$all_here/lab.sh"
# shellcheck source=tests/cluster/backends.sh
. "$all_here/backends.sh"
# shellcheck source=tests/cluster/nodes.sh
. "$all_here/nodes.sh"
# shellcheck source=tests/cluster/load.sh
. "$all_here/load.sh"
