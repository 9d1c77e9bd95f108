#include "tests/unit/check.h"
#include "tests/unit/clerk/judge.h"

#define COUNT(table) (sizeof(table) / sizeof *(table))

static void a_good_token_says_who_it_is(void)
{
    CLEANUP(mem_free_ptr) char *token = judge_good_token();
    struct arena *a = arena_new();
    struct keys *keys = judge_keys();
    struct jwt_judge how = {.rules = &judge_rules, .keys = keys, .now_ms = MINT_NOW_S * 1000};
    struct claims c;
    CHECK(jwt_verify(a, span_str(token), &how, &c) == CLERK_OK);
    CHECK(span_eq(c.who.user_id, SPAN("user_1")));
    CHECK(span_eq(c.who.session_id, SPAN("sess_1")));
    CHECK(span_eq(c.who.party, SPAN("http://localhost:5173")));
    CHECK(c.who.issued_at_s == 1699999990 && c.who.expires_at_s == 1700000050);
    CHECK(c.not_before_ms == INT64_C(1699999980000));
    keys_free(keys);
    arena_free(a);
}

struct member_case {
    const char *label;
    struct mint_member change;
    enum clerk_reason reason;
};

static const struct member_case header_cases[] = {
    {"alg missing", {"alg", NULL}, CLERK_TOKEN_INVALID_ALGORITHM},
    {"alg none", {"alg", "\"none\""}, CLERK_TOKEN_INVALID_ALGORITHM},
    {"alg None", {"alg", "\"None\""}, CLERK_TOKEN_INVALID_ALGORITHM},
    {"alg empty", {"alg", "\"\""}, CLERK_TOKEN_INVALID_ALGORITHM},
    {"alg HS256", {"alg", "\"HS256\""}, CLERK_TOKEN_INVALID_ALGORITHM},
    {"alg rs256", {"alg", "\"rs256\""}, CLERK_TOKEN_INVALID_ALGORITHM},
    {"alg RS256 and a NUL", {"alg", "\"RS256\\u0000\""}, CLERK_TOKEN_INVALID_ALGORITHM},
    {"alg with a space", {"alg", "\"RS256 \""}, CLERK_TOKEN_INVALID_ALGORITHM},
    {"alg RS384", {"alg", "\"RS384\""}, CLERK_TOKEN_INVALID_ALGORITHM},
    {"alg RS512", {"alg", "\"RS512\""}, CLERK_TOKEN_INVALID_ALGORITHM},
    {"alg PS256", {"alg", "\"PS256\""}, CLERK_TOKEN_INVALID_ALGORITHM},
    {"alg ES256", {"alg", "\"ES256\""}, CLERK_TOKEN_INVALID_ALGORITHM},
    {"alg EdDSA", {"alg", "\"EdDSA\""}, CLERK_TOKEN_INVALID_ALGORITHM},
    {"alg RS256 spelt with an escape", {"alg", "\"\\u0052S256\""}, CLERK_OK},
    {"alg null", {"alg", "null"}, CLERK_TOKEN_INVALID_ALGORITHM},
    {"alg a list", {"alg", "[\"RS256\"]"}, CLERK_TOKEN_INVALID_ALGORITHM},
    {"alg a number", {"alg", "256"}, CLERK_TOKEN_INVALID_ALGORITHM},
    {"typ absent", {"typ", NULL}, CLERK_OK},
    {"typ in lower case", {"typ", "\"jwt\""}, CLERK_TOKEN_INVALID},
    {"typ JOSE", {"typ", "\"JOSE\""}, CLERK_TOKEN_INVALID},
    {"typ empty", {"typ", "\"\""}, CLERK_TOKEN_INVALID},
    {"typ null", {"typ", "null"}, CLERK_TOKEN_INVALID},
    {"typ a number", {"typ", "1"}, CLERK_TOKEN_INVALID},
    {"typ of an OAuth access token", {"typ", "\"at+jwt\""}, CLERK_TOKEN_TYPE_MISMATCH},
    {"typ of one in other letters", {"typ", "\"AT+JWT\""}, CLERK_TOKEN_TYPE_MISMATCH},
    {"typ of one in full", {"typ", "\"application/at+jwt\""}, CLERK_TOKEN_TYPE_MISMATCH},
    {"cat absent", {"cat", NULL}, CLERK_OK},
    {"cat of an ignored token", {"cat", "\"cl_I7d4PD111III\""}, CLERK_OK},
    {"cat of a template", {"cat", "\"cl_B7d4PD222AAA\""}, CLERK_TOKEN_TYPE_MISMATCH},
    {"cat of a machine", {"cat", "\"cl_B7d4PD333AAA\""}, CLERK_TOKEN_TYPE_MISMATCH},
    {"cat in other letters", {"cat", "\"CL_B7D4PD111AAA\""}, CLERK_TOKEN_TYPE_MISMATCH},
    {"cat empty", {"cat", "\"\""}, CLERK_TOKEN_TYPE_MISMATCH},
    {"cat null", {"cat", "null"}, CLERK_TOKEN_INVALID},
    {"cat a list", {"cat", "[\"cl_B7d4PD111AAA\"]"}, CLERK_TOKEN_INVALID},
    {"kid absent", {"kid", NULL}, CLERK_KID_MISMATCH},
    {"kid unknown", {"kid", "\"ins_2\""}, CLERK_KID_MISMATCH},
    {"kid empty", {"kid", "\"\""}, CLERK_KID_MISMATCH},
    {"kid a prefix of a known one", {"kid", "\"ins_\""}, CLERK_KID_MISMATCH},
    {"kid with a NUL behind", {"kid", "\"ins_1\\u0000\""}, CLERK_KID_MISMATCH},
    {"kid a path", {"kid", "\"../../dev/null\""}, CLERK_KID_MISMATCH},
    {"kid SQL", {"kid", "\"' OR 1=1 --\""}, CLERK_KID_MISMATCH},
    {"kid a number", {"kid", "1"}, CLERK_TOKEN_INVALID},
    {"kid null", {"kid", "null"}, CLERK_TOKEN_INVALID},
    {"kid a list", {"kid", "[\"ins_1\"]"}, CLERK_TOKEN_INVALID},
    {"crit names exp", {"crit", "[\"exp\"]"}, CLERK_TOKEN_INVALID},
    {"crit empty", {"crit", "[]"}, CLERK_TOKEN_INVALID},
    {"crit null", {"crit", "null"}, CLERK_TOKEN_INVALID},
    {"oiat is ignored", {"oiat", "1"}, CLERK_OK},
    {"an unknown object is ignored", {"x", "{\"y\":[1,{\"z\":null}]}"}, CLERK_OK},
    {"b64 false is ignored without crit", {"b64", "false"}, CLERK_OK},
    {"jku is ignored", {"jku", "\"https://evil.example/keys\""}, CLERK_OK},
    {"x5u is ignored", {"x5u", "\"https://evil.example/cert\""}, CLERK_OK},
    {"alg twice", {"x", "1,\"alg\":\"RS256\""}, CLERK_TOKEN_INVALID},
    {"kid twice", {"x", "1,\"kid\":\"ins_2\""}, CLERK_TOKEN_INVALID},
    {"a name twice, once escaped", {"x", "1,\"\\u0061lg\":\"RS256\""}, CLERK_TOKEN_INVALID},
    {"a trailing comma", {"x", "1,"}, CLERK_TOKEN_INVALID},
    {"bad UTF-8", {"x", "\"\xC3\x28\""}, CLERK_TOKEN_INVALID},
    {"an overlong sequence", {"x", "\"\xC0\xAF\""}, CLERK_TOKEN_INVALID},
    {"a lone surrogate", {"x", "\"\\ud800\""}, CLERK_TOKEN_INVALID},
    {"nesting within the limit", {"x", "[[[[[[[[[[]]]]]]]]]]"}, CLERK_OK},
    {"nesting beyond the limit",
     {"x", "[[[[[[[[[[[[[[[[[[[[]]]]]]]]]]]]]]]]]]]]"},
     CLERK_TOKEN_INVALID},
};

