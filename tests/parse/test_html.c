/* SPDX-License-Identifier: MIT */
/*
 * Links and text of small pages that parsers get wrong, and limits. Sources
 * are sections of the HTML standard unless named.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "config/clock.h"
#include "tests/kit/html_kit.h"

struct row {
    const char *label, *in, *links, *text, *source;
};

static const struct row rows[] = {
    { "plain", "<p>See <a href=x>the <b>page</b></a>.</p>", "a:x(the page)",
      "See the page.", "4.6.1" },
    { "every kind of embedded link",
      "<img src=1><script src=2></script><iframe src=3></iframe><frame src=4><embed src=5>"
      "<object data=6></object><video src=7 poster=8></video><audio src=9></audio><track src=10>"
      "<source src=11 srcset='12 1x, 13 2x'><link href=14 rel=icon><body background=15>",
      "img:1 script:2 iframe:3 frame:4 embed:5 object:6 video:7 video:8 audio:9 track:10 "
      "source:11 source:12 source:13 link:14 body:15",
      "", "4.8" },
    { "forms and citations",
      "<form action=1><input type=image src=2 formaction=3><button formaction=4>b</button>"
      "<input src=5></form><blockquote cite=6>q</blockquote><q cite=7></q><ins cite=8></ins>"
      "<del cite=9></del><map><area href=10>",
      "form:1 input:3 input:2 button:4 blockquote:6 q:7 ins:8 del:9 area:10", "b\nq",
      "4.10" },
    { "image candidates",
      "<img src=a srcset='b 1x,, c 0w, d,e'><link imagesrcset='f 2x' rel=preload>",
      "img:a img:b img:d,e link:f", "", "4.8.4.3.10" },
    { "SVG links",
      "<svg><a href=1 xlink:href=2>t</a><a xlink:href=3 /><image href=4 /><use href='5#i'/>"
      "<use xlink:href='#i'/><script xlink:href=6></script></svg>",
      "a:1(t) a:3 image:4 use:5#i script:6", "t", "SVG 2 16" },
    { "image is img in HTML", "<image src=x>", "img:x", "", "13.2.6.4.7" },
    { "img ends SVG", "<svg><img src=x><image href=y>", "img:x", "", "13.2.6.5" },
    { "an iframe of SVG is nothing", "<svg><video src=x /><iframe src=y></iframe>", "",
      "", "13.2.6.5" },
    { "slash for a space", "<a/href=x>t</a>", "a:x(t)", "t", "13.2.5.32" },
    { "the first attribute counts", "<a href=x href=y>t</a>", "a:x(t)", "t",
      "13.2.5.33" },
    { "upper case", "<A HREF=x>t</A><IMG SRC=y>", "a:x(t) img:y", "t", "13.2.5.8" },
    { "references in a URL", "<a href='?a&amp;b&copy=1&notit;'>t</a>",
      "a:p.html?a&b&copy=1&notit;(t)", "t", "13.2.5.73" },
    { "unquoted with references", "<a href=x?a=1&amp;b=2>t</a>", "a:x?a=1&b=2(t)", "t",
      "13.2.5.38" },
    { "newlines in a URL", "<a href=' x\n\ty '>t</a>", "a:xy(t)", "t", "URL 4.4" },
    { "comments hide", "<!-- <a href=x> -->a<!-->b<a href=y>c</a>", "a:y(c)", "abc",
      "13.2.5.43" },
    { "bogus comments", "<?php <a> ?>t<!x <a href=y>u<![CDATA[<a href=z>]]>", "",
      "?>tu]]>", "13.2.5.41" },
    { "textarea holds no links", "<textarea><a href=x>t</textarea>u", "",
      "<a href=x>t u", "13.2.5.2" },
    { "title holds no links", "<title><a href=x></title>t", "", "t", "13.2.5.2" },
    { "iframe holds no links", "<iframe><a href=x>t</iframe>u", "", "u", "13.2.5.3" },
    { "xmp shows markup", "<xmp><a href=x>t</xmp>u", "", "<a href=x>t\nu", "13.2.5.3" },
    { "noembed and noframes",
      "<noembed><a href=x>t</noembed><noframes><a href=y>u</noframes>v", "", "v",
      "13.2.5.3" },
    { "plaintext", "<plaintext><a href=x>t</a>", "", "<a href=x>t</a>", "13.2.5.5" },
    { "noscript is markup", "<noscript><a href=x>t</a></noscript>", "a:x(t)", "t",
      "13.2.6.4.5" },
    { "scripts hold no links", "<script>'<a href=x>'</script><a href=y>t</a>", "a:y(t)",
      "t", "13.2.5.4" },
    { "escaped script",
      "<script><!--<script></script><a href=x>--></script><a href=y>t</a>", "a:y(t)",
      "t", "13.2.5.20" },
    { "style", "<style>a>b{}</style>t", "", "t", "13.2.5.3" },
    { "style and script of SVG",
      "<svg><style>a<g>b</g></style><script>c</script><text>d</text></svg>", "", "d",
      "13.2.6.5" },
    { "title of SVG is text", "<a href=x><svg><title>Home</title></svg></a>",
      "a:x(Home)", "Home", "13.2.6.5" },
    { "what video and audio hold is not shown",
      "a<video src=v><source src=s>No <b>video</b>.<p><a href=x>Get</a> it</video> b"
      "<audio>c<video>d</video>e</audio>f",
      "video:v source:s a:x(Get)", "a\nGet bf", "4.8.8" },
    { "a video left open ends with its block",
      "<div><video src=v>No<br>video</div>a<table><td><audio>b<td>c</table>", "video:v",
      "a\nc", "4.8.8" },
    { "template is inert", "<template><a href=x>t</a><template></template></template>u",
      "", "u", "4.12.3" },
    { "a shadow root is not",
      "<template shadowrootmode=open><a href=x>t</a></template>", "a:x(t)", "t",
      "4.12.3.1" },
    { "CDATA in SVG", "<svg><text><![CDATA[<a href=x>]]></text></svg>", "",
      "<a href=x>", "13.2.5.69" },
    { "references in text", "&NotEqualTilde;&copy2024 &#150; &amp;lt; &nosuch;", "",
      "\u2242\u0338\u00A92024 \u2013 &lt; &nosuch;", "13.2.5.73" },
    { "an encoded space is white space", "a&#32; &#10;b&nbsp;c", "", "a b\u00A0c",
      "13.2.5.80" },
    { "bare less-than", "a < b <3 c", "", "a < b <3 c", "13.2.5.6" },
    { "input ends in a tag", "<a href=x>t</a><a href='y", "a:x(t)", "t", "13.2.5.37" },
    { "blocks stand apart", "<p>a<p>b<div>c</div>d<br>e<ul><li>f<li>g</ul>", "",
      "a\nb\nc\nd\ne\nf\ng", "15.3.3" },
    { "cells stand apart", "<table><tr><td>a<td>b<tr><th>c</th><th>d</th></tr></table>",
      "", "a b\nc d", "15.3.8" },
    { "inline elements do not", "a<b>b</b><span>c</span><!-- -->d", "", "abcd",
      "15.3.4" },
    { "a link ends the one before", "<a href=x>t<a href=y>u</a>v", "a:x(t) a:y(u)",
      "tuv", "13.2.6.4.7" },
    { "a link without href ends it too", "<a href=x>t<a name=n>u</a>v", "a:x(t)", "tuv",
      "13.2.6.4.7" },
    { "a link ends with its block", "<div><a href=x>t</div>u", "a:x(t)", "t\nu",
      "13.2.6.4.7" },
    { "a block inside a link", "<a href=x><div>t</div><div>u</div></a>v", "a:x(t u)",
      "t\nu\nv", "4.5.1" },
    { "a link ends with its cell", "<table><td><a href=x>t<td>u", "a:x(t)", "t u",
      "13.2.6.4.15" },
    { "a link left open", "<a href=x>t", "a:x(t)", "t", "13.2.6.4.7" },
    { "an empty reference",
      "<a href>t</a><img src=''><link href='' rel=x><a href='#'>u</a>",
      "a:p.html(t) a:p.html#(u)", "tu", "URL 4.4" },
    { "other schemes",
      "<a href='mailto:a@b'>t</a><a href=' JavaScript:x'>u</a><a href='jAva\nscript:x'>v</a>"
      "<a href=urn:x>w</a>",
      "", "tuvw", "DESIGN 4" },
    { "ftp is a link", "<a href=ftp://h.test/x>t</a>", "a:ftp://h.test/x(t)", "t",
      "URL 4.2" },
    { "what does not parse", "<a href='http://[x'>t</a><a href=//h:x>u</a>", "", "tu",
      "URL 4.4" },
    { "nofollow in three words",
      "<a rel=nofollow href=1></a><a rel='x UGC' href=2></a><a rel=sponsored href=3></a>"
      "<a rel=nofollowing href=4></a>",
      "!a:1 !a:2 !a:3 a:4", "", "4.6.6.13" },
    { "deep nesting",
      "<b><b><b><b><b><b><b><b><b><b><b><b><b><b><b><b><b><b><b><b><a href=x>t</a>",
      "a:x(t)", "t", "13.2.6" },
};

static void row_holds(void **state)
{
    const struct row *row = *state;
    struct html_kit k;

    html_kit_open(&k);
    html_kit_parse(&k, span_str(row->in));
    struct span links = html_kit_links(&k);

    if (!span_eq(links, span_str(row->links)))
        fail_msg("%s: links \"%.*s\", want \"%s\"", row->source, SPAN_ARG(links),
                 row->links);
    if (!span_eq(k.facts.text, span_str(row->text)))
        fail_msg("%s: text \"%.*s\", want \"%s\"", row->source, SPAN_ARG(k.facts.text),
                 row->text);
    html_kit_close(&k);
}

static void after_300_elements_there_is_still_a_link(void **state)
{
    struct html_kit k;
    struct buf in;

    (void)state;
    html_kit_open(&k);
    buf_init(&in, 1 << 24);
    for (int i = 0; i < 100000; i++)
        assert_int_equal(buf_append(&in, SPAN("<div>")), OK);
    assert_int_equal(buf_append(&in, SPAN("<a href=x>t</a>")), OK);
    html_kit_parse(&k, buf_span(&in));
    assert_true(html_kit_is(html_kit_links(&k), "a:x(t)"));
    buf_clear(&in);
    html_kit_close(&k);
}

static void a_tag_with_100000_attributes_costs_no_more(void **state)
{
    struct html_kit k;
    struct buf in;

    (void)state;
    html_kit_open(&k);
    buf_init(&in, 1 << 24);
    assert_int_equal(buf_append(&in, SPAN("<a href=x ")), OK);
    for (int i = 0; i < 100000; i++)
        assert_int_equal(buf_printf(&in, "a%d=b ", i), OK);
    assert_int_equal(buf_append(&in, SPAN(">t</a><a href=y>")), OK);
    html_kit_parse(&k, buf_span(&in));
    assert_true(html_kit_is(html_kit_links(&k), "a:x(t) a:y"));
    buf_clear(&in);
    html_kit_close(&k);
}

/* Parses piece again and again, n bytes in all. */
static void parse_repeated(const char *piece, size_t n)
{
    struct html_kit k;
    struct buf in;

    html_kit_open(&k);
    buf_init(&in, 2 * n);
    while (in.len < n)
        assert_int_equal(buf_append(&in, span_str(piece)), OK);
    html_kit_parse(&k, buf_span(&in));
    buf_clear(&in);
    html_kit_close(&k);
}

