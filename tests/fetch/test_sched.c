/* SPDX-License-Identifier: MIT */
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "config/clock.h"
#include "config/span.h"
#include "fetch/sched.h"
#include "tests/kit/incoro.h"

/* What a scenario saw; the test looks at it on the main stack. */
struct seen {
    int order[64];
    int n;
    enum err e[8];
    intptr_t value[4];
    bool is[4];
    int64_t at_ms[4];
};

static void note(struct seen *s, int what)
{
    s->order[s->n++] = what;
}

static int64_t now_ms(void)
{
    return loop_now(incoro_loop()) / NS_PER_MS;
}

/* --- order ------------------------------------------------------------------ */

static intptr_t note_twice(void *arg)
{
    struct seen *s = arg;
    int me = s->order[63]++;

    note(s, me);
    s->e[me] = coro_yield();
    note(s, me + 10);
    return 0;
}

static intptr_t spawn_three(void *arg)
{
    struct seen *s = arg;
    struct group *g = group_new(incoro_sched(), NULL);

    for (int i = 0; i < 3; i++)
        s->e[5] |= group_spawn(g, "note", note_twice, s, NULL);
    note(s, 99);
    s->e[6] = group_join(g, DEADLINE_NEVER);
    group_free(g);
    return 0;
}

static void coroutines_run_first_in_first_out(void **state)
{
    static const int want[] = { 99, 0, 1, 2, 10, 11, 12 };
    struct seen s = { 0 };
    (void)state;

    in_coroutine(spawn_three, &s);

    assert_int_equal(s.n, 7);
    assert_memory_equal(s.order, want, sizeof(want));
    for (int i = 0; i < 7; i++)
        assert_int_equal(s.e[i], OK);
}

static intptr_t give_back(void *arg)
{
    struct seen *s = arg;

    s->value[0] = (intptr_t)coro_current();
    return 4711;
}

static void a_value_comes_back(void **state)
{
    struct seen s = { 0 };
    (void)state;

    intptr_t got = in_coroutine(give_back, &s);

    assert_int_equal(got, 4711);
    assert_true(s.value[0] != 0);
    assert_null(coro_current());
}

struct sleeper {
    struct seen *s;
    int id;
    int64_t ms;
};

static intptr_t sleep_and_note(void *arg)
{
    struct sleeper *me = arg;
    enum err e = coro_sleep_until(incoro_after_ms(me->ms));

    note(me->s, e ? -1 : me->id);
    return 0;
}

static intptr_t sleep_in_disorder(void *arg)
{
    struct seen *s = arg;
    struct sleeper sleepers[] = {
        { s, 1, 30 }, { s, 2, 10 }, { s, 3, 20 }, { s, 4, 10 }, { s, 5, 0 },
    };
    struct group *g = group_new(incoro_sched(), NULL);

    for (size_t i = 0; i < ARRAY_LEN(sleepers); i++)
        s->e[0] |= group_spawn(g, "sleeper", sleep_and_note, &sleepers[i], NULL);
    s->e[1] = group_join(g, DEADLINE_NEVER);
    s->at_ms[0] = now_ms();
    group_free(g);
    return 0;
}

static void sleepers_wake_by_deadline_and_ties_by_order(void **state)
{
    static const int want[] = { 5, 2, 4, 3, 1 };
    struct seen s = { 0 };
    (void)state;

    in_coroutine(sleep_in_disorder, &s);

    assert_int_equal(s.n, 5);
    assert_memory_equal(s.order, want, sizeof(want));
    assert_int_equal(s.at_ms[0], 30);
    assert_int_equal(s.e[0] | s.e[1], OK);
}

static intptr_t count_up(void *arg)
{
    int *n = arg;

    ++*n;
    if (coro_sleep_until(incoro_after_ms(2000)) == OK)
        ++*n;
    return 1;
}

static intptr_t spawn_many(void *arg)
{
    struct seen *s = arg;
    struct group *g = group_new(incoro_sched(), NULL);
    int n = 0, n_spawned = 0;
    struct sched_stats stats;

    while (n_spawned < s->order[0] && group_spawn(g, "many", count_up, &n, NULL) == OK)
        n_spawned++;
    s->e[0] = coro_sleep_until(incoro_after_ms(1000));
    sched_get_stats(incoro_sched(), &stats);
    s->order[1] = n;
    s->order[2] = (int)stats.live;
    s->e[1] = group_join(g, DEADLINE_NEVER);
    s->order[3] = n;
    s->at_ms[0] = now_ms();
    group_free(g);
    return n_spawned;
}

/* ThreadSanitizer knows some 8,000 threads, and each coroutine is one to it. */
#if defined(__SANITIZE_THREAD__)
#    define MANY 2000
#else
#    define MANY 20000
#endif

