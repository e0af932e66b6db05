/* SPDX-License-Identifier: MIT */
#include "store/guard.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "config/mem.h"
#include "store/db.h"

/* The SQLite file format's header: offsets of big-endian fields. */
#define IS_LINK " is a symbolic link; name the file itself"
#define HEADER_SIZE       100
#define AT_PAGE_SIZE      16
#define AT_CHANGE_COUNTER 24
#define AT_N_PAGES        28
#define AT_USER_VERSION   60
#define AT_APPLICATION_ID 68
#define AT_VALID_FOR      92

static uint32_t get32(const unsigned char *p)
{
    return (uint32_t)p[0] << 24 | (uint32_t)p[1] << 16 | (uint32_t)p[2] << 8 | p[3];
}

const char *guard_suffix(int i)
{
    static const char *const suffixes[] = { "-wal", "-shm", "-journal" };

    return i >= 0 && (size_t)i < ARRAY_LEN(suffixes) ? suffixes[i] : NULL;
}

enum err guard_check_directory(const char *path, struct err_note *note)
{
    char *dir = mem_str_copy(span_str(path));
    char *slash = strrchr(dir, '/');
    struct stat st;
    enum err e = OK;

    if (slash == dir)
        slash[1] = '\0';
    else if (slash)
        *slash = '\0';
    if (stat(slash ? dir : ".", &st))
        e = err_set_errno(note, ERR_IO, errno, "%s", slash ? dir : ".");
    else if (!S_ISDIR(st.st_mode))
        e = err_set(note, ERR_REFUSED, "%s is not a directory", dir);
    else if ((st.st_mode & (S_IWGRP | S_IWOTH)) && !(st.st_mode & S_ISVTX))
        e = err_set(
            note, ERR_REFUSED,
            "%s: others may write to its directory (mode %03o); use `chmod go-w`, or"
            " another one",
            path, (unsigned)st.st_mode & 0777);
    mem_free(dir);
    return e;
}

char *guard_follow_directory(const char *path)
{
    char *copy = mem_str_copy(span_str(path));
    char *slash = strrchr(copy, '/'), real[PATH_MAX];
    char *out;
    size_t size;

    if (!slash)
        return copy;
    *slash = '\0';
    if (!realpath(slash == copy ? "/" : copy, real)) {
        *slash = '/';
        return copy;
    }
    size = strlen(real) + strlen(slash + 1) + 2;
    out = mem_alloc(size);
    snprintf(out, size, "%s/%s", strcmp(real, "/") == 0 ? "" : real, slash + 1);
    mem_free(copy);
    return out;
}

static enum err check_kind(const char *name, const struct stat *st,
                           struct err_note *note)
{
    if (S_ISLNK(st->st_mode))
        return err_set(note, ERR_REFUSED, "%s" IS_LINK, name);
    if (S_ISDIR(st->st_mode))
        return err_set(note, ERR_REFUSED, "%s is a directory", name);
    if (!S_ISREG(st->st_mode))
        return err_set(note, ERR_REFUSED, "%s is not a regular file", name);
    if (st->st_nlink > 1)
        return err_set(note, ERR_REFUSED,
                       "%s has %u hard links; a database must have one name", name,
                       (unsigned)st->st_nlink);
    return OK;
}

/* Where anybody may put files, as in /tmp, a file may have been put there for us to find. */
static bool is_open_to_all(const char *path)
{
    char *dir = mem_str_copy(span_str(path));
    char *slash = strrchr(dir, '/');
    struct stat st;
    bool is_open;

    if (slash)
        slash[slash == dir] = '\0';
    is_open = !stat(slash ? dir : ".", &st) && (st.st_mode & (S_IWGRP | S_IWOTH));
    mem_free(dir);
    return is_open;
}

/* Who owns a file reads what is written to it, whatever its mode says now, and may change it. */
static enum err check_owner(const char *name, const struct stat *st, uid_t owner,
                            struct err_note *note)
{
    if (st->st_uid == geteuid() || st->st_uid == owner)
        return OK;
    return err_set(note, ERR_REFUSED,
                   "%s belongs to another user, who may have put it there; remove it or"
                   " give another name",
                   name);
}

/*
 * has_log says whether there is a write-ahead log or journal with content, which SQLite makes
 * part of the database. owner is the database's, or who asks.
 */
static enum err check_neighbours(const char *path, bool is_absent, uid_t owner,
                                 bool *has_log, struct err_note *note)
{
    *has_log = false;
    for (int i = 0; guard_suffix(i); i++) {
        char name[4096];
        struct stat st;
        enum err e;

        if (snprintf(name, sizeof name, "%s%s", path, guard_suffix(i)) >=
            (int)sizeof name)
            return err_set(note, ERR_REFUSED, "%s: the name is too long", path);
        if (lstat(name, &st))
            continue;
        e = check_kind(name, &st, note);
        if (!e)
            e = check_owner(name, &st, owner, note);
        if (e)
            return e;
        if (st.st_size == 0 || i == 1)
            continue; /* a reader leaves an empty log and its index behind: they hold nothing */
        if (is_absent)
            return err_set(
                note, ERR_REFUSED,
                "%s is left over from another database; remove it or give another name",
                name);
        *has_log = true;
    }
    return OK;
}

