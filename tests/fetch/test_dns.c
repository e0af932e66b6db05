/* SPDX-License-Identifier: MIT */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <unistd.h>

#include <cmocka.h>

#include "config/clock.h"
#include "config/io.h"
#include "config/mem.h"
#include "fetch/address.h"
#include "fetch/dns.h"
#include "tests/kit/nameserver.h"

enum record {
    REC_TWO,
    REC_SHORT_1,
    REC_SHORT_2,
    REC_NOBODY,
    REC_EMPTY,
    REC_BROKEN,
    REC_REFUSED,
    REC_SILENT,
    REC_ALIAS,
    REC_LOOP,
    REC_MANY,
    REC_MASS,
    REC_GARBLED,
    REC_UNKNOWN_HERE,
};

/* Another server, which knows what the first will not tell. */
static const struct nameserver_record OTHER_RECORDS[] = {
    { .name = "helped.test", .addresses = "192.0.2.55", .ttl_s = 60 },
};

static const struct nameserver_record RECORDS[] = {
    [REC_TWO] = { .name = "two.test",
                  .addresses = "192.0.2.1 192.0.2.2 2001:db8::1",
                  .ttl_s = 300 },
    [REC_SHORT_1] = { .name = "short.test",
                      .addresses = "192.0.2.3",
                      .ttl_s = 1,
                      .uses = 2 },
    [REC_SHORT_2] = { .name = "short.test",
                      .addresses = "192.0.2.4",
                      .ttl_s = 100000000 },
    [REC_NOBODY] = { .name = "nobody.test", .code = NAMESERVER_NXDOMAIN },
    [REC_EMPTY] = { .name = "empty.test" },
    [REC_BROKEN] = { .name = "broken.test", .code = NAMESERVER_SERVFAIL },
    [REC_REFUSED] = { .name = "refused.test", .code = NAMESERVER_REFUSED },
    [REC_SILENT] = { .name = "*.silent.test", .is_silent = true },
    [REC_ALIAS] = { .name = "alias.test",
                    .cname = "real.test",
                    .addresses = "192.0.2.9",
                    .ttl_s = 60 },
    [REC_LOOP] = { .name = "loop.test", .cname = "loop.test", .ttl_s = 60 },
    [REC_MANY] = { .name = "many.test",
                   .addresses =
                       "192.0.2.1 192.0.2.2 192.0.2.3 192.0.2.4 192.0.2.5 192.0.2.6 "
                       "192.0.2.7 192.0.2.8 192.0.2.9 192.0.2.10 192.0.2.11 192.0.2.12 "
                       "192.0.2.13 192.0.2.14 192.0.2.15 192.0.2.16 192.0.2.17 "
                       "192.0.2.18 192.0.2.19 192.0.2.20 192.0.2.21 192.0.2.22 "
                       "192.0.2.23 192.0.2.24 192.0.2.25 192.0.2.26 192.0.2.27 "
                       "192.0.2.28 192.0.2.29 192.0.2.30 192.0.2.31 192.0.2.32 "
                       "192.0.2.33 192.0.2.34 192.0.2.35 192.0.2.36 192.0.2.37 "
                       "192.0.2.38 192.0.2.39 192.0.2.40",
                   .ttl_s = 60 },
    [REC_MASS] = { .name = "*.mass.test", .addresses = "192.0.2.7", .ttl_s = 60 },
    [REC_GARBLED] = { .name = "garbled.test", .is_garbled = true },
    [REC_UNKNOWN_HERE] = { .name = "helped.test", .code = NAMESERVER_REFUSED },
};

struct rig {
    struct nameserver *ns;
    struct loop *loop;
    struct sched *sched;
    struct dns *dns;
};

static int open_rig(void **state)
{
    struct rig *r = mem_alloc(sizeof(*r));

    r->ns = nameserver_start(RECORDS, ARRAY_LEN(RECORDS));
    BUG_IF(loop_open(&r->loop, NULL) || sched_open(r->loop, &r->sched, NULL));
    BUG_IF(dns_open(r->sched, span_str(nameserver_text(r->ns)), &r->dns, NULL) != OK);
    *state = r;
    return 0;
}

