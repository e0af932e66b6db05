/* SPDX-License-Identifier: MIT */
/*
 * The element names that mean something to us, as small numbers, and what each
 * means: does it separate text, is it void, does its content follow another
 * tokenizer state, does it end a stretch of SVG or MathML (HTML standard §13.2
 * and §15.3). Names that nobody asks about are TAG_OTHER.
 *
 * The lookup is a perfect hash over parse/tags.inc, made from this table by
 * parse/tables/make_tags.py; tests/parse/test_tokenizer.c checks every name.
 */
#pragma once

#include "config/span.h"

#define TAGS_BLOCK       0x001 /* its edges end a line of visible text */
#define TAGS_CELL        0x002 /* its edges are a space in visible text */
#define TAGS_VOID        0x004 /* has no content and no end tag (§13.1.2) */
#define TAGS_RAWTEXT     0x008 /* content: RAWTEXT state */
#define TAGS_RCDATA      0x010 /* content: RCDATA state */
#define TAGS_BREAKOUT    0x020 /* ends SVG or MathML content (§13.2.6.5) */
#define TAGS_ROOT        0x040 /* svg, math: begins foreign content */
#define TAGS_INTEGRATION 0x080 /* HTML again inside foreign content */
#define TAGS_CLOSES_P    0x100 /* its start tag ends an open p (§13.2.6.4.7) */
#define TAGS_HEAD        0x200 /* may stand in head */
#define TAGS_SCOPE       0x400 /* stops the search for an element in scope (§13.2.4.2) */
#define TAGS_OUTER       0x800 /* its end tag ends foreign content that was left open */
#define TAGS_FORMAT      0x1000 /* a formatting element (§13.2.4.3) */

