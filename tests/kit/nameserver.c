/* SPDX-License-Identifier: MIT */
#include "tests/kit/nameserver.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "config/mem.h"
#include "config/span.h"

#define MAX_RECORDS  64
#define MAX_MESSAGE  4096
#define HEADER_BYTES 12
#define TYPE_A       1
#define TYPE_CNAME   5
#define TYPE_AAAA    28

struct counts {
    size_t n_queries;
    size_t n_met[MAX_RECORDS];
};

struct nameserver {
    pid_t pid;
    char text[32];
    struct counts *counts;
};

/* The answer under construction. */
struct message {
    unsigned char bytes[MAX_MESSAGE];
    size_t len;
    uint16_t n_answers;
};

static void put(struct message *m, const void *bytes, size_t n)
{
    BUG_IF(m->len + n > sizeof(m->bytes));
    memcpy(m->bytes + m->len, bytes, n);
    m->len += n;
}

static void put16(struct message *m, unsigned v)
{
    const unsigned char b[2] = { (unsigned char)(v >> 8), (unsigned char)v };

    put(m, b, sizeof(b));
}

static void put32(struct message *m, uint32_t v)
{
    put16(m, v >> 16);
    put16(m, v & 0xffff);
}

/* "a.test" as length-prefixed labels. */
static void put_name(struct message *m, struct span name)
{
    struct span label;

    while (span_split(&name, '.', &label)) {
        const unsigned char n = (unsigned char)label.len;

        put(m, &n, 1);
        put(m, label.ptr, label.len);
    }
    put(m, "", 1);
}

/* owner is a compression pointer: 0xc000 | offset. */
static void put_record_head(struct message *m, unsigned owner, unsigned type,
                            uint32_t ttl_s)
{
    put16(m, owner);
    put16(m, type);
    put16(m, 1);
    put32(m, ttl_s);
    m->n_answers++;
}

static void put_addresses(struct message *m, const struct nameserver_record *r,
                          unsigned owner, unsigned type)
{
    struct span rest = span_str(r->addresses);
    struct span text;

    while (span_token(&rest, &text)) {
        char str[64] = "";
        unsigned char bytes[16];
        bool is_v6 = memchr(text.ptr, ':', text.len) != NULL;

        memcpy(str, text.ptr, MIN(text.len, sizeof(str) - 1));
        if (is_v6 != (type == TYPE_AAAA))
            continue;
        BUG_IF(inet_pton(is_v6 ? AF_INET6 : AF_INET, str, bytes) != 1);
        put_record_head(m, owner, type, r->ttl_s);
        put16(m, is_v6 ? 16 : 4);
        put(m, bytes, is_v6 ? 16 : 4);
    }
}

/* The question's name in dotted lower case; its end in *end. */
static void read_name(const unsigned char *q, size_t n, char name[256], size_t *end)
{
    size_t at = HEADER_BYTES;
    size_t len = 0;

    while (at < n && q[at] && at + 1 + q[at] < n && len + q[at] + 1 < 255) {
        for (size_t i = 1; i <= q[at]; i++)
            name[len++] = span_ascii_lower((char)q[at + i]);
        name[len++] = '.';
        at += (size_t)q[at] + 1;
    }
    name[len ? len - 1 : 0] = '\0';
    *end = at + 1;
}

static bool is_met(const struct nameserver_record *r, struct span name)
{
    if (span_starts(span_str(r->name), SPAN("*.")))
        return span_ends(name, span_skip(span_str(r->name), 1));
    return span_eq(span_str(r->name), name);
}

static const struct nameserver_record *find(const struct nameserver_record *records,
                                            size_t n, struct counts *counts,
                                            struct span name)
{
    for (size_t i = 0; i < n; i++) {
        if (!is_met(&records[i], name))
            continue;
        if (records[i].uses && counts->n_met[i] >= (size_t)records[i].uses)
            continue;
        counts->n_met[i]++;
        return &records[i];
    }
    return NULL;
}

