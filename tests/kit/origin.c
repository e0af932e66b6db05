/* SPDX-License-Identifier: MIT */
#include "tests/kit/origin.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <signal.h>
#include <sys/epoll.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "config/mem.h"
#include "tests/kit/origin_server.h"

#define DEFAULT_LOG 4096
#define N_URLS      8
/* More addresses than these share one socket: descriptors are for connections. */
#define MAX_LISTENERS 1024

struct origin {
    pid_t pid;
    uint16_t port;
    bool is_tls;
    size_t shared_bytes;
    struct origin_shared *shared;
    char ca_path[64];
    char urls[N_URLS][512];
    unsigned next_url;
};

/* Listens on this address, INADDR_ANY: any of the loopback device; port 0: the kernel's choice. */
static int listen_on(uint32_t address, uint16_t *io_port)
{
    struct sockaddr_in sin = { .sin_family = AF_INET, .sin_port = htons(*io_port) };
    socklen_t len = sizeof(sin);
    const int on = 1;
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);

    sin.sin_addr.s_addr = htonl(address);
    BUG_IF(fd < 0 || setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on)));
    if (address == INADDR_ANY)
        BUG_IF(setsockopt(fd, SOL_SOCKET, SO_BINDTODEVICE, "lo", 3) != 0);
    BUG_IF(bind(fd, (const struct sockaddr *)&sin, sizeof(sin)) || listen(fd, 8192));
    BUG_IF(getsockname(fd, (struct sockaddr *)&sin, &len) != 0);
    *io_port = ntohs(sin.sin_port);
    return fd;
}

/* Listens on 127.0.0.1, .2, ... at one port, which the first bind chooses. */
static uint16_t listen_all(struct origin_server *s)
{
    uint16_t port = 0;

    for (size_t i = 0; i < s->n_listeners; i++) {
        struct epoll_event ev = { .events = EPOLLIN, .data.ptr = &s->listeners[i] };

        s->listeners[i] =
            listen_on(s->n_listeners < s->n_addresses ? INADDR_ANY
                                                      : INADDR_LOOPBACK + (uint32_t)i,
                      &port);
        BUG_IF(epoll_ctl(s->epoll_fd, EPOLL_CTL_ADD, s->listeners[i], &ev) != 0);
    }
    return port;
}

static void raise_open_files(void)
{
    struct rlimit limit;

    if (!getrlimit(RLIMIT_NOFILE, &limit)) {
        limit.rlim_cur = limit.rlim_max;
        (void)setrlimit(RLIMIT_NOFILE, &limit);
    }
}

struct origin *origin_start(const struct origin_options *options)
{
    struct origin *o = mem_alloc(sizeof(*o));
    struct origin_server s = { .options = options,
                               .max_log =
                                   options->max_log ? options->max_log : DEFAULT_LOG };

    s.n_addresses = options->n_addresses ? options->n_addresses : 1;
    s.n_listeners = s.n_addresses > MAX_LISTENERS ? 1 : s.n_addresses;
    s.listeners = mem_array(s.n_listeners, sizeof(*s.listeners));
    s.in_flight_here = mem_array(s.n_addresses, sizeof(*s.in_flight_here));
    s.uses = mem_array(options->n_routes + 1, sizeof(*s.uses));
    heap_init(&s.timers);
    o->shared_bytes = sizeof(*o->shared) + s.max_log * sizeof(struct origin_request);
    o->shared = mmap(NULL, o->shared_bytes, PROT_READ | PROT_WRITE,
                     MAP_SHARED | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    BUG_IF(o->shared == MAP_FAILED);
    s.shared = o->shared;
    s.epoll_fd = epoll_create1(EPOLL_CLOEXEC);
    o->port = listen_all(&s);
    o->is_tls = options->is_tls;
    if (options->is_tls)
        s.tls = origin_tls_new(options->tls_names ? options->tls_names : "IP:127.0.0.1",
                               options->tls_is_expired, options->speaks_h2, options->tls_ends_quietly, o->ca_path);

    pid_t parent = getpid();

    o->pid = fork();
    BUG_IF(o->pid < 0);
    if (o->pid == 0) {
        (void)prctl(PR_SET_PDEATHSIG, SIGKILL);
        (void)signal(SIGPIPE, SIG_IGN);
        if (getppid() != parent)
            _exit(1);
        raise_open_files();
        origin_server_run(&s);
    }
    for (size_t i = 0; i < s.n_listeners; i++)
        (void)close(s.listeners[i]);
    (void)close(s.epoll_fd);
    origin_tls_free(s.tls);
    mem_free(s.listeners);
    mem_free(s.in_flight_here);
    mem_free(s.uses);
    return o;
}

void origin_stop(struct origin *o)
{
    if (!o)
        return;
    (void)kill(o->pid, SIGKILL);
    while (waitpid(o->pid, NULL, 0) < 0 && errno == EINTR)
        continue;
    if (o->ca_path[0])
        (void)unlink(o->ca_path);
    (void)munmap(o->shared, o->shared_bytes);
    mem_free(o);
}

uint16_t origin_port(const struct origin *o)
{
    return o->port;
}

int origin_pid(const struct origin *o)
{
    return o->pid;
}

const char *origin_ca_file(const struct origin *o)
{
    return o->ca_path[0] ? o->ca_path : NULL;
}

const char *origin_url(struct origin *o, const char *path)
{
    char *url = o->urls[o->next_url++ % N_URLS];

    (void)snprintf(url, sizeof(o->urls[0]), "%s://127.0.0.1:%u%s",
                   o->is_tls ? "https" : "http", o->port, path);
    return url;
}

struct origin_counts origin_counts(const struct origin *o)
{
    return o->shared->counts;
}

const struct origin_request *origin_request_at(const struct origin *o, size_t i)
{
    size_t n = __atomic_load_n(&o->shared->n_logged, __ATOMIC_ACQUIRE);

    return i < n ? &o->shared->log[i] : NULL;
}
