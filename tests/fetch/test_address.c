/* SPDX-License-Identifier: MIT */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "fetch/address.h"

struct row {
    const char *label;
    const char *address;
    const char *want;    /* the refusal, or NULL */
    const char *allowed; /* one --allow-net, or NULL */
};

/* Promise P7. Ranges after the IANA special-purpose registries (RFC 6890). */
static const struct row ROWS[] = {
    { "a public IPv4 address may be dialled", "93.184.216.34", NULL, NULL },
    { "a public IPv6 address may be dialled", "2606:4700::1111", NULL, NULL },
    { "the last address before 10/8 is public", "9.255.255.255", NULL, NULL },
    { "the first address after 10/8 is public", "11.0.0.0", NULL, NULL },
    { "172.15.255.255 is public", "172.15.255.255", NULL, NULL },
    { "172.32.0.0 is public", "172.32.0.0", NULL, NULL },
    { "100.63.255.255 is public", "100.63.255.255", NULL, NULL },
    { "100.128.0.0 is public", "100.128.0.0", NULL, NULL },
    { "223.255.255.255 is public", "223.255.255.255", NULL, NULL },
    { "0.0.0.0 is refused", "0.0.0.0", "unspecified address", NULL },
    { "0/8 is refused", "0.1.2.3", "unspecified address", NULL },
    { "10/8 is refused", "10.255.0.1", "private address", NULL },
    { "carrier-grade NAT is refused", "100.127.255.255", "carrier-grade NAT address",
      NULL },
    { "loopback is refused", "127.0.0.1", "loopback address", NULL },
    { "all of 127/8 is loopback", "127.255.255.254", "loopback address", NULL },
    { "cloud metadata is refused", "169.254.169.254", "metadata address", NULL },
    { "the public metadata address is refused", "168.63.129.16", "metadata address",
      NULL },
    { "link-local is refused", "169.254.0.1", "link-local address", NULL },
    { "172.16/12 begins", "172.16.0.0", "private address", NULL },
    { "172.16/12 ends", "172.31.255.255", "private address", NULL },
    { "192.168/16 is refused", "192.168.1.1", "private address", NULL },
    { "192.0.0/24 is refused", "192.0.0.192", "reserved address", NULL },
    { "benchmarking is refused", "198.19.255.255", "benchmarking address", NULL },
    { "documentation is refused", "203.0.113.7", "documentation address", NULL },
    { "multicast is refused", "224.0.0.1", "multicast address", NULL },
    { "reserved is refused", "240.0.0.1", "reserved address", NULL },
    { "broadcast is refused", "255.255.255.255", "reserved address", NULL },
    { ":: is refused", "::", "unspecified address", NULL },
    { "::1 is refused", "::1", "loopback address", NULL },
    { "unique local is refused", "fd12:3456::1", "private address", NULL },
    { "IPv6 metadata is unique local", "fd00:ec2::254", "private address", NULL },
    { "IPv6 link-local is refused", "fe80::1", "link-local address", NULL },
    { "IPv6 site-local is refused", "fec0::1", "private address", NULL },
    { "IPv6 multicast is refused", "ff02::1", "multicast address", NULL },
    { "IPv6 documentation is refused", "2001:db8::1", "documentation address", NULL },
    { "the discard prefix is refused", "100::1", "reserved address", NULL },
    { "what is not yet given out is refused", "4000::1", "reserved address", NULL },
    { "IPv4-compatible is refused", "::8.8.8.8", "reserved address", NULL },
    { "mapped loopback is refused", "::ffff:127.0.0.1", "loopback address", NULL },
    { "mapped metadata is refused", "::ffff:169.254.169.254", "metadata address",
      NULL },
    { "a mapped public address may be dialled", "::ffff:8.8.8.8", NULL, NULL },
    { "NAT64 of a private address is refused", "64:ff9b::10.0.0.1", "private address",
      NULL },
    { "NAT64 of a public address may be dialled", "64:ff9b::8.8.8.8", NULL, NULL },
    { "local NAT64 is refused", "64:ff9b:1::1", "reserved address", NULL },
    { "6to4 of a private address is refused", "2002:c0a8:101::1", "private address",
      NULL },
    { "6to4 of a public address may be dialled", "2002:808:808::1", NULL, NULL },
    /* RFC 4380 §4: the client's address is inverted; 80ff:fffe is 127.0.0.1 */
    { "Teredo to a loopback client is refused", "2001:0:808:808::80ff:fffe",
      "loopback address", NULL },
    { "Teredo through a private server is refused", "2001:0:a00:1::f7f7:f7f7",
      "private address", NULL },
    { "an allowed network opens", "10.1.2.3", NULL, "10.1.0.0/16" },
    { "an allowed network opens itself only", "10.2.0.1", "private address",
      "10.1.0.0/16" },
    { "an allowed network opens its mapped form", "::ffff:10.1.2.3", NULL,
      "10.1.0.0/16" },
    { "a network that is written as mapped opens", "10.1.2.3", NULL, "::ffff:10.1.0.0/112" },
    { "an allowed single address opens", "127.0.0.1", NULL, "127.0.0.1" },
    { "its neighbour stays shut", "127.0.0.2", "loopback address", "127.0.0.1" },
    { "an allowed IPv6 network opens", "fd00:1::5", NULL, "fd00:1::/32" },
    { "0.0.0.0/0 opens IPv4", "192.168.0.1", NULL, "0.0.0.0/0" },
    { "0.0.0.0/0 does not open IPv6", "::1", "loopback address", "0.0.0.0/0" },
    { "::/0 opens everything", "10.0.0.1", NULL, "::/0" },
    { "brackets are part of a URL's literal", "[::1]", "loopback address", NULL },
};

