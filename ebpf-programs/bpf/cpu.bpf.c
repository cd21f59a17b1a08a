// SPDX-License-Identifier: GPL-2.0-only OR MIT OR Apache-2.0
// The host of chains/cpu.toml: a stub says which of the samples of a profile are shown.
#include "cpu.h"

char LICENSE[] SEC("license") = "Dual MIT/GPL";

FC_STUB int stub_sample(struct sample *sample)
{
	return fc_stub(1, sample);
}

SEC("perf_event")
int on_sample(struct bpf_perf_event_data *ctx)
{
	__u64 outer = fc_enter();
	struct sample sample = { .address = PT_REGS_IP(&ctx->regs) };

	// The kernel is in the upper half of the addresses.
	sample.mode = (__s64)sample.address < 0 ? CPU_KERNEL : CPU_USER;
	if (stub_sample(&sample)) {
		struct cpu_sample_event *event = fc_reserve(struct cpu_sample_event);

		if (event) {
			event->address = (void *)sample.address;
			event->mode = sample.mode;
			fc_submit(event);
		}
	}
	fc_leave(outer);
	return 0;
}
