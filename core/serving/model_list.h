/* core/serving/model_list.h - which model serves which product: the list that the loop holds, and copies of it
 * that a reading in the background works with. One thread at a time per list. */
#ifndef INSP_SERVING_MODEL_LIST_H
#define INSP_SERVING_MODEL_LIST_H

#include "core/model/model.h"

struct insp_served_model {
    char product[INSP_NAME_BYTES];
    struct insp_model *model;              /* owned reference; NULL where loading failed or no version is active */
    char failure[INSP_ERROR_DETAIL_BYTES]; /* why model is NULL, or what the self-test found; "" */
    char reload_failure[INSP_ERROR_DETAIL_BYTES]; /* why the active version is not the one that serves; "" */
    char damage[INSP_ERROR_DETAIL_BYTES]; /* what the last verification found in the files of what serves; "" */
    bool passed;                          /* the last self-test went well */
};

struct insp_model_list {
    size_t count;
    struct insp_served_model *item;
};

void insp_model_list_clear(struct insp_model_list *list); /* drops the references */

/* A copy with references of its own; INSP_E_NOMEM. */
int insp_model_list_copy(const struct insp_model_list *list, struct insp_model_list *ret);

/* What the last self-test said of the models in `from` holds for the same weights in `to`. */
void insp_model_list_judge(const struct insp_model_list *from, struct insp_model_list *to);

struct insp_served_model *insp_model_list_find(const struct insp_model_list *list,
                                               const char *product); /* or NULL */

#endif
