/* api/resources/datasets.h - what the files of the dataset resource share. The pool. */
#ifndef INSP_API_RESOURCES_DATASETS_H
#define INSP_API_RESOURCES_DATASETS_H

#include "api/http/request.h"
#include "core/base/fs.h"
#include "core/dataset/dataset_edit.h"

/* The set that the query parameter "dataset" names, or the product's own; *ret_named is NULL for the latter, else
 * borrowed from the query. INSP_E_NOT_FOUND where the product has none, INSP_E_QUERY, INSP_E_FORBIDDEN,
 * INSP_E_DATASET. */
int api_dataset_find(const struct api_request *request, char ret_set[INSP_PATH_BYTES], const char **ret_named,
                     struct insp_error *reterr);

struct insp_dataset_limits api_dataset_limits(const struct api_request *request);

/* {"split", "class", "name", "sha256" (null for ""), "bytes", "href"}; dataset NULL: the product's own. NULL
 * without memory. */
json_t *api_dataset_image_json(const struct api_request *request, const struct insp_dataset_place *place,
                               const char *dataset, const char *sha256, uint64_t bytes);

#endif
