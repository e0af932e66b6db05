/* SPDX-License-Identifier: MIT */
#include "parse/feed.h"

#include "parse/date.h"
#include "parse/entities.h"
#include "parse/feed_vocabulary.h"
#include "parse/xml.h"

enum field_kind {
    FIELD_NONE,
    FIELD_TITLE,
    FIELD_LINK,
    FIELD_GUID,
    FIELD_PUBLISHED,
    FIELD_UPDATED,
    FIELD_ENCLOSURE,
    N_FIELDS,
};

/* Of several elements for one thing the highest rank counts, then the first. */
struct field {
    const char *name;
    enum feed_vocabulary vocabulary;
    enum field_kind kind;
    int rank;
};

static const struct field fields[] = {
    { "title", FEED_VOC_CORE, FIELD_TITLE, 2 },
    { "title", FEED_VOC_DC, FIELD_TITLE, 1 },
    { "link", FEED_VOC_CORE, FIELD_LINK, 2 },
    { "link", FEED_VOC_ATOM, FIELD_LINK, 1 },
    { "guid", FEED_VOC_CORE, FIELD_GUID, 2 },
    { "id", FEED_VOC_CORE, FIELD_GUID, 2 },
    { "published", FEED_VOC_CORE, FIELD_PUBLISHED, 5 },
    { "published", FEED_VOC_ATOM, FIELD_PUBLISHED, 5 },
    { "pubDate", FEED_VOC_CORE, FIELD_PUBLISHED, 4 },
    { "issued", FEED_VOC_CORE, FIELD_PUBLISHED, 3 },
    { "issued", FEED_VOC_DCTERMS, FIELD_PUBLISHED, 2 },
    { "created", FEED_VOC_CORE, FIELD_PUBLISHED, 1 },
    { "created", FEED_VOC_DCTERMS, FIELD_PUBLISHED, 1 },
    { "updated", FEED_VOC_CORE, FIELD_UPDATED, 4 },
    { "updated", FEED_VOC_ATOM, FIELD_UPDATED, 4 },
    { "modified", FEED_VOC_CORE, FIELD_UPDATED, 3 },
    { "modified", FEED_VOC_DCTERMS, FIELD_UPDATED, 2 },
    { "date", FEED_VOC_DC, FIELD_UPDATED, 1 },
    { "enclosure", FEED_VOC_CORE, FIELD_ENCLOSURE, 1 },
};

static const struct field other_field = { "", FEED_VOC_OTHER, FIELD_NONE, 0 };

enum place {
    OUTSIDE,
    IN_CHANNEL,
    IN_ENTRY,
};

/* What one channel or entry has said so far. */
struct draft {
    struct span values[N_FIELDS];
    int ranks[N_FIELDS];
};

struct reader {
    struct xml_sink sink;
    struct arena *mem;
    struct feed *out;
    size_t cap_entries;
    enum err e;
    enum place place;
    bool is_in_channel;
    const struct field
        *field;         /* the child of the channel or entry that is open, or NULL */
    size_t field_depth; /* elements open inside it */
    bool is_html;       /* its text is HTML once more */
    bool is_clipped;    /* its text was longer than text may be */
    struct buf text;
    struct draft channel, entry;
    struct url channel_base, entry_base, field_base;
    struct feed_prefixes prefixes;
};

static void fail(struct reader *r, enum err e)
{
    r->e = e;
    r->sink.is_full = true;
}

static enum feed_vocabulary vocabulary_of(const struct reader *r,
                                          const struct xml_name *name)
{
    enum feed_vocabulary v = feed_vocabulary_of_prefix(&r->prefixes, name->prefix);

    return v == FEED_VOC_ATOM && r->out->type == FEED_ATOM ? FEED_VOC_CORE : v;
}

static bool is_entry(const struct reader *r, const struct xml_name *name)
{
    return (xml_is(name, SPAN("item")) || xml_is(name, SPAN("entry"))) &&
           vocabulary_of(r, name) == FEED_VOC_CORE;
}

static bool is_channel(const struct xml_name *name)
{
    return xml_is(name, SPAN("channel")) || xml_is(name, SPAN("feed"));
}

