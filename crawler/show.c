/* SPDX-License-Identifier: MIT */
#include "crawler/show.h"

#include <errno.h>
#include <unistd.h>

#include "config/io.h"
#include "config/log.h"
#include "crawler/command.h"

#define MAX_COLUMNS 200

/* Rows on their way from the reader to the output. */
struct sink {
    struct output *out;
    struct pager *pager; /* or NULL: straight to standard output */
    enum output_format format;
    const char
        *title; /* printed before the first row; no rows, no title and no header */
};

static enum err print_title(const char *title)
{
    struct terminal terminal = terminal_of(STDOUT_FILENO);
    struct buf out;
    enum err e;

    buf_init(&out, (size_t)64 * KIB);
    e = buf_append_byte(&out, '\n');
    if (!e)
        e = terminal_put(&out, &terminal, STYLE_BOLD, span_str(title));
    if (!e)
        e = buf_append_byte(&out, '\n');
    if (!e)
        e = io_write_all(STDOUT_FILENO, buf_span(&out));
    buf_clear(&out);
    return e;
}

static enum err on_row(void *arg, const struct span *columns,
                       const struct reader_value *values, size_t n)
{
    static const enum output_type types[] = { OUTPUT_NULL, OUTPUT_INTEGER, OUTPUT_REAL,
                                              OUTPUT_TEXT, OUTPUT_BLOB };
    struct output_value cells[MAX_COLUMNS];
    struct sink *s = arg;

    if (!s->out)
        s->out = s->pager ? output_new_paged(s->format, s->pager, columns, n)
                          : output_new(s->format, STDOUT_FILENO, columns, n);
    if (s->title)
        output_set_countless(s->out);
    if (!values)
        return OK;
    if (s->title && !output_count(s->out) && print_title(s->title))
        return ERR_IO;
    for (size_t i = 0; i < n; i++)
        cells[i] = (struct output_value){ types[values[i].type], values[i].integer,
                                          values[i].real, values[i].text };
    return output_row(s->out, cells);
}

static int finish(const char *command, struct sink *s, enum err e,
                  const struct err_note *note)
{
    int code;

    if (!e && s->out && (!s->title || output_count(s->out)))
        e = output_finish(s->out);
    output_free(s->out);
    if (!e)
        return 0;
    code = command_fail(command, e, note);
    return e == ERR_USAGE ? 2 : code;
}

struct reader *show_open(const char *command, const struct show_options *o,
                         int *exit_code)
{
    struct reader *r;
    struct err_note note;

    if (reader_open(o->db, &r, &note)) {
        fprintf(stderr, "crawl %s: %s\n", command, note.text);
        *exit_code = 3;
        return NULL;
    }
    return r;
}

struct reader *show_open_alone(const char *command, const struct show_options *o,
                               char **operands, size_t n, int *exit_code)
{
    struct buf shown;

    if (!n)
        return show_open(command, o, exit_code);
    buf_init(&shown, (size_t)MIB);
    if (log_escape(&shown, span_clip_utf8(span_str(operands[0]), 200)))
        buf_reset(&shown);
    fprintf(stderr, "crawl %s: what is '%.*s'? -o FILE names the database\n", command,
            SPAN_ARG(buf_span(&shown)));
    buf_clear(&shown);
    *exit_code = 2;
    return NULL;
}

int show_asked(const char *command, struct reader *r, const struct show_options *o,
               struct span sql, const struct reader_param *params, size_t n)
{
    struct sink s = { .format = (enum output_format)o->format,
                      .pager = pager_open(STDOUT_FILENO, !o->has_no_pager) };
    struct err_note note = { "" };
    enum err e;
    int code;

    errno = 0;
    e = reader_ask(r, sql, params, n, on_row, &s, &note);
    code = finish(command, &s, e, &note);
    e = pager_close(s.pager);
    return e && !code ? command_fail(command, e, &note) : code;
}

int show_section(const char *command, struct reader *r, const char *title,
                 struct span sql, struct span param)
{
    struct sink s = { .format = OUTPUT_TABLE, .title = title };
    struct err_note note = { "" };
    enum err e;

    errno = 0;
    e = reader_query(r, sql, &param, param.ptr ? 1 : 0, on_row, &s, &note);
    return finish(command, &s, e, &note);
}
