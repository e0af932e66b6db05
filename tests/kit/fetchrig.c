/* SPDX-License-Identifier: MIT */
#include "tests/kit/fetchrig.h"

#include "config/clock.h"
#include "config/mem.h"

void fetchrig_init(struct fetchrig *rig)
{
    *rig = (struct fetchrig){ .bodies_bytes = (size_t)64 << 20 };
    rig->policy.allows_private = true;
    rig->options =
        (struct fetcher_options){ .connect_timeout_ms = 2000,
                                  .first_byte_timeout_ms = 2000,
                                  .total_timeout_ms = 10000,
                                  .low_speed_bytes = 100,
                                  .low_speed_ms = 2000,
                                  .max_body_bytes = (size_t)10 << 20,
                                  .max_header_bytes = (size_t)300 << 10,
                                  .max_headers = 5000,
                                  .max_heads_bytes = (size_t)64 << 20,
                                  .max_tls_bytes = (size_t)256 << 20,
                                  .concurrency = 64,
                                  .user_agent = SPAN("crawl-test/1 (+http://t.test)") };
}

void fetchrig_open(struct fetchrig *rig)
{
    struct err_note note = { "" };
    enum err e;

    rig->options.addresses = &rig->policy;
    e = loop_open(&rig->loop, &note);
    if (!e)
        e = sched_open(rig->loop, &rig->sched, &note);
    if (!e)
        e = dns_open(rig->sched, rig->dns_servers, &rig->dns, &note);
    if (!e)
        e = bodies_open(rig->bodies_bytes, &rig->bodies, &note);
    if (!e)
        e = fetcher_open(rig->sched, &rig->options, rig->dns, rig->bodies,
                         &rig->fetcher, &note);
    if (e)
        fprintf(stderr, "fetchrig: %s\n", note.text);
    BUG_IF(e != OK);
}

size_t fetchrig_close(struct fetchrig *rig)
{
    size_t n_left;

    fetcher_close(rig->fetcher);
    n_left = bodies_used(rig->bodies);
    bodies_close(rig->bodies);
    dns_close(rig->dns);
    sched_close(rig->sched);
    loop_close(rig->loop);
    return n_left;
}

void fetchrig_run(struct fetchrig *rig, coro_fn *fn, void *arg)
{
    struct group *g = group_new(rig->sched, NULL);

    group_set_detached(g);
    BUG_IF(group_spawn(g, "fetchrig", fn, arg, NULL) != OK);
    sched_run(rig->sched);
    group_free(g);
}

struct fetch_request fetchrig_request(const char *url)
{
    struct span rest = span_str(url);
    struct fetch_request r = { .url = rest, .keep = FETCH_KEEP };
    size_t host_end;
    uint64_t port;

    r.is_https = span_starts(rest, SPAN("https://"));
    rest = span_skip(rest, r.is_https ? 8 : 7);
    rest = span_slice(rest, 0, span_find(rest, '/'));
    host_end = rest.len && rest.ptr[0] == '[' ? span_find(rest, ']') + 1
                                              : span_find(rest, ':');
    r.host = span_slice(rest, 0, host_end);
    r.port = r.is_https ? 443 : 80;
    if (host_end < rest.len) {
        BUG_IF(!span_parse_u64(span_skip(rest, host_end + 1), &port) ||
               port > UINT16_MAX);
        r.port = (uint16_t)port;
    }
    return r;
}

struct batch {
    struct fetchrig *rig;
    struct fetchrig_get *gets;
    size_t n;
};

static void get_one(struct fetchrig *rig, struct fetchrig_get *get)
{
    int64_t started_at = clock_now_ns();
    deadline until = get->until_ms ? clock_after(started_at, get->until_ms * NS_PER_MS)
                                   : DEADLINE_NEVER;

    arena_init(&get->mem, (size_t)8 << 20);
    get->err =
        fetcher_fetch(rig->fetcher, &get->request, &get->mem, until, &get->result);
    get->took_ms = (clock_now_ns() - started_at) / NS_PER_MS;
}

static intptr_t get_each(void *arg)
{
    struct batch *b = arg;

    for (size_t i = 0; i < b->n; i++)
        get_one(b->rig, &b->gets[i]);
    return 0;
}

void fetchrig_get_each(struct fetchrig *rig, struct fetchrig_get *gets, size_t n)
{
    struct batch b = { rig, gets, n };

    fetchrig_run(rig, get_each, &b);
}

void fetchrig_get_all(struct fetchrig *rig, struct fetchrig_get *gets, size_t n)
{
    struct batch *batches = mem_array(n, sizeof(*batches));
    struct group *g = group_new(rig->sched, NULL);

    group_set_detached(g);
    for (size_t i = 0; i < n; i++) {
        batches[i] = (struct batch){ rig, &gets[i], 1 };
        BUG_IF(group_spawn(g, "fetchrig", get_each, &batches[i], NULL) != OK);
    }
    sched_run(rig->sched);
    group_free(g);
    mem_free(batches);
}

void fetchrig_get_clear(struct fetchrig *rig, struct fetchrig_get *get)
{
    if (!get->err)
        bodies_free(rig->bodies, &get->result.body);
    arena_clear(&get->mem);
}
