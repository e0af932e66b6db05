/* SPDX-License-Identifier: MIT */
#include "fetch/multi.h"

#include <errno.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include "config/clock.h"
#include "config/map.h"
#include "config/mem.h"
#include "fetch/watchdog.h"

#define STRAY_ROUNDS 16 /* of 4 KiB, read off a dirty connection before it is shut */

struct shard {
    struct multi *owner;
    CURLM *curlm;
    struct loop_timer timer;
    bool was_touched; /* something was added since the last kick */
};

/* What we know of one descriptor; kept by number and reused. */
struct socket_entry {
    struct shard *shard;
    loop_watch_id watch; /* 0: not in the loop */
    int fd;
    uint32_t want;     /* what libcurl waits for */
    uint32_t watching; /* what the loop was told */
    /* In by_key, or 0. libcurl 7.88 closes sockets that never got connected, and those of its
     * resolver, without telling; only with a key is multi_close_socket certain to come. */
    uint64_t key;
    bool is_multiplexed, is_tls;
};

struct multi {
    struct loop *loop;
    struct watchdog *watchdog;
    multi_done_fn *done;
    void *arg;
    struct shard *shards;
    size_t n_shards;
    struct socket_entry **sockets; /* by descriptor */
    size_t n_sockets;
    size_t n_open;       /* with a key */
    size_t n_tls;        /* ... that are is_tls */
    struct idmap by_key; /* multi_connection_key -> struct socket_entry */
};

static struct socket_entry *entry_of(struct multi *m, int fd)
{
    size_t i = (size_t)fd;

    if (i >= m->n_sockets) {
        size_t n = MAX(i + 1, MAX(m->n_sockets * 2, (size_t)64));
        struct socket_entry **grown = mem_array(n, sizeof(*grown));

        if (m->n_sockets)
            memcpy(grown, m->sockets, m->n_sockets * sizeof(*grown));
        mem_free(m->sockets);
        m->sockets = grown;
        m->n_sockets = n;
    }
    if (!m->sockets[i]) {
        m->sockets[i] = mem_alloc(sizeof(**m->sockets));
        m->sockets[i]->fd = fd;
    }
    return m->sockets[i];
}

static void unwatch(struct multi *m, struct socket_entry *s)
{
    loop_unwatch(m->loop, s->watch);
    s->watch = 0;
    s->watching = 0;
}

/* Reports what is over. msg dies with the removal, so its fields are read first. */
static void drain(struct shard *sh)
{
    struct multi *m = sh->owner;
    CURLMsg *msg;
    int n_left;

    for (msg = curl_multi_info_read(sh->curlm, &n_left); msg;
         msg = curl_multi_info_read(sh->curlm, &n_left)) {
        CURL *easy = msg->easy_handle;
        CURLcode result = msg->data.result;

        if (msg->msg != CURLMSG_DONE)
            continue;
        (void)curl_multi_remove_handle(sh->curlm, easy);
        m->done(m->arg, easy, result);
    }
}

/* Nothing to read, nor an end. */
static bool is_quiet(int fd)
{
    char byte;

    return recv(fd, &byte, 1, MSG_PEEK | MSG_DONTWAIT) < 0 && errno == EAGAIN;
}

/* Watched for what it was wanted for last: where an answer came in the call that sent its request, for writing. */
static void watch_idle(struct multi *m, struct socket_entry *s)
{
    if (s->watching != EPOLLIN)
        loop_watch_change(m->loop, s->watch, EPOLLIN);
    s->watching = EPOLLIN;
}

/* An idle kept connection became readable: the server closed it, or sent what nobody asked for.
 * libcurl checks for an end of file before it uses the connection again, so one is made. */
static void shut_dirty(struct socket_entry *s)
{
    char stray[4096];
    int rounds = 0;

    while (rounds < STRAY_ROUNDS && recv(s->fd, stray, sizeof(stray), MSG_DONTWAIT) > 0)
        rounds++;
    (void)shutdown(s->fd, SHUT_RDWR);
}

