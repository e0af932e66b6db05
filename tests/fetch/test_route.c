/* SPDX-License-Identifier: MIT */
/* From names to addresses to connections: the guard, several addresses, proxies. */
#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cmocka.h>

#include "config/clock.h"
#include "config/mem.h"
#include "fetch/route.h"
#include "tests/kit/fetchrig.h"
#include "tests/kit/nameserver.h"
#include "tests/kit/origin.h"

/* The origin listens on 127.0.0.1 to 127.0.0.9; nobody does on .200; .50 stalls where a test says
 * so; 10.1.1.1 is private. */
static const struct nameserver_record RECORDS[] = {
    { .name = "plain.test", .addresses = "127.0.0.2", .ttl_s = 60 },
    { .name = "first-dead.test", .addresses = "127.0.0.200 127.0.0.3", .ttl_s = 60 },
    { .name = "v6-dead.test", .addresses = "127.0.0.4 ::1", .ttl_s = 60 },
    { .name = "all-dead.test", .addresses = "127.0.0.200 127.0.0.201", .ttl_s = 60 },
    { .name = "many-dead.test",
      .addresses = "127.0.0.200 127.0.0.201 127.0.0.202 127.0.0.203 127.0.0.204 127.0.0.205 127.0.0.3",
      .ttl_s = 60 },
    { .name = "mixed-dead.test",
      .addresses = "127.0.0.200 127.0.0.201 127.0.0.202 127.0.0.3 ::ffff:127.0.0.200 ::ffff:127.0.0.201"
                   " ::ffff:127.0.0.202 ::ffff:127.0.0.203",
      .ttl_s = 60 },
    { .name = "stalls.test", .addresses = "127.0.0.50 127.0.0.5", .ttl_s = 60 },
    { .name = "stalls-twice.test", .addresses = "127.0.0.50 127.0.0.51", .ttl_s = 60 },
    { .name = "private.test",
      .addresses = "10.1.1.1 ::ffff:127.0.0.1 fd00::1",
      .ttl_s = 60 },
    { .name = "metadata.test", .addresses = "169.254.169.254", .ttl_s = 60 },
    { .name = "mixed.test", .addresses = "10.1.1.1 127.0.0.2", .ttl_s = 60 },
    { .name = "rebind.test", .addresses = "127.0.0.2", .ttl_s = 60, .uses = 2 },
    { .name = "rebind.test", .addresses = "127.0.0.3", .ttl_s = 60 },
    { .name = "broken.test", .code = NAMESERVER_SERVFAIL },
    { .name = "*.silent.test", .is_silent = true },
};

static const struct origin_route ROUTES[] = {
    { .host = "locked.example", .status = 407, .body = { "who are you?", 12 } },
    { .host = "dead.example", .status = 503, .headers = "X-Squid-Error: ERR_CONNECT_FAIL 111\r\n", .body = { "no", 2 } },
    { .host = "busy.example", .status = 503, .body = { "later", 5 } },
    { .host = "shut.example", .status = 403, .body = { "not through me", 14 } },
    { .host = "found.example", .headers = "X-Squid-Error: none\r\n", .body = { "page", 4 } },
    { .body = { "hello", 5 } },
};

struct world {
    struct nameserver *ns;
    struct origin *origin;
    struct fetchrig rig;
    char urls[4][128];
};

static int open_world(void **state)
{
    struct world *w = mem_alloc(sizeof(*w));
    const struct origin_options oo = { .routes = ROUTES,
                                       .n_routes = ARRAY_LEN(ROUTES),
                                       .n_addresses = 9 };

    w->ns = nameserver_start(RECORDS, ARRAY_LEN(RECORDS));
    w->origin = origin_start(&oo);
    fetchrig_init(&w->rig);
    w->rig.dns_servers = span_str(nameserver_text(w->ns));
    fetchrig_open(&w->rig);
    *state = w;
    return 0;
}

static int close_world(void **state)
{
    struct world *w = *state;
    size_t n_left = fetchrig_close(&w->rig);

    clock_fake_stop();
    origin_stop(w->origin);
    nameserver_stop(w->ns);
    mem_free(w);
    return n_left ? -1 : 0;
}

