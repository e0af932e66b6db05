/* SPDX-License-Identifier: MIT */
#include "crawler/warc_member.h"

#include <errno.h>
#include <unistd.h>

#define ZLIB_CONST
#include <zlib.h>

#include "config/buf.h"
#include "config/io.h"
#include "config/mem.h"

#define GZIP         (15 + 16) /* window bits of zlib, and the gzip wrapper */
#define MEMORY_LEVEL 8
#define EFFORT       4 /* of text: 3 % larger than 6, and a third faster */
#define EFFORT_DENSE 1 /* of what is compressed already */
#define BLOCK        ((size_t)64 * 1024)
#define MAX_STEP     ((size_t)1 << 30) /* zlib counts input in unsigned int */

struct warc_member {
    z_stream deflater;
    unsigned char out[BLOCK];
};

enum err warc_member_new(struct warc_member **out)
{
    struct warc_member *m = mem_alloc(sizeof *m);

    if (deflateInit2(&m->deflater, EFFORT, Z_DEFLATED, GZIP, MEMORY_LEVEL,
                     Z_DEFAULT_STRATEGY) != Z_OK) {
        mem_free(m);
        return ERR_NO_MEMORY;
    }
    *out = m;
    return OK;
}

void warc_member_free(struct warc_member *m)
{
    if (!m)
        return;
    deflateEnd(&m->deflater);
    mem_free(m);
}

int64_t warc_member_bound(struct warc_member *m, size_t n)
{
    return (int64_t)deflateBound(&m->deflater, (uLong)n) + 64;
}

/* Writes out what zlib has made. */
static enum err drain(struct warc_member *m, int fd, int64_t *io_bytes)
{
    size_t n = BLOCK - m->deflater.avail_out;
    enum err e = io_write_all(fd, span_make((const char *)m->out, n));

    *io_bytes += (int64_t)n;
    m->deflater.next_out = m->out;
    m->deflater.avail_out = (uInt)BLOCK;
    return e;
}

/*
 * Feeds the deflater until it has taken s, and with Z_FINISH until the member is
 * complete.
 */
static enum err feed(struct warc_member *m, int fd, struct span s, int flush,
                     int64_t *io_bytes)
{
    z_stream *z = &m->deflater;
    int rc = Z_OK;
    enum err e = OK;

    z->next_in = (const Bytef *)s.ptr;
    z->avail_in = (uInt)s.len;
    while (!e && (z->avail_in || (flush == Z_FINISH && rc != Z_STREAM_END))) {
        rc = deflate(z, flush);
        BUG_IF(rc == Z_STREAM_ERROR);
        if (!z->avail_out || rc == Z_STREAM_END)
            e = drain(m, fd, io_bytes);
    }
    return e;
}

enum err warc_member_write(struct warc_member *m, int fd, const struct span *pieces,
                           size_t n, bool is_dense, int64_t *out_bytes)
{
    int64_t bytes = 0;
    enum err e = OK;

    deflateReset(&m->deflater);
    m->deflater.next_out = m->out;
    m->deflater.avail_out = (uInt)BLOCK;
    deflateParams(&m->deflater, is_dense ? EFFORT_DENSE : EFFORT, Z_DEFAULT_STRATEGY);
    for (size_t i = 0; !e && i < n; i++)
        for (struct span rest = pieces[i]; !e && rest.len;
             rest = span_skip(rest, MAX_STEP))
            e = feed(m, fd, span_slice(rest, 0, MIN(rest.len, MAX_STEP)), Z_NO_FLUSH,
                     &bytes);
    if (!e)
        e = feed(m, fd, SPAN_NONE, Z_FINISH, &bytes);
    if (!e)
        *out_bytes = bytes;
    return e;
}

/* --- reading --------------------------------------------------------------------- */

struct scan {
    int fd;
    z_stream inflater;
    unsigned char in[BLOCK], content[BLOCK];
    struct buf start; /* of the present member's content */
    int64_t read_bytes;
    bool has_ended;
};

static enum err refill(struct scan *s)
{
    ssize_t n;

    do
        n = read(s->fd, s->in, BLOCK);
    while (n < 0 && errno == EINTR);
    if (n < 0)
        return ERR_IO;
    s->has_ended = n == 0;
    s->read_bytes += n;
    s->inflater.next_in = s->in;
    s->inflater.avail_in = (uInt)n;
    return OK;
}

static enum err keep_start(struct scan *s)
{
    size_t n = BLOCK - s->inflater.avail_out;

    return buf_append(&s->start, span_make((const char *)s->content,
                                           MIN(n, WARC_MEMBER_START - s->start.len)));
}

/* One member. *out_whole is false when the file ends or is damaged inside it. */
static enum err read_member(struct scan *s, bool *out_whole)
{
    z_stream *z = &s->inflater;
    int rc = Z_OK;
    enum err e = OK;

    *out_whole = false;
    buf_reset(&s->start);
    if (inflateReset(z) != Z_OK)
        return ERR_NO_MEMORY;
    while (!e && rc != Z_STREAM_END) {
        if (!z->avail_in)
            e = refill(s);
        if (e || s->has_ended)
            return e;
        z->next_out = s->content;
        z->avail_out = (uInt)BLOCK;
        rc = inflate(z, Z_NO_FLUSH);
        if (rc == Z_MEM_ERROR)
            return ERR_NO_MEMORY;
        if (rc != Z_OK && rc != Z_STREAM_END && rc != Z_BUF_ERROR)
            return OK;
        e = keep_start(s);
    }
    *out_whole = !e;
    return e;
}

static enum err read_members(struct scan *s, warc_member_fn *fn, void *arg,
                             int64_t *io_good)
{
    bool is_whole = true;
    enum err e = OK;

    while (!e && is_whole) {
        int64_t from = *io_good;

        e = read_member(s, &is_whole);
        if (e || !is_whole)
            break;
        *io_good = s->read_bytes - (int64_t)s->inflater.avail_in;
        e = fn(arg, from, *io_good - from, buf_span(&s->start));
    }
    return e;
}

enum err warc_member_scan(int fd, warc_member_fn *fn, void *arg, int64_t *out_good)
{
    struct scan *s;
    int64_t good = 0;
    enum err e;

    if (lseek(fd, 0, SEEK_SET) < 0)
        return ERR_IO;
    s = mem_alloc(sizeof *s);
    s->fd = fd;
    buf_init(&s->start, WARC_MEMBER_START);
    if (inflateInit2(&s->inflater, GZIP) != Z_OK) {
        mem_free(s);
        return ERR_NO_MEMORY;
    }
    e = read_members(s, fn, arg, &good);
    inflateEnd(&s->inflater);
    buf_clear(&s->start);
    mem_free(s);
    if (!e)
        *out_good = good;
    return e;
}
