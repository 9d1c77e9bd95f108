/* Which URLs may be asked: they come from the operator, and still a slip (http://, a password in
 * the URL) must not send the secret key over the wire in clear. */
#include <arpa/inet.h>

#include <curl/curl.h>

#include "clerk/outbound.h"

static bool is_loopback(const char *host)
{
    struct in_addr four;
    if (inet_pton(AF_INET, host, &four) == 1) {
        return ntohl(four.s_addr) >> 24 == 127;
    }
    return strcmp(host, "localhost") == 0 || strcmp(host, "[::1]") == 0;
}

static bool url_has(CURLU *url, CURLUPart part)
{
    char *s = NULL;
    bool has = curl_url_get(url, part, &s, 0) == CURLUE_OK;
    curl_free(s);
    return has;
}

static enum err check_host(CURLU *url, const char *scheme, const char **why)
{
    char *host = NULL;
    if (curl_url_get(url, CURLUPART_HOST, &host, 0) != CURLUE_OK) {
        *why = "it names no host";
        return ERR_INVALID;
    }
    bool allowed =
        strcmp(scheme, "https") == 0 || (strcmp(scheme, "http") == 0 && is_loopback(host));
    curl_free(host);
    if (!allowed) {
        *why = "it must begin with https:// (http:// is for loopback hosts only)";
        return ERR_INVALID;
    }
    return OK;
}

static enum err check_parts(CURLU *url, const char *text, const char **why)
{
    if (curl_url_set(url, CURLUPART_URL, text, 0) != CURLUE_OK) {
        *why = "it is not a URL";
        return ERR_INVALID;
    }
    if (url_has(url, CURLUPART_USER) || url_has(url, CURLUPART_PASSWORD)) {
        *why = "it must not contain a name or a password";
        return ERR_INVALID;
    }
    char *scheme = NULL;
    if (curl_url_get(url, CURLUPART_SCHEME, &scheme, 0) != CURLUE_OK) {
        *why = "it names no scheme";
        return ERR_INVALID;
    }
    enum err e = check_host(url, scheme, why);
    curl_free(scheme);
    return e;
}

enum err outbound_check_url(const char *url, const char **why)
{
    CURLU *parts = curl_url();
    if (parts == NULL) {
        *why = "there is no memory";
        return ERR_INVALID;
    }
    enum err e = check_parts(parts, url, why);
    curl_url_cleanup(parts);
    return e;
}
