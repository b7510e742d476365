/* SPDX-License-Identifier: MIT */
/*
 * atomic.c - page-crossing accesses of every size, faults in their middle, exclusives, and which features are there.
 */
#include "guest.h"

int guest_main(void);

#define HIGH UINT64_C(0xffffff8000000000)
__asm__(".arch armv8.5-a+crypto+fp16+dotprod+rcpc+lse+rdma");

/* -- accesses across pages: x0 the address, x1 and x2 values -- */

#define VALUES "fmov d0, x1\n fmov d1, x2\n ins v0.d[1], x2\n ins v1.d[1], x1\n"
#define PAIR(name, st, ld)                                                                                             \
    CODE(name##_st, VALUES st RET);                                                                                    \
    CODE(name##_ld, "mov x4, x0\n" ld "\n ret")
PAIR(h, "strh w1, [x0]", "ldrh w0, [x4]\n mov x1, #0\n mov x2, #0\n mov x3, #0");
PAIR(w, "str w1, [x0]", "ldr w0, [x4]\n mov x1, #0\n mov x2, #0\n mov x3, #0");
PAIR(x, "str x1, [x0]", "ldr x0, [x4]\n mov x1, #0\n mov x2, #0\n mov x3, #0");
PAIR(pw, "stp w1, w2, [x0]", "ldp w0, w1, [x4]\n mov x2, #0\n mov x3, #0");
PAIR(px, "stp x1, x2, [x0]", "ldp x0, x1, [x4]\n mov x2, #0\n mov x3, #0");
PAIR(s, "str s0, [x0]", "ldr s0, [x4]\n fmov x0, d0\n mov x1, v0.d[1]\n mov x2, #0\n mov x3, #0");
PAIR(d, "str d0, [x0]", "ldr d0, [x4]\n fmov x0, d0\n mov x1, v0.d[1]\n mov x2, #0\n mov x3, #0");
PAIR(q, "str q0, [x0]", "ldr q0, [x4]\n fmov x0, d0\n mov x1, v0.d[1]\n mov x2, #0\n mov x3, #0");
PAIR(pd, "stp d0, d1, [x0]", "ldp d0, d1, [x4]\n fmov x0, d0\n fmov x1, d1\n mov x2, #0\n mov x3, #0");
PAIR(pq, "stp q0, q1, [x0]", "ldp q0, q1, [x4]\n fmov x0, d0\n mov x1, v0.d[1]\n fmov x2, d1\n mov x3, v1.d[1]");
PAIR(v4, "mov v2.16b, v1.16b\n mov v3.16b, v0.16b\n st1 {v0.16b-v3.16b}, [x0]",
     "ld1 {v0.16b-v3.16b}, [x4]\n fmov x0, d0\n mov x1, v0.d[1]\n fmov x2, d2\n mov x3, v3.d[1]");

typedef struct Access {
    const void *st, *ld;
    unsigned size;
    bool vector;
    uint64_t mask;      /* of each loaded word */
    uint8_t word[4];    /* which 8 bytes of the stored ones each of x0..x3 gets; 9: zero */
    unsigned step;      /* bytes of a word in memory */
} Access;
static const Access accesses[] = {
    {h_st, h_ld, 2, false, 0xffff, {0, 9, 9, 9}, 2},
    {w_st, w_ld, 4, false, UINT32_MAX, {0, 9, 9, 9}, 4},
    {x_st, x_ld, 8, false, UINT64_MAX, {0, 9, 9, 9}, 8},
    {pw_st, pw_ld, 8, false, UINT32_MAX, {0, 1, 9, 9}, 4},
    {px_st, px_ld, 16, false, UINT64_MAX, {0, 1, 9, 9}, 8},
    {s_st, s_ld, 4, true, UINT32_MAX, {0, 9, 9, 9}, 4},
    {d_st, d_ld, 8, true, UINT64_MAX, {0, 9, 9, 9}, 8},
    {q_st, q_ld, 16, true, UINT64_MAX, {0, 1, 9, 9}, 8},
    {pd_st, pd_ld, 16, true, UINT64_MAX, {0, 1, 9, 9}, 8},
    {pq_st, pq_ld, 32, true, UINT64_MAX, {0, 1, 2, 3}, 8},
    {v4_st, v4_ld, 64, true, UINT64_MAX, {0, 1, 4, 7}, 8},
};
/* Which of x1 (0) and x2 (1) lies in each word that is stored. */
static const uint8_t scalar_order[] = {0, 1}, vector_order[] = {0, 1, 1, 0, 1, 0, 0, 1};

static uint8_t *byte_at(uint64_t a, uint64_t b, uint64_t at) {
    return (uint8_t *)(at < 4096 ? a + at : b + at - 4096);
}

static uint8_t expected(const Access *s, unsigned i, const uint64_t *values) {
    unsigned word = i / s->step;
    unsigned which = s->st == (const void *)pd_st ? word : s->vector ? vector_order[word] : scalar_order[word];
    return (uint8_t)(values[which] >> i % s->step * 8);
}

static void crossing(void) {
    const uint64_t a = new_pages(1), b = (new_pages(1), new_pages(1)), va = HIGH + 0x40000;
    const uint64_t values[2] = {UINT64_C(0x0123456789abcdef), UINT64_C(0xf1e2d3c4b5a69788)};
    for (unsigned n = 0; n < sizeof(accesses) / sizeof(*accesses); n++) {
        const Access *s = &accesses[n];
        for (unsigned before = 0; before <= s->size; before++) {
            const uint64_t at = 4096 - before;
            guest_note("access, bytes in front", n << 16 | before);
            map(va, a | PTE_RW);
            map(va + 4096, b | PTE_RW);
            flush_tlb();
            for (uint64_t i = 4096 - 72; i < 4096 + 72; i++) {
                *byte_at(a, b, i) = 0xee;
            }
            run_el1(s->st, va + at, values[0], values[1]);
            FINISHED();
            for (uint64_t i = 4096 - 72; i < 4096 + 72; i++) {
                bool inside = i >= at && i < at + s->size;
                EQUAL(*byte_at(a, b, i), inside ? expected(s, (unsigned)(i - at), values) : 0xee);
            }
            run_el1(s->ld, va + at, 0, 0);
            FINISHED();
            for (unsigned i = 0; i < 4; i++) {
                uint64_t want = 0;
                for (unsigned k = 0; s->word[i] != 9 && k < s->step; k++) {
                    want |= (uint64_t)expected(s, s->word[i] * s->step + k, values) << 8 * k;
                }
                EQUAL(trap.x[i], want & s->mask);
            }
            if (before == 0 || before == s->size) {
                continue;
            }
            map(va + 4096, 0); /* the second page is not there: nothing changes */
            flush_tlb();
            run_el1(s->st, va + at, ~values[0], ~values[1]);
            TRAPPED(SYNC_SPX, EC_DABT + 1, 7 | WNR);
            EQUAL(trap.far, va + 4096);
            for (uint64_t i = at; i < 4096; i++) {
                EQUAL(*byte_at(a, b, i), expected(s, (unsigned)(i - at), values));
            }
            run_el1(s->ld, va + at, 111, 222);
            TRAPPED(SYNC_SPX, EC_DABT + 1, 7);
            EQUAL(trap.far, va + 4096);
            EQUAL(trap.x[0], va + at);
            EQUAL(trap.x[1], 111);
            map(va, 0); /* the first page is not there */
            map(va + 4096, b | PTE_RW | PTE_RO);
            flush_tlb();
            run_el1(s->ld, va + at, 0, 0);
            TRAPPED(SYNC_SPX, EC_DABT + 1, 7);
            EQUAL(trap.far, va + at);
            map(va, a | PTE_RW); /* the second may be read only */
            flush_tlb();
            run_el1(s->st, va + at, ~values[0], ~values[1]);
            TRAPPED(SYNC_SPX, EC_DABT + 1, 15 | WNR);
            for (uint64_t i = at; i < at + s->size; i++) {
                EQUAL(*byte_at(a, b, i), expected(s, (unsigned)(i - at), values));
            }
        }
    }
    guest_note(NULL, 0);
}

CODE(ldp_pre, "mov x1, #11\n mov x2, #22\n ldp x1, x2, [x0, #16]!" RET);
CODE(ldp_base, "ldp x3, x0, [x0]" RET);
CODE(stp_post, "stp x1, x2, [x0], #-16" RET);
CODE(ldp_q_post, "movi v0.16b, #1\n movi v1.16b, #2\n ldp q0, q1, [x0], #32" RET);
CODE(read_q, "fmov x0, d0\n mov x1, v0.d[1]\n fmov x2, d1\n mov x3, v1.d[1]" RET);
CODE(ld4_post, "movi v0.16b, #1\n movi v1.16b, #2\n ld4 {v0.16b-v3.16b}, [x0], #64" RET);

static void write_back(void) {
    const uint64_t a = new_pages(1), va = HIGH + 0x50000, end = va + 4096;
    map(va, a | PTE_RW);
    map(end, 0);
    flush_tlb();
    run_el1(ldp_pre, end - 24, 0, 0);
    TRAPPED(SYNC_SPX, EC_DABT + 1, 7);
    EQUAL(trap.x[0], end - 24);
    EQUAL(trap.x[1], 11);
    EQUAL(trap.x[2], 22);
    run_el1(ldp_base, end - 8, 0, 0);
    EQUAL(trap.far, end);
    EQUAL(trap.x[0], end - 8);
    run_el1(stp_post, end - 8, 1, 2);
    TRAPPED(SYNC_SPX, EC_DABT + 1, 7 | WNR);
    EQUAL(trap.x[0], end - 8);
    const void *const loads[] = {ldp_q_post, ld4_post};
    for (unsigned i = 0; i < 2; i++) {
        run_el1(loads[i], end - 16, 0, 0);
        TRAPPED(SYNC_SPX, EC_DABT + 1, 7);
        EQUAL(trap.x[0], end - 16);
        run_el1(read_q, 0, 0, 0);
        EQUAL(trap.x[0], UINT64_C(0x0101010101010101));
        EQUAL(trap.x[1], UINT64_C(0x0101010101010101));
        EQUAL(trap.x[2], UINT64_C(0x0202020202020202));
        EQUAL(trap.x[3], UINT64_C(0x0202020202020202));
    }
}

/* -- exclusives -- */

CODE(ex_plain, "ldxr x3, [x0]\n stxr w4, x1, [x0]\n mov x0, x4\n mov x1, x3" RET);
CODE(ex_alone, "clrex\n stxr w4, x1, [x0]\n mov x0, x4" RET);
CODE(ex_clrex, "ldxr x3, [x0]\n clrex\n stxr w4, x1, [x0]\n mov x0, x4" RET);
CODE(ex_twice, "ldxr x3, [x0]\n stxr w4, x1, [x0]\n stxr w5, x2, [x0]\n mov x0, x4\n mov x1, x5" RET);
CODE(ex_pair, "ldaxp x3, x4, [x0]\n stlxp w5, x1, x2, [x0]\n mov x0, x5\n mov x1, x3\n mov x2, x4" RET);
CODE(ex_pair_w, "ldxp w3, w4, [x0]\n stxp w5, w1, w2, [x0]\n mov x0, x5\n mov x1, x3\n mov x2, x4" RET);
CODE(ex_byte, "ldaxrb w3, [x0]\n add w3, w3, #1\n stlxrb w4, w3, [x0]\n mov x0, x4" RET);
CODE(ex_half, "ldxrh w3, [x0]\n add w3, w3, #1\n stxrh w4, w3, [x0]\n mov x0, x4" RET);
CODE(ex_svc, "ldxr x3, [x0]\n svc #3");
CODE(ex_store, "stxr w4, x1, [x0]\n mov x0, x4" DONE);
CODE(ex_other, "ldxr x3, [x0]\n stxr w4, x1, [x2]\n mov x0, x4" RET);

static void exclusives(void) {
    const uint64_t a = new_pages(1);
    write64(a, 5);
    run_el1(ex_plain, a, 6, 0);
    EQUAL(trap.x[0], 0);
    EQUAL(trap.x[1], 5);
    EQUAL(read64(a), 6);
    run_el1(ex_alone, a, 7, 0);
    EQUAL(trap.x[0], 1);
    run_el1(ex_clrex, a, 7, 0);
    EQUAL(trap.x[0], 1);
    EQUAL(read64(a), 6);
    run_el1(ex_twice, a, 8, 9);
    EQUAL(trap.x[0], 0);
    EQUAL(trap.x[1], 1);
    EQUAL(read64(a), 8);
    write64(a + 8, 80);
    run_el1(ex_pair, a, 10, 11);
    EQUAL(trap.x[0], 0);
    EQUAL(trap.x[1], 8);
    EQUAL(trap.x[2], 80);
    EQUAL(read64(a), 10);
    EQUAL(read64(a + 8), 11);
    run_el1(ex_pair_w, a + 8, 12, 13);
    EQUAL(trap.x[0], 0);
    EQUAL(trap.x[1], 11);
    EQUAL(read64(a + 8), UINT64_C(13) << 32 | 12);
    write64(a, 0xffff);
    run_el1(ex_byte, a, 0, 0);
    EQUAL(read64(a), 0xff00);
    run_el1(ex_half, a, 0, 0);
    EQUAL(read64(a), 0xff01);
    run_el1(ex_svc, a, 0, 0);
    run_el0(ex_store, (uint64_t)user_stack_top - 64, 1, 0); /* ERET cleared the monitor */
    FINISHED_EL0();
    EQUAL(trap.x[0], 1);
    run_el1(ex_pair, a + 8, 0, 0);
    TRAPPED(SYNC_SPX, EC_DABT + 1, 0x21);
}

/* -- features -- */

CODE(lse_code,
     "mov x9, x0\n mov x3, #5\n str x3, [x9]\n mov x4, #3\n ldadd x4, x5, [x9]\n swpal x4, x6, [x9]\n"
     "mov x7, #3\n mov x8, #77\n cas x7, x8, [x9]\n ldumaxb w4, w10, [x9]\n stset x3, [x9]\n"
     "mov x0, x5\n mov x1, x6\n mov x2, x7\n ldr x3, [x9]\n mov x4, x10" RET);
CODE(casp_code, "mov x9, x0\n mov x2, #1\n mov x3, #2\n stp x2, x3, [x9]\n mov x4, #3\n mov x5, #4\n"
                "casp x2, x3, x4, x5, [x9]\n mov x0, x2\n mov x1, x3\n ldp x2, x3, [x9]" RET);
CODE(lse_insn, "ldadd x1, x2, [x0]" RET);
CODE(cas_insn, "cas x1, x2, [x0]" RET);
CODE(swp_insn, "swpb w1, w2, [x0]" RET);
CODE(casp_insn, "casp x2, x3, x4, x5, [x0]" RET);
CODE(rdm_insn, "sqrdmlah v0.4s, v1.4s, v2.4s" RET);
CODE(rdm_scalar, "sqrdmlsh s0, s1, s2" RET);
CODE(dot_insn, "udot v0.4s, v1.16b, v2.16b" RET);
CODE(fp16_insn, "fadd h0, h1, h2" RET);
CODE(fp16_vector, "fmul v0.8h, v1.8h, v2.8h" RET);
CODE(fp16_move, "fmov h0, w1" RET);
CODE(rcpc_insn, "ldapr x1, [x0]" RET);
CODE(pan_insn, "msr pan, #0" RET);
CODE(pan_reg, "mrs x1, s3_0_c4_c2_3" RET);
CODE(pac_insn, ".inst 0xdac103e0" RET); /* PACIZA x0 */
CODE(pac_key, "mrs x1, s3_0_c2_c1_0" RET);
CODE(crc_insn, "crc32x w0, w1, x2" RET);
CODE(aes_insn, "aese v0.16b, v1.16b" RET);
CODE(pmull_insn, "pmull v0.1q, v1.1d, v2.1d" RET);
CODE(sha1_insn, "sha1h s0, s1" RET);
CODE(sha256_insn, "sha256h q0, q1, v2.4s" RET);
CODE(sha512_insn, ".inst 0xce628020" RET); /* SHA512H q0, q1, v2.2d */
CODE(sha3_insn, ".inst 0xce020c20" RET);   /* EOR3 */
CODE(sm3_insn, ".inst 0xce63c020" RET);    /* SM3PARTW1 */
CODE(sm4_insn, ".inst 0xcec08420" RET);    /* SM4E */
CODE(fhm_insn, ".inst 0x0e22ec20" RET);    /* FMLAL */
CODE(flagm_insn, ".inst 0xd500401f" RET);  /* CFINV */
CODE(jscvt_insn, ".inst 0x1e7e0020" RET);  /* FJCVTZS */
CODE(fcma_insn, ".inst 0x6e82c420" RET);   /* FCMLA v0.4s, v1.4s, v2.4s, #0 */
CODE(lrcpc2_insn, ".inst 0xd9400001" RET); /* LDAPUR */
CODE(frint_insn, ".inst 0x1e284020" RET);  /* FRINT32Z */
CODE(sve_insn, ".inst 0x04a0e3e0" RET);    /* CNTW */
CODE(uao_insn, ".inst 0xd503417f" RET);    /* MSR UAO */
CODE(dit_insn, ".inst 0xd503415f" RET);    /* MSR DIT */
CODE(ssbs_insn, ".inst 0xd503413f" RET);   /* MSR SSBS */
CODE(dpb_insn, ".inst 0xd50b7c20" RET);    /* DC CVAP */
CODE(rndr_insn, ".inst 0xd53b2400" RET);   /* MRS RNDR */
CODE(at_pan_insn, ".inst 0xd5087900" RET); /* AT S1E1RP */
CODE(i8mm_insn, ".inst 0x4e82a420" RET);   /* SMMLA */
CODE(bf16_insn, ".inst 0x6e42fc20" RET);   /* BFDOT */
CODE(mte_insn, ".inst 0x9ac01000" RET);    /* IRG */
CODE(lor_reg, "mrs x1, s3_0_c10_c4_7" RET);
CODE(pmuv3p4_reg, "mrs x1, s3_0_c9_c14_6" RET);

typedef struct Feature {
    const char *name;
    const void *code;
    uint8_t reg, shift, least; /* 0 ISAR0, 1 ISAR1, 2 PFR0, 3 MMFR1, 4 MMFR2, 5 PFR1, 6 DFR0 */
} Feature;
enum { I0, I1, P0, M1, M2, P1, D0 };
static const Feature features[] = {
    {"LSE", lse_insn, I0, 20, 2}, {"LSE", cas_insn, I0, 20, 2}, {"LSE", swp_insn, I0, 20, 2},
    {"LSE", casp_insn, I0, 20, 2}, {"RDM", rdm_insn, I0, 28, 1}, {"RDM", rdm_scalar, I0, 28, 1},
    {"DP", dot_insn, I0, 44, 1}, {"FP16", fp16_insn, P0, 16, 1}, {"AdvSIMD16", fp16_vector, P0, 20, 1},
    {"FP16", fp16_move, P0, 16, 1}, {"LRCPC", rcpc_insn, I1, 20, 1}, {"PAN", pan_insn, M1, 20, 1},
    {"PAN", pan_reg, M1, 20, 1}, {"CRC32", crc_insn, I0, 16, 1}, {"AES", aes_insn, I0, 4, 1},
    {"PMULL", pmull_insn, I0, 4, 2}, {"SHA1", sha1_insn, I0, 8, 1}, {"SHA256", sha256_insn, I0, 12, 1},
    {"SHA512", sha512_insn, I0, 12, 2}, {"SHA3", sha3_insn, I0, 32, 1}, {"SM3", sm3_insn, I0, 36, 1},
    {"SM4", sm4_insn, I0, 40, 1}, {"FHM", fhm_insn, I0, 48, 1}, {"TS", flagm_insn, I0, 52, 1},
    {"JSCVT", jscvt_insn, I1, 12, 1}, {"FCMA", fcma_insn, I1, 16, 1}, {"LRCPC2", lrcpc2_insn, I1, 20, 2},
    {"FRINTTS", frint_insn, I1, 32, 1}, {"SVE", sve_insn, P0, 32, 1}, {"UAO", uao_insn, M2, 4, 1},
    {"DIT", dit_insn, P0, 48, 1}, {"SSBS", ssbs_insn, P1, 4, 2}, {"DPB", dpb_insn, I1, 0, 1},
    {"RNDR", rndr_insn, I0, 60, 1}, {"PAN2", at_pan_insn, M1, 20, 2}, {"I8MM", i8mm_insn, I1, 52, 1},
    {"BF16", bf16_insn, I1, 44, 1}, {"MTE", mte_insn, P1, 8, 1}, {"LOR", lor_reg, M1, 16, 1},
    {"PMUv3p4", pmuv3p4_reg, D0, 8, 5},
};

static bool has(const Feature *f) {
    const uint64_t regs[] = {MRS(id_aa64isar0_el1), MRS(id_aa64isar1_el1), MRS(id_aa64pfr0_el1), MRS(id_aa64mmfr1_el1),
                             MRS(id_aa64mmfr2_el1), MRS(id_aa64pfr1_el1), MRS(id_aa64dfr0_el1)};
    unsigned value = regs[f->reg] >> f->shift & 15;
    return value >= f->least && !(f->reg == P0 && (f->shift == 16 || f->shift == 20) && value == 15);
}

CODE(pac_sign, ".inst 0xdac10020" RET); /* PACIA x0, x1 */
CODE(pac_auth, ".inst 0xdac11020" RET); /* AUTIA x0, x1 */
CODE(pac_da, ".inst 0xdac10820\n .inst 0xdac11820" RET);
CODE(pac_strip, ".inst 0xdac143e0" RET); /* XPACI x0 */
CODE(pac_ga, ".inst 0x9ac23020" RET);    /* PACGA x0, x1, x2 */
CODE(pac_hint, "mov x30, x0\n mov x9, sp\n .inst 0xd503233f\n mov x1, x30\n .inst 0xd50323bf\n mov x0, x30\n svc #9");
CODE(pac_branch, ".inst 0xd61f0820\n nop"); /* BRAAZ x1: 0xd61f081f | x1 << 5 */

static void pauth(bool present) {
    const uint64_t pointer = 0x40123458;
    run_el1(pac_insn, pointer, 0, 0);
    if (!present) {
        TRAPPED(SYNC_SPX, EC_UNKNOWN, 0);
        run_el1(pac_key, 0, 0, 0);
        TRAPPED(SYNC_SPX, EC_UNKNOWN, 0);
        run_el1(pac_hint, pointer, 0, 0); /* hints do nothing */
        TRAPPED(SYNC_SPX, EC_SVC, 9);
        EQUAL(trap.x[1], pointer);
        return;
    }
    __asm__ volatile("msr s3_0_c2_c1_0, %0\n msr s3_0_c2_c1_1, %1\n msr s3_0_c2_c3_0, %1\n msr s3_0_c2_c3_1, %0\n isb"
                     : : "r"(UINT64_C(0x0123456789abcdef)), "r"(UINT64_C(0x5555aaaa3333cccc)));
    run_el1(pac_sign, pointer, 42, 0); /* SCTLR.EnIA is clear */
    EQUAL(trap.x[0], pointer);
    const uint64_t old = MRS(sctlr_el1);
    MSR(sctlr_el1, old | UINT64_C(0x88000000) | UINT64_C(1) << 31);
    run_el1(pac_sign, pointer, 42, 0);
    FINISHED();
    const uint64_t signed_pointer = trap.x[0];
    CHECK(signed_pointer != pointer);
    EQUAL(signed_pointer & UINT64_C(0x7fffffffff), pointer);
    run_el1(pac_auth, signed_pointer, 42, 0);
    EQUAL(trap.x[0], pointer);
    run_el1(pac_auth, signed_pointer, 43, 0);
    CHECK(trap.x[0] != pointer);
    const uint64_t broken = trap.x[0];
    for (unsigned bit = 39; bit < 63; bit++) {
        if (bit != 55) {
            run_el1(pac_auth, signed_pointer ^ UINT64_C(1) << bit, 42, 0);
            CHECK(trap.x[0] != pointer);
        }
    }
    run_el1((const void *)broken, 0, 0, 0); /* no one runs or reads there */
    TRAPPED(SYNC_SPX, EC_IABT + 1, 4);
    run_el1(pac_strip, signed_pointer, 0, 0);
    EQUAL(trap.x[0], pointer);
    run_el1(pac_ga, 0, pointer, 7);
    EQUAL((uint32_t)trap.x[0], 0);
    CHECK(trap.x[0] != 0);
    run_el1(pac_hint, pointer, 0, 0);
    TRAPPED(SYNC_SPX, EC_SVC, 9);
    CHECK(trap.x[1] != pointer);
    EQUAL(trap.x[0], pointer);
    MSR(sctlr_el1, old);
}

static void feature_checks(void) {
    const uint64_t page = new_pages(1);
    for (size_t i = 0; i < sizeof(features) / sizeof(*features); i++) {
        guest_note(features[i].name, *(const uint32_t *)features[i].code);
        run_el1(features[i].code, page, 0, 0);
        if (has(&features[i])) {
            FINISHED();
        } else {
            TRAPPED(SYNC_SPX, EC_UNKNOWN, 0);
        }
    }
    guest_note(NULL, 0);
    if (has(&features[0])) {
        run_el1(lse_code, page, 0, 0);
        FINISHED();
        EQUAL(trap.x[0], 5);
        EQUAL(trap.x[1], 8);
        EQUAL(trap.x[2], 3);
        EQUAL(trap.x[3], 77 | 5);
        EQUAL(trap.x[4], 77);
        run_el1(lse_insn, page + 4, 0, 0);
        TRAPPED(SYNC_SPX, EC_DABT + 1, 0x21 | WNR);
        run_el1(casp_code, page, 0, 0);
        EQUAL(trap.x[0], 1);
        EQUAL(trap.x[2], 3);
        EQUAL(trap.x[3], 4);
        uint64_t va = HIGH + 0x60000;
        map(va, page | PTE_RW | PTE_RO);
        flush_tlb();
        run_el1(lse_insn, va, 0, 0);
        TRAPPED(SYNC_SPX, EC_DABT + 1, 15 | WNR);
        run_el1(cas_insn, va, 99, 98); /* fails to compare: still a write */
        TRAPPED(SYNC_SPX, EC_DABT + 1, 15 | WNR);
        map(va, 0);
        flush_tlb();
        run_el1(lse_insn, va, 0, 0);
        CHECK(trap.esr >> 26 == EC_DABT + 1 && (trap.esr & 63) == 7);
    }
    pauth(MRS(id_aa64isar1_el1) >> 4 & 0xff);
}

int guest_main(void) {
    mmu_on();
    MSR(cpacr_el1, 3 << 20);
    crossing();
    write_back();
    exclusives();
    feature_checks();
    guest_exit();
}
