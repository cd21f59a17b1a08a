// SPDX-License-Identifier: MIT OR Apache-2.0
// The programs that tests on a kernel mock, for what is wrong with tests of them.
#include "../../../test-programs/bpf/mocks.bpf.c"
