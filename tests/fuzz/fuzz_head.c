/* SPDX-License-Identifier: MIT */
#include <stddef.h>
#include <stdint.h>

#include "fetch/head.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/*
 * The head of an answer, line by line; whatever comes, every value lies within the kept lines.
 *
 * Needs: fetch/head.c
 */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct span text = span_make((const char *)data, size);
    struct head h;

    head_init(&h, 1000, 40);
    for (int round = 0; round < 2; round++) {
        struct span rest = text;
        enum err e = OK;

        while (!e && rest.len) {
            size_t n = MIN(span_find(rest, '\n') + 1, rest.len);

            e = head_add_line(&h, span_slice(rest, 0, n));
            rest = span_skip(rest, n);
        }
        BUG_IF(e && !h.refusal);
        BUG_IF(h.lines.len > 1002);
        for (int i = 0; i < N_HEAD_FIELDS; i++) {
            struct span v = head_value(&h, (enum head_field)i);

            BUG_IF(v.len &&
                   (v.ptr < h.lines.ptr || v.ptr + v.len > h.lines.ptr + h.lines.len));
        }
        head_reset(&h);
    }
    head_clear(&h);
    return 0;
}
