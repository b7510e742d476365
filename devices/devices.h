/* SPDX-License-Identifier: MIT */
/*
 * devices.h - every device's class, what it is configured with, and the calls that machines make on it.
 */
#ifndef DEVICES_DEVICES_H
#define DEVICES_DEVICES_H

#include "devices/device.h"
#include "devices/pci.h"
#include "devices/virtio.h"
#include "host/block/block.h"
#include "host/chardev.h"
#include "host/net/net.h"

/* -- PL011 UART: one bank of 4 KiB, one output -- */
typedef struct Pl011Config {
    Chardev *chardev; /* borrowed; NULL: output is dropped */
} Pl011Config;
extern const DeviceClass device_pl011;

/* -- terminal of a PAPR machine: no banks; what the guest's hypercalls ask for; one output: a pulse when something is typed -- */
typedef struct SpaprVtyConfig {
    Chardev *chardev; /* borrowed; NULL: output is dropped */
} SpaprVtyConfig;
extern const DeviceClass device_spapr_vty; /* config may be NULL */
enum { SPAPR_VTY_PIECE = 16 }; /* bytes of one hypercall */
/* Takes what has been typed; returns how many bytes. Any thread. */
unsigned spapr_vty_get(Device *d, uint8_t bytes[SPAPR_VTY_PIECE]);
/* False: busy, nothing was taken. n is at most SPAPR_VTY_PIECE. Any thread. */
bool spapr_vty_put(Device *d, const uint8_t *bytes, unsigned n);

/* -- hash table of a PAPR partition: no banks -- */
typedef struct SpaprHptConfig {
    unsigned bits;  /* log2 of its bytes: from SPAPR_HPT_BITS_MIN to SPAPR_HPT_BITS_MAX */
    unsigned notes; /* words for spapr_hpt_notes */
} SpaprHptConfig;
enum { SPAPR_HPT_BITS_MIN = 18, SPAPR_HPT_BITS_MAX = 46 };
extern const DeviceClass device_spapr_hpt; /* config may be NULL */
/* Two words for each entry, for as long as the device lives. */
uint64_t *spapr_hpt_table(Device *d, unsigned *bits);
/* Words, 0 at first, for what CPUs note about the table: no state. */
uint64_t *spapr_hpt_notes(Device *d);

/* -- PL031 real-time clock: one bank of 4 KiB, one output -- */
typedef struct Pl031Config {
    int64_t start; /* seconds since 1970 at machine start, or -1: the host's time */
} Pl031Config;
extern const DeviceClass device_pl031; /* config may be NULL */

/* -- PL061 GPIO: one bank of 4 KiB, one output; inputs 0-7 are the pins (device_input) -- */
typedef struct Pl061Config {
    void (*output)(void *opaque, unsigned pin, bool level); /* a pin that is an output changes; may be NULL */
    void *opaque;
} Pl061Config;
extern const DeviceClass device_pl061; /* config may be NULL */

