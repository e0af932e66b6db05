/* SPDX-License-Identifier: MIT */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "parse/digest_sum.h"

/* The examples of FIPS 180-4 (csrc.nist.gov, "Cryptographic Standards and Guidelines"). */
static const struct sum_row {
    const char *label, *text, *sha1, *sha256;
} rows[] = {
    { "one block", "abc", "a9993e364706816aba3e25717850c26c9cd0d89d",
      "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad" },
    { "two blocks", "abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq",
      "84983e441c3bd26ebaae4aa1f95129e5e54670f1",
      "248d6a61d20638b8e5c026930c3e6039a33ce45964ff2167f6ecedd419db06c1" },
    { "nothing", "", "da39a3ee5e6b4b0d3255bfef95601890afd80709",
      "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855" },
};

static void assert_hex(const unsigned char *sum, size_t n, const char *want)
{
    char hex[2 * DIGEST_SUM_SHA256_BYTES + 1];

    for (size_t i = 0; i < n; i++)
        snprintf(hex + 2 * i, 3, "%02x", sum[i]);
    assert_string_equal(hex, want);
}

/* Wherever the text is cut into pieces, and with the same context again. */
static void sum_row(void **state)
{
    const struct sum_row *row = *state;
    struct span text = span_str(row->text);
    unsigned char sha1[DIGEST_SUM_SHA1_BYTES], sha256[DIGEST_SUM_SHA256_BYTES];
    struct digest_sum *d;

    assert_int_equal(digest_sum_new(&d), OK);
    for (size_t cut = 0; cut <= text.len; cut++) {
        const struct span pieces[] = { span_slice(text, 0, cut), SPAN_NONE,
                                       span_skip(text, cut) };

        assert_int_equal(digest_sum_sha1(d, pieces, ARRAY_LEN(pieces), sha1), OK);
        assert_int_equal(digest_sum_sha256(d, pieces, ARRAY_LEN(pieces), sha256), OK);
        assert_hex(sha1, sizeof sha1, row->sha1);
        assert_hex(sha256, sizeof sha256, row->sha256);
    }
    digest_sum_free(d);
    digest_sum_free(NULL);
}

int main(void)
{
    struct CMUnitTest tests[ARRAY_LEN(rows)];

    for (size_t i = 0; i < ARRAY_LEN(rows); i++)
        tests[i] = (struct CMUnitTest){ rows[i].label, sum_row, NULL, NULL,
                                        (void *)(uintptr_t)&rows[i] };
    return cmocka_run_group_tests_name("parse/digest_sum", tests, NULL, NULL);
}
