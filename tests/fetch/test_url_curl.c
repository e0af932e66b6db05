/* SPDX-License-Identifier: MIT */
/*
 * Promise P24: whatever a link says, libcurl asks the host that we judged, or
 * nobody. Known confusions first, then many made from their pieces.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "tests/kit/curl_agrees.h"

#define ROUNDS 60000

static const char *const confusions[] = {
    "http://a.test@b.test/",
    "http://a.test:80@b.test/",
    "http://a.test\\@b.test/",
    "http://a.test#@b.test/",
    "http://a.test?@b.test/",
    "http://a.test;@b.test/",
    "http://a.test%2f@b.test/",
    "http://a.test\t@b.test/",
    "ht\ntp://a.te\rst/",
    "http:\\\\a.test\\b",
    "http:/a.test",
    "http:a.test",
    "http:////a.test",
    "http://a.test:80:81/",
    "http://a.test:/",
    "http://a.test:000080/",
    "http://[::ffff:127.0.0.1]/",
    "http://[::1%25eth0]/",
    "http://[::1]@b.test/",
    "http://0x7f.1/",
    "http://127.1/",
    "http://\xe2\x91\xa0.\xe2\x91\xa0/",
    "http://\xef\xbc\xa1.test/",
    "http://b\xc3\xbc.test/",
    "http://a.test./",
    "http://a.test/%2e%2e/b",
    "http://a.test/../b/./c//d",
    "http://a.test/\xff\xfe?\xff#\xff",
    "http://a.test/?",
    "http://a.test/?a?b",
    "http://a.test/a%00b",
    "http://a.test/{}[]|^`\"<>",
    "http://user:pa%40ss@a.test:8080/p?q#f",
    "https://a_b.test/",
    "https://a..b.test/",
    "https://-a.test/",
    "https://xn--a/",
    "HTTPS://A.TEST:443/",
};

static void libcurl_sees_what_we_decided_by(void **state)
{
    char why[CURL_AGREES_WHY_SIZE];

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(confusions); i++)
        if (curl_agrees_on(span_str(confusions[i]), why) == CURL_DIFFERS)
            fail_msg("%s: %s", confusions[i], why);
}

static uint32_t next_random(uint64_t *state)
{
    *state = *state * 6364136223846793005u + 1442695040888963407u;
    return (uint32_t)(*state >> 33);
}

/* A piece of one and a piece of another, with a byte or two that matter to some parser in between. */
static size_t cross(uint64_t *random, char *out)
{
    static const char glue[] = "/\\@:#?%[].\t\n;,&=+-0x\xe3\x80\x82\xff";
    size_t n = 0;

    for (int i = 0; i < 3; i++) {
        struct span s =
            span_str(confusions[next_random(random) % ARRAY_LEN(confusions)]);
        size_t from = i ? next_random(random) % s.len : 0;
        size_t len = next_random(random) % (s.len - from + 1);

        memcpy(out + n, s.ptr + from, len);
        n += len;
        out[n++] = glue[next_random(random) % (sizeof glue - 1)];
    }
    return n;
}

static void crossed_confusions_confuse_nobody(void **state)
{
    size_t seen[CURL_DIFFERS + 1] = { 0 };
    char input[512], why[CURL_AGREES_WHY_SIZE];
    uint64_t random = 24;

    (void)state;
    for (int i = 0; i < ROUNDS; i++) {
        size_t n = cross(&random, input);
        enum curl_agrees verdict = curl_agrees_on(span_make(input, n), why);

        seen[verdict]++;
        if (verdict == CURL_DIFFERS)
            fail_msg("%.*s: %s", (int)n, input, why);
    }
    print_message("    %zu agree, %zu refused by libcurl, %zu no page\n",
                  seen[CURL_AGREES], seen[CURL_REFUSES], seen[CURL_NO_PAGE]);
    assert_true(seen[CURL_AGREES] > ROUNDS / 4);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(libcurl_sees_what_we_decided_by),
        cmocka_unit_test(crossed_confusions_confuse_nobody),
    };

    return cmocka_run_group_tests_name("fetch/url_curl", tests, NULL, NULL);
}
