/* SPDX-License-Identifier: MIT */
/*
 * The "compress" coding: LZW with codes of 9 to 16 bits, as the Unix program of that name writes
 * it (RFC 9110 §8.4.1.1). Part of parse/decode.h. The tables live in the caller's struct.
 */
#pragma once

#include "config/buf.h"
#include "parse/facts.h"

struct decode_lzw {
    uint16_t prefix[1 << 16];
    unsigned char suffix[1 << 16];
    unsigned char stack[1 << 16];
};

/* Appends the decoded bytes, at most limit in all. Outcomes as decode_body's. */
enum decode_outcome decode_lzw_run(struct decode_lzw *t, struct span in, size_t limit,
                                   struct buf *out);
