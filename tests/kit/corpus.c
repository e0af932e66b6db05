/* SPDX-License-Identifier: MIT */
#include "tests/kit/corpus.h"

#include <ctype.h>
#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>

#include "config/io.h"
#include "config/map.h"
#include "config/mem.h"

#define MAX_FILE_BYTES ((size_t)10 * MIB)
#define MAX_ALL_BYTES  ((size_t)4 << 30)
#define MAX_URL_PATH   240 /* origin_request.path has 256 */
#define FILES_A_LIST   100
/* Hidden names are passed over, so no file can be called this. */
#define LIST_PREFIX "/.list/"

struct file {
    char *path; /* below the folder, begins with '/' */
    struct buf content;
};

struct corpus {
    struct file *files;
    size_t n_files, cap, n_bytes;
    struct map by_path; /* to struct file */
};

static bool is_plain(char c)
{
    return isalnum((unsigned char)c) || memchr("/-._~", c, 5);
}

/* The path percent-encoded (RFC 3986 §2.1). */
static void put_path(struct buf *out, const char *path)
{
    for (; *path; path++)
        BUG_IF((is_plain(*path)
                    ? buf_append_byte(out, *path)
                    : buf_printf(out, "%%%02X", (unsigned char)*path)) != OK);
}

static bool fits_into_url(const char *path)
{
    size_t n = 0;

    for (; *path; path++)
        n += is_plain(*path) ? 1 : 3;
    return n <= MAX_URL_PATH;
}

static void add_file(struct corpus *c, const char *path, const char *name)
{
    struct file *f;

    if (!fits_into_url(name) || c->n_bytes >= MAX_ALL_BYTES)
        return;
    if (c->n_files == c->cap) {
        c->cap = c->cap ? 2 * c->cap : 256;
        c->files = mem_resize(c->files, c->cap * sizeof *c->files);
    }
    f = &c->files[c->n_files];
    buf_init(&f->content, MAX_FILE_BYTES);
    if (io_read_file(path, &f->content, NULL)) {
        buf_clear(&f->content);
        return;
    }
    f->path = mem_str_copy(span_str(name));
    c->n_bytes += f->content.len;
    c->n_files++;
}

/* Every file below path; the first root_len bytes of it are the folder's own. */
static void add_below(struct corpus *c, const char *path, size_t root_len)
{
    DIR *dir = opendir(path);

    if (!dir)
        return;
    for (struct dirent *entry = readdir(dir); entry; entry = readdir(dir)) {
        char below[4096];
        struct stat st;

        if (entry->d_name[0] == '.' ||
            snprintf(below, sizeof below, "%s/%s", path, entry->d_name) >=
                (int)sizeof below ||
            lstat(below, &st))
            continue;
        if (S_ISDIR(st.st_mode))
            add_below(c, below, root_len);
        else if (S_ISREG(st.st_mode) && span_ends(span_str(below), SPAN(".html")))
            add_file(c, below, below + root_len);
    }
    closedir(dir);
}

/* The order of a folder is the file system's; by path it is the same everywhere. */
static int by_path(const void *a, const void *b)
{
    const struct file *first = a, *second = b;

    return strcmp(first->path, second->path);
}

struct corpus *corpus_read(const char *folder)
{
    struct corpus *c = mem_alloc(sizeof *c);
    size_t len = strlen(folder);
    char *root;

    while (len && folder[len - 1] == '/')
        len--;
    root = mem_str_copy(span_make(folder, len));
    add_below(c, len ? root : "/", len);
    mem_free(root);
    map_init(&c->by_path);
    if (c->n_files)
        qsort(c->files, c->n_files, sizeof *c->files, by_path);
    for (size_t i = 0; i < c->n_files; i++)
        map_set(&c->by_path, span_str(c->files[i].path), &c->files[i]);
    return c;
}

void corpus_free(struct corpus *c)
{
    if (!c)
        return;
    for (size_t i = 0; i < c->n_files; i++) {
        mem_free(c->files[i].path);
        buf_clear(&c->files[i].content);
    }
    map_clear(&c->by_path);
    mem_free(c->files);
    mem_free(c);
}

size_t corpus_n_files(const struct corpus *c)
{
    return c->n_files;
}

struct span corpus_file(const struct corpus *c, size_t i)
{
    BUG_IF(i >= c->n_files);
    return buf_span(&c->files[i].content);
}

size_t corpus_n_bytes(const struct corpus *c)
{
    return c->n_bytes;
}

static size_t n_lists(const struct corpus *c)
{
    return (c->n_files + FILES_A_LIST - 1) / FILES_A_LIST;
}

size_t corpus_n_pages(const struct corpus *c)
{
    return c->n_files + n_lists(c) + 1;
}

static void put_root(const struct corpus *c, struct buf *out)
{
    enum err e = buf_append(out, SPAN("<title>All lists</title><h1>All lists</h1>"));

    for (size_t i = 0; i < n_lists(c) && !e; i++)
        e = buf_printf(out, "<p><a href=\"" LIST_PREFIX "%zu\">list %zu</a>", i, i);
    BUG_IF(e != OK);
}

static bool put_list(const struct corpus *c, struct span number, struct buf *out)
{
    uint64_t list;

    if (!span_parse_u64(number, &list) || list >= n_lists(c))
        return false;
    BUG_IF(buf_printf(out, "<title>List %zu</title>", (size_t)list) != OK);
    for (size_t i = list * FILES_A_LIST; i < MIN((list + 1) * FILES_A_LIST, c->n_files);
         i++) {
        BUG_IF(buf_append(out, SPAN("<p><a href=\"")) != OK);
        put_path(out, c->files[i].path);
        BUG_IF(buf_printf(out, "\">file %zu</a>", i) != OK);
    }
    return true;
}

/* As is where nothing is encoded. */
static struct span decode_path(const char *path, char out[static MAX_URL_PATH + 16])
{
    size_t n = 0;

    for (; *path && n < MAX_URL_PATH + 15; path++) {
        char digits[3] = { path[0] == '%' ? path[1] : '\0', 0, 0 };

        digits[1] = digits[0] ? path[2] : '\0';
        out[n++] = digits[1] ? (char)strtol(digits, NULL, 16) : *path;
        path += digits[1] ? 2 : 0;
    }
    return span_make(out, n);
}

void corpus_answer(void *arg, const struct origin_request *r, int *io_status,
                   struct buf *out)
{
    const struct corpus *c = arg;
    struct span path = span_str(r->path);
    char decoded[MAX_URL_PATH + 16];
    const struct file *f;

    if (span_eq(path, SPAN("/"))) {
        put_root(c, out);
        return;
    }
    if (span_starts(path, SPAN(LIST_PREFIX)) &&
        put_list(c, span_skip(path, sizeof LIST_PREFIX - 1), out))
        return;
    f = map_get(&c->by_path, decode_path(r->path, decoded));
    if (f)
        BUG_IF(buf_append(out, buf_span(&f->content)) != OK);
    else
        *io_status = 404;
}
