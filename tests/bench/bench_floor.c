/* SPDX-License-Identifier: MIT */
/*
 * What each stage of a page costs at least: the bare library on the same pages, without a
 * crawler around it. Microseconds of CPU a page, the median of several rounds, one JSON line each:
 *
 *     fetch      libcurl's multi interface over epoll, 64 in flight over keep-alive, the answer thrown away
 *     scan       memchr to every '<' of the page: no tokenizer reads it faster
 *     html       libxml2's SAX parser for HTML, no handlers
 *     sha256     of the body
 *     zstd       level 1, no dictionary
 *     rows       a row of the page, one of the fetch, 100 links of which 3 lead to new URLs, found by a hash
 *     body       the packed body as a row
 *     full text  FTS5 without content, the words of the page
 *
 * Rows go through prepared statements, 128 pages a transaction, into a file in WAL mode without
 * fsync. docs/performance.md sets our stages beside these.
 *
 * BENCH_CORPUS: a folder of HTML files (/usr/share/doc), of which up to 2,000 are taken. BENCH_DIR: where
 * the database goes (/dev/shm).
 */
#include <curl/curl.h>
#include <libxml/HTMLparser.h>
#include <openssl/evp.h>
#include <sqlite3.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <zstd.h>

#include "config/mem.h"
#include "parse/html.h"
#include "tests/bench/bench.h"
#include "tests/kit/corpus.h"

#define MAX_PAGES      2000
#define N_ROUNDS       5
#define N_LINKS        100
#define N_NEW          3
#define PAGES_A_COMMIT 128
#define N_IN_FLIGHT    64
#define N_REQUESTS     20000
#define LEVEL          1

struct bench {
    struct span pages[MAX_PAGES], texts[MAX_PAGES], packed[MAX_PAGES];
    size_t n, n_bytes;
    struct arena mem; /* of texts and packed */
    sqlite3 *db;
    sqlite3_stmt *page, *fetch, *url, *find, *link, *body, *words; /* of one round */
    uint64_t seed;
    char path[256];
};

static void must(bool holds, const char *what)
{
    if (holds)
        return;
    fprintf(stderr, "bench_floor: %s failed\n", what);
    exit(1);
}

static double cpu_us(void)
{
    return 1e6 * bench_seconds(CLOCK_PROCESS_CPUTIME_ID);
}

static int by_size(const void *a, const void *b)
{
    const double *first = a, *second = b;

    return (*first > *second) - (*first < *second);
}

/* one: does it for page number i. begin and end, where given, belong to a round's time. */
static void measure(struct bench *b, const char *name, void (*begin)(struct bench *),
                    void (*one)(struct bench *, size_t), void (*end)(struct bench *))
{
    double us[N_ROUNDS];

    for (size_t round = 0; round < N_ROUNDS; round++) {
        double before = cpu_us();

        if (begin)
            begin(b);
        for (size_t i = 0; i < b->n; i++)
            one(b, i);
        if (end)
            end(b);
        us[round] = (cpu_us() - before) / (double)b->n;
    }
    qsort(us, N_ROUNDS, sizeof *us, by_size);
    printf("{\"bench\":\"floor\",\"case\":\"%s\",\"pages\":%zu,\"bytes\":%zu,\"us_per_page\":%.1f}\n", name, b->n,
           b->n_bytes / b->n, us[N_ROUNDS / 2]);
}

/* --- a parser's ------------------------------------------------------------------------- */

static volatile size_t n_seen; /* so that nothing is left out as useless */

static void scan(struct bench *b, size_t i)
{
    struct span rest = b->pages[i];
    size_t n = 0;

    for (const char *p = memchr(rest.ptr, '<', rest.len); p; n++) {
        rest = span_skip(rest, (size_t)(p - rest.ptr) + 1);
        p = rest.len ? memchr(rest.ptr, '<', rest.len) : NULL;
    }
    n_seen += n;
}

