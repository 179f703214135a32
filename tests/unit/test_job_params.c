#include "core/jobs/job_params.h"
#include "harness.h"

#include <string.h>

static struct insp_error err;

static int parse(enum insp_job_kind kind, const char *text, struct insp_job_params *ret) {
    json_t *object = json_loads(text, JSON_ALLOW_NUL, NULL);
    ck_assert_ptr_nonnull(object);
    int r = insp_job_params_parse(kind, object, ret, &err);
    json_decref(object);
    return r;
}

START_TEST(the_defaults_are_the_notebooks) {
    struct insp_job_params p;
    ck_insp_ok(parse(INSP_JOB_TRAIN, "{\"dataset\":\"carpet\"}", &p), err);
    ck_assert_str_eq(p.dataset, "carpet");
    ck_assert_float_eq(p.train.class_weights[0], 1);
    ck_assert_float_eq(p.train.class_weights[1], 3);
    ck_assert_float_eq(p.train.learning_rate, 1e-4f);
    ck_assert_uint_eq(p.train.epochs, 10);
    ck_assert_uint_eq(p.train.batch, 10);
    ck_assert_float_eq(p.train.target_accuracy, 0.98f);
    ck_assert_float_eq(p.train.test_share, 0.2f);
    ck_assert_uint_eq(p.train.folds, 5);
    ck_assert_double_eq(p.train.max_missed, 0.05);
    ck_assert_uint_eq(p.train.seed, 42);
    ck_assert_float_eq(p.train.heatmap_threshold, 0.7f);
    ck_assert_int_eq(p.train.activate, INSP_ACTIVATE_IF_BETTER);
    ck_assert_int_eq(p.train.mode, INSP_MODE_AUTO);
    ck_insp_ok(parse(INSP_JOB_TRAIN, "{\"dataset\":\"carpet\",\"recipe\":\"notebook\"}", &p), err);
    ck_assert_int_eq(p.train.mode, INSP_MODE_SUPERVISED); /* the notebook knows no other */
    ck_assert(!p.train.candidates);
    ck_insp_ok(parse(INSP_JOB_CROSS_VALIDATE, "{\"dataset\":\"carpet\"}", &p), err);
    ck_assert(p.train.candidates && !p.train.threshold_auto);
    ck_insp_ok(parse(INSP_JOB_CROSS_VALIDATE, "{\"dataset\":\"carpet\",\"recipe\":\"notebook\"}", &p), err);
    ck_assert(!p.train.candidates && p.train.mode == INSP_MODE_SUPERVISED);
    json_t *shown = insp_job_params_json(INSP_JOB_CROSS_VALIDATE, &p);
    ck_assert(json_is_false(json_object_get(shown, "candidates")));
    json_decref(shown);
}
END_TEST

START_TEST(every_parameter_is_taken) {
    struct insp_job_params p;
    ck_insp_ok(
        parse(INSP_JOB_TRAIN,
              "{\"dataset\":\"a/b\",\"class_weights\":[2,5],\"learning_rate\":0.001,\"epochs\":3,\"batch\":4,"
              "\"target_accuracy\":1,\"test_share\":0.3,\"seed\":7,\"threshold\":0.4,\"heatmap_threshold\":0.6,"
              "\"heatmap_scale\":\"per_image\",\"input\":\"imagenet\",\"activate\":\"always\",\"skip_unreadable\":"
              "true,\"mode\":\"good_only\",\"max_rejected\":0.01,\"candidates\":false,\"tiles\":\"8x6\"}",
              &p),
        err);
    ck_assert(!p.train.candidates && p.train.tiles.columns == 8 && p.train.tiles.rows == 6);
    ck_assert_float_eq(p.train.class_weights[1], 5);
    ck_assert_float_eq(p.train.learning_rate, 0.001f);
    ck_assert_uint_eq(p.train.batch, 4);
    ck_assert_uint_eq(p.train.seed, 7);
    ck_assert_int_eq(p.train.heatmap_scale, INSP_SCALE_PER_IMAGE);
    ck_assert_int_eq(p.train.activate, INSP_ACTIVATE_ALWAYS);
    ck_assert_str_eq(insp_transform_name(&p.train.input), "imagenet");
    ck_assert(p.train.skip_unreadable);
    ck_assert_int_eq(p.train.mode, INSP_MODE_GOOD_ONLY);
    ck_assert_double_eq(p.train.max_rejected, 0.01);
    ck_assert(!p.train.threshold_auto);
    ck_insp_ok(parse(INSP_JOB_TRAIN, "{\"dataset\":\"a\",\"threshold\":\"auto\"}", &p), err);
    ck_assert(p.train.threshold_auto);
    json_t *written = insp_job_params_json(INSP_JOB_TRAIN, &p);
    struct insp_job_params again;
    ck_insp_ok(insp_job_params_parse(INSP_JOB_TRAIN, written, &again, &err), err); /* the job's process reads it */
    ck_assert(again.train.threshold_auto);
    json_decref(written);
    ck_insp_ok(parse(INSP_JOB_EVALUATE, "{\"dataset\":\"a\",\"version\":\"v1\"}", &p), err);
    ck_assert_str_eq(p.version, "v1");
    ck_insp_ok(parse(INSP_JOB_CROSS_VALIDATE, "{\"dataset\":\"a\",\"folds\":3,\"max_missed\":0.02}", &p), err);
    ck_assert_uint_eq(p.train.folds, 3);
    ck_assert_double_eq(p.train.max_missed, 0.02);
}
END_TEST

