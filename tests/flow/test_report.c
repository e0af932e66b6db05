/* SPDX-License-Identifier: MIT */
/* `crawl report` as its users meet it: what a page says of a crawl, and which files it touches. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "config/io.h"
#include "config/mem.h"
#include "tests/kit/markup.h"
#include "tests/kit/rig.h"

#define HOSTILE "</title></script><script>alert(1)</script>]]> \xe2\x80\xae evil"

static const struct origin_route site[] = {
    { .path = "/robots.txt",
      .headers = PLAIN,
      TEXT_OF(
          "User-agent: *\nDisallow: /private\nSitemap: http://127.0.0.1:$PORT/map\n") },
    { .path = "/map",
      .headers = XML,
      TEXT_OF("<urlset><url><loc>http://127.0.0.1:$PORT/lonely</loc></url></urlset>") },
    { .path = "/",
      .headers = HTML,
      .body = LIT(
          "<title>Home</title><meta name=description content=Start>"
          "<a href=/a>a</a><a href=/b>b</a><a href=/gone>the <b>dead</b> one</a>"
          "<a href=/private/x>secret</a><a href=/hop>hop</a><a href=/round>round</a>"
          "<a href=/bare>bare</a><a href=/hostile>h</a>") },
    { .path = "/a",
      .headers = "Content-Type: Text/HTML; charset=utf-8\r\n",
      .body = LIT("<title>Twin</title>twin<a href=/gone>x</a>") },
    { .path = "/b",
      .headers = HTML,
      .body = LIT("<title>Twin</title>twin<a href=/gone>x</a>") },
    { .path = "/bare", .headers = HTML, .body = LIT("<h1>No title</h1>") },
    { .path = "/hostile",
      .headers = HTML,
      .body = LIT(
          "<title>&lt;/title>&lt;/script>&lt;script>alert(1)&lt;/script>]]> &#x202e; "
          "evil</title>") },
    { .path = "/lonely", .headers = HTML, .body = LIT("<title>Lonely</title>alone") },
    { .path = "/gone", .status = 410, .headers = HTML, .body = LIT("gone") },
    MOVED_TO("/hop", "/hop2"),
    MOVED_TO("/hop2", "/a"),
    MOVED_TO("/round", "/round2"),
    MOVED_TO("/round2", "/round"),
};

static struct rig rig;

static int crawl_site(void **state)
{
    (void)state;
    RIG_OPEN(&rig, site, 1, "http://127.0.0.1:$PORT/\n");
    return program_crawl(
        &rig.p, ARGS{ "seeds.txt", "--delay", "0", "--retries", "0", "-q", NULL });
}

static int end_site(void **state)
{
    (void)state;
    rig_close(&rig);
    return 0;
}

#define REPORT(...) program_run(&rig.p, ARGS{ "report", __VA_ARGS__, NULL })

/* Checks what holds of every page. */
static void assert_sound(struct span page)
{
    struct markup m;

    markup_read(page, &m);
    assert_string_equal(m.problem, "");
    assert_false(m.has_script);
    assert_false(m.asks_outside);
    assert_true(m.n_elements > 100);
    assert_true(span_is_utf8(page));
    assert_true(span_ends(page, SPAN("</html>\n")));
    assert_int_equal(span_find_nocase(page, SPAN("nan ")), page.len);
    assert_int_equal(span_find_span(page, SPAN("\xe2\x80\xae")), page.len);
}

static bool has(struct span page, const char *text)
{
    return span_find_span(page, span_str(text)) < page.len;
}

static struct span printed(void)
{
    assert_int_equal(REPORT("-"), 0);
    return buf_span(&rig.p.out);
}

/* The part of a page from this section's id to the next section. */
static struct span section(struct span page, const char *id)
{
    char mark[64];
    size_t at;

    snprintf(mark, sizeof mark, "<section class=block id=%s ", id);
    at = span_find_span(page, span_str(mark));
    if (at == page.len)
        fail_msg("no section %s", id);
    page = span_skip(page, at);
    return span_slice(page, 0, span_find_span(page, SPAN("</section>")));
}

static void the_page_is_sound_and_needs_nothing_else(void **state)
{
    struct span page = printed();

    (void)state;
    assert_sound(page);
    assert_true(has(page, "default-src &#39;none&#39;; style-src &#39;sha256-"));
    assert_true(has(page, "<h1>Crawl of 127.0.0.1:"));
}

