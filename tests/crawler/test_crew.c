/* SPDX-License-Identifier: MIT */
/* Parser processes as a group: killed from outside, without their zygote, unable to start. */
#include <errno.h>
#include <poll.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <sys/epoll.h>
#include <sys/pidfd.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <cmocka.h>

#include "config/clock.h"
#include "crawler/zygote.h"
#include "tests/kit/stage.h"

/* While it is not 0 it counts down the watches that the kernel grants; the last is refused. */
static int watches_left;

int epoll_ctl(int epoll_fd, int op, int fd, struct epoll_event *event)
{
    if (op == EPOLL_CTL_ADD && watches_left && --watches_left == 0) {
        errno = ENOSPC;
        return -1;
    }
    return (int)syscall(SYS_epoll_ctl, epoll_fd, op, fd, event);
}

struct two_said {
    struct said first, second;
    struct pool_stats stats;
    char detail[256];
};

static void kill_all_workers(struct stage *st)
{
    for (size_t i = 0; i < st->options.workers; i++) {
        int pid = pool_worker_pid(st->pool, i);

        if (pid)
            kill(pid, SIGKILL);
    }
}

/* Of a worker that is ready; the zygote's word about its id comes on another way. */
static int first_pid(const struct stage *st)
{
    while (!pool_worker_pid(st->pool, 0))
        (void)!coro_sleep_until(incoro_after_ms(2));
    return pool_worker_pid(st->pool, 0);
}

struct storm_seen {
    struct many many;
    struct pool_stats stats;
    size_t kills;
};

static intptr_t storm_scenario(void *arg)
{
    struct storm_seen *seen = arg;
    struct many *m = &seen->many;

    stage_init(&m->st, 2);
    stage_open(&m->st);
    for (size_t round = 0; round < 20; round++) {
        stage_submit_many(m, "echo", 90);
        stage_submit_many(m, "slow", 10);
        (void)!coro_sleep_until(incoro_after_ms(10));
        kill_all_workers(&m->st);
        seen->kills++;
        while (m->over < 100 * (round + 1))
            (void)!coro_sleep_until(incoro_after_ms(5));
    }
    seen->stats = stage_stats(&m->st);
    stage_close(&m->st);
    return 0;
}

static void two_thousand_jobs_survive_kill_9_of_every_worker(void **state)
{
    struct storm_seen seen = { 0 };

    (void)state;
    in_coroutine(storm_scenario, &seen);

    assert_int_equal(seen.many.over, 2000);
    assert_int_equal(seen.many.ok, 2000);
    assert_int_equal(seen.kills, 20);
    assert_int_equal(seen.stats.failed, 0);
    assert_true(seen.stats.died >= 20);
    assert_int_equal(seen.stats.queued, 0);
    assert_int_equal(seen.stats.in_work, 0);
}

struct ends_seen {
    struct said late, crashed;
};

static intptr_t ends_scenario(void *arg)
{
    struct ends_seen *seen = arg;
    struct stage st;

    stage_init(&st, 1);
    st.options.job_timeout_ms = 200;
    stage_open(&st);
    seen->late = stage_ask(&st, "stop"); /* without using its processor time */
    seen->crashed = stage_ask(&st, "crash");
    stage_close(&st);
    return 0;
}

static void each_end_is_told_as_what_it_is(void **state)
{
    struct ends_seen seen = { 0 };

    (void)state;
    in_coroutine(ends_scenario, &seen);

    assert_int_equal(seen.late.failure, POOL_TIMED_OUT);
    assert_int_equal(seen.crashed.failure, POOL_CRASHED);
}

/* ---- a zygote that does not answer, or cannot ---- */

struct silence_seen {
    struct pool_stats during, after;
    struct many many;
};

