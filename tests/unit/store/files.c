/* The file: opened, refused, locked; never replaced. */
#include <dirent.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <sqlite3.h>

#include "store/migrate.h"
#include "tests/unit/store/world.h"

#define FILE_NAME "notebookd.sqlite"

/* A closed store with a book in it. */
static void prepare_with_book(struct world *w)
{
    world_start(w);
    notebook_free(world_book(w));
    world_close(w);
}

struct bytes {
    char *p;
    size_t n;
};

static struct bytes read_all(const struct world *w, const char *name)
{
    int64_t size = world_size(w, name);
    CHECK(size >= 0);
    struct bytes b = {mem_alloc((size_t)size), (size_t)size};
    int fd = open(world_path(w, name), O_RDONLY);
    CHECK(fd >= 0 && read(fd, b.p, b.n) == (ssize_t)b.n && close(fd) == 0);
    return b;
}

static void write_at(const struct world *w, off_t at, const char *p, size_t n)
{
    int fd = open(world_path(w, FILE_NAME), O_RDWR);
    CHECK(fd >= 0 && pwrite(fd, p, n, at) == (ssize_t)n && close(fd) == 0);
}

static void check_refused_and_untouched(struct world *w)
{
    struct bytes before = read_all(w, FILE_NAME);
    CHECK(world_open(w) == ERR_INVALID);
    CHECK(w->store == NULL);
    struct bytes after = read_all(w, FILE_NAME);
    CHECK(before.n == after.n && memcmp(before.p, after.p, after.n) == 0);
    mem_free(before.p);
    mem_free(after.p);
}

static void a_second_server_is_refused(void)
{
    struct world w;
    world_start(&w);
    struct world second = w;
    CHECK(world_open(&second) == ERR_CONFLICT);
    notebook_free(world_book(&w)); /* the first is not disturbed */
    world_close(&w);
    CHECK(world_open(&w) == OK); /* and the lock ends with it */
    world_end(&w);
}

static void only_the_owner_may_look(void)
{
    struct world w;
    world_prepare(&w);
    (void)umask(0);
    CHECK(rmdir(w.dir) == 0);
    CHECK(world_open(&w) == OK);
    notebook_free(world_book(&w));
    static const char *const names[] = {"lock", FILE_NAME, FILE_NAME "-wal", FILE_NAME "-shm"};
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        check_case(names[i]);
        struct stat st;
        CHECK(stat(world_path(&w, names[i]), &st) == 0 && (st.st_mode & 0777) == 0600);
    }
    struct stat st;
    CHECK(stat(w.dir, &st) == 0 && (st.st_mode & 0777) == 0700);
    world_end(&w);
}

static void a_directory_that_cannot_be_made_is_an_error(void)
{
    struct world w;
    world_prepare(&w);
    struct store_options options = {.dir = world_path(&w, "missing/data"), .queue_max = 1};
    CHECK(store_open(&w.store, &w.loop, &options) == ERR_INTERNAL);
    world_end(&w);
}

static void a_clean_close_leaves_no_log(void)
{
    struct world w;
    prepare_with_book(&w);
    CHECK(world_size(&w, FILE_NAME "-wal") == -1);
    CHECK(world_size(&w, FILE_NAME "-shm") == -1);
    CHECK(world_size(&w, FILE_NAME ".new") == -1);
    world_end(&w);
}

/* A descriptor of ours in a kernel would keep the directory locked, and the data readable. */
static void every_descriptor_closes_on_exec(void)
{
    struct world w;
    world_start(&w);
    notebook_free(world_book(&w));
    DIR *fds = opendir("/proc/self/fd");
    CHECK(fds != NULL);
    size_t ours = 0;
    for (struct dirent *entry = NULL; (entry = readdir(fds)) != NULL;) {
        char path[300], target[300];
        (void)snprintf(path, sizeof path, "/proc/self/fd/%s", entry->d_name);
        ssize_t n = readlink(path, target, sizeof target - 1);
        if (n > 0 && span_starts(span_of(target, (size_t)n), span_str(w.dir))) {
            int64_t fd = -1;
            CHECK(span_to_int(span_str(entry->d_name), &fd));
            CHECK((fcntl((int)fd, F_GETFD) & FD_CLOEXEC) != 0);
            ours++;
        }
    }
    CHECK(closedir(fds) == 0);
    CHECK(ours >= 4); /* the lock, and three connections */
    world_end(&w);
}

