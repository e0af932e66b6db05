/* SPDX-License-Identifier: MIT */
#include "parse/tree_value.h"

#include "parse/date.h"
#include "parse/json_text.h"

enum err tree_value_string(struct span text, struct buf *out)
{
    return json_text_put_string(text, out);
}

enum err tree_value_text(struct span text, struct buf *out)
{
    struct buf collapsed;
    struct span word;
    enum err e = OK;

    buf_init(&collapsed, TREE_VALUE_MAX);
    while (!e && span_token(&text, &word)) {
        if (collapsed.len)
            e = buf_append_byte(&collapsed, ' ');
        if (!e)
            e = buf_append(&collapsed,
                           span_clip_utf8(word, TREE_VALUE_MAX - collapsed.len));
    }
    if (!e || e == ERR_TOO_LARGE)
        e = tree_value_string(span_trim(buf_span(&collapsed)), out);
    buf_clear(&collapsed);
    return e;
}

static bool is_digit(const struct span s, size_t i)
{
    return i < s.len && s.ptr[i] >= '0' && s.ptr[i] <= '9';
}

/* The length of a separator at s[i] that a digit follows; 0: none. */
static size_t separator(struct span s, size_t i)
{
    static const struct {
        const char *text;
        size_t len;
    } known[] = {
        { ".", 1 },
        { ",", 1 },
        { " ", 1 },
        { "'", 1 },
        { "\xC2\xA0", 2 },
        { "\xE2\x80\x99", 3 },
        { "\xE2\x80\xAF", 3 },
        { "\xE2\x80\x89", 3 },
    };

    for (size_t k = 0; k < ARRAY_LEN(known); k++) {
        if (span_starts(span_skip(s, i), span_make(known[k].text, known[k].len)) &&
            is_digit(s, i + known[k].len))
            return known[k].len;
    }
    return 0;
}

static size_t skip_digits(struct span s, size_t i)
{
    while (is_digit(s, i))
        i++;
    return i;
}

/*
 * Index of the separator before the decimals of the number [from, to) of s, or
 * to. The last point or comma, if there is no other like it; a comma before
 * exactly three digits groups.
 */
static size_t find_decimals(struct span s, size_t from, size_t to)
{
    size_t last = to, n_like = 0;

    for (size_t i = from; i < to; i++) {
        if (s.ptr[i] == '.' || s.ptr[i] == ',')
            last = i;
    }
    for (size_t i = from; i < last; i++)
        n_like += last < to && s.ptr[i] == s.ptr[last];
    bool has_other = span_find(span_slice(s, from, last), '.') < last - from ||
                     span_find(span_slice(s, from, last), ',') < last - from;
    if (last == to || n_like || (s.ptr[last] == ',' && to - last == 4 && !has_other))
        return to;
    return last;
}

/*
 * Where the number that begins at from ends. A space only groups digits: three
 * must follow, and no more.
 */
static size_t end_of_number(struct span s, size_t from)
{
    size_t i = skip_digits(s, from);

    for (;;) {
        size_t n = separator(s, i);
        if (n == 0)
            return i;
        size_t next = skip_digits(s, i + n);
        bool is_point = s.ptr[i] == '.' || s.ptr[i] == ',';
        if (!is_point && next - i - n != 3)
            return i;
        i = next;
    }
}

static enum err append_number(struct span s, size_t from, size_t to, bool is_negative,
                              struct buf *out)
{
    size_t point = find_decimals(s, from, to), at = from;
    size_t zero_at = out->len + is_negative;
    enum err e = is_negative ? buf_append_byte(out, '-') : OK;

    /* JSON allows no zero before another digit. */
    while (at < point && (s.ptr[at] == '0' || !is_digit(s, at)))
        at++;
    for (; at < point && !e; at++) {
        if (is_digit(s, at))
            e = buf_append_byte(out, s.ptr[at]);
    }
    if (!e && out->len == zero_at)
        e = buf_append_byte(out, '0');
    if (!e && point < to)
        e = buf_append_byte(out, '.');
    return e || point == to ? e : buf_append(out, span_slice(s, point + 1, to));
}

enum err tree_value_number(struct span text, struct buf *out)
{
    size_t from = 0;

    while (from < text.len && !is_digit(text, from))
        from++;
    if (from == text.len)
        return buf_append(out, SPAN("null"));
    bool has_point = from > 0 && text.ptr[from - 1] == '.';
    size_t before = from - has_point;
    bool is_negative = before > 0 && text.ptr[before - 1] == '-';
    if (before >= 3 && memcmp(text.ptr + before - 3, "\xE2\x88\x92", 3) == 0)
        is_negative = true; /* U+2212, the minus sign */
    if (has_point) {
        size_t to = skip_digits(text, from);
        enum err e = buf_append(out, is_negative ? SPAN("-0.") : SPAN("0."));
        return e ? e : buf_append(out, span_slice(text, from, to));
    }
    return append_number(text, from, end_of_number(text, from), is_negative, out);
}

enum err tree_value_date(struct span text, struct buf *out)
{
    char formatted[DATE_RFC3339_SIZE];
    struct date date;

    if (date_parse(text, &date))
        return buf_append(out, SPAN("null"));
    return tree_value_string(span_str(date_format_rfc3339(date.wall_ms, formatted)),
                             out);
}
