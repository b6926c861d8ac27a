// SPDX-License-Identifier: GPL-2.0
/* What this machine copies in a second, 1 MiB at a time: MB/s. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#define SIZE	(1UL << 20)
#define BUFS	16
#define ROUNDS	20000

static double now(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return ts.tv_sec + ts.tv_nsec / 1e9;
}

int main(void)
{
	char *from = malloc(SIZE * BUFS), *to = malloc(SIZE * BUFS);
	double t;
	int i;

	if (!from || !to)
		return 1;
	memset(from, 1, SIZE * BUFS);
	memset(to, 2, SIZE * BUFS);
	t = now();
	for (i = 0; i < ROUNDS; i++) {
		memcpy(to + i % BUFS * SIZE, from + i % BUFS * SIZE, SIZE);
		/* Nothing is left out because nobody reads it. */
		__asm__ volatile("" : : "r"(to) : "memory");
	}
	t = now() - t;
	printf("%.1f\n", ROUNDS * (SIZE / 1048576.0) / t);
	return 0;
}
