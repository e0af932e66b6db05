/* SPDX-License-Identifier: MIT */
/*
 * How much room text takes on a terminal: columns, after Unicode's East Asian
 * Width (wide and full-width characters take two, combining marks none).
 * Broken UTF-8 takes a column a byte. Nothing here allocates.
 */
#pragma once

#include "config/span.h"

int width_of_character(uint32_t code_point);
int width_of(struct span s);

/* How many bytes at the start of s take at most columns; never a part of a character. */
size_t width_prefix(struct span s, int columns);
/* The same from the end: bytes. A mark stays with what it belongs to. */
size_t width_suffix(struct span s, int columns);
