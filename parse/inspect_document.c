/* SPDX-License-Identifier: MIT */
#include "parse/inspect_document.h"

#include "parse/feed.h"
#include "parse/intake.h"
#include "parse/page.h"
#include "parse/rules.h"

#define MAX_DOCUMENT_BYTES ((size_t)64 << 20)
#define MAX_LINKS          100000u

static const char *const link_kinds[] = {
#define X(name, text) text,
    LINK_KIND_TABLE(X)
#undef X
};

/* The request as the job that a crawl would have made of it. */
static enum err read_job(struct toolbox *t, const json_t *request, struct job *out,
                         struct span *out_body)
{
    struct job job = { .kind = JOB_INSPECT,
                       .url = inspect_json_text(request, "url"),
                       .content_type = inspect_json_text(request, "content_type"),
                       .content_encoding =
                           inspect_json_text(request, "content_encoding"),
                       .product_token = SPAN("crawl"),
                       .max_decoded_bytes = MAX_DOCUMENT_BYTES,
                       .max_text_bytes = MAX_DOCUMENT_BYTES,
                       .max_links = MAX_LINKS,
                       .wants_text = true,
                       .wants_details = true };
    enum err e = inspect_json_bytes(request, "body", "body_b64", &t->mem, out_body);

    if (!e)
        e = inspect_json_headers(request, "headers", &t->mem, &job.headers);
    *out = job;
    return e;
}

/* ---- links ---- */

static json_t *list_tokens(struct span tokens)
{
    json_t *list = json_array();
    struct span token;

    while (span_token(&tokens, &token))
        (void)!json_array_append_new(list, json_stringn(token.ptr, token.len));
    return list;
}

static void describe_details(json_t *o, const struct fact_details *d)
{
    if (d->title.len)
        inspect_json_put(o, "title", d->title, false);
    if (d->type.len)
        inspect_json_put(o, "type", d->type, false);
    if (d->media.len)
        inspect_json_put(o, "media", d->media, false);
    if (span_find(d->hreflang, ' ') < d->hreflang.len)
        (void)!json_object_set_new(o, "hreflang", list_tokens(d->hreflang));
    else if (d->hreflang.len)
        inspect_json_put(o, "hreflang", d->hreflang, false);
    if (d->anchor.len)
        inspect_json_put(o, "anchor", d->anchor, false);
}

static json_t *describe_link(const struct fact_link *l)
{
    json_t *o = json_object();

    inspect_json_put(o, "url", l->url, false);
    (void)!json_object_set_new(o, "kind", json_string(link_kinds[l->kind]));
    (void)!json_object_set_new(o, "rel", list_tokens(l->rel));
    inspect_json_put(o, "text", l->text, false);
    (void)!json_object_set_new(o, "nofollow", json_boolean(l->is_nofollow));
    if (l->details)
        describe_details(o, l->details);
    return o;
}

enum err inspect_document_links(struct toolbox *t, const json_t *request,
                                json_t *answer)
{
    struct page_facts facts;
    struct job job;
    struct span body;
    json_t *links = json_array(), *refresh = json_null();
    enum err e = read_job(t, request, &job, &body);

    if (!e)
        e = page_parse(t, &job, body, &facts);
    if (e) {
        json_decref(links);
        return e;
    }
    for (size_t i = 0; i < facts.n_links; i++)
        (void)!json_array_append_new(links, describe_link(&facts.links[i]));
    if (facts.has_refresh) {
        refresh = json_object();
        (void)!json_object_set_new(refresh, "delay",
                                   json_integer(facts.refresh_delay_s));
        inspect_json_put(refresh, "url", facts.refresh_url, false);
    }
    inspect_json_put(answer, "base", facts.base, true);
    (void)!json_object_set_new(answer, "links", links);
    (void)!json_object_set_new(answer, "refresh", refresh);
    return OK;
}

/* ---- text ---- */

