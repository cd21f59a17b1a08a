#!/bin/sh
# Compiles the tool, by default next to its source: build.sh [FOLDER]
set -eu
here=$(cd "$(dirname "$0")" && pwd)
"${CLANG:-clang}" -O2 -g -Wall -target bpf -D__TARGET_ARCH_x86 -I /usr/include/x86_64-linux-gnu \
	-c "$here/tool.bpf.c" -o "${1:-$here}/tool.o"
