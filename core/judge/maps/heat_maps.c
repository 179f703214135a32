#include "core/judge/maps/heat_maps.h"

#include "core/judge/localise.h"

#include <math.h>

static const char *const words[INSP_HEAT_KINDS] = {[INSP_HEAT_ACTIVATION] = "class activation",
                                                   [INSP_HEAT_GOOD_ONLY] = "the distance from good parts",
                                                   [INSP_HEAT_PRODUCT] = "the product of both"};

static float hottest(const float *map) {
    float top = map[0];
    for (size_t i = 1; i < INSP_MAP_FLOATS; i++)
        top = fmaxf(top, map[i]);
    return top;
}

/* Measures what needs no mask. */
static int measure(const struct insp_judgement *j, const float *map, struct insp_heat_figures *ret,
                   struct insp_error *reterr) {
    _cleanup_free_ float *top = calloc(j->count + 1, sizeof *top);
    _cleanup_free_ uint8_t *label = calloc(j->count + 1, sizeof *label);
    uint64_t shown = 0, good = 0;
    if (!top || !label)
        return insp_fail(reterr, INSP_E_NOMEM, "no memory to compare the maps of %zu images", j->count);
    for (size_t i = 0; i < j->count; i++) {
        top[i] = hottest(map + i * INSP_MAP_FLOATS);
        label[i] = j->set->label[j->member[i]];
        good += label[i] == INSP_CLASS_GOOD;
        shown += label[i] == INSP_CLASS_GOOD && top[i] >= j->heatmap_threshold;
    }
    ret->shown = insp_rate(shown, good);
    return insp_metrics_auc(top, label, j->count, &ret->separation, reterr);
}

static double figure(const struct insp_heat_maps *maps, enum insp_heat_kind kind) {
    const struct insp_heat_figures *f = &maps->figures[kind];
    return maps->from == INSP_HEAT_BY_MASKS ? f->pixel_auroc : f->separation;
}

/* Says whether good parts stay as dark as they shall. */
static bool dark(const struct insp_heat_maps *maps, enum insp_heat_kind kind) {
    double shown = maps->figures[kind].shown.value, least = maps->figures[INSP_HEAT_ACTIVATION].shown.value;
    return !(shown > INSP_HEAT_SHOWN_MAX) || shown <= least;
}

static enum insp_heat_kind best(const struct insp_heat_maps *maps) {
    enum insp_heat_kind taken = INSP_HEAT_ACTIVATION;
    for (enum insp_heat_kind k = INSP_HEAT_GOOD_ONLY; k < INSP_HEAT_KINDS; k++)
        if (figure(maps, k) > figure(maps, taken) &&
            figure(maps, k) >= figure(maps, INSP_HEAT_ACTIVATION) + INSP_HEAT_MARGIN && dark(maps, k))
            taken = k;
    return taken;
}

int insp_heat_maps_compare(const struct insp_judgement *judgement, const float *const map[INSP_HEAT_KINDS],
                           const struct insp_image_limits *limits, const struct insp_progress *progress,
                           struct insp_heat_maps *ret, struct insp_error *reterr) {
    struct insp_heat_maps maps = {.from = INSP_HEAT_BY_SEPARATION};
    for (enum insp_heat_kind k = 0; k < INSP_HEAT_KINDS; k++) {
        struct insp_judgement one = *judgement;
        struct insp_localisation localisation = {0};
        one.map = map[k];
        int r = measure(&one, map[k], &maps.figures[k], reterr);
        if (r == 0)
            r = insp_localise(&one, limits, progress, &localisation, reterr);
        if (r < 0)
            return r;
        maps.figures[k].pixel_auroc = localisation.pixel_auroc;
        maps.masks = localisation.images;
        if (isfinite(localisation.pixel_auroc))
            maps.from = INSP_HEAT_BY_MASKS;
    }
    maps.taken = best(&maps);
    *ret = maps;
    return 0;
}

static json_t *number(double value) {
    return isfinite(value) ? json_real(value) : json_null();
}

/* Returns the map with the largest figure but for the one that was taken. */
static enum insp_heat_kind rival(const struct insp_heat_maps *maps) {
    enum insp_heat_kind other = INSP_HEAT_KINDS;
    for (enum insp_heat_kind k = 0; k < INSP_HEAT_KINDS; k++)
        if (k != maps->taken && (other == INSP_HEAT_KINDS || figure(maps, k) > figure(maps, other)))
            other = k;
    return other;
}

static json_t *reason_json(const struct insp_heat_maps *maps) {
    const char *by = maps->from == INSP_HEAT_BY_MASKS
                         ? "its area under the ROC curve of the masks' pixels"
                         : "the area under the ROC curve of its hottest cell, as no image has a mask,";
    enum insp_heat_kind taken = maps->taken, other = rival(maps);
    const char *not_taken = "";
    if (maps->from == INSP_HEAT_BY_PARAMETER)
        return json_sprintf("%s was asked for", words[taken]);
    if (!isfinite(figure(maps, INSP_HEAT_ACTIVATION)))
        return json_sprintf("%s was kept, because the held-out images show no difference to measure",
                            words[taken]);
    if (figure(maps, other) > figure(maps, taken))
        not_taken = dark(maps, other) ? ", not clearly larger" : ", but it shows heat on too many good parts";
    return json_sprintf("%s was taken: %s is %.3f on held-out images, that of %s %.3f%s", words[taken], by,
                        figure(maps, taken), words[other], figure(maps, other), not_taken);
}

json_t *insp_heat_maps_json(const struct insp_heat_maps *maps) {
    static const char *const from[] = {[INSP_HEAT_BY_MASKS] = "masks",
                                       [INSP_HEAT_BY_SEPARATION] = "separation",
                                       [INSP_HEAT_BY_PARAMETER] = "parameter"};
    json_t *list = json_array();
    for (enum insp_heat_kind k = 0; k < INSP_HEAT_KINDS; k++)
        if (json_array_append_new(list, json_pack("{s:s, s:o, s:o, s:o}", "name", insp_heat_kind_name(k),
                                                  "pixel_auroc", number(maps->figures[k].pixel_auroc),
                                                  "separation", number(maps->figures[k].separation), "good_shown",
                                                  insp_rate_json(&maps->figures[k].shown))) < 0) {
            json_decref(list);
            return NULL;
        }
    return json_pack("{s:s, s:s, s:I, s:o, s:o}", "taken", insp_heat_kind_name(maps->taken), "from",
                     from[maps->from], "masks", (json_int_t)maps->masks, "reason", reason_json(maps), "list",
                     list);
}
