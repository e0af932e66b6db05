/* SPDX-License-Identifier: MIT */
#include "parse/inspect_json.h"

struct span inspect_json_text(const json_t *o, const char *key)
{
    const json_t *v = json_object_get(o, key);

    return json_is_string(v) ? span_make(json_string_value(v), json_string_length(v))
                             : SPAN_NONE;
}

static int base64_value(char c)
{
    if (c >= 'A' && c <= 'Z')
        return c - 'A';
    if (c >= 'a' && c <= 'z')
        return c - 'a' + 26;
    if (c >= '0' && c <= '9')
        return c - '0' + 52;
    return c == '+' ? 62 : c == '/' ? 63 : -1;
}

/* RFC 4648 §4; white space is skipped, padding may be missing. */
static enum err decode_base64(struct span s, struct arena *mem, struct span *out)
{
    unsigned char *to = arena_try_alloc(mem, s.len / 4 * 3 + 4);
    uint32_t bits = 0;
    unsigned n_bits = 0;
    size_t n = 0;

    if (!to)
        return ERR_TOO_LARGE;
    for (size_t i = 0; i < s.len && s.ptr[i] != '='; i++) {
        int v = base64_value(s.ptr[i]);

        if (span_is_space(s.ptr[i]))
            continue;
        if (v < 0)
            return ERR_INVALID;
        bits = bits << 6 | (uint32_t)v;
        n_bits += 6;
        if (n_bits >= 8) {
            n_bits -= 8;
            to[n++] = (unsigned char)(bits >> n_bits);
        }
    }
    *out = span_make((const char *)to, n);
    return OK;
}

enum err inspect_json_bytes(const json_t *o, const char *key, const char *key_b64,
                            struct arena *mem, struct span *out)
{
    struct span coded = inspect_json_text(o, key_b64);

    if (coded.ptr)
        return decode_base64(coded, mem, out);
    *out = inspect_json_text(o, key);
    return OK;
}

static void append_line_part(char **at, struct span s)
{
    for (size_t i = 0; i < s.len; i++)
        if (s.ptr[i] != '\r' && s.ptr[i] != '\n')
            *(*at)++ = s.ptr[i];
}

enum err inspect_json_headers(const json_t *o, const char *key, struct arena *mem,
                              struct span *out)
{
    const json_t *list = json_object_get(o, key), *pair;
    size_t i, total = 0;
    char *start, *at;

    *out = SPAN_NONE;
    json_array_foreach(list, i, pair) total +=
        json_string_length(json_array_get(pair, 0)) +
        json_string_length(json_array_get(pair, 1)) + 4;
    if (!total)
        return OK;
    start = at = arena_try_alloc(mem, total);
    if (!start)
        return ERR_TOO_LARGE;
    json_array_foreach(list, i, pair)
    {
        const json_t *name = json_array_get(pair, 0), *value = json_array_get(pair, 1);

        if (!json_is_string(name) || !json_is_string(value))
            continue;
        append_line_part(&at,
                         span_make(json_string_value(name), json_string_length(name)));
        append_line_part(&at, SPAN(": "));
        append_line_part(
            &at, span_make(json_string_value(value), json_string_length(value)));
        *at++ = '\r';
        *at++ = '\n';
    }
    *out = span_make(start, (size_t)(at - start));
    return OK;
}

/* NULL for what is no UTF-8, which jansson then does not set. */
static json_t *make_string(struct span s)
{
    return json_stringn(s.ptr ? s.ptr : "", s.len);
}

void inspect_json_put(json_t *o, const char *key, struct span text, bool is_optional)
{
    json_t *v = is_optional && !text.len ? json_null() : make_string(text);

    (void)!json_object_set_new(o, key, v);
}

void inspect_json_put_list(json_t *o, const char *key, const struct span *texts,
                           size_t n)
{
    json_t *list = json_array();

    for (size_t i = 0; i < n; i++)
        (void)!json_array_append_new(list, make_string(texts[i]));
    (void)!json_object_set_new(o, key, list);
}
