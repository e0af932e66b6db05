/* SPDX-License-Identifier: MIT */
#include "parse/tokenizer_script.h"

/* Is there "script" and a byte that ends a name at p? */
static bool is_script_name(const char *p, const char *end)
{
    return end - p > 6 && (span_is_space(p[6]) || p[6] == '/' || p[6] == '>') &&
           span_eq_nocase(span_make(p, 6), SPAN("script"));
}

/* The first "-->" from p on, or end. */
static const char *find_arrow(const char *p, const char *end, const char **arrow)
{
    if (!*arrow || *arrow < p) {
        const char *found = memmem(p, (size_t)(end - p), "-->", 3);
        *arrow = found ? found : end;
    }
    return *arrow;
}

const char *tokenizer_script_end(const char *p, const char *end, const char **arrow)
{
    const char *close = NULL; /* of the comment we are in: its "-->", or end */
    bool is_double = false;   /* inside a "<script" of that comment */

    for (;; p++) {
        p = memchr(p, '<', (size_t)(end - p));
        if (!p)
            return end;
        if (close && p > close) {
            close = NULL;
            is_double = false;
        }
        if (!close && end - p >= 4 && memcmp(p, "<!--", 4) == 0) {
            close = find_arrow(p + 2, end, arrow);
            continue;
        }
        if (end - p > 1 && p[1] == '/' && is_script_name(p + 2, end)) {
            if (!is_double)
                return p;
            is_double = false;
        } else if (close && is_script_name(p + 1, end)) {
            is_double = true;
        }
    }
}
