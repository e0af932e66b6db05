/* SPDX-License-Identifier: MIT */
#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

#include "config/clock.h"
#include "config/mem.h"
#include "crawler/rulebook.h"

#define BOUND ((size_t)64 * KIB)

/* A frontier whose refills nobody answers, and the book; on the fake clock. */
struct rig {
    struct settings settings;
    struct loop *loop;
    struct frontier *f;
    struct rulebook *b;
};

static void no_refill(void *arg, struct host *h, size_t room)
{
    (void)arg;
    (void)h;
    (void)room;
}

static int open_rig(void **state)
{
    struct rig *r = test_calloc(1, sizeof *r);
    struct frontier_options options = { ORDER_BFS, 100, -1 };

    clock_fake_start(1000 * NS_PER_S, INT64_C(1700000000000));
    options_set_defaults(&settings_table, &r->settings);
    r->settings.delay_ms = 0;
    if (loop_open(&r->loop, NULL))
        return -1;
    loop_turn(r->loop, 0);
    r->f = frontier_new(r->loop, &r->settings, &options, no_refill, r);
    r->b = rulebook_new(r->f, BOUND);
    *state = r;
    return 0;
}

static int close_rig(void **state)
{
    struct rig *r = *state;

    rulebook_free(r->b);
    frontier_free(r->f);
    loop_close(r->loop);
    settings_clear(&r->settings);
    clock_fake_stop();
    test_free(r);
    return 0;
}

static struct host *add_host(struct rig *r, int64_t id)
{
    char name[32];
    int n = snprintf(name, sizeof name, "h%d.org", (int)id);
    struct store_origin origin = { id, true, span_make(name, (size_t)n), 443 };
    struct host *h = frontier_host(r->f, &origin, false);

    h->state = HOST_READY;
    h->is_loaded = true;
    h->robots_expire_at = DEADLINE_NEVER;
    return h;
}

/* One rule against /no, with a pattern of n bytes. */
static void keep(struct rig *r, struct host *h, size_t n)
{
    char *pattern = mem_alloc(n + 3);
    struct robots_rule rule = { .pattern = span_make(pattern, n + 3), .line = 7 };
    struct robots_rules rules = { .rules = &rule, .n_rules = 1, .crawl_delay_ms = 2000 };

    memcpy(pattern, "/no", 3);
    memset(pattern + 3, '*', n);
    assert_int_equal(rulebook_keep(r->b, h, &rules), OK);
    memset(pattern, 'x', n + 3); /* it has its own copy */
    mem_free(pattern);
}

static bool allows(struct rig *r, struct host *h, const char *target)
{
    const struct robots_rule *rule = NULL;
    bool is_allowed = rulebook_allows(r->b, h, span_str(target), &rule);

    assert_true(is_allowed || rule->line == 7);
    return is_allowed;
}

static void what_is_kept_is_obeyed_until_it_is_replaced(void **state)
{
    struct rig *r = *state;
    struct host *h = add_host(r, 1);
    struct robots_rules none = { .crawl_delay_ms = -1 };

    assert_true(allows(r, h, "/no"));
    keep(r, h, 0);
    assert_true(h->obeys_rules);
    assert_false(allows(r, h, "/no"));
    assert_true(allows(r, h, "/yes"));
    assert_int_equal(h->crawl_delay_ms, 2000);
    assert_int_equal(rulebook_keep(r->b, h, &none), OK);
    assert_true(h->obeys_rules);
    assert_true(allows(r, h, "/no"));
    assert_int_equal(h->crawl_delay_ms, -1);
    rulebook_drop(r->b, h);
    assert_false(h->obeys_rules);
    assert_int_equal(rulebook_bytes(r->b), 0);
}

static void over_the_bound_those_not_asked_for_longest_are_forgotten(void **state)
{
    struct rig *r = *state;
    struct host *h[8];

    for (int64_t i = 0; i < 3; i++) {
        h[i] = add_host(r, i + 1);
        keep(r, h[i], BOUND / 4);
    }
    assert_false(allows(r, h[0], "/no")); /* 2 is the one not asked for longest now */
    h[3] = add_host(r, 4);
    keep(r, h[3], BOUND / 4);
    assert_int_equal(h[1]->state, HOST_NEW);
    assert_false(h[1]->obeys_rules);
    assert_int_equal(h[1]->crawl_delay_ms, 2000); /* it goes on holding for the site */
    assert_int_equal(h[0]->state, HOST_READY);
    assert_false(allows(r, h[0], "/no"));
    assert_false(allows(r, h[2], "/no"));
    assert_false(allows(r, h[3], "/no"));
}

