/* SPDX-License-Identifier: MIT */
/*
 * The character tables of the Encoding standard (encoding.spec.whatwg.org,
 * sections 5 and 9) as constant data. Only parse/codec.c, parse/codec_encode.c
 * and parse/detect.c read them; they hold the tables' own conventions:
 *
 * In the two-byte tables a row is one lead byte, a column one trail byte; '.'
 * and 0 mean that the pointer has no character. Rows are padded to a multiple
 * of 16 so that a search may run over whole rows. In the single-byte tables '-'
 * means the code point equal to the byte and '.' none.
 */
#pragma once

#include <uchar.h>

#include "config/base.h"

#define CHARSET_INDEX_N_GB_RANGES 207
#define CHARSET_INDEX_N_SINGLES   28

struct charset_index_range {
    uint32_t pointer;
    uint32_t code_point;
};

struct charset_index_single {
    const char *name;
    char16_t high[128 + 1]; /* bytes 0x80 to 0xFF, and the NUL of the literal that they stand in */
};

extern const char16_t charset_index_gb18030[126][192];
extern const char32_t charset_index_big5[126][160];
extern const char16_t charset_index_euc_kr[126][192];
extern const char16_t charset_index_jis0208[120][96];
extern const char16_t charset_index_jis0212[94][96];
extern const char16_t charset_index_katakana[63 + 1];
extern const struct charset_index_range
    charset_index_gb_ranges[CHARSET_INDEX_N_GB_RANGES];
extern const struct charset_index_single charset_index_singles[CHARSET_INDEX_N_SINGLES];

/* Has this cell of a two-byte table a character? */
static inline bool charset_index_has(uint32_t cell)
{
    return cell > '.';
}

/* The code point of a byte 0x80..0xFF, or 0 where there is none. */
static inline uint32_t charset_index_high(const struct charset_index_single *s,
                                          unsigned byte)
{
    uint32_t cell = s->high[byte - 0x80];

    return cell == '-' ? byte : cell == '.' ? 0 : cell;
}
