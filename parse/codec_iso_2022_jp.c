/* SPDX-License-Identifier: MIT */
#include "parse/codec_iso_2022_jp.h"

#include "parse/charset_index.h"
#include "parse/codec_encode.h"
#include "parse/utf8.h"

/* The standard's states; "trailing byte" and the escapes do not outlive a step. */
enum mode {
    MODE_ASCII,
    MODE_ROMAN,
    MODE_KATAKANA,
    MODE_JIS0208,
};

struct decoder {
    enum mode mode;
    bool is_fresh; /* nothing came since the last escape: "ISO-2022-JP output" */
};

#define NOTHING UINT32_MAX

/* The mode that "ESC a b" switches to. False when it is no escape sequence of ours. */
static bool escape_mode(unsigned char a, unsigned char b, enum mode *out)
{
    if (a == '(' && (b == 'B' || b == 'J' || b == 'I')) {
        *out = b == 'B' ? MODE_ASCII : b == 'J' ? MODE_ROMAN : MODE_KATAKANA;
        return true;
    }
    if (a == '$' && (b == '@' || b == 'B')) {
        *out = MODE_JIS0208;
        return true;
    }
    return false;
}

/*
 * At an ESC. A known sequence that follows another one at once is an error
 * (it could hide text); of an unknown one only the ESC is taken.
 */
static size_t step_escape(struct decoder *d, const unsigned char *p, size_t n,
                          uint32_t *out)
{
    bool was_fresh = d->is_fresh;

    if (n >= 3 && escape_mode(p[1], p[2], &d->mode)) {
        d->is_fresh = true;
        *out = was_fresh ? UTF8_REPLACEMENT : NOTHING;
        return 3;
    }
    d->is_fresh = false;
    *out = UTF8_REPLACEMENT;
    return 1;
}

static size_t step_jis0208(const unsigned char *p, size_t n, uint32_t *out)
{
    uint32_t cell;

    *out = UTF8_REPLACEMENT;
    if (p[0] < 0x21 || p[0] > 0x7E || n < 2 || p[1] == 0x1B)
        return 1; /* an ESC in place of the second byte still begins a sequence */
    if (p[1] < 0x21 || p[1] > 0x7E)
        return 2;
    cell = charset_index_jis0208[p[0] - 0x21][p[1] - 0x21];
    if (charset_index_has(cell))
        *out = cell;
    return 2;
}

static size_t step(struct decoder *d, const unsigned char *p, size_t n, uint32_t *out)
{
    if (p[0] == 0x1B)
        return step_escape(d, p, n, out);
    d->is_fresh = false;
    *out = UTF8_REPLACEMENT;
    switch (d->mode) {
    case MODE_JIS0208: return step_jis0208(p, n, out);
    case MODE_KATAKANA:
        if (p[0] >= 0x21 && p[0] <= 0x5F)
            *out = 0xFF61u - 0x21 + p[0];
        return 1;
    case MODE_ROMAN:
    case MODE_ASCII:
        if (p[0] < 0x80 && p[0] != 0x0E && p[0] != 0x0F)
            *out = p[0];
        if (d->mode == MODE_ROMAN && (p[0] == '\\' || p[0] == '~'))
            *out = p[0] == '~' ? 0x203E : 0xA5;
        return 1;
    }
    return 1;
}

enum err codec_iso_2022_jp_decode(struct span s, struct buf *out)
{
    const unsigned char *p = (const unsigned char *)s.ptr, *end = p + s.len;
    struct decoder d = { .mode = MODE_ASCII };

    while (p < end) {
        uint32_t code_point;
        enum err e = buf_reserve(out, 4);

        if (e)
            return e;
        p += step(&d, p, (size_t)(end - p), &code_point);
        if (code_point != NOTHING)
            out->len = (size_t)(utf8_put(out->ptr + out->len, code_point) - out->ptr);
    }
    return OK;
}

static enum err switch_to(enum mode *mode, enum mode wanted, struct buf *out)
{
    if (*mode == wanted)
        return OK;
    *mode = wanted;
    return buf_append(out, wanted == MODE_ASCII   ? SPAN("\x1B(B")
                           : wanted == MODE_ROMAN ? SPAN("\x1B(J")
                                                  : SPAN("\x1B$B"));
}

static enum err encode_one(enum mode *mode, uint32_t c, struct buf *out)
{
    uint16_t bytes;
    enum err e;

    if (*mode != MODE_JIS0208 && (c == 0x0E || c == 0x0F || c == 0x1B))
        return codec_encode_reference(UTF8_REPLACEMENT, out);
    if (c < 0x80) {
        /* Roman holds all of ASCII but two characters. */
        if (*mode != MODE_ROMAN || c == '\\' || c == '~') {
            e = switch_to(mode, MODE_ASCII, out);
            if (e)
                return e;
        }
        return buf_append_byte(out, (char)c);
    }
    if (c == 0xA5 || c == 0x203E) {
        e = switch_to(mode, MODE_ROMAN, out);
        return e ? e : buf_append_byte(out, c == 0xA5 ? '\\' : '~');
    }
    if (c >= 0xFF61 && c <= 0xFF9F)
        c = charset_index_katakana[c - 0xFF61];
    if (!codec_encode_jis0208(c, &bytes)) {
        e = *mode == MODE_JIS0208 ? switch_to(mode, MODE_ASCII, out) : OK;
        return e ? e : codec_encode_reference(c, out);
    }
    e = switch_to(mode, MODE_JIS0208, out);
    if (!e)
        e = buf_append_byte(out, (char)(bytes >> 8));
    return e ? e : buf_append_byte(out, (char)(bytes & 0xFF));
}

enum err codec_iso_2022_jp_encode(struct span utf8, struct buf *out)
{
    enum mode mode = MODE_ASCII;

    while (utf8.len) {
        uint32_t c;
        size_t n = utf8_decode(utf8, &c);
        enum err e = encode_one(&mode, c, out);

        if (e)
            return e;
        utf8 = span_skip(utf8, n);
    }
    return switch_to(&mode, MODE_ASCII, out);
}
