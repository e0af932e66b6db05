/* SPDX-License-Identifier: MIT */
/*
 * The regular expressions that a user wrote (PCRE2), compiled once and matched
 * against URLs. They share the memory that a match needs, so a set belongs to
 * one thread; a match takes little of the caller's stack (a coroutine's is
 * small) and some milliseconds at most: what is not decided by then stays
 * undecided. How far it gets depends on pattern and text alone, so that the same
 * question has the same answer tomorrow. (A pattern of more than 8 KB, a list of
 * words, is bounded in how often it tries groups at each byte only.) Nothing here suspends.
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

enum patterns_answer {
    PATTERNS_NO,
    PATTERNS_YES,
    PATTERNS_UNDECIDED, /* it took too many steps, or too much memory, to tell */
};

/* Does pattern number i match somewhere in text? */
enum patterns_answer patterns_match(struct patterns *p, size_t i, struct span text);
