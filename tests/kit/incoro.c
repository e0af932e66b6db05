/* SPDX-License-Identifier: MIT */
#include "tests/kit/incoro.h"

#include "config/clock.h"

struct scenario {
    coro_fn *fn;
    void *seen;
    intptr_t value;
};

static intptr_t run(void *arg)
{
    struct scenario *s = arg;

    s->value = s->fn(s->seen);
    return 0;
}

intptr_t in_coroutine(coro_fn *fn, void *seen)
{
    struct scenario scenario = { .fn = fn, .seen = seen };
    struct loop *l = NULL;
    struct sched *s = NULL;
    struct group *g;

    BUG_IF(loop_open(&l, NULL) != OK);
    BUG_IF(sched_open(l, &s, NULL) != OK);
    g = group_new(s, NULL);
    BUG_IF(group_spawn(g, "scenario", run, &scenario, NULL) != OK);
    sched_run(s);
    group_free(g);
    sched_close(s);
    loop_close(l);
    return scenario.value;
}

struct sched *incoro_sched(void)
{
    return coro_sched(coro_current());
}

struct loop *incoro_loop(void)
{
    return sched_loop(incoro_sched());
}

deadline incoro_after_ms(int64_t ms)
{
    return clock_after(loop_now(incoro_loop()), ms * NS_PER_MS);
}

int incoro_start_clock(void **state)
{
    (void)state;
    clock_fake_start(0, 0);
    return 0;
}

int incoro_stop_clock(void **state)
{
    (void)state;
    clock_fake_stop();
    return 0;
}
