/* SPDX-License-Identifier: MIT */
/*
 * exception.c - synchronous exceptions: vector, ESR, FAR, ELR and SPSR of each, from EL0 and EL1.
 */
#include "guest.h"

int guest_main(void);

enum { SPSR_EL1H = 0x3c5, SPSR_EL0 = 0x3c0, SPSR_LOW = 0xfffffff };

/* -- exception-generating insns -- */

CODE(svc_0, "svc #0");
CODE(svc_ffff, "svc #0xffff");
CODE(hvc_1, "hvc #1");
CODE(hvc_0, "hvc #0");
CODE(smc_0, "smc #0");
CODE(brk_1234, "brk #0x1234");
CODE(hlt_1, "hlt #1");
CODE(hlt_f000, "hlt #0xf000");
CODE(udf_0, ".inst 0");
CODE(udf_ffff, ".inst 0xffff");
CODE(dcps1, "dcps1");
CODE(drps, "drps");
CODE(eret, "eret");
CODE(unallocated_1, ".inst 0xffffffff");
CODE(unallocated_2, ".inst 0x02000000"); /* SVE's space */
CODE(unallocated_3, ".inst 0x1eb00000"); /* FP, type 2 does not exist */
CODE(unallocated_4, ".inst 0xd4000000"); /* exception group, LL = 0 */
CODE(unallocated_5, ".inst 0x53008000"); /* UBFM, 32-bit, imms of 32 */
CODE(unallocated_6, ".inst 0x0b208000 | 5 << 10"); /* ADD (extended), shift of 5 */
CODE(unallocated_7, ".inst 0xd5031fff"); /* MSR (immediate), no such field */
CODE(unallocated_8, ".inst 0x12400000"); /* AND (immediate), 32-bit, N = 1 */
CODE(unallocated_9, ".inst 0xd69f0be0"); /* ERETAA without its op4 */
CODE(msr_midr, "msr s3_0_c0_c0_0, x0");
CODE(msr_cntvct, "msr s3_3_c14_c0_2, x0");
CODE(mrs_oslar, "mrs x0, s2_0_c1_c0_4");
CODE(mrs_hcr, "mrs x0, hcr_el2");
CODE(mrs_scr, "mrs x0, scr_el3");
CODE(mrs_sctlr_el12, "mrs x0, s3_5_c1_c0_0");
CODE(mrs_none, "mrs x0, s3_0_c2_c7_5");
CODE(mrs_id_free, "mrs x0, s3_0_c0_c7_7\n ret");
CODE(mrs_isr12, "mrs x0, s3_0_c0_c2_7\n ret");
CODE(tlbi_none, "sys #0, c8, c7, #6, x0");
CODE(tlbi_el2, "tlbi alle2");
CODE(at_el2, "at s1e2r, x0");
CODE(sysl_none, "sysl x0, #0, c8, c7, #0");
CODE(sp_el0_selected, "msr spsel, #0\n mrs x0, sp_el0");
CODE(mrs_sctlr, "mrs x0, sctlr_el1");
CODE(mrs_midr, "mrs x0, midr_el1");
CODE(mrs_currentel, "mrs x0, currentel");
CODE(msr_spsel, "msr spsel, #0");
CODE(tlbi_all, "tlbi vmalle1");
CODE(dc_ivac, "dc ivac, x0");

typedef struct Row {
    const void *code;
    uint64_t el1, el0; /* ESR; NO: there is no trap */
    unsigned offset;   /* of ELR from the code */
} Row;
#define UNDEF ESR(EC_UNKNOWN, 0)
#define NO 0

