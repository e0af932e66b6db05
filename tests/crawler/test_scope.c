/* SPDX-License-Identifier: MIT */
#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

#include "crawler/scope.h"
#include "fetch/sched.h"
#include "tests/kit/incoro.h"

/* Settings, the scope made of them, and room for URLs. */
struct rig {
    struct settings settings;
    struct text_item rules[8];
    struct scope *scope;
    struct arena mem;
};

/* rules: "+regex" includes, "-regex" excludes, "" ends. */
static void open_rig(struct rig *r, enum settings_scope kind, const char *const *rules)
{
    struct err_note note = { "" };

    memset(r, 0, sizeof *r);
    arena_init(&r->mem, (size_t)4 * MIB);
    r->settings.scope = (int)kind;
    r->settings.depth = -1;
    r->settings.rules.items = r->rules;
    for (; rules && **rules; rules++)
        r->rules[r->settings.rules.len++] =
            (struct text_item){ .text = (char *)(uintptr_t)(*rules + 1),
                                .tag = **rules == '+' ? RULE_INCLUDE : RULE_EXCLUDE };
    if (scope_open(&r->settings, &r->scope, &note))
        fail_msg("%s", note.text);
}

static void close_rig(struct rig *r)
{
    scope_close(r->scope);
    arena_clear(&r->mem);
}

static struct url parse(struct rig *r, const char *text)
{
    struct url u;

    assert_int_equal(url_parse(span_str(text), NULL, &r->mem, &u), OK);
    return u;
}

static void add_seed(struct rig *r, const char *text)
{
    struct url u = parse(r, text);

    scope_add_seed(r->scope, &u);
}

static struct scope_verdict decide_at(struct rig *r, const char *text, int depth)
{
    struct url u = parse(r, text);
    struct scope_verdict v;

    scope_decide(r->scope, &u, depth, &r->mem, &v);
    return v;
}

static enum url_reason decide(struct rig *r, const char *text)
{
    return decide_at(r, text, 0).reason;
}

/* --- which places are ours ------------------------------------------------------------- */

