/* SPDX-License-Identifier: MIT */
/*
 * partition.c - what the machine pseries offers besides a CPU: the client interface, RTAS, interrupts, a second CPU.
 */
#include <stddef.h>

#include "guest.h"

void guest_main(void);
void second_main(void);
extern const uint8_t second_entry[], second_go[];

enum { H_CPPR = 0x68, H_EOI = 0x64, H_IPI = 0x6c, H_IPOLL = 0x70, H_XIRR = 0x74, H_REGISTER_VPA = 0xdc, H_CONFER = 0xe4,
       H_PROD = 0xe8, H_RANDOM = 0x300, H_LOGICAL_CI_LOAD = 0x3c, H_LOGICAL_CI_STORE = 0x40, H_LOGICAL_MEMOP = 0xf001,
       H_CAS = 0xf002, H_CLIENT = 0xf005, H_INT_GET_SOURCE_INFO = 0x3a8, H_INT_SET_SOURCE_CONFIG = 0x3ac,
       H_INT_GET_SOURCE_CONFIG = 0x3b0, H_INT_GET_QUEUE_INFO = 0x3b4, H_INT_SET_QUEUE_CONFIG = 0x3b8,
       H_INT_GET_QUEUE_CONFIG = 0x3bc, H_INT_ESB = 0x3c8, H_INT_SYNC = 0x3cc, H_INT_RESET = 0x3d0 };
enum { H_P3 = -56, H_P4 = -57, H_P5 = -58, NO = -1, PARAMETER = -3, VTY_IRQ = 0x1100, IPI = 2, OPEN = 0xff };
#define NOWHERE UINT64_C(0x4000000000)

static uint64_t call5(uint64_t number, uint64_t a, uint64_t b, uint64_t c, uint64_t d, uint64_t e) {
    uint64_t (*call)(uint64_t, uint64_t, uint64_t, uint64_t, uint64_t, uint64_t) = (void *)(uintptr_t)hypercall;
    return call(number, a, b, c, d, e);
}

static uint32_t address(const void *p) {
    return (uint32_t)(uintptr_t)p;
}

static bool same(const char *a, const char *b) {
    while (*a && *a == *b) {
        a++, b++;
    }
    return *a == *b;
}

/* -- client interface -- */

static uint32_t cells[16];

static uint32_t client(const char *service, unsigned inputs, unsigned outputs, uint32_t a, uint32_t b, uint32_t c, uint32_t d) {
    const uint32_t in[4] = {a, b, c, d};
    cells[0] = big32(address(service));
    cells[1] = big32(inputs);
    cells[2] = big32(outputs);
    for (unsigned i = 0; i < inputs; i++) {
        cells[3 + i] = big32(in[i]);
    }
    EQUAL(hypercall(H_CLIENT, address(cells), 0, 0, 0), 0);
    return big32(cells[3 + inputs]);
}

static uint32_t node(const char *path) {
    return client("finddevice", 1, 1, address(path), 0, 0, 0);
}

static uint32_t property(uint32_t package, const char *name) {
    static uint32_t value;
    value = 0;
    return client("getprop", 4, 1, package, address(name), address(&value), 4) == 4 ? big32(value) : UINT32_MAX;
}

