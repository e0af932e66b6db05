/* SPDX-License-Identifier: MIT */
/*
 * One crawl of a site that has a page of every kind, and what the database
 * says about each of them afterwards.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <zstd.h>

#include <cmocka.h>
#include <zlib.h>

#include "config/io.h"
#include "tests/kit/rig.h"

#define LONG_PATH 9000
#define BOMB      ((size_t)40 << 20)
#define MAX_SIZE  "200000"

/* --- bodies made at start
 * --------------------------------------------------------------------- */

#define PACKED_TEXT \
    "<!doctype html><title>Packed</title><p>pemmican <a href=/from-packed>x</a>"

static char gzip_page[512], zstd_page[512], deflate_page[512], br_page[512];
static char gzip_bomb[128 * 1024], zstd_bomb[64 * 1024], bombastic[BOMB];
static char home[32 * 1024], filler[1000];

static size_t squeeze(struct span text, int window_bits, char *out, size_t size)
{
    z_stream z = { .next_in = (Bytef *)(uintptr_t)text.ptr,
                   .avail_in = (uInt)text.len,
                   .next_out = (Bytef *)out,
                   .avail_out = (uInt)size };

    if (deflateInit2(&z, 9, Z_DEFLATED, window_bits, 8, Z_DEFAULT_STRATEGY) != Z_OK ||
        deflate(&z, Z_FINISH) != Z_STREAM_END)
        abort();
    deflateEnd(&z);
    return z.total_out;
}

/* One stored meta-block and the empty last one (RFC 7932 §9.2). */
static size_t brotli_store(struct span text, char *out)
{
    uint32_t head = (uint32_t)(text.len - 1) << 4 | 1u << 20;

    for (int i = 0; i < 3; i++)
        out[i] = (char)(head >> (8 * i));
    memcpy(out + 3, text.ptr, text.len);
    out[3 + text.len] = 3;
    return text.len + 4;
}

/* --- the site
 * -------------------------------------------------------------------------------------
 */

/* clang-format off */
#define SCRIPT(url, steps) { .path = url, .script = steps, .n_steps = ARRAY_LEN(steps) }
#define SENDS(text) { .kind = ORIGIN_SEND, .bytes = LIT(text) }
#define OK_HEAD "HTTP/1.1 200 OK\r\nContent-Type: text/html\r\n"

static const struct origin_step short_length[] = { SENDS(OK_HEAD "Content-Length: 500\r\n\r\n<title>Half</title><a href=/from-half>x</a>"), { .kind = ORIGIN_CLOSE } };
static const struct origin_step cut_chunk[] = { SENDS(OK_HEAD "Transfer-Encoding: chunked\r\n\r\n5\r\n<titl\r\n40\r\n<p>"), { .kind = ORIGIN_CLOSE } };
static const struct origin_step cut_header[] = { SENDS("HTTP/1.1 200 OK\r\nContent-Type: text/"), { .kind = ORIGIN_CLOSE } };
static const struct origin_step reset_in_body[] = { SENDS(OK_HEAD "Content-Length: 500\r\n\r\n<title>Reset</title>"), { .kind = ORIGIN_PAUSE, .n = 50 }, { .kind = ORIGIN_RESET } };
static const struct origin_step endless[] = { SENDS(OK_HEAD "\r\n<title>Endless</title>"), { .kind = ORIGIN_ENDLESS, .bytes = { filler, sizeof filler } } };
static const struct origin_step huge_length[] = { SENDS(OK_HEAD "Content-Length: 1000000000000000000\r\n\r\n<title>Huge</title>"), { .kind = ORIGIN_ENDLESS, .bytes = { filler, sizeof filler } } };
static const struct origin_step no_http[] = { SENDS("SSH-2.0-OpenSSH_9.2p1\r\n"), { .kind = ORIGIN_CLOSE } };
static const struct origin_step two_lengths[] = { SENDS(OK_HEAD "Content-Length: 3\r\nContent-Length: 30\r\n\r\nabc"), { .kind = ORIGIN_CLOSE } };
static const struct origin_step header_flood[] = { SENDS(OK_HEAD "X-Long: "), { .kind = ORIGIN_ENDLESS, .bytes = { filler, sizeof filler } } };
static const struct origin_step stalls[] = { SENDS(OK_HEAD "Content-Length: 500\r\n\r\n<title>"), { .kind = ORIGIN_HANG } };
static const struct origin_step mute[] = { { .kind = ORIGIN_HANG } };
static const struct origin_step gzip_until_close[] = { SENDS("HTTP/1.1 200 OK\r\nContent-Type: text/html\r\nContent-Encoding: gzip\r\n\r\n"), { .kind = ORIGIN_SEND, .bytes = { gzip_page, 60 } }, { .kind = ORIGIN_CLOSE } };

