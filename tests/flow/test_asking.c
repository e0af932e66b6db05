/* SPDX-License-Identifier: MIT */
/* Asking a database that a crawl left: search, show, schema, sql, and words mistyped. */
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <unistd.h>

#include <cmocka.h>

#include "tests/kit/rig.h"

#define UTF8 "Content-Type: text/html; charset=utf-8\r\n"

static const char binary[] = "\x89PNG\r\n\x1a\n\0\1\2\3";

static const struct origin_route site[] = {
    NO_ROBOTS,
    { .path = "/",
      .headers = UTF8,
      .body = LIT(
          "<title>Front page</title><meta name=description content='where whales are welcome'>"
          "<a href=/zh>zh</a><a href=/ja>ja</a><a href=/th>th</a><a href=/ru>ru</a><a href=/whale>a whale</a>"
          "<a href=/copy>copy</a><a href=/gone>was here</a><a href=/hop>by a detour</a><a href=/pic.png>pic</a>") },
    { .path = "/zh",
      .headers = UTF8,
      .body = LIT("<title>北京大学</title><p>中华人民共和国的首都是北京。") },
    { .path = "/ja",
      .headers = UTF8,
      .body = LIT(
          "<title>東京都庁</title><p>これは東京都についてのページです。カタカナも。") },
    { .path = "/th",
      .headers = UTF8,
      .body = LIT("<title>ภาษาไทย</title><p>ประเทศไทยมีเมืองหลวงคือกรุงเทพมหานคร") },
    { .path = "/ru",
      .headers = "Content-Type: text/html; charset=windows-1251\r\n",
      .body = LIT(
          "<title>\xcf\xf0\xe8\xe2\xe5\xf2</title><p>\xca\xee\xf0\xe0\xe1\xeb\xfc \xef\xeb\xfb\xb8\xf2") },
    { .path = "/whale",
      .headers = UTF8 "X-Odd: \x1b[31mred\r\n",
      .body = LIT(
          "<title>The white whale</title><p>Call me Ishmael. A whale\x1b[2J\xc2\x9b\xe2\x80\xae is <b>seen</b>.") },
    { .path = "/copy",
      .headers = UTF8,
      .body = LIT(
          "<title>The white whale</title><p>Call me Ishmael. A whale\x1b[2J\xc2\x9b\xe2\x80\xae is <b>seen</b>.") },
    { .path = "/gone", .status = 404, .headers = UTF8, .body = LIT("gone") },
    MOVED_TO("/hop", "/whale"),
    { .path = "/pic.png",
      .headers = "Content-Type: image/png\r\n",
      .body = { binary, sizeof binary - 1 } },
};

static struct rig rig;

static int crawl_site(void **state)
{
    (void)state;
    RIG_OPEN(&rig, site, 1, "http://127.0.0.1:$PORT/\n");
    return program_crawl(&rig.p, ARGS{ "seeds.txt", "--delay", "0", "-q",
                                       "--store-bodies", "all", NULL });
}

static int end_site(void **state)
{
    (void)state;
    rig_close(&rig);
    return 0;
}

static bool printed(const char *text)
{
    struct span out = buf_span(&rig.p.out);

    return span_find_span(out, span_str(text)) < out.len;
}

static const char *url(const char *path)
{
    static char text[200];

    snprintf(text, sizeof text, "http://127.0.0.1:%u%s", origin_port(rig.o), path);
    return text;
}

static int search(const char *query, const char *option)
{
    return program_run(&rig.p, ARGS{ "search", query, option, NULL });
}

/* --- search --------------------------------------------------------------------------- */

static const struct row {
    const char *query, *path; /* NULL: nothing is found */
    const char *excerpt;
} rows[] = {
    { "北京", "/zh", "首都是北京" },
    { "人民共和", "/zh", "中华人民共和国" },
    { "東京都", "/ja", "これは東京都" },
    { "カタカナ", "/ja", "カタカナも" },
    { "เมืองหลวง", "/th", "เมืองหลวง" },
    { "ประเทศไทย", "/th", "ประเทศไทย" },
    { "корабль", "/ru", "Корабль" },
    { "ПРИВЕТ", "/ru", "Корабль" },
    { "ishmael", "/whale", "Ishmael" },
    { "\"white whale\"", "/whale", "Call me" },
    { "welcome", "/", "whales are welcome" }, /* of the description alone */
    { "北海", NULL, NULL },
    { "\"whale white\"", NULL, NULL },
};

