/* What RFC 8259 calls JSON, case by case: the categories of Nicolas Seriot's "Parsing JSON is a
 * Minefield", in our own words. Where the RFC leaves the choice to the reader, `json.h` has made
 * it. */
#include "tests/unit/base/parse.h"

#define CASE(literal)                                                                              \
    {                                                                                              \
        literal, sizeof(literal) - 1                                                               \
    }

struct text_case {
    const char *p;
    size_t n;
};

static const struct text_case structure_accepted[] = {
    CASE("[]"),
    CASE("{}"),
    CASE("[[]   ]"),
    CASE("[\"\"]"),
    CASE("[null, 1, \"1\", {}]"),
    CASE("[1,null,null,null,2]"),
    CASE("[false]"),
    CASE("[true]"),
    CASE(" [1] "),
    CASE("[1\n]"),
    CASE("\t\r\n [ \t\r\n] \t\r\n"),
    CASE("[[[[[[[[[[]]]]]]]]]]"),
    CASE("{\"a\":{\"a\":{\"a\":{}}}}"),
    CASE("[{},[],{},[]]"),
    CASE("\"alone\""),
    CASE("42"),
    CASE("-0.1"),
    CASE("null"),
    CASE("true"),
    CASE("false"),
    CASE(" null "),
    CASE("\"\""),
    CASE("{\"a\":\"b\"}"),
    CASE("{\"a\":\"b\",\"c\":\"d\"}"),
    CASE("{\"\":0}"),
    CASE("{\"a\":[]}"),
    CASE("{\"a\":1,\"A\":1}"),
    CASE("{\"a\":1,\"a \":1}"),
    CASE("{\"foo\\u0000bar\": 42}"),
    CASE("{ \"min\": -1.0e+28, \"max\": 1.0e+28 }"),
    CASE("{\"x\":[{\"id\": \"x\"}], \"id\": \"x\"}"),
    CASE("{\n\"a\": \"b\"\n}"),
    CASE("{\"\\u0070\\u006f\":\"x\"}"),
};