/* Quadratic time would be minutes here. */
static void hostile_markup_costs_linear_time(void **state)
{
    static const char *const pieces[] = {
        "<script><!--</script>",
        "<script><!--<script></script>",
        "<!--",
        "<!-->",
        "<!--->-",
        "<",
        "</",
        "<a ",
        "<a b=\"",
        "<title>",
        "<title></title>",
        "</title",
        "<svg>",
        "<svg><title>",
        "<svg><![CDATA[",
        "<math><mi>",
        "<template>",
        "&",
        "&#",
        "&CounterClockwise",
        "<h1>",
        "<h1>x",
        "<a href=x>",
        "<a href=x><p>",
        "<a href=&amp;>",
        "<base href=x>",
        "<meta name=robots content=x>",
        "<img srcset='a (,'>",
        "<img srcset='a,b,c'>",
        "\r",
        "x\r\n",
        "<plaintext>",
        "<a href=x rel=y>",
        "</a></p>",
        "<textarea></textare>",
    };
    int64_t start = clock_now_ns();

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(pieces); i++)
        parse_repeated(pieces[i], 1 << 20);
    parse_repeated("<script><!--</script>", 8 << 20);
    assert_true(clock_now_ns() - start < 20 * NS_PER_S);
}

static void a_long_text_loses_nothing_behind_it(void **state)
{
    struct html_kit k;
    struct buf in;

    (void)state;
    html_kit_open(&k);
    buf_init(&in, 1 << 25);
    for (int i = 0; i < 3000000; i++)
        assert_int_equal(buf_append(&in, SPAN("word ")), OK);
    assert_int_equal(buf_append(&in, SPAN("<a href=x>t</a>")), OK);
    html_kit_parse(&k, buf_span(&in));
    assert_true(html_kit_is(html_kit_links(&k), "a:x(t)"));
    assert_int_equal(k.facts.word_count, 3000001);
    assert_true(k.facts.text.len <= k.in.max_text);
    buf_clear(&in);
    html_kit_close(&k);
}