static void a_page_is_found_by_its_words(void **state)
{
    const struct row *row = *state;
    char want[300];

    assert_int_equal(search(row->query, "--no-pager"), row->path ? 0 : 1);
    if (!row->path)
        return;
    snprintf(want, sizeof want, "%s\n", url(row->path));
    assert_true(printed(want));
    assert_true(printed(row->excerpt));
}

static void json_has_an_object_a_page_with_marks_in_characters(void **state)
{
    (void)state;
    assert_int_equal(search("東京都", "--json"), 0);
    assert_true(printed("\"title\":\"東京都庁\""));
    assert_true(printed("\"marks\":[["));
    assert_int_equal(search("kashmir", "--json"), 1);
    assert_int_equal(rig.p.out.len, 0);
}

static void a_wrong_query_is_pointed_at(void **state)
{
    (void)state;
    assert_int_equal(search("whale AND (", NULL), 2);
    assert_true(program_said(&rig.p, "whale AND (\n             ^"));
}

static void escapes_of_a_page_are_harmless(void **state)
{
    (void)state;
    for (size_t i = 0; i < 2; i++) {
        assert_int_equal(search("ishmael", i ? "--json" : NULL), 0);
        assert_false(printed("\x1b"));
        assert_false(printed("\xc2\x9b"));
        assert_false(printed("\xe2\x80\xae"));
    }
}

/* --- show ------------------------------------------------------------------------------- */

static int show(const char *path, const char *option)
{
    return program_run(&rig.p, ARGS{ "show", url(path), option, NULL });
}

static void a_page_is_shown_with_all_that_belongs_to_it(void **state)
{
    static const char *const want[] = {
        "The white whale", "fetched",     "200",
        "redirected from", "/hop",        "the same content at",
        "/copy",           "linked from", "a whale",
        "stored body"
    };

    (void)state;
    assert_int_equal(show("/whale", NULL), 0);
    for (size_t i = 0; i < ARRAY_LEN(want); i++)
        if (!printed(want[i]))
            fail_msg("%.*s\nhas no %s", SPAN_ARG(buf_span(&rig.p.out)), want[i]);
    assert_false(printed("\x1b"));
}

static void any_spelling_of_a_url_will_do(void **state)
{
    char text[100];

    (void)state;
    snprintf(text, sizeof text, "HTTP://127.0.0.1:%u/x/../%%77hale#part",
             origin_port(rig.o));
    assert_int_equal(program_run(&rig.p, ARGS{ "show", text, NULL }), 0);
    snprintf(text, sizeof text, "127.0.0.1:%u/whale", origin_port(rig.o));
    assert_int_equal(program_run(&rig.p, ARGS{ "show", text, NULL }), 0);
}

static void a_body_comes_byte_by_byte(void **state)
{
    (void)state;
    assert_int_equal(show("/pic.png", "--body"), 0);
    assert_int_equal(rig.p.out.len, sizeof binary - 1);
    assert_memory_equal(rig.p.out.ptr, binary, sizeof binary - 1);
    assert_int_equal(show("/hop", "--body"), 1);
}

static void text_is_what_a_reader_sees(void **state)
{
    (void)state;
    assert_int_equal(show("/ja", "--text"), 0);
    assert_true(printed("これは東京都についてのページです。"));
    assert_false(printed("<p>"));
}

static void headers_and_links_have_options_of_their_own(void **state)
{
    (void)state;
    assert_int_equal(show("/whale", "--headers"), 0);
    assert_true(printed("User-Agent: "));
    assert_true(printed("answer HTTP/1.1 200\n"));
    assert_true(printed("Content-Type: text/html; charset=utf-8\n"));
    assert_false(printed("\x1b"));
    assert_int_equal(show("/", "--links"), 0);
    assert_true(printed("out"));
    assert_true(printed("/gone"));
    assert_true(printed("404"));
}

static void as_json_it_is_one_object(void **state)
{
    (void)state;
    assert_int_equal(show("/whale", "--json"), 0);
    assert_true(span_starts(buf_span(&rig.p.out), SPAN("{\"url\":{\"url\":\"http://")));
    assert_true(printed("\"links_in_total\":1"));
    assert_true(printed("\"retries\":0,\"priority\":0,\"redirects\":0,"));
    assert_true(printed("/whale\",\"state\"")); /* its key */
    assert_true(span_ends(buf_span(&rig.p.out), SPAN("}\n")));
}