/* Addresses entered, in order. */
struct trail {
    int n;
    char ips[8][64];
};

static enum err note_address(void *arg, struct span ip, deadline until)
{
    struct trail *t = arg;

    (void)until;
    (void)snprintf(t->ips[t->n++ % 8], 64, "%.*s", SPAN_ARG(ip));
    return OK;
}

static struct fetchrig_get get_from(struct world *w, const char *host,
                                    struct trail *trail)
{
    struct fetchrig_get g = { .err = OK };

    (void)snprintf(w->urls[0], sizeof(w->urls[0]), "http://%s:%u/x", host,
                   origin_port(w->origin));
    g.request = fetchrig_request(w->urls[0]);
    g.request.keep = FETCH_CLOSE;
    if (trail) {
        g.request.enter_address = note_address;
        g.request.arg = trail;
    }
    fetchrig_get_each(&w->rig, &g, 1);
    assert_int_equal(g.err, OK);
    return g;
}

static void assert_outcome(struct world *w, struct fetchrig_get *g,
                           enum fetch_outcome want)
{
    assert_string_equal(result_outcome_name(g->result.outcome),
                        result_outcome_name(want));
    fetchrig_get_clear(&w->rig, g);
}

static void a_name_is_looked_up_and_kept_in_host(void **state)
{
    struct world *w = *state;
    struct fetchrig_get g = get_from(w, "plain.test", NULL);
    const struct origin_request *r = origin_request_at(w->origin, 0);
    char want[64];

    (void)snprintf(want, sizeof(want), "plain.test:%u", origin_port(w->origin));
    assert_string_equal(r->host, want);
    assert_int_equal(r->address, 1); /* 127.0.0.2 */
    assert_string_equal(r->path, "/x");
    assert_in_range(g.result.timings.dns_ms, 0, 1000);
    assert_true(span_eq(g.result.ip, SPAN("127.0.0.2")));
    assert_outcome(w, &g, FETCH_OK);
}

/* Four are tried for one request. */
static void the_next_request_begins_behind_the_addresses_that_are_dead(void **state)
{
    struct world *w = *state;
    struct trail first = { 0 }, second = { 0 }, third = { 0 };
    struct fetchrig_get g = get_from(w, "many-dead.test", &first);

    assert_outcome(w, &g, FETCH_CONNECT_FAILED);
    assert_int_equal(first.n, 4);
    assert_string_equal(first.ips[3], "127.0.0.203");

    g = get_from(w, "many-dead.test", &second);
    assert_true(span_eq(g.result.ip, SPAN("127.0.0.3")));
    assert_outcome(w, &g, FETCH_OK);
    assert_int_equal(second.n, 3);
    assert_string_equal(second.ips[0], "127.0.0.204");

    g = get_from(w, "many-dead.test", &third);
    assert_outcome(w, &g, FETCH_OK);
    assert_int_equal(third.n, 1);
}

/* As many of each family: those behind are others, not the same ones in another order. */
static void of_two_families_the_next_request_tries_what_the_first_did_not(void **state)
{
    struct world *w = *state;
    struct trail first = { 0 }, second = { 0 };
    struct fetchrig_get g = get_from(w, "mixed-dead.test", &first);

    assert_outcome(w, &g, FETCH_CONNECT_FAILED);
    assert_int_equal(first.n, 4);

    g = get_from(w, "mixed-dead.test", &second);
    assert_outcome(w, &g, FETCH_OK);
    for (int i = 0; i < second.n; i++)
        for (int k = 0; k < first.n; k++)
            assert_string_not_equal(second.ips[i], first.ips[k]);
}

static void the_next_address_is_tried_and_remembered(void **state)
{
    struct world *w = *state;
    struct trail first = { 0 }, second = { 0 };
    struct fetchrig_get g = get_from(w, "first-dead.test", &first);

    assert_true(span_eq(g.result.ip, SPAN("127.0.0.3")));
    assert_outcome(w, &g, FETCH_OK);
    assert_int_equal(first.n, 2);
    assert_string_equal(first.ips[0], "127.0.0.200");
    assert_string_equal(first.ips[1], "127.0.0.3");

    g = get_from(w, "first-dead.test", &second);
    assert_outcome(w, &g, FETCH_OK);
    assert_int_equal(second.n, 1);
    assert_string_equal(second.ips[0], "127.0.0.3");
}

