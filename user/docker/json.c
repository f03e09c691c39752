/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * json.c: see json.h.  The only file that knows jansson; it must not know
 * what the values mean.
 */
#include <ctype.h>
#include <errno.h>
#include <stdarg.h>
#include <jansson.h>

#include "docker/json.h"
#include "docker/inventory.h"
#include "base/cleanup.h"

/* ---- what is wrong, and where ---- */

static void write_key(FILE *out, const char *key)
{
	bool is_word = *key;

	for (const char *at = key; *at; at++)
		is_word = is_word && (isalnum((unsigned char)*at) || *at == '_');
	fputs(is_word ? "." : "[\"", out);
	for (const char *at = key; *at && at < key + 64; at++)
		fputc(*at >= 0x20 && *at <= 0x7e ? *at : '?', out);
	if (!is_word)
		fputs("\"]", out);
}

static void write_path(FILE *out, const struct docker_json *json)
{
	if (json->up)
		write_path(out, json->up);
	if (!json->up)
		fputs(json->key, out);
	else if (json->key)
		write_key(out, json->key);
	else
		fprintf(out, "[%zu]", json->index);
}

int docker_json_fail(const struct docker_json *json, const char *format, ...)
{
	char text[ERROR_TEXT] = "";
	_cleanup_fclose_ FILE *out = fmemopen(text, sizeof(text) - 1, "w");
	va_list args;

	if (!out)
		return -ENOMEM;
	write_path(out, json);
	fputc(' ', out);
	va_start(args, format);
	vfprintf(out, format, args);
	va_end(args);
	fflush(out);
	return error_set(json->error, -EBADMSG, "%s", text);
}

/* ---- text to values ---- */

/*
 * The one object at the front.  jansson refuses a zero byte in a key, and a label of an
 * image, which whoever made the image chose, may have one: it becomes U+FFFD, so that a
 * pulled image cannot stop us from reading what else there is.
 */
static json_t *decode(char *text, size_t size, json_error_t *ret_error)
{
	size_t flags = JSON_DISABLE_EOF_CHECK | JSON_ALLOW_NUL;
	json_t *value = json_loadb(text, size, flags, ret_error);
	char *at = text;

	if (value || json_error_code(ret_error) != json_error_null_byte_in_key)
		return value;
	while ((at = memmem(at, size - (at - text), "\\u0000", 6)))
		memcpy(at, "\\ufffd", 6);
	return json_loadb(text, size, flags, ret_error);
}

static int fail_syntax(const struct docker_json *json, const json_error_t *error)
{
	if (json_error_code(error) == json_error_out_of_memory)
		return -ENOMEM;
	if (json_error_code(error) == json_error_premature_end_of_input)
		return docker_json_fail(json, "ends too early");
	return docker_json_fail(json, "is not JSON (byte %d)", error->position);
}

static size_t skip_space(const char *text, size_t size, size_t at)
{
	while (at < size && memchr(" \t\r\n", text[at], 4))
		at++;
	return at;
}

static int expect_object(const struct docker_json *json)
{
	if (!json_is_object(json->value))
		return docker_json_fail(json, "is not an object");
	return 0;
}

int docker_json_read(char *text, size_t size, const char *name, docker_json_visit *visit, void *arg,
		     struct error *error)
{
	struct docker_json root = { .key = name, .error = error };
	_cleanup_(json_decrefp) json_t *value = NULL;
	json_error_t syntax;
	int err;

	value = decode(text, size, &syntax);
	if (!value)
		return fail_syntax(&root, &syntax);
	if (skip_space(text, size, syntax.position) != size)
		return docker_json_fail(&root, "is followed by more text");
	root.value = value;
	err = expect_object(&root);
	return err ? err : visit(&root, arg);
}

/* Decodes and visits the element that the text begins with; *ret_used is its length. */
static int read_element(char *text, size_t size, struct docker_json *element,
			const struct docker_json_each *each, size_t *ret_used)
{
	_cleanup_(json_decrefp) json_t *value = NULL;
	json_error_t syntax;
	int err;

	*ret_used = each->skip ? each->skip(text, size, each->arg) : 0;
	if (*ret_used)
		return 0;
	value = decode(text, size, &syntax);
	if (!value)
		return fail_syntax(element, &syntax);
	*ret_used = syntax.position;
	element->value = value;
	element->text = text;
	element->size = syntax.position;
	err = expect_object(element);
	return err ? err : each->visit(element, each->arg);
}

int docker_json_read_each(char *text, size_t size, const char *name,
			  const struct docker_json_each *each, struct error *error)
{
	struct docker_json root = { .key = name, .error = error };
	struct docker_json element = { .up = &root, .error = error };
	size_t at = skip_space(text, size, 0), used = 0;
	int err;

	if (at == size || text[at] != '[')
		return docker_json_fail(&root, "is not an array");
	at = skip_space(text, size, at + 1);
	for (; at < size && (element.index > 0 || text[at] != ']'); element.index++) {
		at = skip_space(text, size, at);
		err = read_element(text + at, size - at, &element, each, &used);
		if (err)
			return err;
		at = skip_space(text, size, at + used);
		if (at == size || text[at] != ',')
			break;
		at++;
	}
	if (at == size)
		return docker_json_fail(&root, "ends too early");
	if (text[at] != ']' || skip_space(text, size, at + 1) != size)
		return docker_json_fail(&root, "is not an array (byte %zu)", at);
	return 0;
}

