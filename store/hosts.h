/* SPDX-License-Identifier: MIT */
/*
 * Origins: their rows, their politeness state and their robots.txt. A small
 * memory of ids stands in front of the table.
 */
#pragma once

#include "store/core.h"

struct hosts;

/* Remembers nothing yet. Heap; the caller frees it. */
struct hosts *hosts_new(void);
/* NULL is fine. */
void hosts_free(struct hosts *h);

/* STORE_HOST_SITEMAPS: a row of meta for each origin whose sitemaps the run has not read to their end. */
#define HOSTS_UNREAD_SITEMAPS "name GLOB 'unread_sitemaps *'"
enum err hosts_note_sitemaps(struct core *c, int64_t host_id, bool are_read);

/*
 * The row of the offer's origin, made if need be; 0 for what is not http(s), and after
 * an error.
 */
int64_t hosts_id(struct core *c, const struct store_offer *o);

/* Fills s (but for host_id, which says which) from the file; texts go into mem. */
enum err hosts_load(struct core *c, struct store_host_state *s, struct arena *mem);

/* Writes s; robots.txt only when has_robots, and then what an older text excluded is queued again. */
enum err hosts_save(struct core *c, struct store_host_state *s);

#define HOSTS_PORTS ((struct db_range){ 1, UINT16_MAX })

/* Could this program have written this row? Its names are as long as a name may be, and its ids count from 1. */
bool hosts_is_ours(const struct store_origin *o);

/* The origin of a row; host lies in mem. False when there is none, or it is not ours. */
bool hosts_origin(struct core *c, int64_t id, struct arena *mem,
                  struct store_origin *out);
