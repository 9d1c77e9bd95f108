/* The web app from memory: what is read, and what is answered. */
#include "static.h"

#include <ftw.h>
#include <sys/stat.h>
#include <unistd.h>
#define ZLIB_CONST
#include <zlib.h>

#include "base/log.h"
#include "base/mem.h"
#include "tests/unit/check.h"

#define INDEX "<!doctype html><title>app</title>"

/* A folder in /tmp, gone with `site_end`. */
struct site {
    char dir[64];
    struct static_site *s;
};

static void put(const struct site *t, const char *name, struct span bytes)
{
    char path[4096];
    (void)snprintf(path, sizeof path, "%s/%s", t->dir, name);
    for (char *p = strchr(path + sizeof "/tmp/site.XXXXXX", '/'); p != NULL;
         p = strchr(p + 1, '/')) {
        *p = '\0';
        (void)mkdir(path, 0700);
        *p = '/';
    }
    FILE *f = fopen(path, "w");
    CHECK(f != NULL && fwrite(bytes.p, 1, bytes.n, f) == bytes.n && fclose(f) == 0);
}

static struct site site_begin(void)
{
    struct site t = {.dir = "/tmp/site.XXXXXX"};
    log_set_level(LOG_ERROR);
    CHECK(mkdtemp(t.dir) != NULL);
    return t;
}

static enum err try_open(struct site *t, const struct static_options *changes, struct text *why)
{
    struct static_options o = *changes;
    o.dir = o.dir == NULL ? t->dir : o.dir;
    o.bytes_max = o.bytes_max == 0 ? 1 << 24 : o.bytes_max;
    o.files_max = o.files_max == 0 ? 100 : o.files_max;
    return static_open(&t->s, &o, why);
}

static void site_open(struct site *t)
{
    struct text why = TEXT(4096);
    enum err e = try_open(t, &(struct static_options){0}, &why);
    check_case(text_span(&why).p);
    CHECK(e == OK);
    text_free(&why);
}

static int on_left(const char *path, const struct stat *about, int type, struct FTW *where)
{
    return remove(path);
}

static void site_end(struct site *t)
{
    static_close(t->s);
    CHECK(nftw(t->dir, on_left, 8, FTW_DEPTH | FTW_PHYS) == 0);
}

/* A small build: a page, a script worth compressing, a picture that is not. */
static char script[20000];
static char noise[5000];

static struct site site_built(void)
{
    struct site t = site_begin();
    for (size_t i = 0; i < sizeof script; i++) {
        script[i] = "const x = 1; "[i % 13];
    }
    uint32_t state = 1;
    for (size_t i = 0; i < sizeof noise; i++) {
        state = state * 1664525U + 1013904223U;
        noise[i] = (char)(state >> 24);
    }
    put(&t, "index.html", SPAN(INDEX));
    put(&t, "favicon.svg", SPAN("<svg/>"));
    put(&t, "assets/app-1a2b.js", span_of(script, sizeof script));
    put(&t, "assets/deep/pic-3c4d.png", span_of(noise, sizeof noise));
    return t;
}

/* --- asking --- */
static bool ask(const struct site *t, const struct static_query *changes, struct reply *r)
{
    struct static_query q = *changes;
    q.method = span_is_null(q.method) ? SPAN("GET") : q.method;
    q.path = span_is_null(q.path) ? SPAN("") : q.path;
    return static_find(t->s, &q, r);
}

static struct reply get(const struct site *t, const char *path)
{
    struct reply r = {0};
    if (!ask(t, &(struct static_query){.path = span_str(path)}, &r)) {
        r.status = 404;
    }
    return r;
}

static struct span header(const struct reply *r, const char *name)
{
    for (size_t i = 0; i < r->header_count; i++) {
        if (span_eq(r->headers[i].name, span_str(name))) {
            return r->headers[i].value;
        }
    }
    return SPAN_NULL;
}

