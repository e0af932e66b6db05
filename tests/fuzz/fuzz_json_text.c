/* SPDX-License-Identifier: MIT */
/*
 * JSON as text. What must hold for every input:
 * 1. A valid text without its white space is valid, and has no more to lose.
 * 2. Members and elements of a valid text are valid texts inside it.
 * 3. Any UTF-8 text written as a string is valid.
 */
#include "parse/json_text.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check_part(struct span whole, struct span part)
{
    BUG_IF(part.ptr < whole.ptr || part.ptr + part.len > whole.ptr + whole.len);
    BUG_IF(!json_text_is_value(part, JSON_TEXT_MAX_DEPTH));
}

static void check_valid(struct span json)
{
    struct buf once, twice;
    struct span part, rest = json;

    buf_init(&once, json.len + 1);
    buf_init(&twice, json.len + 1);
    BUG_IF(json_text_put_compact(json, &once) ||
           !json_text_is_value(buf_span(&once), JSON_TEXT_MAX_DEPTH));
    BUG_IF(json_text_put_compact(buf_span(&once), &twice) ||
           !span_eq(buf_span(&once), buf_span(&twice)));
    BUG_IF(json_text_is_object(json) != (once.ptr[0] == '{'));
    part = json_text_member(json, SPAN("a"));
    if (part.ptr)
        check_part(json, part);
    while (json_text_next(&rest, &part))
        check_part(json, part);
    buf_clear(&once);
    buf_clear(&twice);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct span text = span_make((const char *)data, size);
    struct buf string;

    if (json_text_is_value(text, JSON_TEXT_MAX_DEPTH))
        check_valid(text);
    if (!span_is_utf8(text))
        return 0;
    buf_init(&string, size * 6 + 2);
    BUG_IF(json_text_put_string(text, &string) ||
           !json_text_is_value(buf_span(&string), 0));
    buf_clear(&string);
    return 0;
}
