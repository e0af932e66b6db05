/* SPDX-License-Identifier: MIT */
/* When a page's depth falls, its stored links are offered again without a fetch. */
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "tests/kit/storekit.h"

static struct storekit kit;

static int set_up(void **state)
{
    storekit_init(&kit);
    *state = &kit;
    return 0;
}

static int tear_down(void **state)
{
    storekit_clear(*state);
    return 0;
}

#define LIST(...) ((const char *const[]){ __VA_ARGS__, NULL })

static int64_t depth_of(struct storekit *k, const char *url)
{
    char sql[256];

    snprintf(sql, sizeof sql, "SELECT depth FROM urls WHERE url = '%s'", url);
    return storekit_int(k, sql);
}

static bool is_state(struct storekit *k, const char *url, const char *state)
{
    char sql[256];

    snprintf(sql, sizeof sql, "SELECT state = '%s' FROM urls WHERE url = '%s'", state,
             url);
    return storekit_int(k, sql) == 1;
}

/* What is not as usual about a link. */
struct tweak {
    enum url_hop hop;
    enum url_reason reason;
    int depth; /* 0: the page's plus one */
    bool is_nofollow, is_kind, is_barred;
};

/* A link as the crawl offers it: excluded for depth beyond max_depth. */
static void visit(struct storekit *k, const char *url, int depth,
                  const char *const *urls, const struct tweak *tweak)
{
    struct store_op *op = storekit_visit(storekit_id(k, url), 1, depth);

    storekit_page(op, "t", "text", url);
    storekit_links(op, urls);
    for (size_t i = 0; i < op->u.visit.n_links; i++) {
        struct store_link *link = &op->u.visit.links[i];
        struct store_offer *o = link->offer;

        if (k->options.max_depth >= 0 && o->depth > k->options.max_depth)
            o->reason = REASON_DEPTH;
        if (tweak) {
            storekit_found(op, i)->is_nofollow = tweak->is_nofollow;
            link->is_kind = tweak->is_kind;
            link->is_barred = tweak->is_barred;
            link->has_own_depth = tweak->depth != 0;
            link->hop = (uint8_t)tweak->hop;
            o->reason = tweak->reason;
            o->hop = tweak->hop;
            o->depth = tweak->depth ? tweak->depth : o->depth;
        }
    }
    storekit_do(k, op);
    assert_int_equal(op->result, OK);
    store_op_free(op);
}

static struct store_op *offer_at(struct storekit *k, const char *url, int depth)
{
    struct store_op *op = store_op_new(STORE_OFFERS, MIB);

    op->u.offers.offers = arena_alloc(&op->mem, sizeof *op->u.offers.offers);
    op->u.offers.offers[0] = storekit_offer(url, HOP_LINK, depth);
    op->u.offers.n_offers = 1;
    storekit_do(k, op);
    assert_int_equal(op->result, OK);
    return op;
}

static void a_chain_of_fetched_pages_rises_with_its_head(void **state)
{
    struct storekit *k = *state;

    storekit_open(k, REVISIT_ALL);
    storekit_offer_one(k, storekit_offer("http://a.example/1", HOP_LINK, 5));
    visit(k, "http://a.example/1", 5, LIST("http://a.example/2"), NULL);
    visit(k, "http://a.example/2", 6, LIST("http://a.example/3"), NULL);
    visit(k, "http://a.example/3", 7, LIST("http://a.example/4", "http://a.example/1"),
          NULL);

    store_op_free(offer_at(k, "http://a.example/1", 1));
    assert_int_equal(depth_of(k, "http://a.example/1"), 1);
    assert_int_equal(depth_of(k, "http://a.example/2"), 2);
    assert_int_equal(depth_of(k, "http://a.example/3"), 3);
    assert_int_equal(depth_of(k, "http://a.example/4"), 4);
}

