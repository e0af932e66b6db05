/* SPDX-License-Identifier: MIT */
#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

#include "config/mem.h"
#include "config/settings_file.h"

/* --- the file ------------------------------------------------------------------------------------------------ */

static enum err read_text(struct settings *s, struct span text, struct err_note *note)
{
    *s = (struct settings){ 0 };
    options_set_defaults(&settings_table, s);
    return settings_file_read(s, "f.conf", text, note);
}

static void a_file_in_every_allowed_dress(void **state)
{
    struct settings s;
    struct err_note note;

    (void)state;
    assert_int_equal(read_text(&s,
                               SPAN("\xef\xbb\xbf# a comment\r\n"
                                    "; another = one\r\n\r\n"
                                    "  depth=3\r\n"
                                    "\tmax-pages   =  none\t\r\n"
                                    "no-robots = on\n"
                                    "user-agent = a ; b # c = d\n"
                                    "exclude = \\.zip$\n"
                                    "[host \"*.example.org\"]\n"
                                    "  delay = 5s\n"
                                    "  per-host = 2\n"
                                    "  header = A: b\n"
                                    "  header = C: d\n"
                                    "[ HOST   \"b.org\" ]\n"
                                    "insecure = yes\n"
                                    "max-pages-per-host = none"),
                               &note),
                     OK);
    assert_int_equal(s.depth, 3);
    assert_int_equal(s.max_pages, -1);
    assert_true(s.has_no_robots);
    assert_string_equal(s.user_agent, "a ; b # c = d");
    assert_string_equal(s.rules.items[0].text, "\\.zip$");
    assert_int_equal(s.n_hosts, 2);
    assert_int_equal(s.hosts[0].delay_ms, 5000);
    assert_int_equal(s.hosts[0].per_host, 2);
    assert_int_equal(s.hosts[0].max_pages_per_host, -2);
    assert_int_equal(s.hosts[0].headers.len, 2);
    assert_int_equal(s.hosts[1].delay_ms, -2);
    assert_true(s.hosts[1].is_insecure);
    assert_int_equal(s.hosts[1].max_pages_per_host, -1);
    assert_int_equal(s.delay_ms, 1000);
    settings_clear(&s);
}

static void a_section_may_be_taken_up_again(void **state)
{
    struct settings s;
    struct err_note note;

    (void)state;
    assert_int_equal(
        read_text(&s,
                  SPAN("[host \"a.org\"]\ndelay=1s\n[host \"b.org\"]\ndelay=2s\n"
                       "[host \"a.org\"]\nper-host=3\n"),
                  &note),
        OK);
    assert_int_equal(s.n_hosts, 2);
    assert_int_equal(s.hosts[0].delay_ms, 1000);
    assert_int_equal(s.hosts[0].per_host, 3);
    settings_clear(&s);
}

static void a_long_line_is_read_whole(void **state)
{
    static char text[20000];
    struct settings s;
    struct err_note note;
    int n = snprintf(text, sizeof text, "header = Authorization: Bearer ");

    (void)state;
    memset(text + n, 'x', sizeof text - (size_t)n);
    assert_int_equal(read_text(&s, span_make(text, sizeof text), &note), OK);
    assert_int_equal(strlen(s.headers.items[0].text),
                     sizeof text - strlen("header = "));
    settings_clear(&s);
}

static void empty_files_are_fine(void **state)
{
    static const char *const texts[] = { "", "\n\n", "# x", "\xef\xbb\xbf", "\r\n" };
    struct settings s;
    struct err_note note;

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(texts); i++) {
        assert_int_equal(read_text(&s, span_str(texts[i]), &note), OK);
        settings_clear(&s);
    }
}

static const struct file_row {
    const char *text, *want;
} file_rows[] = {
    { "depth = 1\n\ndepht = 2\n",
      "f.conf:3: there is no option 'depht'; did you mean 'depth'?" },
    { "depth = x",
      "f.conf:1: 'x' is not possible for depth: it must be a whole number from 0 to 1000000, or none" },
    { "# c\r\ndelay = 5\r\n",
      "f.conf:2: '5' is not possible for delay: it must be a duration" },
    { "delay = 5s ; slowly\n", "f.conf:1: '5s ; slowly' is not possible for delay" },
    { "depth\n",
      "f.conf:1: it must be 'key = value', [host \"PATTERN\"] or a comment behind #" },
    { "depth: 5\n", "f.conf:1: it must be 'key = value'" },
    { "= 5\n", "f.conf:1: there is no option ''" },
    { "depth =\n", "f.conf:1: '' is not possible for depth" },
    { "depth = 5\n  10\n", "f.conf:2: it must be 'key = value'" },
    { "[hots \"a\"]\n",
      "f.conf:1: there is no section [hots \"a\"]; did you mean [host \"PATTERN\"] or [extract \"NAME\"]?" },
    { "\n[politeness]\ndelay = 1s\n",
      "f.conf:2: there is no section [politeness]; did you mean" },
    { "[host a.org]\n", "f.conf:1: there is no section [host a.org]; did you mean" },
    { "[host \"\"]\n", "f.conf:1: there is no section" },
    { "[host \"a\"b\"]\n", "f.conf:1: there is no section" },
    { "[host \"a.org\"\n", "f.conf:1: there is no section" },
    { "[host]\n", "f.conf:1: there is no section" },
    { "[]\n", "f.conf:1: there is no section" },
    { "[\n", "f.conf:1: there is no section" },
    { "[host \"a\"]\ndelya = 1s\n",
      "f.conf:2: there is no option 'delya'; did you mean 'delay'?" },
    { "[host \"a\"]\ndepth = 1\n",
      "f.conf:2: depth is the same for all hosts: it must stand above the first section" },
    { "[host \"a\"]\nper-host = 0\n",
      "f.conf:2: '0' is not possible for per-host: it must be a whole number from 1 to 10000" },
    { "[host \"a\"]\ndelay = none\n", "f.conf:2: 'none' is not possible for delay" },
    { "config = other.conf\n", "f.conf:1: config works on the command line only" },
    { "set = depth=5\n", "f.conf:1: set works on the command line only" },
    { "help = yes\n", "f.conf:1: help works on the command line only" },
    { "depth = 1\n\x7f"
      "ELF\n",
      "f.conf:2: byte 0x7f; is this a text file?" },
    { "depth = 1\ruser-agent = x\n", "f.conf:1: byte 0x0d; is this a text file?" },
    { "user-agent = \x1b[2J\n", "f.conf:1: byte 0x1b; is this a text file?" },
};

