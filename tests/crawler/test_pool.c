/* SPDX-License-Identifier: MIT */
/*
 * The parser pool against real processes: this binary is its own zygote. Every
 * scenario runs in a coroutine and records what it saw; assertions follow on
 * the main stack.
 */
#include <dirent.h>
#include <errno.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <sys/resource.h>
#include <unistd.h>

#include <cmocka.h>

#include "config/clock.h"
#include "config/mem.h"
#include "crawler/pool.h"
#include "crawler/zygote.h"
#include "tests/kit/incoro.h"

#ifdef __SANITIZE_ADDRESS__
#    define IS_SANITIZED true
#else
#    define IS_SANITIZED false
#endif

#define PATIENCE_MS 60000

/* ---- kit ---- */

struct stage {
    struct pool_options options;
    struct bodies *bodies;
    struct pool *pool;
    struct err_note note;
    enum err opened;
};

/* What became of one job. */
struct said {
    enum err e;
    enum pool_failure failure;
    char detail[256];
    char bytes[256];
    size_t n_bytes;
};

static void stage_init(struct stage *st, size_t workers)
{
    *st = (struct stage){ .options = { .workers = workers,
                                       .window = 8,
                                       .job_timeout_ms = 5000,
                                       .worker_memory_bytes = 256 << 20,
                                       .recycle_after_jobs = 20000,
                                       .may_misbehave = true } };
}

static void stage_open(struct stage *st)
{
    BUG_IF(bodies_open(64 << 20, &st->bodies, &st->note));
    st->opened =
        pool_open(incoro_sched(), &st->options, st->bodies, &st->pool, &st->note);
}

static void stage_close(struct stage *st)
{
    if (!st->opened) {
        pool_close(st->pool);
        BUG_IF(pool_drain(st->pool, incoro_after_ms(PATIENCE_MS)));
        pool_free(st->pool);
    }
    BUG_IF(bodies_used(st->bodies));
    bodies_close(st->bodies);
}

static struct job command(const char *name)
{
    return (struct job){ .kind = JOB_MISBEHAVE,
                         .url = SPAN("http://example.org/"),
                         .command = span_str(name),
                         .max_links = 100,
                         .max_decoded_bytes = 10 << 20,
                         .max_text_bytes = 1 << 20 };
}

static void note_result(struct pool_job *j, struct said *out)
{
    struct span detail = SPAN_NONE;

    out->failure = pool_job_failure(j, &detail);
    snprintf(out->detail, sizeof out->detail, "%.*s", SPAN_ARG(detail));
    if (out->failure == POOL_OK) {
        struct span bytes = pool_job_answer(j)->bytes;

        out->n_bytes = bytes.len;
        snprintf(out->bytes, sizeof out->bytes, "%.*s",
                 SPAN_ARG(span_slice(bytes, 0, MIN(bytes.len, 255))));
    }
    pool_job_free(j);
}

/* Runs one job to its end. */
static struct said ask_job(struct stage *st, const struct job *job)
{
    struct said said = { .failure = POOL_REFUSED };
    struct pool_job *j;

    said.e = pool_run(st->pool, job, NULL, incoro_after_ms(PATIENCE_MS), &j);
    if (!said.e)
        note_result(j, &said);
    return said;
}

static struct said ask(struct stage *st, const char *name)
{
    struct job job = command(name);

    job.inline_body = SPAN("hello");
    return ask_job(st, &job);
}

static struct pool_stats stats_of(const struct stage *st)
{
    struct pool_stats s;

    pool_get_stats(st->pool, &s);
    return s;
}

/* Waits until every worker has a process again. */
static void await_workers(struct stage *st)
{
    deadline until = incoro_after_ms(PATIENCE_MS);

    for (;;) {
        size_t n = 0;

        for (size_t i = 0; i < st->options.workers; i++)
            n += pool_worker_pid(st->pool, i) != 0;
        if (n == st->options.workers || clock_now_ns() > until)
            return;
        (void)!coro_sleep_until(incoro_after_ms(2));
    }
}

static size_t read_proc(int pid, const char *what, char *out, size_t n)
{
    char path[64];
    FILE *f;
    size_t got;

    snprintf(path, sizeof path, "/proc/%d/%s", pid, what);
    f = fopen(path, "re");
    if (!f)
        return 0;
    got = fread(out, 1, n - 1, f);
    fclose(f);
    out[got] = '\0';
    return got;
}