static const struct {
    const char *label, *id, *text;
} sections[] = {
    { "a broken link has its target", "broken", "/gone</a>" },
    { "and its answer", "broken", ">410</span>" },
    { "and how many pages link to it", "broken", "<div>3</div>" },
    { "and the words of the link", "broken", "the dead one" },
    { "a chain has its hops", "redirects", "/hop2</a>" },
    { "a loop is called one", "redirects", ">loop</div>" },
    { "the slowest pages have their times", "slowest", " ms</div>" },
    { "the largest pages have their types", "largest", "text/html" },
    { "twins are listed", "duplicates", "/b</a>" },
    { "a page without a title has its heading", "no-title", "No title" },
    { "a title used twice is listed", "same-title", "Twin" },
    { "a page without a description is listed", "no-description", "/lonely</a>" },
    { "an orphan says that a sitemap named it", "orphans", ">sitemap</div>" },
    { "sitemaps have their entries", "sitemaps", "/map</a>" },
    { "a host that bars URLs is listed", "refusals", "127.0.0.1" },
    { "the excluded have their rule", "excluded", "Disallow: /private" },
    { "hostile titles are text", "no-description", "&lt;script&gt;alert(1)" },
    { "where the rest is stands below", "broken",
      "<code>crawl sql broken-links</code>" },
};

static void section_tells(void **state)
{
    size_t i = (size_t)(uintptr_t)*state;

    if (!has(section(printed(), sections[i].id), sections[i].text))
        fail_msg("%s", sections[i].text);
}

/* With the charset behind it, nearly every row would have two lines. */
static void a_type_stands_without_its_charset(void **state)
{
    struct span part = section(printed(), "largest");

    (void)state;
    assert_true(has(part, "/a</a>"));
    assert_true(has(part, ">text/html<"));
    assert_false(has(part, "charset"));
}

static void one_finding_is_not_told_like_several(void **state)
{
    (void)state;
    assert_true(has(printed(), "<span class=n>1</span><a href=#orphans>page is in a sitemap and linked from nowhere</a>"));
    assert_true(has(printed(), "<a href=#no-description>pages have no description</a>"));
}

/* Side by side in one bar; "main" and "moved" are one blue in the dark. */
static void what_is_queued_looks_other_than_what_is_not_modified(void **state)
{
    (void)state;
    assert_true(has(printed(), "<dt class=\"k-moved\">Not modified<"));
    assert_true(has(printed(), "<dt class=\"k-two\">Queued<"));
    assert_true(has(printed(), ".k-two::before{"));
}

static void a_limit_cuts_rows_and_not_totals(void **state)
{
    struct span part;

    (void)state;
    assert_int_equal(REPORT("-n", "1", "-"), 0);
    part = section(buf_span(&rig.p.out), "no-description");

    assert_true(has(part, "Shown: 1."));
    assert_false(has(part, "<dd>1</dd>"));
    assert_sound(buf_span(&rig.p.out));
}

static void a_title_of_ones_own_is_text(void **state)
{
    (void)state;
    assert_int_equal(REPORT("--title", HOSTILE, "-"), 0);
    assert_sound(buf_span(&rig.p.out));
    assert_true(has(buf_span(&rig.p.out), "<h1>&lt;/title&gt;"));
}

/* --- files ------------------------------------------------------------------------- */

static int64_t size_of(const char *name)
{
    struct stat st;

    return lstat(program_path(&rig.p, name), &st) ? -1 : st.st_size;
}

static void a_report_is_written_and_replaced_by_a_later_one(void **state)
{
    (void)state;
    for (int i = 0; i < 2; i++) {
        assert_int_equal(REPORT("-o", "crawl.db"), 0);
        assert_int_equal(rig.p.out.len + rig.p.err.len, 0);
    }
    assert_true(size_of("report.html") > 10000);
}

static void another_file_is_left_alone(void **state)
{
    int64_t before = size_of("crawl.db");

    (void)state;
    program_write(&rig.p, "mine.html", SPAN("<!DOCTYPE html>\nmine"));

    assert_int_equal(REPORT("mine.html"), 3);
    assert_true(program_said(&rig.p, "no report of ours"));
    assert_int_equal(size_of("mine.html"), 20);
    assert_int_equal(REPORT("crawl.db"), 3);
    assert_int_equal(size_of("crawl.db"), before);
}

static void a_symbolic_link_is_not_followed(void **state)
{
    (void)state;
    program_write(&rig.p, "target", SPAN(""));
    assert_int_equal(symlink("target", program_path(&rig.p, "link.html")), 0);

    assert_int_equal(REPORT("link.html"), 3);
    assert_true(program_said(&rig.p, "symbolic link"));
    assert_int_equal(size_of("target"), 0);
}

static void what_is_not_there_is_said(void **state)
{
    (void)state;
    assert_int_equal(REPORT("--run", "77", "-"), 3);
    assert_true(program_said(&rig.p, "there is no run 77"));
    assert_int_equal(REPORT("-o", "none.db", "-"), 3);
    assert_int_equal(REPORT("a.html", "b.html"), 2);
}

