/* SPDX-License-Identifier: MIT */
/*
 * image.c - files with code in them: reading, unpacking, and telling what they are.
 * Spec: Linux Documentation/arm64/booting.rst (header of an Image); System V ABI, ELF-64 object file format; RFC 1952.
 * Missing: EFI zboot images, uImage, compression other than gzip; big-endian arm64 Images.
 */
#include "machines/image.h"

#include <elf.h>
#include <errno.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <zlib.h>

#include "machines/names.h"

enum {
    IMAGE_HEADER = 64,
    IMAGE_MAGIC_AT = 56,
    IMAGE_FLAG_BIG = 1,            /* flags bit 0 */
    IMAGE_OLD_TEXT_OFFSET = 0x80000, /* to be assumed where image_size is 0, that is before Linux 3.17 */
    GUNZIP_STEP = 1 << 20,
};

static uint32_t le32(const uint8_t *p) {
    return p[0] | p[1] << 8 | p[2] << 16 | (uint32_t)p[3] << 24;
}

const ImageFormat image_aarch64 = {
    .elf_machine = EM_AARCH64, .arm64_image = true, .runs = "little-endian AArch64 code",
    .wanted = "an arm64 Linux Image or an AArch64 ELF executable",
};
const ImageFormat image_ppc64 = {
    .elf_machine = EM_PPC64, .elf_big = true, .runs = "64-bit PowerPC code", .wanted = "a 64-bit PowerPC ELF executable",
};

static uint64_t le64(const uint8_t *p) {
    return le32(p) | (uint64_t)le32(p + 4) << 32;
}

/* -- what a file is -- */

static const struct { uint16_t machine; const char *text; } elf_machines[] = {
    { EM_386, "an ELF file for x86 (32-bit)" },
    { EM_X86_64, "an ELF file for x86-64" },
    { EM_ARM, "an ELF file for 32-bit Arm" },
    { EM_AARCH64, "an ELF file for AArch64" },
    { EM_PPC, "an ELF file for PowerPC (32-bit)" },
    { EM_PPC64, "an ELF file for PowerPC (64-bit)" },
    { EM_RISCV, "an ELF file for RISC-V" },
    { EM_MIPS, "an ELF file for MIPS" },
    { EM_S390, "an ELF file for S/390" },
    { EM_SPARCV9, "an ELF file for SPARC (64-bit)" },
    { EM_SPARC, "an ELF file for SPARC" },
    { EM_68K, "an ELF file for m68k" },
    { EM_PARISC, "an ELF file for PA-RISC" },
    { EM_ALPHA, "an ELF file for Alpha" },
    { EM_SH, "an ELF file for SuperH" },
    { 258, "an ELF file for LoongArch" },
};

/* Bytes at an offset that tell a format; later rows are looked at only when no earlier one matches. */
static const struct { size_t at; const char *magic; size_t length; const char *text; } magics[] = {
    { 0, "\x1f\x8b", 2, "a gzip file" },
    { 0, "\xfd" "7zXZ", 5, "an xz file" },
    { 0, "\x28\xb5\x2f\xfd", 4, "a zstd file" },
    { 0, "BZh", 3, "a bzip2 file" },
    { 0, "\x02\x21\x4c\x18", 4, "an lz4 file" },
    { 0, "\x04\x22\x4d\x18", 4, "an lz4 file" },
    { 0, "\x89LZO", 4, "an lzo file" },
    { 0, "\x5d\x00\x00", 3, "an lzma file" },
    { 0, "\xd0\x0d\xfe\xed", 4, "a device tree blob (to be given with -dtb)" },
    { 0, "070701", 6, "a cpio archive (to be given with -initrd)" },
    { 0, "\x27\x05\x19\x56", 4, "a U-Boot uImage" },
    { 0, "QFI\xfb", 4, "a qcow2 disk image" },
    { 4, "zimg", 4, "an EFI zboot image, which has to be unpacked first" },
    { IMAGE_MAGIC_AT, "ARM\x64", 4, "an arm64 Linux Image" },
    { 0x202, "HdrS", 4, "a Linux kernel for x86 (bzImage)" },
    { 0x24, "\x18\x28\x6f\x01", 4, "a Linux kernel for 32-bit Arm (zImage)" },
    { 0x30, "RISCV", 5, "a Linux kernel for RISC-V" },
    { 0x8001, "CD001", 5, "a CD image (ISO 9660)" },
    { 0, "MZ", 2, "a DOS, Windows or EFI program" },
    { 0x1fe, "\x55\xaa", 2, "a disk image with a boot sector" },
};

