/* SPDX-License-Identifier: MIT */
#include "crawler/discover.h"

#include "config/mem.h"
#include "parse/utf8.h"

#define LINKS_A_LOOK 256 /* at the clock; a pattern may take milliseconds over each: then one */
/* So many links are looked up in c->known together: the loop waits for its memory once for all of them. */
#define LINKS_TOGETHER 16
/* What parsing and normalising a URL of n bytes asks for at most. */
#define ROOM(n)      (16 * (n) + 4 * (size_t)KIB)

bool discover_took(enum err e, struct span url, const struct arena *mem)
{
    if (e && e != ERR_INVALID && arena_has_room(mem, ROOM(url.len)))
        mem_out_of_memory(url.len);
    return !e;
}

static bool parse_page_url(struct span text, const struct url *base, struct arena *mem,
                           struct url *out)
{
    return discover_took(url_parse(text, base, mem, out), text, mem) &&
           discover_took(url_page(out, mem, out), text, mem);
}

void discover_tell_undecided(struct crawl *c)
{
    struct arena mem;
    struct span rule;

    arena_init(&mem, (size_t)64 * KIB);
    while (scope_tells_undecided(c->scope, &mem, &rule))
        crawl_event(c, "warn", "scope", "slow-pattern", 0,
                    "%.*s takes too many steps over some URLs; they are not fetched (rule: could not be decided)",
                    SPAN_ARG(rule));
    arena_clear(&mem);
}

/* Verdict and identity of a URL that the loop does not know. mem holds what the offer points at. */
static void decide(struct crawl *c, const struct url *u, int depth, struct arena *mem,
                   struct store_offer *o)
{
    struct scope_verdict verdict;

    o->url = u->href;
    o->host = url_site_hostname(u);
    o->port = url_port(u) > 0 ? (uint16_t)url_port(u) : 0;
    o->is_web = url_is_web(u);
    o->is_https = u->scheme == URL_HTTPS;
    o->depth = depth;
    o->lastmod_ms = -1;
    if (!discover_took(url_normalize(u, mem, &o->key), u->href, mem))
        o->key = u->href;
    scope_decide(c->scope, u, depth, mem, &verdict);
    o->reason = verdict.reason;
    o->rule = verdict.rule;
    discover_tell_undecided(c);
}

void discover_seed(struct crawl *c, const struct url *u, struct arena *mem,
                   struct store_offer *out)
{
    *out = (struct store_offer){ .hop = HOP_SEED };
    decide(c, u, 0, mem, out);
}

bool discover_entry(struct crawl *c, struct span url, enum url_hop hop,
                    int64_t lastmod_ms, struct arena *mem, struct store_offer *out)
{
    struct url u;

    if (!parse_page_url(url, NULL, mem, &u))
        return false;
    *out = (struct store_offer){ .hop = hop };
    decide(c, &u, 1, mem, out);
    out->lastmod_ms = lastmod_ms;
    return true;
}

bool discover_again(struct crawl *c, const struct store_item *item, struct arena *mem, struct store_offer *out)
{
    struct url u;

    if (!parse_page_url(item->url, NULL, mem, &u))
        return false;
    *out = (struct store_offer){ .hop = item->hop };
    decide(c, &u, item->depth, mem, out);
    out->known_id = item->id;
    out->is_nearest = true;
    return !out->reason || out->reason == REASON_DEPTH;
}

/*
 * Servers write paths in the encoding of their file names. What is no UTF-8 goes out byte
 * by byte, as browsers send it; the URL standard's U+FFFD would ask for another page.
 */
static struct span escape_bytes(struct span s, struct arena *mem)
{
    static const char hex[] = "0123456789ABCDEF";
    char *text, *at;

