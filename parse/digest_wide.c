/* SPDX-License-Identifier: MIT */
#include "parse/digest_wide.h"

#include "parse/bytes8.h"

#if defined(__x86_64__)

#include <immintrin.h>

/* Without optimisation gcc has gathers and scatters as macros, which pass masks as char. */
#pragma GCC diagnostic ignored "-Wsign-conversion"

/* VBMI2 packs bytes, and came after the machines that ran slower for a while when they met AVX-512. */
#define WIDE __attribute__((target("avx512f,avx512bw,avx512dq,avx512vl,avx512vbmi2,bmi,bmi2,lzcnt,popcnt")))

/* Features, one that has begun only, and what eight at a time go beyond. */
#define ROOM ARRAY_LEN(((struct digest_wide *)NULL)->hash)

bool digest_wide_works(void)
{
    return __builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512bw") &&
           __builtin_cpu_supports("avx512dq") && __builtin_cpu_supports("avx512vl") &&
           __builtin_cpu_supports("avx512vbmi2") && __builtin_cpu_supports("bmi2");
}

/* ---- where the words are ---- */

/* What the block before ended in: 1 or 0. */
struct carry {
    uint64_t word, digit;
};

/* Is there room for the words of a block, and for its letters? */
static bool has_room(const struct digest_wide *w)
{
    return w->n + 32 <= DIGEST_WIDE_FEATURES && w->n_letters <= DIGEST_WIDE_LETTERS;
}

/* The bytes that are one of n from low on. */
WIDE static inline uint64_t are_within(__m512i bytes, char low, char n)
{
    return _mm512_cmplt_epu8_mask(_mm512_sub_epi8(bytes, _mm512_set1_epi8(low)), _mm512_set1_epi8(n));
}

/* Writes the places of these bits, of which at most 32 are set, as counted from at. Returns how many. */
WIDE static inline size_t put_places(uint16_t *out, uint64_t bits, size_t at)
{
    static const uint8_t all[64] = {
#define ROW(n) n, n + 1, n + 2, n + 3, n + 4, n + 5, n + 6, n + 7
        ROW(0), ROW(8), ROW(16), ROW(24), ROW(32), ROW(40), ROW(48), ROW(56)
#undef ROW
    };
    __m512i places = _mm512_maskz_compress_epi8(bits, _mm512_loadu_si512(all));
    __m512i numbers = _mm512_cvtepu8_epi16(_mm512_castsi512_si256(places));

    _mm512_storeu_si512(out, _mm512_add_epi16(numbers, _mm512_set1_epi16((short)at)));
    return (size_t)__builtin_popcountll(bits);
}

/*
 * Takes a block's bytes up to the first that is not ASCII; the words that end in it are in the queue then, and where
 * the last one begins that does not. Returns which bytes are of no word.
 */
WIDE static inline uint64_t read_block(struct digest_wide *w, __m512i bytes, struct carry *carry)
{
    __m512i low = _mm512_or_si512(bytes, _mm512_set1_epi8(0x20));
    uint64_t digits = are_within(bytes, '0', 10), words = are_within(low, 'a', 26) | digits;
    uint64_t others = _mm512_movepi8_mask(bytes), taken = ~others & (others - 1);
    uint64_t behind_word = words << 1 | carry->word, gaps = ~words & taken;
    uint64_t begins = words & ~behind_word & taken, ends = gaps & behind_word;
    /* A digit behind a digit is left out, so that what is behind it moves. */
    uint64_t kept = taken & ~(digits & (digits << 1 | carry->digit));
    __m512i folded = _mm512_mask_blend_epi8(digits, low, _mm512_set1_epi8('0'));

    _mm512_storeu_si512(w->letters + w->n_letters, _mm512_maskz_compress_epi8(kept, folded));
    /* There is one more beginning than ends where a word is open. */
    put_places(w->from + w->n + carry->word, _pext_u64(begins, kept), w->n_letters);
    w->n += put_places(w->to + w->n, _pext_u64(ends, kept), w->n_letters);
    w->n_letters += (size_t)__builtin_popcountll(kept);
    *carry = (struct carry){ words >> 63, digits >> 63 };
    return gaps;
}

