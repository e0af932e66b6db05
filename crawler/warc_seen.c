/* SPDX-License-Identifier: MIT */
#include "crawler/warc_seen.h"

#include "config/mem.h"

#define MAX_URI ((size_t)2048)

struct place {
    char digest[64]; /* "" while free */
    char *uri;
    int64_t date_ms;
};

struct warc_seen {
    struct place *places;
    size_t n;
};

struct warc_seen *warc_seen_new(size_t n_places)
{
    struct warc_seen *s = mem_alloc(sizeof *s);

    s->places = mem_array(n_places, sizeof *s->places);
    s->n = n_places;
    return s;
}

void warc_seen_free(struct warc_seen *s)
{
    if (!s)
        return;
    for (size_t i = 0; i < s->n; i++)
        mem_free(s->places[i].uri);
    mem_free(s->places);
    mem_free(s);
}

/* A digest's characters are spread well enough: FNV-1a. */
static struct place *place_of(const struct warc_seen *s, struct span digest)
{
    uint64_t h = UINT64_C(0xcbf29ce484222325);

    for (size_t i = 0; i < digest.len; i++)
        h = (h ^ (unsigned char)digest.ptr[i]) * UINT64_C(0x100000001b3);
    return &s->places[h % s->n];
}

bool warc_seen_find(const struct warc_seen *s, struct span digest,
                    struct warc_seen_at *out)
{
    const struct place *p = place_of(s, digest);

    if (!digest.len || !span_eq(span_str(p->digest), digest))
        return false;
    *out = (struct warc_seen_at){ span_str(p->uri), p->date_ms };
    return true;
}

void warc_seen_add(struct warc_seen *s, struct span digest, struct span uri,
                   int64_t date_ms)
{
    struct place *p = place_of(s, digest);

    if (digest.len >= sizeof p->digest || uri.len > MAX_URI)
        return;
    mem_free(p->uri);
    p->uri = mem_str_copy(uri);
    memcpy(p->digest, digest.ptr, digest.len);
    p->digest[digest.len] = '\0';
    p->date_ms = date_ms;
}