static bool has(const struct reply *r, const char *name, const char *value)
{
    return span_eq(header(r, name), span_str(value));
}

/* --- what is served --- */
static void files_are_served_with_their_headers(void)
{
    struct site t = site_built();
    site_open(&t);
    CHECK(static_count(t.s) == 4);
    struct reply r = get(&t, "");
    CHECK(r.status == 200 && span_eq(r.body, SPAN(INDEX)));
    CHECK(span_eq(r.type, SPAN("text/html; charset=utf-8")));
    CHECK(has(&r, "cache-control", "no-cache"));
    CHECK(has(&r, "vary", "Accept-Encoding"));
    CHECK(header(&r, "etag").n == 34 && header(&r, "etag").p[0] == '"');
    CHECK(span_is_null(header(&r, "content-encoding")));
    r = get(&t, "index.html");
    CHECK(r.status == 200 && span_eq(r.body, SPAN(INDEX)));
    r = get(&t, "assets/app-1a2b.js");
    CHECK(r.status == 200 && span_eq(r.body, span_of(script, sizeof script)));
    CHECK(span_eq(r.type, SPAN("text/javascript; charset=utf-8")));
    CHECK(has(&r, "cache-control", "public, max-age=31536000, immutable"));
    r = get(&t, "assets/deep/pic-3c4d.png");
    CHECK(r.status == 200 && span_eq(r.body, span_of(noise, sizeof noise)));
    CHECK(span_eq(r.type, SPAN("image/png")));
    r = get(&t, "favicon.svg");
    CHECK(r.status == 200 && has(&r, "cache-control", "no-cache"));
    site_end(&t);
}

static void every_answer_carries_the_apps_policies(void)
{
    struct site t = site_built();
    site_open(&t);
    static const char *const paths[] = {"", "assets/app-1a2b.js", "favicon.svg"};
    for (size_t i = 0; i < sizeof paths / sizeof *paths; i++) {
        struct reply r = get(&t, paths[i]);
        struct span policy = header(&r, "content-security-policy");
        CHECK(span_starts(policy, SPAN("default-src 'none'; script-src 'self'; ")));
        CHECK(span_has(policy, SPAN("; connect-src 'self'; ")));
        CHECK(span_has(policy, SPAN("; frame-ancestors 'none'")));
        CHECK(!span_has(policy, SPAN("unsafe-eval")) && !span_has(policy, SPAN("cloudflare")));
        CHECK(has(&r, "cross-origin-opener-policy", "same-origin-allow-popups"));
        CHECK(header(&r, "permissions-policy").n > 0 && header(&r, "referrer-policy").n > 0);
    }
    site_end(&t);
}

static void clerks_host_is_in_the_policy_and_must_be_an_origin(void)
{
    struct site t = site_built();
    struct text why = TEXT(4096);
    struct static_options o = {.frontend = SPAN("https://clerk.example.com")};
    CHECK(try_open(&t, &o, &why) == OK);
    struct reply r = get(&t, "");
    struct span policy = header(&r, "content-security-policy");
    CHECK(span_has(policy, SPAN("; script-src 'self' https://clerk.example.com ")) ||
          span_has(policy, SPAN("script-src 'self' https://clerk.example.com ")));
    CHECK(span_has(policy, SPAN("connect-src 'self' https://clerk.example.com;")));
    static_close(t.s);
    t.s = NULL;
    static const char *const bad[] = {"",           "clerk.example.com", "http://clerk.example.com",
                                      "https://",   "https://a b",       "https://a;script-src *",
                                      "https://a'", "https://a\r\nx: y", "https://a/b"};
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        check_case(bad[i]);
        o.frontend = span_str(bad[i]);
        CHECK(try_open(&t, &o, &why) == ERR_INVALID && t.s == NULL);
    }
    text_free(&why);
    site_end(&t);
}

