/* SPDX-License-Identifier: MIT */
#include "config/io.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include "config/mem.h"

#define WIDE_PIPE (1 << 20) /* what Linux allows everybody (pipe(7), pipe-max-size), unless set otherwise */

enum err io_write_all(int fd, struct span s)
{
    while (s.len) {
        ssize_t n = write(fd, s.ptr, s.len);

        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0)
            return ERR_IO;
        s = span_skip(s, (size_t)n);
    }
    return OK;
}

void io_widen_pipe(int fd)
{
    int size = fcntl(fd, F_GETPIPE_SZ);

    if (size > 0 && size < WIDE_PIPE)
        (void)fcntl(fd, F_SETPIPE_SZ, WIDE_PIPE);
}

enum err io_read_all(int fd, struct buf *out)
{
    char step[4096];

    for (;;) {
        ssize_t n = read(fd, step, sizeof step);
        enum err e;

        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0)
            return ERR_IO;
        if (n == 0)
            return OK;
        e = buf_append(out, span_make(step, (size_t)n));
        if (e)
            return e;
    }
}

enum err io_read_file(const char *path, struct buf *out, struct err_note *note)
{
    bool is_stdin = strcmp(path, "-") == 0;
    int fd = is_stdin ? STDIN_FILENO : open(path, O_RDONLY | O_CLOEXEC);
    enum err e;
    int cause;

    if (fd < 0)
        return err_set_errno(note, errno == ENOENT ? ERR_NOT_FOUND : ERR_IO, errno,
                             "cannot open %s", path);
    e = io_read_all(fd, out);
    cause = errno;
    if (!is_stdin)
        close(fd);
    if (e == ERR_IO)
        return err_set_errno(note, e, cause, "cannot read %s", path);
    if (e == ERR_TOO_LARGE)
        return err_set(note, e, "%s is larger than %zu bytes", path, out->max);
    if (e)
        return err_set(note, e, "cannot read %s: %s", path, err_text(e));
    return OK;
}

enum err io_replace_file(const char *path, struct span s, struct err_note *note)
{
    size_t size = strlen(path) + sizeof ".XXXXXX";
    char *temp = mem_alloc(size);
    enum err e = OK;
    int fd;

    snprintf(temp, size, "%s.XXXXXX", path);
    fd = mkostemp(temp, O_CLOEXEC); /* O_EXCL, mode 0600 */
    if (fd < 0) {
        e = err_set_errno(note, ERR_IO, errno, "cannot create a file beside %s", path);
        mem_free(temp);
        return e;
    }
    if (io_write_all(fd, s))
        e = err_set_errno(note, ERR_IO, errno, "cannot write %s", path);
    if (close(fd) && !e)
        e = err_set_errno(note, ERR_IO, errno, "cannot write %s", path);
    if (!e && rename(temp, path))
        e = err_set_errno(note, ERR_IO, errno, "cannot replace %s", path);
    if (e)
        unlink(temp);
    mem_free(temp);
    return e;
}

static enum err write_special(const char *path, struct span s, struct err_note *note)
{
    int fd = open(path, O_WRONLY | O_CLOEXEC | O_NOFOLLOW | O_NOCTTY);
    enum err e = OK;

    if (fd < 0)
        return err_set_errno(note, ERR_IO, errno, "cannot open %s", path);
    if (io_write_all(fd, s))
        e = err_set_errno(note, ERR_IO, errno, "cannot write %s", path);
    close(fd);
    return e;
}

enum err io_put_file(const char *path, struct span s, struct err_note *note)
{
    struct stat st;

    if (strcmp(path, "-") == 0)
        return io_write_all(STDOUT_FILENO, s)
                   ? err_set_errno(note, ERR_IO, errno, "cannot write standard output")
                   : OK;
    if (lstat(path, &st) || S_ISREG(st.st_mode))
        return io_replace_file(path, s, note);
    if (S_ISLNK(st.st_mode))
        return err_set(note, ERR_REFUSED, "%s is a symbolic link", path);
    return write_special(path, s, note);
}

bool io_can_write(int fd, int wait_ms)
{
    struct pollfd ready = { .fd = fd, .events = POLLOUT };

    return poll(&ready, 1, wait_ms) == 1 && (ready.revents & POLLOUT);
}

bool io_can_open(void)
{
    int fd = open("/dev/null", O_RDONLY | O_CLOEXEC);

    if (fd < 0)
        return errno != EMFILE && errno != ENFILE;
    close(fd);
    return true;
}

void io_reserve_standard(void)
{
    int fd;

    /* open gives the lowest free number, so this fills the holes in order. */
    do {
        fd = open("/dev/null", O_RDWR);
    } while (fd >= 0 && fd <= STDERR_FILENO);
    if (fd > STDERR_FILENO)
        close(fd);
}

int64_t io_raise_open_files(void)
{
    struct rlimit limit;

    if (getrlimit(RLIMIT_NOFILE, &limit))
        return 1024;
    if (limit.rlim_cur < limit.rlim_max) {
        struct rlimit wanted = { limit.rlim_max, limit.rlim_max };

        if (setrlimit(RLIMIT_NOFILE, &wanted) == 0)
            limit = wanted;
    }
    return limit.rlim_cur == RLIM_INFINITY ? INT64_C(1048576) : (int64_t)limit.rlim_cur;
}

bool io_has_room_for(int64_t n)
{
    int next = fcntl(STDIN_FILENO, F_DUPFD_CLOEXEC, 0);

    if (next >= 0)
        close(next);
    return next >= 0 && next + n <= io_raise_open_files();
}