static size_t count_fds(int pid)
{
    char path[64];
    struct dirent *d;
    size_t n = 0;
    DIR *dir;

    snprintf(path, sizeof path, "/proc/%d/fd", pid);
    dir = opendir(path);
    if (!dir)
        return 0;
    while ((d = readdir(dir)) != NULL)
        n += d->d_name[0] != '.';
    closedir(dir);
    return n;
}

/* ---- jobs and answers ---- */

struct echo_seen {
    struct said small, none, large;
    struct pool_stats stats;
};

static intptr_t echo_scenario(void *arg)
{
    struct echo_seen *seen = arg;
    struct stage st;
    struct job job = command("echo");
    char *large = mem_alloc(3 << 20);

    memset(large, 'x', 3 << 20);
    stage_init(&st, 1);
    stage_open(&st);
    seen->small = ask(&st, "echo");
    seen->none = ask_job(&st, &job);
    job.inline_body = span_make(large, 3 << 20);
    seen->large = ask_job(&st, &job);
    seen->stats = stats_of(&st);
    stage_close(&st);
    mem_free(large);
    return 0;
}

static void a_job_comes_back_with_its_answer(void **state)
{
    struct echo_seen seen = { 0 };

    (void)state;
    in_coroutine(echo_scenario, &seen);

    assert_int_equal(seen.small.failure, POOL_OK);
    assert_string_equal(seen.small.bytes, "hello");
    assert_int_equal(seen.none.failure, POOL_OK);
    assert_int_equal(seen.none.n_bytes, 0);
    assert_int_equal(seen.stats.jobs, 3);
    assert_int_equal(seen.stats.failed, 0);
}

static void a_large_inline_body_travels_through_the_region(void **state)
{
    struct echo_seen seen = { 0 };

    (void)state;
    in_coroutine(echo_scenario, &seen);

    assert_int_equal(seen.large.failure, POOL_OK);
    assert_int_equal(seen.large.n_bytes, 3 << 20);
}

struct many {
    struct stage st;
    size_t over, ok, wrong;
    bool is_on_loop;
};

static void on_many_done(void *arg, struct pool_job *j)
{
    struct many *m = arg;

    m->over++;
    m->is_on_loop = coro_current() == NULL;
    if (pool_job_failure(j, NULL) == POOL_OK) {
        m->ok++;
        m->wrong += !span_eq(pool_job_answer(j)->bytes, SPAN("payload"));
    }
    pool_job_free(j);
}

static void submit_many(struct many *m, const char *name, size_t n)
{
    struct job job = command(name);

    job.inline_body = SPAN("payload");
    for (size_t i = 0; i < n; i++) {
        struct pool_job *j;

        BUG_IF(pool_submit(m->st.pool, &job, on_many_done, m, &j));
    }
}

static intptr_t many_scenario(void *arg)
{
    struct many *m = arg;

    stage_init(&m->st, 2);
    stage_open(&m->st);
    submit_many(m, "echo", 5000);
    stage_close(&m->st);
    return 0;
}

static void five_thousand_jobs_at_once_are_all_answered(void **state)
{
    struct many m = { 0 };

    (void)state;
    in_coroutine(many_scenario, &m);

    assert_int_equal(m.over, 5000);
    assert_int_equal(m.ok, 5000);
    assert_int_equal(m.wrong, 0);
}

static void callbacks_run_on_the_loop(void **state)
{
    struct many m = { 0 };

    (void)state;
    in_coroutine(many_scenario, &m);

    assert_true(m.is_on_loop);
}

struct spread_seen {
    struct said first, second;
};

static intptr_t spread_scenario(void *arg)
{
    struct spread_seen *seen = arg;
    struct job job = command("slow"), who = command("who");
    struct pool_job *a, *b;
    struct stage st;

    stage_init(&st, 2);
    stage_open(&st);
    (void)!coro_sleep_until(incoro_after_ms(200)); /* both are there */
    BUG_IF(pool_submit(st.pool, &job, NULL, NULL, &a));
    BUG_IF(pool_submit(st.pool, &who, NULL, NULL, &b));
    BUG_IF(pool_job_wait(b, incoro_after_ms(PATIENCE_MS)));
    seen->first.e = pool_job_is_ready(a) ? OK : ERR_TIMEOUT;
    note_result(b, &seen->second);
    BUG_IF(pool_job_wait(a, incoro_after_ms(PATIENCE_MS)));
    pool_job_free(a);
    stage_close(&st);
    return 0;
}

