/* SPDX-License-Identifier: MIT */
/*
 * Where SVG and MathML content begins and ends, as far as a tokenizer must
 * know (HTML standard §13.2.6, "tree construction dispatcher", and §13.2.6.5).
 *
 * Without a tree only the elements that switch are remembered: roots (svg,
 * math) and the integration points inside them, where HTML rules hold again.
 * An HTML end tag that cannot belong to an element inside is taken as the end
 * of an ancestor. Deeper nesting than TOKENIZER_MAX_FOREIGN is not followed.
 */
#pragma once

#include "parse/tokenizer.h"

/* Would the next tag be in foreign content? (CDATA sections exist only there.) */
bool tokenizer_foreign_is_open(const struct tokenizer *t);

/* Takes note of the tag in t->tok; is its element foreign? */
bool tokenizer_foreign_track(struct tokenizer *t);