static void headers_are_judged(void)
{
    CLEANUP(mem_free_ptr) char *payload = mint_payload((struct mint_member){0});
    for (size_t i = 0; i < COUNT(header_cases); i++) {
        check_case(header_cases[i].label);
        char *header = mint_header(header_cases[i].change);
        CHECK(judge_signed(header, payload) == header_cases[i].reason);
        mem_free(header);
    }
}

static const struct member_case payload_cases[] = {
    {"unchanged", {NULL, NULL}, CLERK_OK},
    {"sub missing", {"sub", NULL}, CLERK_TOKEN_NO_SUBJECT},
    {"sub empty", {"sub", "\"\""}, CLERK_TOKEN_NO_SUBJECT},
    {"sub null", {"sub", "null"}, CLERK_TOKEN_INVALID},
    {"sub a number", {"sub", "1"}, CLERK_TOKEN_INVALID},
    {"sub true", {"sub", "true"}, CLERK_TOKEN_INVALID},
    {"sub an object", {"sub", "{}"}, CLERK_TOKEN_INVALID},
    {"sub a list", {"sub", "[\"user_1\"]"}, CLERK_TOKEN_INVALID},
    {"sub of a machine", {"sub", "\"mch_1\""}, CLERK_TOKEN_TYPE_MISMATCH},
    {"sub like a machine's", {"sub", "\"mchx\""}, CLERK_OK},
    {"sub with a NUL", {"sub", "\"user_1\\u0000admin\""}, CLERK_TOKEN_INVALID},
    {"sub with a line feed", {"sub", "\"user_1\\n\""}, CLERK_TOKEN_INVALID},
    {"sub with DEL", {"sub", "\"user\\u007f\""}, CLERK_TOKEN_INVALID},
    {"sub in Greek", {"sub", "\"χρήστης\""}, CLERK_OK},
    {"sub twice", {"x", "1,\"sub\":\"user_2\""}, CLERK_TOKEN_INVALID},
    {"sid absent", {"sid", NULL}, CLERK_OK},
    {"sid empty", {"sid", "\"\""}, CLERK_TOKEN_INVALID},
    {"sid null", {"sid", "null"}, CLERK_TOKEN_INVALID},
    {"sid a number", {"sid", "7"}, CLERK_TOKEN_INVALID},
    {"sid with a tab", {"sid", "\"a\\tb\""}, CLERK_TOKEN_INVALID},
    {"iss missing", {"iss", NULL}, CLERK_TOKEN_INVALID_ISSUER},
    {"iss empty", {"iss", "\"\""}, CLERK_TOKEN_INVALID_ISSUER},
    {"iss null", {"iss", "null"}, CLERK_TOKEN_INVALID_ISSUER},
    {"iss of somebody else", {"iss", "\"https://clerk.evil.example\""}, CLERK_TOKEN_INVALID_ISSUER},
    {"iss with a slash", {"iss", "\"https://clerk.example.com/\""}, CLERK_TOKEN_INVALID_ISSUER},
    {"iss in capitals", {"iss", "\"https://CLERK.example.com\""}, CLERK_TOKEN_INVALID_ISSUER},
    {"iss with more behind",
     {"iss", "\"https://clerk.example.com.evil.example\""},
     CLERK_TOKEN_INVALID_ISSUER},
    {"iss over http", {"iss", "\"http://clerk.example.com\""}, CLERK_TOKEN_INVALID_ISSUER},
    {"iss a list", {"iss", "[\"https://clerk.example.com\"]"}, CLERK_TOKEN_INVALID_ISSUER},
    {"iss the second one", {"iss", "\"https://b.example\""}, CLERK_OK},
    {"azp missing", {"azp", NULL}, CLERK_TOKEN_INVALID_PARTIES},
    {"azp empty", {"azp", "\"\""}, CLERK_TOKEN_INVALID_PARTIES},
    {"azp null", {"azp", "null"}, CLERK_TOKEN_INVALID_PARTIES},
    {"azp of another site", {"azp", "\"https://evil.example\""}, CLERK_TOKEN_INVALID_PARTIES},
    {"azp with another port", {"azp", "\"http://localhost:5174\""}, CLERK_TOKEN_INVALID_PARTIES},
    {"azp with a slash", {"azp", "\"http://localhost:5173/\""}, CLERK_TOKEN_INVALID_PARTIES},
    {"azp a list", {"azp", "[\"http://localhost:5173\"]"}, CLERK_TOKEN_INVALID_PARTIES},
    {"azp the second one", {"azp", "\"https://app.example\""}, CLERK_OK},
    {"aud is ignored", {"aud", "\"somebody\""}, CLERK_OK},
    {"exp missing", {"exp", NULL}, CLERK_TOKEN_INVALID},
    {"exp null", {"exp", "null"}, CLERK_TOKEN_INVALID},
    {"exp a string", {"exp", "\"1700000050\""}, CLERK_TOKEN_INVALID},
    {"exp true", {"exp", "true"}, CLERK_TOKEN_INVALID},
    {"exp a list", {"exp", "[1700000050]"}, CLERK_TOKEN_INVALID},
    {"exp zero", {"exp", "0"}, CLERK_TOKEN_EXPIRED},
    {"exp negative", {"exp", "-1"}, CLERK_TOKEN_INVALID},
    {"exp very negative", {"exp", "-1e30"}, CLERK_TOKEN_INVALID},
    {"exp now", {"exp", "1700000000"}, CLERK_OK},
    {"exp just within the skew", {"exp", "1699999995.001"}, CLERK_OK},
    {"exp at the end of the skew", {"exp", "1699999995"}, CLERK_TOKEN_EXPIRED},
    {"exp an hour ago", {"exp", "1699996400"}, CLERK_TOKEN_EXPIRED},
    {"exp with a fraction", {"exp", "1700000050.5"}, CLERK_OK},
    {"exp with an exponent", {"exp", "1.70000005e9"}, CLERK_OK},
    {"exp after 2038", {"exp", "4102444800"}, CLERK_OK},
    {"exp at the end of 9999", {"exp", "253402300799"}, CLERK_OK},
    {"exp in 10000", {"exp", "253402300800"}, CLERK_TOKEN_INVALID},
    {"exp 2^63", {"exp", "9223372036854775808"}, CLERK_TOKEN_INVALID},
    {"exp 2^64", {"exp", "18446744073709551616"}, CLERK_TOKEN_INVALID},
    {"exp 1e20", {"exp", "1e20"}, CLERK_TOKEN_INVALID},
    {"exp 1e400", {"exp", "1e400"}, CLERK_TOKEN_INVALID},
    {"exp NaN", {"exp", "NaN"}, CLERK_TOKEN_INVALID},
    {"exp in hexadecimal", {"exp", "0x7fffffff"}, CLERK_TOKEN_INVALID},
    {"exp with a leading zero", {"exp", "01700000050"}, CLERK_TOKEN_INVALID},
    {"exp in milliseconds", {"exp", "1700000050000"}, CLERK_TOKEN_INVALID},
    {"nbf absent", {"nbf", NULL}, CLERK_OK},
    {"nbf null", {"nbf", "null"}, CLERK_TOKEN_INVALID},
    {"nbf a string", {"nbf", "\"1\""}, CLERK_TOKEN_INVALID},
    {"nbf false", {"nbf", "false"}, CLERK_TOKEN_INVALID},
    {"nbf at the end of the skew", {"nbf", "1700000005"}, CLERK_OK},
    {"nbf beyond the skew", {"nbf", "1700000006"}, CLERK_TOKEN_NOT_ACTIVE_YET},
    {"nbf 1e20", {"nbf", "1e20"}, CLERK_TOKEN_INVALID},
    {"nbf negative", {"nbf", "-5"}, CLERK_TOKEN_INVALID},
    {"iat absent", {"iat", NULL}, CLERK_OK},
    {"iat null", {"iat", "null"}, CLERK_TOKEN_INVALID},
    {"iat a string", {"iat", "\"1699999990\""}, CLERK_TOKEN_INVALID},
    {"iat at the end of the skew", {"iat", "1700000005"}, CLERK_OK},
    {"iat beyond the skew", {"iat", "1700000006"}, CLERK_TOKEN_IAT_IN_THE_FUTURE},
    {"iat 1e400", {"iat", "1e400"}, CLERK_TOKEN_INVALID},
    {"iat an object", {"iat", "{}"}, CLERK_TOKEN_INVALID},
    {"sts absent", {"sts", NULL}, CLERK_OK},
    {"sts pending", {"sts", "\"pending\""}, CLERK_SESSION_PENDING},
    {"sts unknown", {"sts", "\"x\""}, CLERK_SESSION_PENDING},
    {"sts empty", {"sts", "\"\""}, CLERK_SESSION_PENDING},
    {"sts null", {"sts", "null"}, CLERK_SESSION_PENDING},
    {"sts in capitals", {"sts", "\"ACTIVE\""}, CLERK_SESSION_PENDING},
    {"custom claims are ignored",
     {"email", "\"a@example.com\",\"email_verified\":\"maybe\",\"metadata\":{\"sub\":\"user_9\"}"},
     CLERK_OK},
    {"a role of one's own is ignored", {"role", "\"admin\""}, CLERK_OK},
    {"an actor is fine", {"act", "{\"sub\":\"user_9\"}"}, CLERK_OK},
    {"an organization is fine", {"o", "{\"id\":\"org_1\",\"rol\":\"admin\"}"}, CLERK_OK},
    {"version 1 is fine", {"v", NULL}, CLERK_OK},
    {"bad UTF-8", {"x", "\"\xFF\""}, CLERK_TOKEN_INVALID},
    {"a raw control character", {"x", "\"\x01\""}, CLERK_TOKEN_INVALID},
    {"a comment", {"x", "1/* */"}, CLERK_TOKEN_INVALID},
};

