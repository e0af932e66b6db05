/* SPDX-License-Identifier: MIT */
/*
 * Tokens as a line of text: "<name a=v>" "</name>" "<name/>" for tags, text as
 * it is (decoded), "[text]" for that of title, script and the like, "{comment}",
 * "!" for a DOCTYPE; a foreign element has '~' before its name. Sources are sections of the HTML standard.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "config/buf.h"
#include "config/mem.h"
#include "parse/tokenizer.h"

struct row {
    const char *label, *in, *want, *source;
};

static const struct row rows[] = {
    { "tags and text", "a<p>b</p>c", "a<p>b</p>c", "13.2.5.1" },
    { "names in any case", "<DiV></dIv >", "<DiV></dIv>", "13.2.5.8" },
    { "a lone less-than sign", "1 < 2 <3 <", "1 < 2 <3 <", "13.2.5.6" },
    { "end tag of nothing", "a</>b</ c>d</", "ab{ c}d</", "13.2.5.7" },
    { "self-closing", "<br/><br / ><p / a>", "<br/><br><p a=>", "13.2.5.40" },
    { "values in three ways", "<a b=c d='e f' g=\"h\">", "<a b=c d=e f g=h>",
      "13.2.5.36" },
    { "slash for a space", "<a/href=x/b=y>", "<a href=x/b=y>", "13.2.5.32" },
    { "no space between", "<a b='c'd=\"e\"f>", "<a b=c d=e f=>", "13.2.5.39" },
    { "spaces around equals", "<a b = c\n=\td>", "<a b=c == d=>", "13.2.5.34" },
    { "equals first", "<a =b=c>", "<a =b=c>", "13.2.5.32" },
    { "quotes in names and values", "<a b\"c=d\"e>", "<a b\"c=d\"e>", "13.2.5.33" },
    { "greater-than in quotes", "<a b='>'>x", "<a b=>>x", "13.2.5.37" },
    { "empty value", "<a b=>x", "<a b=>x", "13.2.5.35" },
    { "references in values", "<a b='&lt;&copy=1'>", "<a b=<&copy=1>", "13.2.5.36" },
    { "input ends in a tag", "x<a href='y", "x", "13.2.5.37" },
    { "input ends in a name", "x<a", "x", "13.2.5.8" },
    { "comment", "a<!--b--c-->d", "a{b--c}d", "13.2.5.45" },
    { "abrupt comments", "<!-->a<!--->b<!---->c", "{}a{}b{}c", "13.2.5.43" },
    { "comment ended with a bang", "<!--a--!>b<!--!>c-->", "{a}b{!>c}", "13.2.5.51" },
    { "nested comment", "<!--a<!--b-->c", "{a<!--b}c", "13.2.5.46" },
    { "open comment", "<!--a--", "{a}", "13.2.5.50" },
    { "bogus comments", "<!foo a><?php x ?>b<![CDATA[c]]>",
      "{foo a}{?php x ?}b{[CDATA[c]]}", "13.2.5.41" },
    { "doctype", "<!DOCTYPE html PUBLIC 'a>b'>", "!b'>", "13.2.5.59" },
    { "title holds no markup", "<title>a<b>&amp;</b></title><p>",
      "<title>[a<b>&</b>]</title><p>", "13.2.5.2" },
    { "end tag needs its name whole", "<title></titlex></title\n>x",
      "<title>[</titlex>]</title>x", "13.2.5.11" },
    { "textarea", "<textarea><a href=x></TEXTAREA><i>",
      "<textarea>[<a href=x>]</TEXTAREA><i>", "13.2.5.2" },
    { "open title", "<title>a</b>", "<title>[a</b>]", "13.2.5.2" },
    { "style", "<style>a<!--</style>b-->", "<style>[a<!--]</style>b-->", "13.2.5.3" },
    { "no references in style", "<style>&amp;</style>", "<style>[&amp;]</style>",
      "13.2.5.3" },
    { "script", "<script>if (a<b) '<a>'</script>c",
      "<script>[if (a<b) '<a>']</script>c", "13.2.5.4" },
    { "escaped script", "<script><!--<script></script>--></script>a",
      "<script>[<!--<script></script>-->]</script>a", "13.2.5.20" },
    { "escape without a script in it", "<script><!--</script>-->a",
      "<script>[<!--]</script>-->a", "13.2.5.20" },
    { "escape ended at once", "<script><!--><script></script>a",
      "<script>[<!--><script>]</script>a", "13.2.5.19" },
    { "double escape ends with its end tag",
      "<script><!--<script>a</script>b</script>c",
      "<script>[<!--<script>a</script>b]</script>c", "13.2.5.26" },
    { "scripts is no script", "<script><!--<scripts></script>a",
      "<script>[<!--<scripts>]</script>a", "13.2.5.26" },
    { "plaintext never ends", "<plaintext></plaintext><a>",
      "<plaintext>[</plaintext><a>]", "13.2.5.5" },
    { "noscript is markup", "<noscript><a></noscript>", "<noscript><a></noscript>",
      "13.2.6.4.5" },
    { "CDATA in SVG", "<svg><![CDATA[<a>&amp;]]></svg><![CDATA[x]]>",
      "<~svg>[<a>&amp;]</~svg>{[CDATA[x]]}", "13.2.5.69" },
    { "title of SVG is markup", "<svg><title><b>x</title></svg>",
      "<~svg><~title><b>x</~title></~svg>", "13.2.6.5" },
    { "style of SVG is markup", "<svg><style><g></style>",
      "<~svg><~style><~g></~style>", "13.2.6.5" },
    { "HTML ends SVG", "<svg><g><p>x<style><a></style>",
      "<~svg><~g><p>x<style>[<a>]</style>", "13.2.6.5" },
    { "font with a colour ends SVG", "<svg><font><font color=red><a>",
      "<~svg><~font><font color=red><a>", "13.2.6.5" },
    { "HTML inside foreignObject",
      "<svg><foreignObject><a><svg></svg></foreignObject><a></svg>",
      "<~svg><~foreignObject><a><~svg></~svg></~foreignObject><~a></~svg>", "13.2.6" },
    { "MathML text", "<math><mi><a></mi><a></math><a>",
      "<~math><~mi><a></~mi><~a></~math><a>", "13.2.6" },
    { "MathML annotation",
      "<math><annotation-xml encoding='Text/HTML'><a></annotation-xml><a>",
      "<~math><~annotation-xml encoding=Text/HTML><a></~annotation-xml><~a>",
      "13.2.6" },
    { "SVG in a MathML annotation", "<math><annotation-xml><svg><desc><a>",
      "<~math><~annotation-xml><~svg><~desc><a>", "13.2.6" },
    { "SVG left open", "<div><svg><a></div><a>", "<div><~svg><~a></div><a>",
      "13.2.6.5" },
    { "an end tag of nothing leaves SVG open", "<svg></div><a>", "<~svg></~div><~a>",
      "13.2.6.5" },
    { "empty SVG", "<svg/><a>", "<~svg/><a>", "13.2.6.4.7" },
};

static void put(struct buf *out, struct span s)
{
    assert_int_equal(buf_append(out, s), OK);
}

static void put_attr(struct buf *out, const struct token_attr *attr)
{
    put(out, SPAN(" "));
    put(out, attr->name);
    put(out, SPAN("="));
    assert_int_equal(entities_decode(attr->value, ENTITIES_ATTRIBUTE, out), OK);
}

static void put_token(struct buf *out, const struct token *tok)
{
    switch ((enum token_type)tok->type) {
    case TOKEN_TEXT:
        put(out, tok->mode == ENTITIES_TEXT ? SPAN_NONE : SPAN("["));
        assert_int_equal(entities_decode(tok->raw, (enum entities_mode)tok->mode, out),
                         OK);
        put(out, tok->mode == ENTITIES_TEXT ? SPAN_NONE : SPAN("]"));
        break;
    case TOKEN_START:
    case TOKEN_END:
        put(out, tok->type == TOKEN_END ? SPAN("</") : SPAN("<"));
        put(out, tok->is_foreign ? SPAN("~") : SPAN_NONE);
        put(out, tok->raw);
        for (size_t i = 0; i < tok->n_attrs; i++)
            put_attr(out, &tok->attrs[i]);
        put(out, tok->is_self_closing ? SPAN("/>") : SPAN(">"));
        break;
    case TOKEN_COMMENT:
        put(out, SPAN("{"));
        put(out, tok->raw);
        put(out, SPAN("}"));
        break;
    case TOKEN_DOCTYPE: put(out, SPAN("!")); break;
    case TOKEN_EOF: break;
    }
}

/* All tokens of in as text, in memory of out. */
static struct span describe(struct span in, bool is_xml, struct buf *out)
{
    struct tokenizer *t = mem_alloc(sizeof *t);
    const struct token *tok;

