/* SPDX-License-Identifier: MIT */
#include "store/match.h"

#include "config/mem.h"
#include "parse/bigram.h"

#define MAX_EXPRESSION ((size_t)1 * MIB)
#define MAX_DEPTH      50
#define MAX_USUAL      8 /* words instead of a beginning: each costs for every hit */

enum token {
    TOKEN_END,
    TOKEN_TERM,
    TOKEN_OPEN,
    TOKEN_CLOSE,
    TOKEN_AND,
    TOKEN_OR,
    TOKEN_NOT,
};

struct parser {
    struct words *words;
    struct span query;
    struct arena *mem;
    struct err_note *note;
    const struct word_list *usual;
    struct buf out, likely;
    bool has_likely; /* that differs from out */
    struct match_term *terms;
    size_t n_terms;
    size_t n_all; /* with those behind NOT */
    int depth;
    bool is_negated;
    size_t wrong_at;
    /* The token that comes next. */
    enum token token;
    size_t from, to;    /* where it stands */
    struct span column; /* of a term: its column, or none */
    struct span text;   /* of a term, without quotes and star */
    bool is_prefix;
};

static enum err wrong(struct parser *p, size_t at, const char *what)
{
    p->wrong_at = at;
    return err_set(p->note, ERR_USAGE, "%s", what);
}

/* --- tokens ------------------------------------------------------------------------- */

static bool ends_word(char c)
{
    return span_is_space(c) || c == '(' || c == ')' || c == '"';
}

static size_t column_prefix(struct span rest, struct span *out)
{
    static const struct span names[] = { { "title:", 6 },
                                         { "description:", 12 },
                                         { "text:", 5 } };

    for (size_t i = 0; i < ARRAY_LEN(names); i++)
        if (span_starts(rest, names[i]) && rest.len > names[i].len &&
            (rest.ptr[names[i].len] == '"' || !ends_word(rest.ptr[names[i].len]))) {
            *out = span_slice(names[i], 0, names[i].len - 1);
            return names[i].len;
        }
    return 0;
}

static enum err read_phrase(struct parser *p)
{
    struct span rest = span_skip(p->query, p->to + 1);
    size_t end = span_find(rest, '"');

    if (end == rest.len)
        return wrong(p, p->to, "a quotation mark that opens and does not close");
    p->text = span_slice(rest, 0, end);
    p->to += end + 2;
    if (p->to < p->query.len && p->query.ptr[p->to] == '*') {
        p->is_prefix = true;
        p->to++;
    }
    return OK;
}

static void read_word(struct parser *p)
{
    size_t start = p->to;

    while (p->to < p->query.len && !ends_word(p->query.ptr[p->to]))
        p->to++;
    p->text = span_slice(p->query, start, p->to);
    while (p->text.len > 1 && p->text.ptr[p->text.len - 1] == '*') {
        p->is_prefix = true;
        p->text.len--;
    }
}

static enum err read_term(struct parser *p)
{
    static const struct {
        struct span word;
        enum token token;
    } operators[] = { { { "AND", 3 }, TOKEN_AND },
                      { { "OR", 2 }, TOKEN_OR },
                      { { "NOT", 3 }, TOKEN_NOT } };

    p->token = TOKEN_TERM;
    p->is_prefix = false;
    p->column = SPAN_NONE;
    p->to += column_prefix(span_skip(p->query, p->to), &p->column);
    if (p->query.ptr[p->to] == '"')
        return read_phrase(p);
    read_word(p);
    for (size_t i = 0; i < ARRAY_LEN(operators); i++)
        if (!p->column.len && span_eq(p->text, operators[i].word))
            p->token = operators[i].token;
    return OK;
}

/* Takes the next token. */
static enum err next(struct parser *p)
{
    while (p->to < p->query.len && span_is_space(p->query.ptr[p->to]))
        p->to++;
    p->from = p->to;
    if (p->to == p->query.len) {
        p->token = TOKEN_END;
        return OK;
    }
    if (p->query.ptr[p->to] == '(' || p->query.ptr[p->to] == ')') {
        p->token = p->query.ptr[p->to++] == '(' ? TOKEN_OPEN : TOKEN_CLOSE;
        return OK;
    }
    return read_term(p);
}

/* --- terms ---------------------------------------------------------------------------- */

/* Does it end in one unit of a script without spaces? The index has that in front of its pair only. */
static bool ends_single(struct span text)
{
    struct bigram_walk walk = { .rest = text };
    struct span piece;
    bool is_unspaced, is_single = false;

    while (bigram_next(&walk, &piece, &is_unspaced))
        is_single = is_unspaced && !walk.is_in_run;
    return is_single;
}

static enum err put_quoted(struct buf *out, struct span text)
{
    enum err e = buf_append_byte(out, '"');

    for (size_t i = 0; !e && i < text.len; i++) {
        char c = text.ptr[i];

        if (c == '"')
            e = buf_append_byte(out, '"');
        if (!e)
            e = buf_append_byte(out, c ? c : ' ');
    }
    return e ? e : buf_append_byte(out, '"');
}

/* Appends to both expressions. */
static enum err put(struct parser *p, struct span s)
{
    enum err e = buf_append(&p->out, s);

    return e ? e : buf_append(&p->likely, s);
}

/* ("these" OR "theirs"): usual words that begin with start. Nothing where there are none. */
static enum err put_usual(struct parser *p, struct span start)
{
    struct span found[MAX_USUAL];
    size_t n = 0;
    enum err e = OK;

