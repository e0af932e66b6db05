/* SPDX-License-Identifier: MIT */
#include "store/postings.h"

#include <string.h>

#include "config/buf.h"
#include "config/mem.h"
#include "store/leaves.h"
#include "store/shadow.h"
#include "store/varint.h"

#define MAX_TERM   ((size_t)64 * 1024)
#define MAX_PLACES ((size_t)64 * MIB) /* of a document */
/* Steps from row to row that take as long as a search for one. */
#define STEPS_A_SEARCH 16
/* Ids beyond are not of fetches, and arrays of bits are made for so many: of 128 MiB. */
#define MAX_END        (INT64_C(1) << 30)
/* More are in no file, neither documents nor words, and a sum of such numbers is one yet. */
#define MAX_TOTAL      (UINT64_C(1) << 53)
#define MAX_WORDS      INT32_MAX /* of a column of a document, as FTS5 counts them */

struct segment_at {
    int64_t id, first, last; /* its pages */
};

struct postings {
    sqlite3_stmt *hold; /* a query that is not over: until then the file stays as it is */
    sqlite3_stmt *find, *pages, *size;
    int64_t size_id; /* where size is; -1: nowhere yet */
    struct segment_at *segments;
    size_t n_segments;
    uint64_t n_documents, n_words;
    struct buf term, cut; /* the term that was read last; places that go on in the next page */
};

/* --- opening ----------------------------------------------------------------------- */

/* The newest of a level come last, and the first level has the newest. */
static enum err read_segments(struct postings *p, struct span rest)
{
    uint64_t n_levels, n_segments, n_written, n_merging, n, v[3];
    size_t at;

    rest = span_skip(rest, 4);
    if (!varint_take(&rest, &n_levels) || !varint_take(&rest, &n_segments) || !varint_take(&rest, &n_written) ||
        n_segments > SHADOW_MAX_SEGMENTS)
        return ERR_UNSUPPORTED;
    p->segments = mem_array((size_t)n_segments + 1, sizeof *p->segments);
    p->n_segments = at = (size_t)n_segments;
    for (; n_levels; n_levels--) {
        if (!varint_take(&rest, &n_merging) || !varint_take(&rest, &n) || n > at)
            return ERR_UNSUPPORTED;
        at -= (size_t)n;
        for (size_t i = at; i < at + n; i++) {
            if (!varint_take(&rest, &v[0]) || !varint_take(&rest, &v[1]) || !varint_take(&rest, &v[2]) ||
                !v[0] || v[0] > SHADOW_MAX_SEGMENTS || v[1] > v[2] || v[2] > UINT32_MAX / 2)
                return ERR_UNSUPPORTED;
            p->segments[i] = (struct segment_at){ (int64_t)v[0], (int64_t)v[1], (int64_t)v[2] };
        }
    }
    return rest.len || at ? ERR_UNSUPPORTED : OK;
}

/* Of documents and of the words in each column; a row without bytes is that of an empty table. */
static enum err read_totals(struct postings *p, struct span rest)
{
    uint64_t n;

    if (rest.len && (!varint_take(&rest, &p->n_documents) || p->n_documents > MAX_TOTAL))
        return ERR_UNSUPPORTED;
    for (; rest.len; p->n_words += n)
        if (!varint_take(&rest, &n) || n > MAX_TOTAL - p->n_words)
            return ERR_UNSUPPORTED;
    return OK;
}

static struct span blob_of(sqlite3_stmt *st, int column)
{
    const char *bytes = sqlite3_column_blob(st, column);

    return span_make(bytes ? bytes : "", (size_t)sqlite3_column_bytes(st, column));
}

static enum err read_header(struct postings *p)
{
    enum err e;

    if (sqlite3_step(p->hold) != SQLITE_ROW)
        return ERR_UNSUPPORTED;
    if (sqlite3_column_int(p->hold, 2) != SHADOW_FORMAT)
        return ERR_UNSUPPORTED;
    e = read_segments(p, blob_of(p->hold, 0));
    return e ? e : read_totals(p, blob_of(p->hold, 1));
}

