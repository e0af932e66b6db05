/* SPDX-License-Identifier: MIT */
/*
 * What people and disks get wrong: each time a message that names the thing,
 * the documented exit code, no request, and nothing that was there damaged.
 */
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>
#include <sqlite3.h>

#include "config/io.h"
#include "store/db.h"
#include "tests/kit/rig.h"

static const struct origin_route pages[] = {
    NO_ROBOTS, { .path = "*", .headers = HTML, .body = PAGE }
};

static int fresh_rig(void **state)
{
    static struct rig g;

    RIG_OPEN(&g, pages, 1, "http://127.0.0.1:$PORT/\n");
    *state = &g;
    return 0;
}

static int end_rig(void **state)
{
    rig_close(*state);
    return 0;
}

static bool exists(struct rig *g, const char *name)
{
    struct stat st;

    return lstat(program_path(&g->p, name), &st) == 0;
}

/* Size and content of a file as a number; 0 when it is not there. */
static uint64_t hash_of(struct rig *g, const char *name)
{
    uint64_t hash = UINT64_C(1469598103934665603);
    struct err_note note;
    struct buf b;

    buf_init(&b, (size_t)64 * MIB);
    if (io_read_file(program_path(&g->p, name), &b, &note))
        return 0;
    for (size_t i = 0; i < b.len; i++)
        hash = (hash ^ (unsigned char)b.ptr[i]) * UINT64_C(1099511628211);
    buf_clear(&b);
    return hash;
}

/* --- seeds -------------------------------------------------------------------------------------- */

static void assert_nothing_happened(struct rig *g)
{
    assert_int_equal(traffic_count(g->o, NULL, NULL), 0);
    assert_false(exists(g, "crawl.db"));
}

static void missing_seeds_file_is_named(void **state)
{
    struct rig *g = *state;

    assert_int_equal(program_crawl(&g->p, ARGS{ "nowhere.txt", NULL }), 2);
    assert_true(program_said(&g->p, "nowhere.txt"));
    assert_true(program_said(&g->p, "no file"));
    assert_nothing_happened(g);
}

static void seeds_without_a_url_are_an_error(void **state)
{
    static const char *const texts[] = { "", "\n\n# nothing\n", "\xef\xbb\xbf\r\n",
                                         "ftp://x.test/\n", "\0\0\0" };
    struct rig *g = *state;

    for (size_t i = 0; i < ARRAY_LEN(texts); i++) {
        program_write(&g->p, "empty.txt",
                      span_make(texts[i], i == 4 ? 3 : strlen(texts[i])));
        assert_int_equal(program_crawl(&g->p, ARGS{ "empty.txt", NULL }), 2);
        assert_true(program_said(&g->p, "empty.txt"));
        assert_nothing_happened(g);
    }
}

static void bad_lines_are_named_skipped_and_counted(void **state)
{
    struct rig *g = *state;
    char text[1024];
    static char long_line[70000];

    snprintf(
        text, sizeof text,
        "\xef\xbb\xbf# seeds\r\nhttp://127.0.0.1:%u/a\r\nnot a url\r\n\r\n  http://127.0.0.1:%u/b  \r\nhttp://\r\nmailto:x@y.test\r\n"
        "example.org\nhttp://127.0.0.1:%u/a#again\nhttp://[::1/\nhttp://x\x1b[31m.test/\n",
        origin_port(g->o), origin_port(g->o), origin_port(g->o));
    program_write(&g->p, "seeds.txt", span_str(text));
    assert_int_equal(program_crawl(&g->p, ARGS{ "seeds.txt", "--delay", "0", NULL }),
                     0);
    assert_true(program_said(&g->p, "seeds.txt:3:"));
    assert_true(program_said(&g->p, "seeds.txt:6:"));
    assert_true(program_said(&g->p, "seeds.txt:7:"));
    assert_true(program_said(&g->p, "seeds.txt:8:"));
    assert_true(program_said(&g->p, "seeds.txt:10:"));
    assert_false(program_said(&g->p, "\x1b"));
    assert_int_equal(
        program_number(&g->p, "SELECT count(*) FROM urls WHERE state = 'fetched'"), 2);
    assert_int_equal(
        program_number(
            &g->p,
            "SELECT line FROM seeds JOIN urls ON id = url_id WHERE url LIKE '%/b'"),
        5);

    memset(long_line, 'x', sizeof long_line - 1);
    memcpy(long_line, "http://127.0.0.1/", 17);
    program_write(&g->p, "seeds.txt", span_str(long_line));
    assert_int_equal(program_crawl(&g->p, ARGS{ "seeds.txt", "--fresh", NULL }), 2);
    assert_true(g->p.err.len < 2000);
}

