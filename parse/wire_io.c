/* SPDX-License-Identifier: MIT */
#include "parse/wire_io.h"

#include <string.h>

#include "parse/utf8.h"

#define EACH_BYTE(b) (UINT64_C(0x0101010101010101) * (b))

void wire_io_write_to(struct wire_io_writer *w, void *region, size_t n)
{
    *w = (struct wire_io_writer){ .start = region,
                                  .at = region,
                                  .end = (char *)region + n };
}

static void put(struct wire_io_writer *w, const void *from, size_t n)
{
    if (w->is_full || n > (size_t)(w->end - w->at)) {
        w->is_full = true;
        return;
    }
    if (n)
        memcpy(w->at, from, n);
    w->at += n;
}

void wire_io_put_u8(struct wire_io_writer *w, uint8_t v)
{
    put(w, &v, sizeof v);
}

void wire_io_put_u16(struct wire_io_writer *w, uint16_t v)
{
    v = htole16(v);
    put(w, &v, sizeof v);
}

void wire_io_put_u32(struct wire_io_writer *w, uint32_t v)
{
    v = htole32(v);
    put(w, &v, sizeof v);
}

void wire_io_put_u64(struct wire_io_writer *w, uint64_t v)
{
    v = htole64(v);
    put(w, &v, sizeof v);
}

void wire_io_put_raw(struct wire_io_writer *w, struct span s)
{
    put(w, s.ptr, s.len);
}

void wire_io_put_bytes(struct wire_io_writer *w, struct span s)
{
    if (s.len > UINT32_MAX) {
        w->is_full = true;
        return;
    }
    wire_io_put_u32(w, (uint32_t)s.len);
    put(w, s.ptr, s.len);
}

struct span wire_io_clean_text(struct span s, size_t max)
{
    struct span clipped = span_clip_utf8(s, max);
    struct span before_nul = span_slice(clipped, 0, span_find(clipped, '\0'));

    return span_slice(before_nul, 0, utf8_valid_prefix(before_nul));
}

void wire_io_put_text(struct wire_io_writer *w, struct span s, size_t max)
{
    wire_io_put_bytes(w, wire_io_clean_text(s, max));
}

void wire_io_read_from(struct wire_io_reader *r, struct span block)
{
    static const char nothing[1] = "";
    const char *start = block.ptr ? block.ptr : nothing;

    *r = (struct wire_io_reader){ .at = start, .end = start + block.len };
}

void wire_io_fail(struct wire_io_reader *r, enum err e)
{
    if (!r->error)
        r->error = e;
    r->at = r->end;
}

struct span wire_io_get_bytes(struct wire_io_reader *r, size_t max)
{
    uint32_t n = wire_io_get_u32(r);

    if (n > max) {
        wire_io_fail(r, ERR_TOO_LARGE);
        return SPAN_NONE;
    }
    return wire_io_get_raw(r, n);
}

struct span wire_io_get_text(struct wire_io_reader *r, size_t max)
{
    struct span s = wire_io_get_bytes(r, max);

    if (wire_io_is_text(s))
        return s;
    wire_io_fail(r, ERR_CORRUPT);
    return SPAN_NONE;
}

struct span wire_io_get_url(struct wire_io_reader *r, size_t max)
{
    struct span s = wire_io_get_bytes(r, max);

    if (wire_io_is_url(s))
        return s;
    wire_io_fail(r, ERR_CORRUPT);
    return SPAN_NONE;
}

size_t wire_io_get_count(struct wire_io_reader *r, size_t max, size_t min_size)
{
    uint32_t n = wire_io_get_u32(r);

    if (n > max) {
        wire_io_fail(r, ERR_TOO_LARGE);
        return 0;
    }
    if (n > wire_io_left(r) / min_size) {
        wire_io_fail(r, ERR_CORRUPT);
        return 0;
    }
    return n;
}

static uint64_t word_at(const char *p)
{
    uint64_t word;

    memcpy(&word, p, sizeof word);
    return word;
}

/* Are all bytes from 0x01 to 0x7f? */
static bool is_plain(struct span s)
{
    uint64_t bad = 0;

    if (s.len < 8) {
        for (size_t i = 0; i < s.len; i++)
            if (!s.ptr[i] || (unsigned char)s.ptr[i] > 0x7f)
                return false;
        return true;
    }
    /* Bit 7 of a byte is set when it was 0x80 or more, or (lowest first) zero. The last eight bytes may be
     * looked at twice. */
    for (size_t i = 0; i + 8 < s.len; i += 8)
        bad |= word_at(s.ptr + i) | (word_at(s.ptr + i) - EACH_BYTE(0x01));
    bad |= word_at(s.ptr + s.len - 8) | (word_at(s.ptr + s.len - 8) - EACH_BYTE(0x01));
    return !(bad & EACH_BYTE(0x80));
}

bool wire_io_is_text(struct span s)
{
    return is_plain(s) || (!memchr(s.ptr, '\0', s.len) && utf8_valid_prefix(s) == s.len);
}

/*
 * Bit 7 of a byte is set when the byte was 0x80 or more (word), is 0x7f (adding 1 carries into it), or below 0x21
 * (adding 0x5f does not reach it). Bit 7 is masked first, so nothing carries over.
 */
static uint64_t not_of_a_url(uint64_t word)
{
    uint64_t low = word & EACH_BYTE(0x7f);

    return word | (low + EACH_BYTE(0x01)) | ~(low + EACH_BYTE(0x5f));
}

bool wire_io_is_url(struct span s)
{
    uint64_t bad = 0;

    if (s.len < 8) {
        for (size_t i = 0; i < s.len; i++)
            if (s.ptr[i] < 0x21 || s.ptr[i] > 0x7e)
                return false;
        return true;
    }
    /* Eight bytes at a time; the last eight may be looked at twice. */
    for (size_t i = 0; i + 8 < s.len; i += 8)
        bad |= not_of_a_url(word_at(s.ptr + i));
    bad |= not_of_a_url(word_at(s.ptr + s.len - 8));
    return !(bad & EACH_BYTE(0x80));
}
