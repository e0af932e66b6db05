/* SPDX-License-Identifier: MIT */
#include "crawler/dictionary.h"

#include "config/mem.h"
#include "crawler/crawl.h"
#include "crawler/outbox.h"
#include "parse/pack.h"

#define OP_BYTES (PACK_MAX_DICTIONARY_BYTES + (size_t)4 * KIB)
/* Making one takes a parser process 0.02 s, on a slow machine 0.1: no page is to fail of that. */
#define MIN_PARSE_MS 1000

static void keep(struct crawl *c, struct span bytes)
{
    struct dictionary *d = &c->dictionary;

    if (bodies_append(c->bodies, &d->body, bytes, bytes.len)) /* there was no room */
        d->id = 0;
}

enum err dictionary_open(struct crawl *c, struct err_note *note)
{
    struct store_dictionary stored;
    struct arena mem;
    enum err e;

    if (c->settings->store_bodies == BODIES_NONE)
        return OK;
    arena_init(&mem, OP_BYTES);
    e = store_load_dictionary(c->store, &mem, &stored, note);
    if (!e) {
        c->dictionary.id = stored.id;
        /* Its place is taken before bodies come, so that it cuts no larger block in two. */
        bodies_hint(c->bodies, &c->dictionary.body, PACK_MAX_DICTIONARY_BYTES);
        keep(c, stored.data);
    }
    arena_clear(&mem);
    return e;
}

void dictionary_close(struct crawl *c)
{
    if (c->bodies)
        bodies_free(c->bodies, &c->dictionary.body);
}

void dictionary_name(const struct crawl *c, struct job *job)
{
    const struct dictionary *d = &c->dictionary;

    if (!job->wants_body && !job->wants_body_all)
        return;
    job->dictionary_id = d->id;
    if (d->body.len) {
        job->dictionary_offset = (uint64_t)d->body.offset_pages * BODIES_PAGE;
        job->dictionary_len = d->body.len;
    } else {
        job->wants_dictionary = d->id && (!c->settings->parse_time_ms ||
                                          c->settings->parse_time_ms >= MIN_PARSE_MS);
    }
}

/* Submitted before any visit whose body was packed with it, so it is stored before them. */
void dictionary_take(struct crawl *c, struct span bytes)
{
    struct dictionary *d = &c->dictionary;
    struct store_op *op;

    if (!bytes.len || d->body.len || !d->id)
        return;
    keep(c, bytes);
    if (!d->body.len)
        return;
    op = store_op_new(STORE_DICTIONARY, OP_BYTES);
    op->u.dictionary.id = d->id;
    op->u.dictionary.data = arena_copy(&op->mem, bytes);
    op->on_done = store_op_free_done;
    outbox_submit(c, op);
    crawl_event(c, "info", "parser", "dictionary", 0,
                "bodies are compressed with dictionary %u from now on", d->id);
}
