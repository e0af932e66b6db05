/* SPDX-License-Identifier: MIT */
#include "crawler/terminal.h"

#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#define LEAST_COLUMNS 20

struct terminal terminal_of(int fd)
{
    struct terminal t = { .is_terminal = isatty(fd) == 1, .columns = 80, .rows = 24 };
    const char *term = getenv("TERM"), *no_color = getenv("NO_COLOR");
    struct winsize size;

    if (!t.is_terminal)
        return t;
    t.has_style = term && strcmp(term, "dumb") != 0 && !(no_color && *no_color);
    if (ioctl(fd, TIOCGWINSZ, &size) == 0 && size.ws_col && size.ws_row) {
        t.columns = MAX((int)size.ws_col, LEAST_COLUMNS);
        t.rows = size.ws_row;
    }
    return t;
}

enum err terminal_put(struct buf *out, const struct terminal *t,
                      enum terminal_style style, struct span text)
{
    enum err e = OK;

    if (t->has_style)
        e = buf_append(out, style == STYLE_BOLD ? SPAN("\033[1m") : SPAN("\033[2m"));
    if (!e)
        e = buf_append(out, text);
    return e || !t->has_style ? e : buf_append(out, SPAN("\033[0m"));
}
