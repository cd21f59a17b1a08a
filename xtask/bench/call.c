// SPDX-License-Identifier: MIT OR Apache-2.0
// Has the kernel run a loaded program many times, and says how long one run took on average.
//
//   call NAME REPEAT
//
// Prints nanoseconds. NAME is the program's, which takes packets; there must be one of it. `getpgid`
// stands for that system call, for programs at its tracepoint.
#include <bpf/bpf.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

static void die(const char *what)
{
	fprintf(stderr, "call: cannot %s: %s\n", what, strerror(errno));
	exit(1);
}

static int find(const char *name)
{
	unsigned int id = 0;

	while (!bpf_prog_get_next_id(id, &id)) {
		struct bpf_prog_info info = { 0 };
		unsigned int size = sizeof(info);
		int fd = bpf_prog_get_fd_by_id(id);

		if (fd < 0)
			continue;
		if (!bpf_obj_get_info_by_fd(fd, &info, &size) && !strcmp(info.name, name))
			return fd;
		close(fd);
	}
	die("find the program");
	return -1;
}

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