/* RFC 1035 §4.1: the question repeated, then the answers. False for silence. */
static bool answer(const struct nameserver_record *r, const unsigned char *q,
                   size_t question_end, struct message *m)
{
    unsigned type = (unsigned)q[question_end] << 8 | q[question_end + 1];
    unsigned code = r ? r->code : NAMESERVER_NXDOMAIN;
    unsigned owner = 0xc000 | HEADER_BYTES;

    if (r && r->is_silent)
        return false;
    put(m, q, question_end + 4);
    m->bytes[2] = 0x84 | (q[2] & 1); /* response, authoritative */
    m->bytes[3] = (unsigned char)(0x80 | code);
    memset(m->bytes + 6, 0, 6);
    if (r && r->is_garbled) {
        m->len = HEADER_BYTES + 3;
        return true;
    }
    if (r && r->cname) {
        put_record_head(m, owner, TYPE_CNAME, r->ttl_s);
        put16(m, (unsigned)strlen(r->cname) + 2);
        owner = 0xc000 | (unsigned)m->len;
        put_name(m, span_str(r->cname));
    }
    if (r && r->addresses)
        put_addresses(m, r, owner, type);
    m->bytes[7] = (unsigned char)m->n_answers;
    return true;
}

NORETURN static void serve(int fd, const struct nameserver_record *records, size_t n,
                           struct counts *counts)
{
    for (;;) {
        unsigned char q[1024];
        struct sockaddr_in from;
        socklen_t from_len = sizeof(from);
        struct message m = { .len = 0 };
        char name[256];
        size_t end;
        ssize_t got =
            recvfrom(fd, q, sizeof(q), 0, (struct sockaddr *)&from, &from_len);

        if (got < HEADER_BYTES + 5)
            continue;
        counts->n_queries++;
        read_name(q, (size_t)got, name, &end);
        if (end + 4 > (size_t)got)
            continue;
        if (answer(find(records, n, counts, span_str(name)), q, end, &m))
            (void)sendto(fd, m.bytes, m.len, 0, (const struct sockaddr *)&from,
                         from_len);
    }
}

struct nameserver *nameserver_start(const struct nameserver_record *records, size_t n)
{
    struct nameserver *ns = nameserver_start_at("127.0.0.1", 0, records, n);

    BUG_IF(!ns);
    return ns;
}

struct nameserver *nameserver_start_at(const char *address, uint16_t port, const struct nameserver_record *records,
                                       size_t n)
{
    struct nameserver *ns;
    struct sockaddr_in sin = { .sin_family = AF_INET, .sin_port = htons(port), .sin_addr.s_addr = inet_addr(address) };
    socklen_t len = sizeof(sin);
    int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    const int big = 4 << 20;

    BUG_IF(n > MAX_RECORDS);
    BUG_IF(fd < 0);
    if (bind(fd, (const struct sockaddr *)&sin, sizeof(sin))) {
        (void)close(fd);
        return NULL;
    }
    ns = mem_alloc(sizeof(*ns));
    BUG_IF(getsockname(fd, (struct sockaddr *)&sin, &len) != 0);
    (void)setsockopt(fd, SOL_SOCKET, SO_RCVBUF, &big, sizeof(big));
    (void)snprintf(ns->text, sizeof(ns->text), "%s:%u", address, ntohs(sin.sin_port));
    ns->counts = mmap(NULL, sizeof(*ns->counts), PROT_READ | PROT_WRITE,
                      MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    BUG_IF(ns->counts == MAP_FAILED);
    ns->pid = fork();
    BUG_IF(ns->pid < 0);
    if (ns->pid == 0) {
        (void)prctl(PR_SET_PDEATHSIG, SIGKILL);
        serve(fd, records, n, ns->counts);
    }
    (void)close(fd);
    return ns;
}

void nameserver_stop(struct nameserver *ns)
{
    if (!ns)
        return;
    (void)kill(ns->pid, SIGKILL);
    while (waitpid(ns->pid, NULL, 0) < 0 && errno == EINTR)
        continue;
    (void)munmap(ns->counts, sizeof(*ns->counts));
    mem_free(ns);
}

const char *nameserver_text(const struct nameserver *ns)
{
    return ns->text;
}

size_t nameserver_n_queries(const struct nameserver *ns)
{
    return ns->counts->n_queries;
}

size_t nameserver_n_met(const struct nameserver *ns, size_t i)
{
    return ns->counts->n_met[i];
}
