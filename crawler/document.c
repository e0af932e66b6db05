/* SPDX-License-Identifier: MIT */
#include "crawler/document.h"

#include "config/clock.h"
#include "crawler/scope.h"
#include "parse/header.h"

#define LOOK_UP_NS (500 * NS_PER_MS)

/* A permit of --concurrency and a place in --rate. */
static enum err take_turn(struct crawl *c, deadline until)
{
    enum err e = sem_enter(&c->permits, until);
    deadline at;

    if (e)
        return e;
    at = ask_pace(c);
    if (at > loop_now(c->loop))
        e = coro_sleep_until(at);
    if (e)
        sem_leave(&c->permits);
    else
        c->in_flight++;
    return e;
}

/* Every try leaves its header fields in mem: the last half of it is for what comes after. */
static bool has_room_for_a_try(const struct arena *mem)
{
    return mem->used_bytes < mem->max_bytes / 2;
}

/* Without a descriptor nothing went out: again in a second. */
static enum err send_with_patience(struct crawl *c, const struct ask *ask,
                                   struct arena *mem, deadline until,
                                   struct fetch_result *out)
{
    enum err e;

    do
        e = ask_send(c, ask, mem, until, out);
    while (!e && out->is_out_of_descriptors && has_room_for_a_try(mem) &&
           coro_sleep_until(clock_after(clock_now_ns(), NS_PER_S)) == OK);
    return e;
}

/* Is it in a pause that a run does not wait for? Its pages are deferred, and so is this. */
static bool is_deferred(const struct crawl *c, const struct site *site)
{
    return site->backoff_until - loop_now(c->loop) >
           c->settings->max_wait_ms * NS_PER_MS;
}

/*
 * As politeness_enter, but it does not outlast the crawl: a pause may be long. ERR_REFUSED:
 * longer than the run waits.
 */
static enum err enter_site(struct crawl *c, struct site *site, deadline until)
{
    enum err e = ERR_TIMEOUT;

    while (e == ERR_TIMEOUT) {
        deadline now = loop_now(c->loop),
                 look_up_at = MIN(until, clock_after(now, LOOK_UP_NS));

        if (c->stop)
            return ERR_CANCELLED;
        if (is_deferred(c, site))
            return ERR_REFUSED;
        if (now >= until)
            return ERR_TIMEOUT;
        if (site->next_at <= look_up_at)
            e = politeness_enter(frontier_politeness(c->frontier), site, look_up_at);
        else if (coro_sleep_until(look_up_at))
            return ERR_CANCELLED;
    }
    return e;
}

static enum err send_one(struct crawl *c, const struct ask *ask, struct arena *mem,
                         deadline until, struct fetch_result *out)
{
    struct politeness *p = frontier_politeness(c->frontier);
    struct site *site = politeness_site(p, url_hostname(ask->url), url_port(ask->url));
    int64_t started = clock_now_ns();
    enum err e;

    e = enter_site(c, site, until);
    if (e)
        return e;
    e = take_turn(c, until);
    if (!e) {
        started = clock_now_ns();
        e = send_with_patience(c, ask, mem, until, out);
        started += e ? 0 : out->waited_ns;
        c->in_flight--;
        sem_leave(&c->permits);
    }
    politeness_leave(p, site, started, e || !out->is_without_room);
    return e;
}

/*
 * As a visit does: a kept connection that went before any byte came is no answer, once,
 * nor is a transfer that was cut off for want of memory, as long as mem has room.
 */
static enum err send_again(struct crawl *c, const struct ask *ask, struct arena *mem,
                           deadline until, struct fetch_result *out)
{
    struct ask again = *ask;

    for (;;) {
        enum err e = send_one(c, &again, mem, until, out);
        bool is_shed;

        if (e || c->stop)
            return e;
        is_shed = out->outcome == FETCH_CANCELLED;
        if ((!is_shed && (again.wants_fresh || !out->was_reused_and_lost)) ||
            !has_room_for_a_try(mem))
            return OK;
        again.wants_fresh |= !is_shed;
        ask_note_cut(out, &again.room);
        bodies_free(c->bodies, &out->body);
        e = is_shed ? coro_sleep_until(clock_after(clock_now_ns(), NS_PER_S)) : OK;
        if (e)
            return e;
    }
}

static const char *follow(const struct url *from, const struct fetch_result *answer,
                          struct arena *mem, struct url *out)
{
    struct url target;

    if (url_parse(answer->location, from, mem, &target) ||
        url_page(&target, mem, &target))
        return "redirect to something that is no URL";
    if (!url_is_web(&target))
        return "redirect to another scheme";
    if (target.href.len > SCOPE_MAX_URL)
        return "redirect to too long an address";
    *out = target;
    return NULL;
}

enum err document_fetch(struct crawl *c, const struct url *url,
                        const struct document_way *way, struct arena *mem,
                        deadline until, struct document *out)
{
    struct document doc = { .url = *url, .retry_after_ms = -1 };
    struct ask ask = { .url = &doc.url,
                       .min_body_bytes = way->min_body_bytes,
                       .keep = FETCH_KEEP };

    for (int hops = 0;; hops++) {
        enum err e = send_again(c, &ask, mem, until, &doc.result);

        if (e == ERR_REFUSED) {
            doc.result = (struct fetch_result){ 0 };
            doc.problem = "the host asked for a pause";
            break;
        }
        if (e)
            return e;
        if (doc.result.outcome != FETCH_REDIRECT)
            break;
        bodies_free(c->bodies, &doc.result.body); /* refusal may take its time */
        doc.problem = hops == way->max_redirects
                          ? "redirect loop"
                          : follow(&doc.url, &doc.result, mem, &doc.url);
        if (!doc.problem && way->refusal)
            doc.problem = way->refusal(way->arg, &doc.url, mem);
        if (doc.problem)
            break;
    }
    if (doc.result.retry_after.len &&
        header_retry_after(doc.result.retry_after, clock_wall_ms(),
                           &doc.retry_after_ms))
        doc.retry_after_ms = -1;
    *out = doc;
    return OK;
}