static void what_json_of_a_page_says_cannot_fool_a_terminal(void **state)
{
    (void)state;
    program_change(&rig.p, "UPDATE page SET facts = '{ \"a\": \"' || char(155) || '[2J' || char(8238) || '\\u00e9\"}'"
                           " WHERE url_id IN (SELECT id FROM url WHERE url LIKE '%/whale')");
    assert_int_equal(show("/whale", "--json"), 0);
    assert_true(printed("\"facts\":{\"a\":\"\\u009b[2J\\u202e\\u00e9\"}"));
}

static void an_unknown_url_names_the_nearest(void **state)
{
    (void)state;
    assert_int_equal(show("/wale", NULL), 1);
    assert_true(program_said(&rig.p, "is not in the database"));
    assert_true(program_said(&rig.p, "/whale\n"));
    assert_true(program_said(&rig.p, "crawl explain"));
    assert_int_equal(program_run(&rig.p, ARGS{ "show", "http://[", NULL }), 2);
}

/* --- sql ---------------------------------------------------------------------------------- */

static int sql(const char *query, const char *a, const char *b)
{
    return program_run(&rig.p, ARGS{ "sql", "-f", "csv", query, a, b, NULL });
}

static void values_stand_behind_the_query(void **state)
{
    (void)state;
    assert_int_equal(sql("SELECT ?1 + ?2, typeof(?1)", "1", "2.5"), 0);
    assert_true(printed("3.5,\"integer\""));
    assert_int_equal(sql("SELECT typeof(?1), ?2", "007", "it's"), 0);
    assert_true(printed("\"text\",\"it's\""));
    assert_int_equal(sql("SELECT :name", "--param", "name=it=x"), 0);
    assert_true(printed("\"it=x\""));
}

static void a_value_without_its_place_is_refused(void **state)
{
    (void)state;
    assert_int_equal(sql("SELECT ?1", NULL, NULL), 2);
    assert_true(program_said(&rig.p, "?1 has no value"));
    assert_int_equal(sql("SELECT 1", "2", NULL), 2);
    assert_int_equal(sql("SELECT :x", NULL, NULL), 2);
    assert_true(program_said(&rig.p, "--param x=VALUE"));
    assert_int_equal(sql("SELECT 1", "--param", "x=2"), 2);
}

static void every_report_answers(void **state)
{
    struct span rest, line, name;
    struct buf list;

    (void)state;
    assert_int_equal(program_run(&rig.p, ARGS{ "sql", "--list", NULL }), 0);
    buf_init(&list, (size_t)MIB);
    assert_int_equal(buf_append(&list, buf_span(&rig.p.out)), OK);
    rest = buf_span(&list);
    while (span_split(&rest, '\n', &line)) {
        char text[64];

        assert_true(span_token(&line, &name));
        snprintf(text, sizeof text, "%.*s", SPAN_ARG(name));
        if (sql(text, NULL, NULL))
            fail_msg("%s: %.*s", text, SPAN_ARG(buf_span(&rig.p.err)));
    }
    buf_clear(&list);
    assert_int_equal(sql("broken-links", NULL, NULL), 0);
    assert_true(printed("/gone\",404,"));
    assert_true(printed("was here"));
    assert_int_equal(sql("errors", NULL, NULL), 0);
    assert_true(printed("/gone\",404,"));
    assert_false(printed("/hop"));
    program_change(&rig.p, "UPDATE fetch SET error = 'the Location is no URL' WHERE outcome = 'redirect'");
    assert_int_equal(sql("errors", NULL, NULL), 0);
    assert_true(printed("/hop\",302,\"redirect\",\"the Location is no URL\""));
    program_change(&rig.p, "UPDATE fetch SET error = NULL WHERE outcome = 'redirect'");
    assert_int_equal(sql("redirected-links", NULL, NULL), 0);
    assert_true(printed("/hop\",302,"));
    assert_true(printed("by a detour"));
}

/* --- words mistyped ------------------------------------------------------------------------- */

