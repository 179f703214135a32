#include "api/access/tokens.h"
#include "core/base/fs.h"
#include "tests/unit/harness.h"

#include <signal.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>

static char dir[64];
static struct insp_error err;

static void begin(void) {
    strcpy(dir, "/tmp/insp-tokens-XXXXXX");
    ck_assert_ptr_nonnull(mkdtemp(dir));
}

static void end(void) {
    ck_insp_ok(insp_remove_tree(dir, &err), err);
}

/* The text of a file of the folder, the caller's; checks its mode. */
static char *slurp(const char *name) {
    char path[128], *text;
    size_t bytes;
    struct stat facts;
    snprintf(path, sizeof path, "%s/%s", dir, name);
    ck_assert_int_eq(stat(path, &facts), 0);
    ck_assert_int_eq(facts.st_mode & 07777, 0600);
    ck_insp_ok(insp_read_file(path, 1 << 20, &text, &bytes, &err), err);
    return text;
}

static void spill(const char *text) {
    char path[128];
    snprintf(path, sizeof path, "%s/tokens.json", dir);
    ck_insp_ok(insp_write_file(path, text, strlen(text), 0600, false, &err), err);
}

START_TEST(test_roles) {
    enum api_role role = API_ROLE_ADMIN;
    ck_assert(api_role_parse("camera", &role) && role == API_ROLE_CAMERA);
    ck_assert(!api_role_parse("Camera", &role) && !api_role_parse("", &role) && role == API_ROLE_CAMERA);
    for (unsigned bit = 1; bit <= 8; bit *= 2)
        ck_assert(api_role_parse(api_role_name((enum api_role)bit), &role) && role == (enum api_role)bit);
}
END_TEST

START_TEST(test_no_file_is_an_empty_list) {
    struct api_tokens tokens;
    begin();
    ck_insp_ok(api_tokens_load(dir, &tokens, &err), err);
    ck_assert_uint_eq(tokens.count, 0);
    ck_assert_ptr_null(api_tokens_find(&tokens, ""));
    end();
}
END_TEST

START_TEST(test_add_find_revoke) {
    struct api_tokens tokens;
    char camera[API_TOKEN_SECRET_BYTES], viewer[API_TOKEN_SECRET_BYTES];
    begin();
    ck_insp_ok(api_tokens_add(dir, "line-3", API_ROLE_CAMERA, camera, &err), err);
    ck_insp_ok(api_tokens_add(dir, "wall", API_ROLE_VIEWER, viewer, &err), err);
    ck_assert_uint_eq(strlen(camera), API_TOKEN_SECRET_BYTES - 1);
    ck_assert_int_eq(strncmp(camera, "insp_", 5), 0);
    ck_assert_str_ne(camera, viewer);
    ck_insp_ok(api_tokens_load(dir, &tokens, &err), err);
    ck_assert_uint_eq(tokens.count, 2);
    const struct api_token *found = api_tokens_find(&tokens, camera);
    ck_assert_ptr_nonnull(found);
    ck_assert_str_eq(found->name, "line-3");
    ck_assert_int_eq(found->role, API_ROLE_CAMERA);
    ck_assert_int_gt(found->created_us, 0);
    camera[20] ^= 1;
    ck_assert_ptr_null(api_tokens_find(&tokens, camera));
    camera[20] ^= 1;
    ck_assert_ptr_null(api_tokens_find(&tokens, found->sha256)); /* the hash in the file is no secret */
    api_tokens_clear(&tokens);
    ck_insp_ok(api_tokens_revoke(dir, "line-3", &err), err);
    ck_insp_code(api_tokens_revoke(dir, "line-3", &err), INSP_E_NOT_FOUND, err);
    ck_insp_ok(api_tokens_load(dir, &tokens, &err), err);
    ck_assert_ptr_null(api_tokens_find(&tokens, camera));
    ck_assert_ptr_nonnull(api_tokens_find(&tokens, viewer));
    api_tokens_clear(&tokens);
    end();
}
END_TEST

