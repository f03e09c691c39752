/* SPDX-License-Identifier: GPL-2.0-only */
/* asked.c: see asked.h. */
#include "engine/asked.h"

#include <errno.h>

#include "base/cleanup.h"
#include "docker/docker.h"

static bool is_off(const char *url)
{
	return streq(url, "off");
}

/* Only another URL is another Engine: whatever else changed in the text, the stream goes on. */
static int open_wanted(struct asked *asked)
{
	const char *url = asked->wanted_url;
	int err;

	if (!url || (asked->url && streq(asked->url, url)))
		return 0;
	docker_free(TAKE_PTR(asked->docker));
	free(asked->url);
	asked->url = strdup(url);
	if (!asked->url)
		return -ENOMEM;
	if (is_off(url) || asked->asks_nobody)
		return 0;
	err = docker_new(url[0] ? url : NULL, &asked->docker);
	if (err == -ENOMEM)
		free(TAKE_PTR(asked->url));
	return err;
}

bool asked_is_unusable(const struct asked *asked)
{
	return asked->url && !asked->docker && !is_off(asked->url) && !asked->asks_nobody;
}

int asked_ask(struct asked *asked, struct error *error)
{
	struct docker_answer *answer = &asked->answer;
	int err;

	asked_forget(asked);
	err = open_wanted(asked);
	if (err == -ENOMEM)
		return error_set_errno(error, err, "cannot ask Docker");
	if (!asked->url)
		return 0;
	err = docker_answer_read(asked->docker, is_off(asked->url), answer, error);
	if (err < 0)
		return err;
	if (asked_is_unusable(asked))
		snprintf(answer->error, sizeof(answer->error),
			 "cannot use '%s' as the Docker Engine's address",
			 asked->url[0] ? asked->url : "$DOCKER_HOST");
	asked->is_answered = true;
	return 0;
}

static const char *choose_url(const struct asked *asked, const struct config *config)
{
	return asked->forced_url ?: config_docker_url(config) ?: "";
}

int asked_want(struct asked *asked, const struct config *config)
{
	free(asked->wanted_url);
	asked->wanted_url = strdup(choose_url(asked, config));
	return asked->wanted_url ? 0 : -ENOMEM;
}

int asked_answer(void *arg, const struct config *config, const struct docker_answer **ret)
{
	struct asked *asked = arg;
	int err = 0;

	if (!asked->is_answered || !streq(asked->url, choose_url(asked, config))) {
		err = asked_want(asked, config);
		if (err == 0)
			err = asked->is_last ? asked_ask(asked, NULL) : -ESTALE;
	}
	*ret = &asked->answer;
	return err;
}

bool asked_can_be_old(const struct asked *asked)
{
	return asked->is_answered && asked->answer.source == DOCKER_FRESH;
}

void asked_forget(struct asked *asked)
{
	docker_answer_clear(&asked->answer);
	asked->is_answered = false;
}

void asked_clear(struct asked *asked)
{
	asked_forget(asked);
	docker_free(asked->docker);
	free(asked->url);
	free(asked->wanted_url);
	memset(asked, 0, sizeof(*asked));
}
