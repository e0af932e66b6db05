/* SPDX-License-Identifier: MIT */
#include "parse/url_encode.h"

#include "parse/utf8.h"

#define EIGHT(at, sets)                                                             \
    [(at)] = (sets), [(at) + 1] = (sets), [(at) + 2] = (sets), [(at) + 3] = (sets), \
    [(at) + 4] = (sets), [(at) + 5] = (sets), [(at) + 6] = (sets), [(at) + 7] = (sets)
#define THIRTY_TWO(at, sets)                                                \
    EIGHT((at), (sets)), EIGHT((at) + 8, (sets)), EIGHT((at) + 16, (sets)), \
        EIGHT((at) + 24, (sets))

/* The standard builds its sets on one another; USERINFO has all of PATH, PATH all of QUERY. */
#define IN_USERINFO           URL_ENCODE_USERINFO
#define IN_PATH               (IN_USERINFO | URL_ENCODE_PATH | URL_ENCODE_PATH_STOP)
#define IN_QUERY              (IN_PATH | URL_ENCODE_QUERY | URL_ENCODE_SPECIAL_QUERY)
#define IN_QUERY_AND_FRAGMENT (IN_QUERY | URL_ENCODE_FRAGMENT)
#define IN_ALL                (IN_QUERY_AND_FRAGMENT | URL_ENCODE_C0)

#define NO_HOST               (URL_ENCODE_NO_HOST | URL_ENCODE_NO_DOMAIN)
#define NO_DOMAIN             URL_ENCODE_NO_DOMAIN

#define SUB_DELIM             URL_ENCODE_RAW
#define UNRESERVED            (URL_ENCODE_UNRESERVED | URL_ENCODE_RAW)
#define LOWER_OR_DIGIT        (UNRESERVED | URL_ENCODE_PLAIN_HOST)

const uint16_t url_encode_sets[256] = {
    ['\0'] = IN_ALL | NO_HOST,
    EIGHT(0x01, IN_ALL | NO_DOMAIN),
    ['\t'] = IN_ALL | NO_HOST,
    ['\n'] = IN_ALL | NO_HOST,
    [0x0b] = IN_ALL | NO_DOMAIN,
    [0x0c] = IN_ALL | NO_DOMAIN,
    ['\r'] = IN_ALL | NO_HOST,
    [0x0e] = IN_ALL | NO_DOMAIN,
    [0x0f] = IN_ALL | NO_DOMAIN,
    EIGHT(0x10, IN_ALL | NO_DOMAIN),
    EIGHT(0x18, IN_ALL | NO_DOMAIN),
    [' '] = IN_QUERY_AND_FRAGMENT | NO_HOST,
    ['!'] = SUB_DELIM,
    ['"'] = IN_QUERY_AND_FRAGMENT,
    ['#'] = IN_QUERY | NO_HOST,
    ['$'] = SUB_DELIM,
    ['%'] = NO_DOMAIN,
    ['&'] = SUB_DELIM,
    ['\''] = URL_ENCODE_SPECIAL_QUERY | SUB_DELIM,
    ['('] = SUB_DELIM,
    [')'] = SUB_DELIM,
    ['*'] = SUB_DELIM,
    ['+'] = SUB_DELIM,
    [','] = SUB_DELIM,
    ['-'] = LOWER_OR_DIGIT,
    ['.'] = LOWER_OR_DIGIT,
    ['/'] = IN_USERINFO | NO_HOST | URL_ENCODE_PATH_STOP | URL_ENCODE_RAW,
    EIGHT('0', LOWER_OR_DIGIT),
    ['8'] = LOWER_OR_DIGIT,
    ['9'] = LOWER_OR_DIGIT,
    [':'] = IN_USERINFO | NO_HOST | URL_ENCODE_RAW,
    [';'] = IN_USERINFO | SUB_DELIM,
    ['<'] = IN_QUERY_AND_FRAGMENT | NO_HOST,
    ['='] = IN_USERINFO | SUB_DELIM,
    ['>'] = IN_QUERY_AND_FRAGMENT | NO_HOST,
    ['?'] = IN_PATH | NO_HOST | URL_ENCODE_RAW,
    ['@'] = IN_USERINFO | NO_HOST | URL_ENCODE_RAW,
    EIGHT('A', UNRESERVED),
    EIGHT('I', UNRESERVED),
    EIGHT('Q', UNRESERVED),
    ['Y'] = UNRESERVED,
    ['Z'] = UNRESERVED,
    ['['] = IN_USERINFO | NO_HOST,
    ['\\'] = IN_USERINFO | NO_HOST | URL_ENCODE_PATH_STOP,
    [']'] = IN_USERINFO | NO_HOST,
    ['^'] = IN_PATH | NO_HOST,
    ['_'] = LOWER_OR_DIGIT,
    ['`'] = IN_PATH | URL_ENCODE_FRAGMENT,
    EIGHT('a', LOWER_OR_DIGIT),
    EIGHT('i', LOWER_OR_DIGIT),
    EIGHT('q', LOWER_OR_DIGIT),
    ['y'] = LOWER_OR_DIGIT,
    ['z'] = LOWER_OR_DIGIT,
    ['{'] = IN_PATH,
    ['|'] = IN_USERINFO | NO_HOST,
    ['}'] = IN_PATH,
    ['~'] = UNRESERVED,
    [0x7f] = IN_ALL | NO_DOMAIN,
    THIRTY_TWO(0x80, IN_ALL),
    THIRTY_TWO(0xa0, IN_ALL),
    THIRTY_TWO(0xc0, IN_ALL),
    THIRTY_TWO(0xe0, IN_ALL),
};

enum err url_encode_append_byte(struct buf *out, unsigned char byte)
{
    static const char digits[] = "0123456789ABCDEF";
    char triple[3] = { '%', digits[byte >> 4], digits[byte & 15] };

    return buf_append(out, span_make(triple, sizeof triple));
}

enum err url_encode_append_bytes(struct buf *out, struct span s, unsigned set)
{
    size_t i = 0;

    while (i < s.len) {
        size_t from = i;
        enum err e;

        while (i < s.len && !url_encode_is(s.ptr[i], set))
            i++;
        e = buf_append(out, span_slice(s, from, i));
        if (!e && i < s.len)
            e = url_encode_append_byte(out, (unsigned char)s.ptr[i++]);
        if (e)
            return e;
    }
    return OK;
}

enum err url_encode_append(struct buf *out, struct span s, unsigned set)
{
    struct buf repaired;
    enum err e;

    if (utf8_valid_prefix(s) == s.len)
        return url_encode_append_bytes(out, s, set);
    /* Three bytes for each broken one is the worst case, so out's cap bounds this too. */
    buf_init(&repaired, out->max);
    e = utf8_repair(s, &repaired);
    if (!e)
        e = url_encode_append_bytes(out, buf_span(&repaired), set);
    buf_clear(&repaired);
    return e;
}

enum err url_encode_decode(struct buf *out, struct span s)
{
    size_t i = 0;

    while (i < s.len) {
        int byte = url_encode_triple(s, i);
        enum err e = buf_append_byte(out, byte < 0 ? s.ptr[i] : (char)byte);

        if (e)
            return e;
        i += byte < 0 ? 1 : 3;
    }
    return OK;
}
