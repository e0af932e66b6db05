/* SPDX-License-Identifier: MIT */
/*
 * What lasts: the frontier, the results, the link graph and the history, in
 * one SQLite file. This is the whole interface the crawler has to it.
 *
 * store_open, store_begin_run and store_each_queued_host are called before the
 * loop starts and may take their time. After store_start a writer thread owns
 * the one connection; from then on everything is an op: submitted by the loop,
 * done by the writer in the order of submission, handed back after the
 * transaction that holds it is committed. Many ops share a transaction: the
 * writer commits when its queue is empty and stays so for a millisecond, after
 * 128 visits, or 200 ms after the first op of the transaction, whichever comes
 * first.
 *
 * Invariants
 * 1. A URL becomes fetched in the transaction that stores its page, its links
 *    and the new URLs found on it.
 * 2. Nothing in flight is ever written as done.
 * 3. At every commit every URL is in exactly one state; excluded and failed
 *    have a reason.
 * 4. Nothing outside store/ writes SQL. store/ knows no coroutines, no curl.
 */
#pragma once

#include <stdatomic.h>

#include "config/arena.h"
#include "config/err.h"
#include "config/list.h"
#include "parse/facts.h"
#include "store/vocab.h"

struct store;
struct incoming;

/* --- opening --------------------------------------------------------------- */

struct store_options {
    const char *path;
    bool is_fresh;          /* --fresh: an existing file is kept aside as PATH.N */
    bool is_durable;        /* --durable: synchronous=FULL */
    bool keeps_text;        /* full text is indexed */
    bool keeps_bodies;      /* some are stored */
    int64_t lock_wait_ms;   /* --wait; 0 = do not wait */
    int64_t min_free_bytes; /* stop when the file system has less */
    int64_t log_bytes;      /* a write-ahead log longer than this is copied back; 0 = 48 MiB */
    /* For entries of indexes while they wait; filters twice; for metrics links 1/4, pages 1/8. 0: 64 MiB. */
    size_t index_bytes;
    int64_t revisit_min_ms, revisit_max_ms;
    int keep_history; /* fetches kept a URL; 0 = all */
    int max_depth;    /* -1 = no limit; for offers made again when a depth falls */
    bool respects_nofollow; /* --respect-rel-nofollow */
    bool follows_embeds;    /* --embeds */
    bool keeps_cookies;     /* what redirects without one may do otherwise with one (bounce.h) */
};

/*
 * Opens or creates the file (0600, no symbolic or hard link, application id
 * and schema version checked, migrations run, integrity of the header
 * checked) and takes the lock that dies with this process. ERR_LOCKED (the
 * note names the holder's pid and start), ERR_VERSION, ERR_CORRUPT, ERR_IO,
 * ERR_FULL, ERR_REFUSED (another program's file, a link, a directory ...). On
 * error nothing was changed.
 */
enum err store_open(const struct store_options *o, struct store **out,
                    struct err_note *note) MUST_USE;

/*
 * Where the file as it was before is kept: NULL if nothing is. *out_schema: its schema, from which this one was brought
 * forward, or 0: --fresh put it aside. Lies in s.
 */
const char *store_kept(const struct store *s, int *out_schema);

/*
 * Closes: stops the writer if it runs (everything submitted is done first),
 * checkpoints, so that nothing lies beside the file and it can be copied alone, unless
 * somebody is reading it just then. NULL is fine.
 */
enum err store_close(struct store *s, struct err_note *note);

/* --- runs ---------------------------------------------------------------------- */

enum store_revisit {
    REVISIT_ALL,
    REVISIT_DUE,
    REVISIT_NONE,
};

enum store_order {
    ORDER_BFS,      /* priority, depth, first seen */
    ORDER_DFS,      /* priority, deepest, last seen */
    ORDER_PRIORITY, /* priority, first seen */
};

/* A view "extract_NAME" over what an extraction section finds: a column for each of its values. */
struct store_view {
    struct span name; /* [a-z0-9_] */
    const struct span *columns;
    size_t n_columns;
};

