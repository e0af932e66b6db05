/* SPDX-License-Identifier: MIT */
#include "crawler/scope.h"

#include "config/map.h"
#include "config/mem.h"
#include "crawler/patterns.h"
#include "parse/host.h"
#include "store/store.h"

#define MAX_SEGMENTS     40 /* deeper paths than any real site's */
#define MAX_REPEATS      3  /* /a/a/a or /a/b/a/b/a/b */
#define MAX_SAME_SEGMENT 5  /* one name this often anywhere in a path */
#define MAX_PARAMETERS   40
#define MAX_QUOTED       480 /* bytes of a pattern or scheme in a rule, of which the database keeps 512 */
#define MAX_QUOTED_SLOW  460 /* where more is said of it */

/* Was a rule left undecided over some URL? */
enum trouble {
    TROUBLE_NONE,
    TROUBLE_UNTOLD,
    TROUBLE_TOLD,
};

struct scope {
    const struct settings *settings;
    struct patterns *patterns; /* numbered as settings->rules */
    bool has_include;
    unsigned char *troubles; /* enum trouble, by number of the rule */
    size_t n_untold;         /* of them that are TROUBLE_UNTOLD */
    struct map sites; /* site keys; value: the scope itself */
    struct map domains;
    struct map prefixes; /* "site/dir/" */
    size_t max_prefix_len;
};

enum err scope_open(const struct settings *settings, struct scope **out,
                    struct err_note *note)
{
    struct scope *s = mem_alloc(sizeof *s);
    enum err e;

    s->settings = settings;
    map_init(&s->sites);
    map_init(&s->domains);
    map_init(&s->prefixes);
    s->troubles = mem_array(settings->rules.len + 1, sizeof *s->troubles);
    e = patterns_open(&s->patterns, note);
    for (size_t i = 0; !e && i < settings->rules.len; i++) {
        const struct text_item *item = &settings->rules.items[i];

        e = patterns_add(s->patterns, item->text, item->where, note);
        s->has_include |= item->tag == RULE_INCLUDE;
    }
    if (e) {
        scope_close(s);
        return e;
    }
    *out = s;
    return OK;
}

void scope_close(struct scope *s)
{
    if (!s)
        return;
    patterns_close(s->patterns);
    mem_free(s->troubles);
    map_clear(&s->sites);
    map_clear(&s->domains);
    map_clear(&s->prefixes);
    mem_free(s);
}

struct span scope_site_key(struct span hostname, int32_t port, struct arena *mem)
{
    if (hostname.len && hostname.ptr[hostname.len - 1] == '.')
        hostname.len--;
    if (port == 80 || port == 443 || port < 0)
        return hostname;
    return arena_format(mem, "%.*s:%d", SPAN_ARG(hostname), port);
}

/* The path up to and with its last slash. */
static struct span directory(struct span path)
{
    while (path.len && path.ptr[path.len - 1] != '/')
        path.len--;
    return path;
}

static bool add_key(struct map *m, struct span key, struct scope *s)
{
    if (map_get(m, key))
        return false;
    map_set(m, key, s);
    return true;
}

static bool add_place(struct scope *s, const struct url *u)
{
    struct arena mem;
    struct span site, domain, prefix;
    bool is_new;

    /* A server's Location may be any length; it is not asked for. */
    if (u->href.len > SCOPE_MAX_URL || url_hostname(u).len > STORE_MAX_HOST)
        return false;
    arena_init(&mem, (size_t)64 * KIB);
    site = scope_site_key(url_hostname(u), url_port(u), &mem);
    domain = host_registrable(url_hostname(u));
    prefix = arena_format(&mem, "%.*s%.*s", SPAN_ARG(site),
                          SPAN_ARG(directory(url_pathname(u))));
    is_new = add_key(&s->sites, site, s);
    if (s->settings->scope == SCOPE_DOMAIN)
        is_new = add_key(&s->domains, domain.len ? domain : site, s);
    if (s->settings->scope == SCOPE_PREFIX)
        is_new = add_key(&s->prefixes, prefix, s);
    s->max_prefix_len = MAX(s->max_prefix_len, prefix.len);
    arena_clear(&mem);
    return is_new;
}