static const struct place_row {
    const char *label;
    enum settings_scope kind;
    const char *seed, *url;
    bool is_ours;
} place_rows[] = {
    { "host: the same", SCOPE_HOST, "https://a.org/x/", "https://a.org/y", true },
    { "host: http beside https", SCOPE_HOST, "https://a.org/", "http://a.org/", true },
    { "host: https beside http", SCOPE_HOST, "http://a.org/", "https://a.org/", true },
    { "host: 80 and 443 as one, however written", SCOPE_HOST, "http://a.org/",
      "http://a.org:443/", true },
    { "host: not another port", SCOPE_HOST, "https://a.org/", "https://a.org:8443/",
      false },
    { "host: the seed's own port", SCOPE_HOST, "http://a.org:8080/",
      "http://a.org:8080/x", true },
    { "host: and only that one", SCOPE_HOST, "http://a.org:8080/", "http://a.org/",
      false },
    { "host: not a subdomain", SCOPE_HOST, "https://a.org/", "https://www.a.org/",
      false },
    { "host: not the parent", SCOPE_HOST, "https://www.a.org/", "https://a.org/",
      false },
    { "host: not one that ends alike", SCOPE_HOST, "https://a.org/", "https://xa.org/",
      false },
    { "host: a trailing dot is the same name", SCOPE_HOST, "https://a.org/",
      "https://a.org./", true },
    { "host: userinfo does not count", SCOPE_HOST, "https://a.org/",
      "https://a.org@evil.net/", false },
    { "host: IPv6", SCOPE_HOST, "http://[::1]:8000/", "http://[::1]:8000/x", true },
    { "domain: a subdomain", SCOPE_DOMAIN, "https://a.org/", "https://x.y.a.org/",
      true },
    { "domain: the parent", SCOPE_DOMAIN, "https://www.a.org/", "https://a.org/",
      true },
    { "domain: any port", SCOPE_DOMAIN, "https://a.org/", "http://www.a.org:8080/",
      true },
    { "domain: not one that ends alike", SCOPE_DOMAIN, "https://a.org/",
      "https://xa.org/", false },
    { "domain: a suffix of two labels", SCOPE_DOMAIN, "https://a.co.uk/",
      "https://b.co.uk/", false },
    { "domain: within it", SCOPE_DOMAIN, "https://a.co.uk/", "https://www.a.co.uk/",
      true },
    { "domain: private suffixes keep sites apart", SCOPE_DOMAIN, "https://a.github.io/",
      "https://b.github.io/", false },
    { "domain: a trailing dot", SCOPE_DOMAIN, "https://a.org/", "https://www.a.org./",
      true },
    { "domain: addresses only as themselves", SCOPE_DOMAIN, "http://10.0.0.1/",
      "http://10.0.0.2/", false },
    { "domain: an address and its port", SCOPE_DOMAIN, "http://10.0.0.1:81/",
      "http://10.0.0.1:81/x", true },
    { "domain: localhost", SCOPE_DOMAIN, "http://localhost:81/",
      "http://localhost:81/x", true },
    { "prefix: below the directory", SCOPE_PREFIX, "https://a.org/docs/",
      "https://a.org/docs/x/y?z", true },
    { "prefix: the directory itself", SCOPE_PREFIX, "https://a.org/docs/",
      "https://a.org/docs/", true },
    { "prefix: a seed's file gives its directory", SCOPE_PREFIX,
      "https://a.org/docs/i.html", "https://a.org/docs/j", true },
    { "prefix: not above", SCOPE_PREFIX, "https://a.org/docs/x/", "https://a.org/docs/",
      false },
    { "prefix: not without the slash", SCOPE_PREFIX, "https://a.org/docs/",
      "https://a.org/docs", false },
    { "prefix: not one that begins alike", SCOPE_PREFIX, "https://a.org/docs/",
      "https://a.org/docs2/x", false },
    { "prefix: a whole host", SCOPE_PREFIX, "https://a.org/", "https://a.org/x/y",
      true },
    { "prefix: http beside https", SCOPE_PREFIX, "https://a.org/d/", "http://a.org/d/x",
      true },
    { "prefix: not on another host", SCOPE_PREFIX, "https://a.org/d/",
      "https://b.org/d/x", false },
    { "prefix: case counts", SCOPE_PREFIX, "https://a.org/Docs/",
      "https://a.org/docs/x", false },
    { "prefix: dots cannot climb out", SCOPE_PREFIX, "https://a.org/docs/",
      "https://a.org/docs/../x", false },
    { "any: everything", SCOPE_ANY, "https://a.org/", "http://b.net:99/x", true },
};

static void check_place(void **state)
{
    const struct place_row *row = *state;
    struct scope_verdict v;
    struct rig r;

    open_rig(&r, row->kind, NULL);
    add_seed(&r, row->seed);
    v = decide_at(&r, row->url, 0);
    assert_int_equal(v.reason, row->is_ours ? REASON_NONE : REASON_SCOPE);
    if (!row->is_ours)
        assert_true(span_starts(v.rule, SPAN("--scope ")));
    close_rig(&r);
}

static void without_seeds_nothing_is_ours(void **state)
{
    struct rig r;

    (void)state;
    for (enum settings_scope kind = SCOPE_HOST; kind < SCOPE_ANY; kind++) {
        open_rig(&r, kind, NULL);
        assert_int_equal(decide(&r, "https://a.org/"), REASON_SCOPE);
        close_rig(&r);
    }
}

static void several_prefixes_of_several_lengths(void **state)
{
    struct rig r;

    (void)state;
    open_rig(&r, SCOPE_PREFIX, NULL);
    add_seed(&r, "https://a.org/a/b/c/d/");
    add_seed(&r, "https://a.org/x/");
    assert_int_equal(decide(&r, "https://a.org/x/y/z/and/more/than/the/longest"),
                     REASON_NONE);
    assert_int_equal(decide(&r, "https://a.org/a/b/c/d/e"), REASON_NONE);
    assert_int_equal(decide(&r, "https://a.org/a/b/c/e"), REASON_SCOPE);
    close_rig(&r);
}