struct store_run_params {
    struct span version;
    struct span settings_json;
    struct span rules; /* what decides about known URLs: what was decided under equal ones still holds */
    const struct store_view *views; /* made, or replaced where their columns changed */
    size_t n_views;
    enum store_revisit revisit;
    int64_t now_wall_ms;
};

struct store_run {
    int64_t id;
    bool is_continued;     /* an unfinished run goes on */
    bool was_crash;        /* and it had not been stopped in an orderly way */
    bool has_known_urls;   /* the file held URLs before */
    bool is_decided;       /* what it excluded was decided under these very rules and seeds */
    bool is_queue_decided; /* and what it asks for again, too */
    int64_t last_ended_ms; /* latest request known to the file, or 0 */
    int64_t used_pages;    /* of this run's budget (after a crash or a signal) */
    int64_t used_bytes;
};

/*
 * Continues the unfinished run or begins a new one, and turns into queued what
 * is to be asked again: for a new run the known pages as params.revisit says,
 * and unless that is REVISIT_NONE what failed, robots_unreachable and deferred;
 * for a run continued after an orderly stop the last three; after a crash
 * nothing (what was in flight is still queued).
 */
enum err store_begin_run(struct store *s, const struct store_run_params *params,
                         struct store_run *out, struct err_note *note) MUST_USE;

/* An origin. Views are valid during the call only. */
struct store_origin {
    int64_t id;
    bool is_https;
    struct span host;
    uint16_t port;
};

/* Every origin that has queued URLs. */
enum err store_each_queued_host(struct store *s,
                                void (*fn)(void *arg,
                                           const struct store_origin *origin),
                                void *arg, struct err_note *note) MUST_USE;

/*
 * Every origin whose robots.txt named sitemaps: where a run over due pages has to look what is due.
 * With only_unread those whose sitemaps an earlier start of this run began to read, and did not end.
 */
enum err store_each_sitemap_host(struct store *s, bool only_unread,
                                 void (*fn)(void *arg,
                                            const struct store_origin *origin),
                                 void *arg, struct err_note *note) MUST_USE;

/*
 * Every seed of this file, and every URL that a seed's redirects lead to (those that have not
 * ended): what the scope is made of when no seeds are given again.
 */
enum err store_each_seed(struct store *s, void (*fn)(void *arg, struct span url),
                         void *arg, struct err_note *note) MUST_USE;

/*
 * URLs that are queued (their reason is REASON_NONE), and those excluded by scope,
 * include_exclude, depth, trap, kind, nofollow, scheme, url_too_long, content_type or robots, are
 * shown to decide, which says what holds now; the changed ones are written. For a start
 * whose rules differ from the last one's. is_queue_only leaves the excluded ones out: for a start
 * with the same rules that asks again for pages which were not queued when these rules were new.
 * decide returns false when it is to end for now: what was decided is written, and the next start does all again.
 */
struct store_excluded {
    struct span url;
    int depth;
    enum url_hop hop;
    enum url_reason reason;
    struct span rule;
};

struct store_verdict {
    enum url_reason reason; /* REASON_NONE: queued */
    struct span rule;
};
enum err store_decide_again(struct store *s, bool is_queue_only,
                            bool (*decide)(void *arg, const struct store_excluded *url,
                                           struct store_verdict *out),
                            void *arg, struct err_note *note) MUST_USE;

/* A zstd dictionary that bodies are packed with; see parse/pack.h. */
struct store_dictionary {
    uint32_t id;
    struct span data;
};

/*
 * The file's dictionary, in mem. No data: there is none yet, and a new one may bear
 * this id (0: none may be added any more).
 */
enum err store_load_dictionary(struct store *s, struct arena *mem,
                               struct store_dictionary *out,
                               struct err_note *note) MUST_USE;

/*
 * Starts the writer thread. notify is called from that thread whenever done
 * ops wait to be taken; it must be quick and thread-safe.
 */
enum err store_start(struct store *s, void (*notify)(void *arg), void *arg,
                     struct err_note *note) MUST_USE;

/* --- ops ----------------------------------------------------------------------------- */

