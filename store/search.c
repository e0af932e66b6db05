/* SPDX-License-Identifier: MIT */
#include "store/search.h"

#include "config/buf.h"
#include "config/mem.h"

/* Of best, which has id, score and n; each of them a page's text. */
#define HITS(best)                                                                      \
    "SELECT u.id, u.url, p.title, p.description, p.lang,"                                \
    " strftime('%Y-%m-%dT%H:%M:%SZ', f.fetched_at / 1000, 'unixepoch'), best.score,"     \
    " f.content_type, b.codec, b.data, b.size, best.n FROM " best                        \
    " CROSS JOIN fetch f ON f.id = best.id"                                              \
    " CROSS JOIN page p ON p.url_id = f.url_id"                                          \
    " CROSS JOIN url u ON u.id = f.url_id"                                               \
    " LEFT JOIN body b ON b.id = f.body_id"                                              \
    " ORDER BY best.score DESC, best.id"

/* ?1 expression, ?2 hits wanted, ?3 rows that may be ranked. Of the hits that conditions leave. */
#define SEARCH(conditions)                                                                     \
    HITS("(SELECT id, score, count(*) OVER () AS n FROM ("                                     \
         "   SELECT page_text.rowid AS id, relevance(page_text) AS score FROM page_text " PRESENT \
         "   WHERE page_text MATCH ?1 " conditions " LIMIT CAST(?3 AS INTEGER))"               \
         "  ORDER BY score DESC, id LIMIT CAST(?2 AS INTEGER)) best")

/* Only what a page says now. */
#define PRESENT \
    "CROSS JOIN fetch f ON f.id = page_text.rowid CROSS JOIN page p ON p.url_id = f.url_id AND p.text_id = f.id"

static const char OF_ALL[] = SEARCH("");

/* ?4 a host. */
static const char OF_HOST[] = SEARCH("AND EXISTS (SELECT 1 FROM url u JOIN hosts h ON h.id = u.host_id"
                                     " WHERE u.id = f.url_id AND " PICK_IS_HOST("?4") ")");

/* ?1 how many matched, ?2 texts that were picked: [id, score] each. */
static const char OF_PICKED[] = HITS("(SELECT json_extract(value, '$[0]') AS id, json_extract(value, '$[1]') AS score,"
                                     " CAST(?1 AS INTEGER) AS n FROM json_each(?2)) best");

enum {
    ID,
    URL,
    TITLE,
    DESCRIPTION,
    LANG,
    FETCHED_AT,
    SCORE,
    CONTENT_TYPE,
    CODEC,
    DATA,
    SIZE,
    N_FOUND,
    N_COLUMNS
};

#define NUMBER_SIZE      24
#define MAX_PICKED_BYTES ((size_t)1 * MIB)

struct collecting {
    struct search_answer *answer;
    struct arena *mem;
    struct span host; /* or "" */
    size_t limit;
    int64_t n_found;
};

static bool is_known(const struct search_answer *a, int64_t url_id)
{
    for (size_t i = 0; i < a->n_hits; i++)
        if (a->hits[i].url_id == url_id)
            return true;
    return false;
}

static enum err on_hit(void *arg, const struct span *columns,
                       const struct reader_value *row, size_t n)
{
    struct collecting *c = arg;
    struct search_answer *a = c->answer;
    struct search_hit *hit = &a->hits[a->n_hits];

    struct {
        int column;
        struct span *to;
    } texts[] = { { URL, &hit->url },
                  { TITLE, &hit->title },
                  { DESCRIPTION, &hit->description },
                  { LANG, &hit->lang },
                  { FETCHED_AT, &hit->fetched_at },
                  { CONTENT_TYPE, &hit->content_type },
                  { CODEC, &hit->codec },
                  { DATA, &hit->data } };
    enum err e = OK;

    (void)columns;
    if (!row)
        return OK;
    BUG_IF(n != N_COLUMNS);
    c->n_found = row[N_FOUND].integer;
    if (a->n_hits == c->limit || is_known(a, row[ID].integer))
        return OK;
    *hit = (struct search_hit){ .url_id = row[ID].integer,
                                .score = row[SCORE].real,
                                .size = row[SIZE].integer };
    for (size_t i = 0; !e && i < ARRAY_LEN(texts); i++)
        e = arena_try_copy(c->mem, row[texts[i].column].text, texts[i].to);
    a->n_hits += !e;
    return e;
}

/* Adds hits that are not there yet; c->n_found gets how many pages match, up to max_ranked. */
static enum err add_hits(struct reader *r, struct collecting *c, struct span expression,
                         int64_t max_ranked, struct err_note *note)
{
    char limit[NUMBER_SIZE], ranked[NUMBER_SIZE]; /* hits may have left no room in c->mem */
    const char *sql = c->host.len ? OF_HOST : OF_ALL;
    struct span params[] = { expression, SPAN_NONE, SPAN_NONE, c->host };
    size_t n_params = ARRAY_LEN(params) - (sql == OF_ALL);

    snprintf(limit, sizeof limit, "%zu", c->limit);
    snprintf(ranked, sizeof ranked, "%lld", (long long)max_ranked);
    params[1] = span_str(limit);
    params[2] = span_str(ranked);
    c->n_found = 0;
    return reader_query(r, span_str(sql), params, n_params, on_hit, c, note);
}