/* Its sitemaps stand outside the prefix, as a rule. */
static void an_origin_is_in_scope_where_any_of_its_urls_is(void **state)
{
    (void)state;
    for (enum settings_scope kind = SCOPE_HOST; kind <= SCOPE_PREFIX; kind++) {
        struct url ours, other;
        struct rig r;

        open_rig(&r, kind, NULL);
        add_seed(&r, "https://a.org/docs/");
        ours = parse(&r, "https://a.org/");
        other = parse(&r, "https://b.org/docs/");
        assert_true(scope_has_origin(r.scope, &ours, &r.mem));
        assert_false(scope_has_origin(r.scope, &other, &r.mem));
        close_rig(&r);
    }
}

static void a_redirected_seed_brings_its_target_in(void **state)
{
    struct url target;
    struct rig r;

    (void)state;
    open_rig(&r, SCOPE_HOST, NULL);
    add_seed(&r, "https://a.org/");
    target = parse(&r, "https://www.a.org/home");
    assert_true(scope_add_redirect(r.scope, &target));
    assert_false(scope_add_redirect(r.scope, &target));
    assert_int_equal(decide(&r, "http://www.a.org/x"), REASON_NONE);
    close_rig(&r);

    open_rig(&r, SCOPE_DOMAIN, NULL);
    add_seed(&r, "https://a.org/");
    target = parse(&r, "https://www.a.org/home");
    assert_false(scope_add_redirect(r.scope, &target)); /* the domain was ours before */
    target = parse(&r, "https://b.net/");
    assert_true(scope_add_redirect(r.scope, &target));
    close_rig(&r);

    open_rig(&r, SCOPE_ANY, NULL);
    assert_false(scope_add_redirect(r.scope, &target));
    close_rig(&r);
}

static void the_site_key_joins_80_and_443(void **state)
{
    struct arena mem;

    (void)state;
    arena_init(&mem, 1000);
    assert_true(span_eq(scope_site_key(SPAN("a.org"), 80, &mem), SPAN("a.org")));
    assert_true(span_eq(scope_site_key(SPAN("a.org"), 443, &mem), SPAN("a.org")));
    assert_true(span_eq(scope_site_key(SPAN("a.org."), 443, &mem), SPAN("a.org")));
    assert_true(span_eq(scope_site_key(SPAN("a.org"), 8080, &mem), SPAN("a.org:8080")));
    assert_true(span_eq(scope_site_key(SPAN("[::1]"), 8080, &mem), SPAN("[::1]:8080")));
    arena_clear(&mem);
}

/* --- include and exclude --------------------------------------------------------------------- */

static const struct rule_row {
    const char *label;
    const char *rules[5];
    const char *url;
    bool is_ours;
    const char *rule;
} rule_rows[] = {
    { "an exclude that matches",
      { "-\\.zip$", "" },
      "https://a.org/x.zip",
      false,
      "--exclude '\\.zip$'" },
    { "an exclude that does not",
      { "-\\.zip$", "" },
      "https://a.org/x.zip?y",
      true,
      "" },
    { "an include that matches", { "+/docs/", "" }, "https://a.org/docs/x", true, "" },
    { "with an include, the rest is out",
      { "+/docs/", "" },
      "https://a.org/x",
      false,
      "no --include matches" },
    { "an exclude that runs wild over a URL made for that",
      { "-(\\w+[-_]?)+\\.jpg|/print/", "" },
      "https://a.org/aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa/print/",
      false,
      "--exclude '(\\w+[-_]?)+\\.jpg|/print/' could not be decided" },
    { "an include that does is no match",
      { "+(\\w+[-_]?)+\\.jpgg", "" },
      "https://a.org/aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa!.jpg!g",
      false,
      "--include '(\\w+[-_]?)+\\.jpgg' could not be decided" },
    { "an include that does, and one that matches",
      { "+/a", "+(\\w+[-_]?)+\\.jpgg", "" },
      "https://a.org/aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa!.jpg!g",
      true,
      "" },
    { "an include that does, and an exclude that matches",
      { "-/a", "+(\\w+[-_]?)+\\.jpgg", "" },
      "https://a.org/aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa!.jpg!g",
      false,
      "--exclude '/a'" },
    { "the last match wins: include",
      { "-/docs/", "+/docs/api/", "" },
      "https://a.org/docs/api/x",
      true,
      "" },
    { "the last match wins: exclude",
      { "+/docs/api/", "-/docs/", "" },
      "https://a.org/docs/api/x",
      false,
      "--exclude '/docs/'" },
    { "the last of three",
      { "-x", "+x", "-x", "" },
      "https://a.org/x",
      false,
      "--exclude 'x'" },
    { "the host is matched too",
      { "-^https://a\\.org/p", "" },
      "https://a.org/p",
      false,
      "--exclude '^https://a\\.org/p'" },
    { "case counts", { "-\\.ZIP$", "" }, "https://a.org/x.zip", true, "" },
    { "unless told otherwise",
      { "-(?i)\\.ZIP$", "" },
      "https://a.org/x.zip",
      false,
      "--exclude '(?i)\\.ZIP$'" },
    { "look-behind and classes work",
      { "-(?<=/)\\d{4}/\\p{L}+", "" },
      "https://a.org/2024/abc",
      false,
      "--exclude '(?<=/)\\d{4}/\\p{L}+'" },
};

