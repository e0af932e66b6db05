/* SPDX-License-Identifier: MIT */
/* The man pages: complete, readable at 80 columns, and true to the tables they come from. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "config/settings.h"
#include "config/settings_file.h"
#include "crawler/manual.h"
#include "crawler/roff.h"

static struct buf page_of(struct span name)
{
    struct buf out;

    buf_init(&out, (size_t)MIB);
    assert_int_equal(manual_format(name, &out), OK);
    return out;
}

static bool holds(const struct buf *b, const char *text)
{
    return span_find_span(buf_span(b), span_str(text)) < b->len;
}

/* "max-pages" as roff has it. */
static void escaped(const char *text, char *out, size_t size)
{
    size_t at = 0;

    for (const char *p = text; *p && at + 3 < size; p++) {
        if (*p == '-')
            out[at++] = '\\';
        out[at++] = *p;
    }
    out[at] = '\0';
}

/* --- text ------------------------------------------------------------------------- */

struct text_row {
    const char *label, *in, *want;
};

static const struct text_row texts[] = {
    { "words stay", "a b", "a b" },
    { "a hyphen can be copied from the page", "--db", "\\-\\-db" },
    { "a backslash is printed", "\\.zip$", "\\e.zip$" },
    { "a dot begins no request", ".netrc", "\\&.netrc" },
    { "nor on a later line", "a\n.b", "a\n\\&.b" },
    { "an apostrophe begins no request and can be copied", "'K: V'", "\\(aqK: V\\(aq" },
    { "a tilde and a caret are ASCII", "~^`", "\\(ti\\(ha\\(ga" },
};

static void text_is_harmless(void **state)
{
    const struct text_row *row = *state;
    struct buf out;

    buf_init(&out, 1000);

    assert_int_equal(roff_text(&out, span_str(row->in)), OK);

    assert_true(span_eq(buf_span(&out), span_str(row->want)));
    buf_clear(&out);
}

static const struct text_row usages[] = {
    { "a command is bold, what stands for something italic", "sql QUERY|REPORT",
      "\\fBsql\\fR \\fIQUERY\\fR|\\fIREPORT\\fR" },
    { "brackets and dots are neither", "[run] SEEDS...",
      "[\\fBrun\\fR] \\fISEEDS\\fR..." },
    { "an option is bold", "[-o FILE]", "[\\fB\\-o\\fR \\fIFILE\\fR]" },
};

static void a_usage_line_is_set(void **state)
{
    const struct text_row *row = *state;
    struct buf out;

    buf_init(&out, 1000);

    assert_int_equal(roff_usage(&out, span_str(row->in)), OK);

    assert_true(span_eq(buf_span(&out), span_str(row->want)));
    buf_clear(&out);
}

static const struct text_row paragraphs[] = {
    { "lines are one paragraph", "one\ntwo\n", "one\ntwo\n" },
    { "a blank line ends it", "one\n\ntwo\n", "one\n.PP\ntwo\n" },
    { "indented lines are an example", "so:\n\n  a b\n  c\n\nend\n",
      "so:\n.PP\n.EX\n  a b\n  c\n.EE\n.PP\nend\n" },
    { "an example may come last", "so:\n  a\n", "so:\n.PP\n.EX\n  a\n.EE\n" },
    { "a long line of an example breaks behind a pipe",
      "  echo 0123456789012345678901234567890123456789012345678901234 | crawl inspect url\n",
      ".PP\n.EX\n  echo 0123456789012345678901234567890123456789012345678901234 |\n    crawl inspect url\n.EE\n" },
    { "or between words, not in quotes",
      "  crawl --rule 'price=number //span[@class=\"price\"]' https://example.org/p/1/of/2\n",
      ".PP\n.EX\n  crawl \\-\\-rule \\(aqprice=number //span[@class=\"price\"]\\(aq \\e\n"
      "    https://example.org/p/1/of/2\n.EE\n" },
};

static void paragraphs_are_set(void **state)
{
    const struct text_row *row = *state;
    struct buf out;

    buf_init(&out, 4000);

    assert_int_equal(roff_paragraphs(&out, span_str(row->in)), OK);

    assert_true(span_eq(buf_span(&out), span_str(row->want)));
    buf_clear(&out);
}

/* --- pages -------------------------------------------------------------------------- */

