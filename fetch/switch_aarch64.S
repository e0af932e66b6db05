/* SPDX-License-Identifier: MIT */
/*
 * The switch for aarch64 (AAPCS64: x19-x29, the low halves of v8-v15 and the
 * control bits of fpcr belong to the callee; x30 is where to go on).
 *
 * A suspended stack, from the saved pointer upwards:
 *
 *    0  x19 x20     48  x25 x26     96  d8  d9     144  d14 d15
 *   16  x21 x22     64  x27 x28    112  d10 d11    160  fpcr
 *   32  x23 x24     80  x29 x30    128  d12 d13
 */
        .text

#define FRAME 176

/* void switch_to(void **out_from, void *to) */
        .globl  switch_to
        .type   switch_to, %function
        .p2align 4
switch_to:
        .cfi_startproc
        hint    #34                             /* bti c: a valid target of indirect calls */
        sub     sp, sp, #FRAME
        .cfi_def_cfa_offset FRAME
        stp     x19, x20, [sp, #0]              /* the callee-saved registers */
        .cfi_rel_offset x19, 0
        .cfi_rel_offset x20, 8
        stp     x21, x22, [sp, #16]
        .cfi_rel_offset x21, 16
        .cfi_rel_offset x22, 24
        stp     x23, x24, [sp, #32]
        .cfi_rel_offset x23, 32
        .cfi_rel_offset x24, 40
        stp     x25, x26, [sp, #48]
        .cfi_rel_offset x25, 48
        .cfi_rel_offset x26, 56
        stp     x27, x28, [sp, #64]
        .cfi_rel_offset x27, 64
        .cfi_rel_offset x28, 72
        stp     x29, x30, [sp, #80]             /* frame pointer and return address */
        .cfi_rel_offset x29, 80
        .cfi_rel_offset x30, 88
        stp     d8, d9, [sp, #96]               /* the callee-saved vector halves */
        stp     d10, d11, [sp, #112]
        stp     d12, d13, [sp, #128]
        stp     d14, d15, [sp, #144]
        mrs     x9, fpcr                        /* rounding and traps */
        str     x9, [sp, #160]

        mov     x9, sp
        str     x9, [x0]                        /* *out_from = this stack */
        mov     sp, x1                          /* the other stack, laid out alike */

        ldr     x9, [sp, #160]
        msr     fpcr, x9
        ldp     d14, d15, [sp, #144]
        ldp     d12, d13, [sp, #128]
        ldp     d10, d11, [sp, #112]
        ldp     d8, d9, [sp, #96]
        ldp     x29, x30, [sp, #80]
        ldp     x27, x28, [sp, #64]
        ldp     x25, x26, [sp, #48]
        ldp     x23, x24, [sp, #32]
        ldp     x21, x22, [sp, #16]
        ldp     x19, x20, [sp, #0]
        add     sp, sp, #FRAME
        .cfi_def_cfa_offset 0
        ret                                     /* to whoever had called switch_to there */
        .cfi_endproc
        .size   switch_to, .-switch_to

/* The first instructions on a fresh stack: x19 = fn, x20 = arg, see below. */
        .type   start, %function
        .p2align 4
start:
        .cfi_startproc
        .cfi_undefined x30                      /* the outermost frame */
        hint    #36                             /* bti j */
        mov     x30, xzr                        /* no return address */
        mov     x0, x20                         /* arg */
        blr     x19                             /* fn(arg) */
        brk     #1                              /* fn must not return */
        .cfi_endproc
        .size   start, .-start

/* void *switch_prepare(void *stack_top, void (*fn)(void *), void *arg) */
        .globl  switch_prepare
        .type   switch_prepare, %function
        .p2align 4
switch_prepare:
        .cfi_startproc
        hint    #34
        and     x0, x0, #-16                    /* the ABI's stack alignment */
        sub     x0, x0, #FRAME
        stp     x1, x2, [x0, #0]                /* x19 = fn, x20 = arg */
        stp     xzr, xzr, [x0, #16]
        stp     xzr, xzr, [x0, #32]
        stp     xzr, xzr, [x0, #48]
        stp     xzr, xzr, [x0, #64]
        adr     x9, start
        stp     xzr, x9, [x0, #80]              /* x29 = 0 ends chains of frame pointers */
        stp     xzr, xzr, [x0, #96]
        stp     xzr, xzr, [x0, #112]
        stp     xzr, xzr, [x0, #128]
        stp     xzr, xzr, [x0, #144]
        mrs     x9, fpcr                        /* control word as it is now */
        stp     x9, xzr, [x0, #160]
        ret
        .cfi_endproc
        .size   switch_prepare, .-switch_prepare

        .section .note.GNU-stack, "", %progbits /* the stack need not be executable */
