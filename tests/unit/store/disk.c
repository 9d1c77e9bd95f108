/* Disks that fill up and disks that fail; and who may checkpoint. */
#include <sched.h>
#include <string.h>
#include <sys/mount.h>
#include <unistd.h>

#include <sqlite3.h>

#include "store/db.h"
#include "tests/unit/store/faults.h"
#include "tests/unit/store/world.h"

#define FILE_NAME "notebookd.sqlite"
#define BIG ((size_t)512 * 1024)
#define MEGABYTE ((int64_t)1024 * 1024)

static struct store_write *big_write(struct world *w, const struct cell *c, int64_t revision)
{
    CLEANUP(mem_free_ptr) char *data = mem_alloc(BIG);
    memset(data, 'b', BIG);
    struct output o = {.kind = OUTPUT_STDOUT, .data = data, .size = BIG};
    struct store_write *write = world_write(w);
    store_set_revision(write, revision);
    store_append_output(write, id_span(&c->id), &o);
    return write;
}

/* A book with one cell, in memory and in the file. */
static struct notebook *book_with_cell(struct world *w)
{
    struct notebook *n = world_book(w);
    struct cell *c = world_cell(n, SPAN("x"));
    struct store_write *write = world_write(w);
    store_insert_cell(write, c, SPAN_NULL);
    CHECK(world_commit(w, write) == OK);
    return n;
}

/* Commits large outputs until the disk is full; the model follows what was acknowledged. */
static void fill_up(struct world *w, struct notebook *n)
{
    CLEANUP(mem_free_ptr) char *data = mem_alloc(BIG);
    memset(data, 'b', BIG);
    enum err e = OK;
    for (int i = 0; i < 100 && e == OK; i++) {
        e = world_commit(w, big_write(w, n->cells[0], n->revision + 1));
        if (e == OK) {
            n->revision++;
            cell_add_stream(n->cells[0], OUTPUT_STDOUT, span_of(data, BIG));
        }
    }
    CHECK(e == ERR_DISK_FULL);
}

static void check_a_full_disk(struct world *w, void (*make_room)(struct world *w))
{
    struct notebook *n = book_with_cell(w);
    fill_up(w, n);
    world_check_stored(w, n); /* nothing half applied; reads work */
    CHECK(world_commit(w, big_write(w, n->cells[0], 666)) == ERR_DISK_FULL);
    world_check_stored(w, n);
    make_room(w);
    n->revision = 1000;
    cell_clear_outputs(n->cells[0]);
    struct store_write *write = world_write(w);
    store_set_revision(write, 1000);
    store_clear_outputs(write, id_span(&n->cells[0]->id));
    CHECK(world_commit(w, write) == OK); /* without a restart */
    world_check_stored(w, n);
    world_reopen(w);
    world_check_stored(w, n);
    notebook_free(n);
}

static void room_without_limit(struct world *w)
{
    faults_set_room(-1);
}

static void a_full_disk_fails_writes_and_is_forgotten(void)
{
    faults_install();
    struct world w;
    world_start(&w);
    faults_set_room(3 * MEGABYTE);
    check_a_full_disk(&w, room_without_limit);
    world_end(&w);
}

static void grow_tmpfs(struct world *w)
{
    CHECK(mount("none", w->dir, "tmpfs", MS_REMOUNT, "size=64m") == 0);
}

/* The kernel's own "no space left", where this process may mount one (in a namespace of its own);
 * the test above covers the same ground everywhere. */
static void a_full_tmpfs_fails_writes_and_is_forgotten(void)
{
    struct world w;
    world_prepare(&w);
    bool apart = unshare(CLONE_NEWNS) == 0 || unshare(CLONE_NEWUSER | CLONE_NEWNS) == 0;
    if (!apart || mount("none", "/", NULL, MS_REC | MS_PRIVATE, NULL) != 0 ||
        mount("none", w.dir, "tmpfs", 0, "size=4m") != 0) {
        fprintf(stderr, "# no tmpfs may be mounted here: a limit of the test's own instead\n");
        faults_install();
        CHECK(world_open(&w) == OK);
        faults_set_room(4 * MEGABYTE);
        check_a_full_disk(&w, room_without_limit);
        world_end(&w);
        return;
    }
    CHECK(world_open(&w) == OK);
    check_a_full_disk(&w, grow_tmpfs);
    world_close(&w);
    CHECK(umount(w.dir) == 0);
    world_end(&w);
}

