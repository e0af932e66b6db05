/* SPDX-License-Identifier: MIT */
#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

#include "fetch/sched.h"
#include "tests/kit/incoro.h"

struct seen {
    enum err e[10];
    intptr_t value[8];
    struct coro *coro[4];
    struct group *g, *other;
    size_t count[4];
    int64_t at_ms[4];
    int n;
};

static int64_t now_ms(void)
{
    return loop_now(incoro_loop()) / NS_PER_MS;
}

/* Sleeps so many ms (the argument) and returns ten times that; -1 when cancelled. */
static intptr_t sleep_ms(void *arg)
{
    intptr_t ms = (intptr_t)arg;

    return coro_sleep_until(incoro_after_ms(ms)) ? -1 : 10 * ms;
}

static struct coro *spawn_sleeper(struct group *g, intptr_t ms)
{
    struct coro *c = NULL;

    BUG_IF(group_spawn(g, "sleeper", sleep_ms, (void *)ms, &c) != OK);
    return c;
}

static struct group *new_group(void)
{
    return group_new(incoro_sched(), NULL);
}

/* --- join ----------------------------------------------------------------------- */

static intptr_t join_each(void *arg)
{
    struct seen *s = arg;
    struct group *g = new_group();
    struct coro *slow = spawn_sleeper(g, 30), *fast = spawn_sleeper(g, 10);

    s->e[0] = group_join_one(g, slow, DEADLINE_NEVER, &s->value[0]);
    s->at_ms[0] = now_ms();
    s->e[1] = group_join_one(g, fast, DEADLINE_NEVER, &s->value[1]); /* long done */
    group_free(g);
    return 0;
}

static void join_one_gives_the_value_of_that_one(void **state)
{
    struct seen s = { 0 };
    (void)state;

    in_coroutine(join_each, &s);

    assert_int_equal(s.e[0] | s.e[1], OK);
    assert_int_equal(s.value[0], 300);
    assert_int_equal(s.at_ms[0], 30);
    assert_int_equal(s.value[1], 100);
}

static intptr_t join_any_until_none(void *arg)
{
    struct seen *s = arg;
    struct group *g = new_group();

    s->coro[0] = spawn_sleeper(g, 20);
    s->coro[1] = spawn_sleeper(g, 10);
    s->coro[2] = spawn_sleeper(g, 10);
    for (int i = 0; i < 4; i++) {
        s->e[i] = group_join_any(g, DEADLINE_NEVER, &s->coro[3], &s->value[i]);
        s->at_ms[MIN(i, 3)] = now_ms();
        if (i == 0)
            s->count[0] = s->coro[3] == s->coro[1];
        if (i == 0) /* both others end meanwhile: the next join finds them done */
            s->e[5] = coro_sleep_until(incoro_after_ms(50));
        if (i == 1)
            s->count[1] = s->coro[3] == s->coro[2];
    }
    group_free(g);
    return 0;
}

static void join_any_gives_them_in_the_order_they_ended(void **state)
{
    struct seen s = { 0 };
    (void)state;

    in_coroutine(join_any_until_none, &s);

    assert_int_equal(s.e[0] | s.e[1] | s.e[2] | s.e[5], OK);
    assert_int_equal(s.e[3], ERR_NOT_FOUND);
    assert_int_equal(s.value[0], 100);
    assert_int_equal(s.value[1], 100);
    assert_int_equal(s.value[2], 200);
    assert_true(s.count[0]);
    assert_true(s.count[1]);
    assert_int_equal(s.at_ms[0], 10);
    assert_int_equal(s.at_ms[1], 60);
}

static intptr_t join_all(void *arg)
{
    struct seen *s = arg;
    struct group *g = new_group();

    for (intptr_t ms = 1; ms <= 5; ms++)
        (void)spawn_sleeper(g, ms * 10);
    s->count[0] = group_count(g);
    s->e[0] = group_join(g, incoro_after_ms(25));
    s->count[1] = group_count(g);
    s->at_ms[0] = now_ms();
    s->e[1] = group_join(g, DEADLINE_NEVER);
    s->at_ms[1] = now_ms();
    s->e[2] = group_join(g, DEADLINE_NEVER); /* empty: at once */
    s->e[3] = group_join_any(g, DEADLINE_NEVER, NULL, &s->value[0]);
    group_free(g);
    return 0;
}

