/* SPDX-License-Identifier: MIT */
#include <execinfo.h>
#include <fenv.h>
#include <math.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "fetch/coro.h"

/* One fiber over an own pool, and what it left behind for the test. */
struct rig {
    struct stack_pool *pool;
    struct coro_fiber home, fiber;
    struct stack *stack;
    int steps[8];
    int n_steps;
    char text[32];
    int rounding[3];
    long quarter[3]; /* 0.25 made an integer in the rounding mode of the moment */
    int n_frames;
};

static void rig_open(struct rig *r, void (*fn)(void *arg))
{
    *r = (struct rig){ 0 };
    r->pool = stack_pool_new(STACK_GUARD_MARKED, STACK_MAX_PROTECTED);
    assert_int_equal(stack_take(r->pool, &r->stack), OK);
    coro_fiber_init_home(&r->home);
    coro_fiber_open(&r->fiber, &r->home, r->stack, fn, r);
}

static void rig_close(struct rig *r)
{
    coro_fiber_close(&r->fiber);
    stack_give(r->pool, r->stack);
    stack_pool_free(r->pool);
}

static void step(struct rig *r, int n)
{
    r->steps[r->n_steps++] = n;
}

static void three_steps(void *arg)
{
    struct rig *r = arg;

    step(r, 1);
    coro_fiber_suspend(&r->fiber);
    step(r, 3);
    coro_fiber_suspend(&r->fiber);
    step(r, 5);
}

static void a_fiber_goes_on_where_it_suspended(void **state)
{
    static const int want[] = { 1, 2, 3, 4, 5 };
    struct rig r;
    (void)state;
    rig_open(&r, three_steps);

    coro_fiber_resume(&r.fiber);
    step(&r, 2);
    coro_fiber_resume(&r.fiber);
    step(&r, 4);
    bool was_done = r.fiber.is_done;
    coro_fiber_resume(&r.fiber);

    assert_false(was_done);
    assert_true(r.fiber.is_done);
    assert_int_equal(r.n_steps, 5);
    assert_memory_equal(r.steps, want, sizeof(want));
    rig_close(&r);
}

static void format_floats(void *arg)
{
    struct rig *r = arg;

    /* Aligned vector stores in the C library fault on a stack off by eight. */
    snprintf(r->text, sizeof(r->text), "%.3f %.2Lf", 1.5, 2.25L);
}

static void a_fresh_stack_is_aligned_for_floating_point(void **state)
{
    struct rig r;
    (void)state;
    rig_open(&r, format_floats);

    coro_fiber_resume(&r.fiber);

    assert_string_equal(r.text, "1.500 2.25");
    rig_close(&r);
}

/* x86-64 has two control words: fegetround looks at one, conversions obey the other. */
static long quarter(void)
{
    volatile double x = 0.25;

    return lrint(x);
}

static void round_upwards(void *arg)
{
    struct rig *r = arg;

    r->rounding[0] = fegetround();
    r->quarter[0] = quarter();
    fesetround(FE_UPWARD);
    coro_fiber_suspend(&r->fiber);
    r->rounding[2] = fegetround();
    r->quarter[2] = quarter();
    fesetround(FE_TONEAREST);
}

static void each_fiber_has_its_own_rounding_mode(void **state)
{
    struct rig r;
    (void)state;
    rig_open(&r, round_upwards);

    coro_fiber_resume(&r.fiber);
    r.rounding[1] = fegetround();
    r.quarter[1] = quarter();
    coro_fiber_resume(&r.fiber);

    assert_int_equal(r.rounding[0], FE_TONEAREST);
    assert_int_equal(r.rounding[1], FE_TONEAREST);
    assert_int_equal(r.rounding[2], FE_UPWARD);
    assert_int_equal(r.quarter[0], 0);
    assert_int_equal(r.quarter[1], 0);
    assert_int_equal(r.quarter[2], 1);
    rig_close(&r);
}

/* More values alive over the switch than there are registers. */
static int juggle(struct rig *r, int seed)
{
    volatile int start = seed;
    int a = start, b = a * 3, c = b + 7, d = c * 5, e = d - 2, f = e ^ a, g = f + b;

    coro_fiber_suspend(&r->fiber);
    return a + b + c + d + e + f + g;
}

static void juggle_once(void *arg)
{
    struct rig *r = arg;

    step(r, juggle(r, 11));
}

