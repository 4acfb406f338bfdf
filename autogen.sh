#!/bin/sh
# autogen.sh - make ./configure from configure.ac; needs autoconf, automake, libtool.
# SPDX-License-Identifier: MIT
set -e
cd "$(dirname "$0")"
mkdir -p build-aux/m4
exec autoreconf --force --install
