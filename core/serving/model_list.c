#include "core/serving/model_list.h"

#include <string.h>

void api_model_list_clear(struct api_model_list *list) {
    for (size_t i = 0; i < list->count; i++)
        insp_model_unref(list->item[i].model);
    free(list->item);
    *list = (struct api_model_list){0};
}

int api_model_list_copy(const struct api_model_list *list, struct api_model_list *ret) {
    struct api_model_list copy = {.count = list->count, .item = calloc(list->count + 1, sizeof *copy.item)};
    if (!copy.item)
        return INSP_E_NOMEM;
    for (size_t i = 0; i < list->count; i++) {
        copy.item[i] = list->item[i];
        if (copy.item[i].model)
            insp_model_ref(copy.item[i].model);
    }
    *ret = copy;
    return 0;
}

struct api_model *api_model_list_find(const struct api_model_list *list, const char *product) {
    for (size_t i = 0; i < list->count; i++)
        if (!strcmp(list->item[i].product, product))
            return &list->item[i];
    return NULL;
}

/* Two that differ in thresholds only share their weights. */
static const struct insp_model *weights_of(const struct api_model *item) {
    return item->model && item->model->base ? item->model->base : item->model;
}

void api_model_list_judge(const struct api_model_list *from, struct api_model_list *to) {
    for (size_t i = 0; i < to->count; i++) {
        struct api_model *item = &to->item[i];
        const struct api_model *judged = api_model_list_find(from, item->product);
        if (!judged || !item->model || weights_of(judged) != weights_of(item))
            continue;
        item->passed = judged->passed;
        memcpy(item->failure, judged->failure, sizeof item->failure);
    }
}
