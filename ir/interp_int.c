/* SPDX-License-Identifier: MIT */
/*
 * interp_int.c - the interp_<op> functions of the integer, flags and move ops: semantics.h behind IrFn's signature.
 */
#include "ir/interp.h"
#include "ir/semantics.h"

#define DEFINE(name, imm)                                                                                              \
    void interp_##name(Env *env, IrVal *d, const IrVal *a, const IrVal *b, const IrVal *c, uint64_t info) {            \
        sem_##name(env, d, a, b, c, info);                                                                             \
    }
IR_INT_OPS(DEFINE)
#undef DEFINE

bool ir_cond_holds(unsigned cond, uint32_t flags) {
    return sem_cond(cond, flags);
}
