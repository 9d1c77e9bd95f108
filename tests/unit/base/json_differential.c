/* Our reader against jansson, an independent strict one, over generated and damaged documents: both
 * must accept the same ones and see the same values. Known differences, checked below:
 *   - jansson refuses integers outside of 64 bits; we read them as doubles;
 *   - jansson refuses names that hold U+0000; we do not;
 *   - jansson overlooks a NUL byte behind a number or a word; JSON has no place for one.
 * The seed is printed; the environment variable SEED repeats a run. */
#include <inttypes.h>

#include "base/id.h"
#include "tests/unit/base/parse.h"
#include "tests/unit/base/peer.h"

enum { DOCUMENTS = 20000, MAX_DOCUMENT = 1 << 16, MAX_DEPTH = 6 };

static uint64_t state;

static size_t below(size_t n)
{
    state ^= state << 13;
    state ^= state >> 7;
    state ^= state << 17;
    return (state >> 11) % n;
}

static void seed(void)
{
    const char *given = getenv("SEED");
    if (given != NULL) {
        state = strtoull(given, NULL, 10);
    } else {
        id_random(&state, sizeof state);
    }
    state |= 1;
    fprintf(stderr, "# SEED=%" PRIu64 "\n", state);
}

#define ONE_OF(array) (array)[below(sizeof(array) / sizeof *(array))]

static void put_blank(struct text *t)
{
    static const char *const blanks[] = {"", "", "", "", "", "", " ", "\n", "\t", "\r\n", "  "};
    text_add(t, span_str(ONE_OF(blanks)));
}

static void put_string(struct text *t)
{
    static const char *const pieces[] = {"a",        "b",
                                         "key",      "0123456789",
                                         "\\n",      "\\\"",
                                         "\\\\",     "\\/",
                                         "\\u0041",  "\\u00e9",
                                         "\\u20ac",  "\\u0000",
                                         "\\b\\f",   "\\ud83d\\ude00",
                                         "\xC3\xA9", "\xE2\x82\xAC",
                                         "\x7F",     "</",
                                         " ",        "\xF0\x9F\x98\x80",
                                         "\\r\\t",   "'"};
    text_add_char(t, '"');
    for (size_t n = below(5); n > 0; n--) {
        text_add(t, span_str(ONE_OF(pieces)));
    }
    text_add_char(t, '"');
}

static void put_digits(struct text *t, size_t most)
{
    for (size_t n = 1 + below(most); n > 0; n--) {
        text_add_char(t, (char)('0' + below(10)));
    }
}

static void put_number(struct text *t)
{
    static const char *const odd[] = {"0",
                                      "-0",
                                      "-0.0",
                                      "9223372036854775807",
                                      "-9223372036854775808",
                                      "9223372036854775808",
                                      "1e308",
                                      "1e309",
                                      "5e-324",
                                      "1E+2"};
    if (below(4) == 0) {
        text_add(t, span_str(ONE_OF(odd)));
        return;
    }
    text_add(t, below(3) == 0 ? SPAN("-") : SPAN(""));
    text_add_char(t, (char)('1' + below(9)));
    if (below(2) == 0) {
        put_digits(t, 21);
    }
    if (below(2) == 0) {
        text_add_char(t, '.');
        put_digits(t, 20);
    }
    if (below(4) == 0) {
        static const char *const signs[] = {"e", "E", "e-", "e+"};
        text_add(t, span_str(ONE_OF(signs)));
        put_digits(t, 3);
    }
}

static void put_value(struct text *t, int depth);

static void put_items(struct text *t, int depth, bool named)
{
    for (size_t n = below(6), i = 0; i < n; i++) {
        text_add(t, i == 0 ? SPAN("") : SPAN(","));
        put_blank(t);
        if (named) {
            put_string(t);
            put_blank(t);
            text_add_char(t, ':');
        }
        put_value(t, depth + 1);
    }
}

