// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The server ids of QUIC-LB in lbd_quic, as part of a snapshot: an entry says
 * which backend it means in either half, so that ids change with the flip like
 * all else. An id that neither half has is removed.
 */
#include <errno.h>
#include <string.h>

#include "dataplane/internal.h"

static int quic_find(const struct dataplane *dataplane, const struct lbd_quic_key *key,
		     struct lbd_quic_value *ret)
{
	memset(ret, 0, sizeof(*ret));
	if (!bpf_map_lookup_elem(dataplane->fd[MAP_lbd_quic], key, ret))
		return 0;
	return errno == ENOENT ? 0 : -errno;
}

/* Say that in @half @key means @backend; 0: nobody. */
static int quic_put(const struct dataplane *dataplane, const struct lbd_quic_key *key,
		    uint32_t half, uint16_t backend)
{
	struct lbd_quic_value value;
	int rc = quic_find(dataplane, key, &value);

	if (rc || value.backend[half] == backend)
		return rc;
	value.backend[half] = backend;
	if (!value.backend[0] && !value.backend[1])
		return bpf_map_delete_elem(dataplane->fd[MAP_lbd_quic], key) ? -errno : 0;
	return bpf_map_update_elem(dataplane->fd[MAP_lbd_quic], key, &value, BPF_ANY) ? -errno : 0;
}

static bool quic_reads(const struct service *service, int config, const struct config_server_id *id)
{
	return id->length && service->quic[config].server == id->length;
}

static struct lbd_quic_key quic_key(uint16_t service, int config, const struct config_server_id *id)
{
	struct lbd_quic_key key = {
		.service = service,
		.config = (__u8)config,
		.length = id->length,
	};

	memcpy(key.server, id->octets, id->length);
	return key;
}

/* Each of the backend's ids, in each config that has ids of its length. */
static int quic_put_backend(const struct dataplane *dataplane, const struct service *service,
			    const struct backend *backend, uint32_t half)
{
	int rc = 0;

	for (uint32_t i = 0; i < backend->server_ids_count; i++)
		for (int config = 0; config < LBD_QUIC_CONFIGS && !rc; config++) {
			const struct config_server_id *id = &backend->server_ids[i];
			struct lbd_quic_key key = quic_key(service->id, config, id);

			if (quic_reads(service, config, id))
				rc = quic_put(dataplane, &key, half, backend->index);
		}
	return rc;
}

static bool quic_is_live(const struct model *model, const struct backend *backend)
{
	return backend->index && !backend->gone && !model->services[backend->service].gone;
}

static bool quic_has_id(const struct backend *backend, const struct lbd_quic_key *key)
{
	for (uint32_t i = 0; i < backend->server_ids_count; i++)
		if (backend->server_ids[i].length == key->length &&
		    !memcmp(backend->server_ids[i].octets, key->server, key->length))
			return true;
	return false;
}

/* Does @model still mean this backend by @key? */
static bool quic_is_meant(const struct model *model, const struct lbd_quic_key *key,
			  uint16_t backend)
{
	const struct backend *at;

	if (backend >= model->limits.backends || key->config >= LBD_QUIC_CONFIGS)
		return false;
	at = &model->backends[backend];
	return quic_is_live(model, at) && at->service == key->service &&
	       model->services[at->service].quic[key->config].server == key->length &&
	       quic_has_id(at, key);
}

/* Take out of @half what @model no longer means; the next key is asked for first. */
static int quic_forget(const struct dataplane *dataplane, const struct model *model, uint32_t half)
{
	struct lbd_quic_key key, next;
	struct lbd_quic_value value;
	int fd = dataplane->fd[MAP_lbd_quic];
	int more = bpf_map_get_next_key(fd, NULL, &next), rc = 0;

	while (!more && !rc) {
		key = next;
		more = bpf_map_get_next_key(fd, &key, &next);
		rc = quic_find(dataplane, &key, &value);
		if (!rc && !quic_is_meant(model, &key, value.backend[half]))
			rc = quic_put(dataplane, &key, half, 0);
	}
	return rc;
}

int quic_write(const struct dataplane *dataplane, const struct model *model, uint32_t half,
	       struct error *err)
{
	int rc = quic_forget(dataplane, model, half);

	for (uint32_t i = 1; i < model->limits.backends && !rc; i++) {
		const struct backend *backend = &model->backends[i];

		if (quic_is_live(model, backend))
			rc = quic_put_backend(dataplane, &model->services[backend->service],
					      backend, half);
	}
	return rc ? error_errno(err, rc, "write the server ids of QUIC") : 0;
}
