/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * parse.h: what the files of the parser share.  Private to this folder.
 *
 * One function a statement.  It finds the token behind its keyword, fills the statement and
 * leaves the first token it does not want; its caller clears the statement on failure.
 * Everything returns 0, -EINVAL with the lexer's error filled, or -ENOMEM.
 */
#ifndef TIDEGATE_CONFIG_PARSE_H
#define TIDEGATE_CONFIG_PARSE_H

#include "config/config.h"
#include "config/lex.h"

#define CONFIG_NAME_MAX 255 /* container, service and set names; comments */
#define CONFIG_PATH_MAX 4095

struct parser {
	struct lexer lex;
	struct token verb; /* keyword of the statement at hand */
	time_t now;
	bool is_file;   /* sets are resolved, and "for" means nothing */
	void *sets;     /* tsearch(3) tree of the names defined so far */
	size_t sources; /* over all statements */
	size_t rules;
	bool has_seen[STATEMENT_MAX];
};

/* setting.c */
int parse_interface(struct parser *parser, struct statement *statement);
int parse_default(struct parser *parser, struct statement *statement);
int parse_docker(struct parser *parser, struct statement *statement);
int parse_labels(struct parser *parser, struct statement *statement);
int parse_log(struct parser *parser, struct statement *statement);

/* set.c */
int parse_set(struct parser *parser, struct statement *statement);
bool set_is_defined(const struct parser *parser, const char *name);
void set_forget_names(struct parser *parser);

/* rule.c */
int parse_rule(struct parser *parser, struct statement *statement);

/* print.c: order of two struct source, for qsort(3) and tsearch(3). */
int config_compare_sources(const void *a, const void *b);

/*
 * word.c: what a word means.  Those without a token take the lexer's next one and move
 * on; those with one may be given a part of it.
 */
int word_parse_ports(struct parser *parser, struct target *target);
int word_parse_prefix(struct parser *parser, struct prefix *ret);
int word_parse_text(struct parser *parser, size_t limit, char **ret);
int word_parse_name(struct parser *parser, const struct token *token, char **ret);
/* A list of protocols; `word` is what messages quote. */
int word_parse_protos(struct parser *parser, const struct token *word, struct token list,
		      unsigned int *ret);
/* Room for one more source of the statement, counted against LIMIT_PREFIXES. */
int word_append_source(struct parser *parser, struct statement *statement, struct source **ret);

/* Docker's spelling of a published port, [ADDRESS:]HOST:CONTAINER, or NAME:PORT, where a target
 * is expected: fails, naming the right one.  0 = it is something else. */
int word_refuse_docker_spelling(const struct parser *parser, const struct token *token);

bool word_is_keyword(const struct token *token);
bool word_is_set_name(const struct token *token);
bool word_is_ports(const struct token *token);  /* meant as ports, right or wrong */
bool word_is_prefix(const struct token *token); /* meant as an address, right or wrong */

/* time.c: seconds since the epoch. */
#define TIME_STRLEN 32
int time_parse_until(struct parser *parser, time_t *ret);
int time_parse_for(struct parser *parser, time_t *ret);
const char *time_format(time_t time, char buf[static TIME_STRLEN]);

#endif
