/* SPDX-License-Identifier: MIT */
#include <errno.h>
#include <fcntl.h>
#include <float.h>
#include <math.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <termios.h>
#include <unistd.h>

#include <cmocka.h>

#include "config/io.h"
#include "config/mem.h"
#include "crawler/cell.h"
#include "crawler/output.h"

#define N_COLUMNS 3

static const struct span columns[N_COLUMNS] = { { "id", 2 },
                                                { "title", 5 },
                                                { "note", 4 } };

static struct output_value integer(int64_t n)
{
    return (struct output_value){ .type = OUTPUT_INTEGER, .integer = n };
}

static struct output_value text(const char *s)
{
    return (struct output_value){ .type = OUTPUT_TEXT, .text = span_str(s) };
}

/* Everything written to fd, which is a memory file, as a string the caller frees. */
static char *read_back(int fd)
{
    struct buf out;
    char *copy;

    assert_int_equal(lseek(fd, 0, SEEK_SET), 0);
    buf_init(&out, (size_t)64 * MIB);
    assert_int_equal(io_read_all(fd, &out), OK);
    copy = mem_str_copy(buf_span(&out));
    buf_clear(&out);
    return copy;
}

static void check(enum output_format format, const struct output_value *values,
                  size_t n_rows, const char *want)
{
    int fd = memfd_create("output", MFD_CLOEXEC);
    struct output *o = output_new(format, fd, columns, N_COLUMNS);
    char *got;

    for (size_t i = 0; i < n_rows; i++)
        assert_int_equal(output_row(o, &values[i * N_COLUMNS]), OK);
    assert_int_equal(output_finish(o), OK);
    assert_int_equal(output_count(o), n_rows);
    output_free(o);
    got = read_back(fd);
    assert_string_equal(got, want);
    mem_free(got);
    close(fd);
}

/* --- the same rows in every format -------------------------------------------------------- */

static const struct format_row {
    const char *label;
    enum output_format format;
    const char *rows, *nothing;
} format_rows[] = {
    { "table", OUTPUT_TABLE,
      "id  title        note\n"
      "--  -----------  ----\n"
      " 1  plain        \n"
      "22  a \"b\", c|\\d  0102\n",
      "id  title  note\n"
      "--  -----  ----\n" },
    { "csv", OUTPUT_CSV,
      "\"id\",\"title\",\"note\"\r\n"
      "1,\"plain\",\r\n"
      "22,\"a \"\"b\"\", c|\\d\",0102\r\n",
      "\"id\",\"title\",\"note\"\r\n" },
    { "tsv", OUTPUT_TSV, "id\ttitle\tnote\n1\tplain\t\n22\ta \"b\", c|\\\\d\t0102\n",
      "id\ttitle\tnote\n" },
    { "json", OUTPUT_JSON,
      "[\n {\"id\":1,\"title\":\"plain\",\"note\":null},\n"
      " {\"id\":22,\"title\":\"a \\\"b\\\", c|\\\\d\",\"note\":\"0102\"}\n]\n",
      "[]\n" },
    { "jsonl", OUTPUT_JSONL,
      "{\"id\":1,\"title\":\"plain\",\"note\":null}\n"
      "{\"id\":22,\"title\":\"a \\\"b\\\", c|\\\\d\",\"note\":\"0102\"}\n",
      "" },
    { "markdown", OUTPUT_MARKDOWN,
      "| id | title | note |\n| --- | --- | --- |\n| 1 | plain |  |\n| 22 | a \"b\", c\\|\\\\d | 0102 |\n",
      "| id | title | note |\n| --- | --- | --- |\n" },
};

static void check_format(void **state)
{
    const struct format_row *row = *state;
    struct output_value values[] = { integer(1),
                                     text("plain"),
                                     { .type = OUTPUT_NULL },
                                     integer(22),
                                     text("a \"b\", c|\\d"),
                                     { .type = OUTPUT_BLOB, .text = SPAN("\1\2") } };

    check(row->format, values, 2, row->rows);
    check(row->format, values, 0, row->nothing);
}

/* --- one text in every streaming format ----------------------------------------------------- */

