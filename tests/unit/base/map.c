#include "base/map.h"

#include <inttypes.h>
#include <unistd.h>

#include "base/id.h"
#include "base/mem.h"
#include "base/siphash.h"
#include "tests/unit/check.h"

enum { KEYS = 100000 };

/* The vector of the paper (appendix A), and the first and last of the reference implementation's
 * table: key 00..0f, input 00, 01, ... of that many bytes. */
static const struct {
    size_t length;
    uint64_t hash;
} vectors[] = {{0, 0x726fdb47dd0e0e31}, {1, 0x74f839c593dc67fd},  {7, 0xab0200f58b01d137},
               {8, 0x93f5f5799a932462}, {15, 0xa129ca6149be45e5}, {63, 0x958a324ceb064572}};

static void the_hash_is_siphash_2_4(void)
{
    const struct siphash_key key = {0x0706050403020100, 0x0f0e0d0c0b0a0908};
    char input[64];
    for (size_t i = 0; i < sizeof input; i++) {
        input[i] = (char)i;
    }
    for (size_t i = 0; i < sizeof vectors / sizeof *vectors; i++) {
        CHECK(siphash(&key, span_of(input, vectors[i].length)) == vectors[i].hash);
    }
    CHECK(siphash(&key, SPAN_NULL) == vectors[0].hash);
}

static void an_empty_map_answers(void)
{
    struct map m = {0};
    size_t i = 0;
    struct span key;
    void *value;
    CHECK(map_get(&m, SPAN("a")) == NULL && map_remove(&m, SPAN("a")) == NULL);
    CHECK(!map_next(&m, &i, &key, &value));
    map_free(&m);
}

static void putting_replaces_and_returns_the_old_value(void)
{
    struct map m = {0};
    int a = 0;
    int b = 0;
    CHECK(map_put(&m, SPAN("k"), &a) == NULL && map_get(&m, SPAN("k")) == &a);
    CHECK(map_put(&m, SPAN("k"), &b) == &a && map_get(&m, SPAN("k")) == &b && m.count == 1);
    CHECK(map_remove(&m, SPAN("k")) == &b && map_get(&m, SPAN("k")) == NULL && m.count == 0);
    map_free(&m);
    CHECK(m.slots == NULL && m.cap == 0);
}

static void keys_are_bytes_and_are_copied(void)
{
    struct map m = {0};
    int v[4];
    char key[] = "mine";
    map_put(&m, span_str(key), &v[0]);
    key[0] = 'X';
    CHECK(map_get(&m, SPAN("mine")) == &v[0] && map_get(&m, span_str(key)) == NULL);
    map_put(&m, SPAN("a\0b"), &v[1]);
    map_put(&m, SPAN("a\0c"), &v[2]);
    CHECK(map_get(&m, SPAN("a\0b")) == &v[1] && map_get(&m, SPAN("a\0c")) == &v[2]);
    map_put(&m, SPAN(""), &v[3]);
    CHECK(map_get(&m, SPAN_NULL) == &v[3] && map_remove(&m, SPAN_NULL) == &v[3]);
    CHECK(map_put(&m, SPAN_NULL, &v[3]) == NULL && map_get(&m, SPAN("")) == &v[3]);
    map_free(&m);
}

static struct span key_of(size_t i, char out[24])
{
    return span_of(out, (size_t)snprintf(out, 24, "key-%zu", i));
}

static uint64_t next_random(uint64_t *state)
{
    *state ^= *state << 13;
    *state ^= *state >> 7;
    *state ^= *state << 17;
    return *state;
}

/* The naive model: there[i] is whether key i is in the map. */
static void check_against(const struct map *m, const char *there)
{
    size_t count = 0;
    for (size_t i = 0; i < KEYS; i++) {
        char buffer[24];
        const char *value = map_get(m, key_of(i, buffer));
        CHECK(value == (there[i] ? there + i : NULL));
        count += there[i] != 0;
    }
    CHECK(m->count == count);
    char *visited = mem_alloc(KEYS);
    size_t at = 0;
    struct span key;
    void *value;
    while (map_next(m, &at, &key, &value)) {
        size_t i = (size_t)((char *)value - there);
        char buffer[24];
        CHECK(there[i] && !visited[i]++ && span_eq(key, key_of(i, buffer)));
        count--;
    }
    CHECK(count == 0);
    mem_free(visited);
}

static void a_hundred_thousand_keys_match_a_naive_model(void)
{
    struct map m = {0};
    char *there = mem_alloc(KEYS);
    uint64_t state = 0;
    id_random(&state, sizeof state);
    fprintf(stderr, "# seed %" PRIu64 "\n", state);
    for (size_t i = 0; i < KEYS; i++) {
        char buffer[24];
        CHECK(map_put(&m, key_of(i, buffer), there + i) == NULL);
        there[i] = 1;
    }
    check_against(&m, there);
    for (int round = 0; round < 4; round++) {
        for (size_t step = 0; step < KEYS; step++) {
            uint64_t random = next_random(&state);
            size_t i = (random >> 8) % KEYS;
            char buffer[24];
            void *expected = there[i] ? there + i : NULL;
            bool add = (random & 3) == 0;
            void *old =
                add ? map_put(&m, key_of(i, buffer), there + i) : map_remove(&m, key_of(i, buffer));
            CHECK(old == expected);
            there[i] = add ? 1 : 0;
        }
        check_against(&m, there);
    }
    map_free(&m);
    mem_free(there);
}

static void a_map_that_is_filled_and_emptied_does_not_grow(void)
{
    struct map m = {0};
    int value;
    for (size_t i = 0; i < 100000; i++) {
        char buffer[24];
        map_put(&m, key_of(i, buffer), &value);
        if (i >= 5) {
            CHECK(map_remove(&m, key_of(i - 5, buffer)) == &value);
        }
    }
    CHECK(m.count == 5 && m.cap <= 16);
    map_free(&m);
}

static void two_processes_hash_differently(void)
{
    int ends[2];
    uint64_t theirs = 0;
    CHECK(pipe(ends) == 0);
    pid_t child = fork(); /* before this process has drawn its key */
    if (child == 0) {
        uint64_t mine = map_hash(SPAN("notebook"));
        _exit(write(ends[1], &mine, sizeof mine) != sizeof mine);
    }
    CHECK(child > 0 && read(ends[0], &theirs, sizeof theirs) == sizeof theirs);
    CHECK(map_hash(SPAN("notebook")) != theirs);
    CHECK(map_hash(SPAN("notebook")) == map_hash(SPAN("notebook")));
}

int main(int argc, char **argv)
{
    static const struct check_test tests[] = {
        TEST(the_hash_is_siphash_2_4),
        TEST(an_empty_map_answers),
        TEST(putting_replaces_and_returns_the_old_value),
        TEST(keys_are_bytes_and_are_copied),
        TEST(a_hundred_thousand_keys_match_a_naive_model),
        TEST(a_map_that_is_filled_and_emptied_does_not_grow),
        TEST(two_processes_hash_differently),
    };
    return check_main(argc, argv, tests, sizeof tests / sizeof *tests);
}
