/* SPDX-License-Identifier: MIT */
/*
 * `make faults`: a small crawl for every fault of tests/kit/faults.c and every
 * call that it can meet, until it no longer takes place. Prints a line a fault
 * and each broken promise; ends with 1 when there was one.
 *
 * usage: sweep [FAULT [FROM [TO [STEP]]]]   FAULT: a number of the list, or -1 for all
 */
#include <signal.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "config/clock.h"
#include "config/span.h"
#include "tests/kit/faults.h"

#define MAX_JOBS 16
#define SILENT   3 /* tries without the fault in a row that end a sweep */
#define MAX_EXIT 256

/* Shared by the processes of one sweep. */
struct sweep {
    int64_t next;       /* the call to try next */
    int64_t last, step; /* not beyond */
    int64_t tried, hit,
        broken;     /* tries, those with the fault, those with a broken promise */
    int64_t silent; /* in a row */
    int64_t by_exit[MAX_EXIT]; /* how the faulted starts ended */
    int64_t longest;           /* the last call that met the fault */
};

static void try_one(const struct fault *f, struct sweep *s, int64_t n)
{
    struct fault_result r;

    faults_try(f, n, &r);
    __atomic_add_fetch(&s->tried, 1, __ATOMIC_RELAXED);
    if (r.problem[0]) {
        __atomic_add_fetch(&s->broken, 1, __ATOMIC_RELAXED);
        printf("BROKEN %s at call %lld (exit %d): %s\n", faults_name(f), (long long)n,
               r.exit_code, r.problem);
        fflush(stdout);
    }
    if (!r.was_hit) {
        __atomic_add_fetch(&s->silent, 1, __ATOMIC_RELAXED);
        return;
    }
    __atomic_store_n(&s->silent, 0, __ATOMIC_RELAXED);
    __atomic_add_fetch(&s->hit, 1, __ATOMIC_RELAXED);
    __atomic_add_fetch(&s->by_exit[r.exit_code % MAX_EXIT], 1, __ATOMIC_RELAXED);
    s->longest = MAX(s->longest, n);
}

static void work(const struct fault *f, struct sweep *s)
{
    while (__atomic_load_n(&s->silent, __ATOMIC_RELAXED) < SILENT) {
        int64_t n = __atomic_fetch_add(&s->next, s->step, __ATOMIC_RELAXED);

        if (n > s->last)
            return;
        try_one(f, s, n);
    }
}

static void run_jobs(const struct fault *f, struct sweep *s)
{
    long jobs = MIN(sysconf(_SC_NPROCESSORS_ONLN), (long)MAX_JOBS);
    pid_t parent = getpid();

    fflush(stdout);
    for (long i = 0; i < jobs; i++) {
        if (fork() != 0)
            continue;
        prctl(PR_SET_PDEATHSIG, SIGKILL);
        if (getppid() == parent)
            work(f, s);
        _exit(0);
    }
    for (int status; wait(&status) > 0;)
        if (status != 0) {
            s->broken++;
            printf("BROKEN %s: a job of this sweep died\n", faults_name(f));
        }
}

static int64_t sweep(const struct fault *f, int64_t from, int64_t to, int64_t step)
{
    struct sweep *s = mmap(NULL, sizeof *s, PROT_READ | PROT_WRITE,
                           MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    int64_t began = clock_now_ns(), broken;

    BUG_IF(s == MAP_FAILED);
    s->next = from;
    s->last = to;
    s->step = step;
    run_jobs(f, s);
    printf("%-32s %5lld faults up to call %lld, ends:", faults_name(f),
           (long long)s->hit, (long long)s->longest);
    for (size_t i = 0; i < MAX_EXIT; i++)
        if (s->by_exit[i])
            printf(" %lld with %zu", (long long)s->by_exit[i], i);
    printf("; %lld broken promises (%lld s)\n", (long long)s->broken,
           (long long)((clock_now_ns() - began) / NS_PER_S));
    fflush(stdout);
    broken = s->broken;
    munmap(s, sizeof *s);
    return broken;
}

static int64_t argument(int argc, char **argv, int i, int64_t fallback)
{
    int64_t n;

    return i < argc && span_parse_i64(span_str(argv[i]), &n) ? n : fallback;
}

int main(int argc, char **argv)
{
    int64_t only = argument(argc, argv, 1, -1), broken = 0;

    for (size_t i = 0; i < faults_count; i++)
        if (only < 0 || only == (int64_t)i)
            broken += sweep(&faults_all[i], argument(argc, argv, 2, 1),
                            argument(argc, argv, 3, INT64_MAX / 2),
                            argument(argc, argv, 4, 1));
    printf("%s\n", broken ? "PROMISES BROKEN" : "all promises kept");
    return broken ? 1 : 0;
}
