/* SPDX-License-Identifier: MIT */
/*
 * glib_locks.c - GMutex and GCond made of pthread's, to be loaded in front of GLib under ThreadSanitizer, which does not
 * see what GLib's own ones order. Usage: docs/how-to/proofs.md.
 */
#include <errno.h>
#include <glib.h>
#include <pthread.h>
#include <stdbool.h>
#include <stdlib.h>
#include <time.h>

static pthread_mutex_t *mutex_of(GMutex *m) {
    pthread_mutex_t *p = __atomic_load_n((pthread_mutex_t **)&m->p, __ATOMIC_ACQUIRE);
    if (!p) {
        pthread_mutex_t *made = malloc(sizeof *made);
        pthread_mutex_init(made, NULL);
        if (__atomic_compare_exchange_n((pthread_mutex_t **)&m->p, &p, made, false, __ATOMIC_ACQ_REL, __ATOMIC_ACQUIRE)) {
            return made;
        }
        pthread_mutex_destroy(made);
        free(made);
    }
    return p;
}

void g_mutex_init(GMutex *m) {
    m->p = NULL;
    mutex_of(m);
}

void g_mutex_clear(GMutex *m) {
    pthread_mutex_destroy(mutex_of(m));
    free(m->p);
}

void g_mutex_lock(GMutex *m) {
    pthread_mutex_lock(mutex_of(m));
}

gboolean g_mutex_trylock(GMutex *m) {
    return pthread_mutex_trylock(mutex_of(m)) == 0;
}

void g_mutex_unlock(GMutex *m) {
    pthread_mutex_unlock(mutex_of(m));
}

static pthread_cond_t *cond_of(GCond *c) {
    pthread_cond_t *p = __atomic_load_n((pthread_cond_t **)&c->p, __ATOMIC_ACQUIRE);
    if (!p) {
        pthread_condattr_t how;
        pthread_condattr_init(&how);
        pthread_condattr_setclock(&how, CLOCK_MONOTONIC);
        pthread_cond_t *made = malloc(sizeof *made);
        pthread_cond_init(made, &how);
        pthread_condattr_destroy(&how);
        if (__atomic_compare_exchange_n((pthread_cond_t **)&c->p, &p, made, false, __ATOMIC_ACQ_REL, __ATOMIC_ACQUIRE)) {
            return made;
        }
        pthread_cond_destroy(made);
        free(made);
    }
    return p;
}

void g_cond_init(GCond *c) {
    c->p = NULL;
    cond_of(c);
}

void g_cond_clear(GCond *c) {
    pthread_cond_destroy(cond_of(c));
    free(c->p);
}

void g_cond_wait(GCond *c, GMutex *m) {
    pthread_cond_wait(cond_of(c), mutex_of(m));
}

gboolean g_cond_wait_until(GCond *c, GMutex *m, gint64 end) {
    struct timespec t = {end / 1000000, end % 1000000 * 1000};
    return pthread_cond_timedwait(cond_of(c), mutex_of(m), &t) != ETIMEDOUT;
}

void g_cond_signal(GCond *c) {
    pthread_cond_signal(cond_of(c));
}

void g_cond_broadcast(GCond *c) {
    pthread_cond_broadcast(cond_of(c));
}
