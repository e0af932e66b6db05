/* SPDX-License-Identifier: MIT */
/*
 * Serves a folder on 127.0.0.1 for `make demo` and the shell tests: prints its
 * URL, then runs until its standard input ends. Pages have an ETag and are answered 304
 * where it is known. "old.html" redirects to "/about.html", so that a redirect is there to
 * be seen.
 */
#include <unistd.h>

#include "config/arena.h"
#include "config/io.h"
#include "tests/kit/origin.h"

static bool is_safe(struct span path)
{
    return span_find_span(path, SPAN("..")) == path.len;
}

static void serve_file(void *arg, const struct origin_request *r, int *io_status, struct buf *out)
{
    const char *root = arg;
    struct span path = span_str(r->path);
    struct err_note note;
    struct arena mem;
    struct span file;

    path = span_slice(path, 0, span_find(path, '?'));
    arena_init(&mem, (size_t)64 * KIB);
    file = arena_format(&mem, "%s%.*s%s", root, SPAN_ARG(path),
                        span_ends(path, SPAN("/")) ? "index.html" : "");
    if (!is_safe(path) || io_read_file(file.ptr, out, &note)) {
        *io_status = 404;
        if (buf_append(out, SPAN("<!doctype html><title>Not found</title><p>There is no such page.")))
            abort();
    }
    arena_clear(&mem);
}

int main(int argc, char **argv)
{
    const struct origin_route routes[] = {
        { .path = "/robots.txt", .headers = "Content-Type: text/plain\r\n", .generate = serve_file, .arg = argv[1] },
        { .path = "/sitemap.xml", .headers = "Content-Type: application/xml\r\n", .generate = serve_file, .arg = argv[1] },
        { .path = "/catalogue.pdf", .headers = "Content-Type: application/pdf\r\n", .generate = serve_file, .arg = argv[1] },
        { .path = "/old.html", .status = 301, .headers = "Location: /about.html\r\n" },
        { .path = "*", .headers = "Content-Type: text/html; charset=utf-8\r\n", .generate = serve_file, .arg = argv[1], .has_etag = true },
    };
    struct origin_options options = { .routes = routes, .n_routes = ARRAY_LEN(routes) };
    struct origin *o;
    char c;

    if (argc != 2) {
        fprintf(stderr, "usage: serve FOLDER\n");
        return 2;
    }
    o = origin_start(&options);
    printf("%s\n", origin_url(o, "/"));
    fflush(stdout);
    while (read(STDIN_FILENO, &c, 1) > 0)
        ;
    origin_stop(o);
    return 0;
}
