/* SPDX-License-Identifier: MIT */
#include "parse/microdata.h"

#include "parse/html_text.h"
#include "parse/json_text.h"

#define MAX_OPEN       256
#define MAX_LEVELS     16
#define MAX_ITEMS      1000
#define MAX_PROPERTIES 4000
#define MAX_NAMES      8 /* of one property */
#define MAX_NAME       ((size_t)256)
#define MAX_VALUE      ((size_t)4096)
#define MAX_RAW        ((size_t)16 * 1024) /* of an attribute as written */
#define MAX_TEXT       ((size_t)1 << 20)

/* Indices; NONE where there is none. */
#define NONE (-1)

struct property {
    struct span name;
    struct span value; /* when item is NONE */
    int item;
    int next; /* of the same item */
};

struct item {
    struct span type, id;
    int first, last; /* properties */
    bool is_inside;  /* the value of a property */
};

/* An element that was begun and not ended. */
struct open {
    uint8_t tag;
    struct span name;
    int item;                     /* begun here */
    int properties, n_properties; /* whose value is its text, which began at mark */
    size_t mark;
};

struct microdata {
    const struct url *base;
    struct arena *mem;
    struct item *items;
    struct property *properties;
    int n_items, n_properties;
    size_t n_open, n_readers; /* readers: open elements whose text is a value */
    int level;                /* open items */
    bool is_cut;
    uint16_t n_open_of[N_TAGS];
    struct html_text text;
    struct buf decoded;
    struct open open[MAX_OPEN];
};

enum err microdata_new(const struct url *base, struct arena *mem,
                       struct microdata **out)
{
    struct microdata *m = arena_try_array(mem, 1, sizeof *m);

    if (!m)
        return ERR_TOO_LARGE;
    m->base = base;
    m->mem = mem;
    m->items = arena_try_array(mem, MAX_ITEMS, sizeof *m->items);
    m->properties = arena_try_array(mem, MAX_PROPERTIES, sizeof *m->properties);
    if (!m->items || !m->properties)
        return ERR_TOO_LARGE;
    html_text_init(&m->text, MAX_TEXT);
    buf_init(&m->decoded, MAX_RAW * 8);
    *out = m;
    return OK;
}

void microdata_free(struct microdata *m)
{
    buf_clear(&m->text.buf);
    buf_clear(&m->decoded);
}

bool microdata_is_cut(const struct microdata *m)
{
    return m->is_cut;
}

/* --- the open elements ---------------------------------------------------------------- */

/* The text since mark becomes the value of the element's properties. */
static enum err finish_value(struct microdata *m, const struct open *o)
{
    struct span text = html_text_slice(&m->text, o->mark, html_text_mark(&m->text)),
                copy;
    enum err e = arena_try_copy(m->mem, span_clip_utf8(text, MAX_VALUE), &copy);

    m->is_cut |= text.len > MAX_VALUE;
    for (int i = 0; !e && i < o->n_properties; i++)
        m->properties[o->properties + i].value = copy;
    if (--m->n_readers == 0)
        html_text_reset(&m->text);
    return e;
}

static enum err pop_to(struct microdata *m, size_t n)
{
    enum err e = OK;

    while (!e && m->n_open > n) {
        const struct open *o = &m->open[--m->n_open];

        m->n_open_of[o->tag]--;
        m->level -= o->item != NONE;
        if (o->n_properties)
            e = finish_value(m, o);
    }
    return e;
}

/* §13.2.6.4.7 and the tables' rules: what a start tag ends, and what it does not reach past. Zeros fill up. */
static const struct implied {
    uint8_t tag, ends[3], stops[3];
    bool stops_at_scope;
} implied[] = {
    { TAG_LI, { TAG_LI }, { TAG_UL, TAG_OL, TAG_MENU }, true },
    { TAG_DT, { TAG_DT, TAG_DD }, { TAG_DL }, true },
    { TAG_DD, { TAG_DT, TAG_DD }, { TAG_DL }, true },
    { TAG_OPTION, { TAG_OPTION }, { TAG_SELECT }, true },
    { TAG_TD, { TAG_TD, TAG_TH }, { TAG_TABLE }, false },
    { TAG_TH, { TAG_TD, TAG_TH }, { TAG_TABLE }, false },
    { TAG_TR, { TAG_TR }, { TAG_TABLE }, false },
    { TAG_TBODY, { TAG_TBODY, TAG_THEAD, TAG_TFOOT }, { TAG_TABLE }, false },
    { TAG_THEAD, { TAG_TBODY, TAG_THEAD, TAG_TFOOT }, { TAG_TABLE }, false },
    { TAG_TFOOT, { TAG_TBODY, TAG_THEAD, TAG_TFOOT }, { TAG_TABLE }, false },
    { TAG_A, { TAG_A }, { 0 }, true },
};
static const struct implied implied_p = { 0, { TAG_P }, { TAG_BUTTON }, true };

