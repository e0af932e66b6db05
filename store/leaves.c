/* SPDX-License-Identifier: MIT */
#include "store/leaves.h"

#include "config/mem.h"
#include "store/tokens.h"
#include "store/varint.h"

/* A page is full when it has its bytes, or a term and a number more. */
#define MAX_PAGE ((size_t)64 * 1024 + TOKENS_MAX_WORD)

struct leaves {
    struct shadow *shadow;
    uint32_t segment;
    uint32_t page_number; /* of the page that is being filled */
    size_t n, n_footer, last_term_at;
    bool has_term, has_doc; /* the page; a term's first document counts as before none */
    int64_t last_id;
    size_t n_term; /* of the last term, with its mark; 0 before the first */
    unsigned char page[2 * MAX_PAGE];
    unsigned char footer[MAX_PAGE];
    char term[1 + TOKENS_MAX_WORD];
};

struct leaves *leaves_new(void)
{
    return mem_alloc(sizeof(struct leaves));
}

void leaves_free(struct leaves *l)
{
    mem_free(l);
}

static void begin_page(struct leaves *l, uint32_t number)
{
    l->page_number = number;
    l->n = LEAVES_HEAD;
    l->n_footer = l->last_term_at = 0;
    l->has_term = l->has_doc = false;
    memset(l->page, 0, LEAVES_HEAD);
}

void leaves_begin(struct leaves *l, struct shadow *s, uint32_t segment)
{
    l->shadow = s;
    l->segment = segment;
    l->n_term = 0;
    l->term[0] = LEAVES_WHOLE_WORD;
    begin_page(l, 1);
}

static void put_u16(unsigned char *out, size_t v)
{
    out[0] = (unsigned char)(v >> 8);
    out[1] = (unsigned char)v;
}

static void flush(struct leaves *l)
{
    put_u16(l->page + 2, l->n);
    memcpy(l->page + l->n, l->footer, l->n_footer);
    shadow_put_page(l->shadow, l->segment, l->page_number,
                    span_make((const char *)l->page, l->n + l->n_footer));
    begin_page(l, l->page_number + 1);
}

static bool is_full_with(const struct leaves *l, size_t n)
{
    return l->n + l->n_footer + n >= l->shadow->page_bytes;
}

static void put_number(struct leaves *l, uint64_t v)
{
    l->n = (size_t)(varint_put(l->page + l->n, v) - l->page);
}

static void put_bytes(struct leaves *l, const void *bytes, size_t n)
{
    memcpy(l->page + l->n, bytes, n);
    l->n += n;
}

/* Bytes of word that the last term began with. */
static size_t shared(const struct leaves *l, struct span word)
{
    size_t n = 0, most = l->n_term ? MIN(l->n_term - 1, word.len) : 0;

    while (n < most && l->term[1 + n] == word.ptr[n])
        n++;
    return n;
}

void leaves_term(struct leaves *l, struct span word)
{
    size_t n_shared = shared(l, word), n_kept = l->n_term ? 1 + n_shared : 0;

    l->n_term = 1 + word.len;
    memcpy(l->term + 1 + n_shared, span_at(word.ptr, n_shared), word.len - n_shared);
    if (is_full_with(l, l->n_term + 2) && l->n > LEAVES_HEAD)
        flush(l);
    l->n_footer = (size_t)(varint_put(l->footer + l->n_footer, l->n - l->last_term_at) - l->footer);
    l->last_term_at = l->n;
    if (l->has_term) {
        put_number(l, n_kept);
    } else { /* one byte more than the last term has tells them apart */
        shadow_put_separator(l->shadow, l->segment, l->page_number,
                             span_make(l->term, l->page_number == 1 ? 0 : n_kept + 1));
        n_kept = 0;
    }
    put_number(l, l->n_term - n_kept);
    put_bytes(l, l->term + n_kept, l->n_term - n_kept);
    l->has_term = l->has_doc = true;
    l->last_id = 0;
}

/* As many whole varints as n bytes hold; one at least. */
static size_t whole(const unsigned char *places, size_t n)
{
    size_t len = varint_len(places);

    while (len < n && len + varint_len(places + len) <= n)
        len += varint_len(places + len);
    return len;
}

/* Places that the page has no room for. */
static NOINLINE void put_parts(struct leaves *l, const unsigned char *places, size_t n)
{
    while (n) {
        size_t used = l->n + l->n_footer, room = l->shadow->page_bytes - MIN(used, l->shadow->page_bytes);
        size_t len = n <= room ? n : whole(places, room);

        put_bytes(l, places, len);
        places += len;
        n -= len;
        if (is_full_with(l, 0))
            flush(l);
    }
}

void leaves_doc(struct leaves *l, int64_t id, const unsigned char *places, size_t n)
{
    if (!l->has_doc)
        put_u16(l->page, l->n);
    put_number(l, (uint64_t)(l->has_doc ? id - l->last_id : id));
    l->has_doc = true;
    l->last_id = id;
    if (l->n + l->n_footer + n > l->shadow->page_bytes) {
        put_parts(l, places, n);
    } else if (n <= LEAVES_SLACK) { /* most have a few bytes */
        memcpy(l->page + l->n, places, LEAVES_SLACK);
        l->n += n;
    } else {
        put_bytes(l, places, n);
    }
}

uint32_t leaves_end(struct leaves *l)
{
    if (l->n > LEAVES_HEAD)
        flush(l);
    return l->page_number - 1;
}
