/* SPDX-License-Identifier: MIT */
#include "parse/harvest.h"

#include "parse/html.h"
#include "parse/metadata.h"
#include "parse/rules.h"

#define MAX_BYTES ((size_t)1000 * 1024)

/* As a member with a comma before it. What it takes beyond the result lies in a memory of its own. */
static enum err put_values(const struct job *job, struct span utf8, struct arena *mem,
                           struct buf *out)
{
    struct tree_section *sections;
    struct span json;
    size_t n;
    enum err e = rules_read(job->rules, mem, &sections, &n);

    if (!e)
        e = tree_extract(utf8, html_is_xml_type(job->content_type), sections,
                                  n, mem, &json);
    if (e == ERR_INVALID || e == ERR_CORRUPT)
        return buf_append(out, SPAN(",\"extract_error\":\"a rule is no XPath\""));
    if (e == ERR_TOO_LARGE || e == ERR_NO_MEMORY)
        return buf_append(out, SPAN(",\"extract_error\":\"the page is too large\""));
    if (!e)
        e = buf_append(out, SPAN(",\"extract\":"));
    return e ? e : buf_append(out, json);
}

static enum err put_metadata(const struct job *job, struct span utf8, struct span base,
                             struct arena *mem, struct buf *out)
{
    struct url url;
    enum err e = url_parse(base.len ? base : job->url, NULL, mem, &url);

    return e ? e
             : metadata_put(utf8, html_is_xml_type(job->content_type), &url, mem, out);
}

enum err harvest_page(const struct job *job, struct span utf8, struct span base,
                      struct arena *mem, struct span *out)
{
    struct buf json;
    enum err e = OK;

    *out = SPAN_NONE;
    buf_init(&json, MAX_BYTES);
    if (job->rules.len)
        e = put_values(job, utf8, mem, &json);
    if (!e && job->wants_facts)
        e = put_metadata(job, utf8, base, mem, &json);
    if (!e && json.len) {
        json.ptr[0] = '{'; /* the first comma */
        e = buf_append_byte(&json, '}');
        if (!e)
            e = arena_try_copy(mem, buf_span(&json), out);
    }
    buf_clear(&json);
    return e;
}
