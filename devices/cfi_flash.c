/* SPDX-License-Identifier: MIT */
/*
 * cfi_flash.c - parallel NOR flash: two 16-bit chips of 32 MiB side by side, as one 32-bit bank with blocks of 256 KiB.
 * Spec: CFI (JESD68), and the Intel/Sharp extended command set 0x0001 with buffered programming and block locks.
 * While both chips show their array, reads go straight to memory. Commands take no time. Each chip has its own state,
 * so a command may be given to one half of the bus only.
 * Missing: protection registers, burst configuration (accepted, no effect), suspend (nothing ever runs that long).
 */
#include <errno.h>
#include <fcntl.h>
#include <gio/gio.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "devices/devices.h"
#include "devices/fdt_node.h"

enum {
    CHIPS = 2,
    WORD = 2 * CHIPS,            /* bytes of the bank at one chip address */
    BLOCK_SHIFT = 16,            /* words of a chip's block: 128 KiB */
    BLOCKS = 256,
    BUFFER_WORDS = 32,
    MANUFACTURER = 0x89, DEVICE = 0x1d,
    ERASED_MAP = 2 << 20,        /* bytes of 0xff that all of an erased flash shares */
    COPY = 64 << 10,             /* unit in which an image is looked at */
    CALM = 64,                   /* reads of the array before it is read directly again */

    STATUS_READY = 0x80, STATUS_ERASE = 0x20, STATUS_PROGRAM = 0x10, STATUS_LOCKED = 0x02,
};

/* What a chip shows when it is read. */
typedef enum Shows { SHOWS_ARRAY, SHOWS_ID, SHOWS_QUERY, SHOWS_STATUS } Shows;
/* What it takes the next write for. */
typedef enum Expects {
    EXPECTS_COMMAND, EXPECTS_ERASE_CONFIRM, EXPECTS_WORD, EXPECTS_COUNT, EXPECTS_DATA, EXPECTS_BUFFER_CONFIRM,
    EXPECTS_LOCK, EXPECTS_IGNORED
} Expects;

typedef struct Chip {
    uint32_t shows, expects; /* Shows, Expects */
    uint32_t status;
    uint32_t block;          /* of the command in progress */
    uint32_t left;           /* words of a buffered program still to come */
    uint32_t count;          /* words in the buffer */
    uint32_t address[BUFFER_WORDS];
    uint16_t data[BUFFER_WORDS];
    uint8_t locked[BLOCKS];
} Chip;

typedef struct Flash {
    Device d;
    uint8_t *memory;  /* CFI_FLASH_SIZE bytes */
    int fd;           /* of the image, kept for its lock, or -1 */
    uint32_t through; /* changes are written to the image */
    Chip chip[CHIPS];
    uint32_t calm;    /* reads since both chips show the array */
    uint32_t direct;  /* reads are direct now */
    uint32_t on_bus;  /* reads can be direct */
    uint32_t reserved; /* keeps the struct free of holes */
} Flash;

/* CFI query, from word 0x10 of a chip. */
static const uint8_t query[] = {
    'Q', 'R', 'Y', 0x01, 0x00, 0x31, 0x00, 0, 0, 0, 0,         /* command set 1, its table at 0x31 */
    0x27, 0x36, 0x00, 0x00,                                     /* 0x1b: supply voltages */
    0x07, 0x07, 0x0a, 0x00, 0x04, 0x04, 0x04, 0x00,             /* 0x1f: typical and longest times, powers of two */
    0x19, 0x01, 0x00, 0x06, 0x00, 0x01,                         /* 0x27: 2^25 bytes, 16 bits, buffer 2^6, one region */
    0xff, 0x00, 0x00, 0x02,                                     /* 0x2d: 256 blocks of 512 * 256 bytes */
    'P', 'R', 'I', '1', '1', 0x20, 0x00, 0x00, 0x00, 0x00,      /* 0x31: instant block locking */
    0x01, 0x00, 0x33, 0x00, 0x00,                               /* 0x3b: lock status bit, voltages, no protection */
};
enum { QUERY_FIRST = 0x10 };

