/* SPDX-License-Identifier: MIT */
/*
 * interp_fp.c - the interp_<op> functions of ops_fp.def, and of fl_fcmp.
 *
 * An op on numbers is written once, as a function of one lane that takes the format as log2 of its bytes; the scalar
 * op calls it with its node's type, the lane-wise op for each active lane. Results are made in a temporary, since d
 * may be an operand.
 */
#include "ir/interp.h"
#include "ir/softfloat.h"

/* aux of lane ops */
enum {
    LANE_SIZE = 3,
    LANE_OPTION = 4,
    LANE_ROUND_SHIFT = 2,
    LANE_FLAG = 32, /* exact, unsigned */
    LANE_FIRST = 64,
    LANE_LOW = 128,
};

/* Operands of one lane, in the low bits; what option and imm mean is the op's own business. */
typedef struct LaneArgs {
    uint64_t a, b, c;
    unsigned option;
    unsigned round;
    int imm;
} LaneArgs;
typedef uint64_t LaneFn(unsigned size, LaneArgs x, FpStatus *s);

static inline unsigned scalar_size(uint64_t info) {
    return IR_INFO_TYPE(info) - IR_F16 + 1;
}

static inline unsigned round_of(unsigned field, const FpStatus *s) {
    field &= 7;
    return field == 7 ? s->round : field;
}

/* log2 of the lane's bytes; 0 is no format and taken for 8 bytes */
static inline unsigned lane_size(unsigned aux) {
    return aux & LANE_SIZE ? aux & LANE_SIZE : 3;
}

static inline unsigned operand_lanes(unsigned aux, unsigned size) {
    return (aux & LANE_LOW ? 8u : 16u) >> size;
}

static inline unsigned result_lanes(unsigned aux, unsigned size) {
    return aux & LANE_FIRST ? 1 : operand_lanes(aux, size);
}

static inline uint64_t lane_get(const IrVal *v, unsigned size, unsigned i) {
    return size == 1 ? v->h[i & 7] : size == 2 ? v->s[i & 3] : v->d[i & 1];
}

static inline void lane_put(IrVal *v, unsigned size, unsigned i, uint64_t x) {
    if (size == 1) {
        v->h[i & 7] = (uint16_t)x;
    } else if (size == 2) {
        v->s[i & 3] = (uint32_t)x;
    } else {
        v->d[i & 1] = x;
    }
}

static inline int64_t lane_signed(unsigned size, uint64_t x) {
    unsigned unused = 64 - (8u << size);
    return (int64_t)(x << unused) >> unused;
}

static inline uint64_t lane_sign_bit(unsigned size) {
    return UINT64_C(1) << ((8u << size) - 1);
}

/* -- one lane -- */

#define LANE1(name, fn)                                                                                                \
    static uint64_t name##_lane(unsigned size, LaneArgs x, FpStatus *s) {                                              \
        return size == 1 ? f16_##fn((f16)x.a, s) : size == 2 ? f32_##fn((f32)x.a, s) : f64_##fn(x.a, s);               \
    }
#define LANE2(name, fn)                                                                                                \
    static uint64_t name##_lane(unsigned size, LaneArgs x, FpStatus *s) {                                              \
        return size == 1   ? f16_##fn((f16)x.a, (f16)x.b, s)                                                           \
               : size == 2 ? f32_##fn((f32)x.a, (f32)x.b, s)                                                           \
                           : f64_##fn(x.a, x.b, s);                                                                    \
    }

static uint64_t fneg_lane(unsigned size, LaneArgs x, FpStatus *s) {
    return x.a ^ lane_sign_bit(size);
}

static uint64_t fabs_lane(unsigned size, LaneArgs x, FpStatus *s) {
    return x.a & (lane_sign_bit(size) - 1);
}

static uint64_t fmuladd_lane(unsigned size, LaneArgs x, FpStatus *s) {
    int options = (int)x.option;
    return size == 1   ? f16_muladd((f16)x.a, (f16)x.b, (f16)x.c, options, s)
           : size == 2 ? f32_muladd((f32)x.a, (f32)x.b, (f32)x.c, options, s)
                       : f64_muladd(x.a, x.b, x.c, options, s);
}

