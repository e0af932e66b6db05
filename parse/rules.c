/* SPDX-License-Identifier: MIT */
#include "parse/rules.h"

#include "parse/wire_io.h"

/* type and two lengths */
#define MIN_VALUE_SIZE ((size_t)9)

static size_t size_of(const struct tree_section *section)
{
    size_t n = 4 + section->name.len + 4;

    for (size_t i = 0; i < section->n_rules; i++)
        n += MIN_VALUE_SIZE + section->rules[i].name.len + section->rules[i].xpath.len;
    return n;
}

static bool is_within_limits(const struct tree_section *section)
{
    if (section->name.len > RULES_MAX_NAME_BYTES || section->n_rules > RULES_MAX_VALUES)
        return false;
    for (size_t i = 0; i < section->n_rules; i++)
        if (section->rules[i].name.len > RULES_MAX_NAME_BYTES ||
            section->rules[i].xpath.len > RULES_MAX_XPATH_BYTES)
            return false;
    return true;
}

enum err rules_write(const struct tree_section *section, struct buf *out)
{
    size_t size = size_of(section);
    struct wire_io_writer w;
    enum err e;

    if (!is_within_limits(section))
        return ERR_TOO_LARGE;
    e = buf_reserve(out, size);
    if (e)
        return e;
    wire_io_write_to(&w, out->ptr + out->len, size);
    wire_io_put_bytes(&w, section->name);
    wire_io_put_u32(&w, (uint32_t)section->n_rules);
    for (size_t i = 0; i < section->n_rules; i++) {
        wire_io_put_u8(&w, (uint8_t)section->rules[i].type);
        wire_io_put_bytes(&w, section->rules[i].name);
        wire_io_put_bytes(&w, section->rules[i].xpath);
    }
    BUG_IF(w.is_full);
    out->len += size;
    return OK;
}

static void read_section(struct wire_io_reader *r, struct arena *mem,
                         struct tree_section *out)
{
    struct tree_rule *rules = NULL;

    out->name = wire_io_get_text(r, RULES_MAX_NAME_BYTES);
    out->n_rules = wire_io_get_count(r, RULES_MAX_VALUES, MIN_VALUE_SIZE);
    if (!r->error && out->n_rules) {
        rules = arena_try_array(mem, out->n_rules, sizeof *rules);
        if (!rules)
            wire_io_fail(r, ERR_TOO_LARGE);
    }
    for (size_t i = 0; rules && i < out->n_rules && !r->error; i++) {
        rules[i].type = wire_io_get_enum(r, N_TREE_TYPES);
        rules[i].name = wire_io_get_text(r, RULES_MAX_NAME_BYTES);
        rules[i].xpath = wire_io_get_text(r, RULES_MAX_XPATH_BYTES);
    }
    out->rules = rules;
}

enum err rules_read(struct span rules, struct arena *mem, struct tree_section **out,
                    size_t *out_n)
{
    struct tree_section *sections =
        arena_try_array(mem, RULES_MAX_SECTIONS, sizeof *sections);
    struct wire_io_reader r;
    size_t n = 0;

    if (!sections)
        return ERR_TOO_LARGE;
    wire_io_read_from(&r, rules);
    while (!r.error && wire_io_left(&r)) {
        if (n == RULES_MAX_SECTIONS)
            wire_io_fail(&r, ERR_TOO_LARGE);
        else
            read_section(&r, mem, &sections[n++]);
    }
    if (r.error)
        return r.error;
    *out = sections;
    *out_n = n;
    return OK;
}
