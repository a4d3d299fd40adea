// SPDX-License-Identifier: GPL-2.0-or-later
#include "tests/fuzz/fakes.h"

#include <errno.h>
#include <stdarg.h>
#include <stdlib.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#include "base/log.h"
#include "base/secret.h"
#include "sync/transport.h"
#include "sync/wire.h"

struct fake_message {
	const uint8_t *data; /* NULL: nothing comes */
	size_t size;
};

static struct {
	struct fake_message request, answer;
	int send_err;
	uint64_t now_us;
	uint64_t drawn;
} fake;

void fake_reset(void)
{
	fake.request = fake.answer = (struct fake_message){ NULL, 0 };
	fake.send_err = 0;
	fake.now_us = 1000000000;
	fake.drawn = 0;
}

void fake_request(const uint8_t *data, size_t size)
{
	fake.request = (struct fake_message){ data, size };
}

void fake_answer(const uint8_t *data, size_t size)
{
	fake.answer = (struct fake_message){ data, size };
}

void fake_sends(int err)
{
	fake.send_err = err;
}

void fake_pass(uint64_t ms)
{
	fake.now_us += ms * 1000;
}

/* --- time, chance and words: the same in each run of an input */

int clock_gettime(clockid_t clock, struct timespec *ret)
{
	if (clock != CLOCK_MONOTONIC)
		return (int)syscall(SYS_clock_gettime, clock, ret);
	fake.now_us++; /* whoever waits for time to pass isn't left waiting */
	*ret = (struct timespec){ (time_t)(fake.now_us / 1000000),
				  (long)(fake.now_us % 1000000 * 1000) };
	return 0;
}

int secret_random(struct lbd_secret *ret)
{
	fake.drawn++;
	*ret = (struct lbd_secret){ { fake.drawn * 0x9e3779b97f4a7c15ULL, fake.drawn } };
	return 0;
}

#define FAKE_LOG(name)                     \
	void name(const char *format, ...) \
	{                                  \
		(void)format;              \
	}

FAKE_LOG(log_error)
FAKE_LOG(log_warning)
FAKE_LOG(log_info)
FAKE_LOG(log_debug)

void log_report(const char *context, const struct error *err)
{
	(void)context;
	(void)err;
}

/* --- the transport */

struct transport {
	int wake_fd;
};

struct transport_socket {
	struct fake_message *next;
	bool routes;
};

int transport_new(int wake_fd, struct transport **ret)
{
	*ret = calloc(1, sizeof(**ret));
	if (!*ret)
		return -ENOMEM;
	(*ret)->wake_fd = wake_fd;
	return 0;
}

void transport_free(struct transport *transport)
{
	free(transport);
}

static int fake_socket(struct fake_message *next, bool routes, struct transport_socket **ret)
{
	*ret = calloc(1, sizeof(**ret));
	if (!*ret)
		return -ENOMEM;
	**ret = (struct transport_socket){ next, routes };
	return 0;
}

int transport_listen(struct transport *transport, const struct sync_config *config,
		     struct transport_socket *before, struct transport_socket **ret,
		     struct error *err)
{
	(void)transport, (void)config, (void)before, (void)err;
	return fake_socket(&fake.request, true, ret);
}

void transport_retire(struct transport_socket *router, struct transport_socket *before)
{
	(void)router;
	free(before);
}

int transport_admit(struct transport *transport, struct transport_socket *router,
		    const struct sync_config *config)
{
	(void)transport, (void)router, (void)config;
	return 0;
}

int transport_connect(struct transport *transport, const struct transport_way *way,
		      struct transport_socket **ret, struct error *err)
{
	(void)transport, (void)way, (void)err;
	return fake_socket(&fake.answer, false, ret);
}

void transport_close(struct transport_socket *socket, int linger_ms)
{
	(void)linger_ms;
	free(socket);
}

/* Whatever came before, what we send is sound. */
int transport_send(struct transport_socket *socket, const struct intake_route *route,
		   const uint8_t *data, size_t size)
{
	struct wire_message message;

	if (socket->routes != (route != NULL) || wire_decode(data, size, &message))
		abort();
	return fake.send_err;
}

/* In plaintext: no name is proven. */
uint32_t transport_receive(struct transport_socket *socket, uint32_t limit,
			   transport_handler *handler, void *context, struct refusals *refusals)
{
	const struct intake_route route = { .size = 1, .bytes = { 1 } };
	struct fake_message message = *socket->next;

	(void)limit, (void)refusals;
	if (!message.data)
		return 0;
	socket->next->data = NULL;
	handler(context, socket->routes ? &route : NULL, NULL, message.data, message.size);
	return 1;
}

void transport_attend(struct transport *transport, struct transport_socket *router, int64_t now_us,
		      struct refusals *refusals)
{
	(void)transport, (void)router, (void)now_us, (void)refusals;
}

struct transport_news transport_news(struct transport_socket *dealer)
{
	(void)dealer;
	return (struct transport_news){ false, false };
}

void transport_wait(struct transport *transport, struct transport_socket **sockets, uint32_t count,
		    int64_t timeout_us)
{
	(void)transport, (void)sockets, (void)count, (void)timeout_us;
}

void transport_doze(struct transport *transport, int64_t timeout_us)
{
	(void)transport, (void)timeout_us;
}