static void what_was_too_deep_is_queued_and_told(void **state)
{
    struct storekit *k = *state;
    struct store_op *op;

    k->options.max_depth = 4;
    storekit_open(k, REVISIT_ALL);
    storekit_offer_one(k, storekit_offer("http://a.example/1", HOP_LINK, 4));
    visit(k, "http://a.example/1", 4, LIST("http://b.example/deep"), NULL);
    assert_true(is_state(k, "http://b.example/deep", "excluded"));

    op = offer_at(k, "http://a.example/1", 3);
    assert_true(is_state(k, "http://b.example/deep", "queued"));
    assert_int_equal(op->n_extra, 1);
    assert_int_equal(op->extra[0].id, storekit_id(k, "http://b.example/deep"));
    assert_int_equal(op->extra[0].depth, 4);
    assert_true(span_eq(op->extra[0].host, SPAN("b.example")));
    assert_int_equal(op->extra[0].port, 80);
    assert_false(op->extra_is_cut);
    store_op_free(op);
    assert_int_equal(storekit_int(k, "SELECT n FROM state_count WHERE state = 0"), 1);
}

static void what_rises_and_is_still_too_deep_stays_out_with_its_new_depth(void **state)
{
    struct storekit *k = *state;
    struct store_op *op;

    k->options.max_depth = 4;
    storekit_open(k, REVISIT_ALL);
    storekit_offer_one(k, storekit_offer("http://a.example/1", HOP_LINK, 9));
    visit(k, "http://a.example/1", 9, LIST("http://a.example/2"), NULL);
    op = offer_at(k, "http://a.example/1", 4);
    assert_int_equal(op->n_extra, 0);
    store_op_free(op);
    assert_true(is_state(k, "http://a.example/2", "excluded"));
    assert_int_equal(depth_of(k, "http://a.example/2"), 5);
}

static void a_queued_page_that_rises_is_told(void **state)
{
    struct storekit *k = *state;
    struct store_op *op;

    storekit_open(k, REVISIT_ALL);
    storekit_offer_one(k, storekit_offer("http://a.example/1", HOP_LINK, 5));
    visit(k, "http://a.example/1", 5, LIST("http://a.example/2"), NULL);
    op = offer_at(k, "http://a.example/1", 2);
    assert_int_equal(op->n_extra, 1);
    assert_int_equal(op->extra[0].depth, 3);
    store_op_free(op);
}

static void a_redirect_passes_its_depth_on(void **state)
{
    struct storekit *k = *state;
    struct store_op *op;
    struct store_offer target;

    storekit_open(k, REVISIT_ALL);
    storekit_offer_one(k, storekit_offer("http://a.example/old", HOP_LINK, 5));
    op = storekit_visit(storekit_id(k, "http://a.example/old"), 1, 5);
    target = storekit_offer("http://a.example/new", HOP_REDIRECT, 5);
    target.redirects = 1;
    op->u.visit.outcome = "redirect";
    op->u.visit.status_code = 301;
    op->u.visit.redirect = &target;
    storekit_do(k, op);
    store_op_free(op);

    store_op_free(offer_at(k, "http://a.example/old", 1));
    assert_int_equal(depth_of(k, "http://a.example/new"), 1);
}

static void a_page_that_rose_while_on_its_way_offers_from_there(void **state)
{
    struct storekit *k = *state;

    k->options.max_depth = 5;
    storekit_open(k, REVISIT_ALL);
    storekit_offer_one(k, storekit_offer("http://a.example/1", HOP_LINK, 5));
    store_op_free(offer_at(k, "http://a.example/1", 1));
    visit(k, "http://a.example/1", 5, LIST("http://a.example/2"), NULL);
    assert_int_equal(depth_of(k, "http://a.example/2"), 2);
    assert_true(is_state(k, "http://a.example/2", "queued"));
}

static void a_loop_of_links_comes_to_rest(void **state)
{
    struct storekit *k = *state;

    storekit_open(k, REVISIT_ALL);
    storekit_offer_one(k, storekit_offer("http://a.example/1", HOP_LINK, 5));
    visit(k, "http://a.example/1", 5, LIST("http://a.example/2", "http://a.example/1"),
          NULL);
    visit(k, "http://a.example/2", 6, LIST("http://a.example/1", "http://a.example/2"),
          NULL);
    store_op_free(offer_at(k, "http://a.example/1", 0));
    assert_int_equal(depth_of(k, "http://a.example/1"), 0);
    assert_int_equal(depth_of(k, "http://a.example/2"), 1);
}