static bool has_tag(const uint8_t tags[3], uint8_t tag)
{
    return tag != TAG_OTHER && memchr(tags, tag, 3);
}

static enum err imply(struct microdata *m, const struct implied *rule)
{
    for (size_t i = m->n_open; i-- > 0;) {
        uint8_t tag = m->open[i].tag;

        if (has_tag(rule->ends, tag))
            return pop_to(m, i);
        if (has_tag(rule->stops, tag) ||
            (rule->stops_at_scope && (tags_flags((enum tag)tag) & TAGS_SCOPE)))
            return OK;
    }
    return OK;
}

static enum err imply_ends(struct microdata *m, enum tag tag)
{
    enum err e = OK;

    if ((tags_flags(tag) & TAGS_CLOSES_P) && m->n_open_of[TAG_P])
        e = imply(m, &implied_p);
    for (size_t i = 0; !e && i < ARRAY_LEN(implied); i++)
        if (implied[i].tag == tag)
            return imply(m, &implied[i]);
    return e;
}

/* An end tag ends the innermost element of its name; one of an inline element does not reach past a block. */
static enum err end(struct microdata *m, const struct token *tok)
{
    unsigned stops =
        tags_flags((enum tag)tok->tag) & (TAGS_BLOCK | TAGS_CELL | TAGS_SCOPE)
            ? 0
            : TAGS_BLOCK | TAGS_CELL | TAGS_SCOPE;

    if (!m->n_open_of[tok->tag])
        return OK;
    for (size_t i = m->n_open; i-- > 0;) {
        const struct open *o = &m->open[i];

        if (o->tag == tok->tag &&
            (tok->tag != TAG_OTHER || span_eq_nocase(o->name, tok->raw)))
            return pop_to(m, i);
        if ((o->tag == TAG_TABLE && tok->tag != TAG_TABLE) ||
            (tags_flags((enum tag)o->tag) & stops))
            return OK;
    }
    return OK;
}

/* --- values --------------------------------------------------------------------------- */

static enum err attribute(struct microdata *m, const struct token_attr *attr,
                          size_t max, struct span *out)
{
    struct span value = span_clip_utf8(attr->value, MAX_RAW);
    enum err e = OK;

    if (attr->is_coded) {
        buf_reset(&m->decoded);
        e = entities_decode(value, ENTITIES_ATTRIBUTE, &m->decoded);
        value = buf_span(&m->decoded);
    }
    m->is_cut |= value.len > max;
    return e ? e : arena_try_copy(m->mem, span_clip_utf8(value, max), out);
}

static enum err resolved(struct microdata *m, const struct token_attr *attr,
                         struct span *out)
{
    struct url u;
    enum err e = attribute(m, attr, MAX_VALUE, out);

    if (e)
        return e;
    e = url_parse(span_trim(*out), m->base, m->mem, &u);
    if (!e)
        *out = span_clip_utf8(u.href, MAX_VALUE);
    return e == ERR_INVALID ? OK : e;
}

/* The attribute that holds the value of such an element (§5.2.4), and whether it is a URL. */
static struct span value_attribute(const struct token *tok, bool *is_url)
{
    static const struct {
        const char *name, *attribute;
    } others[] = { { "data", "value" }, { "meter", "value" }, { "time", "datetime" } };

    *is_url = true;
    switch ((enum tag)tok->tag) {
    case TAG_AUDIO:
    case TAG_EMBED:
    case TAG_IFRAME:
    case TAG_IMG:
    case TAG_SOURCE:
    case TAG_TRACK:
    case TAG_VIDEO: return SPAN("src");
    case TAG_A:
    case TAG_AREA:
    case TAG_LINK: return SPAN("href");
    case TAG_OBJECT: return SPAN("data");
    default: break;
    }
    *is_url = false;
    for (size_t i = 0; tok->tag == TAG_OTHER && i < ARRAY_LEN(others); i++)
        if (span_eq_nocase(tok->raw, span_str(others[i].name)))
            return span_str(others[i].attribute);
    return SPAN_NONE;
}

/* True when the value is an attribute's; else it is the element's text. */
static enum err value_of_tag(struct microdata *m, const struct token *tok,
                             bool *is_known, struct span *out)
{
    const struct token_attr *attr = tokenizer_attr(tok, SPAN("content"));
    struct span name;
    bool is_url;

    *is_known = true;
    if (attr)
        return attribute(m, attr, MAX_VALUE, out);
    name = value_attribute(tok, &is_url);
    attr = name.len ? tokenizer_attr(tok, name) : NULL;
    if (attr)
        return is_url ? resolved(m, attr, out) : attribute(m, attr, MAX_VALUE, out);
    *out = SPAN_NONE;
    /* Without its attribute a URL is empty, and so is what can have no text. */
    *is_known = is_url || (tags_flags((enum tag)tok->tag) & TAGS_VOID);
    return OK;
}

