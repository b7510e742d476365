/* SPDX-License-Identifier: MIT */
/*
 * code.c - code that changes: itself, beside data, at two addresses, across pages, remapped; ASIDs, TLBI.
 */
#include "guest.h"

int guest_main(void);

#define HIGH UINT64_C(0xffffff8000000000)
enum { INSN_RET = 0xd65f03c0, INSN_NOP = 0xd503201f };

static uint32_t movz(unsigned rd, unsigned value) {
    return 0xd2800000 | value << 5 | rd;
}

static uint32_t add_imm(unsigned rd, unsigned rn, unsigned value) {
    return 0x91000000 | value << 10 | rn << 5 | rd;
}

static uint64_t call(uint64_t va, uint64_t a, uint64_t b) {
    return ((uint64_t (*)(uint64_t, uint64_t))va)(a, b);
}

/* -- self-modifying code -- */

static void rewrite(void) {
    const uint64_t page = new_pages(1);
    for (unsigned i = 0; i < 3000; i++) {
        write32(page, movz(0, i & 0xffff));
        write32(page + 4, INSN_RET);
        sync_code(page, 8);
        EQUAL(call(page, 0, 0), i);
    }
    /* a store of the other half of a pair of insns by one access */
    for (unsigned i = 0; i < 100; i++) {
        write64(page, (uint64_t)INSN_RET << 32 | add_imm(0, 0, i));
        sync_code(page, 8);
        EQUAL(call(page, 1000, 0), 1000 + i);
    }
}

/* Data on the page of the running code: stores there must not disturb it, and be seen. */
CODE(counting_code,
     "adr x2, 1f\n mov x3, #2000\n"
     "0: ldr x4, [x2]\n add x4, x4, #1\n str x4, [x2]\n sub x3, x3, #1\n cbnz x3, 0b\n ldr x0, [x2]\n ret\n"
     ".balign 8\n1: .quad 0\n");
/* The code writes the insn ahead of itself: x0 is the address to write, x1 the insn. */
CODE(ahead_code,
     "mov x5, #0\n adr x2, 1f\n str w1, [x2]\n dc cvau, x2\n dsb ish\n ic ivau, x2\n dsb ish\n isb\n"
     "nop\n1: mov x5, #1\n mov x0, x5\n ret\n nop\n nop\n nop\n nop\n");
/* The same on the insn right behind the ISB, in a loop over values. */
CODE(loop_code,
     "mov x6, #0\n mov x7, #0\n adr x2, 1f\n movz w3, #0x14c6\n movk w3, #0x9100, lsl #16\n"
     "0: add w4, w3, w7, lsl #10\n str w4, [x2]\n dc cvau, x2\n dsb ish\n ic ivau, x2\n dsb ish\n isb\n"
     "1: nop\n add x7, x7, #1\n cmp x7, #50\n b.ne 0b\n mov x0, x6\n ret\n nop\n nop\n nop\n");

static uint64_t place(const uint32_t *code, unsigned words) {
    const uint64_t page = new_pages(1);
    for (unsigned i = 0; i < words; i++) {
        write32(page + 4 * i, code[i]);
    }
    sync_code(page, 4 * words);
    return page;
}

static void same_page(void) {
    uint64_t page = place(counting_code, 16);
    EQUAL(call(page, 0, 0), 2000);
    EQUAL(call(page, 0, 0), 4000);
    page = place(ahead_code, 16);
    for (unsigned i = 0; i < 20; i++) {
        EQUAL(call(page, 0, movz(5, 100 + i)), 100 + i);
    }
    page = place(loop_code, 24);
    EQUAL(call(page, 0, 0), 50 * 5 + 49 * 50 / 2);
}

/* -- patches: of one insn of many, and back -- */

/* Its insns are on three lines; the line of the one that changes is maintained, no other. The same content comes back. */
static void patches(void) {
    enum { INSNS = 40 };
    const uint64_t page = new_pages(1), other = page + 0x400;
    uint64_t value[INSNS] = {0}, sum = 0;
    for (unsigned i = 0; i < INSNS; i++) {
        write32(page + 0x20 + 4 * i, add_imm(0, 0, 0));
    }
    write32(page + 0x20 + 4 * INSNS, INSN_RET);
    write32(other, movz(0, 77));
    write32(other + 4, INSN_RET);
    sync_code(page, 4096);
    for (unsigned i = 0; i < 3000; i++) {
        const unsigned k = i * 7 % INSNS, v = i * 5 % 3;
        sum += v - value[k];
        value[k] = v;
        write32(page + 0x20 + 4 * k, add_imm(0, 0, v));
        sync_code(page + 0x20 + 4 * k, 4);
        EQUAL(call(page + 0x20, 0, 0), sum);
        EQUAL(call(page + 0x20 + 4 * INSNS, i, 0), i);
        if (i % 5 == 4) {
            write32(other, movz(0, i));
            sync_code(other, 4);
        }
        EQUAL(call(other, 0, 0), i < 4 ? 77 : i - (i + 1) % 5);
    }
}

