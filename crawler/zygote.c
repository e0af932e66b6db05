/* SPDX-License-Identifier: MIT */
#include "crawler/zygote.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <spawn.h>
#include <string.h>
#include <sys/pidfd.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "config/mem.h"

/* How the zygote knows itself, and what ps shows. */
#define ZYGOTE_NAME "crawl: zygote"
/* A second argument whose bytes make room for a longer name in ps. */
#define TITLE_ROOM "................................"
/* Where the zygote finds its socket. */
#define SOCKET_FD        3
#define MAX_FDS          3
#define STOP_PATIENCE_MS 2000

/* Both ends are the same program, so messages are plain structs. */
struct order {
    uint64_t serial;
    struct worker_options options; /* of the descriptors only whether they are there */
};

/* The one zygote of this process; see the header. */
static struct {
    int fd;
    pid_t pid;
} the_zygote = { .fd = -1 };

/* ---- messages with descriptors, both sides ---- */

union fd_room {
    struct cmsghdr first;
    char bytes[CMSG_SPACE(MAX_FDS * sizeof(int))];
};

static ssize_t send_with_fds(int sock, const void *data, size_t n, const int *fds,
                             size_t n_fds, int flags)
{
    union fd_room room = { 0 };
    struct iovec part = { .iov_len = n };
    struct msghdr msg = { .msg_iov = &part, .msg_iovlen = 1 };
    ssize_t sent;

    memcpy(&part.iov_base, &data, sizeof data); /* sendmsg does not write through it */
    if (n_fds) {
        room.first = (struct cmsghdr){ .cmsg_level = SOL_SOCKET,
                                       .cmsg_type = SCM_RIGHTS,
                                       .cmsg_len = CMSG_LEN(n_fds * sizeof(int)) };
        memcpy(room.bytes + CMSG_LEN(0), fds, n_fds * sizeof(int));
        msg.msg_control = room.bytes;
        msg.msg_controllen = CMSG_SPACE(n_fds * sizeof(int));
    }
    do
        sent = sendmsg(sock, &msg, flags | MSG_NOSIGNAL);
    while (sent < 0 && errno == EINTR);
    return sent;
}

static ssize_t receive_with_fds(int sock, void *data, size_t n, int *fds,
                                size_t *out_n_fds)
{
    union fd_room room;
    struct iovec part = { .iov_base = data, .iov_len = n };
    struct msghdr msg = { .msg_iov = &part,
                          .msg_iovlen = 1,
                          .msg_control = room.bytes,
                          .msg_controllen = sizeof room.bytes };
    ssize_t got;

    *out_n_fds = 0;
    do
        got = recvmsg(sock, &msg, MSG_CMSG_CLOEXEC);
    while (got < 0 && errno == EINTR);
    if (got <= 0)
        return got;
    for (struct cmsghdr *c = CMSG_FIRSTHDR(&msg); c; c = CMSG_NXTHDR(&msg, c)) {
        if (c->cmsg_level != SOL_SOCKET || c->cmsg_type != SCM_RIGHTS)
            continue;
        *out_n_fds = MIN((c->cmsg_len - CMSG_LEN(0)) / sizeof(int), (size_t)MAX_FDS);
        memcpy(fds, CMSG_DATA(c), *out_n_fds * sizeof(int));
    }
    return got;
}

/* ---- the zygote itself ---- */

struct child {
    pid_t pid;
    uint64_t serial;
};

struct nursery {
    pid_t pid; /* its own */
    struct span title; /* the bytes of the command line */
    struct child *children;
    size_t n_children, cap_children;
    bool is_warm;
};

static void report(const struct zygote_news *news)
{
    size_t n_fds = news->pidfd >= 0;

    /* A parent that is gone shows as end of file in the main loop. */
    (void)send_with_fds(SOCKET_FD, news, sizeof *news, &news->pidfd, n_fds, 0);
}

static void remember(struct nursery *z, pid_t pid, uint64_t serial)
{
    if (z->n_children == z->cap_children) {
        size_t cap = z->cap_children ? z->cap_children * 2 : 16;
        struct child *grown = mem_array(cap, sizeof *grown);

        if (z->n_children)
            memcpy(grown, z->children, z->n_children * sizeof *grown);
        mem_free(z->children);
        z->children = grown;
        z->cap_children = cap;
    }
    z->children[z->n_children++] = (struct child){ pid, serial };
}

NORETURN static void become_worker(const struct nursery *z,
                                   const struct worker_options *o)
{
    sigset_t none;

    /* Dies with the zygote; which may have died already. */
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    if (getppid() != z->pid)
        _exit(WORKER_EXIT_NO_START);
    /* Of the zygote's descriptors nothing may stay but what the order brought. */
    close(SOCKET_FD);
    signal(SIGCHLD, SIG_DFL);
    sigemptyset(&none);
    sigprocmask(SIG_SETMASK, &none, NULL);
    worker_main(o, z->title);
}

