/* SPDX-License-Identifier: MIT */
/*
 * ISO-2022-JP (Encoding standard, section 13.2), the one stateful encoding: escape sequences
 * switch between ASCII, JIS Roman, half-width katakana and JIS X 0208. Part of parse/codec.h.
 */
#pragma once

#include "config/buf.h"

/* Appends s as UTF-8. ERR_TOO_LARGE, ERR_NO_MEMORY. */
enum err codec_iso_2022_jp_decode(struct span s, struct buf *out) MUST_USE;

/* Appends UTF-8 text encoded; what cannot be is written as codec_encode says. */
enum err codec_iso_2022_jp_encode(struct span utf8, struct buf *out) MUST_USE;
