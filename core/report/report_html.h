/* core/report/report_html.h - renders the report of a training, cross-validation or evaluation
 * (core/train/train.h) as one HTML document: no script, nothing loaded, pictures embedded. Any thread; blocks on
 * the disk for the pictures. */
#ifndef INSP_REPORT_REPORT_HTML_H
#define INSP_REPORT_REPORT_HTML_H

#include "core/base/error.h"
#include "core/report/source.h"

#include <jansson.h>

/* Renders a report. Sections without data are left out; a missing or changed image becomes a note.
 *   ret_html   NUL-terminated; the caller frees it with free()
 *   ret_bytes  length without the NUL
 * Errors:
 *   INSP_E_INTERNAL  the report has no known "kind"
 *   INSP_E_NOMEM */
int insp_report_html(const json_t *report, const struct insp_report_source *source, char **ret_html,
                     size_t *ret_bytes, struct insp_error *reterr);

#endif
