/* SPDX-License-Identifier: MIT */
/*
 * Hosts. The sources in the rows are algorithms of the WHATWG URL standard,
 * section 3, unless they name another text. Rows with a NULL result must fail.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "config/mem.h"
#include "parse/host.h"
#include "parse/host_ip.h"

#define ROOM ((size_t)64 * 1024)

struct host_row {
    const char *label, *in, *want, *source;
    bool is_opaque;
};

static const struct host_row host_rows[] = {
    /* Domains. */
    { "a plain name stays", "www.example.com", "www.example.com", "domain parser",
      false },
    { "upper case", "WWW.Example.COM", "www.example.com", "domain parser", false },
    { "a trailing dot stays", "example.com.", "example.com.", "domain parser", false },
    { "empty labels stay", "a..b", "a..b", "VerifyDnsLength=false", false },
    { "hyphens anywhere", "-a-.ab--c", "-a-.ab--c", "CheckHyphens=false", false },
    { "an underscore", "_dmarc.a_b", "_dmarc.a_b", "UseSTD3ASCIIRules=false", false },
    { "odd but permitted", "a!$&'()*+,;=\"`{}~", "a!$&'()*+,;=\"`{}~",
      "forbidden domain code point", false },
    { "an empty domain", "", NULL, "domain parser", false },
    { "a percent-encoded name", "%65x%61mple%2Ecom", "example.com", "host parser",
      false },
    { "percent-encoded UTF-8", "b%C3%BCcher.example", "xn--bcher-kva.example",
      "host parser", false },
    { "decoded only once", "%2541", NULL, "forbidden domain code point", false },
    { "a bare percent sign", "a%zz", NULL, "forbidden domain code point", false },
    { "a space", "a b", NULL, "forbidden domain code point", false },
    { "an encoded space", "a%20b", NULL, "forbidden domain code point", false },
    { "an encoded slash", "a%2fb", NULL, "forbidden domain code point", false },
    { "an encoded @", "a%40b", NULL, "forbidden domain code point", false },
    { "an encoded NUL", "a%00b", NULL, "forbidden domain code point", false },
    { "delete", "a\x7f", NULL, "forbidden domain code point", false },
    { "a control", "a\x01", NULL, "forbidden domain code point", false },
    { "a caret", "a^b", NULL, "forbidden host code point", false },
    { "a bar", "a|b", NULL, "forbidden host code point", false },
    { "a bracket inside", "a[b", NULL, "forbidden host code point", false },
    { "broken UTF-8", "a\xff", NULL, "UTF-8 decode without BOM", false },
    { "encoded broken UTF-8", "a%FF", NULL, "UTF-8 decode without BOM", false },
    { "an overlong dot", "a%C0%AEb", NULL, "UTF-8 decode without BOM", false },

    /* IDNA. */
    { "Unicode upper case", "B\303\234CHER", "xn--bcher-kva", "UTS #46 mapping",
      false },
    { "sharp s is kept", "fa\xc3\x9f.example", "xn--fa-hia.example",
      "Transitional_Processing=false", false },
    { "final sigma is kept", "\xcf\x82.example", "xn--3xa.example",
      "Transitional_Processing=false", false },
    { "full width", "\xef\xbc\xa7\xef\xbd\x8f.com", "go.com", "UTS #46 mapping",
      false },
    { "an ideographic full stop", "a\343\200\202com", "a.com", "UTS #46 mapping",
      false },
    { "a soft hyphen is ignored", "a\302\255b.com", "ab.com", "UTS #46 mapping",
      false },
    { "nothing but a soft hyphen", "\xc2\xad", NULL, "domain parser", false },
    { "symbols are permitted", "\xe2\x98\x83.net", "xn--n3h.net",
      "UTS #46, not IDNA2008", false },
    { "a full-width percent sign", "a\357\274\205b", NULL,
      "forbidden domain code point", false },
    { "a full-width slash", "a\357\274\217b", NULL, "forbidden domain code point",
      false },
    { "right to left after a digit", "0\xd7\x90.com", NULL, "CheckBidi=true", false },
    { "a stray joiner", "a\342\200\215b", NULL, "CheckJoiners=true", false },
    { "a replacement character", "\xef\xbf\xbd", NULL, "UTS #46 validity", false },
    { "ASCII with broken Punycode stays", "XN--A.com", "xn--a.com",
      "domain parser, ASCII string", false },
    { "broken Punycode beside Unicode", "xn--a.\xc3\xbc", NULL, "domain parser ToASCII",
      false },
    { "an ASCII label of 80 letters",
      "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa",
      "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa",
      "VerifyDnsLength=false", false },
    { "a long label beside Unicode",
      "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa.\xc3\xbc",
      "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa.xn--tda",
      "VerifyDnsLength=false", false },

    /* IPv4. */
    { "dotted decimal", "127.0.0.1", "127.0.0.1", "IPv4 parser", false },
    { "one number", "2130706433", "127.0.0.1", "IPv4 parser", false },
    { "two numbers", "127.1", "127.0.0.1", "IPv4 parser", false },
    { "three numbers", "127.0.257", "127.0.1.1", "IPv4 parser", false },
    { "octal", "0177.0.0.01", "127.0.0.1", "IPv4 number parser", false },
    { "hexadecimal", "0x7F.0X0.0.1", "127.0.0.1", "IPv4 number parser", false },
    { "an empty hexadecimal number is 0", "0x", "0.0.0.0", "IPv4 number parser",
      false },
    { "the largest", "4294967295", "255.255.255.255", "IPv4 parser", false },
    { "one more", "4294967296", NULL, "IPv4 parser", false },
    { "past 64 bits", "18446744073709551617", NULL, "IPv4 parser", false },
    { "a part over 255", "256.0.0.1", NULL, "IPv4 parser", false },
    { "the last part over its room", "1.2.3.256", NULL, "IPv4 parser", false },
    { "the last of three over its room", "1.2.65536", NULL, "IPv4 parser", false },
    { "five parts", "1.2.3.4.5", NULL, "IPv4 parser", false },
    { "a digit that is not octal", "08", NULL, "IPv4 number parser", false },
    { "a name that ends in a number", "example.1", NULL, "ends in a number checker",
      false },
    { "a name that ends in hexadecimal", "example.0xF", NULL,
      "ends in a number checker", false },
    { "a name that only begins so", "example.0xg", "example.0xg",
      "ends in a number checker", false },
    { "an empty part", "1..2", NULL, "IPv4 number parser", false },
    { "a trailing dot of an address goes", "127.0.0.1.", "127.0.0.1", "IPv4 parser",
      false },
    { "two trailing dots make a name", "127.0.0.1..", "127.0.0.1..",
      "ends in a number checker", false },
    { "a lone dot", ".", ".", "ends in a number checker", false },
    { "full-width digits", "\xef\xbc\x91.2.3.4", "1.2.3.4", "host parser", false },
    { "circled digits", "\xe2\x91\xa0.2.3.4", "1.2.3.4", "host parser", false },
    { "encoded digits", "%30%78%37%66.1", "127.0.0.1", "host parser", false },

    /* IPv6. */
    { "the loopback", "[0:0:0:0:0:0:0:1]", "[::1]", "IPv6 serializer", false },
    { "all zeros", "[::]", "[::]", "IPv6 serializer", false },
    { "zeros at the end", "[1::]", "[1::]", "IPv6 serializer", false },
    { "lower case and leading zeros", "[2001:0DB8::00aB]", "[2001:db8::ab]",
      "RFC 5952 §4", false },
    { "the first of two equal gaps", "[1:0:0:2:0:0:3:4]", "[1::2:0:0:3:4]",
      "RFC 5952 §4.2.3", false },
    { "the longer gap", "[1:0:0:2:0:0:0:3]", "[1:0:0:2::3]", "RFC 5952 §4.2.3", false },
    { "one zero is no gap", "[1:0:2:3:4:5:6:7]", "[1:0:2:3:4:5:6:7]", "RFC 5952 §4.2.2",
      false },
    { "a gap for one piece", "[1::3:4:5:6:7:8]", "[1:0:3:4:5:6:7:8]", "IPv6 parser",
      false },
    { "a gap for nothing", "[1:2:3:4:5:6:7::]", "[1:2:3:4:5:6:7:0]", "IPv6 parser",
      false },
    { "an embedded IPv4", "[::ffff:192.0.2.1]", "[::ffff:c000:201]", "IPv6 parser",
      false },
    { "eight pieces and a gap", "[1:2:3:4:5:6:7:8::]", NULL, "IPv6 parser", false },
    { "nine pieces", "[1:2:3:4:5:6:7:8:9]", NULL, "IPv6 parser", false },
    { "too few pieces", "[1:2:3]", NULL, "IPv6 parser", false },
    { "two gaps", "[1::2::3]", NULL, "IPv6 parser", false },
    { "three colons", "[:::1]", NULL, "IPv6 parser", false },
    { "a colon at the start", "[:1:2:3:4:5:6:7:8]", NULL, "IPv6 parser", false },
    { "a colon at the end", "[1:2:3:4:5:6:7:]", NULL, "IPv6 parser", false },
    { "five digits", "[12345::]", NULL, "IPv6 parser", false },
    { "no hexadecimal", "[g::]", NULL, "IPv6 parser", false },
    { "a zone", "[fe80::1%25eth0]", NULL, "IPv6 parser", false },
    { "no piece", "[]", NULL, "IPv6 parser", false },
    { "not closed", "[::1", NULL, "host parser", false },
    { "an encoded bracket", "[::1%5D", NULL, "host parser", false },
    { "an opening bracket only", "[", NULL, "host parser", false },
    { "embedded IPv4: leading zero", "[::127.0.0.01]", NULL, "IPv6 parser", false },
    { "embedded IPv4: over 255", "[::127.0.0.256]", NULL, "IPv6 parser", false },
    { "embedded IPv4: three parts", "[::127.0.0]", NULL, "IPv6 parser", false },
    { "embedded IPv4: five parts", "[::127.0.0.1.2]", NULL, "IPv6 parser", false },
    { "embedded IPv4: an empty part", "[::127..0.1]", NULL, "IPv6 parser", false },
    { "embedded IPv4: no first part", "[::.0.0.1]", NULL, "IPv6 parser", false },
    { "embedded IPv4: too far back", "[1:2:3:4:5:6:7:1.2.3.4]", NULL, "IPv6 parser",
      false },
    { "embedded IPv4: a digit of the other kind behind", "[::1.2.3.4a]", NULL,
      "IPv6 parser", false },
    { "embedded IPv4: not the last", "[::1.2.3.4:5]", NULL, "IPv6 parser", false },

    /* Opaque hosts. */
    { "opaque: as it stands", "EXAMPLE%2Ecom", "EXAMPLE%2Ecom", "opaque-host parser",
      true },
    { "opaque: no IPv4", "0x7f.1", "0x7f.1", "opaque-host parser", true },
    { "opaque: IPv6", "[0::1]", "[::1]", "host parser", true },
    { "opaque: non-ASCII", "fa\xc3\x9f", "fa%C3%9F", "opaque-host parser", true },
    { "opaque: broken UTF-8", "a\xff", "a%EF%BF%BD", "opaque-host parser", true },
    { "opaque: a control", "a\x01", "a%01", "opaque-host parser", true },
    { "opaque: a space", "a b", NULL, "opaque-host parser", true },
    { "opaque: a bar", "a|b", NULL, "opaque-host parser", true },
    { "opaque: empty", "", "", "opaque-host parser", true },
};

