/* SPDX-License-Identifier: MIT */
#include "parse/page.h"

#include "parse/bigram.h"
#include "parse/charset.h"
#include "parse/feed.h"
#include "parse/harvest.h"
#include "parse/header.h"
#include "parse/html_text.h"
#include "parse/utf8.h"

/* Text looked at for the fingerprint when no text is to be kept. */
#define FINGERPRINT_BYTES ((size_t)1 << 20)

/* The state of one page on its way. */
struct work {
    struct toolbox *t;
    const struct job *job;
    struct url url;
    struct span body; /* decoded */
    struct span utf8; /* and as text */
    enum page_kind kind;
    struct charset_choice charset;
    struct page_facts *facts;
};

/* HTML, or with an empty document what the header fields alone say. */
static enum err parse_html(struct work *w, struct span document)
{
    struct html_input in = {
        .utf8 = document,
        .url = &w->url,
        .charset = w->charset.name,
        .content_type = w->job->content_type,
        .headers = w->job->headers,
        .product_token = w->job->product_token,
        .wants_text = true,
        .wants_details = w->job->wants_details,
        .max_links = w->job->max_links,
        .max_text =
            w->job->wants_text ? (size_t)w->job->max_text_bytes : FINGERPRINT_BYTES,
    };

    return html_parse(&in, w->t->html, &w->t->mem, w->facts);
}

/* ---- feeds ---- */

static void add_link(struct page_facts *facts, size_t cap, const struct fact_link *link)
{
    if (!link->url.len)
        return;
    if (facts->n_links == cap)
        facts->links_cut = true;
    else
        facts->links[facts->n_links++] = *link;
}

/* Links that header fields gave stay in front. */
static enum err make_link_room(struct work *w, size_t more, size_t *out_cap)
{
    struct page_facts *facts = w->facts;
    size_t cap = MIN(facts->n_links + more, (size_t)w->job->max_links);
    struct fact_link *links =
        arena_try_array(&w->t->mem, MAX(cap, facts->n_links), sizeof *links);

    if (!links)
        return ERR_TOO_LARGE;
    if (facts->n_links)
        memcpy(links, facts->links, facts->n_links * sizeof *links);
    facts->links = links;
    *out_cap = MAX(cap, facts->n_links);
    return OK;
}

/* Titles, a line each: what there is to read in a feed. */
static enum err join_titles(struct toolbox *t, const struct feed *feed)
{
    enum err e = OK;

    for (size_t i = 0; !e && i < feed->n_entries; i++) {
        struct span title = feed->entries[i].title;

        if (title.len && t->text.len)
            e = buf_append_byte(&t->text, '\n');
        if (!e)
            e = buf_append(&t->text, title);
    }
    return e;
}

static enum err parse_feed(struct work *w)
{
    struct feed feed;
    size_t cap;
    enum err e = feed_parse(w->utf8, &w->url, &w->t->mem, &feed);

    if (!e)
        e = make_link_room(w, feed.n_entries * 2, &cap);
    if (e)
        return e;
    for (size_t i = 0; i < feed.n_entries; i++) {
        const struct feed_entry *entry = &feed.entries[i];
        struct fact_link link = { .url = entry->link,
                                  .text = span_clip_utf8(entry->title, 1024),
                                  .kind = LINK_FEED,
                                  .hop = FACT_HOP_FEED };
        struct fact_link enclosure = { .url = entry->enclosure,
                                       .kind = LINK_FEED,
                                       .hop = FACT_HOP_EMBED };

        add_link(w->facts, cap, &link);
        add_link(w->facts, cap, &enclosure);
    }
    w->facts->links_cut |= feed.is_cut;
    w->facts->title = feed.title;
    e = join_titles(w->t, &feed);
    return e ? e : arena_try_copy(&w->t->mem, buf_span(&w->t->text), &w->facts->text);
}

/* ---- plain text ---- */

/* Controls, NUL above all, have no place in an index. */
static enum err take_text(struct work *w)
{
    struct span s =
        span_clip_utf8(w->utf8, MAX((size_t)w->job->max_text_bytes, FINGERPRINT_BYTES));
    char *copy = arena_try_alloc(&w->t->mem, MAX(s.len, (size_t)1));

    if (!copy)
        return ERR_TOO_LARGE;
    for (size_t i = 0; i < s.len; i++) {
        char c = s.ptr[i];

        copy[i] = (unsigned char)c < ' ' && c != '\n' && c != '\t' ? ' ' : c;
    }
    w->facts->text = span_make(copy, s.len);
    return OK;
}

static int64_t count_words(struct span text)
{
    struct span word;
    int64_t n = html_text_no_breaks(text);

    while (span_token(&text, &word))
        n++;
    return n;
}

/* ---- the pipeline ---- */

static enum err find_text(struct work *w)
{
    size_t most = w->body.len * 3 + 16;

