/* SPDX-License-Identifier: MIT */
/*
 * Should a URL be tried again, and when? A pure function of what happened.
 */
#pragma once

#include "fetch/result.h"

struct retry_options {
    int max_retries;       /* after the first try */
    int64_t base_delay_ms; /* 1 s, doubled each time, +-25 % jitter */
    int64_t max_delay_ms;  /* 60 s */
};

enum retry_action {
    RETRY_NO,        /* the outcome stands */
    RETRY_LATER,     /* this URL again after delay_ms */
    RETRY_HOST_WAIT, /* 429/503: the whole host waits delay_ms, then this URL again */
};

struct retry_verdict {
    enum retry_action action;
    int64_t delay_ms;
};

/*
 * attempt counts from 0. retry_after_ms: what the answer said, or -1. random
 * is any 64-bit value, for the jitter. 429 and 503 concern the host (RFC 6585
 * §4, RFC 9110 §15.6.4), 408, 425 and other 5xx, time-outs, lost or incomplete
 * transfers, refused connections and failing name servers the URL; everything
 * else is final (so is a result with is_name_unknown: do not ask here).
 * Retry-After counts up to an hour. With RETRY_NO after 429 and 503 delay_ms
 * still says how long the host must be left alone; else it is 0.
 */
struct retry_verdict retry_decide(const struct retry_options *o, enum fetch_outcome outcome,
                                  int status_code, int attempt, int64_t retry_after_ms,
                                  uint64_t random);
