/* SPDX-License-Identifier: MIT */
#include "parse/inspect.h"

#include "parse/charset.h"
#include "parse/host.h"
#include "parse/inspect_document.h"
#include "parse/robots.h"
#include "parse/url.h"

/* ---- url ---- */

/* An absent base is none; one that does not parse fails the request, as in the standard. */
static enum err parse_with_base(struct toolbox *t, const json_t *request,
                                struct url *out)
{
    struct span base_text = inspect_json_text(request, "base");
    struct url base;
    enum err e = base_text.ptr ? url_parse(base_text, NULL, &t->mem, &base) : OK;

    if (e)
        return e;
    return url_parse(inspect_json_text(request, "input"), base_text.ptr ? &base : NULL,
                     &t->mem, out);
}

static void put_parts(json_t *answer, const struct url *u)
{
    char port[16] = "";

    if (u->port >= 0)
        snprintf(port, sizeof port, "%d", u->port);
    inspect_json_put(answer, "href", u->href, false);
    inspect_json_put(answer, "protocol", url_protocol(u), false);
    inspect_json_put(answer, "username", url_username(u), false);
    inspect_json_put(answer, "password", url_password(u), false);
    inspect_json_put(answer, "host", url_host(u), false);
    inspect_json_put(answer, "hostname", url_hostname(u), false);
    inspect_json_put(answer, "port", span_str(port), false);
    inspect_json_put(answer, "pathname", url_pathname(u), false);
    inspect_json_put(answer, "search", url_search(u), false);
    inspect_json_put(answer, "hash", url_hash(u), false);
}

static enum err run_url(struct toolbox *t, const json_t *request, json_t *answer)
{
    struct url u;
    struct span key;
    enum err e = parse_with_base(t, request, &u);

    if (e && e != ERR_INVALID)
        return e;
    (void)!json_object_set_new(answer, "ok", json_boolean(!e));
    if (e)
        return OK;
    put_parts(answer, &u);
    e = url_normalize(&u, &t->mem, &key);
    if (!e)
        inspect_json_put(answer, "normalized", key, false);
    return e;
}

/* ---- robots ---- */

/* Sitemap lines as absolute URLs; lines that give the same one count once. */
static json_t *resolve_sitemaps(struct toolbox *t, const struct robots_rules *rules,
                                const struct url *base)
{
    json_t *list = json_array(), *seen = json_object();

    for (size_t i = 0; i < rules->n_sitemaps; i++) {
        struct url u;
        char *key;

        if (url_parse(rules->sitemaps[i], base, &t->mem, &u))
            continue;
        key = arena_try_alloc(&t->mem, u.href.len + 1);
        if (!key)
            break;
        memcpy(key, u.href.ptr, u.href.len); /* a serialised URL has no NUL */
        key[u.href.len] = '\0';
        if (json_object_get(seen, key))
            continue;
        (void)!json_object_set_new(seen, key, json_true());
        (void)!json_array_append_new(list, json_stringn(u.href.ptr, u.href.len));
    }
    json_decref(seen);
    return list;
}

static enum err run_robots(struct toolbox *t, const json_t *request, json_t *answer)
{
    const struct robots_rule *rule = NULL;
    struct span body, target, url_text = inspect_json_text(request, "url");
    struct robots_rules rules;
    struct url url;
    bool has_url = url_parse(url_text, NULL, &t->mem, &url) == OK, is_allowed;
    enum err e = inspect_json_bytes(request, "robots", "robots_b64", &t->mem, &body);

    if (!e)
        e = robots_parse(body, inspect_json_text(request, "user_agent"), &t->mem,
                         &rules);
    if (e)
        return e;
    if (!has_url && url_text.len && url_text.ptr[0] != '/')
        return ERR_INVALID;
    /* A bare path is one; without anything the front page is asked about. */
    target = has_url ? url_target(&url) : url_text.len ? url_text : SPAN("/");
    is_allowed = robots_allows(&rules, target, &rule);
    (void)!json_object_set_new(answer, "allowed", json_boolean(is_allowed));
    (void)!json_object_set_new(answer, "crawl_delay",
                               rules.crawl_delay_ms < 0
                                   ? json_null()
                                   : json_real((double)rules.crawl_delay_ms / 1000));
    (void)!json_object_set_new(answer, "sitemaps",
                               resolve_sitemaps(t, &rules, has_url ? &url : NULL));
    if (rule) {
        json_t *o = json_object();

        inspect_json_put(o, "pattern", rule->pattern, false);
        (void)!json_object_set_new(o, "line", json_integer(rule->line));
        (void)!json_object_set_new(o, "allow", json_boolean(rule->is_allow));
        (void)!json_object_set_new(answer, "rule", o);
    }
    return OK;
}

