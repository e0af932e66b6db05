/* SPDX-License-Identifier: MIT */
#include "crawler/export_warc.h"

#include "config/arena.h"
#include "config/mem.h"
#include "crawler/unpacker.h"
#include "parse/decode.h"
#include "parse/digest_sum.h"

struct export
{
    struct unpacker unpacker;
    struct warc *warc;
    struct digest_sum *sum;
    struct err_note *note;
    char last_id[24]; /* of the last exchange written */
    size_t n_rows;    /* in the present part */
    int64_t n_damaged;
};

/* --- unpacking ------------------------------------------------------------------- */

/* Is it the body that the fetch had? hex: its SHA-256. */
static bool is_sound(struct export *x, struct span body, int64_t size, struct span hex)
{
    unsigned char sha256[DIGEST_SUM_SHA256_BYTES];
    char text[2 * DIGEST_SUM_SHA256_BYTES + 1];

    if ((int64_t)body.len != size || digest_sum_sha256(x->sum, &body, 1, sha256))
        return false;
    for (size_t i = 0; i < sizeof sha256; i++)
        snprintf(text + 2 * i, 3, "%02x", sha256[i]);
    return span_eq(hex, span_make(text, 2 * sizeof sha256));
}

/* --- a row ----------------------------------------------------------------------- */

static struct span text_of(const struct reader_value *row, int column)
{
    return row[column].type == READER_TEXT ? row[column].text : SPAN_NONE;
}

static bool was_sent(const struct warc_exchange *x)
{
    return x->status_code || span_eq(x->outcome, SPAN("connection_lost")) ||
           span_eq(x->outcome, SPAN("bad_response"));
}

static struct warc_exchange exchange_of(const struct reader_value *row)
{
    struct warc_exchange x = {
        .url = text_of(row, READER_EXCHANGE_URL),
        .date_ms = row[READER_EXCHANGE_FETCHED_AT].integer,
        .ip = text_of(row, READER_EXCHANGE_IP),
        .status_code = (int)row[READER_EXCHANGE_STATUS_CODE].integer,
        .http_version = text_of(row, READER_EXCHANGE_HTTP_VERSION),
        .headers = text_of(row, READER_EXCHANGE_HEADERS),
        .is_decoded = true,
        .refers_to_date_ms = row[READER_EXCHANGE_REFERS_TO].integer,
        .outcome = text_of(row, READER_EXCHANGE_OUTCOME),
        .error = text_of(row, READER_EXCHANGE_ERROR),
        .via = text_of(row, READER_EXCHANGE_VIA),
        .total_ms = row[READER_EXCHANGE_TOTAL_MS].type == READER_INTEGER
                        ? row[READER_EXCHANGE_TOTAL_MS].integer
                        : -1
    };

    if (was_sent(&x))
        x.request_headers = text_of(row, READER_EXCHANGE_REQUEST_HEADERS);
    if (span_eq(x.outcome, SPAN("too_large")))
        x.truncated = "length";
    return x;
}

static struct span what_is_wrong(const struct export *x, struct span packed)
{
    struct span dictionary;
    uint32_t id;

    return reader_dictionary(x->unpacker.reader, packed, &id, &dictionary, NULL)
               ? SPAN("the dictionary of the stored body is missing or damaged")
               : SPAN("the stored body is damaged");
}

/*
 * Fills in the body that an answered job holds; what does not hold up becomes a
 * metadata record that says so.
 */
static void take_body(struct export *x, const struct pool_job *job,
                      const struct reader_value *row, struct warc_exchange *io)
{
    struct span why;

    if (pool_job_failure(job, &why) == POOL_OK &&
        pool_job_answer(job)->decode == DECODE_OK &&
        is_sound(x, pool_job_answer(job)->bytes, row[READER_EXCHANGE_SIZE].integer,
                 text_of(row, READER_EXCHANGE_SHA256))) {
        io->has_payload = true;
        io->payload = pool_job_answer(job)->bytes;
        return;
    }
    io->error = what_is_wrong(x, row[READER_EXCHANGE_DATA].text);
    x->n_damaged++;
}

static enum err write_row(struct export *x, const struct reader_value *row)
{
    struct warc_exchange exchange = exchange_of(row);
    struct pool_job *job = NULL;
    enum err e = OK;

