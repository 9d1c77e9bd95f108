/* faults: a disk that does as told. A layer under SQLite (a VFS) that passes everything to the real
 * one, and: is full after so many bytes, fails its sync, is slow, and remembers which threads wrote
 * the database file itself. */
#pragma once

#include <stdint.h>

/* For this process, before the store opens. */
void faults_install(void);
/* Files may grow by so many bytes more; negative: without limit. */
void faults_set_room(int64_t bytes);
/* There is so much more room once this file is gone. */
void faults_tie_reserve(const char *path, int64_t bytes);
enum faults_sync { FAULTS_SYNC_WORKS, FAULTS_SYNC_FAILS, FAULTS_SYNC_OF_DATABASE_FAILS };
/* With an input/output error. The last is a checkpoint that fails; commits sync the log only. */
void faults_set_sync(enum faults_sync how);
/* So far, that worked. */
int faults_syncs(void);
void faults_slow_sync(int ms);
/* Writes, truncations and syncs of the database file (not its log), that is checkpoints, by the
 * thread "store-writer" and by all others. */
int faults_file_touched_by_writer(void);
int faults_file_touched_by_others(void);
/* Files opened besides the database and its logs. */
int faults_temporary_files(void);
