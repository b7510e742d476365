/* SPDX-License-Identifier: MIT */
/*
 * spr.c - the special-purpose registers, as mfspr and mtspr reach them.
 * Spec: Power ISA 3.0B Book III, 4.4 (table of SPRs), 5.4.1 (access).
 * There is no hypervisor state: its registers are privileged. Missing: performance counters keep their values and do not
 * count; MMCR0[PMCC] does not say what users may see of them, FSCR does.
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
/* The upper half of PPR. */
static uint64_t read_ppr32(Env *env) {
    return ppc_cpu(env)->plain[PPC_PLAIN_PPR] >> 32;
}
static void write_ppr32(Env *env, uint64_t value) {
    uint64_t *ppr = &ppc_cpu(env)->plain[PPC_PLAIN_PPR];
    *ppr = (uint32_t)*ppr | value << 32;
}
/* BESCR's bits are set and cleared by two registers, and two more for its upper half. */
static uint64_t read_bescr(Env *env) {
    return ppc_cpu(env)->plain[PPC_PLAIN_BESCR];
}
static void write_bescrs(Env *env, uint64_t value) {
    ppc_cpu(env)->plain[PPC_PLAIN_BESCR] |= value;
}
static void write_bescrr(Env *env, uint64_t value) {
    ppc_cpu(env)->plain[PPC_PLAIN_BESCR] &= ~value;
}
static uint64_t read_bescr_upper(Env *env) {
    return read_bescr(env) >> 32;
}
static void write_bescrsu(Env *env, uint64_t value) {
    write_bescrs(env, value << 32);
}
static void write_bescrru(Env *env, uint64_t value) {
    write_bescrr(env, value << 32);
}
/* The thread's number in its core. */
static uint64_t read_tir(Env *env) {
    return ppc_cold(env)->index % ppc_cold(env)->threads;
}
static void write_fscr(Env *env, uint64_t value) {
    ppc_cpu(env)->plain[PPC_PLAIN_FSCR] = value;
    ppc_update_mode(env);
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
#define EBB(name, number, read_, write_)                                                                               \
    {name, number, PPC_U, -1, .read = read_, .write = write_, .facility = PPC_FACILITY_EBB}
#define TM(name, number) {name, number, PPC_U, -1, .facility = PPC_FACILITY_TM}
#define PM(name, number, of) {name, number, PPC_U, PPC_PLAIN_##of, .facility = PPC_FACILITY_PM}
#define H(name, number) {name, number, PPC_H, -1}
const PpcSpr ppc_sprs[] = {
    PPC_PLAIN_SPRS(PLAIN)
    {"XER", 1, PPC_U, -1, .read = read_xer, .write = ppc_set_xer},
    {"LR", 8, PPC_U, -1},
    {"CTR", 9, PPC_U, -1},
    {"DSCR", 3, PPC_U, PPC_PLAIN_DSCR, .facility = PPC_FACILITY_DSCR},
    EBB("BESCRS", 800, read_bescr, write_bescrs),
    EBB("BESCRSU", 801, read_bescr_upper, write_bescrsu),
    EBB("BESCRR", 802, read_bescr, write_bescrr),
    EBB("BESCRRU", 803, read_bescr_upper, write_bescrru),
    TM("TFHAR", 128), TM("TFIAR", 129), TM("TEXASR", 130), TM("TEXASRU", 131),
    PM("SIER", 768, SIER), PM("MMCR2", 769, MMCR2), PM("MMCRA", 770, MMCRA), PM("PMC1", 771, PMC1), PM("PMC2", 772, PMC2),
    PM("PMC3", 773, PMC3), PM("PMC4", 774, PMC4), PM("PMC5", 775, PMC5), PM("PMC6", 776, PMC6), PM("MMCR0", 779, MMCR0),
    PM("SIAR", 780, SIAR), PM("SDAR", 781, SDAR), PM("MMCR1", 782, MMCR1),
    {"PPR32", 898, PPC_U, -1, .read = read_ppr32, .write = write_ppr32},
    {"TIR", 446, PPC_SR, -1, .read = read_tir},
    {"PURR", 309, PPC_SR, -1, .read = read_timebase},
    {"SPURR", 308, PPC_SR, -1, .read = read_timebase},
    {"VTB", 849, PPC_SR, -1, .read = read_timebase},
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
    H("DPDES", 176), H("HSPRG0", 304), H("HSPRG1", 305), H("HDSISR", 306), H("HDAR", 307), H("HDEC", 310), H("RMOR", 312),
    H("HRMOR", 313), H("HSRR0", 314), H("HSRR1", 315), H("MMCRH", 316), H("TFMR", 317), H("LPCR", 318), H("LPIDR", 319),
    H("HMER", 336), H("HMEER", 337), H("PCR", 338), H("HEIR", 339), H("AMOR", 349), H("HFSCR", 190), H("RPR", 186),
    H("TBL", 284), H("TBU", 285), H("TBU40", 286), H("PTCR", 464), H("MMCRC", 851), H("ASDR", 816),
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