bool scope_add_seed(struct scope *s, const struct url *seed)
{
    return add_place(s, seed);
}

bool scope_add_redirect(struct scope *s, const struct url *target)
{
    return s->settings->scope != SCOPE_ANY && add_place(s, target);
}

/* Is any directory above the path a seed's? */
static bool is_under_prefix(const struct scope *s, struct span site, struct span path,
                            struct arena *mem)
{
    struct span whole = arena_format(mem, "%.*s%.*s", SPAN_ARG(site), SPAN_ARG(path));
    struct span dir = span_make(whole.ptr, MIN(whole.len, s->max_prefix_len));

    for (dir = directory(dir); dir.len > site.len; dir.len--, dir = directory(dir))
        if (map_get(&s->prefixes, dir))
            return true;
    return false;
}

/* scope_site_key of u; nearly always it stands in the URL. */
static struct span site_of(const struct url *u, struct arena *mem)
{
    struct span hostname = url_hostname(u);
    int32_t port = url_port(u);

    if (u->port < 0 || port == 80 || port == 443 || !hostname.len ||
        hostname.ptr[hostname.len - 1] == '.')
        return scope_site_key(hostname, port, mem);
    return url_host(u);
}

static bool is_in_scope(const struct scope *s, const struct url *u, struct arena *mem)
{
    struct span host = url_hostname(u), site, domain;

    if (s->settings->scope == SCOPE_ANY)
        return true;
    site = site_of(u, mem);
    switch (s->settings->scope) {
    case SCOPE_DOMAIN:
        domain = host_registrable(host);
        return map_get(&s->domains, domain.len ? domain : site) != NULL;
    case SCOPE_PREFIX: return is_under_prefix(s, site, url_pathname(u), mem);
    default: return map_get(&s->sites, site) != NULL;
    }
}

bool scope_has_origin(const struct scope *s, const struct url *u, struct arena *mem)
{
    if (s->settings->scope == SCOPE_PREFIX)
        return map_get(&s->sites, site_of(u, mem)) != NULL;
    return is_in_scope(s, u, mem);
}

/* What the patterns say of a URL. */
struct ruling {
    const struct text_item *rule;      /* the last that matches, or NULL */
    const struct text_item *undecided; /* one that took too long over it, as it may over a URL made for that; or NULL */
};

static void note_undecided(struct scope *s, size_t i)
{
    if (s->troubles[i])
        return;
    s->troubles[i] = TROUBLE_UNTOLD;
    s->n_untold++;
}

static struct ruling ask_patterns(struct scope *s, struct span url)
{
    struct ruling r = { NULL, NULL };

    for (size_t i = s->settings->rules.len; i-- > 0;) {
        const struct text_item *rule = &s->settings->rules.items[i];
        enum patterns_answer answer = patterns_match(s->patterns, i, url);

        if (answer == PATTERNS_UNDECIDED) {
            note_undecided(s, i);
            r.undecided = rule;
        }
        if (answer == PATTERNS_YES || (answer == PATTERNS_UNDECIDED && rule->tag == RULE_EXCLUDE)) {
            r.rule = rule;
            break;
        }
    }
    return r;
}

/* How many times the pattern of n segments that ends at the last one repeats directly before. */
static size_t repeats_of(const struct span *segments, size_t len, size_t n)
{
    size_t times = 1;

    while ((times + 1) * n <= len) {
        for (size_t i = 0; i < n; i++)
            if (!span_eq(segments[len - 1 - i], segments[len - 1 - i - times * n]))
                return times;
        times++;
    }
    return times;
}

static const char *segment_trap(const struct span *segments, size_t n)
{
    for (size_t end = MAX_REPEATS; end <= n; end++)
        for (size_t width = 1; width <= 3; width++)
            if (repeats_of(segments, end, width) > MAX_REPEATS - (width > 1))
                return "repeated segments";
    for (size_t i = 0; i < n; i++) {
        size_t same = 0;

        for (size_t k = 0; k < n; k++)
            same += span_eq(segments[i], segments[k]);
        if (same >= MAX_SAME_SEGMENT && segments[i].len)
            return "repeated segments";
    }
    return NULL;
}