static void a_mistyped_word_names_the_nearest(void **state)
{
    (void)state;
    assert_int_equal(program_run(&rig.p, ARGS{ "staus", NULL }), 2);
    assert_true(program_said(&rig.p, "did you mean 'crawl status'?"));
    assert_int_equal(program_run(&rig.p, ARGS{ "no-such-seeds-file", NULL }), 2);
    assert_false(program_said(&rig.p, "did you mean"));
    assert_int_equal(sql("brokn-links", NULL, NULL), 2);
    assert_true(program_said(&rig.p, "did you mean 'broken-links'?"));
    assert_int_equal(program_run(&rig.p, ARGS{ "schema", "ulrs", NULL }), 2);
    assert_true(program_said(&rig.p, "did you mean 'urls'?"));
}

static void the_schema_is_told_with_and_without_a_database(void **state)
{
    (void)state;
    assert_int_equal(program_run(&rig.p, ARGS{ "schema", NULL }), 0);
    assert_true(printed("broken_links: "));
    assert_true(printed("SELECT"));
    assert_int_equal(
        program_run(&rig.p, ARGS{ "schema", "-o", "crawl.db", "urls", NULL }), 0);
    assert_true(printed("urls: every URL ever met, once\n"));
    assert_true(printed("not_modified: the"));
    assert_true(printed("\n  depth "));
    assert_int_equal(
        program_run(&rig.p, ARGS{ "schema", "--sql", "broken_links", NULL }), 0);
    assert_true(printed("CREATE VIEW broken_links AS\n"));
}

static void a_query_without_a_statement_is_a_mistake_of_usage(void **state)
{
    int nothing = open("/dev/null", O_RDONLY | O_CLOEXEC), old = dup(STDIN_FILENO), code;

    (void)state;
    assert_true(nothing >= 0 && dup2(nothing, STDIN_FILENO) == STDIN_FILENO);
    code = program_run(&rig.p, ARGS{ "sql", "-", NULL });
    dup2(old, STDIN_FILENO);
    close(old);
    close(nothing);
    assert_int_equal(code, 2);
    assert_true(program_said(&rig.p, "there is no statement in it"));
    assert_int_equal(program_run(&rig.p, ARGS{ "sql", "-p", "a", "SELECT :a", NULL }), 2);
    assert_true(program_said(&rig.p, "--param a: it must be NAME=VALUE"));
}

static void no_line_of_help_is_wider_than_a_hundred_columns(void **state)
{
    const char *const commands[] = { "run",  "plan",   "status", "sql",    "search",  "show",   "diff",   "report",
                                     "explain", "verify", "schema", "export", "inspect", "robots", "extract" };

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(commands); i++) {
        struct span rest, line;

        assert_int_equal(program_run(&rig.p, ARGS{ commands[i], "--help", NULL }), 0);
        rest = buf_span(&rig.p.out);
        while (span_split(&rest, '\n', &line))
            if (line.len > 100)
                fail_msg("%s: %.*s", commands[i], SPAN_ARG(line));
    }
    assert_true(printed("  -h, --help "));
}

/* One command each, its words ending with NULL. */
static void what_cannot_be_printed_is_said(void **state)
{
    const char *const commands[][5] = {
        { "status" },
        { "sql" },
        { "sql", "status" },
        { "search", "whale" },
        { "show", url("/whale") },
        { "show", "--json", url("/whale") },
        { "explain", url("/whale") },
        { "explain", "http://elsewhere.example/" },
        { "diff" },
        { "schema", "urls" },
        { "verify" },
        { "report", "-" },
        { "robots", "--allow-net", "127.0.0.0/8", url("/whale") },
        { "--help" },
        { "sql", "--help" },
        { "--version" },
        { "--man", "crawl" },
        { "--completion", "bash" },
    };

    (void)state;
    rig.p.output_fd = open("/dev/full", O_WRONLY | O_CLOEXEC);
    assert_true(rig.p.output_fd >= 0);
    for (size_t i = 0; i < ARRAY_LEN(commands); i++) {
        if (program_run(&rig.p, commands[i]) != 3 ||
            !program_said(&rig.p, "No space left on device"))
            fail_msg("%s %s: exit %d, %.*s", commands[i][0],
                     commands[i][1] ? commands[i][1] : "", rig.p.exit_code,
                     SPAN_ARG(buf_span(&rig.p.err)));
    }
    close(rig.p.output_fd);
    rig.p.output_fd = 0;
}

