/* SPDX-License-Identifier: MIT */
#include "fetch/answer.h"

#include "fetch/address.h"
#include "fetch/outcome.h"
#include "parse/header.h"

/* Bytes from outside end up in logs and tables: only printable ASCII passes. */
static struct span clean_text(struct arena *mem, const char *text)
{
    size_t n = strlen(text);
    char *copy = arena_try_alloc(mem, n + 1);

    if (!copy)
        return SPAN_NONE;
    for (size_t i = 0; i < n; i++)
        copy[i] = (char)(text[i] >= ' ' && text[i] < 0x7f ? text[i] : '?');
    copy[n] = '\0';
    return span_make(copy, n);
}

static struct span error_of_proxy(const struct transfer *t, struct arena *mem)
{
    struct span why = head_value(&t->head, HEAD_SQUID_ERROR);
    char text[160];

    if (t->head.status_code == 407)
        return SPAN("the proxy wants a user name and a password (407)");
    why = span_slice(why, 0, MIN(why.len, (size_t)100));
    (void)snprintf(text, sizeof text, "the proxy cannot: %.*s", SPAN_ARG(why));
    return clean_text(mem, text);
}

static struct span error_of_stop(const struct transfer *t, struct arena *mem)
{
    switch (t->stop) {
    case TRANSFER_STOP_LATE: return span_str(t->late_why);
    case TRANSFER_STOP_PROXY: return error_of_proxy(t, mem);
    case TRANSFER_STOP_BAD_HEAD: return span_str(t->head.refusal);
    case TRANSFER_STOP_TOO_LARGE: return SPAN("body over the limit");
    case TRANSFER_STOP_NO_ROOM:
    case TRANSFER_STOP_UNSTARTED: return SPAN("no room for bodies");
    default: return SPAN_NONE;
    }
}

/* Where libcurl saw nothing wrong but we did. */
static struct span error_of_outcome(const struct transfer *t)
{
    switch (t->outcome) {
    case FETCH_INCOMPLETE: return SPAN("partial content nobody asked for");
    case FETCH_BAD_RESPONSE:
        return t->head.status_code == 304 ? SPAN("304 without a condition")
                                          : SPAN("unexpected interim status");
    case FETCH_CONNECTION_LOST:
        return SPAN("connection closed before the header fields were complete");
    default: return SPAN_NONE;
    }
}

static struct span error_of(const struct transfer *t, struct arena *mem)
{
    bool is_ours = t->stop == TRANSFER_STOP_SKIPPED || t->stop == TRANSFER_STOP_WHOLE;
    char ip[ADDRESS_TEXT_SIZE];

    if (t->stop != TRANSFER_NO_STOP && !is_ours)
        return error_of_stop(t, mem);
    if (t->was_reused_and_lost)
        return SPAN("the kept connection was lost before an answer");
    if (t->refusal)
        return span_str(t->refusal);
    if (t->outcome <= FETCH_HTTP_ERROR)
        return SPAN_NONE;
    if (t->is_connect_failure && t->os_errno && t->has_resolved && t->outcome == FETCH_CONNECT_FAILED)
        return arena_format(mem, "%s port %u: %s", address_format(&t->address.any, ip), t->request->port,
                            strerror(t->os_errno));
    if (t->outcome == FETCH_CONNECT_FAILED && outcome_is_cut_handshake(t))
        return SPAN("the connection was cut in the TLS handshake");
    if (is_ours) /* libcurl's words are about our stopping it */
        return error_of_outcome(t);
    return t->error_text[0] ? clean_text(mem, t->error_text) : error_of_outcome(t);
}

static void view_fields(const struct transfer *t, struct fetch_result *r)
{
    const struct {
        enum head_field field;
        struct span *value;
    } views[] = {
        { HEAD_CONTENT_TYPE, &r->content_type },
        { HEAD_LOCATION, &r->location },
        { HEAD_ETAG, &r->etag },
        { HEAD_LAST_MODIFIED, &r->last_modified },
        { HEAD_RETRY_AFTER, &r->retry_after },
    };

    for (size_t i = 0; i < ARRAY_LEN(views); i++) {
        struct span v = head_value(&t->head, views[i].field);

        if (v.len)
            *views[i].value =
                span_make(r->headers.ptr + (v.ptr - t->head.lines.ptr), v.len);
    }
}

void answer_take(struct transfer *t, struct arena *mem, struct fetch_result *r)
{
    char ip[ADDRESS_TEXT_SIZE];

    r->outcome = t->outcome;
    r->error = error_of(t, mem);
    r->wire_size = t->wire_size;
    r->ended_ns = t->ended_at;
    r->body = t->body;
    t->body = (struct body_ref){ 0 };
    r->timings.connect_ms = t->timings.connect_ms;
    r->timings.tls_ms = t->timings.tls_ms;
    r->timings.ttfb_ms = t->timings.ttfb_ms;
    if (t->is_reused)
        r->timings.dns_ms = -1;
    r->body_skipped = t->stop == TRANSFER_STOP_SKIPPED;
    r->was_reused_and_lost = t->was_reused_and_lost;
    r->is_out_of_descriptors = t->is_out_of_descriptors;
    r->is_without_room = t->stop == TRANSFER_STOP_UNSTARTED;
    if (t->has_resolved)
        r->ip = arena_copy(mem, span_str(address_format(&t->address.any, ip)));
    if (!t->head.status_code || t->stop == TRANSFER_STOP_PROXY)
        return;
    r->status_code = t->head.status_code;
    r->http_version = t->is_http2          ? SPAN("2")
                      : t->head.http_minor ? SPAN("1.1")
                                           : SPAN("1.0");
    if (arena_try_copy(mem, buf_span(&t->head.lines), &r->headers)) {
        r->outcome = FETCH_BAD_RESPONSE;
        r->error = SPAN("header fields exceed the memory for this page");
        return;
    }
    view_fields(t, r);
    /* A list, which may stand in several lines (RFC 9110 §5.3). */
    r->content_encoding = header_joined(r->headers, SPAN("Content-Encoding"), mem);
}
