/* SPDX-License-Identifier: MIT */
/*
 * A machine that fails, in the middle of a crawl (promises P1, P15, P32, P33):
 * a sample of what `make faults` goes through whole. The calls are the same in
 * every run of one program; another build of it meets others.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>

#include <cmocka.h>

#include "tests/kit/faults.h"

#define NEVER (INT64_C(1) << 40)

/* Two calls of each fault: somewhere in its first half, somewhere in its second. */
static void try_fault(void **state)
{
    const struct fault *f = *state;
    struct fault_result r;
    int64_t n_calls;

    faults_try(f, NEVER, &r);
    assert_string_equal(r.problem, "");
    assert_false(r.was_hit);
    n_calls = r.calls;
    assert_true(n_calls > 0);
    for (int64_t half = 0; half < 2; half++) {
        int64_t n = 1 + half * n_calls / 2 + random() % (n_calls / 2 + 1);

        faults_try(f, MIN(n, n_calls), &r);
        if (r.problem[0])
            fail_msg("call %lld of %lld (exit %d): %s", (long long)n,
                     (long long)n_calls, r.exit_code, r.problem);
    }
}

int main(void)
{
    static const struct {
        const char *label;
        const char *calls, *action;
        bool stays;
    } rows[] = {
        { "P1: SIGKILL in the middle of a write", FAULT_DISK, "torn", false },
        { "P15: one write finds the disk full", FAULT_DISK, "ENOSPC", false },
        { "P15: the disk stays full", FAULT_DISK, "ENOSPC", true },
        { "P15: one write fails", FAULT_DISK, "EIO", false },
        { "P15: half of a write is done", FAULT_DISK, "short", false },
        { "P15: the file system becomes read-only", FAULT_DISK, "EROFS", true },
        { "P32: no descriptor for a file", FAULT_OPEN, "EMFILE", false },
        { "P32: no descriptor for a socket", FAULT_KERNEL, "EMFILE", false },
        { "P33: no memory, once", FAULT_MEMORY, "ENOMEM", false },
        { "P33: no memory any more", FAULT_MEMORY, "ENOMEM", true },
        { "P33: no thread and no process", FAULT_PROCESS, "EAGAIN", false },
    };
    static struct fault faults[ARRAY_LEN(rows)];
    struct CMUnitTest tests[ARRAY_LEN(rows)];

    srandom(20261129);
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        faults[i] =
            (struct fault){ rows[i].calls, rows[i].action, rows[i].stays, false };
        tests[i] =
            (struct CMUnitTest){ rows[i].label, try_fault, NULL, NULL, &faults[i] };
    }
    return _cmocka_run_group_tests("flow/faults", tests, ARRAY_LEN(tests), NULL, NULL);
}
