/* SPDX-License-Identifier: MIT */
/*
 * Whole reads and writes over file descriptors, with EINTR handled and every
 * new descriptor close-on-exec.
 */
#pragma once

#include "config/buf.h"
#include "config/err.h"

/* Writes all of s. ERR_IO with errno set. */
enum err io_write_all(int fd, struct span s) MUST_USE;

/* Appends everything up to end of file. ERR_IO (errno set), ERR_TOO_LARGE, ERR_NO_MEMORY. */
enum err io_read_all(int fd, struct buf *out) MUST_USE;

/* A whole file; "-" is standard input. The note names the file and the cause. */
enum err io_read_file(const char *path, struct buf *out,
                      struct err_note *note) MUST_USE;

/*
 * Would fd take a record of up to PIPE_BUF bytes without waiting, now or within wait_ms?
 * A file always does; a pipe whose reader has stopped does not.
 */
bool io_can_write(int fd, int wait_ms);

/*
 * If fd is a pipe, it holds a MiB from now on, where the system allows that: who writes much into one of 64 KiB waits
 * for its reader all the time, and it for us.
 */
void io_widen_pipe(int fd);

/* Can one more descriptor be had? Errors other than that there are none left count as yes. */
bool io_can_open(void);

/* Replaces path with s atomically (temporary file beside it, then rename). Mode 0600. */
enum err io_replace_file(const char *path, struct span s,
                         struct err_note *note) MUST_USE;

/*
 * Puts s where a user said: "-" is standard output; a regular file, or none yet, is replaced as by io_replace_file;
 * pipes and devices are written to, which may wait for a reader. A symbolic link is ERR_REFUSED.
 */
enum err io_put_file(const char *path, struct span s, struct err_note *note) MUST_USE;

/* Opens /dev/null on whichever of 0, 1, 2 are closed, so that no later file lands there. */
void io_reserve_standard(void);

/* Raises the soft limit of open files to the hard one and returns it. */
int64_t io_raise_open_files(void);

/* Leaves the limit room for n descriptors above those that are open? Those closed in between do not count. */
bool io_has_room_for(int64_t n);
