/* SPDX-License-Identifier: MIT */
#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

#include "config/clock.h"
#include "config/mem.h"
#include "crawler/frontier.h"

#define START_NS   (1000 * NS_PER_S)
#define START_WALL INT64_C(1700000000000)

/* A frontier on the fake clock; refills are only counted, tests answer them by hand. */
struct rig {
    struct settings settings;
    struct loop *loop;
    struct frontier *f;
    int n_refills;
    struct host *refilled;
    size_t room;
};

static void on_refill(void *arg, struct host *h, size_t room)
{
    struct rig *r = arg;

    r->n_refills++;
    r->refilled = h;
    r->room = room;
}

static void open_frontier(struct rig *r, enum store_order order, size_t max_tickets,
                          int64_t max_pages)
{
    struct frontier_options options = { order, max_tickets, max_pages };

    r->f = frontier_new(r->loop, &r->settings, &options, on_refill, r);
}

static int open_rig(void **state)
{
    struct rig *r = test_calloc(1, sizeof *r);

    clock_fake_start(START_NS, START_WALL);
    options_set_defaults(&settings_table, &r->settings);
    r->settings.delay_ms = 0;
    if (loop_open(&r->loop, NULL))
        return -1;
    loop_turn(r->loop, 0);
    *state = r;
    return 0;
}

static int close_rig(void **state)
{
    struct rig *r = *state;

    frontier_free(r->f);
    loop_close(r->loop);
    settings_clear(&r->settings);
    clock_fake_stop();
    test_free(r);
    return 0;
}

static void advance(struct rig *r, int64_t ns)
{
    clock_fake_advance(ns);
    loop_turn(r->loop, 0);
}

/* Host number id: https://hN.org:443, ready without robots.txt unless is_new. */
static struct host *add_host(struct rig *r, int64_t id, bool is_new)
{
    char name[32];
    int n = snprintf(name, sizeof name, "h%d.org", (int)id);
    struct store_origin origin = { id, true, span_make(name, (size_t)n), 443 };
    struct host *h = frontier_host(r->f, &origin, false);

    if (!is_new) {
        h->state = HOST_READY;
        h->is_loaded = true;
        h->robots_expire_at = DEADLINE_NEVER;
    }
    return h;
}

static void add_row(struct rig *r, struct host *h, int64_t id, int depth)
{
    struct store_item item = {
        .id = id, .host_id = h->id, .url = SPAN("https://h.org/x"), .depth = depth
    };

    frontier_add(r->f, h, &item);
}

/* The id of the next ticket, or 0. */
static int64_t take(struct rig *r, struct ticket **out)
{
    struct host *h;
    deadline wait;

    return frontier_take(r->f, &h, out, &wait) == NEXT_VISIT ? (*out)->id : 0;
}

static deadline take_nothing(struct rig *r)
{
    struct ticket *t;
    struct host *h;
    deadline wait = -1;

    assert_int_equal(frontier_take(r->f, &h, &t, &wait), NEXT_NOTHING);
    return wait;
}

/* The request is over and the visit committed. */
static void end(struct rig *r, struct ticket *t)
{
    politeness_leave(frontier_politeness(r->f), t->host->site, loop_now(r->loop), true);
    frontier_finish(r->f, t);
}

static struct frontier_stats stats(struct rig *r)
{
    struct frontier_stats s;

    frontier_get_stats(r->f, &s);
    return s;
}

/* --- hosts ------------------------------------------------------------------------------- */

