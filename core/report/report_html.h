/* core/report/report_html.h - the report of a training, cross-validation or evaluation (core/train/train.h) as one
 * HTML document for people: no script, nothing loaded from anywhere, pictures inside. Any thread; blocks on the
 * disk for the pictures. */
#ifndef INSP_REPORT_REPORT_HTML_H
#define INSP_REPORT_REPORT_HTML_H

#include "core/base/error.h"
#include "core/report/source.h"

#include <jansson.h>

/* *ret_html is the caller's (free), with a NUL behind the last byte that *ret_bytes does not count. What the
 * report lacks is left out; an image that is gone, or is not the one that was judged, becomes a note.
 * INSP_E_NOMEM; INSP_E_INTERNAL where `report` is no object with a known "kind". */
int insp_report_html(const json_t *report, const struct insp_report_source *source, char **ret_html,
                     size_t *ret_bytes, struct insp_error *reterr);

#endif
