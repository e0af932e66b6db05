/* SPDX-License-Identifier: MIT */
#include "parse/host.h"

#include <libpsl.h>
#include <pthread.h>
#include <unicode/uidna.h>

#include "parse/host_ip.h"
#include "parse/url_encode.h"
#include "parse/utf8.h"

/* RFC 1035 §3.1 allows 255 bytes, two of which are the first and the last length byte. */
#define LONGEST_DNS_NAME 253

/*
 * What ICU reports but CheckHyphens=false and VerifyDnsLength=false let pass
 * (URL standard, "domain parser ToASCII").
 */
#define PERMITTED_ERRORS                                             \
    (UIDNA_ERROR_EMPTY_LABEL | UIDNA_ERROR_LABEL_TOO_LONG |          \
     UIDNA_ERROR_DOMAIN_NAME_TOO_LONG | UIDNA_ERROR_LEADING_HYPHEN | \
     UIDNA_ERROR_TRAILING_HYPHEN | UIDNA_ERROR_HYPHEN_3_4)

/*
 * Opening UTS #46 loads and checks its tables, and ICU promises that an open
 * instance is immutable and may be shared by threads: a constant that is only
 * known at run time. NULL when ICU has no memory.
 */
static const UIDNA *shared_idna;
static pthread_once_t idna_once = PTHREAD_ONCE_INIT;

static void open_idna(void)
{
    UErrorCode status = U_ZERO_ERROR;
    const UIDNA *idna = uidna_openUTS46(UIDNA_CHECK_BIDI | UIDNA_CHECK_CONTEXTJ |
                                            UIDNA_NONTRANSITIONAL_TO_ASCII |
                                            UIDNA_NONTRANSITIONAL_TO_UNICODE,
                                        &status);

    shared_idna = U_SUCCESS(status) ? idna : NULL;
}

typedef int32_t idna_function(const UIDNA *idna, const char *name, int32_t length,
                              char *dest, int32_t capacity, UIDNAInfo *info,
                              UErrorCode *status);

/* Runs ToASCII or ToUnicode on name and appends the result. */
static enum err append_idna(idna_function *convert, struct span name, struct buf *out)
{
    size_t room = name.len + 64;

    pthread_once(&idna_once, open_idna);
    if (!shared_idna)
        return ERR_NO_MEMORY;
    if (name.len > HOST_MAX_UNICODE_BYTES)
        return ERR_INVALID;
    for (;;) {
        UErrorCode status = U_ZERO_ERROR;
        UIDNAInfo info = UIDNA_INFO_INITIALIZER;
        enum err e = buf_reserve(out, room);
        int32_t n;

        if (e)
            return e;
        n = convert(shared_idna, name.ptr, (int32_t)name.len, out->ptr + out->len,
                    (int32_t)room, &info, &status);
        if (status == U_BUFFER_OVERFLOW_ERROR) {
            room = (size_t)n;
            continue;
        }
        /* U_INPUT_TOO_LONG_ERROR: a label of more than a thousand characters. */
        if (U_FAILURE(status))
            return status == U_MEMORY_ALLOCATION_ERROR ? ERR_NO_MEMORY : ERR_INVALID;
        if (info.errors & (uint32_t)~PERMITTED_ERRORS)
            return ERR_INVALID;
        out->len += (size_t)n;
        return OK;
    }
}

static bool is_ascii(struct span s)
{
    return utf8_ascii_prefix(s) == s.len;
}

static bool has_any(struct span s, unsigned sets)
{
    for (size_t i = 0; i < s.len; i++)
        if (url_encode_is(s.ptr[i], sets))
            return true;
    return false;
}

static enum err append_ip6(struct span text, struct buf *out)
{
    char room[HOST_IP_TEXT];
    uint16_t pieces[8];

    if (text.len < 2 || text.ptr[text.len - 1] != ']')
        return ERR_INVALID;
    if (!host_ip_parse6(span_slice(text, 1, text.len - 1), pieces))
        return ERR_INVALID;
    return buf_append(out, host_ip_format6(pieces, room));
}

/*
 * "Domain parser" with beStrict false: an ASCII domain is lower-cased and never
 * fails for what its "xn--" labels decode to; any other goes through UTS #46.
 */
static enum err append_ascii_domain(struct span domain, struct buf *out)
{
    size_t from = out->len;
    enum err e;

