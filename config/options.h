/* SPDX-License-Identifier: MIT */
/*
 * Options as data: one table feeds the command line, the configuration file,
 * the environment, --help and completions. A table describes the fields of a
 * plain struct; parsing writes them. Errors name the option, its place, what
 * it may be, and for an unknown name the nearest right one.
 */
#pragma once

#include "config/buf.h"
#include "config/err.h"
#include "config/span.h"

enum option_type {
    OPTION_FLAG,     /* bool; no value (or yes/no, true/false, on/off, 1/0 with '=' or in a file) */
    OPTION_COUNT,    /* int64_t; "none" = -1 where the range allows it */
    OPTION_DURATION, /* int64_t milliseconds; needs a unit: ms, s, m, h, d; "0"; "none" = -1 */
    OPTION_SIZE,     /* int64_t bytes; K, M, G (powers of 1024); "none" = -1 */
    OPTION_CHOICE,   /* int; one of the words in choices, separated by '|' */
    OPTION_TEXT,     /* char *, owned by the struct; one line, at least min bytes */
    OPTION_LIST,     /* struct text_list, each use appends; value and tag are kept; lines as TEXT */
};

/* One table row. */
struct option_spec {
    const char *name;    /* without dashes */
    char letter;         /* 0 = none */
    enum option_type type;
    size_t field;        /* offset in the struct */
    int64_t min, max;    /* of COUNT, DURATION, SIZE; min -1 allows "none". TEXT, LIST: min is a length */
    const char *initial; /* default as a user would write it; NULL = zero/empty */
    const char *choices; /* CHOICE: "a|b|c", numbered from 0; LIST: words that a comma separates, or NULL */
    int tag;             /* LIST: kept with each value (include or exclude) */
    const char *value;   /* what --help calls the value */
    const char *help;
    const char *group;   /* heading in --help; NULL = the same as the row before */
};

struct text_item {
    char *text;  /* owned */
    char *where; /* whence, for an error: "--exclude", "crawl.conf:7: exclude"; owned */
    int tag;
};
struct text_list {
    struct text_item *items;
    size_t len;
};

/* Frees what it owns; it is empty then. */
void options_clear_list(struct text_list *list);

/* The table as a whole. */
struct option_table {
    const struct option_spec *specs;
    size_t n_specs;
};

/* Sets every field to its default. target must be zeroed or filled before. */
void options_set_defaults(const struct option_table *t, void *target);

/* Frees what the fields own. */
void options_clear(const struct option_table *t, void *target);

/* The row of that name, or NULL. */
const struct option_spec *options_find(const struct option_table *t, struct span name);

/*
 * Sets one field from text. where says whence, for the error: "--depth",
 * "crawl.conf:7", "CRAWL_DEPTH". ERR_USAGE.
 */
enum err options_set(const struct option_table *t, void *target, const struct option_spec *spec,
                     struct span value, const char *where, struct err_note *note) MUST_USE;

/* What a value may be, in words: "a whole number from 1 to 100, or none". Cut at size. */
void options_describe(const struct option_spec *spec, char *out, size_t size);

/* Fills note with "unknown WHAT 'name' (WHERE); did you mean 'x'?" and returns ERR_USAGE. */
enum err options_unknown(const struct option_table *t, struct span name, const char *where,
                         struct err_note *note);

/*
 * Reads argv[1..]: options into target, the rest into *operands (pointers into
 * argv; the caller frees the array with mem_free). "--" ends the options; "-"
 * and what begins with "--" and a blank, as a comment in SQL does, are operands.
 */
enum err options_parse_args(const struct option_table *t, void *target, int argc, char **argv,
                            char ***operands, size_t *n_operands, struct err_note *note) MUST_USE;

/* Appends the options part of --help, in lines of at most columns where words allow that. */
enum err options_help(const struct option_table *t, size_t columns, struct buf *out) MUST_USE;

/* "5m" and the like: the value of a duration or a size; ERR_INVALID. */
enum err options_parse_duration(struct span s, int64_t *out_ms) MUST_USE;
enum err options_parse_size(struct span s, int64_t *out_bytes) MUST_USE;

/* The word nearest to name among n words, or NULL when none is near. */
const char *options_nearest(struct span name, const char *const *words, size_t n);