static void seeds_come_from_standard_input_and_arguments_too(void **state)
{
    struct rig *g = *state;

    /* Standard input of a test is no terminal and may be empty: that is an error of its own. */
    assert_int_equal(
        program_crawl(&g->p, ARGS{ "http://not a url/", "--delay", "0", NULL }), 2);
    assert_true(program_said(&g->p, "command line"));
    assert_int_equal(program_crawl(&g->p, ARGS{ "example.org", NULL }), 2);
    assert_nothing_happened(g);
    assert_int_equal(
        program_run(&g->p, ARGS{ "run", origin_url(g->o, "/x"), "seeds.txt",
                                 "--allow-net", "127.0.0.0/8", "--dns", "127.0.0.1:1",
                                 "--delay", "0", "-q", NULL }),
        0);
    assert_int_equal(g->p.err.len, 0);
    assert_int_equal(program_number(&g->p, "SELECT count(*) FROM seeds"), 2);
}

/* --- options --------------------------------------------------------------------------------------- */

static const struct {
    const char *args[6];
    const char *says[3];
} mistakes[] = {
    { { "--dealy", "1s" }, { "'--dealy'", "'--delay'" } },
    { { "--delay", "5" }, { "delay", "5" } },
    { { "--delay", "1x" }, { "delay", "1x" } },
    { { "--depth", "-3" }, { "depth", "-3" } },
    { { "--depth", "many" }, { "depth", "many" } },
    { { "--max-size", "10Q" }, { "max-size", "10Q" } },
    { { "--scope", "hosts" }, { "scope", "hosts", "host" } },
    { { "--workers", "0" }, { "workers", "0" } },
    { { "--retries", "1000000" }, { "retries", "100" } },
    { { "--include", "(" }, { "include", "(" } },
    { { "--allow-net", "10.0.0.0/99" }, { "allow-net", "10.0.0.0/99" } },
    { { "--header", "no colon" }, { "header", "no colon" } },
    { { "--set", "dealy=1s" }, { "dealy", "delay" } },
    { { "--set", "delay" }, { "delay", "=" } },
    { { "--config", "nowhere.conf" }, { "nowhere.conf" } },
    { { "--config", "bad.conf" }, { "bad.conf:2", "dealy", "delay" } },
    { { "--config", "worse.conf" }, { "worse.conf:1", "delay", "soon" } },
    { { "--revisit-min", "2h", "--revisit-max", "1h" },
      { "revisit-min", "revisit-max" } },
    { { "--auth-file", "nowhere.auth" }, { "nowhere.auth" } },
    { { "--ca-file", "nowhere.pem" }, { "nowhere.pem" } },
    { { "--ca-file", "bad.conf" }, { "ca-file", "bad.conf", "certificate" } },
    { { "--json-summary", "nowhere/end.json" }, { "json-summary", "nowhere/end.json" } },
    { { "--json-summary", "link.json" }, { "link.json", "symbolic link", "- is standard output" } },
    { { "--json-summary", "/" }, { "json-summary", "/: is not a file" } },
    { { "--dns", "name.server" }, { "dns", "name.server", "ADDRESS:PORT" } },
    { { "--dns", "127.0.0.1:" }, { "dns", "127.0.0.1:" } },
    { { "--dns", "/no/such/resolv.conf" }, { "dns", "/no/such/resolv.conf", "No such file" } },
    { { "--dns", "127.0.0.1:65536" }, { "dns", "127.0.0.1:65536" } },
    { { "--dns", "[2001:db8::1]" }, { "dns", "[2001:db8::1]" } },
    { { "--dns", "192.0.2.1,[2001:db8::1]:53,2001:db8::1,[::1" }, { "dns", "[::1" } },
    { { "-q", "-v" }, { "quiet", "verbose" } },
    { { "--delay" }, { "delay" } },
    { { "--user-agent", "4711/1" }, { "user-agent" } },
    { { "--fail-on", "bad-sede" }, { "fail-on", "bad-sede", "bad-seed" } },
};

