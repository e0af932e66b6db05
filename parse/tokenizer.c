/* SPDX-License-Identifier: MIT */
#include "parse/tokenizer.h"

#include "parse/chunk.h"
#include "parse/tokenizer_foreign.h"
#include "parse/tokenizer_script.h"

/* What the caller wants of an element. */
#define WANTS_TAGS  1
#define WANTS_ATTRS 2

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
    for (int i = 0; i < 4 && end - p >= CHUNK_BYTES; i++, p += CHUNK_BYTES) {
        uint64_t hit = chunk_equal(chunk_load(p), c);
        if (hit)
            return p + chunk_first(hit);
    }
    return memchr(p, c, (size_t)(end - p));
}

/* Those that are in no ordinary name, of a tag or an attribute: all that ends one is among them. */
static uint64_t odd_in_name(chunk w)
{
    return chunk_below_or_high(w, '0') | chunk_masked(w, (char)0xFC, '<');
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

/* p up to the first '>'; all of it when there is none. */
static const struct token *comment_until_gt(struct tokenizer *t, enum token_type type,
                                            const char *p)
{
    const char *stop = memchr(p, '>', (size_t)(t->end - p));

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
        return comment_until_gt(t, TOKEN_DOCTYPE, p + 7);
    if ((t->is_xml || tokenizer_foreign_content(t) != TOKENIZER_HTML) &&
        span_starts(rest, SPAN("[CDATA[")))
        return cdata(t, p + 7);
    return comment_until_gt(t, TOKEN_COMMENT, p);
}

/*
 * §13.2.5.36 to §13.2.5.38; p is behind the '='. Sets the value; what follows it, or NULL when
 * the input ends first. '>' is left for the caller.
 */
static inline const char *attr_value(const char *p, const char *end, struct token_attr *attr)
{
    const char *from;

    while (p < end && span_is_space(*p))
        p++;
    if (p == end)
        return NULL;
    if (*p == '"' || *p == '\'') {
        const char *stop = find_near(p + 1, end, *p);
        if (!stop)
            return NULL;
        attr->value = span_make(p + 1, (size_t)(stop - p - 1));
        return stop + 1;
    }
    from = p;
    while (p < end && !span_is_space(*p) && *p != '>')
        p++;
    attr->value = span_make(from, (size_t)(p - from));
    return p < end ? p : NULL;
}

/* Where the attribute's name ends whose first byte is before p. */
static const char *attr_name_end(const char *p, const char *end)
{
    for (; end - p >= CHUNK_BYTES; p += CHUNK_BYTES) {
        uint64_t odd = odd_in_name(chunk_load(p));
        if (odd) {
            p += chunk_first(odd);
            break;
        }
    }
    while (p < end && *p != '=' && !ends_name(*p))
        p++;
    return p;
}

/*
 * §13.2.5.33 to §13.2.5.35: one attribute at p, where a name begins. What follows it, or NULL
 * when the input ends first.
 */
static inline const char *attr_next(const char *p, const char *end, struct token_attr *attr)
{
    const char *q = attr_name_end(p + 1, end);

    attr->name = span_make(p, (size_t)(q - p));
    attr->value = SPAN_NONE;
    while (q < end && span_is_space(*q))
        q++;
    if (q == end)
        return NULL;
    return *q == '=' ? attr_value(q + 1, end, attr) : q;
}

static bool has_reference(struct span value)
{
    return value.len && find_near(value.ptr, value.ptr + value.len, '&');
}

/*
 * §13.2.5.32 and §13.2.5.40: from behind the name to behind the '>'. NULL when
 * the input ends inside the tag.
 */
static inline const char *attributes(struct tokenizer *t, const char *p, bool is_wanted)
{
    const char *end = t->end;
    struct token_attr attr;
    size_t n = 0;

    for (;;) {
        while (p < end && span_is_space(*p))
            p++;
        if (p == end)
            return NULL;
        if (*p == '>')
            break;
        if (*p == '/') {
            p++;
            if (p < end && *p == '>') {
                t->tok.is_self_closing = true;
                break;
            }
            continue;
        }
        p = attr_next(p, end, &attr);
        if (!p)
            return NULL;
        if (is_wanted && n < TOKENIZER_MAX_ATTRS) {
            attr.is_coded = t->has_odd_bytes || has_reference(attr.value);
            t->attrs[n++] = attr;
        }
    }
    t->tok.n_attrs = n;
    return p + 1;
}

NOINLINE static const char *read_attributes(struct tokenizer *t, const char *p)
{
    return attributes(t, p, true);
}

NOINLINE static const char *skip_attributes(struct tokenizer *t, const char *p)
{
    return attributes(t, p, false);
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

/* t->tok, or NULL when it is a tag that nobody wants. */
static const struct token *told(const struct tokenizer *t)
{
    return t->wants[t->tok.tag] & WANTS_TAGS ? &t->tok : NULL;
}

static const struct token *end_of_empty(struct tokenizer *t)
{
    t->owes_end = false;
    t->tok.is_self_closing = false;
    t->tok.n_attrs = 0;
    finish(t, TOKEN_END, t->at);
    tokenizer_foreign_track(t);
    return told(t);
}

/* §13.2.5.8: the end of the tag's name that begins at p, and its key (parse/tags.h). */
static const char *tag_name(const char *p, const char *end, uint64_t *out_key)
{
    const char *q = p;
    unsigned char c;
    uint64_t key = 0;

    /* No known name has a byte that this would take for another's. */
    if (end - p >= CHUNK_BYTES) {
        uint64_t odd = odd_in_name(chunk_load(p));
        size_t n = odd ? chunk_first(odd) : 0;
        if (odd && ends_name(p[n])) {
            key = bytes8_load(p) | BYTES8(0x20);
            *out_key = n < 8 ? key & bytes8_before(n) : key;
            return p + n;
        }
    }
    for (; q < end && (c = name_bytes[(unsigned char)*q]) != 0; q++)
        key = tags_key_add(key, (size_t)(q - p), c);
    *out_key = key;
    return q;
}

/* A tag whose name begins at p. NULL when nobody wants it, or when the input ends inside it: then all is read. */
static inline const struct token *tag(struct tokenizer *t, bool is_end, const char *p)
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
        q = !is_end && (t->wants[id] & WANTS_ATTRS) ? read_attributes(t, q) : skip_attributes(t, q);
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
    return told(t);
}

/* §13.2.5.6 at the '<' at p, where no tag begins; as markup. */
NOINLINE static const struct token *other_markup(struct tokenizer *t, const char *p)
{
    char c = p[1];

    if (c == '!')
        return declaration(t, p + 2);
    if (c == '?')
        return comment_until_gt(t, TOKEN_COMMENT, p + 1);
    if (p + 2 == t->end)
        return text(t, ENTITIES_TEXT, p, t->end);
    if (p[2] != '>')
        return comment_until_gt(t, TOKEN_COMMENT, p + 2);
    t->at = p + 3;
    return NULL;
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
    for (size_t i = 0; i < N_TAGS; i++)
        t->wants[i] = !wants_attrs || wants_attrs[i] ? WANTS_TAGS | WANTS_ATTRS : WANTS_TAGS;
    t->tok = (struct token){ .type = TOKEN_EOF, .attrs = t->attrs };
    t->text_tag = 0;
    t->arrow = NULL;
    t->is_xml = is_xml;
    t->owes_end = false;
    t->has_odd_bytes = memchr(t->at, 0, utf8.len) || memchr(t->at, '\r', utf8.len);
    t->n_foreign = 0;
    memset(t->n_open, 0, sizeof t->n_open);
}

void tokenizer_tell_only(struct tokenizer *t, const bool *wants_tags)
{
    for (size_t i = 0; i < N_TAGS; i++)
        if (!(t->wants[i] & WANTS_ATTRS) && !wants_tags[i])
            t->wants[i] = 0;
}

/* What begins with the '<' at p, where markup begins: NULL when it gives no token, with t->at moved on. */
static inline const struct token *markup(struct tokenizer *t, const char *p)
{
    const char *name = p + 1;
    bool is_end = false;

    if (!is_letter(*name)) {
        is_end = *name == '/' && name + 1 < t->end && is_letter(name[1]);
        if (!is_end)
            return other_markup(t, p);
        name++;
    }
    return tag(t, is_end, name);
}

const struct token *tokenizer_next(struct tokenizer *t)
{
    const struct token *tok;

    while (t->at < t->end || t->owes_end) {
        const char *p = t->at, *q = p;

        if (t->owes_end || t->text_tag) {
            tok = owed(t);
            if (tok)
                return tok;
            continue;
        }
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
            (span_eq(attr->name, lower_name) || span_eq_nocase(attr->name, lower_name)))
            return attr;
    }
    return NULL;
}
