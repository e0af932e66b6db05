/* SPDX-License-Identifier: MIT */
#include "store/search.h"

#include "config/mem.h"

/* Is h the host that a parameter names, with its port or without? The first line is for the index. */
#define IS_HOST(parameter)                                                                  \
    "h.host IN (lower(" parameter "), rtrim(rtrim(lower(" parameter "), '0123456789'), ':'))" \
    " AND lower(" parameter ") IN (h.host, h.host || ':' || h.port)"

/* ?1 expression, ?2 hits wanted, ?3 rows that may be ranked. Of the hits that tables and conditions leave. */
#define SEARCH(tables, conditions)                                                             \
    "SELECT u.id, u.url, p.title, p.description, p.lang,"                                       \
    " strftime('%Y-%m-%dT%H:%M:%SZ', f.fetched_at / 1000, 'unixepoch'), best.score,"            \
    " f.content_type, b.codec, b.data, b.size, best.n"                                         \
    " FROM (SELECT id, score, count(*) OVER () AS n FROM ("                                    \
    "   SELECT page_text.rowid AS id, relevance(page_text) AS score FROM page_text " tables    \
    "   WHERE page_text MATCH ?1 " conditions " LIMIT CAST(?3 AS INTEGER))"                    \
    "  ORDER BY score DESC, id LIMIT CAST(?2 AS INTEGER)) best"                                \
    " CROSS JOIN fetch f ON f.id = best.id"                                                    \
    " CROSS JOIN page p ON p.url_id = f.url_id"                                                \
    " CROSS JOIN url u ON u.id = f.url_id"                                                     \
    " LEFT JOIN body b ON b.id = f.body_id"                                                    \
    " ORDER BY best.score DESC, best.id"

/* Only what a page says now. */
#define PRESENT \
    "CROSS JOIN fetch f ON f.id = page_text.rowid CROSS JOIN page p ON p.url_id = f.url_id AND p.text_id = f.id"

static const char OF_ALL[] = SEARCH(PRESENT, "");

/* ?4 a host. */
static const char OF_HOST[] = SEARCH(PRESENT, "AND EXISTS (SELECT 1 FROM url u JOIN hosts h ON h.id = u.host_id"
                                              " WHERE u.id = f.url_id AND " IS_HOST("?4") ")");

/* ?4 a set of texts: nearly all that match are of other hosts, and to look up whose each one is takes far longer. */
static const char OF_TEXTS[] = SEARCH("", "AND id_is_in(CAST(?4 AS INTEGER), page_text.rowid)");

/*
 * The present texts of the host ?1, as a set. Its URLs lie side by side in url_by_hash, among few others (seen.h);
 * what is above the mark may not be there yet (deferred.h), and files of older schemas have no mark.
 */
static const char TEXTS_OF_HOST[] =
    "WITH o(id, least) AS MATERIALIZED (SELECT h.id, origin_hash(h.scheme, h.host, h.port) FROM hosts h"
    "  WHERE " IS_HOST("?1") "),"
    " near(id) AS (SELECT x.url_id FROM o CROSS JOIN url_by_hash x"
    "  ON x.key_hash BETWEEN o.least AND o.least | 281474976710655"
    "  UNION SELECT id FROM url WHERE id > coalesce((SELECT value FROM meta WHERE name = 'url_by_hash_to'), 0))"
    " SELECT id_set(p.text_id) FROM near n CROSS JOIN url u ON u.id = n.id CROSS JOIN page p ON p.url_id = u.id"
    " WHERE u.host_id IN (SELECT id FROM o)";

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

#define NUMBER_SIZE 24

struct collecting {
    struct search_answer *answer;
    struct arena *mem;
    struct span host; /* or "" */
    struct span texts; /* of the host, where it is small: the number of their set */
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
    const char *sql = c->texts.len ? OF_TEXTS : c->host.len ? OF_HOST : OF_ALL;
    struct span params[] = { expression, SPAN_NONE, SPAN_NONE, c->texts.len ? c->texts : c->host };
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

/* A host is small that answered less than a fifth of all requests, or is none of ours. */
static const char IS_SMALL[] =
    "SELECT 5 * coalesce((SELECT sum(h.pages) FROM hosts h WHERE " IS_HOST("?1") "), 0)"
    " < coalesce((SELECT max(id) FROM fetch), 1)";

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
    struct span params[] = { expression, arena_format(mem, "%d", SEARCH_RANKED + 1) };

    return reader_query(r, span_str(N_TEXTS), params, ARRAY_LEN(params), on_count, out,
                        note);
}

