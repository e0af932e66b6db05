/* SPDX-License-Identifier: MIT */
/*
 * Trees (as HTML text, without the html element's own tags) and values picked
 * out of them. Sources are sections of the HTML standard.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "parse/tree.h"
#include "parse/tree_build.h"
#include "parse/tree_html.h"
#include "parse/tree_value.h"

struct tree_row {
    const char *label, *in, *want, *source;
};

#define BODY(html) "<head></head><body>" html "</body>"

static const struct tree_row tree_rows[] = {
    { "nothing", "", BODY(""), "13.2.6.4" },
    { "head and body are supplied", "<title>t</title><meta a=b>x",
      "<head><title>t</title><meta a=\"b\"></head><body>x</body>", "13.2.6.4.3" },
    { "head and body as written",
      "<!doctype html><html lang=de><head><link></head><body class=c>x",
      "<head><link></head><body class=\"c\">x</body>", "13.2.6.4.6" },
    { "attributes of a second body", "<body a=1>x<body a=2 b=3>",
      "<head></head><body a=\"1\" "
      "b=\"3\">x</body>",
      "13.2.6.4.7" },
    { "p ends p", "<p>a<p>b<div>c</div>", BODY("<p>a</p><p>b</p><div>c</div>"),
      "13.2.6.4.7" },
    { "p in a button", "<p>a<button><p>b</button>c",
      BODY("<p>a<button><p>b</p></button>c</p>"), "13.2.4.2" },
    { "end of no p", "a</p>b</br>c", BODY("a<p></p>b<br>c"), "13.2.6.4.7" },
    { "li", "<ul><li>a<li>b<ul><li>c</ul><li>d</ul>",
      BODY("<ul><li>a</li><li>b<ul><li>c</li></ul></li><li>d</li></ul>"),
      "13.2.6.4.7" },
    { "end of a li closes what is in it", "<ul><li>a<span>b</li>c</ul>",
      BODY("<ul><li>a<span>b</span></li>c</ul>"), "13.2.6.4.7" },
    { "end of a li is not for one around its list", "<li><ul></li>a</ul>b<ol></li>c</ol>d",
      BODY("<li><ul>a</ul>b<ol>c</ol>d</li>"), "13.2.4.2" },
    { "end of a li is not for one around a cell", "<li><table><td></li>a</table>b",
      BODY("<li><table><tbody><tr><td>a</td></tr></tbody></table>b</li>"), "13.2.4.2" },
    { "dt and dd", "<dl><dt>a<dd>b<dt>c</dl>",
      BODY("<dl><dt>a</dt><dd>b</dd><dt>c</dt></dl>"), "13.2.6.4.7" },
    { "headings", "<h1>a<h2>b</h3>c", BODY("<h1>a</h1><h2>b</h2>c"), "13.2.6.4.7" },
    { "end of a heading is not for one around a cell", "<h1><table><td></h1>a</table>b",
      BODY("<h1><table><tbody><tr><td>a</td></tr></tbody></table>b</h1>"), "13.2.4.2" },
    { "ruby", "<ruby>a<rp>(<rt>b<rp>)<rt>c</ruby>d",
      BODY("<ruby>a<rp>(</rp><rt>b</rt><rp>)</rp><rt>c</rt></ruby>d"), "13.2.6.4.7" },
    { "image is img", "<image src=a>b", BODY("<img src=\"a\">b"), "13.2.6.4.7" },
    { "tables", "<table><td>a<td>b<tr><td>c</table>d",
      BODY(
          "<table><tbody><tr><td>a</td><td>b</td></tr><tr><td>c</td></tr></tbody></table>d"),
      "13.2.6.4.9" },
    { "table in a cell", "<table><tr><td><table><tr><td>a</table>b</table>",
      BODY(
          "<table><tbody><tr><td><table><tbody><tr><td>a</td></tr></tbody></table>b</td></tr>"
          "</tbody></table>"),
      "13.2.6.4.15" },
    { "columns and captions", "<table><caption>a<col><col><thead><tr><th>b",
      BODY(
          "<table><caption>a</caption><colgroup><col><col></colgroup><thead><tr><th>b</th></tr>"
          "</thead></table>"),
      "13.2.6.4.11" },
    { "what is no column ends the columns", "<table><colgroup><col><p>a</table>b",
      BODY("<p>a</p><table><colgroup><col></colgroup></table>b"), "13.2.6.4.12" },
    { "text ends the columns", "<table><colgroup><col>\n<col>a</table>b",
      BODY("a<table><colgroup><col>\n<col></colgroup></table>b"), "13.2.6.4.12" },
    { "end of a cell is not for one around a template", "<table><td><template></td>a</template>b</table>c",
      BODY("<table><tbody><tr><td><template>a</template>b</td></tr></tbody></table>c"), "13.2.6.4.22" },
    { "end of b is not for one around a cell", "<b><table><td></b>a</table>b",
      BODY("<b><table><tbody><tr><td>a</td></tr></tbody></table>b</b>"), "13.2.6.4.7" },
    { "table in a table", "<table><tr><table><td>a",
      BODY(
          "<table><tbody><tr></tr></tbody></table><table><tbody><tr><td>a</td></tr></tbody>"
          "</table>"),
      "13.2.6.4.9" },
    { "what is not for a table goes before it", "<table>a<tr>b<p>c</p><td>d</table>",
      BODY("ab<p>c</p><table><tbody><tr><td>d</td></tr></tbody></table>"), "13.2.6.1" },
    { "cells without a table", "<td>a<tr>b", BODY("ab"), "13.2.6.4.7" },
    { "a ends a", "<a href=1>x<a href=2>y</a>z",
      BODY("<a href=\"1\">x</a><a href=\"2\">y</a>z"), "13.2.6.4.7" },
    { "options", "<select><optgroup><option>a<option>b<optgroup><option>c</select>d",
      BODY("<select><optgroup><option>a</option><option>b</option></optgroup><optgroup>"
           "<option>c</option></optgroup></select>d"),
      "13.2.6.4.7" },
    { "form in a form", "<form a=1><form a=2>b</form>c",
      BODY("<form a=\"1\">b</form>c"), "13.2.6.4.7" },
    { "void elements", "<br>a<img></img><hr>", BODY("<br>a<img><hr>"), "13.1.2" },
    { "end tags of nothing", "a</div></b></x-y>b", BODY("ab"), "13.2.6.4.7" },
    { "unknown elements", "<x-y>a<x-z>b</x-y>c", BODY("<x-y>a<x-z>b</x-z></x-y>c"),
      "13.2.6.4.7" },
    { "an inline end tag does not close a block", "<span><div>a</span>b</div>c",
      BODY("<span><div>ab</div>c</span>"), "13.2.6.4.7" },
    { "a block goes on behind its formatting element", "<b><div>a</b>b</div>c",
      BODY("<b><div>ab</div></b>c"), "13.2.6.4.7" },
    { "legends and options are no blocks", "<b><legend>a</b>b<i><option>c</i>d",
      BODY("<b><legend>a</legend></b>b<i><option>c</option></i>d"), "13.2.4.2" },
    { "raw text", "<script>a<b>&amp;</script><textarea>\n&lt;i></textarea>",
      "<head><script>a<b>&amp;</script></head><body><textarea>&lt;i&gt;</textarea></body>",
      "13.3" },
    { "pre loses its first line feed", "<pre>\n\na</pre>", BODY("<pre>\na</pre>"),
      "13.2.6.4.7" },
    { "comments", "<p>a<!--b-->c", BODY("<p>a<!--b-->c</p>"), "13.2.6.4.7" },
    { "SVG", "<svg viewBox=a><path/><g>b</g></svg>c",
      BODY("<svg viewbox=\"a\"><path></path><g>b</g></svg>c"), "13.2.6.5" },
    { "equal attributes", "<p a=1 A=2 b>", BODY("<p a=\"1\" b=\"\"></p>"),
      "13.2.5.33" },
    { "what must be escaped", "<p a='\"&amp;<>\u00A0'>&lt;&amp;\"\u00A0\u00E9",
      BODY("<p a=\"&quot;&amp;&lt;&gt;&nbsp;\">&lt;&amp;\"&nbsp;\u00E9</p>"), "13.3" },
};

static void tree_row_holds(void **state)
{
    const struct tree_row *row = *state;
    struct buf got;
    xmlDocPtr doc;

    buf_init(&got, 1 << 20);
    assert_int_equal(tree_build(span_str(row->in), false, 1000, &doc), OK);
    for (xmlNodePtr node = xmlDocGetRootElement(doc)->children; node; node = node->next)
        assert_int_equal(tree_html_write(node, &got), OK);
    if (!span_eq(buf_span(&got), span_str(row->want)))
        fail_msg("%s: %.*s, want %s", row->source, SPAN_ARG(buf_span(&got)), row->want);
    xmlFreeDoc(doc);
    buf_clear(&got);
}

struct value_row {
    const char *label, *xpath;
    enum tree_type type;
    const char *want;
};

static const char page[] =
    "<title>Shop</title><h1> A  <i>thing</i>\n</h1><ul><li>one<li>two \"2\"</ul>"
    "<p class=price>from 1.299,50 EUR</p><time datetime=2024-05-01T12:00:00+02:00>May</time>"
    "<a href=/x>x</a><div>b &amp; <b>c</b></div><!--note-->";

static const struct value_row value_rows[] = {
    { "string", "//h1", TREE_STRING, "\"A thing\"" },
    { "first of several", "//li", TREE_STRING, "\"one\"" },
    { "list", "//li", TREE_LIST, "[\"one\",\"two \\\"2\\\"\"]" },
    { "empty list", "//nothing", TREE_LIST, "[]" },
    { "nothing", "//nothing", TREE_STRING, "null" },
    { "attribute", "//a/@href", TREE_STRING, "\"/x\"" },
    { "text node", "//div/text()", TREE_STRING, "\"b &\"" },
    { "comment", "//comment()", TREE_STRING, "\"note\"" },
    { "number", "//p[@class='price']", TREE_NUMBER, "1299.50" },
    { "count", "count(//li)", TREE_NUMBER, "2" },
    { "no number", "//h1", TREE_NUMBER, "null" },
    { "not a number", "number('x')", TREE_NUMBER, "null" },
    { "date", "//time/@datetime", TREE_DATE, "\"2024-05-01T10:00:00Z\"" },
    { "no date", "//h1", TREE_DATE, "null" },
    { "HTML", "//div", TREE_HTML, "\"<div>b &amp; <b>c</b></div>\"" },
    { "HTML of an attribute", "//a/@href", TREE_HTML, "\"/x\"" },
    { "string function", "string(//title)", TREE_STRING, "\"Shop\"" },
    { "string as a list", "string(//title)", TREE_LIST, "[\"Shop\"]" },
    { "truth", "boolean(//li)", TREE_STRING, "true" },
    { "union in document order", "//p | //h1", TREE_LIST,
      "[\"A thing\",\"from 1.299,50 EUR\"]" },
    { "browser's path", "/html/body/ul/li[2]", TREE_STRING, "\"two \\\"2\\\"\"" },
};

/* The rules of one section without a name. */
static enum err extract_only(struct span in, const struct tree_rule *rules, size_t n,
                             struct arena *mem, struct span *out_json)
{
    struct tree_section only = { SPAN_NONE, rules, n };