static const Row rows[] = {
    {svc_0, ESR(EC_SVC, 0), ESR(EC_SVC, 0), 4},
    {svc_ffff, ESR(EC_SVC, 0xffff), ESR(EC_SVC, 0xffff), 4},
    {hvc_1, UNDEF, UNDEF, 0},
    {hvc_0, NO, UNDEF, 0},
    {smc_0, UNDEF, UNDEF, 0},
    {brk_1234, ESR(EC_BRK, 0x1234), ESR(EC_BRK, 0x1234), 0},
    {hlt_1, UNDEF, UNDEF, 0},
    {hlt_f000, NO, UNDEF, 0},
    {udf_0, UNDEF, UNDEF, 0},
    {udf_ffff, UNDEF, UNDEF, 0},
    {dcps1, UNDEF, UNDEF, 0},
    {drps, UNDEF, UNDEF, 0},
    {eret, NO, UNDEF, 0},
    {unallocated_1, UNDEF, UNDEF, 0},
    {unallocated_2, UNDEF, UNDEF, 0},
    {unallocated_3, UNDEF, UNDEF, 0},
    {unallocated_4, UNDEF, UNDEF, 0},
    {unallocated_5, UNDEF, UNDEF, 0},
    {unallocated_6, UNDEF, UNDEF, 0},
    {unallocated_7, UNDEF, UNDEF, 0},
    {unallocated_8, UNDEF, UNDEF, 0},
    {unallocated_9, UNDEF, UNDEF, 0},
    {msr_midr, UNDEF, UNDEF, 0},
    {msr_cntvct, UNDEF, UNDEF, 0},
    {mrs_oslar, UNDEF, UNDEF, 0},
    {mrs_hcr, UNDEF, UNDEF, 0},
    {mrs_scr, UNDEF, UNDEF, 0},
    {mrs_sctlr_el12, UNDEF, UNDEF, 0},
    {mrs_none, UNDEF, UNDEF, 0},
    {mrs_id_free, NO, UNDEF, 0},
    {mrs_isr12, NO, UNDEF, 0},
    {tlbi_none, UNDEF, UNDEF, 0},
    {tlbi_el2, UNDEF, UNDEF, 0},
    {at_el2, UNDEF, UNDEF, 0},
    {sysl_none, UNDEF, UNDEF, 0},
    {mrs_sctlr, NO, UNDEF, 0},
    {mrs_midr, NO, UNDEF, 0},
    {mrs_currentel, NO, UNDEF, 0},
    {msr_spsel, NO, UNDEF, 0},
    {tlbi_all, NO, UNDEF, 0},
    {dc_ivac, NO, UNDEF, 0},
};

static void check_place(const void *code, unsigned offset, uint64_t spsr) {
    EQUAL(trap.elr, (uint64_t)code + offset);
    EQUAL(trap.spsr & SPSR_LOW, spsr);
}

static void generated(void) {
    for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
        const Row *r = &rows[i];
        guest_note("insn", *(const uint32_t *)r->code);
        if (r->el1 != NO) {
            run_el1(r->code, 0, 0, 0);
            guest_trap(SYNC_SPX, r->el1, __FILE__, __LINE__);
            check_place(r->code, r->offset, SPSR_EL1H);
        }
        run_el0(r->code, 0, 0, 0);
        guest_trap(SYNC_EL0, r->el0, __FILE__, __LINE__);
        check_place(r->code, r->offset, SPSR_EL0);
    }
    guest_note(NULL, 0);
    run_el1(mrs_id_free, 1, 0, 0);
    FINISHED();
    EQUAL(trap.x[0], 0);
    run_el1(sp_el0_selected, 0, 0, 0);
    TRAPPED(SYNC_SP0, EC_UNKNOWN, 0);
    check_place(sp_el0_selected, 4, 0x3c4);
    EQUAL(psci(0x8400abcd, 0, 0, 0), UINT64_MAX);
}

/* -- traps from EL0 -- */

