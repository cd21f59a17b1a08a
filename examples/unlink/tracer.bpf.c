// SPDX-License-Identifier: GPL-2.0 OR MIT OR Apache-2.0
#include "unlink.h"

char LICENSE[] SEC("license") = "Dual MIT/GPL";

SEC("fexit")
int BPF_PROG(judged, __u64 filename, int ret)
{
	emit(filename, ret);
	return 0;
}
