/* SPDX-License-Identifier: MIT */
#include "parse/robots.h"

#include "config/mem.h"
#include "parse/robots_path.h"

/* Longer lines are clipped: no honest rule is that long, and a URL is not either. */
#define ROBOTS_MAX_LINE_BYTES ((size_t)16 * 1024)
/* A Crawl-delay beyond this says nothing more; also keeps the arithmetic small. */
#define ROBOTS_MAX_DELAY_S INT64_C(1000000000)

enum line_kind {
    LINE_OTHER,
    LINE_AGENT,
    LINE_ALLOW,
    LINE_DISALLOW,
    LINE_DELAY,
    LINE_SITEMAP,
};

struct line {
    enum line_kind kind;
    struct span value;
    uint32_t number;
};

/* Walks the file; rest is what is still unread. */
struct lines {
    struct span rest;
    uint32_t number;
};

/* Which rules are meant: those of groups that name us, or those of "*". */
enum audience {
    FOR_ALL,
    FOR_US,
    N_AUDIENCES,
};

/* The group being read. A rule ends the run of user-agent lines, nothing else does. */
struct group {
    bool
        is_naming; /* the last record was a user-agent line, or one that no one minds */
    bool is_for[N_AUDIENCES];
};

struct counts {
    bool has_group[N_AUDIENCES];
    size_t rules[N_AUDIENCES];
    size_t sitemaps;
};

static bool is_token_char(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '-' || c == '_';
}

/* The product token at the start of s: RFC 9309 §2.2.1. */
static struct span token_of(struct span s)
{
    size_t n = 0;

    while (n < s.len && is_token_char(s.ptr[n]))
        n++;
    return span_slice(s, 0, n);
}

/*
 * Common misspellings are accepted: RFC 9309 §2.2.4 leaves other records to
 * the crawler, and who wrote "Dissallow" meant to keep us out.
 */
static enum line_kind kind_of(struct span key)
{
    static const struct {
        struct span name;
        enum line_kind kind;
    } names[] = {
        { { "user-agent", 10 }, LINE_AGENT },  { { "useragent", 9 }, LINE_AGENT },
        { { "user agent", 10 }, LINE_AGENT },  { { "allow", 5 }, LINE_ALLOW },
        { { "disallow", 8 }, LINE_DISALLOW },  { { "dissallow", 9 }, LINE_DISALLOW },
        { { "dissalow", 8 }, LINE_DISALLOW },  { { "disalow", 7 }, LINE_DISALLOW },
        { { "diasllow", 8 }, LINE_DISALLOW },  { { "disallaw", 8 }, LINE_DISALLOW },
        { { "crawl-delay", 11 }, LINE_DELAY }, { { "crawldelay", 10 }, LINE_DELAY },
        { { "crawl delay", 11 }, LINE_DELAY }, { { "sitemap", 7 }, LINE_SITEMAP },
        { { "site-map", 8 }, LINE_SITEMAP },
    };

    for (size_t i = 0; i < ARRAY_LEN(names); i++)
        if (span_eq_nocase(key, names[i].name))
            return names[i].kind;
    return LINE_OTHER;
}

/* Splits "key: value # comment". Without a colon, exactly two words will do. */
static void parse_line(struct span text, struct line *out)
{
    struct span key, value, word;
    size_t colon;

    text = span_trim(span_slice(text, 0, span_find(text, '#')));
    colon = span_find(text, ':');
    out->kind = LINE_OTHER;
    if (colon < text.len) {
        key = span_trim(span_slice(text, 0, colon));
        value = span_trim(span_skip(text, colon + 1));
    } else if (!span_token(&text, &key) || !span_token(&text, &value) ||
               span_token(&text, &word)) {
        return;
    }
    out->kind = kind_of(key);
    out->value = value;
}

/* LF, CR and CRLF end a line (RFC 9309 §2.2, "EOL"). */
static bool next_line(struct lines *it, struct line *out)
{
    struct span text;
    size_t n = 0;

    if (it->rest.len == 0)
        return false;
    while (n < it->rest.len && it->rest.ptr[n] != '\n' && it->rest.ptr[n] != '\r')
        n++;
    text = span_slice(it->rest, 0, MIN(n, ROBOTS_MAX_LINE_BYTES));
    if (n + 1 < it->rest.len && it->rest.ptr[n] == '\r' && it->rest.ptr[n + 1] == '\n')
        n++;
    it->rest = span_skip(it->rest, n + 1);
    out->number = ++it->number;
    parse_line(text, out);
    return true;
}