CODE(fp_0, "fmov d0, x0" DONE);
CODE(simd_0, "movi v0.16b, #1" DONE);
CODE(simd_load, "ldr q0, [sp, #-16]" DONE);
CODE(fpcr_0, "mrs x0, fpcr" DONE);
CODE(fp_el1, "fmov d0, x0" RET);
CODE(simd_el1, "st1 {v0.16b}, [x0]" RET);
CODE(msr_fpsr_el1, "msr fpsr, xzr" RET);
CODE(ctr_0, "mrs x3, ctr_el0" DONE);
CODE(dczid_0, "mrs x0, dczid_el0" DONE);
CODE(zva_0, "dc zva, x0" DONE);
CODE(cvau_0, "dc cvau, x0" DONE);
CODE(civac_0, "dc civac, x0" DONE);
CODE(cvac_0, "dc cvac, x0" DONE);
CODE(ivau_0, "ic ivau, x0" DONE);
CODE(wfi_0, "wfi" DONE);
CODE(wfe_0, "wfe" DONE);
CODE(daif_read_0, "mrs x5, daif" DONE);
CODE(daif_write_0, "msr daif, x5" DONE);
CODE(daifset_0, "msr daifset, #5" DONE);
CODE(daifclr_0, "msr daifclr, #10" DONE);
CODE(vct_0, "mrs x7, cntvct_el0" DONE);
CODE(pct_0, "mrs x7, cntpct_el0" DONE);
CODE(frq_0, "mrs x7, cntfrq_el0" DONE);
CODE(vctl_0, "mrs x7, cntv_ctl_el0" DONE);
CODE(pctl_0, "msr cntp_ctl_el0, xzr" DONE);
CODE(pmcr_0, "mrs x9, pmcr_el0" DONE);
CODE(pmccntr_0, "mrs x9, pmccntr_el0" DONE);
CODE(pmswinc_0, "msr pmswinc_el0, x9" DONE);
CODE(tpidr_0, "msr tpidr_el0, x0\n mrs x1, tpidr_el0\n mrs x2, tpidrro_el0" DONE);
CODE(tpidrro_0, "msr tpidrro_el0, x0" DONE);

#define ISS(op0, op1, crn, crm, op2, rt, read)                                                                         \
    ((op0) << 20 | (op2) << 17 | (op1) << 14 | (crn) << 10 | (rt) << 5 | (crm) << 1 | (read))
enum { FP_ISS = 0x1e00000 };

#define BIT(n) (UINT64_C(1) << (n))
/* The code traps with ESR while the bits of the register are clear, and finishes when they are set. */
#define GATE(reg, bits, code, esr)                                                                                     \
    do {                                                                                                               \
        const uint64_t old_ = MRS(reg);                                                                                \
        MSR(reg, old_ & ~(uint64_t)(bits));                                                                            \
        run_el0(code, (uint64_t)user_stack_top - 64, 0, 0);                                                            \
        guest_trap(SYNC_EL0, esr, __FILE__, __LINE__);                                                                 \
        check_place(code, 0, SPSR_EL0);                                                                                \
        MSR(reg, old_ | (bits));                                                                                       \
        run_el0(code, (uint64_t)user_stack_top - 64, 0, 0);                                                            \
        FINISHED_EL0();                                                                                                \
        MSR(reg, old_);                                                                                                \
    } while (0)
#define S(...) ESR(EC_SYSREG, ISS(__VA_ARGS__))