static void payloads_are_judged(void)
{
    CLEANUP(mem_free_ptr) char *header = mint_header((struct mint_member){0});
    for (size_t i = 0; i < COUNT(payload_cases); i++) {
        check_case(payload_cases[i].label);
        char *payload = mint_payload(payload_cases[i].change);
        CHECK(judge_signed(header, payload) == payload_cases[i].reason);
        mem_free(payload);
    }
}

static enum clerk_reason judge_identifier(const char *name, size_t length)
{
    CLEANUP(mem_free_ptr) char *header = mint_header((struct mint_member){0});
    struct text value = TEXT(1024);
    text_add_char(&value, '"');
    for (size_t i = 0; i < length; i++) {
        text_add_char(&value, 'u');
    }
    text_add_char(&value, '"');
    CLEANUP(mem_free_ptr) char *payload = mint_payload((struct mint_member){name, value.p});
    text_free(&value);
    return judge_signed(header, payload);
}

static void identifiers_have_128_bytes_at_most(void)
{
    CHECK(judge_identifier("sub", 128) == CLERK_OK);
    CHECK(judge_identifier("sub", 129) == CLERK_TOKEN_INVALID);
    CHECK(judge_identifier("sid", 128) == CLERK_OK);
    CHECK(judge_identifier("sid", 129) == CLERK_TOKEN_INVALID);
}

