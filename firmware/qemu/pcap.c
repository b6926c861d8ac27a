// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Records a port's wire, both directions, in the pcap format with nanosecond
 * time stamps. Written within a pass and when frames pass to and from the
 * backend: always under the BQL or the engine lock, and both may meet, so
 * the file's own lock (of stdio) keeps records whole.
 */
#include "host.h"
#include "qemu/error-report.h"
#include "qemu/notify.h"
#include "qemu/timer.h"
#include "system/system.h"
#include "qapi/error.h"

#define PCAP_MAGIC_NS		0xa1b23c4dU
#define PCAP_LINK_ETHERNET	1
#define PCAP_SNAPLEN		NET_BUFSIZE
#define PCAP_BUFFER		(256 * 1024)

struct pcap_header {
	uint32_t	magic;
	uint16_t	major;
	uint16_t	minor;
	int32_t		zone;
	uint32_t	sigfigs;
	uint32_t	snaplen;
	uint32_t	linktype;
};

struct pcap_record {
	uint32_t	sec;
	uint32_t	nsec;
	uint32_t	caplen;
	uint32_t	len;
};

struct tqemu_pcap {
	FILE			*f;
	char			*name;
	bool			dirty;
	bool			failed;
	Notifier		exit;
	QLIST_ENTRY(tqemu_pcap)	entry;
};

static QLIST_HEAD(, tqemu_pcap) files = QLIST_HEAD_INITIALIZER(files);

static bool pcap_is_open(const char *name)
{
	struct tqemu_pcap *p;

	QLIST_FOREACH(p, &files, entry)
		if (!strcmp(p->name, name))
			return true;
	return false;
}

static void pcap_exit(Notifier *n, void *data)
{
	struct tqemu_pcap *p = container_of(n, struct tqemu_pcap, exit);

	fflush(p->f);
}

struct tqemu_pcap *tqemu_pcap_open(const char *name, Error **errp)
{
	const struct pcap_header header = {
		.magic = PCAP_MAGIC_NS,
		.major = 2,
		.minor = 4,
		.snaplen = PCAP_SNAPLEN,
		.linktype = PCAP_LINK_ETHERNET,
	};
	struct tqemu_pcap *p;
	FILE *f;

	if (pcap_is_open(name)) {
		error_setg(errp, "another port records to '%s' already", name);
		return NULL;
	}
	f = fopen(name, "we");
	if (!f) {
		error_setg_errno(errp, errno, "cannot write pcap file '%s'", name);
		return NULL;
	}
	setvbuf(f, NULL, _IOFBF, PCAP_BUFFER);
	if (fwrite(&header, sizeof(header), 1, f) != 1 || fflush(f)) {
		error_setg_errno(errp, errno, "cannot write pcap file '%s'", name);
		fclose(f);
		return NULL;
	}
	p = g_new0(struct tqemu_pcap, 1);
	p->f = f;
	p->name = g_strdup(name);
	p->exit.notify = pcap_exit;
	qemu_add_exit_notifier(&p->exit);
	QLIST_INSERT_HEAD(&files, p, entry);
	return p;
}

void tqemu_pcap_close(struct tqemu_pcap *p)
{
	if (!p)
		return;
	QLIST_REMOVE(p, entry);
	qemu_remove_exit_notifier(&p->exit);
	fclose(p->f);
	g_free(p->name);
	g_free(p);
}

void tqemu_pcap_frame(struct tqemu_pcap *p, const struct tfw_iov *iov,
		      unsigned int n)
{
	struct pcap_record rec = { 0 };
	unsigned int i;
	int64_t now;
	bool ok;

	if (!p)
		return;
	for (i = 0; i < n; i++)
		rec.len += iov[i].len;
	rec.caplen = rec.len;

	flockfile(p->f);
	/* With the lock: records are in the order of their times. */
	now = qemu_clock_get_ns(QEMU_CLOCK_HOST);
	rec.sec = now / NANOSECONDS_PER_SECOND;
	rec.nsec = now % NANOSECONDS_PER_SECOND;
	ok = fwrite(&rec, sizeof(rec), 1, p->f) == 1;
	for (i = 0; ok && i < n; i++)
		ok = fwrite(iov[i].base, 1, iov[i].len, p->f) == iov[i].len;
	qatomic_set(&p->dirty, true);
	funlockfile(p->f);

	if (!ok && !qatomic_xchg(&p->failed, true))
		error_report("tulle: writing '%s' failed, the recording is incomplete",
			     p->name);
}

/* Called when things calm down, so that a killed QEMU leaves a whole file. */
void tqemu_pcap_flush(struct tqemu_pcap *p)
{
	if (p && qatomic_xchg(&p->dirty, false))
		fflush(p->f);
}

void tqemu_capture(void *opaque, bool tx, const struct tfw_iov *iov,
		   unsigned int n)
{
	struct tqemu_dev *dev = opaque;

	tqemu_pcap_frame(dev->pcap, iov, n);
}
