/* SPDX-License-Identifier: MIT */
#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

#include "config/clock.h"
#include "crawler/politeness.h"
#include "tests/kit/incoro.h"

#define MS    NS_PER_MS
#define S     NS_PER_S
#define START (1000 * NS_PER_S)

/* Politeness on the fake clock, outside any coroutine. */
struct rig {
    struct settings settings;
    struct loop *loop;
    struct politeness *p;
    int n_changes;
};

static void on_change(void *arg, struct site *site)
{
    struct rig *r = arg;

    (void)site;
    r->n_changes++;
}

static int open_rig(void **state)
{
    struct rig *r = test_calloc(1, sizeof *r);

    clock_fake_start(START, INT64_C(1700000000000));
    r->settings.delay_ms = 1000;
    r->settings.per_host = 1;
    if (loop_open(&r->loop, NULL))
        return -1;
    loop_turn(r->loop, 0);
    r->p = politeness_new(r->loop, &r->settings, on_change, r);
    *state = r;
    return 0;
}

static int close_rig(void **state)
{
    struct rig *r = *state;

    politeness_free(r->p);
    loop_close(r->loop);
    clock_fake_stop();
    test_free(r);
    return 0;
}

static void advance(struct rig *r, int64_t ns)
{
    clock_fake_advance(ns);
    loop_turn(r->loop, 0);
}

/* One request of that length. */
static void ask(struct rig *r, struct site *site, int64_t ns)
{
    int64_t started = clock_now_ns();

    politeness_take(r->p, site);
    advance(r, ns);
    politeness_leave(r->p, site, started, true);
}

/* How long from now until the next request may start; -1: while no permit is free. */
static int64_t wait_ns(const struct site *site)
{
    deadline at = politeness_ready_at(site);

    return at == DEADLINE_NEVER ? -1 : MAX(INT64_C(0), at - clock_now_ns());
}

/* --- sites ---------------------------------------------------------------------------- */

static void a_site_is_a_name_and_a_port_with_80_and_443_as_one(void **state)
{
    struct rig *r = *state;
    struct site *site = politeness_site(r->p, SPAN("a.org"), 443);

    assert_ptr_equal(politeness_site(r->p, SPAN("a.org"), 80), site);
    assert_ptr_equal(politeness_site(r->p, SPAN("a.org."), 80), site);
    assert_string_equal(site->key, "a.org");
    assert_ptr_not_equal(politeness_site(r->p, SPAN("a.org"), 8080), site);
    assert_string_equal(politeness_site(r->p, SPAN("a.org"), 8080)->key, "a.org:8080");
    assert_ptr_not_equal(politeness_site(r->p, SPAN("www.a.org"), 443), site);
    assert_true(wait_ns(site) == 0);
}

static void a_name_may_be_of_any_length(void **state)
{
    struct rig *r = *state;
    static char name[100000];

    memset(name, 'a', sizeof name);
    assert_true(span_ends(span_str(politeness_site(r->p, span_make(name, sizeof name), 8080)->key), SPAN("aa:8080")));
}

static void a_section_of_the_file_may_differ(void **state)
{
    struct rig *r = *state;
    struct host_settings own[2] = {
        { .pattern = (char *)(uintptr_t) "slow.org", .delay_ms = 9000, .per_host = -2 },
        { .pattern = (char *)(uintptr_t) "mine.org", .delay_ms = 0, .per_host = 8 },
    };

    r->settings.hosts = own;
    r->settings.n_hosts = 2;
    assert_int_equal(politeness_site(r->p, SPAN("slow.org"), 443)->delay_ms, 9000);
    assert_int_equal(politeness_site(r->p, SPAN("slow.org"), 443)->per_host, 1);
    assert_int_equal(politeness_site(r->p, SPAN("mine.org"), 443)->delay_ms, 0);
    assert_int_equal(politeness_site(r->p, SPAN("mine.org"), 443)->per_host, 8);
    assert_int_equal(politeness_site(r->p, SPAN("other.org"), 443)->delay_ms, 1000);
}

/* --- the gap ------------------------------------------------------------------------------ */

static void the_gap_runs_from_the_end_to_the_next_start(void **state)
{
    struct rig *r = *state;
    struct site *site = politeness_site(r->p, SPAN("a.org"), 443);

    politeness_take(r->p, site);
    assert_true(wait_ns(site) == -1);
    advance(r, 300 * MS);
    politeness_leave(r->p, site, START, true);
    assert_true(wait_ns(site) == 1000 * MS);
    advance(r, 999 * MS);
    assert_true(wait_ns(site) == 1 * MS);
    advance(r, 1 * MS);
    assert_true(wait_ns(site) == 0);
}