static void twenty_thousand_sleep_side_by_side(void **state)
{
    struct seen s = { .order = { MANY } };
    (void)state;

    intptr_t n = in_coroutine(spawn_many, &s);

    assert_int_equal(n, MANY);
    assert_int_equal(s.order[1], MANY);
    assert_int_equal(s.order[2], MANY + 1);
    assert_int_equal(s.order[3], 2 * MANY);
    assert_int_equal(s.at_ms[0], 2000);
    assert_int_equal(s.e[0] | s.e[1], OK);
}

/* --- the scheduler ------------------------------------------------------------------ */

struct two {
    struct loop *loop;
    struct sched *sched;
    struct group *group;
    int n;
};

static void two_open(struct two *t)
{
    *t = (struct two){ 0 };
    assert_int_equal(loop_open(&t->loop, NULL), OK);
    assert_int_equal(sched_open(t->loop, &t->sched, NULL), OK);
    t->group = group_new(t->sched, NULL);
}

static void two_close(struct two *t)
{
    group_free(t->group);
    sched_close(t->sched);
    loop_close(t->loop);
}

static intptr_t stop_at_three(void *arg)
{
    struct two *t = arg;

    for (t->n = 1; t->n < 10; t->n++) {
        if (t->n == 3)
            sched_stop(t->sched);
        if (coro_yield() != OK)
            break;
    }
    return 0;
}

static void a_stopped_run_can_be_taken_up_again(void **state)
{
    struct two t;
    (void)state;
    two_open(&t);
    assert_int_equal(group_spawn(t.group, "stopper", stop_at_three, &t, NULL), OK);

    sched_run(t.sched);
    int at_stop = t.n;
    size_t live_at_stop = sched_count(t.sched);
    sched_run(t.sched);

    assert_int_equal(at_stop, 3);
    assert_int_equal(live_at_stop, 1);
    assert_int_equal(t.n, 10);
    assert_int_equal(sched_count(t.sched), 0);
    two_close(&t);
}

static void without_coroutines_a_run_ends_at_once(void **state)
{
    struct two t;
    struct loop_stats stats;
    (void)state;
    two_open(&t);

    sched_run(t.sched);

    loop_get_stats(t.loop, &stats);
    assert_int_equal(stats.turns, 0);
    two_close(&t);
}

static void on_tick(void *arg)
{
    struct two *t = arg;

    t->n = -t->n;
}

static intptr_t yield_until_tick(void *arg)
{
    struct two *t = arg;
    struct loop_timer timer;

    loop_timer_init(&timer, on_tick, t);
    loop_timer_set(t->loop, &timer, loop_now(t->loop));
    for (t->n = 1; t->n > 0 && t->n < 100000; t->n++)
        if (coro_yield() != OK)
            break;
    loop_timer_clear(t->loop, &timer);
    return 0;
}

static void busy_coroutines_do_not_starve_the_loop(void **state)
{
    struct two t;
    (void)state;
    two_open(&t);
    assert_int_equal(group_spawn(t.group, "busy", yield_until_tick, &t, NULL), OK);

    sched_run(t.sched);

    assert_in_range(-t.n, 0, 1000);
    two_close(&t);
}

struct pieces {
    int n_done, seen;
};

/* Each takes a quarter of the time after which it should let others run. */
static intptr_t work_in_pieces(void *arg)
{
    struct pieces *p = arg;

    while (p->n_done < 10) {
        clock_fake_advance(LOOP_SLICE_NS / 4);
        p->n_done++;
        coro_breathe();
    }
    return 0;
}

static intptr_t look_at_pieces(void *arg)
{
    struct pieces *p = arg;

    p->seen = p->n_done;
    return 0;
}

static void p57_long_work_lets_others_run_after_a_while_not_before(void **state)
{
    struct pieces p = { 0 };
    struct loop_stats stats;
    struct two t;

    (void)state;
    two_open(&t);
    assert_int_equal(group_spawn(t.group, "work", work_in_pieces, &p, NULL), OK);
    assert_int_equal(group_spawn(t.group, "look", look_at_pieces, &p, NULL), OK);

    sched_run(t.sched);

    assert_int_equal(p.seen, 4);
    assert_int_equal(p.n_done, 10);
    loop_get_stats(t.loop, &stats);
    assert_int_equal(stats.longest_step_ns, LOOP_SLICE_NS);
    assert_int_equal(stats.slow_steps, 0);
    two_close(&t);
}