/*
 * Links that must not carry depth: label, the offer as it stood, the options of the
 * start.
 */
static const struct row {
    const char *label;
    struct tweak tweak;
    bool respects_nofollow, follows_embeds;
    int want; /* the target's depth: known at 9, offered from 5, the page goes to 1 */
} rows[] = {
    { "a plain link carries depth", { .hop = HOP_LINK }, false, false, 2 },
    { "an image does not",
      { .hop = HOP_EMBED, .reason = REASON_KIND, .is_kind = true },
      false,
      false,
      9 },
    { "nor does a form that is too deep",
      { .hop = HOP_LINK, .reason = REASON_DEPTH, .is_kind = true },
      false,
      false,
      9 },
    { "an image does with --embeds", { .hop = HOP_EMBED }, false, true, 2 },
    { "a page-wide nofollow does not",
      { .hop = HOP_LINK, .reason = REASON_NOFOLLOW, .is_barred = true },
      false,
      false,
      9 },
    { "nor does one of a page whose links are too deep",
      { .hop = HOP_LINK, .reason = REASON_DEPTH, .is_barred = true },
      false,
      false,
      9 },
    { "an image of an error page does not with --embeds",
      { .hop = HOP_EMBED, .reason = REASON_KIND, .is_kind = true, .is_barred = true },
      false,
      true,
      9 },
    { "rel=nofollow does where it was respected before",
      { .hop = HOP_LINK, .reason = REASON_NOFOLLOW, .is_nofollow = true },
      false,
      false,
      2 },
    { "rel=nofollow does", { .hop = HOP_LINK, .is_nofollow = true }, false, false, 2 },
    { "rel=nofollow does not with --respect-rel-nofollow",
      { .hop = HOP_LINK, .is_nofollow = true },
      true,
      false,
      6 },
    { "a feed's entry does not: its depth is fixed",
      { .hop = HOP_FEED, .depth = 1 },
      false,
      false,
      1 },
};

static void carries(void **state)
{
    const struct row *row = *state;

    storekit_init(&kit);
    kit.options.respects_nofollow = row->respects_nofollow;
    kit.options.follows_embeds = row->follows_embeds;
    storekit_open(&kit, REVISIT_ALL);
    storekit_offer_one(&kit, storekit_offer("http://a.example/1", HOP_LINK, 5));
    storekit_offer_one(&kit, storekit_offer("http://a.example/2", HOP_LINK, 9));
    visit(&kit, "http://a.example/1", 5, LIST("http://a.example/2"), &row->tweak);
    store_op_free(offer_at(&kit, "http://a.example/1", 1));
    assert_int_equal(depth_of(&kit, "http://a.example/2"), row->want);
    storekit_clear(&kit);
}

/* --- much work -------------------------------------------------------------------- */

#define N_SPOKES 30000

/* A page with n links, each too deep; the page itself stands at depth. */
static void visit_hub(struct storekit *k, const char *url, int depth, size_t n)
{
    struct store_op *op = storekit_visit(storekit_id(k, url), 1, depth);
    const char **urls = arena_try_array(&op->mem, n + 1, sizeof *urls);

    for (size_t i = 0; i < n; i++)
        urls[i] = arena_format(&op->mem, "http://h%zu.example/%zu", i / 1000, i).ptr;
    storekit_page(op, "t", "text", url);
    storekit_links(op, urls);
    for (size_t i = 0; i < n; i++)
        op->u.visit.links[i].offer->reason = REASON_DEPTH;
    storekit_do(k, op);
    assert_int_equal(op->result, OK);
    store_op_free(op);
}

/* Waits until the work that a commit left undone can be seen from outside. */
static bool sees_work(struct storekit *k)
{
    for (int i = 0; i < 20000; i++) {
        if (storekit_int(k, "SELECT count(*) FROM depth_work") > 0)
            return true;
        usleep(500);
    }
    return false;
}

