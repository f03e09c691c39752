/* SPDX-License-Identifier: GPL-2.0-only */
/* classify.h: placeholder until the real one lands. */
#ifndef TIDEGATE_CLASSIFY_H
#define TIDEGATE_CLASSIFY_H
#endif
