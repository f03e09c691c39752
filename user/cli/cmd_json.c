/* SPDX-License-Identifier: GPL-2.0-only */
/* cmd_json.c: see cmd_json.h. */
#include "cli/cmd_json.h"

#include "base/log.h"
#include "base/cleanup.h"

static json_t *root;

void cmd_json_begin(void)
{
	root = json_object();
	log_keep();
}

void cmd_json_add(const char *key, json_t *value)
{
	if (root)
		json_object_set_new(root, key, value);
	else
		json_decref(value);
}

void cmd_json_add_text(const char *key, const char *text)
{
	if (root)
		cmd_json_add(key, json_string(text));
}

void cmd_json_set_array(json_t *array)
{
	json_decref(root);
	root = array;
}

static json_t *kept_texts(enum log_level level)
{
	const char *text;
	json_t *texts = json_array();

	for (size_t i = 0; (text = log_kept(level, i)); i++)
		json_array_append_new(texts, json_string(text));
	return texts;
}

/* What was said first is why; the rest is what came of it. */
static void add_error(void)
{
	_cleanup_free_ char *joined = NULL;
	const char *text;
	size_t size;
	FILE *out = open_memstream(&joined, &size);

	for (size_t i = 0; out && (text = log_kept(LOG_ERROR, i)); i++)
		fprintf(out, "%s%s", i ? "; " : "", text);
	if (out)
		fclose(out);
	cmd_json_add_text("error", joined ?: "out of memory");
}

static void add_messages(int status)
{
	cmd_json_add("ok", json_boolean(status == 0));
	if (log_kept(LOG_ERROR, 0))
		add_error();
	cmd_json_add("warnings", kept_texts(LOG_WARNING));
	if (log_kept(LOG_INFO, 0))
		cmd_json_add("messages", kept_texts(LOG_INFO));
}

int cmd_json_finish(int status)
{
	const char *text;

	if (!root)
		return status;
	if (json_is_array(root) && log_kept(LOG_ERROR, 0))
		cmd_json_set_array(json_object());
	if (json_is_object(root))
		add_messages(status);
	else
		for (size_t i = 0; (text = log_kept(LOG_WARNING, i)); i++)
			fprintf(stderr, "tidegate: warning: %s\n", text);
	json_dumpf(root, stdout, JSON_INDENT(2));
	putchar('\n');
	json_decref(root);
	root = NULL;
	return status;
}
