/* SPDX-License-Identifier: MIT */
/*
 * How fast the runtime is: one JSON line a measurement, {"bench", "what",
 * "value", "unit"} and what else explains it. Numbers are of this machine and
 * this moment; the best of three short runs counts where a run is short.
 */
#include <sys/eventfd.h>
#include <unistd.h>

#include "config/clock.h"
#include "fetch/coro.h"
#include "fetch/sync.h"
#include "tests/bench/bench.h"

static void report(const char *what, double value, const char *unit)
{
    printf("{\"bench\":\"coro\",\"what\":\"%s\",\"value\":%.6g,\"unit\":\"%s\"}\n",
           what, value, unit);
    fflush(stdout);
}

static double seconds_since(int64_t start_ns)
{
    return (double)(clock_now_ns() - start_ns) / 1e9;
}

/* --- the raw switch ------------------------------------------------------------- */

enum {
    N_RAW = 20000000,
    N_SMALL = 1000000,
};

static void suspend_for_ever(void *arg)
{
    for (;;)
        coro_fiber_suspend(arg);
}

/* One fiber, to and fro: no queue, no state, only the switch and its hooks. */
static double raw_switches(size_t n_fibers)
{
    static struct coro_fiber fibers[1000];
    struct stack_pool *pool = stack_pool_new(STACK_GUARD_MARKED, STACK_MAX_PROTECTED);
    struct coro_fiber home;
    struct stack *stack;

    coro_fiber_init_home(&home);
    for (size_t i = 0; i < n_fibers; i++) {
        BUG_IF(stack_take(pool, &stack) != OK);
        coro_fiber_open(&fibers[i], &home, stack, suspend_for_ever, &fibers[i]);
        coro_fiber_resume(&fibers[i]);
    }

    int64_t start = clock_now_ns();

    for (size_t n = 0; n < N_RAW / 2; n += n_fibers)
        for (size_t i = 0; i < n_fibers; i++)
            coro_fiber_resume(&fibers[i]);

    double rate = N_RAW / seconds_since(start);

    for (size_t i = 0; i < n_fibers; i++) {
        stack = fibers[i].stack;
        coro_fiber_close(&fibers[i]);
        stack_give(pool, stack);
    }
    stack_pool_free(pool);
    return rate;
}

/* --- under the scheduler ------------------------------------------------------------ */

struct rig {
    struct loop *loop;
    struct sched *sched;
    struct group *group;
    struct chan chan;
    struct waitq q;
    int64_t n;
    double value;
};

static void rig_open(struct rig *r)
{
    *r = (struct rig){ 0 };
    BUG_IF(loop_open(&r->loop, NULL) != OK);
    BUG_IF(sched_open(r->loop, &r->sched, NULL) != OK);
    r->group = group_new(r->sched, NULL);
    waitq_init(&r->q);
}

static void rig_close(struct rig *r)
{
    group_free(r->group);
    sched_close(r->sched);
    loop_close(r->loop);
}

static void start(struct rig *r, coro_fn *fn, size_t n)
{
    for (size_t i = 0; i < n; i++)
        BUG_IF(group_spawn(r->group, "bench", fn, r, NULL) != OK);
}

/* Runs n coroutines of fn and gives switches a second as the scheduler counts them. */
static double switches_of(coro_fn *fn, size_t n)
{
    struct sched_stats stats;
    struct rig r;

    rig_open(&r);
    start(&r, fn, n);

    int64_t at = clock_now_ns();

    sched_run(r.sched);

    double s = seconds_since(at);

    sched_get_stats(r.sched, &stats);
    rig_close(&r);
    return (double)stats.switches / s;
}

static intptr_t yield_in_turn(void *arg)
{
    struct rig *r = arg;

    while (r->n++ < 5 * N_SMALL)
        if (coro_yield() != OK)
            break;
    return 0;
}

static intptr_t wake_in_turn(void *arg)
{
    struct rig *r = arg;

    while (r->n++ < 3 * N_SMALL) {
        waitq_wake_one(&r->q);
        if (waitq_wait(&r->q, DEADLINE_NEVER) != OK)
            break;
    }
    waitq_wake_all(&r->q);
    return 0;
}

static intptr_t send_items(void *arg)
{
    struct rig *r = arg;

    while (r->n++ < 3 * N_SMALL)
        if (chan_send(&r->chan, NULL, 0, DEADLINE_NEVER) != OK)
            break;
    chan_close(&r->chan);
    return 0;
}

static intptr_t receive_items(void *arg)
{
    struct rig *r = arg;
    void *item;

    while (chan_receive(&r->chan, DEADLINE_NEVER, &item) == OK)
        r->value++;
    return 0;
}

static void bench_channel(size_t cap, const char *what)
{
    struct rig r;

    rig_open(&r);
    chan_init(&r.chan, CHAN_FIFO, cap);
    start(&r, send_items, 1);
    start(&r, receive_items, 1);

    int64_t at = clock_now_ns();

    sched_run(r.sched);
    report(what, r.value / seconds_since(at), "items/s");
    chan_clear(&r.chan);
    rig_close(&r);
}

static intptr_t nothing(void *arg)
{
    (void)arg;
    return 0;
}

