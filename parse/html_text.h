/* SPDX-License-Identifier: MIT */
/*
 * Text as a reader sees it: runs of white space are one space, blocks are
 * separated by one line feed, nothing at either end. Part of parse/html.h.
 */
#pragma once

#include "config/buf.h"
#include "parse/entities.h"

/* Transparent so that it can live in the scratch memory. */
struct html_text {
    struct buf buf;
    const char *readable; /* the end of what may be read where a raw text lies; NULL: only itself */
    char pending; /* separator owed before the next character: 0, ' ' or '\n' */
};

/* max is the cap on the text in bytes. Allocates nothing. */
void html_text_init(struct html_text *x, size_t max);

/* Starts over with empty text; keeps the memory. */
static inline void html_text_reset(struct html_text *x)
{
    buf_reset(&x->buf);
    x->readable = NULL;
    x->pending = 0;
}

/* All raw texts, until the next reset, are parts of this document: short ones are read faster. */
static inline void html_text_of(struct html_text *x, struct span document)
{
    x->readable = span_at(document.ptr, document.len);
}

/* Adds raw text of a token. ERR_TOO_LARGE, ERR_NO_MEMORY. */
enum err html_text_add(struct html_text *x, struct span raw, enum entities_mode mode,
                       bool is_coded) MUST_USE;

/* What comes next stands apart: sep is ' ' or '\n', and a line feed wins. */
static inline void html_text_break(struct html_text *x, char sep)
{
    if (x->pending != '\n')
        x->pending = sep;
}

/* Where the next character will be, for html_text_slice. */
static inline size_t html_text_mark(const struct html_text *x)
{
    return x->buf.len;
}

/* The text between two marks without separators at its ends; valid until the next change. */
struct span html_text_slice(const struct html_text *x, size_t from, size_t to);

/* The number of words: what the separators and no-break spaces separate. */
int64_t html_text_words(const struct html_text *x);

/*
 * No-break spaces stay in a text, but part its words: by how much the number of
 * words differs from that of what white space separates.
 */
int64_t html_text_no_breaks(struct span text);