    if (row[READER_EXCHANGE_DATA].type == READER_BLOB &&
        span_eq(text_of(row, READER_EXCHANGE_CODEC), SPAN("zstd"))) {
        e = unpacker_unpack(&x->unpacker, row[READER_EXCHANGE_DATA].text,
                   row[READER_EXCHANGE_SIZE].integer, &job);
        if (e)
            return err_set(x->note, e, "a stored body cannot be unpacked: %s",
                           err_text(e));
        take_body(x, job, row, &exchange);
    }
    e = warc_write(x->warc, &exchange, x->note);
    pool_job_free(job);
    return e;
}

static enum err on_row(void *arg, const struct span *columns,
                       const struct reader_value *row, size_t n)
{
    struct export *x = arg;

    (void)columns;
    if (!row)
        return OK;
    BUG_IF(n != N_READER_EXCHANGE_COLUMNS);
    x->n_rows++;
    snprintf(x->last_id, sizeof x->last_id, "%lld",
             (long long)row[READER_EXCHANGE_ID].integer);
    return write_row(x, row);
}

static enum err write_all(struct export *x, struct reader *r)
{
    struct span sql = span_str(reader_find_export("warc-exchanges")->sql);
    enum err e = OK;

    snprintf(x->last_id, sizeof x->last_id, "0");
    do {
        char from[sizeof x->last_id];
        struct span param;

        memcpy(from, x->last_id, sizeof from); /* the row callback moves the other on */
        param = span_str(from);
        x->n_rows = 0;
        e = reader_query(r, sql, &param, 1, on_row, x, x->note);
    } while (!e && x->n_rows);
    return e;
}

/* --- all together ---------------------------------------------------------------- */

struct run_row {
    struct arena *mem;
    struct warc_options *options;
};

static enum err on_run(void *arg, const struct span *columns,
                       const struct reader_value *row, size_t n)
{
    struct run_row *run = arg;
    enum err e;

    (void)columns;
    if (!row)
        return OK;
    BUG_IF(n != N_READER_RUN_COLUMNS);
    e = arena_try_copy(run->mem, text_of(row, READER_RUN_USER_AGENT), &run->options->user_agent);
    if (!e)
        e = arena_try_copy(run->mem, text_of(row, READER_RUN_OPERATOR), &run->options->operator);
    if (!e)
        e = arena_try_copy(run->mem, text_of(row, READER_RUN_ROBOTS), &run->options->robots);
    return e ? e : arena_try_copy(run->mem, text_of(row, READER_RUN_SETTINGS), &run->options->settings);
}

static enum err open_warc(struct reader *r, const char *dir, struct warc **out,
                          struct err_note *note)
{
    struct warc_options options = {
        .dir = dir,
        .max_file_bytes = WARC_MAX_FILE_BYTES,
        .software = SPAN("crawl/" CRAWL_VERSION),
        .description = SPAN("exported from a database; bodies without content coding")
    };
    struct arena mem;
    struct run_row run = { &mem, &options };
    enum err e;

    arena_init(&mem, (size_t)16 * MIB);
    e = reader_query(r, span_str(reader_find_export("warc-run")->sql), NULL, 0, on_run,
                     &run, note);
    if (!e)
        e = warc_open(&options, out, note);
    arena_clear(&mem);
    return e;
}

enum err export_warc(struct reader *r, const char *dir, struct export_warc_counts *out,
                     struct err_note *note)
{
    struct export x = { .note = note, .unpacker.reader = r };
    struct err_note late;
    enum err e, closed;

    e = unpacker_open(&x.unpacker, note);
    if (!e && digest_sum_new(&x.sum))
        e = err_set(note, ERR_UNSUPPORTED, "libcrypto has no SHA-256");
    if (!e)
        e = open_warc(r, dir, &x.warc, note);
    if (!e)
        e = write_all(&x, r);
    if (!e) {
        warc_get_counts(x.warc, &out->records);
        out->n_damaged = x.n_damaged;
    }
    closed = warc_close(x.warc, &late);
    if (!e && closed)
        e = err_set(note, closed, "%s", late.text);
    digest_sum_free(x.sum);
    unpacker_close(&x.unpacker);
    return e;
}
