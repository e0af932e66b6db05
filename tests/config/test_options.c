/* SPDX-License-Identifier: MIT */
#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

#include "config/mem.h"
#include "config/options.h"

/* A small program's options, one of every type and range. */
struct target {
    bool flag, other;
    int64_t count, some, duration, slow, size;
    int choice;
    char *text, *name;
    struct text_list list;
};

#define F(name) offsetof(struct target, name)
static const struct option_spec specs[] = {
    { "flag", 'f', OPTION_FLAG, F(flag), 0, 0, NULL, NULL, 0, NULL, "a flag", "First" },
    { "other", 'v', OPTION_FLAG, F(other), 0, 0, "yes", NULL, 0, NULL, "on already",
      NULL },
    { "count", 'n', OPTION_COUNT, F(count), -1, INT64_MAX, "none", NULL, 0, "N",
      "a count", NULL },
    { "some", 0, OPTION_COUNT, F(some), 1, 100, "5", NULL, 0, "N", "from 1 to 100",
      NULL },
    { "duration", 'd', OPTION_DURATION, F(duration), 0, 86400000, "1s", NULL, 0, "DUR",
      "a pause", "Second" },
    { "slow", 0, OPTION_DURATION, F(slow), -1, INT64_MAX, "none", NULL, 0, "DUR",
      "or none", NULL },
    { "size", 's', OPTION_SIZE, F(size), 1024, GIB, "64K", NULL, 0, "SIZE", "a size",
      NULL },
    { "choice", 0, OPTION_CHOICE, F(choice), 0, 0, "two", "one|two|three", 0, "WHICH",
      "a word", NULL },
    { "text", 't', OPTION_TEXT, F(text), 0, 0, "initial", NULL, 0, "STR", "a text",
      NULL },
    { "name", 0, OPTION_TEXT, F(name), 1, 0, NULL, NULL, 0, "STR", "not empty", NULL },
    { "plus", 0, OPTION_LIST, F(list), 0, 0, NULL, NULL, 1, "X", "into the list",
      NULL },
    { "minus", 0, OPTION_LIST, F(list), 0, 0, NULL, NULL, 2, "X", "into the same list",
      NULL },
};
static const struct option_table table = { specs, ARRAY_LEN(specs) };

static enum err set(struct target *t, const char *name, const char *value,
                    struct err_note *note)
{
    const struct option_spec *spec = options_find(&table, span_str(name));

    assert_non_null(spec);
    return options_set(&table, t, spec, span_str(value), "here", note);
}

/* --- good values ------------------------------------------------------------------------- */

static const struct good_row {
    const char *name, *value;
    int64_t want;
} good_rows[] = {
    { "flag", "yes", 1 },
    { "flag", "TRUE", 1 },
    { "flag", "on", 1 },
    { "flag", "1", 1 },
    { "other", "no", 0 },
    { "other", "False", 0 },
    { "other", "OFF", 0 },
    { "other", "0", 0 },
    { "count", "0", 0 },
    { "count", "none", -1 },
    { "count", "NONE", -1 },
    { "count", "9223372036854775807", INT64_MAX },
    { "some", "1", 1 },
    { "some", "100", 100 },
    { "duration", "0", 0 },
    { "duration", "0s", 0 },
    { "duration", "500ms", 500 },
    { "duration", "2s", 2000 },
    { "duration", "5m", 300000 },
    { "duration", "1h", 3600000 },
    { "duration", "1d", 86400000 },
    { "duration", "1.5s", 1500 },
    { "duration", "0.25h", 900000 },
    { "duration", "1.001s", 1001 },
    { "duration", "2S", 2000 },
    { "slow", "none", -1 },
    { "slow", "365d", INT64_C(31536000000) },
    { "size", "1024", 1024 },
    { "size", "64K", 65536 },
    { "size", "10M", 10 * MIB },
    { "size", "1G", GIB },
    { "size", "1.5k", 1536 },
    { "size", "2048B", 2048 },
    { "size", "2KB", 2048 },
    { "size", "2KiB", 2048 },
    { "size", "1mib", MIB },
    { "choice", "one", 0 },
    { "choice", "THREE", 2 },
};

