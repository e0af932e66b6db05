/* SPDX-License-Identifier: MIT */
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "fetch/stack.h"

static struct stack_pool *ordinary_pool(void)
{
    return stack_pool_new(STACK_GUARD_MARKED, STACK_MAX_PROTECTED);
}

static size_t bytes_of(const struct stack *st)
{
    return (size_t)(st->top - st->bottom);
}

/* Resident bytes of [from, from + n). */
static size_t resident(const char *from, size_t n)
{
    size_t page = (size_t)sysconf(_SC_PAGESIZE), n_resident = 0;
    unsigned char seen[1024];

    assert_true(n / page <= sizeof(seen));
    assert_int_equal(mincore((void *)(uintptr_t)from, n, seen), 0);
    for (size_t i = 0; i < n / page; i++)
        n_resident += seen[i] & 1;
    return n_resident * page;
}

/* Runs fn in a child and gives the signal that killed it, 0 if none did. */
static int death_of_child(void (*fn)(void))
{
    int status;
    pid_t pid = fork();

    if (pid == 0) {
        struct rlimit no_core = { 0, 0 };

        setrlimit(RLIMIT_CORE, &no_core);
        signal(SIGSEGV, SIG_DFL);
        signal(SIGABRT, SIG_DFL);
        BUG_IF(!freopen("/dev/null", "w", stderr));
        fn();
        _exit(0);
    }
    assert_int_equal(waitpid(pid, &status, 0), pid);
    return WIFSIGNALED(status) ? WTERMSIG(status) : 0;
}

static void every_byte_of_a_stack_can_be_written(void **state)
{
    struct stack_pool *p = ordinary_pool();
    struct stack *a, *b;
    (void)state;

    assert_int_equal(stack_take(p, &a), OK);
    assert_int_equal(stack_take(p, &b), OK);
    memset(a->bottom, 1, bytes_of(a));
    memset(b->bottom, 2, bytes_of(b));

    assert_true(bytes_of(a) >= STACK_BYTES);
    assert_int_equal((uintptr_t)a->top % 16, 0);
    assert_int_equal(a->bottom[0], 1);
    assert_int_equal(a->top[-1], 1);
    stack_give(p, a);
    stack_give(p, b);
    stack_pool_free(p);
}

static void the_last_stack_given_is_the_next_taken(void **state)
{
    struct stack_pool *p = ordinary_pool();
    struct stack *a, *b, *again;
    (void)state;
    assert_int_equal(stack_take(p, &a), OK);
    assert_int_equal(stack_take(p, &b), OK);

    stack_give(p, b);
    stack_give(p, a);

    assert_int_equal(stack_take(p, &again), OK);
    assert_ptr_equal(again, a);
    stack_give(p, again);
    stack_pool_free(p);
}

static void a_stack_that_went_deep_gives_its_pages_back(void **state)
{
    struct stack_pool *p = ordinary_pool();
    struct stack *st;
    (void)state;
    assert_int_equal(stack_take(p, &st), OK);
    memset(st->bottom, 1, bytes_of(st));

    stack_give(p, st);

    assert_true(resident(st->bottom, bytes_of(st)) <= STACK_KEPT_BYTES);
    stack_pool_free(p);
}

static void a_shallow_stack_keeps_its_warm_pages(void **state)
{
    struct stack_pool *p = ordinary_pool();
    struct stack *st;
    (void)state;
    assert_int_equal(stack_take(p, &st), OK);
    memset(st->top - 6000, 1, 6000);

    stack_give(p, st);

    assert_true(resident(st->top - STACK_KEPT_BYTES, STACK_KEPT_BYTES) >= 6000);
    stack_pool_free(p);
}

static size_t count_held(struct stack *const *stacks, size_t n)
{
    size_t held = 0;

    for (size_t i = 0; i < n; i++)
        held += resident(stacks[i]->bottom, bytes_of(stacks[i])) != 0;
    return held;
}

static void use_all(struct stack_pool *p, struct stack **taken, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        assert_int_equal(stack_take(p, &taken[i]), OK);
        memset(taken[i]->top - 100, 1, 100);
    }
    for (size_t i = 0; i < n; i++)
        stack_give(p, taken[i]);
}

static void after_a_peak_most_idle_stacks_hold_no_memory(void **state)
{
    enum {
        N = 2000,
    };
    static struct stack *taken[N];
    struct stack_pool *p = ordinary_pool();
    struct stack *st;
    (void)state;
    use_all(p, taken, N);
    stack_pool_age(p);
    assert_int_equal(count_held(taken, N), N);

    stack_pool_age(p);
    assert_int_equal(count_held(taken, N), N - 512);
    for (int i = 0; i < 300; i++) {
        assert_int_equal(stack_take(p, &st), OK);
        stack_give(p, st);
    }
    assert_int_equal(count_held(taken, N), 1024);
    stack_pool_free(p);
}