static void values_in_registers_survive_on_both_sides(void **state)
{
    struct rig r, other;
    (void)state;
    rig_open(&r, juggle_once);
    rig_open(&other, juggle_once);
    volatile int start = 5;
    int a = start, b = a + 1, c = b * 2, d = c + a, e = d * b, f = e - c;

    coro_fiber_resume(&r.fiber);
    coro_fiber_resume(&other.fiber);
    coro_fiber_resume(&r.fiber);
    coro_fiber_resume(&other.fiber);

    assert_int_equal(a + b + c + d + e + f, 5 + 6 + 12 + 17 + 102 + 90);
    assert_int_equal(r.steps[0],
                     11 + 33 + 40 + 200 + 198 + (198 ^ 11) + (198 ^ 11) + 33);
    assert_int_equal(other.steps[0], r.steps[0]);
    rig_close(&r);
    rig_close(&other);
}

static void count_frames(void *arg)
{
    struct rig *r = arg;
    void *frames[64];

    r->n_frames = backtrace(frames, 64);
}

static void a_backtrace_ends_at_the_fibers_first_frame(void **state)
{
    struct rig r;
    (void)state;
    rig_open(&r, count_frames);

    coro_fiber_resume(&r.fiber);

    assert_in_range(r.n_frames, 2, 12);
    rig_close(&r);
}

static void suspend_for_ever(void *arg)
{
    struct rig *r = arg;

    for (;;)
        coro_fiber_suspend(&r->fiber);
}

static void a_stack_can_be_used_again_at_once(void **state)
{
    struct rig r;
    (void)state;
    rig_open(&r, three_steps);
    while (!r.fiber.is_done)
        coro_fiber_resume(&r.fiber);
    coro_fiber_close(&r.fiber);

    coro_fiber_open(&r.fiber, &r.home, r.stack, format_floats, &r);
    coro_fiber_resume(&r.fiber);

    assert_string_equal(r.text, "1.500 2.25");
    rig_close(&r);
}

static int recurse(int n)
{
    volatile char frame[512];

    frame[0] = (char)n;
    if (n == 0)
        return 0;
    return recurse(n - 1) + frame[0];
}

static void overflow(void *arg)
{
    struct rig *r = arg;

    step(r, recurse(100000));
}

/* The child's end: its signal, or 0. */
static int death_of(void (*fn)(void *arg), enum stack_guard best)
{
    int status;
    pid_t pid = fork();

    if (pid == 0) {
        struct rlimit no_core = { 0, 0 };
        struct rig r = { .pool = stack_pool_new(best, STACK_MAX_PROTECTED) };

        setrlimit(RLIMIT_CORE, &no_core);
        signal(SIGSEGV, SIG_DFL);
        signal(SIGABRT, SIG_DFL);
        BUG_IF(!freopen("/dev/null", "w", stderr));
        BUG_IF(stack_take(r.pool, &r.stack) != OK);
        coro_fiber_init_home(&r.home);
        coro_fiber_open(&r.fiber, &r.home, r.stack, fn, &r);
        coro_fiber_resume(&r.fiber);
        _exit(0);
    }
    assert_int_equal(waitpid(pid, &status, 0), pid);
    return WIFSIGNALED(status) ? WTERMSIG(status) : 0;
}

static void a_stack_overflow_hits_the_guard(void **state)
{
    (void)state;

    assert_int_equal(death_of(overflow, STACK_GUARD_MARKED), SIGSEGV);
    assert_int_equal(death_of(overflow, STACK_GUARD_PROTECTED), SIGSEGV);
}

static void write_below_and_suspend(void *arg)
{
    struct rig *r = arg;

    memset(r->stack->bottom - 100, 0, 50);
    suspend_for_ever(r);
}

static void without_a_guard_an_overflow_aborts_at_the_next_suspend(void **state)
{
    (void)state;

    assert_int_equal(death_of(write_below_and_suspend, STACK_GUARD_NONE), SIGABRT);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_fiber_goes_on_where_it_suspended),
        cmocka_unit_test(a_fresh_stack_is_aligned_for_floating_point),
        cmocka_unit_test(each_fiber_has_its_own_rounding_mode),
        cmocka_unit_test(values_in_registers_survive_on_both_sides),
        cmocka_unit_test(a_backtrace_ends_at_the_fibers_first_frame),
        cmocka_unit_test(a_stack_can_be_used_again_at_once),
        cmocka_unit_test(a_stack_overflow_hits_the_guard),
        cmocka_unit_test(without_a_guard_an_overflow_aborts_at_the_next_suspend),
    };

    return cmocka_run_group_tests_name("fetch/coro", tests, NULL, NULL);
}
