/* SPDX-License-Identifier: MIT */
/* One parser process: what it is, and that each misbehaviour costs one page and nothing else. */
#include <setjmp.h>
#include <stdarg.h>
#include <unistd.h>

#include <cmocka.h>

#include "config/clock.h"
#include "crawler/zygote.h"
#include "tests/kit/stage.h"

/* ---- misbehaviour ---- */

struct row {
    const char *label, *command;
    uint8_t kind;
    enum pool_failure want;
    const char *detail; /* part of it */
    bool is_sandbox;    /* needs seccomp and memory limits */
};

static const struct row rows[] = {
    { "a crash costs one page", "crash", JOB_MISBEHAVE, POOL_CRASHED, "signal 4",
      false },
    { "an exit costs one page", "exit", JOB_MISBEHAVE, POOL_CRASHED, "exit code 3",
      false },
    { "an exit with 0 is a death, too", "exit-clean", JOB_MISBEHAVE, POOL_CRASHED,
      "exit code 0", false },
    { "a hang costs one page", "hang", JOB_MISBEHAVE, POOL_TIMED_OUT, "within 300 ms",
      false },
    { "a stopped process costs one page", "stop", JOB_MISBEHAVE, POOL_TIMED_OUT,
      "within 300 ms", false },
    { "eating memory costs one page", "eat-memory", JOB_MISBEHAVE, POOL_OUT_OF_MEMORY,
      "bytes", true },
    { "opening a file is deadly", "open-file", JOB_MISBEHAVE, POOL_CRASHED, "signal 31",
      true },
    { "a socket is deadly", "socket", JOB_MISBEHAVE, POOL_CRASHED, "signal 31", true },
    { "a fork is deadly", "fork", JOB_MISBEHAVE, POOL_CRASHED, "signal 31", true },
    { "an exec is deadly", "exec", JOB_MISBEHAVE, POOL_CRASHED, "signal 31", true },
    { "ptrace is deadly", "ptrace", JOB_MISBEHAVE, POOL_CRASHED, "signal 31", true },
    { "killing the parent is deadly", "kill", JOB_MISBEHAVE, POOL_CRASHED, "signal 31",
      true },
    { "writing into others' pages is deadly", "write-region", JOB_MISBEHAVE,
      POOL_CRASHED, NULL, false },
    { "a wrong enum is a lie", "lie-enum", JOB_MISBEHAVE, POOL_LIED, "hold up", false },
    { "a wrong enum in a page is a lie", "lie-enum", JOB_PAGE, POOL_LIED, "hold up",
      false },
    { "a wrong enum in robots rules is a lie", "lie-enum", JOB_ROBOTS, POOL_LIED,
      "hold up", false },
    { "another version is a lie", "lie-version", JOB_PAGE, POOL_LIED, "hold up",
      false },
    { "another kind is a lie", "lie-kind", JOB_PAGE, POOL_LIED, "hold up", false },
    { "an answer to another job is a lie", "lie-order", JOB_PAGE, POOL_LIED, "hold up",
      false },
    { "text that is no UTF-8 is a lie", "lie-utf8", JOB_PAGE, POOL_LIED, "hold up",
      false },
    { "an answer cut short is a lie", "lie-cut", JOB_PAGE, POOL_LIED, "hold up",
      false },
    { "bytes behind the answer are a lie", "lie-longer", JOB_PAGE, POOL_LIED, "hold up",
      false },
    { "an answer outside the region is a lie", "lie-bounds", JOB_PAGE, POOL_LIED,
      "hold up", false },
    { "an answer beyond the region is a lie", "lie-huge", JOB_PAGE, POOL_LIED,
      "hold up", false },
    { "a region full of noise is a lie", "lie-noise", JOB_PAGE, POOL_LIED, "hold up",
      false },
};

struct misdeed_seen {
    const struct row *row;
    struct said bad, after;
    struct many beside;
    struct pool_stats stats;
};