static void start_worker(struct nursery *z, const struct order *order, const int *fds,
                         size_t n_fds)
{
    struct worker_options o = order->options;
    struct zygote_news news = { .serial = order->serial,
                                .kind = ZYGOTE_REFUSED,
                                .pidfd = -1 };
    size_t next = 0;
    pid_t pid;

    if (n_fds != 2 + (size_t)(o.bodies_fd >= 0)) {
        news.errno_value = EBADF; /* descriptors get lost when our table is full */
        report(&news);
        return;
    }
    o.channel_fd = fds[next++];
    o.bell_fd = fds[next++];
    if (o.bodies_fd >= 0)
        o.bodies_fd = fds[next];
    if (!z->is_warm)
        worker_warm_up();
    z->is_warm = true;
    pid = fork();
    if (pid == 0)
        become_worker(z, &o);
    if (pid < 0) {
        news.errno_value = errno;
        report(&news);
        return;
    }
    remember(z, pid, order->serial);
    news.kind = ZYGOTE_STARTED;
    news.pid = pid;
    news.pidfd = pidfd_open(pid, 0);
    report(&news);
    if (news.pidfd >= 0)
        close(news.pidfd);
}

static void reap(struct nursery *z)
{
    struct zygote_news news = { .kind = ZYGOTE_EXITED, .pidfd = -1 };
    size_t i;

    for (;;) {
        news.pid = waitpid(-1, &news.status, WNOHANG);
        if (news.pid <= 0)
            return;
        for (i = 0; i < z->n_children && z->children[i].pid != news.pid; i++)
            ;
        if (i == z->n_children)
            continue;
        news.serial = z->children[i].serial;
        z->children[i] = z->children[--z->n_children];
        report(&news);
    }
}

/* Takes one order. False when the parent has closed its end. */
static bool take_order(struct nursery *z)
{
    struct order order;
    int fds[MAX_FDS];
    size_t n_fds;
    ssize_t n = receive_with_fds(SOCKET_FD, &order, sizeof order, fds, &n_fds);

    if (n == (ssize_t)sizeof order)
        start_worker(z, &order, fds, n_fds);
    while (n_fds)
        close(fds[--n_fds]);
    return n > 0;
}

static void kill_children(struct nursery *z)
{
    for (size_t i = 0; i < z->n_children; i++)
        kill(z->children[i].pid, SIGKILL);
    while (z->n_children && waitpid(z->children[z->n_children - 1].pid, NULL, 0) > 0)
        z->n_children--;
    mem_free(z->children);
}

static void open_null(int fd)
{
    int null_fd = open("/dev/null", O_RDWR | O_CLOEXEC);

    if (null_fd >= 0 && null_fd != fd) {
        dup2(null_fd, fd);
        close(null_fd);
    }
}

static void on_child(int signo)
{
    (void)signo; /* it only ends the wait */
}

/* The terminal's and the service manager's signals are for the parent: it ends us when it is done. A child's comes
 * while we wait only. */
static void take_signals(void)
{
    static const int ignored[] = { SIGINT,  SIGTERM, SIGHUP,  SIGQUIT, SIGPIPE,
                                   SIGUSR1, SIGUSR2, SIGTSTP, SIGTTOU, SIGTTIN };
    sigset_t set;

    for (size_t i = 0; i < ARRAY_LEN(ignored); i++)
        signal(ignored[i], SIG_IGN);
    signal(SIGCHLD, on_child);
    sigemptyset(&set);
    sigaddset(&set, SIGCHLD);
    sigprocmask(SIG_SETMASK, &set, NULL);
}

/* Does the process that made our socket still run, and is it our parent? */
static bool has_its_parent(void)
{
    struct ucred maker;
    socklen_t n = sizeof maker;

    if (getsockopt(SOCKET_FD, SOL_SOCKET, SO_PEERCRED, &maker, &n) < 0)
        return false;
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    return getppid() == maker.pid;
}

static int run_nursery(struct nursery *z)
{
    struct pollfd order = { .fd = SOCKET_FD, .events = POLLIN };
    sigset_t none;

    sigemptyset(&none);
    for (;;) {
        int n = ppoll(&order, 1, NULL, &none);

        if (n < 0 && errno != EINTR)
            return 1;
        reap(z);
        if (n > 0 && !take_order(z))
            return 0;
    }
}

/* argv's bytes lie one behind the other: all of them, for writing a name over. */
static struct span claim_title(int argc, char **argv)
{
    char *end = argv[argc - 1] + strlen(argv[argc - 1]);
    char *after_name = argv[0] + strlen(argv[0]);

    memset(after_name, 0, (size_t)(end - after_name));
    return span_make(argv[0], (size_t)(end - argv[0]));
}

