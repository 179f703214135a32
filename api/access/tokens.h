/* api/access/tokens.h - keeps bearer tokens and their roles in <state>/tokens.json, mode 0600:
 *   [{"name": "line-3", "role": "camera", "sha256": "<hex>", "created": "2026-11-24T20:27:20.123Z"}]
 *
 * A secret is 256 random bits ("insp_" and 64 hex digits), so its plain SHA-256 is enough: salted, slow hashes
 * protect passwords that people choose, and nobody can try 2^256 values. The file never holds a secret.
 *
 * Functions with a state_dir block on the disk (startup, reload, command line). Writers hold an flock on
 * <state>/tokens.lock, so the command line may change tokens while the daemon runs; the daemon reads them at
 * SIGHUP. */
#ifndef INSP_API_ACCESS_TOKENS_H
#define INSP_API_ACCESS_TOKENS_H

#include "core/base/error.h"
#include "core/base/sha256.h"
#include "core/model/manifest.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Bits, so that a route can admit several roles. Every route admits admin. */
enum api_role { API_ROLE_CAMERA = 1, API_ROLE_VIEWER = 2, API_ROLE_OPERATOR = 4, API_ROLE_ADMIN = 8 };

/* Parses "camera", "viewer", "operator" or "admin"; false for any other text. */
bool api_role_parse(const char *text, enum api_role *ret);
const char *api_role_name(enum api_role role); /* static string */

enum { API_TOKEN_SECRET_BYTES = 70 }; /* "insp_", 64 hex digits, NUL */

struct api_token {
    char name[INSP_NAME_BYTES];
    enum api_role role;
    char sha256[INSP_SHA256_HEX_BYTES];
    int64_t created_us; /* wall */
};
struct api_tokens {
    size_t count;
    struct api_token *token; /* owned: api_tokens_clear */
};
void api_tokens_clear(struct api_tokens *tokens);

/* Reads the file; a missing file gives an empty list. *ret is the caller's: api_tokens_clear. Fails with
 * INSP_E_CONFIG (the detail names the entry that is wrong), INSP_E_NOMEM, codes of insp_fail_errno. */
int api_tokens_load(const char *state_dir, struct api_tokens *ret, struct insp_error *reterr);

/* Makes a token and stores its hash. The secret exists in *ret_secret only.
 *   name        insp_name_valid
 *   ret_secret  API_TOKEN_SECRET_BYTES bytes
 * Fails with INSP_E_PARAMETER (name), INSP_E_CONFLICT (a token has the name), and as api_tokens_load. */
int api_tokens_add(const char *state_dir, const char *name, enum api_role role, char *ret_secret,
                   struct insp_error *reterr);

/* Removes a token. Fails with INSP_E_NOT_FOUND, and as api_tokens_load. */
int api_tokens_revoke(const char *state_dir, const char *name, struct insp_error *reterr);

/* Makes an admin token unless there is one: writes a new secret to <state>/admin.token (0600), then stores its
 * hash under the name "admin" ("admin-2"... if another token has that name). *ret_created: it made one. A call
 * that is interrupted at any point leaves no admin token, so the next call makes one. Fails as api_tokens_load. */
int api_tokens_ensure_admin(const char *state_dir, bool *ret_created, struct insp_error *reterr);

/* Finds the token of a secret; NULL for none. Compares every entry in full, so the time does not depend on whether
 * and where the secret is found. Any thread; borrowed from tokens. */
const struct api_token *api_tokens_find(const struct api_tokens *tokens, const char *secret);

#endif
