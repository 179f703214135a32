/* api/resources/datasets.h - shares helpers between the files of the dataset resource. Blocks on the disk unless
 * said otherwise; lane BACK. */
#ifndef INSP_API_RESOURCES_DATASETS_H
#define INSP_API_RESOURCES_DATASETS_H

#include "api/http/request.h"
#include "core/base/fs.h"
#include "core/dataset/dataset_edit.h"

/* Finds the folder of the dataset that the query parameter "dataset" names, or of the product's own.
 *   ret_named  the parameter, borrowed from the query; NULL for the product's own. Also set on INSP_E_NOT_FOUND
 * Fails with
 *   INSP_E_NOT_FOUND  the product has no dataset
 *   INSP_E_QUERY      the parameter is empty, too long, or not plain text
 *   INSP_E_FORBIDDEN  the folder is outside the dataset roots
 *   INSP_E_DATASET    there is no such folder */
int api_dataset_find(const struct api_request *request, char ret_set[INSP_PATH_BYTES], const char **ret_named,
                     struct insp_error *reterr);

/* Returns the configured limits of images and free space. Pure. */
struct insp_dataset_limits api_dataset_limits(const struct api_request *request);

/* Makes {"split", "class", "name", "sha256" (null for ""), "bytes", "source", "href"}. Pure. New reference; NULL
 * without memory.
 *   dataset  the query parameter for `href`; NULL: the product's own dataset */
json_t *api_dataset_image_json(const struct api_request *request, const struct insp_dataset_place *place,
                               const char *dataset, const char *sha256, uint64_t bytes);

/* Checks the headers of an upload: a JPEG or PNG by its type, and not empty. Pure. Fails with INSP_E_MEDIA_TYPE,
 * INSP_E_EMPTY_BODY. */
int api_dataset_check_media(const struct api_request *request, struct insp_error *reterr);

/* Checks that the body is what its type says. Pure. Fails with INSP_E_EMPTY_BODY, INSP_E_IMAGE. */
int api_dataset_check_bytes(const struct api_request *request, struct insp_error *reterr);

#endif