static void join_waits_for_all_or_its_deadline(void **state)
{
    struct seen s = { 0 };
    (void)state;

    in_coroutine(join_all, &s);

    assert_int_equal(s.count[0], 5);
    assert_int_equal(s.e[0], ERR_TIMEOUT);
    assert_int_equal(s.at_ms[0], 25);
    assert_int_equal(s.count[1], 3);
    assert_int_equal(s.e[1], OK);
    assert_int_equal(s.at_ms[1], 50);
    assert_int_equal(s.e[2], OK);
    assert_int_equal(s.e[3], ERR_NOT_FOUND);
}

static intptr_t time_out_then_join(void *arg)
{
    struct seen *s = arg;
    struct group *g = new_group();
    struct coro *c = spawn_sleeper(g, 20);

    s->value[0] = s->value[1] = -7;
    s->e[0] = group_join_one(g, c, incoro_after_ms(5), &s->value[0]);
    s->e[1] = group_join_any(g, incoro_after_ms(5), NULL, &s->value[1]);
    s->e[2] = group_join_one(g, c, DEADLINE_NEVER, &s->value[2]);
    group_free(g);
    return 0;
}

static void a_join_that_timed_out_takes_no_value_along(void **state)
{
    struct seen s = { 0 };
    (void)state;

    in_coroutine(time_out_then_join, &s);

    assert_int_equal(s.e[0], ERR_TIMEOUT);
    assert_int_equal(s.e[1], ERR_TIMEOUT);
    assert_int_equal(s.value[0], -7);
    assert_int_equal(s.value[1], -7);
    assert_int_equal(s.e[2], OK);
    assert_int_equal(s.value[2], 200);
}

static intptr_t time_out_then_join_another(void *arg)
{
    struct seen *s = arg;
    struct group *g = new_group(), *other = new_group();
    struct coro *c = spawn_sleeper(g, 20), *d = spawn_sleeper(other, 50);

    s->e[0] = group_join_one(g, c, incoro_after_ms(5), &s->value[0]);
    s->e[1] = group_join_one(other, d, DEADLINE_NEVER, &s->value[1]);
    s->at_ms[0] = now_ms();
    s->e[2] = group_join_one(g, c, DEADLINE_NEVER, &s->value[2]);
    group_free(other);
    group_free(g);
    return 0;
}

static void who_gave_up_on_one_is_not_told_of_it_while_joining_another(void **state)
{
    struct seen s = { 0 };
    (void)state;

    in_coroutine(time_out_then_join_another, &s);

    assert_int_equal(s.e[0], ERR_TIMEOUT);
    assert_int_equal(s.e[1], OK);
    assert_int_equal(s.value[1], 500);
    assert_int_equal(s.at_ms[0], 50);
    assert_int_equal(s.e[2], OK);
    assert_int_equal(s.value[2], 200);
}

/* The joiner's deadline and its coroutine's end fall on the same moment: whose timer came first runs first. */
static intptr_t join_at_the_very_moment(void *arg)
{
    struct seen *s = arg;
    struct group *g = new_group();
    struct coro *c = spawn_sleeper(g, 10);

    s->e[0] = group_join_one(g, c, incoro_after_ms(10), &s->value[0]);
    s->e[1] = group_join_any(g, DEADLINE_NEVER, NULL, &s->value[1]);
    c = spawn_sleeper(g, 20);
    s->e[2] = coro_yield(); /* it sleeps already */
    s->e[3] = group_join_one(g, c, incoro_after_ms(20), &s->value[2]);
    s->e[4] = group_join_any(g, DEADLINE_NEVER, NULL, &s->value[3]);
    group_free(g);
    return 0;
}