/* Eight bytes are looked at in one go; every alignment of blanks must give the same. */
static void words_are_counted_the_same_everywhere(void **state)
{
    (void)state;
    for (unsigned bits = 0; bits < 4096; bits++) {
        struct html_kit k;
        char in[16];
        int64_t n_words = 0;
        for (size_t i = 0; i < 12; i++) {
            in[i] = bits >> i & 1 ? ' ' : 'x';
            n_words += in[i] == 'x' && (i == 0 || in[i - 1] == ' ');
        }
        html_kit_open(&k);
        html_kit_parse(&k, span_make(in, 12));
        assert_int_equal(k.facts.word_count, n_words);
        assert_int_equal(span_find_span(k.facts.text, SPAN("  ")), k.facts.text.len);
        html_kit_close(&k);
    }
}

/* U+00A0 is White_Space for Unicode, but not for HTML. */
static void no_break_spaces_part_words_and_are_none(void **state)
{
    static const struct {
        const char *in;
        int64_t n_words;
    } cases[] = {
        { "", 0 },
        { "&nbsp;", 0 },
        { "a", 1 },
        { "a&nbsp;b", 2 },
        { "a&nbsp;&nbsp;b c&nbsp;d", 4 },
        { "&nbsp;a&nbsp;", 1 },
        { "a &nbsp; b", 2 },
        { "<table><td>&nbsp;<td>a<td>&nbsp;&nbsp;<tr><td>&nbsp;</table>", 1 },
        { "\u00E9&nbsp;\u00E9", 2 },
        { "a&copy;b \u00A9", 2 },
    };

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        struct html_kit k;
        html_kit_open(&k);
        html_kit_parse(&k, span_str(cases[i].in));
        if (k.facts.word_count != cases[i].n_words)
            fail_msg("%s: %d words", cases[i].in, (int)k.facts.word_count);
        html_kit_close(&k);
    }
}