static intptr_t misdeed_scenario(void *arg)
{
    struct misdeed_seen *seen = arg;
    struct stage *st = &seen->beside.st;
    struct job job = stage_command(seen->row->command);

    stage_init(st, 1);
    st->options.job_timeout_ms =
        seen->row->want == POOL_TIMED_OUT ? 300 : STAGE_PATIENCE_MS;
    stage_open(st);
    job.kind = seen->row->kind;
    stage_submit_many(&seen->beside, "echo", 10);
    seen->bad = stage_ask_job(st, &job);
    stage_submit_many(&seen->beside, "echo", 10);
    seen->after = stage_ask(st, "echo");
    seen->stats = stage_stats(st);
    stage_close(st);
    return 0;
}

static void misbehaviour_costs_one_page(void **state)
{
    struct misdeed_seen seen = { .row = *state };

    if (seen.row->is_sandbox && STAGE_IS_SANITIZED)
        skip();
    in_coroutine(misdeed_scenario, &seen);

    assert_int_equal(seen.bad.e, OK);
    assert_int_equal(seen.bad.failure, seen.row->want);
    if (seen.row->detail && !strstr(seen.bad.detail, seen.row->detail))
        fail_msg("detail is: %s", seen.bad.detail);
    assert_int_equal(seen.after.failure, POOL_OK);
    assert_int_equal(seen.beside.ok, 20);
    assert_int_equal(seen.stats.retried, 1);
    assert_int_equal(seen.stats.failed, 1);
    assert_int_equal(seen.stats.died + seen.stats.killed, 2);
}

/* Answers that were not taken yet are lost with the rest, so others may need a second try. */
static void scribbling_over_everything_shared_costs_one_page(void **state)
{
    static const struct row scribble = { "",        "scribble", JOB_PAGE,
                                         POOL_LIED, NULL,       false };
    struct misdeed_seen seen = { .row = &scribble };

    (void)state;
    in_coroutine(misdeed_scenario, &seen);

    assert_int_equal(seen.bad.failure, POOL_LIED);
    assert_int_equal(seen.after.failure, POOL_OK);
    assert_int_equal(seen.beside.ok, 20);
    assert_int_equal(seen.stats.failed, 1);
}

struct two_said {
    struct said first, second;
    struct pool_stats stats;
    char detail[256];
};

static intptr_t make_writable_scenario(void *arg)
{
    struct two_said *seen = arg;
    struct stage st;

    stage_init(&st, 1);
    stage_open(&st);
    seen->first = stage_ask(&st, "make-writable");
    stage_close(&st);
    return 0;
}

static void the_body_region_cannot_be_made_writable(void **state)
{
    struct two_said seen = { 0 };

    (void)state;
    in_coroutine(make_writable_scenario, &seen);

    assert_int_equal(seen.first.failure, POOL_OK);
    assert_string_equal(seen.first.bytes, "make-writable: EACCES");
}

static intptr_t lie_count_scenario(void *arg)
{
    struct two_said *seen = arg;
    struct stage st;

    stage_init(&st, 1);
    stage_open(&st);
    seen->first = stage_ask(&st, "lie-count");
    seen->second = stage_ask(&st, "echo");
    seen->stats = stage_stats(&st);
    stage_close(&st);
    return 0;
}

static void answers_nobody_asked_for_end_the_liar_only(void **state)
{
    struct two_said seen = { 0 };

    (void)state;
    in_coroutine(lie_count_scenario, &seen);

    /* The true answer may have been taken before the others came. */
    assert_true(seen.first.failure == POOL_LIED || seen.first.failure == POOL_OK);
    assert_int_equal(seen.second.failure, POOL_OK);
    assert_true(seen.stats.killed >= 1);
}

/* ---- what a parser is ---- */

struct proc_seen {
    char comm[64], cmdline[128], zygote_cmdline[128], status[4096], oom_score_adj[16];
    size_t n_fds;
    char links[4][64];
    char sandbox[256];
};

