/* SPDX-License-Identifier: MIT */
#include "tests/kit/curl_agrees.h"

#include <curl/curl.h>
#include <string.h>

#include "parse/url.h"

/* As libcurl itself takes an easy handle's URL apart, with the options that fetch/transfer.c sets. */
#define FLAGS                                                           \
    (CURLU_GUESS_SCHEME | CURLU_NON_SUPPORT_SCHEME | CURLU_PATH_AS_IS | \
     CURLU_DISALLOW_USER)

/* One part; empty where there is none. The caller frees. */
static char *part_of(CURLU *u, CURLUPart part)
{
    unsigned flags = part == CURLUPART_PORT ? CURLU_DEFAULT_PORT : 0;
    char *text = NULL;

    return curl_url_get(u, part, &text, flags) ? strdup("") : text;
}

static bool compare(CURLU *theirs, CURLUPart part, const char *name, struct span ours,
                    char *why)
{
    char *text = part_of(theirs, part);
    bool is_same = span_eq_nocase(ours, span_str(text));

    if (!is_same)
        snprintf(why, CURL_AGREES_WHY_SIZE, "%s: %.200s is not %.*s", name, text,
                 (int)MIN(ours.len, (size_t)200), ours.ptr ? ours.ptr : "");
    free(text);
    return is_same;
}

/* Path and query: a lone '?' at the end may be there or not, which servers take for the same. */
static bool compare_target(CURLU *theirs, const struct url *ours, char *why)
{
    struct span target = url_target(ours);
    size_t question = span_find(target, '?');

    return compare(theirs, CURLUPART_PATH, "path", span_slice(target, 0, question),
                   why) &&
           compare(theirs, CURLUPART_QUERY, "query", span_skip(target, question + 1),
                   why);
}

static enum curl_agrees judge(const struct url *page, char *why)
{
    CURLU *theirs = curl_url();
    char *href = strndup(page->href.ptr, page->href.len), port[16];
    enum curl_agrees verdict = CURL_REFUSES;

    snprintf(port, sizeof port, "%d", url_port(page));
    if (!curl_url_set(theirs, CURLUPART_URL, href, FLAGS)) {
        struct span scheme = url_protocol(page);

        verdict =
            compare(theirs, CURLUPART_SCHEME, "scheme",
                    span_slice(scheme, 0, scheme.len - 1), why) &&
                    compare(theirs, CURLUPART_HOST, "host", url_hostname(page), why) &&
                    compare(theirs, CURLUPART_PORT, "port", span_str(port), why) &&
                    compare(theirs, CURLUPART_USER, "user", SPAN_NONE, why) &&
                    compare(theirs, CURLUPART_FRAGMENT, "fragment", SPAN_NONE, why) &&
                    compare_target(theirs, page, why)
                ? CURL_AGREES
                : CURL_DIFFERS;
    }
    free(href);
    curl_url_cleanup(theirs);
    return verdict;
}

enum curl_agrees curl_agrees_on(struct span input, char why[CURL_AGREES_WHY_SIZE])
{
    enum curl_agrees verdict = CURL_NO_PAGE;
    struct url u, page;
    struct arena mem;

    why[0] = '\0';
    arena_init(&mem, (size_t)64 * MIB);
    if (!url_parse(input, NULL, &mem, &u) && !url_page(&u, &mem, &page) &&
        url_is_web(&page))
        verdict = judge(&page, why);
    arena_clear(&mem);
    return verdict;
}
