/* SPDX-License-Identifier: MIT */
#include "parse/charset.h"
#include "parse/header.h"
#include "parse/page.h"

/* So much is looked at (MIME Sniffing standard §5.2: at least 1445 bytes). */
#define LOOK_BYTES ((size_t)1445)

/* What a Content-Type promises. */
enum promise {
    PROMISE_NONE, /* absent or unreadable */
    PROMISE_HTML,
    PROMISE_XML,
    PROMISE_PLAIN,
    PROMISE_TEXT, /* other text types */
    PROMISE_OTHER,
};

/* Types written when the server does not know: MIME Sniffing §5.1. */
static bool is_no_type(struct span essence)
{
    return !essence.len || span_eq_nocase(essence, SPAN("unknown/unknown")) ||
           span_eq_nocase(essence, SPAN("application/unknown")) ||
           span_eq_nocase(essence, SPAN("*/*"));
}

static enum promise read_promise(struct span essence)
{
    if (is_no_type(essence))
        return PROMISE_NONE;
    if (span_eq_nocase(essence, SPAN("text/html")) ||
        span_eq_nocase(essence, SPAN("application/xhtml+xml")))
        return PROMISE_HTML;
    if (span_eq_nocase(essence, SPAN("text/plain")))
        return PROMISE_PLAIN;
    if (span_eq_nocase(essence, SPAN("text/xml")) ||
        span_eq_nocase(essence, SPAN("application/xml")) ||
        (essence.len > 4 && span_eq_nocase(span_skip(essence, essence.len - 4), SPAN("+xml"))))
        return PROMISE_XML;
    return span_starts_nocase(essence, SPAN("text/")) ? PROMISE_TEXT : PROMISE_OTHER;
}

static bool has_bom(struct span body)
{
    return span_starts(body, SPAN("\xef\xbb\xbf")) ||
           span_starts(body, SPAN("\xfe\xff")) || span_starts(body, SPAN("\xff\xfe"));
}

static bool begins_markup(struct span s)
{
    char c = s.len > 1 && s.ptr[0] == '<' ? span_ascii_lower(s.ptr[1]) : 0;

    return (c >= 'a' && c <= 'z') || c == '!' || c == '?' || c == '/';
}

/*
 * MIME Sniffing §7.1, §7.2: a document of another kind, or a control that no
 * text has. With a byte order mark it is text, UTF-16 perhaps. What is sent as
 * HTML stays that when a tag comes with nothing but NULs of these before it.
 */
static bool looks_binary(struct span body, enum promise promise, bool is_utf16)
{
    if (span_starts(body, SPAN("%PDF-")) || span_starts(body, SPAN("%!PS-Adobe-")))
        return true;
    if (is_utf16 || has_bom(body))
        return false;
    bool has_nul = false;
    for (size_t i = 0; i < MIN(body.len, LOOK_BYTES); i++) {
        unsigned char c = (unsigned char)body.ptr[i];

        if (promise == PROMISE_HTML && c == '<' && begins_markup(span_skip(body, i)))
            return false;
        has_nul |= !c;
        if (promise == PROMISE_HTML && !c)
            continue;
        if (c <= 0x08 || c == 0x0b || (c >= 0x0e && c <= 0x1a) ||
            (c >= 0x1c && c <= 0x1f))
            return true;
    }
    return has_nul;
}

/* Where the header names UTF-16, nearly any byte is text: a line break has a NUL, U+0430 a control. */
static bool is_said_to_be_utf16(struct span charset)
{
    const char *name = charset_from_label(charset);

    return name && span_starts(span_str(name), SPAN("utf-16"));
}

/* UTF-16 without a mark: every other byte of its markup, and of the white space before it, is NUL. */
static bool looks_utf16(struct span body)
{
    size_t low = body.len && !body.ptr[0] ? 1 : 0;

    while (body.len >= 4 && !body.ptr[1 - low] && span_is_space(body.ptr[low]))
        body = span_skip(body, 2);
    return body.len >= 4 && body.ptr[low] == '<' && !body.ptr[1 - low] && body.ptr[2 + low] && !body.ptr[3 - low];
}

/*
 * The first letters of the document as ASCII: UTF-16 loses its NULs and marks,
 * which is enough to tell what kind of markup it is.
 */
static struct span peek(struct span body, char room[LOOK_BYTES])
{
    struct span look = span_slice(body, 0, MIN(body.len, LOOK_BYTES));
    bool is_plain = span_find(look, '\0') == look.len;
    size_t n = 0;