enum err postings_open(sqlite3 *handle, struct postings **out)
{
    static const char HOLD[] = "SELECT s.block, t.block, c.v FROM page_text_data s, page_text_data t,"
                               " page_text_config c WHERE s.id = 10 AND t.id = 1 AND c.k = 'version'",
                      FIND[] = "SELECT pgno / 2 FROM page_text_idx WHERE segid = ?1 AND term <= ?2"
                               " ORDER BY term DESC LIMIT 1",
                      PAGES[] = "SELECT id, block FROM page_text_data WHERE id BETWEEN ?1 AND ?2",
                      SIZE[] = "SELECT id, sz FROM page_text_docsize WHERE id >= ?1";
    struct postings *p = mem_alloc(sizeof *p);
    enum err e;

    p->size_id = -1;
    buf_init(&p->term, MAX_TERM);
    buf_init(&p->cut, MAX_PLACES);
    e = sqlite3_prepare_v2(handle, HOLD, -1, &p->hold, NULL) ||
                sqlite3_prepare_v2(handle, FIND, -1, &p->find, NULL) ||
                sqlite3_prepare_v2(handle, PAGES, -1, &p->pages, NULL) ||
                sqlite3_prepare_v2(handle, SIZE, -1, &p->size, NULL)
            ? ERR_UNSUPPORTED
            : read_header(p);
    if (e)
        postings_close(p);
    *out = e ? NULL : p;
    return e;
}

void postings_close(struct postings *p)
{
    if (!p)
        return;
    sqlite3_finalize(p->find);
    sqlite3_finalize(p->pages);
    sqlite3_finalize(p->size);
    sqlite3_finalize(p->hold);
    buf_clear(&p->term);
    buf_clear(&p->cut);
    mem_free(p->segments);
    mem_free(p);
}

int64_t postings_n_documents(const struct postings *p)
{
    return (int64_t)p->n_documents;
}

int64_t postings_n_words(const struct postings *p)
{
    return (int64_t)p->n_words;
}

/* --- sizes ------------------------------------------------------------------------- */

enum err postings_end(struct postings *p, int64_t *out)
{
    sqlite3_stmt *st;
    int rc = sqlite3_prepare_v2(sqlite3_db_handle(p->hold), "SELECT coalesce(max(id), 0) + 1 FROM page_text_docsize",
                                -1, &st, NULL);

    *out = 0;
    if (!rc && sqlite3_step(st) == SQLITE_ROW)
        *out = sqlite3_column_int64(st, 0);
    if (sqlite3_finalize(st))
        return ERR_IO;
    return *out > 0 && *out <= MAX_END ? OK : ERR_UNSUPPORTED;
}

/* The query stays open at the row that was read last: who asks for one of the next ones waits for a few steps only. */
enum err postings_size(struct postings *p, int64_t id, int64_t *out)
{
    struct span rest;
    int rc = SQLITE_ROW;
    uint64_t n;

    *out = 0;
    if (p->size_id < 0 || id < p->size_id || id - p->size_id > STEPS_A_SEARCH) {
        sqlite3_reset(p->size);
        sqlite3_bind_int64(p->size, 1, id);
        p->size_id = -1;
    }
    while (rc == SQLITE_ROW && p->size_id < id) {
        rc = sqlite3_step(p->size);
        p->size_id = rc == SQLITE_ROW ? sqlite3_column_int64(p->size, 0) : INT64_MAX;
    }
    if (p->size_id == id)
        for (rest = blob_of(p->size, 1); varint_take(&rest, &n); *out += (int64_t)n)
            if (n > MAX_WORDS)
                return ERR_UNSUPPORTED;
    return rc == SQLITE_ROW || rc == SQLITE_DONE ? OK : ERR_IO;
}

/* --- a list ------------------------------------------------------------------------ */

struct walk {
    struct postings *p;
    struct span word;
    bool is_prefix;
    const struct postings_domain *domain;
    postings_fn *fn;
    void *arg;
    bool is_in_list; /* of a term that is asked for */
    bool is_over;    /* nothing behind this is asked for */
    bool is_cut;     /* the places of a wanted document go on */
    int64_t id;
    uint64_t n_left; /* bytes of its places that stand in pages to come */
};

