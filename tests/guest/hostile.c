/* SPDX-License-Identifier: MIT */
/*
 * hostile.c - guests that misbehave. -DHANG=n: one that never ends, so that others can see whether the emulator still
 * reacts; without: all kinds of accesses to every device, page tables in odd places, code and stacks in devices.
 */
#include "guest.h"

int guest_main(void);

#ifdef HANG

CODE(loop, "0: b 0b");
CODE(wfi_loop, "0: wfi\n b 0b");
CODE(svc_loop, "0: svc #0\n b 0b");
CODE(eret_loop, "eret");
CODE(rewriter, "adr x0, 1f\n ldr w1, [x0]\n 0: str w1, [x0]\n dc cvau, x0\n ic ivau, x0\n dsb sy\n isb\n 1: b 0b");
CODE(tlb_loop, "0: tlbi vmalle1\n dsb sy\n isb\n ldr x0, [sp]\n b 0b");
CODE(uart_loop, "mov x0, #0x9000000\n mov w1, #'x'\n 0: str w1, [x0]\n b 0b");
CODE(calls, "0: adr x30, 0b\n ret");

static void vbar(uint64_t at) {
    MSR(vbar_el1, at);
    ASM("svc #0");
}

/* Vectors that return to what traps. */
static void return_at_once(void) {
    const uint64_t page = new_pages(1);
    for (unsigned i = 0; i < 16; i++) {
        write32(page + 0x80 * i, *eret_loop);
    }
    sync_code(page, 4096);
    MSR(vbar_el1, page);
}

static void to(const void *code) {
    __asm__ volatile("br %0" : : "r"(code));
}

int guest_main(void) {
    switch (HANG) {
    case 0:
        vbar(HOLE);
        break;
    case 1:
        vbar(0x44000000); /* zeros: UDF */
        break;
    case 2:
        vbar(GICD);
        break;
    case 3:
        vbar(UART);
        break;
    case 4:
        mmu_on();
        vbar(UINT64_C(0xffffffc000000000)); /* not mapped */
        break;
    case 5:
        mmu_on();
        vbar(UINT64_C(0x0123456789abc800)); /* no address at all */
        break;
    case 6:
        mmu_on();
        MSR(ttbr0_el1, HOLE);
        flush_tlb();
        break;
    case 7:
        mmu_on();
        MSR(ttbr0_el1, UART);
        flush_tlb();
        break;
    case 8:
        to(loop);
        break;
    case 9:
        to(wfi_loop);
        break;
    case 10:
        return_at_once();
        to((const void *)HOLE);
        break;
    case 11:
        return_at_once();
        to(svc_loop);
        break;
    case 12: /* an interrupt that no one ends */
        return_at_once();
        write32(GICD, 1);
        write32(GICC + 4, 0xff);
        write32(GICC, 1);
        write32(GICD + 0x100, 1u << PPI_VIRT);
        MSR(cntv_tval_el0, 0);
        MSR(cntv_ctl_el0, 1);
        ASM("msr daifclr, #15");
        to(loop);
        break;
    case 13:
        to(rewriter);
        break;
    case 14:
        mmu_on();
        to(tlb_loop);
        break;
    case 15:
        to(uart_loop);
        break;
    case 16: /* big-endian data and tables in mid-flight */
        mmu_on();
        MSR(sctlr_el1, MRS(sctlr_el1) | 1 << 25);
        flush_tlb();
        break;
    case 17:
        return_at_once();
        MSR(oslar_el1, 0);
        MSR(mdscr_el1, 1 | 1 << 13);
        ASM("msr daifclr, #15");
        to(loop);
        break;
    case 18:
        to(calls);
        break;
    default:
        return_at_once();
        ASM("mov x0, #0x9000000\n mov sp, x0\n stp x0, x1, [sp, #-16]!\n b .");
    }
    for (;;) {
        ASM("wfi");
    }
}

#else

