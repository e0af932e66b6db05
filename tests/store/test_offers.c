/* SPDX-License-Identifier: MIT */
/* What becomes of a URL that is offered (store/offers.h has the table). */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "config/clock.h"
#include "tests/kit/storekit.h"

#define PAGE "http://a.example/page"

static int set_up(void **state)
{
    static struct storekit kit;

    storekit_init(&kit);
    storekit_open(&kit, REVISIT_ALL);
    *state = &kit;
    return 0;
}

static int tear_down(void **state)
{
    storekit_clear(*state);
    return 0;
}

static struct store_offer offer(struct storekit *k, enum url_reason reason, int depth)
{
    struct store_offer o = storekit_offer(PAGE, HOP_LINK, depth);

    o.reason = reason;
    o.rule = SPAN("some rule");
    return storekit_offer_one(k, o);
}

static void a_new_url_gets_a_row_and_its_host(void **state)
{
    struct storekit *k = *state;
    struct store_offer o = offer(k, REASON_NONE, 3);
    char text[512];

    assert_int_equal(o.change, CHANGE_NEW);
    assert_int_equal(o.state, STATE_QUEUED);
    assert_int_equal(o.state_depth, 3);
    assert_true(o.id > 0 && o.host_id > 0);
    assert_string_equal(
        storekit_text(
            k,
            "SELECT url || ' ' || state || ' ' || depth || ' ' || hop || ' ' || host"
            " || ' ' || port"
            " FROM urls u JOIN hosts h ON h.id = u.host_id",
            text),
        PAGE " queued 3 link a.example 80");
}

static void the_same_key_is_the_same_row(void **state)
{
    struct storekit *k = *state;
    struct store_offer first = offer(k, REASON_NONE, 1),
                       second = storekit_offer(PAGE "?", HOP_LINK, 1);

    second.key = SPAN(PAGE);
    second = storekit_offer_one(k, second);
    assert_int_equal(second.change, CHANGE_NONE);
    assert_int_equal(second.id, first.id);
    assert_int_equal(storekit_int(k, "SELECT count(*) FROM urls"), 1);
}

static void the_first_spelling_is_kept_and_the_key_beside_it(void **state)
{
    struct storekit *k = *state;
    struct store_offer o = storekit_offer("http://a.example/%7euser", HOP_LINK, 1);
    char text[512];

    o.key = SPAN("http://a.example/~user");
    storekit_offer_one(k, o);
    assert_string_equal(storekit_text(k, "SELECT url || ' ' || key FROM urls", text),
                        "http://a.example/%7euser http://a.example/~user");
}

/* The rules were asked about the spelling: another that they allow is what is asked for, and what they decide about later. */
static void a_row_takes_the_spelling_that_got_it_queued(void **state)
{
    struct storekit *k = *state;
    struct store_offer o = storekit_offer("http://a.example/%7euser", HOP_LINK, 1);
    char text[512];

    o.key = SPAN("http://a.example/~user");
    o.reason = REASON_INCLUDE_EXCLUDE;
    storekit_offer_one(k, o);
    o = storekit_offer("http://a.example/~user", HOP_LINK, 4);
    assert_int_equal(storekit_offer_one(k, o).change, CHANGE_QUEUED);
    assert_string_equal(storekit_text(k, "SELECT url || ' ' || key FROM urls", text),
                        "http://a.example/~user http://a.example/~user");
    storekit_offer_one(k, storekit_offer("http://a.example/%7Euser", HOP_LINK, 4));
    assert_int_equal(storekit_int(k, "SELECT count(*) FROM urls WHERE key LIKE '%~user'"), 1);
}

static void http_and_https_and_ports_are_hosts_of_their_own(void **state)
{
    struct storekit *k = *state;

    storekit_offer_one(k, storekit_offer("http://a.example/", HOP_LINK, 1));
    storekit_offer_one(k, storekit_offer("https://a.example/", HOP_LINK, 1));
    storekit_offer_one(k, storekit_offer("http://a.example:8080/", HOP_LINK, 1));
    storekit_offer_one(k, storekit_offer("http://a.example/again", HOP_LINK, 1));
    assert_int_equal(storekit_int(k, "SELECT count(*) FROM hosts"), 3);
}

