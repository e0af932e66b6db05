/* SPDX-License-Identifier: MIT */
#include "crawler/ask.h"

#include "config/clock.h"
#include "config/io.h"
#include "config/mem.h"
#include "crawler/archive.h"
#include "crawler/credentials.h"
#include "fetch/address.h"
#include "parse/header.h"

/* Somewhat longer than a failed lookup is remembered (fetch/dns.h). */
#define NAMES_FAIL_NS (35 * NS_PER_S)

#define LOOK_AGAIN_NS NS_PER_S /* for the network */
#define MAX_DOUBLINGS 5        /* of the time between two tries */

#define FIRST_ROOM ((size_t)64 * KIB)
#define ROOM_GROWS 4

/* Requests in flight to one address; lives while there is one. */
struct ip_permit {
    struct sem sem;
    int64_t users;
};

static enum err take_turn(struct crawl *c, deadline until)
{
    enum err e = c->stop ? ERR_CANCELLED : sem_enter(&c->permits, until);

    if (e)
        return e;
    e = coro_sleep_until(ask_pace(c));
    if (e)
        sem_leave(&c->permits);
    return e;
}

/* Who waits for an address or the network: its permit of --concurrency and place in --rate are others' meanwhile. */
static void step_aside(struct crawl *c)
{
    c->in_flight--;
    c->waiting_aside++;
    ask_unpace(c);
    sem_leave(&c->permits);
    crawl_poke(c);
}

/*
 * waited: how the waiting ended. Whoever asks here has no deadline, so an error only comes when the crawl ends, and
 * then one permit too many is no harm.
 */
static enum err step_back(struct crawl *c, enum err waited, deadline until)
{
    enum err e = waited ? waited : take_turn(c, until);

    c->waiting_aside--;
    c->in_flight++;
    crawl_poke(c);
    return e;
}

/* The address is busy. */
static enum err wait_aside(struct crawl *c, struct sem *address, deadline until)
{
    enum err waited, e;

    step_aside(c);
    waited = sem_enter(address, until);
    e = step_back(c, waited, until);
    if (e && !waited)
        sem_leave(address);
    return e;
}

static enum err enter_address(void *arg, struct span ip, deadline until)
{
    struct crawl *c = arg;
    struct ip_permit *p = map_get(&c->ip_permits, ip);
    enum err e = OK;

    if (!p) {
        p = mem_alloc(sizeof *p);
        sem_init_permits(&p->sem, c->settings->per_ip);
        map_set(&c->ip_permits, ip, p);
    }
    p->users++;
    if (!sem_try_enter(&p->sem))
        e = wait_aside(c, &p->sem, until);
    if (e && --p->users == 0)
        mem_free(map_remove(&c->ip_permits, ip));
    return e;
}

static void leave_address(void *arg, struct span ip)
{
    struct crawl *c = arg;
    struct ip_permit *p = map_get(&c->ip_permits, ip);

    sem_leave(&p->sem);
    if (--p->users == 0)
        mem_free(map_remove(&c->ip_permits, ip));
}

void ask_clear(struct crawl *c)
{
    map_clear_values(&c->ip_permits, mem_free);
}

void ask_note_cut(const struct fetch_result *got, size_t *io_room)
{
    size_t seen = MAX((size_t)got->wire_size, *io_room);

    if (got->outcome == FETCH_CANCELLED && !got->is_without_room)
        *io_room = MAX(seen * ROOM_GROWS, FIRST_ROOM);
}

/* Starts are spread evenly; what was missed is not made up for. */
deadline ask_pace(struct crawl *c)
{
    deadline at = MAX(loop_now(c->loop), c->next_start_at);

    if (c->settings->rate > 0)
        c->next_start_at = at + NS_PER_S / c->settings->rate;
    return at;
}

void ask_unpace(struct crawl *c)
{
    if (c->settings->rate > 0)
        c->next_start_at -= NS_PER_S / c->settings->rate;
}

bool ask_wants_type(const struct settings *s, struct span content_type)
{
    struct header_content_type type;

    if (s->store_bodies == BODIES_ALL || !content_type.len)
        return true;
    header_content_type_parse(content_type, &type);
    if (!type.essence.len || span_starts_nocase(type.essence, SPAN("text/")))
        return true;
    if (span_eq_nocase(type.essence, SPAN("application/xml")))
        return true;
    /* XML types (MIME Sniffing §4.6): anything that ends in +xml, but pictures. */
    return type.essence.len > 4 &&
           span_eq_nocase(span_skip(type.essence, type.essence.len - 4), SPAN("+xml")) &&
           !span_starts_nocase(type.essence, SPAN("image/"));
}