static void the_least_loaded_worker_gets_the_job(void **state)
{
    struct spread_seen seen = { 0 };

    (void)state;
    in_coroutine(spread_scenario, &seen);

    assert_int_equal(seen.first.e, ERR_TIMEOUT);
    assert_non_null(strstr(seen.second.bytes, "parser 2"));
}

/* ---- the kinds of job, end to end ---- */

struct kinds_seen {
    enum pool_failure page, robots, sitemap, unpack;
    size_t n_links, n_rules, n_entries;
    char title[64], link[64], rule[64], loc[64];
    bool is_body_back;
    struct said text;
};

static const char a_page[] =
    "<!DOCTYPE html><title>One</title><a href='/two?q=1'>Two</a>";

static intptr_t kinds_scenario(void *arg)
{
    struct kinds_seen *seen = arg;
    struct job page = { .kind = JOB_PAGE,
                        .url = SPAN("http://example.org/one"),
                        .content_type = SPAN("text/html; charset=utf-8"),
                        .inline_body = span_str(a_page),
                        .max_decoded_bytes = 1 << 20,
                        .max_text_bytes = 1 << 20,
                        .max_links = 100,
                        .wants_text = true,
                        .wants_body = true };
    struct job other = page;
    struct pool_job *j;
    struct stage st;

    stage_init(&st, 1);
    stage_open(&st);

    BUG_IF(pool_run(st.pool, &page, NULL, DEADLINE_NEVER, &j));
    seen->page = pool_job_failure(j, NULL);
    if (seen->page == POOL_OK) {
        const struct page_facts *f = &pool_job_answer(j)->page;
        struct pool_job *k;

        seen->n_links = f->n_links;
        snprintf(seen->title, sizeof seen->title, "%.*s", SPAN_ARG(f->title));
        if (f->n_links)
            snprintf(seen->link, sizeof seen->link, "%.*s", SPAN_ARG(f->links[0].url));
        other.kind = JOB_UNPACK;
        other.inline_body = f->body;
        BUG_IF(pool_run(st.pool, &other, NULL, DEADLINE_NEVER, &k));
        seen->unpack = pool_job_failure(k, NULL);
        seen->is_body_back = seen->unpack == POOL_OK &&
                             span_eq(pool_job_answer(k)->bytes, span_str(a_page));
        pool_job_free(k);
    }
    pool_job_free(j);

    other.kind = JOB_ROBOTS;
    other.product_token = SPAN("crawl");
    other.inline_body = SPAN("User-agent: *\nDisallow: /x\nSitemap: /s.xml\n");
    BUG_IF(pool_run(st.pool, &other, NULL, DEADLINE_NEVER, &j));
    seen->robots = pool_job_failure(j, NULL);
    if (seen->robots == POOL_OK && pool_job_answer(j)->robots.n_rules) {
        seen->n_rules = pool_job_answer(j)->robots.n_rules;
        snprintf(seen->rule, sizeof seen->rule, "%.*s",
                 SPAN_ARG(pool_job_answer(j)->robots.rules[0].pattern));
    }
    pool_job_free(j);

    other.kind = JOB_SITEMAP;
    other.inline_body =
        SPAN("<urlset><url><loc>http://example.org/three</loc></url></urlset>");
    BUG_IF(pool_run(st.pool, &other, NULL, DEADLINE_NEVER, &j));
    seen->sitemap = pool_job_failure(j, NULL);
    if (seen->sitemap == POOL_OK && pool_job_answer(j)->sitemap.n_urls) {
        seen->n_entries = pool_job_answer(j)->sitemap.n_urls;
        snprintf(seen->loc, sizeof seen->loc, "%.*s",
                 SPAN_ARG(pool_job_answer(j)->sitemap.urls[0].loc));
    }
    pool_job_free(j);
    stage_close(&st);
    return 0;
}

