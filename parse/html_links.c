/* SPDX-License-Identifier: MIT */
#include "parse/html_links.h"

#include "parse/srcset.h"

enum rule_flags {
    MAY_BE_EMPTY = 0x01, /* an empty reference means the page itself */
    IN_HTML = 0x02,
    IN_SVG = 0x04,
    SET = 0x08,         /* srcset: several candidates */
    SECOND = 0x10,      /* counts only when the rule before found nothing */
    IMAGE_INPUT = 0x20, /* only on input type=image */
    NO_FRAGMENT = 0x40, /* "#x" names a part of this document, not a resource */
};

/* One attribute that carries a link (HTML standard, by element; SVG 2 §16 and §5). */
struct link_rule {
    uint8_t kind, hop, flags;
    struct span attr;
};

#define RULE(attr, kind, hop, flags) \
    {                                \
        kind, FACT_HOP_##hop, flags, \
        {                            \
            attr, sizeof(attr) - 1   \
        }                            \
    }

#define MAX_RULES 4 /* of one element */

/* By element; unused rules have no attribute. */
static const struct link_rule rules_of[N_TAGS][MAX_RULES] = {
    [TAG_A] = {
        RULE("href", LINK_A, LINK, IN_HTML | IN_SVG | MAY_BE_EMPTY),
        RULE("xlink:href", LINK_A, LINK, IN_SVG | SECOND),
    },
    [TAG_AREA] = {
        RULE("href", LINK_AREA, LINK, IN_HTML | MAY_BE_EMPTY),
    },
    [TAG_AUDIO] = {
        RULE("src", LINK_AUDIO, EMBED, IN_HTML),
    },
    [TAG_BLOCKQUOTE] = {
        RULE("cite", LINK_BLOCKQUOTE, EMBED, IN_HTML),
    },
    [TAG_BODY] = {
        RULE("background", LINK_BODY, EMBED, IN_HTML),
    },
    [TAG_BUTTON] = {
        RULE("formaction", LINK_BUTTON, NONE, IN_HTML),
    },
    [TAG_DEL] = {
        RULE("cite", LINK_DEL, EMBED, IN_HTML),
    },
    [TAG_EMBED] = {
        RULE("src", LINK_EMBED, EMBED, IN_HTML),
    },
    [TAG_FORM] = {
        RULE("action", LINK_FORM, NONE, IN_HTML),
    },
    [TAG_FRAME] = {
        RULE("src", LINK_FRAME, LINK, IN_HTML),
    },
    [TAG_IFRAME] = {
        RULE("src", LINK_IFRAME, LINK, IN_HTML),
    },
    [TAG_IMAGE] = {
        RULE("src", LINK_IMG, EMBED, IN_HTML),
        RULE("srcset", LINK_IMG, EMBED, IN_HTML | SET),
        RULE("href", LINK_SVG_IMAGE, EMBED, IN_SVG),
        RULE("xlink:href", LINK_SVG_IMAGE, EMBED, IN_SVG | SECOND),
    },
    [TAG_IMG] = {
        RULE("src", LINK_IMG, EMBED, IN_HTML),
        RULE("srcset", LINK_IMG, EMBED, IN_HTML | SET),
    },
    [TAG_INPUT] = {
        RULE("formaction", LINK_INPUT, NONE, IN_HTML),
        RULE("src", LINK_INPUT, EMBED, IN_HTML | IMAGE_INPUT),
    },
    [TAG_INS] = {
        RULE("cite", LINK_INS, EMBED, IN_HTML),
    },
    [TAG_LINK] = {
        RULE("href", LINK_LINK, EMBED, IN_HTML),
        RULE("imagesrcset", LINK_LINK, EMBED, IN_HTML | SET),
    },
    [TAG_OBJECT] = {
        RULE("data", LINK_OBJECT, EMBED, IN_HTML),
    },
    [TAG_Q] = {
        RULE("cite", LINK_Q, EMBED, IN_HTML),
    },
    [TAG_SCRIPT] = {
        RULE("src", LINK_SCRIPT, EMBED, IN_HTML),
        RULE("href", LINK_SCRIPT, EMBED, IN_SVG),
        RULE("xlink:href", LINK_SCRIPT, EMBED, IN_SVG | SECOND),
    },
    [TAG_SOURCE] = {
        RULE("src", LINK_SOURCE, EMBED, IN_HTML),
        RULE("srcset", LINK_SOURCE, EMBED, IN_HTML | SET),
    },
    [TAG_TRACK] = {
        RULE("src", LINK_TRACK, EMBED, IN_HTML),
    },
    [TAG_USE] = {
        RULE("href", LINK_SVG_USE, EMBED, IN_SVG | NO_FRAGMENT),
        RULE("xlink:href", LINK_SVG_USE, EMBED, IN_SVG | SECOND | NO_FRAGMENT),
    },
    [TAG_VIDEO] = {
        RULE("src", LINK_VIDEO, EMBED, IN_HTML),
        RULE("poster", LINK_VIDEO, EMBED, IN_HTML),
    },
};

