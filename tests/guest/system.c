/* SPDX-License-Identifier: MIT */
/*
 * system.c - insns of the system and hint spaces, PSTATE fields, and the branches and loads that authenticate.
 */
#include "guest.h"

int guest_main(void);

enum { INSN_RET = 0xd65f03c0, DAIF_SHIFT = 6, PERMISSION_3 = 15, TRANSLATION_0 = 4 };

/* Calls these insns and a RET behind them, with a, b, c in X0 to X2; what they leave is in `trap`. */
static void run_words(const uint32_t *words, unsigned count, uint64_t a, uint64_t b, uint64_t c) {
    static uint64_t page;
    page = page ? page : new_pages(1);
    for (unsigned i = 0; i < count; i++) {
        write32(page + 4 * i, words[i]);
    }
    write32(page + 4 * count, INSN_RET);
    sync_code(page, 4 * (count + 1));
    guest_note("insn", words[0]);
    run_el1((const void *)page, a, b, c);
    FINISHED();
}

/* -- what only goes on -- */

static void goes_on(uint32_t insn) {
    run_words(&insn, 1, 11, 22, 33);
    EQUAL(trap.x[0], 11);
    EQUAL(trap.x[1], 22);
    EQUAL(trap.x[2], 33);
}

static void hints(void) {
    enum { HINT = 0xd503201f, NOP = 0, YIELD = 1, WFE = 2, WFI = 3, SEV = 4, SEVL = 5, XPACLRI = 7, PACIA1716 = 8,
           PACIAZ = 24, AUTIBSP = 31, ALL = 128 };
    static const uint8_t named[] = {NOP, YIELD, SEV, SEVL};
    for (unsigned i = 0; i < sizeof(named); i++) {
        goes_on(HINT | named[i] << 5);
    }
    for (unsigned n = SEVL + 1; n < ALL; n++) {
        if (n != XPACLRI && (n < PACIA1716 || n > 15) && (n < PACIAZ || n > AUTIBSP)) {
            goes_on(HINT | n << 5); /* unallocated ones are NOPs */
        }
    }
    const uint32_t wait[] = {HINT | SEVL << 5, HINT | WFE << 5, HINT | SEV << 5, HINT | WFE << 5};
    run_words(wait, 4, 0, 0, 0); /* an event that is there already */
}

static void barriers(void) {
    enum { CLREX = 0xd503305f, DSB = 0xd503309f, DMB = 0xd50330bf, ISB = 0xd50330df };
    static const uint32_t insns[] = {CLREX, DSB, DMB, ISB};
    for (unsigned i = 0; i < 4 * 16; i++) {
        goes_on(insns[i / 16] | i % 16 << 8);
    }
}

/* -- PSTATE -- */

static void masks(void) {
    enum { DAIFSET = 0xd50340df, DAIFCLR = 0xd50340ff, WRITE_X0 = 0xd51b4220, READ_X1 = 0xd53b4221,
           WRITE_X2 = 0xd51b4222 };
    const uint64_t old = MRS(daif);
    for (uint64_t imm = 0; imm < 16; imm++) {
        for (uint64_t from = 0; from < 16; from++) {
            const uint32_t set[] = {WRITE_X0, DAIFSET | (uint32_t)imm << 8, READ_X1, WRITE_X2};
            run_words(set, 4, from << DAIF_SHIFT, 0, old);
            EQUAL(trap.x[1], (from | imm) << DAIF_SHIFT);
            const uint32_t clear[] = {WRITE_X0, DAIFCLR | (uint32_t)imm << 8, READ_X1, WRITE_X2};
            run_words(clear, 4, from << DAIF_SHIFT, 0, old);
            EQUAL(trap.x[1], (from & ~imm) << DAIF_SHIFT);
        }
    }
}

CODE(select_sp, "mov x4, sp\n msr spsel, #0\n mrs x0, spsel\n mov x1, sp\n add sp, sp, #32\n"
                "msr spsel, #1\n mrs x2, spsel\n mov x3, sp\n mrs x5, sp_el0" RET);

static void stack_pointers(void) {
    MSR(sp_el0, 0x1230);
    run_el1(select_sp, 0, 0, 0);
    FINISHED();
    EQUAL(trap.x[0], 0);
    EQUAL(trap.x[1], 0x1230);
    EQUAL(trap.x[2], 1);
    EQUAL(trap.x[3], trap.x[4]);
    EQUAL(trap.x[5], 0x1250);
}

