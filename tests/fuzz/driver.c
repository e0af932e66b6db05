/* SPDX-License-Identifier: MIT */
/*
 * Runs a fuzz target without libFuzzer, for gcc and the sanitizers.
 *
 *   fuzz_url [-s SECONDS] [-r SEED] FILE|FOLDER...
 *
 * Every file goes through the target once; with -s, mutations of them follow
 * for that long. The input at work when the target dies is left in
 * crash-TARGET-PID, and giving that file as an argument repeats it.
 */
#include <dirent.h>
#include <fcntl.h>
#include <signal.h>
#include <stdint.h>
#include <sys/stat.h>
#include <unistd.h>

#include "config/clock.h"
#include "config/io.h"
#include "config/mem.h"

#define MAX_FILE    ((size_t)1 * MIB)
#define MAX_MUTATED ((size_t)64 * KIB)

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
int LLVMFuzzerInitialize(int *argc, char ***argv) __attribute__((weak));
void __sanitizer_set_death_callback(void (*fn)(void)) __attribute__((weak));

struct input {
    uint8_t *data;
    size_t size;
};

static struct {
    struct input *items;
    size_t len;
} corpus;

/* What the target is working on, for the one who saves it. */
static struct input at_work;
static char crash_path[128];

/* Called from signal handlers: system calls only. */
static void save_input(void)
{
    int fd = open(crash_path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
    ssize_t n = fd < 0 ? -1 : write(fd, at_work.data, at_work.size);

    if (n == (ssize_t)at_work.size &&
        write(STDOUT_FILENO, crash_path, strlen(crash_path)) > 0)
        n = write(STDOUT_FILENO, " holds the input\n", 17);
    if (fd >= 0)
        close(fd);
}

static void on_fatal(int signo)
{
    save_input();
    signal(signo, SIG_DFL);
    raise(signo);
}

static void watch_for_death(const char *program)
{
    static const int signals[] = { SIGABRT, SIGSEGV, SIGBUS, SIGFPE, SIGILL };
    const char *name = strrchr(program, '/');

    snprintf(crash_path, sizeof crash_path, "crash-%s-%d", name ? name + 1 : program,
             (int)getpid());
    if (__sanitizer_set_death_callback)
        __sanitizer_set_death_callback(save_input);
    for (size_t i = 0; i < ARRAY_LEN(signals); i++)
        if (!__sanitizer_set_death_callback || signals[i] == SIGABRT)
            signal(signals[i], on_fatal);
}

/* A copy of exactly this size, so that reading past its end is seen. */
static void run(const uint8_t *data, size_t size)
{
    uint8_t *copy = mem_alloc(size);

    if (size)
        memcpy(copy, data, size);
    at_work = (struct input){ copy, size };
    LLVMFuzzerTestOneInput(copy, size);
    at_work = (struct input){ NULL, 0 };
    mem_free(copy);
}

/* --- the corpus ---------------------------------------------------------------------- */

static void keep(struct span content)
{
    struct input *grown = mem_array(corpus.len + 1, sizeof *grown);

    for (size_t i = 0; i < corpus.len; i++)
        grown[i] = corpus.items[i];
    grown[corpus.len].data = mem_alloc(content.len);
    grown[corpus.len].size = content.len;
    if (content.len)
        memcpy(grown[corpus.len].data, content.ptr, content.len);
    mem_free(corpus.items);
    corpus.items = grown;
    corpus.len++;
}

static int read_file(const char *path)
{
    struct err_note note;
    struct buf content;
    enum err e;

    buf_init(&content, MAX_FILE);
    e = io_read_file(path, &content, &note);
    if (e)
        fprintf(stderr, "%s\n", note.text);
    else
        keep(buf_span(&content));
    buf_clear(&content);
    return e ? 1 : 0;
}

static int read_folder(const char *path, DIR *folder)
{
    const struct dirent *entry;
    int n_failed = 0;

    while ((entry = readdir(folder)) != NULL) {
        char file[4096];

        if (entry->d_name[0] == '.')
            continue;
        snprintf(file, sizeof file, "%s/%s", path, entry->d_name);
        n_failed += read_file(file);
    }
    return n_failed;
}

static int read_path(const char *path)
{
    DIR *folder = opendir(path);
    int n_failed = folder ? read_folder(path, folder) : read_file(path);

    if (folder)
        closedir(folder);
    return n_failed;
}

/* --- mutation ----------------------------------------------------------------------------- */

static uint64_t random_state;

/* xorshift64*; a number below n, or 0. */
static size_t below(size_t n)
{
    random_state ^= random_state >> 12;
    random_state ^= random_state << 25;
    random_state ^= random_state >> 27;
    return n ? (size_t)((random_state * UINT64_C(0x2545f4914f6cdd1d)) >> 16) % n : 0;
}

/* Makes a gap of n bytes at `at`; what does not fit falls off the end. */
static void open_gap(struct input *in, size_t at, size_t n)
{
    size_t tail = in->size - at;

    n = MIN(n, MAX_MUTATED - at);
    tail = MIN(tail, MAX_MUTATED - at - n);
    memmove(in->data + at + n, in->data + at, tail);
    in->size = at + n + tail;
}

static void insert(struct input *in, const uint8_t *from, size_t n)
{
    size_t at = below(in->size + 1);

    n = MIN(n, MAX_MUTATED - at);
    open_gap(in, at, n);
    memcpy(in->data + at, from, n);
}

/* Text that parsers care about. */
static void insert_word(struct input *in)
{
    static const struct span words[] = {
        { "\0", 1 },
        { "\xff", 1 },
        { "\r\n", 2 },
        { "\n\n", 2 },
        { "<", 1 },
        { "-->", 3 },
        { "<!--", 4 },
        { "&#x", 3 },
        { "%00", 3 },
        { "%2", 2 },
        { "://", 3 },
        { "../", 3 },
        { "\\", 1 },
        { "\"", 1 },
        { "=", 1 },
        { ";", 1 },
        { "*", 1 },
        { "$", 1 },
        { "-1", 2 },
        { "4294967296", 10 },
        { "\x1b[", 2 },
        { "\xed\xa0\x80", 3 },
        { "\xe2\x80\xae", 3 },
        { "99999999999999999999", 20 },
    };
    const struct span word = words[below(ARRAY_LEN(words))];

    insert(in, (const uint8_t *)word.ptr, word.len);
}

static void cut(struct input *in)
{
    size_t at = below(in->size),
           n = 1 + below(MIN(in->size - at, (size_t)1 + below(64)));

    n = MIN(n, in->size - at);
    memmove(in->data + at, in->data + at + n, in->size - at - n);
    in->size -= n;
}

static void mutate(struct input *in)
{
    const struct input *other = &corpus.items[below(corpus.len)];
    size_t at = below(in->size), n;
    uint8_t byte = (uint8_t)below(256), run_of[64];

    switch (below(in->size ? 8 : 3)) {
    case 0: insert(in, &byte, 1); break;
    case 1: insert_word(in); break;
    case 2: /* a part of another input */
        n = below(other->size);
        insert(in, other->data + n, below(MIN(other->size - n, (size_t)256) + 1));
        break;
    case 3: in->data[at] ^= (uint8_t)(1u << below(8)); break;
    case 4: in->data[at] = byte; break;
    case 5: cut(in); break;
    case 6: /* a part of itself, often */
        n = MIN(in->size - at, 1 + below(sizeof run_of));
        memcpy(run_of, in->data + at, n);
        for (size_t times = 1 + below(50); times > 0; times--) {
            open_gap(in, at, n);
            memcpy(in->data + at, run_of, MIN(n, in->size - at));
        }
        break;
    default:
        in->size = below(8) ? in->size : at; /* cut short, now and then */
        break;
    }
}

static uint64_t fuzz(int64_t seconds)
{
    deadline until = clock_after(clock_now_ns(), seconds * NS_PER_S);
    struct input in = { mem_alloc(MAX_MUTATED), 0 };
    uint64_t n = 0;

    while (clock_now_ns() < until) {
        const struct input *from = &corpus.items[below(corpus.len)];

        in.size = MIN(from->size, MAX_MUTATED);
        if (in.size)
            memcpy(in.data, from->data, in.size);
        for (size_t times = 1 + below(8); times > 0; times--)
            mutate(&in);
        run(in.data, in.size);
        n++;
    }
    mem_free(in.data);
    return n;
}

int main(int argc, char **argv)
{
    int64_t seconds = 0, seed = clock_wall_ms();
    int option, n_failed = 0;
    uint64_t n = 0;

    while ((option = getopt(argc, argv, "s:r:")) != -1)
        if (option == '?' ||
            !span_parse_i64(span_str(optarg), option == 's' ? &seconds : &seed)) {
            fprintf(stderr, "usage: %s [-s SECONDS] [-r SEED] FILE|FOLDER...\n",
                    argv[0]);
            return 2;
        }
    for (int i = optind; i < argc; i++)
        n_failed += read_path(argv[i]);
    if (LLVMFuzzerInitialize)
        LLVMFuzzerInitialize(&argc, &argv);
    watch_for_death(argv[0]);
    for (size_t i = 0; i < corpus.len; i++)
        run(corpus.items[i].data, corpus.items[i].size);
    if (!corpus.len)
        keep(SPAN_NONE);
    random_state = (uint64_t)seed * 2 + 1;
    if (seconds > 0)
        n = fuzz(seconds);
    printf("%s: %zu inputs and %llu mutations ran (seed %lld)\n", argv[0], corpus.len,
           (unsigned long long)n, (long long)seed);
    for (size_t i = 0; i < corpus.len; i++)
        mem_free(corpus.items[i].data);
    mem_free(corpus.items);
    return n_failed ? 1 : 0;
}
