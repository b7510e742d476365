/* SPDX-License-Identifier: MIT */
/*
 * translate.c - how fast are blocks made? `bench_translate [-r REPEATS] [-n BLOCKS] [-s STAGE] [-o OUT] [FILE [OFFSET]]` translates
 * the code of an AArch64 ELF file, or of a flat one such as a kernel's Image, block after block, and never runs it.
 *
 * Each stage is timed as what a pass over all blocks takes more than one that ends with the stage before: the least of
 * the repeats, since other work of the machine only adds. With -s alone that pass is done (0 decode and build, 1 and
 * lowering, 2 all), for a tool that counts instructions: see docs/how-to/translation-speed.md.
 */
#include <elf.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "frontend/arm/cpu.h"
#include "tcg/lower.h"
#include "tcg/vcpu.h"

enum { BASE = 0x40000000, MAX_INSNS = 64, STAGES = 3 };

typedef struct Bench {
    uint8_t *code;
    uint64_t bytes; /* whole pages */
    Tcg *tcg;
    Vcpu *cpu;
    uint64_t mode;
    unsigned max_blocks;
    uint64_t blocks, insns, ops, host_bytes;
} Bench;

static uint8_t *guest_page(void *opaque, uint64_t gpa, bool *writable) {
    Bench *b = opaque;
    *writable = true;
    return gpa - BASE < b->bytes ? b->code + ((gpa - BASE) & ~(uint64_t)(PAGE_SIZE - 1)) : NULL;
}
static PhysResult no_read(void *opaque, unsigned vcpu, uint64_t gpa, unsigned size, uint64_t *value) {
    return PHYS_NONE;
}
static PhysResult no_write(void *opaque, unsigned vcpu, uint64_t gpa, unsigned size, uint64_t value) {
    return PHYS_NONE;
}
static uint64_t no_time(void *opaque) {
    return 0;
}
static void no_alarm(void *opaque, unsigned vcpu, uint64_t deadline) {
}

static uint64_t now_ns(void) {
    struct timespec t;
    clock_gettime(CLOCK_THREAD_CPUTIME_ID, &t);
    return (uint64_t)t.tv_sec * 1000000000 + (uint64_t)t.tv_nsec;
}

/* The code of the file: of an ELF file its executable segment. */
static bool load(Bench *b, const char *path, uint64_t offset) {
    g_autofree char *file = NULL;
    g_autoptr(GError) error = NULL;
    gsize size, from = offset, end;
    if (!g_file_get_contents(path, &file, &size, &error)) {
        fprintf(stderr, "bench_translate: %s\n", error->message);
        return false;
    }
    end = size;
    const Elf64_Ehdr *elf = (const void *)file;
    if (size > sizeof *elf && memcmp(file, ELFMAG, SELFMAG) == 0 && elf->e_phoff < size &&
        elf->e_phnum <= (size - elf->e_phoff) / sizeof(Elf64_Phdr)) {
        const Elf64_Phdr *segments = (const void *)(file + elf->e_phoff);
        for (unsigned i = 0; i < elf->e_phnum; i++) {
            if (segments[i].p_type == PT_LOAD && segments[i].p_flags & PF_X) {
                from = segments[i].p_offset + offset;
                end = segments[i].p_offset + segments[i].p_filesz;
            }
        }
    }
    if (from > end || end > size || end - from < PAGE_SIZE) {
        fprintf(stderr, "bench_translate: '%s' has less than a page of code at %#" G_GINT64_MODIFIER "x\n", path, offset);
        return false;
    }
    b->bytes = (end - from) & ~(uint64_t)(PAGE_SIZE - 1);
    b->code = aligned_alloc(PAGE_SIZE, b->bytes);
    memcpy(b->code, file + from, b->bytes);
    return true;
}

/* The stages before the last, as tb_translate does them. Returns the end of the block, 0 for none. */
static unsigned do_stages(Bench *b, uint64_t pa, const uint8_t *page, unsigned stage) {
    IrBlock *ir = b->cpu->ir;
    unsigned end;
    TransRequest request = {.frontend = b->cpu->frontend, .env = b->cpu->env, .mode = b->mode, .page = page,
                            .offset = pa & (PAGE_SIZE - 1), .max_insns = MAX_INSNS, .stop_offset = -1};
    ir_block_reset(ir);
    ir->optimize = ir->merges = true;
    if (frontend_translate(&request, ir, &end) != TRANS_OK) {
        return 0;
    }
    if (stage >= 1) {
        Tb tb = {.pa = pa, .mode = b->mode, .bytes = (uint16_t)(end - request.offset), .insns = (uint16_t)ir->insns};
        lower_block(b->cpu->lowerer, &tb, ir, LOWER_PINS_STANDARD);
    }
    return end - request.offset;
}

static unsigned do_all(Bench *b, uint64_t pa, const uint8_t *page) {
    LowerResult result = LOWER_OK;
    Tb *tb = NULL;
    for (unsigned insns = MAX_INSNS; !tb && insns && result != LOWER_NO_ROOM; insns /= 4) {
        tb = tb_translate(b->cpu, pa, pa, b->mode, page, insns, &result);
    }
    b->host_bytes += tb ? tb->host_bytes : 0;
    return tb ? tb->bytes : 0;
}