#define TYPE_RULE      "content-type: "
#define MAX_RULED_TYPE ((size_t)200)

struct span ask_rule_of_type(struct arena *mem, struct span content_type)
{
    return arena_format(
        mem, TYPE_RULE "%.*s",
        SPAN_ARG(span_slice(content_type, 0, MIN(content_type.len, MAX_RULED_TYPE))));
}

struct span ask_type_of_rule(struct span rule)
{
    return span_starts(rule, SPAN(TYPE_RULE)) ? span_skip(rule, sizeof TYPE_RULE - 1)
                                              : SPAN_NONE;
}

static bool wants_body(void *arg, int status_code, struct span content_type)
{
    const struct crawl *c = arg;

    (void)status_code;
    return ask_wants_type(c->settings, content_type);
}

/* "Name: value" of a --header. */
static struct fetch_header split_header(struct span line)
{
    size_t colon = span_find(line, ':');

    return (struct fetch_header){ span_trim(span_slice(line, 0, colon)),
                                  span_trim(span_skip(line, colon + 1)) };
}

static size_t add_headers(const struct text_list *list, struct fetch_header *out,
                          size_t n)
{
    for (size_t i = 0; i < list->len; i++)
        out[n++] = split_header(span_str(list->items[i].text));
    return n;
}

/* What this URL alone is asked with, in mem. */
static struct fetch_header *own_headers(struct crawl *c, const struct url *u,
                                        const struct host_settings *own,
                                        struct arena *mem, size_t *out_n)
{
    const struct text_list *all = &c->settings->headers;
    size_t most = all->len + (own ? own->headers.len : 0) + 2, n = 0;
    struct fetch_header *headers = arena_array(mem, most, sizeof *headers);
    struct span secret;

    /* --header and the auth file belong to certain origins only (promise P23). */
    if (credentials_is_seed_origin(c->credentials, u))
        n = add_headers(all, headers, n);
    if (own)
        n = add_headers(&own->headers, headers, n);
    if (credentials_authorization(c->credentials, u, mem, &secret))
        headers[n++] = (struct fetch_header){ SPAN("Authorization"), secret };
    if (credentials_cookie(c->credentials, u, mem, &secret))
        headers[n++] = (struct fetch_header){ SPAN("Cookie"), secret };
    *out_n = n;
    return headers;
}

/*
 * Apache adds the coding to the ETag of what it packs, "x-gzip" for "x", and does not know that one when it is asked
 * with it (its bug 45023): each page would come anew each night. The file's own tag beside it says the same.
 */
static struct span known_tags(struct span etag, struct arena *mem)
{
    const struct span ends[] = { SPAN("-gzip\""), SPAN("-br\""), SPAN("-zstd\"") };

    for (size_t i = 0; i < ARRAY_LEN(ends); i++)
        if (span_ends(etag, ends[i]))
            return arena_format(mem, "%.*s, %.*s\"", SPAN_ARG(etag),
                                SPAN_ARG(span_slice(etag, 0, etag.len - ends[i].len)));
    return etag;
}

static bool is_insecure_host(const struct settings *s, const struct host_settings *own,
                             struct span host)
{
    for (size_t i = 0; i < s->insecure.len; i++)
        if (span_eq_nocase(span_str(s->insecure.items[i].text), host))
            return true;
    return own && own->is_insecure;
}

/* A name server is not asked without a descriptor either, which looks as if it had failed. */
static bool is_for_want_of_descriptors(struct crawl *c, const struct fetch_result *got)
{
    if (got->outcome != FETCH_DNS_FAILED || got->is_name_unknown)
        return false;
    if (!io_can_open())
        c->names_fail_until = clock_after(clock_now_ns(), NAMES_FAIL_NS);
    return clock_now_ns() < c->names_fail_until;
}

enum fetch_keep ask_keep_for(const struct crawl *c, const struct ticket *t)
{
    int64_t max_depth = c->settings->depth;

    if (t->host->len > 0 || t->host->has_more)
        return FETCH_KEEP;
    return max_depth < 0 || t->depth < max_depth ? FETCH_KEEP_IN_HALF : FETCH_CLOSE;
}

