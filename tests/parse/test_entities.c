/* SPDX-License-Identifier: MIT */
/*
 * Character references. Sources are sections of the HTML standard; "table" is
 * its list of named character references (§13.5).
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "config/buf.h"
#include "parse/entities.h"

struct row {
    const char *label, *in, *want, *source;
    enum entities_mode mode;
};

static const struct row rows[] = {
    { "named", "a &amp; b &lt;&gt;&quot;", "a & b <>\"", "13.2.5.73", ENTITIES_TEXT },
    { "the usual names, and what begins like them",
      "&lt;&ltx;&gt;&ge;&nbsp;&nbspx;&amp;&ampx;&quot;&quotx", "<<x;>\u2265\u00A0\u00A0x;&&x;\"\"x",
      "13.2.5.73", ENTITIES_TEXT },
    { "named without semicolon", "&copy2024", "\u00A92024", "13.2.5.73",
      ENTITIES_TEXT },
    { "the longest name wins", "&notin; &notit; &not", "\u2209 \u00ACit; \u00AC",
      "13.2.5.73", ENTITIES_TEXT },
    { "semicolon needed", "&hearts &hearts;", "&hearts \u2665", "table",
      ENTITIES_TEXT },
    { "two code points", "&NotEqualTilde;&nGt;", "\u2242\u0338\u226B\u20D2", "table",
      ENTITIES_TEXT },
    { "outside the first plane", "&Afr;&zscr;", "\U0001D504\U0001D4CF", "table",
      ENTITIES_TEXT },
    { "the longest name of all", "&CounterClockwiseContourIntegral;", "\u2233", "table",
      ENTITIES_TEXT },
    { "case matters", "&AMP;&Amp;&auml;&Auml;", "&&Amp;\u00E4\u00C4", "table",
      ENTITIES_TEXT },
    { "unknown names stay", "&nosuch; &; & &&amp;", "&nosuch; &; & &&", "13.2.5.72",
      ENTITIES_TEXT },
    { "at the end", "x &am", "x &am", "13.2.5.73", ENTITIES_TEXT },
    { "decimal", "&#65;&#0065&#8364;", "AA\u20AC", "13.2.5.79", ENTITIES_TEXT },
    { "hexadecimal", "&#x41;&#X20ac;&#x1F600;", "A\u20AC\U0001F600", "13.2.5.78",
      ENTITIES_TEXT },
    { "no digits", "&#; &#x; &#xg; &#", "&#; &#x; &#xg; &#", "13.2.5.76",
      ENTITIES_TEXT },
    { "C1 numbers are windows-1252", "&#150;&#x80;&#x9f;", "\u2013\u20AC\u0178",
      "13.2.5.80", ENTITIES_TEXT },
    { "C1 numbers without a meaning", "&#x81;&#x9D;", "\xC2\x81\xC2\x9D", "13.2.5.80",
      ENTITIES_TEXT },
    { "null, surrogates, too large", "&#0;&#xD800;&#x110000;&#99999999999999999999;",
      "\uFFFD\uFFFD\uFFFD\uFFFD", "13.2.5.80", ENTITIES_TEXT },
    { "an attribute keeps what looks like a parameter",
      "?a=1&copy=2&copy;=3&copyx&copy", "?a=1&copy=2\u00A9=3&copyx\u00A9", "13.2.5.73",
      ENTITIES_ATTRIBUTE },
    { "an attribute decides by the longest match", "&notit; &notin;", "&notit; \u2209",
      "13.2.5.73", ENTITIES_ATTRIBUTE },
    { "what ends a name without semicolon in an attribute", "&copy!&copy/&copy:&copy@&copy[&copy`&copy{&copy0&copyZ",
      "\u00A9!\u00A9/\u00A9:\u00A9@\u00A9[\u00A9`\u00A9{&copy0&copyZ", "13.2.5.73", ENTITIES_ATTRIBUTE },
    { "numbers in attributes", "&#65=&#65", "A=A", "13.2.5.80", ENTITIES_ATTRIBUTE },
    { "raw text has no references", "&amp;&#65;", "&amp;&#65;", "13.2.5.3",
      ENTITIES_RAW },
    { "line ends", "a\r\nb\rc\nd", "a\nb\nc\nd", "13.2.3.5", ENTITIES_TEXT },
};

static struct span decode(struct span in, enum entities_mode mode, struct buf *out)
{
    buf_init(out, 1 << 20);
    assert_int_equal(entities_decode(in, mode, out), OK);
    return buf_span(out);
}

static void row_holds(void **state)
{
    const struct row *row = *state;
    struct buf out;

    struct span got = decode(span_str(row->in), row->mode, &out);

    if (!span_eq(got, span_str(row->want)))
        fail_msg("%s: \"%.*s\", want \"%s\"", row->source, SPAN_ARG(got), row->want);
    buf_clear(&out);
}

static void nul_is_dropped_in_text_and_replaced_elsewhere(void **state)
{
    struct span in = span_make("a\0b", 3);
    struct buf out;

    (void)state;
    assert_true(span_eq(decode(in, ENTITIES_TEXT, &out), SPAN("ab")));
    buf_clear(&out);
    assert_true(span_eq(decode(in, ENTITIES_ATTRIBUTE, &out), SPAN("a\uFFFDb")));
    buf_clear(&out);
    assert_true(span_eq(decode(in, ENTITIES_RCDATA, &out), SPAN("a\uFFFDb")));
    buf_clear(&out);
    assert_true(span_eq(decode(in, ENTITIES_RAW, &out), SPAN("a\uFFFDb")));
    buf_clear(&out);
}

static void the_cap_is_kept(void **state)
{
    struct buf out;

    (void)state;
    buf_init(&out, 4);
    assert_int_equal(entities_decode(SPAN("12345"), ENTITIES_TEXT, &out),
                     ERR_TOO_LARGE);
    buf_clear(&out);
}

static void a_match_says_how_much_it_took(void **state)
{
    struct entities_ref ref;

    (void)state;
    assert_true(entities_match(SPAN("&nGt;x"), false, &ref));
    assert_int_equal(ref.first, 0x226B);
    assert_int_equal(ref.second, 0x20D2);
    assert_int_equal(ref.len, 5);
    assert_false(entities_match(SPAN("&"), false, &ref));
    assert_false(entities_match(SPAN("&\xFF\xFF"), false, &ref));
}

/* Names from all over the list, so that a damaged table would show. */
static void the_table_is_whole(void **state)
{
    static const struct {
        const char *name;
        uint32_t first;
    } first_and_last_of_letters[] = {
        { "&AElig", 0xC6 },         { "&awint;", 0x2A11 },    { "&Backslash;", 0x2216 },
        { "&bumpeq;", 0x224F },     { "&CHcy;", 0x427 },      { "&cylcty;", 0x232D },
        { "&DD;", 0x2145 },         { "&dzigrarr;", 0x27FF }, { "&ENG;", 0x14A },
        { "&Zscr;", 0x1D4B5 },      { "&zwnj;", 0x200C },     { "&yuml", 0xFF },
        { "&Yuml;", 0x178 },        { "&GT", '>' },           { "&fjlig;", 'f' },
        { "&ThickSpace;", 0x205F }, { "&NewLine;", '\n' },    { "&Tab;", '\t' },
    };
    struct entities_ref ref;

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(first_and_last_of_letters); i++) {
        struct span name = span_str(first_and_last_of_letters[i].name);
        assert_true(entities_match(name, false, &ref));
        assert_int_equal(ref.first, first_and_last_of_letters[i].first);
        assert_int_equal(ref.len, name.len);
    }
}

#define PLAIN_TESTS 4
static struct CMUnitTest tests[ARRAY_LEN(rows) + PLAIN_TESTS] = {
    cmocka_unit_test(nul_is_dropped_in_text_and_replaced_elsewhere),
    cmocka_unit_test(the_cap_is_kept),
    cmocka_unit_test(a_match_says_how_much_it_took),
    cmocka_unit_test(the_table_is_whole),
};

int main(void)
{
    for (size_t i = 0; i < ARRAY_LEN(rows); i++)
        tests[PLAIN_TESTS + i] =
            (struct CMUnitTest){ .name = rows[i].label,
                                 .test_func = row_holds,
                                 .initial_state = (void *)(uintptr_t)&rows[i] };
    return cmocka_run_group_tests_name("parse/entities", tests, NULL, NULL);
}
