/* SPDX-License-Identifier: MIT */
#include "crawler/frontier.h"

#include "config/clock.h"
#include "config/mem.h"
#include "crawler/window.h"

#define WINDOW_MIN   ((size_t)8)
#define WINDOW_MAX   ((size_t)4096)
#define WINDOW_LEAST ((size_t)2) /* with very many hosts, whose least windows together are too much */
#define MANY_WINDOWS 5           /* times max_tickets: more than that even the least may not be */
#define MAX_REFILLS 64 /* asked of the store at one time */

struct frontier {
    struct loop *loop;
    struct frontier_options options;
    const struct settings *settings;
    struct politeness *politeness;
    frontier_refill_fn *refill;
    void *refill_arg;
    struct idmap hosts;     /* id -> host */
    struct map origins;     /* "https|host|port" -> host */
    struct idmap tickets;   /* id -> ticket */
    struct turns turns;     /* of hosts that have something to ask for */
    struct heap delayed;    /* tickets, by moment */
    struct waitq changed;
    struct list_node hungry; /* hosts whose window runs low, beyond MAX_REFILLS */
    size_t n_busy, n_preparing, n_refilling;
    size_t n_wanted; /* hosts that wait for their look */
};

/* --- life --------------------------------------------------------------------- */

static void on_site_change(void *arg, struct site *site);

struct frontier *frontier_new(struct loop *l, const struct settings *s, const struct frontier_options *o,
                              frontier_refill_fn *refill, void *arg)
{
    struct frontier *f = mem_alloc(sizeof *f);

    f->loop = l;
    f->settings = s;
    f->options = *o;
    f->refill = refill;
    f->refill_arg = arg;
    f->politeness = politeness_new(l, s, on_site_change, f);
    idmap_init(&f->hosts);
    idmap_init(&f->tickets);
    map_init(&f->origins);
    turns_init(&f->turns);
    heap_init(&f->delayed);
    waitq_init(&f->changed);
    list_init(&f->hungry);
    return f;
}

static void free_ticket_of(void *arg, uint64_t id, void *value)
{
    (void)arg;
    (void)id;
    mem_free(value);
}

static void free_host_of(void *arg, uint64_t id, void *value)
{
    struct host *h = value;

    (void)arg;
    (void)id;
    arena_clear(&h->rules_mem);
    mem_free(h->blocked_why);
    mem_free(h->park_text);
    mem_free(h->window);
    mem_free(h->name);
    mem_free(h);
}

void frontier_free(struct frontier *f)
{
    if (!f)
        return;
    idmap_each(&f->tickets, free_ticket_of, NULL);
    idmap_each(&f->hosts, free_host_of, NULL);
    idmap_clear(&f->tickets);
    idmap_clear(&f->hosts);
    map_clear(&f->origins);
    turns_clear(&f->turns);
    heap_clear(&f->delayed);
    politeness_free(f->politeness);
    mem_free(f);
}

struct politeness *frontier_politeness(struct frontier *f)
{
    return f->politeness;
}

struct waitq *frontier_changed(struct frontier *f)
{
    return &f->changed;
}

/* --- hosts ---------------------------------------------------------------------- */

static size_t window_min(const struct frontier *f)
{
    size_t share = MANY_WINDOWS * f->options.max_tickets / MAX(f->hosts.len, (size_t)1);

    return MAX(WINDOW_LEAST, MIN(WINDOW_MIN, share));
}

static size_t window_limit(const struct frontier *f)
{
    size_t share = f->options.max_tickets / MAX(f->hosts.len, (size_t)1);

    return MAX(window_min(f), MIN(WINDOW_MAX, share));
}

/* Would one more request be within the host's budget? */
static bool has_page_budget(const struct host *h)
{
    return h->max_pages < 0 || h->run_pages + h->pages_in_flight < h->max_pages;
}

/* Is there something to do for h: a page to fetch, or robots.txt to read for one? */
static bool wants_turn(const struct host *h)
{
    if (h->state != HOST_NEW && h->state != HOST_READY)
        return false;
    if (h->state == HOST_NEW && h->wants_look)
        return true;
    return h->len > 0 && (!h->is_loaded || has_page_budget(h));
}

static bool wants_refill(const struct frontier *f, const struct host *h)
{
    return h->has_more && !h->is_refilling && h->state != HOST_PARKED &&
           h->len <= window_limit(f) / 4 && h->n_delayed < MAX(WINDOW_MIN, window_limit(f));
}

/* A window that is fuller than this gives its last ones back. */
static size_t window_room(const struct frontier *f)
{
    return window_limit(f) + window_min(f);
}

