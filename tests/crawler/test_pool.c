/* SPDX-License-Identifier: MIT */
/* Jobs and their answers, second tries, closing and ending, against real processes. */
#include <errno.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>

#include <cmocka.h>

#include "config/mem.h"
#include "crawler/zygote.h"
#include "tests/kit/stage.h"

/* ---- jobs and answers ---- */

struct echo_seen {
    struct said small, none, large;
    struct pool_stats stats;
};

static intptr_t echo_scenario(void *arg)
{
    struct echo_seen *seen = arg;
    struct stage st;
    struct job job = stage_command("echo");
    char *large = mem_alloc(3 << 20);

    memset(large, 'x', 3 << 20);
    stage_init(&st, 1);
    stage_open(&st);
    seen->small = stage_ask(&st, "echo");
    seen->none = stage_ask_job(&st, &job);
    job.inline_body = span_make(large, 3 << 20);
    seen->large = stage_ask_job(&st, &job);
    seen->stats = stage_stats(&st);
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

struct bodies_seen {
    enum err e;
    struct said given, large;
};

static intptr_t bodies_scenario(void *arg)
{
    struct bodies_seen *seen = arg;
    struct body_ref first = { 0 }, second = { 0 };
    struct job job = stage_command("echo");
    char *large = mem_alloc(1 << 20);
    struct pool_job *j;
    struct stage st;

    memset(large, 'y', 1 << 20);
    stage_init(&st, 1);
    stage_open(&st);
    BUG_IF(bodies_append(st.bodies, &first, SPAN("the first body"), 4096));
    BUG_IF(bodies_append(st.bodies, &second, SPAN("the second body"), 4096));
    seen->e = pool_run(st.pool, &job, &second, incoro_after_ms(STAGE_PATIENCE_MS), &j);
    if (!seen->e)
        stage_take(j, &seen->given);
    job.inline_body = span_make(large, 1 << 20);
    seen->large = stage_ask_job(&st, &job);
    bodies_free(st.bodies, &first);
    bodies_free(st.bodies, &second);
    stage_close(&st);
    mem_free(large);
    return 0;
}

static void of_several_bodies_in_the_region_a_job_has_its_own(void **state)
{
    struct bodies_seen seen = { 0 };

    (void)state;
    in_coroutine(bodies_scenario, &seen);

    assert_int_equal(seen.e, OK);
    assert_string_equal(seen.given.bytes, "the second body");
    assert_int_equal(seen.large.n_bytes, 1 << 20);
    assert_int_equal(seen.large.bytes[0], 'y');
}

static intptr_t many_scenario(void *arg)
{
    struct many *m = arg;

    stage_init(&m->st, 2);
    stage_open(&m->st);
    stage_submit_many(m, "echo", 5000);
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
    struct job job = stage_command("slow"), who = stage_command("who");
    struct pool_job *a, *b;
    struct stage st;

    stage_init(&st, 2);
    stage_open(&st);
    stage_await_workers(&st);
    BUG_IF(pool_submit(st.pool, &job, NULL, NULL, &a));
    BUG_IF(pool_submit(st.pool, &who, NULL, NULL, &b));
    BUG_IF(pool_job_wait(b, incoro_after_ms(STAGE_PATIENCE_MS)));
    seen->first.e = pool_job_is_ready(a) ? OK : ERR_TIMEOUT;
    stage_take(b, &seen->second);
    BUG_IF(pool_job_wait(a, incoro_after_ms(STAGE_PATIENCE_MS)));
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

static intptr_t window_one_scenario(void *arg)
{
    struct many *m = arg;

    stage_init(&m->st, 1);
    m->st.options.window = 1;
    stage_open(&m->st);
    stage_submit_many(m, "echo", 100);
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

/* ---- the kinds of job, end to end ---- */

struct refused_seen {
    enum pool_failure failure;
    int outcome;
};

/* A page whose body would lie beyond the region; the parser says so in the page's own words. */
static intptr_t refused_scenario(void *arg)
{
    struct refused_seen *seen = arg;
    struct job page = { .kind = JOB_PAGE,
                        .url = SPAN("http://example.org/one"),
                        .content_type = SPAN("text/html"),
                        .region_offset = UINT64_C(1) << 40,
                        .region_len = 10,
                        .max_decoded_bytes = 1 << 20,
                        .max_text_bytes = 1 << 20,
                        .max_links = 100 };
    struct pool_job *j;
    struct stage st;

    stage_init(&st, 1);
    stage_open(&st);
    BUG_IF(pool_run(st.pool, &page, NULL, DEADLINE_NEVER, &j));
    seen->failure = pool_job_failure(j, NULL);
    if (seen->failure == POOL_OK)
        seen->outcome = (int)pool_job_answer(j)->page.outcome;
    pool_job_free(j);
    stage_close(&st);
    return 0;
}

static void a_page_that_cannot_be_parsed_is_refused(void **state)
{
    struct refused_seen seen = { 0 };

    (void)state;
    in_coroutine(refused_scenario, &seen);

    assert_int_equal(seen.failure, POOL_OK);
    assert_int_equal(seen.outcome, PARSE_REFUSED);
}

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

/* ---- second tries ---- */

struct two_said {
    struct said first, second;
    struct pool_stats stats;
    char detail[256];
};

static intptr_t fresh_scenario(void *arg)
{
    struct two_said *seen = arg;
    struct stage st;

    stage_init(&st, 1);
    stage_open(&st);
    seen->first = stage_ask(&st, "echo");
    seen->second = stage_ask(&st, "crash-unless-fresh");
    seen->stats = stage_stats(&st);
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

static intptr_t used_scenario(void *arg)
{
    struct two_said *seen = arg;
    struct many m = { 0 };

    stage_init(&m.st, 2);
    stage_open(&m.st);
    stage_await_workers(&m.st);
    stage_submit_many(&m, "slow", 8); /* nobody is fresh after these */
    while (m.over < 8)
        (void)!coro_sleep_until(incoro_after_ms(2));
    seen->second = stage_ask(&m.st, "crash-unless-fresh");
    seen->stats = stage_stats(&m.st);
    stage_close(&m.st);
    return 0;
}

static void the_second_try_does_not_go_to_a_used_process(void **state)
{
    struct two_said seen = { 0 };

    (void)state;
    in_coroutine(used_scenario, &seen);

    assert_int_equal(seen.second.failure, POOL_OK);
    assert_int_equal(seen.stats.retried, 1);
}

static intptr_t alone_scenario(void *arg)
{
    struct two_said *seen = arg;
    struct job job = stage_command("hang");
    struct pool_job *j;
    struct many m = { 0 };

    stage_init(&m.st, 1);
    m.st.options.job_timeout_ms = 300;
    stage_open(&m.st);
    BUG_IF(pool_submit(m.st.pool, &job, NULL, NULL, &j));
    do
        (void)!coro_sleep_until(incoro_after_ms(5));
    while (stage_stats(&m.st).retried == 0 || stage_stats(&m.st).in_work == 0);
    stage_submit_many(&m, "echo", 10);
    seen->stats = stage_stats(&m.st);
    BUG_IF(pool_job_wait(j, incoro_after_ms(STAGE_PATIENCE_MS)));
    stage_take(j, &seen->second);
    stage_close(&m.st);
    seen->first.n_bytes = m.ok;
    return 0;
}

static void the_second_try_runs_alone(void **state)
{
    struct two_said seen = { 0 };

    (void)state;
    in_coroutine(alone_scenario, &seen);

    assert_int_equal(seen.stats.in_work, 1);
    assert_int_equal(seen.stats.queued, 10);
    assert_int_equal(seen.second.failure, POOL_TIMED_OUT);
    assert_int_equal(seen.first.n_bytes, 10);
}

static intptr_t last_words_scenario(void *arg)
{
    struct two_said *seen = arg;
    struct stage st;

    stage_init(&st, 1);
    stage_open(&st);
    seen->first = stage_ask(&st, "answer-and-crash");
    seen->second = stage_ask(&st, "echo");
    seen->stats = stage_stats(&st);
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
    seen->first = stage_ask(&st, "crash");
    seen->stats = stage_stats(&st);
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
    seen->first = stage_ask(&st, "exit");
    seen->stats = stage_stats(&st);
    (void)stage_ask(&st, "crash");
    seen->second.n_bytes = (size_t)stage_stats(&st).last_signal;
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

/* ---- closing, draining, terminating ---- */

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
    struct job job = stage_command("echo");
    struct pool_job *j = NULL;

    stage_init(&m->st, 1);
    stage_open(&m->st);
    stage_submit_many(m, "slow", 5);
    pool_close(m->st.pool);
    seen->submitted = pool_submit(m->st.pool, &job, NULL, NULL, &j);
    seen->drained = pool_drain(m->st.pool, incoro_after_ms(STAGE_PATIENCE_MS));
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
    stage_submit_many(m, "slow", 5);
    seen->drained = pool_drain(m->st.pool, incoro_after_ms(10));
    seen->again = pool_drain(m->st.pool, incoro_after_ms(STAGE_PATIENCE_MS));
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
    struct job job = stage_command("hang");
    struct pool_job *j;

    stage_init(&m->st, 2);
    stage_open(&m->st);
    stage_await_workers(&m->st);
    BUG_IF(pool_submit(m->st.pool, &job, NULL, NULL, &j));
    stage_submit_many(m, "slow", 50);
    for (size_t i = 0; i < 2; i++)
        seen->pids[i] = pool_worker_pid(m->st.pool, i);
    pool_terminate(m->st.pool);
    BUG_IF(pool_job_wait(j, incoro_after_ms(STAGE_PATIENCE_MS)));
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
    struct job job = stage_command("hang");
    struct pool_job *j;
    struct stage st;

    stage_init(&st, 1);
    st.options.job_timeout_ms = 200;
    stage_open(&st);
    BUG_IF(bodies_append(st.bodies, &body, SPAN("a body that must stay"), 4096));
    seen->e = pool_run(st.pool, &job, &body, incoro_after_ms(20), &j);
    seen->is_ref_empty = body.size_pages == 0;
    seen->used_during = bodies_used(st.bodies);
    seen->after = stage_ask(&st, "echo");
    BUG_IF(pool_drain(st.pool, incoro_after_ms(STAGE_PATIENCE_MS)));
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

struct storm_seen {
    struct many many;
    struct pool_stats stats;
    size_t kills;
};

static intptr_t recycle_scenario(void *arg)
{
    struct storm_seen *seen = arg;
    struct many *m = &seen->many;

    stage_init(&m->st, 2);
    m->st.options.recycle_after_jobs = 10;
    stage_open(&m->st);
    stage_submit_many(m, "echo", 200);
    BUG_IF(pool_drain(m->st.pool, incoro_after_ms(STAGE_PATIENCE_MS)));
    seen->stats = stage_stats(&m->st);
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

/* ---- processor time (P34) ---- */

struct overrun_seen {
    struct many healthy;
    struct pool_job *bad[4];
    struct said said[4];
    struct pool_stats stats;
};

/* Four pages that never end, all at once, for two workers, and healthy ones before and behind. */
static intptr_t overrun_scenario(void *arg)
{
    struct overrun_seen *seen = arg;
    struct stage *st = &seen->healthy.st;
    struct job hang = stage_command("hang");

    stage_init(st, 2);
    st->options.job_cpu_ms = 100;
    st->options.job_timeout_ms = STAGE_PATIENCE_MS; /* must not be what ends them */
    stage_open(st);
    stage_submit_many(&seen->healthy, "echo", 100);
    for (size_t i = 0; i < ARRAY_LEN(seen->bad); i++)
        BUG_IF(pool_submit(st->pool, &hang, NULL, NULL, &seen->bad[i]));
    stage_submit_many(&seen->healthy, "echo", 100);
    BUG_IF(pool_drain(st->pool, incoro_after_ms(STAGE_PATIENCE_MS)));
    for (size_t i = 0; i < ARRAY_LEN(seen->bad); i++)
        stage_take(seen->bad[i], &seen->said[i]);
    seen->stats = stage_stats(st);
    stage_close(st);
    return 0;
}

static void pages_over_their_processor_time_fail_at_once_and_alone(void **state)
{
    struct overrun_seen seen = { 0 };

    (void)state;
    in_coroutine(overrun_scenario, &seen);

    for (size_t i = 0; i < ARRAY_LEN(seen.said); i++) {
        assert_int_equal(seen.said[i].failure, POOL_TIMED_OUT);
        assert_string_equal(seen.said[i].detail,
                            "no answer within 100 ms of processor time");
    }
    assert_int_equal(seen.healthy.ok, 200);
    assert_int_equal(seen.stats.retried, 0);
    assert_int_equal(seen.stats.failed, 4);
    assert_int_equal(seen.stats.killed, 4);
}

static intptr_t idle_scenario(void *arg)
{
    struct overrun_seen *seen = arg;
    struct stage *st = &seen->healthy.st;

    stage_init(st, 1);
    st->options.job_cpu_ms = 60;
    st->options.job_timeout_ms = 300;
    stage_open(st);
    stage_submit_many(&seen->healthy, "slow",
                      20); /* 20 ms each: no share is carried over */
    BUG_IF(pool_drain(st->pool, incoro_after_ms(STAGE_PATIENCE_MS)));
    seen->said[0] =
        stage_ask(st, "stop"); /* uses none, and is ended by the clock on the wall */
    seen->stats = stage_stats(st);
    stage_close(st);
    return 0;
}

static void each_job_has_its_own_share_and_idleness_is_no_use_of_it(void **state)
{
    struct overrun_seen seen = { 0 };

    (void)state;
    in_coroutine(idle_scenario, &seen);

    assert_int_equal(seen.healthy.over, 20);
    assert_int_equal(seen.healthy.ok, 20);
    assert_int_equal(seen.said[0].failure, POOL_TIMED_OUT);
    assert_string_equal(seen.said[0].detail, "no answer within 300 ms");
    assert_int_equal(seen.stats.retried, 1);
}

int main(int argc, char **argv)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_job_comes_back_with_its_answer),
        cmocka_unit_test(a_large_inline_body_travels_through_the_region),
        cmocka_unit_test(of_several_bodies_in_the_region_a_job_has_its_own),
        cmocka_unit_test(five_thousand_jobs_at_once_are_all_answered),
        cmocka_unit_test(callbacks_run_on_the_loop),
        cmocka_unit_test(the_least_loaded_worker_gets_the_job),
        cmocka_unit_test(a_window_of_one_works),
        cmocka_unit_test(a_page_that_cannot_be_parsed_is_refused),
        cmocka_unit_test(every_kind_of_job_is_answered_from_inside_the_sandbox),
        cmocka_unit_test(the_second_try_runs_in_a_fresh_process),
        cmocka_unit_test(the_second_try_does_not_go_to_a_used_process),
        cmocka_unit_test(the_second_try_runs_alone),
        cmocka_unit_test(an_answer_given_before_death_counts),
        cmocka_unit_test(misbehaviour_is_refused_unless_enabled),
        cmocka_unit_test(exit_code_and_signal_are_recorded),
        cmocka_unit_test(a_closed_pool_takes_no_jobs_and_finishes_those_it_has),
        cmocka_unit_test(drain_gives_up_at_its_deadline),
        cmocka_unit_test(terminate_fails_what_is_left_at_once),
        cmocka_unit_test(no_process_is_left_after_free),
        cmocka_unit_test(the_body_of_an_abandoned_job_stays_until_its_worker_is_gone),
        cmocka_unit_test(workers_are_recycled_without_losing_a_job),
        cmocka_unit_test(pages_over_their_processor_time_fail_at_once_and_alone),
        cmocka_unit_test(each_job_has_its_own_share_and_idleness_is_no_use_of_it),
    };
    int rc;

    if (stage_zygote(argc, argv, &rc))
        return rc;
    rc = cmocka_run_group_tests_name("crawler/pool", tests, NULL, NULL);
    zygote_stop();
    return rc;
}
