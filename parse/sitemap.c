/* SPDX-License-Identifier: MIT */
#include "parse/sitemap.h"

#include "parse/date.h"
#include "parse/feed.h"
#include "parse/header.h"
#include "parse/xml.h"

/* Longer values are no URL that anyone would fetch. */
#define MAX_TEXT_BYTES   ((size_t)8 * 1024)
#define MAX_PREFIX_BYTES ((size_t)32)

enum field {
    FIELD_NONE,
    FIELD_LOC,
    FIELD_LASTMOD,
    FIELD_CHANGEFREQ,
    FIELD_PRIORITY,
    FIELD_IMAGE,
    FIELD_OTHER, /* of no interest, with all that is in it */
};

/* Grows in the arena. */
struct list {
    struct sitemap_entry *entries;
    size_t n, cap;
};

struct spans {
    struct span *items;
    size_t n, cap;
};

struct reader {
    struct xml_sink sink;
    struct arena *mem;
    const struct url *base;
    enum err e;
    enum sitemap_type type;
    bool is_feed; /* the root says so; nothing else was read */
    bool is_cut;
    char prefix[MAX_PREFIX_BYTES]; /* that the sitemap's own elements may have */
    size_t prefix_len;
    struct list urls, sitemaps;
    /* The entry being read. */
    bool is_open, is_index, is_in_image;
    struct sitemap_entry entry;
    struct spans alternates, images;
    struct buf bare; /* text that stands in the entry itself */
    enum field field;
    size_t field_depth; /* elements open inside the field */
    struct buf text;
    bool is_too_long; /* the field's text was longer than text may be */
};

static void fail(struct reader *r, enum err e)
{
    r->e = e;
    r->sink.is_full = true;
}

/* Makes room for one more item of this size at the end of an array in the arena. */
static enum err grow(struct arena *mem, void **io_items, size_t *io_cap, size_t n,
                     size_t size)
{
    size_t cap = *io_cap ? *io_cap * 2 : 8;
    void *grown;

    if (n < *io_cap)
        return OK;
    grown = arena_try_array(mem, cap, size);
    if (!grown)
        return ERR_TOO_LARGE;
    if (n)
        memcpy(grown, *io_items, n * size);
    *io_items = grown;
    *io_cap = cap;
    return OK;
}

static enum err add_entry(struct reader *r, struct list *list,
                          const struct sitemap_entry *entry)
{
    void *items = list->entries;
    enum err e;

    if (r->urls.n + r->sitemaps.n == SITEMAP_MAX_ENTRIES) {
        r->is_cut = true;
        r->sink.is_full = true;
        return OK;
    }
    e = grow(r->mem, &items, &list->cap, list->n, sizeof *entry);
    if (e)
        return e;
    list->entries = items;
    list->entries[list->n++] = *entry;
    return OK;
}

static enum err add_span(struct arena *mem, struct spans *list, struct span s)
{
    void *items = list->items;
    enum err e = grow(mem, &items, &list->cap, list->n, sizeof s);

    if (e)
        return e;
    list->items = items;
    list->items[list->n++] = s;
    return OK;
}

static bool is_web_text(struct span s)
{
    return span_starts_nocase(s, SPAN("http://")) ||
           span_starts_nocase(s, SPAN("https://"));
}

static bool has_space(struct span s)
{
    for (size_t i = 0; i < s.len; i++)
        if (span_is_space(s.ptr[i]))
            return true;
    return false;
}

/*
 * The URL that text means, or SPAN_NONE. A relative one is resolved; text with
 * white space inside is prose unless it says its scheme.
 */
static struct span resolve(struct reader *r, struct span text)
{
    struct url url;
    enum err e;

    if (text.len == 0 || (has_space(text) && !is_web_text(text)))
        return SPAN_NONE;
    e = url_parse(text, r->base, r->mem, &url);
    if (e && e != ERR_INVALID)
        fail(r, e);
    return e || !url_is_web(&url) ? SPAN_NONE : url.href;
}

