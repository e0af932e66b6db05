/* SPDX-License-Identifier: MIT */
/*
 * One crawl over the origin from hell (tests/kit/hell.h): it ends by itself,
 * says the right thing about each URL, stays within its memory, and nobody is
 * spoken to who must not be. Promises P2, P4, P7-P14, P21-P24, P27-P29, P31,
 * P34-P36, P44-P49 at once, as the whole program.
 */
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "config/io.h"
#include "tests/kit/hell.h"
#include "tests/kit/nameserver.h"

#define MAX_MEMORY_MB 256
/* The body region is a quarter of --max-memory; the rest of what is resident is code, caches and buffers. */
#define RESIDENT_MB (MAX_MEMORY_MB / 4 + 64)
#define HOST_PAGES  120

static struct hell hell;
static struct rig g;
static struct origin *tls, *expired, *mute, *canary;
static struct nameserver *names;
static int exit_code;
static int64_t peak_kib;

static const struct nameserver_record records[] = {
    { .name = "canary.test", .addresses = "127.0.0.99", .ttl_s = 60 },
    { .name = "inside.test",
      .addresses = "10.0.0.1 127.0.0.99 ::1 fe80::1 ::ffff:127.0.0.99",
      .ttl_s = 60 },
    { .name = "turning.test", .addresses = "127.0.0.40", .ttl_s = 0, .uses = 2 },
    { .name = "turning.test", .addresses = "127.0.0.99", .ttl_s = 0 },
    { .name = "servfail.test", .code = NAMESERVER_SERVFAIL },
    { .name = "silent.test", .is_silent = true },
    { .name = "garbled.test", .is_garbled = true },
};

static void start_servers(void)
{
    struct origin_options o = { .is_tls = true,
                                .tls_names =
                                    "IP:127.0.0.1,IP:127.0.0.2,IP:127.0.0.3,IP:127."
                                    "0.0.4,IP:127.0.0.5,IP:127.0.0.6",
                                .n_addresses = 8,
                                .speaks_h2 = true };
    static const struct origin_route none[1];

    o.routes = hell_h2_routes(&o.n_routes);
    tls = origin_start(&o);
    expired = origin_start(&(struct origin_options){
        .routes = none, .is_tls = true, .tls_is_expired = true });
    mute = origin_start(&(struct origin_options){ .routes = none, .is_mute = true });
    canary =
        origin_start(&(struct origin_options){ .routes = none, .n_addresses = 100 });
    names = nameserver_start(records, ARRAY_LEN(records));
    hell.tls_port = origin_port(tls);
    hell.expired_port = origin_port(expired);
    hell.mute_port = origin_port(mute);
    hell.canary_port = origin_port(canary);
    hell_fill(&hell);
}

/* Every URL of a case is a seed, but those that are to be found on the way there. */
static void write_seeds(struct buf *out)
{
    for (size_t i = 0; i < hell.n_cases; i++) {
        const struct hell_case *c = &hell.cases[i];

        if (!c->host)
            BUG_IF(buf_printf(out, "%s\n", c->url));
        else if (c->url[0] == '/' && strncmp(c->url, "/found/", 7) &&
                 c->host != HELL_TRAPS && c->host != HELL_MAPS)
            BUG_IF(buf_printf(out, "http://127.0.0.%u:$PORT%s\n", c->host, c->url));
    }
    BUG_IF(buf_printf(out,
                      "http://127.0.0.%d:$PORT/\nhttp://127.0.0.%d:$PORT/\n"
                      "http://127.0.0.%d:$PORT/odd\nhttp://127.0.0.%d:$PORT/base\n",
                      HELL_TRAPS, HELL_MAPS, HELL_WAYS, HELL_WAYS));
    BUG_IF(buf_append_byte(out, '\0'));
}

