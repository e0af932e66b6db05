/* SPDX-License-Identifier: MIT */
/*
 * Values picked out of a page by XPath 1.0 rules that the user wrote. The only
 * place that builds a tree, so only pages that a rule asks for pay for one.
 *
 * The tree is libxml2's, built from parse/tokenizer.h's tokens by
 * parse/tree_build.h; libxml2's own HTML parser is not used. Names of elements
 * and attributes are in lower case and have no namespaces ("//svg//path").
 *
 * Limits, none of them the page's to choose: nodes of a tree, steps of an
 * expression and of all together, length of values and of the whole result (704
 * KiB). A page over the first gives no result; what is over the others is null
 * or cut. Nothing here suspends or keeps state.
 */
#pragma once

#include "config/arena.h"
#include "config/err.h"
#include "config/span.h"

enum tree_type {
    TREE_STRING, /* text of the first node, white space collapsed */
    TREE_LIST,   /* texts of all nodes, at most 1,000 */
    TREE_NUMBER, /* the first number in the text: "1,299.50 EUR" is 1299.5 */
    TREE_DATE,   /* RFC 3339, whatever form the text has (parse/date.h) */
    TREE_HTML,   /* the first node as HTML (HTML standard §13.3) */
    N_TREE_TYPES
};

struct tree_rule {
    struct span name;  /* key in the result; UTF-8 */
    struct span xpath; /* at most 4 KiB */
    enum tree_type type;
};

/* Rules whose results belong together under a name. */
struct tree_section {
    struct span name; /* UTF-8 */
    const struct tree_rule *rules;
    size_t n_rules;
};

/*
 * Would this expression do? ERR_INVALID when it does not compile, is too long or
 * names a function, variable or prefix that there is none of; ERR_NO_MEMORY.
 */
enum err tree_check(struct span xpath) MUST_USE;

/*
 * Evaluates the rules of n sections over one tree. *out_json is one JSON object
 * in mem with a member for each section, whose names must differ, each an object
 * with a member for each rule, in their order: null where nothing was found or
 * the expression took too many steps. Of one section without a name it is that
 * section's object itself. With is_xml the page is XHTML, where "<script/>" is
 * empty. ERR_INVALID when an expression does not compile, ERR_TOO_LARGE when the
 * page has too many nodes or mem is full, ERR_NO_MEMORY.
 */
enum err tree_extract(struct span utf8, bool is_xml,
                      const struct tree_section *sections, size_t n,
                      struct arena *mem, struct span *out_json) MUST_USE;
