/* SPDX-License-Identifier: MIT */
/*
 * hello.c - output by the serial port and by semihosting; with -DPOWER_OFF the end is PSCI's.
 */
#include "guest.h"

int guest_main(void);

int guest_main(void) {
    uint64_t one[1];
    print("hello from the serial port\n");
    semihost(0x04, "hello from semihosting\n");
    for (const char *s = "by characters\n"; *s; s++) {
        semihost(0x03, s);
    }
    EQUAL(MRS(currentel), 4);
    EQUAL(MRS(daif), 0x3c0);
    EQUAL(MRS(spsel), 1);
    EQUAL(psci(0x84000000, 0, 0, 0), 0x10001);
    one[0] = 0;
    EQUAL(semihost(0x7777, one), UINT64_MAX);
#ifdef FAILING
    EQUAL(one[0], 1);
#endif
#ifdef POWER_OFF
    psci(0x84000008, 0, 0, 0);
    print("still here\n");
#endif
    guest_exit();
}
