// SPDX-License-Identifier: GPL-2.0 OR MIT OR Apache-2.0
// An object without any program.
__attribute__((noinline)) int library_function(int number)
{
	return number + 1;
}
