/* SPDX-License-Identifier: MIT */
#include "crawler/manual_conf.h"

#include "config/settings.h"
#include "config/settings_file.h"
#include "crawler/roff.h"

static const char SYNOPSIS[] = ".IR ./crawl.conf ,\nor the file that\n.B \\-\\-config\n"
                               "or CRAWL_CONFIG names\n";

static const char DESCRIPTION[] =
    "Lines of the form\n.EX\n\n    key = value\n\n.EE\n"
    "where a key is the name of an option of\n.BR crawl (1)\nwithout its hyphens in front.\n"
    "A value is the rest of its line without white space around it: no quotes,\n"
    "no escapes, no comment behind it.\n"
    "Blank lines and lines that begin with # or ; say nothing.\n"
    "A key that does not exist, or a value that cannot be, ends the program\n"
    "with exit code 2 before anything is fetched, naming the line.\n"
    ".PP\nThe command line wins over the environment (CRAWL_MAX_PAGES=5 sets\n"
    "max\\-pages), the environment over the file, the file over the defaults.\n"
    "Keys that may stand more than once add up, the file\\(aqs first.\n"
    ".PP\nA duration has a unit: 500ms, 2s, 5m, 1h, 7d.\n"
    "A size may have one: 64K, 10M, 1G are powers of 1024.\n";

static const char HOSTS[] =
    "A line\n.EX\n\n    [host \"PATTERN\"]\n\n.EE\n"
    "begins what differs for the hosts whose name matches; * stands for any run\n"
    "of characters, and letters match in either case.\n"
    "Where more than one section matches, the last one in the file counts,\n"
    "alone.\n"
    "Such sections stand below the keys for all hosts, and know these keys:\n";

static const char EXTRACTS[] =
    "A line\n.EX\n\n    [extract \"NAME\"]\n\n.EE\n"
    "begins what to pick out of pages; NAME is made of a\\-z, 0\\-9 and _.\n"
    "The values come as JSON into pages.facts, under extract and NAME, and the\n"
    "view extract_NAME has a column for each.\n"
    ".TP\n\\fBurl\\fR = \\fIREGEX\\fR\n"
    "the pages: those whose URL matches (PCRE2), decided within some milliseconds.\nMust stand once.\n"
    ".TP\n\\fIname\\fR = [\\fITYPE\\fR] \\fIXPATH\\fR\n"
    "a value: what the XPath 1.0 expression finds, as string (the default: text of\n"
    "the first node), list (texts of all), number, date (RFC 3339) or html.\n"
    "Try one with\n.BR crawl\\-extract (1).\n";

static const char EXAMPLE[] =
    "# Every night; ends before the day begins and goes on the next night.\n"
    "contact = https://example.org/bot\n"
    "max-time = 5h\n"
    "depth = 8\n"
    "exclude = \\.(zip|iso)$\n"
    "exclude = /calendar/\n"
    "keep-history = 10\n"
    "log = crawl.log\n"
    "\n"
    "[host \"*.example.org\"]\n"
    "delay = 0\n"
    "per-host = 4\n"
    "header = X-Team: search\n"
    "\n"
    "[extract \"product\"]\n"
    "url = /product/[0-9]+$\n"
    "title = //h1\n"
    "price = number //span[@class='price']\n";

/* A key, what it may be, what it is for. help comes from the option of that name. */
static enum err put_key(struct buf *out, const struct option_spec *spec,
                        const char *help)
{
    const char *value = spec->type == OPTION_CHOICE ? spec->choices
                        : spec->value               ? spec->value
                                                    : "yes|no";
    char range[160];
    enum err e = buf_append(out, SPAN(".TP\n\\fB"));

    if (!e)
        e = roff_text(out, span_str(spec->name));
    if (!e)
        e = buf_append(out, SPAN("\\fR = "));
    if (!e)
        e = roff_usage(out, span_str(value));
    if (!e)
        e = buf_append_byte(out, '\n');
    if (!e)
        e = roff_help(out, spec, help);
    if (!e && (spec->type == OPTION_COUNT || spec->type == OPTION_DURATION ||
               spec->type == OPTION_SIZE)) {
        options_describe(spec, range, sizeof range);
        e = roff_help(out, spec, range);
    }
    if (!e)
        e = roff_default(out, spec);
    return !e && spec->type == OPTION_LIST
               ? buf_append(out, SPAN("May stand more than once.\n"))
               : e;
}

static enum err put_keys(struct buf *out)
{
    enum err e = roff_section(out, "KEYS");

    for (size_t i = 0; !e && i < settings_table.n_specs; i++) {
        const struct option_spec *spec = &settings_table.specs[i];

        if (spec->group)
            e = buf_printf(out, ".SS %s\n", spec->group);
        if (!e && !settings_is_command(spec))
            e = put_key(out, spec, spec->help);
    }
    return e;
}

static enum err put_host_keys(struct buf *out)
{
    enum err e = roff_section(out, "SECTIONS FOR HOSTS");

    if (!e)
        e = buf_append(out, span_str(HOSTS));
    for (size_t i = 0; !e && i < settings_host_table.n_specs; i++) {
        const struct option_spec *spec = &settings_host_table.specs[i];
        const struct option_spec *option =
            options_find(&settings_table, span_str(spec->name));

        /* insecure names hosts as an option and is yes or no in a host's own section */
        e = put_key(out, spec,
                    spec->type == option->type ? option->help
                                               : "do not check the certificate");
    }
    return e;
}

static enum err put_example(struct buf *out)
{
    enum err e = roff_section(out, "EXAMPLE");

    if (!e)
        e = buf_append(out, SPAN(".EX\n"));
    if (!e)
        e = roff_text(out, span_str(EXAMPLE));
    return e ? e : buf_append(out, SPAN(".EE\n"));
}

enum err manual_conf_body(struct buf *out)
{
    enum err e = roff_section(out, "SYNOPSIS");

    if (!e)
        e = buf_append(out, span_str(SYNOPSIS));
    if (!e)
        e = roff_section(out, "DESCRIPTION");
    if (!e)
        e = buf_append(out, span_str(DESCRIPTION));
    if (!e)
        e = put_keys(out);
    if (!e)
        e = put_host_keys(out);
    if (!e)
        e = roff_section(out, "SECTIONS FOR VALUES");
    if (!e)
        e = buf_append(out, span_str(EXTRACTS));
    if (!e)
        e = put_example(out);
    if (!e)
        e = roff_section(out, "SEE ALSO");
    return e ? e : buf_append(out, SPAN(".BR crawl (1)\n"));
}