static void ask_refill(struct frontier *f, struct host *h)
{
    list_remove(&h->hungry);
    if (!wants_refill(f, h))
        return;
    if (f->n_refilling >= MAX_REFILLS) {
        list_add_last(&f->hungry, &h->hungry);
        return;
    }
    h->is_refilling = true;
    h->cursor_moved = false;
    f->n_refilling++;
    f->refill(f->refill_arg, h, window_room(f) - h->len);
}

/* Gives the place that came free to a host that waits for one. */
static void refill_hungry(struct frontier *f)
{
    struct list_node *n = list_take_first(&f->hungry);

    if (n)
        ask_refill(f, CONTAINER_OF(n, struct host, hungry));
}

/* Puts h where it belongs among those that take turns, or out of them. */
static void update(struct frontier *f, struct host *h)
{
    deadline at = wants_turn(h) ? politeness_ready_at(h->site) : DEADLINE_NEVER;

    ask_refill(f, h);
    turns_set(&f->turns, h, at, loop_now(f->loop));
    waitq_wake_one(&f->changed);
}

static void on_site_change(void *arg, struct site *site)
{
    LIST_EACH(n, &site->hosts)
        update(arg, CONTAINER_OF(n, struct host, in_site));
}

static int origin_key(char *out, size_t size, bool is_https, struct span name, uint16_t port)
{
    return snprintf(out, size, "%d|%u|%.*s", is_https, port, SPAN_ARG(name));
}

struct host *frontier_find_origin(const struct frontier *f, bool is_https, struct span name,
                                  uint16_t port)
{
    char key[512];
    int n = origin_key(key, sizeof key, is_https, name, port);

    return n < (int)sizeof key ? map_get(&f->origins, span_make(key, (size_t)n)) : NULL;
}

struct host *frontier_find_host(const struct frontier *f, int64_t host_id)
{
    return idmap_get(&f->hosts, (uint64_t)host_id);
}

struct host *frontier_host(struct frontier *f, const struct store_origin *origin, bool is_on_disk)
{
    struct host *h = frontier_find_host(f, origin->id);
    const struct host_settings *own;
    char key[512];
    int n;

    if (h)
        return h;
    own = settings_for_host(f->settings, origin->host);
    h = mem_alloc(sizeof *h);
    h->id = origin->id;
    h->is_https = origin->is_https;
    h->name = mem_str_copy(origin->host);
    h->port = origin->port;
    h->has_more = is_on_disk;
    h->max_pages = own && own->max_pages_per_host > -2 ? own->max_pages_per_host
                                                       : f->options.max_pages_per_host;
    h->site = politeness_site(f->politeness, origin->host, origin->port);
    h->crawl_delay_ms = -1;
    waitq_init(&h->prepared);
    list_init(&h->hungry);
    list_add_last(&h->site->hosts, &h->in_site);
    idmap_set(&f->hosts, (uint64_t)h->id, h);
    n = origin_key(key, sizeof key, h->is_https, origin->host, h->port);
    if (n < (int)sizeof key)
        map_set(&f->origins, span_make(key, (size_t)n), h);
    update(f, h);
    return h;
}

static void set_wants_look(struct frontier *f, struct host *h, bool wants_look)
{
    f->n_wanted += (size_t)wants_look - (size_t)h->wants_look;
    h->wants_look = wants_look;
}

void frontier_look(struct frontier *f, struct host *h)
{
    if (h->state != HOST_NEW)
        return;
    set_wants_look(f, h, true);
    update(f, h);
}

/* --- the window -------------------------------------------------------------------- */

static bool is_behind_cursor(const struct frontier *f, const struct host *h, int priority, int depth,
                             int64_t id)
{
    if (!h->has_more)
        return false;
    if (!h->has_cursor)
        return true;
    return window_compare(f->options.order, priority, depth, id, h->cursor_priority, h->cursor_depth,
                          h->cursor_id) > 0;
}

static void set_cursor(struct host *h, int priority, int depth, int64_t id)
{
    h->has_cursor = true;
    h->cursor_priority = priority;
    h->cursor_depth = depth;
    h->cursor_id = id;
}

static void free_ticket(struct frontier *f, struct ticket *t)
{
    idmap_remove(&f->tickets, (uint64_t)t->id);
    mem_free(t);
}

/* Too many in memory: the last ones go back to being rows only, and the cursor with them. */
static void evict(struct frontier *f, struct host *h)
{
    while (h->len > window_room(f)) {
        struct ticket *t = window_take_last(h);
        struct ticket *last = window_peek_last(h);

        /* Only ever back: what is between the cursor and a last one behind it was never read. */
        if (!is_behind_cursor(f, h, last->priority, last->depth, last->id))
            set_cursor(h, last->priority, last->depth, last->id);
        h->has_more = true;
        h->cursor_moved = true;
        free_ticket(f, t);
    }
}

