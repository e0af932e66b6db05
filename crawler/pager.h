/* SPDX-License-Identifier: MIT */
/*
 * Standard output for people: what is longer than the terminal's screen goes
 * through a pager ($PAGER, or less with -FRX), what fits is printed as it is,
 * and to a file or pipe everything goes at once and untouched.
 *
 *   holding  -> paging  a screen is full: the pager is started and gets it all
 *   holding  -> over    it fitted: printed
 *   passing             no terminal, or no pager wanted
 *
 * A pager that the user leaves ends the writing: ERR_IO with errno EPIPE.
 */
#pragma once

#include "config/err.h"
#include "crawler/terminal.h"

struct pager;

/* On fd. is_wanted false: never a pager. SIGPIPE must be ignored. */
struct pager *pager_open(int fd, bool is_wanted);
const struct terminal *pager_terminal(const struct pager *p);

/* ERR_IO (errno says), ERR_NO_MEMORY. */
enum err pager_write(struct pager *p, struct span s) MUST_USE;

/* Prints what is held, waits until the user has left the pager. ERR_IO. NULL is fine. */
enum err pager_close(struct pager *p) MUST_USE;
