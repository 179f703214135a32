/* tests/unit/field_samples.h - make fields for tests. */
#ifndef INSP_TESTS_FIELD_SAMPLES_H
#define INSP_TESTS_FIELD_SAMPLES_H

#include "core/region/field_set.h"
#include "harness.h"

/* Parses a set of JSON text and demands success. */
static inline struct insp_field_set *sample_fields(const char *text) {
    struct insp_field_set *set = NULL;
    struct insp_error error = {0};
    json_error_t why;
    json_t *json = json_loads(text, JSON_DECODE_ANY, &why);
    ck_assert_msg(json != NULL, "%s: %s", text, why.text);
    ck_insp_ok(insp_field_set_parse(json, &set, &error), error);
    json_decref(json);
    return set;
}

#define SAMPLE_LEFT_HALF "[[0,0],[0.5,0],[0.5,1],[0,1]]"
#define SAMPLE_RIGHT_HALF "[[0.5,0],[1,0],[1,1],[0.5,1]]"

#endif