enum err inspect_document_text(struct toolbox *t, const json_t *request, json_t *answer)
{
    struct page_facts facts;
    struct job job;
    struct span body, lang;
    enum err e = read_job(t, request, &job, &body);

    if (!e)
        e = page_parse(t, &job, body, &facts);
    if (e)
        return e;
    lang = span_slice(facts.lang, 0, span_find(facts.lang, '-'));
    inspect_json_put(answer, "title", facts.title, false);
    inspect_json_put(answer, "text", facts.text, false);
    inspect_json_put(answer, "date", SPAN_NONE, true);
    inspect_json_put(answer, "lang", lang, true);
    return OK;
}

/* ---- sitemaps ---- */

/* A number where it is written as one; else null. */
static json_t *read_number(struct span s)
{
    char text[32], *end;
    double v;

    if (!s.len || s.len >= sizeof text)
        return json_null();
    memcpy(text, s.ptr, s.len);
    text[s.len] = '\0';
    v = strtod(text, &end);
    return *end ? json_null() : json_real(v);
}

static json_t *list_entries(const struct sitemap_entry *entries, size_t n)
{
    json_t *list = json_array();

    for (size_t i = 0; i < n; i++) {
        const struct sitemap_entry *e = &entries[i];
        json_t *o = json_object();

        inspect_json_put(o, "loc", e->loc, false);
        inspect_json_put(o, "lastmod", e->lastmod, true);
        inspect_json_put(o, "changefreq", e->changefreq, true);
        (void)!json_object_set_new(o, "priority", read_number(e->priority));
        inspect_json_put_list(o, "alternates", e->alternates, e->n_alternates);
        inspect_json_put_list(o, "images", e->images, e->n_images);
        (void)!json_array_append_new(list, o);
    }
    return list;
}

enum err inspect_document_sitemap(struct toolbox *t, const json_t *request,
                                  json_t *answer)
{
    struct answer got = { 0 };
    struct job job;
    struct span body;
    enum err e = read_job(t, request, &job, &body);

    if (!e)
        e = intake_sitemap(t, &job, body, &got);
    if (e)
        return e;
    inspect_json_put(answer, "type", span_str(sitemap_type_name(got.sitemap.type)),
                     true);
    (void)!json_object_set_new(answer, "urls",
                               list_entries(got.sitemap.urls, got.sitemap.n_urls));
    (void)!json_object_set_new(
        answer, "sitemaps", list_entries(got.sitemap.sitemaps, got.sitemap.n_sitemaps));
    return OK;
}

/* ---- feeds ---- */

enum err inspect_document_feed(struct toolbox *t, const json_t *request, json_t *answer)
{
    json_t *entries;
    struct feed feed;
    struct job job;
    struct span body, utf8 = SPAN_NONE;
    struct url url;
    uint8_t decode;
    enum err e = read_job(t, request, &job, &body);

    if (!e)
        e = url_parse(job.url, NULL, &t->mem, &url);
    if (!e)
        e = intake_text(t, &job, body, &utf8, &decode);
    if (!e)
        e = feed_parse(utf8, &url, &t->mem, &feed);
    if (e)
        return e;
    entries = json_array();
    for (size_t i = 0; i < feed.n_entries; i++) {
        json_t *o = json_object();

        inspect_json_put(o, "link", feed.entries[i].link, true);
        inspect_json_put(o, "title", feed.entries[i].title, true);
        inspect_json_put(o, "published", feed.entries[i].published, true);
        inspect_json_put(o, "enclosure", feed.entries[i].enclosure, true);
        (void)!json_array_append_new(entries, o);
    }
    inspect_json_put(answer, "title", feed.title, true);
    (void)!json_object_set_new(answer, "entries", entries);
    return OK;
}

/* ---- extraction rules ---- */

/* The name of a section on the way; the answer has the values alone. */
#define SECTION "rules"