static void put_value(struct text *t, int depth)
{
    static const char *const words[] = {"true", "false", "null"};
    put_blank(t);
    size_t kind = below(depth == 0 ? 10 : depth < MAX_DEPTH ? 6 : 3);
    if (kind == 0) {
        text_add(t, span_str(ONE_OF(words)));
    } else if (kind == 1) {
        put_number(t);
    } else if (kind == 2) {
        put_string(t);
    } else {
        bool named = below(2) == 0;
        text_add_char(t, named ? '{' : '[');
        put_items(t, depth, named);
        put_blank(t);
        text_add_char(t, named ? '}' : ']');
    }
    put_blank(t);
}

/* Replaces `cut` bytes at `at`. */
static void splice(struct text *t, size_t at, size_t cut, struct span with)
{
    struct text result = TEXT(t->max);
    text_add(&result, span_sub(text_span(t), 0, at));
    text_add(&result, with);
    text_add(&result, span_sub(text_span(t), at + cut, t->n));
    text_free(t);
    *t = result;
}

static void damage(struct text *t)
{
    static const char *const pieces[] = {"\"",
                                         "\\",
                                         "{",
                                         "}",
                                         "[",
                                         "]",
                                         ",",
                                         ":",
                                         "0",
                                         "1",
                                         "-",
                                         ".",
                                         "e",
                                         "+",
                                         "\x01",
                                         "\x80",
                                         "\xED\xA0\x80",
                                         "\xFF",
                                         "\\u",
                                         "\\ud800",
                                         "\\udc00",
                                         "\n",
                                         "t",
                                         "null",
                                         "/",
                                         "\xC3",
                                         "\xE2\x82",
                                         "\xF4\x90\x80\x80",
                                         "\xC0\x80",
                                         "\xEF\xBB\xBF"};
    size_t at = below(t->n + 1);
    switch (below(4)) {
    case 0:
        splice(t, at, below(3), SPAN(""));
        break;
    case 1: {
        char byte = (char)below(256);
        splice(t, at, below(2), span_of(&byte, 1));
        break;
    }
    case 2: {
        CLEANUP(mem_free_ptr) char *copy = mem_copy(text_span(t));
        splice(t, at, 0, span_sub(span_of(copy, t->n), below(t->n + 1), below(20)));
        break;
    }
    default:
        splice(t, at, below(2), span_str(ONE_OF(pieces)));
        break;
    }
}

static bool is_same(const struct json *ours, const struct peer *theirs);

static bool are_items_same(const struct json *ours, const struct peer *theirs)
{
    if (ours->count != theirs->count) {
        return false;
    }
    for (size_t i = 0; i < ours->count; i++) {
        const struct json *item = &ours->items[i];
        struct peer other =
            ours->kind == JSON_OBJECT ? peer_member(theirs, item->name) : peer_item(theirs, i);
        if (!is_same(item, &other)) {
            return false;
        }
    }
    return true;
}

static bool is_same(const struct json *ours, const struct peer *theirs)
{
    switch (ours->kind) {
    case JSON_NULL:
        return theirs->kind == PEER_NULL;
    case JSON_BOOL:
        return theirs->kind == PEER_BOOL && theirs->boolean == ours->boolean;
    case JSON_NUMBER:
        return ours->is_integer ? theirs->kind == PEER_INT && theirs->integer == ours->integer
                                : theirs->kind == PEER_REAL && theirs->real == ours->number;
    case JSON_STRING:
        return theirs->kind == PEER_STRING && span_eq(ours->string, theirs->string);
    case JSON_ARRAY:
        return theirs->kind == PEER_ARRAY && are_items_same(ours, theirs);
    case JSON_OBJECT:
        return theirs->kind == PEER_OBJECT && are_items_same(ours, theirs);
    }
    return false;
}

static bool is_large_integer(const struct json *v)
{
    return v->kind == JSON_NUMBER && !v->is_integer && span_find(v->raw, '.') == v->raw.n &&
           span_find(v->raw, 'e') == v->raw.n && span_find(v->raw, 'E') == v->raw.n;
}

