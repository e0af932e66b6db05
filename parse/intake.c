/* SPDX-License-Identifier: MIT */
#include "parse/intake.h"

#include "parse/charset.h"
#include "parse/page.h"
#include "parse/url_encode.h"
#include "parse/utf8.h"

enum err intake_text(struct toolbox *t, const struct job *job, struct span wire,
                     struct span *out_utf8, uint8_t *out_decode)
{
    size_t max = (size_t)job->max_decoded_bytes;
    struct charset_choice charset;
    struct span body;
    enum decode_outcome decode;

    t->decoded.max = MAX(t->decoded.max, max);
    t->unzipped.max = MAX(t->unzipped.max, max);
    decode =
        decode_body(t->decoder, wire, job->content_encoding, max, &t->decoded, &body);
    if (decode == DECODE_OK && decode_is_gzip(body))
        decode = decode_body(t->decoder, body, SPAN("gzip"), max, &t->unzipped, &body);
    *out_decode = (uint8_t)decode;
    charset_sniff(body, job->content_type, &charset);
    t->utf8.max = MAX(t->utf8.max, body.len * 3 + 16);
    return charset_decode(body, charset.name, &t->utf8, out_utf8);
}

static enum err escape_nuls(struct span valid, struct buf *out)
{
    enum err e = OK;

    while (!e && valid.len) {
        size_t n = span_find(valid, '\0');

        e = buf_append(out, span_slice(valid, 0, n));
        if (!e && n < valid.len)
            e = url_encode_append_byte(out, '\0');
        valid = span_skip(valid, n + 1);
    }
    return e;
}

/*
 * As UTF-8 without NUL, for the database. Bytes that are neither stand as escapes, so
 * that reading the text gives the rules that reading the file gave (RFC 9309 §2.2.2).
 */
static enum err escape_robots(struct span body, struct buf *out)
{
    enum err e = OK;

    while (!e && body.len) {
        size_t n = utf8_valid_prefix(body);

        e = escape_nuls(span_slice(body, 0, n), out);
        if (!e && n < body.len)
            e = url_encode_append_byte(out, (unsigned char)body.ptr[n]);
        body = span_skip(body, n + 1);
    }
    return e;
}

enum err intake_robots(struct toolbox *t, const struct job *job, struct span wire,
                       struct answer *out)
{
    struct span body;
    enum err e = OK;

    t->decoded.max = MAX(t->decoded.max, (size_t)job->max_decoded_bytes);
    out->decode =
        (uint8_t)decode_body(t->decoder, wire, job->content_encoding,
                             (size_t)job->max_decoded_bytes, &t->decoded, &body);
    t->utf8.max = MAX(t->utf8.max, body.len * 3 + 16);
    if (span_starts(body, SPAN("\xff\xfe")) || span_starts(body, SPAN("\xfe\xff")))
        e = charset_decode(body, "utf-8", &t->utf8, &body);
    if (!e)
        e = robots_parse(body, job->product_token, &t->mem, &out->robots);
    if (!e)
        e = escape_robots(span_slice(body, 0, MIN(body.len, ROBOTS_MAX_BYTES)),
                          &t->text);
    out->robots_text = buf_span(&t->text);
    return e;
}

enum err intake_sitemap(struct toolbox *t, const struct job *job, struct span wire,
                        struct answer *out)
{
    struct span utf8;
    struct url url;
    enum err e = url_parse(job->url, NULL, &t->mem, &url);

    if (!e)
        e = intake_text(t, job, wire, &utf8, &out->decode);
    return e ? e : sitemap_parse(utf8, job->content_type, &url, &t->mem, &out->sitemap);
}

/* A stored body into out; damage and size show in *out_decode. ERR_NO_MEMORY. */
static enum err unpack(struct toolbox *t, const struct job *job, struct span packed,
                       struct buf *out, uint8_t *out_decode)
{
    enum err e;

    out->max = MAX(out->max, (size_t)job->max_decoded_bytes);
    e = pack_decompress(t->pack, packed, (size_t)job->max_decoded_bytes, out);
    *out_decode = (uint8_t)(e == ERR_TOO_LARGE ? DECODE_TOO_LARGE
                            : e                ? DECODE_BAD
                                               : DECODE_OK);
    return e == ERR_NO_MEMORY ? e : OK;
}

enum err intake_unpack(struct toolbox *t, const struct job *job, struct span packed,
                       struct answer *out)
{
    enum err e = unpack(t, job, packed, &t->decoded, &out->decode);

    if (!e && out->decode == DECODE_OK)
        out->bytes = buf_span(&t->decoded);
    return e;
}

enum err intake_page_text(struct toolbox *t, const struct job *job, struct span stored,
                          struct answer *out)
{
    struct job page = *job;
    struct page_facts facts;
    enum err e = unpack(t, job, stored, &t->unzipped, &out->decode);

    if (e || out->decode)
        return e;
    page.content_encoding = SPAN_NONE;
    page.kind = job->wants_text ? JOB_PAGE : JOB_TEXT; /* which of both makes pairs for the index, or none */
    page.wants_text = true;
    page.wants_body = page.wants_body_all = page.wants_facts = false;
    e = page_parse(t, &page, buf_span(&t->unzipped), &facts);
    if (e)
        return e;
    out->decode = facts.decode;
    out->bytes = facts.text;
    return OK;
}