static uint64_t frint_lane(unsigned size, LaneArgs x, FpStatus *s) {
    bool exact = x.option;
    return size == 1   ? f16_round_int((f16)x.a, x.round, exact, s)
           : size == 2 ? f32_round_int((f32)x.a, x.round, exact, s)
                       : f64_round_int(x.a, x.round, exact, s);
}

/* `bits` is the width of the result */
static uint64_t to_int(unsigned size, LaneArgs x, int bits, FpStatus *s) {
    bool is_signed = !x.option;
    return size == 1   ? f16_to_int((f16)x.a, bits, is_signed, x.imm, x.round, s)
           : size == 2 ? f32_to_int((f32)x.a, bits, is_signed, x.imm, x.round, s)
                       : f64_to_int(x.a, bits, is_signed, x.imm, x.round, s);
}

static uint64_t f2i_lane(unsigned size, LaneArgs x, FpStatus *s) {
    return to_int(size, x, 8 << size, s);
}

/* a is the integer, extended to 64 bits */
static uint64_t from_int(unsigned size, uint64_t a, bool is_unsigned, int fbits, FpStatus *s) {
    if (is_unsigned) {
        return size == 1   ? f16_from_uint(a, fbits, s)
               : size == 2 ? f32_from_uint(a, fbits, s)
                           : f64_from_uint(a, fbits, s);
    }
    int64_t v = (int64_t)a;
    return size == 1 ? f16_from_int(v, fbits, s) : size == 2 ? f32_from_int(v, fbits, s) : f64_from_int(v, fbits, s);
}

static uint64_t i2f_lane(unsigned size, LaneArgs x, FpStatus *s) {
    return from_int(size, x.option ? x.a : (uint64_t)lane_signed(size, x.a), x.option, x.imm, s);
}

static uint64_t convert(unsigned to, unsigned from, uint64_t a, bool odd, FpStatus *s) {
    switch (from << 2 | to) {
    case 1 << 2 | 2: return f16_to_f32((f16)a, s);
    case 1 << 2 | 3: return f16_to_f64((f16)a, s);
    case 2 << 2 | 1: return f32_to_f16((f32)a, s);
    case 2 << 2 | 3: return f32_to_f64((f32)a, s);
    case 3 << 2 | 1: return f64_to_f16(a, s);
    case 3 << 2 | 2: return odd ? f64_to_f32_odd(a, s) : f64_to_f32(a, s);
    default: return a;
    }
}

static FpOrder compare(unsigned size, uint64_t a, uint64_t b, bool signalling, FpStatus *s) {
    return size == 1   ? f16_compare((f16)a, (f16)b, signalling, s)
           : size == 2 ? f32_compare((f32)a, (f32)b, signalling, s)
                       : f64_compare(a, b, signalling, s);
}

static uint64_t fcmeq_lane(unsigned size, LaneArgs x, FpStatus *s) {
    return -(uint64_t)(compare(size, x.a, x.b, false, s) == FP_EQUAL);
}

static uint64_t fcmgt_lane(unsigned size, LaneArgs x, FpStatus *s) {
    return -(uint64_t)(compare(size, x.a, x.b, true, s) == FP_GREATER);
}

static uint64_t fcmge_lane(unsigned size, LaneArgs x, FpStatus *s) {
    FpOrder order = compare(size, x.a, x.b, true, s);
    return -(uint64_t)(order == FP_GREATER || order == FP_EQUAL);
}

static uint64_t urecpe_lane(unsigned size, LaneArgs x, FpStatus *s) {
    return fp_urecpe((uint32_t)x.a);
}

static uint64_t ursqrte_lane(unsigned size, LaneArgs x, FpStatus *s) {
    return fp_ursqrte((uint32_t)x.a);
}

