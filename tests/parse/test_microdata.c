/* SPDX-License-Identifier: MIT */
/* Microdata out of pages, as the list "items" of the HTML standard §5.2.8. Sources are its sections. */
#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

#include "parse/json_text.h"
#include "parse/microdata.h"

#define ITEM(properties) "[{\"properties\":{" properties "}}]"

static const struct item_row {
    const char *label, *page, *want, *source;
} item_rows[] = {
    { "no item", "<p itemprop=a>x</p>", "[]", "5.2.2" },
    { "an item without properties", "<div itemscope>x</div>", ITEM(""), "5.2.2" },
    { "type and id",
      "<div itemscope itemtype='http://a/ http://b/' itemid=urn:x></div>",
      "[{\"type\":[\"http://a/\",\"http://b/\"],\"id\":\"urn:x\",\"properties\":{}}]",
      "5.2.2" },
    { "an id without a type is none", "<div itemscope itemid=urn:x></div>", ITEM(""),
      "5.2.2" },
    { "text", "<div itemscope><b itemprop=name> A &amp;\n <i>B</i></b></div>",
      ITEM("\"name\":[\"A & B\"]"), "5.2.4" },
    { "an end tag in a cell is not for an element around its table",
      "<div itemscope><table><tr><td></div><b itemprop=a>1</b></table><b itemprop=b>2</b></div>",
      ITEM("\"a\":[\"1\"],\"b\":[\"2\"]"), "HTML 13.2.4.2" },
    { "an end tag of an inline element does not reach past a block",
      "<div itemscope><span itemprop=a>x<div>y</span>z</div></span></div>",
      ITEM("\"a\":[\"x yz\"]"), "HTML 13.2.6.4.7" },
    { "references in attributes",
      "<div itemscope><meta itemprop=a content='A &amp; B &lt;'><a itemprop=b href='?x&amp;y'>",
      ITEM("\"a\":[\"A & B <\"],\"b\":[\"http://example.org/dir/page?x&y\"]"), "HTML 13.2.5.36" },
    { "terms and descriptions end one another", "<dl itemscope><dt itemprop=a>1<dd itemprop=b>2<dt itemprop=c>3</dl>",
      ITEM("\"a\":[\"1\"],\"b\":[\"2\"],\"c\":[\"3\"]"), "HTML 13.2.6.4.7" },
    { "an option ends an option", "<select itemscope><option itemprop=a>1<option itemprop=b>2</select>",
      ITEM("\"a\":[\"1\"],\"b\":[\"2\"]"), "HTML 13.2.6.4.7" },
    { "parts of a table end one another",
      "<table itemscope><thead itemprop=a><tr><td>1<tbody itemprop=b><tr><td>2<tfoot itemprop=c><tr><td>3</table>",
      ITEM("\"a\":[\"1\"],\"b\":[\"2\"],\"c\":[\"3\"]"), "HTML 13.2.6.4.13" },
    { "a list within a list ends no item around it",
      "<ul itemscope><li itemprop=a>1<ul><li>2<li>3</ul>4<li itemprop=b>5</ul>",
      ITEM("\"a\":[\"1 2 3 4\"],\"b\":[\"5\"]"), "HTML 13.2.6.4.7" },
    { "scripts and styles are no text",
      "<div itemscope><span itemprop=a>x<script>y</script><style>z</style></span></div>",
      ITEM("\"a\":[\"x\"]"), "practice" },
    { "several names", "<div itemscope><b itemprop='a b'>x</b></div>",
      ITEM("\"a\":[\"x\"],\"b\":[\"x\"]"), "5.2.3" },
    { "several values",
      "<div itemscope><b itemprop=a>1</b><b itemprop=b>2</b><b itemprop=a>3</b></div>",
      ITEM("\"a\":[\"1\",\"3\"],\"b\":[\"2\"]"), "5.2.8" },
    { "meta", "<div itemscope><meta itemprop=a content=x></div>", ITEM("\"a\":[\"x\"]"),
      "5.2.4" },
    { "content on another element",
      "<div itemscope><b itemprop=a content=9.99>from 9,99</b></div>",
      ITEM("\"a\":[\"9.99\"]"), "practice" },
    { "links are absolute",
      "<div itemscope><a itemprop=a href=../x>y</a><link itemprop=b href=//h/></div>",
      ITEM("\"a\":[\"http://example.org/x\"],\"b\":[\"http://h/\"]"), "5.2.4" },
    { "images and frames",
      "<div itemscope><img itemprop=a src=1><iframe itemprop=b src=2></iframe>"
      "<object itemprop=c data=3></object></div>",
      ITEM(
          "\"a\":[\"http://example.org/dir/1\"],\"b\":[\"http://example.org/dir/2\"],\"c\":[\"http://example.org/dir/3\"]"),
      "5.2.4" },
    { "a link without its attribute is empty",
      "<div itemscope><a itemprop=a>y</a><img itemprop=b></div>",
      ITEM("\"a\":[\"\"],\"b\":[\"\"]"), "5.2.4" },
    { "an empty reference is the page",
      "<div itemscope><a itemprop=url href>y</a><link itemprop=u href=''></div>",
      ITEM("\"url\":[\"http://example.org/dir/page\"],\"u\":[\"http://example.org/dir/page\"]"),
      "5.2.4" },
    { "a name that stands twice counts once",
      "<div itemscope><b itemprop='a b\na'>x</b><b itemprop=a>y</b></div>",
      ITEM("\"a\":[\"x\",\"y\"],\"b\":[\"x\"]"), "5.2.3" },
    { "a URL that does not parse stays as it is",
      "<div itemscope><a itemprop=a href='http://[x'>y</a></div>",
      ITEM("\"a\":[\"http://[x\"]"), "5.2.4" },
    { "data, meter, time",
      "<div itemscope><data itemprop=a value=1>one</data><meter itemprop=b value=2>two</meter>"
      "<time itemprop=c datetime=2024-05-01>May</time><time itemprop=d>June</time></div>",
      ITEM("\"a\":[\"1\"],\"b\":[\"2\"],\"c\":[\"2024-05-01\"],\"d\":[\"June\"]"),
      "5.2.4" },
    { "an item within",
      "<div itemscope itemtype=http://p/><b itemprop=n>x</b>"
      "<div itemprop=o itemscope itemtype=http://o/><b itemprop=n>y</b></div><b itemprop=m>z</b></div>",
      "[{\"type\":[\"http://p/\"],\"properties\":{\"n\":[\"x\"],\"o\":[{\"type\":[\"http://o/\"],\"properties\":{\"n\":[\"y\"]}}],"
      "\"m\":[\"z\"]}}]",
      "5.2.2" },
    { "an item within that is no property is on its own",
      "<div itemscope><div itemscope><b itemprop=a>x</b></div></div>",
      "[{\"properties\":{}},{\"properties\":{\"a\":[\"x\"]}}]", "5.2.5" },
    { "two items", "<p itemscope><b itemprop=a>1</b><p itemscope><b itemprop=a>2</b>",
      "[{\"properties\":{\"a\":[\"1\"]}},{\"properties\":{\"a\":[\"2\"]}}]",
      "13.2.6.4.7" },
    { "properties within properties",
      "<div itemscope><p itemprop=a>x <b itemprop=b>y</b> z</p></div>",
      ITEM("\"a\":[\"x y z\"],\"b\":[\"y\"]"), "5.2.3" },
    { "a property outside is none", "<div itemscope></div><b itemprop=a>x</b>",
      ITEM(""), "5.2.5" },
    { "list items end each other",
      "<ul itemscope><li itemprop=a>1<li itemprop=a>2<ul><li itemprop=b>3</ul></ul>",
      ITEM("\"a\":[\"1\",\"2 3\"],\"b\":[\"3\"]"), "13.2.6.4.7" },
    { "cells and rows end each other",
      "<table itemscope><tr><td itemprop=a>1<td itemprop=b>2<tr><th itemprop=c>3</table><b itemprop=d>x</b>",
      ITEM("\"a\":[\"1\"],\"b\":[\"2\"],\"c\":[\"3\"]"), "13.2.6.4.15" },
    { "dt and dd end each other",
      "<dl itemscope><dt itemprop=a>1<dd itemprop=b>2<dt itemprop=c>3</dl>",
      ITEM("\"a\":[\"1\"],\"b\":[\"2\"],\"c\":[\"3\"]"), "13.2.6.4.7" },
    { "a block ends a paragraph", "<div itemscope><p itemprop=a>1<div>2</div></div>",
      ITEM("\"a\":[\"1\"]"), "13.2.6.4.7" },
    { "an end tag of nothing ends nothing",
      "<div itemscope></p></x></table><b itemprop=a>1</b></div>", ITEM("\"a\":[\"1\"]"),
      "13.2.6.4.7" },
    { "an inline end tag does not end a block",
      "<span itemscope><div></span><b itemprop=a>1</b></div>", ITEM("\"a\":[\"1\"]"),
      "13.2.6.4.7" },
    { "the end of the page ends all", "<div itemscope><b itemprop=a>1",
      ITEM("\"a\":[\"1\"]"), "13.2.6" },
    { "scripts and styles are no text",
      "<div itemscope><p itemprop=a>1<script>2</script><style>3</style>4</p></div>",
      ITEM("\"a\":[\"14\"]"), "5.2.4" },
    { "blocks are apart in text", "<div itemscope><div itemprop=a><p>1<p>2</div></div>",
      ITEM("\"a\":[\"1 2\"]"), "practice" },
    { "unknown elements",
      "<x-a itemscope><x-b itemprop=a>1</X-B><x-c itemprop=b>2</x-c></x-a>",
      ITEM("\"a\":[\"1\"],\"b\":[\"2\"]"), "13.2.6.4.7" },
    { "an item on a void element",
      "<div itemscope><meta itemprop=a itemscope><b itemprop=b>1</b></div>",
      ITEM("\"a\":[{\"properties\":{}}],\"b\":[\"1\"]"), "5.2.2" },
};