    return tree_extract(in, false, &only, 1, mem, out_json);
}

/* The one member of the result, without its name. */
static struct span extract(struct span in, const struct tree_rule *rule,
                           struct arena *mem)
{
    struct span json;

    assert_int_equal(extract_only(in, rule, 1, mem, &json), OK);
    assert_true(span_starts(json, SPAN("{\"v\":")));
    return span_slice(json, 5, json.len - 1);
}

static void value_row_holds(void **state)
{
    const struct value_row *row = *state;
    struct tree_rule rule = { SPAN("v"), span_str(row->xpath), row->type };
    struct arena mem;

    arena_init(&mem, 1 << 20);
    struct span got = extract(span_str(page), &rule, &mem);
    if (!span_eq(got, span_str(row->want)))
        fail_msg("%.*s, want %s", SPAN_ARG(got), row->want);
    arena_clear(&mem);
}

static void numbers_are_read_as_people_write_them(void **state)
{
    static const struct {
        const char *in, *want;
    } cases[] = {
        { "12", "12" },
        { "-12.5", "-12.5" },
        { "\u2212 3", "3" },
        { "\u22123", "-3" },
        { "1,234", "1234" },
        { "1,23", "1.23" },
        { "1.234", "1.234" },
        { "1,234.56", "1234.56" },
        { "1.234,56", "1234.56" },
        { "1.234.567", "1234567" },
        { "1,234,567", "1234567" },
        { "1 234 567,8", "1234567.8" },
        { "1'234", "1234" },
        { "1\u00A0234", "1234" },
        { "3 of 10", "3" },
        { "007", "7" },
        { "0", "0" },
        { "0.50", "0.50" },
        { ".5", "0.5" },
        { "-.5", "-0.5" },
        { "$1.", "1" },
        { "12-34", "12" },
        { "x", "null" },
        { "", "null" },
        { "2024 12 31", "2024" },
        { "1,2,3", "123" },
    };

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        struct buf out;
        buf_init(&out, 4096);
        assert_int_equal(tree_value_number(span_str(cases[i].in), &out), OK);
        if (!span_eq(buf_span(&out), span_str(cases[i].want)))
            fail_msg("%s: %.*s, want %s", cases[i].in, SPAN_ARG(buf_span(&out)),
                     cases[i].want);
        buf_clear(&out);
    }
}

