/* SPDX-License-Identifier: MIT */
/*
 * test_arm_mmu.c - the table walker: granules, levels, permissions, attributes, fault status codes, contexts.
 */
#include "tests/unit/arm_fake.h"

enum {
    TABLE = 3, BLOCK = 1, PAGE = 3, AF = 1 << 10, NG = 1 << 11, AP_RO = 1 << 7, AP_EL0 = 1 << 6,
    L0 = FAKE_RAM + 0x10000, L1 = FAKE_RAM + 0x20000, L2 = FAKE_RAM + 0x30000, L3 = FAKE_RAM + 0x40000,
    TG1_4K = 2, TG1_16K = 1, TG1_64K = 3, TG0_16K = 2, TG0_64K = 1,
};
static const uint64_t pxn = UINT64_C(1) << 53, uxn = UINT64_C(1) << 54;
static const uint64_t upper = UINT64_C(0xffff000000000000);

/* TCR for 48-bit halves of 4 KiB pages, 48-bit output, 16-bit ASIDs. */
static const uint64_t tcr_4k = 16 | 16 << 16 | (uint64_t)TG1_4K << 30 | UINT64_C(5) << 32 | UINT64_C(1) << 36;

static Fake *mmu_on(const char *model, uint64_t tcr) {
    Fake *f = fake_new(model);
    ArmCold *cold = arm_cold(f->env);
    cold->tcr_el1 = tcr;
    cold->ttbr0_el1 = cold->ttbr1_el1 = L0;
    cold->sctlr_el1 |= 1;
    cold->mair_el1 = UINT64_C(0x00000000004404ff); /* 0: write-back, 1: device, 2: non-cacheable, 3: device */
    arm_update_mode(f->env);
    return f;
}

/* One 4 KiB mapping at va 0x8040201000 + ...: indices 1, 1, 1, 1 of all levels. */
enum { INDEX = 8 };
static const uint64_t va_4k = UINT64_C(1) << 39 | 1 << 30 | 1 << 21 | 1 << 12;

static Fake *with_page(const char *model, uint64_t desc) {
    Fake *f = mmu_on(model, tcr_4k);
    fake_put(f, L0 + INDEX, L1 | TABLE);
    fake_put(f, L1 + INDEX, L2 | TABLE);
    fake_put(f, L2 + INDEX, L3 | TABLE);
    fake_put(f, L3 + INDEX, desc);
    return f;
}

static bool walk(Fake *f, uint64_t va, MemAccess access, bool unprivileged, MemXlat *x) {
    frontend_arm.forget_tables(f->env);
    return frontend_arm.walk(f->env, va, access, unprivileged, x);
}

/* The status of a failing walk, -1 when it succeeds. */
static int status(Fake *f, uint64_t va, MemAccess access) {
    MemXlat x;
    return walk(f, va, access, false, &x) ? -1 : (int)x.guest_fault;
}

START_TEST(test_flat) {
    Fake *f = fake_new("cortex-a57");
    MemXlat x;
    ck_assert(walk(f, 0x12345678, MEM_READ, false, &x));
    ck_assert_uint_eq(x.pa, 0x12345678);
    ck_assert(x.device && x.writable && x.global);
    ck_assert(walk(f, 0x12345678, MEM_FETCH, false, &x));
    ck_assert(!x.device);
    ck_assert_int_eq(status(f, UINT64_C(1) << 44, MEM_READ), ARM_FSC_ADDRESS_SIZE);
    ck_assert_int_eq(status(f, UINT64_C(1) << 43, MEM_READ), -1);
    ck_assert_int_eq(status(f, UINT64_C(0xaa) << 56, MEM_READ), ARM_FSC_ADDRESS_SIZE);
    arm_cold(f->env)->tcr_el1 |= UINT64_C(1) << 37;
    ck_assert(walk(f, UINT64_C(0xaa) << 56 | 0x1000, MEM_READ, false, &x));
    ck_assert_uint_eq(x.pa, 0x1000);
    fake_free(f);
}
END_TEST

