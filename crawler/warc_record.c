/* SPDX-License-Identifier: MIT */
#include "crawler/warc_record.h"

#include <sys/random.h>

#include "config/clock.h"
#include "config/mem.h"

static const char *const type_names[] = { "warcinfo", "request", "response", "revisit",
                                          "metadata" };

void warc_record_new_id(char out[WARC_RECORD_ID_SIZE])
{
    unsigned char b[16];

    BUG_IF(getrandom(b, sizeof b, 0) !=
           (ssize_t)sizeof b); /* so few bytes always come at once */
    b[6] = (unsigned char)((b[6] & 0x0f) | 0x40);
    b[8] = (unsigned char)((b[8] & 0x3f) | 0x80);
    snprintf(
        out, WARC_RECORD_ID_SIZE,
        "<urn:uuid:%02x%02x%02x%02x-%02x%02x-%02x%02x-%02x%02x-%02x%02x%02x%02x%02x%02x>",
        b[0], b[1], b[2], b[3], b[4], b[5], b[6], b[7], b[8], b[9], b[10], b[11], b[12],
        b[13], b[14], b[15]);
}

/* RFC 4648 §6; 20 bytes are 32 characters without padding. */
static void put_base32(const unsigned char sha1[DIGEST_SUM_SHA1_BYTES], char *out)
{
    static const char digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567";
    unsigned bits = 0, n_bits = 0;

    for (size_t i = 0; i < DIGEST_SUM_SHA1_BYTES; i++) {
        bits = (bits << 8 | sha1[i]) & 0xffff;
        n_bits += 8;
        while (n_bits >= 5) {
            n_bits -= 5;
            *out++ = digits[bits >> n_bits & 31];
        }
    }
    *out = '\0';
}

enum err warc_record_digest(struct digest_sum *sum, const struct span *pieces, size_t n,
                            char out[WARC_RECORD_DIGEST_SIZE])
{
    unsigned char sha1[DIGEST_SUM_SHA1_BYTES];
    enum err e = digest_sum_sha1(sum, pieces, n, sha1);

    if (e)
        return e;
    memcpy(out, "sha1:", 5);
    put_base32(sha1, out + 5);
    return OK;
}

enum err warc_record_put_field(struct buf *out, const char *name, struct span value)
{
    enum err e = buf_printf(out, "%s: ", name);
    size_t at = out->len;

    e = e ? e : buf_append(out, value);
    for (size_t i = at; !e && i < out->len; i++)
        if ((unsigned char)out->ptr[i] < 0x20 || out->ptr[i] == 0x7f)
            out->ptr[i] = ' ';
    return e ? e : buf_append(out, SPAN("\r\n"));
}

static enum err put_some(struct buf *out, const char *name, struct span value)
{
    return value.len ? warc_record_put_field(out, name, value) : OK;
}

static enum err put_date(struct buf *out, const char *name, int64_t ms)
{
    char iso[CLOCK_ISO_SIZE];

    return ms ? put_some(out, name, span_str(clock_format_iso(ms, iso))) : OK;
}

static enum err put_digests(const struct warc_record *r, struct digest_sum *sum,
                            struct buf *out)
{
    struct span block[2] = { r->block_head, r->payload };
    char digest[WARC_RECORD_DIGEST_SIZE];
    enum err e = warc_record_digest(sum, block, ARRAY_LEN(block), digest);

    e = e ? e : put_some(out, "WARC-Block-Digest", span_str(digest));
    e = e ? e : put_some(out, "WARC-Payload-Digest", span_str(r->payload_digest));
    if (e || !r->payload_sha256.len)
        return e;
    e = buf_append(out, SPAN("X-Crawl-Payload-Digest: sha256:"));
    for (size_t i = 0; !e && i < r->payload_sha256.len; i++)
        e = buf_printf(out, "%02x", (unsigned char)r->payload_sha256.ptr[i]);
    return e ? e : buf_append(out, SPAN("\r\n"));
}

/* ISO 28500 §5: what a field means; §6: which record has which. */
enum err warc_record_format(const struct warc_record *r, struct digest_sum *sum,
                            struct buf *out)
{
    size_t length = r->block_head.len + r->payload.len;
    enum err e = buf_printf(out, "WARC/1.1\r\nWARC-Type: %s\r\n", type_names[r->type]);

    e = e ? e : put_some(out, "WARC-Target-URI", r->target_uri);
    e = e ? e : put_date(out, "WARC-Date", r->date_ms);
    e = e ? e : put_some(out, "WARC-Record-ID", span_str(r->id));
    e = e ? e : put_some(out, "WARC-Warcinfo-ID", span_str(r->warcinfo_id));
    e = e ? e : put_some(out, "WARC-Concurrent-To", span_str(r->concurrent_to));
    e = e ? e : put_some(out, "WARC-Filename", span_str(r->file_name));
    e = e ? e : put_some(out, "WARC-IP-Address", r->ip);
    e = e ? e : put_some(out, "WARC-Protocol", span_str(r->protocol));
    e = e ? e : put_some(out, "WARC-Profile", span_str(r->profile));
    e = e ? e : put_some(out, "WARC-Refers-To-Target-URI", r->refers_to_uri);
    e = e ? e : put_date(out, "WARC-Refers-To-Date", r->refers_to_date_ms);
    e = e ? e : put_some(out, "WARC-Truncated", span_str(r->truncated));
    e = e ? e : put_digests(r, sum, out);
    e = e ? e : put_some(out, "Content-Type", r->content_type);
    return e ? e : buf_printf(out, "Content-Length: %zu\r\n\r\n", length);
}
