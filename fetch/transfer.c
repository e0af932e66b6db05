/* SPDX-License-Identifier: MIT */
#include "fetch/transfer.h"

#include <errno.h>

#include "config/clock.h"
#include "config/mem.h"
#include "fetch/address.h"
#include "fetch/outcome.h"
#include "fetch/request.h"

#define MAX_URL_BYTES     ((size_t)64 << 10)
#define MAX_REQUEST_BYTES ((size_t)256 << 10)
/* Header lines of more than this are no longer ordinary, and share what memory there is for such. */
#define ORDINARY_HEAD     ((size_t)16 << 10)
/* Idle connections are not trusted beyond this; most servers close them sooner. */
#define KEEP_IDLE_S       60L
#define KEEP_IDLE_SHORT_S 1L

/* --- callbacks of libcurl ---------------------------------------------------- */

static void enter_phase(struct transfer *t, enum transfer_phase phase)
{
    t->phase = phase;
    t->phase_at = loop_now(t->shared->loop);
    t->n_marks = 0;
    t->next_mark_at = t->phase_at;
}

/* Remembers the first reason and returns what makes libcurl end the transfer. */
static size_t stop_here(struct transfer *t, enum transfer_stop why)
{
    if (t->stop == TRANSFER_NO_STOP)
        t->stop = why;
    return 0;
}

/* Every address is judged here, in its final form, whatever name led to it (promise P7). */
static curl_socket_t on_open_socket(void *arg, curlsocktype purpose,
                                    struct curl_sockaddr *addr)
{
    struct transfer *t = arg;
    const struct fetcher_options *o = &t->shared->options;

    (void)purpose;
    if (t->is_abandoned)
        return CURL_SOCKET_BAD;
    if (t->was_sent) {
        /* libcurl is about to send the request again on a fresh connection (promise P30). */
        t->wanted_resend = true;
        return CURL_SOCKET_BAD;
    }
    if (!o->proxy.len)
        t->refusal = address_refusal(o->addresses, &addr->addr);
    if (t->refusal)
        return CURL_SOCKET_BAD;

    int fd = multi_open_socket(t->shared->multi, addr);

    if (fd < 0) {
        t->os_errno = errno;
        t->is_out_of_descriptors =
            errno == EMFILE || errno == ENFILE || errno == ENOBUFS;
        return CURL_SOCKET_BAD;
    }
    t->is_reused = false;
    t->fd = fd;
    t->shared->stats.connections++;
    return fd;
}

static bool has_tls_proxy(const struct transfer *t)
{
    return span_starts_nocase(t->shared->options.proxy, SPAN("https://"));
}

static bool is_over_tls(const struct transfer *t)
{
    return t->request->is_https || has_tls_proxy(t);
}

/* Connected (or on a kept connection), about to send. A second time would be a re-send; stray
 * bytes on a kept connection would become the answer (promise P29). */
static int on_before_request(void *arg, char *ip, char *local_ip, int port,
                             int local_port)
{
    struct transfer *t = arg;

    (void)local_ip;
    t->connection_key = multi_connection_key(ip, port, local_port);
    if (t->is_abandoned)
        return CURL_PREREQFUNC_ABORT;
    if (!t->is_reused)
        multi_name_connection(t->shared->multi, t->fd, local_port, t->connection_key, is_over_tls(t));
    else if (!multi_is_clean(t->shared->multi, t->connection_key))
        t->wanted_resend = true;
    if (t->was_sent)
        t->wanted_resend = true;
    if (t->wanted_resend)
        return CURL_PREREQFUNC_ABORT;
    t->was_sent = true;
    enter_phase(t, TRANSFER_WAITING);
    return CURL_PREREQFUNC_OK;
}

static bool has_no_body(const struct transfer *t)
{
    int status = t->head.status_code;

    return status == 204 || status == 304 || t->head.content_length == 0;
}

/* Where this body is cut. */
static size_t max_body(const struct transfer *t)
{
    return MAX(t->shared->options.max_body_bytes, t->request->min_body_bytes);
}

/* Beside any Transfer-Encoding libcurl reads to the end of the connection, which a server that
 * keeps it open does not send. Beside "identity" the length says where the body ends. */
static bool is_whole(const struct transfer *t)
{
    return t->head.says_identity && t->wire_size == t->head.content_length;
}

