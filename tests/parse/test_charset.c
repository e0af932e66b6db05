/* SPDX-License-Identifier: MIT */
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>

#include <cmocka.h>

#include "parse/charset.h"
#include "parse/prescan.h"

#define S(text)                \
    {                          \
        text, sizeof(text) - 1 \
    }
#define NO_HEADER \
    {             \
        NULL, 0   \
    }

struct sniff_row {
    const char *label;
    struct span header, body;
    const char *name, *source;
    const char *section; /* HTML standard unless it says otherwise */
};

static struct sniff_row sniffs[] = {
    { "nothing said, ASCII", NO_HEADER, S("<p>plain"), "windows-1252", "default",
      "13.2.3.2" },
    { "nothing at all", NO_HEADER, S(""), "windows-1252", "default", "13.2.3.2" },
    { "a mark beats the header", S("text/html; charset=gbk"), S("\xEF\xBB\xBFx"),
      "utf-8", "bom", "13.2.3.2" },
    { "a mark of UTF-16", S("text/html; charset=utf-8"), S("\xFF\xFE<\0"), "utf-16le",
      "bom", "13.2.3.2" },
    { "the other mark of UTF-16", NO_HEADER, S("\xFE\xFF\0<"), "utf-16be", "bom",
      "13.2.3.2" },
    { "the header beats the meta", S("text/html; charset=koi8-r"),
      S("<meta charset=utf-8>"), "koi8-r", "transport", "13.2.3.2" },
    { "the header in quotes and capitals",
      S("TEXT/HTML ; foo=\"a;charset=x\"; CHARSET=\"Shift_JIS\""), S(""), "shift_jis",
      "transport", "MIME sniffing 4.4" },
    { "a quote within quotes", S("text/html; foo=\"a\\\";charset=x\"; charset=gbk"), S(""), "gbk", "transport",
      "MIME sniffing 4.4" },
    { "an unknown label in the header", S("text/html; charset=utf8mb4"),
      S("<meta charset=big5>"), "big5", "meta", "13.2.3.2" },
    { "utf-7 is not an encoding", S("text/html; charset=utf-7"), S("+ADw-"),
      "windows-1252", "default", "Encoding 4.2" },
    { "the first charset parameter counts", S("text/html; charset=gbk; charset=utf-8"),
      S(""), "gbk", "transport", "MIME sniffing 4.4" },
    { "a parameter with a space before its '=' is another one",
      S("text/html; charset =gbk"), S("<meta charset=big5>"), "big5", "meta",
      "MIME sniffing 4.4" },
    { "the last of two headers counts",
      S("text/plain; charset=gbk, text/html; charset=utf-8"), S(""), "utf-8",
      "transport", "Fetch 3.3" },
    { "the same type again keeps the charset", S("text/html; charset=gbk, text/html"),
      S(""), "gbk", "transport", "Fetch 3.3" },
    { "another type drops it", S("text/html; charset=gbk, text/plain"), S(""),
      "windows-1252", "default", "Fetch 3.3" },
    { "a header without a type", S("charset=euc-kr"), S(""), "euc-kr", "transport",
      "leniency" },
    { "meta charset", NO_HEADER, S("<!doctype html><meta charset=\"ISO-8859-1\">"),
      "windows-1252", "meta", "prescan" },
    { "meta http-equiv", NO_HEADER,
      S("<meta content='text/html; charset = \"euc-jp\"' http-equiv=Content-Type>"),
      "euc-jp", "meta", "prescan" },
    { "content without its pragma says nothing", NO_HEADER,
      S("<meta content='text/html; charset=euc-jp'>"), "windows-1252", "default",
      "prescan" },
    { "the pragma must be exact", NO_HEADER,
      S("<meta http-equiv='Content-Type ' content='text/html; charset=euc-jp'>"),
      "windows-1252", "default", "prescan" },
    { "of two content attributes the first", NO_HEADER,
      S("<meta http-equiv=content-type content=charset=koi8-r content=charset=gbk>"),
      "koi8-r", "meta", "prescan" },
    { "a repeated attribute does not count, whatever the first said", NO_HEADER,
      S("<meta http-equiv=content-type content=text/html content=charset=gbk>"),
      "windows-1252", "default", "prescan" },
    { "a charset attribute needs no pragma", NO_HEADER,
      S("<meta content='charset=gbk' charset=koi8-r>"), "koi8-r", "meta", "prescan" },
    { "a failed charset attribute stays failed", NO_HEADER,
      S("<meta charset=bogus http-equiv=content-type content=charset=gbk>"),
      "windows-1252", "default", "prescan" },
    { "an unknown label, then another meta", NO_HEADER,
      S("<meta charset=bogus><meta charset=gbk>"), "gbk", "meta", "prescan" },
    { "gb2312 means gbk", NO_HEADER, S("<META CHARSET=gb2312>"), "gbk", "meta",
      "Encoding 4.2" },
    { "utf-16 in a meta is utf-8", NO_HEADER, S("<meta charset=utf-16>"), "utf-8",
      "meta", "prescan" },
    { "x-user-defined in a meta", NO_HEADER, S("<meta charset=x-user-defined>"),
      "windows-1252", "meta", "prescan" },
    { "not in a comment", NO_HEADER,
      S("<!-- <meta charset=gbk> --><meta charset=big5>"), "big5", "meta", "prescan" },
    { "a comment goes on behind a tag's end", NO_HEADER,
      S("<!-- a->b <meta charset=gbk> --><meta charset=big5>"), "big5", "meta", "prescan" },
    { "the shortest comment", NO_HEADER, S("<!--><meta charset=big5>"), "big5", "meta",
      "prescan" },
    { "not in an attribute", NO_HEADER,
      S("<p title='<meta charset=gbk>'><meta charset=big5>"), "big5", "meta",
      "prescan" },
    { "in a script all the same", NO_HEADER, S("<script>'<meta charset=gbk>'</script>"),
      "gbk", "meta", "prescan" },
    { "another element", NO_HEADER, S("<metacharset=gbk><meta/charset=big5>"), "big5",
      "meta", "prescan" },
    { "a bogus comment", NO_HEADER, S("<?php echo '<meta charset=gbk'?>>"),
      "windows-1252", "default", "prescan" },
    { "an end tag without a name ends at the first '>'", NO_HEADER, S("</1 a='><meta charset=gbk>'>"), "gbk", "meta",
      "prescan" },
    { "a tag cut by the end", NO_HEADER, S("<meta charset=gbk"), "windows-1252",
      "default", "prescan" },
    { "an unclosed quote", NO_HEADER, S("<meta charset='gbk><p>'"), "windows-1252",
      "default", "prescan" },
    { "an XML declaration", NO_HEADER,
      S("<?xml version='1.0' encoding = \"koi8-r\"?><a/>"), "koi8-r", "xml",
      "get an XML encoding" },
    { "a meta beats an XML declaration", NO_HEADER,
      S("<?xml version='1.0' encoding='koi8-r'?><meta charset=gbk>"), "gbk", "meta",
      "prescan" },
    { "an XML declaration with a space in it", NO_HEADER,
      S("<?xml encoding='koi8 r'?>"), "windows-1252", "default",
      "get an XML encoding" },
    { "an XML declaration with a space behind its label", NO_HEADER, S("<?xml encoding='koi8-r '?>"),
      "windows-1252", "default", "get an XML encoding" },
    { "an XML declaration without quotes", NO_HEADER, S("<?xml encoding=koi8-r?>"), "windows-1252", "default",
      "get an XML encoding" },
    { "an XML declaration whose quote is open", NO_HEADER, S("<?xml encoding='koi8-r?>'"), "windows-1252", "default",
      "get an XML encoding" },
    { "an XML declaration in UTF-16", NO_HEADER, S("<\0?\0x\0m\0l\0 \0"), "utf-16le",
      "xml", "prescan" },
    { "an XML declaration in the other UTF-16", NO_HEADER, S("\0<\0?\0x\0m\0l"),
      "utf-16be", "xml", "prescan" },
    { "XML ignores a meta", S("application/xml"), S("<a><meta charset='gbk'/></a>"),
      "utf-8", "default", "XML 4.3.3" },
    { "XML by its suffix ignores a meta", S("application/atom+xml"), S("<a><meta charset='gbk'/></a>"), "utf-8",
      "default", "XML 4.3.3" },
    { "XML says it itself", S("application/rss+xml"), S("<?xml encoding='gbk'?>"),
      "gbk", "xml", "XML 4.3.3" },
    { "XML that is no UTF-8 may have a meta", S("application/xhtml+xml"),
      S("<html><meta charset='gbk'/>\xC4\xE3</html>"), "gbk", "meta", "leniency" },
    { "UTF-8 by its bytes", NO_HEADER, S("<p>\xC3\xA9t\xC3\xA9"), "utf-8", "heuristic",
      "13.2.3.2" },
    { "XML in UTF-8 by its bytes", S("text/xml"), S("<a>\xC3\xA9</a>"), "utf-8",
      "heuristic", "XML 4.3.3" },
};

