/* SPDX-License-Identifier: MIT */
/*
 * HTML tokens after the WHATWG standard (§13.2.5), straight from one whole
 * UTF-8 buffer: no tree, no allocation, no copying. Tokens are spans of the
 * input; character references are left as written, with a flag that says
 * whether decoding would change anything (parse/entities.h does it).
 *
 * Two things the standard asks of the tree builder are kept here, because the
 * next state depends on them: which elements' content is text (scripting is
 * off, so noscript is markup), and where SVG or MathML content begins and ends.
 *
 * Every input gives tokens up to TOKEN_EOF, in time linear in its length. A tag
 * or attribute that the input ends in is dropped, as the standard says.
 */
#pragma once

#include "config/span.h"
#include "parse/entities.h"
#include "parse/tags.h"

/* Attributes beyond this many in one tag are read over. */
#define TOKENIZER_MAX_ATTRS   400

#define TOKENIZER_MAX_FOREIGN 32

enum token_type {
    TOKEN_TEXT,
    TOKEN_START,
    TOKEN_END,
    TOKEN_COMMENT, /* bogus comments and processing instructions too */
    TOKEN_DOCTYPE,
    TOKEN_EOF,
};

struct token_attr {
    struct span name;  /* as written; compare without case */
    struct span value; /* raw: use tokenizer_attr_value or entities_decode */
    bool is_coded;     /* value has '&', or the document has NUL or CR */
};

struct token {
    uint8_t type;  /* enum token_type */
    uint8_t mode;  /* TOKEN_TEXT: enum entities_mode */
    uint8_t tag;   /* tags: enum tag */
    bool is_coded; /* TOKEN_TEXT: decoding may change it (only false is certain) */
    bool is_self_closing; /* start tags: ended in "/>" */
    bool is_foreign;      /* the element is SVG's or MathML's */
    bool is_hidden;       /* inside a style or script of SVG or MathML */
    struct span raw;      /* text, a tag's name as written, a comment's content */
    size_t n_attrs;       /* start tags; a repeated name stands here again */
    const struct token_attr *attrs;
};

/* An open element at which the kind of content changes; see parse/tokenizer_foreign.h. */
struct tokenizer_foreign {
    uint8_t tag;     /* enum tag */
    uint8_t content; /* what is inside: enum tokenizer_content */
};

/* Transparent so that it can live in a scratch block; touch only through calls. */
struct tokenizer {
    const char *at, *end;
    struct token tok;
    const char *arrow; /* a "-->" that was found ahead; see tokenizer_script_end */
    uint8_t text_tag;  /* whose end tag ends the text we are in; 0: none */
    bool is_xml;
    bool owes_end;      /* the tag just read was "<x/>", and that in XML */
    bool has_odd_bytes; /* NUL or CR somewhere in the input */
    uint8_t wants[N_TAGS]; /* what is told of an element: its tags, their attributes */
    uint8_t n_foreign;
    struct tokenizer_foreign foreign[TOKENIZER_MAX_FOREIGN];
    uint16_t n_open[N_TAGS];         /* HTML elements begun and not ended */
    uint16_t n_foreign_open[N_TAGS]; /* the same inside the outermost svg or math */
    struct token_attr attrs[TOKENIZER_MAX_ATTRS];
};

/*
 * Starts over on a new input, which must stay until the last token is done
 * with. is_xml reads XHTML: "<script/>" is a start tag and an end tag, and CDATA
 * sections are text everywhere. wants_attrs, indexed by enum tag, names the elements whose
 * attributes are recorded; NULL records all.
 */
void tokenizer_init(struct tokenizer *t, struct span utf8, bool is_xml,
                    const bool *wants_attrs);

/*
 * From now on only tags of these elements, by enum tag, and of those whose attributes are
 * recorded are told of; all others are read over.
 */
void tokenizer_tell_only(struct tokenizer *t, const bool *wants_tags);

/* The next token, valid until the next call; TOKEN_EOF again and again at the end. */
const struct token *tokenizer_next(struct tokenizer *t);

/* The first attribute of this lower-case name, the one that counts (§13.2.5.33), or NULL. */
const struct token_attr *tokenizer_attr(const struct token *tok,
                                        struct span lower_name);