/* --- items and properties ----------------------------------------------------------------- */

/* The item that the next element belongs to, or NONE. */
static int current_item(const struct microdata *m)
{
    for (size_t i = m->n_open; i-- > 0;)
        if (m->open[i].item != NONE)
            return m->open[i].item;
    return NONE;
}

static enum err begin_item(struct microdata *m, const struct token *tok, bool is_inside,
                           int *out)
{
    const struct token_attr *type = tokenizer_attr(tok, SPAN("itemtype"));
    const struct token_attr *id = tokenizer_attr(tok, SPAN("itemid"));
    struct item *it;
    enum err e = OK;

    *out = NONE;
    if (m->n_items == MAX_ITEMS || m->level == MAX_LEVELS || m->n_open == MAX_OPEN) {
        m->is_cut = true;
        return OK;
    }
    it = &m->items[m->n_items];
    *it = (struct item){ .first = NONE, .last = NONE, .is_inside = is_inside };
    if (type)
        e = attribute(m, type, MAX_VALUE, &it->type);
    if (!e && type && id)
        e = resolved(m, id, &it->id);
    if (!e)
        *out = m->n_items++;
    return e;
}

/* Is the name one of the last n properties'? */
static bool is_repeated(const struct microdata *m, struct span name, int n)
{
    for (int i = m->n_properties - n; i < m->n_properties; i++)
        if (span_eq(m->properties[i].name, span_clip_utf8(name, MAX_NAME)))
            return true;
    return false;
}

/* One property for each name of itemprop, of which equal ones are one; how many. */
static int add_properties(struct microdata *m, int owner, struct span names, int item,
                          struct span value)
{
    struct item *it = &m->items[owner];
    struct span name;
    int n = 0;

    while (n < MAX_NAMES && span_token(&names, &name)) {
        struct property *p = &m->properties[m->n_properties];

        if (is_repeated(m, name, n))
            continue;
        if (m->n_properties == MAX_PROPERTIES) {
            m->is_cut = true;
            break;
        }
        *p = (struct property){ span_clip_utf8(name, MAX_NAME), value, item, NONE };
        if (it->first == NONE)
            it->first = m->n_properties;
        else
            m->properties[it->last].next = m->n_properties;
        it->last = m->n_properties++;
        n++;
    }
    return n;
}

/* What an element begins; o is to be opened for it, if it can have content. */
static enum err read_element(struct microdata *m, const struct token *tok,
                             struct open *o)
{
    const struct token_attr *itemprop = tokenizer_attr(tok, SPAN("itemprop"));
    bool is_item = tokenizer_attr(tok, SPAN("itemscope")) != NULL, is_known = true;
    int owner = itemprop ? current_item(m) : NONE, n = 0;
    struct span names = SPAN_NONE, value = SPAN_NONE;
    enum err e = OK;

    if (is_item)
        e = begin_item(m, tok, owner != NONE, &o->item);
    if (e || owner == NONE || (is_item && o->item == NONE))
        return e;
    e = attribute(m, itemprop, MAX_VALUE, &names);
    if (!e && !is_item)
        e = value_of_tag(m, tok, &is_known, &value);
    o->properties = m->n_properties;
    if (!e)
        n = add_properties(m, owner, names, o->item, value);
    o->n_properties = is_known ? 0 : n;
    return e;
}

static enum err start(struct microdata *m, const struct token *tok)
{
    bool is_empty = (tags_flags((enum tag)tok->tag) & TAGS_VOID) ||
                    (tok->is_foreign && tok->is_self_closing);
    struct open o = { .tag = tok->tag, .name = tok->raw, .item = NONE };
    enum err e = tok->is_foreign ? OK : imply_ends(m, (enum tag)tok->tag);

    if (!e)
        e = read_element(m, tok, &o);
    if (e || is_empty)
        return e;
    if (m->n_open == MAX_OPEN) {
        m->is_cut |= o.n_properties != 0;
        return OK;
    }
    o.mark = html_text_mark(&m->text);
    m->n_readers += o.n_properties != 0;
    m->level += o.item != NONE;
    m->n_open_of[tok->tag]++;
    m->open[m->n_open++] = o;
    return OK;
}

/* --- tokens --------------------------------------------------------------------------------- */

static enum err add_text(struct microdata *m, const struct token *tok)
{
    uint8_t inside = m->n_open ? m->open[m->n_open - 1].tag : TAG_OTHER;
    enum err e;