static void strings_are_escaped_for_json(void **state)
{
    struct buf out;

    (void)state;
    buf_init(&out, 4096);
    assert_int_equal(tree_value_string(SPAN("a\"b\\c\nd\te\x01\x7F\u00E9"), &out), OK);
    assert_true(
        span_eq(buf_span(&out), SPAN("\"a\\\"b\\\\c\\nd\\te\\u0001\\u007f\u00E9\"")));
    buf_clear(&out);
}

static void several_rules_give_one_object(void **state)
{
    const struct tree_rule rules[] = {
        { { "a\"b", 3 }, { "//h1", 4 }, TREE_STRING },
        { { "n", 1 }, { "//nothing", 9 }, TREE_NUMBER },
    };
    struct arena mem;
    struct span json;

    (void)state;
    arena_init(&mem, 1 << 20);
    assert_int_equal(extract_only(span_str(page), rules, 2, &mem, &json), OK);
    assert_true(span_eq(json, SPAN("{\"a\\\"b\":\"A thing\",\"n\":null}")));
    assert_int_equal(extract_only(span_str(page), NULL, 0, &mem, &json), OK);
    assert_true(span_eq(json, SPAN("{}")));
    arena_clear(&mem);
}

static void sections_share_one_tree(void **state)
{
    static const struct tree_rule rules[] = {
        { { "t", 1 }, { "//h1", 4 }, TREE_STRING },
        { { "n", 1 }, { "//nothing", 9 }, TREE_NUMBER },
    };
    const struct tree_section sections[] = {
        { SPAN("one"), rules, 2 },
        { SPAN("tw\"o"), rules, 1 },
        { SPAN("three"), NULL, 0 },
    };
    struct arena mem;
    struct span json;

    (void)state;
    arena_init(&mem, 1 << 20);
    assert_int_equal(tree_extract(span_str(page), false, sections, 3, &mem, &json),
                     OK);
    assert_true(span_eq(json, SPAN("{\"one\":{\"t\":\"A thing\",\"n\":null},"
                                   "\"tw\\\"o\":{\"t\":\"A thing\"},\"three\":{}}")));
    assert_int_equal(tree_extract(span_str(page), false, NULL, 0, &mem, &json), OK);
    assert_true(span_eq(json, SPAN("{}")));
    arena_clear(&mem);
}

