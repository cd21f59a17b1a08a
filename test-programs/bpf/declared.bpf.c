// SPDX-License-Identifier: GPL-2.0 OR MIT OR Apache-2.0
// A context whose struct is only declared, so that BTF has no more of it than its name.
#define SEC(name) __attribute__((section(name), used))

char LICENSE[] SEC("license") = "GPL";

struct xdp_md;

__attribute__((noinline)) int declared_stub(struct xdp_md *ctx)
{
	int answer = 2; // XDP_PASS

	asm volatile("" : "+r"(answer) : "r"(ctx));
	return answer;
}

SEC("xdp")
int declared_host(struct xdp_md *ctx)
{
	return declared_stub(ctx);
}

// Its entry alone.
SEC("xdp")
int declared_entry(struct xdp_md *ctx)
{
	return 2;
}

SEC("freplace")
int for_declared(struct xdp_md *ctx)
{
	return 2;
}
