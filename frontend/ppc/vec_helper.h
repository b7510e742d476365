/* SPDX-License-Identifier: MIT */
/*
 * vec_helper.h - what helpers of AltiVec insns share.
 */
#ifndef FRONTEND_PPC_VEC_HELPER_H
#define FRONTEND_PPC_VEC_HELPER_H

#include "frontend/ppc/cpu.h"

/* The AltiVec register that the low five bits of n name. */
static inline IrVal *ppc_vr(Env *env, uint32_t n) {
    return &ppc_cpu(env)->vsr[32 + (n & 31)];
}

#endif