static bool find_type(struct span word, enum tree_type *out)
{
    static const char *const words[] = { "string", "list", "number", "date", "html" };

    _Static_assert(ARRAY_LEN(words) == N_TREE_TYPES, "a word for each type");
    for (size_t i = 0; i < ARRAY_LEN(words); i++)
        if (span_eq(word, span_str(words[i]))) {
            *out = (enum tree_type)i;
            return true;
        }
    return false;
}

/* One of the request's rules; else why not, for the answer's "error". */
static const char *read_rule(const json_t *from, struct tree_rule *out)
{
    struct span type = inspect_json_text(from, "type");

    out->type = TREE_STRING;
    out->name = inspect_json_text(from, "name");
    out->xpath = inspect_json_text(from, "xpath");
    if (!out->name.len)
        return "a rule has no name";
    if (type.len && !find_type(type, &out->type))
        return "a type must be string, list, number, date or html";
    return tree_check(out->xpath) ? "no XPath 1.0 expression" : NULL;
}

static enum err refuse_rule(struct toolbox *t, json_t *answer, const struct tree_rule *rule, const char *why)
{
    struct span text =
        arena_format(&t->mem, "rule '%.*s': %s: %.*s", (int)MIN(rule->name.len, (size_t)100),
                     rule->name.ptr ? rule->name.ptr : "", why, (int)MIN(rule->xpath.len, (size_t)200),
                     rule->xpath.ptr ? rule->xpath.ptr : "");

    inspect_json_put(answer, "error", span_clip_utf8(text, 400), false);
    return ERR_REFUSED;
}

/* ERR_REFUSED: the answer says why. */
static enum err read_rules(struct toolbox *t, const json_t *request, json_t *answer, struct buf *out)
{
    const json_t *list = json_object_get(request, "rules"), *item;
    struct tree_rule *rules = arena_try_array(&t->mem, json_array_size(list) + 1, sizeof *rules);
    struct tree_section section = { SPAN(SECTION), rules, json_array_size(list) };
    size_t i;

    if (!rules)
        return ERR_TOO_LARGE;
    json_array_foreach(list, i, item)
    {
        const char *why = read_rule(item, &rules[i]);

        if (why)
            return refuse_rule(t, answer, &rules[i], why);
    }
    return section.n_rules ? rules_write(&section, out) : OK;
}

/* The facts as they would stand in the database; the values of our one section are "extract". */
static enum err put_facts(json_t *answer, struct span facts)
{
    json_t *o = json_loadb(facts.ptr, facts.len, JSON_ALLOW_NUL, NULL), *values;

    if (!o) /* a whole number beyond 64 bits */
        o = json_loadb(facts.ptr, facts.len, JSON_ALLOW_NUL | JSON_DECODE_INT_AS_REAL, NULL);
    if (!o)
        return ERR_UNSUPPORTED;
    values = json_object_get(json_object_get(o, "extract"), SECTION);
    if (values)
        (void)!json_object_set(o, "extract", values);
    (void)!json_object_update(answer, o);
    json_decref(o);
    return OK;
}

enum err inspect_document_extract(struct toolbox *t, const json_t *request, json_t *answer)
{
    struct page_facts facts;
    struct buf rules;
    struct job job;
    struct span body;
    enum err e = read_job(t, request, &job, &body);

    buf_init(&rules, (size_t)1 << 20);
    if (!e)
        e = read_rules(t, request, answer, &rules);
    if (!e) {
        job.rules = buf_span(&rules);
        job.wants_text = false;
        job.wants_facts = json_is_true(json_object_get(request, "facts"));
        if (!job.url.len)
            job.url = SPAN("http://localhost/");
        e = page_parse(t, &job, body, &facts);
    }
    if (!e && facts.facts_json.len)
        e = put_facts(answer, facts.facts_json);
    else if (!e)
        (void)!json_object_set_new(answer, "extract", json_null());
    buf_clear(&rules);
    return e == ERR_REFUSED ? OK : e;
}