static struct ticket *new_ticket(struct host *h, const struct store_item *item)
{
    size_t text = item->url.len + item->etag.len + item->last_modified.len;
    struct ticket *t = mem_alloc(sizeof *t + text);
    char *p = (char *)(t + 1);

    *t = (struct ticket){ .host = h,
                          .id = item->id,
                          .priority = item->priority,
                          .depth = item->depth,
                          .redirects = item->redirects,
                          .retries = item->retries,
                          .hop = item->hop };
    t->respellings = t->hop == HOP_REDIRECT ? 0 : t->redirects; /* no other redirect led to it */
    t->url = span_make(p, item->url.len);
    t->etag = span_make(p + item->url.len, item->etag.len);
    t->last_modified = span_make(p + item->url.len + item->etag.len, item->last_modified.len);
    if (item->url.len)
        memcpy(p, item->url.ptr, item->url.len);
    if (item->etag.len)
        memcpy(p + item->url.len, item->etag.ptr, item->etag.len);
    if (item->last_modified.len)
        memcpy(p + item->url.len + item->etag.len, item->last_modified.ptr, item->last_modified.len);
    return t;
}

static void put_in_window(struct frontier *f, struct ticket *t)
{
    t->state = TICKET_WINDOW;
    window_insert(t->host, f->options.order, t);
    evict(f, t->host);
}

static void put_delayed(struct frontier *f, struct ticket *t, deadline at)
{
    t->state = TICKET_DELAYED;
    t->host->n_delayed++;
    heap_add(&f->delayed, &t->delay, at);
}

static void admit(struct frontier *f, struct host *h, const struct store_item *item)
{
    /* Of a clock that was fast: its host's own pause is enough, or starts that are short would never come to it. */
    bool is_wrong = politeness_is_impossible(f->politeness, item->next_fetch_ms);
    deadline at = is_wrong ? 0 : politeness_moment(f->politeness, loop_now(f->loop), item->next_fetch_ms);
    struct ticket *t = new_ticket(h, item);

    idmap_set(&f->tickets, (uint64_t)t->id, t);
    if (at)
        put_delayed(f, t, at);
    else
        put_in_window(f, t);
}

/* A known ticket was found at a smaller depth, or has another priority now. */
static void refresh(struct frontier *f, struct ticket *t, const struct store_item *item)
{
    if (t->depth == item->depth && t->priority == item->priority)
        return;
    if (t->state == TICKET_WINDOW)
        window_remove(t->host, t);
    t->depth = item->depth;
    t->priority = item->priority;
    if (t->state == TICKET_WINDOW)
        put_in_window(f, t);
}

void frontier_add(struct frontier *f, struct host *h, const struct store_item *item)
{
    struct ticket *known = idmap_get(&f->tickets, (uint64_t)item->id);

    if (known) {
        refresh(f, known, item);
    } else if (h->state == HOST_PARKED) {
        h->must_park_again = true;
    } else if (is_behind_cursor(f, h, item->priority, item->depth, item->id)) {
        h->has_more = true;
    } else {
        admit(f, h, item);
    }
    update(f, h);
}

void frontier_refilled(struct frontier *f, struct host *h, const struct store_item *items, size_t n,
                       bool has_more)
{
    h->is_refilling = false;
    f->n_refilling--;
    /* An eviction moved the cursor back meanwhile: this answer has a gap before it. Ask again. */
    if (!h->cursor_moved && h->state != HOST_PARKED) {
        h->has_more = has_more;
        if (n)
            set_cursor(h, items[n - 1].priority, items[n - 1].depth, items[n - 1].id);
        for (size_t i = 0; i < n; i++)
            if (!idmap_get(&f->tickets, (uint64_t)items[i].id))
                admit(f, h, &items[i]);
    }
    update(f, h);
    refill_hungry(f);
}

void frontier_reread(struct frontier *f, struct host *h)
{
    struct ticket *t;

    if (h->state == HOST_PARKED) {
        h->must_park_again = true;
        return;
    }
    while ((t = window_take_first(h)) != NULL)
        free_ticket(f, t);
    h->has_more = true;
    h->has_cursor = false;
    h->cursor_moved = true; /* an answer still on its way is of the old order */
    update(f, h);
}

/* --- taking -------------------------------------------------------------------------- */

static void wake_delayed(struct frontier *f)
{
    struct heap_node *n = heap_peek(&f->delayed);

    for (; n && n->key <= loop_now(f->loop); n = heap_peek(&f->delayed)) {
        struct ticket *t = CONTAINER_OF(n, struct ticket, delay);
        struct host *h = t->host;

        heap_remove(&f->delayed, n);
        h->n_delayed--;
        put_in_window(f, t); /* which may evict t itself */
        update(f, h);
    }
}

