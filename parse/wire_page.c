/* SPDX-License-Identifier: MIT */
#include "parse/wire_page.h"

#include "parse/json_text.h"
#include "parse/pack.h"

/* Flags of a page. */
enum {
    IS_NOINDEX = 1,
    IS_NOFOLLOW = 2,
    LINKS_CUT = 4,
    PAGE_FLAGS_END = 8,
};

/* kind, hop, nofollow, three lengths */
#define MIN_LINK_SIZE ((size_t)(3 + 3 * 2))

struct span wire_page_clean_url(struct span url)
{
    return url.len <= WIRE_MAX_URL_BYTES && wire_io_is_url(url) ? url : SPAN_NONE;
}

void *wire_page_array(struct wire_io_reader *r, struct arena *mem, size_t n,
                      size_t size)
{
    void *p = NULL;

    if (!r->error && n) {
        p = arena_try_array(mem, n, size);
        if (!p)
            wire_io_fail(r, ERR_NO_MEMORY);
    }
    return p;
}

/* ---- links ---- */

/* url: the link's, clean. False when the link did not fit; the writer stands where it stood before. */
static bool put_link(struct wire_io_writer *w, const struct fact_link *l, struct span url)
{
    struct wire_io_writer before = *w;
    struct span text = wire_io_clean_text(l->text, WIRE_MAX_LINK_TEXT_BYTES);
    struct span rel = wire_io_clean_text(l->rel, WIRE_MAX_LINK_FIELD_BYTES);

    wire_io_put_u8(w, l->kind);
    wire_io_put_u8(w, l->hop);
    wire_io_put_u8(w, l->is_nofollow);
    wire_io_put_u16(w, (uint16_t)url.len);
    wire_io_put_u16(w, (uint16_t)text.len);
    wire_io_put_u16(w, (uint16_t)rel.len);
    wire_io_put_raw(w, url);
    wire_io_put_raw(w, text);
    wire_io_put_raw(w, rel);
    if (!w->is_full)
        return true;
    *w = before;
    return false;
}

/* Links whose URL breaks the wire's rule are left out. False when some did not fit. */
static bool put_links(struct wire_io_writer *w, const struct page_facts *page,
                      size_t max, bool may_cut)
{
    struct wire_io_writer count_at = *w;
    size_t i, n = 0;

    wire_io_put_u32(w, 0);
    for (i = 0; i < page->n_links && n < max; i++) {
        struct span url = wire_page_clean_url(page->links[i].url);

        if (!url.len)
            continue;
        if (!put_link(w, &page->links[i], url))
            break;
        n++;
    }
    wire_io_put_u32(&count_at, (uint32_t)n);
    if (i < page->n_links && !may_cut && n < max)
        w->is_full = true;
    return i == page->n_links;
}

/* A text of the given length, in one of a link's three places. */
static struct span get_link_text(struct wire_io_reader *r, size_t len, size_t max)
{
    struct span s = wire_io_get_raw(r, len);

    if (len > max)
        wire_io_fail(r, ERR_TOO_LARGE);
    else if (!wire_io_is_text(s))
        wire_io_fail(r, ERR_CORRUPT);
    return s;
}

/* Writes all of *l, where it fails too. */
static void get_link(struct wire_io_reader *r, struct fact_link *l)
{
    size_t url_len, text_len, rel_len;

    l->details = NULL;
    l->kind = wire_io_get_enum(r, N_LINK_KINDS);
    l->hop = wire_io_get_enum(r, N_FACT_HOPS);
    l->is_nofollow = wire_io_get_bool(r);
    url_len = wire_io_get_u16(r);
    text_len = wire_io_get_u16(r);
    rel_len = wire_io_get_u16(r);
    l->url = wire_io_get_raw(r, url_len);
    if (!url_len || url_len > WIRE_MAX_URL_BYTES || !wire_io_is_url(l->url))
        wire_io_fail(r, ERR_CORRUPT);
    l->text = get_link_text(r, text_len, WIRE_MAX_LINK_TEXT_BYTES);
    l->rel = get_link_text(r, rel_len, WIRE_MAX_LINK_FIELD_BYTES);
}

static void get_links(struct wire_io_reader *r, size_t max, struct arena *mem,
                      struct page_facts *page)
{
    page->links = NULL;
    page->n_links = wire_io_get_count(r, max, MIN_LINK_SIZE);
    if (r->error || !page->n_links)
        return;
    page->links = arena_try_alloc(mem, page->n_links * sizeof *page->links); /* each is written whole */
    if (!page->links)
        wire_io_fail(r, ERR_NO_MEMORY);
    for (size_t i = 0; i < page->n_links && !r->error; i++)
        get_link(r, &page->links[i]);
}

/* ---- pages ---- */

static void put_scalars(struct wire_io_writer *w, const struct page_facts *p)
{
    unsigned flags = (p->is_noindex ? IS_NOINDEX : 0) |
                     (p->is_nofollow ? IS_NOFOLLOW : 0) |
                     (p->links_cut ? LINKS_CUT : 0);

    wire_io_put_u8(w, p->outcome);
    wire_io_put_u8(w, p->decode);
    wire_io_put_u8(w, (uint8_t)flags);
    wire_io_put_u64(w, (uint64_t)p->size);
    wire_io_put_u64(w, (uint64_t)p->word_count);
    wire_io_put_u64(w, (uint64_t)p->links_other);
    wire_io_put_u64(w, p->simhash);
    wire_io_put_raw(w, span_make((const char *)p->sha256, sizeof p->sha256));
}

