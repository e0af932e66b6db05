/* SPDX-License-Identifier: MIT */
/*
 * What a compromised or broken parser process would do, for tests: crash, hang,
 * eat memory, reach for files, sockets and processes, and lie to its parent in
 * every way the protocol has. Only reached when the pool was opened with
 * may_misbehave, which no command of the program does.
 */
#pragma once

#include "parse/channel.h"
#include "parse/worker.h"

/*
 * Carries job->command out. True when it has answered (or rather lied) by
 * itself; else *out is the honest answer to send. May not return at all.
 */
bool misbehave_do(struct worker_kit *kit, struct channel_end *c, const struct job *job,
                  uint64_t id, struct answer *out);