static void sniffs_as_the_standard_does(void **state)
{
    const struct sniff_row *r = *state;
    struct charset_choice got;

    charset_sniff(r->body, r->header, &got);

    assert_string_equal(got.name, r->name);
    assert_string_equal(got.source, r->source);
}

/* Every cut of every body: sanitizers watch. */
static void any_prefix_is_sniffed(void **state)
{
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(sniffs); i++)
        for (size_t n = 0; n <= sniffs[i].body.len; n++) {
            char *copy = malloc(n + 1);
            struct charset_choice got = { 0 };

            memcpy(copy, sniffs[i].body.ptr, n);
            charset_sniff(span_make(copy, n), SPAN_NONE, &got);
            assert_non_null(got.name);
            free(copy);
        }
}

static void assert_late(const char *before, const char *meta, const char *name)
{
    static char body[5000];
    struct charset_choice got;
    size_t n = (size_t)snprintf(body, sizeof(body), "<html><!-- %01500d -->%s%s", 0,
                                before, meta);

    charset_sniff(span_make(body, n), SPAN_NONE, &got);

    assert_string_equal(got.name, name);
}

/* HTML standard, "change the encoding": a parser that meets the element obeys it. */
static void a_late_meta_counts_where_a_parser_sees_one(void **state)
{
    static const char gbk[] = "<meta charset=gbk>";

    (void)state;
    assert_late("", gbk, "gbk");
    assert_late("<body><p>text</p>", gbk, "gbk");
    assert_late("<script>1</script>", gbk, "gbk");
    assert_late("<script>", gbk, "windows-1252");
    assert_late("<title>", "<meta charset=gbk></title><meta charset=big5>", "big5");
    assert_late("<textarea></texta", "<meta charset=gbk></textarea >", "windows-1252");
    assert_late("<style>", "</style/><meta charset=gbk>", "gbk");
    assert_late("<plaintext>", gbk, "windows-1252");
    assert_late("<!--", gbk, "windows-1252");
    assert_late("<a href='", gbk, "windows-1252");
}