static const struct text_case structure_refused[] = {
    CASE(""),
    CASE(" "),
    CASE("["),
    CASE("]"),
    CASE("{"),
    CASE("}"),
    CASE("[1"),
    CASE("[1,"),
    CASE("[,"),
    CASE("[,1]"),
    CASE("[1,]"),
    CASE("[1,,]"),
    CASE("[1,,2]"),
    CASE("[,]"),
    CASE("[   , \"\"]"),
    CASE("[1 true]"),
    CASE("[\"a\" \"b\"]"),
    CASE("[\"a\": 1]"),
    CASE("[\"\": 1]"),
    CASE("[1:2]"),
    CASE("[3[4]]"),
    CASE("[a"),
    CASE("[x"),
    CASE("[x, truth]"),
    CASE("[*]"),
    CASE("[1]x"),
    CASE("[1]]"),
    CASE("[][]"),
    CASE("[]}"),
    CASE("[}"),
    CASE("{]"),
    CASE("[1}"),
    CASE("{\"a\":1]"),
    CASE("[\"a\",\n4\n,1,"),
    CASE("[\"\",\n"),
    CASE("[1,\n1\n,1"),
    CASE("[{}"),
    CASE("[[[[[["),
    CASE("{\"a\":{\"a\":{\"a\":{"),
    CASE("{\"a\""),
    CASE("{\"a\":"),
    CASE("{\"a\":\"b\""),
    CASE("{\"a\":\"b\","),
    CASE("{\"a\""),
    CASE("{\"a\"}"),
    CASE("{\"a\" \"b\"}"),
    CASE("{\"a\" b}"),
    CASE("{\"a\",\"b\"}"),
    CASE("{\"a\"::\"b\"}"),
    CASE("{\"a\":\"b\",}"),
    CASE("{\"a\":\"b\",,\"c\":\"d\"}"),
    CASE("{,\"a\":1}"),
    CASE("{,}"),
    CASE("{:\"b\"}"),
    CASE("{\"a\":1,}"),
    CASE("{\"a\":\"a\" 123}"),
    CASE("{a: \"b\"}"),
    CASE("{'a':0}"),
    CASE("{1:1}"),
    CASE("{null:null}"),
    CASE("{[]:1}"),
    CASE("{\"a\":0 \"b\":1}"),
    CASE("{\"a\":/*comment*/\"b\"}"),
    CASE("{\"a\":\"b\"}/**/"),
    CASE("{\"a\":\"b\"}//"),
    CASE("{\"a\":\"b\"}#"),
    CASE("// x\n[]"),
    CASE("{\"a\": true} \"x\""),
    CASE("{\"a\":\"b\"}{}"),
    CASE("{\xF0\x9F\x87\xA8}"),
    CASE("{\"a\":1,\"a\":2}"), /* duplicate names */
    CASE("{\"a\":1,\"a\":1}"),
    CASE("{\"a\":1,\"b\":2,\"\\u0061\":3}"),
    CASE("{\"\":1,\"\":2}"),
    CASE("[{\"x\":{\"y\":1,\"y\":1}}]"),
    CASE("nul"),
    CASE("nulll"),
    CASE("Null"),
    CASE("NULL"),
    CASE("True"),
    CASE("TRUE"),
    CASE("tru"),
    CASE("fals"),
    CASE("falsey"),
    CASE("true false"),
    CASE("undefined"),
    CASE("NaN"),
    CASE("Infinity"),
    CASE("-Infinity"),
    CASE("[nan]"),
    CASE("[INF]"),
    CASE("abc"),
    CASE("<null>"),
    CASE("*"),
    CASE("\0"),
    CASE("[1]\0"),
    CASE("[1\0]"),
    CASE("123\0"),
    CASE("[\v1]"),
    CASE("[\f]"),
    CASE("\v[]"),
    CASE("[\xC2\xA0]"),     /* no-break space */
    CASE("[\xE2\x81\xA0]"), /* word joiner */
    CASE("\xEF\xBB\xBF"),   /* byte order mark alone */
    CASE("\xEF\xBB\xBF[]"), /* and before a value: RFC 8259, 8.1 lets us refuse it */
    CASE("\xEF\xBB[]"),
    CASE("[\0\"\0a\0\"\0]\0"), /* UTF-16 */
    CASE("\xE5"),
};

static const struct text_case string_accepted[] = {
    CASE("\"\\\"\\\\\\/\\b\\f\\n\\r\\t\""),
    CASE("\"\\u0000\""),
    CASE("\"\\u0022\\u005C\""),
    CASE("\"\\u012a\\u012A\""),
    CASE("\"\\uFFFF\\uffff\""),
    CASE("\"\\uD801\\uDC37\""),
    CASE("\"\\ud83d\\ude39\\ud83d\\udc8d\""),
    CASE("\"\\uDBFF\\uDFFF\""),
    CASE("\"\\uD7FF\\uE000\""),
    CASE("\"\\\\u0000\""),
    CASE("\"\\\\a\""),
    CASE("\"a/*b*/c/*d//e\""),
    CASE("\"\x7F\""),
    CASE("\"\xC2\x80\""),
    CASE("\"\xE2\x80\xA8\xE2\x80\xA9\""), /* line and paragraph separators */
    CASE("\"\xEF\xBF\xBF\""),             /* noncharacters are characters enough */
    CASE("\"\xF4\x8F\xBF\xBF\""),
    CASE("\"\xF0\x9F\x98\x80\""),
    CASE("\"\xEF\xBB\xBF\""),
    CASE("\"\\u200B\\u2064\""),
    CASE("\"\\uFDD0\\uFFFE\""),
    CASE("\"12345678\""),
    CASE("\"1234567\\n89\""),
    CASE("\"12345678\\n\""),
    CASE("\" \""),
};

