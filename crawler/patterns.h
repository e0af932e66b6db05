/* SPDX-License-Identifier: MIT */
/*
 * The regular expressions that a user wrote (PCRE2), compiled once and matched
 * against URLs. They share the memory that a match needs, so a set belongs to
 * one thread; a match takes little of the caller's stack (a coroutine's is
 * small) and a bounded number of steps: then nobody knows, and the caller says what counts.
 * Nothing here suspends.
 */
#pragma once

#include "config/err.h"
#include "config/span.h"

struct patterns;

/* An empty set. ERR_NO_MEMORY. */
enum err patterns_open(struct patterns **out, struct err_note *note) MUST_USE;
void patterns_close(struct patterns *p);

/*
 * Compiles one more; its number is how many there were before. ERR_USAGE: the
 * note says "WHERE 'TEXT': why at character N".
 */
enum err patterns_add(struct patterns *p, const char *text, const char *where,
                      struct err_note *note) MUST_USE;

/* Does pattern number i match somewhere in text? if_wild where it took too many steps to tell. */
bool patterns_match(const struct patterns *p, size_t i, struct span text, bool if_wild);
