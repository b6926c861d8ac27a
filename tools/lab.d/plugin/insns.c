// SPDX-License-Identifier: GPL-2.0
/*
 * A QEMU plugin that counts the instructions the guest executes and tells the
 * sum to whoever asks over a unix socket: any byte in, one decimal line out.
 * The guest's own end is a serial port, so that a benchmark inside can read the
 * count before and after the packets it is about.
 */
#include <glib.h>
#include <inttypes.h>
#include <pthread.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <qemu-plugin.h>

QEMU_PLUGIN_EXPORT int qemu_plugin_version = QEMU_PLUGIN_VERSION;

static qemu_plugin_u64 insns;

static void translated(qemu_plugin_id_t id, struct qemu_plugin_tb *tb)
{
	qemu_plugin_register_vcpu_tb_exec_inline_per_vcpu(tb, QEMU_PLUGIN_INLINE_ADD_U64, insns,
							  qemu_plugin_tb_n_insns(tb));
}

static void answer(int fd)
{
	char text[32];
	char ask;
	int len;

	while (read(fd, &ask, 1) == 1) {
		len = snprintf(text, sizeof(text), "%" PRIu64 "\n", qemu_plugin_u64_sum(insns));
		if (write(fd, text, len) != len)
			break;
	}
	close(fd);
}

static void *serve(void *arg)
{
	int server = (int)(intptr_t)arg;
	int fd;

	while ((fd = accept(server, NULL, NULL)) >= 0)
		answer(fd);
	return NULL;
}

static int listen_at(const char *path)
{
	struct sockaddr_un addr = { .sun_family = AF_UNIX };
	int fd;

	if (strlen(path) >= sizeof(addr.sun_path))
		return -1;
	strcpy(addr.sun_path, path);
	fd = socket(AF_UNIX, SOCK_STREAM, 0);
	if (fd < 0)
		return -1;
	if (bind(fd, (struct sockaddr *)&addr, sizeof(addr)) || listen(fd, 1)) {
		close(fd);
		return -1;
	}
	return fd;
}

QEMU_PLUGIN_EXPORT int qemu_plugin_install(qemu_plugin_id_t id, const qemu_info_t *info,
					   int argc, char **argv)
{
	pthread_t thread;
	int fd;

	if (argc != 1 || strncmp(argv[0], "socket=", 7)) {
		fprintf(stderr, "insns: wants socket=PATH\n");
		return -1;
	}
	fd = listen_at(argv[0] + 7);
	if (fd < 0) {
		fprintf(stderr, "insns: cannot listen at %s\n", argv[0] + 7);
		return -1;
	}
	insns = qemu_plugin_scoreboard_u64(qemu_plugin_scoreboard_new(sizeof(uint64_t)));
	qemu_plugin_register_vcpu_tb_trans_cb(id, translated);
	if (pthread_create(&thread, NULL, serve, (void *)(intptr_t)fd))
		return -1;
	pthread_detach(thread);
	return 0;
}
