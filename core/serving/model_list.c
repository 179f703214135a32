#include "core/serving/model_list.h"

#include <string.h>

void insp_model_list_clear(struct insp_model_list *list) {
    for (size_t i = 0; i < list->count; i++) {
        insp_model_unref(list->item[i].model);
        insp_model_unref(list->item[i].shadow);
    }
    free(list->item);
    *list = (struct insp_model_list){0};
}

int insp_model_list_copy(const struct insp_model_list *list, struct insp_model_list *ret) {
    struct insp_model_list copy = {.count = list->count, .item = calloc(list->count + 1, sizeof *copy.item)};
    if (!copy.item)
        return INSP_E_NOMEM;
    for (size_t i = 0; i < list->count; i++) {
        copy.item[i] = list->item[i];
        if (copy.item[i].model)
            insp_model_ref(copy.item[i].model);
        if (copy.item[i].shadow)
            insp_model_ref(copy.item[i].shadow);
    }
    *ret = copy;
    return 0;
}

struct insp_served_model *insp_model_list_find(const struct insp_model_list *list, const char *product) {
    for (size_t i = 0; i < list->count; i++)
        if (!strcmp(list->item[i].product, product))
            return &list->item[i];
    return NULL;
}

/* Two that differ in thresholds only share their weights. */
static const struct insp_model *weights_of(const struct insp_served_model *item) {
    return item->model && item->model->base ? item->model->base : item->model;
}

void insp_model_list_judge(const struct insp_model_list *from, struct insp_model_list *to) {
    for (size_t i = 0; i < to->count; i++) {
        struct insp_served_model *item = &to->item[i];
        const struct insp_served_model *judged = insp_model_list_find(from, item->product);
        if (!judged || !item->model || weights_of(judged) != weights_of(item))
            continue;
        item->passed = judged->passed;
        memcpy(item->failure, judged->failure, sizeof item->failure);
    }
}
