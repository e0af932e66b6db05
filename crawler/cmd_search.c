/* SPDX-License-Identifier: MIT */
#include <errno.h>
#include <signal.h>

#include "config/log.h"
#include "config/mem.h"
#include "crawler/cell.h"
#include "crawler/command.h"
#include "crawler/excerpt.h"
#include "crawler/pager.h"
#include "crawler/show.h"
#include "crawler/unpacker.h"
#include "crawler/width.h"
#include "parse/utf8.h"
#include "store/search.h"

#define MAX_ANSWER      ((size_t)1 * GIB)
#define MAX_TEXT        ((size_t)1 * MIB) /* of a page, in which words are looked for */
#define MAX_OUTPUT      ((size_t)64 * MIB)
#define EXCERPT_COLUMNS 200 /* where no terminal says otherwise */
#define MARGIN          5   /* columns before the text of a hit */

struct search_options {
    char *db;
    char *host;
    int64_t limit;
    bool is_json, has_no_pager;
};

static const struct option_spec specs[] = {
    { "db", 'o', OPTION_TEXT, offsetof(struct search_options, db), 0, 0, "crawl.db",
      NULL, 0, "FILE", "the database", "Options" },
    { "host", 0, OPTION_TEXT, offsetof(struct search_options, host), 1, 0, NULL, NULL,
      0, "NAME[:PORT]", "only pages of this host", NULL },
    { "limit", 'l', OPTION_COUNT, offsetof(struct search_options, limit), 1, 1000, "10",
      NULL, 0, "N", "show the best N pages", NULL },
    { "json", 0, OPTION_FLAG, offsetof(struct search_options, is_json), 0, 0, "no",
      NULL, 0, NULL, "a JSON object a page, one a line", NULL },
    { "no-pager", 0, OPTION_FLAG, offsetof(struct search_options, has_no_pager), 0, 0,
      "no", NULL, 0, NULL, "no pager on a terminal", NULL },
};
static const struct option_table table = { specs, ARRAY_LEN(specs) };

struct search {
    const struct search_options *o;
    struct pager *pager;
    struct unpacker unpacker;
    bool can_unpack; /* else a page's description stands in for its text */
    struct search_answer answer;
    struct arena mem; /* of the answer */
    struct buf out;
};

/* --- excerpts ------------------------------------------------------------------------ */

/* The page's text into mem; SPAN_NONE where it cannot be had. */
static struct span text_of(struct search *s, const struct search_hit *hit,
                           struct arena *mem)
{
    struct unpacker_page page = { hit->url, hit->content_type, hit->codec, hit->data,
                                  hit->size };
    struct pool_job *job = NULL;
    struct span why, text = SPAN_NONE;

    if (!s->can_unpack || !hit->data.len ||
        unpacker_text(&s->unpacker, &page, MAX_TEXT, &job))
        return SPAN_NONE;
    if (pool_job_failure(job, &why) == POOL_OK &&
        arena_try_copy(mem, pool_job_answer(job)->bytes, &text))
        text = SPAN_NONE;
    pool_job_free(job);
    return text;
}

/* From the text; where no word stands there, the description says more about the page. */
static enum err choose(struct search *s, const struct search_hit *hit, int columns,
                       struct arena *mem, struct excerpt *out)
{
    const struct match *match = &s->answer.match;
    struct span text = text_of(s, hit, mem);
    enum err e = excerpt_make(s->answer.words, match, text, columns, mem, out);

    if (!e && !out->n_marks && hit->description.len)
        e = excerpt_make(s->answer.words, match, hit->description, columns, mem, out);
    return e;
}

/* --- for people ------------------------------------------------------------------------ */

static enum err put_marked(struct search *s, const struct excerpt *x)
{
    const struct terminal *t = pager_terminal(s->pager);
    size_t at = 0;
    enum err e = OK;

    for (size_t i = 0; !e && i < x->n_marks; i++) {
        struct buf marked;

        buf_init(&marked, MAX_OUTPUT);
        e = log_escape(&s->out, span_slice(x->text, at, x->marks[i].from));
        if (!e)
            e = log_escape(&marked,
                           span_slice(x->text, x->marks[i].from, x->marks[i].to));
        if (!e)
            e = terminal_put(&s->out, t, STYLE_BOLD, buf_span(&marked));
        buf_clear(&marked);
        at = x->marks[i].to;
    }
    return e ? e : log_escape(&s->out, span_skip(x->text, at));
}

