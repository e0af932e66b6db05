/* SPDX-License-Identifier: MIT */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "crawler/pause.h"

#define S NS_PER_S

/* Pauses as the crawl does it for what is returned. */
static int64_t be_silent(struct site *site, deadline now)
{
    int64_t ms = pause_after_silence(site, now, 1000);

    if (ms)
        site->backoff_until = now + ms * NS_PER_MS;
    return ms;
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

/* An hour or so: nothing is worth more. */
static void no_pause_grows_without_end(void **state)
{
    struct site site = { .silences = 1000000 };

    (void)state;
    assert_int_equal(be_silent(&site, 1000 * S), 4096 * 1000);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_pause_of_a_silent_site_is_twice_as_long),
        cmocka_unit_test(what_was_on_its_way_when_a_pause_began_makes_the_next_no_longer),
        cmocka_unit_test(no_pause_grows_without_end),
    };

    return cmocka_run_group_tests_name("crawler/pause", tests, NULL, NULL);
}