static void a_peak_that_comes_again_finds_its_pages(void **state)
{
    enum {
        N = 3000,
    };
    static struct stack *taken[N];
    struct stack_pool *p = ordinary_pool();
    (void)state;
    use_all(p, taken, N);
    for (int period = 0; period < 5; period++) {
        stack_pool_age(p);
        assert_int_equal(count_held(taken, N), N);
        use_all(p, taken, N);
    }
    stack_pool_free(p);
}

static void after_a_peak_those_taken_in_turn_keep_their_pages(void **state)
{
    enum {
        N = 4000,
    };
    static struct stack *taken[N];
    struct stack_pool *p = ordinary_pool();
    struct stack *st;
    (void)state;
    for (size_t i = 0; i < N; i++) {
        assert_int_equal(stack_take(p, &taken[i]), OK);
        memset(taken[i]->top - 100, 1, 100);
    }
    for (size_t i = 0; i < N; i++)
        stack_give(p, taken[i]);

    /* Far more lie idle than are in use, and still the one in use is not emptied each time. */
    for (int round = 0; round < 3; round++) {
        assert_int_equal(stack_take(p, &st), OK);
        assert_ptr_equal(st, taken[N - 1]);
        assert_true(resident(st->bottom, bytes_of(st)) > 0);
        stack_give(p, st);
    }
    stack_pool_free(p);
}

static void counts_tell_mapped_and_used(void **state)
{
    struct stack_pool *p = ordinary_pool();
    struct stack_pool_stats before, during, after;
    struct stack *st;
    (void)state;

    stack_pool_get_stats(p, &before);
    assert_int_equal(stack_take(p, &st), OK);
    stack_pool_get_stats(p, &during);
    stack_give(p, st);
    stack_pool_get_stats(p, &after);

    assert_int_equal(before.mapped, 0);
    assert_int_equal(during.in_use, 1);
    assert_true(during.mapped >= 1);
    assert_int_equal(after.in_use, 0);
    assert_int_equal(after.mapped, during.mapped);
    stack_pool_free(p);
}

static void write_below(enum stack_guard best)
{
    struct stack_pool *p = stack_pool_new(best, STACK_MAX_PROTECTED);
    struct stack *st;

    if (stack_take(p, &st) == OK)
        *(volatile char *)(st->bottom - 1) = 1;
}

static void write_below_the_best_guard(void)
{
    write_below(STACK_GUARD_MARKED);
}

static void write_below_a_protected_page(void)
{
    write_below(STACK_GUARD_PROTECTED);
}

static void a_write_below_a_guarded_stack_is_fatal(void **state)
{
    (void)state;

    assert_int_equal(death_of_child(write_below_the_best_guard), SIGSEGV);
    assert_int_equal(death_of_child(write_below_a_protected_page), SIGSEGV);
}

/* Stacks are recycled; the guard must outlive what recycling does to the pages. */
static void write_below_a_recycled_stack(void)
{
    struct stack_pool *p = ordinary_pool();
    struct stack *st;

    if (stack_take(p, &st) != OK)
        return;
    memset(st->bottom, 1, bytes_of(st));
    stack_give(p, st);
    if (stack_take(p, &st) != OK)
        return;
    *(volatile char *)(st->bottom - 1) = 1;
}

static void the_guard_survives_recycling(void **state)
{
    (void)state;

    assert_int_equal(death_of_child(write_below_a_recycled_stack), SIGSEGV);
}

static void beyond_the_guard_limit_stacks_have_a_canary(void **state)
{
    enum {
        N = 100,
        LIMIT = 10,
    };
    struct stack_pool *p = stack_pool_new(STACK_GUARD_PROTECTED, LIMIT);
    struct stack_pool_stats stats;
    struct stack *taken[N];
    size_t n_protected = 0;
    (void)state;

    for (size_t i = 0; i < N; i++) {
        assert_int_equal(stack_take(p, &taken[i]), OK);
        n_protected += taken[i]->guard == STACK_GUARD_PROTECTED;
    }

    stack_pool_get_stats(p, &stats);
    assert_int_equal(n_protected, LIMIT);
    assert_int_equal(taken[0]->guard,
                     STACK_GUARD_PROTECTED); /* guarded ones go first */
    assert_int_equal(stats.unguarded, stats.mapped - LIMIT);
    for (size_t i = 0; i < N; i++) {
        assert_true(stack_is_intact(taken[i]));
        stack_give(p, taken[i]);
    }
    stack_pool_free(p);
}