/* "*" may be followed by white space and anything, as a token may. */
static void group_name(struct group *g, struct span value, struct span token)
{
    struct span named = token_of(value);

    if (!g->is_naming)
        *g = (struct group){ .is_naming = true };
    if (value.len && value.ptr[0] == '*' &&
        (value.len == 1 || span_is_space(value.ptr[1])))
        g->is_for[FOR_ALL] = true;
    else if (named.len && span_eq_nocase(named, token))
        g->is_for[FOR_US] = true;
}

static enum err pattern_normalize(struct span s, struct arena *mem, struct span *out)
{
    size_t n = robots_path_normalize(s, true, NULL);
    char *text = arena_try_alloc(mem, n);

    if (!text)
        return ERR_TOO_LARGE;
    robots_path_normalize(s, true, text);
    *out = span_make(text, n);
    return OK;
}

/* A pattern that begins otherwise can match no path, so it is no rule. */
static bool is_pattern(struct span value)
{
    return value.len && (value.ptr[0] == '/' || value.ptr[0] == '*');
}

/* "10", "0.5", "10 seconds" in ms, or -1. */
static int64_t delay_parse(struct span value)
{
    int64_t whole = 0, ms = 0, scale = 100;
    size_t i = 0;

    for (; i < value.len && value.ptr[i] >= '0' && value.ptr[i] <= '9'; i++)
        whole = MIN(whole * 10 + (value.ptr[i] - '0'), ROBOTS_MAX_DELAY_S);
    if (i < value.len && value.ptr[i] == '.') {
        size_t first = ++i;

        for (; i < value.len && value.ptr[i] >= '0' && value.ptr[i] <= '9';
             i++, scale /= 10)
            ms += (value.ptr[i] - '0') * scale;
        if (i == first && first == 1)
            return -1;
    } else if (i == 0) {
        return -1;
    }
    if (i < value.len && !span_is_space(value.ptr[i]) && value.ptr[i] != 's')
        return -1;
    return whole * 1000 + ms;
}

static bool is_rule(enum line_kind kind)
{
    return kind == LINE_ALLOW || kind == LINE_DISALLOW;
}

/* First pass: which groups are there, and how much is to be stored. */
static void count(struct span body, struct span token, struct counts *out)
{
    struct lines it = { body, 0 };
    struct group g = { 0 };
    struct line line;

    while (next_line(&it, &line)) {
        if (line.kind == LINE_AGENT)
            group_name(&g, line.value, token);
        else if (line.kind == LINE_SITEMAP)
            out->sitemaps += line.value.len > 0;
        else if (is_rule(line.kind))
            g.is_naming = false;
        for (size_t a = 0; a < N_AUDIENCES; a++) {
            out->has_group[a] |= g.is_for[a];
            out->rules[a] +=
                g.is_for[a] && is_rule(line.kind) && is_pattern(line.value);
        }
    }
}

static enum err add_rule(struct robots_rules *out, const struct line *line,
                         struct arena *mem)
{
    struct robots_rule *rule = &out->rules[out->n_rules];
    enum err e;

    if (!is_pattern(line->value))
        return OK;
    e = pattern_normalize(line->value, mem, &rule->pattern);
    if (e)
        return e;
    rule->line = line->number;
    rule->is_allow = line->kind == LINE_ALLOW;
    out->n_rules++;
    return OK;
}

/* Second pass: groups that name us are merged into one (RFC 9309 §2.2.1). */
static enum err collect(struct span body, struct span token, enum audience who,
                        struct arena *mem, struct robots_rules *out)
{
    struct lines it = { body, 0 };
    struct group g = { 0 };
    struct line line;
    enum err e;

    while (next_line(&it, &line)) {
        if (line.kind == LINE_AGENT) {
            group_name(&g, line.value, token);
        } else if (line.kind == LINE_SITEMAP && line.value.len) {
            e = arena_try_copy(mem, line.value, &out->sitemaps[out->n_sitemaps]);
            if (e)
                return e;
            out->n_sitemaps++;
        } else if (line.kind == LINE_DELAY && g.is_for[who]) {
            /* Stated twice: the politer one. */
            out->crawl_delay_ms = MAX(out->crawl_delay_ms, delay_parse(line.value));
        } else if (is_rule(line.kind)) {
            g.is_naming = false;
            e = g.is_for[who] ? add_rule(out, &line, mem) : OK;
            if (e)
                return e;
        }
    }
    return OK;
}

