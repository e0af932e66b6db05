/* SPDX-License-Identifier: MIT */
#include "store/roll.h"

#include "config/mem.h"

/* Pages that there is room for at first. */
#define FIRST_ROOM ((size_t)1024)

struct roll {
    struct roll_page *pages;
    size_t n, cap;
    size_t max_bytes;
    bool has_forgotten;
};

struct roll *roll_new(size_t max_bytes)
{
    struct roll *r = mem_alloc(sizeof *r);

    r->max_bytes = max_bytes;
    return r;
}

void roll_free(struct roll *r)
{
    if (!r)
        return;
    mem_free(r->pages);
    mem_free(r);
}

void roll_forget(struct roll *r)
{
    mem_free(r->pages);
    *r = (struct roll){ .max_bytes = r->max_bytes, .has_forgotten = true };
}

/* The file has the same, so nobody must find memory for it. */
static bool grow(struct roll *r)
{
    size_t wanted = MAX(r->cap * 2, FIRST_ROOM);
    void *grown =
        wanted <= r->max_bytes / sizeof *r->pages ? mem_ask_resize(r->pages, wanted * sizeof *r->pages) : NULL;

    if (!grown) {
        roll_forget(r);
        return false;
    }
    r->pages = grown;
    r->cap = wanted;
    return true;
}

void roll_add(struct roll *r, const struct roll_page *page)
{
    if (!r->has_forgotten && (r->n < r->cap || grow(r)))
        r->pages[r->n++] = *page;
}

const struct roll_page *roll_pages(const struct roll *r, size_t *out_n)
{
    *out_n = r->n;
    return r->n ? r->pages : NULL;
}

bool roll_is_new(const struct roll *r)
{
    return !r->n && !r->has_forgotten;
}
