/* SPDX-License-Identifier: MIT */
#include "parse/srcset.h"

/* What the descriptors of one candidate have said so far. */
struct descriptors {
    bool has_w, has_x, has_h, is_bad;
};

static bool is_digit(char c)
{
    return c >= '0' && c <= '9';
}

static size_t skip_digits(struct span s, size_t i)
{
    while (i < s.len && is_digit(s.ptr[i]))
        i++;
    return i;
}

static bool has_nonzero_digit(struct span s)
{
    for (size_t i = 0; i < s.len && span_ascii_lower(s.ptr[i]) != 'e'; i++) {
        if (s.ptr[i] >= '1' && s.ptr[i] <= '9')
            return true;
    }
    return false;
}

/* A "valid non-negative integer" (§2.3.4.2) other than zero. */
static bool is_positive_integer(struct span s)
{
    return s.len && skip_digits(s, 0) == s.len && has_nonzero_digit(s);
}

/* A "valid floating-point number" (§2.3.4.3) that is not below zero. */
static bool is_density(struct span s)
{
    bool is_negative = s.len && s.ptr[0] == '-';
    size_t at = is_negative, i = skip_digits(s, at);
    bool has_digits = i > at;

    if (i < s.len && s.ptr[i] == '.') {
        at = i + 1;
        i = skip_digits(s, at);
        if (i == at)
            return false;
        has_digits = true;
    }
    if (!has_digits)
        return false;
    if (i < s.len && span_ascii_lower(s.ptr[i]) == 'e') {
        at = i + 1;
        if (at < s.len && (s.ptr[at] == '-' || s.ptr[at] == '+'))
            at++;
        i = skip_digits(s, at);
        if (i == at)
            return false;
    }
    return i == s.len && !(is_negative && has_nonzero_digit(s));
}

static void take_descriptor(struct descriptors *d, struct span s)
{
    if (s.len == 0)
        return;
    char unit = s.ptr[s.len - 1];
    struct span number = span_slice(s, 0, s.len - 1);
    if (unit == 'w' && is_positive_integer(number) && !d->has_w && !d->has_x)
        d->has_w = true;
    else if (unit == 'x' && is_density(number) && !d->has_w && !d->has_x && !d->has_h)
        d->has_x = true;
    else if (unit == 'h' && is_positive_integer(number) && !d->has_h && !d->has_x)
        d->has_h = true;
    else
        d->is_bad = true;
}

/* The descriptor tokenizer: up to the comma that ends the candidate, which it takes too. */
static bool read_descriptors(struct span *rest)
{
    struct descriptors d = { false, false, false, false };
    bool is_in_parens = false;
    size_t from = 0, i = 0;

    for (; i < rest->len; i++) {
        char c = rest->ptr[i];
        if (is_in_parens) {
            is_in_parens = c != ')';
        } else if (c == '(') {
            is_in_parens = true;
        } else if (c == ',') {
            break;
        } else if (span_is_space(c)) {
            take_descriptor(&d, span_slice(*rest, from, i));
            from = i + 1;
        }
    }
    take_descriptor(&d, span_slice(*rest, from, i));
    *rest = span_skip(*rest, i + 1);
    return !d.is_bad && !(d.has_h && !d.has_w);
}

bool srcset_next(struct span *rest, struct span *out_url)
{
    for (;;) {
        size_t i = 0;
        while (i < rest->len && (span_is_space(rest->ptr[i]) || rest->ptr[i] == ','))
            i++;
        *rest = span_skip(*rest, i);
        if (rest->len == 0)
            return false;
        for (i = 0; i < rest->len && !span_is_space(rest->ptr[i]);)
            i++;
        struct span url = span_slice(*rest, 0, i);
        *rest = span_skip(*rest, i);
        bool is_valid = true;
        if (url.ptr[url.len - 1] == ',') {
            while (url.len && url.ptr[url.len - 1] == ',')
                url.len--;
        } else {
            is_valid = read_descriptors(rest);
        }
        if (is_valid && url.len) {
            *out_url = url;
            return true;
        }
    }
}
