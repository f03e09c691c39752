/* SPDX-License-Identifier: GPL-2.0-only */
/* wire.h: what wire.c tells wire.bpf.c. */
#pragma once

struct wire_ends {
	__u32 client, host; /* interface indices */
};