START_TEST(test_page) {
    Fake *f = with_page("cortex-a57", 0x123456000 | AF | NG | PAGE);
    MemXlat x;
    ck_assert(walk(f, va_4k + 0x789, MEM_READ, false, &x));
    ck_assert_uint_eq(x.pa, 0x123456789);
    ck_assert_uint_eq(x.page_bits, 12);
    ck_assert(!x.global && !x.device && x.readable && x.writable && x.executable);
    fake_put(f, L3 + INDEX, 0x123456000 | AF | 1 << 2 | PAGE);
    ck_assert(walk(f, va_4k, MEM_READ, false, &x));
    ck_assert(x.global && x.device);
    fake_put(f, L3 + INDEX, 0x123456000 | AF | 2 << 2 | PAGE);
    ck_assert(walk(f, va_4k, MEM_READ, false, &x));
    ck_assert(!x.device);
    ck_assert(walk(f, upper | va_4k, MEM_READ, false, &x)); /* the same tables by TTBR1 */
    ck_assert_uint_eq(x.pa, 0x123456000);
    fake_free(f);
}
END_TEST

START_TEST(test_blocks) {
    Fake *f = with_page("cortex-a57", 0);
    MemXlat x;
    fake_put(f, L2 + INDEX, 0x80000000 | AF | BLOCK);
    ck_assert(walk(f, va_4k + 0x789, MEM_READ, false, &x));
    ck_assert_uint_eq(x.pa, 0x80001789);
    ck_assert_uint_eq(x.page_bits, 21);
    fake_put(f, L1 + INDEX, 0xc0000000 | AF | BLOCK);
    ck_assert(walk(f, va_4k + 0x789, MEM_READ, false, &x));
    ck_assert_uint_eq(x.pa, 0xc0201789);
    ck_assert_uint_eq(x.page_bits, 30);
    fake_put(f, L0 + INDEX, 0xc0000000 | AF | BLOCK);
    ck_assert_int_eq(status(f, va_4k, MEM_READ), ARM_FSC_TRANSLATION + 0);
    fake_free(f);
}
END_TEST

START_TEST(test_fault_levels) {
    static const uint64_t at[] = {L0, L1, L2, L3};
    for (int level = 0; level < 4; level++) {
        Fake *f = with_page("cortex-a57", 0x1000 | AF | PAGE);
        ck_assert_int_eq(status(f, va_4k, MEM_READ), -1);
        fake_put(f, at[level] + INDEX, 0);
        ck_assert_int_eq(status(f, va_4k, MEM_READ), ARM_FSC_TRANSLATION + level);
        fake_put(f, at[level] + INDEX, 0x1000 | AF | BLOCK);
        if (level == 3) {
            ck_assert_int_eq(status(f, va_4k, MEM_READ), ARM_FSC_TRANSLATION + 3); /* reserved at level 3 */
        }
        if (level == 1 || level == 2) {
            fake_put(f, at[level] + INDEX, BLOCK);
            ck_assert_int_eq(status(f, va_4k, MEM_READ), ARM_FSC_ACCESS_FLAG + level);
            fake_put(f, at[level] + INDEX, AF | AP_RO | BLOCK);
            ck_assert_int_eq(status(f, va_4k, MEM_WRITE), ARM_FSC_PERMISSION + level);
        }
        if (level < 3) {
            fake_put(f, at[level] + INDEX, 0x700000000 | TABLE); /* no memory there */
            ck_assert_int_eq(status(f, va_4k, MEM_READ), ARM_FSC_WALK_ABORT + level + 1);
        }
        fake_put(f, at[level] + INDEX, UINT64_C(1) << 44 | AF | (level == 3 ? PAGE : TABLE));
        ck_assert_int_eq(status(f, va_4k, MEM_READ), ARM_FSC_ADDRESS_SIZE + level);
        fake_free(f);
    }
}
END_TEST

