/* SPDX-License-Identifier: MIT */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "crawler/pause.h"

#define S NS_PER_S

static int64_t be_silent(struct site *site, deadline now)
{
    return pause_after_silence(site, now, 1000, 3600 * 1000);
}

static void each_pause_of_a_silent_site_is_twice_as_long(void **state)
{
    struct site site = { 0 };
    deadline now = 1000 * S;

    (void)state;
    for (int i = 1; i < PAUSE_SILENCES; i++)
        assert_int_equal(be_silent(&site, now), 0);
    for (int64_t s = 16; s <= 512; s *= 2) {
        assert_int_equal(be_silent(&site, now), s * 1000);
        now += s * S;
    }
}

/* Many in flight to one site: all but the first of them fail during the pause that it began. */
static void what_was_on_its_way_when_a_pause_began_makes_the_next_no_longer(void **state)
{
    struct site site = { 0 };
    deadline now = 1000 * S;

    (void)state;
    for (int i = 1; i < PAUSE_SILENCES; i++)
        assert_int_equal(be_silent(&site, now), 0);
    for (int64_t s = 16; s <= 512; s *= 2) {
        assert_int_equal(be_silent(&site, now), s * 1000);
        for (int i = 0; i < 31; i++)
            assert_int_equal(be_silent(&site, now), 0);
        now += s * S;
    }
}

/* So it is parked, however long a run may wait. */
static void a_pause_grows_until_it_is_longer_than_a_run_waits(void **state)
{
    struct site site = { .silences = 1000000 }, other = { .silences = 1000000 };

    (void)state;
    assert_int_equal(be_silent(&site, 1000 * S), 4096 * 1000);
    assert_int_equal(pause_after_silence(&other, 1000 * S, 1000, INT64_C(36000) * 1000), 65536 * 1000);
}

/* What is still on its way during a pause that 503 asked for, too. */
static void a_pause_that_was_asked_for_counts_as_one(void **state)
{
    struct site site = { .silences = PAUSE_SILENCES, .backoff_until = 1001 * S };

    (void)state;
    assert_int_equal(be_silent(&site, 1000 * S), 0);
    assert_int_equal(be_silent(&site, 1002 * S), 32 * 1000);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_pause_of_a_silent_site_is_twice_as_long),
        cmocka_unit_test(what_was_on_its_way_when_a_pause_began_makes_the_next_no_longer),
        cmocka_unit_test(a_pause_grows_until_it_is_longer_than_a_run_waits),
        cmocka_unit_test(a_pause_that_was_asked_for_counts_as_one),
    };

    return cmocka_run_group_tests_name("crawler/pause", tests, NULL, NULL);
}
