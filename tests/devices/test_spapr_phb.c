/* SPDX-License-Identifier: MIT */
/* test_spapr_phb.c - the host bridge of a partition: translations, interrupt sources, addresses as firmware gives them. */
#include "devices/spapr.h"
#include "devices/virtio.h"
#include "tests/devices/poke.h"

typedef struct Phb {
    Poke p;
    Device *function, *behind; /* in slot 1 */
    PciDevice *pci;
} Phb;

static void phb_new(Phb *t) {
    poke_new(&t->p, &device_spapr_phb, NULL);
    DeviceEnv env = { t->p.bus, t->p.clk, &t->p.log };
    VirtioPciConfig c = { .vectors = PCI_VECTORS, .iommu = true };
    t->function = device_new(&device_virtio_rng_pci, "rng", &env, &c, NULL);
    t->behind = device_new(&device_virtio_rng, "rng.virtio", &env, NULL, NULL);
    t->pci = (PciDevice *)t->function;
    ck_assert(pci_plug(t->p.d, t->function));
    ck_assert(device_virtio_rng_pci.attach(t->function, t->behind, NULL));
}

static void phb_free(Phb *t) {
    device_free(t->behind);
    device_free(t->function);
    poke_free(&t->p);
}

static void master(Phb *t) {
    pci_config_write((PciHost *)t->p.d, 0, PCI_DEVFN(1, 0), PCI_COMMAND, 2, PCI_COMMAND_MASTER | PCI_COMMAND_MEMORY);
}

static bool reach(Phb *t, uint64_t address, bool write, uint64_t *gpa) {
    uint64_t left = 0;
    bool ok = pci_translate(t->function, address, write, gpa, &left);
    ck_assert(!ok || left == SPAPR_TCE_PAGE - address % SPAPR_TCE_PAGE);
    return ok;
}

START_TEST(test_tces) {
    Phb t;
    uint64_t gpa, tce;
    phb_new(&t);
    ck_assert(spapr_phb_put_tce(t.p.d, 5, (POKE_RAM + 0x3000) | SPAPR_TCE_READ));
    ck_assert(!reach(&t, 0x5008, false, &gpa)); /* not master */
    master(&t);
    ck_assert(reach(&t, 0x5008, false, &gpa) && gpa == POKE_RAM + 0x3008);
    ck_assert(!reach(&t, 0x5008, true, &gpa));
    ck_assert(!reach(&t, 0x4fff, false, &gpa) && !reach(&t, 0x6000, false, &gpa));
    ck_assert(spapr_phb_put_tce(t.p.d, 5, (POKE_RAM + 0x3000) | SPAPR_TCE_WRITE));
    ck_assert(!reach(&t, 0x5008, false, &gpa) && reach(&t, 0x5008, true, &gpa));
    ck_assert(spapr_phb_get_tce(t.p.d, 5, &tce) && tce == ((POKE_RAM + 0x3000) | SPAPR_TCE_WRITE));
    ck_assert(!spapr_phb_put_tce(t.p.d, 5, POKE_BASE | SPAPR_TCE_READ)); /* a device, not memory */
    ck_assert(!spapr_phb_put_tce(t.p.d, 5, UINT64_MAX));
    ck_assert(spapr_phb_get_tce(t.p.d, 5, &tce) && tce == ((POKE_RAM + 0x3000) | SPAPR_TCE_WRITE));
    ck_assert(spapr_phb_put_tce(t.p.d, 5, POKE_BASE)); /* which maps nothing */
    ck_assert(!reach(&t, 0x5008, true, &gpa));
    ck_assert(spapr_phb_put_tce(t.p.d, SPAPR_TCES - 1, POKE_RAM | SPAPR_TCE_READ));
    ck_assert(!spapr_phb_put_tce(t.p.d, SPAPR_TCES, POKE_RAM | SPAPR_TCE_READ));
    ck_assert(!spapr_phb_put_tce(t.p.d, UINT64_MAX, 0) && !spapr_phb_get_tce(t.p.d, SPAPR_TCES, &tce));
    ck_assert(!reach(&t, (uint64_t)SPAPR_TCES * SPAPR_TCE_PAGE, false, &gpa) && !reach(&t, UINT64_MAX, false, &gpa));
    device_reset(t.p.d);
    ck_assert(!reach(&t, (SPAPR_TCES - 1) * (uint64_t)SPAPR_TCE_PAGE, false, &gpa));
    phb_free(&t);
}
END_TEST

START_TEST(test_sources) {
    enum { ALL = SPAPR_IRQ_END - SPAPR_IRQ_MSI };
    Phb t;
    unsigned first;
    phb_new(&t);
    ck_assert_uint_eq(spapr_phb_irqs(t.p.d, 8, &first), 0);
    ck_assert_uint_eq(spapr_phb_take_irqs(t.p.d, 8, 4), 4);
    ck_assert_uint_eq(spapr_phb_take_irqs(t.p.d, 16, 3), 3);
    ck_assert(spapr_phb_irqs(t.p.d, 8, &first) == 4 && first == SPAPR_IRQ_MSI);
    ck_assert(spapr_phb_irqs(t.p.d, 16, &first) == 3 && first == SPAPR_IRQ_MSI + 4);
    ck_assert_uint_eq(spapr_phb_take_irqs(t.p.d, 24, ALL), ALL - 7); /* as many as are left */
    ck_assert_uint_eq(spapr_phb_take_irqs(t.p.d, 32, 1), 0);
    ck_assert_uint_eq(spapr_phb_take_irqs(t.p.d, 8, 0), 0);
    ck_assert_uint_eq(spapr_phb_take_irqs(t.p.d, 32, 6), 4);
    device_reset(t.p.d);
    ck_assert_uint_eq(spapr_phb_irqs(t.p.d, 16, &first), 0);
    phb_free(&t);
}
END_TEST

START_TEST(test_addresses) {
    Phb t;
    phb_new(&t);
    pci_assign((PciHost *)t.p.d);
    for (unsigned round = 0; round < 2; round++) {
        uint64_t at = pci_bar_address(t.pci, 4);
        ck_assert(pci_bar_address(t.pci, 0) == 0x1000 && pci_bar_address(t.pci, 1) == SPAPR_PHB_MEMORY);
        ck_assert_uint_eq(at, SPAPR_PHB_HIGH);
        ck_assert_uint_eq(peek_at(&t.p, POKE_BASE + 2 * POKE_BANK + 0x18, 2, 0), 0xffff); /* not switched on */
        master(&t);
        ck_assert_uint_eq(peek_at(&t.p, POKE_BASE + 2 * POKE_BANK + 0x18, 2, 0), 64);
        ck_assert_uint_eq(peek_at(&t.p, POKE_BASE + POKE_BANK + 12, 4, 0), 1); /* the first vector is masked */
        device_reset(t.function); /* and after a reset again */
    }
    phb_free(&t);
}
END_TEST

POKE_MAIN("spapr_phb", test_tces, test_sources, test_addresses)
