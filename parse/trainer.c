/* SPDX-License-Identifier: MIT */
#include "parse/trainer.h"

#include <zdict.h>

#include "config/mem.h"
#include "parse/pack.h"

#define MAX_SAMPLES (TRAINER_BYTES / TRAINER_LEAST_SAMPLE)

struct trainer {
    struct buf samples; /* one behind the other */
    size_t n;
    size_t sizes[MAX_SAMPLES];
    uint64_t digests[MAX_SAMPLES]; /* their first bytes */
    bool is_over;
};

struct trainer *trainer_new(void)
{
    struct trainer *t = mem_alloc(sizeof *t);

    buf_init(&t->samples, TRAINER_SAMPLES * TRAINER_SAMPLE_BYTES + TRAINER_BYTES);
    return t;
}

void trainer_free(struct trainer *t)
{
    if (!t)
        return;
    buf_clear(&t->samples);
    mem_free(t);
}

void trainer_forget(struct trainer *t)
{
    buf_clear(&t->samples);
    t->n = 0;
}

static bool is_known(const struct trainer *t, uint64_t digest)
{
    for (size_t i = 0; i < t->n; i++)
        if (t->digests[i] == digest)
            return true;
    return false;
}

bool trainer_add(struct trainer *t, struct span body, const unsigned char sha256[32])
{
    struct span sample = span_slice(body, 0, MIN(body.len, TRAINER_SAMPLE_BYTES));
    uint64_t digest;

    memcpy(&digest, sha256, sizeof digest);
    if (t->is_over || sample.len < TRAINER_LEAST_SAMPLE || is_known(t, digest) ||
        buf_append(&t->samples, sample))
        return false;
    t->digests[t->n] = digest;
    t->sizes[t->n] = sample.len;
    t->n++;
    BUG_IF(t->n == MAX_SAMPLES && t->samples.len < TRAINER_BYTES);
    return t->n >= TRAINER_SAMPLES && t->samples.len >= TRAINER_BYTES;
}

/* Bytes 4 to 7 are the id, little-endian (RFC 8878, section 5); nothing depends on it. */
static void put_id(char *dictionary, uint32_t id)
{
    for (int i = 0; i < 4; i++)
        dictionary[4 + i] = (char)(id >> 8 * i & 0xff);
}

enum err trainer_make(struct trainer *t, uint32_t id, struct buf *out)
{
    enum err e = buf_reserve(out, PACK_MAX_DICTIONARY_BYTES);
    size_t n = 0;

    if (!e) {
        n = ZDICT_trainFromBuffer(out->ptr + out->len, PACK_MAX_DICTIONARY_BYTES,
                                  t->samples.ptr, t->sizes, (unsigned)t->n);
        e = ZDICT_isError(n) ? ERR_NOT_FOUND : OK;
    }
    if (!e) {
        put_id(out->ptr + out->len, id);
        if (pack_is_dictionary(span_make(out->ptr + out->len, n), id))
            out->len += n;
        else
            e = ERR_NOT_FOUND;
    }
    trainer_forget(t);
    t->is_over = true;
    /* It took a hundred times what a page does, once. */
    mem_give_back_all();
    return e;
}