static void an_origin_is_found_by_id_and_by_name(void **state)
{
    struct rig *r = *state;
    struct store_origin http = { 2, false, SPAN("h1.org"), 80 };
    struct host *h, *plain;

    open_frontier(r, ORDER_BFS, 100, -1);
    h = add_host(r, 1, false);
    plain = frontier_host(r->f, &http, false);
    assert_ptr_equal(add_host(r, 1, false), h);
    assert_ptr_equal(frontier_find_host(r->f, 1), h);
    assert_ptr_equal(frontier_find_origin(r->f, true, SPAN("h1.org"), 443), h);
    assert_ptr_equal(frontier_find_origin(r->f, false, SPAN("h1.org"), 80), plain);
    assert_null(frontier_find_origin(r->f, false, SPAN("h1.org"), 443));
    assert_null(frontier_find_host(r->f, 3));
    assert_ptr_equal(h->site, plain->site); /* one site: they share its permits */
    assert_int_equal(stats(r).hosts, 2);
}

static void a_new_host_is_prepared_once_before_its_first_visit(void **state)
{
    struct rig *r = *state;
    struct ticket *t;
    struct host *h, *got = NULL;
    deadline wait;

    open_frontier(r, ORDER_BFS, 100, -1);
    h = add_host(r, 1, true);
    take_nothing(r); /* nothing queued: no reason to ask for robots.txt */
    add_row(r, h, 1, 0);
    add_row(r, h, 2, 0);
    assert_int_equal(frontier_take(r->f, &got, &t, &wait), NEXT_PREPARE);
    assert_ptr_equal(got, h);
    assert_true(take_nothing(r) == DEADLINE_NEVER);
    assert_int_equal(stats(r).preparing, 1);
    assert_false(frontier_is_idle(r->f));
    h->robots_expire_at = loop_now(r->loop) + NS_PER_S;
    frontier_prepared(r->f, h);
    assert_int_equal(take(r, &t), 1);
    end(r, t);
    advance(r, NS_PER_S);
    assert_int_equal(frontier_take(r->f, &got, &t, &wait),
                     NEXT_PREPARE); /* too old now */
    h->robots_expire_at = DEADLINE_NEVER;
    frontier_prepared(r->f, h);
    assert_int_equal(take(r, &t), 2);
    end(r, t);
    assert_true(frontier_is_idle(r->f));
}

static void a_host_parked_while_prepared_stays_parked(void **state)
{
    struct rig *r = *state;
    struct ticket *t;
    struct host *h;
    deadline wait;

    open_frontier(r, ORDER_BFS, 100, -1);
    h = add_host(r, 1, true);
    add_row(r, h, 1, 0);
    assert_int_equal(frontier_take(r->f, &h, &t, &wait), NEXT_PREPARE);
    frontier_park(r->f, h, REASON_ROBOTS_UNREACHABLE, SPAN("robots.txt: x"), 5);
    frontier_prepared(r->f, h);
    assert_int_equal(h->state, HOST_PARKED);
    assert_int_equal(h->park_reason, REASON_ROBOTS_UNREACHABLE);
    assert_true(take_nothing(r) == DEADLINE_NEVER);
    assert_true(frontier_is_idle(r->f));
}

/* --- taking turns -------------------------------------------------------------------------- */

static void hosts_take_turns(void **state)
{
    static const int64_t want[] = { 11, 21, 31, 12, 22, 32, 13, 23, 33 };
    struct rig *r = *state;
    struct ticket *t;

    open_frontier(r, ORDER_BFS, 100, -1);
    for (int64_t k = 1; k <= 3; k++)
        for (int64_t i = 1; i <= 3; i++)
            add_row(r, add_host(r, k, false), k * 10 + i, 0);
    for (size_t i = 0; i < ARRAY_LEN(want); i++) {
        assert_int_equal(take(r, &t), want[i]);
        end(r, t);
    }
    assert_true(frontier_is_idle(r->f));
}

static void hosts_take_turns_with_several_permits_too(void **state)
{
    static const int64_t want[] = { 11, 21, 31, 12, 22, 32, 13, 23, 33 };
    struct rig *r = *state;
    struct ticket *t;

    r->settings.per_host = 8;
    open_frontier(r, ORDER_BFS, 100, -1);
    for (int64_t k = 1; k <= 3; k++)
        for (int64_t i = 1; i <= 3; i++)
            add_row(r, add_host(r, k, false), k * 10 + i, 0);
    for (size_t i = 0; i < ARRAY_LEN(want); i++)
        assert_int_equal(take(r, &t), want[i]);
}