/* id, name, flags */
#define TAGS_TABLE(X)                                                              \
    X(TAG_OTHER, "", 0)                                                            \
    X(TAG_A, "a", TAGS_FORMAT)                                                     \
    X(TAG_ADDRESS, "address", TAGS_BLOCK | TAGS_CLOSES_P | TAGS_OUTER)             \
    X(TAG_ANNOTATION_XML, "annotation-xml", TAGS_INTEGRATION)                      \
    X(TAG_APPLET, "applet", TAGS_SCOPE)                                            \
    X(TAG_AREA, "area", TAGS_VOID)                                                 \
    X(TAG_ARTICLE, "article", TAGS_BLOCK | TAGS_CLOSES_P | TAGS_OUTER)             \
    X(TAG_ASIDE, "aside", TAGS_BLOCK | TAGS_CLOSES_P | TAGS_OUTER)                 \
    X(TAG_AUDIO, "audio", 0)                                                       \
    X(TAG_B, "b", TAGS_BREAKOUT | TAGS_FORMAT)                                     \
    X(TAG_BASE, "base", TAGS_VOID | TAGS_HEAD)                                     \
    X(TAG_BASEFONT, "basefont", TAGS_VOID | TAGS_HEAD)                             \
    X(TAG_BGSOUND, "bgsound", TAGS_VOID | TAGS_HEAD)                               \
    X(TAG_BIG, "big", TAGS_BREAKOUT | TAGS_FORMAT)                                 \
    X(TAG_BLOCKQUOTE, "blockquote", TAGS_BLOCK | TAGS_BREAKOUT | TAGS_CLOSES_P)    \
    X(TAG_BODY, "body", TAGS_BLOCK | TAGS_BREAKOUT)                                \
    X(TAG_BR, "br", TAGS_BLOCK | TAGS_VOID | TAGS_BREAKOUT)                        \
    X(TAG_BUTTON, "button", TAGS_CELL | TAGS_OUTER)                                \
    X(TAG_CAPTION, "caption", TAGS_BLOCK | TAGS_SCOPE | TAGS_OUTER)                \
    X(TAG_CENTER, "center", TAGS_BLOCK | TAGS_BREAKOUT | TAGS_CLOSES_P)            \
    X(TAG_CODE, "code", TAGS_BREAKOUT | TAGS_FORMAT)                               \
    X(TAG_COL, "col", TAGS_VOID)                                                   \
    X(TAG_COLGROUP, "colgroup", 0)                                                 \
    X(TAG_DD, "dd", TAGS_BLOCK | TAGS_BREAKOUT | TAGS_CLOSES_P)                    \
    X(TAG_DEL, "del", 0)                                                           \
    X(TAG_DESC, "desc", TAGS_INTEGRATION)                                          \
    X(TAG_DETAILS, "details", TAGS_BLOCK | TAGS_CLOSES_P | TAGS_OUTER)             \
    X(TAG_DIALOG, "dialog", TAGS_BLOCK | TAGS_CLOSES_P | TAGS_OUTER)               \
    X(TAG_DIR, "dir", TAGS_BLOCK | TAGS_CLOSES_P | TAGS_OUTER)                     \
    X(TAG_DIV, "div", TAGS_BLOCK | TAGS_BREAKOUT | TAGS_CLOSES_P)                  \
    X(TAG_DL, "dl", TAGS_BLOCK | TAGS_BREAKOUT | TAGS_CLOSES_P)                    \
    X(TAG_DT, "dt", TAGS_BLOCK | TAGS_BREAKOUT | TAGS_CLOSES_P)                    \
    X(TAG_EM, "em", TAGS_BREAKOUT | TAGS_FORMAT)                                   \
    X(TAG_EMBED, "embed", TAGS_VOID | TAGS_BREAKOUT)                               \
    X(TAG_FIELDSET, "fieldset", TAGS_BLOCK | TAGS_CLOSES_P | TAGS_OUTER)           \
    X(TAG_FIGCAPTION, "figcaption", TAGS_BLOCK | TAGS_CLOSES_P | TAGS_OUTER)       \
    X(TAG_FIGURE, "figure", TAGS_BLOCK | TAGS_CLOSES_P | TAGS_OUTER)               \
    X(TAG_FONT, "font", TAGS_FORMAT)                                               \
    X(TAG_FOOTER, "footer", TAGS_BLOCK | TAGS_CLOSES_P | TAGS_OUTER)               \
    X(TAG_FOREIGNOBJECT, "foreignobject", TAGS_INTEGRATION)                        \
    X(TAG_FORM, "form", TAGS_BLOCK | TAGS_CLOSES_P | TAGS_OUTER)                   \
    X(TAG_FRAME, "frame", TAGS_VOID)                                               \
    X(TAG_FRAMESET, "frameset", TAGS_BLOCK)                                        \
    X(TAG_H1, "h1", TAGS_BLOCK | TAGS_BREAKOUT | TAGS_CLOSES_P)                    \
    X(TAG_H2, "h2", TAGS_BLOCK | TAGS_BREAKOUT | TAGS_CLOSES_P)                    \
    X(TAG_H3, "h3", TAGS_BLOCK | TAGS_BREAKOUT | TAGS_CLOSES_P)                    \
    X(TAG_H4, "h4", TAGS_BLOCK | TAGS_BREAKOUT | TAGS_CLOSES_P)                    \
    X(TAG_H5, "h5", TAGS_BLOCK | TAGS_BREAKOUT | TAGS_CLOSES_P)                    \
    X(TAG_H6, "h6", TAGS_BLOCK | TAGS_BREAKOUT | TAGS_CLOSES_P)                    \
    X(TAG_HEAD, "head", TAGS_BREAKOUT)                                             \
    X(TAG_HEADER, "header", TAGS_BLOCK | TAGS_CLOSES_P | TAGS_OUTER)               \
    X(TAG_HGROUP, "hgroup", TAGS_BLOCK | TAGS_CLOSES_P | TAGS_OUTER)               \
    X(TAG_HR, "hr", TAGS_BLOCK | TAGS_VOID | TAGS_BREAKOUT | TAGS_CLOSES_P)        \
    X(TAG_HTML, "html", TAGS_SCOPE | TAGS_OUTER)                                   \
    X(TAG_I, "i", TAGS_BREAKOUT | TAGS_FORMAT)                                     \
    X(TAG_IFRAME, "iframe", TAGS_RAWTEXT)                                          \
    X(TAG_IMAGE, "image", 0)                                                       \
    X(TAG_IMG, "img", TAGS_VOID | TAGS_BREAKOUT)                                   \
    X(TAG_INPUT, "input", TAGS_VOID | TAGS_CELL)                                   \
    X(TAG_INS, "ins", 0)                                                           \
    X(TAG_KEYGEN, "keygen", TAGS_VOID)                                             \
    X(TAG_LEGEND, "legend", TAGS_BLOCK)                                            \
    X(TAG_LI, "li", TAGS_BLOCK | TAGS_BREAKOUT | TAGS_CLOSES_P)                    \
    X(TAG_LINK, "link", TAGS_VOID | TAGS_HEAD)                                     \
    X(TAG_LISTING, "listing", TAGS_BLOCK | TAGS_BREAKOUT | TAGS_CLOSES_P)          \
    X(TAG_MAIN, "main", TAGS_BLOCK | TAGS_CLOSES_P | TAGS_OUTER)                   \
    X(TAG_MARQUEE, "marquee", TAGS_SCOPE)                                          \
    X(TAG_MATH, "math", TAGS_ROOT)                                                 \
    X(TAG_MENU, "menu", TAGS_BLOCK | TAGS_BREAKOUT | TAGS_CLOSES_P)                \
    X(TAG_META, "meta", TAGS_VOID | TAGS_BREAKOUT | TAGS_HEAD)                     \
    X(TAG_MI, "mi", TAGS_INTEGRATION)                                              \
    X(TAG_MN, "mn", TAGS_INTEGRATION)                                              \
    X(TAG_MO, "mo", TAGS_INTEGRATION)                                              \
    X(TAG_MS, "ms", TAGS_INTEGRATION)                                              \
    X(TAG_MTEXT, "mtext", TAGS_INTEGRATION)                                        \
    X(TAG_NAV, "nav", TAGS_BLOCK | TAGS_CLOSES_P | TAGS_OUTER)                     \
    X(TAG_NOBR, "nobr", TAGS_BREAKOUT | TAGS_FORMAT)                               \
    X(TAG_NOEMBED, "noembed", TAGS_RAWTEXT)                                        \
    X(TAG_NOFRAMES, "noframes", TAGS_RAWTEXT | TAGS_HEAD)                          \
    X(TAG_NOSCRIPT, "noscript", TAGS_HEAD)                                         \
    X(TAG_OBJECT, "object", TAGS_SCOPE)                                            \
    X(TAG_OL, "ol", TAGS_BLOCK | TAGS_BREAKOUT | TAGS_CLOSES_P)                    \
    X(TAG_OPTGROUP, "optgroup", TAGS_CELL)                                         \
    X(TAG_OPTION, "option", TAGS_CELL)                                             \
    X(TAG_P, "p", TAGS_BLOCK | TAGS_BREAKOUT | TAGS_CLOSES_P)                      \
    X(TAG_PARAM, "param", TAGS_VOID)                                               \
    X(TAG_PLAINTEXT, "plaintext", TAGS_BLOCK | TAGS_CLOSES_P)                      \
    X(TAG_PRE, "pre", TAGS_BLOCK | TAGS_BREAKOUT | TAGS_CLOSES_P)                  \
    X(TAG_Q, "q", 0)                                                               \
    X(TAG_RP, "rp", 0)                                                             \
    X(TAG_RT, "rt", 0)                                                             \
    X(TAG_RUBY, "ruby", TAGS_BREAKOUT)                                             \
    X(TAG_S, "s", TAGS_BREAKOUT | TAGS_FORMAT)                                     \
    X(TAG_SCRIPT, "script", TAGS_HEAD)                                             \
    X(TAG_SEARCH, "search", TAGS_BLOCK | TAGS_CLOSES_P | TAGS_OUTER)               \
    X(TAG_SECTION, "section", TAGS_BLOCK | TAGS_CLOSES_P | TAGS_OUTER)             \
    X(TAG_SELECT, "select", TAGS_CELL | TAGS_OUTER)                                \
    X(TAG_SMALL, "small", TAGS_BREAKOUT | TAGS_FORMAT)                             \
    X(TAG_SOURCE, "source", TAGS_VOID)                                             \
    X(TAG_SPAN, "span", TAGS_BREAKOUT)                                             \
    X(TAG_STRIKE, "strike", TAGS_BREAKOUT | TAGS_FORMAT)                           \
    X(TAG_STRONG, "strong", TAGS_BREAKOUT | TAGS_FORMAT)                           \
    X(TAG_STYLE, "style", TAGS_RAWTEXT | TAGS_HEAD)                                \
    X(TAG_SUB, "sub", TAGS_BREAKOUT)                                               \
    X(TAG_SUMMARY, "summary", TAGS_BLOCK | TAGS_CLOSES_P | TAGS_OUTER)             \
    X(TAG_SUP, "sup", TAGS_BREAKOUT)                                               \
    X(TAG_SVG, "svg", TAGS_ROOT)                                                   \
    X(TAG_TABLE, "table", TAGS_BLOCK | TAGS_BREAKOUT | TAGS_SCOPE | TAGS_CLOSES_P) \
    X(TAG_TBODY, "tbody", TAGS_BLOCK | TAGS_OUTER)                                 \
    X(TAG_TD, "td", TAGS_CELL | TAGS_SCOPE | TAGS_OUTER)                           \
    X(TAG_TEMPLATE, "template", TAGS_HEAD | TAGS_SCOPE)                            \
    X(TAG_TEXTAREA, "textarea", TAGS_CELL | TAGS_RCDATA)                           \
    X(TAG_TFOOT, "tfoot", TAGS_BLOCK | TAGS_OUTER)                                 \
    X(TAG_TH, "th", TAGS_CELL | TAGS_SCOPE | TAGS_OUTER)                           \
    X(TAG_THEAD, "thead", TAGS_BLOCK | TAGS_OUTER)                                 \
    X(TAG_TITLE, "title", TAGS_RCDATA | TAGS_INTEGRATION | TAGS_HEAD)              \
    X(TAG_TR, "tr", TAGS_BLOCK | TAGS_OUTER)                                       \
    X(TAG_TRACK, "track", TAGS_VOID)                                               \
    X(TAG_TT, "tt", TAGS_BREAKOUT | TAGS_FORMAT)                                   \
    X(TAG_U, "u", TAGS_BREAKOUT | TAGS_FORMAT)                                     \
    X(TAG_UL, "ul", TAGS_BLOCK | TAGS_BREAKOUT | TAGS_CLOSES_P)                    \
    X(TAG_USE, "use", 0)                                                           \
    X(TAG_VAR, "var", TAGS_BREAKOUT)                                               \
    X(TAG_VIDEO, "video", 0)                                                       \
    X(TAG_WBR, "wbr", TAGS_VOID)                                                   \
    X(TAG_XMP, "xmp", TAGS_BLOCK | TAGS_RAWTEXT | TAGS_CLOSES_P)

