/* SPDX-License-Identifier: MIT */
/*
 * The two examples that the design grew from, timed: seven pages of one board
 * that answer after 1 to 3 s, and a thousand pages of 2 s each on a thousand
 * addresses. One JSON line each; the ideal is the slowest page's time.
 */
#include "config/clock.h"
#include "tests/kit/origin.h"
#include "tests/kit/program.h"

#define ADDRESSES 1000

static void print_result(const char *name, double ideal_s, int64_t started_ns, const struct program *p,
                         struct origin *o)
{
    printf("{\"bench\":\"%s\",\"seconds\":%.3f,\"ideal_seconds\":%.1f,\"peak_in_flight\":%llu,\"exit_code\":%d}\n",
           name, (double)(clock_now_ns() - started_ns) / (double)NS_PER_S, ideal_s,
           (unsigned long long)origin_counts(o).peak_in_flight, p->exit_code);
}

static void run_seeds(const char *name, double ideal_s, struct origin *o, struct span seeds,
                      const char *per_host)
{
    struct program p;
    int64_t started;

    program_open(&p);
    program_write(&p, "seeds.txt", seeds);
    started = clock_now_ns();
    program_run(&p, (const char *[]){ "seeds.txt", "--allow-net", "127.0.0.0/8", "--delay", "0", "--per-host",
                                      per_host, "-q", NULL });
    print_result(name, ideal_s, started, &p, o);
    program_close(&p);
}

static void board(void)
{
    static const int64_t delays[] = { 1000, 1300, 1600, 1900, 2300, 2600, 3000 };
    struct origin_route routes[ARRAY_LEN(delays)];
    char paths[ARRAY_LEN(delays)][16];
    struct origin *o;
    struct buf seeds;

    buf_init(&seeds, (size_t)64 * KIB);
    for (size_t i = 0; i < ARRAY_LEN(delays); i++) {
        snprintf(paths[i], sizeof paths[i], "/board/%zu", i + 1);
        routes[i] = (struct origin_route){ .path = paths[i],
                                           .headers = "Content-Type: text/html\r\n",
                                           .body = SPAN("<title>Board</title><p>one two three"),
                                           .delay_ms = delays[i] };
    }
    o = origin_start(&(struct origin_options){ .routes = routes, .n_routes = ARRAY_LEN(routes) });
    for (size_t i = 0; i < ARRAY_LEN(delays); i++)
        if (buf_printf(&seeds, "%s\n", origin_url(o, paths[i])))
            abort();
    run_seeds("example-board", 3.0, o, buf_span(&seeds), "7");
    buf_clear(&seeds);
    origin_stop(o);
}

static void thousand(void)
{
    const struct origin_route routes[] = {
        { .path = "/robots.txt", .status = 404 },
        { .path = "*", .headers = "Content-Type: text/html\r\n", .body = SPAN("<title>Slow</title>slow"), .delay_ms = 2000 },
    };
    struct origin *o = origin_start(&(struct origin_options){
        .routes = routes, .n_routes = ARRAY_LEN(routes), .n_addresses = ADDRESSES });
    struct buf seeds;

    buf_init(&seeds, (size_t)MIB);
    for (int i = 1; i <= ADDRESSES; i++)
        if (buf_printf(&seeds, "http://127.0.%d.%d:%u/\n", i / 256, i % 256, origin_port(o)))
            abort();
    run_seeds("example-thousand", 2.0, o, buf_span(&seeds), "1");
    buf_clear(&seeds);
    origin_stop(o);
}

int main(void)
{
    board();
    thousand();
    return 0;
}
