/* api/access/tokens.h - bearer tokens and their roles: <state>/tokens.json, mode 0600,
 *   [{"name": "line-3", "role": "camera", "sha256": "<hex of the secret's hash>", "created":
 * "2026-11-24T20:27:20.123Z"}]
 *
 * A secret is 256 random bits ("insp_" and 64 hex digits), so a plain SHA-256 of it is enough: slow, salted hashes
 * protect what people choose, and nobody can try 2^256 values. The file never holds a secret.
 *
 * Functions that take a state_dir block on the disk (startup, reload, command line); writers hold an flock on
 * <state>/tokens.lock, so the command line may change tokens while the daemon runs (which reads them at SIGHUP).
 */
#ifndef INSP_API_ACCESS_TOKENS_H
#define INSP_API_ACCESS_TOKENS_H

#include "core/base/error.h"
#include "core/base/sha256.h"
#include "core/model/manifest.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* A bit each, so that a route names all roles it admits. Admin is admitted everywhere. */
enum api_role { API_ROLE_CAMERA = 1, API_ROLE_VIEWER = 2, API_ROLE_OPERATOR = 4, API_ROLE_ADMIN = 8 };

bool api_role_parse(const char *text, enum api_role *ret); /* "camera" | "viewer" | "operator" | "admin" */
const char *api_role_name(enum api_role role);             /* static string */

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

/* Reads the file; a missing one is an empty list. INSP_E_CONFIG names what is wrong in it; errno codes. */
int api_tokens_load(const char *state_dir, struct api_tokens *ret, struct insp_error *reterr);

/* Makes a token and stores its hash; the secret is shown this once. name: insp_name_valid.
 * INSP_E_PARAMETER (name), INSP_E_CONFLICT (name taken), errno codes.
 * ret_secret has API_TOKEN_SECRET_BYTES bytes. */
int api_tokens_add(const char *state_dir, const char *name, enum api_role role, char *ret_secret,
                   struct insp_error *reterr);

/* INSP_E_NOT_FOUND where there is no such name. */
int api_tokens_revoke(const char *state_dir, const char *name, struct insp_error *reterr);

/* Where no admin token exists: writes a new secret to <state>/admin.token (0600), then stores its token under the
 * name "admin" (or "admin-2"... if that is taken). *ret_created says whether it did. Interrupted at any point, the
 * next call finds no admin and makes another. */
int api_tokens_ensure_admin(const char *state_dir, bool *ret_created, struct insp_error *reterr);

/* The token of a secret or NULL. Takes the same time wherever, and whether, it is found: every entry is compared
 * in full. Any thread; borrowed from tokens. */
const struct api_token *api_tokens_find(const struct api_tokens *tokens, const char *secret);

#endif
