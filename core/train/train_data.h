/* core/train/train_data.h - what the three jobs share: a dataset with its features at hand, and scoring on them.
 * Internal to core/train. One thread, the job's. */
#ifndef INSP_TRAIN_TRAIN_DATA_H
#define INSP_TRAIN_TRAIN_DATA_H

#include "core/dataset/members.h"
#include "core/judge/metrics.h"
#include "core/train/train.h"

/* A dataset's members and their features. */
struct insp_train_data {
    struct insp_members set;
    struct insp_feature_cache *cache;
    size_t trunk_runs;
    double reading_s, features_s;
};

/* Lists, hashes and fills. progress: the part for "reading" and "features". */
int insp_train_data_open(const struct insp_train_context *context, const struct insp_transform *input,
                         bool skip_unreadable, const struct insp_progress *progress, struct insp_train_data **ret,
                         struct insp_error *reterr);
void insp_train_data_free(struct insp_train_data *data);

/* Either a trainer or a tail: what scores. */
struct insp_scorer {
    struct insp_trainer *trainer;
    struct insp_tail *tail;
};

/* Scores the members member[0..count).
 *   ret_probability [count]
 *   ret_map         [count,14,14] or NULL: class activation maps, unscaled */
int insp_train_data_score(const struct insp_train_data *data, const struct insp_scorer *scorer,
                          const size_t *member, size_t count, const struct insp_progress *progress,
                          float *ret_probability, float *ret_map, struct insp_error *reterr);

/* Where a map is cold and where it is hot (heat_range.h), from these members' maps: those that the scorer was
 * trained on, as the held-out images must stay unseen. Both classes must be among them. */
int insp_train_data_heat_range(const struct insp_train_data *data, const struct insp_scorer *scorer,
                               const size_t *member, size_t count, float heatmap_threshold,
                               const struct insp_progress *progress, float *ret_low, float *ret_high,
                               struct insp_error *reterr);

/* One batch of features [count,512,14,14], gathered. */
void insp_train_data_gather(const struct insp_train_data *data, const size_t *member, size_t count,
                            float *ret_features);

/* Metrics of probabilities for members; *ret is the caller's to clear. */
int insp_train_data_metrics(const struct insp_train_data *data, const size_t *member, size_t count,
                            const float *probability, double threshold, struct insp_metrics *ret,
                            struct insp_error *reterr);

double insp_seconds_since(int64_t start_us); /* monotonic */

DEFINE_CLEANUP(struct insp_train_data, insp_train_data_free);
#endif