/* In each round what was found first goes first, in whatever order hosts came into being. */
static void turns_go_by_what_was_found_first(void **state)
{
    static const struct {
        int64_t host, id;
    } rows[] = { { 1, 13 }, { 1, 14 }, { 1, 15 }, { 2, 11 }, { 2, 30 }, { 3, 12 }, { 3, 16 } };
    static const int64_t want[] = { 11, 12, 13, 14, 16, 30, 15 };
    struct rig *r = *state;
    struct ticket *t;

    open_frontier(r, ORDER_BFS, 100, -1);
    for (size_t i = 0; i < ARRAY_LEN(rows); i++)
        add_row(r, add_host(r, rows[i].host, false), rows[i].id, 0);
    for (size_t i = 0; i < ARRAY_LEN(want); i++) {
        assert_int_equal(take(r, &t), want[i]);
        end(r, t);
    }
    assert_true(frontier_is_idle(r->f));
}

/* Host 1 has always something older, and still gets no more than each of the others. */
static void an_old_queue_gets_no_more_turns_than_a_new_one(void **state)
{
    struct rig *r = *state;
    struct ticket *t;
    int n_of_first = 0;

    open_frontier(r, ORDER_BFS, 100, -1);
    for (int64_t i = 1; i <= 20; i++)
        add_row(r, add_host(r, 1, false), i, 0);
    for (int64_t i = 0; i < 30; i++) { /* found as time goes by, of two hosts in turn */
        add_row(r, add_host(r, 2 + i % 2, false), 100 + i, 0);
        n_of_first += take(r, &t) <= 20;
        end(r, t);
    }
    assert_in_range(n_of_first, 8, 16);
}

/* A round waits for nobody who is in a pause, and who comes back before it ends joins it. */
static void who_comes_back_from_a_pause_joins_the_round(void **state)
{
    struct rig *r = *state;
    struct ticket *t;
    struct host *h;

    r->settings.delay_ms = 1000;
    open_frontier(r, ORDER_BFS, 100, -1);
    for (int64_t k = 1; k <= 3; k++)
        for (int64_t i = 0; i < 2; i++)
            add_row(r, add_host(r, k, false), 10 * k + i, 0);
    for (int64_t k = 1; k <= 3; k++) {
        assert_int_equal(take(r, &t), 10 * k);
        end(r, t);
    }
    h = frontier_find_host(r->f, 1);
    politeness_hold(frontier_politeness(r->f), h->site, clock_after(loop_now(r->loop), 3 * NS_PER_S / 2));
    advance(r, NS_PER_S);
    assert_int_equal(take(r, &t), 21); /* the next round begins */
    advance(r, NS_PER_S);
    assert_int_equal(take(r, &t), 11);
    add_row(r, add_host(r, 4, false), 30, 0); /* nor need a new one wait */
    assert_int_equal(take(r, &t), 30);
    assert_int_equal(take(r, &t), 31);
}

static void a_crowded_host_does_not_hold_up_the_others(void **state)
{
    struct rig *r = *state;
    struct ticket *t;
    int64_t n_others = 0;

    r->settings.delay_ms = 1000;
    open_frontier(r, ORDER_BFS, 100000, -1);
    for (int64_t i = 0; i < 1000; i++)
        add_row(r, add_host(r, 1, false), 1000 + i, 0);
    for (int64_t k = 2; k <= 50; k++)
        add_row(r, add_host(r, k, false), k, 5);
    while (take(r, &t)) {
        n_others += t->host->id != 1;
        end(r, t);
    }
    assert_int_equal(n_others, 49);
}

/* --- permits and pauses ----------------------------------------------------------------------- */