/* Adds the entry that is open, if it has an address, and closes it. */
static void end_entry(struct reader *r)
{
    struct span bare = xml_trim(buf_span(&r->bare));

    if (!r->is_open)
        return;
    r->is_open = false;
    r->is_in_image = false;
    if (r->entry.loc.len == 0 && is_web_text(bare))
        r->entry.loc = resolve(r, bare);
    if (r->entry.loc.len == 0)
        return;
    r->entry.alternates = r->alternates.items;
    r->entry.n_alternates = r->alternates.n;
    r->entry.images = r->images.items;
    r->entry.n_images = r->images.n;
    r->e = add_entry(r, r->is_index ? &r->sitemaps : &r->urls, &r->entry);
    if (r->e)
        r->sink.is_full = true;
}

static void begin_entry(struct reader *r, bool is_index)
{
    end_entry(r);
    r->is_open = true;
    r->is_index = is_index;
    r->entry = (struct sitemap_entry){ .lastmod_wall_ms = -1 };
    r->alternates = r->images = (struct spans){ NULL, 0, 0 };
    buf_reset(&r->bare);
}

static void begin_field(struct reader *r, enum field field)
{
    r->field = field;
    r->field_depth = 0;
    r->is_too_long = false;
    buf_reset(&r->text);
}

static void set_loc(struct reader *r, struct span text)
{
    struct span loc = resolve(r, text);

    if (loc.len == 0)
        return;
    /* A second address in one entry: the tags between them are missing. */
    if (r->entry.loc.len)
        begin_entry(r, r->is_index);
    r->entry.loc = loc;
}

static void set_lastmod(struct reader *r, struct span text)
{
    struct date date;

    if (date_parse(text, &date))
        return;
    r->e = arena_try_copy(r->mem, text, &r->entry.lastmod);
    r->entry.lastmod_wall_ms = date.wall_ms;
}

static void add_image(struct reader *r, struct span text)
{
    struct span image = r->images.n < SITEMAP_MAX_IMAGES ? resolve(r, text) : SPAN_NONE;

    if (image.len)
        r->e = add_span(r->mem, &r->images, image);
}

static void end_field(struct reader *r)
{
    struct span text = xml_trim(buf_span(&r->text));
    enum field field = r->field;

    r->field = FIELD_NONE;
    if (text.len == 0 || r->is_too_long)
        return;
    if (field == FIELD_LOC)
        set_loc(r, text);
    else if (field == FIELD_LASTMOD)
        set_lastmod(r, text);
    else if (field == FIELD_CHANGEFREQ)
        r->e = arena_try_copy(r->mem, text, &r->entry.changefreq);
    else if (field == FIELD_PRIORITY)
        r->e = arena_try_copy(r->mem, text, &r->entry.priority);
    else if (field == FIELD_IMAGE)
        add_image(r, text);
    if (r->e)
        r->sink.is_full = true;
}

/* Is this element in the sitemap's own vocabulary (or in none, which will do)? */
static bool is_own(const struct reader *r, const struct xml_name *name)
{
    return name->prefix.len == 0 ||
           span_eq(name->prefix, span_make(r->prefix, r->prefix_len));
}

static enum field field_of(const struct reader *r, const struct xml_name *name)
{
    if (xml_is(name, SPAN("loc")) &&
        (r->is_in_image || span_eq_nocase(name->prefix, SPAN("image"))))
        return FIELD_IMAGE;
    if (!is_own(r, name))
        return FIELD_OTHER;
    if (xml_is(name, SPAN("loc")))
        return FIELD_LOC;
    if (xml_is(name, SPAN("lastmod")))
        return FIELD_LASTMOD;
    if (xml_is(name, SPAN("changefreq")))
        return FIELD_CHANGEFREQ;
    if (xml_is(name, SPAN("priority")))
        return FIELD_PRIORITY;
    return FIELD_OTHER;
}

/* The root's prefix, or where it has none one that it declares for sitemaps. */
static void note_prefix(struct reader *r, const struct xml_element *root)
{
    struct span prefix = root->name.prefix;

    for (size_t i = 0; !prefix.len && i < root->n_attributes; i++) {
        const struct xml_attribute *a = &root->attributes[i];

        if (span_eq(a->name.prefix, SPAN("xmlns")) &&
            span_find_span(a->value, SPAN("/schemas/sitemap/")) < a->value.len)
            prefix = a->name.local;
    }
    r->prefix_len = MIN(prefix.len, MAX_PREFIX_BYTES);
    if (r->prefix_len)
        memcpy(r->prefix, prefix.ptr, r->prefix_len);
}

