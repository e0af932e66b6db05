/* SPDX-License-Identifier: MIT */
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>

#include <cmocka.h>

#include "config/buf.h"
#include "parse/robots.h"

#define US "crawl"

/* One question to one file; robots.txt, target, answer, and what says so. */
struct row {
    const char *label, *robots, *target;
    bool want;
    const char *source;
};

static const struct row rows[] = {
    /* RFC 9309 §2.1 */
    { "no file content allows all", "", "/x", true, "RFC 9309 §2.1" },
    { "only unknown records allow all", "foo: bar\nbar: /\n", "/x", true,
      "RFC 9309 §2.2.4" },
    { "rules before any group are nobody's",
      "Disallow: /\nUser-agent: crawl\nAllow: /\n", "/x", true, "RFC 9309 §2.1" },
    { "several user-agents share the rules",
      "User-agent: a\nUser-agent: crawl\nDisallow: /x\n", "/x", false,
      "RFC 9309 §2.1" },
    { "blank lines do not end a group", "User-agent: crawl\n\n\nDisallow: /x\n", "/x",
      false, "RFC 9309 §2.1" },
    /* RFC 9309 §2.2.1 */
    { "our group beats the star",
      "User-agent: *\nDisallow: /\nUser-agent: crawl\nAllow: /\n", "/x", true,
      "RFC 9309 §2.2.1" },
    { "our group beats a later star",
      "User-agent: crawl\nAllow: /\nUser-agent: *\nDisallow: /\n", "/x", true,
      "RFC 9309 §2.2.1" },
    { "our empty group still beats the star",
      "User-agent: crawl\nUser-agent: other\nDisallow:\nUser-agent: *\nDisallow: /\n",
      "/x", true, "RFC 9309 §2.2.1" },
    { "the star is used when nobody names us",
      "User-agent: a\nAllow: /\nUser-agent: *\nDisallow: /\n", "/x", false,
      "RFC 9309 §2.2.1" },
    { "no group for us and no star allows", "User-agent: a\nDisallow: /\n", "/x", true,
      "RFC 9309 §2.2.1" },
    { "tokens match in any case", "User-Agent: CRAWL\nDisallow: /x\n", "/x", false,
      "RFC 9309 §2.2.1" },
    { "a version behind the token is ignored", "User-agent: crawl/2.1\nDisallow: /x\n",
      "/x", false, "RFC 9309 §2.2.1" },
    { "words behind the token are ignored",
      "User-agent: crawl the crawler\nDisallow: /x\n", "/x", false, "RFC 9309 §2.2.1" },
    { "a longer token is not ours", "User-agent: crawler\nDisallow: /x\n", "/x", true,
      "RFC 9309 §2.2.1" },
    { "a shorter token is not ours", "User-agent: craw\nDisallow: /x\n", "/x", true,
      "RFC 9309 §2.2.1" },
    { "groups of one name are merged",
      "User-agent: crawl\nDisallow: /a\nUser-agent: b\nDisallow: /\nUser-agent: crawl\nDisallow: /c\n",
      "/c", false, "RFC 9309 §2.2.1" },
    { "and the first part stays",
      "User-agent: crawl\nDisallow: /a\nUser-agent: b\nAllow: /\n"
      "User-agent: crawl\nDisallow: /c\n",
      "/a", false, "RFC 9309 §2.2.1" },
    { "star groups are merged too",
      "User-agent: *\nDisallow: /a\nUser-agent: b\nAllow: /\nUser-agent: *\nDisallow: /c\n",
      "/a", false, "RFC 9309 §2.2.1" },
    { "a star with words behind is a star", "User-agent: * all\nDisallow: /x\n", "/x",
      false, "RFC 9309 §2.2.1" },
    { "a star inside a name is no star", "User-agent: *bot\nDisallow: /x\n", "/x", true,
      "RFC 9309 §2.2.1" },
    { "an empty user-agent ends the group",
      "User-agent: crawl\nAllow: /\nUser-agent:\nDisallow: /x\n", "/x", true,
      "RFC 9309 §2.2.1" },
    /* RFC 9309 §2.2.2 */
    { "longest match wins", "User-agent: *\nAllow: /p\nDisallow: /\n", "/page", true,
      "RFC 9309 §2.2.2" },
    { "order does not matter", "User-agent: *\nDisallow: /\nAllow: /p\n", "/page", true,
      "RFC 9309 §2.2.2" },
    { "longest match wins for disallow", "User-agent: *\nAllow: /\nDisallow: /p/q\n",
      "/p/q/r", false, "RFC 9309 §2.2.2" },
    { "allow wins a tie", "User-agent: *\nDisallow: /page\nAllow: /page\n", "/page",
      true, "RFC 9309 §2.2.2" },
    { "allow wins a tie in either order",
      "User-agent: *\nAllow: /page\nDisallow: /page\n", "/page", true,
      "RFC 9309 §2.2.2" },
    { "no match means yes", "User-agent: *\nDisallow: /a\n", "/b", true,
      "RFC 9309 §2.2.2" },
    { "empty disallow forbids nothing", "User-agent: *\nDisallow:\n", "/b", true,
      "RFC 9309 §2.2.2" },
    { "matching is case-sensitive", "User-agent: *\nDisallow: /X\n", "/x", true,
      "RFC 9309 §2.2.2" },
    { "a match is a prefix", "User-agent: *\nDisallow: /fish\n",
      "/fishheads/yummy.html", false, "RFC 9309 §2.2.2" },
    { "a match begins at the first octet", "User-agent: *\nDisallow: /fish\n",
      "/catfish", true, "RFC 9309 §2.2.2" },
    { "the query is part of it", "User-agent: *\nDisallow: /a?x=1\n", "/a?x=12", false,
      "RFC 9309 §2.2.2" },
    { "UTF-8 in the rule meets escapes", "User-agent: *\nDisallow: /\xe3\x83\x84\n",
      "/%E3%83%84", false, "RFC 9309 §2.2.2" },
    { "escapes in the rule meet escapes in lower case",
      "User-agent: *\nDisallow: /%E3%83%84\n", "/%e3%83%84", false, "RFC 9309 §2.2.2" },
    { "an escaped letter in the rule is the letter",
      "User-agent: *\nDisallow: /%62%61%7A\n", "/baz", false, "RFC 9309 §2.2.2" },
    { "an escaped letter in the target is the letter",
      "User-agent: *\nDisallow: /~joe\n", "/%7Ejoe", false, "RFC 9309 §2.2.2" },
    { "an escaped slash is no slash", "User-agent: *\nDisallow: /a/b\n", "/a%2Fb", true,
      "RFC 9309 §2.2.2" },
    { "an escaped slash meets its like", "User-agent: *\nDisallow: /a%2fb\n", "/a%2Fb",
      false, "RFC 9309 §2.2.2" },
    { "a space in the rule meets its escape", "User-agent: *\nDisallow: /a b\n",
      "/a%20b", false, "RFC 9309 §2.2.2" },
    { "brackets and bars are escaped on both sides",
      "User-agent: *\nDisallow: /a|{b}\n", "/a%7C%7Bb%7D", false, "RFC 9309 §2.2.2" },
    { "a bracket in the rule meets its escape", "User-agent: *\nDisallow: /*?f[\n",
      "/a?f%5Bx%5D=1", false, "RFC 9309 §2.2.2, RFC 3986 §3.2.2" },
    { "an escaped bracket in the rule meets the bracket",
      "User-agent: *\nDisallow: /*?f%5bx%5d=\n", "/a?f[x]=1", false,
      "RFC 9309 §2.2.2, RFC 3986 §3.2.2" },
    { "a quote in a query meets what is sent", "User-agent: *\nDisallow: /a?b='c'\n",
      "/a?b=%27c%27", false, "URL standard, special-query percent-encode set" },
    { "a broken escape stands for itself", "User-agent: *\nDisallow: /100%\n", "/100%",
      false, "RFC 9309 §2.2.2" },
    { "robots.txt is always allowed", "User-agent: *\nDisallow: /\n", "/robots.txt",
      true, "RFC 9309 §2.2.2" },
    { "but nothing below it", "User-agent: *\nDisallow: /\n", "/robots.txt/x", false,
      "RFC 9309 §2.2.2" },
    { "a rule without a slash is no rule", "User-agent: *\nDisallow: private\n",
      "/private", true, "RFC 9309 §2.2, path-pattern" },
    /* RFC 9309 §2.2.3 */
    { "a star matches any run", "User-agent: *\nDisallow: /*.php\n", "/a/b.php?c",
      false, "RFC 9309 §2.2.3" },
    { "a star matches nothing too", "User-agent: *\nDisallow: /fish*.php\n",
      "/fish.php", false, "RFC 9309 §2.2.3" },
    { "stars in a row are one", "User-agent: *\nDisallow: /a***b\n", "/axb", false,
      "RFC 9309 §2.2.3" },
    { "a star at the end changes nothing", "User-agent: *\nDisallow: /fish*\n", "/fish",
      false, "RFC 9309 §2.2.3" },
    { "a rule may begin with a star", "User-agent: *\nDisallow: *.gif\n", "/x/y.gif",
      false, "RFC 9309 §2.2.3" },
    { "pieces come in order", "User-agent: *\nDisallow: /*b*a\n", "/a-b", true,
      "RFC 9309 §2.2.3" },
    { "pieces do not overlap", "User-agent: *\nDisallow: /*aba*aba\n", "/ababa", true,
      "RFC 9309 §2.2.3" },
    { "a dollar ends it", "User-agent: *\nDisallow: /*.php$\n", "/a.php", false,
      "RFC 9309 §2.2.3" },
    { "a dollar refuses more", "User-agent: *\nDisallow: /*.php$\n", "/a.php5", true,
      "RFC 9309 §2.2.3" },
    { "the last piece before a dollar is looked for at the end",
      "User-agent: *\nDisallow: /*.php$\n", "/a.php/b.php", false, "RFC 9309 §2.2.3" },
    { "the end must not overlap the beginning", "User-agent: *\nDisallow: /ab*b$\n",
      "/ab", true, "RFC 9309 §2.2.3" },
    { "the root alone", "User-agent: *\nDisallow: /\nAllow: /$\n", "/", true,
      "RFC 9309 §2.2.3" },
    { "the root alone is not all", "User-agent: *\nDisallow: /\nAllow: /$\n", "/a",
      false, "RFC 9309 §2.2.3" },
    { "a dollar elsewhere is a dollar", "User-agent: *\nDisallow: /a$b\n", "/a$b",
      false, "RFC 9309 §2.2.3" },
    { "an escaped star is a star in the target", "User-agent: *\nDisallow: /a%2Ab\n",
      "/a*b", false, "RFC 9309 §2.2.3" },
    { "an escaped star is no wildcard", "User-agent: *\nDisallow: /a%2Ab\n", "/axb",
      true, "RFC 9309 §2.2.3" },
    { "an escaped dollar is a dollar in the target", "User-agent: *\nDisallow: /a%24\n",
      "/a$b", false, "RFC 9309 §2.2.3" },
    { "a star in the target is no wildcard", "User-agent: *\nDisallow: /abc\n", "/a*",
      true, "RFC 9309 §2.2.3" },
    { "a wildcard rule counts with its full length",
      "User-agent: *\nAllow: /page\nDisallow: /*.htm\n", "/page.htm", false,
      "RFC 9309 §2.2.2" },
    /* RFC 9309 §2.2.4 and §2.2: records and lines */
    { "a sitemap line does not end the names",
      "User-agent: crawl\nSitemap: https://h/s\nUser-agent: b\nDisallow: /x\n", "/x",
      false, "RFC 9309 §2.2.4" },
    { "crawl-delay does not end the names",
      "User-agent: crawl\nCrawl-delay: 5\nUser-agent: b\nDisallow: /x\n", "/x", false,
      "RFC 9309 §2.2.4" },
    { "an unknown record does not end the names",
      "User-agent: crawl\nWhatever: 1\nUser-agent: b\nDisallow: /x\n", "/x", false,
      "RFC 9309 §2.2.4" },
    { "a comment ends the value", "User-agent: * # all\nDisallow: /x# y\n", "/x", false,
      "RFC 9309 §2.2, comment" },
    { "a line of comment is skipped", "User-agent: *\n# Disallow: /x\n", "/x", true,
      "RFC 9309 §2.2, comment" },
    { "keys in any case, spaces anywhere", "  uSeR-aGeNt :  *  \n\tDISALLOW\t:\t/x\t\n",
      "/x", false, "RFC 9309 §2.2" },
    { "CRLF", "User-agent: *\r\nDisallow: /x\r\n", "/x", false, "RFC 9309 §2.2, EOL" },
    { "CR alone", "User-agent: *\rDisallow: /x\r", "/x", false, "RFC 9309 §2.2, EOL" },
    { "no line end at the end", "User-agent: *\nDisallow: /x", "/x", false,
      "RFC 9309 §2.2, EOL" },
    { "a byte order mark", "\xef\xbb\xbfUser-agent: *\nDisallow: /x\n", "/x", false,
      "RFC 9309 §2.2: UTF-8" },
    { "a missing colon", "user-agent *\ndisallow /x\n", "/x", false,
      "google/robotstxt" },
    { "a missing colon with three words", "User-agent: *\ndisallow /x please\n", "/x",
      true, "google/robotstxt" },
    { "Dissallow", "User-agent: *\nDissallow: /x\n", "/x", false, "google/robotstxt" },
    { "useragent", "useragent: *\nDisallow: /x\n", "/x", false, "google/robotstxt" },
    { "HTML is no rule", "<!doctype html>\n<p>User-agent: *\n<p>Disallow: /\n</p>",
      "/x", true, "RFC 9309 §2.2" },
};