static void gates(void) {
    GATE(cpacr_el1, BIT(20) | BIT(21), fp_0, ESR(EC_FP, FP_ISS));
    GATE(cpacr_el1, BIT(20) | BIT(21), simd_0, ESR(EC_FP, FP_ISS));
    GATE(cpacr_el1, BIT(20) | BIT(21), simd_load, ESR(EC_FP, FP_ISS));
    GATE(cpacr_el1, BIT(20) | BIT(21), fpcr_0, ESR(EC_FP, FP_ISS));
    GATE(sctlr_el1, BIT(15), ctr_0, S(3, 3, 0, 0, 1, 3, 1));
    GATE(sctlr_el1, BIT(14), zva_0, S(1, 3, 7, 4, 1, 0, 0));
    GATE(sctlr_el1, BIT(26), cvau_0, S(1, 3, 7, 11, 1, 0, 0));
    GATE(sctlr_el1, BIT(26), cvac_0, S(1, 3, 7, 10, 1, 0, 0));
    GATE(sctlr_el1, BIT(26), civac_0, S(1, 3, 7, 14, 1, 0, 0));
    GATE(sctlr_el1, BIT(26), ivau_0, S(1, 3, 7, 5, 1, 0, 0));
    GATE(sctlr_el1, BIT(18), wfe_0, ESR(EC_WFX, 0x1e00001));
    GATE(sctlr_el1, BIT(9), daif_read_0, S(3, 3, 4, 2, 1, 5, 1));
    GATE(sctlr_el1, BIT(9), daifset_0, S(0, 3, 4, 5, 6, 31, 0));
    GATE(cntkctl_el1, BIT(1), vct_0, S(3, 3, 14, 0, 2, 7, 1));
    GATE(cntkctl_el1, BIT(0), pct_0, S(3, 3, 14, 0, 1, 7, 1));
    GATE(cntkctl_el1, BIT(0) | BIT(1), frq_0, S(3, 3, 14, 0, 0, 7, 1));
    GATE(cntkctl_el1, BIT(8), vctl_0, S(3, 3, 14, 3, 1, 7, 1));
    GATE(cntkctl_el1, BIT(9), pctl_0, S(3, 3, 14, 2, 1, 31, 0));
    GATE(pmuserenr_el0, BIT(0), pmcr_0, S(3, 3, 9, 12, 0, 9, 1));
    GATE(pmuserenr_el0, BIT(0) | BIT(2), pmccntr_0, S(3, 3, 9, 13, 0, 9, 1));
    GATE(pmuserenr_el0, BIT(2), pmccntr_0, S(3, 3, 9, 13, 0, 9, 1));
    GATE(pmuserenr_el0, BIT(1), pmswinc_0, S(3, 3, 9, 12, 4, 9, 0));
    /* UMA = 0: writes and clears trap as well. */
    run_el0(daif_write_0, 0, 0, 0);
    TRAPPED(SYNC_EL0, EC_SYSREG, ISS(3, 3, 4, 2, 1, 5, 0));
    run_el0(daifclr_0, 0, 0, 0);
    TRAPPED(SYNC_EL0, EC_SYSREG, ISS(0, 3, 4, 10, 7, 31, 0));
    const uint64_t old = MRS(sctlr_el1);
    MSR(sctlr_el1, old & ~BIT(16));
    run_el0(wfi_0, 0, 0, 0);
    TRAPPED(SYNC_EL0, EC_WFX, 0x1e00000);
    MSR(sctlr_el1, old & ~BIT(14));
    run_el0(dczid_0, 0, 0, 0);
    FINISHED_EL0();
    EQUAL(trap.x[0], 0x14);
    MSR(sctlr_el1, old | BIT(14));
    run_el0(dczid_0, 0, 0, 0);
    EQUAL(trap.x[0], 4);
    MSR(sctlr_el1, old);
    run_el0(tpidrro_0, 0, 0, 0);
    TRAPPED(SYNC_EL0, EC_UNKNOWN, 0);
    MSR(tpidrro_el0, 77);
    run_el0(tpidr_0, 99, 0, 0);
    EQUAL(trap.x[1], 99);
    EQUAL(trap.x[2], 77);
}

static void fp_at_el1(void) {
    for (uint64_t fpen = 0; fpen < 4; fpen++) {
        MSR(cpacr_el1, fpen << 20);
        run_el1(fp_el1, 0, 0, 0);
        if (fpen & 1) {
            FINISHED();
        } else {
            TRAPPED(SYNC_SPX, EC_FP, FP_ISS);
            check_place(fp_el1, 0, SPSR_EL1H);
            run_el1(simd_el1, 8, 0, 0); /* the trap comes before the access */
            TRAPPED(SYNC_SPX, EC_FP, FP_ISS);
            run_el1(msr_fpsr_el1, 0, 0, 0);
            TRAPPED(SYNC_SPX, EC_FP, FP_ISS);
        }
        run_el0(fp_0, 0, 0, 0);
        if (fpen == 3) {
            FINISHED_EL0();
        } else {
            TRAPPED(SYNC_EL0, EC_FP, FP_ISS);
        }
    }
}

/* -- alignment of PC and SP, illegal returns, vectors -- */

CODE(branch, "br x0");
CODE(branch_link, "mov x10, x30\n blr x0");
CODE(sp_load, "sub sp, sp, #8\n ldr x1, [sp]" RET);
CODE(sp_store_pair, "sub sp, sp, #24\n stp x1, x2, [sp, #-16]!" RET);
CODE(sp_writeback, "sub sp, sp, #4\n ldr w1, [sp], #4" RET);
CODE(sp_simd, "sub sp, sp, #8\n ld1 {v0.b}[0], [sp]" RET);
CODE(sp_exclusive, "sub sp, sp, #8\n ldxr w1, [sp]" RET);
CODE(sp_no_base, "sub sp, sp, #8\n mov x1, sp\n ldr x2, [x1]\n add sp, sp, #8" RET);
CODE(spsel_svc, "msr spsel, #0\n svc #1");
CODE(flags_svc, "cmp xzr, x0\n msr daifclr, #9\n svc #2");
CODE(nothing, "nop" DONE);