static int close_rig(void **state)
{
    struct rig *r = *state;

    dns_close(r->dns);
    sched_close(r->sched);
    loop_close(r->loop);
    nameserver_stop(r->ns);
    clock_fake_stop();
    mem_free(r);
    return 0;
}

/* One question and its answer; filled in on a coroutine, looked at by the test. */
struct ask {
    struct rig *rig;
    const char *host;
    int64_t until_ms; /* 0: no deadline */
    enum err err;
    struct dns_answer answer;
    int64_t took_ms;
};

static intptr_t ask_one(void *arg)
{
    struct ask *a = arg;
    int64_t started_at = clock_now_ns();
    deadline until =
        a->until_ms ? started_at + a->until_ms * NS_PER_MS : DEADLINE_NEVER;

    a->err = dns_resolve(a->rig->dns, span_str(a->host), until, &a->answer);
    a->took_ms = (clock_now_ns() - started_at) / NS_PER_MS;
    return 0;
}

static void ask_all(struct rig *r, struct ask *asks, size_t n)
{
    struct group *g = group_new(r->sched, NULL);

    group_set_detached(g);
    for (size_t i = 0; i < n; i++) {
        asks[i].rig = r;
        assert_int_equal(group_spawn(g, "ask", ask_one, &asks[i], NULL), OK);
    }
    sched_run(r->sched);
    group_free(g);
}

static struct ask ask(struct rig *r, const char *host)
{
    struct ask a = { .host = host };

    ask_all(r, &a, 1);
    assert_int_equal(a.err, OK);
    return a;
}

static bool has_address(struct ask a, const char *text)
{
    char out[ADDRESS_TEXT_SIZE];

    for (size_t i = 0; i < a.answer.n_addresses; i++)
        if (strcmp(address_format(&a.answer.addresses[i].any, out),
                   text) == 0)
            return true;
    return false;
}

static void both_families_are_found(void **state)
{
    struct ask a = ask(*state, "two.test");

    assert_int_equal(a.answer.status, DNS_FOUND);
    assert_int_equal(a.answer.n_addresses, 3);
    assert_true(has_address(a, "192.0.2.1"));
    assert_true(has_address(a, "192.0.2.2"));
    assert_true(has_address(a, "2001:db8::1"));
    assert_false(a.answer.was_cached);
    assert_null(a.answer.why);
}

static void the_second_time_nobody_is_asked(void **state)
{
    struct rig *r = *state;

    (void)ask(r, "two.test");
    size_t n = nameserver_n_queries(r->ns);
    struct ask a = ask(r, "two.test");

    assert_true(a.answer.was_cached);
    assert_int_equal(a.answer.n_addresses, 3);
    assert_int_equal(nameserver_n_queries(r->ns), n);
}

static void many_who_ask_at_once_make_one_lookup(void **state)
{
    struct rig *r = *state;
    struct ask asks[50];

    for (size_t i = 0; i < ARRAY_LEN(asks); i++)
        asks[i] = (struct ask){ .host = "two.test" };
    ask_all(r, asks, ARRAY_LEN(asks));

    for (size_t i = 0; i < ARRAY_LEN(asks); i++)
        assert_int_equal(asks[i].answer.n_addresses, 3);
    assert_int_equal(nameserver_n_met(r->ns, REC_TWO), 2); /* A and AAAA */
}

static void an_expired_name_is_asked_for_once_by_many(void **state)
{
    struct rig *r = *state;
    struct ask asks[3];

    clock_fake_start(clock_now_ns(), clock_wall_ms());
    (void)ask(r, "two.test");
    clock_fake_advance(301 * NS_PER_S);
    for (size_t i = 0; i < ARRAY_LEN(asks); i++)
        asks[i] = (struct ask){ .host = "two.test" };
    ask_all(r, asks, ARRAY_LEN(asks));

    for (size_t i = 0; i < ARRAY_LEN(asks); i++) {
        assert_int_equal(asks[i].answer.n_addresses, 3);
        assert_false(asks[i].answer.was_cached);
    }
    assert_int_equal(nameserver_n_met(r->ns, REC_TWO), 4);
    assert_true(ask(r, "two.test").answer.was_cached);
}

