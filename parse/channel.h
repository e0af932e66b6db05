/* SPDX-License-Identifier: MIT */
/*
 * The memory a parser process and its parent share: a ring of requests, a ring
 * of answers, and the doorbells. One sealed memfd a worker, mapped by both.
 *
 *   page of the parent   how many requests were handed over, how many answers
 *                        were taken, "stop", and where each request lies
 *   page of the worker   its hello, how many answers are there, where each lies
 *   request bytes        written by the parent
 *   answer bytes         written by the worker
 *
 * Both rings have one producer and one consumer, and answers come in the order
 * of the requests. A doorbell is rung only when the other side said that it
 * sleeps, so under load an item costs no system call. The worker sleeps on a
 * futex (it cannot make the parent's wake-up block), the parent on an eventfd
 * in its event loop.
 *
 * Invariants
 * 1. The parent keeps its own copy of everything it decides by, and reads each
 *    number of the worker's once: nothing the worker writes makes the parent
 *    touch memory outside the mapping, or wait.
 * 2. Space is handed out first in, first out, and starts at the beginning again
 *    whenever nothing is in use, so that the same few pages stay in the cache.
 * 3. At most CHANNEL_SLOTS requests are unanswered.
 *
 * Knows nothing of what the bytes mean (parse/wire.h) nor of processes. Only
 * channel_next and channel_wait_taken block, and only in a worker.
 */
#pragma once

#include <stdatomic.h>

#include "config/err.h"
#include "config/span.h"

#define CHANNEL_VERSION       1u
#define CHANNEL_SLOTS         64u
#define CHANNEL_REQUEST_BYTES ((size_t)4 << 20)
#define CHANNEL_ANSWER_BYTES  ((size_t)64 << 20)
#define CHANNEL_HELLO_SIZE    512

struct channel_shared;

/* First-in-first-out space in a region; see invariant 2. */
struct channel_space {
    size_t cap,
        lap; /* region size; where to turn back to the beginning when that is free */
    size_t pos;
    uint64_t taken, released; /* pieces so far */
    size_t offsets[CHANNEL_SLOTS]; /* of the pieces */
};

void channel_space_init(struct channel_space *s, size_t cap, size_t lap);
/* The length of a free run of at least want bytes, its place in *out_offset; 0 when there is none. */
size_t channel_space_room(const struct channel_space *s, size_t want,
                          size_t *out_offset);
/* Takes len bytes at an offset that channel_space_room gave. */
void channel_space_take(struct channel_space *s, size_t offset, size_t len);
/* Gives the oldest piece back. */
void channel_space_release(struct channel_space *s);

static inline bool channel_space_is_empty(const struct channel_space *s)
{
    return s->taken == s->released;
}

/* ---- the parent's end ---- */

struct channel {
    struct channel_shared *shared;
    uint64_t sent, received; /* requests handed over, answers taken; ours alone */
    size_t
        answer_peak; /* how far into the answer bytes the worker has been seen to write */
    struct channel_space requests;
};

/* Makes the memory; *out_fd is the memfd for the worker, the caller closes it. ERR_IO. */
enum err channel_open(struct channel *out, int *out_fd, struct err_note *note) MUST_USE;
void channel_close(struct channel *c);

/* Requests without an answer. */
static inline size_t channel_in_work(const struct channel *c)
{
    return (size_t)(c->sent - c->received);
}

/* Copies a request in and wakes the worker if it sleeps. ERR_FULL when there is no room now. */
enum err channel_send(struct channel *c, struct span request) MUST_USE;

/*
 * The next answer, a view of shared memory that may change under the reader:
 * copy it, then channel_taken. ERR_NOT_FOUND when there is none, ERR_CORRUPT
 * when what the worker says cannot be (an answer nobody asked for, a place
 * outside the region).
 */
enum err channel_receive(struct channel *c, struct span *out) MUST_USE;

/* The answer last received was copied; its space is the worker's again. */
void channel_taken(struct channel *c);

/* Before going back to sleep: asks for the bell. True when an answer is there already. */
bool channel_ask_for_bell(struct channel *c);

/* Tells the worker to end when it looks next. */
void channel_stop(struct channel *c);

enum channel_state {
    CHANNEL_STARTING, /* no hello so far */
    CHANNEL_READY,
    CHANNEL_FAILED, /* the worker could not start */
    N_CHANNEL_STATES
};

/*
 * The worker's hello: its state, and a text (what protects it, or why it
 * failed) with unsafe bytes replaced. ERR_VERSION for another protocol,
 * ERR_CORRUPT for a state that does not exist.
 */
enum err channel_hello(const struct channel *c, enum channel_state *out,
                       char text[CHANNEL_HELLO_SIZE]) MUST_USE;

/* Gives the memory behind large answers back to the kernel. Only while nothing is in work. */
void channel_trim(struct channel *c);

/* ---- the worker's end ---- */

struct channel_end {
    struct channel_shared *shared;
    int bell_fd;                 /* the parent's eventfd */
    uint64_t received, answered; /* requests taken, answers published */
    struct channel_space answers;
    size_t ready_to; /* so much of their region has memory, but for what channel_trim took */
};

/* Maps fd, which may be closed afterwards. ERR_IO. */
enum err channel_attach(struct channel_end *out, int fd, int bell_fd,
                        struct err_note *note) MUST_USE;

/* state is CHANNEL_READY or CHANNEL_FAILED. */
void channel_greet(struct channel_end *c, uint32_t version, enum channel_state state,
                   const char *text);

/* The next request, valid until it is answered. Blocks. False when the parent said stop. */
bool channel_next(struct channel_end *c, struct span *out);

/* Space for an answer of at least want bytes, and how much there is; NULL when there is none now. */
char *channel_answer_room(struct channel_end *c, size_t want, size_t *out_room);

/* Publishes the first len bytes of that space as the next answer. */
void channel_answer(struct channel_end *c, const char *at, size_t len);

/* Publishes any slot: for workers that lie in tests. */
void channel_answer_raw(struct channel_end *c, uint64_t offset, uint64_t len);

/* Blocks until the parent has taken every answer. */
void channel_wait_taken(struct channel_end *c);