/*
 * Whatever is behind the last brace cannot be whole.  Cutting there also keeps a character
 * of several bytes from being cut, which jansson would take for a bad one.
 */
int docker_json_read_stream(char *text, size_t size, docker_json_visit *visit, void *arg,
			    size_t *ret_used, struct error *error)
{
	const char *brace = memrchr(text, '}', size);
	size_t whole = brace ? brace + 1 - text : 0, at = 0;
	int err = 0;

	while (!err && (at = skip_space(text, size, at)) < whole) {
		struct docker_json root = { .key = "event", .error = error };
		_cleanup_(json_decrefp) json_t *value = NULL;
		json_error_t syntax;

		value = decode(text + at, whole - at, &syntax);
		if (!value && json_error_code(&syntax) == json_error_premature_end_of_input)
			break;
		if (!value)
			return fail_syntax(&root, &syntax);
		root.value = value;
		err = expect_object(&root);
		if (!err)
			err = visit(&root, arg);
		at += syntax.position;
	}
	*ret_used = at;
	return err;
}

/* ---- values ---- */

struct docker_json docker_json_member(const struct docker_json *json, const char *key)
{
	struct docker_json member = { .up = json, .key = key, .error = json->error };

	/* NULL for a value that is not an object, too. */
	member.value = json_object_get(json->value, key);
	if (json_is_null(member.value))
		member.value = NULL;
	return member;
}

/* Of something that is not an object every member is absent; that must not go unnoticed. */
static int accept_absence(const struct docker_json *json)
{
	for (; json->up; json = json->up)
		if (json->key && json->up->value && !json_is_object(json->up->value))
			return docker_json_fail(json->up, "is not an object");
	return 0;
}

int docker_json_members(const struct docker_json *json, docker_json_visit *visit, void *arg)
{
	json_t *object = (json_t *)json->value, *value;
	const char *key;

	if (!object)
		return accept_absence(json);
	if (!json_is_object(object))
		return docker_json_fail(json, "is not an object");
	json_object_foreach (object, key, value) {
		struct docker_json member = docker_json_member(json, key);
		int err = visit(&member, arg);

		if (err)
			return err;
	}
	return 0;
}

int docker_json_elements(const struct docker_json *json, docker_json_visit *visit, void *arg)
{
	struct docker_json element = { .up = json, .error = json->error };
	int err;

	if (!json->value)
		return accept_absence(json);
	if (!json_is_array(json->value))
		return docker_json_fail(json, "is not an array");
	for (; element.index < json_array_size(json->value); element.index++) {
		element.value = json_array_get(json->value, element.index);
		err = visit(&element, arg);
		if (err)
			return err;
	}
	return 0;
}

int docker_json_string(const struct docker_json *json, const char **ret)
{
	*ret = "";
	if (!json->value)
		return accept_absence(json);
	if (!json_is_string(json->value))
		return docker_json_fail(json, "is not a string");
	/* A string with a zero byte ends there, for us. */
	*ret = json_string_value(json->value);
	return 0;
}

int docker_json_name(const struct docker_json *json, const char **ret)
{
	const char *text;
	size_t length;

	if (!json->value)
		return docker_json_fail(json, "is missing");
	if (!json_is_string(json->value))
		return docker_json_fail(json, "is not a string");
	text = json_string_value(json->value);
	length = json_string_length(json->value);
	if (!length || length > INVENTORY_TEXT_MAX / 2)
		return docker_json_fail(json, length ? "is too long" : "is empty");
	if (!inventory_is_printable(text, length))
		return docker_json_fail(json, "has characters that are not printable ASCII");
	*ret = text;
	return 0;
}

int docker_json_id(const struct docker_json *json, const char **ret)
{
	const char *id;
	int err;

	err = docker_json_name(json, &id);
	if (err)
		return err;
	if (strlen(id) != 64 || strspn(id, "0123456789abcdef") != 64)
		return docker_json_fail(json, "is not 64 hex digits");
	*ret = id;
	return 0;
}

int docker_json_number(const struct docker_json *json, long long max, long long *ret)
{
	long long value;

	*ret = 0;
	if (!json->value)
		return accept_absence(json);
	if (!json_is_integer(json->value))
		return docker_json_fail(json, "is not a number");
	value = json_integer_value(json->value);
	if (value < 0 || value > max)
		return docker_json_fail(json, "is %lld, not within 0..%lld", value, max);
	*ret = value;
	return 0;
}

int docker_json_flag(const struct docker_json *json, bool *ret)
{
	*ret = false;
	if (!json->value)
		return accept_absence(json);
	if (!json_is_boolean(json->value))
		return docker_json_fail(json, "is not true or false");
	*ret = json_is_true(json->value);
	return 0;
}
