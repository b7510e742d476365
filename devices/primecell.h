/* SPDX-License-Identifier: MIT */
/*
 * primecell.h - the identification registers that all Arm PrimeCell peripherals have at the end of their 4 KiB.
 */
#ifndef DEVICES_PRIMECELL_H
#define DEVICES_PRIMECELL_H

/* Rows of a regs[] table: part number and designer in the first three, then the fixed cell id. */
#define PRIMECELL_ID(id0, id1, id2, id3) PRIMECELL_ID_AT(0, id0, id1, id2, id3)
/* At `at` and 0xfe0: the end of a larger device. */
#define PRIMECELL_ID_AT(at, id0, id1, id2, id3)                                                                       \
    { (at) + 0xfe0, "PeriphID0", .reset = id0 }, { (at) + 0xfe4, "PeriphID1", .reset = id1 },                         \
    { (at) + 0xfe8, "PeriphID2", .reset = id2 }, { (at) + 0xfec, "PeriphID3", .reset = id3 },                         \
    { (at) + 0xff0, "PCellID0", .reset = 0x0d }, { (at) + 0xff4, "PCellID1", .reset = 0xf0 },                         \
    { (at) + 0xff8, "PCellID2", .reset = 0x05 }, { (at) + 0xffc, "PCellID3", .reset = 0xb1 }

#endif
