/* SPDX-License-Identifier: MIT */
#include "crawler/warc_file.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "config/clock.h"
#include "config/mem.h"
#include "crawler/warc_index.h"
#include "crawler/warc_member.h"

#define OPEN_SUFFIX ".open"
#define FILE_SUFFIX ".warc.gz"
#define NAME_BYTES  128
#define OPEN_BYTES  (NAME_BYTES + sizeof OPEN_SUFFIX)
#define MAX_TRIES   1000 /* numbers that are taken */

struct warc_file {
    const struct warc_dir *dir;
    int fd;
    char name[NAME_BYTES]; /* the final one */
    int64_t bytes;
    struct warc_member *member;
    struct warc_index *index;
};

static enum err failed(const struct warc_dir *dir, const char *doing, const char *name,
                       enum err e, struct err_note *note)
{
    return err_set_errno(note, e, errno, "cannot %s %s/%s", doing, dir->path, name);
}

static void open_name(const char *name, char out[OPEN_BYTES])
{
    snprintf(out, OPEN_BYTES, "%s" OPEN_SUFFIX, name);
}

enum err warc_file_open_dir(const char *path, struct warc_dir *out,
                            struct err_note *note)
{
    int fd;

    if (mkdir(path, 0700) && errno != EEXIST)
        return err_set_errno(note, ERR_IO, errno, "cannot make the directory %s", path);
    fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (fd < 0)
        return err_set_errno(note, errno == ENOTDIR ? ERR_REFUSED : ERR_IO, errno,
                             "cannot open %s", path);
    if (faccessat(fd, ".", W_OK | X_OK, AT_EACCESS)) {
        int cause = errno;

        close(fd);
        return err_set_errno(note, ERR_IO, cause, "cannot write into %s", path);
    }
    *out = (struct warc_dir){ fd, path };
    return OK;
}

static struct warc_file *new_file(const struct warc_dir *dir, int fd)
{
    struct warc_file *f = mem_alloc(sizeof *f);

    f->dir = dir;
    f->fd = fd;
    f->index = warc_index_new();
    return f;
}

static void free_file(struct warc_file *f)
{
    close(f->fd); /* the lock goes with it */
    warc_member_free(f->member);
    warc_index_free(f->index);
    mem_free(f);
}

/* --- creating -------------------------------------------------------------------- */

/*
 * Ours alone? Between creating and locking, somebody who mends may have taken it for
 * a leftover.
 */
static bool is_ours(int fd)
{
    struct stat st;

    return flock(fd, LOCK_EX | LOCK_NB) == 0 && fstat(fd, &st) == 0 && st.st_nlink == 1;
}

/* "crawl-20261121092000123-00000.warc.gz" */
static void make_name(int serial, char out[NAME_BYTES])
{
    char iso[CLOCK_ISO_SIZE], digits[CLOCK_ISO_SIZE];
    size_t n = 0;

    clock_format_iso(clock_wall_ms(), iso);
    for (const char *p = iso; *p; p++)
        if (*p >= '0' && *p <= '9')
            digits[n++] = *p;
    digits[n] = '\0';
    snprintf(out, NAME_BYTES, "crawl-%s-%05d" FILE_SUFFIX, digits, serial);
}

enum err warc_file_create(const struct warc_dir *dir, int *io_serial,
                          struct warc_file **out, struct err_note *note)
{
    char name[NAME_BYTES], temp[OPEN_BYTES];