static bool has_nul_in_name(const struct json *v)
{
    return span_find(v->name, '\0') != v->name.n;
}

static bool any(const struct json *v, bool (*is_it)(const struct json *))
{
    bool found = is_it(v);
    for (size_t i = 0; i < v->count && !found; i++) {
        found = any(&v->items[i], is_it);
    }
    return found;
}

static bool is_known_difference(const struct json *ours, const struct peer_refusal *theirs)
{
    return (theirs->overflow && any(ours, is_large_integer)) ||
           (theirs->nul_in_name && any(ours, has_nul_in_name));
}

struct tally {
    size_t accepted, refused, different;
};

static void compare(struct span document, struct tally *tally)
{
    struct peer_refusal refusal;
    struct peer theirs = peer_parse(document, &refusal);
    struct parse ours = parse_text(document);
    bool agreed = false;
    if (ours.root == NULL) {
        agreed = theirs.kind == PEER_REFUSED || span_find(document, '\0') != document.n;
        tally->refused++;
    } else if (theirs.kind == PEER_REFUSED) {
        agreed = is_known_difference(ours.root, &refusal);
        tally->different++;
    } else {
        agreed = is_same(ours.root, &theirs);
        tally->accepted++;
    }
    if (!agreed) {
        fprintf(stderr, "# ours: %s, theirs: %s\n# %.*s\n",
                ours.root == NULL ? ours.error.what : "accepted", refusal.text,
                SPAN_ARGS(document));
    }
    CHECK(agreed);
    peer_free(&theirs);
    parse_free(&ours);
}

static void both_readers_agree_on_generated_documents(void)
{
    struct tally tally = {0};
    seed();
    for (int i = 0; i < DOCUMENTS; i++) {
        struct text t = TEXT(MAX_DOCUMENT);
        put_value(&t, 0);
        CHECK(!t.overflowed);
        compare(text_span(&t), &tally);
        text_free(&t);
    }
    fprintf(stderr, "# %zu accepted, %zu refused, %zu known differences\n", tally.accepted,
            tally.refused, tally.different);
    CHECK(tally.accepted > DOCUMENTS / 3);
}

static void both_readers_agree_on_damaged_documents(void)
{
    struct tally tally = {0};
    seed();
    for (int i = 0; i < DOCUMENTS; i++) {
        struct text t = TEXT(MAX_DOCUMENT);
        put_value(&t, 0);
        for (size_t n = 1 + below(3); n > 0; n--) {
            damage(&t);
        }
        CHECK(!t.overflowed);
        compare(text_span(&t), &tally);
        text_free(&t);
    }
    fprintf(stderr, "# %zu accepted, %zu refused, %zu known differences\n", tally.accepted,
            tally.refused, tally.different);
    CHECK(tally.accepted > DOCUMENTS / 50 && tally.refused > DOCUMENTS / 3);
}

/* Each pair of bytes as a document, as a string and as a member's name. */
static void both_readers_agree_on_every_pair_of_bytes(void)
{
    struct tally tally = {0};
    for (size_t pair = 0; pair < 65536; pair++) {
        char text[] = "{\"ab\":0}";
        char a = (char)(pair >> 8);
        char b = (char)pair;
        compare(span_of((char[]){a, b}, 2), &tally);
        compare(span_of((char[]){'"', a, b, '"'}, 4), &tally);
        text[2] = a;
        text[3] = b;
        compare(span_of(text, sizeof text - 1), &tally);
    }
    CHECK(tally.accepted > 10000 && tally.different == 0);
}

int main(int argc, char **argv)
{
    static const struct check_test tests[] = {
        TEST(both_readers_agree_on_generated_documents),
        TEST(both_readers_agree_on_damaged_documents),
        TEST(both_readers_agree_on_every_pair_of_bytes),
    };
    return check_main(argc, argv, tests, sizeof tests / sizeof *tests);
}