static void a_value_is_never_lost_between_deadline_and_end(void **state)
{
    struct seen s = { 0 };
    (void)state;

    in_coroutine(join_at_the_very_moment, &s);

    assert_int_equal(s.e[0], ERR_TIMEOUT);
    assert_int_equal(s.e[1], OK);
    assert_int_equal(s.value[1], 100);
    assert_int_equal(s.e[2], OK);
    assert_int_equal(s.e[3], ERR_TIMEOUT);
    assert_int_equal(s.e[4], OK);
    assert_int_equal(s.value[3], 200);
}

static intptr_t any_joiner(void *arg)
{
    struct seen *s = arg;
    int me = s->n++;

    s->e[me] = group_join_any(s->g, DEADLINE_NEVER, NULL, &s->value[me]);
    return 0;
}

static intptr_t three_want_any_of_two(void *arg)
{
    struct seen *s = arg;
    struct group *joiners = new_group();

    s->g = new_group();
    (void)spawn_sleeper(s->g, 20);
    (void)spawn_sleeper(s->g, 10);
    for (int i = 0; i < 3; i++)
        s->e[4] |= group_spawn(joiners, "joiner", any_joiner, s, NULL);
    s->e[5] = group_join(joiners, DEADLINE_NEVER);
    group_free(joiners);
    group_free(s->g);
    return 0;
}

static void many_join_any_first_come_first_served(void **state)
{
    struct seen s = { 0 };
    (void)state;

    in_coroutine(three_want_any_of_two, &s);

    assert_int_equal(s.e[0] | s.e[1] | s.e[4] | s.e[5], OK);
    assert_int_equal(s.value[0], 100);
    assert_int_equal(s.value[1], 200);
    assert_int_equal(s.e[2], ERR_NOT_FOUND);
}

static intptr_t one_joiner(void *arg)
{
    struct seen *s = arg;

    s->e[0] = group_join_one(s->g, s->coro[0], DEADLINE_NEVER, &s->value[0]);
    return 0;
}

static intptr_t one_and_any(void *arg)
{
    struct seen *s = arg;
    struct group *joiners = new_group();

    s->g = new_group();
    s->coro[0] = spawn_sleeper(s->g, 10);
    (void)spawn_sleeper(s->g, 20);
    s->e[4] = group_spawn(joiners, "joiner", one_joiner, s, NULL);
    s->e[1] = group_join_any(s->g, DEADLINE_NEVER, NULL, &s->value[1]);
    s->e[5] = group_join(joiners, DEADLINE_NEVER);
    group_free(joiners);
    group_free(s->g);
    return 0;
}

static void who_asked_for_this_one_goes_before_who_takes_any(void **state)
{
    struct seen s = { 0 };
    (void)state;

    in_coroutine(one_and_any, &s);

    assert_int_equal(s.e[0] | s.e[1], OK);
    assert_int_equal(s.value[0], 100);
    assert_int_equal(s.value[1], 200);
}

static intptr_t all_joiner(void *arg)
{
    struct seen *s = arg;

    s->e[s->n++] = group_join(s->g, DEADLINE_NEVER);
    return 0;
}

static intptr_t two_join_all(void *arg)
{
    struct seen *s = arg;
    struct group *joiners = new_group();

    s->g = new_group();
    (void)spawn_sleeper(s->g, 10);
    s->e[4] = group_spawn(joiners, "joiner", all_joiner, s, NULL);
    s->e[4] |= group_spawn(joiners, "joiner", all_joiner, s, NULL);
    s->e[5] = group_join(joiners, incoro_after_ms(100));
    group_free(joiners);
    group_free(s->g);
    return 0;
}

static void several_may_join_one_group(void **state)
{
    struct seen s = { 0 };
    (void)state;

    in_coroutine(two_join_all, &s);

    assert_int_equal(s.n, 2);
    assert_int_equal(s.e[0] | s.e[1] | s.e[4] | s.e[5], OK);
}

/* --- cancel ---------------------------------------------------------------------- */

