/* SPDX-License-Identifier: MIT */
#include <setjmp.h>
#include <stdarg.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "config/io.h"
#include "config/mem.h"
#include "config/settings.h"

#define A(text)   ((char *)(uintptr_t)(text))
#define ARGS(...) ((char *[]){ A("crawl"), __VA_ARGS__, NULL })
#define ENV(...)  ((char *[]){ __VA_ARGS__, NULL })

/* Every test runs in an empty directory of its own, so that crawl.conf is what it writes. */
static char old_dir[4096], dir[64];

static int enter_dir(void **state)
{
    (void)state;
    snprintf(dir, sizeof dir, "/tmp/test_settings_XXXXXX");
    return getcwd(old_dir, sizeof old_dir) && mkdtemp(dir) && chdir(dir) == 0 ? 0 : -1;
}

static int leave_dir(void **state)
{
    (void)state;
    unlink("crawl.conf");
    unlink("other.conf");
    return chdir(old_dir) == 0 && rmdir(dir) == 0 ? 0 : -1;
}

static void write_file(const char *name, const char *text)
{
    assert_int_equal(io_replace_file(name, span_str(text), NULL), OK);
}

static enum err load(struct settings *s, char **argv, char **env, struct err_note *note)
{
    char **operands;
    size_t n;
    int argc = 0;
    enum err e;

    while (argv[argc])
        argc++;
    note->text[0] = '\0';
    e = settings_load(s, argc, argv, env, &operands, &n, note);
    if (!e)
        mem_free(operands);
    return e;
}

static enum err load_args(struct settings *s, char **argv, struct err_note *note)
{
    return load(s, argv, NULL, note);
}

/* --- defaults ------------------------------------------------------------------------------ */

static void without_anything_the_defaults_hold(void **state)
{
    struct settings s;
    struct err_note note;

    (void)state;
    assert_int_equal(load(&s, ARGS(NULL), NULL, &note), OK);
    assert_string_equal(s.db, "crawl.db");
    assert_int_equal(s.depth, -1);
    assert_int_equal(s.max_pages, -1);
    assert_int_equal(s.max_pages_per_host, 50000);
    assert_int_equal(s.scope, SCOPE_HOST);
    assert_int_equal(s.delay_ms, 1000);
    assert_int_equal(s.per_host, 1);
    assert_int_equal(s.per_ip, 8);
    assert_int_equal(s.concurrency, 1000);
    assert_int_equal(s.rate, -1);
    assert_true(s.workers >= 2);
    assert_int_equal(s.max_wait_ms, 300000);
    assert_int_equal(s.connect_timeout_ms, 10000);
    assert_int_equal(s.first_byte_timeout_ms, 30000);
    assert_int_equal(s.timeout_ms, 120000);
    assert_int_equal(s.low_speed_bytes, 100);
    assert_int_equal(s.low_speed_ms, 30000);
    assert_int_equal(s.retries, 2);
    assert_int_equal(s.max_size, 10 * MIB);
    assert_int_equal(s.max_redirects, 10);
    assert_int_equal(s.store_bodies, BODIES_HTML);
    assert_int_equal(s.progress, PROGRESS_AUTO);
    assert_true(s.max_memory >= 64 * MIB);
    assert_int_equal(s.min_free, 100 * MIB);
    assert_false(s.has_no_robots || s.has_no_sandbox || s.allows_private ||
                 s.uses_cookies || s.is_fresh);
    assert_null(s.proxy);
    settings_clear(&s);
}

static void per_ip_follows_per_host(void **state)
{
    struct settings s;
    struct err_note note;

    (void)state;
    assert_int_equal(load_args(&s, ARGS(A("--per-host"), A("20")), &note), OK);
    assert_int_equal(s.per_ip, 20);
    settings_clear(&s);
    assert_int_equal(load_args(&s, ARGS(A("--per-host=20"), A("--per-ip=2")), &note),
                     OK);
    assert_int_equal(s.per_ip, 2);
    settings_clear(&s);
}

/* --- precedence ------------------------------------------------------------------------------ */

