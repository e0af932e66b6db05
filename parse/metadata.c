/* SPDX-License-Identifier: MIT */
#include "parse/metadata.h"

#include "parse/json_text.h"
#include "parse/microdata.h"
#include "parse/tokenizer.h"

#define MAX_BLOCK        ((size_t)128 * 1024) /* one JSON-LD script */
#define MAX_BLOCK_DEPTH  200
#define MAX_JSON_LD      ((size_t)128 * 1024) /* all that is written of them */
#define MAX_MICRODATA    ((size_t)64 * 1024)
#define MAX_FIELDS       400
#define MAX_FIELD_NAME   ((size_t)128)
#define MAX_FIELD        ((size_t)4096)
#define MAX_FIELDS_BYTES ((size_t)32 * 1024) /* of each of the two objects */
#define MAX_RAW          ((size_t)16 * 1024) /* of an attribute as written */

/* A field of a meta element. */
struct field {
    struct span name, value;
};

struct fields {
    struct field *list;
    size_t n;
};

struct walk {
    struct tokenizer tokenizer;
    struct arena *mem;
    struct microdata *microdata; /* NULL on pages without the word itemscope */
    struct fields opengraph, twitter;
    struct buf block;   /* the JSON-LD script being read */
    struct buf json_ld; /* entries, a comma behind each */
    struct buf decoded;
    bool is_in_block;
    bool is_block_cut;
    unsigned n_templates;
    bool is_cut;
};

/* --- JSON-LD --------------------------------------------------------------------------- */

/* What old pages wrap scripts in. */
static struct span unwrap(struct span s)
{
    static const struct {
        const char *before, *after;
    } wraps[] = { { "<!--", "-->" },
                  { "//<![CDATA[", "//]]>" },
                  { "<![CDATA[", "]]>" } };

    s = span_trim(s);
    for (size_t i = 0; i < ARRAY_LEN(wraps); i++) {
        struct span before = span_str(wraps[i].before),
                    after = span_str(wraps[i].after);

        if (s.len >= before.len + after.len && span_starts(s, before) &&
            span_ends(s, after))
            return span_trim(span_slice(s, before.len, s.len - after.len));
    }
    return s;
}

static enum err put_block_entry(struct walk *w, struct span object)
{
    struct span type = json_text_member(object, SPAN("@type"));
    enum err e = buf_append(&w->json_ld, SPAN("{\"type\":"));

    if (!e)
        e = type.ptr ? json_text_put_compact(type, &w->json_ld)
                     : buf_append(&w->json_ld, SPAN("null"));
    if (!e)
        e = buf_append(&w->json_ld, SPAN(",\"data\":"));
    if (!e)
        e = json_text_put_compact(object, &w->json_ld);
    return e ? e : buf_append(&w->json_ld, SPAN("},"));
}

/* One entry more, or none and is_cut. */
static enum err add_entry(struct walk *w, struct span object, bool is_valid)
{
    size_t before = w->json_ld.len;
    enum err e = is_valid
                     ? put_block_entry(w, object)
                     : buf_append(&w->json_ld,
                                  SPAN("{\"type\":null,\"error\":\"no valid JSON\"},"));

    if (e != ERR_TOO_LARGE)
        return e;
    w->json_ld.len = before;
    w->is_cut = true;
    return OK;
}

static enum err finish_block(struct walk *w)
{
    struct span json = unwrap(buf_span(&w->block)), element;
    enum err e = OK;

    w->is_in_block = false;
    if (w->is_block_cut || !json.len) {
        w->is_cut |= w->is_block_cut;
        return OK;
    }
    if (!json_text_is_value(json, MAX_BLOCK_DEPTH))
        return add_entry(w, SPAN_NONE, false);
    if (json.ptr[0] == '{')
        return add_entry(w, json, true);
    while (!e && json_text_next(&json, &element))
        if (element.ptr[0] == '{')
            e = add_entry(w, element, true);
    return e;
}

static bool is_json_ld(const struct token *tok)
{
    const struct token_attr *type = tokenizer_attr(tok, SPAN("type"));
    struct span value = type ? type->value : SPAN_NONE;

    value = span_trim(span_slice(value, 0, span_find(value, ';')));
    return span_eq_nocase(value, SPAN("application/ld+json"));
}

static enum err add_block_text(struct walk *w, const struct token *tok)
{
    enum err e;

