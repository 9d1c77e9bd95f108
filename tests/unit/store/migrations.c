/* Old files: brought up to date, with a copy of what they were. */
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "store/backup.h"
#include "store/migrate.h"
#include "tests/unit/store/faults.h"
#include "tests/unit/store/world.h"

#define FILE_NAME "notebookd.sqlite"
#define COPY FILE_NAME ".before-2"

/* --- steps --- */
static int64_t number(struct db *d, const char *sql)
{
    CLEANUP(db_end) struct db_query q = db_query(d, sql);
    CHECK(db_row(&q) == OK);
    return db_int(&q, 0);
}

static struct db *open_file(const struct world *w)
{
    struct db *d = NULL;
    CHECK(db_open(&d, world_path(w, FILE_NAME), DB_WRITER) == OK);
    return d;
}

static void a_failing_step_is_undone_and_the_earlier_ones_stay(void)
{
    struct world w;
    world_start(&w);
    notebook_free(world_book(&w));
    world_close(&w);
    struct db *d = open_file(&w);
    CHECK(db_begin_writing(d) == OK);
    struct migrate_step steps[] = {
        {1, "001", "not taken again"},
        {2, "002", "not taken again"},
        {3, "003", "not taken again"},
        {4, "004", "CREATE TABLE four (a INTEGER)"},
        {5, "005", "CREATE TABLE five (a INTEGER); INSERT INTO nowhere VALUES (1)"},
    };
    CHECK(migrate_step_count == 3); /* or the steps above begin later */
    CHECK(migrate_run(d, steps, 5) == ERR_INTERNAL);
    CHECK(number(d, "PRAGMA user_version") == 4);
    CHECK(number(d, "SELECT COUNT(*) FROM sqlite_schema WHERE name = 'four'") == 1);
    CHECK(number(d, "SELECT COUNT(*) FROM sqlite_schema WHERE name = 'five'") == 0);
    steps[4].sql = "CREATE TABLE five (a INTEGER)";
    CHECK(migrate_run(d, steps, 5) == OK);
    CHECK(number(d, "PRAGMA user_version") == 5);
    CHECK(number(d, "SELECT COUNT(*) FROM notebooks") == 1);
    CHECK(migrate_check(d, 5) == OK);
    CHECK(migrate_check(d, 4) == ERR_INVALID);
    db_close(d);
    world_end(&w);
}

static void the_built_in_steps_are_numbered_without_gaps(void)
{
    CHECK(migrate_step_count >= 2);
    for (size_t i = 0; i < migrate_step_count; i++) {
        CHECK(migrate_steps[i].version == (int)i + 1);
    }
}

/* --- a file of the first version --- */
#define CELL_1 "00000000-0000-4000-8000-000000000001"
#define CELL_2 "00000000-0000-4000-8000-000000000002"

static const char old_rows[] =
    "INSERT INTO users (id, created_ms) VALUES ('user_alice', 1);"
    "INSERT INTO notebooks (id, owner_id, seq_no, name, connection, revision, created_ms,"
    " updated_ms) VALUES ('demo-user_alice', 'user_alice', 1, 'Sales', NULL, 17, 2, 3),"
    " ('other', 'user_alice', 2, NULL, 'postgresql://h/d', 0, 2, 3);"
    "INSERT INTO cells (notebook_id, id, position, type, status, reads, writes, code) VALUES"
    " ('demo-user_alice', '" CELL_2 "', 2, 'python', 'success', '[\"x\"]', '[]', 'print(x)'),"
    " ('demo-user_alice', '" CELL_1 "', 1, 'sql', 'idle', NULL, NULL, 'select 1'),"
    " ('other', '" CELL_1 "', 1, 'sql', 'idle', NULL, NULL, '');"
    "INSERT INTO outputs (notebook_id, cell_id, n, kind, data) VALUES"
    " ('demo-user_alice', '" CELL_2 "', 1, 'stdout', 'd\xc3\xa9j\xc3\xa0'),"
    " ('demo-user_alice', '" CELL_2 "', 2, 'display', '{\"a\":1}'),"
    " ('demo-user_alice', '" CELL_2 "', 3, 'stderr', '123');";

static void prepare_old(struct world *w)
{
    world_prepare(w);
    int fd = open(world_path(w, FILE_NAME), O_CREAT | O_RDWR | O_EXCL, 0600);
    CHECK(fd >= 0 && close(fd) == 0);
    struct db *d = open_file(w);
    CHECK(db_begin_writing(d) == OK);
    CHECK(migrate_run(d, migrate_steps, 1) == OK);
    CHECK(db_exec(d, old_rows) == OK);
    db_close(d);
}

