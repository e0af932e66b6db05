/* SPDX-License-Identifier: MIT */
/*
 * The dispatcher: one coroutine that starts visits and preparations while
 * every bound allows it, notices when nothing is left, and brings the crawl to
 * an orderly end. It holds back while too much is in flight, answered but not
 * committed, or held in memory; so a slow stage slows those before it.
 */
#pragma once

#include "crawler/seeds.h"

struct dispatch {
    struct crawl *c;
    const struct seeds *seeds;
};

/* The dispatcher's coroutine; arg is a struct dispatch. Stops the scheduler when all is over. */
intptr_t dispatch_main(void *arg);