#define UTF16_PAGE                                                                                                 \
    "\xff\xfe<\0t\0i\0t\0l\0e\0>\0\xdc\0n\0\xef\0<\0/\0t\0i\0t\0l\0e\0>\0<\0a\0 \0h\0r\0e\0f\0=\0/\0u\0"             \
    "1\0006\0>\0x\0<\0/\0a\0>\0"

enum { GZIP_AT = 2, DEFLATE_AT, BR_AT, ZSTD_AT, CUT_GZIP_AT, GZIP_BOMB_AT, ZSTD_BOMB_AT };

static struct origin_route site[] = {
    NO_ROBOTS,
    { .path = "/", .headers = HTML, .body = { home, 0 } },
    [GZIP_AT] = { .path = "/gzip", .headers = HTML "Content-Encoding: gzip\r\n" },
    [DEFLATE_AT] = { .path = "/deflate", .headers = HTML "Content-Encoding: deflate\r\n" },
    [BR_AT] = { .path = "/br", .headers = HTML "Content-Encoding: br\r\n" },
    [ZSTD_AT] = { .path = "/zstd", .headers = HTML "Content-Encoding: zstd\r\n" },
    [CUT_GZIP_AT] = { .path = "/cut-gzip", .headers = HTML "Content-Encoding: gzip\r\n" },
    [GZIP_BOMB_AT] = { .path = "/gzip-bomb", .headers = HTML "Content-Encoding: gzip\r\n" },
    [ZSTD_BOMB_AT] = { .path = "/zstd-bomb", .headers = HTML "Content-Encoding: zstd\r\n" },
    { .path = "/kinds", .headers = HTML "Link: </http-link>; rel=next\r\nRefresh: 30; url=/http-refresh\r\n",
      .body = LIT("<title>Kinds</title><link rel=canonical href=/canonical><link rel=alternate hreflang=de href=/hreflang>"
                  "<link rel=prev href=/prev><link rel=stylesheet href=/style>"
                  "<map><area href=/area></map><iframe src=/iframe></iframe><img src=/img><script src=/script></script>"
                  "<form action=/form></form><a href='mailto:a@b.test'>m</a><a href='tel:1'>t</a><a href='javascript:x()'>j</a>"
                  "<a href='data:text/html,x'>d</a><a href='ftp://127.0.0.1/f'>f</a><!-- <a href=/comment> -->"
                  "<script>'<a href=/in-script>'</script><a href='http://user:secret@127.0.0.1:1/userinfo#part'>u</a>") },
    { .path = "/nofollow", .headers = HTML, .body = LIT("<title>NF</title><meta name=robots content=nofollow><a href=/barred>b</a><a href=/opened>o</a>") },
    { .path = "/xrobots", .headers = HTML "X-Robots-Tag: nofollow\r\n", .body = LIT("<a href=/barred2>b</a>") },
    { .path = "/xrobots-us", .headers = HTML "X-Robots-Tag: crawl: nofollow\r\n", .body = LIT("<a href=/barred3>b</a>") },
    { .path = "/xrobots-other", .headers = HTML "X-Robots-Tag: otherbot: nofollow\r\n", .body = LIT("<a href=/open3>b</a>") },
    { .path = "/opener", .headers = HTML, .body = LIT("<a href=/opened>o</a><a href=/img>as a page</a>"), .delay_ms = 300 },
    { .path = "/rel", .headers = HTML, .body = LIT("<a rel='nofollow ugc' href=/rel-nofollow>r</a>") },
    { .path = "/noindex", .headers = HTML, .body = LIT("<title>Unindexed</title><meta http-equiv=refresh content='5;url=/meta-refresh'><meta name=robots content=noindex><p>zanzibar<a href=/from-noindex>x</a>") },
    { .path = "/base", .headers = HTML, .body = LIT("<base href=/elsewhere/><base href=/second/><a href=based>b</a>") },
    { .path = "/gbk", .headers = "Content-Type: text/html; charset=gbk\r\n", .body = LIT("<title>\xd6\xd0\xce\xc4\xd2\xb3\xc3\xe6</title>") },
    { .path = "/sjis", .headers = HTML, .body = LIT("<meta charset=Shift_JIS><title>\x93\xfa\x96\x7b\x8c\xea</title>") },
    { .path = "/utf16", .headers = HTML, .body = LIT(UTF16_PAGE) },
    { .path = "/cp1251", .headers = "Content-Type: text/html; charset=windows-1251\r\n", .body = LIT("<title>\xcf\xf0\xe8\xe2\xe5\xf2</title>") },
    { .path = "/entities", .headers = HTML, .body = LIT("<title>\n  Fish &amp;  chips&nbsp;&copy; </title><h1>Head <b>line</b></h1><meta name=description content='What it is'><html lang=en>") },
    SCRIPT("/short-length", short_length), SCRIPT("/cut-chunk", cut_chunk), SCRIPT("/cut-header", cut_header),
    SCRIPT("/reset-in-body", reset_in_body), SCRIPT("/endless", endless), SCRIPT("/huge-length", huge_length),
    SCRIPT("/no-http", no_http), SCRIPT("/two-lengths", two_lengths), SCRIPT("/header-flood", header_flood),
    SCRIPT("/stalls", stalls), SCRIPT("/mute", mute), SCRIPT("/gzip-until-close", gzip_until_close),
    { .path = "/bad-gzip", .headers = HTML "Content-Encoding: gzip\r\n", .body = LIT("\x1f\x8b\x08\0\0\0\0\0\0\0\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff") },
    { .path = "/pdf", .headers = "Content-Type: application/pdf\r\n", .body = { filler, sizeof filler } },
    { .path = "/png", .headers = "Content-Type: image/png\r\n", .body = { filler, sizeof filler } },
    { .path = "/plain", .headers = PLAIN, .body = LIT("quinquereme of Nineveh") },
    { .path = "/untyped", .body = LIT("<html><title>Untyped</title><a href=/from-untyped>x</a>") },
    { .path = "/binary", .body = LIT("\x7f" "ELF\x02\x01\x01\0\0\0\0\0\0\0\0\0") },
    { .path = "/xhtml", .headers = "Content-Type: application/xhtml+xml\r\n",
      .body = LIT("<?xml version='1.0'?><html xmlns='http://www.w3.org/1999/xhtml'><head><title>X</title></head><body><a href='/from-xhtml'>x</a></body></html>") },
    { .path = "/gone", .status = 404, .headers = HTML, .body = LIT("<title>Gone</title><a href=/from-gone>x</a>") },
    { .path = "/s204", .status = 204 }, { .path = "/s206", .status = 206, .headers = HTML, .body = PAGE },
    { .path = "/s304", .status = 304 }, { .path = "/s300", .status = 300, .headers = HTML, .body = PAGE },
    { .path = "/s401", .status = 401, .headers = "WWW-Authenticate: Basic realm=x\r\n" }, { .path = "/s999", .status = 999 },
    { .path = "/s500", .status = 500 },
    MOVED_TO("/moved", "/landed"), MOVED_TO("/to-ftp", "ftp://127.0.0.1/f"), MOVED_TO("/to-file", "file:///etc/passwd"),
    { .path = "/no-location", .status = 302, .headers = HTML, .body = LIT("<title>Nowhere</title>") },
    MOVED_TO("/bad-location", "http://[1"), MOVED_TO("/latin-location", "/stra\xdf" "e"),
    { .path = "*", .headers = HTML, .body = LIT("<title>Leaf</title><p>ordinary") },
};
/* clang-format on */

