/* SPDX-License-Identifier: MIT */
#include "store/stats.h"

enum err stats_update(struct core *c)
{
    static const char SQL[] =
        "DELETE FROM url_stat;"
        "INSERT INTO url_stat (host_id, state, reason, outcome, status_code, urls,"
        " ttfb_sum, ttfb_n, total_sum, total_n)"
        " SELECT u.host_id, u.state, u.reason, f.outcome, f.status_code, count(*),"
        " sum(f.ttfb_ms), count(f.ttfb_ms), sum(f.total_ms), count(f.total_ms)"
        " FROM url u LEFT JOIN fetch f ON f.id = u.fetch_id"
        " GROUP BY u.host_id, u.state, u.reason, f.outcome, f.status_code;";
    sqlite3_stmt *st;

    if (db_value(c->db, "SELECT sum(n) FROM state_count", 0) < STATS_FROM)
        return c->db->failed;
    db_exec(c->db, SQL);
    st = db_stmt(c->db, "INSERT OR REPLACE INTO meta (name, value)"
                        " VALUES ('stats_run', ?1)");
    db_int(c->db, st, 1, c->run_id);
    return db_run(c->db, st);
}
