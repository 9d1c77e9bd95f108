#include "lease.h"

enum lease_news lease_look(struct lease *l, int64_t now_ms, int64_t *in_s)
{
    int64_t left_ms = l->expires_ms - now_ms;
    if (left_ms + l->grace_ms <= 0) {
        return LEASE_OVER;
    }
    if (l->quiet) {
        return LEASE_NO_NEWS;
    }
    if (left_ms <= 0 && l->told < LEASE_TOLD_OVER) {
        l->told = LEASE_TOLD_OVER;
        *in_s = 0;
        return LEASE_EXPIRING;
    }
    if (left_ms > 0 && left_ms <= LEASE_WARN_MS && l->told < LEASE_TOLD_SOON) {
        l->told = LEASE_TOLD_SOON;
        *in_s = (left_ms + 999) / 1000;
        return LEASE_EXPIRING;
    }
    return LEASE_NO_NEWS;
}

bool lease_is_expired(const struct lease *l, int64_t now_ms)
{
    return now_ms >= l->expires_ms;
}

void lease_renew(struct lease *l, int64_t expires_ms)
{
    if (expires_ms > l->expires_ms) {
        l->expires_ms = expires_ms;
        l->told = LEASE_TOLD_NOTHING;
    }
}