static void mistakes_name_themselves_before_anything_is_done(void **state)
{
    struct rig *g = *state;

    program_write(&g->p, "bad.conf", SPAN("depth = 3\ndealy = 1s\n"));
    program_write(&g->p, "worse.conf", SPAN("delay = soon\n"));
    assert_int_equal(symlink("end.json", program_path(&g->p, "link.json")), 0);
    for (size_t i = 0; i < ARRAY_LEN(mistakes); i++) {
        const char *args[10] = { "seeds.txt" };

        for (size_t k = 0; k < ARRAY_LEN(mistakes[i].args) && mistakes[i].args[k]; k++)
            args[k + 1] = mistakes[i].args[k];
        program_crawl(&g->p, args);
        for (size_t k = 0; k < ARRAY_LEN(mistakes[i].says) && mistakes[i].says[k]; k++)
            if (g->p.exit_code != 2 || !program_said(&g->p, mistakes[i].says[k]))
                fail_msg("%s %s: exit %d, '%.*s'", args[1], args[2] ? args[2] : "",
                         g->p.exit_code, (int)g->p.err.len,
                         g->p.err.ptr ? g->p.err.ptr : "");
        assert_nothing_happened(g);
    }
}

/* Whoever reads it each morning is told, also by the exit code. */
static void a_summary_that_cannot_be_written_is_exit_code_3(void **state)
{
    struct rig *g = *state;

    g->p.output_fd = open("/dev/full", O_WRONLY | O_CLOEXEC);
    assert_int_equal(program_crawl(&g->p, ARGS{ "seeds.txt", "-q", "--json-summary", "-", NULL }), 3);
    close(g->p.output_fd);
    g->p.output_fd = 0;
    assert_true(program_said(&g->p, "the summary could not be written: cannot write standard output: No space left"));
    assert_int_equal(program_number(&g->p, "SELECT state = 'finished' FROM runs"), 1);
}

static void a_summary_can_go_to_standard_output(void **state)
{
    struct rig *g = *state;

    assert_int_equal(program_crawl(&g->p, ARGS{ "seeds.txt", "-q", "--json-summary", "-", NULL }), 0);
    assert_true(span_starts(buf_span(&g->p.out), SPAN("{\"run\":")));
    assert_int_equal(access(program_path(&g->p, "-"), F_OK), -1);
}

static void environment_is_read_and_checked(void **state)
{
    struct rig *g = *state;

    setenv("CRAWL_DEALY", "1s", 1);
    assert_int_equal(program_crawl(&g->p, ARGS{ "seeds.txt", NULL }), 2);
    unsetenv("CRAWL_DEALY");
    assert_true(program_said(&g->p, "CRAWL_DEALY"));
    assert_nothing_happened(g);

    setenv("CRAWL_MAX_PAGES", "0", 1);
    setenv("http_proxy", "http://127.0.0.1:1", 1);
    assert_int_equal(program_crawl(&g->p, ARGS{ "seeds.txt", "-q", NULL }), 5);
    unsetenv("CRAWL_MAX_PAGES");
    assert_int_equal(program_crawl(&g->p, ARGS{ "seeds.txt", "-q", NULL }), 0);
    unsetenv("http_proxy");
    assert_int_equal(traffic_count(g->o, NULL, "/"), 1);
}

