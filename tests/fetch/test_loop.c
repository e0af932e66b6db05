/* SPDX-License-Identifier: MIT */
#include <fcntl.h>
#include <pthread.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <sys/eventfd.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cmocka.h>

#include "config/clock.h"
#include "fetch/loop.h"
#include "tests/kit/incoro.h"

struct seen {
    int n;
    uint32_t events;
    int order[16];
    struct loop_wakeup *wakeup;
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
    close(fds[0]);
    close(fds[1]);
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
    close(fds[0]);
    close(fds[1]);
    loop_close(l);
}

static void who_waits_for_nothing_any_more_is_not_called(void **state)
{
    struct loop *l = open_loop();
    struct seen s = { 0 };
    int fd = open_readable();
    (void)state;
    loop_watch_id id = watch(l, fd, EPOLLIN, on_event, &s);

    loop_watch_change(l, id, 0);
    loop_turn(l, 0);

    assert_int_equal(s.n, 0);
    loop_unwatch(l, id);
    close(fd);
    loop_close(l);
}

static void a_descriptor_of_a_high_number_does_not_disturb_the_others(void **state)
{
    struct loop *l = open_loop();
    struct seen s = { 0 }, other = { 0 };
    int first = open_readable(), fd = open_readable(), high;
    (void)state;
    loop_watch_id first_id = watch(l, first, 0, on_event, &s), id = watch(l, fd, EPOLLIN, on_event, &s);

    high = fcntl(fd, F_DUPFD_CLOEXEC, 700);
    assert_true(high >= 700);
    loop_watch_id high_id = watch(l, high, EPOLLIN, on_event, &other);
    loop_watch_change(l, id, EPOLLOUT);
    loop_turn(l, 0);
    loop_unwatch(l, id);
    id = watch(l, fd, EPOLLIN, on_event, &s); /* the kernel had forgotten it */
    loop_unwatch(l, high_id);
    high_id = watch(l, high, EPOLLIN, on_event, &other);

    assert_int_equal(s.n, 1);
    assert_int_equal(s.events, EPOLLOUT);
    assert_int_equal(other.n, 1);
    loop_unwatch(l, first_id);
    loop_unwatch(l, id);
    loop_unwatch(l, high_id);
    close(first);
    close(fd);
    close(high);
    loop_close(l);
}