static int64_t value_of(const struct target *t, const struct option_spec *spec)
{
    const char *field = (const char *)t + spec->field;

    if (spec->type == OPTION_FLAG)
        return *(const bool *)(const void *)field;
    if (spec->type == OPTION_CHOICE)
        return *(const int *)(const void *)field;
    return *(const int64_t *)(const void *)field;
}

static void good_values_are_taken(void **state)
{
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(good_rows); i++) {
        struct target t = { 0 };

        options_set_defaults(&table, &t);
        assert_int_equal(set(&t, good_rows[i].name, good_rows[i].value, NULL), OK);
        assert_true(value_of(&t, options_find(&table, span_str(good_rows[i].name))) ==
                    good_rows[i].want);
        options_clear(&table, &t);
    }
}

/* --- bad values: each message names place, value, option and what it may be ----------------- */

#define COUNT_RANGE    "a whole number from 0, or none"
#define SOME_RANGE     "a whole number from 1 to 100"
#define DURATION_RANGE "a duration with its unit (500ms, 2s, 5m, 1h, 7d) from 0 to 1d"
#define SIZE_RANGE     "a size (65536, 64K, 10M, 1G) from 1K to 1G"

static const struct bad_row {
    const char *name, *value, *range;
} bad_rows[] = {
    { "flag", "maybe", "yes or no" },
    { "flag", "", "yes or no" },
    { "flag", "2", "yes or no" },
    { "count", "-1", COUNT_RANGE },
    { "count", "-2", COUNT_RANGE },
    { "count", "", COUNT_RANGE },
    { "count", "5 ", COUNT_RANGE },
    { "count", "1e3", COUNT_RANGE },
    { "count", "0x10", COUNT_RANGE },
    { "count", "1.5", COUNT_RANGE },
    { "count", "9223372036854775808", COUNT_RANGE },
    { "some", "0", SOME_RANGE },
    { "some", "101", SOME_RANGE },
    { "some", "none", SOME_RANGE },
    { "some", "5s", SOME_RANGE },
    { "duration", "5", DURATION_RANGE },
    { "duration", "", DURATION_RANGE },
    { "duration", "s", DURATION_RANGE },
    { "duration", "-1s", DURATION_RANGE },
    { "duration", "5 s", DURATION_RANGE },
    { "duration", "5sec", DURATION_RANGE },
    { "duration", "1.s", DURATION_RANGE },
    { "duration", ".5s", DURATION_RANGE },
    { "duration", "1.2.3s", DURATION_RANGE },
    { "duration", "1.0001s", DURATION_RANGE },
    { "duration", "1.5ms", DURATION_RANGE },
    { "duration", "25h", DURATION_RANGE },
    { "duration", "none", DURATION_RANGE },
    { "duration", "99999999999999999d", DURATION_RANGE },
    { "duration", "9223372036854775807ms", DURATION_RANGE },
    { "slow", "9223372036854775.999s",
      "a duration with its unit (500ms, 2s, 5m, 1h, 7d) from 0, or none" },
    { "slow", "106751991168d",
      "a duration with its unit (500ms, 2s, 5m, 1h, 7d) from 0, or none" },
    { "size", "1023", SIZE_RANGE },
    { "size", "0", SIZE_RANGE },
    { "size", "1025M", SIZE_RANGE },
    { "size", "1T", SIZE_RANGE },
    { "size", "2048.5", SIZE_RANGE },
    { "size", "8589934592G", SIZE_RANGE },
    { "size", "none", SIZE_RANGE },
    { "choice", "four", "one of one|two|three" },
    { "choice", "", "one of one|two|three" },
    { "choice", "one|two", "one of one|two|three" },
    { "choice", "on", "one of one|two|three" },
    { "text", "two\nlines", "one line of text" },
    { "name", "", "one line of text, not empty" },
    { "plus", "\x1b[2J", "one line of text" },
};