enum tag {
#define X(id, name, flags) id,
    TAGS_TABLE(X)
#undef X
    N_TAGS
};

/*
 * What a tokenizer gathers while it reads a name: the first eight bytes in
 * lower case, the first byte lowest, zero behind shorter names.
 */
static inline uint64_t tags_key_add(uint64_t key, size_t i, unsigned char lower)
{
    return i < 8 ? key | (uint64_t)lower << (8 * i) : key;
}

extern const uint64_t tags_multiplier;
extern const uint8_t tags_slots[512];
extern const uint64_t tags_keys[N_TAGS];

/* Is this the tag's name, in any case? */
bool tags_is(enum tag tag, struct span name);

/* The tag of a name in any case, given its key; TAG_OTHER when it is none of ours. */
static inline enum tag tags_find(struct span name, uint64_t key)
{
    enum tag tag = (enum tag)tags_slots[key * tags_multiplier >> 55];

    /* A key that is not full is the whole name. */
    return tags_keys[tag] == key && (name.len < sizeof key || tags_is(tag, name)) ? tag : TAG_OTHER;
}

/* As tags_find for a name whose key is not at hand. */
enum tag tags_find_name(struct span name);

extern const uint16_t tags_flags_of[N_TAGS];

/* The TAGS_ flags; 0 for TAG_OTHER. */
static inline unsigned tags_flags(enum tag tag)
{
    return tags_flags_of[tag];
}

/* The lower-case name; empty for TAG_OTHER. */
struct span tags_name(enum tag tag);
