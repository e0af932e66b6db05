/* SPDX-License-Identifier: MIT */
#include "parse/tokenizer.h"

#include "parse/bytes8.h"
#include "parse/tokenizer_foreign.h"
#include "parse/tokenizer_script.h"

/* The bytes of a tag's name in lower case; 0 for those that end it (§13.2.5.8). */
static const unsigned char name_bytes[256] = {
#define ROW(n)                                                                        \
    n, n + 1, n + 2, n + 3, n + 4, n + 5, n + 6, n + 7, n + 8, n + 9, n + 10, n + 11, \
        n + 12, n + 13, n + 14, n + 15
    0xFF,     1,        2,        3,        4,        5,        6,        7,
    8,        0,        0,        11,       0,        0,        14,       15,
    ROW(16),  0,        '!',      '"',      '#',      '$',      '%',      '&',
    '\'',     '(',      ')',      '*',      '+',      ',',      '-',      '.',
    0,        '0',      '1',      '2',      '3',      '4',      '5',      '6',
    '7',      '8',      '9',      ':',      ';',      '<',      '=',      0,
    '?',      '@',      'a',      'b',      'c',      'd',      'e',      'f',
    'g',      'h',      'i',      'j',      'k',      'l',      'm',      'n',
    'o',      'p',      'q',      'r',      's',      't',      'u',      'v',
    'w',      'x',      'y',      'z',      '[',      '\\',     ']',      '^',
    '_',      ROW(96),  ROW(112), ROW(128), ROW(144), ROW(160), ROW(176), ROW(192),
    ROW(208), ROW(224), ROW(240),
#undef ROW
};

/* The first c in [p, end), or NULL: texts and values are short, so no call for the first bytes. */
static const char *find_near(const char *p, const char *end, char c)
{
    for (int i = 0; i < 4 && end - p >= 8; i++, p += 8) {
        uint64_t hit = bytes8_equal(bytes8_load(p), c);
        if (hit)
            return p + bytes8_first(hit);
    }
    return memchr(p, c, (size_t)(end - p));
}

/* Marks what is in no ordinary name, of a tag or an attribute: all that ends one is among it. */
static uint64_t odd_in_name(uint64_t w)
{
    return bytes8_below(w, '0') | bytes8_zero((w & BYTES8(0xFC)) ^ BYTES8('<')) |
           (w & BYTES8_MARKS);
}

static bool is_letter(char c)
{
    return (unsigned char)((c | 0x20) - 'a') < 26;
}

static bool ends_name(char c)
{
    return name_bytes[(unsigned char)c] == 0;
}

static const struct token *finish(struct tokenizer *t, enum token_type type,
                                  const char *next)
{
    t->tok.type = (uint8_t)type;
    t->at = next;
    return &t->tok;
}

static const struct token *text(struct tokenizer *t, enum entities_mode mode,
                                const char *p, const char *next)
{
    t->tok.mode = (uint8_t)mode;
    t->tok.raw = span_make(p, (size_t)(next - p));
    t->tok.is_coded = mode != ENTITIES_RAW || t->has_odd_bytes;
    return finish(t, TOKEN_TEXT, next);
}

/* p up to the first c, and whatever lies behind it; all of it when there is none. */
static const struct token *comment_until(struct tokenizer *t, enum token_type type,
                                         const char *p, char c)
{
    const char *stop = memchr(p, c, (size_t)(t->end - p));

    t->tok.raw = span_make(p, (size_t)((stop ? stop : t->end) - p));
    return finish(t, type, stop ? stop + 1 : t->end);
}

/* A comment that the input ends in: what may have been the start of its end is no content. */
static const struct token *open_comment(struct tokenizer *t, const char *p)
{
    struct span content = span_make(p, (size_t)(t->end - p));

    if (span_ends(content, SPAN("--!")))
        content.len -= 3;
    else if (span_ends(content, SPAN("--")))
        content.len -= 2;
    else if (span_ends(content, SPAN("-")))
        content.len -= 1;
    t->tok.raw = content;
    return finish(t, TOKEN_COMMENT, t->end);
}