START_TEST(test_output_size) {
    Fake *f = with_page("cortex-a57", UINT64_C(0x1000000000) | AF | PAGE);
    ck_assert_int_eq(status(f, va_4k, MEM_READ), -1);
    arm_cold(f->env)->tcr_el1 &= ~(UINT64_C(7) << 32); /* IPS: 32 bits */
    ck_assert_int_eq(status(f, va_4k, MEM_READ), ARM_FSC_ADDRESS_SIZE + 3);
    arm_cold(f->env)->ttbr0_el1 |= UINT64_C(1) << 32;
    ck_assert_int_eq(status(f, va_4k, MEM_READ), ARM_FSC_ADDRESS_SIZE + 0);
    arm_cold(f->env)->ttbr0_el1 = UINT64_C(0x700000000);
    arm_cold(f->env)->tcr_el1 |= UINT64_C(5) << 32;
    ck_assert_int_eq(status(f, va_4k, MEM_READ), ARM_FSC_WALK_ABORT + 0);
    fake_free(f);
}
END_TEST

START_TEST(test_ranges) {
    Fake *f = with_page("cortex-a57", 0x1000 | AF | PAGE);
    ArmCold *cold = arm_cold(f->env);
    ck_assert_int_eq(status(f, UINT64_C(1) << 48 | va_4k, MEM_READ), ARM_FSC_TRANSLATION);
    ck_assert_int_eq(status(f, UINT64_C(0xff7f) << 48 | va_4k, MEM_READ), ARM_FSC_TRANSLATION);
    ck_assert_int_eq(status(f, UINT64_C(0xaa) << 56 | va_4k, MEM_READ), ARM_FSC_TRANSLATION);
    cold->tcr_el1 |= UINT64_C(1) << 37; /* TBI0 */
    ck_assert_int_eq(status(f, UINT64_C(0xaa) << 56 | va_4k, MEM_READ), -1);
    ck_assert_int_eq(status(f, UINT64_C(0xaaff) << 48 | va_4k, MEM_READ), ARM_FSC_TRANSLATION);
    cold->tcr_el1 |= UINT64_C(1) << 38; /* TBI1 */
    ck_assert_int_eq(status(f, UINT64_C(0xaaff) << 48 | va_4k, MEM_READ), -1);
    cold->tcr_el1 |= 1 << 7; /* EPD0 */
    ck_assert_int_eq(status(f, va_4k, MEM_READ), ARM_FSC_TRANSLATION);
    ck_assert_int_eq(status(f, upper | va_4k, MEM_READ), -1);
    cold->tcr_el1 |= 1 << 23; /* EPD1 */
    ck_assert_int_eq(status(f, upper | va_4k, MEM_READ), ARM_FSC_TRANSLATION);
    fake_free(f);
}
END_TEST

/* A smaller input address starts at a later level, with a table of its own size. */
START_TEST(test_start_levels) {
    static const struct {
        unsigned tsz, level;
    } rows[] = {{16, 0}, {24, 0}, {25, 1}, {33, 1}, {34, 2}, {39, 2}, {45, 2}};
    for (size_t i = 0; i < G_N_ELEMENTS(rows); i++) {
        Fake *f = mmu_on("cortex-a57", (tcr_4k & ~UINT64_C(63)) | rows[i].tsz);
        ck_assert_int_eq(status(f, 0x1000, MEM_READ), ARM_FSC_TRANSLATION + (int)rows[i].level);
        unsigned bits = 64 - MIN(rows[i].tsz, 39);
        ck_assert_int_eq(status(f, (UINT64_C(1) << bits) - 1, MEM_READ), ARM_FSC_TRANSLATION + (int)rows[i].level);
        ck_assert_int_eq(status(f, UINT64_C(1) << bits, MEM_READ), ARM_FSC_TRANSLATION);
        fake_free(f);
    }
    Fake *f = mmu_on("cortex-a57", (tcr_4k & ~UINT64_C(63)) | 39); /* 25 bits: sixteen entries at level 2 */
    arm_cold(f->env)->ttbr0_el1 = L0 | 0x40;
    fake_put(f, (L0 | 0) + 15 * 8, 0x80000000 | AF | BLOCK); /* the base is aligned to the table's 128 bytes */
    MemXlat x;
    ck_assert(walk(f, 0x1e00123, MEM_READ, false, &x));
    ck_assert_uint_eq(x.pa, 0x80000123);
    fake_free(f);
}
END_TEST

