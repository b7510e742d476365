/* SPDX-License-Identifier: MIT */
/*
 * trans_mem.h - what trans_mem.c, trans_vec_mem.c and trans_fp_mem.c share: addresses, checks, access flags.
 */
#ifndef FRONTEND_PPC_TRANS_MEM_H
#define FRONTEND_PPC_TRANS_MEM_H

#include "frontend/ppc/trans.h"

/* (ra or 0) + d, (ra or 0) + rb, as the mode makes addresses. */
uint32_t ppc_ea_d(Trans *t, unsigned ra, int64_t d);
uint32_t ppc_ea_x(Trans *t, const PpcFields *f);
/* aux of an access of 2^size bytes; how: PPC_SIGNED, PPC_REVERSED. */
unsigned ppc_mem(const Trans *t, unsigned size, unsigned how);
/* Proves that the bytes at ea may be accessed; yields the addend. aux: IrCheck */
uint32_t ppc_check(Trans *t, uint32_t ea, unsigned bytes, unsigned aux);
/* Loads; an i64 when it is of 8 bytes or sign-extended, else an i32. */
uint32_t ppc_fetch(Trans *t, unsigned aux, uint32_t addend, uint32_t ea);

#endif