static void tree(void) {
    static char text[64];
    uint32_t root = node("/"), rtas_node = node("/rtas"), cpus = node("/cpus");
    EQUAL(client("peer", 1, 1, 0, 0, 0, 0), root);
    EQUAL(client("parent", 1, 1, rtas_node, 0, 0, 0), root);
    EQUAL(client("parent", 1, 1, root, 0, 0, 0), 0);
    CHECK(client("child", 1, 1, cpus, 0, 0, 0) != 0);
    EQUAL(node("/none"), UINT32_MAX);
    EQUAL(client("getprop", 4, 1, rtas_node, address("name"), address(text), sizeof text), 5);
    CHECK(same(text, "rtas"));
    EQUAL(client("getproplen", 2, 1, root, address("device_type"), 0, 0), 5);
    EQUAL(client("getproplen", 2, 1, root, address("none"), 0, 0), UINT32_MAX);
    EQUAL(client("package-to-path", 3, 1, rtas_node, address(text), sizeof text, 0), 5);
    CHECK(same(text, "/rtas"));
    uint32_t value = big32(77);
    EQUAL(client("setprop", 4, 1, rtas_node, address("test"), address(&value), 4), 4);
    EQUAL(property(rtas_node, "test"), 77);
    unsigned n = 0;
    text[0] = 0;
    while (client("nextprop", 3, 1, root, address(text), address(text), 0) == 1 && n < 100) {
        n++;
    }
    CHECK(n > 4 && n < 100);
    EQUAL(client("nextprop", 3, 1, root, address("none"), address(text), 0), UINT32_MAX);
    uint32_t instance = client("open", 1, 1, address("/rtas"), 0, 0, 0);
    EQUAL(client("instance-to-package", 1, 1, instance, 0, 0, 0), rtas_node);
    EQUAL(client("open", 1, 1, address("/none"), 0, 0, 0), 0);
    EQUAL(client("juggle", 1, 1, 0, 0, 0, 0), UINT32_MAX);
    EQUAL(client("getprop", 1, 1, 0, 0, 0, 0), UINT32_MAX); /* too few */
    EQUAL(client("call-method", 3, 2, address("juggle"), instance, 0, 0), UINT32_MAX);
    EQUAL(client("write", 3, 1, property(node("/chosen"), "stdout"), address("client\n"), 7, 0), 7);
    EQUAL(client("write", 3, 1, 0, 0xfffffff0, 7, 0), UINT32_MAX);
}

static void memory(void) {
    enum { AT = 0x800000, SIZE = 0x10000 };
    EQUAL(client("claim", 3, 1, AT, SIZE, 0, 0), AT);
    EQUAL(client("claim", 3, 1, AT + SIZE - 1, 1, 0, 0), UINT32_MAX);
    EQUAL(client("claim", 3, 1, 0, 4096, 0, 0), UINT32_MAX); /* this program */
    EQUAL(client("claim", 3, 1, 0, 0, 0, 0), UINT32_MAX);
    EQUAL(client("claim", 3, 1, 0, 4096, 3, 0), UINT32_MAX);
    EQUAL(client("claim", 3, 1, 0x7fffffff, 4096, 0, 0), UINT32_MAX);
    uint32_t any = client("claim", 3, 1, 0, SIZE, SIZE, 0);
    CHECK(any != UINT32_MAX && any % SIZE == 0 && any != AT);
    client("release", 2, 0, AT, SIZE, 0, 0);
    EQUAL(client("claim", 3, 1, AT, SIZE, 0, 0), AT);
    EQUAL(hypercall(H_CLIENT, 0xfffffff0, 0, 0, 0), H_PARAMETER);
    cells[1] = big32(13);
    EQUAL(hypercall(H_CLIENT, address(cells), 0, 0, 0), H_PARAMETER);
}

/* -- RTAS -- */

static uint32_t rtas_node;

static uint32_t *call_rtas(const char *name, unsigned inputs, unsigned outputs, const uint32_t *in) {
    static uint32_t args[24];
    args[0] = big32(property(rtas_node, name));
    args[1] = big32(inputs);
    args[2] = big32(outputs);
    for (unsigned i = 0; i < inputs; i++) {
        args[3 + i] = big32(in[i]);
    }
    EQUAL(hypercall(H_RTAS, address(args), 0, 0, 0), 0);
    for (unsigned i = 0; i < outputs; i++) {
        args[3 + inputs + i] = big32(args[3 + inputs + i]);
    }
    return args + 3 + inputs;
}
#define RTAS_CALL(name, outputs, ...)                                                                                  \
    call_rtas(name, sizeof((uint32_t[]){__VA_ARGS__}) / 4, outputs, (const uint32_t[]){__VA_ARGS__})

