/* SPDX-License-Identifier: MIT */
/* What the store is told of an answer: the row of table fetch. Texts are borrowed from the result. */
#pragma once

#include "fetch/result.h"
#include "store/store.h"

/* attempt: which try it was, from 1. */
void record_fetch(struct store_visit *r, const struct fetch_result *got, int attempt);

/* Which limit cut a body (DECODE_TOO_LARGE) of which so much was sent, and so much there when decoding stopped. */
struct span record_why_decoding_stopped(int64_t size, int64_t wire_size, int64_t max_size);
