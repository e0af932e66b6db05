/* SPDX-License-Identifier: MIT */
/*
 * The configuration file: INI lines "key = value", where keys are option names,
 * blank lines, and comments that begin with '#' or ';'. A section
 * [host "PATTERN"] sets delay, per-host, max-pages-per-host, insecure and
 * header for the hosts that match; a section [extract "NAME"] says what to pick
 * out of pages (config/settings_extract.h). A value is the rest of its line without
 * white space around it: no quotes, no escapes, no comments behind it. Lines
 * may be indented and of any length, end in CRLF, and follow a byte order mark.
 */
#pragma once

#include "config/settings.h"

/* What a [host] section may say: rows over struct host_settings, named as the options whose help is theirs. */
extern const struct option_table settings_host_table;

/* Reads text into s. ERR_USAGE: the note names path:line, the key and what it may be. */
enum err settings_file_read(struct settings *s, const char *path, struct span text,
                            struct err_note *note) MUST_USE;