static void command_line_over_environment_over_file_over_default(void **state)
{
    struct settings s;
    struct err_note note;

    (void)state;
    write_file("crawl.conf", "depth = 1\nmax-pages = 1\ndelay = 1h\n");
    assert_int_equal(load(&s, ARGS(A("--depth=3")),
                          ENV(A("CRAWL_DEPTH=2"), A("CRAWL_MAX_PAGES=2")), &note),
                     OK);
    assert_int_equal(s.depth, 3);
    assert_int_equal(s.max_pages, 2);
    assert_int_equal(s.delay_ms, 3600000);
    assert_int_equal(s.retries, 2);
    settings_clear(&s);
}

static void lists_add_up_in_that_order(void **state)
{
    struct settings s;
    struct err_note note;

    (void)state;
    write_file("crawl.conf", "include = a\nexclude = b\n");
    assert_int_equal(load(&s, ARGS(A("--exclude=d"), A("--include=e")),
                          ENV(A("CRAWL_INCLUDE=c")), &note),
                     OK);
    assert_int_equal(s.rules.len, 5);
    for (size_t i = 0; i < 5; i++)
        assert_int_equal(s.rules.items[i].text[0], "abcde"[i]);
    assert_int_equal(s.rules.items[0].tag, RULE_INCLUDE);
    assert_int_equal(s.rules.items[1].tag, RULE_EXCLUDE);
    assert_int_equal(s.rules.items[3].tag, RULE_EXCLUDE);
    settings_clear(&s);
}

static void a_list_of_the_command_line_is_there_once(void **state)
{
    struct settings s;
    struct err_note note;

    (void)state;
    assert_int_equal(load_args(&s, ARGS(A("--header=A: b")), &note), OK);
    assert_int_equal(s.headers.len, 1);
    settings_clear(&s);
}

/* --- the environment ---------------------------------------------------------------------------- */

static void variables_are_options_in_capitals(void **state)
{
    struct settings s;
    struct err_note note;

    (void)state;
    assert_int_equal(load(&s, ARGS(NULL),
                          ENV(A("PATH=/bin"), A("CRAWL_MAX_PAGES_PER_HOST=7"),
                              A("CRAWL_NO_ROBOTS=yes"), A("CRAWL_USER_AGENT=a=b"),
                              A("XCRAWL_DEPTH=x"), A("CRAWLER=1"), A("odd")),
                          &note),
                     OK);
    assert_int_equal(s.max_pages_per_host, 7);
    assert_true(s.has_no_robots);
    assert_string_equal(s.user_agent, "a=b");
    settings_clear(&s);
}

static void proxies_and_homes_of_the_environment_change_nothing(void **state)
{
    struct settings s;
    struct err_note note;

    (void)state;
    assert_int_equal(load(&s, ARGS(NULL),
                          ENV(A("http_proxy=http://p/"), A("HTTPS_PROXY=http://p/"),
                              A("ALL_PROXY=x")),
                          &note),
                     OK);
    assert_null(s.proxy);
    settings_clear(&s);
}

static const struct wrong_env {
    const char *variable, *want;
} wrong_envs[] = {
    { "CRAWL_DEPHT=5",
      "environment CRAWL_DEPHT: there is no option 'depht'; did you mean 'depth'?" },
    { "CRAWL_=5",
      "environment CRAWL_: there is no option ''; 'crawl --help' lists them" },
    { "CRAWL_DEPTH", "environment CRAWL_DEPTH: '' is not possible for depth" },
    { "CRAWL_NO_ROBOTS=",
      "environment CRAWL_NO_ROBOTS: '' is not possible for no-robots: it must be yes or no" },
    { "CRAWL_DELAY=5",
      "environment CRAWL_DELAY: '5' is not possible for delay: it must be a duration" },
    { "CRAWL_SET=depth=5",
      "environment CRAWL_SET: set works on the command line only" },
    { "CRAWL_HELP=yes", "environment CRAWL_HELP: help works on the command line only" },
    { "CRAWL_AN_OPTION_THAT_IS_LONGER_THAN_ANY_BUFFER_THAT_SOMEBODY_MAY_HAVE_MADE_FOR_IT=5",
      "there is no option 'an-option-that-is" },
};

