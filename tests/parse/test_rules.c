/* SPDX-License-Identifier: MIT */
/* Extraction rules as bytes: what is written is read, and nothing else is. */
#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

#include "parse/rules.h"

static const struct tree_rule first[] = {
    { { "title", 5 }, { "//h1", 4 }, TREE_STRING },
    { { "n\xc3\xa4me", 5 }, { "//p[@a='b']", 11 }, TREE_HTML },
};
static const struct tree_rule second[] = { { { "x", 1 }, { "1", 1 }, TREE_NUMBER } };
static const struct tree_section sections[] = {
    { { "one", 3 }, first, 2 },
    { { "two", 3 }, second, 1 },
};

static void write_both(struct buf *out)
{
    buf_init(out, 4096);
    assert_int_equal(rules_write(&sections[0], out), OK);
    assert_int_equal(rules_write(&sections[1], out), OK);
}

static enum err read(struct span coded, struct arena *mem, struct tree_section **out,
                     size_t *n)
{
    arena_reset(mem);
    return rules_read(coded, mem, out, n);
}

static void sections_survive_the_way(void **state)
{
    struct tree_section *got;
    struct arena mem;
    struct buf coded;
    size_t n;

    (void)state;
    arena_init(&mem, 1 << 20);
    write_both(&coded);
    assert_int_equal(read(buf_span(&coded), &mem, &got, &n), OK);
    assert_int_equal(n, 2);
    for (size_t i = 0; i < n; i++) {
        assert_true(span_eq(got[i].name, sections[i].name));
        assert_int_equal(got[i].n_rules, sections[i].n_rules);
        for (size_t k = 0; k < got[i].n_rules; k++) {
            assert_true(span_eq(got[i].rules[k].name, sections[i].rules[k].name));
            assert_true(span_eq(got[i].rules[k].xpath, sections[i].rules[k].xpath));
            assert_int_equal(got[i].rules[k].type, sections[i].rules[k].type);
        }
    }
    assert_int_equal(read(SPAN_NONE, &mem, &got, &n), OK);
    assert_int_equal(n, 0);
    buf_clear(&coded);
    arena_clear(&mem);
}

static void every_cut_is_refused(void **state)
{
    struct tree_section *got;
    struct arena mem;
    struct buf coded;
    size_t n, end_of_first;

    (void)state;
    arena_init(&mem, 1 << 20);
    buf_init(&coded, 4096);
    assert_int_equal(rules_write(&sections[0], &coded), OK);
    end_of_first = coded.len;
    buf_clear(&coded);
    write_both(&coded);
    for (size_t len = 1; len < coded.len; len++)
        if (len != end_of_first)
            assert_int_equal(read(span_make(coded.ptr, len), &mem, &got, &n),
                             ERR_CORRUPT);
    buf_clear(&coded);
    arena_clear(&mem);
}

static void every_flipped_bit_is_refused_or_within_limits(void **state)
{
    struct tree_section *got;
    struct arena mem;
    struct buf coded;
    size_t n;

    (void)state;
    arena_init(&mem, 1 << 20);
    write_both(&coded);
    for (size_t bit = 0; bit < coded.len * 8; bit++) {
        coded.ptr[bit / 8] ^= (char)(1 << bit % 8);
        if (read(buf_span(&coded), &mem, &got, &n) == OK)
            for (size_t i = 0; i < n; i++)
                for (size_t k = 0; k < got[i].n_rules; k++)
                    assert_true(got[i].rules[k].type < N_TREE_TYPES &&
                                span_is_utf8(got[i].rules[k].xpath));
        coded.ptr[bit / 8] ^= (char)(1 << bit % 8);
    }
    buf_clear(&coded);
    arena_clear(&mem);
}

static void what_is_over_a_limit_is_not_written(void **state)
{
    static char longest[RULES_MAX_XPATH_BYTES + 1];
    static struct tree_rule many[RULES_MAX_VALUES + 1];
    struct tree_rule rule = { { "x", 1 },
                              { longest, RULES_MAX_XPATH_BYTES },
                              TREE_STRING };
    struct tree_section section = { { "s", 1 }, &rule, 1 };
    struct buf out;

    (void)state;
    memset(longest, '1', sizeof longest);
    buf_init(&out, 1 << 20);
    assert_int_equal(rules_write(&section, &out), OK);
    rule.xpath.len++;
    assert_int_equal(rules_write(&section, &out), ERR_TOO_LARGE);
    rule.xpath.len = 1;
    rule.name = span_make(longest, RULES_MAX_NAME_BYTES + 1);
    assert_int_equal(rules_write(&section, &out), ERR_TOO_LARGE);
    section = (struct tree_section){ { "s", 1 }, many, RULES_MAX_VALUES + 1 };
    assert_int_equal(rules_write(&section, &out), ERR_TOO_LARGE);
    buf_clear(&out);
    buf_init(&out, 10);
    assert_int_equal(rules_write(&sections[0], &out), ERR_TOO_LARGE);
    buf_clear(&out);
}

static void more_sections_than_allowed_are_refused(void **state)
{
    struct tree_section *got;
    struct arena mem;
    struct buf coded;
    size_t n;

    (void)state;
    arena_init(&mem, 1 << 20);
    buf_init(&coded, 1 << 20);
    for (int i = 0; i < RULES_MAX_SECTIONS; i++)
        assert_int_equal(rules_write(&sections[1], &coded), OK);
    assert_int_equal(read(buf_span(&coded), &mem, &got, &n), OK);
    assert_int_equal(n, RULES_MAX_SECTIONS);
    assert_int_equal(rules_write(&sections[1], &coded), OK);
    assert_int_equal(read(buf_span(&coded), &mem, &got, &n), ERR_TOO_LARGE);
    buf_clear(&coded);
    arena_clear(&mem);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(sections_survive_the_way),
        cmocka_unit_test(every_cut_is_refused),
        cmocka_unit_test(every_flipped_bit_is_refused_or_within_limits),
        cmocka_unit_test(what_is_over_a_limit_is_not_written),
        cmocka_unit_test(more_sections_than_allowed_are_refused),
    };

    return cmocka_run_group_tests_name("parse/rules", tests, NULL, NULL);
}
