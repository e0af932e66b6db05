/* SPDX-License-Identifier: MIT */
#include "tests/kit/hell.h"

#include "config/mem.h"

void hell_route(struct hell *h, struct origin_route route)
{
    BUG_IF(h->n_routes == HELL_MAX_ROUTES);
    h->routes[h->n_routes++] = route;
}

void hell_case(struct hell *h, uint32_t host, const char *url, const char *row,
               int n_requests)
{
    BUG_IF(h->n_cases == HELL_MAX_CASES);
    h->cases[h->n_cases++] = (struct hell_case){ url, host, row, n_requests };
}

const char *hell_text(const struct hell *h, const char *text)
{
    const struct {
        const char *name;
        uint16_t port;
    } ports[] = { { "$TLS", h->tls_port },
                  { "$EXPIRED", h->expired_port },
                  { "$MUTE", h->mute_port },
                  { "$CANARY", h->canary_port } };
    struct span rest = span_str(text);
    struct buf out;

    buf_init(&out, (size_t)64 * MIB);
    while (rest.len) {
        size_t dollar = span_find(rest, '$'), i = 0;

        BUG_IF(buf_append(&out, span_slice(rest, 0, dollar)));
        rest = span_skip(rest, dollar);
        while (i < ARRAY_LEN(ports) && !span_starts(rest, span_str(ports[i].name)))
            i++;
        if (i < ARRAY_LEN(ports)) {
            BUG_IF(buf_printf(&out, "%u", ports[i].port));
            rest = span_skip(rest, strlen(ports[i].name));
        } else if (rest.len) {
            BUG_IF(buf_append_byte(&out, rest.ptr[0]));
            rest = span_skip(rest, 1);
        }
    }
    BUG_IF(buf_append_byte(&out, '\0'));
    return out.ptr;
}

struct span hell_repeat(const char *before, const char *piece, size_t n,
                        const char *after)
{
    struct buf out;

    buf_init(&out, (size_t)64 * MIB);
    BUG_IF(buf_append(&out, span_str(before)));
    for (size_t i = 0; i < n; i++)
        BUG_IF(buf_append(&out, span_str(piece)));
    BUG_IF(buf_append(&out, span_str(after)));
    return buf_span(&out);
}

void hell_fill(struct hell *h)
{
    hell_transfers(h);
    hell_ways(h);
    hell_markup(h);
    hell_hosts(h);
    hell_route(h, (struct origin_route){ .path = "/robots.txt", .status = 404 });
    hell_route(h,
               (struct origin_route){ .path = "*",
                                      .headers = HTML,
                                      .body = LIT("<title>Leaf</title><p>ordinary") });
}