/* §13.2.5.43 to §13.2.5.51; p is behind "<!--". */
static const struct token *comment(struct tokenizer *t, const char *p)
{
    const char *q = p, *stop;

    for (;; q++) {
        q = memchr(q, '>', (size_t)(t->end - q));
        if (!q)
            return open_comment(t, p);
        size_t n = (size_t)(q - p);
        stop = NULL;
        if (n == 0 || (n == 1 && p[0] == '-'))
            stop = p;
        else if (n >= 2 && q[-1] == '-' && q[-2] == '-')
            stop = q - 2;
        else if (n >= 3 && q[-1] == '!' && q[-2] == '-' && q[-3] == '-')
            stop = q - 3;
        if (stop)
            break;
    }
    t->tok.raw = span_make(p, (size_t)(stop - p));
    return finish(t, TOKEN_COMMENT, q + 1);
}

/* §13.2.5.69; p is behind "<![CDATA[". */
static const struct token *cdata(struct tokenizer *t, const char *p)
{
    const char *stop = memmem(p, (size_t)(t->end - p), "]]>", 3);
    const struct token *tok = text(t, ENTITIES_RAW, p, stop ? stop : t->end);

    t->at = stop ? stop + 3 : t->end;
    return tok;
}

/* §13.2.5.42; p is behind "<!". */
static const struct token *declaration(struct tokenizer *t, const char *p)
{
    struct span rest = span_make(p, (size_t)(t->end - p));

    if (span_starts(rest, SPAN("--")))
        return comment(t, p + 2);
    if (span_starts_nocase(rest, SPAN("doctype")))
        return comment_until(t, TOKEN_DOCTYPE, p + 7, '>');
    if ((t->is_xml || tokenizer_foreign_content(t) != TOKENIZER_HTML) &&
        span_starts(rest, SPAN("[CDATA[")))
        return cdata(t, p + 7);
    return comment_until(t, TOKEN_COMMENT, p, '>');
}

/*
 * §13.2.5.36 to §13.2.5.38; *p is behind the '='. Sets the value and moves *p
 * past it; false when the input ends first. '>' is left for the caller.
 */
static bool attr_value(const struct tokenizer *t, const char **p,
                       struct token_attr *attr)
{
    const char *q = *p, *end = t->end;

    while (q < end && span_is_space(*q))
        q++;
    if (q == end)
        return false;
    if (*q == '"' || *q == '\'') {
        const char *stop = find_near(q + 1, end, *q);
        if (!stop)
            return false;
        attr->value = span_make(q + 1, (size_t)(stop - q - 1));
        *p = stop + 1;
        return true;
    }
    const char *from = q;
    while (q < end && !span_is_space(*q) && *q != '>')
        q++;
    attr->value = span_make(from, (size_t)(q - from));
    *p = q;
    return q < end;
}

/* p, or a place behind it up to which all is an attribute's name. */
static const char *attr_name_most(const char *p, const char *end)
{
    for (; end - p >= 8; p += 8) {
        uint64_t odd = odd_in_name(bytes8_load(p));
        if (odd)
            return p + bytes8_first(odd);
    }
    return p;
}

/* §13.2.5.33 to §13.2.5.35: one attribute at *p, where a name begins. */
static bool attr_next(const struct tokenizer *t, const char **p,
                      struct token_attr *attr)
{
    const char *q = *p, *end = t->end;

    attr->value = SPAN_NONE;
    for (q = attr_name_most(q + 1, end); q < end && *q != '=' && !ends_name(*q); q++)
        ;
    attr->name = span_make(*p, (size_t)(q - *p));
    while (q < end && span_is_space(*q))
        q++;
    *p = q;
    if (q == end)
        return false;
    if (*q != '=')
        return true;
    ++*p;
    return attr_value(t, p, attr);
}

static bool has_reference(struct span value)
{
    return value.len && find_near(value.ptr, value.ptr + value.len, '&');
}

/*
 * §13.2.5.32 and §13.2.5.40: from behind the name to behind the '>'. NULL when
 * the input ends inside the tag.
 */
