/* SPDX-License-Identifier: MIT */
#include "parse/html.h"

#include "config/mem.h"
#include "parse/html_links.h"
#include "parse/html_meta.h"
#include "parse/html_page.h"

/* A page cannot have more text than bytes, but for what references expand to. */
#define MAX_TEXT_BYTES ((size_t)1 << 31)

struct html_scratch *html_scratch_new(void)
{
    struct html_scratch *s = mem_alloc(sizeof *s);

    html_text_init(&s->text, MAX_TEXT_BYTES);
    html_text_init(&s->piece, MAX_TEXT_BYTES);
    buf_init(&s->decoded, MAX_TEXT_BYTES);
    buf_init(&s->candidates, MAX_TEXT_BYTES);
    return s;
}

void html_scratch_free(struct html_scratch *s)
{
    if (!s)
        return;
    buf_clear(&s->text.buf);
    buf_clear(&s->piece.buf);
    buf_clear(&s->decoded);
    buf_clear(&s->candidates);
    mem_free(s);
}

enum err html_page_value(struct html_page *page, const struct token_attr *attr,
                         struct span *out)
{
    struct buf *decoded = &page->scratch->decoded;
    enum err e;

    if (!attr->is_coded) {
        *out = attr->value;
        return OK;
    }
    buf_reset(decoded);
    e = entities_decode(attr->value, ENTITIES_ATTRIBUTE, decoded);
    return e ? e : arena_try_copy(page->mem, buf_span(decoded), out);
}

enum err html_page_text(struct html_page *page, struct span text, size_t max,
                        struct span *out)
{
    char *at = arena_try_alloc(page->mem, MIN(text.len, max));
    struct span word, clipped = span_make(at, 0);

    if (!at)
        return ERR_TOO_LARGE;
    while (clipped.len < max && span_token(&text, &word)) {
        if (clipped.len)
            at[clipped.len++] = ' ';
        word = span_clip_utf8(word, max - clipped.len);
        memcpy(at + clipped.len, word.ptr, word.len);
        clipped.len += word.len;
    }
    while (clipped.len && at[clipped.len - 1] == ' ')
        clipped.len--;
    *out = clipped;
    return OK;
}

/* Elements whose raw text nobody reads. */
static bool is_unread(enum tag tag)
{
    return tag == TAG_SCRIPT || tag == TAG_STYLE || tag == TAG_IFRAME ||
           tag == TAG_NOEMBED || tag == TAG_NOFRAMES;
}

static enum err on_text(struct html_page *page, const struct token *tok)
{
    if (page->inert_at || tok->is_hidden)
        return OK;
    if (tok->mode == ENTITIES_RAW && is_unread(page->last_tag))
        return OK;
    if (tok->mode == ENTITIES_RCDATA && page->last_tag == TAG_TITLE)
        return html_meta_title(page, tok);
    if (page->media && !page->anchor)
        return OK;
    return html_text_add(&page->scratch->text, tok->raw, (enum entities_mode)tok->mode,
                         tok->is_coded);
}

/* A template is inert unless it declares a shadow root (§4.12.3.1). */
static void begin_template(struct html_page *page, const struct token *tok)
{
    const struct token_attr *mode = tokenizer_attr(tok, SPAN("shadowrootmode"));
    bool is_shadow = mode && (span_eq_nocase(mode->value, SPAN("open")) ||
                              span_eq_nocase(mode->value, SPAN("closed")));

    page->n_templates++;
    if (!page->inert_at && !is_shadow)
        page->inert_at = page->n_templates;
}

static void end_template(struct html_page *page)
{
    if (page->n_templates == 0)
        return;
    if (page->inert_at == page->n_templates)
        page->inert_at = 0;
    page->n_templates--;
}

static bool is_heading(enum tag tag)
{
    return tag >= TAG_H1 && tag <= TAG_H6;
}

static enum err end_h1(struct html_page *page)
{
    const struct html_text *text = &page->scratch->text;

    page->is_in_h1 = false;
    if (page->facts.h1.len)
        return OK;
    struct span h1 = html_text_slice(text, page->h1_from, html_text_mark(text));
    return html_page_text(page, h1, HTML_MAX_META, &page->facts.h1);
}

static void begin_h1(struct html_page *page)
{
    page->is_in_h1 = true;
    page->h1_depth = 0;
    page->h1_from = html_text_mark(&page->scratch->text);
}

/* Does this edge, inside of which depth blocks are open, end what is around them? */
static bool is_last_edge(unsigned *io_depth, enum tag tag, bool is_start)
{
    bool is_table_part = tag == TAG_TD || tag == TAG_TH || tag == TAG_TR;

    if (*io_depth == 0 && (!is_start || is_table_part))
        return true;
    *io_depth += is_start ? 1u : -1u;
    return false;
}

/*
 * What stands in video and audio is for browsers that know neither (§4.8.8):
 * links, but no text. It ends with the element, or with what that stands in.
 */
static void begin_media(struct html_page *page, const struct token *tok)
{
    if (page->media || tok->is_foreign)
        return;
    page->media = (enum tag)tok->tag;
    page->media_depth = 0;
}

/* Does this edge end the open h1? No heading holds another or stands in a p (§13.2.6.4.7). */
static bool is_end_of_h1(struct html_page *page, enum tag tag, bool is_start)
{
    if (is_heading(tag))
        return true;
    if (tag == TAG_P && !is_start && page->h1_depth == 0)
        return false;
    return is_last_edge(&page->h1_depth, tag, is_start);
}

/* The edge of an element that stands apart from the text before it. */
static enum err edge(struct html_page *page, enum tag tag, bool is_start)
{
    unsigned flags = tags_flags(tag);

