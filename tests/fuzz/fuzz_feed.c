/* SPDX-License-Identifier: MIT */
/*
 * Feeds of all kinds. What must hold for every input: every link is an absolute
 * http(s) URL that parses to itself, titles are valid UTF-8 within their limit,
 * and starts and ends of elements pair up in order, whatever the markup.
 */
#include "parse/feed.h"
#include "parse/xml.h"

#define MAX_OPEN 1000

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* Counts what is open; names are compared by length, which is enough to see disorder. */
struct pairing {
    struct xml_sink sink;
    size_t depth, lengths[MAX_OPEN];
};

static void on_start(struct xml_sink *sink, const struct xml_element *el)
{
    struct pairing *p = CONTAINER_OF(sink, struct pairing, sink);

    BUG_IF(p->depth == XML_MAX_DEPTH || el->name.local.len + el->name.prefix.len == 0);
    for (size_t i = 0; i < el->n_attributes; i++)
        BUG_IF(!span_is_utf8(el->attributes[i].value));
    p->lengths[p->depth++] = el->name.local.len;
}

static void on_text(struct xml_sink *sink, struct span text)
{
    (void)sink;
    BUG_IF(!span_is_utf8(text));
}

static void on_end(struct xml_sink *sink, const struct xml_name *name)
{
    struct pairing *p = CONTAINER_OF(sink, struct pairing, sink);

    BUG_IF(p->depth == 0);
    BUG_IF(p->lengths[--p->depth] != name->local.len);
}

static void check_pairing(struct span in)
{
    struct pairing p = { .sink = { on_start, on_text, on_end, false } };

    BUG_IF(xml_parse(in, &p.sink));
    BUG_IF(p.depth != 0);
}

static void check_url(struct span href, struct arena *mem)
{
    struct url url;

    if (href.len == 0)
        return;
    BUG_IF(url_parse(href, NULL, mem, &url));
    BUG_IF(!span_eq(url.href, href) || !url_is_web(&url));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct span in = span_make((const char *)data, size);
    struct arena mem, small;
    struct feed feed, again;
    struct url url;

    arena_init(&mem, 256 * MIB);
    arena_init(&small, 4 * KIB);
    check_pairing(in);
    BUG_IF(url_parse(SPAN("https://h.example/d/f.xml"), NULL, &mem, &url));
    BUG_IF(feed_parse(in, &url, &mem, &feed));
    BUG_IF(!span_is_utf8(feed.title) || feed.title.len > FEED_MAX_TEXT_BYTES);
    for (size_t i = 0; i < feed.n_entries; i++) {
        const struct feed_entry *e = &feed.entries[i];

        check_url(e->link, &mem);
        check_url(e->enclosure, &mem);
        BUG_IF(!span_is_utf8(e->title) || e->title.len > FEED_MAX_TEXT_BYTES);
    }
    if (!feed_parse(in, &url, &small, &again))
        BUG_IF(again.n_entries > feed.n_entries || again.type != feed.type);
    arena_clear(&small);
    arena_clear(&mem);
    return 0;
}