/* The first element that names a kind of sitemap is its root. */
static void find_root(struct reader *r, const struct xml_element *el)
{
    static const char *const feeds[] = { "rss", "RDF", "feed", "channel" };
    const struct xml_name *name = &el->name;

    if (xml_is(name, SPAN("urlset")))
        r->type = SITEMAP_URLSET;
    else if (xml_is(name, SPAN("sitemapindex")))
        r->type = SITEMAP_INDEX;
    for (size_t i = 0; i < ARRAY_LEN(feeds); i++)
        if (xml_is(name, span_str(feeds[i])))
            r->is_feed = r->sink.is_full = true;
    note_prefix(r, el);
}

/* xhtml:link rel=alternate: the same page in another language. */
static void add_alternate(struct reader *r, const struct xml_element *el)
{
    struct span rel = xml_attribute(el, SPAN("rel")), href;

    if (r->alternates.n == SITEMAP_MAX_ALTERNATES ||
        (rel.len && span_find_nocase(rel, SPAN("alternate")) == rel.len))
        return;
    href = resolve(r, xml_trim(xml_attribute(el, SPAN("href"))));
    if (href.len && add_span(r->mem, &r->alternates, href))
        fail(r, ERR_TOO_LARGE);
}

static bool is_entry(const struct reader *r, const struct xml_name *name)
{
    return is_own(r, name) &&
           (xml_is(name, SPAN("url")) || xml_is(name, SPAN("sitemap")));
}

/* Does this start tag show that the end tag of the field before it was forgotten? */
static bool ends_field(const struct reader *r, const struct xml_name *name)
{
    enum field next = field_of(r, name);

    if (r->field_depth > 0 || r->field == FIELD_OTHER)
        return false;
    /* Some write <loc><url>address</url></loc>. */
    if (is_entry(r, name))
        return r->text.len > 0;
    return next != FIELD_OTHER && next != FIELD_IMAGE;
}

/* An element inside a field says nothing. */
static bool is_nested(struct reader *r, const struct xml_name *name)
{
    if (r->field == FIELD_NONE)
        return false;
    if (ends_field(r, name)) {
        end_field(r);
        return false;
    }
    r->field_depth++;
    return true;
}

static void on_start(struct xml_sink *sink, const struct xml_element *el)
{
    struct reader *r = CONTAINER_OF(sink, struct reader, sink);
    enum field field;

    if (r->type == SITEMAP_NONE) {
        find_root(r, el);
        return;
    }
    if (is_nested(r, &el->name))
        return;
    if (is_entry(r, &el->name)) {
        begin_entry(r, xml_is(&el->name, SPAN("sitemap")));
        return;
    }
    field = field_of(r, &el->name);
    if (field == FIELD_LOC && !r->is_open)
        begin_entry(r, r->type == SITEMAP_INDEX);
    if (xml_is(&el->name, SPAN("image")))
        r->is_in_image = true;
    else if (r->is_open)
        begin_field(r, field);
    if (r->is_open && xml_is(&el->name, SPAN("link")))
        add_alternate(r, el);
}

static void on_text(struct xml_sink *sink, struct span text)
{
    struct reader *r = CONTAINER_OF(sink, struct reader, sink);
    struct buf *b = r->field == FIELD_NONE ? &r->bare : &r->text;
    enum err e;

    if (!r->is_open || r->field == FIELD_OTHER)
        return;
    e = buf_append(b, text);
    if (e == ERR_TOO_LARGE)
        r->is_too_long = true;
    else if (e)
        fail(r, e);
}

static void on_end(struct xml_sink *sink, const struct xml_name *name)
{
    struct reader *r = CONTAINER_OF(sink, struct reader, sink);

    if (r->field != FIELD_NONE && r->field_depth > 0)
        r->field_depth--;
    else if (r->field != FIELD_NONE)
        end_field(r);
    else if (xml_is(name, SPAN("image")))
        r->is_in_image = false;
    else if (xml_is(name, SPAN("url")) || xml_is(name, SPAN("sitemap")) ||
             xml_is(name, SPAN("urlset")) || xml_is(name, SPAN("sitemapindex")))
        end_entry(r);
}

