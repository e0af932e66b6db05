/* SPDX-License-Identifier: MIT */
#include "store/sieve.h"

#include <string.h>

#include "config/buf.h"
#include "config/mem.h"
#include "store/rank.h"
#include "store/varint.h"

#define N_COLUMN_SETS   (1 << POSTINGS_COLUMNS)

/* The wanted documents: numbered from 0 on in the order of their ids. */
struct numbering {
    struct postings_domain domain; /* its bits are ours */
    uint64_t *bits;
    uint32_t *before; /* by word of bits: how many documents stand before it; NULL: numbers are ids */
    size_t n;
    size_t n_first; /* ids from 0 on that are all wanted: their numbers are ids, too */
};

struct term {
    const struct match_term *words;
    unsigned columns;
    bool is_negated; /* behind NOT: says nothing about how well a document fits */
    uint32_t *frequency; /* by number: the sum of what its places count; 0: it is not there */
    double worth[N_COLUMN_SETS];
    bool is_worth_known[N_COLUMN_SETS];
};

struct sieve {
    struct postings *postings;
    const struct match *match;
    struct term *terms;
    size_t n_terms;
    bool has_or;
    int64_t end;
    double mean_size;
    unsigned columns; /* of the last run */
    struct numbering wanted;
    uint64_t *found; /* a bit for each number */
    size_t n_found;
    size_t n_bytes; /* that the run holds */
};

/* --- memory ------------------------------------------------------------------------ */

static enum err get(struct sieve *s, size_t n, size_t size, void *out)
{
    void *p;

    if (n > (SIEVE_MAX_BYTES - s->n_bytes) / size)
        return ERR_TOO_LARGE;
    s->n_bytes += n * size;
    p = mem_try_zeroed(n * size + 1);
    memcpy(out, &p, sizeof p);
    return p ? OK : ERR_TOO_LARGE;
}

static void drop_numbering(struct numbering *w)
{
    mem_free(w->bits);
    mem_free(w->before);
    *w = (struct numbering){ .n = 0 };
}

static void drop_run(struct sieve *s)
{
    for (size_t i = 0; i < s->n_terms; i++) {
        mem_free(s->terms[i].frequency);
        s->terms[i].frequency = NULL;
    }
    mem_free(s->found);
    s->found = NULL;
    s->n_found = s->n_bytes = 0;
    drop_numbering(&s->wanted);
}

/* --- numbers ----------------------------------------------------------------------- */

static enum err number(struct sieve *s, const struct postings_domain *d, struct numbering *out)
{
    size_t n_words = (size_t)(d->end + 63) / 64;
    enum err e;

    *out = (struct numbering){ .domain = *d, .n = (size_t)d->end, .n_first = (size_t)d->end };
    if (!d->bits)
        return OK;
    e = get(s, n_words + 1, sizeof *out->bits, &out->bits); /* number_of may be asked for domain.end */
    if (!e)
        e = get(s, n_words + 1, sizeof *out->before, &out->before);
    if (e)
        return e;
    memcpy(out->bits, d->bits, n_words * sizeof *out->bits);
    if (d->end % 64)
        out->bits[n_words - 1] &= (UINT64_C(1) << (d->end % 64)) - 1;
    out->domain.bits = out->bits;
    out->n = out->n_first = 0;
    for (size_t i = 0; i < n_words; i++) {
        if (out->n_first == i * 64 && out->bits[i] == UINT64_MAX)
            out->n_first += 64;
        out->before[i] = (uint32_t)out->n;
        out->n += (size_t)__builtin_popcountll(out->bits[i]);
    }
    return OK;
}

static inline size_t number_of(const struct numbering *w, int64_t id)
{
    if (!w->before)
        return (size_t)id;
    return w->before[id / 64] + (size_t)__builtin_popcountll(w->bits[id / 64] & ((UINT64_C(1) << (id % 64)) - 1));
}

/* --- a term ------------------------------------------------------------------------ */

/* Where the words of a phrase that were read so far stand side by side: their first one's places, by number. */
struct held {
    uint32_t at, n; /* of the bytes */
};

struct reading {
    const struct numbering *wanted;
    uint32_t *frequency;
    uint32_t weights[POSTINGS_COLUMNS]; /* 0: the column is not asked for */
    uint32_t end_column;                /* none behind it is */
    size_t n_words;
    size_t word;    /* of the phrase: which one is being read */
    size_t n_alive; /* documents in which it may still stand, of the words before */
    struct held *held;
    uint16_t *round; /* by number: the words that were found there so far */
    struct buf bytes;
};

/* Takes the next place in a column that is asked for. */
static inline bool take_asked(const struct reading *r, struct postings_places *w)
{
    while (postings_take(w)) {
        if (w->place.column >= r->end_column)
            return false;
        if (r->weights[w->place.column])
            return true;
    }
    return false;
}