static const struct text_row {
    const char *label;
    struct span in;
    const char *csv, *tsv, *json, *markdown;
} text_rows[] = {
    { "newlines",
      { "a\r\nb", 4 },
      "\"a\r\nb\"",
      "a\\r\\nb",
      "\"a\\u000d\\u000ab\"",
      "a  b" },
    { "tabs", { "a\tb", 3 }, "\"a\tb\"", "a\\tb", "\"a\\u0009b\"", "a\tb" },
    { "an equals sign in front",
      { "=1+1", 4 },
      "\"'=1+1\"",
      "=1+1",
      "\"=1+1\"",
      "=1+1" },
    { "a plus in front", { "+1", 2 }, "\"'+1\"", "+1", "\"+1\"", "+1" },
    { "a minus in front", { "-1", 2 }, "\"'-1\"", "-1", "\"-1\"", "-1" },
    { "an at in front", { "@A1", 3 }, "\"'@A1\"", "@A1", "\"@A1\"", "@A1" },
    { "a tab in front", { "\t=1", 3 }, "\"'\t=1\"", "\\t=1", "\"\\u0009=1\"", "\t=1" },
    { "a return in front",
      { "\r=1", 3 },
      "\"'\r=1\"",
      "\\r=1",
      "\"\\u000d=1\"",
      " =1" },
    { "signs further in are harmless",
      { "a=-+@", 5 },
      "\"a=-+@\"",
      "a=-+@",
      "\"a=-+@\"",
      "a=-+@" },
    { "a quote and a formula", { "=\"", 2 }, "\"'=\"\"\"", "=\"", "\"=\\\"\"", "=\"" },
    { "empty", { "", 0 }, "\"\"", "", "\"\"", "" },
    { "umlauts and emoji",
      { "\xc3\xa4\xf0\x9f\x98\x80", 6 },
      "\"\xc3\xa4\xf0\x9f\x98\x80\"",
      "\xc3\xa4\xf0\x9f\x98\x80",
      "\"\xc3\xa4\xf0\x9f\x98\x80\"",
      "\xc3\xa4\xf0\x9f\x98\x80" },
    { "C1 and bidi are escaped in JSON and Markdown",
      { "\xc2\x9b\xe2\x80\xae", 5 },
      "\"\xc2\x9b\xe2\x80\xae\"",
      "\xc2\x9b\xe2\x80\xae",
      "\"\\u009b\\u202e\"",
      "\\\\xC2\\\\x9B\\\\xE2\\\\x80\\\\xAE" },
    { "broken UTF-8 is valid JSON",
      { "a\xff\xc3", 3 },
      "\"a\xff\xc3\"",
      "a\xff\xc3",
      "\"a\\ufffd\\ufffd\"",
      "a\\\\xFF\\\\xC3" },
    { "escape and delete",
      { "\x1b\x7f", 2 },
      "\"\x1b\x7f\"",
      "\x1b\x7f",
      "\"\\u001b\\u007f\"",
      "\\\\x1B\\\\x7F" },
};

static void check_text(void **state)
{
    const struct text_row *row = *state;
    struct output_value values[] = { integer(1),
                                     { .type = OUTPUT_TEXT, .text = row->in },
                                     integer(2) };
    char want[300];

    snprintf(want, sizeof want, "\"id\",\"title\",\"note\"\r\n1,%s,2\r\n", row->csv);
    check(OUTPUT_CSV, values, 1, want);
    snprintf(want, sizeof want, "id\ttitle\tnote\n1\t%s\t2\n", row->tsv);
    check(OUTPUT_TSV, values, 1, want);
    snprintf(want, sizeof want, "{\"id\":1,\"title\":%s,\"note\":2}\n", row->json);
    check(OUTPUT_JSONL, values, 1, want);
    snprintf(want, sizeof want,
             "| id | title | note |\n| --- | --- | --- |\n| 1 | %s | 2 |\n",
             row->markdown);
    check(OUTPUT_MARKDOWN, values, 1, want);
}

static void a_nul_byte_is_no_formula_and_no_end(void **state)
{
    int fd = memfd_create("output", MFD_CLOEXEC);
    struct output_value value = { .type = OUTPUT_TEXT, .text = SPAN("\0=1") };
    struct output *o = output_new(OUTPUT_CSV, fd, columns, 1);
    struct buf got;

    (void)state;
    assert_int_equal(output_row(o, &value), OK);
    assert_int_equal(output_finish(o), OK);
    output_free(o);
    lseek(fd, 0, SEEK_SET);
    buf_init(&got, 1000);
    assert_int_equal(io_read_all(fd, &got), OK);
    assert_true(span_eq(buf_span(&got), SPAN("\"id\"\r\n\"\0=1\"\r\n")));
    buf_clear(&got);
    close(fd);
}

/* RFC 4180, read back by the book; the guard's apostrophe is taken off again. */
static struct span read_cell(struct span *rest, char *out)
{
    size_t n = 0, i = 1;

