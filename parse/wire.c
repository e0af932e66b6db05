/* SPDX-License-Identifier: MIT */
#include "parse/wire.h"

#include "parse/wire_io.h"
#include "parse/wire_page.h"

/* Every message begins with these. */
#define MAGIC_JOB    0x4a
#define MAGIC_ANSWER 0x41

/* zstd's worst case is a little over the input. */
static size_t packed_limit(uint64_t decoded)
{
    uint64_t most = MIN(decoded, (uint64_t)UINT32_MAX / 2);

    return (size_t)(most + most / 128 + 1024);
}

void wire_limits_of(const struct job *job, struct wire_limits *out)
{
    bool is_inspect = job->kind == JOB_INSPECT || job->kind == JOB_MISBEHAVE;
    uint64_t most = MIN(job->max_decoded_bytes, (uint64_t)UINT32_MAX / 2);
    uint64_t most_text = MIN(job->max_text_bytes, (uint64_t)UINT32_MAX / 2);

    *out = (struct wire_limits){
        .kind = job->kind,
        .max_links = job->max_links,
        .max_text_bytes = (size_t)most_text,
        .max_body_bytes = job->wants_body || job->wants_body_all
                              ? packed_limit(job->max_decoded_bytes)
                              : 0,
        .max_bytes = is_inspect ? WIRE_MAX_INSPECT_BYTES
                     : job->kind == JOB_TEXT ? (size_t)most_text
                                             : (size_t)most,
        .dictionary_id = job->wants_dictionary ? job->dictionary_id : 0,
    };
}

/* ---- jobs ---- */

enum {
    WANTS_TEXT = 1,
    WANTS_BODY = 2,
    WANTS_BODY_ALL = 4,
    WANTS_DETAILS = 8,
    WANTS_FACTS = 16,
    WANTS_DICTIONARY = 32,
    WANTS_MAX = 63,
};

static size_t job_parts_size(const struct job *job)
{
    return job->url.len + job->content_type.len + job->content_encoding.len +
           job->headers.len + job->product_token.len + job->command.len +
           job->rules.len + job->inline_dictionary.len;
}

size_t wire_job_size(const struct job *job)
{
    /* head 12, flags 1, numbers 6 * 8 + 2 * 4, nine lengths */
    return 12 + 1 + 56 + 9 * 4 + job_parts_size(job) + job->inline_body.len;
}

enum err wire_encode_job(const struct job *job, uint64_t id, void *region, size_t n,
                         size_t *out_len)
{
    struct wire_io_writer w;
    unsigned wants = (job->wants_text ? WANTS_TEXT : 0) |
                     (job->wants_body ? WANTS_BODY : 0) |
                     (job->wants_body_all ? WANTS_BODY_ALL : 0) |
                     (job->wants_details ? WANTS_DETAILS : 0) |
                     (job->wants_facts ? WANTS_FACTS : 0) |
                     (job->wants_dictionary ? WANTS_DICTIONARY : 0);

    if (job_parts_size(job) > WIRE_MAX_REQUEST_BYTES)
        return ERR_TOO_LARGE;
    wire_io_write_to(&w, region, n);
    wire_io_put_u8(&w, MAGIC_JOB);
    wire_io_put_u16(&w, WIRE_VERSION);
    wire_io_put_u8(&w, job->kind);
    wire_io_put_u64(&w, id);
    wire_io_put_u8(&w, (uint8_t)wants);
    wire_io_put_u64(&w, job->max_decoded_bytes);
    wire_io_put_u64(&w, job->max_text_bytes);
    wire_io_put_u32(&w, job->max_links);
    wire_io_put_u64(&w, job->region_offset);
    wire_io_put_u64(&w, job->region_len);
    wire_io_put_u32(&w, job->dictionary_id);
    wire_io_put_u64(&w, job->dictionary_offset);
    wire_io_put_u64(&w, job->dictionary_len);
    wire_io_put_bytes(&w, job->url);
    wire_io_put_bytes(&w, job->content_type);
    wire_io_put_bytes(&w, job->content_encoding);
    wire_io_put_bytes(&w, job->headers);
    wire_io_put_bytes(&w, job->product_token);
    wire_io_put_bytes(&w, job->command);
    wire_io_put_bytes(&w, job->rules);
    wire_io_put_bytes(&w, job->inline_dictionary);
    wire_io_put_bytes(&w, job->inline_body);
    if (w.is_full)
        return ERR_TOO_LARGE;
    *out_len = wire_io_written(&w);
    return OK;
}

