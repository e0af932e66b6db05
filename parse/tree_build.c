/* SPDX-License-Identifier: MIT */
#include "parse/tree_build.h"

#include "config/mem.h"
#include "parse/tree_place.h"

struct builder {
    struct tokenizer tokenizer;
    struct tree_place place;
};

enum err tree_build(struct span utf8, bool is_xml, size_t max_nodes, xmlDocPtr *out)
{
    struct builder *b = mem_alloc(sizeof *b);
    const struct token *tok;

    tree_place_init(&b->place, max_nodes);
    tokenizer_init(&b->tokenizer, utf8, is_xml, NULL);
    do {
        tok = tokenizer_next(&b->tokenizer);
        tree_place_token(&b->place, tok);
    } while (tok->type != TOKEN_EOF && !b->place.nodes.failed);
    tree_place_finish(&b->place);
    enum err e = b->place.nodes.failed;
    if (!e) {
        *out = b->place.nodes.doc;
        b->place.nodes.doc = NULL;
    }
    tree_place_clear(&b->place);
    mem_free(b);
    return e;
}
