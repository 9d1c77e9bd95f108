/* The reserve: on a full disk things can still be deleted. */
#include "store/reserve.h"

#include <fcntl.h>
#include <sched.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <unistd.h>

#include "tests/unit/store/faults.h"
#include "tests/unit/store/world.h"

#define BIG ((size_t)512 * 1024)

static void the_room_is_held_from_the_start(void)
{
    struct world w;
    struct stat st;
    (void)umask(0);
    world_start(&w);
    CHECK(stat(world_path(&w, "reserve"), &st) == 0);
    CHECK(st.st_size == RESERVE_SIZE && (st.st_mode & 0777) == 0600);
    CHECK(st.st_blocks * 512 >= RESERVE_SIZE); /* not a hole */
    ino_t first = st.st_ino;
    world_reopen(&w);
    CHECK(stat(world_path(&w, "reserve"), &st) == 0 && st.st_ino == first);
    world_end(&w);
}

static void a_reserve_of_another_size_is_made_anew(void)
{
    struct world w;
    world_start(&w);
    world_close(&w);
    CHECK(truncate(world_path(&w, "reserve"), 4096) == 0);
    CHECK(world_open(&w) == OK);
    CHECK(world_size(&w, "reserve") == RESERVE_SIZE);
    world_end(&w);
}

/* --- on a full disk --- */
static enum err add(struct world *w, const struct cell *c)
{
    CLEANUP(mem_free_ptr) char *data = mem_alloc(BIG);
    memset(data, 'b', BIG);
    struct output o = {.kind = OUTPUT_STDOUT, .data = data, .size = BIG};
    struct store_write *write = world_write(w);
    store_append_output(write, id_span(&c->id), &o);
    return world_commit(w, write);
}

static void delete_cell(struct store_write *write, const struct cell *c)
{
    store_delete_cell(write, id_span(&c->id));
}

static void delete_notebook(struct store_write *write, const struct cell *c)
{
    store_delete_notebook(write);
}

static void clear_outputs(struct store_write *write, const struct cell *c)
{
    store_clear_outputs(write, id_span(&c->id));
}

static void rename_it(struct store_write *write, const struct cell *c)
{
    store_rename(write, SPAN("renamed"));
}

static const struct {
    const char *name;
    void (*change)(struct store_write *write, const struct cell *c);
    bool frees;
} changes[] = {
    {"delete cell", delete_cell, true},
    {"delete notebook", delete_notebook, true},
    {"clear outputs", clear_outputs, true},
    {"rename", rename_it, false},
};

/* A book with a cell and so many outputs of half a megabyte; in memory without them. */
static struct notebook *book_of(struct world *w, int outputs)
{
    struct notebook *n = world_book(w);
    struct store_write *write = world_write(w);
    store_insert_cell(write, world_cell(n, SPAN("x")), SPAN_NULL);
    CHECK(world_commit(w, write) == OK);
    for (int i = 0; i < outputs; i++) {
        CHECK(add(w, n->cells[0]) == OK);
    }
    return n;
}

/* The log is gone after it was reopened, so that every write needs room. `tied`: the reserve is
 * room. */
static struct notebook *full_disk(struct world *w, bool tied)
{
    world_start(w);
    struct notebook *n = book_of(w, 8);
    world_reopen(w);
    if (tied) {
        faults_tie_reserve(world_path(w, "reserve"), RESERVE_SIZE);
    }
    faults_set_room(0);
    return n;
}

static void what_frees_room_goes_through_and_nothing_else(void)
{
    faults_install();
    for (size_t i = 0; i < sizeof changes / sizeof *changes; i++) {
        check_case(changes[i].name);
        struct world w;
        struct notebook *n = full_disk(&w, true);
        CHECK(add(&w, n->cells[0]) == ERR_DISK_FULL);
        CHECK(world_size(&w, "reserve") == RESERVE_SIZE); /* not for such */
        struct store_write *write = world_write(&w);
        changes[i].change(write, n->cells[0]);
        CHECK(world_commit(&w, write) == (changes[i].frees ? OK : ERR_DISK_FULL));
        faults_set_room(-1);
        world_close(&w);
        CHECK(world_size(&w, "reserve") == RESERVE_SIZE); /* it has come back */
        int64_t outputs = world_number(&w, "SELECT COUNT(*) FROM outputs");
        CHECK(outputs == (changes[i].frees ? 0 : 8));
        notebook_free(n);
        world_end(&w);
    }
}

