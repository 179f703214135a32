#include "core/judge/report.h"

#include "core/base/base64.h"
#include "core/base/utf8.h"
#include "core/heat/heatmap.h"
#include "core/judge/threshold.h"

#include <math.h>
#include <string.h>

json_t *insp_report_dataset(const struct insp_members *set, bool with_scan) {
    json_t *json = json_pack("{s:s, s:I, s:o, s:I, s:I}", "digest", set->digest, "images",
                             (json_int_t)set->dataset->count, "counts", insp_dataset_counts_json(set->dataset),
                             "skipped", (json_int_t)set->skipped, "ignored", (json_int_t)set->dataset->ignored);
    if (json && with_scan && json_object_set_new(json, "scan", insp_scan_json(&set->dataset->scan)) < 0) {
        json_decref(json);
        return NULL;
    }
    return json;
}

/* Bytes of a file's name that are not UTF-8 become '?'. */
static json_t *member_json(const struct insp_members *set, size_t member, bool held_out) {
    const struct insp_dataset *dataset = set->dataset;
    const struct insp_dataset_item *item = &dataset->item[set->item[member]];
    _cleanup_free_ char *place = strdup(item->path + strlen(dataset->root) + 1);
    if (!place)
        return NULL;
    insp_utf8_clean(place);
    return json_pack("{s:s, s:s, s:s, s:I, s:b}", "place", place, "class", dataset->stratum[item->stratum],
                     "sha256", item->sha256, "bytes", (json_int_t)item->bytes, "held_out", held_out);
}

json_t *insp_report_members(const struct insp_members *set, const size_t *held_out, size_t count) {
    json_t *list = json_array();
    _cleanup_free_ bool *held = calloc(set->count + 1, sizeof *held);
    for (size_t i = 0; held && i < count; i++)
        held[held_out[i]] = true;
    for (size_t m = 0; m < set->count; m++)
        if (!held || json_array_append_new(list, member_json(set, m, held[m])) < 0) {
            json_decref(list);
            return NULL;
        }
    return list;
}

struct judged {
    size_t place;
    double error; /* distance from the threshold; positive on the wrong side */
    bool wrong;
};

static int by_falling_error(const void *a, const void *b) {
    const struct judged *x = a, *y = b;
    if (x->wrong != y->wrong) /* exactly at the threshold the error is 0 on both sides */
        return x->wrong ? -1 : 1;
    if (x->error != y->error)
        return x->error < y->error ? 1 : -1;
    return (x->place > y->place) - (x->place < y->place);
}

static const struct insp_dataset_item *item_of(const struct insp_judgement *j, size_t place) {
    return &j->set->dataset->item[j->set->item[j->member[place]]];
}

/* Returns the heat of an image as base64 of [14,14] bytes; NULL without memory. */
static json_t *heat_json(const struct insp_judgement *j, size_t place) {
    const struct insp_heat_params params = insp_judgement_heat(j);
    float heat[INSP_MAP_FLOATS];
    uint8_t byte[INSP_MAP_FLOATS];
    _cleanup_free_ char *text = NULL;
    insp_heat_scale(&params, j->map + place * INSP_MAP_FLOATS, heat);
    for (size_t i = 0; i < INSP_MAP_FLOATS; i++)
        byte[i] = (uint8_t)lrintf(heat[i] * 255);
    return insp_base64_encode(byte, sizeof byte, &text, NULL) < 0 ? NULL : json_string(text);
}