    for (int i = 0; i < MAX_TRIES; i++) {
        struct warc_file *f;
        int fd;

        make_name((*io_serial)++, name);
        open_name(name, temp);
        if (faccessat(dir->fd, name, F_OK, AT_SYMLINK_NOFOLLOW) == 0)
            continue;
        fd = openat(dir->fd, temp, O_RDWR | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC,
                    0600);
        if (fd < 0 && errno == EEXIST)
            continue;
        if (fd < 0)
            return failed(dir, "create", temp, ERR_IO, note);
        if (!is_ours(fd)) {
            close(fd);
            continue;
        }
        f = new_file(dir, fd);
        memcpy(f->name, name, sizeof name);
        if (warc_member_new(&f->member)) {
            free_file(f);
            return err_set(note, ERR_NO_MEMORY, "no memory to write %s/%s", dir->path,
                           temp);
        }
        *out = f;
        return OK;
    }
    return err_set(note, ERR_EXISTS, "cannot find a free name in %s", dir->path);
}

/* --- writing --------------------------------------------------------------------- */

const char *warc_file_name(const struct warc_file *f)
{
    return f->name;
}

int64_t warc_file_bytes(const struct warc_file *f)
{
    return f->bytes;
}

int64_t warc_file_bound(struct warc_file *f, size_t n)
{
    return warc_member_bound(f->member, n);
}

bool warc_file_has_room(const struct warc_file *f)
{
    return warc_index_bytes(f->index) < WARC_INDEX_MAX_BYTES;
}

enum err warc_file_add(struct warc_file *f, const struct span *pieces, size_t n,
                       bool is_dense, int64_t *out_at, struct err_note *note)
{
    char temp[OPEN_BYTES];
    int64_t bytes;

    if (warc_member_write(f->member, f->fd, pieces, n, is_dense, &bytes)) {
        open_name(f->name, temp);
        return failed(f->dir, "write", temp, ERR_IO, note);
    }
    *out_at = f->bytes;
    f->bytes += bytes;
    return OK;
}

enum err warc_file_index(struct warc_file *f, struct span head, int64_t at,
                         int64_t length, struct err_note *note)
{
    enum err e = warc_index_add(f->index, head, f->name, at, length);

    return e ? err_set(note, e, "cannot index %s/%s: %s", f->dir->path, f->name,
                       err_text(e))
             : OK;
}

void warc_file_cut(struct warc_file *f, int64_t bytes)
{
    if (ftruncate(f->fd, (off_t)bytes) == 0 &&
        lseek(f->fd, (off_t)bytes, SEEK_SET) >= 0)
        f->bytes = bytes;
}

/* --- ending ---------------------------------------------------------------------- */

/* "crawl-….cdxj" beside "crawl-….warc.gz". */
static void index_name(const char *name, char out[NAME_BYTES])
{
    snprintf(out, NAME_BYTES, "%.*s.cdxj", (int)(strlen(name) - strlen(FILE_SUFFIX)),
             name);
}

static enum err write_index(struct warc_file *f, struct err_note *note)
{
    const struct warc_dir *dir = f->dir;
    char name[NAME_BYTES], temp[OPEN_BYTES];
    enum err e = OK;
    int fd;

    index_name(f->name, name);
    open_name(name, temp);
    if (unlinkat(dir->fd, temp, 0) &&
        errno != ENOENT) /* of a dead writer: it had our name */
        return failed(dir, "replace", temp, ERR_IO, note);
    fd = openat(dir->fd, temp, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC,
                0600);
    if (fd < 0)
        return failed(dir, "create", temp, ERR_IO, note);
    if (warc_index_write(f->index, fd) || fsync(fd))
        e = failed(dir, "write", temp, ERR_IO, note);
    if (close(fd) && !e)
        e = failed(dir, "write", temp, ERR_IO, note);
    if (!e && renameat(dir->fd, temp, dir->fd, name))
        e = failed(dir, "rename", temp, ERR_IO, note);
    return e;
}

/*
 * A final name is never taken from another file; file systems without that kind of
 * rename are asked first.
 */
static int rename_new(int dir_fd, const char *from, const char *to)
{
    if (renameat2(dir_fd, from, dir_fd, to, RENAME_NOREPLACE) == 0)
        return 0;
    if (errno != EINVAL && errno != ENOSYS)
        return -1;
    if (faccessat(dir_fd, to, F_OK, AT_SYMLINK_NOFOLLOW) == 0) {
        errno = EEXIST;
        return -1;
    }
    return renameat(dir_fd, from, dir_fd, to);
}

