// SPDX-License-Identifier: GPL-2.0-only OR MIT OR Apache-2.0
// The replacements of chains/cpu.toml: counts in the place of samples, or the kernel's alone.
#include "cpu.h"

char LICENSE[] SEC("license") = "Dual MIT/GPL";

struct command {
	char name[16];
};

struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, 1024);
	__type(key, struct command);
	__type(value, __u64);
} cpu_samples SEC(".maps");

// One event for so many samples of a command; `globals` sets it.
const volatile __u32 every = 10;

// The event's header has the command.
SEC("freplace")
int by_command(struct sample *sample)
{
	struct command command = {};
	__u64 none = 0, *samples, count;
	struct cpu_count_event *event;

	bpf_get_current_comm(&command.name, sizeof(command.name));
	bpf_map_update_elem(&cpu_samples, &command, &none, BPF_NOEXIST);
	samples = bpf_map_lookup_elem(&cpu_samples, &command);
	if (!samples)
		return 0;
	count = __sync_fetch_and_add(samples, 1) + 1;
	if (count % every)
		return 0;
	event = fc_reserve(struct cpu_count_event);
	if (event) {
		event->samples = count;
		fc_submit(event);
	}
	return 0;
}

SEC("freplace")
int in_kernel(struct sample *sample)
{
	return sample && sample->mode == CPU_KERNEL;
}