static void permits_are_the_sites(void **state)
{
    struct rig *r = *state;
    struct store_origin http = { 2, false, SPAN("h1.org"), 80 };
    struct ticket *a, *b, *c;

    r->settings.per_host = 2;
    open_frontier(r, ORDER_BFS, 100, -1);
    for (int64_t i = 1; i <= 3; i++)
        add_row(r, add_host(r, 1, false), i, 0);
    frontier_host(r->f, &http, false)->state = HOST_READY;
    frontier_find_host(r->f, 2)->robots_expire_at = DEADLINE_NEVER;
    add_row(r, frontier_find_host(r->f, 2), 9, 0);

    assert_true(take(r, &a) && take(r, &b));
    assert_true(a->host != b->host); /* they take turns, but share the permits */
    assert_true(take_nothing(r) == DEADLINE_NEVER);
    assert_int_equal(stats(r).busy, 2);
    end(r, a);
    assert_true(take(r, &c) != 0);
    assert_true(take_nothing(r) == DEADLINE_NEVER);
    end(r, b);
    end(r, c);
}

static void the_pause_runs_from_the_end_of_a_request(void **state)
{
    struct rig *r = *state;
    struct ticket *t;

    r->settings.delay_ms = 1000;
    open_frontier(r, ORDER_BFS, 100, -1);
    add_row(r, add_host(r, 1, false), 1, 0);
    add_row(r, add_host(r, 1, false), 2, 0);
    assert_int_equal(take(r, &t), 1);
    advance(r, 200 * NS_PER_MS);
    politeness_leave(frontier_politeness(r->f), t->host->site, START_NS, true);
    frontier_finish(r->f, t);
    assert_true(take_nothing(r) == START_NS + 1200 * NS_PER_MS);
    advance(r, 999 * NS_PER_MS);
    take_nothing(r);
    advance(r, 1 * NS_PER_MS);
    assert_int_equal(take(r, &t), 2);
    end(r, t);
}

/* Nobody was asked: the host need not wait for that. */
static void a_turn_that_was_not_used_is_given_back_at_once(void **state)
{
    struct rig *r = *state;
    struct ticket *t;

    r->settings.delay_ms = 1000;
    r->settings.per_host = 2;
    open_frontier(r, ORDER_BFS, 100, -1);
    add_row(r, add_host(r, 1, false), 1, 0);
    add_row(r, add_host(r, 1, false), 2, 0);
    assert_int_equal(take(r, &t), 1);
    assert_true(take_nothing(r) == START_NS + NS_PER_S);
    politeness_leave(frontier_politeness(r->f), t->host->site, START_NS, false);
    frontier_finish(r->f, t);
    assert_int_equal(take(r, &t), 2);
    end(r, t);
}

static void the_wait_is_the_nearest_moment(void **state)
{
    struct rig *r = *state;
    struct store_item later = { .id = 5,
                                .url = SPAN("x"),
                                .next_fetch_ms = START_WALL + 50 };
    struct ticket *t;
    struct host *a, *b;

    open_frontier(r, ORDER_BFS, 100, -1);
    a = add_host(r, 1, false);
    b = add_host(r, 2, false);
    add_row(r, a, 1, 0);
    politeness_back_off(frontier_politeness(r->f), a->site, START_NS + NS_PER_S);
    frontier_add(r->f, b, &later);
    assert_true(take_nothing(r) == START_NS + 50 * NS_PER_MS);
    advance(r, 50 * NS_PER_MS);
    assert_int_equal(take(r, &t), 5);
    end(r, t);
    assert_true(take_nothing(r) == START_NS + NS_PER_S);
    advance(r, 950 * NS_PER_MS);
    assert_int_equal(take(r, &t), 1);
    end(r, t);
}

/* --- tickets -------------------------------------------------------------------------------------- */

