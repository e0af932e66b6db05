/* SPDX-License-Identifier: MIT */
/*
 * What a descriptor is to a person: a terminal of some size that may have bold
 * text, or a file or pipe, where everything stays plain and nothing is cut.
 */
#pragma once

#include "config/buf.h"

struct terminal {
    bool is_terminal;
    bool has_style; /* TERM is not dumb, NO_COLOR not set (no-color.org) */
    int columns, rows;
};

struct terminal terminal_of(int fd);

enum terminal_style {
    STYLE_BOLD,
    STYLE_DIM,
};

/* Appends text in that style, or plainly; text is not escaped. Errors of buf_append. */
enum err terminal_put(struct buf *out, const struct terminal *t,
                      enum terminal_style style, struct span text) MUST_USE;