static void every_command_has_a_page(void **state)
{
    struct buf list;

    (void)state;
    buf_init(&list, 10000);
    assert_int_equal(manual_list(&list), OK);
    for (size_t i = 0; command_list[i]; i++) {
        char name[80], file[80], want[400];
        struct buf page;

        snprintf(name, sizeof name, "crawl-%s", command_list[i]->name);
        snprintf(file, sizeof file, "crawl-%s.1\n", command_list[i]->name);
        page = page_of(span_str(name));
        escaped(command_list[i]->name, want, sizeof want);
        assert_true(holds(&page, want));
        assert_true(holds(&page, ".SH EXIT STATUS\n"));
        assert_true(command_list[i] == &cmd_run || holds(&list, file));
        buf_clear(&page);
    }
    assert_true(holds(&list, "crawl.1\n"));
    assert_true(holds(&list, "crawl.conf.5\n"));
    assert_true(holds(&list, "crawl-schema.7\n"));
    buf_clear(&list);
}

static void every_option_is_in_its_page(void **state)
{
    (void)state;
    for (size_t i = 0; command_list[i]; i++) {
        const struct option_table *t = command_list[i]->options;
        struct buf page;

        if (!t || (t == cmd_run.options && command_list[i] != &cmd_run))
            continue;
        page = page_of(span_str(command_list[i]->name));
        for (size_t k = 0; k < t->n_specs; k++) {
            char name[80], want[100];

            escaped(t->specs[k].name, name, sizeof name);
            snprintf(want, sizeof want, "\\fB\\-\\-%s\\fR", name);
            assert_true(holds(&page, want));
        }
        buf_clear(&page);
    }
}

static void a_page_has_several_names(void **state)
{
    struct buf a = page_of(SPAN("crawl-sql")), b = page_of(SPAN("sql")),
               c = page_of(SPAN("crawl-sql.1"));

    (void)state;
    assert_true(span_eq(buf_span(&a), buf_span(&b)));
    assert_true(span_eq(buf_span(&a), buf_span(&c)));
    buf_clear(&a);
    buf_clear(&b);
    buf_clear(&c);
}

static void a_page_that_is_not_there_is_not_made_up(void **state)
{
    static const char *const names[] = {
        "", "crawl-", "sq", "crawl-sql-x", "crawl.conf.7", "sql.5x"
    };

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(names); i++) {
        struct buf out;

        buf_init(&out, 10000);
        assert_int_equal(manual_format(span_str(names[i]), &out), ERR_NOT_FOUND);
        assert_int_equal(out.len, 0);
        buf_clear(&out);
    }
}

/* Columns of a line of source: an escape (\- \e \(aq) is one. */
static size_t columns(struct span line)
{
    size_t n = 0;

    for (size_t i = 0; i < line.len; i++, n++)
        if (line.ptr[i] == '\\' && i + 1 < line.len)
            i += line.ptr[i + 1] == '(' ? 3 : 1;
    return n;
}

/* man indents by 7; what is not filled must fit behind that. */
static void examples_fit_a_terminal(void **state)
{
    (void)state;
    for (size_t i = 0; command_list[i]; i++) {
        struct buf page = page_of(span_str(command_list[i]->name));
        struct span rest = buf_span(&page), line;
        bool is_example = false;

        while (span_split(&rest, '\n', &line)) {
            is_example =
                is_example ? !span_eq(line, SPAN(".EE")) : span_eq(line, SPAN(".EX"));
            if (is_example && columns(line) > 73)
                fail_msg("crawl-%s(1): %.*s", command_list[i]->name, SPAN_ARG(line));
        }
        buf_clear(&page);
    }
}

static void the_schema_has_a_page(void **state)
{
    static const char *const names[] = { "runs",         "seeds", "hosts",     "robots",
                                         "sitemaps",     "urls",  "fetches",   "pages",
                                         "page_history", "links", "redirects", "bodies",
                                         "page_text",    "events" };
    struct buf page = page_of(SPAN("crawl-schema.7"));

    (void)state;
    assert_true(holds(&page, ".SH TABLES\n"));
    for (size_t i = 0; i < ARRAY_LEN(names); i++) {
        char want[80];

        snprintf(want, sizeof want, ".SS %s", names[i]);
        assert_true(holds(&page, want));
    }
    buf_clear(&page);
}

