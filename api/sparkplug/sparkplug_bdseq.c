#include "api/sparkplug/sparkplug_bdseq.h"

#include "core/base/cleanup.h"
#include "core/base/fs.h"
#include "core/base/log.h"

#include <stdio.h>
#include <stdlib.h>

int api_sparkplug_bdseq_init(struct api_sparkplug_bdseq *ret, const char *state_dir, struct insp_error *reterr) {
    *ret = (struct api_sparkplug_bdseq){.number = -1};
    if (asprintf(&ret->path, "%s/sparkplug_bdseq", state_dir) >= 0)
        return 0;
    ret->path = NULL;
    return insp_fail(reterr, INSP_E_NOMEM, "no memory for the settings");
}

void api_sparkplug_bdseq_clear(struct api_sparkplug_bdseq *bdseq) {
    free(bdseq->path);
    bdseq->path = NULL;
}

static int read_number(const char *path) {
    _cleanup_free_ char *text = NULL;
    size_t bytes;
    struct insp_error error;
    char *end;
    if (insp_read_file(path, 16, &text, &bytes, &error) < 0)
        return -1;
    long number = strtol(text, &end, 10);
    return end != text && *end == '\n' && number >= 0 && number <= 255 ? (int)number : -1;
}

void api_sparkplug_bdseq_next(struct api_sparkplug_bdseq *bdseq) {
    struct insp_error error;
    char text[16];
    if (!bdseq->read)
        bdseq->number = read_number(bdseq->path);
    bdseq->read = true;
    bdseq->number = (bdseq->number + 1) % 256;
    int bytes = snprintf(text, sizeof text, "%d\n", bdseq->number);
    if (insp_write_file(bdseq->path, text, (size_t)bytes, 0640, false, &error) < 0)
        insp_log_warning("the number of the connection cannot be kept detail=%s", INSP_LOG_QUOTED(error.detail));
}