/* --- a large and a small write in one transaction, on a disk with room for the small one --- */
struct pair {
    int called;
    enum err errs[2];
};

static void on_large(void *data, enum err e)
{
    struct pair *p = data;
    CHECK(p->called++ == 0);
    p->errs[0] = e;
}

static void on_small(void *data, enum err e)
{
    struct pair *p = data;
    CHECK(p->called++ == 1);
    p->errs[1] = e;
}

static void on_ignored(void *data, enum err e)
{
    CHECK(e == OK);
}

static void a_small_write_fits_where_a_large_one_does_not(void)
{
    faults_install();
    struct world w;
    world_start(&w);
    struct notebook *n = book_with_cell(&w);
    faults_slow_sync(50);
    store_commit(world_write(&w), on_ignored,
                 NULL); /* the writer is busy: the next two wait together */
    struct store_write *busy = world_write(&w);
    store_set_revision(busy, 1);
    store_commit(busy, on_ignored, NULL);
    (void)usleep(20000);
    faults_set_room(MEGABYTE / 5);
    struct pair pair = {0};
    struct store_write *small = world_write(&w);
    store_set_revision(small, 7);
    store_commit(big_write(&w, n->cells[0], 666), on_large, &pair);
    store_commit(small, on_small, &pair);
    while (pair.called < 2) {
        (void)uv_run(&w.loop, UV_RUN_ONCE);
    }
    CHECK(pair.errs[0] == ERR_DISK_FULL && pair.errs[1] == OK);
    n->revision = 7;
    world_check_stored(&w, n);
    faults_set_room(-1);
    faults_slow_sync(0);
    world_reopen(&w);
    world_check_stored(&w, n);
    notebook_free(n);
    world_end(&w);
}

/* A full disk in the middle of a transaction ends all of it, savepoints included: SQLite spills its
 * cache when a write is larger than that (2 MB). */
static void a_write_larger_than_the_cache_fails_alone_too(void)
{
    faults_install();
    struct world w;
    world_start(&w);
    struct notebook *n = book_with_cell(&w);
    int temporary = faults_temporary_files(); /* of the creation: its rollback journal */
    faults_set_room(MEGABYTE);
    struct store_write *write = world_write(&w);
    store_set_revision(write, 666);
    CLEANUP(mem_free_ptr) char *data = mem_alloc(8 * BIG);
    memset(data, 'b', 8 * BIG);
    struct output o = {.kind = OUTPUT_STDOUT, .data = data, .size = 8 * BIG};
    store_append_output(write, id_span(&n->cells[0]->id), &o);
    store_append_output(write, id_span(&n->cells[0]->id), &o);
    CHECK(world_commit(&w, write) == ERR_DISK_FULL);
    world_check_stored(&w, n);
    write = world_write(&w);
    store_set_revision(write, 7);
    CHECK(world_commit(&w, write) == OK);
    n->revision = 7;
    world_check_stored(&w, n);
    faults_set_room(-1);
    CHECK(faults_temporary_files() == temporary);
    notebook_free(n);
    world_end(&w);
}

