/* SPDX-License-Identifier: MIT */
/*
 * classes.c - the list of all machines.
 */
#include "machines/machine.h"

extern const MachineClass machine_pseries, machine_virt;

const MachineClass *const machine_classes[] = { &machine_pseries, &machine_virt, NULL };