/* Somebody answered: there is a network. */
static void note_heard(struct crawl *c)
{
    c->n_heard++;
    c->network_until = 0;
    if (!c->has_told_no_network)
        return;
    c->has_told_no_network = false;
    crawl_event(c, "info", "crawl", "network-back", 0, "the network is there again");
}

static void tell_no_network(struct crawl *c, const struct fetch_result *got)
{
    if (c->has_told_no_network)
        return;
    c->has_told_no_network = true;
    crawl_event(c, "warn", "crawl", "no-network", 0, "no network (%.*s): waiting for it, %lld s at most",
                SPAN_ARG(got->error), (long long)(c->settings->max_wait_ms / 1000));
}

/*
 * Until it is worth while to try again: each try leaves something in the visit's memory, so from one to the next it
 * takes twice as long, unless there is a way out again or somebody is answered.
 */
static enum err look_for_network(struct crawl *c, int n_waits)
{
    int n_looks = n_waits < MAX_DOUBLINGS ? 1 << n_waits : 1 << MAX_DOUBLINGS;
    int64_t heard = c->n_heard;

    while (n_looks-- > 0 && c->n_heard == heard && clock_now_ns() < c->network_until) {
        if (coro_sleep_until(clock_after(clock_now_ns(), LOOK_AGAIN_NS)) || c->stop)
            return ERR_CANCELLED;
        if (address_has_way_out())
            break;
    }
    return OK;
}

/*
 * As fetcher_fetch, but for the time without a network. That nothing could go out says nothing of the host while this
 * machine has none (it slept, its cable is out, it has just started): then whoever asks waits for it here, --max-wait
 * at most. Where others were answered meanwhile there is one, and a result that is the same after that stands.
 */
static enum err fetch_with_patience(struct crawl *c, const struct fetch_request *request, struct arena *mem,
                                    deadline until, struct fetch_result *out)
{
    int64_t began_at = clock_now_ns(), waited = 0;
    enum err e = fetcher_fetch(c->fetcher, request, mem, until, out);

    for (int n_waits = 0; !e && out->is_cut_off && c->store && mem->used_bytes < mem->max_bytes / 2; n_waits++) {
        int64_t heard = c->n_heard;

        if (!c->network_until)
            c->network_until = clock_after(clock_now_ns(), c->settings->max_wait_ms * NS_PER_MS);
        if (clock_now_ns() >= c->network_until)
            break;
        step_aside(c);
        e = step_back(c, look_for_network(c, n_waits), until);
        if (e)
            return e;
        waited = clock_now_ns() - began_at;
        e = fetcher_fetch(c->fetcher, request, mem, until, out);
        if (n_waits == 0) /* what was answered in the first moment may have come before the network went */
            continue;
        if (c->n_heard != heard)
            break;
        if (!e && out->is_cut_off)
            tell_no_network(c, out);
    }
    if (e)
        return e;
    out->waited_ns += waited;
    if (out->status_code)
        note_heard(c);
    return OK;
}

enum err ask_send(struct crawl *c, const struct ask *r, struct arena *mem,
                  deadline until, struct fetch_result *out)
{
    const struct settings *s = c->settings;
    struct span host = url_hostname(r->url);
    const struct host_settings *own = settings_for_host(s, host);
    struct fetch_request request;
    struct fetch_header *headers;
    size_t n;
    enum err e;

    headers = own_headers(c, r->url, own, mem, &n);
    request = (struct fetch_request){ .url = r->url->href,
                                      .host = host,
                                      .port = (uint16_t)url_port(r->url),
                                      .is_https = r->url->scheme == URL_HTTPS,
                                      .is_insecure = is_insecure_host(s, own, host),
                                      .is_fresh = r->wants_fresh,
                                      .keep = r->keep,
                                      .min_body_bytes = r->min_body_bytes,
                                      .reserve_bytes = r->room,
                                      .etag = known_tags(r->etag, mem),
                                      .last_modified = r->last_modified,
                                      .headers = headers,
                                      .n_headers = n,
                                      .wants_body = r->is_page ? wants_body : NULL,
                                      .arg = c,
                                      .enter_address = enter_address,
                                      .leave_address = leave_address };
    e = fetch_with_patience(c, &request, mem, until, out);
    if (!e)
        out->is_out_of_descriptors |= is_for_want_of_descriptors(c, out);
    if (!e)
        archive_put(c->archive, r->url->href, out);
    return e;
}