    for (size_t i = 0; p->usual && i < p->usual->len && n < MAX_USUAL; i++) {
        struct span word = p->usual->items[i].folded;
        size_t k = 0;

        while (k < n && !span_eq(found[k], word))
            k++;
        if (k == n && span_starts(word, start))
            found[n++] = word;
    }
    for (size_t i = 0; !e && i < n; i++) {
        e = buf_append(&p->likely, i ? SPAN(" OR ") : SPAN("("));
        if (!e)
            e = put_quoted(&p->likely, found[i]);
    }
    p->has_likely |= n > 0;
    return e || !n ? e : buf_append_byte(&p->likely, ')');
}

/* text as the index has it, its last word as a beginning where the term is a prefix. */
static enum err put_exact(const struct parser *p, struct span text, struct buf *out)
{
    enum err e = put_quoted(out, text);

    return e || !p->is_prefix ? e : buf_append(out, SPAN(" *"));
}

static enum err put_words(struct parser *p, const struct word_list *list)
{
    struct buf pairs;
    size_t before;
    enum err e;

    buf_init(&pairs, MAX_EXPRESSION);
    e = bigram_append(p->text, &pairs);
    if (!e && p->column.len)
        e = put(p, arena_format(p->mem, "{%.*s} : ", SPAN_ARG(p->column)));
    before = p->likely.len;
    if (!e && p->is_prefix && !p->is_negated && list->len == 1)
        e = put_usual(p, list->items[0].folded);
    if (!e && p->likely.len == before)
        e = put_exact(p, buf_span(&pairs), &p->likely);
    if (!e)
        e = put_exact(p, buf_span(&pairs), &p->out);
    buf_clear(&pairs);
    return e;
}

static enum err put_term(struct parser *p)
{
    struct word_list list = { 0 };
    enum err e = words_split(p->words, p->text, p->mem, &list);

    if (e)
        return e;
    if (!list.len)
        return wrong(p, p->from, "no letter or digit to search for");
    if (p->n_all++ == MATCH_MAX_TERMS)
        return err_set(p->note, ERR_TOO_LARGE, "more than %d words to search for",
                       MATCH_MAX_TERMS);
    p->is_prefix |= ends_single(p->text);
    if (!p->is_negated)
        p->terms[p->n_terms++] =
            (struct match_term){ list.items, list.len, p->is_prefix };
    e = put_words(p, &list);
    return e ? e : next(p);
}

/* --- grammar -------------------------------------------------------------------------- */

static enum err put_or(struct parser *p);

static enum err put_primary(struct parser *p)
{
    size_t opened = p->from;
    enum err e;

    if (p->token == TOKEN_TERM)
        return put_term(p);
    if (p->token == TOKEN_END)
        return wrong(p, p->from, "a word is missing at the end");
    if (p->token == TOKEN_CLOSE)
        return wrong(p, p->from, "a word is missing before this parenthesis");
    if (p->token != TOKEN_OPEN)
        return wrong(p, p->from, "a word is missing before this operator");
    if (++p->depth > MAX_DEPTH)
        return wrong(p, p->from, "too many parentheses, one in another");
    e = next(p);
    if (!e)
        e = put_or(p);
    if (!e && p->token != TOKEN_CLOSE)
        return wrong(p, opened, "a parenthesis that opens and does not close");
    p->depth--;
    return e ? e : next(p);
}

static enum err put_not(struct parser *p)
{
    bool was_negated = p->is_negated;
    enum err e = put(p, SPAN("("));

    if (!e)
        e = put_primary(p);
    while (!e && p->token == TOKEN_NOT) {
        p->is_negated = true;
        e = next(p);
        if (!e)
            e = put(p, SPAN(" NOT "));
        if (!e)
            e = put_primary(p);
        p->is_negated = was_negated;
    }
    return e ? e : put(p, SPAN(")"));
}

static enum err put_and(struct parser *p)
{
    enum err e = put(p, SPAN("("));

    if (!e)
        e = put_not(p);
    while (!e && (p->token == TOKEN_AND || p->token == TOKEN_TERM ||
                  p->token == TOKEN_OPEN)) {
        if (p->token == TOKEN_AND)
            e = next(p);
        if (!e)
            e = put(p, SPAN(" AND "));
        if (!e)
            e = put_not(p);
    }
    return e ? e : put(p, SPAN(")"));
}

static enum err put_or(struct parser *p)
{
    enum err e = put(p, SPAN("("));

    if (!e)
        e = put_and(p);
    while (!e && p->token == TOKEN_OR) {
        e = next(p);
        if (!e)
            e = put(p, SPAN(" OR "));
        if (!e)
            e = put_and(p);
    }
    return e ? e : put(p, SPAN(")"));
}

enum err match_parse(struct words *w, struct span query, const struct word_list *usual, struct arena *mem,
                     struct match *out, struct err_note *note)
{
    struct parser p = { .words = w, .query = query, .usual = usual, .mem = mem, .note = note };
    enum err e;

    buf_init(&p.out, MAX_EXPRESSION);
    buf_init(&p.likely, MAX_EXPRESSION);
    p.terms = arena_try_array(mem, MATCH_MAX_TERMS, sizeof *p.terms);
    e = p.terms ? next(&p) : ERR_NO_MEMORY;
    if (!e && p.token == TOKEN_END)
        e = wrong(&p, 0, "there is no word in it");
    if (!e)
        e = put_or(&p);
    if (!e && p.token == TOKEN_CLOSE)
        e = wrong(&p, p.from, "a parenthesis that closes and was not opened");
    if (!e)
        e = arena_try_copy(mem, buf_span(&p.out), &out->expression);
    out->likely = SPAN_NONE;
    if (!e && p.has_likely)
        e = arena_try_copy(mem, buf_span(&p.likely), &out->likely);
    out->terms = p.terms;
    out->n_terms = p.n_terms;
    out->wrong_at = p.wrong_at;
    buf_clear(&p.out);
    buf_clear(&p.likely);
    return e;
}
