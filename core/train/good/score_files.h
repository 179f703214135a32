/* core/train/good/score_files.h - score image files with a model as the daemon scores a posted picture: decode,
 * resize, one pass of the trunk. For models that decide by their good-only part, whose features no cache holds,
 * and for golden samples. The job's thread; blocks on the disk and the device. */
#ifndef INSP_TRAIN_GOOD_SCORE_FILES_H
#define INSP_TRAIN_GOOD_SCORE_FILES_H

#include "core/inspect/scoring.h"
#include "core/judge/served.h"
#include "core/train/train_data.h"

/* Decodes a file as the daemon would, to RGB8 [tiles,224,224,3] (insp_look_tiles). The caller frees *ret.
 *   type  of the bytes, needed for raw frames; NULL: detected from the first bytes
 * Fails with the errors of insp_read_file, insp_image_decode and insp_image_resize. */
int insp_read_rgb(const char *path, const struct insp_media_type *type, const struct insp_field *field,
                  struct insp_tiles tiles, const struct insp_image_limits *limits, uint8_t **ret,
                  struct insp_error *reterr);

/* Decodes a file as above and measures it. */
int insp_read_measured(const char *path, const struct insp_media_type *type, const struct insp_field *field,
                       struct insp_tiles tiles, const struct insp_image_limits *limits, uint8_t **ret,
                       struct insp_image_stats *ret_stats, struct insp_error *reterr);

struct insp_score_files {
    const struct insp_train_context *context;
    struct insp_trunk *trunk; /* borrowed; the model's */
    struct insp_model *model; /* borrowed; on the trunk's device */
    const struct insp_members *set;
};

/* Says where the answers go; caller's memory. */
struct insp_answers {
    float *probability;         /* [count] */
    float *map;                 /* [count,14,14], as insp_model_score gives them, with tiles reduced to this size
                                   (insp_map_reduce); may be NULL */
    struct insp_served *served; /* [count], as the daemon would answer; NULL, and for a model without a good-only
                                   model: not asked for */
    bool *unreadable; /* [count], set for images that do not decode, whose answers stay unset; NULL: such an image
                         fails the call */
};

/* Scores members.
 *   member    [count], indices of set
 *   progress  may be NULL; asked for cancellation before each image
 * Fails with INSP_E_CANCELLED and the errors of insp_read_rgb and insp_model_score. */
int insp_score_files(const struct insp_score_files *files, const size_t *member, size_t count,
                     const struct insp_progress *progress, const struct insp_answers *ret,
                     struct insp_error *reterr);

#endif
