/* SPDX-License-Identifier: MIT */
/*
 * Trees and rules over them: the first line is an expression (a usual one when
 * it is empty), the rest the page. What must hold for every input:
 * 1. The tree is linked soundly, and its HTML text gives a tree again.
 * 2. tree_extract answers what its header says, with an object in UTF-8.
 */
#include "parse/tree.h"
#include "parse/tree_build.h"
#include "parse/tree_html.h"

#define MAX_NODES 100000

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check_links(const xmlNode *root)
{
    const xmlNode *at = root;

    for (;;) {
        BUG_IF(at->next && at->next->prev != at);
        BUG_IF(at->next && at->next->parent != at->parent);
        if (at->type == XML_ELEMENT_NODE && at->children) {
            BUG_IF(at->children->parent != at || at->children->prev);
            at = at->children;
            continue;
        }
        while (at != root && !at->next) {
            at = at->parent;
        }
        if (at == root)
            return;
        at = at->next;
    }
}

static void check_tree(struct span page)
{
    struct buf html;
    xmlDocPtr doc, again;

    BUG_IF(tree_build(page, false, MAX_NODES, &doc));
    check_links(xmlDocGetRootElement(doc));
    buf_init(&html, (size_t)64 << 20);
    BUG_IF(tree_html_write(xmlDocGetRootElement(doc), &html));
    if (!tree_build(buf_span(&html), false, MAX_NODES, &again))
        xmlFreeDoc(again);
    buf_clear(&html);
    xmlFreeDoc(doc);
}

static void check_rules(struct span xpath, struct span page)
{
    struct tree_rule rules[N_TREE_TYPES];
    struct arena mem;
    struct span json;

    for (size_t i = 0; i < N_TREE_TYPES; i++) {
        rules[i].name = SPAN("v");
        rules[i].xpath = xpath;
        rules[i].type = (enum tree_type)i;
    }
    arena_init(&mem, (size_t)64 << 20);
    enum err e = tree_extract(page, false, &(struct tree_section){ SPAN_NONE, rules, ARRAY_LEN(rules) }, 1, &mem, &json);
    BUG_IF(e && e != ERR_INVALID && e != ERR_TOO_LARGE);
    BUG_IF(!e && (json.len < 2 || json.ptr[0] != '{' || !span_is_utf8(json)));
    BUG_IF((e == ERR_INVALID) != (tree_check(xpath) == ERR_INVALID));
    arena_clear(&mem);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct span rest = span_make((const char *)data, size), xpath = SPAN_NONE;

    if (size > 4096 || !span_is_utf8(rest))
        return 0;
    if (!span_split(&rest, '\n', &xpath) || xpath.len == 0)
        xpath = SPAN("//td | //a/@href | //p[contains(., 'x')]");
    check_tree(rest);
    check_rules(xpath, rest);
    return 0;
}