/* --- damage --- */
static void garbage_is_refused(void)
{
    struct world w;
    prepare_with_book(&w);
    write_at(&w, 0, "not a database, not at all", 26);
    check_refused_and_untouched(&w);
    world_end(&w);
}

static void a_truncated_file_is_refused(void)
{
    for (off_t size = 0; size < 16000; size += 3000) {
        struct world w;
        prepare_with_book(&w);
        CHECK(truncate(world_path(&w, FILE_NAME), size) == 0);
        check_refused_and_untouched(&w);
        world_end(&w);
    }
}

static void a_damaged_page_is_refused(void)
{
    struct world w;
    prepare_with_book(&w);
    CLEANUP(mem_free_ptr) char *zeros = mem_alloc(4096);
    write_at(&w, 4096, zeros, 4096);
    check_refused_and_untouched(&w);
    world_end(&w);
}

static void a_newer_file_is_refused(void)
{
    struct world w;
    prepare_with_book(&w);
    world_sql(&w, "PRAGMA user_version = 9999");
    check_refused_and_untouched(&w);
    world_end(&w);
}

/* Closing must not checkpoint what opening has refused. */
static void a_refused_file_keeps_its_log(void)
{
    struct world w;
    prepare_with_book(&w);
    struct db *d = NULL;
    CHECK(db_open(&d, world_path(&w, FILE_NAME), DB_WRITER) == OK);
    CHECK(db_begin_writing(d) == OK);
    CHECK(db_exec(d, "PRAGMA user_version = 9999") == OK);
    db_stop_writing(d);
    db_close(d);
    int64_t log = world_size(&w, FILE_NAME "-wal");
    CHECK(log > 0);
    check_refused_and_untouched(&w);
    CHECK(world_size(&w, FILE_NAME "-wal") == log);
    world_end(&w);
}

static void another_programs_file_is_refused(void)
{
    struct world w;
    prepare_with_book(&w);
    world_sql(&w, "PRAGMA application_id = 7");
    check_refused_and_untouched(&w);
    world_end(&w);
}

static void a_missing_file_beside_its_log_is_refused(void)
{
    struct world w;
    prepare_with_book(&w);
    char log[256];
    (void)snprintf(log, sizeof log, "%s", world_path(&w, FILE_NAME "-wal"));
    CHECK(rename(world_path(&w, FILE_NAME), log) == 0);
    CHECK(world_open(&w) == ERR_INVALID);
    CHECK(world_size(&w, FILE_NAME) == -1); /* nothing new in its place */
    world_end(&w);
}

static void a_refused_start_leaves_the_lock_free(void)
{
    struct world w;
    prepare_with_book(&w);
    char back[64];
    (void)snprintf(back, sizeof back, "PRAGMA user_version = %zu", migrate_step_count);
    world_sql(&w, "PRAGMA user_version = 9999");
    CHECK(world_open(&w) == ERR_INVALID);
    world_sql(&w, back);
    CHECK(world_open(&w) == OK);
    world_end(&w);
}

static void what_a_crash_left_of_a_creation_is_made_anew(void)
{
    struct world w;
    world_prepare(&w);
    int fd = open(world_path(&w, FILE_NAME ".new"), O_CREAT | O_WRONLY, 0644);
    CHECK(fd >= 0 && write(fd, "half", 4) == 4 && close(fd) == 0);
    CHECK(world_open(&w) == OK);
    struct stat st;
    CHECK(stat(world_path(&w, FILE_NAME), &st) == 0 && (st.st_mode & 0777) == 0600);
    world_end(&w);
}

int main(int argc, char **argv)
{
    static const struct check_test tests[] = {
        TEST(a_second_server_is_refused),
        TEST(only_the_owner_may_look),
        TEST(a_directory_that_cannot_be_made_is_an_error),
        TEST(a_clean_close_leaves_no_log),
        TEST(every_descriptor_closes_on_exec),
        TEST(garbage_is_refused),
        TEST(a_truncated_file_is_refused),
        TEST(a_damaged_page_is_refused),
        TEST(a_newer_file_is_refused),
        TEST(a_refused_file_keeps_its_log),
        TEST(another_programs_file_is_refused),
        TEST(a_missing_file_beside_its_log_is_refused),
        TEST(a_refused_start_leaves_the_lock_free),
        TEST(what_a_crash_left_of_a_creation_is_made_anew),
    };
    return check_main(argc, argv, tests, sizeof tests / sizeof *tests);
}