/* The worker's death is seen at once, how it died is never told. */
static intptr_t silence_scenario(void *arg)
{
    struct silence_seen *seen = arg;
    struct stage *st = &seen->many.st;
    struct pollfd worker;
    deadline until;

    stage_init(st, 1);
    stage_open(st);
    stage_await_workers(st);
    worker = (struct pollfd){ .fd = pidfd_open(first_pid(st), 0), .events = POLLIN };
    kill(zygote_pid(), SIGSTOP);
    (void)pidfd_send_signal(worker.fd, SIGKILL, NULL, 0);
    while (poll(&worker, 1, 0) == 0)
        (void)!coro_sleep_until(incoro_after_ms(2));
    (void)!coro_sleep_until(incoro_after_ms(2)); /* the pool sees it, too */
    close(worker.fd);
    stage_submit_many(&seen->many, "echo", 3);
    until = incoro_after_ms(STAGE_PATIENCE_MS);
    while (stage_stats(st).died < 1 && clock_now_ns() < until)
        (void)!coro_sleep_until(incoro_after_ms(5));
    seen->during = stage_stats(st);
    kill(zygote_pid(), SIGCONT);
    BUG_IF(pool_drain(st->pool, incoro_after_ms(STAGE_PATIENCE_MS)));
    seen->after = stage_stats(st);
    stage_close(st);
    return 0;
}

static void no_job_is_given_to_the_dead_nor_blamed_for_them(void **state)
{
    struct silence_seen seen = { 0 };

    (void)state;
    in_coroutine(silence_scenario, &seen);

    assert_int_equal(seen.during.died, 1);
    assert_int_equal(seen.during.queued, 3);
    assert_int_equal(seen.during.in_work, 0);
    assert_int_equal(seen.during.last_exit_code, -1);
    assert_int_equal(seen.during.last_signal, 0);
    assert_int_equal(seen.many.ok, 3);
    assert_int_equal(seen.after.retried, 0);
}

struct refusal_seen {
    struct said during, after;
};

/* With its table of descriptors full the zygote cannot take what an order brings. */
static intptr_t refusal_scenario(void *arg)
{
    struct refusal_seen *seen = arg;
    struct rlimit old, full;
    struct stage st;
    deadline until;

    stage_init(&st, 1);
    stage_open(&st);
    stage_await_workers(&st);
    BUG_IF(prlimit(zygote_pid(), RLIMIT_NOFILE, NULL, &old));
    full = (struct rlimit){ 5, old.rlim_max };
    BUG_IF(prlimit(zygote_pid(), RLIMIT_NOFILE, &full, NULL));
    kill(first_pid(&st), SIGKILL);
    (void)!coro_sleep_until(incoro_after_ms(100));
    seen->during = stage_ask(&st, "echo");
    BUG_IF(prlimit(zygote_pid(), RLIMIT_NOFILE, &old, NULL));
    until = incoro_after_ms(STAGE_PATIENCE_MS);
    while (stage_stats(&st).started < 2 && clock_now_ns() < until)
        (void)!coro_sleep_until(incoro_after_ms(5));
    seen->after = stage_ask(&st, "echo");
    stage_close(&st);
    return 0;
}

static void while_none_can_start_jobs_are_told_so(void **state)
{
    struct refusal_seen seen = { 0 };

    (void)state;
    in_coroutine(refusal_scenario, &seen);

    assert_int_equal(seen.during.e, OK);
    assert_int_equal(seen.during.failure, POOL_REFUSED);
    assert_non_null(strstr(seen.during.detail, "cannot fork: Bad file descriptor"));
    assert_int_equal(seen.after.failure, POOL_OK);
}

static intptr_t unwatched_scenario(void *arg)
{
    struct stage *st = arg;

    stage_init(st, 1);
    watches_left = 2; /* the zygote's, and the parser's */
    stage_open(st);
    stage_close(st);
    return 0;
}

static void open_says_when_a_worker_cannot_be_watched(void **state)
{
    struct stage st;

    (void)state;
    in_coroutine(unwatched_scenario, &st);

    assert_int_equal(st.opened, ERR_IO);
    assert_string_equal(st.note.text, "cannot watch a parser: No space left on device");
}

/* ---- deaths of those that do nothing ---- */

struct idle_seen {
    size_t n_workers, n_deaths;
    struct pool_stats stats;
    struct said after;
};

