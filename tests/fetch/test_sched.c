/* SPDX-License-Identifier: MIT */
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "config/clock.h"
#include "fetch/sched.h"
#include "tests/kit/incoro.h"

/* What a scenario saw; the test looks at it on the main stack. */
struct seen {
    int order[64];
    int n;
    enum err e[8];
    intptr_t value[4];
    bool woke[4];
    int64_t at_ms[4];
    struct group *g;
    struct coro_waiter waiter;
};

static void note(struct seen *s, int what)
{
    s->order[s->n++] = what;
}

static int64_t now_ms(void)
{
    return loop_now(incoro_loop()) / NS_PER_MS;
}

/* Every test starts at fake time zero, so that waiting costs nothing. */
static int start_clock(void **state)
{
    (void)state;
    clock_fake_start(0, 0);
    return 0;
}

static int stop_clock(void **state)
{
    (void)state;
    clock_fake_stop();
    return 0;
}

/* --- order ------------------------------------------------------------------ */

static intptr_t note_twice(void *arg)
{
    struct seen *s = arg;
    int me = s->order[63]++;

    note(s, me);
    s->e[me] = coro_yield();
    note(s, me + 10);
    return 0;
}

static intptr_t spawn_three(void *arg)
{
    struct seen *s = arg;
    struct group *g = group_new(incoro_sched(), NULL);

    for (int i = 0; i < 3; i++)
        s->e[5] |= group_spawn(g, "note", note_twice, s, NULL);
    note(s, 99);
    s->e[6] = group_join(g, DEADLINE_NEVER);
    group_free(g);
    return 0;
}

static void coroutines_run_first_in_first_out(void **state)
{
    static const int want[] = { 99, 0, 1, 2, 10, 11, 12 };
    struct seen s = { 0 };
    (void)state;

    in_coroutine(spawn_three, &s);

    assert_int_equal(s.n, 7);
    assert_memory_equal(s.order, want, sizeof(want));
    for (int i = 0; i < 7; i++)
        assert_int_equal(s.e[i], OK);
}

static intptr_t give_back(void *arg)
{
    struct seen *s = arg;

    s->value[0] = (intptr_t)coro_current();
    return 4711;
}

static void a_value_comes_back(void **state)
{
    struct seen s = { 0 };
    (void)state;

    intptr_t got = in_coroutine(give_back, &s);

    assert_int_equal(got, 4711);
    assert_true(s.value[0] != 0);
    assert_null(coro_current());
}

struct sleeper {
    struct seen *s;
    int id;
    int64_t ms;
};

static intptr_t sleep_and_note(void *arg)
{
    struct sleeper *me = arg;
    enum err e = coro_sleep_until(incoro_after_ms(me->ms));

    note(me->s, e ? -1 : me->id);
    return 0;
}

static intptr_t sleep_in_disorder(void *arg)
{
    struct seen *s = arg;
    struct sleeper sleepers[] = {
        { s, 1, 30 }, { s, 2, 10 }, { s, 3, 20 }, { s, 4, 10 }, { s, 5, 0 },
    };
    struct group *g = group_new(incoro_sched(), NULL);

    for (size_t i = 0; i < ARRAY_LEN(sleepers); i++)
        s->e[0] |= group_spawn(g, "sleeper", sleep_and_note, &sleepers[i], NULL);
    s->e[1] = group_join(g, DEADLINE_NEVER);
    s->at_ms[0] = now_ms();
    group_free(g);
    return 0;
}

static void sleepers_wake_by_deadline_and_ties_by_order(void **state)
{
    static const int want[] = { 5, 2, 4, 3, 1 };
    struct seen s = { 0 };
    (void)state;

    in_coroutine(sleep_in_disorder, &s);

    assert_int_equal(s.n, 5);
    assert_memory_equal(s.order, want, sizeof(want));
    assert_int_equal(s.at_ms[0], 30);
    assert_int_equal(s.e[0] | s.e[1], OK);
}