static void check_bad(void **state)
{
    const struct bad_row *row = *state;
    struct target t = { 0 }, before;
    struct err_note note = { "" };
    char want[512];

    options_set_defaults(&table, &t);
    before = t;
    assert_int_equal(set(&t, row->name, row->value, &note), ERR_USAGE);

    assert_memory_equal(&t, &before, sizeof t);
    snprintf(want, sizeof want, "is not possible for %s: it must be %s", row->name,
             row->range);
    assert_non_null(strstr(note.text, want));
    assert_ptr_equal(strstr(note.text, want) + strlen(want),
                     note.text + strlen(note.text));
    assert_ptr_equal(strstr(note.text, "here: '"), note.text);
    options_clear(&table, &t);
}

static void an_error_repeats_the_value_cut_and_harmless(void **state)
{
    struct target t = { 0 };
    struct err_note note;
    char value[300];

    (void)state;
    assert_int_equal(set(&t, "count", "\x1b[31m\n\xe2\x80\xae", &note), ERR_USAGE);
    assert_non_null(strstr(note.text, "'\\x1B[31m\\x0A\\xE2\\x80\\xAE'"));
    memset(value, 'x', sizeof value);
    value[299] = '\0';
    assert_int_equal(set(&t, "count", value, &note), ERR_USAGE);
    assert_non_null(strstr(note.text, COUNT_RANGE));
    assert_int_equal(
        options_set(&table, &t, &specs[2], span_make("5\0", 2), "here", &note),
        ERR_USAGE);
    assert_non_null(strstr(note.text, "'5\\x00'"));
}

/* --- texts, lists, defaults ---------------------------------------------------------------------- */

static void defaults_come_from_the_table(void **state)
{
    struct target t = { 0 };

    (void)state;
    options_set_defaults(&table, &t);
    assert_false(t.flag);
    assert_true(t.other);
    assert_int_equal(t.count, -1);
    assert_int_equal(t.some, 5);
    assert_int_equal(t.duration, 1000);
    assert_int_equal(t.size, 65536);
    assert_int_equal(t.choice, 1);
    assert_string_equal(t.text, "initial");
    assert_null(t.name);
    assert_int_equal(t.list.len, 0);
    options_clear(&table, &t);
    assert_null(t.text);
    options_clear(&table, &t);
}

static void a_text_is_replaced_and_a_list_grows(void **state)
{
    struct target t = { 0 };

    (void)state;
    options_set_defaults(&table, &t);
    assert_int_equal(set(&t, "text", "a", NULL), OK);
    assert_int_equal(set(&t, "text", "b", NULL), OK);
    assert_int_equal(set(&t, "text", "", NULL), OK);
    assert_int_equal(set(&t, "text", "tab\tok", NULL), OK);
    assert_string_equal(t.text, "tab\tok");
    assert_int_equal(set(&t, "plus", "x", NULL), OK);
    assert_int_equal(set(&t, "minus", "", NULL), OK);
    assert_int_equal(set(&t, "plus", "y", NULL), OK);
    assert_int_equal(t.list.len, 3);
    assert_string_equal(t.list.items[0].text, "x");
    assert_int_equal(t.list.items[0].tag, 1);
    assert_string_equal(t.list.items[1].text, "");
    assert_int_equal(t.list.items[1].tag, 2);
    assert_string_equal(t.list.items[2].text, "y");
    options_clear(&table, &t);
}

/* --- names ------------------------------------------------------------------------------------------- */