static void assert_span(struct span got, const char *want)
{
    if (!span_eq(got, span_str(want)))
        fail_msg("got \"%.*s\", want \"%s\"", SPAN_ARG(got), want);
}

static void host_row_holds(void **state)
{
    const struct host_row *row = *state;
    struct span host, again;
    struct arena mem;
    enum err e;

    arena_init(&mem, ROOM);

    e = host_parse(span_str(row->in), row->is_opaque, &mem, &host);

    assert_int_equal(e, row->want ? OK : ERR_INVALID);
    if (row->want) {
        assert_span(host, row->want);
        assert_int_equal(host_parse(host, row->is_opaque, &mem, &again), OK);
        assert_span(again, row->want);
    }
    arena_clear(&mem);
}

struct suffix_row {
    const char *label, *in, *want;
};

/* Suffixes that do not change: rules of each kind of the public suffix list's format. */
static const struct suffix_row suffix_rows[] = {
    { "a label below com", "www.example.com", "example.com" },
    { "the domain itself", "example.com", "example.com" },
    { "two-label suffix", "www.bbc.co.uk", "bbc.co.uk" },
    { "a suffix has none", "co.uk", NULL },
    { "a top-level domain has none", "com", NULL },
    { "a wildcard rule", "a.b.c.ck", "b.c.ck" },
    { "an exception to it", "a.www.ck", "www.ck" },
    { "an unlisted top-level domain", "a.b.internal-zone", "b.internal-zone" },
    { "a single unlisted label", "localhost", NULL },
    { "a private suffix", "a.b.github.io", "b.github.io" },
    { "a trailing dot", "www.example.com.", "example.com" },
    { "only a dot", ".", NULL },
    { "an empty host", "", NULL },
    { "an empty first label", ".example.com", NULL },
    { "an empty label in the middle", "a..com", NULL },
    { "Punycode", "www.xn--85x722f.xn--55qx5d.cn", "xn--85x722f.xn--55qx5d.cn" },
    { "IPv4", "127.0.0.1", NULL },
    { "IPv6", "[2001:db8::1]", NULL },
};

