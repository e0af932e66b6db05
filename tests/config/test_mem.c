/* SPDX-License-Identifier: MIT */
#include <errno.h>
#include <setjmp.h>
#include <fcntl.h>
#include <malloc.h>
#include <signal.h>
#include <stdarg.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "config/buf.h"
#include "config/io.h"
#include "config/mem.h"

#ifndef MADV_POPULATE_WRITE
#    define MADV_POPULATE_WRITE 23
#endif
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
#    define HAS_SANITIZER 1
#else
#    define HAS_SANITIZER 0
#endif

static jmp_buf out_of_memory;

static void on_oom(void)
{
    longjmp(out_of_memory, 1);
}

static void fresh_memory_is_zero(void **state)
{
    char *p = mem_alloc(1000);
    int64_t *array = mem_array(100, sizeof *array);

    (void)state;
    for (int i = 0; i < 1000; i++)
        assert_int_equal(p[i], 0);
    for (int i = 0; i < 100; i++)
        assert_int_equal(array[i], 0);
    mem_free(p);
    mem_free(array);
    mem_free(NULL);
}

static void nothing_is_still_a_pointer(void **state)
{
    void *all[4] = { mem_alloc(0), mem_array(0, 8), mem_try_alloc(0),
                     mem_try_resize(NULL, 0) };

    (void)state;
    for (int i = 0; i < 4; i++) {
        assert_non_null(all[i]);
        mem_free(all[i]);
    }
}

static void strings_are_copied_with_their_end(void **state)
{
    char *p = mem_str_copy(SPAN("abc")), *empty = mem_str_copy(SPAN_NONE);

    (void)state;
    assert_string_equal(p, "abc");
    assert_string_equal(empty, "");
    mem_free(p);
    mem_free(empty);
}

/* Kilobytes of this process that are in memory. */
static int64_t resident_kib(void)
{
    char text[256];
    struct span rest, word;
    int64_t pages = 0;
    int fd = open("/proc/self/statm", O_RDONLY | O_CLOEXEC);
    ssize_t n = read(fd, text, sizeof text);

    close(fd);
    rest = span_make(text, (size_t)MAX(n, (ssize_t)0));
    assert_true(span_token(&rest, &word) && span_token(&rest, &word) &&
                span_parse_i64(word, &pages));
    return pages * (sysconf(_SC_PAGESIZE) / 1024);
}

/* A burst of 64 MiB of which every hundredth piece stays. */
static void what_a_burst_leaves_between_is_given_back(void **state)
{
    enum { N = 64 * 1024 };
    static void *pieces[N];
    int64_t high, low;

    (void)state;
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
    skip(); /* their allocator has its own ways */
#endif
    mem_start();
    for (int i = 0; i < N; i++) {
        pieces[i] = mem_alloc(1000);
        memset(pieces[i], 1, 1000);
    }
    for (int i = 0; i < N; i++)
        if (i % 100)
            mem_free(pieces[i]);
    high = resident_kib();
    assert_true(mem_give_back());
    low = resident_kib();
    assert_in_range(low, 0, high - 32 * 1024);
    for (int i = 0; i < N; i += 100)
        mem_free(pieces[i]);
    (void)malloc_trim(0);
    /* Little is not worth it. */
    assert_false(mem_give_back());
}

static size_t resident_pages(const void *p, size_t n)
{
    uintptr_t page = (uintptr_t)sysconf(_SC_PAGESIZE), from = (uintptr_t)p & ~(page - 1);
    unsigned char is_there[1024];
    size_t n_pages = ((uintptr_t)p + n - from + page - 1) / page, count = 0;

    assert_true(n_pages <= sizeof is_there);
    assert_int_equal(mincore((void *)from, n_pages * page, is_there), 0);
    for (size_t i = 0; i < n_pages; i++)
        count += is_there[i] & 1;
    return count;
}

/* Before Linux 5.14 there is nothing to see. */
static bool can_ready(void)
{
    char *p = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    bool can;

    assert_ptr_not_equal(p, MAP_FAILED);
    can = madvise(p, 4096, MADV_POPULATE_WRITE) == 0 || errno != EINVAL;
    munmap(p, 4096);
    return can;
}