static void check_rule(void **state)
{
    const struct rule_row *row = *state;
    struct scope_verdict v;
    struct rig r;

    open_rig(&r, SCOPE_ANY, row->rules);
    v = decide_at(&r, row->url, 0);
    assert_int_equal(v.reason, row->is_ours ? REASON_NONE : REASON_INCLUDE_EXCLUDE);
    assert_true(span_eq(v.rule, span_str(row->rule)));
    close_rig(&r);
}

static void a_bad_pattern_is_named_with_its_place(void **state)
{
    static const struct {
        const char *text, *where;
        int tag;
        const char *want;
    } rows[] = {
        { "a(b", "--exclude", RULE_EXCLUDE,
          "--exclude 'a(b': missing closing parenthesis at character 4" },
        { "*x", "--include", RULE_INCLUDE,
          "--include '*x': quantifier does not follow a repeatable item at character" },
        { "[a-", "crawl.conf:7: exclude", RULE_EXCLUDE,
          "crawl.conf:7: exclude '[a-': missing terminating ] for character class at character" },
    };

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        struct text_item items[2] = { { .text = (char *)(uintptr_t) "fine", .tag = RULE_EXCLUDE },
                                      { (char *)(uintptr_t)rows[i].text, (char *)(uintptr_t)rows[i].where,
                                        rows[i].tag } };
        struct settings s = { .rules = { items, 2 }, .depth = -1 };
        struct scope *scope = NULL;
        struct err_note note = { "" };

        assert_int_equal(scope_open(&s, &scope, &note), ERR_USAGE);
        assert_ptr_equal(strstr(note.text, rows[i].want), note.text);
        assert_null(scope);
    }
}

/* It cannot be told whether it is what the user will not have: it is not asked for. */
static void where_an_exclude_runs_wild_nothing_is_fetched(void **state)
{
    static const char *const rules[] = { "+(b*a+)+$", "-(a+)+$", "-never", "" };
    char url[3000] = "https://a.org/";
    struct span told;
    struct rig r;

    (void)state;
    memset(url + strlen(url), 'a', 2000);
    memcpy(url + 2014, "!", 2);
    open_rig(&r, SCOPE_ANY, rules);
    assert_false(scope_tells_undecided(r.scope, &r.mem, &told));
    for (int i = 0; i < 2; i++)
        assert_int_equal(decide(&r, url), REASON_INCLUDE_EXCLUDE);
    assert_true(scope_tells_undecided(r.scope, &r.mem, &told));
    assert_true(span_eq(told, SPAN("--exclude '(a+)+$'")));
    assert_false(scope_tells_undecided(r.scope, &r.mem, &told));
    decide(&r, url);
    assert_false(scope_tells_undecided(r.scope, &r.mem, &told));
    close_rig(&r);
}

struct matching {
    struct rig r;
    struct url u;
    struct scope_verdict v;
    size_t stack_bytes;
};

static intptr_t match(void *arg)
{
    struct matching *m = arg;

    scope_decide(m->r.scope, &m->u, 0, &m->r.mem, &m->v);
    return 0;
}

