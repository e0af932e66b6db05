/* SPDX-License-Identifier: MIT */
#include "store/tokens.h"

#include <sqlite3.h>
#include <sys/random.h>

#include "config/mem.h"
#include "parse/bytes8.h"
#include "store/words.h"

#define FIRST_SLOTS ((size_t)4096)
#define MAX_SLOTS   ((size_t)512 * 1024) /* never more than half full */
/* Folding makes a text longer by half at most; of broken UTF-8 a byte can become two. */
#define MAX_BYTES (4 * TOKENS_MAX_TEXT)
/* Words that are cut before they are looked up: their slots come into the processor's cache meanwhile. */
#define BATCH   32
#define SCRATCH (2 * TOKENS_MAX_WORD)

struct slot {
    uint64_t head;
    uint32_t hash;
    uint32_t number; /* and one: 0 is free */
};

struct cut {
    uint64_t head;
    uint32_t hash;
    uint32_t len;
    const char *bytes; /* in scratch, of a word longer than eight bytes */
};

struct tokens_table {
    struct words *words;
    struct slot *slots;
    size_t mask;
    uint64_t secret[2]; /* for the words come from outside; the second is odd */
    uint32_t *edges;
    size_t n_batch, n_scratch;
    enum err failed;
    struct cut batch[BATCH];
    char scratch[SCRATCH];
};

/* --- terms ------------------------------------------------------------------------ */

/* A word's hash: of its eights, folded, with zeros behind the last; the upper bits of a product depend on all. */
static uint64_t hash_head(const struct tokens_table *b, uint64_t head)
{
    return (head ^ b->secret[0]) * b->secret[1];
}

static uint64_t hash_more(const struct tokens_table *b, uint64_t h, uint64_t w)
{
    return (h ^ h >> 32 ^ w) * b->secret[1];
}

static uint32_t hash_end(uint64_t h, bool is_long)
{
    return (uint32_t)(h >> 32 & ~UINT64_C(1)) | is_long;
}

static struct slot *first_slot(struct tokens_table *b, uint32_t hash)
{
    return &b->slots[(hash >> 1) & b->mask];
}

static struct slot *next_slot(struct tokens_table *b, struct slot *s)
{
    return &b->slots[(size_t)(s - b->slots + 1) & b->mask];
}

/* Twice as many slots. */
static NOINLINE void grow(struct tokens *t)
{
    struct tokens_table *b = t->table;

    b->mask = b->mask * 2 + 1;
    BUG_IF(b->mask >= MAX_SLOTS);
    memset(b->slots, 0, (b->mask + 1) * sizeof *b->slots);
    for (size_t i = 0; i < t->n_terms; i++) {
        struct slot *s = first_slot(b, t->terms[i].hash);

        while (s->number)
            s = next_slot(b, s);
        *s = (struct slot){ t->terms[i].head, t->terms[i].hash, (uint32_t)i + 1 };
    }
}

static uint32_t add_term(struct tokens *t, const struct cut *c, struct slot *free_slot)
{
    uint32_t number = (uint32_t)t->n_terms++;

    *free_slot = (struct slot){ c->head, c->hash, number + 1 };
    t->terms[number] = (struct tokens_term){ c->head, c->hash, (uint32_t)t->n_bytes, c->len };
    if (c->len > 8) {
        memcpy(t->bytes + t->n_bytes, c->bytes, c->len);
        t->n_bytes += c->len;
    }
    if (t->n_terms * 2 > t->table->mask)
        grow(t);
    return number;
}

/* Of words of more than eight bytes that begin alike. */
static bool has_rest(const struct tokens *t, uint32_t number, const struct cut *c)
{
    const struct tokens_term *term = &t->terms[number];

    return term->len == c->len && memcmp(t->bytes + term->at + 8, c->bytes + 8, c->len - 8) == 0;
}

static inline uint32_t number_of(struct tokens *t, const struct cut *c)
{
    struct slot *s = first_slot(t->table, c->hash);

    /* Of eight bytes or less the head is the word; the hash tells those from longer ones. */
    for (; s->number; s = next_slot(t->table, s))
        if (!((s->head ^ c->head) | (s->hash ^ c->hash)) && (c->len <= 8 || has_rest(t, s->number - 1, c)))
            return s->number - 1;
    return add_term(t, c, s);
}

void tokens_settle(struct tokens *t)
{
    size_t n = t->table->n_batch;

    for (size_t i = 0; i < n; i++)
        t->numbers[t->n_numbers + i] = number_of(t, &t->table->batch[i]);
    t->n_numbers += n;
    t->table->n_batch = t->table->n_scratch = 0;
}

/* --- words ------------------------------------------------------------------------ */

