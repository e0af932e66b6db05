/* SPDX-License-Identifier: MIT */
#include "fetch/retry.h"

/* Promise P14: what an answer may ask for at most. */
#define RETRY_AFTER_MAX_MS INT64_C(3600000)
/* fetch/dns.h remembers a failing server this long; asking sooner asks nobody. */
#define DNS_RETRY_MIN_MS INT64_C(31000)

enum concern {
    CONCERNS_NOBODY, /* final */
    CONCERNS_URL,
    CONCERNS_HOST,
};

static enum concern concern_of_status(int status_code)
{
    switch (status_code) {
    case 429: /* RFC 6585 §4 */
    case 503: /* RFC 9110 §15.6.4 */ return CONCERNS_HOST;
    case 408: /* RFC 9110 §15.5.9 */
    case 421: /* RFC 9110 §15.5.20 */
    case 425: /* RFC 8470 §5.2 */ return CONCERNS_URL;
    default:
        return status_code >= 500 && status_code <= 599 ? CONCERNS_URL
                                                        : CONCERNS_NOBODY;
    }
}

static enum concern concern_of(enum fetch_outcome outcome, int status_code)
{
    switch (outcome) {
    case FETCH_HTTP_ERROR: return concern_of_status(status_code);
    case FETCH_DNS_FAILED:
    case FETCH_CONNECT_FAILED:
    case FETCH_TIMEOUT:
    case FETCH_CONNECTION_LOST:
    case FETCH_INCOMPLETE: return CONCERNS_URL;
    default: return CONCERNS_NOBODY;
    }
}

/* base * 2^attempt, +-25 %, at most max. */
static int64_t backoff_ms(const struct retry_options *o, int attempt, uint64_t random)
{
    int64_t delay = MIN(o->base_delay_ms, o->max_delay_ms);

    for (int i = 0; i < attempt && delay < o->max_delay_ms; i++)
        delay = MIN(delay * 2, o->max_delay_ms);

    int64_t swing = delay / 2;

    if (swing > 0)
        delay += (int64_t)(random % (uint64_t)(swing + 1)) - swing / 2;
    return MIN(delay, o->max_delay_ms);
}

struct retry_verdict retry_decide(const struct retry_options *o,
                                  enum fetch_outcome outcome, int status_code,
                                  int attempt, int64_t retry_after_ms, uint64_t random)
{
    enum concern concern = concern_of(outcome, status_code);
    int64_t stated_ms = MIN(retry_after_ms, RETRY_AFTER_MAX_MS);
    struct retry_verdict v = { RETRY_NO, 0 };

    if (concern == CONCERNS_NOBODY)
        return v;
    v.delay_ms = backoff_ms(o, attempt, random);
    if (outcome == FETCH_DNS_FAILED)
        v.delay_ms = MAX(v.delay_ms, DNS_RETRY_MIN_MS);
    if (concern == CONCERNS_HOST && stated_ms > 0)
        v.delay_ms = stated_ms;
    v.delay_ms = MAX(v.delay_ms, stated_ms);

    if (attempt < o->max_retries)
        v.action = concern == CONCERNS_HOST ? RETRY_HOST_WAIT : RETRY_LATER;
    else if (concern == CONCERNS_URL)
        v.delay_ms = 0;
    return v;
}
