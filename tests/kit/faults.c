/* SPDX-License-Identifier: MIT */
#include "tests/kit/faults.h"

#include <dirent.h>
#include <fcntl.h>
#include <stdarg.h>
#include <unistd.h>

#include "tests/kit/rig.h"

#define N_PAGES  20
#define SET_SIZE 4096

const struct fault faults_all[] = {
    { .calls = FAULT_DISK, .action = "kill" },
    { .calls = FAULT_DISK, .action = "torn" },
    { .calls = FAULT_DISK, .action = "short" },
    { .calls = FAULT_DISK, .action = "ENOSPC" },
    { .calls = FAULT_DISK, .action = "ENOSPC", .stays = true },
    { .calls = FAULT_DISK, .action = "EIO" },
    { .calls = FAULT_DISK, .action = "EIO", .stays = true },
    { .calls = FAULT_DISK, .action = "EROFS", .stays = true },
    { .calls = FAULT_OPEN, .action = "kill" },
    { .calls = FAULT_OPEN, .action = "EMFILE" },
    { .calls = FAULT_OPEN, .action = "EIO" },
    { .calls = FAULT_KERNEL, .action = "kill" },
    { .calls = FAULT_KERNEL, .action = "EMFILE" },
    { .calls = FAULT_KERNEL, .action = "ENOMEM" },
    { .calls = FAULT_PROCESS, .action = "EAGAIN" },
    { .calls = FAULT_PROCESS, .action = "EAGAIN", .stays = true },
    { .calls = FAULT_MEMORY, .action = "ENOMEM" },
    { .calls = FAULT_MEMORY, .action = "ENOMEM", .stays = true },
    { .calls = FAULT_MEMORY, .action = "ENOMEM", .in_helpers = true },
};
const size_t faults_count = ARRAY_LEN(faults_all);

/* --- the site ----------------------------------------------------------------------- */

/* Page N links to 2N+1 and 2N+2. */
static void make_page(void *arg, const struct origin_request *r, int *io_status,
                      struct buf *out)
{
    int64_t n;

    (void)arg;
    if (!span_parse_i64(span_str(r->path + 2), &n)) {
        *io_status = 404;
        return;
    }
    BUG_IF(buf_printf(out, "<title>Page %lld</title><p>The words of page %lld.",
                      (long long)n, (long long)n) != OK);
    for (int64_t next = 2 * n + 1; next <= 2 * n + 2 && next < N_PAGES; next++)
        BUG_IF(buf_printf(out, "<a href=/p%lld>next</a>", (long long)next) != OK);
}

static const struct origin_route site[] = {
    { .path = "/robots.txt",
      .on = 1,
      .headers = PLAIN,
      TEXT_OF(
          "User-agent: *\nDisallow: /no\nSitemap: http://127.0.0.1:$PORT/map.xml\n") },
    NO_ROBOTS,
    { .path = "/map.xml",
      .headers = XML,
      TEXT_OF("<urlset><url><loc>http://127.0.0.1:$PORT/mapped</loc></url></urlset>") },
    { .path = "/",
      .on = 1,
      .headers = HTML,
      TEXT_OF("<title>Start</title><a href=/p0>0</a><a href=/moved>m</a>"
              "<a href=/lost>l</a><a href=/no>n</a><a href=http://127.0.0.2:$PORT/p7>7"
              "</a><img src=/i.png>") },
    MOVED_TO("/moved", "/p5"),
    { .path = "/mapped", .headers = HTML, .body = LIT("<title>Mapped</title>") },
    { .path = "/p*", .headers = HTML, .generate = make_page },
};

static const char SEEDS[] = "http://127.0.0.1:$PORT/\nhttp://127.0.0.2:$PORT/p3\n";

/* --- the shim ------------------------------------------------------------------------ */

/* build/MODE/tests/faults/shim.so, seen from build/MODE/tests/x/y. */
static void find_shim(char *out, size_t size)
{
    char self[512];
    ssize_t n = readlink("/proc/self/exe", self, sizeof self - 1);
    char *end;

    BUG_IF(n <= 0);
    self[n] = '\0';
    end = strstr(self, "/tests/");
    BUG_IF(!end);
    *end = '\0';
    BUG_IF(snprintf(out, size, "%s/tests/faults/shim.so", self) >= (int)size);
    BUG_IF(access(out, R_OK) != 0);
}

