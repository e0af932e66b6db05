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

/* What is said of a pause: as an event, after the host's name, and as the rule of its URLs. */
struct cause {
    const char *event, *rule;
};

/* The run does not wait so long: until then the URLs of all hosts of h's site are deferred. */
static void park_site(struct crawl *c, struct host *h, int64_t delay_ms, int64_t url_id, struct cause cause)
{
    deadline until = clock_after(clock_now_ns(), delay_ms * NS_PER_MS);

    crawl_event(c, "warn", "politeness", "host-deferred", url_id,
                "%s %s of %lld s", h->name, cause.event, (long long)(delay_ms / 1000));
    LIST_EACH(n, &h->site->hosts) {
        struct host *other = CONTAINER_OF(n, struct host, in_site);

        frontier_park(c->frontier, other, REASON_DEFERRED,
                      span_str(cause.rule), crawl_wall_of(c, until));
        outbox_park(c, other);
    }
}

bool pause_host(struct crawl *c, struct host *h, int64_t delay_ms, int64_t url_id)
{
    static const struct cause asked = { "asks for a pause", "the host asked for a pause" };

    h->site->failures++;
    politeness_back_off(frontier_politeness(c->frontier), h->site, clock_after(clock_now_ns(), delay_ms * NS_PER_MS));
    LIST_EACH(n, &h->site->hosts)
        outbox_save_host(c, CONTAINER_OF(n, struct host, in_site), NULL);
    if (delay_ms <= c->settings->max_wait_ms)
        return true;
    park_site(c, h, delay_ms, url_id, asked);
    return false;
}

static bool is_silence(const struct fetch_result *got)
{
    switch (got->outcome) {
    case FETCH_DNS_FAILED: return !got->is_name_unknown; /* those are known to have no address */
    case FETCH_CONNECT_FAILED:
    case FETCH_TLS_FAILED:
    case FETCH_TIMEOUT:
    case FETCH_CONNECTION_LOST: return !got->status_code;
    default: return false;
    }
}

int64_t pause_after_silence(struct site *site, deadline now, int64_t base_ms, int64_t most_ms)
{
    int64_t ms = base_ms;

    if (MAX(site->silent_until, site->backoff_until) > now || ++site->silences < PAUSE_SILENCES)
        return 0;
    for (int i = PAUSE_SILENCES - 4; i < site->silences && ms <= most_ms; i++)
        ms *= 2;
    site->silent_until = clock_after(now, ms * NS_PER_MS);
    return ms;
}

void pause_note_answer(struct crawl *c, struct host *h, const struct fetch_result *got, int64_t url_id)
{
    static const struct cause silent = { "does not answer, and gets a pause", VOCAB_SILENT_HOST };
    struct site *site = h->site;
    int64_t delay_ms, most_ms = c->settings->max_wait_ms;

    if (got->status_code)
        site->silences = 0;
    delay_ms = is_silence(got) ? pause_after_silence(site, loop_now(c->loop), c->retry.base_delay_ms, most_ms) : 0;
    if (!delay_ms)
        return;
    if (delay_ms > most_ms) {
        c->counts.hosts_given_up++;
        park_site(c, h, delay_ms, url_id, silent);
        return;
    }
    crawl_event(c, "warn", "politeness", "host-silent", url_id,
                "%s has not answered %d requests in a row: none for %lld s", h->name, site->silences,
                (long long)(delay_ms / 1000));
    politeness_hold(frontier_politeness(c->frontier), site, site->silent_until);
}

void pause_keep(struct crawl *c, struct host *h, const struct fetch_result *got)
{
    if (pause_is_asked(got))
        pause_host(c, h, pause_decide(c, h, got, 0).delay_ms, 0);
}
