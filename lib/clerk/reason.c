#include "clerk/clerk.h"

static const struct {
    const char *name;
    const char *text;
} words[] = {
    [CLERK_OK] = {"ok", "The token is valid"},
    [CLERK_TOKEN_INVALID] = {"token-invalid", "The token is malformed"},
    [CLERK_TOKEN_INVALID_ALGORITHM] = {"token-invalid-algorithm",
                                       "The token is not signed with RS256"},
    [CLERK_TOKEN_INVALID_SIGNATURE] = {"token-invalid-signature",
                                       "The token's signature is not valid"},
    [CLERK_TOKEN_INVALID_ISSUER] = {"token-invalid-issuer",
                                    "The token was issued by somebody else"},
    [CLERK_TOKEN_INVALID_PARTIES] = {"token-invalid-authorized-parties",
                                     "The token was issued for another application"},
    [CLERK_TOKEN_EXPIRED] = {"token-expired", "The token has expired"},
    [CLERK_TOKEN_NOT_ACTIVE_YET] = {"token-not-active-yet", "The token is not valid yet"},
    [CLERK_TOKEN_IAT_IN_THE_FUTURE] = {"token-iat-in-the-future",
                                       "The token was issued in the future"},
    [CLERK_TOKEN_TYPE_MISMATCH] = {"token-type-mismatch", "The token is not a session token"},
    [CLERK_TOKEN_NO_SUBJECT] = {"token-verification-failed", "The token names no user"},
    [CLERK_SESSION_PENDING] = {"session-pending", "The session has unfinished tasks"},
    [CLERK_SESSION_REVOKED] = {"session-revoked", "The session has been revoked"},
    [CLERK_KID_MISMATCH] = {"jwk-kid-mismatch", "The token was signed with an unknown key"},
    [CLERK_NO_KEYS] = {"jwk-remote-failed-to-load",
                       "The keys to check the token with cannot be had right now"},
};

const char *clerk_reason_name(enum clerk_reason r)
{
    return words[r].name;
}

const char *clerk_reason_text(enum clerk_reason r)
{
    return words[r].text;
}
