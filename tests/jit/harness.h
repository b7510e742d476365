/* SPDX-License-Identifier: MIT */
/*
 * harness.h - one block of IR on a made-up machine: by host code through the real backend, TLB and slow paths, or by
 * the IR interpreter over a memory written independently of tcg/. The same block on both must leave the same state.
 */
#ifndef TESTS_JIT_HARNESS_H
#define TESTS_JIT_HARNESS_H

#include "ir/host.h"

/* A guest: its slots and helpers, and its memory, in which virtual and physical addresses are the same. */
typedef struct JitGuest {
    const IrSlot *slots;
    unsigned slot_count;
    const IrHelper *helpers;
    unsigned helper_count;
    uint64_t base;      /* address of the first page */
    const char *pages;  /* one letter a page: r RAM, o read-only RAM, d a device that is like RAM, x a device that
                         * refuses every access, - unmapped. What lies outside is unmapped */
    void (*fault)(Env *env, uint64_t va); /* takes an exception; must set env->pc */
} JitGuest;

/* One of the two sides. */
typedef struct JitSide JitSide;
JitSide *jit_side_new(const JitGuest *guest, bool host);
/* A host side whose code keeps to a level of the backend, which this machine must have. */
JitSide *jit_side_at_level(const JitGuest *guest, const char *level);
void jit_side_free(JitSide *s);
Env *jit_env(JitSide *s);
/* All pages, whatever they are, in order. */
uint8_t *jit_memory(JitSide *s);
size_t jit_memory_size(const JitSide *s);
/* The vCPU of a host side. */
struct Vcpu *jit_vcpu(JitSide *s);
/* Host side: the next accesses find an empty TLB. */
void jit_forget(JitSide *s);
/* Compiles a block without running it. False: the translator refuses it. */
bool jit_compile(JitSide *s, const IrBlock *b);
/* Compiles if need be, and runs from env->pcbase; the result is in env->exit_reason too. A host side that cannot
 * compile the block answers IR_EXIT_SLOW at the page's start, as if its first insn could not be done. */
IrExit jit_run(JitSide *s, const IrBlock *b);
/* Host side: runs what has been compiled last. */
IrExit jit_again(JitSide *s);
/* Host side: does the next block choose its pins? At first none does. */
void jit_own_pins(JitSide *s, bool own);
void jit_vary_pins(JitSide *s); /* every other block does */
/* Text of the host code compiled last. */
void jit_text(JitSide *s, GString *out);
/* The host code compiled last. */
const uint8_t *jit_host(JitSide *s, size_t *bytes);
/* Was the last block compiled? */
bool jit_compiled(const JitSide *s);

/* Interpreter's side, after a run: the values of its nodes, of which those that were executed count. */
const IrVal *jit_values(const JitSide *s);
/* Interpreter's side, after a run: the node that faulted, or 0 when the run came to its terminator. */
uint32_t jit_left_at(const JitSide *s);
/* The letter of the page of an address; - outside. */
char jit_page(const JitSide *s, uint64_t va);

/* Copies slots, memory and everything else a block may see; the sides may be of either kind. */
void jit_copy(JitSide *to, JitSide *from);
/* Appends what differs, one line each; true when nothing does. insns are not compared: host code does not count. */
bool jit_compare(JitSide *got, JitSide *want, GString *out);

#endif