static const char *const linked[] = {
    "gzip",
    "deflate",
    "br",
    "zstd",
    "cut-gzip",
    "gzip-bomb",
    "zstd-bomb",
    "kinds",
    "nofollow",
    "xrobots",
    "xrobots-us",
    "xrobots-other",
    "opener",
    "rel",
    "noindex",
    "base",
    "gbk",
    "sjis",
    "utf16",
    "cp1251",
    "entities",
    "short-length",
    "cut-chunk",
    "cut-header",
    "reset-in-body",
    "endless",
    "huge-length",
    "no-http",
    "two-lengths",
    "header-flood",
    "stalls",
    "mute",
    "gzip-until-close",
    "bad-gzip",
    "pdf",
    "png",
    "plain",
    "untyped",
    "binary",
    "xhtml",
    "gone",
    "s204",
    "s206",
    "s304",
    "s300",
    "s401",
    "s999",
    "s500",
    "moved",
    "to-ftp",
    "to-file",
    "no-location",
    "bad-location",
    "latin-location",
    "a~b",
    "A/../a%7eb",
    "a~b#part",
    "%2F",
    "a/a/a/a/a/a",
    "?b=2&a=1",
    "?a=1&b=2",
    "?",
};

static struct rig g;

static void make_bodies(void)
{
    struct span text = SPAN(PACKED_TEXT);
    size_t n = 0;

    memset(filler, 'f', sizeof filler);
    site[GZIP_AT].body =
        span_make(gzip_page, squeeze(text, 15 + 16, gzip_page, sizeof gzip_page));
    site[DEFLATE_AT].body =
        span_make(deflate_page, squeeze(text, 15, deflate_page, sizeof deflate_page));
    site[BR_AT].body = span_make(br_page, brotli_store(text, br_page));
    site[ZSTD_AT].body = span_make(
        zstd_page, ZSTD_compress(zstd_page, sizeof zstd_page, text.ptr, text.len, 3));
    site[CUT_GZIP_AT].body =
        span_slice(site[GZIP_AT].body, 0, site[GZIP_AT].body.len - 15);
    site[GZIP_BOMB_AT].body =
        span_make(gzip_bomb, squeeze(span_make(bombastic, BOMB), 15 + 16, gzip_bomb,
                                     sizeof gzip_bomb));
    site[ZSTD_BOMB_AT].body = span_make(
        zstd_bomb, ZSTD_compress(zstd_bomb, sizeof zstd_bomb, bombastic, BOMB, 3));
    for (size_t i = 0; i < ARRAY_LEN(linked); i++)
        n += (size_t)snprintf(home + n, sizeof home - n, "<a href='/%s'>to %s</a>\n",
                              linked[i], linked[i]);
    n += (size_t)snprintf(home + n, sizeof home - n, "<a href='/");
    memset(home + n, 'l', LONG_PATH);
    n += LONG_PATH;
    n += (size_t)snprintf(home + n, sizeof home - n, "'>long</a>");
    site[1].body = span_make(home, n);
}