/* The first element that names a kind of feed is its root. */
static void find_root(struct reader *r, const struct xml_name *name)
{
    if (xml_is(name, SPAN("feed")))
        r->out->type = FEED_ATOM;
    else if (xml_is(name, SPAN("rss")) || xml_is(name, SPAN("RDF")) || is_channel(name))
        r->out->type = FEED_RSS;
    else
        return;
    if (!xml_is(name, SPAN("RDF")))
        feed_vocabulary_add(&r->prefixes, name->prefix, FEED_VOC_CORE);
}

/* base, or what xml:base makes of it. */
static struct url base_of(struct reader *r, const struct xml_element *el,
                          const struct url *base)
{
    struct url resolved;
    enum err e;

    for (size_t i = 0; i < el->n_attributes; i++) {
        const struct xml_attribute *a = &el->attributes[i];

        if (!span_eq(a->name.prefix, SPAN("xml")) || !xml_is(&a->name, SPAN("base")))
            continue;
        e = url_parse(xml_trim(a->value), base, r->mem, &resolved);
        if (!e)
            return resolved;
        if (e != ERR_INVALID)
            fail(r, e);
    }
    return *base;
}

static struct draft *draft_of(struct reader *r)
{
    return r->place == IN_ENTRY ? &r->entry : &r->channel;
}

/* Keeps a value; the callers see to it that there is no better one. */
static void keep(struct reader *r, enum field_kind kind, int rank, struct span value)
{
    struct draft *d = draft_of(r);

    if (value.len == 0)
        return;
    d->values[kind] = value;
    d->ranks[kind] = rank;
}

static void keep_url(struct reader *r, enum field_kind kind, int rank, struct span text)
{
    struct url url;
    enum err e;

    if (text.len == 0 || r->is_clipped || rank <= draft_of(r)->ranks[kind])
        return;
    e = url_parse(text, &r->field_base, r->mem, &url);
    if (!e && url_is_web(&url))
        keep(r, kind, rank, url.href);
    if (e && e != ERR_INVALID)
        fail(r, e);
}

/* An identifier is a link only if it looks like one without any help. */
static void keep_guid(struct reader *r, int rank, struct span text)
{
    if (span_starts_nocase(text, SPAN("http://")) ||
        span_starts_nocase(text, SPAN("https://")))
        keep_url(r, FIELD_GUID, rank, text);
}

/* Plain text of escaped HTML: tags dropped, references decoded. In place of s, in out. */
static enum err strip_html(struct span s, struct buf *out)
{
    struct span piece;
    enum err e = OK;

    while (!e && s.len) {
        size_t open = span_find(s, '<');

        piece = span_slice(s, 0, open);
        s = span_skip(s, open);
        s = span_skip(s, span_find(s, '>') + 1);
        e = entities_decode(piece, ENTITIES_TEXT, out);
    }
    return e;
}

/* A copy in the arena with runs of white space made one space. */
static enum err collapse(struct span s, struct arena *mem, struct span *out)
{
    char *text = arena_try_alloc(mem, s.len + 1);
    struct span word;
    size_t n = 0;

    if (!text)
        return ERR_TOO_LARGE;
    while (span_token(&s, &word)) {
        if (n)
            text[n++] = ' ';
        memcpy(text + n, word.ptr, word.len);
        n += word.len;
    }
    *out = span_make(text, n);
    return OK;
}

static void keep_title(struct reader *r, int rank, struct span text)
{
    struct buf plain;
    struct span title;
    enum err e = OK;

    if (rank <= draft_of(r)->ranks[FIELD_TITLE])
        return;
    buf_init(&plain, FEED_MAX_TEXT_BYTES * 4);
    if (r->is_html) {
        e = strip_html(text, &plain);
        text = buf_span(&plain);
    }
    if (!e)
        e = collapse(span_clip_utf8(xml_trim(text), FEED_MAX_TEXT_BYTES), r->mem,
                     &title);
    buf_clear(&plain);
    if (e)
        fail(r, e);
    else
        keep(r, FIELD_TITLE, rank, title);
}

static void keep_date(struct reader *r, enum field_kind kind, int rank,
                      struct span text)
{
    struct span copy;
    struct date date;
    enum err e;

    /* One that cannot be read does not stand in the way of a lesser one that can. */
    if (rank <= draft_of(r)->ranks[kind] || date_parse(text, &date))
        return;
    e = arena_try_copy(r->mem, text, &copy);
    if (e)
        fail(r, e);
    else
        keep(r, kind, rank, copy);
}

