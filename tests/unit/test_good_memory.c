#include "core/model/good/good_memory.h"

#include "core/base/fs.h"
#include "core/model/safetensors.h"
#include "tests/unit/harness.h"

#include <math.h>
#include <string.h>
#include <unistd.h>

static struct insp_error err;
static char folder[64], path[96];

static void open_folder(void) {
    strcpy(folder, "/tmp/insp-memory-XXXXXX");
    ck_assert_ptr_nonnull(mkdtemp(folder));
    snprintf(path, sizeof path, "%s/" INSP_GOOD_SUMS_FILE, folder);
}

static void close_folder(void) {
    ck_insp_ok(insp_remove_tree(folder, &err), err);
}

static void hash_of(unsigned number, char *ret) {
    insp_sha256_hex(&number, sizeof number, ret);
}

/* Adds image `number`: all of its values are that number, its score a tenth of it. */
static void add(struct insp_good_memory *memory, unsigned number) {
    struct insp_good_sample *sample = calloc(1, sizeof *sample);
    char sha256[INSP_SHA256_HEX_BYTES];
    for (size_t i = 0; i < sizeof sample->x / sizeof(float); i++)
        (&sample->x[0][0][0])[i] = (float)number;
    sample->tap_sum[1] = number;
    hash_of(number, sha256);
    ck_insp_ok(insp_good_memory_add(memory, sha256, sample, 1, (float)number / 10, &err), err);
    free(sample);
}

static struct insp_good_memory some(unsigned count) {
    struct insp_good_memory memory = {.sums = insp_good_sums_new()};
    for (unsigned i = 1; i <= count; i++)
        add(&memory, i);
    return memory;
}

START_TEST(everything_survives_the_file_bit_for_bit) {
    open_folder();
    struct insp_good_memory memory = some(9), back = {0};
    char sha256[INSP_SHA256_HEX_BYTES];
    bool found;
    ck_insp_ok(insp_good_memory_write(path, &memory, &err), err);
    ck_insp_ok(insp_good_memory_read(path, &back, &err), err);
    ck_assert_mem_eq(back.sums, memory.sums, sizeof *memory.sums);
    ck_assert_mem_eq(back.score, memory.score, 9 * sizeof *memory.score);
    ck_assert_mem_eq(back.sha256, memory.sha256, 9 * sizeof *memory.sha256);
    ck_assert_double_eq(back.sums->product[48][5049][15], 285); /* 1 + 4 + ... + 81 */
    for (unsigned i = 1; i <= 9; i++) { /* each score stays with its image, whatever the order of the hashes */
        hash_of(i, sha256);
        size_t at = insp_good_memory_find(&back, sha256, &found);
        ck_assert(found && back.score[at] == (float)i / 10);
    }
    hash_of(10, sha256);
    insp_good_memory_find(&back, sha256, &found);
    ck_assert(!found);
    insp_good_memory_clear(&memory);
    insp_good_memory_clear(&back);
    close_folder();
}
END_TEST

static void refused(const struct insp_good_memory *memory, const char *says) {
    struct insp_good_memory back = {0};
    ck_insp_ok(insp_good_memory_write(path, memory, &err), err);
    ck_insp_code(insp_good_memory_read(path, &back, &err), INSP_E_MODEL, err);
    ck_assert_msg(strstr(err.detail, says) && strstr(err.detail, INSP_GOOD_SUMS_FILE), "%s", err.detail);
    ck_assert_ptr_null(back.sums);
}

START_TEST(values_that_no_fit_can_use_are_refused) {
    open_folder();
    struct insp_good_memory memory = some(3);
    memory.score[1] = -1;
    refused(&memory, "tensor score: element 1");
    memory.score[1] = NAN;
    refused(&memory, "tensor score: element 1");
    memory.score[1] = 0;
    memory.sums->sum[3][4][5] = INFINITY;
    refused(&memory, "tensor sum: element");
    memory.sums->sum[3][4][5] = 0;
    memory.sums->product[0][0][1] = NAN;
    refused(&memory, "tensor product: element 1");
    memory.sums->product[0][0][1] = 0;
    memory.sums->tap_squares[2] = NAN;
    refused(&memory, "tensor tap_squares: element 2");
    memory.sums->tap_squares[2] = 0;
    strcpy(memory.sha256[2], memory.sha256[1]);
    refused(&memory, "tensor sha256: row 2");
    insp_good_memory_clear(&memory);
    close_folder();
}
END_TEST

START_TEST(another_file_is_refused) {
    open_folder();
    struct insp_good_memory back = {0};
    double count[2] = {3, 3};
    struct insp_tensor tensor = {
        .name = "count", .dtype = INSP_F64, .rank = 1, .shape = {1}, .elements = 1, .data = count};
    ck_insp_code(insp_good_memory_read(path, &back, &err), INSP_E_IO, err);
    ck_insp_ok(insp_safetensors_write(path, &tensor, 1, &err), err);
    ck_insp_code(insp_good_memory_read(path, &back, &err), INSP_E_MODEL, err);
    ck_assert_ptr_nonnull(strstr(err.detail, "tensor tap_sum is missing"));
    static const double bad[] = {0, -1, 2.5, 1e12, NAN};
    for (size_t i = 0; i < INSP_COUNT(bad); i++) {
        count[0] = bad[i];
        ck_insp_ok(insp_safetensors_write(path, &tensor, 1, &err), err);
        ck_insp_code(insp_good_memory_read(path, &back, &err), INSP_E_MODEL, err);
        ck_assert_ptr_nonnull(strstr(err.detail, "not a number of images"));
    }
    tensor.shape[0] = tensor.elements = 2;
    ck_insp_ok(insp_safetensors_write(path, &tensor, 1, &err), err);
    ck_insp_code(insp_good_memory_read(path, &back, &err), INSP_E_MODEL, err);
    ck_assert_ptr_nonnull(strstr(err.detail, "another type or shape"));
    close_folder();
}
END_TEST

START_TEST(images_of_many_tiles_survive_too) {
    open_folder();
    struct insp_good_memory memory = some(2), back = {0};
    struct insp_good_sample *tiles = calloc(4, sizeof *tiles);
    char sha256[INSP_SHA256_HEX_BYTES];
    hash_of(3, sha256);
    ck_insp_ok(insp_good_memory_add(&memory, sha256, tiles, 4, 0.3F, &err), err);
    ck_insp_ok(insp_good_memory_write(path, &memory, &err), err);
    ck_insp_ok(insp_good_memory_read(path, &back, &err), err);
    ck_assert_uint_eq(back.images, 3);
    ck_assert_uint_eq(back.sums->count, 6);
    ck_assert_mem_eq(back.score, memory.score, 3 * sizeof *memory.score);
    free(tiles);
    insp_good_memory_clear(&memory);
    insp_good_memory_clear(&back);
    close_folder();
}
END_TEST

INSP_TESTS(images_of_many_tiles_survive_too, everything_survives_the_file_bit_for_bit,
           values_that_no_fit_can_use_are_refused, another_file_is_refused);