static int crawl_the_site(void **state)
{
    (void)state;
    make_bodies();
    RIG_OPEN(&g, site, 1, "http://127.0.0.1:$PORT/\n");
    return program_crawl(
        &g.p, ARGS{ "seeds.txt", "-q", "--delay", "0", "--per-host", "8", "--retries",
                    "0", "--max-size", MAX_SIZE, "--first-byte-timeout", "700ms",
                    "--timeout", "1500ms", "--json-summary", "summary.json", NULL });
}

static int close_the_site(void **state)
{
    (void)state;
    rig_close(&g);
    return 0;
}

/* "state reason outcome status title" of a URL; what is absent is left out. */
static const char *row_of(const char *path)
{
    char sql[1024];

    snprintf(sql, sizeof sql,
             "SELECT trim(u.state || coalesce(' ' || u.reason, '') || coalesce(' "
             "' || f.outcome, '') || coalesce(' ' || f.status_code, '')"
             " || coalesce(' ' || p.title, '')) FROM urls u LEFT JOIN fetches f "
             "ON f.url_id = u.id LEFT JOIN pages p ON p.url_id = u.id"
             " WHERE u.url = '%s'",
             path[0] == '/' ? origin_url(g.o, path) : path);
    return program_text(&g.p, sql);
}

/* --- rows: a URL, what must be known of it
 * ---------------------------------------------------------- */

