/* SPDX-License-Identifier: MIT */
/*
 * verify_report.c - what --verify says of a difference: both states, the IR and the host code of the block.
 *
 * A device's thread may have written to RAM between the two runs of a block; then there is no difference to report.
 */
#include <inttypes.h>
#include <string.h>

#include "tcg/lower.h"
#include "tcg/verify.h"

enum { RACE_US = 20000 }; /* long enough for a device to tell what it has written */

static const char *const point_names[] = {
    [POINT_NONE] = "nowhere", [POINT_END] = "the end of the block", [POINT_CHECK] = "an access that is not simple",
    [POINT_READ] = "a read of a device", [POINT_WRITE] = "a write to a device", [POINT_FAULT] = "a fault",
    [POINT_CALL] = "a call of a helper", [POINT_GIVEN] = "an insn without host code", [POINT_LOST] = "too many stores",
};

/* A slot's value as two halves. */
static void slot_value(const IrSlot *s, const uint8_t *at, uint64_t value[2]) {
    static const uint8_t sizes[IR_TYPES] = {[IR_V128] = 16, [IR_I64] = 8, [IR_I32] = 4, [IR_I16] = 2, [IR_I8] = 1,
                                            [IR_FLAGS] = 2};
    value[0] = value[1] = 0;
    memcpy(value, at, sizes[s->type]);
    value[0] &= s->type == IR_FLAGS ? IR_FLAG_MASK : UINT64_MAX;
}

static void report_slots(Vcpu *v, GString *out) {
    const struct Verify *f = v->verify;
    for (unsigned i = 0; i < v->frontend->slot_count; i++) {
        const IrSlot *s = &v->frontend->slots[i];
        uint64_t want[2], got[2], was[2];
        slot_value(s, (const uint8_t *)f->env + s->offset, want);
        slot_value(s, (const uint8_t *)v->env + s->offset, got);
        slot_value(s, f->before + s->offset - offsetof(Env, guest), was);
        g_string_append_printf(out, "%c %-10s before %016" PRIx64 " expected %016" PRIx64 " got %016" PRIx64 "\n",
                               memcmp(want, got, 16) ? '*' : ' ', s->name, was[0], want[0], got[0]);
        if (s->type == IR_V128) {
            g_string_append_printf(out, "  %-10s        %016" PRIx64 "          %016" PRIx64 "     %016" PRIx64 "\n",
                                   "(high)", was[1], want[1], got[1]);
        }
    }
    const Env *want = f->env, *got = v->env;
    g_string_append_printf(out, "  pc         before %016" PRIx64 " expected %016" PRIx64 " got %016" PRIx64 "\n",
                           f->before_pc, want->pc, got->pc);
    g_string_append_printf(out, "  fp flags   expected %x qc %x, got %x qc %x\n", want->fp.flags, want->qc,
                           got->fp.flags, got->qc);
    g_string_append_printf(out, "  monitor    expected %" PRIx64 ", got %" PRIx64 "\n", want->excl_addr,
                           got->excl_addr);
}

/* Stores of the reference that RAM does not agree with. */
static void report_stores(const struct Verify *f, GString *out) {
    for (unsigned i = 0; i < f->store_count; i++) {
        const Store *s = &f->stores[i];
        g_string_append_printf(out, "%c store %u   expected", memcmp(s->host, s->bytes, s->size) ? '*' : ' ', i);
        for (unsigned k = 0; k < s->size; k++) {
            g_string_append_printf(out, " %02x", s->bytes[k]);
        }
        g_string_append(out, " got");
        for (unsigned k = 0; k < s->size; k++) {
            g_string_append_printf(out, " %02x", s->host[k]);
        }
        g_string_append_c(out, '\n');
    }
}

static void report_point(const struct Verify *f, GString *out) {
    g_string_append_printf(out, "The interpreter has come to %s, in the insn at page offset 0x%x", point_names[f->point],
                           (unsigned)f->env->insn_off);
    if (f->point == POINT_FAULT) {
        g_string_append_printf(out, ": kind %d, access %d, address 0x%" PRIx64 ", syndrome 0x%" PRIx64,
                               (int)f->fault.kind, (int)f->fault.access, f->fault.va, f->fault.guest);
    } else if (f->point == POINT_READ || f->point == POINT_WRITE) {
        g_string_append_printf(out, ": %u bytes at 0x%" PRIx64 ", value 0x%" PRIx64, f->want_size, f->want_pa,
                               f->want_value);
    }
    g_string_append_c(out, '\n');
}

/* Somebody else has written to RAM since the block began. */
static bool raced(Vcpu *v) {
    const uint64_t *writes = &v->tcg->ram_writes;
    if (__atomic_load_n(writes, __ATOMIC_SEQ_CST) == v->verify->ram_writes) {
        g_usleep(RACE_US);
    }
    return __atomic_load_n(writes, __ATOMIC_SEQ_CST) != v->verify->ram_writes;
}

void verify_report(Vcpu *v, const char *what) {
    struct Verify *f = v->verify;
    g_autoptr(GString) out = g_string_new(NULL);
    f->active = false;
    if (raced(v)) {
        v->stats.verify_raced++;
        return;
    }
    g_string_append_printf(out, "verify: %s differs in or after the block at 0x%" PRIx64 " (%u insns, comparison %"
                                PRIu64 ")\n", what, f->before_pc, f->tb->insns, v->stats.verified + 1);
    report_point(f, out);
    report_slots(v, out);
    report_stores(f, out);
    g_string_append(out, "\nIR before passes:\n");
    ir_print(f->tb->extra->plain_ir, out);
    g_string_append(out, "\nHost code:\n");
    log_host_text(f->tb, f->before_pc, out);
    v->stop = true;
    v->env->pending = -1;
    v->tcg->config.diverged(v->tcg->config.opaque, out->str);
}
