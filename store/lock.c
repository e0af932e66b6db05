/* SPDX-License-Identifier: MIT */
#include "store/lock.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "config/clock.h"
#include "config/io.h"
#include "config/mem.h"

#define POLL_MS 100
/* Of the database; its pages end far before. */
#define LOCKED_BYTE (INT64_C(1) << 62)

struct lock {
    int fd;
    char *path;
    int db_fd; /* -1: none */
};

/*
 * Never one of the standard descriptors: text meant for a closed one must not land
 * here.
 */
static int open_high(const char *path, int flags)
{
    int fd = open(path, flags | O_RDWR | O_NOFOLLOW | O_CLOEXEC | O_NONBLOCK, 0600);
    int high;

    if (fd < 0 || fd > STDERR_FILENO)
        return fd;
    high = fcntl(fd, F_DUPFD_CLOEXEC, STDERR_FILENO + 1);
    close(fd);
    return high;
}

static enum err check_lock_file(int fd, const char *path, struct err_note *note)
{
    struct stat st;

    if (fstat(fd, &st))
        return err_set_errno(note, ERR_IO, errno, "%s", path);
    if (!S_ISREG(st.st_mode) || st.st_nlink > 1)
        return err_set(note, ERR_REFUSED, "%s is a link or no regular file; remove it",
                       path);
    return OK;
}

/*
 * Does the name still lead to the file behind fd? Its last holder may have removed it.
 */
static bool is_current(int fd, const char *path)
{
    struct stat mine, named;

    return !fstat(fd, &mine) && !lstat(path, &named) && mine.st_dev == named.st_dev &&
           mine.st_ino == named.st_ino;
}

static void write_holder(int fd)
{
    char iso[CLOCK_ISO_SIZE], text[96];
    int n = snprintf(text, sizeof text, "pid %d, started %s\n", (int)getpid(),
                     clock_format_iso(clock_wall_ms(), iso));

    /* For people only: a full disk must not keep a crawl from starting to say so. */
    if (!ftruncate(fd, 0) && n > 0 && pwrite(fd, text, (size_t)n, 0) == n)
        return;
}

/* advice: what else could be done, with what parts it from the rest, or "". */
static enum err locked(int fd, const char *db_path, const char *advice, struct err_note *note)
{
    char text[96];
    ssize_t n = pread(fd, text, sizeof text - 1, 0);
    struct span holder = span_trim(span_make(text, n > 0 ? (size_t)n : 0));

    for (ssize_t i = 0; i < n; i++) /* all of it: the holder may stand behind spaces */
        if (text[i] < ' ' || text[i] > '~')
            text[i] = '?';
    return err_set(
        note, ERR_LOCKED, "%s: another crawl holds it (%.*s)%s", db_path,
        SPAN_ARG(holder.len ? holder : SPAN("its pid is not known yet")), advice);
}

/* One try. ERR_EXISTS: the file was removed in between; try again at once. */
static enum err try_lock(const char *db_path, const char *path, const char *advice, int *out,
                         struct err_note *note)
{
    int fd = open_high(path, O_CREAT);
    enum err e;

    if (fd < 0 && errno == ELOOP)
        return err_set(note, ERR_REFUSED, "%s is a symbolic link; remove it", path);
    if (fd < 0)
        return err_set_errno(note, ERR_IO, errno, "%s: cannot open", path);
    e = check_lock_file(fd, path, note);
    if (!e && flock(fd, LOCK_EX | LOCK_NB))
        e = errno == EWOULDBLOCK
                ? locked(fd, db_path, advice, note)
                : err_set_errno(note, ERR_IO, errno, "%s: cannot lock", path);
    if (!e && !is_current(fd, path))
        e = ERR_EXISTS;
    if (e) {
        close(fd);
        return e;
    }
    write_holder(fd);
    *out = fd;
    return OK;
}

static void nap(int64_t ms)
{
    struct timespec ts = { ms / 1000, (long)(ms % 1000) * 1000000 };

    nanosleep(&ts, NULL);
}

enum err lock_take(const char *db_path, int64_t wait_ms, struct lock **out,
                   struct err_note *note)
{
    deadline until = clock_after(clock_now_ns(), wait_ms * NS_PER_MS);
    size_t size = strlen(db_path) + sizeof "-lock";
    char *path = mem_alloc(size);
    struct lock *l;
    enum err e;
    int fd = -1;

    snprintf(path, size, "%s-lock", db_path);
    for (;;) {
        e = try_lock(db_path, path, wait_ms > 0 ? " and has not let go" : "; --wait DUR waits for it", &fd, note);
        if (e == ERR_LOCKED && clock_now_ns() < until)
            nap(POLL_MS);
        else if (e != ERR_EXISTS)
            break;
    }
    if (e) {
        mem_free(path);
        return e;
    }
    l = mem_alloc(sizeof *l);
    *l = (struct lock){ fd, path, -1 };
    *out = l;
    return OK;
}

static void let_go(struct lock *l)
{
    if (l->db_fd >= 0)
        close(l->db_fd);
    l->db_fd = -1;
}

enum err lock_database(struct lock *l, const char *db_path, struct err_note *note)
{
    /* Not the process's, as SQLite's are, but the open file's: the two do not see each other. */
    struct flock byte = { .l_type = F_WRLCK, .l_whence = SEEK_SET, .l_start = LOCKED_BYTE, .l_len = 1 };
    struct stat st;

    if (l->db_fd >= 0 && is_current(l->db_fd, db_path))
        return OK;
    let_go(l);
    l->db_fd = open_high(db_path, 0);
    if (l->db_fd < 0 || fstat(l->db_fd, &st) || !S_ISREG(st.st_mode)) {
        let_go(l);
        return OK; /* none, or who opens it says what is wrong with it */
    }
    if (!fcntl(l->db_fd, F_OFD_SETLK, &byte))
        return OK;
    if (errno == EAGAIN || errno == EACCES)
        return err_set(note, ERR_LOCKED, "%s: another crawl holds it, whose lock file %s was removed", db_path,
                       l->path);
    let_go(l);
    return OK;
}

void lock_release(struct lock *l)
{
    if (!l)
        return;
    if (is_current(l->fd, l->path))
        unlink(l->path);
    let_go(l);
    close(l->fd);
    mem_free(l->path);
    mem_free(l);
}