static void without_seeds_and_database_there_is_help(void **state)
{
    struct rig *g = *state;

    assert_int_equal(program_run(&g->p, ARGS{ NULL }), 0);
    assert_true(span_find_span(buf_span(&g->p.out), SPAN("usage: crawl")) <
                g->p.out.len);
    assert_nothing_happened(g);
    /* Wherever it stands, who asks for the version wants no crawl. */
    assert_int_equal(program_run(&g->p, ARGS{ "-q", "--version", "seeds.txt", NULL }), 0);
    assert_true(span_starts(buf_span(&g->p.out), SPAN("crawl ")));
    assert_int_equal(program_run(&g->p, ARGS{ "plan", "seeds.txt", "-V", NULL }), 0);
    assert_true(span_starts(buf_span(&g->p.out), SPAN("crawl ")));
    assert_nothing_happened(g);
    /* Who gives options wants a crawl: a cron job in another directory must not look like one that went well. */
    assert_int_equal(program_run(&g->p, ARGS{ "-q", "-o", "typo.db", NULL }), 2);
    assert_true(program_said(&g->p, "SEEDS") && program_said(&g->p, "typo.db"));
    assert_nothing_happened(g);
}

/* --- databases -------------------------------------------------------------------------------------- */

/* The crawl must refuse file with code 3 and a message that holds says, and leave it alone. */
static void assert_refuses(struct rig *g, const char *file, const char *says)
{
    uint64_t before = hash_of(g, file);

    program_crawl(&g->p, ARGS{ "seeds.txt", "-o", file, NULL });
    if (g->p.exit_code != 3 || !program_said(&g->p, file) || !program_said(&g->p, says))
        fail_msg("%s: exit %d, '%.*s'", file, g->p.exit_code, (int)g->p.err.len,
                 g->p.err.ptr ? g->p.err.ptr : "");
    assert_true(hash_of(g, file) == before);
    assert_int_equal(traffic_count(g->o, NULL, NULL), 0);
}

static void make_database(struct rig *g, const char *name, const char *sql)
{
    sqlite3 *db;

    assert_int_equal(sqlite3_open(program_path(&g->p, name), &db), SQLITE_OK);
    assert_int_equal(sqlite3_exec(db, sql, NULL, NULL, NULL), SQLITE_OK);
    sqlite3_close(db);
}

static void files_of_others_are_refused_unchanged(void **state)
{
    struct rig *g = *state;

    program_write(&g->p, "text.db",
                  SPAN("This is somebody's letter, and no database at all.\n"));
    assert_refuses(g, "text.db", "database");
    make_database(g, "bookmarks.db", "CREATE TABLE bookmarks (url)");
    assert_refuses(g, "bookmarks.db", "another");
    make_database(g, "labelled.db",
                  "PRAGMA application_id = 1234567; CREATE TABLE t (x)");
    assert_refuses(g, "labelled.db", "another");
    assert_int_equal(mkdir(program_path(&g->p, "folder.db"), 0700), 0);
    assert_refuses(g, "folder.db", "director");
    assert_int_equal(mkfifo(program_path(&g->p, "fifo.db"), 0600), 0);
    program_crawl(&g->p, ARGS{ "seeds.txt", "-o", "fifo.db", NULL });
    assert_int_equal(g->p.exit_code, 3);
    assert_int_equal(symlink("text.db", program_path(&g->p, "link.db")), 0);
    assert_refuses(g, "link.db", "link");
    assert_int_equal(program_run(&g->p, ARGS{ "status", "-o", "link.db", NULL }), 3);
    assert_true(program_said(&g->p, "link.db is a symbolic link; name the file itself"));
    assert_int_equal(
        link(program_path(&g->p, "bookmarks.db"), program_path(&g->p, "hard.db")), 0);
    assert_refuses(g, "hard.db", "link");
    assert_int_equal(
        program_crawl(&g->p, ARGS{ "seeds.txt", "-o", "no/such/folder.db", NULL }), 3);
    assert_true(program_said(&g->p, "no/such: No such file"));
}

