/* SPDX-License-Identifier: MIT */
/*
 * Cookies. Each line of the input is a Set-Cookie value from one of a few
 * hosts. What must hold: the jar stays within its bounds, a Cookie header holds
 * no control byte and no more than its limit, and what evil.net sets never
 * reaches a.org, nor the other way round.
 *
 * Needs: crawler/cookies.c
 */
#include "config/clock.h"
#include "crawler/cookies.h"
#include "parse/cookie.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static const char *const hosts[] = { "https://a.org/x/y",  "http://www.a.org/",
                                     "https://evil.net/x", "http://10.0.0.1/",
                                     "http://localhost/",  "https://a.github.io/" };

static void parse(const char *text, struct arena *mem, struct url *out)
{
    BUG_IF(url_parse(span_str(text), NULL, mem, out));
}

static void check_fields(struct span value)
{
    struct cookie_fields f;

    if (cookie_parse(value, clock_wall_ms(), &f))
        return;
    BUG_IF(!f.name.len && !f.value.len);
    BUG_IF(f.name.len + f.value.len > COOKIE_MAX_PAIR ||
           f.path.len > COOKIE_MAX_ATTRIBUTE);
    BUG_IF(f.path.len && f.path.ptr[0] != '/');
    BUG_IF(f.has_expiry && f.expires_wall_ms > clock_wall_ms() + COOKIE_MAX_AGE_MS);
}

static void check_header(struct cookies *jar, const char *at, struct arena *mem)
{
    struct span out;
    struct url u;

    parse(at, mem, &u);
    if (!cookies_header(jar, &u, mem, &out))
        return;
    BUG_IF(!out.len || out.len > COOKIES_MAX_HEADER);
    for (size_t i = 0; i < out.len; i++)
        BUG_IF(((unsigned char)out.ptr[i] < 0x20 && out.ptr[i] != '\t') ||
               out.ptr[i] == 0x7f);
}

/* Cookies of one jar that only `from` fills must not show at `to`. */
static void check_apart(struct span lines, const char *from, const char *to,
                        struct arena *mem)
{
    struct cookies *jar;
    struct span line, out;
    struct url u;

    BUG_IF(cookies_open(NULL, &jar, NULL));
    parse(from, mem, &u);
    while (span_split(&lines, '\n', &line))
        cookies_set(jar, &u, line);
    parse(to, mem, &u);
    BUG_IF(cookies_header(jar, &u, mem, &out));
    cookies_close(jar);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct span lines = span_make((const char *)data, size), rest = lines, line;
    struct cookies *jar;
    struct arena mem;
    size_t n = 0;

    clock_fake_start(0, INT64_C(1700000000000));
    arena_init(&mem, (size_t)4 * MIB);
    BUG_IF(cookies_open(NULL, &jar, NULL));
    while (span_split(&rest, '\n', &line)) {
        struct url u;

        check_fields(line);
        parse(hosts[n++ % ARRAY_LEN(hosts)], &mem, &u);
        cookies_set(jar, &u, line);
        BUG_IF(cookies_count(jar) > 10000);
        if (n % 64 == 0)
            arena_reset(&mem);
    }
    arena_reset(&mem);
    for (size_t i = 0; i < ARRAY_LEN(hosts); i++)
        check_header(jar, hosts[i], &mem);
    cookies_close(jar);
    arena_reset(&mem);
    check_apart(lines, "https://evil.net/", "https://a.org/", &mem);
    check_apart(lines, "https://a.org/", "https://a.org.evil.net/", &mem);
    arena_clear(&mem);
    clock_fake_stop();
    return 0;
}
