/* SPDX-License-Identifier: MIT */
/* The database's documentation knows every public table, view and column that there is. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "config/arena.h"
#include "crawler/handbook.h"
#include "store/reader.h"

struct asking {
    struct reader *r;
    struct arena mem;
    struct span names[200];
    size_t n_names, n_public, n_columns;
    struct span present;
};

static enum err on_name(void *arg, const struct span *columns,
                        const struct reader_value *values, size_t n)
{
    struct asking *a = arg;

    (void)columns;
    (void)n;
    if (values)
        a->names[a->n_names++] = arena_copy(&a->mem, values[0].text);
    return OK;
}

static enum err on_column(void *arg, const struct span *columns,
                          const struct reader_value *values, size_t n)
{
    struct asking *a = arg;
    struct span name = values ? values[0].text : SPAN_NONE;

    (void)columns;
    (void)n;
    if (!values)
        return OK;
    a->n_columns++;
    if (!span_ends(name, SPAN("id")) && !handbook_column(a->present, name).len)
        fail_msg("docs/schema.md does not say what %.*s.%.*s is", SPAN_ARG(a->present),
                 SPAN_ARG(name));
    return OK;
}

static void every_public_column_is_explained(void **state)
{
    struct asking a = { .r = NULL };
    struct err_note note = { "" };
    struct span about;

    (void)state;
    arena_init(&a.mem, (size_t)MIB);
    if (reader_open_empty(&a.r, &note))
        fail_msg("%s", note.text);
    assert_int_equal(reader_query(a.r,
                                  span_str(reader_schema_queries[SCHEMA_NAMES].sql),
                                  NULL, 0, on_name, &a, &note),
                     OK);
    for (size_t i = 0; i < a.n_names; i++) {
        a.present = a.names[i];
        if (!handbook_about(a.present, &about))
            continue;
        a.n_public++;
        assert_true(about.len > 0);
        assert_int_equal(
            reader_query(a.r, span_str(reader_schema_queries[SCHEMA_COLUMNS].sql),
                         &a.present, 1, on_column, &a, &note),
            OK);
    }
    assert_true(a.n_public >= 26);
    assert_true(a.n_columns >= 200);
    reader_close(a.r);
    arena_clear(&a.mem);
}

static void words_belong_to_their_columns(void **state)
{
    struct span words = handbook_words(SPAN("urls"), SPAN("state"));

    (void)state;
    assert_true(span_starts(words, SPAN("`queued`")));
    assert_true(span_find_span(words, SPAN("**")) == words.len);
    assert_false(handbook_words(SPAN("urls"), SPAN("url")).ptr);
    assert_false(handbook_words(SPAN("hosts"), SPAN("state")).ptr);
}

static void tables_are_told_from_what_is_none(void **state)
{
    struct span about;

    (void)state;
    assert_true(handbook_about(SPAN("urls"), &about));
    assert_true(span_eq(about, SPAN("every URL ever met, once")));
    assert_true(handbook_about(SPAN("broken_links"), &about));
    assert_true(handbook_about(SPAN("extract_product"), &about));
    assert_false(handbook_about(SPAN("url"), &about));
    assert_false(handbook_about(SPAN("Words"), &about));
    assert_false(handbook_about(SPAN(""), &about));
    assert_true(span_starts(handbook_chapter(SPAN("Questions")), SPAN("```sql")));
    assert_false(handbook_chapter(SPAN("Nothing")).ptr);
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_public_column_is_explained),
        cmocka_unit_test(words_belong_to_their_columns),
        cmocka_unit_test(tables_are_told_from_what_is_none),
    };

    return cmocka_run_group_tests_name("crawler/handbook", tests, NULL, NULL);
}