static void a_url_of_another_scheme_has_no_host(void **state)
{
    struct storekit *k = *state;
    struct store_offer o = storekit_offer("ftp://a.example/file", HOP_LINK, 1);

    o.reason = REASON_SCHEME;
    o = storekit_offer_one(k, o);
    assert_int_equal(o.host_id, 0);
    assert_int_equal(storekit_int(k, "SELECT host_id IS NULL FROM urls"), 1);
}

static void a_seed_is_noted_once(void **state)
{
    struct storekit *k = *state;
    char text[512];

    storekit_seed(k, PAGE);
    storekit_seed(k, PAGE);
    assert_string_equal(
        storekit_text(k, "SELECT count(*) || ' ' || source || ' ' || line FROM seeds",
                      text),
        "1 seeds.txt 1");
}

static void a_known_row_may_be_named_by_its_id(void **state)
{
    struct storekit *k = *state;
    struct store_offer first = offer(k, REASON_NONE, 4),
                       second = { .known_id = first.id, .depth = 2 };

    second.hop = HOP_LINK;
    second = storekit_offer_one(k, second);
    assert_int_equal(second.id, first.id);
    assert_int_equal(second.host_id, first.host_id);
    assert_int_equal(second.change, CHANGE_SHALLOWER);
    assert_int_equal(second.state_depth, 2);
}

static void a_depth_that_fell_is_remembered(void **state)
{
    struct storekit *k = *state;
    struct store_offer by_id;

    offer(k, REASON_NONE, 5);
    by_id.known_id = offer(k, REASON_NONE, 3).id;
    assert_int_equal(offer(k, REASON_NONE, 4).change, CHANGE_NONE);
    by_id =
        (struct store_offer){ .known_id = by_id.known_id, .hop = HOP_LINK, .depth = 4 };
    assert_int_equal(storekit_offer_one(k, by_id).change, CHANGE_NONE);
    assert_int_equal(storekit_int(k, "SELECT depth FROM urls"), 3);
}

static void a_visited_state_is_remembered(void **state)
{
    struct storekit *k = *state;
    int64_t id = offer(k, REASON_NONE, 5).id;

    storekit_fetch(k, id, 5, "body", NULL);
    assert_int_equal(offer(k, REASON_NONE, 5).state, STATE_FETCHED);
}

static void long_urls_are_cut_and_still_one_row(void **state)
{
    struct storekit *k = *state;
    char url[10000] = "http://a.example/";
    struct store_offer o;

    memset(url + 17, 'x', sizeof url - 18);
    for (int i = 0; i < 2; i++) {
        o = storekit_offer(url, HOP_LINK, 1);
        o.reason = REASON_URL_TOO_LONG;
        storekit_offer_one(k, o);
    }
    assert_int_equal(storekit_int(k, "SELECT count(*) FROM urls"), 1);
    assert_int_equal(storekit_int(k, "SELECT length(url) FROM urls"), 8192);
}

/* --- the table of store/offers.h -------------------------------------------------- */

static const struct row {
    const char *label;
    enum url_reason was;
    int was_depth;
    enum url_reason offered;
    int offered_depth;
    enum store_change change;
    enum url_state state;
    enum url_reason reason;
    int depth;
} rows[] = {
    { "excluded for kind, a link allows it: queued", REASON_KIND, 1, REASON_NONE, 2,
      CHANGE_QUEUED, STATE_QUEUED, REASON_NONE, 2 },
    { "excluded for nofollow, a link allows it: queued", REASON_NOFOLLOW, 1,
      REASON_NONE, 1, CHANGE_QUEUED, STATE_QUEUED, REASON_NONE, 1 },
    { "excluded for depth, a shorter way: queued", REASON_DEPTH, 9, REASON_NONE, 2,
      CHANGE_QUEUED, STATE_QUEUED, REASON_NONE, 2 },
    { "excluded for scope, the scope grew: queued", REASON_SCOPE, 1, REASON_NONE, 1,
      CHANGE_QUEUED, STATE_QUEUED, REASON_NONE, 1 },
    { "excluded for kind, offered too deep: now for depth", REASON_KIND, 1,
      REASON_DEPTH, 7, CHANGE_NONE, STATE_EXCLUDED, REASON_DEPTH, 7 },
    { "excluded for depth, offered as an image: still for depth", REASON_DEPTH, 7,
      REASON_KIND, 1, CHANGE_NONE, STATE_EXCLUDED, REASON_DEPTH, 7 },
    { "excluded for depth, nearer but still too deep", REASON_DEPTH, 9, REASON_DEPTH, 7,
      CHANGE_NONE, STATE_EXCLUDED, REASON_DEPTH, 7 },
    { "excluded by robots.txt stays so", REASON_ROBOTS, 3, REASON_NONE, 3, CHANGE_NONE,
      STATE_EXCLUDED, REASON_ROBOTS, 3 },
    { "excluded by robots.txt, its depth falls", REASON_ROBOTS, 3, REASON_NONE, 1,
      CHANGE_NONE, STATE_EXCLUDED, REASON_ROBOTS, 1 },
    { "dropped stays dropped", REASON_DROPPED, 3, REASON_NONE, 3, CHANGE_NONE,
      STATE_EXCLUDED, REASON_DROPPED, 3 },
    { "queued, offered deeper: stays", REASON_NONE, 1, REASON_NONE, 2, CHANGE_NONE,
      STATE_QUEUED, REASON_NONE, 1 },
    { "queued, offered nearer: shallower", REASON_NONE, 5, REASON_NONE, 2,
      CHANGE_SHALLOWER, STATE_QUEUED, REASON_NONE, 2 },
    { "queued, offered as excluded: stays", REASON_NONE, 5, REASON_KIND, 1, CHANGE_NONE,
      STATE_QUEUED, REASON_NONE, 5 },
};