static void what_is_too_much_for_the_result_is_null_and_the_others_stay(void **state)
{
    static const struct tree_rule rules[] = {
        { { "a", 1 }, { "//h1", 4 }, TREE_STRING },
        { { "b", 1 }, { "//li", 4 }, TREE_LIST },
        { { "c", 1 }, { "//h1", 4 }, TREE_STRING },
    };
    struct arena mem;
    struct span json;
    struct buf in;

    (void)state;
    arena_init(&mem, 1 << 22);
    buf_init(&in, 1 << 22);
    assert_int_equal(buf_append(&in, SPAN("<h1>x</h1>")), OK);
    for (int i = 0; i < 1000; i++)
        assert_int_equal(buf_printf(&in, "<li>%0900d", i), OK);
    assert_int_equal(extract_only(buf_span(&in), rules, 3, &mem, &json), OK);
    assert_true(span_eq(json, SPAN("{\"a\":\"x\",\"b\":null,\"c\":\"x\"}")));
    buf_clear(&in);
    arena_clear(&mem);
}

static void broken_expressions_are_refused(void **state)
{
    struct tree_rule rule = { SPAN("v"), SPAN("//a["), TREE_STRING };
    struct arena mem;
    struct span json;

    (void)state;
    arena_init(&mem, 1 << 20);
    assert_int_equal(tree_check(SPAN("//a[@b='c']")), OK);
    assert_int_equal(tree_check(SPAN("//a[")), ERR_INVALID);
    assert_int_equal(tree_check(SPAN("")), ERR_INVALID);
    assert_int_equal(tree_check(span_make("a\0b", 3)), ERR_INVALID);
    assert_int_equal(extract_only(span_str(page), &rule, 1, &mem, &json), ERR_INVALID);
    arena_clear(&mem);
}