static void newer_and_damaged_databases_are_refused_unchanged(void **state)
{
    struct rig *g = *state;
    struct err_note note;
    char back[40];
    struct buf b;

    assert_int_equal(
        program_crawl(&g->p, ARGS{ "seeds.txt", "-q", "--delay", "0", NULL }), 0);
    origin_stop(g->o);
    g->o = origin_start(
        &(struct origin_options){ .routes = pages, .n_routes = ARRAY_LEN(pages) });
    assert_int_equal(
        rename(program_path(&g->p, "crawl.db"), program_path(&g->p, "new.db")), 0);
    make_database(g, "new.db", "PRAGMA user_version = 9999");
    assert_refuses(g, "new.db", "newer");
    snprintf(back, sizeof back, "PRAGMA user_version = %d", DB_SCHEMA_VERSION);
    make_database(g, "new.db", back);

    buf_init(&b, (size_t)64 * MIB);
    assert_int_equal(io_read_file(program_path(&g->p, "new.db"), &b, &note), OK);
    program_write(&g->p, "short.db",
                  span_slice(buf_span(&b), 0, b.len / 2 / 4096 * 4096));
    assert_refuses(g, "short.db", "");
    program_write(&g->p, "stub.db", span_slice(buf_span(&b), 0, 300));
    assert_refuses(g, "stub.db", "");
    memset(b.ptr + 16, 0xff, 80);
    program_write(&g->p, "header.db", buf_span(&b));
    assert_refuses(g, "header.db", "");
    buf_clear(&b);
}

/* What no crawl writes: sql makes it of a file that has crawled, and a crawl then ends with this code. */
static const struct forged_row {
    const char *sql;
    int code;
    const char *says; /* NULL: nothing */
} forged_rows[] = {
    { "UPDATE robots SET outcome = printf('%.*c', 9000000, 'x'); UPDATE hosts SET ip = printf('%.*c', 9000000, '1')", 0,
      NULL },
    { "UPDATE url SET url = printf('%.*c', 600000, 'x') || ':a', state = 0; DELETE FROM meta WHERE name LIKE '%decided%'",
      0, NULL },
    { "UPDATE hosts SET host = printf('%.*c', 20000, 'x'); UPDATE url SET state = 0", 3, "too long a name" },
    { "UPDATE hosts SET id = 0; UPDATE url SET host_id = 0, state = 0", 3, "no id" },
    { "UPDATE url SET id = 0, state = 0 WHERE id = 1", 3, "a URL in the file has no id" },
};

static void a_forged_database_ends_no_crawl_but_by_saying_so(void **state)
{
    struct rig *g = *state;

    for (size_t i = 0; i < ARRAY_LEN(forged_rows); i++) {
        const struct forged_row *row = &forged_rows[i];

        assert_int_equal(program_crawl(&g->p, ARGS{ "seeds.txt", "-q", "--delay", "0", "--fresh", NULL }), 0);
        make_database(g, "crawl.db", row->sql);
        program_crawl(&g->p, ARGS{ "-q", "--delay", "0", "--revisit", "all", NULL });
        if (g->p.exit_code != row->code || (row->says && !program_said(&g->p, row->says)))
            fail_msg("%s: exit %d, '%.*s'", row->sql, g->p.exit_code, (int)g->p.err.len,
                     g->p.err.ptr ? g->p.err.ptr : "");
    }
}

static void unwritable_folder_is_refused(void **state)
{
    struct rig *g = *state;

    assert_int_equal(mkdir(program_path(&g->p, "shut"), 0700), 0);
    if (geteuid() ==
        0) /* for whom no folder is shut: one that cannot hold files at all */
        assert_int_equal(program_crawl(&g->p, ARGS{ "seeds.txt", "-o",
                                                    "/proc/self/crawl.db", NULL }),
                         3);
    assert_int_equal(chmod(program_path(&g->p, "shut"), 0500), 0);
    if (geteuid() != 0) {
        assert_int_equal(
            program_crawl(&g->p, ARGS{ "seeds.txt", "-o", "shut/crawl.db", NULL }), 3);
        assert_true(program_said(&g->p, "shut"));
    }
    assert_int_equal(chmod(program_path(&g->p, "shut"), 0777), 0);
    program_crawl(&g->p, ARGS{ "seeds.txt", "-o", "shut/crawl.db",
                               NULL }); /* anybody could swap files in it */
    assert_int_equal(g->p.exit_code, 3);
    assert_int_equal(traffic_count(g->o, NULL, NULL), 0);
}

