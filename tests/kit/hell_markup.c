/* SPDX-License-Identifier: MIT */
/* Pages that are hard to parse (P34, P35, P46), and sitemaps that are worse (P36). */
#include "tests/kit/hell.h"

#define MANY 100000
#define INDEX(path) \
    "<sitemapindex><sitemap><loc>" path "</loc></sitemap></sitemapindex>"

static void page(struct hell *h, const char *path, const char *type, struct span body,
                 const char *row)
{
    hell_route(h, (struct origin_route){
                      .path = path, .on = HELL_MARKUP, .headers = type, .body = body });
    hell_case(h, HELL_MARKUP, path, row, 1);
}

static void add_pages(struct hell *h)
{
    struct buf links;

    buf_init(&links, (size_t)16 * MIB);
    for (int i = 0; i < 2 * MANY; i++)
        BUG_IF(buf_printf(&links, "<a href=ftp://a.test/%d>", i));
    page(h, "/200000-links", HTML, buf_span(&links), "fetched too_large 200 ok");
    page(h, "/nested-tags", HTML,
         hell_repeat("", "<div>", MANY, "<a href=/below-the-tags>x</a>"),
         "fetched ok 200 ok");
    page(h, "/attributes", HTML,
         hell_repeat("<p ", "a=1 ", MANY, "><a href=/behind-the-attributes>x</a>"),
         "fetched ok 200 ok");
    page(h, "/unclosed", HTML,
         hell_repeat("", "<b><i><p><table>", MANY / 4, "<a href=/after-the-mess>x</a>"),
         "fetched ok 200 ok");
    page(h, "/entities", HTML,
         hell_repeat("<title>", "&amp;&notit;&#x110000;&", MANY / 4,
                     "</title><a href=/after-entities>x</a>"),
         "fetched ok 200 ok");
    page(h, "/no-end-of-comment", HTML,
         hell_repeat("<a href=/before-the-comment>x</a>", "<!-- ", MANY, ""),
         "fetched ok 200 ok");
    page(h, "/titles", HTML,
         hell_repeat("<a href=/before-titles>x</a>", "<title>", MANY, ""),
         "fetched ok 200 ok");
    page(
        h, "/laughs", XML,
        SPAN(
            "<?xml version='1.0'?><!DOCTYPE x [<!ENTITY a 'lol'><!ENTITY b '&a;&a;&a;&a;&a;&a;&a;&a;'><!ENTITY c '&b;&b;&b;&b;&b;&b;&b;&b;'>"
            "<!ENTITY d '&c;&c;&c;&c;&c;&c;&c;&c;'><!ENTITY e SYSTEM 'file:///etc/passwd'>]><x>&d;&e;</x>"),
        NULL);
    page(h, "/utf-7", "Content-Type: text/html; charset=utf-7\r\n",
         SPAN("<title>+ADw-script+AD4-</title>"), "fetched ok 200 ok");
    page(h, "/bad-utf-16", "Content-Type: text/html; charset=utf-16\r\n",
         SPAN("\xff\xfe\0\xd8<\0a"), "fetched ok 200 ok");
    page(h, "/all-bytes", HTML,
         hell_repeat("<title>\x01\x02\x7f\xc2\x80\xe2\x80\xae\xff", "\x80\xbf", 1000,
                     "</title>"),
         "fetched ok 200 ok");
    page(h, "/image-as-html", HTML, SPAN("\x89PNG\r\n\x1a\n\0\0\0\rIHDR"),
         "fetched ok 200 not_html");
    hell_case(h, HELL_MARKUP, "/below-the-tags", "fetched ok 200 ok", 1);
    hell_case(h, HELL_MARKUP, "/behind-the-attributes", "fetched ok 200 ok", 1);
    hell_case(h, HELL_MARKUP, "/after-the-mess", "fetched ok 200 ok", 1);
    hell_case(h, HELL_MARKUP, "/after-entities", "fetched ok 200 ok", 1);
    hell_case(h, HELL_MARKUP, "/before-the-comment", "fetched ok 200 ok", 1);
    hell_case(h, HELL_MARKUP, "/before-titles", "fetched ok 200 ok", 1);
}

