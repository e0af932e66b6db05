/* SPDX-License-Identifier: MIT */
#include <errno.h>
#include <signal.h>
#include <unistd.h>

#include "config/io.h"
#include "config/log.h"
#include "config/mem.h"
#include "crawler/command.h"
#include "crawler/dossier.h"
#include "crawler/show.h"
#include "crawler/unpacker.h"
#include "parse/url.h"
#include "parse/utf8.h"

#define MAX_MEMORY  ((size_t)256 * MIB)
#define MAX_TEXT    ((size_t)64 * MIB)
#define MAX_NEAREST 3
#define NEVER_ASKED "was never asked for: 'crawl explain' tells why"

struct page_options {
    struct show_options show;
    bool wants_body, wants_text, wants_headers, wants_links;
    struct dossier_options dossier;
};

static const struct option_spec specs[] = {
    { "db", 'o', OPTION_TEXT, offsetof(struct page_options, show.db), 0, 0, "crawl.db",
      NULL, 0, "FILE", "the database", "Options" },
    { "body", 'b', OPTION_FLAG, offsetof(struct page_options, wants_body), 0, 0, "no",
      NULL, 0, NULL, "only the stored body, byte by byte", NULL },
    { "text", 't', OPTION_FLAG, offsetof(struct page_options, wants_text), 0, 0, "no",
      NULL, 0, NULL, "only the page's text, as a reader sees it", NULL },
    { "headers", 0, OPTION_FLAG, offsetof(struct page_options, wants_headers), 0, 0,
      "no", NULL, 0, NULL, "only the header fields of the latest request and answer",
      NULL },
    { "links", 0, OPTION_FLAG, offsetof(struct page_options, wants_links), 0, 0, "no",
      NULL, 0, NULL, "only the links, all of them, out and in", NULL },
    { "format", 'f', OPTION_CHOICE, offsetof(struct page_options, show.format), 0, 0,
      "table", OUTPUT_FORMATS, 0, "HOW", "of --links: " OUTPUT_FORMATS, NULL },
    { "json", 0, OPTION_FLAG, offsetof(struct page_options, dossier.is_json), 0, 0,
      "no", NULL, 0, NULL, "everything as one JSON object", NULL },
    { "all", 'a', OPTION_FLAG, offsetof(struct page_options, dossier.has_all), 0, 0,
      "no", NULL, 0, NULL, "every link and fetch, not the first ten of each, and long texts whole", NULL },
    { "no-pager", 0, OPTION_FLAG, offsetof(struct page_options, show.has_no_pager), 0,
      0, "no", NULL, 0, NULL, "no pager on a terminal", NULL },
};
static const struct option_table table = { specs, ARRAY_LEN(specs) };

/* What was asked about, and what was found of it. */
struct question {
    const struct page_options *o;
    const char *text;
    struct reader *r;
    struct pager *pager;
    struct url url;
    struct span key;
    struct span id; /* SPAN_NONE: never seen */
    struct arena mem;
    struct err_note note;
};

static int failed(struct question *q, enum err e)
{
    return command_fail("show", e, &q->note);
}

/* Says something about the URL on standard error; returns code. */
static int complain(const struct question *q, const char *what, int code)
{
    struct buf shown;

    buf_init(&shown, (size_t)MIB);
    if (log_escape(&shown, q->key) == OK)
        fprintf(stderr, "crawl show: %.*s %s\n", SPAN_ARG(buf_span(&shown)), what);
    buf_clear(&shown);
    return code;
}

/* --- which URL --------------------------------------------------------------------- */

static bool read_as(struct question *q, struct span text)
{
    return url_parse(text, NULL, &q->mem, &q->url) == OK &&
           url_page(&q->url, &q->mem, &q->url) == OK &&
           url_normalize(&q->url, &q->mem, &q->key) == OK;
}

static enum err on_id(void *arg, const struct span *columns,
                      const struct reader_value *values, size_t n)
{
    struct question *q = arg;

    (void)columns;
    (void)n;
    if (values)
        q->id = arena_format(&q->mem, "%lld", (long long)values[0].integer);
    return OK;
}

static enum err look_up(struct question *q)
{
    return reader_query(q->r, span_str(reader_lookups[LOOKUP_ID].sql), &q->key, 1,
                        on_id, q, &q->note);
}

/* As typed; without a scheme under both, as people write addresses. ERR_INVALID: no URL. */
static enum err find(struct question *q)
{
    static const char *const schemes[] = { "https://", "http://" };
    struct span text = span_str(q->text);
    enum err e = ERR_INVALID;

