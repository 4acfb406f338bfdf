/* elf.h - what a shared object says about itself, read without loading it.
 * SPDX-License-Identifier: MIT
 * Every offset in the file is taken as a stranger's: nothing outside the image
 * is ever read. */
#ifndef TOCSIN_CHANNEL_ELF_H
#define TOCSIN_CHANNEL_ELF_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"
#include "base/span.h"

struct elf {
	struct span image;                /* borrowed: the whole file */
	uint64_t headers, header_count;   /* program headers: offset and number */
	struct span dynamic, texts;       /* its dynamic table and that table's texts */
	uint64_t symbols, gnu_hash, hash; /* addresses; 0 = absent */
};

struct elf_symbol {
	struct span bytes; /* its initial content; ptr NULL when the file has none */
	uint64_t size;
	bool is_data;
};

/* Read the headers of image, a shared object of this process's own machine.
 * Returns ERR_OK or ERR_BAD_REQUEST with why ("is no ELF file").
 * Owner  *out borrows image. Thread: any. */
MUST_CHECK enum err elf_open(struct span image, struct elf *out, struct why *why);

/* The names of the libraries it needs: start with *at = 0; false at the end. */
bool elf_needed_next(const struct elf *e, size_t *at, struct span *out_name);

/* The symbol that the object itself defines under name; false when none. */
bool elf_symbol_find(const struct elf *e, const char *name, struct elf_symbol *out);

#endif