static void wrong_variables_are_named(void **state)
{
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(wrong_envs); i++) {
        struct settings s;
        struct err_note note;

        assert_int_equal(load(&s, ARGS(NULL), ENV(A(wrong_envs[i].variable)), &note),
                         ERR_USAGE);
        assert_non_null(strstr(note.text, wrong_envs[i].want));
    }
}

/* --- which file ------------------------------------------------------------------------------------ */

static void a_named_file_replaces_crawl_conf(void **state)
{
    struct settings s;
    struct err_note note;

    (void)state;
    write_file("crawl.conf", "depth = 1\nretries = 7\n");
    write_file("other.conf", "depth = 2\n");
    assert_int_equal(load_args(&s, ARGS(A("--config"), A("other.conf")), &note), OK);
    assert_int_equal(s.depth, 2);
    assert_int_equal(s.retries, 2);
    settings_clear(&s);
    assert_int_equal(load(&s, ARGS(NULL), ENV(A("CRAWL_CONFIG=other.conf")), &note),
                     OK);
    assert_int_equal(s.depth, 2);
    settings_clear(&s);
    assert_int_equal(load(&s, ARGS(A("--config=crawl.conf")),
                          ENV(A("CRAWL_CONFIG=other.conf")), &note),
                     OK);
    assert_int_equal(s.depth, 1);
    settings_clear(&s);
}

static void a_named_file_must_exist(void **state)
{
    struct settings s;
    struct err_note note;

    (void)state;
    assert_int_equal(load_args(&s, ARGS(A("--config=missing.conf")), &note), ERR_USAGE);
    assert_string_equal(note.text,
                        "cannot open missing.conf: No such file or directory");
    assert_int_equal(load(&s, ARGS(NULL), ENV(A("CRAWL_CONFIG=missing.conf")), &note),
                     ERR_USAGE);
    assert_int_equal(load_args(&s, ARGS(A("--config=.")), &note), ERR_USAGE);
    assert_string_equal(note.text, "cannot read .: Is a directory");
    assert_int_equal(load_args(&s, ARGS(A("--config=")), &note), ERR_USAGE);
    assert_non_null(strstr(note.text, "not empty"));
}

static void crawl_conf_that_cannot_be_read_is_not_passed_over(void **state)
{
    struct settings s;
    struct err_note note;

    (void)state;
    assert_int_equal(mkdir("crawl.conf", 0700), 0);
    assert_int_equal(load(&s, ARGS(NULL), NULL, &note), ERR_USAGE);
    assert_string_equal(note.text, "cannot read crawl.conf: Is a directory");
    rmdir("crawl.conf");
}

/* --- --set --------------------------------------------------------------------------------------------- */

static void set_sets_any_option_by_name(void **state)
{
    struct settings s;
    struct err_note note;

    (void)state;
    assert_int_equal(load_args(&s,
                               ARGS(A("--set"), A("max-pages=5"),
                                    A("--set=header=A: b=c"), A("--depth=2")),
                               &note),
                     OK);
    assert_int_equal(s.max_pages, 5);
    assert_int_equal(s.depth, 2);
    assert_string_equal(s.headers.items[0].text, "A: b=c");
    assert_int_equal(s.set.len, 0);
    settings_clear(&s);
}

static void wrong_sets_are_named(void **state)
{
    static const struct {
        const char *pair, *want;
    } rows[] = {
        { "depth", "--set depth: it must be KEY=VALUE" },
        { "depht=5", "--set: there is no option 'depht'; did you mean 'depth'?" },
        { "depth=x", "--set: 'x' is not possible for depth" },
        { "config=x", "--set: config works on the command line only" },
        { "set=depth=1", "--set: set works on the command line only" },
        { "=5", "--set: there is no option ''" },
        { "", "--set : it must be KEY=VALUE" },
    };

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        struct settings s;
        struct err_note note;

        assert_int_equal(load_args(&s, ARGS(A("--set"), A(rows[i].pair)), &note),
                         ERR_USAGE);
        assert_ptr_equal(strstr(note.text, rows[i].want), note.text);
    }
}

/* --- wrong command lines: nothing is loaded, the sentence says what and where -------------------------- */