static void judge(void **state)
{
    const struct row *row = *state;
    struct address_network net;
    struct address_policy policy = { .allowed = &net,
                                     .n_allowed = row->allowed != NULL };
    union address ss;
    const char *got;

    if (row->allowed)
        assert_int_equal(address_parse_network(span_str(row->allowed), &net), OK);
    assert_true(address_parse(span_str(row->address), &ss));
    got = address_refusal(&policy, &ss.any);

    if (row->want)
        assert_string_equal(got ? got : "(none)", row->want);
    else
        assert_null(got);
}

static const char *refusal(const char *text)
{
    struct address_policy policy = { 0 };
    union address ss;

    assert_true(address_parse(span_str(text), &ss));
    return address_refusal(&policy, &ss.any);
}

static void every_range_begins_and_ends_where_the_registry_says(void **state)
{
    /* The last address before, the first, the last, the first behind; before and behind are public if not told. */
    static const struct {
        const char *before, *first, *last, *behind, *what, *is_before, *is_behind;
    } ranges[] = {
        { NULL, "0.0.0.0", "0.255.255.255", "1.0.0.0", "unspecified address", NULL, NULL },
        { "9.255.255.255", "10.0.0.0", "10.255.255.255", "11.0.0.0", "private address", NULL, NULL },
        { "100.63.255.255", "100.64.0.0", "100.127.255.255", "100.128.0.0", "carrier-grade NAT address", NULL, NULL },
        { "126.255.255.255", "127.0.0.0", "127.255.255.255", "128.0.0.0", "loopback address", NULL, NULL },
        { "168.63.129.15", "168.63.129.16", "168.63.129.16", "168.63.129.17", "metadata address", NULL, NULL },
        { "169.253.255.255", "169.254.0.0", "169.254.255.255", "169.255.0.0", "link-local address", NULL, NULL },
        { "169.254.169.253", "169.254.169.254", "169.254.169.254", "169.254.169.255", "metadata address",
          "link-local address", "link-local address" },
        { "172.15.255.255", "172.16.0.0", "172.31.255.255", "172.32.0.0", "private address", NULL, NULL },
        { "191.255.255.255", "192.0.0.0", "192.0.0.255", "192.0.1.0", "reserved address", NULL, NULL },
        { "192.0.1.255", "192.0.2.0", "192.0.2.255", "192.0.3.0", "documentation address", NULL, NULL },
        { "192.88.98.255", "192.88.99.0", "192.88.99.255", "192.88.100.0", "reserved address", NULL, NULL },
        { "192.167.255.255", "192.168.0.0", "192.168.255.255", "192.169.0.0", "private address", NULL, NULL },
        { "198.17.255.255", "198.18.0.0", "198.19.255.255", "198.20.0.0", "benchmarking address", NULL, NULL },
        { "198.51.99.255", "198.51.100.0", "198.51.100.255", "198.51.101.0", "documentation address", NULL, NULL },
        { "203.0.112.255", "203.0.113.0", "203.0.113.255", "203.0.114.0", "documentation address", NULL, NULL },
        { "223.255.255.255", "224.0.0.0", "239.255.255.255", "240.0.0.0", "multicast address", NULL,
          "reserved address" },
        { "239.255.255.255", "240.0.0.0", "255.255.255.255", NULL, "reserved address", "multicast address", NULL },
        { "2001:0:808:808::f7f7:f7f7", "2001:1::", "2001:1ff:ffff:ffff:ffff:ffff:ffff:ffff", "2001:200::",
          "reserved address", NULL, NULL },
        { "2001:db7:ffff:ffff:ffff:ffff:ffff:ffff", "2001:db8::", "2001:db8:ffff:ffff:ffff:ffff:ffff:ffff",
          "2001:db9::", "documentation address", NULL, NULL },
        { "2001:ffff:ffff:ffff:ffff:ffff:ffff:ffff", "2002:7f00::", "2002:7fff:ffff:ffff:ffff:ffff:ffff:ffff",
          "2003::", "loopback address", NULL, NULL },
        { "3ffe:ffff:ffff:ffff:ffff:ffff:ffff:ffff", "3fff::", "3fff:fff:ffff:ffff:ffff:ffff:ffff:ffff",
          "3fff:1000::", "documentation address", NULL, NULL },
        { "64:ff9a:ffff:ffff:ffff:ffff:ffff:ffff", "64:ff9b::7f00:0", "64:ff9b::7fff:ffff", "64:ff9b::1:0:0",
          "loopback address", "reserved address", "reserved address" },
        { "::fffe:ffff:ffff", "::ffff:127.0.0.0", "::ffff:127.255.255.255", "::1:0:0:0", "loopback address",
          "reserved address", "reserved address" },
        { "fbff:ffff:ffff:ffff:ffff:ffff:ffff:ffff", "fc00::", "fdff:ffff:ffff:ffff:ffff:ffff:ffff:ffff", "fe00::",
          "private address", "reserved address", "reserved address" },
        { "fe7f:ffff:ffff:ffff:ffff:ffff:ffff:ffff", "fe80::", "febf:ffff:ffff:ffff:ffff:ffff:ffff:ffff", "fec0::",
          "link-local address", "reserved address", "private address" },
        { "febf:ffff:ffff:ffff:ffff:ffff:ffff:ffff", "fec0::", "feff:ffff:ffff:ffff:ffff:ffff:ffff:ffff", "ff00::",
          "private address", "link-local address", "multicast address" },
        { "feff:ffff:ffff:ffff:ffff:ffff:ffff:ffff", "ff00::", "ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff", NULL,
          "multicast address", "private address", NULL },
    };

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(ranges); i++) {
        const char *const at[] = { ranges[i].before, ranges[i].first, ranges[i].last, ranges[i].behind };
        const char *const want[] = { ranges[i].is_before, ranges[i].what, ranges[i].what, ranges[i].is_behind };

        for (size_t k = 0; k < ARRAY_LEN(at); k++) {
            const char *got = at[k] ? refusal(at[k]) : want[k];
            if (!got != !want[k] || (got && strcmp(got, want[k]) != 0))
                fail_msg("%s is %s, want %s", at[k], got ? got : "public", want[k] ? want[k] : "public");
        }
    }
}