static void every_kind_of_job_is_answered_from_inside_the_sandbox(void **state)
{
    struct kinds_seen seen = { 0 };

    (void)state;
    in_coroutine(kinds_scenario, &seen);

    assert_int_equal(seen.page, POOL_OK);
    assert_string_equal(seen.title, "One");
    assert_int_equal(seen.n_links, 1);
    assert_string_equal(seen.link, "http://example.org/two?q=1");
    assert_int_equal(seen.unpack, POOL_OK);
    assert_true(seen.is_body_back);
    assert_int_equal(seen.robots, POOL_OK);
    assert_int_equal(seen.n_rules, 1);
    assert_string_equal(seen.rule, "/x");
    assert_int_equal(seen.sitemap, POOL_OK);
    assert_int_equal(seen.n_entries, 1);
    assert_string_equal(seen.loc, "http://example.org/three");
}

/* ---- misbehaviour: each costs one page and nothing else ---- */

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
    int64_t took_ms;
};

static intptr_t misdeed_scenario(void *arg)
{
    struct misdeed_seen *seen = arg;
    struct stage *st = &seen->beside.st;
    struct job job = command(seen->row->command);
    int64_t start;

    stage_init(st, 1);
    st->options.job_timeout_ms = 300;
    stage_open(st);
    job.kind = seen->row->kind;
    start = clock_now_ns();
    submit_many(&seen->beside, "echo", 10);
    seen->bad = ask_job(st, &job);
    submit_many(&seen->beside, "echo", 10);
    seen->after = ask(st, "echo");
    seen->took_ms = (clock_now_ns() - start) / NS_PER_MS;
    seen->stats = stats_of(st);
    stage_close(st);
    return 0;
}

static void misbehaviour_costs_one_page(void **state)
{
    struct misdeed_seen seen = { .row = *state };

    if (seen.row->is_sandbox && IS_SANITIZED)
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
    assert_true(seen.took_ms < 10000);
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
    seen->first = ask(&st, "make-writable");
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
    seen->first = ask(&st, "lie-count");
    seen->second = ask(&st, "echo");
    seen->stats = stats_of(&st);
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

static intptr_t fresh_scenario(void *arg)
{
    struct two_said *seen = arg;
    struct stage st;

    stage_init(&st, 1);
    stage_open(&st);
    seen->first = ask(&st, "echo");
    seen->second = ask(&st, "crash-unless-fresh");
    seen->stats = stats_of(&st);
    stage_close(&st);
    return 0;
}

static void the_second_try_runs_in_a_fresh_process(void **state)
{
    struct two_said seen = { 0 };

    (void)state;
    in_coroutine(fresh_scenario, &seen);

    assert_int_equal(seen.second.failure, POOL_OK);
    assert_non_null(strstr(seen.second.bytes, "job 1"));
    assert_int_equal(seen.stats.retried, 1);
    assert_int_equal(seen.stats.failed, 0);
}

static intptr_t last_words_scenario(void *arg)
{
    struct two_said *seen = arg;
    struct stage st;

    stage_init(&st, 1);
    stage_open(&st);
    seen->first = ask(&st, "answer-and-crash");
    seen->second = ask(&st, "echo");
    seen->stats = stats_of(&st);
    stage_close(&st);
    return 0;
}

static void an_answer_given_before_death_counts(void **state)
{
    struct two_said seen = { 0 };

    (void)state;
    in_coroutine(last_words_scenario, &seen);

    assert_int_equal(seen.first.failure, POOL_OK);
    assert_int_equal(seen.second.failure, POOL_OK);
    assert_int_equal(seen.stats.died, 1);
}

static intptr_t not_enabled_scenario(void *arg)
{
    struct two_said *seen = arg;
    struct stage st;

    stage_init(&st, 1);
    st.options.may_misbehave = false;
    stage_open(&st);
    seen->first = ask(&st, "crash");
    seen->stats = stats_of(&st);
    stage_close(&st);
    return 0;
}

static void misbehaviour_is_refused_unless_enabled(void **state)
{
    struct two_said seen = { 0 };

    (void)state;
    in_coroutine(not_enabled_scenario, &seen);

    assert_int_equal(seen.first.failure, POOL_REFUSED);
    assert_int_equal(seen.stats.died, 0);
}

static intptr_t recorded_scenario(void *arg)
{
    struct two_said *seen = arg;
    struct stage st;

    stage_init(&st, 1);
    stage_open(&st);
    seen->first = ask(&st, "exit");
    seen->stats = stats_of(&st);
    (void)ask(&st, "crash");
    seen->second.n_bytes = (size_t)stats_of(&st).last_signal;
    stage_close(&st);
    return 0;
}

static void exit_code_and_signal_are_recorded(void **state)
{
    struct two_said seen = { 0 };

    (void)state;
    in_coroutine(recorded_scenario, &seen);

    assert_int_equal(seen.stats.last_exit_code, 3);
    assert_int_equal(seen.stats.last_signal, 0);
    assert_int_equal(seen.second.n_bytes, SIGILL);
}

/* ---- killing from outside ---- */

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
        submit_many(m, "echo", 90);
        submit_many(m, "slow", 10);
        (void)!coro_sleep_until(incoro_after_ms(10));
        kill_all_workers(&m->st);
        seen->kills++;
        while (m->over < 100 * (round + 1))
            (void)!coro_sleep_until(incoro_after_ms(5));
    }
    seen->stats = stats_of(&m->st);
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
    seen->first = ask(&st, "echo");
    kill(zygote_pid(), SIGKILL);
    (void)!coro_sleep_until(incoro_after_ms(50));
    seen->second = ask(&st, "echo");
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
    seen->first = ask(&st, "echo");
    seen->stats = stats_of(&st);
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