/* Each server has a socket of its own. */
static void what_one_server_refuses_another_may_know(void **state)
{
    struct rig *r = *state;
    struct nameserver *other = nameserver_start(OTHER_RECORDS, ARRAY_LEN(OTHER_RECORDS));
    char both[128];
    struct ask a;

    (void)snprintf(both, sizeof(both), "%s,%s", nameserver_text(r->ns), nameserver_text(other));
    dns_close(r->dns);
    assert_int_equal(dns_open(r->sched, span_str(both), &r->dns, NULL), OK);
    a = ask(r, "helped.test");
    nameserver_stop(other);

    assert_true(has_address(a, "192.0.2.55"));
    assert_true(nameserver_n_met(r->ns, REC_UNKNOWN_HERE) > 0);
}

static void literals_ask_nobody(void **state)
{
    struct rig *r = *state;

    assert_true(has_address(ask(r, "[2001:db8::5]"), "2001:db8::5"));
    assert_true(has_address(ask(r, "192.0.2.77"), "192.0.2.77"));
    assert_int_equal(nameserver_n_queries(r->ns), 0);
}

/* TTLs below a minute count as one, above a day as one day: promise P7's answers that change
 * between two look-ups need at least that long. */
static void time_to_live_is_clamped(void **state)
{
    struct rig *r = *state;

    clock_fake_start(clock_now_ns(), clock_wall_ms());
    assert_true(has_address(ask(r, "short.test"), "192.0.2.3"));
    clock_fake_advance(59 * NS_PER_S);
    assert_true(ask(r, "short.test").answer.was_cached);
    clock_fake_advance(2 * NS_PER_S);
    assert_true(has_address(ask(r, "short.test"), "192.0.2.4"));
    clock_fake_advance(86399 * NS_PER_S);
    assert_true(ask(r, "short.test").answer.was_cached);
    clock_fake_advance(2 * NS_PER_S);
    assert_false(ask(r, "short.test").answer.was_cached);
}

struct failure {
    const char *label, *host;
    enum dns_status want;
    int64_t cached_ms;
};

/* Promise P31: each failure by its kind, and remembered for its time. */
static const struct failure FAILURES[] = {
    { "a name that does not exist", "nobody.test", DNS_NO_SUCH_NAME, 300000 },
    { "a name without addresses", "empty.test", DNS_NO_SUCH_NAME, 300000 },
    { "SERVFAIL", "broken.test", DNS_SERVER_FAILED, 500 },
    { "REFUSED", "refused.test", DNS_SERVER_FAILED, 500 },
};

static void fails(struct rig *r, const struct failure *f)
{
    clock_fake_start(clock_now_ns(), clock_wall_ms());

    struct ask first = ask(r, f->host);

    assert_int_equal(first.answer.status, f->want);
    assert_int_equal(first.answer.n_addresses, 0);
    assert_non_null(first.answer.why);
    clock_fake_advance((f->cached_ms - 100) * NS_PER_MS);
    assert_true(ask(r, f->host).answer.was_cached);
    clock_fake_advance(200 * NS_PER_MS);
    assert_false(ask(r, f->host).answer.was_cached);
    clock_fake_stop();
}

static void failures_are_told_apart_and_remembered(void **state)
{
    for (size_t i = 0; i < ARRAY_LEN(FAILURES); i++)
        fails(*state, &FAILURES[i]);
}

/* A host whose robots.txt waits for its name has three tries within seconds; thousands of its URLs are not to ask each. */
static void a_server_that_goes_on_failing_is_asked_less_and_less(void **state)
{
    static const int64_t cached_ms[] = { 500, 1000, 2000, 4000, 8000, 16000, 30000, 30000 };

    clock_fake_start(clock_now_ns(), clock_wall_ms());
    for (size_t i = 0; i < ARRAY_LEN(cached_ms); i++) {
        assert_false(ask(*state, "broken.test").answer.was_cached);
        clock_fake_advance((cached_ms[i] - 100) * NS_PER_MS);
        assert_true(ask(*state, "broken.test").answer.was_cached);
        clock_fake_advance(200 * NS_PER_MS);
    }
    clock_fake_stop();
}

