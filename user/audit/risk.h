/* SPDX-License-Identifier: GPL-2.0-only */
/* risk.h: what makes an open port worse: the service behind it, and how its container runs. */
#ifndef TIDEGATE_AUDIT_RISK_H
#define TIDEGATE_AUDIT_RISK_H

#include <stdbool.h>
#include <stddef.h>

struct docker_facts;

struct risk_service {
	const char *kind;        /* "database" */
	const char *why;         /* what who connects can do */
	const char *images;      /* last part of an image's name, blanks between */
	unsigned short ports[4]; /* of the container; 0 = no more */
};

/* By the image's name, or by the container's port; NULL = nothing that is sure.  image: NULL = not
 * known. */
const struct risk_service *risk_service(const char *image, unsigned short port);

struct risk_fact {
	const char *id;
	const char *text;
	bool is_severe; /* an open port of the container is risky */
	bool (*is_so)(const struct docker_facts *facts);
};

extern const struct risk_fact risk_facts[];
extern const size_t risk_facts_count;

#endif