enum store_op_kind {
    STORE_VISIT,     /* one attempt at a URL and everything it brought */
    STORE_OFFERS,    /* seeds, sitemap and feed entries */
    STORE_REFILL,    /* queued URLs of one host, in order */
    STORE_OUT_OF_SCOPE, /* URLs that are excluded by the scope, a part at a time */
    STORE_HOST_LOAD, /* what is known of an origin */
    STORE_HOST_SAVE, /* its politeness state and robots.txt; what an older text of that excluded is queued again */
    STORE_HOST_SITEMAPS, /* this run still has to read those of an origin, or has read them all */
    STORE_HOST_PARK, /* all its queued URLs become excluded for a reason */
    STORE_EVENT,
    STORE_SPACE, /* is there still room on the disk? result ERR_FULL when not */
    STORE_END_RUN,
    STORE_GRAPH, /* after the end of a finished run: link metrics, and indexes that large files need */
    STORE_TEXTS,      /* after the end of a finished run: a step of indexing texts anew, where that is due */
    STORE_DICTIONARY, /* bodies of visits submitted later may need it */
};

/* What an offer came to. */
enum store_change {
    CHANGE_NONE,     /* known; nothing to do */
    CHANGE_NEW,      /* a new row */
    CHANGE_QUEUED,   /* was excluded (kind, nofollow, depth), is queued now */
    CHANGE_SHALLOWER /* known; its depth fell */
};

/* Rules, as the file has them, of URLs that no link to be followed leads to; a start decides by the second. */
#define STORE_RULE_KIND          "not followed: this kind of link"
#define STORE_RULE_PAGE_NOFOLLOW "page says nofollow"

/* A URL somebody pointed at. The loop decided about it; the writer knows whether it is new. */
struct store_offer {
    int64_t
        known_id; /* when the loop knows the row (then url, key, host may be empty) */
    struct span url;  /* serialised, no fragment, no userinfo */
    struct span key;  /* the normalised form; may be the same span as url */
    struct span host; /* url_hostname */
    uint16_t port;
    bool is_web; /* http or https: has a host row */
    bool is_https;
    enum url_hop hop;
    int depth;
    int redirects;
    int priority;           /* smaller first; 0 normal */
    enum url_reason reason; /* REASON_NONE: may be queued */
    bool is_nearest;        /* depth is that of the nearest of all links; what is too deep by it is so for good */
    struct span rule;       /* which rule decided, when excluded */
    int64_t lastmod_ms;     /* from a sitemap, or -1 */
    int seed_line;          /* seeds: line in source, 0 for the command line */
    struct span seed_source;
    /* Written by the store: */
    int64_t id, host_id;
    enum store_change change;
    enum url_state state; /* the row's state after this */
    enum url_reason state_reason;
    int state_depth; /* the row's depth after this */
    int64_t parent_id;
};

/* A link of a page. Most lead to what the loop knows: there is nothing to decide. There are many, so it is small. */
struct store_link {
    const struct fact_link *found; /* as it stood on the page */
    struct store_offer *offer;     /* what the store decides about; NULL where the link changes nothing */
    int64_t id;                    /* of the URL it leads to; where there is an offer the store writes it */
    uint32_t position;
    uint8_t hop; /* enum url_hop */
    /* Is the link itself not followed, whatever holds for its URL: for its kind; as no link of its page is? */
    bool is_kind, is_barred;
    bool has_own_depth; /* the URL's depth is not the page's plus one */
};

/* A queued URL on its way to the frontier. */
struct store_item {
    int64_t id, host_id;
    struct span url;
    int depth, priority, redirects, retries;
    enum url_hop hop;
    int64_t next_fetch_ms; /* not before; 0 = now */
    struct span etag,
        last_modified; /* validators of the content we hold; empty: unconditional */
    /* In op->extra only: the origin, which the loop may not have met. */
    bool is_https;
    struct span host;
    uint16_t port;
};