/* On a machine without a network nobody asks servers of its own. */
static bool has_failed(struct ask a)
{
    return a.answer.status == DNS_SERVER_FAILED || a.answer.status == DNS_NO_ROUTE;
}

/* Servers that this machine is told to ask while we run, as when it comes into another network. */
struct move {
    struct nameserver *was, *is;
    char path[32];
};

static const char NAMES_OLD[] = "nameserver 127.0.0.77\n", NAMES_NEW[] = "# another network\nnameserver 127.0.0.78\n";

static void open_move(struct rig *r, struct move *m)
{
    static const struct nameserver_record old[] = { { .name = "moved.test", .code = NAMESERVER_SERVFAIL },
                                                    { .name = "silent.test", .is_silent = true } },
                                          new[] = { { .name = "moved.test", .addresses = "192.0.2.9", .ttl_s = 60 },
                                                    { .name = "broken.test", .code = NAMESERVER_SERVFAIL } };
    struct err_note note;
    int fd;

    *m = (struct move){ .was = nameserver_start_at("127.0.0.77", 53, old, ARRAY_LEN(old)),
                        .is = nameserver_start_at("127.0.0.78", 53, new, ARRAY_LEN(new)),
                        .path = "/tmp/crawl-test-resolv-XXXXXX" };
    if (!m->was || !m->is) {
        nameserver_stop(m->was);
        nameserver_stop(m->is);
        skip(); /* needs to be root, and the port free */
    }
    fd = mkstemp(m->path);
    assert_true(fd >= 0);
    (void)close(fd);
    assert_int_equal(io_put_file(m->path, span_str(NAMES_OLD), &note), OK);
    dns_close(r->dns);
    assert_int_equal(dns_open(r->sched, span_str(m->path), &r->dns, &note), OK);
}

static void name_servers(const struct move *m, const char *text)
{
    struct err_note note;

    assert_int_equal(io_put_file(m->path, span_str(text), &note), OK);
}

static void close_move(struct move *m)
{
    (void)unlink(m->path);
    nameserver_stop(m->was);
    nameserver_stop(m->is);
}

static void servers_are_those_that_the_file_names_now(void **state)
{
    struct rig *r = *state;
    struct move m;

    open_move(r, &m);
    clock_fake_start(clock_now_ns(), clock_wall_ms());
    for (int i = 0; i < 6; i++) {
        assert_true(has_failed(ask(r, "moved.test")));
        clock_fake_advance(31 * NS_PER_S);
    }
    name_servers(&m, NAMES_NEW);
    assert_int_equal(ask(r, "other.moved.test").answer.status, DNS_NO_SUCH_NAME); /* the old one knows it no better */
    assert_int_equal(nameserver_n_queries(m.is), 0);
    assert_true(has_failed(ask(r, "moved.test"))); /* this failure finds it out */
    clock_fake_advance(600 * NS_PER_MS); /* it is not remembered long, whatever went before */
    assert_true(has_address(ask(r, "moved.test"), "192.0.2.9"));
    /* And back: after an answer, failures count from the first again. */
    name_servers(&m, NAMES_OLD);
    assert_true(has_failed(ask(r, "broken.test")));
    clock_fake_advance(61 * NS_PER_S);
    assert_true(has_failed(ask(r, "moved.test")));
    clock_fake_advance(600 * NS_PER_MS);
    assert_false(ask(r, "moved.test").answer.was_cached);
    close_move(&m);
}

static intptr_t ask_two(void *arg)
{
    struct ask *asks = arg;

    (void)ask_one(&asks[0]);
    return ask_one(&asks[1]);
}

