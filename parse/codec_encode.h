/* SPDX-License-Identifier: MIT */
/*
 * The encoders' shared half of parse/codec.h: searching the tables backwards. A search runs over
 * the whole table (some 20 000 cells, a few microseconds); only queries of links need it, and of
 * those only the characters that are not ASCII.
 */
#pragma once

#include "config/buf.h"

/* Appends "%26%23NNNN%3B": "&#NNNN;" percent-encoded. ERR_TOO_LARGE, ERR_NO_MEMORY. */
enum err codec_encode_reference(uint32_t code_point, struct buf *out) MUST_USE;

/* Row and column of c in JIS X 0208, each plus 0x21, as two bytes. False when it has none. */
bool codec_encode_jis0208(uint32_t code_point, uint16_t *out) MUST_USE;
