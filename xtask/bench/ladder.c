// SPDX-License-Identifier: MIT OR Apache-2.0
// What somebody would write by hand with libbpf to bring up one rung of `cargo xtask bench hosts`.
//
//   ladder ladder.o KIND HOST REPLACEMENT TRACER...
//
// KIND is what the programs' names begin with; HOST is the program that is attached. REPLACEMENT is
// the program that takes the place of KIND_stub; each TRACER is on it. Says `attached` once all of
// them are, and ends at SIGINT; the kernel undoes it all with that.
#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <errno.h>
#include <fcntl.h>
#include <net/if.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static void die(const char *what, const char *name)
{
	fprintf(stderr, "ladder: cannot %s %s: %s\n", what, name, strerror(errno));
	exit(1);
}

static int quiet(enum libbpf_print_level level, const char *format, va_list arguments)
{
	return level == LIBBPF_WARN ? vfprintf(stderr, format, arguments) : 0;
}

// The program `name` alone, for `function` of `target`, if any.
static struct bpf_program *load(const char *path, const char *name, struct bpf_program *target,
				const char *function)
{
	struct bpf_object *object = bpf_object__open(path);
	struct bpf_program *program, *found = NULL;
	struct bpf_map *map;

	if (!object)
		die("open", path);
	bpf_object__for_each_program(program, object) {
		if (strcmp(bpf_program__name(program), name))
			bpf_program__set_autoload(program, false);
		else
			found = program;
	}
	if (!found)
		die("find", name);
	bpf_object__for_each_map(map, object)
		bpf_map__set_autocreate(map, bpf_map__is_internal(map));
	if (target && bpf_program__set_attach_target(found, bpf_program__fd(target), function))
		die("aim", name);
	if (bpf_object__load(object))
		die("load", name);
	return found;
}

static void attach_host(struct bpf_program *host, const char *kind)
{
	struct bpf_link *link;

	if (!strcmp(kind, "tcx")) {
		// As a number: older headers do not name it, and libbpf has no function for it.
		const int ingress = 46;
		int fd = bpf_program__fd(host);

		if (bpf_link_create(fd, if_nametoindex("lo"), ingress, NULL) < 0)
			die("attach", kind);
		return;
	}
	if (!strcmp(kind, "xdp"))
		link = bpf_program__attach_xdp(host, if_nametoindex("lo"));
	else if (!strcmp(kind, "skb"))
		link = bpf_program__attach_cgroup(host, open("/sys/fs/cgroup", O_RDONLY));
	else
		link = bpf_program__attach(host);
	if (!link)
		die("attach", kind);
}

int main(int words, char **word)
{
	struct bpf_program *host, *replacement = NULL;
	char stub[32];
	sigset_t end;
	int signal;

	if (words < 4)
		return 2;
	sigemptyset(&end);
	sigaddset(&end, SIGINT);
	sigprocmask(SIG_BLOCK, &end, NULL);
	libbpf_set_print(quiet);
	snprintf(stub, sizeof(stub), "%s_stub", word[2]);
	host = load(word[1], word[3], NULL, NULL);
	if (words > 4) {
		replacement = load(word[1], word[4], host, stub);
		if (!bpf_program__attach(replacement))
			die("attach", word[4]);
	}
	for (int number = 5; number < words; number++)
		if (!bpf_program__attach(load(word[1], word[number], replacement, word[4])))
			die("attach", word[number]);
	attach_host(host, word[2]);
	fprintf(stderr, "attached\n");
	sigwait(&end, &signal);
	return 0;
}
