/* SPDX-License-Identifier: MIT */
/*
 * Text of our own, as help is, filled into lines of a given width. It is ASCII: a byte is a column. Words longer than a
 * line stick out.
 */
#pragma once

#include "config/buf.h"

/*
 * The words of text into *out, where a line has been begun and has column bytes; further lines begin with indent
 * spaces. Ends the last one. ERR_TOO_LARGE, ERR_NO_MEMORY.
 */
enum err fill_words(struct buf *out, struct span text, size_t column, size_t indent, size_t columns) MUST_USE;

/*
 * A page of several lines: what begins at the margin is filled as a paragraph; of an indented line ("  name  what it
 * is") what follows the first two spaces hangs below itself, together with the lines that begin in its column.
 * The same errors.
 */
enum err fill_page(struct buf *out, struct span page, size_t columns) MUST_USE;
