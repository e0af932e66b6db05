/* SPDX-License-Identifier: MIT */
#include "parse/html_meta.h"

#include "parse/html_links.h"
#include "parse/utf8.h"

#define MAX_LANG 64

/* a, or "a, b" in mem. */
static enum err join(struct html_page *page, struct span a, struct span b,
                     struct span *out)
{
    if (a.len == 0 || b.len == 0) {
        *out = a.len ? a : b;
        return OK;
    }
    char *p = arena_try_alloc(page->mem, a.len + 2 + b.len);
    if (!p)
        return ERR_TOO_LARGE;
    memcpy(p, a.ptr, a.len);
    memcpy(p + a.len, ", ", 2);
    memcpy(p + a.len + 2, b.ptr, b.len);
    *out = span_clip_utf8(span_make(p, a.len + 2 + b.len), HTML_MAX_META);
    return OK;
}

/* What of an X-Robots-Tag is said to us: "otherbot: noindex, crawl: none" is "none". */
static enum err take_ours(struct html_page *page, struct span value, struct span *out)
{
    struct header_robots_parts parts = { value, page->in->product_token, true, true };
    char *text = arena_try_alloc(page->mem, 2 * value.len + 2);
    struct span part;
    size_t n = 0;

    if (!text)
        return ERR_TOO_LARGE;
    while (header_robots_next(&parts, &part)) {
        if (part.len == 0)
            continue;
        memcpy(text + n, ", ", 2);
        memcpy(text + n + 2, part.ptr, part.len);
        n += 2 + part.len;
    }
    *out = span_skip(span_make(text, n), 2);
    return OK;
}

static enum err add_robots(struct html_page *page, struct span value, bool is_header,
                           struct span *io_text)
{
    struct span text;
    enum err e = OK;

    header_robots_merge(value, page->in->product_token, is_header, &page->robots);
    if (io_text->len >= HTML_MAX_META)
        return OK;
    if (is_header)
        e = take_ours(page, value, &value);
    e = e ? e : html_page_text(page, value, HTML_MAX_META, &text);
    return e ? e : join(page, *io_text, text, io_text);
}

/* §4.2.5.3, "shared declarative refresh steps": the first that is valid stays. */
static enum err add_refresh(struct html_page *page, struct span value, bool is_header)
{
    struct html_resolved found;
    struct span ref;
    int64_t delay_s;
    enum err e;

    if (page->facts.has_refresh || header_refresh(value, &delay_s, &ref))
        return OK;
    e = html_resolve(&page->scratch->document, ref, &found);
    if (e || !found.href.ptr || span_starts(found.href, SPAN("javascript:")))
        return e;
    page->facts.has_refresh = true;
    page->facts.refresh_delay_s = delay_s;
    page->refresh_ref = ref;
    page->is_refresh_from_header = is_header;
    return OK;
}

static enum err add_link_field(struct html_page *page, struct span value)
{
    struct header_link link;
    enum err e = OK;

    while (!e && header_link_next(&value, page->mem, &link))
        e = html_links_of_header(page, &link);
    return e;
}

static enum err set_lang(struct html_page *page, struct span value)
{
    value = span_trim(value);
    if (value.len == 0 || page->facts.lang.len)
        return OK;
    return html_page_text(page, value, MAX_LANG, &page->facts.lang);
}

/* The header block as UTF-8 without NUL: itself, or a mended copy in mem. */
static enum err mend_headers(struct html_page *page, struct span *out)
{
    struct span raw = page->in->headers;
    struct buf *mended = &page->scratch->decoded;
    enum err e = OK;

    if (raw.len == 0 || (span_is_utf8(raw) && !memchr(raw.ptr, 0, raw.len))) {
        *out = raw;
        return OK;
    }
    buf_reset(mended);
    e = utf8_repair(raw, mended);
    for (size_t i = 0; i < mended->len; i++) {
        if (mended->ptr[i] == 0)
            mended->ptr[i] = ' ';
    }
    return e ? e : arena_try_copy(page->mem, buf_span(mended), out);
}

enum err html_meta_headers(struct html_page *page)
{
    struct span rest;
    struct header_field field;
    enum err e = mend_headers(page, &rest);

    while (!e && header_next(&rest, page->mem, &field)) {
        if (span_eq_nocase(field.name, SPAN("link")))
            e = add_link_field(page, field.value);
        else if (span_eq_nocase(field.name, SPAN("refresh")))
            e = add_refresh(page, field.value, true);
        else if (span_eq_nocase(field.name, SPAN("x-robots-tag")))
            e = add_robots(page, field.value, true, &page->facts.x_robots_tag);
        else if (span_eq_nocase(field.name, SPAN("content-language")))
            page->http_lang = field.value;
    }
    return e;
}

static enum err read_base(struct html_page *page, const struct token *tok)
{
    const struct token_attr *href = tokenizer_attr(tok, SPAN("href"));

    if (!href || page->has_base)
        return OK;
    page->has_base = true;
    return html_page_value(page, href, &page->base_ref);
}

static enum err read_html(struct html_page *page, const struct token *tok)
{
    const struct token_attr *attr = tokenizer_attr(tok, SPAN("lang"));
    struct span value;
    enum err e;

    if (!attr)
        attr = tokenizer_attr(tok, SPAN("xml:lang"));
    if (!attr)
        return OK;
    e = html_page_value(page, attr, &value);
    return e ? e : set_lang(page, value);
}

