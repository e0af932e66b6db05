/* SPDX-License-Identifier: MIT */
#include "tests/kit/origin_server.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <sys/uio.h>
#include <unistd.h>

#include "config/clock.h"
#include "config/heap.h"
#include "config/map.h"
#include "config/mem.h"
#include "tests/kit/origin_tls.h"

#define MAX_REQUEST_BYTES ((size_t)64 << 10)
#define MAX_ANSWER_BYTES  ((size_t)256 << 20)
#define OWN_STEPS         4

struct conn {
    struct heap_node timer;
    struct origin_server *server;
    struct origin_tls_conn *tls;
    int fd;
    uint32_t number, address, n_requests;
    bool is_answering, wants_write;
    struct buf in, out;
    struct origin_request *logged; /* of the present answer, or NULL */
    const struct origin_step *steps;
    size_t n_steps, at; /* the step being done */
    size_t sent;        /* bytes of it */
    int64_t rounds;
    struct origin_step own[OWN_STEPS]; /* of an ordinary answer */
};

/* --- connections ------------------------------------------------------------------------ */

static void watch(struct conn *c, int op)
{
    struct epoll_event ev = { .events =
                                  EPOLLIN | (c->wants_write ? (uint32_t)EPOLLOUT : 0),
                              .data.ptr = c };

    BUG_IF(epoll_ctl(c->server->epoll_fd, op, c->fd, &ev) != 0);
}

static void set_wants_write(struct conn *c, bool wants)
{
    if (c->wants_write == wants)
        return;
    c->wants_write = wants;
    watch(c, EPOLL_CTL_MOD);
}

static void end_answer(struct conn *c)
{
    if (!c->is_answering)
        return;
    c->is_answering = false;
    c->server->shared->counts.in_flight--;
    c->server->in_flight_here[c->address]--;
    if (c->logged && !c->logged->end_ns)
        c->logged->end_ns = clock_now_ns();
    c->logged = NULL;
}

static void close_conn(struct conn *c, bool resets)
{
    struct linger now = { 1, 0 };

    if (c->logged)
        c->logged->end_ns = 0; /* what ends it is the closing, and that is now */
    end_answer(c);
    heap_remove(&c->server->timers, &c->timer);
    if (resets)
        (void)setsockopt(c->fd, SOL_SOCKET, SO_LINGER, &now, sizeof(now));
    if (c->tls)
        origin_tls_end(c->tls);
    (void)close(c->fd);
    c->server->shared->counts.open_connections--;
    buf_clear(&c->in);
    buf_clear(&c->out);
    mem_free(c);
}

static ssize_t write_some(struct conn *c, struct span a, struct span b)
{
    struct iovec iov[2] = { { (void *)(uintptr_t)a.ptr, a.len },
                            { (void *)(uintptr_t)b.ptr, b.len } };
    struct msghdr msg = { .msg_iov = iov, .msg_iovlen = b.len ? 2 : 1 };
    ssize_t n = c->tls ? origin_tls_write(c->tls, a.ptr, a.len)
                       : sendmsg(c->fd, &msg, MSG_NOSIGNAL);

    if (n > 0)
        c->server->shared->counts.bytes_sent += (uint64_t)n;
    return n;
}

/* --- scripts --------------------------------------------------------------------------------- */

enum progress {
    GOES_ON, /* the next step at once */
    WAITS,   /* for the socket, a timer or for ever */
    IS_GONE, /* c is freed */
};

static void next_step(struct conn *c)
{
    c->at++;
    c->sent = 0;
    c->rounds = 0;
}

static enum progress wait_ms(struct conn *c, int64_t ms)
{
    set_wants_write(c, false);
    heap_move(&c->server->timers, &c->timer, clock_now_ns() + ms * NS_PER_MS);
    return WAITS;
}

/* Sends this step's bytes and, in the same call, those of a SEND right after it. */
static enum progress send_step(struct conn *c)
{
    const struct origin_step *s = &c->steps[c->at];
    struct span rest = span_skip(s->bytes, c->sent);
    struct span after = SPAN_NONE;

