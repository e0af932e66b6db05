/* SPDX-License-Identifier: MIT */
#include "parse/digest.h"

#include <openssl/crypto.h>
#include <openssl/evp.h>

#include "config/mem.h"
#include "parse/bigram.h"
#include "parse/utf8.h"

#define N_SLOTS    4096
#define MAX_WEIGHT 6

/* A word's hash: begins with FIRST, and every character is mixed in TIMES. */
#define FIRST UINT64_C(0xCBF29CE484222325)
#define TIMES UINT64_C(0x9E3779B97F4A7C15)

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

/*
 * How many features had each bit set. lanes[j] holds eight byte-wide counters,
 * for bits j, j + 8, ... j + 56; they are emptied into counts before they can
 * overflow. So a feature costs eight additions, not sixty-four.
 */
struct simhash {
    uint64_t lanes[8];
    unsigned n_in_lanes;
    uint32_t counts[64];
    uint32_t n_features;
    uint8_t seen[N_SLOTS]; /* by hash: how often a word was counted */
    uint64_t word;         /* hash of the word being read; 0: none */
    uint32_t previous;     /* the folded character before in the word */
    uint32_t before;       /* the unspaced character before, or 0 */
};

static void empty_lanes(struct simhash *s)
{
    for (unsigned bit = 0; bit < 64; bit++)
        s->counts[bit] += (uint8_t)(s->lanes[bit % 8] >> (bit / 8 * 8));
    memset(s->lanes, 0, sizeof(s->lanes));
    s->n_in_lanes = 0;
}

/* Spreads every input bit over the whole result (Stafford's variant of MurmurHash3's finish). */
static uint64_t mix(uint64_t h)
{
    h = (h ^ h >> 30) * UINT64_C(0xBF58476D1CE4E5B9);
    h = (h ^ h >> 27) * UINT64_C(0x94D049BB133111EB);
    return h ^ h >> 31;
}

static void add_feature(struct simhash *s, uint64_t raw)
{
    uint64_t h = mix(raw);
    uint8_t *slot = &s->seen[(raw ^ h >> 17) % N_SLOTS];

    if (*slot == MAX_WEIGHT)
        return;
    ++*slot;
    s->n_features++;
    for (unsigned j = 0; j < 8; j++)
        s->lanes[j] += h >> j & UINT64_C(0x0101010101010101);
    if (++s->n_in_lanes == 255)
        empty_lanes(s);
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
    s->word = ((s->word ? s->word : FIRST) ^ c) * TIMES;
}

/* ASCII: the folded letter, '0' for a digit, 0 for the rest. */
static const uint8_t folded[128] = {
    ['0'] = '0', ['1'] = '0', ['2'] = '0', ['3'] = '0', ['4'] = '0', ['5'] = '0',
    ['6'] = '0', ['7'] = '0', ['8'] = '0', ['9'] = '0', ['A'] = 'a', ['B'] = 'b',
    ['C'] = 'c', ['D'] = 'd', ['E'] = 'e', ['F'] = 'f', ['G'] = 'g', ['H'] = 'h',
    ['I'] = 'i', ['J'] = 'j', ['K'] = 'k', ['L'] = 'l', ['M'] = 'm', ['N'] = 'n',
    ['O'] = 'o', ['P'] = 'p', ['Q'] = 'q', ['R'] = 'r', ['S'] = 's', ['T'] = 't',
    ['U'] = 'u', ['V'] = 'v', ['W'] = 'w', ['X'] = 'x', ['Y'] = 'y', ['Z'] = 'z',
    ['a'] = 'a', ['b'] = 'b', ['c'] = 'c', ['d'] = 'd', ['e'] = 'e', ['f'] = 'f',
    ['g'] = 'g', ['h'] = 'h', ['i'] = 'i', ['j'] = 'j', ['k'] = 'k', ['l'] = 'l',
    ['m'] = 'm', ['n'] = 'n', ['o'] = 'o', ['p'] = 'p', ['q'] = 'q', ['r'] = 'r',
    ['s'] = 's', ['t'] = 't', ['u'] = 'u', ['v'] = 'v', ['w'] = 'w', ['x'] = 'x',
    ['y'] = 'y', ['z'] = 'z',
};

/* A run of ASCII; returns its end. A run of digits counts as one. */
static const char *add_ascii(struct simhash *s, const char *p, const char *end)
{
    uint64_t word = s->word;
    uint32_t previous = s->previous;

    s->before = 0;
    for (; p < end && (unsigned char)*p < 0x80; p++) {
        uint32_t c = folded[(unsigned char)*p];

        if (c == '0' && previous == '0' && word)
            continue;
        previous = c;
        if (c) {
            word = ((word ? word : FIRST) ^ c) * TIMES;
        } else if (word) {
            add_feature(s, word);
            word = 0;
        }
    }
    s->word = word;
    s->previous = previous;
    return p;
}

uint64_t digest_simhash(struct span text)
{
    struct simhash s = { .n_features = 0 };
    uint64_t hash = 0;

    for (const char *p = text.ptr, *end = p + text.len; p < end;) {
        uint32_t c;

        if ((unsigned char)*p < 0x80) {
            p = add_ascii(&s, p, end);
        } else {
            p += utf8_decode(span_make(p, (size_t)(end - p)), &c);
            add_char(&s, c);
        }
    }
    end_word(&s);
    empty_lanes(&s);
    for (unsigned bit = 0; bit < 64; bit++)
        if (2 * (uint64_t)s.counts[bit] > s.n_features)
            hash |= UINT64_C(1) << bit;
    return hash;
}