static void a_dead_canary_is_noticed(void **state)
{
    struct stack_pool *p = stack_pool_new(STACK_GUARD_NONE, 0);
    struct stack *st;
    char saved;
    (void)state;
    assert_int_equal(stack_take(p, &st), OK);

    memset(st->bottom, 0, bytes_of(st));
    bool was_intact = stack_is_intact(st);
    saved = st->bottom[-1];
    st->bottom[-1] = (char)(saved + 1);
    bool is_intact = stack_is_intact(st);

    assert_true(was_intact);
    assert_false(is_intact);
    st->bottom[-1] = saved;
    stack_give(p, st);
    stack_pool_free(p);
}

static void give_an_overrun_stack(void)
{
    struct stack_pool *p = stack_pool_new(STACK_GUARD_NONE, 0);
    struct stack *st;

    if (stack_take(p, &st) != OK)
        return;
    memset(st->bottom - 64, 0, 128);
    stack_give(p, st);
}

static void giving_an_overrun_stack_aborts(void **state)
{
    (void)state;

    assert_int_equal(death_of_child(give_an_overrun_stack), SIGABRT);
}

static void the_census_sees_the_deepest_byte(void **state)
{
    struct stack_pool *p = ordinary_pool();
    struct stack *st;
    (void)state;
    assert_int_equal(stack_take(p, &st), OK);

    stack_paint(st);
    size_t untouched = stack_depth(st);
    st->top[-12345] = 0;
    st->top[-1] = 0;

    assert_int_equal(untouched, 0);
    assert_int_equal(stack_depth(st), 12345);
    stack_give(p, st);
    stack_pool_free(p);
}

static size_t count_maps(void)
{
    FILE *f = fopen("/proc/self/maps", "re");
    size_t n = 0;

    assert_non_null(f);
    for (int c = fgetc(f); c != EOF; c = fgetc(f))
        n += c == '\n';
    fclose(f);
    return n;
}

static void marked_guards_cost_no_mappings(void **state)
{
    enum {
        N = 20000,
    };
    static struct stack *taken[N];
    struct stack_pool *p = ordinary_pool();
    (void)state;

    size_t before = count_maps();
    for (size_t i = 0; i < N; i++)
        assert_int_equal(stack_take(p, &taken[i]), OK);
    size_t added = count_maps() - before;

    if (taken[0]->guard == STACK_GUARD_MARKED)
        assert_true(added < N / 50);
    for (size_t i = 0; i < N; i++)
        stack_give(p, taken[i]);
    stack_pool_free(p);
}

static void without_address_space_there_is_an_error(void **state)
{
    struct stack_pool *p = ordinary_pool();
    struct rlimit old, none = { 0, 0 };
    struct stack *st = NULL;
    (void)state;
    assert_int_equal(getrlimit(RLIMIT_AS, &old), 0);
    none.rlim_max = old.rlim_max;

    assert_int_equal(setrlimit(RLIMIT_AS, &none), 0);
    enum err e = stack_take(p, &st);
    assert_int_equal(setrlimit(RLIMIT_AS, &old), 0);

    assert_int_equal(e, ERR_NO_MEMORY);
    assert_null(st);
    stack_pool_free(p);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_byte_of_a_stack_can_be_written),
        cmocka_unit_test(the_last_stack_given_is_the_next_taken),
        cmocka_unit_test(a_stack_that_went_deep_gives_its_pages_back),
        cmocka_unit_test(a_shallow_stack_keeps_its_warm_pages),
        cmocka_unit_test(after_a_peak_most_idle_stacks_hold_no_memory),
        cmocka_unit_test(a_peak_that_comes_again_finds_its_pages),
        cmocka_unit_test(after_a_peak_those_taken_in_turn_keep_their_pages),
        cmocka_unit_test(counts_tell_mapped_and_used),
        cmocka_unit_test(a_write_below_a_guarded_stack_is_fatal),
        cmocka_unit_test(the_guard_survives_recycling),
        cmocka_unit_test(beyond_the_guard_limit_stacks_have_a_canary),
        cmocka_unit_test(a_dead_canary_is_noticed),
        cmocka_unit_test(giving_an_overrun_stack_aborts),
        cmocka_unit_test(the_census_sees_the_deepest_byte),
        cmocka_unit_test(marked_guards_cost_no_mappings),
        cmocka_unit_test(without_address_space_there_is_an_error),
    };

    return cmocka_run_group_tests_name("fetch/stack", tests, NULL, NULL);
}
