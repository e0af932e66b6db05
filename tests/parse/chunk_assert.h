/* SPDX-License-Identifier: MIT */
/* What parse/chunk.h promises, for whichever of its two forms was included before. */
#pragma once

/* Neighbours that would carry into each other if the answers were not exact. */
static const unsigned char chunk_hard[] = { 0, 1, ' ' - 1, ' ', ' ' + 1, 0x7E, 0x7F, 0x80, 0x81, 0xA0, 0xFF };

static void assert_marks(uint64_t marks, const bool *wanted)
{
    uint64_t bits = 0;

    for (size_t i = 0; i < CHUNK_BYTES; i++)
        bits |= (uint64_t)wanted[i] << i;
    assert_int_equal(chunk_bits(marks), bits);
    if (bits)
        assert_int_equal(chunk_first(marks), __builtin_ctzll(bits));
    assert_int_equal(chunk_bits(chunk_behind(marks)), bits << 1 & (UINT64_MAX >> (64 - CHUNK_BYTES)));
    assert_int_equal(chunk_bits(chunk_last(marks)), bits >> (CHUNK_BYTES - 1));
}

static void assert_answers(const unsigned char *bytes)
{
    bool equal[CHUNK_BYTES], masked[CHUNK_BYTES], below[CHUNK_BYTES], or_high[CHUNK_BYTES];
    char replaced[CHUNK_BYTES], stored[CHUNK_BYTES];
    chunk w = chunk_load((const char *)bytes);

    for (size_t i = 0; i < CHUNK_BYTES; i++) {
        equal[i] = bytes[i] == ' ';
        masked[i] = (bytes[i] & 0xFC) == '<';
        below[i] = bytes[i] < '!';
        or_high[i] = bytes[i] < '0' || bytes[i] > 0x7F;
        replaced[i] = (char)(bytes[i] == ' ' ? '\n' : bytes[i]);
    }
    assert_marks(chunk_equal(w, ' '), equal);
    assert_marks(chunk_masked(w, (char)0xFC, '<'), masked);
    assert_marks(chunk_below(w, '!'), below);
    assert_marks(chunk_below_or_high(w, '0'), or_high);
    chunk_store(stored, chunk_replace(w, ' ', '\n'));
    assert_memory_equal(stored, replaced, sizeof stored);
}

/* Every byte at every place, between neighbours of all kinds. */
static void each_byte_is_answered_for_itself(void **state)
{
    unsigned char bytes[CHUNK_BYTES];
    const size_t n = ARRAY_LEN(chunk_hard);

    (void)state;
    for (unsigned c = 0; c < 256; c++)
        for (size_t i = 0; i < CHUNK_BYTES * n * n; i++) {
            size_t at = i % CHUNK_BYTES;

            memset(bytes, chunk_hard[i / CHUNK_BYTES % n], at);
            memset(bytes + at, chunk_hard[i / CHUNK_BYTES / n], CHUNK_BYTES - at);
            bytes[at] = (unsigned char)c;
            assert_answers(bytes);
        }
}
