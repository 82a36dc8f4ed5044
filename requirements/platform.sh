#!/bin/sh
# Refuse a system that the packages were never built for, before anything is downloaded or installed.
set -eu

# The C library's answer, not the kernel's: a 64-bit kernel may run a 32-bit system, as on Raspberry Pi OS.
bits=$(getconf LONG_BIT 2>/dev/null || echo 64)
if [ "$bits" != 64 ]; then
    echo "this is a $bits-bit system; emotion-edge needs a 64-bit one: write Raspberry Pi OS (64-bit) to the card" >&2
    exit 1
fi