/* The blank line came: does anybody want the rest, and where will it go? */
static size_t on_head_complete(struct transfer *t, size_t n)
{
    const struct fetch_request *r = t->request;
    int status = t->head.status_code;

    if (outcome_is_of_proxy(t))
        return stop_here(t, TRANSFER_STOP_PROXY);
    if (status < 200) /* 101, to what nobody asked for: what follows has no end that we know */
        return stop_here(t, TRANSFER_STOP_WHOLE);
    if (status == 304 && !r->etag.len && !r->last_modified.len)
        return n; /* outcome_of_answer says what it is */
    if (r->wants_body && !has_no_body(t) && !r->wants_body(r->arg, status, head_value(&t->head, HEAD_CONTENT_TYPE)))
        return stop_here(t, TRANSFER_STOP_SKIPPED);
    if (is_whole(t))
        return stop_here(t, TRANSFER_STOP_WHOLE);
    if (t->head.content_length > 0)
        bodies_hint(t->shared->bodies, &t->body, MIN((size_t)t->head.content_length, max_body(t)));
    return n;
}

static void count_head(struct transfer *t, size_t n)
{
    t->shared->large_heads += n - t->large_head;
    t->large_head = n;
}

/* Thousands of servers may each send what one may: libcurl keeps all of it, too. */
static bool has_room_for_head(struct transfer *t)
{
    if (t->head.n_bytes <= ORDINARY_HEAD)
        return true;
    count_head(t, t->head.n_bytes);
    if (t->shared->large_heads <= t->shared->options.max_heads_bytes)
        return true;
    t->head.refusal = "header fields too large for the memory that many such answers have left";
    return false;
}

static size_t on_header(char *data, size_t size, size_t count, void *arg)
{
    struct transfer *t = arg;
    size_t n = size * count;
    bool was_complete = t->head.is_complete;

    multi_note_data(t->shared->multi);
    if (t->is_abandoned)
        return stop_here(t, TRANSFER_STOP_ABANDONED);
    if (t->phase != TRANSFER_ANSWERING)
        enter_phase(t, TRANSFER_ANSWERING);
    if (head_add_line(&t->head, span_make(data, n)) || !has_room_for_head(t))
        return stop_here(t, TRANSFER_STOP_BAD_HEAD);
    return t->head.is_complete && !was_complete ? on_head_complete(t, n) : n;
}

static size_t on_body(char *data, size_t size, size_t count, void *arg)
{
    struct transfer *t = arg;
    size_t n = size * count;

    multi_note_data(t->shared->multi);
    if (t->is_abandoned)
        return stop_here(t, TRANSFER_STOP_ABANDONED);
    if (t->head.says_identity && t->head.content_length >= 0)
        n = (size_t)MIN((int64_t)n, t->head.content_length - t->wire_size);
    t->wire_size += (int64_t)n;
    t->shared->stats.body_bytes += n;

    enum err e = bodies_append(t->shared->bodies, &t->body, span_make(data, n),
                               max_body(t));

    if (e)
        return stop_here(t, e == ERR_TOO_LARGE ? TRANSFER_STOP_TOO_LARGE
                                               : TRANSFER_STOP_NO_ROOM);
    return is_whole(t) ? stop_here(t, TRANSFER_STOP_WHOLE) : n;
}

/* --- setting up ----------------------------------------------------------------- */

static CURLcode set_callbacks(CURL *c, struct transfer *t)
{
    CURLcode rc = CURLE_OK;

    rc |= curl_easy_setopt(c, CURLOPT_PRIVATE, t);
    rc |= curl_easy_setopt(c, CURLOPT_ERRORBUFFER, t->error_text);
    rc |= curl_easy_setopt(c, CURLOPT_WRITEFUNCTION, on_body);
    rc |= curl_easy_setopt(c, CURLOPT_WRITEDATA, t);
    rc |= curl_easy_setopt(c, CURLOPT_HEADERFUNCTION, on_header);
    rc |= curl_easy_setopt(c, CURLOPT_HEADERDATA, t);
    rc |= curl_easy_setopt(c, CURLOPT_OPENSOCKETFUNCTION, on_open_socket);
    rc |= curl_easy_setopt(c, CURLOPT_OPENSOCKETDATA, t);
    rc |= curl_easy_setopt(c, CURLOPT_CLOSESOCKETFUNCTION, multi_close_socket);
    rc |= curl_easy_setopt(c, CURLOPT_CLOSESOCKETDATA, t->shared->multi);
    rc |= curl_easy_setopt(c, CURLOPT_PREREQFUNCTION, on_before_request);
    rc |= curl_easy_setopt(c, CURLOPT_PREREQDATA, t);
    return rc;
}

