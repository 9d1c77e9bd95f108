#include <float.h>
#include <inttypes.h>
#include <math.h>

#include "base/id.h"
#include "tests/unit/base/parse.h"

static void commas_and_colons_look_after_themselves(void)
{
    struct text t = TEXT(1000);
    struct json_writer w = JSON_WRITER(&t);
    json_open_object(&w);
    json_member_string(&w, SPAN("s"), SPAN("x"));
    json_member_int(&w, SPAN("i"), -5);
    json_member_bool(&w, SPAN("b"), true);
    json_member_raw(&w, SPAN("r"), SPAN("{\"k\":[1]}"));
    json_put_name(&w, SPAN("a"));
    json_open_array(&w);
    json_open_array(&w);
    json_close_array(&w);
    json_open_object(&w);
    json_close_object(&w);
    json_put_null(&w);
    json_put_bool(&w, false);
    json_put_double(&w, 1.5);
    json_put_raw(&w, SPAN("7"));
    json_close_array(&w);
    json_put_name(&w, SPAN("o"));
    json_open_object(&w);
    json_member_string(&w, SPAN(""), SPAN_NULL);
    json_close_object(&w);
    json_close_object(&w);
    CHECK(span_eq(text_span(&t), SPAN("{\"s\":\"x\",\"i\":-5,\"b\":true,\"r\":{\"k\":[1]},"
                                      "\"a\":[[],{},null,false,1.5,7],\"o\":{\"\":null}}")));
    text_free(&t);
}

#define WRITE_CASE(literal, expected)                                                              \
    {                                                                                              \
        literal, sizeof(literal) - 1, expected                                                     \
    }
static const struct {
    const char *p;
    size_t n;
    const char *json;
} string_cases[] = {
    WRITE_CASE("", "\"\""),
    WRITE_CASE("plain </script>", "\"plain </script>\""),
    WRITE_CASE("\"\\/\b\f\n\r\t", "\"\\\"\\\\/\\b\\f\\n\\r\\t\""),
    WRITE_CASE("\0\x01\x1F\x7F", "\"\\u0000\\u0001\\u001f\x7F\""),
    WRITE_CASE("\xC3\xA9\xE2\x82\xAC\xF0\x9F\x98\x80", "\"\xC3\xA9\xE2\x82\xAC\xF0\x9F\x98\x80\""),
    WRITE_CASE("a\xFFz", "\"a\xEF\xBF\xBDz\""),
    WRITE_CASE("\xC3", "\"\xEF\xBF\xBD\""),
    WRITE_CASE("\xE2\x82", "\"\xEF\xBF\xBD\xEF\xBF\xBD\""),
    WRITE_CASE("\xED\xA0\x80", "\"\xEF\xBF\xBD\xEF\xBF\xBD\xEF\xBF\xBD\""),
    WRITE_CASE("\xC3\"", "\"\xEF\xBF\xBD\\\"\""),
    WRITE_CASE("1234567\n9", "\"1234567\\n9\""),
};

static void strings_are_escaped_and_always_utf8(void)
{
    for (size_t i = 0; i < sizeof string_cases / sizeof *string_cases; i++) {
        struct text t = TEXT(1000);
        struct json_writer w = JSON_WRITER(&t);
        check_case(string_cases[i].json);
        json_put_string(&w, span_of(string_cases[i].p, string_cases[i].n));
        CHECK(span_eq(text_span(&t), span_str(string_cases[i].json)));
        text_free(&t);
    }
}

static void any_bytes_make_a_string_that_can_be_read(void)
{
    for (int i = 0; i < 20000; i++) {
        char bytes[64];
        size_t n = (size_t)i % sizeof bytes;
        id_random(bytes, n);
        struct text t = TEXT(1000);
        struct json_writer w = JSON_WRITER(&t);
        json_put_string(&w, span_of(bytes, n));
        struct parse p = parse_text(text_span(&t));
        CHECK(p.e == OK && p.root->kind == JSON_STRING);
        CHECK(!span_is_utf8(span_of(bytes, n)) || span_eq(p.root->string, span_of(bytes, n)));
        parse_free(&p);
        text_free(&t);
    }
}

