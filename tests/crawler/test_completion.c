/* SPDX-License-Identifier: MIT */
/*
 * Completion: complete, and as the shells themselves understand it. bash is
 * asked by calling the function as readline does, fish by its own `complete
 * -C`, zsh through a terminal (zsh/zpty) whose compadd says what it was given.
 * Where zsh or fish is not installed, their tests are skipped.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include <cmocka.h>

#include "config/io.h"
#include "config/settings.h"
#include "crawler/completion.h"
#include "crawler/completion_words.h"

/* A folder with the three scripts in the names that the shells want, and something to find. */
struct scripts {
    char folder[40];
};

static void put_file(const char *folder, const char *name, struct span text)
{
    char path[100];
    struct err_note note;

    snprintf(path, sizeof path, "%s/%s", folder, name);
    assert_int_equal(io_replace_file(path, text, &note), OK);
}

static void put_script(const char *folder, const char *shell, const char *name)
{
    struct buf text;

    buf_init(&text, (size_t)MIB);
    assert_int_equal(completion_format(span_str(shell), &text), OK);
    put_file(folder, name, buf_span(&text));
    buf_clear(&text);
}

/* The command's output, one line after another, in out; its exit status. */
static int run(const char *folder, const char *command, struct buf *out)
{
    char line[4000];
    FILE *f;

    snprintf(line, sizeof line, "cd %s && exec 2>&1; %s", folder, command);
    f = popen(line, "r");
    assert_non_null(f);
    while (fgets(line, sizeof line, f))
        assert_int_equal(buf_append(out, span_str(line)), OK);
    return pclose(f);
}

static bool is_installed(const char *shell)
{
    char command[100];
    struct buf out;
    int status;

    buf_init(&out, 1000);
    snprintf(command, sizeof command, "command -v %s", shell);
    status = run("/", command, &out);
    buf_clear(&out);
    return status == 0;
}

/* --- what zsh offers ------------------------------------------------------------------ */

/* usage: zsh -f capture.zsh LINE...; the scripts lie in the current directory. "##" ends what a line offers. */
static const char CAPTURE[] =
    "zmodload zsh/zpty\n"
    "zpty z zsh -f -i\n"
    "zpty -w z \"PROMPT= fpath=($PWD \\$fpath); autoload -U compinit; compinit -u -D\n"
    "zstyle ':completion:*' verbose no\n"
    "zle -C catch complete-word catcher\n"
    "catcher() {\n"
    "    compadd() {\n"
    "        if [[ \\$* != *-[OAD]* ]]; then\n"
    "            local -a offered\n"
    "            builtin compadd -O offered \\\"\\$@\\\"\n"
    "            print; (( \\$#offered )) && print -rl -- '=>'\\$^offered\n"
    "        fi\n"
    "        builtin compadd \\\"\\$@\\\"\n"
    "    }\n"
    "    _main_complete; compstate[insert]= compstate[list]=; print -r -- END''END\n"
    "}\n"
    "bindkey '^X' catch; print READY''READY\"\n"
    "zpty -r z out '*READYREADY*'\n"
    "for line; do\n"
    "    zpty -n -w z $'\\x15'\"$line\"$'\\x18'\n"
    "    zpty -r z out '*ENDEND*'\n"
    "    print -r -- \"$out\" | tr -d '\\r' | sed -n 's/^=>//p'\n"
    "    print '##'\n"
    "done\n"
    "zpty -d z\n";

/* usage: bash capture.bash WORD...; the last word is being completed. */
static const char CAPTURE_BASH[] = ". ./crawl.bash\n"
                                   "COMP_WORDS=(\"$@\") COMP_CWORD=$(($# - 1))\n"
                                   "_crawl\n"
                                   "printf '%s\\n' \"${COMPREPLY[@]}\"\n";

static int set_up(void **state)
{
    struct scripts *s = test_calloc(1, sizeof *s);
    struct buf out;

    snprintf(s->folder, sizeof s->folder, "/tmp/crawl-test-XXXXXX");
    assert_non_null(mkdtemp(s->folder));
    put_script(s->folder, "bash", "crawl.bash");
    put_script(s->folder, "zsh", "_crawl");
    put_script(s->folder, "fish", "crawl.fish");
    put_file(s->folder, "capture.zsh", span_str(CAPTURE));
    put_file(s->folder, "capture.bash", span_str(CAPTURE_BASH));
    buf_init(&out, 1000);
    assert_int_equal(
        run(s->folder, "mkdir archive && : > seeds.txt && : > stray", &out), 0);
    buf_clear(&out);
    *state = s;
    return 0;
}

static int tear_down(void **state)
{
    struct scripts *s = *state;
    struct buf out;

    buf_init(&out, 1000);
    if (run(s->folder, "rm -rf \"$PWD\"", &out))
        fprintf(stderr, "%s is left behind\n", s->folder);
    buf_clear(&out);
    test_free(s);
    return 0;
}

