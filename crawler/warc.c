/* SPDX-License-Identifier: MIT */
#include "crawler/warc.h"

#include <unistd.h>

#include "config/arena.h"
#include "config/clock.h"
#include "config/mem.h"
#include "crawler/warc_file.h"
#include "crawler/warc_http.h"
#include "crawler/warc_record.h"
#include "crawler/warc_seen.h"

#define MAX_HEAD \
    ((size_t)4 * MIB) /* named fields, or an HTTP head with its 300 KiB of fields */
#define MAX_INFO     ((size_t)2 * MIB)
#define SEEN_PLACES  65536
#define FIELDS       SPAN("application/warc-fields")
#define SAME_PAYLOAD "http://netpreserve.org/warc/1.1/revisit/identical-payload-digest"
#define NOT_MODIFIED "http://netpreserve.org/warc/1.1/revisit/server-not-modified"

struct warc {
    struct warc_dir dir;
    int64_t max_file_bytes;
    struct buf info;        /* the block of every warcinfo record */
    struct warc_file *file; /* NULL before the first record, and between two files */
    int next_serial;
    char info_id[WARC_RECORD_ID_SIZE]; /* of the present file's warcinfo */
    int64_t info_bytes;                /* its size in the file */
    struct digest_sum *sum;
    struct warc_seen *seen;
    struct warc_counts counts;
    /* Of the exchange being written; memory kept. */
    struct buf request_block, answer_block, request_fields, answer_fields;
};

/* --- opening --------------------------------------------------------------------- */

static enum err put_info(struct buf *out, const char *name, struct span value)
{
    return value.len ? warc_record_put_field(out, name, value) : OK;
}

static enum err make_info(struct warc *w, const struct warc_options *o)
{
    struct buf *out = &w->info;
    enum err e = put_info(out, "software", o->software);

    e = e ? e : put_info(out, "format", SPAN("WARC File Format 1.1"));
    e = e ? e
          : put_info(
                out, "conformsTo",
                SPAN(
                    "http://iipc.github.io/warc-specifications/specifications/warc-format/warc-1.1/"));
    e = e ? e : put_info(out, "operator", o->operator);
    e = e ? e : put_info(out, "robots", o->robots);
    e = e ? e : put_info(out, "http-header-user-agent", o->user_agent);
    e = e ? e : put_info(out, "description", o->description);
    return e ? e : put_info(out, "settings", o->settings);
}

static void init_buffers(struct warc *w)
{
    buf_init(&w->info, MAX_INFO);
    buf_init(&w->request_block, MAX_HEAD);
    buf_init(&w->answer_block, MAX_HEAD);
    buf_init(&w->request_fields, MAX_HEAD);
    buf_init(&w->answer_fields, MAX_HEAD);
}

static void free_warc(struct warc *w)
{
    if (w->dir.fd >= 0)
        close(w->dir.fd);
    digest_sum_free(w->sum);
    warc_seen_free(w->seen);
    buf_clear(&w->info);
    buf_clear(&w->request_block);
    buf_clear(&w->answer_block);
    buf_clear(&w->request_fields);
    buf_clear(&w->answer_fields);
    mem_free(w);
}

enum err warc_open(const struct warc_options *o, struct warc **out,
                   struct err_note *note)
{
    struct warc *w = mem_alloc(sizeof *w);
    enum err e;

    w->dir.fd = -1;
    w->max_file_bytes = o->max_file_bytes;
    init_buffers(w);
    w->seen = warc_seen_new(SEEN_PLACES);
    e = digest_sum_new(&w->sum);
    e = e ? e : make_info(w, o);
    if (e)
        err_set(note, e, "cannot prepare WARC files in %s: %s", o->dir, err_text(e));
    if (!e)
        e = warc_file_open_dir(o->dir, &w->dir, note);
    if (!e)
        e = warc_file_mend(&w->dir, note);
    if (e)
        free_warc(w);
    else
        *out = w;
    return e;
}

/* --- files ----------------------------------------------------------------------- */

static enum err add_info(struct warc *w, struct err_note *note)
{
    struct warc_record r = { .type = WARC_RECORD_INFO,
                             .id = w->info_id,
                             .date_ms = clock_wall_ms(),
                             .file_name = warc_file_name(w->file),
                             .content_type = FIELDS,
                             .block_head = buf_span(&w->info) };
    struct span pieces[3];
    int64_t at;
    enum err e;

    warc_record_new_id(w->info_id);
    buf_reset(&w->answer_fields);
    e = warc_record_format(&r, w->sum, &w->answer_fields);
    if (e)
        return err_set(note, e, "cannot make a warcinfo record: %s", err_text(e));
    pieces[0] = buf_span(&w->answer_fields);
    pieces[1] = r.block_head;
    pieces[2] = SPAN("\r\n\r\n");
    return warc_file_add(w->file, pieces, ARRAY_LEN(pieces), false, &at, note);
}

static enum err end_file(struct warc *w, struct err_note *note)
{
    struct warc_file *f = w->file;

    if (!f)
        return OK;
    w->file = NULL;
    return warc_file_finish(f, note);
}

