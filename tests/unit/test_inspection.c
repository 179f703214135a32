#include "core/inspect/inspection.h"

#include "core/model/model.h"
#include "tests/unit/harness.h"

#include <string.h>

START_TEST(test_each_has_an_id_of_its_own) {
    _cleanup_(insp_inspection_freep) struct insp_inspection *a = insp_inspection_new(), *b = insp_inspection_new();
    ck_assert(insp_uuid_valid(a->id) && insp_uuid_valid(b->id));
    ck_assert_str_lt(a->id, b->id);
    insp_inspection_free(NULL);
}
END_TEST

START_TEST(test_the_record_takes_the_models_settings) {
    _cleanup_(insp_inspection_freep) struct insp_inspection *job = insp_inspection_new();
    struct insp_model *model = calloc(1, sizeof *model);
    struct insp_record record;
    model->references = 1;
    model->manifest = insp_manifest_new();
    strcpy(model->manifest->product, "carpet");
    strcpy(model->manifest->version, "v7");
    model->manifest->threshold = 0.25f;
    model->manifest->heatmap =
        (struct insp_heat_params){.scale = INSP_SCALE_PER_IMAGE, .threshold = 0.5f, .low = -1, .high = 3};
    job->model = model;
    job->type.media = INSP_MEDIA_JPEG;
    insp_inspection_record(job, &record);
    ck_assert_str_eq(record.product, "carpet");
    ck_assert_str_eq(record.model, "v7");
    ck_assert_str_eq(record.extension, "jpg");
    ck_assert_uint_eq(record.box_count, 0);
    ck_assert(record.threshold == 0.25f && record.heat_threshold == 0.5f);
    ck_assert(record.heat_low == -1 && record.heat_high == 3 && record.heat_per_image);
    ck_assert(record.image_kept);
}
END_TEST

INSP_TESTS(test_each_has_an_id_of_its_own, test_the_record_takes_the_models_settings);
