// SPDX-License-Identifier: GPL-2.0 OR MIT OR Apache-2.0
// An event with everything that an author may put into one.
#include "getpgid.h"

char LICENSE[] SEC("license") = "Dual MIT/GPL";

#define bswap16 __builtin_bswap16
#define bswap32 __builtin_bswap32

enum color { COLOR_NONE, COLOR_RED, COLOR_BLUE = 0x7fffffff };
enum level { LEVEL_LOW = -5, LEVEL_HIGH = 5 };
typedef fc_ipv4_t address_t;

struct inner {
	__u8 kind;
	fc_port_t port;
	struct {
		char text[4];
	} deeper;
};

union number {
	__u32 whole;
	__u8 bytes[4];
};

struct everything {
	fc_ipv4_t ipv4;
	fc_ipv6_t ipv6;
	fc_ip_t ip_four, ip_six;
	fc_port_t port;
	fc_mac_t mac;
	fc_ns_t took;
	fc_errno_t error, no_error;
	fc_endpoint_t endpoint;
	fc_flow_t flow;
	__be16 be16;
	__be32 be32;
	address_t alias;
	const volatile fc_port_t qualified;

	__u8 u8;
	__s8 s8;
	__u16 u16;
	__s16 s16;
	__u32 u32;
	__s32 s32;
	__u64 u64;
	__s64 s64;
	_Bool yes, no;

	char text[8], full[4], control[8];
	enum color red, unknown;
	enum level low;
	struct inner inner, pair[2];
	__u16 numbers[3];
	__u8 matrix[2][2];
	char names[2][4];
	void *pointer;
	union number number;
	struct {
		__u32 unnamed_first;
		union {
			__u32 unnamed_second;
		};
	};
	enum color ret;
};

static __always_inline void loopback4(fc_ip_t *ip)
{
	fc_ip_from_v4(ip, bswap32(0x7f000001));
}

static __always_inline void documentation6(__u8 *octets)
{
	octets[0] = 0x20;
	octets[1] = 0x01;
	octets[2] = 0x0d;
	octets[3] = 0xb8;
	octets[15] = 1;
}

static __always_inline void fill(struct everything *event)
{
	event->ipv4 = bswap32(0x0a00020f);
	documentation6(event->ipv6.octets);
	loopback4(&event->ip_four);
	documentation6(event->ip_six.octets);
	event->port = bswap16(443);
	event->mac.octets[0] = 2;
	event->mac.octets[5] = 0xfe;
	event->took = 11900;
	event->error = -13;
	loopback4(&event->endpoint.addr);
	event->endpoint.port = bswap16(80);
	loopback4(&event->flow.source.addr);
	event->flow.source.port = bswap16(1);
	documentation6(event->flow.destination.addr.octets);
	event->flow.destination.port = bswap16(2);
	event->be16 = bswap16(0x1234);
	event->be32 = bswap32(0x12345678);
	event->alias = bswap32(0x01020304);
	*(fc_port_t *)&event->qualified = bswap16(8080);

	event->u8 = 255;
	event->s8 = -1;
	event->u16 = 65535;
	event->s16 = -2;
	event->u32 = 4294967295;
	event->s32 = -3;
	event->u64 = ~0ULL;
	event->s64 = 1LL << 63;
	event->yes = 1;

	__builtin_memcpy(event->text, "hi\0rest", 8);
	__builtin_memcpy(event->full, "full", 4);
	__builtin_memcpy(event->control, "a\"\\\n\xff", 6);
	event->red = COLOR_RED;
	event->unknown = 99;
	event->low = LEVEL_LOW;
	event->inner.kind = 3;
	event->inner.port = bswap16(53);
	__builtin_memcpy(event->inner.deeper.text, "abc", 4);
	event->pair[1].kind = 4;
	event->numbers[0] = 1;
	event->numbers[2] = 3;
	event->matrix[0][1] = 1;
	event->matrix[1][0] = 2;
	__builtin_memcpy(event->names, "one\0two", 8);
	event->pointer = (void *)0xffff800012345678;
	event->number.whole = 0x01020304;
	event->unnamed_first = 21;
	event->unnamed_second = 22;
	event->ret = COLOR_BLUE;
}

SEC("tracepoint/syscalls/sys_enter_getpgid")
int emit_everything(struct getpgid_entry *ctx)
{
	struct everything *event;

	if (getpgid_value(ctx->pid) == GETPGID_NONE)
		return 0;
	event = fc_reserve(struct everything);
	if (!event)
		return 0;
	__builtin_memset(event, 0, sizeof(*event));
	fill(event);
	fc_submit(event);
	return 0;
}