/* Everything libcurl might do by itself is off: redirects, decoding, credentials, cookies,
 * alternative services, other schemes (promises P8, P23, P45, P52). */
static CURLcode set_restraint(CURL *c)
{
    CURLcode rc = CURLE_OK;

    rc |= curl_easy_setopt(c, CURLOPT_PROTOCOLS_STR, "http,https");
    rc |= curl_easy_setopt(c, CURLOPT_REDIR_PROTOCOLS_STR, "http,https");
    rc |= curl_easy_setopt(c, CURLOPT_FOLLOWLOCATION, 0L);
    rc |= curl_easy_setopt(c, CURLOPT_PATH_AS_IS, 1L);
    rc |= curl_easy_setopt(c, CURLOPT_DISALLOW_USERNAME_IN_URL, 1L);
    rc |= curl_easy_setopt(c, CURLOPT_NETRC, (long)CURL_NETRC_IGNORED);
    rc |= curl_easy_setopt(c, CURLOPT_UNRESTRICTED_AUTH, 0L);
    rc |= curl_easy_setopt(c, CURLOPT_AUTOREFERER, 0L);
    rc |= curl_easy_setopt(c, CURLOPT_NOPROXY, "");
    rc |= curl_easy_setopt(c, CURLOPT_SUPPRESS_CONNECT_HEADERS, 1L);
    rc |= curl_easy_setopt(c, CURLOPT_ACCEPT_ENCODING, NULL);
    rc |= curl_easy_setopt(c, CURLOPT_HTTP_CONTENT_DECODING, 0L);
    rc |= curl_easy_setopt(c, CURLOPT_HTTP_TRANSFER_DECODING, 1L);
    rc |= curl_easy_setopt(c, CURLOPT_HTTP09_ALLOWED, 0L);
    rc |= curl_easy_setopt(c, CURLOPT_SSL_VERIFYPEER, 1L);
    rc |= curl_easy_setopt(c, CURLOPT_SSL_VERIFYHOST, 2L);
    rc |= curl_easy_setopt(c, CURLOPT_SSL_SESSIONID_CACHE, 0L);
    rc |= curl_easy_setopt(c, CURLOPT_NOSIGNAL, 1L);
    rc |= curl_easy_setopt(c, CURLOPT_NOPROGRESS, 1L);
    rc |= curl_easy_setopt(c, CURLOPT_QUICK_EXIT, 1L);
    return rc;
}

/* setopt copies its strings, so the NUL-terminated copy is short-lived. */
static CURLcode set_text(CURL *c, CURLoption option, struct span text)
{
    char *str = mem_str_copy(text);
    CURLcode rc = curl_easy_setopt(c, option, str);

    mem_free(str);
    return rc;
}

static CURLcode set_options(CURL *c, const struct transfer_shared *shared)
{
    const struct fetcher_options *o = &shared->options;
    CURLcode rc = CURLE_OK;

    rc |= set_text(c, CURLOPT_USERAGENT, o->user_agent);
    rc |= set_text(c, CURLOPT_PROXY, o->proxy); /* "" also shuts out the environment's */
    /* Without a proxy libcurl only meets literals, and a walk over its cache costs at every
     * transfer; with one, the proxy's own name is all it looks up. */
    if (!o->proxy.len)
        rc |= curl_easy_setopt(c, CURLOPT_DNS_CACHE_TIMEOUT, 0L);
    rc |= curl_easy_setopt(c, CURLOPT_BUFFERSIZE, shared->buffer_bytes);
    rc |= curl_easy_setopt(c, CURLOPT_HTTP_VERSION, (long)CURL_HTTP_VERSION_2TLS);
    rc |= curl_easy_setopt(c, CURLOPT_MAXAGE_CONN, KEEP_IDLE_S);
    rc |= curl_easy_setopt(c, CURLOPT_HTTPHEADER, shared->constant_headers);
    return rc;
}

/*
 * Each start gets a handle of its own, for a few microseconds: libcurl before 8.1 keeps a
 * pointer into the freed header fields of a handle's transfer before, and writes there when the
 * next answer begins with a folded line. The connections are the multi handle's and stay.
 * Here rather than in transfer_release, as libcurl is only called on the loop's stack.
 */
