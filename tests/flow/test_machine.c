/* SPDX-License-Identifier: MIT */
/*
 * What the machine does to a crawl (promises P15, P17, P32, P42, P43, P52, P53,
 * P57): disks that fill up or become read-only, too few descriptors, a wall
 * clock that jumps, no environment, nobody who reads.
 */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <net/if.h>
#include <net/route.h>
#include <netinet/in.h>
#include <sched.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <cmocka.h>

#include "config/clock.h"
#include "config/io.h"
#include "tests/kit/faults.h"
#include "tests/kit/nameserver.h"
#include "tests/kit/rig.h"

#define N_PAGES 24
#define N_LARGE 20
#define LARGE   ((size_t)400 * KIB)

/* "/12": 12. */
static int64_t number_of(const char *path)
{
    int64_t n;

    return span_parse_i64(span_str(path + 1), &n) ? n : 0;
}

/* Page N links to 2N+1 and 2N+2. */
static void make_page(void *arg, const struct origin_request *r, int *io_status,
                      struct buf *out)
{
    int64_t n = number_of(r->path), n_pages = *(const int64_t *)arg;

    (void)io_status;
    if (buf_printf(out, "<title>Page %lld</title>", (long long)n))
        abort();
    for (int64_t next = 2 * n + 1; next <= 2 * n + 2 && next < n_pages; next++)
        if (buf_printf(out, "<a href=/%lld>on</a>", (long long)next))
            abort();
}

/* ... and is large, and no codec makes it small. */
static void make_large_page(void *arg, const struct origin_request *r, int *io_status,
                            struct buf *out)
{
    uint64_t x = (uint64_t)number_of(r->path) + 1;

    make_page(arg, r, io_status, out);
    while (out->len < LARGE) {
        x = x * UINT64_C(6364136223846793005) + 1442695040888963407;
        if (buf_printf(out, "%016llx ", (unsigned long long)x))
            abort();
    }
}

static const int64_t n_small = N_PAGES, n_large = N_LARGE;

static const struct origin_route small[] = {
    NO_ROBOTS,
    { .path = "*",
      .headers = HTML,
      .generate = make_page,
      .arg = (void *)(uintptr_t)&n_small },
};
static const struct origin_route large[] = {
    NO_ROBOTS,
    { .path = "*",
      .headers = HTML,
      .generate = make_large_page,
      .arg = (void *)(uintptr_t)&n_large,
      .delay_ms = 5 },
};

static void assert_sound(struct rig *g, int64_t n_pages)
{
    assert_string_equal(program_text(&g->p, "PRAGMA integrity_check"), "ok");
    assert_int_equal(program_run(&g->p, ARGS{ "verify", NULL }), 0);
    if (n_pages)
        assert_int_equal(
            program_number(&g->p, "SELECT count(*) FROM urls WHERE state = 'fetched'"),
            n_pages);
}

/* --- disks ------------------------------------------------------------------------------- */

/* The program's folder becomes a file system of this size. False where we may not. */
static bool mount_disk(struct program *p, const char *options)
{
    return mount("tmpfs", p->folder, "tmpfs", 0, options) == 0;
}

static void remount(struct program *p, unsigned long flags, const char *options)
{
    int rc = -1;

    /* Busy while a process that has just ended still holds a file there. */
    for (int i = 0; i < 500 && rc; i++) {
        rc = mount("tmpfs", p->folder, "tmpfs", MS_REMOUNT | flags, options);
        if (rc)
            usleep(10000);
    }
    if (rc)
        fail_msg("cannot remount: %s", strerror(errno));
}

static const char *const disk_args[] = { "seeds.txt",  "-q",   "--delay", "0",
                                         "--min-free", "4096", NULL };

static void open_on_disk(struct rig *g, const char *options)
{
    g->o = origin_start(&(struct origin_options){
        .routes = large, .n_routes = ARRAY_LEN(large), .n_addresses = 1 });
    program_open(&g->p);
    if (!mount_disk(&g->p, options)) {
        rig_close(g);
        skip(); /* needs to be root in its own mount namespace or on a test machine */
    }
    program_seeds(&g->p, origin_port(g->o), "http://127.0.0.1:$PORT/0\n");
}

static void close_on_disk(struct rig *g)
{
    assert_int_equal(umount2(g->p.folder, MNT_DETACH), 0);
    rig_close(g);
}

