#!/bin/sh
# Compiles the three programs, by default next to their sources: build.sh [FOLDER]
set -eu
here=$(cd "$(dirname "$0")" && pwd)
to=${1:-$here}
for name in host replacement tracer; do
	"${CLANG:-clang}" -O2 -g -Wall -target bpf -D__TARGET_ARCH_x86 \
		-I "$here/../../common/include" -I /usr/include/x86_64-linux-gnu \
		-c "$here/$name.bpf.c" -o "$to/$name.o"
done
