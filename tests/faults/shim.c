/* SPDX-License-Identifier: MIT */
/*
 * A library to be preloaded (see shim.h) that makes the machine fail: the nth
 * call of a family returns an error, does half its work, or is the process's
 * last. It also moves the wall clock and fills disks. Everything it does not fail it hands to
 * the kernel or the C library as it came.
 *
 * No libc call here may allocate: malloc is one of the calls replaced. The
 * process is single-threaded while the constructor runs; after it only the
 * counters change, atomically.
 */
#include "tests/faults/shim.h"

#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <spawn.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <sys/uio.h>
#include <time.h>
#include <unistd.h>

#define EXPORT __attribute__((visibility("default")))

enum family {
    NONE,
    DISK,
    OPEN,
    MEMORY,
    KERNEL,
    PROCESS,
};

enum action {
    FAIL,
    SHORT,
    KILL,
    TORN,
};

static struct {
    enum family family;
    enum action action;
    int cause; /* errno of FAIL */
    int64_t at;
    bool stays;
    struct fault_report *report; /* never NULL once family is set */
    volatile int64_t *wall_off_by_ns;
    int64_t free_bytes; /* 0: as it is */
} the_fault;

/* --- being told --------------------------------------------------------------- */

struct word {
    const char *text;
    int value;
};

static int value_of(const struct word *words, size_t n, const char *text, int fallback)
{
    for (size_t i = 0; text && i < n; i++)
        if (strcmp(words[i].text, text) == 0)
            return words[i].value;
    return fallback;
}

#define VALUE_OF(words, text, fallback) \
    value_of(words, sizeof(words) / sizeof(words)[0], text, fallback)