/* Kills the first worker so many times, each time when it is there again. */
static intptr_t idle_scenario(void *arg)
{
    struct idle_seen *seen = arg;
    deadline until;
    struct stage st;

    stage_init(&st, seen->n_workers);
    stage_open(&st);
    stage_await_workers(&st);
    until = incoro_after_ms(STAGE_PATIENCE_MS);
    for (size_t i = 1; i <= seen->n_deaths; i++) {
        kill(first_pid(&st), SIGKILL);
        while (stage_stats(&st).started < seen->n_workers + i && clock_now_ns() < until)
            (void)!coro_sleep_until(incoro_after_ms(2));
    }
    seen->after = stage_ask(&st, "echo");
    seen->stats = stage_stats(&st);
    stage_close(&st);
    return 0;
}

/* Five starts in a row that fail mean that none will succeed; deaths with successes between them do not. */
static void workers_that_die_idle_now_and_then_are_replaced_each_time(void **state)
{
    struct idle_seen seen = { .n_workers = 1, .n_deaths = 7 };

    (void)state;
    in_coroutine(idle_scenario, &seen);

    assert_int_equal(seen.after.failure, POOL_OK);
    assert_int_equal(seen.stats.died, 7);
    assert_int_equal(seen.stats.last_signal, SIGKILL);
}

static void of_many_workers_it_is_known_how_the_first_ended(void **state)
{
    struct idle_seen seen = { .n_workers = 20, .n_deaths = 1 };

    (void)state;
    in_coroutine(idle_scenario, &seen);

    assert_int_equal(seen.after.failure, POOL_OK);
    assert_int_equal(seen.stats.died, 1);
    assert_int_equal(seen.stats.last_signal, SIGKILL);
}

/* Some service managers start programs like this, and it is inherited. */
static void a_parent_that_ignores_its_children_knows_how_they_ended(void **state)
{
    struct idle_seen seen = { .n_workers = 1, .n_deaths = 1 };

    (void)state;
    zygote_stop();
    signal(SIGCHLD, SIG_IGN);
    in_coroutine(idle_scenario, &seen);
    zygote_stop();
    signal(SIGCHLD, SIG_DFL);

    assert_int_equal(seen.after.failure, POOL_OK);
    assert_int_equal(seen.stats.last_signal, SIGKILL);
}

struct orphan_seen {
    int n_ended;
    struct said after;
};

/* The loop does not run in between: nobody but the kernel can end the worker. */
static intptr_t orphan_scenario(void *arg)
{
    struct orphan_seen *seen = arg;
    struct pollfd worker = { .events = POLLIN };
    struct stage st;

    stage_init(&st, 1);
    stage_open(&st);
    stage_await_workers(&st);
    worker.fd = pidfd_open(first_pid(&st), 0);
    kill(zygote_pid(), SIGKILL);
    seen->n_ended = poll(&worker, 1, 20000);
    close(worker.fd);
    seen->after = stage_ask(&st, "echo");
    stage_close(&st);
    return 0;
}

static void a_worker_ends_with_the_zygote(void **state)
{
    struct orphan_seen seen = { 0 };

    (void)state;
    in_coroutine(orphan_scenario, &seen);

    assert_int_equal(seen.n_ended, 1);
    assert_int_equal(seen.after.failure, POOL_OK);
}

static intptr_t zygote_death_scenario(void *arg)
{
    struct two_said *seen = arg;
    struct stage st;
    pid_t before = zygote_pid();

    stage_init(&st, 2);
    stage_open(&st);
    seen->first = stage_ask(&st, "echo");
    kill(zygote_pid(), SIGKILL);
    for (int i = 0; i < 200 && zygote_pid() == before; i++)
        (void)!coro_sleep_until(incoro_after_ms(50));
    seen->second = stage_ask(&st, "echo");
    seen->stats.last_signal = zygote_pid() != before;
    stage_close(&st);
    return 0;
}

static void a_killed_zygote_is_started_again(void **state)
{
    struct two_said seen = { 0 };

    (void)state;
    in_coroutine(zygote_death_scenario, &seen);

    assert_int_equal(seen.first.failure, POOL_OK);
    assert_int_equal(seen.second.failure, POOL_OK);
    assert_true(seen.stats.last_signal);
}