static void work_that_a_crash_cut_off_is_taken_up_again(void **state)
{
    struct storekit *k = *state;
    bool has_seen_work;
    pid_t child;

    k->options.max_depth = 4;
    storekit_open(k, REVISIT_ALL);
    storekit_offer_one(k, storekit_offer("http://a.example/1", HOP_LINK, 3));
    visit(k, "http://a.example/1", 3, LIST("http://a.example/2", "http://a.example/3"),
          NULL);
    visit_hub(k, "http://a.example/2", 4, 25000);
    visit_hub(k, "http://a.example/3", 4, N_SPOKES);
    storekit_stop(k, true);
    child = fork();
    if (child == 0) {
        storekit_open(k, REVISIT_NONE);
        offer_at(k, "http://a.example/1", 0);
        pause();
    }
    has_seen_work = sees_work(k);
    kill(child, SIGKILL);
    waitpid(child, NULL, 0);
    assert_true(has_seen_work);

    storekit_open(k, REVISIT_NONE);
    storekit_seed(k, "http://other.example/");
    assert_int_equal(
        storekit_int(k,
                     "SELECT count(*) FROM urls WHERE state = 'queued' AND depth = 2"),
        N_SPOKES);
    assert_int_equal(storekit_int(k, "SELECT count(*) FROM depth_work"), 0);
}

static void many_consequences_are_cut_and_each_host_named(void **state)
{
    struct storekit *k = *state;
    struct store_op *op;
    bool has_last = false;

    k->options.max_depth = 4;
    storekit_open(k, REVISIT_ALL);
    storekit_offer_one(k, storekit_offer("http://a.example/1", HOP_LINK, 4));
    visit_hub(k, "http://a.example/1", 4, N_SPOKES);

    op = offer_at(k, "http://a.example/1", 1);
    assert_true(op->extra_is_cut);
    assert_true(op->n_extra >= 20000 && op->n_extra < N_SPOKES);
    for (size_t i = 0; i < op->n_extra; i++)
        has_last = has_last || span_eq(op->extra[i].host, SPAN("h29.example"));
    assert_true(has_last);
    store_op_free(op);
    assert_int_equal(
        storekit_int(k, "SELECT count(*) FROM urls WHERE state = 'queued'"), N_SPOKES);
    assert_int_equal(storekit_int(k, "SELECT count(*) FROM depth_work"), 0);
}

int main(void)
{
    struct CMUnitTest tests[24] = {
        cmocka_unit_test_setup_teardown(a_chain_of_fetched_pages_rises_with_its_head,
                                        set_up, tear_down),
        cmocka_unit_test_setup_teardown(what_was_too_deep_is_queued_and_told, set_up,
                                        tear_down),
        cmocka_unit_test_setup_teardown(what_rises_and_is_still_too_deep_stays_out_with_its_new_depth, set_up,
                                        tear_down),
        cmocka_unit_test_setup_teardown(a_queued_page_that_rises_is_told, set_up,
                                        tear_down),
        cmocka_unit_test_setup_teardown(a_redirect_passes_its_depth_on, set_up,
                                        tear_down),
        cmocka_unit_test_setup_teardown(
            a_page_that_rose_while_on_its_way_offers_from_there, set_up, tear_down),
        cmocka_unit_test_setup_teardown(a_loop_of_links_comes_to_rest, set_up,
                                        tear_down),
        cmocka_unit_test_setup_teardown(work_that_a_crash_cut_off_is_taken_up_again,
                                        set_up, tear_down),
        cmocka_unit_test_setup_teardown(many_consequences_are_cut_and_each_host_named,
                                        set_up, tear_down),
    };
    size_t n = 0;

    while (tests[n].name)
        n++;
    for (size_t i = 0; i < ARRAY_LEN(rows); i++)
        tests[n++] = (struct CMUnitTest){ rows[i].label, carries, NULL, NULL,
                                          (void *)(uintptr_t)&rows[i] };
    return _cmocka_run_group_tests("store/depth", tests, n, NULL, NULL);
}
