/* SPDX-License-Identifier: MIT */
#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "config/mem.h"
#include "fetch/bodies.h"

#define MIB_SIZE ((size_t)1 << 20)
#define NO_MAX   SIZE_MAX

static struct bodies *open_bodies(size_t max_bytes)
{
    struct bodies *b = NULL;

    assert_int_equal(bodies_open(max_bytes, &b, NULL), OK);
    return b;
}

static struct span pattern(size_t n, unsigned seed)
{
    char *p = mem_alloc(n);

    for (size_t i = 0; i < n; i++)
        p[i] = (char)(seed + i * 31 + (i >> 8));
    return span_make(p, n);
}

static void free_pattern(struct span s)
{
    mem_free((void *)(uintptr_t)s.ptr);
}

static void size_is_a_power_of_two_at_most_asked(void **state)
{
    static const struct {
        size_t asked, want;
    } rows[] = { { 0, MIB_SIZE },
                 { MIB_SIZE, MIB_SIZE },
                 { 2 * MIB_SIZE - 1, MIB_SIZE },
                 { 2 * MIB_SIZE, 2 * MIB_SIZE },
                 { 100 * MIB_SIZE, 64 * MIB_SIZE },
                 { SIZE_MAX, (size_t)(UINT64_C(128) << 30) } };

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(rows) && rows[i].want; i++) { /* 0: more than 32 bits address */
        struct bodies *b = open_bodies(rows[i].asked);

        assert_int_equal(bodies_size(b), rows[i].want);
        bodies_close(b);
    }
}

static void appended_pieces_are_one_body(void **state)
{
    struct bodies *b = open_bodies(16 * MIB_SIZE);
    struct span whole = pattern(3000000, 7);
    struct body_ref ref = { 0 };

    (void)state;
    for (size_t at = 0; at < whole.len; at += 16000)
        assert_int_equal(
            bodies_append(b, &ref, span_slice(whole, at, MIN(at + 16000, whole.len)),
                          NO_MAX),
            OK);

    assert_true(span_eq(bodies_view(b, &ref), whole));
    bodies_free(b, &ref);
    assert_int_equal(bodies_used(b), 0);
    free_pattern(whole);
    bodies_close(b);
}

static void bodies_that_grow_side_by_side_stay_apart(void **state)
{
    enum {
        N = 40
    };
    struct bodies *b = open_bodies(64 * MIB_SIZE);
    struct body_ref refs[N] = { 0 };
    struct span wholes[N];

    (void)state;
    for (unsigned i = 0; i < N; i++)
        wholes[i] = pattern(20000 + i * 7919, i);
    for (size_t at = 0; at < 400000; at += 5000)
        for (size_t i = 0; i < N; i++)
            if (at < wholes[i].len)
                assert_int_equal(
                    bodies_append(
                        b, &refs[i],
                        span_slice(wholes[i], at, MIN(at + 5000, wholes[i].len)),
                        NO_MAX),
                    OK);

    for (size_t i = 0; i < N; i++) {
        assert_true(span_eq(bodies_view(b, &refs[i]), wholes[i]));
        free_pattern(wholes[i]);
    }
    for (size_t i = 0; i < N; i++)
        bodies_free(b, &refs[(i * 7) % N]);
    assert_int_equal(bodies_used(b), 0);
    bodies_close(b);
}

static void past_max_what_fits_is_kept(void **state)
{
    struct bodies *b = open_bodies(MIB_SIZE);
    struct body_ref ref = { 0 };

    (void)state;
    assert_int_equal(bodies_append(b, &ref, SPAN("12345"), 8), OK);
    assert_int_equal(bodies_append(b, &ref, SPAN("67890"), 8), ERR_TOO_LARGE);
    assert_true(span_eq(bodies_view(b, &ref), SPAN("12345678")));
    assert_int_equal(bodies_append(b, &ref, SPAN("x"), 8), ERR_TOO_LARGE);
    bodies_free(b, &ref);
    bodies_close(b);
}