#define ACCESS(name, text) CODE(name, text RET);
#define ACCESSES(X)                                                                                                    \
    X(ldrb_, "ldrb w1, [x0]") X(ldrh_, "ldrh w1, [x0]") X(ldr_w, "ldr w1, [x0]") X(ldr_x, "ldr x1, [x0]")             \
    X(ldrsb_, "ldrsb x1, [x0]") X(ldr_q, "ldr q0, [x0]") X(ldr_s, "ldr s0, [x0]") X(ldp_w, "ldp w1, w2, [x0]")        \
    X(ldp_x, "ldp x1, x2, [x0]") X(ldp_q, "ldp q0, q1, [x0]") X(ld1_4, "ld1 {v0.16b-v3.16b}, [x0]")                   \
    X(ld3_, "ld3 {v0.4h-v2.4h}, [x0]") X(ld1r_, "ld1r {v0.2d}, [x0]") X(ldxr_w, "ldxr w1, [x0]\n stxr w2, w1, [x0]")   \
    X(ldxr_x, "ldaxr x1, [x0]\n stlxr w2, x1, [x0]") X(ldxp_x, "ldxp x1, x2, [x0]\n stxp w3, x1, x2, [x0]")           \
    X(ldxrb_, "ldxrb w1, [x0]\n stxrb w2, w1, [x0]") X(ldar_, "ldar w1, [x0]") X(ldtr_, "ldtr w1, [x0]")              \
    X(prfm_, "prfm pldl1keep, [x0]") X(pre_, "ldr w1, [x0, #4]!") X(strb_, "strb wzr, [x0]")                          \
    X(strh_, "strh wzr, [x0]") X(str_w, "str wzr, [x0]") X(str_x, "str xzr, [x0]") X(stp_w, "stp wzr, wzr, [x0]")      \
    X(str_q, "movi v0.16b, #0\n str q0, [x0]") X(stp_x, "stp xzr, xzr, [x0]")                                          \
    X(stp_q, "movi v0.16b, #0\n stp q0, q0, [x0]") X(st1_4, "movi v0.16b, #0\n st1 {v0.16b}, [x0]")                    \
    X(st4_, "movi v0.16b, #0\n movi v1.16b, #0\n movi v2.16b, #0\n movi v3.16b, #0\n st4 {v0.8b-v3.8b}, [x0]")         \
    X(stlr_, "stlr wzr, [x0]") X(sttr_, "sttr wzr, [x0]") X(zva_, "dc zva, x0") X(civac_, "dc civac, x0")              \
    X(ivau_, "ic ivau, x0") X(cas_w, ".inst 0x88a27c01") X(cas_x, ".inst 0xc8e2fc01") X(casp_x, ".inst 0x48227c04")    \
    X(ldadd_w, ".inst 0xb8220001") X(swp_x, ".inst 0xf8228001") X(ldset_b, ".inst 0x38223001")                         \
    X(stxr_alone, "stxr w2, wzr, [x0]") X(at_, "at s1e1w, x0\n mrs x1, par_el1")

ACCESSES(ACCESS)
#define NAME(name, text) name,
static const void *const accesses[] = {ACCESSES(NAME)};
#define COUNT (sizeof(accesses) / sizeof(*accesses))
CODE(jump, "br x0");

static const uint64_t places[] = {
    0, 0x123400, 0x3ffff00, 0x4000000, GICD, GICD + 0x100, GICD + 0x400, GICD + 0x800, GICD + 0xf00, GICD + 0xfe0,
    GICD + 0xfff8, GICC, GICC + 0xc, GICC + 0x10, GICC + 0xfc, GICC + 0x1000, UART + 4, UART + 0x18, UART + 0x24,
    UART + 0x38, UART + 0xfe0, UART + 0xff8, RTC, RTC + 0x10, RTC + 0xfe0, FW_CFG, FW_CFG + 8, FW_CFG + 0x10,
    FW_CFG + 0x14, GPIO, GPIO + 0x3fc, GPIO + 0x400, GPIO + 0xffc, VIRTIO, VIRTIO + 0x70, VIRTIO + 0x100,
    VIRTIO + 0x1f8, VIRTIO + 0x3e00, VIRTIO + 0x4000, HOLE, 0x10000000, 0x3ffffff8, 0x48000000 - 4, 0x48000000,
    0x7ffffff8,
};

/* What an access may end with: nothing, an abort on data, an undefined insn. */
static void check_end(void) {
    uint64_t class = trap.esr >> 26, status = trap.esr & 63;
    if (trap.vector == (uint64_t)NO_TRAP) {
        return;
    }
    CHECK(trap.vector == SYNC_SPX);
    CHECK(class == EC_UNKNOWN || (class == EC_DABT + 1 && (status == 0x10 || status == 0x21 || status == 0x35 ||
                                                           (status & 0x3c) == 4 || (status & 0x3c) == 12)));
}

static void poke(uint64_t base_of_view) {
    static const uint8_t offsets[] = {0, 1, 2, 3, 5, 6, 7};
    for (size_t p = 0; p < sizeof(places) / sizeof(*places); p++) {
        for (size_t a = 0; a < COUNT; a++) {
            for (size_t o = 0; o < sizeof(offsets); o++) {
                if (places[p] >= 0x40000000 && base_of_view) {
                    continue;
                }
                guest_note("place", places[p] + offsets[o]);
                run_el1(accesses[a], base_of_view + places[p] + offsets[o], 0, 0);
                check_end();
            }
        }
        guest_note(NULL, 0);
    }
    write32(UART + 0x30, 0x301);
}

static void holes(void) {
    run_el1(ldr_x, HOLE, 0, 0);
    TRAPPED(SYNC_SPX, EC_DABT + 1, 0x10);
    run_el1(ldp_q, HOLE, 0, 0);
    TRAPPED(SYNC_SPX, EC_DABT + 1, 0x10);
    run_el1(strb_, HOLE + 3, 0, 0);
    TRAPPED(SYNC_SPX, EC_DABT + 1, 0x10 | WNR);
    EQUAL(trap.far, HOLE + 3);
}

