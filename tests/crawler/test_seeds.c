/* SPDX-License-Identifier: MIT */
#include <setjmp.h>
#include <stdarg.h>
#include <unistd.h>

#include <cmocka.h>

#include "config/io.h"
#include "config/mem.h"
#include "crawler/seeds.h"

#define A(text) ((char *)(uintptr_t)(text))

static char file[64];

static int make_file(void **state)
{
    (void)state;
    snprintf(file, sizeof file, "/tmp/test_seeds_%d.txt", (int)getpid());
    return 0;
}

static int remove_file(void **state)
{
    (void)state;
    unlink(file);
    return 0;
}

/* What seeds_read said on standard error; the caller frees it. */
static char *complaints;

static enum err read_operands(char **operands, size_t n, struct seeds *out,
                              struct err_note *note)
{
    char path[80];
    struct buf text;
    int saved = dup(STDERR_FILENO);
    FILE *f;
    enum err e;

    snprintf(path, sizeof path, "%s.err", file);
    fflush(stderr);
    f = freopen(path, "w", stderr);
    assert_non_null(f);
    note->text[0] = '\0';
    e = seeds_read(operands, n, out, note);
    fflush(stderr);
    dup2(saved, STDERR_FILENO);
    close(saved);
    buf_init(&text, (size_t)MIB);
    assert_int_equal(io_read_file(path, &text, NULL), OK);
    unlink(path);
    mem_free(complaints);
    complaints = mem_str_copy(buf_span(&text));
    buf_clear(&text);
    return e;
}

static enum err read_text(struct span content, struct seeds *out, struct err_note *note)
{
    char *operand = file;

    assert_int_equal(io_replace_file(file, content, NULL), OK);
    return read_operands(&operand, 1, out, note);
}

static void assert_seed(const struct seeds *s, size_t i, const char *url, int line)
{
    assert_true(i < s->len);
    if (!span_eq(s->items[i].url.href, span_str(url)))
        fail_msg("seed %zu is %.*s, not %s", i, SPAN_ARG(s->items[i].url.href), url);
    assert_int_equal(s->items[i].line, line);
}

/* --- lines ----------------------------------------------------------------------------------- */

static void a_file_in_every_allowed_dress(void **state)
{
    struct err_note note;
    struct seeds s;

    (void)state;
    assert_int_equal(read_text(SPAN("\xef\xbb\xbf# seeds\r\n"
                                    "https://a.org/\r\n"
                                    "\r\n"
                                    "   \t  \r\n"
                                    "  http://b.org/x y#fragment  \r\n"
                                    "#https://never.org/\n"
                                    "\t# nor this\n"
                                    "HTTPS://user:secret@C.ORG:443/a/../b\n"
                                    "https://b\xc3\xbc"
                                    "cher.de/\n"
                                    "https://d.org/last"),
                               &s, &note),
                     OK);
    assert_int_equal(s.len, 5);
    assert_int_equal(s.n_bad, 0);
    assert_string_equal(complaints, "");
    assert_seed(&s, 0, "https://a.org/", 2);
    assert_seed(&s, 1, "http://b.org/x%20y", 5);
    assert_seed(&s, 2, "https://c.org/b", 8);
    assert_seed(&s, 3, "https://xn--bcher-kva.de/", 9);
    assert_seed(&s, 4, "https://d.org/last", 10);
    assert_true(span_eq(s.items[0].source, span_str(file)));
    seeds_clear(&s);
}

static void lone_returns_end_lines_too(void **state)
{
    struct err_note note;
    struct seeds s;

    (void)state;
    assert_int_equal(
        read_text(
            SPAN("https://a.org/\rhttps://b.org/\r\rhttps://c.org/\n\rhttps://d.org/"),
            &s, &note),
        OK);
    assert_int_equal(s.len, 4);
    assert_seed(&s, 1, "https://b.org/", 2);
    assert_seed(&s, 2, "https://c.org/", 4);
    assert_seed(&s, 3, "https://d.org/", 6);
    seeds_clear(&s);
}