static enum err read_meta_name(struct html_page *page, struct span name,
                               struct span content)
{
    name = span_trim(name);
    if (span_eq_nocase(name, SPAN("robots")) ||
        (page->in->product_token.len && span_eq_nocase(name, page->in->product_token)))
        return add_robots(page, content, false, &page->facts.robots_meta);
    if (span_eq_nocase(name, SPAN("description")) && page->facts.description.len == 0)
        return html_page_text(page, content, HTML_MAX_META, &page->facts.description);
    return OK;
}

static enum err read_meta_equiv(struct html_page *page, struct span equiv,
                                struct span content)
{
    if (span_eq_nocase(equiv, SPAN("refresh")))
        return add_refresh(page, content, false);
    if (span_eq_nocase(equiv, SPAN("content-language")) && !page->meta_lang.len &&
        span_find(content, ',') == content.len)
        page->meta_lang = content;
    return OK;
}

static enum err read_meta(struct html_page *page, const struct token *tok)
{
    const struct token_attr *content = tokenizer_attr(tok, SPAN("content"));
    const struct token_attr *name = tokenizer_attr(tok, SPAN("name"));
    const struct token_attr *equiv = tokenizer_attr(tok, SPAN("http-equiv"));
    struct span key, value;
    enum err e;

    if (!content || (!name && !equiv))
        return OK;
    e = html_page_value(page, content, &value);
    if (!e && name) {
        e = html_page_value(page, name, &key);
        if (!e)
            e = read_meta_name(page, key, value);
    }
    if (!e && equiv) {
        e = html_page_value(page, equiv, &key);
        if (!e)
            e = read_meta_equiv(page, key, value);
    }
    return e;
}

enum err html_meta_tag(struct html_page *page, const struct token *tok)
{
    if (tok->is_foreign)
        return OK;
    if (tok->tag == TAG_META)
        return read_meta(page, tok);
    if (tok->tag == TAG_BASE)
        return read_base(page, tok);
    if (tok->tag == TAG_HTML)
        return read_html(page, tok);
    return OK;
}

enum err html_meta_title(struct html_page *page, const struct token *text)
{
    struct html_text *piece = &page->scratch->piece;
    enum err e;

    if (page->facts.title.len)
        return OK;
    html_text_reset(piece);
    e = html_text_add(piece, text->raw, (enum entities_mode)text->mode, text->is_coded);
    if (e)
        return e;
    struct span title = span_clip_utf8(buf_span(&piece->buf), HTML_MAX_TITLE);
    return arena_try_copy(page->mem, title, &page->facts.title);
}

/* §4.2.3, "set the frozen base URL": these two are no bases, whatever else may be one. */
static bool may_be_base(const struct url *u)
{
    struct span protocol = url_protocol(u);

    return !span_eq(protocol, SPAN("data:")) && !span_eq(protocol, SPAN("javascript:"));
}

enum err html_meta_base(struct html_page *page, struct url *out)
{
    struct url base;
    enum err e = ERR_INVALID;

    if (page->has_base)
        e = html_resolve_url(&page->scratch->document, page->base_ref, &base);
    if (e && e != ERR_INVALID)
        return e;
    *out = !e && may_be_base(&base) ? base : *page->in->url;
    return arena_try_copy(page->mem, out->href, &page->facts.base);
}

/* An absolute http or https URL of acceptable length, or nothing. */
static enum err resolve_web(struct html_resolver *r, struct span ref, struct span *out)
{
    struct html_resolved found;
    enum err e = html_resolve(r, ref, &found);

    *out = SPAN_NONE;
    if (!e && found.href.ptr && found.scheme <= URL_HTTPS &&
        found.href.len <= HTML_MAX_URL)
        *out = found.href;
    return e;
}

static enum err finish_refresh(struct html_page *page)
{
    struct html_scratch *s = page->scratch;
    bool is_header = page->is_refresh_from_header;
    enum err e;

    if (!page->facts.has_refresh)
        return OK;
    if (page->refresh_ref.len == 0)
        return arena_try_copy(page->mem, page->in->url->href, &page->facts.refresh_url);
    e = resolve_web(is_header ? &s->document : &s->resolver, page->refresh_ref,
                    &page->facts.refresh_url);
    if (e)
        return e;
    if (!page->facts.refresh_url.ptr)
        page->facts.has_refresh = false;
    return html_links_of_refresh(
        page, is_header ? LINK_HTTP_REFRESH : LINK_META_REFRESH, page->refresh_ref);
}

enum err html_meta_finish(struct html_page *page)
{
    struct html_scratch *s = page->scratch;
    struct page_facts *facts = &page->facts;
    enum err e = finish_refresh(page);

    if (!e && page->canonical_ref.ptr)
        e = resolve_web(&s->resolver, page->canonical_ref, &facts->canonical);
    if (!e && !facts->canonical.ptr && page->http_canonical.ptr)
        e = resolve_web(&s->document, page->http_canonical, &facts->canonical);
    if (!e)
        e = set_lang(page, page->meta_lang);
    if (!e)
        e = set_lang(page, page->http_lang);
    facts->is_noindex = page->robots.is_noindex;
    facts->is_nofollow = page->robots.is_nofollow;
    return e;
}
