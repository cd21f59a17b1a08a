// SPDX-License-Identifier: GPL-2.0 OR MIT OR Apache-2.0
// The same object that the fixtures have.
#include "../../composer/tests/objects/void-stub.bpf.c"