struct desk {
    struct arena mem;
    struct url base;
    struct buf out;
    bool is_cut;
};

static void open_desk(struct desk *d)
{
    arena_init(&d->mem, 64 << 20);
    buf_init(&d->out, 1 << 20);
    assert_int_equal(
        url_parse(SPAN("http://example.org/dir/page"), NULL, &d->mem, &d->base), OK);
}

static void close_desk(struct desk *d)
{
    arena_clear(&d->mem);
    buf_clear(&d->out);
}

static struct span items(struct desk *d, struct span page)
{
    static struct tokenizer t;
    struct microdata *m;

    assert_int_equal(microdata_new(&d->base, &d->mem, &m), OK);
    tokenizer_init(&t, page, false, NULL);
    for (const struct token *tok = tokenizer_next(&t); tok->type != TOKEN_EOF;
         tok = tokenizer_next(&t))
        assert_int_equal(microdata_token(m, tok), OK);
    microdata_finish(m);
    buf_reset(&d->out);
    assert_int_equal(microdata_put(m, &d->out), OK);
    d->is_cut = microdata_is_cut(m);
    microdata_free(m);
    assert_true(json_text_is_value(buf_span(&d->out), 64));
    return buf_span(&d->out);
}

static void page_gives(void **state)
{
    const struct item_row *row = *state;
    struct desk d;
    struct span got;

    open_desk(&d);
    got = items(&d, span_str(row->page));
    if (!span_eq(got, span_str(row->want)))
        fail_msg("%s: %.*s\nwant %s", row->source, SPAN_ARG(got), row->want);
    assert_false(d.is_cut);
    close_desk(&d);
}