static void answers_as_the_row_says(void **state)
{
    const struct row *row = *state;
    struct robots_rules rules;
    struct arena mem;
    bool allowed;

    arena_init(&mem, MIB);
    assert_int_equal(robots_parse(span_str(row->robots), SPAN(US), &mem, &rules), OK);

    allowed = robots_allows(&rules, span_str(row->target), NULL);

    if (allowed != row->want)
        print_error("%s: %s\n", row->label, row->source);
    arena_clear(&mem);
    assert_true(allowed == row->want);
}

static int set_up(void **state)
{
    struct arena *mem = calloc(1, sizeof *mem);

    arena_init(mem, 64 * MIB);
    *state = mem;
    return 0;
}

static int tear_down(void **state)
{
    arena_clear(*state);
    free(*state);
    return 0;
}

static struct robots_rules parse_for(struct arena *mem, const char *token,
                                     struct span body)
{
    struct robots_rules rules;

    assert_int_equal(robots_parse(body, span_str(token), mem, &rules), OK);
    return rules;
}

static struct robots_rules parse(struct arena *mem, const char *body)
{
    return parse_for(mem, US, span_str(body));
}

/* RFC 9309 §2.2.1: the token in the header may have a version behind it. */
static void product_token_is_cut_at_its_version(void **state)
{
    struct span body = SPAN("User-agent: my-bot_x\nDisallow: /x\n");
    struct robots_rules rules = parse_for(*state, "My-Bot_X/1.0 (+https://h/)", body);

    assert_false(robots_allows(&rules, SPAN("/x"), NULL));
}

