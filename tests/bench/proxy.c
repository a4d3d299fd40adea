// SPDX-License-Identifier: GPL-2.0-or-later
#include "tests/bench/proxy.h"

#include <errno.h>
#include <glob.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "tests/bench/child.h"

#define BACKENDS 16
#define CONFIG "proxy.conf"

/* --- configurations */

static void proxy_write_haproxy(FILE *file)
{
	fprintf(file, "global\n"
		      "  nbthread 1\n"
		      "  maxconn 2000\n"
		      "defaults\n"
		      "  mode tcp\n"
		      "  timeout connect 5s\n"
		      "  timeout client 60s\n"
		      "  timeout server 60s\n"
		      "listen measured\n"
		      "  bind 192.0.2.1:80\n");
	for (int i = 1; i <= BACKENDS; i++)
		fprintf(file, "  server backend%d 203.0.113.%d:80\n", i, i);
}

/* Distributions build it as a module; where there is none, it is built in. */
static void proxy_write_stream_module(FILE *file)
{
	glob_t files;

	if (glob("/usr/lib*/nginx/modules/ngx_stream_module.so", 0, NULL, &files))
		return;
	fprintf(file, "load_module %s;\n", files.gl_pathv[0]);
	globfree(&files);
}

static void proxy_write_nginx(FILE *file, const char *directory)
{
	proxy_write_stream_module(file);
	fprintf(file,
		"daemon off;\n"
		"master_process off;\n"
		"worker_processes 1;\n"
		"pid %s/pid;\n"
		"events { worker_connections 2048; }\n"
		"stream {\n"
		"  upstream backends {\n",
		directory);
	for (int i = 1; i <= BACKENDS; i++)
		fprintf(file, "    server 203.0.113.%d:80;\n", i);
	fprintf(file, "  }\n"
		      "  server {\n"
		      "    listen 192.0.2.1:80 udp;\n"
		      "    proxy_pass backends;\n"
		      "    proxy_timeout 60s;\n"
		      "  }\n"
		      "}\n");
}

static int proxy_configure(struct proxy *proxy, enum proxy_kind kind, char *path, size_t size,
			   struct error *err)
{
	FILE *file;

	strcpy(proxy->directory, "/tmp/lbd-bench-XXXXXX");
	if (!mkdtemp(proxy->directory)) {
		proxy->directory[0] = '\0';
		return error_errno(err, -errno, "a directory for a proxy");
	}
	snprintf(path, size, "%s/" CONFIG, proxy->directory);
	file = fopen(path, "we");
	if (!file)
		return error_errno(err, -errno, "%s", path);
	if (kind == PROXY_HAPROXY)
		proxy_write_haproxy(file);
	else
		proxy_write_nginx(file, proxy->directory);
	return fclose(file) ? error_errno(err, -errno, "%s", path) : 0;
}

/* --- processes */

static void proxy_exec(enum proxy_kind kind, const char *path)
{
	if (kind == PROXY_HAPROXY)
		execlp("haproxy", "haproxy", "-db", "-q", "-f", path, NULL);
	else
		execlp("nginx", "nginx", "-e", "stderr", "-c", path, NULL);
	fprintf(stderr, "bench: %s: %s; 'make deps' installs it\n",
		kind == PROXY_HAPROXY ? "haproxy" : "nginx", strerror(errno));
	_exit(1);
}

int proxy_start(struct proxy *proxy, enum proxy_kind kind, const struct hosts *hosts,
		struct error *err)
{
	char path[64];
	pid_t pid;
	int rc;

	rc = proxy_configure(proxy, kind, path, sizeof(path), err);
	if (!rc)
		rc = hosts_enter(hosts, HOST_LB, err);
	if (rc)
		return rc;
	pid = child_fork();
	if (!pid)
		proxy_exec(kind, path);
	if (pid < 0)
		return error_errno(err, (int)pid, "fork");
	proxy->pid = pid;
	return 0;
}

void proxy_stop(struct proxy *proxy)
{
	static const char *const files[] = { CONFIG, "pid" };
	char path[64];

	child_end(proxy->pid);
	if (!*proxy->directory)
		return;
	for (size_t i = 0; i < sizeof(files) / sizeof(*files); i++) {
		snprintf(path, sizeof(path), "%s/%s", proxy->directory, files[i]);
		unlink(path);
	}
	rmdir(proxy->directory);
}