static void what_is_no_json_object_is_malformed(void)
{
    static const char *const texts[] = {"[]",   "null", "\"x\"",          "1",       "{", "{}{}",
                                        "{} x", "",     "\xEF\xBB\xBF{}", "{'a':1}", "\t"};
    CLEANUP(mem_free_ptr) char *header = mint_header((struct mint_member){0});
    CLEANUP(mem_free_ptr) char *payload = mint_payload((struct mint_member){0});
    for (size_t i = 0; i < COUNT(texts); i++) {
        check_case(texts[i]);
        CHECK(judge_signed(header, texts[i]) == CLERK_TOKEN_INVALID);
        CHECK(judge_signed(texts[i], payload) == CLERK_TOKEN_INVALID);
    }
}

/* H, P and S stand for the parts of a good token. */
static const struct {
    const char *shape;
    enum clerk_reason reason;
} shapes[] = {
    {"H.P.S", CLERK_OK},
    {"", CLERK_TOKEN_INVALID},
    {".", CLERK_TOKEN_INVALID},
    {"..", CLERK_TOKEN_INVALID},
    {"...", CLERK_TOKEN_INVALID},
    {"H", CLERK_TOKEN_INVALID},
    {"H.P", CLERK_TOKEN_INVALID},
    {"H.P.", CLERK_TOKEN_INVALID},
    {"H..S", CLERK_TOKEN_INVALID},
    {".P.S", CLERK_TOKEN_INVALID},
    {".H.P.S", CLERK_TOKEN_INVALID},
    {"H.P.S.", CLERK_TOKEN_INVALID},
    {"H.P.S.S", CLERK_TOKEN_INVALID},
    {"H.P.S.S.S", CLERK_TOKEN_INVALID},
    {"H.P.S=", CLERK_TOKEN_INVALID},
    {"H.P.S==", CLERK_TOKEN_INVALID},
    {"H=.P.S", CLERK_TOKEN_INVALID},
    {"H.P=.S", CLERK_TOKEN_INVALID},
    {" H.P.S", CLERK_TOKEN_INVALID},
    {"H.P.S ", CLERK_TOKEN_INVALID},
    {"H.P.S\n", CLERK_TOKEN_INVALID},
    {"H. P.S", CLERK_TOKEN_INVALID},
    {"H.P.+S", CLERK_TOKEN_INVALID},
    {"H.P/.S", CLERK_TOKEN_INVALID},
    {"Bearer H.P.S", CLERK_TOKEN_INVALID},
    {"\"H.P.S\"", CLERK_TOKEN_INVALID},
    {"H.P.SAAAA", CLERK_TOKEN_INVALID_SIGNATURE},
    {"H.P.AAAAS", CLERK_TOKEN_INVALID_SIGNATURE},
    {"H.P.AAAA", CLERK_TOKEN_INVALID_SIGNATURE},
    {"H.e30.S", CLERK_TOKEN_INVALID_SIGNATURE},
    {"P.H.S", CLERK_TOKEN_INVALID_ALGORITHM},
    {"H.H.S", CLERK_TOKEN_INVALID_SIGNATURE},
    {"e30.P.S", CLERK_TOKEN_INVALID_ALGORITHM},
    {"H.P.\xC3\xA9S", CLERK_TOKEN_INVALID},
};