static void suffix_row_holds(void **state)
{
    const struct suffix_row *row = *state;
    struct span host = span_str(row->in);
    struct span got = host_registrable(host);

    if (!row->want) {
        assert_null(got.ptr);
        assert_int_equal(got.len, 0);
        return;
    }
    assert_span(got, row->want);
    assert_true(got.ptr >= host.ptr && got.ptr + got.len <= host.ptr + host.len);
}

static void a_name_longer_than_dns_allows_has_no_domain(void **state)
{
    char name[254 + 4];

    (void)state;
    memset(name, 'a', sizeof name);
    for (size_t i = 50; i < 254; i += 50)
        name[i] = '.';
    memcpy(name + 249, ".com", 4);

    assert_span(host_registrable(span_make(name + 1, 252)),
                "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa.com");
    assert_null(host_registrable(span_make(name, 254)).ptr);
}

static void text_is_parsed_before_its_domain_is_sought(void **state)
{
    static const struct {
        const char *in, *want;
    } rows[] = {
        { "WWW.Example.COM", "example.com" },
        { "www.b%C3%BCcher.example", "xn--bcher-kva.example" },
        { "www.B\303\234CHER.example", "b\303\274cher.example" },
        { "www.\xe9\xa3\x9f\xe7\x8b\xae.\xe5\x85\xac\xe5\x8f\xb8.cn",
          "\xe9\xa3\x9f\xe7\x8b\xae.\xe5\x85\xac\xe5\x8f\xb8.cn" },
        { "com", "" },
        { "0x7f.1", "" },
    };
    struct arena mem;
    struct span got;

    (void)state;
    arena_init(&mem, ROOM);
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        assert_int_equal(host_registrable_of_text(span_str(rows[i].in), &mem, &got),
                         OK);
        assert_span(got, rows[i].want);
    }
    assert_int_equal(host_registrable_of_text(SPAN("a b"), &mem, &got), ERR_INVALID);
    assert_int_equal(host_registrable_of_text(SPAN_NONE, &mem, &got), ERR_INVALID);
    arena_clear(&mem);
}

