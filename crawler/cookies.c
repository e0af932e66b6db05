/* SPDX-License-Identifier: MIT */
#include "crawler/cookies.h"

#include "config/clock.h"
#include "config/io.h"
#include "config/list.h"
#include "config/map.h"
#include "config/mem.h"
#include "parse/cookie.h"
#include "parse/host.h"

#define MAX_PER_HOST   ((size_t)50)
#define MAX_PER_DOMAIN ((size_t)500)
#define MAX_IN_ALL     ((size_t)10000)
#define MAX_FILE       ((size_t)16 * MIB)
#define SESSION        INT64_MAX /* expiry of a cookie without one: the run is the session */

/* The cookies of one registrable domain: everything that one request may need. */
struct bucket {
    struct list_node cookies; /* in order of creation */
    size_t n;
};

struct cookie {
    struct list_node in_bucket;
    struct list_node in_use_order; /* cookies->by_use */
    struct bucket *bucket;
    uint64_t used; /* cookies->clock then */
    struct span name, value, domain, path; /* behind the struct, one allocation */
    int64_t expires_wall_ms;
    bool is_host_only, is_secure;
};

struct cookies {
    struct map buckets;      /* registrable domain, or the host itself without one */
    struct list_node by_use; /* the one not used for longest comes first */
    uint64_t clock;          /* counts uses */
    size_t n;
};

/* What a new cookie is to hold, before it is known to be allowed. */
struct draft {
    struct span name, value, domain, path;
    int64_t expires_wall_ms;
    bool is_host_only, is_secure;
};

/* --- the jar ---------------------------------------------------------------------- */

static struct cookie *cookie_of(struct list_node *n)
{
    return CONTAINER_OF(n, struct cookie, in_bucket);
}

static struct span bucket_key(struct span host)
{
    struct span domain = host_registrable(host);

    return domain.len ? domain : host;
}

static struct bucket *find_bucket(const struct cookies *c, struct span host)
{
    return map_get(&c->buckets, bucket_key(host));
}

static struct bucket *make_bucket(struct cookies *c, struct span host)
{
    struct bucket *b = find_bucket(c, host);

    if (b)
        return b;
    b = mem_alloc(sizeof *b);
    list_init(&b->cookies);
    map_set(&c->buckets, bucket_key(host), b);
    return b;
}

static void forget(struct cookies *c, struct cookie *k)
{
    struct bucket *b = k->bucket;

    list_remove(&k->in_bucket);
    list_remove(&k->in_use_order);
    b->n--;
    c->n--;
    if (!b->n) {
        map_remove(&c->buckets, bucket_key(k->domain));
        mem_free(b);
    }
    if (k->value.len)
        explicit_bzero((char *)k + sizeof *k, k->name.len + k->value.len);
    mem_free(k);
}

static struct span put_text(char **at, struct span s)
{
    char *to = *at;

    if (s.len)
        memcpy(to, s.ptr, s.len);
    *at += s.len;
    return span_make(to, s.len);
}

static struct cookie *new_cookie(const struct draft *d)
{
    struct cookie *k =
        mem_alloc(sizeof *k + d->name.len + d->value.len + d->domain.len + d->path.len);
    char *at = (char *)(k + 1);

    k->name = put_text(&at, d->name);
    k->value = put_text(&at, d->value);
    k->domain = put_text(&at, d->domain);
    k->path = put_text(&at, d->path);
    k->expires_wall_ms = d->expires_wall_ms;
    k->is_host_only = d->is_host_only;
    k->is_secure = d->is_secure;
    list_init(&k->in_use_order);
    return k;
}

static void note_use(struct cookies *c, struct cookie *k)
{
    list_remove(&k->in_use_order);
    list_add_last(&c->by_use, &k->in_use_order);
    k->used = ++c->clock;
}

/*
 * Frees one place: an expired cookie of the bucket (of domain only, where given) or the least
 * used. An answer may set thousands: looking through the whole jar for each would take too long.
 */
static void evict_from(struct cookies *c, struct bucket *b, struct span domain)
{
    int64_t now = clock_wall_ms();
    struct cookie *least = NULL;

    LIST_EACH(n, &b->cookies) {
        struct cookie *k = cookie_of(n);

        if (domain.len && !span_eq(k->domain, domain))
            continue;
        if (k->expires_wall_ms <= now) {
            forget(c, k);
            return;
        }
        if (!least || k->used < least->used)
            least = k;
    }
    if (least)
        forget(c, least);
}

