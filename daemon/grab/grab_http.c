#include "daemon/grab/grab_http.h"

#include "core/base/cleanup.h"

#include <ctype.h>
#include <curl/curl.h>
#include <stdio.h>
#include <string.h>

enum { CONNECT_MS = 2000, ANSWER_BYTES = 1 << 20, URL_BYTES = 2048 };

struct grab_http {
    const struct grab_options *options;
    CURL *curl;
    struct curl_slist *bearer; /* owned: the header of the token; NULL: none */
    char *answer;              /* owned */
    size_t bytes;
    FILE *out; /* of `answer` */
    const char *body;
    size_t body_bytes, body_sent; /* of the request */
    long answer_ms;
};

int grab_http_new(const struct grab *grab, unsigned answer_ms, struct grab_http **ret, struct insp_error *reterr) {
    struct grab_http *http = calloc(1, sizeof *http);
    char header[sizeof grab->token + 32];
    if (http)
        http->curl = curl_easy_init();
    if (!http || !http->curl) {
        free(http);
        return insp_fail(reterr, INSP_E_NOMEM, "no memory for libcurl");
    }
    http->options = grab->options;
    http->answer_ms = (long)answer_ms;
    snprintf(header, sizeof header, "Authorization: Bearer %s", grab->token);
    http->bearer = grab->token[0] ? curl_slist_append(NULL, header) : NULL;
    *ret = http;
    return 0;
}

void grab_http_free(struct grab_http *http) {
    if (!http)
        return;
    curl_easy_cleanup(http->curl);
    curl_slist_free_all(http->bearer);
    free(http);
}

bool grab_url_append(char *url, size_t room, const char *text) {
    size_t used = strlen(url);
    for (; *text; text++) {
        if (used + 4 > room)
            return false;
        bool plain = isalnum((unsigned char)*text) || strchr("-._~", *text);
        used += (size_t)snprintf(url + used, room - used, plain ? "%c" : "%%%02X", (unsigned char)*text);
    }
    return true;
}

bool grab_url_query(char *url, size_t room, const char *name, const char *text) {
    size_t used = strlen(url), bytes = strlen(name) + 2;
    if (used + bytes >= room)
        return false;
    snprintf(url + used, room - used, "&%s=", name);
    return grab_url_append(url, room, text);
}

static size_t receive(char *data, size_t one, size_t bytes, void *arg) {
    struct grab_http *http = arg;
    (void)one;
    if (ftell(http->out) + (long)bytes > ANSWER_BYTES)
        return 0;
    return fwrite(data, 1, bytes, http->out);
}

/* Gives libcurl the body. libcurl repeats a request whose connection ends before the answer; it cannot rewind this
 * body, so it repeats none of which the daemon may have the body. */
static size_t send_body(char *ret, size_t one, size_t room, void *arg) {
    struct grab_http *http = arg;
    size_t left = http->body_bytes - http->body_sent, bytes = left < room ? left : room;
    (void)one;
    memcpy(ret, http->body + http->body_sent, bytes);
    http->body_sent += bytes;
    return bytes;
}

static struct curl_slist *headers_of(const struct grab_http *http, const char *type) {
    char header[160];
    snprintf(header, sizeof header, "Content-Type: %s", type);
    struct curl_slist *list = curl_slist_append(NULL, header);
    list = curl_slist_append(list, "Expect:");
    return http->bearer ? curl_slist_append(list, http->bearer->data) : list;
}

static void set_up(struct grab_http *http, const char *url, const void *body, size_t bytes,
                   struct curl_slist *headers) {
    CURL *curl = http->curl;
    curl_easy_reset(curl); /* its connection stays open */
    curl_easy_setopt(curl, CURLOPT_URL, url);
    curl_easy_setopt(curl, CURLOPT_PROTOCOLS_STR, "http,https");
    curl_easy_setopt(curl, CURLOPT_PROXY, ""); /* the daemon is on this machine or in its network */
    curl_easy_setopt(curl, CURLOPT_NOSIGNAL, 1L);
    curl_easy_setopt(curl, CURLOPT_POST, 1L);
    http->body = body;
    http->body_bytes = bytes;
    http->body_sent = 0;
    curl_easy_setopt(curl, CURLOPT_READFUNCTION, send_body);
    curl_easy_setopt(curl, CURLOPT_READDATA, http);
    curl_easy_setopt(curl, CURLOPT_POSTFIELDSIZE_LARGE, (curl_off_t)bytes);
    curl_easy_setopt(curl, CURLOPT_HTTPHEADER, headers);
    curl_easy_setopt(curl, CURLOPT_CONNECTTIMEOUT_MS, (long)CONNECT_MS);
    curl_easy_setopt(curl, CURLOPT_TIMEOUT_MS, http->answer_ms);
    curl_easy_setopt(curl, CURLOPT_USERAGENT, "inspectd-grab/" INSP_VERSION);
    curl_easy_setopt(curl, CURLOPT_WRITEFUNCTION, receive);
    curl_easy_setopt(curl, CURLOPT_WRITEDATA, http);
    if (*http->options->ca_file)
        curl_easy_setopt(curl, CURLOPT_CAINFO, http->options->ca_file);
}

/* Says whether the daemon may have got the request, in any attempt of libcurl. */
static bool may_be_sent(CURL *curl) {
    long request_bytes = 0;
    curl_easy_getinfo(curl, CURLINFO_REQUEST_SIZE, &request_bytes);
    return request_bytes > 0;
}

int grab_http_post(struct grab_http *http, const char *path, const char *type, const void *body, size_t bytes,
                   long *ret_status, json_t **ret, bool *ret_sent, struct insp_error *reterr) {
    char url[URL_BYTES];
    *ret_status = 0;
    *ret = NULL;
    *ret_sent = false;
    snprintf(url, sizeof url, "%s%s", http->options->url, path);
    struct curl_slist *headers = headers_of(http, type);
    http->out = open_memstream(&http->answer, &http->bytes);
    if (!headers || !http->out) {
        curl_slist_free_all(headers);
        return insp_fail(reterr, INSP_E_NOMEM, "no memory for a request");
    }
    set_up(http, url, body, bytes, headers);
    CURLcode code = curl_easy_perform(http->curl);
    fclose(http->out);
    curl_slist_free_all(headers);
    if (code == CURLE_OK) {
        curl_easy_getinfo(http->curl, CURLINFO_RESPONSE_CODE, ret_status);
        *ret = json_loadb(http->answer, http->bytes, 0, NULL);
    }
    *ret_sent = code == CURLE_OK || may_be_sent(http->curl);
    free(insp_take_ptr(http->answer));
    return code ? insp_fail(reterr, INSP_E_SINK_AWAY, "%s: %s", http->options->url, curl_easy_strerror(code)) : 0;
}
