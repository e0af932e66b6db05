/* SPDX-License-Identifier: MIT */
#include "tests/kit/strange.h"

#include "config/mem.h"
#include "parse/pack.h"
#include "tests/kit/training.h"

/* --- the sound database ------------------------------------------------------------ */

static void done(struct storekit *k, struct store_op *op)
{
    storekit_do(k, op);
    BUG_IF(op->result);
    store_op_free(op);
}

static struct store_op *visit(struct storekit *k, const char *url, int depth)
{
    struct store_offer o = storekit_offer(url, HOP_SEED, depth);

    o.seed_source = SPAN("seeds.txt");
    o.seed_line = 1;
    o = storekit_offer_one(k, o);
    return storekit_visit(o.id, o.host_id, depth);
}

static void put_page(struct storekit *k, const char *url, int n, int64_t at_ms, const char *const *links)
{
    struct store_op *op = visit(k, url, n % 3);
    struct page_facts *f;
    struct buf body;
    char title[32], text[512];

    buf_init(&body, MIB);
    snprintf(title, sizeof title, "Page %d of lions", n / 2);
    snprintf(text, sizeof text, "lion lioness word%d tiger \"side by side\" %s some more words here for %d", n,
             n % 2 ? "event loop" : "loop event", n);
    f = storekit_page(op, title, text, url);
    storekit_body(op, f, training_page(n / 2, &body));
    op->u.visit.fetched_at_ms += at_ms;
    op->u.visit.etag = SPAN("\"tag\"");
    f->description = SPAN("What a page is about");
    f->word_count = 40;
    f->simhash = UINT64_C(0xF0F0F0F0F0F0F0F0) ^ (uint64_t)n;
    storekit_links(op, links);
    done(k, op);
    buf_clear(&body);
}

static void put_packed_page(struct storekit *k, const char *url, struct span dictionary)
{
    struct store_op *op = visit(k, url, 1);
    struct page_facts *f = storekit_page(op, "Packed", "with a dictionary", url);
    struct buf page, packed;
    struct pack *p;

    buf_init(&page, MIB);
    buf_init(&packed, MIB);
    BUG_IF(pack_new(&p));
    pack_set_dictionary(p, PACK_FIRST_DICTIONARY_ID, dictionary);
    f->size = (int64_t)training_page(77, &page).len;
    BUG_IF(pack_compress(p, buf_span(&page), PACK_LEVEL, &packed));
    f->body = arena_copy(&op->mem, buf_span(&packed));
    done(k, op);
    pack_free(p);
    buf_clear(&page);
    buf_clear(&packed);
}

static void put_redirect(struct storekit *k, const char *from, const char *to)
{
    struct store_op *op = visit(k, from, 0);
    struct store_offer target = storekit_offer(to, HOP_REDIRECT, 0);

    op->u.visit.outcome = "redirect";
    op->u.visit.status_code = 301;
    op->u.visit.location = span_str(to);
    op->u.visit.redirect = &target;
    done(k, op);
}

static void put_error(struct storekit *k, const char *url, const char *outcome, int status)
{
    struct store_op *op = visit(k, url, 2);

    op->u.visit.outcome = outcome;
    op->u.visit.status_code = status;
    op->u.visit.error = SPAN("a sentence");
    if (!status) {
        op->u.visit.state = STATE_FAILED;
        op->u.visit.facts = NULL;
    }
    done(k, op);
}

static void put_host(struct storekit *k, int64_t host_id)
{
    struct store_op *op = store_op_new(STORE_HOST_SAVE, MIB);

    op->u.host = (struct store_host_state){ .host_id = host_id,
                                            .next_fetch_ms = STOREKIT_NOW,
                                            .crawl_delay_ms = 1000,
                                            .ip = SPAN("192.0.2.1"),
                                            .has_robots = true,
                                            .robots_fetched_ms = STOREKIT_NOW,
                                            .robots_expires_ms = STOREKIT_NOW + 1000000,
                                            .robots_status = 200,
                                            .robots_outcome = SPAN("ok"),
                                            .robots_body = SPAN("User-agent: *\nDisallow: /private\n") };
    done(k, op);
    op = store_op_new(STORE_EVENT, MIB);
    op->u.event.level = "warn";
    op->u.event.component = "fetch";
    op->u.event.event = "slow-pattern";
    op->u.event.detail = SPAN("a sentence");
    done(k, op);
    op = store_op_new(STORE_OFFERS, MIB);
    op->u.offers.sitemap_url = SPAN("http://a.example/sitemap.xml");
    op->u.offers.sitemap_outcome = SPAN("ok");
    op->u.offers.sitemap_host_id = host_id;
    op->u.offers.sitemap_entries = 3;
    op->u.offers.sitemap_status = 200;
    done(k, op);
}

static void put_graph(struct storekit *k)
{
    struct store_op *op = store_op_new(STORE_GRAPH, MIB);

    op->u.graph.wants_metrics = true;
    done(k, op);
}

static void end_run(struct storekit *k)
{
    struct store_op *op = store_op_new(STORE_END_RUN, MIB);

    op->u.end_run.is_finished = true;
    op->u.end_run.summary_json = SPAN("{\"urls\":1}");
    done(k, op);
}

static void put_pages(struct storekit *k, int from, int64_t at_ms)
{
    static const char *const links[] = { "http://a.example/p1", "http://b.example/p2", "https://c.example/gone",
                                         "http://a.example/old", "http://a.example/p5", NULL };

    for (int i = 0; i < 9; i++) {
        char *url = mem_alloc(64);

        snprintf(url, 64, "%s.example/p%d", (const char *[]){ "http://a", "http://b", "https://c" }[i % 3], i);
        put_page(k, url, from + i, at_ms, links + i % 4);
        mem_free(url);
    }
}

void strange_make_sound(struct storekit *k)
{
    struct buf dictionary;
    struct store_op *op;

    buf_init(&dictionary, MIB);
    storekit_open(k, REVISIT_ALL);
    put_pages(k, 0, 0);
    put_redirect(k, "http://a.example/old", "http://a.example/older");
    put_redirect(k, "http://a.example/older", "http://a.example/p1");
    put_redirect(k, "http://b.example/round", "http://b.example/round");
    put_error(k, "https://c.example/gone", "http_error", 404);
    put_error(k, "http://b.example/slow", "timeout", 0);
    put_host(k, 1);
    put_graph(k);
    end_run(k);
    storekit_close(k);

    k->later_ms = 86400000;
    storekit_open(k, REVISIT_ALL);
    put_pages(k, 100, 86400000);
    op = store_op_new(STORE_DICTIONARY, MIB);
    op->u.dictionary = (struct store_dictionary){ PACK_FIRST_DICTIONARY_ID,
                                                  training_dictionary(PACK_FIRST_DICTIONARY_ID, &dictionary) };
    done(k, op);
    put_packed_page(k, "http://b.example/packed", buf_span(&dictionary));
    put_graph(k);
    end_run(k);
    storekit_close(k);
    buf_clear(&dictionary);
}
