/* core/train/score_version.h - a stored model judged on images of an opened dataset. Internal to core/train. */
#ifndef INSP_TRAIN_SCORE_VERSION_H
#define INSP_TRAIN_SCORE_VERSION_H

#include "core/train/train_data.h"

/* Scores members with <state>/models/<product>/<version>. Where that model has another trunk or input transform
 * than the data's features, its trunk is loaded and run on just these images. input           the transform that
 * data's features were made with ret_probability [count] ret_map         [count,14,14] unscaled, or NULL
 *   ret_manifest    the caller's
 * Fails as insp_bundle_read, insp_trunk_open, insp_train_data_score. */
int insp_score_version(const struct insp_train_context *context, const struct insp_train_data *data,
                       const struct insp_transform *input, const char *version, const size_t *member, size_t count,
                       const struct insp_progress *progress, float *ret_probability, float *ret_map,
                       struct insp_manifest **ret_manifest, struct insp_error *reterr);

#endif
