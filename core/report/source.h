/* core/report/source.h - describes where a report's pictures come from and limits their number and size. */
#ifndef INSP_REPORT_SOURCE_H
#define INSP_REPORT_SOURCE_H

#include "core/image/image.h"

/* Largest number of pictures in a report, and their largest side in pixels. */
enum { INSP_REPORT_PICTURES = 32, INSP_REPORT_THUMBNAIL = 256 };

struct insp_report_source {
    const char *dataset_root; /* folder of the report's images; NULL: notes take the place of pictures */
    struct insp_image_limits limits;
    const char *subtitle; /* a line of text below the title, such as the time and the job; "": none */
};

#endif
