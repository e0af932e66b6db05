/* SPDX-License-Identifier: MIT */
#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

#include "config/buf.h"
#include "parse/xml.h"

/* Writes down what it hears: "<a x=1>text</a>"; text pieces are joined. */
struct listener {
    struct xml_sink sink;
    struct buf heard;
    size_t max_starts, n_starts; /* full after so many; 0: never */
};

static void say(struct listener *l, struct span s)
{
    assert_int_equal(buf_append(&l->heard, s), OK);
}

static void say_name(struct listener *l, const struct xml_name *name)
{
    say(l, name->prefix);
    if (name->prefix.len)
        say(l, SPAN(":"));
    say(l, name->local);
}

static void on_start(struct xml_sink *sink, const struct xml_element *el)
{
    struct listener *l = CONTAINER_OF(sink, struct listener, sink);

    say(l, SPAN("<"));
    say_name(l, &el->name);
    for (size_t i = 0; i < el->n_attributes; i++) {
        say(l, SPAN(" "));
        say_name(l, &el->attributes[i].name);
        say(l, SPAN("="));
        say(l, el->attributes[i].value);
    }
    say(l, SPAN(">"));
    l->n_starts++;
    sink->is_full = l->n_starts == l->max_starts;
}

static void on_text(struct xml_sink *sink, struct span text)
{
    say(CONTAINER_OF(sink, struct listener, sink), text);
}

static void on_end(struct xml_sink *sink, const struct xml_name *name)
{
    struct listener *l = CONTAINER_OF(sink, struct listener, sink);

    say(l, SPAN("</"));
    say_name(l, name);
    say(l, SPAN(">"));
}

static void listen(struct listener *l, struct span body)
{
    *l = (struct listener){ .sink = { on_start, on_text, on_end, false } };
    buf_init(&l->heard, 64 * MIB);
    assert_int_equal(xml_parse(body, &l->sink), OK);
}