    if (span_find_span(text, SPAN("://")) < text.len)
        return read_as(q, text) ? look_up(q) : ERR_INVALID;
    for (size_t i = 0; i < ARRAY_LEN(schemes) && !q->id.ptr; i++)
        if (read_as(q, arena_format(&q->mem, "%s%s", schemes[i], q->text)))
            e = look_up(q);
    return e;
}

/* --- one that was never seen ---------------------------------------------------------- */

struct nearest {
    struct question *q;
    struct span urls[MAX_NEAREST];
    size_t scores[MAX_NEAREST];
};

/* How much of both is the same at their beginnings and ends. */
static size_t likeness(struct span a, struct span b)
{
    size_t most = MIN(a.len, b.len), front = 0, back = 0;

    while (front < most && a.ptr[front] == b.ptr[front])
        front++;
    while (back < most - front && a.ptr[a.len - 1 - back] == b.ptr[b.len - 1 - back])
        back++;
    return (front + back) * 1000 / MAX(MAX(a.len, b.len), (size_t)1);
}

static enum err on_url(void *arg, const struct span *columns,
                       const struct reader_value *values, size_t n)
{
    struct nearest *near = arg;
    size_t score, at = MAX_NEAREST;

    (void)columns;
    (void)n;
    if (!values)
        return OK;
    score = likeness(near->q->key, values[0].text);
    while (at > 0 && score > near->scores[at - 1])
        at--;
    if (at == MAX_NEAREST)
        return OK;
    for (size_t i = MAX_NEAREST - 1; i > at; i--) {
        near->urls[i] = near->urls[i - 1];
        near->scores[i] = near->scores[i - 1];
    }
    near->scores[at] = score;
    return arena_try_copy(&near->q->mem, values[0].text, &near->urls[at]);
}

static int say_unknown(struct question *q)
{
    struct nearest near = { .q = q };
    struct span host = url_hostname(&q->url);
    struct buf out;
    enum err e;

    complain(q, "is not in the database", 1);
    buf_init(&out, (size_t)MIB);
    e = reader_query(q->r, span_str(reader_lookups[LOOKUP_OF_HOST].sql), &host, 1,
                     on_url, &near, &q->note);
    for (size_t i = 0; !e && i < MAX_NEAREST && near.scores[i]; i++) {
        e = buf_append(&out, i ? SPAN("  ") : SPAN("nearest:\n  "));
        if (!e)
            e = log_escape(&out, near.urls[i]);
        if (!e)
            e = buf_append_byte(&out, '\n');
    }
    if (!e && !out.len)
        e = buf_append(&out, SPAN("nothing of this host is\n"));
    if (e) {
        buf_clear(&out);
        return failed(q, e);
    }
    fprintf(stderr, "%.*s'crawl explain' tells what would become of it\n",
            SPAN_ARG(buf_span(&out)));
    buf_clear(&out);
    return 1;
}

/* --- the stored body ------------------------------------------------------------------- */

enum body_column {
    BODY_URL,
    BODY_CONTENT_TYPE,
    BODY_CODEC,
    BODY_DATA,
    BODY_SIZE,
};

struct stored {
    struct arena *mem;
    struct unpacker_page page;
    bool is_there;
};

static enum err on_body(void *arg, const struct span *columns,
                        const struct reader_value *row, size_t n)
{
    struct stored *s = arg;
    enum err e;

    (void)columns;
    (void)n;
    if (!row)
        return OK;
    s->is_there = true;
    s->page.size = row[BODY_SIZE].integer;
    e = arena_try_copy(s->mem, row[BODY_URL].text, &s->page.url);
    if (!e)
        e = arena_try_copy(s->mem, row[BODY_CONTENT_TYPE].text, &s->page.content_type);
    if (!e)
        e = arena_try_copy(s->mem, row[BODY_CODEC].text, &s->page.codec);
    return e ? e : arena_try_copy(s->mem, row[BODY_DATA].text, &s->page.data);
}

/* May a terminal have these bytes as they are? */
static bool is_harmless(struct span bytes)
{
    struct span s = bytes;
    uint32_t c;

    if (!span_is_utf8(bytes))
        return false;
    while (s.len) {
        s = span_skip(s, utf8_decode(s, &c));
        if ((c < ' ' && c != '\n' && c != '\t' && c != '\r') || (c >= 0x7f && c < 0xa0))
            return false;
    }
    return true;
}