/* c-ares takes no other servers while it asks: what is found out meanwhile holds once it has ended. */
static void other_servers_wait_for_the_lookups_under_way(void **state)
{
    struct rig *r = *state;
    /* In capitals it is another name for the cache. */
    struct ask asks[] = { { .rig = r, .host = "moved.test" }, { .rig = r, .host = "MOVED.test" } },
               silent = { .rig = r, .host = "silent.test" };
    struct group *g;
    struct move m;

    open_move(r, &m);
    g = group_new(r->sched, NULL);
    name_servers(&m, NAMES_NEW);
    group_set_detached(g);
    assert_int_equal(group_spawn(g, "silent", ask_one, &silent, NULL), OK);
    assert_int_equal(group_spawn(g, "two", ask_two, asks, NULL), OK);
    sched_run(r->sched);
    group_free(g);
    assert_int_equal(silent.answer.n_addresses, 0);
    assert_true(has_failed(asks[0]));
    assert_true(has_address(asks[1], "192.0.2.9"));
    close_move(&m);
}

static void an_alias_is_followed(void **state)
{
    assert_true(has_address(ask(*state, "alias.test"), "192.0.2.9"));
}

static void an_alias_of_itself_is_no_address(void **state)
{
    struct ask a = ask(*state, "loop.test");

    assert_int_not_equal(a.answer.status, DNS_FOUND);
    assert_int_equal(a.answer.n_addresses, 0);
}

static void of_forty_addresses_sixteen_are_kept(void **state)
{
    struct ask a = ask(*state, "many.test");

    assert_int_equal(a.answer.status, DNS_FOUND);
    assert_int_equal(a.answer.n_addresses, DNS_MAX_ADDRESSES);
}

static void impossible_names_ask_nobody(void **state)
{
    struct rig *r = *state;
    char longest[300];

    memset(longest, 'a', sizeof(longest) - 1);
    longest[sizeof(longest) - 1] = '\0';

    assert_int_equal(ask(r, longest).answer.status, DNS_NO_SUCH_NAME);
    assert_int_equal(ask(r, "").answer.status, DNS_NO_SUCH_NAME);
    assert_int_equal(nameserver_n_queries(r->ns), 0);
}

/* Promise P31: a server that never answers stalls only its own names, and callers may give up. */
static void silence_stalls_only_its_own_names(void **state)
{
    enum {
        N_SILENT = 300,
        N_GOOD = 20
    };
    struct rig *r = *state;
    static char names[N_SILENT + N_GOOD][32];
    static struct ask asks[N_SILENT + N_GOOD];

    memset(asks, 0, sizeof(asks));
    for (int i = 0; i < N_SILENT + N_GOOD; i++) {
        bool is_good = i >= N_SILENT;

        (void)snprintf(names[i], sizeof(names[i]), "h%d.%s.test", i,
                       is_good ? "mass" : "silent");
        asks[i] = (struct ask){ .host = names[i], .until_ms = is_good ? 5000 : 1400 };
    }
    ask_all(r, asks, ARRAY_LEN(asks));

    for (int i = 0; i < N_SILENT; i++) {
        assert_int_equal(asks[i].err, ERR_TIMEOUT);
        assert_in_range(asks[i].took_ms, 1390, 3000);
    }
    for (int i = N_SILENT; i < N_SILENT + N_GOOD; i++) {
        assert_int_equal(asks[i].err, OK);
        assert_in_range(asks[i].took_ms, 0, 1300);
    }
}

/* Promise P31: what is under way at the end ends at once. */
static void closing_does_not_wait_for_lookups(void **state)
{
    struct rig *r = *state;
    struct ask a = { .host = "x.silent.test", .until_ms = 50 };
    int64_t started_at;

    ask_all(r, &a, 1);
    assert_int_equal(a.err, ERR_TIMEOUT);
    started_at = clock_now_ns();
    dns_close(r->dns);

    assert_true(clock_now_ns() - started_at < 200 * NS_PER_MS);
    assert_int_equal(
        dns_open(r->sched, span_str(nameserver_text(r->ns)), &r->dns, NULL), OK);
}

