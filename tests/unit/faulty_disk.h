/* faulty_disk.h - a file system around SQLite's own one whose n-th write or sync
 * fails, or all from the n-th on.
 * SPDX-License-Identifier: MIT */
#ifndef TESTS_UNIT_FAULTY_DISK_H
#define TESTS_UNIT_FAULTY_DISK_H

#include <sqlite3.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <string.h>

enum trigger { FAIL_WRITE = 1, FAIL_SYNC = 2 };

static struct {
	_Atomic unsigned what; /* trigger bits */
	_Atomic int left;      /* calls until it fails */
	_Atomic int code;
	_Atomic bool for_good;
	_Atomic int failed;
	_Atomic int reads_left; /* once something failed: so many reads until one does, too */
} fault;

struct faulty_file {
	sqlite3_file base;
	sqlite3_file *real;
};

static inline sqlite3_file *real_of(sqlite3_file *f)
{
	return ((struct faulty_file *)f)->real;
}

static inline int fault_check(enum trigger t)
{
	if ((atomic_load(&fault.what) & t) == 0)
		return SQLITE_OK;
	const int left = atomic_fetch_sub(&fault.left, 1) - 1;
	if (left > 0 || (left < 0 && !atomic_load(&fault.for_good)))
		return SQLITE_OK;
	atomic_fetch_add(&fault.failed, 1);
	return atomic_load(&fault.code);
}

static inline int file_close(sqlite3_file *f)
{
	const int rc = real_of(f)->pMethods->xClose(real_of(f));

	sqlite3_free(real_of(f));
	return rc;
}

static inline int file_pread(sqlite3_file *f, void *out, int len, sqlite3_int64 at)
{
	if (atomic_load(&fault.what) != 0 && atomic_load(&fault.failed) > 0 &&
	    atomic_fetch_sub(&fault.reads_left, 1) == 1)
		return SQLITE_IOERR_READ;
	return real_of(f)->pMethods->xRead(real_of(f), out, len, at);
}

static inline int file_pwrite(sqlite3_file *f, const void *bytes, int len, sqlite3_int64 at)
{
	const int rc = fault_check(FAIL_WRITE);

	return rc != SQLITE_OK ? rc : real_of(f)->pMethods->xWrite(real_of(f), bytes, len, at);
}

static inline int file_truncate(sqlite3_file *f, sqlite3_int64 size)
{
	return real_of(f)->pMethods->xTruncate(real_of(f), size);
}

static inline int file_sync(sqlite3_file *f, int flags)
{
	const int rc = fault_check(FAIL_SYNC);

	return rc != SQLITE_OK ? rc : real_of(f)->pMethods->xSync(real_of(f), flags);
}

static inline int file_size(sqlite3_file *f, sqlite3_int64 *out)
{
	return real_of(f)->pMethods->xFileSize(real_of(f), out);
}

static inline int file_lock(sqlite3_file *f, int level)
{
	return real_of(f)->pMethods->xLock(real_of(f), level);
}

static inline int file_unlock(sqlite3_file *f, int level)
{
	return real_of(f)->pMethods->xUnlock(real_of(f), level);
}

static inline int file_check_lock(sqlite3_file *f, int *out)
{
	return real_of(f)->pMethods->xCheckReservedLock(real_of(f), out);
}

static inline int file_control(sqlite3_file *f, int op, void *arg)
{
	return real_of(f)->pMethods->xFileControl(real_of(f), op, arg);
}

static inline int file_sector(sqlite3_file *f)
{
	return real_of(f)->pMethods->xSectorSize(real_of(f));
}

static inline int file_traits(sqlite3_file *f)
{
	return real_of(f)->pMethods->xDeviceCharacteristics(real_of(f));
}

static inline int file_shm_map(sqlite3_file *f, int page, int bytes, int extend,
			       void volatile **out)
{
	return real_of(f)->pMethods->xShmMap(real_of(f), page, bytes, extend, out);
}

static inline int file_shm_lock(sqlite3_file *f, int first, int count, int flags)
{
	return real_of(f)->pMethods->xShmLock(real_of(f), first, count, flags);
}

static inline void file_shm_barrier(sqlite3_file *f)
{
	real_of(f)->pMethods->xShmBarrier(real_of(f));
}

static inline int file_shm_unmap(sqlite3_file *f, int is_delete)
{
	return real_of(f)->pMethods->xShmUnmap(real_of(f), is_delete);
}

static const sqlite3_io_methods faulty_methods = {
	.iVersion = 2,
	.xClose = file_close,
	.xRead = file_pread,
	.xWrite = file_pwrite,
	.xTruncate = file_truncate,
	.xSync = file_sync,
	.xFileSize = file_size,
	.xLock = file_lock,
	.xUnlock = file_unlock,
	.xCheckReservedLock = file_check_lock,
	.xFileControl = file_control,
	.xSectorSize = file_sector,
	.xDeviceCharacteristics = file_traits,
	.xShmMap = file_shm_map,
	.xShmLock = file_shm_lock,
	.xShmBarrier = file_shm_barrier,
	.xShmUnmap = file_shm_unmap,
};

static sqlite3_vfs *real_vfs;

static inline int faulty_open(sqlite3_vfs *vfs, const char *name, sqlite3_file *f, int flags,
			      int *out)
{
	struct faulty_file *file = (struct faulty_file *)f;

	(void)vfs;
	file->base.pMethods = NULL;
	file->real = sqlite3_malloc(real_vfs->szOsFile);
	if (file->real == NULL)
		return SQLITE_NOMEM;
	memset(file->real, 0, (size_t)real_vfs->szOsFile);
	const int rc = real_vfs->xOpen(real_vfs, name, file->real, flags, out);
	if (rc == SQLITE_OK)
		file->base.pMethods = &faulty_methods;
	else
		sqlite3_free(file->real);
	return rc;
}

static inline int vfs_install(void **state)
{
	static sqlite3_vfs faulty;

	(void)state;
	real_vfs = sqlite3_vfs_find(NULL);
	faulty = *real_vfs;
	faulty.szOsFile = (int)sizeof(struct faulty_file);
	faulty.zName = "faulty";
	faulty.xOpen = faulty_open;
	return sqlite3_vfs_register(&faulty, 1);
}

static inline void fault_set(unsigned what, int after, int code, bool for_good)
{
	atomic_store(&fault.left, after);
	atomic_store(&fault.code, code);
	atomic_store(&fault.for_good, for_good);
	atomic_store(&fault.failed, 0);
	atomic_store(&fault.reads_left, 0);
	atomic_store(&fault.what, what);
}

static inline void fault_clear(void)
{
	atomic_store(&fault.what, 0);
}

/* TSan sees SQLite's mutexes only when they are let go through our functions. */
#ifdef __SANITIZE_THREAD__
enum { IS_SKIPPED = 77 };
#else
enum { IS_SKIPPED = 0 };
#endif

#endif