WIDE const char *digest_wide_read(struct digest_wide *w, const char *p, const char *end)
{
    const char *stop = p;
    struct carry carry = { 0, 0 };
    uint64_t others = 0;

    if (end - p >= 8 && bytes8_load(p) & BYTES8_MARKS)
        return p;
    if (!has_room(w))
        digest_wide_settle(w);
    for (; p < end && !others && has_room(w); p += 64) {
        uint64_t there = _bzhi_u64(UINT64_MAX, (unsigned)MIN(end - p, 64)); /* zeros behind it end the last word */
        __m512i bytes = _mm512_maskz_loadu_epi8(there, p);
        uint64_t gaps = read_block(w, bytes, &carry);

        if (gaps)
            stop = p + 64 - __builtin_clzll(gaps);
        others = _mm512_movepi8_mask(bytes);
    }
    return stop < end ? stop : end;
}

/* ---- their hashes ---- */

WIDE static inline __m128i load8(const uint16_t *p)
{
    return _mm_loadu_si128((const __m128i *)(const void *)p);
}

WIDE static inline void store8(uint16_t *p, __m128i numbers)
{
    _mm_storeu_si128((__m128i *)(void *)p, numbers);
}

WIDE static inline __m512i all8(uint64_t number)
{
    return _mm512_set1_epi64((long long)number);
}

/* first[n - 1] becomes DIGEST_FIRST when it is multiplied 8 - n times. */
static void make_first(uint64_t first[8])
{
    uint64_t inverse = DIGEST_TIMES; /* right in three bits, then in 6, 12, 24, 48, 96 */

    for (int i = 0; i < 5; i++)
        inverse *= 2 - DIGEST_TIMES * inverse;
    first[7] = DIGEST_FIRST;
    for (int n = 7; n > 0; n--)
        first[n - 1] = first[n] * inverse;
}

/* Takes eight letters of each word into its hash, the lowest first. */
WIDE static inline __m512i hash_letters(__m512i h, __m512i letters)
{
    for (int i = 0; i < 8; i++) {
        h = _mm512_mullo_epi64(_mm512_xor_si512(h, _mm512_and_si512(letters, all8(0xFF))), all8(DIGEST_TIMES));
        letters = _mm512_srli_epi64(letters, 8);
    }
    return h;
}

/* Words that have letters left, eight at least: their numbers, and where those lie. */
struct rest {
    uint16_t word[ROOM], from[ROOM], to[ROOM];
    size_t n;
};

WIDE static inline void add_rest(struct rest *r, __mmask8 which, __m128i word, __m128i from, __m128i to)
{
    store8(r->word + r->n, _mm_maskz_compress_epi16(which, word));
    store8(r->from + r->n, _mm_maskz_compress_epi16(which, from));
    store8(r->to + r->n, _mm_maskz_compress_epi16(which, to));
    r->n += (size_t)__builtin_popcount(which);
}

/* Takes eight letters of each; those that have more are the rest now. */
WIDE static void hash_rest(struct digest_wide *w, struct rest *r)
{
    size_t n = r->n;

    r->n = 0; /* never gets ahead of what is read */
    for (size_t i = 0; i < n; i += 8) {
        __mmask8 there = (__mmask8)_bzhi_u32(0xFF, (unsigned)MIN(n - i, (size_t)8));
        __m128i word = _mm_maskz_loadu_epi16(there, r->word + i);
        __m128i from = _mm_maskz_loadu_epi16(there, r->from + i), to = _mm_maskz_loadu_epi16(there, r->to + i);
        __m512i numbers = _mm512_cvtepu16_epi64(word);
        __m512i h = _mm512_i64gather_epi64(numbers, w->hash, 8);
        __m512i letters = _mm512_i64gather_epi64(_mm512_cvtepu16_epi64(from), w->letters, 1);

        _mm512_mask_i64scatter_epi64(w->hash, there, numbers, hash_letters(h, letters), 8);
        from = _mm_add_epi16(from, _mm_set1_epi16(8));
        add_rest(r, _mm_cmplt_epu16_mask(from, to), word, from, to);
    }
}

/*
 * Of each word one to eight letters are taken at first, so that eight or sixteen and so on are left. Zeros stand
 * before those that are less than eight, which turn another number into DIGEST_FIRST.
 */
