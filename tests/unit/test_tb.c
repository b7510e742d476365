/* SPDX-License-Identifier: MIT */
/*
 * test_tb.c - blocks: look-up, chains and their undoing, invalidation by address.
 */
#include "tests/unit/tcg_fake.h"

/* add x0, x0, #1; b +0x20: at its page offset, so two of them may chain. */
static const uint32_t step[] = {0x91000400, 0x14000007};

static void put_steps(Machine *m) {
    for (uint64_t pa = RAM_BASE; pa < RAM_BASE + 0x100; pa += 0x20) {
        machine_code(m, pa, step, sizeof step);
    }
}

/* Where a chainable exit jumps to now. */
static const uint8_t *goes_to(const Tb *tb, unsigned slot) {
    int32_t rel;
    const uint8_t *at = tb->host + tb->exits[slot].jump;
    memcpy(&rel, at, 4);
    return at + 4 + rel;
}

START_TEST(found_by_address_and_mode) {
    Machine *m = machine_new(false);
    put_steps(m);
    Tb *a = machine_tb(m, RAM_BASE);
    ck_assert_uint_eq(a->pa, RAM_BASE);
    ck_assert_uint_eq(a->insns, 2);
    ck_assert_uint_eq(a->bytes, 8);
    ck_assert(a->valid && a->host);
    ck_assert_ptr_eq(tb_find(m->tcg, RAM_BASE, a->mode), a);
    ck_assert_ptr_null(tb_find(m->tcg, RAM_BASE, a->mode ^ 1));
    ck_assert_ptr_null(tb_find(m->tcg, RAM_BASE + 4, a->mode));
    ck_assert_ptr_nonnull(tb_page(m->tcg, RAM_BASE + 0x20));
    ck_assert_ptr_null(tb_page(m->tcg, RAM_BASE + PAGE_SIZE));
    tb_flush(m->tcg);
    ck_assert_ptr_null(tb_find(m->tcg, RAM_BASE, 0));
    machine_free(m);
}
END_TEST

START_TEST(chains) {
    Machine *m = machine_new(false);
    put_steps(m);
    Tb *a = machine_tb(m, RAM_BASE), *b = machine_tb(m, RAM_BASE + 0x20), *c = machine_tb(m, RAM_BASE + 0x40);
    const uint8_t *stub = a->host + a->exits[0].stub;
    ck_assert_ptr_eq(goes_to(a, 0), stub);
    tb_chain(m->tcg, a, 0, b);
    ck_assert_ptr_eq(goes_to(a, 0), b->host);
    tb_chain(m->tcg, a, 0, c); /* it is taken */
    ck_assert_ptr_eq(goes_to(a, 0), b->host);
    tb_chain(m->tcg, c, 0, b);
    tb_chain(m->tcg, b, 0, b);
    ck_assert(!tb_invalidate(m->tcg, b->pa, 4, a));
    ck_assert(!b->valid);
    ck_assert_ptr_eq(goes_to(a, 0), stub);
    ck_assert_ptr_eq(goes_to(c, 0), c->host + c->exits[0].stub);
    ck_assert_ptr_eq(goes_to(b, 0), b->host + b->exits[0].stub);
    ck_assert_uint_eq(a->exits[0].target, 0);
    tb_chain(m->tcg, a, 0, b); /* never to a dead block */
    ck_assert_ptr_eq(goes_to(a, 0), stub);
    Tb *again = machine_tb(m, RAM_BASE + 0x20);
    ck_assert_ptr_ne(again, b);
    tb_chain(m->tcg, a, 0, again);
    ck_assert_ptr_eq(goes_to(a, 0), again->host);
    machine_free(m);
}
END_TEST