/* Where a line of at most columns ends: at a blank, if there is one. */
static size_t line_end(struct span text, int columns)
{
    size_t most = width_prefix(text, columns), end = most;

    if (most == text.len)
        return most;
    while (end > 0 && text.ptr[end] != ' ')
        end--;
    return end ? end : most;
}

static struct excerpt part_of(const struct excerpt *x, size_t from, size_t to,
                              struct arena *mem)
{
    struct excerpt part = { .text = span_slice(x->text, from, to) };

    part.marks = arena_alloc(mem, (x->n_marks + 1) * sizeof *part.marks);
    for (size_t i = 0; i < x->n_marks; i++) {
        size_t first = MAX(x->marks[i].from, from), end = MIN(x->marks[i].to, to);

        if (first < end)
            part.marks[part.n_marks++] =
                (struct excerpt_mark){ first - from, end - from };
    }
    return part;
}

/* The excerpt in lines of the terminal's width. */
static enum err put_lines(struct search *s, const struct excerpt *x, struct arena *mem)
{
    int columns = pager_terminal(s->pager)->columns - MARGIN - 4;
    bool is_terminal = pager_terminal(s->pager)->is_terminal;
    enum err e = OK;

    for (size_t at = 0; !e && at < x->text.len;) {
        struct span rest = span_skip(x->text, at);
        size_t end = at + (is_terminal ? line_end(rest, columns) : rest.len);
        struct excerpt part = part_of(x, at, end, mem);

        e = buf_printf(&s->out, "%*s%s", MARGIN, "",
                       !at && x->is_cut_before ? "… " : "");
        if (!e)
            e = put_marked(s, &part);
        at = end;
        while (at < x->text.len && x->text.ptr[at] == ' ')
            at++;
        if (!e)
            e = buf_append(&s->out, at == x->text.len && x->is_cut_after ? SPAN(" …\n")
                                                                         : SPAN("\n"));
    }
    return e;
}

static enum err put_url(struct search *s, const struct search_hit *hit)
{
    struct buf url;
    enum err e;

    buf_init(&url, MAX_OUTPUT);
    e = log_escape(&url, hit->url);
    if (!e)
        e = buf_printf(&s->out, "%*s", MARGIN, "");
    if (!e)
        e = terminal_put(&s->out, pager_terminal(s->pager), STYLE_DIM, buf_span(&url));
    buf_clear(&url);
    return e ? e : buf_append_byte(&s->out, '\n');
}

static enum err put_hit(struct search *s, size_t i, struct arena *mem)
{
    const struct search_hit *hit = &s->answer.hits[i];
    const struct terminal *t = pager_terminal(s->pager);
    int columns =
        t->is_terminal ? MIN(2 * (t->columns - MARGIN - 6), 300) : EXCERPT_COLUMNS;
    struct span title = hit->title.len ? hit->title : SPAN("(no title)");
    struct excerpt x;
    enum err e = excerpt_make(s->answer.words, &s->answer.match, title,
                              t->is_terminal ? t->columns - MARGIN - 4 : 0, mem, &x);

    if (!e)
        e = buf_printf(&s->out, "%s%*zu. %s", i ? "\n" : "", MARGIN - 2, i + 1, x.is_cut_before ? "… " : "");
    if (!e)
        e = put_marked(s, &x);
    if (!e && x.is_cut_after)
        e = buf_append(&s->out, SPAN(" …"));
    if (!e)
        e = buf_append_byte(&s->out, '\n');
    if (!e)
        e = put_url(s, hit);
    if (!e)
        e = choose(s, hit, columns, mem, &x);
    return e ? e : put_lines(s, &x, mem);
}

static enum err put_count(struct search *s)
{
    const struct search_answer *a = &s->answer;
    struct buf line;
    enum err e;