/* Takes a number off the front of [*at, end). False where none is whole. */
static inline bool take(const unsigned char **at, const unsigned char *end, uint64_t *out)
{
    struct span rest;

    if (*at < end && **at < 0x80) {
        *out = *(*at)++;
        return true;
    }
    rest = span_make((const char *)*at, (size_t)(end - *at));
    if (!varint_take(&rest, out))
        return false;
    *at = (const unsigned char *)rest.ptr;
    return true;
}

/* The rest of places that the page before had begun. */
static enum err go_on(struct walk *w, const unsigned char **at, const unsigned char *end)
{
    size_t n = (size_t)MIN(w->n_left, (uint64_t)(end - *at));
    enum err e = w->is_cut ? buf_append(&w->p->cut, span_make((const char *)*at, n)) : OK;

    *at += n;
    w->n_left -= n;
    if (e || w->n_left || !w->is_cut)
        return e;
    w->is_cut = false;
    return w->fn(w->arg, w->id, buf_span(&w->p->cut));
}

static enum err begin_cut(struct walk *w, const unsigned char *at, const unsigned char *end, uint64_t n)
{
    w->is_cut = postings_wants(w->domain, w->id);
    w->n_left = n - (uint64_t)(end - at);
    buf_reset(&w->p->cut);
    return w->is_cut ? buf_append(&w->p->cut, span_make((const char *)at, (size_t)(end - at))) : OK;
}

/* Documents, of which the first one's id is a distance from w->id. */
static enum err read_documents(struct walk *w, const unsigned char *at, const unsigned char *end)
{
    uint64_t distance, n;
    enum err e = OK;

    while (!e && at < end) {
        if (!take(&at, end, &distance) || !take(&at, end, &n))
            return ERR_CORRUPT;
        w->id = (int64_t)((uint64_t)w->id + distance);
        if (n & 1) /* taken out, here or in an older segment */
            return ERR_UNSUPPORTED;
        n /= 2;
        if (w->id >= w->domain->end) { /* so are all that follow */
            w->is_in_list = false;
            w->is_over = !w->is_prefix;
            return OK;
        }
        if (n > (uint64_t)(end - at))
            return begin_cut(w, at, end, n);
        if (n && postings_wants(w->domain, w->id))
            e = w->fn(w->arg, w->id, span_make((const char *)at, (size_t)n));
        at += n;
    }
    return e;
}

/* --- a page ------------------------------------------------------------------------ */

struct page {
    const unsigned char *bytes, *content_end, *footer, *end;
    size_t first_document; /* where it stands, if before the first term; or 0 */
    size_t term_at;        /* of the term that next_term took last */
};

static size_t u16(const unsigned char *p)
{
    return (size_t)p[0] << 8 | p[1];
}

static bool open_page(struct span block, struct page *out)
{
    const unsigned char *bytes = (const unsigned char *)block.ptr;
    size_t n_content;

    if (block.len < LEAVES_HEAD)
        return false;
    n_content = u16(bytes + 2);
    if (n_content < LEAVES_HEAD || n_content > block.len)
        return false;
    *out = (struct page){ bytes, bytes + n_content, bytes + n_content, bytes + block.len, u16(bytes), 0 };
    return true;
}

/* Where the next term stands, or the content's end. False where the footer cannot be. */
static bool next_term(struct page *page, const unsigned char **out)
{
    size_t n_content = (size_t)(page->content_end - page->bytes);
    uint64_t distance;

    *out = page->content_end;
    if (page->footer == page->end)
        return true;
    if (!take(&page->footer, page->end, &distance) || !distance || distance >= n_content - page->term_at)
        return false;
    page->term_at += (size_t)distance;
    *out = page->bytes + page->term_at;
    return page->term_at >= LEAVES_HEAD;
}

/* What stands before the first term belongs to the one before. */
static enum err read_front(struct walk *w, const struct page *page, const unsigned char *end)
{
    const unsigned char *at = page->bytes + LEAVES_HEAD;
    enum err e;

    if (!w->is_in_list)
        return OK;
    e = go_on(w, &at, end);
    if (e || at == end)
        return e;
    if (at != page->bytes + page->first_document || w->n_left)
        return ERR_CORRUPT;
    w->id = 0;
    return read_documents(w, at, end);
}

