/* core/store/images/thumbnail_walk.h - keeps the position of the walk over thumbnails between sweeps
 * (thumbnail_file.h). */
#ifndef INSP_STORE_IMAGES_THUMBNAIL_WALK_H
#define INSP_STORE_IMAGES_THUMBNAIL_WALK_H

#include <dirent.h>
#include <stdint.h>

/* Holds the position of the walk over all thumbnails. One sweep at a time. */
struct insp_thumbnail_walk {
    DIR *all;            /* folder being read; NULL between rounds */
    uint64_t seen;       /* bytes of the folders of this round so far */
    uint64_t came, went; /* bytes kept and dropped since the round began; under the store's thumbnail_lock */
};

#endif
