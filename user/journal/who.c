/* SPDX-License-Identifier: GPL-2.0-only */
/* who.c: see who.h. */
#include "journal/who.h"

#include <pwd.h>
#include <stdio.h>

#include "base/cleanup.h"
#include "host/netdev.h"
#include "host/session.h"
#include "journal/entry.h"

#define NAME_SIZE 64

/* From the file alone: a name service that does not answer would hold up the command. */
static void name_of(uid_t uid, char ret[static NAME_SIZE])
{
	_cleanup_fclose_ FILE *file = fopen("/etc/passwd", "re");
	struct passwd entry, *found = NULL;
	char buf[1024];

	snprintf(ret, NAME_SIZE, "uid %u", uid);
	while (file && fgetpwent_r(file, &entry, buf, sizeof(buf), &found) == 0)
		if (entry.pw_uid == uid) {
			snprintf(ret, NAME_SIZE, "%s", entry.pw_name);
			return;
		}
}

/* Set when somebody logs in and kept through su and sudo (pam_loginuid(8)); false = nobody did. */
static bool read_login(uid_t *ret)
{
	_cleanup_fclose_ FILE *file = fopen("/proc/self/loginuid", "re");

	return file && fscanf(file, "%u", ret) == 1 && *ret != (uid_t)-1;
}

/* The variable may say anything; the kernel knows whether sshd has such a connection. */
static bool is_known(const struct ssh_connection *ssh)
{
	_cleanup_free_ struct connection *list = NULL;
	size_t count = 0, kept = 0;

	if (netdev_read_connections(&list, &count) < 0)
		return false;
	for (size_t i = 0; i < count; i++)
		if (list[i].port == ssh->port && prefix_compare(&list[i].peer, &ssh->client) == 0 &&
		    prefix_compare(&list[i].local, &ssh->server) == 0)
			list[kept++] = list[i];
	return kept && netdev_keep_ssh(list, &kept) == 0 && kept;
}

static void add_user(struct journal_entry *entry, const char *field, uid_t uid,
		     char name[static NAME_SIZE])
{
	char name_field[NAME_SIZE];

	name_of(uid, name);
	snprintf(name_field, sizeof(name_field), "%s_NAME", field);
	journal_add(entry, field, "%u", uid);
	journal_add(entry, name_field, "%s", name);
}

void who_describe(struct journal_entry *entry, char ret[static WHO_TEXT])
{
	char name[NAME_SIZE], address[PREFIX_STRLEN];
	struct ssh_connection ssh;
	size_t length;
	uid_t login;

	add_user(entry, "TIDEGATE_USER", getuid(), name);
	length = snprintf(ret, WHO_TEXT, "%s", name);
	if (read_login(&login)) {
		add_user(entry, "TIDEGATE_LOGIN", login, name);
		length += snprintf(ret + length, WHO_TEXT - length, ", logged in as %s", name);
	}
	if (session_ssh(&ssh)) {
		bool is_sure = is_known(&ssh);

		prefix_format(&ssh.client, address);
		journal_add(entry, "TIDEGATE_SSH", "%s", address);
		journal_add(entry, "TIDEGATE_SSH_KNOWN", "%d", is_sure);
		snprintf(ret + length, WHO_TEXT - length, ", by SSH from %s%s", address,
			 is_sure ? ""
				 : " (as the environment has it; there is no such connection)");
	}
}
