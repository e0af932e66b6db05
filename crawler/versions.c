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

void versions_read(struct versions_in_use *out)
{
    *out = (struct versions_in_use){ .libcurl = versions_libcurl(),
                                     .libxml2 = library_libxml2(),
                                     .sqlite = engine_number() };
}

/* 0x075801 as 78801. */
static unsigned decimal(unsigned hex)
{
    return (hex >> 16 & 0xff) * 10000 + (hex >> 8 & 0xff) * 100 + (hex & 0xff);
}

bool versions_are_old(const struct versions_in_use *v, char *out, size_t size)
{
    /* What Debian 12 has, where every test runs; their security fixes come under the same numbers. */
    const struct {
        unsigned have, oldest;
        const char *name;
    } floors[] = {
        { decimal(v->libcurl), 78801, "libcurl" },
        { v->libxml2, 20914, "libxml2" },
        { v->sqlite, 3040001, "SQLite" },
    };

    for (size_t i = 0; i < ARRAY_LEN(floors); i++) {
        if (floors[i].have >= floors[i].oldest)
            continue;
        snprintf(out, size, "%s %u is older than %u, the oldest that is tested",
                 floors[i].name, floors[i].have, floors[i].oldest);
        return true;
    }
    return false;
}
