/* SPDX-License-Identifier: MIT */
/*
 * helper.c - the table of C functions that the PowerPC front end's IR calls, made from helper.def.
 */
#include "frontend/ppc/spr.h"

/* Only addresses are taken here; the real prototypes stand with the functions. */
#define HELPER(name, ret, args, flags) extern void ppc_helper_##name(void);
#include "frontend/ppc/helper.def"
#undef HELPER

const IrHelper ppc_helpers[PPC_HELPERS] = {
#define HELPER(name, ret, args, flags) {#name, ppc_helper_##name, ret, args, flags},
#include "frontend/ppc/helper.def"
#undef HELPER
};