static const struct gap_row {
    const char *label;
    int64_t delay_ms, crawl_delay_ms, response_ms, want_ms;
} gap_rows[] = {
    { "the delay", 1000, -1, 10, 1000 },
    { "a slower answer counts", 1000, -1, 4000, 4000 },
    { "up to 30 s", 1000, -1, 90000, 30000 },
    { "but never less than the delay", 60000, -1, 90000, 60000 },
    { "Crawl-delay counts where it is longer", 1000, 5000, 10, 5000 },
    { "and not where it is shorter", 1000, 500, 10, 1000 },
    { "the longest of all three", 1000, 5000, 7000, 7000 },
    { "delay 0 switches the response term off", 0, -1, 4000, 0 },
    { "but not Crawl-delay", 0, 2000, 4000, 2000 },
    { "Crawl-delay 0 is nothing", 1000, 0, 10, 1000 },
};

static void check_gap(void **state)
{
    const struct gap_row *row = *state;
    struct rig *r;
    struct site *site;
    void *rig = NULL;

    assert_int_equal(open_rig(&rig), 0);
    r = rig;
    r->settings.delay_ms = row->delay_ms;
    site = politeness_site(r->p, SPAN("a.org"), 443);
    assert_false(politeness_set_crawl_delay(r->p, site, row->crawl_delay_ms));
    advance(r, 100 * S);
    ask(r, site, row->response_ms * MS);
    assert_true(wait_ns(site) == row->want_ms * MS);
    assert_true(politeness_gap_ns(site) == row->want_ms * MS);
    close_rig(&rig);
}

static void only_the_last_response_counts(void **state)
{
    struct rig *r = *state;
    struct site *site = politeness_site(r->p, SPAN("a.org"), 443);

    ask(r, site, 8 * S);
    assert_true(wait_ns(site) == 8 * S);
    advance(r, 8 * S);
    ask(r, site, 1 * MS);
    assert_true(wait_ns(site) == 1 * S);
}

static void crawl_delay_is_cut_at_a_minute_and_tells(void **state)
{
    struct rig *r = *state;
    struct site *site = politeness_site(r->p, SPAN("a.org"), 443);

    assert_false(politeness_set_crawl_delay(r->p, site, 60000));
    assert_true(politeness_gap_ns(site) == 60 * S);
    assert_true(politeness_set_crawl_delay(r->p, site, 60001));
    assert_true(politeness_gap_ns(site) == 60 * S);
    assert_true(politeness_set_crawl_delay(r->p, site, INT64_MAX));
    assert_true(politeness_gap_ns(site) == 60 * S);
    assert_false(politeness_set_crawl_delay(r->p, site, -1));
    assert_true(politeness_gap_ns(site) == 1 * S);
}

static void crawl_delay_binds_from_the_answer_that_brought_it(void **state)
{
    struct rig *r = *state;
    struct site *site = politeness_site(r->p, SPAN("a.org"), 443);

    ask(r, site, 100 * MS);
    politeness_set_crawl_delay(r->p, site, 10000);
    assert_true(wait_ns(site) == 10 * S);
}

static void a_crawl_delay_that_is_known_does_not_begin_again(void **state)
{
    struct rig *r = *state;
    struct site *site = politeness_site(r->p, SPAN("a.org"), 443);

    ask(r, site, 100 * MS);
    politeness_set_crawl_delay(r->p, site, 10000);
    advance(r, 7 * S);
    politeness_set_crawl_delay(r->p, site, 10000);
    assert_true(wait_ns(site) == 3 * S);
    politeness_set_crawl_delay(r->p, site, 20000);
    assert_true(wait_ns(site) == 20 * S);
}

/* --- back-off --------------------------------------------------------------------------------- */

static void a_pause_binds_the_whole_site(void **state)
{
    struct rig *r = *state;
    struct site *site = politeness_site(r->p, SPAN("a.org"), 443);

    politeness_take(r->p, site);
    politeness_back_off(r->p, site, START + 20 * S);
    advance(r, 100 * MS);
    politeness_leave(r->p, site, START, true);
    assert_true(politeness_ready_at(site) == START + 20 * S);
    politeness_back_off(r->p, site,
                        START + 10 * S); /* a shorter one takes nothing back */
    assert_true(politeness_ready_at(site) == START + 20 * S);
    advance(r, 20 * S);
    assert_true(wait_ns(site) == 0);
}

