#include "api/model_list.h"

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
