// SPDX-License-Identifier: GPL-2.0 OR MIT OR Apache-2.0
// Global variables of every kind that a chain may set, and programs that print them. Two functions
// have a static variable of one name, as two files of a linked object may.
#include <linux/bpf.h>
#include <stdbool.h>
#include <bpf/bpf_helpers.h>

char LICENSE[] SEC("license") = "GPL";

enum mode { MODE_OFF, MODE_ON = 7 };

struct settings {
	__u16 port : 4;
	__u16 rest : 12;
	bool on;
	char name[8];
	union {
		__u32 word;
		__u8 bytes[4];
	};
	struct {
		__s16 low;
		__u64 high;
	} range[2];
};

const volatile int limit = 5;
static const volatile __u64 big = 0;
volatile enum mode mode = MODE_ON;
static volatile struct settings conf = { .port = 3, .on = true, .name = "abc" };
__u32 table[4];
static __u64 hits SEC(".data.mine") = 4;
void *pointer;

SEC("tracepoint/syscalls/sys_enter_getpgid")
int shows(void *ctx)
{
	static volatile int count;

	count++;
	hits++;
	bpf_printk("limit %d big %llx mode %d", limit, big, mode);
	bpf_printk("port %d on %d word %x", conf.port, conf.on, conf.word);
	char name[8];
	for (int i = 0; i < 8; i++)
		name[i] = conf.name[i];
	bpf_printk("name %s low %d high %llx", name, conf.range[1].low, conf.range[1].high);
	bpf_printk("table %x %x hits %llu", table[0], table[3], hits);
	return pointer != 0;
}

SEC("tracepoint/syscalls/sys_enter_getpgid")
int counts(void *ctx)
{
	static volatile int count = 3;

	count++;
	return 0;
}
