#include "api/inspections/export_rows.h"

#include "tests/unit/harness.h"

#include <jansson.h>
#include <string.h>

static struct insp_record sample(void) {
    return (struct insp_record){.id = "019ab7a0-4f2c-7c3e-9d0a-5b1f3c2d4e6f",
                                .product = "carpet",
                                .model = "v1",
                                .camera = "c1",
                                .part = "",
                                .verdict = INSP_VERDICT_ANOMALY,
                                .probability = 0.1f,
                                .threshold = 0.5f,
                                .heat_max = 1,
                                .heat_area = 0.25f,
                                .heat_threshold = 0.7f,
                                .width = 640,
                                .height = 480,
                                .media_type = "image/png",
                                .image_bytes = 12,
                                .image_kept = true,
                                .sha256 = "00ff",
                                .received_us = 1764028800000000,
                                .total_us = 12345,
                                .wait_us = -1};
}

static char *csv(const struct insp_record *record) {
    char *text = NULL;
    size_t bytes;
    FILE *out = open_memstream(&text, &bytes);
    api_export_csv_row(out, record);
    fclose(out);
    return text;
}

static size_t commas(const char *text) {
    size_t count = 0;
    for (; *text; text++)
        count += *text == ',';
    return count;
}

START_TEST(test_a_row) {
    struct insp_record record = sample();
    char *text = csv(&record);
    ck_assert_str_eq(
        text, "019ab7a0-4f2c-7c3e-9d0a-5b1f3c2d4e6f,2025-11-25T00:00:00.000Z,carpet,c1,,anomaly,0.1,0.5,v1,,,,,,"
              "1,0.25,0.7,[],640,480,image/"
              "png,12,true,00ff,0.000,0.000,0.000,0.000,12.345,0.000,,false,,false,,,,,supervised\r\n");
    ck_assert_uint_eq(commas(text), commas(api_export_csv_header));
    free(text);
}
END_TEST

START_TEST(test_a_row_by_a_good_only_model) {
    struct insp_record record = sample();
    record.good_known = record.good_decided = true;
    record.good_score = 31.5f;
    record.good_threshold = 14;
    record.good_percentile = 100;
    char *text = csv(&record);
    ck_assert_ptr_nonnull(strstr(text, ",false,,31.5,14,100,good_only\r\n"));
    ck_assert_uint_eq(commas(text), commas(api_export_csv_header));
    free(text);
}
END_TEST

START_TEST(test_quotes_and_formulas) {
    struct insp_record record = sample();
    record.part = "=HYPERLINK(\"http://x\",1)";
    record.camera = "-1+1";
    record.label = INSP_LABEL_ANOMALY;
    record.label_defect = "@SUM";
    record.label_note = "two\nlines, \"quoted\"";
    record.labelled_by = "+49";
    record.box = &(const struct insp_box){1, 2, 3, 4, 0.5f};
    record.box_count = 1;
    char *text = csv(&record);
    ck_assert_ptr_nonnull(strstr(text, ",'-1+1,\"'=HYPERLINK(\"\"http://x\"\",1)\",anomaly,"));
    ck_assert_ptr_nonnull(strstr(text, ",anomaly,'@SUM,\"two\nlines, \"\"quoted\"\"\",'+49,"));
    ck_assert_ptr_nonnull(
        strstr(text, ",\"[{\"\"x\"\":1,\"\"y\"\":2,\"\"width\"\":3,\"\"height\"\":4,\"\"max\"\":0.5000}]\","));
    free(text);
}
END_TEST

/* A reader whose list separator is ; or tab, or who breaks rows at any line end, sees other cells than we wrote.
 */
START_TEST(test_formulas_behind_other_separators) {
    static const struct {
        const char *value, *cell;
    } rows[] = {
        {"x;=HYPERLINK(1)", "\"x;'=HYPERLINK(1)\""},
        {"x\t+1", "\"x\t'+1\""},
        {"x\n@SUM", "\"x\n'@SUM\""},
        {"x\r\n-1", "\"x\r\n'-1\""},
        {"\t=1", "\"'\t'=1\""},
        {"x;\"=1\"", "\"x;'\"\"=1\"\"\""},
        {"\"=1", "\"'\"\"=1\""},
        {"\ufeff=1", "'\ufeff=1"},
        {"\uff1d1", "'\uff1d1"},
        {"x;\uff20SUM", "\"x;'\uff20SUM\""},
        {"a;b=1", "\"a;b=1\""}, /* other text stays unchanged */
        {"a=1 b-2", "a=1 b-2"},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct insp_record record = sample();
        char wanted[64];
        record.camera = rows[i].value;
        char *text = csv(&record);
        snprintf(wanted, sizeof wanted, ",carpet,%s,,anomaly,", rows[i].cell);
        ck_assert_msg(strstr(text, wanted) != NULL, "%s: %s", rows[i].value, text);
        free(text);
    }
}
END_TEST

START_TEST(test_a_json_line) {
    struct insp_record record = sample();
    record.label_note = "two\nlines";
    record.label = INSP_LABEL_GOOD;
    char *text = NULL;
    size_t bytes;
    FILE *out = open_memstream(&text, &bytes);
    ck_assert_int_eq(api_export_json_row(out, &record), 0);
    fclose(out);
    ck_assert_ptr_eq(strchr(text, '\n'), text + bytes - 1);
    json_t *json = json_loads(text, 0, NULL);
    ck_assert_str_eq(json_string_value(json_object_get(json, "verdict")), "anomaly");
    json_decref(json);
    free(text);
}
END_TEST

INSP_TESTS(test_a_row, test_a_row_by_a_good_only_model, test_quotes_and_formulas,
           test_formulas_behind_other_separators, test_a_json_line);
