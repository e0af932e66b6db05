/* SPDX-License-Identifier: MIT */
#include "parse/digest.h"

#include <openssl/crypto.h>
#include <openssl/evp.h>

#include "config/mem.h"
#include "parse/bigram.h"
#include "parse/chunk.h"
#include "parse/digest_wide.h"
#include "parse/utf8.h"

struct digest {
    EVP_MD *sha256;
    EVP_MD_CTX *context;
};

enum err digest_new(struct digest **out)
{
    struct digest *d;

    /* Without memory libcrypto 3.0 goes on with a context that it never set up, and crashes. */
    if (!OSSL_LIB_CTX_get0_global_default())
        return ERR_NO_MEMORY;
    d = mem_alloc(sizeof(*d));
    d->sha256 = EVP_MD_fetch(NULL, "SHA256", NULL);
    d->context = EVP_MD_CTX_new();
    /* The first use makes the library finish its own initialisation. */
    if (!d->sha256 || !d->context || !EVP_DigestInit_ex(d->context, d->sha256, NULL)) {
        digest_free(d);
        return ERR_UNSUPPORTED;
    }
    *out = d;
    return OK;
}

void digest_free(struct digest *d)
{
    if (!d)
        return;
    EVP_MD_CTX_free(d->context);
    EVP_MD_free(d->sha256);
    mem_free(d);
}

enum err digest_sha256(struct digest *d, struct span s,
                       unsigned char out[DIGEST_SHA256_BYTES])
{
    unsigned char hash[EVP_MAX_MD_SIZE];
    unsigned n;

    if (!EVP_DigestInit_ex(d->context, d->sha256, NULL) ||
        !EVP_DigestUpdate(d->context, s.ptr, s.len) ||
        !EVP_DigestFinal_ex(d->context, hash, &n))
        return ERR_NO_MEMORY; /* all else was there when digest_new tried it */
    BUG_IF(n != DIGEST_SHA256_BYTES);
    memcpy(out, hash, DIGEST_SHA256_BYTES);
    return OK;
}

/* Two numbers that are shifted and added at once where the machine can; plain arithmetic elsewhere. */
typedef uint64_t pair __attribute__((vector_size(16)));

/*
 * How many features had each bit set. lanes[j] holds sixteen byte-wide counters, for bits
 * j, j + 8, ... j + 56 and for those four higher; they are emptied into counts before they
 * can overflow. So a feature costs four additions, not sixty-four.
 */
struct simhash {
    pair lanes[4];
    unsigned n_in_lanes;
    uint32_t counts[64];
    uint32_t n_features; /* in counts */
    uint8_t seen[DIGEST_SLOTS]; /* by hash: how often a word was counted */
    uint64_t word;              /* hash of the word being read; 0: none */
    uint32_t previous;          /* the folded character before in the word */
    uint32_t before;            /* the unspaced character before, or 0 */
    struct digest_wide *wide;   /* takes the features, many at a time; NULL: one by one, here */
};

static void empty_lanes(struct simhash *s)
{
    for (unsigned bit = 0; bit < 64; bit++)
        s->counts[bit] += (uint8_t)(s->lanes[bit % 4][bit / 4 % 2] >> (bit / 8 * 8));
    memset(s->lanes, 0, sizeof(s->lanes));
    s->n_features += s->n_in_lanes;
    s->n_in_lanes = 0;
}

/* Spreads every input bit over the whole result (Stafford's variant of MurmurHash3's finish). */
static uint64_t mix(uint64_t h)
{
    h = (h ^ h >> 30) * DIGEST_MIX_1;
    h = (h ^ h >> 27) * DIGEST_MIX_2;
    return h ^ h >> 31;
}

static inline void add_one(struct simhash *s, uint64_t raw)
{
    uint64_t h = mix(raw);
    uint8_t *slot = &s->seen[(raw ^ h >> 17) % DIGEST_SLOTS];
    uint64_t counts = *slot < DIGEST_MAX_WEIGHT; /* 0 or 1: half of all words do, nothing predicts which */

    pair bits = { h, h >> 4 }, wanted = { BYTES8(counts), BYTES8(counts) };

    *slot = (uint8_t)(*slot + counts);
    for (pair *lane = s->lanes; lane < s->lanes + ARRAY_LEN(s->lanes); lane++, bits >>= 1)
        *lane += bits & wanted;
    s->n_in_lanes += (unsigned)counts;
    if (s->n_in_lanes == 255)
        empty_lanes(s);
}