static void alignment(void) {
    const void *const bases[] = {sp_load, sp_store_pair, sp_writeback, sp_simd, sp_exclusive};
    MSR(cpacr_el1, 3 << 20);
    for (uint64_t off = 1; off < 4; off++) {
        run_el1(branch, (uint64_t)nothing + off, 0, 0);
        TRAPPED(SYNC_SPX, EC_PC, 0);
        EQUAL(trap.elr, (uint64_t)nothing + off);
        EQUAL(trap.far, (uint64_t)nothing + off);
        run_el0(branch_link, (uint64_t)nothing + off, 0, 0);
        TRAPPED(SYNC_EL0, EC_PC, 0);
        EQUAL(trap.elr, (uint64_t)nothing + off);
        EQUAL(trap.far, (uint64_t)nothing + off);
        EQUAL(trap.x[30], (uint64_t)branch_link + 8);
    }
    for (size_t i = 0; i < sizeof(bases) / sizeof(*bases); i++) {
        guest_note("base", i);
        run_el1(bases[i], 0, 0, 0);
        TRAPPED(SYNC_SPX, EC_SP, 0);
        check_place(bases[i], 4, SPSR_EL1H);
        run_el0(bases[i], 0, 0, 0);
        TRAPPED(SYNC_EL0, EC_SP, 0);
        check_place(bases[i], 4, SPSR_EL0);
    }
    guest_note(NULL, 0);
    run_el1(sp_no_base, 0, 0, 0);
    FINISHED();
    const uint64_t old = MRS(sctlr_el1);
    MSR(sctlr_el1, old & ~BIT(4));
    run_el0(sp_load, 0, 0, 0);
    CHECK(trap.esr >> 26 != EC_SP);
    MSR(sctlr_el1, old);
}

static void illegal(void) {
    static const uint8_t modes[] = {1, 2, 3, 6, 7, 8, 9, 12, 13, 15, 16, 0x13, 0x1f};
    for (size_t i = 0; i < sizeof(modes); i++) {
        guest_note("mode", modes[i]);
        run_with(0xa00003c0 | modes[i], nothing, 0, 0);
        TRAPPED(SYNC_SPX, EC_ILLEGAL, 0);
        EQUAL(trap.elr, (uint64_t)nothing);
        EQUAL(trap.spsr, 0xa01003c5); /* flags and masks are SPSR's, EL and SP stay, IL is set */
    }
    guest_note(NULL, 0);
    run_with(0x1003c0, nothing, 0, 0); /* legal, but with IL */
    TRAPPED(SYNC_EL0, EC_ILLEGAL, 0);
    EQUAL(trap.spsr, 0x1003c0);
    run_with(0x3c8, (const char *)nothing + 2, 0, 0); /* the PC comes first */
    TRAPPED(SYNC_SPX, EC_PC, 0);
    EQUAL(trap.spsr, 0x1003c5);
}

static void entry(void) {
    run_el1(spsel_svc, 0, 0, 0);
    TRAPPED(SYNC_SP0, EC_SVC, 1);
    check_place(spsel_svc, 8, 0x3c4);
    run_with(0x3c4, nothing, 0, 0);
    TRAPPED(SYNC_SP0, EC_SVC, 0x7ff);
    EQUAL(trap.sp_el0, (uint64_t)user_stack_top);
    run_el1(flags_svc, 0, 0, 0);
    TRAPPED(SYNC_SPX, EC_SVC, 2);
    EQUAL(trap.spsr, 0x60000185);
    run_el1(flags_svc, 1, 0, 0);
    EQUAL(trap.spsr, 0x80000185);
    EQUAL(MRS(daif), 0x3c0);
    for (uint64_t flags = 0; flags < 16; flags++) {
        run_with(flags << 28 | 0x3c0, nothing, 0, 0);
        EQUAL(trap.spsr, flags << 28 | 0x3c0);
    }
}

int guest_main(void) {
    mmu_on();
    generated();
    gates();
    fp_at_el1();
    alignment();
    illegal();
    entry();
    guest_exit();
}