/* Code in devices and in nothing: at most an abort; what the registers hold may be run as insns. */
static void run_devices(void) {
    for (size_t p = 0; p < sizeof(places) / sizeof(*places); p++) {
        if (places[p] < 0x40000000) {
            guest_note("code at", places[p]);
            run_el1(jump, places[p] & ~UINT64_C(3), 0, 0);
            CHECK(trap.vector == SYNC_SPX || trap.vector == (uint64_t)NO_TRAP);
        }
    }
    guest_note(NULL, 0);
}

CODE(device_stack, "mov x4, sp\n mov sp, x0\n stp x1, x2, [sp, #-16]!\n ldp x1, x2, [sp], #16\n mov sp, x4" RET);
CODE(device_stack_svc, "mov sp, x0\n svc #1");

static void stacks(void) {
    static const uint64_t at[] = {GICD + 0x100, RTC + 0x100, GPIO + 0x100, HOLE + 0x100, 0x100, 0x3ffffff0};
    for (size_t i = 0; i < sizeof(at) / sizeof(*at); i++) {
        run_el1(device_stack, at[i], 0, 0);
        check_end();
        run_el1(device_stack_svc, at[i], 0, 0); /* entry does not touch the stack */
        TRAPPED(SYNC_SPX, EC_SVC, 1);
        EQUAL(trap.sp, at[i]);
    }
}

/* Tables in devices, in nothing, in a circle, in flash. */
static void tables(void) {
    static const uint64_t at[] = {GICD, GICC, UART, RTC, FW_CFG, GPIO, VIRTIO, HOLE, 0, 0x3ffff000};
    const uint64_t old = MRS(ttbr1_el1);
    for (size_t i = 0; i < sizeof(at) / sizeof(*at); i++) {
        MSR(ttbr1_el1, at[i]);
        flush_tlb();
        for (uint64_t k = 0; k < 40; k++) {
            guest_note("table", at[i]);
            run_el1(ldr_x, UINT64_C(0xffffff8000000000) + (k << 30) + 8 * k, 0, 0);
            run_el1(jump, UINT64_C(0xffffff8000000000) + (k << 30), 0, 0);
            CHECK(trap.vector == SYNC_SPX);
        }
    }
    guest_note(NULL, 0);
    uint64_t *self = new_table();
    for (unsigned i = 0; i < 512; i++) {
        self[i] = (uint64_t)self | PTE_TABLE | PTE_AF;
    }
    MSR(ttbr1_el1, self);
    flush_tlb();
    for (uint64_t k = 0; k < 39; k++) { /* every address is the table itself */
        EQUAL(read64(~UINT64_C(0) << (k + 1) & ~UINT64_C(7)), (uint64_t)self | PTE_TABLE | PTE_AF);
    }
    write64(UINT64_C(0xffffff8000000000), 0); /* a store that takes its own page away */
    flush_tlb();
    run_el1(ldr_x, UINT64_C(0xffffff8000000000), 0, 0);
    TRAPPED(SYNC_SPX, EC_DABT + 1, 5);
    MSR(ttbr1_el1, old);
    flush_tlb();
}

static void odd_registers(void) {
    const uint64_t old = MRS(tcr_el1), mair = MRS(mair_el1);
    for (uint64_t i = 0; i < 64; i++) { /* T1SZ of everything, every TG1 */
        for (uint64_t tg = 0; tg < 4; tg++) {
            MSR(tcr_el1, (old & ~UINT64_C(0xc03f0000)) | i << 16 | tg << 30);
            flush_tlb();
            run_el1(ldr_x, UINT64_C(0xffffffffff000000), 0, 0);
            CHECK(trap.vector == SYNC_SPX || trap.vector == (uint64_t)NO_TRAP);
        }
    }
    MSR(tcr_el1, old);
    MSR(mair_el1, mair);
    for (uint64_t f = 0; f < 0x40; f++) { /* functions of PSCI that only ask */
        if (f != 8 && f != 9 && f != 2 && f != 18) {
            psci(0x84000000 + f, ~UINT64_C(0), ~UINT64_C(0), ~UINT64_C(0));
        }
    }
    for (uint64_t f = 1; f < 0x40; f++) { /* semihosting with bad pointers */
        if (f != 0x18 && f != 0x20 && f != 0x12) {
            semihost(f, (const void *)UINT64_C(0xffffffffffffffff));
            semihost(f, (const void *)(uint64_t)HOLE);
            semihost(f, (const void *)(uint64_t)(UART + 0x18));
        }
    }
}

int guest_main(void) {
    MSR(cpacr_el1, 3 << 20);
    poke(0);
    holes();
    run_devices();
    mmu_on();
    poke(0);
    holes();
    run_devices();
    stacks();
    tables();
    /* Devices as if they were memory, to be run too. */
    uint64_t *l1 = (uint64_t *)MRS(ttbr1_el1);
    l1[0] = PTE_BLOCK | PTE_NORMAL | PTE_AF | PTE_SH;
    flush_tlb();
    poke(UINT64_C(0xffffff8000000000));
    odd_registers();
    print("\ndone\n");
    guest_exit();
}

#endif