static intptr_t spawn_and_join(void *arg)
{
    struct rig *r = arg;
    struct group *g = group_new(r->sched, NULL);
    int64_t at = clock_now_ns();

    for (int i = 0; i < N_SMALL; i++) {
        BUG_IF(group_spawn(g, "nothing", nothing, NULL, NULL) != OK);
        if (i % 100 == 99)
            BUG_IF(group_join(g, DEADLINE_NEVER) != OK);
    }
    r->value = N_SMALL / seconds_since(at);
    group_free(g);
    return 0;
}

static void bench_spawn(void)
{
    struct rig r;

    rig_open(&r);
    start(&r, spawn_and_join, 1);
    sched_run(r.sched);
    report("coroutines started, run and joined", r.value, "1/s");
    rig_close(&r);
}

/* --- many at a time ------------------------------------------------------------------- */

static intptr_t sleep_two_seconds(void *arg)
{
    struct rig *r = arg;

    r->n += coro_sleep_until(clock_after(loop_now(r->loop), 2 * NS_PER_S)) == OK;
    return 0;
}

static intptr_t measure_memory(void *arg)
{
    struct rig *r = arg;

    if (coro_sleep_until(clock_after(loop_now(r->loop), NS_PER_S)) == OK)
        r->value = bench_resident_mib() * (double)MIB;
    return 0;
}

static void bench_sleepers(size_t n, const char *what)
{
    double before = bench_resident_mib() * (double)MIB;
    int64_t at = clock_now_ns();
    struct sched_stats stats;
    struct rig r;

    rig_open(&r);
    start(&r, sleep_two_seconds, n);
    start(&r, measure_memory, 1);
    sched_run(r.sched);
    BUG_IF(r.n != (int64_t)n);

    double s = seconds_since(at);

    sched_get_stats(r.sched, &stats);
    printf("{\"bench\":\"coro\",\"what\":\"%s\",\"value\":%.4f,\"unit\":\"s\","
           "\"coroutines\":%zu,\"memory_mb\":%.1f,\"bytes_each\":%.0f,"
           "\"unguarded\":%zu}\n",
           what, s, n, (r.value - before) / 1e6, (r.value - before) / (double)n,
           stats.unguarded_stacks);
    fflush(stdout);
    rig_close(&r);
}

/* --- the loop ----------------------------------------------------------------------------- */

static void on_event(void *arg, uint32_t events)
{
    (void)events;
    ++*(int64_t *)arg;
}

static void bench_turns(int n_fds, const char *what)
{
    static loop_watch_id ids[200];
    static int fds[200];
    int64_t n = 0, at;
    struct loop *l;

    BUG_IF(loop_open(&l, NULL) != OK);
    for (int i = 0; i < n_fds; i++) {
        fds[i] = eventfd(1, EFD_CLOEXEC);
        BUG_IF(loop_watch(l, fds[i], EPOLLIN, on_event, &n, &ids[i]) != OK);
    }
    at = clock_now_ns();
    for (int i = 0; i < N_SMALL; i += MAX(n_fds, 1))
        loop_turn(l, 0);
    report(what, (n_fds ? (double)n : N_SMALL) / seconds_since(at),
           n_fds ? "events/s" : "turns/s");
    for (int i = 0; i < n_fds; i++) {
        loop_unwatch(l, ids[i]);
        close(fds[i]);
    }
    loop_close(l);
}

static void on_timer(void *arg)
{
    ++*(int64_t *)arg;
}

/* Each time-out is set and cleared again among 10,000 others, as a request's is. */
static void bench_timers(void)
{
    enum {
        N_OTHERS = 10000,
    };
    static struct loop_timer others[N_OTHERS];
    struct loop_timer timer;
    struct loop *l;
    int64_t n = 0, at;

    BUG_IF(loop_open(&l, NULL) != OK);
    for (int i = 0; i < N_OTHERS; i++) {
        loop_timer_init(&others[i], on_timer, &n);
        loop_timer_set(l, &others[i],
                       loop_now(l) + (i * INT64_C(7919) % 1000 + 1) * NS_PER_S);
    }
    loop_timer_init(&timer, on_timer, &n);
    at = clock_now_ns();
    for (int i = 0; i < N_SMALL; i++) {
        loop_timer_set(l, &timer, loop_now(l) + (i % 1000) * NS_PER_S);
        loop_timer_clear(l, &timer);
    }
    report("timers set and cleared among 10,000", N_SMALL / seconds_since(at), "1/s");
    for (int i = 0; i < N_OTHERS; i++)
        loop_timer_clear(l, &others[i]);
    loop_close(l);
}

int main(void)
{
    double best = 0;

    for (int i = 0; i < 3; i++)
        best = MAX(best, raw_switches(1));
    report("one-way switches, raw, 1 coroutine", best, "1/s");
    report("one-way switches, raw, 1,000 coroutines in turn", raw_switches(1000),
           "1/s");
    report("one-way switches, coro_yield, 2 coroutines", switches_of(yield_in_turn, 2),
           "1/s");
    report("one-way switches, coro_yield, 1,000 coroutines",
           switches_of(yield_in_turn, 1000), "1/s");
    report("one-way switches, wait and wake, 2 coroutines",
           switches_of(wake_in_turn, 2), "1/s");
    bench_channel(1, "items through a channel of 1");
    bench_channel(64, "items through a channel of 64");
    bench_spawn();
    bench_turns(0, "turns of an idle loop");
    bench_turns(200, "descriptor events, 200 ready");
    bench_timers();
    bench_sleepers(10000, "10,000 coroutines sleeping 2 s each");
    bench_sleepers(100000, "100,000 coroutines sleeping 2 s each");
    return 0;
}
