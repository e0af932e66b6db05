/* SPDX-License-Identifier: MIT */
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <cmocka.h>

#include "config/clock.h"
#include "fetch/loop.h"

/*
 * Stands in for the C library's, so that a test can have a kernel older than
 * 5.11, which has no such call.
 */
static bool is_old_kernel;

int epoll_pwait2(int epfd, struct epoll_event *events, int n, const struct timespec *ts,
                 const sigset_t *mask)
{
    if (is_old_kernel) {
        errno = ENOSYS;
        return -1;
    }
    return (int)syscall(SYS_epoll_pwait2, epfd, events, n, ts, mask, sizeof(uint64_t));
}

struct seen {
    struct loop *l;
    int n;
    uint32_t events;
    int order[16];
    int64_t at_ns[4];
    loop_watch_id other;
    int other_fd;
    struct loop_timer *timer;
    struct loop_wakeup *wakeup;
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

static void open_pair(int fds[2])
{
    assert_int_equal(
        socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0, fds), 0);
}

static void close_pair(int fds[2])
{
    close(fds[0]);
    close(fds[1]);
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

    s->n++;
    s->events = events;
}

static void on_mark(void *arg)
{
    struct mark *m = arg;

    m->s->order[m->s->n++] = m->id;
}

/* --- descriptors --------------------------------------------------------------- */

static void a_readable_descriptor_calls_back_until_read(void **state)
{
    struct loop *l = open_loop();
    struct seen s = { 0 };
    int fds[2];
    char c;
    (void)state;
    open_pair(fds);
    loop_watch_id id = watch(l, fds[0], EPOLLIN, on_event, &s);

    loop_turn(l, 0);
    int when_quiet = s.n;
    assert_int_equal(write(fds[1], "x", 1), 1);
    loop_turn(l, DEADLINE_NEVER);
    loop_turn(l, DEADLINE_NEVER);
    int level_triggered = s.n;
    assert_int_equal(read(fds[0], &c, 1), 1);
    loop_turn(l, 0);

    assert_int_equal(when_quiet, 0);
    assert_int_equal(level_triggered, 2);
    assert_int_equal(s.n, 2);
    assert_int_equal(s.events, EPOLLIN);
    loop_unwatch(l, id);
    close_pair(fds);
    loop_close(l);
}

static void what_is_waited_for_can_change(void **state)
{
    struct loop *l = open_loop();
    struct seen s = { 0 };
    int fds[2];
    (void)state;
    open_pair(fds);
    loop_watch_id id = watch(l, fds[0], EPOLLIN, on_event, &s);

    loop_watch_change(l, id, EPOLLOUT);
    loop_turn(l, 0);
    uint32_t writable = s.events;
    loop_watch_change(l, id, EPOLLIN);
    loop_turn(l, 0);

    assert_int_equal(writable, EPOLLOUT);
    assert_int_equal(s.n, 1);
    loop_unwatch(l, id);
    close_pair(fds);
    loop_close(l);
}

static void hang_up_reaches_who_waits_for_nothing(void **state)
{
    struct loop *l = open_loop();
    struct seen s = { 0 };
    int fds[2];
    (void)state;
    open_pair(fds);
    loop_watch_id id = watch(l, fds[0], 0, on_event, &s);
    close(fds[1]);

    loop_turn(l, 0);

    assert_int_equal(s.n, 1);
    assert_true(s.events & EPOLLHUP);
    loop_unwatch(l, id);
    close(fds[0]);
    loop_close(l);
}

static void an_unwatched_descriptor_is_silent(void **state)
{
    struct loop *l = open_loop();
    struct seen s = { 0 };
    int fd = open_readable();
    (void)state;
    loop_watch_id id = watch(l, fd, EPOLLIN, on_event, &s);

    loop_unwatch(l, id);
    loop_unwatch(l, id);
    loop_unwatch(l, 0);
    loop_watch_change(l, id, EPOLLOUT);
    loop_turn(l, 0);

    assert_int_equal(s.n, 0);
    close(fd);
    loop_close(l);
}

static void refusals_are_errors(void **state)
{
    struct loop *l = open_loop();
    struct seen s = { 0 };
    int fd = open_readable();
    loop_watch_id id = watch(l, fd, EPOLLIN, on_event, &s), other = 77;
    (void)state;

    assert_int_equal(loop_watch(l, fd, EPOLLIN, on_event, &s, &other), ERR_EXISTS);
    assert_int_equal(loop_watch(l, -1, EPOLLIN, on_event, &s, &other), ERR_IO);

    assert_int_equal(other, 77);
    loop_unwatch(l, id);
    close(fd);
    loop_close(l);
}

/* Whichever of two is called first removes the other. */
struct rivals {
    struct loop *l;
    loop_watch_id id[2];
    int fd[2];
    int n_called;
};

