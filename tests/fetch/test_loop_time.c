/* SPDX-License-Identifier: MIT */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <sys/eventfd.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <cmocka.h>

#include "config/clock.h"
#include "fetch/loop.h"
#include "tests/kit/incoro.h"

/*
 * Stands in for the C library's, so that a test can have a kernel older than
 * 5.11, which has no such call, or a container's filter that refuses it.
 */
static int refusal;

int epoll_pwait2(int epfd, struct epoll_event *events, int n, const struct timespec *ts,
                 const sigset_t *mask)
{
    if (refusal) {
        errno = refusal;
        return -1;
    }
    return (int)syscall(SYS_epoll_pwait2, epfd, events, n, ts, mask, sizeof(uint64_t));
}

struct seen {
    struct loop *l;
    int n;
    int order[16];
    int64_t at_ns[4];
    struct loop_timer *timer;
};

/* One callback's share: who it is, and where it writes. */
struct mark {
    struct seen *s;
    int id;
};

static struct loop *open_loop(void)
{
    struct loop *l = NULL;
    struct err_note note;

    assert_int_equal(loop_open(&l, &note), OK);
    return l;
}

static loop_watch_id watch(struct loop *l, int fd, uint32_t events, loop_fd_fn *fn,
                           void *arg)
{
    loop_watch_id id = 0;

    assert_int_equal(loop_watch(l, fd, events, fn, arg, &id), OK);
    assert_true(id != 0);
    return id;
}

/* An eventfd that is readable from the start. */
static int open_readable(void)
{
    int fd = eventfd(1, EFD_NONBLOCK | EFD_CLOEXEC);

    assert_true(fd >= 0);
    return fd;
}

static void on_event(void *arg, uint32_t events)
{
    struct seen *s = arg;

    (void)events;
    s->n++;
}

static void on_mark(void *arg)
{
    struct mark *m = arg;

    m->s->order[m->s->n++] = m->id;
}

/* --- timers ---------------------------------------------------------------------- */

static void timers_fire_by_moment_and_ties_by_order(void **state)
{
    static const int64_t at_ms[] = { 30, 10, 20, 10, 10 };
    static const int want[] = { 1, 3, 4, 2, 0 };
    struct loop_timer timers[ARRAY_LEN(at_ms)];
    struct mark marks[ARRAY_LEN(at_ms)];
    struct seen s = { 0 };
    (void)state;
    clock_fake_start(0, 0);
    struct loop *l = open_loop();

    for (int i = 0; i < (int)ARRAY_LEN(at_ms); i++) {
        marks[i] = (struct mark){ &s, i };
        loop_timer_init(&timers[i], on_mark, &marks[i]);
        loop_timer_set(l, &timers[i], at_ms[i] * NS_PER_MS);
    }
    for (int i = 0; i < 3; i++)
        loop_turn(l, DEADLINE_NEVER);

    assert_int_equal(s.n, 5);
    assert_memory_equal(s.order, want, sizeof(want));
    assert_int_equal(loop_now(l), 30 * NS_PER_MS);
    loop_close(l);
}

static void a_timer_can_be_moved_and_cleared(void **state)
{
    struct loop_timer moved, cleared;
    struct seen s = { 0 };
    struct mark marks[] = { { &s, 1 }, { &s, 2 } };
    (void)state;
    clock_fake_start(0, 0);
    struct loop *l = open_loop();
    loop_timer_init(&moved, on_mark, &marks[0]);
    loop_timer_init(&cleared, on_mark, &marks[1]);
    loop_timer_set(l, &moved, 10 * NS_PER_MS);
    loop_timer_set(l, &cleared, 10 * NS_PER_MS);

    loop_timer_set(l, &moved, 50 * NS_PER_MS);
    loop_timer_clear(l, &cleared);
    loop_timer_clear(l, &cleared);
    loop_turn(l, DEADLINE_NEVER);

    assert_int_equal(s.n, 1);
    assert_int_equal(s.order[0], 1);
    assert_int_equal(loop_now(l), 50 * NS_PER_MS);
    loop_close(l);
}

static void on_set_again(void *arg)
{
    struct seen *s = arg;

    s->n++;
    loop_timer_set(s->l, s->timer, 0);
}