START_TEST(what_is_wrong_is_named_with_its_range) {
    static const struct {
        enum insp_job_kind kind;
        const char *text, *says;
    } bad[] = {
        {INSP_JOB_TRAIN, "[]", "JSON object"},
        {INSP_JOB_TRAIN, "{}", "dataset is required"},
        {INSP_JOB_TRAIN, "{\"dataset\":\"\"}", "dataset"},
        {INSP_JOB_TRAIN, "{\"dataset\":\"a\\u0000b\"}", "dataset"},
        {INSP_JOB_TRAIN, "{\"dataset\":\"a\",\"epochs\":0}", "epochs must be a whole number from 1 to 1000"},
        {INSP_JOB_TRAIN, "{\"dataset\":\"a\",\"epochs\":2.5}", "epochs"},
        {INSP_JOB_TRAIN, "{\"dataset\":\"a\",\"epochs\":\"3\"}", "epochs"},
        {INSP_JOB_TRAIN, "{\"dataset\":\"a\",\"learning_rate\":1e300}", "learning_rate must be a number from"},
        {INSP_JOB_TRAIN, "{\"dataset\":\"a\",\"class_weights\":[1]}", "class_weights"},
        {INSP_JOB_TRAIN, "{\"dataset\":\"a\",\"class_weights\":[1,0]}", "class_weights"},
        {INSP_JOB_TRAIN, "{\"dataset\":\"a\",\"activate\":\"maybe\"}", "\"never\", \"if_better\", \"always\""},
        {INSP_JOB_TRAIN, "{\"dataset\":\"a\",\"heatmap_scale\":1}", "\"fixed\", \"per_image\""},
        {INSP_JOB_TRAIN, "{\"dataset\":\"a\",\"input\":\"coco\"}", "\"notebook\", \"imagenet\""},
        {INSP_JOB_EVALUATE, "{\"dataset\":\"a\",\"input\":\"notebook\"}", "input"},
        {INSP_JOB_TRAIN, "{\"dataset\":\"a\",\"skip_unreadable\":1}", "true or false"},
        {INSP_JOB_TRAIN, "{\"dataset\":\"a\",\"epoch\":3}", "train has no parameter \"epoch\""},
        {INSP_JOB_TRAIN, "{\"dataset\":\"a\",\"folds\":3}", "folds"},
        {INSP_JOB_EVALUATE, "{\"dataset\":\"a\",\"version\":\"../x\"}", "version"},
        {INSP_JOB_CROSS_VALIDATE, "{\"dataset\":\"a\",\"max_missed\":0.0009}",
         "max_missed must be a number from 0.001 to 0.5"},
        {INSP_JOB_EVALUATE, "{\"dataset\":\"a\",\"max_missed\":0.05}", "no parameter \"max_missed\""},
        {INSP_JOB_EVALUATE, "{\"dataset\":\"a\",\"batch\":3}", "batch"},
        {INSP_JOB_TRAIN, "{\"mode\":\"auto\"}", "dataset is required"},
        {INSP_JOB_TRAIN, "{\"dataset\":\"a\",\"threshold\":\"best\"}",
         "threshold must be a number from 0 to 1, or \"auto\""},
        {INSP_JOB_CROSS_VALIDATE, "{\"dataset\":\"a\",\"threshold\":\"auto\"}", "threshold must be a number"},
        {INSP_JOB_TRAIN, "{\"dataset\":\"a\",\"mode\":\"both\"}",
         "\"auto\", \"supervised\", \"good_only\", \"add_good\""},
        {INSP_JOB_CROSS_VALIDATE, "{\"dataset\":\"a\",\"mode\":\"add_good\"}",
         "mode must be one of \"auto\", \"supervised\", \"good_only\""},
        {INSP_JOB_EVALUATE, "{\"dataset\":\"a\",\"mode\":\"auto\"}", "no parameter \"mode\""},
        {INSP_JOB_TRAIN, "{\"dataset\":\"a\",\"max_rejected\":0}",
         "max_rejected must be a number from 0.001 to 0.5"},
        {INSP_JOB_TRAIN, "{\"dataset\":\"a\",\"recipe\":\"mine\"}", "recipe must be \"notebook\""},
        {INSP_JOB_EVALUATE, "{\"dataset\":\"a\",\"recipe\":\"notebook\"}", "no parameter \"recipe\""},
    };
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        struct insp_job_params p;
        ck_insp_code(parse(bad[i].kind, bad[i].text, &p), INSP_E_PARAMETER, err);
        ck_assert_msg(strstr(err.detail, bad[i].says), "%s: %s", bad[i].text, err.detail);
    }
}
END_TEST