static void families_take_turns(void **state)
{
    struct world *w = *state;
    struct trail trail = { 0 };
    struct fetchrig_get g = get_from(w, "v6-dead.test", &trail);

    assert_outcome(w, &g, FETCH_OK);
    assert_int_equal(trail.n, 2);
    assert_string_equal(trail.ips[0], "::1");
    assert_string_equal(trail.ips[1], "127.0.0.4");
}

struct routes_seen {
    struct world *w;
    struct route_book book;
    int first_family; /* of a host that has both */
};

static intptr_t find_one(void *arg)
{
    struct routes_seen *seen = arg;
    struct route r;

    if (route_find(&seen->book, seen->w->rig.dns, &seen->w->rig.policy, SPAN("v6-dead.test"), DEADLINE_NEVER, &r))
        return 1;
    seen->first_family = r.addresses[0].any.sa_family;
    return 0;
}

static int first_family(struct routes_seen *seen)
{
    fetchrig_run(&seen->w->rig, find_one, seen);
    return seen->first_family;
}

/* An address of this machine that leads nowhere: 5 s for each new host, if IPv6 went on being tried first. */
static void ipv6_that_is_silent_is_tried_last(void **state)
{
    struct routes_seen seen = { .w = *state };
    struct route_book *b = &seen.book;
    struct route dual = { .n = 2 }, single = { .n = 1 };

    assert_true(address_parse(SPAN("2001:db8::1"), &dual.addresses[0]) && address_parse(SPAN("192.0.2.1"), &dual.addresses[1]));
    single.addresses[0] = dual.addresses[0];
    clock_fake_start(clock_now_ns(), clock_wall_ms());
    route_book_init(b);
    for (int i = 0; i < 5; i++) {
        route_note_failure(b, SPAN("refused.test"), &dual, 0, ECONNREFUSED);
        route_note_failure(b, SPAN("single.test"), &single, 0, ETIMEDOUT);
    }
    for (int i = 0; i < 2; i++)
        route_note_failure(b, SPAN("a.test"), &dual, 0, ETIMEDOUT);
    route_note_success(b, SPAN("b.test"), &dual, 0);
    for (int i = 0; i < 2; i++)
        route_note_failure(b, SPAN("c.test"), &dual, 0, 0);
    assert_int_equal(first_family(&seen), AF_INET6);
    route_note_failure(b, SPAN("d.test"), &dual, 0, ETIMEDOUT);
    assert_int_equal(first_family(&seen), AF_INET);
    clock_fake_advance(61 * NS_PER_S);
    assert_int_equal(first_family(&seen), AF_INET6);
    route_note_failure(b, SPAN("e.test"), &dual, 0, ETIMEDOUT); /* still: one is enough now */
    assert_int_equal(first_family(&seen), AF_INET);
    route_book_clear(b);
}

static void when_all_fail_the_last_says_why(void **state)
{
    struct world *w = *state;
    struct trail trail = { 0 };
    struct fetchrig_get g = get_from(w, "all-dead.test", &trail);

    assert_int_equal(trail.n, 2);
    assert_true(g.result.error.len > 0);
    assert_outcome(w, &g, FETCH_CONNECT_FAILED);
}

/* A listener with a full queue answers no SYN. */
struct stalled {
    int listener, fillers[4];
};

static struct stalled stall(struct world *w, const char *ip)
{
    struct sockaddr_in sin = { .sin_family = AF_INET,
                               .sin_port = htons(origin_port(w->origin)) };
    struct stalled s = { .listener = socket(AF_INET, SOCK_STREAM, 0) };

