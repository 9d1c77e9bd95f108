/* dir: the data directory and the files in it. 0700 and 0600: what people write, and what their
 * databases are called, is nobody else's. SQLite gives its -wal and -shm files the mode of the
 * database. */
#pragma once

#include "base/err.h"
#include "base/mem.h"

/* Makes the directory when it is missing (its parent must be there) and locks it until `*lock` is
 * closed. ERR_CONFLICT when another server has it. */
MUST_CHECK enum err dir_lock(const char *dir, int *out);
/* ERR_NOT_FOUND when there is no such file. */
MUST_CHECK enum err dir_size(const char *path, int64_t *size);
/* A new, empty file in the place of whatever is there. */
MUST_CHECK enum err dir_create_file(const char *path);
/* As above, with room of its own on the disk. ERR_DISK_FULL is not logged and leaves no file. */
MUST_CHECK enum err dir_allocate_file(const char *path, int64_t size);
/* Failures are logged; a missing file is none. */
void dir_remove_file(const char *path);
/* `a` was written after `b`; both are there. */
bool dir_is_newer(const char *a, const char *b);
/* Moves a finished file to its name, durably. */
MUST_CHECK enum err dir_publish(const char *dir, const char *from, const char *to);
