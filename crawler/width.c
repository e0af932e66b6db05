/* SPDX-License-Identifier: MIT */
#include "crawler/width.h"

#include "parse/utf8.h"

static const struct range {
    uint32_t from, to;
    int width;
} ranges[] = {

#include "crawler/width.inc"
};

int width_of_character(uint32_t code_point)
{
    size_t low = 0, high = ARRAY_LEN(ranges);

    if (code_point < ranges[0].from)
        return 1;
    while (low < high) {
        size_t middle = (low + high) / 2;

        if (code_point < ranges[middle].from)
            high = middle;
        else if (code_point > ranges[middle].to)
            low = middle + 1;
        else
            return ranges[middle].width;
    }
    return 1;
}

size_t width_prefix(struct span s, int columns)
{
    size_t at = utf8_ascii_prefix(s);
    int width;

    at = MIN(at, (size_t)MAX(columns, 0)); /* ASCII takes one each */
    width = (int)at;
    while (at < s.len) {
        uint32_t c;
        size_t n = utf8_decode(span_skip(s, at), &c);

        width += width_of_character(c);
        if (width > columns)
            break;
        at += n;
    }
    return at;
}

int width_of(struct span s)
{
    int width = 0;

    while (s.len) {
        size_t n = utf8_ascii_prefix(s);
        uint32_t c;

        width += (int)n;
        s = span_skip(s, n);
        if (s.len) {
            n = utf8_decode(s, &c);
            width += width_of_character(c);
            s = span_skip(s, n);
        }
    }
    return width;
}

size_t width_suffix(struct span s, int columns)
{
    int too_wide = width_of(s) - columns;
    size_t at = 0;

    while (at < s.len) {
        uint32_t c;
        size_t n = utf8_decode(span_skip(s, at), &c);
        int width = width_of_character(c);

        if (too_wide <= 0 && width)
            break;
        too_wide -= width;
        at += n;
    }
    return s.len - at;
}
