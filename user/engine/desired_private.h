/* SPDX-License-Identifier: GPL-2.0-only */
/* desired_private.h: what desired*.c share. */
#ifndef TIDEGATE_DESIRED_PRIVATE_H
#define TIDEGATE_DESIRED_PRIVATE_H

#include "engine/desired.h"

/* The files of the configuration's sets.  0, or -errno with error filled if it is to be told. */
int desired_read_sets(const struct desired_input *input, struct desired *desired,
		      struct error *error);

/* The policy has too many prefixes, which `why` says: sets that have grown become what is kept of
 * them.  The number of these, or -ENOMEM. */
int desired_recall_grown(const struct desired_input *input, struct desired *desired,
			 const char *why);

/* A problem when others than root may write the file.  0 or -ENOMEM. */
int desired_check_exposure(struct desired *desired, const char *path);

#endif
