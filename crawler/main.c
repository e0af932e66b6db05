/* SPDX-License-Identifier: MIT */
#include <stdlib.h>
#include <string.h>

#include "config/io.h"
#include "crawler/command.h"
#include "crawler/manual.h"
#include "crawler/pool.h"
#include "crawler/versions.h"

static int help(void)
{
    int code = command_help(&cmd_run);

    printf("\nCommands (crawl COMMAND --help)\n");
    for (size_t i = 0; command_list[i]; i++)
        printf("  %-10s %s\n", command_list[i]->name, command_list[i]->summary);
    return code;
}

int main(int argc, char **argv)
{
    const struct command *command;
    int code;

    io_reserve_standard();
    unsetenv("SSLKEYLOGFILE"); /* libcurl would write the keys of every connection there */
    if (pool_zygote_main(argc, argv, &code))
        return code;
    if (argc < 2 || strcmp(argv[1], "--help") == 0 || strcmp(argv[1], "-h") == 0)
        return argc < 2 ? cmd_run.exec(&cmd_run, argc, argv) : help();
    if (strcmp(argv[1], "--version") == 0 || strcmp(argv[1], "-V") == 0)
        return versions_print();
    if (strcmp(argv[1], "--man") == 0)
        return manual_print();
    command = command_find(argv[1]);
    if (command)
        return command->exec(command, argc - 1, argv + 1);
    return cmd_run.exec(&cmd_run, argc, argv);
}
