/* SPDX-License-Identifier: MIT */
/*
 * Stored bodies and dictionaries of a file that anybody may have made. The first two
 * bytes say how much of the rest is the dictionary (given an honest head); what
 * follows is a body to unpack, as it is and as a frame that names the dictionary.
 * What is packed with it comes back, whatever it is.
 */
#include "config/mem.h"
#include "parse/pack.h"

#define ID    PACK_FIRST_DICTIONARY_ID
#define LIMIT ((size_t)1 << 16)

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void unpack(struct pack *p, struct span packed)
{
    struct buf plain;

    buf_init(&plain, (size_t)1 << 20);
    if (pack_decompress(p, packed, LIMIT, &plain))
        BUG_IF(plain.len != 0);
    BUG_IF(plain.len > LIMIT);
    buf_clear(&plain);
}

static void there_and_back(struct pack *p, struct span body)
{
    struct buf packed, plain;

    buf_init(&packed, 2 * body.len + 1024);
    buf_init(&plain, body.len + 1);
    BUG_IF(pack_compress(p, body, PACK_LEVEL, &packed) != OK);
    BUG_IF(pack_decompress(p, buf_span(&packed), body.len, &plain) != OK);
    BUG_IF(!span_eq(buf_span(&plain), body));
    unpack(p, span_slice(buf_span(&packed), 0, packed.len / 2));
    buf_clear(&packed);
    buf_clear(&plain);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const char head[] = { 0x37, (char)0xa4, 0x30, (char)0xec,
                                 0x00, (char)0x80, 0x00, 0x00 };
    struct span rest = span_make((const char *)data, size), body;
    struct buf dictionary, frame;
    struct pack *p;
    size_t n;

    if (size < 3 || size > LIMIT)
        return 0;
    n = ((size_t)data[0] << 8 | data[1]) % (size - 1);
    body = span_skip(rest, 2 + n);
    buf_init(&dictionary, LIMIT + sizeof head);
    buf_init(&frame, LIMIT + sizeof head);
    BUG_IF(buf_append(&dictionary, span_make(head, sizeof head)) ||
           buf_append(&dictionary, span_slice(rest, 2, 2 + n)) ||
           buf_append(&frame, SPAN("\x28\xB5\x2F\xFD\x22\x00\x80")) ||
           buf_append(&frame, body));
    BUG_IF(pack_new(&p) != OK);
    there_and_back(p, body);
    pack_set_dictionary(p, ID, buf_span(&dictionary));
    unpack(p, body);
    unpack(p, buf_span(&frame));
    there_and_back(p, body);
    pack_set_dictionary(p, ID, span_slice(rest, 2, 2 + n));
    unpack(p, buf_span(&frame));
    pack_free(p);
    buf_clear(&dictionary);
    buf_clear(&frame);
    return 0;
}
