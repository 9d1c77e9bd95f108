#include "tests/unit/store/faults.h"

#include <pthread.h>
#include <stdatomic.h>
#include <string.h>
#include <unistd.h>

#include <sqlite3.h>

#include "tests/unit/check.h"

static atomic_llong room = -1;
static atomic_int sync_mode, syncs, slow_ms, by_writer, by_others, temporary;

void faults_set_room(int64_t bytes)
{
    atomic_store(&room, bytes);
}

static char reserve[256];
static atomic_llong reserved;

void faults_tie_reserve(const char *path, int64_t bytes)
{
    (void)snprintf(reserve, sizeof reserve, "%s", path);
    atomic_store(&reserved, bytes);
}

static void look_for_reserve(void)
{
    if (atomic_load(&reserved) != 0 && access(reserve, F_OK) != 0) {
        atomic_fetch_add(&room, atomic_exchange(&reserved, 0));
    }
}

void faults_set_sync(enum faults_sync how)
{
    atomic_store(&sync_mode, how);
}

int faults_syncs(void)
{
    return atomic_load(&syncs);
}

void faults_slow_sync(int ms)
{
    atomic_store(&slow_ms, ms);
}

int faults_file_touched_by_writer(void)
{
    return atomic_load(&by_writer);
}

int faults_file_touched_by_others(void)
{
    return atomic_load(&by_others);
}

int faults_temporary_files(void)
{
    return atomic_load(&temporary);
}

struct file {
    sqlite3_file base;
    int is_database;
    sqlite3_file *real; /* right behind this struct */
};

static sqlite3_file *real_of(sqlite3_file *f)
{
    return ((struct file *)f)->real;
}

static void note(sqlite3_file *f)
{
    char name[16] = "";
    if (((struct file *)f)->is_database) {
        (void)pthread_getname_np(pthread_self(), name, sizeof name);
        atomic_fetch_add(strcmp(name, "store-writer") == 0 ? &by_writer : &by_others, 1);
    }
}

static int file_close(sqlite3_file *f)
{
    return real_of(f)->pMethods->xClose(real_of(f));
}

static int file_read(sqlite3_file *f, void *p, int n, sqlite3_int64 at)
{
    return real_of(f)->pMethods->xRead(real_of(f), p, n, at);
}

static int has_room(sqlite3_file *f, sqlite3_int64 end)
{
    sqlite3_int64 size = 0;
    int rc = real_of(f)->pMethods->xFileSize(real_of(f), &size);
    look_for_reserve();
    if (rc != SQLITE_OK || atomic_load(&room) < 0 || end <= size) {
        return rc == SQLITE_OK;
    }
    if (atomic_load(&room) < end - size) {
        return 0;
    }
    atomic_fetch_sub(&room, end - size);
    return 1;
}

static int file_write(sqlite3_file *f, const void *p, int n, sqlite3_int64 at)
{
    note(f);
    if (!has_room(f, at + n)) {
        return SQLITE_FULL;
    }
    return real_of(f)->pMethods->xWrite(real_of(f), p, n, at);
}

static int file_truncate(sqlite3_file *f, sqlite3_int64 size)
{
    note(f);
    return real_of(f)->pMethods->xTruncate(real_of(f), size);
}

static int sync_fails(sqlite3_file *f)
{
    int how = atomic_load(&sync_mode);
    return how == FAULTS_SYNC_FAILS ||
           (how == FAULTS_SYNC_OF_DATABASE_FAILS && ((struct file *)f)->is_database);
}

static int file_sync(sqlite3_file *f, int flags)
{
    note(f);
    if (atomic_load(&slow_ms) > 0) {
        (void)usleep((useconds_t)atomic_load(&slow_ms) * 1000);
    }
    if (sync_fails(f)) {
        return SQLITE_IOERR_FSYNC;
    }
    int rc = real_of(f)->pMethods->xSync(real_of(f), flags);
    atomic_fetch_add(&syncs, rc == SQLITE_OK);
    return rc;
}

static int file_size(sqlite3_file *f, sqlite3_int64 *size)
{
    return real_of(f)->pMethods->xFileSize(real_of(f), size);
}

static int file_lock(sqlite3_file *f, int level)
{
    return real_of(f)->pMethods->xLock(real_of(f), level);
}

static int file_unlock(sqlite3_file *f, int level)
{
    return real_of(f)->pMethods->xUnlock(real_of(f), level);
}

static int file_check_lock(sqlite3_file *f, int *out)
{
    return real_of(f)->pMethods->xCheckReservedLock(real_of(f), out);
}

static int file_control(sqlite3_file *f, int op, void *arg)
{
    return real_of(f)->pMethods->xFileControl(real_of(f), op, arg);
}

static int file_sector(sqlite3_file *f)
{
    return real_of(f)->pMethods->xSectorSize(real_of(f));
}

static int file_traits(sqlite3_file *f)
{
    return real_of(f)->pMethods->xDeviceCharacteristics(real_of(f));
}

static int file_shm_map(sqlite3_file *f, int page, int size, int extend, void volatile **out)
{
    return real_of(f)->pMethods->xShmMap(real_of(f), page, size, extend, out);
}

static int file_shm_lock(sqlite3_file *f, int at, int n, int flags)
{
    return real_of(f)->pMethods->xShmLock(real_of(f), at, n, flags);
}

static void file_shm_barrier(sqlite3_file *f)
{
    real_of(f)->pMethods->xShmBarrier(real_of(f));
}

static int file_shm_unmap(sqlite3_file *f, int remove_it)
{
    return real_of(f)->pMethods->xShmUnmap(real_of(f), remove_it);
}

static const sqlite3_io_methods methods = {
    .iVersion = 2,
    .xClose = file_close,
    .xRead = file_read,
    .xWrite = file_write,
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

static int vfs_open(sqlite3_vfs *vfs, const char *path, sqlite3_file *f, int flags, int *out_flags)
{
    struct file *file = (struct file *)f;
    memset(file, 0, sizeof *file);
    file->real = (sqlite3_file *)(file + 1);
    file->is_database = (flags & SQLITE_OPEN_MAIN_DB) != 0;
    atomic_fetch_add(&temporary, (flags & (SQLITE_OPEN_MAIN_DB | SQLITE_OPEN_WAL)) == 0);
    int rc = real_vfs->xOpen(real_vfs, path, file->real, flags, out_flags);
    file->base.pMethods = file->real->pMethods == NULL ? NULL : &methods;
    return rc;
}

void faults_install(void)
{
    static sqlite3_vfs vfs;
    real_vfs = sqlite3_vfs_find(NULL);
    CHECK(real_vfs != NULL);
    vfs = *real_vfs; /* the rest of its functions find the real one's data in pAppData */
    vfs.zName = "faults";
    vfs.szOsFile = (int)sizeof(struct file) + real_vfs->szOsFile;
    vfs.xOpen = vfs_open;
    CHECK(sqlite3_vfs_register(&vfs, 1) == SQLITE_OK);
}