    if (!(flags & (TAGS_BLOCK | TAGS_CELL)))
        return OK;
    html_text_break(&page->scratch->text, flags & TAGS_BLOCK ? '\n' : ' ');
    if (flags & TAGS_VOID)
        return OK;
    if (page->anchor && is_last_edge(&page->anchor_depth, tag, is_start))
        html_links_end_anchor(page);
    if (page->media && is_last_edge(&page->media_depth, tag, is_start))
        page->media = TAG_OTHER;
    return page->is_in_h1 && is_end_of_h1(page, tag, is_start) ? end_h1(page) : OK;
}

/*
 * The tags that change something, beside those with attributes of interest; half of all are span,
 * code and the like. An element whose content is text is among them for last_tag.
 */
static const bool wants_tags[N_TAGS] = {
#define X(id, name, flags) [id] = ((flags) & (TAGS_BLOCK | TAGS_CELL | TAGS_RAWTEXT | TAGS_RCDATA)) != 0,
    TAGS_TABLE(X)
#undef X
};

static enum err on_start(struct html_page *page, const struct token *tok)
{
    enum tag tag = (enum tag)tok->tag;
    enum err e = OK;

    page->last_tag = tok->is_foreign ? TAG_OTHER : tag;
    if (tag == TAG_TEMPLATE && !tok->is_foreign)
        begin_template(page, tok);
    if (page->inert_at)
        return OK;
    if (!tok->is_foreign)
        e = edge(page, tag, true);
    if (tag == TAG_H1)
        begin_h1(page);
    if (tag == TAG_VIDEO || tag == TAG_AUDIO)
        begin_media(page, tok);
    if (tag == TAG_A)
        html_links_end_anchor(page);
    if (e || !html_links_wants_attrs[tag])
        return e;
    e = html_meta_tag(page, tok);
    return e ? e : html_links_of_tag(page, tok);
}

static enum err on_end(struct html_page *page, const struct token *tok)
{
    enum tag tag = (enum tag)tok->tag;

    page->last_tag = TAG_OTHER;
    if (tag == TAG_TEMPLATE && !tok->is_foreign)
        end_template(page);
    if (page->inert_at)
        return OK;
    if (tag == TAG_A)
        html_links_end_anchor(page);
    if (page->media == tag)
        page->media = TAG_OTHER;
    return tok->is_foreign ? OK : edge(page, tag, false);
}

static enum err read_tokens(struct html_page *page)
{
    struct tokenizer *t = &page->scratch->tokenizer;
    enum err e = OK;

    while (!e) {
        const struct token *tok = tokenizer_next(t);
        switch ((enum token_type)tok->type) {
        case TOKEN_TEXT: e = on_text(page, tok); break;
        case TOKEN_START: e = on_start(page, tok); break;
        case TOKEN_END: e = on_end(page, tok); break;
        case TOKEN_COMMENT:
        case TOKEN_DOCTYPE: break;
        case TOKEN_EOF: return page->is_in_h1 ? end_h1(page) : OK;
        }
    }
    return e;
}

bool html_is_xml_type(struct span content_type)
{
    struct header_content_type type;

    header_content_type_parse(content_type, &type);
    struct span tail = type.essence.len > 4
                           ? span_skip(type.essence, type.essence.len - 4)
                           : SPAN_NONE;
    return span_eq_nocase(tail, SPAN("+xml")) || span_eq_nocase(tail, SPAN("/xml"));
}

static enum err finish_text(struct html_page *page)
{
    struct span text = buf_span(&page->scratch->text.buf);

    page->facts.word_count = html_text_words(&page->scratch->text);
    page->facts.text = SPAN_NONE;
    if (!page->in->wants_text)
        return OK;
    return arena_try_copy(page->mem, span_clip_utf8(text, page->in->max_text),
                          &page->facts.text);
}

static enum err finish(struct html_page *page)
{
    struct html_scratch *s = page->scratch;
    struct url base;
    enum err e = html_meta_base(page, &base);

    if (e)
        return e;
    html_resolve_init(&s->resolver, &base, page->in->charset, page->mem);
    e = html_meta_finish(page);
    if (!e)
        e = finish_text(page);
    return e ? e : html_links_finish(page);
}

static void begin(struct html_page *page, struct page_facts *facts)
{
    struct html_scratch *s = page->scratch;

    html_text_reset(&s->text);
    html_text_of(&s->text, page->in->utf8);
    buf_reset(&s->candidates);
    html_resolve_init(&s->document, page->in->url, page->in->charset, page->mem);
    tokenizer_init(&s->tokenizer, page->in->utf8, html_is_xml_type(page->in->content_type),
                   html_links_wants_attrs);
    tokenizer_tell_only(&s->tokenizer, wants_tags);
    facts->links_cut = facts->has_refresh = false;
    facts->links_other = 0;
    facts->refresh_delay_s = 0;
    facts->title = facts->description = facts->h1 = facts->canonical = SPAN_NONE;
    facts->robots_meta = facts->x_robots_tag = facts->lang = facts->refresh_url =
        SPAN_NONE;
}

enum err html_parse(const struct html_input *in, struct html_scratch *scratch,
                    struct arena *mem, struct page_facts *out)
{
    struct html_page page = { .in = in, .scratch = scratch, .mem = mem, .facts = *out };
    enum err e;

    begin(&page, &page.facts);
    e = html_meta_headers(&page);
    if (!e)
        e = read_tokens(&page);
    if (!e)
        e = finish(&page);
    if (!e)
        *out = page.facts;
    return e;
}
