/* SPDX-License-Identifier: MIT */
#include "crawler/completion.h"

#include <stdio.h>
#include <unistd.h>

#include "config/io.h"
#include "crawler/command.h"

enum err completion_format(struct span shell, struct buf *out)
{
    if (span_eq(shell, SPAN("bash")))
        return completion_bash(out);
    if (span_eq(shell, SPAN("zsh")))
        return completion_zsh(out);
    return span_eq(shell, SPAN("fish")) ? completion_fish(out) : ERR_NOT_FOUND;
}

int completion_print(const char *shell)
{
    const struct err_note note = { "" };
    struct buf out;
    int code;
    enum err e;

    buf_init(&out, (size_t)MIB);
    e = completion_format(span_str(shell), &out);
    if (e == ERR_NOT_FOUND) {
        fprintf(stderr, "crawl: --completion %s: it must be one of bash, zsh, fish\n",
                shell ? shell : "");
        code = 2;
    } else {
        if (!e)
            e = io_write_all(STDOUT_FILENO, buf_span(&out));
        code = e ? command_fail("", e, &note) : 0;
    }
    buf_clear(&out);
    return code;
}