static const struct text_case string_refused[] = {
    CASE("\""),
    CASE("\"a"),
    CASE("[\"a"),
    CASE("\"\\"),
    CASE("\"\\\""),
    CASE("[\"\\\\\\\"]"),
    CASE("\"\\u"),
    CASE("\"\\u\""),
    CASE("\"\\u1\""),
    CASE("\"\\u12\""),
    CASE("\"\\u123\""),
    CASE("\"\\u123"),
    CASE("\"\\u00A\""),
    CASE("\"\\uqqqq\""),
    CASE("\"\\u00g0\""),
    CASE("\"\\u 123\""),
    CASE("\"\\u-123\""),
    CASE("\"\\U0041\""),
    CASE("\"\\x00\""),
    CASE("\"\\a\""),
    CASE("\"\\v\""),
    CASE("\"\\0\""),
    CASE("\"\\'\""),
    CASE("\"\\ \""),
    CASE("\"\\\n\""),
    CASE("\"\\\0\""),
    CASE("\"\\\xF0\x9F\x8C\x80\""),
    CASE("\"\\\xE5\""),
    CASE("\"\\uD800\""), /* lone surrogates */
    CASE("\"\\uDC00\""),
    CASE("\"\\uDFFF\""),
    CASE("\"\\uD800\\n\""),
    CASE("\"\\uD800\\\""),
    CASE("\"\\uD800\\u\""),
    CASE("\"\\uD800\\u1\""),
    CASE("\"\\uD800\\u1x\""),
    CASE("\"\\uD800\\u0041\""),
    CASE("\"\\uD800\\uD800\""),
    CASE("\"\\uD800\\uDBFF\""),
    CASE("\"\\uD800\\uE000\""),
    CASE("\"\\uD800\\uFFFF\""),
    CASE("\"\\uD800\\uD800\\uDC00\""),
    CASE("\"\\uDC00\\uD800\""),
    CASE("\"\\uD888\\u1234\""),
    CASE("\"\\uD800abc\""),
    CASE("\"\\uD800 \\uDC00\""),
    CASE("\"\\uD800\\\\uDC00\""),
    CASE("\"\n\""),
    CASE("\"\t\""),
    CASE("\"\r\""),
    CASE("\"\0\""),
    CASE("\"\x1F\""),
    CASE("\"12345678\x01\""),
    CASE("\"\x80\""), /* not UTF-8 */
    CASE("\"\xFF\""),
    CASE("\"\xE9\""),
    CASE("\"\xC0\xAF\""),
    CASE("\"\xE0\x80\xAF\""),
    CASE("\"\xED\xA0\x80\""),
    CASE("\"\xF4\x90\x80\x80\""),
    CASE("\"\xFC\x83\xBF\xBF\xBF\xBF\""),
    CASE("\"\xE2\x82\""),
    CASE("\"\xF0\x9F\x98"),
    CASE("\"12345678\xC3\""),
    CASE("{\"\xFF\":1}"),
    CASE("{\"\\uD800\":1}"),
    CASE("'a'"),
    CASE("\"a\"b\""),
    CASE("\"a\"\"b\""),
    CASE("a\""),
    CASE("\\u0020\"a\""),
};

static const struct text_case number_accepted[] = {
    CASE("0"),
    CASE("-0"),
    CASE("-1"),
    CASE("123"),
    CASE("0e1"),
    CASE("0e+1"),
    CASE("0E0"),
    CASE("1E22"),
    CASE("1E-2"),
    CASE("1E+2"),
    CASE("1e2"),
    CASE("123e65"),
    CASE("123.456e78"),
    CASE("123.456789"),
    CASE("-123"),
    CASE("1.0"),
    CASE("0.0"),
    CASE("-0.0"),
    CASE("1e-999"),
    CASE("0e999999999999"),
    CASE("123e-10000000"),
    CASE("10000000000000000999"),
    CASE("-9223372036854775809"),
    CASE("1.7976931348623157e308"),
    CASE("-0.000000000000000000000000000000000000000000000000001"),
    CASE("1e0000000000000000000000000000001"),
    CASE("[1 ]"),
};

