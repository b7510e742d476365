/* SPDX-License-Identifier: MIT */
/*
 * pauth.h - operations of the pointer-authentication helper.
 */
#ifndef FRONTEND_ARM_PAUTH_H
#define FRONTEND_ARM_PAUTH_H

/* Third argument of arm_helper_pac: a key, and what to do with it. STRIP: PAC_IA for code, PAC_DA for data pointers. */
typedef enum ArmPacOp { PAC_IA, PAC_IB, PAC_DA, PAC_DB, PAC_KEY = 3, PAC_AUTH = 4, PAC_STRIP = 8 } ArmPacOp;

#endif