static uint8_t *word_at(Flash *s, unsigned chip, uint32_t address) {
    return s->memory + (size_t)address * WORD + chip * 2;
}

/* -- direct reads -- */

static void look_direct(Flash *s, bool now) {
    bool array = s->chip[0].shows == SHOWS_ARRAY && s->chip[1].shows == SHOWS_ARRAY;
    s->calm = array ? s->calm + 1 : 0;
    bool want = array && s->on_bus && (now || s->direct || s->calm > CALM);
    if (want != (bool)s->direct) {
        s->direct = want;
        bus_set_direct(s->d.bus, &s->d, 0, want ? s->memory : NULL);
    }
}

/* -- changes of the content -- */

/* Writes the bytes of the bank through to the image. A host error becomes the chip's own. */
static bool write_through(Flash *s, size_t offset, size_t n) {
    while (s->through && n) {
        ssize_t done = pwrite(s->fd, s->memory + offset, n, (off_t)offset);
        if (done < 0 && errno == EINTR) {
            continue;
        }
        if (done <= 0) {
            device_log(&s->d, LOG_GUEST_ERROR, "%s: the image cannot be written: %s", s->d.name,
                       done ? g_strerror(errno) : "no room");
            return false;
        }
        offset += (size_t)done;
        n -= (size_t)done;
    }
    return true;
}

static bool refuse_locked(Chip *c, uint32_t block, uint32_t error) {
    if (c->locked[block]) {
        c->status |= STATUS_LOCKED | error;
    }
    return c->locked[block];
}

/* Programming only clears bits. */
static void program(Flash *s, unsigned n, uint32_t address, uint16_t data) {
    Chip *c = &s->chip[n];
    if (refuse_locked(c, address >> BLOCK_SHIFT, STATUS_PROGRAM)) {
        return;
    }
    uint8_t *p = word_at(s, n, address);
    p[0] &= data & 0xff;
    p[1] &= data >> 8;
    if (!write_through(s, (size_t)(p - s->memory), 2)) {
        c->status |= STATUS_PROGRAM;
    }
}

static void erase(Flash *s, unsigned n, uint32_t block) {
    Chip *c = &s->chip[n];
    if (refuse_locked(c, block, STATUS_ERASE)) {
        return;
    }
    uint32_t first = block << BLOCK_SHIFT;
    for (uint32_t i = 0; i < 1u << BLOCK_SHIFT; i++) {
        memset(word_at(s, n, first + i), 0xff, 2);
    }
    if (!write_through(s, (size_t)first * WORD, (size_t)WORD << BLOCK_SHIFT)) {
        c->status |= STATUS_ERASE;
    }
}

/* -- commands: one row each -- */

typedef struct Command {
    uint8_t code;
    uint8_t shows, expects;
} Command;

static const Command commands[] = {
    { 0xff, SHOWS_ARRAY, EXPECTS_COMMAND },
    { 0x90, SHOWS_ID, EXPECTS_COMMAND },
    { 0x98, SHOWS_QUERY, EXPECTS_COMMAND },
    { 0x70, SHOWS_STATUS, EXPECTS_COMMAND },
    { 0x20, SHOWS_STATUS, EXPECTS_ERASE_CONFIRM },
    { 0x10, SHOWS_STATUS, EXPECTS_WORD },
    { 0x40, SHOWS_STATUS, EXPECTS_WORD },
    { 0xe8, SHOWS_STATUS, EXPECTS_COUNT },
    { 0x60, SHOWS_ID, EXPECTS_LOCK },
    { 0xb0, SHOWS_STATUS, EXPECTS_COMMAND }, /* suspend: always too late */
    { 0xd0, SHOWS_STATUS, EXPECTS_COMMAND }, /* resume */
    { 0xc0, SHOWS_STATUS, EXPECTS_IGNORED }, /* protection register program */
    { 0x00, SHOWS_ARRAY, EXPECTS_COMMAND },
    { 0xf0, SHOWS_ARRAY, EXPECTS_COMMAND },  /* the other command set's reset, which probes try */
};

