/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A daemon without kernel and peers: the real API server over a model built by
 * hand, real connection tables in plain memory, and fakes behind the headers of
 * dataplane, ha, health, sync and lbd.h. It runs in a thread of its own.
 *
 *   service 1 "web"    192.0.2.10:80 tcp   backends 1 web1 up, 2 web2 down, 3 web3 draining
 *   service 2 "dns6"   [2001:db8::10]:53 udp   backend 4 ns1, up, not checked
 *   service 3 "old"    192.0.2.30:0 tcp, gone
 *   peer lb2, live
 */
#ifndef FAKE_LBD_H
#define FAKE_LBD_H

#include "dataplane/pins.h"
#include "lbd.h"
#include "resize.h"

struct fake_state {
	struct lbd lbd;
	struct ha_status ha;
	struct sync_peer_status peer;
	struct dataplane_generation generations[LBD_GENERATION_SLOTS];
	struct failover failover;
	enum dataplane_pin_use pin; /* of the one pin, next/lbd_control */
	uint16_t picked;	    /* the backend that Maglev gives any flow */
	uint64_t outcomes[LBD_OUTCOME_MAX];
	int fail;			  /* what lbd_reload and the like return */
	bool forced;			  /* the last upgrade */
	int upgrades, rollbacks;	  /* how often asked for */
	uint32_t share;			  /* of what is on trial; 0: nothing is */
	char object[256];		  /* of the last upgrade, "installed" for none */
	struct lbd_resize resize;	  /* the last one; its names are gone */
	struct lbd_backend_change change; /* the last one; its strings are gone */
	char changed[64];		  /* "SERVICE/BACKEND" of it */
	char socket[160];
};

/* The fake that @lbd is part of. */
struct fake_state *fake_state_of(const struct lbd *lbd);

/* Start one in a new directory below /tmp; ends the test program if that fails. */
struct fake_state *fake_start(void);

/* Enter a connection: client 203.0.113.0 + @n, by service, backend index and LBD_CONN_* flags. */
void fake_connect(struct fake_state *fake, uint32_t n, uint16_t service, uint16_t backend,
		  uint64_t flags, uint32_t age_ms);

/* The peer has acknowledged the connection of client @n. */
void fake_hold(struct fake_state *fake, uint32_t n);

/* It has acknowledged it, and a repair has shown that it lacks it. */
void fake_refuse(struct fake_state *fake, uint32_t n);

/* Everything that stood in the tables is acknowledged. */
void fake_hold_all(struct fake_state *fake);

/* Stop the thread, remove the directory. */
void fake_stop(struct fake_state *fake);

#endif
