/* SPDX-License-Identifier: MIT */
/*
 * The two examples that the design grew from, as whole programs against a real
 * server: pages of one board fetched at the same time, and a thousand slow
 * pages on a thousand addresses in flight together on one thread.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "tests/kit/origin.h"
#include "tests/kit/program.h"

#define BOARD_PAGES 7
#define ADDRESSES 1000

static void board_pages_are_fetched_at_the_same_time(void **state)
{
    static const int64_t delays[BOARD_PAGES] = { 1000, 1300, 1600, 1900, 2300, 2600, 3000 };
    struct origin_route routes[BOARD_PAGES];
    char paths[BOARD_PAGES][24], seeds[2048] = "";
    size_t n_seeds = 0, together = 0;
    struct program p;
    struct origin *o;

    (void)state;
    for (int i = 0; i < BOARD_PAGES; i++) {
        snprintf(paths[i], sizeof paths[i], "/board/%d", i + 1);
        routes[i] = (struct origin_route){ .path = paths[i],
                                           .headers = "Content-Type: text/html\r\n",
                                           .body = SPAN("<title>Board</title><h1>Titles</h1><p>one two three"),
                                           .delay_ms = delays[i] };
    }
    o = origin_start(&(struct origin_options){ .routes = routes, .n_routes = BOARD_PAGES });
    for (int i = 0; i < BOARD_PAGES; i++)
        n_seeds += (size_t)snprintf(seeds + n_seeds, sizeof seeds - n_seeds, "%s\n", origin_url(o, paths[i]));
    program_open(&p);
    program_write(&p, "seeds.txt", span_make(seeds, n_seeds));

    program_run(&p, (const char *[]){ "seeds.txt", "--allow-net", "127.0.0.0/8", "--delay", "0", "--per-host", "7",
                                      "-q", NULL });

    for (size_t i = 0; origin_request_at(o, i); i++)
        together = MAX(together, (size_t)origin_request_at(o, i)->in_flight);
    assert_int_equal(p.exit_code, 0);
    assert_int_equal(together, BOARD_PAGES);
    assert_int_equal(program_number(&p, "SELECT count(*) FROM pages WHERE title = 'Board' AND parse_outcome = 'ok'"),
                     BOARD_PAGES);
    program_close(&p);
    origin_stop(o);
}

/* Long enough for a thousand requests to begin; a program under ThreadSanitizer needs ten times as long. */
#if defined(__SANITIZE_THREAD__)
#    define SLOW_MS 20000
#else
#    define SLOW_MS 2000
#endif

static void a_thousand_slow_pages_are_in_flight_together(void **state)
{
    const struct origin_route routes[] = {
        { .path = "/robots.txt", .status = 404 },
        { .path = "*", .headers = "Content-Type: text/html\r\n", .body = SPAN("<title>Slow</title>slow"), .delay_ms = SLOW_MS },
    };
    struct origin *o = origin_start(&(struct origin_options){
        .routes = routes, .n_routes = ARRAY_LEN(routes), .n_addresses = ADDRESSES, .max_log = 4096 });
    struct program p;
    struct buf seeds;

    (void)state;
    program_open(&p);
    buf_init(&seeds, (size_t)MIB);
    for (int i = 1; i <= ADDRESSES; i++)
        assert_int_equal(buf_printf(&seeds, "http://127.0.%d.%d:%u/\n", i / 256, i % 256, origin_port(o)), OK);
    program_write(&p, "seeds.txt", buf_span(&seeds));

    program_run(&p, (const char *[]){ "seeds.txt", "--allow-net", "127.0.0.0/8", "--delay", "0", "-c", "1000", "-q", NULL });

    assert_int_equal(p.exit_code, 0);
    assert_true(origin_counts(o).peak_in_flight >= ADDRESSES);
    assert_int_equal(program_number(&p, "SELECT count(*) FROM urls WHERE state = 'fetched'"), ADDRESSES);
    buf_clear(&seeds);
    program_close(&p);
    origin_stop(o);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(board_pages_are_fetched_at_the_same_time),
        cmocka_unit_test(a_thousand_slow_pages_are_in_flight_together),
    };

    return cmocka_run_group_tests_name("flow/examples", tests, NULL, NULL);
}
