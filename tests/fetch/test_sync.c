/* SPDX-License-Identifier: MIT */
#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

#include "config/clock.h"
#include "fetch/sync.h"
#include "tests/kit/incoro.h"

enum {
    MAX_NOTES = 32,
};

struct seen {
    struct group *g;
    struct waitq q;
    struct event event;
    struct sem sem;
    struct mutex mutex;
    struct chan chan;
    struct tracker tracker;
    int notes[MAX_NOTES];
    int n;
    enum err e[MAX_NOTES]; /* by actor */
    int64_t at_ms[MAX_NOTES];
    enum err trouble; /* of anything that must not fail */
    int64_t left;
    bool flag[4];
};

/* One coroutine of a scenario. */
struct actor {
    struct seen *s;
    int id;
    int64_t wait_ms; /* its deadline; below 0: never */
    coro_fn *fn;
};

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

static deadline until(const struct actor *a)
{
    return a->wait_ms < 0 ? DEADLINE_NEVER : incoro_after_ms(a->wait_ms);
}

/* Records how the actor's wait ended, and that it is its turn now. */
static intptr_t note(struct actor *a, enum err e)
{
    a->s->e[a->id] = e;
    a->s->at_ms[a->id] = loop_now(incoro_loop()) / NS_PER_MS;
    if (a->s->n < MAX_NOTES)
        a->s->notes[a->s->n++] = a->id;
    return 0;
}

static struct coro *start(struct seen *s, struct actor *a, coro_fn *fn)
{
    struct coro *c = NULL;

    if (!s->g)
        s->g = group_new(incoro_sched(), NULL);
    a->s = s;
    s->trouble |= group_spawn(s->g, "actor", fn, a, &c);
    return c;
}

/* Starts them in order and lets each get to its wait. */
static void start_all(struct seen *s, struct actor *actors, size_t n, coro_fn *fn)
{
    for (size_t i = 0; i < n; i++)
        (void)start(s, &actors[i], fn);
    s->trouble |= coro_yield();
}

static void sleep_ms(struct seen *s, int64_t ms)
{
    s->trouble |= coro_sleep_until(incoro_after_ms(ms));
}

static void join(struct seen *s)
{
    s->trouble |= group_join(s->g, DEADLINE_NEVER);
    group_free(s->g);
    s->g = NULL;
}

static void assert_notes(const struct seen *s, const int *want, int n)
{
    assert_int_equal(s->trouble, OK);
    assert_int_equal(s->n, n);
    assert_memory_equal(s->notes, want, (size_t)n * sizeof(*want));
}

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

/* --- channel ----------------------------------------------------------------------------- */

static char items[16]; /* their addresses are the items */

static void *item(int i)
{
    return &items[i];
}

static int number(const void *p)
{
    return (int)((const char *)p - items);
}

static const struct order_row {
    const char *label;
    enum chan_order order;
    int64_t keys[5];
    int want[5];
} order_rows[] = {
    { "a fifo channel gives the oldest first",
      CHAN_FIFO,
      { 5, 4, 3, 2, 1 },
      { 0, 1, 2, 3, 4 } },
    { "a lifo channel gives the newest first",
      CHAN_LIFO,
      { 1, 2, 3, 4, 5 },
      { 4, 3, 2, 1, 0 } },
    { "a priority channel gives the smallest key first",
      CHAN_PRIORITY,
      { 5, 1, 4, 2, 3 },
      { 1, 3, 4, 2, 0 } },
    { "equal keys leave a priority channel in order",
      CHAN_PRIORITY,
      { 7, 7, 1, 7, 1 },
      { 2, 4, 0, 1, 3 } },
    { "negative keys come first",
      CHAN_PRIORITY,
      { 0, -1, INT64_MIN, INT64_MAX, -1 },
      { 2, 1, 4, 0, 3 } },
};

