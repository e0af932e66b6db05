/* SPDX-License-Identifier: MIT */
/*
 * Texts turned into JSON values: strings, numbers as people write them, dates.
 * Part of parse/tree.h.
 */
#pragma once

#include "config/buf.h"

/* Longer values are cut, on a character's edge. */
#define TREE_VALUE_MAX ((size_t)64 * 1024)

/* Appends text as a JSON string. ERR_TOO_LARGE, ERR_NO_MEMORY. */
enum err tree_value_string(struct span text, struct buf *out) MUST_USE;

/* As tree_value_string, cut, and with white space collapsed. */
enum err tree_value_text(struct span text, struct buf *out) MUST_USE;

/*
 * Appends the first number in text, or null. Digits may be grouped by spaces,
 * apostrophes, points or commas; of points and commas the last one sets off the
 * decimals, unless it repeats or is a comma before exactly three digits.
 */
enum err tree_value_number(struct span text, struct buf *out) MUST_USE;

/* Appends the date in RFC 3339 as a string, or null. */
enum err tree_value_date(struct span text, struct buf *out) MUST_USE;
