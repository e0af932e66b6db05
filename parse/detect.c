/* SPDX-License-Identifier: MIT */
/*
 * Every candidate is a small model of text: how likely is each character, and
 * each step from one class of character to the next, in one language in one
 * encoding. What the same bytes cost under each model, in tenths of a nat, is
 * compared; the cheapest names the encoding. Bytes that an encoding lacks, and
 * sequences that break off, are dear but not fatal: real pages have some.
 */
#include "parse/detect.h"

#include "parse/charset_index.h"
#include "parse/codec.h"
#include "parse/detect_tables.inc"
#include "parse/utf8.h"

#define SAMPLE_HIGH_BYTES 2048
#define SAMPLE_BYTES      ((size_t)1 << 20)
#define HEAD_BYTES        512

/* Costs that were set, not counted. */
enum {
    COST_BROKEN = 120, /* no character, or a broken sequence */
    COST_UTF_8 = 60,   /* any well-formed sequence */
    COST_HALF_KATAKANA = 70,
    COST_FOUR_BYTES = 160, /* of GB 18030 */
    BIAS_FOREIGN = 30,     /* of all but windows-1252, the web's default */
    BIAS_RARE =
        40, /* more for Macintosh and DOS encodings, and ISO 8859 beside Windows */
};

enum class {
    CLASS_ASCII_LETTER,
    CLASS_ASCII_OTHER,
    CLASS_UPPER,
    CLASS_LOWER,
    CLASS_LETTER,
    CLASS_NONE,
    N_CLASSES
};

struct best {
    const char *name;
    uint64_t cost;
};

static void offer(struct best *best, const char *name, uint64_t cost)
{
    if (cost < best->cost)
        *best = (struct best){ name, cost };
}

static enum class ascii_class(unsigned char byte) {
    unsigned char lower = byte | 0x20;

        return lower >= 'a' && lower <= 'z' ? CLASS_ASCII_LETTER : CLASS_ASCII_OTHER;
}

static enum class high_class(const char *classes, unsigned char byte) {
    switch (classes[byte - 0x80]){ case 'U' : return CLASS_UPPER;
                                   case 'L' : return CLASS_LOWER;
                                   case 'O' : return CLASS_LETTER;
                                   default : return CLASS_NONE;
}
}

/* From the first byte that is not ASCII on, as much as the models need. */
static struct span take_sample(struct span body, uint32_t histogram[128])
{
    struct span s = span_skip(body, utf8_ascii_prefix(body));
    size_t i = 0, n_high = 0;

    s.len = MIN(s.len, SAMPLE_BYTES);
    while (i < s.len && n_high < SAMPLE_HIGH_BYTES) {
        i += utf8_ascii_prefix(span_skip(s, i));
        if (i < s.len) {
            histogram[(unsigned char)s.ptr[i] - 0x80]++;
            n_high++;
            i++;
        }
    }
    s.len = i;
    return s;
}

/* The steps between classes, of which at least one is not ASCII. */
static uint64_t transition_cost(struct span s, const char *classes,
                                const uint8_t costs[6][6])
{
    const unsigned char *p = (const unsigned char *)s.ptr;
    enum class before = CLASS_ASCII_OTHER;
    uint64_t sum = 0;

    for (size_t i = 0; i < s.len; i++) {
        enum class now;

        if (p[i] < 0x80) {
            size_t run = utf8_ascii_prefix(span_skip(s, i));

            sum += costs[before][ascii_class(p[i])];
            i += run - 1;
            before = ascii_class(p[i]);
            continue;
        }
        now = high_class(classes, p[i]);
        sum += costs[before][now];
        before = now;
    }
    return sum;
}

static void offer_single_bytes(struct span s, const uint32_t histogram[128],
                               struct best *best)
{
    uint64_t steps = 0;
    int encoding = -1;

    for (size_t i = 0; i < ARRAY_LEN(profiles); i++) {
        const struct profile *p = &profiles[i];
        const char *name = encodings[p->encoding].name;
        uint64_t cost;

        if (p->encoding != encoding) {
            encoding = p->encoding;
            steps =
                transition_cost(s, encodings[encoding].classes, transitions[p->group]);
        }
        cost = steps;
        for (size_t b = 0; b < 128; b++)
            cost += (uint64_t)histogram[b] * p->costs[b];
        if (strcmp(name, "windows-1252") != 0)
            cost += BIAS_FOREIGN;
        if (strstr(name, "mac") || name[0] == 'i')
            cost += BIAS_RARE;
        offer(best, name, cost);
    }
}

/* The cost of a character among the language's frequent ones, or 0. */
static unsigned frequent_cost(const struct language *l, uint32_t code_point)
{
    size_t low = 0, high = l->n_chars;

    while (low < high) {
        size_t middle = (low + high) / 2;

        if (l->chars[middle] == code_point)
            return l->costs[middle];
        if (l->chars[middle] < code_point)
            low = middle + 1;
        else
            high = middle;
    }
    return 0;
}