const char *scope_trap(struct span pathname, struct span search)
{
    struct span segments[MAX_SEGMENTS], rest = span_skip(pathname, 1);
    size_t n = 0, parameters = 1;

    while (span_split(&rest, '/', &segments[n]))
        if (++n == MAX_SEGMENTS)
            return "too many path segments";
    for (size_t i = 0; i < search.len; i++)
        parameters += search.ptr[i] == '&';
    if (parameters > MAX_PARAMETERS)
        return "too many parameters";
    return n > MAX_REPEATS ? segment_trap(segments, n) : NULL;
}

static void exclude(struct scope_verdict *out, enum url_reason reason, struct span rule)
{
    *out = (struct scope_verdict){ reason, rule };
}

/* A pattern may be long, and a page may have 100,000 links that it is against: all of their rules lie in one arena. */
static struct span quote_pattern(const struct text_item *rule, size_t max, const char *said, struct arena *mem)
{
    struct span whole = span_str(rule->text), shown = span_clip_utf8(whole, max);

    return arena_format(mem, "--%s '%.*s%s'%s", rule->tag == RULE_INCLUDE ? "include" : "exclude", SPAN_ARG(shown),
                        shown.len < whole.len ? "..." : "", said);
}

static struct span describe_ruling(const struct ruling *r, struct arena *mem)
{
    if (r->undecided && (!r->rule || r->rule == r->undecided))
        return quote_pattern(r->undecided, MAX_QUOTED_SLOW, " could not be decided", mem);
    return r->rule ? quote_pattern(r->rule, MAX_QUOTED, "", mem) : SPAN("no --include matches");
}

bool scope_tells_undecided(struct scope *s, struct arena *mem, struct span *out)
{
    if (!s->n_untold)
        return false;
    for (size_t i = 0; i < s->settings->rules.len; i++)
        if (s->troubles[i] == TROUBLE_UNTOLD) {
            s->troubles[i] = TROUBLE_TOLD;
            s->n_untold--;
            *out = quote_pattern(&s->settings->rules.items[i], MAX_QUOTED, "", mem);
            return true;
        }
    return false;
}

void scope_decide(struct scope *s, const struct url *u, int depth,
                  struct arena *mem, struct scope_verdict *out)
{
    static const char *const words[] = { "host", "domain", "prefix", "any" };
    const struct settings *set = s->settings;
    const char *trap = NULL;
    struct ruling r;

    *out = (struct scope_verdict){ REASON_NONE, SPAN_NONE };
    if (!url_is_web(u))
        exclude(out, REASON_SCHEME,
                arena_format(mem, "scheme %.*s", SPAN_ARG(span_clip_utf8(url_protocol(u), MAX_QUOTED))));
    else if (u->href.len > SCOPE_MAX_URL)
        exclude(out, REASON_URL_TOO_LONG,
                arena_format(mem, "longer than %d bytes", SCOPE_MAX_URL));
    else if (url_hostname(u).len > STORE_MAX_HOST)
        exclude(out, REASON_URL_TOO_LONG, arena_format(mem, "host longer than %zu bytes", STORE_MAX_HOST));
    else if (!is_in_scope(s, u, mem))
        exclude(out, REASON_SCOPE, arena_format(mem, "--scope %s", words[set->scope]));
    if (out->reason)
        return;
    r = ask_patterns(s, u->href);
    trap = scope_trap(url_pathname(u), url_search(u));
    if (r.rule ? r.rule->tag != RULE_INCLUDE : s->has_include)
        exclude(out, REASON_INCLUDE_EXCLUDE, describe_ruling(&r, mem));
    else if (set->depth >= 0 && depth > set->depth)
        exclude(out, REASON_DEPTH,
                arena_format(mem, "--depth %lld", (long long)set->depth));
    else if (trap)
        exclude(out, REASON_TRAP, arena_format(mem, "trap: %s", trap));
}