static void a_ticket_keeps_what_the_row_says(void **state)
{
    struct rig *r = *state;
    char url[] = "https://h.org/path", etag[] = "\"tag\"", date[] = "yesterday";
    struct store_item item = { .id = 7,
                               .url = span_str(url),
                               .etag = span_str(etag),
                               .last_modified = span_str(date),
                               .depth = 3,
                               .priority = -2,
                               .redirects = 4,
                               .retries = 1,
                               .hop = HOP_SITEMAP };
    struct ticket *t;

    open_frontier(r, ORDER_BFS, 100, -1);
    frontier_add(r->f, add_host(r, 1, false), &item);
    memset(url, 'x', sizeof url - 1);
    memset(etag, 'x', sizeof etag - 1);
    memset(date, 'x', sizeof date - 1);
    assert_int_equal(take(r, &t), 7);
    assert_true(span_eq(t->url, SPAN("https://h.org/path")));
    assert_true(span_eq(t->etag, SPAN("\"tag\"")));
    assert_true(span_eq(t->last_modified, SPAN("yesterday")));
    assert_int_equal(t->depth, 3);
    assert_int_equal(t->priority, -2);
    assert_int_equal(t->redirects, 4);
    assert_int_equal(t->retries, 1);
    assert_int_equal(t->hop, HOP_SITEMAP);
    end(r, t);
}

static void a_row_is_in_memory_once(void **state)
{
    struct rig *r = *state;
    struct ticket *t;
    struct host *h;

    open_frontier(r, ORDER_BFS, 100, -1);
    h = add_host(r, 1, false);
    add_row(r, h, 1, 0);
    add_row(r, h, 1, 0);
    assert_int_equal(take(r, &t), 1);
    add_row(r, h, 1, 0); /* while busy */
    assert_int_equal(stats(r).tickets, 1);
    frontier_retry(r->f, t, loop_now(r->loop) + NS_PER_S);
    politeness_leave(frontier_politeness(r->f), h->site, loop_now(r->loop), true);
    add_row(r, h, 1, 0); /* while delayed */
    assert_int_equal(stats(r).tickets, 1);
    assert_int_equal(stats(r).delayed, 1);
    advance(r, NS_PER_S);
    assert_int_equal(take(r, &t), 1);
    end(r, t);
    assert_true(frontier_is_idle(r->f));
}

static void a_smaller_depth_moves_a_row_forward(void **state)
{
    struct rig *r = *state;
    struct ticket *t;
    struct host *h;

    open_frontier(r, ORDER_BFS, 100, -1);
    h = add_host(r, 1, false);
    add_row(r, h, 1, 3);
    add_row(r, h, 2, 4);
    add_row(r, h, 2, 1);
    assert_int_equal(take(r, &t), 2);
    assert_int_equal(t->depth, 1);
    end(r, t);
    assert_int_equal(take(r, &t), 1);
    add_row(r, h, 1, 0); /* a busy one only learns it */
    assert_int_equal(t->depth, 0);
    end(r, t);
}

static void a_retry_waits_for_its_moment(void **state)
{
    struct rig *r = *state;
    struct ticket *t;

    open_frontier(r, ORDER_BFS, 100, -1);
    add_row(r, add_host(r, 1, false), 1, 0);
    add_row(r, add_host(r, 1, false), 2, 0);
    assert_int_equal(take(r, &t), 1);
    politeness_leave(frontier_politeness(r->f), t->host->site, loop_now(r->loop), true);
    frontier_retry(r->f, t, START_NS + 5 * NS_PER_S);
    assert_int_equal(take(r, &t), 2); /* the host itself goes on */
    end(r, t);
    assert_true(take_nothing(r) == START_NS + 5 * NS_PER_S);
    assert_false(frontier_is_idle(r->f));
    advance(r, 5 * NS_PER_S);
    assert_int_equal(take(r, &t), 1);
    end(r, t);
    assert_true(frontier_is_idle(r->f));
}

/* --- the host's budget ------------------------------------------------------------------------------- */

