// SPDX-License-Identifier: GPL-2.0 OR MIT OR Apache-2.0
// Programs that XDP redirects to, their maps, and an iterator over a map.
#include <linux/bpf.h>
#include <bpf/bpf_helpers.h>

char LICENSE[] SEC("license") = "GPL";

#define REDIRECTS(name, map_type, map_value) \
	struct { \
		__uint(type, BPF_MAP_TYPE_##map_type); \
		__uint(max_entries, 4); \
		__type(key, __u32); \
		__type(value, map_value); \
	} name SEC(".maps");

REDIRECTS(ports, DEVMAP, struct bpf_devmap_val)
REDIRECTS(by_number, DEVMAP_HASH, struct bpf_devmap_val)
REDIRECTS(plain_ports, DEVMAP, __u32)
REDIRECTS(cpus, CPUMAP, struct bpf_cpumap_val)
REDIRECTS(counters, ARRAY, __u64)

SEC("xdp") int receive(struct xdp_md *ctx)
{
	return bpf_redirect_map(&ports, 0, XDP_PASS);
}

SEC("xdp/devmap") int send(struct xdp_md *ctx) { return XDP_PASS; }
SEC("xdp/cpumap") int work(struct xdp_md *ctx) { return XDP_PASS; }
SEC("iter") int elements(void *ctx) { return 0; }
