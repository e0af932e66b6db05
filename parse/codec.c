/* SPDX-License-Identifier: MIT */
#include "parse/codec.h"

#include "parse/charset_index.h"
#include "parse/codec_iso_2022_jp.h"
#include "parse/utf8.h"

#define BLOCK_BYTES 4096
/* Three bytes out for one in, and what one sequence may reach over the block's end. */
#define BLOCK_ROOM (3 * BLOCK_BYTES + 16)

/* The bytes still to read; a block ends at soft, a sequence may go on to end. */
struct reader {
    const unsigned char *at;
    const unsigned char *soft;
    const unsigned char *end;
    char *out;
};

/* What one sequence gave. Two code points only for four pointers of Big5. */
struct unit {
    uint32_t code_point; /* 0: an error */
    uint32_t second;     /* 0: none */
    size_t n;            /* bytes taken */
};

typedef struct unit decode_one(const unsigned char *p, size_t n);

static inline struct unit good(uint32_t code_point, size_t n)
{
    return (struct unit){ .code_point = code_point, .n = n };
}

/* The cell of a two-byte table, or an error that leaves an ASCII trail byte unread. */
static inline struct unit cell(uint32_t code_point, unsigned trail)
{
    if (charset_index_has(code_point))
        return good(code_point, 2);
    return good(0, trail < 0x80 ? 1 : 2);
}

static uint32_t gb_range(uint32_t pointer)
{
    size_t low = 0, high = CHARSET_INDEX_N_GB_RANGES;

    if ((pointer > 39419 && pointer < 189000) || pointer > 1237575)
        return 0;
    if (pointer == 7457)
        return 0xE7C7;
    while (high - low > 1) {
        size_t middle = (low + high) / 2;

        if (charset_index_gb_ranges[middle].pointer <= pointer)
            low = middle;
        else
            high = middle;
    }
    return charset_index_gb_ranges[low].code_point + pointer -
           charset_index_gb_ranges[low].pointer;
}

/* Four bytes. At the end of input the whole beginning is one error; else only its first byte. */
static struct unit gb_four(const unsigned char *p, size_t n)
{
    uint32_t code_point;

    if (n < 3)
        return good(0, 2);
    if (p[2] < 0x81 || p[2] > 0xFE)
        return good(0, 1);
    if (n < 4)
        return good(0, 3);
    if (p[3] < 0x30 || p[3] > 0x39)
        return good(0, 1);
    code_point = gb_range((p[0] - 0x81u) * 12600 + (p[1] - 0x30u) * 1260 +
                          (p[2] - 0x81u) * 10 + p[3] - 0x30u);
    return good(code_point, 4);
}

static inline struct unit gb_one(const unsigned char *p, size_t n)
{
    unsigned trail;

    if (p[0] == 0x80)
        return good(0x20AC, 1);
    if (p[0] == 0xFF || n < 2)
        return good(0, 1);
    trail = p[1];
    if (trail >= 0x30 && trail <= 0x39)
        return gb_four(p, n);
    if (trail < 0x40 || trail == 0x7F || trail == 0xFF)
        return cell(0, trail);
    return cell(
        charset_index_gb18030[p[0] - 0x81][trail - (trail < 0x7F ? 0x40 : 0x41)],
        trail);
}

static inline struct unit big5_one(const unsigned char *p, size_t n)
{
    unsigned trail, column;
    struct unit u;

    if (p[0] == 0x80 || p[0] == 0xFF || n < 2)
        return good(0, 1);
    trail = p[1];
    if (trail < 0x40 || (trail > 0x7E && trail < 0xA1) || trail == 0xFF)
        return cell(0, trail);
    column = trail - (trail < 0x7F ? 0x40 : 0x62);
    u = cell(charset_index_big5[p[0] - 0x81][column], trail);
    if (p[0] == 0x88 &&
        (trail == 0x62 || trail == 0x64 || trail == 0xA3 || trail == 0xA5)) {
        u.n = 2;
        u.code_point = trail < 0x80 ? 0xCA : 0xEA;
        u.second = trail == 0x62 || trail == 0xA3 ? 0x304 : 0x30C;
    }
    return u;
}

static inline struct unit euc_kr_one(const unsigned char *p, size_t n)
{
    if (p[0] == 0x80 || p[0] == 0xFF || n < 2)
        return good(0, 1);
    if (p[1] < 0x41 || p[1] == 0xFF)
        return cell(0, p[1]);
    return cell(charset_index_euc_kr[p[0] - 0x81][p[1] - 0x41], p[1]);
}

