/* SPDX-License-Identifier: MIT */
/*
 * The frontier: which URL is next. Queues are kept per origin, and origins
 * take turns (turns.h) from the moment when each may be asked.
 * In memory is only a window of each queue, its sorted head; the rest lies in
 * the database and is read in batches as the window runs low. So the size of
 * the web costs disk, not memory.
 *
 * A ticket is a URL in memory:
 *
 *   state     -> state     by
 *   (none)       window     frontier_add, a refill
 *   window       busy       frontier_take
 *   busy         delayed    frontier_retry
 *   delayed      window     its moment came (frontier_take looks)
 *   busy         (freed)    frontier_finish, after the commit
 *   window, delayed  (freed)  eviction, frontier_park: the row stays in the database
 *
 * Invariants
 * 1. A row is in memory at most once (by id).
 * 2. For an origin with has_more, every queued row whose order is not behind
 *    its cursor is in memory (behind "nothing yet" is every row); without
 *    has_more, every queued row is. Rows behind the cursor may be in memory too.
 * 3. Taken tickets are busy until frontier_finish or frontier_retry: a refill
 *    never brings them a second time.
 *
 * Single-threaded. Nothing here suspends.
 */
#pragma once

#include "config/heap.h"
#include "crawler/politeness.h"
#include "crawler/turns.h"
#include "parse/robots.h"
#include "store/store.h"

enum host_state {
    HOST_NEW,       /* nothing known: must be prepared (stored state, robots.txt) first */
    HOST_PREPARING,
    HOST_READY,
    HOST_PARKED,    /* not asked any more in this run; its URLs are excluded for park_reason */
};

struct ticket;

/* An origin. */
struct host {
    struct list_node in_site;   /* site->hosts */
    struct turn turn;           /* frontier->turns */
    struct list_node hungry;    /* frontier->hungry: waits for its turn to be refilled */
    struct site *site;
    int64_t id;
    bool is_https;
    char *name;                 /* as in URLs */
    uint16_t port;
    enum host_state state;
    /* robots.txt: the rules are the rulebook's, the rest is kept by the robots gate */
    struct list_node in_rulebook;
    struct arena rules_mem;
    struct robots_rules rules;
    bool obeys_rules;           /* false: everything is allowed, if it is ready */
    bool is_loaded;             /* what the database knew of it when this run began is in here */
    int64_t crawl_delay_ms;     /* that its rules state, also once they are forgotten; -1 none */
    deadline robots_expire_at;
    struct waitq prepared;      /* woken whenever a preparation ends */
    bool is_blocked;            /* its address may not be dialled */
    char *blocked_why;
    int robots_tries;
    size_t n_sitemaps;          /* taken up for it in this run */
    bool wants_look;            /* while new: to be prepared although nothing is queued */
    /* the window: a ring of tickets in order */
    struct ticket **window;
    size_t head, len, cap;
    size_t n_delayed;           /* tickets of this host that wait for their moment */
    bool has_more;
    bool is_refilling;
    bool cursor_moved;          /* since the refill was asked for */
    bool has_cursor;
    int cursor_priority, cursor_depth;
    int64_t cursor_id;
    /* budget */
    int64_t run_pages, pages_in_flight, max_pages;
    enum url_reason park_reason;
    struct span park_rule;      /* static or settings' text, or park_text */
    char *park_text;
    int64_t park_until_ms;
    bool is_parking;            /* a STORE_HOST_PARK op is under way */
    bool must_park_again;       /* rows were queued since: whoever queued them has it parked again */
};

enum ticket_state {
    TICKET_WINDOW,
    TICKET_DELAYED,
    TICKET_BUSY,
};