LANE2(fadd, add)
LANE2(fsub, sub)
LANE2(fmul, mul)
LANE2(fdiv, div)
LANE1(fsqrt, sqrt)
LANE2(fmin, min)
LANE2(fmax, max)
LANE2(fminnm, minnum)
LANE2(fmaxnm, maxnum)
LANE2(fmulx, mulx)
LANE2(frecps, recip_step)
LANE2(frsqrts, rsqrt_step)
LANE1(frecpe, recip_estimate)
LANE1(frsqrte, rsqrt_estimate)
LANE1(frecpx, recip_exponent)

static uint64_t fabd_lane(unsigned size, LaneArgs x, FpStatus *s) {
    return fsub_lane(size, x, s) & (lane_sign_bit(size) - 1);
}

/* -- scalars -- */

#define DEFINE_OP(name)                                                                                                \
    void interp_##name(Env *env, IrVal *d, const IrVal *a, const IrVal *b, const IrVal *c, uint64_t info)

#define SCALAR1(name)                                                                                                  \
    DEFINE_OP(name) {                                                                                                  \
        d->u64 = name##_lane(scalar_size(info), (LaneArgs){ .a = a->u64 }, &env->fp);                                  \
    }
#define SCALAR2(name)                                                                                                  \
    DEFINE_OP(name) {                                                                                                  \
        d->u64 = name##_lane(scalar_size(info), (LaneArgs){ .a = a->u64, .b = b->u64 }, &env->fp);                     \
    }

SCALAR2(fadd)
SCALAR2(fsub)
SCALAR2(fmul)
SCALAR2(fdiv)
SCALAR1(fsqrt)
SCALAR2(fmin)
SCALAR2(fmax)
SCALAR2(fminnm)
SCALAR2(fmaxnm)
SCALAR2(fmulx)
SCALAR1(fneg)
SCALAR1(fabs)
SCALAR2(fabd)
SCALAR2(frecps)
SCALAR2(frsqrts)
SCALAR1(frecpe)
SCALAR1(frsqrte)
SCALAR1(frecpx)

DEFINE_OP(fmuladd) {
    LaneArgs x = { .a = a->u64, .b = b->u64, .c = c->u64, .option = IR_INFO_AUX(info) & 7 };
    d->u64 = fmuladd_lane(scalar_size(info), x, &env->fp);
}

/* -- doubles rounded to single precision -- */

#define SINGLE(name, fn)                                                                                               \
    static uint64_t fs##name##_lane(unsigned size, LaneArgs x, FpStatus *s) {                                          \
        return size == 3 ? f64_single_##fn : f##name##_lane(size, x, s);                                               \
    }
SINGLE(add, add(x.a, x.b, s))
SINGLE(sub, sub(x.a, x.b, s))
SINGLE(mul, mul(x.a, x.b, s))
SINGLE(div, div(x.a, x.b, s))
SINGLE(sqrt, sqrt(x.a, s))
SINGLE(muladd, muladd(x.a, x.b, x.c, (int)x.option, s))
SCALAR2(fsadd)
SCALAR2(fssub)
SCALAR2(fsmul)
SCALAR2(fsdiv)
SCALAR1(fssqrt)

DEFINE_OP(fsmuladd) {
    LaneArgs x = { .a = a->u64, .b = b->u64, .c = c->u64, .option = IR_INFO_AUX(info) & 7 };
    d->u64 = fsmuladd_lane(scalar_size(info), x, &env->fp);
}

DEFINE_OP(fswiden) {
    d->u64 = f32_as_f64(a->u32);
}

DEFINE_OP(fsnarrow) {
    d->u64 = f64_as_f32(a->u64);
}

DEFINE_OP(frint) {
    unsigned aux = IR_INFO_AUX(info);
    LaneArgs x = { .a = a->u64, .option = aux & 8, .round = round_of(aux, &env->fp) };
    d->u64 = frint_lane(scalar_size(info), x, &env->fp);
}

DEFINE_OP(fcvt) {
    unsigned aux = IR_INFO_AUX(info);
    d->u64 = convert(scalar_size(info), aux >> 1 & 3, a->u64, aux & 1, &env->fp);
}