static void services(void) {
    static uint8_t bytes[32];
    rtas_node = node("/rtas");
    EQUAL(call_rtas("get-time-of-day", 0, 8, NULL)[0], 0);
    CHECK(call_rtas("get-time-of-day", 0, 8, NULL)[1] > 2000);
    EQUAL(RTAS_CALL("set-time-of-day", 1, 1999, 2, 29, 0, 0, 0, 0)[0], (uint32_t)PARAMETER);
    EQUAL(RTAS_CALL("set-time-of-day", 1, 2000, 2, 29, 23, 59, 59, 0)[0], 0);
    uint32_t *t = call_rtas("get-time-of-day", 0, 8, NULL);
    CHECK(t[1] == 2000 && (t[2] == 2 || t[2] == 3) && (t[3] == 29 || t[3] == 1));
    for (unsigned i = 0; i < sizeof bytes; i++) {
        bytes[i] = (uint8_t)(i + 1);
    }
    EQUAL(RTAS_CALL("nvram-store", 2, 1000, address(bytes), 16)[1], 16);
    EQUAL(RTAS_CALL("nvram-fetch", 2, 1008, address(bytes), 8)[1], 8);
    CHECK(bytes[0] == 9 && bytes[7] == 16 && bytes[8] == 9);
    EQUAL(RTAS_CALL("nvram-fetch", 2, 65535, address(bytes), 2)[0], (uint32_t)PARAMETER);
    EQUAL(RTAS_CALL("nvram-store", 2, 0, 0xfffffff8, 16)[0], (uint32_t)PARAMETER);
    EQUAL(RTAS_CALL("nvram-store", 2, 0, address(bytes), 0xffffffff)[0], (uint32_t)PARAMETER);
    EQUAL(RTAS_CALL("ibm,get-system-parameter", 1, 20, address(bytes), sizeof bytes)[0], 0);
    CHECK(bytes[0] == 0 && bytes[1] > 10 && bytes[2] == 'M');
    EQUAL(RTAS_CALL("ibm,get-system-parameter", 1, 9999, address(bytes), sizeof bytes)[0], (uint32_t)PARAMETER);
    EQUAL(RTAS_CALL("ibm,get-system-parameter", 1, 20, 0xfffffff8, 32)[0], (uint32_t)PARAMETER);
    EQUAL(RTAS_CALL("get-sensor-state", 2, 9003, 0)[1], 1);
    EQUAL(RTAS_CALL("set-indicator", 1, 1, 0, 0)[0], (uint32_t)PARAMETER);
    EQUAL(RTAS_CALL("event-scan", 1, 0, 0, 0, 0)[0], 1);
    EQUAL(RTAS_CALL("display-character", 1, '.')[0], 0);
    EQUAL(RTAS_CALL("query-cpu-stopped-state", 2, 1)[1], 0);
    EQUAL(RTAS_CALL("query-cpu-stopped-state", 2, 7)[0], (uint32_t)PARAMETER);
    EQUAL(RTAS_CALL("start-cpu", 1, 7, 0, 0)[0], (uint32_t)PARAMETER);
}

/* -- hypercalls -- */