/* A loop that is patched between two shapes: jumps between its blocks come and go with them. */
CODE(shape_code, "mov x2, #0\n0: add x2, x2, #1\n1: add x2, x2, #0\n subs x0, x0, #1\n b.ne 0b\n mov x0, x2\n ret\n nop\n");

static void shapes(void) {
    enum { INSN_SKIP = 0x14000002 }; /* b over the next */
    const uint64_t page = place(shape_code, 8);
    for (unsigned i = 0; i < 2000; i++) {
        const unsigned shape = i % 3;
        write32(page + 4, shape == 2 ? INSN_SKIP : add_imm(2, 2, 1 + shape));
        sync_code(page + 4, 4);
        EQUAL(call(page, 10, 0), shape == 2 ? 0 : 10 + 10 * shape);
    }
}

/* A page of code becomes one of data, and of code again. */
static void handed_over(void) {
    const uint64_t page = new_pages(1);
    for (unsigned i = 0; i < 60; i++) {
        write32(page + 0x40 * (i % 8), movz(0, i));
        write32(page + 0x40 * (i % 8) + 4, INSN_RET);
        sync_code(page + 0x40 * (i % 8), 8);
        EQUAL(call(page + 0x40 * (i % 8), 0, 0), i);
        if (i % 12 == 11) {
            for (unsigned k = 0; k < 512; k++) {
                write64(page + 8 * k, i * k);
            }
            for (unsigned k = 0; k < 512; k++) {
                EQUAL(read64(page + 8 * k), i * k);
            }
        }
    }
}

/* A loop whose subroutine and tail stand in front of its head, on other lines of the page: the loop is made one block, and
 * what is written there must be seen in it. x0 + x1 times the subroutine's number, plus x1 times the tail's. */
CODE(front_code, "add x0, x0, #1\n ret\n .fill 14, 4, 0xd503201f\n"
                 "1: add x0, x0, #16\n b 2f\n .fill 14, 4, 0xd503201f\n"
                 "mov x9, x30\n 0: bl .-0x84\n b 1b\n 2: subs x1, x1, #1\n b.ne 0b\n ret x9\n");

static void in_front(void) {
    enum { HEAD = 0x80, TAIL = 0x40, ROUNDS = 40 };
    const uint64_t page = place(front_code, 40);
    unsigned sub = 1, tail = 16;
    for (unsigned i = 0; i < 600; i++) {
        EQUAL(call(page + HEAD, i, ROUNDS), i + ROUNDS * (sub + tail));
        EQUAL(call(page + HEAD, 0, ROUNDS), ROUNDS * (sub + tail));
        if (i % 3 == 2) {
            tail = i % 7;
            write32(page + TAIL, add_imm(0, 0, tail));
            sync_code(page + TAIL, 4);
        } else {
            sub = i % 5;
            write32(page, add_imm(0, 0, sub));
            sync_code(page, 4);
        }
    }
}

static void patched_code(void) {
    patches();
    shapes();
    handed_over();
    in_front();
}

/* -- two addresses of one page -- */

CODE(where_code, "adr x0, .\n adrp x1, .\n sub x1, x0, x1\n ret\n nop\n nop\n nop\n nop\n");

static void aliases(void) {
    const uint64_t page = place(where_code, 8), one = HIGH + 0x123000, two = HIGH + 0x40567000;
    map(one, page | PTE_RW);
    map(two, page | PTE_RW);
    for (unsigned i = 0; i < 50; i++) {
        EQUAL(call(one, 0, 0), one);
        EQUAL(call(two, 0, 0), two);
        EQUAL(call(page, 0, 0), page);
    }
    for (unsigned i = 0; i < 200; i++) { /* written at one address, maintained at another, run at all */
        const uint64_t at[] = {one, two, page};
        write32(at[i % 3] + 0x800, movz(0, i));
        write32(at[i % 3] + 0x804, INSN_RET);
        sync_code(at[(i + 1) % 3] + 0x800, 8);
        for (unsigned k = 0; k < 3; k++) {
            EQUAL(call(at[k] + 0x800, 0, 0), i);
        }
    }
}

/* -- across pages -- */