START_TEST(good_images_are_added_with_or_without_a_dataset) {
    struct insp_job_params p, again;
    ck_insp_ok(parse(INSP_JOB_TRAIN, "{\"mode\":\"add_good\"}", &p), err);
    ck_assert_str_eq(p.dataset, "");
    json_t *json = insp_job_params_json(INSP_JOB_TRAIN, &p);
    ck_assert_ptr_null(json_object_get(json, "dataset"));
    ck_insp_ok(insp_job_params_parse(INSP_JOB_TRAIN, json, &again, &err), err);
    ck_assert(again.train.mode == INSP_MODE_ADD_GOOD && !*again.dataset);
    json_decref(json);
    ck_insp_ok(parse(INSP_JOB_TRAIN, "{\"mode\":\"add_good\",\"dataset\":\"more\"}", &p), err);
    ck_assert_str_eq(p.dataset, "more");
}
END_TEST

START_TEST(json_of_parameters_parses_to_the_same) {
    static const char *const names[] = {"dataset", "learning_rate", "seed", "class_weights", "activate"};
    struct insp_job_params p;
    ck_insp_ok(parse(INSP_JOB_TRAIN, "{\"dataset\":\"a\",\"seed\":9007199254740991,\"learning_rate\":0.0003}", &p),
               err);
    json_t *object = insp_job_params_json(INSP_JOB_TRAIN, &p);
    for (size_t i = 0; i < sizeof names / sizeof *names; i++)
        ck_assert_ptr_nonnull(json_object_get(object, names[i]));
    struct insp_job_params q;
    ck_insp_ok(insp_job_params_parse(INSP_JOB_TRAIN, object, &q, &err), err);
    ck_assert_uint_eq(q.train.seed, p.train.seed);
    ck_assert_float_eq(q.train.learning_rate, p.train.learning_rate);
    json_decref(object);
}
END_TEST

START_TEST(kinds_have_names) {
    enum insp_job_kind kind;
    ck_assert(insp_job_kind_parse("cross-validate", &kind));
    ck_assert_int_eq(kind, INSP_JOB_CROSS_VALIDATE);
    ck_assert(!insp_job_kind_parse("dance", &kind));
    ck_assert_str_eq(insp_job_kind_name(INSP_JOB_EVALUATE), "evaluate");
}
END_TEST

INSP_TESTS(good_images_are_added_with_or_without_a_dataset, the_defaults_are_the_notebooks,
           every_parameter_is_taken, what_is_wrong_is_named_with_its_range, json_of_parameters_parses_to_the_same,
           kinds_have_names);
