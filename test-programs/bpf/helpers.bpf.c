// SPDX-License-Identifier: GPL-2.0 OR MIT OR Apache-2.0
// Calls of helpers, in an object with the licence "GPL".
#include "helpers.h"

char LICENSE[] SEC("license") = "GPL";
