#include "clerk/transfer.h"

#include "base/mem.h"

#define CONNECT_TIMEOUT_MS 3000L
#define AUTHORIZATION_MAX 8192 /* bytes of the header line */

void transfer_free(struct transfer *t)
{
    curl_slist_free_all(t->headers);
    curl_easy_cleanup(t->easy);
    text_free(&t->body);
    mem_free(t->url);
    mem_free(t->authorization);
    mem_free(t);
}

struct transfer *transfer_new(const struct outbound_request *request, outbound_done_cb done,
                              void *data)
{
    struct transfer *t = mem_alloc(sizeof *t);
    t->url = mem_copy(span_str(request->url));
    t->timeout_ms = request->timeout_ms;
    t->body = TEXT(request->max_bytes);
    t->done = done;
    t->data = data;
    if (request->authorization != NULL) {
        struct text line = TEXT(AUTHORIZATION_MAX);
        text_addf(&line, "Authorization: %s", request->authorization);
        t->authorization = text_take(&line);
    }
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
    t->headers = curl_slist_append(NULL, "Accept: application/json");
    if (t->headers != NULL && t->authorization != NULL) {
        struct curl_slist *longer = curl_slist_append(t->headers, t->authorization);
        if (longer == NULL) {
            return false;
        }
        t->headers = longer;
    }
    return t->headers != NULL &&
           curl_easy_setopt(t->easy, CURLOPT_HTTPHEADER, t->headers) == CURLE_OK &&
           curl_easy_setopt(t->easy, CURLOPT_USERAGENT, CLERK_USER_AGENT) == CURLE_OK;
}

bool transfer_prepare(struct transfer *t)
{
    t->easy = curl_easy_init();
    return t->easy != NULL && curl_easy_setopt(t->easy, CURLOPT_URL, t->url) == CURLE_OK &&
           curl_easy_setopt(t->easy, CURLOPT_PRIVATE, t) == CURLE_OK &&
           curl_easy_setopt(t->easy, CURLOPT_ERRORBUFFER, t->problem) == CURLE_OK &&
           curl_easy_setopt(t->easy, CURLOPT_WRITEFUNCTION, on_body) == CURLE_OK &&
           curl_easy_setopt(t->easy, CURLOPT_WRITEDATA, t) == CURLE_OK && set_limits(t) &&
           set_scheme(t) && set_headers(t);
}

void transfer_settle(struct transfer *t, CURLcode code)
{
    if (code == CURLE_OK) {
        t->err = curl_easy_getinfo(t->easy, CURLINFO_RESPONSE_CODE, &t->status) == CURLE_OK
                     ? OK
                     : ERR_UNAVAILABLE;
        return;
    }
    t->err = t->body.overflowed ? ERR_TOO_LARGE : ERR_UNAVAILABLE;
    if (t->body.overflowed) {
        (void)snprintf(t->problem, sizeof t->problem, "%s", "the body is too large");
    } else if (t->problem[0] == '\0') {
        (void)snprintf(t->problem, sizeof t->problem, "%s", curl_easy_strerror(code));
    }
}
