/* SPDX-License-Identifier: GPL-2.0-only */
/* setfile_kept.c: see setfile_kept.h. */
#include "config/setfile_kept.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>

#include "base/file.h"
#include "base/hash.h"
#include "base/cleanup.h"

#define HASH_STRLEN 33

static void print_hash(const void *bytes, size_t size, char ret[static HASH_STRLEN])
{
	__u64 hash[2];

	hash_bytes(bytes, size, hash);
	snprintf(ret, HASH_STRLEN, "%016llx%016llx", hash[1], hash[0]);
}

static char *print_path(const char *dir, const char *path)
{
	char hash[HASH_STRLEN], *text;

	print_hash(path, strlen(path), hash);
	return asprintf(&text, "%s/%s", dir, hash) < 0 ? NULL : text;
}

/* The first line of what is kept of these members of that path. */
static char *print_heading(const char *path, const struct sets_members *members)
{
	char hash[HASH_STRLEN], *text;

	print_hash(members->prefixes, members->count * sizeof(*members->prefixes), hash);
	return asprintf(&text, "# %s %s\n", hash, path) < 0 ? NULL : text;
}

static bool begins_with(const char *text, const char *start)
{
	return strncmp(text, start, strlen(start)) == 0;
}

int sets_kept_read(const char *dir, const char *path, struct sets_members *ret)
{
	_cleanup_(sets_members_clear) struct sets_members members = {};
	_cleanup_free_ char *kept_path = print_path(dir, path), *text = NULL, *heading = NULL;
	size_t length;
	int err = kept_path ? conffile_read(kept_path, 2 * SETS_LIMIT_BYTES, &text, &length)
			    : -ENOMEM;

	err = err ?: sets_parse(text, length, &members, NULL);
	if (err < 0)
		return err;
	heading = print_heading(path, &members);
	if (!heading)
		return -ENOMEM;
	if (!begins_with(text, heading))
		return -EBADMSG;
	*ret = members;
	members = (struct sets_members){};
	return 0;
}

static bool is_kept(const char *kept_path, const char *heading)
{
	_cleanup_free_ char *line = NULL;
	_cleanup_fclose_ FILE *file = fopen(kept_path, "re");
	size_t size;

	return file && getline(&line, &size, file) > 0 && streq(line, heading);
}

bool sets_kept_has(const char *dir, const char *path, const struct sets_members *members)
{
	_cleanup_free_ char *kept_path = print_path(dir, path);
	_cleanup_free_ char *heading = print_heading(path, members);

	return kept_path && heading && is_kept(kept_path, heading);
}

static char *print(const char *heading, const struct sets_members *members)
{
	char *text = NULL, buf[PREFIX_STRLEN];
	size_t size;
	FILE *out = open_memstream(&text, &size);
	bool has_failed;

	if (!out)
		return NULL;
	fputs(heading, out);
	if (!members->count)
		fputs(SETS_NONE "\n", out);
	for (size_t i = 0; i < members->count; i++)
		fprintf(out, "%s\n", prefix_format(&members->prefixes[i], buf));
	has_failed = ferror(out) != 0;
	if (fclose(out) == 0 && !has_failed)
		return text;
	free(text);
	return NULL;
}

static int make_directory(const char *dir)
{
	_cleanup_free_ char *above = strdup(dir);
	char *slash = above ? strrchr(above, '/') : NULL;

	if (!above)
		return -ENOMEM;
	if (slash && slash != above) {
		*slash = '\0';
		if (mkdir(above, 0755) < 0 && errno != EEXIST)
			return -errno;
	}
	return mkdir(dir, 0700) < 0 && errno != EEXIST ? -errno : 0;
}

time_t sets_kept_modified(const char *dir, const char *path)
{
	_cleanup_free_ char *kept_path = print_path(dir, path);

	return kept_path ? sets_modified(kept_path) : 0;
}

/* Nothing but an age depends on it, so it may fail. */
static void set_modified(const char *kept_path, time_t modified)
{
	const struct timespec times[2] = { { .tv_nsec = UTIME_OMIT }, { .tv_sec = modified } };

	if (modified && sets_modified(kept_path) != modified)
		(void)utimensat(AT_FDCWD, kept_path, times, 0);
}

int sets_kept_write(const char *dir, const char *path, const struct sets_members *members,
		    time_t modified)
{
	_cleanup_free_ char *kept_path = print_path(dir, path), *text = NULL;
	_cleanup_free_ char *heading = print_heading(path, members);
	int err = 0;

	if (!kept_path || !heading)
		return -ENOMEM;
	if (!is_kept(kept_path, heading)) {
		text = print(heading, members);
		if (!text)
			return -ENOMEM;
		err = make_directory(dir) ?: conffile_write(kept_path, text);
	}
	if (err == 0)
		set_modified(kept_path, modified);
	return err;
}