bool zygote_main(int argc, char **argv, int *exit_code)
{
    struct nursery z = { .pid = getpid() };

    if (argc != 2 || strcmp(argv[0], ZYGOTE_NAME) != 0 ||
        strcmp(argv[1], TITLE_ROOM) != 0)
        return false;
    *exit_code = 2;
    if (!has_its_parent()) {
        return true;
    }
    close_range(SOCKET_FD + 1, ~0U, 0);
    open_null(0);
    open_null(1);
    prctl(PR_SET_NAME, "crawl: zygote");
    z.title = claim_title(argc, argv);
    take_signals();
    *exit_code = run_nursery(&z);
    kill_children(&z);
    return true;
}

/* ---- the parent's side ---- */

static int spawn_zygote(int sock, pid_t *out)
{
    char name[] = ZYGOTE_NAME, room[] = TITLE_ROOM;
    char *argv[] = { name, room, NULL };
    posix_spawn_file_actions_t files;
    posix_spawnattr_t attr;
    sigset_t all;
    int e;

    /* Everything stays blocked until the zygote has decided what to ignore. */
    sigfillset(&all);
    posix_spawn_file_actions_init(&files);
    posix_spawnattr_init(&attr);
    posix_spawn_file_actions_adddup2(&files, sock, SOCKET_FD);
    posix_spawnattr_setsigmask(&attr, &all);
    posix_spawnattr_setsigdefault(&attr, &all);
    posix_spawnattr_setflags(&attr, POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF);
    e = posix_spawn(out, "/proc/self/exe", &files, &attr, argv, environ);
    posix_spawnattr_destroy(&attr);
    posix_spawn_file_actions_destroy(&files);
    return e;
}

enum err zygote_start(struct err_note *note)
{
    int pair[2], e;

    if (the_zygote.fd >= 0)
        return OK;
    if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair) < 0)
        return err_set_errno(note, ERR_IO, errno,
                             "cannot make a socket for the zygote");
    e = spawn_zygote(pair[1], &the_zygote.pid);
    close(pair[1]);
    if (e) {
        close(pair[0]);
        the_zygote.pid = 0;
        return e == ENOENT ? err_set(note, ERR_IO, "cannot start the zygote: /proc is not mounted")
                           : err_set_errno(note, ERR_IO, e, "cannot start the zygote");
    }
    fcntl(pair[0], F_SETFL, O_NONBLOCK);
    the_zygote.fd = pair[0];
    return OK;
}

/* The zygote ends when its socket does; if it does not, it is made to. */
static void clear_away(void)
{
    int pidfd = pidfd_open(the_zygote.pid, 0);
    struct pollfd gone = { .fd = pidfd, .events = POLLIN };

    close(the_zygote.fd);
    the_zygote.fd = -1;
    if (pidfd < 0 || poll(&gone, 1, STOP_PATIENCE_MS) <= 0)
        kill(the_zygote.pid, SIGKILL);
    if (pidfd >= 0)
        close(pidfd);
    while (waitpid(the_zygote.pid, NULL, 0) < 0 && errno == EINTR)
        ;
    the_zygote.pid = 0;
}

void zygote_stop(void)
{
    if (the_zygote.fd >= 0)
        clear_away();
}

int zygote_fd(void)
{
    return the_zygote.fd;
}

pid_t zygote_pid(void)
{
    return the_zygote.pid;
}

enum err zygote_order(uint64_t serial, const struct worker_options *o,
                      struct err_note *note)
{
    struct order order;
    int fds[MAX_FDS] = { o->channel_fd, o->bell_fd, o->bodies_fd };
    size_t n_fds = o->bodies_fd >= 0 ? 3 : 2;

    if (the_zygote.fd < 0)
        return err_set(note, ERR_CLOSED, "the zygote is not running");
    memset(&order, 0, sizeof order);
    order.serial = serial;
    order.options = *o;
    if (send_with_fds(the_zygote.fd, &order, sizeof order, fds, n_fds, MSG_DONTWAIT) >=
        0)
        return OK;
    switch (errno) {
    case EAGAIN: return err_set(note, ERR_FULL, "the zygote does not answer");
    case EPIPE:
    case ECONNRESET: return err_set(note, ERR_CLOSED, "the zygote is gone");
    default: return err_set_errno(note, ERR_IO, errno, "cannot order a parser process");
    }
}

enum err zygote_take_news(struct zygote_news *out)
{
    struct zygote_news news;
    int fds[MAX_FDS];
    size_t n_fds;
    ssize_t n;

    if (the_zygote.fd < 0)
        return ERR_CLOSED;
    n = receive_with_fds(the_zygote.fd, &news, sizeof news, fds, &n_fds);
    if (n < 0 && errno == EAGAIN)
        return ERR_NOT_FOUND;
    if (n != (ssize_t)sizeof news) {
        while (n_fds)
            close(fds[--n_fds]);
        clear_away();
        return ERR_CLOSED;
    }
    news.pidfd = n_fds ? fds[0] : -1;
    *out = news;
    return OK;
}

void zygote_drop_news(const struct zygote_news *news)
{
    if (news->kind == ZYGOTE_STARTED && news->pidfd >= 0)
        close(news->pidfd);
}