static void *map_file(const char *path, size_t size)
{
    long fd = path ? syscall(SYS_openat, AT_FDCWD, path, O_RDWR | O_CLOEXEC) : -1;
    long p;

    if (fd < 0)
        return NULL;
    p = syscall(SYS_mmap, NULL, size, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
    syscall(SYS_close, fd);
    return p == -1 ? NULL : (void *)p;
}

static bool is_meant(char **argv)
{
    const char *who = getenv("FAULT_WHO");
    bool is_helper = argv[0] && strncmp(argv[0], "crawl:", 6) == 0;

    return is_helper == (who && strcmp(who, "helpers") == 0);
}

__attribute__((constructor)) static void read_environment(int argc, char **argv)
{
    static const struct word families[] = {
        { FAULT_DISK, DISK },     { FAULT_OPEN, OPEN },       { FAULT_MEMORY, MEMORY },
        { FAULT_KERNEL, KERNEL }, { FAULT_PROCESS, PROCESS },
    };
    static const struct word causes[] = {
        { "ENOSPC", ENOSPC }, { "EIO", EIO },       { "EMFILE", EMFILE },
        { "ENFILE", ENFILE }, { "ENOMEM", ENOMEM }, { "EAGAIN", EAGAIN },
        { "EROFS", EROFS },   { "EDQUOT", EDQUOT },
    };
    static const struct word actions[] = { { "short", SHORT },
                                           { "kill", KILL },
                                           { "torn", TORN } };
    const char *at = getenv("FAULT_AT"), *what = getenv("FAULT_DO");

    (void)argc;
    the_fault.wall_off_by_ns = map_file(getenv("FAULT_CLOCK"), sizeof(int64_t));
    if (getenv("FAULT_FREE"))
        the_fault.free_bytes = strtoll(getenv("FAULT_FREE"), NULL, 10);
    if (!at || !is_meant(argv))
        return;
    the_fault.report = map_file(getenv("FAULT_REPORT"), sizeof *the_fault.report);
    if (!the_fault.report)
        return;
    the_fault.at = strtoll(at, NULL, 10);
    the_fault.stays = getenv("FAULT_STAYS") != NULL;
    the_fault.action = (enum action)VALUE_OF(actions, what, FAIL);
    the_fault.cause = VALUE_OF(causes, what, EIO);
    __atomic_store_n(&the_fault.family,
                     (enum family)VALUE_OF(families, getenv("FAULT_CALLS"), NONE),
                     __ATOMIC_RELEASE);
}

/* --- meeting the fault ---------------------------------------------------------- */

static void die(void)
{
    syscall(SYS_kill, getpid(), SIGKILL);
}

/* Does this call meet the fault? The process may end here. */
static bool meets(enum family family)
{
    int64_t n;

    if (the_fault.family != family)
        return false;
    n = __atomic_add_fetch(&the_fault.report->calls, 1, __ATOMIC_RELAXED);
    if (the_fault.stays ? n < the_fault.at : n != the_fault.at)
        return false;
    __atomic_add_fetch(&the_fault.report->hits, 1, __ATOMIC_RELAXED);
    if (the_fault.action == KILL)
        die();
    return true;
}

/* For calls that cannot be done by half: true when the call must fail. */
static bool fails(enum family family)
{
    if (!meets(family) || the_fault.action == SHORT)
        return false;
    if (the_fault.action == TORN)
        die();
    errno = the_fault.cause;
    return true;
}

/* For writes: how many of n bytes to write; -1 when the call must fail. */
static ssize_t share_of(size_t n)
{
    if (!meets(DISK))
        return (ssize_t)n;
    if (the_fault.action == FAIL) {
        errno = the_fault.cause;
        return -1;
    }
    return (ssize_t)(n > 1 ? n / 2 : n);
}

static ssize_t written(ssize_t n, size_t wanted)
{
    if (the_fault.action == TORN && the_fault.family == DISK && n >= 0 &&
        (size_t)n < wanted)
        die();
    return n;
}

static bool is_regular(int fd)
{
    int before = errno;
    struct stat st;
    bool is = the_fault.family == DISK && fstat(fd, &st) == 0 && S_ISREG(st.st_mode);

    errno = before;
    return is;
}

/* --- files ------------------------------------------------------------------------ */

EXPORT ssize_t write(int fd, const void *data, size_t n)
{
    ssize_t share = is_regular(fd) ? share_of(n) : (ssize_t)n;

    return share < 0 ? -1 : written(syscall(SYS_write, fd, data, share), n);
}

EXPORT ssize_t writev(int fd, const struct iovec *parts, int n)
{
    if (is_regular(fd) && fails(DISK))
        return -1;
    return syscall(SYS_writev, fd, parts, n);
}

EXPORT ssize_t pwrite64(int fd, const void *data, size_t n, off_t at)
{
    ssize_t share = is_regular(fd) ? share_of(n) : (ssize_t)n;

    return share < 0 ? -1 : written(syscall(SYS_pwrite64, fd, data, share, at), n);
}

EXPORT ssize_t pwrite(int fd, const void *data, size_t n, off_t at)
{
    return pwrite64(fd, data, n, at);
}

EXPORT int fsync(int fd)
{
    return fails(DISK) ? -1 : (int)syscall(SYS_fsync, fd);
}

EXPORT int fdatasync(int fd)
{
    return fails(DISK) ? -1 : (int)syscall(SYS_fdatasync, fd);
}

EXPORT int ftruncate64(int fd, off_t size)
{
    return is_regular(fd) && fails(DISK) ? -1 : (int)syscall(SYS_ftruncate, fd, size);
}

EXPORT int ftruncate(int fd, off_t size)
{
    return ftruncate64(fd, size);
}

EXPORT int fallocate64(int fd, int mode, off_t at, off_t n)
{
    return fails(DISK) ? -1 : (int)syscall(SYS_fallocate, fd, mode, at, n);
}

EXPORT int fallocate(int fd, int mode, off_t at, off_t n)
{
    return fallocate64(fd, mode, at, n);
}

EXPORT int rename(const char *from, const char *to)
{
    return fails(DISK) ? -1
                       : (int)syscall(SYS_renameat2, AT_FDCWD, from, AT_FDCWD, to, 0);
}

EXPORT int renameat2(int from_dir, const char *from, int to_dir, const char *to,
                     unsigned flags)
{
    return fails(DISK) ? -1
                       : (int)syscall(SYS_renameat2, from_dir, from, to_dir, to, flags);
}

EXPORT int unlink(const char *path)
{
    return fails(DISK) ? -1 : (int)syscall(SYS_unlinkat, AT_FDCWD, path, 0);
}

static int open_file(int dir, const char *path, int flags, va_list args)
{
    mode_t mode = flags & (O_CREAT | O_TMPFILE) ? va_arg(args, mode_t) : 0;

    return fails(OPEN) ? -1 : (int)syscall(SYS_openat, dir, path, flags, mode);
}

#define DEFINE_OPEN(name)                             \
    EXPORT int name(const char *path, int flags, ...) \
    {                                                 \
        va_list args;                                 \
        int fd;                                       \
                                                      \
        va_start(args, flags);                        \
        fd = open_file(AT_FDCWD, path, flags, args);  \
        va_end(args);                                 \
        return fd;                                    \
    }

DEFINE_OPEN(open)
DEFINE_OPEN(open64)

#define DEFINE_OPENAT(name)                                    \
    EXPORT int name(int dir, const char *path, int flags, ...) \
    {                                                          \
        va_list args;                                          \
        int fd;                                                \
                                                               \
        va_start(args, flags);                                 \
        fd = open_file(dir, path, flags, args);                \
        va_end(args);                                          \
        return fd;                                             \
    }

DEFINE_OPENAT(openat)
DEFINE_OPENAT(openat64)

/* What _FORTIFY_SOURCE makes of open() without a mode. */
EXPORT int __open_2(const char *path, int flags)
{
    return open(path, flags);
}

EXPORT int __open64_2(const char *path, int flags)
{
    return open(path, flags);
}

/* --- memory ------------------------------------------------------------------------ */

/* The sanitizer's allocator where there is one, else glibc's. */
extern void *__interceptor_malloc(size_t n) __attribute__((weak));
extern void *__interceptor_calloc(size_t count, size_t n) __attribute__((weak));
extern void *__interceptor_realloc(void *old, size_t n) __attribute__((weak));
extern void *__libc_malloc(size_t n);
extern void *__libc_calloc(size_t count, size_t n);
extern void *__libc_realloc(void *old, size_t n);

EXPORT void *malloc(size_t n)
{
    if (fails(MEMORY))
        return NULL;
    return __interceptor_malloc ? __interceptor_malloc(n) : __libc_malloc(n);
}

EXPORT void *calloc(size_t count, size_t n)
{
    if (fails(MEMORY))
        return NULL;
    return __interceptor_calloc ? __interceptor_calloc(count, n)
                                : __libc_calloc(count, n);
}

EXPORT void *realloc(void *old, size_t n)
{
    if (fails(MEMORY))
        return NULL;
    return __interceptor_realloc ? __interceptor_realloc(old, n)
                                 : __libc_realloc(old, n);
}

/* --- the kernel's other things ------------------------------------------------------- */

EXPORT int socket(int family, int type, int protocol)
{
    return fails(KERNEL) ? -1 : (int)syscall(SYS_socket, family, type, protocol);
}

EXPORT int socketpair(int family, int type, int protocol, int out[2])
{
    return fails(KERNEL) ? -1
                         : (int)syscall(SYS_socketpair, family, type, protocol, out);
}

EXPORT int epoll_create1(int flags)
{
    return fails(KERNEL) ? -1 : (int)syscall(SYS_epoll_create1, flags);
}

EXPORT int epoll_ctl(int ep, int op, int fd, struct epoll_event *ev)
{
    return fails(KERNEL) ? -1 : (int)syscall(SYS_epoll_ctl, ep, op, fd, ev);
}

EXPORT int eventfd(unsigned count, int flags)
{
    return fails(KERNEL) ? -1 : (int)syscall(SYS_eventfd2, count, flags);
}

EXPORT int timerfd_create(clockid_t clock, int flags)
{
    return fails(KERNEL) ? -1 : (int)syscall(SYS_timerfd_create, clock, flags);
}

EXPORT int memfd_create(const char *name, unsigned flags)
{
    return fails(KERNEL) ? -1 : (int)syscall(SYS_memfd_create, name, flags);
}

EXPORT int pipe2(int out[2], int flags)
{
    return fails(KERNEL) ? -1 : (int)syscall(SYS_pipe2, out, flags);
}

EXPORT void *mmap64(void *at, size_t n, int prot, int flags, int fd, off_t from)
{
    long p = fails(KERNEL) ? -1 : syscall(SYS_mmap, at, n, prot, flags, fd, from);

    return p == -1 ? MAP_FAILED : (void *)p;
}

EXPORT void *mmap(void *at, size_t n, int prot, int flags, int fd, off_t from)
{
    return mmap64(at, n, prot, flags, fd, from);
}

/* --- threads and processes ------------------------------------------------------------ */

EXPORT int pthread_create(pthread_t *out, const pthread_attr_t *attr,
                          void *(*fn)(void *), void *arg)
{
    int (*real)(pthread_t *, const pthread_attr_t *, void *(*)(void *), void *);

    *(void **)&real = dlsym(RTLD_NEXT, "pthread_create");
    return fails(PROCESS) ? the_fault.cause : real(out, attr, fn, arg);
}

EXPORT int posix_spawn(pid_t *out, const char *path,
                       const posix_spawn_file_actions_t *files,
                       const posix_spawnattr_t *attr, char *const argv[],
                       char *const env[])
{
    int (*real)(pid_t *, const char *, const posix_spawn_file_actions_t *,
                const posix_spawnattr_t *, char *const[], char *const[]);

    *(void **)&real = dlsym(RTLD_NEXT, "posix_spawn");
    return fails(PROCESS) ? the_fault.cause : real(out, path, files, attr, argv, env);
}

/* --- the room on disks ------------------------------------------------------------------ */

EXPORT int statvfs64(const char *restrict path, struct statvfs64 *restrict out)
{
    int (*real)(const char *, struct statvfs64 *);
    int rc;

    *(void **)&real = dlsym(RTLD_NEXT, "statvfs64");
    rc = real(path, out);
    if (!rc && the_fault.free_bytes)
        out->f_bavail = (fsblkcnt64_t)the_fault.free_bytes / out->f_frsize;
    return rc;
}

EXPORT int statvfs(const char *restrict path, struct statvfs *restrict out)
{
    return statvfs64(path, (struct statvfs64 *)out);
}

/* --- the wall clock --------------------------------------------------------------------- */

EXPORT int clock_gettime(clockid_t clock, struct timespec *out)
{
    long rc = syscall(SYS_clock_gettime, clock, out);
    int64_t ns;

    if (rc || !the_fault.wall_off_by_ns ||
        (clock != CLOCK_REALTIME && clock != CLOCK_REALTIME_COARSE))
        return (int)rc;
    ns = out->tv_nsec + *the_fault.wall_off_by_ns % 1000000000;
    out->tv_sec += *the_fault.wall_off_by_ns / 1000000000 + ns / 1000000000;
    ns %= 1000000000;
    if (ns < 0) {
        ns += 1000000000;
        out->tv_sec--;
    }
    out->tv_nsec = ns;
    return 0;
}

EXPORT int gettimeofday(struct timeval *restrict out, void *restrict zone)
{
    struct timespec now;

    (void)zone;
    clock_gettime(CLOCK_REALTIME, &now);
    out->tv_sec = now.tv_sec;
    out->tv_usec = now.tv_nsec / 1000;
    return 0;
}

EXPORT time_t time(time_t *out)
{
    struct timespec now;

    clock_gettime(CLOCK_REALTIME, &now);
    if (out)
        *out = now.tv_sec;
    return now.tv_sec;
}
