/* SPDX-License-Identifier: MIT */
#include "config/settings.h"

#include <fnmatch.h>
#include <sys/sysinfo.h>
#include <unistd.h>

#include "config/io.h"
#include "config/mem.h"
#include "config/settings_file.h"

#define F(name) offsetof(struct settings, name)
#define MANY INT64_MAX
#define DAY_MS INT64_C(86400000)

static const struct option_spec specs[] = {
    /* name, letter, type, field, min, max, default, choices, tag, value, help, group */
    { "db", 'o', OPTION_TEXT, F(db), 0, 0, "crawl.db", NULL, 0, "FILE",
      "the database: frontier, results and history in one file", "What and where" },
    { "depth", 'd', OPTION_COUNT, F(depth), -1, 1000000, "none", NULL, 0, "N",
      "links away from a seed (seeds are 0)", NULL },
    { "max-pages", 'n', OPTION_COUNT, F(max_pages), -1, MANY, "none", NULL, 0, "N",
      "stop after N pages", NULL },
    { "max-pages-per-host", 0, OPTION_COUNT, F(max_pages_per_host), -1, MANY, "50000", NULL, 0, "N",
      "answered page requests a host and run", NULL },
    { "max-bytes", 0, OPTION_SIZE, F(max_bytes), -1, MANY, "none", NULL, 0, "SIZE",
      "start no request after SIZE bytes of bodies", NULL },
    { "max-time", 0, OPTION_DURATION, F(max_time_ms), -1, MANY, "none", NULL, 0, "DUR",
      "stop after DUR, everything saved", NULL },
    { "scope", 0, OPTION_CHOICE, F(scope), 0, 0, "host", "host|domain|prefix|any", 0, "WHICH",
      "host, domain, prefix (a seed's directory) or any", NULL },
    { "include", 0, OPTION_LIST, F(rules), 0, 0, NULL, NULL, RULE_INCLUDE, "RE",
      "fetch URLs that match; the last rule that matches wins", NULL },
    { "exclude", 0, OPTION_LIST, F(rules), 0, 0, NULL, NULL, RULE_EXCLUDE, "RE",
      "leave out URLs that match", NULL },
    { "order", 0, OPTION_CHOICE, F(order), 0, 0, "bfs", "bfs|dfs|priority", 0, "HOW",
      "bfs, dfs or priority, inside a host", NULL },
    { "revisit", 0, OPTION_CHOICE, F(revisit), 0, 0, "all", "all|due|none", 0, "WHICH",
      "known pages to ask for again in a new run", NULL },
    { "revisit-min", 0, OPTION_DURATION, F(revisit_min_ms), 0, MANY, "1h", NULL, 0, "DUR",
      "shortest interval of --revisit due", NULL },
    { "revisit-max", 0, OPTION_DURATION, F(revisit_max_ms), 0, MANY, "30d", NULL, 0, "DUR",
      "longest interval of --revisit due", NULL },
    { "respect-rel-nofollow", 0, OPTION_FLAG, F(respects_nofollow), 0, 0, "no", NULL, 0, NULL,
      "do not follow rel=nofollow, ugc, sponsored", NULL },
    { "embeds", 0, OPTION_FLAG, F(follows_embeds), 0, 0, "no", NULL, 0, NULL,
      "fetch images, scripts and styles too", NULL },
    { "no-sitemaps", 0, OPTION_FLAG, F(has_no_sitemaps), 0, 0, "no", NULL, 0, NULL,
      "do not read the sitemaps that robots.txt names", NULL },
    { "fresh", 0, OPTION_FLAG, F(is_fresh), 0, 0, "no", NULL, 0, NULL,
      "start over; an existing database is kept aside", NULL },

    { "delay", 0, OPTION_DURATION, F(delay_ms), 0, DAY_MS, "1s", NULL, 0, "DUR",
      "pause between two requests to one host", "Politeness and speed" },
    { "per-host", 0, OPTION_COUNT, F(per_host), 1, 10000, "1", NULL, 0, "N",
      "requests in flight to one host", NULL },
    { "per-ip", 0, OPTION_COUNT, F(per_ip), -1, 100000, "none", NULL, 0, "N",
      "requests in flight to one address (none: the larger of 8 and per-host)", NULL },
    { "concurrency", 'c', OPTION_COUNT, F(concurrency), 1, 100000, "1000", NULL, 0, "N",
      "requests in flight in all", NULL },
    { "rate", 0, OPTION_COUNT, F(rate), -1, 1000000, "none", NULL, 0, "N",
      "requests a second in all", NULL },
    { "workers", 0, OPTION_COUNT, F(workers), -1, 1024, "none", NULL, 0, "N",
      "parser processes (none: one less than there are cores, at least 1)", NULL },
    { "max-wait", 0, OPTION_DURATION, F(max_wait_ms), 0, MANY, "5m", NULL, 0, "DUR",
      "longest wait for a host that asks for a pause", NULL },
    { "no-robots", 0, OPTION_FLAG, F(has_no_robots), 0, 0, "no", NULL, 0, NULL,
      "do not obey robots.txt (only on your own sites)", NULL },

    { "connect-timeout", 0, OPTION_DURATION, F(connect_timeout_ms), 1, MANY, "10s", NULL, 0, "DUR",
      "to connect, TLS included", "One request" },
    { "first-byte-timeout", 0, OPTION_DURATION, F(first_byte_timeout_ms), 1, MANY, "30s", NULL, 0,
      "DUR", "from the request to the first byte of the answer", NULL },
    { "timeout", 0, OPTION_DURATION, F(timeout_ms), 1, MANY, "120s", NULL, 0, "DUR",
      "for the whole request", NULL },
    { "low-speed-bytes", 0, OPTION_SIZE, F(low_speed_bytes), 0, MANY, "100", NULL, 0, "SIZE",
      "bytes a second below which an answer is too slow", NULL },
    { "low-speed-time", 0, OPTION_DURATION, F(low_speed_ms), 0, MANY, "30s", NULL, 0, "DUR",
      "for how long it may be", NULL },
    { "retries", 0, OPTION_COUNT, F(retries), 0, 100, "2", NULL, 0, "N",
      "after the first try, with growing pauses", NULL },
    { "max-size", 0, OPTION_SIZE, F(max_size), 1, 1 * GIB, "10M", NULL, 0, "SIZE",
      "of one body, as sent and decoded", NULL },
    { "max-redirects", 0, OPTION_COUNT, F(max_redirects), 0, 100, "10", NULL, 0, "N",
      "hops in a row", NULL },
    { "user-agent", 0, OPTION_TEXT, F(user_agent), 0, 0, NULL, NULL, 0, "STR",
      "instead of crawl/VERSION; its first word is our name in robots.txt", NULL },
    { "contact", 0, OPTION_TEXT, F(contact), 0, 0, NULL, NULL, 0, "URL|MAIL",
      "whom a site's owner can ask; goes into the user agent", NULL },
    { "header", 0, OPTION_LIST, F(headers), 0, 0, NULL, NULL, 0, "'K: V'",
      "a further request header, to the seeds' hosts only", NULL },
    { "proxy", 0, OPTION_TEXT, F(proxy), 0, 0, NULL, NULL, 0, "URL", "send requests through a proxy",
      NULL },
    { "auth-file", 0, OPTION_TEXT, F(auth_file), 0, 0, NULL, NULL, 0, "FILE",
      "lines ORIGIN USER:PASSWORD, each sent to that origin only", NULL },
    { "cookies", 0, OPTION_FLAG, F(uses_cookies), 0, 0, "no", NULL, 0, NULL,
      "keep cookies in memory during the run", NULL },
    { "load-cookies", 0, OPTION_TEXT, F(load_cookies), 0, 0, NULL, NULL, 0, "FILE",
      "begin with the cookies of a Netscape cookie file", NULL },
    { "ca-file", 0, OPTION_TEXT, F(ca_file), 0, 0, NULL, NULL, 0, "FILE",
      "certificates to trust instead of the system's", NULL },
    { "insecure", 0, OPTION_LIST, F(insecure), 0, 0, NULL, NULL, 0, "HOST",
      "do not check this host's certificate", NULL },
    { "allow-net", 0, OPTION_LIST, F(allow_net), 0, 0, NULL, NULL, 0, "CIDR",
      "an otherwise refused network, such as 10.0.0.0/8", NULL },
    { "allow-private", 0, OPTION_FLAG, F(allows_private), 0, 0, "no", NULL, 0, NULL,
      "every private, loopback and other non-public address", NULL },
    { "dns", 0, OPTION_TEXT, F(dns_servers), 0, 0, NULL, NULL, 0, "ADDR[:PORT]",
      "name server to ask instead of the system's", NULL },

    { "store-bodies", 0, OPTION_CHOICE, F(store_bodies), 0, 0, "html", "none|html|all", 0, "WHICH",
      "none, html (text types) or all", "What is kept" },
    { "no-text", 0, OPTION_FLAG, F(has_no_text), 0, 0, "no", NULL, 0, NULL,
      "no full-text index", NULL },
    { "keep-history", 0, OPTION_COUNT, F(keep_history), 0, 1000000, "0", NULL, 0, "N",
      "fetches kept for each URL (0: all)", NULL },
    { "durable", 0, OPTION_FLAG, F(is_durable), 0, 0, "no", NULL, 0, NULL,
      "a power cut loses no commit either (slower)", NULL },

    { "max-memory", 0, OPTION_SIZE, F(max_memory), -1, MANY, "none", NULL, 0, "SIZE",
      "memory to plan with (none: half of the machine's)", "The machine" },
    { "min-free", 0, OPTION_SIZE, F(min_free), 0, MANY, "100M", NULL, 0, "SIZE",
      "stop when the disk has less room", NULL },
    { "no-sandbox", 0, OPTION_FLAG, F(has_no_sandbox), 0, 0, "no", NULL, 0, NULL,
      "parser processes without their sandbox (debugging only)", NULL },

    { "config", 0, OPTION_TEXT, F(config), 0, 0, NULL, NULL, 0, "FILE",
      "settings from FILE instead of ./crawl.conf", "Running it" },
    { "set", 0, OPTION_LIST, F(set), 0, 0, NULL, NULL, 0, "KEY=VALUE", "any setting by its name", NULL },
    { "wait", 0, OPTION_DURATION, F(lock_wait_ms), 0, MANY, "0", NULL, 0, "DUR",
      "wait for another crawl to let go of the database", NULL },
    { "fail-on", 0, OPTION_LIST, F(fail_on), 0, 0, NULL, NULL, 0, "LIST",
      "exit 1 when these happened: bad-seed, failed, http-errors", NULL },
    { "quiet", 'q', OPTION_FLAG, F(is_quiet), 0, 0, "no", NULL, 0, NULL, "print errors only", NULL },
    { "verbose", 'v', OPTION_FLAG, F(is_verbose), 0, 0, "no", NULL, 0, NULL, "log more", NULL },
    { "log", 0, OPTION_TEXT, F(log), 0, 0, NULL, NULL, 0, "FILE",
      "append the log to FILE; SIGHUP opens it again", NULL },
    { "progress", 0, OPTION_CHOICE, F(progress), 0, 0, "auto", "auto|tty|plain|none", 0, "HOW",
      "auto, tty, plain or none", NULL },
    { "json-summary", 0, OPTION_TEXT, F(json_summary), 0, 0, NULL, NULL, 0, "FILE",
      "write the summary as JSON at the end", NULL },
    { "help", 'h', OPTION_FLAG, F(wants_help), 0, 0, "no", NULL, 0, NULL, "show this", NULL },
    { "version", 'V', OPTION_FLAG, F(wants_version), 0, 0, "no", NULL, 0, NULL,
      "show the versions in use", NULL },
};