/* Is the host small? Then its texts. */
static enum err gather_texts(struct reader *r, struct collecting *c, struct err_note *note)
{
    int64_t is_small = 0, set = 0;
    enum err e = reader_query(r, span_str(IS_SMALL), &c->host, 1, on_count, &is_small, note);

    if (!e && is_small)
        e = reader_query(r, span_str(TEXTS_OF_HOST), &c->host, 1, on_count, &set, note);
    if (!e && is_small)
        c->texts = arena_format(c->mem, "%lld", (long long)set);
    return e;
}

static enum err add_titles(struct reader *r, struct collecting *c, struct span all, struct err_note *note)
{
    struct span in_title = arena_format(c->mem, "{title} : %.*s", SPAN_ARG(all));

    return add_hits(r, c, in_title, SEARCH_RANKED + 1, note);
}

static bool is_enough(const struct collecting *c)
{
    return c->n_found > SEARCH_RANKED && c->answer->n_hits == c->limit;
}

/* More than SEARCH_RANKED texts match. Those whose title says it go first, and may be enough. */
static enum err find_of_many(struct reader *r, struct collecting *c, struct span expression, struct err_note *note)
{
    enum err e = add_titles(r, c, expression, note);

    if (!e && !is_enough(c))
        e = add_hits(r, c, expression, SEARCH_RANKED + 1, note);
    if (!e && c->n_found <= SEARCH_RANKED) {
        c->answer->n_hits = 0; /* many of them were of former content, or of other hosts */
        e = add_hits(r, c, expression, SEARCH_RANKED, note);
    }
    return e;
}

/* What the whole expression finds; n_texts of them at least. */
static enum err find_exactly(struct reader *r, struct collecting *c, struct span all, int64_t n_texts,
                             struct err_note *note)
{
    enum err e;

    c->answer->n_hits = 0;
    if (n_texts > SEARCH_RANKED && !c->texts.len)
        return find_of_many(r, c, all, note);
    e = add_hits(r, c, all, SEARCH_RANKED + 1, note);
    if (e || c->n_found <= SEARCH_RANKED)
        return e;
    c->answer->n_hits = 0;
    return find_of_many(r, c, all, note);
}

static enum err find(struct reader *r, struct collecting *c, const struct match *m, struct err_note *note)
{
    int64_t n_texts = 0;
    bool is_likely;
    enum err e = m->likely.len ? count_texts(r, m->likely, c->mem, &n_texts, note) : OK;

    is_likely = n_texts > SEARCH_RANKED;
    if (!e && !is_likely)
        e = count_texts(r, m->expression, c->mem, &n_texts, note);
    if (!e && n_texts > SEARCH_RANKED && c->host.len)
        e = gather_texts(r, c, note);
    if (!e && is_likely && !c->texts.len) {
        e = find_of_many(r, c, m->likely, note);
        if (!e && c->n_found > SEARCH_RANKED)
            return OK;
    }
    return e ? e : find_exactly(r, c, m->expression, n_texts, note);
}

/* --- usual words ------------------------------------------------------------------- */

struct reading {
    struct words *words;
    struct arena *mem;
    struct word_list list;
};

static enum err on_page(void *arg, const struct span *columns, const struct reader_value *row, size_t n)
{
    struct reading *to = arg;

    (void)columns;
    (void)n;
    return row ? words_split(to->words, row[0].text, to->mem, &to->list) : OK;
}

/* Of some pages. Where very many have a beginning, words of those titles and descriptions will be among theirs. */
static enum err read_usual(struct reader *r, struct reading *to, struct err_note *note)
{
    static const char SQL[] = "SELECT substr(title, 1, 200) || ' ' || substr(coalesce(description, ''), 1, 300)"
                              " FROM page WHERE title <> '' LIMIT 500";

    return reader_query(r, span_str(SQL), NULL, 0, on_page, to, note);
}

/* --- asking ------------------------------------------------------------------------ */

enum err search_ask(struct reader *r, const struct search_question *q,
                    struct arena *mem, struct search_answer *out, struct err_note *note)
{
    struct collecting c = { .answer = out, .mem = mem, .limit = q->limit };
    struct reading usual = { .mem = mem };
    enum err e = OK;

    *out = (struct search_answer){ .words = NULL };
    c.host = q->host.ptr ? q->host : SPAN("");
    c.texts = SPAN("");
    if (words_open(reader_handle(r), &out->words))
        return err_set(note, ERR_UNSUPPORTED, "this SQLite has no full-text search");
    usual.words = out->words;
    if (span_find(q->query, '*') < q->query.len)
        e = read_usual(r, &usual, note);
    if (!e)
        e = match_parse(out->words, q->query, &usual.list, mem, &out->match, note);
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