static void delay_0_does_not_switch_a_pause_off(void **state)
{
    struct rig *r = *state;
    struct site *site;

    r->settings.delay_ms = 0;
    site = politeness_site(r->p, SPAN("a.org"), 443);
    ask(r, site, 5 * S);
    assert_true(wait_ns(site) == 0);
    politeness_back_off(r->p, site, clock_now_ns() + 7 * S);
    assert_true(wait_ns(site) == 7 * S);
    politeness_hold(r->p, site, clock_now_ns() + 8 * S);
    assert_true(wait_ns(site) == 8 * S);
}

/* --- several permits ---------------------------------------------------------------------------- */

static void starts_keep_their_distance_with_several_permits(void **state)
{
    struct rig *r = *state;
    struct site *site;

    r->settings.per_host = 3;
    site = politeness_site(r->p, SPAN("a.org"), 443);
    politeness_take(r->p, site);
    assert_true(wait_ns(site) == 1 * S);
    advance(r, 1 * S);
    politeness_take(r->p, site);
    advance(r, 1 * S);
    politeness_take(r->p, site);
    assert_true(wait_ns(site) == -1);
    assert_int_equal(site->in_flight, 3);
    politeness_leave(r->p, site, START, true);
    assert_true(wait_ns(site) == 2 * S); /* its response time */
}

static void delay_0_with_several_permits_goes_at_once(void **state)
{
    struct rig *r = *state;
    struct site *site;

    r->settings.per_host = 2;
    r->settings.delay_ms = 0;
    site = politeness_site(r->p, SPAN("a.org"), 443);
    politeness_take(r->p, site);
    assert_true(wait_ns(site) == 0);
    politeness_take(r->p, site);
    assert_true(wait_ns(site) == -1);
}

/* --- requests that never went out ----------------------------------------------------------------- */

/* The loop's clock stands still within a turn, in which answers come a little later. */
static void delay_0_asks_again_in_the_same_turn(void **state)
{
    struct rig *r = *state;
    struct site *site;
    int64_t started = clock_now_ns();

    r->settings.delay_ms = 0;
    site = politeness_site(r->p, SPAN("a.org"), 443);
    politeness_take(r->p, site);
    advance(r, NS_PER_MS);
    clock_fake_advance(NS_PER_MS);
    politeness_leave(r->p, site, started, true);
    assert_true(politeness_ready_at(site) <= loop_now(r->loop));
}

static void what_was_not_asked_costs_no_turn(void **state)
{
    struct rig *r = *state;
    struct site *site = politeness_site(r->p, SPAN("a.org"), 443);

    politeness_take(r->p, site);
    politeness_leave(r->p, site, START, false);
    assert_true(wait_ns(site) == 0);
    ask(r, site, 100 * MS);
    advance(r, 1 * S);
    politeness_take(r->p, site);
    politeness_leave(r->p, site, clock_now_ns(), false);
    assert_true(wait_ns(site) == 0);
    assert_true(site->last_response_ns == 100 * MS);
}

static void p43_a_clock_set_back_freezes_no_host(void **state)
{
    struct rig *r = *state;
    int64_t now = clock_now_ns(), wall = clock_wall_ms();

    assert_true(politeness_moment(r->p, now, 0) == 0);
    assert_true(politeness_moment(r->p, now, wall - 1) == 0);
    assert_true(politeness_moment(r->p, now, wall + 5000) == now + 5 * S);
    assert_true(politeness_moment(r->p, now, wall + INT64_C(15) * 365 * 86400000) ==
                now + 3600 * S);
    assert_true(politeness_moment(r->p, now, INT64_MAX) == now + 3600 * S);
}

/* Retry-After counts up to --max-wait: a restart must not cut that to an hour. */
static void a_pause_of_hours_that_max_wait_allows_is_kept(void **state)
{
    struct rig *r = *state;
    int64_t now = clock_now_ns(), wall = clock_wall_ms();

    assert_true(politeness_is_impossible(r->p, wall + 3 * 3600 * 1000));
    r->settings.max_wait_ms = INT64_C(6) * 3600 * 1000;
    assert_false(politeness_is_impossible(r->p, wall + 6 * 3600 * 1000));
    assert_true(politeness_is_impossible(r->p, wall + 7 * 3600 * 1000));
    assert_true(politeness_moment(r->p, now, wall + 3 * 3600 * 1000) == now + 3 * 3600 * S);
    r->settings.max_wait_ms = INT64_MAX;
    assert_true(politeness_moment(r->p, now, INT64_MAX) > now);
}

