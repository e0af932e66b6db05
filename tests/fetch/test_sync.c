/* SPDX-License-Identifier: MIT */
#include "config/clock.h"
#include "tests/kit/actors.h"

/* --- wait queue --------------------------------------------------------------- */

static intptr_t wait_in_queue(void *arg)
{
    struct actor *a = arg;

    return note(a, waitq_wait(&a->s->q, until(a)));
}

static intptr_t wake_one_by_one(void *arg)
{
    struct seen *s = arg;
    struct actor a[] = {
        { .id = 0, .wait_ms = -1 }, { .id = 1, .wait_ms = 5 },
        { .id = 2, .wait_ms = -1 }, { .id = 3, .wait_ms = -1 },
        { .id = 4, .wait_ms = -1 },
    };

    waitq_init(&s->q);
    s->flag[0] = waitq_is_empty(&s->q);
    waitq_wake_one(&s->q); /* nobody: forgotten */
    start_all(s, a, ARRAY_LEN(a), wait_in_queue);
    s->flag[1] = waitq_is_empty(&s->q);
    waitq_wake_one(&s->q);
    sleep_ms(s, 10); /* 1 times out */
    waitq_wake_one(&s->q);
    sleep_ms(s, 10);
    waitq_wake_all(&s->q);
    s->flag[2] = waitq_is_empty(&s->q);
    join(s);
    return 0;
}

static void a_wait_queue_wakes_in_order_of_arrival(void **state)
{
    static const int want[] = { 0, 1, 2, 3, 4 };
    struct seen s = { 0 };
    (void)state;

    in_coroutine(wake_one_by_one, &s);

    assert_notes(&s, want, 5);
    assert_int_equal(s.e[1], ERR_TIMEOUT);
    assert_int_equal(s.e[0] | s.e[2] | s.e[3] | s.e[4], OK);
    assert_int_equal(s.at_ms[1], 5);
    assert_int_equal(s.at_ms[2], 10);
    assert_int_equal(s.at_ms[4], 20);
    assert_true(s.flag[0]);
    assert_false(s.flag[1]);
    assert_true(s.flag[2]);
}

static intptr_t cancel_first_then_wake(void *arg)
{
    struct seen *s = arg;
    struct actor a[] = { { .id = 0, .wait_ms = -1 }, { .id = 1, .wait_ms = -1 } };

    waitq_init(&s->q);

    struct coro *first = start(s, &a[0], wait_in_queue);

    (void)start(s, &a[1], wait_in_queue);
    s->trouble |= coro_yield();
    coro_cancel(first);
    waitq_wake_one(
        &s->q); /* in the same breath: must not be wasted on the cancelled one */
    join(s);
    return 0;
}

static void a_wake_is_not_wasted_on_a_cancelled_waiter(void **state)
{
    struct seen s = { 0 };
    (void)state;

    in_coroutine(cancel_first_then_wake, &s);

    assert_int_equal(s.trouble, OK);
    assert_int_equal(s.e[0], ERR_CANCELLED);
    assert_int_equal(s.e[1], OK);
}

/* --- event ---------------------------------------------------------------------- */

static intptr_t wait_for_event(void *arg)
{
    struct actor *a = arg;

    return note(a, event_wait(&a->s->event, until(a)));
}

static intptr_t set_event(void *arg)
{
    struct seen *s = arg;
    struct actor a[] = {
        { .id = 0, .wait_ms = -1 },
        { .id = 1, .wait_ms = 3 },
        { .id = 2, .wait_ms = -1 },
    };
    struct actor late = { .id = 3, .wait_ms = 0 };

    event_init(&s->event);
    start_all(s, a, ARRAY_LEN(a), wait_for_event);
    sleep_ms(s, 5);
    event_set(&s->event);
    event_set(&s->event);
    (void)start(s, &late, wait_for_event);
    join(s);
    return 0;
}

static void an_event_is_seen_by_all_also_by_latecomers(void **state)
{
    static const int want[] = { 1, 0, 2, 3 };
    struct seen s = { 0 };
    (void)state;

    in_coroutine(set_event, &s);

    assert_notes(&s, want, 4);
    assert_int_equal(s.e[0] | s.e[2] | s.e[3], OK);
    assert_int_equal(s.e[1], ERR_TIMEOUT);
}

/* --- semaphore --------------------------------------------------------------------- */

