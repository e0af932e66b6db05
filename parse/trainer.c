/* SPDX-License-Identifier: MIT */
#include "parse/trainer.h"

#include <zdict.h>

#include "config/mem.h"
#include "parse/pack.h"
#include "parse/pieces.h"

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

/* The library puts its tables before the content, in no more than this. */
#define TABLES_BYTES 256

/* Tables of what the samples look like when they are packed with content, and content behind them. */
static enum err finish(const struct trainer *t, struct span content, uint32_t id,
                       struct buf *out)
{
    ZDICT_params_t how = { .compressionLevel = PACK_LEVEL, .dictID = id };
    size_t n = ZDICT_finalizeDictionary(out->ptr + out->len, PACK_MAX_DICTIONARY_BYTES,
                                        content.ptr, content.len, t->samples.ptr,
                                        t->sizes, (unsigned)t->n, how);

    if (ZDICT_isError(n) || !pack_is_dictionary(span_make(out->ptr + out->len, n), id))
        return ERR_NOT_FOUND;
    out->len += n;
    return OK;
}

enum err trainer_make(struct trainer *t, uint32_t id, struct buf *out)
{
    const size_t room = PACK_MAX_DICTIONARY_BYTES - TABLES_BYTES;
    struct buf content;
    enum err e = buf_reserve(out, PACK_MAX_DICTIONARY_BYTES);

    buf_init(&content, room);
    if (!e)
        e = pieces_choose(buf_span(&t->samples), t->sizes, t->n, room, &content);
    if (!e && content.len < TRAINER_LEAST_SAMPLE)
        e = ERR_NOT_FOUND;
    if (!e)
        e = finish(t, buf_span(&content), id, out);
    buf_clear(&content);
    trainer_forget(t);
    t->is_over = true;
    /* It took megabytes that no page needs, once. */
    mem_give_back_all();
    return e;
}