/* --- what is not --- */
static void other_names_do_not_exist(void)
{
    struct site t = site_built();
    put(&t, ".env", SPAN("SECRET"));
    put(&t, ".git/config", SPAN("SECRET"));
    put(&t, "assets/.hidden.js", SPAN("SECRET"));
    char path[128];
    (void)snprintf(path, sizeof path, "%s/passwd", t.dir);
    CHECK(symlink("/etc/passwd", path) == 0);
    (void)snprintf(path, sizeof path, "%s/etc", t.dir);
    CHECK(symlink("/etc", path) == 0);
    (void)snprintf(path, sizeof path, "%s/pipe", t.dir);
    CHECK(mkfifo(path, 0600) == 0); /* must not be waited for */
    site_open(&t);
    CHECK(static_count(t.s) == 4);
    static const char *const paths[] = {".env",
                                        ".git/config",
                                        "assets/.hidden.js",
                                        "passwd",
                                        "etc/passwd",
                                        "pipe",
                                        "assets",
                                        "assets/",
                                        "assets/deep",
                                        "index.html/",
                                        "INDEX.HTML",
                                        "/index.html",
                                        "//index.html",
                                        "./index.html",
                                        "../etc/passwd",
                                        "assets/../favicon.svg",
                                        "nothing.js",
                                        "assets//app-1a2b.js",
                                        "index.html\\x00"};
    for (size_t i = 0; i < sizeof paths / sizeof *paths; i++) {
        check_case(paths[i]);
        CHECK(get(&t, paths[i]).status == 404);
    }
    struct reply r;
    struct static_query q = {.path = span_of("index.html\0.svg", 15)};
    CHECK(!ask(&t, &q, &r)); /* no name ends at a NUL */
    site_end(&t);
}

static void pages_of_the_app_are_its_index(void)
{
    static const struct {
        const char *method, *path, *accept;
        bool page;
    } cases[] = {
        {"GET", "notebooks/1", "text/html", true},
        {"HEAD", "notebooks/1", "text/html", true},
        {"GET", "notebooks", "text/html,application/xhtml+xml,*/*;q=0.8", true},
        {"GET", "sign-in/factor-one", "application/json, TEXT/HTML ;q=0.1", true},
        {"GET", "a.b/c", "text/html", true},
        {"GET", "notebooks/", "text/html", true},
        {"GET", "apis", "text/html", true},
        {"GET", "notebooks/1", NULL, false},
        {"GET", "notebooks/1", "", false},
        {"GET", "notebooks/1", "*/*", false},
        {"GET", "notebooks/1", "application/json", false},
        {"GET", "notebooks/1", "text/html;q=0", false},
        {"GET", "notebooks/1", "text/html;q=junk", false},
        {"POST", "notebooks/1", "text/html", false},
        {"OPTIONS", "notebooks/1", "text/html", false},
        {"GET", "notebooks/1.js", "text/html", false},
        {"GET", "robots.txt", "text/html", false},
        {"GET", "api", "text/html", false},
        {"GET", "api/", "text/html", false},
        {"GET", "api/nothing", "text/html", false},
        {"GET", "health", "text/html", false},
        {"GET", "health/x", "text/html", false},
        {"GET", "assets/nothing", "text/html", false},
    };
    struct site t = site_built();
    site_open(&t);
    struct text name = TEXT(1000);
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        text_clear(&name);
        text_addf(&name, "%s %s, %s", cases[i].method, cases[i].path, cases[i].accept);
        check_case(name.p);
        struct reply r = {0};
        struct static_query q = {.method = span_str(cases[i].method),
                                 .path = span_str(cases[i].path),
                                 .accept = span_str(cases[i].accept)};
        CHECK(ask(&t, &q, &r) == cases[i].page);
        CHECK(!cases[i].page || (r.status == 200 && span_eq(r.body, SPAN(INDEX)) &&
                                 has(&r, "cache-control", "no-cache")));
    }
    text_free(&name);
    site_end(&t);
}