static void command(Flash *s, Chip *c, uint32_t address, uint8_t code) {
    c->block = address >> BLOCK_SHIFT;
    if (code == 0x50) { /* clear status: what is shown stays */
        c->status = STATUS_READY;
        return;
    }
    for (unsigned i = 0; i < G_N_ELEMENTS(commands); i++) {
        if (commands[i].code == code) {
            c->shows = commands[i].shows;
            c->expects = commands[i].expects;
            return;
        }
    }
    device_log(&s->d, LOG_GUEST_ERROR, "%s: unknown command 0x%02x", s->d.name, code);
}

static void done(Chip *c) {
    c->expects = EXPECTS_COMMAND;
}

/* A sequence that the guest broke off: both error bits, as the chips say it. */
static void sequence_error(Chip *c) {
    c->status |= STATUS_ERASE | STATUS_PROGRAM;
    c->shows = SHOWS_STATUS;
    done(c);
}

static void expect_erase_confirm(Flash *s, unsigned n, uint32_t address, uint16_t data) {
    Chip *c = &s->chip[n];
    if ((data & 0xff) != 0xd0) {
        sequence_error(c);
        return;
    }
    erase(s, n, address >> BLOCK_SHIFT);
    done(c);
}

static void expect_word(Flash *s, unsigned n, uint32_t address, uint16_t data) {
    program(s, n, address, data);
    done(&s->chip[n]);
}

/* One less than the number of words that follow. */
static void expect_count(Flash *s, unsigned n, uint32_t address, uint16_t data) {
    Chip *c = &s->chip[n];
    if (data >= BUFFER_WORDS) {
        sequence_error(c);
        return;
    }
    c->left = data + 1u;
    c->count = 0;
    c->block = address >> BLOCK_SHIFT;
    c->expects = EXPECTS_DATA;
}

static void expect_data(Flash *s, unsigned n, uint32_t address, uint16_t data) {
    Chip *c = &s->chip[n];
    if (address >> BLOCK_SHIFT != c->block || c->count >= BUFFER_WORDS) {
        sequence_error(c);
        return;
    }
    c->address[c->count] = address;
    c->data[c->count++] = data;
    if (--c->left == 0) {
        c->expects = EXPECTS_BUFFER_CONFIRM;
    }
}

static void expect_buffer_confirm(Flash *s, unsigned n, uint32_t address, uint16_t data) {
    Chip *c = &s->chip[n];
    if ((data & 0xff) != 0xd0) {
        sequence_error(c);
        return;
    }
    for (uint32_t i = 0; i < c->count; i++) {
        program(s, n, c->address[i], c->data[i]);
    }
    done(c);
}

/* 01 lock, d0 unlock, 2f lock down, 03 burst configuration. */
static void expect_lock(Flash *s, unsigned n, uint32_t address, uint16_t data) {
    Chip *c = &s->chip[n];
    uint8_t *locked = &c->locked[address >> BLOCK_SHIFT];
    switch (data & 0xff) {
    case 0x01: *locked |= 1; break;
    case 0xd0: *locked &= ~1; break;
    case 0x2f: *locked |= 3; break;
    case 0x03: break;
    default: sequence_error(c); return;
    }
    c->shows = SHOWS_STATUS;
    done(c);
}

static void expect_ignored(Flash *s, unsigned n, uint32_t address, uint16_t data) {
    s->chip[n].status |= STATUS_PROGRAM | STATUS_LOCKED; /* no protection register is there */
    done(&s->chip[n]);
}

