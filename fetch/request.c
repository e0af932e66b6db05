/* SPDX-License-Identifier: MIT */
#include "fetch/request.h"

#define WITHHELD SPAN("(withheld)")
#define NAME(text)             \
    {                          \
        text, sizeof(text) - 1 \
    }

/* The same for everybody. The codings are those that the parser processes undo. */
static const struct request_line CONSTANT_LINES[] = {
    { NAME("Accept"),
      NAME("text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8"), false },
    { NAME("Accept-Encoding"), NAME("gzip, br, zstd"), false },
};

/* The caller's own lines may hold keys and passwords under any name; these do not. */
static const struct span PLAIN_NAMES[] = {
    NAME("Accept"), NAME("Accept-Encoding"), NAME("Accept-Language"),
    NAME("From"),   NAME("Host"),            NAME("User-Agent"),
};
#undef NAME

enum {
    LINE_HOST,
    LINE_USER_AGENT,
    LINE_CONSTANT,
    LINE_ETAG = LINE_CONSTANT + ARRAY_LEN(CONSTANT_LINES),
    LINE_LAST_MODIFIED,
    LINE_OWN,
};

/* A token, RFC 9110 §5.6.2. */
static bool is_name(struct span s)
{
    for (size_t i = 0; i < s.len; i++) {
        unsigned char c = (unsigned char)s.ptr[i];

        if (c <= ' ' || c >= 0x7f || strchr("\"(),/:;<=>?@[\\]{}", c))
            return false;
    }
    return s.len > 0;
}

static bool is_value(struct span s)
{
    for (size_t i = 0; i < s.len; i++)
        if (s.ptr[i] == '\r' || s.ptr[i] == '\n' || s.ptr[i] == '\0')
            return false;
    return true;
}

static bool is_replaced(const struct fetch_request *r, struct span name)
{
    for (size_t i = 0; i < r->n_headers; i++)
        if (span_eq_nocase(r->headers[i].name, name))
            return true;
    return false;
}

static void line_at(const struct fetcher_options *o, const struct fetch_request *r,
                    size_t i, struct request_line *out)
{
    switch (i) {
    case LINE_HOST:
        *out = (struct request_line){ SPAN("Host"), SPAN_NONE, true };
        break;
    case LINE_USER_AGENT:
        *out = (struct request_line){ SPAN("User-Agent"), o->user_agent, true };
        break;
    case LINE_ETAG:
        *out = (struct request_line){ SPAN("If-None-Match"), r->etag, false };
        break;
    case LINE_LAST_MODIFIED:
        *out =
            (struct request_line){ SPAN("If-Modified-Since"), r->last_modified, false };
        break;
    default: *out = CONSTANT_LINES[i - LINE_CONSTANT]; break;
    }
}

bool request_next(const struct fetcher_options *o, const struct fetch_request *r,
                  struct request_cursor *c, struct request_line *out)
{
    while (c->next < LINE_OWN + r->n_headers) {
        size_t i = c->next++;

        if (i >= LINE_OWN) {
            const struct fetch_header *h = &r->headers[i - LINE_OWN];

            *out = (struct request_line){ h->name, span_trim(h->value), false };
        } else {
            line_at(o, r, i, out);
            if (is_replaced(r, out->name) || (i != LINE_HOST && !out->value.len))
                continue;
        }
        if (is_name(out->name) && is_value(out->value))
            return true;
    }
    return false;
}

bool request_is_plain(const struct fetch_request *r)
{
    return !r->n_headers && !r->etag.len && !r->last_modified.len;
}

bool request_constant(size_t i, struct request_line *out)
{
    if (i >= ARRAY_LEN(CONSTANT_LINES))
        return false;
    *out = CONSTANT_LINES[i];
    return true;
}

static bool is_plain(struct span name)
{
    for (size_t i = 0; i < ARRAY_LEN(PLAIN_NAMES); i++)
        if (span_eq_nocase(name, PLAIN_NAMES[i]))
            return true;
    return false;
}

/* Writes s at *at and moves on, or only counts when *at is NULL. */
static void put(char **at, size_t *n, struct span s)
{
    if (*at && s.len) {
        memcpy(*at, s.ptr, s.len);
        *at += s.len;
    }
    *n += s.len;
}

/* Both passes of request_record: counting (at is NULL) and writing. */
static size_t put_lines(const struct fetcher_options *o, const struct fetch_request *r,
                        struct span port, char *at)
{
    struct request_cursor c = { 0 };
    struct request_line line;
    size_t n = 0;

    while (request_next(o, r, &c, &line)) {
        bool is_own = c.next > LINE_OWN;

        put(&at, &n, line.name);
        put(&at, &n, SPAN(": "));
        if (line.is_automatic && !line.value.len) {
            put(&at, &n, r->host);
            put(&at, &n, port);
        } else {
            put(&at, &n, is_own && !is_plain(line.name) ? WITHHELD : line.value);
        }
        put(&at, &n, SPAN("\r\n"));
    }
    return n;
}

enum err request_record(const struct fetcher_options *o, const struct fetch_request *r,
                        struct arena *mem, struct span *out)
{
    char port_text[8] = "";
    uint16_t default_port = r->is_https ? 443 : 80;

    if (r->port != default_port)
        (void)snprintf(port_text, sizeof(port_text), ":%u", r->port);

    size_t n = put_lines(o, r, span_str(port_text), NULL);
    char *text = arena_try_alloc(mem, n);

    if (!text)
        return ERR_TOO_LARGE;
    (void)put_lines(o, r, span_str(port_text), text);
    *out = span_make(text, n);
    return OK;
}

const char *request_target(const struct fetch_request *r, const char *url_text, bool is_absolute)
{
    size_t host_at = span_find_span(r->url, SPAN("://")) + 3;

    if (!r->url.len || r->url.ptr[r->url.len - 1] != '?')
        return NULL;
    return is_absolute ? url_text : url_text + host_at + span_find(span_skip(r->url, host_at), '/');
}