const struct option_table settings_table = { specs, ARRAY_LEN(specs) };

static enum err read_config(struct settings *s, const char *path, bool must_exist,
                            struct err_note *note)
{
    struct buf text;
    enum err e;

    buf_init(&text, (size_t)MIB);
    e = io_read_file(path, &text, note);
    if (e == ERR_NOT_FOUND && !must_exist)
        e = OK;
    else if (e)
        e = ERR_USAGE;
    else
        e = settings_file_read(s, path, buf_span(&text), note);
    buf_clear(&text);
    return e;
}

/* CRAWL_MAX_PAGES=5 sets max-pages. An unknown name is an error: a typo must not be silent. */
static enum err read_environment(struct settings *s, char **env, struct err_note *note)
{
    for (; env && *env; env++) {
        struct span entry = span_str(*env), name;
        const struct option_spec *spec;
        char key[48], where[64];
        size_t eq = span_find(entry, '=');
        enum err e;

        if (!span_starts(entry, SPAN("CRAWL_")) || eq <= 6 || eq - 6 >= sizeof key)
            continue;
        name = span_slice(entry, 6, eq);
        for (size_t i = 0; i < name.len; i++)
            key[i] = name.ptr[i] == '_' ? '-' : span_ascii_lower(name.ptr[i]);
        snprintf(where, sizeof where, "environment CRAWL_%.*s", SPAN_ARG(name));
        spec = options_find(&settings_table, span_make(key, name.len));
        e = spec ? options_set(&settings_table, s, spec, span_skip(entry, eq + 1), where, note)
                 : options_unknown(&settings_table, span_make(key, name.len), where, note);
        if (e)
            return e;
    }
    return OK;
}