    if (utf8_valid_prefix(s) == s.len)
        return s;
    at = text = arena_try_array(mem, s.len, 3);
    if (!discover_took(text ? OK : ERR_NO_MEMORY, s, mem))
        return s;
    for (size_t i = 0; i < s.len; i++) {
        unsigned char byte = (unsigned char)s.ptr[i];

        if (byte < 0x80) {
            *at++ = s.ptr[i];
            continue;
        }
        *at++ = '%';
        *at++ = hex[byte >> 4];
        *at++ = hex[byte & 0xf];
    }
    return span_make(text, (size_t)(at - text));
}

bool discover_redirect(struct crawl *c, const struct ticket *from,
                       const struct url *base, struct span location, struct arena *mem,
                       struct store_offer *out)
{
    struct url u;

    if (!parse_page_url(escape_bytes(location, mem), base, mem, &u))
        return false;
    /* Where a seed (also one that was first found as a link) redirects, its host is what the user meant. */
    if (from->depth == 0 && url_is_web(&u) && scope_add_redirect(c->scope, &u)) {
        known_forget(c->known);
        c->has_wider_scope = true;
        crawl_event(c, "info", "scope", "seed-redirected", from->id,
                    "%.*s joins the scope", SPAN_ARG(url_host(&u)));
    }
    *out = (struct store_offer){ .hop = HOP_REDIRECT };
    decide(c, &u, from->depth, mem, out);
    out->redirects = from->redirects + 1;
    out->priority = from->priority;
    out->parent_id = from->id;
    return true;
}

static enum url_hop hop_of(const struct fact_link *link)
{
    switch ((enum fact_hop)link->hop) {
    case FACT_HOP_REFRESH: return HOP_REFRESH;
    case FACT_HOP_CANONICAL: return HOP_CANONICAL;
    case FACT_HOP_FEED: return HOP_FEED;
    case FACT_HOP_EMBED: return HOP_EMBED;
    case FACT_HOP_SITEMAP: return HOP_SITEMAP;
    default: return HOP_LINK;
    }
}

/* By its kind. */
static bool is_recorded_only(const struct crawl *c, const struct fact_link *link)
{
    return link->hop == FACT_HOP_NONE || (link->hop == FACT_HOP_EMBED && !c->settings->follows_embeds);
}

/* Why this link is recorded only, whatever it points at. */
static enum url_reason not_followed(const struct crawl *c,
                                    const struct discover_page *page,
                                    const struct fact_link *link, struct span *rule)
{
    const struct settings *s = c->settings;

    if (is_recorded_only(c, link)) {
        *rule = SPAN(STORE_RULE_KIND);
        return REASON_KIND;
    }
    if (page->is_error_page) {
        *rule = SPAN("not followed: link on an error page");
        return REASON_KIND;
    }
    if (page->facts->is_nofollow) {
        *rule = SPAN(STORE_RULE_PAGE_NOFOLLOW);
        return REASON_NOFOLLOW;
    }
    if (link->is_nofollow && s->respects_nofollow) {
        *rule = SPAN("--respect-rel-nofollow");
        return REASON_NOFOLLOW;
    }
    return REASON_NONE;
}

/* A row that is excluded for how links to it were made, and was so by this run's rules. */
static bool is_by_link(enum url_reason reason)
{
    return reason == REASON_KIND || reason == REASON_NOFOLLOW;
}

/*
 * Does what is known of a URL say all about a link to it, so that the store has nothing to decide? only_recorded is why
 * the link itself is not followed. A row that links exclude is another's once a link comes nearer to being followed, as
 * in store/offers.c; and deeper than --depth the rules would say something else.
 */
static bool is_settled(const struct crawl *c, const struct known_entry *known, enum url_reason only_recorded, int depth)
{
    int64_t max_depth = c->settings->depth;

    if (!is_by_link(known->reason))
        return only_recorded || known->reason || known->depth <= depth;
    if (!only_recorded || (max_depth >= 0 && depth > max_depth))
        return false;
    return only_recorded == known->reason ? depth >= known->depth : known->reason == REASON_NOFOLLOW;
}

