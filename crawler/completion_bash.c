/* SPDX-License-Identifier: MIT */
#include "crawler/completion.h"
#include "crawler/completion_words.h"

/*
 * readline cuts words at '=', so that --scope=ho arrives as three. What a value
 * may be goes into takes: word, list, file, folder, or any (nothing to offer).
 */
static const char HEAD[] =
    "# bash completion for crawl " CRAWL_VERSION ", made by: crawl --completion bash\n"
    "\n"
    "_crawl()\n"
    "{\n"
    "    local cur=${COMP_WORDS[COMP_CWORD]} prev=${COMP_WORDS[COMP_CWORD-1]}\n"
    "    local command=run takes='' words='' options='' ended='' head='' i\n"
    "\n"
    "    COMPREPLY=()\n"
    "    if [[ $cur == = ]]; then\n"
    "        cur=\n"
    "    elif [[ $prev == = && COMP_CWORD -gt 2 ]]; then\n"
    "        prev=${COMP_WORDS[COMP_CWORD-2]}\n"
    "    fi\n"
    "    for (( i = 1; i < COMP_CWORD; i++ )); do\n"
    "        [[ ${COMP_WORDS[i]} == -- ]] && ended=yes\n"
    "    done\n";

static const char TAIL[] =
    "    [[ -n $ended ]] && takes=\n"
    "    if [[ -z $takes && -z $ended && $cur == -* ]]; then\n"
    "        takes=word words=$options\n"
    "        (( COMP_CWORD == 1 )) && words+=$printers\n"
    "    elif [[ -z $takes ]]; then\n"
    "        takes=$operand words=$operands\n"
    "        (( COMP_CWORD == 1 )) && words+=$commands\n"
    "    fi\n"
    "    if [[ $takes == list ]]; then\n"
    "        [[ $cur == *,* ]] && head=${cur%,*},\n"
    "        compopt -o nospace 2>/dev/null\n"
    "    fi\n"
    "    mapfile -t COMPREPLY < <(compgen -P \"$head\" -W \"$words\" -- \"${cur##*,}\")\n"
    "    if [[ $takes == folder ]]; then\n"
    "        compopt -o filenames 2>/dev/null\n"
    "        mapfile -t COMPREPLY < <(compgen -d -- \"$cur\")\n"
    "    elif [[ $takes == file && ${#COMPREPLY[@]} -gt 0 ]]; then\n"
    "        compopt -o filenames 2>/dev/null\n"
    "        mapfile -t -O ${#COMPREPLY[@]} COMPREPLY < <(compgen -f -- \"$cur\")\n"
    "    elif [[ $takes == file ]]; then\n"
    "        compopt -o default 2>/dev/null # readline's own way with file names\n"
    "    fi\n"
    "}\n"
    "\n"
    "complete -F _crawl crawl\n";

static const char *takes(const struct completion_want *want)
{
    if (want->is_list)
        return "list";
    if (want->is_file)
        return "file";
    if (want->is_folder)
        return "folder";
    return want->n_words ? "word" : "any";
}

/* "    -o|--db) takes=file ;;" for an option that takes a value. */
static enum err put_value(struct buf *out, const struct option_spec *spec)
{
    struct completion_want want;
    enum err e = buf_append(out, SPAN("        "));

    completion_words_of_option(spec, &want);
    if (!e && spec->letter)
        e = buf_printf(out, "-%c|", spec->letter);
    if (!e)
        e = buf_printf(out, "--%s) takes=%s", spec->name, takes(&want));
    if (!e && want.n_words)
        e = buf_append(out, SPAN(" words='"));
    if (!e)
        e = completion_words_join(out, &want);
    return e ? e : buf_append(out, want.n_words ? SPAN("' ;;\n") : SPAN(" ;;\n"));
}

static enum err put_values(struct buf *out, const struct option_table *t)
{
    enum err e = buf_append(out, SPAN("        case $prev in\n"));

    for (size_t i = 0; !e && t && i < t->n_specs; i++)
        e = t->specs[i].type == OPTION_FLAG ? OK : put_value(out, &t->specs[i]);
    return e ? e : buf_append(out, SPAN("        esac\n"));
}

static enum err put_names(struct buf *out, const struct option_table *t)
{
    enum err e = OK;

    for (size_t i = 0; !e && t && i < t->n_specs; i++) {
        if (t->specs[i].letter)
            e = buf_printf(out, " -%c", t->specs[i].letter);
        if (!e)
            e = buf_printf(out, " --%s", t->specs[i].name);
    }
    return e || (t && options_find(t, SPAN("help")))
               ? e
               : buf_append(out, SPAN(" -h --help"));
}

/* What the options of a command are, and what each of them takes. */
static enum err put_options(struct buf *out, size_t command)
{
    enum err e = buf_append(out, SPAN("    "));

    if (!e)
        e = completion_words_sharing(out, command, "|");
    if (!e)
        e = buf_append(out, SPAN(")\n        options='"));
    if (!e)
        e = put_names(out, command_list[command]->options);
    if (!e)
        e = buf_append(out, SPAN("'\n"));
    if (!e)
        e = put_values(out, command_list[command]->options);
    return e ? e : buf_append(out, SPAN("        ;;\n"));
}

static enum err put_operands(struct buf *out, const struct command *c)
{
    struct completion_want want;
    enum err e;

    completion_words_of_operands(c, &want);
    e = buf_printf(out, "    %s) operand=%s operands='", c->name, takes(&want));
    if (!e)
        e = completion_words_join(out, &want);
    return e ? e : buf_append(out, SPAN("' ;;\n"));
}

static enum err put_commands(struct buf *out)
{
    enum err e = buf_append(out, SPAN("    local commands=' "));

    if (!e)
        e = completion_words_commands(out, " ");
    if (!e)
        e = buf_append(out, SPAN("' printers='"));
    for (size_t i = 0; !e && i < command_printers.n_specs; i++)
        e = buf_printf(out, " --%s", command_printers.specs[i].name);
    if (!e)
        e = buf_append(out, SPAN("' operand='' operands=''\n\n"
                                 "    if (( COMP_CWORD > 1 )); then\n"
                                 "        case ${COMP_WORDS[1]} in\n        "));
    if (!e)
        e = completion_words_commands(out, "|");
    return e ? e
             : buf_append(
                   out, SPAN(") command=${COMP_WORDS[1]} ;;\n        esac\n    fi\n"));
}

/* The options that are the first word: "crawl --man PAGE". */
static enum err put_printers(struct buf *out)
{
    enum err e =
        buf_append(out, SPAN("    if [[ $prev == \"${COMP_WORDS[1]}\" ]]; then\n"));

    if (!e)
        e = put_values(out, &command_printers);
    return e ? e : buf_append(out, SPAN("    fi\n"));
}

enum err completion_bash(struct buf *out)
{
    enum err e = buf_append(out, span_str(HEAD));

    if (!e)
        e = put_commands(out);
    if (!e)
        e = buf_append(out, SPAN("    case $command in\n"));
    for (size_t i = 0; !e && command_list[i]; i++)
        e = completion_words_is_first(i) ? put_options(out, i) : OK;
    if (!e)
        e = buf_append(out, SPAN("    esac\n    case $command in\n"));
    for (size_t i = 0; !e && command_list[i]; i++)
        e = put_operands(out, command_list[i]);
    if (!e)
        e = buf_append(out, SPAN("    esac\n"));
    if (!e)
        e = put_printers(out);
    return e ? e : buf_append(out, span_str(TAIL));
}