/* --- crawl.conf(5) ------------------------------------------------------------------- */

static void every_key_is_in_the_page_of_the_file(void **state)
{
    struct buf page = page_of(SPAN("crawl.conf"));

    (void)state;
    for (size_t i = 0; i < settings_table.n_specs; i++) {
        char name[80], want[100];

        escaped(settings_table.specs[i].name, name, sizeof name);
        snprintf(want, sizeof want, ".TP\n\\fB%s\\fR = ", name);
        assert_int_equal(holds(&page, want),
                         !settings_is_command(&settings_table.specs[i]));
    }
    buf_clear(&page);
}

static void every_key_of_a_host_section_is_an_option_too(void **state)
{
    (void)state;
    for (size_t i = 0; i < settings_host_table.n_specs; i++)
        assert_non_null(
            options_find(&settings_table, span_str(settings_host_table.specs[i].name)));
}

/* The example as a reader of the page would copy it. */
static void take_example(const struct buf *page, struct buf *out)
{
    struct span text = span_skip(
        buf_span(page), span_find_span(buf_span(page), SPAN(".SH EXAMPLE\n.EX\n")));

    text = span_skip(text, strlen(".SH EXAMPLE\n.EX\n"));
    text = span_slice(text, 0, span_find_span(text, SPAN(".EE\n")));
    for (size_t i = 0; i < text.len; i++) {
        bool is_escape = text.ptr[i] == '\\' && i + 1 < text.len;
        char c = !is_escape ? text.ptr[i] : text.ptr[++i] == 'e' ? '\\' : text.ptr[i];

        assert_int_equal(buf_append_byte(out, c), OK);
    }
}

static void the_example_can_be_read(void **state)
{
    struct buf page = page_of(SPAN("crawl.conf")), text;
    struct settings s = { 0 };
    struct err_note note = { "" };

    (void)state;
    buf_init(&text, 10000);
    take_example(&page, &text);
    options_set_defaults(&settings_table, &s);

    assert_int_equal(settings_file_read(&s, "example", buf_span(&text), &note), OK);

    assert_int_equal(settings_check(&s, &note), OK);
    assert_int_equal(s.max_time_ms, 5 * 3600 * 1000);
    assert_int_equal(s.rules.len, 2);
    assert_string_equal(s.rules.items[0].text, "\\.(zip|iso)$");
    assert_non_null(settings_for_host(&s, SPAN("docs.example.org")));
    settings_clear(&s);
    buf_clear(&text);
    buf_clear(&page);
}

#define ROW(test, row)                               \
    {                                                \
        .name = (row).label, .test_func = (test),    \
        .initial_state = (void *)(uintptr_t) & (row) \
    }

int main(void)
{
    static const struct CMUnitTest fixed[] = {
        cmocka_unit_test(every_command_has_a_page),
        cmocka_unit_test(every_option_is_in_its_page),
        cmocka_unit_test(a_page_has_several_names),
        cmocka_unit_test(a_page_that_is_not_there_is_not_made_up),
        cmocka_unit_test(examples_fit_a_terminal),
        cmocka_unit_test(the_schema_has_a_page),
        cmocka_unit_test(every_key_is_in_the_page_of_the_file),
        cmocka_unit_test(every_key_of_a_host_section_is_an_option_too),
        cmocka_unit_test(the_example_can_be_read),
    };
    struct CMUnitTest tests[ARRAY_LEN(texts) + ARRAY_LEN(usages) +
                            ARRAY_LEN(paragraphs) + ARRAY_LEN(fixed)];
    size_t n = 0;

    for (size_t i = 0; i < ARRAY_LEN(texts); i++)
        tests[n++] = (struct CMUnitTest)ROW(text_is_harmless, texts[i]);
    for (size_t i = 0; i < ARRAY_LEN(usages); i++)
        tests[n++] = (struct CMUnitTest)ROW(a_usage_line_is_set, usages[i]);
    for (size_t i = 0; i < ARRAY_LEN(paragraphs); i++)
        tests[n++] = (struct CMUnitTest)ROW(paragraphs_are_set, paragraphs[i]);
    for (size_t i = 0; i < ARRAY_LEN(fixed); i++)
        tests[n++] = fixed[i];
    return cmocka_run_group_tests_name("crawler/manual", tests, NULL, NULL);
}
