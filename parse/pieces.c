/* SPDX-License-Identifier: MIT */
#include "parse/pieces.h"

#include "config/mem.h"
#include "parse/bytes8.h"

/* Of all words one in sixteen is taken, told by its hash, so that it is the same ones in every sample. */
#define PLACE_BITS 18
#define PLACES     ((size_t)1 << PLACE_BITS)
#define PICK_SHIFT (64 - PLACE_BITS - 4)
#define PICK_MASK  15u

/* One in so many words of a piece must be in another sample, on the average; less is chance. */
#define LEAST_SHARE 2

struct piece {
    size_t at, len;
    size_t first, n; /* its words, each once */
    uint64_t worth;  /* at the last look; it only falls */
    bool is_chosen;
};

/* A word is the place that its hash gives it; those of one place count as one. */
struct choice {
    struct span samples;
    uint32_t *seen_in; /* by word: the piece, from 1, that had it last */
    uint32_t *others;  /* by word: samples that have it, but for one; 0: chosen */
    uint32_t *words;   /* of all pieces */
    size_t n_words;
    struct piece *pieces;
    size_t n;
};

/* Puts those that begin and end in the piece behind all words so far, and counts them. */
static size_t find_words(const struct choice *c, const struct piece *p)
{
    uint32_t *words = c->words + c->n_words;
    size_t n = 0;

    for (size_t i = 0; i + PIECES_WORD_BYTES <= p->len; i++) {
        uint64_t hash = bytes8_load(c->samples.ptr + p->at + i) *
                        UINT64_C(0xCF1BBCDCB7A56463); /* odd, and no pattern in it */

        words[n] = (uint32_t)(hash >> (64 - PLACE_BITS));
        n += (hash >> PICK_SHIFT & PICK_MASK) == 0;
    }
    return n;
}

/* first: the number of its sample's first piece. */
static void add_piece(struct choice *c, size_t first, size_t at, size_t len)
{
    struct piece *p = &c->pieces[c->n++];
    size_t found;

    *p = (struct piece){ .at = at, .len = len, .first = c->n_words };
    found = find_words(c, p);
    for (size_t i = 0; i < found; i++) {
        uint32_t word = c->words[p->first + i];

        if (c->seen_in[word] == c->n)
            continue;
        c->others[word] += c->seen_in[word] < first;
        c->seen_in[word] = (uint32_t)c->n;
        c->words[c->n_words++] = word;
    }
    p->n = c->n_words - p->first;
}

/* For each of its words that no chosen piece has: the other samples that would be shorter by it. */
static uint64_t look(const struct choice *c, const struct piece *p)
{
    uint64_t worth = 0;

    for (size_t i = p->first; i < p->first + p->n; i++)
        worth += c->others[c->words[i]];
    return worth;
}

static void choose(struct choice *c, struct piece *p, size_t room)
{
    p->is_chosen = true;
    p->len = MIN(p->len, room);
    for (size_t i = p->first; i < p->first + p->n; i++)
        c->others[c->words[i]] = 0;
}

/* The one that was worth most at its last look; NULL when none is worth its room. */
static struct piece *find_best(const struct choice *c)
{
    struct piece *best = NULL;

    for (size_t i = 0; i < c->n; i++) {
        struct piece *p = &c->pieces[i];

        if (!p->is_chosen && p->worth > (best ? best->worth : 0) &&
            p->worth * LEAST_SHARE >= p->n)
            best = p;
    }
    return best;
}

/* The best one first. A worth that still holds is the largest, as no other can have risen. */
static void choose_best(struct choice *c, size_t room)
{
    while (room) {
        struct piece *p = find_best(c);
        uint64_t now;

        if (!p)
            return;
        now = look(c, p);
        if (now == p->worth) {
            choose(c, p, room);
            room -= p->len;
        }
        p->worth = now;
    }
}

static void cut(struct choice *c, const size_t *sizes, size_t n)
{
    size_t at = 0;

    for (size_t i = 0; i < n; i++) {
        size_t first = c->n + 1;

        for (size_t done = 0; done < sizes[i]; done += PIECES_BYTES)
            add_piece(c, first, at + done, MIN(PIECES_BYTES, sizes[i] - done));
        at += sizes[i];
    }
    BUG_IF(at != c->samples.len);
    for (size_t i = 0; i < PLACES; i++)
        c->others[i] -= c->others[i] != 0;
    for (size_t i = 0; i < c->n; i++)
        c->pieces[i].worth = look(c, &c->pieces[i]);
}

static enum err put_chosen(const struct choice *c, struct buf *out)
{
    size_t before = out->len;
    enum err e = OK;

    for (size_t i = 0; !e && i < c->n; i++) {
        const struct piece *p = &c->pieces[i];

        if (p->is_chosen)
            e = buf_append(out, span_slice(c->samples, p->at, p->at + p->len));
    }
    if (e)
        out->len = before;
    return e;
}

enum err pieces_choose(struct span samples, const size_t *sizes, size_t n, size_t room,
                       struct buf *out)
{
    size_t most = samples.len / PIECES_BYTES + n;
    struct choice c = {
        .samples = samples,
        .seen_in = mem_try_zeroed(PLACES * sizeof *c.seen_in),
        .others = mem_try_zeroed(PLACES * sizeof *c.others),
        .words = mem_try_alloc((samples.len + 1) * sizeof *c.words),
        .pieces = mem_try_alloc((most + 1) * sizeof *c.pieces),
    };
    enum err e = ERR_NO_MEMORY;

    if (c.seen_in && c.others && c.words && c.pieces) {
        cut(&c, sizes, n);
        choose_best(&c, room);
        e = put_chosen(&c, out);
    }
    mem_free(c.seen_in);
    mem_free(c.others);
    mem_free(c.words);
    mem_free(c.pieces);
    return e;
}
