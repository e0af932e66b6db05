/* SPDX-License-Identifier: MIT */
/*
 * What a whole-program test stands on: an origin, the program's folder, and
 * short words for routes. $PORT in seeds, headers and TEXT_OF is the origin's port.
 */
#pragma once

#include "tests/kit/program.h"
#include "tests/kit/traffic.h"

#define HTML  "Content-Type: text/html\r\n"
#define PLAIN "Content-Type: text/plain\r\n"
#define XML   "Content-Type: application/xml\r\n"
/* A body as an initialiser. */
#define LIT(text)              \
    {                          \
        text, sizeof(text) - 1 \
    }
/* A body in which $PORT is filled in. */
#define TEXT_OF(text) .generate = origin_text, .arg = (void *)(uintptr_t)(text)
#define PAGE          LIT("<title>Page</title>")
#define LINK(path)    "<a href=" path ">x</a>"
#define NO_ROBOTS                            \
    {                                        \
        .path = "/robots.txt", .status = 404 \
    }
#define MOVED_TO(from, to)                                             \
    {                                                                  \
        .path = from, .status = 302, .headers = "Location: " to "\r\n" \
    }
/* Arguments of the program; ends with NULL, which the caller writes. */
#define ARGS (const char *const[])

struct rig {
    struct origin *o;
    struct program p;
};

/* Starts the origin, makes the folder, writes seeds.txt. */
void rig_open(struct rig *g, const struct origin_options *options, const char *seeds);
void rig_close(struct rig *g);

/* A generate: 302, unless the request brings the cookie pass=1; then a page with the title Inside. */
void rig_wall(void *arg, const struct origin_request *r, int *io_status, struct buf *out);

#define RIG_OPEN(g, table, addresses, seeds)                         \
    rig_open(g,                                                      \
             &(struct origin_options){ .routes = table,              \
                                       .n_routes = ARRAY_LEN(table), \
                                       .n_addresses = addresses },   \
             seeds)

/* Start of the nth matching request in microseconds (-1: none), and its end (INT64_MAX: none). */
int64_t rig_start_us(const struct rig *g, const char *host, const char *path, size_t n);
int64_t rig_end_us(const struct rig *g, const char *host, const char *path, size_t n);

/* A column or expression of the urls row whose URL matches this LIKE pattern; as program_text. */
const char *rig_url(struct rig *g, const char *pattern, const char *column);