static void unknown_names_get_the_nearest_right_one(void **state)
{
    static const struct {
        const char *name, *nearest;
    } rows[] = { { "durations", "duration" },
                 { "duraton", "duration" },
                 { "druation", "duration" },
                 { "cuont", "count" },
                 { "choise", "choice" },
                 { "flga", "flag" },
                 { "fla", "flag" } };
    struct err_note note;

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        char want[100];

        snprintf(want, sizeof want, "f:3: there is no option '%s'; did you mean '%s'?",
                 rows[i].name, rows[i].nearest);
        assert_int_equal(options_unknown(&table, span_str(rows[i].name), "f:3", &note),
                         ERR_USAGE);
        assert_string_equal(note.text, want);
    }
}

static void what_is_near_nothing_gets_no_guess(void **state)
{
    static const char *const names[] = {
        "", "x", "zzzzzz", "completely-different",
        "a-name-that-is-far-longer-than-any-option-can-be"
    };
    struct err_note note;

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(names); i++) {
        assert_int_equal(options_unknown(&table, span_str(names[i]), "f:3", &note),
                         ERR_USAGE);
        assert_non_null(strstr(note.text, "--help"));
    }
    options_unknown(&table, SPAN("\x1b[2J\0"), "f:3", &note);
    assert_non_null(strstr(note.text, "'\\x1B[2J\\x00'"));
}

static void names_are_exact(void **state)
{
    (void)state;
    assert_ptr_equal(options_find(&table, SPAN("flag")), &specs[0]);
    assert_null(options_find(&table, SPAN("Flag")));
    assert_null(options_find(&table, SPAN("fla")));
    assert_null(options_find(&table, SPAN_NONE));
    assert_null(options_nearest(SPAN("x"), NULL, 0));
    assert_string_equal(options_nearest(SPAN("urlz"), (const char *const[]){ "url", "urls", "urlx" }, 3), "urls");
    assert_string_equal(options_nearest(SPAN("urlz"), (const char *const[]){ "url", "link" }, 2), "url");
}

/* --- the command line ----------------------------------------------------------------------------------- */

/* Parses argv (without the program's name) and gives the operands as one text. */
static enum err parse(struct target *t, struct err_note *note, char *operands,
                      char **argv)
{
    char *all[32] = { (char *)(uintptr_t) "program" }, **rest = NULL;
    size_t n = 0, at = 0;
    int argc = 1;
    enum err e;

    while (*argv)
        all[argc++] = *argv++;
    options_set_defaults(&table, t);
    e = options_parse_args(&table, t, argc, all, &rest, &n, note);
    operands[0] = '\0';
    for (size_t i = 0; !e && i < n; i++)
        at += (size_t)snprintf(operands + at, 200 - at, "[%s]", rest[i]);
    if (!e)
        mem_free(rest);
    return e;
}

#define ARGS(...) ((char *[]){ __VA_ARGS__, NULL })
#define A(text)   ((char *)(uintptr_t)(text))

static void every_way_to_write_an_option(void **state)
{
    struct target t = { 0 };
    char operands[200];

    (void)state;
    assert_int_equal(parse(&t, NULL, operands,
                           ARGS(A("one"), A("--flag"), A("--count"), A("7"), A("-d5m"),
                                A("--size=2K"), A("two"), A("-s"), A("4K"),
                                A("--text=a=b"), A("--plus="), A("--other=no"))),
                     OK);
    assert_string_equal(operands, "[one][two]");
    assert_true(t.flag);
    assert_false(t.other);
    assert_int_equal(t.count, 7);
    assert_int_equal(t.duration, 300000);
    assert_int_equal(t.size, 4096);
    assert_string_equal(t.text, "a=b");
    assert_int_equal(t.list.len, 1);
    options_clear(&table, &t);
}

static void letters_may_stand_together(void **state)
{
    struct target t = { 0 };
    char operands[200];

    (void)state;
    assert_int_equal(parse(&t, NULL, operands, ARGS(A("-fvn5"), A("-fd"), A("2s"))),
                     OK);
    assert_true(t.flag && t.other);
    assert_int_equal(t.count, 5);
    assert_int_equal(t.duration, 2000);
    options_clear(&table, &t);
}