static enum err on_asked(void *arg, const struct span *columns,
                         const struct reader_value *values, size_t n)
{
    bool *was_asked = arg;

    (void)columns;
    (void)n;
    *was_asked |= values != NULL;
    return OK;
}

/* What never went out has neither headers nor a body. */
static enum err was_asked_for(struct question *q, bool *out)
{
    *out = false;
    return reader_query(q->r, span_str(reader_lookups[LOOKUP_HEADERS].sql), &q->id, 1,
                        on_asked, out, &q->note);
}

static int say_no_body(struct question *q)
{
    bool was_asked;
    enum err e = was_asked_for(q, &was_asked);

    if (e)
        return failed(q, e);
    return complain(q, was_asked ? "has no stored body (--store-bodies)" : NEVER_ASKED, 1);
}

static int print_bytes(struct question *q, struct span bytes)
{
    enum err e;

    if (pager_terminal(q->pager)->is_terminal && !is_harmless(bytes))
        return complain(
            q,
            "has a body that is no text or would confuse this terminal; send"
            " it into a file or program",
            2);
    e = pager_write(q->pager, bytes);
    if (!e && q->o->wants_text && bytes.len)
        e = pager_write(q->pager, SPAN("\n"));
    return e ? failed(q, e) : 0;
}

/* Of text something must be left; a body has the size that was stored with it. */
static bool is_damaged(const struct answer *a, bool is_text, int64_t size)
{
    return is_text ? a->decode && !a->bytes.len
                   : a->decode || (int64_t)a->bytes.len != size;
}

static int print_unpacked(struct question *q, const struct unpacker_page *page,
                          struct unpacker *u)
{
    bool is_text = q->o->wants_text;
    struct pool_job *job = NULL;
    struct span why;
    int code = 3;
    enum err e = is_text ? unpacker_text(u, page, MAX_TEXT, &job)
                         : unpacker_unpack(u, page->data, page->size, &job);

    if (e)
        return failed(q, e);
    if (pool_job_failure(job, &why)) {
        err_set(&q->note, ERR_CORRUPT, "the stored body cannot be read: %.*s",
                SPAN_ARG(why));
        code = failed(q, ERR_CORRUPT);
    } else if (is_damaged(pool_job_answer(job), is_text, page->size)) {
        code = complain(q, "has a stored body that is damaged", 3);
    } else {
        code = print_bytes(q, pool_job_answer(job)->bytes);
    }
    pool_job_free(job);
    return code;
}

static int print_body(struct question *q)
{
    struct stored s = { .mem = &q->mem };
    struct unpacker u = { .reader = q->r };
    struct span dictionary;
    uint32_t id;
    enum err e = reader_query(q->r, span_str(reader_lookups[LOOKUP_BODY].sql), &q->id,
                              1, on_body, &s, &q->note);
    int code;

    if (e)
        return failed(q, e);
    if (!s.is_there)
        return say_no_body(q);
    e = reader_dictionary(q->r, s.page.data, &id, &dictionary, &q->note);
    if (e) /* the note names it */
        return failed(q, e);
    e = unpacker_open(&u, &q->note);
    code = e ? failed(q, e) : print_unpacked(q, &s.page, &u);
    unpacker_close(&u);
    return code;
}

/* --- headers ------------------------------------------------------------------------------- */

static enum err put_lines(struct buf *out, struct span lines)
{
    struct span line;
    enum err e = OK;

    while (!e && span_split(&lines, '\n', &line)) {
        e = log_escape(out, line);
        if (!e)
            e = buf_append_byte(out, '\n');
    }
    return e;
}

static enum err on_headers(void *arg, const struct span *columns,
                           const struct reader_value *row, size_t n)
{
    struct question *q = arg;
    const struct terminal *t = pager_terminal(q->pager);
    struct buf out;
    enum err e;

    (void)columns;
    (void)n;
    if (!row)
        return OK;
    buf_init(&out, MAX_MEMORY);
    e = terminal_put(&out, t, STYLE_BOLD, SPAN("request"));
    if (!e)
        e = buf_append_byte(&out, '\n');
    if (!e)
        e = put_lines(&out, row[2].text);
    if (!e)
        e = buf_append_byte(&out, '\n');
    if (!e)
        e = terminal_put(&out, t, STYLE_BOLD,
                         row[1].type == READER_INTEGER ? SPAN("answer")
                                                       : SPAN("no answer"));
    if (!e && row[1].type == READER_INTEGER)
        e = buf_printf(&out, " HTTP/");
    if (!e && row[1].type == READER_INTEGER)
        e = log_escape(&out, row[0].text);
    if (!e && row[1].type == READER_INTEGER)
        e = buf_printf(&out, " %lld", (long long)row[1].integer);
    if (!e)
        e = buf_append_byte(&out, '\n');
    if (!e)
        e = put_lines(&out, row[3].text);
    if (!e)
        e = pager_write(q->pager, buf_span(&out));
    buf_clear(&out);
    return e;
}