    if (w->is_block_cut || w->block.len + tok->raw.len > MAX_BLOCK) {
        w->is_block_cut = true;
        return OK;
    }
    e = entities_decode(tok->raw, (enum entities_mode)tok->mode, &w->block);
    if (e != ERR_TOO_LARGE)
        return e;
    w->is_block_cut = true;
    return OK;
}

/* --- meta elements ------------------------------------------------------------------------ */

static enum err attribute(struct walk *w, const struct token_attr *attr,
                          struct span *out)
{
    enum err e;

    *out = span_clip_utf8(attr->value, MAX_RAW);
    w->is_cut |= out->len < attr->value.len;
    if (!attr->is_coded)
        return OK;
    buf_reset(&w->decoded);
    e = entities_decode(*out, ENTITIES_ATTRIBUTE, &w->decoded);
    return e ? e : arena_try_copy(w->mem, buf_span(&w->decoded), out);
}

static enum err lower_copy(struct arena *mem, struct span s, struct span *out)
{
    char *at = arena_try_alloc(mem, MAX(s.len, (size_t)1));

    if (!at)
        return ERR_TOO_LARGE;
    for (size_t i = 0; i < s.len; i++)
        at[i] = span_ascii_lower(s.ptr[i]);
    *out = span_make(at, s.len);
    return OK;
}

static enum err add_field(struct walk *w, struct fields *fields, struct span name,
                          struct span value)
{
    struct field *f;

    if (!fields->list) {
        fields->list = arena_try_array(w->mem, MAX_FIELDS, sizeof *fields->list);
        if (!fields->list)
            return ERR_TOO_LARGE;
    }
    if (fields->n == MAX_FIELDS) {
        w->is_cut = true;
        return OK;
    }
    f = &fields->list[fields->n++];
    w->is_cut |= value.len > MAX_FIELD;
    f->value = span_clip_utf8(value, MAX_FIELD);
    return lower_copy(w->mem, span_clip_utf8(name, MAX_FIELD_NAME), &f->name);
}

/* The vocabularies of ogp.me, and where their names begin in our object. */
static enum err add_property(struct walk *w, struct span name, struct span value)
{
    static const char *const vocabularies[] = {
        "article:", "book:", "profile:", "video:", "music:", "product:", "fb:"
    };

    if (span_starts_nocase(name, SPAN("og:")))
        return add_field(w, &w->opengraph, span_skip(name, 3), value);
    if (span_starts_nocase(name, SPAN("twitter:")))
        return add_field(w, &w->twitter, span_skip(name, 8), value);
    for (size_t i = 0; i < ARRAY_LEN(vocabularies); i++)
        if (span_starts_nocase(name, span_str(vocabularies[i])))
            return add_field(w, &w->opengraph, name, value);
    return OK;
}

/* property by the book, name as it is often written; property is a list in RDFa. */
static enum err read_meta(struct walk *w, const struct token *tok)
{
    const struct token_attr *content = tokenizer_attr(tok, SPAN("content"));
    const struct token_attr *names = tokenizer_attr(tok, SPAN("property"));
    struct span list, name, value;
    enum err e;

    if (!names)
        names = tokenizer_attr(tok, SPAN("name"));
    if (!names || !content)
        return OK;
    e = attribute(w, names, &list);
    if (!e)
        e = attribute(w, content, &value);
    while (!e && span_token(&list, &name))
        e = add_property(w, name, span_trim(value));
    return e;
}

static bool has_name_before(const struct fields *fields, size_t at)
{
    for (size_t i = 0; i < at; i++)
        if (span_eq(fields->list[i].name, fields->list[at].name))
            return true;
    return false;
}

/* A string, or a list where the name stands more than once. */
static enum err put_field(const struct fields *fields, size_t at, struct buf *out)
{
    struct span name = fields->list[at].name;
    size_t n = 0, n_same = 0;
    enum err e = json_text_put_string(name, out);

    for (size_t i = at; i < fields->n; i++)
        n_same += span_eq(fields->list[i].name, name);
    if (!e)
        e = buf_append(out, n_same > 1 ? SPAN(":[") : SPAN(":"));
    for (size_t i = at; !e && i < fields->n; i++) {
        if (!span_eq(fields->list[i].name, name))
            continue;
        e = n++ ? buf_append_byte(out, ',') : OK;
        if (!e)
            e = json_text_put_string(fields->list[i].value, out);
    }
    return e || n_same == 1 ? e : buf_append_byte(out, ']');
}

