/* SPDX-License-Identifier: MIT */
#include "config/err.h"

#include <stdarg.h>
#include <string.h>

const char *err_name(enum err e)
{
    static const char *const names[] = {
#define X(name, text) #name,
        ERR_TABLE(X)
#undef X
    };
    return (size_t)e < ARRAY_LEN(names) ? names[e] : "ERR_UNKNOWN";
}

const char *err_text(enum err e)
{
    static const char *const texts[] = {
#define X(name, text) text,
        ERR_TABLE(X)
#undef X
    };
    return (size_t)e < ARRAY_LEN(texts) ? texts[e] : "unknown error";
}

enum err err_set(struct err_note *note, enum err e, const char *fmt, ...)
{
    va_list args;

    if (!note)
        return e;
    va_start(args, fmt);
    vsnprintf(note->text, sizeof note->text, fmt, args);
    va_end(args);
    return e;
}

enum err err_set_errno(struct err_note *note, enum err e, int errno_value, const char *fmt, ...)
{
    va_list args;
    char why[128];
    int n;

    if (!note)
        return e;
    va_start(args, fmt);
    n = vsnprintf(note->text, sizeof note->text, fmt, args);
    va_end(args);
    if (n < 0 || (size_t)n >= sizeof note->text)
        return e;
    /* GNU strerror_r: thread-safe, and returns the text. */
    snprintf(note->text + n, sizeof note->text - (size_t)n, ": %s",
             strerror_r(errno_value, why, sizeof why));
    return e;
}
