// SPDX-License-Identifier: GPL-2.0-or-later
#include "base/privileges.h"

#include <errno.h>
#include <sys/capability.h>
#include <sys/prctl.h>

/*
 * CAP_BPF and CAP_PERFMON load a generation; CAP_NET_ADMIN attaches it, writes
 * lbd_tx and asks for neighbours; CAP_NET_RAW opens the sockets of early
 * fragments, also when an interface joins later; CAP_SYS_ADMIN opens programs and maps by
 * id, which is how the running generation is asked what it is.
 */
static const cap_value_t privileges_kept[] = { CAP_BPF, CAP_PERFMON, CAP_NET_ADMIN, CAP_NET_RAW,
					       CAP_SYS_ADMIN };

int privileges_drop(struct error *err)
{
	const int count = sizeof(privileges_kept) / sizeof(*privileges_kept);
	cap_t caps = cap_init();
	int rc = 0;

	if (!caps)
		return error_errno(err, -errno, "capabilities");
	if (cap_set_flag(caps, CAP_PERMITTED, count, privileges_kept, CAP_SET) ||
	    cap_set_flag(caps, CAP_EFFECTIVE, count, privileges_kept, CAP_SET) ||
	    cap_set_proc(caps))
		rc = error_errno(err, -errno, "drop capabilities");
	else if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0))
		rc = error_errno(err, -errno, "no_new_privs");
	cap_free(caps);
	return rc;
}
