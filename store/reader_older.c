/* SPDX-License-Identifier: MIT */
#include "store/reader_older.h"

#include "store/db.h"
#include "store/deferred.h"
#include "store/links.h"
#include "store/pages.h"

static const struct {
    int since; /* files from this schema on have it */
    const char *sql;
} stand_ins[] = {
    /* There was an index, where later ones have the table that URLs are looked up in. */
    { DEFERRED_SINCE, "CREATE TEMP VIEW IF NOT EXISTS url_by_hash AS SELECT key_hash, id AS url_id FROM main.url" },
    { LINKS_NUMBERED_SINCE,
      "CREATE TEMP VIEW IF NOT EXISTS links AS SELECT *, src_id << 32 | position AS id FROM main.links" },
    { OTHERS_COUNTED_SINCE, "CREATE TEMP VIEW IF NOT EXISTS pages AS SELECT *, NULL AS links_other FROM main.pages" },
    { OTHERS_COUNTED_SINCE,
      "CREATE TEMP VIEW IF NOT EXISTS page_history AS SELECT *, NULL AS links_other FROM main.page_history" },
};

int reader_older_bridge(sqlite3 *handle)
{
    int version = 0, rc = db_version(handle, &version);

    for (size_t i = 0; !rc && i < ARRAY_LEN(stand_ins); i++) {
        if (version >= stand_ins[i].since)
            continue;
        rc = sqlite3_exec(handle, "PRAGMA query_only=0", NULL, NULL, NULL);
        if (!rc)
            rc = sqlite3_exec(handle, stand_ins[i].sql, NULL, NULL, NULL);
        if (!rc)
            rc = sqlite3_exec(handle, "PRAGMA query_only=1", NULL, NULL, NULL);
    }
    return rc;
}