/* ---- what a worker is ---- */

struct proc_seen {
    char comm[64], cmdline[128], zygote_cmdline[128], status[4096];
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
    (void)ask(&st, "echo");
    pid = pool_worker_pid(st.pool, 0);
    read_proc(pid, "comm", seen->comm, sizeof seen->comm);
    read_proc(pid, "cmdline", seen->cmdline, sizeof seen->cmdline);
    read_proc(zygote_pid(), "cmdline", seen->zygote_cmdline,
              sizeof seen->zygote_cmdline);
    read_proc(pid, "status", seen->status, sizeof seen->status);
    seen->n_fds = count_fds(pid);
    for (int i = 0; i < 4; i++) {
        char path[64];
        ssize_t n;

        snprintf(path, sizeof path, "/proc/%d/fd/%d", pid, i);
        n = readlink(path, seen->links[i], sizeof seen->links[i] - 1);
        seen->links[i][MAX(n, 0)] = '\0';
    }
    sandbox = stats_of(&st).sandbox;
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
    if (!IS_SANITIZED)
        assert_string_equal(seen.links[2], "/dev/null");
    assert_non_null(strstr(seen.links[3], "eventfd"));
}

static void a_worker_is_in_its_sandbox(void **state)
{
    struct proc_seen seen = { 0 };

    (void)state;
    if (IS_SANITIZED)
        skip();
    in_coroutine(proc_scenario, &seen);

    assert_non_null(strstr(seen.status, "Seccomp:\t2"));
    assert_non_null(strstr(seen.status, "NoNewPrivs:\t1"));
    assert_non_null(strstr(seen.sandbox, "seccomp"));
}

/* ---- opening, closing, ending ---- */

struct end_seen {
    enum err submitted, drained, again;
    size_t over_at_terminate, fds_before, fds_after;
    struct many many;
    enum pool_failure failure;
    int pids[4];
    bool is_any_left;
};

static intptr_t close_scenario(void *arg)
{
    struct end_seen *seen = arg;
    struct many *m = &seen->many;
    struct job job = command("echo");
    struct pool_job *j = NULL;

    stage_init(&m->st, 1);
    stage_open(&m->st);
    submit_many(m, "slow", 5);
    pool_close(m->st.pool);
    seen->submitted = pool_submit(m->st.pool, &job, NULL, NULL, &j);
    seen->drained = pool_drain(m->st.pool, incoro_after_ms(PATIENCE_MS));
    stage_close(&m->st);
    return 0;
}

static void a_closed_pool_takes_no_jobs_and_finishes_those_it_has(void **state)
{
    struct end_seen seen = { 0 };

    (void)state;
    in_coroutine(close_scenario, &seen);

    assert_int_equal(seen.submitted, ERR_CLOSED);
    assert_int_equal(seen.drained, OK);
    assert_int_equal(seen.many.ok, 5);
}

static intptr_t drain_timeout_scenario(void *arg)
{
    struct end_seen *seen = arg;
    struct many *m = &seen->many;

    stage_init(&m->st, 1);
    stage_open(&m->st);
    submit_many(m, "slow", 5);
    seen->drained = pool_drain(m->st.pool, incoro_after_ms(10));
    seen->again = pool_drain(m->st.pool, incoro_after_ms(PATIENCE_MS));
    stage_close(&m->st);
    return 0;
}

