/* SPDX-License-Identifier: MIT */
/* Extraction sections made ready: which pages they hold for, and what travels then. */
#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

#include "config/settings_file.h"
#include "crawler/extract.h"
#include "parse/rules.h"

static enum err open_text(const char *text, struct settings *s, struct extract **out,
                          struct err_note *note)
{
    *s = (struct settings){ 0 };
    options_set_defaults(&settings_table, s);
    assert_int_equal(settings_file_read(s, "f.conf", span_str(text), note), OK);
    return extract_open(s, out, note);
}

/* The names of the sections that hold for url, a space behind each. */
static void assert_sections(struct extract *x, const char *url, const char *want)
{
    struct tree_section *sections;
    struct arena mem;
    char names[256] = "";
    size_t n, len = 0;

    arena_init(&mem, 1 << 20);
    assert_int_equal(
        rules_read(extract_rules_for(x, span_str(url), &mem), &mem, &sections, &n), OK);
    for (size_t i = 0; i < n; i++)
        len += (size_t)snprintf(names + len, sizeof names - len, "%.*s ",
                                SPAN_ARG(sections[i].name));
    assert_string_equal(names, want);
    arena_clear(&mem);
}

static void every_section_that_matches_holds(void **state)
{
    struct settings s;
    struct extract *x;
    struct err_note note;

    (void)state;
    assert_int_equal(open_text("[extract \"product\"]\nurl = /p/[0-9]+$\nt = //h1\n"
                               "[extract \"any\"]\nurl = ^https?://\nt = //title\n"
                               "[extract \"blog\"]\nurl = //blog\\.\nt = //h2\n",
                               &s, &x, &note),
                     OK);
    assert_sections(x, "http://a/p/12", "product any ");
    assert_sections(x, "http://a/p/12?x", "any ");
    assert_sections(x, "http://blog.a/p/1", "product any blog ");
    assert_sections(x, "ftp://a/", "");
    extract_close(x);
    settings_clear(&s);
}

static void rules_travel_with_name_type_and_expression(void **state)
{
    struct tree_section *sections;
    struct settings s;
    struct extract *x;
    struct err_note note;
    struct arena mem;
    size_t n;

    (void)state;
    arena_init(&mem, 1 << 20);
    assert_int_equal(
        open_text("[extract \"p\"]\nurl = x\na = list //li\nb = date //time\n", &s, &x,
                  &note),
        OK);
    assert_int_equal(
        rules_read(extract_rules_for(x, SPAN("x"), &mem), &mem, &sections, &n), OK);
    assert_int_equal(n, 1);
    assert_int_equal(sections[0].n_rules, 2);
    assert_true(span_eq(sections[0].rules[1].name, SPAN("b")));
    assert_true(span_eq(sections[0].rules[1].xpath, SPAN("//time")));
    assert_int_equal(sections[0].rules[0].type, TREE_LIST);
    assert_int_equal(sections[0].rules[1].type, TREE_DATE);
    extract_close(x);
    settings_clear(&s);
    arena_clear(&mem);
}

static void a_section_without_a_url_holds_everywhere(void **state)
{
    struct extract_rule rule = { .name = (char[]){ "t" },
                                 .xpath = (char[]){ "//h1" },
                                 .where = (char[]){ "--rule" } };
    struct extract_section section = { .name = (char[]){ "rule" },
                                       .rules = &rule,
                                       .n_rules = 1 };
    struct settings s = { .extracts = &section, .n_extracts = 1 };
    struct extract *x;
    struct err_note note;

    (void)state;
    assert_int_equal(extract_open(&s, &x, &note), OK);
    assert_sections(x, "http://a/", "rule ");
    extract_close(x);
    assert_null(extract_rules_for(NULL, SPAN("x"), NULL).ptr);
}

static void mistakes_name_file_and_line(void **state)
{
    static const struct {
        const char *text, *want;
    } cases[] = {
        { "[extract \"p\"]\nurl = x\na = //li\nb = //li[\n",
          "f.conf:4: b: '//li[' is no XPath 1.0 expression" },
        { "[extract \"p\"]\n\nurl = a(\na = //li\n",
          "f.conf:3: url 'a(': missing closing parenthesis at character 3" },
        { "[extract \"p\"]\nurl = x\na = number //li[position()=]\n",
          "f.conf:3: a: '//li[position()=]' is no XPath 1.0 expression" },
    };

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        struct settings s;
        struct extract *x;
        struct err_note note = { "" };

        assert_int_equal(open_text(cases[i].text, &s, &x, &note), ERR_USAGE);
        assert_string_equal(note.text, cases[i].want);
        settings_clear(&s);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_section_that_matches_holds),
        cmocka_unit_test(rules_travel_with_name_type_and_expression),
        cmocka_unit_test(a_section_without_a_url_holds_everywhere),
        cmocka_unit_test(mistakes_name_file_and_line),
    };

    return cmocka_run_group_tests_name("crawler/extract", tests, NULL, NULL);
}