static void queries_are_encoded_as_the_document_is(void **state)
{
    struct html_kit k;

    (void)state;
    html_kit_open(&k);
    k.in.charset = "windows-1252";
    html_kit_parse(&k, SPAN("<a href='/\u00E9?\u00E9\u4E2D#\u00E9'>"));
    assert_true(html_kit_is(html_kit_links(&k), "a:/%C3%A9?%E9%26%2320013%3B#%C3%A9"));
    html_kit_close(&k);
}

static void xhtml_closes_what_says_so(void **state)
{
    struct html_kit k;

    (void)state;
    html_kit_open(&k);
    k.in.content_type = SPAN("application/xhtml+xml");
    html_kit_parse(&k, SPAN("<script src='s'/><a href='x'>t</a>"));
    assert_true(html_kit_is(html_kit_links(&k), "script:s a:x(t)"));
    html_kit_parse(&k, SPAN("<a href='x'/>t<template/><h1/>u<video src='v'/>w<br/>x"
                            "<a href='y'>z</a>"));
    assert_true(html_kit_is(html_kit_links(&k), "a:x video:v a:y(z)"));
    assert_true(html_kit_is(k.facts.text, "t\nuw\nxz"));
    k.in.content_type = SPAN("text/html");
    html_kit_parse(&k, SPAN("<script src='s'/><a href='x'>t</a>"));
    assert_true(html_kit_is(html_kit_links(&k), "script:s"));
    html_kit_close(&k);
}

