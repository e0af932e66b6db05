/* SPDX-License-Identifier: MIT */
#include "store/rank.h"

#include <math.h>
#include <stdlib.h>

#include "config/mem.h"
#include "store/words.h"

#define K1          1.2
#define B           0.75
#define LEAST_IDF   1e-6
#define MAX_PHRASES 128 /* match.h allows fewer */

static const double weights[] = { 10.0, 4.0, 1.0 }; /* title, description, text */

/* What holds for a whole query. */
struct rank {
    int n_phrases;
    double mean_size;
    double worth[MAX_PHRASES];
};

struct counting {
    int64_t n, last_rowid;
};

static int on_phrase_row(const Fts5ExtensionApi *api, Fts5Context *fts, void *arg)
{
    struct counting *c = arg;

    c->n++;
    c->last_rowid = api->xRowid(fts);
    return c->n < RANK_LOOKED_AT ? SQLITE_OK : SQLITE_DONE;
}

/* Rows come in order of their ids, which are as dense where we did not look. */
double rank_worth(int64_t n, int64_t last, int64_t n_rows)
{
    double known = (double)n, rows = (double)n_rows, hits = known;

    if (n >= RANK_LOOKED_AT)
        hits = MAX(known, known * rows / (double)MAX(last, 1));
    hits = MIN(hits, rows); /* a damaged file may have more than it counted */
    return MAX(LEAST_IDF, log((rows - hits + 0.5) / (hits + 0.5)));
}

double rank_weight(int column)
{
    return column >= 0 && column < (int)ARRAY_LEN(weights) ? weights[column] : 1;
}

double rank_part(double worth, double frequency, double size, double mean_size)
{
    return worth * frequency * (K1 + 1) / (frequency + K1 * (1 - B + B * size / mean_size));
}

static int make(const Fts5ExtensionApi *api, Fts5Context *fts, struct rank **out)
{
    struct rank *r = mem_alloc(sizeof *r);
    sqlite3_int64 n_rows = 0, size = 0;
    int rc = api->xRowCount(fts, &n_rows);

    if (!rc)
        rc = api->xColumnTotalSize(fts, -1, &size);
    r->n_phrases = MIN(api->xPhraseCount(fts), MAX_PHRASES);
    r->mean_size = n_rows > 0 && size > 0 ? (double)size / (double)n_rows : 1;
    for (int i = 0; !rc && i < r->n_phrases; i++) {
        struct counting c = { 0 };

        rc = api->xQueryPhrase(fts, i, &c, on_phrase_row);
        r->worth[i] = rank_worth(c.n, c.last_rowid, n_rows);
    }
    if (!rc)
        rc = api->xSetAuxdata(fts, r, mem_free); /* frees it also when it fails */
    else
        mem_free(r);
    *out = r;
    return rc;
}

static int add_up(const Fts5ExtensionApi *api, Fts5Context *fts, double *frequency)
{
    int n, rc = api->xInstCount(fts, &n);

    for (int i = 0; !rc && i < n; i++) {
        int phrase, column, offset;

        rc = api->xInst(fts, i, &phrase, &column, &offset);
        if (!rc && phrase < MAX_PHRASES)
            frequency[phrase] += rank_weight(column);
    }
    return rc;
}

static void relevance(const Fts5ExtensionApi *api, Fts5Context *fts,
                      sqlite3_context *ctx, int argc, sqlite3_value **argv)
{
    struct rank *r = api->xGetAuxdata(fts, 0);
    double frequency[MAX_PHRASES] = { 0 }, score = 0;
    int rc = SQLITE_OK, size = 0;

    (void)argc;
    (void)argv;
    if (!r)
        rc = make(api, fts, &r);
    if (!rc)
        rc = api->xColumnSize(fts, -1, &size);
    if (!rc)
        rc = add_up(api, fts, frequency);
    if (rc) {
        sqlite3_result_error_code(ctx, rc);
        return;
    }
    for (int i = 0; i < r->n_phrases; i++)
        score += rank_part(r->worth[i], frequency[i], MAX(size, 0), r->mean_size);
    sqlite3_result_double(ctx, score);
}

enum err rank_register(sqlite3 *handle)
{
    fts5_api *api = words_api(handle);

    return api && !api->xCreateFunction(api, "relevance", NULL, relevance, NULL)
               ? OK
               : ERR_UNSUPPORTED;
}
