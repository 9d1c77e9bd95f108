#include "kernel/message.h"
#include "tests/unit/check.h"

/* --- helpers --- */

struct world {
    struct arena *arena;
    struct text repaired;
    struct kernel_event event;
    const char *problem;
};

static struct world open_world(void)
{
    return (struct world){.arena = arena_new(), .repaired = TEXT(3 * FRAME_STREAM_MAX)};
}

static void close_world(struct world *w)
{
    arena_free(w->arena);
    text_free(&w->repaired);
}

static enum err check(struct world *w, unsigned kind, struct span payload)
{
    struct frame f = {.kind = kind, .run = 9, .payload = payload};
    struct message_space space = {.arena = w->arena, .repaired = &w->repaired};
    w->problem = NULL;
    return message_check(&f, &space, &w->event, &w->problem);
}

static bool is_refused(unsigned kind, struct span payload)
{
    CLEANUP(close_world) struct world w = open_world();
    return check(&w, kind, payload) == ERR_INVALID && w.problem != NULL;
}

/* --- what is right --- */

static void well_formed_messages_become_events(void)
{
    static const struct {
        unsigned kind;
        enum kernel_event_kind event;
        const char *payload;
    } cases[] = {
        {FRAME_DISPLAY, KERNEL_EVENT_DISPLAY, "{\"data\":{\"text/plain\":\"x\"},\"metadata\":{}}"},
        {FRAME_DISPLAY, KERNEL_EVENT_DISPLAY, "{\"data\":{},\"metadata\":{},\"id\":\"d1\"}"},
        {FRAME_DISPLAY, KERNEL_EVENT_DISPLAY, "{\"data\":{},\"metadata\":{},\"id\":null}"},
        {FRAME_DISPLAY, KERNEL_EVENT_DISPLAY, " {\"metadata\":{}, \"more\":1, \"data\":{}} "},
        {FRAME_UPDATE, KERNEL_EVENT_UPDATE, "{\"data\":{},\"metadata\":{},\"id\":\"d1\"}"},
        {FRAME_CLEAR, KERNEL_EVENT_CLEAR, "{\"wait\":true}"},
        {FRAME_RESULT, KERNEL_EVENT_RESULT,
         "{\"data\":{\"a/b\":{\"c\":[1,2]}},\"metadata\":{\"a/b\":{}}}"},
        {FRAME_ERROR, KERNEL_EVENT_ERROR,
         "{\"ename\":\"E\",\"evalue\":\"\",\"line\":3,\"traceback\":\"t\"}"},
        {FRAME_ERROR, KERNEL_EVENT_ERROR,
         "{\"ename\":\"E\",\"evalue\":\"\",\"line\":null,\"traceback\":\"\"}"},
        {FRAME_DONE, KERNEL_EVENT_DONE, "{\"status\":\"ok\",\"ms\":0}"},
        {FRAME_DONE, KERNEL_EVENT_DONE, "{\"status\":\"error\",\"ms\":1.5}"},
        {FRAME_DONE, KERNEL_EVENT_DONE, "{\"status\":\"interrupted\",\"ms\":1e3}"},
        {FRAME_INPUT_REQUEST, KERNEL_EVENT_INPUT, "{\"prompt\":\"name? \",\"password\":false}"},
        {FRAME_READY, KERNEL_EVENT_READY, "{\"pid\":12,\"python\":\"3.11.2\"}"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        CLEANUP(close_world) struct world w = open_world();
        check_case(cases[i].payload);
        CHECK(check(&w, cases[i].kind, span_str(cases[i].payload)) == OK);
        CHECK(w.event.kind == cases[i].event && w.event.run == 9);
        CHECK(w.event.body != NULL && w.event.body->kind == JSON_OBJECT);
        CHECK(span_is_null(w.event.text));
    }
}

static void done_tells_its_status_and_time(void)
{
    CLEANUP(close_world) struct world w = open_world();
    CHECK(check(&w, FRAME_DONE, SPAN("{\"status\":\"ok\",\"ms\":2.5}")) == OK);
    CHECK(w.event.status == KERNEL_DONE_OK && w.event.ms > 2.4 && w.event.ms < 2.6);
    CHECK(check(&w, FRAME_DONE, SPAN("{\"status\":\"error\",\"ms\":1}")) == OK);
    CHECK(w.event.status == KERNEL_DONE_ERROR);
    CHECK(check(&w, FRAME_DONE, SPAN("{\"status\":\"interrupted\",\"ms\":1}")) == OK);
    CHECK(w.event.status == KERNEL_DONE_INTERRUPTED);
}

static void stream_text_is_repaired(void)
{
    CLEANUP(close_world) struct world w = open_world();
    CHECK(check(&w, FRAME_STDOUT, SPAN("h\xC3\xA9llo\0!")) == OK);
    CHECK(w.event.kind == KERNEL_EVENT_STDOUT && span_eq(w.event.text, SPAN("h\xC3\xA9llo\0!")));
    CHECK(check(&w, FRAME_STDERR,
                SPAN("a\xFF"
                     "b\xC3")) == OK);
    CHECK(w.event.kind == KERNEL_EVENT_STDERR);
    CHECK(span_eq(w.event.text, SPAN("a\xEF\xBF\xBD"
                                     "b\xEF\xBF\xBD")));
}

static void a_full_frame_of_rubbish_is_repaired(void)
{
    CLEANUP(close_world) struct world w = open_world();
    struct text rubbish = TEXT(FRAME_STREAM_MAX);
    memset(text_reserve(&rubbish, FRAME_STREAM_MAX), 0xFF, FRAME_STREAM_MAX);
    rubbish.n = FRAME_STREAM_MAX;
    CHECK(check(&w, FRAME_STDOUT, text_span(&rubbish)) == OK);
    CHECK(w.event.text.n == 3 * FRAME_STREAM_MAX && span_is_utf8(w.event.text));
    text_free(&rubbish);
}

/* --- what is hostile --- */

static const unsigned object_kinds[] = {
    FRAME_DISPLAY, FRAME_UPDATE, FRAME_CLEAR, FRAME_RESULT,
    FRAME_ERROR,   FRAME_DONE,   FRAME_READY, FRAME_INPUT_REQUEST,
};

static void what_is_not_an_object_is_refused_in_every_kind(void)
{
    static const struct span payloads[] = {
        SPAN(""),
        SPAN(" "),
        SPAN("null"),
        SPAN("true"),
        SPAN("1"),
        SPAN("\"text\""),
        SPAN("[]"),
        SPAN("[{}]"),
        SPAN("{"),
        SPAN("}"),
        SPAN("{}{}"),
        SPAN("{} x"),
        SPAN("{}\0"),
        SPAN("\0"),
        SPAN("{\"data\":{}"),
        SPAN("{'data':{}}"),
        SPAN("{data:{}}"),
        SPAN("{\"data\":{},}"),
        SPAN("{\"data\":NaN}"),
        SPAN("{\"data\":Infinity}"),
        SPAN("{\"data\":1e999}"),
        SPAN("{\"data\":\"\\ud800\"}"),
        SPAN("{\"data\":\"\\udc00\\ud800\"}"),
        SPAN("{\"data\":\"\xFF\"}"),
        SPAN("{\"data\":\"\xED\xA0\x80\"}"),
        SPAN("{\"data\":\"\xC0\x80\"}"),
        SPAN("{\"data\":\"\n\"}"),
        SPAN("{\"data\":\"\0\"}"),
        SPAN("{\"data\":\"\\x41\"}"),
        SPAN("{\"data\":{},\"data\":{}}"),
        SPAN("{\"\xFF\":1}"),
        SPAN("\xEF\xBB\xBF{}"),
        SPAN("<html>"),
        SPAN("{\"data\":01}"),
        SPAN("{\"data\":{}/*c*/}"),
    };
    for (size_t i = 0; i < sizeof payloads / sizeof *payloads; i++) {
        for (size_t k = 0; k < sizeof object_kinds / sizeof *object_kinds; k++) {
            check_case(payloads[i].n == 0 ? "(empty)" : payloads[i].p);
            CHECK(is_refused(object_kinds[k], payloads[i]));
        }
    }
}

static const struct {
    unsigned kind;
    const char *payload;
} wrong_members[] = {
    {FRAME_DISPLAY, "{}"},
    {FRAME_DISPLAY, "{\"data\":{}}"},
    {FRAME_DISPLAY, "{\"metadata\":{}}"},
    {FRAME_DISPLAY, "{\"data\":[],\"metadata\":{}}"},
    {FRAME_DISPLAY, "{\"data\":null,\"metadata\":{}}"},
    {FRAME_DISPLAY, "{\"data\":\"x\",\"metadata\":{}}"},
    {FRAME_DISPLAY, "{\"data\":{},\"metadata\":[]}"},
    {FRAME_DISPLAY, "{\"data\":{},\"metadata\":null}"},
    {FRAME_DISPLAY, "{\"data\":{},\"metadata\":{},\"id\":5}"},
    {FRAME_DISPLAY, "{\"data\":{},\"metadata\":{},\"id\":{}}"},
    {FRAME_DISPLAY, "{\"Data\":{},\"Metadata\":{}}"},
    {FRAME_UPDATE, "{\"data\":{},\"metadata\":{}}"},
    {FRAME_UPDATE, "{\"data\":{},\"metadata\":{},\"id\":null}"},
    {FRAME_UPDATE, "{\"data\":{},\"metadata\":{},\"id\":1}"},
    {FRAME_UPDATE, "{\"data\":1,\"metadata\":{},\"id\":\"a\"}"},
    {FRAME_CLEAR, "{}"},
    {FRAME_CLEAR, "{\"wait\":1}"},
    {FRAME_CLEAR, "{\"wait\":\"true\"}"},
    {FRAME_CLEAR, "{\"wait\":null}"},
    {FRAME_RESULT, "{\"data\":{}}"},
    {FRAME_RESULT, "{\"data\":[1],\"metadata\":{}}"},
    {FRAME_RESULT, "{\"data\":{},\"metadata\":false}"},
    {FRAME_ERROR, "{\"ename\":\"E\",\"evalue\":\"\",\"line\":3}"},
    {FRAME_ERROR, "{\"ename\":\"E\",\"evalue\":\"\",\"traceback\":\"\"}"},
    {FRAME_ERROR, "{\"ename\":1,\"evalue\":\"\",\"line\":3,\"traceback\":\"\"}"},
    {FRAME_ERROR, "{\"ename\":\"E\",\"evalue\":{},\"line\":3,\"traceback\":\"\"}"},
    {FRAME_ERROR, "{\"ename\":\"E\",\"evalue\":\"\",\"line\":3.5,\"traceback\":\"\"}"},
    {FRAME_ERROR, "{\"ename\":\"E\",\"evalue\":\"\",\"line\":\"3\",\"traceback\":\"\"}"},
    {FRAME_ERROR, "{\"ename\":\"E\",\"evalue\":\"\",\"line\":1e2,\"traceback\":\"\"}"},
    {FRAME_ERROR, "{\"ename\":\"E\",\"evalue\":\"\",\"line\":3,\"traceback\":[]}"},
    {FRAME_ERROR, "{\"ename\":\"E\",\"evalue\":null,\"line\":3,\"traceback\":\"\"}"},
    {FRAME_DONE, "{}"},
    {FRAME_DONE, "{\"status\":\"ok\"}"},
    {FRAME_DONE, "{\"ms\":1}"},
    {FRAME_DONE, "{\"status\":\"OK\",\"ms\":1}"},
    {FRAME_DONE, "{\"status\":\"\",\"ms\":1}"},
    {FRAME_DONE, "{\"status\":\"ok \",\"ms\":1}"},
    {FRAME_DONE, "{\"status\":1,\"ms\":1}"},
    {FRAME_DONE, "{\"status\":null,\"ms\":1}"},
    {FRAME_DONE, "{\"status\":\"ok\",\"ms\":\"1\"}"},
    {FRAME_DONE, "{\"status\":\"ok\",\"ms\":-1}"},
    {FRAME_DONE, "{\"status\":\"ok\",\"ms\":null}"},
    {FRAME_DONE, "{\"status\":\"ok\",\"ms\":true}"},
    {FRAME_INPUT_REQUEST, "{\"prompt\":\"\"}"},
    {FRAME_INPUT_REQUEST, "{\"password\":true}"},
    {FRAME_INPUT_REQUEST, "{\"prompt\":null,\"password\":true}"},
    {FRAME_INPUT_REQUEST, "{\"prompt\":\"\",\"password\":0}"},
    {FRAME_READY, "{\"pid\":1}"},
    {FRAME_READY, "{\"python\":\"3\"}"},
    {FRAME_READY, "{\"pid\":\"1\",\"python\":\"3\"}"},
    {FRAME_READY, "{\"pid\":1.5,\"python\":\"3\"}"},
    {FRAME_READY, "{\"pid\":1,\"python\":3}"},
};

static void wrong_members_are_refused(void)
{
    for (size_t i = 0; i < sizeof wrong_members / sizeof *wrong_members; i++) {
        check_case(wrong_members[i].payload);
        CHECK(is_refused(wrong_members[i].kind, span_str(wrong_members[i].payload)));
    }
}

/* {"data":[[[...]]],"metadata":{}} */
static void add_nested(struct text *t, size_t depth)
{
    text_add(t, SPAN("{\"metadata\":{},\"data\":{\"a\":"));
    for (size_t i = 0; i < depth; i++) {
        text_add_char(t, '[');
    }
    for (size_t i = 0; i < depth; i++) {
        text_add_char(t, ']');
    }
    text_add(t, SPAN("}}"));
}

static void nesting_is_limited_and_an_output_beyond_it_left_out(void)
{
    CLEANUP(close_world) struct world w = open_world();
    struct text t = TEXT(1000000);
    add_nested(&t, 50);
    CHECK(check(&w, FRAME_DISPLAY, text_span(&t)) == OK);
    text_clear(&t);
    add_nested(&t, 100000);
    CHECK(check(&w, FRAME_DISPLAY, text_span(&t)) == ERR_TOO_LARGE);
    CHECK(check(&w, FRAME_RESULT, text_span(&t)) == ERR_TOO_LARGE);
    CHECK(check(&w, FRAME_UPDATE, text_span(&t)) == ERR_TOO_LARGE);
    CHECK(check(&w, FRAME_ERROR, text_span(&t)) == ERR_INVALID);
    CHECK(check(&w, FRAME_READY, text_span(&t)) == ERR_INVALID);
    text_free(&t);
}

static void add_many(struct text *t, size_t count)
{
    text_add(t, SPAN("{\"metadata\":{},\"data\":{\"a\":[0"));
    for (size_t i = 1; i < count; i++) {
        text_add(t, SPAN(",0"));
    }
    text_add(t, SPAN("]}}"));
}

static void values_are_counted_and_an_output_beyond_the_limit_left_out(void)
{
    CLEANUP(close_world) struct world w = open_world();
    struct text t = TEXT(FRAME_PAYLOAD_MAX);
    add_many(&t, MESSAGE_VALUES_MAX - 10);
    CHECK(check(&w, FRAME_RESULT, text_span(&t)) == OK);
    text_clear(&t);
    add_many(&t, MESSAGE_VALUES_MAX + 10);
    CHECK(check(&w, FRAME_RESULT, text_span(&t)) == ERR_TOO_LARGE);
    CHECK(check(&w, FRAME_DONE, text_span(&t)) == ERR_INVALID);
    text_free(&t);
}

/* --- analysis --- */

static enum err check_analysis(struct world *w, const char *payload, struct analysis *out)
{
    return message_check_analysis(span_str(payload), w->arena, out, &w->problem);
}

static void an_analysis_is_read(void)
{
    CLEANUP(close_world) struct world w = open_world();
    struct analysis a;
    CHECK(check_analysis(&w, "{\"reads\":[\"a\",\"b\",\"\\u00e9\"],\"writes\":[],\"error\":null}",
                         &a) == OK);
    CHECK(a.read_count == 3 && a.write_count == 0 && span_is_null(a.error));
    CHECK(span_eq(a.reads[1], SPAN("b")) && span_eq(a.reads[2], SPAN("\xC3\xA9")));
    CHECK(
        check_analysis(&w,
                       "{\"reads\":[],\"writes\":[\"_x\"],\"error\":{\"message\":\"m\",\"line\":1,"
                       "\"text\":\"SyntaxError: m\"}}",
                       &a) == OK);
    CHECK(a.write_count == 1 && span_eq(a.error, SPAN("SyntaxError: m")));
}

static void unsound_analyses_are_refused(void)
{
    static const char *const cases[] = {
        "",
        "[]",
        "{}",
        "{\"reads\":[],\"writes\":[]}",
        "{\"reads\":[],\"error\":null}",
        "{\"writes\":[],\"error\":null}",
        "{\"reads\":{},\"writes\":[],\"error\":null}",
        "{\"reads\":null,\"writes\":[],\"error\":null}",
        "{\"reads\":[1],\"writes\":[],\"error\":null}",
        "{\"reads\":[null],\"writes\":[],\"error\":null}",
        "{\"reads\":[\"\"],\"writes\":[],\"error\":null}",
        "{\"reads\":[\"b\",\"a\"],\"writes\":[],\"error\":null}",
        "{\"reads\":[\"a\",\"a\"],\"writes\":[],\"error\":null}",
        "{\"reads\":[],\"writes\":[\"b\",\"a\"],\"error\":null}",
        "{\"reads\":[],\"writes\":[[]],\"error\":null}",
        "{\"reads\":[],\"writes\":[],\"error\":\"x\"}",
        "{\"reads\":[],\"writes\":[],\"error\":{}}",
        "{\"reads\":[],\"writes\":[],\"error\":{\"text\":1}}",
        "{\"reads\":[],\"writes\":[],\"error\":{\"text\":\"\"}}",
        "{\"reads\":[],\"writes\":[],\"error\":false}",
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        CLEANUP(close_world) struct world w = open_world();
        struct analysis a;
        check_case(cases[i]);
        CHECK(check_analysis(&w, cases[i], &a) == ERR_INVALID && w.problem != NULL);
    }
}

int main(int argc, char **argv)
{
    static const struct check_test tests[] = {
        TEST(well_formed_messages_become_events),
        TEST(done_tells_its_status_and_time),
        TEST(stream_text_is_repaired),
        TEST(a_full_frame_of_rubbish_is_repaired),
        TEST(what_is_not_an_object_is_refused_in_every_kind),
        TEST(wrong_members_are_refused),
        TEST(nesting_is_limited_and_an_output_beyond_it_left_out),
        TEST(values_are_counted_and_an_output_beyond_the_limit_left_out),
        TEST(an_analysis_is_read),
        TEST(unsound_analyses_are_refused),
    };
    return check_main(argc, argv, tests, sizeof tests / sizeof *tests);
}
