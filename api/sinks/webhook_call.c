#include "api/sinks/webhook_call.h"

#include "api/sinks/webhook_rules.h"

#include "core/base/clock.h"

#include <stdio.h>
#include <string.h>
#include <unistd.h>

enum { CONNECT_MS = 10000, ANSWER_MS = 20000, ANSWER_BYTES_MAX = 64 << 10 };

/* Drops the body of an answer; a long one ends the transfer. */
static size_t drop_body(char *data, size_t size, size_t count, void *arg) {
    size_t *got = arg;
    (void)data;
    *got += size * count;
    return *got > ANSWER_BYTES_MAX ? 0 : size * count;
}

/* The address of the settings may be private; one that a redirect chose may not, however its name is resolved. */
static curl_socket_t open_socket(void *arg, curlsocktype purpose, struct curl_sockaddr *address) {
    struct api_webhook_call *call = arg;
    (void)purpose;
    if (call->redirected && !call->private_redirects && api_webhook_private(&address->addr)) {
        call->refused_private = true;
        return CURL_SOCKET_BAD;
    }
    return socket(address->family, address->socktype | SOCK_CLOEXEC, address->protocol);
}

/* Trusts the authorities of the system by their folder, from which one is read when it is needed. The file with
 * all of them would take the loop 40 ms. */
static void trust_folder(CURL *handle) {
    const curl_version_info_data *info = curl_version_info(CURLVERSION_NOW);
    if (info->age >= CURLVERSION_SEVENTH && info->capath)
        curl_easy_setopt(handle, CURLOPT_CAINFO, NULL);
}

static CURL *make_handle(struct api_webhook_call *call) {
    CURL *handle = curl_easy_init();
    if (!handle)
        return NULL;
    curl_easy_setopt(handle, CURLOPT_NOSIGNAL, 1L);
    curl_easy_setopt(handle, CURLOPT_PROTOCOLS_STR, "http,https");
    curl_easy_setopt(handle, CURLOPT_FOLLOWLOCATION, 0L);
    curl_easy_setopt(handle, CURLOPT_PROXY, ""); /* a proxy of the environment would hide the address */
    /* A thread of libcurl resolves names; without this the end of a call would wait for it, and with it the loop.
     */
    curl_easy_setopt(handle, CURLOPT_QUICK_EXIT, 1L);
    curl_easy_setopt(handle, CURLOPT_CONNECTTIMEOUT_MS, (long)CONNECT_MS);
    curl_easy_setopt(handle, CURLOPT_TIMEOUT_MS, (long)ANSWER_MS);
    curl_easy_setopt(handle, CURLOPT_USERAGENT, "inspectd/" INSP_VERSION);
    curl_easy_setopt(handle, CURLOPT_WRITEFUNCTION, drop_body);
    curl_easy_setopt(handle, CURLOPT_OPENSOCKETFUNCTION, open_socket);
    curl_easy_setopt(handle, CURLOPT_OPENSOCKETDATA, call);
    trust_folder(handle);
    return handle;
}

static int add_header(struct api_webhook_call *call, const char *name, const char *value) {
    char line[256];
    snprintf(line, sizeof line, "%s: %s", name, value);
    struct curl_slist *more = curl_slist_append(call->headers, line);
    if (!more)
        return INSP_E_NOMEM;
    call->headers = more;
    return 0;
}

static void start(struct api_webhook_call *call, struct api_curl_loop *curl, const char *url) {
    call->received = 0;
    call->refused_private = false;
    curl_easy_setopt(call->handle, CURLOPT_URL, url); /* copied */
    curl_easy_setopt(call->handle, CURLOPT_HTTPHEADER, call->headers);
    curl_easy_setopt(call->handle, CURLOPT_POSTFIELDS, call->body);
    curl_easy_setopt(call->handle, CURLOPT_POSTFIELDSIZE_LARGE, (curl_off_t)call->bytes);
    curl_easy_setopt(call->handle, CURLOPT_WRITEDATA, &call->received);
    api_curl_loop_add(curl, call->handle);
}

static void end(struct api_webhook_call *call) {
    curl_slist_free_all(call->headers);
    call->headers = NULL;
    call->running = false;
    call->body = NULL;
}

