/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * kernel_probe.c: what the running kernel can do, found out by looking, never by its version:
 * distributions backport.
 */
#include "kernel.h"

#include <bpf/btf.h>

static bool has_function(const struct btf *btf, const char *name)
{
	return btf && btf__find_by_name_kind(btf, name, BTF_KIND_FUNC) > 0;
}

/* The kfuncs are in the kernel's own BTF, or in the module's. */
bool kernel_has_conntrack(void)
{
	struct btf *vmlinux = btf__load_vmlinux_btf();
	struct btf *module = vmlinux ? btf__load_module_btf("nf_conntrack", vmlinux) : NULL;
	bool found = has_function(vmlinux, "bpf_xdp_ct_lookup") ||
		     has_function(module, "bpf_xdp_ct_lookup");

	btf__free(module);
	btf__free(vmlinux);
	return found;
}