static intptr_t measure_match(void *arg)
{
    const struct sched_census_row *rows;
    struct matching *m = arg;
    struct group *g;
    size_t n;

    sched_start_census(incoro_sched());
    g = group_new(incoro_sched(), NULL);
    BUG_IF(group_spawn(g, "match", match, m, NULL));
    BUG_IF(group_join(g, DEADLINE_NEVER));
    group_free(g);
    n = sched_get_census(incoro_sched(), &rows);
    for (size_t i = 0; i < n; i++)
        if (strcmp(rows[i].name, "match") == 0)
            m->stack_bytes = rows[i].max_bytes;
    return 0;
}

/* Deep groups over a long subject need a lot of stack: it must not be the coroutine's 64 KiB. */
static void matching_leaves_the_coroutine_its_stack(void **state)
{
    static const char *const rules[] = { "-(?:(?:(a)|(b)|(c))*)*x$", "" };
    static char url[8000] = "https://a.org/";
    struct matching m = { .stack_bytes = 0 };

    (void)state;
    memset(url + strlen(url), 'a', 7000);
    open_rig(&m.r, SCOPE_ANY, rules);
    m.u = parse(&m.r, url);
    in_coroutine(measure_match, &m);
    assert_int_equal(m.v.reason, REASON_NONE);
    assert_true(m.stack_bytes > 0);
    assert_true(m.stack_bytes < (size_t)24 * 1024);
    close_rig(&m.r);
}

/* --- the other limits ------------------------------------------------------------------------------ */

static void other_schemes_are_out(void **state)
{
    struct scope_verdict v;
    struct rig r;

    (void)state;
    open_rig(&r, SCOPE_ANY, NULL);
    v = decide_at(&r, "ftp://a.org/", 0);
    assert_int_equal(v.reason, REASON_SCHEME);
    assert_true(span_eq(v.rule, SPAN("scheme ftp:")));
    assert_int_equal(decide(&r, "javascript:alert(1)"), REASON_SCHEME);
    assert_int_equal(decide(&r, "data:text/html,x"), REASON_SCHEME);
    assert_int_equal(decide(&r, "file:///etc/passwd"), REASON_SCHEME);
    close_rig(&r);
}

static void a_url_may_have_8192_bytes(void **state)
{
    char url[SCOPE_MAX_URL + 2];
    struct rig r;

    (void)state;
    open_rig(&r, SCOPE_ANY, NULL);
    memset(url, 'x', sizeof url);
    memcpy(url, "https://a.org/", 14);
    url[SCOPE_MAX_URL + 1] = '\0';
    assert_int_equal(decide(&r, url), REASON_URL_TOO_LONG);
    url[SCOPE_MAX_URL] = '\0';
    assert_int_equal(decide(&r, url), REASON_NONE);
    close_rig(&r);
}

/* What a rule takes of the arena, a hundred thousand times for a page, does not depend on what it quotes. */
static void a_rule_quotes_the_beginning_of_a_long_pattern_or_scheme(void **state)
{
    char text[19000 + 1];
    const char *const rules[] = { text, "" };
    struct scope_verdict v;
    struct rig r;

    (void)state;
    memset(text, 'x', sizeof text);
    memcpy(text, "-/a|", 4);
    text[sizeof text - 1] = '\0';
    open_rig(&r, SCOPE_ANY, rules);
    v = decide_at(&r, "https://a.org/a", 0);
    assert_int_equal(v.reason, REASON_INCLUDE_EXCLUDE);
    assert_true(span_starts(v.rule, SPAN("--exclude '/a|xxx")) && span_ends(v.rule, SPAN("xxx...'")));
    assert_true(v.rule.len <= 512);
    memcpy(text, "-(b+)+$|", 8);
    close_rig(&r);
    open_rig(&r, SCOPE_ANY, rules);
    v = decide_at(&r, "https://a.org/bbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb!", 0);
    assert_true(span_starts(v.rule, SPAN("--exclude '(b+)+$|xxx")));
    assert_true(span_ends(v.rule, SPAN("xxx...' could not be decided")));
    assert_true(v.rule.len <= 512);
    memcpy(text, "schemexx", 8);
    text[10000] = ':';
    v = decide_at(&r, text, 0);
    assert_int_equal(v.reason, REASON_SCHEME);
    assert_true(span_starts(v.rule, SPAN("scheme scheme")) && v.rule.len <= 512);
    close_rig(&r);
}

