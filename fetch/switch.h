/* SPDX-License-Identifier: MIT */
/*
 * The register switch, in three functions: assembler for x86-64 and aarch64
 * (fetch/switch_*.S), ucontext elsewhere (fetch/switch_ucontext.c). A suspended
 * stack is known by one pointer; everything else about it lies on the stack
 * itself.
 *
 * It knows nothing of coroutines, and of sanitizers only that they are told by
 * fetch/coro.c. The signal mask and errno are not part of what is switched.
 */
#pragma once

/*
 * Saves what the ABI wants kept over a call (and the floating-point control
 * words) on the running stack, stores its place in *out_from, and goes on where
 * `to` was saved. Returns when somebody switches back to *out_from.
 */
void switch_to(void **out_from, void *to);

/*
 * Lays out a fresh stack that ends below stack_top, so that the first switch to
 * the returned place calls fn(arg) there. fn must never return; debuggers see
 * it as the outermost frame.
 */
void *switch_prepare(void *stack_top, void (*fn)(void *arg), void *arg);