static void what_a_timer_sets_for_the_past_fires_in_the_next_turn(void **state)
{
    struct loop_timer again, other;
    struct seen s = { 0 }, after = { 0 };
    struct mark mark = { &after, 1 };
    (void)state;
    clock_fake_start(0, 0);
    s.l = open_loop();
    s.timer = &again;
    loop_timer_init(&again, on_set_again, &s);
    loop_timer_init(&other, on_mark, &mark);
    loop_timer_set(s.l, &again, 5);
    loop_timer_set(s.l, &other, 5);

    loop_turn(s.l, DEADLINE_NEVER);
    int in_first_turn = s.n, other_in_first_turn = after.n;
    loop_turn(s.l, DEADLINE_NEVER);

    assert_int_equal(in_first_turn, 1);
    assert_int_equal(other_in_first_turn, 1);
    assert_int_equal(s.n, 2);
    loop_timer_clear(s.l, &again);
    loop_close(s.l);
}

static void on_clear_other(void *arg)
{
    struct seen *s = arg;

    s->n++;
    loop_timer_clear(s->l, s->timer);
}

static void a_timer_cleared_by_another_in_its_turn_does_not_fire(void **state)
{
    struct loop_timer first, second;
    struct seen s = { .timer = &second };
    struct mark mark = { &s, 1 };
    (void)state;
    clock_fake_start(0, 0);
    s.l = open_loop();
    loop_timer_init(&first, on_clear_other, &s);
    loop_timer_init(&second, on_mark, &mark);
    loop_timer_set(s.l, &first, 5);
    loop_timer_set(s.l, &second, 5);

    loop_turn(s.l, DEADLINE_NEVER);

    assert_int_equal(s.n, 1);
    loop_close(s.l);
}

static void on_answer(void *arg, uint32_t events)
{
    (void)events;
    on_mark(arg);
}

static void after_a_stall_the_answer_wins_over_its_time_out(void **state)
{
    struct loop_timer time_out;
    struct seen s = { 0 };
    struct mark marks[] = { { &s, 1 }, { &s, 2 } };
    int fd = open_readable();
    (void)state;
    clock_fake_start(0, 0);
    struct loop *l = open_loop();
    loop_watch_id id = watch(l, fd, EPOLLIN, on_answer, &marks[0]);
    loop_timer_init(&time_out, on_mark, &marks[1]);
    loop_timer_set(l, &time_out, 10);
    clock_fake_advance(1000);

    loop_turn(l, DEADLINE_NEVER);

    assert_int_equal(s.n, 2);
    assert_int_equal(s.order[0], 1);
    assert_int_equal(s.order[1], 2);
    loop_unwatch(l, id);
    close(fd);
    loop_close(l);
}

/* --- time -------------------------------------------------------------------------- */

static void on_look_at_clock(void *arg)
{
    struct seen *s = arg;

    s->at_ns[0] = loop_now(s->l);
    clock_fake_advance(7 * NS_PER_MS);
    s->at_ns[1] = loop_now(s->l);
}

static void time_stands_still_within_a_turn(void **state)
{
    struct loop_timer t;
    struct loop_stats stats;
    struct seen s = { 0 };
    (void)state;
    clock_fake_start(0, 0);
    s.l = open_loop();
    loop_timer_init(&t, on_look_at_clock, &s);
    loop_timer_set(s.l, &t, 3 * NS_PER_MS);

    loop_turn(s.l, DEADLINE_NEVER);

    assert_int_equal(s.at_ns[0], 3 * NS_PER_MS);
    assert_int_equal(s.at_ns[1], 3 * NS_PER_MS);
    loop_end_step(s.l);
    loop_get_stats(s.l, &stats);
    assert_int_equal(stats.longest_step_ns, 7 * NS_PER_MS);
    loop_close(s.l);
}

