/* SPDX-License-Identifier: MIT */
#include "crawler/record.h"

#include "parse/decode.h"

void record_fetch(struct store_visit *r, const struct fetch_result *got, int attempt)
{
    r->has_fetch = true;
    r->counts_as_page = got->status_code != 0;
    r->attempt = attempt;
    r->fetched_at_ms = got->started_wall_ms;
    r->outcome = result_outcome_name(got->outcome);
    r->status_code = got->status_code;
    r->error = got->error;
    r->content_type = got->content_type;
    r->http_version = got->http_version;
    r->ip = got->ip;
    r->size = r->wire_size = got->wire_size;
    r->dns_ms = got->timings.dns_ms;
    r->connect_ms = got->timings.connect_ms;
    r->tls_ms = got->timings.tls_ms;
    r->ttfb_ms = got->timings.ttfb_ms;
    r->total_ms = got->timings.total_ms;
    r->etag = got->etag;
    r->last_modified = got->last_modified;
    r->location = got->location;
    r->request_headers = got->request_headers;
    r->headers = got->headers;
    r->n_bytes = got->wire_size;
}

struct span record_why_decoding_stopped(int64_t size, int64_t wire_size, int64_t max_size)
{
    if (size >= max_size)
        return SPAN("decoded body over --max-size");
    if (size / DECODE_MAX_RATIO >= wire_size)
        return SPAN("decoded body over 200 times what was sent");
    return SPAN("no memory to decode the body");
}
