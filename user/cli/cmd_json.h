/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * cmd_json.h: what --json prints: one value on stdout, whatever happens.  Commands add what they
 * know; messages of base/log.h are kept and go with it.
 */
#ifndef TIDEGATE_CMD_JSON_H
#define TIDEGATE_CMD_JSON_H

#include <stdbool.h>
#include <jansson.h>

/* From now on messages are kept, and what is added below is. */
void cmd_json_begin(void);

/* Without cmd_json_begin() these do nothing. */
void cmd_json_add(const char *key, json_t *value); /* takes the value */
void cmd_json_add_text(const char *key, const char *text);

/* In place of an object; its warnings go to stderr.  Takes the array. */
void cmd_json_set_array(json_t *array);

/* Prints it, if there was a cmd_json_begin().  Returns the status. */
int cmd_json_finish(int status);

#endif