static size_t count_of_domain(const struct bucket *b, struct span domain)
{
    size_t n = 0;

    LIST_EACH(at, &b->cookies)
        n += span_eq(cookie_of(at)->domain, domain);
    return n;
}

/* Adds d behind the cookies that are there; where it replaces one, in that one's place. */
static void store(struct cookies *c, const struct draft *d, struct cookie *replaced)
{
    struct bucket *b;
    struct cookie *k = new_cookie(d);

    if (replaced) {
        b = k->bucket = replaced->bucket;
        list_add_before(&replaced->in_bucket, &k->in_bucket);
    } else {
        b = k->bucket = make_bucket(c, d->domain);
        list_add_last(&b->cookies, &k->in_bucket);
    }
    note_use(c, k);
    b->n++;
    c->n++;
    if (replaced)
        forget(c, replaced);
    else if (count_of_domain(b, k->domain) > MAX_PER_HOST)
        evict_from(c, b, k->domain);
    else if (b->n > MAX_PER_DOMAIN)
        evict_from(c, b, SPAN_NONE);
    else if (c->n > MAX_IN_ALL)
        forget(c, CONTAINER_OF(c->by_use.next, struct cookie, in_use_order));
}

/* --- what a site may set ------------------------------------------------------------ */

/* RFC 6265 §5.1.3. Both in lower case. */
static bool domain_matches(struct span host, struct span domain)
{
    unsigned char address[16];

    if (span_eq(host, domain))
        return true;
    return host.len > domain.len && span_ends(host, domain) &&
           host.ptr[host.len - domain.len - 1] == '.' && !host_literal(host, address);
}

/* RFC 6265 §5.1.4. */
static bool path_matches(struct span path, struct span cookie_path)
{
    if (!span_starts(path, cookie_path))
        return false;
    return path.len == cookie_path.len || cookie_path.ptr[cookie_path.len - 1] == '/' ||
           path.ptr[cookie_path.len] == '/';
}

/* The path's directory without its last slash (RFC 6265 §5.1.4). */
static struct span default_path(struct span path)
{
    while (path.len && path.ptr[path.len - 1] != '/')
        path.len--;
    return path.len > 1 ? span_slice(path, 0, path.len - 1) : SPAN("/");
}

/* May a site of this host set a cookie for this Domain attribute? Fills the draft's domain. */
static bool decide_domain(struct span host, struct span attribute, struct arena *mem,
                          struct draft *d)
{
    struct span domain;
    char *lower;

    d->domain = host;
    d->is_host_only = true;
    if (!attribute.len)
        return true;
    lower = arena_try_alloc(mem, attribute.len);
    if (!lower)
        return false;
    for (size_t i = 0; i < attribute.len; i++) {
        if ((unsigned char)attribute.ptr[i] >= 0x80)
            return false;
        lower[i] = span_ascii_lower(attribute.ptr[i]);
    }
    domain = span_make(lower, attribute.len);
    if (!domain_matches(host, domain))
        return false;
    /* Nobody sets cookies for a whole public suffix; its own host keeps them to itself. */
    if (!host_registrable(domain).len)
        return span_eq(host, domain);
    d->domain = domain;
    d->is_host_only = false;
    return true;
}

/* RFC 6265bis §4.1.3, §5.7: what the name's prefix promises must hold. */
static bool keeps_prefix(const struct draft *d, const struct cookie_fields *f)
{
    if (!d->name.len)
        return !span_starts_nocase(d->value, SPAN("__Secure-")) &&
               !span_starts_nocase(d->value, SPAN("__Host-"));
    if (span_starts_nocase(d->name, SPAN("__Secure-")))
        return d->is_secure;
    if (span_starts_nocase(d->name, SPAN("__Host-")))
        return d->is_secure && d->is_host_only && span_eq(f->path, SPAN("/"));
    return true;
}

/* An http page must not shadow a cookie that was set over https (RFC 6265bis §5.7). */
static bool shadows_secure(const struct cookies *c, const struct url *u,
                           const struct draft *d)
{
    const struct bucket *b = find_bucket(c, url_hostname(u));

    if (!b || d->is_secure || u->scheme == URL_HTTPS)
        return false;
    LIST_EACH(n, &b->cookies) {
        const struct cookie *k = cookie_of(n);

        if (k->is_secure && span_eq(k->name, d->name) &&
            path_matches(d->path, k->path) &&
            (domain_matches(k->domain, d->domain) ||
             domain_matches(d->domain, k->domain)))
            return true;
    }
    return false;
}

