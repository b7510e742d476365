/* SPDX-License-Identifier: MIT */
/*
 * pins.c - which guest slots the host's registers hold in a block that chooses for itself.
 *
 * The slots it uses most and that have no register anywhere get those of slots that it uses less or not at all. What is in
 * such a register changes on the way in, on every way out, and around calls of C, which know the standard; not where a
 * loop goes back to the block's own head.
 */
#include "tcg/pins.h"

#include <string.h>

/* In accesses of memory, doubled. */
enum {
    READ = 2,        /* the load... */
    READ_AGAIN = 1,  /* ...and each further use, for which the value may have to be loaded again */
    WRITE = 3,
    MOVES = 16,      /* in and out once: what is stored is often loaded again before it is in memory */
    MOVES_IN_LOOP = 3,
};

typedef struct Uses {
    uint32_t weight[IR_PINS_MAX];
    bool changes[IR_PINS_MAX];
    uint32_t calls; /* of C, in every round */
    bool loops;
} Uses;

/* Is the op, which is no flow, made in C? */
static bool is_called(const Backend *be, const IrBlock *ir, const IrNode *n) {
    const HostRule *r = be->rules[n->op];
    return ir_ops[n->op].interp && (r ? (r->flags & HOST_RULE_FP_PLAIN) && !ir->fp_plain : n->op >= IR_fadd);
}

static void count_node(Uses *u, const Backend *be, const IrBlock *ir, uint32_t i, uint32_t head) {
    const IrNode *n = &ir->nodes[i];
    const IrLife *x = &ir->lives[i];
    switch ((IrOp)n->op) {
    case IR_get:
        u->weight[n->a] += x->uses ? READ + READ_AGAIN * (x->uses - 1u) : 0;
        break;
    case IR_set: case IR_pend:
        u->weight[n->a] += x->uses ? WRITE : 0;
        u->changes[n->a] = true;
        break;
    case IR_call:
        u->calls += x->uses != 0;
        break;
    case IR_jump:
        u->loops |= n->a == head;
        break;
    case IR_branch:
        u->loops |= n->b == head || n->c == head;
        break;
    case IR_leave_if: /* the usual way is another one, even if it goes to the head */
        break;
    default:
        u->calls += is_called(be, ir, n);
        break;
    }
}

static bool pays(const Uses *u, uint32_t more, uint32_t less) {
    return more > less + u->calls * MOVES + (u->loops ? MOVES_IN_LOOP : MOVES);
}

/* The slot of that type that is used most and has no register; -1: none. */
static int best_slot(const PinMap *map, const Uses *u, const IrBlock *ir, IrType type) {
    int best = -1;
    for (uint32_t s = 0; s < ir->slot_count; s++) {
        bool fits = ir->slots[s].type == type && map->of[s] == IR_NO_PIN && ir->slots[s].offset - offsetof(Env, guest) < IR_GUEST_STATE_MAX;
        if (fits && u->weight[s] > (best < 0 ? 0 : u->weight[best])) {
            best = (int)s;
        }
    }
    return best;
}

static void choose_class(PinMap *map, const uint8_t *standard, const Uses *u, const IrBlock *ir, IrType type,
                         const uint8_t *pins, unsigned count, bool always) {
    int holds[HOST_PINS]; /* the slot of each register, or -1 */
    memset(holds, -1, sizeof holds);
    for (uint32_t s = 0; s < ir->slot_count; s++) {
        holds[standard[s] % HOST_PINS] = standard[s] == IR_NO_PIN ? holds[standard[s] % HOST_PINS] : (int)s;
    }
    uint32_t taken = 0;
    for (unsigned n = 0; n < count; n++) {
        int slot = best_slot(map, u, ir, type);
        unsigned worst = count;
        uint32_t least = UINT32_MAX;
        for (unsigned k = 0; k < count; k++) {
            uint32_t weight = holds[pins[k]] < 0 ? 0 : u->weight[holds[pins[k]]];
            if (!(taken >> k & 1) && weight < least) {
                worst = k;
                least = weight;
            }
        }
        if (slot < 0 || worst == count || (always ? u->weight[slot] <= least : !pays(u, u->weight[slot], least))) {
            return;
        }
        int other = holds[pins[worst]];
        HostPin *p = &map->moved.pin[map->moved.count++];
        taken |= 1u << worst;
        *p = (HostPin){.type = type, .reg = pins[worst], .changes = u->changes[slot],
                       .own = {.kind = HOST_ENV, .disp = (int32_t)ir->slots[slot].offset}};
        map->of[slot] = pins[worst];
        if (other >= 0) {
            p->other = (HostOperand){.kind = HOST_ENV, .disp = (int32_t)ir->slots[other].offset};
            map->of[other] = IR_NO_PIN;
        }
    }
}

void pins_choose(PinMap *map, const Backend *be, const uint8_t *standard, const IrBlock *ir, int32_t head, bool always) {
    Uses u = {.calls = 0};
    map->moved.count = 0;
    memcpy(map->of, standard, ir->slot_count);
    for (uint32_t i = 1; i < ir->count; i++) {
        count_node(&u, be, ir, i, (uint32_t)head);
    }
    choose_class(map, standard, &u, ir, IR_I64, be->pins, be->pin_count, always);
    choose_class(map, standard, &u, ir, IR_V128, be->vpins, be->vpin_count, always);
}