static void check_file(void **state)
{
    const struct file_row *row = *state;
    struct err_note note = { "" };
    struct settings s;

    assert_int_equal(read_text(&s, span_str(row->text), &note), ERR_USAGE);
    assert_ptr_equal(strstr(note.text, row->want), note.text);
    settings_clear(&s);
}

static void a_nul_byte_is_named(void **state)
{
    struct err_note note = { "" };
    struct settings s;

    (void)state;
    assert_int_equal(read_text(&s, SPAN("depth = 1\ndb = a\0b\n"), &note), ERR_USAGE);
    assert_string_equal(note.text, "f.conf:2: byte 0x00; is this a text file?");
    settings_clear(&s);
}

/* --- hosts ------------------------------------------------------------------------------------------------------ */

static void the_last_pattern_that_matches_counts(void **state)
{
    static const struct {
        const char *host;
        int64_t delay; /* -1: no section */
    } rows[] = {
        { "a.org", 1000 },        { "A.ORG", 1000 },
        { "www.a.org", 2000 },    { "x.y.a.org", 2000 },
        { "api.a.org", 3000 },    { "xa.org", -1 },
        { "a.org.evil.net", -1 }, { "", -1 },
        { "b-7-c.net", 4000 },    { "b--c.net", 4000 },
        { "b-c.net", -1 },        { "[::1]", 5000 },
        { "axorg", -1 },          { "10.0.0.1", 6000 },
        { "a.org.", 1000 },       { "a.org..", -1 },
        { "x.a.b.org", -1 },      { "x.a.b.a.org", 2000 },
    };
    struct settings s;
    struct err_note note;

    (void)state;
    assert_int_equal(
        read_text(&s,
                  SPAN("[host \"a.org\"]\ndelay=1s\n[host \"*.A.org\"]\ndelay=2s\n"
                       "[host \"api.*\"]\ndelay=3s\n[host \"b-*-c.net\"]\ndelay=4s\n"
                       "[host \"[::1]\"]\ndelay=5s\n[host \"10.*\"]\ndelay=6s\n"),
                  &note),
        OK);
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        const struct host_settings *h = settings_for_host(&s, span_str(rows[i].host));

        assert_true((h ? h->delay_ms : -1) == rows[i].delay);
    }
    settings_clear(&s);
    assert_null(settings_for_host(&s, SPAN("a.org")));
}

static void a_pattern_of_many_stars_takes_no_time(void **state)
{
    char host[2000];
    struct settings s;
    struct err_note note;

    (void)state;
    memset(host, 'a', sizeof host);
    assert_int_equal(
        read_text(&s,
                  SPAN("[host \"*a*a*a*a*a*a*a*a*a*a*a*a*a*a*a*a*a*a*b\"]\ndelay=1s\n"),
                  &note),
        OK);
    assert_null(settings_for_host(&s, span_make(host, sizeof host)));
    host[sizeof host - 1] = 'b';
    assert_non_null(settings_for_host(&s, span_make(host, sizeof host)));
    settings_clear(&s);
}

int main(void)
{
    static const struct CMUnitTest fixed[] = {
        cmocka_unit_test(a_file_in_every_allowed_dress),
        cmocka_unit_test(a_section_may_be_taken_up_again),
        cmocka_unit_test(a_long_line_is_read_whole),
        cmocka_unit_test(empty_files_are_fine),
        cmocka_unit_test(a_nul_byte_is_named),
        cmocka_unit_test(the_last_pattern_that_matches_counts),
        cmocka_unit_test(a_pattern_of_many_stars_takes_no_time),
    };
    static char names[ARRAY_LEN(file_rows)][64];
    struct CMUnitTest tests[ARRAY_LEN(fixed) + ARRAY_LEN(file_rows)];
    size_t n = 0;

    for (size_t i = 0; i < ARRAY_LEN(fixed); i++)
        tests[n++] = fixed[i];
    for (size_t i = 0; i < ARRAY_LEN(file_rows); i++) {
        snprintf(names[i], sizeof names[i], "%s", file_rows[i].want);
        tests[n++] =
            (struct CMUnitTest){ .name = names[i],
                                 .test_func = check_file,
                                 .initial_state = (void *)(uintptr_t)&file_rows[i] };
    }
    return cmocka_run_group_tests_name("config/settings_file", tests, NULL, NULL);
}