static void on_socket(void *arg, uint32_t events)
{
    struct socket_entry *s = arg;
    struct shard *sh = s->shard;
    int bits = 0;
    int n_running;

    if (!s->want && s->key && !s->is_multiplexed && is_quiet(s->fd)) {
        watch_idle(sh->owner, s);
        return;
    }
    if (!s->want) {
        unwatch(sh->owner, s);
        if (s->key && !s->is_multiplexed)
            shut_dirty(s);
        return;
    }
    /* Errors come to libcurl as readiness, so that it reads what came before the reset;
     * CURL_CSELECT_ERR would throw that away. */
    if (events & (EPOLLIN | EPOLLHUP | EPOLLERR))
        bits |= CURL_CSELECT_IN;
    if (events & (EPOLLOUT | EPOLLERR | EPOLLHUP) && s->want & EPOLLOUT)
        bits |= CURL_CSELECT_OUT;
    watchdog_enter(sh->owner->watchdog, s->fd);
    (void)curl_multi_socket_action(sh->curlm, s->fd, bits, &n_running);
    watchdog_leave(sh->owner->watchdog);
    drain(sh);
}

/* libcurl's view changes several times a request; the kernel hears only of real changes. */
static void sync_watch(struct multi *m, struct socket_entry *s)
{
    if (!s->watch) {
        if (loop_watch(m->loop, s->fd, s->want, on_socket, s, &s->watch) == OK)
            s->watching = s->want;
        /* else the transfer runs into its clocks */
    } else if (s->watching != s->want) {
        loop_watch_change(m->loop, s->watch, s->want);
        s->watching = s->want;
    }
}

/* CURLMOPT_SOCKETFUNCTION. */
static int on_curl_socket(CURL *easy, curl_socket_t fd, int what, void *arg,
                          void *unused)
{
    struct shard *sh = arg;
    struct socket_entry *s = entry_of(sh->owner, fd);

    (void)easy;
    (void)unused;
    s->shard = sh;
    s->want = 0;
    if (what != CURL_POLL_REMOVE)
        s->want = (what & CURL_POLL_IN ? (uint32_t)EPOLLIN : 0) |
                  (what & CURL_POLL_OUT ? (uint32_t)EPOLLOUT : 0);
    if (s->want)
        sync_watch(sh->owner, s);
    else if (!s->key)
        unwatch(sh->owner, s); /* about to be closed behind our back */
    /* else it stays watched: a kept connection is wanted again soon, on_socket drops it if not */
    return 0;
}

static void on_timer(void *arg)
{
    struct shard *sh = arg;
    int n_running;

    (void)curl_multi_socket_action(sh->curlm, CURL_SOCKET_TIMEOUT, 0, &n_running);
    drain(sh);
}

/* CURLMOPT_TIMERFUNCTION. */
static int on_curl_timer(CURLM *curlm, long ms, void *arg)
{
    struct shard *sh = arg;

    (void)curlm;
    if (ms < 0)
        loop_timer_clear(sh->owner->loop, &sh->timer);
    else
        loop_timer_set(sh->owner->loop, &sh->timer,
                       ms ? clock_after(clock_now_ns(), ms * NS_PER_MS) : 0);
    return 0;
}

static bool open_shard(struct multi *m, struct shard *sh, size_t max_connects)
{
    sh->owner = m;
    loop_timer_init(&sh->timer, on_timer, sh);
    sh->curlm = curl_multi_init();
    return sh->curlm &&
           !curl_multi_setopt(sh->curlm, CURLMOPT_SOCKETFUNCTION, on_curl_socket) &&
           !curl_multi_setopt(sh->curlm, CURLMOPT_SOCKETDATA, sh) &&
           !curl_multi_setopt(sh->curlm, CURLMOPT_TIMERFUNCTION, on_curl_timer) &&
           !curl_multi_setopt(sh->curlm, CURLMOPT_TIMERDATA, sh) &&
           !curl_multi_setopt(sh->curlm, CURLMOPT_MAXCONNECTS, (long)max_connects) &&
           /* one request a connection: 7.88 stalls with many streams on one */
           !curl_multi_setopt(sh->curlm, CURLMOPT_PIPELINING, (long)CURLPIPE_NOTHING);
}

enum err multi_open(struct loop *l, const struct multi_options *o, struct multi **out,
                    struct err_note *note)
{
    struct multi *m = mem_alloc(sizeof(*m));
    enum err e;

    idmap_init(&m->by_key);
    m->loop = l;
    m->done = o->done;
    m->arg = o->arg;
    m->n_shards = o->n_shards;
    m->shards = mem_array(o->n_shards, sizeof(*m->shards));
    e = watchdog_open(&m->watchdog, note);
    if (e) {
        multi_close(m);
        return e;
    }
    for (size_t i = 0; i < o->n_shards; i++)
        if (!open_shard(m, &m->shards[i], o->max_connects)) {
            multi_close(m);
            return err_set(note, ERR_NO_MEMORY, "cannot set up libcurl");
        }
    *out = m;
    return OK;
}