static enum err apply_set(struct settings *s, struct err_note *note)
{
    for (size_t i = 0; i < s->set.len; i++) {
        struct span pair = span_str(s->set.items[i].text);
        size_t eq = span_find(pair, '=');
        struct span key = span_slice(pair, 0, eq);
        const struct option_spec *spec = options_find(&settings_table, key);
        enum err e;

        if (eq == pair.len)
            return err_set(note, ERR_USAGE, "--set %s: it must be KEY=VALUE", s->set.items[i].text);
        e = spec ? options_set(&settings_table, s, spec, span_skip(pair, eq + 1), "--set", note)
                 : options_unknown(&settings_table, key, "--set", note);
        if (e)
            return e;
    }
    return OK;
}

/* Takes over what the command line said where it said anything: a second pass over argv. */
enum err settings_load(struct settings *s, int argc, char **argv, char **env, char ***operands,
                       size_t *n_operands, struct err_note *note)
{
    struct settings first = { 0 };
    char **rest = NULL;
    size_t n = 0;
    enum err e;

    *s = (struct settings){ 0 };
    options_set_defaults(&settings_table, s);
    /* The first pass only finds --config and mistakes; its values are thrown away. */
    options_set_defaults(&settings_table, &first);
    e = options_parse_args(&settings_table, &first, argc, argv, &rest, &n, note);
    mem_free(rest);
    rest = NULL;
    if (!e)
        e = read_config(s, first.config ? first.config : "crawl.conf", first.config != NULL, note);
    settings_clear(&first);
    if (!e)
        e = read_environment(s, env, note);
    if (!e)
        e = options_parse_args(&settings_table, s, argc, argv, &rest, &n, note);
    if (!e)
        e = apply_set(s, note);
    if (!e)
        e = settings_check(s, note);
    if (e) {
        mem_free(rest);
        settings_clear(s);
        return e;
    }
    *operands = rest;
    *n_operands = n;
    return OK;
}