struct expected {
    const char *path, *row;
    size_t n_requests;
};

/* clang-format off */
static const struct expected table[] = {
    { "/gzip", "fetched ok 200 Packed", 1 },
    { "/deflate", "fetched ok 200 Packed", 1 },
    { "/br", "fetched ok 200 Packed", 1 },
    { "/zstd", "fetched ok 200 Packed", 1 },
    { "/from-packed", "fetched ok 200 Leaf", 1 },
    { "/cut-gzip", "failed incomplete incomplete 200", 1 },
    { "/gzip-until-close", "failed incomplete incomplete 200", 1 },
    { "/bad-gzip", "failed bad_encoding bad_encoding 200", 1 },
    { "/gzip-bomb", "fetched too_large 200", 1 },
    { "/zstd-bomb", "fetched too_large 200", 1 },
    { "/endless", "fetched too_large 200 Endless", 1 },
    { "/huge-length", "fetched too_large 200 Huge", 1 },
    { "/short-length", "failed incomplete incomplete 200", 1 },
    { "/cut-chunk", "failed incomplete incomplete 200", 1 },
    { "/cut-header", "failed connection_lost connection_lost 200", 1 },
    { "/reset-in-body", "failed incomplete incomplete 200", 1 },
    { "/no-http", "failed bad_response bad_response", 1 },
    { "/two-lengths", "failed bad_response bad_response 200", 1 },
    { "/header-flood", "failed bad_response bad_response 200", 1 },
    { "/stalls", "failed timeout timeout 200", 1 },
    { "/mute", "failed timeout timeout", 1 },
    { "/canonical", "fetched ok 200 Leaf", 1 },
    { "/hreflang", "fetched ok 200 Leaf", 1 },
    { "/prev", "fetched ok 200 Leaf", 1 },
    { "/meta-refresh", "fetched ok 200 Leaf", 1 },
    { "/http-refresh", "fetched ok 200 Leaf", 1 },
    { "/http-link", "fetched ok 200 Leaf", 1 },
    { "/area", "fetched ok 200 Leaf", 1 },
    { "/iframe", "fetched ok 200 Leaf", 1 },
    { "/style", "excluded kind", 0 },
    { "/script", "excluded kind", 0 },
    { "/form", "excluded kind", 0 },
    { "/comment", "", 0 },
    { "/in-script", "", 0 },
    { "ftp://127.0.0.1/f", "excluded scheme", 0 },
    { "http://127.0.0.1:1/userinfo", "excluded scope", 0 },
    { "/barred", "excluded nofollow", 0 },
    { "/barred2", "excluded nofollow", 0 },
    { "/barred3", "excluded nofollow", 0 },
    { "/open3", "fetched ok 200 Leaf", 1 },
    { "/opened", "fetched ok 200 Leaf", 1 },
    { "/img", "fetched ok 200 Leaf", 1 },
    { "/rel-nofollow", "fetched ok 200 Leaf", 1 },
    { "/from-noindex", "fetched ok 200 Leaf", 1 },
    { "/elsewhere/based", "fetched ok 200 Leaf", 1 },
    { "/gbk", "fetched ok 200 \xe4\xb8\xad\xe6\x96\x87\xe9\xa1\xb5\xe9\x9d\xa2", 1 },
    { "/sjis", "fetched ok 200 \xe6\x97\xa5\xe6\x9c\xac\xe8\xaa\x9e", 1 },
    { "/utf16", "fetched ok 200 \xc3\x9cn\xc3\xaf", 1 },
    { "/u16", "fetched ok 200 Leaf", 1 },
    { "/cp1251", "fetched ok 200 \xd0\x9f\xd1\x80\xd0\xb8\xd0\xb2\xd0\xb5\xd1\x82", 1 },
    { "/entities", "fetched ok 200 Fish & chips\xc2\xa0\xc2\xa9", 1 },
    { "/pdf", "excluded content_type ok 200", 1 },
    { "/png", "excluded content_type ok 200", 1 },
    { "/plain", "fetched ok 200", 1 },
    { "/untyped", "fetched ok 200 Untyped", 1 },
    { "/from-untyped", "fetched ok 200 Leaf", 1 },
    { "/xhtml", "fetched ok 200 X", 1 },
    { "/from-xhtml", "fetched ok 200 Leaf", 1 },
    { "/gone", "fetched http_error 404 Gone", 1 },
    { "/from-gone", "excluded kind", 0 },
    { "/s204", "fetched ok 204", 1 },
    { "/s206", "failed incomplete incomplete 206", 1 },
    { "/s304", "failed bad_response bad_response 304", 1 },
    { "/s300", "fetched ok 300 Page", 1 },
    { "/s401", "fetched http_error 401", 1 },
    { "/s999", "fetched http_error 999", 1 },
    { "/s500", "fetched http_error 500", 1 },
    { "/moved", "fetched redirect 302", 1 },
    { "/landed", "fetched ok 200 Leaf", 1 },
    { "/to-ftp", "fetched redirect 302", 1 },
    { "file:///etc/passwd", "excluded scheme", 0 },
    { "/stra%DFe", "fetched ok 200 Leaf", 1 },
    { "/no-location", "fetched ok 302 Nowhere", 1 },
    { "/a~b", "fetched ok 200 Leaf", 1 },
    { "/a%7eb", "", 0 },
    { "/%2F", "fetched ok 200 Leaf", 1 },
    { "/a/a/a/a/a/a", "excluded trap", 0 },
    { "/?a=1&b=2", "fetched ok 200 Leaf", 1 },
    { "/?b=2&a=1", "fetched ok 200 Leaf", 1 },
};

