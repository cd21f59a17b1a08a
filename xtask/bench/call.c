// SPDX-License-Identifier: MIT OR Apache-2.0
// Has the kernel run a loaded program many times, and says how long one run took on average.
//
//   call NAME REPEAT
//
// Prints nanoseconds. NAME is the program's, which takes packets; there must be one of it. `getpgid`
// stands for that system call, for programs at its tracepoint.
#define NAME "call"
#include "programs.h"
#include <time.h>

static double now(void)
{
	struct timespec time;

	clock_gettime(CLOCK_MONOTONIC, &time);
	return time.tv_sec * 1e9 + time.tv_nsec;
}

/* No process has this number: test-programs/bpf/getpgid.h. */
static double getpgid_took(int repeat)
{
	double begun = now();

	for (int count = 0; count < repeat; count++)
		getpgid(0x46430001);
	return (now() - begun) / repeat;
}

int main(int words, char **word)
{
	static char packet[64];
	LIBBPF_OPTS(bpf_test_run_opts, options, .data_in = packet, .data_size_in = sizeof(packet));

	if (words != 3)
		return 2;
	options.repeat = atoi(word[2]);
	if (!strcmp(word[1], "getpgid")) {
		printf("%.0f\n", getpgid_took(options.repeat));
		return 0;
	}
	if (bpf_prog_test_run_opts(find(word[1]), &options))
		die("run the program");
	printf("%u\n", options.duration);
	return 0;
}