static void giving_a_turn_back_forgets_no_pause(void **state)
{
    struct rig *r = *state;
    struct site *site = politeness_site(r->p, SPAN("a.org"), 443);

    politeness_take(r->p, site);
    politeness_back_off(r->p, site, START + 5 * S);
    politeness_leave(r->p, site, START, false);
    assert_true(wait_ns(site) == 5 * S);
    advance(r, 5 * S);
    politeness_take(r->p, site);
    politeness_set_crawl_delay(r->p, site, 3000);
    politeness_leave(r->p, site, clock_now_ns(), false);
    assert_true(wait_ns(site) == 3 * S);
    advance(r, 3 * S);
    politeness_take(r->p, site);
    politeness_hold(r->p, site, clock_now_ns() + 4 * S);
    politeness_leave(r->p, site, clock_now_ns(), false);
    assert_true(wait_ns(site) == 4 * S);
}

/* The other request ended in between: the gap runs from its end. */
static void giving_a_turn_back_does_not_undo_anothers_end(void **state)
{
    struct rig *r = *state;
    struct site *site;

    r->settings.per_host = 2;
    site = politeness_site(r->p, SPAN("a.org"), 443);
    politeness_take(r->p, site);
    advance(r, 1 * S);
    politeness_take(r->p, site);
    advance(r, 500 * MS);
    politeness_leave(r->p, site, START, true);
    politeness_leave(r->p, site, START + 1 * S, false);
    assert_true(wait_ns(site) == 1500 * MS);
}

static void every_change_is_told(void **state)
{
    struct rig *r = *state;
    struct site *site = politeness_site(r->p, SPAN("a.org"), 443);
    int before = r->n_changes;

    politeness_take(r->p, site); /* the taker knows */
    politeness_leave(r->p, site, START, true);
    assert_true(r->n_changes > before);
    before = r->n_changes;
    politeness_back_off(r->p, site, START + S);
    assert_true(r->n_changes > before);
    before = r->n_changes;
    politeness_set_crawl_delay(r->p, site, 5);
    assert_true(r->n_changes > before);
    before = r->n_changes;
    politeness_hold(r->p, site, START + S);
    assert_true(r->n_changes > before);
}

/* --- waiting in a coroutine -------------------------------------------------------------------------- */

#define MAX_ASKERS 8

/* What the coroutines of one scenario saw. */
struct scene {
    struct settings settings;
    struct politeness *p;
    struct site *site;
    struct group *group;
    int64_t request_ns; /* how long each request takes */
    deadline until;     /* each one's deadline */
    int n_askers, next; /* next: number of the asker that starts now */
    int64_t started_ns[MAX_ASKERS], ended_ns[MAX_ASKERS];
    enum err result[MAX_ASKERS];
    int64_t max_in_flight, shown_to_dispatcher;
};

static void on_scene_change(void *arg, struct site *site)
{
    struct scene *s = arg;

    s->max_in_flight = MAX(s->max_in_flight, site->in_flight);
    /* A permit on its way to somebody who waits must not look free. */
    s->shown_to_dispatcher +=
        site->n_waiters && politeness_ready_at(site) != DEADLINE_NEVER;
}

static intptr_t asker(void *arg)
{
    struct scene *s = arg;
    int i = s->next++;
    int64_t started;

    s->result[i] = politeness_enter(s->p, s->site, s->until);
    if (s->result[i])
        return 0;
    started = clock_now_ns();
    s->started_ns[i] = started - START;
    if (coro_sleep_until(started + s->request_ns))
        s->result[i] = ERR_CANCELLED;
    s->ended_ns[i] = clock_now_ns() - START;
    politeness_leave(s->p, s->site, started, true);
    return 0;
}

static void open_scene(struct scene *s)
{
    s->p = politeness_new(incoro_loop(), &s->settings, on_scene_change, s);
    s->site = politeness_site(s->p, SPAN("a.org"), 443);
    s->group = group_new(incoro_sched(), NULL);
    for (int i = 0; i < s->n_askers; i++)
        BUG_IF(group_spawn(s->group, "asker", asker, s, NULL));
}