static void bad_lines_are_named_skipped_and_counted(void **state)
{
    struct err_note note;
    struct seeds s;
    char want[200];

    (void)state;
    assert_int_equal(
        read_text(
            SPAN("example.org\nhttps://ok.org/\nftp://a.org/\nhttp://a b/\nhttps://\n"
                 "mailto:x@a.org\n//a.org/\n"),
            &s, &note),
        OK);
    assert_int_equal(s.len, 1);
    assert_int_equal(s.n_bad, 6);
    snprintf(
        want, sizeof want,
        "crawl: %s:1: no URL (does it begin with https://?), skipped: example.org\n",
        file);
    assert_non_null(strstr(complaints, want));
    snprintf(want, sizeof want,
             "crawl: %s:3: neither http nor https, skipped: ftp://a.org/\n", file);
    assert_non_null(strstr(complaints, want));
    snprintf(want, sizeof want, "crawl: %s:4: no valid URL, skipped: http://a b/\n",
             file);
    assert_non_null(strstr(complaints, want));
    snprintf(want, sizeof want, "crawl: %s:5: no valid URL, skipped: https://\n", file);
    assert_non_null(strstr(complaints, want));
    snprintf(want, sizeof want,
             "crawl: %s:6: neither http nor https, skipped: mailto:x@a.org\n", file);
    assert_non_null(strstr(complaints, want));
    seeds_clear(&s);
}

static void complaints_are_harmless_and_few(void **state)
{
    static char many[10000];
    struct err_note note;
    struct seeds s;
    size_t n = 0;

    (void)state;
    n += (size_t)snprintf(many, sizeof many, "https://ok.org/\n\x1b[2J\xe2\x80\xae\n");
    for (int i = 0; i < 99; i++)
        n += (size_t)snprintf(many + n, sizeof many - n, "bad %d\n", i);
    assert_int_equal(read_text(span_make(many, n), &s, &note), OK);
    assert_int_equal(s.n_bad, 100);
    assert_non_null(strstr(complaints, "skipped: \\x1B[2J\\xE2\\x80\\xAE\n"));
    assert_non_null(strstr(complaints, "skipped: bad 18\n"));
    assert_null(strstr(complaints, "skipped: bad 19\n"));
    assert_non_null(strstr(complaints, "crawl: 80 more bad lines were skipped\n"));
    seeds_clear(&s);
}

static void binary_rubbish_crashes_nothing(void **state)
{
    static char bytes[200000];
    struct err_note note;
    struct seeds s;
    uint32_t x = 11;

    (void)state;
    for (size_t i = 0; i < sizeof bytes; i++) {
        x = x * 1664525 + 1013904223;
        bytes[i] = (char)(x >> 24);
    }
    assert_int_equal(read_text(span_make(bytes, sizeof bytes), &s, &note), ERR_USAGE);
    assert_non_null(strstr(note.text, "no usable URL in "));
    assert_true(span_is_utf8(span_str(complaints)));
    for (const char *p = complaints; *p; p++)
        assert_true((unsigned char)*p >= 0x20 || *p == '\n');
}

static void nul_bytes_are_part_of_their_line(void **state)
{
    struct err_note note;
    struct seeds s;

    (void)state;
    assert_int_equal(
        read_text(SPAN("https://a.org/x\0y\nhttps://b\0.org/\n\0\n"), &s, &note), OK);
    assert_int_equal(s.len, 1);
    assert_int_equal(s.n_bad, 2);
    assert_seed(&s, 0, "https://a.org/x%00y", 1);
    seeds_clear(&s);
}

static void a_line_of_64_kb_is_bad_and_the_next_one_is_read(void **state)
{
    static char text[70000];
    struct err_note note;
    struct seeds s;
    int n = snprintf(text, sizeof text, "https://a.org/");

    (void)state;
    memset(text + n, 'x', 65536);
    snprintf(text + n + 65536, 100, "\nhttps://b.org/\n");
    assert_int_equal(read_text(span_str(text), &s, &note), OK);
    assert_int_equal(s.len, 1);
    assert_int_equal(s.n_bad, 1);
    assert_seed(&s, 0, "https://b.org/", 2);
    assert_non_null(
        strstr(complaints, ":1: longer than 8192 bytes, skipped: https://a.org/xxx"));
    assert_non_null(strstr(complaints, "xxx...\n"));
    assert_true(strlen(complaints) < 400);
    seeds_clear(&s);
}

/* --- operands -------------------------------------------------------------------------------------- */

static void operands_are_urls_files_and_standard_input(void **state)
{
    char *operands[] = { A("https://a.org/x"), file, A("-"), A("http://z.org") };
    int fds[2], saved = dup(STDIN_FILENO);
    struct err_note note;
    struct seeds s;

    (void)state;
    assert_int_equal(pipe(fds), 0);
    assert_int_equal(io_write_all(fds[1], SPAN("# piped\nhttps://p.org/\n")), OK);
    close(fds[1]);
    dup2(fds[0], STDIN_FILENO);
    close(fds[0]);
    assert_int_equal(io_replace_file(file, SPAN("https://f.org/\n"), NULL), OK);
    assert_int_equal(read_operands(operands, 4, &s, &note), OK);
    dup2(saved, STDIN_FILENO);
    close(saved);

    assert_int_equal(s.len, 4);
    assert_seed(&s, 0, "https://a.org/x", 0);
    assert_true(span_eq(s.items[0].source, SPAN("command line")));
    assert_seed(&s, 1, "https://f.org/", 1);
    assert_seed(&s, 2, "https://p.org/", 2);
    assert_true(span_eq(s.items[2].source, SPAN("-")));
    assert_seed(&s, 3, "http://z.org/", 0);
    seeds_clear(&s);
}