static void build(struct text *out, const char *shape, const char *token)
{
    struct span rest = span_str(token);
    struct span header = span_cut(&rest, '.');
    struct span payload = span_cut(&rest, '.');
    for (const char *c = shape; *c != '\0'; c++) {
        if (*c == 'H') {
            text_add(out, header);
        } else if (*c == 'P') {
            text_add(out, payload);
        } else if (*c == 'S') {
            text_add(out, rest);
        } else {
            text_add_char(out, *c);
        }
    }
}

static void shapes_are_judged(void)
{
    CLEANUP(mem_free_ptr) char *token = judge_good_token();
    for (size_t i = 0; i < COUNT(shapes); i++) {
        struct text built = TEXT(65536);
        check_case(shapes[i].shape);
        build(&built, shapes[i].shape, token);
        CHECK(judge_by(&judge_rules, text_span(&built)) == shapes[i].reason);
        text_free(&built);
    }
}

static void what_is_no_session_token_is_no_credential(void)
{
    static const struct {
        const char *token;
        enum clerk_reason reason;
    } cases[] = {
        {"ak_2vYk8Y5Qd0m3", CLERK_TOKEN_TYPE_MISMATCH},
        {"mt_2vYk8Y5Qd0m3", CLERK_TOKEN_TYPE_MISMATCH},
        {"m2m_2vYk8Y5Qd0m3", CLERK_TOKEN_TYPE_MISMATCH},
        {"oat_2vYk8Y5Qd0m3", CLERK_TOKEN_TYPE_MISMATCH},
        {"ak_2vYk.8Y5Q.d0m3", CLERK_TOKEN_INVALID},
        {"AK_2vYk8Y5Qd0m3", CLERK_TOKEN_INVALID},
        {"sk_test_2vYk8Y5Qd0m3", CLERK_TOKEN_INVALID},
        {"sk_live_2vYk8Y5Qd0m3", CLERK_TOKEN_INVALID},
        {"pk_test_Y2xlcmsuZXhhbXBsZS5jb20k", CLERK_TOKEN_INVALID},
        {"whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw", CLERK_TOKEN_INVALID},
        {"user_1", CLERK_TOKEN_INVALID},
        {"sess_1", CLERK_TOKEN_INVALID},
        {"null", CLERK_TOKEN_INVALID},
        {"undefined", CLERK_TOKEN_INVALID},
    };
    for (size_t i = 0; i < COUNT(cases); i++) {
        check_case(cases[i].token);
        CHECK(judge_token(cases[i].token) == cases[i].reason);
    }
}

