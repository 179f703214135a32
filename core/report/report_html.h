/* core/report/report_html.h - the report of a training, cross-validation or evaluation (core/train/train.h) as one
 * HTML document for people: no script, nothing loaded from anywhere, pictures inside. Any thread; blocks on the
 * disk for the pictures. */
#ifndef INSP_REPORT_REPORT_HTML_H
#define INSP_REPORT_REPORT_HTML_H

#include "core/base/error.h"
#include "core/image/image.h"

#include <jansson.h>

enum { INSP_REPORT_PICTURES = 32, INSP_REPORT_THUMBNAIL = 256 };

struct insp_report_source {
    const char
        *dataset_root; /* where the report's images may still lie; NULL: pictures are left out, with a note */
    struct insp_image_limits limits;
    const char *subtitle; /* a line of text below the title: when, which job; "" for none */
};

/* *ret_html is the caller's (free), with a NUL behind the last byte that *ret_bytes does not count. What the
 * report lacks is left out; an image that is gone, or is not the one that was judged, becomes a note.
 * INSP_E_NOMEM; INSP_E_INTERNAL where `report` is no object with a known "kind". */
int insp_report_html(const json_t *report, const struct insp_report_source *source, char **ret_html,
                     size_t *ret_bytes, struct insp_error *reterr);

#endif