START_TEST(test_the_file_is_private_and_holds_no_secret) {
    char secret[API_TOKEN_SECRET_BYTES], hash[INSP_SHA256_HEX_BYTES];
    begin();
    ck_insp_ok(api_tokens_add(dir, "line-3", API_ROLE_CAMERA, secret, &err), err);
    char *text = slurp("tokens.json");
    insp_sha256_hex(secret, strlen(secret), hash);
    ck_assert_ptr_nonnull(strstr(text, hash));
    ck_assert_ptr_null(strstr(text, secret));
    ck_assert_ptr_null(strstr(text, secret + 5));
    free(text);
    end();
}
END_TEST

START_TEST(test_names) {
    char secret[API_TOKEN_SECRET_BYTES] = "untouched";
    begin();
    ck_insp_code(api_tokens_add(dir, "a b", API_ROLE_CAMERA, secret, &err), INSP_E_PARAMETER, err);
    ck_insp_code(api_tokens_add(dir, "", API_ROLE_CAMERA, secret, &err), INSP_E_PARAMETER, err);
    ck_assert_str_eq(secret, "untouched");
    ck_insp_ok(api_tokens_add(dir, "a", API_ROLE_CAMERA, secret, &err), err);
    ck_insp_code(api_tokens_add(dir, "a", API_ROLE_ADMIN, secret, &err), INSP_E_CONFLICT, err);
    end();
}
END_TEST

START_TEST(test_the_first_admin) {
    struct api_tokens tokens;
    char secret[API_TOKEN_SECRET_BYTES];
    bool created = false;
    begin();
    ck_insp_ok(api_tokens_add(dir, "admin", API_ROLE_VIEWER, secret, &err), err); /* another token has the name */
    ck_insp_ok(api_tokens_ensure_admin(dir, &created, &err), err);
    ck_assert(created);
    char *text = slurp("admin.token");
    ck_assert_uint_eq(strlen(text), API_TOKEN_SECRET_BYTES);
    ck_assert_int_eq(text[API_TOKEN_SECRET_BYTES - 1], '\n');
    text[API_TOKEN_SECRET_BYTES - 1] = 0;
    ck_insp_ok(api_tokens_load(dir, &tokens, &err), err);
    const struct api_token *found = api_tokens_find(&tokens, text);
    ck_assert_ptr_nonnull(found);
    ck_assert_int_eq(found->role, API_ROLE_ADMIN);
    api_tokens_clear(&tokens);
    ck_insp_ok(api_tokens_ensure_admin(dir, &created, &err), err);
    ck_assert(!created);
    ck_insp_ok(api_tokens_load(dir, &tokens, &err), err);
    ck_assert_uint_eq(tokens.count, 2);
    api_tokens_clear(&tokens);
    free(text);
    end();
}
END_TEST

/* Finds the admin token by the secret in admin.token; fails if no token has it. */
static void check_admin(void) {
    struct api_tokens tokens;
    char *text = slurp("admin.token");
    text[strcspn(text, "\n")] = 0;
    ck_insp_ok(api_tokens_load(dir, &tokens, &err), err);
    const struct api_token *found = api_tokens_find(&tokens, text);
    ck_assert_ptr_nonnull(found);
    ck_assert_int_eq(found->role, API_ROLE_ADMIN);
    api_tokens_clear(&tokens);
    free(text);
}

/* A first start that ends after one of the two files, whichever: the next one has an admin whose secret is there.
 */
