/* SPDX-License-Identifier: MIT */
/*
 * What a finished transfer amounts to: libcurl's code, our own reason for
 * stopping and what was seen of the answer, folded into one fetch_outcome. Pure.
 * libcurl's codes are coarse (success for a cut head, "out of memory" for a
 * long line), so the head we counted ourselves decides where they do not.
 */
#pragma once

#include "fetch/transfer.h"

/* t->request must still be there. */
enum fetch_outcome outcome_of(const struct transfer *t, CURLcode result);

/*
 * Nothing was heard on a kept connection, or the server refused the stream
 * unprocessed: sending again is safe, but when is for politeness to decide and
 * not for libcurl (promises P30, P48). t->outcome must be set.
 */
bool outcome_is_lost_reuse(const struct transfer *t);

/*
 * The server went away under the handshake, restarting perhaps: that says nothing of its certificate or versions.
 * libcurl tells it from others by its words only.
 */
bool outcome_is_cut_handshake(const struct transfer *t);

/*
 * Who speaks is the proxy, for itself: taken for the host's, "you need a password" (407) would mean a host without
 * robots.txt. A tunnel has no such answers; one that is not opened is no connection.
 */
bool outcome_is_of_proxy(const struct transfer *t);