static inline void put(struct tokens *t, uint64_t head, uint32_t hash, size_t len, const char *bytes)
{
    struct tokens_table *b = t->table;

    __builtin_prefetch(first_slot(b, hash));
    b->batch[b->n_batch++] = (struct cut){ head, hash, (uint32_t)len, bytes };
    if (b->n_batch == BATCH)
        tokens_settle(t);
}

/* Room in the scratch for a word of any length, and eight bytes behind it. */
static char *room(struct tokens *t)
{
    if (t->table->n_scratch + TOKENS_MAX_WORD + 8 > SCRATCH)
        tokens_settle(t);
    return t->table->scratch + t->table->n_scratch;
}

static int on_word(void *arg, int flags, const char *word, int n, int from, int to)
{
    struct tokens *t = arg;
    size_t len = MIN((size_t)n, TOKENS_MAX_WORD);
    char *bytes = room(t);
    uint64_t h;

    (void)flags;
    (void)from;
    (void)to;
    memcpy(bytes, word, len);
    bytes8_store(bytes + len, 0);
    h = hash_head(t->table, bytes8_load(bytes));
    for (size_t i = 8; i < len; i += 8)
        h = hash_more(t->table, h, bytes8_load(bytes + i));
    if (len > 8)
        t->table->n_scratch += len + 8;
    put(t, bytes8_load(bytes), hash_end(h, len > 8), len, bytes);
    return SQLITE_OK;
}

/* --- pieces ----------------------------------------------------------------------- */

/* The bytes that are no separators: letters, digits, and what is not ASCII. */
static uint64_t in_pieces(uint64_t w)
{
    uint64_t low = w & ~BYTES8_MARKS, lower = low | BYTES8(0x20);
    uint64_t digits = (low + BYTES8(0x80 - '0')) & ~(low + BYTES8(0x7F - '9'));
    uint64_t letters = (lower + BYTES8(0x80 - 'a')) & ~(lower + BYTES8(0x7F - 'z'));

    return (digits | letters | w) & BYTES8_MARKS;
}

/* A bit for each of 64 bytes. The product moves the marks of eight bytes side by side, without a carry. */
static uint64_t in_pieces64(const char *p)
{
    uint64_t bits = 0;

    for (unsigned i = 0; i < 64; i += 8)
        bits |= ((in_pieces(bytes8_load(p + i)) >> 7) * UINT64_C(0x0102040810204080) >> 56) << i;
    return bits;
}

/* Where pieces of s begin and end, by turns. How many of both. */
static size_t find_edges(struct span s, uint32_t *edges)
{
    char last[64] = { 0 };
    uint64_t was_in = 0;
    size_t n = 0;

    for (size_t i = 0; i < s.len; i += sizeof last) {
        uint64_t bits, changes;

        if (s.len - i < sizeof last)
            memcpy(last, s.ptr + i, s.len - i);
        bits = in_pieces64(s.len - i < sizeof last ? last : s.ptr + i);
        changes = bits ^ (bits << 1 | was_in);
        was_in = bits >> 63;
        for (; changes; changes &= changes - 1)
            edges[n++] = (uint32_t)(i + (size_t)__builtin_ctzll(changes));
    }
    if (n % 2)
        edges[n++] = (uint32_t)s.len;
    return n;
}

/* The first n bytes of s from i on, 1 to 8, folded, if all are ASCII; zeros behind them. */
static uint64_t fold(struct span s, size_t i, size_t n, uint64_t *wide)
{
    uint64_t w = s.len - i >= 8 ? bytes8_load(s.ptr + i) : bytes8_load_few(s.ptr + i, s.len - i);

    w &= UINT64_MAX >> (64 - 8 * n);
    *wide |= w & BYTES8_MARKS;
    return w | (BYTES8(0x20) & UINT64_MAX >> (64 - 8 * n));
}

/* A piece of ASCII of more than eight bytes. False, and nothing is put, where it is wide. */
static bool put_long(struct tokens *t, struct span s, size_t from, size_t to)
{
    size_t len = MIN(to - from, TOKENS_MAX_WORD);
    char *bytes = room(t);
    uint64_t wide = 0, head = fold(s, from, 8, &wide), h = hash_head(t->table, head);

    bytes8_store(bytes, head);
    for (size_t i = 8; i < len; i += 8) {
        uint64_t w = fold(s, from + i, MIN(len - i, (size_t)8), &wide);

        h = hash_more(t->table, h, w);
        bytes8_store(bytes + i, w);
    }
    for (size_t i = from + len; i < to; i++)
        wide |= (unsigned char)s.ptr[i] & 0x80;
    if (wide)
        return false;
    t->table->n_scratch += len + 8;
    put(t, head, hash_end(h, true), len, bytes);
    return true;
}

