/* SPDX-License-Identifier: MIT */
#include "crawler/quarantine_text.h"

#include "config/clock.h"
#include "parse/job.h"
#include "parse/json_text.h"
#include "parse/utf8.h"
#include "store/headerlist.h"

/* Beside body and header lines: URL, reason, names of the members. */
#define SLACK (64 * KIB)
/* A byte of a header line may become an escape of six; the list ends near its own limit. */
#define HEADER_ESCAPE 6

static const struct {
    uint8_t kind;
    const char *word, *inspection, *body_member;
} kinds[] = {
    { JOB_PAGE, "page", "links", "body_b64" },
    { JOB_SITEMAP, "sitemap", "sitemap", "body_b64" },
    { JOB_ROBOTS, "robots", "robots", "robots_b64" },
};

const char *quarantine_text_word(uint8_t job_kind)
{
    for (size_t i = 0; i < ARRAY_LEN(kinds); i++)
        if (kinds[i].kind == job_kind)
            return kinds[i].word;
    return NULL;
}

uint64_t quarantine_text_bound(size_t body_bytes, size_t header_bytes)
{
    return (uint64_t)body_bytes / 3 * 4 +
           MIN((uint64_t)header_bytes * HEADER_ESCAPE, (uint64_t)HEADERLIST_MAX_BYTES) +
           (uint64_t)SLACK;
}

/* RFC 4648 §4. */
static enum err put_base64(struct span s, struct buf *out)
{
    static const char alphabet[] =
        "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    const unsigned char *from = (const unsigned char *)s.ptr;
    enum err e = buf_reserve(out, s.len / 3 * 4 + 4);

    if (e)
        return e;
    for (size_t i = 0; i < s.len; i += 3) {
        size_t left = s.len - i;
        uint32_t word = (uint32_t)from[i] << 16 |
                        (left > 1 ? (uint32_t)from[i + 1] << 8 : 0) |
                        (left > 2 ? from[i + 2] : 0);
        char *at = out->ptr + out->len;

        at[0] = alphabet[word >> 18];
        at[1] = alphabet[word >> 12 & 63];
        at[2] = left > 1 ? alphabet[word >> 6 & 63] : '=';
        at[3] = left > 2 ? alphabet[word & 63] : '=';
        out->len += 4;
    }
    return OK;
}

/* A member with a text from outside, which may be any bytes; left out when empty. */
static enum err put_text(const char *name, struct span text, struct buf *out)
{
    struct buf clean;
    enum err e;

    if (!text.len)
        return OK;
    buf_init(&clean, text.len * 3 + 16);
    e = utf8_repair(text, &clean);
    if (!e)
        e = buf_printf(out, ",\"%s\":", name);
    if (!e)
        e = json_text_put_string(buf_span(&clean), out);
    buf_clear(&clean);
    return e;
}

static enum err put_headers(struct span headers, struct buf *out)
{
    enum err e = buf_append(out, SPAN(",\"headers\":"));

    return e ? e : headerlist_format(headers, out);
}

static enum err put_body(const struct quarantine_page *p, const char *member,
                         struct buf *out)
{
    enum err e = buf_printf(out, ",\"%s\":\"", member);

    if (!e)
        e = put_base64(p->body, out);
    return e ? e : buf_append(out, SPAN("\"}\n"));
}

enum err quarantine_text_format(const struct quarantine_page *p, struct buf *out)
{
    char at[CLOCK_ISO_SIZE];
    size_t i = 0;
    enum err e;

    while (i < ARRAY_LEN(kinds) - 1 && kinds[i].kind != p->kind)
        i++;
    clock_format_iso(p->at_wall_ms, at);
    e = buf_printf(out,
                   "{\"id\":\"%s\",\"inspect\":\"%s\",\"crawl\":\"" CRAWL_VERSION "\"",
                   at, kinds[i].inspection);
    if (!e)
        e = put_text("why", p->why, out);
    if (!e)
        e = put_text("url", p->url, out);
    if (!e)
        e = put_text("user_agent", p->product_token, out);
    if (!e)
        e = put_text("content_type", p->content_type, out);
    if (!e)
        e = put_text("content_encoding", p->content_encoding, out);
    if (!e)
        e = put_headers(p->headers, out);
    return e ? e : put_body(p, kinds[i].body_member, out);
}
