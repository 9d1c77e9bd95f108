#include "clerk/cache.h"

#include "base/mem.h"
#include "base/text.h"
#include "tests/unit/check.h"

#define PLACES ((size_t)CACHE_SETS * CACHE_WAYS)

static struct claims claims_of(const char *user, int64_t expires_ms)
{
    return (struct claims){.who = {.user_id = span_str(user), .session_id = SPAN("s")},
                           .expires_ms = expires_ms};
}

/* A token like a real one: a long common beginning, then what differs. Owned by `a`. */
static struct span token_of(struct arena *a, size_t i)
{
    return arena_printf(a, "eyJhbGciOiJSUzI1NiJ9.eyJzdWIiOiJ1c2VyXzEifQ.%064zu", i);
}

static void a_token_is_found_with_what_it_said(void)
{
    struct cache *c = cache_new();
    char user[] = "user_1";
    char token[] = "aaa.bbb.ccc";
    struct claims said = claims_of(user, 5);
    cache_put(c, span_str(token), &said);
    memset(user, 'x', strlen(user)); /* it was copied */
    const struct claims *found = cache_find(c, SPAN("aaa.bbb.ccc"));
    CHECK(found != NULL && found->expires_ms == 5);
    CHECK(span_eq(found->who.user_id, SPAN("user_1")));
    CHECK(span_eq(found->who.session_id, SPAN("s")));
    CHECK(span_is_null(found->who.party));
    CHECK(cache_count(c) == 1);
    cache_free(c);
}

static void a_token_that_differs_anywhere_is_not_found(void)
{
    struct cache *c = cache_new();
    struct arena *a = arena_new();
    struct span token = token_of(a, 7);
    struct claims said = claims_of("user_1", 5);
    cache_put(c, token, &said);
    for (size_t i = 0; i < token.n; i++) {
        struct span copy = arena_copy(a, token);
        ((char *)copy.p)[i] ^= 1;
        CHECK(cache_find(c, copy) == NULL);
    }
    CHECK(cache_find(c, span_sub(token, 0, token.n - 1)) == NULL);
    CHECK(cache_find(c, span_sub(token, 1, token.n)) == NULL);
    CHECK(cache_find(c, span_sub(token, token.n - 64, 64)) == NULL);
    CHECK(cache_find(c, SPAN("")) == NULL);
    CHECK(cache_find(c, token) != NULL);
    arena_free(a);
    cache_free(c);
}

static void the_same_token_takes_one_place(void)
{
    struct cache *c = cache_new();
    for (int i = 1; i <= 10; i++) {
        struct claims said = claims_of("user_1", i);
        cache_put(c, SPAN("t"), &said);
    }
    CHECK(cache_count(c) == 1 && cache_find(c, SPAN("t"))->expires_ms == 10);
    cache_drop(c, SPAN("t"));
    cache_drop(c, SPAN("t"));
    CHECK(cache_count(c) == 0 && cache_find(c, SPAN("t")) == NULL);
    cache_free(c);
}

static void the_number_of_tokens_is_bounded(void)
{
    struct cache *c = cache_new();
    struct arena *a = arena_new();
    struct claims said = claims_of("user_1", 5);
    for (size_t i = 0; i < 10 * PLACES; i++) {
        cache_put(c, token_of(a, i), &said);
        CHECK(cache_count(c) <= PLACES);
    }
    CHECK(cache_count(c) > PLACES * 9 / 10); /* the hash spreads */
    cache_clear(c);
    CHECK(cache_count(c) == 0 && cache_find(c, token_of(a, 10 * PLACES - 1)) == NULL);
    arena_free(a);
    cache_free(c);
}

static void what_dies_first_makes_room(void)
{
    struct cache *c = cache_new();
    struct arena *a = arena_new();
    struct claims lasting = claims_of("user_1", 1000000);
    struct claims dying = claims_of("user_2", 1);
    for (size_t i = 0; i < 100; i++) {
        cache_put(c, token_of(a, i), &lasting);
    }
    for (size_t i = 100; i < 20 * PLACES; i++) {
        cache_put(c, token_of(a, i), &dying);
    }
    size_t kept = 0;
    for (size_t i = 0; i < 100; i++) {
        kept += cache_find(c, token_of(a, i)) != NULL;
    }
    CHECK(kept == 100); /* more than eight of them in one set of 512 would be odd */
    arena_free(a);
    cache_free(c);
}

static void long_tokens_are_not_remembered(void)
{
    struct cache *c = cache_new();
    char *token = mem_alloc(CACHE_TOKEN_MAX + 1);
    struct claims said = claims_of("user_1", 5);
    memset(token, 'x', CACHE_TOKEN_MAX + 1);
    cache_put(c, span_of(token, CACHE_TOKEN_MAX + 1), &said);
    CHECK(cache_count(c) == 0);
    cache_put(c, span_of(token, CACHE_TOKEN_MAX), &said);
    CHECK(cache_count(c) == 1);
    mem_free(token);
    cache_free(c);
}

int main(int argc, char **argv)
{
    static const struct check_test tests[] = {
        TEST(a_token_is_found_with_what_it_said), TEST(a_token_that_differs_anywhere_is_not_found),
        TEST(the_same_token_takes_one_place),     TEST(the_number_of_tokens_is_bounded),
        TEST(what_dies_first_makes_room),         TEST(long_tokens_are_not_remembered),
    };
    return check_main(argc, argv, tests, sizeof tests / sizeof *tests);
}