struct store_visit {
    int64_t url_id, host_id;
    int depth;
    enum url_state state;   /* after this attempt; STATE_QUEUED = to be tried again */
    enum url_reason reason; /* excluded */
    struct span rule;
    int retries; /* tries after the first, made so far */
    int64_t
        next_fetch_ms; /* for STATE_QUEUED: not before; 0 = the store schedules a revisit */
    bool
        counts_as_page; /* an answered page request: counts for hosts.pages and the run's budget */
    /* The fetch row; has_fetch is false when no request was made (robots, host limit ...). */
    bool has_fetch;
    int attempt;
    int64_t fetched_at_ms;
    const char *outcome; /* static word */
    int status_code;
    struct span error, content_type, http_version, ip;
    int64_t size, wire_size;
    int32_t dns_ms, connect_ms, tls_ms, ttfb_ms, total_ms; /* -1 = NULL */
    struct span etag, last_modified, location;
    struct span request_headers,
        headers;        /* raw lines; stored as JSON lists of [name, value] */
    bool body_is_final; /* complete: its hash may be stored */
    /* The page; NULL when there is none. Belongs to the op's owner until on_done. */
    const struct page_facts *facts;
    struct store_link *links; /* of the page, in order of position */
    size_t n_links;
    struct store_offer *redirect; /* target, or NULL */
    /* A redirect led to another spelling of the URL's own key: the row has it from now on, and that many redirects. */
    struct span respelled;
    int redirects;
    int respellings; /* how many of its redirects were such ones before; a URL that is done has them no more */
    int64_t n_bytes;              /* for the run's byte budget */
};

/* Longest host name that has a row, in bytes; no URL with a longer one can be queued. DNS ends at 253. */
#define STORE_MAX_HOST ((size_t)255)

/* Bytes of a robots.txt that are of no account, however many origins are loaded at once. */
#define STORE_SMALL_ROBOTS ((size_t)8 * KIB)

struct store_host_state {
    int64_t host_id;
    int64_t next_fetch_ms, backoff_until_ms; /* wall clock; 0 = none */
    int failures;
    int64_t crawl_delay_ms; /* -1 = none */
    struct span ip;
    int64_t run_pages; /* page requests answered in this run */
    /* robots.txt; has_robots says whether these are meant or known. */
    bool has_robots;
    int64_t robots_fetched_ms, robots_expires_ms;
    int robots_status;
    struct span robots_outcome; /* ok, no_rules, unreachable */
    struct span robots_body;    /* as it was read, UTF-8 */
    bool wants_large_robots;    /* load, in: also one over STORE_SMALL_ROBOTS, else left out */
    size_t robots_size;         /* load, out: of the body, also where it is left out */
    int64_t n_requeued;         /* save, out */
};

/* A text that is indexed anew: read by one STORE_TEXTS, given back with its text by the next. */
struct store_text {
    int64_t id; /* of the fetch that brought it, and of the index */
    struct span url, content_type;
    struct span data; /* the stored body, packed, and its size unpacked */
    int64_t size;
    struct span title, description;
    struct span text; /* as the index wants it: JOB_TEXT with wants_text */
};

struct store_totals {
    int64_t by_state[N_URL_STATES];
    int64_t db_bytes; /* of the file once its log is copied back */
};

struct store_op {
    struct list_node node;
    enum store_op_kind kind;
    enum err
        result; /* not OK: nothing of this op was stored, and the store has failed */
    void (*on_done)(void *arg,
                    struct store_op *op); /* called by whoever takes it; may free it */
    void *arg;
    struct arena mem; /* owned by the op's owner; the store allocates results here */

    union {
        struct store_visit visit;

        struct {
            struct store_offer *offers;
            size_t n_offers;
            /* When these came from a sitemap: its row. url empty = none. */
            struct span sitemap_url, sitemap_outcome;
            int64_t sitemap_host_id, sitemap_fetched_ms, sitemap_entries;
            int sitemap_status;
        } offers;

        struct {
            int64_t host_id;
            enum store_order order;
            bool from_start;
            int after_priority,
                after_depth; /* the cursor: items behind it in the order */
            int64_t after_id;
            size_t limit;
            struct store_item *items; /* out */
            size_t n_items;
            bool has_more; /* out */
        } refill;
        struct store_host_state host; /* load: out but for host_id; save: in */

