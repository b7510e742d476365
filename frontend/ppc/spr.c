/* SPDX-License-Identifier: MIT */
/*
 * spr.c - the special-purpose registers, as mfspr and mtspr reach them.
 * Spec: Power ISA 3.0B Book III, 4.4 (table of SPRs), 5.4.1 (access).
 * Missing: hypervisor registers (there is no hypervisor state); performance counters, watch and trace registers keep
 * their values and do nothing; FSCR does not make facilities trap.
 */
#include "frontend/ppc/spr.h"

#include "frontend/ppc/ppc.h"
#include "frontend/ppc/trans.h"

static uint64_t read_xer(Env *env) {
    return ppc_xer(env);
}
static uint64_t read_timebase(Env *env) {
    return ppc_timebase(env);
}
static uint64_t read_timebase_upper(Env *env) {
    return ppc_timebase(env) >> 32;
}
static uint64_t read_pvr(Env *env) {
    return ppc_cold(env)->model->pvr;
}
static uint64_t read_pir(Env *env) {
    return ppc_cold(env)->index;
}
static uint64_t read_pid(Env *env) {
    return ppc_cold(env)->pid;
}
/* The machine's hypervisor has set it. */
static uint64_t read_lpcr(Env *env) {
    return ppc_cold(env)->lpcr;
}

/* Who may access what changes. */
static void set_keys(Env *env, unsigned which, uint64_t value) {
    const CpuPorts *ports = ppc_cold(env)->ports;
    uint64_t *reg = &ppc_cpu(env)->plain[which];
    if (*reg != value) {
        *reg = value;
        ports->context_changed(ports->opaque, env);
    }
}
static void write_amr(Env *env, uint64_t value) {
    set_keys(env, PPC_PLAIN_AMR, value);
}
/* UAMOR says which bits a user may change. */
static void write_amr_user(Env *env, uint64_t value) {
    uint64_t *plain = ppc_cpu(env)->plain, mask = ppc_cpu(env)->msr & PPC_MSR_PR ? plain[PPC_PLAIN_UAMOR] : UINT64_MAX;
    set_keys(env, PPC_PLAIN_AMR, (plain[PPC_PLAIN_AMR] & ~mask) | (value & mask));
}
/* Rights to execute are part of no context of radix. */
static void write_iamr(Env *env, uint64_t value) {
    const PpcCold *cold = ppc_cold(env);
    if (cold->lpcr & PPC_LPCR_HR && ppc_cpu(env)->plain[PPC_PLAIN_IAMR] != value) {
        cold->ports->tlb_flush_all(cold->ports->opaque, env, false);
    }
    set_keys(env, PPC_PLAIN_IAMR, value);
}

#define PLAIN(name, number, access, ...) {#name, number, access, PPC_PLAIN_##name, __VA_ARGS__},
#define ALIAS(name, number, access, of) {name, number, access, PPC_PLAIN_##of}
const PpcSpr ppc_sprs[] = {
    PPC_PLAIN_SPRS(PLAIN)
    {"XER", 1, PPC_U, -1, .read = read_xer, .write = ppc_set_xer},
    {"LR", 8, PPC_U, -1},
    {"CTR", 9, PPC_U, -1},
    ALIAS("DSCR", 3, PPC_U, DSCR),
    {"AMR", 13, PPC_U, PPC_PLAIN_AMR, .write = write_amr_user},
    ALIAS("CTRL", 136, PPC_UR | PPC_SR, CTRL),
    ALIAS("SPRG3", 259, PPC_UR | PPC_SR, SPRG3),
    {"DEC", 22, PPC_S, -1, .read = ppc_dec_read, .write = ppc_dec_write},
    {"PIDR", 48, PPC_S, -1, .read = read_pid, .write = ppc_pid_write, .feature = PPC_ISA300},
    {"TB", 268, PPC_UR | PPC_SR, -1, .read = read_timebase},
    {"TBU", 269, PPC_UR | PPC_SR, -1, .read = read_timebase_upper},
    {"SPURR", 308, PPC_SR, -1, .read = read_timebase}, /* a CPU has its core for itself */
    {"PURR", 309, PPC_SR, -1, .read = read_timebase},
    {"PVR", 287, PPC_SR, -1, .read = read_pvr},
    {"LPCR", 318, PPC_SR, -1, .read = read_lpcr},
    {"PIR", 1023, PPC_SR, -1, .read = read_pir},
};
const unsigned ppc_spr_count = G_N_ELEMENTS(ppc_sprs);

int ppc_spr_find(const Env *env, unsigned number) {
    for (unsigned i = 0; i < ppc_spr_count; i++) {
        if (ppc_sprs[i].number == number && ppc_has(env, ppc_sprs[i].feature)) {
            return (int)i;
        }
    }
    return -1;
}

uint64_t ppc_helper_spr_read(Env *env, uint32_t row);
void ppc_helper_spr_write(Env *env, uint32_t row, uint64_t value);
void ppc_helper_spr_unknown(Env *env, uint32_t number);

uint64_t ppc_helper_spr_read(Env *env, uint32_t row) {
    return ppc_sprs[row].read(env);
}

void ppc_helper_spr_write(Env *env, uint32_t row, uint64_t value) {
    ppc_sprs[row].write(env, value);
}

/* Numbers with 16 set belong to the supervisor: to the user they are privileged, to the supervisor the insn does nothing.
 * The others are illegal to the user, and to the supervisor 0, 4, 5 and 6. */
void ppc_helper_spr_unknown(Env *env, uint32_t number) {
    const CpuPorts *ports = ppc_cold(env)->ports;
    bool user = ppc_cpu(env)->msr & PPC_MSR_PR;
    ports->log(ports->opaque, env, CPU_LOG_UNIMP, "no special-purpose register %u", number);
    if (user) {
        ppc_raise_program(env, number & 16 ? PPC_PROGRAM_PRIVILEGED : PPC_PROGRAM_ILLEGAL);
    } else if (number == 0 || (number >= 4 && number <= 6)) {
        ppc_raise_program(env, PPC_PROGRAM_ILLEGAL);
    }
}
