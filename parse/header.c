/* SPDX-License-Identifier: MIT */
#include "parse/header.h"

#include "parse/date.h"

#define MS_PER_S INT64_C(1000)

/* "tchar" of RFC 9110 §5.6.2. */
static bool is_token_char(char c)
{
    if ((c >= '0' && c <= '9') || (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z'))
        return true;
    return c && strchr("!#$%&'*+-.^_`|~", c);
}

static bool is_token(struct span s)
{
    for (size_t i = 0; i < s.len; i++)
        if (!is_token_char(s.ptr[i]))
            return false;
    return s.len > 0;
}

static struct span skip_space(struct span s)
{
    while (s.len && span_is_space(s.ptr[0]))
        s = span_skip(s, 1);
    return s;
}

/* Takes one line without its line end off *rest. */
static bool take_line(struct span *rest, struct span *out)
{
    if (!span_split(rest, '\n', out))
        return false;
    if (out->len && out->ptr[out->len - 1] == '\r')
        out->len--;
    return true;
}

static bool is_folded(struct span rest)
{
    return rest.len && (rest.ptr[0] == ' ' || rest.ptr[0] == '\t');
}

/* Joins the value with the continuation lines at the front of *rest. */
static bool unfold(struct span *rest, struct arena *mem, struct span *io_value)
{
    struct span look = *rest, line;
    size_t room = io_value->len + 1;
    char *text;

    while (is_folded(look) && take_line(&look, &line))
        room += line.len + 1;
    text = arena_try_alloc(mem, room);
    if (!text)
        return false;
    if (io_value->len)
        memcpy(text, io_value->ptr, io_value->len);
    *io_value = span_make(text, io_value->len);
    while (is_folded(*rest) && take_line(rest, &line)) {
        line = span_trim(line);
        if (line.len == 0)
            continue;
        if (io_value->len)
            text[io_value->len++] = ' ';
        memcpy(text + io_value->len, line.ptr, line.len);
        io_value->len += line.len;
    }
    return true;
}

bool header_next(struct span *rest, struct arena *mem, struct header_field *out)
{
    struct span line;

    while (take_line(rest, &line)) {
        size_t colon = span_find(line, ':');
        struct span name = span_trim(span_slice(line, 0, colon)), value;

        if (colon == line.len || span_is_space(line.ptr[0]) || !is_token(name))
            continue;
        value = span_trim(span_skip(line, colon + 1));
        if (is_folded(*rest) && !unfold(rest, mem, &value))
            return false;
        out->name = name;
        out->value = value;
        return true;
    }
    return false;
}

struct span header_joined(struct span raw, struct span name, struct arena *mem)
{
    struct header_field field;
    struct span rest = raw, joined = SPAN_NONE;
    size_t room = 0, n = 0;
    char *text;

    while (header_next(&rest, mem, &field)) {
        if (!span_eq_nocase(field.name, name))
            continue;
        joined = field.value;
        room += field.value.len + 2;
        n++;
    }
    if (n < 2)
        return joined;
    text = arena_try_alloc(mem, room);
    if (!text)
        return SPAN_NONE;
    joined = span_make(text, 0);
    while (header_next(&raw, mem, &field)) {
        if (!span_eq_nocase(field.name, name))
            continue;
        if (joined.len) {
            memcpy(text + joined.len, ", ", 2);
            joined.len += 2;
        }
        if (field.value.len)
            memcpy(text + joined.len, field.value.ptr, field.value.len);
        joined.len += field.value.len;
    }
    return joined;
}

/* Index behind the quoted-string that begins at s[at]; s.len when it never ends. */
static size_t quoted_end(struct span s, size_t at)
{
    for (at++; at < s.len; at++) {
        if (s.ptr[at] == '"')
            return at + 1;
        if (s.ptr[at] == '\\' && at + 1 < s.len)
            at++;
    }
    return s.len;
}

/* Index of the first separator outside quoted-strings, or s.len. */
static size_t find_unquoted(struct span s, char separator)
{
    size_t at = 0;

    while (at < s.len && s.ptr[at] != separator)
        at = s.ptr[at] == '"' ? quoted_end(s, at) : at + 1;
    return at;
}

/* The content of a quoted-string, its escapes still in place. */
static struct span quoted_content(struct span s)
{
    s = span_skip(s, 1);
    if (s.len && s.ptr[s.len - 1] == '"')
        s.len--;
    return s;
}

/* The first charset parameter of ";a=b;c=d". */
static struct span charset_of(struct span params)
{
    while (params.len) {
        size_t end = find_unquoted(params, ';');
        struct span param = skip_space(span_slice(params, 0, end));
        size_t equals = span_find(param, '=');
        struct span value = span_skip(param, equals + 1);

        params = span_skip(params, end + 1);
        if (!span_eq_nocase(span_slice(param, 0, equals), SPAN("charset")))
            continue;
        if (value.len && value.ptr[0] == '"')
            value = quoted_content(span_slice(value, 0, quoted_end(value, 0)));
        else
            value = span_trim(value);
        if (value.len)
            return value;
    }
    return SPAN_NONE;
}

/* One MIME type; false where the standard returns failure. */
static bool parse_mime(struct span s, struct header_content_type *out)
{
    size_t end = span_find(s, ';'), slash;
    struct span essence = span_trim(span_slice(s, 0, end));

    slash = span_find(essence, '/');
    if (slash == essence.len || !is_token(span_slice(essence, 0, slash)) ||
        !is_token(span_skip(essence, slash + 1)))
        return false;
    out->essence = essence;
    out->charset = charset_of(span_skip(s, end + 1));
    return true;
}

void header_content_type_parse(struct span value, struct header_content_type *out)
{
    struct header_content_type one, last = { SPAN_NONE, SPAN_NONE };

    while (value.len) {
        size_t end = find_unquoted(value, ',');
        struct span part = span_slice(value, 0, end);

        value = span_skip(value, end + 1);
        if (!parse_mime(part, &one) || span_eq(one.essence, SPAN("*/*")))
            continue;
        if (one.charset.len == 0 && span_eq_nocase(one.essence, last.essence))
            one.charset = last.charset;
        last = one;
    }
    *out = last;
}

/* Reads the digits at the start of s, saturating; returns how many there are. */
static size_t read_digits(struct span s, int64_t *out)
{
    int64_t value = 0;
    size_t i = 0;

    for (; i < s.len && s.ptr[i] >= '0' && s.ptr[i] <= '9'; i++)
        if (__builtin_mul_overflow(value, 10, &value) ||
            __builtin_add_overflow(value, s.ptr[i] - '0', &value))
            value = INT64_MAX;
    *out = value;
    return i;
}

/* Digits, perhaps with a fraction that is rounded up: later is politer. */
static bool parse_seconds(struct span s, int64_t *out_ms)
{
    int64_t seconds, ignored;
    size_t n = read_digits(s, &seconds);

    if (n == 0)
        return false;
    if (n < s.len && s.ptr[n] == '.') {
        seconds += seconds < INT64_MAX;
        n += 1 + read_digits(span_skip(s, n + 1), &ignored);
    }
    if (n < s.len)
        return false;
    if (__builtin_mul_overflow(seconds, MS_PER_S, out_ms))
        *out_ms = INT64_MAX;
    return true;
}

enum err header_retry_after(struct span value, int64_t now_wall_ms, int64_t *out_ms)
{
    int64_t at, ms;
    enum err e;

    value = span_trim(value);
    if (parse_seconds(value, &ms)) {
        *out_ms = ms;
        return OK;
    }
    e = date_parse_http(value, now_wall_ms, &at);
    if (!e)
        *out_ms = at > now_wall_ms ? at - now_wall_ms : 0;
    return e;
}

static bool is_time_char(char c)
{
    return (c >= '0' && c <= '9') || c == '.';
}

/* "url=" at the front of s, in any case and with white space around '='. */
static struct span skip_url_word(struct span s)
{
    struct span rest;

    if (!span_starts_nocase(s, SPAN("url")))
        return s;
    rest = skip_space(span_skip(s, 3));
    if (rest.len == 0 || rest.ptr[0] != '=')
        return s;
    return skip_space(span_skip(rest, 1));
}

/* The URL's text; what follows a closing quote is dropped. */
static struct span refresh_target(struct span s)
{
    s = skip_url_word(s);
    if (s.len && (s.ptr[0] == '"' || s.ptr[0] == '\'')) {
        char quote = s.ptr[0];

        s = span_skip(s, 1);
        s = span_slice(s, 0, span_find(s, quote));
    }
    return s;
}

enum err header_refresh(struct span value, int64_t *out_delay_s, struct span *out_url)
{
    struct span s = skip_space(value);
    int64_t delay;
    size_t i = read_digits(s, &delay);

    if (i == 0 && (s.len == 0 || s.ptr[0] != '.'))
        return ERR_INVALID;
    while (i < s.len && is_time_char(s.ptr[i]))
        i++;
    s = span_skip(s, i);
    if (s.len && s.ptr[0] != ';' && s.ptr[0] != ',' && !span_is_space(s.ptr[0]))
        return ERR_INVALID;
    s = skip_space(s);
    if (s.len && (s.ptr[0] == ';' || s.ptr[0] == ','))
        s = skip_space(span_skip(s, 1));
    *out_delay_s = delay;
    *out_url = refresh_target(s);
    return OK;
}

static void apply_directive(struct span word, struct header_robots *io)
{
    bool is_none = span_eq_nocase(word, SPAN("none"));

    io->is_noindex |= is_none || span_eq_nocase(word, SPAN("noindex"));
    io->is_nofollow |= is_none || span_eq_nocase(word, SPAN("nofollow"));
}

/* Directives that have a value behind a colon, so that the name is no product token. */
static bool has_value(struct span name)
{
    return span_eq_nocase(name, SPAN("unavailable_after")) ||
           span_starts_nocase(name, SPAN("max-"));
}

bool header_robots_next(struct header_robots_parts *io, struct span *out)
{
    struct span part;

    while (span_split(&io->rest, ',', &part)) {
        size_t colon = span_find(part, ':');
        struct span name = span_trim(span_slice(part, 0, colon));

        /* A date has commas and colons of its own, but its parts are no tokens. */
        if (colon < part.len && !has_value(name) && io->may_have_token_prefix &&
            is_token(name)) {
            io->is_for_us = span_eq_nocase(name, io->product_token) ||
                            span_eq(name, SPAN("*")) ||
                            span_eq_nocase(name, SPAN("robots"));
            part = span_skip(part, colon + 1);
        }
        *out = span_trim(part);
        if (io->is_for_us)
            return true;
    }
    return false;
}

void header_robots_merge(struct span value, struct span product_token,
                         bool may_have_token_prefix, struct header_robots *io)
{
    struct header_robots_parts parts = { value, product_token, may_have_token_prefix,
                                         true };
    struct span part, word;

    while (header_robots_next(&parts, &part)) {
        size_t colon = span_find(part, ':');

        if (colon < part.len && has_value(span_trim(span_slice(part, 0, colon))))
            continue;
        while (span_token(&part, &word))
            apply_directive(word, io);
    }
}