WIDE static void hash_words(struct digest_wide *w)
{
    const __m128i one = _mm_set1_epi16(1), seven = _mm_set1_epi16(7);
    __m128i word = _mm_set_epi16(7, 6, 5, 4, 3, 2, 1, 0);
    uint64_t first[8];
    struct rest rest;

    make_first(first);
    rest.n = 0;
    memset(w->from + w->n, 0, 8 * sizeof w->from[0]);
    memset(w->to + w->n, 0, 8 * sizeof w->to[0]);
    for (size_t i = 0; i < w->n; i += 8) {
        __m128i from = load8(w->from + i), to = load8(w->to + i);
        __m128i most = _mm_and_si128(_mm_sub_epi16(_mm_sub_epi16(to, from), one), seven); /* the last one's index */
        __m512i letters = _mm512_i64gather_epi64(_mm512_cvtepu16_epi64(from), w->letters, 1);
        __m512i gap = _mm512_cvtepu16_epi64(_mm_slli_epi16(_mm_sub_epi16(seven, most), 3));
        __m512i h = _mm512_permutexvar_epi64(_mm512_cvtepu16_epi64(most), _mm512_loadu_si512(first));

        h = hash_letters(h, _mm512_sllv_epi64(letters, gap));
        _mm512_mask_storeu_epi64(w->hash + i, _mm_cmplt_epu16_mask(from, to), h);
        from = _mm_add_epi16(from, _mm_add_epi16(most, one));
        add_rest(&rest, _mm_cmplt_epu16_mask(from, to), word, from, to);
        word = _mm_add_epi16(word, _mm_set1_epi16(8));
    }
    while (rest.n)
        hash_rest(w, &rest);
}

/* Spreads the hashes, and finds their slots. */
WIDE static void mix_hashes(struct digest_wide *w, uint16_t *slots)
{
    for (size_t i = 0; i < w->n; i += 8) {
        __m512i raw = _mm512_loadu_si512(w->hash + i);
        __m512i h = _mm512_mullo_epi64(_mm512_xor_si512(raw, _mm512_srli_epi64(raw, 30)), all8(DIGEST_MIX_1));
        h = _mm512_mullo_epi64(_mm512_xor_si512(h, _mm512_srli_epi64(h, 27)), all8(DIGEST_MIX_2));
        h = _mm512_xor_si512(h, _mm512_srli_epi64(h, 31));
        _mm512_storeu_si512(w->hash + i, h);
        h = _mm512_xor_si512(raw, _mm512_srli_epi64(h, 17));
        h = _mm512_and_si512(h, all8(DIGEST_SLOTS - 1));
        store8(slots + i, _mm512_cvtepi64_epi16(h));
    }
}

/* ---- weights and bits ---- */

/* Leaves those hashes that count. Returns how many. */
static size_t weigh(struct digest_wide *w, const uint16_t *slots)
{
    size_t n = 0;

    for (size_t i = 0; i < w->n; i++) {
        uint8_t *slot = &w->seen[slots[i]];
        unsigned counts = *slot < DIGEST_MAX_WEIGHT;

        *slot = (uint8_t)(*slot + counts);
        w->hash[n] = w->hash[i];
        n += counts;
    }
    return n;
}

/* A hash is a mask of the 64 byte-wide counters that it adds to. */
WIDE static void count(struct digest_wide *w, size_t n)
{
    __m512i sums = _mm512_setzero_si512();
    uint8_t bytes[64];

    for (size_t i = 0; i < n; i++)
        sums = _mm512_mask_sub_epi8(sums, w->hash[i], sums, _mm512_set1_epi8(-1));
    _mm512_storeu_si512(bytes, sums);
    for (size_t i = 0; i < 64; i++)
        w->counts[i] += bytes[i];
    *w->n_features += (uint32_t)n;
}

void digest_wide_settle(struct digest_wide *w)
{
    uint16_t slots[ROOM];

    hash_words(w);
    mix_hashes(w, slots);
    count(w, weigh(w, slots));
    w->n = w->n_letters = 0;
}

#else

bool digest_wide_works(void)
{
    return false;
}

const char *digest_wide_read(struct digest_wide *w, const char *p, const char *end)
{
    (void)w;
    (void)end;
    return p;
}

void digest_wide_settle(struct digest_wide *w)
{
    BUG_IF(w->n);
}

#endif

void digest_wide_init(struct digest_wide *w, uint32_t counts[64], uint8_t seen[DIGEST_SLOTS],
                      uint32_t *n_features)
{
    w->counts = counts;
    w->seen = seen;
    w->n_features = n_features;
    w->n = w->n_letters = 0;
}

void digest_wide_add(struct digest_wide *w, uint64_t hash)
{
    if (w->n == DIGEST_WIDE_FEATURES)
        digest_wide_settle(w);
    w->from[w->n] = w->to[w->n] = 0;
    w->hash[w->n++] = hash;
}