static enum err begin_file(struct warc *w, struct err_note *note)
{
    enum err e = warc_file_create(&w->dir, &w->next_serial, &w->file, note);

    if (e)
        return e;
    w->counts.files++;
    e = add_info(w, note);
    if (e)
        warc_file_cut(w->file, 0);
    w->info_bytes = warc_file_bytes(w->file);
    return e;
}

/* Would n more bytes of records make the present file too large? One record alone may. */
static bool is_full_for(struct warc *w, size_t n)
{
    int64_t bytes = warc_file_bytes(w->file);

    return bytes > w->info_bytes &&
           (!warc_file_has_room(w->file) ||
            bytes + warc_file_bound(w->file, n) > w->max_file_bytes);
}

/* --- records --------------------------------------------------------------------- */

/* The two records of an exchange on their way. */
struct pair {
    const struct warc_exchange *x;
    char request_id[WARC_RECORD_ID_SIZE], answer_id[WARC_RECORD_ID_SIZE];
    char digest[WARC_RECORD_DIGEST_SIZE];
    unsigned char sha256[DIGEST_SUM_SHA256_BYTES];
    struct warc_record request, answer;
};

static const char *protocol(struct span http_version)
{
    return span_eq(http_version, SPAN("2"))     ? "h2"
           : span_eq(http_version, SPAN("1.0")) ? "http/1.0"
                                                : "http/1.1";
}

static struct warc_record new_record(struct warc *w, const struct warc_exchange *x,
                                     enum warc_record_type type, const char *id)
{
    return (struct warc_record){ .type = type,
                                 .id = id,
                                 .date_ms = x->date_ms,
                                 .target_uri = x->url,
                                 .ip = x->ip,
                                 .warcinfo_id = w->info_id,
                                 .protocol = x->status_code ? protocol(x->http_version)
                                                            : NULL };
}

static enum err make_request(struct warc *w, struct pair *p)
{
    enum err e =
        warc_http_format_request(p->x->url, p->x->request_headers, &w->request_block);

    p->request = new_record(w, p->x, WARC_RECORD_REQUEST, p->request_id);
    p->request.concurrent_to = p->answer_id;
    p->request.content_type = SPAN("application/http;msgtype=request");
    p->request.block_head = buf_span(&w->request_block);
    return e ? e : warc_record_format(&p->request, w->sum, &w->request_fields);
}

/* What is known of an exchange without an answer's body, a line each; ISO 28500 §6.6. */
static enum err make_metadata(struct warc *w, struct pair *p)
{
    const struct warc_exchange *x = p->x;
    struct span rest = x->headers, line;
    struct buf *out = &w->answer_block;
    enum err e = put_info(out, "via", x->via);

    e = e ? e : put_info(out, "outcome", x->outcome);
    e = e ? e : put_info(out, "error", x->error);
    if (!e && x->total_ms >= 0)
        e = buf_printf(out, "fetchTimeMs: %lld\r\n", (long long)x->total_ms);
    if (!e && x->status_code)
        e = buf_printf(out, "statusCode: %d\r\n", x->status_code);
    while (!e && span_split(&rest, '\n', &line))
        if (span_trim(line).len)
            e = warc_record_put_field(out, "responseHeader", span_trim(line));
    p->answer.type = WARC_RECORD_METADATA;
    p->answer.content_type = FIELDS;
    return e;
}

/*
 * A 304, or a payload that was written before: the head alone, framed for the payload
 * it stands for.
 */
static enum err make_revisit(struct warc *w, struct pair *p, const char *profile,
                             int64_t payload_len)
{
    const struct warc_exchange *x = p->x;
    const struct warc_http_answer head = { x->status_code, x->http_version, x->headers,
                                           payload_len, x->is_decoded };

    p->answer.type = WARC_RECORD_REVISIT;
    p->answer.profile = profile;
    return warc_http_format_answer(&head, &w->answer_block);
}

static enum err make_response(struct warc *w, struct pair *p)
{
    const struct warc_exchange *x = p->x;
    const struct warc_http_answer head = { x->status_code, x->http_version, x->headers,
                                           (int64_t)x->payload.len, x->is_decoded };

    p->answer.type = WARC_RECORD_RESPONSE;
    p->answer.payload = x->payload;
    p->answer.truncated = x->truncated;
    return warc_http_format_answer(&head, &w->answer_block);
}

/* The digests of the payload, and where it was written before. */
static enum err make_with_payload(struct warc *w, struct pair *p)
{
    const struct warc_exchange *x = p->x;
    struct warc_seen_at before;
    enum err e = warc_record_digest(w->sum, &x->payload, 1, p->digest);

    e = e ? e : digest_sum_sha256(w->sum, &x->payload, 1, p->sha256);
    if (e)
        return e;
    p->answer.payload_digest = p->digest;
    p->answer.payload_sha256 = span_make((const char *)p->sha256, sizeof p->sha256);
    if (!x->payload.len || x->truncated ||
        !warc_seen_find(w->seen, span_str(p->digest), &before))
        return make_response(w, p);
    p->answer.refers_to_uri = before.uri;
    p->answer.refers_to_date_ms = before.date_ms;
    return make_revisit(w, p, SAME_PAYLOAD, (int64_t)x->payload.len);
}

