// SPDX-License-Identifier: MIT OR Apache-2.0
// The programs of mocks.bpf.c with a mistake.
#define MUTANT 4
#include "mocks.bpf.c"
