/* SPDX-License-Identifier: MIT */
#include "store/reader_functions.h"

#include <string.h>

#include "config/buf.h"
#include "config/clock.h"
#include "config/map.h"
#include "config/mem.h"
#include "parse/digest.h"
#include "parse/url.h"
#include "store/bodies.h"
#include "store/rank.h"
#include "store/reader_rows.h"
#include "store/seen.h"
#include "store/vocab.h"

#define MAX_BODY ((size_t)1 * GIB)
#define MAX_SETS 64
#define MAX_SET  ((size_t)256 * MIB) /* bytes of a set: ids up to two thousand million */

/* A bit for each id. Ids grow from 1 on, so a set is small beside what it is made of. */
struct id_set {
    unsigned char *bits; /* SQLite's memory */
    size_t size;
};

/* Bits by the hashes of texts: those that were met, and those that were met again. */
struct twin_set {
    unsigned char *met, *again;
};

#define TWIN_BITS  26 /* 8 MiB each: of a million different texts two in a hundred are taken for another */
#define TWIN_BYTES ((size_t)1 << (TWIN_BITS - 3))

struct reader_functions {
    bool has_secret, has_old_hashes;
    uint64_t secret;
    struct digest *digest; /* made when a body is looked at: libcrypto takes its time to begin */
    struct bodies_unpacker *unpacker;
    struct buf unpacked;
    struct id_set sets[MAX_SETS];
    size_t n_sets;
    struct twin_set twins[MAX_SETS];
    size_t n_twins;
    struct reader_rows *rows;
};

static struct span bytes_of(sqlite3_value *value)
{
    const char *bytes = sqlite3_value_blob(value);

    return span_make(bytes, (size_t)sqlite3_value_bytes(value));
}

static const char *value_text(sqlite3_value *value)
{
    const unsigned char *text = sqlite3_value_text(value);

    return text ? (const char *)text : "";
}

static void hash_key(sqlite3_context *ctx, int argc, sqlite3_value **argv)
{
    const struct reader_functions *f = sqlite3_user_data(ctx);

    (void)argc;
    if (f->has_secret && sqlite3_value_type(argv[0]) != SQLITE_NULL)
        sqlite3_result_int64(ctx, (int64_t)(f->has_old_hashes
                                                ? map_hash(bytes_of(argv[0]), f->secret)
                                                : seen_hash(f->secret, bytes_of(argv[0]))));
}

/* As the crawler makes the key of a URL: a default port and a last point count for nothing. */
static void hash_origin(sqlite3_context *ctx, int argc, sqlite3_value **argv)
{
    const struct reader_functions *f = sqlite3_user_data(ctx);
    char text[STORE_MAX_HOST + 64]; /* what is longer has no URLs that were asked for */
    struct arena mem;
    struct span key;
    struct url u;
    int n = snprintf(text, sizeof text, "%s://%s:%d/", value_text(argv[0]), value_text(argv[1]),
                     sqlite3_value_int(argv[2]));

    (void)argc;
    if (!f->has_secret || f->has_old_hashes || n < 0 || (size_t)n >= sizeof text)
        return;
    arena_init(&mem, (size_t)MIB);
    if (url_parse(span_str(text), NULL, &mem, &u) == OK && url_normalize(&u, &mem, &key) == OK)
        sqlite3_result_int64(ctx, (int64_t)seen_first_hash(f->secret, key));
    arena_clear(&mem);
}

/* OK, or the note says what is wrong. */
static enum err check_body(struct reader_functions *f, sqlite3_value **argv,
                           struct err_note *note)
{
    struct span sha256 = bytes_of(argv[0]);
    struct bodies_packed body = { bytes_of(argv[1]), bytes_of(argv[3]),
                                  sqlite3_value_int64(argv[2]) };
    unsigned char found[DIGEST_SHA256_BYTES];
    enum err e;

    buf_reset(&f->unpacked);
    e = bodies_unpack(f->unpacker, &body, &f->unpacked, note);
    if (e)
        return e;
    e = f->digest ? OK : digest_new(&f->digest);
    if (!e)
        e = digest_sha256(f->digest, buf_span(&f->unpacked), found);
    if (e)
        return err_set(note, e, "libcrypto cannot count a SHA-256: %s", err_text(e));
    if (sha256.len != sizeof found || memcmp(found, sha256.ptr, sizeof found) != 0)
        return err_set(note, ERR_CORRUPT, "its SHA-256 is another");
    return OK;
}

static void body_problem(sqlite3_context *ctx, int argc, sqlite3_value **argv)
{
    struct err_note note = { "" };

    (void)argc;
    if (check_body(sqlite3_user_data(ctx), argv, &note))
        sqlite3_result_text(ctx, note.text, -1, SQLITE_TRANSIENT);
}