static void parse_html(struct bench *b, size_t i)
{
    static htmlSAXHandler none;
    htmlParserCtxtPtr ctxt = htmlCreatePushParserCtxt(&none, NULL, NULL, 0, NULL, XML_CHAR_ENCODING_UTF8);

    must(ctxt != NULL, "libxml2");
    htmlCtxtUseOptions(ctxt, HTML_PARSE_RECOVER | HTML_PARSE_NOERROR | HTML_PARSE_NOWARNING | HTML_PARSE_NONET);
    (void)htmlParseChunk(ctxt, b->pages[i].ptr, (int)b->pages[i].len, 1);
    htmlFreeParserCtxt(ctxt);
}

static void hash(struct bench *b, size_t i)
{
    static EVP_MD_CTX *context;
    unsigned char out[EVP_MAX_MD_SIZE];
    unsigned len;

    if (!context)
        context = EVP_MD_CTX_new();
    must(context && EVP_DigestInit_ex(context, EVP_sha256(), NULL) &&
             EVP_DigestUpdate(context, b->pages[i].ptr, b->pages[i].len) && EVP_DigestFinal_ex(context, out, &len),
         "SHA-256");
    n_seen += out[0];
}

static size_t pack(struct span page, char *to, size_t cap)
{
    static ZSTD_CCtx *context;
    size_t n;

    if (!context)
        context = ZSTD_createCCtx();
    must(context != NULL, "zstd");
    n = ZSTD_compressCCtx(context, to, cap, page.ptr, page.len, LEVEL);
    must(!ZSTD_isError(n), "zstd");
    return n;
}

static void pack_page(struct bench *b, size_t i)
{
    static char to[16 * MIB];

    n_seen += pack(b->pages[i], to, sizeof to);
}

/* --- the writer's ------------------------------------------------------------------------ */

static const char SCHEMA[] =
    "PRAGMA journal_mode=WAL; PRAGMA synchronous=OFF; PRAGMA secure_delete=OFF; PRAGMA cache_size=-24576;"
    "CREATE TABLE url (id INTEGER PRIMARY KEY, url TEXT, hash INTEGER, host_id INTEGER, state INTEGER);"
    "CREATE INDEX url_by_hash ON url (hash);"
    "CREATE TABLE page (url_id INTEGER PRIMARY KEY, title TEXT, description TEXT, hash BLOB, simhash INTEGER);"
    "CREATE TABLE fetch (id INTEGER PRIMARY KEY, url_id INTEGER, at INTEGER, status INTEGER, type TEXT, size INTEGER);"
    "CREATE TABLE link (src_id INTEGER, position INTEGER, dst_id INTEGER, bits INTEGER,"
    " PRIMARY KEY (src_id, position)) WITHOUT ROWID;"
    "CREATE TABLE body (id INTEGER PRIMARY KEY, hash BLOB, data BLOB);"
    "CREATE VIRTUAL TABLE words USING fts5(text, content='');"
    "INSERT INTO words (words, rank) VALUES ('automerge', 0);"
    "INSERT INTO words (words, rank) VALUES ('hashsize', 16777216);";

static sqlite3_stmt *prepare(struct bench *b, const char *sql)
{
    sqlite3_stmt *st = NULL;

    must(!sqlite3_prepare_v3(b->db, sql, -1, SQLITE_PREPARE_PERSISTENT, &st, NULL), sql);
    return st;
}

static void execute(struct bench *b, const char *sql)
{
    must(!sqlite3_exec(b->db, sql, NULL, NULL, NULL), sql);
}

static void run(sqlite3_stmt *st)
{
    int rc = sqlite3_step(st);

    must(rc == SQLITE_DONE || rc == SQLITE_ROW, sqlite3_sql(st));
    sqlite3_reset(st);
}

static void remove_file(struct bench *b)
{
    char log[sizeof b->path + 8];

    (void)remove(b->path);
    (void)snprintf(log, sizeof log, "%s-wal", b->path);
    (void)remove(log);
    (void)snprintf(log, sizeof log, "%s-shm", b->path);
    (void)remove(log);
}