static enum err finish(struct warc_file *f, struct err_note *note)
{
    const struct warc_dir *dir = f->dir;
    char temp[OPEN_BYTES];
    enum err e;

    open_name(f->name, temp);
    if (fsync(f->fd))
        return failed(dir, "write", temp, ERR_IO, note);
    e = write_index(f, note);
    if (e)
        return e;
    if (rename_new(dir->fd, temp, f->name))
        return failed(dir, "rename", temp, errno == EEXIST ? ERR_EXISTS : ERR_IO, note);
    if (fsync(dir->fd) && errno != EINVAL)
        return failed(dir, "write", ".", ERR_IO, note);
    return OK;
}

enum err warc_file_finish(struct warc_file *f, struct err_note *note)
{
    enum err e = finish(f, note);

    free_file(f);
    return e;
}

/* --- mending --------------------------------------------------------------------- */

struct mending {
    struct warc_file *file;
    struct err_note *note;
};

static enum err on_member(void *arg, int64_t offset, int64_t length, struct span start)
{
    struct mending *m = arg;

    return warc_file_index(m->file, start, offset, length, m->note);
}

static enum err mend_file(struct warc_file *f, struct err_note *note)
{
    struct mending m = { f, note };
    char temp[OPEN_BYTES];
    enum err e;

    open_name(f->name, temp);
    note->text[0] = '\0';
    e = warc_member_scan(f->fd, on_member, &m, &f->bytes);
    if (e)
        return note->text[0] ? e : failed(f->dir, "read", temp, e, note);
    if (!f->bytes)
        return unlinkat(f->dir->fd, temp, 0)
                   ? failed(f->dir, "remove", temp, ERR_IO, note)
                   : OK;
    if (ftruncate(f->fd, (off_t)f->bytes))
        return failed(f->dir, "cut", temp, ERR_IO, note);
    return finish(f, note);
}

/* A regular file with one name that nobody has locked. */
static bool is_leftover(int fd)
{
    struct stat st;

    return fstat(fd, &st) == 0 && S_ISREG(st.st_mode) && st.st_nlink == 1 &&
           flock(fd, LOCK_EX | LOCK_NB) == 0 && fstat(fd, &st) == 0 && st.st_nlink == 1;
}

static enum err mend_name(const struct warc_dir *dir, const char *temp,
                          struct err_note *note)
{
    size_t n = strlen(temp) - strlen(OPEN_SUFFIX);
    struct warc_file *f;
    enum err e;
    int fd = openat(dir->fd, temp, O_RDWR | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);

    if (fd < 0)
        return errno == ENOENT || errno == ELOOP
                   ? OK
                   : failed(dir, "open", temp, ERR_IO, note);
    if (!is_leftover(fd)) {
        close(fd);
        return OK;
    }
    f = new_file(dir, fd);
    memcpy(f->name, temp, n);
    f->name[n] = '\0';
    e = mend_file(f, note);
    free_file(f);
    return e;
}

static bool is_open_name(struct span name)
{
    return span_starts(name, SPAN("crawl-")) &&
           span_ends(name, SPAN(FILE_SUFFIX OPEN_SUFFIX)) && name.len < NAME_BYTES;
}

enum err warc_file_mend(const struct warc_dir *dir, struct err_note *note)
{
    int fd = openat(dir->fd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    DIR *list = fd < 0 ? NULL : fdopendir(fd);
    enum err e = OK;

    if (!list) {
        e = failed(dir, "read", ".", ERR_IO, note);
        if (fd >= 0)
            close(fd);
        return e;
    }
    for (struct dirent *entry = readdir(list); !e && entry; entry = readdir(list))
        if (is_open_name(span_str(entry->d_name)))
            e = mend_name(dir, entry->d_name, note);
    closedir(list);
    return e;
}
