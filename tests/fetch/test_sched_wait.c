/* SPDX-License-Identifier: MIT */
#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

#include "fetch/sched.h"
#include "tests/kit/incoro.h"

/* What a scenario saw; the test looks at it on the main stack. */
struct seen {
    enum err e[8];
    intptr_t value[4];
    bool woke[4];
    int64_t at_ms[4];
    struct coro_waiter waiter;
};

static int64_t now_ms(void)
{
    return loop_now(incoro_loop()) / NS_PER_MS;
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

static intptr_t cancel_itself_between_waits(void *arg)
{
    struct seen *s = arg;
    struct coro_waiter w = coro_waiter_prepare();

    s->woke[0] = coro_wake(w, 1);
    s->e[0] = coro_wait(w, DEADLINE_NEVER, NULL);
    coro_cancel(coro_current());
    s->e[1] = coro_sleep_until(incoro_after_ms(10));
    s->at_ms[0] = now_ms();
    return 0;
}

static void a_wait_after_a_cancel_says_so_whatever_the_last_one_said(void **state)
{
    struct seen s = { 0 };
    (void)state;

    in_coroutine(cancel_itself_between_waits, &s);

    assert_true(s.woke[0]);
    assert_int_equal(s.e[0], OK);
    assert_int_equal(s.e[1], ERR_CANCELLED);
    assert_int_equal(s.at_ms[0], 0);
}

static intptr_t note_turn(void *arg)
{
    struct seen *s = arg;

    s->woke[1] = true;
    return 0;
}

static intptr_t sleep_until_now(void *arg)
{
    struct seen *s = arg;
    struct group *g = group_new(incoro_sched(), NULL);

    s->e[0] = group_spawn(g, "other", note_turn, s, NULL);
    s->e[1] = coro_sleep_until(incoro_after_ms(0));
    s->woke[0] = s->woke[1];
    s->e[2] = group_join(g, DEADLINE_NEVER);
    group_free(g);
    return 0;
}

static void a_sleep_until_now_lets_others_run(void **state)
{
    struct seen s = { 0 };
    (void)state;

    in_coroutine(sleep_until_now, &s);

    assert_int_equal(s.e[0] | s.e[1] | s.e[2], OK);
    assert_true(s.woke[0]);
}

#define TEST(fn) cmocka_unit_test_setup(fn, incoro_start_clock)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(a_wake_hands_over_a_value_once),
        TEST(a_wake_between_prepare_and_wait_counts),
        TEST(a_late_wake_does_not_end_the_next_wait),
        TEST(a_wake_for_a_freed_coroutine_does_not_reach_its_successor),
        TEST(a_past_deadline_does_not_wait),
        TEST(a_cancel_after_the_wake_does_not_undo_it),
        TEST(cancel_ends_this_wait_and_every_later_one),
        TEST(cancel_ends_a_sleep),
        TEST(a_wait_after_a_cancel_says_so_whatever_the_last_one_said),
        TEST(a_sleep_until_now_lets_others_run),
        TEST(cancel_reaches_a_coroutine_in_the_ready_queue),
    };

    return cmocka_run_group_tests_name("fetch/sched: waits", tests, NULL,
                                       incoro_stop_clock);
}
