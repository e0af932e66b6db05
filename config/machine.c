/* SPDX-License-Identifier: MIT */
#include "config/machine.h"

#include <sched.h>
#include <sys/resource.h>
#include <sys/sysinfo.h>
#include <unistd.h>

#include "config/io.h"

#define MOUNT      "/sys/fs/cgroup"
#define MEMBERSHIP "/proc/self/cgroup"
#define MAX_FILE   ((size_t)64 * KIB)

/* --- control groups ------------------------------------------------------------------- */

/* A limit that may be written in DIR, whose files are in a group's directory. INT64_MAX: none. */
typedef int64_t limit_reader(const char *dir, bool is_v2);

/* The first number of DIR/NAME; *second is the one behind it. False where there is none. */
static bool read_numbers(const char *dir, const char *name, int64_t *first,
                         int64_t *second)
{
    char path[1024];
    struct buf text;
    struct span rest, word;
    bool is_read = false;

    buf_init(&text, MAX_FILE);
    if (snprintf(path, sizeof path, "%s/%s", dir, name) < (int)sizeof path &&
        !io_read_file(path, &text, NULL)) {
        rest = buf_span(&text);
        is_read = span_token(&rest, &word) && span_parse_i64(word, first) && *first > 0;
        if (is_read && second)
            is_read =
                span_token(&rest, &word) && span_parse_i64(word, second) && *second > 0;
    }
    buf_clear(&text);
    return is_read;
}

static int64_t memory_of(const char *dir, bool is_v2)
{
    int64_t bytes;

    return read_numbers(dir, is_v2 ? "memory.max" : "memory.limit_in_bytes", &bytes,
                        NULL)
               ? bytes
               : INT64_MAX;
}

static int64_t processors_of(const char *dir, bool is_v2)
{
    int64_t quota, period;
    bool is_limited = is_v2 ? read_numbers(dir, "cpu.max", &quota, &period)
                            : read_numbers(dir, "cpu.cfs_quota_us", &quota, NULL) &&
                                  read_numbers(dir, "cpu.cfs_period_us", &period, NULL);

    return is_limited ? quota / period + (quota % period != 0) : INT64_MAX;
}

/*
 * The least limit of a group and of those that it is in, up to the mount. What a container
 * does not see of its path is skipped; its own group is then the mount itself.
 */
static int64_t least_above(const char *root, struct span group, bool is_v2,
                           limit_reader *read)
{
    int64_t least = INT64_MAX;
    char dir[1024];

    for (;;) {
        if (snprintf(dir, sizeof dir, "%s%.*s", root, SPAN_ARG(group)) <
            (int)sizeof dir)
            least = MIN(least, read(dir, is_v2));
        if (!group.len)
            return least;
        while (group.len && group.ptr[--group.len] != '/')
            ;
    }
}

/* One line of the membership file: NUMBER:CONTROLLERS:PATH; version 2 has no controllers. */
static int64_t limit_of_line(struct span line, const char *mount,
                             const char *controller, limit_reader *read)
{
    struct span number, names, name;
    char root[512];

    if (!span_split(&line, ':', &number) || !span_split(&line, ':', &names))
        return INT64_MAX;
    if (!names.len)
        return least_above(mount, line, true, read);
    while (span_split(&names, ',', &name))
        if (span_eq(name, span_str(controller)) &&
            snprintf(root, sizeof root, "%s/%s", mount, controller) < (int)sizeof root)
            return least_above(root, line, false, read);
    return INT64_MAX;
}

static int64_t least_of_groups(const char *mount, const char *membership,
                               const char *controller, limit_reader *read)
{
    int64_t least = INT64_MAX;
    struct span rest, line;
    struct buf text;

    buf_init(&text, MAX_FILE);
    if (io_read_file(membership, &text, NULL) == OK)
        for (rest = buf_span(&text); span_split(&rest, '\n', &line);)
            least = MIN(least, limit_of_line(line, mount, controller, read));
    buf_clear(&text);
    return least;
}

int64_t machine_cgroup_memory(const char *mount, const char *membership)
{
    return least_of_groups(mount, membership, "memory", memory_of);
}

int64_t machine_cgroup_processors(const char *mount, const char *membership)
{
    return least_of_groups(mount, membership, "cpu", processors_of);
}

/* --- the whole ------------------------------------------------------------------------ */

int64_t machine_memory(void)
{
    static const enum __rlimit_resource kinds[] = { RLIMIT_AS, RLIMIT_DATA };
    /* Never more than half of what can be addressed: with 32 bits that is 2 GiB. */
    int64_t bytes = MIN(machine_cgroup_memory(MOUNT, MEMBERSHIP), (int64_t)(SIZE_MAX / 2));
    struct rlimit limit;
    struct sysinfo info;

    if (!sysinfo(&info))
        bytes = MIN(bytes, (int64_t)((uint64_t)info.totalram * info.mem_unit));
    for (size_t i = 0; i < ARRAY_LEN(kinds); i++)
        if (!getrlimit(kinds[i], &limit) && limit.rlim_cur < (rlim_t)bytes)
            bytes = (int64_t)limit.rlim_cur;
    return bytes == INT64_MAX ? 2 * GIB : MAX(bytes, INT64_C(1));
}

int64_t machine_processors(void)
{
    int64_t n = machine_cgroup_processors(MOUNT, MEMBERSHIP);
    cpu_set_t allowed;

    /* Fails on machines of more than 1,024 processors. */
    if (!sched_getaffinity(0, sizeof allowed, &allowed))
        n = MIN(n, (int64_t)CPU_COUNT(&allowed));
    else
        n = MIN(n, (int64_t)sysconf(_SC_NPROCESSORS_ONLN));
    return MAX(n, INT64_C(1));
}