static const struct row {
    const char *in, *want, *source;
} rows[] = {
    { "<a>x</a>", "<a>x</a>", "XML 1.0 §3" },
    { "<?xml version='1.0' encoding='UTF-16'?><!-- c --><a/>", "<a></a>",
      "XML 1.0 §2.8" },
    { "<p:a q:b='1' c=\"2\">x</p:a>", "<p:a q:b=1 c=2>x</p:a>", "Namespaces in XML" },
    { "<a b = 'x &amp; y'/>", "<a b=x & y></a>", "XML 1.0 §3.1" },
    { "<a b='?x=1&y=2&amp;z=3&#38;#38;&quot;'/>", "<a b=?x=1&y=2&z=3&#38;\"></a>",
      "mended" },
    { "<a b=x c d='e\">'>", "<a b=x d=e\">></a>", "mended" },
    { "<a b='x>y</a>", "<a b=x>y</a>", "mended: the quote never ends" },
    { "<a b=1 b=2/>", "<a b=1></a>", "XML 1.0 §3.1: unique" },
    { "<a b='1'c='2'/>", "<a b=1 c=2></a>", "mended" },
    { "<a <b>x</b></a>", "<a><b>x</b></a>", "mended" },
    { "<a>x<![CDATA[<b>&amp;]]]>y</a>", "<a>x<b>&amp;]y</a>", "XML 1.0 §2.7" },
    { "<a><![CDATA[x</a>", "<a>x</a></a>", "XML 1.0 §2.7, without an end" },
    { "<a>x<!-- <b> -->y</a>", "<a>xy</a>", "XML 1.0 §2.5" },
    { "<a>x<!-- y</a>", "<a>x</a>", "XML 1.0 §2.5, without an end" },
    { "<a>x<?p y?>z</a>", "<a>xz</a>", "XML 1.0 §2.6" },
    { "<!DOCTYPE a [<!ENTITY e 'x'> <!-- ]> ' -->]><a>&e;</a>", "<a></a>",
      "XML 1.0 §4.4" },
    { "<!DOCTYPE a SYSTEM \"x>y\"><a/>", "<a></a>", "XML 1.0 §2.8" },
    { "<a>&lt;&gt;&amp;&quot;&apos;</a>", "<a><>&\"'</a>", "XML 1.0 §4.6" },
    { "<a>&#65;&#x42;&#67 &#0;&#xD800;&#x110000;</a>",
      "<a>ABC \xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd</a>", "XML 1.0 §4.1" },
    { "<a>&#9;&#10;&#13;&#1;&#x1F;&#xD7FF;&#xE000;&#xFFFD;&#xFFFE;&#x10000;&#x10FFFF;</a>",
      "<a>\t\n\r\xef\xbf\xbd\xef\xbf\xbd\xed\x9f\xbf\xee\x80\x80\xef\xbf\xbd\xef\xbf\xbd\xf0\x90\x80\x80"
      "\xf4\x8f\xbf\xbf</a>",
      "XML 1.0 §2.2" },
    { "<a>&nGt;</a>", "<a>\u226b\u20d2</a>", "HTML standard §13.5: two characters" },
    { "<a>&eacute;&hellip;&nosuch;&</a>", "<a>\xc3\xa9\xe2\x80\xa6&</a>",
      "HTML standard §13.5" },
    { "<a>&copy=1 & &; &# &#x; &amp</a>", "<a>&copy=1 & &; &# &#x; &amp</a>",
      "mended" },
    { "<a>1 < 2 > 1 </ x</a>", "<a>1 < 2 > 1 </ x</a>", "mended" },
    { "<a>\x01\x0b\xff\xc3(\xed\xa0\x80\xef\xbf\xbe</a>",
      "<a>\xef\xbf\xbd\xef\xbf\xbd(\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd</a>",
      "XML 1.0 §2.2" },
    { "<a><b>x</a>y", "<a><b>x</b></a>", "mended" },
    { "<a>x</b>y</a>", "<a>xy</a>", "mended" },
    { "</a></a><a>x", "<a>x</a>", "mended" },
    { "<A>x</a>", "<A>x</A>", "mended" },
    { "<a / =\"x\" b=c>x</a>", "<a b=c>x</a>", "mended" },
    { "<a><b>x</b y='z'>w</a>", "<a><b>x</b>w</a>", "mended" },
    { "<a>x</a><!DOCTYPE a [ <a>y</a>", "<a>x</a>", "XML 1.0 §2.8, without an end" },
    { "x<a>y</a>z<b>w</b>", "<a>y</a><b>w</b>", "mended" },
    { "<\xc3\xa9>x</\xc3\xa9>", "<__>x</__>", "names beyond ASCII" },
    { "<a:b:c>x</a:b:c>", "<a:b:c>x</a:b:c>", "the first colon counts" },
    { "", "", "" },
    { "no markup", "", "" },
    { "<", "", "" },
    { "<a", "<a></a>", "cut off" },
    { "<a b", "<a></a>", "cut off" },
    { "<a b=", "<a b=></a>", "cut off" },
    { "<a></", "<a></</a>", "cut off" },
};

static void mends_as_the_row_says(void **state)
{
    const struct row *row = *state;
    struct listener l;
    bool same;

    listen(&l, span_str(row->in));
    same = span_eq(buf_span(&l.heard), span_str(row->want));
    if (!same)
        print_error("%s: got '%.*s', want '%s'\n", row->source,
                    SPAN_ARG(buf_span(&l.heard)), row->want);
    buf_clear(&l.heard);
    assert_true(same);
}

/* What lies too deep loses its tags, not its text, and pairs up all the same. */
static void hidden_tags_pair_up(void **state)
{
    struct buf in, want;
    struct listener l;

    (void)state;
    buf_init(&in, MIB);
    buf_init(&want, MIB);
    for (int i = 0; i < XML_MAX_DEPTH; i++) {
        assert_int_equal(buf_append(&in, SPAN("<a>")), OK);
        assert_int_equal(buf_append(&want, SPAN("<a>")), OK);
    }
    assert_int_equal(buf_append(&in, SPAN("1<a>2<b/><b c='d'>3</b></a>4")), OK);
    assert_int_equal(buf_append(&want, SPAN("1234")), OK);
    for (int i = 0; i < XML_MAX_DEPTH; i++) {
        assert_int_equal(buf_append(&in, SPAN("</a>")), OK);
        assert_int_equal(buf_append(&want, SPAN("</a>")), OK);
    }

    listen(&l, buf_span(&in));
    assert_true(span_eq(buf_span(&l.heard), buf_span(&want)));
    buf_clear(&l.heard);
    buf_clear(&in);
    buf_clear(&want);
}

