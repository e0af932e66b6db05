/* SPDX-License-Identifier: MIT */
/*
 * What a page says about itself to machines, collected when --facts asks for
 * it: JSON-LD blocks, OpenGraph and Twitter card fields, microdata. One pass
 * over the tokens, no tree; text inside template counts for nothing.
 *
 *   json_ld    [{"type":"Product","data":{...}}, ...]; a list in a block gives one each; a block
 *              that is no valid JSON gives {"type":null,"error":"no valid JSON"}
 *   opengraph  {"title":"..","image":["..",".."],"article:author":".."}: og: is left out of names
 *   twitter    {"card":"..", ...}
 *   microdata  as parse/microdata.h
 *   facts_cut  true when something was over a limit and left out
 *
 * Sizes of blocks, fields and of the whole are bounded. Nothing here suspends
 * or keeps state.
 */
#pragma once

#include "config/arena.h"
#include "config/buf.h"
#include "parse/url.h"

/* What metadata_put appends is never longer. */
#define METADATA_MAX_BYTES ((size_t)272 * 1024)

/*
 * Appends the members that the page has, each with a comma before it. base is
 * the document's base URL, is_xml says how "<script/>" is read. ERR_TOO_LARGE
 * when mem or out is full, ERR_NO_MEMORY.
 */
enum err metadata_put(struct span utf8, bool is_xml, const struct url *base,
                      struct arena *mem, struct buf *out) MUST_USE;