    buf_init(&line, 1024);
    if (a->n_found > SEARCH_RANKED)
        e = buf_printf(&line,
                       "%zu of more than %d pages; those with the words in the title"
                       " come first",
                       a->n_hits, SEARCH_RANKED);
    else
        e = buf_printf(&line, "%zu of %lld page%s", a->n_hits, (long long)a->n_found,
                       a->n_found == 1 ? "" : "s");
    if (!e)
        e = buf_append_byte(&s->out, '\n');
    if (!e)
        e = terminal_put(&s->out, pager_terminal(s->pager), STYLE_DIM, buf_span(&line));
    buf_clear(&line);
    return e ? e : buf_append_byte(&s->out, '\n');
}

/* --- for programs ------------------------------------------------------------------------- */

static size_t count_characters(struct span s)
{
    size_t n = 0;
    uint32_t c;

    for (; s.len; n++)
        s = span_skip(s, utf8_decode(s, &c));
    return n;
}

static enum err put_member(struct buf *out, const char *name, struct span text)
{
    enum err e = buf_printf(out, ",\"%s\":", name);

    if (e || !text.len)
        return e ? e : buf_append(out, SPAN("null"));
    return cell_put_json_text(out, text);
}

/* [[from, to], ...] in characters of the excerpt. */
static enum err put_json_marks(struct buf *out, const struct excerpt *x)
{
    enum err e = buf_append(out, SPAN(",\"marks\":["));

    for (size_t i = 0; !e && i < x->n_marks; i++)
        e = buf_printf(out, "%s[%zu,%zu]", i ? "," : "",
                       count_characters(span_slice(x->text, 0, x->marks[i].from)),
                       count_characters(span_slice(x->text, 0, x->marks[i].to)));
    return e ? e : buf_append_byte(out, ']');
}

static enum err put_json(struct search *s, size_t i, struct arena *mem)
{
    const struct search_hit *hit = &s->answer.hits[i];
    struct excerpt x;
    enum err e = choose(s, hit, EXCERPT_COLUMNS, mem, &x);

    if (!e)
        e = buf_printf(&s->out, "{\"rank\":%zu,\"score\":%.4f", i + 1, hit->score);
    if (!e)
        e = put_member(&s->out, "url", hit->url);
    if (!e)
        e = put_member(&s->out, "title", hit->title);
    if (!e)
        e = put_member(&s->out, "description", hit->description);
    if (!e)
        e = put_member(&s->out, "lang", hit->lang);
    if (!e)
        e = put_member(&s->out, "fetched_at", hit->fetched_at);
    if (!e)
        e = put_member(&s->out, "excerpt", x.text);
    if (!e)
        e = put_json_marks(&s->out, &x);
    return e ? e : buf_append(&s->out, SPAN("}\n"));
}

/* --- the command ------------------------------------------------------------------------------ */

static enum err print(struct search *s)
{
    bool has_any = s->answer.n_hits > 0;
    enum err e = OK;

    for (size_t i = 0; !e && i < s->answer.n_hits; i++) {
        struct arena mem;

        arena_init(&mem, (size_t)256 * MIB);
        e = s->o->is_json ? put_json(s, i, &mem) : put_hit(s, i, &mem);
        arena_clear(&mem);
        if (!e)
            e = pager_write(s->pager, buf_span(&s->out));
        buf_reset(&s->out);
    }
    if (!e && has_any && !s->o->is_json)
        e = put_count(s);
    return e ? e : pager_write(s->pager, buf_span(&s->out));
}

/* "crawl search: ...", and the query with a mark under the place. */
static void point_at(struct span query, size_t at, const struct err_note *note)
{
    struct buf shown, before;

    fprintf(stderr, "crawl search: %s\n", note->text);
    buf_init(&shown, MAX_OUTPUT);
    buf_init(&before, MAX_OUTPUT);
    if (log_escape(&shown, query) == OK &&
        log_escape(&before, span_slice(query, 0, at)) == OK)
        fprintf(stderr, "  %.*s\n  %*s^\n", SPAN_ARG(buf_span(&shown)),
                width_of(buf_span(&before)), "");
    buf_clear(&shown);
    buf_clear(&before);
}