static void after_silence_the_answer_says_so(void **state)
{
    struct ask a = ask(*state, "y.silent.test");

    assert_int_equal(a.answer.status, DNS_NO_ANSWER);
    assert_in_range(a.took_ms, 3000, 9000);
    clock_fake_start(clock_now_ns(), clock_wall_ms());
    clock_fake_advance(29 * NS_PER_S); /* a lookup that takes seconds is not to be made again at once */
    assert_true(ask(*state, "y.silent.test").answer.was_cached);
}

struct cancel_seen {
    struct ask ask;
    struct group *group;
};

static intptr_t ask_and_cancel(void *arg)
{
    struct cancel_seen *seen = arg;
    struct group *g = group_new(seen->ask.rig->sched, NULL);
    enum err e;

    e = group_spawn(g, "ask", ask_one, &seen->ask, NULL);
    if (!e)
        e = coro_sleep_until(clock_now_ns() + 50 * NS_PER_MS);
    group_cancel(g);
    if (!e)
        e = group_join(g, DEADLINE_NEVER);
    group_free(g);
    return e;
}

static void cancelling_concerns_the_caller_only(void **state)
{
    struct rig *r = *state;
    struct cancel_seen seen = { .ask = { .rig = r, .host = "z.silent.test" } };
    struct group *g = group_new(r->sched, NULL);

    group_set_detached(g);
    assert_int_equal(group_spawn(g, "cancel", ask_and_cancel, &seen, NULL), OK);
    sched_run(r->sched);
    group_free(g);

    assert_int_equal(seen.ask.err, ERR_CANCELLED);
    assert_in_range(seen.ask.took_ms, 40, 1000);
}

static void a_thousand_names_at_once_all_arrive(void **state)
{
    enum {
        N = 1000
    };
    struct rig *r = *state;
    static char names[N][32];
    static struct ask asks[N];

    for (int i = 0; i < N; i++) {
        (void)snprintf(names[i], sizeof(names[i]), "n%d.mass.test", i);
        asks[i] = (struct ask){ .host = names[i] };
    }
    ask_all(r, asks, N);

    for (int i = 0; i < N; i++)
        assert_int_equal(asks[i].answer.status, DNS_FOUND);
    /* A few may have been asked again: datagrams get lost. */
    assert_in_range(nameserver_n_met(r->ns, REC_MASS), 2 * N, 2 * N + N / 5);
}

static void a_file_of_servers_that_is_not_there_is_named(void **state)
{
    struct rig *r = *state;
    struct err_note note = { "" };
    struct dns *d;

    assert_int_equal(dns_open(r->sched, SPAN("/no/such/resolv.conf"), &d, &note), ERR_NOT_FOUND);
    assert_string_equal(note.text, "cannot read /no/such/resolv.conf: No such file or directory");
}

#define MAX_KEPT 100000

struct many_seen {
    struct rig *rig;
    int n_wrong;
    bool is_cached[8];
};

/* c-ares answers these itself: such names are never asked for (RFC 7686). */
static bool is_kept(struct many_seen *seen, int i)
{
    char host[32];
    struct dns_answer answer;

    (void)snprintf(host, sizeof(host), "n%d.onion", i);
    if (dns_resolve(seen->rig->dns, span_str(host), DEADLINE_NEVER, &answer) ||
        answer.status != DNS_NO_SUCH_NAME)
        seen->n_wrong++;
    return answer.was_cached;
}

static intptr_t fill_up(void *arg)
{
    struct many_seen *seen = arg;

    (void)is_kept(seen, 0);
    clock_fake_advance(200 * NS_PER_S);
    for (int i = 1; i < MAX_KEPT; i++)
        seen->n_wrong += is_kept(seen, i);
    clock_fake_advance(200 * NS_PER_S);
    seen->is_cached[0] = is_kept(seen, 0); /* it has expired, and is asked for anew: as many as before */
    seen->is_cached[1] = is_kept(seen, 1);
    seen->is_cached[2] = is_kept(seen, MAX_KEPT); /* one more: the oldest goes */
    seen->is_cached[3] = is_kept(seen, 2);
    seen->is_cached[4] = is_kept(seen, 0);
    seen->is_cached[5] = is_kept(seen, MAX_KEPT);
    seen->is_cached[6] = is_kept(seen, 1);
    return 0;
}