static void limits_are_kept_and_told(void **state)
{
    struct html_kit k;

    (void)state;
    html_kit_open(&k);
    k.in.max_links = 2;
    k.in.max_text = 5;
    html_kit_parse(&k,
                   SPAN("<a href=1>a\u20AC</a> <a href=2>b</a> <a href=3>cdef</a>"));
    assert_true(html_kit_is(html_kit_links(&k), "a:1(a\u20AC) a:2(b)"));
    assert_true(k.facts.links_cut);
    assert_true(html_kit_is(k.facts.text, "a\u20AC "));
    assert_int_equal(k.facts.word_count, 3);

    k.in.max_links = 3;
    html_kit_parse(&k, SPAN("<a href=1>a</a>"));
    assert_false(k.facts.links_cut);
    k.in.wants_text = false;
    html_kit_parse(&k, SPAN("<a href=1>a</a> b"));
    assert_int_equal(k.facts.text.len, 0);
    assert_int_equal(k.facts.word_count, 2);
    html_kit_close(&k);
}

static void overlong_urls_are_cut_and_overlong_references_counted(void **state)
{
    static const size_t sizes[] = { 8190, 64 * 1024 + 1 };
    struct html_kit k;
    struct buf in;

    (void)state;
    html_kit_open(&k);
    buf_init(&in, 1 << 20);
    for (size_t i = 0; i < ARRAY_LEN(sizes); i++) {
        assert_int_equal(buf_append(&in, SPAN("<a href=")), OK);
        for (size_t n = 0; n < sizes[i]; n++)
            assert_int_equal(buf_append_byte(&in, 'x'), OK);
        assert_int_equal(buf_append(&in, SPAN(">t</a>")), OK);
    }
    html_kit_parse(&k, buf_span(&in));
    assert_int_equal(k.facts.n_links, 1);
    assert_int_equal(k.facts.links[0].url.len, 8193);
    assert_int_equal(k.facts.links_other, 1);
    buf_clear(&in);
    html_kit_close(&k);
}

static void what_gives_no_link_is_counted(void **state)
{
    struct html_kit k;

    (void)state;
    html_kit_open(&k);
    html_kit_parse(&k, SPAN("<a href='mailto:a@b'>t</a><a href=' JavaScript:x'>u</a><img src='data:,'><a href=tel:1>p</a>"
                            "<a href=urn:x>w</a><a href='http://[x'>v</a><a href=fine>l</a><a href=ftp://h.test/x>f</a>"
                            "<a>none</a><a name=x>none</a>"));
    assert_int_equal(k.facts.n_links, 2);
    assert_int_equal(k.facts.links_other, 6);
    html_kit_parse(&k, SPAN("<a href=1>a</a>"));
    assert_int_equal(k.facts.links_other, 0);
    html_kit_close(&k);
}

static void a_small_arena_cuts_or_refuses(void **state)
{
    (void)state;
    for (size_t room = 0; room < 2000; room += 16) {
        struct html_kit k;
        struct arena small;
        html_kit_open(&k);
        arena_init(&small, room);
        k.in.utf8 =
            SPAN("<title>t</title><a href=1>a</a><a href=2 rel=x>b</a><a href=3>");
        enum err e = html_parse(&k.in, k.scratch, &small, &k.facts);
        assert_true(e == OK || e == ERR_TOO_LARGE);
        if (!e)
            assert_true(k.facts.links_cut || k.facts.n_links == 3);
        arena_clear(&small);
        html_kit_close(&k);
    }
}

#define PLAIN_TESTS 12
static struct CMUnitTest tests[ARRAY_LEN(rows) + PLAIN_TESTS] = {
    cmocka_unit_test(after_300_elements_there_is_still_a_link),
    cmocka_unit_test(what_gives_no_link_is_counted),
    cmocka_unit_test(a_tag_with_100000_attributes_costs_no_more),
    cmocka_unit_test(hostile_markup_costs_linear_time),
    cmocka_unit_test(a_long_text_loses_nothing_behind_it),
    cmocka_unit_test(words_are_counted_the_same_everywhere),
    cmocka_unit_test(no_break_spaces_part_words_and_are_none),
    cmocka_unit_test(queries_are_encoded_as_the_document_is),
    cmocka_unit_test(xhtml_closes_what_says_so),
    cmocka_unit_test(limits_are_kept_and_told),
    cmocka_unit_test(overlong_urls_are_cut_and_overlong_references_counted),
    cmocka_unit_test(a_small_arena_cuts_or_refuses),
};

int main(void)
{
    for (size_t i = 0; i < ARRAY_LEN(rows); i++)
        tests[PLAIN_TESTS + i] =
            (struct CMUnitTest){ .name = rows[i].label,
                                 .test_func = row_holds,
                                 .initial_state = (void *)(uintptr_t)&rows[i] };
    return cmocka_run_group_tests_name("parse/html", tests, NULL, NULL);
}