/* RFC 9309 §2.2.1: a group of that name, not one without any. */
static void empty_product_token_gets_the_star(void **state)
{
    struct span body = SPAN("User-agent:\nAllow: /\nUser-agent: *\nDisallow: /x\n");
    struct robots_rules rules = parse_for(*state, "", body);

    assert_false(robots_allows(&rules, SPAN("/x"), NULL));
}

/* RFC 9309 §2.2.2: which rule decided, and on which line it stands. */
static void names_the_rule_that_decided(void **state)
{
    struct robots_rules rules =
        parse(*state, "# c\r\nUser-agent: *\r\n\r\nDisallow: /a%62\r\n"
                      "Allow: /abc\r\n");
    const struct robots_rule *rule;

    assert_false(robots_allows(&rules, SPAN("/abd"), &rule));
    assert_non_null(rule);
    assert_int_equal(rule->line, 4);
    assert_true(span_eq(rule->pattern, SPAN("/ab")));
    assert_true(robots_allows(&rules, SPAN("/abcd"), &rule));
    assert_int_equal(rule->line, 5);
    assert_true(robots_allows(&rules, SPAN("/z"), &rule));
    assert_null(rule);
    assert_true(robots_allows(&rules, SPAN("/robots.txt"), &rule));
    assert_null(rule);
}

