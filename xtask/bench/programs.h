// SPDX-License-Identifier: MIT OR Apache-2.0
// What the programs of this folder share that look for a program in the kernel. NAME is what they call themselves.
#include <bpf/bpf.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static void die(const char *what)
{
	fprintf(stderr, NAME ": cannot %s: %s\n", what, strerror(errno));
	exit(1);
}

// The descriptor of the program called `name`.
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