static int print_headers(struct question *q)
{
    bool was_asked;
    enum err e = was_asked_for(q, &was_asked);

    if (!e && !was_asked)
        return complain(q, NEVER_ASKED, 1);
    if (!e)
        e = reader_query(q->r, span_str(reader_lookups[LOOKUP_HEADERS].sql), &q->id, 1,
                         on_headers, q, &q->note);
    return e ? failed(q, e) : 0;
}

/* --- the command ------------------------------------------------------------------------------ */

static int print_dossier(struct question *q)
{
    enum err e = dossier_print(q->r, q->id, &q->o->dossier, q->pager, &q->note);

    return e ? failed(q, e) : 0;
}

static int print(struct question *q)
{
    struct reader_param id = { SPAN_NONE, q->id };

    if (q->o->wants_body || q->o->wants_text)
        return print_body(q);
    if (q->o->wants_headers)
        return print_headers(q);
    if (q->o->wants_links)
        return show_asked("show", q->r, &q->o->show,
                          span_str(reader_lookups[LOOKUP_LINKS].sql), &id, 1);
    return print_dossier(q);
}

static int show(const struct page_options *o, const char *text)
{
    struct question q = { .o = o, .text = text, .id = SPAN_NONE };
    int code = 3;
    enum err e = OK;

    if (o->wants_body || o->wants_text) /* before the database is open */
        e = pool_start_zygote(&q.note);
    if (e)
        return failed(&q, e);
    arena_init(&q.mem, (size_t)2 * GIB);
    q.pager = pager_open(STDOUT_FILENO, !o->show.has_no_pager && !o->dossier.is_json);
    q.r = show_open("show", &o->show, &code);
    if (q.r) {
        e = find(&q);
        if (e == ERR_INVALID)
            code = fprintf(stderr, "crawl show: '%s' is no URL\n", text) < 0 ? 3 : 2;
        else if (e)
            code = failed(&q, e);
        else
            code = q.id.ptr ? print(&q) : say_unknown(&q);
    }
    e = pager_close(q.pager);
    if (e && !code)
        code = failed(&q, e);
    reader_close(q.r);
    arena_clear(&q.mem);
    return code;
}

static int run(const struct command *self, int argc, char **argv)
{
    struct page_options o = { .show.db = NULL };
    char **operands;
    int code;
    size_t n;

    if (!command_parse(self, &o, argc, argv, &operands, &n, &code))
        return code;
    signal(SIGPIPE, SIG_IGN);
    if (n != 1 || o.wants_body + o.wants_text + o.wants_headers + o.wants_links +
                          o.dossier.is_json >
                      1) {
        fprintf(stderr, n != 1 ? "crawl show: name one URL\n"
                               : "crawl show: one of --body, --text, --headers, --links"
                                 " and --json at a time\n");
        code = 2;
    } else {
        code = show(&o, operands[0]);
    }
    mem_free(operands);
    options_clear(&table, &o);
    return code;
}

const struct command cmd_show = {
    .name = "show",
    .usage = "show [OPTIONS] URL",
    .summary =
        "everything known about a page: facts, fetches, links, text, stored body",
    .description =
        "Shows what the database knows about a URL, however it is spelt: its state and content, the latest\n"
        "request in numbers, the fetches before it, redirects, pages with the same content, links out and\n"
        "in. crawl explain tells why it was or was not fetched.\n"
        "\n"
        "  crawl show https://example.org/\n"
        "  crawl show --text example.org/about | wc -w\n"
        "  crawl show --body https://example.org/logo.svg > logo.svg\n"
        "  crawl show --links -f csv https://example.org/\n"
        "\n"
        "--body gives the decoded body exactly as it was stored; what is no text does not go to a terminal.\n"
        "Exit code 0 shown, 1 the URL is not in the database (standard error names the nearest known URLs),\n"
        "was never asked for or has no stored body, 2 no URL, or a body that a terminal must not have, 3\n"
        "file or database.\n",
    .options = &table,
    .exec = run,
};