static intptr_t cancel_family(void *arg)
{
    struct seen *s = arg;
    struct group *parent = new_group();
    struct group *child = group_new(incoro_sched(), parent);
    struct coro *in_parent = spawn_sleeper(parent, 1000);
    struct coro *in_child = spawn_sleeper(child, 1000);

    s->e[0] = coro_yield();
    group_cancel(parent);
    struct group *late = group_new(incoro_sched(), parent);
    s->e[1] = group_spawn(parent, "late", sleep_ms, NULL, NULL);
    s->e[2] = group_spawn(child, "late", sleep_ms, NULL, NULL);
    s->e[3] = group_spawn(late, "late", sleep_ms, NULL, NULL);
    s->e[4] = group_join_one(parent, in_parent, DEADLINE_NEVER, &s->value[0]);
    s->e[5] = group_join_one(child, in_child, DEADLINE_NEVER, &s->value[1]);
    s->at_ms[0] = now_ms();
    group_free(late);
    group_free(child);
    group_free(parent);
    return 0;
}

static void cancelling_a_group_reaches_children_and_newcomers(void **state)
{
    struct seen s = { 0 };
    (void)state;

    in_coroutine(cancel_family, &s);

    assert_int_equal(s.e[0], OK);
    assert_int_equal(s.e[1], ERR_CANCELLED);
    assert_int_equal(s.e[2], ERR_CANCELLED);
    assert_int_equal(s.e[3], ERR_CANCELLED);
    assert_int_equal(s.e[4] | s.e[5], OK);
    assert_int_equal(s.value[0], -1);
    assert_int_equal(s.value[1], -1);
    assert_int_equal(s.at_ms[0], 0);
}

static intptr_t cancel_child_only(void *arg)
{
    struct seen *s = arg;
    struct group *parent = new_group();
    struct group *child = group_new(incoro_sched(), parent);
    struct coro *in_parent = spawn_sleeper(parent, 10);
    struct coro *in_child = spawn_sleeper(child, 10);

    s->e[0] = coro_yield();
    group_cancel(child);
    s->e[1] = group_join_one(parent, in_parent, DEADLINE_NEVER, &s->value[0]);
    s->e[2] = group_join_one(child, in_child, DEADLINE_NEVER, &s->value[1]);
    group_free(child);
    group_free(parent);
    return 0;
}

static void cancelling_a_child_leaves_its_parent_alone(void **state)
{
    struct seen s = { 0 };
    (void)state;

    in_coroutine(cancel_child_only, &s);

    assert_int_equal(s.e[0] | s.e[1] | s.e[2], OK);
    assert_int_equal(s.value[0], 100);
    assert_int_equal(s.value[1], -1);
}

static intptr_t sleep_in_turn(void *arg)
{
    struct seen *s = arg;
    int me = s->n++;

    s->e[me] = coro_sleep_until(incoro_after_ms(me == 1 ? 1 : 1000));
    return 0;
}

/* Of three one ends, between the others; then another comes. */
static intptr_t cancel_those_left(void *arg)
{
    struct seen *s = arg;
    struct group *g = new_group();

    if (s->count[0])
        group_set_detached(g);
    for (int i = 0; i < 3; i++)
        s->e[5] |= group_spawn(g, "sleeper", sleep_in_turn, s, NULL);
    s->e[6] = coro_sleep_until(incoro_after_ms(5));
    s->e[5] |= group_spawn(g, "sleeper", sleep_in_turn, s, NULL);
    s->e[6] |= coro_yield();
    group_cancel(g);
    s->e[7] = group_join(g, DEADLINE_NEVER);
    group_free(g);
    return 0;
}

static void a_cancel_reaches_all_beside_a_member_that_ended(void **state)
{
    (void)state;
    for (size_t is_detached = 0; is_detached < 2; is_detached++) {
        struct seen s = { .count = { is_detached } };

        in_coroutine(cancel_those_left, &s);

        assert_int_equal(s.e[0], ERR_CANCELLED);
        assert_int_equal(s.e[1], OK);
        assert_int_equal(s.e[2], ERR_CANCELLED);
        assert_int_equal(s.e[3], ERR_CANCELLED);
        assert_int_equal(s.e[5] | s.e[6] | s.e[7], OK);
    }
}

