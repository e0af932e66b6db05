/* SPDX-License-Identifier: MIT */
#include "crawler/excerpt.h"

#include "crawler/width.h"

#define MAX_MARKS 2000

/* Where a term stands in the text. */
struct found {
    size_t from, to;
    size_t term;
};

struct search {
    const struct match *match;
    struct span text;
    struct word_list words;
    struct found *found; /* in order of from */
    size_t n_found;
};

/* --- finding --------------------------------------------------------------------------- */

static bool stands_at(const struct match_term *term, const struct word_list *words,
                      size_t at)
{
    if (term->n_words > words->len - at)
        return false;
    for (size_t i = 0; i < term->n_words; i++) {
        struct span here = words->items[at + i].folded, want = term->words[i].folded;

        if (i + 1 == term->n_words && term->is_prefix ? !span_starts(here, want)
                                                      : !span_eq(here, want))
            return false;
    }
    return true;
}

static void find_all(struct search *s)
{
    for (size_t at = 0; at < s->words.len; at++)
        for (size_t t = 0; t < s->match->n_terms; t++) {
            const struct match_term *term = &s->match->terms[t];

            if (s->n_found < MAX_MARKS && stands_at(term, &s->words, at))
                s->found[s->n_found++] =
                    (struct found){ s->words.items[at].from,
                                    s->words.items[at + term->n_words - 1].to, t };
        }
}

/* --- choosing ---------------------------------------------------------------------------- */

/* Different terms weigh more than the same one again. */
static size_t weigh(const struct search *s, size_t first, size_t end, size_t *out_next)
{
    bool is_seen[MATCH_MAX_TERMS] = { false };
    size_t weight = 0, i = first;

    for (; i < s->n_found && s->found[i].to <= end; i++) {
        weight += is_seen[s->found[i].term] ? 1 : 64;
        is_seen[s->found[i].term] = true;
    }
    *out_next = i;
    return weight;
}

/* The occurrence that the excerpt should begin with, shortly. */
static size_t best_start(const struct search *s, int columns)
{
    size_t best = 0, most = 0, reached = 0;

    for (size_t i = 0; i < s->n_found; i++) {
        struct span rest = span_skip(s->text, s->found[i].from);
        size_t next, weight;

        weight = weigh(s, i, s->found[i].from + width_prefix(rest, columns), &next);
        if (weight > most) {
            most = weight;
            best = i;
        }
        reached = MAX(reached, next);
        if (reached == s->n_found)
            break; /* what comes has less in it */
    }
    return s->n_found ? s->found[best].from : 0;
}

/* Some words before it, more where the text behind it leaves room, but none of another block of the page. */
static size_t step_back(const struct search *s, size_t from, int columns)
{
    struct span rest = span_skip(s->text, from);
    int behind = width_of(span_slice(rest, 0, width_prefix(rest, columns)));
    size_t reach = width_suffix(span_slice(s->text, 0, from), MAX(columns / 4, columns - behind));
    struct span before = span_slice(s->text, from - reach, from);

    for (size_t i = before.len; i > 0; i--)
        if (before.ptr[i - 1] == '\n')
            return from - (before.len - i);
    if (reach == from)
        return 0;
    for (size_t i = 0; i < s->words.len; i++)
        if (s->words.items[i].from >= from - reach)
            return MIN(s->words.items[i].from, from);
    return from;
}

/* Not in the middle of a word, where that is possible. */
static size_t whole_words(const struct search *s, size_t from, size_t to)
{
    size_t end = from;

    if (to == s->text.len)
        return to;
    for (size_t i = 0; i < s->words.len && s->words.items[i].to <= to; i++)
        end = MAX(end, s->words.items[i].to);
    return end > from ? end : to;
}

/* --- the result ---------------------------------------------------------------------------- */

static enum err copy_line(struct span text, struct arena *mem, struct span *out)
{
    char *copy = arena_try_alloc(mem, text.len + 1);

    if (!copy)
        return ERR_TOO_LARGE;
    for (size_t i = 0; i < text.len; i++)
        copy[i] = text.ptr[i] == '\n' || text.ptr[i] == '\t' || text.ptr[i] == '\r'
                      ? ' '
                      : text.ptr[i];
    *out = span_make(copy, text.len);
    return OK;
}

/* Those between from and to; what overlaps is one mark, as the pairs of a word are. */
static enum err put_marks(const struct search *s, size_t from, size_t to,
                          struct arena *mem, struct excerpt *out)
{
    out->marks = arena_try_array(mem, s->n_found + 1, sizeof *out->marks);
    if (!out->marks)
        return ERR_TOO_LARGE;
    for (size_t i = 0; i < s->n_found; i++) {
        struct excerpt_mark mark = { s->found[i].from - from, s->found[i].to - from };
        struct excerpt_mark *last = out->marks + out->n_marks - 1;

        if (s->found[i].from < from || s->found[i].to > to)
            continue;
        if (out->n_marks && mark.from < last->to)
            last->to = MAX(last->to, mark.to);
        else
            out->marks[out->n_marks++] = mark;
    }
    return OK;
}

enum err excerpt_make(struct words *w, const struct match *match, struct span text,
                      int columns, struct arena *mem, struct excerpt *out)
{
    struct search s = { .match = match, .text = text };
    struct excerpt x = { .text = SPAN_NONE };
    size_t from = 0, to = text.len;
    enum err e = words_split(w, text, mem, &s.words);

    if (e)
        return e;
    s.found = arena_try_array(mem, MAX_MARKS, sizeof *s.found);
    if (!s.found)
        return ERR_TOO_LARGE;
    find_all(&s);
    if (columns) {
        from = step_back(&s, best_start(&s, columns * 3 / 4), columns);
        to = from + width_prefix(span_skip(text, from), columns);
        to = whole_words(&s, from, to);
    }
    e = put_marks(&s, from, to, mem, &x);
    if (!e)
        e = copy_line(span_slice(text, from, to), mem, &x.text);
    x.is_cut_before = from > 0 && text.ptr[from - 1] != '\n';
    x.is_cut_after = to < text.len;
    if (!e)
        *out = x;
    return e;
}