static void a_full_region_says_so_and_recovers(void **state)
{
    struct bodies *b = open_bodies(MIB_SIZE);
    struct body_ref refs[256] = { 0 };
    struct body_ref late = { 0 };
    struct span page = pattern(BODIES_PAGE, 1);

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(refs); i++)
        assert_int_equal(bodies_append(b, &refs[i], page, NO_MAX), OK);
    assert_int_equal(bodies_used(b), MIB_SIZE);
    assert_int_equal(bodies_append(b, &late, SPAN("x"), NO_MAX), ERR_FULL);
    assert_int_equal(bodies_append(b, &refs[0], SPAN("x"), NO_MAX), ERR_FULL);
    assert_true(span_eq(bodies_view(b, &refs[0]), page));

    bodies_free(b, &refs[17]);
    assert_int_equal(bodies_append(b, &late, SPAN("x"), NO_MAX), OK);

    for (size_t i = 0; i < ARRAY_LEN(refs); i++)
        bodies_free(b, &refs[i]);
    bodies_free(b, &late);
    free_pattern(page);
    bodies_close(b);
}

static void freed_neighbours_become_one_block_again(void **state)
{
    struct bodies *b = open_bodies(MIB_SIZE);
    struct body_ref refs[256] = { 0 };
    struct body_ref big = { 0 };
    struct span whole = pattern(MIB_SIZE, 3);

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(refs); i++)
        assert_int_equal(bodies_append(b, &refs[i], SPAN("x"), NO_MAX), OK);
    for (size_t i = 0; i < ARRAY_LEN(refs); i++)
        bodies_free(b, &refs[(i * 101) % ARRAY_LEN(refs)]);

    assert_int_equal(bodies_append(b, &big, whole, NO_MAX), OK);
    assert_true(span_eq(bodies_view(b, &big), whole));
    bodies_free(b, &big);
    free_pattern(whole);
    bodies_close(b);
}

/* Promise P10: a stranger's Content-Length reserves next to nothing. */
static void a_hint_is_not_believed_beyond_a_mebibyte(void **state)
{
    struct bodies *b = open_bodies(64 * MIB_SIZE);
    struct body_ref ref = { 0 };

    (void)state;
    bodies_hint(b, &ref, SIZE_MAX);

    assert_int_equal(bodies_used(b), MIB_SIZE);
    assert_int_equal(ref.len, 0);
    bodies_free(b, &ref);
    bodies_close(b);
}

static void after_a_hint_nothing_moves(void **state)
{
    struct bodies *b = open_bodies(16 * MIB_SIZE);
    struct body_ref ref = { 0 };
    struct span whole = pattern(200000, 9);
    const char *at;

    (void)state;
    bodies_hint(b, &ref, whole.len);
    at = bodies_view(b, &ref).ptr;
    for (size_t i = 0; i < whole.len; i += 10000)
        assert_int_equal(
            bodies_append(b, &ref, span_slice(whole, i, i + 10000), NO_MAX), OK);

    assert_ptr_equal(bodies_view(b, &ref).ptr, at);
    assert_true(span_eq(bodies_view(b, &ref), whole));
    bodies_free(b, &ref);
    free_pattern(whole);
    bodies_close(b);
}

static void a_hint_in_a_full_region_does_no_harm(void **state)
{
    struct bodies *b = open_bodies(MIB_SIZE);
    struct body_ref all = { 0 };
    struct body_ref ref = { 0 };

    (void)state;
    bodies_hint(b, &all, MIB_SIZE);
    bodies_hint(b, &ref, 5000);

    assert_int_equal(ref.size_pages, 0);
    bodies_free(b, &all);
    bodies_close(b);
}

static void the_descriptor_maps_for_reading_only(void **state)
{
    struct bodies *b = open_bodies(MIB_SIZE);
    struct body_ref ref = { 0 };
    void *view, *writable;

    (void)state;
    assert_int_equal(bodies_append(b, &ref, SPAN("shared"), NO_MAX), OK);
    view = mmap(NULL, bodies_size(b), PROT_READ, MAP_SHARED, bodies_fd(b), 0);
    writable =
        mmap(NULL, bodies_size(b), PROT_READ | PROT_WRITE, MAP_SHARED, bodies_fd(b), 0);

    assert_true(view != MAP_FAILED);
    assert_true(writable == MAP_FAILED);
    assert_memory_equal((const char *)view + (size_t)ref.offset_pages * BODIES_PAGE,
                        "shared", 6);
    assert_int_equal(ftruncate(bodies_fd(b), 0), -1);
    assert_int_equal(fcntl(bodies_fd(b), F_GET_SEALS),
                     F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_SEAL);
    assert_true(fcntl(bodies_fd(b), F_GETFD) & FD_CLOEXEC);
    assert_int_equal(munmap(view, bodies_size(b)), 0);
    bodies_free(b, &ref);
    bodies_close(b);
}