static void files_are_for_reading_only(void)
{
    struct site t = site_built();
    site_open(&t);
    static const struct {
        const char *method;
        int status;
    } cases[] = {{"GET", 200}, {"HEAD", 200},   {"OPTIONS", 204}, {"POST", 405},
                 {"PUT", 405}, {"DELETE", 405}, {"get", 405}};
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        check_case(cases[i].method);
        struct reply r = {0};
        struct static_query q = {.method = span_str(cases[i].method), .path = SPAN("index.html")};
        CHECK(ask(&t, &q, &r) && r.status == cases[i].status);
        CHECK(r.status == 200 || has(&r, "allow", "GET, HEAD"));
    }
    site_end(&t);
}

/* --- compressed forms --- */
static bool unzips_to(struct span packed, struct span plain)
{
    char *room = mem_alloc(plain.n + 1);
    z_stream z = {.next_in = (const unsigned char *)packed.p,
                  .avail_in = (unsigned)packed.n,
                  .next_out = (unsigned char *)room,
                  .avail_out = (unsigned)plain.n + 1};
    bool good = inflateInit2(&z, 15 + 16) == Z_OK && inflate(&z, Z_FINISH) == Z_STREAM_END &&
                span_eq(span_of(room, z.total_out), plain);
    (void)inflateEnd(&z);
    mem_free(room);
    return good;
}

static bool is_form_of(struct span body, struct span plain, const char *coding)
{
    if (coding == NULL) {
        return span_eq(body, plain);
    }
    return strcmp(coding, "br") == 0 ? span_eq(body, SPAN("brotli, as it were"))
                                     : body.n < plain.n / 10 && unzips_to(body, plain);
}

static void the_client_chooses_the_coding(void)
{
    static const struct {
        const char *accepted;
        const char *coding; /* NULL: as it is */
    } cases[] = {
        {NULL, NULL},
        {"", NULL},
        {"gzip", "gzip"},
        {"GZip", "gzip"},
        {"gzip, deflate, br, zstd", "br"},
        {"br", "br"},
        {"deflate", NULL},
        {"*", "br"},
        {"identity", NULL},
        {"identity, gzip", "gzip"},
        {"gzip;q=0", NULL},
        {"gzip;q=0.0", NULL},
        {"gzip;q=0.000, br;q=0", NULL},
        {"br;q=0, *", "gzip"},
        {"gzip;q=1, br;q=0.5", "gzip"},
        {"gzip ; q=0.4 , br ; Q=0.5", "br"},
        {"identity;q=0.5, gzip;q=0.4", NULL},
        {"identity;q=0.4, gzip;q=0.5", "gzip"},
        {"identity;q=0", NULL}, /* rather than an error */
        {"*;q=0", NULL},
        {"gzip;q=junk", NULL},
        {"gzip;q=", NULL},
        {"gzip;q=2", NULL},
        {"gzip;q=1.001", NULL},
        {"gzip;q=0.5000", NULL},
        {"gzip;q=-1", NULL},
        {"gzip;q=.5", NULL},
        {"gzipped, xbr", NULL},
        {",,;;=,q=1;gzip", NULL},
    };
    struct site t = site_built();
    put(&t, "assets/app-1a2b.js.br", SPAN("brotli, as it were"));
    site_open(&t);
    struct span plain = span_of(script, sizeof script);
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        check_case(cases[i].accepted);
        struct reply r = {0};
        struct static_query q = {.path = SPAN("assets/app-1a2b.js"),
                                 .accept_encoding = span_str(cases[i].accepted)};
        CHECK(ask(&t, &q, &r) && r.status == 200);
        CHECK(span_eq(header(&r, "content-encoding"), span_str(cases[i].coding)));
        CHECK(has(&r, "vary", "Accept-Encoding"));
        CHECK(is_form_of(r.body, plain, cases[i].coding));
    }
    site_end(&t);
}