static void p15_a_full_disk_stops_it_and_room_lets_it_go_on(void **state)
{
    struct rig g;
    int64_t n;

    (void)state;
    open_on_disk(&g, "size=4m");
    assert_int_equal(program_crawl(&g.p, disk_args), 3);
    if (!program_said(&g.p, "crawl.db"))
        fail_msg("%.*s", (int)MIN(g.p.err.len, (size_t)2000), g.p.err.ptr);
    assert_true(program_said(&g.p, "full") || program_said(&g.p, "No space left") ||
                program_said(&g.p, "are free on its disk"));
    remount(&g.p, 0, "size=400m");
    n = program_number(&g.p, "SELECT count(*) FROM urls WHERE state = 'fetched'");
    assert_in_range(n, 0, N_LARGE - 1);
    assert_sound(&g, n);

    assert_int_equal(program_crawl(&g.p, disk_args), 0);

    assert_sound(&g, N_LARGE);
    close_on_disk(&g);
}

/* There is room, but not for one more of the files that belong to a database. */
static void p15_a_disk_without_inodes_stops_it_and_is_named(void **state)
{
    static const char *const options[] = { "size=400m,nr_inodes=6", "size=400m,nr_inodes=7" };
    struct rig g;

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(options); i++) {
        open_on_disk(&g, options[i]);
        assert_int_equal(program_crawl(&g.p, disk_args), 3);
        if (!program_said(&g.p, "crawl.db") || !program_said(&g.p, "No space left"))
            fail_msg("%s: %.*s", options[i], (int)MIN(g.p.err.len, (size_t)2000), g.p.err.ptr);
        remount(&g.p, 0, "size=400m,nr_inodes=100");
        assert_int_equal(program_crawl(&g.p, disk_args), 0);
        assert_sound(&g, N_LARGE);
        close_on_disk(&g);
    }
}

static void p15_a_disk_that_becomes_read_only_stops_it(void **state)
{
    struct rig g;

    (void)state;
    open_on_disk(&g, "size=400m");
    assert_int_equal(
        program_crawl(&g.p, ARGS{ "seeds.txt", "-q", "--delay", "0", "-n", "3", NULL }),
        5);
    remount(&g.p, MS_RDONLY, "size=400m");
    {
        struct program other;

        program_open(&other);
        assert_int_equal(
            program_crawl(&other, ARGS{ "-o", program_path(&g.p, "crawl.db"), "-q",
                                        "--delay", "0", NULL }),
            3);
        assert_true(program_said(&other, "Read-only file system"));
        program_close(&other);
    }
    remount(&g.p, 0, "size=400m");

    assert_int_equal(program_crawl(&g.p, disk_args), 0);

    assert_sound(&g, N_LARGE);
    close_on_disk(&g);
}

/* --- descriptors ---------------------------------------------------------------------------- */

static void crawl_with_files(int max_files)
{
    struct rig g;

    RIG_OPEN(&g, small, 20, "");
    {
        struct buf seeds;

        buf_init(&seeds, (size_t)64 * KIB);
        for (int i = 1; i <= 20; i++)
            assert_int_equal(buf_printf(&seeds, "http://127.0.0.%d:$PORT/0\n", i), OK);
        assert_int_equal(buf_append_byte(&seeds, '\0'), OK);
        program_seeds(&g.p, origin_port(g.o), seeds.ptr);
        buf_clear(&seeds);
    }
    g.p.max_files = max_files;
    assert_int_equal(
        program_crawl(&g.p, ARGS{ "seeds.txt", "-q", "--delay", "0", "--per-host", "4",
                                  "--workers", "1", NULL }),
        0);
    g.p.max_files = 0;
    assert_sound(&g, 20 * N_PAGES);
    assert_int_equal(traffic_most_of_one(g.o, "127.0.0.1", NULL), 1);
    /* Less at a time, not one at a time; and it is said. */
    assert_string_equal(
        program_text(&g.p, "SELECT count(*) FROM events WHERE event = 'few-descriptors'"
                           " AND CAST(substr(detail, 26) AS INTEGER) BETWEEN 8 AND 32"),
        "1");
    rig_close(&g);
}

static void p32_64_descriptors_are_enough(void **state)
{
    (void)state;
    crawl_with_files(64);
}

#define SHORT_US 3500000 /* three tries, and none of them may count: --retries 0 */

/*
 * Others take all descriptors while it runs: new hosts have to be resolved, their robots.txt and sitemaps
 * read, pages asked for. It waits, and nothing is given up. (That a lookup failed is remembered for 30 s.)
 */