/* A name that stands for an address under this one (RFC 4287 §4.2.7.2). */
static struct span relation_of(const struct xml_element *el)
{
    const struct span registry = SPAN("http://www.iana.org/assignments/relation/");
    struct span rel = xml_trim(xml_attribute(el, SPAN("rel")));

    return span_starts_nocase(rel, registry) ? span_skip(rel, registry.len) : rel;
}

/* Atom's link, and RSS's enclosure: the address is an attribute. */
static bool take_link_attributes(struct reader *r, const struct xml_element *el)
{
    struct span href = xml_trim(xml_attribute(el, SPAN("href")));
    struct span rel = relation_of(el);

    if (r->field->kind == FIELD_ENCLOSURE) {
        keep_url(r, FIELD_ENCLOSURE, r->field->rank,
                 xml_trim(xml_attribute(el, SPAN("url"))));
        return true;
    }
    if (r->field->kind != FIELD_LINK || href.len == 0)
        return false;
    if (rel.len == 0 || span_eq_nocase(rel, SPAN("alternate")))
        keep_url(r, FIELD_LINK, r->field->rank, href);
    else if (span_eq_nocase(rel, SPAN("enclosure")))
        keep_url(r, FIELD_ENCLOSURE, r->field->rank, href);
    return true;
}

static void begin_field(struct reader *r, const struct xml_element *el)
{
    enum feed_vocabulary v = vocabulary_of(r, &el->name);
    struct span type = xml_attribute(el, SPAN("type"));

    r->field = &other_field;
    r->field_depth = 0;
    for (size_t i = 0; i < ARRAY_LEN(fields); i++)
        if (fields[i].vocabulary == v && xml_is(&el->name, span_str(fields[i].name)))
            r->field = &fields[i];
    r->field_base =
        base_of(r, el, r->place == IN_ENTRY ? &r->entry_base : &r->channel_base);
    r->is_html =
        span_eq_nocase(type, SPAN("html")) || span_eq_nocase(type, SPAN("text/html"));
    r->is_clipped = false;
    buf_reset(&r->text);
    if (take_link_attributes(r, el))
        r->field = &other_field;
}

static void end_field(struct reader *r)
{
    struct span text = xml_trim(buf_span(&r->text));
    const struct field *f = r->field;

    r->field = NULL;
    if (text.len == 0 || r->place == OUTSIDE)
        return;
    if (f->kind == FIELD_TITLE)
        keep_title(r, f->rank, text);
    else if (f->kind == FIELD_LINK)
        keep_url(r, FIELD_LINK, f->rank, text);
    else if (f->kind == FIELD_GUID)
        keep_guid(r, f->rank, text);
    else if (f->kind == FIELD_PUBLISHED || f->kind == FIELD_UPDATED)
        keep_date(r, f->kind, f->rank, text);
}

/* Room for one more entry: twice as many each time. */
static struct feed_entry *add_entry(struct reader *r)
{
    struct feed *out = r->out;
    struct feed_entry *grown;
    size_t cap = r->cap_entries ? r->cap_entries * 2 : 16;

    if (out->n_entries == r->cap_entries) {
        grown = arena_try_array(r->mem, cap, sizeof *grown);
        if (!grown)
            return NULL;
        if (out->n_entries)
            memcpy(grown, out->entries, out->n_entries * sizeof *grown);
        out->entries = grown;
        r->cap_entries = cap;
    }
    return &out->entries[out->n_entries++];
}

/* -1 where there is none; dates in a draft were readable when they were kept. */
static int64_t wall_ms_of(struct span text, bool *io_is_local)
{
    struct date date;

    if (text.len == 0 || date_parse(text, &date))
        return -1;
    *io_is_local |= date.is_local;
    return date.wall_ms;
}