/* Kind and id of a message; the reader is positioned behind them. */
static uint8_t get_head(struct wire_io_reader *r, uint8_t magic, uint64_t *out_id)
{
    uint8_t kind;

    if (wire_io_get_u8(r) != magic)
        wire_io_fail(r, ERR_CORRUPT);
    if (wire_io_get_u16(r) != WIRE_VERSION)
        wire_io_fail(r, ERR_VERSION);
    kind = wire_io_get_enum(r, N_JOB_KINDS);
    *out_id = wire_io_get_u64(r);
    return kind;
}

static enum err finish(struct wire_io_reader *r)
{
    if (!r->error && wire_io_left(r))
        wire_io_fail(r, ERR_CORRUPT);
    return r->error;
}

enum err wire_decode_job(struct span request, struct job *out, uint64_t *out_id)
{
    struct wire_io_reader r;
    struct job job = { 0 };
    uint64_t id;
    unsigned wants;

    wire_io_read_from(&r, request);
    job.kind = get_head(&r, MAGIC_JOB, &id);
    wants = wire_io_get_enum(&r, WANTS_MAX + 1);
    job.wants_text = (wants & WANTS_TEXT) != 0;
    job.wants_body = (wants & WANTS_BODY) != 0;
    job.wants_body_all = (wants & WANTS_BODY_ALL) != 0;
    job.wants_details = (wants & WANTS_DETAILS) != 0;
    job.wants_facts = (wants & WANTS_FACTS) != 0;
    job.wants_dictionary = (wants & WANTS_DICTIONARY) != 0;
    job.max_decoded_bytes = wire_io_get_u64(&r);
    job.max_text_bytes = wire_io_get_u64(&r);
    job.max_links = wire_io_get_u32(&r);
    job.region_offset = wire_io_get_u64(&r);
    job.region_len = wire_io_get_u64(&r);
    job.dictionary_id = wire_io_get_u32(&r);
    job.dictionary_offset = wire_io_get_u64(&r);
    job.dictionary_len = wire_io_get_u64(&r);
    job.url = wire_io_get_bytes(&r, WIRE_MAX_REQUEST_BYTES);
    job.content_type = wire_io_get_bytes(&r, WIRE_MAX_REQUEST_BYTES);
    job.content_encoding = wire_io_get_bytes(&r, WIRE_MAX_REQUEST_BYTES);
    job.headers = wire_io_get_bytes(&r, WIRE_MAX_REQUEST_BYTES);
    job.product_token = wire_io_get_bytes(&r, WIRE_MAX_REQUEST_BYTES);
    job.command = wire_io_get_bytes(&r, WIRE_MAX_REQUEST_BYTES);
    job.rules = wire_io_get_bytes(&r, WIRE_MAX_REQUEST_BYTES);
    job.inline_dictionary = wire_io_get_bytes(&r, WIRE_MAX_REQUEST_BYTES);
    job.inline_body = wire_io_get_bytes(&r, UINT32_MAX);
    if (finish(&r))
        return r.error;
    *out = job;
    *out_id = id;
    return OK;
}

/* ---- robots.txt ---- */