static void areas(void) {
    static uint8_t vpa[1024] __attribute__((aligned(1024)));
    const uint64_t reg = UINT64_C(1) << 45, slb = UINT64_C(3) << 45, away = UINT64_C(5) << 45, slb_away = UINT64_C(7) << 45;
    EQUAL(hypercall(H_REGISTER_VPA, slb, 0, address(vpa), 0), H_PARAMETER); /* there is no VPA */
    EQUAL(hypercall(H_REGISTER_VPA, reg, 0, address(vpa), 0), H_PARAMETER); /* too small */
    vpa[4] = 640 >> 8;
    vpa[5] = 640 & 255;
    EQUAL(hypercall(H_REGISTER_VPA, reg, 0, address(vpa) + 4, 0), H_PARAMETER);
    EQUAL(hypercall(H_REGISTER_VPA, reg, 9, address(vpa), 0), H_PARAMETER);
    EQUAL(hypercall(H_REGISTER_VPA, reg, 0, NOWHERE, 0), H_PARAMETER);
    EQUAL(hypercall(H_REGISTER_VPA, reg, 0, address(vpa), 0), 0);
    vpa[512 + 7] = 64;
    EQUAL(hypercall(H_REGISTER_VPA, slb, 0, address(vpa) + 512, 0), 0);
    EQUAL(hypercall(H_REGISTER_VPA, away, 0, 0, 0), -16);
    EQUAL(hypercall(H_REGISTER_VPA, slb_away, 0, 0, 0), 0);
    EQUAL(hypercall(H_REGISTER_VPA, away, 0, 0, 0), 0);
    EQUAL(hypercall(H_REGISTER_VPA, 0, 0, 0, 0), H_PARAMETER);
}

static void physical(void) {
    static uint64_t words[2] = {1, 2};
    EQUAL(hypercall(H_LOGICAL_CI_STORE, 4, address(words), 0x12345678, 0), 0);
    EQUAL(big32(*(uint32_t *)words), 0x12345678);
    EQUAL(hypercall(H_LOGICAL_CI_LOAD, 2, address(words), 0, 0), 0);
    EQUAL(hypercall_results[0], 0x1234);
    EQUAL(hypercall(H_LOGICAL_CI_LOAD, 3, address(words), 0, 0), H_PARAMETER);
    EQUAL(hypercall(H_LOGICAL_CI_LOAD, 4, address(words) + 2, 0, 0), H_PARAMETER);
    EQUAL(hypercall(H_LOGICAL_CI_STORE, 8, NOWHERE, 0, 0), H_PARAMETER);
    EQUAL(call5(H_LOGICAL_MEMOP, address(words) + 8, address(words), 3, 1, 1), 0);
    EQUAL(words[1], ~words[0]);
    EQUAL(call5(H_LOGICAL_MEMOP, NOWHERE, address(words), 3, 1, 0), H_PARAMETER);
    EQUAL(call5(H_LOGICAL_MEMOP, address(words), address(words), 3, 1, 2), H_PARAMETER);
}

static void xics(void) {
    EQUAL(RTAS_CALL("ibm,set-xive", 1, 0x999, 0, 5)[0], (uint32_t)PARAMETER);
    EQUAL(RTAS_CALL("ibm,set-xive", 1, VTY_IRQ, 9, 5)[0], (uint32_t)PARAMETER);
    EQUAL(RTAS_CALL("ibm,set-xive", 1, VTY_IRQ, 0, 5)[0], 0);
    EQUAL(RTAS_CALL("ibm,int-off", 1, VTY_IRQ)[0], 0);
    EQUAL(RTAS_CALL("ibm,get-xive", 3, VTY_IRQ)[2], OPEN);
    EQUAL(RTAS_CALL("ibm,int-on", 1, VTY_IRQ)[0], 0);
    EQUAL(RTAS_CALL("ibm,get-xive", 3, VTY_IRQ)[2], 5);
    EQUAL(hypercall(H_IPI, 9, 4, 0, 0), H_PARAMETER);
    EQUAL(hypercall(H_IPI, 0, 4, 0, 0), 0);
    EQUAL(hypercall(H_XIRR, 0, 0, 0, 0), 0);
    EQUAL(hypercall_results[0], 0); /* CPPR lets nothing in */
    EQUAL(hypercall(H_CPPR, OPEN, 0, 0, 0), 0);
    EQUAL(hypercall(H_IPOLL, 0, 0, 0, 0), 0);
    EQUAL(hypercall_results[0], (uint32_t)OPEN << 24 | IPI);
    EQUAL(hypercall_results[1], 4);
    EQUAL(hypercall(H_XIRR, 0, 0, 0, 0), 0);
    EQUAL(hypercall_results[0], (uint32_t)OPEN << 24 | IPI);
    EQUAL(hypercall(H_IPI, 0, OPEN, 0, 0), 0);
    EQUAL(hypercall(H_EOI, hypercall_results[0], 0, 0, 0), 0);
    EQUAL(hypercall(H_EOI, (uint64_t)OPEN << 24 | IPI, 0, 0, 0), 0);
    EQUAL(hypercall(H_IPOLL, 9, 0, 0, 0), H_PARAMETER);
}

