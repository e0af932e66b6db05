/* SPDX-License-Identifier: MIT */
#include "store/match.h"

#include "config/mem.h"
#include "parse/bigram.h"

#define MAX_EXPRESSION ((size_t)1 * MIB)
#define MAX_DEPTH      50

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
    struct buf out;
    struct match_term *terms;
    size_t n_terms;
    struct match_step *steps;
    size_t n_steps;
    size_t n_all; /* with those behind NOT */
    int depth;
    bool is_negated;
    size_t wrong_at;
    /* The token that comes next. */
    enum token token;
    size_t from, to;    /* where it stands */
    struct span column; /* of a term: its column, or none */
    int column_number;  /* as match_step has it */
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

/* In the order in which page_text has them. */
static size_t column_prefix(struct span rest, struct span *out, int *number)
{
    static const struct span names[] = { { "title:", 6 },
                                         { "description:", 12 },
                                         { "text:", 5 } };

    for (size_t i = 0; i < ARRAY_LEN(names); i++)
        if (span_starts(rest, names[i]) && rest.len > names[i].len &&
            (rest.ptr[names[i].len] == '"' || !ends_word(rest.ptr[names[i].len]))) {
            *out = span_slice(names[i], 0, names[i].len - 1);
            *number = (int)i;
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
    p->column_number = MATCH_ANY_COLUMN;
    p->to += column_prefix(span_skip(p->query, p->to), &p->column, &p->column_number);
    if (p->query.ptr[p->to] == '"')
        return read_phrase(p);
    read_word(p);
    for (size_t i = 0; i < ARRAY_LEN(operators); i++)
        if (!p->column.len && span_eq(p->text, operators[i].word))
            p->token = operators[i].token;
    return OK;
}

/* A dash in front of what is to be left out, as search engines have it; two are an option's name. */
static bool begins_exclusion(struct span rest)
{
    char after = rest.len > 1 ? rest.ptr[1] : ' ';

    return rest.ptr[0] == '-' && after != '-' && after != ')' && !span_is_space(after);
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
    if (begins_exclusion(span_skip(p->query, p->to))) {
        p->token = TOKEN_NOT;
        p->to++;
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

static enum err put(struct parser *p, struct span s)
{
    return buf_append(&p->out, s);
}

/* The text as the index has it, its last word as a beginning where the term is a prefix. */
static enum err put_words(struct parser *p)
{
    struct buf pairs;
    enum err e;

    buf_init(&pairs, MAX_EXPRESSION);
    e = bigram_append(p->text, &pairs);
    if (!e && p->column.len)
        e = put(p, arena_format(p->mem, "{%.*s} : ", SPAN_ARG(p->column)));
    if (!e)
        e = put_quoted(&p->out, buf_span(&pairs));
    if (!e && p->is_prefix)
        e = put(p, SPAN(" *"));
    buf_clear(&pairs);
    return e;
}

/* There is room: joints are fewer than terms. */
static void add_joint(struct parser *p, enum match_kind kind)
{
    p->steps[p->n_steps++] = (struct match_step){ .kind = kind };
}

static enum err put_term(struct parser *p)
{
    struct word_list list = { 0 };
    struct match_term term;
    enum err e = words_split(p->words, p->text, p->mem, &list);

    if (e)
        return e;
    if (!list.len)
        return wrong(p, p->from, "no letter or digit to search for");
    if (p->n_all++ == MATCH_MAX_TERMS)
        return err_set(p->note, ERR_TOO_LARGE, "more than %d words to search for",
                       MATCH_MAX_TERMS);
    p->is_prefix |= ends_single(p->text);
    term = (struct match_term){ list.items, list.len, p->is_prefix };
    p->steps[p->n_steps++] = (struct match_step){ MATCH_TERM, term, p->column_number };
    if (!p->is_negated)
        p->terms[p->n_terms++] = term;
    e = put_words(p);
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
    if (p->token == TOKEN_NOT && p->query.ptr[p->from] == '-')
        return wrong(p, p->from, "a word to look for is missing before what is left out (in quotes it is a word)");
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
        if (!e)
            add_joint(p, MATCH_NOT);
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
        if (!e)
            add_joint(p, MATCH_AND);
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
        if (!e)
            add_joint(p, MATCH_OR);
    }
    return e ? e : put(p, SPAN(")"));
}

enum err match_parse(struct words *w, struct span query, struct arena *mem, struct match *out,
                     struct err_note *note)
{
    struct parser p = { .words = w, .query = query, .mem = mem, .note = note };
    enum err e;

    buf_init(&p.out, MAX_EXPRESSION);
    p.terms = arena_try_array(mem, MATCH_MAX_TERMS, sizeof *p.terms);
    p.steps = arena_try_array(mem, (size_t)2 * MATCH_MAX_TERMS, sizeof *p.steps);
    e = p.terms && p.steps ? next(&p) : ERR_NO_MEMORY;
    if (!e && p.token == TOKEN_END)
        e = wrong(&p, 0, "there is no word in it");
    if (!e)
        e = put_or(&p);
    if (!e && p.token == TOKEN_CLOSE)
        e = wrong(&p, p.from, "a parenthesis that closes and was not opened");
    if (!e)
        e = arena_try_copy(mem, buf_span(&p.out), &out->expression);
    out->terms = p.terms;
    out->n_terms = p.n_terms;
    out->steps = p.steps;
    out->n_steps = p.n_steps;
    out->wrong_at = p.wrong_at;
    buf_clear(&p.out);
    return e;
}
