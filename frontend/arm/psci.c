/* SPDX-License-Identifier: MIT */
/*
 * psci.c - the power interface that stands behind HVC: PSCI 1.1 and the discovery part of SMCCC 1.1.
 * Spec: Arm DEN0022 (PSCI), DEN0028 (SMCCC).
 * Missing: CPU_SUSPEND wakes at once, whatever state it asks for; no SYSTEM_SUSPEND, no statistics.
 */
#include "frontend/arm/sysreg.h"

enum { SUCCESS = 0, NOT_SUPPORTED = -1, INVALID_PARAMETERS = -2, DENIED = -3, ALREADY_ON = -4, ON_PENDING = -5,
       INTERNAL_FAILURE = -6, INVALID_ADDRESS = -9 };

enum { PSCI_VERSION_1_1 = 0x10001, SMCCC_VERSION_1_1 = 0x10001, NO_TRUSTED_OS = 2 };

/* Arguments as the calling convention passes them: 32-bit functions see the low halves. */
typedef struct Call {
    Env *env;
    uint64_t arg[3];
} Call;

static void power(Call *c, CpuPower action) {
    const CpuPorts *ports = arm_ports(c->env);
    ports->power(ports->opaque, c->env, action, 0);
}

static int64_t psci_version(Call *c) {
    return PSCI_VERSION_1_1;
}

static int64_t cpu_suspend(Call *c) {
    return SUCCESS;
}

static int64_t cpu_off(Call *c) {
    power(c, CPU_POWER_CPU_OFF);
    return DENIED; /* seen only when the machine does not do it */
}

static int64_t cpu_on(Call *c) {
    static const int8_t answers[] = {
        [CPU_ON_OK] = SUCCESS, [CPU_ON_BAD_ID] = INVALID_PARAMETERS, [CPU_ON_ALREADY_ON] = ALREADY_ON,
        [CPU_ON_PENDING] = ON_PENDING,
    };
    const CpuPorts *ports = arm_ports(c->env);
    uint64_t id = c->arg[0];
    if (id & ~ARM_AFFINITY) {
        return INVALID_PARAMETERS;
    }
    if (id == (arm_cold(c->env)->id.mpidr & ARM_AFFINITY)) {
        return ALREADY_ON;
    }
    if (!ports->cpu_on) {
        return INVALID_PARAMETERS;
    }
    if (c->arg[1] & 3) {
        return INVALID_ADDRESS;
    }
    int result = ports->cpu_on(ports->opaque, c->env, id, c->arg[1], c->arg[2]);
    return result >= 0 && result < (int)G_N_ELEMENTS(answers) ? answers[result] : INVALID_PARAMETERS;
}

static int64_t affinity_info(Call *c) {
    enum { ON, OFF, PENDING };
    const CpuPorts *ports = arm_ports(c->env);
    if (c->arg[0] & ~ARM_AFFINITY || c->arg[1] > 0) { /* only the lowest level, as PSCI 1.0 allows */
        return INVALID_PARAMETERS;
    }
    if (c->arg[0] == (arm_cold(c->env)->id.mpidr & ARM_AFFINITY)) {
        return ON;
    }
    if (!ports->cpu_state) {
        return INVALID_PARAMETERS;
    }
    switch (ports->cpu_state(ports->opaque, c->env, c->arg[0])) {
    case CPU_STATE_ON:
        return ON;
    case CPU_STATE_OFF:
        return OFF;
    case CPU_STATE_PENDING:
        return PENDING;
    default:
        return INVALID_PARAMETERS;
    }
}

static int64_t migrate_info_type(Call *c) {
    return NO_TRUSTED_OS;
}

static int64_t system_off(Call *c) {
    power(c, CPU_POWER_OFF);
    return INTERNAL_FAILURE;
}

static int64_t system_reset(Call *c) {
    power(c, CPU_POWER_RESET);
    return INTERNAL_FAILURE;
}

static int64_t system_reset2(Call *c) {
    enum { WARM = 0, VENDOR = 1u << 31 };
    if (!((uint32_t)c->arg[0] & VENDOR) && c->arg[0] != WARM) {
        return INVALID_PARAMETERS;
    }
    return system_reset(c);
}

static int64_t smccc_version(Call *c) {
    return SMCCC_VERSION_1_1;
}

static int64_t psci_features(Call *c);
static int64_t smccc_arch_features(Call *c);

/* One row per function; `wide` tells that its 64-bit twin exists. */
typedef struct Function {
    uint32_t id;
    bool wide;
    int64_t (*call)(Call *c);
} Function;

enum { WIDE = 0x40000000 };

static const Function functions[] = {
    {0x84000000, false, psci_version},
    {0x84000001, true, cpu_suspend},
    {0x84000002, false, cpu_off},
    {0x84000003, true, cpu_on},
    {0x84000004, true, affinity_info},
    {0x84000006, false, migrate_info_type},
    {0x84000008, false, system_off},
    {0x84000009, false, system_reset},
    {0x8400000a, false, psci_features},
    {0x84000012, true, system_reset2},
    {0x80000000, false, smccc_version},
    {0x80000001, false, smccc_arch_features},
};

static const Function *find_function(uint32_t id) {
    for (size_t i = 0; i < G_N_ELEMENTS(functions); i++) {
        if (functions[i].id == id || (functions[i].wide && (functions[i].id | WIDE) == id)) {
            return &functions[i];
        }
    }
    return NULL;
}

/* No function here has flags (CPU_SUSPEND: original format). SMCCC_VERSION is the one SMCCC function asked here. */
static int64_t psci_features(Call *c) {
    const Function *f = find_function((uint32_t)c->arg[0]);
    return f && f->call != smccc_arch_features ? SUCCESS : NOT_SUPPORTED;
}

static int64_t smccc_arch_features(Call *c) {
    const Function *f = find_function((uint32_t)c->arg[0]);
    return f && f->id >> 24 == 0x80 ? SUCCESS : NOT_SUPPORTED;
}

void arm_psci_call(Env *env) {
    ArmCpu *cpu = arm_cpu(env);
    uint32_t id = (uint32_t)cpu->x[0];
    uint64_t mask = id & WIDE ? UINT64_MAX : UINT32_MAX;
    Call c = {.env = env, .arg = {cpu->x[1] & mask, cpu->x[2] & mask, cpu->x[3] & mask}};
    const Function *f = find_function(id);
    if (!f) {
        const CpuPorts *ports = arm_ports(env);
        ports->log(ports->opaque, env, CPU_LOG_UNIMP, "firmware call %#x is not supported", id);
    }
    cpu->x[0] = (uint64_t)(f ? f->call(&c) : NOT_SUPPORTED);
}

void arm_helper_psci(Env *env) {
    arm_psci_call(env);
}
