#include "base/mem.h"
#include "base/text.h"
#include "http/head.h"
#include "tests/unit/check.h"

#define HOST "Host: a\r\n"
#define GET(headers) "GET / HTTP/1.1\r\n" headers "\r\n"

struct head_case {
    const char *name;
    struct span input;
    int status;
};

#define CASE(name, bytes, status)                                                                  \
    {                                                                                              \
        name, {bytes, sizeof(bytes) - 1}, status                                                   \
    }

static const struct head_case good[] = {
    CASE("plain", GET(HOST), 0),
    CASE("lower-cased names", GET("host: a\r\n"), 0),
    CASE("empty host", GET("Host:\r\n"), 0),
    CASE("one leading empty line", "\r\n" GET(HOST), 0),
    CASE("1.0 without host", "GET / HTTP/1.0\r\n\r\n", 0),
    CASE("1.0 with host", "GET / HTTP/1.0\r\n" HOST "\r\n", 0),
    CASE("unknown method", "BREW / HTTP/1.1\r\n" HOST "\r\n", 0),
    CASE("method of odd token characters", "M-$.!|~ / HTTP/1.1\r\n" HOST "\r\n", 0),
    CASE("asterisk", "OPTIONS * HTTP/1.1\r\n" HOST "\r\n", 0),
    CASE("absolute form", "GET http://a/ HTTP/1.1\r\n" HOST "\r\n", 0),
    CASE("query", "GET /a?b=c&d HTTP/1.1\r\n" HOST "\r\n", 0),
    CASE("length", GET(HOST "Content-Length: 5\r\n") "hello", 0),
    CASE("length zero", GET(HOST "Content-Length: 0\r\n"), 0),
    CASE("length with blanks around", GET(HOST "Content-Length: \t 5 \r\n") "hello", 0),
    CASE("no blank after the colon", GET(HOST "Content-Length:5\r\n") "hello", 0),
    CASE("body full of nonsense", GET(HOST "Content-Length: 9\r\n") "\n\r\n\0a\r\rb\n", 0),
    CASE("pipelined rubbish behind", GET(HOST) "\n\n\n", 0),
    CASE("high bytes in a value", GET(HOST "X-Name: J\xC3\xBCrgen \xFF\r\n"), 0),
    CASE("empty value", GET(HOST "X-A:\r\n"), 0),
    CASE("colons in a value", GET(HOST "X-A: a:b:c\r\n"), 0),
    CASE("repeated ordinary header", GET(HOST "X-A: 1\r\nX-A: 2\r\n"), 0),
    CASE("two authorizations are the caller's business",
         GET(HOST "Authorization: a\r\nAuthorization: b\r\n"), 0),
    CASE("names that only resemble", GET(HOST "Hosts: b\r\nContent-Lengths: x\r\nHos: c\r\n"), 0),
    CASE("transfer-encoding as a value", GET(HOST "X-A: transfer-encoding: chunked\r\n"), 0),
};

static const struct head_case bad_lines[] = {
    CASE("nothing", "", 400),
    CASE("only CRLF", "\r\n", 400),
    CASE("two leading empty lines", "\r\n\r\n" GET(HOST), 400),
    CASE("leading bare LF", "\n" GET(HOST), 400),
    CASE("no version", "GET /\r\n" HOST "\r\n", 400),
    CASE("no target", "GET HTTP/1.1\r\n" HOST "\r\n", 400),
    CASE("empty target", "GET  HTTP/1.1\r\n" HOST "\r\n", 400),
    CASE("two spaces", "GET  / HTTP/1.1\r\n" HOST "\r\n", 400),
    CASE("trailing space", "GET / HTTP/1.1 \r\n" HOST "\r\n", 400),
    CASE("space in the target", "GET /a b HTTP/1.1\r\n" HOST "\r\n", 400),
    CASE("tab for a space", "GET\t/ HTTP/1.1\r\n" HOST "\r\n", 400),
    CASE("high byte in the target", "GET /\xC3\xBC HTTP/1.1\r\n" HOST "\r\n", 400),
    CASE("delete in the target", "GET /\x7F HTTP/1.1\r\n" HOST "\r\n", 400),
    CASE("control in the target", "GET /\x01 HTTP/1.1\r\n" HOST "\r\n", 400),
    CASE("NUL in the target", "GET /\0 HTTP/1.1\r\n" HOST "\r\n", 400),
    CASE("method with a colon", "GE:T / HTTP/1.1\r\n" HOST "\r\n", 400),
    CASE("no method", " / HTTP/1.1\r\n" HOST "\r\n", 400),
    CASE("version 0.9", "GET / HTTP/0.9\r\n" HOST "\r\n", 400),
    CASE("version 1.2", "GET / HTTP/1.2\r\n" HOST "\r\n", 400),
    CASE("version 1.9", "GET / HTTP/1.9\r\n" HOST "\r\n", 400),
    CASE("version 2.0", "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", 400),
    CASE("version in lower case", "GET / http/1.1\r\n" HOST "\r\n", 400),
    CASE("version 1.10", "GET / HTTP/1.10\r\n" HOST "\r\n", 400),
    CASE("bare LF after the request line", "GET / HTTP/1.1\n" HOST "\r\n", 400),
    CASE("bare CR in the request line", "GET /\r HTTP/1.1\r\n" HOST "\r\n", 400),
    CASE("CR CR LF", "GET / HTTP/1.1\r\r\n" HOST "\r\n", 400),
};

