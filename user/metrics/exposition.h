/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * exposition.h: the text format 0.0.4 of Prometheus, a line each.
 * https://prometheus.io/docs/instrumenting/exposition_formats/
 */
#ifndef TIDEGATE_METRICS_EXPOSITION_H
#define TIDEGATE_METRICS_EXPOSITION_H

#include <stdio.h>

struct exposition_label {
	const char *name;  /* NULL behind the last one */
	const char *value; /* any bytes; NULL = the label is left out */
};

/* The two lines in front of a metric's samples.  type: "counter", "gauge". */
void exposition_describe(FILE *out, const char *name, const char *type, const char *help);

/* labels: NULL = none. */
void exposition_put(FILE *out, const char *name, const struct exposition_label *labels,
		    unsigned long long value);

#endif