void faults_load(const char *report_path, const char *clock_path)
{
    char path[600];

    find_shim(path, sizeof path);
    setenv("LD_PRELOAD", path, 1);
    /* The shim must come first: it hands on to the sanitizer's allocator. */
    setenv("ASAN_OPTIONS", "verify_asan_link_order=0:detect_leaks=0", 1);
    if (report_path)
        setenv("FAULT_REPORT", report_path, 1);
    if (clock_path)
        setenv("FAULT_CLOCK", clock_path, 1);
}

void faults_unload(void)
{
    static const char *const names[] = { "LD_PRELOAD",  "ASAN_OPTIONS", "FAULT_REPORT",
                                         "FAULT_CLOCK", "FAULT_CALLS",  "FAULT_DO",
                                         "FAULT_AT",    "FAULT_STAYS",  "FAULT_WHO",
                                         "FAULT_FREE" };

    for (size_t i = 0; i < ARRAY_LEN(names); i++)
        unsetenv(names[i]);
}

const char *faults_name(const struct fault *f)
{
    static char text[96];

    (void)snprintf(text, sizeof text, "%s %s%s%s", f->calls, f->action,
                   f->stays ? ", and ever after" : "",
                   f->in_helpers ? ", in helpers" : "");
    return text;
}

/* --- one start ------------------------------------------------------------------------ */

static int crawl(struct program *p)
{
    return program_crawl(p, ARGS{ "seeds.txt", "-q", "--delay", "0", "--per-host", "2",
                                  "--workers", "1", "--revisit", "none", NULL });
}

static int crawl_with(struct program *p, const struct fault *f, int64_t n,
                      struct fault_report *report)
{
    static const struct fault_report zero;
    char at[32];
    int fd, code;

    program_write(p, "report", span_make((const char *)&zero, sizeof zero));
    (void)snprintf(at, sizeof at, "%lld", (long long)n);
    faults_load(program_path(p, "report"), NULL);
    setenv("FAULT_CALLS", f->calls, 1);
    setenv("FAULT_DO", f->action, 1);
    setenv("FAULT_AT", at, 1);
    if (f->stays)
        setenv("FAULT_STAYS", "1", 1);
    if (f->in_helpers)
        setenv("FAULT_WHO", "helpers", 1);
    code = crawl(p);
    faults_unload();
    fd = open(program_path(p, "report"), O_RDONLY | O_CLOEXEC);
    BUG_IF(fd < 0 || read(fd, report, sizeof *report) != (ssize_t)sizeof *report);
    close(fd);
    return code;
}

/* --- judging ---------------------------------------------------------------------------- */

struct judge {
    struct rig rig;
    struct fault_result *out;
};

/* The first problem is kept. Returns false, so that it can end a chain of checks. */
PRINTF_LIKE(2, 3)

static bool blame(struct judge *j, const char *fmt, ...)
{
    char *text = j->out->problem;
    size_t size = sizeof j->out->problem;
    va_list args;

    if (text[0])
        return false;
    va_start(args, fmt);
    (void)vsnprintf(text, size, fmt, args);
    va_end(args);
    return false;
}

/* What the program printed last, on one line. */
static const char *last_words(struct judge *j)
{
    static char text[400];
    struct span said = span_trim(buf_span(&j->rig.p.err));

    (void)snprintf(text, sizeof text, "%.*s", (int)MIN(said.len, sizeof text - 1),
                   said.ptr);
    return text;
}

static bool has_database(struct judge *j)
{
    return access(program_path(&j->rig.p, "crawl.db"), F_OK) == 0;
}

/* Did the start leave nothing behind? Then the next one is a first one, which wanted_set has seen. */
static bool has_left_nothing(struct judge *j)
{
    DIR *list = opendir(program_path(&j->rig.p, "."));
    bool is_empty = true;

    BUG_IF(!list);
    for (struct dirent *entry = readdir(list); entry; entry = readdir(list))
        if (strncmp(entry->d_name, "crawl.db", 8) == 0)
            is_empty = false;
    closedir(list);
    return is_empty;
}

/* Every URL with what became of it; without the port, which differs from rig to rig. */
static void read_set(struct judge *j, char out[static SET_SIZE])
{
    char sql[512];

    (void)snprintf(
        sql, sizeof sql,
        "SELECT group_concat(t, '\n') FROM (SELECT replace(url, ':%u', '') || ' ' ||"
        " state || ' ' || coalesce(reason, '') || ' ' || depth || ' ' ||"
        " coalesce(title, '') AS t FROM urls LEFT JOIN pages ON url_id = id"
        " ORDER BY 1)",
        origin_port(j->rig.o));
    (void)snprintf(out, SET_SIZE, "%s", program_text(&j->rig.p, sql));
}

