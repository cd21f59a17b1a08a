// SPDX-License-Identifier: GPL-2.0 OR MIT OR Apache-2.0
// Replacements and tracers with results that the kernel takes, and others that it does not.
#include "getpgid.h"

char LICENSE[] SEC("license") = "GPL";

const volatile __u32 constant = 0;

SEC("freplace")
int returns_zero(__u64 value)
{
	return 0;
}

SEC("freplace")
int returns_one(__u64 value)
{
	return 1;
}

SEC("freplace")
int returns_its_argument(__u64 value)
{
	return value;
}

SEC("freplace")
int returns_zero_or_one(__u64 value)
{
	return value > 7;
}

SEC("freplace")
int returns_zero_after_all(__u64 value)
{
	return value == 0 ? (int)value : 0;
}

// The composer leaves it 0.
SEC("freplace")
int returns_one_if_the_constant_says_so(__u64 value)
{
	if (constant)
		return 1;
	return 0;
}

SEC("fentry")
int enters_with_zero(void *ctx)
{
	return 0;
}

SEC("fentry")
int enters_with_one(void *ctx)
{
	return 1;
}

SEC("fexit")
int leaves_with_a_random_number(void *ctx)
{
	return bpf_get_prandom_u32();
}

SEC("fexit")
int leaves_with_zero(void *ctx)
{
	return 0;
}
