/* SPDX-License-Identifier: MIT */
/*
 * Two parsers of one URL are two answers to "who is asked?". Ours decides about
 * scope, address, robots.txt and key; libcurl reads what we made of it once
 * more, and dials. So libcurl must see the same, or refuse (promise P24).
 */
#pragma once

#include "config/span.h"

#define CURL_AGREES_WHY_SIZE 512

/* What came of an input. */
enum curl_agrees {
    CURL_AGREES,
    CURL_REFUSES, /* libcurl takes no such URL: the fetch fails, nobody is asked */
    CURL_NO_PAGE, /* ours takes none, or it is no page of the web */
    CURL_DIFFERS, /* the two would ask for different things: why says which */
};

/* input is any bytes, as they stand in a link. */
enum curl_agrees curl_agrees_on(struct span input, char why[CURL_AGREES_WHY_SIZE]);