    assert_int_equal(inet_pton(AF_INET, ip, &sin.sin_addr), 1);
    assert_int_equal(bind(s.listener, (const struct sockaddr *)&sin, sizeof(sin)), 0);
    assert_int_equal(listen(s.listener, 0), 0);
    for (size_t i = 0; i < ARRAY_LEN(s.fillers); i++) {
        s.fillers[i] = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0);
        (void)connect(s.fillers[i], (const struct sockaddr *)&sin, sizeof(sin));
    }
    return s;
}

static void unstall(const struct stalled *s)
{
    for (size_t i = 0; i < ARRAY_LEN(s->fillers); i++)
        (void)close(s->fillers[i]);
    (void)close(s->listener);
}

/* Half the time for connecting to each of two. */
static void a_stalling_address_gets_its_share_of_time_only(void **state)
{
    struct world *w = *state;
    struct stalled first = stall(w, "127.0.0.50");
    struct stalled second = stall(w, "127.0.0.51");
    struct fetchrig_get g;

    (void)fetchrig_close(&w->rig);
    w->rig.options.connect_timeout_ms = 600;
    fetchrig_open(&w->rig);
    g = get_from(w, "stalls.test", NULL);
    assert_in_range(g.took_ms, 290, 560);
    assert_true(span_eq(g.result.ip, SPAN("127.0.0.5")));
    assert_outcome(w, &g, FETCH_OK);

    g = get_from(w, "stalls-twice.test", NULL);
    assert_in_range(g.took_ms, 560, 850);
    assert_outcome(w, &g, FETCH_TIMEOUT);
    unstall(&first);
    unstall(&second);
}

/* --- promise P7 ------------------------------------------------------------------------------ */

static void names_that_lead_inside_are_refused(void **state)
{
    static const char *const hosts[] = { "private.test", "metadata.test",
                                         "plain.test",   "127.0.0.1",
                                         "[::1]",        "[::ffff:127.0.0.1]" };
    struct world *w = *state;

    w->rig.policy.allows_private = false;
    for (size_t i = 0; i < ARRAY_LEN(hosts); i++) {
        struct trail trail = { 0 };
        struct fetchrig_get g = get_from(w, hosts[i], &trail);

        assert_true(g.result.error.len > 0);
        assert_outcome(w, &g, FETCH_BLOCKED_ADDRESS);
        assert_int_equal(trail.n, 0);
    }
    assert_int_equal(origin_counts(w->origin).connections, 0);
}

static void allow_only(struct world *w, const char *network)
{
    static struct address_network net;

    assert_int_equal(address_parse_network(span_str(network), &net), OK);
    w->rig.policy = (struct address_policy){ .allowed = &net, .n_allowed = 1 };
}

static void of_mixed_addresses_only_allowed_ones_are_dialled(void **state)
{
    struct world *w = *state;
    struct trail trail = { 0 };
    struct fetchrig_get g;

    allow_only(w, "127.0.0.2");
    g = get_from(w, "mixed.test", &trail);

    assert_outcome(w, &g, FETCH_OK);
    assert_int_equal(trail.n, 1);
    assert_string_equal(trail.ips[0], "127.0.0.2");
}

static enum err forbid_everything(void *arg, struct span ip, deadline until)
{
    struct world *w = arg;

    (void)ip;
    (void)until;
    w->rig.policy.allows_private = false;
    return OK;
}

/* Whatever was thought before, the address is judged once more when the socket is made. */
static void the_socket_is_the_last_guard(void **state)
{
    struct world *w = *state;
    struct fetchrig_get g = { .err = OK };

    (void)snprintf(w->urls[0], sizeof(w->urls[0]), "http://plain.test:%u/x",
                   origin_port(w->origin));
    g.request = fetchrig_request(w->urls[0]);
    g.request.enter_address = forbid_everything;
    g.request.arg = w;
    fetchrig_get_each(&w->rig, &g, 1);

    assert_int_equal(g.err, OK);
    assert_true(span_eq(g.result.error, SPAN("loopback address")));
    assert_outcome(w, &g, FETCH_BLOCKED_ADDRESS);
    assert_int_equal(origin_counts(w->origin).connections, 0);
}