static void open_file(struct bench *b)
{
    remove_file(b);
    must(!sqlite3_open(b->path, &b->db), "opening the database");
    execute(b, SCHEMA);
    b->page = prepare(b, "INSERT INTO page VALUES (?1, 'a title', 'a description', zeroblob(32), ?2)");
    b->fetch = prepare(b, "INSERT INTO fetch VALUES (?1, ?1, 1, 200, 'text/html', ?2)");
    b->url = prepare(b, "INSERT INTO url VALUES (?1, ?2, ?3, 1, 1)");
    b->find = prepare(b, "SELECT id FROM url WHERE hash = ?1");
    b->link = prepare(b, "INSERT INTO link VALUES (?1, ?2, ?3, 1)");
    b->body = prepare(b, "INSERT INTO body VALUES (?1, zeroblob(32), ?2)");
    b->words = prepare(b, "INSERT INTO words (rowid, text) VALUES (?1, ?2)");
    b->seed = 88172645463325252U;
    execute(b, "BEGIN");
}

static void close_file(struct bench *b)
{
    sqlite3_stmt *all[] = { b->page, b->fetch, b->url, b->find, b->link, b->body, b->words };

    execute(b, "COMMIT");
    for (size_t i = 0; i < ARRAY_LEN(all); i++)
        sqlite3_finalize(all[i]);
    must(!sqlite3_close(b->db), "closing the database");
    remove_file(b);
}

static void end_page(struct bench *b, size_t i)
{
    if (i % PAGES_A_COMMIT == PAGES_A_COMMIT - 1)
        execute(b, "COMMIT; BEGIN");
}

static sqlite3_int64 next_hash(struct bench *b)
{
    b->seed ^= b->seed << 13;
    b->seed ^= b->seed >> 7;
    b->seed ^= b->seed << 17;
    return (sqlite3_int64)b->seed;
}

static void write_url(struct bench *b, size_t number)
{
    char url[64];
    sqlite3_int64 key = next_hash(b);

    (void)snprintf(url, sizeof url, "https://www.example.com/manual/page-%zu.html", number);
    sqlite3_bind_int64(b->find, 1, key);
    run(b->find);
    sqlite3_bind_int64(b->url, 1, (sqlite3_int64)number);
    sqlite3_bind_text(b->url, 2, url, -1, SQLITE_STATIC);
    sqlite3_bind_int64(b->url, 3, key);
    run(b->url);
}

static void write_rows(struct bench *b, size_t i)
{
    sqlite3_int64 id = (sqlite3_int64)i + 1;

    for (size_t n = 0; n < N_NEW; n++)
        write_url(b, i * N_NEW + n + 1);
    sqlite3_bind_int64(b->page, 1, id);
    sqlite3_bind_int64(b->page, 2, next_hash(b));
    run(b->page);
    sqlite3_bind_int64(b->fetch, 1, id);
    sqlite3_bind_int64(b->fetch, 2, (sqlite3_int64)b->pages[i].len);
    run(b->fetch);
    sqlite3_bind_int64(b->link, 1, id);
    for (int n = 0; n < N_LINKS; n++) {
        sqlite3_bind_int(b->link, 2, n);
        sqlite3_bind_int64(b->link, 3, (sqlite3_int64)((uint64_t)next_hash(b) % (i * N_NEW + N_NEW)) + 1);
        run(b->link);
    }
    end_page(b, i);
}

static void write_body(struct bench *b, size_t i)
{
    sqlite3_bind_int64(b->body, 1, (sqlite3_int64)i + 1);
    sqlite3_bind_blob(b->body, 2, b->packed[i].ptr, (int)b->packed[i].len, SQLITE_STATIC);
    run(b->body);
    end_page(b, i);
}

static void write_words(struct bench *b, size_t i)
{
    sqlite3_bind_int64(b->words, 1, (sqlite3_int64)i + 1);
    sqlite3_bind_text(b->words, 2, b->texts[i].ptr ? b->texts[i].ptr : "", (int)b->texts[i].len, SQLITE_STATIC);
    run(b->words);
    end_page(b, i);
}

/* --- the loop's ---------------------------------------------------------------------------- */