static enum err on_only_word(void *arg, int64_t id, struct span places)
{
    struct reading *r = arg;
    struct postings_places w = postings_places(places);
    uint32_t *frequency = &r->frequency[number_of(r->wanted, id)];

    while (take_asked(r, &w))
        *frequency += r->weights[w.place.column];
    return OK;
}

static enum err on_first_word(void *arg, int64_t id, struct span places)
{
    struct reading *r = arg;
    size_t number = number_of(r->wanted, id);
    struct postings_places w = postings_places(places);

    if (r->bytes.len + places.len > SIEVE_MAX_BYTES)
        return ERR_TOO_LARGE;
    if (!take_asked(r, &w))
        return OK;
    r->held[number] = (struct held){ (uint32_t)r->bytes.len, (uint32_t)places.len };
    r->round[number] = 1;
    r->n_alive++;
    return buf_append(&r->bytes, places);
}

/* Is there a word at place of the places that are left? Passes over those before it. */
static inline bool meets(struct postings_places *w, bool *has, struct postings_place place)
{
    while (*has && (w->place.column < place.column ||
                    (w->place.column == place.column && w->place.at < place.at)))
        *has = postings_take(w);
    return *has && w->place.column == place.column && w->place.at == place.at;
}

static unsigned char *put_number(unsigned char *to, uint32_t v)
{
    unsigned char bytes[VARINT_MAX_BYTES + 1];
    size_t n = (size_t)(varint_put(bytes, v) - bytes);

    memcpy(to, bytes, n); /* no byte more: what follows is still to be read */
    return to + n;
}

/* Appends a place as postings_take reads it: what is left of a list is never longer than the list was. */
static unsigned char *put_place(unsigned char *to, struct postings_place *last, struct postings_place place)
{
    if (place.column != last->column) {
        *to++ = 1;
        to = put_number(to, place.column);
        *last = (struct postings_place){ place.column, 0 };
    }
    to = put_number(to, place.at - last->at + 2);
    *last = place;
    return to;
}

/* A word in the middle, or the last one. */
static enum err on_next_word(void *arg, int64_t id, struct span places)
{
    struct reading *r = arg;
    size_t number = number_of(r->wanted, id);
    struct held *h = &r->held[number];
    unsigned char *bytes = (unsigned char *)r->bytes.ptr + h->at, *to = bytes;
    struct postings_places first = { bytes, bytes + h->n, { 0, 0 } }, next = postings_places(places);
    struct postings_place last = { 0, 0 };
    bool is_last = r->word + 1 == r->n_words, has;

    if (r->round[number] != r->word)
        return OK;
    has = postings_take(&next);
    while (has && take_asked(r, &first)) {
        struct postings_place place = { first.place.column, first.place.at + (uint32_t)r->word };

        if (!meets(&next, &has, place))
            continue;
        if (is_last)
            r->frequency[number] += r->weights[place.column];
        else
            to = put_place(to, &last, first.place);
    }
    if (!is_last && to > bytes) {
        h->n = (uint32_t)(to - bytes);
        r->round[number]++;
        r->n_alive++;
    }
    return OK;
}

static enum err read_words(struct sieve *s, const struct match_term *t, struct reading *r)
{
    enum err e = OK;

    r->n_alive = 1;
    for (r->word = 0; !e && r->n_alive && r->word < t->n_words; r->word++) {
        r->n_alive = 0;
        e = postings_walk(s->postings, t->words[r->word].folded, t->is_prefix && r->word + 1 == t->n_words,
                          &r->wanted->domain,
                          t->n_words == 1 ? on_only_word
                          : r->word       ? on_next_word
                                          : on_first_word,
                          r);
    }
    return e;
}

/* Fills frequency, which has zeros for all wanted documents. */
static enum err read_term(struct sieve *s, const struct term *t, unsigned columns, const struct numbering *wanted,
                          uint32_t *frequency)
{
    struct reading r = { .wanted = wanted, .frequency = frequency, .n_words = t->words->n_words };
    size_t before = s->n_bytes;
    enum err e = OK;

    if (!columns || !wanted->n)
        return OK;
    if (r.n_words > UINT16_MAX)
        return ERR_TOO_LARGE;
    for (int i = 0; i < POSTINGS_COLUMNS; i++)
        if (columns >> i & 1) {
            r.weights[i] = (uint32_t)rank_weight(i);
            r.end_column = (uint32_t)i + 1;
        }
    if (r.n_words > 1)
        e = get(s, wanted->n, sizeof *r.held, &r.held);
    if (!e && r.n_words > 1)
        e = get(s, wanted->n, sizeof *r.round, &r.round);
    buf_init(&r.bytes, SIEVE_MAX_BYTES - s->n_bytes);
    if (!e)
        e = read_words(s, t->words, &r);
    mem_free(r.held);
    mem_free(r.round);
    buf_clear(&r.bytes);
    s->n_bytes = before;
    return e;
}

