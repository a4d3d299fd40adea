// SPDX-License-Identifier: GPL-2.0-only
/* No flaw: shows that the others fail by theirs. */

#include "tests/unit/golden_bad.bpf.h"
