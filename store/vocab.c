/* SPDX-License-Identifier: MIT */
#include "store/vocab.h"

const char *vocab_state(enum url_state s)
{
    static const char *const words[] = {
#define X(name, text) text,
        URL_STATE_TABLE(X)
#undef X
    };
    return (size_t)s < ARRAY_LEN(words) ? words[s] : "?";
}

const char *vocab_reason(enum url_reason r)
{
    static const char *const words[] = {
#define X(name, text) text,
        URL_REASON_TABLE(X)
#undef X
    };
    return (size_t)r < ARRAY_LEN(words) ? words[r] : "?";
}
