/* core/report/source.h - where a report's pictures come from, and how many it shows. */
#ifndef INSP_REPORT_SOURCE_H
#define INSP_REPORT_SOURCE_H

#include "core/image/image.h"

enum { INSP_REPORT_PICTURES = 32, INSP_REPORT_THUMBNAIL = 256 };

struct insp_report_source {
    const char
        *dataset_root; /* where the report's images may still lie; NULL: pictures are left out, with a note */
    struct insp_image_limits limits;
    const char *subtitle; /* a line of text below the title: when, which job; "" for none */
};

#endif