/* ---- charset, domain ---- */

static enum err run_charset(struct toolbox *t, const json_t *request, json_t *answer)
{
    struct span label = inspect_json_text(request, "label"), body;
    struct charset_choice choice;
    enum err e;

    if (label.ptr) {
        inspect_json_put(answer, "encoding", span_str(charset_from_label(label)), true);
        return OK;
    }
    e = inspect_json_bytes(request, "body", "body_b64", &t->mem, &body);
    if (e)
        return e;
    charset_sniff(body, inspect_json_text(request, "content_type"), &choice);
    inspect_json_put(answer, "encoding", span_str(choice.name), true);
    inspect_json_put(answer, "source", span_str(choice.source), true);
    return OK;
}

static enum err run_domain(struct toolbox *t, const json_t *request, json_t *answer)
{
    struct span registrable = SPAN_NONE;
    enum err e = host_registrable_of_text(inspect_json_text(request, "host"), &t->mem,
                                          &registrable);

    if (e && e != ERR_INVALID && e != ERR_NOT_FOUND)
        return e;
    inspect_json_put(answer, "registrable", e ? SPAN_NONE : registrable, true);
    return OK;
}

/* ---- one line ---- */

typedef enum err command_fn(struct toolbox *t, const json_t *request, json_t *answer);

static const struct {
    const char *name;
    command_fn *fn;
} commands[] = {
    { "url", run_url },
    { "robots", run_robots },
    { "charset", run_charset },
    { "links", inspect_document_links },
    { "text", inspect_document_text },
    { "sitemap", inspect_document_sitemap },
    { "feed", inspect_document_feed },
    { "extract", inspect_document_extract },
    { "domain", run_domain },
};

static command_fn *find_command(struct span name)
{
    for (size_t i = 0; i < ARRAY_LEN(commands); i++)
        if (span_eq(name, span_str(commands[i].name)))
            return commands[i].fn;
    return NULL;
}

bool inspect_knows(struct span command)
{
    return find_command(command) != NULL;
}

void inspect_warm_up(void)
{
    json_object_seed(0);
}

/* {"id":..,"error":"why"}; the id is null when none could be read. */
static json_t *complain(json_t *id, const char *why)
{
    json_t *o = json_object();

    (void)!json_object_set(o, "id", id ? id : json_null());
    (void)!json_object_set_new(o, "error", json_string(why));
    return o;
}

/* What a request lacks that could not be answered. */
static const char *why_invalid(struct toolbox *t, const json_t *request)
{
    static const char *const coded[] = { "body_b64", "robots_b64" };
    struct span bytes;
    struct url url;

    for (size_t i = 0; i < ARRAY_LEN(coded); i++)
        if (inspect_json_bytes(request, "", coded[i], &t->mem, &bytes) == ERR_INVALID)
            return "what should be base64 is not";
    if (url_parse(inspect_json_text(request, "url"), NULL, &t->mem, &url))
        return "'url' is missing or no absolute URL";
    return "the request makes no sense";
}

static json_t *answer_request(struct toolbox *t, command_fn *fn, struct span request)
{
    json_error_t problem;
    json_t *o = json_loadb(request.ptr ? request.ptr : "", request.len, JSON_ALLOW_NUL,
                           &problem);
    json_t *id = json_object_get(o, "id"), *answer;
    enum err e;

    if (!json_is_object(o)) {
        answer = complain(NULL, o ? "the request is no JSON object" : problem.text);
        json_decref(o);
        return answer;
    }
    answer = json_object();
    if (id)
        (void)!json_object_set(answer, "id", id);
    e = fn(t, o, answer);
    if (e) {
        json_decref(answer);
        answer = complain(id, e == ERR_INVALID ? why_invalid(t, o) : err_text(e));
    }
    json_decref(o);
    return answer;
}

enum err inspect_run(struct toolbox *t, struct span command, struct span request,
                     struct span *out)
{
    const size_t flags = JSON_COMPACT | JSON_REAL_PRECISION(15);
    command_fn *fn = find_command(command);
    json_t *answer;
    size_t need;
    char *line;

    if (!fn)
        return ERR_INVALID;
    answer = answer_request(t, fn, request);
    if (!answer)
        return ERR_NO_MEMORY;
    need = json_dumpb(answer, NULL, 0, flags);
    line = arena_try_alloc(&t->mem, MAX(need, (size_t)1));
    if (line)
        json_dumpb(answer, line, need, flags);
    json_decref(answer);
    if (!line)
        return ERR_TOO_LARGE;
    *out = span_make(line, need);
    return OK;
}