DEFINE_OP(f2i) {
    unsigned aux = IR_INFO_AUX(info);
    LaneArgs x = { .a = a->u64, .option = aux & 8, .round = round_of(aux, &env->fp), .imm = IR_INFO_IMM(info) };
    int bits = aux & 64 ? 16 : IR_INFO_TYPE(info) == IR_I64 ? 64 : 32;
    d->u64 = to_int(aux >> 4 & 3, x, bits, &env->fp);
}

DEFINE_OP(i2f) {
    unsigned aux = IR_INFO_AUX(info);
    bool is_unsigned = aux & 1;
    uint64_t v = aux & 2 ? a->u64 : is_unsigned ? a->u32 : (uint64_t)(int64_t)a->i32;
    d->u64 = from_int(scalar_size(info), v, is_unsigned, IR_INFO_IMM(info), &env->fp);
}

DEFINE_OP(fl_fcmp) {
    static const uint16_t flags[] = {
        [FP_LESS] = IR_FLAG_N,
        [FP_EQUAL] = IR_FLAG_Z | IR_FLAG_C,
        [FP_GREATER] = IR_FLAG_C,
        [FP_UNORDERED] = IR_FLAG_C | IR_FLAG_V,
    };
    unsigned aux = IR_INFO_AUX(info);
    d->u64 = flags[compare(aux >> 1 & 3, a->u64, b->u64, aux & 1, &env->fp)];
}

/* -- lanes -- */

static inline __attribute__((always_inline)) void each_lane(Env *env, IrVal *d, const IrVal *a, const IrVal *b,
                                                            const IrVal *c, uint64_t info, LaneFn *fn) {
    unsigned aux = IR_INFO_AUX(info), size = lane_size(aux);
    LaneArgs x = { .round = round_of(aux >> LANE_ROUND_SHIFT, &env->fp), .imm = IR_INFO_IMM(info) };
    x.option = aux & LANE_FLAG;
    IrVal r = { .d = { 0, 0 } };
    for (unsigned i = 0; i < result_lanes(aux, size); i++) {
        x.a = lane_get(a, size, i);
        x.b = b ? lane_get(b, size, i) : 0;
        x.c = c ? lane_get(c, size, i) : 0;
        lane_put(&r, size, i, fn(size, x, &env->fp));
    }
    *d = r;
}

