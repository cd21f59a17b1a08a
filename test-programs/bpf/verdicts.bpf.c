// SPDX-License-Identifier: GPL-2.0 OR MIT OR Apache-2.0
// Programs that the verifier rejects, each for a reason of its own, on stubs that it takes.
#include <linux/bpf.h>
#include <bpf/bpf_helpers.h>
#include <freplace_compose.h>

char LICENSE[] SEC("license") = "GPL";

struct note {
	__u64 first;
	__u64 second;
};

FC_STUB int stub_noted(struct xdp_md *ctx, struct note *note)
{
	return fc_stub(0, ctx, note);
}

SEC("xdp")
int noting_host(struct xdp_md *ctx)
{
	struct note note = { 1, 2 };

	stub_noted(ctx, &note);
	return XDP_PASS;
}

// The address of a note may be NULL here.
SEC("freplace")
int reads_untested(struct xdp_md *ctx, struct note *note)
{
	return note->second == 2;
}

SEC("freplace")
int reads_tested(struct xdp_md *ctx, struct note *note)
{
	return note ? note->second == 2 : 0;
}

// To a tracer it is a number.
SEC("fentry")
int follows(__u64 *arguments)
{
	struct note *note = (struct note *)arguments[1];

	return note->second == 2;
}

// What it passes is a number, not the address of a note.
SEC("xdp")
int guessing_host(struct xdp_md *ctx)
{
	stub_noted(ctx, (struct note *)(long)ctx->ingress_ifindex);
	return XDP_PASS;
}

FC_STUB int stub_bounded(__u64 number)
{
	return fc_stub(0, number);
}

// Its answer has to be 0.
SEC("raw_tracepoint")
int bounded_host(struct bpf_raw_tracepoint_args *ctx)
{
	stub_bounded(ctx->args[1]);
	return 0;
}

SEC("freplace")
int answers_one(__u64 number)
{
	return 1;
}

// No process is behind a packet.
SEC("xdp")
int asks_for_the_process(struct xdp_md *ctx)
{
	return bpf_get_current_pid_tgid() ? XDP_PASS : XDP_DROP;
}

// The mistake is in a function that it calls.
static __attribute__((noinline)) int first_byte(struct xdp_md *ctx)
{
	__u8 *data = (void *)(long)ctx->data;

	return data[0];
}

SEC("xdp")
int careless_host(struct xdp_md *ctx)
{
	return first_byte(ctx) ? XDP_PASS : XDP_DROP;
}

SEC("xdp")
int endless_host(struct xdp_md *ctx)
{
	int turns = 0;

	for (;;)
		asm volatile("" : "+r"(turns));
	return turns;
}

// It asks how long the packet is, and does not heed the answer.
SEC("xdp")
int forgetful_host(struct xdp_md *ctx)
{
	__u8 *data = (void *)(long)ctx->data, *end = (void *)(long)ctx->data_end;

	if (data + 14 <= end && data[13] == 6)
		return XDP_DROP;
	return data[2] == 1 ? XDP_DROP : XDP_PASS;
}