/* --- sets of ids ------------------------------------------------------------------- */

/* The aggregate's own until it ends; then the connection's, which queries name by number. */
static void id_set_step(sqlite3_context *ctx, int argc, sqlite3_value **argv)
{
    struct id_set *set = sqlite3_aggregate_context(ctx, sizeof *set);
    int64_t id = sqlite3_value_int64(argv[0]);
    size_t at = (size_t)(id / 8);

    (void)argc;
    if (!set || id < 0 || at >= MAX_SET) /* what a damaged file may name */
        return;
    if (at >= set->size) {
        size_t size = MIN(MAX(at + 1, 2 * set->size), MAX_SET);
        unsigned char *bits = sqlite3_realloc64(set->bits, size);

        if (!bits) {
            sqlite3_result_error_nomem(ctx);
            return;
        }
        memset(bits + set->size, 0, size - set->size);
        set->bits = bits;
        set->size = size;
    }
    set->bits[at] = (unsigned char)(set->bits[at] | 1u << (id % 8));
}

static void id_set_end(sqlite3_context *ctx)
{
    struct reader_functions *f = sqlite3_user_data(ctx);
    struct id_set *set = sqlite3_aggregate_context(ctx, 0);

    if (f->n_sets == MAX_SETS) {
        sqlite3_result_error(ctx, "too many sets of ids", -1);
        sqlite3_free(set ? set->bits : NULL);
        return;
    }
    f->sets[f->n_sets] = set ? *set : (struct id_set){ NULL, 0 };
    sqlite3_result_int64(ctx, (int64_t)f->n_sets++);
}

static void id_is_in(sqlite3_context *ctx, int argc, sqlite3_value **argv)
{
    const struct reader_functions *f = sqlite3_user_data(ctx);
    int64_t number = sqlite3_value_int64(argv[0]), id = sqlite3_value_int64(argv[1]);
    size_t at = (size_t)(id / 8);
    const struct id_set *set;

    (void)argc;
    if (number < 0 || number >= (int64_t)f->n_sets) {
        sqlite3_result_error(ctx, "no such set of ids", -1);
        return;
    }
    set = &f->sets[number];
    sqlite3_result_int(ctx,
                       id >= 0 && at < set->size && (set->bits[at] >> (id % 8) & 1));
}

static uint64_t twin_hash(sqlite3_value *value)
{
    return map_hash(bytes_of(value), 0) >> (64 - TWIN_BITS);
}

/* Both halves are one piece. */
static bool twin_set_begin(struct twin_set *set)
{
    if (!set || set->met)
        return set != NULL;
    set->met = mem_try_alloc(2 * TWIN_BYTES);
    if (!set->met)
        return false;
    memset(set->met, 0, 2 * TWIN_BYTES);
    set->again = set->met + TWIN_BYTES;
    return true;
}

static void twin_set_step(sqlite3_context *ctx, int argc, sqlite3_value **argv)
{
    struct twin_set *set = sqlite3_aggregate_context(ctx, sizeof *set);
    uint64_t hash = twin_hash(argv[0]);
    unsigned char bit = (unsigned char)(1u << (hash % 8));

    (void)argc;
    if (!twin_set_begin(set)) {
        sqlite3_result_error_nomem(ctx);
        return;
    }
    if (set->met[hash / 8] & bit)
        set->again[hash / 8] |= bit;
    set->met[hash / 8] |= bit;
}

static void twin_set_end(sqlite3_context *ctx)
{
    struct reader_functions *f = sqlite3_user_data(ctx);
    struct twin_set *set = sqlite3_aggregate_context(ctx, 0);

    if (f->n_twins == MAX_SETS) {
        sqlite3_result_error(ctx, "too many sets of twins", -1);
        mem_free(set ? set->met : NULL);
        return;
    }
    f->twins[f->n_twins] = set ? *set : (struct twin_set){ NULL, NULL };
    sqlite3_result_int64(ctx, (int64_t)f->n_twins++);
}

static void may_be_twin(sqlite3_context *ctx, int argc, sqlite3_value **argv)
{
    const struct reader_functions *f = sqlite3_user_data(ctx);
    int64_t number = sqlite3_value_int64(argv[0]);
    const struct twin_set *set;
    uint64_t hash;

    (void)argc;
    if (number < 0 || number >= (int64_t)f->n_twins) {
        sqlite3_result_error(ctx, "no such set of twins", -1);
        return;
    }
    set = &f->twins[number];
    hash = twin_hash(argv[1]);
    sqlite3_result_int(ctx, set->met && (set->again[hash / 8] >> (hash % 8) & 1));
}

