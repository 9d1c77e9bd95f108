#include "base/err.h"

const char *err_name(enum err e)
{
    switch (e) {
    case OK:
        return "ok";
    case ERR_INVALID:
        return "invalid";
    case ERR_UNAUTHORIZED:
        return "unauthorized";
    case ERR_FORBIDDEN:
        return "forbidden";
    case ERR_NOT_FOUND:
        return "not_found";
    case ERR_CONFLICT:
        return "conflict";
    case ERR_TOO_LARGE:
        return "too_large";
    case ERR_LIMIT:
        return "limit";
    case ERR_UNAVAILABLE:
        return "unavailable";
    case ERR_CANCELED:
        return "canceled";
    case ERR_DISK_FULL:
        return "disk_full";
    case ERR_INTERNAL:
        return "internal";
    }
    return "unknown";
}