/* What a link leads to, without the fragment. */
struct target {
    struct span href;
    struct known_key key;
};

static void read_targets(const struct crawl *c, const struct fact_link *links, size_t n, struct target *out)
{
    for (size_t i = 0; i < n; i++) {
        out[i].href = span_slice(links[i].url, 0, span_find(links[i].url, '#'));
        out[i].key = known_key(c->known, out[i].href);
    }
}

/* Why a link is not followed, whatever it points at. */
struct bar {
    enum url_reason reason;
    struct span rule;
};

/* What the store has to decide about; NULL when href is no URL. mem has room for it. */
static struct store_offer *offer_of(struct crawl *c, struct span href, enum url_hop hop, int depth,
                                    const struct bar *bar, struct arena *mem)
{
    struct store_offer *o;
    struct url u;

    if (!parse_page_url(href, NULL, mem, &u))
        return NULL;
    o = arena_alloc(mem, sizeof *o);
    o->hop = hop;
    decide(c, &u, depth, mem, o);
    if (href.len > SCOPE_MAX_URL && !o->reason) {
        o->reason = REASON_URL_TOO_LONG; /* what is left of it may have parsed to less */
        o->rule = SPAN("cut by the parser");
    }
    if (!o->reason && bar->reason) {
        o->reason = bar->reason;
        o->rule = bar->rule;
    }
    return o;
}

/* One link. False when it is no URL. */
static bool discover_link(struct crawl *c, const struct discover_page *page, size_t i,
                          const struct target *target, struct arena *mem, struct store_link *out)
{
    const struct fact_link *link = &page->facts->links[i];
    int depth = link->hop == FACT_HOP_FEED ? 1 : page->depth + 1;
    struct bar bar = { .reason = REASON_NONE };
    struct known_entry known;

    bar.reason = not_followed(c, page, link, &bar.rule);
    *out = (struct store_link){ .found = link,
                                .position = (uint32_t)i,
                                .hop = (uint8_t)hop_of(link),
                                .is_kind = is_recorded_only(c, link) || page->is_error_page,
                                .is_barred = page->is_error_page || page->facts->is_nofollow,
                                .has_own_depth = depth != page->depth + 1 };
    if (known_find_key(c->known, target->key, &known) && is_settled(c, &known, bar.reason, depth)) {
        out->id = known.id;
        return true;
    }
    out->offer = offer_of(c, target->href, hop_of(link), depth, &bar, mem);
    return out->offer != NULL;
}

/*
 * Over a page made for it a pattern may take minutes. Where a limit ended the run it goes on all
 * the same: a start with --max-pages 1 would else ask for such a page again each time.
 */
static bool must_end(const struct crawl *c)
{
    return c->n_signals && coro_is_cancelled(coro_current());
}

enum err discover_links(struct crawl *c, const struct discover_page *page, struct arena *mem,
                        struct store_link *links, size_t *out_n, bool *out_is_cut)
{
    const struct fact_link *found = page->facts->links;
    size_t a_look = c->settings->rules.len ? 1 : LINKS_A_LOOK, n_links = page->facts->n_links, n = 0;
    struct target targets[LINKS_TOGETHER];

    *out_is_cut = false;
    for (size_t i = 0; i < n_links; i++) {
        size_t at = i % LINKS_TOGETHER;

        if (!at)
            read_targets(c, found + i, MIN((size_t)LINKS_TOGETHER, n_links - i), targets);
        if (!arena_has_room(mem, ROOM(found[i].url.len))) {
            *out_is_cut = true;
            break;
        }
        if (discover_link(c, page, i, &targets[at], mem, &links[n]))
            n++;
        if (i % a_look == a_look - 1) {
            coro_breathe();
            if (must_end(c))
                return ERR_CANCELLED;
        }
    }
    *out_n = n;
    return OK;
}