    if (w->kind == PAGE_BINARY)
        return OK;
    charset_sniff(w->body, w->job->content_type, &w->charset);
    w->facts->charset = span_str(w->charset.name);
    w->facts->charset_source = span_str(w->charset.source);
    w->t->utf8.max = MAX(most, w->t->utf8.max);
    return charset_decode(w->body, w->charset.name, &w->t->utf8, &w->utf8);
}

static enum err take_apart(struct work *w)
{
    struct page_facts *facts = w->facts;
    bool is_html = w->kind == PAGE_HTML;
    enum err e = parse_html(w, is_html ? w->utf8 : SPAN_NONE);

    if (e || is_html)
        return e;
    if (w->kind == PAGE_FEED)
        e = parse_feed(w);
    else if (w->kind != PAGE_BINARY)
        e = take_text(w);
    facts->word_count = count_words(facts->text);
    if (w->kind != PAGE_FEED)
        facts->outcome = PARSE_NOT_HTML;
    return e;
}

/* Only pages that somebody asks more of pay for more; what does not fit is left out. */
static enum err gather_facts(struct work *w)
{
    enum err e;

    if (w->kind != PAGE_HTML || (!w->job->rules.len && !w->job->wants_facts))
        return OK;
    e = harvest_page(w->job, w->utf8, w->facts->base, &w->t->mem,
                     &w->facts->facts_json);
    return e == ERR_TOO_LARGE ? OK : e;
}

/* The fingerprint is of the plain text; the index (not inspect) wants pairs for scripts without spaces. */
static enum err finish_text(struct work *w)
{
    struct page_facts *facts = w->facts;
    struct buf *out = &w->t->text;
    size_t max = (size_t)w->job->max_text_bytes;
    enum err e = OK;

    facts->simhash = digest_simhash(facts->text);
    if (!w->job->wants_text) {
        facts->text = SPAN_NONE;
        return OK;
    }
    if (w->job->kind == JOB_PAGE && utf8_ascii_prefix(facts->text) < facts->text.len) {
        buf_reset(out);
        e = bigram_append(facts->text, out);
        facts->text = buf_span(out);
    }
    facts->text = span_clip_utf8(facts->text, max);
    return e;
}

static enum err pack_body(struct work *w)
{
    bool is_wanted =
        w->job->wants_body_all || (w->job->wants_body && w->facts->is_text_like);
    enum err e;

    if (!is_wanted)
        return OK;
    e = pack_compress(w->t->pack, w->body, PACK_LEVEL, &w->t->packed);
    if (!e)
        w->facts->body = buf_span(&w->t->packed);
    return e;
}

/*
 * A dictionary is worth its time once, for all bodies to come; this one is packed
 * without it. Where there is too little in common there is none.
 */
static enum err learn_from_body(struct work *w)
{
    struct trainer *trainer = w->t->trainer;
    enum err e;

    if (!w->job->wants_dictionary) {
        trainer_forget(trainer);
        return OK;
    }
    if (w->kind != PAGE_HTML || !w->facts->body.len ||
        !trainer_add(trainer, w->body, w->facts->sha256))
        return OK;
    e = trainer_make(trainer, w->job->dictionary_id, &w->t->dictionary);
    w->facts->dictionary = buf_span(&w->t->dictionary);
    return e == ERR_NO_MEMORY ? e : OK;
}

enum err page_parse(struct toolbox *t, const struct job *job, struct span wire_body,
                    struct page_facts *out)
{
    struct work w = { .t = t, .job = job, .facts = out };
    enum err e;

    *out = (struct page_facts){ .outcome = PARSE_REFUSED };
    e = url_parse(job->url, NULL, &t->mem, &w.url);
    if (e)
        return e;
    t->decoded.max = MAX(t->decoded.max, (size_t)job->max_decoded_bytes);
    out->decode =
        (uint8_t)decode_body(t->decoder, wire_body, job->content_encoding,
                             (size_t)job->max_decoded_bytes, &t->decoded, &w.body);
    out->size = (int64_t)w.body.len;
    e = digest_sha256(t->digest, w.body, out->sha256);
    if (e)
        return e;
    /* What comes out of a broken coding before it breaks is no document to draw links from. */
    w.kind =
        out->decode == DECODE_BAD ? PAGE_BINARY : page_sniff(job->content_type, w.body);
    out->is_text_like = w.kind != PAGE_BINARY;
    e = find_text(&w);
    if (e)
        return e;
    out->outcome = PARSE_OK;
    e = take_apart(&w);
    if (!e)
        e = gather_facts(&w);
    if (!e)
        e = finish_text(&w);
    if (!e)
        e = pack_body(&w);
    if (!e)
        e = learn_from_body(&w);
    if (e)
        out->outcome = PARSE_REFUSED;
    return e;
}