static void a_host_gets_no_more_than_its_pages(void **state)
{
    struct rig *r = *state;
    struct ticket *a, *b;
    struct host *h;

    r->settings.per_host = 5;
    open_frontier(r, ORDER_BFS, 100, 2);
    h = add_host(r, 1, false);
    for (int64_t i = 1; i <= 4; i++)
        add_row(r, h, i, 0);
    assert_int_equal(take(r, &a), 1);
    assert_int_equal(take(r, &b), 2);
    assert_true(take_nothing(r) == DEADLINE_NEVER);
    end(r, a); /* was no answered page: the slot is free again */
    h->run_pages = 1;
    end(r, b);
    assert_int_equal(take(r, &a), 3);
    h->run_pages = 2;
    end(r, a);
    assert_true(take_nothing(r) == DEADLINE_NEVER);
    assert_false(frontier_is_idle(r->f)); /* whoever counts the pages parks the host */
    frontier_park(r->f, h, REASON_HOST_LIMIT, SPAN("limit"), 0);
    assert_true(frontier_is_idle(r->f));
}

static void a_section_may_give_a_host_another_budget(void **state)
{
    struct rig *r = *state;
    struct host_settings own = { .pattern = (char *)(uintptr_t) "h1.*",
                                 .delay_ms = -2,
                                 .per_host = -2,
                                 .max_pages_per_host = 7 };

    r->settings.hosts = &own;
    r->settings.n_hosts = 1;
    open_frontier(r, ORDER_BFS, 100, 3);
    assert_int_equal(add_host(r, 1, false)->max_pages, 7);
    assert_int_equal(add_host(r, 2, false)->max_pages, 3);
    r->settings.hosts = NULL;
    r->settings.n_hosts = 0;
}

/* --- parking -------------------------------------------------------------------------------------------- */

static void a_parked_host_lets_go_of_everything_but_what_is_busy(void **state)
{
    struct rig *r = *state;
    struct store_item later = { .id = 50,
                                .url = SPAN("x"),
                                .next_fetch_ms = START_WALL + 9000 };
    struct ticket *t;
    struct host *h, *other;

    open_frontier(r, ORDER_BFS, 1000, -1);
    h = add_host(r, 1, false);
    other = add_host(r, 2, false);
    for (int64_t i = 1; i <= 40; i++)
        add_row(r, h, i, 0);
    for (int64_t i = 0; i < 30; i++) {
        later.id = 50 + i;
        later.next_fetch_ms = START_WALL + 1000 * (i % 7 + 1);
        frontier_add(r->f, i % 3 ? h : other, &later);
    }
    assert_int_equal(take(r, &t), 1);
    frontier_park(r->f, h, REASON_DEFERRED, SPAN("why"), 123);
    assert_int_equal(stats(r).tickets, 11);
    assert_int_equal(stats(r).delayed, 10);
    assert_int_equal(stats(r).busy, 1);
    assert_false(h->must_park_again);

    add_row(r, h, 99, 0); /* found later: to be parked with the others */
    assert_true(h->must_park_again);
    h->must_park_again = false;
    politeness_leave(frontier_politeness(r->f), h->site, loop_now(r->loop), true);
    frontier_retry(r->f, t, loop_now(r->loop));
    assert_true(h->must_park_again);
    assert_int_equal(stats(r).tickets, 10);
    frontier_reread(r->f, h); /* has no say any more */
    assert_int_equal(r->n_refills, 0);
}

/* --- windows and refills ------------------------------------------------------------------------------------ */

static void memory_is_bounded_whatever_is_added(void **state)
{
    struct rig *r = *state;
    struct ticket *t;
    struct host *h;

    open_frontier(r, ORDER_DFS, 100, -1);
    h = add_host(r, 1, false);
    for (int64_t i = 1; i <= 10000; i++) {
        add_row(r, h, i, 0);
        assert_true(stats(r).tickets <= 100 + 8);
    }
    assert_true(h->has_more);
    assert_int_equal(take(r, &t), 10000); /* depth first: the last one seen */
    end(r, t);
}

