/* SPDX-License-Identifier: MIT */
#include "crawler/versions.h"

#include <stdio.h>

#include "fetch/versions.h"
#include "parse/library.h"
#include "store/engine.h"

int versions_print(void)
{
    char network[200], parsing[200];

    printf("crawl %s\n%s\n%s\n%s\n", CRAWL_VERSION,
           versions_network(network, sizeof network),
           library_versions(parsing, sizeof parsing), engine_version());
    return 0;
}