enum err settings_check(struct settings *s, struct err_note *note)
{
    struct sysinfo info;

    if (s->revisit_min_ms > s->revisit_max_ms)
        return err_set(note, ERR_USAGE, "revisit-min must not be longer than revisit-max");
    if (s->is_quiet && s->is_verbose)
        return err_set(note, ERR_USAGE, "--quiet and --verbose exclude each other");
    if (s->user_agent && span_find(span_str(s->user_agent), '\n') < strlen(s->user_agent))
        return err_set(note, ERR_USAGE, "--user-agent must be one line");
    for (size_t i = 0; i < s->headers.len; i++)
        if (!strchr(s->headers.items[i].text, ':') || strpbrk(s->headers.items[i].text, "\r\n"))
            return err_set(note, ERR_USAGE, "--header '%s': it must be 'Name: value'",
                           s->headers.items[i].text);
    if (s->per_ip < 0)
        s->per_ip = MAX(INT64_C(8), s->per_host);
    if (s->workers < 1)
        s->workers = MAX(1, sysconf(_SC_NPROCESSORS_ONLN) - 1);
    if (s->max_memory < 0)
        s->max_memory = sysinfo(&info) ? 1 * GIB : (int64_t)(info.totalram * info.mem_unit / 2);
    if (s->max_memory < 64 * MIB)
        return err_set(note, ERR_USAGE, "max-memory must be at least 64M");
    return OK;
}