    if (!m->n_readers || tok->is_hidden || inside == TAG_SCRIPT || inside == TAG_STYLE)
        return OK;
    e = html_text_add(&m->text, tok->raw, (enum entities_mode)tok->mode, tok->is_coded);
    if (e != ERR_TOO_LARGE)
        return e;
    m->is_cut = true;
    return OK;
}

static void break_text(struct microdata *m, const struct token *tok)
{
    unsigned flags = tok->is_foreign ? 0 : tags_flags((enum tag)tok->tag);

    if (m->n_readers && (flags & (TAGS_BLOCK | TAGS_CELL)))
        html_text_break(&m->text, ' ');
}

enum err microdata_token(struct microdata *m, const struct token *tok)
{
    switch ((enum token_type)tok->type) {
    case TOKEN_START: break_text(m, tok); return start(m, tok);
    case TOKEN_END: break_text(m, tok); return end(m, tok);
    case TOKEN_TEXT: return add_text(m, tok);
    case TOKEN_COMMENT:
    case TOKEN_DOCTYPE:
    case TOKEN_EOF: break;
    }
    return OK;
}

size_t microdata_finish(struct microdata *m)
{
    size_t n = 0;

    if (pop_to(m, 0))
        m->is_cut = true;
    for (int i = 0; i < m->n_items; i++)
        n += !m->items[i].is_inside;
    return n;
}

/* --- output ------------------------------------------------------------------------------------ */

static enum err put_item(const struct microdata *m, int index, struct buf *out);

static enum err put_value(const struct microdata *m, const struct property *p,
                          struct buf *out)
{
    return p->item == NONE ? json_text_put_string(p->value, out)
                           : put_item(m, p->item, out);
}

static bool has_name_before(const struct microdata *m, int first, int at)
{
    for (int i = first; i != at; i = m->properties[i].next)
        if (span_eq(m->properties[i].name, m->properties[at].name))
            return true;
    return false;
}

/* Every value of the property at, which is the first of its name. */
static enum err put_values(const struct microdata *m, int at, struct buf *out)
{
    struct span name = m->properties[at].name;
    enum err e = json_text_put_string(name, out);

    if (!e)
        e = buf_append(out, SPAN(":["));
    for (int i = at; !e && i != NONE; i = m->properties[i].next) {
        if (!span_eq(m->properties[i].name, name))
            continue;
        e = i == at ? OK : buf_append_byte(out, ',');
        if (!e)
            e = put_value(m, &m->properties[i], out);
    }
    return e ? e : buf_append_byte(out, ']');
}

static enum err put_properties(const struct microdata *m, const struct item *it,
                               struct buf *out)
{
    bool is_first = true;
    enum err e = buf_append(out, SPAN("\"properties\":{"));

    for (int i = it->first; !e && i != NONE; i = m->properties[i].next) {
        if (has_name_before(m, it->first, i))
            continue;
        e = is_first ? OK : buf_append_byte(out, ',');
        is_first = false;
        if (!e)
            e = put_values(m, i, out);
    }
    return e ? e : buf_append_byte(out, '}');
}

static enum err put_types(struct span types, struct buf *out)
{
    struct span type;
    size_t n = 0;
    enum err e = buf_append(out, SPAN("\"type\":["));

    while (!e && span_token(&types, &type)) {
        e = n++ ? buf_append_byte(out, ',') : OK;
        if (!e)
            e = json_text_put_string(type, out);
    }
    return e ? e : buf_append(out, SPAN("],"));
}

/* Recurses as deep as items are nested: MAX_LEVELS at most. */
static enum err put_item(const struct microdata *m, int index, struct buf *out)
{
    const struct item *it = &m->items[index];
    enum err e = buf_append_byte(out, '{');

    if (!e && it->type.len)
        e = put_types(it->type, out);
    if (!e && it->id.len)
        e = buf_append(out, SPAN("\"id\":"));
    if (!e && it->id.len)
        e = json_text_put_string(it->id, out);
    if (!e && it->id.len)
        e = buf_append_byte(out, ',');
    if (!e)
        e = put_properties(m, it, out);
    return e ? e : buf_append_byte(out, '}');
}

enum err microdata_put(struct microdata *m, struct buf *out)
{
    size_t before, max = out->max;
    bool is_first = true;
    enum err e = buf_append_byte(out, '[');

    out->max = max - 1; /* room for the end */
    for (int i = 0; !e && i < m->n_items; i++) {
        if (m->items[i].is_inside)
            continue;
        before = out->len;
        e = is_first ? OK : buf_append_byte(out, ',');
        if (!e)
            e = put_item(m, i, out);
        if (e == ERR_TOO_LARGE) {
            out->len = before;
            m->is_cut = true;
            e = OK;
        } else {
            is_first = false;
        }
    }
    out->max = max;
    return e ? e : buf_append_byte(out, ']');
}