/* RFC 9309 §2.5: at least 500 KiB; what the limit cuts in half is not a rule. */
static void drops_the_line_that_the_limit_cuts(void **state)
{
    static const char head[] = "User-agent: *\nDisallow: /kept\n#";
    static const char tail[] = "\nDisallow: /cut-in-half\n";
    size_t n = ROBOTS_MAX_BYTES - 12;
    char *text = malloc(n + sizeof tail);
    struct robots_rules rules;

    memset(text, '-', n);
    memcpy(text, head, sizeof head - 1);
    memcpy(text + n, tail, sizeof tail);

    rules = parse_for(*state, US, span_make(text, n + sizeof tail - 1));
    free(text);

    assert_true(rules.is_cut);
    assert_int_equal(rules.n_rules, 1);
    assert_false(robots_allows(&rules, SPAN("/kept"), NULL));
    assert_true(robots_allows(&rules, SPAN("/cut-x"), NULL));
}

/* RFC 9309 §2.5: a line that ends exactly at the limit is whole. */
static void keeps_the_line_that_ends_at_the_limit(void **state)
{
    static const char head[] = "User-agent: *\n#";
    static const char last[] = "\nDisallow: /last";
    size_t n = ROBOTS_MAX_BYTES;
    char *text = malloc(n + 2);
    struct robots_rules rules;

    memset(text, '-', n);
    memcpy(text, head, sizeof head - 1);
    memcpy(text + n - (sizeof last - 1), last, sizeof last - 1);
    memcpy(text + n, "\n#", 2);

    rules = parse_for(*state, US, span_make(text, n + 2));
    free(text);

    assert_true(rules.is_cut);
    assert_false(robots_allows(&rules, SPAN("/last"), NULL));
}