void settings_clear(struct settings *s)
{
    options_clear(&settings_table, s);
    for (size_t i = 0; i < s->n_hosts; i++) {
        struct host_settings *h = &s->hosts[i];

        mem_free(h->pattern);
        for (size_t k = 0; k < h->headers.len; k++)
            mem_free(h->headers.items[k].text);
        mem_free(h->headers.items);
    }
    mem_free(s->hosts);
    *s = (struct settings){ 0 };
}

const struct host_settings *settings_for_host(const struct settings *s, struct span host)
{
    const struct host_settings *found = NULL;
    char *name;

    if (!s->n_hosts)
        return NULL;
    name = mem_str_copy(host);
    for (size_t i = 0; i < s->n_hosts; i++)
        if (fnmatch(s->hosts[i].pattern, name, FNM_CASEFOLD) == 0)
            found = &s->hosts[i];
    mem_free(name);
    return found;
}

static enum err json_text(struct buf *out, struct span s)
{
    enum err e = buf_append_byte(out, '"');

    for (size_t i = 0; !e && i < s.len; i++) {
        unsigned char c = (unsigned char)s.ptr[i];

        if (c == '"' || c == '\\')
            e = buf_printf(out, "\\%c", c);
        else if (c < 0x20 || c == 0x7f)
            e = buf_printf(out, "\\u%04x", c);
        else
            e = buf_append_byte(out, (char)c);
    }
    return e ? e : buf_append_byte(out, '"');
}

/* Values of these never leave the process. */
static bool is_secret(const struct option_spec *spec)
{
    static const char *const secrets[] = { "header", "proxy", "auth-file", "load-cookies" };

    for (size_t i = 0; i < ARRAY_LEN(secrets); i++)
        if (strcmp(spec->name, secrets[i]) == 0)
            return true;
    return false;
}

static enum err json_list(struct buf *out, const struct text_list *list, int tag)
{
    bool is_first = true;
    enum err e = buf_append_byte(out, '[');

    for (size_t i = 0; !e && i < list->len; i++) {
        if (list->items[i].tag != tag)
            continue;
        e = is_first ? OK : buf_append_byte(out, ',');
        is_first = false;
        if (!e)
            e = json_text(out, span_str(list->items[i].text));
    }
    return e ? e : buf_append_byte(out, ']');
}

static enum err json_value(struct buf *out, const struct settings *s, const struct option_spec *spec)
{
    const char *field = (const char *)s + spec->field;
    struct span words, word = SPAN_NONE;

    switch (spec->type) {
    case OPTION_FLAG:
        return buf_append(out, *(const bool *)(const void *)field ? SPAN("true") : SPAN("false"));
    case OPTION_COUNT:
    case OPTION_DURATION:
    case OPTION_SIZE:
        return buf_printf(out, "%lld", (long long)*(const int64_t *)(const void *)field);
    case OPTION_CHOICE:
        words = span_str(spec->choices);
        for (int i = 0; i <= *(const int *)(const void *)field; i++)
            if (!span_split(&words, '|', &word))
                break;
        return json_text(out, word);
    case OPTION_TEXT:
        return json_text(out, span_str(*(char *const *)(const void *)field));
    case OPTION_LIST:
        return json_list(out, (const struct text_list *)(const void *)field, spec->tag);
    }
    return ERR_INVALID;
}

enum err settings_to_json(const struct settings *s, struct buf *out)
{
    enum err e = buf_append_byte(out, '{');

    for (size_t i = 0, n = 0; !e && i < ARRAY_LEN(specs); i++) {
        if (is_secret(&specs[i]) || specs[i].field == F(wants_help) ||
            specs[i].field == F(wants_version))
            continue;
        e = buf_printf(out, "%s\"%s\":", n++ ? "," : "", specs[i].name);
        if (!e)
            e = json_value(out, s, &specs[i]);
    }
    return e ? e : buf_append_byte(out, '}');
}