static void accepted_by(const struct scripts *s, const char *shell, const char *check)
{
    struct buf out;

    if (!is_installed(shell))
        skip();
    buf_init(&out, (size_t)MIB);
    assert_int_equal(run(s->folder, check, &out), 0);
    assert_int_equal(out.len, 0);
    buf_clear(&out);
}

static void bash_accepts_its_script(void **state)
{
    accepted_by(
        *state, "bash",
        "bash -n crawl.bash && bash -euc '. ./crawl.bash; complete -p crawl >/dev/null'");
}

static void zsh_accepts_its_script(void **state)
{
    accepted_by(*state, "zsh", "zsh -fn _crawl");
}

static void fish_accepts_its_script(void **state)
{
    accepted_by(*state, "fish",
                "fish --no-execute crawl.fish && fish -N -c 'source crawl.fish'");
}

/* --- what is offered -------------------------------------------------------------------- */

/* The line's last word is completed; "" stands for one that has not been begun. */
struct row {
    const char *label;
    const char *line;
    const char *offers,
        *hides; /* a word each that must or must not be among them; hides may be NULL */
};

static const struct row rows[] = {
    { "commands and files at the first place", "crawl s", "sql", "broken-links" },
    { "files there too", "crawl s", "seeds.txt", NULL },
    { "options of a crawl without its command", "crawl seeds.txt --max-p",
      "--max-pages", "--format" },
    { "options of a command", "crawl sql --fo", "--format", "--max-pages" },
    { "an option's choices", "crawl --scope d", "domain", "host" },
    { "choices behind a letter", "crawl sql -f j", "jsonl", "csv" },
    { "choices of a command's option", "crawl sql --format m", "markdown",
      "missing-titles" },
    { "report names", "crawl sql b", "broken-links", "bfs" },
    { "words of a usage line", "crawl inspect s", "sitemap", "url" },
    { "a list's first word", "crawl --fail-on b", "bad-seed", "failed" },
    { "files for the database", "crawl sql -o s", "seeds.txt", "status" },
    { "folders alone where a folder is meant", "crawl --warc a", "archive",
      "seeds.txt" },
    { "another command with the same options", "crawl robots --sco", "--scope", NULL },
    { "man pages", "crawl --man crawl.", "crawl.conf", NULL },
    { "a command's man page", "crawl --man insp", "inspect", NULL },
    { "shells", "crawl --completion f", "fish", "bash" },
    { "what prints about the program", "crawl --com", "--completion", NULL },
    { "nothing where anything may stand", "crawl --depth s", NULL, "seeds.txt" },
    { "no files where a command takes none", "crawl status s", NULL, "seeds.txt" },
};

/* Is it a line of out, up to a blank, a tab, or a folder's slash? */
static bool offers(struct span rest, const char *word)
{
    struct span line;

    while (span_split(&rest, '\n', &line)) {
        line = span_slice(line, 0, span_find(line, '\t'));
        line = span_trim(line);
        if (span_ends(line, SPAN("/")))
            line.len--;
        if (span_eq(line, span_str(word)))
            return true;
    }
    return false;
}

static void check_row(const struct row *row, struct span out)
{
    if (row->offers && !offers(out, row->offers))
        fail_msg("'%s' does not offer %s:\n%.*s", row->line, row->offers,
                 SPAN_ARG(out));
    if (row->hides && offers(out, row->hides))
        fail_msg("'%s' offers %s:\n%.*s", row->line, row->hides, SPAN_ARG(out));
}

static void bash_offers_row(const struct scripts *s, const struct row *row)
{
    char command[400];
    struct buf out;

    buf_init(&out, (size_t)MIB);
    snprintf(command, sizeof command, "bash capture.bash %s", row->line);
    assert_int_equal(run(s->folder, command, &out), 0);
    check_row(row, buf_span(&out));
    buf_clear(&out);
}

/* Files alone are left to readline, which our simulation has not: such rows are for the others. */
static void bash_offers(void **state)
{
    for (size_t i = 0; i < ARRAY_LEN(rows); i++)
        if (strcmp(rows[i].label, "files for the database") != 0)
            bash_offers_row(*state, &rows[i]);
}

/* One start of the shell for all rows: before, each line between two quotes, after. */
static void offers_all(const struct scripts *s, const char *before, const char *quote,
                       const char *unquote)
{
    struct span rest, part;
    struct buf command, out;

    buf_init(&command, 10000);
    buf_init(&out, (size_t)MIB);
    assert_int_equal(buf_append(&command, span_str(before)), OK);
    for (size_t i = 0; i < ARRAY_LEN(rows); i++)
        assert_int_equal(buf_printf(&command, "%s%s%s", quote, rows[i].line, unquote),
                         OK);
    put_file(s->folder, "command", buf_span(&command));
    assert_int_equal(run(s->folder, "sh command", &out), 0);
    rest = buf_span(&out);
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        part = span_slice(rest, 0, span_find_span(rest, SPAN("##\n")));
        check_row(&rows[i], part);
        rest = span_skip(rest, part.len + 3);
    }
    buf_clear(&out);
    buf_clear(&command);
}

