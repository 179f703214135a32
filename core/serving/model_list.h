/* core/serving/model_list.h - which model serves which product: the list that the loop holds, and copies of it
 * that a reading in the background works with. One thread at a time per list. */
#ifndef INSP_SERVING_MODEL_LIST_H
#define INSP_SERVING_MODEL_LIST_H

#include "core/model/model.h"

struct api_model {
    char product[INSP_NAME_BYTES];
    struct insp_model *model;              /* owned reference; NULL where loading failed or no version is active */
    char failure[INSP_ERROR_DETAIL_BYTES]; /* why model is NULL, or what the self-test found; "" */
    char reload_failure[INSP_ERROR_DETAIL_BYTES]; /* why the active version is not the one that serves; "" */
    bool passed;                                  /* the last self-test went well */
};

struct api_model_list {
    size_t count;
    struct api_model *item;
};

void api_model_list_clear(struct api_model_list *list); /* drops the references */

/* A copy with references of its own; INSP_E_NOMEM. */
int api_model_list_copy(const struct api_model_list *list, struct api_model_list *ret);

/* What the last self-test said of the models in `from` holds for the same weights in `to`. */
void api_model_list_judge(const struct api_model_list *from, struct api_model_list *to);

struct api_model *api_model_list_find(const struct api_model_list *list, const char *product); /* or NULL */

#endif