static void drain_gives_up_at_its_deadline(void **state)
{
    struct end_seen seen = { 0 };

    (void)state;
    in_coroutine(drain_timeout_scenario, &seen);

    assert_int_equal(seen.drained, ERR_TIMEOUT);
    assert_int_equal(seen.again, OK);
}

static intptr_t terminate_scenario(void *arg)
{
    struct end_seen *seen = arg;
    struct many *m = &seen->many;
    struct job job = command("hang");
    struct pool_job *j;

    stage_init(&m->st, 2);
    stage_open(&m->st);
    await_workers(&m->st);
    BUG_IF(pool_submit(m->st.pool, &job, NULL, NULL, &j));
    submit_many(m, "slow", 50);
    for (size_t i = 0; i < 2; i++)
        seen->pids[i] = pool_worker_pid(m->st.pool, i);
    pool_terminate(m->st.pool);
    BUG_IF(pool_job_wait(j, incoro_after_ms(PATIENCE_MS)));
    seen->failure = pool_job_failure(j, NULL);
    pool_job_free(j);
    stage_close(&m->st);
    for (size_t i = 0; i < 2; i++)
        seen->is_any_left |= kill(seen->pids[i], 0) == 0 || errno != ESRCH;
    return 0;
}

static void terminate_fails_what_is_left_at_once(void **state)
{
    struct end_seen seen = { 0 };

    (void)state;
    in_coroutine(terminate_scenario, &seen);

    assert_int_equal(seen.failure, POOL_REFUSED);
    assert_int_equal(seen.many.over, 50);
    assert_true(seen.many.ok < 50);
}

static void no_process_is_left_after_free(void **state)
{
    struct end_seen seen = { 0 };

    (void)state;
    in_coroutine(terminate_scenario, &seen);

    assert_int_not_equal(seen.pids[0], 0);
    assert_int_not_equal(seen.pids[1], 0);
    assert_false(seen.is_any_left);
}