/* RFC 9309 §2.5: an endless line is clipped, and the one behind it is read. */
static void clips_long_lines(void **state)
{
    size_t n = 40 * 1024;
    struct buf b;
    struct robots_rules rules;

    buf_init(&b, MIB);
    assert_int_equal(buf_append(&b, SPAN("User-agent: *\nDisallow: /a")), OK);
    for (size_t i = 0; i < n; i++)
        assert_int_equal(buf_append_byte(&b, 'a'), OK);
    assert_int_equal(buf_append(&b, SPAN("\nDisallow: /b\n")), OK);

    rules = parse_for(*state, US, buf_span(&b));
    buf_clear(&b);

    assert_int_equal(rules.n_rules, 2);
    assert_true(rules.rules[0].pattern.len <= 16 * 1024);
    assert_false(robots_allows(&rules, SPAN("/b"), NULL));
    assert_int_equal(rules.rules[1].line, 3);
}

/* RFC 9309 §2.2.3 and §5: no pattern may make matching slow. */
static void many_wildcards_stay_linear(void **state)
{
    struct buf pattern, target;
    struct robots_rules rules;

    buf_init(&pattern, MIB);
    buf_init(&target, MIB);
    assert_int_equal(buf_append(&pattern, SPAN("User-agent: *\nDisallow: /")), OK);
    for (int i = 0; i < 5000; i++)
        assert_int_equal(buf_append(&pattern, SPAN("*a")), OK);
    assert_int_equal(buf_append(&pattern, SPAN("*b$\n")), OK);
    assert_int_equal(buf_append(&target, SPAN("/")), OK);
    for (int i = 0; i < 100000; i++)
        assert_int_equal(buf_append_byte(&target, 'a'), OK);

    rules = parse_for(*state, US, buf_span(&pattern));
    for (int i = 0; i < 100; i++)
        assert_true(robots_allows(&rules, buf_span(&target), NULL));

    buf_clear(&pattern);
    buf_clear(&target);
}

/* n rules, each another number behind "*", and then more. */
static struct robots_rules numbered_rules(struct arena *mem, int n, const char *more)
{
    struct robots_rules rules;
    struct buf body;

    buf_init(&body, ROBOTS_MAX_BYTES);
    assert_int_equal(buf_append(&body, SPAN("User-agent: *\n")), OK);
    for (int i = 0; i < n; i++)
        assert_int_equal(buf_printf(&body, "Allow:*%05d%s\n", i % 100, more), OK);
    assert_int_equal(buf_append(&body, SPAN("Disallow: /no\n")), OK);
    rules = parse_for(mem, US, buf_span(&body));
    buf_clear(&body);
    return rules;
}