static inline struct unit shift_jis_one(const unsigned char *p, size_t n)
{
    unsigned lead = p[0], trail, pointer;

    if (lead == 0x80)
        return good(0x80, 1);
    if (lead >= 0xA1 && lead <= 0xDF)
        return good(0xFF61 - 0xA1 + lead, 1);
    if (lead == 0xA0 || lead > 0xFC || n < 2)
        return good(0, 1);
    trail = p[1];
    if (trail < 0x40 || trail == 0x7F || trail > 0xFC)
        return cell(0, trail);
    pointer = (lead - (lead < 0xA0 ? 0x81 : 0xC1)) * 188 + trail -
              (trail < 0x7F ? 0x40 : 0x41);
    if (pointer >= 8836 && pointer <= 10715)
        return good(0xE000 - 8836 + pointer, 2); /* Windows' user-defined characters */
    return cell(charset_index_jis0208[pointer / 94][pointer % 94], trail);
}

static inline bool is_euc(unsigned byte)
{
    return byte >= 0xA1 && byte <= 0xFE;
}

static struct unit jis0212_one(const unsigned char *p, size_t n)
{
    uint32_t code_point = 0;

    if (n < 3)
        return good(0, 2);
    if (is_euc(p[2]))
        code_point = charset_index_jis0212[p[1] - 0xA1][p[2] - 0xA1];
    if (charset_index_has(code_point))
        return good(code_point, 3);
    return good(0, p[2] < 0x80 ? 2 : 3);
}

static inline struct unit euc_jp_one(const unsigned char *p, size_t n)
{
    unsigned lead = p[0], trail;

    if ((lead != 0x8E && lead != 0x8F && !is_euc(lead)) || n < 2)
        return good(0, 1);
    trail = p[1];
    if (lead == 0x8E && trail >= 0xA1 && trail <= 0xDF)
        return good(0xFF61 - 0xA1 + trail, 2);
    if (lead == 0x8F && is_euc(trail))
        return jis0212_one(p, n);
    if (!is_euc(lead) || !is_euc(trail))
        return cell(0, trail);
    return cell(charset_index_jis0208[lead - 0xA1][trail - 0xA1], trail);
}

/* Copies ASCII, up to the block's end. */
static inline void copy_ascii(struct reader *r)
{
    uint64_t word;

    while (r->soft - r->at >= 8) {
        memcpy(&word, r->at, 8);
        if (word & UINT64_C(0x8080808080808080))
            break;
        memcpy(r->out, &word, 8);
        r->out += 8;
        r->at += 8;
    }
    while (r->at < r->soft && *r->at < 0x80)
        *r->out++ = (char)*r->at++;
}

/* Inlined into one loop per encoding, so that one is a direct call. */
__attribute__((always_inline)) static inline void run_multi(struct reader *r,
                                                            decode_one *one)
{
    for (;;) {
        copy_ascii(r);
        while (r->at < r->soft && *r->at >= 0x80) {
            struct unit u = one(r->at, (size_t)(r->end - r->at));

            r->out = utf8_put(r->out, u.code_point ? u.code_point : UTF8_REPLACEMENT);
            if (u.second)
                r->out = utf8_put(r->out, u.second);
            r->at += u.n;
        }
        if (r->at >= r->soft)
            return;
    }
}

static void run_gb(struct reader *r)
{
    run_multi(r, gb_one);
}

static void run_big5(struct reader *r)
{
    run_multi(r, big5_one);
}

static void run_euc_kr(struct reader *r)
{
    run_multi(r, euc_kr_one);
}

static void run_shift_jis(struct reader *r)
{
    run_multi(r, shift_jis_one);
}

static void run_euc_jp(struct reader *r)
{
    run_multi(r, euc_jp_one);
}

static void run_single(struct reader *r, const struct charset_index_single *s)
{
    for (;;) {
        copy_ascii(r);
        while (r->at < r->soft && *r->at >= 0x80) {
            uint32_t code_point = charset_index_high(s, *r->at++);

            r->out = utf8_put(r->out, code_point ? code_point : UTF8_REPLACEMENT);
        }
        if (r->at >= r->soft)
            return;
    }
}

static void run_user_defined(struct reader *r)
{
    for (; r->at < r->soft; r->at++)
        r->out = utf8_put(r->out, *r->at < 0x80 ? *r->at : 0xF700u + *r->at);
}

static inline unsigned unit16(const unsigned char *p, bool is_big)
{
    return is_big ? (unsigned)p[0] << 8 | p[1] : (unsigned)p[1] << 8 | p[0];
}

static void run_utf16(struct reader *r, bool is_big)
{
    while (r->at < r->soft) {
        size_t n = (size_t)(r->end - r->at);
        uint32_t c = n < 2 ? 0xD800 : unit16(r->at, is_big), low;

        if (c >= 0xD800 && c <= 0xDBFF && n >= 4) {
            low = unit16(r->at + 2, is_big);
            if (low >= 0xDC00 && low <= 0xDFFF) {
                r->out =
                    utf8_put(r->out, 0x10000 + ((c - 0xD800) << 10) + (low - 0xDC00));
                r->at += 4;
                continue;
            }
        }
        r->out = utf8_put(r->out, c >= 0xD800 && c <= 0xDFFF ? UTF8_REPLACEMENT : c);
        /* A lead surrogate with one byte behind it is one error at the end of input. */
        r->at += c >= 0xD800 && c <= 0xDBFF && n < 4 ? n : 2;
    }
}