static void the_fake_clock_jumps_to_the_earliest_of_timer_and_deadline(void **state)
{
    struct loop_timer t;
    struct seen s = { 0 };
    struct mark mark = { &s, 1 };
    (void)state;
    clock_fake_start(0, 0);
    struct loop *l = open_loop();
    loop_timer_init(&t, on_mark, &mark);
    loop_timer_set(l, &t, 30);

    loop_turn(l, 0);
    int64_t without_waiting = clock_now_ns();
    loop_turn(l, 20);
    int64_t to_deadline = clock_now_ns();
    loop_turn(l, 40);
    int64_t to_timer = clock_now_ns();

    assert_int_equal(without_waiting, 0);
    assert_int_equal(to_deadline, 20);
    assert_int_equal(to_timer, 30);
    assert_int_equal(s.n, 1);
    loop_close(l);
}

static void the_fake_clock_stays_while_descriptors_are_ready(void **state)
{
    struct seen s = { 0 };
    int fd = open_readable();
    (void)state;
    clock_fake_start(5, 0);
    struct loop *l = open_loop();
    loop_watch_id id = watch(l, fd, EPOLLIN, on_event, &s);

    loop_turn(l, 1000);

    assert_int_equal(s.n, 1);
    assert_int_equal(clock_now_ns(), 5);
    loop_unwatch(l, id);
    close(fd);
    loop_close(l);
}

static void on_stop(void *arg)
{
    struct seen *s = arg;

    s->n++;
}

/* Waits for a timer 3.3 ms away and gives the turns it took. */
static uint64_t turns_of_a_real_wait(int64_t *out_late_ns)
{
    struct loop *l = open_loop();
    struct loop_timer t;
    struct loop_stats stats;
    struct seen s = { 0 };
    int64_t at = clock_now_ns() + 3 * NS_PER_MS + 300 * NS_PER_US;

    loop_timer_init(&t, on_stop, &s);
    loop_timer_set(l, &t, at);
    while (s.n == 0)
        loop_turn(l, DEADLINE_NEVER);
    *out_late_ns = clock_now_ns() - at;
    loop_get_stats(l, &stats);
    loop_close(l);
    return stats.turns;
}

static void a_real_wait_is_neither_early_nor_a_spin(void **state)
{
    int64_t late_ns;
    (void)state;

    uint64_t n_turns = turns_of_a_real_wait(&late_ns);

    assert_true(late_ns >= 0);
    assert_in_range(n_turns, 1, 4);
}

static void where_the_call_is_not_to_be_had_the_wait_is_in_milliseconds_rounded_up(void **state)
{
    static const int refusals[] = { ENOSYS, EPERM };

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(refusals); i++) {
        int64_t late_ns;
        uint64_t n_turns;

        refusal = refusals[i];
        n_turns = turns_of_a_real_wait(&late_ns);
        refusal = 0;
        assert_true(late_ns >= 0);
        assert_in_range(n_turns, 1, 4);
    }
}

static void steps_that_kept_the_loop_busy_are_counted(void **state)
{
    struct loop *l;
    struct loop_stats stats;
    (void)state;
    clock_fake_start(NS_PER_S, 0);
    l = open_loop();

    for (int i = 0; i < 3; i++) {
        loop_turn(l, 0);
        clock_fake_advance(LOOP_SLOW_NS - 1 + i);
        loop_end_step(l);
    }
    loop_get_stats(l, &stats);

    assert_int_equal(stats.slow_steps, 2);
    assert_int_equal(stats.longest_step_ns, LOOP_SLOW_NS + 1);
    loop_close(l);
}

#define TEST(fn) cmocka_unit_test_teardown(fn, incoro_stop_clock)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(timers_fire_by_moment_and_ties_by_order),
        TEST(a_timer_can_be_moved_and_cleared),
        TEST(what_a_timer_sets_for_the_past_fires_in_the_next_turn),
        TEST(a_timer_cleared_by_another_in_its_turn_does_not_fire),
        TEST(after_a_stall_the_answer_wins_over_its_time_out),
        TEST(time_stands_still_within_a_turn),
        TEST(the_fake_clock_jumps_to_the_earliest_of_timer_and_deadline),
        TEST(the_fake_clock_stays_while_descriptors_are_ready),
        TEST(steps_that_kept_the_loop_busy_are_counted),
        TEST(a_real_wait_is_neither_early_nor_a_spin),
        TEST(where_the_call_is_not_to_be_had_the_wait_is_in_milliseconds_rounded_up),
    };

    return cmocka_run_group_tests_name("fetch/loop: time", tests, NULL, NULL);
}