static struct ticket *take_ticket(struct frontier *f, struct host *h)
{
    struct ticket *t = window_take_first(h);

    t->state = TICKET_BUSY;
    f->n_busy++;
    h->pages_in_flight++;
    politeness_take(f->politeness, h->site);
    turns_take(&f->turns, h);
    on_site_change(f, h->site);
    return t;
}

enum frontier_next frontier_take(struct frontier *f, struct host **out_host, struct ticket **out_ticket,
                                 deadline *out_wait)
{
    struct heap_node *d;
    struct host *h;

    wake_delayed(f);
    h = turns_next(&f->turns, loop_now(f->loop), out_wait);
    d = heap_peek(&f->delayed);
    if (!h) {
        *out_wait = MIN(*out_wait, d ? d->key : DEADLINE_NEVER);
        return NEXT_NOTHING;
    }
    *out_host = h;
    if (h->state == HOST_NEW || h->robots_expire_at <= loop_now(f->loop)) {
        h->state = HOST_PREPARING;
        f->n_preparing++;
        set_wants_look(f, h, false);
        update(f, h);
        return NEXT_PREPARE;
    }
    *out_ticket = take_ticket(f, h);
    return NEXT_VISIT;
}

void frontier_prepared(struct frontier *f, struct host *h)
{
    f->n_preparing--;
    if (h->state == HOST_PREPARING)
        h->state = HOST_READY;
    waitq_wake_all(&h->prepared);
    update(f, h);
}

void frontier_forget(struct frontier *f, struct host *h)
{
    BUG_IF(h->state != HOST_READY);
    h->state = HOST_NEW;
    update(f, h);
}

static void leave_busy(struct frontier *f, struct ticket *t)
{
    BUG_IF(t->state != TICKET_BUSY);
    f->n_busy--;
    t->host->pages_in_flight--;
}

void frontier_finish(struct frontier *f, struct ticket *t)
{
    struct host *h = t->host;

    leave_busy(f, t);
    free_ticket(f, t);
    update(f, h);
}

void frontier_retry(struct frontier *f, struct ticket *t, deadline at)
{
    struct host *h = t->host;

    leave_busy(f, t);
    if (h->state == HOST_PARKED) {
        h->must_park_again = true;
        free_ticket(f, t);
    } else {
        put_delayed(f, t, at);
    }
    update(f, h);
}

struct ticket *frontier_respell(struct frontier *f, struct ticket *t, struct span url, int redirects)
{
    struct store_item item = { .id = t->id,
                               .url = url,
                               .priority = t->priority,
                               .depth = t->depth,
                               .redirects = redirects,
                               .retries = t->retries,
                               .hop = t->hop };
    struct ticket *other = new_ticket(t->host, &item);

    BUG_IF(t->state != TICKET_BUSY);
    other->state = t->state;
    other->respellings = t->respellings + 1;
    idmap_set(&f->tickets, (uint64_t)t->id, other);
    mem_free(t);
    return other;
}

/* Collected first, because each removal rearranges the heap. */
static void drop_delayed_of(struct frontier *f, struct host *h)
{
    struct ticket **found = mem_array(h->n_delayed, sizeof(struct ticket *));
    size_t n = 0;

    for (size_t i = 0; n < h->n_delayed && i < f->delayed.len; i++) {
        struct ticket *t = CONTAINER_OF(f->delayed.nodes[i], struct ticket, delay);

        if (t->host == h)
            found[n++] = t;
    }
    for (size_t i = 0; i < n; i++) {
        heap_remove(&f->delayed, &found[i]->delay);
        free_ticket(f, found[i]);
    }
    h->n_delayed = 0;
    mem_free(found);
}

void frontier_park(struct frontier *f, struct host *h, enum url_reason reason, struct span rule,
                   int64_t until_wall_ms)
{
    struct ticket *t;

    h->state = HOST_PARKED;
    set_wants_look(f, h, false);
    h->park_reason = reason;
    h->park_rule = rule;
    h->park_until_ms = until_wall_ms;
    while ((t = window_take_first(h)) != NULL)
        free_ticket(f, t);
    drop_delayed_of(f, h);
    h->has_more = false;
    update(f, h);
}

bool frontier_is_idle(const struct frontier *f)
{
    return f->tickets.len == 0 && !f->n_wanted && !f->n_preparing && !f->n_refilling &&
           list_is_empty(&f->hungry);
}

void frontier_get_stats(const struct frontier *f, struct frontier_stats *out)
{
    *out = (struct frontier_stats){ .hosts = f->hosts.len,
                                    .tickets = f->tickets.len,
                                    .busy = f->n_busy,
                                    .delayed = f->delayed.len,
                                    .preparing = f->n_preparing,
                                    .refilling = f->n_refilling };
}