/* --- what a term is worth ---------------------------------------------------------- */

/* Where these documents, from the first one on, say it. */
static bool conclude(struct sieve *s, struct term *t, unsigned columns, const uint32_t *frequency, int64_t end)
{
    int64_t n = 0, last = 0;

    for (int64_t id = 0; id < end && n < RANK_LOOKED_AT; id++)
        if (frequency[id]) {
            n++;
            last = id;
        }
    if (n < RANK_LOOKED_AT && end < s->end)
        return false;
    t->worth[columns] = rank_worth(n, last, postings_n_documents(s->postings));
    t->is_worth_known[columns] = true;
    return true;
}

/* From the first documents; where they are too few, from all. */
static enum err find_worth(struct sieve *s, struct term *t, unsigned columns)
{
    struct numbering first = { .domain.end = MIN(s->end, (int64_t)SIEVE_FIRST_DOCUMENTS) };
    size_t before = s->n_bytes;
    enum err e = OK;

    for (bool is_known = false; !e && !is_known; first.domain.end = s->end) {
        uint32_t *frequency = NULL;

        first.n = (size_t)first.domain.end;
        e = get(s, first.n, sizeof *frequency, &frequency);
        if (!e)
            e = read_term(s, t, columns, &first, frequency);
        if (!e)
            is_known = conclude(s, t, columns, frequency, first.domain.end);
        mem_free(frequency);
        s->n_bytes = before;
    }
    return e;
}

enum err sieve_score(struct sieve *s, int64_t id, double *out)
{
    size_t number = number_of(&s->wanted, id);
    int64_t size;
    enum err e = postings_size(s->postings, id, &size);

    *out = 0;
    for (size_t i = 0; !e && i < s->n_terms; i++) {
        struct term *t = &s->terms[i];
        unsigned columns = t->columns & s->columns;

        if (t->is_negated || !t->frequency[number])
            continue;
        if (!t->is_worth_known[columns])
            e = find_worth(s, t, columns);
        *out += rank_part(t->worth[columns], t->frequency[number], (double)size, s->mean_size);
    }
    return e;
}

/* --- a run ------------------------------------------------------------------------- */

/* Documents that match a part of the query, and its terms, which stand together. */
struct part {
    uint64_t *bits;
    size_t first_term, end_term;
};

static size_t n_words_of(size_t n)
{
    return (n + 63) / 64;
}

/* A bit for each of 64 numbers that is not 0. */
static uint64_t bits_of(const uint32_t *numbers)
{
    uint64_t bits = 0;

    for (size_t i = 0; i < 64; i++)
        bits |= (uint64_t)(numbers[i] != 0) << i;
    return bits;
}

static enum err begin_part(struct sieve *s, size_t i, struct part *out)
{
    struct term *t = &s->terms[i];
    size_t n = s->wanted.n;
    enum err e;

    *out = (struct part){ NULL, i, i + 1 };
    e = get(s, n_words_of(n), sizeof *out->bits, &out->bits);
    if (!e)
        e = get(s, n_words_of(n) * 64, sizeof *t->frequency, &t->frequency);
    if (!e)
        e = read_term(s, t, t->columns & s->columns, &s->wanted, t->frequency);
    for (size_t k = 0; !e && k < n_words_of(n); k++)
        out->bits[k] = bits_of(t->frequency + k * 64);
    if (!e && !t->is_worth_known[t->columns & s->columns]) /* else when it is needed */
        (void)!conclude(s, t, t->columns & s->columns, t->frequency, (int64_t)s->wanted.n_first);
    return e;
}

/* Of documents that another part finds: what this one has of them does not count where it does not match. */
static void forget_others(struct sieve *s, const struct part *p)
{
    for (size_t k = 0; k < n_words_of(s->wanted.n); k++)
        for (uint64_t rest = ~p->bits[k]; rest; rest &= rest - 1)
            for (size_t i = p->first_term; i < p->end_term; i++)
                s->terms[i].frequency[k * 64 + (size_t)__builtin_ctzll(rest)] = 0;
}

static void join(struct sieve *s, enum match_kind kind, struct part *a, const struct part *b)
{
    for (size_t i = 0; i < n_words_of(s->wanted.n); i++)
        switch (kind) {
        case MATCH_OR: a->bits[i] |= b->bits[i]; break;
        case MATCH_AND: a->bits[i] &= b->bits[i]; break;
        case MATCH_NOT: a->bits[i] &= ~b->bits[i]; break;
        case MATCH_TERM: break;
        }
    a->end_term = b->end_term;
    if (kind != MATCH_OR && s->has_or)
        forget_others(s, a);
}

