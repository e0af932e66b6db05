/* SPDX-License-Identifier: MIT */
/*
 * The parent's decoder of answers, as a compromised worker would feed it. The
 * first byte is the kind of job asked about; a second copy of the input is
 * given an honest head, so that what lies behind is reached.
 */
#include "config/mem.h"
#include "parse/wire.h"
#include "parse/wire_io.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check_page(const struct page_facts *p, const struct wire_limits *limits)
{
    BUG_IF(p->outcome >= N_PARSE_OUTCOMES || p->decode >= N_DECODE_OUTCOMES);
    BUG_IF(p->n_links > limits->max_links || p->text.len > limits->max_text_bytes);
    BUG_IF(!wire_io_is_text(p->title) || !wire_io_is_text(p->text) ||
           !wire_io_is_url(p->canonical));
    for (size_t i = 0; i < p->n_links; i++) {
        const struct fact_link *l = &p->links[i];

        BUG_IF(l->kind >= N_LINK_KINDS || l->hop >= N_FACT_HOPS || !l->url.len);
        BUG_IF(!wire_io_is_url(l->url) || !wire_io_is_text(l->text) ||
               !wire_io_is_text(l->rel));
    }
}

static void check_robots(const struct answer *a)
{
    BUG_IF(!wire_io_is_text(a->robots_text) || a->robots.crawl_delay_ms < -1);
    for (size_t i = 0; i < a->robots.n_rules; i++)
        BUG_IF(!wire_io_is_text(a->robots.rules[i].pattern) ||
               !a->robots.rules[i].pattern.len);
    for (size_t i = 0; i < a->robots.n_sitemaps; i++)
        BUG_IF(!wire_io_is_text(a->robots.sitemaps[i]));
}

static void check_sitemap(const struct sitemap *s)
{
    BUG_IF(s->n_urls > SITEMAP_MAX_ENTRIES || s->type > SITEMAP_TEXT);
    for (size_t i = 0; i < s->n_urls; i++) {
        BUG_IF(!wire_io_is_url(s->urls[i].loc) || !wire_io_is_text(s->urls[i].lastmod));
        for (size_t k = 0; k < s->urls[i].n_images; k++)
            BUG_IF(!wire_io_is_url(s->urls[i].images[k]));
    }
}

static void decode(struct span message, uint64_t id, const struct wire_limits *limits)
{
    struct answer a = { 0 };
    struct arena mem;
    enum err e;

    arena_init(&mem, message.len * 16 + (64 << 10)); /* as the pool does */
    e = wire_decode_answer(message, id, limits, &mem, &a);
    BUG_IF(e == ERR_NO_MEMORY);
    if (!e) {
        check_page(&a.page, limits);
        check_robots(&a);
        check_sitemap(&a.sitemap);
    }
    arena_clear(&mem);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct job job = { .max_links = 1000,
                       .max_text_bytes = 1 << 16,
                       .max_decoded_bytes = 1 << 20,
                       .wants_body = true },
               read_job;
    struct wire_io_writer head;
    struct wire_limits limits;
    uint64_t id;
    char *copy;

    if (!size)
        return 0;
    job.kind = data[0] % N_JOB_KINDS;
    wire_limits_of(&job, &limits);
    copy = mem_try_alloc(size + 12);
    if (!copy)
        return 0;
    memcpy(copy + 12, data + 1, size - 1);
    decode(span_make(copy + 12, size - 1), 0, &limits);
    if (wire_decode_job(span_make(copy + 12, size - 1), &read_job, &id) == OK)
        BUG_IF(read_job.kind >= N_JOB_KINDS);
    wire_io_write_to(&head, copy, 12);
    wire_io_put_u8(&head, 'A');
    wire_io_put_u16(&head, WIRE_VERSION);
    wire_io_put_u8(&head, job.kind);
    wire_io_put_u64(&head, 0);
    decode(span_make(copy, size + 11), 0, &limits);
    mem_free(copy);
    return 0;
}