static void file_is_created_for_its_owner_only(void **state)
{
    struct rig *g = *state;
    mode_t old = umask(0);
    struct stat st;

    assert_int_equal(
        program_crawl(&g->p, ARGS{ "seeds.txt", "-q", "--delay", "0", NULL }), 0);
    umask(old);
    assert_int_equal(stat(program_path(&g->p, "crawl.db"), &st), 0);
    assert_int_equal(st.st_mode & 0777, 0600);
}

/* No file could be opened a second time; root may, so the modes are looked at too. */
static void a_umask_that_takes_the_owners_rights_away_leaves_them(void **state)
{
    static const char *const names[] = { "crawl.db", "end.json", "crawl.log", "report.html" };
    struct rig *g = *state;
    mode_t old = umask(0777);
    struct stat st;

    assert_int_equal(program_crawl(&g->p, ARGS{ "seeds.txt", "-q", "--delay", "0", "--json-summary", "end.json",
                                                "--log", "crawl.log", NULL }),
                     0);
    assert_int_equal(program_run(&g->p, ARGS{ "report", NULL }), 0);
    umask(old);
    for (size_t i = 0; i < ARRAY_LEN(names); i++) {
        assert_int_equal(stat(program_path(&g->p, names[i]), &st), 0);
        assert_int_equal(st.st_mode & 0777, 0600);
    }
}

/* --- a full disk ---------------------------------------------------------------------------------------- */

static void make_long_page(void *arg, const struct origin_request *r, int *io_status,
                           struct buf *out)
{
    uint32_t x = (uint32_t)strtoul(r->path + 1, NULL, 10);

    (void)arg;
    (void)io_status;
    if (buf_printf(out, "<title>Long %u</title><a href=/%u>n</a><p>", x, x + 1))
        abort();
    for (int i = 0; i < 4000; i++) { /* words that do not compress */
        x = x * 1664525 + 1013904223;
        if (buf_printf(out, "%x ", x))
            abort();
    }
}

/* What sum.json says of the first run is what the database has of it, and what was lost is told. */
static void assert_summary_is_the_files(struct rig *g)
{
    char json[4096] = "", sql[8192];
    FILE *f = fopen(program_path(&g->p, "sum.json"), "r");

    assert_non_null(f);
    assert_true(fread(json, 1, sizeof json - 1, f) > 0);
    fclose(f);
    snprintf(sql, sizeof sql,
             "WITH j(j) AS (SELECT '%s') SELECT (j ->> 'not_stored' > 0)"
             " || ' ' || (j ->> 'requests' - (SELECT count(*) FROM fetches))"
             " || ' ' || (j ->> 'answered' - (SELECT count(*) FROM fetches WHERE status_code))"
             " || ' ' || (j ->> 'bytes' - (SELECT sum(wire_size) FROM fetches))"
             " || ' ' || (j ->> '$.outcomes.ok' - (SELECT count(*) FROM fetches WHERE outcome = 'ok'))"
             " || ' ' || (j ->> '$.urls.fetched' - (SELECT count(*) FROM urls WHERE state = 'fetched'))"
             " || ' ' || (j ->> '$.urls.queued' - (SELECT count(*) FROM urls WHERE state = 'queued')) FROM j",
             json);
    assert_string_equal(program_text(&g->p, sql), "1 0 0 0 0 0 0");
}

