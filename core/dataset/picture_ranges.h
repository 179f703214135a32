/* core/dataset/picture_ranges.h - measures the good training pictures for the manifest
 * (core/model/training_pictures.h). The job's thread. */
#ifndef INSP_DATASET_PICTURE_RANGES_H
#define INSP_DATASET_PICTURE_RANGES_H

#include "core/base/progress.h"
#include "core/dataset/members.h"
#include "core/image/stats.h"

enum { INSP_PICTURES_MEASURED_MAX = 100 };

/* Decodes the good ones among the members as the daemon would, at most INSP_PICTURES_MEASURED_MAX of them, spread
 * evenly: features come from the cache, so that the pictures were perhaps not decoded in this job. Logs how many
 * are black, white, flat or overexposed, because a product that is so by nature is rare and a broken file is not;
 * a file that has gone since is passed over with a line in the log. INSP_E_CANCELLED, INSP_E_NOMEM. */
int insp_picture_ranges(const struct insp_members *members, const size_t *member, size_t count,
                        const struct insp_image_limits *limits, const struct insp_progress *progress,
                        struct insp_stat_ranges *ret, struct insp_error *reterr);

#endif