    assert_int_equal(rest->ptr[0], '"');
    for (;; i++) {
        assert_true(i < rest->len);
        if (rest->ptr[i] == '"') {
            if (i + 1 >= rest->len || rest->ptr[i + 1] != '"')
                break;
            i++;
        }
        out[n++] = rest->ptr[i];
    }
    *rest = span_skip(*rest, i + 3); /* the quote and CRLF */
    if (n > 1 && out[0] == '\'' && memchr("=+-@\t\r", out[1], 6))
        return span_make(out + 1, n - 1);
    return span_make(out, n);
}

static void csv_comes_back_byte_for_byte(void **state)
{
    int fd = memfd_create("output", MFD_CLOEXEC);
    struct output *o = output_new(OUTPUT_CSV, fd, columns, 1);
    static const char letters[] = "a\",=+-@\r\n\t'|\\ \xc3\xa4";
    char texts[500][12], cell[64];
    struct span rest;
    struct buf got;
    uint32_t x = 3;

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(texts); i++) {
        struct output_value value = { .type = OUTPUT_TEXT };

        for (size_t k = 0; k < sizeof texts[i]; k++) {
            x = x * 1664525 + 1013904223;
            texts[i][k] = letters[(x >> 8) % (sizeof letters - 1)];
        }
        if (texts[i][0] ==
            '\'') /* as ours, an apostrophe of the text itself would be taken off */
            texts[i][0] = 'x';
        value.text = span_make(texts[i], i % sizeof texts[i]);
        assert_int_equal(output_row(o, &value), OK);
    }
    assert_int_equal(output_finish(o), OK);
    output_free(o);
    lseek(fd, 0, SEEK_SET);
    buf_init(&got, 100000);
    assert_int_equal(io_read_all(fd, &got), OK);
    rest = buf_span(&got);
    read_cell(&rest, cell);
    for (size_t i = 0; i < ARRAY_LEN(texts); i++)
        assert_true(
            span_eq(read_cell(&rest, cell), span_make(texts[i], i % sizeof texts[i])));
    assert_int_equal(rest.len, 0);
    buf_clear(&got);
    close(fd);
}

static void numbers_of_all_sizes(void **state)
{
    struct output_value values[] = { integer(INT64_MIN),
                                     { .type = OUTPUT_REAL, .real = 0.1 },
                                     { .type = OUTPUT_REAL, .real = 1e300 },
                                     integer(INT64_MAX),
                                     { .type = OUTPUT_REAL, .real = HUGE_VAL },
                                     { .type = OUTPUT_REAL, .real = NAN } };

    (void)state;
    check(OUTPUT_JSONL, values, 2,
          "{\"id\":-9223372036854775808,\"title\":0.1,\"note\":1e+300}\n"
          "{\"id\":9223372036854775807,\"title\":null,\"note\":null}\n");
}

/* What a program reads back is what the database holds, to the last bit. */
static void numbers_are_exact_and_no_longer_than_that(void **state)
{
    static const double numbers[] = { 0.1, 0.1 + 0.2, 1.0 / 3, 0.012406590070480679, 2.5, 1e23, DBL_MIN, -DBL_MAX };
    static const char *const wanted[] = { "0.1", "0.30000000000000004", "0.3333333333333333", "0.012406590070480679",
                                          "2.5", "1e+23", "2.2250738585072014e-308", "-1.7976931348623157e+308" };
    struct buf got;

    (void)state;
    buf_init(&got, 64);
    for (size_t i = 0; i < ARRAY_LEN(numbers); i++) {
        buf_reset(&got);
        assert_int_equal(cell_put_plain(&got, &(struct output_value){ .type = OUTPUT_REAL, .real = numbers[i] }), OK);
        assert_int_equal(buf_append_byte(&got, '\0'), OK);
        assert_string_equal(got.ptr, wanted[i]);
        assert_true(strtod(got.ptr, NULL) == numbers[i]);
    }
    buf_clear(&got);
}

/* --- the table ------------------------------------------------------------------------------------ */

static void a_table_shows_nothing_unsafe(void **state)
{
    struct output_value values[] = { integer(1), text("\x1b[31mred\n\xe2\x80\xae"),
                                     text("\x9b") };

    (void)state;
    check(OUTPUT_TABLE, values, 1,
          "id  title                        note\n"
          "--  ---------------------------  ----\n"
          " 1  \\x1B[31mred\\x0A\\xE2\\x80\\xAE  \\x9B\n");
}