static void two_dashes_end_the_options_and_one_is_an_operand(void **state)
{
    struct target t = { 0 };
    char operands[200];

    (void)state;
    assert_int_equal(
        parse(&t, NULL, operands,
              ARGS(A("-"), A(""), A("--"), A("--flag"), A("-n5"), A("--"))),
        OK);
    assert_string_equal(operands, "[-][][--flag][-n5][--]");
    assert_false(t.flag);
    options_clear(&table, &t);
}

static void a_query_may_begin_with_a_comment(void **state)
{
    struct target t = { 0 };
    char operands[200];

    (void)state;
    assert_int_equal(
        parse(&t, NULL, operands,
              ARGS(A("-- all of them\nSELECT 1"), A("--\nSELECT 2"), A("--\r\nSELECT 3"), A("--\tfour\nSELECT 4"), A("--flag"))),
        OK);
    assert_string_equal(operands, "[-- all of them\nSELECT 1][--\nSELECT 2][--\r\nSELECT 3][--\tfour\nSELECT 4]");
    assert_true(t.flag);
    options_clear(&table, &t);
}

static void a_value_may_begin_with_a_dash(void **state)
{
    struct target t = { 0 };
    char operands[200];

    (void)state;
    assert_int_equal(
        parse(&t, NULL, operands, ARGS(A("--text"), A("--flag"), A("-t"), A("-"))), OK);
    assert_string_equal(t.text, "-");
    assert_false(t.flag);
    options_clear(&table, &t);
}

static void the_last_use_counts(void **state)
{
    struct target t = { 0 };
    char operands[200];

    (void)state;
    assert_int_equal(
        parse(&t, NULL, operands, ARGS(A("-n1"), A("--count=2"), A("-n"), A("none"))),
        OK);
    assert_int_equal(t.count, -1);
    options_clear(&table, &t);
}

static void no_arguments_are_fine(void **state)
{
    struct target t = { 0 };
    char operands[200], **rest;
    size_t n = 9;

    (void)state;
    assert_int_equal(parse(&t, NULL, operands, (char *[]){ NULL }), OK);
    assert_string_equal(operands, "");
    assert_int_equal(options_parse_args(&table, &t, 0, NULL, &rest, &n, NULL), OK);
    assert_int_equal(n, 0);
    mem_free(rest);
    options_clear(&table, &t);
}

static const struct wrong_row {
    char *args[3];
    const char *want;
} wrong_rows[] = {
    { { A("--cuont"), A("5") },
      "command line: there is no option '--cuont'; did you mean '--count'?" },
    { { A("--cuont=5") },
      "command line: there is no option '--cuont'; did you mean '--count'?" },
    { { A("--=5") }, "command line: there is no option '--'; --help lists them" },
    { { A("---") }, "command line: there is no option '---'; --help lists them" },
    { { A("-x") }, "command line: there is no option '-x'; --help lists them" },
    { { A("-fx") },
      "command line: there is no option '-x'; --help lists them" },
    { { A("-\xc3\xa9") },
      "command line: there is no option '-\xc3\xa9'; --help lists them" },
    { { A("-flag") }, "command line: there is no option '-flag'; did you mean '--flag'?" },
    { { A("--count") }, "--count needs a value: N" },
    { { A("-n") }, "-n needs a value: N" },
    { { A("-fn") }, "-n needs a value: N" },
    { { A("--count="), NULL },
      "--count: '' is not possible for count: it must be " COUNT_RANGE },
    { { A("-n=5"), NULL },
      "-n: '=5' is not possible for count: it must be " COUNT_RANGE },
    { { A("--flag=perhaps"), NULL },
      "--flag: 'perhaps' is not possible for flag: it must be yes or no" },
    { { A("--some"), A("0") },
      "--some: '0' is not possible for some: it must be " SOME_RANGE },
};