static void fill_target(struct buf *out, const char *head, size_t zeros)
{
    buf_init(out, MIB);
    assert_int_equal(buf_append(out, span_str(head)), OK);
    for (size_t i = 0; i < zeros; i++)
        assert_int_equal(buf_append_byte(out, '0'), OK);
}

/* Each would be looked for to the URL's end, in vain: seconds in which nothing else is done. */
static void what_would_be_searched_for_too_long_is_forbidden(void **state)
{
    struct robots_rules rules = numbered_rules(*state, 30000, "0x");
    const struct robots_rule *rule;
    struct buf target;

    /* All pairs of all of them. */
    fill_target(&target, "/0x1021324354657687980x919293949596979899", 8000);
    assert_false(robots_allows(&rules, buf_span(&target), &rule));
    assert_int_equal(rule->line, 0);
    buf_clear(&target);
    assert_true(robots_allows(&rules, SPAN("/0x10"), &rule));
    assert_null(rule);
    assert_false(robots_allows(&rules, SPAN("/no0x10"), &rule));
    assert_int_equal(rule->line, 30002);
}

static void what_a_url_has_no_part_of_is_not_searched_for(void **state)
{
    struct robots_rules rules = numbered_rules(*state, 30000, "x");
    const struct robots_rule *rule;
    struct buf target;

    fill_target(&target, "/", 8000);
    assert_true(robots_allows(&rules, buf_span(&target), &rule));
    assert_null(rule);
    buf_clear(&target);
    fill_target(&target, "/no", 8000);
    assert_false(robots_allows(&rules, buf_span(&target), &rule));
    assert_int_equal(rule->line, 30002);
    buf_clear(&target);
}

/* RFC 9309 §2.2.2: the escapes of a long target do not fit on the stack. */
static void long_targets_are_normalised_too(void **state)
{
    struct robots_rules rules = parse(*state, "User-agent: *\nDisallow: /*~end$\n");
    struct buf target;

    buf_init(&target, MIB);
    assert_int_equal(buf_append(&target, SPAN("/")), OK);
    for (int i = 0; i < 3000; i++)
        assert_int_equal(buf_append(&target, SPAN("\xc3\xa9")), OK);
    assert_int_equal(buf_append(&target, SPAN("%7eend")), OK);

    assert_false(robots_allows(&rules, buf_span(&target), NULL));
    buf_clear(&target);
}

/* RFC 9309 §2.2.4: sitemap records belong to no group. */
static void sitemaps_are_collected_from_anywhere(void **state)
{
    struct robots_rules rules =
        parse(*state, "Sitemap: https://h/1.xml\nUser-agent: other\n"
                      "Disallow: /\nsite-map: /2.xml # two\n"
                      "Sitemap: https://h/1.xml\nSITEMAP:https://h/3.xml\n"
                      "Sitemap:\n");

    assert_int_equal(rules.n_sitemaps, 3);
    assert_true(span_eq(rules.sitemaps[0], SPAN("https://h/1.xml")));
    assert_true(span_eq(rules.sitemaps[1], SPAN("/2.xml")));
    assert_true(span_eq(rules.sitemaps[2], SPAN("https://h/3.xml")));
    assert_int_equal(rules.n_rules, 0);
    rules = parse(*state, "Sitemap:\n");
    assert_int_equal(rules.n_sitemaps, 0);
}

/* RFC 9309 §2.2.4: other records; Crawl-delay is not in the RFC. */
static void crawl_delay_is_read_for_us_alone(void **state)
{
    static const struct {
        const char *body;
        int64_t want_ms;
    } delays[] = {
        { "User-agent: *\nDisallow: /x\n", -1 },
        { "User-agent: *\nCrawl-delay: 10\n", 10000 },
        { "User-agent: *\nCrawl-delay: 0.5\n", 500 },
        { "User-agent: *\nCrawl-delay: .25\n", 250 },
        { "User-agent: *\nCrawl-delay: 1.2345\n", 1234 },
        { "User-agent: *\nCrawl-delay: 0\n", 0 },
        { "User-agent: *\nCrawl-delay: 5 # seconds\n", 5000 },
        { "User-agent: *\nCrawl-delay: 5s\n", 5000 },
        { "User-agent: *\nCrawl-delay: -5\n", -1 },
        { "User-agent: *\nCrawl-delay: .\n", -1 },
        { "User-agent: *\nCrawl-delay: ten\n", -1 },
        { "User-agent: *\nCrawl-delay:\n", -1 },
        { "User-agent: *\nCrawl-delay: 99999999999999999999\n",
          INT64_C(1000000000000) },
        { "User-agent: *\nCrawl-delay: 9\nUser-agent: crawl\nCrawl-delay: 2\n", 2000 },
        { "User-agent: *\nCrawl-delay: 9\nUser-agent: crawl\nDisallow: /x\n", -1 },
        { "User-agent: crawl\nCrawl-delay: 2\nAllow: /\nUser-agent: crawl\nCrawl-delay: 4\n",
          4000 },
        { "Crawl-delay: 7\nUser-agent: *\nDisallow: /x\n", -1 },
    };

    for (size_t i = 0; i < ARRAY_LEN(delays); i++) {
        struct robots_rules rules = parse(*state, delays[i].body);

        assert_int_equal(rules.crawl_delay_ms, delays[i].want_ms);
    }
}