static void p32_a_long_shortage_of_descriptors_costs_time_and_nothing_else(void **state)
{
    static const struct nameserver_record names[] = {
        { .name = "*.example.com", .addresses = "127.0.0.1", .ttl_s = 60 },
    };
    static const struct origin_route routes[] = {
        { .path = "/robots.txt", .headers = PLAIN, .body = LIT("Sitemap: /map.xml\n") },
        { .path = "/map.xml", .headers = XML, TEXT_OF("<urlset><url><loc>/mapped</loc></url></urlset>") },
        { .path = "/0",
          .headers = HTML,
          .closes = true,
          .delay_ms = 100,
          TEXT_OF("<a href=/1>1</a><a href=/2>2</a><a href=http://b.example.com:$PORT/0>b</a>"
                  "<a href=http://c.example.com:$PORT/0>c</a>") },
        { .path = "*", .headers = HTML, .closes = true, .delay_ms = 100, .body = PAGE },
    };
    struct nameserver *ns = nameserver_start(names, ARRAY_LEN(names));
    struct rlimit limit;
    struct rig g;

    (void)state;
    RIG_OPEN(&g, routes, 1, "http://a.example.com:$PORT/0\n");
    program_start_crawl(&g.p, ARGS{ "seeds.txt", "-q", "--delay", "0", "--scope", "domain", "--retries", "0", "--dns",
                                    nameserver_text(ns), NULL });
    assert_true(traffic_wait(g.o, NULL, "/0", 1));
    assert_int_equal(prlimit(g.p.pid, RLIMIT_NOFILE, NULL, &limit), 0);
    assert_int_equal(prlimit(g.p.pid, RLIMIT_NOFILE, &(struct rlimit){ 3, limit.rlim_max }, NULL), 0);
    usleep(SHORT_US);
    assert_int_equal(traffic_count(g.o, NULL, "/1") + traffic_count(g.o, "b.example.com", NULL), 0);
    assert_int_equal(prlimit(g.p.pid, RLIMIT_NOFILE, &limit, NULL), 0);
    assert_int_equal(program_wait(&g.p), 0);

    assert_string_equal(program_text(&g.p, "SELECT group_concat(state || ' ' || n) FROM"
                                           " (SELECT state, count(*) AS n FROM urls GROUP BY 1)"),
                        "fetched 12");
    assert_int_equal(program_number(&g.p, "SELECT count(*) FROM sitemaps WHERE outcome = 'urlset'"), 3);
    assert_int_equal(program_number(&g.p, "SELECT count(*) FROM fetches"), 12);
    assert_int_equal(program_number(&g.p, "SELECT count(*) FROM robots WHERE outcome = 'ok'"), 3);
    rig_close(&g);
    nameserver_stop(ns);
}

/* Where they reach for all but a request, that is a reason to end: nobody would give one back. */
static void p32_with_too_few_descriptors_nothing_waits_for_ever(void **state)
{
    (void)state;
    for (int n = 18; n < 26; n++) {
        struct rig g;
        int code;

        RIG_OPEN(&g, small, 1, "http://127.0.0.1:$PORT/0\n");
        g.p.max_files = n;
        code = program_crawl(&g.p, ARGS{ "seeds.txt", "-q", "--delay", "0", "--workers", "2", NULL });
        if (code) {
            assert_int_equal(code, 3);
            assert_true(program_said(&g.p, "Too many open files"));
        } else {
            assert_sound(&g, N_PAGES);
        }
        rig_close(&g);
    }
}

static void p32_with_20_descriptors_all_is_fetched_or_a_reason_given(void **state)
{
    struct rig g;
    int code;

    (void)state;
    RIG_OPEN(&g, small, 1, "http://127.0.0.1:$PORT/0\n");
    g.p.max_files = 20;
    code = program_crawl(
        &g.p, ARGS{ "seeds.txt", "-q", "--delay", "0", "--workers", "1", NULL });
    g.p.max_files = 0;
    if (code) {
        assert_int_equal(code, 3);
        assert_true(program_said(&g.p, "Too many open files"));
    }
    assert_int_equal(program_crawl(&g.p, ARGS{ "seeds.txt", "-q", "--delay", "0",
                                               "--revisit", "none", NULL }),
                     0);
    assert_sound(&g, N_PAGES);
    rig_close(&g);
}

/* --- the network --------------------------------------------------------------------------- */