static void run(const struct codec *c, struct reader *r)
{
    switch (c->kind) {
    case CODEC_GBK:
    case CODEC_GB18030: run_gb(r); break;
    case CODEC_BIG5: run_big5(r); break;
    case CODEC_EUC_JP: run_euc_jp(r); break;
    case CODEC_SHIFT_JIS: run_shift_jis(r); break;
    case CODEC_EUC_KR: run_euc_kr(r); break;
    case CODEC_SINGLE_BYTE: run_single(r, c->single); break;
    case CODEC_X_USER_DEFINED: run_user_defined(r); break;
    case CODEC_UTF_16BE:
    case CODEC_UTF_16LE: run_utf16(r, c->kind == CODEC_UTF_16BE); break;
    case CODEC_UTF_8:
    case CODEC_ISO_2022_JP:
    case CODEC_REPLACEMENT:
    case N_CODEC_KINDS: BUG_IF(true);
    }
}

static enum err decode_blocks(const struct codec *c, struct span s, struct buf *out)
{
    const unsigned char *start = (const unsigned char *)s.ptr;
    struct reader r = { .at = start, .end = start + s.len };

    while (r.at < r.end) {
        size_t n = MIN((size_t)(r.end - r.at), (size_t)BLOCK_BYTES);
        enum err e = buf_reserve(out, n < BLOCK_BYTES ? 3 * n + 16 : BLOCK_ROOM);

        if (e)
            return e;
        r.soft = r.at + n;
        r.out = out->ptr + out->len;
        run(c, &r);
        out->len = (size_t)(r.out - out->ptr);
    }
    return OK;
}

bool codec_find(const char *name, struct codec *out)
{
    static const struct codec multi[] = {
        { "utf-8", CODEC_UTF_8, NULL },
        { "gbk", CODEC_GBK, NULL },
        { "gb18030", CODEC_GB18030, NULL },
        { "big5", CODEC_BIG5, NULL },
        { "euc-jp", CODEC_EUC_JP, NULL },
        { "iso-2022-jp", CODEC_ISO_2022_JP, NULL },
        { "shift_jis", CODEC_SHIFT_JIS, NULL },
        { "euc-kr", CODEC_EUC_KR, NULL },
        { "replacement", CODEC_REPLACEMENT, NULL },
        { "utf-16be", CODEC_UTF_16BE, NULL },
        { "utf-16le", CODEC_UTF_16LE, NULL },
        { "x-user-defined", CODEC_X_USER_DEFINED, NULL },
    };

    for (size_t i = 0; i < ARRAY_LEN(multi); i++)
        if (strcmp(multi[i].name, name) == 0) {
            *out = multi[i];
            return true;
        }
    for (size_t i = 0; i < CHARSET_INDEX_N_SINGLES; i++)
        if (strcmp(charset_index_singles[i].name, name) == 0) {
            const struct charset_index_single *s = &charset_index_singles[i];

            *out = (struct codec){ s->name, CODEC_SINGLE_BYTE, s };
            return true;
        }
    return false;
}

size_t codec_ascii_prefix(const struct codec *c, struct span s)
{
    size_t n;

    if (c->kind == CODEC_UTF_16BE || c->kind == CODEC_UTF_16LE ||
        c->kind == CODEC_REPLACEMENT)
        return 0;
    n = utf8_ascii_prefix(s);
    if (c->kind == CODEC_ISO_2022_JP) {
        s.len = n;
        n = MIN(span_find(s, '\x1B'), MIN(span_find(s, '\x0E'), span_find(s, '\x0F')));
    }
    return n;
}

size_t codec_next(const struct codec *c, struct span s, uint32_t *out, bool *is_bad)
{
    const unsigned char *p = (const unsigned char *)s.ptr;
    struct unit u;

    switch (c->kind) {
    case CODEC_BIG5: u = big5_one(p, s.len); break;
    case CODEC_EUC_JP: u = euc_jp_one(p, s.len); break;
    case CODEC_SHIFT_JIS: u = shift_jis_one(p, s.len); break;
    case CODEC_EUC_KR: u = euc_kr_one(p, s.len); break;
    default: u = gb_one(p, s.len); break;
    }
    *is_bad = u.code_point == 0;
    *out = *is_bad ? UTF8_REPLACEMENT : u.code_point;
    return u.n;
}

enum err codec_decode(const struct codec *c, struct span s, struct buf *out)
{
    if (s.len == 0)
        return OK;
    switch (c->kind) {
    case CODEC_UTF_8: return utf8_repair(s, out);
    case CODEC_REPLACEMENT: return buf_append(out, SPAN("\xEF\xBF\xBD"));
    case CODEC_ISO_2022_JP: return codec_iso_2022_jp_decode(s, out);
    default: return decode_blocks(c, s, out);
    }
}