static void chip_write(Flash *s, unsigned n, uint32_t address, uint16_t data) {
    static void (*const steps[])(Flash *s, unsigned n, uint32_t address, uint16_t data) = {
        [EXPECTS_ERASE_CONFIRM] = expect_erase_confirm,
        [EXPECTS_WORD] = expect_word,
        [EXPECTS_COUNT] = expect_count,
        [EXPECTS_DATA] = expect_data,
        [EXPECTS_BUFFER_CONFIRM] = expect_buffer_confirm,
        [EXPECTS_LOCK] = expect_lock,
        [EXPECTS_IGNORED] = expect_ignored,
    };
    Chip *c = &s->chip[n];
    if (c->expects == EXPECTS_COMMAND) {
        command(s, c, address, data & 0xff);
    } else {
        steps[c->expects](s, n, address, data);
    }
}

static uint16_t chip_read(Flash *s, unsigned n, uint32_t address) {
    static const uint8_t ids[] = { MANUFACTURER, DEVICE };
    const Chip *c = &s->chip[n];
    const uint8_t *p = word_at(s, n, address);
    uint32_t in_block = address & ((1u << BLOCK_SHIFT) - 1);
    switch (c->shows) {
    case SHOWS_ID:
        return in_block < 2 ? ids[in_block] : in_block == 2 ? c->locked[address >> BLOCK_SHIFT] : 0;
    case SHOWS_QUERY:
        return in_block < 2 ? ids[in_block] : in_block - QUERY_FIRST < sizeof query ? query[in_block - QUERY_FIRST] : 0;
    case SHOWS_STATUS:
        return (uint16_t)c->status;
    default:
        return (uint16_t)(p[0] | p[1] << 8);
    }
}

/* -- the bus -- */

static BusResult bank_read(Device *d, uint64_t offset, unsigned size, uint64_t *value) {
    Flash *s = (Flash *)d;
    *value = 0;
    for (unsigned i = 0; i < size; i++) {
        uint32_t at = offset + i;
        uint16_t word = chip_read(s, at / 2 % CHIPS, at / WORD);
        *value |= (uint64_t)(word >> (at % 2 * 8) & 0xff) << (8 * i);
    }
    look_direct(s, false);
    return BUS_OK;
}

/* A byte reaches its chip with the other half of the lines low for a command, high (kept) for data. */
static BusResult bank_write(Device *d, uint64_t offset, unsigned size, uint64_t value) {
    Flash *s = (Flash *)d;
    if (size == 1) {
        Chip *c = &s->chip[offset / 2 % CHIPS];
        bool data = c->expects == EXPECTS_WORD || c->expects == EXPECTS_DATA;
        uint16_t word = offset % 2 ? (uint16_t)(value << 8) : (uint16_t)value;
        word |= data ? (offset % 2 ? 0x00ff : 0xff00) : 0;
        chip_write(s, offset / 2 % CHIPS, offset / WORD, word);
    }
    for (unsigned i = 0; i + 1 < size; i += 2) {
        chip_write(s, (offset + i) / 2 % CHIPS, (offset + i) / WORD, (uint16_t)(value >> (8 * i)));
    }
    look_direct(s, false);
    return BUS_OK;
}

static void mapped(Device *d, unsigned bank) {
    Flash *s = (Flash *)d;
    s->on_bus = d->bus != NULL;
    device_lock(d);
    look_direct(s, true);
    device_unlock(d);
}

/* -- the content -- */