/* A page that is asked for on a host whose robots.txt names all of these. */
static void add_sitemaps(struct hell *h)
{
    static const struct {
        const char *path, *text;
    } maps[] = {
        { "/cut.xml",
          "<urlset><url><loc>http://127.0.0.5:$PORT/from-cut</loc></url><url><loc>http" },
        { "/none.xml", "this is no XML at all <<<&&&" },
        { "/loop.xml",
          "<sitemapindex><sitemap><loc>http://127.0.0.5:$PORT/loop.xml</loc></sitemap></sitemapindex>" },
        { "/canary.xml",
          "<sitemapindex><sitemap><loc>http://127.0.0.99:$CANARY/map.xml</loc></sitemap></sitemapindex>" },
        { "/laughs.xml",
          "<?xml version='1.0'?><!DOCTYPE urlset [<!ENTITY a 'aaaaaaaaaa'><!ENTITY b '&a;&a;&a;&a;&a;&a;&a;&a;&a;&a;'>"
          "<!ENTITY c '&b;&b;&b;&b;&b;&b;&b;&b;&b;&b;'><!ENTITY d '&c;&c;&c;&c;&c;&c;&c;&c;&c;&c;'><!ENTITY e '&d;&d;&d;&d;&d;&d;&d;&d;&d;&d;'>]>"
          "<urlset><url><loc>http://127.0.0.5:$PORT/&e;</loc></url></urlset>" },
        { "/external.xml",
          "<?xml version='1.0'?><!DOCTYPE urlset SYSTEM 'http://127.0.0.99:$CANARY/x.dtd' [<!ENTITY p SYSTEM 'file:///etc/passwd'>"
          "<!ENTITY % q SYSTEM 'http://127.0.0.99:$CANARY/q'>%q;]><urlset><url><loc>http://127.0.0.5:$PORT/&p;</loc></url></urlset>" },
        { "/index1.xml", INDEX("/index2.xml") },
        { "/index2.xml", INDEX("/index3.xml") },
        { "/index3.xml", INDEX("/index4.xml") },
        { "/index4.xml", INDEX("/index5.xml") },
        { "/good.xml",
          "<urlset><url><loc>http://127.0.0.5:$PORT/from-good</loc></url>"
          "<url><loc>http://127.0.0.99:$CANARY/from-map</loc></url></urlset>" },
    };

    static char robots[1024];
    size_t n = (size_t)snprintf(
        robots, sizeof robots,
        "User-agent: *\nAllow: /\nSitemap: http://127.0.0.99:$CANARY/direct.xml\n");

    for (size_t i = 0; i < ARRAY_LEN(maps); i++) {
        if (strncmp(maps[i].path, "/index", 6) || maps[i].path[6] == '1')
            n += (size_t)snprintf(robots + n, sizeof robots - n, "Sitemap: %s\n",
                                  maps[i].path);
        hell_route(h, (struct origin_route){
                          .path = maps[i].path,
                          .on = HELL_MAPS,
                          .headers = XML,
                          .generate = origin_text,
                          .arg = (void *)(uintptr_t)hell_text(h, maps[i].text) });
    }
    hell_route(h,
               (struct origin_route){ .path = "/robots.txt",
                                      .on = HELL_MAPS,
                                      .headers = PLAIN,
                                      .generate = origin_text,
                                      .arg = (void *)(uintptr_t)hell_text(h, robots) });
    hell_case(h, HELL_MAPS, "/from-good", "fetched ok 200 ok", 1);
    hell_case(h, HELL_MAPS, "/from-cut", "fetched ok 200 ok", 1);
    hell_case(h, HELL_MAPS, hell_text(h, "http://127.0.0.99:$CANARY/from-map"),
              "excluded blocked_address", 0);
    hell_case(h, HELL_MAPS, "/loop.xml", NULL, 1);
    hell_case(h, HELL_MAPS, "/index3.xml", NULL, 1);
    hell_case(h, HELL_MAPS, "/index4.xml", NULL, 0);
}

void hell_markup(struct hell *h)
{
    add_pages(h);
    add_sitemaps(h);
}
