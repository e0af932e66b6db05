/* SPDX-License-Identifier: MIT */
#include "parse/tags.h"

#include "parse/tags.inc"

static const struct span names[N_TAGS] = {
#define X(id, name, flags) { name, sizeof(name) - 1 },
    TAGS_TABLE(X)
#undef X
};

const uint16_t tags_flags_of[N_TAGS] = {
#define X(id, name, flags) flags,
    TAGS_TABLE(X)
#undef X
};

bool tags_is(enum tag tag, struct span name)
{
    return span_eq_nocase(names[tag], name);
}

enum tag tags_find_name(struct span name)
{
    uint64_t key = 0;

    for (size_t i = 0; i < name.len && i < 8; i++)
        key = tags_key_add(key, i, (unsigned char)span_ascii_lower(name.ptr[i]));
    return tags_find(name, key);
}

struct span tags_name(enum tag tag)
{
    return names[tag];
}