/* What the rows above are today. */
static struct notebook *expected(const struct id *epoch)
{
    struct notebook *n = notebook_new(BOOK, ALICE);
    n->name = mem_copy(SPAN("Sales"));
    n->revision = 17;
    n->epoch = *epoch;
    (void)notebook_insert(n, 0, SPAN(CELL_1), CELL_SQL, SPAN("select 1"));
    struct cell *c = notebook_insert(n, 1, SPAN(CELL_2), CELL_PYTHON, SPAN("print(x)"));
    c->status = CELL_SUCCESS;
    c->analysed = true;
    names_add(&c->reads, SPAN("x"));
    cell_add_stream(c, OUTPUT_STDOUT, SPAN("d\xc3\xa9j\xc3\xa0"));
    cell_add_display(c, SPAN("{\"a\":1}"), SPAN_NULL);
    cell_add_stream(c, OUTPUT_STDERR, SPAN("123"));
    c->text_end = 9; /* bytes of what it has printed */
    return n;
}

static struct id epoch_of_book(struct world *w)
{
    enum err e = OK;
    struct notebook *n = world_load(w, ALICE, &e);
    CHECK(e == OK && id_is_valid(id_span(&n->epoch)));
    struct id epoch = n->epoch;
    notebook_free(n);
    return epoch;
}

static void an_old_file_is_brought_up_to_date(void)
{
    struct world w;
    prepare_old(&w);
    CHECK(world_open(&w) == OK);
    struct id epoch = epoch_of_book(&w);
    struct notebook *n = expected(&epoch);
    world_check_stored(&w, n);
    struct store_event event = {.seq = 1, .kind = SPAN("first"), .json = SPAN("{}")};
    struct store_write *write = world_write(&w);
    store_append_event(write, &event);
    CHECK(world_commit(&w, write) == OK);
    n->seq = 1;
    n->events_count = 1;
    n->events_bytes = 2;
    world_reopen(&w);
    world_check_stored(&w, n); /* of the same epoch */
    notebook_free(n);
    world_close(&w);
    CHECK(world_number(&w, "SELECT COUNT(DISTINCT epoch) FROM notebooks") == 2);
    world_end(&w);
}

/* Every one of many, since their digits are drawn. */
static void every_epoch_has_the_form_of_an_id(void)
{
    struct world w;
    prepare_old(&w);
    world_sql(&w, "WITH RECURSIVE n (i) AS (SELECT 10 UNION ALL SELECT i + 1 FROM n WHERE i < 2000)"
                  " INSERT INTO notebooks SELECT 'n' || i, 'user_alice', i, NULL, NULL, 0, 1, 1"
                  " FROM n");
    CHECK(world_open(&w) == OK);
    world_close(&w);
    struct db *d = open_file(&w);
    size_t count = 0;
    CLEANUP(mem_free_ptr) char *variants = mem_alloc(256);
    {
        CLEANUP(db_end) struct db_query q = db_query(d, "SELECT DISTINCT epoch FROM notebooks");
        while (db_row(&q) == OK) {
            CHECK(id_is_valid(db_text(&q, 0)));
            variants[(unsigned char)db_text(&q, 0).p[19]] = 1;
            count++;
        }
    }
    CHECK(count == 1993);
    CHECK(variants['8'] && variants['9'] && variants['a'] && variants['b']);
    db_close(d);
    world_end(&w);
}

/* --- the copy --- */
static void a_copy_of_the_old_file_is_left_beside_it(void)
{
    struct world w;
    (void)umask(0);
    prepare_old(&w);
    int fd = open(world_path(&w, COPY ".new"), O_CREAT | O_WRONLY, 0666);
    CHECK(fd >= 0 && write(fd, "half", 4) == 4 && close(fd) == 0); /* of a start that was killed */
    CHECK(world_open(&w) == OK);
    struct stat st;
    CHECK(stat(world_path(&w, COPY), &st) == 0 && (st.st_mode & 0777) == 0600);
    CHECK(world_size(&w, COPY ".new") == -1);
    ino_t first = st.st_ino;
    world_reopen(&w); /* nothing is left to do */
    CHECK(stat(world_path(&w, COPY), &st) == 0 && st.st_ino == first);
    CHECK(world_size(&w, COPY ".2") == -1 && world_size(&w, FILE_NAME ".before-3") == -1);
    world_close(&w);
    char file[256];
    (void)snprintf(file, sizeof file, "%s", world_path(&w, FILE_NAME));
    CHECK(rename(world_path(&w, COPY), file) == 0); /* as one would to go back */
    CHECK(world_number(&w, "PRAGMA user_version") == 1);
    CHECK(world_number(&w, "SELECT COUNT(*) FROM outputs") == 3);
    CHECK(world_open(&w) == OK);
    struct id epoch = epoch_of_book(&w);
    struct notebook *n = expected(&epoch);
    world_check_stored(&w, n);
    notebook_free(n);
    world_end(&w);
}