static const struct head_case bad_headers[] = {
    CASE("bare LF after a header", "GET / HTTP/1.1\r\nHost: a\n\r\n", 400),
    CASE("bare LF ends the head", "GET / HTTP/1.1\r\nHost: a\r\n\n", 400),
    CASE("bare CR in a value", GET(HOST "X-A: a\rb\r\n"), 400),
    CASE("NUL in a value", GET(HOST "X-A: a\0b\r\n"), 400),
    CASE("NUL in a name", GET(HOST "X\0A: a\r\n"), 400),
    CASE("folded with a space", GET(HOST "X-A: a\r\n b\r\n"), 400),
    CASE("folded with a tab", GET(HOST "X-A: a\r\n\tb\r\n"), 400),
    CASE("folded first line", GET(" " HOST), 400),
    CASE("space before the colon", GET(HOST "X-A : a\r\n"), 400),
    CASE("space inside a name", GET(HOST "X A: a\r\n"), 400),
    CASE("no colon", GET(HOST "X-A\r\n"), 400),
    CASE("no name", GET(HOST ": a\r\n"), 400),
    CASE("high byte in a name", GET(HOST "X-\xC3\xA4: a\r\n"), 400),
    CASE("parenthesis in a name", GET(HOST "X(A): a\r\n"), 400),
    CASE("head without end", "GET / HTTP/1.1\r\n" HOST, 400),
    CASE("cut in a header", "GET / HTTP/1.1\r\nHost: a", 400),
    CASE("cut between CR and LF", "GET / HTTP/1.1\r\n" HOST "\r", 400),
    CASE("no host", GET("X-A: a\r\n"), 400),
    CASE("two hosts", GET(HOST HOST), 400),
    CASE("two hosts, other case", GET("host: a\r\nHOST: b\r\n"), 400),
    CASE("two hosts in 1.0", "GET / HTTP/1.0\r\n" HOST HOST "\r\n", 400),
};

static const struct head_case bad_lengths[] = {
    CASE("two equal lengths", GET(HOST "Content-Length: 5\r\nContent-Length: 5\r\n") "hello", 400),
    CASE("two lengths", GET(HOST "Content-Length: 5\r\ncontent-length: 6\r\n") "hello!", 400),
    CASE("list of lengths", GET(HOST "Content-Length: 5, 5\r\n") "hello", 400),
    CASE("signed length", GET(HOST "Content-Length: +5\r\n") "hello", 400),
    CASE("negative length", GET(HOST "Content-Length: -5\r\n"), 400),
    CASE("hexadecimal length", GET(HOST "Content-Length: 0x5\r\n") "hello", 400),
    CASE("empty length", GET(HOST "Content-Length:\r\n"), 400),
    CASE("blank in a length", GET(HOST "Content-Length: 1 0\r\n"), 400),
    CASE("chunked", GET(HOST "Transfer-Encoding: chunked\r\n") "0\r\n\r\n", 411),
    CASE("chunked, other case", GET(HOST "tRANSFER-eNCODING: Chunked\r\n"), 411),
    CASE("other coding", GET(HOST "Transfer-Encoding: gzip\r\n"), 411),
    CASE("empty coding", GET(HOST "Transfer-Encoding:\r\n"), 411),
    CASE("length then coding",
         GET(HOST "Content-Length: 5\r\nTransfer-Encoding: chunked\r\n") "0\r\n\r\n", 400),
    CASE("coding then length",
         GET(HOST "Transfer-Encoding: chunked\r\nContent-Length: 5\r\n") "0\r\n\r\n", 400),
    CASE("two codings", GET(HOST "Transfer-Encoding: identity\r\nTransfer-Encoding: chunked\r\n"),
         400),
    CASE("coding in 1.0", "GET / HTTP/1.0\r\n" HOST "Transfer-Encoding: chunked\r\n\r\n", 400),
    CASE("coding without host", GET("Transfer-Encoding: chunked\r\n"), 400),
};

