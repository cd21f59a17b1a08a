// SPDX-License-Identifier: GPL-2.0-only OR MIT OR Apache-2.0
// The replacements of chains/exec.toml: what they deny, execve(2) fails with EPERM.
#include "exec.h"

char LICENSE[] SEC("license") = "Dual MIT/GPL";

// The beginning of the paths that are denied; `globals` sets it.
const volatile char folder[16] = "/tmp/";

SEC("freplace")
int not_from_folder(struct program *program)
{
	if (!program)
		return 0;
	for (unsigned int at = 0; at < sizeof(folder) && folder[at]; at++)
		if (program->path[at] != folder[at])
			return 0;
	return -EPERM;
}

#define S_ISUID 04000

SEC("freplace")
int no_set_user_id(struct program *program)
{
	return program && program->mode & S_ISUID ? -EPERM : 0;
}
