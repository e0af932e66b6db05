/* SPDX-License-Identifier: MIT */
#include "parse/toolbox.h"

#include "parse/charset.h"
#include "parse/feed.h"
#include "parse/host.h"
#include "parse/page.h"
#include "parse/sitemap.h"

/* A buffer that grew beyond this is given back after the job. */
#define KEEP_BYTES ((size_t)1 << 20)

enum err toolbox_open(size_t max_bytes, struct toolbox *out)
{
    struct toolbox t = { 0 };
    enum err e;

    arena_init(&t.mem, max_bytes);
    buf_init(&t.decoded, max_bytes);
    buf_init(&t.unzipped, max_bytes);
    buf_init(&t.utf8, max_bytes);
    buf_init(&t.text, max_bytes);
    buf_init(&t.packed, max_bytes);
    buf_init(&t.dictionary, PACK_MAX_DICTIONARY_BYTES);
    t.trainer = trainer_new();
    t.decoder = decode_new();
    t.html = html_scratch_new();
    e = digest_new(&t.digest);
    if (!e)
        e = pack_new(&t.pack);
    if (e)
        toolbox_close(&t);
    else
        *out = t;
    return e;
}

static struct buf *each_buf(struct toolbox *t, size_t i)
{
    struct buf *const all[] = { &t->decoded, &t->unzipped, &t->utf8,
                                &t->text,    &t->packed,   &t->dictionary };

    return i < ARRAY_LEN(all) ? all[i] : NULL;
}

void toolbox_close(struct toolbox *t)
{
    struct buf *b;

    for (size_t i = 0; (b = each_buf(t, i)) != NULL; i++)
        buf_clear(b);
    arena_clear(&t->mem);
    decode_free(t->decoder);
    digest_free(t->digest);
    pack_free(t->pack);
    trainer_free(t->trainer);
    if (t->html)
        html_scratch_free(t->html);
    *t = (struct toolbox){ 0 };
}

void toolbox_reset(struct toolbox *t)
{
    struct buf *b;

    for (size_t i = 0; (b = each_buf(t, i)) != NULL; i++) {
        if (b->cap > KEEP_BYTES)
            buf_clear(b);
        else
            buf_reset(b);
    }
    arena_reset(&t->mem);
}

/* Small pages in encodings whose converters differ in kind, and one feed, one host name, one sitemap. */
void toolbox_warm_up(struct toolbox *t)
{
    static const char *const charsets[] = { "utf-8",      "windows-1252", "shift_jis",
                                            "euc-jp",     "euc-kr",       "gb18030",
                                            "big5",       "utf-16le",     "koi8-r",
                                            "iso-2022-jp" };
    const struct span page =
        SPAN("<!DOCTYPE html><html><head><title>warm up</title></head><body>"
             "<a href='/a?q=\xc3\xa9'>\xe6\x97\xa5\xe6\x9c\xac</a></body></html>");
    const struct span feed =
        SPAN("<?xml version='1.0'?><rss version='2.0'><channel><title>t</title>"
             "<item><link>http://example.org/</link></item></channel></rss>");
    struct job job = { .kind = JOB_PAGE,
                       .url = SPAN("http://b\xc3\xbc"
                                   "cher.example/"),
                       .content_type = SPAN("text/html"),
                       .max_decoded_bytes = 1 << 20,
                       .max_text_bytes = 1 << 16,
                       .max_links = 100,
                       .wants_text = true,
                       .wants_body = true };
    struct page_facts facts;
    struct span host;

    for (size_t i = 0; i < ARRAY_LEN(charsets); i++) {
        struct buf out;

        buf_init(&out, 1 << 16);
        (void)!charset_to_utf8(page, charsets[i], &out);
        (void)!charset_encode_query(charsets[i], SPAN("\xc3\xa9"), &out);
        buf_clear(&out);
    }
    toolbox_reset(t);
    (void)!page_parse(t, &job, page, &facts);
    job.content_type = SPAN("application/rss+xml");
    (void)!page_parse(t, &job, feed, &facts);
    (void)!host_registrable_of_text(SPAN("www.\xe4\xbe\x8b.example"), &t->mem, &host);
    toolbox_reset(t);
}