static enum err make_answer(struct warc *w, struct pair *p)
{
    const struct warc_exchange *x = p->x;
    enum err e;

    p->answer = new_record(w, x, WARC_RECORD_METADATA, p->answer_id);
    p->answer.concurrent_to = x->request_headers.len ? p->request_id : NULL;
    p->answer.content_type = SPAN("application/http;msgtype=response");
    if (x->status_code == 304) {
        p->answer.refers_to_uri = x->url;
        p->answer.refers_to_date_ms = x->refers_to_date_ms;
        e = make_revisit(w, p, NOT_MODIFIED, -1);
    } else if (x->status_code && x->has_payload) {
        e = make_with_payload(w, p);
    } else {
        e = make_metadata(w, p);
    }
    p->answer.block_head = buf_span(&w->answer_block);
    return e ? e : warc_record_format(&p->answer, w->sum, &w->answer_fields);
}

/*
 * The index wants the named fields and the head in one piece; the fields' buffer is
 * free to grow.
 */
static enum err index_answer(struct warc *w, const struct pair *p, int64_t at,
                             int64_t length, struct err_note *note)
{
    enum err e = buf_append(&w->answer_fields, p->answer.block_head);

    if (e)
        return err_set(note, e, "cannot index %s: %s", warc_file_name(w->file),
                       err_text(e));
    return warc_file_index(w->file, buf_span(&w->answer_fields), at, length, note);
}

static enum err add_pair(struct warc *w, const struct pair *p, struct err_note *note)
{
    const struct span answer[] = { buf_span(&w->answer_fields), p->answer.block_head,
                                   p->answer.payload, SPAN("\r\n\r\n") };
    const struct span request[] = { buf_span(&w->request_fields), p->request.block_head,
                                    SPAN("\r\n\r\n") };
    bool is_dense = !p->x->is_decoded &&
                    warc_http_value(p->x->headers, SPAN("Content-Encoding")).len;
    int64_t at, end, unused;
    enum err e = warc_file_add(w->file, answer, ARRAY_LEN(answer), is_dense, &at, note);

    end = warc_file_bytes(w->file);
    if (!e && p->x->request_headers.len)
        e = warc_file_add(w->file, request, ARRAY_LEN(request), false, &unused, note);
    return e ? e : index_answer(w, p, at, end - at, note);
}

static void count_answer(struct warc *w, const struct pair *p)
{
    const struct warc_exchange *x = p->x;

    if (p->answer.type == WARC_RECORD_RESPONSE) {
        w->counts.responses++;
        if (x->payload.len && !x->truncated)
            warc_seen_add(w->seen, span_str(p->digest), x->url, x->date_ms);
    } else if (p->answer.type == WARC_RECORD_REVISIT) {
        w->counts.revisits++;
    } else {
        w->counts.metadata++;
    }
}

static enum err make_pair(struct warc *w, struct pair *p)
{
    enum err e = OK;

    buf_reset(&w->request_block);
    buf_reset(&w->answer_block);
    buf_reset(&w->request_fields);
    buf_reset(&w->answer_fields);
    warc_record_new_id(p->request_id);
    warc_record_new_id(p->answer_id);
    if (p->x->request_headers.len)
        e = make_request(w, p);
    return e ? e : make_answer(w, p);
}

/* Their size in all, uncompressed. */
static size_t pair_bytes(const struct warc *w, const struct pair *p)
{
    return w->answer_fields.len + p->answer.block_head.len + p->answer.payload.len +
           w->request_fields.len + w->request_block.len + 2 * sizeof "\r\n\r\n";
}

/* A file with room for the exchange, and its records, which name that file's warcinfo. */
static enum err prepare(struct warc *w, struct pair *p, struct err_note *note)
{
    enum err e = w->file ? OK : begin_file(w, note);

    if (e)
        return e;
    e = make_pair(w, p);
    if (!e && is_full_for(w, pair_bytes(w, p))) {
        e = end_file(w, note);
        if (!e)
            e = begin_file(w, note);
        if (e)
            return e;
        e = make_pair(w, p);
    }
    return e ? err_set(note, e, "cannot make the WARC records of %.*s: %s",
                       (int)MIN(p->x->url.len, (size_t)200), p->x->url.ptr, err_text(e))
             : OK;
}

enum err warc_write(struct warc *w, const struct warc_exchange *x,
                    struct err_note *note)
{
    struct pair p = { .x = x };
    int64_t before;
    enum err e = prepare(w, &p, note);

    if (e)
        return e;
    before = warc_file_bytes(w->file);
    e = add_pair(w, &p, note);
    if (e)
        warc_file_cut(w->file, before);
    else
        count_answer(w, &p);
    return e;
}

void warc_get_counts(const struct warc *w, struct warc_counts *out)
{
    *out = w->counts;
}

enum err warc_close(struct warc *w, struct err_note *note)
{
    enum err e;

    if (!w)
        return OK;
    e = end_file(w, note);
    free_warc(w);
    return e;
}
