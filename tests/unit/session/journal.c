/* What happens is numbered, kept and told, in that order. */
#include <string.h>

#include "tests/unit/session/page.h"

struct reading {
    bool done;
    enum err err;
    size_t count;
    int64_t first, oldest, seq;
};

static void on_events(void *data, enum err e, const struct store_events *events)
{
    struct reading *r = data;
    *r = (struct reading){.done = true, .err = e};
    if (e == OK) {
        r->count = events->count;
        r->first = events->count == 0 ? 0 : events->items[0].seq;
        r->oldest = events->oldest;
        r->seq = events->seq;
    }
}

static struct reading read_since(struct page *p, int64_t since)
{
    struct reading r = {0};
    store_events(p->world.store,
                 &(struct store_range){
                     .owner = ALICE, .notebook_id = BOOK, .since = since, .bytes_max = 1 << 20},
                 on_events, &r);
    while (!r.done) {
        (void)uv_run(&p->world.loop, UV_RUN_ONCE);
    }
    CHECK(r.err == OK);
    return r;
}

static void move_back_and_forth(struct page *p, unsigned times)
{
    for (unsigned i = 0; i < times; i++) {
        struct page_answer a = {0};
        session_move_cell(p->session, id_span(&page_cell(p, 0)->id), id_span(&page_cell(p, 1)->id),
                          page_on_answer, &a);
        page_wait(p, &a);
        CHECK(a.err == OK && a.result.position == 1);
    }
}

static void events_are_numbered_without_gaps(void)
{
    struct page p;
    page_open(&p);
    int64_t before = session_seq(p.session);
    size_t told = p.count;
    move_back_and_forth(&p, 5);
    CHECK(p.count == told + 5);
    for (size_t i = told; i < p.count; i++) {
        CHECK(p.events[i].event.seq == ++before);
    }
    CHECK(session_seq(p.session) == before);
    page_end(&p);
}

static void what_is_told_is_on_disk(void)
{
    struct page p;
    page_open(&p);
    int64_t before = session_seq(p.session);
    move_back_and_forth(&p, 3);
    struct reading r = read_since(&p, before);
    CHECK(r.count == 3 && r.first == before + 1 && r.seq == before + 3);
    page_end(&p);
}

static void numbers_go_on_after_a_restart(void)
{
    struct page p;
    page_open(&p);
    move_back_and_forth(&p, 3);
    int64_t before = session_seq(p.session);
    struct id epoch = p.session->notebook->epoch;
    page_reopen(&p);
    CHECK(session_seq(p.session) >= before);
    CHECK(span_eq(session_epoch(p.session), id_span(&epoch)));
    int64_t after = session_seq(p.session);
    move_back_and_forth(&p, 1);
    CHECK(session_seq(p.session) == after + 1);
    page_end(&p);
}

static void the_older_half_goes_when_the_newer_is_full(void)
{
    struct page p;
    page_open(&p); /* keeps 40 */
    for (unsigned i = 0; i < 200; i++) {
        move_back_and_forth(&p, 1);
        struct reading r = read_since(&p, session_seq(p.session) - 1);
        int64_t kept = r.seq - r.oldest + 1;
        CHECK(r.count == 1);
        CHECK(kept <= 40 && (r.seq < 40 || kept >= 20));
        CHECK(r.oldest == p.session->notebook->oldest);
    }
    CHECK(read_since(&p, 1).count == 0); /* gone: a snapshot is due */
    page_end(&p);
}

static void a_message_of_version_1_is_the_beginning_of_one_of_version_2(void)
{
    struct page p;
    page_open(&p);
    struct page_answer a = {0};
    struct session_code edit = {.cell_id = id_span(&page_cell(&p, 0)->id),
                                .code = SPAN("-- @out x\nselect 2")};
    session_update_cell(p.session, &edit, page_on_answer, &a);
    page_wait(&p, &a);
    const struct event *e = page_last(&p, EVENT_CELL_UPDATED);
    CLEANUP(arena_free_ptr) struct arena *arena = arena_new();
    struct span old = arena_printf(arena, "%.*s}", (int)e->known, e->json.p);
    const struct json_limits limits = {.bytes = 65536, .depth = 8, .values = 100};
    const struct json *tree;
    struct json_error error;
    CHECK(json_parse(arena, old, &limits, &tree, &error) == OK);
    CHECK(tree->count == 3 && json_get(tree, SPAN("cell"))->count == 5);
    CHECK(json_parse(arena, e->json, &limits, &tree, &error) == OK);
    CHECK(tree->count == 5);
    CHECK(json_get(tree, SPAN("seq"))->integer == e->seq);
    CHECK(json_get(tree, SPAN("details"))->count == 6);
    page_end(&p);
}

static void a_snapshot_has_the_number_of_its_moment(void)
{
    struct page p;
    page_open(&p);
    struct page_answer before = {0}, moved = {0};
    int64_t seq = p.session->notebook->seq;
    session_snapshot(p.session, SESSION_STATE, page_on_answer, &before);
    session_move_cell(p.session, id_span(&page_cell(&p, 0)->id), id_span(&page_cell(&p, 1)->id),
                      page_on_answer, &moved);
    page_wait(&p, &moved);
    CHECK(before.count == 1 && before.err == OK && before.result.seq == seq);
    const char *first = strstr(before.document, "\"cells\":");
    CHECK(first != NULL && strstr(first, "@out x") < strstr(first, "@out y"));
    CHECK(moved.result.seq == seq + 1);
    page_end(&p);
}

int main(int argc, char **argv)
{
    static const struct check_test tests[] = {
        TEST(events_are_numbered_without_gaps),
        TEST(what_is_told_is_on_disk),
        TEST(numbers_go_on_after_a_restart),
        TEST(the_older_half_goes_when_the_newer_is_full),
        TEST(a_message_of_version_1_is_the_beginning_of_one_of_version_2),
        TEST(a_snapshot_has_the_number_of_its_moment),
    };
    return check_main(argc, argv, tests, sizeof tests / sizeof *tests);
}
