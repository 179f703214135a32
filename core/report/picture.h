/* core/report/picture.h - an image of the report with its heat over it, inside the document. */
#ifndef INSP_REPORT_PICTURE_H
#define INSP_REPORT_PICTURE_H

#include "core/base/error.h"
#include "core/report/source.h"

#include <jansson.h>
#include <stdio.h>

/* Writes a thumbnail (JPEG of at most INSP_REPORT_THUMBNAIL pixels a side), the heat over it (PNG, transparent
 * where cold) and the boxes (SVG) as data URIs; or a note that says why not. image           an entry of the
 * report's "images", with "heat" heat_threshold  from which heat is shown, 0..1; above 1: none is The file must
 * have the hash that the report has. INSP_E_NOMEM alone fails; everything else is a note. */
int insp_report_picture(FILE *out, const struct insp_report_source *source, const json_t *image,
                        float heat_threshold, struct insp_error *reterr);

#endif
