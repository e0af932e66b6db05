/* SPDX-License-Identifier: MIT */
/*
 * tests/flow/cron.sh with its starts back to back: what `make cron-test` does with a cron
 * daemon in twelve minutes.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <unistd.h>

#include <sys/wait.h>

#include <cmocka.h>

#include "config/span.h"

/* build/MODE, seen from build/MODE/tests/flow/test_cron. */
static struct span find_build(char *path, size_t size)
{
    ssize_t n = readlink("/proc/self/exe", path, size - 1);
    struct span self = span_make(path, n > 0 ? (size_t)n : 0);

    return span_slice(self, 0, span_find_span(self, SPAN("/tests/")));
}

static void every_diff_is_what_was_done_to_the_files(void **state)
{
    char self[512], command[2048];
    struct span build = find_build(self, sizeof self);
    int status;

    (void)state;
    assert_true(snprintf(command, sizeof command,
                         "sh tests/flow/cron.sh %.*s/crawl %.*s/tests/flow/serve 2>&1",
                         SPAN_ARG(build), SPAN_ARG(build)) < (int)sizeof command);
    status = system(command);
    assert_true(WIFEXITED(status));
    assert_int_equal(WEXITSTATUS(status), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_diff_is_what_was_done_to_the_files),
    };

    return cmocka_run_group_tests_name("flow/cron", tests, NULL, NULL);
}