static void close_scene(struct scene *s)
{
    BUG_IF(group_join(s->group, DEADLINE_NEVER));
    group_free(s->group);
    BUG_IF(s->site->in_flight || s->site->n_waiters);
    politeness_free(s->p);
}

static struct scene scene(int n_askers, int64_t delay_ms, int64_t per_host,
                          int64_t request_ms)
{
    return (struct scene){ .settings = { .delay_ms = delay_ms, .per_host = per_host },
                           .n_askers = n_askers,
                           .request_ns = request_ms * MS,
                           .until = DEADLINE_NEVER };
}

static int fake_clock(void **state)
{
    (void)state;
    clock_fake_start(START, INT64_C(1700000000000));
    return 0;
}

static int real_clock(void **state)
{
    (void)state;
    clock_fake_stop();
    return 0;
}

static intptr_t run_scene(void *arg)
{
    open_scene(arg);
    close_scene(arg);
    return 0;
}

static void one_after_the_other_with_the_gap_between(void **state)
{
    struct scene s = scene(4, 1000, 1, 100);

    (void)state;
    in_coroutine(run_scene, &s);
    for (int i = 0; i < 4; i++) {
        assert_int_equal(s.result[i], OK);
        assert_true(s.started_ns[i] == i * 1100 * MS);
    }
    assert_int_equal(s.max_in_flight, 1);
    assert_int_equal(s.shown_to_dispatcher, 0);
}

static void several_permits_overlap_but_start_apart(void **state)
{
    struct scene s = scene(5, 1000, 3, 2500);

    (void)state;
    in_coroutine(run_scene, &s);
    for (int i = 0; i < 5; i++)
        assert_int_equal(s.result[i], OK);
    assert_int_equal(s.max_in_flight, 3);
    assert_true(s.started_ns[0] == 0 && s.started_ns[1] == 1000 * MS &&
                s.started_ns[2] == 2000 * MS);
    for (int i = 1; i < 5; i++)
        assert_true(s.started_ns[i] - s.started_ns[i - 1] >= 1000 * MS);
    assert_true(s.started_ns[3] >=
                s.ended_ns[0] + 2500 * MS); /* the response time of the first */
}

static void delay_0_gives_all_permits_at_once(void **state)
{
    struct scene s = scene(6, 0, 3, 100);

    (void)state;
    in_coroutine(run_scene, &s);
    assert_int_equal(s.max_in_flight, 3);
    for (int i = 0; i < 6; i++)
        assert_true(s.started_ns[i] == i / 3 * 100 * MS);
}

static intptr_t back_off_while_one_waits(void *arg)
{
    struct scene *s = arg;

    open_scene(s);
    BUG_IF(coro_sleep_until(START +
                            500 * MS)); /* the second asker sleeps towards 1100 ms */
    politeness_back_off(s->p, s->site, START + 9 * S);
    close_scene(s);
    return 0;
}

static void a_pause_that_comes_while_waiting_is_kept(void **state)
{
    struct scene s = scene(2, 1000, 1, 100);

    (void)state;
    in_coroutine(back_off_while_one_waits, &s);
    assert_int_equal(s.result[1], OK);
    assert_true(s.started_ns[1] == 9 * S);
}

static void who_cannot_start_in_time_is_told_at_once(void **state)
{
    struct scene s = scene(3, 1000, 1, 100);

    (void)state;
    s.until = START + 1500 * MS;
    in_coroutine(run_scene, &s);
    assert_int_equal(s.result[0], OK);
    assert_int_equal(s.result[1], OK);
    assert_int_equal(s.result[2], ERR_TIMEOUT);
    assert_int_equal(s.max_in_flight, 1);
}

static void a_permit_that_never_comes_times_out(void **state)
{
    struct scene s = scene(2, 0, 1, 10000);

    (void)state;
    s.until = START + 3 * S;
    in_coroutine(run_scene, &s);
    assert_int_equal(s.result[0], OK);
    assert_int_equal(s.result[1], ERR_TIMEOUT);
}

static intptr_t cancel_in_between(void *arg)
{
    struct scene *s = arg;

    open_scene(s);
    BUG_IF(coro_sleep_until(START + 50 * MS));
    group_cancel(s->group);
    close_scene(s);
    return 0;
}