/* RFC 9309 §2.2: NUL and bytes that are no UTF-8 are bytes like others. */
static void any_bytes_are_taken(void **state)
{
    static const char body[] = "User-agent: *\n\0\xff\nDisallow: /\xff\n";
    struct robots_rules rules = parse_for(*state, US, span_make(body, sizeof body - 1));

    assert_false(robots_allows(&rules, SPAN("/%FF"), NULL));
}

/* The arena's cap is respected. */
static void too_small_an_arena_is_an_error(void **state)
{
    struct robots_rules rules;
    struct arena small;

    (void)state;
    arena_init(&small, 64);
    assert_int_equal(
        robots_parse(SPAN("User-agent: *\nDisallow: /a\nDisallow: /b\nDisallow: /c\n"),
                     SPAN(US), &small, &rules),
        ERR_TOO_LARGE);
    assert_int_equal(
        robots_parse(SPAN("Sitemap: https://example.com/a/long/enough/name.xml\n"
                          "Sitemap: https://example.com/a/long/enough/name2.xml\n"),
                     SPAN(US), &small, &rules),
        ERR_TOO_LARGE);
    arena_clear(&small);
}

int main(void)
{
    static const struct CMUnitTest single[] = {
        cmocka_unit_test_setup_teardown(product_token_is_cut_at_its_version, set_up,
                                        tear_down),
        cmocka_unit_test_setup_teardown(empty_product_token_gets_the_star, set_up,
                                        tear_down),
        cmocka_unit_test_setup_teardown(names_the_rule_that_decided, set_up, tear_down),
        cmocka_unit_test_setup_teardown(drops_the_line_that_the_limit_cuts, set_up,
                                        tear_down),
        cmocka_unit_test_setup_teardown(keeps_the_line_that_ends_at_the_limit, set_up,
                                        tear_down),
        cmocka_unit_test_setup_teardown(clips_long_lines, set_up, tear_down),
        cmocka_unit_test_setup_teardown(many_wildcards_stay_linear, set_up, tear_down),
        cmocka_unit_test_setup_teardown(what_would_be_searched_for_too_long_is_forbidden,
                                        set_up, tear_down),
        cmocka_unit_test_setup_teardown(what_a_url_has_no_part_of_is_not_searched_for,
                                        set_up, tear_down),
        cmocka_unit_test_setup_teardown(long_targets_are_normalised_too, set_up,
                                        tear_down),
        cmocka_unit_test_setup_teardown(sitemaps_are_collected_from_anywhere, set_up,
                                        tear_down),
        cmocka_unit_test_setup_teardown(crawl_delay_is_read_for_us_alone, set_up,
                                        tear_down),
        cmocka_unit_test_setup_teardown(any_bytes_are_taken, set_up, tear_down),
        cmocka_unit_test(too_small_an_arena_is_an_error),
    };
    struct CMUnitTest tests[ARRAY_LEN(rows) + ARRAY_LEN(single)];

    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        const void *row = &rows[i];

        tests[i] = (struct CMUnitTest){ .name = rows[i].label,
                                        .test_func = answers_as_the_row_says };
        memcpy(&tests[i].initial_state, &row, sizeof row);
    }
    memcpy(tests + ARRAY_LEN(rows), single, sizeof single);
    return cmocka_run_group_tests_name("parse/robots", tests, NULL, NULL);
}
