/* SPDX-License-Identifier: MIT */
#include "crawler/seeds.h"

#include <unistd.h>

#include "config/io.h"
#include "config/log.h"
#include "config/mem.h"
#include "crawler/command.h"
#include "crawler/scope.h"

#define MAX_FILE       ((size_t)1 * GIB)
#define MAX_MEMORY     ((size_t)3 * GIB)
#define MAX_SHOWN      200 /* bytes of a bad line that are shown */
#define MAX_COMPLAINTS 20

static void add_seed(struct seeds *s, const struct seed *seed)
{
    if (s->len == s->cap) {
        size_t cap = s->cap ? s->cap * 2 : 64;
        struct seed *grown = mem_array(cap, sizeof *grown);

        for (size_t i = 0; i < s->len; i++)
            grown[i] = s->items[i];
        mem_free(s->items);
        s->items = grown;
        s->cap = cap;
    }
    s->items[s->len++] = *seed;
}

static void complain(struct seeds *s, struct span text, struct span source, int line,
                     const char *why)
{
    struct buf shown;
    char place[16] = "";

    if (++s->n_bad > MAX_COMPLAINTS || !io_can_write(STDERR_FILENO, 0))
        return;
    buf_init(&shown, (size_t)8 * MAX_SHOWN);
    if (line)
        snprintf(place, sizeof place, ":%d", line);
    if (log_escape(&shown, span_clip_utf8(text, MAX_SHOWN)) == OK)
        fprintf(stderr, "crawl: %.*s%s: %s, skipped: %.*s%s\n", SPAN_ARG(source), place,
                why, SPAN_ARG(buf_span(&shown)), text.len > MAX_SHOWN ? "..." : "");
    buf_clear(&shown);
}

static const char *parse_seed(struct seeds *s, struct span text, struct url *out)
{
    if (text.len > SCOPE_MAX_URL)
        return "longer than 8192 bytes";
    if (url_parse(text, NULL, &s->mem, out) || url_page(out, &s->mem, out))
        return span_find_span(text, SPAN("://")) == text.len
                   ? "no URL (does it begin with https://?)"
                   : "no valid URL";
    return url_is_web(out) ? NULL : "neither http nor https";
}

/* Takes the next line: ended by LF, CRLF or a lone CR. */
static bool next_line(struct span *text, struct span *out)
{
    size_t end = 0;

    if (!text->len)
        return false;
    while (end < text->len && text->ptr[end] != '\n' && text->ptr[end] != '\r')
        end++;
    *out = span_slice(*text, 0, end);
    *text = span_skip(*text,
                      end + (span_starts(span_skip(*text, end), SPAN("\r\n")) ? 2 : 1));
    return true;
}

static void read_lines(struct seeds *s, struct span text, struct span source)
{
    struct span line;

    if (span_starts(text, SPAN("\xef\xbb\xbf")))
        text = span_skip(text, 3);
    for (int number = 1; next_line(&text, &line); number++) {
        struct seed seed = { .source = source, .line = number };
        const char *why;

        line = span_trim(line);
        if (!line.len || line.ptr[0] == '#')
            continue;
        why = parse_seed(s, line, &seed.url);
        if (why)
            complain(s, line, source, number, why);
        else
            add_seed(s, &seed);
    }
}

/* The command that somebody may have meant, or NULL. */
static const char *near_command(const char *word)
{
    const char *names[64];
    size_t n = 0;

    for (; n < ARRAY_LEN(names) && command_list[n]; n++)
        names[n] = command_list[n]->name;
    return strpbrk(word, "./") ? NULL : options_nearest(span_str(word), names, n);
}

static enum err read_file(struct seeds *s, const char *path, struct err_note *note)
{
    struct buf text;
    enum err e;

    buf_init(&text, MAX_FILE);
    e = io_read_file(path, &text, note);
    if (e == ERR_NOT_FOUND && near_command(path))
        e = err_set(note, ERR_USAGE,
                    "there is no file %s, and no such command; did you mean 'crawl %s'?",
                    path, near_command(path));
    else if (e == ERR_NOT_FOUND && !strpbrk(path, "./"))
        e = err_set(note, ERR_USAGE, "there is no file %s, and no such command; 'crawl --help' lists them", path);
    else if (e == ERR_NOT_FOUND)
        e = err_set(note, ERR_USAGE,
                    "there is no file %s (a URL begins with https:// or http://)",
                    path);
    else if (e)
        e = ERR_USAGE;
    else
        read_lines(s, buf_span(&text), arena_copy(&s->mem, span_str(path)));
    buf_clear(&text);
    return e;
}

static enum err read_operand(struct seeds *s, const char *operand,
                             struct err_note *note)
{
    struct seed seed = { .source = SPAN("command line") };
    const char *why;

    if (!strstr(operand, "://"))
        return read_file(s, operand, note);
    why = parse_seed(s, span_str(operand), &seed.url);
    if (why)
        complain(s, span_str(operand), seed.source, 0, why);
    else
        add_seed(s, &seed);
    return OK;
}

enum err seeds_read(char **operands, size_t n, struct seeds *out, struct err_note *note)
{
    struct seeds s = { 0 };
    enum err e = OK;

    arena_init(&s.mem, MAX_MEMORY);
    for (size_t i = 0; !e && i < n; i++)
        e = read_operand(&s, operands[i], note);
    if (!e && s.n_bad > MAX_COMPLAINTS && io_can_write(STDERR_FILENO, 0))
        fprintf(stderr, "crawl: %lld more bad lines were skipped\n",
                (long long)(s.n_bad - MAX_COMPLAINTS));
    if (!e && n && !s.len)
        e = err_set(note, ERR_USAGE, "no usable URL in %s%s", operands[0],
                    n > 1 ? " and the other seeds" : "");
    if (e) {
        seeds_clear(&s);
        return e;
    }
    *out = s;
    return OK;
}

void seeds_clear(struct seeds *s)
{
    mem_free(s->items);
    arena_clear(&s->mem);
    *s = (struct seeds){ 0 };
}
