/* core/model/fetch/download.h - downloads a file over HTTP, and continues a download that broke off. Blocks; one
 * at a time per process. */
#ifndef INSP_MODEL_FETCH_DOWNLOAD_H
#define INSP_MODEL_FETCH_DOWNLOAD_H

#include "core/base/error.h"
#include "core/base/progress.h"

#include <stdint.h>

/* Downloads a URL (http or https; proxies of the environment count) to path. Bytes that path has already are not
 * asked for again; if the server cannot continue, it starts anew. On failure the bytes that came stay for the next
 * attempt.
 *   bytes_max  of the whole file
 *   progress   receives steps of bytes; asked for cancellation
 * Fails with INSP_E_CANCELLED, INSP_E_NOSPACE, INSP_E_IO and others of insp_fail_errno, and INSP_E_SINK_AWAY
 * (the server cannot be reached, answers with an error or a web page, or stalls for a minute). */
int insp_download(const char *url, const char *path, uint64_t bytes_max, const struct insp_progress *progress,
                  struct insp_error *reterr);

#endif
