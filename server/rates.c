#include "rates.h"

#include "base/map.h"
#include "base/mem.h"

struct account {
    double left[RATE_KINDS];
    uint64_t at_us; /* when `left` was so */
};

struct rates {
    struct rate limits[RATE_KINDS];
    struct map accounts; /* user -> struct account, owned */
    struct account crowd;
    uint64_t swept_us;
};

static void fill(const struct rates *r, struct account *a)
{
    for (size_t i = 0; i < RATE_KINDS; i++) {
        a->left[i] = r->limits[i].burst;
    }
}

struct rates *rates_new(const struct rate limits[RATE_KINDS])
{
    struct rates *r = mem_alloc(sizeof *r);
    memcpy(r->limits, limits, sizeof r->limits);
    fill(r, &r->crowd);
    return r;
}

void rates_free(struct rates *r)
{
    if (r == NULL) {
        return;
    }
    void *account;
    struct span user;
    for (size_t i = 0; map_next(&r->accounts, &i, &user, &account);) {
        mem_free(account);
    }
    map_free(&r->accounts);
    mem_free(r);
}

/* What has come in since. A clock that went back adds nothing. True when nothing is missing. */
static bool refill(const struct rates *r, struct account *a, uint64_t now_us)
{
    double passed_s = now_us > a->at_us ? (double)(now_us - a->at_us) / 1e6 : 0;
    bool full = true;
    for (size_t i = 0; i < RATE_KINDS; i++) {
        double left = a->left[i] + passed_s * r->limits[i].per_s;
        a->left[i] = left < r->limits[i].burst ? left : r->limits[i].burst;
        full = full && left >= r->limits[i].burst;
    }
    a->at_us = now_us > a->at_us ? now_us : a->at_us;
    return full;
}

void rates_sweep(struct rates *r, uint64_t now_us)
{
    if (r == NULL) {
        return;
    }
    struct map kept = {0};
    struct span user;
    void *account;
    for (size_t i = 0; map_next(&r->accounts, &i, &user, &account);) {
        if (refill(r, account, now_us)) {
            mem_free(account);
        } else {
            (void)map_put(&kept, user, account);
        }
    }
    map_free(&r->accounts);
    r->accounts = kept;
    r->swept_us = now_us;
}

static struct account *account_of(struct rates *r, struct span user, uint64_t now_us)
{
    struct account *a = map_get(&r->accounts, user);
    if (a != NULL) {
        return a;
    }
    if (r->accounts.count >= RATES_USERS_MAX && now_us >= r->swept_us + 1000000) {
        rates_sweep(r, now_us);
    }
    if (r->accounts.count >= RATES_USERS_MAX) {
        return &r->crowd;
    }
    a = mem_alloc(sizeof *a);
    a->at_us = now_us;
    fill(r, a);
    (void)map_put(&r->accounts, user, a);
    return a;
}

unsigned rates_take(struct rates *r, enum rate_kind kind, struct span user, uint64_t now_us)
{
    if (r == NULL) {
        return 0;
    }
    struct account *a = account_of(r, user, now_us);
    (void)refill(r, a, now_us);
    if (a->left[kind] >= 1) {
        a->left[kind] -= 1;
        return 0;
    }
    /* Rounded up, so that who waits as told finds one there. */
    return 1 + (unsigned)((1 - a->left[kind]) / r->limits[kind].per_s);
}

size_t rates_users(const struct rates *r)
{
    return r->accounts.count;
}
