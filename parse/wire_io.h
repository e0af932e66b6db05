/* SPDX-License-Identifier: MIT */
/*
 * The alphabet of parse/wire.h: little-endian numbers and length-prefixed
 * texts, written into a flat region with a limit and read back from bytes that
 * nobody trusts.
 *
 * Both sides carry one sticky error instead of a result per field: after the
 * first refusal every further call does nothing, so a message is written or
 * read straight through and checked once, at its end.
 *
 * Invariants: a writer never goes past its limit; a reader never past its end,
 * and what it returns after an error is zero or SPAN_NONE. Pure; no allocation.
 */
#pragma once

#include <endian.h>
#include <string.h>

#include "config/err.h"
#include "config/span.h"

struct wire_io_writer {
    char *start, *at, *end;
    bool is_full; /* something did not fit: the message is void */
};

struct wire_io_reader {
    const char *at, *end;
    enum err error; /* ERR_CORRUPT, or ERR_TOO_LARGE for a length over its limit */
};

void wire_io_write_to(struct wire_io_writer *w, void *region, size_t n);

/* The bytes alone; the reader must know how many. */
static inline void wire_io_put_raw(struct wire_io_writer *w, struct span s)
{
    if (w->is_full || s.len > (size_t)(w->end - w->at)) {
        w->is_full = true;
        return;
    }
    if (s.len)
        memcpy(w->at, s.ptr, s.len);
    w->at += s.len;
}

static inline void wire_io_put_u8(struct wire_io_writer *w, uint8_t v)
{
    wire_io_put_raw(w, span_make((const char *)&v, sizeof v));
}

static inline void wire_io_put_u16(struct wire_io_writer *w, uint16_t v)
{
    v = htole16(v);
    wire_io_put_raw(w, span_make((const char *)&v, sizeof v));
}

static inline void wire_io_put_u32(struct wire_io_writer *w, uint32_t v)
{
    v = htole32(v);
    wire_io_put_raw(w, span_make((const char *)&v, sizeof v));
}

static inline void wire_io_put_u64(struct wire_io_writer *w, uint64_t v)
{
    v = htole64(v);
    wire_io_put_raw(w, span_make((const char *)&v, sizeof v));
}

/* A 32-bit length, then the bytes. */
void wire_io_put_bytes(struct wire_io_writer *w, struct span s);

/*
 * Bytes that hold the wire's rule for text (valid UTF-8 without NUL): s itself
 * clipped to max bytes at a character, or, where s breaks the rule, the part
 * before the first offending byte. An honest sender thus never looks like a liar.
 */
struct span wire_io_clean_text(struct span s, size_t max);

/* As wire_io_put_bytes after wire_io_clean_text. */
void wire_io_put_text(struct wire_io_writer *w, struct span s, size_t max);

static inline size_t wire_io_written(const struct wire_io_writer *w)
{
    return (size_t)(w->at - w->start);
}

void wire_io_read_from(struct wire_io_reader *r, struct span block);

static inline size_t wire_io_left(const struct wire_io_reader *r)
{
    return (size_t)(r->end - r->at);
}

/* Refuses the message from here on; the first error stays. */
void wire_io_fail(struct wire_io_reader *r, enum err e);

/* n bytes as they are, a view of the block. These few are inline: a page's links are hundreds of them. */
static inline struct span wire_io_get_raw(struct wire_io_reader *r, size_t n)
{
    struct span s = { r->at, n };

    if (n > wire_io_left(r)) {
        wire_io_fail(r, ERR_CORRUPT);
        return SPAN_NONE;
    }
    r->at += n;
    return n ? s : SPAN_NONE;
}

/* Copies n bytes to where a number is kept; leaves it alone after an error. */
static inline void wire_io_get_number(struct wire_io_reader *r, void *to, size_t n)
{
    struct span s = wire_io_get_raw(r, n);

    if (s.ptr)
        memcpy(to, s.ptr, n);
}

static inline uint8_t wire_io_get_u8(struct wire_io_reader *r)
{
    uint8_t v = 0;

    wire_io_get_number(r, &v, sizeof v);
    return v;
}

static inline uint16_t wire_io_get_u16(struct wire_io_reader *r)
{
    uint16_t v = 0;

    wire_io_get_number(r, &v, sizeof v);
    return le16toh(v);
}

static inline uint32_t wire_io_get_u32(struct wire_io_reader *r)
{
    uint32_t v = 0;

    wire_io_get_number(r, &v, sizeof v);
    return le32toh(v);
}

static inline uint64_t wire_io_get_u64(struct wire_io_reader *r)
{
    uint64_t v = 0;

    wire_io_get_number(r, &v, sizeof v);
    return le64toh(v);
}

/* A value below limit; anything else is ERR_CORRUPT. */
static inline uint8_t wire_io_get_enum(struct wire_io_reader *r, unsigned limit)
{
    uint8_t v = wire_io_get_u8(r);

    if (v < limit)
        return v;
    wire_io_fail(r, ERR_CORRUPT);
    return 0;
}

/* 0 or 1; anything else is ERR_CORRUPT. */
static inline bool wire_io_get_bool(struct wire_io_reader *r)
{
    return wire_io_get_enum(r, 2) != 0;
}

/* Length and bytes; ERR_TOO_LARGE over max. */
struct span wire_io_get_bytes(struct wire_io_reader *r, size_t max);
/* As wire_io_get_bytes, and it must be text. */
struct span wire_io_get_text(struct wire_io_reader *r, size_t max);
/* As wire_io_get_bytes, and it must be a URL's characters. */
struct span wire_io_get_url(struct wire_io_reader *r, size_t max);
/* How many items follow that take at least min_size bytes each; bounded by max and by what is left. */
size_t wire_io_get_count(struct wire_io_reader *r, size_t max, size_t min_size);

/* Valid UTF-8 without NUL? */
bool wire_io_is_text(struct span s);
/* Printable ASCII without white space (0x21 to 0x7e) only? Empty is fine. */
bool wire_io_is_url(struct span s);
