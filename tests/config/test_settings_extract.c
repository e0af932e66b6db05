/* SPDX-License-Identifier: MIT */
/* Sections [extract "NAME"]: what they may say, and how a mistake in them is named. */
#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

#include "config/mem.h"
#include "config/settings_extract.h"
#include "config/settings_file.h"

#define HEAD "[extract \"p\"]\nurl = /p/\n"

/* Settings that hold what a file said; the file's place is f.conf. */
static enum err read(const char *text, struct settings *s, struct err_note *note)
{
    enum err e;

    *s = (struct settings){ 0 };
    note->text[0] = '\0';
    options_set_defaults(&settings_table, s);
    e = settings_file_read(s, "f.conf", span_str(text), note);
    return e ? e : settings_extract_check(s, note);
}

/* --- what a value line becomes --------------------------------------------------------- */

static const struct value_row {
    const char *line, *name, *xpath;
    enum extract_type type;
} value_rows[] = {
    { "title = //h1", "title", "//h1", EXTRACT_STRING },
    { "title = string //h1", "title", "//h1", EXTRACT_STRING },
    { "tags = list //li", "tags", "//li", EXTRACT_LIST },
    { "price=number //b[@class='x = y']", "price", "//b[@class='x = y']",
      EXTRACT_NUMBER },
    { "when = date //time/@datetime", "when", "//time/@datetime", EXTRACT_DATE },
    { "body = html //main", "body", "//main", EXTRACT_HTML },
    { "n = count(//li)", "n", "count(//li)", EXTRACT_STRING },
    { "n = number count(//li)", "n", "count(//li)", EXTRACT_NUMBER },
    { "s = string(//h1)", "s", "string(//h1)", EXTRACT_STRING },
    { "d = date", "d", "date", EXTRACT_STRING },
    { "x = body | head", "x", "body | head", EXTRACT_STRING },
    { "Mixed-Case_1 = //a", "Mixed-Case_1", "//a", EXTRACT_STRING },
};

static void line_is_read(void **state)
{
    const struct value_row *row = *state;
    struct settings s;
    struct err_note note;
    char text[256];

    snprintf(text, sizeof text, HEAD "%s\n", row->line);
    assert_int_equal(read(text, &s, &note), OK);
    assert_int_equal(s.n_extracts, 1);
    assert_int_equal(s.extracts[0].n_rules, 1);
    assert_string_equal(s.extracts[0].rules[0].name, row->name);
    assert_string_equal(s.extracts[0].rules[0].xpath, row->xpath);
    assert_int_equal(s.extracts[0].rules[0].type, row->type);
    assert_string_equal(s.extracts[0].rules[0].where, "f.conf:3");
    settings_clear(&s);
}

/* --- mistakes ------------------------------------------------------------------------------ */

static const struct wrong_row {
    const char *text, *want;
} wrong_rows[] = {
    { "[extract \"P\"]\n",
      "f.conf:1: [extract \"P\"]: a name is made of a-z, 0-9 and _" },
    { "[extract \"a-b\"]\n", "f.conf:1: [extract \"a-b\"]: a name" },
    { "[extract \"a\\\"b\"]\n", "f.conf:1: there is no section" },
    { "[extract p]\n", "f.conf:1: there is no section" },
    { "[extract \"p\"]\na = //a\n",
      "f.conf:1: [extract \"p\"] needs a line url = REGEX" },
    { HEAD, "f.conf:2: [extract \"p\"] needs a line name = XPATH" },
    { HEAD "url = /q/\n", "f.conf:3: [extract \"p\"] has a url already" },
    { "[extract \"p\"]\nurl =\n", "f.conf:2: url: a regular expression must follow" },
    { HEAD "a =\n", "f.conf:3: a: an XPath expression must follow" },
    { HEAD "a b = //x\n", "f.conf:3: 'a b': a name is made of letters" },
    { HEAD "a\"b = //x\n", "f.conf:3: 'a\"b': a name is made of letters" },
    { HEAD "a = //x\nA = //y\n",
      "f.conf:4: 'A': this name stands in the section already" },
    { HEAD "fetched_at = //x\n", "f.conf:3: 'fetched_at': every view has a column" },
    { HEAD "URL = //x\n", "f.conf:3: 'URL': every view has a column" },
    { HEAD "a = nubmer //x\n",
      "f.conf:3: 'nubmer' is no type: it must be string, list, number, date or html; did you mean number?" },
    { HEAD "a //x\n", "f.conf:3: it must be 'key = value'" },
};

static void mistake_is_named(void **state)
{
    const struct wrong_row *row = *state;
    struct settings s;
    struct err_note note;

    assert_int_equal(read(row->text, &s, &note), ERR_USAGE);
    if (!span_starts(span_str(note.text), span_str(row->want)))
        fail_msg("%s\nwant %s", note.text, row->want);
    settings_clear(&s);
}