CODE(pan_load, ".inst 0xd500419f\n mrs x1, s3_0_c4_c2_3\n ldtr x2, [x0]\n ldr x3, [x0]\n .inst 0xd500409f" RET);
CODE(pan_off, ".inst 0xd500419f\n .inst 0xd500409f\n mrs x1, s3_0_c4_c2_3\n ldr x3, [x0]" RET);

static void access_never(void) {
    const uint64_t page = new_pages(1), va = UINT64_C(0xffffff8000070000);
    write64(page, 1234);
    map(va, page | PTE_RW | PTE_EL0 | PTE_PXN);
    flush_tlb();
    run_el1(pan_off, va, 0, 0);
    if (!(MRS(id_aa64mmfr1_el1) >> 20 & 15)) {
        TRAPPED(SYNC_SPX, EC_UNKNOWN, 0);
        return;
    }
    FINISHED();
    EQUAL(trap.x[1], 0);
    EQUAL(trap.x[3], 1234);
    run_el1(pan_load, va, 0, 0);
    TRAPPED(SYNC_SPX, EC_DABT + 1, PERMISSION_3);
    EQUAL(trap.elr, (uint64_t)&pan_load[3]);
    EQUAL(trap.x[1], 1 << 22);
    EQUAL(trap.x[2], 1234);
    MSR(s3_0_c4_c2_3, 0);
}

/* -- pointer authentication: X0 is the modifier to sign with, X1 the one to authenticate with -- */

#define BRANCH(name, sign, insn)                                                                                       \
    CODE(name, "mov x9, x30\n adr x4, 1f\n .inst " sign "\n mov x0, x4\n .inst " insn "\n"                             \
               "2: mov x3, #0\n b 3f\n 1: mov x2, x30\n adr x5, 2b\n mov x3, #5\n 3: mov x30, x9\n adr x4, 1b" RET)
BRANCH(braa, "0xdac10004", "0xd71f0881");
BRANCH(brab, "0xdac10404", "0xd71f0c81");
BRANCH(blraa, "0xdac10004", "0xd73f0881");
BRANCH(blrab, "0xdac10404", "0xd73f0c81");
BRANCH(braaz, "0xdac10004", "0xd61f089f");
BRANCH(brabz, "0xdac10404", "0xd61f0c9f");
BRANCH(blraaz, "0xdac10004", "0xd63f089f");
BRANCH(blrabz, "0xdac10404", "0xd63f0c9f");
/* X1 is added to SP, the modifier. */
#define RETURN(name, sign, insn)                                                                                       \
    CODE(name, "mov x9, x30\n adr x30, 1f\n mov x2, sp\n add x2, x2, x1\n .inst " sign "\n mov x0, x30\n"              \
               ".inst " insn "\n mov x3, #0\n b 3f\n 1: mov x3, #5\n 3: mov x30, x9\n adr x4, 1b" RET)
RETURN(retaa, "0xdac1005e", "0xd65f0bff");
RETURN(retab, "0xdac1045e", "0xd65f0fff");
#define EXCEPTION_RETURN(name, sign, insn)                                                                             \
    CODE(name, "adr x4, 1f\n mov x2, sp\n add x2, x2, x1\n .inst " sign "\n mov x0, x4\n msr elr_el1, x4\n"            \
               "mov x5, #0x3c5\n msr spsr_el1, x5\n .inst " insn "\n 1: mov x3, #5\n adr x4, 1b" RET)
EXCEPTION_RETURN(eretaa, "0xdac10044", "0xd69f0bff");
EXCEPTION_RETURN(eretab, "0xdac10444", "0xd69f0fff");
CODE(eretaa_0, ".inst 0xd69f0bff");
/* X0: the address, X1: modifier to sign with; LDRA x2, [x3, #-8]! and LDRA x4, [x5, #4088] */
#define LOAD(name, sign, pre, offset)                                                                                  \
    CODE(name, "mov x5, x0\n .inst " sign "\n mov x3, x0\n .inst " pre "\n mov x5, x0\n .inst " offset "\n" RET)