/* The test above would see it. */
static void without_a_reserve_it_does_not(void)
{
    faults_install();
    struct world w;
    struct notebook *n = full_disk(&w, false);
    struct store_write *write = world_write(&w);
    store_delete_cell(write, id_span(&n->cells[0]->id));
    CHECK(world_commit(&w, write) == ERR_DISK_FULL);
    faults_set_room(-1);
    world_reopen(&w);
    CHECK(add(&w, n->cells[0]) == OK);
    notebook_free(n);
    world_end(&w);
}

/* Two that wait together: the one that frees room goes through, the other is refused. */
struct pair {
    int called;
    enum err errs[2];
};

static void on_adding(void *data, enum err e)
{
    struct pair *p = data;
    CHECK(p->called++ == 1);
    p->errs[0] = e;
}

static void on_freeing(void *data, enum err e)
{
    struct pair *p = data;
    CHECK(p->called++ == 2);
    p->errs[1] = e;
}

static void on_slow(void *data, enum err e)
{
    struct pair *p = data;
    CHECK(p->called++ == 0 && e == ERR_DISK_FULL);
}

static void in_one_transaction_each_gets_its_own_answer(void)
{
    faults_install();
    struct world w;
    struct notebook *n = full_disk(&w, true);
    struct pair pair = {0};
    struct store_write *one[3];
    for (int i = 0; i < 3; i++) {
        one[i] = world_write(&w);
    }
    store_rename(one[0], SPAN("busy"));
    store_rename(one[1], SPAN("refused"));
    store_clear_outputs(one[2], id_span(&n->cells[0]->id));
    store_commit(one[0], on_slow, &pair);
    store_commit(one[1], on_adding, &pair);
    store_commit(one[2], on_freeing, &pair);
    while (pair.called < 3) {
        (void)uv_run(&w.loop, UV_RUN_ONCE);
    }
    CHECK(pair.errs[0] == ERR_DISK_FULL && pair.errs[1] == OK);
    faults_set_room(-1);
    world_check_stored(&w, n);
    notebook_free(n);
    world_end(&w);
}

/* The kernel's own "no space left", where this process may mount a disk of 24 MB; the tests above
 * cover the same ground everywhere. */
static void on_a_full_tmpfs_a_notebook_can_be_deleted(void)
{
    struct world w;
    world_prepare(&w);
    bool apart = unshare(CLONE_NEWNS) == 0 || unshare(CLONE_NEWUSER | CLONE_NEWNS) == 0;
    if (!apart || mount("none", "/", NULL, MS_REC | MS_PRIVATE, NULL) != 0 ||
        mount("none", w.dir, "tmpfs", 0, "size=24m") != 0) {
        fprintf(stderr,
                "# no tmpfs may be mounted here: the tests with a limit of our own stand\n");
        CHECK(world_open(&w) == OK && world_size(&w, "reserve") == RESERVE_SIZE);
        world_end(&w);
        return;
    }
    CHECK(world_open(&w) == OK);
    struct notebook *n = book_of(&w, 8);
    enum err e = OK;
    for (int i = 0; i < 100 && e == OK; i++) {
        e = add(&w, n->cells[0]);
    }
    CHECK(e == ERR_DISK_FULL && world_size(&w, "reserve") == RESERVE_SIZE);
    int fd = open(world_path(&w, "filler"), O_CREAT | O_WRONLY, 0600);
    static char page[4096];
    while (write(fd, page, sizeof page) > 0) { /* to the last byte */
    }
    CHECK(close(fd) == 0);
    struct store_write *write = world_write(&w);
    store_delete_notebook(write);
    CHECK(world_commit(&w, write) == OK);
    notebook_free(n);
    CHECK(unlink(world_path(&w, "filler")) == 0);
    notebook_free(book_of(&w, 1)); /* without a restart */
    world_close(&w);
    CHECK(world_size(&w, "reserve") == RESERVE_SIZE);
    CHECK(umount(w.dir) == 0);
    world_end(&w);
}

int main(int argc, char **argv)
{
    static const struct check_test tests[] = {
        TEST(the_room_is_held_from_the_start),
        TEST(a_reserve_of_another_size_is_made_anew),
        TEST(what_frees_room_goes_through_and_nothing_else),
        TEST(without_a_reserve_it_does_not),
        TEST(in_one_transaction_each_gets_its_own_answer),
        TEST(on_a_full_tmpfs_a_notebook_can_be_deleted),
    };
    return check_main(argc, argv, tests, sizeof tests / sizeof *tests);
}