/* The whole query's part is the first one then. */
static enum err run_steps(struct sieve *s, struct part *parts)
{
    size_t n_parts = 0, n_terms = 0;
    enum err e = OK;

    for (size_t i = 0; !e && i < s->match->n_steps; i++) {
        enum match_kind kind = s->match->steps[i].kind;

        if (kind == MATCH_TERM) {
            e = begin_part(s, n_terms++, &parts[n_parts++]);
            continue;
        }
        n_parts--;
        join(s, kind, &parts[n_parts - 1], &parts[n_parts]);
        mem_free(parts[n_parts].bits);
        parts[n_parts].bits = NULL;
        s->n_bytes -= n_words_of(s->wanted.n) * sizeof *parts->bits;
    }
    return e;
}

enum err sieve_run(struct sieve *s, const struct postings_domain *domain, unsigned columns)
{
    struct part *parts = mem_array(s->n_terms, sizeof *parts);
    enum err e;

    drop_run(s);
    s->columns = columns;
    e = number(s, domain, &s->wanted);
    if (!e)
        e = run_steps(s, parts);
    if (!e) {
        s->found = parts[0].bits;
        parts[0].bits = NULL;
        for (size_t i = 0; i < n_words_of(s->wanted.n); i++)
            s->n_found += (size_t)__builtin_popcountll(s->found[i]);
    }
    for (size_t i = 0; i < s->n_terms; i++)
        mem_free(parts[i].bits);
    mem_free(parts);
    return e;
}

int64_t sieve_n_found(const struct sieve *s)
{
    return (int64_t)s->n_found;
}

/* The first bit from at on that is there, or n. */
static size_t next_bit(const uint64_t *bits, size_t n, size_t at)
{
    uint64_t rest;

    if (at >= n)
        return n;
    rest = bits[at / 64] >> (at % 64) << (at % 64);
    for (at = at / 64; !rest && ++at < n_words_of(n);)
        rest = bits[at];
    return rest ? MIN(n, at * 64 + (size_t)__builtin_ctzll(rest)) : n;
}

int64_t sieve_next(const struct sieve *s, int64_t from)
{
    const struct numbering *w = &s->wanted;

    if (from < 0 || from >= w->domain.end || !s->found)
        return -1;
    if (!w->before) {
        size_t at = next_bit(s->found, w->n, (size_t)from);

        return at < w->n ? (int64_t)at : -1;
    }
    for (size_t end = (size_t)w->domain.end, id = next_bit(w->bits, end, (size_t)from), at = number_of(w, (int64_t)id);
         id < end; id = next_bit(w->bits, end, id + 1), at++)
        if (s->found[at / 64] >> (at % 64) & 1)
            return (int64_t)id;
    return -1;
}

/* --- life cycle -------------------------------------------------------------------- */

/* The terms behind NOT: those of the latter part, at each. Parts stand for their first terms here. */
static void mark_negated(struct sieve *s)
{
    size_t *firsts = mem_array(s->match->n_steps + 1, sizeof *firsts), n_parts = 0, n_terms = 0;

    for (size_t i = 0; i < s->match->n_steps; i++) {
        const struct match_step *step = &s->match->steps[i];

        s->has_or |= step->kind == MATCH_OR;
        if (step->kind == MATCH_TERM) {
            firsts[n_parts++] = n_terms++;
            continue;
        }
        n_parts--;
        for (size_t k = firsts[n_parts]; step->kind == MATCH_NOT && k < n_terms; k++)
            s->terms[k].is_negated = true;
    }
    mem_free(firsts);
}

enum err sieve_new(struct postings *p, const struct match *m, struct sieve **out)
{
    struct sieve *s = mem_alloc(sizeof *s);
    int64_t n_documents = postings_n_documents(p), n_words = postings_n_words(p);
    enum err e = postings_end(p, &s->end);

    s->postings = p;
    s->match = m;
    s->mean_size = n_documents && n_words ? (double)n_words / (double)n_documents : 1;
    s->terms = mem_array(m->n_steps + 1, sizeof *s->terms);
    for (size_t i = 0; i < m->n_steps; i++) {
        const struct match_step *step = &m->steps[i];
        unsigned columns = step->column == MATCH_ANY_COLUMN ? SIEVE_ALL_COLUMNS : 1u << step->column;

        if (step->kind == MATCH_TERM)
            s->terms[s->n_terms++] = (struct term){ .words = &step->term, .columns = columns };
    }
    mark_negated(s);
    *out = s;
    return e;
}

void sieve_free(struct sieve *s)
{
    if (!s)
        return;
    drop_run(s);
    mem_free(s->terms);
    mem_free(s);
}
