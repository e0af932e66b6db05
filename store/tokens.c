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
    size_t n_batch, n_scratch;
    enum err failed;
    struct cut batch[BATCH];
    char scratch[SCRATCH];
};

/* --- terms ------------------------------------------------------------------------ */

static uint32_t hash_of(const struct tokens_table *b, uint64_t head, size_t len, const char *bytes)
{
    uint64_t h = (head ^ b->secret[0]) * b->secret[1];

    for (size_t i = 8; i < len; i += 8)
        h = (h ^ h >> 29 ^ bytes8_load(bytes + i)) * b->secret[1];
    h ^= h >> 32;
    h *= b->secret[1];
    return (uint32_t)(h >> 32 & ~UINT64_C(1)) | (len > 8);
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

static uint32_t number_of(struct tokens *t, const struct cut *c)
{
    struct slot *s = first_slot(t->table, c->hash);

    for (; s->number; s = next_slot(t->table, s)) {
        const struct tokens_term *term = &t->terms[s->number - 1];

        /* Of eight bytes or less the head is the word; the hash tells those from longer ones. */
        if (s->head == c->head && s->hash == c->hash &&
            (c->len <= 8 ||
             (term->len == c->len && memcmp(t->bytes + term->at + 8, c->bytes + 8, c->len - 8) == 0)))
            return s->number - 1;
    }
    return add_term(t, c, s);
}

void tokens_settle(struct tokens *t)
{
    for (size_t i = 0; i < t->table->n_batch; i++)
        t->numbers[t->n_numbers++] = number_of(t, &t->table->batch[i]);
    t->table->n_batch = t->table->n_scratch = 0;
}

/* --- words ------------------------------------------------------------------------ */

static void put(struct tokens *t, uint64_t head, size_t len, const char *bytes)
{
    struct tokens_table *b = t->table;
    uint32_t hash = hash_of(b, head, len, bytes);

    __builtin_prefetch(first_slot(b, hash));
    b->batch[b->n_batch++] = (struct cut){ head, hash, (uint32_t)len, bytes };
    if (b->n_batch == BATCH)
        tokens_settle(t);
}

/* Room in the scratch for a word of any length, and eight bytes behind it. */
static char *room(struct tokens *t)
{
    if (t->table->n_scratch + TOKENS_MAX_WORD + 16 > SCRATCH)
        tokens_settle(t);
    return t->table->scratch + t->table->n_scratch;
}

/* The len bytes that lie in the room. */
static void put_room(struct tokens *t, char *bytes, size_t len)
{
    if (len <= 8) {
        put(t, len < 8 ? bytes8_load_few(bytes, len) : bytes8_load(bytes), len, NULL);
        return;
    }
    bytes8_store(bytes + len, 0); /* hashes are made of eights */
    t->table->n_scratch += len + 8;
    put(t, bytes8_load(bytes), len, bytes);
}

static int on_word(void *arg, int flags, const char *word, int n, int from, int to)
{
    struct tokens *t = arg;
    size_t len = MIN((size_t)n, TOKENS_MAX_WORD);
    char *bytes = room(t);

    (void)flags;
    (void)from;
    (void)to;
    memcpy(bytes, word, len);
    put_room(t, bytes, len);
    return SQLITE_OK;
}

static uint64_t letters_and_digits(uint64_t w)
{
    uint64_t low = w & ~BYTES8_MARKS, lower = low | BYTES8(0x20);
    uint64_t digits = (low + BYTES8(0x80 - '0')) & ~(low + BYTES8(0x7F - '9'));
    uint64_t letters = (lower + BYTES8(0x80 - 'a')) & ~(lower + BYTES8(0x7F - 'z'));

    return (digits | letters) & ~w & BYTES8_MARKS;
}

/* Eight bytes of s from i on; NULs, which end words, where it has fewer. */
static uint64_t eight(struct span s, size_t i)
{
    return s.len - i >= 8 ? bytes8_load(s.ptr + i) : bytes8_load_few(s.ptr + i, s.len - i);
}

static bool is_separator(char c)
{
    return !((letters_and_digits((unsigned char)c) | (unsigned char)c) & 0x80);
}

/*
 * The piece that begins at from has a byte at i that is not ASCII. Where the
 * next piece begins with such a byte, too, it goes along: one call for many. Returns where it went on to.
 */
static NOINLINE size_t cut_wide(struct tokens *t, struct span s, size_t from, size_t i)
{
    while (i < s.len && (!is_separator(s.ptr[i]) || (i + 1 < s.len && s.ptr[i + 1] & 0x80)))
        i++;
    if (words_cut(t->table->words, span_slice(s, from, i), on_word, t))
        t->table->failed = ERR_NO_MEMORY;
    return i;
}

/* A piece of eight bytes or more begins at from. Returns where it went on to. */
static NOINLINE size_t cut_long(struct tokens *t, struct span s, size_t from)
{
    char *bytes = room(t);
    size_t len = 0, n;

    do {
        uint64_t w = from + len < s.len ? eight(s, from + len) : 0;
        uint64_t stops = ~letters_and_digits(w) & BYTES8_MARKS;

        n = stops ? bytes8_first(stops) : 8;
        if (len < TOKENS_MAX_WORD)
            bytes8_store(bytes + len, w | BYTES8(0x20));
        len += n;
    } while (n == 8);
    if (from + len < s.len && s.ptr[from + len] & 0x80)
        return cut_wide(t, s, from, from + len);
    put_room(t, bytes, MIN(len, TOKENS_MAX_WORD));
    return from + len;
}

static void cut(struct tokens *t, struct span s)
{
    size_t i = 0;

    while (i < s.len) {
        uint64_t w = eight(s, i), words = letters_and_digits(w), stops = ~words & BYTES8_MARKS;
        size_t n = stops ? bytes8_first(stops) : 8;

        if (n == 8) {
            i = cut_long(t, s, i);
        } else if (w >> 8 * n & 0x80) {
            i = cut_wide(t, s, i, i + n);
        } else if (n) {
            put(t, (w | BYTES8(0x20)) & bytes8_before(n), n, NULL);
            i += n + 1;
        } else {
            words |= w & BYTES8_MARKS;
            i += words ? bytes8_first(words) : 8;
        }
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
    mem_free(t->table);
    mem_free(t->numbers);
    mem_free(t->terms);
    mem_free(t->docs);
    mem_free(t->bytes);
    mem_free(t);
}

void tokens_reset(struct tokens *t)
{
    t->n_numbers = t->n_terms = t->n_docs = t->n_bytes = 0;
    t->table->n_batch = t->table->n_scratch = 0;
    t->table->failed = OK;
    t->table->mask = FIRST_SLOTS - 1;
    memset(t->table->slots, 0, FIRST_SLOTS * sizeof *t->table->slots);
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