    if (!is_ascii(domain)) {
        /* The decoder's U+FFFD would be refused by UTS #46; refuse what makes one. */
        if (utf8_valid_prefix(domain) < domain.len)
            return ERR_INVALID;
        return append_idna(uidna_nameToASCII_UTF8, domain, out);
    }
    e = buf_append(out, domain);
    if (e)
        return e;
    for (size_t i = from; i < out->len; i++)
        out->ptr[i] = span_ascii_lower(out->ptr[i]);
    return OK;
}

/* The steps of "host parser" behind percent-decoding. */
static enum err append_domain(struct span domain, struct buf *out)
{
    size_t from = out->len;
    enum err e = append_ascii_domain(domain, out);
    char room[HOST_IP_TEXT];
    struct span ascii;
    uint32_t address;

    if (e)
        return e;
    ascii = span_slice(buf_span(out), from, out->len);
    if (ascii.len == 0 || has_any(ascii, URL_ENCODE_NO_DOMAIN))
        return ERR_INVALID;
    if (!host_ip_is_number(ascii))
        return OK;
    if (!host_ip_parse4(ascii, &address))
        return ERR_INVALID;
    out->len = from;
    return buf_append(out, host_ip_format4(address, room));
}

enum err host_append(struct span input, bool is_opaque, struct buf *out)
{
    struct buf decoded;
    enum err e;

    if (input.len && input.ptr[0] == '[')
        return append_ip6(input, out);
    if (is_opaque) {
        if (has_any(input, URL_ENCODE_NO_HOST))
            return ERR_INVALID;
        return url_encode_append(out, input, URL_ENCODE_C0);
    }
    if (span_find(input, '%') == input.len)
        return append_domain(input, out);
    buf_init(&decoded, input.len);
    e = url_encode_decode(&decoded, input);
    if (!e)
        e = append_domain(buf_span(&decoded), out);
    buf_clear(&decoded);
    return e;
}

enum err host_parse(struct span input, bool is_opaque, struct arena *mem,
                    struct span *out)
{
    struct buf host;
    enum err e;

    buf_init(&host, mem->max_bytes - mem->used_bytes);
    e = host_append(input, is_opaque, &host);
    if (!e)
        e = arena_try_copy(mem, buf_span(&host), out);
    buf_clear(&host);
    return e;
}

size_t host_literal(struct span host, unsigned char out[16])
{
    uint16_t pieces[8];
    uint32_t address;

    if (host.len > 2 && host.ptr[0] == '[' && host.ptr[host.len - 1] == ']' &&
        host_ip_parse6(span_slice(host, 1, host.len - 1), pieces)) {
        for (size_t i = 0; i < 8; i++) {
            out[2 * i] = (unsigned char)(pieces[i] >> 8);
            out[2 * i + 1] = (unsigned char)(pieces[i] & 255);
        }
        return 16;
    }
    if (!host_ip_is_number(host) || !host_ip_parse4(host, &address))
        return 0;
    for (size_t i = 0; i < 4; i++)
        out[i] = (unsigned char)(address >> (8 * (3 - i)) & 255);
    return 4;
}

struct span host_registrable(struct span host)
{
    char name[LONGEST_DNS_NAME + 1];
    unsigned char address[16];
    const char *at;

    if (host.len && host.ptr[host.len - 1] == '.')
        host.len--;
    if (host.len == 0 || host.len > LONGEST_DNS_NAME || host_literal(host, address))
        return SPAN_NONE;
    if (host.ptr[0] == '.' || span_find_span(host, SPAN("..")) < host.len)
        return SPAN_NONE;
    memcpy(name, host.ptr, host.len);
    name[host.len] = '\0';
    at = psl_registrable_domain(psl_builtin(), name);
    return at ? span_skip(host, (size_t)(at - name)) : SPAN_NONE;
}

/* An answer in Unicode; labels that do not decode stay as they are. */
static enum err copy_unicode(struct span domain, struct arena *mem, struct span *out)
{
    struct buf text;
    enum err e;

    buf_init(&text, mem->max_bytes - mem->used_bytes);
    e = append_idna(uidna_nameToUnicodeUTF8, domain, &text);
    if (!e)
        e = arena_try_copy(mem, buf_span(&text), out);
    else if (e == ERR_INVALID)
        e = arena_try_copy(mem, domain, out);
    buf_clear(&text);
    return e;
}

enum err host_registrable_of_text(struct span text, struct arena *mem, struct span *out)
{
    struct span host, domain;
    enum err e = host_parse(text, false, mem, &host);

    if (e)
        return e;
    domain = host_registrable(host);
    if (domain.len == 0 || is_ascii(text)) {
        *out = domain;
        return OK;
    }
    return copy_unicode(domain, mem, out);
}