static int add_signature(struct api_webhook_call *call, const char *name, const char *at,
                         const struct api_webhook_post *post) {
    char signature[API_WEBHOOK_SIGNATURE_BYTES];
    api_webhook_sign(post->secret, post->secret_bytes, at, post->body, post->bytes, signature);
    return add_header(call, name, signature);
}

static int add_headers(struct api_webhook_call *call, const struct api_webhook_post *post) {
    char at[24];
    snprintf(at, sizeof at, "%lld", (long long)(insp_wall_us() / 1000000));
    int code = add_header(call, "Content-Type", "application/json");
    if (!code)
        code = add_header(call, "X-Inspectd-Event", post->event);
    if (!code)
        code = add_header(call, "X-Inspectd-Timestamp", at);
    if (!code && post->secret)
        code = add_signature(call, "X-Inspectd-Signature", NULL, post);
    if (!code && post->secret)
        code = add_signature(call, "X-Inspectd-Timed-Signature", at, post);
    return code;
}

/* The authorities of the settings replace those of the system, the folder of which libcurl would search too. */
static int trust(CURL *handle, const struct api_webhook_post *post) {
    if (!post->ca)
        return 0;
    struct curl_blob blob = {.data = post->ca, .len = post->ca_bytes, .flags = CURL_BLOB_COPY};
    curl_easy_setopt(handle, CURLOPT_CAPATH, NULL);
    return curl_easy_setopt(handle, CURLOPT_CAINFO_BLOB, &blob) ? INSP_E_NOMEM : 0;
}

int api_webhook_call_begin(struct api_webhook_call *call, struct api_curl_loop *curl,
                           const struct api_webhook_post *post, struct insp_error *reterr) {
    if (!call->handle)
        call->handle = make_handle(call);
    int code = call->handle ? trust(call->handle, post) : INSP_E_NOMEM;
    if (!code)
        code = add_headers(call, post);
    if (code) {
        end(call);
        return insp_fail(reterr, INSP_E_NOMEM, "no memory for a request");
    }
    call->running = true;
    call->redirected = false;
    call->redirects = 0;
    call->body = post->body;
    call->bytes = post->bytes;
    start(call, curl, post->url);
    return 0;
}

/* Only 307 and 308 keep method and body. */
static bool follow(struct api_webhook_call *call, struct api_curl_loop *curl, long status) {
    char *url = NULL, *from = NULL;
    if ((status != 307 && status != 308) || call->redirects == API_WEBHOOK_REDIRECTS_MAX)
        return false;
    curl_easy_getinfo(call->handle, CURLINFO_REDIRECT_URL, &url);
    curl_easy_getinfo(call->handle, CURLINFO_EFFECTIVE_URL, &from);
    if (!url || !from || !api_webhook_redirect_allowed(from, url))
        return false;
    call->redirects++;
    call->redirected = true;
    /* A connection that the address of the settings opened is not checked again. */
    curl_easy_setopt(call->handle, CURLOPT_FRESH_CONNECT, 1L);
    curl_easy_setopt(call->handle, CURLOPT_FORBID_REUSE, 1L);
    start(call, curl, url);
    return true;
}

bool api_webhook_call_over(struct api_webhook_call *call, struct api_curl_loop *curl, CURLcode code,
                           long *ret_status, char *ret_why, size_t why_bytes) {
    long status = 0;
    if (code == CURLE_OK || code == CURLE_WRITE_ERROR) /* a long answer has its status too */
        curl_easy_getinfo(call->handle, CURLINFO_RESPONSE_CODE, &status);
    if (follow(call, curl, status))
        return false;
    if (call->refused_private)
        snprintf(ret_why, why_bytes, "a redirect leads to a private address; see webhook.private_redirects");
    else if (!status)
        snprintf(ret_why, why_bytes, "%s", curl_easy_strerror(code));
    else
        snprintf(ret_why, why_bytes, "the receiver answers %ld", status);
    *ret_status = status;
    curl_easy_setopt(call->handle, CURLOPT_FRESH_CONNECT, 0L);
    curl_easy_setopt(call->handle, CURLOPT_FORBID_REUSE, 0L);
    end(call);
    return true;
}

void api_webhook_call_clear(struct api_webhook_call *call, struct api_curl_loop *curl) {
    if (call->running)
        api_curl_loop_remove(curl, call->handle);
    end(call);
    if (call->handle)
        curl_easy_cleanup(call->handle);
    call->handle = NULL;
}
