/* elf.c - reads a shared object's own tables from its bytes.
 * Not here: what a plugin must look like (plugin.c), loading it.
 * Any thread; reads no file but the program's own header.
 * SPDX-License-Identifier: MIT */
#include "channel/elf.h"

#include <elf.h>
#include <fcntl.h>
#include <link.h>
#include <unistd.h>

/* Copy an object out of the image: it need not be aligned there. */
static bool image_read(struct span image, uint64_t offset, void *out, size_t bytes)
{
	if (offset > image.len || bytes > image.len - offset)
		return false;
	memcpy(out, image.ptr + offset, bytes);
	return true;
}

/* The bytes of the file that will be at this address, to the end of their
 * segment; absent when the file has none there. */
static struct span address_view(const struct elf *e, uint64_t address)
{
	for (uint64_t i = 0; i < e->header_count; i++) {
		ElfW(Phdr) ph;

		if (!image_read(e->image, e->headers + i * sizeof(ph), &ph, sizeof(ph)))
			break;
		if (ph.p_type != PT_LOAD || address < ph.p_vaddr ||
		    address - ph.p_vaddr >= ph.p_filesz)
			continue;
		const uint64_t skip = address - ph.p_vaddr;

		if (ph.p_offset > e->image.len || ph.p_filesz > e->image.len - ph.p_offset)
			break;
		return (struct span){ e->image.ptr + ph.p_offset + skip, ph.p_filesz - skip };
	}
	return (struct span){ NULL, 0 };
}

/* The NUL-terminated text at offset of the object's text table. */
static struct span text_view(const struct elf *e, uint64_t offset)
{
	if (offset >= e->texts.len)
		return (struct span){ NULL, 0 };
	const char *start = e->texts.ptr + offset;
	const char *end = memchr(start, '\0', e->texts.len - offset);

	if (end == NULL)
		return (struct span){ NULL, 0 };
	return (struct span){ start, (size_t)(end - start) };
}

/* Our own machine is what our own file says, so no list of machines is kept. */
static bool own_header_read(ElfW(Ehdr) * out)
{
	const int fd = open("/proc/self/exe", O_RDONLY | O_CLOEXEC);

	if (fd < 0)
		return false;
	const bool ok = pread(fd, out, sizeof(*out), 0) == (ssize_t)sizeof(*out);

	close(fd);
	return ok;
}

static enum err header_check(struct span image, ElfW(Ehdr) * header, struct why *why)
{
	ElfW(Ehdr) own;

	if (!image_read(image, 0, header, sizeof(*header)) ||
	    memcmp(header->e_ident, ELFMAG, SELFMAG) != 0) {
		why_set(why, "is no ELF file");
		return ERR_BAD_REQUEST;
	}
	if (!own_header_read(&own)) {
		why_set(why, "cannot be compared with this program: /proc/self/exe is unreadable");
		return ERR_BAD_REQUEST;
	}
	if (header->e_ident[EI_CLASS] != own.e_ident[EI_CLASS] ||
	    header->e_ident[EI_DATA] != own.e_ident[EI_DATA] ||
	    header->e_machine != own.e_machine) {
		why_set(why, "is built for another machine (ELF machine %u, this program is %u)",
			(unsigned)header->e_machine, (unsigned)own.e_machine);
		return ERR_BAD_REQUEST;
	}
	if (header->e_type != ET_DYN || header->e_phentsize != sizeof(ElfW(Phdr))) {
		why_set(why, "is no shared object (build it with -shared)");
		return ERR_BAD_REQUEST;
	}
	return ERR_OK;
}

static bool dynamic_find(struct elf *e)
{
	for (uint64_t i = 0; i < e->header_count; i++) {
		ElfW(Phdr) ph;

		if (!image_read(e->image, e->headers + i * sizeof(ph), &ph, sizeof(ph)))
			return false;
		if (ph.p_type != PT_DYNAMIC)
			continue;
		if (ph.p_offset > e->image.len || ph.p_filesz > e->image.len - ph.p_offset)
			return false;
		e->dynamic = (struct span){ e->image.ptr + ph.p_offset, ph.p_filesz };
		return true;
	}
	return false;
}

/* The n-th entry of the dynamic table; false at its end. */
static bool dynamic_get(const struct elf *e, size_t n, ElfW(Dyn) * out)
{
	if (n >= e->dynamic.len / sizeof(*out))
		return false;
	memcpy(out, e->dynamic.ptr + n * sizeof(*out), sizeof(*out));
	return out->d_tag != DT_NULL;
}