NOINLINE static const char *attributes(struct tokenizer *t, const char *p, bool is_wanted)
{
    size_t n = 0;

    for (;;) {
        while (p < t->end && span_is_space(*p))
            p++;
        if (p == t->end)
            return NULL;
        if (*p == '>')
            break;
        if (*p == '/') {
            p++;
            if (p < t->end && *p == '>') {
                t->tok.is_self_closing = true;
                break;
            }
            continue;
        }
        bool is_kept = is_wanted && n < TOKENIZER_MAX_ATTRS;
        struct token_attr *attr = &t->attrs[is_kept ? n : TOKENIZER_MAX_ATTRS];
        if (!attr_next(t, &p, attr))
            return NULL;
        if (is_kept) {
            attr->is_coded = t->has_odd_bytes || has_reference(attr->value);
            n++;
        }
    }
    t->tok.n_attrs = n;
    return p + 1;
}

/* Which text the content of the start tag just read is; 0: it is markup. */
static void begin_content(struct tokenizer *t)
{
    enum tag tag = (enum tag)t->tok.tag;

    if (t->tok.is_foreign || (t->is_xml && t->tok.is_self_closing))
        return;
    if ((tags_flags(tag) & (TAGS_RAWTEXT | TAGS_RCDATA)) || tag == TAG_SCRIPT ||
        tag == TAG_PLAINTEXT)
        t->text_tag = (uint8_t)tag;
}

/* An element without content gives two tokens; a void one has no end (§13.1.2). */
static bool owes_end(const struct tokenizer *t)
{
    return t->is_xml && t->tok.is_self_closing && !t->tok.is_foreign &&
           !(tags_flags((enum tag)t->tok.tag) & TAGS_VOID);
}

static const struct token *end_of_empty(struct tokenizer *t)
{
    t->owes_end = false;
    t->tok.is_self_closing = false;
    t->tok.n_attrs = 0;
    finish(t, TOKEN_END, t->at);
    tokenizer_foreign_track(t);
    return &t->tok;
}

/* §13.2.5.8: the end of the tag's name that begins at p, and its key (parse/tags.h). */
static const char *tag_name(const char *p, const char *end, uint64_t *out_key)
{
    const char *q = p;
    unsigned char c;
    uint64_t key = 0;

    /* No known name has a byte that this would take for another's. */
    if (end - p >= 8) {
        uint64_t w = bytes8_load(p), odd = odd_in_name(w);
        size_t n = odd ? bytes8_first(odd) : 0;
        if (odd && ends_name(p[n])) {
            *out_key = (w | BYTES8(0x20)) & bytes8_before(n);
            return p + n;
        }
    }
    for (; q < end && (c = name_bytes[(unsigned char)*q]) != 0; q++)
        key = tags_key_add(key, (size_t)(q - p), c);
    *out_key = key;
    return q;
}

/* A tag whose name begins at p. When the input ends inside it, NULL and all is read. */
static const struct token *tag(struct tokenizer *t, bool is_end, const char *p)
{
    uint64_t key;
    const char *q = tag_name(p, t->end, &key);

    t->tok.raw = span_make(p, (size_t)(q - p));
    enum tag id = tags_find(t->tok.raw, key);
    t->tok.tag = (uint8_t)id;
    t->tok.is_self_closing = false;
    t->tok.n_attrs = 0;
    if (q < t->end && *q == '>') {
        q++;
    } else {
        q = attributes(t, q, !is_end && (!t->wants_attrs || t->wants_attrs[id]));
        if (!q) {
            t->at = t->end;
            return NULL;
        }
    }
    finish(t, is_end ? TOKEN_END : TOKEN_START, q);
    tokenizer_foreign_track(t);
    if (!is_end) {
        begin_content(t);
        t->owes_end = owes_end(t);
    }
    return &t->tok;
}

/* §13.2.5.6 at the '<' at p, where no tag begins: NULL when it gives no token, with t->at moved on. */
NOINLINE static const struct token *other_markup(struct tokenizer *t, const char *p)
{
    char c = p[1];

    if (c == '!')
        return declaration(t, p + 2);
    if (c == '?')
        return comment_until(t, TOKEN_COMMENT, p + 1, '>');
    if (p + 2 == t->end)
        return text(t, ENTITIES_TEXT, p, t->end);
    if (p[2] != '>')
        return comment_until(t, TOKEN_COMMENT, p + 2, '>');
    t->at = p + 3;
    return NULL;
}

