#include "api/access/auth.h"
#include "tests/unit/harness.h"

#include <arpa/inet.h>
#include <string.h>
#include <sys/un.h>

enum { ROLES = 4 };
static const char *const secret[ROLES] = {"insp_c", "insp_v", "insp_o", "insp_a"};
static const enum api_role role[ROLES] = {API_ROLE_CAMERA, API_ROLE_VIEWER, API_ROLE_OPERATOR, API_ROLE_ADMIN};
static struct api_token entry[ROLES];
static const struct api_tokens tokens = {ROLES, entry};
static struct insp_error err;

static void make_tokens(void) {
    for (size_t i = 0; i < ROLES; i++) {
        snprintf(entry[i].name, sizeof entry[i].name, "%s", api_role_name(role[i]));
        entry[i].role = role[i];
        insp_sha256_hex(secret[i], strlen(secret[i]), entry[i].sha256);
    }
}

static int decide(enum api_access access, unsigned roles, bool open, const char *authorization,
                  const struct api_token **ret) {
    const struct api_route route = {.access = access, .roles = roles};
    return api_auth_decide(&route, open, &tokens, authorization, ret, &err);
}

static int decide_secret(enum api_access access, unsigned roles, bool open, const char *text,
                         const struct api_token **ret) {
    char header[64];
    snprintf(header, sizeof header, "Bearer %s", text);
    return decide(access, roles, open, header, ret);
}

/* Each role against each set of roles, on open and closed addresses: admitted exactly as the table says. */
START_TEST(test_the_matrix) {
    const struct api_token *token;
    make_tokens();
    for (unsigned roles = 0; roles < 8; roles++)
        for (size_t i = 0; i < ROLES; i++) {
            bool admitted = role[i] == API_ROLE_ADMIN || (role[i] & roles);
            int expected = admitted ? 0 : INSP_E_FORBIDDEN;
            ck_insp_code(decide_secret(API_OPEN, roles, false, secret[i], &token), expected, err);
            ck_assert_ptr_eq(token, &entry[i]);
            ck_insp_code(decide_secret(API_ALWAYS, roles, false, secret[i], &token), expected, err);
            ck_insp_code(decide_secret(API_ALWAYS, roles, true, secret[i], &token), expected, err);
            ck_insp_ok(decide_secret(API_OPEN, roles, true, secret[i], &token), err);
            ck_assert_ptr_eq(token, &entry[i]); /* the label's author */
        }
}
END_TEST

START_TEST(test_without_a_token) {
    const struct api_token *token;
    make_tokens();
    ck_insp_ok(decide(API_PUBLIC, 0, false, NULL, &token), err);
    ck_insp_ok(decide(API_OPEN, API_ROLE_VIEWER, true, NULL, &token), err);
    ck_assert_ptr_null(token);
    ck_insp_code(decide(API_OPEN, API_ROLE_VIEWER, false, NULL, &token), INSP_E_UNAUTHORIZED, err);
    ck_insp_code(decide(API_ALWAYS, 0, true, NULL, &token), INSP_E_UNAUTHORIZED, err);
    ck_insp_code(decide(API_ALWAYS, 0, false, NULL, &token), INSP_E_UNAUTHORIZED, err);
}
END_TEST

START_TEST(test_an_unknown_token_is_refused_even_where_none_is_needed) {
    const struct api_token *token;
    make_tokens();
    ck_insp_code(decide_secret(API_OPEN, API_ROLE_VIEWER, true, "insp_x", &token), INSP_E_UNAUTHORIZED, err);
    ck_assert_ptr_null(token);
    ck_insp_code(decide_secret(API_ALWAYS, 0, true, "", &token), INSP_E_UNAUTHORIZED, err);
    ck_insp_ok(decide_secret(API_PUBLIC, 0, false, "insp_x", &token), err); /* probes never depend on tokens */
}
END_TEST

START_TEST(test_the_header) {
    const struct api_token *token;
    make_tokens();
    ck_insp_ok(decide(API_ALWAYS, 0, false, "bearer   insp_a", &token), err);
    ck_insp_code(decide(API_ALWAYS, 0, false, "Basic insp_a", &token), INSP_E_UNAUTHORIZED, err);
    ck_insp_code(decide(API_ALWAYS, 0, false, "Bearerinsp_a", &token), INSP_E_UNAUTHORIZED, err);
    ck_insp_code(decide(API_ALWAYS, 0, false, "Bearer insp_a ", &token), INSP_E_UNAUTHORIZED, err);
    ck_insp_code(decide(API_ALWAYS, 0, false, "insp_a", &token), INSP_E_UNAUTHORIZED, err);
    ck_insp_code(decide(API_ALWAYS, 0, false, "", &token), INSP_E_UNAUTHORIZED, err);
    ck_insp_ok(decide(API_OPEN, API_ROLE_VIEWER, true, "Basic abc", &token), err); /* a proxy's own */
}
END_TEST

static bool v4(const char *text) {
    struct sockaddr_in address = {.sin_family = AF_INET};
    ck_assert_int_eq(inet_pton(AF_INET, text, &address.sin_addr), 1);
    return api_address_is_loopback((const struct sockaddr *)&address);
}

static bool v6(const char *text) {
    struct sockaddr_in6 address = {.sin6_family = AF_INET6};
    ck_assert_int_eq(inet_pton(AF_INET6, text, &address.sin6_addr), 1);
    return api_address_is_loopback((const struct sockaddr *)&address);
}

START_TEST(test_loopback) {
    const struct sockaddr_un local = {.sun_family = AF_UNIX};
    ck_assert(v4("127.0.0.1") && v4("127.255.255.255"));
    ck_assert(!v4("0.0.0.0") && !v4("128.0.0.1") && !v4("10.0.0.127") && !v4("192.168.127.1"));
    ck_assert(v6("::1") && v6("::ffff:127.0.0.1"));
    ck_assert(!v6("::") && !v6("::2") && !v6("fe80::1") && !v6("::ffff:10.0.0.1") && !v6("::127.0.0.1"));
    ck_assert(api_address_is_loopback((const struct sockaddr *)&local));
}
END_TEST

INSP_TESTS(test_the_matrix, test_without_a_token, test_an_unknown_token_is_refused_even_where_none_is_needed,
           test_the_header, test_loopback);