static void channel_order(void **state)
{
    const struct order_row *row = *state;
    struct chan c;

    chan_init(&c, row->order, 5);
    for (int i = 0; i < 5; i++)
        assert_true(chan_try_send(&c, item(i), row->keys[i]));
    assert_false(chan_try_send(&c, item(5), 0)); /* full */

    for (int i = 0; i < 5; i++) {
        void *got = NULL;

        assert_true(chan_try_receive(&c, &got));
        assert_int_equal(number(got), row->want[i]);
    }

    void *none = NULL;
    assert_false(chan_try_receive(&c, &none));
    assert_null(none);
    chan_clear(&c);
}

static void a_priority_channel_sorts_whatever_comes(void **state)
{
    enum {
        N = 500,
    };

    static int64_t keys[N];
    struct chan c;
    uint32_t random = 12345;
    int64_t last = INT64_MIN;
    (void)state;
    chan_init(&c, CHAN_PRIORITY, N);

    for (int i = 0; i < N; i++) {
        random = random * 1664525u + 1013904223u;
        keys[i] = (random >> 16) % 100;
        assert_true(chan_try_send(&c, &keys[i], keys[i]));
    }

    const int64_t *previous = NULL;
    for (int i = 0; i < N; i++) {
        void *got;

        assert_true(chan_try_receive(&c, &got));
        const int64_t *key = got;
        assert_true(*key >= last);
        if (*key == last)
            assert_true(key > previous); /* sent later */
        last = *key;
        previous = key;
    }
    chan_clear(&c);
}

static void a_ring_goes_round(void **state)
{
    struct chan c;
    void *got = NULL;
    (void)state;
    chan_init(&c, CHAN_FIFO, 3);

    assert_true(chan_try_send(&c, item(15), 0));
    for (int i = 0; i < 10; i++) {
        assert_true(chan_try_send(&c, item(i), 0));
        assert_true(chan_try_receive(&c, &got));
        assert_int_equal(number(got), i ? i - 1 : 15);
    }

    assert_true(chan_try_receive(&c, &got));
    assert_int_equal(number(got), 9);
    chan_clear(&c);
}

static intptr_t receive_one(void *arg)
{
    struct actor *a = arg;
    void *got = item(15);
    enum err e = chan_receive(&a->s->chan, until(a), &got);

    (void)note(a, e);
    a->s->at_ms[16 + a->id] = number(got);
    return 0;
}

static intptr_t send_to_waiting(void *arg)
{
    struct seen *s = arg;
    struct actor a[] = {
        { .id = 0, .wait_ms = 4 },
        { .id = 1, .wait_ms = -1 },
        { .id = 2, .wait_ms = -1 },
    };

    chan_init(&s->chan, CHAN_LIFO, 1);
    start_all(s, a, ARRAY_LEN(a), receive_one);
    sleep_ms(s, 5); /* 0 times out */
    for (int i = 0; i < 3; i++)
        s->trouble |= chan_send(&s->chan, item(i), 0, DEADLINE_NEVER);
    s->left = (int64_t)s->chan.len;
    join(s);

    void *last = NULL;

    s->flag[0] = chan_try_receive(&s->chan, &last) && last == item(2);
    chan_clear(&s->chan);
    return 0;
}

static void items_go_straight_to_who_waited_longest(void **state)
{
    static const int want[] = { 0, 1, 2 };
    struct seen s = { 0 };
    (void)state;

    in_coroutine(send_to_waiting, &s);

    assert_notes(&s, want, 3);
    assert_int_equal(s.e[0], ERR_TIMEOUT);
    assert_int_equal(s.at_ms[16], 15); /* out untouched */
    assert_int_equal(s.at_ms[17], 0);
    assert_int_equal(s.at_ms[18], 1);
    assert_int_equal(s.left, 1);
    assert_true(s.flag[0]);
}

static intptr_t send_one(void *arg)
{
    struct actor *a = arg;

    return note(a, chan_send(&a->s->chan, item(a->id), -a->id, until(a)));
}

