/* core/train/train_data.h - opens a dataset with its features and scores its images, for all three kinds of jobs.
 * Internal to core/train. One thread, the job's; blocks on the disk. */
#ifndef INSP_TRAIN_TRAIN_DATA_H
#define INSP_TRAIN_TRAIN_DATA_H

#include "core/dataset/members.h"
#include "core/judge/metrics.h"
#include "core/model/good/good_scores.h"
#include "core/model/logistic/logistic.h"
#include "core/train/train.h"

/* All pointers are owned. A member's samples, which models are trained on, are its tiles: sample
 * member * tiles + tile. Without tiles there is one, and its number is the member's. */
struct insp_train_data {
    struct insp_members set;
    struct insp_feature_cache *cache;
    struct insp_tiles tiles;
    uint8_t *tile_label;                 /* [dataset->count,tiles], enum insp_tile_label; NULL: not asked for */
    const struct insp_field_set *fields; /* of the context; borrowed; NULL: the whole pictures */
    size_t trunk_runs;                   /* images that were not in the cache */
    double reading_s, features_s;        /* seconds spent on each stage */
};

/* Lists and hashes context->dataset_root and fills the feature cache; logs the scan's findings.
 *   skip_unreadable  leave unreadable images out instead of failing
 *   progress         receives the stages "reading" and "features"; may be NULL
 * Fails with the errors of insp_dataset_open, insp_dataset_hash, insp_feature_cache_open and
 * insp_feature_cache_fill, and with INSP_E_DATASET if a class has no readable image. */
int insp_train_data_open(const struct insp_train_context *context, const struct insp_transform *input,
                         bool skip_unreadable, const struct insp_progress *progress, struct insp_train_data **ret,
                         struct insp_error *reterr);
/* Does the same with the features of each tile.
 *   tiles   {0, 0}: none; the fields of the context get their cells (insp_field_set_tile)
 *   labels  labels the tiles by masks and boxes (tiles/tile_labels.h), before any feature is computed; without
 *           tiles no difference
 * Fails also with INSP_E_DATASET for an image with fewer pixels than its tiles need, and as insp_field_set_tile
 * and insp_tile_labels do. */
int insp_train_data_open_tiled(const struct insp_train_context *context, const struct insp_transform *input,
                               struct insp_tiles tiles, bool labels, bool skip_unreadable,
                               const struct insp_progress *progress, struct insp_train_data **ret,
                               struct insp_error *reterr);
/* Lists and hashes the same without features, for good-only models: data->cache is NULL, and a class may be empty.
 * skip_unreadable leaves out files that cannot be read; damaged pictures are found later. */
int insp_train_data_list(const struct insp_train_context *context, bool skip_unreadable,
                         const struct insp_progress *progress, struct insp_train_data **ret,
                         struct insp_error *reterr);
void insp_train_data_free(struct insp_train_data *data); /* accepts NULL */

/* Holds the models that decide together; borrowed. */
struct insp_scorer {
    struct insp_tail *tail;
    const struct insp_logistic *logistic; /* may be NULL with INSP_LOGISTIC_NONE */
    enum insp_logistic_use use;
};

/* Scores members in batches of 16, as insp_model_score scores their images: on the CPU bit for bit the same,
 * unless the cache holds halves. With tiles an image has the probability of its worst one, and its map is stitched
 * and reduced (insp_map_reduce).
 *   scorer           borrowed
 *   member           [count]
 *   progress         may be NULL; asked for cancellation before each batch
 *   ret_probability  [count], of an anomaly, 0..1
 *   ret_map          [count,14,14], class activation maps, unscaled; may be NULL. Cells that the image's field
 *                    ignores have the least value of the others
 * Errors: INSP_E_CANCELLED, INSP_E_NOMEM, INSP_E_DEVICE, INSP_E_MODEL. */
int insp_train_data_score(const struct insp_train_data *data, const struct insp_scorer *scorer,
                          const size_t *member, size_t count, const struct insp_progress *progress,
                          float *ret_probability, float *ret_map, struct insp_error *reterr);

/* Scores the tiles of members by a tail alone.
 *   ret_probability  [count,tiles]; -1 for a tile that the image's field ignores
 *   ret_map          as above
 * Fails as above. */
int insp_train_data_score_tiles(const struct insp_train_data *data, struct insp_tail *tail, const size_t *member,
                                size_t count, const struct insp_progress *progress, float *ret_probability,
                                float *ret_map, struct insp_error *reterr);

/* Returns the probability of a member, which is that of its worst tile.
 *   logistic     may be NULL with INSP_LOGISTIC_NONE
 *   probability  [tiles], the tail's; -1 for a tile that does not count */
float insp_train_data_worst(const struct insp_train_data *data, const struct insp_logistic *logistic,
                            enum insp_logistic_use use, size_t member, const float *probability);

/* Learns the range of the maps (heat_range.h) from the members that the tail was trained on; the held-out images
 * must not influence it. Both classes must be among the members. Fails with the errors of insp_train_data_score
 * and insp_heat_range. */
int insp_train_data_heat_range(const struct insp_train_data *data, struct insp_tail *tail, const size_t *member,
                               size_t count, float heatmap_threshold, const struct insp_progress *progress,
                               float *ret_low, float *ret_high, struct insp_error *reterr);

/* Scales maps [count,14,14] of class activation in place to heat, not clamped. With a fixed scale, ignored cells
 * have heat 0 or less. member: [count]; low, high: as insp_train_data_heat_range gives them. */
void insp_train_data_heat(const struct insp_train_data *data, const size_t *member, size_t count,
                          enum insp_heatmap_scale scale, float low, float high, float *map);

/* Copies the features of samples [count] to ret_features, float32 [count,512,14,14]. */
void insp_train_data_gather(const struct insp_train_data *data, const size_t *sample, size_t count,
                            float *ret_features);

/* Copies the statistics of the samples' pools to ret, float32 [count,INSP_POOLED_FLOATS]. */
void insp_train_data_pooled(const struct insp_train_data *data, const size_t *sample, size_t count, float *ret);

/* Returns the label of a sample: the member's class, or the tile's label. */
uint8_t insp_train_data_label(const struct insp_train_data *data, size_t sample);

/* Keeps how good images among the members score, for the drift of the line's good parts.
 *   probability  [count]
 * Fails with INSP_E_NOMEM. */
int insp_train_data_good_scores(const struct insp_train_data *data, const size_t *member, size_t count,
                                const float *probability, struct insp_good_scores *ret, struct insp_error *reterr);

/* Computes the metrics of the members' probabilities [count] (insp_metrics_compute). insp_metrics_clear releases
 * *ret. */
int insp_train_data_metrics(const struct insp_train_data *data, const size_t *member, size_t count,
                            const float *probability, double threshold, struct insp_metrics *ret,
                            struct insp_error *reterr);

/* Returns the seconds since start_us, a monotonic time (insp_mono_us). */
double insp_seconds_since(int64_t start_us);

DEFINE_CLEANUP(struct insp_train_data, insp_train_data_free);
#endif
