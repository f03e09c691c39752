/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * desired_sets.c: the files of sets.  One that turns bad, is emptied or goes away harms only the
 * rules that use it: they go on with what it held when it last enforced.
 *
 * A set that was never read is unknown: nobody is let in by it (policy/policy.h says what a
 * deny is).
 */
#include <errno.h>

#include "engine/desired_private.h"
#include "policy/policy.h"
#include "config/setfile_kept.h"
#include "base/cleanup.h"
#include "base/file.h"

static char *print_beside(const char *config_path, const char *file)
{
	const char *slash = strrchr(config_path, '/');
	char *path = NULL;

	if (file[0] == '/' || !slash)
		return strdup(file);
	if (asprintf(&path, "%.*s/%s", (int)(slash - config_path), config_path, file) < 0)
		return NULL;
	return path;
}

/* Relative to the directory of the configuration; for a copy, to that of the original where there
 * is none beside the copy. */
static char *print_path(const struct desired_input *input, const char *file)
{
	_cleanup_free_ char *path = print_beside(input->config_path, file);

	if (path && input->copy_of && access(path, F_OK) < 0)
		return print_beside(input->copy_of, file);
	return TAKE_PTR(path);
}

/* What is wrong with the file, for people: in it, or with it where the configuration names it. */
static void explain(const struct desired_input *input, const struct statement *statement,
		    const char *path, struct error *error)
{
	if (error->line) {
		error_in_file(error, path);
		return;
	}
	error_set_at(error, 0, statement->line, 0, "cannot read the set '%s' from '%s': %s",
		     statement->set, path, error->text);
	error_in_file(error, input->config_path);
}

/* The set is what is kept of its file. */
static void make_kept(const struct desired_input *input, struct set_file *file)
{
	file->is_fresh = false;
	file->modified = sets_kept_modified(input->sets_dir, file->path);
}

/* The file cannot be used: as it was, or unknown. */
static int recall(const struct desired_input *input, struct desired *desired, struct set_file *file,
		  struct sets_members *members, const char *why)
{
	int err = sets_kept_read(input->sets_dir, file->path, members);

	if (err == -ENOMEM)
		return err;
	make_kept(input, file);
	file->is_unknown = err < 0;
	if (err < 0)
		file->modified = 0;
	if (err == 0)
		return problems_add(&desired->problems, "%s; set '%s' keeps its previous content",
				    why, file->name);
	return problems_add(&desired->problems,
			    "%s; set '%s' could never be read, so it allows and bans nobody", why,
			    file->name);
}

/* Who empties a list of bans, or cuts it off while writing, seldom means it. */
static int check_emptied(const struct desired_input *input, struct desired *desired,
			 struct set_file *file, struct sets_members *members)
{
	struct sets_members kept = {};
	int err = sets_kept_read(input->sets_dir, file->path, &kept);

	if (err < 0 || !kept.count) {
		sets_members_clear(&kept);
		return err == -ENOMEM ? err : 0;
	}
	*members = kept;
	make_kept(input, file);
	return problems_add(&desired->problems,
			    "'%s' is empty now; set '%s' keeps its previous content: if it is "
			    "meant to be empty, write the line '" SETS_NONE "'",
			    file->path, file->name);
}

static int read_set(const struct desired_input *input, struct desired *desired,
		    const struct statement *statement, struct set_file *file, struct error *error)
{
	struct policy_set *set = &desired->sets[desired->sets_count];
	struct sets_members members = {};
	struct error at = {};
	int err;

	file->name = statement->set;
	file->is_fresh = true;
	file->path = print_path(input, statement->set_file);
	if (!file->path)
		return -ENOMEM;
	file->modified = sets_modified(file->path);
	err = sets_read(file->path, &members, &at);
	if (err == -ENOMEM)
		return err;
	if (err < 0)
		explain(input, statement, file->path, &at);
	if (err < 0 && input->sets_dir)
		err = recall(input, desired, file, &members, ERROR(&at));
	else if (err < 0)
		*error = at;
	else if (input->sets_dir && !members.count && !members.is_none)
		err = check_emptied(input, desired, file, &members);
	*set = (struct policy_set){
		.name = statement->set,
		.members = members.prefixes,
		.count = members.count,
		.is_unknown = file->is_unknown,
	};
	return err;
}

int desired_check_exposure(struct desired *desired, const char *path)
{
	const char *exposure = conffile_exposure(path);

	if (!exposure)
		return 0;
	return problems_add(
		&desired->problems,
		"'%s' %s, so others than root can change the rules (chown root, chmod go-w)", path,
		exposure);
}

int desired_read_sets(const struct desired_input *input, struct desired *desired,
		      struct error *error)
{
	for (size_t i = 0; i < desired->config->count; i++) {
		const struct statement *statement = &desired->config->statements[i];
		struct set_file *file;
		int err;

		if (statement->kind != STATEMENT_SET || !statement->set_file)
			continue;
		file = util_append(&desired->set_files, desired->sets_count, sizeof(*file));
		if (!file ||
		    !util_append(&desired->sets, desired->sets_count, sizeof(*desired->sets)))
			return -ENOMEM;
		err = read_set(input, desired, statement, file, error);
		desired->sets_count++;
		err = err ?: desired_check_exposure(desired, file->path);
		if (err < 0)
			return err;
	}
	return 0;
}

int desired_recall_grown(const struct desired_input *input, struct desired *desired,
			 const char *why)
{
	int recalled = 0;

	for (size_t i = 0; input->sets_dir && i < desired->sets_count; i++) {
		struct set_file *file = &desired->set_files[i];
		struct policy_set *set = &desired->sets[i];
		struct sets_members kept = {};

		if (!file->is_fresh || sets_kept_read(input->sets_dir, file->path, &kept) < 0 ||
		    kept.count >= set->count) {
			sets_members_clear(&kept);
			continue;
		}
		free((void *)set->members);
		set->members = kept.prefixes;
		set->count = kept.count;
		make_kept(input, file);
		if (problems_add(&desired->problems, "%s; set '%s' keeps its previous content", why,
				 file->name) < 0)
			return -ENOMEM;
		recalled++;
	}
	return recalled;
}

static struct sets_members members_of(const struct policy_set *set)
{
	return (struct sets_members){ .prefixes = (struct prefix *)set->members,
				      .count = set->count };
}

void desired_keep_sets(struct desired *desired, const char *sets_dir)
{
	for (size_t i = 0; i < desired->sets_count; i++) {
		const struct set_file *file = &desired->set_files[i];
		struct sets_members members = members_of(&desired->sets[i]);
		int err = file->is_fresh
				  ? sets_kept_write(sets_dir, file->path, &members, file->modified)
				  : 0;

		if (err < 0)
			(void)problems_add(&desired->problems,
					   "cannot save a copy of set '%s' in '%s': %s", file->name,
					   sets_dir, strerror(-err));
	}
}

int desired_check_kept(struct desired *desired, const char *sets_dir)
{
	int err = 0;

	for (size_t i = 0; i < desired->sets_count && err == 0; i++) {
		const struct set_file *file = &desired->set_files[i];
		struct sets_members members = members_of(&desired->sets[i]);

		if (file->is_fresh && !sets_kept_has(sets_dir, file->path, &members))
			err = problems_add(&desired->problems,
					   "no copy of set '%s' is saved in '%s': `tidegate "
					   "reload` saves one, or reports why it cannot",
					   file->name, sets_dir);
	}
	return err;
}