static const struct wrong_row {
    char *args[4];
    const char *want;
} wrong_rows[] = {
    { { A("--delay"), A("5") },
      "--delay: '5' is not possible for delay: it must be a duration with its unit (500ms, 2s, 5m, 1h, 7d) from 0 to 1d" },
    { { A("--delay=25h") },
      "--delay: '25h' is not possible for delay: it must be a duration with its unit (500ms, 2s, 5m, 1h, 7d) from 0 to 1d" },
    { { A("-n"), A("-5") },
      "-n: '-5' is not possible for max-pages: it must be a whole number from 0, or none" },
    { { A("--scope=hots") },
      "--scope: 'hots' is not possible for scope: it must be one of host|domain|prefix|any" },
    { { A("--max-size=2G") },
      "--max-size: '2G' is not possible for max-size: it must be a size (65536, 64K, 10M, 1G) from 1 to 1G" },
    { { A("--max-pagse=5") },
      "command line: there is no option '--max-pagse'; did you mean '--max-pages'?" },
    { { A("--respect-nofollow") },
      "command line: there is no option '--respect-nofollow'; did you mean '--respect-rel-nofollow'?" },
    { { A("--concurrency=0") },
      "--concurrency: '0' is not possible for concurrency: it must be a whole number from 1 to 100000" },
    { { A("--rate=0") }, "--rate 0: it must be a whole number from 1, or none" },
    { { A("--per-ip=0") }, "--per-ip 0: it must be a whole number from 1, or none" },
    { { A("--workers=0") }, "--workers 0: it must be a whole number from 1, or none" },
    { { A("-qv") }, "--quiet and --verbose exclude each other" },
    { { A("--revisit-min=2d"), A("--revisit-max=1d") },
      "--revisit-min must not be longer than --revisit-max" },
    { { A("--max-memory=1M") }, "--max-memory must be at least 64M" },
    { { A("--db=") },
      "--db: '' is not possible for db: it must be one line of text, not empty" },
    { { A("--user-agent"), A("a\r\nX-Evil: 1") },
      "--user-agent: 'a\\x0D\\x0AX-Evil: 1' is not possible for user-agent: it must be one line of text, not empty" },
    { { A("--header"), A("A: b\nC: d") },
      "--header: 'A: b\\x0AC: d' is not possible for header: it must be one line of text" },
    { { A("--header"), A("Secret") }, "--header 'Secret': it must be 'Name: value'" },
    { { A("--header"), A(": secret") }, "--header '': it must be 'Name: value'" },
    { { A("--header"), A("A b: secret") }, "--header 'A b': it must be 'Name: value'" },
    { { A("--fail-on=bad-seeds") },
      "--fail-on 'bad-seeds': it must be one or more of bad-seed, failed, http-errors,"
      " new, gone, back, changed, broken, each perhaps with >N" },
    { { A("--fail-on=failed, nothing") },
      "--fail-on 'nothing': it must be one or more of bad-seed, failed, http-errors,"
      " new, gone, back, changed, broken, each perhaps with >N" },
    { { A("--depth") }, "--depth needs a value: N" },
};

static void check_wrong(void **state)
{
    const struct wrong_row *row = *state;
    struct settings s;
    struct err_note note;

    assert_int_equal(load_args(&s, ARGS(row->args[0], row->args[1]), &note), ERR_USAGE);
    assert_string_equal(note.text, row->want);
}

static void good_fail_on_words_and_headers(void **state)
{
    struct settings s;
    struct err_note note;

    (void)state;
    assert_int_equal(
        load_args(&s,
                  ARGS(A("--fail-on=failed, http-errors"), A("--fail-on=bad-seed"),
                       A("--header=X-A_1!#$%&'*+.^`|~: v:w"), A("--header=Empty:")),
                  &note),
        OK);
    settings_clear(&s);
}

/* --- what a file brings --------------------------------------------------------- */

static void host_headers_are_checked_without_telling_them(void **state)
{
    struct settings s;
    struct err_note note;

    (void)state;
    write_file("crawl.conf", "[host \"a.org\"]\nheader = A b: secret\n");
    assert_int_equal(load(&s, ARGS(NULL), NULL, &note), ERR_USAGE);
    assert_string_equal(note.text, "crawl.conf:2: header 'A b': it must be 'Name: value'");
}

