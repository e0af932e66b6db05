/* SPDX-License-Identifier: MIT */
#include "store/segment.h"

#include "config/mem.h"
#include "parse/bytes8.h"
#include "store/leaves.h"
#include "store/shadow.h"
#include "store/varint.h"

/* Of the first level: as many as make FTS5 merge them inside a commit (crisismerge, text.c), so it does the next. */
#define MOST_FIRST 512
/* A place in one document needs three bytes at most: distances are below 2^21. */
#define LENGTH_BYTES   VARINT_MAX_BYTES
#define MAX_LIST_BYTES (LENGTH_BYTES + 3 * TOKENS_MAX_TERMS + (size_t)8 * TOKENS_COLUMNS + LEAVES_SLACK)
/* A byte in a list of places that says that a column's number follows. */
#define COLUMN_MARK 1
#define RADIX_BITS  11

/* Where a word stands, in one number: which document, which of its columns, and how many words before it. */
#define AT_BITS     18
#define COLUMN_BITS 2
#define DOC_SHIFT   (AT_BITS + COLUMN_BITS)
_Static_assert(TOKENS_MAX_TERMS <= 1 << AT_BITS && TOKENS_COLUMNS <= 1 << COLUMN_BITS &&
                   TOKENS_MAX_DOCS <= UINT64_C(1) << (32 - DOC_SHIFT),
               "a place has 32 bits");

struct entry {
    uint64_t key; /* the first eight bytes of a term as a number: in order where terms are */
    uint32_t term, len;
};

struct segment {
    struct db *db;
    struct tokens *tokens;
    struct leaves *leaves;
    uint32_t *places;        /* of all words, those of a term together */
    uint32_t *ends;          /* by term: the number of its words; then where its places end */
    struct entry *order;     /* the terms in the order of their bytes */
    struct entry *spare;     /* for sorting */
    unsigned char *list;     /* a document's places of one term */
    struct shadow shadow;
};

/* --- the terms in order ------------------------------------------------------------ */

/* By eleven bits of the key, those that are equal as they were. */
static void sort_by(const struct entry *from, struct entry *to, size_t n, unsigned shift)
{
    uint32_t starts[1 << RADIX_BITS] = { 0 }, sum = 0;
    uint64_t mask = (1 << RADIX_BITS) - 1;

    for (size_t i = 0; i < n; i++)
        starts[from[i].key >> shift & mask]++;
    for (size_t i = 0; i <= mask; i++) {
        uint32_t count = starts[i];

        starts[i] = sum;
        sum += count;
    }
    for (size_t i = 0; i < n; i++)
        to[starts[from[i].key >> shift & mask]++] = from[i];
}

/* The bytes of a term: of a short one they are made of the key, into head. */
static struct span bytes_of(const struct tokens *t, const struct entry *e, char head[static 8])
{
    bytes8_store(head, __builtin_bswap64(e->key));
    return e->len > 8 ? span_make(t->bytes + t->terms[e->term].at, e->len) : span_make(head, e->len);
}

static int compare(const void *a, const void *b, void *tokens)
{
    char heads[2][8];

    return span_cmp(bytes_of(tokens, a, heads[0]), bytes_of(tokens, b, heads[1]));
}

static void sort_terms(struct segment *s)
{
    struct tokens *t = s->tokens;
    struct entry *from = s->order, *to = s->spare;

    for (size_t i = 0; i < t->n_terms; i++)
        from[i] = (struct entry){ __builtin_bswap64(t->terms[i].head), (uint32_t)i, t->terms[i].len };
    for (unsigned shift = 0; shift < 64; shift += RADIX_BITS) { /* six times: it ends where it began */
        struct entry *was = from;

        sort_by(from, to, t->n_terms, shift);
        from = to;
        to = was;
    }
    for (size_t i = 0, n; i < t->n_terms; i += n) {
        for (n = 1; i + n < t->n_terms && from[i].key == from[i + n].key; n++)
            ;
        if (n > 1)
            qsort_r(from + i, n, sizeof *from, compare, t);
    }
}

/* --- the places in the order of their terms ----------------------------------------- */

static void sort_places(struct segment *s)
{
    const struct tokens *t = s->tokens;
    uint32_t sum = 0;
    size_t i = 0;

    memset(s->ends, 0, t->n_terms * sizeof *s->ends);
    for (size_t k = 0; k < t->n_numbers; k++)
        s->ends[t->numbers[k]]++;
    for (size_t k = 0; k < t->n_terms; k++) {
        uint32_t *end = &s->ends[s->order[k].term], count = *end;

        *end = sum;
        sum += count;
    }
    for (size_t k = 0; k < t->n_docs * TOKENS_COLUMNS; k++) {
        size_t doc = k / TOKENS_COLUMNS, column = k % TOKENS_COLUMNS, end = t->docs[doc].ends[column];
        uint32_t place = (uint32_t)(doc << DOC_SHIFT | column << AT_BITS);

        for (; i < end; i++)
            s->places[s->ends[t->numbers[i]]++] = place++;
    }
}

