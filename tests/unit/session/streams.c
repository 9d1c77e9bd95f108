/* What a run prints: shown, hidden, and fetched again byte for byte. */
#include <string.h>

#include "tests/unit/session/page.h"

/* Lines of different lengths, with characters of two and three bytes. */
static char *make_text(size_t lines, size_t *size)
{
    struct text out = TEXT((size_t)64 * 1024 * 1024);
    for (size_t i = 0; i < lines; i++) {
        text_addf(&out, "%zu \xc3\xa4\xe2\x82\xac%.*s\n", i, (int)(i % 50),
                  "..................................................");
    }
    *size = out.n;
    return text_take(&out);
}

/* As the kernel does: in chunks that end inside no character. */
static void print_all(struct page *p, struct cell *c, struct span text)
{
    p->session->run.current = c->id;
    p->session->run.active = true;
    while (text.n > 0) {
        size_t n = span_utf8_prefix(text, 60000);
        stream_add(p->session, c, OUTPUT_STDOUT, span_sub(text, 0, n));
        text = span_sub(text, n, text.n);
        (void)uv_run(&p->world.loop, UV_RUN_NOWAIT);
    }
    outputs_close_stream(p->session, c);
    store_replace_outputs(batch_write(p->session), c);
    store_update_cell(batch_write(p->session), c);
    p->session->run.active = false;
    page_settle(p);
}

static void fetch_all(struct page *p, const struct cell *c, struct text *out)
{
    size_t end = 1;
    while (out->n < end) {
        struct page_answer a = {0};
        struct session_text_range range = {
            .cell_id = id_span(&c->id), .start = out->n, .size = sizeof a.document - 1};
        session_text(p->session, &range, page_on_answer, &a);
        page_wait(p, &a);
        CHECK(a.err == OK && a.result.document.n > 0);
        text_add(out, a.result.document);
        end = a.result.position;
    }
}

static void check_whole(size_t lines)
{
    struct page p;
    page_open(&p);
    size_t size;
    CLEANUP(mem_free_ptr) char *text = make_text(lines, &size);
    print_all(&p, page_cell(&p, 0), span_of(text, size));
    CHECK(page_cell(&p, 0)->text_end == size);
    struct text got = TEXT((size_t)64 * 1024 * 1024);
    fetch_all(&p, page_cell(&p, 0), &got);
    CHECK(span_eq(text_span(&got), span_of(text, size)));
    page_reopen(&p);
    text_clear(&got);
    fetch_all(&p, page_cell(&p, 0), &got);
    CHECK(span_eq(text_span(&got), span_of(text, size)));
    text_free(&got);
    page_end(&p);
}

static void short_text_is_shown_whole(void)
{
    check_whole(100);
}

static void long_text_can_be_fetched_byte_for_byte(void)
{
    check_whole(200000);
}

static void text_as_long_as_the_head_and_tail_is_fetched_too(void)
{
    check_whole(30000);
}

static void offsets_meet_from_event_to_event(void)
{
    struct page p;
    page_open(&p);
    size_t size;
    CLEANUP(mem_free_ptr) char *text = make_text(100000, &size);
    print_all(&p, page_cell(&p, 0), span_of(text, size));
    CLEANUP(arena_free_ptr) struct arena *arena = arena_new();
    const struct json_limits limits = {.bytes = 1 << 20, .depth = 8, .values = 100};
    size_t at = 0, shown = 0;
    for (size_t i = 0; i < p.count; i++) {
        const struct event *e = &p.events[i].event;
        if ((e->kind != EVENT_STDOUT && e->kind != EVENT_TEXT_HIDDEN) || e->old_only) {
            continue;
        }
        const struct json *tree;
        struct json_error error;
        CHECK(json_parse(arena, e->json, &limits, &tree, &error) == OK);
        size_t start = (size_t)json_get(tree, SPAN("start"))->integer;
        size_t end = (size_t)json_get(tree, SPAN("end"))->integer;
        CHECK(e->kind == EVENT_TEXT_HIDDEN ? start <= at : start == at);
        if (e->kind == EVENT_STDOUT) {
            struct span data = json_get_string(tree, SPAN("data"));
            CHECK(span_eq(data, span_of(text + start, end - start)));
            shown += data.n;
        }
        at = end;
    }
    CHECK(at == size);
    CHECK(shown <= STREAM_HEAD_MAX + STREAM_TAIL_MAX);
    page_end(&p);
}

static void only_version_1_is_told_in_words_what_is_left_out(void)
{
    struct page p;
    page_open(&p);
    size_t size;
    CLEANUP(mem_free_ptr) char *text = make_text(100000, &size);
    print_all(&p, page_cell(&p, 0), span_of(text, size));
    size_t notices = 0;
    for (size_t i = 0; i < p.count; i++) {
        const struct event *e = &p.events[i].event;
        CLEANUP(mem_free_ptr) char *json = mem_copy(e->json);
        bool notice = strstr(json, "bytes of output left out") != NULL;
        CHECK(!notice || (e->old_only && e->seq == 0));
        notices += notice;
    }
    CHECK(notices == 1);
    page_end(&p);
}

static void clearing_begins_at_byte_0_again(void)
{
    struct page p;
    page_open(&p);
    struct cell *c = page_cell(&p, 0);
    size_t size;
    CLEANUP(mem_free_ptr) char *text = make_text(60000, &size);
    print_all(&p, c, span_of(text, size));
    cell_clear_outputs(c);
    store_clear_outputs(batch_write(p.session), id_span(&c->id));
    publish_cleared(p.session, c);
    print_all(&p, c, SPAN("anew\n"));
    CHECK(c->text_end == 5 && c->hidden_end == 0);
    struct text got = TEXT(1000);
    fetch_all(&p, c, &got);
    CHECK(span_eq(text_span(&got), SPAN("anew\n")));
    text_free(&got);
    page_end(&p);
}

int main(int argc, char **argv)
{
    static const struct check_test tests[] = {
        TEST(short_text_is_shown_whole),
        TEST(long_text_can_be_fetched_byte_for_byte),
        TEST(text_as_long_as_the_head_and_tail_is_fetched_too),
        TEST(offsets_meet_from_event_to_event),
        TEST(only_version_1_is_told_in_words_what_is_left_out),
        TEST(clearing_begins_at_byte_0_again),
    };
    return check_main(argc, argv, tests, sizeof tests / sizeof *tests);
}
