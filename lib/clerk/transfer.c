#include "clerk/transfer.h"

#include "base/mem.h"

#define CONNECT_TIMEOUT_MS 3000L
#define HEADER_MAX 8192 /* bytes of a line */

void transfer_free(struct transfer *t)
{
    curl_slist_free_all(t->headers);
    curl_easy_cleanup(t->easy);
    text_free(&t->body);
    mem_free(t->url);
    mem_free(t);
}

/* After a failure nothing is added any more, and the whole list is NULL. */
static void add_header(struct curl_slist **list, const char *name, const char *value)
{
    CLEANUP(text_free) struct text line = TEXT(HEADER_MAX);
    if (value == NULL || *list == NULL) {
        return;
    }
    text_addf(&line, "%s: %s", name, value);
    struct curl_slist *longer = line.overflowed ? NULL : curl_slist_append(*list, line.p);
    if (longer == NULL) {
        curl_slist_free_all(*list);
    }
    *list = longer;
}

struct transfer *transfer_new(const struct outbound_request *request, outbound_done_cb done,
                              void *data)
{
    struct transfer *t = mem_alloc(sizeof *t);
    t->url = mem_copy(span_str(request->url));
    t->post = request->post;
    t->timeout_ms = request->timeout_ms;
    t->body = TEXT(request->max_bytes);
    t->done = done;
    t->data = data;
    t->headers = curl_slist_append(NULL, "Accept: application/json");
    add_header(&t->headers, "Authorization", request->authorization);
    add_header(&t->headers, "Clerk-API-Version", request->version);
    return t;
}

/* Anything but `size * count` makes curl give up with CURLE_WRITE_ERROR. */
static size_t on_body(char *bytes, size_t size, size_t count, void *data)
{
    struct transfer *t = data;
    text_add(&t->body, span_of(bytes, size * count));
    return t->body.overflowed ? 0 : size * count;
}

static bool set_limits(struct transfer *t)
{
    CURL *e = t->easy;
    long total = (long)t->timeout_ms;
    long connect = total < CONNECT_TIMEOUT_MS ? total : CONNECT_TIMEOUT_MS;
    return curl_easy_setopt(e, CURLOPT_TIMEOUT_MS, total) == CURLE_OK &&
           curl_easy_setopt(e, CURLOPT_CONNECTTIMEOUT_MS, connect) == CURLE_OK &&
           curl_easy_setopt(e, CURLOPT_FOLLOWLOCATION, 0L) == CURLE_OK &&
           curl_easy_setopt(e, CURLOPT_NOSIGNAL, 1L) == CURLE_OK &&
           /* a name look-up that hangs is left behind when we close */
           curl_easy_setopt(e, CURLOPT_QUICK_EXIT, 1L) == CURLE_OK &&
           /* only without a CAPATH does the multi handle keep the parsed bundle (HTTP.md T39) */
           curl_easy_setopt(e, CURLOPT_CAPATH, NULL) == CURLE_OK;
}

/* The URL was checked: http means loopback, which no proxy of the environment can reach for us. */
static bool set_scheme(struct transfer *t)
{
    bool secure = span_starts(span_str(t->url), SPAN("https:"));
    return curl_easy_setopt(t->easy, CURLOPT_PROTOCOLS_STR, secure ? "https" : "http") ==
               CURLE_OK &&
           (secure || curl_easy_setopt(t->easy, CURLOPT_PROXY, "") == CURLE_OK);
}

static bool set_headers(struct transfer *t)
{
    return t->headers != NULL &&
           curl_easy_setopt(t->easy, CURLOPT_HTTPHEADER, t->headers) == CURLE_OK &&
           curl_easy_setopt(t->easy, CURLOPT_USERAGENT, CLERK_USER_AGENT) == CURLE_OK;
}

static bool set_method(struct transfer *t)
{
    return !t->post || (curl_easy_setopt(t->easy, CURLOPT_POST, 1L) == CURLE_OK &&
                        curl_easy_setopt(t->easy, CURLOPT_POSTFIELDSIZE, 0L) == CURLE_OK &&
                        curl_easy_setopt(t->easy, CURLOPT_POSTFIELDS, "") == CURLE_OK);
}

bool transfer_prepare(struct transfer *t)
{
    t->easy = curl_easy_init();
    return t->easy != NULL && curl_easy_setopt(t->easy, CURLOPT_URL, t->url) == CURLE_OK &&
           curl_easy_setopt(t->easy, CURLOPT_PRIVATE, t) == CURLE_OK &&
           curl_easy_setopt(t->easy, CURLOPT_ERRORBUFFER, t->problem) == CURLE_OK &&
           curl_easy_setopt(t->easy, CURLOPT_WRITEFUNCTION, on_body) == CURLE_OK &&
           curl_easy_setopt(t->easy, CURLOPT_WRITEDATA, t) == CURLE_OK && set_limits(t) &&
           set_scheme(t) && set_headers(t) && set_method(t);
}

static int64_t read_date(CURL *easy)
{
    struct curl_header *header = NULL;
    if (curl_easy_header(easy, "Date", 0, CURLH_HEADER, -1, &header) != CURLHE_OK) {
        return 0;
    }
    time_t date = curl_getdate(header->value, NULL);
    return date > 0 ? (int64_t)date : 0;
}

static int64_t read_retry_after(CURL *easy)
{
    curl_off_t seconds = 0;
    CURLcode code = curl_easy_getinfo(easy, CURLINFO_RETRY_AFTER, &seconds);
    return code == CURLE_OK && seconds > 0 ? (int64_t)seconds : 0;
}

void transfer_settle(struct transfer *t, CURLcode code)
{
    if (code == CURLE_OK) {
        t->err = curl_easy_getinfo(t->easy, CURLINFO_RESPONSE_CODE, &t->status) == CURLE_OK
                     ? OK
                     : ERR_UNAVAILABLE;
        t->date_s = read_date(t->easy);
        t->retry_after_s = read_retry_after(t->easy);
        return;
    }
    t->err = t->body.overflowed ? ERR_TOO_LARGE : ERR_UNAVAILABLE;
    if (t->body.overflowed) {
        (void)snprintf(t->problem, sizeof t->problem, "%s", "the body is too large");
    } else if (t->problem[0] == '\0') {
        (void)snprintf(t->problem, sizeof t->problem, "%s", curl_easy_strerror(code));
    }
}