    buf_init(out, 1 << 20);
    tokenizer_init(t, in, is_xml, NULL);
    do {
        tok = tokenizer_next(t);
        put_token(out, tok);
    } while (tok->type != TOKEN_EOF);
    mem_free(t);
    return buf_span(out);
}

static void row_holds(void **state)
{
    const struct row *row = *state;
    struct buf out;

    struct span got = describe(span_str(row->in), false, &out);

    if (!span_eq(got, span_str(row->want)))
        fail_msg("%s: %.*s, want %s", row->source, SPAN_ARG(got), row->want);
    buf_clear(&out);
}

static void xhtml_closes_what_says_so(void **state)
{
    struct buf out;

    (void)state;
    struct span in = SPAN("<script src='a'/><title/><br/><a><![CDATA[<b>]]></a>");
    struct span got = describe(in, true, &out);
    assert_true(span_eq(got, SPAN("<script src=a/></script><title/></title><br/><a>[<b>]</a>")));
    buf_clear(&out);
}

static void nul_is_no_name_and_no_text(void **state)
{
    struct buf out;

    (void)state;
    struct span got = describe(span_make("x\0y<a\0 b=\0>", 11), false, &out);
    assert_true(span_eq(got, span_make("xy<a\0 b=\xEF\xBF\xBD>", 12)));
    buf_clear(&out);
}

