/* SPDX-License-Identifier: MIT */
#include "crawler/renewal.h"

#include "config/log.h"
#include "config/mem.h"
#include "crawler/outbox.h"
#include "crawler/pool.h"
#include "parse/pack.h"

#define OP_BYTES ((size_t)80 * MIB) /* a body may have 64 */

/* A step: what the store gave, and the parsers' answers to it, which hold the texts. */
struct step {
    struct store_op *op;
    struct pool_job **jobs;
};

static void free_step(struct step *s)
{
    for (size_t i = 0; s->op && i < s->op->u.texts.n_next; i++)
        if (s->jobs && s->jobs[i])
            pool_job_free(s->jobs[i]);
    mem_free(s->jobs);
    if (s->op)
        store_op_free(s->op);
    *s = (struct step){ 0 };
}

static enum err ask(struct crawl *c, const struct store_text *t, struct pool_job **out)
{
    const struct dictionary *d = &c->dictionary;
    int64_t size = MAX(t->size, 0);
    struct job job = { .kind = JOB_TEXT,
                       .url = t->url,
                       .content_type = t->content_type,
                       .product_token = c->product_token,
                       .max_decoded_bytes = (uint64_t)size,
                       .max_text_bytes = JOB_INDEXED_BYTES,
                       .wants_text = true,
                       .inline_body = t->data };

    if (d->body.len && pack_dictionary_id(t->data) == d->id) {
        job.dictionary_id = d->id;
        job.dictionary_offset = (uint64_t)d->body.offset_pages * BODIES_PAGE;
        job.dictionary_len = d->body.len;
    }
    return pool_submit(c->pool, &job, NULL, NULL, out);
}

/* Why this text cannot be had, or NULL. */
static const char *take_text(struct pool_job *job, struct store_text *out)
{
    const struct answer *a = pool_job_answer(job);
    struct span why;

    if (pool_job_failure(job, &why) != POOL_OK)
        return "its parser failed";
    if (a->decode != DECODE_OK)
        return "its body does not unpack";
    out->text = a->bytes;
    return NULL;
}

/* All texts of a step. False when one cannot be had: then the old index, which has it, is better. */
static bool parse(struct crawl *c, struct step *s)
{
    struct store_text *texts = s->op->u.texts.next;
    size_t n = s->op->u.texts.n_next;
    const char *problem = NULL;

    s->jobs = mem_array(n + 1, sizeof(struct pool_job *));
    for (size_t i = 0; i < n; i++)
        if (ask(c, &texts[i], &s->jobs[i]))
            return false;
    for (size_t i = 0; i < n && !problem; i++) {
        if (pool_job_wait(s->jobs[i], DEADLINE_NEVER))
            return false;
        problem = take_text(s->jobs[i], &texts[i]);
        if (problem)
            log_warn("store", "texts-kept", "%.*s: %s, so the full text is not indexed anew",
                     SPAN_ARG(texts[i].url), problem);
    }
    return !problem;
}

/* What before gave is stored, and what comes next is in *out. */
static enum err go_on(struct crawl *c, const struct step *before, struct step *out)
{
    struct store_op *op = store_op_new(STORE_TEXTS, OP_BYTES);
    enum err e;

    if (before->op) {
        size_t n = before->op->u.texts.n_next;

        op->u.texts.done = before->op->u.texts.next;
        op->u.texts.n_done = n;
        op->u.texts.after = n ? op->u.texts.done[n - 1].id : before->op->u.texts.after;
    }
    e = outbox_wait(c, op, DEADLINE_NEVER);
    BUG_IF(e != OK); /* nobody cancels it; before must outlive the op */
    out->op = op;
    return op->result;
}

enum err renewal_run(struct crawl *c)
{
    struct step step = { 0 }, next = { 0 };
    int64_t n_texts = 0;
    bool goes_on = true;
    enum err e = OK;

    while (goes_on && !e && !atomic_load(&c->must_hurry)) {
        e = go_on(c, &step, &next);
        free_step(&step);
        step = next;
        next = (struct step){ 0 };
        goes_on = !e && !step.op->u.texts.is_over && parse(c, &step);
        if (!e)
            n_texts += (int64_t)step.op->u.texts.n_next;
    }
    if (!e && step.op && step.op->u.texts.lacking)
        log_warn("store", "texts-kept",
                 "most of the full text is out of use; to index the rest anew %lld MiB more must be free on the disk",
                 (long long)(step.op->u.texts.lacking / MIB) + 1);
    if (!e && step.op && step.op->u.texts.lost && c->settings->store_bodies != BODIES_NONE)
        log_warn("store", "texts-kept",
                 "most of the full text is out of use; to index the rest anew the bodies of %lld texts must be stored:"
                 " from the next run on those pages are asked for without condition",
                 (long long)step.op->u.texts.lost);
    if (!e && step.op && step.op->u.texts.is_renewed)
        log_info("store", "texts-renewed", "%lld texts indexed anew, more were out of use", (long long)n_texts);
    free_step(&step);
    return e;
}