static void a_form_that_is_not_smaller_is_not_used(void)
{
    struct site t = site_built();
    put(&t, "assets/deep/pic-3c4d.png.br", span_of(script, sizeof script));
    put(&t, "empty.txt", SPAN(""));
    put(&t, "one.txt", SPAN("1"));
    site_open(&t);
    static const char *const paths[] = {"assets/deep/pic-3c4d.png", "empty.txt", "one.txt"};
    for (size_t i = 0; i < sizeof paths / sizeof *paths; i++) {
        check_case(paths[i]);
        struct reply r = {0};
        struct static_query q = {.path = span_str(paths[i]), .accept_encoding = SPAN("gzip, br")};
        CHECK(ask(&t, &q, &r) && r.status == 200);
        CHECK(span_is_null(header(&r, "content-encoding")));
    }
    site_end(&t);
}

static void built_forms_are_used_and_are_no_files_of_their_own(void)
{
    struct site t = site_built();
    put(&t, "assets/app-1a2b.js.gz", SPAN("zipped by the build"));
    put(&t, "assets/app-1a2b.js.br", SPAN("br"));
    put(&t, "data.tar.gz", SPAN("on its own"));
    site_open(&t);
    CHECK(static_count(t.s) == 5);
    struct reply r = {0};
    struct static_query q = {.path = SPAN("assets/app-1a2b.js"), .accept_encoding = SPAN("gzip")};
    CHECK(ask(&t, &q, &r) && span_eq(r.body, SPAN("zipped by the build")));
    CHECK(get(&t, "assets/app-1a2b.js.gz").status == 404);
    CHECK(get(&t, "assets/app-1a2b.js.br").status == 404);
    r = get(&t, "data.tar.gz");
    CHECK(r.status == 200 && span_eq(r.body, SPAN("on its own")));
    CHECK(span_is_null(header(&r, "content-encoding")));
    CHECK(span_eq(r.type, SPAN("application/octet-stream")));
    site_end(&t);
}

/* --- etags --- */
static void what_the_client_has_is_not_sent_again(void)
{
    struct site t = site_built();
    site_open(&t);
    struct reply r = get(&t, "assets/app-1a2b.js");
    struct span etag = header(&r, "etag");
    struct text list = TEXT(1000);
    static const struct {
        const char *format;
        int status;
    } cases[] = {
        {"%.*s", 304},
        {"  %.*s ", 304},
        {"W/%.*s", 304},
        {"\"a\", %.*s", 304},
        {"\"a,b\" , W/\"c\",W/%.*s, \"d\"", 304},
        {"\"\", %.*s", 304},
        {"*%.0s", 304},
        {" *\t%.0s", 304},
        {"\"a\"%.0s", 200},
        {"%.0s", 200},
        {"\"%.0s", 200},
        {"\"\"\"%.0s", 200},
        {"W/%.0s", 200},
        {"\"a%.*s", 200},
        {"**%.0s", 200},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        check_case(cases[i].format);
        text_clear(&list);
        struct span rest = span_str(cases[i].format);
        struct span before = span_cut(&rest, '%');
        bool named = span_starts(rest, SPAN(".*s"));
        text_add(&list, before);
        text_add(&list, named ? etag : SPAN(""));
        text_add(&list, span_sub(rest, 3, rest.n));
        struct static_query q = {.path = SPAN("assets/app-1a2b.js"),
                                 .if_none_match = text_span(&list)};
        CHECK(ask(&t, &q, &r) && r.status == cases[i].status);
        CHECK(span_eq(header(&r, "etag"), etag) && has(&r, "vary", "Accept-Encoding"));
        CHECK(has(&r, "cache-control", "public, max-age=31536000, immutable"));
    }
    text_free(&list);
    site_end(&t);
}