/* The address of the loopback is there, or nothing is. */
static void set_network(bool is_there)
{
    struct ifreq flags = { .ifr_name = "lo", .ifr_flags = IFF_UP }, r = { .ifr_name = "lo" };
    struct sockaddr_in a = { .sin_family = AF_INET, .sin_addr.s_addr = htonl(is_there ? INADDR_LOOPBACK : INADDR_ANY) };
    int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);

    memcpy(&r.ifr_addr, &a, sizeof a);
    assert_true(fd >= 0);
    assert_int_equal(ioctl(fd, SIOCSIFADDR, &r), 0);
    assert_int_equal(ioctl(fd, SIOCSIFFLAGS, &flags), 0);
    (void)close(fd);
}

/* A default route, through the loopback as there is nothing else. */
static void set_way_out(void)
{
    char lo[] = "lo";
    struct rtentry route = { .rt_flags = RTF_UP, .rt_dev = lo };
    struct sockaddr_in any = { .sin_family = AF_INET };
    int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);

    memcpy(&route.rt_dst, &any, sizeof any);
    memcpy(&route.rt_genmask, &any, sizeof any);
    assert_int_equal(ioctl(fd, SIOCADDRT, &route), 0);
    (void)close(fd);
}

/* Did the run that goes on write this into its log? */
static bool has_logged(struct program *p, const char *text)
{
    static char bytes[65536];
    int fd = open(program_path(p, "log.txt"), O_RDONLY | O_CLOEXEC);
    ssize_t n = fd < 0 ? 0 : read(fd, bytes, sizeof bytes - 1);

    (void)close(fd);
    bytes[MAX(n, 0)] = '\0';
    return strstr(bytes, text) != NULL;
}

/* A network of the test's own, which has only a loopback. Gives the one before, for leave_network. */
static int enter_network(void)
{
    int ours = open("/proc/self/ns/net", O_RDONLY | O_CLOEXEC);

    assert_true(ours >= 0);
    if (unshare(CLONE_NEWNET)) {
        (void)close(ours);
        skip(); /* needs to be root */
    }
    set_network(true);
    return ours;
}

static void leave_network(int ours)
{
    assert_int_equal(setns(ours, CLONE_NEWNET), 0);
    (void)close(ours);
}

static void await_log(struct program *p, const char *text)
{
    for (int i = 0; i < 400 && !has_logged(p, text); i++)
        usleep(50000);
}

/* A machine that slept, or has just started. */
static void p11_without_a_network_it_waits_for_one(void **state)
{
    int ours = enter_network();
    struct rig g;

    (void)state;
    RIG_OPEN(&g, small, 1, "http://127.0.0.1:$PORT/0\n");
    set_network(false);
    program_start_crawl(&g.p, ARGS{ "seeds.txt", "-q", "--delay", "0", "--log", "log.txt", NULL });
    await_log(&g.p, "no-network");
    set_network(true);
    assert_int_equal(program_wait(&g.p), 0);
    assert_sound(&g, N_PAGES);
    assert_int_equal(program_number(&g.p, "SELECT count(*) FROM events WHERE event IN ('no-network', 'network-back')"), 2);
    /* Where it does not come, it is said why, and the next start asks again. */
    set_network(false);
    assert_int_equal(program_crawl(&g.p, ARGS{ "seeds.txt", "-q", "--delay", "0", "--max-wait", "1500ms", NULL }), 4);
    assert_int_equal(program_number(&g.p, "SELECT count(*) > 0 FROM fetches WHERE outcome = 'connect_failed'"
                                          " AND error LIKE '127.0.0.1 port %: Network is unreachable'"),
                     1);
    /* A machine with a way out has a network: that there is none to one host is that host's affair. */
    set_network(true);
    set_way_out();
    assert_int_equal(program_crawl(&g.p, ARGS{ "http://[2001:db8::9]/", "--allow-net", "2001:db8::/32", "-q", "-o", "six.db",
                                               "--fail-on", "failed", NULL }),
                     4);
    assert_int_equal(program_run(&g.p, ARGS{ "sql", "-o", "six.db", "--format", "csv",
                                             "SELECT count(*) FROM events WHERE event = 'no-network'", NULL }),
                     0);
    assert_non_null(strstr(buf_span(&g.p.out).ptr, "\n0"));
    rig_close(&g);
    leave_network(ours);
}

