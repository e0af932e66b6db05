/* SPDX-License-Identifier: MIT */
#include "crawler/networks.h"

#include <errno.h>
#include <unistd.h>

#include "config/buf.h"
#include "config/io.h"

#define MAX_CA_BYTES (64 * MIB)

static enum err read_allowed(const struct settings *s, struct arena *mem, struct address_policy *out,
                             struct err_note *note)
{
    const struct text_list *list = &s->allow_net;
    struct address_network *networks = arena_array(mem, list->len + 1, sizeof *networks);

    for (size_t i = 0; i < list->len; i++)
        if (address_parse_network(span_str(list->items[i].text), &networks[i]))
            return err_set(note, ERR_USAGE, "--allow-net %s: it must be ADDRESS/BITS, such as 10.0.0.0/8",
                           list->items[i].text);
    *out = (struct address_policy){ networks, list->len, s->allows_private };
    return OK;
}

/* "192.0.2.1", "192.0.2.1:53", "2001:db8::1", "[2001:db8::1]:53" */
static bool is_server(struct span text)
{
    size_t colon = span_find(text, ':');
    bool is_bracketed = text.len && text.ptr[0] == '[';
    bool has_more = span_skip(text, colon + 1).len != span_find(span_skip(text, colon + 1), ':');
    size_t end = is_bracketed ? span_find(text, ']') + 1 : has_more ? text.len : colon;
    struct span address, port;
    union address parsed;
    uint64_t number;

    if (end > text.len)
        return false;
    address = span_slice(text, is_bracketed, end - is_bracketed);
    port = span_skip(text, end);
    if (!address_parse(address, &parsed))
        return false;
    if (!port.len)
        return !is_bracketed;
    return port.ptr[0] == ':' && span_parse_u64(span_skip(port, 1), &number) && number > 0 && number <= 65535;
}

/* c-ares would look at ports modulo 65536. A path names a file of servers. */
static enum err check_servers(const char *servers, struct err_note *note)
{
    struct span rest = span_str(servers), one;

    if (servers[0] == '/')
        return access(servers, R_OK) ? err_set_errno(note, ERR_USAGE, errno, "--dns %s", servers) : OK;
    while (span_split(&rest, ',', &one))
        if (!is_server(span_trim(one)))
            return err_set(note, ERR_USAGE,
                           "--dns %s: it must be ADDRESS or ADDRESS:PORT, such as 192.0.2.1:53, or /FILE",
                           servers);
    return OK;
}

/* libcurl looks at it with each connection only, and every page would be one that failed. */
static enum err check_certificates(const char *path, struct err_note *note)
{
    struct buf text;
    enum err e;

    buf_init(&text, MAX_CA_BYTES);
    e = io_read_file(path, &text, note) ? ERR_USAGE : OK;
    if (!e && span_find_span(buf_span(&text), SPAN("CERTIFICATE-----")) == text.len)
        e = err_set(note, ERR_USAGE, "--ca-file %s: there is no certificate in it (PEM)", path);
    buf_clear(&text);
    return e;
}

enum err networks_read(const struct settings *s, struct arena *mem, struct address_policy *out,
                       struct err_note *note)
{
    enum err e = read_allowed(s, mem, out, note);

    if (!e && s->dns_servers)
        e = check_servers(s->dns_servers, note);
    if (!e && s->ca_file)
        e = check_certificates(s->ca_file, note);
    return e;
}