static void a_literal_is_given_in_network_order(void **state)
{
    static const unsigned char ip6[16] = { 0x20, 0x01, 0x0d, 0xb8, [15] = 1 };
    static const unsigned char ip4[4] = { 192, 0, 2, 1 };
    unsigned char out[16];

    (void)state;
    assert_int_equal(host_literal(SPAN("192.0.2.1"), out), 4);
    assert_memory_equal(out, ip4, 4);
    assert_int_equal(host_literal(SPAN("[2001:db8::1]"), out), 16);
    assert_memory_equal(out, ip6, 16);
}

static void an_opaque_host_cannot_hide_an_address(void **state)
{
    static const unsigned char loopback[4] = { 127, 0, 0, 1 };
    unsigned char out[16];

    (void)state;
    assert_int_equal(host_literal(SPAN("0x7f.1"), out), 4);
    assert_memory_equal(out, loopback, 4);
}

static void a_name_is_no_literal(void **state)
{
    static const char *const rows[] = {
        "example.com", "",   ".", "1.2.3.4.5", "a.1.example", "[::1",
        "::1",         "[]", "[", "[1.2.3.4]", "1.2.3.4.."
    };
    unsigned char out[16];

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(rows); i++)
        assert_int_equal(host_literal(span_str(rows[i]), out), 0);
}

static void addresses_survive_the_way_through_text(void **state)
{
    (void)state;
    for (unsigned mask = 0; mask < 256; mask++) {
        uint16_t pieces[8], got[8];
        char room[HOST_IP_TEXT];
        struct span text;

        for (unsigned i = 0; i < 8; i++)
            pieces[i] = (uint16_t)(mask >> i & 1 ? 0xfff0 + i : 0);
        text = host_ip_format6(pieces, room);
        assert_true(host_ip_parse6(span_slice(text, 1, text.len - 1), got));
        assert_memory_equal(got, pieces, sizeof got);
    }
}

