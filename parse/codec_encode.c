/* SPDX-License-Identifier: MIT */
#include "parse/codec_encode.h"

#include "parse/charset_index.h"
#include "parse/codec.h"
#include "parse/codec_iso_2022_jp.h"
#include "parse/utf8.h"

#define NOT_FOUND SIZE_MAX

/* Index of the first c in a row, or NOT_FOUND. The first loop has no exit: it vectorises. */
static size_t find_in_row(const char16_t *row, size_t n, uint32_t c)
{
    char16_t wanted = (char16_t)c;
    unsigned hit = 0;

    for (size_t i = 0; i < n; i++)
        hit |= row[i] == wanted;
    if (!hit)
        return NOT_FOUND;
    for (size_t i = 0; i < n; i++)
        if (row[i] == wanted)
            return i;
    return NOT_FOUND;
}

/* The first cell of a table that holds c, as row << 8 | column; rows from first on. */
static bool find_cell(const char16_t *table, size_t n_rows, size_t stride, size_t first,
                      uint32_t c, size_t *row, size_t *column)
{
    if (c <= '.' || c > 0xFFFF)
        return false;
    for (*row = first; *row < n_rows; ++*row) {
        *column = find_in_row(table + *row * stride, stride, c);
        if (*column != NOT_FOUND)
            return true;
    }
    return false;
}

/* "Index Big5 pointer": nothing of Hong Kong's rows, and the last cell for six characters. */
static bool find_big5(uint32_t c, size_t *row, size_t *column)
{
    bool wants_last = c == 0x2550 || c == 0x255E || c == 0x2561 || c == 0x256A ||
                      c == 0x5341 || c == 0x5345;
    bool is_found = false;

    if (c <= '.')
        return false;
    for (size_t i = 0xA1 - 0x81; i < 126; i++)
        for (size_t j = 0; j < 157; j++)
            if (charset_index_big5[i][j] == c) {
                *row = i;
                *column = j;
                is_found = true;
                if (!wants_last)
                    return true;
            }
    return is_found;
}

static bool two(size_t lead, size_t trail, uint32_t *out)
{
    *out = (uint32_t)(lead << 8 | trail);
    return true;
}

static bool encode_big5(uint32_t c, uint32_t *out)
{
    size_t row, column;

    return find_big5(c, &row, &column) &&
           two(row + 0x81, column + (column < 0x3F ? 0x40 : 0x62), out);
}

static bool encode_euc_kr(uint32_t c, uint32_t *out)
{
    size_t row, column;

    return find_cell(charset_index_euc_kr[0], 126, 192, 0, c, &row, &column) &&
           two(row + 0x81, column + 0x41, out);
}

static bool encode_euc_jp(uint32_t c, uint32_t *out)
{
    uint16_t jis;

    if (c >= 0xFF61 && c <= 0xFF9F)
        return two(0x8E, c - 0xFF61 + 0xA1, out);
    if (!codec_encode_jis0208(c, &jis))
        return false;
    *out = jis | 0x8080u;
    return true;
}

/* "Index Shift_JIS pointer" leaves out NEC's copies of IBM's characters, pointers 8272 to 8835. */
static bool encode_shift_jis(uint32_t c, uint32_t *out)
{
    size_t row, column, pointer, trail;

    if (c >= 0xFF61 && c <= 0xFF9F) {
        *out = c - 0xFF61 + 0xA1;
        return true;
    }
    if (c == 0x2212)
        c = 0xFF0D;
    if (!find_cell(charset_index_jis0208[0], 88, 96, 0, c, &row, &column) &&
        !find_cell(charset_index_jis0208[0], 120, 96, 94, c, &row, &column))
        return false;
    pointer = row * 94 + column;
    trail = pointer % 188;
    return two(pointer / 188 + (pointer / 188 < 0x1F ? 0x81 : 0xC1),
               trail + (trail < 0x3F ? 0x40 : 0x41), out);
}

/* Two-byte forms that GB 18030-2005 gave to private use and that the table no longer has. */
static bool encode_gb_2005(uint32_t c, uint32_t *out)
{
    static const struct {
        char16_t code_point;
        uint16_t bytes;
    } rows[] = {
        { 0xE78D, 0xA6D9 }, { 0xE78E, 0xA6DA }, { 0xE78F, 0xA6DB }, { 0xE790, 0xA6DC },
        { 0xE791, 0xA6DD }, { 0xE792, 0xA6DE }, { 0xE793, 0xA6DF }, { 0xE794, 0xA6EC },
        { 0xE795, 0xA6ED }, { 0xE796, 0xA6F3 }, { 0xE81E, 0xFE59 }, { 0xE826, 0xFE61 },
        { 0xE82B, 0xFE66 }, { 0xE82C, 0xFE67 }, { 0xE832, 0xFE6D }, { 0xE843, 0xFE7E },
        { 0xE854, 0xFE90 }, { 0xE864, 0xFEA0 },
    };

    for (size_t i = 0; i < ARRAY_LEN(rows); i++)
        if (rows[i].code_point == c) {
            *out = rows[i].bytes;
            return true;
        }
    return false;
}

