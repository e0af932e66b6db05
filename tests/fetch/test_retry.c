/* SPDX-License-Identifier: MIT */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "fetch/retry.h"

#define HOUR_MS (60 * 60 * INT64_C(1000))
#define MIDDLE  UINT64_C(250) /* of the jitter of 1 s: no swing */

static const struct retry_options OPTIONS = { .max_retries = 2,
                                              .base_delay_ms = 1000,
                                              .max_delay_ms = 60000 };

struct row {
    const char *label;
    enum fetch_outcome outcome;
    int status_code;
    int attempt;
    int64_t retry_after_ms;
    enum retry_action want_action;
    int64_t want_delay_ms;
};

/* Promises P14 and P49. */
static const struct row ROWS[] = {
    { "429 makes the host wait", FETCH_HTTP_ERROR, 429, 0, -1, RETRY_HOST_WAIT, 1000 },
    { "503 makes the host wait", FETCH_HTTP_ERROR, 503, 0, -1, RETRY_HOST_WAIT, 1000 },
    { "Retry-After is obeyed", FETCH_HTTP_ERROR, 503, 0, 7000, RETRY_HOST_WAIT, 7000 },
    { "a short Retry-After too", FETCH_HTTP_ERROR, 429, 0, 300, RETRY_HOST_WAIT, 300 },
    { "Retry-After ends at an hour", FETCH_HTTP_ERROR, 503, 0, 999 * HOUR_MS,
      RETRY_HOST_WAIT, HOUR_MS },
    { "an absurd Retry-After too", FETCH_HTTP_ERROR, 429, 0, INT64_MAX, RETRY_HOST_WAIT,
      HOUR_MS },
    { "Retry-After in the past is as none", FETCH_HTTP_ERROR, 503, 0, 0,
      RETRY_HOST_WAIT, 1000 },
    { "after the last try the host still waits", FETCH_HTTP_ERROR, 429, 2, 5000,
      RETRY_NO, 5000 },
    { "500 concerns the URL", FETCH_HTTP_ERROR, 500, 0, -1, RETRY_LATER, 1000 },
    { "502 concerns the URL", FETCH_HTTP_ERROR, 502, 0, -1, RETRY_LATER, 1000 },
    { "599 concerns the URL", FETCH_HTTP_ERROR, 599, 0, -1, RETRY_LATER, 1000 },
    { "408 concerns the URL", FETCH_HTTP_ERROR, 408, 0, -1, RETRY_LATER, 1000 },
    { "421 concerns the URL", FETCH_HTTP_ERROR, 421, 0, -1, RETRY_LATER, 1000 },
    { "425 concerns the URL", FETCH_HTTP_ERROR, 425, 0, -1, RETRY_LATER, 1000 },
    { "Retry-After beside 500 is waited for", FETCH_HTTP_ERROR, 500, 0, 9000,
      RETRY_LATER, 9000 },
    { "404 is final", FETCH_HTTP_ERROR, 404, 0, -1, RETRY_NO, 0 },
    { "404 with Retry-After is final", FETCH_HTTP_ERROR, 404, 0, 5000, RETRY_NO, 0 },
    { "401 is final", FETCH_HTTP_ERROR, 401, 0, -1, RETRY_NO, 0 },
    { "999 is final", FETCH_HTTP_ERROR, 999, 0, -1, RETRY_NO, 0 },
    { "a time-out is tried again", FETCH_TIMEOUT, 0, 0, -1, RETRY_LATER, 1000 },
    { "a lost connection is tried again", FETCH_CONNECTION_LOST, 0, 0, -1, RETRY_LATER,
      1000 },
    { "a cut body is tried again", FETCH_INCOMPLETE, 200, 0, -1, RETRY_LATER, 1000 },
    { "a refused connection is tried again", FETCH_CONNECT_FAILED, 0, 0, -1,
      RETRY_LATER, 1000 },
    { "a failing name server is asked after its time", FETCH_DNS_FAILED, 0, 0, -1,
      RETRY_LATER, 31000 },
    { "the last try is the last", FETCH_TIMEOUT, 0, 2, -1, RETRY_NO, 0 },
    { "TLS failures are final", FETCH_TLS_FAILED, 0, 0, -1, RETRY_NO, 0 },
    { "blocked addresses are final", FETCH_BLOCKED_ADDRESS, 0, 0, -1, RETRY_NO, 0 },
    { "bad answers are final", FETCH_BAD_RESPONSE, 200, 0, -1, RETRY_NO, 0 },
    { "too large is final", FETCH_TOO_LARGE, 200, 0, -1, RETRY_NO, 0 },
    { "success is final", FETCH_OK, 200, 0, -1, RETRY_NO, 0 },
    { "redirects are final", FETCH_REDIRECT, 301, 0, -1, RETRY_NO, 0 },
    { "cancelled is not ours to retry", FETCH_CANCELLED, 0, 0, -1, RETRY_NO, 0 },
};

