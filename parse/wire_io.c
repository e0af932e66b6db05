/* SPDX-License-Identifier: MIT */
#include "parse/wire_io.h"

#include <string.h>

#include "parse/bytes8.h"
#include "parse/utf8.h"

void wire_io_write_to(struct wire_io_writer *w, void *region, size_t n)
{
    *w = (struct wire_io_writer){ .start = region,
                                  .at = region,
                                  .end = (char *)region + n };
}

void wire_io_put_bytes(struct wire_io_writer *w, struct span s)
{
    if (s.len > UINT32_MAX) {
        w->is_full = true;
        return;
    }
    wire_io_put_u32(w, (uint32_t)s.len);
    wire_io_put_raw(w, s);
}

/* ASCII without NUL? Most texts are, and short. */
static bool is_plain_ascii(struct span s)
{
    size_t i = 0;

    for (; s.len - i >= 8; i += 8) {
        uint64_t w = bytes8_load(s.ptr + i);

        if ((w | bytes8_zero(w)) & BYTES8_MARKS)
            return false;
    }
    for (; i < s.len; i++)
        if ((unsigned char)(s.ptr[i] - 1) >= 0x7f)
            return false;
    return true;
}

struct span wire_io_clean_text(struct span s, size_t max)
{
    if (s.len <= max && is_plain_ascii(s))
        return s;
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

bool wire_io_is_text(struct span s)
{
    return is_plain_ascii(s) || (span_find(s, '\0') == s.len && utf8_valid_prefix(s) == s.len);
}

/*
 * Marks what is no URL's: 0x80 or more (w), 0x7f (adding 1 carries into the high
 * bit), below 0x21 (adding 0x5f does not reach it). The other bits mean nothing.
 */
static uint64_t foreign_in_url(uint64_t w)
{
    uint64_t low = w & ~BYTES8_MARKS;

    return w | (low + BYTES8(0x01)) | ~(low + BYTES8(0x5f));
}

bool wire_io_is_url(struct span s)
{
    uint64_t bad = 0;
    size_t i = 0;

    for (; s.len - i >= 8; i += 8)
        bad |= foreign_in_url(bytes8_load(s.ptr + i));
    if (i < s.len)
        bad |= foreign_in_url(bytes8_load_few(s.ptr + i, s.len - i) |
                              (BYTES8('!') & ~bytes8_before(s.len - i)));
    return !(bad & BYTES8_MARKS);
}
