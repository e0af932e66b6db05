/* SPDX-License-Identifier: MIT */
/* Ways that lead round in circles, out of bounds, or on for ever. */
#include "tests/kit/hell.h"

#define LONG_URL ((size_t)65000)

struct way {
    const char *path, *location, *row;
    int n_requests;
};

/* clang-format off */
static const struct way redirects[] = {
    /* P44 */
    { "/self", "/self", "fetched redirect 302", 1 },
    /* One of them is asked twice: with cookies a redirect that leads back is followed once. */
    { "/ping", "/pong", "fetched redirect 302", -1 },
    { "/pong", "/ping", "fetched redirect 302", -1 },
    { "/fragment", "/fragment#again", "fetched redirect 302", 1 },
    { "/empty-location", "", "fetched ok 302 not_html", 1 },
    { "/no-url", "http://[1", "fetched redirect 302", 1 },
    { "/nul", "/a%00b", "fetched redirect 302", 1 },
    { "/h0", "/found/1", "fetched redirect 302", 1 }, { "/found/1", "/found/2", "fetched redirect 302", 1 },
    { "/found/2", "/found/3", "fetched redirect 302", 1 }, { "/found/3", "/found/4", "failed redirect_limit redirect_limit 302", 1 },
    { "/found/4", "/found/5", "", 0 },
    /* P7: into networks nobody may enter */
    { "/to-canary", "http://127.0.0.99:$CANARY/redirected", "fetched redirect 302", 1 },
    { "/to-mapped", "http://[::ffff:127.0.0.99]:$CANARY/mapped", "fetched redirect 302", 1 },
    { "/to-number", "http://2130706531:$CANARY/number", "fetched redirect 302", 1 },
    { "/to-octal", "http://0177.0.0.0143:$CANARY/octal", "fetched redirect 302", 1 },
    { "/to-metadata", "http://169.254.169.254/latest/meta-data/", "fetched redirect 302", 1 },
    { "/to-private", "http://10.1.2.3/", "fetched redirect 302", 1 },
    { "/to-name", "http://canary.test:$CANARY/named", "fetched redirect 302", 1 },
    /* P8: into other schemes */
    { "/to-ftp", "ftp://127.0.0.1:$CANARY/f", "fetched redirect 302", 1 },
    { "/to-gopher", "gopher://127.0.0.1:$CANARY/_x", "fetched redirect 302", 1 },
    { "/to-file", "file:///etc/passwd", "fetched redirect 302", 1 },
    { "/to-script", "javascript:alert(1)", "fetched redirect 302", 1 },
    { "/to-data", "data:text/html,x", "fetched redirect 302", 1 },
};

/* Where those lead, and what links say: decided without a request. */
static const struct way targets[] = {
    { "http://127.0.0.99:$CANARY/redirected", NULL, "excluded blocked_address", 0 },
    { "http://[::ffff:7f00:63]:$CANARY/mapped", NULL, "excluded blocked_address", 0 },
    { "http://127.0.0.99:$CANARY/number", NULL, "excluded blocked_address", 0 },
    { "http://127.0.0.99:$CANARY/octal", NULL, "excluded blocked_address", 0 },
    { "http://169.254.169.254/latest/meta-data/", NULL, "excluded blocked_address", 0 },
    { "http://10.1.2.3/", NULL, "excluded blocked_address", 0 },
    { "http://canary.test:$CANARY/named", NULL, "failed blocked_address blocked_address", 0 },
    { "ftp://127.0.0.1:$CANARY/f", NULL, "excluded scheme", 0 },
    { "gopher://127.0.0.1:$CANARY/_x", NULL, "excluded scheme", 0 },
    { "file:///etc/passwd", NULL, "excluded scheme", 0 },
    { "http://127.0.0.99:$CANARY/linked", NULL, "excluded blocked_address", 0 },
    { "http://127.0.0.99:$CANARY/from-base", NULL, "excluded blocked_address", 0 },
    { "http://127.0.0.99:$CANARY/canonical", NULL, "excluded blocked_address", 0 },
    { "dict://127.0.0.1:$CANARY/d:x", NULL, "", 0 }, /* of no interest to anybody: counted on the page only */
    { "ldap://127.0.0.1:$CANARY/o=x", NULL, "", 0 },
    { "http://127.0.0.99:$CANARY/userinfo", NULL, "excluded blocked_address", 0 },
    { "http://127.0.0.99:$CANARY/backslash", NULL, "excluded blocked_address", 0 },
};
/* clang-format on */