/* clang-format on */

static void is_recorded(void **state)
{
    const struct expected *e = *state;
    const char *row = row_of(e->path);

    /* Where the parser looked, the row may have a page without a title. */
    assert_string_equal(row, e->row);
    if (e->path[0] == '/')
        assert_int_equal(traffic_count(g.o, NULL, e->path), e->n_requests);
}

/* --- more about some of them
 * ----------------------------------------------------------------------------
 */

static void cut_bodies_stop_near_the_limit(void **state)
{
    (void)state;
    assert_in_range(program_number(&g.p, "SELECT max(f.size) FROM fetches f"), 1,
                    200000);
    assert_in_range(program_number(&g.p, "SELECT max(f.wire_size) FROM fetches f"), 1,
                    200000 + 1000000);
    assert_true(origin_counts(g.o).bytes_sent < 32 * 1000000);
}

static void unfinished_pages_have_no_hash(void **state)
{
    (void)state;
    assert_int_equal(program_number(&g.p, "SELECT count(*) FROM fetches WHERE "
                                          "outcome <> 'ok' AND sha256 IS NOT NULL"
                                          " AND outcome <> 'http_error'"),
                     0);
    assert_int_equal(program_number(&g.p,
                                    "SELECT count(*) FROM fetches WHERE outcome = 'ok' "
                                    "AND status_code = 200 AND sha256 IS NULL"
                                    " AND url_id NOT IN (SELECT id FROM urls WHERE "
                                    "reason = 'content_type')"),
                     0);
}

static void links_have_kind_rel_anchor_and_position(void **state)
{
    (void)state;
    assert_string_equal(
        program_text(&g.p, "SELECT group_concat(kind, ' ') FROM (SELECT kind "
                           "FROM links JOIN urls s ON s.id = src_id"
                           " WHERE s.url LIKE '%/kinds' ORDER BY kind)"),
        "a a area form http-link http-refresh iframe img link link link link "
        "script");
    assert_string_equal(
        program_text(&g.p, "SELECT rel || '|' || nofollow || '|' || anchor FROM "
                           "links JOIN urls d ON d.id = dst_id"
                           " WHERE d.url LIKE '%/rel-nofollow'"),
        "nofollow ugc|1|r");
    assert_string_equal(program_text(&g.p, "SELECT s.url FROM links JOIN urls s ON "
                                           "s.id = src_id JOIN urls d ON d.id = dst_id"
                                           " WHERE d.url LIKE '%/landed'"),
                        "");
    assert_string_equal(
        program_text(&g.p, "SELECT substr(d.url, -7) || r.status_code FROM redirects r "
                           "JOIN urls s ON s.id = src_id"
                           " JOIN urls d ON d.id = dst_id WHERE s.url LIKE '%/moved'"),
        "/landed302");
}