static void a_bad_url_on_the_command_line_has_no_line_number(void **state)
{
    char *operands[] = { A("https://ok.org/"), A("https://a b/") };
    struct err_note note;
    struct seeds s;

    (void)state;
    assert_int_equal(read_operands(operands, 2, &s, &note), OK);
    assert_int_equal(s.n_bad, 1);
    assert_string_equal(complaints,
                        "crawl: command line: no valid URL, skipped: https://a b/\n");
    seeds_clear(&s);
}

static void a_missing_file_is_named_with_a_hint(void **state)
{
    char *missing = A("example.org"), *directory = A("/tmp"), *word = A("begin");
    struct err_note note;
    struct seeds s;

    (void)state;
    assert_int_equal(read_operands(&missing, 1, &s, &note), ERR_USAGE);
    assert_string_equal(
        note.text,
        "there is no file example.org (a URL begins with https:// or http://)");
    assert_int_equal(read_operands(&word, 1, &s, &note), ERR_USAGE);
    assert_string_equal(note.text, "there is no file begin, and no such command; 'crawl --help' lists them");
    assert_int_equal(read_operands(&directory, 1, &s, &note), ERR_USAGE);
    assert_string_equal(note.text, "cannot read /tmp: Is a directory");
}

static void nothing_usable_is_an_error(void **state)
{
    static const struct span texts[] = {
        { "", 0 }, { "# only this\n", 12 }, { "\n\n", 2 }, { "bad\n", 4 }
    };
    char *operands[2] = { file, A("ftp://a.org/") };
    struct err_note note;
    struct seeds s;
    char want[120];

    (void)state;
    snprintf(want, sizeof want, "no usable URL in %s", file);
    for (size_t i = 0; i < ARRAY_LEN(texts); i++) {
        assert_int_equal(read_text(texts[i], &s, &note), ERR_USAGE);
        assert_string_equal(note.text, want);
    }
    assert_int_equal(read_operands(operands, 2, &s, &note), ERR_USAGE);
    assert_non_null(strstr(note.text, "and the other seeds"));
}

static void no_operands_give_no_seeds(void **state)
{
    struct err_note note;
    struct seeds s;

    (void)state;
    assert_int_equal(read_operands(NULL, 0, &s, &note), OK);
    assert_int_equal(s.len, 0);
    seeds_clear(&s);
}

static void many_seeds_are_kept_in_order(void **state)
{
    static char text[400000];
    struct err_note note;
    struct seeds s;
    size_t n = 0;
    char url[64];

    (void)state;
    for (int i = 0; i < 10000; i++)
        n += (size_t)snprintf(text + n, sizeof text - n, "https://h%d.org/p\n", i);
    assert_int_equal(read_text(span_make(text, n), &s, &note), OK);
    assert_int_equal(s.len, 10000);
    for (int i = 0; i < 10000; i += 999) {
        snprintf(url, sizeof url, "https://h%d.org/p", i);
        assert_seed(&s, (size_t)i, url, i + 1);
    }
    seeds_clear(&s);
}

#define FILED(test) cmocka_unit_test_setup_teardown(test, make_file, remove_file)

int main(void)
{
    static const struct CMUnitTest tests[] = {
        FILED(a_file_in_every_allowed_dress),
        FILED(lone_returns_end_lines_too),
        FILED(bad_lines_are_named_skipped_and_counted),
        FILED(complaints_are_harmless_and_few),
        FILED(binary_rubbish_crashes_nothing),
        FILED(nul_bytes_are_part_of_their_line),
        FILED(a_line_of_64_kb_is_bad_and_the_next_one_is_read),
        FILED(operands_are_urls_files_and_standard_input),
        FILED(a_bad_url_on_the_command_line_has_no_line_number),
        FILED(a_missing_file_is_named_with_a_hint),
        FILED(nothing_usable_is_an_error),
        FILED(no_operands_give_no_seeds),
        FILED(many_seeds_are_kept_in_order),
    };
    int failed = cmocka_run_group_tests_name("crawler/seeds", tests, NULL, NULL);

    mem_free(complaints);
    return failed;
}
