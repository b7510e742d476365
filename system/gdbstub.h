/* SPDX-License-Identifier: MIT */
/*
 * gdbstub.h - gdb's remote protocol, apart from sockets and machines: bytes in, bytes out, and a guest to act upon.
 *
 * Threads: everything is called in the main loop.
 */
#ifndef SYSTEM_GDBSTUB_H
#define SYSTEM_GDBSTUB_H

#include "tcg/tcg.h"

typedef struct GdbStub GdbStub;

/* What is debugged. CPUs are numbered from 0; registers as in `regs`, of which those of gdb's own features stand first. */
typedef struct GdbGuest {
    void *opaque;
    const char *architecture; /* as gdb calls it */
    unsigned cpus;
    const CpuReg *regs;
    unsigned reg_count;
    void (*get_reg)(void *opaque, unsigned cpu, unsigned reg, IrVal *value);
    bool (*set_reg)(void *opaque, unsigned cpu, unsigned reg, const IrVal *value);
    /* Reads into or writes from `bytes`, all or nothing. False: there is no memory, or not that much. */
    bool (*memory)(void *opaque, unsigned cpu, uint64_t addr, void *bytes, uint64_t size, bool write, bool physical);
    /* Places or takes away a point. False: it cannot be had. */
    bool (*point)(void *opaque, bool add, TcgPointKind kind, uint64_t addr, uint64_t size);
    void (*clear_points)(void *opaque);
    void (*pause)(void *opaque);   /* returns when the guest stands still */
    void (*resume)(void *opaque);  /* gdbstub_stopped may follow */
    void (*step)(void *opaque, unsigned cpu); /* gdbstub_stopped follows */
    void (*step_interrupts)(void *opaque, bool on);
    void (*kill)(void *opaque);    /* the user wants the guest to end */
    void (*command)(void *opaque, const char *line, GString *out); /* "monitor LINE" */
    /* To the client; takes everything, never waits. */
    void (*send)(void *opaque, const void *data, size_t size);
} GdbGuest;

/* `guest` is copied. */
GdbStub *gdbstub_new(const GdbGuest *guest);
void gdbstub_free(GdbStub *stub);
/* A client has come (the guest is paused), or is gone without a word (its points are removed; the guest stays as it is). */
void gdbstub_connect(GdbStub *stub);
void gdbstub_disconnect(GdbStub *stub);
/* Bytes from the client: any bytes. */
void gdbstub_receive(GdbStub *stub, const void *data, size_t size);
/* The guest stands still because of what the client asked for. Ignored when the client has not let it run. */
void gdbstub_stopped(GdbStub *stub, const TcgStop *stop);
/* The guest has been paused for a reason that is not the client's; text: a line that tells it. Ignored likewise. */
void gdbstub_paused(GdbStub *stub, const char *text);
/* The guest has ended with this exit code. */
void gdbstub_exited(GdbStub *stub, int code);

#endif