static void an_answer_that_changes_is_judged_again(void **state)
{
    struct world *w = *state;
    struct fetchrig_get g;

    /* Fake time runs to the next timer whenever nothing happens: the total must be far away. */
    (void)fetchrig_close(&w->rig);
    w->rig.options.total_timeout_ms = INT64_C(100000000);
    fetchrig_open(&w->rig);
    allow_only(w, "127.0.0.2");
    g = get_from(w, "rebind.test", NULL);
    assert_outcome(w, &g, FETCH_OK);
    clock_fake_start(clock_now_ns(), clock_wall_ms());
    clock_fake_advance(61 * NS_PER_S);
    g = get_from(w, "rebind.test", NULL);

    assert_outcome(w, &g, FETCH_BLOCKED_ADDRESS);
    assert_int_equal(origin_counts(w->origin).connections, 1);
}

/* --- names without addresses: promise P31 ------------------------------------------------------ */

static void unknown_names_are_told_from_failing_servers(void **state)
{
    struct world *w = *state;
    struct fetchrig_get g = get_from(w, "nowhere.test", NULL);

    assert_true(g.result.is_name_unknown);
    assert_true(span_eq(g.result.error, SPAN("no such host name")));
    assert_outcome(w, &g, FETCH_DNS_FAILED);
    g = get_from(w, "broken.test", NULL);
    assert_false(g.result.is_name_unknown);
    assert_true(span_eq(g.result.error, SPAN("the name server failed")));
    assert_outcome(w, &g, FETCH_DNS_FAILED);
}

static void looking_up_counts_into_the_total_time(void **state)
{
    struct world *w = *state;
    struct fetchrig_get g;

    (void)fetchrig_close(&w->rig);
    w->rig.options.total_timeout_ms = 300;
    fetchrig_open(&w->rig);
    g = get_from(w, "a.silent.test", NULL);

    assert_in_range(g.took_ms, 290, 900);
    assert_outcome(w, &g, FETCH_DNS_FAILED);
}

/* Promise P31: a hundred dead names beside healthy hosts. */
static void dead_names_do_not_slow_healthy_hosts(void **state)
{
    enum {
        N_DEAD = 100,
        N_HEALTHY = 50
    };
    struct world *w = *state;
    static struct fetchrig_get gets[N_DEAD + N_HEALTHY];
    static char urls[N_DEAD + N_HEALTHY][64];

    memset(gets, 0, sizeof(gets));
    for (int i = 0; i < N_DEAD + N_HEALTHY; i++) {
        (void)snprintf(urls[i], sizeof(urls[i]), "http://%s%d%s:%u/%d",
                       i < N_DEAD ? "d" : "127.0.0.", i < N_DEAD ? i : 1 + i % 9,
                       i < N_DEAD ? ".silent.test" : "", origin_port(w->origin), i);
        gets[i].request = fetchrig_request(urls[i]);
        gets[i].until_ms = i < N_DEAD ? 1000 : 0;
    }
    fetchrig_get_all(&w->rig, gets, ARRAY_LEN(gets));

    for (int i = 0; i < N_DEAD + N_HEALTHY; i++) {
        assert_int_equal(gets[i].err, i < N_DEAD ? ERR_TIMEOUT : OK);
        if (i >= N_DEAD)
            assert_in_range(gets[i].took_ms, 0, 400);
        fetchrig_get_clear(&w->rig, &gets[i]);
    }
}

/* --- proxies ---------------------------------------------------------------------------------------- */

static void a_proxy_is_asked_for_everything(void **state)
{
    struct world *w = *state;
    char proxy[64];
    struct fetchrig_get g;

    (void)snprintf(proxy, sizeof(proxy), "http://127.0.0.6:%u", origin_port(w->origin));
    (void)fetchrig_close(&w->rig);
    w->rig.options.proxy = span_str(proxy);
    w->rig.policy.allows_private =
        false; /* the proxy's own address is the user's choice */
    fetchrig_open(&w->rig);
    (void)snprintf(w->urls[1], sizeof(w->urls[1]), "http://anything.example/y?");
    g = (struct fetchrig_get){ .request = fetchrig_request(w->urls[1]) };
    fetchrig_get_each(&w->rig, &g, 1);

    assert_int_equal(g.err, OK);
    assert_outcome(w, &g, FETCH_OK);
    assert_string_equal(origin_request_at(w->origin, 0)->path,
                        "http://anything.example/y?");
    assert_int_equal(origin_request_at(w->origin, 0)->address, 5);
    assert_int_equal(nameserver_n_queries(w->ns), 0);

    g = get_from(w, "10.1.1.1", NULL);
    assert_outcome(w, &g, FETCH_BLOCKED_ADDRESS);
    assert_int_equal(origin_counts(w->origin).requests, 1);
}