/* A feed used as a sitemap: its entries with a link, each with its latest date. */
static enum err read_feed(struct reader *r, struct span body)
{
    struct feed feed;
    enum err e = feed_parse(body, r->base, r->mem, &feed);

    if (e)
        return e;
    r->type = feed.type == FEED_ATOM ? SITEMAP_ATOM : SITEMAP_RSS;
    for (size_t i = 0; i < feed.n_entries && !e; i++) {
        const struct feed_entry *from = &feed.entries[i];
        int64_t at = MAX(from->updated_wall_ms, from->published_wall_ms);
        struct sitemap_entry entry = { .loc = from->link, .lastmod_wall_ms = -1 };
        char text[DATE_RFC3339_SIZE];

        /* A guessed zone is good enough for a reader, not for "changed since". */
        if (at >= 0 && !from->is_date_local) {
            entry.lastmod_wall_ms = at;
            e = arena_try_copy(r->mem, span_str(date_format_rfc3339(at, text)),
                               &entry.lastmod);
        }
        if (!e && entry.loc.len)
            e = add_entry(r, &r->urls, &entry);
    }
    r->is_cut |= feed.is_cut;
    return e;
}

/* One URL a line. Prose must not become URLs: the first line has to be one already. */
static enum err read_text(struct reader *r, struct span body, bool is_plain)
{
    struct span line;
    enum err e = OK;

    while (!e && !r->sink.is_full && body.len) {
        struct sitemap_entry entry = { .lastmod_wall_ms = -1 };
        size_t end = 0;

        while (end < body.len && body.ptr[end] != '\n' && body.ptr[end] != '\r')
            end++;
        line = xml_trim(span_slice(body, 0, end));
        body = span_skip(body, end + 1);
        if (line.len == 0)
            continue;
        if (is_web_text(line) && line.len <= MAX_TEXT_BYTES)
            entry.loc = resolve(r, line);
        if (r->e)
            return r->e;
        if (entry.loc.len == 0 && !is_plain && r->urls.n == 0)
            return OK;
        if (entry.loc.len) {
            r->type = SITEMAP_TEXT;
            e = add_entry(r, &r->urls, &entry);
        }
    }
    return e;
}

static enum err read_any(struct reader *r, struct span body, struct span content_type)
{
    struct header_content_type type;
    enum err e = xml_parse(body, &r->sink);

    if (!e)
        e = r->e;
    if (e)
        return e;
    if (r->is_feed)
        r->sink.is_full = false;
    if (r->is_feed)
        return read_feed(r, body);
    end_entry(r);
    if (r->type != SITEMAP_NONE || r->e)
        return r->e;
    header_content_type_parse(content_type, &type);
    return read_text(r, body, span_eq_nocase(type.essence, SPAN("text/plain")));
}

enum err sitemap_parse(struct span body, struct span content_type,
                       const struct url *url, struct arena *mem, struct sitemap *out)
{
    struct reader r = {
        .sink = { on_start, on_text, on_end, false },
        .mem = mem,
        .base = url,
        .is_cut = body.len > SITEMAP_MAX_BYTES,
    };
    enum err e;

    buf_init(&r.text, MAX_TEXT_BYTES);
    buf_init(&r.bare, MAX_TEXT_BYTES);
    e = read_any(&r, span_slice(body, 0, MIN(body.len, SITEMAP_MAX_BYTES)),
                 content_type);
    buf_clear(&r.text);
    buf_clear(&r.bare);
    if (e)
        return e;
    *out = (struct sitemap){
        .type = r.type,
        .urls = r.urls.entries,
        .n_urls = r.urls.n,
        .sitemaps = r.sitemaps.entries,
        .n_sitemaps = r.sitemaps.n,
        .is_cut = r.is_cut,
    };
    return OK;
}

const char *sitemap_type_name(enum sitemap_type type)
{
    static const char *const names[] = {
        [SITEMAP_URLSET] = "urlset", [SITEMAP_INDEX] = "sitemapindex",
        [SITEMAP_RSS] = "rss",       [SITEMAP_ATOM] = "atom",
        [SITEMAP_TEXT] = "text",
    };

    return (size_t)type < ARRAY_LEN(names) ? names[type] : NULL;
}