static void any_changed_letter_of_a_token_refuses_it(void)
{
    CLEANUP(mem_free_ptr) char *token = judge_good_token();
    size_t n = strlen(token);
    for (size_t i = 0; i < n; i += 7) {
        char was = token[i];
        token[i] = was == 'A' ? 'B' : 'A';
        CHECK(judge_token(token) != CLERK_OK);
        token[i] = '\0'; /* a NUL within */
        CHECK(judge_by(&judge_rules, span_of(token, n)) != CLERK_OK);
        token[i] = was;
    }
    CHECK(judge_token(token) == CLERK_OK);
}

static void a_signature_has_one_spelling(void)
{
    /* 256 bytes end in a letter with four loose bits: 16 letters decode alike, one is canonical */
    static const char letters[] =
        "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
    CLEANUP(mem_free_ptr) char *token = judge_good_token();
    size_t passed = 0;
    for (size_t i = 0; i < sizeof letters - 1; i++) {
        token[strlen(token) - 1] = letters[i];
        passed += judge_token(token) == CLERK_OK;
    }
    CHECK(passed == 1);
}

static void tokens_up_to_the_limit_are_read(void)
{
    CLEANUP(mem_free_ptr) char *header = mint_header((struct mint_member){0});
    struct text filler = TEXT(65536);
    text_add_char(&filler, '"');
    for (size_t i = 0; i < 11000; i++) {
        text_add_char(&filler, 'x');
    }
    text_add(&filler, SPAN("\""));
    char *payload = mint_payload((struct mint_member){"custom", text_span(&filler).p});
    CHECK(judge_signed(header, payload) == CLERK_OK);
    mem_free(payload);
    filler.n--;
    for (size_t i = 0; i < 2000; i++) {
        text_add_char(&filler, 'x');
    }
    text_add(&filler, SPAN("\""));
    payload = mint_payload((struct mint_member){"custom", text_span(&filler).p});
    CHECK(judge_signed(header, payload) == CLERK_TOKEN_INVALID);
    mem_free(payload);
    text_free(&filler);
}