START_TEST(chains_within_own_pins) {
    Machine *m = machine_new(false);
    static const uint32_t loop[] = {0x910004e7, 0x17ffffff}; /* add x7, x7, #1; b .-4 */
    put_steps(m);
    machine_code(m, RAM_BASE + 0x60, loop, sizeof loop);
    machine_code(m, RAM_BASE + 0x80, loop, sizeof loop);
    Tb *plain = machine_tb(m, RAM_BASE + 0x80);
    ck_assert_uint_eq(plain->inner, 0);
    m->tcg->config.forced.own_pins = true;
    Tb *a = machine_tb(m, RAM_BASE + 0x60), *before = machine_tb(m, RAM_BASE + 0x40);
    ck_assert_uint_ne(a->inner, 0);
    tb_chain(m->tcg, a, 0, before); /* wants the standard pins, which the jump to the loop's head does not bring back */
    ck_assert_ptr_eq(goes_to(a, 0), a->host + a->exits[0].stub);
    tb_chain(m->tcg, a, 0, a);
    ck_assert_ptr_eq(goes_to(a, 0), a->host + a->inner);
    tb_chain(m->tcg, before, 0, a);
    ck_assert_ptr_eq(goes_to(before, 0), a->host);
    ck_assert(!tb_invalidate(m->tcg, a->pa, 4, before));
    ck_assert_ptr_eq(goes_to(a, 0), a->host + a->exits[0].stub);
    machine_free(m);
}
END_TEST

START_TEST(the_source_of_a_chain_dies) {
    Machine *m = machine_new(false);
    static const uint32_t branch[] = {0xb5ffff00}; /* cbnz x0, .-0x20 */
    put_steps(m);
    machine_code(m, RAM_BASE + 0x60, branch, sizeof branch);
    Tb *a = machine_tb(m, RAM_BASE + 0x60), *b = machine_tb(m, RAM_BASE + 0x20), *c = machine_tb(m, RAM_BASE + 0x40);
    ck_assert_uint_eq(a->exit_count, 2);
    ck_assert_uint_eq(b->exit_count, 1);
    tb_chain(m->tcg, a, 0, c);
    tb_chain(m->tcg, a, 1, c);
    tb_chain(m->tcg, b, 0, c);
    tb_invalidate(m->tcg, a->pa, 1, NULL);
    ck_assert_uint_eq(c->incoming, tb_exit_ref(b, 0));
    ck_assert_uint_eq(b->exits[0].next, 0); /* both ways of a are gone */
    ck_assert_ptr_eq(goes_to(b, 0), c->host);
    tb_invalidate(m->tcg, c->pa, 1, NULL);
    ck_assert_ptr_eq(goes_to(b, 0), b->host + b->exits[0].stub);
    machine_free(m);
}
END_TEST

START_TEST(invalidation_by_bytes) {
    Machine *m = machine_new(false);
    put_steps(m);
    Tb *a = machine_tb(m, RAM_BASE), *b = machine_tb(m, RAM_BASE + 0x20);
    ck_assert(!tb_invalidate(m->tcg, RAM_BASE + 8, 0x18, a)); /* between them */
    ck_assert(a->valid && b->valid);
    ck_assert(tb_invalidate(m->tcg, RAM_BASE + 7, 1, a));
    ck_assert(!a->valid && b->valid);
    ck_assert_ptr_null(tb_find(m->tcg, RAM_BASE, a->mode));
    ck_assert(!tb_invalidate(m->tcg, RAM_BASE - 0x100, 0x121, NULL));
    ck_assert(!b->valid);
    machine_free(m);
}
END_TEST

/* The jump cache's entry for that page of RAM. */
static const IrJump *jump_to(const Machine *m, unsigned page) {
    return &m->env->jumps[ir_jump_index(RAM_BASE + page * PAGE_SIZE)];
}

START_TEST(jump_cache_forgets) {
    Machine *m = machine_new(false);
    put_steps(m);
    static const unsigned pages[] = {0, 0, 3}; /* known by one address, and by several */
    for (unsigned n = 1; n <= G_N_ELEMENTS(pages); n++) {
        Tb *tb = machine_tb(m, RAM_BASE);
        for (unsigned k = 0; k < n; k++) {
            m->env->pc = RAM_BASE + pages[k] * PAGE_SIZE;
            tb_remember(m->cpu, tb);
            ck_assert_uint_eq(jump_to(m, pages[k])->key, m->env->pc ^ m->env->space);
            ck_assert_ptr_eq(jump_to(m, pages[k])->host, tb->host);
        }
        tb_invalidate(m->tcg, RAM_BASE + 4, 4, NULL);
        for (unsigned k = 0; k < n; k++) {
            ck_assert_uint_ne(jump_to(m, pages[k])->key, (RAM_BASE + pages[k] * PAGE_SIZE) ^ m->env->space);
        }
        tb_remember(m->cpu, tb); /* it is dead */
        ck_assert_uint_ne(jump_to(m, pages[n - 1])->key, m->env->pc ^ m->env->space);
    }
    machine_free(m);
}
END_TEST

