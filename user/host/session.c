/* SPDX-License-Identifier: GPL-2.0-only */
/* session.c: see session.h. */
#include "host/session.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/cleanup.h"

#define VARIABLE "SSH_CONNECTION="

/* shell, sudo, its monitor, tidegate: nobody is this deep. */
#define DEPTH_MAX 32

/* sshd(8): "client-address client-port server-address server-port". */
static bool parse(const char *text, struct ssh_connection *ret)
{
	char client[64], server[64];

	return sscanf(text, "%63s %*u %63s %hu", client, server, &ret->port) == 3 &&
	       prefix_parse(client, &ret->client, NULL) == 0 &&
	       prefix_parse(server, &ret->server, NULL) == 0 &&
	       ret->client.family == ret->server.family;
}

static bool read_environment(pid_t pid, struct ssh_connection *ret)
{
	_cleanup_fclose_ FILE *file = NULL;
	_cleanup_free_ char *entry = NULL;
	char path[64];
	size_t size = 0;

	snprintf(path, sizeof(path), "/proc/%d/environ", pid);
	file = fopen(path, "re");
	while (file && getdelim(&entry, &size, 0, file) > 0)
		if (!strncmp(entry, VARIABLE, strlen(VARIABLE)))
			return parse(entry + strlen(VARIABLE), ret);
	return false;
}

/* 0 = none, or it cannot be told.  The name, in parentheses, may hold anything. */
static pid_t parent_of(pid_t pid)
{
	_cleanup_fclose_ FILE *file = NULL;
	char path[64], text[256];
	const char *behind;
	pid_t parent = 0;
	size_t length;

	snprintf(path, sizeof(path), "/proc/%d/stat", pid);
	file = fopen(path, "re");
	if (!file)
		return 0;
	length = fread(text, 1, sizeof(text) - 1, file);
	text[length] = 0;
	behind = strrchr(text, ')');
	return behind && sscanf(behind, ") %*c %d", &parent) == 1 ? parent : 0;
}

bool session_ssh(struct ssh_connection *ret)
{
	const char *own = getenv("SSH_CONNECTION");
	pid_t pid = getppid();

	if (own)
		return parse(own, ret);
	for (int depth = 0; depth < DEPTH_MAX && pid > 1; depth++) {
		if (read_environment(pid, ret))
			return true;
		pid = parent_of(pid);
	}
	return false;
}
