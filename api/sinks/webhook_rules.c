#include "api/sinks/webhook_rules.h"

#include "core/base/fs.h"

#include <curl/curl.h>
#include <netinet/in.h>
#include <nettle/hmac.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

static bool parses(const char *url) {
    CURLU *parts = curl_url();
    bool parsed = parts && curl_url_set(parts, CURLUPART_URL, url, 0) == CURLUE_OK;
    curl_url_cleanup(parts);
    return parsed;
}

static bool is_tls(const char *url) {
    return !strncmp(url, "https://", 8);
}

int api_webhook_url_check(const char *url, struct insp_error *reterr) {
    bool tls = is_tls(url);
    const char *host = url + (tls ? 8 : 7);
    if (!tls && strncmp(url, "http://", 7) != 0)
        return insp_fail(reterr, INSP_E_CONFIG, "\"%.128s\": it must begin with http:// or https://", url);
    size_t bytes = strcspn(host, "/?#");
    if (memchr(host, '@', bytes)) /* not quoted: it may hold a password */
        return insp_fail(reterr, INSP_E_CONFIG, "the address holds a user name; the signature shows who calls");
    if (!bytes || host[0] == ':')
        return insp_fail(reterr, INSP_E_CONFIG, "\"%.128s\": it has no host", url);
    if (strchr(host, '#'))
        return insp_fail(reterr, INSP_E_CONFIG, "\"%.128s\": a part behind # is never sent", url);
    for (const char *c = host; *c; c++)
        if ((unsigned char)*c <= ' ' || *c == 0x7F || *c == '"' || *c == '\\')
            return insp_fail(reterr, INSP_E_CONFIG, "\"%.128s\": it has a character that must be written as %%XX",
                             url);
    if (!parses(url))
        return insp_fail(reterr, INSP_E_CONFIG, "\"%.128s\": its host or its port is none", url);
    return 0;
}

bool api_webhook_redirect_allowed(const char *from, const char *to) {
    struct insp_error error;
    return api_webhook_url_check(to, &error) == 0 && (is_tls(to) || !is_tls(from));
}

void api_webhook_target(const char *url, char *ret, size_t bytes) {
    snprintf(ret, bytes, "%.*s", (int)strcspn(url, "?"), url);
}

/* Finds the next entry of a list with commas or blanks between; returns NULL at its end. */
static const char *next_entry(const char *at, size_t *ret_bytes) {
    at += strspn(at, ", ");
    *ret_bytes = strcspn(at, ", ");
    return *ret_bytes ? at : NULL;
}

int api_webhook_verdicts(const char *list, unsigned *ret, struct insp_error *reterr) {
    static const enum insp_verdict verdicts[] = {INSP_VERDICT_GOOD, INSP_VERDICT_ANOMALY, INSP_VERDICT_REVIEW};
    unsigned set = 0;
    size_t bytes;
    for (const char *at = list; (at = next_entry(at, &bytes)); at += bytes) {
        size_t i = 0;
        while (i < sizeof verdicts / sizeof *verdicts && (strlen(insp_verdict_name(verdicts[i])) != bytes ||
                                                          strncmp(insp_verdict_name(verdicts[i]), at, bytes) != 0))
            i++;
        if (i == sizeof verdicts / sizeof *verdicts)
            return insp_fail(reterr, INSP_E_CONFIG, "\"%.*s\" is no verdict: good, anomaly or review",
                             (int)(bytes < 64 ? bytes : 64), at);
        set |= 1U << verdicts[i];
    }
    if (!set)
        return insp_fail(reterr, INSP_E_CONFIG, "the list of verdicts is empty");
    *ret = set;
    return 0;
}

int api_webhook_products_check(const char *list, struct insp_error *reterr) {
    size_t bytes;
    for (const char *at = list; (at = next_entry(at, &bytes)); at += bytes) {
        char name[66];
        snprintf(name, sizeof name, "%.*s", (int)(bytes < sizeof name ? bytes : sizeof name), at);
        if (!insp_name_valid(name))
            return insp_fail(reterr, INSP_E_CONFIG, "\"%.64s\" cannot be the name of a product", name);
    }
    return 0;
}

bool api_webhook_product_wanted(const char *list, const char *product) {
    size_t bytes, count = 0;
    for (const char *at = list; (at = next_entry(at, &bytes)); at += bytes, count++)
        if (strlen(product) == bytes && !strncmp(product, at, bytes))
            return true;
    return count == 0;
}

static bool private_v4(uint32_t address) {
    static const struct {
        uint32_t network;
        int bits;
    } closed[] = {
        {0x00000000, 8},  {0x0A000000, 8},  {0x64400000, 10}, {0x7F000000, 8},  {0xA9FE0000, 16},
        {0xAC100000, 12}, {0xC0000000, 24}, {0xC0A80000, 16}, {0xC6120000, 15}, {0xE0000000, 3},
    };
    for (size_t i = 0; i < sizeof closed / sizeof *closed; i++)
        if (((address ^ closed[i].network) >> (32 - closed[i].bits)) == 0)
            return true;
    return false;
}

static uint32_t word_at(const uint8_t *bytes) {
    return (uint32_t)bytes[0] << 24 | (uint32_t)bytes[1] << 16 | (uint32_t)bytes[2] << 8 | bytes[3];
}

/* Public are 2000::/3 except 6to4 and Teredo, which hold an IPv4 address, and the IPv4 addresses mapped into IPv6
 * and behind NAT64, if they are. */
static bool private_v6(const uint8_t bytes[16]) {
    static const uint8_t mapped[12] = {[10] = 0xFF, [11] = 0xFF}, nat64[12] = {0x00, 0x64, 0xFF, 0x9B};
    if (!memcmp(bytes, mapped, 12) || !memcmp(bytes, nat64, 12))
        return private_v4(word_at(bytes + 12));
    if (bytes[0] == 0x20 && bytes[1] == 0x02)
        return private_v4(word_at(bytes + 2));
    if (bytes[0] == 0x20 && bytes[1] == 0x01 && bytes[2] == 0 && bytes[3] == 0)
        return true;
    return bytes[0] >> 5 != 1;
}

bool api_webhook_private(const struct sockaddr *address) {
    union {
        struct sockaddr_in v4;
        struct sockaddr_in6 v6;
    } copy;
    if (address->sa_family == AF_INET) {
        memcpy(&copy.v4, address, sizeof copy.v4);
        return private_v4(ntohl(copy.v4.sin_addr.s_addr));
    }
    if (address->sa_family != AF_INET6)
        return true;
    memcpy(&copy.v6, address, sizeof copy.v6);
    return private_v6(copy.v6.sin6_addr.s6_addr);
}

void api_webhook_sign(const void *secret, size_t secret_bytes, const char *at, const void *body, size_t bytes,
                      char ret[API_WEBHOOK_SIGNATURE_BYTES]) {
    struct hmac_sha256_ctx context;
    uint8_t digest[SHA256_DIGEST_SIZE];
    hmac_sha256_set_key(&context, secret_bytes, secret);
    if (at) {
        hmac_sha256_update(&context, strlen(at), (const uint8_t *)at);
        hmac_sha256_update(&context, 1, (const uint8_t *)".");
    }
    hmac_sha256_update(&context, bytes, body);
    hmac_sha256_digest(&context, sizeof digest, digest);
    int used = snprintf(ret, API_WEBHOOK_SIGNATURE_BYTES, "sha256=");
    for (size_t i = 0; i < sizeof digest; i++)
        used += snprintf(ret + used, 3, "%02x", digest[i]);
}