/* Long text is mended in pieces: their edges must not fall inside anything. */
static void edges_of_pieces_do_not_show(void **state)
{
    static const struct {
        const char *before, *probe, *after, *want;
    } probes[] = {
        { "", "&eacute;", "", "\xc3\xa9" },
        { "", "\xf0\x9f\x98\x80", "", "\xf0\x9f\x98\x80" },
        { "", "&#x00000000020AC;", "", "\xe2\x82\xac" },
        { "<![CDATA[", "]]>]<![CDATA[\xe2\x82\xac", "]]>", "]\xe2\x82\xac" },
    };
    struct listener l;
    struct buf in;

    (void)state;
    for (size_t p = 0; p < ARRAY_LEN(probes); p++) {
        for (size_t shift = 0; shift < 24; shift++) {
            buf_init(&in, MIB);
            assert_int_equal(buf_printf(&in, "<a>%s", probes[p].before), OK);
            for (size_t i = 0; i < 64 * 1024 - shift; i++)
                assert_int_equal(buf_append_byte(&in, '.'), OK);
            assert_int_equal(
                buf_printf(&in, "%s%s</a>", probes[p].probe, probes[p].after), OK);

            listen(&l, buf_span(&in));
            assert_int_equal(l.heard.len,
                             3 + 64 * 1024 - shift + strlen(probes[p].want) + 4);
            assert_true(
                span_starts(span_skip(buf_span(&l.heard), 3 + 64 * 1024 - shift),
                            span_str(probes[p].want)));
            buf_clear(&l.heard);
            buf_clear(&in);
        }
    }
}

static void a_full_sink_hears_no_more(void **state)
{
    struct listener l = { .sink = { on_start, on_text, on_end, false },
                          .max_starts = 2 };

    (void)state;
    buf_init(&l.heard, MIB);
    assert_int_equal(xml_parse(SPAN("<a>x<b>y</b></a>"), &l.sink), OK);
    assert_true(span_eq(buf_span(&l.heard), SPAN("<a>x<b>")));
    buf_clear(&l.heard);
}

static void trims_the_white_space_of_unicode(void **state)
{
    (void)state;
    assert_true(span_eq(xml_trim(SPAN(" \v\xc2\xa0\xe3\x80\x80"
                                      "a b"
                                      "\xe2\x80\x8b\xef\xbb\xbf\n")),
                        SPAN("a b")));
    assert_true(
        span_eq(xml_trim(SPAN("\xc3\xa9\xe2\x80\xa6")), SPAN("\xc3\xa9\xe2\x80\xa6")));
    assert_int_equal(xml_trim(SPAN(" \xe2\x80\x80 ")).len, 0);
    assert_int_equal(xml_trim(SPAN_NONE).len, 0);
}

int main(void)
{
    static const struct CMUnitTest single[] = {
        cmocka_unit_test(hidden_tags_pair_up),
        cmocka_unit_test(edges_of_pieces_do_not_show),
        cmocka_unit_test(a_full_sink_hears_no_more),
        cmocka_unit_test(trims_the_white_space_of_unicode),
    };
    struct CMUnitTest tests[ARRAY_LEN(rows) + ARRAY_LEN(single)];

    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        const void *row = &rows[i];

        tests[i] = (struct CMUnitTest){ .name = rows[i].in,
                                        .test_func = mends_as_the_row_says };
        memcpy(&tests[i].initial_state, &row, sizeof row);
    }
    memcpy(tests + ARRAY_LEN(rows), single, sizeof single);
    return cmocka_run_group_tests_name("parse/xml", tests, NULL, NULL);
}