static void every_reason_has_a_name_and_a_sentence(void)
{
    for (int r = CLERK_OK; r <= CLERK_NO_KEYS; r++) {
        CHECK(clerk_reason_name((enum clerk_reason)r)[0] != '\0');
        CHECK(clerk_reason_text((enum clerk_reason)r)[0] == 'T');
    }
    CHECK(strcmp(clerk_reason_name(CLERK_TOKEN_EXPIRED), "token-expired") == 0);
    CHECK(strcmp(clerk_reason_text(CLERK_TOKEN_EXPIRED), "The token has expired") == 0);
}

int main(int argc, char **argv)
{
    static const struct check_test tests[] = {
        TEST(a_good_token_says_who_it_is),
        TEST(headers_are_judged),
        TEST(payloads_are_judged),
        TEST(identifiers_have_128_bytes_at_most),
        TEST(what_is_no_json_object_is_malformed),
        TEST(shapes_are_judged),
        TEST(what_is_no_session_token_is_no_credential),
        TEST(any_changed_letter_of_a_token_refuses_it),
        TEST(a_signature_has_one_spelling),
        TEST(tokens_up_to_the_limit_are_read),
        TEST(every_reason_has_a_name_and_a_sentence),
    };
    (void)mint_key(MINT_GOOD);
    return check_main(argc, argv, tests, COUNT(tests));
}