/* What the proxy says of itself is no answer of the host: its 407 is not a robots.txt that is not there. */
static void own_answers_of_a_proxy_are_not_the_hosts(void **state)
{
    static const struct {
        const char *url;
        enum fetch_outcome outcome;
        int status_code;
        const char *error;
    } rows[] = {
        { "http://locked.example/robots.txt", FETCH_CONNECT_FAILED, 0, "the proxy wants a user name and a password (407)" },
        { "http://dead.example/", FETCH_CONNECT_FAILED, 0, "the proxy cannot: ERR_CONNECT_FAIL 111" },
        { "http://busy.example/", FETCH_HTTP_ERROR, 503, "" },
        { "http://found.example/", FETCH_OK, 200, "" },
        { "https://shut.example/", FETCH_CONNECT_FAILED, 0, "CONNECT tunnel failed, response 403" },
        { "https://locked.example/", FETCH_CONNECT_FAILED, 0, "CONNECT tunnel failed, response 407" },
    };
    struct world *w = *state;
    char proxy[64];
    struct fetchrig_get g = get_from(w, "127.0.0.2", NULL);

    assert_outcome(w, &g, FETCH_OK);
    (void)snprintf(proxy, sizeof(proxy), "http://127.0.0.6:%u", origin_port(w->origin));
    (void)fetchrig_close(&w->rig);
    w->rig.options.proxy = span_str(proxy);
    fetchrig_open(&w->rig);
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        g = (struct fetchrig_get){ .request = fetchrig_request(rows[i].url) };
        fetchrig_get_each(&w->rig, &g, 1);
        assert_int_equal(g.err, OK);
        assert_int_equal(g.result.status_code, rows[i].status_code);
        assert_int_equal(g.result.error.len, strlen(rows[i].error));
        assert_memory_equal(g.result.error.ptr, rows[i].error, strlen(rows[i].error));
        assert_outcome(w, &g, rows[i].outcome);
    }
}

#define WORLD_TEST(f) cmocka_unit_test_setup_teardown(f, open_world, close_world)

int main(void)
{
    static const struct CMUnitTest tests[] = {
        WORLD_TEST(a_name_is_looked_up_and_kept_in_host),
        WORLD_TEST(the_next_request_begins_behind_the_addresses_that_are_dead),
        WORLD_TEST(of_two_families_the_next_request_tries_what_the_first_did_not),
        WORLD_TEST(the_next_address_is_tried_and_remembered),
        WORLD_TEST(families_take_turns),
        WORLD_TEST(ipv6_that_is_silent_is_tried_last),
        WORLD_TEST(when_all_fail_the_last_says_why),
        WORLD_TEST(a_stalling_address_gets_its_share_of_time_only),
        WORLD_TEST(names_that_lead_inside_are_refused),
        WORLD_TEST(of_mixed_addresses_only_allowed_ones_are_dialled),
        WORLD_TEST(the_socket_is_the_last_guard),
        WORLD_TEST(an_answer_that_changes_is_judged_again),
        WORLD_TEST(unknown_names_are_told_from_failing_servers),
        WORLD_TEST(looking_up_counts_into_the_total_time),
        WORLD_TEST(dead_names_do_not_slow_healthy_hosts),
        WORLD_TEST(a_proxy_is_asked_for_everything),
        WORLD_TEST(own_answers_of_a_proxy_are_not_the_hosts),
    };

    return cmocka_run_group_tests_name("fetch/route", tests, NULL, NULL);
}