static void cancelling_takes_nothing(void **state)
{
    struct scene s = scene(3, 1000, 1, 100);

    (void)state;
    in_coroutine(cancel_in_between, &s); /* aborts when a permit or a waiter is left */
    assert_int_equal(s.result[0], ERR_CANCELLED);
    assert_int_equal(s.result[1], ERR_CANCELLED);
    assert_int_equal(s.result[2], ERR_CANCELLED);
    assert_true(s.ended_ns[0] == 50 * MS);
    assert_int_equal(s.shown_to_dispatcher, 0);
}

/* The permit comes free at 100 ms and wakes the second, who gives up at 600 ms, before the pause is over. */
static intptr_t give_up_in_the_pause(void *arg)
{
    struct scene *s = arg;
    struct coro *second;

    open_scene(s);
    BUG_IF(coro_yield());
    BUG_IF(group_spawn(s->group, "asker", asker, s, &second));
    BUG_IF(group_spawn(s->group, "asker", asker, s, NULL));
    BUG_IF(coro_sleep_until(START + 600 * MS));
    coro_cancel(second);
    close_scene(s);
    return 0;
}

static void a_permit_meant_for_one_who_gave_up_goes_to_the_next(void **state)
{
    struct scene s = scene(1, 1000, 1, 100);

    (void)state;
    s.until = START + 20 * S; /* so that a lost permit ends the test, too late */
    in_coroutine(give_up_in_the_pause, &s);
    assert_int_equal(s.result[0], OK);
    assert_int_equal(s.result[1], ERR_CANCELLED);
    assert_int_equal(s.result[2], OK);
    assert_true(s.started_ns[2] == 1100 * MS);
}

#define RIGGED(test) cmocka_unit_test_setup_teardown(test, open_rig, close_rig)
#define FAKED(test)  cmocka_unit_test_setup_teardown(test, fake_clock, real_clock)

int main(void)
{
    static const struct CMUnitTest fixed[] = {
        RIGGED(a_site_is_a_name_and_a_port_with_80_and_443_as_one),
        RIGGED(a_name_may_be_of_any_length),
        RIGGED(a_section_of_the_file_may_differ),
        RIGGED(the_gap_runs_from_the_end_to_the_next_start),
        RIGGED(only_the_last_response_counts),
        RIGGED(crawl_delay_is_cut_at_a_minute_and_tells),
        RIGGED(crawl_delay_binds_from_the_answer_that_brought_it),
        RIGGED(a_crawl_delay_that_is_known_does_not_begin_again),
        RIGGED(a_pause_binds_the_whole_site),
        RIGGED(delay_0_does_not_switch_a_pause_off),
        RIGGED(starts_keep_their_distance_with_several_permits),
        RIGGED(delay_0_asks_again_in_the_same_turn),
        RIGGED(delay_0_with_several_permits_goes_at_once),
        RIGGED(what_was_not_asked_costs_no_turn),
        RIGGED(giving_a_turn_back_forgets_no_pause),
        RIGGED(p43_a_clock_set_back_freezes_no_host),
        RIGGED(a_pause_of_hours_that_max_wait_allows_is_kept),
        RIGGED(giving_a_turn_back_does_not_undo_anothers_end),
        RIGGED(every_change_is_told),
        FAKED(one_after_the_other_with_the_gap_between),
        FAKED(several_permits_overlap_but_start_apart),
        FAKED(delay_0_gives_all_permits_at_once),
        FAKED(a_pause_that_comes_while_waiting_is_kept),
        FAKED(who_cannot_start_in_time_is_told_at_once),
        FAKED(a_permit_that_never_comes_times_out),
        FAKED(cancelling_takes_nothing),
        FAKED(a_permit_meant_for_one_who_gave_up_goes_to_the_next),
    };
    struct CMUnitTest tests[ARRAY_LEN(fixed) + ARRAY_LEN(gap_rows)];
    size_t n = 0;

    for (size_t i = 0; i < ARRAY_LEN(fixed); i++)
        tests[n++] = fixed[i];
    for (size_t i = 0; i < ARRAY_LEN(gap_rows); i++)
        tests[n++] =
            (struct CMUnitTest){ .name = gap_rows[i].label,
                                 .test_func = check_gap,
                                 .initial_state = (void *)(uintptr_t)&gap_rows[i] };
    return cmocka_run_group_tests_name("crawler/politeness", tests, NULL, NULL);
}
