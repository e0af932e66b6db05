/* SPDX-License-Identifier: MIT */
/*
 * Encodings: the first byte picks one, the first line behind it is a
 * Content-Type header, the rest a body. What must hold for every input:
 * 1. What is sniffed has a decoder; what comes out is valid UTF-8.
 * 2. At most three bytes come out for one, and charset_decode gives the same.
 * 3. The decoded text can be encoded as a query, and then decodes again.
 * 4. The fast validation finds the same first error as one character at a time.
 * 5. Rewriting as pairs leaves other scripts alone and keeps UTF-8 valid.
 */
#include "parse/bigram.h"
#include "parse/charset.h"
#include "parse/digest.h"
#include "parse/digest_wide.h"
#include "parse/utf8.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static const char *const names[] = {
    "utf-8",      "gbk",          "gb18030",        "big5",
    "euc-jp",     "iso-2022-jp",  "shift_jis",      "euc-kr",
    "utf-16le",   "utf-16be",     "x-user-defined", "replacement",
    "iso-8859-6", "windows-1252", "windows-874",    "windows-1255",
};

static void check_validation(struct span s)
{
    size_t fast = utf8_valid_prefix(s), slow = 0;

    while (slow < s.len) {
        uint32_t c;
        size_t n = utf8_decode(span_skip(s, slow), &c);

        if (c == UTF8_REPLACEMENT &&
            !span_starts(span_skip(s, slow), SPAN("\xEF\xBF\xBD")))
            break;
        slow += n;
    }
    BUG_IF(fast != slow);
    BUG_IF((fast == s.len) != span_is_utf8(s));
}

static void check_decoding(struct span body, const char *name)
{
    struct buf whole, scratch, query;
    struct span out;

    buf_init(&whole, 3 * body.len + 16);
    buf_init(&scratch, 3 * body.len + 16);
    buf_init(&query, 200 * body.len + 64);
    BUG_IF(charset_to_utf8(body, name, &whole) != OK);
    BUG_IF(charset_decode(body, name, &scratch, &out) != OK);
    BUG_IF(!span_eq(buf_span(&whole), out));
    BUG_IF(utf8_valid_prefix(out) != out.len);
    BUG_IF(charset_encode_query(name, out, &query) != OK);
    buf_clear(&whole);
    buf_clear(&scratch);
    buf_clear(&query);
}

static void check_pairs(struct span s)
{
    struct buf out;
    bool has_run = false;

    buf_init(&out, 3 * s.len + 16);
    BUG_IF(bigram_append(s, &out) != OK);
    for (size_t i = 0; i < s.len && !has_run; i++)
        has_run = (unsigned char)s.ptr[i] >= 0xE0;
    BUG_IF(!has_run && !span_eq(s, buf_span(&out)));
    BUG_IF(span_is_utf8(s) && !span_is_utf8(buf_span(&out)));
    BUG_IF(digest_simhash(s) != digest_simhash_plain(s));
    buf_clear(&out);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct charset_choice choice = { 0 };
    struct span body, header;
    size_t line;

    if (size == 0)
        return 0;
    body = span_make((const char *)data + 1, size - 1);
    line = span_find(body, '\n');
    header = line < body.len ? span_slice(body, 0, line) : SPAN_NONE;
    body = line < body.len ? span_skip(body, line + 1) : body;

    charset_sniff(body, header, &choice);
    BUG_IF(!choice.name || !choice.source);
    check_decoding(body, choice.name);
    check_decoding(body, names[data[0] % ARRAY_LEN(names)]);
    check_validation(body);
    check_pairs(body);
    return 0;
}