static void offered_again(void **state)
{
    const struct row *row = *state;
    struct storekit kit, *k = &kit;
    struct store_offer o;

    storekit_init(k);
    storekit_open(k, REVISIT_ALL);
    /* Once from the cache, once from the table. */
    for (int round = 0; round < 2; round++) {
        offer(k, row->was, row->was_depth);
        if (round) {
            storekit_stop(k, true);
            storekit_open(k, REVISIT_NONE);
        }
        o = offer(k, row->offered, row->offered_depth);
        if (!round) {
            assert_int_equal(o.change, row->change);
            assert_int_equal(o.state, row->state);
            assert_int_equal(o.state_reason, row->reason);
            assert_int_equal(o.state_depth, row->depth);
        }
    }
    assert_int_equal(storekit_int(k, "SELECT depth FROM urls"), row->depth);
    assert_int_equal(
        storekit_int(
            k, "SELECT count(*) FROM urls u, state_count c WHERE c.n = 1 AND c.state ="
               " (SELECT state FROM url)"),
        1);
    storekit_clear(k);
}

static void a_row_queued_anew_forgets_its_reason_and_rule(void **state)
{
    struct storekit *k = *state;

    offer(k, REASON_KIND, 1);
    offer(k, REASON_NONE, 1);
    assert_int_equal(
        storekit_int(k, "SELECT reason IS NULL AND rule IS NULL FROM urls"), 1);
}

#define YEAR_MS (INT64_C(365) * 24 * 3600 * 1000)

/* A page asked for then, in a run in which a sitemap gives this date. */
static struct store_op *offer_dated_in(struct storekit *k, enum store_revisit revisit, enum url_state state,
                                       int64_t fetched_ms, int64_t lastmod_ms, enum url_reason reason)
{
    struct store_op *op = storekit_visit(offer(k, REASON_NONE, 1).id, 1, 1);
    struct store_offer *o;

    op->u.visit.fetched_at_ms = fetched_ms;
    op->u.visit.next_fetch_ms = STOREKIT_NOW + INT64_C(12) * 3600 * 1000;
    op->u.visit.state = state;
    if (state == STATE_FETCHED)
        storekit_page(op, "t", "x", "body");
    storekit_do(k, op);
    store_op_free(op);
    storekit_finish(k);
    storekit_open(k, revisit);
    assert_int_equal(storekit_int(k, "SELECT state = 'queued' FROM urls"), 0);
    op = store_op_new(STORE_OFFERS, MIB);
    o = arena_alloc(&op->mem, sizeof *o);
    *o = storekit_offer(PAGE, HOP_SITEMAP, 1);
    o->lastmod_ms = lastmod_ms;
    o->reason = reason;
    op->u.offers.offers = o;
    op->u.offers.n_offers = 1;
    storekit_do(k, op);
    return op;
}

/* In a run over due pages. */
static struct store_op *offer_dated_for(struct storekit *k, enum url_state state, int64_t fetched_ms,
                                        int64_t lastmod_ms, enum url_reason reason)
{
    return offer_dated_in(k, REVISIT_DUE, state, fetched_ms, lastmod_ms, reason);
}