struct ticket {
    struct heap_node delay; /* frontier->delayed */
    struct host *host;
    int64_t id;
    enum ticket_state state;
    int priority, depth, redirects, retries;
    int respellings; /* of these redirects, those that led from a spelling of its own URL to another */
    enum url_hop hop;
    bool wants_fresh; /* a kept connection died under it once (that try was free), or was the wrong one (421) */
    size_t room;   /* that its body is to find before it is asked for; see ask_note_cut */
    struct span url, etag, last_modified; /* behind the struct, one allocation */
};

struct frontier;

struct frontier_options {
    enum store_order order;
    size_t max_tickets;   /* windows of all hosts together, about */
    int64_t max_pages_per_host; /* -1 none */
};

/*
 * Asks the store for the next part of a host's queue; the answer comes to frontier_refilled. Its window has
 * room for so many rows (1 at least): more would be read for nothing.
 */
typedef void frontier_refill_fn(void *arg, struct host *h, size_t room);

struct frontier *frontier_new(struct loop *l, const struct settings *s, const struct frontier_options *o,
                              frontier_refill_fn *refill, void *arg);
void frontier_free(struct frontier *f);

/* The politeness that the hosts' sites belong to; made by the frontier, which listens to it. */
struct politeness *frontier_politeness(struct frontier *f);

/* Where whoever takes waits: woken when something may have become takable. */
struct waitq *frontier_changed(struct frontier *f);

/* Finds or makes the origin; a new one has has_more set when is_on_disk. */
struct host *frontier_host(struct frontier *f, const struct store_origin *origin, bool is_on_disk);
struct host *frontier_find_host(const struct frontier *f, int64_t host_id);
/* By scheme, name and port, or NULL. */
struct host *frontier_find_origin(const struct frontier *f, bool is_https, struct span name, uint16_t port);

/* A new host is prepared once though nothing of it is queued: its sitemaps are to be read, or go on. */
void frontier_look(struct frontier *f, struct host *h);

/* A row that is queued in the database (new, queued again, or at a new depth). host may be parked. */
void frontier_add(struct frontier *f, struct host *h, const struct store_item *item);

/* The answer to a refill. */
void frontier_refilled(struct frontier *f, struct host *h, const struct store_item *items, size_t n,
                       bool has_more);

/* Rows were queued behind our back: h's queue is read again from its start. */
void frontier_reread(struct frontier *f, struct host *h);

/* What frontier_take found. */
enum frontier_next {
    NEXT_NOTHING, /* *out_wait says until when, or DEADLINE_NEVER */
    NEXT_PREPARE, /* the host needs its robots.txt; it is PREPARING now */
    NEXT_VISIT,   /* a ticket, busy now, with a permit of its site taken */
};
enum frontier_next frontier_take(struct frontier *f, struct host **out_host, struct ticket **out_ticket,
                                 deadline *out_wait);

/* The host is ready (or not: call frontier_park first). */
void frontier_prepared(struct frontier *f, struct host *h);

/* A ready host is new again: it is prepared before its next URL is taken. */
void frontier_forget(struct frontier *f, struct host *h);

/* The visit is committed; frees t. */
void frontier_finish(struct frontier *f, struct ticket *t);

/* The row stays queued: again at the given moment. */
void frontier_retry(struct frontier *f, struct ticket *t, deadline at);

/*
 * t is asked for under this spelling of its URL (copied) from now on, to which redirects led; its validators were
 * another's.
 * Frees t and returns what stands for it, as busy as t.
 */
struct ticket *frontier_respell(struct frontier *f, struct ticket *t, struct span url, int redirects);

/*
 * Drops the host's tickets that are not busy and marks it parked. The caller
 * writes that to the store. reason and rule as in urls.
 */
void frontier_park(struct frontier *f, struct host *h, enum url_reason reason, struct span rule,
                   int64_t until_wall_ms);

/* Nothing queued in memory or under way, and nothing to be read or looked at? */
bool frontier_is_idle(const struct frontier *f);

struct frontier_stats {
    size_t hosts, tickets, busy, delayed, preparing, refilling;
};
void frontier_get_stats(const struct frontier *f, struct frontier_stats *out);