    if (s->kind == ORIGIN_SEND && c->at + 1 < c->n_steps && s[1].kind == ORIGIN_SEND)
        after = s[1].bytes;
    if (s->kind == ORIGIN_DRIP)
        rest.len = MIN(rest.len, (size_t)1);
    while (rest.len) {
        ssize_t n;

        /* Before it is written: who reads it may be faster than we at looking at the clock. */
        if (c->logged)
            c->logged->end_ns = clock_now_ns();
        n = write_some(c, rest, after);

        if (n < 0 && errno == EAGAIN) {
            set_wants_write(c, true);
            return WAITS;
        }
        if (n <= 0) {
            close_conn(c, false);
            return IS_GONE;
        }
        c->sent += (size_t)n;
        if (s->kind == ORIGIN_DRIP && c->sent < s->bytes.len)
            return wait_ms(c, s->n);
        if ((size_t)n > rest.len) { /* reached into the step after */
            size_t ahead = (size_t)n - rest.len;

            next_step(c);
            c->sent = ahead;
            return GOES_ON;
        }
        rest = span_skip(rest, (size_t)n);
    }
    c->sent = 0;
    if (s->kind == ORIGIN_ENDLESS && (!s->n || ++c->rounds < s->n))
        return GOES_ON;
    next_step(c);
    return GOES_ON;
}

static enum progress do_step(struct conn *c)
{
    const struct origin_step *s = &c->steps[c->at];

    switch (s->kind) {
    case ORIGIN_SEND:
    case ORIGIN_ENDLESS:
    case ORIGIN_DRIP: return send_step(c);
    case ORIGIN_PAUSE: next_step(c); return wait_ms(c, s->n);
    case ORIGIN_HANG: set_wants_write(c, false); return WAITS;
    case ORIGIN_CLOSE: close_conn(c, false); return IS_GONE;
    case ORIGIN_RESET: close_conn(c, true); return IS_GONE;
    case ORIGIN_NEXT: break;
    }
    set_wants_write(c, false);
    end_answer(c);
    return GOES_ON;
}

/* --- requests ------------------------------------------------------------------------------------ */

static void copy_text(char *to, size_t size, struct span from)
{
    size_t n = MIN(from.len, size - 1);

    if (n)
        memcpy(to, from.ptr, n);
    to[n] = '\0';
}

static struct span host_of(struct span headers)
{
    struct span line;

    while (span_split(&headers, '\n', &line))
        if (span_starts_nocase(line, SPAN("host:")))
            return span_trim(span_skip(line, 5));
    return SPAN_NONE;
}

/* Fills in *r from the head and counts the request. */
static void take_note(struct conn *c, struct span head, struct origin_request *r)
{
    struct origin_server *s = c->server;
    struct origin_counts *n = &s->shared->counts;
    struct span rest = head;
    struct span line, method, path;

    (void)span_split(&rest, '\n', &line);
    if (!span_token(&line, &method) || !span_token(&line, &path))
        path = SPAN_NONE;
    n->requests++;
    n->in_flight++;
    n->peak_in_flight = MAX(n->peak_in_flight, n->in_flight);
    s->in_flight_here[c->address]++;
    n->peak_here = MAX(n->peak_here, s->in_flight_here[c->address]);
    c->is_answering = true;
    *r = (struct origin_request){ .at_ns = clock_now_ns(),
                                  .connection = c->number,
                                  .n_on_connection = ++c->n_requests,
                                  .address = c->address,
                                  .in_flight = (uint32_t)n->in_flight,
                                  .in_flight_here = s->in_flight_here[c->address] };
    copy_text(r->path, sizeof(r->path), path);
    copy_text(r->host, sizeof(r->host), host_of(rest));
    copy_text(r->headers, sizeof(r->headers), rest);
    if (s->shared->n_logged < s->max_log) {
        c->logged = &s->shared->log[s->shared->n_logged];
        *c->logged = *r;
        __atomic_store_n(&s->shared->n_logged, s->shared->n_logged + 1,
                         __ATOMIC_RELEASE);
    }
}

static bool matches(const struct origin_route *route, const struct origin_request *r)
{
    struct span want = span_str(route->path);
    struct span path = span_str(r->path);

    struct span host = span_str(r->host);

    if (route->on && route->on != r->address + 1)
        return false;
    if (route->host && !span_eq_nocase(span_str(route->host), host) &&
        !span_eq_nocase(span_str(route->host),
                        span_slice(host, 0, span_find(host, ':'))))
        return false;
    if (!route->path)
        return true;
    if (want.len && want.ptr[want.len - 1] == '*')
        return span_starts(path, span_slice(want, 0, want.len - 1));
    return span_eq(path, want);
}

static const struct origin_route *find_route(struct origin_server *s,
                                             const struct origin_request *r)
{
    static const struct origin_route not_found = { .status = 404,
                                                   .body = { "not here\n", 9 } };

    for (size_t i = 0; i < s->options->n_routes; i++) {
        const struct origin_route *route = &s->options->routes[i];

        if (!matches(route, r) || (route->uses && s->uses[i] >= route->uses))
            continue;
        s->uses[i]++;
        return route;
    }
    return &not_found;
}