static void a_nul_byte_is_no_end(void **state)
{
    struct arena mem;
    struct span host;

    (void)state;
    arena_init(&mem, ROOM);
    assert_int_equal(host_parse(SPAN("a\0b"), false, &mem, &host), ERR_INVALID);
    assert_int_equal(host_parse(SPAN("[::1\0]"), false, &mem, &host), ERR_INVALID);
    assert_int_equal(host_parse(SPAN("[::1.2.3.4\0]"), false, &mem, &host),
                     ERR_INVALID);
    assert_int_equal(host_parse(SPAN("\xc3\xbc\0b"), false, &mem, &host), ERR_INVALID);
    assert_int_equal(host_parse(SPAN("a\0b"), true, &mem, &host), ERR_INVALID);
    arena_clear(&mem);
}

static void a_long_unicode_host_is_too_large(void **state)
{
    char name[HOST_MAX_UNICODE_BYTES + 2];
    struct arena mem;
    struct span host;

    (void)state;
    arena_init(&mem, ROOM);
    for (size_t i = 0; i < sizeof name; i += 2)
        memcpy(name + i, i % 100 == 98 ? "a." : "\xc3\xbc", 2);

    assert_int_equal(
        host_parse(span_make(name, HOST_MAX_UNICODE_BYTES), false, &mem, &host), OK);
    assert_int_equal(host_parse(span_make(name, sizeof name), false, &mem, &host),
                     ERR_INVALID);

    for (size_t i = 0; i < sizeof name; i += 2)
        memcpy(name + i, "\xc3\xbc", 2);
    assert_int_equal(
        host_parse(span_make(name, HOST_MAX_UNICODE_BYTES), false, &mem, &host),
        ERR_INVALID);

    memset(name, 'a', sizeof name);
    assert_int_equal(host_parse(span_make(name, sizeof name), false, &mem, &host), OK);
    arena_clear(&mem);
}

static void a_small_arena_is_too_large(void **state)
{
    static const char *const rows[] = { "example.com", "b\303\274cher.example",
                                        "%65xample.com", "[1:2:3:4:5:6:7:8]",
                                        "123.123.123.123" };

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(rows); i++)
        for (size_t room = 0; room < 11; room++) {
            struct span host = SPAN("untouched");
            struct arena mem;

            arena_init(&mem, room);
            assert_int_equal(host_parse(span_str(rows[i]), false, &mem, &host),
                             ERR_TOO_LARGE);
            assert_span(host, "untouched");
            arena_clear(&mem);
        }
}

static void running_out_of_memory_is_an_error(void **state)
{
    enum err e = ERR_NO_MEMORY;
    int64_t nth = 0;

    (void)state;
    while (e && nth < 50) {
        struct arena mem;
        struct span got;

        arena_init(&mem, ROOM);
        mem_fail_after(++nth);
        e = host_registrable_of_text(SPAN("%77ww.b\303\274cher.example"), &mem, &got);
        mem_fail_after(0);
        if (e)
            assert_true(e == ERR_NO_MEMORY || e == ERR_TOO_LARGE);
        arena_clear(&mem);
    }
    assert_int_equal(e, OK);
    assert_true(nth > 3);
}

#define PLAIN_TESTS 10

static struct CMUnitTest
    tests[ARRAY_LEN(host_rows) + ARRAY_LEN(suffix_rows) + PLAIN_TESTS] = {
        cmocka_unit_test(a_name_longer_than_dns_allows_has_no_domain),
        cmocka_unit_test(text_is_parsed_before_its_domain_is_sought),
        cmocka_unit_test(a_literal_is_given_in_network_order),
        cmocka_unit_test(an_opaque_host_cannot_hide_an_address),
        cmocka_unit_test(a_name_is_no_literal),
        cmocka_unit_test(addresses_survive_the_way_through_text),
        cmocka_unit_test(a_nul_byte_is_no_end),
        cmocka_unit_test(a_long_unicode_host_is_too_large),
        cmocka_unit_test(a_small_arena_is_too_large),
        cmocka_unit_test(running_out_of_memory_is_an_error),
    };

int main(void)
{
    size_t n = 0;

    while (tests[n].name)
        n++;
    for (size_t i = 0; i < ARRAY_LEN(host_rows); i++)
        tests[n++] =
            (struct CMUnitTest){ .name = host_rows[i].label,
                                 .test_func = host_row_holds,
                                 .initial_state = (void *)(uintptr_t)&host_rows[i] };
    for (size_t i = 0; i < ARRAY_LEN(suffix_rows); i++)
        tests[n++] =
            (struct CMUnitTest){ .name = suffix_rows[i].label,
                                 .test_func = suffix_row_holds,
                                 .initial_state = (void *)(uintptr_t)&suffix_rows[i] };
    return cmocka_run_group_tests_name("parse/host", tests, NULL, NULL);
}
