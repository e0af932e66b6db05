/* SPDX-License-Identifier: MIT */
/*
 * robots.txt: the first line of the input is the target, the rest the file.
 * What must hold for every input:
 * 1. Patterns are ASCII, begin with '/' or '*', and their lines rise.
 * 2. The matcher agrees with a slow one that tries every way to place a '*'.
 * 3. The rule that is named is the longest that matches, Allow before Disallow.
 * 4. A small arena gives ERR_TOO_LARGE or the same rules.
 */
#include "parse/robots.h"

#define MAX_SLOW 400 /* pattern x target; the slow matcher is for short ones */

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* Dynamic programming: reach[j] says that the pattern so far can end at target[j]. */
static bool slow_match(struct span pattern, struct span target)
{
    bool reach[MAX_SLOW + 1] = { true }, is_anchored = false;

    for (size_t i = 0; i < pattern.len; i++) {
        char c = pattern.ptr[i];

        if (c == '$' && i + 1 == pattern.len) {
            is_anchored = true;
        } else if (c == '*') {
            for (size_t j = 1; j <= target.len; j++)
                reach[j] |= reach[j - 1];
        } else {
            for (size_t j = target.len; j > 0; j--)
                reach[j] = reach[j - 1] && target.ptr[j - 1] == c;
            reach[0] = false;
        }
    }
    if (is_anchored)
        return reach[target.len];
    for (size_t j = 0; j <= target.len; j++)
        if (reach[j])
            return true;
    return false;
}

/* Needs no normalising: the slow matcher does none. */
static bool is_simple(struct span target)
{
    for (size_t i = 0; i < target.len; i++) {
        char c = target.ptr[i];

        if (!(c >= 'a' && c <= 'z') && c != '/' && c != '.' && c != '-' && c != '=')
            return false;
    }
    return target.len <= MAX_SLOW;
}

static void check_rules(const struct robots_rules *r)
{
    uint32_t line = 0;

    for (size_t i = 0; i < r->n_rules; i++) {
        struct span p = r->rules[i].pattern;

        BUG_IF(p.len == 0 || (p.ptr[0] != '/' && p.ptr[0] != '*'));
        BUG_IF(r->rules[i].line <= line);
        line = r->rules[i].line;
        for (size_t k = 0; k < p.len; k++)
            BUG_IF(p.ptr[k] <= ' ' || p.ptr[k] > '~');
    }
    for (size_t i = 0; i < r->n_sitemaps; i++)
        BUG_IF(r->sitemaps[i].len == 0);
    BUG_IF(r->crawl_delay_ms < -1);
}

static void check_answer(const struct robots_rules *r, struct span target)
{
    const struct robots_rule *rule, *best = NULL;
    bool allowed = robots_allows(r, target, &rule);

    BUG_IF(rule && allowed != rule->is_allow);
    BUG_IF(!rule && !allowed);
    BUG_IF(robots_allows(r, target, NULL) != allowed);
    if (!is_simple(target) || r->n_rules > 50 || span_eq(target, SPAN("/robots.txt")))
        return;
    for (size_t i = 0; i < r->n_rules; i++) {
        const struct robots_rule *one = &r->rules[i];

        if (slow_match(one->pattern, target) &&
            (!best || one->pattern.len > best->pattern.len ||
             (one->pattern.len == best->pattern.len && one->is_allow &&
              !best->is_allow)))
            best = one;
    }
    BUG_IF((best == NULL) != (rule == NULL));
    BUG_IF(best && (best->pattern.len != rule->pattern.len ||
                    best->is_allow != rule->is_allow));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct span body = span_make((const char *)data, size), target;
    struct robots_rules rules, again;
    struct arena mem, small;

    if (!span_split(&body, '\n', &target))
        return 0;
    arena_init(&mem, 64 * MIB);
    arena_init(&small, 512);
    BUG_IF(robots_parse(body, SPAN("crawl"), &mem, &rules));
    check_rules(&rules);
    check_answer(&rules, target);
    if (!robots_parse(body, SPAN("crawl"), &small, &again))
        BUG_IF(again.n_rules != rules.n_rules || again.n_sitemaps != rules.n_sitemaps);
    arena_clear(&small);
    arena_clear(&mem);
    return 0;
}