/* --- limits ----------------------------------------------------------------------------------- */

static struct span repeat(struct buf *page, const char *piece, size_t n)
{
    buf_reset(page);
    for (size_t i = 0; i < n; i++)
        assert_int_equal(buf_append(page, span_str(piece)), OK);
    return buf_span(page);
}

static void more_than_the_limits_is_cut(void **state)
{
    static const struct {
        const char *piece;
        size_t n;
    } pages[] = {
        { "<div itemscope></div>", 1001 },
        { "<div itemscope itemprop=a>", 17 },
        { "<div itemscope><b itemprop=a>x</b></div>", 5000 },
        { "<i><div itemscope itemprop=a>", 1000 },
        { "<div itemscope><meta itemprop=a content=x><p itemprop='a b c d e f g h i j'>x</p></div>",
          900 },
    };
    struct desk d;
    struct buf page;

    (void)state;
    open_desk(&d);
    buf_init(&page, 1 << 20);
    for (size_t i = 0; i < ARRAY_LEN(pages); i++) {
        items(&d, repeat(&page, pages[i].piece, pages[i].n));
        assert_true(d.is_cut);
    }
    buf_clear(&page);
    close_desk(&d);
}

static void items_one_after_another_have_no_limit_of_depth(void **state)
{
    struct desk d;
    struct buf page;
    struct span got, one = SPAN("{\"properties\":{\"a\":[{\"properties\":{}}]}}");

    (void)state;
    open_desk(&d);
    buf_init(&page, 1 << 20);
    got = items(
        &d, repeat(&page, "<div itemscope><p itemscope itemprop=a></p></div>", 100));
    assert_false(d.is_cut);
    assert_int_equal(got.len, 100 * (one.len + 1) + 1);
    buf_clear(&page);
    close_desk(&d);
}