/* -- fw_cfg, memory-mapped: one bank of 24 bytes -- */
extern const DeviceClass device_fw_cfg;
enum {
    FW_CFG_SIGNATURE = 0x00, FW_CFG_ID = 0x01, FW_CFG_UUID = 0x02, FW_CFG_RAM_SIZE = 0x03, FW_CFG_NOGRAPHIC = 0x04,
    FW_CFG_NB_CPUS = 0x05, FW_CFG_MACHINE_ID = 0x06, FW_CFG_KERNEL_ADDR = 0x07, FW_CFG_KERNEL_SIZE = 0x08,
    FW_CFG_KERNEL_CMDLINE = 0x09, FW_CFG_INITRD_ADDR = 0x0a, FW_CFG_INITRD_SIZE = 0x0b, FW_CFG_BOOT_DEVICE = 0x0c,
    FW_CFG_NUMA = 0x0d, FW_CFG_BOOT_MENU = 0x0e, FW_CFG_MAX_CPUS = 0x0f, FW_CFG_KERNEL_ENTRY = 0x10,
    FW_CFG_KERNEL_DATA = 0x11, FW_CFG_INITRD_DATA = 0x12, FW_CFG_CMDLINE_ADDR = 0x13, FW_CFG_CMDLINE_SIZE = 0x14,
    FW_CFG_CMDLINE_DATA = 0x15, FW_CFG_SETUP_ADDR = 0x16, FW_CFG_SETUP_SIZE = 0x17, FW_CFG_SETUP_DATA = 0x18,
    FW_CFG_FILE_DIR = 0x19, FW_CFG_FILE_FIRST = 0x20,
};
/* At set-up only. Data is copied; numbers are stored little-endian. A second item with a key replaces the first. */
void fw_cfg_add_bytes(Device *d, uint16_t key, const void *data, size_t n);
void fw_cfg_add_i16(Device *d, uint16_t key, uint16_t value);
void fw_cfg_add_i32(Device *d, uint16_t key, uint32_t value);
void fw_cfg_add_i64(Device *d, uint16_t key, uint64_t value);
void fw_cfg_add_string(Device *d, uint16_t key, const char *s); /* with its final 0 */
/* Error: name longer than 55 bytes or already there, or no free key. */
bool fw_cfg_add_file(Device *d, const char *name, const void *data, size_t n, GError **error);

/* -- CFI parallel NOR flash, two 16-bit chips side by side: one bank of 64 MiB -- */
typedef struct FlashConfig {
    const char *path;   /* image of at most 64 MiB, or NULL: erased. Shorter: the rest reads erased (0xff) */
    bool read_only;     /* the guest may program its copy, which is then lost; the file is opened for reading */
    const void *data;   /* content in place of a file; copied */
    size_t data_size;
} FlashConfig;
extern const DeviceClass device_cfi_flash; /* config may be NULL */
enum { CFI_FLASH_SIZE = 64 << 20 };

/* -- virtio over MMIO: one bank of 512 bytes, one output -- */
extern const DeviceClass device_virtio_mmio;
/* At set-up: puts a virtio device into the slot, borrowed. False: there is one already. */
bool virtio_mmio_plug(Device *slot, Device *device);

/* -- PCI host bridge: bank 0 the configuration spaces, banks 1-3 memory below 4 GiB, I/O ports, high memory; four outputs
 * for the lines of its slots -- */
typedef struct PciHostConfig {
    uint64_t memory, high; /* bus addresses at which the windows begin; high 0: there is none */
} PciHostConfig;
extern const DeviceClass device_pci_ecam; /* config may be NULL */

/* -- GICv2m: one bank of 4 KiB; output n is shared interrupt first_spi + n -- */
typedef struct Gicv2mConfig {
    unsigned first_spi; /* INTID - 32 */
} Gicv2mConfig;
extern const DeviceClass device_gicv2m; /* config may be NULL */
enum { GICV2M_SPIS = 64, GICV2M_SETSPI = 0x40 };

/* -- virtio over PCI: functions, each with the device behind it that its class names -- */
typedef struct VirtioPciConfig {
    PciConfig pci;
    uint64_t vectors;               /* MSI-X vectors, at most; 0: none */
    bool no_legacy, no_modern;      /* interfaces that are not offered */
    bool iommu;                     /* its addresses are translated, where the bridge does that */
} VirtioPciConfig;
extern const DeviceClass device_virtio_blk_pci, device_virtio_net_pci, device_virtio_rng_pci, device_virtio_serial_pci;

/* -- virtio devices: no banks; they stand behind a transport -- */
typedef struct VirtioBlkConfig {
    VirtioConfig virtio;
    Block *block;       /* borrowed */
    const char *serial; /* at most 20 bytes, or NULL */
    uint64_t queues, queue_size, logical, physical;
    bool discard, write_zeroes;
} VirtioBlkConfig;
extern const DeviceClass device_virtio_blk; /* config may be NULL: no drive, every request fails */