static int ask(struct search *s, struct reader *r, struct span query)
{
    struct search_question q = { .query = query,
                                 .host = span_str(s->o->host),
                                 .limit = (size_t)s->o->limit };
    struct err_note note = { "" };
    enum err e = search_ask(r, &q, &s->mem, &s->answer, &note);

    if (e == ERR_USAGE && s->answer.match.wrong_at <= query.len) {
        point_at(query, s->answer.match.wrong_at, &note);
        return 2;
    }
    if (!e && !s->answer.n_hits) {
        if (!s->o->is_json)
            fprintf(stderr, "crawl search: no page has that\n");
        return 1;
    }
    if (!e)
        e = print(s);
    return e ? command_fail("search", e, &note) : 0;
}

/* The processes are started before the database is opened (crawler/pool.h). */
static void open_unpacker(struct search *s)
{
    struct err_note note = { "" };

    s->can_unpack =
        pool_start_zygote(&note) == OK && unpacker_open(&s->unpacker, &note) == OK;
    if (!s->can_unpack)
        fprintf(stderr, "crawl search: descriptions instead of excerpts: %s\n",
                note.text);
}

static int search(const struct search_options *o, struct span query)
{
    struct show_options show = { .db = o->db };
    struct search s = { .o = o };
    const struct err_note note = { "" };
    struct reader *r;
    int code = 3;
    enum err e;

    arena_init(&s.mem, MAX_ANSWER);
    buf_init(&s.out, MAX_OUTPUT);
    open_unpacker(&s);
    r = show_open("search", &show, &code);
    s.unpacker.reader = r;
    if (r) {
        s.pager = pager_open(1, !o->has_no_pager && !o->is_json);
        code = ask(&s, r, query);
        e = pager_close(s.pager);
        if (e && !code)
            code = command_fail("search", e, &note);
        search_close(&s.answer);
    }
    reader_close(r);
    unpacker_close(&s.unpacker);
    buf_clear(&s.out);
    arena_clear(&s.mem);
    return code;
}

/* The words as one query, as a shell took them apart. */
static struct span join(char **words, size_t n, struct buf *out)
{
    enum err e = OK;

    buf_init(out, (size_t)MIB);
    for (size_t i = 0; !e && i < n; i++) {
        if (i)
            e = buf_append_byte(out, ' ');
        if (!e)
            e = buf_append(out, span_str(words[i]));
    }
    return e ? SPAN_NONE : buf_span(out);
}

static int run(const struct command *self, int argc, char **argv)
{
    struct search_options o = { 0 };
    struct buf query;
    char **operands;
    int code;
    size_t n;

    if (!command_parse(self, &o, argc, argv, &operands, &n, &code))
        return code;
    signal(SIGPIPE, SIG_IGN);
    if (n == 0) {
        fprintf(stderr,
                "crawl search: name the words to look for; 'crawl search --help'"
                " shows what else a query may say\n");
        code = 2;
    } else {
        code = search(&o, join(operands, n, &query));
        buf_clear(&query);
    }
    mem_free(operands);
    options_clear(&table, &o);
    return code;
}

const struct command cmd_search = {
    .name = "search",
    .usage = "search [OPTIONS] WORDS...",
    .summary = "find pages by their words: full text, best first, with excerpts",
    .description =
        "Finds the pages that have all WORDS in their title, description or text, best first: rare words\n"
        "count more, the title ten times as much as the text, the description four times. Only what a page\n"
        "said when it was last fetched; pages that forbid indexing are not in it. Case and accents do not\n"
        "matter. Chinese, Japanese and Thai are found by any part of two characters and more.\n"
        "\n"
        "A query may say more (in quotes, for the shell):\n"
        "\n"
        "  '\"event loop\"'         these words side by side\n"
        "  'corout*'              words that begin so\n"
        "  'curl OR wget'         either; AND and NOT work alike, ( ) groups\n"
        "  'curl -wget'           without those that have wget (\"-o\" in quotes is a word)\n"
        "  'title:install linux'  a word in the title; also description: and text:\n"
        "\n"
        "Excerpts come from the stored bodies (--store-bodies); without one the description is shown.\n"
        "Exit code 0 with hits, 1 without, 2 for a query that cannot be read.\n",
    .options = &table,
    .exec = run,
};
