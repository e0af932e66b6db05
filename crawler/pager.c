/* SPDX-License-Identifier: MIT */
#include "crawler/pager.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "config/io.h"
#include "config/mem.h"
#include "crawler/width.h"

#define MAX_HELD ((size_t)16 * MIB)

struct pager {
    int fd;
    struct terminal terminal;
    bool is_passing;
    struct buf held;
    int rows;  /* of the screen that held takes */
    int to;    /* the pager's standard input, or -1 */
    pid_t pid; /* 0: none was started */
};

static const char *program(void)
{
    const char *name = getenv("PAGER");

    return name ? name : "less";
}

struct pager *pager_open(int fd, bool is_wanted)
{
    struct pager *p = mem_alloc(sizeof *p);
    const char *name = program(), *term = getenv("TERM");
    bool is_dumb = !term || strcmp(term, "dumb") == 0; /* less would ask whether that is meant, page by page */

    p->fd = fd;
    p->to = -1;
    p->terminal = terminal_of(fd);
    p->is_passing = !p->terminal.is_terminal || !is_wanted || !*name ||
                    strcmp(name, "cat") == 0 || is_dumb || !isatty(STDIN_FILENO);
    buf_init(&p->held, MAX_HELD);
    return p;
}

const struct terminal *pager_terminal(const struct pager *p)
{
    return &p->terminal;
}

/* --- the pager's process ------------------------------------------------------------------ */

/* In the child. Where there is no pager, everything is printed all the same. */
NORETURN static void become_pager(int from, int to)
{
    const char *name = program();
    char block[4096];
    ssize_t n;

    signal(SIGPIPE, SIG_DFL);
    signal(SIGINT, SIG_DFL);
    setenv("LESS", "FRX", 0);
    setenv("LESSCHARSET", "utf-8", 0); /* whatever the locale: so is all that we print */
    if (dup2(from, STDIN_FILENO) < 0 || dup2(to, STDOUT_FILENO) < 0)
        _exit(1);
    if (getenv("PAGER"))
        execl("/bin/sh", "sh", "-c", name, (char *)NULL);
    else
        execlp(name, name, (char *)NULL);
    while ((n = read(STDIN_FILENO, block, sizeof block)) > 0)
        if (io_write_all(STDOUT_FILENO, span_make(block, (size_t)n)))
            _exit(1);
    _exit(0);
}

/* Without one, for lack of processes say, what is held is printed as it is. */
static void start(struct pager *p)
{
    int ends[2];

    if (pipe2(ends, O_CLOEXEC)) {
        p->is_passing = true;
        return;
    }
    p->pid = fork();
    if (p->pid == 0)
        become_pager(ends[0], p->fd);
    close(ends[0]);
    if (p->pid < 0) {
        close(ends[1]);
        p->pid = 0;
        p->is_passing = true;
        return;
    }
    p->to = ends[1];
    signal(SIGINT, SIG_IGN); /* ^C is the pager's; leaving it ends us */
}

static enum err hand_over(struct pager *p)
{
    enum err e = io_write_all(p->pid ? p->to : p->fd, buf_span(&p->held));

    buf_reset(&p->held);
    return e;
}

/* --- writing -------------------------------------------------------------------------------- */

/* Style sequences count as columns here: at worst the pager comes a line early. */
static int rows_of(const struct pager *p, struct span s)
{
    struct span line;
    int rows = 0;

    while (span_split(&s, '\n', &line))
        rows += 1 + MAX(0, width_of(line) - 1) / p->terminal.columns;
    return rows;
}

enum err pager_write(struct pager *p, struct span s)
{
    enum err e;

    if (p->is_passing)
        return io_write_all(p->fd, s);
    if (p->pid)
        return io_write_all(p->to, s);
    e = buf_append(&p->held, s);
    if (e == ERR_TOO_LARGE) { /* one piece of many megabytes */
        start(p);
        e = hand_over(p);
        return e ? e : pager_write(p, s);
    }
    p->rows += rows_of(p, s);
    if (e || p->rows < p->terminal.rows)
        return e;
    start(p);
    return hand_over(p);
}

enum err pager_close(struct pager *p)
{
    enum err e = OK;

    if (!p)
        return OK;
    if (p->held.len)
        e = hand_over(p);
    if (p->to >= 0)
        close(p->to);
    while (p->pid && waitpid(p->pid, NULL, 0) < 0 && errno == EINTR)
        ;
    if (p->pid)
        signal(SIGINT, SIG_DFL);
    buf_clear(&p->held);
    mem_free(p);
    return e;
}