static size_t resident_bytes(const struct bodies *b)
{
    struct stat st;

    assert_int_equal(fstat(bodies_fd(b), &st), 0);
    return (size_t)st.st_blocks * 512;
}

static void memory_of_large_bodies_goes_back(void **state)
{
    struct bodies *b = open_bodies(256 * MIB_SIZE);
    struct body_ref ref = { 0 };
    struct span chunk = pattern(MIB_SIZE, 5);

    (void)state;
    for (int i = 0; i < 100; i++)
        assert_int_equal(bodies_append(b, &ref, chunk, NO_MAX), OK);
    assert_true(resident_bytes(b) >= 100 * MIB_SIZE);
    bodies_free(b, &ref);

    bodies_age(b); /* the same may come again */
    assert_true(resident_bytes(b) >= 100 * MIB_SIZE);
    bodies_age(b);
    assert_true(resident_bytes(b) <= 33 * MIB_SIZE);
    free_pattern(chunk);
    bodies_close(b);
}

static void memory_of_bodies_is_kept_while_as_many_come_again(void **state)
{
    enum {
        N = 4000
    };
    static struct body_ref refs[N];
    struct bodies *b = open_bodies(256 * MIB_SIZE);
    struct span chunk = pattern(8192, 5);
    struct rusage before, after;

    (void)state;
    for (int wave = 0; wave < 6; wave++) {
        if (wave == 2)
            assert_int_equal(getrusage(RUSAGE_SELF, &before), 0);
        for (int i = 0; i < N; i++)
            assert_int_equal(bodies_append(b, &refs[i], chunk, NO_MAX), OK);
        assert_true(resident_bytes(b) <= 33 * MIB_SIZE);
        for (int i = 0; i < N; i++)
            bodies_free(b, &refs[i]);
        bodies_age(b);
    }
    assert_int_equal(getrusage(RUSAGE_SELF, &after), 0);
    assert_true(after.ru_minflt - before.ru_minflt < N / 8);
    free_pattern(chunk);
    bodies_close(b);
}

/* Whatever the order of calls, contents stay and every byte comes back. */
static void survives_a_random_life(void **state)
{
    enum {
        N = 64
    };
    struct bodies *b = open_bodies(8 * MIB_SIZE);
    struct body_ref refs[N] = { 0 };
    uint64_t random = 42;
    struct span source = pattern(100000, 11);

    (void)state;
    for (int step = 0; step < 20000; step++) {
        random = random * UINT64_C(6364136223846793005) + 1442695040888963407u;

        struct body_ref *ref = &refs[(random >> 33) % N];
        size_t n = (random >> 40) % 60000;

        if ((random >> 20) % 5 == 0) {
            bodies_free(b, ref);
            continue;
        }
        n = MIN(n, source.len - ref->len);
        size_t before = ref->len;
        enum err e =
            bodies_append(b, ref, span_slice(source, before, before + n), source.len);

        assert_true(e == OK || e == ERR_FULL);
        assert_int_equal(ref->len, e ? before : before + n);
        assert_true(span_eq(bodies_view(b, ref), span_slice(source, 0, ref->len)) ||
                    !ref->len);
    }
    for (size_t i = 0; i < N; i++)
        bodies_free(b, &refs[i]);
    assert_int_equal(bodies_used(b), 0);
    bodies_hint(b, &refs[0], MIB_SIZE);
    assert_int_equal(bodies_used(b), MIB_SIZE);
    bodies_free(b, &refs[0]);
    free_pattern(source);
    bodies_close(b);
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(size_is_a_power_of_two_at_most_asked),
        cmocka_unit_test(appended_pieces_are_one_body),
        cmocka_unit_test(bodies_that_grow_side_by_side_stay_apart),
        cmocka_unit_test(past_max_what_fits_is_kept),
        cmocka_unit_test(a_full_region_says_so_and_recovers),
        cmocka_unit_test(freed_neighbours_become_one_block_again),
        cmocka_unit_test(a_hint_is_not_believed_beyond_a_mebibyte),
        cmocka_unit_test(after_a_hint_nothing_moves),
        cmocka_unit_test(a_hint_in_a_full_region_does_no_harm),
        cmocka_unit_test(the_descriptor_maps_for_reading_only),
        cmocka_unit_test(memory_of_large_bodies_goes_back),
        cmocka_unit_test(memory_of_bodies_is_kept_while_as_many_come_again),
        cmocka_unit_test(survives_a_random_life),
    };

    return cmocka_run_group_tests_name("fetch/bodies", tests, NULL, NULL);
}