/* Eight for each of a million hosts would be gigabytes. */
static void of_very_many_hosts_each_has_a_few_in_memory(void **state)
{
    enum { HOSTS = 500, ROWS = 20 };
    struct rig *r = *state;
    struct host *h[HOSTS];
    struct ticket *t;

    open_frontier(r, ORDER_BFS, 100, -1);
    for (int64_t i = 0; i < HOSTS; i++)
        h[i] = add_host(r, i + 1, false);
    for (int64_t i = 0; i < HOSTS * ROWS; i++)
        add_row(r, h[i % HOSTS], i + 1, 0);
    assert_true(stats(r).tickets <= (size_t)HOSTS * 4);
    for (int64_t i = 0; i < HOSTS; i++) {
        assert_true(h[i]->len > 0);
        assert_true(h[i]->has_more);
    }
    assert_int_equal(take(r, &t), 1);
    end(r, t);
}

static void what_waits_for_its_moment_is_bounded_too(void **state)
{
    struct rig *r = *state;
    struct store_item items[50];
    struct host *h;

    open_frontier(r, ORDER_BFS, 100, -1);
    h = add_host(r, 1, false);
    h->has_more = true;
    frontier_reread(r->f, h);
    for (int64_t id = 1; r->refilled && id < 5000; id += 50) {
        for (int64_t i = 0; i < 50; i++)
            items[i] = (struct store_item){ .id = id + i,
                                            .url = SPAN("x"),
                                            .next_fetch_ms = START_WALL + 60000 };
        r->refilled = NULL;
        frontier_refilled(r->f, h, items, 50, true);
    }
    assert_true(stats(r).tickets <= 200);
    r->refilled = NULL;
    advance(r, 60 * NS_PER_S);
    for (struct ticket *t; take(r, &t);)
        end(r, t);
    assert_ptr_equal(r->refilled, h); /* they went: more is asked for */
}

static void a_window_that_runs_low_asks_once(void **state)
{
    struct rig *r = *state;
    struct ticket *t;
    struct host *h;
    int64_t last = 0;

    open_frontier(r, ORDER_BFS, 16, -1);
    h = add_host(r, 1, false);
    for (int64_t i = 1; i <= 100; i++)
        add_row(r, h, i, 0);
    assert_int_equal(r->n_refills, 0);
    for (int64_t id; (id = take(r, &t)) != 0; last = id)
        end(r, t);
    assert_int_equal(r->n_refills, 1);
    assert_ptr_equal(r->refilled, h);
    assert_true(h->has_cursor);
    assert_int_equal(h->cursor_id, last);
    assert_int_equal(stats(r).refilling, 1);
    assert_false(frontier_is_idle(r->f));
    frontier_refilled(r->f, h, NULL, 0, false);
    assert_true(frontier_is_idle(r->f));
}

static void as_many_are_asked_for_as_stay_in_memory(void **state)
{
    struct rig *r = *state;
    struct store_item items[64];
    struct host *h;

    open_frontier(r, ORDER_BFS, 32, -1);
    h = add_host(r, 1, false);
    frontier_reread(r->f, h);
    assert_int_equal(r->n_refills, 1);
    assert_in_range(r->room, 32, ARRAY_LEN(items));
    for (size_t i = 0; i < r->room; i++)
        items[i] = (struct store_item){ .id = 1 + (int64_t)i, .url = SPAN("x") };
    frontier_refilled(r->f, h, items, r->room, true);

    assert_int_equal(stats(r).tickets, r->room);
    add_row(r, h, 100, -1); /* first in order, but there is no room for one more */
    assert_int_equal(stats(r).tickets, r->room);
}

