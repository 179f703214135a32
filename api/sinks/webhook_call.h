/* api/sinks/webhook_call.h - make one POST of the webhook, with its redirects. Loop thread. */
#ifndef INSP_API_SINKS_WEBHOOK_CALL_H
#define INSP_API_SINKS_WEBHOOK_CALL_H

#include "api/sinks/curl_loop.h"

#include <stdbool.h>

enum { API_WEBHOOK_REDIRECTS_MAX = 3 };

/* A call. One at a time; its handle keeps the connection for the next one. */
struct api_webhook_call {
    CURL *handle;               /* owned; NULL before the first call */
    struct curl_slist *headers; /* owned; of the running call */
    bool running, redirected, private_redirects;
    bool refused_private; /* a redirect led to a private address */
    unsigned redirects;
    const void *body;       /* borrowed while it runs */
    size_t bytes, received; /* of the answer */
};

/* Describes a request. Borrowed until the call ends. */
struct api_webhook_post {
    const char *url, *event; /* "inspection" or "test" */
    const void *body;
    size_t bytes;
    const char *secret; /* signs it; NULL: not signed */
    size_t secret_bytes;
    char *ca; /* PEM: the authorities that the receiver's certificate may come from; NULL: the system's */
    size_t ca_bytes;
};

/* Begins a call; `ended` of the loop follows. Fails with INSP_E_NOMEM. */
int api_webhook_call_begin(struct api_webhook_call *call, struct api_curl_loop *curl,
                           const struct api_webhook_post *post, struct insp_error *reterr);

/* Looks at a transfer that ended. Returns false if a redirect goes on; true if the call is over, with the status
 * (0: no answer), and a text that says why it is not 2xx. */
bool api_webhook_call_over(struct api_webhook_call *call, struct api_curl_loop *curl, CURLcode code,
                           long *ret_status, char *ret_why, size_t why_bytes);

/* Gives a running call up and frees its memory. */
void api_webhook_call_clear(struct api_webhook_call *call, struct api_curl_loop *curl);

#endif