static bool dynamic_read(struct elf *e)
{
	uint64_t texts = 0, texts_bytes = 0;
	ElfW(Dyn) dyn;

	for (size_t n = 0; dynamic_get(e, n, &dyn); n++) {
		switch (dyn.d_tag) {
		case DT_STRTAB: texts = dyn.d_un.d_ptr; break;
		case DT_STRSZ: texts_bytes = dyn.d_un.d_val; break;
		case DT_SYMTAB: e->symbols = dyn.d_un.d_ptr; break;
		case DT_GNU_HASH: e->gnu_hash = dyn.d_un.d_ptr; break;
		case DT_HASH: e->hash = dyn.d_un.d_ptr; break;
		default: /* tags are an open set */ break;
		}
	}
	e->texts = address_view(e, texts);
	if (e->texts.ptr == NULL || texts_bytes > e->texts.len)
		return false;
	e->texts.len = texts_bytes;
	return e->symbols != 0;
}

enum err elf_open(struct span image, struct elf *out, struct why *why)
{
	ElfW(Ehdr) header;
	const enum err rc = header_check(image, &header, why);

	if (rc != ERR_OK)
		return rc;
	struct elf e = { .image = image,
			 .headers = header.e_phoff,
			 .header_count = header.e_phnum };

	/* Past the end of the file the sum below could wrap. */
	if (e.headers > image.len || !dynamic_find(&e) || !dynamic_read(&e)) {
		why_set(why, "is a damaged or stripped ELF file: it has no readable dynamic table");
		return ERR_BAD_REQUEST;
	}
	*out = e;
	return ERR_OK;
}

bool elf_needed_next(const struct elf *e, size_t *at, struct span *out_name)
{
	ElfW(Dyn) dyn;

	while (dynamic_get(e, *at, &dyn)) {
		(*at)++;
		if (dyn.d_tag != DT_NEEDED)
			continue;
		*out_name = text_view(e, dyn.d_un.d_val);
		if (out_name->ptr != NULL)
			return true;
	}
	return false;
}

/* Is the symbol with this index defined here and called name? */
static bool symbol_match(const struct elf *e, uint64_t index, const char *name, ElfW(Sym) * out)
{
	const struct span table = address_view(e, e->symbols);

	if (table.ptr == NULL || index >= table.len / sizeof(*out))
		return false;
	memcpy(out, table.ptr + index * sizeof(*out), sizeof(*out));
	if (out->st_shndx == SHN_UNDEF || !span_is(text_view(e, out->st_name), name))
		return false;
	/* The binding is in the same place for both classes. */
	const unsigned binding = ELF64_ST_BIND(out->st_info);

	return binding == STB_GLOBAL || binding == STB_WEAK;
}

static uint32_t gnu_hash_of(const char *name)
{
	uint32_t h = 5381;

	for (; *name != '\0'; name++)
		h = h * 33 + (unsigned char)*name;
	return h;
}

static bool word_read(struct span table, uint64_t index, uint32_t *out)
{
	return index < table.len / sizeof(*out) &&
	       image_read(table, index * sizeof(*out), out, sizeof(*out));
}

/* Look name up as the dynamic linker will. Words: buckets, first hashed
 * symbol, bloom words, bloom shift; the bloom filter; buckets; chains. */
static bool gnu_hash_find(const struct elf *e, const char *name, ElfW(Sym) * out)
{
	const struct span table = address_view(e, e->gnu_hash);
	const uint32_t wanted = gnu_hash_of(name);
	uint32_t buckets = 0, first = 0, bloom = 0, index = 0, h = 0;

	if (!word_read(table, 0, &buckets) || !word_read(table, 1, &first) ||
	    !word_read(table, 2, &bloom) || buckets == 0)
		return false;
	const uint64_t bucket_at = 4 + (uint64_t)bloom * (sizeof(ElfW(Addr)) / sizeof(uint32_t));

	if (!word_read(table, bucket_at + wanted % buckets, &index) || index < first)
		return false;
	for (;; index++) {
		if (!word_read(table, bucket_at + buckets + (index - first), &h))
			return false;
		if ((h | 1) == (wanted | 1) && symbol_match(e, index, name, out))
			return true;
		if ((h & 1) != 0) /* the last of its chain */
			return false;
	}
}

/* The older table names the number of symbols: walk them all. */
static bool hash_find(const struct elf *e, const char *name, ElfW(Sym) * out)
{
	const struct span table = address_view(e, e->hash);
	uint32_t count = 0;

	if (!word_read(table, 1, &count))
		return false;
	for (uint32_t i = 0; i < count && i < table.len; i++) {
		if (symbol_match(e, i, name, out))
			return true;
	}
	return false;
}

bool elf_symbol_find(const struct elf *e, const char *name, struct elf_symbol *out)
{
	ElfW(Sym) symbol;
	bool found = false;

	if (e->gnu_hash != 0)
		found = gnu_hash_find(e, name, &symbol);
	else if (e->hash != 0)
		found = hash_find(e, name, &symbol);
	if (!found)
		return false;
	const unsigned type = ELF64_ST_TYPE(symbol.st_info);

	out->bytes = address_view(e, symbol.st_value);
	out->size = symbol.st_size;
	out->is_data = type == STT_OBJECT || type == STT_NOTYPE;
	return true;
}
