/* SPDX-License-Identifier: MIT */
#include "tests/kit/warcread.h"

#include <dirent.h>

#include <zlib.h>

#include "config/io.h"
#include "config/mem.h"

#define MAX_TEXT ((size_t)256 * MIB)
#define STEP     ((size_t)64 * 1024)

/*
 * Inflates the member at the front of s; returns its size in the file, 0 when it is
 * not whole.
 */
static size_t inflate_member(struct span s, struct buf *out)
{
    z_stream z = { .next_in = (Bytef *)(uintptr_t)s.ptr, .avail_in = (uInt)s.len };
    int rc = Z_OK;

    if (inflateInit2(&z, 15 + 16) != Z_OK)
        abort();
    while (rc == Z_OK) {
        if (buf_reserve(out, STEP))
            abort();
        z.next_out = (Bytef *)(out->ptr + out->len);
        z.avail_out = (uInt)STEP;
        rc = inflate(&z, Z_NO_FLUSH);
        out->len += STEP - z.avail_out;
    }
    inflateEnd(&z);
    return rc == Z_STREAM_END ? s.len - z.avail_in : 0;
}

/* One record that fills the text; a problem or NULL. */
static const char *split_record(struct span text, struct warcread_record *out)
{
    size_t end = span_find_span(text, SPAN("\r\n\r\n"));
    uint64_t length;

    if (!span_starts(text, SPAN("WARC/1.1\r\n")) || end == text.len)
        return "no WARC head";
    out->fields = span_slice(text, 10, end + 2);
    if (!span_parse_u64(warcread_field(out, "Content-Length"), &length))
        return "no Content-Length";
    text = span_skip(text, end + 4);
    if (text.len != length + 4 || !span_ends(text, SPAN("\r\n\r\n")))
        return "a member is not one record";
    out->block = span_slice(text, 0, (size_t)length);
    return NULL;
}

static void read_into(struct warcread *w, const char *path, size_t *starts)
{
    struct buf raw;
    struct span rest;
    struct err_note note;

    buf_init(&raw, MAX_TEXT);
    if (io_read_file(path, &raw, &note))
        abort();
    rest = buf_span(&raw);
    while (rest.len && !w->problem) {
        size_t n;

        if (w->n == WARCREAD_MAX)
            abort();
        starts[w->n] = w->text.len;
        n = inflate_member(rest, &w->text);
        if (!n)
            w->problem = "a member is cut or damaged";
        w->records[w->n].offset = (int64_t)(raw.len - rest.len);
        w->records[w->n].length = (int64_t)n;
        w->n += n > 0;
        rest = span_skip(rest, n);
    }
    buf_clear(&raw);
}

/* Only now: the text moved while it grew. */
static void split_all(struct warcread *w, size_t *starts)
{
    starts[w->n] = w->problem ? starts[w->n] : w->text.len;
    for (size_t i = 0; i < w->n; i++) {
        const char *problem = split_record(
            span_slice(buf_span(&w->text), starts[i], starts[i + 1]), &w->records[i]);

        w->problem = w->problem ? w->problem : problem;
    }
}

static struct warcread *new_reader(void)
{
    struct warcread *w = mem_alloc(sizeof *w);

    buf_init(&w->text, MAX_TEXT);
    return w;
}

struct warcread *warcread_file(const char *path)
{
    static size_t starts[WARCREAD_MAX + 1];
    struct warcread *w = new_reader();

    read_into(w, path, starts);
    split_all(w, starts);
    return w;
}

static int compare_names(const struct dirent **a, const struct dirent **b)
{
    return strcmp((*a)->d_name, (*b)->d_name);
}

struct warcread *warcread_folder(const char *folder, const char *suffix)
{
    static size_t starts[WARCREAD_MAX + 1];
    struct warcread *w = new_reader();
    struct dirent **names;
    int n = scandir(folder, &names, NULL, compare_names);
    char path[1024];

    for (int i = 0; i < n; i++) {
        snprintf(path, sizeof path, "%s/%s", folder, names[i]->d_name);
        if (span_ends(span_str(names[i]->d_name), span_str(suffix)))
            read_into(w, path, starts);
        free(names[i]);
    }
    if (n >= 0)
        free(names);
    split_all(w, starts);
    return w;
}

void warcread_free(struct warcread *w)
{
    buf_clear(&w->text);
    mem_free(w);
}

struct span warcread_field(const struct warcread_record *r, const char *name)
{
    struct span rest = r->fields, line;

    while (span_split(&rest, '\n', &line)) {
        size_t colon = span_find(line, ':');

        if (span_eq_nocase(span_slice(line, 0, colon), span_str(name)))
            return span_trim(span_skip(line, colon + 1));
    }
    return SPAN_NONE;
}

bool warcread_is(const struct warcread_record *r, const char *name, const char *value)
{
    return span_eq(warcread_field(r, name), span_str(value));
}

struct span warcread_head(const struct warcread_record *r)
{
    return span_slice(
        r->block, 0, MIN(r->block.len, span_find_span(r->block, SPAN("\r\n\r\n")) + 4));
}

struct span warcread_payload(const struct warcread_record *r)
{
    return span_skip(r->block, warcread_head(r).len);
}

static bool matches(const struct warcread_record *r, const char *type, const char *uri)
{
    return warcread_is(r, "WARC-Type", type) &&
           (!uri || warcread_is(r, "WARC-Target-URI", uri));
}

size_t warcread_count(const struct warcread *w, const char *type, const char *uri)
{
    size_t n = 0;

    for (size_t i = 0; i < w->n; i++)
        n += matches(&w->records[i], type, uri);
    return n;
}

const struct warcread_record *warcread_find(const struct warcread *w, const char *type,
                                            const char *uri)
{
    for (size_t i = 0; i < w->n; i++)
        if (matches(&w->records[i], type, uri))
            return &w->records[i];
    return NULL;
}

size_t warcread_names(const char *folder, const char *suffix, char *name)
{
    DIR *list = opendir(folder);
    size_t n = 0;

    if (!list)
        return 0;
    for (struct dirent *entry = readdir(list); entry; entry = readdir(list))
        if (span_ends(span_str(entry->d_name), span_str(suffix))) {
            if (name)
                snprintf(name, 256, "%s", entry->d_name);
            n++;
        }
    closedir(list);
    return n;
}
