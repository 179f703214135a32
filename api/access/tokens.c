#include "api/access/tokens.h"

#include "core/base/cleanup.h"
#include "core/base/clock.h"
#include "core/base/fs.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/random.h>
#include <unistd.h>

enum { FILE_BYTES_MAX = 4 << 20, SECRET_RANDOM_BYTES = 32 };

static const struct {
    const char *name;
    enum api_role role;
} roles[] = {{"camera", API_ROLE_CAMERA},
             {"viewer", API_ROLE_VIEWER},
             {"operator", API_ROLE_OPERATOR},
             {"admin", API_ROLE_ADMIN}};

bool api_role_parse(const char *text, enum api_role *ret) {
    for (size_t i = 0; i < INSP_COUNT(roles); i++)
        if (!strcmp(text, roles[i].name)) {
            *ret = roles[i].role;
            return true;
        }
    return false;
}

const char *api_role_name(enum api_role role) {
    for (size_t i = 0; i < INSP_COUNT(roles); i++)
        if (roles[i].role == role)
            return roles[i].name;
    return "none";
}

void api_tokens_clear(struct api_tokens *tokens) {
    free(tokens->token);
    *tokens = (struct api_tokens){0};
}

static bool hex_hash(const char *text) {
    return strlen(text) == INSP_SHA256_HEX_BYTES - 1 &&
           strspn(text, "0123456789abcdef") == INSP_SHA256_HEX_BYTES - 1;
}

static int parse_entry(json_t *entry, size_t place, struct api_token *ret, struct insp_error *reterr) {
    const char *name, *role, *hash, *created;
    json_error_t why;
    if (json_unpack_ex(entry, &why, 0, "{s:s,s:s,s:s,s:s}", "name", &name, "role", &role, "sha256", &hash,
                       "created", &created))
        return insp_fail(reterr, INSP_E_CONFIG, "tokens.json, entry %zu: %s", place, why.text);
    if (!insp_name_valid(name) || !api_role_parse(role, &ret->role) || !hex_hash(hash) ||
        !insp_rfc3339_parse(created, &ret->created_us))
        return insp_fail(reterr, INSP_E_CONFIG,
                         "tokens.json, entry %zu: name, role, sha256 or created is not valid", place);
    memcpy(ret->name, name, strlen(name) + 1);
    memcpy(ret->sha256, hash, INSP_SHA256_HEX_BYTES);
    return 0;
}

static int parse(const char *text, size_t bytes, struct api_tokens *ret, struct insp_error *reterr) {
    json_error_t why;
    json_t *list = json_loadb(text, bytes, JSON_REJECT_DUPLICATES, &why);
    if (!json_is_array(list)) {
        json_decref(list);
        return insp_fail(reterr, INSP_E_CONFIG, "tokens.json is not a JSON array: %s", why.text);
    }
    struct api_tokens tokens = {.token = calloc(json_array_size(list) + 1, sizeof *tokens.token)};
    int code = tokens.token ? 0 : insp_fail(reterr, INSP_E_NOMEM, "tokens.json: no memory");
    for (size_t i = 0; !code && i < json_array_size(list); i++) {
        code = parse_entry(json_array_get(list, i), i, &tokens.token[i], reterr);
        tokens.count = i + 1;
    }
    json_decref(list);
    if (code)
        api_tokens_clear(&tokens);
    else
        *ret = tokens;
    return code;
}

int api_tokens_load(const char *state_dir, struct api_tokens *ret, struct insp_error *reterr) {
    char path[INSP_PATH_BYTES];
    _cleanup_free_ char *text = NULL;
    size_t bytes;
    int code = insp_path(path, reterr, "%s/tokens.json", state_dir);
    if (code)
        return code;
    if (access(path, F_OK) && errno == ENOENT) {
        *ret = (struct api_tokens){0};
        return 0;
    }
    code = insp_read_file(path, FILE_BYTES_MAX, &text, &bytes, reterr);
    return code ? code : parse(text, bytes, ret, reterr);
}

static int save(const char *state_dir, const struct api_tokens *tokens, struct insp_error *reterr) {
    char path[INSP_PATH_BYTES];
    int code = insp_path(path, reterr, "%s/tokens.json", state_dir);
    if (code)
        return code;
    json_t *list = json_array();
    for (size_t i = 0; list && i < tokens->count; i++) {
        const struct api_token *token = &tokens->token[i];
        char created[INSP_RFC3339_BYTES];
        insp_rfc3339(token->created_us, created);
        if (json_array_append_new(list, json_pack("{s:s,s:s,s:s,s:s}", "name", token->name, "role",
                                                  api_role_name(token->role), "sha256", token->sha256, "created",
                                                  created))) {
            json_decref(list);
            list = NULL;
        }
    }
    _cleanup_free_ char *text = list ? json_dumps(list, JSON_INDENT(2)) : NULL;
    json_decref(list);
    if (!text)
        return insp_fail(reterr, INSP_E_NOMEM, "tokens.json: no memory");
    return insp_write_file(path, text, strlen(text), 0600, true, reterr);
}

/* Locks a separate file, because rename replaces tokens.json. */
static int lock_tokens(const char *state_dir, int *ret_fd, struct insp_error *reterr) {
    char path[INSP_PATH_BYTES];
    int code = insp_path(path, reterr, "%s/tokens.lock", state_dir);
    return code ? code : insp_lock_file(path, 0600, ret_fd, reterr);
}