static intptr_t count_up(void *arg)
{
    int *n = arg;

    ++*n;
    if (coro_sleep_until(incoro_after_ms(2000)) == OK)
        ++*n;
    return 1;
}

static intptr_t spawn_many(void *arg)
{
    struct seen *s = arg;
    struct group *g = group_new(incoro_sched(), NULL);
    int n = 0, n_spawned = 0;
    struct sched_stats stats;

    while (n_spawned < s->order[0] && group_spawn(g, "many", count_up, &n, NULL) == OK)
        n_spawned++;
    s->e[0] = coro_sleep_until(incoro_after_ms(1000));
    sched_get_stats(incoro_sched(), &stats);
    s->order[1] = n;
    s->order[2] = (int)stats.live;
    s->e[1] = group_join(g, DEADLINE_NEVER);
    s->order[3] = n;
    s->at_ms[0] = now_ms();
    group_free(g);
    return n_spawned;
}

/* ThreadSanitizer knows some 8,000 threads, and each coroutine is one to it. */
#if defined(__SANITIZE_THREAD__)
#    define MANY 2000
#else
#    define MANY 20000
#endif

static void twenty_thousand_sleep_side_by_side(void **state)
{
    struct seen s = { .order = { MANY } };
    (void)state;

    intptr_t n = in_coroutine(spawn_many, &s);

    assert_int_equal(n, MANY);
    assert_int_equal(s.order[1], MANY);
    assert_int_equal(s.order[2], MANY + 1);
    assert_int_equal(s.order[3], 2 * MANY);
    assert_int_equal(s.at_ms[0], 2000);
    assert_int_equal(s.e[0] | s.e[1], OK);
}

/* --- waiting and waking --------------------------------------------------------- */

static intptr_t wait_for_value(void *arg)
{
    struct seen *s = arg;

    s->waiter = coro_waiter_prepare();
    s->e[0] = coro_wait(s->waiter, incoro_after_ms(50), &s->value[0]);
    s->at_ms[0] = now_ms();
    return 0;
}

static intptr_t wake_after_10_ms(void *arg)
{
    struct seen *s = arg;
    struct group *g = group_new(incoro_sched(), NULL);

    s->e[1] = group_spawn(g, "waiter", wait_for_value, s, NULL);
    s->e[2] = coro_sleep_until(incoro_after_ms(10));
    s->woke[0] = coro_wake(s->waiter, 42);
    s->woke[1] = coro_wake(s->waiter, 43);
    s->e[3] = group_join(g, DEADLINE_NEVER);
    s->woke[2] = coro_wake(s->waiter, 44);
    group_free(g);
    return 0;
}

static void a_wake_hands_over_a_value_once(void **state)
{
    struct seen s = { 0 };
    (void)state;

    in_coroutine(wake_after_10_ms, &s);

    assert_int_equal(s.e[0], OK);
    assert_int_equal(s.value[0], 42);
    assert_int_equal(s.at_ms[0], 10);
    assert_true(s.woke[0]);
    assert_false(s.woke[1]); /* repeated */
    assert_false(s.woke[2]); /* the coroutine is done */
}

static intptr_t wake_before_wait(void *arg)
{
    struct seen *s = arg;
    struct coro_waiter w = coro_waiter_prepare();

    s->woke[0] = coro_wake(w, 7);
    s->e[0] = coro_wait(w, DEADLINE_NEVER, &s->value[0]);
    return 0;
}

static void a_wake_between_prepare_and_wait_counts(void **state)
{
    struct seen s = { 0 };
    (void)state;

    in_coroutine(wake_before_wait, &s);

    assert_true(s.woke[0]);
    assert_int_equal(s.e[0], OK);
    assert_int_equal(s.value[0], 7);
}