/* All blocks through the stages up to this one. */
static G_GNUC_NO_INLINE void make_blocks(Bench *b, unsigned stage) {
    for (uint64_t at = 0; at < b->bytes && b->blocks < b->max_blocks;) {
        bool writable;
        uint8_t *page = guest_page(b, BASE + at, &writable);
        unsigned n = stage < STAGES - 1 ? do_stages(b, BASE + at, page, stage) : do_all(b, BASE + at, page);
        b->blocks++;
        b->insns += b->cpu->ir->insns;
        b->ops += b->cpu->ir->count - 1;
        at += n ? n : 4;
    }
}

/* From an empty cache. Returns ns. */
static uint64_t pass(Bench *b, unsigned stage) {
    b->blocks = b->insns = b->ops = b->host_bytes = 0;
    g_mutex_lock(&b->tcg->lock);
    tb_flush(b->tcg);
    uint64_t start = now_ns();
    make_blocks(b, stage);
    uint64_t spent = now_ns() - start;
    g_mutex_unlock(&b->tcg->lock);
    return spent;
}

/* Of all host code, which is the same whenever the same blocks are made in the same way. */
static uint64_t checksum(const Bench *b) {
    uint64_t sum = 0;
    for (const Tb *tb = tb_next(b->tcg, NULL); tb; tb = tb_next(b->tcg, tb)) {
        for (uint32_t k = 0; k < tb->host_bytes; k++) {
            sum = (sum ^ tb->host[k]) * UINT64_C(0x100000001b3);
        }
    }
    return sum;
}

/* The text of all blocks, to see what a change has changed. */
static void write_code(const Bench *b, const char *path) {
    FILE *f = fopen(path, "w");
    for (const Tb *tb = tb_next(b->tcg, NULL); f && tb; tb = tb_next(b->tcg, tb)) {
        g_autoptr(GString) text = g_string_new(NULL);
        log_host_text(tb, tb->pa, text);
        fprintf(f, "%#" PRIx64 "\n%s", tb->pa, text->str);
    }
    if (!f || fclose(f)) {
        perror(path);
    }
}

static void report(Bench *b, unsigned repeats) {
    static const char *const names[STAGES] = {"decode and build", "lowering", "install"};
    uint64_t best[STAGES] = {UINT64_MAX, UINT64_MAX, UINT64_MAX};
    for (unsigned r = 0; r < repeats; r++) {
        for (unsigned s = 0; s < STAGES; s++) {
            best[s] = MIN(best[s], pass(b, s));
        }
    }
    double insns = (double)b->insns, before = 0;
    printf("%u blocks, %.2f insns each; %.2f IR nodes and %.1f host bytes an insn (sum %" PRIx64 ")\n",
           (unsigned)b->blocks, insns / (double)b->blocks, (double)b->ops / insns, (double)b->host_bytes / insns,
           checksum(b));
    for (unsigned s = 0; s < STAGES; s++) {
        printf("%-17s %7.1f ns an insn\n", names[s], (double)best[s] / insns - before);
        before = (double)best[s] / insns;
    }
    printf("%-17s %7.1f\n", "all", before);
}

int main(int argc, char **argv) {
    Bench b = {.max_blocks = 20000, .mode = 1 | ARM_MODE_SP_ALIGN | ARM_MODE_MMU | ARM_MODE_SPSEL};
    unsigned repeats = 10;
    const char *out = NULL;
    int stage = -1, option;
    while ((option = getopt(argc, argv, "r:n:s:o:")) != -1) {
        out = option == 'o' ? optarg : out;
        unsigned value = option == '?' ? 0 : (unsigned)strtoul(optarg, NULL, 0);
        if (option == '?') {
            return 2;
        }
        repeats = option == 'r' ? value : repeats;
        b.max_blocks = option == 'n' ? value : b.max_blocks;
        stage = option == 's' ? (int)MIN(value, STAGES - 1) : stage;
    }
    const char *path = optind < argc ? argv[optind] : DEFAULT_CODE; /* as tests/boot/guests.py has it */
    uint64_t offset = optind + 1 < argc ? strtoull(argv[optind + 1], NULL, 0) : optind < argc ? 0 : 0x100000;
    if (!load(&b, path, offset)) {
        return 1;
    }
    TcgConfig config = {.opaque = &b, .now = no_time, .alarm = no_alarm,
                        .phys = {.opaque = &b, .page = guest_page, .read = no_read, .write = no_write}};
    b.tcg = tcg_new(&config);
    b.cpu = tcg_add_vcpu(b.tcg, &frontend_arm, "cortex-a72", 0, NULL);
    if (stage >= 0) {
        for (unsigned r = 0; r < repeats; r++) {
            pass(&b, (unsigned)stage);
        }
        printf("%u blocks, %u insns, %u times\n", (unsigned)b.blocks, (unsigned)b.insns, repeats);
    } else {
        report(&b, repeats);
    }
    if (out) {
        write_code(&b, out);
    }
    tcg_free(b.tcg);
    free(b.code);
    return 0;
}