static void end_entry(struct reader *r)
{
    const struct span *v = r->entry.values;
    char text[DATE_RFC3339_SIZE];
    struct feed_entry *entry;
    enum err e = OK;

    r->place = r->is_in_channel ? IN_CHANNEL : OUTSIDE;
    r->field = NULL;
    if (r->out->n_entries == FEED_MAX_ENTRIES) {
        r->out->is_cut = true;
        r->sink.is_full = true;
        return;
    }
    entry = add_entry(r);
    if (!entry) {
        fail(r, ERR_TOO_LARGE);
        return;
    }
    *entry = (struct feed_entry){
        .link = v[FIELD_LINK].len ? v[FIELD_LINK] : v[FIELD_GUID],
        .title = v[FIELD_TITLE],
        .enclosure = v[FIELD_ENCLOSURE],
    };
    entry->published_wall_ms = wall_ms_of(v[FIELD_PUBLISHED], &entry->is_date_local);
    entry->updated_wall_ms = wall_ms_of(v[FIELD_UPDATED], &entry->is_date_local);
    if (v[FIELD_PUBLISHED].len || v[FIELD_UPDATED].len) {
        date_format_rfc3339(v[FIELD_PUBLISHED].len ? entry->published_wall_ms
                                                   : entry->updated_wall_ms,
                            text);
        e = arena_try_copy(r->mem, span_str(text), &entry->published);
    }
    if (e)
        fail(r, e);
}

static void begin_entry(struct reader *r, const struct xml_element *el)
{
    if (r->place == IN_ENTRY)
        end_entry(r);
    r->place = IN_ENTRY;
    r->field = NULL;
    r->is_clipped = false;
    r->entry = (struct draft){ 0 };
    r->entry_base = base_of(r, el, &r->channel_base);
    r->field_base = r->entry_base;
    /* CDF has the address here; RSS 1.0 has it here too, as a name. */
    keep_url(r, FIELD_LINK, 1, xml_trim(xml_attribute(el, SPAN("href"))));
    keep_guid(r, 1, xml_trim(xml_attribute(el, SPAN("about"))));
}

static void on_start(struct xml_sink *sink, const struct xml_element *el)
{
    struct reader *r = CONTAINER_OF(sink, struct reader, sink);

    feed_vocabulary_note(&r->prefixes, el);
    if (r->out->type == FEED_NONE) {
        find_root(r, &el->name);
        if (r->out->type != FEED_NONE)
            r->channel_base = base_of(r, el, &r->channel_base);
    }
    if (r->out->type == FEED_NONE)
        return;
    if (is_entry(r, &el->name)) {
        begin_entry(r, el);
    } else if (r->field) {
        r->field_depth++;
    } else if (is_channel(&el->name)) {
        r->place = IN_CHANNEL;
        r->is_in_channel = true;
        r->channel_base = base_of(r, el, &r->channel_base);
    } else if (!xml_is(&el->name, SPAN("rss")) && !xml_is(&el->name, SPAN("RDF"))) {
        begin_field(r, el);
    }
}

static void on_text(struct xml_sink *sink, struct span text)
{
    struct reader *r = CONTAINER_OF(sink, struct reader, sink);
    size_t room = FEED_MAX_TEXT_BYTES - r->text.len;
    enum err e;

    if (!r->field || r->field->kind == FIELD_NONE || r->is_clipped)
        return;
    r->is_clipped = text.len > room;
    e = buf_append(&r->text, span_clip_utf8(text, room));
    if (e)
        fail(r, e);
}

static void on_end(struct xml_sink *sink, const struct xml_name *name)
{
    struct reader *r = CONTAINER_OF(sink, struct reader, sink);

    if (r->field && r->field_depth > 0) {
        r->field_depth--;
    } else if (r->field) {
        end_field(r);
    } else if (is_entry(r, name) && r->place == IN_ENTRY) {
        end_entry(r);
    } else if (is_channel(name)) {
        r->place = OUTSIDE;
        r->is_in_channel = false;
    }
}

enum err feed_parse(struct span body, const struct url *url, struct arena *mem,
                    struct feed *out)
{
    struct feed found = { .type = FEED_NONE };
    struct reader r = {
        .sink = { on_start, on_text, on_end, false },
        .mem = mem,
        .out = &found,
        .channel_base = *url,
    };
    enum err e;

    buf_init(&r.text, FEED_MAX_TEXT_BYTES);
    e = xml_parse(body, &r.sink);
    buf_clear(&r.text);
    if (!e)
        e = r.e;
    if (e)
        return e;
    found.title = r.channel.values[FIELD_TITLE];
    *out = found;
    return OK;
}