/* Who waits for it looks again when the first has found it, instead of taking what came of the last look. */
static void p11_when_the_network_is_back_nobody_has_failed(void **state)
{
    int ours = enter_network();
    struct rig g;

    (void)state;
    RIG_OPEN(&g, small, 8,
             "http://127.0.0.1:$PORT/20\nhttp://127.0.0.2:$PORT/20\nhttp://127.0.0.3:$PORT/20\n"
             "http://127.0.0.4:$PORT/20\nhttp://127.0.0.5:$PORT/20\nhttp://127.0.0.6:$PORT/20\n"
             "http://127.0.0.7:$PORT/20\nhttp://127.0.0.8:$PORT/20\n");
    set_network(false);
    program_start_crawl(&g.p, ARGS{ "seeds.txt", "-q", "--no-robots", "--rate", "8", "--log", "log.txt", NULL });
    await_log(&g.p, "no-network");
    usleep(2500000); /* until all of them wait */
    set_network(true);
    assert_int_equal(program_wait(&g.p), 0);
    assert_sound(&g, 8);
    assert_int_equal(program_number(&g.p, "SELECT count(*) FROM fetches"), 8);
    rig_close(&g);
    leave_network(ours);
}

static const struct origin_route slow[] = {
    NO_ROBOTS,
    { .path = "*", .headers = HTML, .generate = make_page, .arg = (void *)(uintptr_t)&n_small, .delay_ms = 400 },
};

/* A machine that is meant to have no way out: what it cannot reach takes no place from what it can, and is no outage. */
static void p11_hosts_without_a_way_hold_nobody_up(void **state)
{
    int ours = enter_network();
    struct rig g;

    (void)state;
    RIG_OPEN(&g, slow, 1, "http://192.0.2.1/\nhttp://192.0.2.2/\nhttp://192.0.2.3/\nhttp://127.0.0.1:$PORT/0\n");
    assert_int_equal(program_crawl(&g.p, ARGS{ "seeds.txt", "-q", "--no-robots", "--allow-net", "192.0.2.0/24",
                                               "--delay", "0", "--concurrency", "2", "--retries", "0", NULL }),
                     0);
    assert_sound(&g, N_PAGES);
    assert_int_equal(program_number(&g.p, "SELECT count(*) FROM urls WHERE state = 'failed'"), 3);
    assert_int_equal(program_number(&g.p, "SELECT count(*) FROM events WHERE event = 'no-network'"), 0);
    rig_close(&g);
    leave_network(ours);
}

/* --- memory ------------------------------------------------------------------------------ */

/* ulimit -v: with little all is fetched, with too little it is said, and nothing is lost. */
static void p33_an_address_space_that_is_small_is_enough_or_said(void **state)
{
    struct rig g;

    (void)state;
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
    skip(); /* its shadow alone is terabytes */
#endif
    for (int64_t mib = 1600; mib >= 100; mib /= 2) {
        int code;

        RIG_OPEN(&g, small, 1, "http://127.0.0.1:$PORT/0\n");
        g.p.max_memory = mib * MIB;
        code = program_crawl(
            &g.p, ARGS{ "seeds.txt", "-q", "--delay", "0", "--workers", "1", NULL });
        g.p.max_memory = 0;
        if (mib >= 800 || code == 0)
            assert_int_equal(code, 0);
        else
            assert_true((code == 3 || code == 134) && g.p.err.len > 0);
        assert_int_equal(program_crawl(&g.p, ARGS{ "seeds.txt", "-q", "--delay", "0",
                                                   "--revisit", "none", NULL }),
                         0);
        assert_sound(&g, N_PAGES);
        rig_close(&g);
    }
}

/* --- the parsers' descriptors ----------------------------------------------------------------- */

/* Does an open descriptor of pid lead to a file whose name contains this? */
static bool has_open(const char *pid, const char *name)
{
    char path[320], target[512];
    bool has = false;
    struct dirent *entry;
    DIR *d;

    snprintf(path, sizeof path, "/proc/%s/fd", pid);
    d = opendir(path);
    while (d && !has && (entry = readdir(d)) != NULL) {
        ssize_t n;

        snprintf(path, sizeof path, "/proc/%s/fd/%s", pid, entry->d_name);
        n = readlink(path, target, sizeof target - 1);
        target[MAX(n, (ssize_t)0)] = '\0';
        has = strstr(target, name) != NULL;
    }
    if (d)
        closedir(d);
    return has;
}