void multi_close(struct multi *m)
{
    if (!m)
        return;
    for (size_t i = 0; i < m->n_shards; i++)
        if (m->shards[i].curlm) {
            (void)curl_multi_cleanup(m->shards[i].curlm);
            loop_timer_clear(m->loop, &m->shards[i].timer);
        }
    for (size_t i = 0; i < m->n_sockets; i++) {
        if (m->sockets[i])
            unwatch(m, m->sockets[i]);
        mem_free(m->sockets[i]);
    }
    watchdog_close(m->watchdog);
    idmap_clear(&m->by_key);
    mem_free(m->sockets);
    mem_free(m->shards);
    mem_free(m);
}

enum err multi_add(struct multi *m, CURL *easy, uint64_t host_hash)
{
    struct shard *sh = &m->shards[host_hash % m->n_shards];

    if (curl_multi_add_handle(sh->curlm, easy))
        return ERR_NO_MEMORY;
    sh->was_touched = true;
    return OK;
}

void multi_kick(struct multi *m)
{
    for (size_t i = 0; i < m->n_shards; i++)
        if (m->shards[i].was_touched) {
            m->shards[i].was_touched = false;
            on_timer(&m->shards[i]);
        }
}

void multi_remove(struct multi *m, CURL *easy, uint64_t host_hash)
{
    (void)curl_multi_remove_handle(m->shards[host_hash % m->n_shards].curlm, easy);
}

/* What is known of a descriptor ends with it, at the latest when its number comes again. */
static void forget(struct multi *m, struct socket_entry *s)
{
    unwatch(m, s);
    if (s->key) {
        (void)idmap_remove(&m->by_key, s->key);
        m->n_open--;
        m->n_tls -= s->is_tls;
    }
    s->key = 0;
    s->want = 0;
    s->is_multiplexed = s->is_tls = false;
}

int multi_open_socket(struct multi *m, const struct curl_sockaddr *address)
{
    int fd = socket(address->family, address->socktype | SOCK_CLOEXEC | SOCK_NONBLOCK,
                    address->protocol);

    if (fd >= 0)
        forget(m, entry_of(m, fd));
    return fd;
}

int multi_close_socket(void *multi, curl_socket_t fd)
{
    forget(multi, entry_of(multi, fd));
    return close(fd);
}

uint64_t multi_connection_key(const char *remote_ip, int remote_port, int local_port)
{
    uint64_t ports = (uint64_t)(uint32_t)remote_port << 32 | (uint32_t)local_port;

    return map_hash(span_str(remote_ip), ports) | 1;
}

void multi_name_connection(struct multi *m, int fd, int local_port, uint64_t key, bool is_tls)
{
    struct socket_entry *s = entry_of(m, fd);
    struct sockaddr_in6 name = { 0 }; /* the port is where IPv4 has it */
    socklen_t len = sizeof(name);

    /* A proxy's name may have two addresses, and the other socket have won. */
    if (s->key || getsockname(fd, (struct sockaddr *)&name, &len) ||
        ntohs(name.sin6_port) != local_port)
        return;
    s->key = key;
    s->is_tls = is_tls;
    idmap_set(&m->by_key, key, s);
    m->n_open++;
    m->n_tls += is_tls;
}

void multi_note_multiplexed(struct multi *m, uint64_t key)
{
    struct socket_entry *s = idmap_get(&m->by_key, key);

    if (s)
        s->is_multiplexed = true;
}

void multi_cut(struct multi *m, uint64_t key)
{
    const struct socket_entry *s = idmap_get(&m->by_key, key);

    if (s)
        (void)shutdown(s->fd, SHUT_RDWR);
}

bool multi_is_clean(const struct multi *m, uint64_t key)
{
    const struct socket_entry *s = idmap_get(&m->by_key, key);

    return !s || s->is_multiplexed || is_quiet(s->fd);
}

void multi_note_data(struct multi *m)
{
    watchdog_note_data(m->watchdog);
}

uint64_t multi_n_cut(const struct multi *m)
{
    return watchdog_n_cut(m->watchdog);
}

size_t multi_n_open(const struct multi *m)
{
    return m->n_open;
}

size_t multi_n_tls(const struct multi *m)
{
    return m->n_tls;
}