static intptr_t receive_from_full(void *arg)
{
    struct seen *s = arg;
    struct actor a[5];
    void *got = NULL;

    for (int i = 0; i < 5; i++)
        a[i] = (struct actor){ .id = i, .wait_ms = i == 3 ? 2 : -1 };
    chan_init(&s->chan, CHAN_FIFO, 2);
    start_all(s, a, ARRAY_LEN(a), send_one); /* 0 and 1 fit, the others wait */
    s->left = s->n;
    sleep_ms(s, 5); /* 3 gives up */
    for (int i = 0; i < 4; i++) {
        s->trouble |= chan_receive(&s->chan, DEADLINE_NEVER, &got);
        s->at_ms[16 + i] = number(got);
    }
    s->e[16] = chan_receive(&s->chan, 0, &got);
    join(s);
    chan_clear(&s->chan);
    return 0;
}

static void senders_wait_while_full_and_keep_their_order(void **state)
{
    static const int want[] = { 0, 1, 3, 2, 4 };
    struct seen s = { 0 };
    (void)state;

    in_coroutine(receive_from_full, &s);

    assert_notes(&s, want, 5);
    assert_int_equal(s.left, 2);
    assert_int_equal(s.e[3], ERR_TIMEOUT);
    assert_int_equal(s.at_ms[16], 0);
    assert_int_equal(s.at_ms[17], 1);
    assert_int_equal(s.at_ms[18], 2);
    assert_int_equal(s.at_ms[19], 4);
    assert_int_equal(s.e[16], ERR_TIMEOUT);
}

static intptr_t close_while_full(void *arg)
{
    struct seen *s = arg;
    struct actor a[] = { { .id = 0, .wait_ms = -1 }, { .id = 1, .wait_ms = -1 } };
    void *got = NULL;

    chan_init(&s->chan, CHAN_FIFO, 1);
    start_all(s, a, ARRAY_LEN(a), send_one); /* 0 fits, 1 waits */
    chan_close(&s->chan);
    s->e[2] = chan_send(&s->chan, item(2), 0, DEADLINE_NEVER);
    s->flag[0] = chan_try_send(&s->chan, item(2), 0);
    s->trouble |= coro_yield();
    s->e[3] = chan_receive(&s->chan, DEADLINE_NEVER, &got);
    s->left = number(got);
    s->e[4] = chan_receive(&s->chan, DEADLINE_NEVER, &got);
    join(s);
    chan_clear(&s->chan);
    return 0;
}

static void closing_ends_senders_and_leaves_what_was_sent(void **state)
{
    struct seen s = { 0 };
    (void)state;

    in_coroutine(close_while_full, &s);

    assert_int_equal(s.trouble, OK);
    assert_int_equal(s.e[0], OK);
    assert_int_equal(s.e[1], ERR_CLOSED);
    assert_int_equal(s.e[2], ERR_CLOSED);
    assert_false(s.flag[0]);
    assert_int_equal(s.e[3], OK);
    assert_int_equal(s.left, 0);
    assert_int_equal(s.e[4], ERR_CLOSED);
}

static intptr_t close_while_empty(void *arg)
{
    struct seen *s = arg;
    struct actor a[] = { { .id = 0, .wait_ms = -1 }, { .id = 1, .wait_ms = 100 } };

    chan_init(&s->chan, CHAN_PRIORITY, 4);
    start_all(s, a, ARRAY_LEN(a), receive_one);
    chan_close(&s->chan);
    join(s);
    chan_clear(&s->chan);
    return 0;
}

static void closing_ends_waiting_receivers(void **state)
{
    struct seen s = { 0 };
    (void)state;

    in_coroutine(close_while_empty, &s);

    assert_int_equal(s.trouble, OK);
    assert_int_equal(s.e[0], ERR_CLOSED);
    assert_int_equal(s.e[1], ERR_CLOSED);
    assert_int_equal(s.at_ms[1], 0);
}

static intptr_t produce(void *arg)
{
    struct actor *a = arg;

    for (int i = 0; i < 1000 && !a->s->e[a->id]; i++)
        a->s->e[a->id] = chan_send(&a->s->chan, item(a->id), 0, DEADLINE_NEVER);
    return 0;
}

