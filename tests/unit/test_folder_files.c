#include "api/sources/folder_files.h"

#include "tests/unit/harness.h"

#include <string.h>

enum { MANY = 10000 };

static const char *name(unsigned i) {
    static char text[32];
    snprintf(text, sizeof text, "/in/%u.jpg", i);
    return text;
}

START_TEST(files_are_found_and_keep_their_order) {
    struct api_files *files = calloc(1, sizeof *files);
    for (unsigned i = 0; i < MANY; i++) {
        struct api_file *file = api_files_add(files, name(i));
        ck_assert_ptr_eq(file->watched.path, file->path);
    }
    for (unsigned i = 0; i < MANY; i += 2)
        api_files_remove(files, api_files_find(files, name(i)));
    ck_assert_uint_eq(files->count, MANY / 2);
    unsigned next = 1;
    for (const struct api_file *file = files->head; file; file = file->next, next += 2) {
        ck_assert_str_eq(file->path, name(next));
        ck_assert_ptr_eq(api_files_find(files, name(next)), file);
        ck_assert_ptr_null(api_files_find(files, name(next - 1)));
    }
    ck_assert_uint_eq(next, MANY + 1);
    api_files_clear(files);
    ck_assert(!files->head && !files->tail && !files->count);
    free(files);
}
END_TEST

START_TEST(only_files_that_wait_are_forgotten) {
    struct api_files *files = calloc(1, sizeof *files);
    for (unsigned i = 0; i < 8; i++)
        api_files_add(files, name(i))->state = (enum api_file_state)(i % 4);
    api_files_find(files, name(1))->line = strdup("{}");
    api_files_forget_waiting(files);
    ck_assert(files->count == 6 && !api_files_find(files, name(0)) && !api_files_find(files, name(4)));
    api_files_remove(files, api_files_find(files, name(1)));
    api_files_clear(files);
    free(files);
}
END_TEST

INSP_TESTS(files_are_found_and_keep_their_order, only_files_that_wait_are_forgotten);