/* A term, whose documents reach to end: into p->term, and *at behind it. */
static enum err read_term(struct postings *p, const unsigned char **at, const unsigned char *end, bool is_first)
{
    uint64_t n_kept = 0, n;

    if ((!is_first && !take(at, end, &n_kept)) || !take(at, end, &n) || n > (uint64_t)(end - *at) ||
        n_kept > p->term.len)
        return ERR_CORRUPT;
    p->term.len = (size_t)n_kept;
    *at += n;
    return buf_append(&p->term, span_make((const char *)*at - n, (size_t)n));
}

/* Is the term asked for? Those behind the last one that is end the walk. */
static void choose_term(struct walk *w)
{
    struct span term = buf_span(&w->p->term), begin = span_slice(term, 0, MIN(term.len, 1 + w->word.len));
    bool is_word = term.len && term.ptr[0] == LEAVES_WHOLE_WORD;
    int order = is_word ? span_cmp(span_skip(begin, 1), w->word) : term.len ? term.ptr[0] - LEAVES_WHOLE_WORD : -1;

    w->is_in_list = is_word && !order && (w->is_prefix || term.len == begin.len);
    w->is_over = order > 0 || (!order && !w->is_in_list);
}

static enum err read_page(struct walk *w, struct span block)
{
    const unsigned char *at, *next;
    struct page page;
    enum err e;

    if (!open_page(block, &page) || !next_term(&page, &next))
        return ERR_CORRUPT;
    e = read_front(w, &page, next);
    for (bool is_first = true; !e && !w->is_over && next < page.content_end; is_first = false) {
        at = next;
        if (w->n_left || !next_term(&page, &next))
            return ERR_CORRUPT;
        e = read_term(w->p, &at, next, is_first);
        if (e)
            break;
        choose_term(w);
        w->id = 0;
        if (w->is_in_list)
            e = read_documents(w, at, next);
    }
    return e;
}

/* --- walking ----------------------------------------------------------------------- */

/* The page from which on the word may stand. */
static enum err find_page(struct walk *w, const struct segment_at *s, int64_t *out)
{
    struct postings *p = w->p;

    buf_reset(&p->term);
    if (buf_append_byte(&p->term, LEAVES_WHOLE_WORD) || buf_append(&p->term, w->word))
        return ERR_UNSUPPORTED; /* longer than any in the index */
    sqlite3_bind_int64(p->find, 1, s->id);
    sqlite3_bind_blob(p->find, 2, p->term.ptr, (int)p->term.len, SQLITE_STATIC);
    *out = sqlite3_step(p->find) == SQLITE_ROW ? MAX(s->first, sqlite3_column_int64(p->find, 0)) : s->first;
    buf_reset(&p->term);
    return sqlite3_reset(p->find) ? ERR_IO : OK;
}

static enum err walk_segment(struct walk *w, const struct segment_at *s)
{
    sqlite3_stmt *pages = w->p->pages;
    int64_t page;
    enum err e = find_page(w, s, &page);

    w->is_in_list = w->is_over = w->is_cut = false;
    w->n_left = 0;
    if (e || s->last == 0)
        return e;
    sqlite3_bind_int64(pages, 1, s->id << SHADOW_SEGMENT_SHIFT | page);
    sqlite3_bind_int64(pages, 2, s->id << SHADOW_SEGMENT_SHIFT | s->last);
    while (!e && !w->is_over && sqlite3_step(pages) == SQLITE_ROW) {
        if (sqlite3_column_int64(pages, 0) != (s->id << SHADOW_SEGMENT_SHIFT | page++))
            e = ERR_CORRUPT;
        else
            e = read_page(w, blob_of(pages, 1));
    }
    if (sqlite3_reset(pages))
        return ERR_IO;
    return e || w->is_over || (page == s->last + 1 && !w->n_left) ? e : ERR_CORRUPT;
}

enum err postings_walk(struct postings *p, struct span word, bool is_prefix, const struct postings_domain *domain,
                       postings_fn *fn, void *arg)
{
    struct walk w = { .p = p, .word = word, .is_prefix = is_prefix, .domain = domain, .fn = fn, .arg = arg };
    enum err e = OK;

    for (size_t i = 0; !e && i < p->n_segments; i++)
        e = walk_segment(&w, &p->segments[i]);
    return e;
}