#define VECTOR1(name)                                                                                                  \
    DEFINE_OP(v##name) { each_lane(env, d, a, NULL, NULL, info, name##_lane); }
#define VECTOR2(name)                                                                                                  \
    DEFINE_OP(v##name) { each_lane(env, d, a, b, NULL, info, name##_lane); }

VECTOR2(fadd)
VECTOR2(fsub)
VECTOR2(fmul)
VECTOR2(fdiv)
VECTOR1(fsqrt)
VECTOR2(fmin)
VECTOR2(fmax)
VECTOR2(fminnm)
VECTOR2(fmaxnm)
VECTOR2(fmulx)
VECTOR1(fneg)
VECTOR1(fabs)
VECTOR2(fabd)
VECTOR2(frecps)
VECTOR2(frsqrts)
VECTOR1(frecpe)
VECTOR1(frsqrte)
VECTOR1(frint)
VECTOR1(f2i)
VECTOR1(i2f)
VECTOR2(fcmeq)
VECTOR2(fcmge)
VECTOR2(fcmgt)

/* Options as fmuladd's: bits 2 to 4 of aux are this op's own. */
#define VFMLA(options)                                                                                                 \
    static uint64_t fmla_lane##options(unsigned size, LaneArgs x, FpStatus *s) {                                       \
        x.option = options;                                                                                            \
        return fmuladd_lane(size, x, s);                                                                               \
    }
VFMLA(0)
VFMLA(1)
VFMLA(2)
VFMLA(3)
VFMLA(4)
VFMLA(5)
VFMLA(6)
VFMLA(7)

DEFINE_OP(vfmla) {
    static LaneFn *const fns[] = {fmla_lane0, fmla_lane1, fmla_lane2, fmla_lane3, fmla_lane4, fmla_lane5, fmla_lane6, fmla_lane7};
    each_lane(env, d, a, b, c, info, fns[IR_INFO_AUX(info) >> 2 & 7]);
}

static uint64_t force_words(uint64_t info) { /* lanes are 32 bits whatever aux says */
    return (info & ~((uint64_t)LANE_SIZE << 8)) | 2 << 8;
}

DEFINE_OP(vurecpe) {
    each_lane(env, d, a, NULL, NULL, force_words(info), urecpe_lane);
}

DEFINE_OP(vursqrte) {
    each_lane(env, d, a, NULL, NULL, force_words(info), ursqrte_lane);
}

DEFINE_OP(vfcvtl) {
    unsigned aux = IR_INFO_AUX(info), from = (aux & LANE_SIZE) == 1 ? 1 : 2, to = from + 1;
    unsigned first = aux & LANE_OPTION ? 8u >> from : 0;
    IrVal r = { .d = { 0, 0 } };
    for (unsigned i = 0; i < result_lanes(aux, to); i++) {
        lane_put(&r, to, i, convert(to, from, lane_get(a, from, first + i), false, &env->fp));
    }
    *d = r;
}

DEFINE_OP(vfcvtn) {
    unsigned aux = IR_INFO_AUX(info), from = (aux & LANE_SIZE) == 2 ? 2 : 3, to = from - 1;
    IrVal r = { .d = { 0, 0 } };
    for (unsigned i = 0; i < result_lanes(aux, from); i++) {
        lane_put(&r, to, i, convert(to, from, lane_get(a, from, i), aux & LANE_OPTION, &env->fp));
    }
    *d = r;
}

/* -- neighbours -- */

static void each_pair(Env *env, IrVal *d, const IrVal *a, const IrVal *b, uint64_t info, LaneFn *fn) {
    unsigned aux = IR_INFO_AUX(info), size = lane_size(aux), n = operand_lanes(aux, size);
    uint64_t lanes[16];
    for (unsigned i = 0; i < n; i++) {
        lanes[i] = lane_get(a, size, i);
        lanes[n + i] = lane_get(b, size, i);
    }
    IrVal r = { .d = { 0, 0 } };
    for (unsigned i = 0; i < result_lanes(aux, size); i++) {
        lane_put(&r, size, i, fn(size, (LaneArgs){ .a = lanes[2 * i], .b = lanes[2 * i + 1] }, &env->fp));
    }
    *d = r;
}

/* Arm's Reduce halves recursively, which makes neighbours meet first. */
static void reduce(Env *env, IrVal *d, const IrVal *a, uint64_t info, LaneFn *fn) {
    unsigned aux = IR_INFO_AUX(info), size = lane_size(aux), n = operand_lanes(aux, size);
    uint64_t lanes[8];
    for (unsigned i = 0; i < n; i++) {
        lanes[i] = lane_get(a, size, i);
    }
    for (; n > 1; n /= 2) {
        for (unsigned i = 0; i < n / 2; i++) {
            lanes[i] = fn(size, (LaneArgs){ .a = lanes[2 * i], .b = lanes[2 * i + 1] }, &env->fp);
        }
    }
    *d = (IrVal){ .d = { 0, 0 } };
    lane_put(d, size, 0, lanes[0]);
}

#define PAIRWISE(name, lane)                                                                                           \
    DEFINE_OP(name) { each_pair(env, d, a, b, info, lane##_lane); }
#define ACROSS(name, lane)                                                                                             \
    DEFINE_OP(name) { reduce(env, d, a, info, lane##_lane); }

PAIRWISE(vfaddp, fadd)
PAIRWISE(vfminp, fmin)
PAIRWISE(vfmaxp, fmax)
PAIRWISE(vfminnmp, fminnm)
PAIRWISE(vfmaxnmp, fmaxnm)
ACROSS(vfminv, fmin)
ACROSS(vfmaxv, fmax)
ACROSS(vfminnmv, fminnm)
ACROSS(vfmaxnmv, fmaxnm)