/* --- the segment ------------------------------------------------------------------- */

/* The places of one document, which begin at from, of a term's that reach to end. Returns where the next one's do. */
static size_t write_doc(struct segment *s, size_t from, size_t end)
{
    const uint32_t *places = s->places;
    uint32_t place = places[from], doc = place >> DOC_SHIFT, last = doc << DOC_SHIFT; /* the column's first */
    unsigned char length[LENGTH_BYTES], *begin = s->list + LENGTH_BYTES, *to = begin;
    size_t n_length, i = from;

    do {
        if ((place ^ last) >> AT_BITS) {
            last = place >> AT_BITS << AT_BITS;
            *to++ = COLUMN_MARK;
            *to++ = (unsigned char)(place >> AT_BITS & ((1 << COLUMN_BITS) - 1));
        }
        to = varint_put(to, place - last + 2);
        last = place;
        place = ++i < end ? places[i] : ~last;
    } while (place >> DOC_SHIFT == doc);
    n_length = (size_t)(varint_put(length, (uint64_t)(to - begin) * 2) - length); /* odd would say: deleted */
    begin -= n_length;
    if (n_length == 1)
        *begin = length[0];
    else
        memcpy(begin, length, n_length);
    leaves_doc(s->leaves, s->tokens->docs[doc].id, begin, (size_t)(to - begin));
    return i;
}

static void write_segment(struct segment *s)
{
    uint32_t id = shadow_take_id(&s->shadow);
    size_t i = 0;

    if (!id) {
        db_fail(s->db, ERR_FULL, "the full text has as many segments as FTS5 allows");
        return;
    }
    sort_terms(s);
    sort_places(s);
    leaves_begin(s->leaves, &s->shadow, id);
    for (size_t k = 0; k < s->tokens->n_terms && !s->db->failed; k++) {
        const struct entry *e = &s->order[k];
        size_t end = s->ends[e->term];
        char head[8];

        leaves_term(s->leaves, bytes_of(s->tokens, e, head));
        while (i < end)
            i = write_doc(s, i, end);
    }
    shadow_add_segment(&s->shadow, id, leaves_end(s->leaves));
}

/* What was taken so far. Documents without a word have a row of sizes and no segment. */
static void write_out(struct segment *s)
{
    struct tokens *t = s->tokens;
    uint32_t before = 0;

    tokens_settle(t);
    for (size_t i = 0; i < t->n_docs; i++) {
        uint32_t n_words[TOKENS_COLUMNS];

        for (size_t c = 0; c < TOKENS_COLUMNS; c++) {
            n_words[c] = t->docs[i].ends[c] - before;
            before = t->docs[i].ends[c];
        }
        shadow_put_doc(&s->shadow, t->docs[i].id, n_words);
    }
    if (t->n_terms)
        write_segment(s);
    tokens_reset(t);
}

/* --- interface --------------------------------------------------------------------- */

enum err segment_new(struct db *d, struct segment **out)
{
    struct tokens *tokens;
    struct segment *s;
    enum err e = tokens_new(d->handle, &tokens);

    if (e)
        return e;
    s = mem_alloc(sizeof *s);
    s->db = d;
    s->tokens = tokens;
    s->leaves = leaves_new();
    s->places = mem_resize(NULL, TOKENS_MAX * sizeof *s->places);
    s->ends = mem_resize(NULL, TOKENS_MAX_TERMS * sizeof *s->ends);
    s->order = mem_resize(NULL, TOKENS_MAX_TERMS * sizeof *s->order);
    s->spare = mem_resize(NULL, TOKENS_MAX_TERMS * sizeof *s->spare);
    s->list = mem_resize(NULL, MAX_LIST_BYTES);
    *out = s;
    return OK;
}

void segment_free(struct segment *s)
{
    if (!s)
        return;
    tokens_free(s->tokens);
    leaves_free(s->leaves);
    mem_free(s->places);
    mem_free(s->ends);
    mem_free(s->order);
    mem_free(s->spare);
    mem_free(s->list);
    mem_free(s);
}

bool segment_begin(struct segment *s)
{
    tokens_reset(s->tokens);
    return shadow_read(s->db, MOST_FIRST, &s->shadow) && !s->db->failed;
}

bool segment_add(struct segment *s, int64_t id, const struct span columns[TOKENS_COLUMNS])
{
    struct tokens *t = s->tokens;
    size_t n = 0;
    enum err e;

    for (size_t i = 0; i < TOKENS_COLUMNS; i++)
        n += columns[i].len;
    if (n > TOKENS_MAX_TEXT)
        return false;
    /* Ids ascend in a list. */
    if (t->n_docs && (!tokens_fit(t, n) || id <= t->docs[t->n_docs - 1].id))
        write_out(s);
    e = tokens_add(t, id, columns);
    if (e)
        db_fail(s->db, e, "no memory for the words of a text");
    return true;
}

int segment_end(struct segment *s)
{
    write_out(s);
    if (!s->db->failed)
        shadow_save(&s->shadow);
    return (int)s->shadow.n_added;
}