/* The most memory that the process has had so far. */
static int64_t peak_of(int pid)
{
    char path[64], line[256];
    int64_t kib = 0;
    FILE *f;

    snprintf(path, sizeof path, "/proc/%d/status", pid);
    f = fopen(path, "re");
    while (f && fgets(line, sizeof line, f))
        if (!strncmp(line, "VmHWM:", 6))
            kib = strtoll(line + 6, NULL, 10);
    if (f)
        fclose(f);
    return kib;
}

static bool is_over(int pid)
{
    siginfo_t info = { 0 };

    return waitid(P_PID, (id_t)pid, &info, WEXITED | WNOHANG | WNOWAIT) || info.si_pid;
}

static void crawl_hell(void)
{
    const char *ca;
    struct buf seeds;

    start_servers();
    buf_init(&seeds, (size_t)MIB);
    write_seeds(&seeds);
    rig_open(&g,
             &(struct origin_options){ .routes = hell.routes,
                                       .n_routes = hell.n_routes,
                                       .n_addresses = HELL_LAST },
             seeds.ptr);
    buf_clear(&seeds);
    ca = origin_ca_file(tls);
    program_start(&g.p, ARGS{ "seeds.txt",
                              "--progress",
                              "none",
                              "-q",
                              "--scope",
                              "any",
                              "--allow-net",
                              "127.0.0.0/26",
                              "--dns",
                              nameserver_text(names),
                              "--ca-file",
                              ca,
                              "--cookies",
                              "--delay",
                              "0",
                              "--per-host",
                              "64",
                              "--per-ip",
                              "64",
                              "--retries",
                              "1",
                              "--max-wait",
                              "20s",
                              "--max-redirects",
                              "3",
                              "--max-size",
                              "2M",
                              "--max-pages-per-host",
                              "120",
                              "--connect-timeout",
                              "2s",
                              "--first-byte-timeout",
                              "3s",
                              "--timeout",
                              "9s",
                              "--low-speed-time",
                              "3s",
                              "--max-memory",
                              "256M",
                              "--workers",
                              "2",
                              "--json-summary",
                              "summary.json",
                              NULL });
    while (!is_over(g.p.pid)) {
        peak_kib = MAX(peak_kib, peak_of(g.p.pid));
        usleep(20000);
    }
    exit_code = program_wait(&g.p);
}

static void close_hell(void)
{
    rig_close(&g);
    origin_stop(tls);
    origin_stop(expired);
    origin_stop(mute);
    origin_stop(canary);
    nameserver_stop(names);
}

/* --- each URL ---------------------------------------------------------------------------- */

static const char *url_of(const struct hell_case *c)
{
    static char url[512];

    snprintf(url, sizeof url, "%s", c->url);
    if (c->host && c->url[0] == '/') {
        snprintf(url, sizeof url, "http://127.0.0.%u:%u%s", c->host, origin_port(g.o),
                 c->url);
    } else if (strstr(c->url, "$PORT")) {
        size_t n = (size_t)(strstr(c->url, "$PORT") - c->url);

        snprintf(url + n, sizeof url - n, "%u%s", origin_port(g.o), c->url + n + 5);
    }
    return url;
}

static const char *row_of(const struct hell_case *c)
{
    char sql[1024];

    snprintf(
        sql, sizeof sql,
        "SELECT trim(u.state || coalesce(' ' || u.reason, '') || coalesce(' ' || f.outcome, '')"
        " || coalesce(' ' || f.status_code, '') || coalesce(' ' || p.parse_outcome, ''))"
        " FROM urls u LEFT JOIN fetches f ON f.url_id = u.id LEFT JOIN pages p ON p.url_id = u.id"
        " WHERE u.url = '%s' ORDER BY f.id DESC LIMIT 1",
        url_of(c));
    return program_text(&g.p, sql);
}

/* With --retries 1: what may pass, but not what the server meant as it is. */
static bool is_retried(const struct hell_case *c)
{
    return c->row && (!strcmp(c->row, "failed timeout timeout") ||
                      !strcmp(c->row, "failed timeout timeout 200") ||
                      !strncmp(c->row, "failed connection_lost", 22) ||
                      !strncmp(c->row, "failed incomplete", 17));
}

