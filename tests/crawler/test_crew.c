/* SPDX-License-Identifier: MIT */
/* Parser processes as a group: killed from outside, without their zygote, unable to start. */
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <sys/resource.h>
#include <unistd.h>

#include <cmocka.h>

#include "crawler/zygote.h"
#include "tests/kit/stage.h"

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