static void put_robots(struct wire_io_writer *w, const struct answer *a)
{
    const struct robots_rules *robots = &a->robots;

    wire_io_put_u8(w, a->decode);
    wire_io_put_u8(w, robots->is_cut);
    wire_io_put_u64(w, (uint64_t)robots->crawl_delay_ms);
    wire_io_put_text(w, a->robots_text, ROBOTS_MAX_BYTES);
    wire_io_put_u32(w, (uint32_t)robots->n_rules);
    for (size_t i = 0; i < robots->n_rules; i++) {
        wire_io_put_u8(w, robots->rules[i].is_allow);
        wire_io_put_u32(w, robots->rules[i].line);
        wire_io_put_text(w, robots->rules[i].pattern, ROBOTS_MAX_BYTES);
    }
    wire_io_put_u32(w, (uint32_t)robots->n_sitemaps);
    for (size_t i = 0; i < robots->n_sitemaps; i++)
        wire_io_put_text(w, robots->sitemaps[i], ROBOTS_MAX_BYTES);
}

/* A pattern matches paths, so it begins with '/' or '*' (parse/robots.h). */
static void get_rules(struct wire_io_reader *r, struct robots_rules *robots,
                      struct arena *mem)
{
    robots->n_rules = wire_io_get_count(r, WIRE_MAX_RULES, 9);
    robots->rules = wire_page_array(r, mem, robots->n_rules, sizeof *robots->rules);
    for (size_t i = 0; i < robots->n_rules && !r->error; i++) {
        struct robots_rule *rule = &robots->rules[i];

        rule->is_allow = wire_io_get_bool(r);
        rule->line = wire_io_get_u32(r);
        rule->pattern = wire_io_get_text(r, ROBOTS_MAX_BYTES);
        if (!rule->pattern.len ||
            (rule->pattern.ptr[0] != '/' && rule->pattern.ptr[0] != '*'))
            wire_io_fail(r, ERR_CORRUPT);
    }
}

static void get_robots(struct wire_io_reader *r, struct arena *mem, struct answer *a)
{
    struct robots_rules *robots = &a->robots;

    a->decode = wire_io_get_enum(r, N_DECODE_OUTCOMES);
    robots->is_cut = wire_io_get_bool(r);
    robots->crawl_delay_ms = (int64_t)wire_io_get_u64(r);
    if (robots->crawl_delay_ms < -1)
        wire_io_fail(r, ERR_CORRUPT);
    a->robots_text = wire_io_get_text(r, ROBOTS_MAX_BYTES);
    get_rules(r, robots, mem);
    robots->n_sitemaps = wire_io_get_count(r, WIRE_MAX_RULES, 4);
    robots->sitemaps =
        wire_page_array(r, mem, robots->n_sitemaps, sizeof *robots->sitemaps);
    for (size_t i = 0; i < robots->n_sitemaps && !r->error; i++)
        robots->sitemaps[i] = wire_io_get_text(r, ROBOTS_MAX_BYTES);
}

/* ---- sitemaps ---- */

/* Least bytes of an entry: a time, two counts, four lengths. */
#define MIN_ENTRY_SIZE ((size_t)(8 + 2 * 4 + 4 * 4))

static void put_urls(struct wire_io_writer *w, const struct span *urls, size_t n)
{
    wire_io_put_u32(w, (uint32_t)n);
    for (size_t i = 0; i < n; i++)
        wire_io_put_bytes(w, wire_page_clean_url(urls[i]));
}

/* False when the entry did not fit; the writer stands where it stood before. */
static bool put_entry(struct wire_io_writer *w, const struct sitemap_entry *e)
{
    struct wire_io_writer before = *w;

    wire_io_put_bytes(w, wire_page_clean_url(e->loc));
    wire_io_put_text(w, e->lastmod, WIRE_MAX_FIELD_BYTES);
    wire_io_put_text(w, e->changefreq, WIRE_MAX_FIELD_BYTES);
    wire_io_put_text(w, e->priority, WIRE_MAX_FIELD_BYTES);
    wire_io_put_u64(w, (uint64_t)e->lastmod_wall_ms);
    put_urls(w, e->alternates, e->n_alternates);
    put_urls(w, e->images, e->n_images);
    if (!w->is_full)
        return true;
    *w = before;
    return false;
}

