/* SPDX-License-Identifier: MIT */
/*
 * The configuration file: INI as libinih reads it. Keys at the top are option
 * names; a section [host "PATTERN"] sets delay, per-host, max-pages-per-host,
 * insecure and header for the hosts that match.
 */
#pragma once

#include "config/settings.h"

/* Reads text into s. ERR_USAGE: the note names path:line, the key and what it may be. */
enum err settings_file_read(struct settings *s, const char *path, struct span text,
                            struct err_note *note) MUST_USE;
