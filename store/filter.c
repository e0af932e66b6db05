/* SPDX-License-Identifier: MIT */
#include "store/filter.h"

#include <stdlib.h>

#include "config/mem.h"

#define WORDS       8 /* a block */
#define BLOCK_BYTES (WORDS * sizeof(uint32_t)) /* half a cache line */
#define FIRST_BYTES ((size_t)64 * KIB)
#define GROWTH      4
#define KEY_BITS    10 /* with fewer a key it is too small */

struct bits {
    void *memory; /* NULL: there is none */
    uint32_t (*blocks)[WORDS]; /* in it, none in two cache lines */
    size_t bytes;
};

struct filter {
    uint64_t factor; /* odd */
    size_t max_bytes;
    struct bits ready, making;
};

struct filter *filter_new(uint64_t secret, size_t max_bytes)
{
    struct filter *f = mem_alloc(sizeof *f);

    *f = (struct filter){ .factor = secret | 1, .max_bytes = max_bytes / BLOCK_BYTES * BLOCK_BYTES };
    return f;
}

void filter_free(struct filter *f)
{
    if (!f)
        return;
    mem_free(f->ready.memory);
    mem_free(f->making.memory);
    mem_free(f);
}

static struct bits make_bits(size_t bytes)
{
    char *memory = mem_alloc(bytes + BLOCK_BYTES);
    size_t skip = BLOCK_BYTES - (uintptr_t)memory % BLOCK_BYTES;

    return (struct bits){ memory, (void *)(memory + skip), bytes };
}

/* The key's block, by the upper half of a product, as if that was a fraction of all blocks. */
static uint32_t *block_of(const struct filter *f, const struct bits *b, uint64_t key)
{
    uint64_t n = b->bytes / BLOCK_BYTES;

    return b->blocks[(key * f->factor >> 32) * n >> 32];
}

/* Its bit in the i-th word. */
static uint32_t bit_of(uint64_t key, int i)
{
    return UINT32_C(1) << (key * UINT64_C(0x9E3779B97F4A7C15) >> (24 + 5 * i) & 31);
}

static void set(const struct filter *f, const struct bits *b, uint64_t key)
{
    uint32_t *block = block_of(f, b, key);

    for (int i = 0; i < WORDS; i++)
        block[i] |= bit_of(key, i);
}

void filter_add(struct filter *f, uint64_t key)
{
    if (f->ready.memory)
        set(f, &f->ready, key);
    if (f->making.memory)
        set(f, &f->making, key);
}

bool filter_may_have(const struct filter *f, uint64_t key)
{
    const uint32_t *block;
    uint32_t missing = 0;

    if (!f->ready.memory)
        return true;
    block = block_of(f, &f->ready, key);
    for (int i = 0; i < WORDS; i++)
        missing |= ~block[i] & bit_of(key, i);
    return !missing;
}

bool filter_is_making(struct filter *f, int64_t n_keys, bool *is_new)
{
    size_t bytes = MAX(f->ready.bytes, MIN(FIRST_BYTES, f->max_bytes));
    /* For more than a byte each there is never room: the product stays small. */
    size_t key_bits = MIN((size_t)MAX(n_keys, INT64_C(0)), f->max_bytes) * KEY_BITS;
    bool is_small = f->ready.bytes * 8 < key_bits;

    *is_new = !f->making.memory && bytes && (!f->ready.memory || (is_small && f->ready.bytes < f->max_bytes));
    if (!*is_new)
        return f->making.memory != NULL;
    while (bytes * 4 < key_bits && bytes < f->max_bytes)
        bytes = MIN(bytes * GROWTH, f->max_bytes);
    f->making = make_bits(bytes);
    return true;
}

void filter_finish(struct filter *f)
{
    mem_free(f->ready.memory);
    f->ready = f->making;
    f->making = (struct bits){ 0 };
}