static intptr_t time_out_then_wait_again(void *arg)
{
    struct seen *s = arg;
    struct coro_waiter old = coro_waiter_prepare(), next;

    s->value[0] = 1;
    s->e[0] = coro_wait(old, incoro_after_ms(5), &s->value[0]);
    s->at_ms[0] = now_ms();
    next = coro_waiter_prepare();
    s->woke[0] = coro_wake(old, 2); /* late: must not end the next wait */
    s->e[1] = coro_wait(next, incoro_after_ms(5), &s->value[0]);
    s->at_ms[1] = now_ms();
    return 0;
}

static void a_late_wake_does_not_end_the_next_wait(void **state)
{
    struct seen s = { 0 };
    (void)state;

    in_coroutine(time_out_then_wait_again, &s);

    assert_int_equal(s.e[0], ERR_TIMEOUT);
    assert_int_equal(s.at_ms[0], 5);
    assert_false(s.woke[0]);
    assert_int_equal(s.e[1], ERR_TIMEOUT);
    assert_int_equal(s.at_ms[1], 10);
    assert_int_equal(s.value[0], 1);
}

static intptr_t publish_and_leave(void *arg)
{
    struct seen *s = arg;

    s->waiter = coro_waiter_prepare();
    return 0;
}

static intptr_t wake_the_dead(void *arg)
{
    struct seen *s = arg;
    struct group *g = group_new(incoro_sched(), NULL);

    s->e[1] = group_spawn(g, "gone", publish_and_leave, s, NULL);
    s->e[2] = group_join(g, DEADLINE_NEVER);
    struct coro_waiter old = s->waiter;
    s->woke[0] = coro_wake(old, 1);
    /* The next coroutine gets the same object, and waits. */
    s->e[3] = group_spawn(g, "waiter", wait_for_value, s, NULL);
    s->e[4] = coro_yield();
    s->value[1] = s->waiter.coro == old.coro;
    s->woke[1] = coro_wake(old, 2);
    s->e[5] = group_join(g, DEADLINE_NEVER);
    group_free(g);
    return 0;
}

static void a_wake_for_a_freed_coroutine_does_not_reach_its_successor(void **state)
{
    struct seen s = { 0 };
    (void)state;

    in_coroutine(wake_the_dead, &s);

    assert_true(s.value[1]);
    assert_false(s.woke[0]);
    assert_false(s.woke[1]);
    assert_int_equal(s.e[0], ERR_TIMEOUT);
}

static intptr_t wait_for_the_past(void *arg)
{
    struct seen *s = arg;

    s->e[0] = coro_wait(coro_waiter_prepare(), 0, NULL);
    s->e[1] = coro_sleep_until(0);
    s->at_ms[0] = now_ms();
    return 0;
}

static void a_past_deadline_does_not_wait(void **state)
{
    struct seen s = { 0 };
    (void)state;

    in_coroutine(wait_for_the_past, &s);

    assert_int_equal(s.e[0], ERR_TIMEOUT);
    assert_int_equal(s.e[1], OK);
    assert_int_equal(s.at_ms[0], 0);
}

static intptr_t wake_and_cancel(void *arg)
{
    struct seen *s = arg;
    struct group *g = group_new(incoro_sched(), NULL);
    struct coro *c = NULL;

    s->e[1] = group_spawn(g, "waiter", wait_for_value, s, &c);
    s->e[2] = coro_yield();
    s->woke[0] = coro_wake(s->waiter, 42);
    coro_cancel(c);
    s->e[3] = group_join(g, DEADLINE_NEVER);
    group_free(g);
    return 0;
}

static void a_cancel_after_the_wake_does_not_undo_it(void **state)
{
    struct seen s = { 0 };
    (void)state;

    in_coroutine(wake_and_cancel, &s);

    assert_true(s.woke[0]);
    assert_int_equal(s.e[0], OK);
    assert_int_equal(s.value[0], 42);
}

/* --- cancelling ------------------------------------------------------------------- */

