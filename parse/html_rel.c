/* SPDX-License-Identifier: MIT */
#include "parse/html_rel.h"

static const struct {
    struct span token;
    unsigned flag;
} known[] = {
    { { "nofollow", 8 }, HTML_REL_NOFOLLOW },
    { { "ugc", 3 }, HTML_REL_NOFOLLOW },
    { { "sponsored", 9 }, HTML_REL_NOFOLLOW },
    { { "canonical", 9 }, HTML_REL_CANONICAL },
    { { "alternate", 9 }, HTML_REL_ALTERNATE },
    { { "next", 4 }, HTML_REL_STEP },
    { { "prev", 4 }, HTML_REL_STEP },
    { { "previous", 8 }, HTML_REL_STEP },
    { { "stylesheet", 10 }, HTML_REL_STYLE },
    { { "dns-prefetch", 12 }, HTML_REL_SERVICE },
    { { "preconnect", 10 }, HTML_REL_SERVICE },
    { { "pingback", 8 }, HTML_REL_SERVICE },
};

static unsigned flag_of(struct span token)
{
    for (size_t i = 0; i < ARRAY_LEN(known); i++) {
        if (span_eq(token, known[i].token))
            return known[i].flag;
    }
    return 0;
}

enum err html_rel_read(struct span value, struct arena *mem, struct html_rel *out)
{
    char *at = arena_try_alloc(mem, MIN(value.len, (size_t)HTML_REL_MAX));
    struct html_rel rel = { { at, 0 }, 0 };
    struct span token;

    if (!at)
        return ERR_TOO_LARGE;
    while (span_token(&value, &token)) {
        if (rel.tokens.len + 1 + token.len > HTML_REL_MAX)
            break;
        if (rel.tokens.len)
            at[rel.tokens.len++] = ' ';
        char *from = at + rel.tokens.len;
        for (size_t i = 0; i < token.len; i++)
            from[i] = span_ascii_lower(token.ptr[i]);
        rel.flags |= flag_of(span_make(from, token.len));
        rel.tokens.len += token.len;
    }
    *out = rel;
    return OK;
}

enum fact_hop html_rel_hop(const struct html_rel *rel, bool has_hreflang)
{
    if (rel->flags & HTML_REL_CANONICAL)
        return FACT_HOP_CANONICAL;
    if (rel->flags & HTML_REL_STEP)
        return FACT_HOP_LINK;
    if ((rel->flags & HTML_REL_ALTERNATE) && has_hreflang &&
        !(rel->flags & HTML_REL_STYLE))
        return FACT_HOP_LINK;
    if (rel->tokens.len == 0 || (rel->flags & HTML_REL_SERVICE))
        return FACT_HOP_NONE;
    return FACT_HOP_EMBED;
}
