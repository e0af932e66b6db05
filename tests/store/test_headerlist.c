/* SPDX-License-Identifier: MIT */
#include <ctype.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "store/headerlist.h"

static const struct row {
    const char *label, *in, *want, *source;
} rows[] = {
    { "no lines, no pairs", "", "[]", "" },
    { "the status line is left out", "HTTP/1.1 200 OK\r\nA: b\r\n", "[[\"A\",\"b\"]]",
      "RFC 9112 §4" },
    { "the request line is left out, colon or not", "GET /a:b HTTP/1.1\r\nA: b\r\n",
      "[[\"A\",\"b\"]]", "RFC 9112 §3" },
    { "order and repeats are kept", "B: 1\r\nA: 2\r\nB: 3\r\n",
      "[[\"B\",\"1\"],[\"A\",\"2\"],[\"B\",\"3\"]]", "RFC 9110 §5.3" },
    { "a bare LF ends a line", "A: 1\nB: 2\n", "[[\"A\",\"1\"],[\"B\",\"2\"]]",
      "RFC 9112 §2.2" },
    { "white space around a value goes", "A: \t x y \t\r\n", "[[\"A\",\"x y\"]]",
      "RFC 9110 §5.5" },
    { "white space before the colon is no token", "A : x\r\nB: y\r\n",
      "[[\"B\",\"y\"]]", "RFC 9112 §5.1" },
    { "an empty value", "A:\r\n", "[[\"A\",\"\"]]", "RFC 9110 §5.5" },
    { "an empty name is no header", ": x\r\n", "[]", "RFC 9110 §5.1" },
    { "colons in a value stay", "A: b:c\r\n", "[[\"A\",\"b:c\"]]", "" },
    { "quotes and backslashes are escaped", "A: \"\\\"\r\n",
      "[[\"A\",\"\\\"\\\\\\\"\"]]", "RFC 8259 §7" },
    { "controls are escaped", "A: x\x01y\x7fz\r\n", "[[\"A\",\"x\\u0001y\\u007fz\"]]",
      "RFC 8259 §7" },
    { "UTF-8 stays", "A: \xe2\x82\xac\r\n", "[[\"A\",\"\xe2\x82\xac\"]]", "" },
    { "other bytes are ISO-8859-1", "A: \xe9\r\n", "[[\"A\",\"\xc3\xa9\"]]",
      "RFC 9110 §5.5" },
    { "a last line without an end", "A: 1\r\nB: 2", "[[\"A\",\"1\"],[\"B\",\"2\"]]",
      "" },
};

static void formats(void **state)
{
    const struct row *row = *state;
    struct buf out;

    buf_init(&out, MIB);
    assert_int_equal(headerlist_format(span_str(row->in), &out), OK);
    assert_int_equal(buf_append_byte(&out, '\0'), OK);
    assert_string_equal(out.ptr, row->want);
    buf_clear(&out);
}

/* The byte in question at every place of a value, among bytes that stand for themselves. */
static void every_byte_is_escaped_or_not_wherever_it_stands(void **state)
{
    (void)state;
    for (unsigned c = 1; c < 0x80; c++)
        for (size_t at = 0; at < 20 && c != '\n'; at++) {
            char line[64] = "A: .", escaped[8], want[64];
            struct buf out;

            for (size_t i = 0; i < 20; i++)
                line[4 + i] = i == at ? (char)c : (char)('a' + i);
            line[24] = '.';
            snprintf(escaped, sizeof escaped,
                     c == '"' || c == '\\' ? "\\%c" : c < 0x20 || c == 0x7f ? "\\u%04x" : "%c", c);
            snprintf(want, sizeof want, "[[\"A\",\".%.*s%s%.*s.\"]]", (int)at, line + 4, escaped, (int)(19 - at),
                     line + 5 + at);
            buf_init(&out, MIB);
            assert_int_equal(headerlist_format(span_str(line), &out), OK);
            assert_int_equal(buf_append_byte(&out, '\0'), OK);
            assert_string_equal(out.ptr, want);
            buf_clear(&out);
        }
}

static void names_are_tokens(void **state)
{
    (void)state;
    for (unsigned c = 1; c < 0x100; c++) {
        char line[8] = { 'A', (char)c, ':', ' ', 'b', 0 };
        bool is_name = (c < 0x80 && isalnum((int)c)) || strchr("!#$%&'*+-.^_`|~", (int)c);
        struct buf out;

        if (c == ':' || c == '\n')
            continue;
        buf_init(&out, MIB);
        assert_int_equal(headerlist_format(span_str(line), &out), OK);
        assert_int_equal(out.len > 2, is_name);
        buf_clear(&out);
    }
}

static void long_values_are_cut(void **state)
{
    static char line[20000] = "A: ";
    struct buf out;

    (void)state;
    memset(line + 3, 'x', sizeof line - 3);
    buf_init(&out, MIB);
    assert_int_equal(headerlist_format(span_make(line, sizeof line), &out), OK);
    assert_int_equal(out.len, HEADERLIST_MAX_VALUE + strlen("[[\"A\",\"\"]]"));
    buf_clear(&out);
}

static void endless_blocks_lose_their_last_lines(void **state)
{
    size_t size = 2 * MIB;
    char *lines = calloc(1, size);
    struct buf out;

    (void)state;
    for (size_t i = 0; i + 8 <= size; i += 8)
        memcpy(lines + i, "A: 123\r\n", 8);
    buf_init(&out, 16 * MIB);
    assert_int_equal(headerlist_format(span_make(lines, size), &out), OK);
    assert_true(out.len <= HEADERLIST_MAX_BYTES + 16);
    assert_memory_equal(out.ptr + out.len - 2, "]]", 2);
    buf_clear(&out);
    free(lines);
}

static void a_full_buffer_is_an_error(void **state)
{
    struct buf out;

    (void)state;
    buf_init(&out, 5);
    assert_int_equal(headerlist_format(SPAN("A: b\r\n"), &out), ERR_TOO_LARGE);
    buf_clear(&out);
}

int main(void)
{
    struct CMUnitTest tests[24] = {
        cmocka_unit_test(every_byte_is_escaped_or_not_wherever_it_stands),
        cmocka_unit_test(names_are_tokens),
        cmocka_unit_test(long_values_are_cut),
        cmocka_unit_test(endless_blocks_lose_their_last_lines),
        cmocka_unit_test(a_full_buffer_is_an_error),
    };
    size_t n = 0;

    while (tests[n].name)
        n++;
    for (size_t i = 0; i < ARRAY_LEN(rows); i++)
        tests[n++] = (struct CMUnitTest){ rows[i].label, formats, NULL, NULL,
                                          (void *)(uintptr_t)&rows[i] };
    return _cmocka_run_group_tests("store/headerlist", tests, n, NULL, NULL);
}
