/* SPDX-License-Identifier: MIT */
/*
 * plug.h - devices that users add with -device, and what other options make for them.
 */
#ifndef MACHINES_PLUG_H
#define MACHINES_PLUG_H

#include <stdio.h>

#include "devices/devices.h"
#include "machines/names.h"

typedef struct Machine Machine;

/* What an option (-drive, -netdev, -chardev, -object) has made for one device to use. */
typedef struct MachineBackend {
    const char *option; /* "drive" ..., as DeviceProp.backend */
    const char *id;
    void *object;       /* borrowed */
    const char *user;   /* name of the device that has it, or NULL */
} MachineBackend;

/* A class that -device can make, by name; a name without a bus means the one of -M virt. Error (usage) with a suggestion. */
const DeviceClass *plug_class_find(const char *name, GError **error);
/* Makes the devices of machine->options.devices, each in a free slot of its class's bus. The map's devices exist. Errors
 * (usage) name the device and the key. */
bool plug_devices(Machine *machine, GError **error);
/* For -device NAME,help: NAME's properties, with type and default, by `row`. */
void plug_each_property(const DeviceClass *cls, void (*row)(void *opaque, const char *left, const char *help), void *opaque);

#endif