static intptr_t join_while_cancelled(void *arg)
{
    struct seen *s = arg;
    struct group *g = new_group();
    struct coro *c = spawn_sleeper(g, 10);

    s->e[0] = group_join(g, DEADLINE_NEVER);
    s->e[1] = group_join_one(g, c, DEADLINE_NEVER, &s->value[0]);
    s->e[2] = group_join_any(g, DEADLINE_NEVER, NULL, &s->value[0]);
    s->count[0] = group_count(g);
    s->e[3] = group_cancel_and_join(g, DEADLINE_NEVER);
    s->e[4] = coro_yield();
    group_free(g);
    return 0;
}

static intptr_t cancel_a_joiner(void *arg)
{
    struct seen *s = arg;
    struct group *g = new_group();
    struct coro *c = NULL;

    s->e[5] = group_spawn(g, "joiner", join_while_cancelled, s, &c);
    s->e[6] = coro_yield();
    coro_cancel(c);
    s->e[7] = group_join(g, DEADLINE_NEVER);
    s->at_ms[0] = now_ms();
    group_free(g);
    return 0;
}

static intptr_t join_what_is_over_while_cancelled(void *arg)
{
    struct seen *s = arg;
    struct group *g = new_group();
    struct coro *c = spawn_sleeper(g, 1);

    s->e[0] = coro_sleep_until(incoro_after_ms(5));
    coro_cancel(coro_current());
    s->e[1] = group_join(g, DEADLINE_NEVER);
    s->e[2] = group_join_one(g, c, DEADLINE_NEVER, &s->value[0]);
    s->e[3] = group_join_any(g, DEADLINE_NEVER, NULL, &s->value[0]);
    group_free(g);
    return 0;
}

static void a_join_notices_a_cancel_when_it_need_not_wait(void **state)
{
    struct seen s = { 0 };
    (void)state;

    in_coroutine(join_what_is_over_while_cancelled, &s);

    assert_int_equal(s.e[0], OK);
    assert_int_equal(s.e[1], ERR_CANCELLED);
    assert_int_equal(s.e[2], ERR_CANCELLED);
    assert_int_equal(s.e[3], ERR_CANCELLED);
}

static void a_cancelled_parent_can_still_collect_its_children(void **state)
{
    struct seen s = { 0 };
    (void)state;

    in_coroutine(cancel_a_joiner, &s);

    assert_int_equal(s.e[0], ERR_CANCELLED);
    assert_int_equal(s.e[1], ERR_CANCELLED);
    assert_int_equal(s.e[2], ERR_CANCELLED);
    assert_int_equal(s.count[0], 1);
    assert_int_equal(s.e[3], OK);
    assert_int_equal(s.e[4], ERR_CANCELLED); /* and is cancelled again afterwards */
    assert_int_equal(s.e[5] | s.e[6] | s.e[7], OK);
    assert_int_equal(s.at_ms[0], 0);
}

static intptr_t cancel_at_once(void *arg)
{
    struct seen *s = arg;
    struct group *g = new_group();

    s->e[0] = group_spawn(g, "quick", sleep_ms, (void *)(intptr_t)5, NULL);
    s->e[3] = group_cancel_and_join(g, 0); /* no time for it to end */
    s->e[1] = group_cancel_and_join(g, DEADLINE_NEVER);
    s->e[2] = group_join(g, DEADLINE_NEVER);
    s->at_ms[0] = now_ms();
    group_free(g);
    return 0;
}

static void cancel_and_join_does_not_wait_for_sleepers(void **state)
{
    struct seen s = { 0 };
    (void)state;

    in_coroutine(cancel_at_once, &s);

    assert_int_equal(s.e[3], ERR_TIMEOUT);
    assert_int_equal(s.e[0] | s.e[1] | s.e[2], OK);
    assert_int_equal(s.at_ms[0], 0);
}

/* --- detached --------------------------------------------------------------------- */

