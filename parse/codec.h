/* SPDX-License-Identifier: MIT */
/*
 * The decoders and encoders of the Encoding standard (encoding.spec.whatwg.org,
 * sections 8 to 14), one per encoding, over the tables of parse/charset_index.h.
 * They follow the standard's state machines to the byte: which bytes an error
 * eats decides whether a quote or a '<' behind it survives.
 *
 * Does not know labels, BOMs, HTTP or HTML (parse/charset.h). Keeps no state;
 * nothing suspends.
 */
#pragma once

#include "config/buf.h"

enum codec_kind {
    CODEC_UTF_8,
    CODEC_SINGLE_BYTE,
    CODEC_GBK,
    CODEC_GB18030,
    CODEC_BIG5,
    CODEC_EUC_JP,
    CODEC_ISO_2022_JP,
    CODEC_SHIFT_JIS,
    CODEC_EUC_KR,
    CODEC_REPLACEMENT,
    CODEC_UTF_16BE,
    CODEC_UTF_16LE,
    CODEC_X_USER_DEFINED,
    N_CODEC_KINDS
};

struct charset_index_single;

struct codec {
    const char *name; /* static, lower case */
    enum codec_kind kind;
    const struct charset_index_single *single; /* CODEC_SINGLE_BYTE only */
};

/* The encoding of this exact (lower-case) name. False when there is none. */
bool codec_find(const char *name, struct codec *out) MUST_USE;

/* How many bytes at the start of s stand for the same ASCII text in this encoding. */
size_t codec_ascii_prefix(const struct codec *c, struct span s);

/*
 * Appends s as UTF-8, with U+FFFD where the standard's decoder reports an
 * error; a byte order mark is a character like any other here. ERR_TOO_LARGE
 * (at most three bytes come out for one), ERR_NO_MEMORY.
 */
enum err codec_decode(const struct codec *c, struct span s, struct buf *out) MUST_USE;

/*
 * One character of a multi-byte encoding whose lead byte is not ASCII: its
 * code point in *out, or U+FFFD and in *is_bad true; returns the bytes taken.
 * s must not be empty and c of kind GBK, GB18030, BIG5, EUC_JP, SHIFT_JIS or EUC_KR.
 */
size_t codec_next(const struct codec *c, struct span s, uint32_t *out, bool *is_bad);

/*
 * Appends well-formed UTF-8 text in this encoding (its "output encoding" where
 * the standard gives it UTF-8). A character that the encoding lacks becomes
 * "%26%23NNNN%3B", its numeric reference as the URL standard's "percent-encode
 * after encoding" writes it. ERR_TOO_LARGE, ERR_NO_MEMORY.
 */
enum err codec_encode(const struct codec *c, struct span utf8,
                      struct buf *out) MUST_USE;
