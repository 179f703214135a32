/* core/line/pattern.h - find product, camera and part in the path of a file. Pure; any thread.
 *
 * A pattern such as "{product}/{camera}/{part}.jpg" has one segment for each folder and one for the file. A field
 * stands for one or more bytes, none of them "/"; the first of several fields in a segment takes as few as it can.
 * Letters outside the fields match in either case. */
#ifndef INSP_LINE_PATTERN_H
#define INSP_LINE_PATTERN_H

#include "core/base/error.h"

#include <stdbool.h>

enum { INSP_PATTERN_BYTES = 256, INSP_PATTERN_SEGMENTS = 8, INSP_PATTERN_FIELD_BYTES = 256 };

struct insp_pattern {
    char text[INSP_PATTERN_BYTES]; /* a NUL in place of each "/" */
    unsigned segments;             /* 1.. */
    unsigned short at[INSP_PATTERN_SEGMENTS];
};

/* The fields of a path, as the bytes of its names; "" for a field that the pattern does not have. */
struct insp_path_fields {
    char product[INSP_PATTERN_FIELD_BYTES], camera[INSP_PATTERN_FIELD_BYTES], part[INSP_PATTERN_FIELD_BYTES];
};

/* Reads a pattern. It must have the field product, no field twice, something between two fields of a segment, and
 * no segment that is empty or begins with a dot. Fails with INSP_E_CONFIG; the detail is a clause that follows the
 * name of the setting. */
int insp_pattern_read(const char *text, struct insp_pattern *ret, struct insp_error *reterr);

/* Says whether a name fits the segment at `depth`, and sets the fields of that segment. */
bool insp_pattern_name(const struct insp_pattern *pattern, unsigned depth, const char *name,
                       struct insp_path_fields *fields);

/* Says whether a whole path fits, and sets all fields. */
bool insp_pattern_path(const struct insp_pattern *pattern, const char *path, struct insp_path_fields *ret);

#endif