static void column_names_are_outside_text_too(void **state)
{
    struct span names[2] = { SPAN("\x1b[2J"), SPAN("b") };
    int fd = memfd_create("output", MFD_CLOEXEC);
    struct output *o = output_new(OUTPUT_TABLE, fd, names, 2);
    char *got;

    (void)state;
    assert_int_equal(output_finish(o), OK);
    output_free(o);
    got = read_back(fd);
    assert_string_equal(got, "\\x1B[2J  b\n-------  -\n");
    mem_free(got);
    close(fd);
}

static void wide_and_combining_characters_keep_the_columns_straight(void **state)
{
    struct output_value values[] = {
        integer(1),
        text("\xe4\xb8\xad\xe6\x96\x87"),
        text("|"), /* two wide ones */
        integer(2),
        text("abcd"),
        text("|"),
        integer(3),
        text("a\xcc\x88"
             "bc"
             "d"),
        text("|"), /* a + combining diaeresis */
        integer(4),
        text("\xef\xbc\xa1\xf0\x9f\x98\x80"),
        text("|"), /* full-width A, an emoji */
        integer(5),
        text("\xed\x95\x9c"
             "ab"),
        text("|"), /* Hangul */
        integer(6),
        text("\xc3\xa4\xd0\x96\xce\xa9z"),
        text("|"), /* narrow ones beyond ASCII */
    };

    (void)state;
    check(OUTPUT_TABLE, values, 6,
          "id  title  note\n"
          "--  -----  ----\n"
          " 1  \xe4\xb8\xad\xe6\x96\x87   |\n"
          " 2  abcd   |\n"
          " 3  a\xcc\x88"
          "bcd   |\n"
          " 4  \xef\xbc\xa1\xf0\x9f\x98\x80   |\n"
          " 5  \xed\x95\x9c"
          "ab   |\n"
          " 6  \xc3\xa4\xd0\x96\xce\xa9z   |\n");
}

static void a_column_is_60_wide_at_most(void **state)
{
    char wide[101] = "";
    struct output_value values[] = { integer(1), text("short"), text("|"),
                                     integer(2), text(wide),    text("|") };
    char want[400];

    (void)state;
    memset(wide, 'w', 100);
    wide[100] = '\0';
    values[4] = text(wide);
    snprintf(
        want, sizeof want,
        "id  %-60s  note\n--  ------------------------------------------------------------  ----\n"
        " 1  %-60s  |\n 2  %s  |\n",
        "title", "short", wide);
    check(OUTPUT_TABLE, values, 2, want);
}

static void a_long_table_streams_in_bounded_memory(void **state)
{
    int fd = open("/dev/null", O_WRONLY);
    struct output *o = output_new(OUTPUT_TABLE, fd, columns, 1);
    static char big[100000];
    struct output_value value = { .type = OUTPUT_TEXT, .text = { big, sizeof big } };

    (void)state;
    memset(big, 'x', sizeof big);
    for (int i = 0; i < 1000; i++)
        assert_int_equal(
            output_row(o, &(struct output_value){ .type = OUTPUT_INTEGER }), OK);
    for (int i = 0; i < 4000; i++) /* 400 MB in all, more than may be held */
        assert_int_equal(output_row(o, &value), OK);
    assert_int_equal(output_finish(o), OK);
    assert_int_equal(output_count(o), 5000);
    output_free(o);
    close(fd);
}

static void rows_after_the_widths_are_known_keep_them(void **state)
{
    int fd = memfd_create("output", MFD_CLOEXEC);
    struct output *o = output_new(OUTPUT_TABLE, fd, columns, 2);
    struct output_value values[2] = { integer(7), text("abc") };
    char *got;

    (void)state;
    for (int i = 0; i < 1001; i++)
        assert_int_equal(output_row(o, values), OK);
    assert_int_equal(output_finish(o), OK);
    output_free(o);
    got = read_back(fd);
    assert_int_equal(strlen(got), 10 + 10 + 1001 * strlen(" 7  abc\n"));
    assert_string_equal(got + strlen(got) - 8, " 7  abc\n");
    mem_free(got);
    close(fd);
}

/* --- terminals and readers that leave ------------------------------------------------------------------- */

