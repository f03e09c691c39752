/* SPDX-License-Identifier: GPL-2.0-only */
/* reason.h: the names of enum reason (datapath.h), the same everywhere people read them. */
#ifndef TIDEGATE_REASON_H
#define TIDEGATE_REASON_H

#include <stdbool.h>

#include "datapath.h"

const char *reason_name(enum reason reason); /* never NULL */
bool reason_is_drop(enum reason reason);

#endif