/* A view may have any number of rows; a table, a blob where a text is meant. */
static void a_view_is_no_host_and_a_blob_is_its_name(void **state)
{
    (void)state;
    program_change(&rig.p, "ALTER TABLE hosts RENAME TO hosts_kept");
    program_change(&rig.p, "CREATE VIEW hosts AS WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n)"
                           " SELECT h.* FROM hosts_kept h, n");
    assert_int_equal(REPORT("-"), 3);
    assert_true(program_said(&rig.p, "is not as this program makes it"));
    program_change(&rig.p, "DROP VIEW hosts");
    program_change(&rig.p, "ALTER TABLE hosts_kept RENAME TO hosts");
    program_change(&rig.p, "UPDATE hosts SET host = CAST(host AS BLOB)");
    assert_int_equal(REPORT("-"), 0);
    assert_true(has(buf_span(&rig.p.out), "Crawl of 127.0.0.1:"));
    program_change(&rig.p, "UPDATE hosts SET host = CAST(host AS TEXT)");
}

/* --- other runs -------------------------------------------------------------------- */

static void a_second_run_is_compared_and_the_first_still_told(void **state)
{
    struct span page;

    (void)state;
    assert_int_equal(program_crawl(&rig.p, ARGS{ "seeds.txt", "--delay", "0",
                                                 "--retries", "0", "-q", NULL }),
                     0);
    page = printed();
    assert_sound(page);
    assert_true(has(section(page, "comparison"), ">Run 1</th>"));
    assert_true(has(section(page, "comparison"), ">Run 2</th>"));
    assert_true(has(page, "<span>Run <b>2</b></span>"));
    assert_int_equal(REPORT("--run", "1", "-"), 0);
    page = buf_span(&rig.p.out);
    assert_sound(page);
    assert_true(has(page, "This is not the last run"));
    assert_false(has(page, "id=comparison"));
}

/* Nothing but the run and its seed: as at the first moment of a crawl, or after a kill. */
static void a_run_without_a_request_has_sentences(void **state)
{
    static const char *const tables[] = { "fetch",  "page",     "outlink", "redirects",
                                          "events", "sitemaps", "hosts", "url" };
    struct span page;

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(tables); i++) {
        char sql[64];

        snprintf(sql, sizeof sql, "DELETE FROM %s", tables[i]);
        program_change(&rig.p, sql);
    }
    program_change(&rig.p, "UPDATE state_count SET n = 0");
    program_change(&rig.p, "DELETE FROM runs WHERE id = 1");
    program_change(
        &rig.p, "UPDATE runs SET state = 'running', finished_at = NULL, requests = 0,"
                " pages = 0, bytes = 0, new_urls = 0, last_request_at = NULL");
    page = printed();
    assert_sound(page);
    assert_true(has(page, "This run has not ended"));
    assert_true(has(page, "No request of this run is recorded."));
    assert_false(has(page, "an answer on average"));
    assert_true(has(page, "No link leads to an error."));
    assert_true(has(page, "No URL has been answered"));
    assert_false(has(page, "Nothing was found wrong"));
    assert_false(has(page, "in order"));
    assert_false(has(page, "<svg viewBox"));
    program_change(&rig.p, "DELETE FROM runs");
    assert_int_equal(REPORT("-"), 3);
    assert_true(program_said(&rig.p, "no run in this database"));
}

#define FIRST_TESTS 1
#define LAST_TESTS  12

int main(void)
{
    struct CMUnitTest tests[FIRST_TESTS + ARRAY_LEN(sections) + LAST_TESTS] = {
        cmocka_unit_test(the_page_is_sound_and_needs_nothing_else),
    };
    static const struct CMUnitTest last[LAST_TESTS] = {
        cmocka_unit_test(a_type_stands_without_its_charset),
        cmocka_unit_test(one_finding_is_not_told_like_several),
        cmocka_unit_test(what_is_queued_looks_other_than_what_is_not_modified),
        cmocka_unit_test(a_limit_cuts_rows_and_not_totals),
        cmocka_unit_test(a_title_of_ones_own_is_text),
        cmocka_unit_test(a_report_is_written_and_replaced_by_a_later_one),
        cmocka_unit_test(another_file_is_left_alone),
        cmocka_unit_test(a_symbolic_link_is_not_followed),
        cmocka_unit_test(what_is_not_there_is_said),
        cmocka_unit_test(a_view_is_no_host_and_a_blob_is_its_name),
        cmocka_unit_test(a_second_run_is_compared_and_the_first_still_told),
        cmocka_unit_test(a_run_without_a_request_has_sentences),
    };
    size_t n = FIRST_TESTS;

    for (size_t i = 0; i < ARRAY_LEN(sections); i++)
        tests[n++] = (struct CMUnitTest){ sections[i].label, section_tells, NULL, NULL,
                                          (void *)(uintptr_t)i };
    for (size_t i = 0; i < LAST_TESTS; i++)
        tests[n++] = last[i];
    return cmocka_run_group_tests_name("flow/report", tests, crawl_site, end_site);
}