static struct store_op *offer_dated(struct storekit *k, int64_t lastmod_ms)
{
    return offer_dated_for(k, STATE_FETCHED, STOREKIT_NOW - 10 * YEAR_MS, lastmod_ms, REASON_NONE);
}

static void a_newer_sitemap_date_makes_a_page_due(void **state)
{
    struct storekit *k = *state;
    struct store_op *op = offer_dated(k, STOREKIT_NOW - 5 * YEAR_MS);

    assert_int_equal(op->n_extra, 1);
    assert_int_equal(op->extra[0].id, storekit_id(k, PAGE));
    store_op_free(op);
    assert_int_equal(storekit_int(k, "SELECT state = 'queued' FROM urls"), 1);
}

static void a_newer_sitemap_date_makes_a_page_due_that_had_not_changed_before(void **state)
{
    struct storekit *k = *state;

    store_op_free(offer_dated_for(k, STATE_NOT_MODIFIED, STOREKIT_NOW - 10 * YEAR_MS, STOREKIT_NOW - 5 * YEAR_MS,
                                  REASON_NONE));
    assert_int_equal(storekit_int(k, "SELECT state = 'queued' FROM urls"), 1);
}

static void in_a_run_over_new_pages_alone_a_newer_sitemap_date_queues_nothing(void **state)
{
    struct storekit *k = *state;

    store_op_free(offer_dated_in(k, REVISIT_NONE, STATE_FETCHED, STOREKIT_NOW - 10 * YEAR_MS,
                                 STOREKIT_NOW - 5 * YEAR_MS, REASON_NONE));
    assert_int_equal(storekit_int(k, "SELECT state = 'fetched' FROM urls"), 1);
}

static void an_older_sitemap_date_changes_nothing(void **state)
{
    struct storekit *k = *state;

    store_op_free(offer_dated(k, STOREKIT_NOW - 11 * YEAR_MS));
    assert_int_equal(storekit_int(k, "SELECT state = 'fetched' FROM urls"), 1);
}

/* The date of an event to come, or of a server whose clock is wrong: it would be newer in every run. */
static void a_sitemap_date_in_the_future_changes_nothing(void **state)
{
    struct storekit *k = *state;

    store_op_free(offer_dated(k, STOREKIT_NOW + 100 * YEAR_MS));
    assert_int_equal(storekit_int(k, "SELECT state = 'fetched' FROM urls"), 1);
}

#define HOUR_MS (INT64_C(3600) * 1000)

/* Dates without a time of day, as most sitemaps have them: when was the page asked for, and is it due now? */
static const struct day_row {
    const char *label;
    int64_t asked_after_ms; /* the day's beginning, UTC */
    bool is_due;
} days[] = {
    { "a page asked for on the night of its date may have changed later that day", 1 * HOUR_MS, true },
    { "in the far west its date's evening is the next morning in UTC", 30 * HOUR_MS, true },
    { "a page asked for when the day was over everywhere is as it was", 36 * HOUR_MS, false },
};

static void a_date_means_its_whole_day(void **state)
{
    const struct day_row *row = *state;
    struct storekit k;
    int64_t day_ms = STOREKIT_NOW - 5 * YEAR_MS;

    storekit_init(&k);
    storekit_open(&k, REVISIT_ALL);
    store_op_free(offer_dated_for(&k, STATE_FETCHED, day_ms + row->asked_after_ms, day_ms, REASON_NONE));
    assert_int_equal(storekit_int(&k, "SELECT state = 'queued' FROM urls"), row->is_due);
    storekit_clear(&k);
}

/* Nobody asks for all pages of today again in each run of today. */
static void the_day_that_lasts_makes_nothing_due(void **state)
{
    struct storekit *k = *state;
    int64_t now_ms = clock_wall_ms();

    store_op_free(offer_dated_for(k, STATE_FETCHED, now_ms, now_ms - now_ms % (24 * HOUR_MS), REASON_NONE));
    assert_int_equal(storekit_int(k, "SELECT state = 'fetched' FROM urls"), 1);
}

static void a_sitemap_date_of_what_the_rules_exclude_changes_nothing(void **state)
{
    struct storekit *k = *state;

    store_op_free(offer_dated_for(k, STATE_FETCHED, STOREKIT_NOW - 10 * YEAR_MS, STOREKIT_NOW - 5 * YEAR_MS,
                                  REASON_INCLUDE_EXCLUDE));
    assert_int_equal(storekit_int(k, "SELECT state = 'fetched' FROM urls"), 1);
}