static void depth_counts_from_the_seeds(void **state)
{
    struct scope_verdict v;
    struct rig r;

    (void)state;
    open_rig(&r, SCOPE_ANY, NULL);
    assert_int_equal(decide_at(&r, "https://a.org/", 1000000).reason, REASON_NONE);
    r.settings.depth = 2;
    assert_int_equal(decide_at(&r, "https://a.org/", 2).reason, REASON_NONE);
    v = decide_at(&r, "https://a.org/", 3);
    assert_int_equal(v.reason, REASON_DEPTH);
    assert_true(span_eq(v.rule, SPAN("--depth 2")));
    r.settings.depth = 0;
    assert_int_equal(decide_at(&r, "https://a.org/", 0).reason, REASON_NONE);
    assert_int_equal(decide_at(&r, "https://a.org/", 1).reason, REASON_DEPTH);
    close_rig(&r);
}

static void reasons_come_in_the_promised_order(void **state)
{
    static const char *const rules[] = { "-zip", "" };
    struct rig r;

    (void)state;
    open_rig(&r, SCOPE_HOST, rules);
    add_seed(&r, "https://a.org/");
    r.settings.depth = 1;
    assert_int_equal(decide_at(&r, "ftp://b.org/zip/a/a/a/a/a", 9).reason,
                     REASON_SCHEME);
    assert_int_equal(decide_at(&r, "https://b.org/zip/a/a/a/a/a", 9).reason,
                     REASON_SCOPE);
    assert_int_equal(decide_at(&r, "https://a.org/zip/a/a/a/a/a", 9).reason,
                     REASON_INCLUDE_EXCLUDE);
    assert_int_equal(decide_at(&r, "https://a.org/a/a/a/a/a", 9).reason, REASON_DEPTH);
    assert_int_equal(decide_at(&r, "https://a.org/a/a/a/a/a", 1).reason, REASON_TRAP);
    close_rig(&r);
}

/* --- traps ---------------------------------------------------------------------------------------------- */

static const struct trap_row {
    const char *path, *search;
    const char *want; /* NULL: fine */
} trap_rows[] = {
    { "/", "", NULL },
    { "", "", NULL },
    { "/a", "", NULL },
    { "/a/a", "", NULL },
    { "/a/a/a", "", NULL },
    { "/a/a/a/a", "", "repeated segments" },
    { "/x/a/a/a/a/y", "", "repeated segments" },
    { "/a/b/a/b", "", NULL },
    { "/a/b/a/b/a/b", "", "repeated segments" },
    { "/x/a/b/a/b/a/b/c", "", "repeated segments" },
    { "/a/b/c/a/b/c", "", NULL },
    { "/a/b/c/a/b/c/a/b/c", "", "repeated segments" },
    { "/a/1/a/2/a/3/a/4", "", NULL },
    { "/a/1/a/2/a/3/a/4/a", "", "repeated segments" },
    { "/a///b", "", NULL },
    { "/a/////b", "", "repeated segments" },
    /* What real sites have. */
    { "/2024/01/01/01-first", "", NULL },
    { "/tiles/0/0/0.png", "", NULL },
    { "/wiki/Main/Main/Talk", "", NULL },
    { "/en/docs/api/v1/en/docs", "", NULL },
    { "/browse/src/main/java/org/example/main/src/main/resources", "", NULL },
    { "/news/news/2024/news.html", "", NULL },
    { "/1/2/3/4/5/6/7/8/9/10/11/12/13/14/15", "", NULL },
    { "/list", "?a=1&b=2&c=3&d=4&e=5&f=6&g=7&h=8", NULL },
};

static void traps_are_known_and_real_paths_pass(void **state)
{
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(trap_rows); i++) {
        const char *got =
            scope_trap(span_str(trap_rows[i].path), span_str(trap_rows[i].search));

        if (!trap_rows[i].want && got)
            fail_msg("%s: %s", trap_rows[i].path, got);
        if (trap_rows[i].want && !got)
            fail_msg("%s passes", trap_rows[i].path);
        if (got)
            assert_string_equal(got, trap_rows[i].want);
    }
}