static void rules_say_what_decided(void **state)
{
    (void)state;
    assert_string_equal(rig_url(&g, "%/a/a/a/a/a/a", "rule"),
                        "trap: repeated segments");
    assert_non_null(strstr(rig_url(&g, "%/from-gone", "rule"), "error page"));
    assert_non_null(strstr(rig_url(&g, "%/pdf", "rule"), "application/pdf"));
    assert_non_null(strstr(rig_url(&g, "%/barred", "rule"), "nofollow"));
    assert_int_equal(
        program_number(&g.p, "SELECT count(*) FROM urls WHERE reason = 'url_too_long'"),
        1);
    assert_int_equal(program_number(&g.p, "SELECT count(*) FROM urls WHERE state IN "
                                          "('excluded', 'failed') AND reason IS NULL"),
                     0);
    assert_int_equal(
        program_number(&g.p, "SELECT count(*) FROM urls WHERE state = 'queued'"), 0);
}

static void head_facts_are_kept(void **state)
{
    (void)state;
    assert_string_equal(
        program_text(&g.p, "SELECT h1 || '|' || description || '|' || lang FROM "
                           "pages p JOIN urls u ON u.id = url_id"
                           " WHERE u.url LIKE '%/entities'"),
        "Head line|What it is|en");
    assert_string_equal(program_text(&g.p,
                                     "SELECT canonical_url FROM pages p JOIN urls u ON "
                                     "u.id = url_id WHERE u.url LIKE '%/kinds'"),
                        origin_url(g.o, "/canonical"));
    assert_int_equal(program_number(&g.p, "SELECT links_other FROM pages p JOIN urls u ON u.id = url_id"
                                          " WHERE u.url LIKE '%/kinds'"),
                     4);
    assert_string_equal(program_text(&g.p, "SELECT charset || ' ' || charset_source "
                                           "FROM fetches f JOIN urls u ON u.id = url_id"
                                           " WHERE u.url LIKE '%/gbk'"),
                        "gbk transport");
    assert_string_equal(
        program_text(&g.p, "SELECT charset FROM fetches f JOIN urls u ON u.id = "
                           "url_id WHERE u.url LIKE '%/utf16'"),
        "utf-16le");
}

static void secrets_of_links_are_dropped(void **state)
{
    (void)state;
    assert_int_equal(
        program_number(&g.p, "SELECT count(*) FROM urls WHERE url LIKE '%secret%' OR "
                             "url LIKE '%user:%' OR url LIKE '%#%'"),
        0);
    for (size_t i = 0; origin_request_at(g.o, i); i++) {
        assert_null(strstr(origin_request_at(g.o, i)->headers, "Authorization"));
        assert_null(strstr(origin_request_at(g.o, i)->headers, "Referer"));
        assert_non_null(
            strstr(origin_request_at(g.o, i)->headers, "User-Agent: crawl/"));
    }
}

static void words_are_found_and_noindex_is_not(void **state)
{
    static const char found[] =
        "SELECT group_concat(substr(u.url, -6), ' ') FROM page_text t JOIN "
        "fetches f ON f.id = t.rowid"
        " JOIN urls u ON u.id = f.url_id WHERE page_text MATCH '%s'";
    char sql[512];

    (void)state;
    snprintf(sql, sizeof sql, found, "quinquereme");
    assert_string_equal(program_text(&g.p, sql), "/plain");
    snprintf(sql, sizeof sql, found, "title:entities OR description:what");
    assert_string_equal(program_text(&g.p, sql), "tities");
    snprintf(sql, sizeof sql, found, "zanzibar");
    assert_string_equal(program_text(&g.p, sql), "");
    snprintf(sql, sizeof sql, found, "pemmican");
    assert_int_equal(strlen(program_text(&g.p, sql)), 4 * 7 - 1);
}