static void decide(void **state)
{
    const struct row *row = *state;

    struct retry_verdict v = retry_decide(&OPTIONS, row->outcome, row->status_code,
                                          row->attempt, row->retry_after_ms, MIDDLE);

    assert_int_equal(v.action, row->want_action);
    assert_int_equal(v.delay_ms, row->want_delay_ms);
}

static void every_outcome_has_a_name_of_its_own(void **state)
{
    (void)state;
    for (int i = 0; i < N_FETCH_OUTCOMES; i++)
        for (int j = 0; j < i; j++)
            assert_string_not_equal(result_outcome_name((enum fetch_outcome)i),
                                    result_outcome_name((enum fetch_outcome)j));
    assert_string_equal(result_outcome_name(FETCH_HTTP_ERROR), "http_error");
}

static void delays_double_within_a_quarter(void **state)
{
    struct retry_options o = { .max_retries = 20,
                               .base_delay_ms = 1000,
                               .max_delay_ms = 60000 };
    int64_t middle = 1000;

    (void)state;
    for (int attempt = 0; attempt < 20; attempt++) {
        for (uint64_t random = 0; random < 100000; random += 37) {
            struct retry_verdict v =
                retry_decide(&o, FETCH_TIMEOUT, 0, attempt, -1, random);

            assert_in_range(v.delay_ms, middle * 3 / 4, MIN(middle * 5 / 4, 60000));
        }
        middle = MIN(middle * 2, INT64_C(60000));
    }
}

static void jitter_spreads(void **state)
{
    int64_t least = INT64_MAX, most = 0;

    (void)state;
    for (uint64_t random = 0; random < 10000; random++) {
        struct retry_verdict v =
            retry_decide(&OPTIONS, FETCH_TIMEOUT, 0, 0, -1, random);

        least = MIN(least, v.delay_ms);
        most = MAX(most, v.delay_ms);
    }

    assert_int_equal(least, 750);
    assert_int_equal(most, 1250);
}

static void no_retries_means_none(void **state)
{
    struct retry_options o = { .max_retries = 0,
                               .base_delay_ms = 1000,
                               .max_delay_ms = 60000 };

    (void)state;
    assert_int_equal(retry_decide(&o, FETCH_TIMEOUT, 0, 0, -1, 0).action, RETRY_NO);
    assert_int_equal(retry_decide(&o, FETCH_HTTP_ERROR, 503, 0, 5000, 0).delay_ms,
                     5000);
}

int main(void)
{
    static const struct CMUnitTest others[] = {
        cmocka_unit_test(every_outcome_has_a_name_of_its_own),
        cmocka_unit_test(delays_double_within_a_quarter),
        cmocka_unit_test(jitter_spreads),
        cmocka_unit_test(no_retries_means_none),
    };
    struct CMUnitTest tests[ARRAY_LEN(ROWS) + ARRAY_LEN(others)];
    size_t n = 0;

    for (size_t i = 0; i < ARRAY_LEN(ROWS); i++)
        tests[n++] = (struct CMUnitTest){ ROWS[i].label, decide, NULL, NULL,
                                          (void *)(uintptr_t)&ROWS[i] };
    for (size_t i = 0; i < ARRAY_LEN(others); i++)
        tests[n++] = others[i];
    return cmocka_run_group_tests_name("fetch/retry", tests, NULL, NULL);
}
