/* SPDX-License-Identifier: MIT */
#include "parse/digest_sum.h"

#include <openssl/evp.h>

#include "config/mem.h"

struct digest_sum {
    EVP_MD *sha1, *sha256;
    EVP_MD_CTX *context;
};

enum err digest_sum_new(struct digest_sum **out)
{
    struct digest_sum *d = mem_alloc(sizeof *d);

    d->sha1 = EVP_MD_fetch(NULL, "SHA1", NULL);
    d->sha256 = EVP_MD_fetch(NULL, "SHA256", NULL);
    d->context = EVP_MD_CTX_new();
    if (!d->sha1 || !d->sha256 || !d->context) {
        digest_sum_free(d);
        return ERR_UNSUPPORTED;
    }
    *out = d;
    return OK;
}

void digest_sum_free(struct digest_sum *d)
{
    if (!d)
        return;
    EVP_MD_CTX_free(d->context);
    EVP_MD_free(d->sha1);
    EVP_MD_free(d->sha256);
    mem_free(d);
}

/* size: of the digest this kind makes. */
static enum err sum(struct digest_sum *d, const EVP_MD *kind, const struct span *pieces,
                    size_t n, unsigned char *out, unsigned size)
{
    unsigned char hash[EVP_MAX_MD_SIZE];
    unsigned len;

    if (!EVP_DigestInit_ex(d->context, kind, NULL))
        return ERR_UNSUPPORTED;
    for (size_t i = 0; i < n; i++)
        if (pieces[i].len &&
            !EVP_DigestUpdate(d->context, pieces[i].ptr, pieces[i].len))
            return ERR_UNSUPPORTED;
    if (!EVP_DigestFinal_ex(d->context, hash, &len))
        return ERR_UNSUPPORTED;
    BUG_IF(len != size);
    memcpy(out, hash, len);
    return OK;
}

enum err digest_sum_sha1(struct digest_sum *d, const struct span *pieces, size_t n,
                         unsigned char out[DIGEST_SUM_SHA1_BYTES])
{
    return sum(d, d->sha1, pieces, n, out, DIGEST_SUM_SHA1_BYTES);
}

enum err digest_sum_sha256(struct digest_sum *d, const struct span *pieces, size_t n,
                           unsigned char out[DIGEST_SUM_SHA256_BYTES])
{
    return sum(d, d->sha256, pieces, n, out, DIGEST_SUM_SHA256_BYTES);
}