enum { VIRTIO_NET_SWITCHES = 14 };
typedef struct VirtioNetConfig {
    VirtioConfig virtio;
    NetBackend *backend; /* borrowed; NULL: the link is down */
    uint8_t mac[6];
    uint8_t mac_given;
    uint64_t mtu;        /* that the guest is told; 0: none */
    bool no[VIRTIO_NET_SWITCHES]; /* features that are not offered, by the properties' order */
} VirtioNetConfig;
extern const DeviceClass device_virtio_net; /* config may be NULL */

typedef struct VirtioRngConfig {
    VirtioConfig virtio;
    void *source; /* not looked at: there is only the host's */
} VirtioRngConfig;
extern const DeviceClass device_virtio_rng; /* config may be NULL */

typedef struct VirtioSerialConfig {
    VirtioConfig virtio;
} VirtioSerialConfig;
extern const DeviceClass device_virtio_serial; /* config may be NULL */
/* Its ports. */
typedef struct SerialPortConfig {
    Chardev *chardev; /* borrowed; NULL: output is dropped */
    const char *name; /* at most 63 bytes, or NULL */
    uint64_t number;  /* 0: the next that is free */
} SerialPortConfig;
extern const DeviceClass device_virtconsole, device_virtserialport; /* config may be NULL */
enum { VIRTIO_SERIAL_PORTS = 31 };
/* At set-up. False: the number is taken, or there are as many ports as can be. */
bool virtio_serial_plug(Device *serial, Device *port);

/* -- GICv2: bank 0 the distributor (4 KiB), bank 1 the CPU interface (8 KiB) -- */
typedef struct GicConfig {
    unsigned cpus;    /* 1-8; version 3: 1-64 */
    unsigned irqs;    /* INTIDs, a multiple of 32: 288 = 256 shared ones; 0: 288 */
    unsigned cluster; /* version 3: CPU i has affinity level 0 i % cluster, level 1 i / cluster; 0: GICV3_CLUSTER */
} GicConfig;
extern const DeviceClass device_gicv2;
enum { GIC_MAX_CPUS = 8, GIC_MAX_IRQS = 1020 };
/* Inputs: a shared interrupt is its INTID (32 ...); a private one of a CPU is GIC_PPI(cpu, INTID 16-31). */
#define GIC_PPI(cpu, intid) (((cpu) + 1u) << 16 | (intid))
/* Outputs, numbers for device_irq. */
#define GIC_OUT_IRQ(cpu) (2 * (cpu))
#define GIC_OUT_FIQ(cpu) (2 * (cpu) + 1)

/* -- GICv3, with the same inputs and outputs: bank 0 the distributor (64 KiB), bank 1 the redistributors (128 KiB for
 * each CPU, in room for 123) -- */
extern const DeviceClass device_gicv3;
enum { GICV3_MAX_CPUS = 64, GICV3_CLUSTER = 16 };
/* A private interrupt's line, in place of device_input, which all CPUs would wait for. Any thread. */
void gicv3_ppi(Device *d, unsigned cpu, unsigned intid, bool level);
/* The CPU interface: system registers. Called on any thread, without locks; `cpu` is gicv3_cpu's, `arg` the row's. */
typedef struct GicCpuReg {
    const char *name;
    uint16_t code; /* op0 << 14 | op1 << 11 | CRn << 7 | CRm << 3 | op2 */
    unsigned arg;
    uint64_t (*read)(void *cpu, unsigned arg);              /* NULL: write-only */
    void (*write)(void *cpu, unsigned arg, uint64_t value); /* NULL: read-only */
} GicCpuReg;
extern const GicCpuReg gicv3_cpu_regs[]; /* ends with a NULL name */
void *gicv3_cpu(Device *d, unsigned cpu);
void gicv3_reset_cpu(void *cpu); /* the CPU alone: its interface, not its redistributor */

/* All classes, NULL-terminated, for `help` and for the tests that go through all of them. */
extern const DeviceClass *const device_classes[];

#endif