static size_t throw_away(char *data, size_t size, size_t n, void *arg)
{
    (void)data;
    (void)arg;
    return size * n;
}

struct fetching {
    CURLM *multi;
    int epoll;
    long wait_ms; /* until libcurl wants to be called; -1: it does not */
    size_t n_asked, n_answered;
};

static int on_socket(CURL *easy, curl_socket_t fd, int what, void *arg, void *is_known)
{
    struct fetching *f = arg;
    struct epoll_event e = { .events = (what & CURL_POLL_IN ? EPOLLIN : 0) | (what & CURL_POLL_OUT ? EPOLLOUT : 0),
                             .data.fd = fd };

    (void)easy;
    if (what == CURL_POLL_REMOVE) {
        (void)epoll_ctl(f->epoll, EPOLL_CTL_DEL, fd, NULL);
        return 0;
    }
    must(!epoll_ctl(f->epoll, is_known ? EPOLL_CTL_MOD : EPOLL_CTL_ADD, fd, &e), "epoll_ctl");
    curl_multi_assign(f->multi, fd, f);
    return 0;
}

static int on_timer(CURLM *multi, long ms, void *arg)
{
    struct fetching *f = arg;

    (void)multi;
    f->wait_ms = ms;
    return 0;
}

static void ask(struct fetching *f, CURL *easy)
{
    if (f->n_asked++ < N_REQUESTS)
        must(!curl_multi_add_handle(f->multi, easy), "curl_multi_add_handle");
}

static void take_answers(struct fetching *f)
{
    int left;

    for (CURLMsg *m = curl_multi_info_read(f->multi, &left); m; m = curl_multi_info_read(f->multi, &left)) {
        CURL *easy = m->easy_handle;

        must(m->msg == CURLMSG_DONE && !m->data.result, "a request");
        curl_multi_remove_handle(f->multi, easy);
        ask(f, easy);
        f->n_answered++;
    }
}

static void turn(struct fetching *f)
{
    struct epoll_event events[N_IN_FLIGHT];
    int n = epoll_wait(f->epoll, events, N_IN_FLIGHT, f->wait_ms < 0 ? 1000 : (int)f->wait_ms), running;

    if (n == 0) {
        f->wait_ms = -1;
        curl_multi_socket_action(f->multi, CURL_SOCKET_TIMEOUT, 0, &running);
    }
    for (int i = 0; i < n; i++) {
        int what = (events[i].events & ~(uint32_t)EPOLLOUT ? CURL_CSELECT_IN : 0) |
                   (events[i].events & EPOLLOUT ? CURL_CSELECT_OUT : 0);

        curl_multi_socket_action(f->multi, events[i].data.fd, what, &running);
    }
    take_answers(f);
}

/* A body as long as the pages are on average. The server is a process of its own. */
static void measure_fetch(const struct bench *b)
{
    struct fetching f = { .multi = curl_multi_init(), .epoll = epoll_create1(EPOLL_CLOEXEC), .wait_ms = 0 };
    size_t len = b->n_bytes / b->n;
    char *body = mem_alloc(len);
    const struct origin_route route = { .body = { body, len }, .headers = "Content-Type: text/html\r\n" };
    const struct origin_options options = { .routes = &route, .n_routes = 1, .max_log = 1 };
    CURL *easy[N_IN_FLIGHT];
    struct origin *origin;
    double before;

    memset(body, 'x', len);
    origin = origin_start(&options);
    must(f.multi && f.epoll >= 0, "curl_multi_init");
    curl_multi_setopt(f.multi, CURLMOPT_SOCKETFUNCTION, on_socket);
    curl_multi_setopt(f.multi, CURLMOPT_SOCKETDATA, &f);
    curl_multi_setopt(f.multi, CURLMOPT_TIMERFUNCTION, on_timer);
    curl_multi_setopt(f.multi, CURLMOPT_TIMERDATA, &f);
    before = cpu_us();
    for (size_t i = 0; i < N_IN_FLIGHT; i++) {
        easy[i] = curl_easy_init();
        must(easy[i] && !curl_easy_setopt(easy[i], CURLOPT_URL, origin_url(origin, "/p")) &&
                 !curl_easy_setopt(easy[i], CURLOPT_WRITEFUNCTION, throw_away),
             "curl_easy_init");
        ask(&f, easy[i]);
    }
    while (f.n_answered < N_REQUESTS)
        turn(&f);
    printf("{\"bench\":\"floor\",\"case\":\"fetch\",\"in_flight\":%d,\"bytes\":%zu,\"us_per_page\":%.1f}\n",
           N_IN_FLIGHT, len, (cpu_us() - before) / N_REQUESTS);
    for (size_t i = 0; i < N_IN_FLIGHT; i++)
        curl_easy_cleanup(easy[i]);
    curl_multi_cleanup(f.multi);
    (void)close(f.epoll);
    origin_stop(origin);
    mem_free(body);
}