static void a_hundred_thousand_names_are_kept_the_oldest_go_first(void **state)
{
    static const bool want[ARRAY_LEN(((struct many_seen *)0)->is_cached)] = { false, true, false, true,
                                                                               true,  true, false };
    struct many_seen seen = { .rig = *state };
    struct group *g = group_new(seen.rig->sched, NULL);

    clock_fake_start(clock_now_ns(), clock_wall_ms());
    group_set_detached(g);
    assert_int_equal(group_spawn(g, "fill", fill_up, &seen, NULL), OK);
    sched_run(seen.rig->sched);
    group_free(g);

    assert_int_equal(seen.n_wrong, 0);
    assert_memory_equal(seen.is_cached, want, sizeof(want));
    assert_int_equal(nameserver_n_queries(seen.rig->ns), 0);
}

static void servers_that_are_none_are_refused(void **state)
{
    struct rig *r = *state;
    struct dns *d = NULL;
    struct err_note note = { "" };

    assert_int_equal(dns_open(r->sched, SPAN("not a server"), &d, &note), ERR_INVALID);
    assert_non_null(strstr(note.text, "name lookups"));
}

#define RIG_TEST(f) cmocka_unit_test_setup_teardown(f, open_rig, close_rig)

/* c-ares from 1.34 on ends all questions of a socket on which a malformed answer comes. */
static void nobody_suffers_from_the_malformed_answer_of_another(void **state)
{
    enum {
        N = 101
    };
    struct ask asks[N] = { { .host = "garbled.test" } };
    char names[N][32];
    int rounds = 2;

    clock_fake_start(clock_now_ns(), clock_wall_ms());
    while (rounds--) {
        for (int i = 1; i < N; i++) {
            snprintf(names[i], sizeof names[i], "n%d-%d.mass.test", rounds, i);
            asks[i].host = names[i];
        }
        ask_all(*state, asks, N);
        assert_true(asks[0].answer.status == DNS_SERVER_FAILED || asks[0].answer.status == DNS_NO_ANSWER);
        for (int i = 1; i < N; i++)
            assert_int_equal(asks[i].answer.status, DNS_FOUND);
        clock_fake_advance(NS_PER_S); /* and the name that failed is asked for again */
    }
    clock_fake_stop();
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        RIG_TEST(both_families_are_found),
        RIG_TEST(the_second_time_nobody_is_asked),
        RIG_TEST(many_who_ask_at_once_make_one_lookup),
        RIG_TEST(an_expired_name_is_asked_for_once_by_many),
        RIG_TEST(what_one_server_refuses_another_may_know),
        RIG_TEST(literals_ask_nobody),
        RIG_TEST(time_to_live_is_clamped),
        RIG_TEST(failures_are_told_apart_and_remembered),
        RIG_TEST(a_server_that_goes_on_failing_is_asked_less_and_less),
        RIG_TEST(servers_are_those_that_the_file_names_now),
        RIG_TEST(other_servers_wait_for_the_lookups_under_way),
        RIG_TEST(an_alias_is_followed),
        RIG_TEST(an_alias_of_itself_is_no_address),
        RIG_TEST(of_forty_addresses_sixteen_are_kept),
        RIG_TEST(impossible_names_ask_nobody),
        RIG_TEST(silence_stalls_only_its_own_names),
        RIG_TEST(nobody_suffers_from_the_malformed_answer_of_another),
        RIG_TEST(closing_does_not_wait_for_lookups),
        RIG_TEST(after_silence_the_answer_says_so),
        RIG_TEST(cancelling_concerns_the_caller_only),
        RIG_TEST(a_thousand_names_at_once_all_arrive),
        RIG_TEST(a_hundred_thousand_names_are_kept_the_oldest_go_first),
        RIG_TEST(servers_that_are_none_are_refused),
        RIG_TEST(a_file_of_servers_that_is_not_there_is_named),
    };

    return cmocka_run_group_tests_name("fetch/dns", tests, NULL, NULL);
}