static struct cookie *find_same(const struct cookies *c, const struct draft *d)
{
    struct bucket *b = find_bucket(c, d->domain);

    if (!b)
        return NULL;
    LIST_EACH(n, &b->cookies) {
        struct cookie *k = cookie_of(n);

        if (k->is_host_only == d->is_host_only && span_eq(k->name, d->name) &&
            span_eq(k->domain, d->domain) && span_eq(k->path, d->path))
            return k;
    }
    return NULL;
}

bool cookies_set(struct cookies *c, const struct url *u, struct span set_cookie)
{
    int64_t now = clock_wall_ms();
    struct cookie_fields f;
    struct cookie *old;
    struct draft d;
    struct arena mem;
    bool is_kept = false;

    if (!url_is_web(u) || cookie_parse(set_cookie, now, &f))
        return false;
    arena_init(&mem, 2 * COOKIE_MAX_ATTRIBUTE);
    d = (struct draft){ .name = f.name,
                        .value = f.value,
                        .path = f.path.len ? f.path : default_path(url_pathname(u)),
                        .expires_wall_ms = f.has_expiry ? f.expires_wall_ms : SESSION,
                        .is_secure = f.is_secure };
    if (decide_domain(url_hostname(u), f.domain, &mem, &d) &&
        (!d.is_secure || u->scheme == URL_HTTPS) &&
        d.path.len <= COOKIE_MAX_ATTRIBUTE && keeps_prefix(&d, &f) &&
        !shadows_secure(c, u, &d)) {
        old = find_same(c, &d);
        is_kept = d.expires_wall_ms > now;
        if (is_kept)
            store(c, &d, old);
        else if (old)
            forget(c, old);
    }
    arena_clear(&mem);
    return is_kept;
}

/* --- what a request gets --------------------------------------------------------------- */

static bool fits(const struct cookie *k, const struct url *u)
{
    struct span host = url_hostname(u);

    if (k->is_secure && u->scheme != URL_HTTPS)
        return false;
    if (k->is_host_only ? !span_eq(host, k->domain) : !domain_matches(host, k->domain))
        return false;
    return path_matches(url_pathname(u), k->path);
}

/* The cookies for u, longest path first; those of one length stay in order of creation. */
static size_t collect(struct cookies *c, const struct url *u, struct bucket *b,
                      struct cookie **found)
{
    int64_t now = clock_wall_ms();
    size_t n = 0, left = b->n;

    for (struct list_node *at = b->cookies.next; left--;) {
        struct cookie *k = cookie_of(at);
        size_t i;

        at = at->next; /* before k goes; with the last cookie b itself goes */
        if (k->expires_wall_ms <= now) {
            forget(c, k);
            continue;
        }
        if (!fits(k, u))
            continue;
        for (i = n++; i > 0 && found[i - 1]->path.len < k->path.len; i--)
            found[i] = found[i - 1];
        found[i] = k;
    }
    return n;
}

static enum err append(struct buf *out, const struct cookie *k)
{
    struct span between = out->len ? SPAN("; ") : SPAN_NONE,
                eq = k->name.len ? SPAN("=") : SPAN_NONE;
    enum err e = buf_reserve(out, between.len + k->name.len + eq.len + k->value.len);

    if (!e)
        e = buf_append(out, between);
    if (!e)
        e = buf_append(out, k->name);
    if (!e)
        e = buf_append(out, eq);
    return e ? e : buf_append(out, k->value);
}

bool cookies_header(struct cookies *c, const struct url *u, struct arena *mem,
                    struct span *out)
{
    struct bucket *b = url_is_web(u) ? find_bucket(c, url_hostname(u)) : NULL;
    struct cookie **found;
    struct buf text;
    size_t n;
    bool has_any;

    if (!b)
        return false;
    found = arena_try_array(mem, b->n, sizeof(struct cookie *));
    if (!found)
        return false;
    n = collect(c, u, b, found);
    buf_init(&text, COOKIES_MAX_HEADER);
    for (size_t i = 0; i < n; i++) {
        if (append(&text, found[i]))
            continue;
        note_use(c, found[i]);
    }
    has_any = text.len && arena_try_copy(mem, buf_span(&text), out) == OK;
    if (text.ptr)
        explicit_bzero(text.ptr, text.len);
    buf_clear(&text);
    return has_any;
}