static void paths_have_fewer_than_40_segments(void **state)
{
    char path[200] = "";
    size_t n = 0;

    (void)state;
    for (int i = 0; i < 39; i++)
        n += (size_t)snprintf(path + n, sizeof path - n, "/%d", i);
    assert_null(scope_trap(span_make(path, n), SPAN_NONE));
    n += (size_t)snprintf(path + n, sizeof path - n, "/x");
    assert_string_equal(scope_trap(span_make(path, n), SPAN_NONE),
                        "too many path segments");
    n += (size_t)snprintf(path + n, sizeof path - n, "/y/z");
    assert_string_equal(scope_trap(span_make(path, n), SPAN_NONE),
                        "too many path segments");
}

static void queries_have_40_parameters_at_most(void **state)
{
    char search[300] = "?a=1";
    size_t n = strlen(search);

    (void)state;
    for (int i = 0; i < 39; i++)
        n += (size_t)snprintf(search + n, sizeof search - n, "&b=%d", i % 10);
    assert_null(scope_trap(SPAN("/x"), span_make(search, n)));
    n += (size_t)snprintf(search + n, sizeof search - n, "&c=1");
    assert_string_equal(scope_trap(SPAN("/x"), span_make(search, n)),
                        "too many parameters");
}

static void a_trap_is_named_in_the_rule(void **state)
{
    struct scope_verdict v;
    struct rig r;

    (void)state;
    open_rig(&r, SCOPE_ANY, NULL);
    v = decide_at(&r, "https://a.org/a/a/a/a/a/", 0);
    assert_int_equal(v.reason, REASON_TRAP);
    assert_true(span_eq(v.rule, SPAN("trap: repeated segments")));
    close_rig(&r);
}

int main(void)
{
    static const struct CMUnitTest fixed[] = {
        cmocka_unit_test(without_seeds_nothing_is_ours),
        cmocka_unit_test(several_prefixes_of_several_lengths),
        cmocka_unit_test(an_origin_is_in_scope_where_any_of_its_urls_is),
        cmocka_unit_test(a_redirected_seed_brings_its_target_in),
        cmocka_unit_test(the_site_key_joins_80_and_443),
        cmocka_unit_test(a_bad_pattern_is_named_with_its_place),
        cmocka_unit_test(where_an_exclude_runs_wild_nothing_is_fetched),
        cmocka_unit_test(matching_leaves_the_coroutine_its_stack),
        cmocka_unit_test(other_schemes_are_out),
        cmocka_unit_test(a_url_may_have_8192_bytes),
        cmocka_unit_test(a_rule_quotes_the_beginning_of_a_long_pattern_or_scheme),
        cmocka_unit_test(depth_counts_from_the_seeds),
        cmocka_unit_test(reasons_come_in_the_promised_order),
        cmocka_unit_test(traps_are_known_and_real_paths_pass),
        cmocka_unit_test(paths_have_fewer_than_40_segments),
        cmocka_unit_test(queries_have_40_parameters_at_most),
        cmocka_unit_test(a_trap_is_named_in_the_rule),
    };
    struct CMUnitTest
        tests[ARRAY_LEN(fixed) + ARRAY_LEN(place_rows) + ARRAY_LEN(rule_rows)];
    size_t n = 0;

    for (size_t i = 0; i < ARRAY_LEN(fixed); i++)
        tests[n++] = fixed[i];
    for (size_t i = 0; i < ARRAY_LEN(place_rows); i++)
        tests[n++] =
            (struct CMUnitTest){ .name = place_rows[i].label,
                                 .test_func = check_place,
                                 .initial_state = (void *)(uintptr_t)&place_rows[i] };
    for (size_t i = 0; i < ARRAY_LEN(rule_rows); i++)
        tests[n++] =
            (struct CMUnitTest){ .name = rule_rows[i].label,
                                 .test_func = check_rule,
                                 .initial_state = (void *)(uintptr_t)&rule_rows[i] };
    return cmocka_run_group_tests_name("crawler/scope", tests, NULL, NULL);
}