static void p57_cancelled_work_ends_without_pauses(void **state)
{
    struct pieces p = { 0 };
    struct two t;

    (void)state;
    two_open(&t);
    assert_int_equal(group_spawn(t.group, "work", work_in_pieces, &p, NULL), OK);
    assert_int_equal(group_spawn(t.group, "look", look_at_pieces, &p, NULL), OK);
    group_cancel(t.group);

    sched_run(t.sched);

    assert_int_equal(p.seen, 10);
    two_close(&t);
}

static void counts_tell_live_peak_and_stacks(void **state)
{
    struct two t;
    struct sched_stats before, after;
    struct seen s = { 0 };
    (void)state;
    two_open(&t);
    for (int i = 0; i < 3; i++)
        assert_int_equal(group_spawn(t.group, "one", give_back, &s, NULL), OK);

    sched_get_stats(t.sched, &before);
    sched_run(t.sched);
    sched_get_stats(t.sched, &after);

    assert_int_equal(before.live, 3);
    assert_int_equal(after.live, 0);
    assert_int_equal(after.peak_live, 3);
    assert_int_equal(after.switches, 6);
    assert_true(after.stacks >= 3);
    two_close(&t);
}

static intptr_t use_stack(void *arg)
{
    volatile char deep[20000];

    (void)arg;
    for (size_t i = 0; i < sizeof(deep); i += 100)
        deep[i] = 1;
    return deep[0];
}

static void the_census_tells_the_deepest_stack_of_each_name(void **state)
{
    const struct sched_census_row *rows;
    struct two t;
    struct seen s = { 0 };
    size_t deep = 0, shallow = 0;
    (void)state;
    two_open(&t);
    sched_start_census(t.sched);
    assert_int_equal(group_spawn(t.group, "deep", use_stack, NULL, NULL), OK);
    assert_int_equal(group_spawn(t.group, "shallow", give_back, &s, NULL), OK);
    assert_int_equal(group_spawn(t.group, "shallow", give_back, &s, NULL), OK);

    sched_run(t.sched);

    size_t n = sched_get_census(t.sched, &rows);
    assert_int_equal(n, 2);
    for (size_t i = 0; i < n; i++) {
        if (rows[i].n_done == 2)
            shallow = rows[i].max_bytes;
        else
            deep = rows[i].max_bytes;
    }
    assert_in_range(deep, 20000, 60000);
    assert_in_range(shallow, 64, 4096);
    two_close(&t);
}

static int recurse(int n)
{
    volatile char frame[512];

    frame[0] = (char)n;
    if (n == 0)
        return 0;
    return recurse(n - 1) + frame[0];
}

static intptr_t overflow(void *arg)
{
    (void)arg;
    return recurse(100000);
}

static void a_coroutine_that_overflows_dies_at_its_guard(void **state)
{
    int status;
    pid_t pid = fork();
    (void)state;

    if (pid == 0) {
        struct rlimit no_core = { 0, 0 };

        setrlimit(RLIMIT_CORE, &no_core);
        signal(SIGSEGV, SIG_DFL);
        in_coroutine(overflow, NULL);
        _exit(0);
    }

    assert_int_equal(waitpid(pid, &status, 0), pid);
    assert_true(WIFSIGNALED(status));
    assert_int_equal(WTERMSIG(status), SIGSEGV);
}

static intptr_t who_am_i(void *arg)
{
    struct seen *s = arg;

    s->is[0] = coro_sched(coro_current()) == incoro_sched();
    s->is[1] = span_eq(span_str(coro_name(coro_current())), SPAN("scenario"));
    s->is[2] = !coro_is_cancelled(coro_current());
    return 0;
}

static void a_coroutine_knows_its_name_and_scheduler(void **state)
{
    struct seen s = { 0 };
    (void)state;

    in_coroutine(who_am_i, &s);

    assert_true(s.is[0]);
    assert_true(s.is[1]);
    assert_true(s.is[2]);
}

#define TEST(fn) cmocka_unit_test_setup(fn, incoro_start_clock)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(coroutines_run_first_in_first_out),
        TEST(a_value_comes_back),
        TEST(sleepers_wake_by_deadline_and_ties_by_order),
        TEST(twenty_thousand_sleep_side_by_side),
        TEST(a_stopped_run_can_be_taken_up_again),
        TEST(without_coroutines_a_run_ends_at_once),
        TEST(busy_coroutines_do_not_starve_the_loop),
        TEST(p57_long_work_lets_others_run_after_a_while_not_before),
        TEST(p57_cancelled_work_ends_without_pauses),
        TEST(counts_tell_live_peak_and_stacks),
        TEST(the_census_tells_the_deepest_stack_of_each_name),
        TEST(a_coroutine_that_overflows_dies_at_its_guard),
        TEST(a_coroutine_knows_its_name_and_scheduler),
    };

    return cmocka_run_group_tests_name("fetch/sched", tests, NULL, incoro_stop_clock);
}