static void xive(void) {
    static uint32_t queue[1024] __attribute__((aligned(4096)));
    EQUAL(hypercall(H_INT_GET_SOURCE_INFO, 0, 0x999, 0, 0), H_P2);
    EQUAL(hypercall(H_INT_GET_SOURCE_INFO, 0, 1, 0, 0), 0);
    uint64_t source_page = hypercall_results[1];
    EQUAL(hypercall_results[0], 2);
    EQUAL(call5(H_INT_SET_QUEUE_CONFIG, 1, 0, 7, address(queue), 12), H_P3);
    EQUAL(call5(H_INT_SET_QUEUE_CONFIG, 1, 9, 6, address(queue), 12), H_P2);
    EQUAL(call5(H_INT_SET_QUEUE_CONFIG, 1, 0, 6, address(queue) + 4, 12), H_P4);
    EQUAL(call5(H_INT_SET_QUEUE_CONFIG, 1, 0, 6, address(queue), 40), H_P5);
    EQUAL(call5(H_INT_SET_QUEUE_CONFIG, 1, 0, 6, NOWHERE, 12), H_P4);
    EQUAL(call5(H_INT_SET_QUEUE_CONFIG, 1, 0, 6, address(queue), 12), 0);
    EQUAL(hypercall(H_INT_GET_QUEUE_CONFIG, 0, 0, 6, 0), 0);
    EQUAL(hypercall_results[1], address(queue));
    EQUAL(hypercall_results[2], 12);
    EQUAL(hypercall(H_INT_GET_QUEUE_INFO, 0, 0, 8, 0), H_P3);
    EQUAL(call5(H_INT_SET_SOURCE_CONFIG, 2, 0x999, 0, 6, 0x77), H_P2);
    EQUAL(call5(H_INT_SET_SOURCE_CONFIG, 2, 1, 9, 6, 0x77), H_P3);
    EQUAL(call5(H_INT_SET_SOURCE_CONFIG, 2, 1, 0, 7, 0x77), H_P4);
    EQUAL(call5(H_INT_SET_SOURCE_CONFIG, 2, 1, 0, 6, 0x77), 0);
    EQUAL(hypercall(H_INT_GET_SOURCE_CONFIG, 0, 1, 0, 0), 0);
    EQUAL(hypercall_results[2], 0x77);
    EQUAL(hypercall(H_INT_ESB, 0, 1, 0xc00, 0), 0); /* on */
    EQUAL(hypercall(H_LOGICAL_CI_STORE, 8, source_page, 0, 0), 0);
    EQUAL(big32(queue[0]), 0x80000077);
    EQUAL(hypercall(H_INT_ESB, 0, 1, 0x800, 0), 0);
    EQUAL(hypercall_results[0], 2);
    EQUAL(hypercall(H_INT_ESB, 0, 1, 0x10000, 0), H_P3);
    EQUAL(hypercall(H_INT_SYNC, 0, 1, 0, 0), 0);
    EQUAL(hypercall(H_INT_RESET, 0, 0, 0, 0), 0);
    EQUAL(hypercall(H_INT_RESET, 1, 0, 0, 0), H_PARAMETER);
}

/* -- the second CPU: it says which it is, wakes the first, and stops -- */

enum { STACK = 4096, CONTEXT_CHECK = 0x55 };
uint8_t second_stack[STACK] __attribute__((aligned(16)));
static volatile uint32_t second_pir, second_woken;