/* words: "A|B" */
static bool is_one_of(const char *got, const char *words)
{
    struct span rest = span_str(words), word;

    while (span_split(&rest, '|', &word))
        if (span_eq(word, span_str(got)))
            return true;
    return false;
}

static void is_recorded(void **state)
{
    const struct hell_case *c = *state;
    char host[32];

    if (c->row && !is_one_of(row_of(c), c->row))
        assert_string_equal(row_of(c), c->row);
    snprintf(host, sizeof host, "127.0.0.%u", c->host);
    if (c->host && c->url[0] == '/' && c->n_requests >= 0)
        assert_int_equal(traffic_count(g.o, host, c->url),
                         c->n_requests * (1 + is_retried(c)));
}

/* --- all of it ------------------------------------------------------------------------------- */

static void it_ends_by_itself_and_the_database_holds(void **state)
{
    (void)state;
    assert_int_equal(exit_code, 0);
    assert_int_equal(
        program_number(&g.p, "SELECT count(*) FROM urls WHERE state = 'queued'"), 0);
    assert_int_equal(
        program_number(
            &g.p,
            "SELECT count(*) FROM urls WHERE state IN ('failed', 'excluded') AND reason IS NULL"),
        0);
    assert_int_equal(program_run(&g.p, ARGS{ "verify", NULL }), 0);
}

/* Milliseconds of one kind: rounded alike. */
static void no_answer_ends_before_it_begins(void **state)
{
    (void)state;
    assert_int_equal(program_number(&g.p, "SELECT count(*) FROM fetches WHERE total_ms < ttfb_ms"), 0);
}

static void memory_stays_within_its_bounds(void **state)
{
    (void)state;
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
    skip(); /* its shadow is memory, too */
#endif
    if (peak_kib > RESIDENT_MB * 1024)
        fail_msg("%lld KiB resident", (long long)peak_kib);
    print_message("    peak resident %lld MiB, %llu MiB sent by the origins\n",
                  (long long)peak_kib / 1024,
                  (unsigned long long)(origin_counts(g.o).bytes_sent >> 20));
}

/* Measured and said; what it is depends on the machine, and on what else it does. */
static void p57_how_long_the_loop_was_held_up_is_told(void **state)
{
    struct span all, steps;
    struct buf json;

    (void)state;
    buf_init(&json, (size_t)MIB);
    assert_int_equal(io_read_file(program_path(&g.p, "summary.json"), &json, NULL), OK);
    all = buf_span(&json);
    steps = span_skip(all, span_find_span(all, SPAN("\"loop_steps\"")));
    steps = span_slice(steps, 0, span_find_span(steps, SPAN(",\"outcomes\"")));
    assert_true(span_find_span(steps, SPAN("\"longest_step_ms\":")) < steps.len);
    /* The flood of PINGs, where nghttp2 does not end it itself, as that of Debian 13 does. */
    assert_true(span_find_span(steps, SPAN("\"connections_cut\":0")) == steps.len ||
                strcmp(program_text(&g.p, "SELECT count(*) > 0 FROM fetches WHERE error LIKE '%Flooding was detected%'"), "1") == 0);
    print_message("    %.*s\n", SPAN_ARG(steps));
    buf_clear(&json);
}

static void nobody_was_asked_who_must_not_be(void **state)
{
    (void)state;
    assert_int_equal(origin_counts(canary).connections, 0);
    assert_int_equal(origin_counts(expired).requests, 0);
    for (uint32_t host = 10; host < 25; host++) {
        char name[32];

        snprintf(name, sizeof name, "127.0.0.%u", host);
        if (traffic_nth(g.o, name, NULL, 0))
            assert_string_equal(traffic_nth(g.o, name, NULL, 0)->path, "/robots.txt");
    }
}

