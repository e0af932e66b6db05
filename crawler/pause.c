/* SPDX-License-Identifier: MIT */
#include "crawler/pause.h"

#include <limits.h>
#include <sys/random.h>

#include "config/clock.h"
#include "crawler/outbox.h"
#include "parse/header.h"

#define MAX_RETRY_AFTER_MS INT64_C(3600000)

bool pause_is_asked(const struct fetch_result *got)
{
    return got->outcome == FETCH_HTTP_ERROR &&
           (got->status_code == 429 || got->status_code == 503);
}

/* What the answer says, within reason; -1 when it says nothing that can be read. */
static int64_t stated_ms(const struct crawl *c, const struct fetch_result *got)
{
    int64_t ms = -1;

    if (got->retry_after.len &&
        header_retry_after(got->retry_after, clock_wall_ms(), &ms))
        return -1;
    return MIN(ms, MAX(MAX_RETRY_AFTER_MS, c->settings->max_wait_ms + 1));
}

struct retry_verdict pause_decide(const struct crawl *c, const struct host *h,
                                  const struct fetch_result *got, int attempt)
{
    const struct retry_options host = { INT_MAX, c->retry.base_delay_ms,
                                        MAX_RETRY_AFTER_MS };
    int64_t stated = stated_ms(c, got);
    struct retry_verdict verdict;
    uint64_t noise = 0;

    if (getrandom(&noise, sizeof noise, GRND_NONBLOCK) < 0)
        noise = (uint64_t)clock_now_ns();
    verdict =
        retry_decide(&c->retry, got->outcome, got->status_code, attempt, stated, noise);
    if (pause_is_asked(got) && stated <= 0)
        verdict.delay_ms = retry_decide(&host, got->outcome, got->status_code,
                                        h->site->failures, -1, noise)
                               .delay_ms;
    else if (!pause_is_asked(got) && stated > c->settings->max_wait_ms)
        verdict.action = RETRY_NO; /* the run does not wait so long for one URL */
    return verdict;
}

bool pause_host(struct crawl *c, struct host *h, int64_t delay_ms, int64_t url_id)
{
    deadline until = clock_after(clock_now_ns(), delay_ms * NS_PER_MS);

    h->site->failures++;
    politeness_back_off(frontier_politeness(c->frontier), h->site, until);
    LIST_EACH(n, &h->site->hosts)
        outbox_save_host(c, CONTAINER_OF(n, struct host, in_site), NULL);
    if (delay_ms <= c->settings->max_wait_ms)
        return true;
    crawl_event(c, "warn", "politeness", "host-deferred", url_id,
                "%s asks for a pause of %lld s", h->name, (long long)(delay_ms / 1000));
    LIST_EACH(n, &h->site->hosts) {
        struct host *other = CONTAINER_OF(n, struct host, in_site);

        frontier_park(c->frontier, other, REASON_DEFERRED,
                      SPAN("the host asked for a pause"), crawl_wall_of(c, until));
        outbox_park(c, other);
    }
    return false;
}

void pause_keep(struct crawl *c, struct host *h, const struct fetch_result *got)
{
    if (pause_is_asked(got))
        pause_host(c, h, pause_decide(c, h, got, 0).delay_ms, 0);
}