/* Each case in memory of its exact size, so that a sanitizer sees a byte too far. */
static void check_cases(const struct head_case *cases, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        check_case(cases[i].name);
        size_t n = cases[i].input.n;
        char *exact = malloc(n == 0 ? 1 : n);
        CHECK(exact != NULL);
        memcpy(exact, cases[i].input.p, n);
        struct head_verdict v = head_check(span_of(exact, n));
        free(exact);
        CHECK(v.status == cases[i].status);
        CHECK((v.detail == NULL) == (v.status == 0));
    }
}

#define CHECK_CASES(cases) check_cases(cases, sizeof(cases) / sizeof *(cases))

static void good_heads_pass(void)
{
    CHECK_CASES(good);
}

static void bad_request_lines_are_refused(void)
{
    CHECK_CASES(bad_lines);
}

static void bad_headers_are_refused(void)
{
    CHECK_CASES(bad_headers);
}

static void ambiguous_lengths_are_refused(void)
{
    CHECK_CASES(bad_lengths);
}

static int status_with(size_t target, size_t value)
{
    struct text t = TEXT(1 << 20);
    text_add(&t, SPAN("GET /"));
    for (size_t i = 1; i < target; i++) {
        text_add_char(&t, 'a');
    }
    text_add(&t, SPAN(" HTTP/1.1\r\nHost: a\r\nX-A:"));
    for (size_t i = 0; i < value; i++) {
        text_add_char(&t, 'b');
    }
    text_add(&t, SPAN("\r\n\r\n"));
    int status = head_check(text_span(&t)).status;
    text_free(&t);
    return status;
}

static void a_target_may_have_16_kib_and_no_more(void)
{
    CHECK(status_with(HEAD_URI_MAX, 0) == 0);
    CHECK(status_with(HEAD_URI_MAX + 1, 0) == 414);
    CHECK(status_with(300000, 0) == 414);
}

static void a_head_may_have_64_kib_and_no_more(void)
{
    size_t rest = sizeof("GET / HTTP/1.1\r\nHost: a\r\nX-A:\r\n\r\n") - 1;
    CHECK(status_with(1, HEAD_BYTES_MAX - rest) == 0);
    CHECK(status_with(1, HEAD_BYTES_MAX - rest + 1) == 431);
    CHECK(status_with(1, 300000) == 431);
}

static void every_proper_prefix_of_a_head_is_refused(void)
{
    struct span whole = SPAN("POST /a HTTP/1.1\r\nHost: a\r\nContent-Length: 3\r\n\r\n");
    for (size_t n = 0; n < whole.n; n++) {
        CHECK(head_check(span_sub(whole, 0, n)).status == 400);
    }
    CHECK(head_check(whole).status == 0);
}

int main(int argc, char **argv)
{
    static const struct check_test tests[] = {
        TEST(good_heads_pass),
        TEST(bad_request_lines_are_refused),
        TEST(bad_headers_are_refused),
        TEST(ambiguous_lengths_are_refused),
        TEST(a_target_may_have_16_kib_and_no_more),
        TEST(a_head_may_have_64_kib_and_no_more),
        TEST(every_proper_prefix_of_a_head_is_refused),
    };
    return check_main(argc, argv, tests, sizeof tests / sizeof *tests);
}