/* XPath 1.0 §3.2 and §4: no function library but the core one, no variables, no namespaces. */
static void names_that_mean_nothing_are_refused(void **state)
{
    static const struct {
        const char *xpath;
        enum err want;
    } cases[] = {
        { "lower-case(//h1)", ERR_INVALID },
        { "//h1[matches(., 'x')]", ERR_INVALID },
        { "//a[ends-with (@href, '.pdf')]", ERR_INVALID },
        { "foo()", ERR_INVALID },
        { "$x", ERR_INVALID },
        { "//a[. = $name]", ERR_INVALID },
        { "//html:h1", ERR_INVALID },
        { "//svg:*", ERR_INVALID },
        { "re:test(., 'x')", ERR_INVALID },
        { "//a[contains(., 'lower-case($x) html:h1')]", OK },
        { "//a[contains(., \"it's foo()\")]/@title", OK },
        { "/descendant-or-self::node()/child::text ( )", OK },
        { "//a[not(@b) and (@c or (1 mod (2) div (3)))]", OK },
        { "//processing-instruction('x') | //comment()", OK },
        { "//lower-case", OK },
        { "//foo[1]/div (", ERR_INVALID },
        { "//@xml:lang", OK },
        { "string-length(normalize-space(//\u00E9t\u00E9)) * 1.5", OK },
        { "sum(//td[position() != last()]) - 2", OK },
        { "translate(substring-before(concat(., '$'), '$'), ',', '')", OK },
    };

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(cases); i++)
        if (tree_check(span_str(cases[i].xpath)) != cases[i].want)
            fail_msg("%s", cases[i].xpath);
}

static void an_endless_expression_gives_null(void **state)
{
    struct tree_rule rule = { SPAN("v"), SPAN("//*[count(//*[count(//*) > 1]) > 1]"),
                              TREE_LIST };
    struct arena mem;
    struct buf in;

    (void)state;
    arena_init(&mem, 1 << 20);
    buf_init(&in, 1 << 20);
    for (int i = 0; i < 5000; i++)
        assert_int_equal(buf_append(&in, SPAN("<p>x")), OK);
    assert_true(span_eq(extract(buf_span(&in), &rule, &mem), SPAN("null")));
    buf_clear(&in);
    arena_clear(&mem);
}

static void too_many_nodes_are_refused(void **state)
{
    xmlDocPtr doc;

    (void)state;
    assert_int_equal(tree_build(SPAN("<p>a<p>b"), false, 7, &doc), OK);
    xmlFreeDoc(doc);
    assert_int_equal(tree_build(SPAN("<p>a<p>b"), false, 6, &doc), ERR_TOO_LARGE);
    assert_int_equal(tree_build(SPAN(""), false, 0, &doc), ERR_TOO_LARGE);
}

/* The page repeats piece n times, then comes a link that must be found. */
static void find_link_behind(const char *piece, int n)
{
    struct tree_rule rule = { SPAN("v"), SPAN("//a[@id='last']/@href"), TREE_STRING };
    struct arena mem;
    struct buf in;

    arena_init(&mem, 1 << 20);
    buf_init(&in, (size_t)64 << 20);
    for (int i = 0; i < n; i++)
        assert_int_equal(buf_append(&in, span_str(piece)), OK);
    assert_int_equal(buf_append(&in, SPAN("<a id=last href=x>")), OK);
    assert_true(span_eq(extract(buf_span(&in), &rule, &mem), SPAN("\"x\"")));
    buf_clear(&in);
    arena_clear(&mem);
}