void origin_text(void *arg, const struct origin_request *r, int *io_status,
                 struct buf *out)
{
    struct span text = span_str(arg), host = span_str(r->host);
    struct span port = span_skip(host, span_find(host, ':') + 1);

    (void)io_status;
    for (;;) {
        size_t at = span_find_span(text, SPAN("$PORT"));

        BUG_IF(buf_append(out, span_slice(text, 0, at)) != OK);
        if (at == text.len)
            return;
        BUG_IF(buf_append(out, port) != OK);
        text = span_skip(text, at + 5);
    }
}

/* Head, and body where it is not sent from where it lies, into c->out. */
/* The made body's hash as ETag; the body goes when the client has it already. */
static void tag_answer(const struct origin_request *r, struct buf *made, int *status,
                       char *line, size_t size)
{
    struct span headers = span_str(r->headers);
    char tag[32];

    snprintf(tag, sizeof tag, "\"%016llx\"",
             (unsigned long long)map_hash(buf_span(made), 1));
    snprintf(line, size, "ETag: %s\r\n", tag);
    if (span_find_span(headers, span_str(tag)) == headers.len)
        return;
    *status = 304;
    buf_reset(made);
}

static void write_answer(struct conn *c, const struct origin_route *route,
                         const struct origin_request *r, int status, const char *etag,
                         struct span content)
{
    struct buf *out = &c->out;
    enum err e;

    buf_reset(out);
    e = buf_printf(out, "HTTP/1.1 %d Because\r\n", status);
    if (route->headers)
        origin_text((void *)(uintptr_t)route->headers, r, &status, out);
    e |= buf_append(out, span_str(etag));
    if (route->closes)
        e |= buf_append(out, SPAN("Connection: close\r\n"));
    if (route->framing == ORIGIN_CHUNKED) {
        e |= buf_append(out, SPAN("Transfer-Encoding: chunked\r\n\r\n"));
        if (content.len)
            e |= buf_printf(out, "%zx\r\n%.*s\r\n", content.len, SPAN_ARG(content));
        e |= buf_append(out, SPAN("0\r\n\r\n"));
    } else {
        if (route->framing == ORIGIN_LENGTH && status != 204 && status != 304)
            e |= buf_printf(out, "Content-Length: %zu\r\n", content.len);
        e |= buf_append(out, SPAN("\r\n"));
        if (route->generate)
            e |= buf_append(out, content);
    }
    BUG_IF(e != OK);
}

static void build_answer(struct conn *c, const struct origin_route *route,
                         const struct origin_request *r)
{
    struct buf made;
    char etag[64] = "";
    int status = route->status ? route->status : 200;
    bool closes = route->closes || route->framing == ORIGIN_UNTIL_CLOSE;
    size_t n = 0;

    buf_init(&made, MAX_ANSWER_BYTES);
    if (route->generate)
        route->generate(route->arg, r, &status, &made);
    if (route->has_etag && status == 200)
        tag_answer(r, &made, &status, etag, sizeof etag);
    write_answer(c, route, r, status, etag,
                 route->generate ? buf_span(&made) : route->body);
    buf_clear(&made);
    if (route->delay_ms)
        c->own[n++] = (struct origin_step){ ORIGIN_PAUSE, SPAN_NONE, route->delay_ms };
    c->own[n++] = (struct origin_step){ ORIGIN_SEND, buf_span(&c->out), 0 };
    if (!route->generate && route->framing != ORIGIN_CHUNKED && route->body.len)
        c->own[n++] = (struct origin_step){ ORIGIN_SEND, route->body, 0 };
    c->own[n++] =
        (struct origin_step){ closes ? ORIGIN_CLOSE : ORIGIN_NEXT, SPAN_NONE, 0 };
    c->steps = c->own;
    c->n_steps = n;
}

/* Starts the answer to a whole request at the front of c->in. False when there is none. */
static bool take_request(struct conn *c)
{
    struct span in = buf_span(&c->in);
    size_t end = span_find_span(in, SPAN("\r\n\r\n"));
    struct origin_request r;
    const struct origin_route *route;

    if (end == in.len)
        return false;
    take_note(c, span_slice(in, 0, end + 2), &r);
    memmove(c->in.ptr, c->in.ptr + end + 4, in.len - end - 4);
    c->in.len -= end + 4;
    route = find_route(c->server, &r);
    c->at = c->sent = 0;
    c->rounds = 0;
    c->steps = route->script;
    c->n_steps = route->n_steps;
    if (!route->script)
        build_answer(c, route, &r);
    return true;
}

