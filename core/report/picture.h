/* core/report/picture.h - embeds an image of a report with its heat. Blocks on the disk; one thread per stream. */
#ifndef INSP_REPORT_PICTURE_H
#define INSP_REPORT_PICTURE_H

#include "core/base/error.h"
#include "core/report/source.h"

#include <jansson.h>
#include <stdio.h>

/* Writes a thumbnail (JPEG, at most INSP_REPORT_THUMBNAIL pixels a side) with the heat (PNG, transparent below the
 * threshold) and the boxes (SVG) over it, embedded in the document. If the file is missing, unreadable or has
 * another hash than in the report, a note takes the place of the picture.
 *   image           an entry of the report's "images" or "examples", with "heat"
 *   heat_threshold  heat 0..1 from which on it is shown; above 1: none
 * Fails with INSP_E_NOMEM only. */
int insp_report_picture(FILE *out, const struct insp_report_source *source, const json_t *image,
                        float heat_threshold, struct insp_error *reterr);

#endif
