/* SPDX-License-Identifier: MIT */
#include "parse/decode_lzw.h"

#define CLEAR_CODE 256u
#define FIRST_BITS 9
#define MAX_BITS   16

/*
 * Codes are packed low bit first and in groups of eight: when the width changes, what is left of
 * the group (group_bits long) is padding.
 */
struct bit_reader {
    struct span in;
    size_t bit;
    size_t group_start;
    unsigned width;
};

static bool read_code(struct bit_reader *r, unsigned *out)
{
    size_t byte = r->bit / 8;
    uint32_t word = 0;

    if (r->bit + r->width > r->in.len * 8)
        return false;
    for (size_t i = 0; i < 3 && byte + i < r->in.len; i++)
        word |= (uint32_t)(unsigned char)r->in.ptr[byte + i] << (8 * i);
    *out = word >> (r->bit % 8) & ((1u << r->width) - 1);
    r->bit += r->width;
    return true;
}

static void set_width(struct bit_reader *r, unsigned width)
{
    size_t group_bits = (size_t)r->width * 8,
           used = (r->bit - r->group_start) % group_bits;

    if (used)
        r->bit += group_bits - used;
    r->group_start = r->bit;
    r->width = width;
}

static enum decode_outcome append(struct buf *out, const unsigned char *bytes, size_t n,
                                  size_t limit)
{
    size_t room = limit - MIN(limit, out->len), take = MIN(n, room);
    enum err e = buf_append(out, span_make((const char *)bytes, take));

    return e || take < n ? DECODE_TOO_LARGE : DECODE_OK;
}

/* Spells code's string into the end of t->stack. Every prefix is smaller than its code: it ends. */
static size_t spell(struct decode_lzw *t, unsigned code, size_t at)
{
    while (code >= 256) {
        /* cppcheck-suppress arrayIndexOutOfBoundsCond; codes have 16 bits at most */
        t->stack[--at] = t->suffix[code];
        /* cppcheck-suppress arrayIndexOutOfBoundsCond */
        code = t->prefix[code];
    }
    t->stack[--at] = (unsigned char)code;
    return at;
}

/* The table's size, the code before, and the first byte it stood for. */
struct lzw_state {
    unsigned n_codes, first_code, max_bits;
    unsigned last;
    unsigned char last_first;
    bool has_last;
};

static enum decode_outcome one_code(struct decode_lzw *t, struct lzw_state *s,
                                    unsigned code, size_t limit, struct buf *out)
{
    size_t top = sizeof(t->stack), at = top;

    if (!s->has_last ? code > 255 : code > s->n_codes)
        return DECODE_BAD;
    if (s->has_last && code == s->n_codes) {
        /* The code that this very step defines: the last string and its first byte. */
        t->stack[--at] = s->last_first;
        at = spell(t, s->last, at);
    } else {
        at = spell(t, code, at);
    }
    if (s->has_last && s->n_codes < 1u << s->max_bits) {
        t->prefix[s->n_codes] = (uint16_t)s->last;
        t->suffix[s->n_codes++] = t->stack[at];
    }
    s->last = code;
    s->last_first = t->stack[at];
    s->has_last = true;
    return append(out, t->stack + at, top - at, limit);
}

enum decode_outcome decode_lzw_run(struct decode_lzw *t, struct span in, size_t limit,
                                   struct buf *out)
{
    unsigned flags = in.len > 2 ? (unsigned char)in.ptr[2] : 0, code;
    struct lzw_state s = { .max_bits = flags & 0x1F,
                           .first_code = flags & 0x80 ? 257 : 256 };
    struct bit_reader r = { .in = span_skip(in, 3), .width = FIRST_BITS };
    enum decode_outcome o = DECODE_OK;

    if (!span_starts(in, SPAN("\x1F\x9D")) || s.max_bits < FIRST_BITS ||
        s.max_bits > MAX_BITS)
        return DECODE_BAD;
    s.n_codes = s.first_code;
    while (o == DECODE_OK) {
        if (s.n_codes >= 1u << r.width && r.width < s.max_bits)
            set_width(&r, r.width + 1);
        if (!read_code(&r, &code))
            return DECODE_OK; /* the format has no end mark */
        if (code == CLEAR_CODE && s.first_code == 257) {
            set_width(&r, FIRST_BITS);
            s.n_codes = s.first_code;
            s.has_last = false;
            continue;
        }
        o = one_code(t, &s, code, limit, out);
    }
    return o;
}