static CURLcode open_handle(struct transfer *t)
{
    curl_easy_cleanup(t->easy);
    t->easy = curl_easy_init();
    if (!t->easy)
        return CURLE_OUT_OF_MEMORY;
    return set_callbacks(t->easy, t) | set_restraint(t->easy) |
           set_options(t->easy, t->shared);
}

struct transfer *transfer_new(struct transfer_shared *shared)
{
    struct transfer *t = mem_alloc(sizeof(*t));

    t->shared = shared;
    list_init(&t->active);
    list_init(&t->queue);
    head_init(&t->head, shared->options.max_header_bytes, shared->options.max_headers);
    buf_init(&t->header_text, MAX_REQUEST_BYTES);
    buf_init(&t->url_text, MAX_URL_BYTES);
    return t;
}

void transfer_free(struct transfer *t)
{
    curl_easy_cleanup(t->easy);
    bodies_free(t->shared->bodies, &t->body);
    head_clear(&t->head);
    buf_clear(&t->header_text);
    buf_clear(&t->url_text);
    mem_free(t->header_nodes);
    mem_free(t);
}

void transfer_prepare(struct transfer *t, const struct fetch_request *request,
                      const struct sockaddr *address, int64_t connect_share_ns)
{
    BUG_IF(t->state == TRANSFER_QUEUED || t->state == TRANSFER_RUNNING);
    t->request = request;
    t->state = TRANSFER_QUEUED;
    t->phase = TRANSFER_CONNECTING;
    t->stop = TRANSFER_NO_STOP;
    t->is_reused = true; /* until a socket is opened */
    t->was_sent = t->wanted_resend = t->is_out_of_descriptors = false;
    t->is_connect_failure = t->is_http2 = false;
    t->os_errno = 0;
    t->connection_key = 0;
    t->refusal = t->late_why = NULL;
    t->wire_size = 0;
    t->connect_share_ns = connect_share_ns;
    t->error_text[0] = '\0';
    t->has_resolved = address != NULL;
    if (address)
        memcpy(&t->address, address,
               address->sa_family == AF_INET ? sizeof(t->address.v4)
                                             : sizeof(t->address.v6));
    head_reset(&t->head);
    bodies_free(t->shared->bodies, &t->body);
}

/* "::127.0.0.1:8080": from whatever the URL says to this address. Not our DNS cache's business
 * how the URL spells the host; Host, SNI and the certificate check keep the name. */
static CURLcode set_connect_to(struct transfer *t)
{
    char ip[ADDRESS_TEXT_SIZE];
    bool is_v6 = t->address.any.sa_family == AF_INET6;

    if (!t->has_resolved)
        return CURLE_OK;
    (void)snprintf(t->connect_to_text, sizeof(t->connect_to_text),
                   is_v6 ? "::[%s]:%u" : "::%s:%u", address_format(&t->address.any, ip),
                   t->request->port);
    t->connect_to.data = t->connect_to_text;
    t->connect_to.next = NULL;
    return curl_easy_setopt(t->easy, CURLOPT_CONNECT_TO, &t->connect_to);
}

/* First pass of own headers: the text, lines parted by NUL. ("Name;" is libcurl's way of
 * writing a field without a value.) */
static enum err write_own_headers(struct transfer *t, size_t *out_n)
{
    struct request_cursor c = { 0 };
    struct request_line line;
    enum err e = OK;

    *out_n = 0;
    buf_reset(&t->header_text);
    while (!e && request_next(&t->shared->options, t->request, &c, &line)) {
        if (line.is_automatic)
            continue;
        e = buf_printf(&t->header_text, line.value.len ? "%.*s: %.*s" : "%.*s;%.*s",
                       SPAN_ARG(line.name), SPAN_ARG(line.value));
        if (!e)
            e = buf_append_byte(&t->header_text, '\0');
        ++*out_n;
    }
    return e;
}

static CURLcode set_headers(struct transfer *t)
{
    size_t n;

    if (request_is_plain(t->request))
        return CURLE_OK; /* the constant ones, see set_options */
    if (write_own_headers(t, &n))
        return CURLE_OUT_OF_MEMORY;
    if (n > t->n_header_nodes) {
        mem_free(t->header_nodes);
        t->header_nodes = mem_array(n, sizeof(*t->header_nodes));
        t->n_header_nodes = n;
    }
    char *at = t->header_text.ptr;

    for (size_t i = 0; i < n; i++) {
        t->header_nodes[i].data = at;
        t->header_nodes[i].next = i + 1 < n ? &t->header_nodes[i + 1] : NULL;
        at += strlen(at) + 1;
    }
    return curl_easy_setopt(t->easy, CURLOPT_HTTPHEADER, n ? t->header_nodes : NULL);
}

