/* SPDX-License-Identifier: MIT */
#include "tests/kit/markup.h"

#include <stdio.h>

#include "config/map.h"
#include "config/mem.h"
#include "parse/tokenizer.h"

#define MAX_OPEN 64

struct walk {
    struct markup *out;
    struct map ids;
    char open[MAX_OPEN][24];
    size_t n_open;
};

static void complain(struct walk *w, const char *what, struct span name)
{
    if (!w->out->problem[0])
        snprintf(w->out->problem, sizeof w->out->problem, "%s %.*s", what,
                 SPAN_ARG(name));
}

static bool is_void(struct span name)
{
    return span_eq(name, SPAN("meta")) || span_eq(name, SPAN("link")) ||
           span_eq(name, SPAN("br"));
}

static void look_at(struct walk *w, const struct token *tok, const struct token_attr *a)
{
    struct span v = a->value;
    bool is_href = span_eq(a->name, SPAN("href"));

    w->out->has_script |= span_starts_nocase(a->name, SPAN("on")) ||
                          span_starts_nocase(span_trim(v), SPAN("javascript:"));
    w->out->asks_outside |=
        span_eq(a->name, SPAN("src")) || span_eq(a->name, SPAN("srcset")) ||
        (span_eq(tok->raw, SPAN("link")) && is_href && !span_starts(v, SPAN("data:")));
    if (is_href && v.len && v.ptr[0] != '#' && !span_starts_nocase(v, SPAN("http")) &&
        !span_starts(v, SPAN("data:")))
        complain(w, "a link to", v);
    w->out->n_links += is_href;
    if (!span_eq(a->name, SPAN("id")))
        return;
    if (map_get(&w->ids, v))
        complain(w, "twice the id", v);
    map_set(&w->ids, v, w);
}

static void on_start(struct walk *w, const struct token *tok)
{
    w->out->n_elements++;
    w->out->has_script |= span_eq_nocase(tok->raw, SPAN("script"));
    for (size_t i = 0; i < tok->n_attrs; i++)
        look_at(w, tok, &tok->attrs[i]);
    if (is_void(tok->raw) || tok->is_self_closing)
        return;
    if (w->n_open == MAX_OPEN)
        complain(w, "too deep at", tok->raw);
    else
        snprintf(w->open[w->n_open++], sizeof w->open[0], "%.*s", SPAN_ARG(tok->raw));
}

static void on_end(struct walk *w, struct span name)
{
    if (!w->n_open || !span_eq(name, span_str(w->open[w->n_open - 1])))
        complain(w, "closed out of order:", name);
    else
        w->n_open--;
}

void markup_read(struct span html, struct markup *out)
{
    struct tokenizer *t = mem_alloc(sizeof *t);
    struct walk w = { .out = out };
    const struct token *tok;

    *out = (struct markup){ 0 };
    map_init(&w.ids);
    tokenizer_init(t, html, false, NULL);
    while ((tok = tokenizer_next(t))->type != TOKEN_EOF) {
        out->n_texts += tok->type == TOKEN_TEXT;
        out->asks_outside |=
            tok->type == TOKEN_TEXT &&
            (span_find_nocase(tok->raw, SPAN("@import")) < tok->raw.len ||
             span_find_nocase(tok->raw, SPAN("url(")) < tok->raw.len);
        if (tok->type == TOKEN_START)
            on_start(&w, tok);
        else if (tok->type == TOKEN_END)
            on_end(&w, tok->raw);
        else if (tok->type == TOKEN_COMMENT)
            complain(&w, "a comment", tok->raw);
    }
    if (w.n_open)
        complain(&w, "never closed:", span_str(w.open[w.n_open - 1]));
    map_clear(&w.ids);
    mem_free(t);
}