static void the_place_of_an_ended_watch_is_taken_and_no_other(void **state)
{
    struct loop *l = open_loop();
    struct seen s[5] = { 0 };
    loop_watch_id id[5];
    int fd[5];
    (void)state;
    for (int i = 0; i < 5; i++)
        fd[i] = open_readable();
    for (int i = 0; i < 3; i++)
        id[i] = watch(l, fd[i], EPOLLIN, on_event, &s[i]);

    loop_unwatch(l, id[1]);
    for (int i = 3; i < 5; i++)
        id[i] = watch(l, fd[i], EPOLLIN, on_event, &s[i]);
    loop_turn(l, 0);

    for (int i = 0; i < 5; i++)
        assert_int_equal(s[i].n, i != 1);
    for (int i = 0; i < 5; i++) {
        loop_unwatch(l, id[i]);
        close(fd[i]);
    }
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

static void on_signal(void *arg, int signo);

static void without_a_descriptor_no_signal_is_held_back(void **state)
{
    struct loop *l = open_loop(), *none = NULL;
    struct loop_wakeup *wakeup = NULL;
    struct rlimit old, low;
    struct err_note note;
    sigset_t set, now;
    int fd = dup(0);
    enum err e[3];
    (void)state;
    sigemptyset(&set);
    sigaddset(&set, SIGUSR2);
    close(fd);
    assert_int_equal(getrlimit(RLIMIT_NOFILE, &old), 0);
    low = (struct rlimit){ (rlim_t)fd, old.rlim_max };

    assert_int_equal(setrlimit(RLIMIT_NOFILE, &low), 0);
    e[0] = loop_signals(l, &set, on_signal, NULL);
    e[1] = loop_wakeup_open(l, NULL, NULL, &wakeup);
    e[2] = loop_open(&none, &note);
    assert_int_equal(setrlimit(RLIMIT_NOFILE, &old), 0);

    assert_int_equal(e[0], ERR_IO);
    assert_int_equal(e[1], ERR_IO);
    assert_int_equal(e[2], ERR_IO);
    assert_int_equal(pthread_sigmask(SIG_BLOCK, NULL, &now), 0);
    assert_false(sigismember(&now, SIGUSR2));
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

static void on_slow_event(void *arg, uint32_t events)
{
    on_event(arg, events);
    clock_fake_advance(NS_PER_MS);
}

static void slow_descriptors_take_turns_with_the_rest(void **state)
{
    enum {
        N = 64,
    };

    int fds[N];
    loop_watch_id ids[N];
    struct seen s[N] = { 0 };
    struct loop *l = open_loop();
    struct loop_stats before, after;
    size_t n_served = 0;

    (void)state;
    for (int i = 0; i < N; i++) {
        fds[i] = open_readable();
        ids[i] = watch(l, fds[i], EPOLLIN, on_slow_event, &s[i]);
    }

    loop_turn(l, 0);
    for (int i = 0; i < N; i++)
        n_served += s[i].n > 0;
    assert_in_range(n_served, 1, 32); /* how long they take was not known */
    for (int turn = 1; turn < N / 8; turn++) {
        loop_get_stats(l, &before);
        loop_turn(l, 0);
        loop_get_stats(l, &after);
        assert_in_range(after.events - before.events, 1, turn == 1 ? 16 : 8);
    }
    for (int i = 0; i < N; i++) {
        assert_true(s[i].n > 0);
        loop_unwatch(l, ids[i]);
        close(fds[i]);
    }
    loop_close(l);
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
    (void)state;
    assert_int_equal(loop_wakeup_open(l, on_wake, &s, &s.wakeup), OK);

    for (int i = 0; i < 100; i++)
        loop_wakeup_signal(s.wakeup);
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

static void on_wake_signal_again(void *arg)
{
    struct seen *s = arg;

    if (s->n++ == 0)
        loop_wakeup_signal(s->wakeup);
}

static void a_signal_during_the_call_gives_another_call(void **state)
{
    struct loop *l = open_loop();
    struct seen s = { 0 };
    (void)state;
    assert_int_equal(loop_wakeup_open(l, on_wake_signal_again, &s, &s.wakeup), OK);

    loop_wakeup_signal(s.wakeup);
    for (int i = 0; i < 4; i++)
        loop_turn(l, 0);

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
    const pthread_t *main_thread = arg;

    usleep(3000);
    pthread_kill(*main_thread, SIGUSR2);
    return NULL;
}

static void an_interrupted_wait_is_an_empty_turn(void **state)
{
    struct loop *l = open_loop();
    struct sigaction act = { .sa_handler = on_interrupt }, old;
    struct loop_stats stats;
    pthread_t thread, self = pthread_self();
    (void)state;
    assert_int_equal(sigaction(SIGUSR2, &act, &old), 0);
    assert_int_equal(pthread_create(&thread, NULL, interrupt, &self), 0);

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

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_readable_descriptor_calls_back_until_read),
        cmocka_unit_test(what_is_waited_for_can_change),
        cmocka_unit_test(who_waits_for_nothing_any_more_is_not_called),
        cmocka_unit_test(a_descriptor_of_a_high_number_does_not_disturb_the_others),
        cmocka_unit_test(the_place_of_an_ended_watch_is_taken_and_no_other),
        cmocka_unit_test(hang_up_reaches_who_waits_for_nothing),
        cmocka_unit_test(an_unwatched_descriptor_is_silent),
        cmocka_unit_test(refusals_are_errors),
        cmocka_unit_test(without_a_descriptor_no_signal_is_held_back),
        cmocka_unit_test(an_event_queued_for_a_removed_watch_is_skipped),
        cmocka_unit_test(an_event_of_an_old_descriptor_does_not_reach_its_successor),
        cmocka_unit_test(a_forgotten_watch_does_not_harm_the_next_owner_of_its_number),
        cmocka_unit_test_setup_teardown(more_ready_descriptors_than_a_batch_are_served_in_one_turn,
                                        incoro_start_clock, incoro_stop_clock),
        cmocka_unit_test_setup_teardown(slow_descriptors_take_turns_with_the_rest, incoro_start_clock,
                                        incoro_stop_clock),
        cmocka_unit_test(a_thread_wakes_the_waiting_loop),
        cmocka_unit_test(many_signals_before_a_turn_are_one_call),
        cmocka_unit_test(a_signal_during_the_call_gives_another_call),
        cmocka_unit_test(a_wakeup_may_close_itself),
        cmocka_unit_test(no_wakeup_is_lost_between_two_threads),
        cmocka_unit_test(signals_arrive_on_the_loop),
        cmocka_unit_test(an_interrupted_wait_is_an_empty_turn),
        cmocka_unit_test(closing_leaves_no_descriptor_behind),
    };

    return cmocka_run_group_tests_name("fetch/loop", tests, NULL, NULL);
}