/* Texts that match, those of former content included, up to one more than are ranked: far quicker than pages. */
static const char N_TEXTS[] =
    "SELECT count(*) FROM (SELECT 1 FROM page_text WHERE page_text MATCH ?1"
    " LIMIT CAST(?2 AS INTEGER))";

static enum err on_count(void *arg, const struct span *columns,
                         const struct reader_value *row, size_t n)
{
    int64_t *out = arg;

    (void)columns;
    if (row && n == 1)
        *out = row[0].integer;
    return OK;
}

static enum err count_texts(struct reader *r, struct span expression, struct arena *mem,
                            int64_t *out, struct err_note *note)
{
    struct span params[] = { expression, arena_format(mem, "%d", PICK_RANKED + 1) };

    return reader_query(r, span_str(N_TEXTS), params, ARRAY_LEN(params), on_count, out,
                        note);
}

static enum err add_titles(struct reader *r, struct collecting *c, struct span all, struct err_note *note)
{
    struct span in_title = arena_format(c->mem, "{title} : %.*s", SPAN_ARG(all));

    return add_hits(r, c, in_title, PICK_RANKED + 1, note);
}

static bool is_enough(const struct collecting *c)
{
    return c->n_found > PICK_RANKED && c->answer->n_hits == c->limit;
}

/* More than PICK_RANKED texts match: as pick.h says. */
static enum err find_of_many(struct reader *r, struct collecting *c, struct span expression, struct err_note *note)
{
    enum err e = add_titles(r, c, expression, note);

    if (!e && !is_enough(c))
        e = add_hits(r, c, expression, PICK_RANKED + 1, note);
    if (!e && c->n_found <= PICK_RANKED) {
        c->answer->n_hits = 0; /* many of them were of former content, or of other hosts */
        e = add_hits(r, c, expression, PICK_RANKED, note);
    }
    return e;
}

/* By FTS5: what we do not read from its tables ourselves. */
static enum err find_by_fts5(struct reader *r, struct collecting *c, struct span expression, struct err_note *note)
{
    int64_t n_texts = 0;
    enum err e = count_texts(r, expression, c->mem, &n_texts, note);

    if (e || n_texts > PICK_RANKED)
        return e ? e : find_of_many(r, c, expression, note);
    return add_hits(r, c, expression, PICK_RANKED + 1, note);
}

/* The pages of the texts that were picked. */
static enum err add_picked(struct reader *r, struct collecting *c, const struct pick_text *picked, size_t n,
                           struct err_note *note)
{
    char n_found[NUMBER_SIZE];
    struct span params[2];
    struct buf list;
    enum err e;

    buf_init(&list, MAX_PICKED_BYTES);
    e = buf_append_byte(&list, '[');
    for (size_t i = 0; !e && i < n; i++)
        e = buf_printf(&list, "%s[%lld,%.17g]", i ? "," : "", (long long)picked[i].id, picked[i].score);
    if (!e)
        e = buf_append_byte(&list, ']');
    snprintf(n_found, sizeof n_found, "%lld", (long long)c->n_found);
    params[0] = span_str(n_found);
    params[1] = buf_span(&list);
    if (!e)
        e = reader_query(r, span_str(OF_PICKED), params, ARRAY_LEN(params), on_hit, c, note);
    buf_clear(&list);
    return e;
}

static enum err find(struct reader *r, struct collecting *c, const struct match *m, struct err_note *note)
{
    struct pick_question q = { m, c->host, c->limit };
    struct pick_text *picked = mem_try_alloc((c->limit + 1) * sizeof *picked);
    size_t n = 0;
    enum err e = picked ? pick_texts(r, &q, picked, &n, &c->n_found) : ERR_NO_MEMORY;

    e = e ? find_by_fts5(r, c, m->expression, note) : add_picked(r, c, picked, n, note);
    mem_free(picked);
    return e;
}

/* --- asking ------------------------------------------------------------------------ */

enum err search_ask(struct reader *r, const struct search_question *q,
                    struct arena *mem, struct search_answer *out, struct err_note *note)
{
    struct collecting c = { .answer = out, .mem = mem, .limit = q->limit };
    enum err e = OK;

    *out = (struct search_answer){ .words = NULL };
    c.host = q->host.ptr ? q->host : SPAN("");
    if (words_open(reader_handle(r), &out->words))
        return err_set(note, ERR_UNSUPPORTED, "this SQLite has no full-text search");
    e = match_parse(out->words, q->query, mem, &out->match, note);
    if (e)
        return e;
    out->hits = arena_try_array(mem, q->limit + 1, sizeof *out->hits);
    if (!out->hits)
        return ERR_NO_MEMORY;
    e = find(r, &c, &out->match, note);
    out->n_found = c.n_found;
    return e;
}

void search_close(struct search_answer *a)
{
    words_close(a->words);
    a->words = NULL;
}