START_TEST(data_among_code) {
    Machine *m = machine_new(false);
    put_steps(m);
    Tb *a = machine_tb(m, RAM_BASE);
    for (unsigned i = 0; i < 1000; i++) {
        tb_store(m->tcg, RAM_BASE + 0x800, 8, NULL);
    }
    ck_assert(a->valid);
    ck_assert(tb_page(m->tcg, RAM_BASE)->unprotected);
    tb_invalidate_unprotected(m->tcg);
    ck_assert(!a->valid);
    machine_free(m);
}
END_TEST

/* Where fetches are coherent neither stores nor maintenance make stores go unseen. */
START_TEST(coherent_fetch) {
    Machine *m = machine_new(false);
    put_steps(m);
    m->tcg->coherent_fetch = true;
    Tb *a = machine_tb(m, RAM_BASE);
    for (unsigned i = 0; i < 1000; i++) {
        tb_store(m->tcg, RAM_BASE + 0x800, 8, NULL);
        tb_maintain(m->tcg, RAM_BASE + 0x800, 64);
    }
    ck_assert(a->valid);
    ck_assert(tb_page(m->tcg, RAM_BASE)->guarded);
    ck_assert(tb_store(m->tcg, RAM_BASE, 4, a));
    ck_assert(!a->valid);
    machine_free(m);
}
END_TEST

START_TEST(page_without_code) {
    Machine *m = machine_new(false);
    put_steps(m);
    Tb *a = machine_tb(m, RAM_BASE);
    ck_assert(tb_page(m->tcg, RAM_BASE)->guarded);
    ck_assert(tb_store(m->tcg, RAM_BASE, 4, a));
    ck_assert(!a->valid);
    ck_assert(tb_page(m->tcg, RAM_BASE)->guarded); /* it may be written to and translated by turns */
    for (unsigned i = 0; i < SLOW_STORES; i++) {
        tb_store(m->tcg, RAM_BASE + 8 * i, 8, NULL);
    }
    ck_assert(!tb_page(m->tcg, RAM_BASE)->guarded && !tb_page(m->tcg, RAM_BASE)->unprotected);
    a = machine_tb(m, RAM_BASE);
    ck_assert(tb_page(m->tcg, RAM_BASE)->guarded);
    ck_assert(tb_store(m->tcg, RAM_BASE, 4, a));
    machine_free(m);
}
END_TEST

/* Who maintains what he stores gets fast stores; then maintenance alone kills, and that exactly. */
START_TEST(maintained_page) {
    Machine *m = machine_new(false);
    put_steps(m);
    Tb *data = machine_tb(m, RAM_BASE + 0x40);
    for (unsigned i = 0; i < 100; i++) {
        tb_maintain(m->tcg, RAM_BASE, 64); /* of lines not stored to: says nothing */
    }
    for (unsigned i = 0; i < MAINTENANCE; i++) {
        ck_assert(tb_page(m->tcg, RAM_BASE)->guarded);
        tb_store(m->tcg, RAM_BASE, 4, NULL);
        tb_maintain(m->tcg, RAM_BASE + 64, 64); /* elsewhere */
        data = machine_tb(m, RAM_BASE + 0x40);
        tb_maintain(m->tcg, RAM_BASE, 64);
    }
    ck_assert(tb_page(m->tcg, RAM_BASE)->unprotected);
    Tb *a = machine_tb(m, RAM_BASE);
    ck_assert(!tb_store(m->tcg, RAM_BASE, 4, a));
    ck_assert(a->valid);
    tb_maintain(m->tcg, RAM_BASE + 0x40, 64);
    ck_assert(a->valid && !data->valid);
    tb_maintain(m->tcg, RAM_BASE, 64);
    ck_assert(!a->valid);
    machine_free(m);
}
END_TEST

