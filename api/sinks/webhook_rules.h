/* api/sinks/webhook_rules.h - decide what the webhook may call and what it sends. Pure; any thread. */
#ifndef INSP_API_SINKS_WEBHOOK_RULES_H
#define INSP_API_SINKS_WEBHOOK_RULES_H

#include "core/base/error.h"
#include "core/model/verdict.h"

#include <stdbool.h>
#include <stddef.h>
#include <sys/socket.h>

enum { API_WEBHOOK_SIGNATURE_BYTES = 80 };

/* Checks an address: http:// or https://, a host, a port that exists, no user name and no fragment. Fails with
 * INSP_E_CONFIG. */
int api_webhook_url_check(const char *url, struct insp_error *reterr);

/* Writes the address without its query, which may hold a secret. ret has `bytes` bytes. */
void api_webhook_target(const char *url, char *ret, size_t bytes);

/* Reads a list of verdicts such as "anomaly, review" into a set of bits, 1 << enum insp_verdict. Fails with
 * INSP_E_CONFIG for another word and for an empty list. */
int api_webhook_verdicts(const char *list, unsigned *ret, struct insp_error *reterr);

/* Checks a list of products such as "carpet, bottle"; an empty one stands for all. Fails with INSP_E_CONFIG. */
int api_webhook_products_check(const char *list, struct insp_error *reterr);

/* Says whether such a list admits a product. */
bool api_webhook_product_wanted(const char *list, const char *product);

/* Says whether a redirect may go from one address to another: it must not leave TLS. */
bool api_webhook_redirect_allowed(const char *from, const char *to);

/* Says whether an address is none of the public internet: loopback, private, link-local, unspecified, multicast,
 * shared (RFC 6598), or such an address inside IPv6. Addresses of other families count as private. */
bool api_webhook_private(const struct sockaddr *address);

/* Writes "sha256=" and an HMAC-SHA256 in hexadecimal: of `at`, a dot and the body, or with `at` NULL of the body
 * alone. */
void api_webhook_sign(const void *secret, size_t secret_bytes, const char *at, const void *body, size_t bytes,
                      char ret[API_WEBHOOK_SIGNATURE_BYTES]);

#endif
