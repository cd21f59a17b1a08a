// A host with functions of many shapes, for what a built-in tracer may be asked.
#include <linux/bpf.h>
#include <bpf/bpf_helpers.h>

char LICENSE[] SEC("license") = "GPL";

typedef __u16 port;

struct header {
	__u8 kind;
	__be16 port;
};

struct packet {
	__u32 proto;
	struct header header;
	struct packet *next;
	unsigned small : 3;
	char name[16];
};

enum verdict { ACCEPT, REJECT = -1 };

__attribute__((noinline)) enum verdict judge(struct packet *packet, __u64 length, __s8 level)
{
	enum verdict verdict = ACCEPT;

	asm volatile("" : "+r"(verdict) : "r"(packet), "r"(length), "r"(level));
	return verdict;
}

__attribute__((noinline)) int filter(struct xdp_md *ctx)
{
	int answer = XDP_PASS;

	asm volatile("" : "+r"(answer) : "r"(ctx));
	return answer;
}

SEC("xdp")
int host(struct xdp_md *ctx)
{
	struct packet packet = {};

	packet.proto = ctx->ingress_ifindex;
	return judge(&packet, ctx->data_end - ctx->data, 1) == ACCEPT ? filter(ctx) : XDP_DROP;
}
