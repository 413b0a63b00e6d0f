#!/bin/sh
# Span against work of the paper's searches, with and without training ahead, by simulation. See bench/span.c.
: "${BUILD:=build}"
make --no-print-directory "BUILD=$BUILD" "$BUILD/bench/span" >&2 && exec "$BUILD/bench/span"
