/* SPDX-License-Identifier: MIT */
/*
 * The switch for x86-64 (System V psABI 3.2.1: callee-saved registers, and the
 * control bits of mxcsr and the x87 control word belong to the callee too).
 *
 * A suspended stack, from the saved pointer upwards:
 *
 *    0  mxcsr, x87 control word     24  r13     48  rbp
 *    8  r15                         32  r12     56  return address
 *   16  r14                         40  rbx
 *
 * No .note.gnu.property follows: the file does not maintain a shadow stack, so
 * it must not claim to.
 */
        .text

/* void switch_to(void **out_from, void *to) */
        .globl  switch_to
        .type   switch_to, @function
        .p2align 4
switch_to:
        .cfi_startproc
        endbr64                                 /* a valid target of indirect calls */
        pushq   %rbp                            /* the six callee-saved registers */
        .cfi_adjust_cfa_offset 8
        .cfi_rel_offset rbp, 0
        pushq   %rbx
        .cfi_adjust_cfa_offset 8
        .cfi_rel_offset rbx, 0
        pushq   %r12
        .cfi_adjust_cfa_offset 8
        .cfi_rel_offset r12, 0
        pushq   %r13
        .cfi_adjust_cfa_offset 8
        .cfi_rel_offset r13, 0
        pushq   %r14
        .cfi_adjust_cfa_offset 8
        .cfi_rel_offset r14, 0
        pushq   %r15
        .cfi_adjust_cfa_offset 8
        .cfi_rel_offset r15, 0
        subq    $8, %rsp                        /* room for the control words */
        .cfi_adjust_cfa_offset 8
        stmxcsr (%rsp)                          /* SSE rounding and masks */
        fnstcw  4(%rsp)                         /* x87 rounding and masks */

        movq    %rsp, (%rdi)                    /* *out_from = this stack */
        movq    %rsi, %rsp                      /* the other stack, laid out alike: */
                                                /* the unwind rules above still hold */
        fldcw   4(%rsp)
        ldmxcsr (%rsp)
        addq    $8, %rsp
        .cfi_adjust_cfa_offset -8
        popq    %r15
        .cfi_adjust_cfa_offset -8
        .cfi_restore r15
        popq    %r14
        .cfi_adjust_cfa_offset -8
        .cfi_restore r14
        popq    %r13
        .cfi_adjust_cfa_offset -8
        .cfi_restore r13
        popq    %r12
        .cfi_adjust_cfa_offset -8
        .cfi_restore r12
        popq    %rbx
        .cfi_adjust_cfa_offset -8
        .cfi_restore rbx
        popq    %rbp
        .cfi_adjust_cfa_offset -8
        .cfi_restore rbp
        ret                                     /* to whoever had called switch_to there */
        .cfi_endproc
        .size   switch_to, .-switch_to

/* The first instructions on a fresh stack: r12 = fn, r13 = arg, see below. */
        .type   start, @function
        .p2align 4
start:
        .cfi_startproc
        .cfi_undefined rip                      /* the outermost frame */
        endbr64
        movq    %r13, %rdi                      /* arg */
        callq   *%r12                           /* fn(arg) */
        ud2                                     /* fn must not return */
        .cfi_endproc
        .size   start, .-start

/* void *switch_prepare(void *stack_top, void (*fn)(void *), void *arg) */
        .globl  switch_prepare
        .type   switch_prepare, @function
        .p2align 4
switch_prepare:
        .cfi_startproc
        endbr64
        andq    $-16, %rdi                      /* the ABI's stack alignment */
        leaq    -80(%rdi), %rax                 /* eight slots, and two of zeros on top */
        stmxcsr (%rax)                          /* control words as they are now */
        fnstcw  4(%rax)
        movq    $0, 8(%rax)                     /* r15 */
        movq    $0, 16(%rax)                    /* r14 */
        movq    %rdx, 24(%rax)                  /* r13 = arg */
        movq    %rsi, 32(%rax)                  /* r12 = fn */
        movq    $0, 40(%rax)                    /* rbx */
        movq    $0, 48(%rax)                    /* rbp = 0 ends chains of frame pointers */
        leaq    start(%rip), %rcx
        movq    %rcx, 56(%rax)                  /* where the first switch "returns" to */
        movq    $0, 64(%rax)                    /* start's own return address: none */
        movq    $0, 72(%rax)
        ret
        .cfi_endproc
        .size   switch_prepare, .-switch_prepare

        .section .note.GNU-stack, "", @progbits /* the stack need not be executable */
