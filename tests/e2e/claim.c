/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * claim.c: binds ports under docker-proxy's name.
 *
 *   claim tcp|udp ADDRESS FIRST COUNT [ROUNDS]
 *
 * Binds COUNT ports of ADDRESS from FIRST on, one after the other, and lets go of each; all of it
 * ROUNDS times (1), or until it is killed (0).  Says "bound N refused M".
 */
#include <arpa/inet.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <unistd.h>

static struct sockaddr_storage addr;
static socklen_t size;

static bool parse(const char *text)
{
	struct sockaddr_in *in = (void *)&addr;
	struct sockaddr_in6 *in6 = (void *)&addr;

	if (inet_pton(AF_INET, text, &in->sin_addr) == 1) {
		addr.ss_family = AF_INET;
		size = sizeof(*in);
		return true;
	}
	addr.ss_family = AF_INET6;
	size = sizeof(*in6);
	return inet_pton(AF_INET6, text, &in6->sin6_addr) == 1;
}

/* The port is at the same place in both. */
static bool claim(int type, int port)
{
	int fd = socket(addr.ss_family, type | SOCK_CLOEXEC, 0);
	bool is_bound;

	((struct sockaddr_in *)&addr)->sin_port = htons(port);
	is_bound = fd >= 0 && bind(fd, (void *)&addr, size) == 0;
	close(fd);
	return is_bound;
}

int main(int argc, char **argv)
{
	int rounds = argc > 5 ? atoi(argv[5]) : 1, bound = 0, refused = 0;
	int type = argc > 1 && !strcmp(argv[1], "udp") ? SOCK_DGRAM : SOCK_STREAM;

	if (argc < 5 || !parse(argv[2])) {
		fprintf(stderr, "usage: claim tcp|udp ADDRESS FIRST COUNT [ROUNDS]\n");
		return 2;
	}
	prctl(PR_SET_NAME, "docker-proxy");
	for (int round = 0; !rounds || round < rounds; round++)
		for (int i = 0; i < atoi(argv[4]); i++)
			claim(type, atoi(argv[3]) + i) ? bound++ : refused++;
	printf("bound %d refused %d\n", bound, refused);
	return 0;
}
