/* SPDX-License-Identifier: MIT */
#include "parse/tokenizer_foreign.h"

/* Back to the nearest place where HTML rules hold. */
static void break_out(struct tokenizer *t)
{
    while (tokenizer_foreign_content(t) != TOKENIZER_HTML)
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

static bool is_html_annotation(const struct tokenizer *t)
{
    const struct token_attr *encoding = tokenizer_attr(&t->tok, SPAN("encoding"));

    return encoding && (span_eq_nocase(encoding->value, SPAN("text/html")) ||
                        span_eq_nocase(encoding->value, SPAN("application/xhtml+xml")));
}

/* What the content of this start tag is, when it stands in content of another kind. */
static enum tokenizer_content content_of(const struct tokenizer *t, enum tag tag)
{
    enum tokenizer_content around = tokenizer_foreign_content(t);
    bool is_svg_point = tag == TAG_FOREIGNOBJECT || tag == TAG_DESC || tag == TAG_TITLE;

    if (around == TOKENIZER_HTML)
        return tag == TAG_SVG ? TOKENIZER_SVG : TOKENIZER_MATH;
    if (around == TOKENIZER_SVG)
        return is_svg_point ? TOKENIZER_HTML : TOKENIZER_SVG;
    if (tag == TAG_ANNOTATION_XML)
        return is_html_annotation(t) ? TOKENIZER_HTML : TOKENIZER_MATH;
    if (tag == TAG_SVG && t->foreign[t->n_foreign - 1].tag == TAG_ANNOTATION_XML)
        return TOKENIZER_SVG;
    bool is_text_point = (tags_flags(tag) & TAGS_INTEGRATION) && !is_svg_point;
    return is_text_point ? TOKENIZER_HTML : TOKENIZER_MATH;
}

static void push(struct tokenizer *t, enum tag tag)
{
    if (t->n_foreign == TOKENIZER_MAX_FOREIGN)
        return;
    enum tokenizer_content inside = content_of(t, tag);
    t->foreign[t->n_foreign].tag = (uint8_t)tag;
    t->foreign[t->n_foreign].content = (uint8_t)inside;
    t->n_foreign++;
}

/* Is it an element whose end must be known? */
static bool is_followed(enum tag tag)
{
    return (tags_flags(tag) & (TAGS_ROOT | TAGS_INTEGRATION)) || tag == TAG_STYLE ||
           tag == TAG_SCRIPT;
}

static bool track_start(struct tokenizer *t, enum tag tag)
{
    bool is_root = tags_flags(tag) & TAGS_ROOT;

    if (tokenizer_foreign_content(t) == TOKENIZER_HTML && !is_root) {
        if (t->n_open[tag] < UINT16_MAX && !(tags_flags(tag) & TAGS_VOID))
            t->n_open[tag]++;
        return false;
    }
    if (!is_root && is_breakout(t, tag)) {
        break_out(t);
        return track_start(t, tag);
    }
    if (t->tok.is_self_closing)
        return true;
    if (t->n_foreign == 0)
        memset(t->n_foreign_open, 0, sizeof t->n_foreign_open);
    if (t->n_foreign_open[tag] < UINT16_MAX)
        t->n_foreign_open[tag]++;
    if (is_followed(tag))
        push(t, tag);
    return true;
}

static bool end_html(struct tokenizer *t, enum tag tag)
{
    if (t->n_open[tag])
        t->n_open[tag]--;
    return false;
}

/* An end tag while an svg or math is open. */
static bool track_end(struct tokenizer *t, enum tag tag)
{
    for (size_t i = t->n_foreign; i-- > 0;) {
        if (t->foreign[i].tag == tag) {
            t->n_foreign = (uint8_t)i;
            return true;
        }
    }
    if (tokenizer_foreign_content(t) == TOKENIZER_HTML)
        return end_html(t, tag);
    if (tag != TAG_P && tag != TAG_BR) {
        if (t->n_foreign_open[tag])
            t->n_foreign_open[tag]--;
        else if (t->n_open[tag])
            t->n_foreign = 0;
        if (t->n_foreign)
            return true;
    }
    break_out(t);
    return end_html(t, tag);
}

static bool is_hidden(const struct tokenizer *t)
{
    for (size_t i = 0; i < t->n_foreign; i++) {
        if (t->foreign[i].tag == TAG_STYLE || t->foreign[i].tag == TAG_SCRIPT)
            return true;
    }
    return false;
}

void tokenizer_foreign_track_any(struct tokenizer *t)
{
    enum tag tag = (enum tag)t->tok.tag;

    if (t->tok.type == TOKEN_START)
        t->tok.is_foreign = track_start(t, tag);
    else
        t->tok.is_foreign = t->n_foreign ? track_end(t, tag) : end_html(t, tag);
    t->tok.is_hidden = is_hidden(t);
}