const bool html_links_wants_attrs[N_TAGS] = {
    [TAG_A] = true,      [TAG_ANNOTATION_XML] = true,
    [TAG_AREA] = true,   [TAG_AUDIO] = true,
    [TAG_BASE] = true,   [TAG_BLOCKQUOTE] = true,
    [TAG_BODY] = true,   [TAG_BUTTON] = true,
    [TAG_DEL] = true,    [TAG_EMBED] = true,
    [TAG_FONT] = true,   [TAG_FORM] = true,
    [TAG_FRAME] = true,  [TAG_HTML] = true,
    [TAG_IFRAME] = true, [TAG_IMAGE] = true,
    [TAG_IMG] = true,    [TAG_INPUT] = true,
    [TAG_INS] = true,    [TAG_LINK] = true,
    [TAG_META] = true,   [TAG_OBJECT] = true,
    [TAG_Q] = true,      [TAG_SCRIPT] = true,
    [TAG_SOURCE] = true, [TAG_TEMPLATE] = true,
    [TAG_TRACK] = true,  [TAG_USE] = true,
    [TAG_VIDEO] = true,
};

/* A page says the same rel again and again: the last one is kept. */
static enum err rel_of_tag(struct html_page *page, const struct token *tok,
                           struct html_rel *out)
{
    const struct token_attr *attr = tokenizer_attr(tok, SPAN("rel"));
    struct span value;

    *out = (struct html_rel){ SPAN_NONE, 0 };
    if (!attr || attr->value.len == 0)
        return OK;
    if (!span_eq(attr->value, page->raw_rel)) {
        enum err e = html_page_value(page, attr, &value);
        if (!e)
            e = html_rel_read(value, page->mem, &page->rel);
        if (e)
            return e;
        page->raw_rel = attr->value;
    }
    *out = page->rel;
    return OK;
}

/* Does ref begin with a scheme that never gets a row? */
static bool is_other_scheme(struct span ref)
{
    struct span s = span_trim(ref);
    char first = s.len ? span_ascii_lower(s.ptr[0]) : 0;

    if (first != 'm' && first != 'j' && first != 't' && first != 'd')
        return false;
    return span_starts_nocase(s, SPAN("mailto:")) ||
           span_starts_nocase(s, SPAN("javascript:")) ||
           span_starts_nocase(s, SPAN("tel:")) || span_starts_nocase(s, SPAN("data:"));
}

static enum err note(struct html_page *page, const struct html_candidate *c)
{
    struct buf *all = &page->scratch->candidates;

    if (c->link.url.len > HTML_MAX_REF || is_other_scheme(c->link.url)) {
        page->facts.links_other++;
        return OK;
    }
    if (all->len / sizeof *c >= page->in->max_links) {
        page->facts.links_cut = true;
        return OK;
    }
    if (sizeof *c > all->cap - all->len) {
        enum err e = buf_reserve(all, sizeof *c);
        if (e)
            return e;
    }
    memcpy(all->ptr + all->len, c, sizeof *c);
    all->len += sizeof *c;
    return OK;
}

static enum err detail(struct html_page *page, const struct token *tok,
                       struct span name, struct span *out)
{
    const struct token_attr *attr = tokenizer_attr(tok, name);
    struct span value;
    enum err e;

    if (!attr)
        return OK;
    e = html_page_value(page, attr, &value);
    return e ? e : html_page_text(page, value, HTML_MAX_META, out);
}

static enum err add_details(struct html_page *page, struct fact_link *link, struct fact_details **out)
{
    *out = arena_try_array(page->mem, 1, sizeof **out);
    link->details = *out;
    return *out ? OK : ERR_TOO_LARGE;
}

static enum err details_of_tag(struct html_page *page, const struct token *tok,
                               struct fact_link *link)
{
    struct fact_details *d;
    enum err e = add_details(page, link, &d);

    if (!e)
        e = detail(page, tok, SPAN("title"), &d->title);
    if (!e)
        e = detail(page, tok, SPAN("type"), &d->type);
    if (!e)
        e = detail(page, tok, SPAN("media"), &d->media);
    if (!e)
        e = detail(page, tok, SPAN("hreflang"), &d->hreflang);
    return e;
}