static void zsh_offers(void **state)
{
    if (!is_installed("zsh"))
        skip();
    offers_all(*state, "exec timeout 60 zsh -f capture.zsh", " '", "'");
}

static void fish_offers(void **state)
{
    if (!is_installed("fish"))
        skip();
    offers_all(*state, "exec fish -N -C 'source crawl.fish'", " -c 'complete -C \"",
               "\"; echo \\#\\#'");
}

/* readline cuts at '='. */
static void bash_completes_behind_an_equals_sign(void **state)
{
    static const struct row cut[] = {
        { "an empty word", "crawl --scope = ''", "prefix", "seeds.txt" },
        { "a word begun", "crawl --scope = d", "domain", "host" },
        { "a list's next word", "crawl --fail-on = failed,h", "failed,http-errors",
          "http-errors" },
        { "no options behind --", "crawl -- --sco", NULL, "--scope" },
        { "an option of another command", "crawl sql --scope ''", "broken-links",
          "domain" },
    };

    for (size_t i = 0; i < ARRAY_LEN(cut); i++)
        bash_offers_row(*state, &cut[i]);
}

/* --- what is in the scripts --------------------------------------------------------------- */

static void every_option_and_command_is_in_every_script(void **state)
{
    static const char *const shells[] = { "bash", "zsh", "fish" };
    static const char *const before[] = { " --", "--", " -l " };

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(shells); i++) {
        struct buf text;

        buf_init(&text, (size_t)MIB);
        assert_int_equal(completion_format(span_str(shells[i]), &text), OK);
        for (size_t k = 0; command_list[k]; k++) {
            const struct option_table *t = command_list[k]->options;

            assert_true(span_find_span(buf_span(&text),
                                       span_str(command_list[k]->name)) < text.len);
            for (size_t m = 0; t && m < t->n_specs; m++) {
                char want[80];

                snprintf(want, sizeof want, "%s%s", before[i], t->specs[m].name);
                assert_true(span_find_span(buf_span(&text), span_str(want)) < text.len);
            }
        }
        buf_clear(&text);
    }
}

static void there_is_no_script_for_another_shell(void **state)
{
    struct buf out;

    (void)state;
    buf_init(&out, 1000);
    assert_int_equal(completion_format(SPAN("ksh"), &out), ERR_NOT_FOUND);
    assert_int_equal(completion_format(SPAN_NONE, &out), ERR_NOT_FOUND);
    buf_clear(&out);
}

/* Words offered for a list stand in the table; what is accepted stands in settings_check. */
static void offered_words_of_lists_are_accepted(void **state)
{
    (void)state;
    for (size_t i = 0; i < settings_table.n_specs; i++) {
        const struct option_spec *spec = &settings_table.specs[i];
        struct completion_want want;

        if (spec->type != OPTION_LIST || !spec->choices)
            continue;
        completion_words_of_option(spec, &want);
        assert_true(want.is_list && want.n_words);
        for (size_t k = 0; k < want.n_words; k++) {
            struct settings s = { 0 };
            struct err_note note = { "" };

            options_set_defaults(&settings_table, &s);
            assert_int_equal(options_set(&settings_table, &s, spec, want.words[k].name,
                                         "test", &note),
                             OK);
            assert_int_equal(settings_check(&s, &note), OK);
            settings_clear(&s);
        }
    }
}

static void a_usage_line_says_what_its_operands_are(void **state)
{
    static const struct {
        const char *usage;
        bool is_file, is_folder;
        size_t n_words;
    } usages[] = {
        { "x [OPTIONS] SEEDS...", true, false, 0 },
        { "[x] [OPTIONS] FILE", true, false, 0 },
        { "x [-o FILE] URL", false, false, 0 },
        { "x [-q] FILE", true, false, 0 },
        { "x url|robots", false, false, 2 },
        { "x --warc DIR", false, false, 0 },
        { "x [DIR]", false, true, 0 },
        { "x [-o FILE] [FILE]", true, false, 0 },
    };

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(usages); i++) {
        struct command c = { .name = "x", .usage = usages[i].usage };
        struct completion_want want;

        completion_words_of_operands(&c, &want);
        assert_int_equal(want.is_file, usages[i].is_file);
        assert_int_equal(want.is_folder, usages[i].is_folder);
        assert_int_equal(want.n_words, usages[i].n_words);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(bash_accepts_its_script),
        cmocka_unit_test(zsh_accepts_its_script),
        cmocka_unit_test(fish_accepts_its_script),
        cmocka_unit_test(bash_offers),
        cmocka_unit_test(zsh_offers),
        cmocka_unit_test(fish_offers),
        cmocka_unit_test(bash_completes_behind_an_equals_sign),
        cmocka_unit_test(every_option_and_command_is_in_every_script),
        cmocka_unit_test(there_is_no_script_for_another_shell),
        cmocka_unit_test(offered_words_of_lists_are_accepted),
        cmocka_unit_test(a_usage_line_says_what_its_operands_are),
    };

    return cmocka_run_group_tests_name("crawler/completion", tests, set_up, tear_down);
}
