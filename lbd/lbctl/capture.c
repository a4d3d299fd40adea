// SPDX-License-Identifier: GPL-2.0-or-later
#include "lbctl/capture.h"

#include <errno.h>
#include <pcap/pcap.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#define CAPTURE_SECOND_NS 1000000000LL
#define CAPTURE_SNAPLEN 262144 /* what tcpdump writes, too */

struct capture {
	const char *path;
	pcap_t *pcap;
	uint64_t count;
	dev_t device; /* of the file, and its inode: it must not be written to */
	ino_t inode;
};

struct capture_writer {
	const char *path;
	pcap_t *pcap;
	pcap_dumper_t *dumper;
};

/* --- in */

static int capture_check_link(const struct capture *capture, struct error *err)
{
	int link = pcap_datalink(capture->pcap), rc;
	const char *name = pcap_datalink_val_to_name(link);

	if (link == DLT_EN10MB)
		return 0;
	rc = error_set(err, -EPROTO, "%s: link type %s (%d), expected Ethernet", capture->path,
		       name ? name : "unknown", link);
	error_hint(err, "capture on an Ethernet interface: tcpdump -i eth0, not -i any");
	return rc;
}

static int capture_read_header(struct capture *capture, FILE *file, struct error *err)
{
	char fault[PCAP_ERRBUF_SIZE] = "";
	struct stat st;

	if (fstat(fileno(file), &st))
		return error_errno(err, -errno, "%s", capture->path);
	if (S_ISDIR(st.st_mode))
		return error_set(err, -EISDIR, "%s: a directory, expected a capture",
				 capture->path);
	capture->device = st.st_dev;
	capture->inode = st.st_ino;
	capture->pcap =
		pcap_fopen_offline_with_tstamp_precision(file, PCAP_TSTAMP_PRECISION_NANO, fault);
	if (!capture->pcap)
		return error_set(err, -EPROTO, "%s: not a pcap or pcapng capture: %s",
				 capture->path, fault);
	return capture_check_link(capture, err);
}

int capture_open(const char *path, struct capture **ret, struct error *err)
{
	struct capture *capture = calloc(1, sizeof(*capture));
	FILE *file;
	int rc;

	if (!capture)
		return error_set(err, -ENOMEM, "out of memory");
	capture->path = path;
	file = strcmp(path, "-") != 0 ? fopen(path, "re") : stdin;
	if (file)
		rc = capture_read_header(capture, file, err);
	else
		rc = error_errno(err, -errno, "%s", path);
	/* Once it is open, the file is libpcap's. */
	if (rc && file && !capture->pcap)
		fclose(file);
	if (rc)
		capture_close(capture);
	else
		*ret = capture;
	return rc;
}

int capture_next(struct capture *capture, struct capture_packet *ret, struct error *err)
{
	struct pcap_pkthdr *header;
	const u_char *bytes;
	int rc = pcap_next_ex(capture->pcap, &header, &bytes);

	if (rc == PCAP_ERROR_BREAK)
		return 0;
	capture->count++;
	if (rc != 1)
		return error_set(err, -EPROTO, "%s: packet %llu: %s", capture->path,
				 (unsigned long long)capture->count, pcap_geterr(capture->pcap));
	*ret = (struct capture_packet){
		.number = capture->count,
		/* With PCAP_TSTAMP_PRECISION_NANO, tv_usec counts nanoseconds. */
		.time_ns = (int64_t)header->ts.tv_sec * CAPTURE_SECOND_NS + header->ts.tv_usec,
		.length = header->len,
		.captured = header->caplen,
		.bytes = bytes,
	};
	return 1;
}

void capture_close(struct capture *capture)
{
	if (!capture)
		return;
	if (capture->pcap)
		pcap_close(capture->pcap);
	free(capture);
}

/* --- out */

static int capture_check_target(const char *path, const struct capture *source, struct error *err)
{
	struct stat st;

	if (!strcmp(path, "-"))
		return error_set(err, -EINVAL, "-: expected a file to write to");
	if (!stat(path, &st) && st.st_dev == source->device && st.st_ino == source->inode)
		return error_set(err, -EINVAL, "%s: is the capture that is read, expected another",
				 path);
	return 0;
}

static int capture_start(struct capture_writer *writer, const char *path, struct error *err)
{
	writer->path = path;
	writer->pcap = pcap_open_dead_with_tstamp_precision(DLT_EN10MB, CAPTURE_SNAPLEN,
							    PCAP_TSTAMP_PRECISION_NANO);
	if (!writer->pcap)
		return error_set(err, -ENOMEM, "out of memory");
	writer->dumper = pcap_dump_open(writer->pcap, path);
	return writer->dumper ? 0 : error_set(err, -EIO, "%s", pcap_geterr(writer->pcap));
}

int capture_create(const char *path, const struct capture *source, struct capture_writer **ret,
		   struct error *err)
{
	struct capture_writer *writer;
	int rc = capture_check_target(path, source, err);

	if (rc)
		return rc;
	writer = calloc(1, sizeof(*writer));
	if (!writer)
		return error_set(err, -ENOMEM, "out of memory");
	rc = capture_start(writer, path, err);
	if (rc)
		capture_finish(writer, NULL);
	else
		*ret = writer;
	return rc;
}

void capture_write(struct capture_writer *writer, int64_t time_ns, const uint8_t *bytes,
		   uint32_t size)
{
	struct pcap_pkthdr header = { .caplen = size, .len = size };

	header.ts.tv_sec = time_ns / CAPTURE_SECOND_NS;
	header.ts.tv_usec = time_ns % CAPTURE_SECOND_NS;
	pcap_dump((u_char *)writer->dumper, &header, bytes);
}

int capture_finish(struct capture_writer *writer, struct error *err)
{
	int rc = 0;

	if (!writer)
		return 0;
	if (writer->dumper) {
		if (pcap_dump_flush(writer->dumper) || ferror(pcap_dump_file(writer->dumper)))
			rc = error_errno(err, -(errno ? errno : EIO), "write %s", writer->path);
		pcap_dump_close(writer->dumper);
	}
	if (writer->pcap)
		pcap_close(writer->pcap);
	free(writer);
	return rc;
}