static void remove_rival(struct rivals *r, int rival)
{
    r->n_called++;
    loop_unwatch(r->l, r->id[rival]);
}

static void on_first(void *arg, uint32_t events)
{
    (void)events;
    remove_rival(arg, 1);
}

static void on_second(void *arg, uint32_t events)
{
    (void)events;
    remove_rival(arg, 0);
}

static void an_event_queued_for_a_removed_watch_is_skipped(void **state)
{
    struct rivals r = { .l = open_loop() };
    (void)state;
    r.fd[0] = open_readable();
    r.fd[1] = open_readable();
    r.id[0] = watch(r.l, r.fd[0], EPOLLIN, on_first, &r);
    r.id[1] = watch(r.l, r.fd[1], EPOLLIN, on_second, &r);

    loop_turn(r.l, 0);

    assert_int_equal(r.n_called, 1);
    loop_unwatch(r.l, r.id[0]);
    loop_unwatch(r.l, r.id[1]);
    close(r.fd[0]);
    close(r.fd[1]);
    loop_close(r.l);
}

/* Closes the rival and has its number (and its slot) used again, all within one batch. */
static void replace_rival(struct rivals *r, int rival)
{
    int quiet = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);

    r->n_called++;
    loop_unwatch(r->l, r->id[rival]);
    BUG_IF(dup3(quiet, r->fd[rival], O_CLOEXEC) != r->fd[rival]);
    close(quiet);
    BUG_IF(loop_watch(r->l, r->fd[rival], EPOLLIN, rival ? on_second : on_first, r,
                      &r->id[rival]) != OK);
}

static void on_first_replace(void *arg, uint32_t events)
{
    (void)events;
    replace_rival(arg, 1);
}

static void on_second_replace(void *arg, uint32_t events)
{
    (void)events;
    replace_rival(arg, 0);
}

static void an_event_of_an_old_descriptor_does_not_reach_its_successor(void **state)
{
    struct rivals r = { .l = open_loop() };
    (void)state;
    r.fd[0] = open_readable();
    r.fd[1] = open_readable();
    r.id[0] = watch(r.l, r.fd[0], EPOLLIN, on_first_replace, &r);
    r.id[1] = watch(r.l, r.fd[1], EPOLLIN, on_second_replace, &r);
    loop_watch_id old[2] = { r.id[0], r.id[1] };

    loop_turn(r.l, 0);

    assert_int_equal(r.n_called, 1);
    int rival = r.id[0] == old[0];
    assert_int_equal((uint32_t)r.id[rival], (uint32_t)old[rival]); /* same slot ... */
    assert_true(r.id[rival] != old[rival]); /* ... other generation */
    loop_unwatch(r.l, r.id[0]);
    loop_unwatch(r.l, r.id[1]);
    close(r.fd[0]);
    close(r.fd[1]);
    loop_close(r.l);
}

static void a_forgotten_watch_does_not_harm_the_next_owner_of_its_number(void **state)
{
    struct loop *l = open_loop();
    struct seen old = { 0 }, next = { 0 };
    int fd = open_readable();
    (void)state;
    loop_watch_id old_id = watch(l, fd, EPOLLIN, on_event, &old);
    close(fd); /* against the rules, before loop_unwatch */
    int again = open_readable();
    assert_int_equal(again, fd);
    loop_watch_id next_id = watch(l, again, EPOLLIN, on_event, &next);

    loop_watch_change(l, old_id, 0);
    loop_unwatch(l, old_id);
    loop_turn(l, 0);

    assert_int_equal(old.n, 0);
    assert_int_equal(next.n, 1);
    loop_unwatch(l, next_id);
    close(again);
    loop_close(l);
}

