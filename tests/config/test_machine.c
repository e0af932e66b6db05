/* SPDX-License-Identifier: MIT */
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "config/io.h"
#include "config/machine.h"

static char mount[64];

static int set_up(void **state)
{
    (void)state;
    snprintf(mount, sizeof mount, "/tmp/test_machine_XXXXXX");
    return mkdtemp(mount) ? 0 : -1;
}

static int tear_down(void **state)
{
    char command[128];

    (void)state;
    snprintf(command, sizeof command, "rm -rf %s", mount);
    return system(command);
}

/* MOUNT/PATH with this text; directories are made on the way. */
static void put(const char *path, const char *text)
{
    char name[256];

    snprintf(name, sizeof name, "%s/%s", mount, path);
    for (char *p = name + strlen(mount) + 1; (p = strchr(p, '/')) != NULL; p++) {
        *p = '\0';
        (void)mkdir(name, 0700);
        *p = '/';
    }
    assert_int_equal(io_replace_file(name, span_str(text), NULL), OK);
}

static int64_t memory(void)
{
    char membership[128];

    snprintf(membership, sizeof membership, "%s/membership", mount);
    return machine_cgroup_memory(mount, membership);
}

static int64_t processors(void)
{
    char membership[128];

    snprintf(membership, sizeof membership, "%s/membership", mount);
    return machine_cgroup_processors(mount, membership);
}

static void the_least_limit_on_the_way_up_counts(void **state)
{
    (void)state;
    put("membership", "0::/system.slice/crawl.service\n");
    put("memory.max", "max\n");
    assert_true(memory() == INT64_MAX);
    put("system.slice/memory.max", "300000000\n");
    put("system.slice/crawl.service/memory.max", "500000000\n");
    assert_int_equal(memory(), 300000000);
    put("system.slice/crawl.service/memory.max", "200000000\n");
    assert_int_equal(memory(), 200000000);
}

static void version_1_names_its_controllers(void **state)
{
    (void)state;
    put("membership", "4:cpu,cpuacct:/b\n3:memory:/a\n1:name=systemd:/\n");
    put("memory/a/memory.limit_in_bytes", "100000000\n");
    put("memory/memory.limit_in_bytes", "9223372036854771712\n");
    put("cpu/b/cpu.cfs_quota_us", "150000\n");
    put("cpu/b/cpu.cfs_period_us", "100000\n");
    put("cpu/cpu.cfs_quota_us", "-1\n");
    put("cpu/cpu.cfs_period_us", "100000\n");
    assert_int_equal(memory(), 100000000);
    assert_int_equal(processors(), 2);
}

static void a_container_that_does_not_see_its_path_has_its_limits_at_the_mount(
    void **state)
{
    (void)state;
    put("membership", "0::/docker/0123456789abcdef\n");
    put("memory.max", "134217728\n");
    put("cpu.max", "50000 100000\n");
    assert_int_equal(memory(), 134217728);
    assert_int_equal(processors(), 1);
}

static void what_is_no_limit_is_none(void **state)
{
    static const char *const texts[] = { "",     "max\n",  "0\n",
                                         "-5\n", "many\n", "99999999999999999999\n" };

    (void)state;
    assert_true(memory() == INT64_MAX); /* no membership file at all */
    put("membership", "0::/a\nrubbish\n::\n0:\n7:memory\n");
    for (size_t i = 0; i < ARRAY_LEN(texts); i++) {
        put("a/memory.max", texts[i]);
        put("a/cpu.max", texts[i]);
        assert_true(memory() == INT64_MAX);
        assert_true(processors() == INT64_MAX);
    }
    put("a/cpu.max", "max 100000\n");
    assert_true(processors() == INT64_MAX);
}

static void ulimit_v_and_d_count(void **state)
{
    static const int kinds[] = { RLIMIT_AS, RLIMIT_DATA };

    (void)state;
    assert_true(machine_memory() > 0);
    assert_true(machine_processors() > 0);
    for (size_t i = 0; i < ARRAY_LEN(kinds); i++) {
        int status;
        pid_t child = fork();

        if (child == 0) {
            struct rlimit limit = { 100 * MIB, 100 * MIB };

            _exit(setrlimit((__rlimit_resource_t)kinds[i], &limit) || machine_memory() != 100 * MIB);
        }
        assert_int_equal(waitpid(child, &status, 0), child);
        assert_int_equal(status, 0);
    }
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(the_least_limit_on_the_way_up_counts, set_up,
                                        tear_down),
        cmocka_unit_test_setup_teardown(version_1_names_its_controllers, set_up,
                                        tear_down),
        cmocka_unit_test_setup_teardown(
            a_container_that_does_not_see_its_path_has_its_limits_at_the_mount, set_up,
            tear_down),
        cmocka_unit_test_setup_teardown(what_is_no_limit_is_none, set_up, tear_down),
        cmocka_unit_test(ulimit_v_and_d_count),
    };

    return cmocka_run_group_tests_name("config/machine", tests, NULL, NULL);
}