/* All entries, or with may_cut those that fit. False when some are missing. */
static bool put_entries(struct wire_io_writer *w, const struct sitemap_entry *entries,
                        size_t n, bool may_cut)
{
    struct wire_io_writer count_at = *w;
    size_t i;

    wire_io_put_u32(w, 0);
    for (i = 0; i < n && put_entry(w, &entries[i]); i++)
        ;
    wire_io_put_u32(&count_at, (uint32_t)i);
    if (i < n && !may_cut)
        w->is_full = true;
    return i == n;
}

static void put_sitemap(struct wire_io_writer *w, const struct answer *a, bool may_cut)
{
    const struct sitemap *sm = &a->sitemap;
    /* Room for the second count, whatever the first list takes. */
    struct wire_io_writer first = *w, flag_at;
    bool is_whole;

    wire_io_put_u8(w, a->decode);
    wire_io_put_u8(w, (uint8_t)sm->type);
    flag_at = *w;
    wire_io_put_u8(w, sm->is_cut);
    if (w->is_full || (size_t)(w->end - w->at) < 8) {
        w->is_full = true;
        return;
    }
    first = *w;
    first.end -= 4;
    is_whole = put_entries(&first, sm->urls, sm->n_urls, may_cut);
    w->at = first.at;
    w->is_full = first.is_full;
    is_whole = put_entries(w, sm->sitemaps, sm->n_sitemaps, may_cut) && is_whole;
    wire_io_put_u8(&flag_at, sm->is_cut || !is_whole);
}

static void get_urls(struct wire_io_reader *r, size_t max, struct arena *mem,
                     struct span **out, size_t *out_n)
{
    *out_n = wire_io_get_count(r, max, 4);
    *out = wire_page_array(r, mem, *out_n, sizeof **out);
    for (size_t i = 0; i < *out_n && !r->error; i++)
        (*out)[i] = wire_io_get_url(r, WIRE_MAX_URL_BYTES);
}

static void get_entries(struct wire_io_reader *r, struct arena *mem,
                        struct sitemap_entry **out, size_t *out_n)
{
    *out_n = wire_io_get_count(r, SITEMAP_MAX_ENTRIES, MIN_ENTRY_SIZE);
    *out = wire_page_array(r, mem, *out_n, sizeof **out);
    for (size_t i = 0; i < *out_n && !r->error; i++) {
        struct sitemap_entry *e = &(*out)[i];

        e->loc = wire_io_get_url(r, WIRE_MAX_URL_BYTES);
        e->lastmod = wire_io_get_text(r, WIRE_MAX_FIELD_BYTES);
        e->changefreq = wire_io_get_text(r, WIRE_MAX_FIELD_BYTES);
        e->priority = wire_io_get_text(r, WIRE_MAX_FIELD_BYTES);
        e->lastmod_wall_ms = (int64_t)wire_io_get_u64(r);
        get_urls(r, SITEMAP_MAX_ALTERNATES, mem, &e->alternates, &e->n_alternates);
        get_urls(r, SITEMAP_MAX_IMAGES, mem, &e->images, &e->n_images);
    }
}

static void get_sitemap(struct wire_io_reader *r, struct arena *mem, struct answer *a)
{
    a->decode = wire_io_get_enum(r, N_DECODE_OUTCOMES);
    a->sitemap.type = wire_io_get_enum(r, SITEMAP_TEXT + 1);
    a->sitemap.is_cut = wire_io_get_bool(r);
    get_entries(r, mem, &a->sitemap.urls, &a->sitemap.n_urls);
    get_entries(r, mem, &a->sitemap.sitemaps, &a->sitemap.n_sitemaps);
}

/* ---- answers ---- */

static void put_bytes(struct wire_io_writer *w, const struct answer *a,
                      const struct wire_limits *limits, bool may_cut)
{
    bool is_left_out = may_cut || a->bytes.len > limits->max_bytes;

    wire_io_put_u8(w, is_left_out && a->bytes.len ? DECODE_TOO_LARGE : a->decode);
    wire_io_put_bytes(w, is_left_out ? SPAN_NONE : a->bytes);
}