static intptr_t enter_hold_leave(void *arg)
{
    struct actor *a = arg;
    enum err e = sem_enter(&a->s->sem, until(a));

    (void)note(a, e);
    if (e)
        return 0;
    a->s->left++;
    a->s->flag[0] |= a->s->left > 2;
    sleep_ms(a->s, 10);
    a->s->left--;
    sem_leave(&a->s->sem);
    return 0;
}

static intptr_t six_want_two_permits(void *arg)
{
    struct seen *s = arg;
    struct actor a[6];

    for (int i = 0; i < 6; i++)
        a[i] = (struct actor){ .id = i, .wait_ms = i == 3 ? 5 : -1 };
    sem_init_permits(&s->sem, 2);
    start_all(s, a, ARRAY_LEN(a), enter_hold_leave);
    join(s);
    s->left = s->sem.permits;
    return 0;
}

static void a_semaphore_admits_so_many_in_order(void **state)
{
    static const int want[] = { 0, 1, 3, 2, 4, 5 };
    struct seen s = { 0 };
    (void)state;

    in_coroutine(six_want_two_permits, &s);

    assert_notes(&s, want, 6);
    assert_false(s.flag[0]);
    assert_int_equal(s.e[3], ERR_TIMEOUT);
    assert_int_equal(s.at_ms[2], 10);
    assert_int_equal(s.at_ms[4], 10);
    assert_int_equal(s.at_ms[5], 20);
    assert_int_equal(s.left, 2);
}

static intptr_t snatch(void *arg)
{
    struct seen *s = arg;
    struct actor waiter = { .id = 0, .wait_ms = -1 };

    sem_init_permits(&s->sem, 1);
    s->flag[0] = sem_try_enter(&s->sem);
    (void)start(s, &waiter, enter_hold_leave);
    s->trouble |= coro_yield();
    sem_leave(&s->sem);
    s->flag[1] = sem_try_enter(&s->sem); /* it is the waiter's already */
    join(s);
    s->flag[2] = sem_try_enter(&s->sem);
    return 0;
}

static void a_permit_handed_over_cannot_be_snatched(void **state)
{
    struct seen s = { 0 };
    (void)state;

    in_coroutine(snatch, &s);

    assert_int_equal(s.trouble, OK);
    assert_int_equal(s.e[0], OK);
    assert_true(s.flag[0]);
    assert_false(s.flag[1]);
    assert_true(s.flag[2]);
}

static intptr_t cancel_a_permit_waiter(void *arg)
{
    struct seen *s = arg;
    struct actor a[] = { { .id = 0, .wait_ms = -1 }, { .id = 1, .wait_ms = -1 } };

    sem_init_permits(&s->sem, 0);

    struct coro *before = start(s, &a[0], enter_hold_leave);
    struct coro *after = start(s, &a[1], enter_hold_leave);

    s->trouble |= coro_yield();
    coro_cancel(before);
    sem_leave(&s->sem); /* goes to the second ... */
    coro_cancel(after); /* ... which keeps it, and gives it back at its leave */
    s->trouble |= group_join(s->g, DEADLINE_NEVER);
    s->left = s->sem.permits;
    group_free(s->g);
    return 0;
}

static void no_permit_is_lost_to_a_cancel(void **state)
{
    struct seen s = { 0 };
    (void)state;

    in_coroutine(cancel_a_permit_waiter, &s);

    assert_int_equal(s.e[0], ERR_CANCELLED);
    assert_int_equal(s.e[1], OK);
    assert_int_equal(s.left, 1);
}

/* --- mutex ----------------------------------------------------------------------------- */

static intptr_t lock_and_change(void *arg)
{
    struct actor *a = arg;
    enum err e = mutex_lock(&a->s->mutex, until(a));

    (void)note(a, e);
    if (e)
        return 0;

    int64_t before = a->s->left;

    sleep_ms(a->s, 1);
    a->s->left = before + 1;
    mutex_unlock(&a->s->mutex);
    return 0;
}

static intptr_t five_lock(void *arg)
{
    struct seen *s = arg;
    struct actor a[5];

    for (int i = 0; i < 5; i++)
        a[i] = (struct actor){ .id = i, .wait_ms = i == 4 ? 2 : -1 };
    mutex_init(&s->mutex);
    start_all(s, a, ARRAY_LEN(a), lock_and_change);
    join(s);
    s->flag[0] = s->mutex.owner == NULL;
    return 0;
}

