/* SPDX-License-Identifier: MIT */
#include <string.h>
#include <sys/stat.h>

#include "config/io.h"
#include "config/mem.h"
#include "crawler/command.h"
#include "crawler/completion.h"
#include "crawler/manual.h"
#include "crawler/pool.h"
#include "crawler/versions.h"
#include "crawler/zygote.h"
#include "store/engine.h"

/* Is the first word this option? *value is what stands behind it or its '=', or NULL. */
static bool asks_for(int argc, char **argv, const char *option, const char **value)
{
    size_t len = strlen(option);

    if (strncmp(argv[1], option, len) != 0 || (argv[1][len] && argv[1][len] != '='))
        return false;
    *value = argv[1][len] ? argv[1] + len + 1 : argc > 2 ? argv[2] : NULL;
    return true;
}

static int run(int argc, char **argv)
{
    const struct command *command;
    const char *value;

    if (argc < 2 || strcmp(argv[1], "--help") == 0 || strcmp(argv[1], "-h") == 0)
        return argc < 2 ? cmd_run.exec(&cmd_run, argc, argv) : command_overview();
    if (strcmp(argv[1], "--version") == 0 || strcmp(argv[1], "-V") == 0)
        return versions_print();
    if (asks_for(argc, argv, "--man", &value))
        return manual_print(value);
    if (asks_for(argc, argv, "--completion", &value))
        return completion_print(value);
    command = command_find(argv[1]);
    if (command)
        return command->exec(command, argc - 1, argv + 1);
    return cmd_run.exec(&cmd_run, argc, argv);
}

int main(int argc, char **argv)
{
    int code;

    io_reserve_standard();
    mem_start();
    (void)umask(umask(0) & ~(mode_t)S_IRWXU); /* what we make, we must be able to open again */
    signal(SIGXFSZ,
           SIG_IGN); /* a file over its limit is an error to report, not a death */
    if (pool_zygote_main(argc, argv, &code))
        return code;
    engine_start();
    code = command_end_output(run(argc, argv));
    zygote_stop();
    return code;
}