/* §13.2.5.6 at the '<' at p, as other_markup, with tags. */
static const struct token *markup(struct tokenizer *t, const char *p)
{
    if (is_letter(p[1]))
        return tag(t, false, p + 1);
    if (p[1] == '/' && p + 2 < t->end && is_letter(p[2]))
        return tag(t, true, p + 2);
    return other_markup(t, p);
}

static bool begins_markup(const char *p, const char *end)
{
    return p + 1 < end &&
           (is_letter(p[1]) || p[1] == '/' || p[1] == '!' || p[1] == '?');
}

/* Is there an "appropriate end tag" of this name at the '<' at p? (§13.2.5.11) */
static bool is_end_tag_of(const char *p, const char *end, struct span name)
{
    size_t left = (size_t)(end - p);

    return left > name.len + 2 && p[1] == '/' && ends_name(p[2 + name.len]) &&
           span_eq_nocase(span_make(p + 2, name.len), name);
}

/* The content of an element whose content is text, or NULL when it is empty. */
static const struct token *element_text(struct tokenizer *t)
{
    enum tag open = (enum tag)t->text_tag;
    const char *p = t->at, *q = p;

    t->text_tag = 0;
    if (open == TAG_PLAINTEXT) {
        q = t->end;
    } else if (open == TAG_SCRIPT) {
        q = tokenizer_script_end(p, t->end, &t->arrow);
    } else {
        for (;; q++) {
            q = memchr(q, '<', (size_t)(t->end - q));
            if (!q)
                q = t->end;
            if (q == t->end || is_end_tag_of(q, t->end, tags_name(open)))
                break;
        }
    }
    if (q == p)
        return NULL;
    bool is_rcdata = tags_flags(open) & TAGS_RCDATA;
    return text(t, is_rcdata ? ENTITIES_RCDATA : ENTITIES_RAW, p, q);
}

/* What comes before the rest of the input is looked at, or NULL. */
NOINLINE static const struct token *owed(struct tokenizer *t)
{
    return t->owes_end ? end_of_empty(t) : element_text(t);
}

void tokenizer_init(struct tokenizer *t, struct span utf8, bool is_xml,
                    const bool *wants_attrs)
{
    t->at = utf8.len ? utf8.ptr : "";
    t->end = t->at + utf8.len;
    t->wants_attrs = wants_attrs;
    t->tok = (struct token){ .type = TOKEN_EOF, .attrs = t->attrs };
    t->text_tag = 0;
    t->arrow = NULL;
    t->is_xml = is_xml;
    t->owes_end = false;
    t->has_odd_bytes = memchr(t->at, 0, utf8.len) || memchr(t->at, '\r', utf8.len);
    t->n_foreign = 0;
    memset(t->n_open, 0, sizeof t->n_open);
}

const struct token *tokenizer_next(struct tokenizer *t)
{
    const struct token *tok = NULL;

    if (t->owes_end || t->text_tag) {
        tok = owed(t);
        if (tok)
            return tok;
    }
    while (t->at < t->end) {
        const char *p = t->at, *q = p;
        while (q < t->end && !(*q == '<' && begins_markup(q, t->end))) {
            q = find_near(q + 1, t->end, '<');
            if (!q)
                q = t->end;
        }
        if (q > p)
            return text(t, ENTITIES_TEXT, p, q);
        tok = markup(t, p);
        if (tok)
            return tok;
    }
    return finish(t, TOKEN_EOF, t->end);
}

const struct token_attr *tokenizer_attr(const struct token *tok, struct span lower_name)
{
    for (size_t i = 0; i < tok->n_attrs; i++) {
        const struct token_attr *attr = &tok->attrs[i];
        if (attr->name.len == lower_name.len &&
            span_ascii_lower(attr->name.ptr[0]) == lower_name.ptr[0] &&
            span_eq_nocase(attr->name, lower_name))
            return attr;
    }
    return NULL;
}
