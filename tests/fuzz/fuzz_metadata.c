/* SPDX-License-Identifier: MIT */
/*
 * What pages say about themselves. The first byte says whether the page is
 * XML. What must hold for every input: the members make a valid JSON object
 * that keeps the limit of its size.
 */
#include "parse/json_text.h"
#include "parse/metadata.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct url base;
    struct arena mem;
    struct buf out;
    enum err e;

    if (!size || !span_is_utf8(span_make((const char *)data + 1, size - 1)))
        return 0;
    arena_init(&mem, (size_t)16 << 20);
    buf_init(&out, METADATA_MAX_BYTES + 16);
    BUG_IF(url_parse(SPAN("http://example.org/dir/page"), NULL, &mem, &base));
    BUG_IF(buf_append(&out, SPAN("{\"a\":1")));
    e = metadata_put(span_make((const char *)data + 1, size - 1), data[0] & 1, &base,
                     &mem, &out);
    BUG_IF(e && e != ERR_TOO_LARGE);
    if (!e)
        BUG_IF(buf_append_byte(&out, '}') || !json_text_is_object(buf_span(&out)));
    buf_clear(&out);
    arena_clear(&mem);
    return 0;
}