static void each_form_and_each_content_has_its_own_etag(void)
{
    struct site t = site_built();
    put(&t, "same.js", span_of(script, sizeof script));
    put(&t, "assets/app-1a2b.js.br", SPAN("br"));
    site_open(&t);
    static const char *const accepted[] = {NULL, "gzip", "br"};
    struct span tags[3];
    struct reply r = {0};
    for (size_t i = 0; i < 3; i++) {
        struct static_query q = {.path = SPAN("assets/app-1a2b.js"),
                                 .accept_encoding = span_str(accepted[i])};
        CHECK(ask(&t, &q, &r));
        tags[i] = header(&r, "etag");
        q.if_none_match = tags[0];
        CHECK(ask(&t, &q, &r) && r.status == (i == 0 ? 304 : 200));
    }
    CHECK(!span_eq(tags[0], tags[1]) && !span_eq(tags[1], tags[2]) && !span_eq(tags[0], tags[2]));
    r = get(&t, "same.js");
    CHECK(span_eq(header(&r, "etag"), tags[0]));
    r = get(&t, "");
    CHECK(!span_eq(header(&r, "etag"), tags[0]));
    site_end(&t);
}

/* --- what ends the start --- */
static void a_folder_that_is_of_no_use_is_refused_with_a_reason(void)
{
    struct site t = site_begin();
    struct text why = TEXT(4096);
    CHECK(try_open(&t, &(struct static_options){.dir = "/nowhere/dist"}, &why) == ERR_UNAVAILABLE);
    CHECK(span_has(text_span(&why), SPAN("/nowhere/dist")));
    CHECK(try_open(&t, &(struct static_options){.dir = "/etc/passwd"}, &why) == ERR_UNAVAILABLE);
    text_clear(&why);
    CHECK(try_open(&t, &(struct static_options){0}, &why) == ERR_NOT_FOUND);
    CHECK(span_has(text_span(&why), SPAN("index.html")));
    put(&t, "sub/index.html", SPAN(INDEX));
    CHECK(try_open(&t, &(struct static_options){0}, &why) == ERR_NOT_FOUND);
    CHECK(t.s == NULL);
    text_free(&why);
    site_end(&t);
}

static void a_folder_that_is_too_big_is_refused(void)
{
    struct site t = site_begin();
    struct text why = TEXT(4096);
    put(&t, "index.html", SPAN("0123456789"));
    put(&t, "b/c.txt", SPAN("01234567890123456789"));
    CHECK(try_open(&t, &(struct static_options){.bytes_max = 29}, &why) == ERR_LIMIT);
    CHECK(span_has(text_span(&why), SPAN("29 bytes")));
    CHECK(try_open(&t, &(struct static_options){.files_max = 1}, &why) == ERR_LIMIT);
    CHECK(try_open(&t, &(struct static_options){.bytes_max = 30, .files_max = 2}, &why) == OK);
    text_free(&why);
    site_end(&t);
}

static void without_a_site_nothing_is_served(void)
{
    struct reply r = {.status = 404};
    CHECK(!static_serve(NULL, NULL, &r) && r.status == 404);
    static_close(NULL);
}

int main(int argc, char **argv)
{
    static const struct check_test tests[] = {
        TEST(files_are_served_with_their_headers),
        TEST(every_answer_carries_the_apps_policies),
        TEST(clerks_host_is_in_the_policy_and_must_be_an_origin),
        TEST(other_names_do_not_exist),
        TEST(pages_of_the_app_are_its_index),
        TEST(files_are_for_reading_only),
        TEST(the_client_chooses_the_coding),
        TEST(a_form_that_is_not_smaller_is_not_used),
        TEST(built_forms_are_used_and_are_no_files_of_their_own),
        TEST(what_the_client_has_is_not_sent_again),
        TEST(each_form_and_each_content_has_its_own_etag),
        TEST(a_folder_that_is_of_no_use_is_refused_with_a_reason),
        TEST(a_folder_that_is_too_big_is_refused),
        TEST(without_a_site_nothing_is_served),
    };
    return check_main(argc, argv, tests, sizeof tests / sizeof *tests);
}