static void an_answer_older_than_an_eviction_is_not_believed(void **state)
{
    struct rig *r = *state;
    struct store_item items[4];
    struct ticket *t;
    struct host *h;

    open_frontier(r, ORDER_BFS, 8, -1);
    h = add_host(r, 1, false);
    for (int64_t i = 1; i <= 30; i++)
        add_row(r, h, 100 + i, 5);
    while (!r->n_refills && take(r, &t))
        end(r, t);
    assert_int_equal(r->n_refills, 1);
    for (int64_t i = 1; i <= 30; i++) /* shallower ones push the rest out */
        add_row(r, h, 200 + i, 1);
    for (int i = 0; i < 4; i++)
        items[i] = (struct store_item){ .id = 117 + i, .url = SPAN("x"), .depth = 5 };
    frontier_refilled(r->f, h, items, 4, false);
    assert_true(h->has_more); /* the evicted ones are still to be read */
    for (int64_t id; (id = take(r, &t)) != 0; end(r, t))
        assert_true(id > 200);
    assert_int_equal(r->n_refills, 2);
}

static void few_refills_run_at_a_time_and_none_is_forgotten(void **state)
{
    struct rig *r = *state;
    char name[32];

    open_frontier(r, ORDER_BFS, 1000, -1);
    for (int64_t k = 1; k <= 200; k++) {
        int n = snprintf(name, sizeof name, "h%d.org", (int)k);
        struct store_origin origin = { k, true, span_make(name, (size_t)n), 443 };

        frontier_host(r->f, &origin, true);
    }
    assert_int_equal(r->n_refills, 64);
    assert_int_equal(stats(r).refilling, 64);
    for (int i = 0; i < 200; i++) {
        assert_false(frontier_is_idle(r->f));
        frontier_refilled(r->f, frontier_find_host(r->f, i + 1), NULL, 0, false);
        assert_int_equal(r->n_refills, MIN(200, 65 + i));
    }
    assert_true(frontier_is_idle(r->f));
}

#define RIGGED(test) cmocka_unit_test_setup_teardown(test, open_rig, close_rig)

int main(void)
{
    static const struct CMUnitTest tests[] = {
        RIGGED(an_origin_is_found_by_id_and_by_name),
        RIGGED(a_new_host_is_prepared_once_before_its_first_visit),
        RIGGED(a_host_parked_while_prepared_stays_parked),
        RIGGED(hosts_take_turns),
        RIGGED(hosts_take_turns_with_several_permits_too),
        RIGGED(turns_go_by_what_was_found_first),
        RIGGED(an_old_queue_gets_no_more_turns_than_a_new_one),
        RIGGED(who_comes_back_from_a_pause_joins_the_round),
        RIGGED(a_crowded_host_does_not_hold_up_the_others),
        RIGGED(permits_are_the_sites),
        RIGGED(the_pause_runs_from_the_end_of_a_request),
        RIGGED(a_turn_that_was_not_used_is_given_back_at_once),
        RIGGED(the_wait_is_the_nearest_moment),
        RIGGED(a_ticket_keeps_what_the_row_says),
        RIGGED(a_row_is_in_memory_once),
        RIGGED(a_smaller_depth_moves_a_row_forward),
        RIGGED(a_retry_waits_for_its_moment),
        RIGGED(a_host_gets_no_more_than_its_pages),
        RIGGED(a_section_may_give_a_host_another_budget),
        RIGGED(a_parked_host_lets_go_of_everything_but_what_is_busy),
        RIGGED(memory_is_bounded_whatever_is_added),
        RIGGED(what_waits_for_its_moment_is_bounded_too),
        RIGGED(of_very_many_hosts_each_has_a_few_in_memory),
        RIGGED(a_window_that_runs_low_asks_once),
        RIGGED(an_answer_older_than_an_eviction_is_not_believed),
        RIGGED(as_many_are_asked_for_as_stay_in_memory),
        RIGGED(few_refills_run_at_a_time_and_none_is_forgotten),
    };

    return cmocka_run_group_tests_name("crawler/frontier", tests, NULL, NULL);
}