START_TEST(test_16k) {
    Fake *f = mmu_on("max", (tcr_4k & ~(UINT64_C(3) << 30)) | TG0_16K << 14 | TG1_16K << 30);
    const uint64_t va = UINT64_C(1) << 47 | UINT64_C(1) << 36 | 1 << 25 | 1 << 14;
    MemXlat x;
    fake_put(f, L0 + 8, L1 | TABLE);
    fake_put(f, L1 + 8, L2 | TABLE);
    fake_put(f, L2 + 8, L3 | TABLE);
    fake_put(f, L3 + 8, 0x90004000 | AF | PAGE);
    ck_assert(walk(f, va + 0x2345, MEM_READ, false, &x));
    ck_assert_uint_eq(x.pa, 0x90006345);
    ck_assert_uint_eq(x.page_bits, 14);
    ck_assert(walk(f, upper | va, MEM_READ, false, &x));
    fake_put(f, L2 + 8, 0x92000000 | AF | BLOCK);
    ck_assert(walk(f, va + 0x2345, MEM_READ, false, &x));
    ck_assert_uint_eq(x.pa, 0x92006345);
    ck_assert_uint_eq(x.page_bits, 25);
    fake_put(f, L1 + 8, 0x92000000 | AF | BLOCK);
    ck_assert_int_eq(status(f, va, MEM_READ), ARM_FSC_TRANSLATION + 1);
    fake_free(f);
}
END_TEST

START_TEST(test_64k) {
    Fake *f = mmu_on("cortex-a72", tcr_4k | TG0_64K << 14 | UINT64_C(3) << 30);
    const uint64_t va = UINT64_C(1) << 42 | 1 << 29 | 1 << 16;
    MemXlat x;
    fake_put(f, L0 + 8, L1 | TABLE);
    fake_put(f, L1 + 8, L2 | TABLE);
    fake_put(f, L2 + 8, 0x90010000 | AF | PAGE);
    ck_assert(walk(f, va + 0x2345, MEM_READ, false, &x));
    ck_assert_uint_eq(x.pa, 0x90012345);
    ck_assert_uint_eq(x.page_bits, 16);
    ck_assert(walk(f, upper | va, MEM_READ, false, &x));
    fake_put(f, L1 + 8, 0xa0000000 | AF | BLOCK);
    ck_assert(walk(f, va + 0x2345, MEM_READ, false, &x));
    ck_assert_uint_eq(x.pa, 0xa0012345);
    ck_assert_uint_eq(x.page_bits, 29);
    fake_free(f);
}
END_TEST

/* What EL1 (lower case) and EL0 (upper case) may do: r w x. */
typedef struct Rights {
    uint64_t desc;
    bool wxn;
    const char *may;
} Rights;

START_TEST(test_permissions) {
    const Rights rows[] = {
        {0, false, "rwxX"}, {AP_EL0, false, "rwRWX"}, {AP_RO, false, "rxX"}, {AP_RO | AP_EL0, false, "rxRX"},
        {pxn, false, "rwX"}, {uxn, false, "rwx"}, {AP_EL0 | uxn, false, "rwRW"}, {AP_RO | AP_EL0 | uxn, false, "rxR"},
        {AP_RO | AP_EL0 | pxn, false, "rRX"}, {AP_RO | pxn | uxn, false, "r"},
        {0, true, "rwX"}, {AP_EL0, true, "rwRW"}, {AP_RO, true, "rxX"}, {AP_RO | AP_EL0, true, "rxRX"},
    };
    for (size_t i = 0; i < G_N_ELEMENTS(rows); i++) {
        Fake *f = with_page("cortex-a57", 0x1000 | AF | PAGE | rows[i].desc);
        arm_cold(f->env)->sctlr_el1 |= rows[i].wxn ? 1 << 19 : 0;
        for (unsigned k = 0; k < 6; k++) {
            MemXlat x;
            bool expected = strchr(rows[i].may, "rwxRWX"[k]) != NULL;
            static const MemAccess kinds[] = {MEM_READ, MEM_WRITE, MEM_FETCH};
            bool ok = walk(f, va_4k, kinds[k % 3], k >= 3, &x);
            ck_assert_msg(ok == expected, "row %zu, %c", i, "rwxRWX"[k]);
            ck_assert(ok || x.guest_fault == ARM_FSC_PERMISSION + 3);
            fake_set_el(f, k < 3);
            ck_assert(walk(f, va_4k, kinds[k % 3], false, &x) == expected);
            fake_set_el(f, 1);
        }
        fake_free(f);
    }
}
END_TEST