START_TEST(test_an_interrupted_first_start_locks_nobody_out) {
    char path[128];
    bool created = false;
    begin();
    snprintf(path, sizeof path, "%s/admin.token", dir);
    ck_assert_int_eq(mkdir(path, 0700), 0); /* the secret cannot be written */
    ck_assert_int_lt(api_tokens_ensure_admin(dir, &created, &err), 0);
    ck_assert(!created);
    ck_assert_int_eq(rmdir(path), 0);
    ck_insp_ok(api_tokens_ensure_admin(dir, &created, &err), err);
    ck_assert(created);
    check_admin();
    ck_insp_ok(api_tokens_revoke(dir, "admin", &err), err);

    /* the list of tokens, which is longer than a secret, does not fit on the disk any more */
    struct rlimit all, little;
    ck_assert_int_eq(getrlimit(RLIMIT_FSIZE, &all), 0);
    little = (struct rlimit){.rlim_cur = 100, .rlim_max = all.rlim_max};
    signal(SIGXFSZ, SIG_IGN);
    ck_assert_int_eq(setrlimit(RLIMIT_FSIZE, &little), 0);
    int code = api_tokens_ensure_admin(dir, &created, &err);
    ck_assert_int_eq(setrlimit(RLIMIT_FSIZE, &all), 0);
    ck_assert_int_lt(code, 0);
    ck_insp_ok(api_tokens_ensure_admin(dir, &created, &err), err);
    ck_assert(created);
    check_admin();
    end();
}
END_TEST

START_TEST(test_the_first_admin_finds_a_name) {
    char secret[API_TOKEN_SECRET_BYTES];
    bool created = false;
    begin();
    ck_insp_ok(api_tokens_add(dir, "admin", API_ROLE_VIEWER, secret, &err), err);
    ck_insp_ok(api_tokens_add(dir, "first-admin", API_ROLE_VIEWER, secret, &err), err);
    ck_insp_ok(api_tokens_add(dir, "admin-2", API_ROLE_VIEWER, secret, &err), err);
    ck_insp_ok(api_tokens_ensure_admin(dir, &created, &err), err);
    check_admin();
    end();
}
END_TEST

#define HASH "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef"
START_TEST(test_a_damaged_file_is_named) {
    static const char *const bad[] = {
        "",
        "{}",
        "[",
        "[1]",
        "[{\"name\": \"a\", \"role\": \"camera\", \"sha256\": \"" HASH "\"}]",
        "[{\"name\": \"a b\", \"role\": \"camera\", \"sha256\": \"" HASH
        "\", \"created\": \"2026-11-24T20:27:20Z\"}]",
        "[{\"name\": \"a\", \"role\": \"boss\", \"sha256\": \"" HASH "\", \"created\": \"2026-11-24T20:27:20Z\"}]",
        "[{\"name\": \"a\", \"role\": \"camera\", \"sha256\": \"0\", \"created\": \"2026-11-24T20:27:20Z\"}]",
        "[{\"name\": \"a\", \"role\": \"camera\", \"sha256\": \"" HASH "\", \"created\": \"today\"}]",
    };
    struct api_tokens tokens = {.count = 7};
    char secret[API_TOKEN_SECRET_BYTES];
    begin();
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        spill(bad[i]);
        ck_assert_msg(api_tokens_load(dir, &tokens, &err) == INSP_E_CONFIG, "%s", bad[i]);
        ck_assert_ptr_nonnull(strstr(err.detail, "tokens.json"));
        ck_assert_uint_eq(tokens.count, 7);
    }
    /* and is not written over */
    ck_insp_code(api_tokens_add(dir, "b", API_ROLE_CAMERA, secret, &err), INSP_E_CONFIG, err);
    char *text = slurp("tokens.json");
    ck_assert_str_eq(text, bad[sizeof bad / sizeof *bad - 1]);
    free(text);
    end();
}
END_TEST

INSP_TESTS(test_roles, test_no_file_is_an_empty_list, test_add_find_revoke,
           test_the_file_is_private_and_holds_no_secret, test_names, test_the_first_admin,
           test_an_interrupted_first_start_locks_nobody_out, test_the_first_admin_finds_a_name,
           test_a_damaged_file_is_named);
