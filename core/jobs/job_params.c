#include "core/jobs/job_params.h"

#include "core/base/cleanup.h"
#include "core/base/fs.h"
#include "core/model/float_json.h"
#include "core/train/train_mode.h"

#include <math.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>

static const char *const kind_names[] = {[INSP_JOB_TRAIN] = "train",
                                         [INSP_JOB_CROSS_VALIDATE] = "cross-validate",
                                         [INSP_JOB_EVALUATE] = "evaluate",
                                         [INSP_JOB_TRUNK_BANK] = "trunk-bank",
                                         [INSP_JOB_TRUNK_FETCH] = "trunk-fetch"};
static const char *const activate_names[] = {
    [INSP_ACTIVATE_NEVER] = "never", [INSP_ACTIVATE_IF_BETTER] = "if_better", [INSP_ACTIVATE_ALWAYS] = "always"};
static const char *const scale_names[] = {[INSP_SCALE_FIXED] = "fixed", [INSP_SCALE_PER_IMAGE] = "per_image"};

/* The heat that is chosen, then the kinds of heat in the order of their enum. */
static const char *const heat_names[] = {"auto", "class_activation", "good_only", "product"};

_Static_assert(INSP_COUNT(heat_names) == INSP_HEAT_KINDS + 1, "each heat has a name");
_Static_assert(INSP_COUNT(kind_names) == INSP_JOB_KINDS, "each kind has a name");

const char *insp_job_kind_name(enum insp_job_kind kind) {
    return kind_names[kind];
}

bool insp_job_of_trunk(enum insp_job_kind kind) {
    return kind == INSP_JOB_TRUNK_BANK || kind == INSP_JOB_TRUNK_FETCH;
}

static const char *const mode_names[] = {[INSP_MODE_AUTO] = "auto",
                                         [INSP_MODE_SUPERVISED] = "supervised",
                                         [INSP_MODE_GOOD_ONLY] = "good_only",
                                         [INSP_MODE_ADD_GOOD] = "add_good"};

static int index_of(const char *const *names, size_t count, const char *text) {
    for (size_t i = 0; i < count; i++)
        if (!strcmp(names[i], text))
            return (int)i;
    return -1;
}

bool insp_job_kind_parse(const char *text, enum insp_job_kind *ret) {
    int i = index_of(kind_names, INSP_COUNT(kind_names), text);
    if (i >= 0)
        *ret = (enum insp_job_kind)i;
    return i >= 0;
}

/* Numeric parameters, one row each. `kinds` is the bit set of the kinds of jobs that have the parameter. */
enum { TRAIN = 1 << INSP_JOB_TRAIN, FOLDS = 1 << INSP_JOB_CROSS_VALIDATE, EVALUATE = 1 << INSP_JOB_EVALUATE };
enum type { T_FLOAT, T_DOUBLE, T_UNSIGNED, T_UINT64 };