static void what_is_forgotten_is_prepared_before_its_next_page(void **state)
{
    struct rig *r = *state;
    struct host *h = add_host(r, 1), *got;
    struct store_item item = { .id = 5, .host_id = 1, .url = SPAN("https://h1.org/x") };
    struct ticket *t;
    deadline wait;

    keep(r, h, 10);
    frontier_add(r->f, h, &item);
    for (int64_t i = 2; i < 8; i++)
        keep(r, add_host(r, i), BOUND / 4);
    assert_int_equal(frontier_take(r->f, &got, &t, &wait), NEXT_PREPARE);
    assert_ptr_equal(got, h);
    keep(r, h, 10);
    frontier_prepared(r->f, h);
    assert_int_equal(frontier_take(r->f, &got, &t, &wait), NEXT_VISIT);
    assert_false(allows(r, h, "/no"));
    politeness_leave(frontier_politeness(r->f), h->site, loop_now(r->loop), true);
    frontier_finish(r->f, t);
}

static void memory_is_bounded_by_the_bound_and_one(void **state)
{
    struct rig *r = *state;
    size_t most = 0;

    for (int64_t i = 1; i <= 2000; i++) {
        keep(r, add_host(r, i), (size_t)(i % 50) * KIB);
        most = MAX(most, rulebook_bytes(r->b));
    }
    assert_in_range(most, BOUND / 2, BOUND);
}

static void one_over_the_bound_alone_is_kept_while_it_is_prepared(void **state)
{
    struct rig *r = *state;
    struct host *a = add_host(r, 1), *b = add_host(r, 2);

    a->state = HOST_PREPARING;
    keep(r, a, 2 * BOUND);
    b->state = HOST_PREPARING;
    keep(r, b, 2 * BOUND);
    assert_false(allows(r, a, "/no"));
    assert_false(allows(r, b, "/no"));
    a->state = b->state = HOST_READY;
    keep(r, add_host(r, 3), 10);
    assert_int_equal(a->state, HOST_NEW);
    assert_int_equal(b->state, HOST_NEW);
}

static void the_rules_of_parked_hosts_go_first_come_what_may(void **state)
{
    struct rig *r = *state;
    struct host *h = add_host(r, 1);

    keep(r, h, BOUND / 2);
    frontier_park(r->f, h, REASON_HOST_LIMIT, SPAN("--max-pages-per-host"), 0);
    keep(r, add_host(r, 2), BOUND / 2);
    assert_int_equal(h->state, HOST_PARKED);
    assert_false(h->obeys_rules);
}

static void rules_beyond_any_size_change_nothing(void **state)
{
    struct rig *r = *state;
    struct host *h = add_host(r, 1);
    size_t n = 200000;
    struct robots_rule *list = mem_array(n, sizeof *list);
    struct robots_rules rules = { .rules = list, .n_rules = n, .crawl_delay_ms = -1 };

    keep(r, h, 0);
    assert_int_equal(rulebook_keep(r->b, h, &rules), ERR_TOO_LARGE);
    assert_false(allows(r, h, "/no"));
    assert_int_equal(h->crawl_delay_ms, 2000);
    mem_free(list);
}

#define WITH_RIG(test) cmocka_unit_test_setup_teardown(test, open_rig, close_rig)

int main(void)
{
    const struct CMUnitTest tests[] = {
        WITH_RIG(what_is_kept_is_obeyed_until_it_is_replaced),
        WITH_RIG(over_the_bound_those_not_asked_for_longest_are_forgotten),
        WITH_RIG(what_is_forgotten_is_prepared_before_its_next_page),
        WITH_RIG(memory_is_bounded_by_the_bound_and_one),
        WITH_RIG(one_over_the_bound_alone_is_kept_while_it_is_prepared),
        WITH_RIG(the_rules_of_parked_hosts_go_first_come_what_may),
        WITH_RIG(rules_beyond_any_size_change_nothing),
    };

    return cmocka_run_group_tests_name("crawler/rulebook", tests, NULL, NULL);
}