static void on_a_terminal_every_format_is_harmless(void **state)
{
    static const enum output_format formats[] = { OUTPUT_TABLE, OUTPUT_CSV,
                                                  OUTPUT_TSV,   OUTPUT_JSON,
                                                  OUTPUT_JSONL, OUTPUT_MARKDOWN };
    struct output_value values[] = {
        integer(1), text("\x1b]0;evil\x07\xc2\x9b\xe2\x80\xae\x7f\xff"), text("x")
    };

    (void)state;
    setenv("NO_COLOR", "1", 1);
    for (size_t i = 0; i < ARRAY_LEN(formats); i++) {
        int reader = posix_openpt(O_RDWR | O_NOCTTY), terminal;
        struct termios raw;
        struct output *o;
        char got[1000];
        ssize_t n;

        if (reader < 0 && i == 0) /* no /dev/pts, as in a bare chroot */
            skip();
        assert_true(reader >= 0 && grantpt(reader) == 0 && unlockpt(reader) == 0);
        terminal = open(ptsname(reader), O_RDWR | O_NOCTTY);
        assert_true(terminal >= 0);
        tcgetattr(terminal, &raw);
        cfmakeraw(&raw);
        tcsetattr(terminal, TCSANOW, &raw);
        o = output_new(formats[i], terminal, columns, N_COLUMNS);
        assert_int_equal(output_row(o, values), OK);
        assert_int_equal(output_finish(o), OK);
        output_free(o);
        n = read(reader, got, sizeof got);
        assert_true(n > 0);
        for (ssize_t k = 0; k < n; k++) {
            unsigned char c = (unsigned char)got[k];

            if (memcmp(got + k, "─", 3) == 0) { /* the rule under a table's head */
                k += 2;
                continue;
            }
            assert_true((c >= 0x20 && c < 0x7f) || c == '\n' || c == '\r' || c == '\t');
        }
        close(terminal);
        close(reader);
    }
}

static void a_reader_that_is_gone_is_an_error(void **state)
{
    struct output_value values[] = { integer(1), text("x"), text("y") };
    struct output *o;
    int fds[2];

    (void)state;
    signal(SIGPIPE, SIG_IGN);
    assert_int_equal(pipe(fds), 0);
    close(fds[0]);
    o = output_new(OUTPUT_CSV, fds[1], columns, N_COLUMNS);
    assert_int_equal(output_row(o, values), OK); /* still held back */
    assert_int_equal(output_finish(o), ERR_IO);
    assert_int_equal(errno, EPIPE);
    output_free(o);
    close(fds[1]);
    signal(SIGPIPE, SIG_DFL);
}

static void no_columns_are_fine(void **state)
{
    (void)state;
    for (int f = OUTPUT_TABLE; f <= OUTPUT_MARKDOWN; f++) {
        int fd = memfd_create("output", MFD_CLOEXEC);
        struct output *o = output_new((enum output_format)f, fd, NULL, 0);

        assert_int_equal(output_row(o, NULL), OK);
        assert_int_equal(output_finish(o), OK);
        output_free(o);
        close(fd);
    }
    output_free(NULL);
}

int main(void)
{
    static const struct CMUnitTest fixed[] = {
        cmocka_unit_test(a_nul_byte_is_no_formula_and_no_end),
        cmocka_unit_test(csv_comes_back_byte_for_byte),
        cmocka_unit_test(numbers_of_all_sizes),
        cmocka_unit_test(numbers_are_exact_and_no_longer_than_that),
        cmocka_unit_test(a_table_shows_nothing_unsafe),
        cmocka_unit_test(column_names_are_outside_text_too),
        cmocka_unit_test(wide_and_combining_characters_keep_the_columns_straight),
        cmocka_unit_test(a_column_is_60_wide_at_most),
        cmocka_unit_test(a_long_table_streams_in_bounded_memory),
        cmocka_unit_test(rows_after_the_widths_are_known_keep_them),
        cmocka_unit_test(on_a_terminal_every_format_is_harmless),
        cmocka_unit_test(a_reader_that_is_gone_is_an_error),
        cmocka_unit_test(no_columns_are_fine),
    };
    struct CMUnitTest
        tests[ARRAY_LEN(fixed) + ARRAY_LEN(format_rows) + ARRAY_LEN(text_rows)];
    size_t n = 0;

    for (size_t i = 0; i < ARRAY_LEN(fixed); i++)
        tests[n++] = fixed[i];
    for (size_t i = 0; i < ARRAY_LEN(format_rows); i++)
        tests[n++] =
            (struct CMUnitTest){ .name = format_rows[i].label,
                                 .test_func = check_format,
                                 .initial_state = (void *)(uintptr_t)&format_rows[i] };
    for (size_t i = 0; i < ARRAY_LEN(text_rows); i++)
        tests[n++] =
            (struct CMUnitTest){ .name = text_rows[i].label,
                                 .test_func = check_text,
                                 .initial_state = (void *)(uintptr_t)&text_rows[i] };
    return cmocka_run_group_tests_name("crawler/output", tests, NULL, NULL);
}