/*
 * A piece with a byte that is not ASCII, and those after it that begin with one and are one byte away: one call for
 * many. Returns the last of the edges that it took.
 */
static NOINLINE const uint32_t *put_wide(struct tokens *t, struct span s, const uint32_t *edge, const uint32_t *end)
{
    uint32_t from = edge[0];

    while (edge + 2 < end && edge[2] == edge[1] + 1 && s.ptr[edge[2]] & 0x80)
        edge += 2;
    if (words_cut(t->table->words, span_slice(s, from, edge[1]), on_word, t))
        t->table->failed = ERR_NO_MEMORY;
    return edge;
}

static void cut(struct tokens *t, struct span s)
{
    const uint32_t *edge = t->table->edges, *end = edge + find_edges(s, t->table->edges);

    for (; edge < end; edge += 2) {
        size_t len = edge[1] - edge[0];
        uint64_t wide = 0;

        if (len <= 8) {
            uint64_t head = fold(s, edge[0], len, &wide);

            if (!wide)
                put(t, head, hash_end(hash_head(t->table, head), false), len, NULL);
        } else {
            wide = !put_long(t, s, edge[0], edge[1]);
        }
        if (wide)
            edge = put_wide(t, s, edge, end);
    }
}

/* --- documents -------------------------------------------------------------------- */

enum err tokens_new(sqlite3 *handle, struct tokens **out)
{
    struct words *words;
    struct tokens *t;
    enum err e = words_open(handle, &words);

    if (e)
        return e;
    t = mem_alloc(sizeof *t);
    t->table = mem_alloc(sizeof *t->table);
    t->table->words = words;
    if (getrandom(t->table->secret, sizeof t->table->secret, 0) != (ssize_t)sizeof t->table->secret)
        t->table->secret[1] = (uint64_t)(uintptr_t)t; /* early boot only: still not guessable */
    t->table->secret[1] |= 1;
    /* mem_resize, for mem_alloc would touch it all. */
    t->table->slots = mem_resize(NULL, MAX_SLOTS * sizeof *t->table->slots);
    t->numbers = mem_resize(NULL, TOKENS_MAX * sizeof *t->numbers);
    t->terms = mem_resize(NULL, TOKENS_MAX_TERMS * sizeof *t->terms);
    t->docs = mem_resize(NULL, TOKENS_MAX_DOCS * sizeof *t->docs);
    t->bytes = mem_resize(NULL, MAX_BYTES);
    t->table->edges = mem_resize(NULL, (TOKENS_MAX_TEXT + 2) * sizeof *t->table->edges);
    t->table->mask = FIRST_SLOTS - 1;
    tokens_reset(t);
    *out = t;
    return OK;
}

void tokens_free(struct tokens *t)
{
    if (!t)
        return;
    words_close(t->table->words);
    mem_free(t->table->slots);
    mem_free(t->table->edges);
    mem_free(t->table);
    mem_free(t->numbers);
    mem_free(t->terms);
    mem_free(t->docs);
    mem_free(t->bytes);
    mem_free(t);
}

void tokens_reset(struct tokens *t)
{
    struct tokens_table *b = t->table;

    /* As large as it was of use the last time. */
    while (b->mask >= 2 * FIRST_SLOTS && t->n_terms * 8 < b->mask)
        b->mask /= 2;
    memset(b->slots, 0, (b->mask + 1) * sizeof *b->slots);
    b->n_batch = b->n_scratch = 0;
    b->failed = OK;
    t->n_numbers = t->n_terms = t->n_docs = t->n_bytes = 0;
}

bool tokens_fit(const struct tokens *t, size_t n)
{
    size_t n_words = n / 2 + TOKENS_COLUMNS; /* a byte each, and one between two */

    return n <= TOKENS_MAX_TEXT && t->n_docs < TOKENS_MAX_DOCS &&
           t->n_terms + t->table->n_batch + n_words <= TOKENS_MAX_TERMS &&
           t->n_numbers + t->table->n_batch + n_words <= TOKENS_MAX &&
           t->n_bytes + t->table->n_scratch + 2 * n <= MAX_BYTES;
}

enum err tokens_add(struct tokens *t, int64_t id, const struct span columns[TOKENS_COLUMNS])
{
    struct tokens_doc *doc = &t->docs[t->n_docs++];

    doc->id = id;
    for (size_t i = 0; i < TOKENS_COLUMNS; i++) {
        cut(t, columns[i]);
        doc->ends[i] = (uint32_t)(t->n_numbers + t->table->n_batch);
    }
    return t->table->failed;
}