static void after_a_failed_sync_nothing_is_acknowledged_until_a_restart(void)
{
    faults_install();
    struct world w;
    world_start(&w);
    struct notebook *n = book_with_cell(&w);
    struct store_write *write = world_write(&w);
    store_rename(write, SPAN("kept"));
    CHECK(world_commit(&w, write) == OK);
    faults_set_sync(FAULTS_SYNC_FAILS);
    write = world_write(&w);
    store_set_revision(write, 1);
    CHECK(world_commit(&w, write) == ERR_INTERNAL);
    faults_set_sync(FAULTS_SYNC_WORKS); /* the disk seems well again: it is not to be believed */
    for (int i = 0; i < 3; i++) {
        write = world_write(&w);
        store_set_revision(write, 2);
        CHECK(world_commit(&w, write) == ERR_INTERNAL);
    }
    int touched = faults_file_touched_by_writer();
    enum err e = OK;
    struct notebook *read = world_load(&w, ALICE, &e); /* reads go on */
    CHECK(e == OK && read->revision == 0);
    notebook_free(read);
    world_close(&w);
    CHECK(faults_file_touched_by_writer() == touched); /* no checkpoint from a doubtful log */
    CHECK(world_size(&w, FILE_NAME "-wal") > 0);
    CHECK(world_open(&w) == OK);
    read = world_load(&w, ALICE, &e);
    CHECK(e == OK && span_eq(span_str(read->name), SPAN("kept")));
    CHECK(read->revision == 0 || read->revision == 1); /* the one in doubt; never a later one */
    notebook_free(read);
    notebook_free(n);
    world_end(&w);
}

static void a_failed_checkpoint_loses_nothing_and_stops_writing(void)
{
    faults_install();
    struct world w;
    world_start(&w);
    struct notebook *n = book_with_cell(&w);
    faults_set_sync(FAULTS_SYNC_OF_DATABASE_FAILS);
    enum err e = OK;
    int64_t acknowledged = 0;
    for (int64_t i = 1; i < 100 && e == OK; i++) {
        e = world_commit(&w, big_write(&w, n->cells[0], i));
        acknowledged = e == OK ? i : acknowledged;
    }
    CHECK(e == ERR_INTERNAL && acknowledged > 0);
    world_close(&w);
    faults_set_sync(FAULTS_SYNC_WORKS);
    CHECK(world_open(&w) == OK);
    struct notebook *read = world_load(&w, ALICE, &e);
    CHECK(e == OK && read->revision == acknowledged);
    CHECK(read->cells[0]->outputs[0].size == (size_t)acknowledged * BIG);
    notebook_free(read);
    notebook_free(n);
    world_end(&w);
}

static void every_answer_comes_after_a_sync(void)
{
    faults_install();
    struct world w;
    world_start(&w);
    notebook_free(world_book(&w));
    for (int i = 0; i < 20; i++) {
        int before = faults_syncs();
        struct store_write *write = world_write(&w);
        store_set_revision(write, i);
        CHECK(world_commit(&w, write) == OK);
        CHECK(faults_syncs() > before);
    }
    world_end(&w);
}

/* An administrator with a shell of SQLite's, say. Readers are not in anybody's way. */
static void a_file_held_by_another_process_is_unavailable_for_a_while(void)
{
    struct world w;
    world_start(&w);
    struct notebook *n = world_book(&w);
    sqlite3 *other = NULL;
    CHECK(sqlite3_open(world_path(&w, FILE_NAME), &other) == SQLITE_OK);
    CHECK(sqlite3_exec(other, "BEGIN IMMEDIATE", NULL, NULL, NULL) == SQLITE_OK);
    struct store_write *write = world_write(&w);
    store_set_revision(write, 1);
    CHECK(world_commit(&w, write) == ERR_UNAVAILABLE);
    world_check_stored(&w, n);
    CHECK(sqlite3_exec(other, "ROLLBACK", NULL, NULL, NULL) == SQLITE_OK);
    CHECK(sqlite3_close(other) == SQLITE_OK);
    write = world_write(&w);
    store_set_revision(write, 2);
    CHECK(world_commit(&w, write) == OK);
    n->revision = 2;
    world_check_stored(&w, n);
    notebook_free(n);
    world_end(&w);
}