static void a_sitemap_leaves_its_row(void **state)
{
    struct storekit *k = *state;
    struct store_op *op = store_op_new(STORE_OFFERS, MIB);
    char text[512];

    op->u.offers.sitemap_url = SPAN("http://a.example/sitemap.xml");
    op->u.offers.sitemap_outcome = SPAN("ok");
    op->u.offers.sitemap_status = 200;
    op->u.offers.sitemap_entries = 7;
    op->u.offers.sitemap_fetched_ms = STOREKIT_NOW;
    storekit_do(k, op);
    store_op_free(op);
    assert_string_equal(
        storekit_text(
            k,
            "SELECT url || ' ' || status_code || ' ' || outcome || ' ' || entries"
            " FROM sitemaps",
            text),
        "http://a.example/sitemap.xml 200 ok 7");
}

int main(void)
{
    struct CMUnitTest tests[40] = {
        cmocka_unit_test_setup_teardown(a_new_url_gets_a_row_and_its_host, set_up,
                                        tear_down),
        cmocka_unit_test_setup_teardown(the_same_key_is_the_same_row, set_up,
                                        tear_down),
        cmocka_unit_test_setup_teardown(
            the_first_spelling_is_kept_and_the_key_beside_it, set_up, tear_down),
        cmocka_unit_test_setup_teardown(a_row_takes_the_spelling_that_got_it_queued, set_up, tear_down),
        cmocka_unit_test_setup_teardown(http_and_https_and_ports_are_hosts_of_their_own,
                                        set_up, tear_down),
        cmocka_unit_test_setup_teardown(a_url_of_another_scheme_has_no_host, set_up,
                                        tear_down),
        cmocka_unit_test_setup_teardown(a_seed_is_noted_once, set_up, tear_down),
        cmocka_unit_test_setup_teardown(a_known_row_may_be_named_by_its_id, set_up,
                                        tear_down),
        cmocka_unit_test_setup_teardown(a_depth_that_fell_is_remembered, set_up,
                                        tear_down),
        cmocka_unit_test_setup_teardown(a_visited_state_is_remembered, set_up,
                                        tear_down),
        cmocka_unit_test_setup_teardown(long_urls_are_cut_and_still_one_row, set_up,
                                        tear_down),
        cmocka_unit_test_setup_teardown(a_row_queued_anew_forgets_its_reason_and_rule,
                                        set_up, tear_down),
        cmocka_unit_test_setup_teardown(a_newer_sitemap_date_makes_a_page_due, set_up,
                                        tear_down),
        cmocka_unit_test_setup_teardown(a_newer_sitemap_date_makes_a_page_due_that_had_not_changed_before, set_up,
                                        tear_down),
        cmocka_unit_test_setup_teardown(a_sitemap_date_in_the_future_changes_nothing,
                                        set_up, tear_down),
        cmocka_unit_test_setup_teardown(in_a_run_over_new_pages_alone_a_newer_sitemap_date_queues_nothing, set_up,
                                        tear_down),
        cmocka_unit_test_setup_teardown(an_older_sitemap_date_changes_nothing, set_up,
                                        tear_down),
        cmocka_unit_test_setup_teardown(a_sitemap_date_of_what_the_rules_exclude_changes_nothing, set_up,
                                        tear_down),
        cmocka_unit_test_setup_teardown(the_day_that_lasts_makes_nothing_due, set_up, tear_down),
        cmocka_unit_test_setup_teardown(a_sitemap_leaves_its_row, set_up, tear_down),
    };
    size_t n = 0;

    while (tests[n].name)
        n++;
    for (size_t i = 0; i < ARRAY_LEN(rows); i++)
        tests[n++] = (struct CMUnitTest){ rows[i].label, offered_again, NULL, NULL,
                                          (void *)(uintptr_t)&rows[i] };
    for (size_t i = 0; i < ARRAY_LEN(days); i++)
        tests[n++] = (struct CMUnitTest){ days[i].label, a_date_means_its_whole_day, NULL, NULL,
                                          (void *)(uintptr_t)&days[i] };
    return _cmocka_run_group_tests("store/offers", tests, n, NULL, NULL);
}