static void put_text(struct wire_io_writer *w, const struct answer *a,
                     const struct wire_limits *limits, bool may_cut)
{
    wire_io_put_u8(w, may_cut && a->bytes.len ? DECODE_TOO_LARGE : a->decode);
    wire_io_put_text(w, may_cut ? SPAN_NONE : a->bytes, limits->max_bytes);
}

/* What inspect prints as it is: one line of JSON, whose controls are escaped. */
static struct span get_line(struct wire_io_reader *r, size_t max)
{
    struct span line = wire_io_get_text(r, max);

    for (size_t i = 0; i < line.len; i++)
        if ((unsigned char)line.ptr[i] < ' ')
            wire_io_fail(r, ERR_CORRUPT);
    return line;
}

static enum err encode_answer(const struct answer *a, uint64_t id,
                              const struct wire_limits *limits, struct span region,
                              bool may_cut, size_t *out_len)
{
    struct wire_io_writer w;
    char *start;

    memcpy(&start, &region.ptr, sizeof start);
    wire_io_write_to(&w, start, region.len);
    wire_io_put_u8(&w, MAGIC_ANSWER);
    wire_io_put_u16(&w, WIRE_VERSION);
    wire_io_put_u8(&w, limits->kind);
    wire_io_put_u64(&w, id);
    switch ((enum job_kind)limits->kind) {
    case JOB_PAGE: wire_page_put(&w, &a->page, limits, may_cut); break;
    case JOB_ROBOTS: put_robots(&w, a); break;
    case JOB_SITEMAP: put_sitemap(&w, a, may_cut); break;
    case JOB_TEXT: put_text(&w, a, limits, may_cut); break;
    case JOB_UNPACK:
    case JOB_INSPECT:
    case JOB_MISBEHAVE: put_bytes(&w, a, limits, may_cut); break;
    case N_JOB_KINDS: return ERR_INVALID;
    }
    if (w.is_full)
        return ERR_TOO_LARGE;
    *out_len = wire_io_written(&w);
    return OK;
}

enum err wire_encode_answer(const struct answer *a, uint64_t id,
                            const struct wire_limits *limits, void *region, size_t n,
                            size_t *out_len)
{
    return encode_answer(a, id, limits, span_make(region, n), false, out_len);
}

enum err wire_encode_cut_answer(const struct answer *a, uint64_t id,
                                const struct wire_limits *limits, void *region,
                                size_t n, size_t *out_len)
{
    return encode_answer(a, id, limits, span_make(region, n), true, out_len);
}

enum err wire_decode_answer(struct span block, uint64_t id,
                            const struct wire_limits *limits, struct arena *mem,
                            struct answer *out)
{
    struct wire_io_reader r;
    struct answer a = { 0 };
    uint64_t said_id;

    wire_io_read_from(&r, block);
    a.kind = get_head(&r, MAGIC_ANSWER, &said_id);
    if (said_id != id || a.kind != limits->kind)
        wire_io_fail(&r, ERR_CORRUPT);
    switch ((enum job_kind)a.kind) {
    case JOB_PAGE: wire_page_get(&r, limits, mem, &a.page); break;
    case JOB_ROBOTS: get_robots(&r, mem, &a); break;
    case JOB_SITEMAP: get_sitemap(&r, mem, &a); break;
    case JOB_INSPECT:
        a.decode = wire_io_get_enum(&r, N_DECODE_OUTCOMES);
        a.bytes = get_line(&r, limits->max_bytes);
        break;
    case JOB_TEXT:
        a.decode = wire_io_get_enum(&r, N_DECODE_OUTCOMES);
        a.bytes = wire_io_get_text(&r, limits->max_bytes);
        break;
    case JOB_UNPACK:
    case JOB_MISBEHAVE:
        a.decode = wire_io_get_enum(&r, N_DECODE_OUTCOMES);
        a.bytes = wire_io_get_bytes(&r, limits->max_bytes);
        break;
    case N_JOB_KINDS: break;
    }
    if (finish(&r))
        return r.error;
    *out = a;
    return OK;
}