static bool is_image_input(const struct token *tok)
{
    const struct token_attr *type = tokenizer_attr(tok, SPAN("type"));

    return type && span_eq_nocase(type->value, SPAN("image"));
}

/* The links of one attribute: one, or those of a srcset. */
static enum err note_value(struct html_page *page, const struct link_rule *rule,
                           struct span value, struct html_candidate *c)
{
    struct span ref;
    enum err e = OK;

    if (!(rule->flags & SET)) {
        if (value.len == 0 && !(rule->flags & MAY_BE_EMPTY))
            return OK;
        if ((rule->flags & NO_FRAGMENT) && span_starts(value, SPAN("#")))
            return OK;
        c->link.url = value;
        return note(page, c);
    }
    while (!e && srcset_next(&value, &ref)) {
        c->link.url = ref;
        e = note(page, c);
    }
    return e;
}

static bool has_rel(enum tag tag)
{
    return tag == TAG_A || tag == TAG_AREA || tag == TAG_LINK || tag == TAG_FORM;
}

static enum err apply(struct html_page *page, const struct token *tok,
                      const struct link_rule *rule, const struct token_attr *attr)
{
    struct html_candidate c = { .link = { .kind = rule->kind, .hop = rule->hop } };
    struct html_rel rel = { SPAN_NONE, 0 };
    struct span value;
    enum err e = html_page_value(page, attr, &value);

    if (!e && has_rel((enum tag)tok->tag))
        e = rel_of_tag(page, tok, &rel);
    if (e)
        return e;
    c.link.rel = rel.tokens;
    c.link.is_nofollow = rel.flags & HTML_REL_NOFOLLOW;
    if (rule->kind == LINK_LINK) {
        bool has_hreflang = tokenizer_attr(tok, SPAN("hreflang")) != NULL;
        c.link.hop = (uint8_t)html_rel_hop(&rel, has_hreflang);
        if ((rel.flags & HTML_REL_CANONICAL) && !(rule->flags & SET) && value.len &&
            !page->canonical_ref.ptr)
            page->canonical_ref = value;
    }
    if (page->in->wants_details) {
        e = details_of_tag(page, tok, &c.link);
        if (e)
            return e;
    }
    return note_value(page, rule, value, &c);
}

static void begin_anchor(struct html_page *page, size_t n_before)
{
    size_t n = page->scratch->candidates.len / sizeof(struct html_candidate);

    if (n == n_before)
        return;
    page->anchor = n;
    page->anchor_depth = 0;
    struct html_candidate *all =
        (struct html_candidate *)(void *)page->scratch->candidates.ptr;
    all[n - 1].text_from = all[n - 1].text_to = html_text_mark(&page->scratch->text);
}

enum err html_links_of_tag(struct html_page *page, const struct token *tok)
{
    const struct link_rule *rules = rules_of[tok->tag];
    size_t n_before = page->scratch->candidates.len / sizeof(struct html_candidate);
    bool has_found = false;
    enum err e;

    for (size_t i = 0; i < MAX_RULES && rules[i].attr.len; i++) {
        const struct link_rule *rule = &rules[i];
        if (!(rule->flags & (tok->is_foreign ? IN_SVG : IN_HTML)) ||
            ((rule->flags & SECOND) && has_found))
            continue;
        const struct token_attr *attr = tokenizer_attr(tok, rule->attr);
        has_found = attr != NULL;
        if (!attr || ((rule->flags & IMAGE_INPUT) && !is_image_input(tok)))
            continue;
        e = apply(page, tok, rule, attr);
        if (e)
            return e;
    }
    if (tok->tag == TAG_A && !(tok->is_foreign && tok->is_self_closing))
        begin_anchor(page, n_before);
    return OK;
}

static enum err details_of_header(struct html_page *page,
                                  const struct header_link *from,
                                  struct fact_link *link)
{
    struct fact_details *d;
    enum err e = add_details(page, link, &d);

    if (!e)
        e = html_page_text(page, from->title, HTML_MAX_META, &d->title);
    if (!e)
        e = html_page_text(page, from->type, HTML_MAX_META, &d->type);
    if (!e)
        e = html_page_text(page, from->media, HTML_MAX_META, &d->media);
    if (!e)
        e = html_page_text(page, from->hreflang, HTML_MAX_META, &d->hreflang);
    if (!e)
        e = html_page_text(page, from->anchor, HTML_MAX_META, &d->anchor);
    return e;
}

