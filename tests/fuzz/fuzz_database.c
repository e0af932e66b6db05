/* SPDX-License-Identifier: MIT */
/*
 * A database that a stranger made: a small sound one, changed as the input says, and read or continued (tests/kit/strange.h).
 * An input that brought something to light goes into the corpus, which `make test` runs, too (store/strange).
 *
 * Needs: store/*.c crawler/report*.c crawler/figures.c tests/kit/st[!a]*.c tests/kit/training.c
 */
#include "tests/kit/strange.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static struct strange *s; /* for all inputs: making it takes as long as a hundred of them */

    if (!s)
        s = strange_new();
    strange_run(s, data, size);
    return 0;
}