static int make_secret(char *ret, struct insp_error *reterr) {
    unsigned char random[SECRET_RANDOM_BYTES];
    if (getrandom(random, sizeof random, 0) != (ssize_t)sizeof random)
        return insp_fail_errno(reterr, errno, "getrandom");
    memcpy(ret, "insp_", 5);
    for (size_t i = 0; i < sizeof random; i++)
        snprintf(ret + 5 + 2 * i, 3, "%02x", random[i]);
    return 0;
}

static const struct api_token *by_name(const struct api_tokens *tokens, const char *name) {
    for (size_t i = 0; i < tokens->count; i++)
        if (!strcmp(tokens->token[i].name, name))
            return &tokens->token[i];
    return NULL;
}

static int add_locked(const char *state_dir, const char *name, enum api_role role, const char *secret,
                      struct insp_error *reterr) {
    _cleanup_(api_tokens_clear) struct api_tokens tokens = {0};
    int code = api_tokens_load(state_dir, &tokens, reterr);
    if (code)
        return code;
    if (by_name(&tokens, name))
        return insp_fail(reterr, INSP_E_CONFLICT, "there is already a token named \"%s\"; revoke it first", name);
    struct api_token *grown = reallocarray(tokens.token, tokens.count + 1, sizeof *grown);
    if (!grown)
        return insp_fail(reterr, INSP_E_NOMEM, "no memory for a token");
    tokens.token = grown;
    struct api_token *token = &grown[tokens.count++];
    *token = (struct api_token){.role = role, .created_us = insp_wall_us()};
    memcpy(token->name, name, strlen(name) + 1);
    insp_sha256_hex(secret, strlen(secret), token->sha256);
    return save(state_dir, &tokens, reterr);
}

int api_tokens_add(const char *state_dir, const char *name, enum api_role role, char *ret_secret,
                   struct insp_error *reterr) {
    _cleanup_close_ int lock = -1;
    char secret[API_TOKEN_SECRET_BYTES];
    if (!insp_name_valid(name))
        return insp_fail(reterr, INSP_E_PARAMETER, "a token's name has 1 to 64 of A-Z a-z 0-9 . _ -");
    int code = lock_tokens(state_dir, &lock, reterr);
    if (!code)
        code = make_secret(secret, reterr);
    if (!code)
        code = add_locked(state_dir, name, role, secret, reterr);
    if (!code)
        memcpy(ret_secret, secret, sizeof secret);
    return code;
}

int api_tokens_revoke(const char *state_dir, const char *name, struct insp_error *reterr) {
    _cleanup_close_ int lock = -1;
    _cleanup_(api_tokens_clear) struct api_tokens tokens = {0};
    int code = lock_tokens(state_dir, &lock, reterr);
    if (!code)
        code = api_tokens_load(state_dir, &tokens, reterr);
    if (code)
        return code;
    const struct api_token *found = by_name(&tokens, name);
    if (!found)
        return insp_fail(reterr, INSP_E_NOT_FOUND, "there is no token named \"%s\"", name);
    size_t place = (size_t)(found - tokens.token);
    /* NOLINTNEXTLINE(clang-analyzer-core.NonNullParamChecker): `found` points into the array */
    memmove(&tokens.token[place], &tokens.token[place + 1], (tokens.count - place - 1) * sizeof *tokens.token);
    tokens.count--;
    return save(state_dir, &tokens, reterr);
}

static int write_secret(const char *path, const char *secret, struct insp_error *reterr) {
    char line[API_TOKEN_SECRET_BYTES + 1]; /* a text file of one line */
    int bytes = snprintf(line, sizeof line, "%s\n", secret);
    return insp_write_file(path, line, (size_t)bytes, 0600, true, reterr);
}

int api_tokens_ensure_admin(const char *state_dir, bool *ret_created, struct insp_error *reterr) {
    _cleanup_close_ int lock = -1;
    _cleanup_(api_tokens_clear) struct api_tokens tokens = {0};
    char path[INSP_PATH_BYTES], secret[API_TOKEN_SECRET_BYTES];
    int code = insp_path(path, reterr, "%s/admin.token", state_dir);
    if (!code)
        code = lock_tokens(state_dir, &lock, reterr);
    if (!code)
        code = api_tokens_load(state_dir, &tokens, reterr);
    if (code)
        return code;
    for (size_t i = 0; i < tokens.count; i++)
        if (tokens.token[i].role == API_ROLE_ADMIN) {
            *ret_created = false;
            return 0;
        }
    /* The secret comes first: after a crash or a full disk between the two writes no token has this secret, and
     * the next start makes another. In the other order there would be an admin token whose secret nobody ever saw.
     */
    char name[INSP_NAME_BYTES] = "admin";
    for (size_t n = 2; by_name(&tokens, name); n++)
        snprintf(name, sizeof name, "admin-%zu", n);
    code = make_secret(secret, reterr);
    if (!code)
        code = write_secret(path, secret, reterr);
    if (!code)
        code = add_locked(state_dir, name, API_ROLE_ADMIN, secret, reterr);
    if (!code)
        *ret_created = true;
    return code;
}

const struct api_token *api_tokens_find(const struct api_tokens *tokens, const char *secret) {
    char hash[INSP_SHA256_HEX_BYTES];
    insp_sha256_hex(secret, strlen(secret), hash);
    const struct api_token *found = NULL;
    for (size_t i = 0; i < tokens->count; i++)
        if (insp_equal_constant_time(hash, tokens->token[i].sha256, INSP_SHA256_HEX_BYTES - 1))
            found = &tokens->token[i];
    return found;
}