static uint32_t gb_ranges_pointer(uint32_t c)
{
    size_t i = CHARSET_INDEX_N_GB_RANGES - 1;

    if (c == 0xE7C7)
        return 7457;
    while (i && charset_index_gb_ranges[i].code_point > c)
        i--;
    return charset_index_gb_ranges[i].pointer + c -
           charset_index_gb_ranges[i].code_point;
}

static bool encode_gb(uint32_t c, bool is_gbk, uint32_t *out)
{
    size_t row, column;
    uint32_t p;

    if (c == 0xE5E5)
        return false; /* A3 A0 decodes to U+3000 instead */
    if (is_gbk && c == 0x20AC) {
        *out = 0x80;
        return true;
    }
    if (encode_gb_2005(c, out))
        return true;
    if (find_cell(charset_index_gb18030[0], 126, 192, 0, c, &row, &column))
        return two(row + 0x81, column + (column < 0x3F ? 0x40 : 0x41), out);
    if (is_gbk)
        return false;
    p = gb_ranges_pointer(c);
    *out = (p / 12600 + 0x81) << 24 | (p / 1260 % 10 + 0x30) << 16 |
           (p / 10 % 126 + 0x81) << 8 | (p % 10 + 0x30);
    return true;
}

static bool encode_single(const struct charset_index_single *s, uint32_t c,
                          uint32_t *out)
{
    for (unsigned byte = 0x80; byte <= 0xFF; byte++)
        if (charset_index_high(s, byte) == c) {
            *out = byte;
            return true;
        }
    return false;
}

/* The bytes of a character that is not ASCII, as a number whose leading zero bytes do not count. */
static bool encode_one(const struct codec *codec, uint32_t c, uint32_t *out)
{
    bool is_japanese = codec->kind == CODEC_EUC_JP || codec->kind == CODEC_SHIFT_JIS;

    if (is_japanese && (c == 0xA5 || c == 0x203E)) {
        *out = c == 0xA5 ? '\\' : '~';
        return true;
    }
    switch (codec->kind) {
    case CODEC_SINGLE_BYTE: return encode_single(codec->single, c, out);
    case CODEC_GBK: return encode_gb(c, true, out);
    case CODEC_GB18030: return encode_gb(c, false, out);
    case CODEC_BIG5: return encode_big5(c, out);
    case CODEC_EUC_JP: return encode_euc_jp(c, out);
    case CODEC_EUC_KR: return encode_euc_kr(c, out);
    case CODEC_SHIFT_JIS: *out = 0x80; return c == 0x80 || encode_shift_jis(c, out);
    case CODEC_X_USER_DEFINED: *out = c - 0xF700; return c >= 0xF780 && c <= 0xF7FF;
    default: return false;
    }
}

static enum err append_bytes(uint32_t bytes, struct buf *out)
{
    for (int shift = 24; shift >= 0; shift -= 8)
        if (shift == 0 || bytes >> shift) {
            enum err e = buf_append_byte(out, (char)(bytes >> shift & 0xFF));

            if (e)
                return e;
        }
    return OK;
}

enum err codec_encode_reference(uint32_t code_point, struct buf *out)
{
    return buf_printf(out, "%%26%%23%u%%3B", (unsigned)code_point);
}

bool codec_encode_jis0208(uint32_t code_point, uint16_t *out)
{
    size_t row, column;

    if (code_point == 0x2212)
        code_point = 0xFF0D;
    if (!find_cell(charset_index_jis0208[0], 94, 96, 0, code_point, &row, &column))
        return false;
    *out = (uint16_t)((row + 0x21) << 8 | (column + 0x21));
    return true;
}

enum err codec_encode(const struct codec *c, struct span utf8, struct buf *out)
{
    if (c->kind == CODEC_UTF_8 || c->kind == CODEC_UTF_16BE ||
        c->kind == CODEC_UTF_16LE || c->kind == CODEC_REPLACEMENT)
        return buf_append(out, utf8);
    if (c->kind == CODEC_ISO_2022_JP)
        return codec_iso_2022_jp_encode(utf8, out);
    while (utf8.len) {
        size_t ascii = utf8_ascii_prefix(utf8), n = 0;
        enum err e = buf_append(out, span_make(utf8.ptr, ascii));
        uint32_t code_point, bytes;

        utf8 = span_skip(utf8, ascii);
        if (!e && utf8.len) {
            n = utf8_decode(utf8, &code_point);
            e = encode_one(c, code_point, &bytes)
                    ? append_bytes(bytes, out)
                    : codec_encode_reference(code_point, out);
        }
        if (e)
            return e;
        utf8 = span_skip(utf8, n);
    }
    return OK;
}