static void what_is_checked_later_is_told_with_its_place(void **state)
{
    char *env[] = { (char *)(uintptr_t) "CRAWL_FAIL_ON=nothing", NULL };
    struct settings s;
    struct err_note note;

    (void)state;
    write_file("crawl.conf", "delay = 2s\nfail-on = nothing\n");
    assert_int_equal(load(&s, ARGS(NULL), NULL, &note), ERR_USAGE);
    assert_ptr_equal(strstr(note.text, "crawl.conf:2: fail-on 'nothing': it must be one or more of"), note.text);
    write_file("crawl.conf", "header = Secret\n");
    assert_int_equal(load(&s, ARGS(NULL), NULL, &note), ERR_USAGE);
    assert_string_equal(note.text, "crawl.conf:1: header 'Secret': it must be 'Name: value'");
    write_file("crawl.conf", "");
    assert_int_equal(load(&s, ARGS(NULL), env, &note), ERR_USAGE);
    assert_ptr_equal(strstr(note.text, "environment CRAWL_FAIL_ON: fail-on 'nothing': "), note.text);
}

static void errors_of_crawl_conf_name_it(void **state)
{
    struct settings s;
    struct err_note note;

    (void)state;
    write_file("crawl.conf", "depth = 1\nnonsense\n");
    assert_int_equal(load(&s, ARGS(NULL), NULL, &note), ERR_USAGE);
    assert_ptr_equal(strstr(note.text, "crawl.conf:2: "), note.text);
}

/* --- JSON ----------------------------------------------------------------------------------------------------------- */

static void json_holds_every_setting_and_no_secret(void **state)
{
    struct settings s;
    struct err_note note;
    struct buf out;

    (void)state;
    buf_init(&out, 100000);
    assert_int_equal(
        load_args(&s,
                  ARGS(A("--header=Authorization: needle1"),
                       A("--proxy=http://u:needle2@p/"), A("--auth-file=needle3"),
                       A("--load-cookies=needle4"), A("--set=header=X: needle5"),
                       A("--exclude=a\"b\\.zip$"), A("--exclude=c"), A("--include=d"),
                       A("--depth=4"), A("--delay=2s"), A("--no-robots"),
                       A("--user-agent=\xc3\xa4\xff")),
                  &note),
        OK);
    assert_int_equal(settings_to_json(&s, &out), OK);
    assert_int_equal(buf_append_byte(&out, '\0'), OK);
    assert_null(strstr(out.ptr, "needle"));
    assert_null(strstr(out.ptr, "\"help\""));
    assert_non_null(strstr(out.ptr, "\"depth\":4,"));
    assert_non_null(strstr(out.ptr, "\"max-pages\":-1,"));
    assert_non_null(strstr(out.ptr, "\"delay\":2000,"));
    assert_non_null(strstr(out.ptr, "\"scope\":\"host\","));
    assert_non_null(strstr(out.ptr, "\"no-robots\":true,"));
    assert_non_null(strstr(out.ptr, "\"cookies\":false,"));
    assert_non_null(strstr(out.ptr, "\"exclude\":[\"a\\\"b\\\\.zip$\",\"c\"]"));
    assert_non_null(strstr(out.ptr, "\"include\":[\"d\"]"));
    assert_non_null(strstr(out.ptr, "\"user-agent\":\"\\u00c3\\u00a4\\u00ff\""));
    assert_non_null(strstr(out.ptr, "\"contact\":null"));
    assert_true(span_is_utf8(buf_span(&out)));
    buf_clear(&out);
    buf_init(&out, 100);
    assert_int_equal(settings_to_json(&s, &out), ERR_TOO_LARGE);
    buf_clear(&out);
    settings_clear(&s);
}

static struct span rules_of(char **args, struct buf *out)
{
    struct settings s;
    struct err_note note;

    buf_reset(out);
    assert_int_equal(load_args(&s, args, &note), OK);
    assert_int_equal(settings_rules_to_json(&s, out), OK);
    settings_clear(&s);
    return buf_span(out);
}

