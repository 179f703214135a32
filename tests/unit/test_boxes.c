#include "core/store/boxes.h"
#include "tests/unit/harness.h"

#include <string.h>

START_TEST(test_text_and_back) {
    const struct insp_box box[] = {{1, 2, 3, 4, 0.8f}, {UINT32_MAX, 0, 4096, 1, 1}, {0, 0, 1, 1, 0.00004f}};
    struct insp_box got[INSP_BOXES_MAX];
    char text[INSP_BOXES_TEXT_BYTES];
    size_t count;
    insp_boxes_format(box, 3, text);
    ck_assert_str_eq(text, "[{\"x\":1,\"y\":2,\"width\":3,\"height\":4,\"max\":0.8000},"
                           "{\"x\":4294967295,\"y\":0,\"width\":4096,\"height\":1,\"max\":1.0000},"
                           "{\"x\":0,\"y\":0,\"width\":1,\"height\":1,\"max\":0.0000}]");
    ck_assert(insp_boxes_parse(text, got, &count));
    ck_assert_uint_eq(count, 3);
    ck_assert_mem_eq(got, box, 2 * sizeof *box);
    ck_assert(got[2].max == 0);
}
END_TEST

START_TEST(test_none) {
    struct insp_box got[INSP_BOXES_MAX];
    char text[INSP_BOXES_TEXT_BYTES];
    size_t count = 1;
    insp_boxes_format(NULL, 0, text);
    ck_assert_str_eq(text, "[]");
    ck_assert(insp_boxes_parse(text, got, &count));
    ck_assert_uint_eq(count, 0);
}
END_TEST

START_TEST(test_as_many_as_there_can_be_with_the_longest_numbers) {
    struct insp_box box[INSP_BOXES_MAX + 1], got[INSP_BOXES_MAX];
    char text[INSP_BOXES_TEXT_BYTES];
    size_t count;
    for (size_t i = 0; i < INSP_BOXES_MAX + 1; i++)
        box[i] = (struct insp_box){UINT32_MAX, UINT32_MAX, UINT32_MAX, UINT32_MAX, 0.5f};
    insp_boxes_format(box, INSP_BOXES_MAX + 1, text); /* the last is left out */
    ck_assert(insp_boxes_parse(text, got, &count));
    ck_assert_uint_eq(count, INSP_BOXES_MAX);
    ck_assert_mem_eq(got, box, sizeof got);
}
END_TEST

START_TEST(test_damaged_texts) {
    static const char *const damaged[] = {
        "",
        "[",
        "]",
        "[]]",
        "[{}]",
        "[,]",
        "null",
        "[{\"x\":1,\"y\":2,\"width\":3,\"height\":4,\"max\":0.8000}",
        "[{\"x\":1,\"y\":2,\"width\":3,\"height\":4,\"max\":0.8000},]",
        "[{\"x\":1,\"y\":2,\"width\":3,\"height\":4,\"max\":0.8000}{\"x\":1,\"y\":2,\"width\":3,\"height\":4,"
        "\"max\":0.8}]",
        "[{\"x\":-1,\"y\":2,\"width\":3,\"height\":4,\"max\":0.8000}]",
        "[{\"x\":4294967296,\"y\":2,\"width\":3,\"height\":4,\"max\":0.8000}]",
        "[{\"x\":1,\"y\":2,\"width\":3,\"height\":4,\"max\":10.8000}]",
        "[{\"x\":1,\"y\":2,\"width\":3,\"height\":4,\"max\":0.80000}]",
        "[{\"x\":1,\"y\":2,\"width\":3,\"height\":4,\"max\":0.8}]",
    };
    struct insp_box got[INSP_BOXES_MAX];
    for (size_t i = 0; i < sizeof damaged / sizeof *damaged; i++) {
        size_t count = 7;
        ck_assert_msg(!insp_boxes_parse(damaged[i], got, &count), "%s", damaged[i]);
        ck_assert_uint_eq(count, 0);
    }
}
END_TEST

INSP_TESTS(test_text_and_back, test_none, test_as_many_as_there_can_be_with_the_longest_numbers,
           test_damaged_texts);
