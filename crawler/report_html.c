/* SPDX-License-Identifier: MIT */
#include "crawler/report_html.h"

#include <stdarg.h>
#include <stdio.h>

#define MAX_FORMAT              1024
#define MAX_LINK                2000 /* bytes of a URL that is made a link */
#define URL_HEAD                100  /* of a longer URL this much is shown */
#define URL_TAIL                40
#define LONGEST_URL             (URL_HEAD + URL_TAIL + 10)
#define LONGEST_SCHEME_AND_HOST 64

void report_html_init(struct report_html *h, size_t max)
{
    buf_init(&h->buf, max);
    h->e = OK;
}

void report_html_clear(struct report_html *h)
{
    buf_clear(&h->buf);
}

static void put_span(struct report_html *h, struct span s)
{
    if (!h->e)
        h->e = buf_append(&h->buf, s);
}

void report_html_put(struct report_html *h, const char *markup)
{
    put_span(h, span_str(markup));
}

void report_html_markup(struct report_html *h, struct span markup)
{
    put_span(h, markup);
}

void report_html_format(struct report_html *h, const char *fmt, ...)
{
    char text[MAX_FORMAT];
    va_list ap;
    int n;

    va_start(ap, fmt);
    n = vsnprintf(text, sizeof text, fmt, ap);
    va_end(ap);
    BUG_IF(n < 0 || n >= (int)sizeof text);
    put_span(h, span_make(text, (size_t)n));
}

void report_html_append(struct report_html *h, const struct report_html *other)
{
    if (!h->e)
        h->e = other->e;
    put_span(h, buf_span(&other->buf));
}

/* --- text -------------------------------------------------------------------------- */

/* The length of the valid UTF-8 sequence at the start of s, or 0. */
static size_t sequence_length(struct span s)
{
    unsigned char c = (unsigned char)s.ptr[0];
    size_t len = c < 0x80 ? 1 : c < 0xe0 ? 2 : c < 0xf0 ? 3 : 4;

    return len <= s.len && span_is_utf8(span_make(s.ptr, len)) ? len : 0;
}

static uint32_t code_point(const char *p, size_t len)
{
    uint32_t c = len == 1 ? (unsigned char)*p : (unsigned char)*p & (0x7fu >> len);

    for (size_t i = 1; i < len; i++)
        c = c << 6 | ((unsigned char)p[i] & 0x3f);
    return c;
}

/* Invisible, and able to reorder or hide what stands around it (Unicode TR36, TR9). */
static bool is_deceptive(uint32_t c)
{
    return (c >= 0x7f && c < 0xa0) || c == 0xad || c == 0x061c || c == 0x200b ||
           (c >= 0x200e && c <= 0x200f) || (c >= 0x2028 && c <= 0x202e) ||
           (c >= 0x2060 && c <= 0x206f) || c == 0xfeff ||
           (c >= 0xfff9 && c <= 0xfffb) || (c >= 0xe0000 && c <= 0xe007f);
}

/* Code points that HTML calls parse errors, and private ones that no font has. */
static bool is_no_character(uint32_t c)
{
    return (c & 0xfffe) == 0xfffe || (c >= 0xfdd0 && c <= 0xfdef);
}

static void put_character(struct report_html *h, struct span sequence)
{
    uint32_t c = code_point(sequence.ptr, sequence.len);

    switch (c) {
    case '&': put_span(h, SPAN("&amp;")); break;
    case '<': put_span(h, SPAN("&lt;")); break;
    case '>': put_span(h, SPAN("&gt;")); break;
    case '"': put_span(h, SPAN("&quot;")); break;
    case '\'': put_span(h, SPAN("&#39;")); break;
    case '\t':
    case '\n':
    case '\f':
    case '\r': put_span(h, SPAN(" ")); break;
    default:
        if (c < 0x20) /* the picture of the control: U+2400 and on */
            report_html_format(h, "&#x%x;", 0x2400 + c);
        else if (is_deceptive(c))
            report_html_format(h, "[U+%04X]", c);
        else
            put_span(h, is_no_character(c) ? SPAN("\xef\xbf\xbd") : sequence);
    }
}

static void put_escaped(struct report_html *h, struct span s)
{
    while (!h->e && s.len) {
        size_t len = sequence_length(s);

        if (len)
            put_character(h, span_make(s.ptr, len));
        else
            put_span(h, SPAN("\xef\xbf\xbd"));
        s = span_skip(s, MAX(len, (size_t)1));
    }
}

void report_html_text(struct report_html *h, struct span text, size_t max)
{
    struct span shown = span_clip_utf8(text, max);

    put_escaped(h, shown);
    if (shown.len < text.len)
        report_html_put(h, "\u2026");
}

/* --- URLs -------------------------------------------------------------------------- */

static bool may_be_link(struct span url)
{
    if (url.len > MAX_LINK || (!span_starts_nocase(url, SPAN("http://")) &&
                               !span_starts_nocase(url, SPAN("https://"))))
        return false;
    for (size_t i = 0; i < url.len; i++)
        if (url.ptr[i] <= ' ' || url.ptr[i] >= 0x7f)
            return false;
    return true;
}

/* Up to the path, if there is one and it is short. */
static size_t origin_length(struct span url)
{
    size_t scheme = span_find_span(url, SPAN("://"));
    size_t at;

    if (scheme == url.len)
        return 0;
    at = scheme + 3 + span_find(span_skip(url, scheme + 3), '/');
    return at < url.len && at <= LONGEST_SCHEME_AND_HOST ? at : 0;
}

static void put_shown_url(struct report_html *h, struct span url)
{
    size_t origin = origin_length(url);
    struct span rest = span_skip(url, origin);

    if (origin) {
        report_html_put(h, "<span class=o>");
        put_escaped(h, span_slice(url, 0, origin));
        report_html_put(h, "</span>");
    }
    if (rest.len <= LONGEST_URL) {
        put_escaped(h, rest);
        return;
    }
    put_escaped(h, span_clip_utf8(rest, URL_HEAD));
    report_html_put(h, "\u2026");
    while (rest.len > URL_TAIL || (rest.len && (rest.ptr[0] & 0xc0) == 0x80))
        rest = span_skip(rest, 1);
    put_escaped(h, rest);
}

void report_html_url(struct report_html *h, struct span url)
{
    bool is_link = may_be_link(url);

    if (is_link) {
        report_html_put(h, "<a class=u rel=\"noreferrer noopener nofollow\" href=\"");
        put_escaped(h, url);
        report_html_put(h, "\">");
    } else {
        report_html_put(h, "<bdi class=u>");
    }
    put_shown_url(h, url);
    report_html_put(h, is_link ? "</a>" : "</bdi>");
}
