#include "core/dataset/class_name.h"

#include "core/base/cleanup.h"
#include "harness.h"

#define A64 "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"

START_TEST(names_of_classes) {
    static const char *const valid[] = {"good", "dark stain", "sp\xc3\xa4ne", "-1", A64};
    static const char *const not_valid[] = {"",
                                            ".",
                                            "..",
                                            ".x",
                                            "a/b",
                                            "a\\..\\",
                                            "a\nb",
                                            "Gr\xf6\xdf"
                                            "e",
                                            A64 "a"};
    for (size_t i = 0; i < INSP_COUNT(valid); i++)
        ck_assert_msg(insp_class_name_valid(valid[i]), "%s", valid[i]);
    for (size_t i = 0; i < INSP_COUNT(not_valid); i++)
        ck_assert_msg(!insp_class_name_valid(not_valid[i]), "%s", not_valid[i]);
}
END_TEST

START_TEST(good_and_system_names) {
    ck_assert(insp_class_name_system("@eaDir") && insp_class_name_system("thumbs.db") &&
              insp_class_name_system("lost+found") && insp_class_name_system("#recycle"));
    ck_assert(!insp_class_name_system("hole") && !insp_class_name_system("eaDir"));
    ck_assert(insp_class_name_good("good") && insp_class_name_good("Good") && insp_class_name_good("OK"));
    ck_assert(!insp_class_name_good("goods") && !insp_class_name_good("not good") && !insp_class_name_good(""));
}
END_TEST

INSP_TESTS(names_of_classes, good_and_system_names);
