/* SPDX-License-Identifier: MIT */
/*
 * Pauses that a host asks for: 429 and 503 stop the whole host, whatever they
 * answer, page or sitemap (promise P14). How long, and what then holds of its
 * queue. Nothing here suspends.
 */
#pragma once

#include "crawler/crawl.h"
#include "fetch/retry.h"

/* 429 and 503 are about the host, not what was asked for. */
bool pause_is_asked(const struct fetch_result *got);

/*
 * Is a URL of h to be tried again after this answer, and when? Without a stated
 * time the pause of a host grows with its failures in a row, whichever URLs they
 * hit. attempt as retry_decide.
 */
struct retry_verdict pause_decide(const struct crawl *c, const struct host *h,
                                  const struct fetch_result *got, int attempt);

/*
 * All hosts of h's site wait for delay_ms. False when that is longer than
 * --max-wait: they are parked instead, and an event about url_id (0: none) says so.
 */
bool pause_host(struct crawl *c, struct host *h, int64_t delay_ms, int64_t url_id);

/*
 * A page request to h got an answer, or none. A site that has not answered PAUSE_SILENCES requests in a row is asked
 * less and less: it pauses, twice as long each time, as after 503, and is parked where that is longer than --max-wait.
 * Else a dead host's URLs would each wait out their tries, for days; and when it is our own network that is down, few
 * of them fail meanwhile.
 */
#define PAUSE_SILENCES 10
void pause_note_answer(struct crawl *c, struct host *h, const struct fetch_result *got, int64_t url_id);

/*
 * Of that, the counting: a request to site got no answer. How long it pauses for that, in ms; 0: not; more than
 * most_ms: it is parked. Those that were on their way when a pause began say nothing new: however many there are, the
 * next pause is twice as long, no more. The file does not know such a pause: the next start asks at once.
 */
int64_t pause_after_silence(struct site *site, deadline now, int64_t base_ms, int64_t most_ms);

/* What an answer that is no page's asks for. */
void pause_keep(struct crawl *c, struct host *h, const struct fetch_result *got);