static void more_ready_descriptors_than_a_batch_are_served_in_one_turn(void **state)
{
    enum {
        N = 600,
    };

    static int fds[N];
    static loop_watch_id ids[N];
    static struct seen s[N];
    struct loop *l = open_loop();
    struct loop_stats stats;
    size_t n_served = 0;
    (void)state;
    for (int i = 0; i < N; i++) {
        fds[i] = open_readable();
        s[i].n = 0;
        ids[i] = watch(l, fds[i], EPOLLIN, on_event, &s[i]);
    }

    loop_turn(l, 0);

    for (int i = 0; i < N; i++)
        n_served += s[i].n > 0;
    loop_get_stats(l, &stats);
    assert_int_equal(n_served, N);
    assert_int_equal(stats.turns, 1);
    assert_true(stats.events >= N);
    for (int i = 0; i < N; i++) {
        loop_unwatch(l, ids[i]);
        close(fds[i]);
    }
    loop_close(l);
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
    loop_get_stats(s.l, &stats);
    assert_int_equal(stats.longest_step_ns, 7 * NS_PER_MS);
    loop_note_step(s.l, 9 * NS_PER_MS);
    loop_note_step(s.l, 1);
    loop_get_stats(s.l, &stats);
    assert_int_equal(stats.longest_step_ns, 9 * NS_PER_MS);
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

static void an_old_kernel_is_asked_in_milliseconds_rounded_up(void **state)
{
    int64_t late_ns;
    (void)state;
    is_old_kernel = true;

    uint64_t n_turns = turns_of_a_real_wait(&late_ns);

    is_old_kernel = false;
    assert_true(late_ns >= 0);
    assert_in_range(n_turns, 1, 4);
}

/* --- wake-ups and signals -------------------------------------------------------------- */

static void on_wake(void *arg)
{
    struct seen *s = arg;

    s->n++;
}

static void *signal_from_thread(void *arg)
{
    struct seen *s = arg;

    s->order[0] = 17; /* published by the signal */
    loop_wakeup_signal(s->wakeup);
    return NULL;
}

static void a_thread_wakes_the_waiting_loop(void **state)
{
    struct loop *l = open_loop();
    struct seen s = { 0 };
    pthread_t thread;
    (void)state;
    assert_int_equal(loop_wakeup_open(l, on_wake, &s, &s.wakeup), OK);

    assert_int_equal(pthread_create(&thread, NULL, signal_from_thread, &s), 0);
    while (s.n == 0)
        loop_turn(l, DEADLINE_NEVER);
    int published = s.order[0];
    assert_int_equal(pthread_join(thread, NULL), 0);

    assert_int_equal(s.n, 1);
    assert_int_equal(published, 17);
    loop_wakeup_close(s.wakeup);
    loop_close(l);
}

static void many_signals_before_a_turn_are_one_call(void **state)
{
    struct loop *l = open_loop();
    struct seen s = { 0 };
    uint64_t one = 1;
    (void)state;
    assert_int_equal(loop_wakeup_open(l, on_wake, &s, &s.wakeup), OK);

    for (int i = 0; i < 100; i++)
        loop_wakeup_signal(s.wakeup);
    assert_int_equal(write(loop_wakeup_fd(s.wakeup), &one, 8),
                     8); /* as a child would */
    loop_turn(l, 0);
    loop_turn(l, 0);
    int after_the_first = s.n;
    loop_wakeup_signal(s.wakeup);
    loop_turn(l, 0);

    assert_int_equal(after_the_first, 1);
    assert_int_equal(s.n, 2);
    loop_wakeup_close(s.wakeup);
    loop_close(l);
}

static void on_wake_close(void *arg)
{
    struct seen *s = arg;

    s->n++;
    loop_wakeup_close(s->wakeup);
    s->wakeup = NULL;
}

static void a_wakeup_may_close_itself(void **state)
{
    struct loop *l = open_loop();
    struct seen s = { 0 };
    (void)state;
    assert_int_equal(loop_wakeup_open(l, on_wake_close, &s, &s.wakeup), OK);

    loop_wakeup_signal(s.wakeup);
    loop_turn(l, 0);
    loop_turn(l, 0);

    assert_int_equal(s.n, 1);
    loop_close(l);
}

enum {
    N_SIGNALS_A_THREAD = 20000,
};

struct counter {
    _Atomic int n_sent;
    struct loop_wakeup *wakeup;
    int n_seen;
};

static void *count_and_signal(void *arg)
{
    struct counter *c = arg;

    for (int i = 0; i < N_SIGNALS_A_THREAD; i++) {
        c->n_sent++;
        loop_wakeup_signal(c->wakeup);
    }
    return NULL;
}

static void on_count(void *arg)
{
    struct counter *c = arg;

    c->n_seen = c->n_sent;
}

static void no_wakeup_is_lost_between_two_threads(void **state)
{
    struct loop *l = open_loop();
    struct counter c = { 0 };
    pthread_t threads[2];
    (void)state;
    assert_int_equal(loop_wakeup_open(l, on_count, &c, &c.wakeup), OK);
    for (int i = 0; i < 2; i++)
        assert_int_equal(pthread_create(&threads[i], NULL, count_and_signal, &c), 0);

    /* Hangs here when the last signal gets lost. */
    while (c.n_seen < 2 * N_SIGNALS_A_THREAD)
        loop_turn(l, DEADLINE_NEVER);

    for (int i = 0; i < 2; i++)
        assert_int_equal(pthread_join(threads[i], NULL), 0);
    loop_wakeup_close(c.wakeup);
    loop_close(l);
}

static void on_signal(void *arg, int signo)
{
    struct seen *s = arg;

    s->order[s->n++] = signo;
}

static void signals_arrive_on_the_loop(void **state)
{
    struct loop *l = open_loop();
    struct seen s = { 0 };
    sigset_t set, now;
    (void)state;
    sigemptyset(&set);
    sigaddset(&set, SIGUSR1);
    sigaddset(&set, SIGUSR2);
    assert_int_equal(loop_signals(l, &set, on_signal, &s), OK);

    raise(SIGUSR1);
    raise(SIGUSR2);
    loop_turn(l, 0);
    loop_turn(l, 0);
    raise(SIGUSR1); /* nobody looks any more; must not kill us at the close */
    loop_close(l);

    assert_int_equal(s.n, 2);
    assert_int_equal(s.order[0] + s.order[1], SIGUSR1 + SIGUSR2);
    assert_int_equal(pthread_sigmask(SIG_BLOCK, NULL, &now), 0);
    assert_false(sigismember(&now, SIGUSR1));
}

static void on_interrupt(int signo)
{
    (void)signo;
}

static void *interrupt(void *arg)
{
    struct seen *s = arg;
    pthread_t main_thread;

    memcpy(&main_thread, s->order, sizeof(main_thread));
    usleep(3000);
    pthread_kill(main_thread, SIGUSR2);
    return NULL;
}

static void an_interrupted_wait_is_an_empty_turn(void **state)
{
    struct loop *l = open_loop();
    struct sigaction act = { .sa_handler = on_interrupt }, old;
    struct loop_stats stats;
    struct seen s = { 0 };
    pthread_t thread, self = pthread_self();
    (void)state;
    memcpy(s.order, &self, sizeof(self));
    assert_int_equal(sigaction(SIGUSR2, &act, &old), 0);
    assert_int_equal(pthread_create(&thread, NULL, interrupt, &s), 0);

    loop_turn(l, DEADLINE_NEVER);

    loop_get_stats(l, &stats);
    assert_int_equal(stats.turns, 1);
    assert_int_equal(stats.events, 0);
    assert_int_equal(pthread_join(thread, NULL), 0);
    assert_int_equal(sigaction(SIGUSR2, &old, NULL), 0);
    loop_close(l);
}

static size_t count_descriptors(void)
{
    size_t n = 0;

    for (int fd = 0; fd < 1024; fd++)
        n += fcntl(fd, F_GETFD) >= 0;
    return n;
}

static void closing_leaves_no_descriptor_behind(void **state)
{
    struct seen s = { 0 };
    sigset_t set;
    (void)state;
    sigemptyset(&set);
    sigaddset(&set, SIGUSR1);
    size_t before = count_descriptors();

    struct loop *l = open_loop();
    assert_int_equal(loop_wakeup_open(l, on_wake, &s, &s.wakeup), OK);
    assert_int_equal(loop_signals(l, &set, on_signal, &s), OK);
    loop_wakeup_close(s.wakeup);
    loop_close(l);
    loop_close(NULL);
    loop_wakeup_close(NULL);

    assert_int_equal(count_descriptors(), before);
}

static int stop_fake_clock(void **state)
{
    (void)state;
    clock_fake_stop();
    return 0;
}

#define TEST(fn) cmocka_unit_test_teardown(fn, stop_fake_clock)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(a_readable_descriptor_calls_back_until_read),
        TEST(what_is_waited_for_can_change),
        TEST(hang_up_reaches_who_waits_for_nothing),
        TEST(an_unwatched_descriptor_is_silent),
        TEST(refusals_are_errors),
        TEST(an_event_queued_for_a_removed_watch_is_skipped),
        TEST(an_event_of_an_old_descriptor_does_not_reach_its_successor),
        TEST(a_forgotten_watch_does_not_harm_the_next_owner_of_its_number),
        TEST(more_ready_descriptors_than_a_batch_are_served_in_one_turn),
        TEST(timers_fire_by_moment_and_ties_by_order),
        TEST(a_timer_can_be_moved_and_cleared),
        TEST(what_a_timer_sets_for_the_past_fires_in_the_next_turn),
        TEST(a_timer_cleared_by_another_in_its_turn_does_not_fire),
        TEST(after_a_stall_the_answer_wins_over_its_time_out),
        TEST(time_stands_still_within_a_turn),
        TEST(the_fake_clock_jumps_to_the_earliest_of_timer_and_deadline),
        TEST(the_fake_clock_stays_while_descriptors_are_ready),
        TEST(a_real_wait_is_neither_early_nor_a_spin),
        TEST(an_old_kernel_is_asked_in_milliseconds_rounded_up),
        TEST(a_thread_wakes_the_waiting_loop),
        TEST(many_signals_before_a_turn_are_one_call),
        TEST(a_wakeup_may_close_itself),
        TEST(no_wakeup_is_lost_between_two_threads),
        TEST(signals_arrive_on_the_loop),
        TEST(an_interrupted_wait_is_an_empty_turn),
        TEST(closing_leaves_no_descriptor_behind),
    };

    return cmocka_run_group_tests_name("fetch/loop", tests, NULL, NULL);
}