static intptr_t consume(void *arg)
{
    struct actor *a = arg;
    void *got;

    while (chan_receive(&a->s->chan, DEADLINE_NEVER, &got) == OK) {
        a->s->at_ms[number(got)]++;
        a->s->at_ms[16 + a->id]++;
        a->s->flag[0] |= a->s->chan.len > a->s->chan.cap;
    }
    return 0;
}

static intptr_t pump(void *arg)
{
    struct seen *s = arg;
    struct group *producers = group_new(incoro_sched(), NULL), *consumers;
    struct actor a[6];

    chan_init(&s->chan, CHAN_FIFO, 4);
    s->g = producers;
    for (int i = 0; i < 6; i++)
        a[i] = (struct actor){ .s = s, .id = i };
    for (int i = 0; i < 3; i++)
        (void)start(s, &a[i], produce);
    s->g = consumers = group_new(incoro_sched(), NULL);
    for (int i = 3; i < 6; i++)
        (void)start(s, &a[i], consume);
    s->trouble |= group_join(producers, DEADLINE_NEVER);
    chan_close(&s->chan);
    s->trouble |= group_join(consumers, DEADLINE_NEVER);
    group_free(producers);
    group_free(consumers);
    chan_clear(&s->chan);
    return 0;
}

static void every_item_arrives_once_and_nobody_starves(void **state)
{
    struct seen s = { 0 };
    (void)state;

    in_coroutine(pump, &s);

    assert_int_equal(s.trouble, OK);
    for (int i = 0; i < 3; i++)
        assert_int_equal(s.at_ms[i], 1000);
    for (int i = 19; i < 22; i++)
        assert_true(s.at_ms[i] >= 100);
    assert_false(s.flag[0]);
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
    tracker_add(&s->tracker, 2);
    start_all(s, a, ARRAY_LEN(a), wait_for_all_work);
    sleep_ms(s, 10);
    tracker_done(&s->tracker);
    sleep_ms(s, 10); /* 1 gives up */
    tracker_done(&s->tracker);
    tracker_add(&s->tracker, 1); /* before the waiters run: not the end after all */
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
    case 4: return chan_send(&s->chan, item(1), 0, d);
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
        s->trouble |= chan_send(&s->chan, item(0), 0, DEADLINE_NEVER);
    tracker_init(&s->tracker);
    tracker_add(&s->tracker, 1);

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
    (void)chan_try_send(&s->chan, item(1), 0);
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

#define TEST(fn) cmocka_unit_test_setup(fn, start_clock)

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
        TEST(a_priority_channel_sorts_whatever_comes),
        TEST(a_ring_goes_round),
        TEST(items_go_straight_to_who_waited_longest),
        TEST(senders_wait_while_full_and_keep_their_order),
        TEST(closing_ends_senders_and_leaves_what_was_sent),
        TEST(closing_ends_waiting_receivers),
        TEST(every_item_arrives_once_and_nobody_starves),
        TEST(a_tracker_ends_exactly_when_nothing_is_open),
        TEST(a_cancelled_coroutine_gets_nothing_even_without_waiting),
        TEST(what_is_there_is_taken_even_past_the_deadline),
    };

    enum {
        N_SINGLE = ARRAY_LEN(single),
        N_ORDERS = ARRAY_LEN(order_rows),
        N_KINDS = ARRAY_LEN(kind_names),
    };
    struct CMUnitTest tests[N_SINGLE + N_ORDERS + N_KINDS];

    memcpy(tests, single, sizeof(single));
    for (size_t i = 0; i < N_ORDERS; i++)
        tests[N_SINGLE + i] = (struct CMUnitTest){
            .name = order_rows[i].label,
            .test_func = channel_order,
            .initial_state = (void *)(uintptr_t)&order_rows[i],
        };
    for (size_t i = 0; i < N_KINDS; i++)
        tests[N_SINGLE + N_ORDERS + i] = (struct CMUnitTest){
            .name = kind_names[i],
            .test_func = cancel_ends_a_wait,
            .setup_func = start_clock,
            .initial_state = (void *)(uintptr_t)&kind_names[i],
        };
    return cmocka_run_group_tests_name("fetch/sync", tests, NULL, stop_clock);
}