static void the_first_of_equal_attributes_counts(void **state)
{
    struct tokenizer *t = mem_alloc(sizeof *t);

    (void)state;
    tokenizer_init(t, SPAN("<a HREF=1 href=2>"), false, NULL);
    const struct token *tok = tokenizer_next(t);
    const struct token_attr *href = tokenizer_attr(tok, SPAN("href"));
    assert_non_null(href);
    assert_true(span_eq(href->value, SPAN("1")));
    assert_null(tokenizer_attr(tok, SPAN("hre")));
    mem_free(t);
}

static void attributes_nobody_wants_are_read_over(void **state)
{
    bool wants[N_TAGS] = { [TAG_A] = true };
    struct tokenizer *t = mem_alloc(sizeof *t);

    (void)state;
    tokenizer_init(t, SPAN("<p b='>' c><a d>"), false, wants);
    const struct token *tok = tokenizer_next(t);
    assert_int_equal(tok->tag, TAG_P);
    assert_int_equal(tok->n_attrs, 0);
    tok = tokenizer_next(t);
    assert_int_equal(tok->tag, TAG_A);
    assert_int_equal(tok->n_attrs, 1);
    mem_free(t);
}

/* Tags that nobody wants are read over, but what they end and begin still is known. */
static void only_wanted_tags_are_told_of(void **state)
{
    static const struct row told[] = {
        { "", "<i x='>'>a<p></i>b</p><a b><i/>c</a>", "a<p>b</p><a b=>c</a>", "" },
        { "", "<i/><p/>a<i>b", "<p/></p>ab", "xml" },
        { "", "<svg><p>a</svg><title>b</title>", "<p>a[b]", "" },
        { "", "<svg><i><b><![CDATA[a]]>", "{[CDATA[a]]}", "" },
        { "", "<svg><path><p/>a", "<p/>a", "" },
        { "", "<title>a<p></title><i", "[a<p>]", "" },
        { "", "a<i b='", "a", "" },
    };
    const bool attrs[N_TAGS] = { [TAG_A] = true }, tags[N_TAGS] = { [TAG_P] = true };
    struct tokenizer *t = mem_alloc(sizeof *t);

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(told); i++) {
        const struct token *tok;
        struct buf out;

        buf_init(&out, 1 << 20);
        tokenizer_init(t, span_str(told[i].in), told[i].source[0] != 0, attrs);
        tokenizer_tell_only(t, tags);
        do {
            tok = tokenizer_next(t);
            put_token(&out, tok);
        } while (tok->type != TOKEN_EOF);
        if (!span_eq(buf_span(&out), span_str(told[i].want)))
            fail_msg("%s gives %.*s", told[i].in, SPAN_ARG(buf_span(&out)));
        buf_clear(&out);
    }
    mem_free(t);
}

