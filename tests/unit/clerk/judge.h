/* judge: tokens before jwt_verify, with the rules and the key that mint's usual token is made for.
 */
#pragma once

#include "clerk/jwt.h"
#include "tests/unit/clerk/mint.h"

extern const struct claims_rules judge_rules;

/* MINT_GOOD as "ins_1". Freed with keys_free. */
struct keys *judge_keys(void);
enum clerk_reason judge_by(const struct claims_rules *by, struct span token);
enum clerk_reason judge_token(const char *token);
/* Signed with MINT_GOOD. */
enum clerk_reason judge_signed(const char *header, const char *payload);
/* Freed with mem_free. */
char *judge_good_token(void);
