/* SPDX-License-Identifier: MIT */
#include "parse/sandbox.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/futex.h>
#include <seccomp.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "config/span.h"

/* The rule set as of ABI 6; older kernels take the front part. Not all headers have it. */
struct landlock_attributes {
    uint64_t handled_access_fs;
    uint64_t handled_access_net;
    uint64_t scoped;
};

/* What each ABI can restrict; the last row also stands for what comes after it. */
static const struct {
    size_t size;
    struct landlock_attributes all;
} landlock_abis[] = {
    { 8, { .handled_access_fs = (1u << 13) - 1 } },
    { 8, { .handled_access_fs = (1u << 14) - 1 } },
    { 8, { .handled_access_fs = (1u << 15) - 1 } },
    { 16, { .handled_access_fs = (1u << 15) - 1, .handled_access_net = 3 } },
    { 16, { .handled_access_fs = (1u << 16) - 1, .handled_access_net = 3 } },
    { 24,
      { .handled_access_fs = (1u << 16) - 1, .handled_access_net = 3, .scoped = 3 } },
};

enum {
    LANDLOCK_CREATE = 444, /* the same numbers on every architecture */
    LANDLOCK_RESTRICT = 446,
    LANDLOCK_VERSION_FLAG = 1,
};

/* Best effort: 0 where the kernel has none, or has it switched off. */
static int enter_landlock(void)
{
    long abi = syscall(LANDLOCK_CREATE, NULL, 0, LANDLOCK_VERSION_FLAG);
    size_t row;
    long fd, rc;

    if (abi < 1)
        return 0;
    row = MIN((size_t)abi, ARRAY_LEN(landlock_abis)) - 1;
    fd = syscall(LANDLOCK_CREATE, &landlock_abis[row].all, landlock_abis[row].size, 0);
    if (fd < 0)
        return 0;
    rc = syscall(LANDLOCK_RESTRICT, fd, 0);
    close((int)fd);
    return rc ? 0 : (int)abi;
}

/* Bytes of address space in use. */
static enum err mapped_bytes(uint64_t *out, struct err_note *note)
{
    char text[128];
    int fd = open("/proc/self/statm", O_RDONLY | O_CLOEXEC);
    ssize_t n = fd < 0 ? -1 : read(fd, text, sizeof(text));
    int saved = errno;
    struct span rest, pages;

    if (fd >= 0)
        close(fd);
    if (n <= 0)
        return err_set_errno(note, ERR_IO, saved, "cannot read /proc/self/statm");
    rest = span_make(text, (size_t)n);
    if (!span_token(&rest, &pages) || !span_parse_u64(pages, out))
        return err_set(note, ERR_IO, "cannot understand /proc/self/statm");
    *out *= (uint64_t)sysconf(_SC_PAGESIZE);
    return OK;
}

static enum err set_limit(int resource, const char *name, rlim_t value,
                          struct err_note *note)
{
    struct rlimit limit = { value, value }, old;

    /* Under a harder limit that was there before us, that one holds. */
    if (!getrlimit((__rlimit_resource_t)resource, &old) && old.rlim_max < value)
        limit.rlim_cur = limit.rlim_max = old.rlim_max;
    if (setrlimit((__rlimit_resource_t)resource, &limit))
        return err_set_errno(note, ERR_IO, errno, "cannot set RLIMIT_%s", name);
    return OK;
}

static enum err enter_rlimits(const struct sandbox_limits *limits, uint64_t mapped,
                              struct err_note *note)
{
    static const struct {
        int resource;
        const char *name;
    } none[] = {
        { RLIMIT_NOFILE, "NOFILE" },   { RLIMIT_FSIZE, "FSIZE" },
        { RLIMIT_NPROC, "NPROC" },     { RLIMIT_CORE, "CORE" },
        { RLIMIT_MEMLOCK, "MEMLOCK" },
    };
    enum err e;

    if (limits->memory_bytes) {
        e = set_limit(RLIMIT_AS, "AS", mapped + limits->memory_bytes, note);
        if (e)
            return e;
    }
    /* A message to a log file is to fail, not to kill. */
    signal(SIGXFSZ, SIG_IGN);
    for (size_t i = 0; i < ARRAY_LEN(none); i++) {
        e = set_limit(none[i].resource, none[i].name, 0, note);
        if (e)
            return e;
    }
    return OK;
}

/* Allows a call when the bits of mask in argument arg equal value; mask 0: always. */
struct rule {
    int number;
    unsigned arg;
    uint64_t mask, value;
};