static void a_tag_keeps_400_attributes(void **state)
{
    struct tokenizer *t = mem_alloc(sizeof *t);
    struct buf in;

    (void)state;
    buf_init(&in, 1 << 20);
    put(&in, SPAN("<a"));
    for (int i = 0; i < 1000; i++)
        assert_int_equal(buf_printf(&in, " x%d=y", i), OK);
    put(&in, SPAN(">z"));
    tokenizer_init(t, buf_span(&in), false, NULL);
    const struct token *tok = tokenizer_next(t);
    assert_int_equal(tok->n_attrs, TOKENIZER_MAX_ATTRS);
    tok = tokenizer_next(t);
    assert_true(span_eq(tok->raw, SPAN("z")));
    buf_clear(&in);
    mem_free(t);
}

/* Long texts and values take another path than short ones. */
static void length_makes_no_difference(void **state)
{
    char text[100];

    (void)state;
    memset(text, 'x', sizeof text);
    for (size_t n = 0; n < sizeof text; n++) {
        struct buf in, out;
        buf_init(&in, 1000);
        assert_int_equal(buf_printf(&in, "%.*s<a b=\"%.*s\">%.*s", (int)n, text, (int)n,
                                    text, (int)n, text),
                         OK);
        struct span got = describe(buf_span(&in), false, &out);
        assert_int_equal(got.len, 3 * n + 6);
        buf_clear(&in);
        buf_clear(&out);
    }
}

/* The tag that in begins with; *n_attrs: its attributes. */
static unsigned first_tag(struct tokenizer *t, struct span in, size_t *n_attrs)
{
    tokenizer_init(t, in, false, NULL);
    const struct token *tok = tokenizer_next(t);
    *n_attrs = tok->n_attrs;
    return tok->tag;
}

/* At the input's end names take another path than with a chunk's bytes behind them. */
static void what_follows_a_name_makes_no_difference(void **state)
{
    static const char odd[] = "\t\n\f\r\v /=<>?\"'-0AZ[_az{\x7f\x80\xff";
    struct tokenizer *t = mem_alloc(sizeof *t);

    (void)state;
    for (enum tag tag = 1; tag < N_TAGS; tag++) {
        char in[64];
        struct span name = tags_name(tag);
        int len = snprintf(in, sizeof in, "<%s %s>        ", name.ptr, name.ptr);

        for (size_t i = 0; i < 2 * name.len * sizeof odd; i++) {
            size_t at = 1 + i / sizeof odd + i / sizeof odd / name.len, n, n_alone;
            char was = in[at];

            in[at] = odd[i % sizeof odd];
            assert_int_equal(first_tag(t, span_make(in, (size_t)len), &n),
                             first_tag(t, span_make(in, (size_t)len - 8), &n_alone));
            assert_int_equal(n, n_alone);
            in[at] = was;
        }
    }
    mem_free(t);
}

static void every_known_tag_is_found(void **state)
{
    static const char *const names[] = {
#define X(id, name, flags) name,
        TAGS_TABLE(X)
#undef X
    };

    (void)state;
    for (size_t i = 1; i < N_TAGS; i++) {
        assert_int_equal(tags_find_name(span_str(names[i])), i);
        assert_true(span_eq(tags_name((enum tag)i), span_str(names[i])));
    }
    assert_int_equal(tags_find_name(SPAN("blockquotf")), TAG_OTHER);
    assert_int_equal(tags_find_name(SPAN("BlockQuote")), TAG_BLOCKQUOTE);
    assert_int_equal(tags_find_name(SPAN("")), TAG_OTHER);
    assert_int_equal(tags_find_name(SPAN("custom-element")), TAG_OTHER);
}

#define PLAIN_TESTS 9
static struct CMUnitTest tests[ARRAY_LEN(rows) + PLAIN_TESTS] = {
    cmocka_unit_test(xhtml_closes_what_says_so),
    cmocka_unit_test(nul_is_no_name_and_no_text),
    cmocka_unit_test(the_first_of_equal_attributes_counts),
    cmocka_unit_test(attributes_nobody_wants_are_read_over),
    cmocka_unit_test(only_wanted_tags_are_told_of),
    cmocka_unit_test(a_tag_keeps_400_attributes),
    cmocka_unit_test(length_makes_no_difference),
    cmocka_unit_test(what_follows_a_name_makes_no_difference),
    cmocka_unit_test(every_known_tag_is_found),
};

int main(void)
{
    for (size_t i = 0; i < ARRAY_LEN(rows); i++)
        tests[PLAIN_TESTS + i] =
            (struct CMUnitTest){ .name = rows[i].label,
                                 .test_func = row_holds,
                                 .initial_state = (void *)(uintptr_t)&rows[i] };
    return cmocka_run_group_tests_name("parse/tokenizer", tests, NULL, NULL);
}
