/* SPDX-License-Identifier: MIT */
#include "crawler/report_policy.h"

#include "parse/digest.h"

/* RFC 4648 §4, of 32 bytes: 44 characters, the last one padding. */
static void put_base64(const unsigned char *bytes, char *out)
{
    static const char alphabet[] =
        "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    size_t at = 0;

    for (size_t i = 0; i < DIGEST_SHA256_BYTES; i += 3) {
        uint32_t three = (uint32_t)bytes[i] << 16;

        three |= i + 1 < DIGEST_SHA256_BYTES ? (uint32_t)bytes[i + 1] << 8 : 0;
        three |= i + 2 < DIGEST_SHA256_BYTES ? bytes[i + 2] : 0u;
        for (int shift = 18; shift >= 0; shift -= 6)
            out[at++] = alphabet[three >> shift & 63];
    }
    out[at - 1] = '=';
    out[at] = '\0';
}

enum err report_policy_hash(struct span style, char out[REPORT_POLICY_HASH_SIZE])
{
    unsigned char sha256[DIGEST_SHA256_BYTES];
    struct digest *d;
    enum err e = digest_new(&d);

    if (e)
        return e;
    e = digest_sha256(d, style, sha256);
    digest_free(d);
    if (e)
        return e;
    memcpy(out, "sha256-", 7);
    put_base64(sha256, out + 7);
    return OK;
}