static const struct {
    double value;
    const char *json;
} double_cases[] = {
    {0.0, "0"},
    {-0.0, "-0"},
    {1.0, "1"},
    {-1.5, "-1.5"},
    {0.1, "0.1"},
    {0.1 + 0.2, "0.30000000000000004"},
    {1.0 / 3.0, "0.3333333333333333"},
    {12.25, "12.25"},
    {0.000001, "1e-06"},
    {0.0001, "0.0001"},
    {123456.789012, "123456.789012"},
    {999999999.999999, "999999999.999999"},
    {1e9, "1000000000"},
    {1e15, "1e+15"},
    {1e21, "1e+21"},
    {1e23, "1e+23"},
    {5e-324, "4.94065645841247e-324"},
    {DBL_MAX, "1.7976931348623157e+308"},
    {DBL_MIN, "2.2250738585072014e-308"},
    {9007199254740993.0, "9007199254740992"},
    {NAN, "null"},
    {INFINITY, "null"},
    {-INFINITY, "null"},
};

static void doubles_are_as_short_as_they_can_be(void)
{
    for (size_t i = 0; i < sizeof double_cases / sizeof *double_cases; i++) {
        struct text t = TEXT(100);
        struct json_writer w = JSON_WRITER(&t);
        check_case(double_cases[i].json);
        json_put_double(&w, double_cases[i].value);
        CHECK(span_eq(text_span(&t), span_str(double_cases[i].json)));
        text_free(&t);
    }
}

static void check_double(double v)
{
    struct text t = TEXT(100);
    struct json_writer w = JSON_WRITER(&t);
    json_put_double(&w, v);
    char expected[40];
    for (int digits = 15; digits <= 17; digits++) {
        (void)snprintf(expected, sizeof expected, "%.*g", digits, v);
        if (strtod(expected, NULL) == v) {
            break;
        }
    }
    check_case(expected);
    CHECK(span_eq(text_span(&t), span_str(expected)));
    struct parse p = parse_text(text_span(&t));
    CHECK(p.e == OK && p.root->number == v && (signbit(p.root->number) != 0) == (signbit(v) != 0));
    parse_free(&p);
    text_free(&t);
}

static void every_double_comes_back(void)
{
    uint64_t seed = 0;
    for (int i = 0; i < 30000; i++) {
        double any;
        id_random(&seed, sizeof seed);
        memcpy(&any, &seed, sizeof any);
        if (isfinite(any)) {
            check_double(any);
        }
        int64_t whole = (int64_t)(seed >> (seed % 60 + 4));
        check_double((double)whole / 1000.0);
        check_double(-(double)whole / 1e6);
        check_double((double)whole * 0.1);
        check_double((double)(whole % 1000000) * 1e-7);
    }
}

static void integers_come_back(void)
{
    static const int64_t values[] = {0, 1, -1, 9, 10, -10, INT32_MAX, INT64_MAX, INT64_MIN};
    for (size_t i = 0; i < sizeof values / sizeof *values; i++) {
        struct text t = TEXT(100);
        struct json_writer w = JSON_WRITER(&t);
        json_put_int(&w, values[i]);
        char expected[32];
        (void)snprintf(expected, sizeof expected, "%" PRId64, values[i]);
        CHECK(span_eq(text_span(&t), span_str(expected)));
        text_free(&t);
    }
}

static void a_text_that_is_too_small_says_so(void)
{
    for (size_t max = 0; max < 24; max++) {
        struct text t = TEXT(max);
        struct json_writer w = JSON_WRITER(&t);
        json_open_object(&w);
        json_member_string(&w, SPAN("name"), SPAN("a\nb"));
        json_member_int(&w, SPAN("n"), 12);
        json_close_object(&w);
        CHECK(t.overflowed == (max < sizeof "{\"name\":\"a\\nb\",\"n\":12}" - 1) && t.n <= max);
        text_free(&t);
    }
}

int main(int argc, char **argv)
{
    static const struct check_test tests[] = {
        TEST(commas_and_colons_look_after_themselves),
        TEST(strings_are_escaped_and_always_utf8),
        TEST(any_bytes_make_a_string_that_can_be_read),
        TEST(doubles_are_as_short_as_they_can_be),
        TEST(every_double_comes_back),
        TEST(integers_come_back),
        TEST(a_text_that_is_too_small_says_so),
    };
    return check_main(argc, argv, tests, sizeof tests / sizeof *tests);
}