/* The tag must lie within the first 1024 bytes for the first look. */
static void the_first_look_ends_at_1024_bytes(void **state)
{
    char body[1100];

    (void)state;
    memset(body, ' ', sizeof(body));
    memcpy(body + 1006, "<meta charset=gbk>", 18);
    assert_string_equal(prescan_meta(span_make(body, PRESCAN_BYTES)), "gbk");
    memmove(body + 1007, body + 1006, 18);
    body[1006] = ' ';
    assert_null(prescan_meta(span_make(body, PRESCAN_BYTES)));
}

static const struct {
    const char *label, *name;
} labels[] = {
    { "utf-8", "utf-8" },
    { "UTF8", "utf-8" },
    { " unicode-1-1-utf-8\n", "utf-8" },
    { "ascii", "windows-1252" },
    { "l1", "windows-1252" },
    { "latin5", "windows-1254" },
    { "iso-8859-11", "windows-874" },
    { "tis-620", "windows-874" },
    { "gb2312", "gbk" },
    { "chinese", "gbk" },
    { "gb18030", "gb18030" },
    { "big5-hkscs", "big5" },
    { "x-sjis", "shift_jis" },
    { "windows-31j", "shift_jis" },
    { "ks_c_5601-1987", "euc-kr" },
    { "utf-16", "utf-16le" },
    { "ucs-2", "utf-16le" },
    { "unicodefffe", "utf-16be" },
    { "hz-gb-2312", "replacement" },
    { "iso-2022-kr", "replacement" },
    { "replacement", "replacement" },
    { "logical", "iso-8859-8-i" },
    { "visual", "iso-8859-8" },
    { "x-user-defined", "x-user-defined" },
    { "koi8-ru", "koi8-u" },
    { "dos-874", "windows-874" },
    { "x-x-big5", "big5" },
    { "866", "ibm866" },
};

static void labels_name_encodings(void **state)
{
    static const char *const unknown[] = {
        "",      " ",       "utf-7",           "utf 8",       "utf-8;",       "utf-32",
        "cp437", "utf8mb4", "x-user-definedd", "iso-8859-12", "\xC2\xA0utf-8"
    };

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(labels); i++)
        assert_string_equal(charset_from_label(span_str(labels[i].label)),
                            labels[i].name);
    for (size_t i = 0; i < ARRAY_LEN(unknown); i++)
        assert_null(charset_from_label(span_str(unknown[i])));
}