static json_t *image_json(const struct insp_judgement *j, const struct judged *judged, bool with_heat) {
    const struct insp_dataset *dataset = j->set->dataset;
    const struct insp_dataset_item *item = item_of(j, judged->place);
    const char *relative = item->path + strlen(dataset->root) + 1;
    /* JSON holds only UTF-8, so an image with another file name is identified by its hash. */
    json_t *path = json_string(relative);
    json_t *json = json_pack("{s:o, s:s, s:s, s:s, s:s, s:f, s:b}", "path",
                             path ? path : json_sprintf("sha256:%s", item->sha256), "sha256", item->sha256, "type",
                             dataset->stratum[item->stratum], "label", item->label ? "anomaly" : "good", "verdict",
                             insp_judgement_anomaly(j, judged->place) ? "anomaly" : "good", "probability",
                             (double)j->probability[judged->place], "wrong", judged->wrong);
    if (json && with_heat && json_object_set_new(json, "heat", heat_json(j, judged->place)) < 0) {
        json_decref(json);
        return NULL;
    }
    return json;
}

json_t *insp_report_images(const struct insp_judgement *j) {
    _cleanup_free_ struct judged *judged = calloc(j->count + 1, sizeof *judged);
    json_t *images = json_array();
    if (!judged || !images) {
        json_decref(images);
        return NULL;
    }
    for (size_t i = 0; i < j->count; i++) {
        double above = (double)j->probability[i] - j->threshold;
        bool anomaly = j->set->label[j->member[i]] == INSP_CLASS_ANOMALY;
        judged[i] = (struct judged){i, anomaly ? -above : above, insp_judgement_anomaly(j, i) != anomaly};
    }
    qsort(judged, j->count, sizeof *judged, by_falling_error);
    for (size_t i = 0; i < j->count && i < INSP_REPORT_IMAGES_MAX; i++) {
        if (!judged[i].wrong && i >= INSP_REPORT_HEATS)
            break;
        if (json_array_append_new(images, image_json(j, &judged[i], i < INSP_REPORT_HEATS)) < 0) {
            json_decref(images);
            return NULL;
        }
    }
    return images;
}

/* Returns the found anomaly of this type with the highest probability among those not in `taken`; j->count if
 * there is none. */
static size_t surest(const struct insp_judgement *j, size_t stratum, const bool *taken) {
    size_t best = j->count;
    for (size_t i = 0; i < j->count; i++)
        if (!taken[i] && j->set->strata[j->member[i]] == stratum && insp_judgement_anomaly(j, i) &&
            (best == j->count || j->probability[i] > j->probability[best]))
            best = i;
    return best;
}

json_t *insp_report_examples(const struct insp_judgement *j) {
    _cleanup_free_ bool *taken = calloc(j->count + 1, sizeof *taken);
    json_t *examples = taken ? json_array() : NULL;
    for (bool more = examples != NULL; more && json_array_size(examples) < INSP_REPORT_EXAMPLES;) {
        more = false;
        for (size_t s = 1; s < j->set->dataset->stratum_count; s++) { /* 0 is "good" */
            size_t i = surest(j, s, taken);
            if (i == j->count || json_array_size(examples) == INSP_REPORT_EXAMPLES)
                continue;
            more = taken[i] = true;
            if (json_array_append_new(examples, image_json(j, &(struct judged){.place = i}, true)) < 0) {
                json_decref(examples);
                return NULL;
            }
        }
    }
    return examples;
}

static json_t *counts_json(const size_t *count) {
    json_t *counts = json_array();
    for (size_t i = 0; counts && i < INSP_REPORT_BINS; i++)
        if (json_array_append_new(counts, json_integer((json_int_t)count[i])) < 0) {
            json_decref(counts);
            return NULL;
        }
    return counts;
}

json_t *insp_report_histogram(const struct insp_judgement *j) {
    size_t count[INSP_CLASSES][INSP_REPORT_BINS] = {{0}};
    for (size_t i = 0; i < j->count; i++) {
        int bin = (int)((double)j->probability[i] * INSP_REPORT_BINS);
        count[j->set->label[j->member[i]]][bin < INSP_REPORT_BINS ? bin : INSP_REPORT_BINS - 1]++;
    }
    return json_pack("{s:o, s:o}", "good", counts_json(count[INSP_CLASS_GOOD]), "anomaly",
                     counts_json(count[INSP_CLASS_ANOMALY]));
}

