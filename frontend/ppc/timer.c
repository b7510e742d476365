/* SPDX-License-Identifier: MIT */
/*
 * timer.c - the timebase and the decrementer.
 * Spec: Power ISA 3.0B Book II, chapter 6; Book III, 5.4.1 (TB), 7.4 (DEC, large decrementer), 6.5.11 (its interrupt).
 * The decrementer counts down once for each step of the timebase; its interrupt waits as long as it is negative.
 */
#include "frontend/ppc/ppc.h"
#include "frontend/ppc/spr.h"

enum { NS_PER_S = 1000000000 };

uint64_t ppc_timebase(Env *env) {
    const PpcCold *cold = ppc_cold(env);
    return (uint64_t)((unsigned __int128)cold->ports->now(cold->ports->opaque) * cold->timebase_hz / NS_PER_S);
}

static int64_t extend(const PpcCold *cold, uint64_t v) {
    unsigned unused = 64 - cold->model->dec_bits;
    return (int64_t)(v << unused) >> unused;
}

static int64_t value(Env *env) {
    const PpcCold *cold = ppc_cold(env);
    return extend(cold, cold->dec - (ppc_timebase(env) - cold->dec_at));
}

/* First nanosecond at which the timebase has reached `count` */
static uint64_t time_of(const PpcCold *cold, uint64_t count) {
    unsigned __int128 t = ((unsigned __int128)count * NS_PER_S + cold->timebase_hz - 1) / cold->timebase_hz;
    return t > UINT64_MAX ? UINT64_MAX : (uint64_t)t;
}

void ppc_dec_alarm(Env *env) {
    const PpcCold *cold = ppc_cold(env);
    uint64_t zero = ppc_timebase(env) + (uint64_t)value(env); /* the timebase then */
    cold->ports->timer_set(cold->ports->opaque, env, PPC_TIMER_DEC, cold->dec_due ? UINT64_MAX : time_of(cold, zero + 1));
    ppc_poll_interrupts(env);
}

void ppc_dec_update(Env *env) {
    ppc_cold(env)->dec_due = value(env) < 0;
    ppc_dec_alarm(env);
}

/* Who sees it negative sees its interrupt too, though the alarm may be late. */
uint64_t ppc_dec_read(Env *env) {
    int64_t v = value(env);
    if (v < 0 && !ppc_cold(env)->dec_due) {
        ppc_dec_update(env);
    }
    return ppc_cold(env)->model->dec_bits == 32 ? (uint32_t)v : (uint64_t)v;
}

void ppc_dec_write(Env *env, uint64_t v) {
    PpcCold *cold = ppc_cold(env);
    cold->dec = (uint64_t)extend(cold, v);
    cold->dec_at = ppc_timebase(env);
    ppc_dec_update(env);
}
