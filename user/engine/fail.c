/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * fail.c: a failure of kernel/ as people read it.
 */
#include <stdio.h>
#include <string.h>

#include "engine/reconcile_private.h"

int reconcile_fail(int err, char *error)
{
	snprintf(error, ERROR_TEXT, "%s: %s", kernel_error(), strerror(-err));
	return err;
}
