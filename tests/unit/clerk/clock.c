/* Clocks that stand apart: noticed, measured, and said once (CLERK.md G2). */
#include "base/clock.h"

#include "tests/unit/check.h"
#include "tests/unit/clerk/capture.h"
#include "tests/unit/clerk/world.h"

static char *future_token(int64_t seconds)
{
    CLEANUP(mem_free_ptr) char *header = mint_header((struct mint_member){0});
    CLEANUP(mem_free_ptr) char *payload = mint_payload_at(clock_unix_ms() / 1000 + seconds, 60);
    return mint_sign(mint_key(MINT_GOOD), header, payload);
}

static void a_token_from_the_future_is_measured_and_logged_once(void)
{
    struct capture c;
    int64_t behind = 0;
    struct world *w = world_open();
    CLEANUP(mem_free_ptr) char *token = future_token(12);
    CLEANUP(mem_free_ptr) char *later = future_token(14);
    CHECK(!clerk_clock_offset(w->clerk, &behind));
    capture_begin(&c);
    int refused = 0;
    for (int i = 0; i < 3; i++) { /* no CHECK in here: its words would be captured */
        refused += world_ask(w, token).reason == CLERK_TOKEN_IAT_IN_THE_FUTURE;
        refused += world_ask(w, later).reason == CLERK_TOKEN_IAT_IN_THE_FUTURE;
    }
    capture_end(&c);
    CHECK(refused == 6);
    CHECK(capture_count(&c, "\"clerk_clock_offset\"") == 1);
    CHECK(capture_count(&c, "token from the future") == 1);
    CHECK(capture_count(&c, token) == 0);
    CHECK(clerk_clock_offset(w->clerk, &behind) && behind > 7000 && behind <= 12000);
    world_close(w);
}

static void who_cannot_sign_says_nothing_about_clocks(void)
{
    struct capture c;
    int64_t behind = 0;
    struct world *w = world_open();
    CLEANUP(mem_free_ptr) char *header = mint_header((struct mint_member){0});
    CLEANUP(mem_free_ptr) char *payload = mint_payload_at(clock_unix_ms() / 1000 + 100, 60);
    CLEANUP(mem_free_ptr) char *token = mint_sign(mint_key(MINT_OTHER), header, payload);
    capture_begin(&c);
    enum clerk_reason reason = world_ask(w, token).reason;
    capture_end(&c);
    CHECK(reason == CLERK_TOKEN_INVALID_SIGNATURE);
    CHECK(capture_count(&c, "clerk_clock_offset") == 0 && !clerk_clock_offset(w->clerk, &behind));
    world_close(w);
}

/* A Date header that many seconds from now. */
static void write_date(char *out, size_t cap, int64_t offset_s)
{
    time_t t = (time_t)(clock_unix_ms() / 1000 + offset_s);
    struct tm parts;
    CHECK(gmtime_r(&t, &parts) != NULL);
    CHECK(strftime(out, cap, "Date: %a, %d %b %Y %H:%M:%S GMT\r\n", &parts) > 0);
}

/* Two fetches, whose answers have the Date; returns how often the log speaks of the clock. */
static int fetch_with_date(const char *header, int64_t *behind, bool *measured)
{
    struct capture c;
    struct world *w = world_new();
    struct clerk_options options = world_options(w);
    options.cooldown_s = 0;
    world_open_with(w, &options);
    CLEANUP(mem_free_ptr) char *token = world_token();
    CLEANUP(mem_free_ptr) char *unknown = world_token_of(MINT_OTHER, "\"ins_2\"", 60);
    server_reply(w->server, "200 OK", header, w->document);
    capture_begin(&c);
    enum clerk_verdict verdict = world_ask(w, token).verdict;
    int waits = world_ask(w, unknown).waits;
    capture_end(&c);
    CHECK(verdict == CLERK_PASS && waits == 1 && server_count(w->server) == 2);
    *measured = clerk_clock_offset(w->clerk, behind);
    world_close(w);
    return capture_count(&c, "\"clerk_clock_offset\"");
}

static void the_key_servers_date_is_compared(void)
{
    static const struct {
        int64_t offset_s;
        int lines;
    } cases[] = {{0, 0}, {60, 1}, {-60, 1}, {86400, 1}};
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        char header[128];
        bool measured = false;
        int64_t behind = 0;
        write_date(header, sizeof header, cases[i].offset_s);
        check_case(header);
        CHECK(fetch_with_date(header, &behind, &measured) == cases[i].lines && measured);
        CHECK(behind > cases[i].offset_s * 1000 - 3000 && behind <= cases[i].offset_s * 1000);
    }
}

static void a_date_that_is_none_is_ignored(void)
{
    static const char *const headers[] = {"", "Date: yesterday\r\n", "Date: \r\n", "Date: 0\r\n"};
    for (size_t i = 0; i < sizeof headers / sizeof *headers; i++) {
        bool measured = true;
        int64_t behind = 0;
        check_case(headers[i]);
        CHECK(fetch_with_date(headers[i], &behind, &measured) == 0 && !measured);
    }
}

int main(int argc, char **argv)
{
    static const struct check_test tests[] = {
        TEST(a_token_from_the_future_is_measured_and_logged_once),
        TEST(who_cannot_sign_says_nothing_about_clocks),
        TEST(the_key_servers_date_is_compared),
        TEST(a_date_that_is_none_is_ignored),
    };
    (void)mint_key(MINT_GOOD);
    (void)mint_key(MINT_OTHER);
    return check_main(argc, argv, tests, sizeof tests / sizeof *tests);
}