/* What is kept in vain is in the way of others, until its server closes it. */
static bool has_room_to_keep(const struct transfer *t)
{
    const struct transfer_shared *s = t->shared;
    size_t share = t->request->keep == FETCH_KEEP ? 1 : 2;

    return t->request->keep != FETCH_CLOSE && multi_n_open(s->multi) < s->max_open / share &&
           (!is_over_tls(t) || multi_n_tls(s->multi) < s->max_tls / share);
}

/* Where this request differs from most. */
static CURLcode set_per_request(struct transfer *t, bool is_http1_only)
{
    const struct fetch_request *r = t->request;
    bool is_short = t->shared->short_of_descriptors_until > loop_now(t->shared->loop);
    CURLcode rc = CURLE_OK;

    if (r->is_insecure)
        rc |= trust_nobody(t->easy);
    if (has_tls_proxy(t) || (r->is_https && !r->is_insecure))
        rc |= trust_use(t->shared->trust, t->easy);
    if (r->is_fresh)
        rc |= curl_easy_setopt(t->easy, CURLOPT_FRESH_CONNECT, 1L);
    if (is_short || !has_room_to_keep(t))
        rc |= curl_easy_setopt(t->easy, CURLOPT_FORBID_REUSE, 1L);
    if (is_http1_only)
        rc |= curl_easy_setopt(t->easy, CURLOPT_HTTP_VERSION, (long)CURL_HTTP_VERSION_1_1);
    /* libcurl closes what is older than a request says, of all hosts; where they are merely many, they stay. */
    if (is_short)
        rc |= curl_easy_setopt(t->easy, CURLOPT_MAXAGE_CONN, KEEP_IDLE_SHORT_S);
    return rc;
}

/* Half is left to others, who would wait for slow servers else; and what is small waits for nothing large. */
static enum err reserve_body(struct transfer *t)
{
    struct bodies *b = t->shared->bodies;

    if (bodies_reserve(b, &t->body, MIN(t->request->reserve_bytes, max_body(t))))
        return ERR_FULL;
    t->reserved = (size_t)t->body.size_pages * BODIES_PAGE;
    t->shared->reserved += t->reserved;
    return t->reserved > bodies_size(b) / 64 && t->shared->reserved > bodies_size(b) / 2 ? ERR_FULL : OK;
}

enum err transfer_start(struct transfer *t, bool is_http1_only)
{
    const char *target;

    if (open_handle(t))
        return ERR_NO_MEMORY;
    if (t->request->reserve_bytes && reserve_body(t)) {
        t->stop = TRANSFER_STOP_UNSTARTED;
        return ERR_FULL;
    }
    buf_reset(&t->url_text);
    if (buf_append(&t->url_text, t->request->url) || buf_append_byte(&t->url_text, '\0'))
        return ERR_TOO_LARGE;
    target = request_target(t->request, t->url_text.ptr, t->shared->options.proxy.len && !t->request->is_https);
    if (curl_easy_setopt(t->easy, CURLOPT_URL, t->url_text.ptr) |
        curl_easy_setopt(t->easy, CURLOPT_REQUEST_TARGET, target) | set_connect_to(t) | set_headers(t) |
        set_per_request(t, is_http1_only))
        return ERR_NO_MEMORY;
    if (multi_add(t->shared->multi, t->easy, t->host_hash))
        return ERR_NO_MEMORY;
    t->state = TRANSFER_RUNNING;
    t->started_at = t->phase_at = loop_now(t->shared->loop);
    t->shared->stats.requests++;
    return OK;
}

void transfer_stop(struct transfer *t)
{
    multi_remove(t->shared->multi, t->easy, t->host_hash);
}

void transfer_release(struct transfer *t)
{
    bodies_free(t->shared->bodies, &t->body);
    head_reset(&t->head); /* many lines would lie here for long */
    t->state = TRANSFER_IDLE;
    t->request = NULL;
    t->is_abandoned = false;
}

/* --- clocks (promise P11) ------------------------------------------------------------ */