static void add_feature(struct simhash *s, uint64_t raw)
{
    if (s->wide)
        digest_wide_add(s->wide, raw);
    else
        add_one(s, raw);
}

static void end_word(struct simhash *s)
{
    if (s->word)
        add_feature(s, s->word);
    s->word = 0;
}

static uint32_t fold(uint32_t c)
{
    if ((c >= 0xC0 && c <= 0xDE && c != 0xD7) || (c >= 0x391 && c <= 0x3A9) ||
        (c >= 0x410 && c <= 0x42F))
        return c + 0x20;
    if (c >= 0x400 && c <= 0x40F)
        return c + 0x50;
    if ((c >= 0x139 && c <= 0x148) || (c >= 0x179 && c <= 0x17E))
        return c + (c & 1); /* Latin Extended-A: pairs that begin at odd code points */
    if ((c >= 0x100 && c <= 0x137) || (c >= 0x14A && c <= 0x177) ||
        (c >= 0x460 && c <= 0x52F))
        return c | 1;
    return c;
}

/* Letters, digits and marks; signs, punctuation and spaces are not. */
static bool is_word_char(uint32_t c)
{
    if (c < 0xC0)
        return c == 0xAA || c == 0xB5 || c == 0xBA;
    if (c == 0xD7 || c == 0xF7 || c == UTF8_REPLACEMENT)
        return false;
    if ((c >= 0x2000 && c <= 0x206F) || (c >= 0x2190 && c <= 0x2BFF) ||
        (c >= 0x2E00 && c <= 0x2E7F) || (c >= 0x3000 && c <= 0x303F))
        return false;
    return !((c >= 0xFF00 && c <= 0xFF0F) || (c >= 0xFF1A && c <= 0xFF20) ||
             (c >= 0xFF3B && c <= 0xFF40) || (c >= 0xFF5B && c <= 0xFF65));
}

/* A character beyond ASCII. */
static void add_char(struct simhash *s, uint32_t c)
{
    if (bigram_is_unspaced(c)) {
        end_word(s);
        if (s->before)
            add_feature(s, (uint64_t)s->before << 32 | c);
        s->before = c;
        return;
    }
    s->before = 0;
    if (!is_word_char(c)) {
        end_word(s);
        s->previous = 0;
        return;
    }
    c = fold(c);
    s->previous = c;
    s->word = ((s->word ? s->word : DIGEST_FIRST) ^ c) * DIGEST_TIMES;
}

/*
 * ASCII: the folded letter, '0' for a digit, 0 for the rest. Arithmetic, no
 * table, so that the compiler can do it to many bytes at a time.
 */
static inline unsigned char fold_ascii(unsigned char c)
{
    unsigned char low = c | 0x20;
    unsigned char digit = (unsigned char)(c - '0') < 10 ? '0' : 0;
    unsigned char letter = (unsigned char)(low - 'a') < 26 ? low : 0;

    return digit | letter;
}

/* What is left of an ASCII word at p; returns what follows it. A run of digits counts as one. */
static const char *add_rest(struct simhash *s, const char *p, const char *end)
{
    uint64_t word = s->word ? s->word : DIGEST_FIRST;
    uint32_t c = 0, previous = s->word ? s->previous : 0;

    s->before = 0;
    for (; p < end && (unsigned char)*p < 0x80; p++) {
        c = fold_ascii((unsigned char)*p);
        if (!c)
            break;
        if (c != '0' || previous != '0')
            word = (word ^ c) * DIGEST_TIMES;
        previous = c;
    }
    s->previous = previous;
    s->word = previous ? word : 0;
    if (p < end && !c) {
        end_word(s);
        p++;
    }
    return p;
}

/* Up to 64 bytes of text; the masks have a bit for each, the first one lowest. */
struct block {
    char folded[64 + 8];          /* a word is read eight bytes at a time */
    uint64_t words;               /* letters and digits */
    uint64_t again;               /* digits behind a digit */
    size_t n;                     /* so many are ASCII */
};

/* A mask of the bytes that have this bit when they are folded. */
static uint64_t bits_of(const struct block *b, char bit)
{
    uint64_t bits = 0;

    for (unsigned i = 0; i < 64; i += CHUNK_BYTES)
        bits |= chunk_bits(chunk_masked(chunk_load(b->folded + i), bit, bit)) << i;
    return bits;
}