/* 64 MiB of 0xff that take 2 MiB of host memory until written. NULL: the host gives none; errno says why. */
static uint8_t *map_erased(void) {
    int fd = memfd_create("erased-flash", MFD_CLOEXEC);
    uint8_t *all = mmap(NULL, CFI_FLASH_SIZE, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    bool fine = fd >= 0 && all != MAP_FAILED && ftruncate(fd, ERASED_MAP) == 0;
    void *pattern = fine ? mmap(NULL, ERASED_MAP, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0) : MAP_FAILED;
    fine = pattern != MAP_FAILED;
    if (fine) {
        memset(pattern, 0xff, ERASED_MAP);
        munmap(pattern, ERASED_MAP);
    }
    for (size_t at = 0; fine && at < CFI_FLASH_SIZE; at += ERASED_MAP) {
        fine = mmap(all + at, ERASED_MAP, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_FIXED | MAP_NORESERVE, fd, 0) !=
               MAP_FAILED;
    }
    int why = errno;
    if (fd >= 0) {
        close(fd);
    }
    if (!fine && all != MAP_FAILED) {
        munmap(all, CFI_FLASH_SIZE);
    }
    errno = why;
    return fine ? all : NULL;
}

/* Copies a piece of an image; images are mostly zeros or erased, which costs no memory. */
static void fill(Flash *s, size_t at, const uint8_t *data, size_t n) {
    bool same = n == COPY && !memcmp(data, data + 1, n - 1);
    if (same && data[0] == 0xff) {
        return;
    }
    if (same && data[0] == 0 &&
        mmap(s->memory + at, COPY, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED | MAP_NORESERVE, -1,
             0) != MAP_FAILED) {
        return;
    }
    memcpy(s->memory + at, data, n);
}

static bool load(Flash *s, int fd, const char *path, GError **error) {
    g_autofree uint8_t *buffer = g_malloc(COPY);
    size_t at = 0;
    for (;;) {
        size_t n = 0;
        ssize_t got = 1;
        while (n < COPY && got > 0) {
            got = read(fd, buffer + n, COPY - n);
            n += got > 0 ? (size_t)got : 0;
        }
        if (got < 0) {
            g_set_error(error, G_IO_ERROR, g_io_error_from_errno(errno), "flash image '%s' cannot be read: %s", path,
                        g_strerror(errno));
            return false;
        }
        if (n > CFI_FLASH_SIZE - at) {
            g_set_error(error, G_IO_ERROR, G_IO_ERROR_INVALID_DATA,
                        "flash image '%s' is larger than the flash of %d MiB; give a smaller one", path,
                        CFI_FLASH_SIZE >> 20);
            return false;
        }
        fill(s, at, buffer, n);
        at += n;
        if (n < COPY) {
            return true;
        }
    }
}

/* The same image must not be written by two machines. */
static bool lock_image(int fd, bool read_only, const char *path, GError **error) {
    struct flock lock = { .l_type = read_only ? F_RDLCK : F_WRLCK, .l_whence = SEEK_SET };
    if (fcntl(fd, F_OFD_SETLK, &lock) == 0 || (errno != EAGAIN && errno != EACCES)) {
        return true; /* file systems without locks are used without */
    }
    g_set_error(error, G_IO_ERROR, G_IO_ERROR_BUSY,
                "flash image '%s' is in use by another machine; give each its own copy, or readonly=on for all", path);
    return false;
}

static bool open_image(Flash *s, const FlashConfig *c, GError **error) {
    s->fd = open(c->path, (c->read_only ? O_RDONLY : O_RDWR) | O_CLOEXEC);
    if (s->fd < 0) {
        g_set_error(error, G_IO_ERROR, g_io_error_from_errno(errno), "flash image '%s' cannot be opened%s: %s", c->path,
                    c->read_only ? "" : " for writing (readonly=on would do without)", g_strerror(errno));
        return false;
    }
    return lock_image(s->fd, c->read_only, c->path, error) && load(s, s->fd, c->path, error);
}

static bool init(Device *d, const void *config, GError **error) {
    Flash *s = (Flash *)d;
    const FlashConfig *c = config;
    s->fd = -1;
    s->memory = map_erased();
    if (!s->memory) {
        g_set_error(error, G_IO_ERROR, G_IO_ERROR_NO_SPACE, "this host gives no memory for a flash of %d MiB: %s%s",
                    CFI_FLASH_SIZE >> 20, g_strerror(errno),
                    errno == EFBIG ? " (it takes files of 2 MiB; see ulimit -f)" : "");
        return false;
    }
    if (c && c->data) {
        if (c->data_size > CFI_FLASH_SIZE) {
            g_set_error(error, G_IO_ERROR, G_IO_ERROR_INVALID_DATA,
                        "the firmware has %zu bytes, and the flash only %d MiB", c->data_size, CFI_FLASH_SIZE >> 20);
            return false;
        }
        memcpy(s->memory, c->data, c->data_size);
    } else if (c && c->path) {
        s->through = !c->read_only;
        return open_image(s, c, error);
    }
    return true;
}

static void finish(Device *d) {
    Flash *s = (Flash *)d;
    if (s->fd >= 0) {
        close(s->fd);
    }
    if (s->memory) {
        munmap(s->memory, CFI_FLASH_SIZE);
    }
}

static void reset(Device *d) {
    Flash *s = (Flash *)d;
    for (unsigned i = 0; i < CHIPS; i++) {
        memset(&s->chip[i], 0, sizeof s->chip[i]);
        s->chip[i].status = STATUS_READY;
    }
    look_direct(s, true);
}

static void state_extra(Device *d, DeviceVisit *visit, void *opaque) {
    visit(opaque, "memory", ((Flash *)d)->memory, CFI_FLASH_SIZE, 1);
}

static void restored(Device *d) {
    Flash *s = (Flash *)d;
    uint32_t calm = s->calm;
    for (unsigned i = 0; i < CHIPS; i++) {
        Chip *c = &s->chip[i];
        c->shows = MIN(c->shows, (uint32_t)SHOWS_STATUS);
        c->expects = MIN(c->expects, (uint32_t)EXPECTS_IGNORED);
        c->count = MIN(c->count, (uint32_t)BUFFER_WORDS);
        for (unsigned k = 0; k < BUFFER_WORDS; k++) {
            c->address[k] %= CFI_FLASH_SIZE / WORD;
        }
    }
    look_direct(s, true);
    s->calm = calm;
}

static const DeviceBank banks[] = {
    { NULL, CFI_FLASH_SIZE, .sizes = 1 | 2 | 4 | 8, .read = bank_read, .write = bank_write },
};

#define CHIP_STATE(n)                                                                                          \
    STATE(Flash, chip[n].shows), STATE(Flash, chip[n].expects), STATE(Flash, chip[n].status),                  \
        STATE(Flash, chip[n].block), STATE(Flash, chip[n].left), STATE(Flash, chip[n].count),                  \
        STATE_ARRAY(Flash, chip[n].address, uint32_t), STATE_ARRAY(Flash, chip[n].data, uint16_t),             \
        STATE_ARRAY(Flash, chip[n].locked, uint8_t)

static const StateField state[] = {
    STATE_NOT_KEPT(Flash, memory), STATE_NOT_KEPT(Flash, fd), STATE_NOT_KEPT(Flash, on_bus),
    STATE_NOT_KEPT(Flash, through), STATE(Flash, calm), STATE_NOT_KEPT(Flash, direct), STATE(Flash, reserved),
    CHIP_STATE(0), CHIP_STATE(1),
};

static void fdt_node(Device *d, void *fdt, const DeviceFdt *at) {
    node_begin(fdt, "flash", at->base[0]);
    node_string(fdt, "compatible", "cfi-flash");
    if (at->size[1]) { /* the node speaks for a second flash too */
        node_cells(fdt, "reg", 8, (unsigned)(at->base[0] >> 32), (unsigned)at->base[0], 0u, (unsigned)banks[0].size,
                   (unsigned)(at->base[1] >> 32), (unsigned)at->base[1], 0u, (unsigned)banks[0].size);
    } else {
        node_reg(fdt, at->base[0], banks[0].size);
    }
    node_cells(fdt, "bank-width", 1, (unsigned)WORD);
    node_phandle(fdt, at->phandle);
    node_end(fdt);
}

const DeviceClass device_cfi_flash = {
    .name = "cfi_flash",
    .summary = "CFI parallel NOR flash, 64 MiB",
    .size = sizeof(Flash),
    .config_size = sizeof(FlashConfig),
    .banks = banks,
    .bank_count = G_N_ELEMENTS(banks),
    .state = state,
    .state_count = G_N_ELEMENTS(state),
    .init = init,
    .finish = finish,
    .reset = reset,
    .state_extra = state_extra,
    .mapped = mapped,
    .restored = restored,
    .fdt = fdt_node,
};