static void broken_links_are_listed(void **state)
{
    (void)state;
    assert_int_equal(
        program_number(&g.p, "SELECT count(*) FROM broken_links WHERE src_url LIKE "
                             "'%/' AND dst_url LIKE '%/gone' AND status_code = 404"),
        1);
    assert_int_equal(program_number(&g.p, "SELECT count(*) FROM broken_links "
                                          "WHERE dst_url LIKE '%/cut-header'"),
                     1);
    assert_int_equal(
        program_number(&g.p,
                       "SELECT count(*) FROM broken_links WHERE dst_url LIKE '%/gzip'"),
        0);
    assert_int_equal(
        program_number(&g.p, "SELECT count(*) FROM links l JOIN urls d ON d.id = "
                             "l.dst_id WHERE d.url LIKE '%/a~b'"),
        3);
}

static void every_view_can_be_read(void **state)
{
    static const char *const views[] = { "crawl_log",     "internal_all",
                                         "broken_links",  "redirect_chains",
                                         "duplicates",    "near_duplicates",
                                         "orphans",       "slow_pages",
                                         "status_counts", "host_summary",
                                         "excluded",      "cdx",
                                         "runs",          "seeds",
                                         "hosts",         "robots",
                                         "sitemaps",      "urls",
                                         "fetches",       "pages",
                                         "page_history",  "links",
                                         "redirects",     "bodies",
                                         "events" };

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(views); i++) {
        char sql[64];

        snprintf(sql, sizeof sql, "SELECT count(*) FROM %s", views[i]);
        assert_true(program_number(&g.p, sql) >= 0);
    }
}

static void summary_equals_the_database(void **state)
{
    static const char *const states[] = { "queued", "fetched", "not_modified", "failed",
                                          "excluded" };
    struct buf json;
    struct err_note note;

    (void)state;
    buf_init(&json, (size_t)MIB);
    assert_int_equal(io_read_file(program_path(&g.p, "summary.json"), &json, &note),
                     OK);
    for (size_t i = 0; i < ARRAY_LEN(states); i++) {
        char sql[128], want[64];

        snprintf(sql, sizeof sql, "SELECT count(*) FROM urls WHERE state = '%s'",
                 states[i]);
        snprintf(want, sizeof want, "\"%s\":%lld", states[i],
                 (long long)program_number(&g.p, sql));
        assert_true(span_find_span(buf_span(&json), span_str(want)) < json.len);
    }
    buf_clear(&json);
    assert_int_equal(
        program_number(&g.p,
                       "SELECT requests - (SELECT count(*) FROM fetches) FROM runs"),
        0);
    assert_int_equal(program_run(&g.p, ARGS{ "verify", NULL }), 0);
}

int main(void)
{
    static struct CMUnitTest rows[ARRAY_LEN(table)];
    const struct CMUnitTest others[] = {
        cmocka_unit_test(cut_bodies_stop_near_the_limit),
        cmocka_unit_test(unfinished_pages_have_no_hash),
        cmocka_unit_test(links_have_kind_rel_anchor_and_position),
        cmocka_unit_test(rules_say_what_decided),
        cmocka_unit_test(head_facts_are_kept),
        cmocka_unit_test(secrets_of_links_are_dropped),
        cmocka_unit_test(words_are_found_and_noindex_is_not),
        cmocka_unit_test(broken_links_are_listed),
        cmocka_unit_test(every_view_can_be_read),
        cmocka_unit_test(summary_equals_the_database),
    };
    int failed;

    for (size_t i = 0; i < ARRAY_LEN(table); i++)
        rows[i] = (struct CMUnitTest){ table[i].path, is_recorded, NULL, NULL,
                                       (void *)(uintptr_t)&table[i] };
    failed = cmocka_run_group_tests_name("flow/pages: row", rows, crawl_the_site, NULL);
    return failed +
           cmocka_run_group_tests_name("flow/pages", others, NULL, close_the_site);
}