/* --- the Netscape cookie file ------------------------------------------------------------- */

#define N_FIELDS 7 /* domain, with subdomains, path, secure, expires, name, value */

static bool read_flag(struct span s, bool *out)
{
    *out = span_eq_nocase(s, SPAN("TRUE"));
    return *out || span_eq_nocase(s, SPAN("FALSE"));
}

/* What is wrong with the line, or NULL. */
static const char *read_fields(struct span line, struct arena *mem, struct draft *d)
{
    struct span fields[N_FIELDS] = { { 0 } };
    bool has_subdomains;
    uint64_t expires;
    size_t n = 0;

    while (n < N_FIELDS && span_split(&line, '\t', &fields[n]))
        n++;
    if (n < N_FIELDS - 1 || line.len)
        return "it must have 7 fields with a tab between (domain, subdomains, path, secure, expires, "
               "name, value)";
    if (span_starts(fields[0], SPAN(".")))
        fields[0] = span_skip(fields[0], 1);
    if (host_parse(fields[0], false, mem, &d->domain))
        return "the first field is no host";
    if (!read_flag(fields[1], &has_subdomains) || !read_flag(fields[3], &d->is_secure))
        return "the second and the fourth field must be TRUE or FALSE";
    if (has_subdomains && !host_registrable(d->domain).len)
        return "a cookie for a whole public suffix";
    if (!span_starts(fields[2], SPAN("/")))
        return "the path must begin with /";
    if (!span_parse_u64(fields[4], &expires) || expires > INT64_MAX / 1000)
        return "the fifth field must be a Unix time, or 0";
    d->is_host_only = !has_subdomains;
    d->path = fields[2];
    d->expires_wall_ms = expires ? (int64_t)expires * 1000 : SESSION;
    d->name = fields[5];
    d->value = fields[6];
    return NULL;
}

static const char *add_line(struct cookies *c, struct span line)
{
    struct arena mem;
    struct draft d = { 0 };
    const char *why;

    line = span_ends(line, SPAN("\r")) ? span_slice(line, 0, line.len - 1) : line;
    if (span_starts(line, SPAN("#HttpOnly_")))
        line = span_skip(line, sizeof "#HttpOnly_" - 1);
    if (!span_trim(line).len || line.ptr[0] == '#')
        return NULL;
    for (size_t i = 0; i < line.len; i++)
        if (((unsigned char)line.ptr[i] < 0x20 && line.ptr[i] != '\t') ||
            line.ptr[i] == 0x7f)
            return "control bytes";
    if (line.len > COOKIE_MAX_PAIR + 2 * COOKIE_MAX_ATTRIBUTE)
        return "too long";
    arena_init(&mem, (size_t)16 * KIB);
    why = read_fields(line, &mem, &d);
    if (!why && d.expires_wall_ms > clock_wall_ms() && (d.name.len || d.value.len))
        store(c, &d, find_same(c, &d));
    arena_clear(&mem);
    return why;
}

static enum err read_jar(struct cookies *c, const char *path, struct err_note *note)
{
    struct span rest, line;
    struct buf text;
    enum err e;

    buf_init(&text, MAX_FILE);
    e = io_read_file(path, &text, note) ? ERR_USAGE : OK;
    rest = buf_span(&text);
    for (int number = 1; !e && span_split(&rest, '\n', &line); number++) {
        const char *why = add_line(c, line);

        if (why)
            e = err_set(note, ERR_USAGE, "%s:%d: %s", path, number, why);
    }
    if (text.ptr)
        explicit_bzero(text.ptr, text.len);
    buf_clear(&text);
    return e;
}

enum err cookies_open(const char *path, struct cookies **out, struct err_note *note)
{
    struct cookies *c = mem_alloc(sizeof *c);
    enum err e;

    map_init(&c->buckets);
    list_init(&c->by_use);
    e = path ? read_jar(c, path, note) : OK;
    if (e) {
        cookies_close(c);
        return e;
    }
    *out = c;
    return OK;
}

void cookies_close(struct cookies *c)
{
    if (!c)
        return;
    while (!list_is_empty(&c->by_use))
        forget(c, CONTAINER_OF(c->by_use.next, struct cookie, in_use_order));
    map_clear(&c->buckets);
    mem_free(c);
}

size_t cookies_count(const struct cookies *c)
{
    return c->n;
}