static intptr_t wait_in_every_way(void *arg)
{
    struct seen *s = arg;

    s->e[0] = coro_wait(coro_waiter_prepare(), DEADLINE_NEVER, NULL);
    s->at_ms[0] = now_ms();
    s->e[1] = coro_wait(coro_waiter_prepare(), DEADLINE_NEVER, NULL);
    s->e[2] = coro_sleep_until(incoro_after_ms(1000));
    s->e[3] = coro_sleep_until(0);
    s->e[4] = coro_yield();
    s->woke[0] = coro_is_cancelled(coro_current());
    return 0;
}

static intptr_t cancel_after_3_ms(void *arg)
{
    struct seen *s = arg;
    struct group *g = group_new(incoro_sched(), NULL);
    struct coro *c = NULL;

    s->e[5] = group_spawn(g, "waiter", wait_in_every_way, s, &c);
    s->e[6] = coro_sleep_until(incoro_after_ms(3));
    coro_cancel(c);
    s->woke[1] = s->at_ms[0] != 0; /* did it run inside coro_cancel? */
    s->e[7] = group_join(g, DEADLINE_NEVER);
    coro_cancel(coro_current());
    group_free(g);
    return 0;
}

static void cancel_ends_this_wait_and_every_later_one(void **state)
{
    struct seen s = { 0 };
    (void)state;

    in_coroutine(cancel_after_3_ms, &s);

    for (int i = 0; i < 5; i++)
        assert_int_equal(s.e[i], ERR_CANCELLED);
    for (int i = 5; i < 8; i++)
        assert_int_equal(s.e[i], OK);
    assert_int_equal(s.at_ms[0], 3);
    assert_true(s.woke[0]);
    assert_false(s.woke[1]);
}

static intptr_t sleep_for_an_hour(void *arg)
{
    struct seen *s = arg;

    s->e[0] = coro_sleep_until(incoro_after_ms(3600 * 1000));
    s->at_ms[0] = now_ms();
    return 0;
}

static intptr_t cancel_a_sleeper(void *arg)
{
    struct seen *s = arg;
    struct group *g = group_new(incoro_sched(), NULL);
    struct coro *c = NULL;

    s->e[1] = group_spawn(g, "sleeper", sleep_for_an_hour, s, &c);
    s->e[2] = coro_sleep_until(incoro_after_ms(3));
    coro_cancel(c);
    s->e[3] = group_join(g, DEADLINE_NEVER);
    group_free(g);
    return 0;
}

static void cancel_ends_a_sleep(void **state)
{
    struct seen s = { 0 };
    (void)state;

    in_coroutine(cancel_a_sleeper, &s);

    assert_int_equal(s.e[0], ERR_CANCELLED);
    assert_int_equal(s.at_ms[0], 3);
}

static intptr_t yield_once(void *arg)
{
    struct seen *s = arg;

    s->e[0] = coro_yield();
    return 0;
}

static intptr_t cancel_a_yielder(void *arg)
{
    struct seen *s = arg;
    struct group *g = group_new(incoro_sched(), NULL);
    struct coro *c = NULL;

    s->e[1] = group_spawn(g, "yielder", yield_once, s, &c);
    s->e[2] = coro_yield();
    coro_cancel(c);
    s->e[3] = group_join(g, DEADLINE_NEVER);
    group_free(g);
    return 0;
}

static void cancel_reaches_a_coroutine_in_the_ready_queue(void **state)
{
    struct seen s = { 0 };
    (void)state;

    in_coroutine(cancel_a_yielder, &s);

    assert_int_equal(s.e[0], ERR_CANCELLED);
}

/* --- the scheduler ------------------------------------------------------------------ */

struct two {
    struct loop *loop;
    struct sched *sched;
    struct group *group;
    int n;
};