START_TEST(test_hierarchy) {
    Fake *f = with_page("cortex-a57", 0x1000 | AF | AP_EL0 | PAGE);
    MemXlat x;
    fake_put(f, L1 + INDEX, L2 | TABLE | UINT64_C(1) << 62); /* APTable: read-only */
    ck_assert_int_eq(status(f, va_4k, MEM_WRITE), ARM_FSC_PERMISSION + 3);
    ck_assert(walk(f, va_4k, MEM_READ, true, &x));
    fake_put(f, L1 + INDEX, L2 | TABLE | UINT64_C(1) << 61); /* APTable: not EL0 */
    ck_assert(!walk(f, va_4k, MEM_READ, true, &x));
    ck_assert(walk(f, va_4k, MEM_WRITE, false, &x));
    fake_put(f, L1 + INDEX, L2 | TABLE | UINT64_C(1) << 60); /* UXNTable */
    ck_assert(!walk(f, va_4k, MEM_FETCH, true, &x));
    fake_put(f, L1 + INDEX, L2 | TABLE | UINT64_C(1) << 59); /* PXNTable */
    fake_put(f, L3 + INDEX, 0x1000 | AF | AP_RO | PAGE);
    ck_assert_int_eq(status(f, va_4k, MEM_FETCH), ARM_FSC_PERMISSION + 3);
    ck_assert(walk(f, va_4k, MEM_FETCH, true, &x));
    fake_free(f);
}
END_TEST

START_TEST(test_pan) {
    Fake *f = with_page("max", 0x1000 | AF | AP_EL0 | uxn | PAGE);
    MemXlat x;
    arm_cold(f->env)->pan = 1;
    ck_assert_int_eq(status(f, va_4k, MEM_READ), ARM_FSC_PERMISSION + 3);
    ck_assert_int_eq(status(f, va_4k, MEM_WRITE), ARM_FSC_PERMISSION + 3);
    ck_assert(walk(f, va_4k, MEM_WRITE, true, &x)); /* STTR */
    ArmXlat out;
    ck_assert(arm_translate(f->env, va_4k, MEM_READ, true, false, &out)); /* AT and DC do not look at it */
    fake_put(f, L3 + INDEX, 0x1000 | AF | PAGE);
    ck_assert_int_eq(status(f, va_4k, MEM_WRITE), -1);
    fake_free(f);
}
END_TEST

START_TEST(test_big_endian_tables) {
    Fake *f = with_page("cortex-a57", 0x1000 | AF | PAGE);
    static const uint64_t at[] = {L0 + INDEX, L1 + INDEX, L2 + INDEX, L3 + INDEX};
    arm_cold(f->env)->sctlr_el1 |= 1 << 25;
    ck_assert_int_ge(status(f, va_4k, MEM_READ), 0);
    for (unsigned i = 0; i < 4; i++) {
        fake_put(f, at[i], GUINT64_SWAP_LE_BE(fake_get(f, at[i])));
    }
    ck_assert_int_eq(status(f, va_4k, MEM_READ), -1);
    fake_free(f);
}
END_TEST

START_TEST(test_contexts) {
    Fake *f = mmu_on("max", tcr_4k);
    ArmCold *cold = arm_cold(f->env);
    cold->ttbr0_el1 |= UINT64_C(0x1234) << 48;
    cold->ttbr1_el1 |= UINT64_C(0x5678) << 48;
    MemContext el1 = frontend_arm.context(f->env, false), as_el0 = frontend_arm.context(f->env, true);
    ck_assert_uint_eq(el1.asid, 0x1234);
    ck_assert_uint_ne(el1.regime, as_el0.regime);
    cold->tcr_el1 |= 1 << 22; /* A1 */
    ck_assert_uint_eq(frontend_arm.context(f->env, false).asid, 0x5678);
    cold->tcr_el1 &= ~(UINT64_C(1) << 36); /* 8-bit ASIDs */
    ck_assert_uint_eq(frontend_arm.context(f->env, false).asid, 0x78);
    cold->pan = 1;
    MemContext pan = frontend_arm.context(f->env, false);
    ck_assert_uint_ne(pan.regime, el1.regime);
    ck_assert_uint_eq(frontend_arm.context(f->env, true).regime, as_el0.regime);
    fake_set_el(f, 0);
    ck_assert_uint_eq(frontend_arm.context(f->env, false).regime, as_el0.regime);
    fake_set_el(f, 1);
    cold->sctlr_el1 &= ~UINT64_C(1);
    MemContext off = frontend_arm.context(f->env, false);
    ck_assert_uint_eq(off.asid, 0);
    ck_assert(off.regime != pan.regime && off.regime != el1.regime && off.regime < 64);
    fake_free(f);
}
END_TEST