/* Fewer than the limit's bytes within the last low_speed_ms, seen in steps of a quarter. */
static bool is_too_slow(struct transfer *t, int64_t now_ns)
{
    const struct fetcher_options *o = &t->shared->options;
    int64_t bytes = (int64_t)t->head.n_bytes + t->wire_size;
    int64_t *mark = &t->marks[t->n_marks % TRANSFER_N_MARKS];
    bool is_slow = false;

    if (now_ns < t->next_mark_at)
        return false;
    if (t->n_marks >= TRANSFER_N_MARKS)
        is_slow = bytes - *mark < o->low_speed_bytes * o->low_speed_ms / 1000;
    *mark = bytes;
    t->n_marks++;
    t->next_mark_at = clock_after(now_ns, o->low_speed_ms * NS_PER_MS / TRANSFER_N_MARKS);
    return is_slow;
}

const char *transfer_overdue(struct transfer *t, int64_t now_ns)
{
    const struct fetcher_options *o = &t->shared->options;
    int64_t in_phase = now_ns - t->phase_at;

    if (now_ns >= t->total_at)
        return "total time exceeded";
    if (t->phase == TRANSFER_CONNECTING)
        return in_phase >= t->connect_share_ns ? "connecting took too long" : NULL;
    if (t->phase == TRANSFER_WAITING)
        return in_phase >= o->first_byte_timeout_ms * NS_PER_MS ? "no first byte in time" : NULL;
    return is_too_slow(t, now_ns) ? "transfer too slow" : NULL;
}

/* --- the end ------------------------------------------------------------------------------ */

static int32_t ms_of(CURL *c, CURLINFO info)
{
    curl_off_t us = 0;

    if (curl_easy_getinfo(c, info, &us) || us <= 0)
        return -1;
    return (int32_t)MIN((us + 500) / 1000, (curl_off_t)INT32_MAX);
}

static void read_timings(struct transfer *t)
{
    int32_t connect = t->is_reused ? -1 : ms_of(t->easy, CURLINFO_CONNECT_TIME_T);
    int32_t tls = t->is_reused ? -1 : ms_of(t->easy, CURLINFO_APPCONNECT_TIME_T);

    t->timings.connect_ms = connect;
    t->timings.tls_ms = tls < 0 ? -1 : tls - MAX(connect, 0);
    t->timings.ttfb_ms = ms_of(t->easy, CURLINFO_STARTTRANSFER_TIME_T);
}

/* The handle has copies of all header lines, and may lie idle for long. */
static void drop_large_head(struct transfer *t)
{
    curl_easy_cleanup(t->easy);
    t->easy = NULL;
    count_head(t, 0);
}

/* What libcurl said, and what we make of it. */
static void judge(struct transfer *t, CURLcode result)
{
    long version = 0;
    long os_errno = 0;

    t->outcome = outcome_of(t, result);
    t->was_reused_and_lost = outcome_is_lost_reuse(t);
    t->is_connect_failure =
        t->phase == TRANSFER_CONNECTING && !t->is_out_of_descriptors &&
        (t->outcome == FETCH_CONNECT_FAILED || t->outcome == FETCH_TIMEOUT);
    if (!t->os_errno && !curl_easy_getinfo(t->easy, CURLINFO_OS_ERRNO, &os_errno))
        t->os_errno = (int)os_errno;
    if (!curl_easy_getinfo(t->easy, CURLINFO_HTTP_VERSION, &version))
        t->is_http2 = t->request->is_https && version == CURL_HTTP_VERSION_2_0;
    if (t->is_http2)
        multi_note_multiplexed(t->shared->multi, t->connection_key);
    if (result && t->connection_key && t->stop == TRANSFER_NO_STOP)
        multi_cut(t->shared->multi, t->connection_key);
    if (result == CURLE_SSL_CACERT_BADFILE && trust_problem(t->shared->trust)[0])
        (void)snprintf(t->error_text, sizeof(t->error_text), "%s", trust_problem(t->shared->trust));
    if (!t->error_text[0] && result)
        (void)snprintf(t->error_text, sizeof(t->error_text), "%s",
                       result == CURLE_BAD_FUNCTION_ARGUMENT
                           ? "malformed header block"
                           : curl_easy_strerror(result));
    if (t->is_reused && t->was_sent)
        t->shared->stats.reused++;
    read_timings(t);
}

void transfer_finish(struct transfer *t, CURLcode result)
{
    t->state = TRANSFER_DONE;
    t->ended_at = clock_now_ns();
    t->shared->reserved -= t->reserved;
    t->reserved = 0;
    if (!t->body.len) /* what was reserved for it */
        bodies_free(t->shared->bodies, &t->body);
    if (!t->is_abandoned)
        judge(t, result);
    if (t->large_head)
        drop_large_head(t);
}