static void a_mutex_keeps_others_out_across_suspensions(void **state)
{
    static const int want[] = { 0, 1, 4, 2, 3 };
    struct seen s = { 0 };
    (void)state;

    in_coroutine(five_lock, &s);

    assert_notes(&s, want, 5);
    assert_int_equal(s.left, 4);
    assert_int_equal(s.e[4], ERR_TIMEOUT);
    assert_true(s.flag[0]);
}

/* --- tracker ------------------------------------------------------------------------------ */

static intptr_t wait_for_all_work(void *arg)
{
    struct actor *a = arg;

    return note(a, tracker_wait(&a->s->tracker, until(a)));
}

static intptr_t finish_work(void *arg)
{
    struct seen *s = arg;
    struct actor a[] = {
        { .id = 0, .wait_ms = -1 },
        { .id = 1, .wait_ms = 15 },
        { .id = 2, .wait_ms = -1 },
    };

    tracker_init(&s->tracker);
    s->e[5] = tracker_wait(&s->tracker, 0); /* nothing is open */
    tracker_add(&s->tracker);
    tracker_add(&s->tracker);
    start_all(s, a, ARRAY_LEN(a), wait_for_all_work);
    sleep_ms(s, 10);
    tracker_done(&s->tracker);
    sleep_ms(s, 10); /* 1 gives up */
    tracker_done(&s->tracker);
    tracker_add(&s->tracker); /* before the waiters run: not the end after all */
    sleep_ms(s, 10);
    tracker_done(&s->tracker);
    join(s);
    return 0;
}

static void a_tracker_ends_exactly_when_nothing_is_open(void **state)
{
    static const int want[] = { 1, 0, 2 };
    struct seen s = { 0 };
    (void)state;

    in_coroutine(finish_work, &s);

    assert_notes(&s, want, 3);
    assert_int_equal(s.e[5], OK);
    assert_int_equal(s.e[1], ERR_TIMEOUT);
    assert_int_equal(s.e[0] | s.e[2], OK);
    assert_int_equal(s.at_ms[0], 30);
}

/* --- cancel, in each kind of wait -------------------------------------------------------------- */

static enum err wait_kind(struct seen *s, int kind, deadline d)
{
    void *got;

    switch (kind) {
    case 0: return waitq_wait(&s->q, d);
    case 1: return event_wait(&s->event, d);
    case 2: return sem_enter(&s->sem, d);
    case 3: return mutex_lock(&s->mutex, d);
    case 4: return chan_send(&s->chan, s, 0, d);
    case 5: return chan_receive(&s->chan, d, &got);
    case 6: return tracker_wait(&s->tracker, d);
    default: return coro_sleep_until(clock_after(d, NS_PER_S));
    }
}

static const char *const kind_names[] = {
    "cancel ends a wait in a queue",    "cancel ends a wait for an event",
    "cancel ends a wait for a permit",  "cancel ends a wait for a mutex",
    "cancel ends a wait to send",       "cancel ends a wait to receive",
    "cancel ends a wait for a tracker", "cancel ends a sleep",
};

static intptr_t wait_twice(void *arg)
{
    struct actor *a = arg;

    a->s->e[0] = wait_kind(a->s, a->id, DEADLINE_NEVER);
    a->s->at_ms[0] = loop_now(incoro_loop()) / NS_PER_MS;
    a->s->e[1] = wait_kind(a->s, a->id, DEADLINE_NEVER);
    return 0;
}

static intptr_t cancel_kind(void *arg)
{
    struct seen *s = arg;
    struct actor a = { .id = (int)s->left };
    void *got;

    waitq_init(&s->q);
    event_init(&s->event);
    sem_init_permits(&s->sem, 0);
    mutex_init(&s->mutex);
    s->trouble |= mutex_lock(&s->mutex, DEADLINE_NEVER);
    chan_init(&s->chan, CHAN_FIFO, 1);
    if (a.id == 4)
        s->trouble |= chan_send(&s->chan, s, 0, DEADLINE_NEVER);
    tracker_init(&s->tracker);
    tracker_add(&s->tracker);

    struct coro *c = start(s, &a, wait_twice);

    sleep_ms(s, 3);
    coro_cancel(c);
    join(s);
    (void)chan_try_receive(&s->chan, &got);
    chan_clear(&s->chan);
    s->flag[0] = waitq_is_empty(&s->q) && waitq_is_empty(&s->event.waiters) &&
                 waitq_is_empty(&s->sem.waiters) && waitq_is_empty(&s->tracker.waiters);
    mutex_unlock(&s->mutex);
    s->flag[1] = s->mutex.sem.permits == 1;
    return 0;
}

