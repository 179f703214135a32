/* api/sinks/curl_loop.h - run transfers of libcurl in the libuv loop. Loop thread. */
#ifndef INSP_API_SINKS_CURL_LOOP_H
#define INSP_API_SINKS_CURL_LOOP_H

#include "core/base/error.h"

#include <curl/curl.h>
#include <uv.h>

struct api_curl_loop;

/* Makes a loop for transfers. `ended` is called for each that ends, outside libcurl's functions; it may add
 * another. *ret is the caller's until api_curl_loop_close. Fails with INSP_E_NOMEM. */
typedef void api_curl_ended(void *arg, CURL *transfer, CURLcode code);
int api_curl_loop_new(uv_loop_t *loop, api_curl_ended *ended, void *arg, struct api_curl_loop **ret,
                      struct insp_error *reterr);

/* Begins a transfer, whose handle stays the caller's; it does not end inside this call. */
void api_curl_loop_add(struct api_curl_loop *curl, CURL *transfer);

/* Gives a transfer up; `ended` is not called for it. */
void api_curl_loop_remove(struct api_curl_loop *curl, CURL *transfer);

/* Frees the loop, without transfers, and calls `closed` on the loop once all handles are closed; not inside this
 * call. */
void api_curl_loop_close(struct api_curl_loop *curl, void (*closed)(void *arg), void *arg);

#endif