static void allow_private_opens_everything(void **state)
{
    struct address_policy policy = { .allows_private = true };
    union address ss;

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(ROWS); i++) {
        assert_true(address_parse(span_str(ROWS[i].address), &ss));
        assert_null(address_refusal(&policy, &ss.any));
    }
}

static void other_families_are_refused_even_then(void **state)
{
    struct address_policy policy = { .allows_private = true };
    union address ss = { .any.sa_family = AF_UNIX };

    (void)state;
    assert_non_null(address_refusal(&policy, &ss.any));
}

static void networks_that_are_none_are_invalid(void **state)
{
    static const char *const bad[] = {
        "",       "10.0.0.0/33", "::/129", "10.0.0.0/",   "10.0.0.0/x", "host",
        "10.0.0", "10.0.0.0/-1", "/8",     "1.2.3.4/8/8", "0x7f.1",     "fe80::1%lo"
    };
    struct address_network net;

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(bad); i++)
        assert_int_equal(address_parse_network(span_str(bad[i]), &net), ERR_INVALID);
}

static void names_are_no_literals(void **state)
{
    static const char *const names[] = { "example.com", "",    "1.2.3",    "127.1",
                                         "[127.0.0.1]", "::g", "1.2.3.4.", "[::1",
                                         "::1]" };
    union address ss;

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(names); i++)
        assert_false(address_parse(span_str(names[i]), &ss));
}

static void formats_what_it_parsed(void **state)
{
    static const char *const texts[] = { "192.0.2.1", "2001:db8::1", "::" };
    union address ss;
    char out[ADDRESS_TEXT_SIZE];

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(texts); i++) {
        assert_true(address_parse(span_str(texts[i]), &ss));
        assert_string_equal(address_format(&ss.any, out),
                            texts[i]);
    }
}

int main(void)
{
    static const struct CMUnitTest others[] = {
        cmocka_unit_test(every_range_begins_and_ends_where_the_registry_says),
        cmocka_unit_test(allow_private_opens_everything),
        cmocka_unit_test(other_families_are_refused_even_then),
        cmocka_unit_test(networks_that_are_none_are_invalid),
        cmocka_unit_test(names_are_no_literals),
        cmocka_unit_test(formats_what_it_parsed),
    };
    struct CMUnitTest tests[ARRAY_LEN(ROWS) + ARRAY_LEN(others)];
    size_t n = 0;

    for (size_t i = 0; i < ARRAY_LEN(ROWS); i++)
        tests[n++] = (struct CMUnitTest){ ROWS[i].label, judge, NULL, NULL,
                                          (void *)(uintptr_t)&ROWS[i] };
    for (size_t i = 0; i < ARRAY_LEN(others); i++)
        tests[n++] = others[i];
    return cmocka_run_group_tests_name("fetch/address", tests, NULL, NULL);
}