static void cancel_ends_a_wait(void **state)
{
    struct seen s = { .left = (const char *const *)*state - kind_names };

    in_coroutine(cancel_kind, &s);

    assert_int_equal(s.trouble, OK);
    assert_int_equal(s.e[0], ERR_CANCELLED);
    assert_int_equal(s.e[1], ERR_CANCELLED);
    assert_int_equal(s.at_ms[0], 3);
    assert_true(s.flag[0]); /* nobody left in a queue */
    assert_true(s.flag[1]);
}

static intptr_t take_without_waiting(void *arg)
{
    struct seen *s = arg;
    void *got;

    event_init(&s->event);
    event_set(&s->event);
    sem_init_permits(&s->sem, 5);
    mutex_init(&s->mutex);
    chan_init(&s->chan, CHAN_FIFO, 2);
    (void)chan_try_send(&s->chan, s, 0);
    tracker_init(&s->tracker);
    coro_cancel(coro_current());
    for (int kind = 1; kind <= 6; kind++)
        s->e[kind] = wait_kind(s, kind, DEADLINE_NEVER);
    s->left = s->sem.permits + (int64_t)s->chan.len;
    (void)chan_try_receive(&s->chan, &got);
    chan_clear(&s->chan);
    return 0;
}

static void a_cancelled_coroutine_gets_nothing_even_without_waiting(void **state)
{
    struct seen s = { 0 };
    (void)state;

    in_coroutine(take_without_waiting, &s);

    for (int kind = 1; kind <= 6; kind++)
        assert_int_equal(s.e[kind], ERR_CANCELLED);
    assert_int_equal(s.left, 6);
}

static intptr_t take_too_late(void *arg)
{
    struct seen *s = arg;
    void *got;

    event_init(&s->event);
    event_set(&s->event);
    sem_init_permits(&s->sem, 1);
    mutex_init(&s->mutex);
    chan_init(&s->chan, CHAN_FIFO, 2);
    tracker_init(&s->tracker);
    for (int kind = 1; kind <= 6; kind++)
        s->e[kind] = wait_kind(s, kind, 0);
    s->e[7] = sem_enter(&s->sem, 0);
    s->e[8] = chan_receive(&s->chan, 0, &got);
    mutex_unlock(&s->mutex);
    chan_clear(&s->chan);
    return 0;
}

static void what_is_there_is_taken_even_past_the_deadline(void **state)
{
    struct seen s = { 0 };
    (void)state;

    in_coroutine(take_too_late, &s);

    for (int kind = 1; kind <= 6; kind++)
        assert_int_equal(s.e[kind], OK);
    assert_int_equal(s.e[7], ERR_TIMEOUT);
    assert_int_equal(s.e[8], ERR_TIMEOUT);
}

#define TEST(fn) cmocka_unit_test_setup(fn, incoro_start_clock)

int main(void)
{
    static const struct CMUnitTest single[] = {
        TEST(a_wait_queue_wakes_in_order_of_arrival),
        TEST(a_wake_is_not_wasted_on_a_cancelled_waiter),
        TEST(an_event_is_seen_by_all_also_by_latecomers),
        TEST(a_semaphore_admits_so_many_in_order),
        TEST(a_permit_handed_over_cannot_be_snatched),
        TEST(no_permit_is_lost_to_a_cancel),
        TEST(a_mutex_keeps_others_out_across_suspensions),
        TEST(a_tracker_ends_exactly_when_nothing_is_open),
        TEST(a_cancelled_coroutine_gets_nothing_even_without_waiting),
        TEST(what_is_there_is_taken_even_past_the_deadline),
    };

    enum {
        N_SINGLE = ARRAY_LEN(single),
        N_ROWS = ARRAY_LEN(kind_names),
    };
    struct CMUnitTest tests[N_SINGLE + N_ROWS];

    memcpy(tests, single, sizeof(single));
    for (size_t i = 0; i < N_ROWS; i++)
        tests[N_SINGLE + i] = (struct CMUnitTest){
            .name = kind_names[i],
            .test_func = cancel_ends_a_wait,
            .setup_func = incoro_start_clock,
            .initial_state = (void *)(uintptr_t)&kind_names[i],
        };
    return cmocka_run_group_tests_name("fetch/sync", tests, NULL, incoro_stop_clock);
}
