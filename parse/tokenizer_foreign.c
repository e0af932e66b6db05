/* SPDX-License-Identifier: MIT */
#include "parse/tokenizer_foreign.h"

static enum tag top(const struct tokenizer *t)
{
    return t->n_foreign ? (enum tag)t->foreign[t->n_foreign - 1] : TAG_OTHER;
}

bool tokenizer_foreign_is_open(const struct tokenizer *t)
{
    return tags_flags(top(t)) & TAGS_ROOT;
}

/* Back to the nearest place where HTML rules hold. */
static void break_out(struct tokenizer *t)
{
    while (tokenizer_foreign_is_open(t))
        t->n_foreign--;
}

static bool has_attr(const struct tokenizer *t, struct span name)
{
    return tokenizer_attr(&t->tok, name) != NULL;
}

static bool is_breakout(const struct tokenizer *t, enum tag tag)
{
    if (tag == TAG_FONT)
        return has_attr(t, SPAN("color")) || has_attr(t, SPAN("face")) ||
               has_attr(t, SPAN("size"));
    return tags_flags(tag) & TAGS_BREAKOUT;
}

/* "HTML integration point" and "MathML text integration point". */
static bool is_integration(const struct tokenizer *t, enum tag tag)
{
    bool is_svg = tag == TAG_FOREIGNOBJECT || tag == TAG_DESC || tag == TAG_TITLE;

    if (!(tags_flags(tag) & TAGS_INTEGRATION) || is_svg != (top(t) == TAG_SVG))
        return false;
    if (tag != TAG_ANNOTATION_XML)
        return true;
    const struct token_attr *encoding = tokenizer_attr(&t->tok, SPAN("encoding"));
    return encoding && (span_eq_nocase(encoding->value, SPAN("text/html")) ||
                        span_eq_nocase(encoding->value, SPAN("application/xhtml+xml")));
}

static bool track_start(struct tokenizer *t, enum tag tag)
{
    bool is_root = tags_flags(tag) & TAGS_ROOT;

    if (tokenizer_foreign_is_open(t)) {
        if (is_breakout(t, tag)) {
            break_out(t);
            return false;
        }
    } else if (!is_root) {
        return false;
    }
    if (!t->tok.is_self_closing && (is_root || is_integration(t, tag)) &&
        t->n_foreign < TOKENIZER_MAX_FOREIGN)
        t->foreign[t->n_foreign++] = (uint8_t)tag;
    return true;
}

/*
 * p and br end foreign content by the standard; other blocks cannot be open
 * inside it, so one that ends is most likely around it.
 */
static bool ends_ancestor(enum tag tag)
{
    unsigned flags = tags_flags(tag);

    return (flags & TAGS_OUTER) || ((flags & TAGS_BREAKOUT) && (flags & TAGS_BLOCK));
}

static bool track_end(struct tokenizer *t, enum tag tag)
{
    bool was_open = tokenizer_foreign_is_open(t);

    for (size_t i = t->n_foreign; i-- > 0;) {
        if (t->foreign[i] == tag && tag != TAG_OTHER) {
            t->n_foreign = (uint8_t)i;
            return true;
        }
    }
    if (was_open && ends_ancestor(tag)) {
        break_out(t);
        return false;
    }
    return was_open;
}

bool tokenizer_foreign_track(struct tokenizer *t)
{
    enum tag tag = (enum tag)t->tok.tag;

    return t->tok.type == TOKEN_START ? track_start(t, tag) : track_end(t, tag);
}