static const struct number_row {
    const char *name;
    unsigned kinds;
    enum type type;
    size_t offset; /* in struct insp_train_params */
    double low, high;
} numbers[] = {
#define ROW(kinds, type, field, low, high)                                                                        \
    { #field, (kinds), (type), offsetof(struct insp_train_params, field), (low), (high) }
    ROW(TRAIN | FOLDS, T_FLOAT, learning_rate, 1e-7, 1),
    ROW(TRAIN | FOLDS, T_UNSIGNED, epochs, 1, 1000),
    ROW(TRAIN | FOLDS, T_UNSIGNED, batch, 1, 256),
    ROW(TRAIN, T_FLOAT, target_accuracy, 0.5, 1),
    ROW(TRAIN, T_FLOAT, test_share, 0.01, 0.9),
    ROW(FOLDS, T_UNSIGNED, folds, 2, 20),
    ROW(TRAIN | FOLDS, T_UINT64, seed, 0, 9007199254740991.0), /* 2^53 - 1: exact in every JSON parser */
    ROW(TRAIN | FOLDS, T_FLOAT, threshold, 0, 1),
    ROW(TRAIN | FOLDS, T_FLOAT, heatmap_threshold, 0, 1),
    ROW(TRAIN | FOLDS, T_DOUBLE, max_missed, 0.001, 0.5),
    ROW(TRAIN | FOLDS, T_DOUBLE, max_rejected, 0.001, 0.5),
#undef ROW
};

static void store_number(void *place, enum type type, double value) {
    switch (type) {
    case T_FLOAT:
        *(float *)place = (float)value;
        break;
    case T_DOUBLE:
        *(double *)place = value;
        break;
    case T_UNSIGNED:
        *(unsigned *)place = (unsigned)value;
        break;
    case T_UINT64:
        *(uint64_t *)place = (uint64_t)value;
        break;
    }
}

static double load_number(const void *place, enum type type) {
    switch (type) {
    case T_FLOAT:
        return (double)*(const float *)place;
    case T_DOUBLE:
        return *(const double *)place;
    case T_UNSIGNED:
        return *(const unsigned *)place;
    default:
        return (double)*(const uint64_t *)place;
    }
}

static const struct number_row *find_number(const char *name) {
    for (size_t i = 0; i < INSP_COUNT(numbers); i++)
        if (!strcmp(numbers[i].name, name))
            return &numbers[i];
    return NULL;
}

static int parse_number(const struct number_row *row, const json_t *value, struct insp_train_params *train,
                        struct insp_error *reterr) {
    double number = json_number_value(value);
    bool real = row->type == T_FLOAT || row->type == T_DOUBLE, whole = real || json_is_integer(value);
    if (!json_is_number(value) || !whole || !(number >= row->low && number <= row->high))
        return insp_fail(reterr, INSP_E_PARAMETER, "%s must be %s from %.16g to %.16g", row->name,
                         real ? "a number" : "a whole number", row->low, row->high);
    store_number((char *)train + row->offset, row->type, number);
    return 0;
}

static int parse_choice(const char *name, const json_t *value, const char *const *names, size_t count, int *ret,
                        struct insp_error *reterr) {
    int i = json_is_string(value) ? index_of(names, count, json_string_value(value)) : -1;
    char list[128] = "";
    for (size_t n = 0; n < count; n++)
        snprintf(list + strlen(list), sizeof list - strlen(list), "%s\"%s\"", n ? ", " : "", names[n]);
    *ret = i;
    return i < 0 ? insp_fail(reterr, INSP_E_PARAMETER, "%s must be one of %s", name, list) : 0;
}

static int parse_class_weights(const json_t *value, float *weights, struct insp_error *reterr) {
    double w[INSP_CLASSES] = {0};
    bool good = json_is_array(value) && json_array_size(value) == INSP_CLASSES;
    for (size_t i = 0; good && i < INSP_CLASSES; i++) {
        const json_t *item = json_array_get(value, i);
        w[i] = json_number_value(item);
        good = json_is_number(item) && w[i] >= 0.001 && w[i] <= 1000;
    }
    if (!good)
        return insp_fail(reterr, INSP_E_PARAMETER,
                         "class_weights must be two numbers [good, anomaly], each from 0.001 to 1000");
    for (size_t i = 0; i < INSP_CLASSES; i++)
        weights[i] = (float)w[i];
    return 0;
}

static int parse_text(const char *name, const json_t *value, char *out, size_t bytes, struct insp_error *reterr) {
    const char *text = json_string_value(value);
    size_t n = json_string_length(value);
    if (!text || n == 0 || n >= bytes || strlen(text) != n)
        return insp_fail(reterr, INSP_E_PARAMETER, "%s must be a string of 1 to %zu bytes", name, bytes - 1);
    memcpy(out, text, n + 1);
    return 0;
}

static int parse_flag(const char *name, const json_t *value, bool *ret, struct insp_error *reterr) {
    if (!json_is_boolean(value))
        return insp_fail(reterr, INSP_E_PARAMETER, "%s must be true or false", name);
    *ret = json_is_true(value);
    return 0;
}

/* Reads "threshold": a number, or for a training "auto". */
static int parse_threshold(enum insp_job_kind kind, const json_t *value, struct insp_train_params *train,
                           struct insp_error *reterr) {
    bool chosen = kind == INSP_JOB_TRAIN && json_is_string(value) && !strcmp(json_string_value(value), "auto");
    train->threshold_auto = chosen;
    if (chosen)
        return 0;
    if (kind == INSP_JOB_TRAIN && !json_is_number(value))
        return insp_fail(reterr, INSP_E_PARAMETER, "threshold must be a number from 0 to 1, or \"auto\"");
    return parse_number(find_number("threshold"), value, train, reterr);
}

static int parse_tiles(const json_t *value, struct insp_tiles *ret, struct insp_error *reterr) {
    const char *text = json_string_value(value);
    return text && insp_tiles_parse(text, ret)
               ? 0
               : insp_fail(
                     reterr, INSP_E_PARAMETER,
                     "tiles must be \"COLUMNSxROWS\", such as \"4x3\": at most %d columns, %d rows and %d tiles; "
                     "\"1x1\" for none",
                     INSP_TILES_SIDE_MAX, INSP_TILES_SIDE_MAX, INSP_TILES_MAX);
}

static int parse_member(enum insp_job_kind kind, const char *name, const json_t *value, struct insp_job_params *p,
                        struct insp_error *reterr) {
    unsigned bit = 1u << kind;
    int choice, r;
    const struct number_row *row = find_number(name);
    if (!strcmp(name, "threshold") && bit != EVALUATE)
        return parse_threshold(kind, value, &p->train, reterr);
    if (row && (row->kinds & bit))
        return parse_number(row, value, &p->train, reterr);
    if (!strcmp(name, "dataset"))
        return parse_text(name, value, p->dataset, sizeof p->dataset, reterr);
    if (!strcmp(name, "skip_unreadable"))
        return parse_flag(name, value, &p->train.skip_unreadable, reterr);
    if (!strcmp(name, "candidates") && bit != EVALUATE)
        return parse_flag(name, value, &p->train.candidates, reterr);
    if (!strcmp(name, "class_weights") && bit != EVALUATE)
        return parse_class_weights(value, p->train.class_weights, reterr);
    if (!strcmp(name, "version") && bit == EVALUATE) {
        r = parse_text(name, value, p->version, sizeof p->version, reterr);
        return r < 0 || insp_name_valid(p->version) ? r
                                                    : insp_fail(reterr, INSP_E_PARAMETER, "version is not a name");
    }
    if (!strcmp(name, "activate") && bit == TRAIN) {
        r = parse_choice(name, value, activate_names, INSP_COUNT(activate_names), &choice, reterr);
        if (r == 0)
            p->train.activate = (enum insp_activate)choice;
        return r;
    }
    if (!strcmp(name, "mode") && bit != EVALUATE) {
        /* add_good, the last one, changes a version: it cannot be cross-validated. */
        r = parse_choice(name, value, mode_names, INSP_COUNT(mode_names) - (bit != TRAIN), &choice, reterr);
        if (r == 0)
            p->train.mode = (enum insp_train_mode)choice;
        return r;
    }
    if (!strcmp(name, "tiles") && bit != EVALUATE)
        return parse_tiles(value, &p->train.tiles, reterr);
    if (!strcmp(name, "input") && bit != EVALUATE) {
        const char *text = json_string_value(value);
        return text && insp_transform_named(text, &p->train.input)
                   ? 0
                   : insp_fail(reterr, INSP_E_PARAMETER, "input must be one of \"notebook\", \"imagenet\"");
    }
    if (!strcmp(name, "heat") && bit == TRAIN) {
        r = parse_choice(name, value, heat_names, INSP_COUNT(heat_names), &choice, reterr);
        p->train.heat_auto = choice <= 0;
        p->train.heat = choice > 0 ? (enum insp_heat_kind)(choice - 1) : INSP_HEAT_ACTIVATION;
        return r;
    }
    if (!strcmp(name, "heatmap_scale") && bit != EVALUATE) {
        r = parse_choice(name, value, scale_names, INSP_COUNT(scale_names), &choice, reterr);
        if (r == 0)
            p->train.heatmap_scale = (enum insp_heatmap_scale)choice;
        return r;
    }
    return insp_fail(reterr, INSP_E_PARAMETER, "%s has no parameter \"%s\"", kind_names[kind], name);
}

/* Reads "recipe": "notebook" names the default recipe with its tail alone, whatever the set has. Other parameters
 * may still change it. */
static int parse_recipe(enum insp_job_kind kind, const json_t *value, struct insp_train_params *train,
                        struct insp_error *reterr) {
    if (!value)
        return 0;
    if (kind == INSP_JOB_EVALUATE)
        return insp_fail(reterr, INSP_E_PARAMETER, "%s has no parameter \"recipe\"", kind_names[kind]);
    if (!json_is_string(value) || strcmp(json_string_value(value), "notebook") != 0)
        return insp_fail(reterr, INSP_E_PARAMETER, "recipe must be \"notebook\"");
    train->mode = INSP_MODE_SUPERVISED;
    train->candidates = false;
    train->heat_auto = false;
    train->heat = INSP_HEAT_ACTIVATION;
    train->threshold_auto = false;
    return 0;
}

/* A filter bank needs images and the transform of the later trainings; a fetch has no parameters. */
static int parse_trunk_member(enum insp_job_kind kind, const char *name, const json_t *value,
                              struct insp_job_params *p, struct insp_error *reterr) {
    bool known = !strcmp(name, "dataset") || !strcmp(name, "input");
    if (kind == INSP_JOB_TRUNK_BANK && known)
        return parse_member(INSP_JOB_TRAIN, name, value, p, reterr);
    return insp_fail(reterr, INSP_E_PARAMETER, "%s has no parameter \"%.64s\"", kind_names[kind], name);
}

int insp_job_params_parse(enum insp_job_kind kind, const json_t *object, struct insp_job_params *ret,
                          struct insp_error *reterr) {
    struct insp_job_params p = {.train = insp_train_params_default()};
    p.train.threshold_auto = kind == INSP_JOB_TRAIN; /* other jobs choose none */
    if (!json_is_object(object))
        return insp_fail(reterr, INSP_E_PARAMETER, "the parameters must be a JSON object");
    const char *name;
    json_t *value;
    int r = insp_job_of_trunk(kind) ? 0 : parse_recipe(kind, json_object_get(object, "recipe"), &p.train, reterr);
    if (r < 0)
        return r;
    json_object_foreach((json_t *)(uintptr_t)object, name, value) { /* the macro only reads */
        r = insp_job_of_trunk(kind)  ? parse_trunk_member(kind, name, value, &p, reterr)
            : strcmp(name, "recipe") ? parse_member(kind, name, value, &p, reterr)
                                     : 0;
        if (r < 0)
            return r;
    }
    if (!*p.dataset && kind != INSP_JOB_TRUNK_FETCH && p.train.mode != INSP_MODE_ADD_GOOD)
        return insp_fail(reterr, INSP_E_PARAMETER,
                         "dataset is required: a folder below one of training.dataset_roots, such as \"carpet\"");
    r = insp_train_tiles_check(&p.train, reterr);
    if (r == 0)
        *ret = p;
    return r;
}

json_t *insp_job_params_json(enum insp_job_kind kind, const struct insp_job_params *p) {
    unsigned bit = 1u << kind;
    const struct insp_train_params *t = &p->train;
    char tiles[INSP_TILES_TEXT_BYTES];
    if (kind == INSP_JOB_TRUNK_FETCH)
        return json_object();
    if (kind == INSP_JOB_TRUNK_BANK)
        return json_pack("{s:s, s:s}", "dataset", p->dataset, "input", insp_transform_name(&t->input));
    json_t *object = json_pack("{s:s*, s:b}", "dataset", *p->dataset ? p->dataset : NULL, "skip_unreadable",
                               t->skip_unreadable);
    if (!object)
        return NULL;
    if (*p->version)
        json_object_set_new(object, "version", json_string(p->version));
    if (bit == TRAIN) {
        json_object_set_new(object, "activate", json_string(activate_names[t->activate]));
        json_object_set_new(object, "heat", json_string(heat_names[t->heat_auto ? 0 : t->heat + 1]));
    }
    if (bit != EVALUATE) {
        json_object_set_new(object, "candidates", json_boolean(t->candidates));
        json_object_set_new(object, "mode", json_string(mode_names[t->mode]));
        json_object_set_new(object, "tiles", json_string(insp_tiles_text(t->tiles, tiles)));
        json_object_set_new(object, "input", json_string(insp_transform_name(&t->input)));
        json_object_set_new(object, "heatmap_scale", json_string(scale_names[t->heatmap_scale]));
        json_object_set_new(
            object, "class_weights",
            json_pack("[o,o]", insp_float_json(t->class_weights[0]), insp_float_json(t->class_weights[1])));
    }
    for (size_t i = 0; i < INSP_COUNT(numbers); i++) {
        double value = load_number((const char *)t + numbers[i].offset, numbers[i].type);
        if (numbers[i].kinds & bit)
            json_object_set_new(object, numbers[i].name,
                                numbers[i].type == T_FLOAT    ? insp_float_json((float)value)
                                : numbers[i].type == T_DOUBLE ? json_real(value)
                                                              : json_integer((json_int_t)value));
    }
    if (bit == TRAIN && t->threshold_auto)
        json_object_set_new(object, "threshold", json_string("auto"));
    return object;
}