/* How many processes have it open, and whether one of them is another than only. */
static int count_holders(const char *name, int only, bool *others)
{
    DIR *proc = opendir("/proc");
    struct dirent *entry;
    int n = 0;

    *others = false;
    while ((entry = readdir(proc)) != NULL) {
        int64_t pid;

        if (!span_parse_i64(span_str(entry->d_name), &pid) ||
            !has_open(entry->d_name, name))
            continue;
        n++;
        *others = *others || pid != only;
    }
    closedir(proc);
    return n;
}

static void p42_one_process_alone_has_the_database_open(void **state)
{
    char name[160];
    struct rig g;
    bool others;

    (void)state;
    RIG_OPEN(&g, small, 1, "http://127.0.0.1:$PORT/0\n");
    snprintf(name, sizeof name, "%s", program_path(&g.p, "crawl.db"));
    program_start_crawl(
        &g.p, ARGS{ "seeds.txt", "-q", "--delay", "30ms", "--workers", "3", NULL });
    assert_true(traffic_wait(g.o, NULL, NULL, 8));
    assert_int_equal(count_holders(name, g.p.pid, &others), 1);
    assert_false(others);
    assert_int_equal(program_wait(&g.p), 0);
    rig_close(&g);
}

/* --- clocks --------------------------------------------------------------------------------------- */

/* A cleaner that is too eager, a mv in the wrong terminal: whatever is stored goes where nobody looks. */
static void a_database_that_is_moved_away_is_said(void **state)
{
    struct rig g;

    (void)state;
    RIG_OPEN(&g, small, 1, "http://127.0.0.1:$PORT/0\n");
    for (int is_removed = 0; is_removed <= 1; is_removed++) {
        program_start_crawl(&g.p, ARGS{ "seeds.txt", "-q", "--delay", "100ms", NULL });
        assert_true(traffic_wait(g.o, NULL, NULL, is_removed ? 2 + N_PAGES : 2));
        assert_int_equal(is_removed ? unlink(program_path(&g.p, "crawl.db"))
                                    : rename(program_path(&g.p, "crawl.db"), program_path(&g.p, "moved.db")), 0);
        assert_int_equal(program_wait(&g.p), 3);
        assert_true(program_said(&g.p, "was removed or renamed while the crawl wrote to it"));
        if (!is_removed)
            assert_int_equal(program_run(&g.p, ARGS{ "verify", "-o", "moved.db", NULL }), 0);
    }
    rig_close(&g);
}