static const char *sniff_elf(const uint8_t *data, size_t size) {
    if (size < EI_NIDENT + 4) {
        return "a cut-off ELF file";
    }
    unsigned machine = data[EI_DATA] == ELFDATA2MSB ? data[18] << 8 | data[19] : data[18] | data[19] << 8;
    for (size_t i = 0; i < G_N_ELEMENTS(elf_machines); i++) {
        if (elf_machines[i].machine == machine) {
            return elf_machines[i].text;
        }
    }
    return "an ELF file for a machine that is not known here";
}

static bool is_text(const uint8_t *data, size_t size) {
    size_t n = MIN(size, 512);
    for (size_t i = 0; i < n; i++) {
        bool text = (data[i] >= 32 && data[i] != 127) || data[i] == '\n' || data[i] == '\r' || data[i] == '\t';
        if (!text) {
            return false;
        }
    }
    /* The cut may have split the last character. */
    const char *end;
    return g_utf8_validate((const char *)data, (gssize)n, &end) || (size_t)(end - (const char *)data) + 4 > n;
}

const char *image_sniff(const uint8_t *data, size_t size) {
    if (size >= SELFMAG && memcmp(data, ELFMAG, SELFMAG) == 0) {
        return sniff_elf(data, size);
    }
    for (size_t i = 0; i < G_N_ELEMENTS(magics); i++) {
        if (size >= magics[i].at + magics[i].length && memcmp(data + magics[i].at, magics[i].magic, magics[i].length) == 0) {
            return magics[i].text;
        }
    }
    return is_text(data, size) ? "a text file" : NULL;
}

/* -- reading -- */

Image *image_open(const char *what, const char *path, GError **error) {
    struct stat st;
    const char *wrong = NULL;
    if (stat(path, &st) != 0) {
        g_set_error(error, YADO_ERROR, errno == ENOENT || errno == ENOTDIR ? YADO_ERROR_IMAGE : YADO_ERROR_HOST,
                    "cannot open %s '%s': %s", what, path, g_strerror(errno));
        return NULL;
    }
    if (S_ISDIR(st.st_mode)) {
        wrong = "a directory";
    } else if (!S_ISREG(st.st_mode)) {
        wrong = "not a regular file";
    } else if (st.st_size == 0) {
        wrong = "empty";
    }
    if (wrong) {
        g_set_error(error, YADO_ERROR, YADO_ERROR_IMAGE, "%s '%s' is %s", what, path, wrong);
        return NULL;
    }
    g_autoptr(GError) why = NULL;
    GMappedFile *file = g_mapped_file_new(path, FALSE, &why);
    if (!file) {
        g_set_error(error, YADO_ERROR, YADO_ERROR_HOST, "cannot read %s '%s': %s", what, path, why->message);
        return NULL;
    }
    Image *image = g_new0(Image, 1);
    image->path = g_strdup(path);
    image->is = "is";
    image->bytes = g_mapped_file_get_bytes(file);
    image->mapped = true;
    g_mapped_file_unref(file);
    return image;
}

void image_rest(const Image *image) {
    size_t size;
    const void *data = g_bytes_get_data(image->bytes, &size);
    if (image->mapped) {
        madvise((void *)(uintptr_t)data, size, MADV_DONTNEED);
    }
}

void image_free(Image *image) {
    g_bytes_unref(image->bytes);
    g_free(image->path);
    g_free(image);
}