json_t *insp_report_roc(const struct insp_members *set, const size_t *member, size_t count,
                        const float *probability) {
    _cleanup_free_ uint8_t *label = calloc(count + 1, sizeof *label);
    if (!label)
        return NULL;
    for (size_t i = 0; i < count; i++)
        label[i] = set->label[member[i]];
    return insp_roc_json(probability, label, count);
}

int insp_report_threshold(const struct insp_members *set, const size_t *member, size_t count,
                          const float *probability, double max_missed, json_t *part, struct insp_error *reterr) {
    struct insp_threshold_advice advice;
    _cleanup_free_ uint8_t *label = calloc(count + 1, sizeof *label);
    if (!label)
        return insp_fail(reterr, INSP_E_NOMEM, "no memory for the labels of %zu images", count);
    for (size_t i = 0; i < count; i++)
        label[i] = set->label[member[i]];
    int r = insp_threshold_advise(probability, label, count, max_missed, &advice, reterr);
    if (r < 0)
        return r;
    return json_object_set_new(part, "threshold_advice", insp_threshold_json(&advice)) == 0
               ? 0
               : insp_fail(reterr, INSP_E_NOMEM, "no memory for the report");
}

/* Lists the images of one class that prevent a promise, worst first. */
static json_t *preventing_json(const struct insp_judgement *j, bool anomalies, double limit) {
    _cleanup_free_ struct judged *judged = calloc(j->count + 1, sizeof *judged);
    json_t *list = judged ? json_array() : NULL;
    size_t count = 0;
    for (size_t i = 0; list && i < j->count; i++) {
        double beyond = anomalies ? limit - (double)j->probability[i] : (double)j->probability[i] - limit;
        bool wrong = anomalies ? beyond > 0 : beyond >= 0;
        if ((j->set->label[j->member[i]] == INSP_CLASS_ANOMALY) == anomalies && wrong)
            judged[count++] = (struct judged){.place = i, .error = beyond, .wrong = true};
    }
    if (list)
        qsort(judged, count, sizeof *judged, by_falling_error);
    for (size_t i = 0; list && i < count && i < INSP_REPORT_PREVENTING; i++)
        if (json_array_append_new(list, image_json(j, &judged[i], false)) < 0) {
            json_decref(list);
            return NULL;
        }
    return list;
}

int insp_report_promise(const struct insp_members *set, const size_t *member, size_t count,
                        const float *probability, const struct insp_threshold_promise *promise, json_t *part,
                        struct insp_error *reterr) {
    const struct insp_judgement j = {.set = set,
                                     .member = member,
                                     .count = promise->missed.kept && promise->rejected.kept ? 0 : count,
                                     .probability = probability,
                                     .threshold = (double)promise->threshold};
    json_t *json = insp_threshold_promise_json(promise), *list = json_array();
    json_t *good = preventing_json(&j, false, (double)promise->threshold),
           *anomalies = preventing_json(&j, true, (double)promise->low);
    bool made = json && list && good && anomalies && json_array_extend(list, good) == 0 &&
                json_array_extend(list, anomalies) == 0 && json_object_set(json, "preventing", list) == 0 &&
                json_object_set(part, "threshold_promise", json) == 0;
    json_decref(json);
    json_decref(list);
    json_decref(good);
    json_decref(anomalies);
    return made ? 0 : insp_fail(reterr, INSP_E_NOMEM, "no memory for the report");
}

json_t *insp_report_metrics(const struct insp_members *set, const struct insp_metrics *metrics) {
    return insp_metrics_json(metrics, (const char(*)[INSP_NAME_BYTES])set->dataset->stratum);
}

int insp_report_join(json_t *report, json_t *part, json_t **ret, struct insp_error *reterr) {
    bool joined = report && part && json_object_update(report, part) == 0;
    json_decref(part);
    if (!joined) {
        json_decref(report);
        return insp_fail(reterr, INSP_E_NOMEM, "no memory for the report");
    }
    *ret = report;
    return 0;
}