#define TEXT(x) #x
#define STRING(x) TEXT(x)
#ifdef __LITTLE_ENDIAN__
#define BIG(x) ".long " STRING((((x) & 0xff) << 24 | ((x) & 0xff00) << 8 | ((x) >> 8 & 0xff00) | ((x) >> 24 & 0xff))) "\n"
#else
#define BIG(x) ".long " STRING(x) "\n"
#endif
#ifdef __LITTLE_ENDIAN__
#define ORDER 0x616b0001 /* ori r11,r11,1 */
#else
#define ORDER 0x60000000 /* nop */
#endif
/* It starts big-endian, with its context, the address of second_go, in r3. */
__asm__(".globl second_entry, second_go\n"
        "second_entry:\n" BIG(0x7d6000a6) BIG(ORDER) BIG(0x7c7a03a6) BIG(0x7d7b03a6) BIG(0x4c000024)
        "second_go: lis 1, second_stack+4096-64@ha; addi 1, 1, second_stack+4096-64@l; lis 2, .TOC.@ha; addi 2, 2, .TOC.@l\n"
        "bl second_main; nop\n");

static uint64_t second_call(uint64_t number, uint64_t a, uint64_t b) {
    register uint64_t r3 __asm__("r3") = number, r4 __asm__("r4") = a, r5 __asm__("r5") = b;
    __asm__ volatile("sc 1" : "+r"(r3), "+r"(r4), "+r"(r5) : : "memory", "r0", "r6", "r7", "r8", "r9", "r10", "r11", "r12", "cr0");
    return r3;
}

void second_main(void) {
    static uint32_t args[4];
    second_pir = (uint32_t)MFSPR(1023);
    second_call(H_CEDE, 0, 0); /* until it is prodded */
    second_woken = 1;
    second_call(H_IPI, 0, 4);
    args[0] = big32(0x2041);
    args[1] = 0;
    args[2] = big32(1);
    second_call(H_RTAS, address(args), 0);
    for (;;) {
    }
}

static void second_cpu(void) {
    EQUAL(hypercall(H_PROD, 9, 0, 0, 0), H_PARAMETER);
    EQUAL(hypercall(H_CONFER, 9, 0, 0, 0), H_PARAMETER);
    EQUAL(hypercall(H_PROD, 0, 0, 0, 0), 0);
    EQUAL(hypercall(H_CEDE, 0, 0, 0, 0), 0); /* at once */
    __asm__ volatile("mtmsrd %0, 1" : : "r"(0));
    EQUAL(property(rtas_node, "stop-self"), 0x2041); /* as the second CPU says */
    EQUAL(RTAS_CALL("start-cpu", 1, 1, address(second_entry), address(second_go))[0], 0);
    while (!second_pir) {
        hypercall(H_CONFER, UINT64_MAX, 0, 0, 0);
    }
    EQUAL(second_pir, 1);
    CHECK(RTAS_CALL("start-cpu", 1, 1, address(second_entry), 0)[0] != 0);
    EQUAL(hypercall(H_PROD, 1, 0, 0, 0), 0);
    do {
        EQUAL(hypercall(H_XIRR, 0, 0, 0, 0), 0);
    } while (!(hypercall_results[0] & 0xffffff));
    EQUAL(second_woken, 1);
    EQUAL(hypercall_results[0] & 0xffffff, IPI);
    while (RTAS_CALL("query-cpu-stopped-state", 2, 1)[1] != 0) {
    }
}

void guest_main(void) {
    tree();
    memory();
    services();
    areas();
    physical();
    EQUAL(hypercall(H_RANDOM, 0, 0, 0, 0), 0);
    uint64_t random = hypercall_results[0];
    hypercall(H_RANDOM, 0, 0, 0, 0);
    CHECK(random != hypercall_results[0]);
    EQUAL(hypercall(H_CAS, NOWHERE, 0, 0, 0), H_PARAMETER);
    xics();
    xive();
    second_cpu();
#ifdef PANIC
    RTAS_CALL("ibm,os-term", 1, address("no\ntea"));
#endif
    guest_exit();
}