static enum err put_fields(struct walk *w, const char *name,
                           const struct fields *fields, struct buf *out)
{
    size_t from, before;
    bool is_first = true;
    enum err e;

    if (!fields->n)
        return OK;
    e = buf_printf(out, ",\"%s\":{", name);
    from = out->len;
    for (size_t i = 0; !e && i < fields->n; i++) {
        if (has_name_before(fields, i))
            continue;
        before = out->len;
        e = is_first ? OK : buf_append_byte(out, ',');
        if (!e)
            e = put_field(fields, i, out);
        if (!e && out->len - from > MAX_FIELDS_BYTES) {
            out->len = before;
            w->is_cut = true;
        } else {
            is_first = false;
        }
    }
    return e ? e : buf_append_byte(out, '}');
}

/* --- the pass -------------------------------------------------------------------------------- */

static enum err on_start(struct walk *w, const struct token *tok)
{
    if (tok->tag == TAG_TEMPLATE && !tok->is_foreign)
        w->n_templates++;
    if (w->n_templates || tok->is_foreign)
        return OK;
    if (tok->tag == TAG_META)
        return read_meta(w, tok);
    if (tok->tag == TAG_SCRIPT && is_json_ld(tok)) {
        w->is_in_block = true;
        w->is_block_cut = false;
        buf_reset(&w->block);
    }
    return OK;
}

static enum err on_token(struct walk *w, const struct token *tok)
{
    enum err e = OK;

    switch ((enum token_type)tok->type) {
    case TOKEN_START: e = on_start(w, tok); break;
    case TOKEN_TEXT: e = w->is_in_block ? add_block_text(w, tok) : OK; break;
    case TOKEN_END:
        if (w->is_in_block && tok->tag == TAG_SCRIPT)
            e = finish_block(w);
        if (tok->tag == TAG_TEMPLATE && w->n_templates && !tok->is_foreign)
            w->n_templates--;
        break;
    case TOKEN_COMMENT:
    case TOKEN_DOCTYPE:
    case TOKEN_EOF: break;
    }
    if (!e && w->microdata && !w->n_templates)
        e = microdata_token(w->microdata, tok);
    return e;
}

static enum err read_tokens(struct walk *w)
{
    enum err e = OK;

    while (!e) {
        const struct token *tok = tokenizer_next(&w->tokenizer);

        if (tok->type == TOKEN_EOF)
            break;
        e = on_token(w, tok);
    }
    return e;
}

static enum err put_microdata(struct walk *w, struct buf *out)
{
    size_t max = out->max;
    enum err e;

    if (!w->microdata || !microdata_finish(w->microdata))
        return OK;
    e = buf_append(out, SPAN(",\"microdata\":"));
    if (e)
        return e;
    out->max = MIN(max, out->len + MAX_MICRODATA);
    e = microdata_put(w->microdata, out);
    out->max = max;
    w->is_cut |= microdata_is_cut(w->microdata);
    return e;
}

static enum err put_all(struct walk *w, struct buf *out)
{
    enum err e = OK;

    if (w->json_ld.len) {
        e = buf_append(out, SPAN(",\"json_ld\":["));
        if (!e)
            e = buf_append(out,
                           span_slice(buf_span(&w->json_ld), 0, w->json_ld.len - 1));
        if (!e)
            e = buf_append_byte(out, ']');
    }
    if (!e)
        e = put_fields(w, "opengraph", &w->opengraph, out);
    if (!e)
        e = put_fields(w, "twitter", &w->twitter, out);
    if (!e)
        e = put_microdata(w, out);
    return e || !w->is_cut ? e : buf_append(out, SPAN(",\"facts_cut\":true"));
}

enum err metadata_put(struct span utf8, bool is_xml, const struct url *base,
                      struct arena *mem, struct buf *out)
{
    struct walk *w = arena_try_array(mem, 1, sizeof *w);
    enum err e = OK;

    if (!w)
        return ERR_TOO_LARGE;
    w->mem = mem;
    buf_init(&w->block, MAX_BLOCK);
    buf_init(&w->json_ld, MAX_JSON_LD);
    buf_init(&w->decoded, MAX_RAW * 8);
    tokenizer_init(&w->tokenizer, utf8, is_xml, NULL);
    if (span_find_nocase(utf8, SPAN("itemscope")) < utf8.len)
        e = microdata_new(base, mem, &w->microdata);
    if (!e)
        e = read_tokens(w);
    if (!e)
        e = put_all(w, out);
    if (w->microdata)
        microdata_free(w->microdata);
    buf_clear(&w->block);
    buf_clear(&w->json_ld);
    buf_clear(&w->decoded);
    return e;
}
