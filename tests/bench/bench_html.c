/* SPDX-License-Identifier: MIT */
/*
 * How fast pages are taken apart: tokens, links, metadata and text.
 *
 *     bench_html [FILE | FOLDER]...
 *
 * reads every *.html below the folders; without arguments it makes a page in
 * the manner of a documentation site. Prints one JSON line; the best of several
 * rounds over all pages counts.
 */
#include <dirent.h>
#include <sys/stat.h>

#include "config/clock.h"
#include "config/io.h"
#include "config/mem.h"
#include "parse/html.h"

#define MAX_PAGES      4096
#define MAX_PAGE_BYTES ((size_t)16 << 20)
#define MIN_TIME_NS    (2 * NS_PER_S)
#define MIN_ROUNDS     3

struct pages {
    struct buf page[MAX_PAGES];
    size_t n, bytes;
};

struct totals {
    size_t links, words;
};

static void add_page(struct pages *all, struct buf *page)
{
    all->page[all->n++] = *page;
    all->bytes += page->len;
}

static void add_path(struct pages *all, const char *path)
{
    struct stat st;
    struct buf page;

    if (all->n == MAX_PAGES || lstat(path, &st))
        return;
    if (S_ISREG(st.st_mode)) {
        buf_init(&page, MAX_PAGE_BYTES);
        if (!io_read_file(path, &page, NULL) && span_is_utf8(buf_span(&page)))
            add_page(all, &page);
        return;
    }
    DIR *dir = opendir(path);
    if (!dir)
        return;
    for (struct dirent *entry = readdir(dir); entry; entry = readdir(dir)) {
        char below[4096];
        struct span name = span_str(entry->d_name);
        if (name.ptr[0] == '.' ||
            (entry->d_type != DT_DIR && !span_ends(name, SPAN(".html"))))
            continue;
        snprintf(below, sizeof below, "%s/%s", path, entry->d_name);
        add_path(all, below);
    }
    closedir(dir);
}

/* About 32 KB with 100 links, as the average page of a large manual. */
static enum err make_page(struct buf *out)
{
    enum err e = buf_printf(
        out,
        "<!DOCTYPE html><html lang=\"en\"><head><meta charset=\"utf-8\">"
        "<title>A module &#8212; Manual</title><link rel=\"stylesheet\" href=\"/s.css\">"
        "<meta name=\"description\" content=\"What the module does &amp; how\">"
        "<link rel=\"canonical\" href=\"https://manual.test/lib/module.html\"></head><body>");

    for (int i = 0; i < 50 && !e; i++)
        e = buf_printf(
            out,
            "<section id=\"part-%d\"><h2>Part %d<a class=\"headerlink\" href=\"#part-%d\""
            " title=\"Permalink to this headline\">&para;</a></h2>\n"
            "<dl class=\"py function\"><dt class=\"sig sig-object py\" id=\"f%d\">"
            "<code class=\"descname\"><span class=\"pre\">f%d</span></code>"
            "<span class=\"sig-paren\">(</span><em class=\"sig-param\"><span class=\"n\">"
            "<span class=\"pre\">x</span></span></em><span class=\"sig-paren\">)</span></dt>\n"
            "<dd><p>Gives the part of the value that lies before <em>x</em>, or all of it\n"
            "when there is none; see <a class=\"reference internal\""
            " href=\"other.html#g%d\"><code class=\"xref docutils literal notranslate\">"
            "<span class=\"pre\">g%d</span></code></a> for the rest.</p></dd></dl></section>\n",
            i, i, i, i, i, i, i);
    return e ? e : buf_append(out, SPAN("</body></html>\n"));
}

static enum err parse_all(const struct pages *all, const struct url *url,
                          struct html_scratch *scratch, struct totals *out)
{
    struct totals sum = { 0, 0 };
    struct arena mem;
    enum err e = OK;

    arena_init(&mem, (size_t)256 << 20);
    for (size_t i = 0; i < all->n && !e; i++) {
        struct page_facts facts = { 0 };
        struct html_input in = { .utf8 = buf_span(&all->page[i]),
                                 .url = url,
                                 .content_type = SPAN("text/html"),
                                 .product_token = SPAN("crawl"),
                                 .wants_text = true,
                                 .max_links = 100000,
                                 .max_text = MAX_PAGE_BYTES };
        e = html_parse(&in, scratch, &mem, &facts);
        sum.links += facts.n_links;
        sum.words += (size_t)facts.word_count;
        arena_reset(&mem);
    }
    arena_clear(&mem);
    *out = sum;
    return e;
}

static enum err measure(const struct pages *all)
{
    struct html_scratch *scratch = html_scratch_new();
    struct arena mem;
    struct url url;
    struct totals sum = { 0, 0 };
    int64_t best = INT64_MAX, start = clock_now_ns();

    arena_init(&mem, 4096);
    enum err e =
        url_parse(SPAN("https://manual.test/lib/module.html"), NULL, &mem, &url);
    for (int round = 0;
         !e && (round < MIN_ROUNDS || clock_now_ns() - start < MIN_TIME_NS); round++) {
        int64_t from = clock_now_ns();
        e = parse_all(all, &url, scratch, &sum);
        best = MIN(best, clock_now_ns() - from);
    }
    if (!e)
        printf(
            "{\"bench\":\"html\",\"pages\":%zu,\"bytes\":%zu,\"links\":%zu,\"words\":%zu,"
            "\"mb_per_s\":%.1f,\"us_per_page\":%.2f}\n",
            all->n, all->bytes, sum.links, sum.words,
            (double)all->bytes * 1e3 / (double)best,
            (double)best / 1e3 / (double)all->n);
    arena_clear(&mem);
    html_scratch_free(scratch);
    return e;
}

int main(int argc, char **argv)
{
    struct pages *all = mem_alloc(sizeof *all);
    struct buf made;
    enum err e = OK;

    for (int i = 1; i < argc; i++)
        add_path(all, argv[i]);
    if (argc < 2) {
        buf_init(&made, MAX_PAGE_BYTES);
        e = make_page(&made);
        add_page(all, &made);
    }
    if (!e && all->n)
        e = measure(all);
    for (size_t i = 0; i < all->n; i++)
        buf_clear(&all->page[i]);
    mem_free(all);
    if (e)
        fprintf(stderr, "bench_html: %s\n", err_text(e));
    return e ? 1 : 0;
}