/* Unpacks one gzip member after the other; NULL: damaged, or more than limit (then *large). */
static GByteArray *inflate_all(const uint8_t *data, size_t size, uint64_t limit, bool *large) {
    g_autoptr(GByteArray) out = g_byte_array_new();
    z_stream z = { .next_in = (Bytef *)data, .avail_in = (uInt)MIN(size, UINT_MAX) };
    if (inflateInit2(&z, 15 + 16) != Z_OK) {
        return NULL;
    }
    int r = Z_OK;
    while (r == Z_OK && !*large) {
        guint at = out->len;
        g_byte_array_set_size(out, at + GUNZIP_STEP);
        z.next_out = out->data + at;
        z.avail_out = GUNZIP_STEP;
        r = inflate(&z, Z_NO_FLUSH);
        g_byte_array_set_size(out, at + GUNZIP_STEP - z.avail_out);
        *large = out->len > limit || out->len > G_MAXINT32 - GUNZIP_STEP;
        if (r == Z_OK && z.avail_in == 0 && z.avail_out != 0) {
            r = Z_BUF_ERROR; /* cut off */
        }
    }
    inflateEnd(&z);
    return r == Z_STREAM_END && !*large ? g_steal_pointer(&out) : NULL;
}

bool image_gunzip(Image *image, uint64_t limit, GError **error) {
    size_t size;
    const uint8_t *data = g_bytes_get_data(image->bytes, &size);
    if (size < 2 || data[0] != 0x1f || data[1] != 0x8b) {
        return true;
    }
    bool large = false;
    GByteArray *out = inflate_all(data, size, limit, &large);
    if (!out) {
        g_autofree char *room = value_size_text(limit);
        g_set_error(error, YADO_ERROR, YADO_ERROR_IMAGE, "kernel '%s' is a gzip file %s%s%s", image->path,
                    large ? "with more in it than the memory of " : "that is damaged or cut off", large ? room : "",
                    large ? " holds" : "");
        return false;
    }
    g_bytes_unref(image->bytes);
    image->bytes = g_byte_array_free_to_bytes(out);
    image->mapped = false;
    image->is = "is a gzip file of";
    if (g_bytes_get_size(image->bytes) == 0) {
        g_set_error(error, YADO_ERROR, YADO_ERROR_IMAGE, "kernel '%s' is a gzip file with nothing in it", image->path);
        return false;
    }
    return true;
}

/* -- arm64 Image -- */

static bool linux_code(const Image *image, const uint8_t *data, size_t size, ImageCode *code, GError **error) {
    uint64_t text_offset = le64(data + 8), image_size = le64(data + 16), flags = le64(data + 24);
    if (flags & IMAGE_FLAG_BIG) {
        g_set_error(error, YADO_ERROR, YADO_ERROR_IMAGE, "kernel '%s' is big-endian; only little-endian ones can be started",
                    image->path);
        return false;
    }
    if (image_size == 0) {
        text_offset = IMAGE_OLD_TEXT_OFFSET;
    }
    ImageSegment segment = { text_offset, data, size, MAX(image_size, size) };
    g_array_append_val(code->segments, segment);
    code->entry = text_offset;
    code->relative = true;
    return true;
}

/* -- ELF -- */

static bool elf_refuse(const Image *image, const char *why, GError **error) {
    g_set_error(error, YADO_ERROR, YADO_ERROR_IMAGE, "kernel '%s' %s %s", image->path, image->is, why);
    return false;
}

/* A number of the file, which is of either byte order. */
static uint64_t elf_number(const uint8_t *p, unsigned size, bool big) {
    uint64_t v = 0;
    for (unsigned i = 0; i < size; i++) {
        v |= (uint64_t)p[i] << 8 * (big ? size - 1 - i : i);
    }
    return v;
}
#define ELF(Struct, bytes, field, big) \
    elf_number((bytes) + offsetof(Struct, field), sizeof(((Struct *)0)->field), big)