/* What a crawl without faults ends with. */
static const char *wanted_set(void)
{
    static char set[SET_SIZE];
    struct fault_result nothing = { .problem = "" };
    struct judge j = { .out = &nothing };

    if (set[0])
        return set;
    RIG_OPEN(&j.rig, site, 2, SEEDS);
    BUG_IF(crawl(&j.rig.p) != 0);
    read_set(&j, set);
    BUG_IF(strlen(set) < 600);
    rig_close(&j.rig);
    return set;
}

static bool is_killing(const struct fault *f)
{
    return strcmp(f->action, "kill") == 0 || strcmp(f->action, "torn") == 0;
}

static bool is_said_twice(struct span said)
{
    struct span line;

    while (span_split(&said, '\n', &line))
        if (line.len && span_find_span(said, line) < said.len)
            return true;
    return false;
}

/* The exit code is one that the manual names, and what went wrong was said, once. */
static bool judge_end(struct judge *j, const struct fault *f)
{
    struct span said = buf_span(&j->rig.p.err);
    int code = j->out->exit_code;

    if (span_find_span(said, SPAN("Sanitizer")) < said.len)
        return blame(j, "a sanitizer: %s", last_words(j));
    if (is_said_twice(said))
        return blame(j, "said twice: %s", last_words(j));
    if (code == 0 || (is_killing(f) && j->out->was_hit && code == 137))
        return true;
    if (code == 134 && strcmp(f->calls, FAULT_MEMORY) == 0)
        return span_find_span(said, SPAN("crawl: out of memory")) < said.len ||
               blame(j, "died without a word about memory: %s", last_words(j));
    if (code != 3 && (code != 2 || has_database(j)))
        return blame(j, "exit code %d: %s", code, last_words(j));
    return span_find_span(said, SPAN("crawl: ")) < said.len ||
           blame(j, "exit code %d without a message: %s", code, last_words(j));
}

/* The file that was left opens, is sound and consistent. */
static bool judge_file(struct judge *j, const char *when)
{
    struct program *p = &j->rig.p;

    if (program_run(p, ARGS{ "verify", NULL }) != 0)
        return blame(j, "%s: crawl verify says %s%.*s", when, last_words(j),
                     (int)MIN(p->out.len, (size_t)300), p->out.ptr ? p->out.ptr : "");
    if (strcmp(program_text(p, "PRAGMA integrity_check"), "ok") != 0)
        return blame(j, "%s: integrity_check says %s", when,
                     program_text(p, "PRAGMA integrity_check"));
    return true;
}

/* What was in the file as done is not asked for again. */
static bool judge_requests(struct judge *j, size_t from, const char *done)
{
    const struct origin_request *r;
    char line[400];

    for (size_t i = from; (r = origin_request_at(j->rig.o, i)) != NULL; i++) {
        (void)snprintf(line, sizeof line, "http://127.0.0.%u%s fetched ",
                       r->address + 1, r->path);
        if (strstr(done, line))
            return blame(j, "%s was done and is asked for again", r->path);
    }
    return true;
}

static bool judge_next_start(struct judge *j, const char *done)
{
    static char set[SET_SIZE];
    size_t from = traffic_count(j->rig.o, NULL, NULL);
    int code = crawl(&j->rig.p);

    if (code != 0)
        return blame(j, "the next start ends with %d: %s", code, last_words(j));
    if (!judge_file(j, "after the next start") || !judge_requests(j, from, done))
        return false;
    read_set(j, set);
    if (strcmp(set, wanted_set()) != 0)
        return blame(j, "the final set differs: %s", set);
    return true;
}

void faults_try(const struct fault *f, int64_t n, struct fault_result *out)
{
    static char done[SET_SIZE];
    struct fault_report report;
    struct judge j = { .out = out };

    *out = (struct fault_result){ .problem = "" };
    (void)wanted_set();
    RIG_OPEN(&j.rig, site, 2, SEEDS);
    out->exit_code = crawl_with(&j.rig.p, f, n, &report);
    out->calls = report.calls;
    out->was_hit = report.hits > 0;
    done[0] = '\0';
    if (judge_end(&j, f) && !has_left_nothing(&j) &&
        (!has_database(&j) || judge_file(&j, "afterwards"))) {
        if (has_database(&j))
            read_set(&j, done);
        judge_next_start(&j, done);
    }
    rig_close(&j.rig);
}