static void crossing(void) {
    const uint64_t a = new_pages(1), gap = new_pages(1), b = new_pages(1), va = HIGH + 0x10000;
    write32(a + 0xff8, add_imm(0, 0, 1));
    write32(a + 0xffc, add_imm(0, 0, 2));
    write32(b, add_imm(0, 0, 4));
    write32(b + 4, INSN_RET);
    write32(gap, add_imm(0, 0, 8));
    write32(gap + 4, INSN_RET);
    sync_code(a + 0xff8, 8);
    sync_code(b, 8);
    sync_code(gap, 8);
    map(va, a | PTE_RW);
    for (unsigned i = 0; i < 100; i++) {
        map(va + 4096, (i & 1 ? gap : b) | PTE_RW);
        SYS("tlbi vaae1", (va + 4096) >> 12 & UINT64_C(0xfffffffffff));
        EQUAL(call(va + 0xff8, 0, 0), i & 1 ? 11 : 7);
        EQUAL(call(va + 0xff8, 0, 0), i & 1 ? 11 : 7);
    }
    for (unsigned i = 0; i < 50; i++) { /* the second page changes, by its own address */
        write32(gap, add_imm(0, 0, 100 + i));
        sync_code(gap, 4);
        EQUAL(call(va + 0xff8, 0, 0), 103 + i);
    }
    map(va + 4096, 0);
    flush_tlb();
    run_el1((const void *)(va + 0xff8), 0, 0, 0);
    TRAPPED(SYNC_SPX, EC_IABT + 1, 7);
    EQUAL(trap.elr, va + 4096);
    EQUAL(trap.far, va + 4096);
    EQUAL(trap.x[0], 3);
    map(va + 4096, b | PTE_RW | PTE_PXN);
    run_el1((const void *)(va + 0xff8), 0, 0, 0);
    TRAPPED(SYNC_SPX, EC_IABT + 1, 15);
    EQUAL(trap.elr, va + 4096);
}

/* -- TLB maintenance -- */

typedef struct Form {
    const char *name;
    void (*run)(uint64_t operand);
    bool by_asid;
} Form;
#define FORM(name, text)                                                                                               \
    static void name(uint64_t operand) {                                                                               \
        SYS("tlbi " text, operand);                                                                                    \
    }
FORM(vae1, "vae1")
FORM(vae1is, "vae1is")
FORM(vaae1, "vaae1")
FORM(vaae1is, "vaae1is")
FORM(vale1, "vale1")
FORM(vale1is, "vale1is")
FORM(vaale1, "vaale1")
FORM(vaale1is, "vaale1is")
FORM(aside1, "aside1")
FORM(aside1is, "aside1is")
static void vmalle1(uint64_t operand) {
    (void)operand;
    ASM("dsb sy\n tlbi vmalle1\n dsb sy\n isb");
}
static void vmalle1is(uint64_t operand) {
    (void)operand;
    ASM("dsb sy\n tlbi vmalle1is\n dsb sy\n isb");
}

static const Form forms[] = {
    {"vae1", vae1, true}, {"vae1is", vae1is, true}, {"vaae1", vaae1, false}, {"vaae1is", vaae1is, false},
    {"vale1", vale1, true}, {"vale1is", vale1is, true}, {"vaale1", vaale1, false}, {"vaale1is", vaale1is, false},
    {"aside1", aside1, true}, {"aside1is", aside1is, true}, {"vmalle1", vmalle1, false},
    {"vmalle1is", vmalle1is, false},
};

CODE(load_code, "ldr x0, [x0]" RET);

static uint64_t with_asid(uint64_t table, uint64_t asid) {
    return table | asid << 48;
}

static void maintenance(void) {
    const uint64_t a = new_pages(1), b = new_pages(1), table = MRS(ttbr0_el1);
    const uint64_t places[] = {UINT64_C(0x80003000), HIGH + 0x7fff000, UINT64_C(0x7ffffff000)};
    write64(a, 0xaaaa);
    write64(b, 0xbbbb);
    for (unsigned f = 0; f < sizeof(forms) / sizeof(*forms); f++) {
        for (unsigned p = 0; p < 3; p++) {
            for (uint64_t asid = 0; asid < 256; asid += 85) {
                for (unsigned global = 0; global < 2; global++) {
                    const uint64_t va = places[p], bits = PTE_RW | (global ? 0 : PTE_NG);
                    if (global && forms[f].run == aside1) {
                        continue;
                    }
                    if (global && forms[f].run == aside1is) {
                        continue;
                    }
                    guest_note(forms[f].name, p << 16 | asid << 1 | global);
                    MSR(ttbr0_el1, with_asid(table, asid));
                    const uint64_t operand = (va >> 12 & UINT64_C(0xfffffffffff)) | asid << 48;
                    map(va, a | bits);
                    vmalle1(0);
                    EQUAL(read64(va), 0xaaaa);
                    map(va, b | bits);
                    forms[f].run(global ? operand ^ UINT64_C(3) << 48 : operand);
                    EQUAL(read64(va), 0xbbbb);
                    map(va, 0);
                    forms[f].run(operand);
                    if (forms[f].run != aside1) {
                        run_el1(load_code, va, 0, 0);
                        TRAPPED(SYNC_SPX, EC_DABT + 1, 7);
                    }
                }
            }
        }
    }
    MSR(ttbr0_el1, table);
    vmalle1(0);
    guest_note(NULL, 0);
}

