/* SPDX-License-Identifier: MIT */
#include "parse/xml.h"

#include <libxml/parser.h>

#include "parse/xml_clean.h"

/* How much mended text goes to libxml2 at once. */
#define CHUNK_BYTES ((size_t)32 * 1024)

/* More than the cleaner lets through in one tag. */
#define MAX_VALUES_BYTES ((size_t)16 * 1024 * 1024)

/* What libxml2 leaves of an ampersand in an attribute unless told to expand entities. */
#define AMPERSAND "&#38;"

/* libxml2's user data. */
struct run {
    struct xml_sink *sink;
    struct buf
        values;   /* of the current start tag's attributes, where they had to change */
    size_t depth; /* 1: in the element that the cleaner puts around everything */
};

static struct span text_of(const xmlChar *s)
{
    return span_str((const char *)s);
}

static struct xml_name split_name(struct span s)
{
    size_t colon = span_find(s, ':');

    if (colon == s.len)
        return (struct xml_name){ SPAN_NONE, s };
    return (struct xml_name){ span_slice(s, 0, colon), span_skip(s, colon + 1) };
}

/* The value with its ampersands; room for it is there. Nothing can fail. */
static struct span value_of(struct run *run, const xmlChar *value)
{
    struct span rest = text_of(value);
    size_t from = run->values.len;

    while (rest.len) {
        size_t at = span_find_span(rest, SPAN(AMPERSAND));

        memcpy(run->values.ptr + run->values.len, rest.ptr, at);
        run->values.len += at;
        if (at < rest.len)
            run->values.ptr[run->values.len++] = '&';
        rest = span_skip(rest, at + strlen(AMPERSAND));
    }
    return span_slice(buf_span(&run->values), from, run->values.len);
}

/* Makes room for all values at once, so that no value moves while others are added. */
static bool reserve_values(struct run *run, const xmlChar **attributes)
{
    size_t room = 1;

    for (; attributes && attributes[0]; attributes += 2)
        room += text_of(attributes[1]).len;
    buf_reset(&run->values);
    return buf_reserve(&run->values, room) == OK;
}

static void on_sax_start(void *arg, const xmlChar *name, const xmlChar **attributes)
{
    struct run *run = arg;
    struct xml_element el = { .name = split_name(text_of(name)) };

    if (run->depth++ == 0 || run->sink->is_full)
        return;
    if (!reserve_values(run, attributes))
        attributes = NULL;
    for (; attributes && attributes[0] && el.n_attributes < XML_MAX_ATTRIBUTES;
         attributes += 2) {
        struct xml_attribute *a = &el.attributes[el.n_attributes++];

        a->name = split_name(text_of(attributes[0]));
        a->value = value_of(run, attributes[1]);
    }
    run->sink->on_start(run->sink, &el);
}

static void on_sax_end(void *arg, const xmlChar *name)
{
    struct run *run = arg;
    struct xml_name split = split_name(text_of(name));

    if (--run->depth > 0 && !run->sink->is_full)
        run->sink->on_end(run->sink, &split);
}

static void on_sax_text(void *arg, const xmlChar *text, int len)
{
    struct run *run = arg;

    if (run->depth > 1 && !run->sink->is_full)
        run->sink->on_text(run->sink, span_make((const char *)text, (size_t)len));
}

/* Nothing is ever loaded: what asks for an external entity gets none. */
static xmlParserInputPtr on_sax_resolve(void *arg, const xmlChar *public_id,
                                        const xmlChar *system_id)
{
    (void)arg;
    (void)public_id;
    (void)system_id;
    return NULL;
}

/* Feeds what the cleaner has mended; false when libxml2 cannot go on. */
static bool feed(xmlParserCtxtPtr ctxt, struct buf *mended, bool is_last)
{
    int code = xmlParseChunk(ctxt, mended->ptr, (int)mended->len, is_last);

    buf_reset(mended);
    return code != XML_ERR_NO_MEMORY;
}

enum err xml_parse(struct span body, struct xml_sink *sink)
{
    /* SAX1 (initialized is not XML_SAX2_MAGIC): namespaces are not checked. */
    xmlSAXHandler sax = {
        .startElement = on_sax_start,
        .endElement = on_sax_end,
        .characters = on_sax_text,
        .ignorableWhitespace = on_sax_text,
        .resolveEntity = on_sax_resolve,
        .initialized = 1,
    };
    struct run run = { .sink = sink };
    struct xml_cleaner cleaner;
    xmlParserCtxtPtr ctxt = xmlCreatePushParserCtxt(&sax, &run, NULL, 0, NULL);
    bool is_going = true;
    enum err e;

    if (!ctxt)
        return ERR_NO_MEMORY;
    xmlCtxtUseOptions(ctxt, XML_PARSE_RECOVER | XML_PARSE_NONET | XML_PARSE_NOERROR |
                                XML_PARSE_NOWARNING);
    buf_init(&run.values, MAX_VALUES_BYTES);
    xml_clean_init(&cleaner, body);
    while (is_going && !sink->is_full && xml_clean_next(&cleaner))
        if (cleaner.out.len >= CHUNK_BYTES)
            is_going = feed(ctxt, &cleaner.out, false);
    if (is_going && !sink->is_full)
        feed(ctxt, &cleaner.out, true);
    e = ctxt->errNo == XML_ERR_NO_MEMORY ? ERR_NO_MEMORY : cleaner.e;
    xml_clean_clear(&cleaner);
    buf_clear(&run.values);
    xmlFreeParserCtxt(ctxt);
    return e;
}

bool xml_is(const struct xml_name *name, struct span local)
{
    return span_eq_nocase(name->local, local);
}

struct span xml_attribute(const struct xml_element *el, struct span local)
{
    for (size_t i = 0; i < el->n_attributes; i++)
        if (xml_is(&el->attributes[i].name, local))
            return el->attributes[i].value;
    return SPAN_NONE;
}

/* Bytes of the white space character at the front of s, or 0. */
static size_t space_at_front(struct span s)
{
    static const char *const others[] = {
        "\xc2\x85",     "\xc2\xa0",     "\xe1\x9a\x80", "\xe2\x80\xa8", "\xe2\x80\xa9",
        "\xe2\x80\xaf", "\xe2\x81\x9f", "\xe3\x80\x80", "\xef\xbb\xbf",
    };

    if (s.len && (span_is_space(s.ptr[0]) || s.ptr[0] == '\v'))
        return 1;
    for (size_t i = 0; i < ARRAY_LEN(others); i++)
        if (span_starts(s, span_str(others[i])))
            return strlen(others[i]);
    /* U+2000 to U+200B */
    if (span_starts(s, SPAN("\xe2\x80")) && s.len > 2 &&
        (unsigned char)s.ptr[2] <= 0x8b)
        return 3;
    return 0;
}

struct span xml_trim(struct span s)
{
    size_t n = space_at_front(s);

    while (n) {
        s = span_skip(s, n);
        n = space_at_front(s);
    }
    /* From the end: a character of this set is one to three bytes long. */
    for (n = 1; n <= 3 && n <= s.len;) {
        if (space_at_front(span_skip(s, s.len - n)) == n) {
            s.len -= n;
            n = 1;
        } else {
            n++;
        }
    }
    return s;
}
