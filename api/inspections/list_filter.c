#include "api/inspections/list_filter.h"

#include <string.h>

int api_list_filter(const struct api_query *query, size_t limit, uint64_t limit_max, struct insp_filter *ret,
                    struct insp_error *reterr) {
    static const char *const verdicts[] = {"good", "anomaly", "review", NULL}; /* enum insp_verdict */
    static const char *const labels[] = {"none", "good", "anomaly", NULL}; /* in the order of enum insp_label */
    uint64_t wanted = limit;
    *ret = (struct insp_filter){.verdict = -1, .label = -1};
    int code = api_query_name(query, "product", &ret->product, reterr);
    if (!code)
        code = api_query_name(query, "model", &ret->model, reterr);
    if (!code)
        code = api_query_tag(query, "camera", &ret->camera, reterr);
    if (!code)
        code = api_query_tag(query, "part", &ret->part, reterr);
    if (!code)
        code = api_query_choice(query, "verdict", verdicts, &ret->verdict, reterr);
    if (!code)
        code = api_query_choice(query, "label", labels, &ret->label, reterr);
    if (!code)
        code = api_query_time(query, "since", &ret->since_us, reterr);
    if (!code)
        code = api_query_time(query, "until", &ret->until_us, reterr);
    if (!code)
        code = api_query_number(query, "limit", 1, limit_max, &wanted, reterr);
    ret->limit = (size_t)wanted;
    return code;
}

static bool text_admits(const char *wanted, const char *text) {
    return !wanted || !strcmp(wanted, text);
}

bool api_filter_admits(const struct insp_filter *filter, const struct insp_record *record) {
    return text_admits(filter->product, record->product) && text_admits(filter->camera, record->camera) &&
           text_admits(filter->part, record->part) && text_admits(filter->model, record->model) &&
           (filter->verdict < 0 || filter->verdict == (int)record->verdict) &&
           (filter->label < 0 || filter->label == (int)record->label) &&
           (!filter->since_us || record->received_us >= filter->since_us) &&
           (!filter->until_us || record->received_us < filter->until_us);
}
