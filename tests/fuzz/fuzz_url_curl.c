/* SPDX-License-Identifier: MIT */
/*
 * A link as it stands in a page: libcurl must see the host, port and path that
 * we decided by, or refuse the URL (promise P24).
 * Needs: tests/kit/curl_agrees.c
 */
#include "tests/kit/curl_agrees.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    char why[CURL_AGREES_WHY_SIZE];

    if (curl_agrees_on(span_make((const char *)data, size), why) == CURL_DIFFERS) {
        fprintf(stderr, "%s\n", why);
        abort();
    }
    return 0;
}
