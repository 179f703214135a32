/* core/train/score_version.h - scores images of an opened dataset with a stored model. Internal to core/train. The
 * job's thread; blocks on the disk. */
#ifndef INSP_TRAIN_SCORE_VERSION_H
#define INSP_TRAIN_SCORE_VERSION_H

#include "core/train/good/score_files.h"

/* Scores members with <state>/models/<product>/<version>. If that model has another trunk or input transform than
 * the data's features, loads its trunk and runs it on these images alone. A version that decides by its good-only
 * part reads the image files; data->cache may then be NULL, and its maps are heat.
 *   input            the transform of the data's features
 *   member           [count]
 *   ret_probability  [count]
 *   ret_map          [count,14,14], unscaled; may be NULL
 *   ret_manifest     insp_manifest_free releases it
 * Fails with the errors of insp_bundle_read, insp_trunk_open_on, insp_feature_cache_fill and
 * insp_train_data_score. */
int insp_score_version(const struct insp_train_context *context, const struct insp_train_data *data,
                       const struct insp_transform *input, const char *version, const size_t *member, size_t count,
                       const struct insp_progress *progress, float *ret_probability, float *ret_map,
                       struct insp_manifest **ret_manifest, struct insp_error *reterr);

/* Scores members with a version that has a good-only model, as the daemon would answer the image files: in one
 * pass by both of its models. data->cache may be NULL. Maps as above. Fails with the errors of insp_model_load,
 * insp_trunk_open_on and insp_score_files. */
int insp_serve_version(const struct insp_train_context *context, const struct insp_train_data *data,
                       const char *version, const size_t *member, size_t count,
                       const struct insp_progress *progress, const struct insp_answers *ret,
                       struct insp_error *reterr);

#endif
