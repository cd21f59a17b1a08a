// SPDX-License-Identifier: GPL-2.0 OR MIT OR Apache-2.0
#include "unlink.h"

char LICENSE[] SEC("license") = "Dual MIT/GPL";

// The same prototype as the stub's.
SEC("freplace")
int judge_by_suffix(__u64 filename)
{
	char path[64] = {};
	long length = read_path(path, sizeof(path), filename);

	if (length < 5 || length > sizeof(path))
		return ORDINARY;
	for (int at = 0; at < sizeof(path) - 4; at++)
		if (at == length - 5 && path[at] == '.' && path[at + 1] == 'l' &&
		    path[at + 2] == 'o' && path[at + 3] == 'g')
			return A_LOG;
	return ORDINARY;
}