/* Blocks whose bytes come back come back too, on pages where code has changed. */
START_TEST(revived) {
    Machine *m = machine_new(false);
    put_steps(m);
    const uint32_t other[] = {0x91000800, step[1]}, longer[] = {0x91000400, 0x91000400, step[1]};
    uint8_t *page = m->ram;
    Tb *a = machine_tb(m, RAM_BASE), *b;
    const uint64_t mode = a->mode;
    tb_store(m->tcg, RAM_BASE, 8, NULL);
    ck_assert_ptr_null(tb_revive(m->cpu, RAM_BASE, mode, page)); /* what it was made from is not known any more */
    a = machine_tb(m, RAM_BASE);
    Tb *next = machine_tb(m, RAM_BASE + 0x20);
    tb_chain(m->tcg, a, 0, next);
    tb_store(m->tcg, RAM_BASE, 8, NULL);
    machine_code(m, RAM_BASE, other, sizeof other);
    ck_assert_ptr_null(tb_revive(m->cpu, RAM_BASE, mode, page));
    b = machine_tb(m, RAM_BASE);
    ck_assert_ptr_ne(b, a);
    tb_store(m->tcg, RAM_BASE, 8, NULL);
    machine_code(m, RAM_BASE, step, sizeof step);
    ck_assert_ptr_null(tb_revive(m->cpu, RAM_BASE, mode ^ 1, page));
    ck_assert_ptr_null(tb_revive(m->cpu, RAM_BASE + 0x60, mode, page));
    ck_assert_ptr_eq(tb_revive(m->cpu, RAM_BASE, mode, page), a);
    ck_assert(a->valid && !b->valid);
    ck_assert_ptr_eq(tb_find(m->tcg, RAM_BASE, mode), a);
    ck_assert_ptr_eq(goes_to(a, 0), a->host + a->exits[0].stub);
    ck_assert_ptr_null(tb_revive(m->cpu, RAM_BASE, mode, page)); /* there is one, and no other */
    tb_store(m->tcg, RAM_BASE, 8, NULL);
    machine_code(m, RAM_BASE, longer, sizeof longer);
    ck_assert_ptr_null(tb_revive(m->cpu, RAM_BASE, mode, page));
    machine_code(m, RAM_BASE, step, sizeof step);
    tb_ban(m->tcg, m->tcg->merge_bans, RAM_BASE + 0x80, 0, NULL);
    ck_assert_ptr_null(tb_revive(m->cpu, RAM_BASE, mode, page)); /* it may have been made otherwise now */
    machine_free(m);
}
END_TEST

/* However many there are, few are looked at. */
START_TEST(many_dead) {
    Machine *m = machine_new(true);
    for (uint32_t i = 0; i < 40000; i++) {
        const uint32_t code[] = {0x91000000 | (i & 0xfff) << 10 | (i >> 12), step[1]};
        machine_code(m, RAM_BASE, code, sizeof code);
        machine_tb(m, RAM_BASE);
        tb_store(m->tcg, RAM_BASE, 4, NULL);
        tb_maintain(m->tcg, RAM_BASE, 64);
        tb_invalidate(m->tcg, RAM_BASE, 4, NULL);
    }
    for (unsigned i = 0; i < DEAD_BUCKETS; i++) {
        unsigned n = 0;
        for (const Tb *tb = m->tcg->dead[i]; tb; tb = tb->extra->dead_next) {
            n++;
        }
        ck_assert_uint_le(n, DEAD_KEPT);
    }
    machine_free(m);
}
END_TEST

/* All have to go before there is another. */
START_TEST(no_room) {
    Machine *m = machine_new(false);
    put_steps(m);
    machine_tb(m, RAM_BASE);
    LowerResult result = LOWER_OK;
    TbRef end = m->tcg->tb_end;
    bool writable;
    m->tcg->tb_end = UINT32_MAX >> TB_EXIT_BITS;
    ck_assert_ptr_null(tb_translate(m->cpu, RAM_BASE + 0x20, RAM_BASE + 0x20, frontend_arm.mode(m->env),
                                    machine_page(m, RAM_BASE, &writable), 64, &result));
    ck_assert_int_eq(result, LOWER_NO_ROOM);
    m->tcg->tb_end = end;
    tb_flush(m->tcg);
    ck_assert_uint_lt(m->tcg->tb_end, end);
    ck_assert_uint_lt(machine_tb(m, RAM_BASE + 0x20)->ref, end);
    machine_free(m);
}
END_TEST

int main(void) {
    return machine_main("tb", (const TTest *const[]){found_by_address_and_mode, chains, chains_within_own_pins,
                                                     the_source_of_a_chain_dies,
                                                     invalidation_by_bytes, jump_cache_forgets, data_among_code, coherent_fetch,
                                                     page_without_code, maintained_page, revived, many_dead, no_room, NULL});
}
