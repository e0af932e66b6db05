/* SPDX-License-Identifier: MIT */
/*
 * Extraction rules on their way to a parser process: sections written one
 * behind the other as bytes (struct job, field rules), so that the parent puts
 * together what a page asks for by joining pieces it wrote once.
 *
 *   section   name, u32 number of values, then for each: u8 type, name, XPath
 *
 * Texts are length-prefixed (parse/wire_io.h). The reader believes nothing: it
 * holds every length, count and type against its limit. Pure.
 */
#pragma once

#include "config/arena.h"
#include "config/buf.h"
#include "parse/tree.h"

#define RULES_MAX_SECTIONS    64
#define RULES_MAX_VALUES      256
#define RULES_MAX_NAME_BYTES  ((size_t)256)
#define RULES_MAX_XPATH_BYTES ((size_t)4096)

/* Appends one section. ERR_TOO_LARGE: over a limit above, or over out's cap; ERR_NO_MEMORY. */
enum err rules_write(const struct tree_section *section, struct buf *out) MUST_USE;

/*
 * Reads what rules_write wrote, any number of times. *out lies in mem, its
 * texts are views of rules. ERR_CORRUPT, ERR_TOO_LARGE (over a limit, or mem is full).
 */
enum err rules_read(struct span rules, struct arena *mem, struct tree_section **out,
                    size_t *out_n) MUST_USE;