static void a_new_file_needs_no_copy(void)
{
    struct world w;
    world_start(&w);
    for (int i = 1; i < 5; i++) {
        char name[64];
        (void)snprintf(name, sizeof name, FILE_NAME ".before-%d", i);
        CHECK(world_size(&w, name) == -1);
    }
    world_end(&w);
}

/* As after kill -9. */
static void what_is_in_the_log_is_in_the_copy(void)
{
    struct world w;
    prepare_old(&w);
    struct db *d = open_file(&w);
    CHECK(db_begin_writing(d) == OK);
    CHECK(db_exec(d, "UPDATE notebooks SET revision = 4711") == OK);
    db_stop_writing(d);
    db_close(d);
    CHECK(world_size(&w, FILE_NAME "-wal") > 0);
    CHECK(world_open(&w) == OK);
    world_close(&w);
    char file[256];
    (void)snprintf(file, sizeof file, "%s", world_path(&w, FILE_NAME));
    CHECK(rename(world_path(&w, COPY), file) == 0);
    CHECK(world_number(&w, "SELECT MIN(revision) FROM notebooks") == 4711);
    world_end(&w);
}

static enum err copy(struct world *w)
{
    struct db *d = open_file(w);
    char file[256];
    (void)snprintf(file, sizeof file, "%s", world_path(w, FILE_NAME));
    enum err e = backup_before(d, w->dir, file, 2);
    db_close(d);
    return e;
}

static int copies(const struct world *w)
{
    int count = world_size(w, COPY) > 0;
    for (int i = 2; i < 20; i++) {
        char name[64];
        (void)snprintf(name, sizeof name, COPY ".%d", i);
        count += world_size(w, name) > 0;
    }
    return count;
}

/* A start that is tried again and again does not fill the disk with copies of one thing. */
static void a_copy_is_made_again_only_of_what_has_changed(void)
{
    struct world w;
    prepare_old(&w);
    for (int i = 0; i < 5; i++) {
        CHECK(copy(&w) == OK);
        CHECK(copies(&w) == 1);
    }
    for (int i = 2; i <= 9; i++) {
        (void)usleep(20000); /* file times are coarse */
        world_sql(&w, "UPDATE notebooks SET revision = revision + 1");
        CHECK(copy(&w) == OK && copy(&w) == OK);
        CHECK(copies(&w) == i);
    }
    (void)usleep(20000);
    world_sql(&w, "UPDATE notebooks SET revision = revision + 1");
    CHECK(copy(&w) == ERR_LIMIT);
    CHECK(world_open(&w) == ERR_LIMIT); /* and nothing was migrated */
    CHECK(world_number(&w, "PRAGMA user_version") == 1);
    world_end(&w);
}

static void without_room_for_the_copy_nothing_starts(void)
{
    faults_install();
    struct world w;
    prepare_old(&w);
    faults_set_room(16384);
    CHECK(world_open(&w) == ERR_DISK_FULL);
    CHECK(w.store == NULL && copies(&w) == 0 && world_size(&w, COPY ".new") == -1);
    faults_set_room(-1);
    CHECK(world_number(&w, "PRAGMA user_version") == 1);
    CHECK(world_open(&w) == OK);
    CHECK(copies(&w) == 1);
    world_end(&w);
}

int main(int argc, char **argv)
{
    static const struct check_test tests[] = {
        TEST(a_failing_step_is_undone_and_the_earlier_ones_stay),
        TEST(the_built_in_steps_are_numbered_without_gaps),
        TEST(an_old_file_is_brought_up_to_date),
        TEST(every_epoch_has_the_form_of_an_id),
        TEST(a_copy_of_the_old_file_is_left_beside_it),
        TEST(a_new_file_needs_no_copy),
        TEST(what_is_in_the_log_is_in_the_copy),
        TEST(a_copy_is_made_again_only_of_what_has_changed),
        TEST(without_room_for_the_copy_nothing_starts),
    };
    return check_main(argc, argv, tests, sizeof tests / sizeof *tests);
}
