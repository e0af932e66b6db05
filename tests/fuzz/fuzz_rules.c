/* SPDX-License-Identifier: MIT */
/*
 * Extraction rules as a parser process reads them. What must hold for every
 * input: what was read can be written, and reads the same again.
 */
#include "parse/rules.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct span coded = span_make((const char *)data, size);
    struct tree_section *sections;
    struct arena mem;
    struct buf out;
    size_t n;

    arena_init(&mem, (size_t)4 << 20);
    buf_init(&out, size + 16);
    if (rules_read(coded, &mem, &sections, &n) == OK) {
        for (size_t i = 0; i < n; i++)
            BUG_IF(rules_write(&sections[i], &out));
        BUG_IF(!span_eq(buf_span(&out), coded));
    }
    buf_clear(&out);
    arena_clear(&mem);
    return 0;
}