LOAD(ldraa, "0xdac10820", "0xf87ffc62", "0xf83ff4a4");
LOAD(ldrab, "0xdac10c20", "0xf8fffc62", "0xf8bff4a4");
CODE(strip, "mov x2, x0\n .inst 0xdac10820\n mov x1, x0\n .inst 0xdac147e0" RET); /* PACDA x0, x1; XPACD x0 */

static const struct {
    const void *code;
    uint8_t links, vector_0; /* links: X30 is the way back; vector_0: unused modifiers are zero */
} authenticated[] = {
    {braa, 0, 0}, {brab, 0, 0}, {blraa, 1, 0}, {blrab, 1, 0}, {braaz, 0, 1}, {brabz, 0, 1}, {blraaz, 1, 1},
    {blrabz, 1, 1}, {retaa, 0, 1}, {retab, 0, 1}, {eretaa, 0, 1}, {eretab, 0, 1},
};

static void branch_authenticated(void) {
    for (unsigned i = 0; i < sizeof(authenticated) / sizeof(*authenticated); i++) {
        const uint64_t modifier = authenticated[i].vector_0 ? 0 : 77;
        guest_note("branch", i);
        run_el1(authenticated[i].code, modifier, modifier, 0);
        FINISHED();
        EQUAL(trap.x[3], 5);
        CHECK(trap.x[0] != trap.x[4]); /* it was signed */
        EQUAL(trap.x[0] << 25, trap.x[4] << 25);
        if (authenticated[i].links) {
            EQUAL(trap.x[2], trap.x[5]);
        }
        run_el1(authenticated[i].code, modifier + 16, modifier ? modifier : 16, 0);
        TRAPPED(SYNC_SPX, EC_IABT + 1, TRANSLATION_0);
    }
    run_el0(eretaa_0, 0, 0, 0);
    TRAPPED(SYNC_EL0, EC_UNKNOWN, 0);
}

static void load_authenticated(void) {
    static const void *const loads[] = {ldraa, ldrab};
    const uint64_t page = new_pages(2);
    write64(page, 1111);
    write64(page + 8 + 4088, 2222);
    for (unsigned i = 0; i < 2; i++) {
        guest_note("load", i);
        run_el1(loads[i], page + 8, 0, 0);
        FINISHED();
        EQUAL(trap.x[2], 1111);
        EQUAL(trap.x[3], page);
        EQUAL(trap.x[4], 2222);
        CHECK(trap.x[5] != page + 8);
        run_el1(loads[i], page + 8, 1, 0);
        TRAPPED(SYNC_SPX, EC_DABT + 1, TRANSLATION_0);
    }
    run_el1(strip, page, 5, 0);
    FINISHED();
    EQUAL(trap.x[0], page);
    CHECK(trap.x[1] != page);
}

static void absent(void) {
    static const void *const insns[] = {braa, retaa, eretaa, ldraa, strip};
    for (unsigned i = 0; i < sizeof(insns) / sizeof(*insns); i++) {
        run_el1(insns[i], 0, 0, 0);
        TRAPPED(SYNC_SPX, EC_UNKNOWN, 0);
    }
}

static void authentication(void) {
    enum { IA = 1u << 31, IB = 1 << 30, DA = 1 << 27, DB = 1 << 13 };
    if (!(MRS(id_aa64isar1_el1) >> 4 & 0xff)) {
        absent();
        return;
    }
    __asm__ volatile("msr s3_0_c2_c1_0, %0\n msr s3_0_c2_c1_1, %1\n msr s3_0_c2_c1_2, %1\n msr s3_0_c2_c1_3, %0\n"
                     "msr s3_0_c2_c2_0, %0\n msr s3_0_c2_c2_1, %0\n msr s3_0_c2_c2_2, %1\n msr s3_0_c2_c2_3, %1\n isb"
                     : : "r"(UINT64_C(0x0123456789abcdef)), "r"(UINT64_C(0x5555aaaa3333cccc)));
    const uint64_t old = MRS(sctlr_el1);
    MSR(sctlr_el1, old | IA | IB | DA | DB);
    branch_authenticated();
    load_authenticated();
    MSR(sctlr_el1, old);
}

int guest_main(void) {
    mmu_on();
    hints();
    barriers();
    masks();
    guest_note(NULL, 0);
    stack_pointers();
    access_never();
    authentication();
    guest_exit();
}
