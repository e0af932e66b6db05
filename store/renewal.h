/* SPDX-License-Identifier: MIT */
/*
 * Full text anew. FTS5 keeps the words of a text until they are taken out one by one, for which one would need the
 * text; page_text has none (contentless). So with every page that changes, words stay in the file that nothing leads
 * to. With --keep-history, where most of the texts are such, those in use are indexed again in a table of their own
 * (page_text_new), from the stored bodies, and it takes the place of the old one. Until then everybody
 * searches the old one; a new table that was left half done is dropped when it is begun again, or at the next start.
 *
 * A text whose body is not stored can only be had from its server. Where such texts are all that is in the way, and
 * bodies are stored by now, meta.texts_lost says so, and the next run asks for their pages without condition: an answer
 * of 200 with the same content brings the body for the text that is there.
 */
#pragma once

#include "store/core.h"

/* What lies half done from an earlier try. */
#define RENEWAL_DROP_SQL "DROP TABLE IF EXISTS page_text_new;"

/* At the start of a run: is it to ask so? */
bool renewal_lacks_bodies(struct core *c);

/* STORE_TEXTS: a step of it, in the transaction that is open. */
enum err renewal_step(struct core *c, struct store_op *op);