static int add_rule(scmp_filter_ctx filter, const struct rule *r)
{
    struct scmp_arg_cmp cmp = { r->arg, SCMP_CMP_MASKED_EQ, r->mask, r->value };

    return seccomp_rule_add_array(filter, SCMP_ACT_ALLOW, r->number, r->mask ? 1 : 0,
                                  &cmp);
}

static int add_rules(scmp_filter_ctx filter)
{
    const uint64_t futex_op =
        ~(uint64_t)(FUTEX_PRIVATE_FLAG | FUTEX_CLOCK_REALTIME) & 0xFFFFFFFF;
    const struct rule rules[] = {
        { .number = SCMP_SYS(read) },
        { .number = SCMP_SYS(write) },
        { .number = SCMP_SYS(writev) }, /* libc's last words */
        { SCMP_SYS(futex), 1, futex_op, FUTEX_WAIT },
        { SCMP_SYS(futex), 1, futex_op, FUTEX_WAKE },
        { SCMP_SYS(futex), 1, futex_op, FUTEX_WAIT_BITSET },
        { SCMP_SYS(mmap), 2, PROT_EXEC, 0 },
        { SCMP_SYS(mprotect), 2, PROT_EXEC, 0 },
        { .number = SCMP_SYS(munmap) },
        { .number = SCMP_SYS(mremap) },
        { .number = SCMP_SYS(brk) },
        { .number = SCMP_SYS(madvise) },
        { .number = SCMP_SYS(exit) },
        { .number = SCMP_SYS(exit_group) },
        { .number = SCMP_SYS(clock_gettime) },
        { .number = SCMP_SYS(gettimeofday) },
        { .number = SCMP_SYS(getrandom) },
        { .number = SCMP_SYS(sysinfo) },
        { .number = SCMP_SYS(rt_sigreturn) },
        { .number = SCMP_SYS(rt_sigprocmask) },
        { .number = SCMP_SYS(sigaltstack) },
        { .number = SCMP_SYS(restart_syscall) },
        { .number = SCMP_SYS(rseq) },
        { .number = SCMP_SYS(getpid) },
        { .number = SCMP_SYS(gettid) },
        { SCMP_SYS(tgkill), 0, 0xFFFFFFFF, (uint64_t)getpid() },
    };
    int rc = seccomp_rule_add(filter, SCMP_ACT_ERRNO(ENOSYS), SCMP_SYS(clone3), 0);

    for (size_t i = 0; i < ARRAY_LEN(rules) && rc == 0; i++)
        rc = add_rule(filter, &rules[i]);
    return rc;
}

static enum err enter_seccomp(struct err_note *note)
{
    scmp_filter_ctx filter = seccomp_init(SCMP_ACT_KILL_PROCESS);
    int rc;

    if (!filter)
        return err_set(note, ERR_UNSUPPORTED, "seccomp is not to be had here");
    rc = seccomp_attr_set(filter, SCMP_FLTATR_ACT_BADARCH, SCMP_ACT_KILL_PROCESS);
    if (rc == 0)
        rc = add_rules(filter);
    if (rc == 0)
        rc = seccomp_load(filter);
    seccomp_release(filter);
    if (rc)
        return err_set_errno(note, ERR_UNSUPPORTED, -rc,
                             "cannot load the seccomp filter");
    return OK;
}

enum err sandbox_enter(const struct sandbox_limits *limits, struct sandbox_report *out,
                       struct err_note *note)
{
    struct sandbox_report report = { 0 };
    uint64_t mapped = 0;
    enum err e =
        mapped_bytes(&mapped, note); /* reads a file: before Landlock forbids that */

    if (e)
        return e;
    if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) || prctl(PR_SET_DUMPABLE, 0, 0, 0, 0))
        return err_set_errno(note, ERR_IO, errno, "cannot give up privileges");
    report.has_no_new_privs = true;
    report.landlock_abi =
        enter_landlock(); /* needs a descriptor, so before the limits */
    e = enter_rlimits(limits, mapped, note);
    if (e)
        return e;
    report.has_rlimits = true;
    if (!limits->is_seccomp_off) {
        e = enter_seccomp(note);
        if (e)
            return e;
        report.has_seccomp = true;
    }
    *out = report;
    return OK;
}

void sandbox_format(const struct sandbox_report *report, char out[SANDBOX_TEXT_SIZE])
{
    char landlock[24] = "";

    if (report->landlock_abi)
        snprintf(landlock, sizeof(landlock), " landlock-%d", report->landlock_abi);
    snprintf(out, SANDBOX_TEXT_SIZE, "%s%s%s%s",
             report->has_no_new_privs ? "no-new-privs" : "unprotected",
             report->has_rlimits ? " rlimits" : "", landlock,
             report->has_seccomp ? " seccomp" : "");
}
