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

/* vsnprintf cuts at a byte: takes away a UTF-8 sequence that was cut in two. */
static void end_whole(struct err_note *note)
{
    size_t len = strlen(note->text);

    for (size_t back = 1; back <= 3 && back <= len; back++) {
        unsigned char c = (unsigned char)note->text[len - back];

        if (c < 0x80)
            return;
        if (c >= 0xc0) {
            if ((c >= 0xf0 ? 4u : c >= 0xe0 ? 3u : 2u) > back)
                note->text[len - back] = '\0';
            return;
        }
    }
}

enum err err_set(struct err_note *note, enum err e, const char *fmt, ...)
{
    va_list args;

    if (!note)
        return e;
    va_start(args, fmt);
    vsnprintf(note->text, sizeof note->text, fmt, args);
    va_end(args);
    end_whole(note);
    return e;
}

enum err err_set_errno(struct err_note *note, enum err e, int errno_value,
                       const char *fmt, ...)
{
    va_list args;
    char why[128];
    int n;

    if (!note)
        return e;
    va_start(args, fmt);
    n = vsnprintf(note->text, sizeof note->text, fmt, args);
    va_end(args);
    /* GNU strerror_r: thread-safe, and returns the text. */
    if (n >= 0 && (size_t)n < sizeof note->text)
        snprintf(note->text + n, sizeof note->text - (size_t)n, ": %s",
                 strerror_r(errno_value, why, sizeof why));
    end_whole(note);
    return e;
}