static void two_open(struct two *t)
{
    *t = (struct two){ 0 };
    assert_int_equal(loop_open(&t->loop, NULL), OK);
    assert_int_equal(sched_open(t->loop, &t->sched, NULL), OK);
    t->group = group_new(t->sched, NULL);
}

static void two_close(struct two *t)
{
    group_free(t->group);
    sched_close(t->sched);
    loop_close(t->loop);
}

static intptr_t stop_at_three(void *arg)
{
    struct two *t = arg;

    for (t->n = 1; t->n < 10; t->n++) {
        if (t->n == 3)
            sched_stop(t->sched);
        if (coro_yield() != OK)
            break;
    }
    return 0;
}

static void a_stopped_run_can_be_taken_up_again(void **state)
{
    struct two t;
    (void)state;
    two_open(&t);
    assert_int_equal(group_spawn(t.group, "stopper", stop_at_three, &t, NULL), OK);

    sched_run(t.sched);
    int at_stop = t.n;
    size_t live_at_stop = sched_count(t.sched);
    sched_run(t.sched);

    assert_int_equal(at_stop, 3);
    assert_int_equal(live_at_stop, 1);
    assert_int_equal(t.n, 10);
    assert_int_equal(sched_count(t.sched), 0);
    two_close(&t);
}

static void without_coroutines_a_run_ends_at_once(void **state)
{
    struct two t;
    struct loop_stats stats;
    (void)state;
    two_open(&t);

    sched_run(t.sched);

    loop_get_stats(t.loop, &stats);
    assert_int_equal(stats.turns, 0);
    two_close(&t);
}

static void on_tick(void *arg)
{
    struct two *t = arg;

    t->n = -t->n;
}

static intptr_t yield_for_ever(void *arg)
{
    struct two *t = arg;

    while (t->n >= 0 && coro_yield() == OK)
        t->n++;
    return 0;
}

static void busy_coroutines_do_not_starve_the_loop(void **state)
{
    struct two t;
    struct loop_timer timer;
    (void)state;
    two_open(&t);
    loop_timer_init(&timer, on_tick, &t);
    loop_timer_set(t.loop, &timer, 0);
    assert_int_equal(group_spawn(t.group, "busy", yield_for_ever, &t, NULL), OK);
    t.n = 1;

    sched_run(t.sched);

    assert_in_range(-t.n, 1, 1000);
    two_close(&t);
}

static void counts_tell_live_peak_and_stacks(void **state)
{
    struct two t;
    struct sched_stats before, after;
    struct seen s = { 0 };
    (void)state;
    two_open(&t);
    for (int i = 0; i < 3; i++)
        assert_int_equal(group_spawn(t.group, "one", give_back, &s, NULL), OK);

    sched_get_stats(t.sched, &before);
    sched_run(t.sched);
    sched_get_stats(t.sched, &after);

    assert_int_equal(before.live, 3);
    assert_int_equal(after.live, 0);
    assert_int_equal(after.peak_live, 3);
    assert_int_equal(after.switches, 6);
    assert_true(after.stacks >= 3);
    two_close(&t);
}

static intptr_t use_stack(void *arg)
{
    volatile char deep[20000];

    (void)arg;
    for (size_t i = 0; i < sizeof(deep); i += 100)
        deep[i] = 1;
    return deep[0];
}

static void the_census_tells_the_deepest_stack_of_each_name(void **state)
{
    const struct sched_census_row *rows;
    struct two t;
    struct seen s = { 0 };
    size_t deep = 0, shallow = 0;
    (void)state;
    two_open(&t);
    sched_start_census(t.sched);
    assert_int_equal(group_spawn(t.group, "deep", use_stack, NULL, NULL), OK);
    assert_int_equal(group_spawn(t.group, "shallow", give_back, &s, NULL), OK);
    assert_int_equal(group_spawn(t.group, "shallow", give_back, &s, NULL), OK);

    sched_run(t.sched);

    size_t n = sched_get_census(t.sched, &rows);
    assert_int_equal(n, 2);
    for (size_t i = 0; i < n; i++) {
        if (rows[i].n_done == 2)
            shallow = rows[i].max_bytes;
        else
            deep = rows[i].max_bytes;
    }
    assert_in_range(deep, 20000, 60000);
    assert_in_range(shallow, 64, 4096);
    two_close(&t);
}

