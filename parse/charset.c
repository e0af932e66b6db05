/* SPDX-License-Identifier: MIT */
#include "parse/charset.h"

#include "parse/charset_labels.inc"
#include "parse/codec.h"
#include "parse/detect.h"
#include "parse/prescan.h"
#include "parse/utf8.h"

#define LABEL_MAX 19 /* bytes of the longest label */

const char *charset_from_label(struct span label)
{
    size_t low = 0, high = ARRAY_LEN(labels);
    char folded[LABEL_MAX];
    struct span key;

    label = span_trim(label);
    if (label.len == 0 || label.len > LABEL_MAX)
        return NULL;
    for (size_t i = 0; i < label.len; i++)
        folded[i] = span_ascii_lower(label.ptr[i]);
    key = span_make(folded, label.len);
    while (low < high) {
        size_t middle = (low + high) / 2;
        int order = span_cmp(key, span_str(labels[middle].label));

        if (order == 0)
            return labels[middle].name;
        if (order < 0)
            high = middle;
        else
            low = middle + 1;
    }
    return NULL;
}

/* The encoding of a byte order mark at the start, and its length. */
static const char *bom(struct span s, size_t *len)
{
    *len = span_starts(s, SPAN("\xEF\xBB\xBF")) ? 3 : 2;
    if (*len == 3)
        return "utf-8";
    if (span_starts(s, SPAN("\xFE\xFF")))
        return "utf-16be";
    if (span_starts(s, SPAN("\xFF\xFE")))
        return "utf-16le";
    *len = 0;
    return NULL;
}

/* Takes what comes before the next sep that is not within double quotes; as span_split. */
static bool split_unquoted(struct span *rest, char sep, struct span *out)
{
    bool is_quoted = false;
    size_t i;

    if (rest->len == 0)
        return false;
    for (i = 0; i < rest->len; i++) {
        if (rest->ptr[i] == '"')
            is_quoted = !is_quoted;
        else if (rest->ptr[i] == '\\' && is_quoted && i + 1 < rest->len)
            i++;
        else if (rest->ptr[i] == sep && !is_quoted)
            break;
    }
    i = MIN(i, rest->len);
    *out = span_slice(*rest, 0, i);
    *rest = span_skip(*rest, i + 1);
    return true;
}

static struct span unquote(struct span s)
{
    s = span_trim(s);
    if (s.len == 0 || s.ptr[0] != '"')
        return s;
    s = span_skip(s, 1);
    return span_slice(s, 0, span_find(s, '"'));
}

/* The type and the first charset parameter of one MIME type. False when it is none. */
static bool mime_type(struct span value, struct span *essence, struct span *label)
{
    struct span part, name;

    *label = SPAN_NONE;
    if (!split_unquoted(&value, ';', &part))
        return false;
    *essence = span_trim(part);
    if (span_find(*essence, '/') == essence->len || span_eq(*essence, SPAN("*/*")))
        return false;
    while (split_unquoted(&value, ';', &part)) {
        while (part.len && span_is_space(part.ptr[0]))
            part = span_skip(part, 1);
        size_t equals = span_find(part, '=');

        /* A space before the '=' is part of the name. */
        name = span_slice(part, 0, equals);
        if (label->len == 0 && span_eq_nocase(name, SPAN("charset")))
            *label = unquote(span_skip(part, equals + 1));
    }
    return true;
}

/*
 * Fetch standard, "extract a MIME type": the last of several values counts, but
 * the same type again without a charset keeps the one before. A header that
 * holds no type at all ("charset=x") is read the lenient way.
 */
static const char *transport(struct span header, struct span *essence)
{
    struct span value, rest = header, label = SPAN_NONE;

    *essence = SPAN_NONE;
    while (split_unquoted(&rest, ',', &value)) {
        struct span type, own;

        if (!mime_type(value, &type, &own))
            continue;
        if (own.len || !span_eq_nocase(type, *essence))
            label = own;
        *essence = type;
    }
    return essence->len ? charset_from_label(label) : prescan_content(header);
}

static bool is_xml_type(struct span essence)
{
    return span_eq_nocase(essence, SPAN("text/xml")) ||
           span_eq_nocase(essence, SPAN("application/xml")) ||
           (essence.len > 4 &&
            span_eq_nocase(span_skip(essence, essence.len - 4), SPAN("+xml")));
}

static bool choose(const char *name, const char *source, struct charset_choice *out)
{
    if (!name)
        return false;
    out->name = name;
    out->source = source;
    return true;
}

/* Within the document. False when it says nothing. */
static bool declared(struct span body, bool is_xml, struct charset_choice *out)
{
    struct span head = span_slice(body, 0, MIN(body.len, (size_t)PRESCAN_BYTES));
    const char *xml = prescan_xml(head);

    /* A declaration that is itself in UTF-16 is looked at before any meta element. */
    if (is_xml || (xml && strncmp(xml, "utf-16", 6) == 0)) {
        if (choose(xml, "xml", out))
            return true;
        if (utf8_valid_prefix(body) == body.len)
            return false;
    }
    return choose(prescan_meta(head), "meta", out) || choose(xml, "xml", out) ||
           (body.len > head.len && choose(prescan_late_meta(body), "meta", out));
}

void charset_sniff(struct span body, struct span content_type_header,
                   struct charset_choice *out)
{
    size_t bom_len;
    struct span essence;
    const char *named = transport(content_type_header, &essence);
    bool is_xml = is_xml_type(essence);

    if (choose(bom(body, &bom_len), "bom", out) || choose(named, "transport", out) ||
        declared(body, is_xml, out) || choose(detect_charset(body), "heuristic", out))
        return;
    choose(is_xml ? "utf-8" : "windows-1252", "default", out);
}

/* The codec for a body, whose byte order mark is taken away and overrules the name. */
static enum err open_body(struct span *body, const char *name, struct codec *out)
{
    size_t bom_len;
    const char *marked = bom(*body, &bom_len);

    *body = span_skip(*body, bom_len);
    return codec_find(marked ? marked : name, out) ? OK : ERR_INVALID;
}

enum err charset_to_utf8(struct span body, const char *name, struct buf *out)
{
    struct codec codec;
    enum err e = open_body(&body, name, &codec);

    return e ? e : codec_decode(&codec, body, out);
}

enum err charset_decode(struct span body, const char *name, struct buf *scratch,
                        struct span *out)
{
    struct codec codec;
    enum err e = open_body(&body, name, &codec);
    size_t same;

    if (e)
        return e;
    same = codec.kind == CODEC_UTF_8 ? utf8_valid_prefix(body)
                                     : codec_ascii_prefix(&codec, body);
    if (same == body.len) {
        *out = body;
        return OK;
    }
    buf_reset(scratch);
    e = codec_decode(&codec, body, scratch);
    if (!e)
        *out = buf_span(scratch);
    return e;
}

enum err charset_encode_query(const char *name, struct span utf8, struct buf *out)
{
    struct codec codec;

    return codec_find(name, &codec) ? codec_encode(&codec, utf8, out) : ERR_INVALID;
}