/* Two address spaces, switched without maintenance: data and code. */
static void address_spaces(void) {
    const uint64_t first = MRS(ttbr0_el1), va = UINT64_C(0x80000000), shared = UINT64_C(0x80001000);
    uint64_t *second = new_table();
    for (unsigned i = 0; i < 2; i++) {
        second[i] = ((uint64_t *)first)[i];
    }
    uint64_t a = new_pages(1), b = new_pages(1), c = new_pages(1);
    const uint64_t spaces[] = {with_asid(first, 1), with_asid((uint64_t)second, 2)}, pages[] = {a, b};
    for (unsigned i = 0; i < 2; i++) {
        MSR(ttbr0_el1, spaces[i]);
        map(va, pages[i] | PTE_RW | PTE_NG);
        map(shared, c | PTE_RW);
        write32(pages[i], movz(0, 100 + i));
        write32(pages[i] + 4, INSN_RET);
        sync_code(pages[i], 8);
    }
    flush_tlb();
    for (unsigned i = 0; i < 300; i++) {
        MSR(ttbr0_el1, spaces[i & 1]);
        write64(va + 64, i);
        EQUAL(read64(pages[i & 1] + 64), i);
        EQUAL(call(va, 0, 0), 100 + (i & 1));
        EQUAL(read64(va + 64), i);
        write64(shared, i);
        EQUAL(read64(c), i);
    }
    /* A page that one space loses stays in the other. */
    MSR(ttbr0_el1, spaces[0]);
    map(va, 0);
    vae1((va >> 12) | UINT64_C(1) << 48);
    run_el1(load_code, va, 0, 0);
    TRAPPED(SYNC_SPX, EC_DABT + 1, 7);
    run_el1((const void *)va, 0, 0, 0);
    TRAPPED(SYNC_SPX, EC_IABT + 1, 7);
    MSR(ttbr0_el1, spaces[1]);
    EQUAL(call(va, 0, 0), 101);
    MSR(ttbr0_el1, first);
    flush_tlb();
}

static void blocks(void) {
    uint64_t *l1 = (uint64_t *)MRS(ttbr1_el1), *l2 = new_table();
    const uint64_t va = HIGH + (UINT64_C(5) << 30);
    write64(0x46000000 + 0x123458, 46);
    write64(0x46200000 + 0x123458, 462);
    l1[5] = (uint64_t)l2 | PTE_TABLE;
    l2[7] = 0x46000000 | PTE_BLOCK | PTE_AF | PTE_SH;
    flush_tlb();
    const uint64_t at = va + (7 << 21) + 0x123458;
    for (uint64_t page = 0; page < 512; page += 3) {
        (void)read64(va + (7 << 21) + (page << 12));
    }
    EQUAL(read64(at), 46);
    l2[7] = 0x46200000 | PTE_BLOCK | PTE_AF | PTE_SH;
    vaae1(((va + (7 << 21) + 0x7000) >> 12) & UINT64_C(0xfffffffffff)); /* any address of the block */
    EQUAL(read64(at), 462);
    l1[5] = RAM | PTE_BLOCK | PTE_AF | PTE_SH; /* a block of 1 GiB, by any address */
    vaae1(((va + 0x40000) >> 12) & UINT64_C(0xfffffffffff));
    EQUAL(read64(va + 0x6123458), 46);
    /* 16 pages with the Contiguous bit */
    for (uint64_t i = 0; i < 16; i++) {
        write64(0x46400000 + (i << 12), 1000 + i);
        map(HIGH + 0x200000 + (i << 12), (0x46400000 + (i << 12)) | PTE_RW | PTE_CONTIGUOUS);
    }
    flush_tlb();
    for (uint64_t i = 0; i < 16; i++) {
        EQUAL(read64(HIGH + 0x200000 + (i << 12)), 1000 + i);
    }
    for (uint64_t i = 0; i < 16; i++) {
        map(HIGH + 0x200000 + (i << 12), 0);
    }
    for (uint64_t i = 0; i < 16; i++) {
        vaae1(((HIGH + 0x200000) >> 12 & UINT64_C(0xfffffffffff)) + i);
    }
    for (uint64_t i = 0; i < 16; i++) {
        run_el1(load_code, HIGH + 0x200000 + (i << 12), 0, 0);
        TRAPPED(SYNC_SPX, EC_DABT + 1, 7);
    }
}

int guest_main(void) {
    mmu_off();
    rewrite();
    same_page();
    patched_code();
    mmu_on();
    rewrite();
    same_page();
    patched_code();
    aliases();
    crossing();
    maintenance();
    address_spaces();
    blocks();
    guest_exit();
}