static void depth_and_size_lose_nothing(void **state)
{
    (void)state;
    find_link_behind("<div>", 100000);
    find_link_behind("<b><i>", 50000);
    find_link_behind("<table><tr><td>", 20000);
    find_link_behind("text without an end ", 600000);
    find_link_behind("x</>", 300000);
    find_link_behind("<table>x<tr>y", 50000);
    find_link_behind("<p>x</b></i></a>", 50000);
}

static void what_comes_behind_elements_that_were_too_deep_stands_where_it_should(void **state)
{
    static const char *const inner[] = { "", "x", "<br>", "<svg><path/></svg>", "<svg><g>y</g></svg>", "<b>z</b>" };
    struct tree_rule rule = { SPAN("v"), SPAN("count(//p/ancestor::div)"), TREE_NUMBER };
    struct arena mem;
    struct buf in;

    (void)state;
    buf_init(&in, 1 << 20);
    for (size_t i = 0; i < ARRAY_LEN(inner); i++) {
        arena_init(&mem, 1 << 20);
        buf_reset(&in);
        for (int k = 0; k < 600; k++)
            assert_int_equal(buf_append(&in, SPAN("<div>")), OK);
        assert_int_equal(buf_append(&in, span_str(inner[i])), OK);
        for (int k = 0; k < 100; k++)
            assert_int_equal(buf_append(&in, SPAN("</div>")), OK);
        assert_int_equal(buf_append(&in, SPAN("<p>out")), OK);
        if (!span_eq(extract(buf_span(&in), &rule, &mem), SPAN("500")))
            fail_msg("%s", inner[i]);
        arena_clear(&mem);
    }
    buf_clear(&in);
}

static void a_small_arena_is_an_error(void **state)
{
    struct tree_rule rule = { SPAN("v"), SPAN("//h1"), TREE_STRING };
    struct arena mem;
    struct span json;

    (void)state;
    arena_init(&mem, 8);
    assert_int_equal(extract_only(span_str(page), &rule, 1, &mem, &json),
                     ERR_TOO_LARGE);
    arena_clear(&mem);
}

#define PLAIN_TESTS 12
#define N_TESTS     (PLAIN_TESTS + ARRAY_LEN(tree_rows) + ARRAY_LEN(value_rows))
static struct CMUnitTest tests[N_TESTS] = {
    cmocka_unit_test(numbers_are_read_as_people_write_them),
    cmocka_unit_test(strings_are_escaped_for_json),
    cmocka_unit_test(several_rules_give_one_object),
    cmocka_unit_test(sections_share_one_tree),
    cmocka_unit_test(what_is_too_much_for_the_result_is_null_and_the_others_stay),
    cmocka_unit_test(broken_expressions_are_refused),
    cmocka_unit_test(names_that_mean_nothing_are_refused),
    cmocka_unit_test(an_endless_expression_gives_null),
    cmocka_unit_test(too_many_nodes_are_refused),
    cmocka_unit_test(depth_and_size_lose_nothing),
    cmocka_unit_test(what_comes_behind_elements_that_were_too_deep_stands_where_it_should),
    cmocka_unit_test(a_small_arena_is_an_error),
};

int main(void)
{
    struct CMUnitTest *next = &tests[PLAIN_TESTS];

    for (size_t i = 0; i < ARRAY_LEN(tree_rows); i++)
        *next++ =
            (struct CMUnitTest){ .name = tree_rows[i].label,
                                 .test_func = tree_row_holds,
                                 .initial_state = (void *)(uintptr_t)&tree_rows[i] };
    for (size_t i = 0; i < ARRAY_LEN(value_rows); i++)
        *next++ =
            (struct CMUnitTest){ .name = value_rows[i].label,
                                 .test_func = value_row_holds,
                                 .initial_state = (void *)(uintptr_t)&value_rows[i] };
    return cmocka_run_group_tests_name("parse/tree", tests, NULL, NULL);
}
