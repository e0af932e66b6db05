/* SPDX-License-Identifier: MIT */
#include "crawler/credentials.h"

#include <openssl/evp.h>

#include "config/io.h"
#include "config/map.h"
#include "config/mem.h"
#include "crawler/cookies.h"
#include "parse/header.h"

#define MAX_AUTH_FILE ((size_t)MIB)

struct credentials {
    struct map seeds;     /* origins; value: the credentials themselves */
    struct map passwords; /* origin -> "Basic ..." text, owned */
    struct cookies *jar;  /* NULL without --cookies */
};

/* "https://host:port", the exact origin. */
static struct span origin_of(const struct url *u, struct arena *mem)
{
    return arena_format(mem, "%.*s//%.*s:%d", SPAN_ARG(url_protocol(u)),
                        SPAN_ARG(url_hostname(u)), url_port(u));
}

static char *basic(struct span user_and_password)
{
    size_t size = sizeof "Basic " + 4 * ((user_and_password.len + 2) / 3) + 1;
    char *out = mem_alloc(size);
    int n = snprintf(out, size, "Basic ");

    EVP_EncodeBlock((unsigned char *)out + n,
                    (const unsigned char *)user_and_password.ptr,
                    (int)user_and_password.len);
    return out;
}

/* Scheme, host and port alone: a path would promise that only it gets the password. */
static bool is_origin(const struct url *u)
{
    return url_is_web(u) && span_eq(url_pathname(u), SPAN("/")) && !url_search(u).len &&
           !url_hash(u).len && !url_username(u).len && !url_password(u).len;
}

/* One line "https://example.org user:password". */
static enum err add_line(struct credentials *c, struct span line, const char *path,
                         int number, struct err_note *note)
{
    struct span origin, rest = span_trim(line);
    struct arena mem;
    struct url u;
    enum err e = OK;

    if (!rest.len || rest.ptr[0] == '#')
        return OK;
    arena_init(&mem, 16 * line.len + (size_t)KIB);
    if (!span_token(&rest, &origin) || url_parse(origin, NULL, &mem, &u) ||
        !is_origin(&u) || span_find(span_trim(rest), ':') == span_trim(rest).len)
        e = err_set(note, ERR_USAGE, "%s:%d: it must be 'https://HOST USER:PASSWORD'",
                    path, number);
    if (!e) {
        struct span key = origin_of(&u, &mem);

        mem_free(map_remove(&c->passwords, key));
        map_set(&c->passwords, key, basic(span_trim(rest)));
    }
    arena_clear(&mem);
    return e;
}

static enum err read_auth_file(struct credentials *c, const char *path,
                               struct err_note *note)
{
    struct buf text;
    struct span rest, line;
    enum err e;
    int number = 0;

    buf_init(&text, MAX_AUTH_FILE);
    e = io_read_file(path, &text, note) ? ERR_USAGE : OK;
    rest = buf_span(&text);
    while (!e && span_split(&rest, '\n', &line))
        e = add_line(c, line, path, ++number, note);
    if (text.ptr)
        explicit_bzero(text.ptr, text.len);
    buf_clear(&text);
    return e;
}

enum err credentials_open(const struct settings *s, struct credentials **out,
                          struct err_note *note)
{
    struct credentials *c = mem_alloc(sizeof *c);
    enum err e = OK;

    map_init(&c->seeds);
    map_init(&c->passwords);
    if (s->auth_file)
        e = read_auth_file(c, s->auth_file, note);
    if (!e && (s->uses_cookies || s->load_cookies))
        e = cookies_open(s->load_cookies, &c->jar, note);
    if (e) {
        credentials_close(c);
        return e;
    }
    *out = c;
    return OK;
}

static void free_password(void *value)
{
    explicit_bzero(value, strlen(value));
    mem_free(value);
}

void credentials_close(struct credentials *c)
{
    if (!c)
        return;
    map_clear_values(&c->passwords, free_password);
    map_clear(&c->seeds);
    cookies_close(c->jar);
    mem_free(c);
}

void credentials_add_seed(struct credentials *c, const struct url *seed)
{
    struct arena mem;

    arena_init(&mem, seed->href.len + (size_t)KIB);
    map_set(&c->seeds, origin_of(seed, &mem), c);
    arena_clear(&mem);
}

bool credentials_is_seed_origin(const struct credentials *c, const struct url *u)
{
    struct arena mem;
    bool is_seed;

    arena_init(&mem, u->href.len + (size_t)KIB);
    is_seed = map_get(&c->seeds, origin_of(u, &mem)) != NULL;
    arena_clear(&mem);
    return is_seed;
}

bool credentials_authorization(const struct credentials *c, const struct url *u,
                               struct arena *mem, struct span *out)
{
    const char *value;

    if (!c->passwords.len)
        return false;
    value = map_get(&c->passwords, origin_of(u, mem));
    if (!value)
        return false;
    *out = span_str(value);
    return true;
}

bool credentials_cookie(struct credentials *c, const struct url *u, struct arena *mem,
                        struct span *out)
{
    return c->jar && cookies_header(c->jar, u, mem, out);
}

bool credentials_keep_cookies(struct credentials *c, const struct url *u,
                              struct span headers)
{
    struct header_field field;
    struct arena mem;
    bool has_some = false;

    if (!c->jar)
        return false;
    arena_init(&mem, (size_t)MIB);
    while (header_next(&headers, &mem, &field))
        if (span_eq_nocase(field.name, SPAN("Set-Cookie")))
            has_some |= cookies_set(c->jar, u, field.value);
    arena_clear(&mem);
    return has_some;
}

/* The next line of *rest with its end. */
static bool next_line(struct span *rest, struct span *out)
{
    *out = span_slice(*rest, 0, MIN(span_find(*rest, '\n') + 1, rest->len));
    *rest = span_skip(*rest, out->len);
    return out->len > 0;
}

static bool sets_cookie(struct span line)
{
    return span_starts_nocase(line, SPAN("Set-Cookie"));
}

static enum err put_withheld(struct buf *out, struct span line)
{
    size_t end = MIN(span_find(line, ';'), span_find(line, '\r')), name = span_find(line, '=');
    enum err e;

    if (name >= end)
        name = span_find(line, ':');
    e = buf_append(out, span_slice(line, 0, MIN(name + 1, end)));
    if (!e)
        e = buf_append(out, SPAN("(withheld)"));
    return e ? e : buf_append(out, span_skip(line, end));
}

struct span credentials_withhold_cookies(struct span headers, struct arena *mem)
{
    struct span rest = headers, line, shown;
    bool is_of_cookie = false, has_one = false;
    struct buf out;
    enum err e = OK;

    while (!has_one && next_line(&rest, &line))
        has_one = sets_cookie(line);
    if (!has_one)
        return headers;
    buf_init(&out, SIZE_MAX);
    for (rest = headers; !e && next_line(&rest, &line);) {
        bool is_folded = line.ptr[0] == ' ' || line.ptr[0] == '\t';

        is_of_cookie = is_folded ? is_of_cookie : sets_cookie(line);
        if (!is_of_cookie)
            e = buf_append(&out, line);
        else if (!is_folded)
            e = put_withheld(&out, line);
    }
    BUG_IF(e); /* it grows as long as there is memory */
    shown = arena_copy(mem, buf_span(&out));
    buf_clear(&out);
    return shown;
}