    for (size_t i = 0; i < MIN(look.len, (size_t)3); i++)
        is_plain &= (unsigned char)look.ptr[i] < 0xbb;
    if (is_plain)
        return look;
    for (size_t i = 0; i < look.len; i++) {
        unsigned char c = (unsigned char)look.ptr[i];

        if (c && !(i < 3 && c >= 0xbb))
            room[n++] = (char)c;
    }
    return span_make(room, n);
}

/*
 * Skips white space, comments, declarations and processing instructions, and
 * says whether HTML's doctype was among them.
 */
static struct span skip_prolog(struct span s, bool *out_has_html_doctype)
{
    *out_has_html_doctype = false;
    for (;;) {
        size_t end;

        while (s.len && span_is_space(s.ptr[0]))
            s = span_skip(s, 1);
        if (span_starts(s, SPAN("<!--")))
            end = span_find_span(s, SPAN("-->")) + 3;
        else if (span_starts(s, SPAN("<?")) || span_starts(s, SPAN("<!")))
            end = span_find(s, '>') + 1;
        else
            return s;
        *out_has_html_doctype |= span_starts_nocase(s, SPAN("<!doctype html"));
        s = span_skip(s, end);
    }
}

/* The local name of the element that s begins with; empty when it begins otherwise. */
static struct span first_name(struct span s)
{
    size_t n = 1, colon;
    struct span name;

    if (!s.len || s.ptr[0] != '<')
        return SPAN_NONE;
    while (n < s.len && !span_is_space(s.ptr[n]) && s.ptr[n] != '>' && s.ptr[n] != '/')
        n++;
    name = span_slice(s, 1, n);
    colon = span_find(name, ':');
    return colon < name.len ? span_skip(name, colon + 1) : name;
}

/* Of XML only the html element makes a page; a table may be anybody's. */
static bool is_html_name(struct span name, enum promise promise)
{
    static const char *const names[] = {
        "html", "head",  "body", "script", "iframe", "h1", "h2",       "div",
        "font", "table", "a",    "style",  "title",  "b",  "br",       "p",
        "meta", "link",  "base", "span",   "form",   "ul", "frameset", "center",
    };

    if (promise == PROMISE_XML)
        return span_eq_nocase(name, SPAN("html"));
    for (size_t i = 0; i < ARRAY_LEN(names); i++)
        if (span_eq_nocase(name, span_str(names[i])))
            return true;
    return false;
}

/* What the markup itself says: feed, sitemap, HTML or XML; PAGE_TEXT where there is none. */
static enum page_kind kind_of_markup(struct span start, enum promise promise)
{
    bool is_html_doctype;
    struct span rest = skip_prolog(start, &is_html_doctype), name = first_name(rest);

    if (span_eq_nocase(name, SPAN("rss")) || span_eq_nocase(name, SPAN("feed")) ||
        span_eq_nocase(name, SPAN("RDF")))
        return PAGE_FEED;
    if (span_eq_nocase(name, SPAN("urlset")) ||
        span_eq_nocase(name, SPAN("sitemapindex")))
        return PAGE_SITEMAP;
    if (is_html_doctype || is_html_name(name, promise))
        return PAGE_HTML;
    if (span_starts(span_trim(start), SPAN("<?xml")))
        return PAGE_XML;
    /* The look may have ended within a long comment or doctype. */
    return !rest.len && span_starts(span_trim(start), SPAN("<!")) ? PAGE_HTML
                                                                  : PAGE_TEXT;
}

enum page_kind page_sniff(struct span content_type, struct span body)
{
    struct header_content_type type;
    enum promise promise;
    char room[LOOK_BYTES];
    enum page_kind said;

    header_content_type_parse(content_type, &type);
    promise = read_promise(type.essence);
    if (promise == PROMISE_OTHER ||
        (looks_binary(body, promise, is_said_to_be_utf16(type.charset)) && !looks_utf16(body)))
        return PAGE_BINARY;
    if (promise == PROMISE_PLAIN)
        return PAGE_TEXT;
    said = kind_of_markup(peek(body, room), promise);
    if (promise == PROMISE_HTML)
        return said == PAGE_FEED || said == PAGE_SITEMAP ? said : PAGE_HTML;
    if (promise == PROMISE_XML)
        return said == PAGE_TEXT ? PAGE_XML : said;
    return said;
}
