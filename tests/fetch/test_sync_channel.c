/* SPDX-License-Identifier: MIT */
#include "tests/kit/actors.h"

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

#define TEST(fn) cmocka_unit_test_setup(fn, incoro_start_clock)

int main(void)
{
    static const struct CMUnitTest single[] = {
        TEST(a_priority_channel_sorts_whatever_comes),
        TEST(a_ring_goes_round),
        TEST(items_go_straight_to_who_waited_longest),
        TEST(senders_wait_while_full_and_keep_their_order),
        TEST(closing_ends_senders_and_leaves_what_was_sent),
        TEST(closing_ends_waiting_receivers),
        TEST(every_item_arrives_once_and_nobody_starves),
    };

    enum {
        N_SINGLE = ARRAY_LEN(single),
        N_ROWS = ARRAY_LEN(order_rows),
    };
    struct CMUnitTest tests[N_SINGLE + N_ROWS];

    memcpy(tests, single, sizeof(single));
    for (size_t i = 0; i < N_ROWS; i++)
        tests[N_SINGLE + i] = (struct CMUnitTest){
            .name = order_rows[i].label,
            .test_func = channel_order,
            .initial_state = (void *)(uintptr_t)&order_rows[i],
        };
    return cmocka_run_group_tests_name("fetch/sync: channel", tests, NULL,
                                       incoro_stop_clock);
}