        struct {
            int64_t after; /* in: id of the last of the part before; 0: it begins */
            size_t limit;
            bool wants_ways; /* only those that a link to be followed leads to, at the depth of the nearest */
            struct incoming *ways; /* in and out: what that needs to know; on to the next part. Freed with the op */
            const atomic_bool *stop; /* NULL is fine; true: reading all links ends, and the op is ERR_CANCELLED */
            struct store_item *items; /* out: id, url, depth and hop */
            size_t n_items;
            int64_t last;  /* out: id of the last row looked at; 0: there are no more */
            bool has_risen; /* out: depths fell first; nothing else was done, ask again */
        } out_of_scope;

        struct {
            int64_t host_id;
            bool are_read;
        } sitemaps;

        struct {
            int64_t host_id;
            enum url_reason reason;
            struct span rule;
            int64_t next_fetch_ms;
            int64_t n_parked; /* out */
        } park;

        struct {
            const char *level, *component, *event; /* static words */
            int64_t url_id;                        /* 0 = none */
            struct span detail;
        } event;

        struct {
            bool is_finished; /* else stopped: goes on with the next start */
            bool
                keeps_budget; /* stopped by a signal: the used budget goes on counting */
            const char *stop_reason;
            struct span summary_json;
        } end_run;
        struct store_dictionary dictionary;

        struct {
            bool wants_metrics;
            const atomic_bool *stop; /* true: leave what is not begun; or NULL */
            /* out */
            enum err skipped; /* ERR_NO_MEMORY, ERR_CANCELLED: there are no new metrics, or loose texts of links stay */
            bool is_new;      /* else those that are there are still right */
            int64_t n_pages, n_links, n_clusters;
            int64_t n_recalled; /* links that were in memory still, as this start wrote them */
            int64_t n_in_roll;  /* and pages */
            int passes; /* of PageRank */
        } graph;

        struct {
            int64_t after; /* in: id of the last of done; 0: it begins */
            const struct store_text *done; /* in: what the step before gave, with texts */
            size_t n_done;
            /* out, in mem: the next ones, of eight MiB unpacked or one more */
            struct store_text *next;
            size_t n_next;
            bool is_over;    /* nothing is to be done, or no more */
            bool is_renewed; /* and the new index is in use */
            int64_t lacking; /* it is over though much is out of use: so many bytes more must be free for it */
            int64_t lost;    /* ... or so many texts in use have no stored body */
        } texts;
    } u;
    /*
     * out: rows that became queued, or shallower, as a consequence elsewhere
     * (a page whose depth fell offers its links again), for the frontier.
     */
    struct store_item *extra;
    size_t n_extra;
    /* There were too many: extra names each host concerned once at least, and the queues of
     * these hosts must be read again from the start. */
    bool extra_is_cut;
    struct arena extra_mem; /* of their texts; the store's */
};

/* A zeroed op with its arena. The arena's cap is max_bytes. */
struct store_op *store_op_new(enum store_op_kind kind, size_t max_bytes);
void store_op_free(struct store_op *op);
/* An on_done for ops whose answer nobody looks at. */
void store_op_free_done(void *unused, struct store_op *op);

/* Of STORE_OUT_OF_SCOPE, where no further op takes them. NULL is fine. */
void store_free_ways(struct incoming *ways);

/* Hands op to the writer; the caller may not touch it until it is done. Never blocks for I/O. */
void store_submit(struct store *s, struct store_op *op);

/* Ops submitted and not yet taken. */
size_t store_pending(const struct store *s);

/*
 * Moves max of the done ops at most into done (a list head), in order of submission,
 * and returns how many. They were committed, or have a result that says why not.
 */
size_t store_take_done(struct store *s, size_t max, struct list_node *done);

/* As of the last commit. */
void store_get_totals(struct store *s, struct store_totals *out);

/* Did the writer fail? Then the note says how (disk full, damaged ...) and every further op fails. */
enum err store_failure(struct store *s, struct err_note *note);