static void full_disk_stops_with_3_and_the_same_command_goes_on(void **state)
{
    static const struct origin_route routes[] = {
        NO_ROBOTS,
        { .path = "*", .headers = HTML, .generate = make_long_page, .delay_ms = 5 }
    };
    const char *const *args =
        ARGS{ "seeds.txt", "--delay", "0", "-n", "150", "--json-summary", "sum.json", NULL };
    const struct rlimit limit = { 1 << 20, RLIM_INFINITY };
    struct rig g;

    (void)state;
    RIG_OPEN(&g, routes, 1, "http://127.0.0.1:$PORT/1\n");
    program_start_crawl(&g.p, args);
    assert_true(traffic_wait(g.o, NULL, NULL, 10));
    assert_int_equal(prlimit(g.p.pid, RLIMIT_FSIZE, &limit, NULL), 0);
    assert_int_equal(program_wait(&g.p), 3);
    assert_true(program_said(&g.p, "crawl.db"));
    assert_true(program_said(&g.p, "not stored: the next start makes"));
    assert_summary_is_the_files(&g);
    assert_string_equal(program_text(&g.p, "PRAGMA integrity_check"), "ok");
    assert_int_equal(program_run(&g.p, ARGS{ "verify", NULL }), 0);

    assert_int_equal(program_crawl(&g.p, args), 5);
    assert_int_equal(
        program_number(&g.p, "SELECT count(*) FROM urls WHERE state = 'fetched'"), 150);
    assert_int_equal(program_number(&g.p, "SELECT count(*) FROM pages"), 150);
    rig_close(&g);
}

static void too_little_free_space_is_refused_before_anything(void **state)
{
    struct rig *g = *state;

    assert_int_equal(
        program_crawl(&g->p, ARGS{ "seeds.txt", "--min-free", "900000G", NULL }), 3);
    assert_int_equal(traffic_count(g->o, NULL, NULL), 0);
}

/* "crawl verify other.db" would else praise crawl.db. */
static void a_word_that_names_no_database_is_refused(void **state)
{
    struct rig *g = *state;

    assert_int_equal(
        program_crawl(&g->p, ARGS{ "seeds.txt", "-q", "--delay", "0", NULL }), 0);
    assert_int_equal(program_run(&g->p, ARGS{ "verify", NULL }), 0);
    assert_int_equal(program_run(&g->p, ARGS{ "verify", "other.db", NULL }), 2);
    assert_true(program_said(&g->p, "'other.db'"));
    assert_true(program_said(&g->p, "-o FILE names the database"));
    assert_int_equal(program_run(&g->p, ARGS{ "status", "other.db", NULL }), 2);
    assert_int_equal((int)g->p.out.len, 0);
}

/* A stranger's texts are shown, not obeyed. */
static void verify_shows_a_text_without_its_control_bytes(void **state)
{
    struct rig *g = *state;

    program_crawl(&g->p, ARGS{ "seeds.txt", NULL });
    program_change(&g->p, "UPDATE url SET url = 'http://a.example/' || char(27) || '[2J', state = 9");
    assert_int_equal(program_run(&g->p, ARGS{ "verify", NULL }), 3);
    assert_true(span_find_span(buf_span(&g->p.out), SPAN("http://a.example/\\x1B[2J")) < g->p.out.len);
    assert_int_equal(span_find(buf_span(&g->p.out), 27), g->p.out.len);
}

static void of_many_exceptions_verify_shows_ten_and_counts_the_rest(void **state)
{
    static const struct origin_route routes[] = {
        { .path = "/robots.txt", .status = 404 },
        { .path = "/", .headers = "Content-Type: text/html\r\n", .body = LIT(LINK("/1") LINK("/2") LINK("/3") LINK("/4")
            LINK("/5") LINK("/6") LINK("/7") LINK("/8") LINK("/9") LINK("/10") LINK("/11")) },
        { .path = "*", .headers = "Content-Type: text/html\r\n", .body = PAGE },
    };
    size_t n = 0;
    struct rig g;

    (void)state;
    RIG_OPEN(&g, routes, 1, "http://127.0.0.1:$PORT/\n");
    assert_int_equal(program_crawl(&g.p, ARGS{ "seeds.txt", "-q", "--delay", "0", NULL }), 0);
    program_change(&g.p, "UPDATE url SET state = 9");
    assert_int_equal(program_run(&g.p, ARGS{ "verify", NULL }), 3);
    for (struct span rest = buf_span(&g.p.out), line; span_split(&rest, '\n', &line);)
        n += span_find_span(line, SPAN(" url=http://127.0.0.1:")) < line.len;
    assert_int_equal(n, 10);
    assert_true(span_find_span(buf_span(&g.p.out), SPAN("\n       and 2 more\n")) < g.p.out.len);
    rig_close(&g);
}