/* Is the page itself what the link is from? (RFC 8288 §3.2) */
static enum err is_from_page(struct html_page *page, struct span anchor, bool *out)
{
    struct html_resolved context;
    enum err e;

    *out = anchor.len == 0;
    if (*out)
        return OK;
    e = html_resolve(&page->scratch->document, anchor, &context);
    if (!e)
        *out = span_eq(context.href, page->in->url->href);
    return e;
}

enum err html_links_of_header(struct html_page *page, const struct header_link *link)
{
    struct html_candidate c = { .link = { .kind = LINK_HTTP_LINK },
                                .is_from_header = true };
    struct html_rel rel;
    bool is_ours;
    enum err e = html_rel_read(link->rel, page->mem, &rel);

    if (!e)
        e = is_from_page(page, link->anchor, &is_ours);
    if (e)
        return e;
    c.link.url = link->uri;
    c.link.rel = rel.tokens;
    c.link.is_nofollow = rel.flags & HTML_REL_NOFOLLOW;
    c.link.hop = (uint8_t)html_rel_hop(&rel, link->hreflang.len != 0);
    if ((rel.flags & HTML_REL_CANONICAL) && is_ours && !page->http_canonical.ptr)
        page->http_canonical = link->uri;
    if (page->in->wants_details)
        e = details_of_header(page, link, &c.link);
    return e ? e : note(page, &c);
}

enum err html_links_of_refresh(struct html_page *page, enum link_kind kind,
                               struct span ref)
{
    struct html_candidate c = {
        .link = { .url = ref, .kind = (uint8_t)kind, .hop = FACT_HOP_REFRESH },
        .is_from_header = kind == LINK_HTTP_REFRESH
    };

    return note(page, &c);
}

void html_links_end_anchor(struct html_page *page)
{
    if (!page->anchor)
        return;
    struct html_candidate *all =
        (struct html_candidate *)(void *)page->scratch->candidates.ptr;
    all[page->anchor - 1].text_to = html_text_mark(&page->scratch->text);
    page->anchor = 0;
}

/* Text of the page as html_page_text has it: white space has collapsed already. */
static enum err anchor_text(struct html_page *page, struct span text, struct span *out)
{
    if (text.len > HTML_MAX_ANCHOR)
        return html_page_text(page, text, HTML_MAX_ANCHOR, out);
    char *at = arena_try_alloc(page->mem, text.len);
    if (!at)
        return ERR_TOO_LARGE;
    for (size_t i = 0; i < text.len; i++)
        at[i] = text.ptr[i] == '\n' ? ' ' : text.ptr[i];
    *out = span_make(at, text.len);
    return OK;
}

/* One candidate with its URL and text made final; false when it gives no link. */
static enum err finish_one(struct html_page *page, struct html_resolver *r,
                           const struct html_candidate *c, struct page_facts *facts)
{
    struct fact_link *link = &facts->links[facts->n_links];
    struct html_resolved found;
    enum err e = html_resolve(r, c->link.url, &found);

    if (e)
        return e;
    if (!found.href.ptr || found.scheme == URL_OTHER) {
        facts->links_other++;
        return OK;
    }
    *link = c->link;
    /* A longer one goes out one byte too long, so that the crawl can say why it is left out. */
    link->url = span_slice(found.href, 0, MIN(found.href.len, HTML_MAX_URL + 1));
    if (c->text_to > c->text_from) {
        struct span text =
            html_text_slice(&page->scratch->text, c->text_from, c->text_to);
        e = anchor_text(page, text, &link->text);
        if (e)
            return e;
    }
    facts->n_links++;
    return OK;
}

enum err html_links_finish(struct html_page *page)
{
    const struct buf *buf = &page->scratch->candidates;
    const struct html_candidate *all =
        (const struct html_candidate *)(const void *)buf->ptr;
    size_t n = buf->len / sizeof *all;
    struct page_facts *facts = &page->facts;
    enum err e = OK;

    html_links_end_anchor(page);
    facts->n_links = 0;
    facts->links = NULL;
    if (!n)
        return OK;
    facts->links = arena_try_alloc(page->mem, n * sizeof *facts->links); /* each is written whole */
    if (!facts->links)
        return ERR_TOO_LARGE;
    for (size_t i = 0; i < n && !e; i++) {
        struct html_scratch *s = page->scratch;
        struct html_resolver *r = all[i].is_from_header ? &s->document : &s->resolver;
        e = finish_one(page, r, &all[i], facts);
    }
    if (e == ERR_TOO_LARGE) {
        facts->links_cut = true;
        e = OK;
    }
    return e;
}