/* --- several ---------------------------------------------------------------------------------- */

static void a_section_named_twice_goes_on(void **state)
{
    struct settings s;
    struct err_note note;

    (void)state;
    assert_int_equal(
        read(HEAD
             "a = //a\n[host \"x\"]\ndelay = 1s\n[extract \"q\"]\nurl = q\nb = //b\n"
             "[extract \"p\"]\nc = //c\n",
             &s, &note),
        OK);
    assert_int_equal(s.n_extracts, 2);
    assert_int_equal(s.n_hosts, 1);
    assert_string_equal(s.extracts[0].name, "p");
    assert_string_equal(s.extracts[0].url, "/p/");
    assert_int_equal(s.extracts[0].n_rules, 2);
    assert_string_equal(s.extracts[0].rules[1].name, "c");
    settings_clear(&s);
}

static void an_option_behind_a_section_is_not_one(void **state)
{
    struct settings s;
    struct err_note note;

    (void)state;
    assert_int_equal(read(HEAD "a = //a\n[host \"x\"]\ndepth = 1\n", &s, &note),
                     ERR_USAGE);
    assert_non_null(strstr(note.text, "above the first section"));
    settings_clear(&s);
}

static enum err read_many(const char *what, int n, struct err_note *note)
{
    struct settings s;
    struct buf text;
    enum err e;

    buf_init(&text, (size_t)MIB);
    for (int i = 0; i < n; i++)
        assert_int_equal(
            strcmp(what, "sections") == 0
                ? buf_printf(&text, "[extract \"s%d\"]\nurl = x\na = //a\n", i)
                : buf_printf(&text, "%sv%d = //a[@b='%0*d']\n", i ? "" : HEAD, i,
                             strcmp(what, "bytes") == 0 ? 1000 : 1, i),
            OK);
    assert_int_equal(buf_append_byte(&text, '\0'), OK);
    e = read(text.ptr, &s, note);
    settings_clear(&s);
    buf_clear(&text);
    return e;
}

static void numbers_are_limited(void **state)
{
    struct err_note note;

    (void)state;
    assert_int_equal(read_many("sections", SETTINGS_EXTRACT_MAX_SECTIONS, &note), OK);
    assert_int_equal(read_many("sections", SETTINGS_EXTRACT_MAX_SECTIONS + 1, &note),
                     ERR_USAGE);
    assert_int_equal(read_many("values", SETTINGS_EXTRACT_MAX_RULES, &note), OK);
    assert_int_equal(read_many("values", SETTINGS_EXTRACT_MAX_RULES + 1, &note),
                     ERR_USAGE);
    assert_non_null(strstr(note.text, "257 values; 256 are allowed"));
    assert_int_equal(read_many("bytes", 60, &note), OK);
    assert_int_equal(read_many("bytes", 70, &note), ERR_USAGE);
    assert_non_null(strstr(note.text, "bytes of expressions"));
}

/* --- one rule alone ------------------------------------------------------------------------------ */

static void a_rule_in_one_piece_is_read(void **state)
{
    struct extract_section section = { 0 };
    struct err_note note;

    (void)state;
    assert_int_equal(settings_extract_rule(&section, SPAN("p = number //b[@a='=']"),
                                           "--rule", &note),
                     OK);
    assert_string_equal(section.rules[0].name, "p");
    assert_string_equal(section.rules[0].xpath, "//b[@a='=']");
    assert_int_equal(section.rules[0].type, EXTRACT_NUMBER);
    assert_int_equal(settings_extract_rule(&section, SPAN("//h1"), "--rule", &note),
                     ERR_USAGE);
    assert_string_equal(note.text,
                        "--rule '//h1': it must be 'name=TYPE XPATH' or 'name=XPATH'");
    settings_extract_clear(&section);
}

#define PLAIN 4

int main(void)
{
    static struct CMUnitTest
        tests[ARRAY_LEN(value_rows) + ARRAY_LEN(wrong_rows) + PLAIN] = {
            cmocka_unit_test(a_section_named_twice_goes_on),
            cmocka_unit_test(an_option_behind_a_section_is_not_one),
            cmocka_unit_test(numbers_are_limited),
            cmocka_unit_test(a_rule_in_one_piece_is_read),
        };
    size_t n = PLAIN;

    for (size_t i = 0; i < ARRAY_LEN(value_rows); i++)
        tests[n++] = (struct CMUnitTest){ value_rows[i].line, line_is_read, NULL, NULL,
                                          (void *)(uintptr_t)&value_rows[i] };
    for (size_t i = 0; i < ARRAY_LEN(wrong_rows); i++)
        tests[n++] = (struct CMUnitTest){ wrong_rows[i].want, mistake_is_named, NULL,
                                          NULL, (void *)(uintptr_t)&wrong_rows[i] };
    return cmocka_run_group_tests_name("config/settings_extract", tests, NULL, NULL);
}