static void iso_time(sqlite3_context *ctx, int argc, sqlite3_value **argv)
{
    char text[CLOCK_ISO_SIZE];

    (void)argc;
    if (sqlite3_value_type(argv[0]) == SQLITE_INTEGER)
        sqlite3_result_text(ctx, clock_format_iso(sqlite3_value_int64(argv[0]), text), -1, SQLITE_TRANSIENT);
}

static void reason_word(sqlite3_context *ctx, int argc, sqlite3_value **argv)
{
    int64_t reason = sqlite3_value_type(argv[0]) == SQLITE_INTEGER ? sqlite3_value_int64(argv[0]) : 0;

    (void)argc;
    if (reason > REASON_NONE && reason < N_URL_REASONS)
        sqlite3_result_text(ctx, vocab_reason((enum url_reason)reason), -1, SQLITE_STATIC);
    else
        sqlite3_result_value(ctx, argv[0]);
}

static void simhash_distance(sqlite3_context *ctx, int argc, sqlite3_value **argv)
{
    uint64_t a = (uint64_t)sqlite3_value_int64(argv[0]),
             b = (uint64_t)sqlite3_value_int64(argv[1]);

    (void)argc;
    if (a && b) /* 0: no text; NULL reads as 0 */
        sqlite3_result_int(ctx, __builtin_popcountll(a ^ b));
}

static bool ask_number(sqlite3 *handle, const char *sql, int64_t *out)
{
    sqlite3_stmt *st;
    bool is_there = false;

    if (sqlite3_prepare_v2(handle, sql, -1, &st, NULL))
        return false;
    if (sqlite3_step(st) == SQLITE_ROW &&
        sqlite3_column_type(st, 0) == SQLITE_INTEGER) {
        *out = sqlite3_column_int64(st, 0);
        is_there = true;
    }
    sqlite3_finalize(st);
    return is_there;
}

static void read_secret(sqlite3 *handle, struct reader_functions *f)
{
    int64_t secret, version = 0;

    f->has_secret = ask_number(handle, "SELECT value FROM meta WHERE name = 'hash_secret'",
                               &secret) &&
                    ask_number(handle, "PRAGMA user_version", &version);
    f->secret = f->has_secret ? (uint64_t)secret : 0;
    f->has_old_hashes = version < SEEN_HASH_SINCE;
}

enum err reader_functions_new(sqlite3 *handle, struct reader_functions **out)
{
    struct reader_functions *f = mem_alloc(sizeof *f);
    int flags = SQLITE_UTF8 | SQLITE_DETERMINISTIC | SQLITE_DIRECTONLY;
    int sets = SQLITE_UTF8 | SQLITE_DIRECTONLY;

    buf_init(&f->unpacked, MAX_BODY);
    read_secret(handle, f);
    if (bodies_unpacker_new(handle, &f->unpacker) || reader_rows_new(handle, &f->rows) ||
        sqlite3_create_function(handle, "url_hash", 1, flags, f, hash_key, NULL,
                                NULL) ||
        sqlite3_create_function(handle, "origin_hash", 3, flags, f, hash_origin, NULL,
                                NULL) ||
        sqlite3_create_function(handle, "body_problem", 4, flags, f, body_problem, NULL,
                                NULL) ||
        sqlite3_create_function(handle, "iso_time", 1, flags, NULL, iso_time, NULL, NULL) ||
        sqlite3_create_function(handle, "reason_word", 1, flags, NULL, reason_word, NULL, NULL) ||
        sqlite3_create_function(handle, "simhash_distance", 2, flags, f,
                                simhash_distance, NULL, NULL) ||
        sqlite3_create_function(handle, "id_set", 1, sets, f, NULL, id_set_step,
                                id_set_end) ||
        sqlite3_create_function(handle, "id_is_in", 2, flags, f, id_is_in, NULL,
                                NULL) ||
        sqlite3_create_function(handle, "twin_set", 1, sets, f, NULL, twin_set_step,
                                twin_set_end) ||
        sqlite3_create_function(handle, "may_be_twin", 2, flags, f, may_be_twin, NULL,
                                NULL)) {
        reader_functions_free(f);
        return ERR_NO_MEMORY;
    }
    (void)!rank_register(handle); /* without FTS5 no search works, and says so itself */
    *out = f;
    return OK;
}

void reader_functions_free(struct reader_functions *f)
{
    if (!f)
        return;
    for (size_t i = 0; i < f->n_sets; i++)
        sqlite3_free(f->sets[i].bits);
    for (size_t i = 0; i < f->n_twins; i++)
        mem_free(f->twins[i].met);
    reader_rows_free(f->rows);
    digest_free(f->digest);
    bodies_unpacker_free(f->unpacker);
    buf_clear(&f->unpacked);
    mem_free(f);
}
