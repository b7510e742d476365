/* SPDX-License-Identifier: MIT */
/*
 * verify_state.c - copies a CPU's state to the reference of --verify and compares the two.
 *
 * All of Env.guest is compared, not only what the block's slots can change, but for what other threads write and the
 * unspecified bits of flags; besides, what the IR keeps outside: pc, floating-point status, exclusive monitor.
 */
#include <string.h>

#include "tcg/verify.h"

static uint32_t in_guest(uint32_t env_offset) {
    return env_offset - (uint32_t)offsetof(Env, guest);
}

static int by_place(const void *a, const void *b) {
    uint32_t x = ((const VerifySpan *)a)->at, y = ((const VerifySpan *)b)->at;
    return x < y ? -1 : x > y;
}

void verify_state_init(Vcpu *v) {
    static const uint8_t sizes[IR_TYPES] = {[IR_V128] = 16, [IR_I64] = 8, [IR_I32] = 4, [IR_I16] = 2, [IR_I8] = 1,
                                            [IR_FLAGS] = 2};
    const Frontend *fe = v->frontend;
    struct Verify *f = v->verify;
    VerifySpan holes[VERIFY_SPANS] = {{in_guest(fe->inputs.offset), fe->inputs.size}};
    unsigned count = fe->inputs.size ? 1 : 0;
    for (unsigned i = 0; i < fe->slot_count; i++) {
        const IrSlot *s = &fe->slots[i];
        uint32_t at = in_guest(s->offset);
        f->slots_size = MAX(f->slots_size, at + sizes[s->type]);
        if (s->type == IR_FLAGS) {
            g_assert(count + 1 < VERIFY_SPANS);
            holes[count++] = (VerifySpan){at, 2};
            f->flags[f->flags_count++] = s->offset;
        }
    }
    qsort(holes, count, sizeof *holes, by_place);
    uint32_t from = 0;
    for (unsigned i = 0; i <= count; i++) {
        uint32_t to = i < count ? holes[i].at : (uint32_t)fe->state_size;
        if (to > from) {
            f->spans[f->span_count++] = (VerifySpan){from, to - from};
        }
        from = i < count ? to + holes[i].size : to;
    }
}

void verify_state_copy(Vcpu *v) {
    const Env *from = v->env;
    Env *to = v->verify->env;
    memcpy(to->guest, from->guest, v->frontend->state_size);
    to->pc = from->pc;
    to->pcbase = from->pcbase;
    to->excl_addr = from->excl_addr;
    to->excl_val = from->excl_val;
    to->excl_size = from->excl_size;
    to->fp = from->fp;
    to->qc = from->qc;
    to->fault = from->fault;
}

void verify_state_before(Vcpu *v) {
    struct Verify *f = v->verify;
    memcpy(f->before, v->env->guest, f->slots_size);
    f->before_pc = v->env->pc;
}

static uint16_t flags_at(const Env *env, uint32_t offset) {
    uint16_t flags;
    memcpy(&flags, (const char *)env + offset, sizeof flags);
    return flags & IR_FLAG_MASK;
}

const char *verify_state_difference(const Vcpu *v, bool pc) {
    const struct Verify *f = v->verify;
    const Env *want = f->env, *got = v->env;
    for (unsigned i = 0; i < f->span_count; i++) {
        const VerifySpan *s = &f->spans[i];
        if (memcmp(want->guest + s->at, got->guest + s->at, s->size) != 0) {
            return "guest state";
        }
    }
    for (unsigned i = 0; i < f->flags_count; i++) {
        if (flags_at(want, f->flags[i]) != flags_at(got, f->flags[i])) {
            return "guest state";
        }
    }
    if (pc && want->pc != got->pc) {
        return "pc";
    }
    if (memcmp(&want->fp, &got->fp, sizeof want->fp) != 0 || want->qc != got->qc) {
        return "floating-point status";
    }
    if (want->excl_addr != got->excl_addr ||
        (want->excl_addr != UINT64_MAX && (want->excl_size != got->excl_size ||
                                           memcmp(&want->excl_val, &got->excl_val, MIN(want->excl_size, 16))))) {
        return "exclusive monitor";
    }
    return NULL;
}