static intptr_t detach(void *arg)
{
    struct seen *s = arg;
    struct group *g = new_group();

    group_set_detached(g);
    for (intptr_t i = 0; i < 1000; i++) {
        (void)spawn_sleeper(g, 1);
        if (i % 10 == 9)
            s->e[0] |= coro_sleep_until(incoro_after_ms(2));
    }
    s->e[2] = group_join_any(g, DEADLINE_NEVER, NULL, &s->value[0]);
    s->e[1] = group_join(g, DEADLINE_NEVER);
    s->count[0] = group_count(g);

    struct sched_stats stats;

    sched_get_stats(incoro_sched(), &stats);
    s->count[1] = stats.stacks;
    group_free(g);
    return 0;
}

static void detached_members_free_themselves(void **state)
{
    struct seen s = { 0 };
    (void)state;

    in_coroutine(detach, &s);

    assert_int_equal(s.e[0] | s.e[1], OK);
    assert_int_equal(s.e[2], ERR_NOT_FOUND); /* no value was kept */
    assert_int_equal(s.count[0], 0);
    assert_in_range(s.count[1], 11, 64); /* not a thousand */
}

/* One after another: its value is dropped with the group, by a join, or was not wanted. */
static intptr_t leave_values(void *arg)
{
    struct seen *s = arg;

    for (int i = 0; i < 3; i++) {
        struct group *g = new_group();

        if (i == 2)
            group_set_detached(g);
        s->coro[i] = spawn_sleeper(g, 1);
        s->e[i] = coro_sleep_until(incoro_after_ms(2));
        if (i == 2)
            s->coro[3] = spawn_sleeper(g, 1);
        if (i > 0)
            s->e[3 + i] = group_join(g, DEADLINE_NEVER);
        group_free(g);
    }
    return 0;
}

static void a_coroutine_that_ended_is_used_again(void **state)
{
    struct seen s = { 0 };
    (void)state;

    in_coroutine(leave_values, &s);

    for (int i = 0; i < 6; i++)
        assert_int_equal(s.e[i], OK);
    for (int i = 1; i < 4; i++)
        assert_ptr_equal(s.coro[i], s.coro[0]);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(join_one_gives_the_value_of_that_one,
                               incoro_start_clock),
        cmocka_unit_test_setup(join_any_gives_them_in_the_order_they_ended,
                               incoro_start_clock),
        cmocka_unit_test_setup(join_waits_for_all_or_its_deadline, incoro_start_clock),
        cmocka_unit_test_setup(a_join_that_timed_out_takes_no_value_along,
                               incoro_start_clock),
        cmocka_unit_test_setup(who_gave_up_on_one_is_not_told_of_it_while_joining_another, incoro_start_clock),
        cmocka_unit_test_setup(a_value_is_never_lost_between_deadline_and_end,
                               incoro_start_clock),
        cmocka_unit_test_setup(many_join_any_first_come_first_served,
                               incoro_start_clock),
        cmocka_unit_test_setup(who_asked_for_this_one_goes_before_who_takes_any,
                               incoro_start_clock),
        cmocka_unit_test_setup(several_may_join_one_group, incoro_start_clock),
        cmocka_unit_test_setup(cancelling_a_group_reaches_children_and_newcomers,
                               incoro_start_clock),
        cmocka_unit_test_setup(cancelling_a_child_leaves_its_parent_alone,
                               incoro_start_clock),
        cmocka_unit_test_setup(a_join_notices_a_cancel_when_it_need_not_wait, incoro_start_clock),
        cmocka_unit_test_setup(a_cancel_reaches_all_beside_a_member_that_ended, incoro_start_clock),
        cmocka_unit_test_setup(a_cancelled_parent_can_still_collect_its_children,
                               incoro_start_clock),
        cmocka_unit_test_setup(cancel_and_join_does_not_wait_for_sleepers,
                               incoro_start_clock),
        cmocka_unit_test_setup(detached_members_free_themselves, incoro_start_clock),
        cmocka_unit_test_setup(a_coroutine_that_ended_is_used_again, incoro_start_clock),
    };

    return cmocka_run_group_tests_name("fetch/group", tests, NULL, incoro_stop_clock);
}
