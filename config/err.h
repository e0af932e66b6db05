/* SPDX-License-Identifier: MIT */
/*
 * The one error type of the program. These values say that *we* could not do
 * something; that a page failed is a fetch_outcome or a parse_outcome, never
 * an enum err. 0 is OK, so `if (e) return e;` reads well.
 */
#pragma once

#include "config/base.h"

/* name, text for people */
#define ERR_TABLE(X)                          \
    X(OK, "no error")                         \
    X(ERR_NO_MEMORY, "out of memory")         \
    X(ERR_TOO_LARGE, "over the limit")        \
    X(ERR_INVALID, "not valid")               \
    X(ERR_NOT_FOUND, "not found")             \
    X(ERR_EXISTS, "exists already")           \
    X(ERR_IO, "input/output error")           \
    X(ERR_FULL, "no room left")               \
    X(ERR_CLOSED, "closed")                   \
    X(ERR_TIMEOUT, "deadline passed")         \
    X(ERR_CANCELLED, "cancelled")             \
    X(ERR_LOCKED, "held by another process")  \
    X(ERR_USAGE, "wrong usage")               \
    X(ERR_CORRUPT, "damaged")                 \
    X(ERR_VERSION, "made by another version") \
    X(ERR_REFUSED, "refused")                 \
    X(ERR_UNSUPPORTED, "not supported here")

enum err {
#define X(name, text) name,
    ERR_TABLE(X)
#undef X
};

/*
 * Room for the sentence a person reads: which thing, where, what to do. Filled
 * where the error is met, printed where it is decided. Always NUL-terminated.
 */
struct err_note {
    char text[512];
};

/* The symbol's own name, such as "ERR_TIMEOUT". */
const char *err_name(enum err e);

/* A short lower-case phrase, such as "deadline passed". */
const char *err_text(enum err e);

/* Writes the note (cut at its size) and returns e, so that it can end a function. note may be NULL. */
enum err err_set(struct err_note *note, enum err e, const char *fmt, ...)
    PRINTF_LIKE(3, 4);

/* As err_set, with ": " and the text of errno_value at the end. */
enum err err_set_errno(struct err_note *note, enum err e, int errno_value,
                       const char *fmt, ...) PRINTF_LIKE(4, 5);
