/* SPDX-License-Identifier: MIT */
/*
 * helper.c - the table of C functions that the Arm front end's IR calls, made from helper.def.
 */
#include "frontend/arm/cpu.h"

/* Only addresses are taken here; the real prototypes stand in the headers of the files that define them. */
#define HELPER(name, ret, args, flags) extern void arm_helper_##name(void);
#include "frontend/arm/helper.def"
#undef HELPER

extern const IrHelper arm_helpers[ARM_HELPERS];

const IrHelper arm_helpers[ARM_HELPERS] = {
#define HELPER(name, ret, args, flags) {#name, arm_helper_##name, ret, args, flags},
#include "frontend/arm/helper.def"
#undef HELPER
};