/* What changes none of them must not have a million URLs decided again. */
static void rules_are_what_decides_about_urls(void **state)
{
    struct buf plain, out;

    (void)state;
    buf_init(&plain, 100000);
    buf_init(&out, 100000);
    rules_of(ARGS(A("-q")), &plain);
    assert_true(span_eq(rules_of(ARGS(A("--db=x"), A("--max-time=1h"), A("--delay=2s"), A("-v"), A("--log=l"),
                                      A("--revisit=due"), A("--concurrency=7"), A("--max-pages=9")),
                                 &out),
                        buf_span(&plain)));
    assert_false(span_eq(rules_of(ARGS(A("--depth=4")), &out), buf_span(&plain)));
    assert_false(span_eq(rules_of(ARGS(A("--scope=any")), &out), buf_span(&plain)));
    assert_false(span_eq(rules_of(ARGS(A("--embeds")), &out), buf_span(&plain)));
    assert_false(span_eq(rules_of(ARGS(A("--respect-rel-nofollow")), &out), buf_span(&plain)));
    assert_false(span_eq(rules_of(ARGS(A("--no-robots")), &out), buf_span(&plain)));
    assert_false(span_eq(rules_of(ARGS(A("--store-bodies=all")), &out), buf_span(&plain)));
    assert_false(span_eq(rules_of(ARGS(A("--exclude=a")), &out), buf_span(&plain)));
    rules_of(ARGS(A("--exclude=a\""), A("--include=b")), &plain);
    assert_false(span_eq(rules_of(ARGS(A("--include=b"), A("--exclude=a\"")), &out), buf_span(&plain)));
    buf_clear(&plain);
    buf_clear(&out);
}

static void every_default_is_within_its_own_range(void **state)
{
    struct settings s = { 0 };

    (void)state;
    options_set_defaults(&settings_table, &s); /* a wrong one aborts */
    settings_clear(&s);
    for (size_t i = 0; i < settings_table.n_specs; i++)
        for (size_t k = 0; k < i; k++) {
            const struct option_spec *a = &settings_table.specs[i],
                                     *b = &settings_table.specs[k];

            assert_string_not_equal(a->name, b->name);
            assert_false(a->letter && a->letter == b->letter);
        }
}

#define HERE(test) cmocka_unit_test_setup_teardown(test, enter_dir, leave_dir)

int main(void)
{
    static const struct CMUnitTest fixed[] = {
        HERE(without_anything_the_defaults_hold),
        HERE(per_ip_follows_per_host),
        HERE(command_line_over_environment_over_file_over_default),
        HERE(lists_add_up_in_that_order),
        HERE(a_list_of_the_command_line_is_there_once),
        HERE(variables_are_options_in_capitals),
        HERE(proxies_and_homes_of_the_environment_change_nothing),
        HERE(wrong_variables_are_named),
        HERE(a_named_file_replaces_crawl_conf),
        HERE(a_named_file_must_exist),
        HERE(crawl_conf_that_cannot_be_read_is_not_passed_over),
        HERE(set_sets_any_option_by_name),
        HERE(wrong_sets_are_named),
        HERE(good_fail_on_words_and_headers),
        HERE(host_headers_are_checked_without_telling_them),
        HERE(what_is_checked_later_is_told_with_its_place),
        HERE(errors_of_crawl_conf_name_it),
        HERE(json_holds_every_setting_and_no_secret),
        cmocka_unit_test(rules_are_what_decides_about_urls),
        cmocka_unit_test(every_default_is_within_its_own_range),
    };
    struct CMUnitTest tests[ARRAY_LEN(fixed) + ARRAY_LEN(wrong_rows)];
    size_t n = 0;

    for (size_t i = 0; i < ARRAY_LEN(fixed); i++)
        tests[n++] = fixed[i];
    for (size_t i = 0; i < ARRAY_LEN(wrong_rows); i++)
        tests[n++] =
            (struct CMUnitTest){ .name = wrong_rows[i].want,
                                 .test_func = check_wrong,
                                 .setup_func = enter_dir,
                                 .teardown_func = leave_dir,
                                 .initial_state = (void *)(uintptr_t)&wrong_rows[i] };
    return cmocka_run_group_tests_name("config/settings", tests, NULL, NULL);
}