/* --- the pages ------------------------------------------------------------------------------- */

static struct span text_of(struct bench *b, struct span page, const struct url *url, struct html_scratch *scratch)
{
    struct page_facts facts = { 0 };
    struct html_input in = { .utf8 = page,
                             .url = url,
                             .content_type = SPAN("text/html"),
                             .product_token = SPAN("crawl"),
                             .wants_text = true,
                             .max_links = 100000,
                             .max_text = 16 * MIB };
    struct arena mem;
    struct span text;

    arena_init(&mem, 256 * MIB);
    must(!html_parse(&in, scratch, &mem, &facts) && !arena_try_copy(&b->mem, facts.text, &text), "html_parse");
    arena_clear(&mem);
    return text;
}

static void take_page(struct bench *b, struct span page, const struct url *url, struct html_scratch *scratch)
{
    size_t cap = ZSTD_compressBound(page.len);
    char *packed = mem_alloc(cap);
    struct span data = span_make(packed, pack(page, packed, cap));

    b->pages[b->n] = page;
    b->n_bytes += page.len;
    b->texts[b->n] = text_of(b, page, url, scratch);
    must(!arena_try_copy(&b->mem, data, &b->packed[b->n]), "memory");
    mem_free(packed);
    b->n++;
}

static void take_pages(struct bench *b, const struct corpus *c)
{
    struct html_scratch *scratch = html_scratch_new();
    size_t step = corpus_n_files(c) / MAX_PAGES + 1;
    struct url url;

    arena_init(&b->mem, 1024 * MIB);
    must(!url_parse(SPAN("https://www.example.com/manual/"), NULL, &b->mem, &url), "url_parse");
    for (size_t i = 0; i < corpus_n_files(c) && b->n < MAX_PAGES; i += step) {
        struct span page = corpus_file(c, i);

        if (page.len && span_is_utf8(page))
            take_page(b, page, &url, scratch);
    }
    html_scratch_free(scratch);
}

static void measure_all(struct bench *b, const char *dir)
{
    (void)snprintf(b->path, sizeof b->path, "%s/bench-floor-%d.db", dir, (int)getpid());
    measure_fetch(b);
    measure(b, "scan", NULL, scan, NULL);
    measure(b, "html", NULL, parse_html, NULL);
    measure(b, "sha256", NULL, hash, NULL);
    measure(b, "zstd", NULL, pack_page, NULL);
    measure(b, "rows", open_file, write_rows, close_file);
    measure(b, "body", open_file, write_body, close_file);
    measure(b, "full text", open_file, write_words, close_file);
}

int main(void)
{
    const char *folder = getenv("BENCH_CORPUS"), *dir = getenv("BENCH_DIR");
    struct bench *b = mem_alloc(sizeof *b);
    struct corpus *corpus;

    setvbuf(stdout, NULL, _IOLBF, 0);
    corpus = corpus_read(folder ? folder : "/usr/share/doc");
    take_pages(b, corpus);
    if (b->n)
        measure_all(b, dir ? dir : "/dev/shm");
    else
        printf("{\"bench\":\"floor\",\"skipped\":\"no .html file there, BENCH_CORPUS names another folder\"}\n");
    arena_clear(&b->mem);
    corpus_free(corpus);
    mem_free(b);
    return 0;
}