/* PAR_EL1's attributes. */
START_TEST(test_attributes) {
    Fake *f = with_page("cortex-a57", 0x123456000 | AF | 3 << 8 | PAGE);
    ArmXlat out;
    ck_assert(arm_translate(f->env, va_4k, MEM_READ, true, false, &out));
    ck_assert_uint_eq(out.attr, 0xff);
    ck_assert_uint_eq(out.sh, 3);
    fake_put(f, L3 + INDEX, 0x123456000 | AF | 1 << 2 | 3 << 8 | PAGE);
    ck_assert(arm_translate(f->env, va_4k, MEM_READ, true, false, &out));
    ck_assert_uint_eq(out.attr, 0x04);
    ck_assert_uint_eq(out.sh, 2);
    fake_free(f);
}
END_TEST

/* Tables above the last level may be remembered until maintenance, the last level and faults may not. */
START_TEST(test_remembered_tables) {
    const uint64_t other_l3 = L3 + 0x1000;
    Fake *f = with_page("cortex-a57", 0x123456000 | AF | PAGE);
    MemXlat x;
    fake_put(f, L3 + INDEX + 8, 0x2000 | AF | PAGE);
    fake_put(f, other_l3 + INDEX, 0x5000 | AF | PAGE);
    ck_assert(walk(f, va_4k, MEM_WRITE, false, &x));
    fake_put(f, L2 + INDEX, other_l3 | TABLE | UINT64_C(1) << 62);
    ck_assert(frontend_arm.walk(f->env, va_4k + 0x1000, MEM_WRITE, false, &x));
    ck_assert_uint_eq(x.pa, 0x2000);
    fake_put(f, L3 + INDEX + 8, 0);
    ck_assert(!frontend_arm.walk(f->env, va_4k + 0x1000, MEM_READ, false, &x));
    fake_put(f, L3 + INDEX + 8, 0x3000 | AF | PAGE);
    ck_assert(frontend_arm.walk(f->env, va_4k + 0x1000, MEM_READ, false, &x));
    ck_assert_uint_eq(x.pa, 0x3000);
    frontend_arm.forget_tables(f->env);
    ck_assert(!frontend_arm.walk(f->env, va_4k, MEM_WRITE, false, &x)); /* the new table's page, read-only from above */
    ck_assert_uint_eq(x.guest_fault, ARM_FSC_PERMISSION + 3);
    ck_assert(!frontend_arm.walk(f->env, va_4k, MEM_WRITE, false, &x)); /* that is remembered too */
    ck_assert(frontend_arm.walk(f->env, va_4k, MEM_READ, false, &x));
    ck_assert_uint_eq(x.pa, 0x5000);
    ck_assert_int_eq(frontend_arm.walk(f->env, va_4k + (1 << 21), MEM_READ, false, &x), false); /* another table */
    arm_cold(f->env)->ttbr0_el1 = L1; /* other tables: what was level 1 is level 0 now */
    ck_assert(!frontend_arm.walk(f->env, va_4k, MEM_READ, false, &x));
    fake_free(f);
}
END_TEST

int main(void) {
    const TTest *const tests[] = {
        test_flat,
        test_page,
        test_blocks,
        test_fault_levels,
        test_output_size,
        test_ranges,
        test_start_levels,
        test_16k,
        test_64k,
        test_permissions,
        test_hierarchy,
        test_pan,
        test_big_endian_tables,
        test_contexts,
        test_attributes,
        test_remembered_tables,
        NULL,
    };
    return fake_main("arm mmu", tests);
}