/* A new connection, so that it was made; a name that needs no name server, and no TLS. */
static void a_fetch_says_when_and_how_it_was_asked_for(void **state)
{
    static const struct origin_step reset[] = { { .kind = ORIGIN_RESET } };
    static const struct origin_route routes[] = {
        { .path = "/",
          .headers = HTML "ETag: \"e\"\r\nLast-Modified: Wed, 21 Oct 2015 07:28:00 GMT\r\n",
          .body = PAGE,
          .delay_ms = 60 },
        MOVED_TO("/moved", "/"),
        { .path = "*", .script = reset, .n_steps = 1 },
    };
    struct rig g;

    (void)state;
    RIG_OPEN(&g, routes, 1,
             "http://127.0.0.1:$PORT/\nhttp://127.0.0.1:$PORT/moved\nhttp://127.0.0.1:$PORT/reset\n");
    assert_int_equal(program_crawl(&g.p, ARGS{ "seeds.txt", "-q", "--delay", "0", "--per-host", "1", "--retries", "0",
                                               "--no-robots", NULL }),
                     0);
    assert_int_equal(program_number(&g.p, "SELECT count(*) FROM fetches f JOIN runs r ON r.id = f.run_id"
                                          " WHERE f.fetched_at BETWEEN r.started_at AND r.finished_at"),
                     3);
    assert_string_equal(program_text(&g.p, "SELECT attempt || ' ' || http_version || ' ' || ip || ' ' || size || ' '"
                                           " || wire_size || ' ' || etag || ' ' || last_modified"
                                           " FROM fetches WHERE outcome = 'ok'"),
                        "1 1.1 127.0.0.1 19 19 \"e\" Wed, 21 Oct 2015 07:28:00 GMT");
    assert_string_equal(program_text(&g.p, "SELECT location FROM fetches WHERE outcome = 'redirect'"), "/");
    assert_int_equal(
        program_number(&g.p, "SELECT length(error) > 9 FROM fetches WHERE outcome = 'connection_lost'"), 1);
    assert_int_equal(program_number(&g.p, "SELECT dns_ms IS NULL AND connect_ms >= 0 AND tls_ms IS NULL"
                                          " AND ttfb_ms >= 60 AND total_ms >= ttfb_ms FROM fetches WHERE outcome = 'ok'"),
                     1);
    rig_close(&g);
}

int main(void)
{
    static const struct CMUnitTest plain[] = {
        cmocka_unit_test(json_has_an_object_a_page_with_marks_in_characters),
        cmocka_unit_test(a_wrong_query_is_pointed_at),
        cmocka_unit_test(escapes_of_a_page_are_harmless),
        cmocka_unit_test(a_page_is_shown_with_all_that_belongs_to_it),
        cmocka_unit_test(any_spelling_of_a_url_will_do),
        cmocka_unit_test(a_body_comes_byte_by_byte),
        cmocka_unit_test(text_is_what_a_reader_sees),
        cmocka_unit_test(headers_and_links_have_options_of_their_own),
        cmocka_unit_test(as_json_it_is_one_object),
        cmocka_unit_test(what_json_of_a_page_says_cannot_fool_a_terminal),
        cmocka_unit_test(an_unknown_url_names_the_nearest),
        cmocka_unit_test(values_stand_behind_the_query),
        cmocka_unit_test(a_value_without_its_place_is_refused),
        cmocka_unit_test(every_report_answers),
        cmocka_unit_test(a_mistyped_word_names_the_nearest),
        cmocka_unit_test(the_schema_is_told_with_and_without_a_database),
        cmocka_unit_test(a_query_without_a_statement_is_a_mistake_of_usage),
        cmocka_unit_test(no_line_of_help_is_wider_than_a_hundred_columns),
        cmocka_unit_test(what_cannot_be_printed_is_said),
        cmocka_unit_test(a_fetch_says_when_and_how_it_was_asked_for),
    };
    struct CMUnitTest tests[ARRAY_LEN(plain) + ARRAY_LEN(rows)];
    struct row copies[ARRAY_LEN(rows)];

    memcpy(tests, plain, sizeof plain);
    memcpy(copies, rows, sizeof rows);
    for (size_t i = 0; i < ARRAY_LEN(rows); i++)
        tests[ARRAY_LEN(plain) + i] =
            (struct CMUnitTest){ .name = rows[i].query,
                                 .test_func = a_page_is_found_by_its_words,
                                 .initial_state = &copies[i] };
    return cmocka_run_group_tests_name("flow/asking", tests, crawl_site, end_site);
}
