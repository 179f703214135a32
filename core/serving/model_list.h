/* core/serving/model_list.h - list the model that serves each product. The loop holds one list; a reading in
 * the background works with copies. One thread at a time per list. */
#ifndef INSP_SERVING_MODEL_LIST_H
#define INSP_SERVING_MODEL_LIST_H

#include "core/model/model.h"
#include "core/serving/shadow.h"

struct insp_served_model {
    char product[INSP_NAME_BYTES];
    struct insp_model *model;              /* owned reference; NULL if loading failed or no version is active */
    char failure[INSP_ERROR_DETAIL_BYTES]; /* why model is NULL, or the error of the self-test; "" */
    char reload_failure[INSP_ERROR_DETAIL_BYTES]; /* why the active version does not serve; "" */
    char refused[INSP_NAME_BYTES];                /* the active version, if loading it failed; "" */
    char damage[INSP_ERROR_DETAIL_BYTES];         /* damage of the serving files, by the last verification; "" */
    struct insp_shadow_choice shadow_choice;      /* version "": none */
    struct insp_model *shadow;                    /* owned reference; NULL: none, or it could not be loaded */
    char shadow_failure[INSP_ERROR_DETAIL_BYTES]; /* why not; "" */
    char shadow_refused[INSP_NAME_BYTES];         /* the shadow's version, if loading it failed; "" */
    bool passed;                                  /* the last self-test passed */
    bool pending;        /* the active version is not loaded yet: a later reading loads it */
    bool shadow_pending; /* nor is the shadow; shadow_failure says so */
};

struct insp_model_list {
    size_t count;
    struct insp_served_model *item;
};

void insp_model_list_clear(struct insp_model_list *list); /* drops the references; accepts a zeroed list */

/* Copies a list and adds references. Returns 0 or INSP_E_NOMEM. */
int insp_model_list_copy(const struct insp_model_list *list, struct insp_model_list *ret);

/* Copies the results of the last self-test from `from` to the models in `to` that have the same weights. */
void insp_model_list_judge(const struct insp_model_list *from, struct insp_model_list *to);

/* Returns the entry of a product, or NULL. */
struct insp_served_model *insp_model_list_find(const struct insp_model_list *list, const char *product);

#endif
