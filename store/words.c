/* SPDX-License-Identifier: MIT */
#include "store/words.h"

#include <sqlite3.h>

#include "config/mem.h"
#include "parse/bigram.h"

struct words {
    fts5_tokenizer calls;
    Fts5Tokenizer *tokenizer;
};

/* As store/migrations/0001_base.sql declares page_text. */
static const char *const arguments[] = { "categories", "L* N* Co Mn Mc" };

fts5_api *words_api(sqlite3 *handle)
{
    fts5_api *api = NULL;
    sqlite3_stmt *st;

    if (sqlite3_prepare_v2(handle, "SELECT fts5(?1)", -1, &st, NULL))
        return NULL;
    sqlite3_bind_pointer(st, 1, &api, "fts5_api_ptr", NULL);
    sqlite3_step(st);
    sqlite3_finalize(st);
    return api;
}

enum err words_open(sqlite3 *handle, struct words **out)
{
    fts5_api *api = words_api(handle);
    struct words *w = mem_alloc(sizeof *w);
    const char *argv[ARRAY_LEN(arguments)] = { arguments[0], arguments[1] };
    void *context;

    if (!api || api->xFindTokenizer(api, "unicode61", &context, &w->calls) ||
        w->calls.xCreate(context, argv, ARRAY_LEN(argv), &w->tokenizer)) {
        mem_free(w);
        return ERR_UNSUPPORTED;
    }
    *out = w;
    return OK;
}

void words_close(struct words *w)
{
    if (!w)
        return;
    w->calls.xDelete(w->tokenizer);
    mem_free(w);
}

int words_cut(struct words *w, struct span text, words_fn *fn, void *arg)
{
    if (text.len > INT32_MAX)
        return SQLITE_TOOBIG;
    return w->calls.xTokenize(w->tokenizer, arg, FTS5_TOKENIZE_DOCUMENT, text.ptr, (int)text.len, fn);
}

/* A piece of a text on its way through the tokenizer. */
struct splitting {
    struct arena *mem;
    struct word_list *list;
    size_t offset; /* of the piece in the text */
    enum err e;
};

static enum err make_room(struct word_list *list, struct arena *mem)
{
    size_t cap = list->cap ? list->cap * 2 : 64;
    struct word *items = arena_try_array(mem, cap, sizeof *items);

    if (!items)
        return ERR_TOO_LARGE;
    if (list->len)
        memcpy(items, list->items, list->len * sizeof *items);
    list->items = items;
    list->cap = cap;
    return OK;
}

static int on_token(void *arg, int flags, const char *token, int n, int from, int to)
{
    struct splitting *s = arg;
    struct word word = { .from = s->offset + (size_t)from,
                         .to = s->offset + (size_t)to };

    (void)flags;
    if (s->list->len == s->list->cap)
        s->e = make_room(s->list, s->mem);
    if (!s->e)
        s->e = arena_try_copy(s->mem, span_make(token, (size_t)n), &word.folded);
    if (s->e)
        return SQLITE_NOMEM;
    s->list->items[s->list->len++] = word;
    return SQLITE_OK;
}

enum err words_split(struct words *w, struct span text, struct arena *mem,
                     struct word_list *out)
{
    struct splitting s = { .mem = mem, .list = out };
    struct bigram_walk walk = { .rest = text };
    struct span piece;
    bool is_unspaced;

    while (!s.e && bigram_next(&walk, &piece, &is_unspaced)) {
        s.offset = (size_t)(piece.ptr - text.ptr);
        if (words_cut(w, piece, on_token, &s) && !s.e)
            s.e = ERR_TOO_LARGE;
    }
    return s.e;
}