/* Where a rare character stands: the tables of these encodings are sorted by frequency. */
static unsigned japanese_cost(const struct language *l, bool is_shift_jis,
                              unsigned lead, uint32_t c)
{
    unsigned first_kanji = is_shift_jis ? 0x88 : 0xB0,
             last_level1 = is_shift_jis ? 0x98 : 0xCF;

    if (c >= 0xFF61 && c <= 0xFF9F)
        return COST_HALF_KATAKANA;
    if (c >= 0x3041 && c <= 0x30FE)
        return l->level1;
    if (lead < first_kanji)
        return l->symbol;
    return lead <= last_level1 ? l->level2 : l->rare;
}

static unsigned region_cost(const struct language *l, enum codec_kind kind,
                            const unsigned char *p, size_t n, uint32_t c)
{
    unsigned lead = p[0], trail = p[n - 1];

    switch (kind) {
    case CODEC_EUC_JP: return japanese_cost(l, false, lead, c);
    case CODEC_SHIFT_JIS: return japanese_cost(l, true, lead, c);
    case CODEC_BIG5:
        if (lead < 0xA1)
            return l->rare;
        return lead < 0xA4    ? l->symbol
               : lead <= 0xC6 ? l->level1
               : lead < 0xC9  ? l->rare
                              : l->level2;
    default:
        if (n != 2)
            return COST_FOUR_BYTES;
        if (lead < 0xA1 || trail < 0xA1)
            return l->rare;
        if (lead < 0xB0)
            return l->symbol;
        return lead <= (kind == CODEC_EUC_KR ? 0xC8u : 0xD7u) ? l->level1 : l->level2;
    }
}

static uint64_t multi_byte_cost(struct span s, const struct codec *codec,
                                const struct language *l)
{
    uint64_t cost = 0;

    for (;;) {
        uint32_t c;
        unsigned frequent;
        bool is_bad;
        size_t n;

        s = span_skip(s, utf8_ascii_prefix(s));
        if (s.len == 0)
            return cost;
        n = codec_next(codec, s, &c, &is_bad);
        frequent = frequent_cost(l, c);
        if (is_bad)
            cost += s.len > 1 ? COST_BROKEN : 0; /* the sample may end anywhere */
        else
            cost += frequent ? frequent
                             : region_cost(l, codec->kind, (const unsigned char *)s.ptr,
                                           n, c);
        s = span_skip(s, n);
    }
}

static void offer_multi_bytes(struct span s, struct best *best)
{
    static const struct {
        const char *name;
        size_t language;
    } rows[] = {
        { "gbk", 0 },    { "big5", 1 },      { "euc-kr", 2 },
        { "euc-jp", 3 }, { "shift_jis", 3 },
    };

    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        struct codec codec;

        BUG_IF(!codec_find(rows[i].name, &codec));
        offer(best, codec.name,
              multi_byte_cost(s, &codec, &languages[rows[i].language]) + BIAS_FOREIGN);
    }
}

/* UTF-8 with something broken in it. */
static void offer_utf8(struct span s, struct best *best)
{
    uint64_t cost = 0;

    for (;;) {
        uint32_t c;

        s = span_skip(s, utf8_ascii_prefix(s));
        if (s.len == 0)
            break;
        s = span_skip(s, utf8_decode(s, &c));
        cost += c == UTF8_REPLACEMENT ? COST_BROKEN : COST_UTF_8;
    }
    offer(best, "utf-8", cost);
}

/* UTF-16 without a mark: most of a document's beginning is ASCII, every second byte NUL. */
static const char *utf16(struct span body)
{
    size_t n = MIN(body.len, (size_t)HEAD_BYTES) / 2, n_even = 0, n_odd = 0;

    for (size_t i = 0; i < n; i++) {
        n_even += body.ptr[2 * i] == '\0';
        n_odd += body.ptr[2 * i + 1] == '\0';
    }
    if (n < 4 || n_even + n_odd < n * 2 / 5)
        return NULL;
    return n_even == 0 ? "utf-16le" : n_odd == 0 ? "utf-16be" : NULL;
}

/* The escapes that only ISO-2022-JP has. */
static bool is_iso_2022_jp(struct span body)
{
    for (;;) {
        body = span_skip(body, span_find(body, '\x1B'));
        if (body.len == 0)
            return false;
        if (span_starts(body, SPAN("\x1B$B")) || span_starts(body, SPAN("\x1B$@")) ||
            span_starts(body, SPAN("\x1B(J")))
            return true;
        body = span_skip(body, 1);
    }
}

const char *detect_charset(struct span body)
{
    struct best best = { "windows-1252", UINT64_MAX };
    uint32_t histogram[128] = { 0 };
    const char *wide = utf16(body);
    struct span sample;

    if (wide)
        return wide;
    if (utf8_ascii_prefix(body) == body.len)
        return is_iso_2022_jp(body) ? "iso-2022-jp" : NULL;
    if (utf8_valid_prefix(body) == body.len)
        return "utf-8";
    sample = take_sample(body, histogram);
    offer_single_bytes(sample, histogram, &best);
    offer_multi_bytes(sample, &best);
    offer_utf8(sample, &best);
    return best.name;
}
