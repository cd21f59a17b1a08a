// SPDX-License-Identifier: MIT OR Apache-2.0
// Runs a command and says how much memory it held at most, in KiB. In C because the figure counts
// what the parent held before exec(2) as well: it has to be less than the command itself.
#include <stdio.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

int main(int count, char **words)
{
	struct rusage usage;
	int status;
	pid_t child;

	if (count < 2)
		return 2;
	child = fork();
	if (child == 0) {
		execvp(words[1], words + 1);
		_exit(127);
	}
	if (child < 0 || wait4(child, &status, 0, &usage) != child || status != 0)
		return 1;
	fprintf(stderr, "%ld\n", usage.ru_maxrss);
	return 0;
}