static const struct text_case number_refused[] = {
    CASE("-"),
    CASE("+"),
    CASE("+1"),
    CASE("--1"),
    CASE("-a"),
    CASE("-01"),
    CASE("01"),
    CASE("00"),
    CASE("012"),
    CASE("-012"),
    CASE("-00"),
    CASE("1."),
    CASE("2.e3"),
    CASE("2.e-3"),
    CASE("2.e+3"),
    CASE("0.e1"),
    CASE(".1"),
    CASE("-.1"),
    CASE(".-1"),
    CASE("."),
    CASE("-2."),
    CASE("1.."),
    CASE("0.1.2"),
    CASE("0.3e"),
    CASE("0.3e+"),
    CASE("0E"),
    CASE("0E+"),
    CASE("1e"),
    CASE("1eE2"),
    CASE("1e1e1"),
    CASE("1e1.5"),
    CASE("1e+-1"),
    CASE("1.0e"),
    CASE("1.0e-"),
    CASE("1.2a-3"),
    CASE("1 000"),
    CASE("1_000"),
    CASE("1,000"),
    CASE("0x1"),
    CASE("0x42"),
    CASE("0b1"),
    CASE("1f"),
    CASE("1L"),
    CASE("1+2"),
    CASE("-1x"),
    CASE("1ea"),
    CASE("0.1a"),
    CASE("$1"),
    CASE("\xEF\xBC\x91"),
    CASE("- 1"),
    CASE("1 e2"),
    CASE("1e400"),
    CASE("-1e400"),
    CASE("1e99999999999999999999"),
    CASE("1.8e308"),
    CASE("[1e"),
    CASE("[-"),
    CASE("[0."),
    CASE("[1-2]"),
    CASE("[1e1000]"),
};

static void check_all(const struct text_case *cases, size_t count, enum err expected)
{
    for (size_t i = 0; i < count; i++) {
        check_case(cases[i].p);
        struct parse p = parse_text(span_of(cases[i].p, cases[i].n));
        CHECK(p.e == expected);
        parse_free(&p);
    }
}

#define CHECK_ALL(cases, expected) check_all(cases, sizeof(cases) / sizeof *(cases), expected)

static void well_formed_structures_are_accepted(void)
{
    CHECK_ALL(structure_accepted, OK);
}

static void malformed_structures_are_refused(void)
{
    CHECK_ALL(structure_refused, ERR_INVALID);
}

static void well_formed_strings_are_accepted(void)
{
    CHECK_ALL(string_accepted, OK);
}

static void malformed_strings_are_refused(void)
{
    CHECK_ALL(string_refused, ERR_INVALID);
}

static void well_formed_numbers_are_accepted(void)
{
    CHECK_ALL(number_accepted, OK);
}

static void malformed_numbers_are_refused(void)
{
    CHECK_ALL(number_refused, ERR_INVALID);
}

/* Whatever is accepted loses its meaning with its last byte, unless that is a blank or a digit. */
static void no_accepted_container_or_string_may_lose_its_last_byte(void)
{
    for (size_t i = 0; i < sizeof structure_accepted / sizeof *structure_accepted; i++) {
        struct span whole = span_trim(span_of(structure_accepted[i].p, structure_accepted[i].n));
        if (strchr("]}\"", whole.p[whole.n - 1]) == NULL) {
            continue;
        }
        for (size_t n = 0; n < whole.n; n++) {
            struct parse p = parse_text(span_of(whole.p, n));
            CHECK(p.e == ERR_INVALID);
            parse_free(&p);
        }
    }
}

int main(int argc, char **argv)
{
    static const struct check_test tests[] = {
        TEST(well_formed_structures_are_accepted),
        TEST(malformed_structures_are_refused),
        TEST(well_formed_strings_are_accepted),
        TEST(malformed_strings_are_refused),
        TEST(well_formed_numbers_are_accepted),
        TEST(malformed_numbers_are_refused),
        TEST(no_accepted_container_or_string_may_lose_its_last_byte),
    };
    return check_main(argc, argv, tests, sizeof tests / sizeof *tests);
}