/* A count that cannot be negative. */
static int64_t get_natural(struct wire_io_reader *r)
{
    uint64_t v = wire_io_get_u64(r);

    if (v <= INT64_MAX)
        return (int64_t)v;
    wire_io_fail(r, ERR_CORRUPT);
    return 0;
}

static void get_scalars(struct wire_io_reader *r, struct page_facts *p)
{
    unsigned flags;
    struct span digest;

    p->outcome = wire_io_get_enum(r, N_PARSE_OUTCOMES);
    p->decode = wire_io_get_enum(r, N_DECODE_OUTCOMES);
    flags = wire_io_get_enum(r, PAGE_FLAGS_END);
    p->is_noindex = (flags & IS_NOINDEX) != 0;
    p->is_nofollow = (flags & IS_NOFOLLOW) != 0;
    p->links_cut = (flags & LINKS_CUT) != 0;
    p->size = get_natural(r);
    p->word_count = get_natural(r);
    p->links_other = get_natural(r);
    p->simhash = wire_io_get_u64(r);
    digest = wire_io_get_raw(r, sizeof p->sha256);
    if (digest.ptr)
        memcpy(p->sha256, digest.ptr, sizeof p->sha256);
}

static void put_texts(struct wire_io_writer *w, const struct page_facts *p)
{
    wire_io_put_bytes(w, wire_page_clean_url(p->canonical));
    wire_io_put_text(w, p->charset, WIRE_MAX_LINK_FIELD_BYTES);
    wire_io_put_text(w, p->charset_source, WIRE_MAX_LINK_FIELD_BYTES);
    wire_io_put_text(w, p->title, WIRE_MAX_FIELD_BYTES);
    wire_io_put_text(w, p->description, WIRE_MAX_FIELD_BYTES);
    wire_io_put_text(w, p->h1, WIRE_MAX_FIELD_BYTES);
    wire_io_put_text(w, p->robots_meta, WIRE_MAX_FIELD_BYTES);
    wire_io_put_text(w, p->x_robots_tag, WIRE_MAX_FIELD_BYTES);
    wire_io_put_text(w, p->lang, WIRE_MAX_FIELD_BYTES);
}

static void get_texts(struct wire_io_reader *r, struct page_facts *p)
{
    p->canonical = wire_io_get_url(r, WIRE_MAX_URL_BYTES);
    p->charset = wire_io_get_text(r, WIRE_MAX_LINK_FIELD_BYTES);
    p->charset_source = wire_io_get_text(r, WIRE_MAX_LINK_FIELD_BYTES);
    p->title = wire_io_get_text(r, WIRE_MAX_FIELD_BYTES);
    p->description = wire_io_get_text(r, WIRE_MAX_FIELD_BYTES);
    p->h1 = wire_io_get_text(r, WIRE_MAX_FIELD_BYTES);
    p->robots_meta = wire_io_get_text(r, WIRE_MAX_FIELD_BYTES);
    p->x_robots_tag = wire_io_get_text(r, WIRE_MAX_FIELD_BYTES);
    p->lang = wire_io_get_text(r, WIRE_MAX_FIELD_BYTES);
}

/* An object that SQL will take apart, or nothing. */
static bool is_facts(struct span json)
{
    return !json.len || (wire_io_is_text(json) && json_text_is_object(json));
}

void wire_page_put(struct wire_io_writer *w, const struct page_facts *page,
                   const struct wire_limits *limits, bool may_cut)
{
    struct wire_io_writer start = *w;
    struct page_facts p = *page;
    bool is_whole;

    if (may_cut) {
        p.outcome = PARSE_REFUSED;
        p.text = p.body = p.facts_json = p.dictionary = SPAN_NONE;
    }
    /* Half an object is no JSON, half a frame no zstd. */
    if (p.facts_json.len > WIRE_MAX_JSON_BYTES || !is_facts(p.facts_json))
        p.facts_json = SPAN_NONE;
    if (p.body.len > limits->max_body_bytes)
        p.body = SPAN_NONE;
    if (!pack_is_dictionary(p.dictionary, limits->dictionary_id))
        p.dictionary = SPAN_NONE;
    put_scalars(w, &p);
    put_texts(w, &p);
    wire_io_put_text(w, p.text, limits->max_text_bytes);
    wire_io_put_bytes(w, p.facts_json);
    wire_io_put_bytes(w, p.body);
    wire_io_put_bytes(w, p.dictionary);
    is_whole = put_links(w, &p, limits->max_links, may_cut);
    if (!is_whole && !w->is_full) {
        p.links_cut = true;
        put_scalars(&start, &p);
    }
}

void wire_page_get(struct wire_io_reader *r, const struct wire_limits *limits,
                   struct arena *mem, struct page_facts *out)
{
    get_scalars(r, out);
    get_texts(r, out);
    out->text = wire_io_get_text(r, limits->max_text_bytes);
    out->facts_json = wire_io_get_text(r, WIRE_MAX_JSON_BYTES);
    if (!is_facts(out->facts_json))
        wire_io_fail(r, ERR_CORRUPT);
    out->body = wire_io_get_bytes(r, limits->max_body_bytes);
    out->dictionary =
        wire_io_get_bytes(r, limits->dictionary_id ? PACK_MAX_DICTIONARY_BYTES : 0);
    if (out->dictionary.len &&
        !pack_is_dictionary(out->dictionary, limits->dictionary_id))
        wire_io_fail(r, ERR_CORRUPT);
    get_links(r, limits->max_links, mem, out);
}