static intptr_t proc_scenario(void *arg)
{
    struct proc_seen *seen = arg;
    struct stage st;
    struct span sandbox;
    int pid;

    stage_init(&st, 1);
    stage_open(&st);
    (void)stage_ask(&st, "echo");
    while (!pool_worker_pid(st.pool,
                            0)) /* the zygote's word about it comes on another way */
        (void)!coro_sleep_until(incoro_after_ms(2));
    pid = pool_worker_pid(st.pool, 0);
    stage_read_proc(pid, "comm", seen->comm, sizeof seen->comm);
    stage_read_proc(pid, "cmdline", seen->cmdline, sizeof seen->cmdline);
    stage_read_proc(zygote_pid(), "cmdline", seen->zygote_cmdline,
                    sizeof seen->zygote_cmdline);
    stage_read_proc(pid, "status", seen->status, sizeof seen->status);
    stage_read_proc(pid, "oom_score_adj", seen->oom_score_adj, sizeof seen->oom_score_adj);
    seen->n_fds = stage_count_fds(pid);
    for (int i = 0; i < 4; i++) {
        char path[64];
        ssize_t n;

        snprintf(path, sizeof path, "/proc/%d/fd/%d", pid, i);
        n = readlink(path, seen->links[i], sizeof seen->links[i] - 1);
        seen->links[i][MAX(n, 0)] = '\0';
    }
    sandbox = stage_stats(&st).sandbox;
    snprintf(seen->sandbox, sizeof seen->sandbox, "%.*s", SPAN_ARG(sandbox));
    stage_close(&st);
    return 0;
}

static void workers_have_their_names_in_ps(void **state)
{
    struct proc_seen seen = { 0 };

    (void)state;
    in_coroutine(proc_scenario, &seen);

    assert_string_equal(seen.comm, "crawl: parser 1\n");
    assert_string_equal(seen.cmdline, "crawl: parser 1");
    assert_string_equal(seen.zygote_cmdline, "crawl: zygote");
}

static void a_worker_goes_first_when_the_machine_lacks_memory(void **state)
{
    struct proc_seen seen = { 0 };

    (void)state;
    in_coroutine(proc_scenario, &seen);

    assert_string_equal(seen.oom_score_adj, "500\n");
}

static void a_worker_has_no_file_but_its_doorbell(void **state)
{
    struct proc_seen seen = { 0 };

    (void)state;
    in_coroutine(proc_scenario, &seen);

    if (!seen.n_fds)
        skip(); /* not dumpable, so only root may look */
    assert_int_equal(seen.n_fds, 4);
    assert_string_equal(seen.links[0], "/dev/null");
    assert_string_equal(seen.links[1], "/dev/null");
    if (!STAGE_IS_SANITIZED)
        assert_string_equal(seen.links[2], "/dev/null");
    assert_non_null(strstr(seen.links[3], "eventfd"));
}

static void a_worker_is_in_its_sandbox(void **state)
{
    struct proc_seen seen = { 0 };

    (void)state;
    if (STAGE_IS_SANITIZED)
        skip();
    in_coroutine(proc_scenario, &seen);

    assert_non_null(strstr(seen.status, "Seccomp:\t2"));
    assert_non_null(strstr(seen.status, "NoNewPrivs:\t1"));
    assert_non_null(strstr(seen.sandbox, "seccomp"));
}

int main(int argc, char **argv)
{
    static const struct CMUnitTest plain[] = {
        cmocka_unit_test(scribbling_over_everything_shared_costs_one_page),
        cmocka_unit_test(the_body_region_cannot_be_made_writable),
        cmocka_unit_test(answers_nobody_asked_for_end_the_liar_only),
        cmocka_unit_test(workers_have_their_names_in_ps),
        cmocka_unit_test(a_worker_goes_first_when_the_machine_lacks_memory),
        cmocka_unit_test(a_worker_has_no_file_but_its_doorbell),
        cmocka_unit_test(a_worker_is_in_its_sandbox),
    };
    struct CMUnitTest tests[ARRAY_LEN(plain) + ARRAY_LEN(rows)];
    struct row copies[ARRAY_LEN(rows)];
    int rc;

    if (stage_zygote(argc, argv, &rc))
        return rc;
    memcpy(tests, plain, sizeof plain);
    memcpy(copies, rows, sizeof rows);
    for (size_t i = 0; i < ARRAY_LEN(rows); i++)
        tests[ARRAY_LEN(plain) + i] = (struct CMUnitTest){
            .name = rows[i].label,
            .test_func = misbehaviour_costs_one_page,
            .initial_state = &copies[i],
        };
    rc = cmocka_run_group_tests_name("crawler/parser", tests, NULL, NULL);
    zygote_stop();
    return rc;
}
