/* SPDX-License-Identifier: MIT */
#include "store/seeds.h"

enum err seeds_each(struct core *c, void (*fn)(void *arg, struct span url), void *arg)
{
    static const char SQL[] =
        SEEDS_REACH " SELECT url.url FROM reach JOIN url ON url.id = reach.id";
    sqlite3_stmt *st = db_stmt(c->db, SQL);

    while (db_next(c->db, st))
        fn(arg, span_make((const char *)sqlite3_column_text(st, 0),
                          (size_t)sqlite3_column_bytes(st, 0)));
    return c->db->failed;
}
