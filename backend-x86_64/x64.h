/* SPDX-License-Identifier: MIT */
/* x64.h - what the files of this backend share besides the assembler. */
#ifndef BACKEND_X86_64_X64_H
#define BACKEND_X86_64_X64_H

#include "ir/host.h"

/* What the vector rules may use. A level has all of those below it. */
typedef enum X64Level {
    X64_SSE2,
    X64_AVX2,   /* and AES, PCLMULQDQ, FMA, F16C, BMI1, LZCNT */
    X64_AVX512, /* F, BW, DQ, VL, CD, BITALG, and GFNI, SHA */
    X64_LEVELS
} X64Level;
/* The best level of this machine. */
X64Level x64_host_level(void);
/* The backend that keeps to a level, which the machine must have. */
const Backend *x64_backend(X64Level level);

/* emit_mem.c */
void x64_check(HostCode *h, HostCold *c, unsigned table);
void x64_ld(HostCode *h, IrType type, unsigned aux, unsigned d, unsigned addend, unsigned ea, int32_t disp);
void x64_st(HostCode *h, IrType type, unsigned aux, HostOperand v, unsigned addend, unsigned ea, int32_t disp,
            unsigned tmp);
void x64_cold(HostCode *h, const HostCold *c);
void x64_cold_state(HostCode *h, const HostCold *c);
HostFixup x64_one_page(HostCode *h, const HostCold *c);

/* vec.c */
void x64_cold_op(HostCode *h, const HostColdOp *c);

/* emit_fp.c */
void x64_unordered(HostCode *h, const HostOp *op); /* fl_fcmp's host flags when an operand is a NaN */
void x64_cold_fsmuladd(HostCode *h, HostOp *op, IrNode *node); /* the cold path; node is op->node */

/* emit_flow.c */
void x64_test(HostCode *h, IrType type, HostOperand a, HostOperand b);
void x64_compare(HostCode *h, IrType type, HostOperand a, HostOperand b);
void x64_flags_save(HostCode *h, HostPolarity p, HostOperand to, bool result_reg_free);
int x64_flags_cc(unsigned cond, HostPolarity p);
int x64_flags_test(HostCode *h, unsigned cond, HostOperand from, unsigned tmp);
void x64_flags_select(HostCode *h, int cc, IrType type, HostOperand a, HostOperand b, int32_t image);
void x64_carry_in(HostCode *h, HostPolarity from, HostPolarity wanted);
void x64_carry_load(HostCode *h, HostOperand from, bool bit, HostPolarity wanted);
void x64_carry_save(HostCode *h, HostPolarity p, HostOperand to);
int x64_carry_test(HostCode *h, unsigned cond, HostOperand from);
void x64_csel(HostCode *h, IrType type, int cc, unsigned d, unsigned s);
void x64_csel_fp(HostCode *h, IrType type, int cc, unsigned d, const uint8_t s[2], const uint8_t tmp[2]);
void x64_cset(HostCode *h, int cc, unsigned d);
void x64_align(HostCode *h, unsigned bytes);
int x64_poll(HostCode *h);
void x64_pending_exit(HostCode *h, int32_t off);
uint32_t x64_chain_jump(HostCode *h, int cc);
void x64_chain_stub(HostCode *h, uint32_t id);
void x64_indirect(HostCode *h, unsigned va, bool sext);
void x64_far_jump(HostCode *h, int32_t off, bool poll);
void x64_exit(HostCode *h, unsigned reason, bool set_pc, int32_t off);
void x64_patch(uint8_t *displacement, const uint8_t *exec_of_it, const uint8_t *to);
HostFixup x64_budget(HostCode *h, unsigned insns, uint32_t *host);
void x64_refund(HostCode *h, unsigned insns);
void x64_store_insn_off(HostCode *h, int32_t off);
void x64_call_op(HostCode *h, unsigned op, uint64_t info);
void x64_call_helper(HostCode *h, unsigned helper, unsigned flags, const HostOperand *args, const IrType *types,
                     unsigned n, int32_t insn_off);

/* stubs.c */
bool x64_make_stubs(HostCode *h, HostStubs *stubs, const IrSlot *slots, unsigned slot_count, HostSlowFn *slow);
void x64_own_stubs(HostCode *h, HostStubs *own, const HostStubs *stubs, const HostPins *pins);

enum { X64_PINS = 9, X64_VPINS = 8 };
extern const uint8_t x64_pins[9], x64_vpins[8];

#endif