static int recurse(int n)
{
    volatile char frame[512];

    frame[0] = (char)n;
    if (n == 0)
        return 0;
    return recurse(n - 1) + frame[0];
}

static intptr_t overflow(void *arg)
{
    (void)arg;
    return recurse(100000);
}

static void a_coroutine_that_overflows_dies_at_its_guard(void **state)
{
    int status;
    pid_t pid = fork();
    (void)state;

    if (pid == 0) {
        struct rlimit no_core = { 0, 0 };

        setrlimit(RLIMIT_CORE, &no_core);
        signal(SIGSEGV, SIG_DFL);
        in_coroutine(overflow, NULL);
        _exit(0);
    }

    assert_int_equal(waitpid(pid, &status, 0), pid);
    assert_true(WIFSIGNALED(status));
    assert_int_equal(WTERMSIG(status), SIGSEGV);
}

static intptr_t who_am_i(void *arg)
{
    struct seen *s = arg;

    s->woke[0] = coro_sched(coro_current()) == incoro_sched();
    s->woke[1] = span_eq(span_str(coro_name(coro_current())), SPAN("scenario"));
    s->woke[2] = !coro_is_cancelled(coro_current());
    return 0;
}

static void a_coroutine_knows_its_name_and_scheduler(void **state)
{
    struct seen s = { 0 };
    (void)state;

    in_coroutine(who_am_i, &s);

    assert_true(s.woke[0]);
    assert_true(s.woke[1]);
    assert_true(s.woke[2]);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(coroutines_run_first_in_first_out, start_clock),
        cmocka_unit_test_setup(a_value_comes_back, start_clock),
        cmocka_unit_test_setup(sleepers_wake_by_deadline_and_ties_by_order,
                               start_clock),
        cmocka_unit_test_setup(twenty_thousand_sleep_side_by_side, start_clock),
        cmocka_unit_test_setup(a_wake_hands_over_a_value_once, start_clock),
        cmocka_unit_test_setup(a_wake_between_prepare_and_wait_counts, start_clock),
        cmocka_unit_test_setup(a_late_wake_does_not_end_the_next_wait, start_clock),
        cmocka_unit_test_setup(
            a_wake_for_a_freed_coroutine_does_not_reach_its_successor, start_clock),
        cmocka_unit_test_setup(a_past_deadline_does_not_wait, start_clock),
        cmocka_unit_test_setup(a_cancel_after_the_wake_does_not_undo_it, start_clock),
        cmocka_unit_test_setup(cancel_ends_this_wait_and_every_later_one, start_clock),
        cmocka_unit_test_setup(cancel_ends_a_sleep, start_clock),
        cmocka_unit_test_setup(cancel_reaches_a_coroutine_in_the_ready_queue,
                               start_clock),
        cmocka_unit_test_setup(a_stopped_run_can_be_taken_up_again, start_clock),
        cmocka_unit_test_setup(without_coroutines_a_run_ends_at_once, start_clock),
        cmocka_unit_test_setup(busy_coroutines_do_not_starve_the_loop, start_clock),
        cmocka_unit_test_setup(counts_tell_live_peak_and_stacks, start_clock),
        cmocka_unit_test_setup(the_census_tells_the_deepest_stack_of_each_name,
                               start_clock),
        cmocka_unit_test_setup(a_coroutine_that_overflows_dies_at_its_guard,
                               start_clock),
        cmocka_unit_test_setup(a_coroutine_knows_its_name_and_scheduler, start_clock),
    };

    return cmocka_run_group_tests_name("fetch/sched", tests, NULL, stop_clock);
}