/* Whatever a label names can be decoded and encoded. */
static void every_name_has_a_codec(void **state)
{
    struct buf out;

    (void)state;
    buf_init(&out, 1000);
    for (size_t i = 0; i < ARRAY_LEN(labels); i++) {
        assert_int_equal(charset_to_utf8(SPAN("a"), labels[i].name, &out), OK);
        assert_int_equal(charset_encode_query(labels[i].name, SPAN("a"), &out), OK);
    }
    assert_int_equal(charset_to_utf8(SPAN("a"), "klingon", &out), ERR_INVALID);
    assert_int_equal(charset_encode_query("klingon", SPAN("a"), &out), ERR_INVALID);
    buf_clear(&out);
}

static void what_is_utf8_already_is_not_copied(void **state)
{
    static const char text[] = "\xEF\xBB\xBF"
                               "caf\xC3\xA9";
    struct buf scratch;
    struct span out;

    (void)state;
    buf_init(&scratch, 1000);
    assert_int_equal(
        charset_decode(span_make(text, sizeof(text) - 1), "utf-8", &scratch, &out), OK);
    assert_ptr_equal(out.ptr, text + 3);
    assert_int_equal(out.len, 5);
    assert_int_equal(
        charset_decode(span_make(text + 3, 3), "shift_jis", &scratch, &out), OK);
    assert_ptr_equal(out.ptr, text + 3);
    assert_null(scratch.ptr);
    buf_clear(&scratch);
}

static struct {
    const char *label, *name;
    struct span in, want;
} bodies[] = {
    { "a mark overrules the name", "windows-1252", S("\xEF\xBB\xBF\xC3\xA9"),
      S("\xC3\xA9") },
    { "the mark of UTF-16 goes", "utf-16le",
      S("\xFF\xFE"
        "a\0b\0"),
      S("ab") },
    { "a second mark stays", "utf-8", S("\xEF\xBB\xBF\xEF\xBB\xBFx"),
      S("\xEF\xBB\xBFx") },
    { "the rest is not lost at a bad byte", "utf-8", S("a\xFF<a href=x>"),
      S("a\xEF\xBF\xBD<a href=x>") },
    { "NUL is kept", "windows-1251", S("\xCF\0\xEF"), S("\xD0\x9F\0\xD0\xBF") },
    { "an empty body", "gbk", S(""), S("") },
};

static void bodies_are_decoded(void **state)
{
    struct buf scratch;
    struct span out;

    (void)state;
    buf_init(&scratch, 1000);
    for (size_t i = 0; i < ARRAY_LEN(bodies); i++) {
        assert_int_equal(charset_decode(bodies[i].in, bodies[i].name, &scratch, &out),
                         OK);
        if (!span_eq(out, bodies[i].want))
            print_error("row: %s\n", bodies[i].label);
        assert_true(span_eq(out, bodies[i].want));
    }
    buf_clear(&scratch);
}

static void queries_are_encoded(void **state)
{
    struct buf out;

    (void)state;
    buf_init(&out, 100);
    assert_int_equal(
        charset_encode_query("windows-1251", SPAN("q=\xD0\xB6&x=\xE6\x97\xA5"), &out),
        OK);
    assert_true(span_eq(buf_span(&out), SPAN("q=\xE6&x=%26%2326085%3B")));
    buf_clear(&out);
}

int main(void)
{
    static const struct CMUnitTest single[] = {
        cmocka_unit_test(any_prefix_is_sniffed),
        cmocka_unit_test(a_late_meta_counts_where_a_parser_sees_one),
        cmocka_unit_test(the_first_look_ends_at_1024_bytes),
        cmocka_unit_test(labels_name_encodings),
        cmocka_unit_test(every_name_has_a_codec),
        cmocka_unit_test(what_is_utf8_already_is_not_copied),
        cmocka_unit_test(bodies_are_decoded),
        cmocka_unit_test(queries_are_encoded),
    };
    struct CMUnitTest tests[ARRAY_LEN(single) + ARRAY_LEN(sniffs)];

    memcpy(tests, single, sizeof(single));
    for (size_t i = 0; i < ARRAY_LEN(sniffs); i++)
        tests[ARRAY_LEN(single) + i] =
            (struct CMUnitTest){ .name = sniffs[i].label,
                                 .test_func = sniffs_as_the_standard_does,
                                 .initial_state = &sniffs[i] };
    return cmocka_run_group_tests_name("parse/charset", tests, NULL, NULL);
}