/* --- who checkpoints (RELIABILITY 0.1, SQLite's WAL-reset bug) --- */
static void only_the_writers_thread_touches_the_file(void)
{
    faults_install();
    struct world w;
    world_start(&w); /* creation and migration run on the opening thread, before there are others */
    struct notebook *n = book_with_cell(&w);
    int before = faults_file_touched_by_others();
    for (int i = 0; i < 20; i++) { /* 10 MB: more than one checkpoint */
        CHECK(world_commit(&w, big_write(&w, n->cells[0], i)) == OK);
        enum err e = OK;
        notebook_free(world_load(&w, ALICE, &e));
        CHECK(e == OK);
        CLEANUP(arena_free_ptr) struct arena *a = arena_new();
        struct store_head head;
        CHECK(store_find(w.store, a, BOOK, &head) == OK && head.revision == i);
    }
    CHECK(faults_file_touched_by_writer() > 0); /* the checkpoints did happen */
    CHECK(world_size(&w, FILE_NAME "-wal") < (int64_t)(20 * BIG));
    world_close(&w);
    CHECK(faults_file_touched_by_others() == before);
    notebook_free(n);
    world_end(&w);
}

/* Leaves a log that nobody has checkpointed. */
static int64_t leave_a_log(struct world *w)
{
    struct db *writer = NULL;
    CHECK(db_open(&writer, world_path(w, FILE_NAME), DB_WRITER) == OK);
    CHECK(db_begin_writing(writer) == OK);
    CHECK(db_do(writer, "UPDATE users SET created_ms = 1") == OK);
    db_stop_writing(writer);
    db_close(writer);
    int64_t size = world_size(w, FILE_NAME "-wal");
    CHECK(size > 0);
    return size;
}

static void check_reads_the_log(struct db *reader)
{
    CLEANUP(db_end) struct db_query q = db_query(reader, "SELECT created_ms FROM users");
    CHECK(db_row(&q) == OK && db_int(&q, 0) == 1);
}

static void a_reader_that_closes_last_leaves_the_log(void)
{
    faults_install();
    struct world w;
    world_start(&w);
    notebook_free(world_book(&w));
    world_close(&w);
    int64_t log = leave_a_log(&w);
    int before = faults_file_touched_by_others();
    struct db *reader = NULL;
    CHECK(db_open(&reader, world_path(&w, FILE_NAME), DB_READER) == OK);
    check_reads_the_log(reader);
    db_close(reader);
    CHECK(world_size(&w, FILE_NAME "-wal") == log);
    CHECK(faults_file_touched_by_others() == before);
    /* an ordinary connection does what ours must not: the test can see it */
    sqlite3 *plain = NULL;
    CHECK(sqlite3_open(world_path(&w, FILE_NAME), &plain) == SQLITE_OK);
    CHECK(sqlite3_exec(plain, "SELECT COUNT(*) FROM users", NULL, NULL, NULL) == SQLITE_OK);
    CHECK(sqlite3_close(plain) == SQLITE_OK);
    CHECK(world_size(&w, FILE_NAME "-wal") == -1);
    CHECK(faults_file_touched_by_others() > before);
    world_end(&w);
}

static void a_reader_cannot_write(void)
{
    struct world w;
    world_start(&w);
    notebook_free(world_book(&w));
    struct db *reader = NULL;
    CHECK(db_open(&reader, world_path(&w, FILE_NAME), DB_READER) == OK);
    CHECK(db_do(reader, "DELETE FROM users") == ERR_INTERNAL);
    CHECK(db_exec(reader, "PRAGMA wal_checkpoint(TRUNCATE)") != OK);
    db_close(reader);
    world_end(&w);
}

int main(int argc, char **argv)
{
    static const struct check_test tests[] = {
        TEST(a_full_disk_fails_writes_and_is_forgotten),
        TEST(a_full_tmpfs_fails_writes_and_is_forgotten),
        TEST(a_small_write_fits_where_a_large_one_does_not),
        TEST(a_write_larger_than_the_cache_fails_alone_too),
        TEST(after_a_failed_sync_nothing_is_acknowledged_until_a_restart),
        TEST(a_failed_checkpoint_loses_nothing_and_stops_writing),
        TEST(every_answer_comes_after_a_sync),
        TEST(a_file_held_by_another_process_is_unavailable_for_a_while),
        TEST(only_the_writers_thread_touches_the_file),
        TEST(a_reader_that_closes_last_leaves_the_log),
        TEST(a_reader_cannot_write),
    };
    return check_main(argc, argv, tests, sizeof tests / sizeof *tests);
}