static enum err check_header(const char *path, const unsigned char *h, int64_t size,
                             bool has_log, struct err_note *note)
{
    uint32_t page = (uint32_t)h[AT_PAGE_SIZE] << 8 | h[AT_PAGE_SIZE + 1];
    int64_t pages = get32(h + AT_N_PAGES), wanted;

    page = page == 1 ? 65536 : page;
    if (memcmp(h, "SQLite format 3", 16) != 0)
        return err_set(note, ERR_CORRUPT, "%s is not an SQLite database, or is damaged",
                       path);
    if (get32(h + AT_APPLICATION_ID) != DB_APPLICATION_ID)
        return err_set(note, ERR_REFUSED, "%s is another program's database", path);
    if (get32(h + AT_USER_VERSION) > DB_SCHEMA_VERSION ||
        get32(h + AT_USER_VERSION) == 0)
        return err_set(
            note, ERR_VERSION,
            "%s has schema %u, this program knows up to %d; use a newer crawl", path,
            get32(h + AT_USER_VERSION), DB_SCHEMA_VERSION);
    if (page < 512 || (page & (page - 1)) != 0)
        return err_set(note, ERR_CORRUPT, "%s is damaged: its header is not valid",
                       path);
    wanted = pages * page;
    if (!has_log && get32(h + AT_CHANGE_COUNTER) == get32(h + AT_VALID_FOR) &&
        size < wanted)
        return err_set(note, ERR_CORRUPT, "%s is cut short: %lld bytes of %lld", path,
                       (long long)size, (long long)wanted);
    return OK;
}

static enum err read_header(const char *path, int fd, bool has_log,
                            struct err_note *note)
{
    unsigned char header[HEADER_SIZE];
    struct stat st;
    ssize_t n;

    if (fstat(fd, &st))
        return err_set_errno(note, ERR_IO, errno, "%s", path);
    n = pread(fd, header, sizeof header, 0);
    if (n < 0)
        return err_set_errno(note, ERR_IO, errno, "%s: cannot read", path);
    if (n == 0)
        return err_set(note, ERR_CORRUPT, "%s is empty; remove it to begin anew", path);
    if ((size_t)n < sizeof header)
        return err_set(note, ERR_CORRUPT, "%s is not an SQLite database, or is damaged",
                       path);
    return check_header(path, header, st.st_size, has_log, note);
}

static enum err check_file(const char *path, bool has_log, struct err_note *note)
{
    int fd = open(path, O_RDONLY | O_NOFOLLOW | O_CLOEXEC | O_NONBLOCK);
    enum err e;

    if (fd < 0 && errno == ELOOP)
        return err_set(note, ERR_REFUSED, "%s" IS_LINK, path);
    if (fd < 0)
        return err_set_errno(note, ERR_IO, errno, "%s: cannot open", path);
    e = read_header(path, fd, has_log, note);
    close(fd);
    return e;
}

enum err guard_check(const char *path, enum guard_found *out, struct err_note *note)
{
    struct stat st;
    bool is_absent, has_log;
    enum err e = guard_check_directory(path, note);

    if (e)
        return e;
    is_absent = lstat(path, &st) != 0;
    if (is_absent && errno != ENOENT)
        return err_set_errno(note, ERR_IO, errno, "%s", path);
    if (!is_absent)
        e = check_kind(path, &st, note);
    if (!e && !is_absent && is_open_to_all(path))
        e = check_owner(path, &st, geteuid(), note);
    if (!e)
        e = check_neighbours(path, is_absent, is_absent ? geteuid() : st.st_uid, &has_log,
                             note);
    if (!e && !is_absent)
        e = check_file(path, has_log, note);
    if (!e)
        *out = is_absent ? GUARD_ABSENT : GUARD_OURS;
    return e;
}

enum err guard_check_read(const char *path, struct err_note *note)
{
    struct stat st;
    bool has_log;
    enum err e;

    if (stat(path, &st))
        return err_set_errno(note, errno == ENOENT ? ERR_NOT_FOUND : ERR_IO, errno,
                             "%s", path);
    if (S_ISDIR(st.st_mode))
        return err_set(note, ERR_REFUSED, "%s is a directory", path);
    if (!S_ISREG(st.st_mode))
        return err_set(note, ERR_REFUSED, "%s is not a regular file", path);
    e = check_neighbours(path, false, st.st_uid, &has_log, note);
    return e ? e : check_file(path, has_log, note);
}