static void traps_end_at_the_host_limit_and_say_so(void **state)
{
    (void)state;
    assert_true(traffic_count(g.o, "127.0.0.3", NULL) <= HOST_PAGES + 1);
    assert_true(
        program_number(
            &g.p,
            "SELECT count(*) FROM urls WHERE reason = 'host_limit' AND url LIKE '%/calendar%'") >=
        1);
    assert_int_equal(
        program_number(
            &g.p,
            "SELECT count(*) FROM urls WHERE reason = 'trap' AND rule = 'trap: repeated segments' AND url LIKE '%.3:%/deep/a/a/a%'"),
        1);
    assert_int_equal(
        program_number(&g.p, "SELECT count(*) FROM urls WHERE reason = 'url_too_long'"),
        1);
    /* P13: what lies near a seed comes before what lies deep. */
    assert_true(rig_start_us(&g, "127.0.0.3", "/good", 0) <
                rig_start_us(&g, "127.0.0.3", "/calendar?month=9", 0));
}

/* P45: a needle set by one host is in no request to another. */
static void cookies_stay_at_home(void **state)
{
    (void)state;
    for (size_t i = 0; origin_request_at(g.o, i); i++) {
        const struct origin_request *r = origin_request_at(g.o, i);

        if (strncmp(r->host, "127.0.0.31:", 11))
            assert_null(strstr(r->headers, "wall="));
    }
}

static void stray_answers_are_nobodys(void **state)
{
    (void)state;
    assert_int_equal(
        program_number(&g.p, "SELECT count(*) FROM pages WHERE title = 'Smuggled'"), 0);
    assert_int_equal(
        program_number(
            &g.p,
            "SELECT count(*) FROM urls WHERE url LIKE '%passwd%' AND state <> 'excluded'"),
        0);
    assert_int_equal(
        program_number(&g.p, "SELECT count(*) FROM pages WHERE title LIKE '%root:%'"),
        0);
}

/* P37: whatever was in titles, URLs and errors, a terminal sees none of it raw. */
static void nothing_unsafe_is_printed(void **state)
{
    (void)state;
    assert_int_equal(
        program_run(
            &g.p,
            ARGS{ "sql",
                  "SELECT url, title FROM pages LEFT JOIN urls ON urls.id = url_id",
                  "--format", "table", NULL }),
        0);
    for (size_t i = 0; i < g.p.out.len; i++) {
        unsigned char byte = (unsigned char)g.p.out.ptr[i];

        assert_true((byte >= 0x20 || byte == '\n') && byte != 0x7f);
    }
    assert_int_equal(span_find_span(buf_span(&g.p.out), SPAN("\xe2\x80\xae")),
                     g.p.out.len);
    assert_int_equal(span_find_span(buf_span(&g.p.out), SPAN("\xc2\x80")), g.p.out.len);
}

int main(void)
{
    static struct CMUnitTest rows[HELL_MAX_CASES];
    const struct CMUnitTest others[] = {
        cmocka_unit_test(it_ends_by_itself_and_the_database_holds),
        cmocka_unit_test(no_answer_ends_before_it_begins),
        cmocka_unit_test(memory_stays_within_its_bounds),
        cmocka_unit_test(p57_how_long_the_loop_was_held_up_is_told),
        cmocka_unit_test(nobody_was_asked_who_must_not_be),
        cmocka_unit_test(traps_end_at_the_host_limit_and_say_so),
        cmocka_unit_test(cookies_stay_at_home),
        cmocka_unit_test(stray_answers_are_nobodys),
        cmocka_unit_test(nothing_unsafe_is_printed),
    };
    int failed;

    crawl_hell();
    for (size_t i = 0; i < hell.n_cases; i++)
        rows[i] = (struct CMUnitTest){ hell.cases[i].url, is_recorded, NULL, NULL,
                                       &hell.cases[i] };
    failed = _cmocka_run_group_tests("flow/hell: row", rows, hell.n_cases, NULL, NULL);
    failed += cmocka_run_group_tests_name("flow/hell", others, NULL, NULL);
    close_hell();
    return failed;
}