static intptr_t descriptors_scenario(void *arg)
{
    struct end_seen *seen = arg;
    struct stage st;

    for (int i = 0; i < 3; i++) {
        seen->fds_before = count_fds(getpid());
        stage_init(&st, 2);
        stage_open(&st);
        (void)ask(&st, "crash");
        (void)ask(&st, "lie-enum");
        stage_close(&st);
        seen->fds_after = count_fds(getpid());
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
    if (IS_SANITIZED)
        skip();
    in_coroutine(no_start_scenario, &st);

    assert_int_equal(st.opened, ERR_REFUSED);
    assert_non_null(strstr(st.note.text, "a parser process cannot start"));
}

/* ---- abandoned jobs, recycling ---- */

struct abandon_seen {
    enum err e;
    size_t used_during, used_after;
    bool is_ref_empty;
    struct said after;
};

static intptr_t abandon_scenario(void *arg)
{
    struct abandon_seen *seen = arg;
    struct body_ref body = { 0 };
    struct job job = command("hang");
    struct pool_job *j;
    struct stage st;

    stage_init(&st, 1);
    st.options.job_timeout_ms = 200;
    stage_open(&st);
    BUG_IF(bodies_append(st.bodies, &body, SPAN("a body that must stay"), 4096));
    seen->e = pool_run(st.pool, &job, &body, incoro_after_ms(20), &j);
    seen->is_ref_empty = body.size_pages == 0;
    seen->used_during = bodies_used(st.bodies);
    seen->after = ask(&st, "echo");
    BUG_IF(pool_drain(st.pool, incoro_after_ms(PATIENCE_MS)));
    seen->used_after = bodies_used(st.bodies);
    stage_close(&st);
    return 0;
}

static void the_body_of_an_abandoned_job_stays_until_its_worker_is_gone(void **state)
{
    struct abandon_seen seen = { 0 };

    (void)state;
    in_coroutine(abandon_scenario, &seen);

    assert_int_equal(seen.e, ERR_TIMEOUT);
    assert_true(seen.is_ref_empty);
    assert_true(seen.used_during > 0);
    assert_int_equal(seen.used_after, 0);
    assert_int_equal(seen.after.failure, POOL_OK);
}

static intptr_t recycle_scenario(void *arg)
{
    struct storm_seen *seen = arg;
    struct many *m = &seen->many;

    stage_init(&m->st, 2);
    m->st.options.recycle_after_jobs = 10;
    stage_open(&m->st);
    submit_many(m, "echo", 200);
    BUG_IF(pool_drain(m->st.pool, incoro_after_ms(PATIENCE_MS)));
    seen->stats = stats_of(&m->st);
    stage_close(&m->st);
    return 0;
}

static void workers_are_recycled_without_losing_a_job(void **state)
{
    struct storm_seen seen = { 0 };

    (void)state;
    in_coroutine(recycle_scenario, &seen);

    assert_int_equal(seen.many.ok, 200);
    assert_true(seen.stats.recycled >= 8);
    assert_int_equal(seen.stats.died, 0);
    assert_int_equal(seen.stats.retried, 0);
}

static intptr_t window_one_scenario(void *arg)
{
    struct many *m = arg;

    stage_init(&m->st, 1);
    m->st.options.window = 1;
    stage_open(&m->st);
    submit_many(m, "echo", 100);
    stage_close(&m->st);
    return 0;
}

static void a_window_of_one_works(void **state)
{
    struct many m = { 0 };

    (void)state;
    in_coroutine(window_one_scenario, &m);

    assert_int_equal(m.ok, 100);
}

int main(int argc, char **argv)
{
    static const struct CMUnitTest plain[] = {
        cmocka_unit_test(a_job_comes_back_with_its_answer),
        cmocka_unit_test(a_large_inline_body_travels_through_the_region),
        cmocka_unit_test(five_thousand_jobs_at_once_are_all_answered),
        cmocka_unit_test(callbacks_run_on_the_loop),
        cmocka_unit_test(the_least_loaded_worker_gets_the_job),
        cmocka_unit_test(every_kind_of_job_is_answered_from_inside_the_sandbox),
        cmocka_unit_test(the_body_region_cannot_be_made_writable),
        cmocka_unit_test(answers_nobody_asked_for_end_the_liar_only),
        cmocka_unit_test(the_second_try_runs_in_a_fresh_process),
        cmocka_unit_test(an_answer_given_before_death_counts),
        cmocka_unit_test(misbehaviour_is_refused_unless_enabled),
        cmocka_unit_test(exit_code_and_signal_are_recorded),
        cmocka_unit_test(two_thousand_jobs_survive_kill_9_of_every_worker),
        cmocka_unit_test(a_killed_zygote_is_started_again),
        cmocka_unit_test(signals_of_the_terminal_do_not_reach_the_workers),
        cmocka_unit_test(workers_have_their_names_in_ps),
        cmocka_unit_test(a_worker_has_no_file_but_its_doorbell),
        cmocka_unit_test(a_worker_is_in_its_sandbox),
        cmocka_unit_test(a_closed_pool_takes_no_jobs_and_finishes_those_it_has),
        cmocka_unit_test(drain_gives_up_at_its_deadline),
        cmocka_unit_test(terminate_fails_what_is_left_at_once),
        cmocka_unit_test(no_process_is_left_after_free),
        cmocka_unit_test(descriptors_are_all_given_back),
        cmocka_unit_test(open_says_why_no_worker_can_start),
        cmocka_unit_test(the_body_of_an_abandoned_job_stays_until_its_worker_is_gone),
        cmocka_unit_test(workers_are_recycled_without_losing_a_job),
        cmocka_unit_test(a_window_of_one_works),
    };
    struct CMUnitTest tests[ARRAY_LEN(plain) + ARRAY_LEN(rows)];
    struct row copies[ARRAY_LEN(rows)];
    struct err_note note = { 0 };
    int rc;

    if (pool_zygote_main(argc, argv, &rc))
        return rc;
    if (pool_start_zygote(&note)) {
        fprintf(stderr, "%s\n", note.text);
        return 1;
    }
    memcpy(tests, plain, sizeof plain);
    memcpy(copies, rows, sizeof rows);
    for (size_t i = 0; i < ARRAY_LEN(rows); i++)
        tests[ARRAY_LEN(plain) + i] = (struct CMUnitTest){
            .name = rows[i].label,
            .test_func = misbehaviour_costs_one_page,
            .initial_state = &copies[i],
        };
    rc = cmocka_run_group_tests_name("crawler/pool", tests, NULL, NULL);
    zygote_stop();
    return rc;
}
