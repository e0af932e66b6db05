/* SPDX-License-Identifier: MIT */
#include "parse/host_ip.h"

#include "parse/url_encode.h"

static bool is_digit(char c)
{
    return c >= '0' && c <= '9';
}

/* "IPv4 number parser". Values past 32 bits saturate: they fail every later range check. */
static bool parse_number(struct span s, uint64_t *out)
{
    uint64_t value = 0;
    int radix = 10;

    if (s.len == 0)
        return false;
    if (span_starts_nocase(s, SPAN("0x"))) {
        radix = 16;
        s = span_skip(s, 2);
    } else if (s.len > 1 && s.ptr[0] == '0') {
        radix = 8;
        s = span_skip(s, 1);
    }
    for (size_t i = 0; i < s.len; i++) {
        int digit = url_encode_hex(s.ptr[i]);

        if (digit < 0 || digit >= radix)
            return false;
        value = MIN(value * (uint64_t)radix + (uint64_t)digit, UINT64_C(1) << 32);
    }
    *out = value;
    return true;
}

/* Without one trailing dot; a lone "." stays. */
static struct span without_root(struct span domain)
{
    if (domain.len > 1 && domain.ptr[domain.len - 1] == '.')
        domain.len--;
    return domain;
}

bool host_ip_is_number(struct span domain)
{
    struct span last = without_root(domain);
    bool all_digits = true;
    uint64_t value;
    size_t at;

    at = last.len;
    while (at && last.ptr[at - 1] != '.')
        at--;
    last = span_skip(last, at);
    /* Both kinds begin with a digit, which settles nearly every name at once. */
    if (last.len == 0 || !is_digit(last.ptr[0]))
        return false;
    for (size_t i = 0; i < last.len; i++)
        all_digits = all_digits && is_digit(last.ptr[i]);
    return all_digits || parse_number(last, &value);
}

bool host_ip_parse4(struct span text, uint32_t *out)
{
    struct span rest = without_root(text);
    uint64_t numbers[4], address;
    size_t n = 0;

    for (;;) {
        size_t dot = span_find(rest, '.');

        if (n == ARRAY_LEN(numbers) ||
            !parse_number(span_slice(rest, 0, dot), &numbers[n]))
            return false;
        n++;
        if (dot == rest.len)
            break;
        rest = span_skip(rest, dot + 1);
    }
    address = numbers[n - 1];
    if (address >= UINT64_C(1) << (8 * (5 - n)))
        return false;
    for (size_t i = 0; i + 1 < n; i++) {
        if (numbers[i] > 255)
            return false;
        address += numbers[i] << (8 * (3 - i));
    }
    *out = (uint32_t)address;
    return true;
}

struct ip6_parser {
    struct span in;
    size_t at;
    uint16_t pieces[8];
    unsigned n;   /* pieces filled */
    int compress; /* piece index where "::" stood, or -1 */
};

/* The byte at the cursor plus ahead; NUL at the end, which is no part of an address. */
static char peek(const struct ip6_parser *p, size_t ahead)
{
    return p->in.len - p->at > ahead ? p->in.ptr[p->at + ahead] : '\0';
}

/* A decimal part of an embedded IPv4 address: 0 to 255, no leading zero. */
static bool take_decimal(struct ip6_parser *p, uint16_t *out)
{
    unsigned value = 0;
    size_t from = p->at;

    while (is_digit(peek(p, 0))) {
        if (p->at > from && value == 0)
            return false;
        value = value * 10 + (unsigned)(peek(p, 0) - '0');
        if (value > 255)
            return false;
        p->at++;
    }
    *out = (uint16_t)value;
    return p->at > from;
}

/* The dotted tail "…:1.2.3.4", which must end the address. */
static bool take_ip4(struct ip6_parser *p)
{
    uint16_t parts[4];

    if (p->n > 6)
        return false;
    for (size_t i = 0; i < ARRAY_LEN(parts); i++) {
        if (i > 0) {
            if (peek(p, 0) != '.')
                return false;
            p->at++;
        }
        if (!take_decimal(p, &parts[i]))
            return false;
    }
    p->pieces[p->n++] = (uint16_t)(parts[0] << 8 | parts[1]);
    p->pieces[p->n++] = (uint16_t)(parts[2] << 8 | parts[3]);
    return p->at == p->in.len;
}

/* One round of the standard's main loop: "::", a piece, or the dotted tail. */
static bool take_piece(struct ip6_parser *p)
{
    unsigned value = 0;
    size_t length = 0;

    if (p->n == 8)
        return false;
    if (peek(p, 0) == ':') {
        if (p->compress >= 0)
            return false;
        p->at++;
        p->compress = (int)++p->n;
        return true;
    }
    while (length < 4 && url_encode_hex(peek(p, length)) >= 0)
        value = value * 16 + (unsigned)url_encode_hex(peek(p, length++));
    if (peek(p, length) == '.')
        return length > 0 && take_ip4(p);
    p->at += length;
    if (peek(p, 0) == ':') {
        p->at++;
        if (p->at == p->in.len)
            return false;
    } else if (p->at < p->in.len) {
        return false;
    }
    p->pieces[p->n++] = (uint16_t)value;
    return true;
}

bool host_ip_parse6(struct span text, uint16_t out[8])
{
    struct ip6_parser p = { .in = text, .compress = -1 };

    if (peek(&p, 0) == ':') {
        if (peek(&p, 1) != ':')
            return false;
        p.at = 2;
        p.compress = (int)++p.n;
    }
    while (p.at < p.in.len)
        if (!take_piece(&p))
            return false;
    if (p.compress < 0 && p.n != 8)
        return false;
    if (p.compress >= 0) {
        /* What came after "::" belongs at the end; zeros fill the gap. */
        unsigned tail = p.n - (unsigned)p.compress;

        for (unsigned i = 0; i < tail; i++) {
            unsigned from = p.n - 1 - i, to = 7 - i;
            uint16_t piece = p.pieces[from];

            p.pieces[from] = p.pieces[to];
            p.pieces[to] = piece;
        }
    }
    memcpy(out, p.pieces, sizeof p.pieces);
    return true;
}

struct span host_ip_format4(uint32_t address, char room[HOST_IP_TEXT])
{
    int n = snprintf(room, HOST_IP_TEXT, "%u.%u.%u.%u", address >> 24,
                     address >> 16 & 255, address >> 8 & 255, address & 255);

    return span_make(room, (size_t)n);
}

/* The first longest run of two or more zero pieces: its start, and its length or 0. */
static unsigned longest_zeros(const uint16_t pieces[8], unsigned *out_length)
{
    unsigned best = 0, best_length = 1, length = 0;

    for (unsigned i = 0; i < 8; i++) {
        length = pieces[i] == 0 ? length + 1 : 0;
        if (length > best_length) {
            best_length = length;
            best = i + 1 - length;
        }
    }
    *out_length = best_length > 1 ? best_length : 0;
    return best;
}

struct span host_ip_format6(const uint16_t pieces[8], char room[HOST_IP_TEXT])
{
    unsigned gap_length, gap = longest_zeros(pieces, &gap_length);
    size_t n = 0;

    room[n++] = '[';
    for (unsigned i = 0; i < 8; i++) {
        if (gap_length && i == gap) {
            room[n++] = ':';
            if (i == 0)
                room[n++] = ':';
            i += gap_length - 1;
            continue;
        }
        n += (size_t)snprintf(room + n, HOST_IP_TEXT - n, i < 7 ? "%x:" : "%x",
                              pieces[i]);
    }
    room[n++] = ']';
    return span_make(room, n);
}