static void what_is_readied_has_memory_and_nothing_beside_it(void **state)
{
    size_t page = (size_t)sysconf(_SC_PAGESIZE), n = 64 * page;
    char *p = mmap(NULL, n, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

    (void)state;
    assert_ptr_not_equal(p, MAP_FAILED);
    if (!can_ready())
        skip();
    assert_int_equal(resident_pages(p, n), 0);
    mem_ready(p + 8 * page + 100, page); /* lies in two */
    assert_int_equal(resident_pages(p, n), 2);
    assert_int_equal(resident_pages(p + 8 * page, 2 * page), 2);
    mem_ready(p, n);
    assert_int_equal(resident_pages(p, n), 64);
    munmap(p, n);
    mem_ready(p, n); /* nothing is there: as if it had not been said */
}

static void the_heap_is_ready_before_it_grows(void **state)
{
    enum {
        N = 64,
        BYTES = 8 * 1024
    };
    char *pieces[N];
    size_t n_there = 0;

    (void)state;
    mem_start();
    if (!can_ready() || HAS_SANITIZER)
        skip();
    mem_give_back_all();
    for (int i = 0; i < N; i++) {
        mem_ahead(256 * 1024);
        pieces[i] = mem_try_alloc(BYTES);
        n_there += resident_pages(pieces[i], BYTES) * 4096 >= BYTES;
    }
    assert_int_equal(n_there, N);
    for (int i = 0; i < N; i++)
        mem_free(pieces[i]);
}

static void the_nth_allocation_fails_once(void **state)
{
    void *p;

    (void)state;
    mem_fail_after(2);
    p = mem_try_alloc(8);
    assert_non_null(p);
    assert_null(mem_try_resize(p, 16));
    p = mem_try_resize(p, 16);
    assert_non_null(p);
    mem_free(p);
    mem_fail_after(1);
    mem_fail_after(0);
    p = mem_try_alloc(8);
    assert_non_null(p);
    mem_free(p);
}

static void a_small_allocation_that_fails_calls_the_hook(void **state)
{
    void *volatile p = NULL;

    (void)state;
    mem_set_oom_hook(on_oom);
    mem_fail_after(1);
    if (setjmp(out_of_memory) == 0)
        p = mem_alloc(8);
    mem_set_oom_hook(NULL);
    mem_fail_after(0);
    assert_null(p);
}

static void a_product_that_overflows_is_out_of_memory(void **state)
{
    void *volatile p = NULL;

    (void)state;
    mem_set_oom_hook(on_oom);
    if (setjmp(out_of_memory) == 0)
        p = mem_array(SIZE_MAX / 4, 5);
    mem_set_oom_hook(NULL);
    assert_null(p);
}

static void without_a_hook_the_program_aborts_with_a_message(void **state)
{
    int fds[2], status;
    char text[200] = "";
    pid_t child;

    (void)state;
    assert_int_equal(pipe(fds), 0);
    child = fork();
    if (child == 0) {
        dup2(fds[1], STDERR_FILENO);
        signal(SIGABRT, SIG_DFL);
        mem_fail_after(1);
        mem_free(mem_alloc(12345));
        _exit(0);
    }
    close(fds[1]);
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_true(WIFSIGNALED(status) && WTERMSIG(status) == SIGABRT);
    assert_true(read(fds[0], text, sizeof text - 1) > 0);
    close(fds[0]);
    assert_non_null(strstr(text, "crawl: out of memory (12345 bytes asked for)"));
}

/* In a process of its own that may have 64 MiB more. Ends with what is wrong, or is aborted. */
static void use_up_memory(void)
{
    struct rlimit limit = { 64 * MIB, 64 * MIB };
    struct buf status;
    int64_t kib = 0;

    buf_init(&status, 64 * KIB);
    if (io_read_file("/proc/self/statm", &status, NULL) ||
        !span_parse_i64(
            span_slice(buf_span(&status), 0, span_find(buf_span(&status), ' ')), &kib))
        _exit(1);
    limit.rlim_cur = limit.rlim_max =
        limit.rlim_cur + (rlim_t)kib * (rlim_t)sysconf(_SC_PAGESIZE);
    if (setrlimit(RLIMIT_AS, &limit))
        _exit(2);
    for (int i = 0; mem_try_alloc(MEM_SMALL + 1); i++)
        if (i > 2000)
            _exit(3);
    /* What is large is refused, and the caller goes on; what is small ends the process. */
    for (int i = 0; i < 2000000; i++)
        if (!mem_try_alloc(100))
            _exit(4);
    _exit(5);
}

static void no_caller_sees_that_little_is_not_there(void **state)
{
    int fds[2], status;
    char said[100] = "";
    pid_t child;

    (void)state;
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
    skip(); /* their allocator needs more than any limit, and never returns NULL */
#endif
    assert_int_equal(pipe(fds), 0);
    child = fork();
    if (child == 0) {
        dup2(fds[1], STDERR_FILENO);
        use_up_memory();
    }
    close(fds[1]);
    assert_true(read(fds[0], said, sizeof said - 1) > 0);
    close(fds[0]);
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_string_equal(said, "crawl: out of memory (100 bytes asked for)\n");
    assert_true(WIFSIGNALED(status) && WTERMSIG(status) == SIGABRT);
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(fresh_memory_is_zero),
        cmocka_unit_test(nothing_is_still_a_pointer),
        cmocka_unit_test(strings_are_copied_with_their_end),
        cmocka_unit_test(what_a_burst_leaves_between_is_given_back),
        cmocka_unit_test(what_is_readied_has_memory_and_nothing_beside_it),
        cmocka_unit_test(the_heap_is_ready_before_it_grows),
        cmocka_unit_test(the_nth_allocation_fails_once),
        cmocka_unit_test(a_small_allocation_that_fails_calls_the_hook),
        cmocka_unit_test(a_product_that_overflows_is_out_of_memory),
        cmocka_unit_test(without_a_hook_the_program_aborts_with_a_message),
        cmocka_unit_test(no_caller_sees_that_little_is_not_there),
    };

    return cmocka_run_group_tests_name("config/mem", tests, NULL, NULL);
}