static int compare_places(const void *a, const void *b)
{
    const struct span *const *x = a, *const *y = b;
    int order = span_cmp(**x, **y);

    return order ? order : (*x > *y) - (*x < *y);
}

/* Sorted rather than compared each with each: 50,000 lines fit in a file. */
static enum err drop_repeats(struct robots_rules *r, struct arena *mem)
{
    struct span **order;
    size_t n = 0;

    if (r->n_sitemaps < 2)
        return OK;
    order = arena_try_array(mem, r->n_sitemaps, sizeof *order);
    if (!order)
        return ERR_TOO_LARGE;
    for (size_t i = 0; i < r->n_sitemaps; i++)
        order[i] = &r->sitemaps[i];
    qsort(order, r->n_sitemaps, sizeof *order, compare_places);
    for (size_t i = r->n_sitemaps - 1; i > 0; i--)
        if (span_eq(*order[i], *order[i - 1]))
            *order[i] = SPAN_NONE;
    for (size_t i = 0; i < r->n_sitemaps; i++)
        if (r->sitemaps[i].len)
            r->sitemaps[n++] = r->sitemaps[i];
    r->n_sitemaps = n;
    return OK;
}

/* At most ROBOTS_MAX_BYTES, and no line that the limit cuts in half (RFC 9309 §2.5). */
static struct span clip(struct span body, bool *out_is_cut)
{
    size_t n = ROBOTS_MAX_BYTES;

    *out_is_cut = body.len > n;
    if (!*out_is_cut)
        return body;
    if (body.ptr[n] != '\n' && body.ptr[n] != '\r')
        while (n && body.ptr[n - 1] != '\n' && body.ptr[n - 1] != '\r')
            n--;
    return span_slice(body, 0, n);
}

enum err robots_parse(struct span body, struct span product_token, struct arena *mem,
                      struct robots_rules *out)
{
    struct robots_rules found = { .crawl_delay_ms = -1 };
    struct span token = token_of(product_token);
    struct counts n = { 0 };
    enum audience who;
    enum err e;

    body = clip(body, &found.is_cut);
    if (span_starts(body, SPAN("\xef\xbb\xbf")))
        body = span_skip(body, 3);
    count(body, token, &n);
    who = n.has_group[FOR_US] ? FOR_US : FOR_ALL;
    /* One more than needed, so that no array is empty. */
    found.rules = arena_try_array(mem, n.rules[who] + 1, sizeof *found.rules);
    found.sitemaps = arena_try_array(mem, n.sitemaps + 1, sizeof *found.sitemaps);
    if (!found.rules || !found.sitemaps)
        return ERR_TOO_LARGE;
    e = collect(body, token, who, mem, &found);
    if (!e)
        e = drop_repeats(&found, mem);
    if (!e)
        *out = found;
    return e;
}

/* Where the search costs too much: it takes milliseconds of the loop's time at most. */
#define MAX_SEARCHED ((size_t)MIB)

static const struct robots_rule *best_match(const struct robots_rules *r,
                                            struct span target)
{
    static const struct robots_rule too_much = { .pattern = { "/", 1 } };
    const struct robots_rule *best = NULL;
    struct robots_look look;

    robots_look_init(&look, target);
    for (size_t i = 0; i < r->n_rules; i++) {
        const struct robots_rule *rule = &r->rules[i];

        /* Only what would win is worth matching. */
        if (best && (rule->pattern.len < best->pattern.len ||
                     (rule->pattern.len == best->pattern.len &&
                      (best->is_allow || !rule->is_allow))))
            continue;
        if (robots_look_matches(&look, rule->pattern))
            best = rule;
        if (look.searched > MAX_SEARCHED)
            return &too_much;
    }
    return best;
}

bool robots_allows(const struct robots_rules *r, struct span target,
                   const struct robots_rule **out_rule)
{
    const struct robots_rule *rule;
    char room[1536], *copy = NULL;
    size_t n;

    if (out_rule)
        *out_rule = NULL;
    if (r->n_rules == 0 || span_eq(target, SPAN("/robots.txt")))
        return true;
    /* An escape is three bytes for one; a URL too long for the stack is rare. */
    if (target.len > sizeof room / 3)
        copy = mem_array(target.len, 3);
    n = robots_path_normalize(target, false, copy ? copy : room);
    rule = best_match(r, span_make(copy ? copy : room, n));
    mem_free(copy);
    if (out_rule)
        *out_rule = rule;
    return !rule || rule->is_allow;
}
