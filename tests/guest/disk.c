/* SPDX-License-Identifier: MIT */
/*
 * disk.c - a virtio disk from a program's view: what is written is read, code that was read from the disk runs, and runs
 * changed when it is read again, and the completion interrupt ends a wait. Expects a writable disk of 64 KiB in slot 0.
 */
#include "guest.h"

int guest_main(void);

enum {
    ENTRIES = 8, SECTOR = 512, CONTROLLER_LINE = 48, /* INTID of slot 0 */
    IN = 0, OUT = 1, FLUSH = 4,
    MAGIC = 0x000, DEVICE_ID = 0x008, FEATURES_SEL = 0x024, FEATURES = 0x020, QUEUE_SEL = 0x030, QUEUE_NUM = 0x038,
    QUEUE_READY = 0x044, NOTIFY = 0x050, INT_STATUS = 0x060, INT_ACK = 0x064, STATUS = 0x070, DESC = 0x080, DRIVER = 0x090,
    DEVICE = 0x0a0, CAPACITY = 0x100,
};

typedef struct Desc {
    uint64_t addr;
    uint32_t len;
    uint16_t flags, next;
} Desc;

/* The three areas and the header of a request, in pages of their own. */
typedef struct Rings {
    Desc desc[ENTRIES];
    uint8_t pad0[4096 - 16 * ENTRIES];
    volatile uint16_t avail_flags, avail_index, avail_ring[ENTRIES];
    uint8_t pad1[4096 - 4 - 2 * ENTRIES];
    volatile uint16_t used_flags, used_index;
    volatile uint32_t used_ring[2 * ENTRIES];
    uint8_t pad2[4096 - 4 - 8 * ENTRIES];
    struct { uint32_t type, reserved; uint64_t sector; } head;
    volatile uint8_t status;
} Rings;

static Rings *rings;

static void set_area(uint64_t reg, const volatile void *at) {
    write32(VIRTIO + reg, (uint32_t)(uint64_t)at);
    write32(VIRTIO + reg + 4, (uint32_t)((uint64_t)at >> 32));
}

static void start(void) {
    rings = (Rings *)new_pages(4);
    for (uint64_t at = 0; at < sizeof *rings; at += 8) { /* a reset leaves memory as it was */
        write64((uint64_t)rings + at, 0);
    }
    EQUAL(read32(VIRTIO + MAGIC), 0x74726976);
    EQUAL(read32(VIRTIO + DEVICE_ID), 2);
    EQUAL(read32(VIRTIO + CAPACITY), 128);
    write32(VIRTIO + STATUS, 0);
    write32(VIRTIO + STATUS, 3);
    write32(VIRTIO + FEATURES_SEL, 0);
    write32(VIRTIO + FEATURES, 1 << 9); /* it can be flushed */
    write32(VIRTIO + FEATURES_SEL, 1);
    write32(VIRTIO + FEATURES, 1);
    write32(VIRTIO + STATUS, 11);
    EQUAL(read32(VIRTIO + STATUS), 11);
    write32(VIRTIO + QUEUE_SEL, 0);
    write32(VIRTIO + QUEUE_NUM, ENTRIES);
    set_area(DESC, rings->desc);
    set_area(DRIVER, &rings->avail_flags);
    set_area(DEVICE, &rings->used_flags);
    write32(VIRTIO + QUEUE_READY, 1);
    write32(VIRTIO + STATUS, 15);
    EQUAL(read32(VIRTIO + STATUS), 15);
}

/* Gives the device a request; returns the index that the device counts to when it is done. */
static uint16_t give(uint32_t type, uint64_t sector, uint64_t at, uint32_t size) {
    unsigned count = 0;
    rings->head.type = type;
    rings->head.sector = sector;
    rings->status = 0xee;
    rings->desc[count++] = (Desc){ (uint64_t)&rings->head, 16, 1, 1 };
    if (size) {
        rings->desc[count] = (Desc){ at, size, type == IN ? 3 : 1, (uint16_t)(count + 1) };
        count++;
    }
    rings->desc[count] = (Desc){ (uint64_t)&rings->status, 1, 2, 0 };
    rings->avail_ring[rings->avail_index % ENTRIES] = 0;
    ASM("dmb ish");
    rings->avail_index++;
    ASM("dmb ish");
    uint16_t done = (uint16_t)(rings->used_index + 1);
    write32(VIRTIO + NOTIFY, 0);
    return done;
}

static void ask(uint32_t type, uint64_t sector, uint64_t at, uint32_t size) {
    uint16_t done = give(type, sector, at, size);
    while (rings->used_index != done) {
    }
    ASM("dmb ish");
    EQUAL(rings->status, 0);
    write32(VIRTIO + INT_ACK, read32(VIRTIO + INT_STATUS));
}

static void data(void) {
    const uint64_t from = new_pages(2), to = new_pages(2);
    for (unsigned round = 0; round < 20; round++) {
        for (unsigned i = 0; i < 8192; i += 8) {
            write64(from + i, (uint64_t)round << 32 | i);
        }
        ask(OUT, 5 * round, from, 8192); /* test_disk_errors.py expects them there */
        ask(FLUSH, 0, 0, 0);
        ask(IN, 5 * round, to, 8192);
        for (unsigned i = 0; i < 8192; i += 8) {
            EQUAL(read64(to + i), (uint64_t)round << 32 | i);
        }
    }
}

/* A page of code that the device overwrites, again and again. */
static void code(void) {
    const uint64_t page = new_pages(1), other = new_pages(1);
    for (unsigned n = 1; n < 40; n++) {
        write32(other, 0xd2800000 | n << 5); /* movz x0, #n */
        write32(other + 4, 0xd65f03c0);      /* ret */
        ask(OUT, 0, other, SECTOR);
        ask(IN, 0, page, SECTOR);
        sync_code(page, 8);
        for (unsigned k = 0; k < 3; k++) {
            EQUAL(((uint64_t (*)(void))page)(), n);
        }
    }
}

/* The interrupt ends a WFI, taken or not. */
static void interrupt(void) {
    const uint64_t page = new_pages(1);
    write32(GICD, 1);
    write32(GICD + 0x100 + CONTROLLER_LINE / 32 * 4, 1u << (CONTROLLER_LINE % 32));
    write32(GICD + 0x800 + CONTROLLER_LINE, 1);
    write32(GICC, 1);
    write32(GICC + 4, 0xff);
    for (unsigned n = 0; n < 5; n++) {
        uint16_t done = give(IN, n, page, SECTOR);
        do {
            ASM("wfi");
        } while (rings->used_index != done);
        EQUAL(read32(GICC + 0xc), CONTROLLER_LINE);
        EQUAL(read32(VIRTIO + INT_STATUS), 1);
        write32(VIRTIO + INT_ACK, 1);
        write32(GICC + 0x10, CONTROLLER_LINE);
        EQUAL(read32(GICC + 0xc), 1023);
    }
}

int guest_main(void) {
    start();
    data();
    code();
    interrupt();
    print("the disk is done\n");
    guest_exit();
}