static void p43_a_wall_clock_that_jumps_neither_floods_nor_freezes(void **state)
{
    static const int64_t jumps_s[] = { 86400, -86400, INT64_C(15) * 365 * 86400, 0 };
    static const int64_t zero;
    struct rig g;
    int64_t *wrong_by;
    int fd;

    (void)state;
    RIG_OPEN(&g, small, 2, "http://127.0.0.1:$PORT/0\nhttp://127.0.0.2:$PORT/0\n");
    program_write(&g.p, "clock", span_make((const char *)&zero, sizeof zero));
    fd = open(program_path(&g.p, "clock"), O_RDWR | O_CLOEXEC);
    wrong_by = mmap(NULL, sizeof zero, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
    assert_true(wrong_by != MAP_FAILED);
    close(fd);
    faults_load(NULL, program_path(&g.p, "clock"));
    program_start_crawl(&g.p, ARGS{ "seeds.txt", "-q", "--delay", "60ms", NULL });
    faults_unload();
    for (size_t i = 0; i < ARRAY_LEN(jumps_s); i++) {
        assert_true(traffic_wait(g.o, NULL, NULL, 8 * (i + 1)));
        *wrong_by = jumps_s[i] * NS_PER_S;
        if (i == 1) { /* and the process stands still */
            program_signal(&g.p, SIGSTOP);
            usleep(300000);
            program_signal(&g.p, SIGCONT);
        }
    }
    assert_int_equal(program_wait(&g.p), 0);
    munmap(wrong_by, sizeof zero);
    for (int i = 1; i <= 2; i++)
        assert_true(traffic_gap_us(g.o, i == 1 ? "127.0.0.1" : "127.0.0.2") >= 60000);
    assert_sound(&g, 2 * N_PAGES);
    assert_true(
        program_number(&g.p, "SELECT max(fetched_at) - min(fetched_at) FROM fetches") >
        INT64_C(86400000)); /* the program did see the jumps */
    rig_close(&g);
}

/* --- surroundings --------------------------------------------------------------------------------- */

static void p52_without_environment_and_standard_descriptors_all_is_the_same(
    void **state)
{
    struct rig g;

    (void)state;
    RIG_OPEN(&g, small, 1, "http://127.0.0.1:$PORT/0\nno url\n");
    g.p.is_bare = true;
    assert_int_equal(program_crawl(&g.p, ARGS{ "seeds.txt", "--delay", "0", "-v",
                                               "--progress", "plain", NULL }),
                     0);
    g.p.is_bare = false;
    assert_int_equal(g.p.err.len, 0);
    assert_sound(&g, N_PAGES);
    rig_close(&g);
}

static void p53_who_does_not_read_holds_nothing_up(void **state)
{
    char filler[4096] = "";
    struct rig g;
    int ends[2];

    (void)state;
    RIG_OPEN(&g, small, 1, "http://127.0.0.1:$PORT/0\nno url\n");
    assert_int_equal(pipe2(ends, O_CLOEXEC), 0);
    assert_int_equal(fcntl(ends[1], F_SETFL, O_NONBLOCK), 0);
    while (write(ends[1], filler, sizeof filler) > 0)
        ;
    assert_int_equal(fcntl(ends[1], F_SETFL, 0), 0);
    g.p.error_fd = ends[1];
    assert_int_equal(program_crawl(&g.p, ARGS{ "seeds.txt", "--delay", "40ms", "-v",
                                               "--progress", "tty", NULL }),
                     0);
    g.p.error_fd = 0;
    close(ends[0]);
    close(ends[1]);
    assert_sound(&g, N_PAGES);
    rig_close(&g);
}

static void p53_a_full_device_for_the_log_costs_records_not_the_crawl(void **state)
{
    struct rig g;

    (void)state;
    RIG_OPEN(&g, small, 1, "http://127.0.0.1:$PORT/0\n");
    assert_int_equal(program_crawl(&g.p, ARGS{ "seeds.txt", "-v", "--delay", "0",
                                               "--log", "/dev/full", NULL }),
                     0);
    assert_sound(&g, N_PAGES);
    rig_close(&g);
}

static void p17_signals_at_any_moment_lose_nothing(void **state)
{
    static const int signals[] = { SIGTERM, SIGINT, SIGHUP };
    struct rig g;

    (void)state;
    srandom(17);
    RIG_OPEN(&g, small, 1, "http://127.0.0.1:$PORT/0\n");
    for (int i = 0; i < 9; i++) {
        int code, signo = signals[i % 3];

        program_start_crawl(&g.p, ARGS{ "seeds.txt", "-q", "--delay", "30ms",
                                        "--revisit", "none", NULL });
        usleep((useconds_t)(random() % 150000));
        program_signal(&g.p, signo);
        code = program_wait(&g.p);
        /* 0: it had ended; 129: SIGHUP before anybody watched for it. */
        assert_true(code == 0 || code == 130 || code == 143 ||
                    (signo == SIGHUP && code == 129));
        if (access(program_path(&g.p, "crawl.db"), F_OK) == 0)
            assert_sound(&g, 0);
    }
    assert_int_equal(program_crawl(&g.p, ARGS{ "seeds.txt", "-q", "--delay", "0",
                                               "--revisit", "none", NULL }),
                     0);
    assert_sound(&g, N_PAGES);
    rig_close(&g);
}

/* The children of this process; of those of a child that ended, too, once it is their subreaper. */
static void list_children(char *out, size_t size)
{
    char path[64];
    struct buf list;

    snprintf(path, sizeof path, "/proc/self/task/%d/children", (int)getpid());
    buf_init(&list, (size_t)64 * KIB);
    assert_int_equal(io_read_file(path, &list, NULL), OK);
    snprintf(out, size, "%.*s", SPAN_ARG(buf_span(&list)));
    buf_clear(&list);
}

/* Who measures a run measures its parser processes, and nothing of it outlives it. */
static void every_process_of_a_run_is_gone_with_it(void **state)
{
    char before[256], after[256];
    struct rig g;

    (void)state;
    assert_int_equal(prctl(PR_SET_CHILD_SUBREAPER, 1), 0);
    RIG_OPEN(&g, small, 1, "http://127.0.0.1:$PORT/0\n");
    list_children(before, sizeof before);
    assert_int_equal(
        program_crawl(&g.p, ARGS{ "seeds.txt", "-q", "--delay", "0", NULL }), 0);
    list_children(after, sizeof after);
    assert_string_equal(after, before);
    rig_close(&g);
    assert_int_equal(prctl(PR_SET_CHILD_SUBREAPER, 0), 0);
}

static void p57_the_longest_step_of_the_loop_is_reported(void **state)
{
    struct rig g;
    struct buf json;
    struct span all;

    (void)state;
    RIG_OPEN(&g, small, 1, "http://127.0.0.1:$PORT/0\n");
    assert_int_equal(program_crawl(&g.p, ARGS{ "seeds.txt", "-q", "--delay", "0",
                                               "--json-summary", "end.json", NULL }),
                     0);
    buf_init(&json, (size_t)MIB);
    assert_int_equal(io_read_file(program_path(&g.p, "end.json"), &json, NULL), OK);
    all = buf_span(&json);
    assert_true(span_find_span(all, SPAN("\"longest_step_ms\":")) < all.len);
    assert_true(span_find_span(all, SPAN("\"longest_step_ms\":0.0,")) == all.len);
    assert_true(span_find_span(all, SPAN("\"slow_steps\":")) < all.len);
    buf_clear(&json);
    rig_close(&g);
}

/* Containers with a filter of their own refuse calls that the kernel has. */
static void a_call_that_the_kernel_lacks_is_named(void **state)
{
    static const struct {
        int number;
        const char *said;
    } rows[] = {
        { SYS_getrandom, "crawl: no random numbers from the kernel (getrandom): Function not implemented\n" },
        { SYS_signalfd4, "crawl: cannot watch for signals: Function not implemented\n" },
        { SYS_epoll_create1, "crawl: cannot make an epoll descriptor: Function not implemented\n" },
        { SYS_memfd_create, "crawl: cannot create shared memory for bodies: Function not implemented\n" },
    };
    struct rig g;

    (void)state;
    RIG_OPEN(&g, small, 1, "http://127.0.0.1:$PORT/0\n");
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        g.p.missing_call = rows[i].number;
        assert_int_equal(program_crawl(&g.p, ARGS{ "seeds.txt", "--delay", "0", NULL }), 3);
        assert_int_equal(buf_append_byte(&g.p.err, '\0'), OK);
        assert_string_equal(g.p.err.ptr, rows[i].said);
    }
    g.p.missing_call = 0;
    assert_int_equal(program_crawl(&g.p, ARGS{ "seeds.txt", "-q", "--delay", "0", NULL }), 0);
    rig_close(&g);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(p15_a_full_disk_stops_it_and_room_lets_it_go_on),
        cmocka_unit_test(p15_a_disk_without_inodes_stops_it_and_is_named),
        cmocka_unit_test(p15_a_disk_that_becomes_read_only_stops_it),
        cmocka_unit_test(p17_signals_at_any_moment_lose_nothing),
        cmocka_unit_test(p32_64_descriptors_are_enough),
        cmocka_unit_test(p32_a_long_shortage_of_descriptors_costs_time_and_nothing_else),
        cmocka_unit_test(p32_with_20_descriptors_all_is_fetched_or_a_reason_given),
        cmocka_unit_test(p32_with_too_few_descriptors_nothing_waits_for_ever),
        cmocka_unit_test(p11_without_a_network_it_waits_for_one),
        cmocka_unit_test(p11_when_the_network_is_back_nobody_has_failed),
        cmocka_unit_test(p11_hosts_without_a_way_hold_nobody_up),
        cmocka_unit_test(p33_an_address_space_that_is_small_is_enough_or_said),
        cmocka_unit_test(p42_one_process_alone_has_the_database_open),
        cmocka_unit_test(a_database_that_is_moved_away_is_said),
        cmocka_unit_test(p43_a_wall_clock_that_jumps_neither_floods_nor_freezes),
        cmocka_unit_test(
            p52_without_environment_and_standard_descriptors_all_is_the_same),
        cmocka_unit_test(p53_who_does_not_read_holds_nothing_up),
        cmocka_unit_test(p53_a_full_device_for_the_log_costs_records_not_the_crawl),
        cmocka_unit_test(every_process_of_a_run_is_gone_with_it),
        cmocka_unit_test(a_call_that_the_kernel_lacks_is_named),
        cmocka_unit_test(p57_the_longest_step_of_the_loop_is_reported),
    };

    return cmocka_run_group_tests_name("flow/machine", tests, NULL, NULL);
}
