/* SPDX-License-Identifier: MIT */
/* What a person at a terminal sees: widths, pagers, and that no part of it is lost. */
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <sys/ioctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "config/io.h"
#include "tests/kit/rig.h"

#define TEN_TIMES(text) text text text text text text text text text text
#define LONG            TEN_TIMES(TEN_TIMES("long ")) "end"
#define TITLE "How coroutines replace callbacks, and what it means for an event loop"

static const struct origin_route site[] = {
    NO_ROBOTS,
    { .path = "/", .headers = HTML, .body = LIT("<title>" TITLE "</title><p>Nothing more.<a href=/long>l</a>") },
    { .path = "/long", .headers = HTML, .body = LIT("<title>" LONG "</title>") },
};

static struct rig rig;

static int crawl_site(void **state)
{
    (void)state;
    RIG_OPEN(&rig, site, 1, "http://127.0.0.1:$PORT/\n");
    return program_crawl(&rig.p, ARGS{ "seeds.txt", "--delay", "0", "-q", NULL });
}

static int end_site(void **state)
{
    (void)state;
    rig_close(&rig);
    return 0;
}

static bool is_running(int pid)
{
    siginfo_t info = { 0 };

    return waitid(P_PID, (id_t)pid, &info, WEXITED | WNOHANG | WNOWAIT) == 0 && info.si_pid == 0;
}

/* Runs the program on a terminal of 20 rows; what it prints there, into out. It has ends of lines of its own. */
static void on_terminal(int columns, const char *const *args, struct buf *out)
{
    struct winsize size = { .ws_col = (unsigned short)columns, .ws_row = 20 };
    int master = posix_openpt(O_RDWR | O_NOCTTY | O_CLOEXEC);
    char block[4096];
    bool runs;
    ssize_t n;

    assert_true(master >= 0 && !grantpt(master) && !unlockpt(master));
    rig.p.terminal_fd = open(ptsname(master), O_RDWR | O_NOCTTY | O_CLOEXEC);
    assert_true(rig.p.terminal_fd > 0);
    assert_int_equal(ioctl(master, TIOCSWINSZ, &size), 0);
    assert_int_equal(fcntl(master, F_SETFL, O_NONBLOCK), 0);
    buf_reset(out);
    program_start(&rig.p, args);
    do { /* it may print more than the terminal holds */
        runs = is_running(rig.p.pid);
        n = read(master, block, sizeof block);
        if (n > 0)
            assert_int_equal(buf_append(out, span_make(block, (size_t)n)), OK);
        else
            usleep(1000);
    } while (n > 0 || runs);
    program_wait(&rig.p);
    close(rig.p.terminal_fd);
    rig.p.terminal_fd = 0;
    close(master);
}

static bool has(const struct buf *out, const char *text)
{
    struct span all = buf_span(out);

    return span_find_span(all, span_str(text)) < all.len;
}

/* Fails when a line of out has more than width columns; examples of commands may. Returns the widest. */
static size_t widest_line(const struct buf *out, size_t width)
{
    struct span rest = buf_span(out), line;
    size_t widest = 0;

    while (span_split(&rest, '\n', &line)) {
        line = span_slice(line, 0, span_find(line, '\r'));
        widest = MAX(widest, line.len);
        if (line.len > width && !span_starts(line, SPAN("  crawl")))
            fail_msg("%zu columns: '%.*s'", width, SPAN_ARG(line));
    }
    return widest;
}

static void help_is_as_wide_as_the_terminal(void **state)
{
    static const int widths[] = { 50, 60, 80, 200 };
    static const char *const commands[][3] = {
        { "--help" }, { "plan", "--help" }, { "diff", "--help" }, { "export", "--help" }, { "search", "--help" },
    };
    struct buf out;

    (void)state;
    buf_init(&out, (size_t)MIB);
    for (size_t i = 0; i < ARRAY_LEN(widths) * ARRAY_LEN(commands); i++) {
        int width = widths[i % ARRAY_LEN(widths)];
        size_t widest;

        on_terminal(width, commands[i / ARRAY_LEN(widths)], &out);
        assert_true(out.len > 500);
        widest = widest_line(&out, (size_t)MIN(width, 100));
        assert_true(width < 80 || widest > 70);
    }
    buf_clear(&out);
}