static bool elf_segment(const uint8_t *data, size_t size, const uint8_t *ph, bool big, ImageCode *code, uint64_t entry,
                        bool *entered) {
    uint64_t offset = ELF(Elf64_Phdr, ph, p_offset, big), address = ELF(Elf64_Phdr, ph, p_vaddr, big);
    uint64_t file_size = ELF(Elf64_Phdr, ph, p_filesz, big), memory_size = ELF(Elf64_Phdr, ph, p_memsz, big);
    if (ELF(Elf64_Phdr, ph, p_type, big) != PT_LOAD || memory_size == 0) {
        return true;
    }
    if (offset > size || file_size > size - offset || file_size > memory_size) {
        return false;
    }
    ImageSegment segment = { ELF(Elf64_Phdr, ph, p_paddr, big), data + offset, file_size, memory_size };
    g_array_append_val(code->segments, segment);
    if (entry - address < memory_size) {
        code->entry = entry - address + segment.gpa;
        *entered = true;
    }
    return true;
}

static bool elf_segments(const Image *image, const uint8_t *data, size_t size, bool big, ImageCode *code, GError **error) {
    uint64_t at = ELF(Elf64_Ehdr, data, e_phoff, big), count = ELF(Elf64_Ehdr, data, e_phnum, big);
    uint64_t entry = ELF(Elf64_Ehdr, data, e_entry, big);
    if (ELF(Elf64_Ehdr, data, e_phentsize, big) != sizeof(Elf64_Phdr) || at > size ||
        count > (size - at) / sizeof(Elf64_Phdr)) {
        return elf_refuse(image, "an ELF file that is cut off or damaged: its program headers lie outside it", error);
    }
    bool entered = false;
    for (uint64_t i = 0; i < count; i++) {
        if (!elf_segment(data, size, data + at + i * sizeof(Elf64_Phdr), big, code, entry, &entered)) {
            return elf_refuse(image, "an ELF file that is cut off or damaged: a segment lies outside it", error);
        }
    }
    return entered || elf_refuse(image, "an ELF file whose entry point lies in none of its segments", error);
}

static bool elf_code(const Image *image, const ImageFormat *format, const uint8_t *data, size_t size, ImageCode *code,
                     GError **error) {
    bool big = size > EI_DATA && data[EI_DATA] == ELFDATA2MSB;
    bool ours = size >= sizeof(Elf64_Ehdr) && data[EI_CLASS] == ELFCLASS64 && (big ? format->elf_big : data[EI_DATA] == ELFDATA2LSB) &&
                ELF(Elf64_Ehdr, data, e_machine, big) == format->elf_machine;
    if (!ours) {
        g_autofree char *why = g_strdup_printf("%s; this machine runs %s", image_sniff(data, size), format->runs);
        return elf_refuse(image, why, error);
    }
    if (ELF(Elf64_Ehdr, data, e_type, big) != ET_EXEC) {
        return elf_refuse(image, "an ELF file that is not an executable at fixed addresses (ET_EXEC)", error);
    }
    code->big = big;
    return elf_segments(image, data, size, big, code, error);
}

bool image_code(const Image *image, const ImageFormat *format, ImageCode *code, GError **error) {
    size_t size;
    const uint8_t *data = g_bytes_get_data(image->bytes, &size);
    if (size >= SELFMAG && memcmp(data, ELFMAG, SELFMAG) == 0) {
        return elf_code(image, format, data, size, code, error);
    }
    if (format->arm64_image && size >= IMAGE_HEADER && memcmp(data + IMAGE_MAGIC_AT, "ARM\x64", 4) == 0 && memcmp(data + 4, "zimg", 4) != 0) {
        return linux_code(image, data, size, code, error);
    }
    const char *what = image_sniff(data, size);
    if (what || !format->arm64_image) {
        g_set_error(error, YADO_ERROR, YADO_ERROR_IMAGE, "kernel '%s' %s %s, not %s", image->path, image->is,
                    what ? what : "something unknown", format->wanted);
    } else {
        g_set_error(error, YADO_ERROR, YADO_ERROR_IMAGE,
                    "kernel '%s' %s something other than an arm64 Linux Image: it lacks the magic number \"ARM\\x64\" at "
                    "offset %d",
                    image->path, image->is, IMAGE_MAGIC_AT);
    }
    return false;
}