static void read_block(struct block *b, const char *p)
{
    unsigned char any_digit = 0, any_other = 0;

    for (unsigned i = 0; i < 64; i++) {
        unsigned char c = (unsigned char)p[i];

        b->folded[i] = (char)fold_ascii(c);
        any_digit |= (unsigned char)(c - '0') < 10;
        any_other |= c;
    }
    memset(b->folded + 64, 0, 8);
    b->words = bits_of(b, 0x20);
    b->again = 0;
    if (any_digit) {
        uint64_t digits = b->words & ~bits_of(b, 0x40);
        b->again = digits & digits << 1;
    }
    b->n = any_other & 0x80 ? utf8_ascii_prefix(span_make(p, 64)) : 64;
    if (b->n < 64)
        b->words &= (UINT64_C(1) << b->n) - 1;
}

/* The hash of a word. The first eight bytes cost no branch, which nothing would predict. */
static uint64_t hash_word(const struct block *b, unsigned from, unsigned n)
{
    uint64_t after[9] = { DIGEST_FIRST }, h;

    for (unsigned i = 0; i < 8; i++)
        after[i + 1] = (after[i] ^ (unsigned char)b->folded[from + i]) * DIGEST_TIMES;
    h = after[MIN(n, 8u)];
    for (unsigned i = 8; i < n; i++)
        h = (h ^ (unsigned char)b->folded[from + i]) * DIGEST_TIMES;
    return h;
}

/* The same where digits stand in a row, of which the first counts. */
static uint64_t hash_number(const struct block *b, unsigned from, unsigned n)
{
    uint64_t h = DIGEST_FIRST;

    for (unsigned i = from; i < from + n; i++)
        if (!(b->again >> i & 1))
            h = (h ^ (unsigned char)b->folded[i]) * DIGEST_TIMES;
    return h;
}

/*
 * The ASCII words that are whole within the next 64 bytes; returns what follows
 * them. Where another character is near, the byte at p is left to add_rest: p.
 */
static const char *add_words(struct simhash *s, const char *p, const char *end)
{
    char last[64] = { 0 };
    size_t left = (size_t)(end - p);
    struct block b;

    if (left < sizeof last)
        memcpy(last, p, left);
    else if (bytes8_load(p) & BYTES8_MARKS)
        return p;
    read_block(&b, left < sizeof last ? last : p);
    s->before = 0;
    while (b.words) {
        unsigned from = (unsigned)__builtin_ctzll(b.words);
        uint64_t behind = b.words + (UINT64_C(1) << from); /* the word's bits carry into it */
        unsigned to = behind ? (unsigned)__builtin_ctzll(behind) : 64;
        uint64_t word = b.words & ~behind;

        if (to >= b.n)
            return p + from;
        add_one(s, b.again & word ? hash_number(&b, from, to - from) : hash_word(&b, from, to - from));
        b.words &= behind;
    }
    return p + MIN(left, b.n);
}

/* wide is this text's for the time, or NULL. */
static uint64_t simhash(struct span text, struct digest_wide *wide)
{
    struct simhash s = { .wide = wide };
    uint64_t hash = 0;

    if (wide)
        digest_wide_init(wide, s.counts, s.seen, &s.n_features);
    for (const char *p = text.ptr, *end = span_at(p, text.len), *q; p < end;) {
        uint32_t c;

        if ((unsigned char)*p >= 0x80) {
            p += utf8_decode(span_make(p, (size_t)(end - p)), &c);
            add_char(&s, c);
            continue;
        }
        q = s.word ? p : wide ? digest_wide_read(wide, p, end) : add_words(&s, p, end);
        if (q > p)
            s.before = 0;
        p = q > p ? q : add_rest(&s, p, end);
    }
    end_word(&s);
    empty_lanes(&s);
    if (wide)
        digest_wide_settle(wide);
    for (unsigned bit = 0; bit < 64; bit++)
        if (2 * (uint64_t)s.counts[bit] > s.n_features)
            hash |= UINT64_C(1) << bit;
    return hash;
}

uint64_t digest_simhash_plain(struct span text)
{
    return simhash(text, NULL);
}

uint64_t digest_simhash(struct span text)
{
    struct digest_wide wide;

    return simhash(text, digest_wide_works() ? &wide : NULL);
}