static void a_long_value_is_cut_at_a_character(void **state)
{
    struct desk d;
    struct buf page;
    struct span got;

    (void)state;
    open_desk(&d);
    buf_init(&page, 1 << 20);
    assert_int_equal(buf_append(&page, SPAN("<p itemscope><b itemprop=a>x")), OK);
    for (int i = 0; i < 5000; i++)
        assert_int_equal(buf_append(&page, SPAN("\xc3\xa9")), OK);
    got = items(&d, buf_span(&page));
    assert_true(d.is_cut && got.len < 4200 && got.len > 4000 && span_is_utf8(got));
    buf_clear(&page);
    close_desk(&d);
}

static void items_that_do_not_fit_are_left_out(void **state)
{
    struct desk d;
    struct buf page;
    struct span got;

    (void)state;
    open_desk(&d);
    d.out.max = 100;
    buf_init(&page, 1 << 20);
    got = items(&d,
                repeat(&page, "<div itemscope><b itemprop=a>0123456789</b></div>", 10));
    assert_true(d.is_cut && span_ends(got, SPAN("}}]")) && got.len > 60);
    buf_clear(&page);
    close_desk(&d);
}

static void time_is_linear_in_odd_pages(void **state)
{
    static const char *const pieces[] = { "</x>", "<i>",  "</li>", "<li>", "<a>",
                                          "<p>",  "<td>", "</b>",  "<x>" };
    struct desk d;
    struct buf page;

    (void)state;
    open_desk(&d);
    buf_init(&page, 16 << 20);
    for (size_t i = 0; i < ARRAY_LEN(pieces); i++) {
        buf_reset(&page);
        assert_int_equal(buf_append(&page, SPAN("<div itemscope><b itemprop=a>")), OK);
        for (int k = 0; k < 300; k++)
            assert_int_equal(buf_append(&page, SPAN("<q>")), OK);
        for (int k = 0; k < 200000; k++)
            assert_int_equal(buf_append(&page, span_str(pieces[i])), OK);
        items(&d, buf_span(&page)); /* the suite's patience is the judge */
    }
    buf_clear(&page);
    close_desk(&d);
}

#define PLAIN 5

int main(void)
{
    static struct CMUnitTest tests[ARRAY_LEN(item_rows) + PLAIN] = {
        cmocka_unit_test(more_than_the_limits_is_cut),
        cmocka_unit_test(items_one_after_another_have_no_limit_of_depth),
        cmocka_unit_test(a_long_value_is_cut_at_a_character),
        cmocka_unit_test(items_that_do_not_fit_are_left_out),
        cmocka_unit_test(time_is_linear_in_odd_pages),
    };

    for (size_t i = 0; i < ARRAY_LEN(item_rows); i++)
        tests[PLAIN + i] =
            (struct CMUnitTest){ item_rows[i].label, page_gives, NULL, NULL,
                                 (void *)(uintptr_t)&item_rows[i] };
    return cmocka_run_group_tests_name("parse/microdata", tests, NULL, NULL);
}