static const char odd_links[] =
    "<a href=http://127.0.0.99:$CANARY/linked>1</a><a href=dict://127.0.0.1:$CANARY/d:x>2</a>"
    "<a href=ldap://127.0.0.1:$CANARY/o=x>3</a>"
    /* P24: where the host begins depends on who reads it */
    "<a href='http://127.0.0.2@127.0.0.99:$CANARY/userinfo'>4</a>"
    "<a href='http://127.0.0.99:$CANARY\\\\@127.0.0.2/../../backslash'>5</a>"
    "<a href='http:\\\\127.0.0.99:$CANARY\\backslash'>6</a>"
    "<link rel=canonical href=http://127.0.0.99:$CANARY/canonical>"
    "<a href='mailto:a@b.test'>7</a><a href='javascript:x()'>8</a><a href='http://'>9</a>";

static void add_redirects(struct hell *h)
{
    for (size_t i = 0; i < ARRAY_LEN(redirects); i++) {
        const struct way *w = &redirects[i];
        char header[128];

        snprintf(header, sizeof header, "Location: %s\r\n", w->location);

        hell_route(h, (struct origin_route){ .path = w->path,
                                             .on = HELL_WAYS,
                                             .status = 302,
                                             .headers = hell_text(h, header) });
        hell_case(h, HELL_WAYS, w->path, w->row, w->n_requests);
    }
    for (size_t i = 0; i < ARRAY_LEN(targets); i++)
        hell_case(h, HELL_WAYS, hell_text(h, targets[i].path), targets[i].row, 0);
}

/* --- sites without end: P12, P13 ---------------------------------------------------------- */

/* A page that leads to two more of its kind; the path's last number counts. */
static void lead_on(void *arg, const struct origin_request *r, int *io_status,
                    struct buf *out)
{
    const char *format = arg, *digits = r->path + strcspn(r->path, "0123456789");
    int n = (int)strtol(digits, NULL, 10);

    (void)io_status;
    for (int i = 1; i <= 2; i++) {
        BUG_IF(buf_append(out, SPAN("<a href='")));
        /* The format is one of ours, below: a path with one number in it. */
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wformat-nonliteral"
        BUG_IF(buf_printf(out, format, n + i));
#pragma GCC diagnostic pop
        BUG_IF(buf_append(out, SPAN("'>next</a>")));
    }
}

/* Ever deeper: whatever is asked for, one more of the same lies below. */
static void lead_down(void *arg, const struct origin_request *r, int *io_status,
                      struct buf *out)
{
    (void)io_status;
    BUG_IF(
        buf_printf(out, "<a href='%.200s%s'>deeper</a>", r->path, (const char *)arg));
}

static void add_traps(struct hell *h)
{
    static const struct {
        const char *path, *start, *link;
        bool is_down;
    } traps[] = {
        { "/calendar*", "/calendar?month=0", "/calendar?month=%d", false },
        { "/shop*", "/shop;sid=0", "/shop;sid=%d", false },
        { "/deep/*", "/deep/", "a/", true },
        { "/facets*", "/facets?a=0", "&f=1", true },
    };

    for (size_t i = 0; i < ARRAY_LEN(traps); i++)
        hell_route(h, (struct origin_route){ .path = traps[i].path,
                                             .on = HELL_TRAPS,
                                             .headers = HTML,
                                             .generate =
                                                 traps[i].is_down ? lead_down : lead_on,
                                             .arg = (void *)(uintptr_t)traps[i].link });
    hell_route(
        h,
        (struct origin_route){
            .path = "/",
            .on = HELL_TRAPS,
            .headers = HTML,
            .body = hell_repeat(
                "<a href='/calendar?month=0'>c</a><a href='/shop;sid=0'>s</a><a href='/deep/a/a/'>d</a>"
                "<a href='/facets?a=0'>f</a><a href=/good>g</a><a href='/",
                "l", LONG_URL, "'>long</a>") });
    hell_case(h, HELL_TRAPS, "/good", "fetched ok 200 ok", 1);
}

void hell_ways(struct hell *h)
{
    struct span home = span_str(hell_text(h, odd_links));
    struct span base = span_str(hell_text(
        h, "<base href=http://127.0.0.99:$CANARY/x/><a href=../from-base>b</a>"));

    add_redirects(h);
    hell_route(h, (struct origin_route){
                      .path = "/odd", .on = HELL_WAYS, .headers = HTML, .body = home });
    hell_route(h,
               (struct origin_route){
                   .path = "/base", .on = HELL_WAYS, .headers = HTML, .body = base });
    hell_case(h, HELL_WAYS, "/odd", "fetched ok 200 ok", 1);
    hell_case(h, HELL_WAYS, "/base", "fetched ok 200 ok", 1);
    add_traps(h);
}
