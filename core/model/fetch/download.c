#include "core/model/fetch/download.h"

#include "core/base/cleanup.h"
#include "core/base/fs.h"

#include <curl/curl.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum { CONNECT_S = 30, STALL_S = 60, REDIRECTS = 5 };

struct download {
    CURL *handle;
    int fd;
    uint64_t begun, bytes_max; /* bytes that were there already; of the whole file */
    uint64_t received;
    bool page;  /* the answer is a web page */
    int failed; /* errno of the disk */
    const struct insp_progress *progress;
};

static bool is_page(CURL *handle) {
    char *type = NULL;
    return curl_easy_getinfo(handle, CURLINFO_CONTENT_TYPE, &type) == CURLE_OK && type &&
           !strncasecmp(type, "text/html", 9);
}

/* Writes a piece; another return value than its size ends the transfer. */
static size_t receive(char *data, size_t one, size_t bytes, void *arg) {
    struct download *d = arg;
    (void)one;
    if (!d->received && is_page(d->handle)) {
        d->page = true;
        return 0;
    }
    if (d->begun + d->received + bytes > d->bytes_max) {
        d->failed = EFBIG;
        return 0;
    }
    d->failed = -insp_write_all(d->fd, data, bytes);
    if (d->failed)
        return 0;
    d->received += bytes;
    return bytes;
}

static int on_progress(void *arg, curl_off_t total, curl_off_t now, curl_off_t up_total, curl_off_t up) {
    struct download *d = arg;
    (void)up_total;
    (void)up;
    if (total > 0)
        insp_progress_step(d->progress, (size_t)(d->begun + (uint64_t)now), (size_t)(d->begun + (uint64_t)total));
    return insp_progress_cancelled(d->progress);
}

static int set_up(struct download *d, const char *url, struct insp_error *reterr) {
    CURLcode code = CURLE_OK;
#define SET(option, value) (code = code ? code : curl_easy_setopt(d->handle, (option), (value)))
    SET(CURLOPT_URL, url);
    SET(CURLOPT_PROTOCOLS_STR, "http,https");
    SET(CURLOPT_REDIR_PROTOCOLS_STR, "http,https");
    SET(CURLOPT_FOLLOWLOCATION, 1L);
    SET(CURLOPT_MAXREDIRS, (long)REDIRECTS);
    SET(CURLOPT_FAILONERROR, 1L);
    SET(CURLOPT_NOSIGNAL, 1L);
    SET(CURLOPT_CONNECTTIMEOUT, (long)CONNECT_S);
    SET(CURLOPT_LOW_SPEED_LIMIT, 1L);
    SET(CURLOPT_LOW_SPEED_TIME, (long)STALL_S);
    SET(CURLOPT_USERAGENT, "inspectd/" INSP_VERSION);
    SET(CURLOPT_WRITEFUNCTION, receive);
    SET(CURLOPT_WRITEDATA, d);
    SET(CURLOPT_XFERINFOFUNCTION, on_progress);
    SET(CURLOPT_XFERINFODATA, d);
    SET(CURLOPT_NOPROGRESS, 0L);
    SET(CURLOPT_RESUME_FROM_LARGE, (curl_off_t)d->begun);
#undef SET
    return code ? insp_fail(reterr, INSP_E_PARAMETER, "%s: %s", url, curl_easy_strerror(code)) : 0;
}

static int explain(const struct download *d, const char *url, CURLcode code, struct insp_error *reterr) {
    long status = 0;
    curl_easy_getinfo(d->handle, CURLINFO_RESPONSE_CODE, &status);
    if (d->page)
        return insp_fail(reterr, INSP_E_SINK_AWAY,
                         "%s answers with a web page (text/html), not with the file: a proxy may ask for a login",
                         url);
    if (d->failed == EFBIG)
        return insp_fail(reterr, INSP_E_SINK_AWAY, "%s is larger than %llu bytes", url,
                         (unsigned long long)d->bytes_max);
    if (d->failed)
        return insp_fail_errno(reterr, d->failed, "cannot write the download");
    if (code == CURLE_ABORTED_BY_CALLBACK)
        return insp_fail(reterr, INSP_E_CANCELLED, "cancelled; the next attempt continues the download");
    if (code == CURLE_HTTP_RETURNED_ERROR)
        return insp_fail(reterr, INSP_E_SINK_AWAY, "%s answers with status %ld", url, status);
    return insp_fail(reterr, INSP_E_SINK_AWAY, "%s: %s; the next attempt continues the download", url,
                     curl_easy_strerror(code));
}

/* Says whether the server cannot continue the file: it sent the whole of it, or has no such range. */
static bool cannot_continue(const struct download *d, CURLcode code) {
    long status = 0;
    curl_easy_getinfo(d->handle, CURLINFO_RESPONSE_CODE, &status);
    return d->begun && (code == CURLE_RANGE_ERROR || (code == CURLE_HTTP_RETURNED_ERROR && status == 416));
}

static int transfer(struct download *d, const char *url, struct insp_error *reterr) {
    int r = set_up(d, url, reterr);
    if (r < 0)
        return r;
    CURLcode code = curl_easy_perform(d->handle);
    if (cannot_continue(d, code)) {
        if (ftruncate(d->fd, 0) < 0)
            return insp_fail_errno(reterr, errno, "cannot start the download anew");
        d->begun = d->received = 0;
        r = set_up(d, url, reterr);
        if (r < 0)
            return r;
        code = curl_easy_perform(d->handle);
    }
    return code ? explain(d, url, code, reterr) : 0;
}

int insp_download(const char *url, const char *path, uint64_t bytes_max, const struct insp_progress *progress,
                  struct insp_error *reterr) {
    _cleanup_close_ int fd = open(path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC | O_NOFOLLOW, 0600);
    struct stat st;
    if (fd < 0 || fstat(fd, &st) < 0)
        return insp_fail_errno(reterr, errno, "cannot open %s", path);
    struct download d = {.handle = curl_easy_init(),
                         .fd = fd,
                         .begun = (uint64_t)st.st_size,
                         .bytes_max = bytes_max,
                         .progress = progress};
    if (!d.handle)
        return insp_fail(reterr, INSP_E_NOMEM, "no memory for a download");
    int r = transfer(&d, url, reterr);
    curl_easy_cleanup(d.handle);
    return r;
}
