/* SPDX-License-Identifier: MIT */
/*
 * test_region.c - regions: they take the place of their head's block, die with any byte they were made from, and are not
 * made of code that is no more what was noted.
 */
#include "tests/unit/tcg_fake.h"

#include "tcg/region.h"

enum { SUB = 0, LOOP = 0x100, AWAY = 0x40 };

/* 0: add x0, x0, #1; ret, ...; 0x100: bl 0; subs x1, x1, #1; b.ne 0x100; wfi */
static const uint32_t sub[] = {0x91000400, 0xd65f03c0}, loop[] = {0x97ffffc0, 0xf1000421, 0x54ffffc1, 0xd503207f};

static Machine *machine_with_loop(const TcgConfig *extra) {
    TcgConfig config = *extra;
    config.tier = 2;
    config.forced.regions = true;
    Machine *m = machine_new_with(&config);
    machine_code(m, RAM_BASE + SUB, sub, sizeof sub);
    machine_code(m, RAM_BASE + LOOP, loop, sizeof loop);
    return m;
}

static RegionPlan plan_of_loop(const Machine *m, unsigned length) {
    return (RegionPlan){.vcpu = m->cpu, .pa = RAM_BASE + LOOP, .va = RAM_BASE + LOOP, .mode = frontend_arm.mode(m->env),
                        .flushes = m->tcg->flushes, .end = {.cycle = length == 5}, .length = length,
                        .path = {LOOP, SUB, SUB + 4, LOOP + 4, LOOP + 8}};
}

/* The head's block, and what stands in its place behind an attempt. */
static Tb *made(Machine *m, RegionPlan *plan) {
    machine_tb(m, plan->pa);
    regions_start(m->tcg);
    region_make_here(m->cpu, plan);
    regions_stop(m->tcg);
    return tb_find(m->tcg, plan->pa, plan->mode);
}

START_TEST(takes_the_place_of_its_head) {
    Machine *m = machine_with_loop(&(TcgConfig){0});
    RegionPlan plan = plan_of_loop(m, 5);
    Tb *old = machine_tb(m, plan.pa), *region = made(m, &plan);
    ck_assert(!old->valid && region->valid);
    ck_assert_int_eq(region->kind, TB_REGION);
    ck_assert_uint_eq(region->insns, 5);
    ck_assert_uint_eq(region->pa, RAM_BASE + LOOP);
    ck_assert_uint_eq(region->bytes, 12);
    ck_assert_uint_eq(region->extra->first, RAM_BASE + SUB);
    ck_assert_ptr_eq(made(m, &plan), region); /* not twice */
    machine_free(m);
}
END_TEST

START_TEST(dies_with_any_of_its_bytes) {
    static const struct Store {
        unsigned off;
        bool kills;
    } stores[] = {{SUB, true}, {SUB + 7, true}, {LOOP, true}, {LOOP + 11, true}, {LOOP + 12, false}, {0x200, false}};
    for (unsigned i = 0; i < G_N_ELEMENTS(stores); i++) {
        for (unsigned maintained = 0; maintained < 2; maintained++) {
            Machine *m = machine_with_loop(&(TcgConfig){0});
            RegionPlan plan = plan_of_loop(m, 5);
            const Tb *region = made(m, &plan);
            ck_assert(tb_page(m->tcg, RAM_BASE)->guarded);
            if (maintained) {
                tb_maintain(m->tcg, RAM_BASE + stores[i].off, 1);
            } else {
                ck_assert(tb_store(m->tcg, RAM_BASE + stores[i].off, 1, region) == stores[i].kills);
            }
            ck_assert_msg(region->valid != stores[i].kills, "offset %#x", stores[i].off);
            machine_free(m);
        }
    }
}
END_TEST

typedef struct Changing {
    unsigned calls, at; /* the page's bytes are asked for that often before they change */
    Machine *m;
    unsigned off;
} Changing;

static uint8_t *changing_page(void *opaque, uint64_t gpa, bool *writable) {
    Changing *c = opaque;
    if (c->calls++ == c->at) {
        c->m->ram[c->off] ^= 0x40; /* add x0, x0, #17 */
    }
    return machine_page(c->m, gpa, writable);
}

START_TEST(is_not_made_of_what_has_changed) {
    static const struct Row {
        unsigned at, off;
        bool region;
    } rows[] = {{1, SUB + 1, false}, {1, LOOP + 9, false}, {1, LOOP + 13, true}, {9, SUB + 1, true}};
    for (unsigned i = 0; i < G_N_ELEMENTS(rows); i++) {
        Machine *m = machine_with_loop(&(TcgConfig){0});
        Changing changing = {.m = m, .at = rows[i].at, .off = rows[i].off};
        RegionPlan plan = plan_of_loop(m, 5);
        m->tcg->config.phys.opaque = &changing;
        m->tcg->config.phys.page = changing_page;
        const Tb *tb = made(m, &plan);
        ck_assert_uint_eq(changing.calls, 2); /* to take them, and to publish */
        ck_assert_msg((tb->kind == TB_REGION) == rows[i].region, "row %u", i);
        machine_free(m);
    }
}
END_TEST

START_TEST(is_not_made_of_what_nobody_looks_after) {
    Machine *m = machine_with_loop(&(TcgConfig){0});
    RegionPlan plan = plan_of_loop(m, 5);
    plan.flushes--;
    ck_assert_int_eq(made(m, &plan)->kind, TB_BLOCK);
    plan.flushes++;
    tb_page(m->tcg, RAM_BASE)->guarded = false;
    ck_assert_int_eq(made(m, &plan)->kind, TB_BLOCK);
    tb_page(m->tcg, RAM_BASE)->unprotected = true;
    ck_assert_int_eq(made(m, &plan)->kind, TB_REGION);
    machine_free(m);
}
END_TEST

START_TEST(rounds_are_repeated) {
    for (unsigned steady = 0; steady < 2; steady++) {
        for (unsigned verify = 0; verify < 2; verify++) {
            Machine *m = machine_with_loop(&(TcgConfig){.verify = verify});
            RegionPlan plan = plan_of_loop(m, 5);
            plan.end.steady = steady;
            ck_assert_uint_eq(made(m, &plan)->insns, steady ? 40 : 5);
            machine_free(m);
        }
    }
}
END_TEST

START_TEST(runs) {
    for (unsigned verify = 0; verify < 2; verify++) {
        Machine *m = machine_with_loop(&(TcgConfig){.verify = verify});
        machine_x(m)[1] = 1000;
        machine_run(m, RAM_BASE + LOOP);
        ck_assert_uint_eq(machine_x(m)[0], 1000);
        ck_assert_uint_gt(m->tcg->stats.regions, 0);
        ck_assert_int_eq(tb_find(m->tcg, RAM_BASE + LOOP, frontend_arm.mode(m->env))->kind, TB_REGION);
        machine_free(m);
    }
}
END_TEST

int main(void) {
    const TTest *const tests[] = {takes_the_place_of_its_head, dies_with_any_of_its_bytes,
                                  is_not_made_of_what_has_changed, is_not_made_of_what_nobody_looks_after,
                                  rounds_are_repeated, runs, NULL};
    return machine_main("region", tests);
}
