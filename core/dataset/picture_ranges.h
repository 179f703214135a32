/* core/dataset/picture_ranges.h - measures the good training images for the manifest
 * (core/model/training_pictures.h). The job's thread; blocks on the disk. */
#ifndef INSP_DATASET_PICTURE_RANGES_H
#define INSP_DATASET_PICTURE_RANGES_H

#include "core/base/progress.h"
#include "core/dataset/members.h"
#include "core/image/stats.h"
#include "core/region/field_set.h"

enum { INSP_PICTURES_MEASURED_MAX = 100 };

/* Measures up to INSP_PICTURES_MEASURED_MAX good images, spread evenly over the given members. The images are
 * decoded again because their features may have come from the cache. Logs how many are black, white, flat or
 * overexposed: such files are usually broken, rarely the product's nature. A file that has become unreadable is
 * logged and skipped.
 *   member    [count], indices of members
 *   fields    the parts of the pictures that count; NULL: all
 *   tiles     of the version: they decide at which size a picture is decoded
 *   progress  may be NULL; asked for cancellation before each image
 *   ret       ranges of the measured images; ret->count is their number
 * Errors: INSP_E_CANCELLED, INSP_E_NOMEM. */
int insp_picture_ranges(const struct insp_members *members, const size_t *member, size_t count,
                        const struct insp_field_set *fields, struct insp_tiles tiles,
                        const struct insp_image_limits *limits, const struct insp_progress *progress,
                        struct insp_stat_ranges *ret, struct insp_error *reterr);

#endif