static void check_wrong(void **state)
{
    const struct wrong_row *row = *state;
    struct target t = { 0 };
    struct err_note note = { "" };
    char operands[200], *args[4] = { row->args[0], row->args[1], row->args[2] };

    assert_int_equal(parse(&t, &note, operands, args), ERR_USAGE);
    assert_string_equal(note.text, row->want);
    options_clear(&table, &t);
}

static void help_shows_every_option_with_its_default(void **state)
{
    struct buf out;

    (void)state;
    buf_init(&out, 10000);
    assert_int_equal(options_help(&table, 80, &out), OK);
    assert_int_equal(buf_append_byte(&out, '\0'), OK);
    assert_non_null(strstr(out.ptr, "\nFirst\n"));
    assert_non_null(strstr(out.ptr, "\nSecond\n"));
    assert_non_null(strstr(out.ptr, "-n, --count N"));
    assert_non_null(strstr(out.ptr, "a size [64K]\n"));
    assert_non_null(strstr(out.ptr, "a flag\n"));
    assert_non_null(strstr(out.ptr, "on already\n"));
    for (size_t i = 0; i < ARRAY_LEN(specs); i++)
        assert_non_null(strstr(out.ptr, specs[i].name));
    buf_clear(&out);
    buf_init(&out, 50);
    assert_int_equal(options_help(&table, 80, &out), ERR_TOO_LARGE);
    buf_clear(&out);
}

int main(void)
{
    static const struct CMUnitTest fixed[] = {
        cmocka_unit_test(good_values_are_taken),
        cmocka_unit_test(an_error_repeats_the_value_cut_and_harmless),
        cmocka_unit_test(defaults_come_from_the_table),
        cmocka_unit_test(a_text_is_replaced_and_a_list_grows),
        cmocka_unit_test(unknown_names_get_the_nearest_right_one),
        cmocka_unit_test(what_is_near_nothing_gets_no_guess),
        cmocka_unit_test(names_are_exact),
        cmocka_unit_test(every_way_to_write_an_option),
        cmocka_unit_test(letters_may_stand_together),
        cmocka_unit_test(two_dashes_end_the_options_and_one_is_an_operand),
        cmocka_unit_test(a_query_may_begin_with_a_comment),
        cmocka_unit_test(a_value_may_begin_with_a_dash),
        cmocka_unit_test(the_last_use_counts),
        cmocka_unit_test(no_arguments_are_fine),
        cmocka_unit_test(help_shows_every_option_with_its_default),
    };
    static char names[ARRAY_LEN(bad_rows)][80];
    struct CMUnitTest
        tests[ARRAY_LEN(fixed) + ARRAY_LEN(bad_rows) + ARRAY_LEN(wrong_rows)];
    size_t n = 0;

    for (size_t i = 0; i < ARRAY_LEN(fixed); i++)
        tests[n++] = fixed[i];
    for (size_t i = 0; i < ARRAY_LEN(bad_rows); i++) {
        bool is_plain = !strpbrk(bad_rows[i].value, "\x1b\n");

        snprintf(names[i], sizeof names[i], "%s = '%s' is refused", bad_rows[i].name,
                 is_plain ? bad_rows[i].value : "(control bytes)");
        tests[n++] =
            (struct CMUnitTest){ .name = names[i],
                                 .test_func = check_bad,
                                 .initial_state = (void *)(uintptr_t)&bad_rows[i] };
    }
    for (size_t i = 0; i < ARRAY_LEN(wrong_rows); i++)
        tests[n++] =
            (struct CMUnitTest){ .name = wrong_rows[i].want,
                                 .test_func = check_wrong,
                                 .initial_state = (void *)(uintptr_t)&wrong_rows[i] };
    return cmocka_run_group_tests_name("config/options", tests, NULL, NULL);
}