/* One place says which database: who only asks need not say it again. */
static void the_database_that_is_set_is_read_too(void **state)
{
    struct rig *g = *state;

    program_write(&g->p, "crawl.conf", SPAN("db = here.db\n"));
    assert_int_equal(
        program_run(&g->p, ARGS{ "seeds.txt", "-q", "--delay", "0", "--allow-net",
                                 "127.0.0.0/8", NULL }),
        0);
    assert_int_equal(program_run(&g->p, ARGS{ "verify", NULL }), 0);
    setenv("CRAWL_DB", "there.db", 1);
    assert_int_equal(program_run(&g->p, ARGS{ "verify", NULL }), 3);
    assert_true(program_said(&g->p, "there.db"));
    assert_int_equal(program_run(&g->p, ARGS{ "verify", "-o", "here.db", NULL }), 0);
    unsetenv("CRAWL_DB");
    program_write(&g->p, "crawl.conf", SPAN("bd = here.db\n"));
    assert_int_equal(program_run(&g->p, ARGS{ "verify", NULL }), 2);
    assert_true(program_said(&g->p, "crawl.conf:1"));
    assert_int_equal(program_run(&g->p, ARGS{ "verify", "-o", "here.db", NULL }), 0);
}

/* What SQLite's own check of the file takes for bytes of no meaning. */
static void damage_within_the_full_text_is_found(void **state)
{
    struct rig *g = *state;

    assert_int_equal(program_crawl(&g->p, ARGS{ "seeds.txt", "-q", "--delay", "0", NULL }), 0);
    assert_int_equal(program_run(&g->p, ARGS{ "verify", "--full", NULL }), 0);
    assert_true(span_find_span(buf_span(&g->p.out), SPAN("ok     the pages of the full-text index")) < g->p.out.len);
    program_change(&g->p, "UPDATE page_text_data SET block = zeroblob(length(block)) WHERE id > 10");
    if (sqlite3_libversion_number() < 3044000) /* later ones find it, too */
        assert_string_equal(program_text(&g->p, "PRAGMA integrity_check"), "ok");
    assert_int_equal(program_run(&g->p, ARGS{ "verify", NULL }), 3);
    assert_true(span_find_span(buf_span(&g->p.out), SPAN("WRONG  the pages of the full-text index")) < g->p.out.len);
}

#define WITH_RIG(test) cmocka_unit_test_setup_teardown(test, fresh_rig, end_rig)

int main(void)
{
    const struct CMUnitTest tests[] = {
        WITH_RIG(missing_seeds_file_is_named),
        WITH_RIG(seeds_without_a_url_are_an_error),
        WITH_RIG(bad_lines_are_named_skipped_and_counted),
        WITH_RIG(seeds_come_from_standard_input_and_arguments_too),
        WITH_RIG(mistakes_name_themselves_before_anything_is_done),
        WITH_RIG(a_summary_that_cannot_be_written_is_exit_code_3),
        WITH_RIG(a_summary_can_go_to_standard_output),
        WITH_RIG(environment_is_read_and_checked),
        WITH_RIG(without_seeds_and_database_there_is_help),
        WITH_RIG(files_of_others_are_refused_unchanged),
        WITH_RIG(newer_and_damaged_databases_are_refused_unchanged),
        WITH_RIG(a_forged_database_ends_no_crawl_but_by_saying_so),
        WITH_RIG(unwritable_folder_is_refused),
        WITH_RIG(file_is_created_for_its_owner_only),
        WITH_RIG(a_umask_that_takes_the_owners_rights_away_leaves_them),
        WITH_RIG(damage_within_the_full_text_is_found),
        cmocka_unit_test(full_disk_stops_with_3_and_the_same_command_goes_on),
        WITH_RIG(too_little_free_space_is_refused_before_anything),
        WITH_RIG(a_word_that_names_no_database_is_refused),
        WITH_RIG(verify_shows_a_text_without_its_control_bytes),
        cmocka_unit_test(of_many_exceptions_verify_shows_ten_and_counts_the_rest),
        WITH_RIG(the_database_that_is_set_is_read_too),
    };

    return cmocka_run_group_tests_name("flow/badinput", tests, NULL, NULL);
}