static intptr_t interrupt_scenario(void *arg)
{
    struct two_said *seen = arg;
    int pid;
    struct stage st;

    stage_init(&st, 1);
    stage_open(&st);
    pid = pool_worker_pid(st.pool, 0);
    kill(pid, SIGINT);
    kill(pid, SIGTERM);
    kill(pid, SIGHUP);
    kill(zygote_pid(), SIGINT);
    kill(zygote_pid(), SIGTERM);
    (void)!coro_sleep_until(incoro_after_ms(50));
    seen->first = stage_ask(&st, "echo");
    seen->stats = stage_stats(&st);
    seen->second.n_bytes = pid == pool_worker_pid(st.pool, 0);
    stage_close(&st);
    return 0;
}

static void signals_of_the_terminal_do_not_reach_the_workers(void **state)
{
    struct two_said seen = { 0 };

    (void)state;
    in_coroutine(interrupt_scenario, &seen);

    assert_int_equal(seen.first.failure, POOL_OK);
    assert_int_equal(seen.stats.died, 0);
    assert_true(seen.second.n_bytes);
}

struct end_seen {
    enum err submitted, drained, again;
    size_t over_at_terminate, fds_before, fds_after;
    struct many many;
    enum pool_failure failure;
    int pids[4];
    bool is_any_left;
};

static intptr_t descriptors_scenario(void *arg)
{
    struct end_seen *seen = arg;
    struct stage st;

    for (int i = 0; i < 3; i++) {
        seen->fds_before = stage_count_fds(getpid());
        stage_init(&st, 2);
        stage_open(&st);
        (void)stage_ask(&st, "crash");
        (void)stage_ask(&st, "lie-enum");
        stage_close(&st);
        seen->fds_after = stage_count_fds(getpid());
    }
    return 0;
}

static void descriptors_are_all_given_back(void **state)
{
    struct end_seen seen = { 0 };

    (void)state;
    in_coroutine(descriptors_scenario, &seen);

    assert_int_equal(seen.fds_after, seen.fds_before);
}

static intptr_t no_start_scenario(void *arg)
{
    struct stage *st = arg;
    struct rlimit tiny = { 4096, 4096 }, old;

    stage_init(st, 2);
    prlimit(zygote_pid(), RLIMIT_AS, NULL, &old);
    tiny.rlim_max = old.rlim_max;
    prlimit(zygote_pid(), RLIMIT_AS, &tiny, NULL); /* what it forks can map nothing */
    stage_open(st);
    prlimit(zygote_pid(), RLIMIT_AS, &old, NULL);
    stage_close(st);
    return 0;
}

static void open_says_why_no_worker_can_start(void **state)
{
    struct stage st;

    (void)state;
    if (STAGE_IS_SANITIZED)
        skip();
    in_coroutine(no_start_scenario, &st);

    assert_int_equal(st.opened, ERR_REFUSED);
    assert_non_null(strstr(st.note.text, "a parser process cannot start"));
}

int main(int argc, char **argv)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(two_thousand_jobs_survive_kill_9_of_every_worker),
        cmocka_unit_test(each_end_is_told_as_what_it_is),
        cmocka_unit_test(no_job_is_given_to_the_dead_nor_blamed_for_them),
        cmocka_unit_test(while_none_can_start_jobs_are_told_so),
        cmocka_unit_test(open_says_when_a_worker_cannot_be_watched),
        cmocka_unit_test(workers_that_die_idle_now_and_then_are_replaced_each_time),
        cmocka_unit_test(of_many_workers_it_is_known_how_the_first_ended),
        cmocka_unit_test(a_parent_that_ignores_its_children_knows_how_they_ended),
        cmocka_unit_test(a_worker_ends_with_the_zygote),
        cmocka_unit_test(a_killed_zygote_is_started_again),
        cmocka_unit_test(signals_of_the_terminal_do_not_reach_the_workers),
        cmocka_unit_test(descriptors_are_all_given_back),
        cmocka_unit_test(open_says_why_no_worker_can_start),
    };
    int rc;

    if (stage_zygote(argc, argv, &rc))
        return rc;
    rc = cmocka_run_group_tests_name("crawler/crew", tests, NULL, NULL);
    zygote_stop();
    return rc;
}