/* Goes on until the connection waits or is gone. */
static void advance(struct conn *c)
{
    enum progress p = GOES_ON;
    int n_rounds = 0;

    while (p == GOES_ON) {
        if (!c->is_answering && !take_request(c))
            return;
        BUG_IF(c->at >= c->n_steps);
        p = do_step(c);
        /* An endless body must not starve the other connections. */
        if (p == GOES_ON && ++n_rounds > 64)
            p = wait_ms(c, 0);
    }
}

/* As servers do with what is no HTTP at all, such as a TLS handshake in clear text's place. */
static void answer_nonsense(struct conn *c)
{
    (void)write_some(c, SPAN("HTTP/1.1 400 Bad Request\r\nConnection: close\r\n\r\n"),
                     SPAN_NONE);
    close_conn(c, false);
}

static bool is_cut(const struct conn *c)
{
    return c->number >= c->server->options->tls_cut_from && c->number <= c->server->options->tls_cut_to;
}

static void on_readable(struct conn *c)
{
    ssize_t n;

    if (buf_reserve(&c->in, 4096)) {
        close_conn(c, true);
        return;
    }
    n = c->tls ? origin_tls_read(c->tls, c->in.ptr + c->in.len, 4096)
               : recv(c->fd, c->in.ptr + c->in.len, 4096, 0);
    if (n < 0 && errno == EAGAIN)
        return;
    if (n <= 0) {
        close_conn(c, false);
        return;
    }
    if (c->server->options->is_mute)
        return;
    if (is_cut(c)) {
        close_conn(c, c->number % 2 == 0);
        return;
    }
    c->in.len += (size_t)n;
    if (c->in.ptr[0] < 'A') {
        answer_nonsense(c);
        return;
    }
    if (!c->is_answering)
        advance(c);
}

/* Which of the addresses was called; n_addresses for one that is not served. */
static uint32_t address_of(const struct origin_server *s, int fd, uint32_t listener)
{
    struct sockaddr_in sin = { .sin_family = AF_INET };
    socklen_t len = sizeof(sin);

    if (s->n_listeners == s->n_addresses)
        return listener;
    BUG_IF(getsockname(fd, (struct sockaddr *)&sin, &len) != 0);
    return (uint32_t)MIN((size_t)(ntohl(sin.sin_addr.s_addr) - INADDR_LOOPBACK),
                         s->n_addresses);
}

static void accept_all(struct origin_server *s, uint32_t listener)
{
    const int on = 1;

    for (;;) {
        int fd =
            accept4(s->listeners[listener], NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);
        uint32_t address;
        struct conn *c;

        if (fd < 0)
            return;
        address = address_of(s, fd, listener);
        if (address == s->n_addresses) {
            (void)close(fd);
            continue;
        }
        (void)setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
        if (s->options->greeting.len)
            BUG_IF(send(fd, s->options->greeting.ptr, s->options->greeting.len, MSG_NOSIGNAL) < 0);
        c = mem_alloc(sizeof(*c));
        c->server = s;
        c->fd = fd;
        c->address = address;
        c->number = ++s->n_connections;
        buf_init(&c->in, MAX_REQUEST_BYTES);
        buf_init(&c->out, MAX_ANSWER_BYTES);
        if (s->tls && !s->options->is_mute && !is_cut(c))
            c->tls = origin_tls_accept(s->tls, fd);
        s->shared->counts.connections++;
        s->shared->counts.open_connections++;
        watch(c, EPOLL_CTL_ADD);
    }
}

/* --- the loop ----------------------------------------------------------------------------------- */

static void fire_timers(struct origin_server *s)
{
    int64_t now = clock_now_ns();
    struct heap_node *n;

    for (n = heap_peek(&s->timers); n && n->key <= now; n = heap_peek(&s->timers)) {
        heap_remove(&s->timers, n);
        advance(CONTAINER_OF(n, struct conn, timer));
    }
}

static int wait_of(const struct origin_server *s)
{
    struct heap_node *n = heap_peek(&s->timers);

    if (!n)
        return -1;
    return (int)(MAX(n->key - clock_now_ns() + NS_PER_MS - 1, INT64_C(0)) / NS_PER_MS);
}

void origin_server_run(struct origin_server *s)
{
    struct epoll_event events[256];

    for (;;) {
        int n = epoll_wait(s->epoll_fd, events, ARRAY_LEN(events), wait_of(s));

        for (int i = 0; i < n; i++) {
            uint64_t listener = (uint64_t)((int *)events[i].data.ptr - s->listeners);
            struct conn *c = events[i].data.ptr;

            if ((int *)events[i].data.ptr >= s->listeners && listener < s->n_listeners)
                accept_all(s, (uint32_t)listener);
            else if (events[i].events & EPOLLOUT && c->is_answering &&
                     !heap_has(&c->timer))
                advance(c);
            else
                on_readable(c);
        }
        fire_timers(s);
    }
}