static void lists_are_as_wide_as_the_terminal(void **state)
{
    struct buf out;

    (void)state;
    buf_init(&out, (size_t)MIB);
    setenv("TERM", "dumb", 1);
    on_terminal(80, ARGS{ "sql", "--list", NULL }, &out);
    assert_true(has(&out, "broken-links"));
    (void)widest_line(&out, 80);
    on_terminal(40, ARGS{ "schema", "urls", NULL }, &out);
    assert_true(has(&out, "every URL ever met"));
    (void)widest_line(&out, 40);
    buf_clear(&out);
}

/* A page of ten thousand letters in its title would leave nothing else on the screen. */
static void a_long_value_takes_a_few_lines_unless_all_is_wanted(void **state)
{
    char url[64];
    struct buf out;

    (void)state;
    buf_init(&out, (size_t)MIB);
    setenv("TERM", "dumb", 1);
    snprintf(url, sizeof url, "http://127.0.0.1:%d/long", origin_port(rig.o));
    on_terminal(80, ARGS{ "show", url, NULL }, &out);
    assert_true(has(&out, "long long"));
    assert_true(has(&out, "\u2026\r\n"));
    assert_false(has(&out, "end\r\n"));
    on_terminal(80, ARGS{ "show", "--all", url, NULL }, &out);
    assert_true(has(&out, "end\r\n"));
    assert_int_equal(program_run(&rig.p, ARGS{ "show", url, NULL }), 0);
    assert_true(has(&rig.p.out, "long end\n"));
    buf_clear(&out);
}

static void a_title_that_fits_is_shown_from_its_beginning(void **state)
{
    struct buf out;

    (void)state;
    buf_init(&out, (size_t)MIB);
    setenv("TERM", "dumb", 1);
    on_terminal(80, ARGS{ "search", "--no-pager", "loop", NULL }, &out);
    assert_true(has(&out, "  1. " TITLE "\r\n"));
    on_terminal(60, ARGS{ "search", "--no-pager", "loop", NULL }, &out);
    assert_true(has(&out, "  1. \u2026 "));
    assert_true(has(&out, "for an event loop\r\n"));
    buf_clear(&out);
}

/* less asks whether a dumb terminal is meant, and without a locale shows every letter that is not ASCII as numbers. */
static void a_pager_knows_our_encoding_and_leaves_dumb_terminals_alone(void **state)
{
    struct buf out;

    (void)state;
    buf_init(&out, (size_t)MIB);
    setenv("PAGER", "echo \"paged as $LESSCHARSET\"; cat", 1);
    setenv("TERM", "xterm", 1);
    on_terminal(80, ARGS{ "schema", NULL }, &out);
    assert_true(has(&out, "paged as utf-8\r\n"));
    setenv("TERM", "dumb", 1);
    on_terminal(80, ARGS{ "schema", NULL }, &out);
    assert_false(has(&out, "paged"));
    assert_true(has(&out, "every URL ever met"));
    unsetenv("PAGER");
    buf_clear(&out);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(help_is_as_wide_as_the_terminal),
        cmocka_unit_test(lists_are_as_wide_as_the_terminal),
        cmocka_unit_test(a_long_value_takes_a_few_lines_unless_all_is_wanted),
        cmocka_unit_test(a_title_that_fits_is_shown_from_its_beginning),
        cmocka_unit_test(a_pager_knows_our_encoding_and_leaves_dumb_terminals_alone),
    };

    return cmocka_run_group_tests_name("flow/terminal", tests, crawl_site, end_site);
}
