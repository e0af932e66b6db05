/* SPDX-License-Identifier: MIT */
/*
 * One parser process as its parent sees it: started through the zygote, spoken
 * to over a channel, watched, killed, and reported gone exactly once for each
 * time it was started. What the bytes mean and which job is whose is the
 * pool's business (crawler/pool.c), the only user of this file.
 *
 *   state      -> state      by
 *   none          starting   parser_start
 *   starting      ready      its hello
 *   ready         stopping   parser_stop: it ends by itself
 *   any           ending     parser_kill; its end is known from the pidfd
 *   any but none  none       its exit status came (on_gone); or the zygote died
 *
 * Everything in shared memory is a stranger's word; see parse/channel.h.
 * Nothing here suspends; callbacks run on the loop.
 */
#pragma once

#include <time.h>

#include "config/list.h"
#include "crawler/zygote.h"
#include "fetch/loop.h"
#include "parse/channel.h"

enum parser_state {
    PARSER_NONE,
    PARSER_STARTING,
    PARSER_READY,
    PARSER_STOPPING,
    PARSER_ENDING,
};

/* Why it is no more. */
enum parser_cause {
    PARSER_DIED,       /* by itself: a signal, or an exit code of its own */
    PARSER_NO_MEMORY,  /* said so with its exit code */
    PARSER_NO_START,   /* could not set itself up, or took too long to */
    PARSER_STOPPED,    /* as asked by parser_stop */
    PARSER_TIMED_OUT,  /* killed: its first job took too long by the clock */
    PARSER_OVERRAN,    /* killed: its first job took too much processor time */
    PARSER_LIED,       /* killed: what it sent cannot be */
    PARSER_TERMINATED, /* killed: the pool ends */
};

struct parser;

/* on_gone and on_ready may start, stop and send; on_answer copies the bytes, then calls channel_taken. */
struct parser_events {
    void (*on_ready)(struct parser *p);
    /* False: the answer is a lie; the parser kills the process. */
    bool (*on_answer)(struct parser *p, struct span shared_bytes);
    /* The job at the head has had its time; why is PARSER_TIMED_OUT or PARSER_OVERRAN. */
    void (*on_late)(struct parser *p, enum parser_cause why);
    void (*on_gone)(struct parser *p, enum parser_cause cause);
};

/* Transparent for the pool, which embeds it; only parser.c writes what is above the line. */
struct parser {
    struct loop *loop;
    const struct parser_events *events;
    struct worker_options options; /* channel_fd and bell_fd stay -1 here */
    enum parser_state state;
    enum parser_cause cause; /* once it is stopping or ending */
    uint64_t serial;         /* of this start; what the zygote's news carry */
    pid_t pid;
    bool is_dead; /* the pidfd said so; the report is still to come */
    int pidfd, bell_fd;
    clockid_t cpu_clock; /* the process's, once it has a pid */
    bool has_cpu_clock;
    loop_watch_id bell_watch, pidfd_watch;
    struct channel channel;
    struct loop_timer
        timer;            /* of the state: start, first job, stop, report of the end */
    deadline start_by;    /* while it starts */
    deadline late_at;     /* the first job's deadline; DEADLINE_NEVER without a job */
    int64_t cpu_share_ns; /* of the first job; 0: any */
    int64_t cpu_limit_ns; /* the same once it is counted; 0: it is not */
    int64_t cpu_start_ns; /* what the process had used when that job's turn came, or a little more */
    int64_t cpu_read_at;  /* when its clock was read for that; 0: not yet */
    int64_t cpu_read_ns;  /* what it said */
    int exit_code, signo; /* of the last end; -1 and 0 where unknown */
    char hello[CHANNEL_HELLO_SIZE];
    /* ---- the pool's ---- */
    void *owner;
    struct list_node jobs; /* handed over, first is next to be answered */
    uint64_t n_handed;
    bool is_alone;    /* its one job is a second try: nothing beside it */
    bool is_retiring; /* gets no more jobs, stops when it has none */
};

void parser_init(struct parser *p, struct loop *l, const struct parser_events *events,
                 const struct worker_options *o, void *owner);

/* Orders a process from the zygote under this serial. ERR_CLOSED without a zygote, ERR_IO, ERR_FULL. */
enum err parser_start(struct parser *p, uint64_t serial,
                      struct err_note *note) MUST_USE;

/* The zygote's word about this serial. */
void parser_on_news(struct parser *p, const struct zygote_news *news);

/* The zygote is dead, and with it every process of its: on_gone follows at once. */
void parser_on_zygote_lost(struct parser *p);

/* Copies a request in. ERR_FULL when there is no room now. */
enum err parser_send(struct parser *p, struct span request) MUST_USE;

/*
 * The first job's time runs until then; DEADLINE_NEVER: there is no job. It may
 * use cpu_ns of processor time (0: any amount), which the kernel counts for us:
 * a machine under load takes nothing from it, and no parser can hide what it used.
 */
void parser_expect_by(struct parser *p, deadline late_at, int64_t cpu_ns);

/* Processor time of its process so far; 0 when unknown. */
int64_t parser_cpu_ns(const struct parser *p);

/* Asks it to end when it is through with what it has. */
void parser_stop(struct parser *p);

/* Ends it now; on_gone follows with this cause. */
void parser_kill(struct parser *p, enum parser_cause cause);

/* Kills it if its start takes too long. The loop sees to it each second; for who waits without the loop. */
void parser_check_start(struct parser *p);

/* Reads what it has to say now instead of when the loop gets to it. */
void parser_look(struct parser *p);

/* Ready, and not dead either without our having been told. A system call. */
bool parser_is_alive(const struct parser *p);

/* Memory of its own, from /proc; 0 when unknown. */
size_t parser_memory_bytes(const struct parser *p);

/* "signal 11 (Segmentation fault)", "exit code 3" ... of the last end. */
void parser_describe_end(const struct parser *p, char *out, size_t n);
